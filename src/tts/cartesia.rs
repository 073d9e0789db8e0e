//! Cartesia's voices over their socket, with the time of each word for the ledger of what was heard. A socket whose
//! sentence is done serves the next one. Must never wait for the whole sentence.

use super::pieces::{Bill, Places, Samples, Speaking, gathered, samples_of, start};
use super::{SpeakRequest, TextToSpeech, TtsError, VoiceEvent};
use crate::audio::frame::{VOICE_RATE_HZ, VoiceClip};
use crate::cloud::meter::{Ledger, Meter, Price};
use crate::cloud::socket::{Received, Socket};
use crate::cloud::spare::{Lent, Spares};
use crate::cloud::{CloudError, Endpoint, code_of};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use uuid::Uuid;

/// The version of the protocol that this speaks.
const VERSION: &str = "2025-04-16";
/// A socket is kept so long without work, s (the service closes idle ones after five minutes).
const SPARE_FOR: Duration = Duration::from_secs(240);

/// How it is asked, and how long it is waited for.
#[derive(Clone, Debug)]
pub struct CartesiaSettings {
    pub model: String,
    /// The voice's id.
    pub voice: String,
    pub language: String,
    pub connect: Duration,
    /// From the request to the first sound.
    pub first_audio: Duration,
    /// Between two pieces.
    pub next_audio: Duration,
    pub price: Price,
}

/// The service; cheap to clone.
#[derive(Clone, Debug)]
pub struct Cartesia {
    endpoint: Endpoint,
    settings: CartesiaSettings,
    spares: Spares,
    meter: Meter,
}

impl Cartesia {
    #[must_use]
    pub fn new(endpoint: Endpoint, settings: CartesiaSettings) -> Self {
        Self { endpoint, settings, spares: Spares::new(SPARE_FOR), meter: Ledger::free().meter() }
    }

    async fn open(&self) -> Result<Socket, CloudError> {
        let path = format!("/tts/websocket?cartesia_version={VERSION}");
        let headers = [("x-api-key", self.endpoint.key.header(""))];
        Socket::open(&self.endpoint, &path, &headers, self.settings.connect).await
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

    async fn say(&self, socket: Socket, speaking: &mut Speaking<'_>) -> Result<(), CloudError> {
        let context = Uuid::now_v7().to_string();
        let goodbye = json!({"context_id": context, "cancel": true});
        let mut lent = Lent::new(socket, goodbye, &self.spares);
        let said = self.say_in(&context, lent.socket(), speaking).await;
        lent.end(said)
    }

    async fn say_in(&self, context: &str, socket: &mut Socket, speaking: &mut Speaking<'_>) -> Result<(), CloudError> {
        let CartesiaSettings { model, voice, language, .. } = &self.settings;
        let mut request = json!({
            "model_id": model,
            "transcript": &*speaking.text,
            "voice": {"mode": "id", "id": voice},
            "language": language,
            "context_id": context,
            "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": VOICE_RATE_HZ},
            "add_timestamps": true,
            "continue": false,
        });
        if (speaking.speed - 1.0).abs() > f32::EPSILON {
            request["generation_config"] = json!({"speed": speaking.speed});
        }
        socket.send_json(&request).await?;
        let (mut samples, mut places) = (Samples::default(), Places::new(speaking.text.clone()));
        loop {
            let Received::Json(message) = speaking.receive(socket, &self.endpoint).await? else { continue };
            // What was cancelled before may still come.
            if message["context_id"].as_str().is_some_and(|of| of != context) {
                continue;
            }
            let (mut pcm, mut words) = (Vec::new(), Vec::new());
            match message["type"].as_str() {
                Some("chunk") => {
                    let bytes = STANDARD.decode(message["data"].as_str().unwrap_or_default());
                    pcm = samples.push(&bytes.map_err(|_| self.endpoint.strange("its sound is no base64"))?);
                }
                Some("timestamps") => words = timed(&message["word_timestamps"], &mut places),
                Some("error") => return Err(self.refused(&message)),
                Some("done") if speaking.samples() > 0 => return Ok(()),
                Some("done") => return Err(self.endpoint.strange("it answered without any sound")),
                Some(_) | None => {}
            }
            speaking.give(pcm, words).await;
        }
    }

    fn refused(&self, message: &Value) -> CloudError {
        let status = message["status_code"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(500);
        let code = message["error_code"].as_str().and_then(|code| code_of(&json!({"code": code})));
        CloudError::refused(&self.endpoint.provider, status, code.as_deref(), None)
    }
}

fn timed(told: &Value, places: &mut Places) -> Vec<crate::audio::frame::WordTiming> {
    let list = |name: &str| told[name].as_array().map_or(&[][..], Vec::as_slice);
    let at = |value: &Value| samples_of(value.as_f64().unwrap_or(0.0));
    let words = list("words").iter().zip(list("start")).zip(list("end"));
    words.filter_map(|((word, start), end)| places.word(word.as_str()?, at(start), at(end))).collect()
}

impl TextToSpeech for Cartesia {
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

    fn voice(&self) -> String {
        format!("{}:{}:{}", self.endpoint.provider, self.settings.model, self.settings.voice)
    }
}
