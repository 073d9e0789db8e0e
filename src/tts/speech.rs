//! A voice by the OpenAI-compatible `/audio/speech`: raw samples as they come. Must never wait for the whole sentence.

use super::pieces::{Bill, Samples, gathered, start};
use super::{SpeakRequest, TextToSpeech, TtsError, VoiceEvent};
use crate::audio::frame::{VOICE_FRAME_SAMPLES, VoiceClip};
use crate::cloud::meter::{Ledger, Meter, Price};
use crate::cloud::{CloudError, Endpoint};
use futures::future::BoxFuture;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How it is asked, and how long it is waited for.
#[derive(Clone, Debug)]
pub struct SpeechSettings {
    pub model: String,
    pub voice: String,
    /// How it is to speak; empty for models that take no instruction.
    pub instructions: String,
    /// From the request to the first sound.
    pub first_audio: Duration,
    /// Between two pieces.
    pub next_audio: Duration,
    pub price: Price,
}

/// The service; cheap to clone.
#[derive(Clone, Debug)]
pub struct Speech {
    endpoint: Endpoint,
    settings: SpeechSettings,
    meter: Meter,
}

impl Speech {
    #[must_use]
    pub fn new(endpoint: Endpoint, settings: SpeechSettings) -> Self {
        Self { endpoint, settings, meter: Ledger::free().meter() }
    }

    async fn run(self, text: Arc<str>, speed: f32, events: mpsc::Sender<VoiceEvent>) -> Result<(), CloudError> {
        self.meter.allows(&self.endpoint.provider)?;
        let SpeechSettings { model, voice, instructions, .. } = &self.settings;
        let mut body = json!({"model": model, "voice": voice, "input": &*text, "response_format": "pcm"});
        if !instructions.is_empty() {
            body["instructions"] = instructions.clone().into();
        }
        if (speed - 1.0).abs() > f32::EPSILON {
            body["speed"] = f64::from(speed).into();
        }
        let request = self.endpoint.post_as_bearer("/audio/speech").json(&body);
        let waits = (self.settings.first_audio, self.settings.next_audio);
        let mut bill = Bill::new(&self.meter, &self.endpoint.provider, &self.settings.price, &text);
        streamed(&self.endpoint, request, waits, &events, &mut bill).await
    }
}

/// Sends `request` and passes on the raw samples of its answer, a frame or more at a time. No sound at all is a failure.
pub(super) async fn streamed(
    endpoint: &Endpoint,
    request: reqwest::RequestBuilder,
    (first, next): (Duration, Duration),
    events: &mpsc::Sender<VoiceEvent>,
    bill: &mut Bill<'_>,
) -> Result<(), CloudError> {
    let begun = tokio::time::Instant::now();
    let answer = tokio::time::timeout(first, endpoint.send(request)).await;
    let mut answer = answer.map_err(|_| endpoint.late("first sound", first))??;
    let (mut samples, mut waiting) = (Samples::default(), Vec::new());
    loop {
        let (deadline, wait, what) = if bill.samples == 0 {
            (begun + first, first, "first sound")
        } else {
            (tokio::time::Instant::now() + next, next, "more sound")
        };
        let part = tokio::time::timeout_at(deadline, answer.chunk()).await.map_err(|_| endpoint.late(what, wait))?;
        let Some(bytes) = part.map_err(|error| CloudError::transport(&endpoint.provider, &error))? else { break };
        waiting.extend(samples.push(&bytes));
        if waiting.len() >= VOICE_FRAME_SAMPLES {
            pass_on(&mut waiting, events, bill).await;
        }
    }
    pass_on(&mut waiting, events, bill).await;
    if bill.samples == 0 {
        return Err(endpoint.strange("it answered without any sound"));
    }
    Ok(())
}

async fn pass_on(waiting: &mut Vec<i16>, events: &mpsc::Sender<VoiceEvent>, bill: &mut Bill<'_>) {
    let pcm: Arc<[i16]> = std::mem::take(waiting).into();
    if !pcm.is_empty() {
        bill.samples += pcm.len() as u64;
        // A reader that has gone is noticed by whoever runs this.
        let _ = events.send(VoiceEvent::Piece { pcm, words: Vec::new() }).await;
    }
}

impl TextToSpeech for Speech {
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
        let SpeechSettings { model, voice, instructions, .. } = &self.settings;
        format!("{}:{model}:{voice}:{instructions}", self.endpoint.provider)
    }
}
