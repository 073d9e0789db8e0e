//! `vivavoce daily check`: proves with a real key what the tests can only play: a room is made, two workers join it, each
//! hears the other's tone, and everything is cleaned up. Must never leave a room behind.

use super::ConfigArgument;
use crate::app;
use clap::Subcommand;
use std::process::ExitCode;

/// Daily.co rooms.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a room with the key of room.daily.api_key, hold a call of tones in it, and delete it.
    Check {
        #[command(flatten)]
        config: ConfigArgument,
    },
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Command::Check { config } = arguments.command;
    let (settings, paths) = config.load()?;
    match app::daily_check(&settings, &paths, |said| println!("{said}")).await {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => {
            println!("FAILED  {error:#}");
            Ok(ExitCode::FAILURE)
        }
    }
}
