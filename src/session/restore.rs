//! Where another owner left a session, read from its log: what the policy knew, what was heard and not yet answered, and
//! the numbers that must not be given again. Pure. Must never guess: what is not in the log did not happen.

use super::Resumed;
use super::event::{SessionEvent, Utterance};
use crate::id::UtteranceId;
use crate::interview::Facts;
use serde_json::Value;
use std::collections::BTreeMap;

/// What the log says.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    pub resumed: Resumed,
    pub facts: Facts,
    /// Latest code, by question.
    pub code: BTreeMap<String, String>,
    /// The session's clock stood here at the last event, ms.
    pub last_at_ms: u64,
    pub next_turn: u64,
}

/// Reads a log in order: (`seq`, kind, payload) of each event.
#[must_use]
pub fn restore<'a>(events: impl Iterator<Item = (i64, &'a str, &'a Value)>) -> Restored {
    let mut restored = Restored::default();
    let mut open: BTreeMap<UtteranceId, Utterance> = BTreeMap::new();
    for (seq, kind, payload) in events {
        restored.resumed.last_seq = seq;
        let at_ms = payload.get("at_ms").and_then(Value::as_u64).unwrap_or(0);
        restored.last_at_ms = restored.last_at_ms.max(at_ms);
        if let Some(event) = SessionEvent::from_row(kind, payload) {
            read(&mut restored, &mut open, event);
        }
    }
    restored.resumed.utterances = open.into_values().filter(|utterance| !utterance.text.is_empty()).collect();
    restored
}

fn read(restored: &mut Restored, open: &mut BTreeMap<UtteranceId, Utterance>, event: SessionEvent) {
    let resumed = &mut restored.resumed;
    match event {
        SessionEvent::UtteranceTranscribed(utterance) => {
            resumed.next_utterance = resumed.next_utterance.max(utterance.id.0 + 1);
            open.insert(utterance.id, utterance);
        }
        SessionEvent::Aside { utterance } => {
            open.remove(&utterance);
        }
        SessionEvent::AnswerCommitted(answer) => {
            restored.next_turn = restored.next_turn.max(answer.turn.0.saturating_add(1));
            for utterance in answer.utterances {
                resumed.next_utterance = resumed.next_utterance.max(utterance.id.0 + 1);
                open.remove(&utterance.id);
            }
        }
        SessionEvent::SpeechStarted { speech, .. } => resumed.next_speech = resumed.next_speech.max(speech.0 + 1),
        SessionEvent::CodeChanged { question_key, version, content, .. } => {
            resumed.code_version = resumed.code_version.max(version);
            restored.code.insert(question_key, content);
        }
        SessionEvent::Facts { facts } => restored.facts = *facts,
        SessionEvent::TakenUp { .. }
        | SessionEvent::Began
        | SessionEvent::MediaConnected
        | SessionEvent::MediaInterrupted
        | SessionEvent::FalseCutoffRecovered { .. }
        | SessionEvent::WishHeard { .. }
        | SessionEvent::QuestionOpened { .. }
        | SessionEvent::QuestionClosed { .. }
        | SessionEvent::SpeechProgress { .. }
        | SessionEvent::SpeechEnded { .. }
        | SessionEvent::SpeechHeld { .. }
        | SessionEvent::SpeechResumed { .. }
        | SessionEvent::SpeechFailed { .. }
        | SessionEvent::Silence { .. }
        | SessionEvent::Monologue { .. }
        | SessionEvent::Focus { .. }
        | SessionEvent::Paused
        | SessionEvent::Resumed
        | SessionEvent::PartFailed { .. }
        | SessionEvent::AudioLost { .. }
        | SessionEvent::Ended { .. } => {}
    }
}
