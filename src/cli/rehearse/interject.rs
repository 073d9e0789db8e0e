//! A candidate who does not hear the interviewer out: words that want the floor, and sounds that do not; and what the ear
//! says of either afterwards. Pure. Must never look at the server's events: silence is silence at the ear.

use super::ear::Ear;
use super::outcome::Percentiles;
use super::prepare::PreparedAnswer;
use crate::audio::frame::FRAME_MS;
use crate::room::StateView;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What interrupts: the interview goes on with the same question.
pub const WORDS: &str = "Sorry, could you please repeat the question?";
/// What a listener says without wanting anything, as a synthetic voice can say it ("mm-hmm" comes out as words).
pub const SOUNDS: [&str; 3] = ["Okay.", "Right.", "I see."];
/// The interviewer has spoken for so long: its line is under way, and not over.
const INTO_LINE: Duration = Duration::from_millis(2_000);
/// The voice was heard within so long: it sounds.
const SOUNDS_WITHIN: Duration = Duration::from_millis(120);
/// The least length of speech that the interviewer takes for speech (turn.interruption.speech_ms_min).
pub const SPEECH_MIN: Duration = Duration::from_millis(180);
/// So long a silence is no pause between two sentences.
const SILENCE: Duration = Duration::from_millis(400);
/// Past this an interruption was not heeded, and a line that was held does not come back.
const LOOKED_AT: Duration = Duration::from_secs(4);
/// A microphone hands over a frame when its last sample was spoken.
const FRAME: Duration = Duration::from_millis(FRAME_MS as u64);

/// What sort of interjection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Words,
    Sound,
}

/// One interjection as it was said.
#[derive(Clone, PartialEq, Debug)]
pub struct Interjection {
    pub kind: Kind,
    pub text: String,
    /// When its first sample was spoken, and its last.
    pub from: Instant,
    pub to: Instant,
}

/// What interjections are made of.
#[derive(Debug)]
pub struct Interjections {
    pub words: Arc<PreparedAnswer>,
    pub sounds: Vec<Arc<PreparedAnswer>>,
}

/// Decides when to interject: into every question or follow-up words first, and into its repetition a sound.
#[derive(Debug)]
pub struct Interjector {
    prepared: Arc<Interjections>,
    /// Interjections into each text that was asked.
    made: HashMap<String, u32>,
    /// The line that was interjected into last.
    line: Option<Instant>,
    next_sound: usize,
    said: Vec<Interjection>,
}

impl Interjector {
    #[must_use]
    pub fn new(prepared: Arc<Interjections>) -> Self {
        Self { prepared, made: HashMap::new(), line: None, next_sound: 0, said: Vec::new() }
    }

    /// What is to be said now into what is being said, if anything.
    pub fn wants(&mut self, now: Instant, ear: &Ear, state: Option<&StateView>) -> Option<(Kind, Arc<PreparedAnswer>)> {
        let question = state.filter(|state| state.phase == "speaking" && !state.paused)?.question.as_ref()?;
        let line = ear.speeches().last()?;
        let is_under_way =
            now.saturating_duration_since(line.start) >= INTO_LINE && ear.hears_voice(now, SOUNDS_WITHIN);
        if !is_under_way || self.line == Some(line.start) {
            return None;
        }
        let made = self.made.entry(question.text.clone()).or_default();
        let chosen = match *made {
            0 => (Kind::Words, Arc::clone(&self.prepared.words)),
            1 => {
                self.next_sound += 1;
                let sounds = &self.prepared.sounds;
                (Kind::Sound, Arc::clone(&sounds[(self.next_sound - 1) % sounds.len()]))
            }
            _ => return None,
        };
        *made += 1;
        self.line = Some(line.start);
        Some(chosen)
    }

    /// It was said; its first frame left at `from`. Gives back when it ended.
    pub fn has_said(&mut self, kind: Kind, text: String, from: Instant, lasts: Duration) -> Instant {
        let from = from.checked_sub(FRAME).unwrap_or(from);
        self.said.push(Interjection { kind, text, from, to: from + lasts });
        from + lasts
    }

    #[must_use]
    pub fn said(&self) -> &[Interjection] {
        &self.said
    }
}

/// What came of one interjection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// The interviewer fell silent so long after the least length of speech.
    Silent { after: Duration },
    /// It went on talking over words.
    Unheeded,
    /// The line went on so long after the sound (at once, if it never fell silent).
    Resumed { after: Duration },
    /// The line did not come back.
    Lost,
}

/// Looks at what the ear heard of the interviewer around an interjection.
#[must_use]
pub fn effect(interjection: &Interjection, ear: &Ear) -> Effect {
    let (kind, from, to) = (interjection.kind, interjection.from, interjection.to);
    let silent = ear.silent_from(from, SILENCE).filter(|at| *at <= from + LOOKED_AT);
    match (kind, silent) {
        (Kind::Words, Some(at)) => Effect::Silent { after: at.saturating_duration_since(from + SPEECH_MIN) },
        (Kind::Words, None) => Effect::Unheeded,
        (Kind::Sound, None) => Effect::Resumed { after: Duration::ZERO },
        (Kind::Sound, Some(at)) => match ear.voice_from(at.max(from)).filter(|voice| *voice <= to + LOOKED_AT) {
            Some(voice) => Effect::Resumed { after: voice.saturating_duration_since(to) },
            None => Effect::Lost,
        },
    }
}

/// All interjections of a rehearsal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct InterjectionSummary {
    /// Interruptions, and those of them over which the interviewer went on talking.
    pub interruptions: usize,
    pub unheeded: usize,
    /// Silence at the ear, after the least length of speech.
    pub silent_ms: Percentiles,
    /// Sounds that wanted nothing, and those of them after which the line did not come back.
    pub sounds: usize,
    pub not_resumed: usize,
    /// Lines that the record has as stopped, beyond the interruptions: sounds that were taken for words.
    pub wrongly_stopped: usize,
    /// From the end of such a sound until the line went on.
    pub resumed_ms: Percentiles,
}

impl InterjectionSummary {
    /// Of all effects and the lines that the record has as stopped; none where nobody interjected.
    #[must_use]
    pub fn of(effects: &[Effect], lines_stopped: usize) -> Option<Self> {
        let (mut silent, mut resumed) = (Vec::new(), Vec::new());
        let mut summary = Self::default();
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        for effect in effects {
            match effect {
                Effect::Silent { after } => silent.push(ms(*after)),
                Effect::Unheeded => summary.unheeded += 1,
                Effect::Resumed { after } => resumed.push(ms(*after)),
                Effect::Lost => summary.not_resumed += 1,
            }
        }
        summary.interruptions = silent.len() + summary.unheeded;
        summary.sounds = resumed.len() + summary.not_resumed;
        summary.wrongly_stopped = lines_stopped.saturating_sub(silent.len());
        summary.silent_ms = Percentiles::of(&silent);
        summary.resumed_ms = Percentiles::of(&resumed);
        (!effects.is_empty()).then_some(summary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The interviewer is heard in these ms; what comes of an interjection from 2,000 to 2,500 ms.
    fn check(kind: Kind, heard: &[(u64, u64)], expected: Effect) {
        let began = Instant::now();
        let mut ear = Ear::new(began);
        for ms in (0..8_000).step_by(20) {
            let loud = heard.iter().any(|(from, to)| (*from..*to).contains(&ms));
            ear.hear(began + Duration::from_millis(ms), &[if loud { 3_000 } else { 0 }; 320]);
        }
        let (from, to) = (began + Duration::from_millis(2_000), began + Duration::from_millis(2_500));
        assert_eq!(effect(&Interjection { kind, text: String::new(), from, to }, &ear), expected, "{heard:?}");
    }

    #[test]
    fn silence_counts_from_the_least_length_of_speech() {
        let ms = Duration::from_millis;
        check(Kind::Words, &[(0, 2_280)], Effect::Silent { after: ms(100) });
        check(Kind::Words, &[(0, 2_100)], Effect::Silent { after: ms(0) });
        // A pause between two sentences is no silence.
        check(Kind::Words, &[(0, 1_900), (2_100, 2_600)], Effect::Silent { after: ms(420) });
        check(Kind::Words, &[(0, 7_000)], Effect::Unheeded);
    }

    #[test]
    fn a_line_that_was_held_comes_back() {
        let ms = Duration::from_millis;
        check(Kind::Sound, &[(0, 2_200), (3_300, 6_000)], Effect::Resumed { after: ms(800) });
        check(Kind::Sound, &[(0, 6_500)], Effect::Resumed { after: ms(0) });
        check(Kind::Sound, &[(0, 2_200)], Effect::Lost);
    }

    #[test]
    fn effects_are_summed_up() {
        assert_eq!(InterjectionSummary::of(&[], 0), None);
        let silent = |ms| Effect::Silent { after: Duration::from_millis(ms) };
        let effects =
            [silent(40), silent(90), Effect::Unheeded, Effect::Resumed { after: Duration::ZERO }, Effect::Lost];
        let summary = InterjectionSummary::of(&effects, 3).expect("there are some");
        assert_eq!(summary.wrongly_stopped, 1);
        assert_eq!((summary.interruptions, summary.unheeded, summary.silent_ms.p95), (3, 1, Some(90)));
        assert_eq!((summary.sounds, summary.not_resumed, summary.resumed_ms.p50), (2, 1, Some(0)));
    }
}
