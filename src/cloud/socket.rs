//! WebSockets to providers: opened within a deadline, failures named by what they mean. Must never wait without end, nor
//! go through a proxy (none of the providers' sockets is reached by one here).

use super::endpoint::Endpoint;
use super::fault::{CloudError, Fault, code_of};
use futures::{SinkExt as _, StreamExt as _};
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// Longest message that is read, bytes: a minute of sound as text.
const MESSAGE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// What is read at once, bytes: a transcriber's message has one or two thousand, and each call has a socket.
const READ_BUFFER_BYTES: usize = 8 * 1024;
/// Longest wait for a message to leave, s: beyond it the connection is stuck.
const SEND_MAX: Duration = Duration::from_secs(2);
/// Codes by which a provider closes that refuses what was asked, not just this connection.
const CLOSED_FOR_GOOD: [u16; 4] = [1002, 1003, 1007, 1008];

/// A socket to a provider.
#[derive(Debug)]
pub struct Socket {
    provider: Arc<str>,
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// What a provider sent.
#[derive(Debug)]
pub enum Received {
    Json(Value),
    Binary(Vec<u8>),
}

impl Socket {
    /// Opens `path` with these headers.
    ///
    /// # Errors
    /// [`CloudError`].
    pub async fn open(
        endpoint: &Endpoint,
        path: &str,
        headers: &[(&'static str, HeaderValue)],
        deadline: Duration,
    ) -> Result<Self, CloudError> {
        let provider = endpoint.provider.clone();
        let failed = |said: &str| CloudError::new(&provider, Fault::Unfit, said);
        let mut request = endpoint.socket_url(path).into_client_request().map_err(|_| failed("its address is none"))?;
        for (name, value) in headers {
            request.headers_mut().insert(HeaderName::from_static(name), value.clone());
        }
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        let opening = tokio_tungstenite::connect_async_with_config(request, Some(config), true);
        let opened = tokio::time::timeout(deadline, opening).await;
        let refused = |error: Error| {
            let Error::Http(answer) = error else {
                return CloudError::new(&provider, Fault::Passing, "it cannot be reached");
            };
            let body = answer.body().as_deref().unwrap_or_default();
            let code = serde_json::from_slice(body).ok().and_then(|body| code_of(&body));
            CloudError::refused(&provider, answer.status().as_u16(), code.as_deref(), None)
        };
        let (stream, _) = opened.map_err(|_| endpoint.late("connection", deadline))?.map_err(refused)?;
        Ok(Self { provider, stream })
    }

    async fn send(&mut self, message: Message) -> Result<(), CloudError> {
        let broken = |said| CloudError::new(&self.provider, Fault::Passing, said);
        tokio::time::timeout(SEND_MAX, self.stream.send(message))
            .await
            .map_err(|_| broken("it takes no more"))?
            .map_err(|_| broken("the connection broke"))
    }

    /// # Errors
    /// [`CloudError`].
    pub async fn send_json(&mut self, value: &Value) -> Result<(), CloudError> {
        self.send(Message::text(value.to_string())).await
    }

    /// # Errors
    /// [`CloudError`].
    pub async fn send_sound(&mut self, pcm: &[i16]) -> Result<(), CloudError> {
        let mut bytes = vec![0; pcm.len() * 2];
        for (pair, sample) in bytes.chunks_exact_mut(2).zip(pcm) {
            pair.copy_from_slice(&sample.to_le_bytes());
        }
        self.send(Message::binary(bytes)).await
    }

    /// The next message; safe to be cancelled.
    ///
    /// # Errors
    /// [`CloudError`], also when it closes.
    pub async fn receive(&mut self) -> Result<Received, CloudError> {
        loop {
            let provider = &self.provider;
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    let wrong = |_| CloudError::new(provider, Fault::Passing, "a message is no JSON");
                    return serde_json::from_str(&text).map(Received::Json).map_err(wrong);
                }
                Some(Ok(Message::Binary(bytes))) => return Ok(Received::Binary(bytes.to_vec())),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.map_or(1005, |frame| u16::from(frame.code));
                    let fault = if CLOSED_FOR_GOOD.contains(&code) { Fault::Unfit } else { Fault::Passing };
                    return Err(CloudError::new(provider, fault, format!("it closed the connection ({code})")));
                }
                Some(Err(_)) | None => {
                    return Err(CloudError::new(provider, Fault::Passing, "the connection broke"));
                }
            }
        }
    }

    /// Says goodbye, without waiting for the answer.
    pub async fn close(mut self) {
        let _ = self.send(Message::Close(None)).await;
    }
}
