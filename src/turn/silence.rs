//! The ladder of silence: nudge, offer to skip, move on, end kindly. Must never count the interviewer's own lines as a
//! sign of life.

use super::SilenceStep;
use super::settings::Silence;
use crate::interview::question::QuestionKind;
use std::time::{Duration, Instant};

/// Where on the ladder the conversation stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Ladder {
    /// The last step taken since the question.
    step: Option<SilenceStep>,
    /// From when this question's silence is counted.
    since: Option<Instant>,
    /// From when the candidate's absence over all questions is counted.
    idle_since: Option<Instant>,
    /// When the interviewer last fell silent.
    spoken_until: Option<Instant>,
}

impl Ladder {
    /// The candidate did or said something (or something at `from` will count as such, after a plea for time).
    pub fn alive(&mut self, from: Instant) {
        *self = Self { step: None, since: Some(from), idle_since: Some(from), spoken_until: self.spoken_until };
    }

    /// Time in which silence meant nothing is over.
    pub fn shift_to(&mut self, now: Instant) {
        self.since = self.since.map(|_| now);
        self.idle_since = self.idle_since.map(|_| now);
    }

    /// The candidate's side sounded from `from` to `to`. If it turns out to be nothing said, it was no silence either; but
    /// a cough puts no step off.
    pub fn sounded(&mut self, from: Instant, to: Instant) {
        let lasted = to.saturating_duration_since(from);
        if lasted >= SOUND_MIN {
            let shifted = |since: Instant| if since <= from { since + lasted } else { since.max(to) };
            self.since = self.since.map(shifted);
            self.idle_since = self.idle_since.map(shifted);
        }
    }

    /// The interviewer asked: a nudge's own question is the same silence, a new question starts a new one.
    pub fn asked(&mut self, now: Instant) {
        match self.step {
            Some(SilenceStep::Nudge | SilenceStep::OfferSkip) => {}
            None | Some(SilenceStep::MoveOn | SilenceStep::End) => {
                self.step = None;
                // After a plea for time it lies ahead, and stays.
                self.since = self.since.filter(|since| *since > now);
            }
        }
    }

    /// The interviewer fell silent.
    pub fn spoken(&mut self, now: Instant) {
        self.spoken_until = Some(now);
        if self.step.is_none() {
            self.since = Some(self.since.map_or(now, |since| since.max(now)));
        }
        self.since.get_or_insert(now);
        self.idle_since.get_or_insert(now);
    }

    /// The next step and when it is due, while the floor is the candidate's.
    pub fn due(&self, settings: &Silence, kind: Option<QuestionKind>) -> Option<(Instant, SilenceStep)> {
        let (since, idle_since) = (self.since?, self.idle_since?);
        let factor = if kind == Some(QuestionKind::Code) { settings.code_factor.max(1) } else { 1 };
        let after = |from: Instant, ms: u64| {
            let due = from + Duration::from_millis(ms.saturating_mul(factor).min(STEP_MS_MAX));
            let spoken = self.spoken_until.map_or(due, |until| until + Duration::from_millis(settings.gap_ms));
            due.max(spoken)
        };
        let end = (after(idle_since, settings.idle_ms), SilenceStep::End);
        let step = match self.step {
            None => (after(since, settings.nudge_ms), SilenceStep::Nudge),
            Some(SilenceStep::Nudge) => (after(since, settings.offer_skip_ms), SilenceStep::OfferSkip),
            Some(SilenceStep::OfferSkip) => (after(since, settings.move_on_ms), SilenceStep::MoveOn),
            Some(SilenceStep::MoveOn) => end,
            Some(SilenceStep::End) => return None,
        };
        Some(if end.0 < step.0 { end } else { step })
    }

    /// `step` was taken.
    pub fn took(&mut self, step: SilenceStep) {
        self.step = Some(step);
    }
}

/// A sound as long as this is no cough: while it goes on nobody can be expected to answer.
const SOUND_MIN: Duration = Duration::from_secs(3);
/// No step waits longer than a day, whatever the settings say (instants must not overflow), ms.
const STEP_MS_MAX: u64 = 86_400_000;
