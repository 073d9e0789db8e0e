//! What every way of joining shares: changes of a connection, where the sample clock begins, and what went wrong in the words of the routes. Must
//! never show what a client sent.

use super::live::Live;
use crate::audio::frame::SamplePos;
use crate::http::{InterviewError, WhipAnswer, WhipPatched};
use crate::id::SessionId;
use crate::room::SampleClock;
use crate::room::webrtc::{self, Patched, RoomError};
use crate::session;
use crate::session::restore::Restored;
use crate::store::InterviewRow;

impl Live {
    /// The sample clock goes on by wall time, so that a recording's second part stands where it belongs.
    pub(super) fn sample_clock(&self, row: &InterviewRow, restored: Option<&Restored>) -> SampleClock {
        let behind_ms = row.start_time.map_or(0, |start| {
            let last_at_ms = restored.map_or(0, |restored| restored.last_at_ms);
            u64::try_from((self.clock.now() - start).num_milliseconds()).unwrap_or(0).max(last_at_ms)
        });
        SampleClock { origin: session::now(), origin_at: SamplePos::from_ms(behind_ms) }
    }

    pub async fn patch(
        &self,
        id: SessionId,
        resource: &str,
        etag: &str,
        fragment: String,
    ) -> Result<WhipPatched, InterviewError> {
        let running = self.running(id).ok_or(InterviewError::NotActive)?;
        match running.room.webrtc()?.patch(resource, Some(etag), fragment).await.map_err(room_error)? {
            Patched::Trickled => Ok(WhipPatched::Taken),
            Patched::Restarted { fragment, etag } => Ok(WhipPatched::Restarted { fragment, etag }),
        }
    }

    pub async fn delete(&self, id: SessionId, resource: &str) -> Result<(), InterviewError> {
        let running = self.running(id).ok_or(InterviewError::NotFound)?;
        running.room.webrtc()?.delete(resource).await.map_err(room_error)
    }
}

pub(super) fn answered(answer: Result<webrtc::Answer, RoomError>) -> Result<WhipAnswer, InterviewError> {
    let answer = answer.map_err(room_error)?;
    Ok(WhipAnswer { sdp: answer.sdp, resource: answer.resource, etag: answer.etag })
}

pub(super) fn unavailable(error: &serde_json::Error) -> InterviewError {
    tracing::error!(%error, "a plan cannot be read or written");
    InterviewError::Unavailable { said: "This interview's plan cannot be read.".into() }
}

pub(super) fn room_error(error: RoomError) -> InterviewError {
    tracing::info!(%error, "a connection was refused");
    match error {
        RoomError::TooLong => InterviewError::SdpInvalid { said: "it is too long" },
        RoomError::BadOffer { .. } => InterviewError::SdpInvalid { said: "it is not an offer that can be read" },
        RoomError::BadFragment { .. } => InterviewError::SdpInvalid { said: "the fragment cannot be read" },
        RoomError::NoAudio => InterviewError::SdpInvalid { said: "it has no audio in Opus" },
        RoomError::NoSuchConnection => InterviewError::NotFound,
        RoomError::StaleEtag => InterviewError::Outdated,
        RoomError::Over => InterviewError::NotActive,
        RoomError::Busy | RoomError::NoPort | RoomError::Failed { .. } => {
            InterviewError::Unavailable { said: format!("The connection could not be made: {error}. Try again.") }
        }
    }
}
