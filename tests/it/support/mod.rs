//! What the tests share. Must never hold an assertion about the program.

pub mod apart;
pub mod app;
pub mod db;
pub mod people;
#[cfg(feature = "local-speech")]
pub mod person;
#[cfg(feature = "local-speech")]
pub mod server;
pub mod written;

use std::io::Write as _;

/// Notes what cannot be tested here, loudly: the test runner hides what a test says that passes, so it is also written to
/// the file that `scripts/test` shows at its end.
pub fn skip(what: &str) {
    eprintln!("\n*** SKIPPED, NOT TESTED: {what} ***\n");
    if let Some(path) = std::env::var_os("VIVAVOCE_SKIPPED") {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        file.and_then(|mut file| writeln!(file, "{what}")).expect("the file for what is skipped takes a line");
    }
}
