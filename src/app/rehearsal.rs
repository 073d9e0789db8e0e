//! The parts of a rehearsal, chosen by name. Must never be used by the server.

use crate::config::Settings;
use crate::embedded::Paths;
use crate::stt::SpeechToText;
use crate::tts::TextToSpeech;
use std::sync::Arc;

/// A voice for the candidate, by its name (`piper`, `kokoro`), and ears for what it has heard.
#[cfg(feature = "local-speech")]
pub fn rehearsal_parts(
    _settings: &Settings,
    paths: &Paths,
    voice: &str,
) -> anyhow::Result<(Arc<dyn TextToSpeech>, Arc<dyn SpeechToText>)> {
    use crate::embedded::models::{ModelFiles, ModelPlaces};
    use crate::onnx::OnnxRuntime;
    use crate::stt::moonshine::{Moonshine, MoonshineFiles};
    use crate::tts::kokoro::{Kokoro, KokoroFiles};
    use crate::tts::piper::{Manner, Piper, PiperFiles};

    let places = ModelPlaces {
        cache: paths.cache.clone(),
        models: Some(paths.models.clone()),
        onnx_library: std::env::var_os("VIVAVOCE_ORT_LIB").map(Into::into),
    };
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
        other => anyhow::bail!("there is no voice named {other}: piper or kokoro"),
    };
    let ears = MoonshineFiles {
        encoder: files.verified("moonshine-encoder")?,
        decoder: files.verified("moonshine-decoder")?,
        tokenizer: files.verified("moonshine-tokenizer")?,
        optimised: paths.models.join("moonshine-base-en/optimised"),
    };
    Ok((voice, Arc::new(Moonshine::start(&runtime, &ears)?)))
}

/// Without local speech there is no voice for a candidate.
#[cfg(not(feature = "local-speech"))]
pub fn rehearsal_parts(
    _settings: &Settings,
    _paths: &Paths,
    _voice: &str,
) -> anyhow::Result<(Arc<dyn TextToSpeech>, Arc<dyn SpeechToText>)> {
    anyhow::bail!("this build has no local speech; build it with the feature local-speech")
}
