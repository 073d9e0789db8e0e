//! `vivavoce score`: grades answers from a file, without any interview. One JSON object a line goes in, one comes out; the
//! same input gives the same output. Must never write a time or a chance id.

mod line;

pub use line::Line;

use super::ConfigArgument;
use crate::app::scoring;
use crate::scoring::grader::{Graded, Grader, GradingInput, Passage, PointGraded, Source};
use crate::scoring::report::Account;
use anyhow::Context as _;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Grades answers from a file: one JSON object a line with id, question, reference, rubric, key_points, answer and
/// max_score; all but the answer may be missing. See docs/scoring.md.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The answers.
    #[arg(long, value_name = "FILE.jsonl")]
    input: PathBuf,
    /// Where the grades go.
    #[arg(long, value_name = "FILE.jsonl")]
    output: PathBuf,
    /// Who judges: "local" (no key) or "model" (the first of providers.llm_scoring).
    #[arg(long, value_name = "SCORER", value_parser = ["local", "model"])]
    scorer: Option<String>,
    #[command(flatten)]
    config: ConfigArgument,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let (mut settings, _) = arguments.config.load()?;
    match arguments.scorer.as_deref() {
        Some("local") => settings.providers.llm_scoring.clear(),
        Some(_) if settings.providers.llm_scoring.is_empty() => {
            anyhow::bail!("providers.llm_scoring names no provider: name one, or use --scorer local")
        }
        Some(_) | None => {}
    }
    let grader = scoring::load_alone(&settings)?.grader;
    let (input, output) = (arguments.input, arguments.output);
    // Pure computing, or a wait for a model: away from the threads that carry the runtime.
    let count = tokio::task::spawn_blocking(move || grade_file(&input, &output, grader.as_ref())).await??;
    eprintln!("{count} answers graded");
    Ok(ExitCode::SUCCESS)
}

fn grade_file(input: &Path, output: &Path, grader: &dyn Grader) -> anyhow::Result<usize> {
    // All is read before anything is written: a broken line leaves no half a file.
    let lines = Line::read_all(input)?;
    let place = |path: &Path| path.canonicalize().ok().filter(|place| place.is_file());
    if place(input).is_some_and(|place_of_input| place(output) == Some(place_of_input)) {
        anyhow::bail!("{} is the input: name another file for the grades", output.display());
    }
    let file = File::create(output).with_context(|| format!("{} cannot be written", output.display()))?;
    let mut writer = BufWriter::new(file);
    for line in &lines {
        let (graded, account) = grader.grade_accounted(&line.grading());
        serde_json::to_writer(&mut writer, &shown(line, &graded, &account))?;
        writer.write_all(b"\n")?;
        // A model may take an hour for a file: what it has judged is kept, whatever ends it.
        writer.flush()?;
    }
    Ok(lines.len())
}

/// What is written of an answer.
fn shown(line: &Line, graded: &Graded, account: &Account) -> Value {
    let input = line.grading();
    let points: Vec<Value> = graded.key_points.iter().map(|point| point_graded(&input, point)).collect();
    let wrong = graded.misconceptions.iter().map(|found| {
        let statement = &input.misconceptions[found.misconception].statement;
        json!({ "statement": statement, "quotes": [passage(&input, &found.quote)] })
    });
    let flags = graded.flags.iter().map(|flag| {
        let place = flag.passage.as_ref().map(|at| passage(&input, at));
        json!({ "kind": flag.kind, "place": place })
    });
    json!({
        "id": line.id,
        "max_score": line.max_score,
        "score": rounded(graded.score01 * line.max_score),
        "score01": rounded(graded.score01),
        "level": graded.level,
        "cap": graded.cap,
        "key_points": points,
        "misconceptions": wrong.collect::<Vec<_>>(),
        "confidence": rounded(graded.confidence),
        "flags": flags.collect::<Vec<_>>(),
        "scored_by": account.by,
        "fell_back": account.fell_back,
    })
}

fn point_graded(input: &GradingInput<'_>, point: &PointGraded) -> Value {
    let quotes: Vec<Value> = point.quote.iter().map(|quote| passage(input, quote)).collect();
    json!({
        "id": point.id,
        "statement": point.statement,
        "weight": point.weight,
        "must": point.must,
        "status": point.status,
        "quotes": quotes,
    })
}

/// A stretch with its words; places are counted in characters, not bytes.
fn passage(input: &GradingInput<'_>, passage: &Passage) -> Value {
    let text = match passage.source {
        Source::Answer => input.answer,
        Source::Code => input.code.unwrap_or(""),
        Source::Question => input.question,
        Source::Reference => input.reference,
    };
    let said = text.get(passage.at.clone()).unwrap_or("");
    let start = text.get(..passage.at.start).unwrap_or("").chars().count();
    json!({ "source": passage.source, "text": said, "start": start, "end": start + said.chars().count() })
}

/// To a ten-thousandth: what is below says nothing.
fn rounded(value: f64) -> f64 {
    const STEPS: f64 = 10_000.0;
    (value * STEPS).round() / STEPS
}
