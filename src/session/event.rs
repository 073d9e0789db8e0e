//! The vocabulary of the event log: everything that happened in an interview, in the order in which it happened.
//! Transcripts, latencies, reports and replays are made from it. Must never be changed in a way that old logs cannot be
//! read: fields are only added, with defaults.

use crate::audio::frame::SamplePos;
use crate::id::{SpeechId, TurnId, UtteranceId};
use crate::interview::question::QuestionKind;
use crate::interview::{EndReason, Facts, LineId, LineKind, QuestionOutcome, Refusal, Wish};
use crate::turn::{Decision, SilenceStep};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One thing that happened. In the table `session_events`, `kind` is the variant's name in snake case and `payload`
/// its fields and `at_ms`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", content = "payload", rename_all = "snake_case")]
pub enum SessionEvent {
    /// An owner took the session up; `resumed` when another had left it.
    TakenUp {
        resumed: bool,
        versions: Versions,
    },
    /// The candidate is there: the interview begins.
    Began,
    MediaConnected,
    MediaInterrupted,
    /// The candidate's final words of one utterance: shown as final, so they must survive.
    UtteranceTranscribed(Utterance),
    /// An utterance that belongs to no turn: a cough, a backchannel, an echo.
    Aside {
        utterance: UtteranceId,
    },
    /// The candidate finished a turn; the reply may sound only after this is durable.
    AnswerCommitted(Answer),
    /// The candidate went on although we had taken the floor: our fault, never held against anybody.
    FalseCutoffRecovered {
        turn: TurnId,
        speech: Option<SpeechId>,
    },
    WishHeard {
        wish: Wish,
        by_phrase: bool,
    },
    QuestionOpened {
        key: String,
        number: u32,
    },
    QuestionClosed {
        key: String,
        outcome: QuestionOutcome,
    },
    SpeechStarted {
        speech: SpeechId,
        line: LineKind,
        question_key: Option<String>,
        text: String,
    },
    /// Samples (24 kHz) sent so far; written about once a second, so that a crash leaves what was heard.
    SpeechProgress {
        speech: SpeechId,
        sent_samples: u64,
        heard: String,
    },
    SpeechEnded {
        speech: SpeechId,
        sent_samples: u64,
        heard: String,
        interrupted: bool,
    },
    SpeechHeld {
        speech: SpeechId,
    },
    SpeechResumed {
        speech: SpeechId,
    },
    SpeechFailed {
        speech: SpeechId,
        part: String,
        error: String,
    },
    CodeChanged {
        question_key: String,
        version: u32,
        language: String,
        content: String,
        submitted: bool,
    },
    Silence {
        step: SilenceStep,
    },
    Monologue {
        turn: TurnId,
    },
    Focus {
        visible: bool,
    },
    Paused,
    Resumed,
    /// A part failed; the interview goes on.
    PartFailed {
        part: String,
        error: String,
    },
    /// A model's words for a line broke a rule: the authored ones were said.
    WordingRefused {
        line: LineId,
        why: Refusal,
    },
    /// What providers did for this interview since it was taken up; the rows of the record say the same.
    Used {
        cost_micro_usd: u64,
    },
    /// All that the policy must know to go on after a restart, as it is after the event before.
    Facts {
        facts: Box<Facts>,
    },
    /// Audio that was lost on the way, for the fairness of the score; `utterance`: the speech that it is missing from.
    AudioLost {
        frames: u64,
        #[serde(default)]
        utterance: Option<UtteranceId>,
    },
    /// Who may speak is decided from here on by these thresholds: what a replay goes by.
    FloorOpened {
        settings: Value,
    },
    /// What the floor was told since the entry before: with the thresholds, all that its decisions follow from.
    FloorTold {
        events: Vec<Told>,
    },
    /// The first sample of the reply to a turn left.
    Replied {
        turn: TurnId,
        speech: SpeechId,
        question: Option<QuestionKind>,
        /// Where it stands on the session's clock, ms.
        start_ms: u64,
        stages: Stages,
    },
    /// A plain conversation: no interview, words in and words out, by these rules.
    ConversationOpened {
        settings: Value,
    },
    /// A reply of a plain conversation begins to sound; its words so far. Its end tells what was heard.
    ReplyBegan {
        turn: Option<TurnId>,
        speech: SpeechId,
        text: String,
    },
    /// The silence before each reply, measured on the recording when the interview was over.
    GapsMeasured {
        gaps: Vec<MeasuredGap>,
    },
    Ended {
        reason: EndReason,
    },
}

/// One thing that the floor was told, and when.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Told {
    pub at: SamplePos,
    pub event: crate::turn::Event,
}

/// The silence before one reply, ms: as the events have it, and as the waveforms of both sides have it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MeasuredGap {
    pub turn: TurnId,
    pub question: Option<QuestionKind>,
    pub events_ms: u64,
    /// From the end of the candidate's sound to the first of the interviewer's; negative if they overlap.
    pub waveform_ms: i64,
}

/// Versions of the parts that take part, for provenance.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Versions {
    pub app: String,
    pub vad: String,
    pub turn_model: String,
    pub stt: String,
    pub llm: String,
    pub tts: String,
}

/// A stretch of the candidate's speech as it was transcribed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Utterance {
    pub id: UtteranceId,
    pub turn: Option<TurnId>,
    pub text: String,
    pub start_ms: u64,
    pub end_ms: u64,
    #[serde(default)]
    pub confidence: Option<f32>,
    /// No words came of it (the recogniser failed) or audio in it was made up.
    #[serde(default)]
    pub damaged: bool,
}

/// A finished turn of the candidate.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Answer {
    pub turn: TurnId,
    pub question_key: Option<String>,
    pub text: String,
    pub typed: bool,
    pub utterances: Vec<Utterance>,
    pub decision: Option<Decision>,
    /// Speech end → the last transcript, ms.
    pub transcribed_ms: Option<u64>,
}

/// The stages of one reply, each in ms after the candidate's speech end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Stages {
    pub decision_ms: Option<u64>,
    pub transcript_final_ms: Option<u64>,
    pub committed_ms: Option<u64>,
    pub first_token_ms: Option<u64>,
    pub first_audio_ms: Option<u64>,
    pub first_sample_sent_ms: Option<u64>,
}

impl SessionEvent {
    /// The event as the log keeps it: its kind, and its fields with the position on the session's clock.
    #[must_use]
    pub fn to_row(&self, at_ms: u64) -> (String, Value) {
        let Ok(Value::Object(mut object)) = serde_json::to_value(self) else {
            unreachable!("an event is an object with a kind")
        };
        let kind = match object.remove("kind") {
            Some(Value::String(kind)) => kind,
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) | None => {
                unreachable!("a kind is a string")
            }
        };
        let mut payload = match object.remove("payload") {
            Some(Value::Object(fields)) => fields,
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) | None => {
                serde_json::Map::new()
            }
        };
        payload.insert("at_ms".into(), at_ms.into());
        (kind, Value::Object(payload))
    }

    /// Reads an event back from the log; `None` for a kind that this version does not know.
    #[must_use]
    pub fn from_row(kind: &str, payload: &Value) -> Option<Self> {
        let whole = serde_json::json!({"kind": kind, "payload": payload});
        serde_json::from_value(whole).or_else(|_| serde_json::from_value(serde_json::json!({"kind": kind}))).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_survives_the_log() {
        for event in [
            SessionEvent::Paused,
            SessionEvent::Silence { step: SilenceStep::Nudge },
            SessionEvent::SpeechEnded {
                speech: SpeechId(3),
                sent_samples: 7,
                heard: "Hello.".into(),
                interrupted: true,
            },
        ] {
            let (kind, payload) = event.to_row(1500);
            assert_eq!(payload["at_ms"], 1500);
            assert_eq!(SessionEvent::from_row(&kind, &payload), Some(event));
        }
        assert_eq!(SessionEvent::from_row("from_the_future", &serde_json::json!({})), None);
    }
}
