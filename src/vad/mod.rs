//! Is somebody speaking, and have they finished? The traits, and one file per model. Must never decide who may speak:
//! it gives probabilities, `turn` decides.

pub mod energy;
#[cfg(feature = "local-speech")]
mod mel;
pub mod scripted;
#[cfg(feature = "local-speech")]
pub mod silero;
#[cfg(feature = "local-speech")]
pub mod smart_turn;

use crate::audio::frame::EarFrame;
use futures::future::BoxFuture;
use tokio::sync::mpsc;

/// Frames that may wait for a detector: 2 s; past that the session counts the loss.
pub const VAD_FRAMES_MAX: usize = 100;

/// How likely speech is at a place in the audio.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct VoiceReading {
    /// End of the audio that the reading covers, on the session's clock.
    pub at: crate::audio::frame::SamplePos,
    /// 0..1.
    pub probability: f32,
}

/// One listener's detector: frames in, readings out (one for each 32 ms with Silero), in order.
#[derive(Debug)]
pub struct VoiceStream {
    pub frames: mpsc::Sender<EarFrame>,
    pub readings: mpsc::Receiver<VoiceReading>,
}

/// Detects voice. Implementations keep their model on a thread of their own.
pub trait VoiceActivity: Send + Sync {
    /// A detector for one track, with its own state; dropping the stream's sender ends it.
    fn open(&self) -> VoiceStream;
    /// Whether it can still work: false once its thread has ended. What has no thread of its own is as alive as we are.
    fn is_alive(&self) -> bool {
        true
    }
    /// Name and version, for provenance.
    fn name(&self) -> String;
}

/// Judges whether a turn is complete, from its sound.
pub trait TurnModel: Send + Sync {
    /// Probability 0..1 that the speaker has finished, given the last seconds (16 kHz mono; at most 8 s are used).
    fn completion(&self, audio: Vec<i16>) -> BoxFuture<'static, Result<f32, VadError>>;
    /// Whether it can still work: false once its thread has ended. What has no thread of its own is as alive as we are.
    fn is_alive(&self) -> bool {
        true
    }
    /// Name and version, for provenance.
    fn name(&self) -> String;
}

/// What can fail in a model of this part.
#[derive(Clone, Debug, thiserror::Error)]
pub enum VadError {
    #[error("the model {model} could not be loaded: {why}; run scripts/setup, or see `vivavoce doctor`")]
    Load { model: String, why: String },
    #[error("the model {model} failed: {why}")]
    Run { model: String, why: String },
    #[error("the model's queue is full ({queued_max} requests)")]
    Busy { queued_max: usize },
    #[error("the model's thread has ended")]
    Gone,
}
