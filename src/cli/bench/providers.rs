//! `vivavoce bench providers`: speech-to-text, language model and voice played by one process with stated delays, for
//! `config/bench.toml`. Callers speak in tones: the transcriber tells the pitch, the model repeats it, the voice sounds it,
//! so that whoever listens knows whether the reply is the right call's. Who talks in words tells them beforehand. Must never
//! be mistaken for a provider.

mod hearing;

use crate::cli::tone;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use futures::stream;
pub use hearing::Stretch;
use hearing::{Coming, Hearing};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::Instant;

/// Samples of a second of what is heard, and of what is said.
const EAR_HZ: usize = 16_000;
const VOICE_HZ: usize = 24_000;
/// The voice's pitch where the words name none, Hz.
const UNNAMED_HZ: u32 = 440;
/// Louder than this is voice, root mean square.
const VOICE_LEVEL: f64 = 400.0;
/// How much of a tone is looked at, samples (280 ms): what follows it may be a sentence.
const PITCH_SAMPLES: usize = EAR_HZ * 28 / 100;
/// Sound is sent in pieces of so many bytes (100 ms), so far apart: five times as fast as it is spoken.
const PIECE_BYTES: usize = VOICE_HZ / 10 * 2;
const PIECE_EVERY: Duration = Duration::from_millis(20);
/// Between two tokens. A sentence is five: it is there four of these after the first token.
const TOKEN_EVERY: Duration = Duration::from_millis(5);

/// Play all providers of config/bench.toml, with these delays.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    #[arg(long, default_value = "127.0.0.1:9100")]
    listen: SocketAddr,
    /// From the end of the transcriber's silence (or the request to finalise) to the words, ms.
    #[arg(long, default_value_t = 250)]
    final_ms: u64,
    /// From the request to the first token, ms.
    #[arg(long, default_value_t = 500)]
    token_ms: u64,
    /// From the request to the first sound, ms.
    #[arg(long, default_value_t = 150)]
    audio_ms: u64,
    /// Length of a reply's sound, ms.
    #[arg(long, default_value_t = 1_600)]
    reply_ms: u32,
    /// What the transcriber takes every caller to say, in place of the tone's pitch. An interview wants the words that are
    /// said: `rehearse --announce` tells them.
    #[arg(long)]
    words: Option<String>,
    /// What the model writes every time, in place of the pitch that it was told.
    #[arg(long)]
    reply: Option<String>,
}

impl Arguments {
    /// Providers that are quick, for tests; replies last `reply_ms`.
    #[must_use]
    pub fn quick(reply_ms: u32) -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        Self { listen, final_ms: 30, token_ms: 30, audio_ms: 30, reply_ms, words: None, reply: None }
    }
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let listener = TcpListener::bind(arguments.listen).await?;
    println!("providers play at http://{}", listener.local_addr()?);
    serve(listener, arguments).await?;
    Ok(ExitCode::SUCCESS)
}

/// Plays the providers until the process ends.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, arguments: Arguments) -> std::io::Result<()> {
    let router = Router::new()
        .route("/v1/listen", any(listen))
        .route("/v1/audio/transcriptions", post(transcribe))
        .route("/said", post(announce))
        .route("/v1/chat/completions", post(chat))
        .route("/v1/audio/speech", post(speak))
        .with_state(Shared { delays: Arc::new(arguments), coming: Coming::default() });
    axum::serve(listener, router).await
}

/// What all requests share.
#[derive(Clone)]
struct Shared {
    delays: Arc<Arguments>,
    coming: Coming,
}

/// Whoever speaks next will say this.
async fn announce(State(shared): State<Shared>, axum::Json(stretches): axum::Json<Vec<Stretch>>) {
    shared.coming.told(stretches);
    std::future::ready(()).await;
}

async fn listen(
    State(Shared { delays, coming }): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let silence_ms = query.get("endpointing").and_then(|ms| ms.parse().ok()).unwrap_or(200);
    let silence_samples = silence_ms * EAR_HZ / 1_000;
    let hearing = Hearing::new(silence_samples, delays.words.clone(), coming);
    // Nothing to await: the work begins with the upgrade.
    std::future::ready(upgrade.on_upgrade(move |socket| hear(socket, hearing, Duration::from_millis(delays.final_ms))))
        .await
}

async fn hear(mut socket: WebSocket, mut hearing: Hearing, delay: Duration) {
    let mut due: std::collections::VecDeque<(Instant, Value)> = std::collections::VecDeque::new();
    loop {
        let next = due.front().map_or_else(|| Instant::now() + Duration::from_secs(3_600), |(at, _)| *at);
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(next) => {
                if let Some((_, result)) = due.pop_front()
                    && socket.send(Message::text(result.to_string())).await.is_err()
                {
                    return;
                }
            }
            message = socket.recv() => match message {
                Some(Ok(Message::Binary(bytes))) => {
                    let pcm: Vec<i16> = bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
                    due.extend(hearing.take(&pcm).map(|result| (Instant::now() + delay, result)));
                }
                Some(Ok(Message::Text(text))) => {
                    let control: Value = serde_json::from_str(&text).unwrap_or_default();
                    if control["type"] == "Finalize" {
                        due.push_back((Instant::now() + delay, hearing.result(false, true)));
                    }
                    if control["type"] == "CloseStream" {
                        return;
                    }
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            }
        }
    }
}

/// A stretch of speech as a file.
async fn transcribe(State(Shared { delays, coming }): State<Shared>, body: Bytes) -> Response {
    let due = Instant::now() + Duration::from_millis(delays.final_ms);
    let Some(pcm) = wav_in(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    let text = Hearing::new(usize::MAX, delays.words.clone(), coming).whole(&pcm);
    tokio::time::sleep_until(due).await;
    axum::Json(json!({ "text": text })).into_response()
}

/// The samples of the WAV file in a form.
fn wav_in(form: &[u8]) -> Option<Vec<i16>> {
    let at = form.windows(4).position(|bytes| bytes == b"RIFF")?;
    let wav = hound::WavReader::new(&form[at..]).ok()?;
    wav.into_samples().collect::<Result<Vec<i16>, _>>().ok()
}

async fn chat(State(Shared { delays, .. }): State<Shared>, axum::Json(asked): axum::Json<Value>) -> impl IntoResponse {
    let last = asked["messages"].as_array().and_then(|messages| messages.last()).cloned().unwrap_or_default();
    let said = last["content"].as_str().unwrap_or_default();
    let tone = said.rsplit(' ').find(|word| word.parse::<u32>().is_ok()).unwrap_or("0");
    let mut tokens = match &delays.reply {
        Some(reply) => reply.split_inclusive(' ').map(str::to_owned).collect(),
        None => vec!["You".to_owned(), " said".to_owned(), " tone".to_owned(), format!(" {tone} now"), ".".to_owned()],
    };
    tokens.reverse();
    let due = Instant::now() + Duration::from_millis(delays.token_ms);
    let events = stream::unfold((tokens, due, false), |(mut tokens, due, is_over)| async move {
        if is_over {
            return None;
        }
        tokio::time::sleep_until(due).await;
        let (data, is_over) = match tokens.pop() {
            Some(token) => (json!({"choices": [{"index": 0, "delta": {"content": token}}]}).to_string(), false),
            None => ("[DONE]".to_owned(), true),
        };
        Some((Ok::<_, Infallible>(Event::default().data(data)), (tokens, due + TOKEN_EVERY, is_over)))
    });
    std::future::ready(Sse::new(events)).await
}

async fn speak(State(Shared { delays, .. }): State<Shared>, axum::Json(asked): axum::Json<Value>) -> Response {
    let text = asked["input"].as_str().unwrap_or_default();
    let hz = text.split(|c: char| !c.is_ascii_digit()).find_map(|word| word.parse::<u32>().ok()).unwrap_or(UNNAMED_HZ);
    let sound: Vec<u8> =
        tone::tone(hz, delays.reply_ms, VOICE_HZ as u32).into_iter().flat_map(i16::to_le_bytes).collect();
    let begun = Instant::now() + Duration::from_millis(delays.audio_ms);
    tokio::time::sleep_until(begun).await;
    let body = stream::unfold((sound, 0, begun), |(sound, from, due)| async move {
        if from >= sound.len() {
            return None;
        }
        tokio::time::sleep_until(due).await;
        let to = (from + PIECE_BYTES).min(sound.len());
        let piece = sound[from..to].to_vec();
        Some((Ok::<_, Infallible>(piece), (sound, to, due + PIECE_EVERY)))
    });
    ([("content-type", "audio/pcm")], Body::from_stream(body)).into_response()
}
