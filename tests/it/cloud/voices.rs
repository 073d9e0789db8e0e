//! Text to speech: raw samples by HTTP, ElevenLabs' and Cartesia's sockets with the times of words.

use super::fake::{Act, Fake, FakeSocket, KEY, send};
use axum::extract::ws::{Message, WebSocket};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use vivavoce::cloud::meter::{Ledger, Price};
use vivavoce::cloud::{CloudError, Fault};
use vivavoce::tts::aura::{Aura, AuraSettings};
use vivavoce::tts::cache::{CacheSettings, CachedVoice};
use vivavoce::tts::cartesia::{Cartesia, CartesiaSettings};
use vivavoce::tts::elevenlabs::{ElevenLabs, ElevenLabsSettings};
use vivavoce::tts::speech::{Speech, SpeechSettings};
use vivavoce::tts::{SpeakRequest, TextToSpeech, TtsError, Urgency, VoiceEvent};

const WAIT: Duration = Duration::from_secs(5);

pub fn speech_settings(first_audio: Duration) -> SpeechSettings {
    SpeechSettings {
        model: "tts-1".into(),
        voice: "alloy".into(),
        instructions: String::new(),
        first_audio,
        next_audio: first_audio,
        price: Price { million_characters: 15.0, ..Price::default() },
    }
}

fn elevenlabs(fake: &FakeSocket) -> ElevenLabs {
    let settings = ElevenLabsSettings {
        model: "eleven_flash_v2_5".into(),
        voice: "someone".into(),
        connect: WAIT,
        first_audio: WAIT,
        next_audio: WAIT,
        price: Price::default(),
    };
    ElevenLabs::new(fake.endpoint(), settings)
}

fn cartesia(fake: &FakeSocket) -> Cartesia {
    let settings = CartesiaSettings {
        model: "sonic-3".into(),
        voice: "somebody".into(),
        language: "en".into(),
        connect: WAIT,
        first_audio: WAIT,
        next_audio: WAIT,
        price: Price::default(),
    };
    Cartesia::new(fake.endpoint(), settings)
}

pub fn request(text: &str, cancel: &CancellationToken) -> SpeakRequest {
    SpeakRequest { text: text.into(), speed: 1.0, urgency: Urgency::Now, cancel: cancel.clone() }
}

pub async fn speak(voice: &dyn TextToSpeech, text: &str) -> Result<vivavoce::audio::frame::VoiceClip, TtsError> {
    voice.speak(request(text, &CancellationToken::new())).await
}

/// Samples that can be told apart.
pub fn sound(count: i16) -> Vec<u8> {
    (0..count).flat_map(i16::to_le_bytes).collect()
}

fn words(clip: &vivavoce::audio::frame::VoiceClip) -> Vec<(&str, u32, u32)> {
    let text = |word: &vivavoce::audio::frame::WordTiming| &clip.text[word.text_start as usize..word.text_end as usize];
    clip.words.iter().map(|word| (text(word), word.start_samples, word.end_samples)).collect()
}

#[tokio::test]
async fn speech_comes_as_raw_samples_in_any_pieces() {
    let fake = Fake::start(vec![Act::body("audio/pcm", sound(3_000))]).await;
    let meter = Ledger::free().meter();
    let voice = Speech::new(fake.endpoint(), speech_settings(WAIT)).metered(&meter).expect("it costs");
    let clip = speak(&*voice, "Tell me more.").await.expect("spoken");
    assert_eq!(clip.pcm.to_vec(), (0..3_000).collect::<Vec<i16>>());
    let asked = &fake.asked()[0];
    assert_eq!(
        (asked.path.as_str(), &asked.headers["authorization"]),
        ("/v1/audio/speech", &format!("Bearer {KEY}").parse().expect("a value"))
    );
    let wanted = json!({"model": "tts-1", "voice": "alloy", "input": "Tell me more.", "response_format": "pcm"});
    assert_eq!(asked.json(), wanted);
    assert_eq!(meter.told()[0].cost_micro_usd, Some(195));
}

#[tokio::test]
async fn the_first_sound_comes_before_the_rest_is_made() {
    let bytes = sound(4_000);
    let slow =
        Act::Body { kind: "audio/pcm", bytes, first: Duration::ZERO, piece: 4_000, pause: Duration::from_millis(300) };
    let fake = Fake::start(vec![slow]).await;
    let voice = Speech::new(fake.endpoint(), speech_settings(WAIT));
    let mut stream = voice.stream(request("Tell me more.", &CancellationToken::new()));
    let Some(VoiceEvent::Piece { pcm, .. }) = stream.recv().await else { panic!("no sound") };
    assert!(pcm.len() <= 2_000, "half of it at most: {}", pcm.len());
    let mut rest = 0;
    while let Some(event) = stream.recv().await {
        match event {
            VoiceEvent::Piece { pcm, .. } => rest += pcm.len(),
            VoiceEvent::Done => assert_eq!(rest + pcm.len(), 4_000),
            VoiceEvent::Failed(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn a_voice_that_fails_says_how() {
    let brisk = Duration::from_millis(200);
    for (act, wanted) in [
        (Act::Silent, Fault::Passing),
        (Act::status(429, "rate_limit_exceeded"), Fault::Limited { wait: None }),
        (Act::status(401, "invalid_api_key"), Fault::Unfit),
        (Act::Broken { bytes: sound(900), keep: 700 }, Fault::Passing),
        (Act::body("audio/pcm", Vec::new()), Fault::Passing),
    ] {
        let fake = Fake::start(vec![act.clone()]).await;
        let said = speak(&Speech::new(fake.endpoint(), speech_settings(brisk)), "Tell me more.").await;
        let Err(TtsError::Cloud(CloudError { fault, .. })) = said else { panic!("{act:?} gave {said:?}") };
        assert_eq!(fault, wanted, "{act:?}");
    }
}

#[tokio::test]
async fn aura_is_asked_for_bare_samples() {
    let fake = Fake::start(vec![Act::body("audio/l16", sound(1_000))]).await;
    let settings =
        AuraSettings { model: "aura-2-thalia-en".into(), first_audio: WAIT, next_audio: WAIT, price: Price::default() };
    let clip = speak(&Aura::new(fake.endpoint(), settings), "Hello there.").await.expect("spoken");
    assert_eq!(clip.pcm.len(), 1_000);
    let asked = &fake.asked()[0];
    let query = "/v1/v1/speak?model=aura-2-thalia-en&encoding=linear16&sample_rate=24000&container=none";
    assert_eq!(asked.path, query);
    assert_eq!(
        (asked.json(), &asked.headers["authorization"]),
        (json!({"text": "Hello there."}), &format!("Token {KEY}").parse().expect("a value"))
    );
}

/// What ElevenLabs keeps of one context.
#[derive(Default)]
struct Context {
    text: String,
    /// What of a slow sentence is still to be spoken, and whether it was closed while it goes on.
    rest: String,
    is_closing: bool,
}

/// Speaks 240 samples a character, a chunk for each word; times count from the chunk's own start, as the service's do.
/// Contexts are opened by their first text and spoken when flushed; one that is closed then is spoken to its end. A slow
/// sentence comes to its end only when its context is closed once more.
async fn eleven(mut socket: WebSocket, told: Arc<Mutex<Vec<Value>>>) {
    let mut contexts: BTreeMap<String, Context> = BTreeMap::new();
    while let Some(Ok(Message::Text(message))) = socket.recv().await {
        let message: Value = serde_json::from_str(&message).expect("JSON");
        told.lock().expect("no panic").push(message.clone());
        let id = message["context_id"].as_str().expect("a context").to_owned();
        if message["close_context"] == true {
            // One that is over already is nobody's.
            let Some(mut context) = contexts.remove(&id) else { continue };
            if !context.rest.is_empty() && !std::mem::replace(&mut context.is_closing, true) {
                contexts.insert(id, context);
                continue;
            }
            for word in context.rest.split_inclusive(' ') {
                send(&mut socket, eleven_says(word, &id)).await;
            }
            send(&mut socket, json!({"isFinal": true, "contextId": id})).await;
            if context.text.contains("Then close.") {
                return;
            }
            continue;
        }
        assert!(contexts.len() < 5, "the service takes five at once");
        let context = contexts.entry(id.clone()).or_default();
        context.text += message["text"].as_str().expect("text");
        if message["flush"] == true {
            let text = context.text.trim_start().to_owned();
            let (first, rest) = text.split_once(' ').expect("it ends in a space");
            context.rest = if first == "Slowly" { rest.to_owned() } else { String::new() };
            let now: &str = if first == "Slowly" { "Slowly " } else { &text };
            for word in now.split_inclusive(' ') {
                send(&mut socket, eleven_says(word, &id)).await;
            }
        }
    }
}

fn eleven_says(word: &str, context: &str) -> Value {
    let chars: Vec<String> = word.chars().map(String::from).collect();
    let starts: Vec<usize> = (0..chars.len()).map(|i| i * 10).collect();
    let lengths = vec![10; chars.len()];
    let alignment = json!({"chars": chars, "charStartTimesMs": starts, "charDurationsMs": lengths});
    let audio = STANDARD.encode(vec![1; chars.len() * 240 * 2]);
    json!({"audio": audio, "alignment": alignment, "normalizedAlignment": null, "contextId": context})
}

async fn eleven_fake() -> (FakeSocket, Arc<Mutex<Vec<Value>>>) {
    let told: Arc<Mutex<Vec<Value>>> = Arc::default();
    let in_fake = Arc::clone(&told);
    (FakeSocket::start(move |_, socket| eleven(socket, Arc::clone(&in_fake))).await, told)
}

#[tokio::test]
async fn characters_of_elevenlabs_become_words_with_their_times() {
    let (fake, told) = eleven_fake().await;
    let clip = speak(&elevenlabs(&fake), "So, tell me.").await.expect("spoken");
    assert_eq!(words(&clip), [("So,", 0, 720), ("tell", 960, 1_920), ("me.", 2_160, 2_880)]);
    assert_eq!(clip.pcm.len(), 13 * 240);
    let (address, headers) = &fake.opened()[0];
    let parts = ["/v1/text-to-speech/someone/multi-stream-input?", "output_format=pcm_24000", "sync_alignment=true"];
    for part in parts {
        assert!(address.contains(part), "{part} is not in {address}");
    }
    assert_eq!(headers["xi-api-key"], KEY);
    let told = told.lock().expect("no panic").clone();
    assert_eq!((&told[0]["text"], &told[1]["text"]), (&json!(" "), &json!("So, tell me. ")));
    assert!(told.iter().all(|message| message["context_id"] == told[0]["context_id"]));
    assert_eq!(told[2]["close_context"], true);
}

#[tokio::test]
async fn a_reply_is_spoken_over_one_connection_to_elevenlabs() {
    let (fake, told) = eleven_fake().await;
    let voice = elevenlabs(&fake);
    for text in ["One here.", "Two are there.", "Then close."] {
        let clip = speak(&voice, text).await.expect("spoken");
        assert_eq!(clip.pcm.len(), (text.len() + 1) * 240, "{text}");
        assert_eq!(words(&clip)[0].1, 0, "the times of each sentence are its own");
    }
    assert_eq!(fake.opened().len(), 1);
    let contexts: BTreeSet<String> =
        told.lock().expect("no panic").iter().map(|message| message["context_id"].to_string()).collect();
    assert_eq!(contexts.len(), 3, "a context is never used again");
    // The kept socket is dead by now: another is opened without a word.
    assert_eq!(words(&speak(&voice, "Go on.").await.expect("spoken")).len(), 2);
    assert_eq!(fake.opened().len(), 2);
}

/// Hears the first piece of a sentence, and cancels it.
async fn begin_and_cancel(voice: &dyn TextToSpeech, text: &str) {
    let cancel = CancellationToken::new();
    let mut stream = voice.stream(request(text, &cancel));
    assert!(matches!(stream.recv().await, Some(VoiceEvent::Piece { .. })));
    cancel.cancel();
    while stream.recv().await.is_some() {}
}

#[tokio::test]
async fn a_sentence_that_is_cut_short_is_paid_for_and_leaves_its_connection_to_the_next() {
    const LONG: &str = "Slowly now, one word after the other, so that there is time to cut in.";
    let (fake, told) = eleven_fake().await;
    let meter = Ledger::free().meter();
    let voice = elevenlabs(&fake).metered(&meter).expect("it costs");
    begin_and_cancel(&*voice, LONG).await;
    let used = meter.told()[0].used;
    assert_eq!(used.characters, LONG.chars().count() as u64);
    // Its goodbye is said, and the rest of it comes before the next sentence.
    let is_closed = || told.lock().expect("no panic").iter().filter(|told| told["close_context"] == true).count() > 1;
    let until = tokio::time::Instant::now() + WAIT;
    while !is_closed() && tokio::time::Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let clip = speak(&*voice, "Go on.").await.expect("spoken");
    assert_eq!((clip.pcm.len(), words(&clip).len()), (7 * 240, 2), "nothing of the first is heard in the second");
    assert_eq!(fake.opened().len(), 1);
}

#[tokio::test]
async fn whoever_is_cut_short_by_http_was_paid_for_too() {
    let bytes = sound(4_000);
    let slow =
        Act::Body { kind: "audio/pcm", bytes, first: Duration::ZERO, piece: 4_000, pause: Duration::from_millis(200) };
    let fake = Fake::start(vec![slow, Act::status(500, "down")]).await;
    let meter = Ledger::free().meter();
    let voice = Speech::new(fake.endpoint(), speech_settings(WAIT)).metered(&meter).expect("it costs");
    begin_and_cancel(&*voice, "Tell me more.").await;
    assert_eq!((meter.told()[0].used.characters, meter.told()[0].cost_micro_usd), (13, Some(195)));
    // Who said nothing is paid nothing.
    assert!(speak(&*voice, "Tell me more.").await.is_err());
    assert_eq!(meter.told()[0].used.characters, 13);
}

/// Speaks 2,400 samples a word, tells the words' times after the sound, and serves one sentence after the other.
async fn sonic(mut socket: WebSocket) {
    while let Some(Ok(Message::Text(message))) = socket.recv().await {
        let message: Value = serde_json::from_str(&message).expect("JSON");
        let context = &message["context_id"];
        if message["cancel"] == true {
            // What was made before it was heard of.
            let late = json!({"type": "chunk", "data": STANDARD.encode([9; 4]), "context_id": context, "done": false});
            send(&mut socket, late).await;
            send(&mut socket, json!({"type": "done", "context_id": context, "done": true})).await;
            continue;
        }
        assert_eq!(
            message["output_format"],
            json!({"container": "raw", "encoding": "pcm_s16le", "sample_rate": 24_000})
        );
        let text = message["transcript"].as_str().expect("text");
        if text == "Refuse." {
            send(
                &mut socket,
                json!({"type": "error", "error_code": "model_not_found", "status_code": 404, "context_id": context}),
            )
            .await;
            continue;
        }
        if text.starts_with("Slowly") {
            let data = STANDARD.encode(vec![1; 4_800]);
            send(&mut socket, json!({"type": "chunk", "data": data, "context_id": context, "done": false})).await;
            continue;
        }
        let words: Vec<&str> = text.split(' ').collect();
        let late = json!({"type": "chunk", "data": STANDARD.encode([9; 4]), "context_id": "another", "done": false});
        send(&mut socket, late).await;
        for _ in &words {
            let data = STANDARD.encode(vec![1; 4_800]);
            send(&mut socket, json!({"type": "chunk", "data": data, "context_id": context, "done": false})).await;
        }
        let bare: Vec<&str> = words.iter().map(|word| word.trim_matches('.')).collect();
        let starts: Vec<f64> = (0..words.len()).map(|i| i as f64 * 0.1).collect();
        let ends: Vec<f64> = starts.iter().map(|start| start + 0.09).collect();
        let times = json!({"words": bare, "start": starts, "end": ends});
        send(&mut socket, json!({"type": "timestamps", "word_timestamps": times, "context_id": context})).await;
        send(&mut socket, json!({"type": "done", "context_id": context, "done": true})).await;
        if text == "Then close." {
            return;
        }
    }
}

#[tokio::test]
async fn words_of_cartesia_have_their_times_and_a_socket_serves_again() {
    let fake = FakeSocket::start(|_, socket| sonic(socket)).await;
    let voice = cartesia(&fake);
    let clip = speak(&voice, "Tell me more.").await.expect("spoken");
    assert_eq!(words(&clip), [("Tell", 0, 2_160), ("me", 2_400, 4_560), ("more.", 4_800, 6_960)]);
    assert_eq!(clip.pcm.len(), 7_200);
    speak(&voice, "Then close.").await.expect("spoken");
    assert_eq!(fake.opened().len(), 1);
    // The kept socket is dead by now: another is opened without a word.
    speak(&voice, "Go on.").await.expect("spoken");
    assert_eq!(fake.opened().len(), 2);
    let (address, headers) = &fake.opened()[0];
    assert!(address.starts_with("/tts/websocket?cartesia_version="), "{address}");
    assert_eq!(headers["x-api-key"], KEY);
    let refused = speak(&voice, "Refuse.").await;
    assert!(matches!(refused, Err(TtsError::Cloud(CloudError { fault: Fault::Unfit, .. }))), "{refused:?}");
}

#[tokio::test]
async fn a_sentence_that_is_cut_short_leaves_cartesias_connection_to_the_next() {
    let fake = FakeSocket::start(|_, socket| sonic(socket)).await;
    let voice = cartesia(&fake);
    begin_and_cancel(&voice, "Slowly now, one word after the other.").await;
    // Its goodbye is on its way.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let clip = speak(&voice, "Tell me more.").await.expect("spoken");
    assert_eq!((clip.pcm.len(), words(&clip).len()), (7_200, 3), "nothing of the first is heard in the second");
    assert_eq!(fake.opened().len(), 1);
}

#[tokio::test]
async fn what_was_streamed_whole_is_kept_and_what_broke_is_not() {
    let fake = Fake::start(vec![
        Act::Broken { bytes: sound(2_000), keep: 1_500 },
        Act::body("audio/pcm", sound(1_000)),
        Act::status(500, "down"),
    ])
    .await;
    let settings = CacheSettings { folder: None, memory_bytes_max: 1 << 20, disk_bytes_max: 0 };
    let voice = CachedVoice::new(Arc::new(Speech::new(fake.endpoint(), speech_settings(WAIT))), &settings);
    let spoken = |text: &'static str| {
        let mut stream = voice.stream(request(text, &CancellationToken::new()));
        async move {
            let mut samples = 0;
            while let Some(event) = stream.recv().await {
                match event {
                    VoiceEvent::Piece { pcm, .. } => samples += pcm.len(),
                    VoiceEvent::Done => return Some(samples),
                    VoiceEvent::Failed(_) => return None,
                }
            }
            None
        }
    };
    assert_eq!(spoken("Go on.").await, None);
    assert_eq!(spoken("Go on.").await, Some(1_000));
    assert_eq!(spoken("Go on.").await, Some(1_000), "from the store");
    assert_eq!(fake.asked().len(), 2);
    assert_eq!(spoken("Another.").await, None);
}
