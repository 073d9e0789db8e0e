//! `vivavoce migrate`: brings the record's schema up to date, as `serve` does at start, and leaves.

use super::ConfigArgument;
use crate::app;
use std::process::ExitCode;

/// Bring the database's schema up to date (`serve` does so by itself).
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let (settings, paths) = arguments.config.load()?;
    crate::telemetry::init_logging(&settings.telemetry)?;
    let database = app::open_database(&settings, &paths).await?;
    database.close().await?;
    println!("The database's schema is up to date.");
    Ok(ExitCode::SUCCESS)
}
