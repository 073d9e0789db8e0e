//! One step of a written interview: an act of the candidate goes to the interview's core, and what the core says becomes
//! entries of the log, rows, and lines for the page. Must never wait, write, or read a clock.

use super::{Act, Line, Refused, State};
use crate::id::{SessionId, SpeechId, TurnId, UtteranceId};
use crate::interview::question::QuestionKind;
use crate::interview::{self, Command, EndReason, Interview, LineKind, Phase, Plan, Settings};
use crate::room::QuestionView;
use crate::session::event::{Answer, SessionEvent, Utterance, Versions};
use crate::session::hearing::TYPED_FROM;
use crate::session::record::{CODE_VERSIONS_MAX, ms_i64, row_id};
use crate::session::restore::Restored;
use crate::store::{ArtifactRow, Projection, Role, SessionStatus, TranscriptRow};
use chrono::{DateTime, Utc};
use std::time::{Duration, Instant};

/// Time between two steps that counts as time at the question, ms; who takes longer was away, and being away uses up
/// nothing.
const AT_IT_MS_MAX: u64 = 10 * 60_000;
/// Who writes down the lines of a written interview.
const PROVIDER: &str = "text";

/// An interview as its log left it, with what it says and does in one step.
pub(super) struct Desk {
    id: SessionId,
    pub interview: Interview,
    now: Instant,
    at: DateTime<Utc>,
    at_ms: u64,
    begun: bool,
    next_speech: u64,
    next_turn: u64,
    code_version: u32,
    pub entries: Vec<(SessionEvent, u64)>,
    pub rows: Vec<Projection>,
    pub said: Vec<Line>,
    /// Questions that were closed, in order.
    pub closed: Vec<String>,
    pub finished: Option<EndReason>,
}

/// When a step is taken.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub now: Instant,
    pub at: DateTime<Utc>,
    /// On the session's clock.
    pub at_ms: u64,
}

impl Desk {
    /// Takes an interview up where its log left it; `None`: it has no log yet.
    pub fn open(id: SessionId, plan: Plan, settings: Settings, restored: Option<Restored>, moment: Moment) -> Self {
        let Moment { now, at, at_ms } = moment;
        let Some(restored) = restored else {
            return Self::of(id, Interview::new(plan, settings), moment);
        };
        let begun = restored.facts.next_line > 0;
        let mut interview = Interview::restore(plan, settings, restored.facts, restored.code);
        interview.take_up(now);
        let at_it_ms = at_ms.saturating_sub(restored.last_at_ms);
        let at_it_ms = if at_it_ms > AT_IT_MS_MAX { 0 } else { at_it_ms };
        Self {
            now: now + Duration::from_millis(at_it_ms),
            at,
            at_ms: at_ms.max(restored.last_at_ms),
            begun,
            next_speech: restored.resumed.next_speech.max(1),
            next_turn: restored.next_turn.max(1),
            code_version: restored.resumed.code_version,
            ..Self::of(id, interview, moment)
        }
    }

    fn of(id: SessionId, interview: Interview, Moment { now, at, at_ms }: Moment) -> Self {
        Self {
            id,
            interview,
            now,
            at,
            at_ms,
            begun: false,
            next_speech: 1,
            next_turn: 1,
            code_version: 0,
            entries: Vec::new(),
            rows: Vec::new(),
            said: Vec::new(),
            closed: Vec::new(),
            finished: None,
        }
    }

    /// Takes one step; nothing is changed where it is refused.
    pub fn take(&mut self, reply_to: Option<u64>, act: Act) -> Result<(), Refused> {
        self.check(reply_to, &act)?;
        match act {
            Act::Begin => self.begin(),
            Act::Answer { text } => self.answer(text),
            Act::Wish(wish) => {
                self.log(SessionEvent::WishHeard { wish, by_phrase: false });
                self.tell(interview::Event::Wish(wish));
            }
            Act::Code { question_id, language, content, submitted } => {
                self.code(question_id, language, content, submitted);
            }
            Act::End(reason) => self.tell(interview::Event::End { reason }),
        }
        let facts = Box::new(self.interview.facts(self.now));
        self.log(SessionEvent::Facts { facts });
        if let Some(reason) = self.finished {
            self.log(SessionEvent::Ended { reason });
        }
        Ok(())
    }

    fn check(&self, reply_to: Option<u64>, act: &Act) -> Result<(), Refused> {
        let phase = self.interview.view(self.now).phase;
        if matches!(phase, Phase::Closing | Phase::Ended) {
            return Err(Refused::Over);
        }
        if matches!(act, Act::End(_)) {
            return Ok(());
        }
        if matches!(act, Act::Begin) {
            return if self.begun { Err(Refused::Begun) } else { Ok(()) };
        }
        if !self.begun {
            return Err(Refused::NotBegun);
        }
        if reply_to.is_some_and(|line| line != self.last_line()) {
            return Err(Refused::Outdated);
        }
        match act {
            Act::Wish(interview::Wish::Resume) if phase != Phase::Paused => Err(Refused::NotPaused),
            Act::Wish(interview::Wish::Resume | interview::Wish::End) => Ok(()),
            Act::Answer { .. } | Act::Wish(_) | Act::Code { .. } if phase == Phase::Paused => Err(Refused::Paused),
            Act::Code { question_id, .. } if !self.takes_code(question_id) => Err(Refused::OtherQuestion),
            Act::Code { .. } if self.code_version >= CODE_VERSIONS_MAX => Err(Refused::TooManyVersions),
            Act::Begin | Act::Answer { .. } | Act::Wish(_) | Act::Code { .. } | Act::End(_) => Ok(()),
        }
    }

    fn takes_code(&self, question_id: &str) -> bool {
        let question = self.interview.view(self.now).question;
        question.is_some_and(|question| question.id == question_id && question.kind == QuestionKind::Code)
    }

    /// The number of the interviewer's last line.
    fn last_line(&self) -> u64 {
        self.next_speech - 1
    }

    fn begin(&mut self) {
        let app = env!("CARGO_PKG_VERSION").into();
        let versions = Versions { app, stt: PROVIDER.into(), tts: PROVIDER.into(), ..Versions::default() };
        self.log(SessionEvent::TakenUp { resumed: false, versions });
        self.rows.push(Projection::Started { at: self.at });
        self.log(SessionEvent::Began);
        self.begun = true;
        self.tell(interview::Event::Begin);
    }

    fn answer(&mut self, text: String) {
        let turn = TurnId(self.next_turn);
        self.next_turn += 1;
        let question_key = self.interview.view(self.now).question.map(|question| question.id);
        let utterance = Utterance {
            id: UtteranceId(TYPED_FROM + self.at_ms),
            turn: Some(turn),
            text: text.clone(),
            start_ms: self.at_ms,
            end_ms: self.at_ms,
            confidence: None,
            damaged: false,
        };
        let id = row_id(&[self.id.0.as_bytes(), b"turn", &turn.0.to_be_bytes()]);
        self.rows.push(Projection::Transcript(TranscriptRow {
            turn: i64::try_from(turn.0).ok(),
            stages: serde_json::json!({ "typed": true }),
            ..self.row(id, Role::Candidate, &text, question_key.clone())
        }));
        self.log(SessionEvent::AnswerCommitted(Answer {
            turn,
            question_key,
            text: text.clone(),
            typed: true,
            utterances: vec![utterance],
            decision: None,
            transcribed_ms: None,
        }));
        self.tell(interview::Event::Answered { turn, text });
    }

    fn code(&mut self, key: String, language: String, content: String, submitted: bool) {
        self.code_version += 1;
        let version = self.code_version;
        self.rows.push(Projection::Artifact(ArtifactRow {
            id: row_id(&[self.id.0.as_bytes(), b"code", &version.to_be_bytes()]),
            question_key: key.clone(),
            language: language.clone(),
            content: content.clone(),
            version: i32::try_from(version).unwrap_or(i32::MAX),
            submitted,
            at_ms: ms_i64(self.at_ms),
            ai_analysis: None,
        }));
        let (question_key, kept) = (key.clone(), content.clone());
        self.log(SessionEvent::CodeChanged {
            question_key,
            version,
            language: language.clone(),
            content: kept,
            submitted,
        });
        self.tell(interview::Event::Code { question_key: key, language, content, submitted });
    }

    /// Tells the core, and carries out what it says until it says nothing more.
    fn tell(&mut self, event: interview::Event) {
        self.interview.handle_event(self.now, event);
        while let Some(command) = self.interview.poll_command() {
            self.carry_out(command);
        }
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Say(line) => self.say(line),
            Command::QuestionOpened { key, number } => self.log(SessionEvent::QuestionOpened { key, number }),
            Command::QuestionClosed { key, outcome } => {
                self.closed.push(key.clone());
                self.log(SessionEvent::QuestionClosed { key, outcome });
            }
            Command::WishHeard { wish, .. } => self.log(SessionEvent::WishHeard { wish, by_phrase: true }),
            Command::Paused => {
                self.rows.push(Projection::Status(SessionStatus::Paused));
                self.log(SessionEvent::Paused);
            }
            Command::Resumed => {
                self.rows.push(Projection::Status(SessionStatus::Active));
                self.log(SessionEvent::Resumed);
            }
            // No model words a line here.
            Command::Worded { .. } => {}
            Command::Finished { reason } => self.finished = Some(reason),
        }
    }

    /// A line stands on the page as soon as it is said: it is read, not heard.
    fn say(&mut self, line: interview::Line) {
        let speech = SpeechId(self.next_speech);
        self.next_speech += 1;
        let question_key = line.question_key.clone();
        let id = row_id(&[self.id.0.as_bytes(), b"speech", &speech.0.to_be_bytes()]);
        self.rows.push(Projection::Transcript(TranscriptRow {
            planned: Some(line.text.clone()),
            line_kind: Some(line.kind),
            ..self.row(id, Role::Interviewer, &line.text, question_key.clone())
        }));
        self.log(SessionEvent::SpeechStarted { speech, line: line.kind, question_key, text: line.text.clone() });
        let heard = line.text.clone();
        self.log(SessionEvent::SpeechEnded { speech, sent_samples: 0, heard, interrupted: false });
        self.said.push(Line {
            number: speech.0,
            kind: line.kind,
            text: line.text,
            question_id: line.question_key,
            expects_answer: line.expects_answer.is_some() || line.kind == LineKind::Question,
        });
        self.interview.handle_event(self.now, interview::Event::LineDone { line: line.id });
    }

    /// A row of the transcript, at a place of its own: rows are in order by their time.
    fn row(&self, id: uuid::Uuid, role: Role, content: &str, question_key: Option<String>) -> TranscriptRow {
        TranscriptRow {
            id,
            role,
            content: content.to_owned(),
            planned: None,
            interrupted: false,
            question_key,
            start_ms: ms_i64(self.at_ms),
            end_ms: ms_i64(self.at_ms),
            latency_ms: None,
            stages: serde_json::json!({}),
            confidence: None,
            provider: Some(PROVIDER.to_owned()),
            line_kind: None,
            turn: None,
        }
    }

    /// Each entry stands a millisecond after the one before, so that the order of the log is the order of the rows.
    fn log(&mut self, event: SessionEvent) {
        self.entries.push((event, self.at_ms));
        self.at_ms += 1;
    }

    /// Where the interview stands.
    pub fn state(&self) -> State {
        let view = self.interview.view(self.now);
        let ended = self.finished.or_else(|| self.interview.facts(self.now).ending);
        State {
            phase: if ended.is_some() { Phase::Ended } else { view.phase },
            last_line: self.last_line(),
            question: view.question.filter(|_| ended.is_none()).map(QuestionView::from),
            elapsed_ms: view.elapsed_ms,
            remaining_ms: view.remaining_ms,
            paused: view.paused,
            ended,
        }
    }
}
