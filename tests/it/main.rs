//! All integration tests, one binary (one link). Each file is a subject.

#[cfg(feature = "local-speech")]
mod models;
mod scenarios;
mod tidy;
mod webrtc;
