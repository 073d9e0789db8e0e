//! The open door: plain conversations with played providers, over real WebRTC, on a real record.

mod interview;
mod plain;
mod refusals;
mod socket;
mod stage;
mod stumbling;
mod wire;
