//! Interviews in Daily.co rooms: the candidate's way in, and what Daily tells of its rooms. Must never believe what is not
//! signed.

use crate::http::access::{self, Right};
use crate::http::audit;
use crate::http::error::ApiError;
use crate::http::extract::{Caller, Path};
use crate::http::interviews::{DailyAccess, RecordingLink};
use crate::http::state::Shared;
use crate::id::SessionId;
use crate::room::daily::webhook;
use crate::store::DailyRecordingRow;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use chrono::{DateTime, Utc};
use serde::Serialize;

const TIMESTAMP: &str = "x-webhook-timestamp";
const SIGNATURE: &str = "x-webhook-signature";

/// Go to the Daily room of an interview: the interviewer is sent in, and the candidate gets the way. Consent comes first.
#[utoipa::path(post, operation_id = "join_daily_room", path = "/interviews/{id}/daily", tag = "voice", params(("id" = SessionId, Path)),
    responses((status = 200, description = "The interviewer is on its way; open `join_url`.", body = DailyAccess)))]
pub async fn join(
    State(state): State<Shared>,
    caller: Caller,
    Path(id): Path<SessionId>,
) -> Result<Json<DailyAccess>, ApiError> {
    let row = access::interview(&state, caller, id, Right::TakePart).await?;
    if row.status.is_final() {
        return Err(ApiError::Gone("This interview is over.".to_owned()));
    }
    if state.store.consent(id).await?.is_none() {
        return Err(ApiError::Forbidden("Consent to being recorded comes first.".to_owned()));
    }
    let Some(way) = state.interviews.daily_access(&row).await? else {
        return Err(ApiError::BadRequest("This interview is not in a Daily room.".to_owned()));
    };
    state.interviews.daily_begin(id).await?;
    Ok(Json(way))
}

/// What Daily has recorded of an interview, if its own recording was started. Ours stands at `/recording` and does not
/// depend on it.
#[derive(Serialize, utoipa::ToSchema)]
pub struct DailyRecordings {
    recordings: Vec<DailyRecording>,
}

/// A recording in Daily's cloud.
#[derive(Serialize, utoipa::ToSchema)]
pub struct DailyRecording {
    /// Daily's own.
    id: String,
    seconds: f64,
    /// When Daily told that it is ready.
    created_at: DateTime<Utc>,
}

/// The recordings in Daily's cloud.
#[utoipa::path(get, operation_id = "get_daily_recordings", path = "/interviews/{id}/daily/recordings", tag = "record",
    params(("id" = SessionId, Path)),
    responses((status = 200, description = "By time.", body = DailyRecordings)))]
pub async fn recordings(
    State(state): State<Shared>,
    caller: Caller,
    Path(id): Path<SessionId>,
) -> Result<Json<DailyRecordings>, ApiError> {
    access::interview(&state, caller, id, Right::Read).await?;
    let rows = state.store.daily_recordings(id).await?;
    let view = |row: DailyRecordingRow| DailyRecording { id: row.id, seconds: row.seconds, created_at: row.created_at };
    Ok(Json(DailyRecordings { recordings: rows.into_iter().map(view).collect() }))
}

/// An address at which such a recording can be fetched for ten minutes.
#[utoipa::path(get, operation_id = "get_daily_recording", path = "/interviews/{id}/daily/recordings/{recording}", tag = "record",
    params(("id" = SessionId, Path), ("recording" = String, Path)),
    responses((status = 200, description = "Where it is.", body = RecordingLink),
        (status = 503, description = "Daily is not reached; try again.")))]
pub async fn recording(
    State(state): State<Shared>,
    caller: Caller,
    Path((id, recording)): Path<(SessionId, String)>,
) -> Result<Json<RecordingLink>, ApiError> {
    let row = access::interview(&state, caller, id, Right::Read).await?;
    // Only what is of this interview is given away.
    if !state.store.daily_recordings(id).await?.iter().any(|row| row.id == recording) {
        return Err(ApiError::NotFound);
    }
    let link = state.interviews.daily_recording(&recording).await?;
    audit::read(&state, caller, &row, "recording.read").await?;
    Ok(Json(link))
}

/// What Daily tells of its rooms (a webhook): signed with the key of the setting `room.daily.webhook_hmac`. Repeats do no
/// harm.
#[utoipa::path(post, operation_id = "daily_webhook", path = "/daily/webhook", tag = "operations",
    params(
        ("X-Webhook-Timestamp" = String, Header, description = "When it was sent."),
        ("X-Webhook-Signature" = String, Header, description = "HMAC-SHA256 of timestamp, a dot and the body, base64."),
    ),
    request_body(content = String, content_type = "application/json", description = "An event of Daily's."),
    responses((status = 200, description = "Taken, or known already."), (status = 404, description = "No events are taken here."),
        (status = 503, description = "It could not be kept: to be sent again.")))]
pub async fn webhook(State(state): State<Shared>, headers: HeaderMap, body: Bytes) -> Result<StatusCode, ApiError> {
    // Sent, unsigned, when a webhook is made: to be answered, and nothing else.
    if webhook::is_probe(&body) {
        return Ok(StatusCode::OK);
    }
    let key = &state.settings.room.daily.webhook_hmac.0;
    if key.is_empty() {
        return Err(ApiError::NotFound);
    }
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let now_ms = state.clock.now().timestamp_millis();
    if let Err(why) = webhook::check(key, header(TIMESTAMP), header(SIGNATURE), &body, now_ms) {
        tracing::warn!(%why, "a message that claims to be Daily's is not believed");
        return Err(ApiError::Forbidden("This message is not signed as it must be.".to_owned()));
    }
    match webhook::read(&body) {
        Some(event) => state.interviews.daily_event(event).await?,
        None => tracing::info!("Daily tells something that is no event"),
    }
    Ok(StatusCode::OK)
}
