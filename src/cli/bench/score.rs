//! `vivavoce bench score`: how well the local scorer agrees with people, and what noise, manner and words to the grader do
//! to it. Prints one JSON document. Must never fit anything.

use crate::app::scoring::embedder;
use crate::cli::score::Line;
use crate::embed::Embedder;
use crate::scoring::agreement::{Agreement, Pair, agreement};
use crate::scoring::disturb::{CHATTER, INJECTIONS, UNFORESEEN, manner, noise};
use crate::scoring::grader::{Graded, Grader, GradingInput};
use crate::scoring::local::LocalGrader;
use crate::scoring::local::features::{NAMES, STEMS};
use crate::scoring::rubric::Rubric;
use serde::Serialize;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

/// Shorter answers are easy zeros that flatter a scorer, words.
const WORDS_MIN: usize = 4;

/// Measures the local scorer on answers with a `human` field.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The answers, in the form that `vivavoce score` reads, with `human` (up to `max_score`) or `label`.
    #[arg(long, value_name = "FILE.jsonl")]
    input: PathBuf,
    /// Answers that are disturbed on purpose, evenly taken.
    #[arg(long, value_name = "N", default_value_t = 200)]
    suite: usize,
    /// Writes the figures of every answer here, for scripts/tuning/fit.py, and measures nothing.
    #[arg(long, value_name = "FILE.jsonl")]
    figures: Option<PathBuf>,
    /// Works without the model of meaning.
    #[arg(long)]
    words_alone: bool,
}

#[derive(Serialize)]
struct Printed {
    scorer: String,
    /// Answers of at least `WORDS_MIN` words.
    answers: Option<Agreement>,
    all_answers: Option<Agreement>,
    /// The same scorer without the model of meaning, with constants fitted for that.
    by_words_alone: Option<Agreement>,
    /// Share of the reference's new words that the answer says, and nothing else.
    by_overlap: Option<Agreement>,
    answers_per_second: f64,
    rerun_difference_max: f64,
    noise: Change,
    manner: Change,
    injections: Change,
    /// Wordings that no pattern was written for.
    unforeseen_injections: Change,
    /// A sentence that has nothing to do with the question.
    chatter: Change,
}

/// What a disturbance does to scores.
#[derive(Default, Serialize)]
struct Change {
    answers: usize,
    mean: f64,
    mean_absolute: f64,
    max_absolute: f64,
    level_raised_share: f64,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let lines = Line::read_all(&arguments.input)?;
    let rubric = Rubric::shipped()?;
    let meaning: Option<Arc<dyn Embedder>> = if arguments.words_alone { None } else { embedder() };
    let grader = LocalGrader::new(rubric.clone(), meaning);
    if let Some(path) = &arguments.figures {
        std::fs::write(path, figures(&lines, &grader)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let began = Instant::now();
    let graded: Vec<Graded> = lines.iter().map(|line| grader.grade(&line.grading())).collect();
    let took = began.elapsed().as_secs_f64();
    let words_alone = LocalGrader::new(rubric, None);
    let long = |line: &Line| line.answer.split_whitespace().count() >= WORDS_MIN;
    let pairs = |score: &dyn Fn(usize) -> f64, counts: &dyn Fn(&Line) -> bool| {
        let judged = lines.iter().enumerate().filter(|(_, line)| counts(line));
        let pair = |(at, line): (usize, &Line)| {
            Some(Pair { question: line.question_name().to_owned(), human: line.human01()?, score: score(at) })
        };
        agreement(&judged.filter_map(pair).collect::<Vec<_>>())
    };
    let alone = |at: usize| words_alone.grade(&lines[at].grading()).score01;
    let overlap = |at: usize| words_alone.figures(&lines[at].grading()).0.values[STEMS];
    let step = (lines.len() / arguments.suite.max(1)).max(1);
    let suite: Vec<(&Line, &Graded)> = lines.iter().zip(&graded).step_by(step).filter(|(line, _)| long(line)).collect();
    let printed = Printed {
        scorer: grader.name(),
        answers: pairs(&|at| graded[at].score01, &long),
        all_answers: pairs(&|at| graded[at].score01, &|_| true),
        by_words_alone: pairs(&alone, &long),
        by_overlap: pairs(&overlap, &long),
        answers_per_second: (count(lines.len()) / took.max(f64::EPSILON)).round(),
        rerun_difference_max: change(&suite, &grader, |line, _| said(line).to_owned()).max_absolute,
        noise: change(&suite, &grader, |line, _| noise(said(line), &line.id.to_string())),
        manner: change(&suite, &grader, |line, _| manner(said(line))),
        injections: change(&suite, &grader, |line, at| added(said(line), INJECTIONS, at)),
        unforeseen_injections: change(&suite, &grader, |line, at| added(said(line), UNFORESEEN, at)),
        chatter: change(&suite, &grader, |line, at| added(said(line), CHATTER, at)),
    };
    println!("{}", serde_json::to_string_pretty(&printed)?);
    Ok(ExitCode::SUCCESS)
}

/// An answer with one of the sentences: before it in every third, else after it.
fn added(answer: &str, sentences: &[&str], at: usize) -> String {
    // Each sentence comes before and after, whatever their number.
    let sentence = sentences[(at / 3 + at) % sentences.len()];
    if at % 3 == 2 { format!("{sentence} {answer}") } else { format!("{answer} {sentence}") }
}

fn said(line: &Line) -> &str {
    &line.answer
}

fn change(suite: &[(&Line, &Graded)], grader: &LocalGrader, disturbed: impl Fn(&Line, usize) -> String) -> Change {
    let mut change = Change { answers: suite.len(), ..Change::default() };
    for (at, (line, before)) in suite.iter().enumerate() {
        let answer = disturbed(line, at);
        let after = grader.grade(&GradingInput { answer: &answer, ..line.grading() });
        let difference = after.score01 - before.score01;
        change.mean += difference;
        change.mean_absolute += difference.abs();
        change.max_absolute = change.max_absolute.max(difference.abs());
        change.level_raised_share += if after.level > before.level { 1.0 } else { 0.0 };
    }
    let all = count(suite.len().max(1));
    change.mean /= all;
    change.mean_absolute /= all;
    change.level_raised_share /= all;
    change
}

/// One object a line: what an answer is, its judgement, its figures and those of its material.
fn figures(lines: &[Line], grader: &LocalGrader) -> anyhow::Result<String> {
    let mut text = String::new();
    for line in lines {
        let (features, kind, about) = grader.figures(&line.grading());
        let named: serde_json::Map<String, Value> =
            NAMES.iter().zip(features.values).map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let words = said(line).split_whitespace().count();
        let row = json!({
            "id": line.id, "question": line.question_name(), "human": line.human01(), "words": words,
            "figures": named, "about": about, "own_share": kind.own_share, "filler_share": kind.filler_share,
        });
        text.push_str(&serde_json::to_string(&row)?);
        text.push('\n');
    }
    Ok(text)
}

#[expect(clippy::cast_precision_loss, reason = "counts of answers are small")]
fn count(n: usize) -> f64 {
    n as f64
}
