//! Daily.co rooms. The real native client, in the real worker process, against a Daily of our own ([`fake`]), in a network
//! of its own where this machine allows one, so that nothing can reach the outside. Where the library was not fetched
//! (`scripts/setup --daily`) or there is no network to be had, each test says loudly that it was skipped.

#[cfg(feature = "local-speech")]
mod bridge;
mod check;
mod delay;
mod failures;
mod fake;
#[cfg(feature = "local-speech")]
mod house;
#[cfg(feature = "local-speech")]
mod interviews;
mod kept;
mod many;
mod mute;
mod network;
#[cfg(feature = "local-speech")]
mod recordings;
#[cfg(feature = "local-speech")]
mod rehearsed;
mod rest;
#[cfg(feature = "local-speech")]
mod restart;
mod room;
mod sounds;
mod stage;
mod tones;
mod webhook;
mod worker;
