//! `vivavoce score`: grades answers from a file, without any interview. One JSON object a line goes in, one comes out; the
//! same input gives the same output. Must never write a time or a chance id.

use super::ConfigArgument;
use crate::app::scoring;
use crate::interview::question::{KeyPoint, Misconception};
use crate::scoring::grader::{Graded, Grader, GradingInput, Passage, PointGraded, Source};
use crate::scoring::report::Account;
use anyhow::Context as _;
use serde::Deserialize;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Longest line, bytes: an answer of half an hour with its material is far below.
const LINE_BYTES_MAX: u64 = 4 << 20;
/// Full marks where a line does not say.
const MAX_SCORE: f64 = 5.0;

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
    let file = File::create(output).with_context(|| format!("{} cannot be written", output.display()))?;
    let mut writer = BufWriter::new(file);
    for line in &lines {
        let (graded, account) = grader.grade_accounted(&line.grading());
        serde_json::to_writer(&mut writer, &line.graded(&graded, &account))?;
        writer.write_all(b"\n")?;
    }
    writer.flush()?;
    Ok(lines.len())
}

/// One answer with its material. Fields that are not known are ignored.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Line {
    pub id: Value,
    pub question_id: Option<String>,
    question: Option<String>,
    reference: Option<String>,
    rubric: Option<String>,
    key_points: Option<Vec<LinePoint>>,
    misconceptions: Option<Vec<LinePoint>>,
    pub answer: Option<String>,
    max_score: Option<f64>,
    language: Option<String>,
    /// A person's score, up to `max_score`.
    human: Option<f64>,
    /// A person's word, where there is no score.
    label: Option<String>,
    #[serde(skip)]
    points: Vec<KeyPoint>,
    #[serde(skip)]
    wrong: Vec<Misconception>,
}

/// A key point or misconception: a statement, or what a bank has of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum LinePoint {
    Statement(String),
    Authored {
        id: Option<String>,
        #[serde(alias = "text")]
        statement: String,
        weight: Option<f64>,
        must: Option<bool>,
        critical: Option<bool>,
        #[serde(default)]
        paraphrases: Vec<String>,
        #[serde(default)]
        terms: Vec<String>,
    },
}

impl Line {
    /// All lines of a file.
    pub fn read_all(path: &Path) -> anyhow::Result<Vec<Self>> {
        let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let mut reader = BufReader::new(file);
        let mut lines = Vec::new();
        for number in 1.. {
            let mut text = String::new();
            let read = std::io::Read::take(&mut reader, LINE_BYTES_MAX).read_line(&mut text);
            let bytes = read.with_context(|| format!("{}:{number} is not text", path.display()))?;
            if bytes == 0 {
                break;
            }
            if !text.trim().is_empty() {
                let line: Self = serde_json::from_str(&text)
                    .with_context(|| format!("{}:{number} is not an answer", path.display()))?;
                lines.push(line.prepared());
            }
        }
        Ok(lines)
    }

    fn prepared(mut self) -> Self {
        let points = self.key_points.take().unwrap_or_default().into_iter().enumerate();
        self.points = points.map(|(at, point)| point.key_point(at)).collect();
        let wrong = self.misconceptions.take().unwrap_or_default().into_iter().enumerate();
        self.wrong = wrong.map(|(at, wrong)| wrong.misconception(at)).collect();
        self
    }

    /// What the grader is to know: nothing but the material and the words.
    pub fn grading(&self) -> GradingInput<'_> {
        GradingInput {
            question: self.question.as_deref().unwrap_or(""),
            reference: self.reference.as_deref().unwrap_or(""),
            rubric: self.rubric.as_deref().unwrap_or(""),
            key_points: &self.points,
            misconceptions: &self.wrong,
            answer: self.answer.as_deref().unwrap_or(""),
            code: None,
            max_score: self.max_score(),
            language: self.language.as_deref().unwrap_or("en"),
        }
    }

    fn max_score(&self) -> f64 {
        self.max_score.filter(|max| max.is_finite() && *max > 0.0).unwrap_or(MAX_SCORE)
    }

    /// What question it is, by name or by its words.
    pub fn question_name(&self) -> &str {
        self.question_id.as_deref().or(self.question.as_deref()).unwrap_or("")
    }

    /// A person's judgement, 0 to 1. Of words only "correct" is worth something.
    pub fn human01(&self) -> Option<f64> {
        let labelled = || self.label.as_ref().map(|label| if label == "correct" { 1.0 } else { 0.0 });
        self.human.map(|human| (human / self.max_score()).clamp(0.0, 1.0)).or_else(labelled)
    }

    fn graded(&self, graded: &Graded, account: &Account) -> Value {
        let input = self.grading();
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
            "id": self.id,
            "max_score": self.max_score(),
            "score": rounded(graded.score01 * self.max_score()),
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
}

impl LinePoint {
    fn key_point(self, at: usize) -> KeyPoint {
        let number = format!("given-{}", at + 1);
        match self {
            Self::Statement(statement) => {
                KeyPoint { id: number, statement, weight: 1.0, must: true, paraphrases: Vec::new(), terms: Vec::new() }
            }
            Self::Authored { id, statement, weight, must, critical: _, paraphrases, terms } => KeyPoint {
                id: id.unwrap_or(number),
                statement,
                weight: weight.filter(|weight| weight.is_finite() && *weight > 0.0).unwrap_or(1.0),
                must: must.unwrap_or(true),
                paraphrases,
                terms,
            },
        }
    }

    fn misconception(self, at: usize) -> Misconception {
        let number = format!("given-{}", at + 1);
        match self {
            Self::Statement(statement) => {
                Misconception { id: number, statement, critical: false, paraphrases: Vec::new(), terms: Vec::new() }
            }
            Self::Authored { id, statement, weight: _, must: _, critical, paraphrases, terms } => Misconception {
                id: id.unwrap_or(number),
                statement,
                critical: critical.unwrap_or(false),
                paraphrases,
                terms,
            },
        }
    }
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

#[cfg(test)]
mod tests {
    use super::Line;

    fn line(json: &str) -> Line {
        serde_json::from_str::<Line>(json).expect("a line").prepared()
    }

    #[test]
    fn what_is_missing_null_or_unknown_does_no_harm() {
        let read = line(
            r#"{"id": 7, "answer": null, "max_score": null, "teacher": "x", "key_points": ["a key", {"text": "expiry", "weight": 2}]}"#,
        );
        assert_eq!(read.grading().answer, "");
        assert_eq!(read.grading().max_score, 5.0);
        let weights: Vec<f64> = read.grading().key_points.iter().map(|point| point.weight).collect();
        assert_eq!(weights, [1.0, 2.0]);
        assert!(serde_json::from_str::<Line>("5").is_err());
    }

    #[test]
    fn a_judgement_is_of_its_own_scale() {
        assert_eq!(line(r#"{"human": 4, "max_score": 5}"#).human01(), Some(0.8));
        assert_eq!(line(r#"{"label": "correct"}"#).human01(), Some(1.0));
        assert_eq!(line(r#"{"label": "contradictory"}"#).human01(), Some(0.0));
        assert_eq!(line("{}").human01(), None);
    }
}
