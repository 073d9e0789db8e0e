//! A browser page as a room.

pub mod hearing;
pub mod voice;
