//! `vivavoce rescore`: makes the reports of stored interviews anew, by the rubric and the scorer of now, and prints what
//! differs and why. Keeps nothing unless it is told to. Must never print what somebody said.

use super::ConfigArgument;
use crate::app;
use crate::id::SessionId;
use crate::jobs::evaluate::{Scoring, assess};
use crate::scoring::compare::{Comparison, compare};
use crate::scoring::report::Report;
use crate::store::{InterviewRow, ReportState, Store};
use serde::{Deserialize, Serialize};
use std::process::ExitCode;

/// Interviews read at once.
const INTERVIEWS_PER_READ: u32 = 100;

/// Make the reports of stored interviews anew by the rubric and scorer of now, and print what differs and why.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// These interviews; without any, all that have a report.
    #[arg(value_name = "INTERVIEW")]
    interviews: Vec<SessionId>,
    /// Keep the new reports. Without it nothing changes.
    #[arg(long)]
    save: bool,
    /// Print one JSON object for each interview.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigArgument,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let (settings, paths) = arguments.config.load()?;
    crate::telemetry::init_logging(&settings.telemetry)?;
    let scoring = app::scoring::load_alone(&settings)?;
    let database = app::open_database(&settings, &paths).await?;
    let done = rescore_all(&arguments, &database.store, &scoring).await;
    database.close().await?;
    let totals = done?;
    if !arguments.json {
        let kept = if arguments.save { "kept" } else { "not kept (--save keeps them)" };
        println!(
            "{} reports made anew, {kept}: {} with another score, {} could not be made",
            totals.made, totals.changed, totals.failed
        );
    }
    Ok(if totals.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[derive(Default)]
struct Totals {
    made: u32,
    changed: u32,
    failed: u32,
}

async fn rescore_all(arguments: &Arguments, store: &Store, scoring: &Scoring) -> anyhow::Result<Totals> {
    let mut totals = Totals::default();
    if !arguments.interviews.is_empty() {
        for id in &arguments.interviews {
            match store.interview(*id).await {
                Ok(interview) => rescore(arguments, store, scoring, &interview, &mut totals).await,
                // The others are looked at all the same.
                Err(error) => told(arguments, &mut totals, *id, Err(error.into())),
            }
        }
        return Ok(totals);
    }
    let mut before = None;
    loop {
        let page = store.interviews(INTERVIEWS_PER_READ, before, None).await?;
        let Some(last) = page.last() else { return Ok(totals) };
        before = Some(last.id);
        for interview in page.iter().filter(|interview| interview.report_state == ReportState::Ready) {
            rescore(arguments, store, scoring, interview, &mut totals).await;
        }
    }
}

/// One interview as it is printed.
#[derive(Serialize)]
struct Outcome {
    interview: SessionId,
    /// Why it could not be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
    /// Against the stored report; absent where that is of another version.
    #[serde(skip_serializing_if = "Option::is_none")]
    comparison: Option<Comparison>,
}

async fn rescore(
    arguments: &Arguments,
    store: &Store,
    scoring: &Scoring,
    interview: &InterviewRow,
    totals: &mut Totals,
) {
    let made = remade(arguments, store, scoring, interview).await;
    told(arguments, totals, interview.id, made);
}

/// Counts and prints what became of one.
fn told(arguments: &Arguments, totals: &mut Totals, interview: SessionId, made: anyhow::Result<Option<Comparison>>) {
    let outcome = match made {
        Ok(comparison) => {
            totals.made += 1;
            totals.changed += u32::from(comparison.as_ref().is_none_or(Comparison::changes_a_score));
            Outcome { interview, failed: None, comparison }
        }
        Err(error) => {
            totals.failed += 1;
            Outcome { interview, failed: Some(format!("{error:#}")), comparison: None }
        }
    };
    if arguments.json {
        println!("{}", serde_json::to_string(&outcome).expect("plain data"));
    } else {
        print(&outcome);
    }
}

async fn remade(
    arguments: &Arguments,
    store: &Store,
    scoring: &Scoring,
    interview: &InterviewRow,
) -> anyhow::Result<Option<Comparison>> {
    let stored = store.report(interview.id).await?;
    let assessed = assess(store, scoring, interview).await?;
    if arguments.save {
        assessed.save(store).await?;
    }
    let before = Report::deserialize(&stored.document).ok();
    Ok(before.map(|before| compare(&before, &assessed.report)))
}

fn print(outcome: &Outcome) {
    let id = outcome.interview;
    if let Some(why) = &outcome.failed {
        println!("{id}: the report cannot be made: {why}");
        return;
    }
    let Some(comparison) = &outcome.comparison else {
        println!("{id}: the stored report is of another version, so there is nothing to compare with");
        return;
    };
    if !comparison.changes_a_score() {
        println!("{id}: the same scores{}", because(&comparison.causes));
        return;
    }
    println!("{id}: other scores{}", because(&comparison.causes));
    if let Some(change) = &comparison.recommendation {
        println!("  recommendation {} -> {}", change.from.as_str(), change.to.as_str());
    }
    for change in &comparison.scores {
        let of = |score: Option<f64>, interval: Option<[f64; 2]>| match interval {
            Some([low, high]) => format!("{} ({low} to {high})", shown(score)),
            None => shown(score),
        };
        let (before, after) =
            (of(change.score.from, change.interval90.from), of(change.score.to, change.interval90.to));
        println!("  {} {before} -> {after}", change.of);
    }
    for question in &comparison.questions {
        let level = |level: Option<u8>| level.map_or_else(|| "none".to_owned(), |level| level.to_string());
        println!(
            "  {}. {}: level {} -> {}, score01 {} -> {}",
            question.number,
            question.id,
            level(question.level.from),
            level(question.level.to),
            shown(question.score01.from),
            shown(question.score01.to),
        );
        for why in &question.why {
            println!("     {why}");
        }
    }
}

fn because(causes: &[String]) -> String {
    if causes.is_empty() { String::new() } else { format!(" (different: {})", causes.join("; ")) }
}

fn shown(score: Option<f64>) -> String {
    score.map_or_else(|| "none".to_owned(), |score| score.to_string())
}
