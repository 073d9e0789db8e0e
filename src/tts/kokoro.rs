//! Kokoro: the interviewer's voice on this machine. Words become sounds by a dictionary (`misaki-rs`), unknown words
//! by `espeak-ng`, sounds become samples by the network.

mod sounds;

use super::clip;
use super::text::{MAKE, spoken};
use super::workers::{Synthesiser, Workers};
use super::{SpeakRequest, TextToSpeech, TtsError};
use crate::audio::frame::VoiceClip;
use crate::onnx::OnnxRuntime;
use futures::future::BoxFuture;
use ort::session::{RunOptions, Session};
use ort::value::TensorRef;
use sounds::{Sound, Sounds};
use std::path::PathBuf;
use std::sync::Arc;

/// Sounds that the network takes at once.
const SOUNDS_MAX: usize = 510;
/// Numbers of a voice for each length of text.
const STYLE_NUMBERS: usize = 256;

/// Where the model's files are, and which voice.
#[derive(Clone, Debug)]
pub struct KokoroFiles {
    pub model: PathBuf,
    pub vocabulary: PathBuf,
    pub voice: PathBuf,
}

/// The voice; its threads end when this is dropped.
#[derive(Debug)]
pub struct Kokoro {
    workers: Workers,
    voice: String,
}

impl Kokoro {
    /// Loads the network (about 0.7 s) and starts its threads.
    pub fn start(runtime: &OnnxRuntime, files: &KokoroFiles) -> Result<Self, TtsError> {
        let voice = files.voice.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let sounds = Arc::new(Sounds::load(&files.vocabulary)?);
        let urgent = Model::open(runtime, files, &sounds)?;
        let (runtime, files) = (runtime.clone(), files.clone());
        let workers = Workers::start("kokoro", urgent, move || Model::open(&runtime, &files, &sounds))?;
        Ok(Self { workers, voice })
    }
}

impl TextToSpeech for Kokoro {
    fn speak(&self, request: SpeakRequest) -> BoxFuture<'static, Result<VoiceClip, TtsError>> {
        self.workers.speak(&request)
    }

    fn voice(&self) -> String {
        format!("kokoro-1.0-int8:{}:{MAKE}", self.voice)
    }
}

struct Model {
    session: Session,
    style: Vec<f32>,
    sounds: Arc<Sounds>,
}

impl Model {
    fn open(runtime: &OnnxRuntime, files: &KokoroFiles, sounds: &Arc<Sounds>) -> Result<Self, TtsError> {
        let load = |why: String| TtsError::Load { why };
        let session = runtime.session(&files.model).map_err(|e| load(e.to_string()))?;
        let bytes = std::fs::read(&files.voice).map_err(|e| load(format!("{}: {e}", files.voice.display())))?;
        let style: Vec<f32> = bytes.as_chunks().0.iter().map(|&number| f32::from_le_bytes(number)).collect();
        if style.len() < STYLE_NUMBERS || !style.len().is_multiple_of(STYLE_NUMBERS) {
            return Err(load(format!("{} is damaged", files.voice.display())));
        }
        Ok(Self { session, style, sounds: Arc::clone(sounds) })
    }

    /// The samples of at most [`SOUNDS_MAX`] sounds.
    fn run(&mut self, sounds: &[i64], speed: f32, stop: &RunOptions) -> ort::Result<Vec<f32>> {
        let rows = self.style.len() / STYLE_NUMBERS;
        let row = sounds.len().min(rows - 1) * STYLE_NUMBERS;
        let tokens: Vec<i64> = [&[0], sounds, &[0]].concat();
        let speed = [speed];
        let inputs = ort::inputs! {
            "tokens" => TensorRef::from_array_view(([1, tokens.len()], tokens.as_slice()))?,
            "style" => TensorRef::from_array_view(([1, STYLE_NUMBERS], &self.style[row..row + STYLE_NUMBERS]))?,
            "speed" => TensorRef::from_array_view(([1_usize], speed.as_slice()))?,
        };
        let outputs = self.session.run_with_options(inputs, stop)?;
        Ok(outputs[0].try_extract_tensor::<f32>()?.1.to_vec())
    }
}

impl Synthesiser for Model {
    fn synthesise(&mut self, text: &Arc<str>, speed: f32, stop: &RunOptions) -> Result<VoiceClip, TtsError> {
        let said = spoken(text);
        let found = self.sounds.of(&said.text)?;
        let mut samples = Vec::new();
        for group in groups(&found) {
            let sounds: Vec<i64> = group.iter().flat_map(|sound| sound.numbers.iter().copied()).collect();
            let sounds = &sounds[..sounds.len().min(SOUNDS_MAX)];
            samples.extend(self.run(sounds, speed, stop).map_err(|e| TtsError::Run { why: e.to_string() })?);
        }
        let weights: Vec<clip::Weight> = found.into_iter().map(|sound| sound.weight).collect();
        Ok(clip::clip(Arc::clone(text), &samples, &said.words, &weights))
    }
}

/// Words in groups that the network can take.
fn groups(sounds: &[Sound]) -> Vec<&[Sound]> {
    let mut groups = Vec::new();
    let (mut start, mut size) = (0, 0);
    for (i, sound) in sounds.iter().enumerate() {
        if size + sound.numbers.len() > SOUNDS_MAX && i > start {
            groups.push(&sounds[start..i]);
            (start, size) = (i, 0);
        }
        size += sound.numbers.len();
    }
    if size > 0 {
        groups.push(&sounds[start..]);
    }
    groups
}
