//! All integration tests, one binary (one link). Each file is a subject.

mod cloud;
mod conversation;
mod daily;
mod embedded;
mod http;
#[cfg(feature = "local-speech")]
mod models;
mod open;
mod replays;
mod scenarios;
mod scoring;
mod store;
mod support;
mod tidy;
mod turns;
mod webrtc;
#[cfg(feature = "local-speech")]
mod whole;
