//! The parts of a rehearsal, chosen by name. Must never be used by the server.

use crate::stt::SpeechToText;
use crate::tts::TextToSpeech;
use std::sync::Arc;

/// What the rehearsal candidate speaks and hears with.
pub struct RehearsalParts {
    pub voice: Arc<dyn TextToSpeech>,
    pub ears: Arc<dyn SpeechToText>,
}

/// A voice for the candidate, by its name (`piper`, `kokoro`), and ears for what it has heard. Blocks while they load.
#[cfg(feature = "local-speech")]
pub fn rehearsal_parts(voice: &str) -> anyhow::Result<RehearsalParts> {
    use crate::embedded::models::{ModelFiles, ModelPlaces};
    use crate::onnx::OnnxRuntime;
    use crate::stt::moonshine::{Moonshine, MoonshineFiles};
    use crate::tts::kokoro::{Kokoro, KokoroFiles};
    use crate::tts::piper::{Manner, Piper, PiperFiles};
    use anyhow::Context as _;

    let places = ModelPlaces::from_env(|name| std::env::var(name).ok()).context("there is no home directory")?;
    let files = ModelFiles::new(places);
    let runtime = OnnxRuntime::load(&files.verified("onnxruntime")?)?;
    let voice: Arc<dyn TextToSpeech> = match voice {
        "piper" => {
            let (model, config) = (files.verified("piper")?, files.verified("piper-config")?);
            Arc::new(Piper::start(&runtime, &PiperFiles { model, config, manner: Manner::Exact })?)
        }
        "kokoro" => Arc::new(Kokoro::start(
            &runtime,
            &KokoroFiles {
                model: files.verified("kokoro")?,
                vocabulary: files.verified("kokoro-vocab")?,
                voice: files.verified("kokoro-am-michael")?,
            },
        )?),
        _ => anyhow::bail!("--voice takes piper or kokoro"),
    };
    let encoder = files.verified("moonshine-encoder")?;
    let ears = MoonshineFiles {
        decoder: files.verified("moonshine-decoder")?,
        tokenizer: files.verified("moonshine-tokenizer")?,
        optimised: encoder.with_file_name("optimised"),
        encoder,
    };
    Ok(RehearsalParts { voice, ears: Arc::new(Moonshine::start(&runtime, &ears)?) })
}

/// Without local speech there is no voice for a candidate.
#[cfg(not(feature = "local-speech"))]
pub fn rehearsal_parts(_voice: &str) -> anyhow::Result<RehearsalParts> {
    anyhow::bail!("this program was built without the feature local-speech")
}
