//! A WebSocket as a voice connection: sound in binary messages, the data channel's JSON in text ones. Must never look into
//! either: the room does.

use crate::http::access::{self, Right};
use crate::http::error::ApiError;
use crate::http::extract::{CallerOfFile, Path, Query};
use crate::http::state::Shared;
use crate::id::SessionId;
use crate::room::webrtc::data::MESSAGE_BYTES_MAX;
use crate::room::websocket::{INCOMING_MAX, OUTGOING_MAX, Socket, SocketMessage, SoundFormat};
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::response::Response;
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::mpsc;

/// Longest wait for a message to leave, s: whoever reads nothing for so long has gone, and holds a place and a connection.
const SEND_MAX: Duration = Duration::from_secs(15);

/// How sound is written on the socket.
#[derive(Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sound {
    /// 16 bits, little-endian, mono, 16 kHz, both ways.
    Pcm,
    /// An Opus packet of 20 ms a message, both ways.
    Opus,
}

/// How a socket is opened.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SocketQuery {
    /// How sound is written; PCM where nothing is said.
    #[param(inline)]
    audio: Option<Sound>,
    /// The token, for clients that cannot send a header with a WebSocket.
    #[serde(default, rename = "access_token")]
    _access_token: Option<String>,
}

/// Talk over a WebSocket in place of WebRTC. Needs the stored consent.
#[utoipa::path(get, operation_id = "socket", path = "/interviews/{id}/socket", tag = "voice",
    params(("id" = SessionId, Path), SocketQuery),
    responses((status = 101, description = "The socket is open."), (status = 400, description = "This is no WebSocket."),
        (status = 409, description = "The interview is not in progress."), (status = 410, description = "It is over.")))]
pub async fn join(
    State(state): State<Shared>,
    CallerOfFile(caller): CallerOfFile,
    Path(id): Path<SessionId>,
    Query(query): Query<SocketQuery>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let row = access::interview(&state, caller, id, Right::TakePart).await?;
    let upgrade = checked(upgrade)?;
    if row.status.is_final() {
        return Err(ApiError::Gone("This interview is over.".to_owned()));
    }
    if state.store.consent(id).await?.is_none() {
        return Err(ApiError::Forbidden("Consent to being recorded comes first.".to_owned()));
    }
    seat(&state, Some(id), query, upgrade).await
}

/// Talk over a WebSocket without a token (the open door).
#[utoipa::path(get, operation_id = "open_socket", path = "/api/socket", tag = "voice", security(()), params(SocketQuery),
    responses((status = 101, description = "The socket is open."), (status = 400, description = "This is no WebSocket."),
        (status = 404, description = "The door is closed.")))]
pub async fn open(
    State(state): State<Shared>,
    Query(query): Query<SocketQuery>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    if !state.settings.room.open_offer.enabled {
        return Err(ApiError::NotFound);
    }
    seat(&state, None, query, checked(upgrade)?).await
}

fn checked(upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>) -> Result<WebSocketUpgrade, ApiError> {
    upgrade.map_err(|_| ApiError::BadRequest("This address is opened as a WebSocket.".to_owned()))
}

async fn seat(
    state: &Shared,
    session: Option<SessionId>,
    query: SocketQuery,
    upgrade: WebSocketUpgrade,
) -> Result<Response, ApiError> {
    let format = match query.audio {
        None | Some(Sound::Pcm) => SoundFormat::Pcm,
        Some(Sound::Opus) => SoundFormat::Opus,
    };
    let (to_room, incoming) = mpsc::channel(INCOMING_MAX);
    let (outgoing, from_room) = mpsc::channel(OUTGOING_MAX);
    state.interviews.socket(session, Socket { incoming, outgoing, format }).await?;
    let bytes_max = MESSAGE_BYTES_MAX as usize;
    let upgrade = upgrade.max_message_size(bytes_max).max_frame_size(bytes_max);
    Ok(upgrade.on_upgrade(move |socket| carry(socket, to_room, from_room)))
}

/// Carries messages both ways until either side ends it.
async fn carry(
    mut socket: WebSocket,
    to_room: mpsc::Sender<SocketMessage>,
    mut from_room: mpsc::Receiver<SocketMessage>,
) {
    loop {
        // A caller that is ahead of the clock is read no further: its own socket slows it down.
        let room = to_room.reserve();
        tokio::select! {
            biased;
            message = from_room.recv() => {
                let Some(message) = message else { break };
                let message = match message {
                    SocketMessage::Sound(bytes) => Message::Binary(Bytes::from(bytes)),
                    SocketMessage::Text(text) => Message::text(text),
                };
                if !has_left(&mut socket, message).await {
                    return;
                }
            }
            (place, message) = async {
                let place = room.await;
                (place, socket.recv().await)
            } => {
                let Ok(place) = place else { break };
                match message {
                    Some(Ok(Message::Binary(bytes))) => place.send(SocketMessage::Sound(bytes.into())),
                    Some(Ok(Message::Text(text))) => place.send(SocketMessage::Text(text.as_str().to_owned())),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                }
            }
        }
    }
    // The room is over: what waited was sent before.
    has_left(&mut socket, Message::Close(None)).await;
}

/// Sends; false where it cannot be, or not in time.
async fn has_left(socket: &mut WebSocket, message: Message) -> bool {
    matches!(tokio::time::timeout(SEND_MAX, socket.send(message)).await, Ok(Ok(())))
}
