//! Providers over the network, against fakes of their wire protocols: pieces cut at odd places, slow beginnings,
//! refusals, closes in the middle; and what happens when they fail.

mod chat;
mod ears;
pub mod fake;
mod stumbling;
mod voices;
