//! Vivavoce: spoken interviews by an AI interviewer.

pub mod id;
pub mod clock;
pub mod audio;
pub mod room;
#[cfg(feature = "local-speech")]
pub mod onnx;
pub mod vad;
pub mod stt;
pub mod turn;
pub mod interview;
pub mod llm;
pub mod tts;
pub mod session;
pub mod scoring;
pub mod store;
pub mod jobs;
pub mod auth;
pub mod http;
pub mod cli;
pub mod embedded;
pub mod app;
pub mod config;
pub mod lifecycle;
pub mod telemetry;
