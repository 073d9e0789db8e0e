//! Models loaded once for all tests of this subject, recordings, and the words for what is absent.

use crate::support::skip;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use vivavoce::audio::frame::{EAR_FRAME_SAMPLES, EAR_RATE_HZ, EarFrame, SamplePos, VoiceClip};
use vivavoce::embedded::models::{ModelFiles, ModelPlaces};
use vivavoce::id::UtteranceId;
use vivavoce::onnx::OnnxRuntime;
use vivavoce::stt::moonshine::{Moonshine, MoonshineFiles};
use vivavoce::stt::{SpeechToText, SttCommand, SttEvent, SttOptions, Transcript};

/// A model that is absent: the test is skipped loudly, or fails where every model has to be there.
pub fn absent<T>(what: &str) -> Option<T> {
    let required = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    assert!(!required("CI", "true") && !required("VIVAVOCE_REQUIRE_MODELS", "1"), "needed here: {what}");
    apart(what)
}

/// Data that lie beside the project and are not here: the test is skipped loudly.
pub fn apart<T>(what: &str) -> Option<T> {
    skip(what);
    None
}

/// The files of the models.
pub fn files() -> Arc<ModelFiles> {
    static FILES: OnceLock<Arc<ModelFiles>> = OnceLock::new();
    let open = || {
        let places = ModelPlaces::from_env(|name| std::env::var(name).ok()).expect("a home directory");
        Arc::new(ModelFiles::new(places))
    };
    Arc::clone(FILES.get_or_init(open))
}

/// The path of a whole file, if it is there.
pub fn file(name: &str) -> Option<PathBuf> {
    files().verified(name).map_or_else(|error| absent(&error.to_string()), Some)
}

pub fn runtime() -> Option<OnnxRuntime> {
    let library = file("onnxruntime")?;
    Some(OnnxRuntime::load(&library).expect("the runtime loads"))
}

/// The transcriber, loaded once.
pub fn moonshine() -> Option<Arc<Moonshine>> {
    static LOADED: Mutex<Option<Arc<Moonshine>>> = Mutex::new(None);
    let mut loaded = LOADED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if loaded.is_none() {
        let encoder = file("moonshine-encoder")?;
        let optimised = encoder.parent().expect("a folder").join("optimised");
        let files = MoonshineFiles {
            encoder,
            decoder: file("moonshine-decoder")?,
            tokenizer: file("moonshine-tokenizer")?,
            optimised,
        };
        let started = std::time::Instant::now();
        *loaded = Some(Arc::new(Moonshine::start(&runtime()?, &files).expect("Moonshine loads")));
        println!("Moonshine loaded in {} ms", started.elapsed().as_millis());
    }
    loaded.clone()
}

/// A recording of somebody speaking.
pub struct Recording {
    pub name: String,
    pub text: String,
    pub pcm: Vec<i16>,
}

fn recordings_folder() -> PathBuf {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/speech");
    std::env::var("VIVAVOCE_SPEECH_DIR").map_or(default, PathBuf::from)
}

/// All recordings of people, or a word for it that they are not here.
pub fn recordings() -> Option<Vec<Recording>> {
    let what = || format!("recordings of people in {} (VIVAVOCE_SPEECH_DIR)", recordings_folder().display());
    recorded().or_else(|| apart(&what()))
}

/// Somebody speaking: people, where there are recordings of them, else the project's own voices.
pub async fn speech() -> Option<Vec<Recording>> {
    match recorded() {
        Some(people) => Some(people),
        None => super::voices::synthesised().await,
    }
}

fn recorded() -> Option<Vec<Recording>> {
    let folder = recordings_folder();
    let manifest = std::fs::read(folder.join("manifest.json")).ok()?;
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("a manifest");
    let read = |entry: &serde_json::Value| {
        let name = entry["file"].as_str().expect("a file").to_owned();
        let mut wav = hound::WavReader::open(folder.join(&name)).expect("a WAV file");
        assert_eq!((wav.spec().sample_rate, wav.spec().channels), (EAR_RATE_HZ, 1), "{name}");
        let pcm = wav.samples::<i16>().map(|sample| sample.expect("a sample")).collect();
        Recording { name, text: entry["text"].as_str().expect("a text").to_owned(), pcm }
    };
    Some(manifest.as_array().expect("a list").iter().map(read).collect())
}

/// Audio as frames from `at` on, the last one filled up with silence.
pub fn frames(pcm: &[i16], at: u64) -> impl Iterator<Item = EarFrame> + '_ {
    pcm.chunks(EAR_FRAME_SAMPLES).enumerate().map(move |(i, chunk)| {
        let mut frame = EarFrame {
            at: SamplePos(at + (i * EAR_FRAME_SAMPLES) as u64),
            pcm: [0; EAR_FRAME_SAMPLES],
            concealed: false,
        };
        frame.pcm[..chunk.len()].copy_from_slice(chunk);
        frame
    })
}

/// What the transcriber makes of `pcm`.
pub async fn transcribe(stt: &dyn SpeechToText, pcm: &[i16]) -> Transcript {
    let mut stream = stt.open(SttOptions::default());
    for frame in frames(pcm, 0) {
        stream.commands.send(SttCommand::Audio(frame)).await.expect("taken");
    }
    let (from, to) = (SamplePos(0), SamplePos(pcm.len() as u64));
    let asked = SttCommand::Transcribe { utterance: UtteranceId(1), revision: 0, from, to, last: true };
    stream.commands.send(asked).await.expect("taken");
    match stream.events.recv().await.expect("an event") {
        SttEvent::Final { utterance, revision, transcript } => {
            assert_eq!((utterance, revision), (UtteranceId(1), 0));
            transcript
        }
        other @ (SttEvent::Partial { .. }
        | SttEvent::Failed { .. }
        | SttEvent::Endpoint { .. }
        | SttEvent::Switched { .. }
        | SttEvent::Down { .. }) => {
            panic!("no transcript: {other:?}")
        }
    }
}

/// A clip as the ear gets it: 24 kHz to 16 kHz, two samples of every three, between their neighbours.
pub fn heard(clip: &VoiceClip) -> Vec<i16> {
    let at = |i: usize| i32::from(clip.pcm.get(i).copied().unwrap_or(0));
    (0..clip.pcm.len() * 2 / 3)
        .map(|i| {
            let place = i * 3 / 2;
            let sample = if i % 2 == 0 {
                (at(place.saturating_sub(1)) + 2 * at(place) + at(place + 1)) / 4
            } else {
                (at(place) + at(place + 1)) / 2
            };
            sample as i16
        })
        .collect()
}
