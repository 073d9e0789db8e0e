//! Voice: text to speech. The trait, sentence cutting, the cache, and one file per provider. Must never decide what is
//! said; it says the text it was given, a sentence at a time.

pub mod aura;
pub mod cache;
pub mod cartesia;
pub mod chain;
#[cfg(feature = "local-speech")]
mod clip;
pub mod elevenlabs;
#[cfg(feature = "local-speech")]
mod espeak;
#[cfg(feature = "local-speech")]
pub mod kokoro;
mod pieces;
#[cfg(feature = "local-speech")]
pub mod piper;
pub mod scripted;
pub mod sentences;
pub mod speech;
pub mod text;
#[cfg(feature = "local-speech")]
mod workers;

use crate::audio::frame::{VoiceClip, WordTiming};
use crate::cloud::CloudError;
use crate::cloud::meter::Meter;
use futures::future::BoxFuture;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Pieces of a sentence that may wait for the session: more than a provider sends for the longest one.
pub const VOICE_PIECES_MAX: usize = 256;
/// Longest text of one request, characters (one sentence; longer ones are cut by `sentences`).
pub const TTS_TEXT_CHARS_MAX: usize = 400;

/// What is to be said and how.
#[derive(Clone, Debug)]
pub struct SpeakRequest {
    /// One sentence, plain words.
    pub text: Arc<str>,
    /// Rate of speech; 1.0 is the voice's own.
    pub speed: f32,
    pub urgency: Urgency,
    /// Cancels the request; a cancelled one resolves to `TtsError::Cancelled`.
    pub cancel: CancellationToken,
}

/// Who waits for it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Urgency {
    /// Somebody is waiting in silence.
    Now,
    /// A reply that is being prepared during a pause.
    Soon,
    /// Synthesised beforehand, at low priority, on a thread that yields to everything else.
    Beforehand,
}

/// A sentence as it is made; the channel closes after `Done` or `Failed`.
#[derive(Clone, Debug)]
pub enum VoiceEvent {
    /// More sound (24 kHz), and the words known since: their places count from the sentence's start, and may lie in sound
    /// that came before.
    Piece {
        pcm: Arc<[i16]>,
        words: Vec<WordTiming>,
    },
    Done,
    Failed(TtsError),
}

/// Turns a sentence into sound.
pub trait TextToSpeech: Send + Sync {
    /// The clip, resampled to 24 kHz. Whole sentences; the caller plays one while the next is made.
    fn speak(&self, request: SpeakRequest) -> BoxFuture<'static, Result<VoiceClip, TtsError>>;
    /// The same as it comes, so that it can sound before it is whole. Never blocks.
    fn stream(&self, request: SpeakRequest) -> mpsc::Receiver<VoiceEvent> {
        pieces::in_one(self.speak(request))
    }
    /// The same, counting what it does for one interview; `None` for one that costs nothing.
    fn metered(&self, _meter: &Meter) -> Option<Arc<dyn TextToSpeech>> {
        None
    }
    /// The same without a store, for words that nobody says again; `None` for one that keeps none.
    fn unkept(&self) -> Option<Arc<dyn TextToSpeech>> {
        None
    }
    /// A name that changes whenever the same text would sound different (provider, voice, version): the cache's key.
    fn voice(&self) -> String;
    /// Languages it speaks (BCP 47 primary tags). The local voices speak English; others say theirs.
    fn languages(&self) -> &[&'static str] {
        &["en"]
    }
}

/// What can fail.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TtsError {
    #[error("the voice could not be loaded: {why}; run scripts/setup, or see `vivavoce doctor`")]
    Load { why: String },
    #[error("text-to-speech failed: {why}")]
    Run { why: String },
    #[error("the text has {chars} characters; at most {chars_max} are spoken at once")]
    TooLong { chars: usize, chars_max: usize },
    #[error("text-to-speech is busy ({queued_max} requests wait)")]
    Busy { queued_max: usize },
    #[error(transparent)]
    Cloud(#[from] CloudError),
    #[error("cancelled")]
    Cancelled,
    #[error("text-to-speech is gone")]
    Gone,
}
