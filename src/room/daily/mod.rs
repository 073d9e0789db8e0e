//! A Daily.co room: the interviewer as one participant among others. [`room`] is the task that owns everything and looks
//! to the session like any other room; the call itself lives in a process of its own ([`worker`]), which holds Daily's
//! native client ([`native`]) and is replaced when it dies. The two talk by [`wire`]. [`rest`] makes rooms and tokens,
//! [`webhook`] reads what Daily tells by itself; [`people`], `hearing`, `speaking`, `lips` and `liveness`
//! are pure.

mod child;
pub mod events;
mod hearing;
mod lips;
mod liveness;
pub mod native;
pub mod people;
pub mod rest;
mod room;
mod speaking;
pub mod trial;
pub mod webhook;
pub mod wire;
pub mod worker;

pub use liveness::LookUp;
pub use room::{DailyRoom, DailyRoomHandle, RoomSetup};

use crate::id::SessionId;
use futures::future::BoxFuture;
use std::path::PathBuf;
use std::time::Duration;

/// How calls are held.
#[derive(Clone, Debug)]
pub struct DailySettings {
    /// This program, to be started as the worker.
    pub program: PathBuf,
    /// How the interviewer is called in the room.
    pub name: String,
    /// A proxy for everything but the media, if there is one.
    pub proxy_url: Option<String>,
    /// How long the candidate may take to come at all.
    pub wait: Duration,
    /// How long the candidate, or our call, may be away.
    pub reconnect: Duration,
    /// How long a worker may take to load the library.
    pub start: Duration,
    /// How long it may take to be in the room, from its start.
    pub join: Duration,
    /// How long it may take to leave before it is killed.
    pub leave: Duration,
    /// Silence of the worker after which it counts as hung; it tells every second that it lives.
    pub alive: Duration,
    /// How long a frame of voice may be under way.
    pub written: Duration,
    /// How long a media connection may be down before the call is begun anew; the client restarts it by itself before.
    pub line_down: Duration,
    /// How often Daily is asked who is there.
    pub presence_every: Duration,
    /// Calls in a row that may fail.
    pub failures_max: u32,
}

impl Default for DailySettings {
    fn default() -> Self {
        Self {
            program: PathBuf::from("vivavoce"),
            name: "Interviewer".to_owned(),
            proxy_url: None,
            wait: Duration::from_secs(900),
            reconnect: Duration::from_secs(60),
            start: Duration::from_secs(15),
            join: Duration::from_secs(25),
            leave: Duration::from_secs(5),
            alive: Duration::from_secs(5),
            written: Duration::from_secs(2),
            line_down: Duration::from_secs(20),
            presence_every: Duration::from_secs(15),
            failures_max: 6,
        }
    }
}

/// A room's way to Daily's REST interface.
pub trait Access: Send + Sync {
    /// The room's address and a fresh token for ourselves.
    fn way_in(&self) -> BoxFuture<'_, Result<(String, String), String>>;

    /// Who is there, according to Daily.
    fn presence(&self) -> BoxFuture<'_, LookUp>;
}

/// The way to what lies at Daily and is wanted no more. What is not there is deleted already.
pub trait Remains: Send + Sync {
    fn delete_recording<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), String>>;

    /// Deletes the room of an interview.
    fn delete_room(&self, session: SessionId) -> BoxFuture<'_, Result<(), String>>;
}
