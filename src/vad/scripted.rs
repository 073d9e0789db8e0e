//! Detectors for tests: voice where a script says, or where the audio is loud; completion by a rule. They run on
//! tokio's timers only, so that a paused clock moves them.

use super::{TurnModel, VAD_FRAMES_MAX, VadError, VoiceActivity, VoiceReading, VoiceStream};
use crate::audio::frame::{EAR_FRAME_SAMPLES, EarFrame};
use futures::future::BoxFuture;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// What counts as voice.
#[derive(Clone, Debug)]
pub enum ScriptedVoice {
    /// These stretches of the session, in ms.
    During(Vec<Range<u64>>),
    /// Frames whose mean loudness (root of the mean square) exceeds this.
    LouderThan(f32),
}

impl ScriptedVoice {
    fn hears(&self, frame: &EarFrame) -> bool {
        match self {
            Self::During(stretches) => stretches.iter().any(|stretch| stretch.contains(&frame.at.ms())),
            // Most of a script is silence, and tests are many.
            Self::LouderThan(_) if frame.pcm == [0; EAR_FRAME_SAMPLES] => false,
            Self::LouderThan(least) => {
                let power = frame.pcm.iter().map(|&sample| f32::from(sample).powi(2)).sum::<f32>();
                (power / frame.pcm.len() as f32).sqrt() > *least
            }
        }
    }
}

impl VoiceActivity for ScriptedVoice {
    fn open(&self) -> VoiceStream {
        let (frames, mut heard) = mpsc::channel::<EarFrame>(VAD_FRAMES_MAX);
        let (readings_out, readings) = mpsc::channel(VAD_FRAMES_MAX);
        let script = self.clone();
        tokio::spawn(async move {
            while let Some(frame) = heard.recv().await {
                let probability = if script.hears(&frame) { 0.95 } else { 0.02 };
                let at = frame.at.plus(frame.pcm.len() as u64);
                if readings_out.send(VoiceReading { at, probability }).await.is_err() {
                    return;
                }
            }
        });
        VoiceStream { frames, readings }
    }

    fn name(&self) -> String {
        "scripted-voice".into()
    }
}

/// A turn model that answers by a rule, after a delay.
#[derive(Clone)]
pub struct ScriptedTurn {
    rule: Arc<TurnRule>,
    delay: Duration,
}

type TurnRule = dyn Fn(&[i16]) -> Result<f32, VadError> + Send + Sync;

impl std::fmt::Debug for ScriptedTurn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScriptedTurn").field("delay", &self.delay).finish_non_exhaustive()
    }
}

impl ScriptedTurn {
    /// Answers what `rule` says of the audio, after `delay`.
    pub fn by(delay: Duration, rule: impl Fn(&[i16]) -> Result<f32, VadError> + Send + Sync + 'static) -> Self {
        Self { rule: Arc::new(rule), delay }
    }

    /// Always answers `completion`, after `delay`.
    #[must_use]
    pub fn always(completion: f32, delay: Duration) -> Self {
        Self::by(delay, move |_| Ok(completion))
    }
}

impl TurnModel for ScriptedTurn {
    fn completion(&self, audio: Vec<i16>) -> BoxFuture<'static, Result<f32, VadError>> {
        let scripted = self.clone();
        Box::pin(async move {
            tokio::time::sleep(scripted.delay).await;
            (scripted.rule)(&audio)
        })
    }

    fn name(&self) -> String {
        "scripted-turn".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::frame::SamplePos;

    #[tokio::test(start_paused = true)]
    async fn voice_is_where_the_script_says() {
        let VoiceStream { frames, mut readings } = ScriptedVoice::During(vec![40..60, 60..80]).open();
        for i in 0..6_u64 {
            let at = SamplePos(i * EAR_FRAME_SAMPLES as u64);
            frames.send(EarFrame { at, pcm: [0; EAR_FRAME_SAMPLES], concealed: false }).await.expect("taken");
        }
        drop(frames);
        let mut heard = Vec::new();
        while let Some(reading) = readings.recv().await {
            heard.push((reading.at.ms(), reading.probability > 0.5));
        }
        assert_eq!(heard, [(20, false), (40, false), (60, true), (80, true), (100, false), (120, false)]);
    }

    #[tokio::test(start_paused = true)]
    async fn completion_follows_the_rule_after_its_delay() {
        let turn = ScriptedTurn::by(Duration::from_secs(60), |audio| Ok(audio.len() as f32));
        let asked = tokio::time::Instant::now();
        let completion = turn.completion(vec![0; 3]).await.expect("an answer");
        assert!((completion - 3.0).abs() < f32::EPSILON);
        assert_eq!(asked.elapsed(), Duration::from_secs(60));
    }
}
