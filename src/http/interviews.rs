//! What the routes need of interviews in progress: the door to the sessions, implemented where the program is composed.
//! Must never know how a session works.

use crate::id::SessionId;
use crate::interview::EndReason;
use crate::room::StateView;
use crate::room::daily::webhook::Event;
use crate::room::websocket::Socket;
use crate::session::booking::BookingError;
pub use crate::session::booking::{Booked, InterviewWish};
use crate::store::{InterviewRow, StoreError};
use axum::body::Bytes;
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;

/// The door to interviews in progress. Implementations answer quickly (seconds) and are safe to drop in between.
pub trait Interviews: Send + Sync {
    /// Plans an interview from the bank and stores it.
    fn create(&self, wish: InterviewWish) -> BoxFuture<'_, Result<Booked, InterviewError>>;

    /// Connects the candidate's browser (checks consent, claims the session). `reconnect` says that the page was
    /// connected before; without it a second connection takes the place of the first.
    fn whip_offer(
        &self,
        session: SessionId,
        sdp: String,
        reconnect: bool,
    ) -> BoxFuture<'_, Result<WhipAnswer, InterviewError>>;

    /// Takes ICE candidates, or restarts ICE, on the connection whose version is `etag`.
    fn whip_patch(
        &self,
        session: SessionId,
        resource: String,
        etag: String,
        fragment: String,
    ) -> BoxFuture<'_, Result<WhipPatched, InterviewError>>;

    /// The candidate hangs up.
    fn whip_delete(&self, session: SessionId, resource: String) -> BoxFuture<'_, Result<(), InterviewError>>;

    /// The open door: begins a conversation without a token, or goes on with one by its `pc_id`. Closed by default.
    fn open_offer(&self, _offer: OpenOffer) -> BoxFuture<'_, Result<OpenAnswer, InterviewError>> {
        Box::pin(std::future::ready(Err(InterviewError::NotFound)))
    }

    /// Candidates of a connection made by the open door.
    fn open_candidates(&self, _pc_id: String, _candidates: Vec<String>) -> BoxFuture<'_, Result<(), InterviewError>> {
        Box::pin(std::future::ready(Err(InterviewError::NotFound)))
    }

    /// Seats a socket in an interview, or at the open door; it may send at once.
    fn socket(&self, _session: Option<SessionId>, _socket: Socket) -> BoxFuture<'_, Result<(), InterviewError>> {
        Box::pin(std::future::ready(Err(InterviewError::NotFound)))
    }

    /// Ends the interview, in progress or not begun.
    fn end(&self, session: SessionId, reason: EndReason) -> BoxFuture<'_, Result<(), InterviewError>>;

    /// The candidate's way into the Daily room of an interview; `None` if that is elsewhere.
    fn daily_access<'a>(&'a self, row: &'a InterviewRow) -> BoxFuture<'a, Result<Option<DailyAccess>, InterviewError>>;

    /// Sends the interviewer into the Daily room of an interview, unless it is there.
    fn daily_begin(&self, session: SessionId) -> BoxFuture<'_, Result<(), InterviewError>>;

    /// Daily tells, by its own signature, what happened in a room. An error asks it to tell that again.
    fn daily_event(&self, event: Event) -> BoxFuture<'_, Result<(), InterviewError>>;

    /// An address at which a recording of Daily's can be fetched for some time.
    fn daily_recording<'a>(&'a self, _id: &'a str) -> BoxFuture<'a, Result<RecordingLink, InterviewError>> {
        Box::pin(std::future::ready(Err(InterviewError::NotFound)))
    }

    /// Where an interview in progress stands; none if it is not in progress here.
    fn live_state(&self, session: SessionId) -> BoxFuture<'_, Option<StateView>>;

    /// The interviewer's voice saying [`SOUND_CHECK_TEXT`], as a WAV file.
    fn sound_check(&self) -> BoxFuture<'_, Result<Bytes, InterviewError>>;

    /// Languages that this server both hears and speaks (BCP 47 primary tags): voice interviews are held in these.
    fn voice_languages(&self) -> Vec<&'static str>;

    /// Each part that an interview needs, and whether it is ready.
    fn ready(&self) -> BoxFuture<'_, Vec<(&'static str, bool)>>;
}

/// What the microphone check says.
pub const SOUND_CHECK_TEXT: &str = "Hello. Can you hear me? Please say a few words.";

/// A candidate's way into a Daily room.
#[derive(Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct DailyAccess {
    pub room_url: String,
    /// The candidate's own; it opens this room alone.
    pub token: String,
    /// The room's address with the token: Daily's own page opens it.
    pub join_url: String,
}

/// Where a recording of Daily's can be fetched.
#[derive(Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct RecordingLink {
    /// Good for whoever has it, until `expires_at`.
    pub download_url: String,
    pub expires_at: DateTime<Utc>,
}

/// The answer to an offer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WhipAnswer {
    pub sdp: String,
    /// Names the connection; letters, digits and dashes.
    pub resource: String,
    /// Version of the connection, without quotes.
    pub etag: String,
}

/// An offer at the open door.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenOffer {
    pub sdp: String,
    /// The connection that it belongs to; unknown ones begin a new conversation.
    pub pc_id: Option<String>,
    /// A new connection takes the place of that one.
    pub restart: bool,
}

/// The answer to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenAnswer {
    pub sdp: String,
    /// Names the connection from now on; not to be guessed.
    pub pc_id: String,
}

/// What became of a change to a connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WhipPatched {
    /// Candidates were taken; nothing to say.
    Taken,
    /// ICE was restarted: our side of it, and the connection's new version.
    Restarted { fragment: String, etag: String },
}

/// Why an interview does not do what was asked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InterviewError {
    /// What is wrong with it, without quoting it.
    #[error("the session description cannot be used: {said}")]
    SdpInvalid { said: &'static str },
    #[error("no consent is stored")]
    NoConsent,
    #[error("the interview is over")]
    Over,
    #[error("the interview is not in progress")]
    NotActive,
    #[error("all places are taken")]
    Full { retry_after_s: u32 },
    #[error("there is no such interview or connection")]
    NotFound,
    #[error("the connection has changed in the meantime")]
    Outdated,
    /// The wish cannot be planned.
    #[error("{said}")]
    Impossible { field: &'static str, said: String },
    /// `said` is for a person.
    #[error("{said}")]
    Unavailable { said: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<BookingError> for InterviewError {
    fn from(error: BookingError) -> Self {
        match error {
            BookingError::Plan(error) => Self::Impossible { field: "level", said: error.to_string() },
            BookingError::Json => Self::Unavailable { said: "This interview's plan cannot be written.".into() },
            BookingError::Store(error) => Self::Store(error),
        }
    }
}
