//! Providers over the network, against fakes of their wire protocols: pieces cut at odd places, slow beginnings,
//! refusals, closes in the middle; and what happens when they fail.

mod chat;
mod ears;
pub mod fake;
mod stumbling;
mod voices;

use std::time::Duration;

/// How long the shipped settings wait for words, where another could answer and where none could.
pub fn waits() -> (Duration, Duration) {
    let settings = vivavoce::config::Settings::defaults_with("").expect("defaults");
    let ms = |ms: u32| Duration::from_millis(ms.into());
    (ms(settings.providers.waits.words_ms), ms(settings.providers.waits.last_words_ms))
}
