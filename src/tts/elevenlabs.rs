//! ElevenLabs' voices over their socket of many contexts, with the time of each character: they become words for the
//! ledger of what was heard. A socket whose sentence is done serves the next one. Must never wait for the whole sentence.

use super::pieces::{Bill, Places, Samples, Speaking, gathered, samples_of, start};
use super::{SpeakRequest, TextToSpeech, TtsError, VoiceEvent};
use crate::audio::frame::{VOICE_RATE_HZ, VoiceClip, WordTiming};
use crate::cloud::meter::{Ledger, Meter, Price};
use crate::cloud::socket::{Received, Socket};
use crate::cloud::spare::{Lent, Spares};
use crate::cloud::{CloudError, Endpoint, Fault, code_of};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use uuid::Uuid;

/// The service keeps a socket so long on which nothing is said, s: the most that it grants.
const INACTIVE_S: u64 = 180;
/// One is kept here for a little less, s.
const SPARE_FOR: Duration = Duration::from_secs(INACTIVE_S - 10);
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
    spares: Spares,
    meter: Meter,
}

impl ElevenLabs {
    #[must_use]
    pub fn new(endpoint: Endpoint, settings: ElevenLabsSettings) -> Self {
        Self { endpoint, settings, spares: Spares::new(SPARE_FOR), meter: Ledger::free().meter() }
    }

    async fn open(&self) -> Result<Socket, CloudError> {
        let ElevenLabsSettings { model, voice, connect, .. } = &self.settings;
        let path = format!(
            "/v1/text-to-speech/{voice}/multi-stream-input?model_id={model}&output_format=pcm_{VOICE_RATE_HZ}\
             &sync_alignment=true&auto_mode=true&inactivity_timeout={INACTIVE_S}"
        );
        let headers = [("xi-api-key", self.endpoint.key.header(""))];
        Socket::open(&self.endpoint, &path, &headers, *connect).await
    }

    async fn run(self, text: Arc<str>, speed: f32, events: mpsc::Sender<VoiceEvent>) -> Result<(), CloudError> {
        self.meter.allows(&self.endpoint.provider)?;
        let bill = Bill::new(&self.meter, &self.endpoint.provider, &self.settings.price, &text);
        let waits = (self.settings.first_audio, self.settings.next_audio);
        let mut speaking = Speaking::new(bill, speed, events, waits);
        if let Some(socket) = self.spares.take().await {
            match self.say(socket, &mut speaking).await {
                // It was closed in this very moment.
                Err(error) if speaking.may_go_elsewhere(&error) => {}
                said => return said,
            }
        }
        self.say(self.open().await?, &mut speaking).await
    }

    /// Each sentence is a context of its own on a socket that serves one after the other.
    async fn say(&self, socket: Socket, speaking: &mut Speaking<'_>) -> Result<(), CloudError> {
        let context = Uuid::now_v7().to_string();
        let goodbye = json!({"context_id": context, "close_context": true});
        let mut lent = Lent::new(socket, goodbye, &self.spares);
        let said = self.say_in(&context, lent.socket(), speaking).await;
        lent.end(said)
    }

    async fn say_in(&self, context: &str, socket: &mut Socket, speaking: &mut Speaking<'_>) -> Result<(), CloudError> {
        let (text, speed) = (speaking.text.clone(), f64::from(speaking.speed.clamp(SPEED_MIN, SPEED_MAX)));
        socket.send_json(&json!({"text": " ", "context_id": context, "voice_settings": {"speed": speed}})).await?;
        // It wants each text to end in a space; a context that is closed behind a flush is spoken to its end.
        socket.send_json(&json!({"text": format!("{text} "), "context_id": context, "flush": true})).await?;
        socket.send_json(&json!({"context_id": context, "close_context": true})).await?;
        let mut said = Said::new(text);
        loop {
            let message = match speaking.receive(socket, &self.endpoint).await {
                Ok(Received::Json(message)) => message,
                Ok(Received::Binary(_)) => continue,
                // Some close without the last word.
                Err(error) if speaking.samples() > 0 && error.fault == Fault::Passing && said.is_whole() => break,
                Err(error) => return Err(error),
            };
            // What was cancelled before may still come.
            if context_of(&message).is_some_and(|of| of != context) {
                continue;
            }
            let (pcm, words) = said.take(&message, speaking.samples(), &self.endpoint)?;
            speaking.give(pcm, words).await;
            // It has written both.
            if message["isFinal"] == true || message["is_final"] == true {
                break;
            }
        }
        if speaking.samples() == 0 {
            return Err(self.endpoint.strange("it answered without any sound"));
        }
        speaking.give(Vec::new(), said.places.close().into_iter().collect()).await;
        Ok(())
    }
}

/// Which context a message is about. It has written both.
fn context_of(message: &Value) -> Option<&str> {
    message["contextId"].as_str().or(message["context_id"].as_str())
}

/// What came so far.
struct Said {
    places: Places,
    bytes: Samples,
    characters: usize,
    characters_due: usize,
}

impl Said {
    fn new(text: Arc<str>) -> Self {
        let characters_due = text.chars().count();
        Self { places: Places::new(text), bytes: Samples::default(), characters: 0, characters_due }
    }

    /// Whether all characters were told: then nothing is missing.
    fn is_whole(&self) -> bool {
        self.characters >= self.characters_due
    }

    /// Sound and words of a message, behind so many samples: its times count from its own sound.
    fn take(
        &mut self,
        message: &Value,
        samples: u64,
        endpoint: &Endpoint,
    ) -> Result<(Vec<i16>, Vec<WordTiming>), CloudError> {
        if !message["error"].is_null() {
            let code = message["error"].as_str().map(|code| json!({"code": code}));
            let code = code.as_ref().and_then(code_of).or_else(|| code_of(message));
            return Err(endpoint.strange(format!("it reports an error {}", code.unwrap_or_default()).trim()));
        }
        let Some(audio) = message["audio"].as_str().filter(|audio| !audio.is_empty()) else {
            return Ok(Default::default());
        };
        let bytes = STANDARD.decode(audio).map_err(|_| endpoint.strange("its sound is no base64"))?;
        let before = u32::try_from(samples).unwrap_or(u32::MAX);
        let pcm = self.bytes.push(&bytes);
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
        Ok((pcm, words))
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
