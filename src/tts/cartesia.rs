//! Cartesia's voices over their socket, with the time of each word for the ledger of what was heard. A socket whose
//! sentence is done serves the next one. Must never wait for the whole sentence.

use super::pieces::{Places, Samples, gathered, samples_of, spoken, start};
use super::{SpeakRequest, TextToSpeech, TtsError, VoiceEvent};
use crate::audio::frame::{VOICE_RATE_HZ, VoiceClip};
use crate::cloud::meter::{Ledger, Meter, Part, Price};
use crate::cloud::socket::{Received, Socket};
use crate::cloud::{CloudError, Endpoint, Fault, code_of};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use uuid::Uuid;

/// The version of the protocol that this speaks.
const VERSION: &str = "2025-04-16";
/// Sockets kept without work, number: sentences under way at once in a few interviews.
const SPARE_MAX: usize = 8;
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
    spare: Arc<Mutex<Vec<(Instant, Socket)>>>,
    meter: Meter,
}

impl Cartesia {
    #[must_use]
    pub fn new(endpoint: Endpoint, settings: CartesiaSettings) -> Self {
        Self { endpoint, settings, spare: Arc::default(), meter: Ledger::free().meter() }
    }

    /// A socket, and whether it has served before (then it may have been closed meanwhile).
    async fn socket(&self) -> Result<(Socket, bool), CloudError> {
        let spare = {
            let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
            spare.retain(|(since, _)| since.elapsed() < SPARE_FOR);
            spare.pop()
        };
        match spare {
            Some((_, socket)) => Ok((socket, true)),
            None => Ok((self.open().await?, false)),
        }
    }

    async fn open(&self) -> Result<Socket, CloudError> {
        let path = format!("/tts/websocket?cartesia_version={VERSION}");
        let headers = [("x-api-key", self.endpoint.key.header(""))];
        Socket::open(&self.endpoint, &path, &headers, self.settings.connect).await
    }

    async fn run(self, text: Arc<str>, speed: f32, events: mpsc::Sender<VoiceEvent>) -> Result<(), CloudError> {
        self.meter.allows(&self.endpoint.provider)?;
        let (socket, has_served) = self.socket().await?;
        let mut count = 0;
        let said = match self.say(socket, &text, speed, &events, &mut count).await {
            Err(error) if has_served && count == 0 && error.fault == Fault::Passing => {
                self.say(self.open().await?, &text, speed, &events, &mut count).await
            }
            said => said,
        };
        if count > 0 {
            let used = spoken(count, &text);
            self.meter.count(Part::Tts, &self.endpoint.provider, used, &self.settings.price);
        }
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let socket = said?;
        if spare.len() < SPARE_MAX {
            spare.push((Instant::now(), socket));
        }
        Ok(())
    }

    async fn say(
        &self,
        mut socket: Socket,
        text: &Arc<str>,
        speed: f32,
        events: &mpsc::Sender<VoiceEvent>,
        count: &mut u64,
    ) -> Result<Socket, CloudError> {
        let CartesiaSettings { model, voice, language, first_audio: first, next_audio: next, .. } = &self.settings;
        let context = Uuid::now_v7().to_string();
        let mut request = json!({
            "model_id": model,
            "transcript": &**text,
            "voice": {"mode": "id", "id": voice},
            "language": language,
            "context_id": context,
            "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": VOICE_RATE_HZ},
            "add_timestamps": true,
            "continue": false,
        });
        if (speed - 1.0).abs() > f32::EPSILON {
            request["generation_config"] = json!({"speed": speed});
        }
        let begun = Instant::now();
        socket.send_json(&request).await?;
        let (mut samples, mut places) = (Samples::default(), Places::new(text.clone()));
        loop {
            let (deadline, wait, what) = if *count == 0 {
                (begun + *first, *first, "first sound")
            } else {
                (Instant::now() + *next, *next, "more sound")
            };
            let received = tokio::time::timeout_at(deadline, socket.receive()).await;
            let Received::Json(message) = received.map_err(|_| self.endpoint.late(what, wait))?? else { continue };
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
                Some("done") if *count > 0 => return Ok(socket),
                Some("done") => return Err(self.endpoint.strange("it answered without any sound")),
                Some(_) | None => {}
            }
            *count += pcm.len() as u64;
            if !pcm.is_empty() || !words.is_empty() {
                // A reader that has gone is noticed by whoever runs this.
                let _ = events.send(VoiceEvent::Piece { pcm: pcm.into(), words }).await;
            }
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
