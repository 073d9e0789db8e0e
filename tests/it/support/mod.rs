//! What the tests share. Must never hold an assertion about the program.

pub mod db;
pub mod app;
