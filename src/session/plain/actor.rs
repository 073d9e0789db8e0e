//! The loop of one plain conversation: what happens goes to the floor, its commands are carried out. Must never wait for
//! anything but its own inbox.

use super::ears::{Heard, PlainEars};
use super::floor::{self, Command, Floor};
use super::history::History;
use super::record::{EndedReply, Marks, Scribe};
use super::reply::{self, Made, Makers, ReplyEvent};
use super::speech::{Reply, Said, Unshown};
use super::{PlainSettings, PlainSetup};
use crate::audio::frame::SamplePos;
use crate::clock::Alarm;
use crate::id::{SpeechId, TurnId};
use crate::interview::EndReason;
use crate::llm::{CompletionRequest, LanguageModel, Role};
use crate::room::{
    Button, ClientSignal, ClosedReason, NoticeLevel, RoomCommand, RoomEvent, ServerMessage, StateView, Writing,
};
use crate::session::event::SessionEvent;
use crate::session::journal::{self, JournalReport};
use crate::session::{Control, Outcome, Work, now};
use crate::stt::SttEvent;
use crate::tts::TextToSpeech;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Parts of replies that may wait for the loop; the reply's task waits when they are more.
const REPLY_EVENTS_MAX: usize = 64;
/// How long the room may take to say goodbye, and the last entries to become durable.
const CLOSE_MAX: Duration = Duration::from_secs(2);
const LAST_WRITE_MAX: Duration = Duration::from_secs(50);
/// Silence after which the client is told that the caller has stopped, unless the turn ended before, ms.
const SHOWN_SILENCE_MS: u32 = 400;
/// What a client holds unplayed when it says nothing of it, ms: a usual jitter buffer.
const BUFFERED_MS: u32 = 40;

struct Actor {
    settings: PlainSettings,
    room: mpsc::Sender<RoomCommand>,
    floor: Floor,
    ears: PlainEars,
    llm: Arc<dyn LanguageModel>,
    voice: Arc<dyn TextToSpeech>,
    scribe: Scribe,
    replies: mpsc::Sender<ReplyEvent>,
    tasks: TaskTracker,
    cancel: CancellationToken,
    history: History,
    reply: Option<Reply>,
    next_speech: SpeechId,
    next_turn: TurnId,
    durable_seq: i64,
    client_buffer_ms: u32,
    begun: Option<Instant>,
    last_sound: Instant,
    speaking_shown: bool,
    view: watch::Sender<StateView>,
    ended: Option<EndReason>,
    fenced: bool,
}

/// Runs a conversation to its end.
pub(super) async fn run(
    setup: PlainSetup,
    llm: Arc<dyn LanguageModel>,
    mut control: mpsc::Receiver<Control>,
    view: watch::Sender<StateView>,
) -> Outcome {
    let stop = setup.cancel.clone();
    let id = setup.id;
    let tasks = TaskTracker::new();
    let (replies_tx, mut replies) = mpsc::channel(REPLY_EVENTS_MAX);
    let (work_tx, mut work) = mpsc::channel(crate::session::WORK_MAX);
    let (journal_tx, journal_rx) = mpsc::channel(journal::JOURNAL_ENTRIES_MAX);
    tasks.spawn(journal::write(setup.record, setup.clock.clone(), journal_rx, work_tx));
    let cancel = CancellationToken::new();
    let mut room = setup.room.events;
    let voice = setup.parts.tts.unkept().unwrap_or_else(|| setup.parts.tts.clone());
    let scribe = Scribe::new(id, setup.clock, setup.samples, journal_tx, setup.first_seq, &setup.parts);
    let mut actor = Actor {
        room: setup.room.commands,
        floor: Floor::new(setup.settings.floor.clone()),
        ears: PlainEars::open(&setup.parts, &setup.settings, setup.ears, setup.stt),
        settings: setup.settings,
        llm,
        voice,
        scribe,
        replies: replies_tx,
        tasks,
        cancel,
        history: History::default(),
        reply: None,
        next_speech: SpeechId(1),
        next_turn: TurnId(1),
        durable_seq: setup.first_seq - 1,
        client_buffer_ms: BUFFERED_MS,
        begun: None,
        last_sound: now(),
        speaking_shown: false,
        view,
        ended: None,
        fenced: false,
    };
    actor.scribe.opened(&actor.settings);
    let mut alarm = Alarm::default();
    let stopped = stop.cancelled();
    tokio::pin!(stopped);
    while actor.ended.is_none() && !actor.fenced {
        let deadline = actor.deadline();
        tokio::select! {
            biased;
            Some(control) = control.recv() => match control {
                Control::End(reason) => actor.end(reason),
                Control::Fence => actor.fenced = true,
                // Nobody listens to one of these: only a Daily room has observers.
                Control::Remark(_) => {}
            },
            Some(done) = work.recv() => actor.journal_reported(done),
            Some(made) = replies.recv() => actor.made(made),
            heard = actor.ears.next() => actor.heard(heard),
            event = room.recv() => {
                actor.room_event(event.unwrap_or(RoomEvent::Closed { reason: ClosedReason::Lost }));
            }
            () = &mut stopped => actor.end(EndReason::Shutdown),
            () = alarm.by(deadline) => actor.time_is_up(),
        }
        actor.drain();
    }
    actor.close(room, work).await
}

impl Actor {
    fn drain(&mut self) {
        while let Some(command) = self.floor.poll_command() {
            match command {
                Command::Interrupt => self.interrupt(),
                Command::Reply { text, speech_end } => self.turn_over(text, speech_end),
            }
        }
        self.play_ready();
        if self.scribe.is_broken() {
            self.end(EndReason::Failed);
        }
    }

    fn deadline(&self) -> Instant {
        let idle = self.last_sound + self.settings.idle;
        self.begun.map_or(idle, |begun| idle.min(begun + self.settings.whole))
    }

    fn time_is_up(&mut self) {
        if now() < self.deadline() {
            return;
        }
        let is_over = self.begun.is_some_and(|begun| now() >= begun + self.settings.whole);
        self.end(if is_over { EndReason::TimeUp } else { EndReason::Idle });
    }

    fn end(&mut self, reason: EndReason) {
        self.ended.get_or_insert(reason);
    }

    fn tell(&mut self, events: impl IntoIterator<Item = floor::Event>) {
        for event in events {
            self.floor.handle_event(event);
        }
        match self.floor.silent_ms() {
            None => self.show_speaking(true),
            // A breath between two words is no end.
            Some(ms) if ms >= SHOWN_SILENCE_MS => self.show_speaking(false),
            Some(_) => {}
        }
    }

    fn show_speaking(&mut self, speaking: bool) {
        if speaking != std::mem::replace(&mut self.speaking_shown, speaking) {
            self.last_sound = now();
            self.show(ServerMessage::CandidateSpeaking(speaking));
        }
    }

    fn heard(&mut self, heard: Heard) {
        if let Heard::Words(SttEvent::Switched { said }) = &heard {
            self.scribe.log(SessionEvent::PartFailed { part: "stt".into(), error: said.clone() });
        }
        if let Heard::Words(SttEvent::Down { error }) = &heard {
            self.scribe.log(SessionEvent::PartFailed { part: "stt".into(), error: error.to_string() });
            let text = "I cannot hear you any more.".into();
            self.show(ServerMessage::Notice { level: NoticeLevel::Error, text });
        }
        let events = self.ears.hear(heard);
        if let Some(text) = self.ears.partial.take() {
            self.show(ServerMessage::CandidateCaption { text, is_final: false });
        }
        self.tell(events);
    }

    fn room_event(&mut self, event: RoomEvent) {
        match event {
            RoomEvent::Connected => self.connected(),
            RoomEvent::Interrupted => self.scribe.log(SessionEvent::MediaInterrupted),
            RoomEvent::Heard(frame) => {
                let at = frame.at.plus(frame.pcm.len() as u64);
                let events = self.ears.frame(frame);
                self.tell(events.into_iter().chain([floor::Event::Frame { at }]));
            }
            RoomEvent::Sent { speech, at, offset_samples, pcm } => {
                if let Some(reply) = self.reply.as_mut().filter(|reply| reply.speech == speech) {
                    reply.sent_samples = offset_samples + pcm.len() as u64;
                    if !std::mem::replace(&mut reply.is_sounding, true) {
                        self.began_to_sound(at);
                    }
                }
            }
            RoomEvent::AudioLost { samples, .. } => {
                let frames = samples.div_ceil(crate::audio::frame::EAR_FRAME_SAMPLES as u64);
                self.scribe.log(SessionEvent::AudioLost { frames, utterance: None });
            }
            RoomEvent::SpeechDone { speech, sent_samples } => self.speech_over(speech, sent_samples, false),
            RoomEvent::SpeechStopped { speech, sent_samples } => self.speech_over(speech, sent_samples, true),
            RoomEvent::Signal(signal) => self.signal(signal),
            RoomEvent::Closed { reason } => self.end(match reason {
                ClosedReason::Asked => EndReason::Completed,
                // Whoever hangs up has said what was to be said.
                ClosedReason::Left => EndReason::CandidateEnded,
                ClosedReason::Lost | ClosedReason::TakenOver => EndReason::Left,
            }),
        }
    }

    fn connected(&mut self) {
        self.scribe.log(SessionEvent::MediaConnected);
        self.last_sound = now();
        if self.begun.replace(self.begun.unwrap_or_else(now)).is_some() {
            return;
        }
        self.scribe.began();
        self.view.send_modify(|view| view.phase = "listening".into());
        if !self.settings.greeting.is_empty() {
            self.say(self.settings.greeting.clone(), None, None);
        }
    }

    /// Says what no model has written.
    fn say(&mut self, text: String, turn: Option<TurnId>, marks: Option<Marks>) {
        let (speech, makers, cancel) = self.begin_reply(turn, marks);
        self.tasks.spawn(reply::say(speech, makers, text, cancel));
    }

    /// What a client does with hands: only what a plain conversation has.
    fn signal(&mut self, signal: ClientSignal) {
        match signal {
            ClientSignal::Text(text) => {
                let at = self.scribe.position();
                self.turn_over(text, at);
            }
            ClientSignal::Button(Button::End) => self.end(EndReason::CandidateEnded),
            ClientSignal::Playout { buffered_ms } => self.client_buffer_ms = buffered_ms.min(1_000),
            ClientSignal::Ready
            | ClientSignal::Button(_)
            | ClientSignal::Typing
            | ClientSignal::Code { .. }
            | ClientSignal::Focus { .. } => {}
        }
    }

    /// The caller has finished: what was said goes into the log, and the reply is begun.
    fn turn_over(&mut self, text: String, speech_end: SamplePos) {
        self.interrupt();
        self.ears.close_turn();
        let turn = self.next_turn;
        self.next_turn = turn.next();
        self.last_sound = now();
        let marks = self.scribe.answer(turn, &text, speech_end);
        self.show_speaking(false);
        self.show(ServerMessage::CandidateCaption { text: text.clone(), is_final: true });
        self.history.remember(Role::User, &text, self.settings.history_messages_max);
        let request = self.history.request(&self.settings);
        let (speech, makers, cancel) = self.begin_reply(Some(turn), Some(marks));
        self.show(ServerMessage::Writing(Writing::Begins));
        self.tasks.spawn(reply::make(speech, makers, CompletionRequest { cancel, ..request }));
    }

    fn begin_reply(&mut self, turn: Option<TurnId>, marks: Option<Marks>) -> (SpeechId, Makers, CancellationToken) {
        let speech = self.next_speech;
        self.next_speech = speech.next();
        let cancel = self.cancel.child_token();
        self.reply = Some(Reply::new(speech, turn, self.scribe.last_seq(), marks, cancel.clone()));
        self.floor.handle_event(floor::Event::Busy(true));
        let makers = Makers { llm: self.llm.clone(), voice: self.voice.clone(), out: self.replies.clone() };
        (speech, makers, cancel)
    }

    /// Drops the reply in hand: one that sounds is stopped and kept as heard, one that does not leaves no trace.
    fn interrupt(&mut self) {
        let Some(reply) = &mut self.reply else { return };
        reply.cancel.cancel();
        self.floor.handle_event(floor::Event::Busy(false));
        let speech = reply.speech;
        let (is_heard, sent_samples) = (reply.is_sounding || reply.end_told, reply.sent_samples);
        self.command(RoomCommand::Stop { speech });
        if is_heard {
            self.show(ServerMessage::InterviewerInterrupted);
            self.speech_over(speech, sent_samples, true);
        } else {
            self.reply = None;
        }
    }

    fn made(&mut self, ReplyEvent { speech, made }: ReplyEvent) {
        let Some(reply) = self.reply.as_mut().filter(|reply| reply.speech == speech && !reply.cancel.is_cancelled())
        else {
            return;
        };
        match made {
            Made::Written { text, at } => {
                if let Some(marks) = &mut reply.marks {
                    marks.first_token(at);
                }
                reply.unshown.more(&text, at).into_iter().for_each(|text| self.show_written(text));
            }
            Made::AllWritten => {
                reply.unshown.rest().into_iter().for_each(|text| self.show_written(text));
                self.show(ServerMessage::Writing(Writing::Ends));
            }
            Made::Sentence(text) => {
                reply.said.push(Said { text: text.clone(), samples: 0, words: Vec::new() });
                reply.growing = true;
                self.show(ServerMessage::Voicing(Some(text.to_string())));
            }
            Made::Piece { pcm, words, at } => {
                if let Some(marks) = &mut reply.marks {
                    marks.first_audio(at);
                }
                reply.take(pcm, words);
            }
            Made::SentenceDone => {
                if let Some(text) = reply.sentence_done() {
                    self.show(ServerMessage::InterviewerCaption { text, spoken: false });
                }
            }
            Made::Done => {
                reply.complete = true;
                self.show(ServerMessage::Voicing(None));
            }
            Made::Anew { error } => {
                reply.said.clear();
                (reply.growing, reply.unshown) = (false, Unshown::default());
                self.scribe.log(SessionEvent::PartFailed { part: "llm".into(), error });
                self.show(ServerMessage::Writing(Writing::Begins));
            }
            Made::BrokeOff { error } => self.scribe.log(SessionEvent::PartFailed { part: "llm".into(), error }),
            Made::Failed { part, error } => self.failed(speech, part, error),
        }
    }

    /// Nothing more comes of the reply in hand. Where nothing of it was made, the caller is told so: by the voice, if it
    /// is not the voice that failed.
    fn failed(&mut self, speech: SpeechId, part: &'static str, error: String) {
        tracing::warn!(part, %error, "a reply could not be made whole");
        self.scribe.log(SessionEvent::SpeechFailed { speech, part: part.into(), error });
        let Some(reply) = self.reply.take_if(|reply| reply.said.iter().all(|said| said.samples == 0)) else {
            self.reply.iter_mut().for_each(|reply| (reply.complete, reply.growing) = (true, false));
            return;
        };
        let text = "I cannot answer at the moment. Please say that again.".into();
        self.show(ServerMessage::Notice { level: NoticeLevel::Error, text });
        self.floor.handle_event(floor::Event::Busy(false));
        if part == "llm" && !self.settings.apology.is_empty() {
            self.say(self.settings.apology.clone(), reply.turn, reply.marks);
        }
    }

    /// Hands on what may sound: the log is durable as far as the reply needs.
    fn play_ready(&mut self) {
        let durable = self.durable_seq;
        let Some(reply) = self.reply.as_mut().filter(|reply| reply.needs_seq <= durable) else { return };
        let speech = reply.speech;
        let pieces = std::mem::take(&mut reply.unplayed);
        let ends = reply.complete && !std::mem::replace(&mut reply.end_told, reply.complete);
        for pcm in pieces {
            self.command(RoomCommand::Play { speech, pcm });
        }
        if ends {
            self.command(RoomCommand::EndOfSpeech { speech });
        }
    }

    fn began_to_sound(&mut self, at: SamplePos) {
        let Some(reply) = &mut self.reply else { return };
        let text = reply.begins();
        self.scribe.reply_began(reply.speech, reply.turn, reply.marks.as_mut(), &text, at);
        self.show(ServerMessage::InterviewerSpeaking(true));
        self.show(ServerMessage::InterviewerCaption { text, spoken: false });
    }

    /// A speech is over: what was heard of it is what the record and the model know.
    fn speech_over(&mut self, speech: SpeechId, sent_samples: u64, interrupted: bool) {
        let Some(reply) = self.reply.take_if(|reply| reply.speech == speech) else { return };
        reply.cancel.cancel();
        self.last_sound = now();
        self.floor.handle_event(floor::Event::Busy(false));
        let (planned, heard) = reply.planned_and_heard(sent_samples, self.client_buffer_ms);
        if reply.is_sounding {
            self.scribe.reply_ended(&EndedReply {
                speech,
                turn: reply.turn,
                marks: reply.marks.as_ref(),
                planned: &planned,
                heard: &heard,
                sent_samples,
                interrupted,
            });
            self.show(ServerMessage::InterviewerSpeaking(false));
            self.show(ServerMessage::InterviewerCaption { text: heard.clone(), spoken: true });
        }
        if !heard.is_empty() {
            self.history.remember(Role::Assistant, &heard, self.settings.history_messages_max);
        }
    }

    fn journal_reported(&mut self, work: Work) {
        match work {
            Work::Journal(JournalReport::Durable(seq)) => {
                self.durable_seq = seq;
                if let Some(marks) = self.reply.as_mut().and_then(|reply| reply.marks.as_mut()) {
                    marks.committed(seq);
                }
            }
            Work::Journal(JournalReport::Waiting) => {}
            Work::Journal(JournalReport::Fenced) => self.fenced = true,
            Work::Journal(JournalReport::Away | JournalReport::Failed(_)) => {
                tracing::error!(session = %self.scribe.id(), "the event log cannot be written; the conversation ends");
                self.end(EndReason::Failed);
            }
            Work::Piece { .. } | Work::Sentence { .. } | Work::Worded(_) => {}
        }
    }

    fn command(&self, command: RoomCommand) {
        if self.room.try_send(command).is_err() {
            metrics::counter!("vivavoce_room_commands_dropped_total").increment(1);
        }
    }

    fn show(&self, message: ServerMessage) {
        self.command(RoomCommand::Show(message));
    }

    fn show_written(&self, text: String) {
        self.show(ServerMessage::Writing(Writing::More(text)));
    }

    /// Every way out passes here: what sounds is kept as heard, the room is told, the log is written out.
    async fn close(mut self, mut room: mpsc::Receiver<RoomEvent>, mut work: mpsc::Receiver<Work>) -> Outcome {
        let reason = self.ended.filter(|_| !self.fenced);
        if let Some((speech, sent)) = self.reply.as_ref().map(|reply| (reply.speech, reply.sent_samples)) {
            self.speech_over(speech, sent, true);
        }
        self.cancel.cancel();
        if let Some(reason) = reason {
            self.scribe.log(SessionEvent::Ended { reason });
            let text = serde_json::to_value(reason).ok().and_then(|value| value.as_str().map(String::from));
            self.show(ServerMessage::Ended { reason: text.unwrap_or_default() });
        }
        self.command(RoomCommand::Close);
        let closed = async {
            while let Some(event) = room.recv().await {
                if matches!(event, RoomEvent::Closed { .. }) {
                    break;
                }
            }
        };
        // A room that does not answer is left to its own limits.
        let _ = tokio::time::timeout(CLOSE_MAX, closed).await;
        let id = self.scribe.id();
        // Dropping the scribe lets the journal write what waits and end.
        let Self { tasks, scribe, .. } = self;
        drop(scribe);
        tasks.close();
        let written = tokio::time::timeout(LAST_WRITE_MAX, async {
            let mut done = std::pin::pin!(tasks.wait());
            loop {
                tokio::select! {
                    () = &mut done => break,
                    Some(_) = work.recv() => {}
                }
            }
        });
        if written.await.is_err() {
            tracing::error!(session = %id, "the conversation's last entries were not written in time");
        }
        Outcome { id, reason, recorded_s: None }
    }
}
