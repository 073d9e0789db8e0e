//! What the candidate's sound over the interviewer's speech is: an interruption, or a backchannel, a cough, an echo.
//! Words are not known in time, so the interviewer holds first and judges then. Must never command: it gives verdicts.

use super::settings::Interruption;
use super::utterance::{Heard, Turn, Utterance};
use std::time::{Duration, Instant};

/// What an overlap is taken to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// The candidate wants the floor.
    Interruption,
    /// Nothing that wants the floor.
    Aside,
    /// Not known yet; look again at this instant, if nothing comes before (`None`: only words will tell).
    Open(Option<Instant>),
}

/// Judges what was said over the interviewer so far.
pub(super) fn judge(settings: &Interruption, overlap: &Turn, now: Instant) -> Verdict {
    if overlap.utterances.iter().any(|utterance| wants_floor(settings, utterance)) {
        return Verdict::Interruption;
    }
    if let Some(utterance) = overlap.utterances.iter().find(|utterance| may_be_speech(utterance)) {
        let limit = utterance.start + Duration::from_millis(settings.backchannel_ms_max);
        return if now >= limit { Verdict::Interruption } else { Verdict::Open(Some(limit)) };
    }
    if overlap.words_settled() { Verdict::Aside } else { Verdict::Open(None) }
}

/// When a held speech goes on although the words are still not known.
pub(super) fn hold_ends(settings: &Interruption, overlap: &Turn) -> Option<Instant> {
    overlap.silent_since().map(|(_, when)| when + Duration::from_millis(settings.hold_ms_max))
}

/// When the sound that goes on now has lasted long enough to be speech.
pub(super) fn is_speech_from(settings: &Interruption, overlap: &Turn) -> Option<Instant> {
    let talking = overlap.utterances.iter().find(|utterance| may_be_speech(utterance))?;
    Some(talking.start + Duration::from_millis(settings.speech_ms_min))
}

/// Still sounds, and is not known to be an echo of ours.
fn may_be_speech(utterance: &Utterance) -> bool {
    match utterance.words {
        Heard::Awaited { .. } | Heard::Failed => utterance.is_talking(),
        Heard::Known(_) => false,
    }
}

fn wants_floor(settings: &Interruption, utterance: &Utterance) -> bool {
    let wordless_speech = || {
        utterance.words == Heard::Failed
            && utterance.ended().is_some_and(|(_, when)| {
                when.saturating_duration_since(utterance.start) >= Duration::from_millis(settings.wordless_ms_min)
            })
    };
    utterance.content_words() >= settings.words_min.max(1) || wordless_speech()
}
