//! What a plain conversation writes down: the same log and the same rows as an interview's. Must never put words into a
//! log message.

use super::PlainSettings;
use crate::audio::frame::SamplePos;
use crate::clock::Clock;
use crate::id::{SessionId, SpeechId, TurnId, UtteranceId};
use crate::room::SampleClock;
use crate::session::event::{Answer, SessionEvent, Stages, Utterance, Versions};
use crate::session::journal::Entry;
use crate::session::record::{ms_i64, row_id};
use crate::session::{Parts, now};
use crate::store::{Projection, Role, TranscriptRow};
use crate::telemetry::histogram;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

/// The stages of one reply.
#[derive(Clone, Copy, Debug)]
pub struct Marks {
    answer_seq: i64,
    speech_end: SamplePos,
    speech_end_at: Instant,
    pub stages: Stages,
}

impl Marks {
    fn since(&self, at: Instant) -> Option<u64> {
        u64::try_from(at.saturating_duration_since(self.speech_end_at).as_millis()).ok()
    }

    pub fn first_token(&mut self, at: Instant) {
        self.stages.first_token_ms = self.stages.first_token_ms.or(self.since(at));
    }

    pub fn first_audio(&mut self, at: Instant) {
        self.stages.first_audio_ms = self.stages.first_audio_ms.or(self.since(at));
    }

    pub fn committed(&mut self, seq: i64) {
        if seq >= self.answer_seq {
            self.stages.committed_ms = self.stages.committed_ms.or(self.since(now()));
        }
    }
}

/// Writes the log of one conversation.
pub struct Scribe {
    id: SessionId,
    clock: Clock,
    samples: SampleClock,
    journal: mpsc::Sender<Entry>,
    next_seq: i64,
    stt: String,
    tts: String,
    llm: String,
    vad: String,
    turn_model: String,
    reply_from_ms: u64,
    broken: bool,
}

impl Scribe {
    pub fn new(
        id: SessionId,
        clock: Clock,
        samples: SampleClock,
        journal: mpsc::Sender<Entry>,
        next_seq: i64,
        parts: &Parts,
    ) -> Self {
        Self {
            id,
            clock,
            samples,
            journal,
            next_seq,
            stt: parts.stt.name(),
            tts: parts.tts.voice(),
            llm: parts.llm.as_ref().map_or_else(String::new, |model| model.name()),
            vad: parts.voice_activity.name(),
            turn_model: parts.turn_model.as_ref().map_or_else(String::new, |model| model.name()),
            reply_from_ms: 0,
            broken: false,
        }
    }

    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The log takes no more: the conversation must end.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    pub fn last_seq(&self) -> i64 {
        self.next_seq - 1
    }

    /// Where the conversation's time is.
    pub fn position(&self) -> SamplePos {
        self.samples.at(now())
    }

    pub fn log(&mut self, event: SessionEvent) {
        self.log_with(event, Vec::new());
    }

    fn log_with(&mut self, event: SessionEvent, projections: Vec<Projection>) {
        let at_ms = self.position().ms();
        match self.journal.try_send(Entry { seq: self.next_seq, event, at_ms, projections }) {
            Ok(()) => self.next_seq += 1,
            Err(TrySendError::Full(_)) => {
                tracing::error!(session = %self.id, "the event log is over its limit; the conversation ends");
                self.broken = true;
            }
            // The journal has said why, or will.
            Err(TrySendError::Closed(_)) => {}
        }
    }

    pub fn opened(&mut self, settings: &PlainSettings) {
        let versions = Versions {
            app: env!("CARGO_PKG_VERSION").into(),
            vad: self.vad.clone(),
            turn_model: self.turn_model.clone(),
            stt: self.stt.clone(),
            llm: self.llm.clone(),
            tts: self.tts.clone(),
        };
        self.log(SessionEvent::TakenUp { resumed: false, versions });
        let settings = serde_json::to_value(settings).unwrap_or_default();
        self.log(SessionEvent::ConversationOpened { settings });
    }

    pub fn began(&mut self) {
        let at = self.clock.now();
        self.log_with(SessionEvent::Began, vec![Projection::Started { at }]);
    }

    /// A turn of the caller, and its row.
    pub fn answer(&mut self, turn: TurnId, text: &str, speech_end: SamplePos) -> Marks {
        let now = now();
        let behind_ms = self.position().ms().saturating_sub(speech_end.ms());
        let speech_end_at = now.checked_sub(Duration::from_millis(behind_ms)).unwrap_or(now);
        let stages = Stages { decision_ms: Some(behind_ms), transcript_final_ms: Some(behind_ms), ..Stages::default() };
        let end_ms = speech_end.ms();
        let utterance = Utterance {
            id: UtteranceId(turn.0),
            turn: Some(turn),
            text: text.to_owned(),
            start_ms: end_ms,
            end_ms,
            confidence: None,
            damaged: false,
        };
        let answer = Answer {
            turn,
            question_key: None,
            text: text.to_owned(),
            typed: false,
            utterances: vec![utterance],
            decision: None,
            transcribed_ms: Some(behind_ms),
        };
        let row = TranscriptRow {
            id: row_id(&[self.id.0.as_bytes(), b"turn", &turn.0.to_be_bytes()]),
            role: Role::Candidate,
            content: text.to_owned(),
            planned: None,
            interrupted: false,
            question_key: None,
            start_ms: ms_i64(end_ms),
            end_ms: ms_i64(end_ms),
            latency_ms: Some(ms_i64(behind_ms)),
            stages: serde_json::json!({}),
            confidence: None,
            provider: Some(self.stt.clone()),
            line_kind: None,
            turn: i64::try_from(turn.0).ok(),
        };
        let answer_seq = self.next_seq;
        self.log_with(SessionEvent::AnswerCommitted(answer), vec![Projection::Transcript(row)]);
        Marks { answer_seq, speech_end, speech_end_at, stages }
    }

    /// A reply begins to sound at `at`.
    pub fn reply_began(
        &mut self,
        speech: SpeechId,
        turn: Option<TurnId>,
        marks: Option<&mut Marks>,
        text: &str,
        at: SamplePos,
    ) {
        self.reply_from_ms = at.ms();
        self.log(SessionEvent::ReplyBegan { turn, speech, text: text.to_owned() });
        let (Some(turn), Some(marks)) = (turn, marks) else { return };
        marks.stages.first_sample_sent_ms = Some(at.ms().saturating_sub(marks.speech_end.ms()));
        let stages = marks.stages;
        for (stage, ms) in [
            ("decision", stages.decision_ms),
            ("committed", stages.committed_ms),
            ("first_token", stages.first_token_ms),
            ("first_audio", stages.first_audio_ms),
            ("first_sample_sent", stages.first_sample_sent_ms),
        ] {
            if let Some(ms) = ms {
                metrics::histogram!(histogram::TURN_STAGE_MS, "stage" => stage, "kind" => "plain").record(ms as f64);
            }
        }
        self.log(SessionEvent::Replied { turn, speech, question: None, start_ms: at.ms(), stages });
    }

    /// It is over: the row of what was heard.
    pub fn reply_ended(&mut self, ended: &EndedReply<'_>) {
        let &EndedReply { speech, turn, marks, planned, heard, sent_samples, interrupted } = ended;
        let row = TranscriptRow {
            id: row_id(&[self.id.0.as_bytes(), b"speech", &speech.0.to_be_bytes()]),
            role: Role::Interviewer,
            content: heard.to_owned(),
            planned: Some(planned.to_owned()),
            interrupted,
            question_key: None,
            start_ms: ms_i64(self.reply_from_ms),
            end_ms: ms_i64(self.position().ms().max(self.reply_from_ms)),
            latency_ms: marks.and_then(|marks| marks.stages.first_sample_sent_ms).map(ms_i64),
            stages: marks.map_or_else(|| serde_json::json!({}), |marks| serde_json::json!({ "reply": marks.stages })),
            confidence: None,
            provider: Some(self.tts.clone()),
            line_kind: None,
            turn: turn.and_then(|turn| i64::try_from(turn.0).ok()),
        };
        let heard = heard.to_owned();
        self.log_with(
            SessionEvent::SpeechEnded { speech, sent_samples, heard, interrupted },
            vec![Projection::Transcript(row)],
        );
    }
}

/// A reply that is over.
#[derive(Clone, Copy)]
pub struct EndedReply<'a> {
    pub speech: SpeechId,
    pub turn: Option<TurnId>,
    pub marks: Option<&'a Marks>,
    pub planned: &'a str,
    pub heard: &'a str,
    pub sent_samples: u64,
    pub interrupted: bool,
}
