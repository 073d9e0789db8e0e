//! The network itself: samples in, words out. Runs where it is called; must know no queue and no interview.

use super::super::{STT_SEGMENT_MAX_S, SttError, Transcript};
use super::tokenizer::Tokenizer;
use crate::audio::frame::EAR_RATE_HZ;
use crate::onnx::OnnxRuntime;
use crate::stt::recent::{loudest, parts};
use ort::session::{Session, SessionInputValue};
use ort::value::{DynValue, Tensor, TensorRef};
use std::borrow::Cow;
use std::path::Path;

const BEGIN: i64 = 1;
const END: i64 = 2;
/// Numbers that the vocabulary is padded to in the network's output.
const VOCABULARY: usize = 32_768;
/// Fast speech has fewer tokens a second than this, so that more are invented ones.
const TOKENS_PER_S_MAX: f32 = 6.5;
/// Tokens allowed on top, for the shortest words.
const TOKENS_SPARE: usize = 8;
/// Shortest audio that is asked about, in samples (0.1 s: no word is shorter).
const AUDIO_SAMPLES_MIN: usize = EAR_RATE_HZ as usize / 10;
/// Shorter audio is filled up with silence to this, in samples (0.5 s): below it the network mishears.
const AUDIO_SAMPLES_FILLED: usize = EAR_RATE_HZ as usize / 2;
/// Audio whose loudest 20 ms stay below this is silence (about -56 dBFS).
const LOUDNESS_MIN: f32 = 50.0;
/// A text of less mean probability is invented; noise stays below, hard words of people above (measured).
const CONFIDENCE_MIN: f32 = 0.35;
/// Longest run of tokens that is looked for as a repeated one.
const LOOP_TOKENS_MAX: usize = 12;
/// The same run of tokens so many times in a row is a loop of the network, not speech.
const LOOP_TIMES: usize = 4;

/// Encoder, decoder and vocabulary.
#[derive(Debug)]
pub struct Model {
    encoder: Session,
    decoder: Session,
    /// Names of the decoder's caches, inputs and the outputs that feed them.
    caches: Vec<Cache>,
    tokenizer: Tokenizer,
}

#[derive(Debug)]
struct Cache {
    input: String,
    output: String,
    /// Made of the audio once, at the first step; the others grow with each token.
    of_audio: bool,
    shape: [usize; 4],
}

impl Model {
    /// Opens the plain ONNX forms and the vocabulary.
    pub fn open(runtime: &OnnxRuntime, encoder: &Path, decoder: &Path, tokenizer: &Path) -> Result<Self, SttError> {
        let load = |why: String| SttError::Load { why };
        let encoder = runtime.session(encoder).map_err(|e| load(e.to_string()))?;
        let decoder = runtime.session(decoder).map_err(|e| load(e.to_string()))?;
        let file = std::fs::read(tokenizer).map_err(|e| load(format!("{}: {e}", tokenizer.display())))?;
        let tokenizer = Tokenizer::read(&file).ok_or_else(|| load(format!("{} is damaged", tokenizer.display())))?;
        let caches = decoder.inputs().iter().filter_map(|input| {
            let rest = input.name().strip_prefix("past_key_values")?;
            let (heads, size) = match input.dtype().tensor_shape()?.as_ref() {
                [_, heads, _, size] => (usize::try_from(*heads).ok()?, usize::try_from(*size).ok()?),
                _ => return None,
            };
            Some(Cache {
                input: input.name().to_owned(),
                output: format!("present{rest}"),
                of_audio: rest.contains(".encoder."),
                shape: [1, heads, 1, size],
            })
        });
        let caches: Vec<Cache> = caches.collect();
        if caches.is_empty() {
            return Err(load("the decoder has no caches: another model than Moonshine".into()));
        }
        Ok(Self { encoder, decoder, caches, tokenizer })
    }

    /// The words in `audio`; `None` if `given_up` turned true meanwhile.
    pub fn transcribe(&mut self, audio: &[i16], given_up: &dyn Fn() -> bool) -> Result<Option<Transcript>, SttError> {
        let mut texts = Vec::new();
        let (mut probability, mut tokens) = (0.0_f32, 0_usize);
        for part in parts(audio, (STT_SEGMENT_MAX_S * EAR_RATE_HZ) as usize) {
            let part = &audio[part];
            if part.len() < AUDIO_SAMPLES_MIN || loudest(part) < LOUDNESS_MIN {
                continue;
            }
            let Some(said) = self.run(part, given_up).map_err(|e| SttError::Run { why: e.to_string() })? else {
                return Ok(None);
            };
            let text = without_stray_quotes(&self.tokenizer.text(&said.tokens)).to_owned();
            if !text.is_empty() && said.confidence() >= CONFIDENCE_MIN {
                probability += said.probability;
                tokens += said.tokens.len();
                texts.push(text);
            }
        }
        let confidence = (tokens > 0).then(|| probability / tokens as f32);
        Ok(Some(Transcript { text: texts.join(" "), confidence, words: Vec::new() }))
    }

    fn run(&mut self, audio: &[i16], given_up: &dyn Fn() -> bool) -> ort::Result<Option<Said>> {
        if given_up() {
            return Ok(None);
        }
        let mut samples: Vec<f32> = audio.iter().map(|&sample| f32::from(sample) / 32_768.0).collect();
        samples.resize(samples.len().max(AUDIO_SAMPLES_FILLED), 0.0);
        let input = TensorRef::from_array_view(([1, samples.len()], samples.as_slice()))?;
        let heard = self.encoder.run(ort::inputs! { "input_values" => input })?.remove_first();
        let seconds = samples.len() as f32 / EAR_RATE_HZ as f32;
        let tokens_max = (seconds * TOKENS_PER_S_MAX) as usize + TOKENS_SPARE;
        let mut said = Said::default();
        let mut caches: Vec<Option<DynValue>> = self.caches.iter().map(|_| None).collect();
        let mut last = BEGIN;
        for step in 0..tokens_max {
            if given_up() {
                return Ok(None);
            }
            let (token, probability) = self.step(&heard, last, step == 0, &mut caches)?;
            if token == END {
                break;
            }
            said.tokens.push(token);
            said.probability += probability;
            if let Some(whole) = before_loop(&said.tokens) {
                let share = whole as f32 / said.tokens.len() as f32;
                said.probability *= share;
                said.tokens.truncate(whole);
                break;
            }
            last = token;
        }
        Ok(Some(said))
    }

    /// One token and its probability.
    fn step(
        &mut self,
        heard: &DynValue,
        last: i64,
        first: bool,
        caches: &mut [Option<DynValue>],
    ) -> ort::Result<(i64, f32)> {
        let mut inputs: Vec<(Cow<'_, str>, SessionInputValue<'_>)> = ort::inputs! {
            "input_ids" => Tensor::from_array(([1_usize, 1], vec![last]))?,
            "encoder_hidden_states" => heard,
            "use_cache_branch" => Tensor::from_array(([1_usize], vec![!first]))?,
        };
        for (cache, value) in self.caches.iter().zip(caches.iter()) {
            let value: SessionInputValue<'_> = match value {
                Some(value) => value.into(),
                // The first step ignores what stands here.
                None => Tensor::from_array((cache.shape, vec![0.0_f32; cache.shape.iter().product()]))?.into(),
            };
            inputs.push((cache.input.as_str().into(), value));
        }
        let mut outputs = self.decoder.run(inputs)?;
        let logits = outputs["logits"].try_extract_tensor::<f32>()?.1;
        let chosen = likeliest(&logits[logits.len().saturating_sub(VOCABULARY)..]);
        for (cache, value) in self.caches.iter().zip(caches.iter_mut()) {
            if first || !cache.of_audio {
                *value = outputs.remove(&cache.output);
            }
        }
        Ok(chosen)
    }
}

trait TakeFirst {
    fn remove_first(self) -> DynValue;
}

impl TakeFirst for ort::session::SessionOutputs<'_> {
    fn remove_first(self) -> DynValue {
        self.into_iter().next().map(|(_, value)| value).expect("a model has an output")
    }
}

/// What the decoder said of one part.
#[derive(Debug, Default)]
struct Said {
    tokens: Vec<i64>,
    /// Sum over the tokens.
    probability: f32,
}

impl Said {
    fn confidence(&self) -> f32 {
        self.probability / self.tokens.len().max(1) as f32
    }
}

/// The network sometimes opens a quotation that nobody spoke.
fn without_stray_quotes(text: &str) -> &str {
    let bare = text.trim_start_matches(['"', '\'', '\u{201c}', '\u{2018}']);
    let closed = bare.contains(['"', '\u{201d}']) || bare.ends_with('\'');
    if closed { text } else { bare.trim_start() }
}

/// The likeliest token and its probability.
fn likeliest(logits: &[f32]) -> (i64, f32) {
    let (token, best) =
        logits.iter().enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b)).map_or((0, 0.0), |(i, &logit)| (i, logit));
    let sum: f32 = logits.iter().map(|logit| (logit - best).exp()).sum();
    (i64::try_from(token).unwrap_or(END), if sum > 0.0 { 1.0 / sum } else { 0.0 })
}

/// Where the tokens have fallen into a loop, the length up to the end of its first round.
fn before_loop(tokens: &[i64]) -> Option<usize> {
    (1..=LOOP_TOKENS_MAX).find_map(|length| {
        let start = tokens.len().checked_sub(length * LOOP_TIMES)?;
        let rounds = &tokens[start..];
        let same = rounds.chunks_exact(length).all(|round| round == &rounds[..length]);
        same.then_some(start + length)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_are_found_and_ordinary_repetition_is_not() {
        assert_eq!(before_loop(&[5, 7, 7, 7, 7]), Some(2));
        assert_eq!(before_loop(&[5, 7, 7, 7]), None);
        assert_eq!(before_loop(&[9, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3]), Some(4));
        assert_eq!(before_loop(&[1, 2, 3, 1, 2, 3, 1, 2, 3, 4]), None);
        assert_eq!(before_loop(&[]), None);
    }

    #[test]
    fn quotes_stay_where_they_are_closed() {
        assert_eq!(without_stray_quotes("\"'A hash map's keys"), "A hash map's keys");
        assert_eq!(without_stray_quotes("\"Stop,\" he said."), "\"Stop,\" he said.");
        assert_eq!(without_stray_quotes("It's fine."), "It's fine.");
    }

    #[test]
    fn the_likeliest_token_comes_with_its_probability() {
        let (token, probability) = likeliest(&[0.0, 2.0_f32.ln(), 0.0]);
        assert_eq!(token, 1);
        assert!((probability - 0.5).abs() < 1e-6);
    }
}
