//! `vivavoce replay`: a stored interview's taking of turns, decided again offline, with the same thresholds or others, and
//! compared. From the recording (voice detector and turn model hear it again) or from the log alone. Must never change
//! what is stored.

mod ears;
mod source;

use crate::app;
use crate::session::replay::{Stored, compare::compare};
use crate::turn::Settings;
use crate::turn::settings::NameError;
use anyhow::Context as _;
use serde_json::json;
use source::Source;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Decide a stored interview's turns again, offline, and tell what would have gone otherwise.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// An interview's id, or a folder (or its log.jsonl) that `--export` has written.
    #[arg(value_name = "INTERVIEW")]
    interview: String,
    /// A threshold to change, such as turn.patience.factual_ms=900; may be given several times.
    #[arg(long = "set", value_name = "turn.NAME=VALUE")]
    changes: Vec<String>,
    /// Decide by what the log says that was heard, although there is a recording.
    #[arg(long)]
    log_only: bool,
    /// Write log and recording to this folder, for a test or another machine, and leave.
    #[arg(long, value_name = "DIR")]
    export: Option<PathBuf>,
    /// End with one line of JSON on standard output.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: super::ConfigArgument,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let (mut settings, paths) = arguments.config.load()?;
    "warn,ort=warn".clone_into(&mut settings.telemetry.log);
    crate::telemetry::init_logging(&settings.telemetry)?;
    // Told before anything is loaded.
    changed(&Settings::default(), &arguments.changes)?;
    let source = Source::open(&arguments.interview, &settings, &paths).await?;
    if let Some(folder) = &arguments.export {
        source.export(folder)?;
        println!("{}", folder.display());
        return Ok(ExitCode::SUCCESS);
    }
    let mut stored = Stored::read(source.events());
    anyhow::ensure!(!stored.is_empty(), "this log does not tell what the floor was told: it is of an older version");
    let recording = source.recording.as_deref().filter(|_| !arguments.log_only);
    let heard = match recording {
        Some(recording) => {
            let parts = tokio::task::spawn_blocking(move || app::replay_parts(&settings)).await?;
            let parts = parts.context("without the models only --log-only is possible")?;
            ears::hear_again(&mut stored, recording, &parts).await?;
            "recording"
        }
        None => "log",
    };
    let changes = |logged: &Settings| changed(logged, &arguments.changes).unwrap_or_else(|_| logged.clone());
    let comparison = compare(&stored, Instant::now(), changes);
    if arguments.json {
        eprint!("{}", comparison.table());
        println!("{}", json!({"heard": heard, "set": arguments.changes, "comparison": comparison}));
    } else {
        print!("{}", comparison.table());
    }
    Ok(ExitCode::SUCCESS)
}

/// `settings` with all `changes`.
fn changed(settings: &Settings, changes: &[String]) -> Result<Settings, NameError> {
    changes.iter().try_fold(settings.clone(), |settings, change| settings.with_named(change))
}
