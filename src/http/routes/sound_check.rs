//! The interviewer's voice, before an interview: can you hear me?

use crate::http::error::ApiError;
use crate::http::state::Shared;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

/// A sentence in the interviewer's voice.
#[utoipa::path(get, operation_id = "get_sound_check", path = "/sound-check.wav", tag = "voice", security(()),
    responses((status = 200, description = "\"Hello. Can you hear me? Please say a few words.\"", body = String, content_type = "audio/wav")))]
pub async fn play(State(state): State<Shared>) -> Result<Response, ApiError> {
    let wav = state.interviews.sound_check().await?;
    let headers = [(header::CONTENT_TYPE, "audio/wav"), (header::CACHE_CONTROL, "public, max-age=3600")];
    Ok((headers, wav).into_response())
}
