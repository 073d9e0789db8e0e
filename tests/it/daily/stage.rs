//! A Daily room without a session: the test holds the session's end of it. The worker, the native client and the fake are
//! real ones.

use super::fake::rest::KEY;
use super::fake::{FakeDaily, Guest, Hall};
use super::many::{own_pid, zombies_of};
use futures::future::BoxFuture;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vivavoce::audio::frame::SamplePos;
use vivavoce::clock::Clock;
use vivavoce::id::SpeechId;
use vivavoce::room::daily::rest::token::Token;
use vivavoce::room::daily::rest::{Presence, Rest};
use vivavoce::room::daily::{Access, DailyRoom, DailyRoomHandle, DailySettings, LookUp, RoomSetup};
use vivavoce::room::{ClosedReason, RoomCommand, RoomEvent, RoomPort, SampleClock, port_pair};

/// Looks for what comes soon, and the time between two.
pub const LOOKS: usize = 600;
pub const LOOK: Duration = Duration::from_millis(100);
/// The candidate's user id.
pub const CANDIDATE: &str = "candidate-1";
/// Longest wait for anything in a room.
const WAIT: Duration = Duration::from_secs(60);

/// A room that is open.
pub struct Stage {
    pub fake: FakeDaily,
    pub port: RoomPort,
    handle: DailyRoomHandle,
    pub tasks: TaskTracker,
    /// How long the interviewer's next token lives, s.
    pub token_s: Arc<AtomicI64>,
    /// What was heard so far.
    pub heard: Vec<i16>,
}

/// The way in, by tokens that the test's key signs.
struct Way {
    hall: Hall,
    rest: Rest,
    token_s: Arc<AtomicI64>,
}

impl Access for Way {
    fn way_in(&self) -> BoxFuture<'_, Result<(String, String), String>> {
        Box::pin(async move {
            let now = chrono::Utc::now().timestamp();
            let token = Token {
                room_name: "room".into(),
                exp: now + self.token_s.load(Ordering::Relaxed),
                nbf: None,
                is_owner: true,
                user_name: "Interviewer".into(),
                user_id: "bot-interviewer".into(),
                eject_at_token_exp: true,
                start_video_off: true,
                start_audio_off: false,
            };
            let token = self.rest.sign_token(&token, "domain-id", now).map_err(|error| error.to_string())?;
            Ok(("https://fake.daily.co/room".to_owned(), token))
        })
    }

    fn presence(&self) -> BoxFuture<'_, LookUp> {
        Box::pin(async move {
            let people = self.hall.people("room");
            let person = |person: &serde_json::Value| Presence {
                id: person["id"].as_str().expect("an id").to_owned(),
                user_id: person["userId"].as_str().map(str::to_owned),
                user_name: None,
            };
            Ok(people.iter().map(person).collect())
        })
    }
}

/// Waits until something holds.
pub async fn comes(what: &str, is: impl Fn() -> bool) {
    for _ in 0..LOOKS {
        if is() {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
    panic!("{what}: never");
}

/// Limits that a test can wait for.
pub fn quick() -> DailySettings {
    DailySettings {
        program: PathBuf::from(env!("CARGO_BIN_EXE_vivavoce")),
        presence_every: Duration::from_secs(2),
        failures_max: 2,
        ..DailySettings::default()
    }
}

impl Stage {
    /// Opens a room in which nobody is yet.
    pub async fn open(settings: DailySettings) -> Self {
        let fake = FakeDaily::start().await;
        Self::open_in(fake, settings)
    }

    pub fn open_in(fake: FakeDaily, settings: DailySettings) -> Self {
        Self::open_for(fake, settings, 3_600)
    }

    /// With tokens that live for `token_s` seconds.
    pub fn open_for(fake: FakeDaily, settings: DailySettings, token_s: i64) -> Self {
        let program = super::worker::program_for(&fake);
        Self::open_by(fake, settings, token_s, program)
    }

    /// With another program as the worker.
    pub fn open_with(fake: FakeDaily, settings: DailySettings, program: PathBuf) -> Self {
        Self::open_by(fake, settings, 3_600, program)
    }

    fn open_by(fake: FakeDaily, settings: DailySettings, token_s: i64, program: PathBuf) -> Self {
        let (room_port, session_port) = port_pair();
        let token_s = Arc::new(AtomicI64::new(token_s));
        let rest = Rest::new("http://127.0.0.1:9", KEY, Duration::from_secs(1)).expect("a client");
        let way = Way { hall: fake.hall.clone(), rest, token_s: token_s.clone() };
        let tasks = TaskTracker::new();
        let handle = DailyRoom::open(RoomSetup {
            settings: Arc::new(DailySettings { program, proxy_url: Some(fake.proxy_url.clone()), ..settings }),
            access: Arc::new(way),
            candidate: CANDIDATE.to_owned(),
            clock: SampleClock { origin: Instant::now(), origin_at: SamplePos(0) },
            wall_clock: Clock::system(),
            port: session_port,
            overheard: None,
            tasks: tasks.clone(),
            cancel: CancellationToken::new(),
        });
        Self { fake, port: room_port, handle, tasks, token_s, heard: Vec::new() }
    }

    /// The candidate comes.
    pub fn candidate(&self) -> Guest {
        Guest::join(&self.fake.hall, "room", "Candidate", Some(CANDIDATE))
    }

    /// The first event for which `is` holds; sound is gathered meanwhile.
    pub async fn until(&mut self, what: &str, is: impl Fn(&RoomEvent) -> bool) -> RoomEvent {
        let begun = Instant::now();
        loop {
            let event = tokio::time::timeout(WAIT, self.port.events.recv()).await;
            let event = event.unwrap_or_else(|_| panic!("{what}: nothing happens"));
            let event = event.unwrap_or_else(|| panic!("{what}: the room is gone"));
            if is(&event) {
                return event;
            }
            match event {
                RoomEvent::Heard(frame) => self.heard.extend(frame.pcm),
                RoomEvent::Closed { reason } => panic!("{what}: the room has closed: {reason:?}"),
                RoomEvent::Connected
                | RoomEvent::Interrupted
                | RoomEvent::AudioLost { .. }
                | RoomEvent::Sent { .. }
                | RoomEvent::SpeechDone { .. }
                | RoomEvent::SpeechStopped { .. }
                | RoomEvent::Signal(_) => {}
            }
            assert!(begun.elapsed() < WAIT, "{what}: never");
        }
    }

    pub async fn connected(&mut self) {
        self.until("the candidate is connected", |event| matches!(event, RoomEvent::Connected)).await;
    }

    pub async fn interrupted(&mut self) {
        self.until("the connection is interrupted", |event| matches!(event, RoomEvent::Interrupted)).await;
    }

    /// Waits for the end, and tells why.
    pub async fn closed(&mut self) -> ClosedReason {
        let closed = self.until("the room closes", |event| matches!(event, RoomEvent::Closed { .. })).await;
        let RoomEvent::Closed { reason } = closed else { unreachable!("it was asked for") };
        reason
    }

    /// Listens for so long; what was heard in it.
    pub async fn listen(&mut self, time: Duration) -> Vec<i16> {
        self.heard.clear();
        let until = tokio::time::Instant::now() + time;
        while let Ok(Some(event)) = tokio::time::timeout_at(until, self.port.events.recv()).await {
            if let RoomEvent::Heard(frame) = event {
                self.heard.extend(frame.pcm);
            }
        }
        std::mem::take(&mut self.heard)
    }

    pub async fn ask(&self, command: RoomCommand) {
        self.port.commands.send(command).await.expect("the room lives");
    }

    /// Says this (24 kHz) as one speech.
    pub async fn say(&self, speech: u64, pcm: Vec<i16>) {
        let speech = SpeechId(speech);
        self.ask(RoomCommand::Play { speech, pcm: pcm.into() }).await;
        self.ask(RoomCommand::EndOfSpeech { speech }).await;
    }

    /// Tells the room what a webhook tells: look who is there.
    pub fn look(&self) {
        self.handle.look();
    }

    /// Ends the room, and checks that nothing of it is left.
    pub async fn close(mut self) {
        self.ask(RoomCommand::Close).await;
        assert_eq!(self.closed().await, ClosedReason::Asked);
        self.is_clean().await;
    }

    /// Nothing is left: neither tasks nor a worker.
    pub async fn is_clean(&self) {
        self.tasks.close();
        tokio::time::timeout(WAIT, self.tasks.wait()).await.expect("the room's tasks end");
        assert_eq!(super::worker::left(&self.fake), Vec::<i32>::new(), "workers are left");
        assert_eq!(zombies_of(own_pid()), Vec::<String>::new(), "nobody has asked how workers ended");
        comes("nobody of ours is in the room", || self.fake.hall.clients_in("room").is_empty()).await;
    }
}
