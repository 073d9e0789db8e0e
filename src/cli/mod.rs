//! The commands, one file each. A command reads its arguments, the settings and the places, and hands over. Must never
//! hold what a server needs.

pub mod bench;
mod daily;
mod daily_worker;
mod doctor;
mod migrate;
pub mod rehearse;
mod replay;
mod rescore;
mod score;
mod seed;
mod serve;
pub mod tone;
mod user;

use crate::config::Settings;
use crate::embedded::Paths;
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Spoken interviews by an AI interviewer, run by whoever owns the server.
#[derive(Debug, Parser)]
#[command(name = "vivavoce", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Arguments),
    Migrate(migrate::Arguments),
    Doctor(doctor::Arguments),
    Rehearse(rehearse::Arguments),
    User(user::Arguments),
    Seed(seed::Arguments),
    Bench(bench::Arguments),
    /// The server's own reader of PDFs: from standard input to standard output, within limits.
    #[command(hide = true)]
    PdfText,
    Rescore(rescore::Arguments),
    Replay(replay::Arguments),
    Score(score::Arguments),
    Daily(daily::Arguments),
    DailyWorker(daily_worker::Arguments),
}

impl Cli {
    /// What the command runs on. A worker is one process of many beside the server's: one thread does for it.
    #[must_use]
    pub fn runtime(&self) -> tokio::runtime::Builder {
        if matches!(self.command, Command::DailyWorker(_)) {
            return tokio::runtime::Builder::new_current_thread();
        }
        tokio::runtime::Builder::new_multi_thread()
    }
}

/// Where the operator's settings are.
#[derive(Debug, clap::Args)]
struct ConfigArgument {
    /// The operator's settings, over the built-in defaults. Without it, vivavoce.toml in the data directory is read if it
    /// is there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl ConfigArgument {
    fn load(&self) -> anyhow::Result<(Settings, Paths)> {
        let paths = Paths::from_environment()?;
        let settings = Settings::load(self.config.as_deref(), &paths.settings())?;
        Ok((settings, paths))
    }
}

/// Runs the command.
pub async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Serve(arguments) => serve::run(arguments).await,
        Command::Migrate(arguments) => migrate::run(arguments).await,
        Command::Doctor(arguments) => doctor::run(arguments).await,
        Command::Rehearse(arguments) => rehearse::run(arguments).await,
        Command::User(arguments) => user::run(arguments).await,
        Command::Seed(arguments) => seed::run(arguments).await,
        Command::Bench(arguments) => bench::run(arguments).await,
        Command::PdfText => Ok(crate::profile::pdf::run_child()),
        Command::Rescore(arguments) => rescore::run(arguments).await,
        Command::Replay(arguments) => replay::run(arguments).await,
        Command::Score(arguments) => score::run(arguments).await,
        Command::Daily(arguments) => daily::run(arguments).await,
        Command::DailyWorker(arguments) => daily_worker::run(arguments).await,
    }
}
