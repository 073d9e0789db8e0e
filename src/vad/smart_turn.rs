//! smart-turn v3.2: how likely it is that a speaker has finished, from the sound of the last seconds. On its own
//! thread. Must never decide: the turn core weighs what it says.

use super::mel::{LogMel, MEL_BANDS};
use super::{TurnModel, VadError};
use crate::audio::frame::EAR_RATE_HZ;
use crate::onnx::OnnxRuntime;
use futures::future::BoxFuture;
use ort::session::Session;
use ort::value::TensorRef;
use std::path::Path;
use std::thread;
use tokio::sync::{mpsc, oneshot};

/// Samples that the model hears: the last 8 s.
const WINDOW_SAMPLES: usize = 8 * EAR_RATE_HZ as usize;
/// Windows of features in 8 s.
const WINDOW_FRAMES: usize = 800;
/// Questions that may wait: one at each pause of each interview; at 60 ms each, more would be answered too late.
const QUESTIONS_MAX: usize = 16;
/// Keeps a silent window from being divided by nothing, as the model's own preparation does.
const VARIANCE_MIN: f64 = 1e-7;

/// The model; its thread ends when this is dropped.
#[derive(Debug)]
pub struct SmartTurn {
    questions: mpsc::Sender<Question>,
}

#[derive(Debug)]
struct Question {
    audio: Vec<i16>,
    answer: oneshot::Sender<Result<f32, VadError>>,
}

impl SmartTurn {
    /// Loads the model and starts its thread.
    pub fn start(runtime: &OnnxRuntime, model: &Path) -> Result<Self, VadError> {
        let load = |why: String| VadError::Load { model: "smart-turn".into(), why };
        let mut model =
            Model { session: runtime.session(model).map_err(|e| load(e.to_string()))?, mel: LogMel::default() };
        let (questions, mut asked) = mpsc::channel::<Question>(QUESTIONS_MAX);
        let serve = move || {
            while let Some(question) = asked.blocking_recv() {
                if !question.answer.is_closed() {
                    // The asker may have gone meanwhile: then nobody wants the answer.
                    let _ = question.answer.send(model.completion(&question.audio));
                }
            }
        };
        thread::Builder::new().name("turn-model".into()).spawn(serve).map_err(|e| load(e.to_string()))?;
        Ok(Self { questions })
    }
}

impl TurnModel for SmartTurn {
    fn completion(&self, audio: Vec<i16>) -> BoxFuture<'static, Result<f32, VadError>> {
        let (answer, answered) = oneshot::channel();
        let asked = self.questions.try_send(Question { audio, answer });
        Box::pin(async move {
            match asked {
                Ok(()) => answered.await.unwrap_or(Err(VadError::Gone)),
                Err(mpsc::error::TrySendError::Full(_)) => Err(VadError::Busy { queued_max: QUESTIONS_MAX }),
                Err(mpsc::error::TrySendError::Closed(_)) => Err(VadError::Gone),
            }
        })
    }

    fn is_alive(&self) -> bool {
        !self.questions.is_closed()
    }

    fn name(&self) -> String {
        "smart-turn-v3.2-cpu".into()
    }
}

struct Model {
    session: Session,
    mel: LogMel,
}

impl Model {
    fn completion(&mut self, audio: &[i16]) -> Result<f32, VadError> {
        let features = self.mel.features(&window(audio));
        self.run(&features).map_err(|e| VadError::Run { model: "smart-turn".into(), why: e.to_string() })
    }

    fn run(&mut self, features: &[f32]) -> ort::Result<f32> {
        let outputs = self.session.run(ort::inputs! {
            "input_features" => TensorRef::from_array_view(([1_usize, MEL_BANDS, WINDOW_FRAMES], features))?,
        })?;
        Ok(outputs[0].try_extract_tensor::<f32>()?.1.first().copied().unwrap_or(0.0))
    }
}

/// The last 8 s, silence in front where there is less, at zero mean and unit variance.
fn window(audio: &[i16]) -> Vec<f32> {
    let heard = &audio[audio.len().saturating_sub(WINDOW_SAMPLES)..];
    let mut window = vec![0.0_f32; WINDOW_SAMPLES - heard.len()];
    window.extend(heard.iter().map(|&sample| f32::from(sample) / 32_768.0));
    let count = WINDOW_SAMPLES as f64;
    let mean = window.iter().copied().map(f64::from).sum::<f64>() / count;
    let variance = window.iter().map(|&sample| (f64::from(sample) - mean).powi(2)).sum::<f64>() / count;
    let scale = 1.0 / (variance + VARIANCE_MIN).sqrt();
    for sample in &mut window {
        *sample = ((f64::from(*sample) - mean) * scale) as f32;
    }
    window
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_its_silence_in_front_and_is_normalised() {
        let short: Vec<i16> = (0..1600).map(|i| if i % 2 == 0 { 8000 } else { -8000 }).collect();
        let filled = window(&short);
        assert_eq!(filled.len(), WINDOW_SAMPLES);
        assert!(filled[..WINDOW_SAMPLES - 1600].iter().all(|sample| sample.abs() < 1e-3));
        let power = filled.iter().map(|sample| sample * sample).sum::<f32>() / WINDOW_SAMPLES as f32;
        assert!((power - 1.0).abs() < 1e-3, "{power}");
        let long = vec![100_i16; WINDOW_SAMPLES + 5];
        assert_eq!(window(&long).len(), WINDOW_SAMPLES);
    }
}
