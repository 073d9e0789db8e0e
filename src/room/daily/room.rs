//! The task that owns a Daily room: its worker process and what became of it, who is there, the sound both ways. To the
//! session it is a room like any other. A worker that dies, hangs or loses its call is replaced, and the interview goes on
//! where it was. Must never wait for the worker, nor for Daily's servers, on the path of a frame.

mod screen;

use super::child::Worker;
use super::hearing::Ear;
use super::liveness::{Ending, LookUp, Presences, ending_of, is_final_refusal};
use super::people::{Change, People, Role};
use super::speaking::Mouth;
use super::wire::{Ask, Frame, Line, Tell};
use super::{Access, DailySettings};
use crate::audio::frame::EarFrame;
use crate::clock::Clock;
use crate::room::webrtc::link::Allowance;
use crate::room::webrtc::outbox::Outbox;
use crate::room::{ClientSignal, ClosedReason, Overheard, RoomCommand, RoomEvent, SampleClock, SessionPort};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How often what is due is looked for at the least.
const TICK: Duration = Duration::from_millis(100);
/// The wait before a worker is started anew; it doubles with each that fails.
const RESTART_FIRST: Duration = Duration::from_millis(250);
/// A call that lasted so long forgets the failures before it.
const CALL_IS_GOOD: Duration = Duration::from_secs(60);
/// Notes from webhooks that may wait.
const NOTES_MAX: usize = 16;
/// How long the session may take for the last events.
const LAST_EVENTS: Duration = Duration::from_secs(2);
/// What was said last is heard before we leave: the frames under way, and the listener's buffer.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// What a room starts with.
pub struct RoomSetup {
    pub settings: Arc<DailySettings>,
    pub access: Arc<dyn Access>,
    /// The candidate's user id, as its token says.
    pub candidate: String,
    pub clock: SampleClock,
    pub wall_clock: Clock,
    pub port: SessionPort,
    /// Where the speech of observers goes, if it is wanted.
    pub overheard: Option<mpsc::Sender<Overheard>>,
    pub tasks: TaskTracker,
    pub cancel: CancellationToken,
}

/// The outside's hold of a room.
#[derive(Clone, Debug)]
pub struct DailyRoomHandle {
    notes: mpsc::Sender<()>,
}

impl DailyRoomHandle {
    /// Something was told of this room from outside: who is there is looked at anew.
    pub fn look(&self) {
        // One that waits will do.
        let _ = self.notes.try_send(());
    }
}

/// The call, as it stands.
enum Stage {
    /// No worker; the next one is started then.
    Down {
        again: Instant,
    },
    /// A worker has been started and is to be in by then.
    Joining {
        until: Instant,
        /// Whether it was told the way in.
        is_asked: bool,
    },
    In {
        id: String,
        since: Instant,
    },
}

/// The room.
pub struct DailyRoom {
    settings: Arc<DailySettings>,
    access: Arc<dyn Access>,
    tasks: TaskTracker,
    wall_clock: Clock,
    worker: Option<Worker>,
    stage: Stage,
    /// Failures in a row.
    failures: u32,
    /// The worker has told that it lives until then.
    alive_until: Instant,
    /// Our media connections that do not stand, and since when.
    lines_down: BTreeMap<Line, Instant>,
    people: People,
    presences: Presences,
    ear: Ear,
    /// The ears of people who only listen, by tag.
    overhearing: BTreeMap<u32, Ear>,
    overheard: Option<mpsc::Sender<Overheard>>,
    clock: SampleClock,
    mouth: Mouth,
    allowance: Allowance,
    out: Outbox,
    /// Whether the session was told that the candidate is connected.
    is_connected: bool,
    /// When the room is given up, and why.
    absence: Option<(Instant, ClosedReason)>,
}

impl DailyRoom {
    /// Opens the room: the interviewer goes in and waits for the candidate.
    pub fn open(setup: RoomSetup) -> DailyRoomHandle {
        let now = now();
        let (notes_tx, notes) = mpsc::channel(NOTES_MAX);
        let RoomSetup { settings, access, candidate, clock, wall_clock, port, overheard, tasks, cancel } = setup;
        let room = Self {
            people: People::new(&candidate, overheard.is_some()),
            presences: Presences::new(settings.presence_every, now),
            absence: Some((now + settings.wait, ClosedReason::Left)),
            settings,
            access,
            tasks: tasks.clone(),
            wall_clock,
            worker: None,
            stage: Stage::Down { again: now },
            failures: 0,
            alive_until: now,
            lines_down: BTreeMap::new(),
            ear: Ear::new(clock),
            overhearing: BTreeMap::new(),
            overheard,
            clock,
            mouth: Mouth::new(clock),
            allowance: Allowance::new(now),
            out: Outbox::new(port.events),
            is_connected: false,
        };
        tasks.spawn(room.run(port.commands, notes, cancel));
        DailyRoomHandle { notes: notes_tx }
    }

    async fn run(
        mut self,
        mut commands: mpsc::Receiver<RoomCommand>,
        mut notes: mpsc::Receiver<()>,
        cancel: CancellationToken,
    ) {
        let (seen_tx, mut seen) = mpsc::channel::<LookUp>(1);
        let (token_tx, mut tokens) = mpsc::channel::<Result<(String, String), String>>(1);
        let reason = loop {
            if let Some(reason) = self.advance(now(), &seen_tx, &token_tx) {
                break reason;
            }
            let due = self.due();
            tokio::select! {
                biased;
                () = cancel.cancelled() => break ClosedReason::Asked,
                command = commands.recv() => match command {
                    Some(RoomCommand::Close) | None => break ClosedReason::Asked,
                    Some(RoomCommand::Show(message)) => self.show(&message),
                    Some(command) => self.mouth.obey(command, self.worker.as_ref()),
                },
                told = told(&mut self.worker) => if let Some(reason) = self.hear_of(told, now()) {
                    break reason;
                },
                Some(way_in) = tokens.recv() => self.go_in(way_in, now()),
                Some(look) = seen.recv() => self.seen(look, now()),
                Some(()) = notes.recv() => self.presences.soon(now()),
                () = tokio::time::sleep_until(due.into()) => {}
            }
        };
        self.end(reason).await;
    }

    fn due(&self) -> Instant {
        let tick = now() + TICK;
        match &self.stage {
            Stage::Down { again } => tick.min(*again),
            Stage::Joining { .. } | Stage::In { .. } => tick,
        }
    }

    /// Does what is due: watches over the worker, sends and passes on sound; a reason once the room is over.
    fn advance(
        &mut self,
        now: Instant,
        seen: &mpsc::Sender<LookUp>,
        tokens: &mpsc::Sender<Result<(String, String), String>>,
    ) -> Option<ClosedReason> {
        self.out.drain();
        if self.out.is_closed() {
            return Some(ClosedReason::Asked);
        }
        self.watch(now, tokens);
        if let Stage::In { since, .. } = &self.stage
            && now.duration_since(*since) > CALL_IS_GOOD
        {
            self.failures = 0;
        }
        if matches!(self.stage, Stage::In { .. }) && self.presences.is_due(now) {
            let (access, seen) = (self.access.clone(), seen.clone());
            self.tasks.spawn(async move { drop(seen.try_send(access.presence().await)) });
        }
        self.settle(now);
        if let Some(worker) = &self.worker {
            worker.flush();
        }
        self.ear.tick(now);
        while let Some(frame) = self.ear.pop() {
            self.out.push(RoomEvent::Heard(frame));
        }
        if let Some(worker) = self.worker.as_ref().filter(|_| self.is_connected) {
            self.mouth.send(now, worker, &mut self.out);
        }
        self.mouth.tell_ended(&mut self.out);
        if self.failures > self.settings.failures_max {
            return Some(ClosedReason::Lost);
        }
        self.absence.filter(|(until, _)| *until <= now).map(|(_, reason)| reason)
    }

    /// The watchdogs: of the way in, of the worker's pulse, of our connections, of voice that does not leave.
    fn watch(&mut self, now: Instant, tokens: &mpsc::Sender<Result<(String, String), String>>) {
        match &self.stage {
            Stage::Down { again } if *again <= now => self.start(now, tokens),
            Stage::Joining { until, .. } if *until <= now => self.fail("it does not get in", now),
            Stage::Joining { .. } | Stage::In { .. } if self.worker.is_some() && self.alive_until <= now => {
                self.fail("it gives no sign of life", now);
            }
            Stage::In { .. } => {
                let limit = self.settings.line_down;
                if self.lines_down.values().any(|since| now.duration_since(*since) > limit) {
                    self.fail("its connections do not come back", now);
                } else if self.mouth.is_stuck(now, self.settings.written) {
                    self.fail("its voice does not leave", now);
                }
            }
            Stage::Down { .. } | Stage::Joining { .. } => {}
        }
    }

    /// Starts a worker and asks for the way in.
    fn start(&mut self, now: Instant, tokens: &mpsc::Sender<Result<(String, String), String>>) {
        match Worker::start(&self.settings.program) {
            Ok(worker) => {
                self.worker = Some(worker);
                self.alive_until = now + self.settings.start;
                self.stage = Stage::Joining { until: now + self.settings.join, is_asked: false };
                let (access, tokens) = (self.access.clone(), tokens.clone());
                self.tasks.spawn(async move { drop(tokens.try_send(access.way_in().await)) });
            }
            Err(error) => {
                tracing::error!(%error, "a Daily worker could not be started");
                self.fail("it does not start", now);
            }
        }
    }

    fn go_in(&mut self, way_in: Result<(String, String), String>, now: Instant) {
        let (Some(worker), Stage::Joining { is_asked, .. }) = (&self.worker, &mut self.stage) else { return };
        // A token may have been asked for by a worker that has died since: one of them is enough.
        if *is_asked {
            return;
        }
        match way_in {
            Ok((url, token)) => {
                *is_asked = true;
                let (name, proxy_url) = (self.settings.name.clone(), self.settings.proxy_url.clone());
                worker.ask(Ask::Join { url, token, name, proxy_url });
            }
            Err(error) => {
                tracing::warn!(error, "there is no token for the Daily room");
                self.fail("it has no token", now);
            }
        }
    }

    /// The call is lost: the worker is killed, another one is started soon.
    fn fail(&mut self, why: &str, now: Instant) {
        tracing::warn!(why, failures = self.failures, "a Daily call is lost and begun anew");
        metrics::counter!("vivavoce_daily_calls_lost_total").increment(1);
        if let Some(worker) = self.worker.take() {
            self.tasks.spawn(worker.kill());
        }
        let wait = RESTART_FIRST * 2_u32.saturating_pow(self.failures.min(6));
        self.failures += 1;
        self.stage = Stage::Down { again: now + wait };
        self.lines_down.clear();
        self.people.forget();
        self.overhearing.clear();
        self.mouth.lost();
        self.settle(now);
    }

    /// Something of the worker; a reason if the room is over by it.
    fn hear_of(&mut self, told: Option<Frame<Tell>>, now: Instant) -> Option<ClosedReason> {
        // Whatever it says, it lives.
        self.alive_until = self.alive_until.max(now + self.settings.alive);
        match told {
            None => self.fail("it has died", now),
            Some(Frame::Heard { tag, pcm }) => match self.people.by_tag(tag).map(|(_, role)| role) {
                Some(Role::Candidate) if self.is_connected => self.ear.push(&pcm, now),
                Some(Role::Observer) => self.overhear(tag, &pcm, now),
                Some(Role::Candidate | Role::Bot) | None => {}
            },
            Some(Frame::Written { write }) => self.mouth.written(write),
            Some(Frame::Voice { .. }) => {}
            Some(Frame::Control(tell)) => return self.control(tell, now),
        }
        None
    }

    fn control(&mut self, tell: Tell, now: Instant) -> Option<ClosedReason> {
        match tell {
            Tell::Ready { .. } | Tell::Alive => {}
            Tell::Unable { said } => {
                tracing::error!(said, "Daily's client library cannot be used");
                return Some(ClosedReason::Lost);
            }
            Tell::Joined { id } => {
                tracing::info!(participant = id, "in the Daily room");
                self.stage = Stage::In { id, since: now };
                self.presences = Presences::new(self.settings.presence_every, now);
            }
            Tell::Refused { said } => {
                tracing::warn!(said, "the Daily room does not let us in");
                if is_final_refusal(&said) {
                    return Some(ClosedReason::Lost);
                }
                self.fail("it is not let in", now);
            }
            Tell::Present(person) => {
                let changes = self.people.present(person);
                self.carry_out(changes);
            }
            Tell::Absent { id } => {
                let changes = self.people.absent(&id);
                self.carry_out(changes);
            }
            Tell::Message { from, message } => self.message(&from, &message, now),
            Tell::Line { line: Line::Signalling, stands } => {
                tracing::info!(stands, "Daily's signalling");
            }
            Tell::Line { line, stands: true } => drop(self.lines_down.remove(&line)),
            Tell::Line { line, stands: false } => drop(self.lines_down.entry(line).or_insert(now)),
            Tell::Over { said } => return self.over(said.as_deref(), now),
            Tell::Trouble { said } => tracing::warn!(said, "Daily's client tells of trouble"),
        }
        None
    }

    /// The call ended without our asking.
    fn over(&mut self, said: Option<&str>, now: Instant) -> Option<ClosedReason> {
        tracing::warn!(said, "the Daily call was ended from outside");
        match ending_of(said) {
            Ending::Again => {
                self.fail("it was ended", now);
                None
            }
            Ending::ForGood => Some(ClosedReason::Lost),
        }
    }

    fn carry_out(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Hear { id, tag } => {
                    if let Some(worker) = &self.worker {
                        worker.ask(Ask::Hear { participant: id, tag });
                    }
                }
                Change::CandidateCame => tracing::info!("the candidate is in the Daily room"),
                Change::CandidateLeft => tracing::info!("the candidate has left the Daily room"),
            }
        }
    }

    /// Tells the session if the candidate is reached now and was not, or the reverse.
    fn settle(&mut self, now: Instant) {
        let in_call = matches!(self.stage, Stage::In { .. }) && self.lines_down.is_empty();
        let is_there = self.people.candidate().is_some();
        let connected = in_call && is_there;
        if connected == self.is_connected {
            return;
        }
        self.is_connected = connected;
        if connected {
            self.absence = None;
            self.ear.connected(now);
            self.out.push(RoomEvent::Connected);
            // Who joins by Daily's own page says nothing of being ready.
            self.out.push(RoomEvent::Signal(ClientSignal::Ready));
        } else {
            self.ear.disconnected();
            self.mouth.interrupted();
            self.out.push(RoomEvent::Interrupted);
            let reason = if in_call { ClosedReason::Left } else { ClosedReason::Lost };
            self.absence = Some((now + self.settings.reconnect, reason));
        }
    }

    /// What Daily's servers say of who is there.
    fn seen(&mut self, look: LookUp, now: Instant) {
        let Stage::In { id, .. } = &self.stage else { return };
        match self.presences.judge(look, id, self.people.candidate()) {
            super::liveness::Verdict::AsKnown => {}
            super::liveness::Verdict::WeAreGone => self.fail("Daily does not know of it any more", now),
            super::liveness::Verdict::CandidateIsGone => {
                if let Some(candidate) = self.people.candidate().map(str::to_owned) {
                    let changes = self.people.absent(&candidate);
                    self.carry_out(changes);
                }
            }
        }
    }

    fn overhear(&mut self, tag: u32, pcm: &[i16; crate::audio::frame::EAR_FRAME_SAMPLES], now: Instant) {
        let (Some(overheard), Some((person, _))) = (&self.overheard, self.people.by_tag(tag)) else { return };
        let ear = self.overhearing.entry(tag).or_insert_with(|| {
            let mut ear = Ear::new(self.clock);
            ear.connected(now);
            ear
        });
        ear.tick(now);
        ear.push(pcm, now);
        let user = person.user_id.clone().unwrap_or_else(|| person.id.clone());
        let frames: Vec<EarFrame> = std::iter::from_fn(|| ear.pop()).collect();
        for frame in frames {
            if overheard.try_send(Overheard { user: user.clone(), frame }).is_err() {
                metrics::counter!("vivavoce_frames_dropped_total", "part" => "observer").increment(1);
            }
        }
    }

    async fn end(mut self, reason: ClosedReason) {
        if let Some(worker) = self.worker.take() {
            self.tasks.spawn(worker.leave(LAST_WORDS, self.settings.leave));
        }
        self.mouth.interrupted();
        self.out.push(RoomEvent::Closed { reason });
        if tokio::time::timeout(LAST_EVENTS, self.out.flush()).await.is_err() {
            tracing::warn!("the session did not take the room's last events");
        }
    }
}

/// The instant now, on tokio's clock.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// What the worker tells next, if there is one.
async fn told(worker: &mut Option<Worker>) -> Option<Frame<Tell>> {
    match worker {
        Some(worker) => worker.next().await,
        None => std::future::pending().await,
    }
}
