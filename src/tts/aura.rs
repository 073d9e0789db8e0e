//! Deepgram's voices (Aura): raw samples as they come. Must never wait for the whole sentence.

use super::pieces::{Bill, gathered, start};
use super::speech::streamed;
use super::{SpeakRequest, TextToSpeech, TtsError, VoiceEvent};
use crate::audio::frame::{VOICE_RATE_HZ, VoiceClip};
use crate::cloud::meter::{Ledger, Meter, Price};
use crate::cloud::{CloudError, Endpoint};
use futures::future::BoxFuture;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How it is asked, and how long it is waited for.
#[derive(Clone, Debug)]
pub struct AuraSettings {
    /// The voice is part of its name, such as `aura-2-thalia-en`.
    pub model: String,
    /// From the request to the first sound.
    pub first_audio: Duration,
    /// Between two pieces.
    pub next_audio: Duration,
    pub price: Price,
}

/// The service; cheap to clone.
#[derive(Clone, Debug)]
pub struct Aura {
    endpoint: Endpoint,
    settings: AuraSettings,
    meter: Meter,
}

impl Aura {
    #[must_use]
    pub fn new(endpoint: Endpoint, settings: AuraSettings) -> Self {
        Self { endpoint, settings, meter: Ledger::free().meter() }
    }

    async fn run(self, text: Arc<str>, speed: f32, events: mpsc::Sender<VoiceEvent>) -> Result<(), CloudError> {
        self.meter.allows(&self.endpoint.provider)?;
        let mut query = vec![
            ("model", self.settings.model.clone()),
            ("encoding", "linear16".to_owned()),
            ("sample_rate", VOICE_RATE_HZ.to_string()),
            ("container", "none".to_owned()),
        ];
        if (speed - 1.0).abs() > f32::EPSILON {
            query.push(("speed", speed.to_string()));
        }
        let request = self.endpoint.post("/v1/speak").query(&query).json(&json!({"text": &*text}));
        let request = request.header("authorization", self.endpoint.key.header("Token "));
        let waits = (self.settings.first_audio, self.settings.next_audio);
        let mut bill = Bill::new(&self.meter, &self.endpoint.provider, &self.settings.price, &text);
        streamed(&self.endpoint, request, waits, &events, &mut bill).await
    }
}

impl TextToSpeech for Aura {
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
        format!("{}:{}", self.endpoint.provider, self.settings.model)
    }
}
