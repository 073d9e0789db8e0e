//! Piper: a quick voice on this machine. Words become sounds by `espeak-ng`, sounds become samples by the network.

use super::clip::{self, Weight};
use super::espeak::Espeak;
use super::text::{MAKE, Spoken, SpokenWord, spoken};
use super::workers::{Synthesiser, Workers};
use super::{SpeakRequest, TextToSpeech, TtsError};
use crate::audio::frame::{VOICE_RATE_HZ, VoiceClip};
use crate::onnx::OnnxRuntime;
use futures::future::BoxFuture;
use ort::session::{RunOptions, Session};
use ort::value::TensorRef;
use rubato::audioadapter_buffers::owned::InterleavedOwned;
use rubato::{Fft, FixedSync, Resampler};
use serde::Deserialize;
use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// Numbers that stand at the begin and the end of the sounds and between them.
const BEGIN: i64 = 1;
const END: i64 = 2;
const BETWEEN: i64 = 0;
/// Samples resampled at a time: the resampler's own advice for speech.
const RESAMPLE_SAMPLES: usize = 1024;

/// Where the model's files are, and how it speaks.
#[derive(Clone, Debug)]
pub struct PiperFiles {
    pub model: PathBuf,
    pub config: PathBuf,
    pub manner: Manner,
}

/// How much chance there is in the voice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manner {
    /// As it was trained: livelier, and never twice the same.
    Lively,
    /// The same text always sounds the same; for tests and rehearsals.
    Exact,
}

/// The voice; its threads end when this is dropped.
#[derive(Debug)]
pub struct Piper {
    workers: Workers,
    voice: String,
}

impl Piper {
    /// Loads the network (about 1.5 s) and starts its threads.
    pub fn start(runtime: &OnnxRuntime, files: &PiperFiles) -> Result<Self, TtsError> {
        let name = files.model.file_stem().unwrap_or_default().to_string_lossy();
        let manner = match files.manner {
            Manner::Lively => "lively",
            Manner::Exact => "exact",
        };
        let voice = format!("piper:{name}:{manner}:{MAKE}");
        let espeak = Arc::new(Espeak::default());
        let urgent = Model::open(runtime, files, &espeak)?;
        let (runtime, files) = (runtime.clone(), files.clone());
        let workers = Workers::start("piper", urgent, move || Model::open(&runtime, &files, &espeak))?;
        Ok(Self { workers, voice })
    }
}

impl TextToSpeech for Piper {
    fn speak(&self, request: SpeakRequest) -> BoxFuture<'static, Result<VoiceClip, TtsError>> {
        self.workers.speak(&request)
    }

    fn voice(&self) -> String {
        self.voice.clone()
    }
}

#[derive(Debug, Deserialize)]
struct Config {
    audio: Audio,
    inference: Inference,
    phoneme_id_map: HashMap<String, Vec<i64>>,
}

#[derive(Debug, Deserialize)]
struct Audio {
    sample_rate: usize,
}

#[derive(Debug, Deserialize)]
struct Inference {
    noise_scale: f32,
    length_scale: f32,
    noise_w: f32,
}

struct Model {
    session: Session,
    config: Config,
    manner: Manner,
    espeak: Arc<Espeak>,
}

impl Model {
    fn open(runtime: &OnnxRuntime, files: &PiperFiles, espeak: &Arc<Espeak>) -> Result<Self, TtsError> {
        let load = |why: String| TtsError::Load { why };
        let damaged = |e: String| load(format!("{}: {e}", files.config.display()));
        let json = std::fs::read(&files.config).map_err(|e| damaged(e.to_string()))?;
        let config = serde_json::from_slice(&json).map_err(|e| damaged(e.to_string()))?;
        let session = runtime.session(&files.model).map_err(|e| load(e.to_string()))?;
        Ok(Self { session, config, manner: files.manner, espeak: Arc::clone(espeak) })
    }

    fn numbers(&self, phonemes: &str) -> Vec<i64> {
        let mut numbers = vec![BEGIN, BETWEEN];
        let mut buffer = [0; 4];
        for c in phonemes.chars() {
            if let Some(number) = self.config.phoneme_id_map.get(&*c.encode_utf8(&mut buffer)) {
                numbers.extend(number);
                numbers.push(BETWEEN);
            }
        }
        numbers.push(END);
        numbers
    }

    fn run(&mut self, numbers: &[i64], speed: f32, stop: &RunOptions) -> ort::Result<Vec<f32>> {
        let length = [i64::try_from(numbers.len()).unwrap_or(i64::MAX)];
        let given = &self.config.inference;
        let (noise, width) = match self.manner {
            Manner::Lively => (given.noise_scale, given.noise_w),
            Manner::Exact => (0.0, 0.0),
        };
        let scales = [noise, given.length_scale / speed, width];
        let inputs = ort::inputs! {
            "input" => TensorRef::from_array_view(([1, numbers.len()], numbers))?,
            "input_lengths" => TensorRef::from_array_view(([1_usize], length.as_slice()))?,
            "scales" => TensorRef::from_array_view(([3_usize], scales.as_slice()))?,
        };
        let outputs = self.session.run_with_options(inputs, stop)?;
        Ok(outputs[0].try_extract_tensor::<f32>()?.1.to_vec())
    }
}

impl Synthesiser for Model {
    fn synthesise(&mut self, text: &Arc<str>, speed: f32, stop: &RunOptions) -> Result<VoiceClip, TtsError> {
        let said = spoken(text);
        if said.words.is_empty() {
            return Ok(clip::clip(Arc::clone(text), &[], &[], &[]));
        }
        let (phonemes, weights) = phonemes(&self.espeak, &said)?;
        let numbers = self.numbers(&phonemes);
        let failed = |why: String| TtsError::Run { why };
        let samples = self.run(&numbers, speed, stop).map_err(|e| failed(e.to_string()))?;
        let samples = resampled(samples, self.config.audio.sample_rate).map_err(failed)?;
        Ok(clip::clip(Arc::clone(text), &samples, &said.words, &weights))
    }
}

/// The sounds of all clauses with the punctuation between them, and what each word weighs.
fn phonemes(espeak: &Espeak, said: &Spoken) -> Result<(String, Vec<Weight>), TtsError> {
    let mut all = String::new();
    let mut weights = Vec::new();
    for clause in clauses(said) {
        let words = &said.words[clause];
        let Some((first, last)) = words.first().zip(words.last()) else {
            continue;
        };
        let text = &said.text[first.spoken.start..last.spoken.end];
        let ipa = espeak.ipa(text)?.split_whitespace().collect::<Vec<_>>().join(" ");
        if !all.is_empty() {
            all.push(' ');
        }
        all.push_str(&ipa);
        let ending = text.chars().last().filter(|c| ".,;:!?".contains(*c));
        all.extend(ending);
        weights.extend(weigh(&said.text, words, &ipa));
    }
    Ok((all, weights))
}

/// Ranges of words up to each punctuation mark.
fn clauses(said: &Spoken) -> Vec<Range<usize>> {
    let ends = |i: usize| said.text[said.words[i].spoken.clone()].ends_with(['.', ',', ';', ':', '!', '?']);
    let mut clauses = Vec::new();
    let mut start = 0;
    for i in 0..said.words.len() {
        if ends(i) || i + 1 == said.words.len() {
            clauses.push(start..i + 1);
            start = i + 1;
        }
    }
    clauses
}

/// By sounds where espeak kept the words apart, else by letters.
fn weigh(text: &str, words: &[SpokenWord], ipa: &str) -> Vec<Weight> {
    let tokens = |word: &SpokenWord| text[word.spoken.clone()].split_whitespace().count();
    let groups: Vec<&str> = ipa.split(' ').collect();
    if groups.len() != words.iter().map(tokens).sum::<usize>() {
        return clip::by_letters(text, words);
    }
    let mut groups = groups.into_iter();
    let weigh = |word: &SpokenWord| {
        let said: String = groups.by_ref().take(tokens(word)).collect();
        let pause = clip::pause_after(&text[word.spoken.clone()]);
        Weight { spoken: word.spoken.clone(), sounds: clip::sounds(&said), pause }
    };
    words.iter().map(weigh).collect()
}

/// The samples at 24 kHz.
fn resampled(samples: Vec<f32>, rate_hz: usize) -> Result<Vec<f32>, String> {
    let count = samples.len();
    if count == 0 || rate_hz == VOICE_RATE_HZ as usize {
        return Ok(samples);
    }
    let mut resampler = Fft::<f32>::new(rate_hz, VOICE_RATE_HZ as usize, RESAMPLE_SAMPLES, 1, FixedSync::Input)
        .map_err(|e| e.to_string())?;
    let input = InterleavedOwned::new_from(samples, 1, count).map_err(|e| e.to_string())?;
    Ok(resampler.process_all(&input, count, None).map_err(|e| e.to_string())?.take_data())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_end_at_punctuation() {
        assert_eq!(clauses(&spoken("Well, that is it. So")), [0..1, 1..4, 4..5]);
        assert!(clauses(&spoken("")).is_empty());
    }

    #[test]
    fn resampling_keeps_the_time_and_the_tone() {
        let tone: Vec<f32> = (0..22_050).map(|i| (i as f32 * std::f32::consts::TAU * 441.0 / 22_050.0).sin()).collect();
        let made = resampled(tone, 22_050).expect("made");
        assert!((24_000..=24_001).contains(&made.len()), "{}", made.len());
        let crossings = made.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
        assert!((439..=442).contains(&crossings), "{crossings}");
    }

    #[test]
    fn words_are_weighed_by_sounds_where_espeak_keeps_them_apart() {
        let said = spoken("one two");
        let apart = weigh(&said.text, &said.words, "wˈʌn tˈuː");
        assert!((apart[1].sounds - 3.2).abs() < 1e-6, "{apart:?}");
        let together = weigh(&said.text, &said.words, "wʌntˈuː");
        assert!((together[0].sounds - 3.0).abs() < 1e-6, "{together:?}");
    }
}
