//! `vivavoce bench`: how well a part does its work, measured on data given as files. One file for each bench. Must
//! never measure a copy: every bench runs the code that interviews run.

pub mod providers;
mod report;
mod rest;
mod score;
mod turns;

use clap::Subcommand;
use std::process::ExitCode;

/// Measures a part of the program on data given as files.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Debug, Subcommand)]
enum Bench {
    Turns(turns::Arguments),
    Score(score::Arguments),
    Report(report::Arguments),
    Rest(rest::Arguments),
    Providers(providers::Arguments),
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.bench {
        Bench::Turns(arguments) => turns::run(&arguments),
        Bench::Score(arguments) => score::run(&arguments),
        Bench::Report(arguments) => report::run(&arguments),
        Bench::Rest(arguments) => rest::run(arguments).await,
        Bench::Providers(arguments) => providers::run(arguments).await,
    }
}
