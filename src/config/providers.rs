//! `[providers]`: who hears, speaks and thinks, in which order, where they are, how long they are waited for and what may
//! be spent. Must never hold a key: a setting names the variable or the file that holds it.

use serde::Deserialize;
use std::collections::BTreeMap;

/// `[providers]`: names only; `app` turns them into parts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Providers {
    pub vad: String,
    pub turn_model: String,
    pub stt: Vec<String>,
    pub tts: Vec<String>,
    pub llm: Vec<String>,
    pub llm_scoring: Vec<String>,
    pub llm_generation: Vec<String>,
    pub voice: String,
    pub llm_threads: u32,
    pub waits: Waits,
    pub conversation: LlmLimits,
    pub scoring: LlmLimits,
    pub generation: LlmLimits,
    pub budget: BudgetSettings,
    pub deepgram: Deepgram,
    pub elevenlabs: ElevenLabs,
    pub cartesia: Cartesia,
    pub compatible: BTreeMap<String, Compatible>,
}

/// `[providers.waits]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waits {
    pub connect_ms: u32,
    pub words_ms: u32,
    pub last_words_ms: u32,
    pub segment_ms: u32,
    pub first_audio_ms: u32,
    pub next_audio_ms: u32,
}

/// `[providers.conversation]`, `[providers.scoring]`, `[providers.generation]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LlmLimits {
    pub tokens_max: u32,
    pub first_token_ms: u32,
    pub next_token_ms: u32,
    pub whole_ms: u32,
}

/// `[providers.budget]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetSettings {
    pub interview_usd: f64,
    pub day_usd: f64,
}

/// `[providers.deepgram]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deepgram {
    pub base_url: String,
    pub key_env: String,
    pub key_file: String,
    pub stt_model: String,
    pub endpointing_ms: u32,
    pub tts_model: String,
    pub stt_usd_per_minute: f64,
    pub tts_usd_per_million_characters: f64,
}

/// `[providers.elevenlabs]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ElevenLabs {
    pub base_url: String,
    pub key_env: String,
    pub key_file: String,
    pub model: String,
    pub voice: String,
    pub usd_per_million_characters: f64,
}

/// `[providers.cartesia]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cartesia {
    pub base_url: String,
    pub key_env: String,
    pub key_file: String,
    pub model: String,
    pub voice: String,
    pub language: String,
    pub usd_per_million_characters: f64,
}

/// `[providers.compatible.NAME]`: whoever speaks OpenAI's protocol.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compatible {
    pub base_url: String,
    pub key_env: String,
    pub key_file: String,
    pub chat_model: String,
    pub scoring_model: String,
    pub generation_model: String,
    pub tokens_field: String,
    pub sends_temperature: bool,
    pub structure: Structure,
    /// JSON.
    pub chat_extra: String,
    pub transcription_model: String,
    pub realtime_model: String,
    pub speech_model: String,
    pub speech_voice: String,
    pub speech_instructions: String,
    pub usd_per_million_tokens_in: f64,
    pub usd_per_million_tokens_out: f64,
    pub stt_usd_per_minute: f64,
    pub tts_usd_per_million_characters: f64,
}

/// How an answer that is data is bound to its schema.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Structure {
    Schema,
    Object,
    Prompt,
}

impl Providers {
    /// What types alone cannot say.
    pub(super) fn wrong(&self) -> Option<&'static str> {
        let budget = [self.budget.interview_usd, self.budget.day_usd];
        let all = [
            (self.stt.is_empty(), "providers.stt must name at least one"),
            (self.tts.is_empty(), "providers.tts must name at least one"),
            (
                self.llm.len() > 1 && self.llm.iter().any(|name| name == "none"),
                "providers.llm is either \"none\" or names models",
            ),
            (budget.iter().any(|usd| !(0.0..1e9).contains(usd)), "providers.budget takes US dollars, 0 for no limit"),
        ];
        all.iter().find(|(is_wrong, _)| *is_wrong).map(|(_, said)| *said)
    }
}
