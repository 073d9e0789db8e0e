//! What a session writes down: events, the rows made of them, latencies, and the view of the page. Must never put a
//! candidate's words into a log message.

use super::actor::{Actor, ReplyMarks, now};
use super::event::{Answer, SessionEvent};
use super::journal::Entry;
use super::mouth::Speech;
use super::observers::Remark;
use crate::audio::frame::SamplePos;
use crate::audio::recording::RecordingState;
use crate::cloud::meter::Sum;
use crate::id::SpeechId;
use crate::interview::question::QuestionKind;
use crate::interview::{self, Facts, Line, Phase};
use crate::room::{NoticeLevel, QuestionView, ServerMessage, StateView};
use crate::store::{ArtifactRow, Projection, Role, TranscriptRow, UsageRow};
use crate::telemetry::histogram;
use sha2::{Digest, Sha256};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::error::TrySendError;
use uuid::Uuid;

/// Versions of one interview's code that are kept; the page sends at most one a second.
pub(super) const CODE_VERSIONS_MAX: u32 = 5_000;
/// Least time between two versions that were not submitted.
const CODE_PACE: Duration = Duration::from_millis(400);

impl Actor {
    pub(super) fn log(&mut self, event: SessionEvent) {
        self.log_with(event, Vec::new());
    }

    pub(super) fn log_with(&mut self, event: SessionEvent, projections: Vec<Projection>) {
        let Some(journal) = &self.journal else { return };
        let at_ms = self.samples.at(now()).ms();
        let seq = self.next_seq;
        let holds_words = matches!(event, SessionEvent::AnswerCommitted(_) | SessionEvent::UtteranceTranscribed(_));
        match journal.try_send(Entry { seq, event, at_ms, projections }) {
            Ok(()) => {
                self.next_seq += 1;
                if holds_words {
                    self.words_seq = seq;
                }
            }
            // The end, which has something to log as well, is told once.
            Err(TrySendError::Full(_)) if self.ended.is_some() => {}
            Err(TrySendError::Full(_)) => {
                tracing::error!(session = %self.id, "the event log is over its limit; the session ends");
                self.show_broken_off();
                self.end(interview::EndReason::Failed);
            }
            // The journal has said why, or will.
            Err(TrySendError::Closed(_)) => self.journal = None,
        }
    }

    /// The interview ends by our fault.
    pub(super) fn show_broken_off(&self) {
        self.show(ServerMessage::Notice {
            level: NoticeLevel::Error,
            text: "Something went wrong on our side, so the interview ends here. What you have said so far is kept."
                .into(),
        });
    }

    /// What the floor was told since the last time, for whoever replays it.
    pub(super) fn log_told(&mut self) {
        if !self.told.is_empty() {
            let events = std::mem::take(&mut self.told);
            self.log(SessionEvent::FloorTold { events });
        }
    }

    /// A recording that stopped early is told once; what was written before is kept.
    pub(super) fn look_at_the_recording(&mut self) {
        let Some(recording) = &self.recording else { return };
        let failed = match &*recording.state().borrow() {
            RecordingState::Failed { why, .. } => Some(why.clone()),
            RecordingState::Running { .. } | RecordingState::Closed { .. } => None,
        };
        if let Some(why) = failed.filter(|_| !self.recording_failed) {
            self.recording_failed = true;
            tracing::error!(session = %self.id, %why, "the recording stopped");
            self.log(SessionEvent::PartFailed { part: "recording".into(), error: why });
            self.show(ServerMessage::Notice {
                level: NoticeLevel::Warning,
                text: "The sound recording has stopped. Your words are still written down, and the interview goes on."
                    .into(),
            });
        }
    }

    /// What providers did for this interview so far, where that has changed.
    pub(super) fn log_usage(&mut self) {
        let told = self.parts.meter.told();
        if told.is_empty() || told == self.usage_told {
            return;
        }
        let row = |sum: &Sum| {
            let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
            let first = self.first_seq.to_be_bytes();
            let names = [sum.part.as_str().as_bytes(), sum.provider.as_bytes()];
            Projection::Usage(UsageRow {
                // Who takes the session up again counts from nothing.
                id: row_id(&[self.id.0.as_bytes(), b"usage", &first, names[0], b"/", names[1]]),
                part: sum.part.as_str().to_owned(),
                provider: sum.provider.to_string(),
                seconds: sum.used.seconds,
                tokens_in: whole(sum.used.tokens_in),
                tokens_out: whole(sum.used.tokens_out),
                cost_micro_usd: sum.cost_micro_usd.map(whole),
            })
        };
        let rows = told.iter().map(row).collect();
        let cost_micro_usd = told.iter().filter_map(|sum| sum.cost_micro_usd).sum();
        self.usage_told = told;
        self.log_with(SessionEvent::Used { cost_micro_usd }, rows);
    }

    pub(super) fn instant_of(&self, at: SamplePos) -> Instant {
        let now = now();
        let behind_ms = self.samples.at(now).ms().saturating_sub(at.ms());
        now.checked_sub(Duration::from_millis(behind_ms)).unwrap_or(now)
    }

    /// The question in hand.
    pub(super) fn question_key(&self) -> Option<String> {
        self.interview.facts(now()).open.map(|open| open.key)
    }

    /// What the policy must know to go on after a crash, whenever it has changed.
    pub(super) fn log_facts(&mut self) {
        let facts = self.interview.facts(now());
        let changed = Facts { elapsed_ms: self.facts.elapsed_ms, ..facts.clone() } != self.facts;
        if changed {
            self.facts = facts.clone();
            self.log(SessionEvent::Facts { facts: Box::new(facts) });
        }
    }

    pub(super) fn project_active(&mut self) {
        let at_ms = self.samples.at(now()).ms();
        tracing::info!(session = %self.id, at_ms, "the interview begins");
        let at = self.clock.now();
        self.log_with(SessionEvent::Began, vec![Projection::Started { at }]);
    }

    /// The row and the event of a finished turn.
    pub(super) fn log_answer(&mut self, answer: Answer) {
        let start_ms = answer.utterances.iter().map(|utterance| utterance.start_ms).min().unwrap_or(0);
        let end_ms = answer
            .decision
            .as_ref()
            .map(|decision| decision.speech_end.ms())
            .or_else(|| answer.utterances.iter().map(|utterance| utterance.end_ms).max())
            .unwrap_or(start_ms);
        let confidences: Vec<f32> = answer.utterances.iter().filter_map(|utterance| utterance.confidence).collect();
        let confidence = (!confidences.is_empty()).then(|| confidences.iter().sum::<f32>() / confidences.len() as f32);
        let row = TranscriptRow {
            id: row_id(&[self.id.0.as_bytes(), b"turn", &answer.turn.0.to_be_bytes()]),
            role: Role::Candidate,
            content: answer.text.clone(),
            planned: None,
            interrupted: false,
            question_key: answer.question_key.clone(),
            start_ms: ms_i64(start_ms),
            end_ms: ms_i64(end_ms.max(start_ms)),
            latency_ms: answer.transcribed_ms.map(ms_i64),
            stages: serde_json::json!({
                "utterances": answer.utterances,
                "decision": answer.decision,
                "typed": answer.typed,
            }),
            confidence,
            provider: Some(self.parts.stt.name()),
            line_kind: None,
            turn: Some(i64::try_from(answer.turn.0).unwrap_or(i64::MAX)),
        };
        let rows = if answer.text.is_empty() { Vec::new() } else { vec![Projection::Transcript(row)] };
        self.log_with(SessionEvent::AnswerCommitted(answer), rows);
    }

    /// What an observer said has a row of its own role.
    pub(super) fn log_remark(&mut self, remark: Remark) {
        let Remark { user, text, start_ms, end_ms } = remark;
        let row = TranscriptRow {
            id: row_id(&[self.id.0.as_bytes(), b"observer", user.as_bytes(), &start_ms.to_be_bytes()]),
            role: Role::Observer,
            content: text.clone(),
            planned: None,
            interrupted: false,
            question_key: self.question_key(),
            start_ms: ms_i64(start_ms),
            end_ms: ms_i64(end_ms.max(start_ms)),
            latency_ms: None,
            stages: serde_json::json!({ "user": user }),
            confidence: None,
            provider: Some(self.parts.stt.name()),
            line_kind: None,
            turn: None,
        };
        let event = SessionEvent::Overheard { user, text, start_ms, end_ms };
        self.log_with(event, vec![Projection::Transcript(row)]);
    }

    pub(super) fn log_speech_started(&mut self, speech: SpeechId, line: &Line, at: SamplePos) {
        let row = self.speech_row(speech, line, at.ms(), at.ms(), String::new(), true);
        let event = SessionEvent::SpeechStarted {
            speech,
            line: line.kind,
            question_key: line.question_key.clone(),
            text: line.text.clone(),
        };
        self.speech_started_ms = at.ms();
        self.log_with(event, vec![Projection::Transcript(row)]);
    }

    pub(super) fn log_speech_ended(&mut self, speech: &Speech, heard: String, interrupted: bool) {
        let start_ms = self.speech_started_ms;
        let end_ms = self.samples.at(now()).ms();
        let rows = if speech.sent_samples == 0 {
            Vec::new()
        } else {
            let row = self.speech_row(speech.id, &speech.line, start_ms, end_ms, heard.clone(), interrupted);
            vec![Projection::Transcript(row)]
        };
        let event =
            SessionEvent::SpeechEnded { speech: speech.id, sent_samples: speech.sent_samples, heard, interrupted };
        self.log_with(event, rows);
    }

    /// A line that was not spoken but shown: whoever reads the record must know what was answered.
    pub(super) fn log_speech_shown(&mut self, speech: SpeechId, line: &Line) {
        let at = self.samples.at(now());
        self.log_speech_started(speech, line, at);
        let heard = line.text.clone();
        let row = self.speech_row(speech, line, at.ms(), at.ms(), heard.clone(), false);
        let event = SessionEvent::SpeechEnded { speech, sent_samples: 0, heard, interrupted: false };
        self.log_with(event, vec![Projection::Transcript(row)]);
    }

    fn speech_row(
        &self,
        speech: SpeechId,
        line: &Line,
        start_ms: u64,
        end_ms: u64,
        heard: String,
        interrupted: bool,
    ) -> TranscriptRow {
        let reply = self.reply.as_ref().filter(|reply| reply.speech == Some(speech));
        TranscriptRow {
            id: row_id(&[self.id.0.as_bytes(), b"speech", &speech.0.to_be_bytes()]),
            role: Role::Interviewer,
            content: heard,
            planned: Some(line.text.clone()),
            interrupted,
            question_key: line.question_key.clone(),
            start_ms: ms_i64(start_ms),
            end_ms: ms_i64(end_ms.max(start_ms)),
            latency_ms: reply.and_then(|reply| reply.stages.first_sample_sent_ms).map(ms_i64),
            stages: reply.map_or_else(
                || serde_json::json!({}),
                |reply| serde_json::json!({ "reply": reply.stages, "kind": reply.kind }),
            ),
            confidence: None,
            provider: Some(self.parts.tts.voice()),
            line_kind: Some(line.kind),
            turn: reply.map(|reply| i64::try_from(reply.turn.0).unwrap_or(i64::MAX)),
        }
    }

    pub(super) fn mark_committed(&mut self, seq: i64) {
        let at = now();
        if let Some(reply) = &mut self.reply
            && reply.stages.committed_ms.is_none()
            && seq >= reply.answer_seq
        {
            reply.stages.committed_ms = Some(since(reply, at));
        }
    }

    /// The first sample of `speech` left at `at`; if it answers a turn, the turn's stages are complete.
    pub(super) fn mark_first_sample(&mut self, speech: SpeechId, at: SamplePos, first_audio: Option<Instant>) {
        let Some(reply) = &mut self.reply else { return };
        // No reply sounds before its answer is durable: what does was on its way already, and answers something else.
        if reply.speech.is_some() || reply.stages.committed_ms.is_none() {
            return;
        }
        reply.speech = Some(speech);
        reply.start_ms = Some(at.ms());
        reply.stages.first_audio_ms = first_audio.map(|instant| since(reply, instant));
        reply.stages.first_sample_sent_ms = Some(at.ms().saturating_sub(reply.speech_end.ms()));
        let (stages, kind) = (reply.stages, reply.kind.map_or("none", QuestionKind::as_str));
        let named = [
            ("decision", stages.decision_ms),
            ("transcript_final", stages.transcript_final_ms),
            ("committed", stages.committed_ms),
            ("first_token", stages.first_token_ms),
            ("first_audio", stages.first_audio_ms),
            ("first_sample_sent", stages.first_sample_sent_ms),
        ];
        for (stage, ms) in named {
            record_stage(stage, kind, ms);
        }
        let (turn, question, start_ms) = (reply.turn, reply.kind, at.ms());
        self.turn_span.record("gap_ms", stages.first_sample_sent_ms);
        self.turn_span.in_scope(|| {
            tracing::info!(
                session = %self.id, %turn, kind,
                decision_ms = stages.decision_ms, transcript_ms = stages.transcript_final_ms,
                committed_ms = stages.committed_ms, first_token_ms = stages.first_token_ms, first_audio_ms = stages.first_audio_ms,
                gap_ms = stages.first_sample_sent_ms, "reply"
            );
        });
        self.log(SessionEvent::Replied { turn, speech, question, start_ms, stages });
    }

    /// The model's first word of the reply was there at `at`.
    pub(super) fn mark_first_token(&mut self, at: Instant) {
        let Some(reply) = &mut self.reply else { return };
        let ms = since(reply, at);
        reply.stages.first_token_ms = Some(ms);
        let (turn, question, stages) = (reply.turn, reply.kind, reply.stages);
        if let Some((speech, start_ms)) = reply.speech.zip(reply.start_ms) {
            // The acknowledgement before it was told without it.
            record_stage("first_token", question.map_or("none", QuestionKind::as_str), Some(ms));
            self.log(SessionEvent::Replied { turn, speech, question, start_ms, stages });
        }
    }

    /// Keeps a version of the code; what is refused is told with its reason.
    pub(super) fn code(
        &mut self,
        key: String,
        language: String,
        content: String,
        submitted: bool,
    ) -> Result<(), &'static str> {
        if self.question_key().as_deref() != Some(key.as_str()) || self.code_version >= CODE_VERSIONS_MAX {
            const WHY: &str = "That code belongs to another question and was not kept.";
            self.show(ServerMessage::Notice { level: NoticeLevel::Info, text: WHY.into() });
            return Err(WHY);
        }
        let same = self.last_code.as_ref().is_some_and(|(_, last)| *last == content);
        if !submitted && same {
            return Ok(());
        }
        if !submitted && self.last_code.as_ref().is_some_and(|(at, _)| now() < *at + CODE_PACE) {
            return Err("Code comes too fast: send it again in half a second.");
        }
        self.last_code = Some((now(), content.clone()));
        self.code_version += 1;
        let version = self.code_version;
        let row = ArtifactRow {
            id: row_id(&[self.id.0.as_bytes(), b"code", &version.to_be_bytes()]),
            question_key: key.clone(),
            language: language.clone(),
            content: content.clone(),
            version: i32::try_from(version).unwrap_or(i32::MAX),
            submitted,
            at_ms: ms_i64(self.samples.at(now()).ms()),
            ai_analysis: None,
        };
        let event = SessionEvent::CodeChanged {
            question_key: key.clone(),
            version,
            language: language.clone(),
            content: content.clone(),
            submitted,
        };
        self.log_with(event, vec![Projection::Artifact(row)]);
        self.interview_event(interview::Event::Code { question_key: key, language, content, submitted });
        Ok(())
    }

    /// Answers who sent code: that it is stored, as soon as the log is durable so far.
    pub(super) fn answer_code(&mut self, message: Option<String>, kept: Result<(), &'static str>) {
        let Some(message) = message else { return };
        match kept {
            Err(why) => self.show(ServerMessage::NotStored { message, why }),
            Ok(()) => self.show_when_durable(ServerMessage::Stored { message }),
        }
    }

    pub(super) fn view_now(&self) -> StateView {
        let view = self.interview.view(now());
        let phase = if self.ended.is_some() {
            "ended"
        } else if self.paused {
            "paused"
        } else if !self.begun {
            "connecting"
        } else if view.phase == Phase::Closing {
            "closing"
        } else if self.mouth.current().is_some() {
            if view.phase == Phase::Greeting { "greeting" } else { "speaking" }
        } else if self.hearing.is_deciding() || !self.mouth.is_silent() {
            "thinking"
        } else {
            "listening"
        };
        let question = view.question.map(QuestionView::from);
        StateView {
            phase: phase.into(),
            question,
            elapsed_ms: view.elapsed_ms,
            remaining_ms: view.remaining_ms,
            paused: self.paused,
        }
    }

    /// A page that has just come (back): where things stand, and the words of the question.
    pub(super) fn show_everything(&mut self) {
        self.show_view();
        if let Some(speech) = self.mouth.current() {
            self.show(ServerMessage::InterviewerSpeaking(true));
            self.show(ServerMessage::InterviewerCaption { text: speech.line.text.clone(), spoken: false });
        }
    }
}

fn record_stage(stage: &'static str, kind: &'static str, ms: Option<u64>) {
    if let Some(ms) = ms {
        metrics::histogram!(histogram::TURN_STAGE_MS, "stage" => stage, "kind" => kind).record(ms as f64);
    }
}

fn since(reply: &ReplyMarks, at: Instant) -> u64 {
    u64::try_from(at.saturating_duration_since(reply.speech_end_at).as_millis()).unwrap_or(u64::MAX)
}

/// An id that is the same whenever the same thing is written again (UUIDv8 of a hash), so that repeats are upserts.
pub(super) fn row_id(parts: &[&[u8]]) -> Uuid {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
        hash.update([0]);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_bytes(bytes).with_version(uuid::Version::Custom).into_uuid()
}

pub(super) fn ms_i64(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}
