//! The program: parses the command and hands over.

use clap::Parser;
use std::process::ExitCode;
use vivavoce::cli::{self, Cli};

fn main() -> ExitCode {
    // Before anything could open a TLS connection.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("vivavoce: a TLS provider was installed before ours");
    }
    let command = Cli::parse();
    let runtime = match command.runtime().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("vivavoce: no threads to run on: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(cli::run(command));
    // Model threads may be in the middle of a computation: the process does not wait for them.
    runtime.shutdown_background();
    result.unwrap_or_else(|error| {
        eprintln!("vivavoce: {error:#}");
        ExitCode::FAILURE
    })
}
