//! Providers over the network, against fakes of their wire protocols: pieces cut at odd places, slow beginnings,
//! refusals, closes in the middle.

mod chat;
pub mod fake;
