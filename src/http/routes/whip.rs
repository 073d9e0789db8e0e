//! The candidate's voice connection, in the shape of WHIP (RFC 9725): offer in, answer out, a resource to change and to
//! delete. Unlike WHIP proper the answer also sends. Must never parse SDP: the room does.

use crate::http::access::{self, Right};
use crate::http::error::ApiError;
use crate::http::extract::{Caller, Path, Query, text_body};
use crate::http::interviews::WhipPatched;
use crate::http::state::Shared;
use crate::id::SessionId;
use crate::store::Mode;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

/// Largest session description, bytes. A browser's offer of one voice and one data channel has about 4,000.
pub const SDP_BYTES_MAX: usize = 64 * 1024;
/// Longest name of a connection that is looked at, characters; ours are UUIDs.
const RESOURCE_CHARS_MAX: usize = 64;

const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

/// How a connection is begun.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OfferQuery {
    /// The page was connected before and comes back.
    #[serde(default)]
    reconnect: bool,
}

/// Connect: an SDP offer in, our answer out. Needs the stored consent.
#[utoipa::path(post, operation_id = "connect", path = "/interviews/{id}/whip", tag = "voice", params(("id" = SessionId, Path), OfferQuery),
    request_body(content = String, content_type = "application/sdp", description = "The offer, at most 64 KiB."),
    responses((status = 201, description = "Our answer.", body = String, content_type = "application/sdp",
        headers(("Location" = String, description = "The connection."), ("ETag" = String, description = "Its version.")))))]
pub async fn offer(
    State(state): State<Shared>,
    caller: Caller,
    Path(id): Path<SessionId>,
    Query(query): Query<OfferQuery>,
    request: Request,
) -> Result<Response, ApiError> {
    let row = access::interview(&state, caller, id, Right::TakePart).await?;
    let sdp = text_body(request, SDP, SDP_BYTES_MAX).await?;
    if !sdp.starts_with("v=0") {
        return Err(ApiError::BadRequest("The body is not a session description.".to_owned()));
    }
    if row.mode == Mode::Text {
        return Err(ApiError::Conflict("This is a written interview; it has no voice.".to_owned()));
    }
    if row.status.is_final() {
        return Err(ApiError::Gone("This interview is over.".to_owned()));
    }
    if state.store.consent(id).await?.is_none() {
        return Err(ApiError::Forbidden("Consent to being recorded comes first.".to_owned()));
    }
    let answer = state.interviews.whip_offer(id, sdp, query.reconnect).await?;
    let headers = [
        (header::CONTENT_TYPE, SDP.to_owned()),
        (header::LOCATION, format!("/api/v1/interviews/{id}/whip/{}", answer.resource)),
        (header::ETAG, quoted(&answer.etag)),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((StatusCode::CREATED, headers, answer.sdp).into_response())
}

/// What can be sent here.
#[utoipa::path(options, operation_id = "connect_options", path = "/interviews/{id}/whip", tag = "voice", security(()), params(("id" = SessionId, Path)),
    responses((status = 204, description = "See `Accept-Post`.", headers(("Accept-Post" = String, description = "`application/sdp`")))))]
pub async fn options(_path: Path<SessionId>) -> impl IntoResponse {
    let headers = [("accept-post", SDP), ("accept-patch", FRAGMENT), ("allow", "POST, OPTIONS")];
    std::future::ready((StatusCode::NO_CONTENT, headers)).await
}

/// Change a connection: more ICE candidates, or an ICE restart.
#[utoipa::path(patch, operation_id = "change_connection", path = "/interviews/{id}/whip/{resource}", tag = "voice",
    params(("id" = SessionId, Path), ("resource" = String, Path), ("If-Match" = String, Header, description = "The ETag of the connection.")),
    request_body(content = String, content_type = "application/trickle-ice-sdpfrag", description = "At most 64 KiB."),
    responses(
        (status = 200, description = "ICE was restarted: our side of it.", body = String,
            content_type = "application/trickle-ice-sdpfrag", headers(("ETag" = String, description = "The new version."))),
        (status = 204, description = "The candidates were taken.")))]
pub async fn change(
    State(state): State<Shared>,
    caller: Caller,
    Path((id, resource)): Path<(SessionId, String)>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, ApiError> {
    access::interview(&state, caller, id, Right::TakePart).await?;
    let resource = checked(resource)?;
    let fragment = text_body(request, FRAGMENT, SDP_BYTES_MAX).await?;
    let etag = headers.get(header::IF_MATCH).ok_or(ApiError::PreconditionRequired)?;
    let etag = etag.to_str().map_err(|_| ApiError::PreconditionFailed)?.trim().trim_matches('"').to_owned();
    match state.interviews.whip_patch(id, resource, etag, fragment).await? {
        WhipPatched::Taken => Ok(StatusCode::NO_CONTENT.into_response()),
        WhipPatched::Restarted { fragment, etag } => {
            let headers = [(header::CONTENT_TYPE, FRAGMENT.to_owned()), (header::ETAG, quoted(&etag))];
            Ok((StatusCode::OK, headers, fragment).into_response())
        }
    }
}

/// Hang up.
#[utoipa::path(delete, operation_id = "disconnect", path = "/interviews/{id}/whip/{resource}", tag = "voice",
    params(("id" = SessionId, Path), ("resource" = String, Path)),
    responses((status = 200, description = "The connection is closed.")))]
pub async fn hang_up(
    State(state): State<Shared>,
    caller: Caller,
    Path((id, resource)): Path<(SessionId, String)>,
) -> Result<StatusCode, ApiError> {
    access::interview(&state, caller, id, Right::TakePart).await?;
    state.interviews.whip_delete(id, checked(resource)?).await?;
    Ok(StatusCode::OK)
}

fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

/// A name that could be one of a connection's.
fn checked(resource: String) -> Result<String, ApiError> {
    let is_name = resource.len() <= RESOURCE_CHARS_MAX
        && resource.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_name { Ok(resource) } else { Err(ApiError::NotFound) }
}
