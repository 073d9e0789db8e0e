//! The open door, as the Pipecat ecosystem's clients speak it (`SmallWebRTCTransport`): JSON offers in, JSON answers out, no
//! token. Off unless `room.open_offer.enabled`. Must never open an interview that somebody has prepared.

use crate::http::error::ApiError;
use crate::http::extract::{Json, Path};
use crate::http::interviews::OpenOffer;
use crate::http::state::Shared;
use crate::id::SessionId;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Candidates of one message; a client has a handful for each network card.
const CANDIDATES_MAX: usize = 64;
/// Longest name of a connection, characters.
const PC_ID_CHARS_MAX: usize = 128;

/// An offer. What else clients put into it (`requestData`) is not looked at.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct Offer {
    /// The session description.
    #[schema(max_length = 65536)]
    sdp: String,
    #[schema(example = "offer")]
    r#type: String,
    /// The connection that is to be changed.
    #[serde(default, alias = "pcId")]
    pc_id: Option<String>,
    /// A new connection is to take its place.
    #[serde(default, alias = "restartPc")]
    restart_pc: Option<bool>,
}

/// Our answer.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Answer {
    sdp: String,
    #[schema(example = "answer")]
    r#type: &'static str,
    pc_id: String,
}

/// Candidates that were found after the offer.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct Candidates {
    #[serde(alias = "pcId")]
    pc_id: String,
    candidates: Vec<Candidate>,
}

/// One of them; an empty one says that no more come.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct Candidate {
    #[serde(default)]
    candidate: String,
}

/// They were taken.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Taken {
    #[schema(example = "success")]
    status: &'static str,
}

/// Where the offer goes.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Started {
    #[serde(rename = "sessionId")]
    session_id: SessionId,
    #[serde(rename = "iceConfig", skip_serializing_if = "Option::is_none")]
    ice_config: Option<IceConfig>,
}

/// Servers that help to connect: none are needed where this one is reached directly.
#[derive(Serialize, utoipa::ToSchema)]
pub struct IceConfig {
    #[serde(rename = "iceServers")]
    #[schema(value_type = Vec<Object>)]
    ice_servers: Vec<Value>,
}

/// Connect without a token: begins a conversation, or goes on with one.
#[utoipa::path(post, operation_id = "open_offer", path = "/api/offer", tag = "voice", security(()), request_body = Offer,
    responses((status = 200, description = "Our answer.", body = Answer), (status = 404, description = "The door is closed.")))]
pub async fn offer(State(state): State<Shared>, Json(offer): Json<Offer>) -> Result<Response, ApiError> {
    answer(&state, offer).await
}

/// The same after `start`.
#[utoipa::path(post, operation_id = "open_offer_of_session", path = "/sessions/{id}/api/offer", tag = "voice", security(()),
    params(("id" = SessionId, Path)), request_body = Offer, responses((status = 200, description = "Our answer.", body = Answer)))]
pub async fn offer_of(
    State(state): State<Shared>,
    Path(_session): Path<SessionId>,
    Json(offer): Json<Offer>,
) -> Result<Response, ApiError> {
    answer(&state, offer).await
}

/// More ICE candidates of a connection.
#[utoipa::path(patch, operation_id = "open_candidates", path = "/api/offer", tag = "voice", security(()), request_body = Candidates,
    responses((status = 200, description = "They were taken.", body = Taken), (status = 404, description = "There is no such connection.")))]
pub async fn candidates(State(state): State<Shared>, Json(found): Json<Candidates>) -> Result<Response, ApiError> {
    take(&state, found).await
}

/// The same after `start`.
#[utoipa::path(patch, operation_id = "open_candidates_of_session", path = "/sessions/{id}/api/offer", tag = "voice", security(()),
    params(("id" = SessionId, Path)), request_body = Candidates,
    responses((status = 200, description = "They were taken.", body = Taken)))]
pub async fn candidates_of(
    State(state): State<Shared>,
    Path(_session): Path<SessionId>,
    Json(found): Json<Candidates>,
) -> Result<Response, ApiError> {
    take(&state, found).await
}

/// Where to send the offer: a conversation begins with it, not before.
#[utoipa::path(post, operation_id = "open_start", path = "/start", tag = "voice", security(()),
    request_body(content = Value, description = "`enableDefaultIceServers` asks for a list of ICE servers; all else is the client's own."),
    responses((status = 200, description = "The session's name.", body = Started), (status = 404, description = "The door is closed.")))]
pub async fn start(State(state): State<Shared>, request: Request) -> Result<Response, ApiError> {
    check_open(&state)?;
    let bytes_max = state.settings.server.body_bytes_max;
    let body = axum::body::to_bytes(request.into_body(), bytes_max).await;
    let body = body.map_err(|_| ApiError::TooLarge { bytes_max })?;
    // What is no JSON wishes for nothing.
    let wants = serde_json::from_slice::<Value>(&body).is_ok_and(|body| body["enableDefaultIceServers"] == true);
    let ice_config = wants.then(|| IceConfig { ice_servers: Vec::new() });
    let started = Started { session_id: SessionId::create(), ice_config };
    Ok(shared(axum::Json(started)))
}

/// What other sites' pages may do here.
#[utoipa::path(options, operation_id = "open_options", path = "/api/offer", tag = "voice", security(()),
    responses((status = 204, description = "See the headers."), (status = 404, description = "The door is closed.")))]
pub async fn options(State(state): State<Shared>) -> Result<Response, ApiError> {
    std::future::ready(allowed(&state)).await
}

/// What other sites' pages may do here.
#[utoipa::path(options, operation_id = "open_start_options", path = "/start", tag = "voice", security(()),
    responses((status = 204, description = "See the headers."), (status = 404, description = "The door is closed.")))]
pub async fn start_options(State(state): State<Shared>) -> Result<Response, ApiError> {
    std::future::ready(allowed(&state)).await
}

/// What other sites' pages may do here.
#[utoipa::path(options, operation_id = "open_options_of_session", path = "/sessions/{id}/api/offer", tag = "voice", security(()),
    params(("id" = SessionId, Path)), responses((status = 204, description = "See the headers.")))]
pub async fn options_of(State(state): State<Shared>, Path(_session): Path<SessionId>) -> Result<Response, ApiError> {
    std::future::ready(allowed(&state)).await
}

async fn answer(state: &Shared, offer: Offer) -> Result<Response, ApiError> {
    check_open(state)?;
    if offer.r#type != "offer" {
        return Err(ApiError::field("type", "`type` must be `offer`."));
    }
    let pc_id = offer.pc_id.filter(|pc_id| pc_id.chars().count() <= PC_ID_CHARS_MAX);
    let wish = OpenOffer { sdp: offer.sdp, pc_id, restart: offer.restart_pc.unwrap_or(false) };
    let answer = state.interviews.open_offer(wish).await?;
    Ok(shared(axum::Json(Answer { sdp: answer.sdp, r#type: "answer", pc_id: answer.pc_id })))
}

async fn take(state: &Shared, found: Candidates) -> Result<Response, ApiError> {
    check_open(state)?;
    if found.candidates.len() > CANDIDATES_MAX {
        return Err(ApiError::field("candidates", format!("At most {CANDIDATES_MAX} candidates are taken at once.")));
    }
    let candidates = found.candidates.into_iter().map(|candidate| candidate.candidate).collect();
    state.interviews.open_candidates(found.pc_id, candidates).await?;
    Ok(shared(axum::Json(Taken { status: "success" })))
}

fn check_open(state: &Shared) -> Result<(), ApiError> {
    if state.settings.room.open_offer.enabled { Ok(()) } else { Err(ApiError::NotFound) }
}

fn allowed(state: &Shared) -> Result<Response, ApiError> {
    check_open(state)?;
    let mut response = shared(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST, PATCH, OPTIONS"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type, authorization"));
    Ok(response)
}

/// The door is open to everybody, so to every site's pages, too; there is no cookie that they could borrow.
fn shared(answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
