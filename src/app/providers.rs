//! Which models take part: names from the settings become parts. The only place where providers are named together.
//! Must never start a model that the settings do not ask for.

use super::cloud;
use crate::cloud::meter::Ledger;
use crate::config::Settings;
use crate::embedded::models::{ModelFiles, ModelPlaces};
use crate::llm::LanguageModel;
use crate::llm::chain::{LlmChain, LlmLink};
use crate::session::Parts;
use crate::session::plain::floor::Endpointing;
use crate::stt::SpeechToText;
use crate::stt::chain::{SttChain, SttDeadlines, SttLink};
use crate::tts::TextToSpeech;
use crate::tts::cache::{CacheSettings, CachedVoice};
use crate::tts::chain::{TtsChain, TtsLink};
use crate::vad::energy::EnergyDetector;
use crate::vad::{TurnModel, VoiceActivity};
use anyhow::{Context as _, bail};
use std::path::Path;
use std::sync::Arc;

/// Clips kept in memory, bytes: about 20 minutes of speech, several interviews' worth of questions.
const VOICE_MEMORY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Clips kept on disk, bytes: a few hundred questions with their probes.
const VOICE_DISK_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Context of the local language model, tokens: a probe's prompt with its answer has well under half of it.
#[cfg(feature = "local-llm")]
const LLM_CONTEXT_TOKENS: u32 = 4_096;

/// The files of the local models, where the environment says they are.
pub fn model_files() -> anyhow::Result<Arc<ModelFiles>> {
    let places = ModelPlaces::from_env(|name| std::env::var(name).ok())
        .context("there is no home directory; set VIVAVOCE_HOME to a directory to keep everything in")?;
    Ok(Arc::new(ModelFiles::new(places)))
}

/// Loads the parts that the settings name. Blocks for a second or a few: call it on a blocking thread.
pub fn load(settings: &Settings, voice_cache: &Path, ledger: &Arc<Ledger>) -> anyhow::Result<Parts> {
    let files = model_files()?;
    let (voice_activity, turn_model, stt, tts, llm) = std::thread::scope(|scope| {
        let voice_activity = scope.spawn(|| voice_activity(settings, &files));
        let turn_model = scope.spawn(|| turn_model(settings, &files));
        let stt = scope.spawn(|| speech_to_text(settings, &files));
        let llm = scope.spawn(|| language_model(settings, &files));
        let tts = text_to_speech(settings, &files, voice_cache);
        (joined(voice_activity), joined(turn_model), joined(stt), tts, joined(llm))
    });
    let parts = Parts {
        voice_activity: voice_activity?,
        turn_model: turn_model?,
        stt: stt?,
        tts: tts?,
        llm: llm?,
        meter: ledger.meter(),
    };
    // What the house itself asks (the sound check) is counted, too.
    Ok(parts.for_interview())
}

fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, anyhow::Result<T>>) -> anyhow::Result<T> {
    thread.join().unwrap_or_else(|_| bail!("a model's loading ended in a panic"))
}

/// What the rehearsal candidate speaks and hears with.
pub struct RehearsalParts {
    pub voice: Arc<dyn TextToSpeech>,
    pub ears: Arc<dyn SpeechToText>,
}

#[cfg(feature = "local-speech")]
mod local {
    use super::{Arc, ModelFiles, SpeechToText, TextToSpeech, TurnModel, VoiceActivity};
    use crate::onnx::OnnxRuntime;
    use crate::stt::moonshine::{Moonshine, MoonshineFiles};
    use crate::tts::kokoro::{Kokoro, KokoroFiles};
    use crate::tts::piper::{Manner, Piper, PiperFiles};
    use crate::vad::{silero::Silero, smart_turn::SmartTurn};

    pub fn runtime(files: &ModelFiles) -> anyhow::Result<OnnxRuntime> {
        Ok(OnnxRuntime::load(&files.verified("onnxruntime")?)?)
    }

    pub fn silero(files: &ModelFiles) -> anyhow::Result<Arc<dyn VoiceActivity>> {
        Ok(Arc::new(Silero::start(&runtime(files)?, &files.verified("silero-vad")?)?))
    }

    pub fn smart_turn(files: &ModelFiles) -> anyhow::Result<Arc<dyn TurnModel>> {
        Ok(Arc::new(SmartTurn::start(&runtime(files)?, &files.verified("smart-turn")?)?))
    }

    pub fn moonshine(files: &ModelFiles) -> anyhow::Result<Arc<dyn SpeechToText>> {
        let runtime = runtime(files)?;
        let encoder = files.verified("moonshine-encoder")?;
        let model = MoonshineFiles {
            decoder: files.verified("moonshine-decoder")?,
            tokenizer: files.verified("moonshine-tokenizer")?,
            optimised: encoder.with_file_name("optimised"),
            encoder,
        };
        Ok(Arc::new(Moonshine::start(&runtime, &model)?))
    }

    pub fn kokoro(files: &ModelFiles, voice: &str) -> anyhow::Result<Arc<dyn TextToSpeech>> {
        let pin = match voice {
            "af_heart" => "kokoro-af-heart",
            "am_michael" => "kokoro-am-michael",
            _ => anyhow::bail!("providers.voice is \"{voice}\"; kokoro has af_heart and am_michael here"),
        };
        let model = KokoroFiles {
            model: files.verified("kokoro")?,
            vocabulary: files.verified("kokoro-vocab")?,
            voice: files.verified(pin)?,
        };
        Ok(Arc::new(Kokoro::start(&runtime(files)?, &model)?))
    }

    pub fn piper(files: &ModelFiles, manner: Manner) -> anyhow::Result<Arc<dyn TextToSpeech>> {
        let model = PiperFiles { model: files.verified("piper")?, config: files.verified("piper-config")?, manner };
        Ok(Arc::new(Piper::start(&runtime(files)?, &model)?))
    }
}

#[cfg(not(feature = "local-speech"))]
const NOT_BUILT: &str = "this program was built without the feature local-speech";

/// The parts of a rehearsal candidate: `voice` is `piper` or `kokoro`. Blocks while they load.
pub fn rehearsal_parts(voice: &str) -> anyhow::Result<RehearsalParts> {
    #[cfg(feature = "local-speech")]
    {
        let files = model_files()?;
        let voice = match voice {
            "piper" => local::piper(&files, crate::tts::piper::Manner::Exact)?,
            "kokoro" => local::kokoro(&files, "am_michael")?,
            _ => bail!("--voice takes piper or kokoro"),
        };
        Ok(RehearsalParts { voice, ears: local::moonshine(&files)? })
    }
    #[cfg(not(feature = "local-speech"))]
    {
        let _ = voice;
        bail!(NOT_BUILT)
    }
}

/// What a stored interview is heard with again.
pub struct ReplayParts {
    pub voice_activity: Arc<dyn VoiceActivity>,
    pub turn_model: Option<Arc<dyn TurnModel>>,
}

/// The parts of a replay, those that the settings name. Blocks while they load.
pub fn replay_parts(settings: &Settings) -> anyhow::Result<ReplayParts> {
    let files = model_files()?;
    let voice_activity = voice_activity(settings, &files)?;
    Ok(ReplayParts { voice_activity, turn_model: turn_model(settings, &files)? })
}

fn voice_activity(settings: &Settings, files: &ModelFiles) -> anyhow::Result<Arc<dyn VoiceActivity>> {
    let door = &settings.room.open_offer;
    let leaves_ends = door.enabled && door.endpointing == Endpointing::Provider;
    match settings.providers.vad.as_str() {
        "energy" => Ok(Arc::new(EnergyDetector)),
        "auto" if leaves_ends => Ok(Arc::new(EnergyDetector)),
        #[cfg(feature = "local-speech")]
        "auto" => local::silero(files),
        #[cfg(feature = "local-speech")]
        "silero" => local::silero(files),
        name => unknown("vad", name, files),
    }
}

fn turn_model(settings: &Settings, files: &ModelFiles) -> anyhow::Result<Option<Arc<dyn TurnModel>>> {
    let door = &settings.room.open_offer;
    let asks_none = door.enabled && door.endpointing != Endpointing::Turn;
    match settings.providers.turn_model.as_str() {
        "none" => Ok(None),
        "auto" if asks_none => Ok(None),
        #[cfg(feature = "local-speech")]
        "auto" => local::smart_turn(files).map(Some),
        #[cfg(feature = "local-speech")]
        "smart-turn" => local::smart_turn(files).map(Some),
        name => unknown("turn_model", name, files),
    }
}

/// The chain of `providers.stt`; a single local one stands for itself.
fn speech_to_text(settings: &Settings, files: &ModelFiles) -> anyhow::Result<Arc<dyn SpeechToText>> {
    let names = &settings.providers.stt;
    let mut links = Vec::new();
    for name in names {
        let stt = match name.as_str() {
            #[cfg(feature = "local-speech")]
            "moonshine" | "local" => local::moonshine(files)?,
            name => match cloud::speech_to_text(settings, name)? {
                Some(stt) => stt,
                None => unknown("stt", name, files)?,
            },
        };
        links.push(SttLink { stt, breaker: Arc::default() });
    }
    if let [only] = &links[..]
        && is_local(&names[0])
    {
        return Ok(only.stt.clone());
    }
    let waits = &settings.providers.waits;
    let (words, last_words) = (cloud::ms(waits.words_ms), cloud::ms(waits.last_words_ms));
    Ok(Arc::new(SttChain::new(links, SttDeadlines { words, last_words })))
}

/// The chain of `providers.tts`, each voice with its store; a single local one stands for itself.
fn text_to_speech(
    settings: &Settings,
    files: &ModelFiles,
    voice_cache: &Path,
) -> anyhow::Result<Arc<dyn TextToSpeech>> {
    let names = &settings.providers.tts;
    let cache = CacheSettings {
        folder: Some(voice_cache.to_owned()),
        memory_bytes_max: VOICE_MEMORY_BYTES_MAX / names.len(),
        disk_bytes_max: VOICE_DISK_BYTES_MAX,
    };
    let mut links = Vec::new();
    for name in names {
        let voice = match name.as_str() {
            #[cfg(feature = "local-speech")]
            "kokoro" | "local" => local::kokoro(files, &settings.providers.voice)?,
            #[cfg(feature = "local-speech")]
            "piper" => local::piper(files, crate::tts::piper::Manner::Lively)?,
            name => match cloud::text_to_speech(settings, name)? {
                Some(voice) => voice,
                None => unknown("tts", name, files)?,
            },
        };
        links.push(TtsLink { voice: CachedVoice::new(voice, &cache), breaker: Arc::default() });
    }
    if let [only] = &links[..]
        && is_local(&names[0])
    {
        return Ok(Arc::new(only.voice.clone()));
    }
    Ok(Arc::new(TtsChain::new(links)))
}

/// The chain of `providers.llm`; none where the settings say so, or where the only one is local and not there.
fn language_model(settings: &Settings, files: &ModelFiles) -> anyhow::Result<Option<Arc<dyn LanguageModel>>> {
    let names = &settings.providers.llm;
    let mut links = Vec::new();
    for name in names {
        let model = match name.as_str() {
            "none" => None,
            #[cfg(feature = "local-llm")]
            "qwen" | "local" => match local_llm(files, settings.providers.llm_threads) {
                Ok(model) => Some(model),
                // Probes then have the bank's own wording: an interview is possible without it.
                Err(error) => {
                    tracing::warn!(%error, "the language model is not there; probes keep their authored wording");
                    None
                }
            },
            name => match cloud::language_model(settings, name, cloud::Use::Conversation)? {
                Some(model) => Some(model),
                None => unknown("llm", name, files)?,
            },
        };
        links.extend(model.map(|model| LlmLink { model, breaker: Arc::default() }));
    }
    Ok(match &links[..] {
        [] => None,
        [only] if is_local(&names[0]) => Some(only.model.clone()),
        [..] => Some(Arc::new(LlmChain::new(links))),
    })
}

/// The model of `providers.llm_scoring` or `providers.llm_generation`, where any is named: it counts for the house.
pub fn careful_model(
    settings: &Settings,
    wanted: cloud::Use,
    ledger: &Arc<Ledger>,
) -> anyhow::Result<Option<Arc<dyn LanguageModel>>> {
    let names = match wanted {
        cloud::Use::Conversation => &settings.providers.llm,
        cloud::Use::Scoring => &settings.providers.llm_scoring,
        cloud::Use::Generation => &settings.providers.llm_generation,
    };
    let mut links = Vec::new();
    for name in names {
        let model = cloud::language_model(settings, name, wanted)?.with_context(|| {
            format!("providers.{wanted} names \"{name}\", which is none under [providers.compatible]")
        })?;
        links.push(LlmLink { model, breaker: Arc::default() });
    }
    if links.is_empty() {
        return Ok(None);
    }
    let chain = LlmChain::new(links);
    Ok(chain.metered(&ledger.meter()))
}

/// How an interview with these parts is conducted: a quick model words whole turns.
pub fn conduct(settings: &Settings, parts: &Parts) -> crate::interview::Settings {
    let conduct = settings.interview.conduct.clone();
    let is_quick = parts.llm.as_ref().is_some_and(|model| model.is_quick());
    crate::interview::Settings { word_turns: conduct.word_probes && is_quick, ..conduct }
}

/// Whether every part can do without money: a name that costs nothing stands in its chain.
pub fn can_do_without_money(settings: &Settings) -> bool {
    let providers = &settings.providers;
    // A language model is never needed: the authored wording is always there.
    [&providers.stt, &providers.tts].into_iter().all(|chain| chain.iter().any(|name| is_local(name)))
}

fn is_local(name: &str) -> bool {
    ["local", "moonshine", "kokoro", "piper", "qwen"].contains(&name)
}

/// The local language model, or the small one that stands in where it could not be fetched.
#[cfg(feature = "local-llm")]
fn local_llm(files: &ModelFiles, threads: u32) -> anyhow::Result<Arc<dyn LanguageModel>> {
    use crate::llm::llama::{Llama, LlamaSettings};
    let model = files.verified("llm").or_else(|error| files.verified("llm-small").map_err(|_| error))?;
    Ok(Arc::new(Llama::start(&LlamaSettings { model, threads, context_tokens: LLM_CONTEXT_TOKENS })?))
}

fn unknown<T>(part: &str, name: &str, _: &ModelFiles) -> anyhow::Result<T> {
    bail!("providers.{part} is \"{name}\", which this program does not have (see config/default.toml)")
}
