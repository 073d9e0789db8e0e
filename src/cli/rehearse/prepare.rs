//! A script made audible before the call: every answer as samples, with its pauses in it. Must never run during a call:
//! the candidate shares the cores with the server that it measures.

use super::interject::{self, Interjections};
use super::script::Part;
use crate::audio::frame::VOICE_RATE_HZ;
use crate::audio::resample::{ResampleError, resample};
use crate::cli::bench::providers::Stretch;
use crate::interview::rehearsal::Words;
use crate::tts::sentences::sentences;
use crate::tts::{SpeakRequest, TextToSpeech, TtsError, Urgency};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Silence between two sentences of an utterance, samples (300 ms: a breath).
const BREATH_SAMPLES: usize = VOICE_RATE_HZ as usize * 3 / 10;
/// Stretch in which loudness is looked at, samples (10 ms).
const WINDOW_SAMPLES: usize = VOICE_RATE_HZ as usize / 100;
/// A window is voice from this loudness on (RMS, of 32,767).
const VOICED_RMS: f32 = 200.0;
/// Longest answer, samples (5 minutes).
const ANSWER_SAMPLES_MAX: usize = VOICE_RATE_HZ as usize * 300;

/// An answer as it will be sounded.
#[derive(Debug)]
pub struct PreparedAnswer {
    /// The stretches of speech between pauses.
    pub utterances: Vec<String>,
    /// Each sentence and where it lies.
    pub stretches: Vec<Stretch>,
    pub think: Duration,
    /// 24 kHz, pauses included.
    pub pcm: Vec<i16>,
    /// The sample after the last voiced one.
    pub voiced_end: usize,
    pub code: Option<String>,
}

/// A script, audible.
#[derive(Debug)]
pub struct Prepared {
    pub answers: HashMap<String, Arc<PreparedAnswer>>,
    /// To follow-ups of one question, in order.
    pub probes: HashMap<String, Vec<Arc<PreparedAnswer>>>,
    /// For what has no answer of its own, in turn; never empty.
    pub general: Vec<Arc<PreparedAnswer>>,
    /// What is said into the interviewer's lines, if anything is.
    pub interjections: Option<Arc<Interjections>>,
}

/// What can fail.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    #[error("the answer \"{start}…\" could not be synthesised: {why}")]
    Voice { start: String, why: TtsError },
    #[error("{path}: {why}")]
    Wav { path: String, why: String },
    #[error("the answer \"{start}…\" holds no voice")]
    Silent { start: String },
    #[error("the answer \"{start}…\" is longer than 5 minutes")]
    TooLong { start: String },
}

/// Makes a whole script audible; `told` hears how many answers of how many are done.
pub async fn prepare(
    part: &Part,
    voice: &dyn TextToSpeech,
    told: impl Fn(usize, usize),
) -> Result<Prepared, PrepareError> {
    let script = &part.script;
    let all = script.answers.len() + script.probe_answers.len();
    let mut prepared =
        Prepared { answers: HashMap::new(), probes: HashMap::new(), general: Vec::new(), interjections: None };
    for (done, answer) in script.answers.iter().enumerate() {
        told(done, all);
        let sounded = sound(&answer.words, answer.code.clone(), &part.folder, voice).await?;
        prepared.answers.insert(answer.question.clone(), Arc::new(sounded));
    }
    for (done, answer) in script.probe_answers.iter().enumerate() {
        told(script.answers.len() + done, all);
        let sounded = Arc::new(sound(&answer.words, None, &part.folder, voice).await?);
        match &answer.question {
            Some(question) => prepared.probes.entry(question.clone()).or_default().push(sounded),
            None => prepared.general.push(sounded),
        }
    }
    told(all, all);
    Ok(prepared)
}

/// Makes audible what is said into the interviewer's lines.
pub async fn interjections(voice: &dyn TextToSpeech) -> Result<Interjections, PrepareError> {
    let say = async |text: &str| {
        let words = Words { think_s: 0.0, text: text.to_owned(), pause_s: 0.0, then: None, wav: None };
        sound(&words, None, Path::new(""), voice).await.map(Arc::new)
    };
    let mut sounds = Vec::new();
    for text in interject::SOUNDS {
        sounds.push(say(text).await?);
    }
    Ok(Interjections { words: say(interject::WORDS).await?, sounds })
}

/// One line, from its first to its last voiced sample.
pub async fn line(text: &str, voice: &dyn TextToSpeech) -> Result<Arc<[i16]>, TtsError> {
    let mut sounded = Sounded::default();
    sounded.speak(text, voice).await?;
    Ok(sounded.pcm.into())
}

async fn sound(
    words: &Words,
    code: Option<String>,
    folder: &Path,
    voice: &dyn TextToSpeech,
) -> Result<PreparedAnswer, PrepareError> {
    let start = || words.text.chars().take(30).collect::<String>();
    let utterances: Vec<String> = std::iter::once(&words.text).chain(&words.then).cloned().collect();
    let mut sounded = Sounded::default();
    if let Some(wav) = &words.wav {
        sounded.pcm = read_wav(&folder.join(wav))?;
        sounded.stretches.push(Stretch { text: words.whole(), from_ms: 0, to_ms: ms(sounded.pcm.len()) });
    } else {
        for (index, utterance) in utterances.iter().enumerate() {
            if index > 0 {
                sounded.pause((words.pause_s * VOICE_RATE_HZ as f32) as usize);
            }
            let failed = |why| PrepareError::Voice { start: start(), why };
            sounded.speak(utterance, voice).await.map_err(failed)?;
        }
    }
    let Sounded { pcm, stretches } = sounded;
    if pcm.len() > ANSWER_SAMPLES_MAX {
        return Err(PrepareError::TooLong { start: start() });
    }
    let voiced_end = voiced(&pcm).ok_or_else(|| PrepareError::Silent { start: start() })?.end;
    let think = Duration::from_secs_f32(words.think_s);
    Ok(PreparedAnswer { utterances, stretches, think, pcm, voiced_end, code })
}

/// What was made audible so far, and where its sentences lie.
#[derive(Default)]
struct Sounded {
    pcm: Vec<i16>,
    stretches: Vec<Stretch>,
}

impl Sounded {
    fn pause(&mut self, samples: usize) {
        self.pcm.resize(self.pcm.len() + samples, 0);
    }

    /// One utterance, from its first to its last voiced sample.
    async fn speak(&mut self, text: &str, voice: &dyn TextToSpeech) -> Result<(), TtsError> {
        for (index, sentence) in sentences(text).into_iter().enumerate() {
            let text: Arc<str> = sentence.into();
            let (urgency, cancel) = (Urgency::Beforehand, CancellationToken::new());
            let clip = voice.speak(SpeakRequest { text: text.clone(), speed: 1.0, urgency, cancel }).await?;
            if index > 0 {
                self.pause(BREATH_SAMPLES);
            }
            let from_ms = ms(self.pcm.len());
            self.pcm.extend_from_slice(voiced(&clip.pcm).map_or(&[], |range| &clip.pcm[range]));
            self.stretches.push(Stretch { text: text.to_string(), from_ms, to_ms: ms(self.pcm.len()) });
        }
        Ok(())
    }
}

fn ms(samples: usize) -> u64 {
    samples as u64 * 1_000 / u64::from(VOICE_RATE_HZ)
}

/// From the first to the last voiced sample.
fn voiced(pcm: &[i16]) -> Option<std::ops::Range<usize>> {
    let mut windows = pcm.chunks(WINDOW_SAMPLES).map(|window| super::ear::rms(window) >= VOICED_RMS);
    let first = windows.position(|voiced| voiced)?;
    let last = pcm.chunks(WINDOW_SAMPLES).rposition(|window| super::ear::rms(window) >= VOICED_RMS)?;
    Some(first * WINDOW_SAMPLES..((last + 1) * WINDOW_SAMPLES).min(pcm.len()))
}

/// A mono 16-bit WAV file of any rate, at ours.
fn read_wav(path: &Path) -> Result<Vec<i16>, PrepareError> {
    let wrong = |why: String| PrepareError::Wav { path: path.display().to_string(), why };
    let mut wav = hound::WavReader::open(path).map_err(|why| wrong(why.to_string()))?;
    let spec = wav.spec();
    if (spec.channels, spec.bits_per_sample, spec.sample_format) != (1, 16, hound::SampleFormat::Int) {
        return Err(wrong("a mono file of 16-bit samples is needed".to_owned()));
    }
    if wav.duration() as usize > ANSWER_SAMPLES_MAX * 2 {
        return Err(wrong("it is too long".to_owned()));
    }
    let pcm: Result<Vec<i16>, _> = wav.samples().collect();
    let pcm = pcm.map_err(|why| wrong(why.to_string()))?;
    resample(&pcm, spec.sample_rate, VOICE_RATE_HZ).map_err(|why: ResampleError| wrong(why.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::frame::VoiceClip;
    use futures::FutureExt as _;
    use futures::future::BoxFuture;

    /// A voice of 1 s of tone with 100 ms of silence on either side, whatever it is to say.
    struct Tone;

    impl TextToSpeech for Tone {
        fn speak(&self, request: SpeakRequest) -> BoxFuture<'static, Result<VoiceClip, TtsError>> {
            let silence = vec![0_i16; 2_400];
            let tone: Vec<i16> = (0..24_000).map(|i| if i % 48 < 24 { 6_000 } else { -6_000 }).collect();
            let pcm = [silence.as_slice(), &tone, &silence].concat();
            std::future::ready(Ok(VoiceClip { text: request.text, pcm: pcm.into(), words: Arc::default() })).boxed()
        }

        fn voice(&self) -> String {
            "tone".to_owned()
        }
    }

    #[tokio::test]
    async fn pauses_and_breaths_are_in_the_answer_and_its_end_is_known() {
        let text = "category = \"c\"\nlevel = \"middle\"\nlanguage = \"en\"\n\
            [[answers]]\nquestion = \"a.b\"\nkind = \"design\"\nthink_s = 1.0\n\
            text = \"One here. Two there.\"\npause_s = 1.5\nthen = \"Three.\"\n\
            [[probe_answers]]\ntext = \"No idea.\"\n";
        let part = Part { script: crate::cli::rehearse::script::parse(text).expect("a script"), folder: "".into() };
        let prepared = prepare(&part, &Tone, |_, _| ()).await.expect("prepared");
        let answer = &prepared.answers["a.b"];
        assert_eq!(answer.voiced_end, 24_000 + 7_200 + 24_000 + 36_000 + 24_000);
        assert_eq!(answer.pcm.len(), answer.voiced_end);
        let places: Vec<(&str, u64, u64)> =
            answer.stretches.iter().map(|said| (said.text.as_str(), said.from_ms, said.to_ms)).collect();
        assert_eq!(places, [("One here.", 0, 1_000), ("Two there.", 1_300, 2_300), ("Three.", 3_800, 4_800)]);
        assert_eq!(answer.think, Duration::from_secs(1));
        assert_eq!(prepared.general.len(), 1);
    }
}
