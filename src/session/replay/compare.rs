//! What the floor did and would have done, side by side: when each turn was answered, who was cut off, who was
//! interrupted. Must never hide a turn that went otherwise.

use super::stage::{self, Deed, Done};
use super::{Part, Stored};
use crate::audio::frame::SamplePos;
use crate::id::TurnId;
use crate::interview::question::QuestionKind;
use crate::turn::{Decision, Reason, Settings, SilenceStep};
use serde::Serialize;
use std::fmt::Write as _;
use std::time::Instant;

/// Two times are the same if they differ by no more, ms.
const SAME_MS: u64 = 20;

/// A whole interview, compared.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Comparison {
    pub turns: Vec<TurnCompared>,
    pub was: Totals,
    pub would: Totals,
}

/// What became of one answer, from its first word to the line that followed it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct TurnCompared {
    pub kind: Option<QuestionKind>,
    /// Where the answer's last word ended, on the recording, ms.
    pub speech_end_ms: u64,
    pub was: Fate,
    pub would: Fate,
    pub differs: bool,
}

/// How one answer was dealt with.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Fate {
    /// When it was taken to be complete for good, after its end, ms. None: never, or before its end.
    pub answered_after_ms: Option<u64>,
    pub reason: Option<Reason>,
    /// Where it was taken to be complete although it went on, on the recording, ms.
    pub cut_off_at_ms: Vec<u64>,
    /// Of those, how often the same turn went on.
    pub recovered: usize,
}

/// All turns together.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Totals {
    pub answered: usize,
    pub mean_wait_ms: Option<u64>,
    pub cut_off: usize,
    pub recovered: usize,
    /// Lines of the interviewer that the candidate's speech stopped.
    pub interrupted: usize,
    /// Lines that were held for a sound and went on.
    pub held: usize,
    /// Steps of the ladder of silence.
    pub nudged: usize,
}

/// Compares what was with what `settings` would have done (given those of the log). `base` is any instant.
#[must_use]
pub fn compare(stored: &Stored, base: Instant, settings: impl Fn(&Settings) -> Settings) -> Comparison {
    let mut comparison = Comparison::default();
    for part in &stored.parts {
        let was = stage::as_it_was(part, base);
        let would = stage::otherwise(part, &was, settings(&part.settings()), base);
        for answer in answers(&was) {
            let (was, would) = (fate(&answer, &was), fate(&answer, &would));
            let near = |one: Option<u64>, two: Option<u64>| match (one, two) {
                (Some(one), Some(two)) => one.abs_diff(two) <= SAME_MS,
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            };
            let same = near(was.answered_after_ms, would.answered_after_ms)
                && was.cut_off_at_ms.len() == would.cut_off_at_ms.len()
                && was.recovered == would.recovered;
            let speech_end_ms = answer.speech_end.ms();
            comparison.turns.push(TurnCompared { kind: answer.kind, speech_end_ms, was, would, differs: !same });
        }
        comparison.was.add(&was);
        comparison.would.add(&would);
    }
    comparison.was.sum_up(comparison.turns.iter().map(|turn| &turn.was));
    comparison.would.sum_up(comparison.turns.iter().map(|turn| &turn.would));
    comparison
}

/// What was decided again with the log's own thresholds, and what the log says of it.
#[must_use]
pub fn decided_again(part: &Part, base: Instant) -> Vec<(TurnId, Decision)> {
    let done = stage::as_it_was(part, base).into_iter();
    done.filter_map(|done| if let Deed::Commit { turn, decision } = done.deed { Some((turn, decision)) } else { None })
        .collect()
}

/// One answer as it was.
struct Answer {
    exchange: usize,
    kind: Option<QuestionKind>,
    speech_end: SamplePos,
}

/// The answers that stood: of each exchange what was taken last.
fn answers(was: &[Done]) -> Vec<Answer> {
    let mut found: Vec<Answer> = Vec::new();
    for done in was {
        let Deed::Commit { decision, .. } = &done.deed else { continue };
        if decision.reason == Reason::Overruled {
            continue;
        }
        let answer = Answer { exchange: done.exchange, kind: decision.kind, speech_end: decision.speech_end };
        match found.last_mut().filter(|last| last.exchange == done.exchange) {
            Some(last) => *last = answer,
            None => found.push(answer),
        }
    }
    found
}

/// What became of an answer in what was done.
fn fate(answer: &Answer, done: &[Done]) -> Fate {
    let mut fate = Fate::default();
    for done in done.iter().filter(|done| done.exchange == answer.exchange) {
        match &done.deed {
            Deed::Commit { decision, .. } if decision.reason != Reason::Overruled => {
                if done.at < answer.speech_end {
                    fate.cut_off_at_ms.push(done.at.ms());
                } else {
                    fate.answered_after_ms = Some(decision.silence_ms);
                    fate.reason = Some(decision.reason);
                }
            }
            Deed::Reopen { .. } if done.at <= answer.speech_end => fate.recovered += 1,
            Deed::Commit { .. } | Deed::Reopen { .. } | Deed::Hold | Deed::Resume | Deed::Stop | Deed::Silence(_) => {}
        }
    }
    fate
}

impl Totals {
    fn add(&mut self, done: &[Done]) {
        let count = |of: fn(&Deed) -> bool| done.iter().filter(|done| of(&done.deed)).count();
        self.interrupted += count(|deed| matches!(deed, Deed::Stop));
        self.held += count(|deed| matches!(deed, Deed::Resume));
        self.nudged += count(|deed| matches!(deed, Deed::Silence(SilenceStep::Nudge)));
    }

    fn sum_up<'a>(&mut self, fates: impl Iterator<Item = &'a Fate>) {
        let mut waits = Vec::new();
        for fate in fates {
            waits.extend(fate.answered_after_ms);
            self.cut_off += fate.cut_off_at_ms.len();
            self.recovered += fate.recovered;
        }
        self.answered = waits.len();
        self.mean_wait_ms = waits.iter().sum::<u64>().checked_div(waits.len() as u64);
    }
}

impl Comparison {
    /// For a person: the turns that differ, then all together.
    #[must_use]
    pub fn table(&self) -> String {
        let mut out = String::new();
        for turn in self.turns.iter().filter(|turn| turn.differs) {
            let kind = turn.kind.map_or("-", QuestionKind::as_str);
            let _ = writeln!(
                out,
                "{:>9}  {kind:<12} was {}; would have been {}",
                clock(turn.speech_end_ms),
                turn.was.told(),
                turn.would.told()
            );
        }
        let differ = self.turns.iter().filter(|turn| turn.differs).count();
        let _ = writeln!(out, "{} answers, {differ} of them would have gone otherwise", self.turns.len());
        for (name, totals) in [("was", &self.was), ("would have", &self.would)] {
            let _ = writeln!(out, "{name:<11} {}", totals.told());
        }
        out
    }
}

impl Fate {
    fn told(&self) -> String {
        let answered = match (self.answered_after_ms, self.reason) {
            (Some(ms), Some(reason)) => {
                format!("answered after {ms} ms ({})", format!("{reason:?}").to_lowercase())
            }
            (Some(ms), None) => format!("answered after {ms} ms"),
            (None, _) => "not answered".to_owned(),
        };
        let cuts: Vec<String> = self.cut_off_at_ms.iter().map(|ms| clock(*ms)).collect();
        match cuts.as_slice() {
            [] => answered,
            cuts => format!("cut off at {} ({} recovered), {answered}", cuts.join(", "), self.recovered),
        }
    }
}

impl Totals {
    fn told(&self) -> String {
        format!(
            "answered {} after {} ms in the mean, cut off {} ({} recovered), been interrupted {}, held {}, nudged {}",
            self.answered,
            self.mean_wait_ms.map_or_else(|| "-".to_owned(), |ms| ms.to_string()),
            self.cut_off,
            self.recovered,
            self.interrupted,
            self.held,
            self.nudged
        )
    }
}

fn clock(ms: u64) -> String {
    format!("{}:{:05.2}", ms / 60_000, (ms % 60_000) as f64 / 1000.0)
}
