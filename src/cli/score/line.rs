//! A line of a file of answers, as others write them: fields that are not known are ignored, and of those that are known
//! whatever has one sensible reading is read. Must never guess: a line that cannot be graded is named, with the reason.

use crate::interview::question::{KeyPoint, Misconception};
use crate::scoring::grader::GradingInput;
use anyhow::Context as _;
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Longest line, bytes: an answer of half an hour with its material is far below.
const LINE_BYTES_MAX: usize = 4 << 20;
/// Full marks where a line does not say, and the most that a line may say.
const MAX_SCORE: f64 = 5.0;
const MAX_SCORE_MAX: f64 = 1e6;
/// Key points of one line: more than anybody marks by.
const POINTS_MAX: usize = 100;
/// Longest statement or paraphrase, bytes: a paragraph.
const STATEMENT_BYTES_MAX: usize = 4 * 1024;
/// Broken lines that are named at once.
const BROKEN_SHOWN_MAX: usize = 10;
/// What a key point's statement may be called.
const STATEMENT_NAMES: [&str; 6] = ["statement", "text", "point", "key_point", "description", "criterion"];

/// One answer with its material.
#[derive(Clone, Debug)]
pub struct Line {
    pub id: Value,
    pub answer: String,
    question_id: Option<String>,
    question: String,
    reference: String,
    rubric: String,
    points: Vec<KeyPoint>,
    wrong: Vec<Misconception>,
    pub max_score: f64,
    language: Option<String>,
    /// A person's score, up to `max_score`.
    human: Option<f64>,
    /// A person's word, where there is no score.
    label: Option<String>,
}

impl Line {
    /// All lines of a file, or what is wrong with which of them.
    pub fn read_all(path: &Path) -> anyhow::Result<Vec<Self>> {
        let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let mut reader = BufReader::new(file);
        let (mut lines, mut broken, mut text) = (Vec::new(), Vec::new(), Vec::new());
        for number in 1_usize.. {
            if !next(&mut reader, &mut text).with_context(|| format!("{}:{number} cannot be read", path.display()))? {
                break;
            }
            match Self::read(&text) {
                Ok(line) => lines.extend(line),
                Err(why) => broken.push(format!("{}:{number}: {why:#}", path.display())),
            }
        }
        if broken.is_empty() {
            return Ok(lines);
        }
        let more = broken.len().saturating_sub(BROKEN_SHOWN_MAX);
        broken.truncate(BROKEN_SHOWN_MAX);
        let more = if more > 0 { format!("\nand {more} more") } else { String::new() };
        anyhow::bail!("nothing was graded: mend or remove these lines\n{}{more}", broken.join("\n"))
    }

    /// One line; none where it is blank.
    fn read(bytes: &[u8]) -> anyhow::Result<Option<Self>> {
        anyhow::ensure!(bytes.len() <= LINE_BYTES_MAX, "longer than {} MiB", LINE_BYTES_MAX >> 20);
        let text = std::str::from_utf8(bytes).context("not UTF-8 text (iconv converts it)")?;
        // Some programs begin a file with a mark of its encoding.
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Ok(None);
        }
        let fields: Map<String, Value> = serde_json::from_str(text).context("no JSON object")?;
        Self::of(&fields).map(Some)
    }

    fn of(fields: &Map<String, Value>) -> anyhow::Result<Self> {
        let field = |name: &str| fields.get(name).filter(|value| !value.is_null());
        let text = |name: &str| field(name).map(spelled);
        let max_score =
            field("max_score").map_or(Some(MAX_SCORE), number).filter(|max| (0.0..=MAX_SCORE_MAX).contains(max));
        let of_points = |name: &'static str| field(name).map_or(Ok(Vec::new()), |given| points(name, given));
        Ok(Self {
            id: fields.get("id").cloned().unwrap_or_default(),
            answer: text("answer").unwrap_or_default(),
            question_id: text("question_id"),
            question: text("question").unwrap_or_default(),
            reference: text("reference").unwrap_or_default(),
            rubric: text("rubric").unwrap_or_default(),
            points: of_points("key_points")?.into_iter().map(|(point, _)| point).collect(),
            wrong: of_points("misconceptions")?.into_iter().map(misconception).collect(),
            max_score: max_score.with_context(|| format!("max_score is no number from 0 to {MAX_SCORE_MAX}"))?,
            language: text("language"),
            human: field("human").and_then(number),
            label: field("label").and_then(Value::as_str).map(str::to_owned),
        })
    }

    /// What the grader is to know: nothing but the material and the words.
    pub fn grading(&self) -> GradingInput<'_> {
        GradingInput {
            question: &self.question,
            reference: &self.reference,
            rubric: &self.rubric,
            key_points: &self.points,
            misconceptions: &self.wrong,
            answer: &self.answer,
            code: None,
            max_score: self.max_score,
            language: self.language.as_deref().unwrap_or("en"),
        }
    }

    /// What question it is, by name or by its words.
    pub fn question_name(&self) -> &str {
        self.question_id.as_deref().unwrap_or(&self.question)
    }

    /// A person's judgement, 0 to 1. Of words only "correct" is worth something.
    pub fn human01(&self) -> Option<f64> {
        let labelled = || self.label.as_ref().map(|label| if label == "correct" { 1.0 } else { 0.0 });
        let human = self.human.filter(|_| self.max_score > 0.0);
        human.map(|human| (human / self.max_score).clamp(0.0, 1.0)).or_else(labelled)
    }
}

/// The bytes of the next line, with its end; more than are read of one say that it is too long. False at the file's end.
fn next(reader: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    let limit = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX) + 1;
    if reader.by_ref().take(limit).read_until(b'\n', line)? == 0 {
        return Ok(false);
    }
    // The rest of a line that is too long is passed over, so that the next one has its number.
    while line.len() > LINE_BYTES_MAX && line.last() != Some(&b'\n') {
        line.truncate(LINE_BYTES_MAX);
        if reader.by_ref().take(limit).read_until(b'\n', line)? == 0 {
            line.push(b'\n');
        }
    }
    Ok(true)
}

/// A text, however it was written: lists and objects line by line.
fn spelled(value: &Value) -> String {
    let lines = |lines: Vec<String>| lines.join("\n");
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(all) => lines(all.iter().map(spelled).collect()),
        Value::Object(fields) => {
            lines(fields.iter().map(|(name, value)| format!("{name}: {}", spelled(value))).collect())
        }
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|number| number.is_finite())
}

/// Key points, or misconceptions with whether they are critical: statements, or what a bank has of them.
fn points(name: &str, given: &Value) -> anyhow::Result<Vec<(KeyPoint, bool)>> {
    let all: Vec<Value> = match given {
        Value::Array(all) => all.clone(),
        Value::String(text) => text.lines().map(Value::from).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => anyhow::bail!("{name} is no list"),
    };
    anyhow::ensure!(all.len() <= POINTS_MAX, "{name} has more than {POINTS_MAX} entries");
    let mut found = Vec::new();
    for (at, given) in (1..).zip(&all) {
        let point = point(at, given).with_context(|| format!("{name}, entry {at}"))?;
        found.extend(point);
    }
    Ok(found)
}

/// One of them; none where it says nothing.
fn point(at: usize, given: &Value) -> anyhow::Result<Option<(KeyPoint, bool)>> {
    let none = Map::new();
    let (statement, fields) = match given {
        Value::Null => return Ok(None),
        Value::String(text) => (text.clone(), &none),
        Value::Object(fields) => {
            let names = STATEMENT_NAMES.iter().filter_map(|name| fields.get(*name)?.as_str());
            let mut said = names.filter(|said| !said.trim().is_empty());
            (said.next().context("it has no statement")?.to_owned(), fields)
        }
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => anyhow::bail!("it is neither a text nor an object"),
    };
    if statement.trim().is_empty() {
        return Ok(None);
    }
    let texts = |name: &str| match fields.get(name) {
        Some(Value::Array(all)) => all.iter().filter(|text| !text.is_null()).map(spelled).collect::<Vec<String>>(),
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => Vec::new(),
    };
    let is = |name: &str| fields.get(name).and_then(Value::as_bool);
    let weight = fields.get("weight").and_then(number).filter(|weight| *weight > 0.0);
    let point = KeyPoint {
        id: fields.get("id").filter(|id| !id.is_null()).map_or_else(|| format!("given-{at}"), spelled),
        statement,
        weight: weight.unwrap_or(1.0),
        must: is("must").unwrap_or(true),
        paraphrases: texts("paraphrases"),
        terms: texts("terms"),
    };
    let mut long = std::iter::once(&point.statement).chain(&point.paraphrases).chain(&point.terms);
    anyhow::ensure!(
        long.all(|text| text.len() <= STATEMENT_BYTES_MAX),
        "a text of it is longer than {STATEMENT_BYTES_MAX} bytes"
    );
    anyhow::ensure!(
        point.paraphrases.len().max(point.terms.len()) <= POINTS_MAX,
        "it has more than {POINTS_MAX} texts"
    );
    Ok(Some((point, is("critical").unwrap_or(false))))
}

fn misconception((point, critical): (KeyPoint, bool)) -> Misconception {
    let KeyPoint { id, statement, paraphrases, terms, weight: _, must: _ } = point;
    Misconception { id, statement, critical, paraphrases, terms }
}

#[cfg(test)]
mod tests {
    use super::{LINE_BYTES_MAX, Line};

    fn line(json: &str) -> Line {
        Line::read(json.as_bytes()).expect("a line").expect("no blank one")
    }

    fn read_all(bytes: &[u8]) -> Result<Vec<Line>, String> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), bytes).expect("written");
        Line::read_all(file.path()).map_err(|error| format!("{error:#}"))
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
        assert!(Line::read(b"5").is_err());
    }

    #[test]
    fn fields_of_another_kind_are_read_where_they_can_only_mean_one_thing() {
        let read = line(
            r#"{"question_id": 12, "label": 3, "human": {"a": 1}, "language": ["x"], "max_score": "2.5", "answer": 7,
                "reference": ["One.", "Two."], "rubric": {"full": "both", "half": 1},
                "key_points": [null, "", {"statement": "one", "text": "other", "weight": "3", "terms": "key", "id": 4}]}"#,
        );
        let input = read.grading();
        assert_eq!((read.question_name(), read.human01(), input.max_score), ("12", None, 2.5));
        assert_eq!((input.answer, input.reference, input.rubric), ("7", "One.\nTwo.", "full: both\nhalf: 1"));
        let [point] = input.key_points else { panic!("one point: {:?}", input.key_points) };
        assert_eq!((point.id.as_str(), point.statement.as_str(), point.weight), ("4", "one", 3.0));
        assert_eq!(point.terms, ["key"]);
        assert_eq!(line(r#"{"key_points": "one\ntwo"}"#).points.len(), 2);
    }

    #[test]
    fn every_broken_line_is_named_with_its_reason_and_blank_ones_are_none() {
        let good = "\u{feff}{\"answer\": \"a\"}\r\n\n";
        assert_eq!(read_all(good.as_bytes()).map(|lines| lines.len()), Ok(1));
        let mut bytes = good.as_bytes().to_vec();
        for broken in [
            b"{\"answer\": ".as_slice(),
            b"{\"answer\": \"\xff\"}",
            b"{\"max_score\": \"much\"}",
            b"{\"key_points\": [1]}",
            &[b'x'; 3 * LINE_BYTES_MAX],
            b"[]",
        ] {
            bytes.extend_from_slice(broken);
            bytes.push(b'\n');
        }
        let why = read_all(&bytes).expect_err("broken lines");
        for (number, reason) in [
            (3, "no JSON object"),
            (4, "not UTF-8"),
            (5, "max_score"),
            (6, "entry 1"),
            (7, "longer than 4 MiB"),
            (8, "no JSON"),
        ] {
            let named = why.lines().find(|line| line.contains(&format!(":{number}: "))).unwrap_or_default();
            assert!(named.contains(reason), "{number}: {why}");
        }
        assert_eq!(why.lines().count(), 7, "{why}");
    }

    #[test]
    fn a_judgement_is_of_its_own_scale() {
        assert_eq!(line(r#"{"human": 4, "max_score": 5}"#).human01(), Some(0.8));
        assert_eq!(line(r#"{"label": "correct"}"#).human01(), Some(1.0));
        assert_eq!(line(r#"{"label": "contradictory"}"#).human01(), Some(0.0));
        assert_eq!(line("{}").human01(), None);
        assert_eq!(line(r#"{"human": 0, "max_score": 0}"#).human01(), None);
        for nonsense in [r#"{"max_score": -1}"#, r#"{"max_score": 1e300}"#, r#"{"max_score": true}"#] {
            assert!(Line::read(nonsense.as_bytes()).is_err(), "{nonsense}");
        }
    }
}
