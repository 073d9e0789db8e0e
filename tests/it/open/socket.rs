//! The WebSocket room: the same conversation without WebRTC.

use super::stage::{EAR_HZ, PATIENCE, Stage, pitch};
use futures::{SinkExt as _, Stream, StreamExt as _};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::{Error, Message};
use vivavoce::audio::opus::{Decoder, ENCODED_BYTES_MAX, Encoder, EncoderSettings};

type Wire = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

pub async fn open(stage: &Stage, path: &str) -> Wire {
    let url = format!("{}{path}", stage.url.replace("http:", "ws:"));
    tokio_tungstenite::connect_async(url).await.expect("a socket").0
}

/// So much of a tone, 16 kHz.
pub fn tone(hz: u32, ms: u32) -> Vec<i16> {
    let angle = |n: u32| f64::from(n) * f64::from(hz) * std::f64::consts::TAU / f64::from(EAR_HZ);
    (0..ms * 16).map(|n| (angle(n).sin() * 9_000.0) as i16).collect()
}

pub fn bytes(pcm: &[i16]) -> Vec<u8> {
    pcm.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

pub fn samples(bytes: &[u8]) -> Vec<i16> {
    bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

/// What came until the bot had spoken: the messages, the sound, and when each piece of it came.
pub async fn hear(
    wire: &mut (impl Stream<Item = Result<Message, Error>> + Unpin),
    mut read: impl FnMut(&[u8]) -> Vec<i16>,
) -> (Vec<Value>, Vec<i16>, Vec<Instant>) {
    let (mut messages, mut sound, mut times): (Vec<Value>, _, _) = (Vec::new(), Vec::new(), Vec::new());
    while messages.last().is_none_or(|message| message["type"] != "bot-stopped-speaking") {
        let message =
            tokio::time::timeout(PATIENCE, wire.next()).await.expect("in time").expect("open").expect("whole");
        match message {
            Message::Binary(bytes) => {
                times.push(Instant::now());
                sound.extend(read(&bytes));
            }
            Message::Text(text) => messages.push(serde_json::from_str(&text).expect("JSON")),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            Message::Close(_) => panic!("closed: {messages:?}"),
        }
    }
    (messages, sound, times)
}

#[tokio::test(flavor = "multi_thread")]
async fn pcm_goes_both_ways_at_the_pace_of_the_clock() {
    let stage = Stage::set(1_000, "").await;
    let mut wire = open(&stage, "/api/socket?audio=pcm").await;
    let ready = json!({"label": "rtvi-ai", "type": "client-ready", "id": "1", "data": {"version": "2.1.0"}});
    wire.send(Message::text(ready.to_string())).await.expect("sent");
    // A file sent at once, in odd pieces: it is heard at the pace of speech.
    let said = bytes(&[tone(700, 900), vec![0; EAR_HZ as usize]].concat());
    let (mut out, mut back) = wire.split();
    let sending = tokio::spawn(async move {
        for piece in said.chunks(1_777) {
            out.send(Message::binary(piece.to_vec())).await.expect("sent");
        }
        out
    });
    let begun = Instant::now();
    let (messages, sound, times) = hear(&mut back, samples).await;
    assert!(messages.iter().any(|message| message["type"] == "bot-ready"), "{messages:?}");
    let words = messages.iter().find(|message| message["type"] == "user-transcription").expect("words");
    assert_eq!(words["data"]["text"], "tone 700");
    assert!(pitch(&sound).abs_diff(700) < 20, "{}", pitch(&sound));
    // A second of sound cannot be there before a second has passed, and what was said took its own time before.
    let (first, last) = (times[0] - begun, times[times.len() - 1] - begun);
    assert!(last - first > Duration::from_millis(900) && first > Duration::from_millis(900), "{first:?} {last:?}");
    let mut out = sending.await.expect("no panic");
    out.send(Message::Close(None)).await.expect("sent");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn opus_goes_both_ways() {
    let stage = Stage::set(600, "").await;
    let mut wire = open(&stage, "/api/socket?audio=opus").await;
    let settings = EncoderSettings { rate_hz: EAR_HZ, ..EncoderSettings::default() };
    let mut encoder = Encoder::new(settings).expect("an encoder");
    let said = [tone(500, 900), vec![0; 8_000]].concat();
    for frame in said.chunks_exact(encoder.frame_samples()) {
        let mut packet = [0; ENCODED_BYTES_MAX];
        let length = encoder.encode(frame, &mut packet).expect("a frame");
        wire.send(Message::binary(packet[..length].to_vec())).await.expect("sent");
    }
    let mut decoder = Decoder::for_ears().expect("a decoder");
    let mut pcm = vec![0; decoder.samples_max()];
    let read = |bytes: &[u8]| {
        let samples = decoder.decode(bytes, &mut pcm).expect("a packet");
        pcm[..samples].to_vec()
    };
    let (_, sound, times) = hear(&mut wire, read).await;
    assert!(pitch(&sound).abs_diff(500) < 20, "{}", pitch(&sound));
    assert_eq!(times.len(), 30, "600 ms in packets of 20");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_is_refused_before_the_socket_opens() {
    let stage = Stage::set(600, "[limits]\nsessions_max = 1").await;
    let url = |path: &str| format!("{}{path}", stage.url.replace("http:", "ws:"));
    let refused = async |path: &str| match tokio_tungstenite::connect_async(url(path)).await {
        Err(Error::Http(answer)) => answer.status().as_u16(),
        other => panic!("not refused: {other:?}"),
    };
    assert_eq!(refused("/api/v1/interviews/0b1c2d3e-0000-7000-8000-000000000001/socket").await, 404);
    assert_eq!(refused("/api/socket?audio=mp3").await, 422);
    let plain = stage.http.get(format!("{}/api/socket", stage.url)).send().await.expect("answered");
    assert_eq!(plain.status(), 400);
    let _first = open(&stage, "/api/socket").await;
    assert_eq!(refused("/api/socket").await, 503);
    stage.end().await;
}
