//! What the tests share. Must never hold an assertion about the program.

pub mod app;
pub mod db;
pub mod people;
#[cfg(feature = "local-speech")]
pub mod person;
#[cfg(feature = "local-speech")]
pub mod server;
pub mod written;
