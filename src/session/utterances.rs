//! Where the candidate's speech begins, pauses and is cut, out of the detector's probabilities. Pure: readings in, marks
//! out. Must never decide who may speak; it only numbers stretches of speech so that every transcript has an address.

use crate::audio::frame::SamplePos;
use crate::id::UtteranceId;
use crate::vad::VoiceReading;
use serde::{Deserialize, Serialize};

/// Thresholds of the cutting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Probability from which a reading counts as speech (Silero's own default).
    pub speech_probability: f32,
    /// Probability below which a speech's reading counts as silence; lower, so that soft word ends are kept.
    pub silence_probability: f32,
    /// Speech must last this long to count, ms (a click or a cough's start does not).
    pub speech_min_ms: u32,
    /// Silence after which speech has stopped, ms (shorter gaps are inside words).
    pub stop_silence_ms: u32,
    /// A pause up to this long does not close an utterance, ms: the recogniser then sees the whole phrase.
    pub join_pause_ms: u32,
    /// An utterance that is this long is closed at its next pause, ms.
    pub close_after_ms: u32,
    /// An utterance is cut at this length even in speech, ms (the recogniser invents words past 15 s).
    pub cut_after_ms: u32,
    /// Audio kept before the first speech of an utterance, ms (soft beginnings).
    pub lead_ms: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            speech_probability: 0.5,
            silence_probability: 0.35,
            speech_min_ms: 96,
            stop_silence_ms: 200,
            join_pause_ms: 1_200,
            close_after_ms: 5_000,
            cut_after_ms: 13_000,
            lead_ms: 240,
        }
    }
}

/// What a reading brought to light.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark {
    /// Speech of `utterance` began at `at` (again, if it had paused).
    Started { utterance: UtteranceId, at: SamplePos },
    /// Speech paused at `at`; the utterance so far is `from..to`.
    Stopped { utterance: UtteranceId, at: SamplePos, from: SamplePos, to: SamplePos },
    /// The utterance `from..to` is closed: its number will not come again. `speaking` if it was cut in mid-speech (then
    /// the next one has begun where this ends).
    Closed { utterance: UtteranceId, from: SamplePos, to: SamplePos, next: Option<UtteranceId> },
}

#[derive(Clone, Copy, Debug)]
enum State {
    Silent,
    /// Perhaps speech, since `since`.
    Rising {
        since: SamplePos,
        open: Option<Open>,
    },
    Speaking {
        open: Open,
        voiced_until: SamplePos,
    },
    /// A pause in an utterance that may go on.
    Pausing {
        open: Open,
        stopped_at: SamplePos,
    },
}

#[derive(Clone, Copy, Debug)]
struct Open {
    utterance: UtteranceId,
    from: SamplePos,
    /// Where the speech before the pause ended (for a rise that comes to nothing).
    stopped_at: SamplePos,
}

/// Cuts one track into utterances.
#[derive(Debug)]
pub struct Utterances {
    settings: Settings,
    next: UtteranceId,
    state: State,
    previous_at: SamplePos,
    /// Where speech was cut by hand: what is kept before a beginning must not reach behind it, or a word is heard twice.
    cut_at: SamplePos,
}

impl Utterances {
    /// Starts numbering at `first` (after a restart: behind what the log knows).
    #[must_use]
    pub fn new(settings: Settings, first: UtteranceId) -> Self {
        Self { settings, next: first, state: State::Silent, previous_at: SamplePos(0), cut_at: SamplePos(0) }
    }

    /// Takes one reading; readings come in order.
    pub fn read(&mut self, reading: VoiceReading) -> Vec<Mark> {
        let from = self.previous_at;
        self.previous_at = reading.at;
        let mut marks = Vec::new();
        match self.state {
            State::Silent => {
                if reading.probability >= self.settings.speech_probability {
                    self.state = State::Rising { since: from, open: None };
                    self.risen(reading.at, &mut marks);
                }
            }
            State::Rising { open, .. } => {
                if reading.probability >= self.settings.silence_probability {
                    self.risen(reading.at, &mut marks);
                } else {
                    self.state = match open {
                        Some(open) => State::Pausing { open, stopped_at: open.stopped_at },
                        None => State::Silent,
                    };
                }
            }
            State::Speaking { open, voiced_until } => self.speaking(open, voiced_until, from, reading, &mut marks),
            State::Pausing { open, stopped_at } => {
                if reading.probability >= self.settings.speech_probability {
                    self.state = State::Rising { since: from, open: Some(Open { stopped_at, ..open }) };
                    self.risen(reading.at, &mut marks);
                } else if ms_between(stopped_at, reading.at) >= self.settings.join_pause_ms {
                    self.close(open, stopped_at, &mut marks);
                }
            }
        }
        marks
    }

    /// Closes the utterance in hand, if it pauses (the turn was taken to be complete): what comes next has a new number.
    pub fn close_pausing(&mut self) -> Vec<Mark> {
        let mut marks = Vec::new();
        match self.state {
            State::Pausing { open, stopped_at } => self.close(open, stopped_at, &mut marks),
            State::Rising { open: Some(open), since } => {
                self.close(open, open.stopped_at, &mut marks);
                self.state = State::Rising { since, open: None };
            }
            State::Silent | State::Rising { open: None, .. } | State::Speaking { .. } => {}
        }
        marks
    }

    /// Closes whatever is open, in mid-speech too (the candidate said by hand that the turn is complete).
    pub fn finish(&mut self, at: SamplePos) -> Vec<Mark> {
        let State::Speaking { open, .. } = self.state else { return self.close_pausing() };
        self.state = State::Silent;
        self.cut_at = at;
        vec![
            Mark::Stopped { utterance: open.utterance, at, from: open.from, to: at },
            Mark::Closed { utterance: open.utterance, from: open.from, to: at, next: None },
        ]
    }

    /// Whether speech is going on at this moment.
    #[must_use]
    pub fn is_speaking(&self) -> bool {
        matches!(self.state, State::Speaking { .. })
    }

    fn risen(&mut self, at: SamplePos, marks: &mut Vec<Mark>) {
        let State::Rising { since, open } = self.state else { return };
        if ms_between(since, at) < self.settings.speech_min_ms {
            return;
        }
        let open = match open {
            Some(open) => open,
            None => {
                let utterance = self.next;
                self.next = self.next.next();
                let lead = u64::from(self.settings.lead_ms) * 16;
                let from = SamplePos(since.0.saturating_sub(lead)).max(self.cut_at);
                Open { utterance, from, stopped_at: since }
            }
        };
        marks.push(Mark::Started { utterance: open.utterance, at: since });
        self.state = State::Speaking { open, voiced_until: at };
    }

    fn speaking(
        &mut self,
        open: Open,
        voiced_until: SamplePos,
        from: SamplePos,
        reading: VoiceReading,
        marks: &mut Vec<Mark>,
    ) {
        if reading.probability >= self.settings.silence_probability {
            if ms_between(open.from, reading.at) >= self.settings.cut_after_ms {
                self.cut(open, from, reading.at, marks);
            } else {
                self.state = State::Speaking { open, voiced_until: reading.at };
            }
            return;
        }
        let silent_ms = ms_between(voiced_until, reading.at);
        if silent_ms < self.settings.stop_silence_ms {
            return;
        }
        let to = reading.at;
        marks.push(Mark::Stopped { utterance: open.utterance, at: voiced_until, from: open.from, to });
        if ms_between(open.from, voiced_until) >= self.settings.close_after_ms {
            self.close(open, voiced_until, marks);
        } else {
            self.state = State::Pausing { open, stopped_at: voiced_until };
        }
    }

    fn cut(&mut self, open: Open, at: SamplePos, now: SamplePos, marks: &mut Vec<Mark>) {
        let next = self.next;
        self.next = self.next.next();
        marks.push(Mark::Closed { utterance: open.utterance, from: open.from, to: at, next: Some(next) });
        marks.push(Mark::Started { utterance: next, at });
        self.state = State::Speaking { open: Open { utterance: next, from: at, stopped_at: at }, voiced_until: now };
    }

    fn close(&mut self, open: Open, stopped_at: SamplePos, marks: &mut Vec<Mark>) {
        let to = stopped_at.plus(u64::from(self.settings.stop_silence_ms) * 16);
        marks.push(Mark::Closed { utterance: open.utterance, from: open.from, to, next: None });
        self.state = State::Silent;
    }
}

fn ms_between(from: SamplePos, to: SamplePos) -> u32 {
    u32::try_from(to.0.saturating_sub(from.0) / 16).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a string of readings of 32 ms each: `#` speech, `.` silence; says what came, with ms.
    fn check(track: &str, expected: &expect_test::Expect) {
        let mut utterances = Utterances::new(Settings::default(), UtteranceId(1));
        let mut said = String::new();
        for (index, letter) in track.chars().enumerate() {
            let at = SamplePos((index as u64 + 1) * 512);
            let probability = if letter == '#' { 0.9 } else { 0.05 };
            for mark in utterances.read(VoiceReading { at, probability }) {
                let line = match mark {
                    Mark::Started { utterance, at } => format!("{utterance} starts at {}", at.ms()),
                    Mark::Stopped { utterance, at, from, to } => {
                        format!("{utterance} stops at {} ({}..{})", at.ms(), from.ms(), to.ms())
                    }
                    Mark::Closed { utterance, from, to, next } => {
                        format!("{utterance} closed {}..{} next {next:?}", from.ms(), to.ms())
                    }
                };
                said.push_str(&line);
                said.push('\n');
            }
        }
        expected.assert_eq(&said);
    }

    #[test]
    fn a_click_is_no_speech() {
        check("....#...........", &expect_test::expect![[""]]);
    }

    #[test]
    fn a_short_pause_joins_and_a_long_one_closes() {
        let track =
            format!("{}{}{}{}{}", ".".repeat(20), "#".repeat(30), ".".repeat(12), "#".repeat(20), ".".repeat(45));
        check(
            &track,
            &expect_test::expect![[r#"
                1 starts at 640
                1 stops at 1600 (400..1824)
                1 starts at 1984
                1 stops at 2624 (400..2848)
                1 closed 400..2824 next None
            "#]],
        );
    }

    #[test]
    fn what_was_cut_by_hand_is_not_heard_again() {
        let mut utterances = Utterances::new(Settings::default(), UtteranceId(1));
        let spoken = |utterances: &mut Utterances, from: u64, to: u64| {
            let marks = (from..to)
                .flat_map(|index| utterances.read(VoiceReading { at: SamplePos((index + 1) * 512), probability: 0.9 }));
            marks.collect::<Vec<_>>()
        };
        spoken(&mut utterances, 0, 50);
        let cut_at = SamplePos(50 * 512);
        assert_eq!(utterances.finish(cut_at).len(), 2);
        spoken(&mut utterances, 50, 60);
        let Some(Mark::Stopped { utterance, from, .. }) = utterances.finish(SamplePos(60 * 512)).first().copied()
        else {
            panic!("it was speaking")
        };
        assert_eq!((utterance, from), (UtteranceId(2), cut_at));
    }

    #[test]
    fn endless_speech_is_cut() {
        check(
            &"#".repeat(420),
            &expect_test::expect![[r#"
                1 starts at 0
                1 closed 0..12992 next Some(UtteranceId(2))
                2 starts at 12992
            "#]],
        );
    }
}
