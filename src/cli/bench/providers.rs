//! `vivavoce bench providers`: speech-to-text, language model and voice played by one process with stated delays, for
//! `config/bench.toml`. Callers speak in tones: the transcriber tells the pitch, the model repeats it, the voice sounds it,
//! so that whoever listens knows whether the reply is the right call's. Must never be mistaken for a provider.

use crate::cli::tone;
use axum::Router;
use axum::body::Body;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use futures::stream;
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
    /// What the transcriber takes every caller to say, in place of the tone's pitch; an interview wants words.
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
        .route("/v1/chat/completions", post(chat))
        .route("/v1/audio/speech", post(speak))
        .with_state(Arc::new(arguments));
    axum::serve(listener, router).await
}

type Shared = Arc<Arguments>;

async fn listen(
    State(delays): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let silence_ms = query.get("endpointing").and_then(|ms| ms.parse().ok()).unwrap_or(200);
    let silence_samples = silence_ms * EAR_HZ / 1_000;
    let hearing = Hearing { silence_samples, words: delays.words.clone(), ..Hearing::default() };
    // Nothing to await: the work begins with the upgrade.
    std::future::ready(upgrade.on_upgrade(move |socket| hear(socket, hearing, Duration::from_millis(delays.final_ms))))
        .await
}

/// What one caller said so far.
#[derive(Default)]
struct Hearing {
    silence_samples: usize,
    words: Option<String>,
    heard: usize,
    /// Where the tone began and where it last sounded; none while silent.
    voice: Option<(usize, usize)>,
    tone: Vec<i16>,
}

impl Hearing {
    /// Takes sound; the result that is due, if the caller has finished.
    fn take(&mut self, pcm: &[i16]) -> Option<Value> {
        let power: f64 = pcm.iter().map(|sample| f64::from(*sample).powi(2)).sum();
        let from = self.heard;
        self.heard += pcm.len();
        if (power / pcm.len().max(1) as f64).sqrt() >= VOICE_LEVEL {
            let began = self.voice.map_or(from, |(began, _)| began);
            self.voice = Some((began, self.heard));
            let room = PITCH_SAMPLES.saturating_sub(self.tone.len()).min(pcm.len());
            self.tone.extend_from_slice(&pcm[..room]);
        }
        let (_, until) = self.voice?;
        (self.heard - until >= self.silence_samples).then(|| self.result(true, false))
    }

    /// The words so far, final.
    fn result(&mut self, is_end: bool, is_asked: bool) -> Value {
        let voice = self.voice.take();
        let tone = std::mem::take(&mut self.tone);
        let text = match (voice, &self.words) {
            (None, _) => String::new(),
            (Some(_), Some(words)) => words.clone(),
            (Some(_), None) => format!("tone {}", pitch(&tone)),
        };
        let seconds = |samples: usize| samples as f64 / EAR_HZ as f64;
        let (from, until) = voice.unwrap_or((self.heard, self.heard));
        let words: Vec<Value> = text
            .split_whitespace()
            .map(|word| json!({"word": word, "start": seconds(from), "end": seconds(until), "confidence": 0.99}))
            .collect();
        json!({
            "type": "Results", "channel_index": [0, 1], "start": seconds(from), "duration": seconds(self.heard - from),
            "is_final": true, "speech_final": is_end, "from_finalize": is_asked,
            "channel": {"alternatives": [{"transcript": text, "confidence": 0.99, "words": words}]},
        })
    }
}

/// The pitch of what was said first, Hz, to the nearest 20.
fn pitch(pcm: &[i16]) -> u32 {
    (tone::pitch(&pcm[pcm.len() / 5..], EAR_HZ as u32) / 20.0).round() as u32 * 20
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

async fn chat(State(delays): State<Shared>, axum::Json(asked): axum::Json<Value>) -> impl IntoResponse {
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

async fn speak(State(delays): State<Shared>, axum::Json(asked): axum::Json<Value>) -> Response {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_heard_with_its_pitch_when_it_ends() {
        let mut hearing = Hearing { silence_samples: 3_200, ..Hearing::default() };
        let tone = tone::tone(640, 1_000, 16_000);
        assert!(tone.chunks(320).all(|frame| hearing.take(frame).is_none()));
        let silence = [0; 320];
        let told: Vec<Option<Value>> = (0..20).map(|_| hearing.take(&silence)).collect();
        assert_eq!(told.iter().flatten().count(), 1);
        let result = told[9].as_ref().expect("after 200 ms");
        assert_eq!(result["channel"]["alternatives"][0]["transcript"], "tone 640");
        assert_eq!(result["speech_final"], true);
    }
}
