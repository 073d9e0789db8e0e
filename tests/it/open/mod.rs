//! The open door: plain conversations with played providers, over real WebRTC, on a real record.

mod plain;
mod refusals;
mod socket;
mod stage;
