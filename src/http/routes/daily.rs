//! Interviews in Daily.co rooms: the candidate's way in, and what Daily tells of its rooms. Must never believe what is not
//! signed.

use crate::http::access::{self, Right};
use crate::http::error::ApiError;
use crate::http::extract::{Caller, Path};
use crate::http::interviews::DailyAccess;
use crate::http::state::Shared;
use crate::id::SessionId;
use crate::room::daily::webhook;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};

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

/// What Daily tells of its rooms (a webhook): signed with the key of the setting `room.daily.webhook_hmac`. Repeats do no
/// harm.
#[utoipa::path(post, operation_id = "daily_webhook", path = "/daily/webhook", tag = "operations",
    params(
        ("X-Webhook-Timestamp" = String, Header, description = "When it was sent."),
        ("X-Webhook-Signature" = String, Header, description = "HMAC-SHA256 of timestamp, a dot and the body, base64."),
    ),
    request_body(content = String, content_type = "application/json", description = "An event of Daily's."),
    responses((status = 200, description = "Taken, or known already."), (status = 404, description = "No events are taken here.")))]
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
        Some(event) => state.interviews.daily_event(event).await,
        None => tracing::info!("Daily tells something that is no event"),
    }
    Ok(StatusCode::OK)
}
