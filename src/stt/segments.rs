//! Speech to text by the OpenAI-compatible `/audio/transcriptions`: each stretch that is asked for is sent as a file.
//! For providers (and servers of one's own) that take no stream. Must never send more than was asked for.

use super::recent::Recent;
use super::{
    STT_COMMANDS_MAX, STT_EVENTS_MAX, SpeechToText, SttCommand, SttError, SttEvent, SttOptions, SttStream, Transcript,
};
use crate::audio::frame::EAR_RATE_HZ;
use crate::cloud::meter::{Ledger, Meter, Part, Price, Used};
use crate::cloud::{CloudError, Endpoint};
use crate::id::UtteranceId;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Requests under way for one track; each is a pause of the candidate.
const REQUESTS_MAX: usize = 8;
/// Longest answer, bytes.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Parts the fields of the request; no text of ours holds it.
const BOUNDARY: &str = "vivavoce-7d1f0c5e2b9a4386";

/// How it is asked.
#[derive(Clone, Debug)]
pub struct SegmentsSettings {
    pub model: String,
    /// From the request to the words.
    pub whole: Duration,
    pub price: Price,
}

/// The service; cheap to clone.
#[derive(Clone, Debug)]
pub struct Segments {
    endpoint: Endpoint,
    settings: SegmentsSettings,
    meter: Meter,
}

type Answered = BoxFuture<'static, (UtteranceId, u32, Result<Transcript, SttError>)>;

impl Segments {
    #[must_use]
    pub fn new(endpoint: Endpoint, settings: SegmentsSettings) -> Self {
        Self { endpoint, settings, meter: Ledger::free().meter() }
    }

    async fn run(self, options: SttOptions, mut commands: mpsc::Receiver<SttCommand>, events: mpsc::Sender<SttEvent>) {
        let mut recent = Recent::default();
        let mut under_way: FuturesUnordered<Answered> = FuturesUnordered::new();
        let mut is_open = true;
        while is_open || !under_way.is_empty() {
            let event = tokio::select! {
                () = events.closed() => return,
                Some((utterance, revision, said)) = under_way.next(), if !under_way.is_empty() => match said {
                    Ok(transcript) => SttEvent::Final { utterance, revision, transcript },
                    Err(error) => SttEvent::Failed { utterance, revision, error },
                },
                command = commands.recv(), if is_open => match command {
                    Some(SttCommand::Audio(frame)) => {
                        recent.take(&frame);
                        continue;
                    }
                    Some(SttCommand::Transcribe { utterance, revision, from, to, last: _ }) => {
                        let failed = |error| SttEvent::Failed { utterance, revision, error };
                        match recent.cut(from, to) {
                            Ok(_) if under_way.len() >= REQUESTS_MAX => failed(SttError::Busy { queued_max: REQUESTS_MAX }),
                            Ok(pcm) => {
                                let (segments, options) = (self.clone(), options.clone());
                                under_way.push(Box::pin(async move {
                                    (utterance, revision, segments.transcribe(pcm, &options).await.map_err(SttError::from))
                                }));
                                continue;
                            }
                            Err(error) => failed(error),
                        }
                    }
                    None => {
                        is_open = false;
                        continue;
                    }
                },
            };
            if events.send(event).await.is_err() {
                return;
            }
        }
    }

    async fn transcribe(&self, pcm: Vec<i16>, options: &SttOptions) -> Result<Transcript, CloudError> {
        self.meter.allows(&self.endpoint.provider)?;
        let asking = async {
            let kind = format!("multipart/form-data; boundary={BOUNDARY}");
            let request = self.endpoint.post_as_bearer("/audio/transcriptions").header("content-type", kind);
            let answer = self.endpoint.send(request.body(self.body(&pcm, options))).await?;
            self.endpoint.read(answer, ANSWER_BYTES_MAX).await
        };
        let deadline = self.settings.whole;
        let body =
            tokio::time::timeout(deadline, asking).await.map_err(|_| self.endpoint.late("words", deadline))??;
        let used = Used { seconds: pcm.len() as f64 / f64::from(EAR_RATE_HZ), ..Used::default() };
        self.meter.count(Part::Stt, &self.endpoint.provider, used, &self.settings.price);
        let answer: Value =
            serde_json::from_slice(&body).map_err(|_| self.endpoint.strange("its answer is no JSON"))?;
        let text = answer["text"].as_str().ok_or_else(|| self.endpoint.strange("its answer has no text"))?;
        Ok(Transcript { text: text.trim().to_owned(), ..Transcript::default() })
    }

    fn body(&self, pcm: &[i16], options: &SttOptions) -> Vec<u8> {
        let mut body = Vec::with_capacity(pcm.len() * 2 + 1024);
        let mut field = |name: &str, value: &str| {
            let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
            body.extend_from_slice(format!("{head}{value}\r\n").as_bytes());
        };
        field("model", &self.settings.model);
        field("response_format", "json");
        if !options.language.is_empty() {
            field("language", &options.language);
        }
        if !options.keyterms.is_empty() {
            field("prompt", &options.keyterms.join(", "));
        }
        let file = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"speech.wav\"\r\n\
             Content-Type: audio/wav\r\n\r\n"
        );
        body.extend_from_slice(file.as_bytes());
        body.extend_from_slice(&wav(pcm));
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        body
    }
}

/// A WAV file of 16-bit mono.
fn wav(pcm: &[i16]) -> Vec<u8> {
    let bytes = u32::try_from(pcm.len() * 2).unwrap_or(u32::MAX);
    let mut file = Vec::with_capacity(44 + pcm.len() * 2);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&bytes.saturating_add(36).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16_u32.to_le_bytes());
    // Samples as whole numbers, one channel.
    file.extend_from_slice(&1_u16.to_le_bytes());
    file.extend_from_slice(&1_u16.to_le_bytes());
    file.extend_from_slice(&EAR_RATE_HZ.to_le_bytes());
    file.extend_from_slice(&(EAR_RATE_HZ * 2).to_le_bytes());
    file.extend_from_slice(&2_u16.to_le_bytes());
    file.extend_from_slice(&16_u16.to_le_bytes());
    file.extend_from_slice(b"data");
    file.extend_from_slice(&bytes.to_le_bytes());
    file.extend(pcm.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}

impl SpeechToText for Segments {
    fn open(&self, options: SttOptions) -> SttStream {
        let (commands, commands_in) = mpsc::channel(STT_COMMANDS_MAX);
        let (events_out, events) = mpsc::channel(STT_EVENTS_MAX);
        // Ends when the stream's owner drops its ends; requests have their deadline.
        tokio::spawn(self.clone().run(options, commands_in, events_out));
        SttStream { commands, events }
    }

    fn languages(&self) -> &[&'static str] {
        &["en", "uk", "de", "fr", "es", "it", "pt", "nl", "pl"]
    }

    fn name(&self) -> String {
        format!("{}:{}", self.endpoint.provider, self.settings.model)
    }

    fn metered(&self, meter: &Meter) -> Option<Arc<dyn SpeechToText>> {
        Some(Arc::new(Self { meter: meter.clone(), ..self.clone() }))
    }
}
