//! ElevenLabs' voices over their streaming socket, with the time of each character: they become words for the ledger of
//! what was heard. Must never wait for the whole sentence.

use super::pieces::{Places, Samples, gathered, samples_of, spoken, start};
use super::{SpeakRequest, TextToSpeech, TtsError, VoiceEvent};
use crate::audio::frame::{VOICE_RATE_HZ, VoiceClip, WordTiming};
use crate::cloud::meter::{Ledger, Meter, Part, Price};
use crate::cloud::socket::{Received, Socket};
use crate::cloud::{CloudError, Endpoint, Fault, code_of};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// The slowest and the fastest that the service speaks.
const SPEED_MIN: f32 = 0.7;
const SPEED_MAX: f32 = 1.2;

/// How it is asked, and how long it is waited for.
#[derive(Clone, Debug)]
pub struct ElevenLabsSettings {
    pub model: String,
    /// The voice's id.
    pub voice: String,
    pub connect: Duration,
    /// From the request to the first sound.
    pub first_audio: Duration,
    /// Between two pieces.
    pub next_audio: Duration,
    pub price: Price,
}

/// The service; cheap to clone.
#[derive(Clone, Debug)]
pub struct ElevenLabs {
    endpoint: Endpoint,
    settings: ElevenLabsSettings,
    meter: Meter,
}

impl ElevenLabs {
    #[must_use]
    pub fn new(endpoint: Endpoint, settings: ElevenLabsSettings) -> Self {
        Self { endpoint, settings, meter: Ledger::free().meter() }
    }

    async fn open(&self) -> Result<Socket, CloudError> {
        self.meter.allows(&self.endpoint.provider)?;
        let ElevenLabsSettings { model, voice, connect, .. } = &self.settings;
        let path = format!(
            "/v1/text-to-speech/{voice}/stream-input?model_id={model}&output_format=pcm_{VOICE_RATE_HZ}\
             &sync_alignment=true&auto_mode=true"
        );
        let headers = [("xi-api-key", self.endpoint.key.header(""))];
        Socket::open(&self.endpoint, &path, &headers, *connect).await
    }

    async fn run(self, text: Arc<str>, speed: f32, events: mpsc::Sender<VoiceEvent>) -> Result<(), CloudError> {
        let begun = tokio::time::Instant::now();
        let mut socket = self.open().await?;
        let speed = f64::from(speed.clamp(SPEED_MIN, SPEED_MAX));
        socket.send_json(&json!({"text": " ", "voice_settings": {"speed": speed}})).await?;
        // It wants each text to end in a space; an empty one says that no more comes.
        socket.send_json(&json!({"text": format!("{text} "), "flush": true})).await?;
        socket.send_json(&json!({"text": ""})).await?;
        let mut said = Said::new(text.clone());
        loop {
            let (first, next) = (self.settings.first_audio, self.settings.next_audio);
            let (deadline, wait, what) = if said.count == 0 {
                (begun + first, first, "first sound")
            } else {
                (tokio::time::Instant::now() + next, next, "more sound")
            };
            let received = tokio::time::timeout_at(deadline, socket.receive()).await;
            let received = match received.map_err(|_| self.endpoint.late(what, wait))? {
                Ok(Received::Json(message)) => message,
                Ok(Received::Binary(_)) => continue,
                // Some close without the last word.
                Err(error) if said.count > 0 && error.fault == Fault::Passing && said.is_whole() => break,
                Err(error) => return Err(error),
            };
            if let Some(piece) = said.take(&received, &self.endpoint)? {
                // A reader that has gone is noticed by whoever runs this.
                let _ = events.send(piece).await;
            }
            if received["isFinal"] == true {
                break;
            }
        }
        if said.count == 0 {
            return Err(self.endpoint.strange("it answered without any sound"));
        }
        let words: Vec<WordTiming> = said.places.close().into_iter().collect();
        if !words.is_empty() {
            let _ = events.send(VoiceEvent::Piece { pcm: Arc::default(), words }).await;
        }
        let used = spoken(said.count, &text);
        self.meter.count(Part::Tts, &self.endpoint.provider, used, &self.settings.price);
        Ok(())
    }
}

/// What came so far.
struct Said {
    places: Places,
    samples: Samples,
    count: u64,
    characters: usize,
    characters_due: usize,
}

impl Said {
    fn new(text: Arc<str>) -> Self {
        let characters_due = text.chars().count();
        Self { places: Places::new(text), samples: Samples::default(), count: 0, characters: 0, characters_due }
    }

    /// Whether all characters were told: then nothing is missing.
    fn is_whole(&self) -> bool {
        self.characters >= self.characters_due
    }

    fn take(&mut self, message: &Value, endpoint: &Endpoint) -> Result<Option<VoiceEvent>, CloudError> {
        if !message["error"].is_null() {
            let code = message["error"].as_str().map(|code| json!({"code": code}));
            let code = code.as_ref().and_then(code_of).or_else(|| code_of(message));
            return Err(endpoint.strange(format!("it reports an error {}", code.unwrap_or_default()).trim()));
        }
        let Some(audio) = message["audio"].as_str().filter(|audio| !audio.is_empty()) else { return Ok(None) };
        let bytes = STANDARD.decode(audio).map_err(|_| endpoint.strange("its sound is no base64"))?;
        let before = u32::try_from(self.count).unwrap_or(u32::MAX);
        let pcm = self.samples.push(&bytes);
        self.count += pcm.len() as u64;
        let alignment = &message["alignment"];
        let list = |name: &str, other: &str| {
            alignment[name].as_array().or(alignment[other].as_array()).map_or(&[][..], Vec::as_slice)
        };
        let characters = list("chars", "characters");
        let starts = list("charStartTimesMs", "char_start_times_ms");
        let lengths = list("charDurationsMs", "charsDurationsMs");
        let mut words = Vec::new();
        for ((c, start), length) in characters.iter().zip(starts).zip(lengths) {
            let at = |value: &Value| samples_of(value.as_f64().unwrap_or(0.0) / 1000.0);
            let start = before.saturating_add(at(start));
            let end = start.saturating_add(at(length));
            let character = c.as_str().and_then(|c| c.chars().next());
            self.characters += 1;
            words.extend(character.and_then(|c| self.places.character(c, start, end)));
        }
        Ok(Some(VoiceEvent::Piece { pcm: pcm.into(), words }))
    }
}

impl TextToSpeech for ElevenLabs {
    fn speak(&self, request: SpeakRequest) -> BoxFuture<'static, Result<VoiceClip, TtsError>> {
        let (text, stream) = (request.text.clone(), self.stream(request));
        Box::pin(gathered(text, stream))
    }

    fn stream(&self, request: SpeakRequest) -> mpsc::Receiver<VoiceEvent> {
        start(&request, |events| self.clone().run(request.text.clone(), request.speed, events))
    }

    fn metered(&self, meter: &Meter) -> Option<Arc<dyn TextToSpeech>> {
        Some(Arc::new(Self { meter: meter.clone(), ..self.clone() }))
    }

    fn languages(&self) -> &[&'static str] {
        &["en", "uk", "de", "fr", "es", "it", "pt", "nl", "pl"]
    }

    fn voice(&self) -> String {
        format!("{}:{}:{}", self.endpoint.provider, self.settings.model, self.settings.voice)
    }
}
