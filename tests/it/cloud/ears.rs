//! Speech to text: Deepgram's socket, segments as files, the realtime transcription socket.

use super::fake::{Act, Fake, FakeSocket, KEY, send};
use axum::extract::ws::{Message, WebSocket};
use base64::Engine as _;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use vivavoce::audio::frame::{EAR_FRAME_SAMPLES, EarFrame, SamplePos};
use vivavoce::cloud::meter::{Budget, Ledger, Price};
use vivavoce::cloud::{Endpoint, Fault, Key};
use vivavoce::id::UtteranceId;
use vivavoce::stt::deepgram::{Deepgram, DeepgramSettings};
use vivavoce::stt::realtime::{Realtime, RealtimeSettings};
use vivavoce::stt::segments::{Segments, SegmentsSettings};
use vivavoce::stt::{SpeechToText, SttCommand, SttError, SttEvent, SttOptions, SttStream};

/// What the fake hears, in seconds of the audio that it got: three words, a pause, two words.
const WORDS: [(&str, f64, f64); 5] =
    [("an", 0.30, 0.50), ("index", 0.55, 0.90), ("helps", 1.00, 1.40), ("not", 2.10, 2.40), ("always", 2.50, 2.90)];

fn deepgram_settings() -> DeepgramSettings {
    let price = Price { minute: 0.006, ..Price::default() };
    DeepgramSettings { model: "nova-3".into(), endpointing_ms: 200, connect: Duration::from_secs(2), price }
}

pub fn options() -> SttOptions {
    SttOptions { language: "en".into(), keyterms: vec!["Postgres".into(), "B-tree index".into()] }
}

pub fn frames(from_ms: u64, to_ms: u64) -> Vec<SttCommand> {
    let frame = |at_ms| {
        SttCommand::Audio(EarFrame { at: SamplePos::from_ms(at_ms), pcm: [7; EAR_FRAME_SAMPLES], concealed: false })
    };
    (from_ms..to_ms).step_by(20).map(frame).collect()
}

pub fn ask(utterance: u64, revision: u32, from_ms: u64, to_ms: u64, last: bool) -> SttCommand {
    let (from, to) = (SamplePos::from_ms(from_ms), SamplePos::from_ms(to_ms));
    SttCommand::Transcribe { utterance: UtteranceId(utterance), revision, from, to, last }
}

pub async fn tell(stream: &SttStream, commands: impl IntoIterator<Item = SttCommand>) {
    for command in commands {
        stream.commands.send(command).await.expect("taken");
    }
}

/// The next final, failure or end; what came before it is dropped.
pub async fn answer(stream: &mut SttStream) -> SttEvent {
    loop {
        match stream.events.recv().await.expect("an event") {
            SttEvent::Partial { .. } | SttEvent::Endpoint { .. } | SttEvent::Switched { .. } => {}
            event @ (SttEvent::Final { .. } | SttEvent::Failed { .. } | SttEvent::Down { .. }) => return event,
        }
    }
}

pub fn text(event: &SttEvent) -> (u64, u32, &str) {
    match event {
        SttEvent::Final { utterance, revision, transcript } => (utterance.0, *revision, &transcript.text),
        other => panic!("no words: {other:?}"),
    }
}

fn results(words: &[(&str, f64, f64)], from: f64, to: f64, marks: Value) -> Value {
    let words: Vec<Value> = words
        .iter()
        .map(|(word, start, end)| json!({"word": word, "punctuated_word": word, "start": start, "end": end, "confidence": 0.9}))
        .collect();
    let text = words.iter().map(|word| word["word"].as_str().expect("text")).collect::<Vec<_>>().join(" ");
    let mut message = json!({
        "type": "Results", "channel_index": [0, 1], "start": from, "duration": to - from,
        "is_final": false, "speech_final": false, "from_finalize": false,
        "channel": {"alternatives": [{"transcript": text, "confidence": 0.9, "words": words}]},
    });
    for (name, value) in marks.as_object().expect("marks") {
        message[name] = value.clone();
    }
    message
}

/// Hears [`WORDS`] as the service does: interim results now and then, finals when flushed.
async fn hear(mut socket: WebSocket, told: Arc<Mutex<Vec<String>>>) {
    let (mut heard, mut done) = (0.0, 0.0);
    send(&mut socket, json!({"type": "Metadata", "request_id": "r1"})).await;
    while let Some(Ok(message)) = socket.recv().await {
        let control = match message {
            Message::Binary(bytes) => {
                heard += bytes.len() as f64 / 32_000.0;
                if (heard * 50.0_f64).round() as u64 % 25 == 0 {
                    let words: Vec<_> = WORDS.into_iter().filter(|word| word.1 >= done && word.2 <= heard).collect();
                    send(&mut socket, results(&words, done, heard, json!({}))).await;
                }
                continue;
            }
            Message::Text(text) => serde_json::from_str::<Value>(&text).expect("JSON"),
            Message::Ping(_) | Message::Pong(_) => continue,
            Message::Close(_) => return,
        };
        let kind = control["type"].as_str().expect("a type").to_owned();
        told.lock().expect("no panic").push(kind.clone());
        if kind == "Finalize" {
            let words: Vec<_> = WORDS.into_iter().filter(|word| word.1 >= done && word.2 <= heard).collect();
            let marks = json!({"is_final": true, "speech_final": true, "from_finalize": true});
            send(&mut socket, results(&words, done, heard, marks)).await;
            done = heard;
        }
        if kind == "CloseStream" {
            send(&mut socket, json!({"type": "Metadata", "duration": heard})).await;
            return;
        }
    }
}

async fn hearing_fake() -> (FakeSocket, Arc<Mutex<Vec<String>>>) {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let in_fake = Arc::clone(&told);
    (FakeSocket::start(move |_, socket| hear(socket, Arc::clone(&in_fake))).await, told)
}

#[tokio::test]
async fn words_are_bound_to_the_utterance_in_whose_audio_they_lie() {
    let (fake, told) = hearing_fake().await;
    let mut stream = Deepgram::new(fake.endpoint(), deepgram_settings()).open(options());
    // The session is a minute old when the candidate connects.
    let at = 60_000;
    tell(&stream, frames(at, at + 1_600)).await;
    tell(&stream, [ask(7, 1, at + 100, at + 1_600, false)]).await;
    assert_eq!(text(&answer(&mut stream).await), (7, 1, "an index helps"));
    tell(&stream, frames(at + 1_600, at + 3_200)).await;
    // Both are asked for when all is said: the words go where they were said, not where they come.
    tell(&stream, [ask(7, 2, at + 100, at + 1_600, true), ask(8, 1, at + 1_800, at + 3_200, true)]).await;
    assert_eq!(text(&answer(&mut stream).await), (7, 2, "an index helps"));
    let second = answer(&mut stream).await;
    assert_eq!(text(&second), (8, 1, "not always"));
    let SttEvent::Final { transcript, .. } = second else { unreachable!("it has words") };
    assert_eq!(transcript.words[0].start, SamplePos::from_ms(at + 2_100));
    assert!(transcript.confidence.is_some_and(|confidence| (confidence - 0.9).abs() < 0.01));
    let (address, headers) = &fake.opened()[0];
    for part in ["/v1/listen?", "model=nova-3", "encoding=linear16", "sample_rate=16000", "interim_results=true"] {
        assert!(address.contains(part), "{part} is not in {address}");
    }
    assert!(address.contains("keyterm=Postgres") && address.contains("keyterm=B-tree+index"), "{address}");
    assert_eq!(headers["authorization"], format!("Token {KEY}"));
    assert!(!address.contains(KEY));
    drop(stream.commands);
    while stream.events.recv().await.is_some() {}
    while told.lock().expect("no panic").last().map(String::as_str) != Some("CloseStream") {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn interim_words_and_ends_of_speech_are_told() {
    let (fake, _) = hearing_fake().await;
    let mut stream = Deepgram::new(fake.endpoint(), deepgram_settings()).open(options());
    tell(&stream, frames(0, 1_600)).await;
    tell(&stream, [ask(1, 1, 100, 1_600, true)]).await;
    let (mut partial, mut endpoint) = (String::new(), String::new());
    while endpoint.is_empty() {
        match stream.events.recv().await.expect("an event") {
            SttEvent::Partial { text, .. } => partial = text,
            SttEvent::Endpoint { transcript, to, .. } => {
                assert_eq!(to, SamplePos::from_ms(1_600));
                endpoint = transcript.text;
            }
            SttEvent::Final { .. } => {}
            other @ (SttEvent::Failed { .. } | SttEvent::Switched { .. } | SttEvent::Down { .. }) => {
                panic!("{other:?}")
            }
        }
    }
    assert_eq!((partial.as_str(), endpoint.as_str()), ("an index helps", "an index helps"));
}

#[tokio::test]
async fn words_stand_where_they_were_said_after_a_lost_connection() {
    let (fake, _) = hearing_fake().await;
    let mut stream = Deepgram::new(fake.endpoint(), deepgram_settings()).open(options());
    tell(&stream, frames(0, 1_600)).await;
    // Half a minute nobody was there: the provider's time stands still, the session's does not.
    tell(&stream, frames(31_600, 33_200)).await;
    tell(&stream, [ask(2, 1, 31_700, 33_200, true), ask(1, 1, 100, 1_600, true)]).await;
    let mut said = [answer(&mut stream).await, answer(&mut stream).await];
    said.sort_by_key(|event| text(event).0);
    assert_eq!(text(&said[0]), (1, 1, "an index helps"));
    assert_eq!(text(&said[1]), (2, 1, "not always"));
}

#[tokio::test]
async fn the_line_is_kept_while_nobody_speaks() {
    let (fake, told) = hearing_fake().await;
    let stream = Deepgram::new(fake.endpoint(), deepgram_settings()).open(options());
    tell(&stream, frames(0, 100)).await;
    while told.lock().expect("no panic").first().map(String::as_str) != Some("KeepAlive") {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_line_that_is_refused_or_breaks_is_told() {
    let refused = Fake::start(vec![Act::status(401, "INVALID_AUTH")]).await;
    let mut stream = Deepgram::new(refused.endpoint(), deepgram_settings()).open(options());
    let SttEvent::Down { error: SttError::Cloud(error) } = answer(&mut stream).await else { panic!("not down") };
    assert_eq!(error.fault, Fault::Unfit);
    assert!(error.said.contains("401") && error.said.contains("INVALID_AUTH"), "{error}");

    let breaking = FakeSocket::start(|_, mut socket: WebSocket| async move {
        let _ = socket.recv().await;
        let _ = socket.send(Message::text("{\"type\": oops")).await;
        let _ = socket.recv().await;
    })
    .await;
    let mut stream = Deepgram::new(breaking.endpoint(), deepgram_settings()).open(options());
    tell(&stream, frames(0, 200)).await;
    let SttEvent::Down { error: SttError::Cloud(error) } = answer(&mut stream).await else { panic!("not down") };
    assert_eq!(error.fault, Fault::Passing);
}

#[tokio::test]
async fn what_is_heard_is_paid_until_the_budget_is_spent() {
    let (fake, _) = hearing_fake().await;
    // A cent and a half buys two and a half minutes.
    let budget = Budget { interview_micro_usd: 15_000, day_micro_usd: 0 };
    let meter = Ledger::new(budget, vivavoce::clock::Clock::system(), 0).meter();
    let metered = Deepgram::new(fake.endpoint(), deepgram_settings()).metered(&meter).expect("it costs");
    let mut stream = metered.open(options());
    for second in 0..300 {
        if stream.commands.send(frames(second * 1_000, second * 1_000 + 20).remove(0)).await.is_err() {
            break;
        }
        for frame in frames(second * 1_000 + 20, second * 1_000 + 1_000) {
            if stream.commands.send(frame).await.is_err() {
                break;
            }
        }
    }
    let SttEvent::Down { error: SttError::Cloud(error) } = answer(&mut stream).await else { panic!("not down") };
    assert_eq!(error.fault, Fault::Budget);
    let told = meter.told();
    assert_eq!((told.len(), told[0].cost_micro_usd), (1, Some(15_000)));
    assert!((told[0].used.seconds - 150.0).abs() < 0.01, "{told:?}");
}

#[tokio::test]
async fn a_segment_is_sent_as_a_file() {
    let fake = Fake::start(vec![
        Act::body("application/json", "{\"text\": \" It depends. \"}"),
        Act::status(500, "server_error"),
    ])
    .await;
    let settings =
        SegmentsSettings { model: "whisper-1".into(), whole: Duration::from_secs(5), price: Price::default() };
    let mut stream = Segments::new(fake.endpoint(), settings).open(options());
    tell(&stream, frames(0, 2_000)).await;
    tell(&stream, [ask(3, 1, 500, 1_500, true)]).await;
    assert_eq!(text(&answer(&mut stream).await), (3, 1, "It depends."));
    let asked = &fake.asked()[0];
    assert_eq!(asked.path, "/v1/audio/transcriptions");
    let body = String::from_utf8_lossy(&asked.body);
    for part in ["name=\"model\"\r\n\r\nwhisper-1", "name=\"language\"\r\n\r\nen", "Postgres, B-tree index"] {
        assert!(body.contains(part), "{part}");
    }
    let at = asked.body.windows(4).position(|bytes| bytes == b"RIFF").expect("a WAV file");
    let samples = u32::from_le_bytes(asked.body[at + 40..at + 44].try_into().expect("four")) / 2;
    assert_eq!(samples, 16_000);
    assert_eq!(&asked.body[at + 44..at + 46], &7_i16.to_le_bytes());
    tell(&stream, [ask(4, 1, 500, 1_500, true), ask(5, 1, 900_000, 901_000, true)]).await;
    let mut failed = vec![answer(&mut stream).await, answer(&mut stream).await];
    failed.sort_by_key(|event| matches!(event, SttEvent::Failed { error: SttError::Cloud(_), .. }));
    assert!(matches!(&failed[0], SttEvent::Failed { error: SttError::AudioGone, .. }), "{failed:?}");
    assert!(matches!(&failed[1], SttEvent::Failed { error: SttError::Cloud(e), .. } if e.fault == Fault::Passing));
}

/// Transcribes each committed stretch; the second one's words come before the first one's.
async fn realtime(mut socket: WebSocket, told: Arc<Mutex<Vec<Value>>>) {
    let mut bytes = 0;
    let mut commits = 0;
    while let Some(Ok(Message::Text(text))) = socket.recv().await {
        let message: Value = serde_json::from_str(&text).expect("JSON");
        match message["type"].as_str().expect("a type") {
            "input_audio_buffer.append" => {
                let audio = message["audio"].as_str().expect("audio");
                bytes += base64::engine::general_purpose::STANDARD.decode(audio).expect("base64").len();
            }
            "input_audio_buffer.commit" => {
                commits += 1;
                let item = format!("item_{commits}");
                let kind = "conversation.item.input_audio_transcription";
                send(&mut socket, json!({"type": "input_audio_buffer.committed", "item_id": item})).await;
                told.lock().expect("no panic").push(json!({"ms": bytes / 48}));
                if commits == 1 {
                    send(&mut socket, json!({"type": format!("{kind}.delta"), "item_id": item, "delta": "It "})).await;
                } else {
                    for (item, said) in [("item_2", "on the load."), ("item_1", "It depends")] {
                        let done = format!("{kind}.completed");
                        send(&mut socket, json!({"type": done, "item_id": item, "transcript": said})).await;
                    }
                }
            }
            _ => told.lock().expect("no panic").push(message),
        }
    }
}

#[tokio::test]
async fn stretches_of_the_realtime_socket_are_put_together_by_utterance() {
    let told: Arc<Mutex<Vec<Value>>> = Arc::default();
    let in_fake = Arc::clone(&told);
    let fake = FakeSocket::start(move |_, socket| realtime(socket, Arc::clone(&in_fake))).await;
    let price = Price::default();
    let settings = RealtimeSettings { model: "gpt-4o-mini-transcribe".into(), connect: Duration::from_secs(2), price };
    let mut stream = Realtime::new(fake.endpoint(), settings).open(options());
    tell(&stream, frames(0, 1_000)).await;
    tell(&stream, [ask(1, 1, 100, 1_000, false)]).await;
    let SttEvent::Partial { utterance, text: partial } = stream.events.recv().await.expect("an event") else {
        panic!("no partial")
    };
    assert_eq!((utterance.0, partial.as_str()), (1, "It "));
    tell(&stream, frames(1_000, 2_000)).await;
    tell(&stream, [ask(1, 2, 100, 2_000, true)]).await;
    // One answer, to the newest revision, in the order in which it was said.
    assert_eq!(text(&answer(&mut stream).await), (1, 2, "It depends on the load."));
    let told = told.lock().expect("no panic").clone();
    let session = &told[0]["session"];
    assert_eq!((&told[0]["type"], &session["type"]), (&json!("session.update"), &json!("transcription")));
    assert_eq!(session["audio"]["input"]["turn_detection"], Value::Null);
    assert_eq!(session["audio"]["input"]["format"], json!({"type": "audio/pcm", "rate": 24_000}));
    assert_eq!((&told[1]["ms"], &told[2]["ms"]), (&json!(1_000), &json!(2_000)));
    let (address, headers) = &fake.opened()[0];
    assert_eq!(
        (address.as_str(), &headers["authorization"]),
        ("/realtime?intent=transcription", &format!("Bearer {KEY}").parse().expect("a value"))
    );
}

#[tokio::test]
async fn an_address_where_nobody_is_fails_in_time() {
    let endpoint = Endpoint::new("gone", "ws://127.0.0.1:9", Key::none(), Duration::from_secs(2)).expect("an endpoint");
    let mut stream = Deepgram::new(endpoint, deepgram_settings()).open(options());
    assert!(matches!(answer(&mut stream).await, SttEvent::Down { error: SttError::Cloud(_) }));
}
