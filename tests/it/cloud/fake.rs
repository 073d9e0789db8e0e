//! A server that behaves as a provider does, by script: each request takes the next behaviour, the last one stays. What
//! was asked is kept.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use vivavoce::cloud::{Endpoint, Key};

/// The key that fakes want.
pub const KEY: &str = "sk-test-key";

/// What a provider does with one request.
#[derive(Clone, Debug)]
pub enum Act {
    /// Sends this body after `first` in pieces of `piece` bytes, `pause` apart.
    Body { kind: &'static str, bytes: Vec<u8>, first: Duration, piece: usize, pause: Duration },
    /// The same, but the connection breaks after `keep` bytes.
    Broken { bytes: Vec<u8>, keep: usize },
    /// Refuses.
    Status { status: u16, headers: Vec<(&'static str, &'static str)>, body: Value },
    /// Never answers.
    Silent,
}

impl Act {
    /// A body in pieces of seven bytes: a prime, so that cuts fall everywhere.
    pub fn body(kind: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        Self::Body { kind, bytes: bytes.into(), first: Duration::ZERO, piece: 7, pause: Duration::from_millis(1) }
    }

    pub fn status(status: u16, code: &str) -> Self {
        let message = "Incorrect key sk-t***key, and you said: my words";
        Self::Status { status, headers: Vec::new(), body: json!({"error": {"message": message, "code": code}}) }
    }
}

/// What was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Asked {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a body of JSON")
    }
}

/// A provider by HTTP.
pub struct Fake {
    pub url: String,
    state: Arc<Inner>,
}

struct Inner {
    acts: Mutex<VecDeque<Act>>,
    asked: Mutex<Vec<Asked>>,
}

impl Fake {
    pub async fn start(acts: Vec<Act>) -> Self {
        // Another test may have been first: either way one is installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let state = Arc::new(Inner { acts: Mutex::new(acts.into()), asked: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/v1", listener.local_addr().expect("bound"));
        let router = Router::new().fallback(answer).with_state(state.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.expect("served") });
        Self { url, state }
    }

    pub fn endpoint(&self) -> Endpoint {
        let key = Key::new(KEY, "the test").expect("a key");
        Endpoint::new("fake", &self.url, key, Duration::from_secs(2)).expect("an endpoint")
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.state.asked.lock().expect("no panic").clone()
    }
}

async fn answer(State(state): State<Arc<Inner>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let path = uri.path_and_query().map_or_else(String::new, ToString::to_string);
    state.asked.lock().expect("no panic").push(Asked { path, headers, body });
    let act = {
        let mut acts = state.acts.lock().expect("no panic");
        if acts.len() > 1 { acts.pop_front() } else { acts.front().cloned() }
    };
    match act.expect("a script has an act") {
        Act::Body { kind, bytes, first, piece, pause } => {
            tokio::time::sleep(first).await;
            let pieces: Vec<Vec<u8>> = bytes.chunks(piece).map(<[u8]>::to_vec).collect();
            let stream = futures::stream::unfold(pieces.into_iter(), move |mut pieces| async move {
                let piece = pieces.next()?;
                tokio::time::sleep(pause).await;
                Some((Ok::<_, std::io::Error>(piece), pieces))
            });
            ([("content-type", kind)], Body::from_stream(stream)).into_response()
        }
        Act::Broken { bytes, keep } => {
            let parts = vec![Ok(bytes[..keep].to_vec()), Err(std::io::Error::other("the script breaks it"))];
            Body::from_stream(futures::stream::iter(parts)).into_response()
        }
        Act::Status { status, headers, body } => {
            let mut response = (StatusCode::from_u16(status).expect("a status"), body.to_string()).into_response();
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().expect("a value"));
            }
            response
        }
        Act::Silent => std::future::pending().await,
    }
}

/// A provider by WebSocket: `behave` plays the server's side of each connection.
pub struct FakeSocket {
    pub url: String,
    opened: Arc<Mutex<Vec<(String, HeaderMap)>>>,
}

impl FakeSocket {
    pub async fn start<F>(behave: impl Fn(usize, WebSocket) -> F + Clone + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let opened: Arc<Mutex<Vec<(String, HeaderMap)>>> = Arc::default();
        let told = Arc::clone(&opened);
        let answer = move |upgrade: WebSocketUpgrade, uri: Uri, headers: HeaderMap| async move {
            let number = {
                let mut told = told.lock().expect("no panic");
                told.push((uri.to_string(), headers));
                told.len() - 1
            };
            upgrade.on_upgrade(move |socket| behave(number, socket))
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("ws://{}", listener.local_addr().expect("bound"));
        let router = Router::new().fallback(axum::routing::any(answer));
        tokio::spawn(async move { axum::serve(listener, router).await.expect("served") });
        Self { url, opened }
    }

    pub fn endpoint(&self) -> Endpoint {
        let key = Key::new(KEY, "the test").expect("a key");
        Endpoint::new("fake", &self.url, key, Duration::from_secs(2)).expect("an endpoint")
    }

    /// Address and headers of each connection.
    pub fn opened(&self) -> Vec<(String, HeaderMap)> {
        self.opened.lock().expect("no panic").clone()
    }
}

pub async fn send(socket: &mut WebSocket, value: Value) {
    // A client that has gone is what some tests are about.
    let _ = socket.send(Message::text(value.to_string())).await;
}
