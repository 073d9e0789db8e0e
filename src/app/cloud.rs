//! Providers over the network, from the settings that name them: address, key, model, limits, price. Must never keep a
//! setting's key anywhere but in its endpoint, nor start one that no chain names.

use crate::cloud::meter::{Budget, Price};
use crate::cloud::{Endpoint, Key};
use crate::config::{Compatible, LlmLimits, Settings, Structure};
use crate::llm::LanguageModel;
use crate::llm::openai::{self, OpenAiChat, OpenAiChatSettings};
use crate::stt::SpeechToText;
use crate::stt::deepgram::{Deepgram, DeepgramSettings};
use crate::stt::realtime::{Realtime, RealtimeSettings};
use crate::stt::segments::{Segments, SegmentsSettings};
use crate::tts::TextToSpeech;
use crate::tts::aura::{Aura, AuraSettings};
use crate::tts::cartesia::{Cartesia, CartesiaSettings};
use crate::tts::elevenlabs::{ElevenLabs, ElevenLabsSettings};
use crate::tts::speech::{Speech, SpeechSettings};
use anyhow::{Context as _, ensure};
use std::sync::Arc;
use std::time::Duration;

/// What stands before the address of every provider instead of its own, for benchmarks: all of them are then played by
/// one fake.
const BENCH_URL: &str = "VIVAVOCE_BENCH_URL";
/// The address that `config/bench.toml` names.
const BENCH_BASE: &str = "http://127.0.0.1:9100";

/// What a language model is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Use {
    Conversation,
    Scoring,
    Generation,
}

impl std::fmt::Display for Use {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Conversation => "llm",
            Self::Scoring => "llm_scoring",
            Self::Generation => "llm_generation",
        })
    }
}

pub fn ms(ms: u32) -> Duration {
    Duration::from_millis(u64::from(ms))
}

/// The budget of the settings, in millionths of a dollar.
pub fn budget(settings: &Settings) -> Budget {
    let micro = |usd: f64| (usd * 1_000_000.0).round() as u64;
    let given = &settings.providers.budget;
    Budget { interview_micro_usd: micro(given.interview_usd), day_micro_usd: micro(given.day_usd) }
}

fn endpoint(
    settings: &Settings,
    name: &str,
    base_url: &str,
    key_file: &str,
    key_env: &str,
) -> anyhow::Result<Endpoint> {
    let key = Key::find(key_file, key_env, |variable| std::env::var(variable).ok())
        .with_context(|| format!("the provider {name} of the settings cannot be used"))?;
    let base_url = benched(base_url, std::env::var(BENCH_URL).ok().as_deref());
    Ok(Endpoint::new(name, &base_url, key, ms(settings.providers.waits.connect_ms))?)
}

/// The address, with the benchmark's own where one is named and the settings are the benchmark's.
fn benched(base_url: &str, bench_url: Option<&str>) -> String {
    match (base_url.strip_prefix(BENCH_BASE), bench_url) {
        (Some(path), Some(bench)) if !bench.is_empty() => format!("{}{path}", bench.trim_end_matches('/')),
        _ => base_url.to_owned(),
    }
}

fn compatible<'a>(settings: &'a Settings, name: &str) -> Option<&'a Compatible> {
    settings.providers.compatible.get(name)
}

fn compatible_endpoint(settings: &Settings, name: &str, given: &Compatible) -> anyhow::Result<Endpoint> {
    endpoint(settings, name, &given.base_url, &given.key_file, &given.key_env)
}

fn deepgram_endpoint(settings: &Settings) -> anyhow::Result<Endpoint> {
    let given = &settings.providers.deepgram;
    endpoint(settings, "deepgram", &given.base_url, &given.key_file, &given.key_env)
}

fn has_model(name: &str, key: &str, model: &str) -> anyhow::Result<()> {
    ensure!(!model.is_empty(), "providers.compatible.{name}.{key} is empty, and a chain names it");
    Ok(())
}

/// A transcriber by its name in a chain; `None` for one that is none.
pub fn speech_to_text(settings: &Settings, name: &str) -> anyhow::Result<Option<Arc<dyn SpeechToText>>> {
    let waits = &settings.providers.waits;
    let connect = ms(waits.connect_ms);
    if name == "deepgram" {
        let given = &settings.providers.deepgram;
        let chosen = DeepgramSettings {
            model: given.stt_model.clone(),
            endpointing_ms: given.endpointing_ms,
            connect,
            price: Price { minute: given.stt_usd_per_minute, ..Price::default() },
        };
        return Ok(Some(Arc::new(Deepgram::new(deepgram_endpoint(settings)?, chosen))));
    }
    let realtime = name.strip_suffix("-realtime").filter(|name| compatible(settings, name).is_some());
    let base = realtime.unwrap_or(name);
    let Some(given) = compatible(settings, base) else { return Ok(None) };
    let endpoint = compatible_endpoint(settings, base, given)?;
    let price = Price { minute: given.stt_usd_per_minute, ..Price::default() };
    Ok(Some(if realtime.is_some() {
        has_model(base, "realtime_model", &given.realtime_model)?;
        Arc::new(Realtime::new(endpoint, RealtimeSettings { model: given.realtime_model.clone(), connect, price }))
    } else {
        has_model(base, "transcription_model", &given.transcription_model)?;
        let (model, whole) = (given.transcription_model.clone(), ms(waits.segment_ms));
        Arc::new(Segments::new(endpoint, SegmentsSettings { model, whole, price }))
    }))
}

/// A voice by its name in a chain; `None` for one that is none.
pub fn text_to_speech(settings: &Settings, name: &str) -> anyhow::Result<Option<Arc<dyn TextToSpeech>>> {
    let providers = &settings.providers;
    let waits = &providers.waits;
    let (connect, first_audio, next_audio) = (ms(waits.connect_ms), ms(waits.first_audio_ms), ms(waits.next_audio_ms));
    let priced = |usd: f64| Price { million_characters: usd, ..Price::default() };
    Ok(Some(match name {
        "deepgram" => {
            let given = &providers.deepgram;
            let price = priced(given.tts_usd_per_million_characters);
            let chosen = AuraSettings { model: given.tts_model.clone(), first_audio, next_audio, price };
            Arc::new(Aura::new(deepgram_endpoint(settings)?, chosen))
        }
        "elevenlabs" => {
            let given = &providers.elevenlabs;
            let price = priced(given.usd_per_million_characters);
            let (model, voice) = (given.model.clone(), given.voice.clone());
            let endpoint = endpoint(settings, name, &given.base_url, &given.key_file, &given.key_env)?;
            let chosen = ElevenLabsSettings { model, voice, connect, first_audio, next_audio, price };
            Arc::new(ElevenLabs::new(endpoint, chosen))
        }
        "cartesia" => {
            let given = &providers.cartesia;
            let price = priced(given.usd_per_million_characters);
            let (model, voice, language) = (given.model.clone(), given.voice.clone(), given.language.clone());
            let endpoint = endpoint(settings, name, &given.base_url, &given.key_file, &given.key_env)?;
            let chosen = CartesiaSettings { model, voice, language, connect, first_audio, next_audio, price };
            Arc::new(Cartesia::new(endpoint, chosen))
        }
        name => {
            let Some(given) = compatible(settings, name) else { return Ok(None) };
            has_model(name, "speech_model", &given.speech_model)?;
            let chosen = SpeechSettings {
                model: given.speech_model.clone(),
                voice: given.speech_voice.clone(),
                instructions: given.speech_instructions.clone(),
                first_audio,
                next_audio,
                price: priced(given.tts_usd_per_million_characters),
            };
            Arc::new(Speech::new(compatible_endpoint(settings, name, given)?, chosen))
        }
    }))
}

/// A language model by its name in a chain; `None` for one that is none.
pub fn language_model(settings: &Settings, name: &str, wanted: Use) -> anyhow::Result<Option<Arc<dyn LanguageModel>>> {
    let Some(given) = compatible(settings, name) else { return Ok(None) };
    has_model(name, "chat_model", &given.chat_model)?;
    let providers = &settings.providers;
    let (limits, model): (&LlmLimits, &String) = match wanted {
        Use::Conversation => (&providers.conversation, &given.chat_model),
        Use::Scoring => (&providers.scoring, &given.scoring_model),
        Use::Generation => (&providers.generation, &given.generation_model),
    };
    let model = if model.is_empty() { &given.chat_model } else { model };
    let extra = serde_json::from_str(&given.chat_extra)
        .with_context(|| format!("providers.compatible.{name}.chat_extra is no JSON object"))?;
    let chosen = OpenAiChatSettings {
        model: model.clone(),
        tokens_max: limits.tokens_max,
        tokens_field: given.tokens_field.clone(),
        sends_temperature: given.sends_temperature,
        structure: match given.structure {
            Structure::Schema => openai::Structure::Schema,
            Structure::Object => openai::Structure::Object,
            Structure::Prompt => openai::Structure::Prompt,
        },
        extra,
        first_token: ms(limits.first_token_ms),
        next_token: ms(limits.next_token_ms),
        whole: ms(limits.whole_ms),
        price: Price {
            million_tokens_in: given.usd_per_million_tokens_in,
            million_tokens_out: given.usd_per_million_tokens_out,
            ..Price::default()
        },
    };
    Ok(Some(Arc::new(OpenAiChat::new(compatible_endpoint(settings, name, given)?, chosen))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_benchmarks_address_is_replaced() {
        assert_eq!(benched("http://127.0.0.1:9100/v1", Some("http://10.0.0.9:9200/")), "http://10.0.0.9:9200/v1");
        assert_eq!(benched("http://127.0.0.1:9100", None), "http://127.0.0.1:9100");
        assert_eq!(benched("https://api.deepgram.com", Some("http://10.0.0.9:9200")), "https://api.deepgram.com");
    }

    #[test]
    fn a_provider_without_its_key_or_model_says_so() {
        let settings = Settings::defaults_with("[providers.deepgram]\nkey_env = \"VIVAVOCE_NO_SUCH_KEY\"").expect("ok");
        let error = speech_to_text(&settings, "deepgram").err().expect("no key");
        assert!(format!("{error:#}").contains("VIVAVOCE_NO_SUCH_KEY"), "{error:#}");
        let error = text_to_speech(&settings, "ollama").err().expect("no model");
        assert!(error.to_string().contains("providers.compatible.ollama.speech_model"), "{error}");
        assert!(language_model(&settings, "nobody", Use::Scoring).expect("no failure").is_none());
        assert!(language_model(&settings, "ollama", Use::Scoring).expect("no key is wanted").is_some());
    }
}
