//! `[room.open_offer]`: the door without a token, for trials, benchmarks and clients that others wrote. Must never be open
//! by default.

use crate::interview::question::Level;
use crate::session::plain::floor::Endpointing;
use serde::Deserialize;

/// `[room.open_offer]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenOffer {
    pub enabled: bool,
    pub conversation: Conversation,
    pub language: String,
    pub category: String,
    pub level: Level,
    pub system_prompt: String,
    pub greeting: String,
    pub apology: String,
    pub endpointing: Endpointing,
    pub silence_ms: u32,
    pub silence_max_ms: u32,
    pub complete_probability: f32,
    pub judgement_ms_max: u32,
    pub interrupt_ms: u32,
    pub tokens_max: u32,
    pub temperature: f32,
    pub history_messages_max: usize,
    pub reconnect_s: u32,
    pub idle_s: u32,
    pub minutes_max: u32,
}

/// What an open offer begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Conversation {
    /// Words in, words out: no plan, no score.
    Plain,
    /// A practice interview of the category and level named here.
    Interview,
}

impl OpenOffer {
    /// What types alone cannot say, each with whether it is so.
    pub fn wrong(&self) -> [(bool, &'static str); 5] {
        [
            (
                !(20..=5_000).contains(&self.silence_ms) || self.silence_max_ms < self.silence_ms,
                "room.open_offer.silence_ms must lie between 20 and 5000, and silence_max_ms not below it",
            ),
            (
                !(0.0..=1.0).contains(&self.complete_probability),
                "room.open_offer.complete_probability must lie between 0 and 1",
            ),
            (self.interrupt_ms == 0, "room.open_offer.interrupt_ms must be at least 1"),
            (
                self.tokens_max == 0 || self.history_messages_max < 2,
                "room.open_offer.tokens_max must be at least 1, history_messages_max at least 2",
            ),
            (
                self.idle_s == 0 || self.minutes_max == 0 || self.reconnect_s == 0,
                "room.open_offer.idle_s, minutes_max and reconnect_s must be at least 1",
            ),
        ]
    }
}
