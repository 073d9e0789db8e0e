//! `vivavoce bench turns`: the policy of the floor over answers given as word timings, in virtual time: how many answers
//! it would have cut off, and how long it waits at their end. Must never decide itself when an answer is over.

mod answer;
mod figures;
mod trial;

use crate::turn::{Profile, Settings};
use anyhow::Context as _;
use figures::Report;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Endpointing over answers given as word timings, in virtual time: answers cut off, and the wait at their end.
///
/// One answer a line: {"id":"a1","kind":"open","question":"…","words":[{"text":"well","start_s":0.31,"end_s":0.52},…],
/// "p_complete":[{"at_s":1.2,"p":0.34},…]}. The answer ends at its last word. `kind`: factual, explain, design,
/// behavioural, code, open (as explain), thinking (as design) or unknown. Without `p_complete` silence and words alone decide.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// The answers, one JSON object a line.
    #[arg(long, value_name = "FILE.jsonl")]
    input: PathBuf,
    /// The thresholds to measure: quick, interview or patient.
    #[arg(long, default_value = "interview", value_parser = profile)]
    profile: Profile,
    /// What a candidate's accommodation multiplies the waits by (1, 1.25, 1.5 or 2).
    #[arg(long, default_value_t = 1.0, value_parser = crate::turn::settings::multiplier)]
    multiplier: f64,
    /// One threshold changed, by its name in the settings' file, such as turn.patience.unknown_ms=1800; may be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Also the curve of wait against share cut off: the same policy with all its waits multiplied, and a bare timeout.
    #[arg(long)]
    sweep: bool,
    /// One JSON object, on the last line.
    #[arg(long)]
    json: bool,
}

fn profile(name: &str) -> Result<Profile, String> {
    Profile::named(name).ok_or_else(|| format!("no profile {name:?}; there are quick, interview and patient"))
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut settings = Settings::default();
    for one in &arguments.set {
        settings = settings.with_named(one).with_context(|| format!("--set {one}"))?;
    }
    let settings = settings.of_interview(Some(arguments.profile), arguments.multiplier);
    let answers = answer::read(&arguments.input)?;
    let began = Instant::now();
    let trials = trial::all(&settings, &answers);
    let took = began.elapsed();
    let mut report = Report::of(&answers, &trials);
    if arguments.sweep {
        report.sweep = sweep(&settings, &answers);
        report.timeouts = TIMEOUTS_MS.iter().map(|ms| figures::timeout(&answers, *ms)).collect();
    }
    if arguments.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{report}");
        let events: u32 = trials.iter().map(|trial| trial.events).sum();
        println!("a decision costs {:.1} µs an event", took.as_secs_f64() * 1e6 / f64::from(events.max(1)));
    }
    Ok(ExitCode::SUCCESS)
}

/// What the curve multiplies all waits by.
const SWEEP_FACTORS: [f64; 13] = [0.25, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0];
/// The bare timeouts that it is compared with, ms.
const TIMEOUTS_MS: [u64; 12] = [500, 800, 1_000, 1_250, 1_500, 1_750, 2_000, 2_050, 2_250, 2_500, 3_000, 4_000];

fn sweep(settings: &Settings, answers: &[answer::Answer]) -> Vec<figures::Point> {
    let point = |factor: &f64| {
        let trials = trial::all(&settings.clone().with_multiplier(*factor), answers);
        figures::Point { factor: Some(*factor), all: figures::Figures::of(trials.iter()) }
    };
    SWEEP_FACTORS.iter().map(point).collect()
}
