//! Speech to text by OpenAI's realtime transcription socket: audio is sent on as it comes, a stretch is committed where we
//! found a pause, and its words are bound to the utterance for which it was committed. Must never let the server cut
//! the audio itself: then nobody could say whose words they are.

use super::{STT_COMMANDS_MAX, STT_EVENTS_MAX, SpeechToText, SttCommand, SttEvent, SttOptions, SttStream, Transcript};
use crate::audio::frame::{EAR_FRAME_SAMPLES, EAR_RATE_HZ, EarFrame};
use crate::audio::resample::ChunkResampler;
use crate::cloud::meter::{Ledger, Meter, Part, Price, Used};
use crate::cloud::socket::{Received, Socket};
use crate::cloud::{CloudError, Endpoint, code_of};
use crate::id::UtteranceId;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// The rate that the socket takes, Hz.
const RATE_HZ: u32 = 24_000;
/// The server refuses to commit less, ms.
const COMMIT_MS_MIN: u64 = 100;
/// After the last audio the remaining words are waited for, s.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// Utterances whose parts are remembered.
const UTTERANCES_MAX: usize = 64;

/// How it is asked.
#[derive(Clone, Debug)]
pub struct RealtimeSettings {
    pub model: String,
    pub connect: Duration,
    pub price: Price,
}

/// The service; cheap to clone.
#[derive(Clone, Debug)]
pub struct Realtime {
    endpoint: Endpoint,
    settings: RealtimeSettings,
    meter: Meter,
}

/// What became of one committed stretch.
#[derive(Clone, PartialEq, Debug)]
struct Stretch {
    utterance: UtteranceId,
    item: Option<String>,
    partial: String,
    text: Option<String>,
}

#[derive(Debug, Default)]
struct Hearing {
    /// Samples since the last commit.
    open_samples: u64,
    stretches: VecDeque<Stretch>,
    /// The newest revision that was asked for, by utterance.
    asked: BTreeMap<UtteranceId, u32>,
}

impl Hearing {
    /// The text of an utterance, once all of its stretches have theirs.
    fn text(&self, utterance: UtteranceId) -> Option<String> {
        let own = self.stretches.iter().filter(|stretch| stretch.utterance == utterance);
        let texts: Option<Vec<&str>> = own.map(|stretch| stretch.text.as_deref()).collect();
        Some(texts?.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" "))
    }

    /// What can be answered now.
    fn answers(&mut self) -> Vec<SttEvent> {
        let ready: Vec<(UtteranceId, u32, String)> = self
            .asked
            .iter()
            .filter_map(|(utterance, revision)| Some((*utterance, *revision, self.text(*utterance)?)))
            .collect();
        ready
            .into_iter()
            .map(|(utterance, revision, text)| {
                self.asked.remove(&utterance);
                SttEvent::Final { utterance, revision, transcript: Transcript { text, ..Transcript::default() } }
            })
            .collect()
    }

    fn by_item(&mut self, item: &Value) -> Option<&mut Stretch> {
        let item = item.as_str()?;
        self.stretches.iter_mut().find(|stretch| stretch.item.as_deref() == Some(item))
    }

    fn received(&mut self, message: &Value, endpoint: &Endpoint) -> Result<Option<SttEvent>, CloudError> {
        const TRANSCRIPTION: &str = "conversation.item.input_audio_transcription.";
        let kind = message["type"].as_str().unwrap_or_default();
        match kind.strip_prefix(TRANSCRIPTION).unwrap_or(kind) {
            "input_audio_buffer.committed" => {
                // In the order in which we committed.
                if let Some(stretch) = self.stretches.iter_mut().find(|stretch| stretch.item.is_none()) {
                    stretch.item = message["item_id"].as_str().map(str::to_owned);
                }
            }
            "delta" => {
                if let Some(stretch) = self.by_item(&message["item_id"]) {
                    stretch.partial.push_str(message["delta"].as_str().unwrap_or_default());
                    let (utterance, text) = (stretch.utterance, stretch.partial.clone());
                    return Ok(Some(SttEvent::Partial { utterance, text }));
                }
            }
            "completed" => {
                if let Some(stretch) = self.by_item(&message["item_id"]) {
                    stretch.text = Some(message["transcript"].as_str().unwrap_or_default().trim().to_owned());
                }
            }
            "failed" | "error" => {
                let code = code_of(message).unwrap_or_default();
                return Err(endpoint.strange(format!("it reports an error {code}").trim()));
            }
            _ => {}
        }
        Ok(None)
    }
}

impl Realtime {
    #[must_use]
    pub fn new(endpoint: Endpoint, settings: RealtimeSettings) -> Self {
        Self { endpoint, settings, meter: Ledger::free().meter() }
    }

    async fn connect(&self, options: &SttOptions) -> Result<Socket, CloudError> {
        self.meter.allows(&self.endpoint.provider)?;
        let headers = [("authorization", self.endpoint.key.header("Bearer "))];
        let path = "/realtime?intent=transcription";
        let mut socket = Socket::open(&self.endpoint, path, &headers, self.settings.connect).await?;
        let mut transcription = json!({"model": self.settings.model});
        if !options.language.is_empty() {
            transcription["language"] = options.language.clone().into();
        }
        if !options.keyterms.is_empty() {
            transcription["prompt"] = options.keyterms.join(", ").into();
        }
        let format = json!({"type": "audio/pcm", "rate": RATE_HZ});
        // Where a turn ends is not the server's business.
        let input = json!({"format": format, "transcription": transcription, "turn_detection": null});
        let session = json!({"type": "transcription", "audio": {"input": input}});
        socket.send_json(&json!({"type": "session.update", "session": session})).await?;
        Ok(socket)
    }

    async fn run(
        self,
        options: SttOptions,
        mut commands: mpsc::Receiver<SttCommand>,
        events: &mpsc::Sender<SttEvent>,
    ) -> Result<(), CloudError> {
        let mut socket = self.connect(&options).await?;
        let mut rate = ChunkResampler::new(EAR_RATE_HZ, RATE_HZ, EAR_FRAME_SAMPLES)
            .map_err(|_| self.endpoint.strange("its rate cannot be made"))?;
        let mut hearing = Hearing::default();
        let mut until = None;
        while until.is_none() || !hearing.asked.is_empty() {
            let deadline = until.unwrap_or_else(|| tokio::time::Instant::now() + LAST_WORDS);
            tokio::select! {
                biased;
                () = events.closed() => return Ok(()),
                received = socket.receive() => if let Received::Json(message) = received?
                    && let Some(event) = hearing.received(&message, &self.endpoint)?
                {
                    let _ = events.try_send(event);
                },
                command = commands.recv(), if until.is_none() => match command {
                    Some(SttCommand::Audio(frame)) => {
                        socket.send_json(&appended(&frame, &mut rate)).await?;
                        hearing.open_samples += frame.pcm.len() as u64;
                    }
                    Some(SttCommand::Transcribe { utterance, revision, .. }) => {
                        self.commit(&mut socket, &mut hearing, utterance).await?;
                        hearing.asked.insert(utterance, revision);
                    }
                    None => until = Some(tokio::time::Instant::now() + LAST_WORDS),
                },
                () = tokio::time::sleep_until(deadline), if until.is_some() => return Ok(()),
            }
            for answer in hearing.answers() {
                if events.send(answer).await.is_err() {
                    return Ok(());
                }
            }
        }
        socket.close().await;
        Ok(())
    }

    /// What was sent since the last time is a stretch of `utterance`.
    async fn commit(
        &self,
        socket: &mut Socket,
        hearing: &mut Hearing,
        utterance: UtteranceId,
    ) -> Result<(), CloudError> {
        if hearing.open_samples * 1000 / u64::from(EAR_RATE_HZ) < COMMIT_MS_MIN {
            return Ok(());
        }
        socket.send_json(&json!({"type": "input_audio_buffer.commit"})).await?;
        let seconds = hearing.open_samples as f64 / f64::from(EAR_RATE_HZ);
        let used = Used { seconds, ..Used::default() };
        self.meter.count(Part::Stt, &self.endpoint.provider, used, &self.settings.price);
        hearing.open_samples = 0;
        hearing.stretches.push_back(Stretch { utterance, item: None, partial: String::new(), text: None });
        hearing.stretches.drain(..hearing.stretches.len().saturating_sub(UTTERANCES_MAX));
        self.meter.allows(&self.endpoint.provider)
    }
}

fn appended(frame: &EarFrame, rate: &mut ChunkResampler) -> Value {
    let mut bytes = Vec::with_capacity(2 * EAR_FRAME_SAMPLES * RATE_HZ as usize / EAR_RATE_HZ as usize);
    if rate.push(&frame.pcm, |sample| bytes.extend_from_slice(&sample.to_le_bytes())).is_err() {
        // Sent as silence, so that time goes on.
        bytes.resize(bytes.capacity(), 0);
    }
    json!({"type": "input_audio_buffer.append", "audio": STANDARD.encode(bytes)})
}

impl SpeechToText for Realtime {
    fn open(&self, options: SttOptions) -> SttStream {
        let (commands, commands_in) = mpsc::channel(STT_COMMANDS_MAX);
        let (events_out, events) = mpsc::channel(STT_EVENTS_MAX);
        let realtime = self.clone();
        // Ends when the stream's owner drops its ends, or when the connection fails.
        tokio::spawn(async move {
            if let Err(error) = realtime.run(options, commands_in, &events_out).await {
                // An owner that has gone wants no ending.
                let _ = events_out.send(SttEvent::Down { error: error.into() }).await;
            }
        });
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
