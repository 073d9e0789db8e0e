//! Ears: speech to text. The trait, and one file per provider. A result always carries the utterance and revision that
//! it answers; must never say anything of "the current turn".

pub mod chain;
pub mod deepgram;
#[cfg(feature = "local-speech")]
pub mod moonshine;
pub mod realtime;
pub mod recent;
pub mod scripted;
pub mod segments;

use crate::audio::frame::{EarFrame, SamplePos};
use crate::cloud::CloudError;
use crate::cloud::meter::Meter;
use crate::id::UtteranceId;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Requests that may wait in one stream: 5 s of frames and their marks.
pub const STT_COMMANDS_MAX: usize = 300;
/// Results that may wait for the session.
pub const STT_EVENTS_MAX: usize = 64;
/// Longest audio of one transcription, s (Moonshine invents words past this; measured).
pub const STT_SEGMENT_MAX_S: u32 = 15;

/// What a listener tells its transcriber.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are frames: a box would be an allocation every 20 ms")]
pub enum SttCommand {
    /// Audio, contiguous while a candidate is connected. Streaming providers send it on at once.
    Audio(EarFrame),
    /// Transcribe `from..to` of the audio sent so far as `utterance`, revision `revision`; `last` if the utterance is
    /// closed (no later revision will come). A newer revision of the same utterance makes older ones worthless.
    Transcribe { utterance: UtteranceId, revision: u32, from: SamplePos, to: SamplePos, last: bool },
}

/// What a transcriber tells its listener.
#[derive(Clone, PartialEq, Debug)]
pub enum SttEvent {
    /// Words that may still change (streaming providers); of an utterance that was not asked for yet, by its guessed number.
    Partial { utterance: UtteranceId, text: String },
    /// The text of one revision of an utterance; empty if there were no words in it.
    Final { utterance: UtteranceId, revision: u32, transcript: Transcript },
    /// A revision could not be transcribed; the provider goes on.
    Failed { utterance: UtteranceId, revision: u32, error: SttError },
    /// The provider takes the speaker to have finished: what was heard since it last said so. For conversations that
    /// leave the end of a turn to it.
    Endpoint { from: SamplePos, to: SamplePos, transcript: Transcript },
    /// Another provider has taken over, and has heard again what the first one had not answered.
    Switched { said: String },
    /// The provider is gone for good; nothing more comes.
    Down { error: SttError },
}

/// Words with what is known of them.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Transcript {
    pub text: String,
    /// 0..1 (mean token probability for local models), where the provider tells.
    pub confidence: Option<f32>,
    /// Word times on the session's clock where the provider tells; else empty.
    pub words: Vec<TimedWord>,
}

/// A word and when it was said.
#[derive(Clone, PartialEq, Debug)]
pub struct TimedWord {
    pub text: String,
    pub start: SamplePos,
    pub end: SamplePos,
}

/// One listener's transcriber.
#[derive(Debug)]
pub struct SttStream {
    pub commands: mpsc::Sender<SttCommand>,
    pub events: mpsc::Receiver<SttEvent>,
}

/// What a transcriber should know of the interview.
#[derive(Clone, Debug, Default)]
pub struct SttOptions {
    /// BCP 47, such as `en`.
    pub language: String,
    /// Words to expect (from the question and the tech stack), for providers that take them.
    pub keyterms: Vec<String>,
}

/// Turns speech into text.
pub trait SpeechToText: Send + Sync {
    /// A transcriber for one track; dropping the stream's sender ends it.
    fn open(&self, options: SttOptions) -> SttStream;
    /// Whether it can still work: false once its thread has ended. What has no thread of its own is as alive as we are.
    fn is_alive(&self) -> bool {
        true
    }
    /// Whether it says where a speaker has finished ([`SttEvent::Endpoint`]).
    fn marks_ends(&self) -> bool {
        false
    }
    /// Languages it can transcribe (BCP 47 primary tags).
    fn languages(&self) -> &[&'static str];
    /// Name and version, for provenance.
    fn name(&self) -> String;
    /// The same, counting what it does for one interview; `None` for one that costs nothing.
    fn metered(&self, _meter: &Meter) -> Option<Arc<dyn SpeechToText>> {
        None
    }
}

/// What can fail.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum SttError {
    #[error("the speech-to-text model could not be loaded: {why}; run scripts/setup, or see `vivavoce doctor`")]
    Load { why: String },
    #[error("speech-to-text failed: {why}")]
    Run { why: String },
    #[error("the audio asked for is no longer kept")]
    AudioGone,
    #[error("the speech-to-text queue is full ({queued_max} requests)")]
    Busy { queued_max: usize },
    #[error("no words within {deadline_ms} ms")]
    Late { deadline_ms: u128 },
    #[error(transparent)]
    Cloud(#[from] CloudError),
    #[error("speech-to-text is gone")]
    Gone,
}
