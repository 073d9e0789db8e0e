//! What a room says to an offer, as the routes know it. Must never tell the outside more than what to do about it.

use crate::http::{InterviewError, WhipAnswer};
use crate::room::webrtc::{self, RoomError};

pub fn answered(answer: Result<webrtc::Answer, RoomError>) -> Result<WhipAnswer, InterviewError> {
    let answer = answer.map_err(room_error)?;
    Ok(WhipAnswer { sdp: answer.sdp, resource: answer.resource, etag: answer.etag })
}

pub fn unavailable(error: &serde_json::Error) -> InterviewError {
    tracing::error!(%error, "a plan cannot be read or written");
    InterviewError::Unavailable { said: "This interview's plan cannot be read.".into() }
}

pub fn room_error(error: RoomError) -> InterviewError {
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
