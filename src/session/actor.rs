//! The loop of one session: what happens goes to the cores, their commands are carried out until none is left, timers
//! due are handled before the event at the same instant. Must never wait for anything but its own inbox.

mod wake;

use super::ears::{EarCommand, EarEvent};
use super::event::{SessionEvent, Stages, Told};
use super::hearing::Hearing;
use super::journal::{Entry, JournalReport};
use super::mouth::{Mouth, Pumped};
use super::wording::Wordings;
use super::{Control, Setup, Work};
use crate::audio::frame::SamplePos;
use crate::clock::{Alarm, Clock};
use crate::id::{SessionId, SpeechId, TurnId};
use crate::interview::question::QuestionKind;
use crate::interview::{self, EndReason, Facts, Interview};
use crate::room::{ClosedReason, NoticeLevel, RoomCommand, RoomEvent, SampleClock, ServerMessage, StateView};
use crate::turn::{self, TurnTaking};
use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The page is told where the interview stands at least this often, s (its clock drifts little in it).
const VIEW_EVERY: Duration = Duration::from_secs(5);

/// Things told to the floor that are logged together: a turn has fewer.
const TOLD_MAX: usize = 64;

/// How a session ended, for its finalisation.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome {
    pub id: SessionId,
    /// `None`: another node took the session over, nothing is to be finalised.
    pub reason: Option<EndReason>,
    pub recorded_s: Option<f64>,
}

/// The state of one session; `hearing`, `saying` and `record` hold the rest of its methods.
pub(super) struct Actor {
    pub id: SessionId,
    pub clock: Clock,
    pub samples: SampleClock,
    pub room: mpsc::Sender<RoomCommand>,
    pub ears: mpsc::Sender<EarCommand>,
    pub turn: TurnTaking,
    pub interview: Interview,
    pub hearing: Hearing,
    pub mouth: Mouth,
    pub parts: super::Parts,
    pub journal: Option<mpsc::Sender<Entry>>,
    pub next_seq: i64,
    /// Where this owner began.
    pub first_seq: i64,
    /// What the log knows of the providers' work.
    pub usage_told: Vec<crate::cloud::meter::Sum>,
    pub durable_seq: i64,
    /// The latest entry that holds words of the candidate's.
    pub words_seq: i64,
    pub recording: Option<crate::audio::recording::RecorderHandle>,
    pub work: mpsc::Sender<Work>,
    pub tasks: TaskTracker,
    /// Ends what the session started; a stop from outside ends the session first.
    pub cancel: CancellationToken,
    pub view: watch::Sender<StateView>,
    pub view_due: Instant,
    /// Speeches whose end is none of the policy's business: they were dropped with a recovered cut-off.
    pub discarded: BTreeSet<SpeechId>,
    /// Whether the candidate was told that the recording stopped.
    pub recording_failed: bool,
    /// Traces the turn in hand, from its decision to the reply that sounds.
    pub turn_span: tracing::Span,
    /// Marks of the reply that is being made.
    pub reply: Option<ReplyMarks>,
    pub wordings: Wordings,
    pub beforehand: Option<CancellationToken>,
    /// What the floor was told and the log does not have yet.
    pub told: Vec<Told>,
    pub client_buffer_ms: u32,
    /// What the page is shown once the log is durable up to here: final captions, code that is stored.
    pub when_durable: VecDeque<(i64, ServerMessage)>,
    /// Where the current speech began.
    pub speech_started_ms: u64,
    pub code_version: u32,
    pub last_code: Option<(Instant, String)>,
    pub focus_told: u32,
    /// What the log knows of the policy.
    pub facts: Facts,
    /// The policy was told something: what it knows may have changed.
    pub facts_due: bool,
    pub paused: bool,
    pub connected: bool,
    pub begun: bool,
    pub ended: Option<EndReason>,
    pub fenced: bool,
}

/// The stages of the reply to one turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReplyMarks {
    pub turn: TurnId,
    /// The answer's place in the log: the reply may sound once it is durable.
    pub answer_seq: i64,
    pub speech_end: SamplePos,
    /// The instant that `speech_end` stands for.
    pub speech_end_at: Instant,
    pub stages: Stages,
    pub kind: Option<QuestionKind>,
    /// The reply's first speech has sounded, and where it began.
    pub speech: Option<SpeechId>,
    pub start_ms: Option<u64>,
}

/// Runs a session to its end.
pub(super) async fn run(
    setup: Setup,
    mut control: mpsc::Receiver<Control>,
    view: watch::Sender<StateView>,
    tasks: TaskTracker,
) -> Outcome {
    let stop = setup.cancel.clone();
    let (mut actor, mut inbox) = wake::wake(setup, view, tasks);
    // Frames come fifty times a second, both ways: neither is set up anew for each.
    let stopped = stop.cancelled();
    tokio::pin!(stopped);
    let mut alarm = Alarm::default();
    while actor.ended.is_none() && !actor.fenced {
        let deadline = actor.deadline();
        tokio::select! {
            biased;
            () = &mut stopped => actor.end(EndReason::Shutdown),
            Some(control) = control.recv() => match control {
                Control::End(reason) => actor.interview_event(interview::Event::End { reason }),
                Control::Fence => actor.fenced = true,
                Control::Remark(remark) => actor.log_remark(remark),
            },
            Some(done) = inbox.work.recv() => actor.work_done(done),
            Some(event) = inbox.ears.recv() => actor.ear_event(event),
            event = inbox.room.recv() => {
                actor.room_event(event.unwrap_or(RoomEvent::Closed { reason: ClosedReason::Lost }));
            }
            () = alarm.by(deadline) => {}
        }
        actor.drain();
    }
    actor.close(inbox).await
}

/// What reaches a session from its own tasks and its room.
pub(super) struct Inbox {
    pub work: mpsc::Receiver<Work>,
    pub ears: mpsc::Receiver<EarEvent>,
    pub room: mpsc::Receiver<RoomEvent>,
}

/// The instant now, on tokio's clock (which tests may pause).
#[must_use]
pub fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

impl Actor {
    /// Timers due, then the cores' commands, until nothing is left to do at this instant.
    fn drain(&mut self) {
        self.timers();
        loop {
            if let Some(command) = self.turn.poll_command() {
                self.turn_command(command);
            } else if let Some(command) = self.interview.poll_command() {
                self.interview_command(command);
            } else if !self.try_commit() {
                if self.owes_words_to_the_log() {
                    break;
                }
                match self.mouth.pump(self.durable_seq) {
                    Pumped::Nothing => break,
                    Pumped::Began => {}
                    Pumped::Mute(speech) => self.show_unspoken(*speech),
                }
            }
        }
        if std::mem::take(&mut self.facts_due) {
            self.log_facts();
        }
        if now() >= self.view_due {
            self.look_at_the_recording();
            self.show_view();
        }
    }

    /// Whether something of the candidate's is on its way into the log: until it is durable, no line begins to sound,
    /// whatever the line is about and whenever it was thought of.
    fn owes_words_to_the_log(&self) -> bool {
        self.hearing.is_deciding() || self.words_seq > self.durable_seq
    }

    fn timers(&mut self) {
        let now = now();
        if self.turn.poll_deadline().is_some_and(|due| due <= now) {
            self.turn.handle_timeout(now);
        }
        if self.interview.poll_deadline().is_some_and(|due| due <= now) {
            self.interview.handle_timeout(now);
        }
        self.wording_due(now);
    }

    fn deadline(&self) -> Instant {
        let candidates = [
            self.turn.poll_deadline(),
            self.interview.poll_deadline(),
            self.hearing.pending_deadline(),
            self.wordings.due(),
        ];
        candidates.into_iter().flatten().fold(self.view_due, Instant::min)
    }

    pub(super) fn turn_event(&mut self, event: turn::Event) {
        let now = now();
        if self.turn.poll_deadline().is_some_and(|due| due <= now) {
            self.turn.handle_timeout(now);
        }
        self.told.push(Told { at: self.samples.at(now), event: event.clone() });
        self.turn.handle_event(now, event);
        if self.told.len() >= TOLD_MAX {
            self.log_told();
        }
    }

    pub(super) fn interview_event(&mut self, event: interview::Event) {
        let now = now();
        if self.interview.poll_deadline().is_some_and(|due| due <= now) {
            self.interview.handle_timeout(now);
        }
        self.interview.handle_event(now, event);
        self.facts_due = true;
    }

    fn room_event(&mut self, event: RoomEvent) {
        match event {
            RoomEvent::Connected => self.connected(),
            RoomEvent::Interrupted => {
                self.connected = false;
                self.log(SessionEvent::MediaInterrupted);
                self.turn_event(turn::Event::Away);
            }
            RoomEvent::Heard(frame) => {
                if let Some(recording) = &self.recording {
                    recording.heard(frame.clone());
                }
                if self.ears.try_send(EarCommand::Frame(frame)).is_err() {
                    metrics::counter!("vivavoce_frames_dropped_total", "part" => "ears").increment(1);
                }
            }
            RoomEvent::Sent { speech, at, offset_samples, pcm } => {
                if let Some(recording) = &self.recording {
                    recording.sent(at, &pcm);
                }
                self.sent(speech, at, offset_samples, pcm.len() as u64);
                self.ear(EarCommand::Played { at, pcm });
            }
            RoomEvent::AudioLost { at, samples } => self.hearing.lost(at, samples),
            RoomEvent::SpeechDone { speech, sent_samples } => self.speech_over(speech, sent_samples, false),
            RoomEvent::SpeechStopped { speech, sent_samples } => self.speech_over(speech, sent_samples, true),
            RoomEvent::Signal(signal) => self.signal(signal),
            RoomEvent::Closed { reason } => self.room_closed(reason),
        }
    }

    fn connected(&mut self) {
        let first = !self.connected;
        self.connected = true;
        if first {
            self.log(SessionEvent::MediaConnected);
        }
        if self.begun {
            self.turn_event(turn::Event::Back);
        } else {
            self.begun = true;
            self.project_active();
            self.interview_event(interview::Event::Begin);
        }
        self.view_due = now();
    }

    fn room_closed(&mut self, reason: ClosedReason) {
        if !self.begun {
            // Nobody came: the interview is given back as it was, and its link still works.
            self.end(EndReason::Shutdown);
            return;
        }
        let reason = match reason {
            ClosedReason::Asked => EndReason::Completed,
            // Who hangs up during the goodbye has not run away.
            ClosedReason::Left | ClosedReason::Lost | ClosedReason::TakenOver => {
                self.interview.facts(now()).ending.unwrap_or(EndReason::Left)
            }
        };
        self.end(reason);
    }

    pub(super) fn turn_command(&mut self, command: turn::Command) {
        match command {
            turn::Command::Prepare { turn } => self.prepare(turn),
            turn::Command::Discard { .. } => self.discard_prepared(),
            turn::Command::Commit { turn, utterances, decision } => self.commit(turn, utterances, decision),
            turn::Command::Reopen { turn, speech } => self.reopen(turn, speech),
            turn::Command::Hold { speech } => {
                self.mouth.hold(speech);
                self.log(SessionEvent::SpeechHeld { speech });
            }
            turn::Command::Resume { speech } => {
                self.mouth.resume(speech);
                self.log(SessionEvent::SpeechResumed { speech });
            }
            turn::Command::Stop { speech } => {
                self.mouth.stop(speech);
                for line in self.mouth.drop_waiting() {
                    self.interview_event(interview::Event::LineInterrupted { line });
                }
                self.show(ServerMessage::InterviewerInterrupted);
            }
            turn::Command::Silence(step) => {
                self.log(SessionEvent::Silence { step });
                self.interview_event(interview::Event::Silence(step));
            }
            turn::Command::Monologue { turn } => self.log(SessionEvent::Monologue { turn }),
            turn::Command::Aside { utterance } => self.aside(utterance),
        }
    }

    fn work_done(&mut self, done: Work) {
        match done {
            Work::Piece { speech, text, pcm, words } => self.mouth.piece(speech, &text, pcm, &words, now()),
            Work::Sentence { speech, ended: Ok(()), last } => self.mouth.sentence_done(speech, last),
            Work::Sentence { speech, ended: Err(error), .. } => self.clip_failed(speech, &error),
            Work::Worded(worded) => self.worded(worded),
            Work::Journal(JournalReport::Durable(seq)) => {
                self.durable_seq = seq;
                self.mark_committed(seq);
                self.show_durable();
            }
            Work::Journal(JournalReport::Waiting) => self.show(ServerMessage::Notice {
                level: NoticeLevel::Warning,
                text: "One moment: your answers are being saved.".into(),
            }),
            Work::Journal(JournalReport::Fenced) => self.fenced = true,
            Work::Journal(JournalReport::Away) => {
                tracing::error!(session = %self.id, "the database stays away; the session stops and can be taken up again");
                self.show(ServerMessage::Notice {
                    level: NoticeLevel::Error,
                    text: "We cannot save your answers at the moment, so we stop here. What was saved is kept: come \
                           back with the same link in a few minutes and we go on."
                        .into(),
                });
                // As at a server's stop: nothing is finalised.
                self.end(EndReason::Shutdown);
            }
            Work::Journal(JournalReport::Failed(why)) => {
                tracing::error!(session = %self.id, %why, "the event log cannot be written; the session ends");
                self.show_broken_off();
                self.end(EndReason::Failed);
            }
        }
    }

    pub(super) fn ear(&self, command: EarCommand) {
        if self.ears.try_send(command).is_err() {
            metrics::counter!("vivavoce_ear_commands_dropped_total").increment(1);
        }
    }

    pub(super) fn show(&self, message: ServerMessage) {
        if self.room.try_send(RoomCommand::Show(message)).is_err() {
            metrics::counter!("vivavoce_room_commands_dropped_total").increment(1);
        }
    }

    /// Ends the session; the first reason stands.
    pub(super) fn end(&mut self, reason: EndReason) {
        self.ended.get_or_insert(reason);
    }

    pub(super) fn show_view(&mut self) {
        let view = self.view_now();
        self.view_due = now() + VIEW_EVERY;
        self.show(ServerMessage::State(Box::new(view.clone())));
        self.view.send_replace(view);
    }

    pub(super) fn ear_event(&mut self, event: EarEvent) {
        match event {
            EarEvent::Started { utterance, at } => self.candidate_started(utterance, at),
            EarEvent::Stopped { utterance, at, revision } => self.candidate_paused(utterance, at, revision),
            EarEvent::Completion { utterance, probability } => {
                self.turn_event(turn::Event::Completion { utterance, probability });
            }
            EarEvent::Partial { text, .. } => self.guessed(text),
            EarEvent::Words { utterance, revision, transcript, from, to, closed } => {
                self.words(utterance, revision, transcript, from, to, closed);
            }
            EarEvent::Failed { utterance, revision, error } => self.words_failed(utterance, revision, &error),
            EarEvent::Switched { said } => self.log(SessionEvent::PartFailed { part: "stt".into(), error: said }),
            EarEvent::Down { part, error } => {
                tracing::error!(session = %self.id, part, %error, "nothing is heard any more");
                self.log(SessionEvent::PartFailed { part: part.into(), error });
                self.show(ServerMessage::Notice {
                    level: NoticeLevel::Error,
                    text: "I cannot hear you any more. Please type your answers in the text box.".into(),
                });
            }
        }
    }
}
