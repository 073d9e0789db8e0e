//! Answers as they are given to the bench: one JSON object a line, checked, with the line's number in every complaint.
//! Must never judge an answer.

use crate::interview::question::QuestionKind;
use anyhow::{Context as _, bail};
use serde::Deserialize;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

/// One answer; times in ms on the file's own clock.
#[derive(Debug)]
pub struct Answer {
    /// As it was written, for the figures of each kind.
    pub kind_name: String,
    pub kind: Option<QuestionKind>,
    pub words: Vec<Word>,
    /// What the turn model said, and when.
    pub completions: Vec<(u64, f32)>,
}

/// One word and when it sounded, ms.
#[derive(Debug)]
pub struct Word {
    pub text: String,
    pub start: u64,
    pub end: u64,
}

impl Answer {
    /// Where the answer ends: at its last word.
    pub fn end(&self) -> u64 {
        self.words.iter().map(|word| word.end).max().unwrap_or(0)
    }

    /// From the first word to the last, ms.
    pub fn length(&self) -> u64 {
        self.end() - self.words.first().map_or(0, |word| word.start)
    }
}

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    kind: Option<String>,
    words: Vec<TimedWord>,
    #[serde(default)]
    p_complete: Option<Vec<Probability>>,
}

#[derive(Deserialize)]
struct TimedWord {
    text: String,
    start_s: f64,
    end_s: f64,
}

#[derive(Deserialize)]
struct Probability {
    at_s: f64,
    p: f32,
}

/// Longest line, bytes: an answer of an hour has about 1 MB of word timings.
const LINE_BYTES_MAX: usize = 16 << 20;
/// Latest time that is believed, s: a day. Later ones are a mistake of the unit.
const TIME_S_MAX: f64 = 86_400.0;

/// Reads the answers of `path`; empty lines are passed over.
pub fn read(path: &Path) -> anyhow::Result<Vec<Answer>> {
    let file = std::fs::File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut answers = Vec::new();
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let place = || format!("{}, line {}", path.display(), number + 1);
        let line = line.with_context(place)?;
        if !line.trim().is_empty() {
            answers.push(parse(&line).with_context(place)?);
        }
    }
    if answers.is_empty() {
        bail!("{} holds no answer", path.display());
    }
    Ok(answers)
}

fn parse(line: &str) -> anyhow::Result<Answer> {
    if line.len() > LINE_BYTES_MAX {
        bail!("longer than {LINE_BYTES_MAX} bytes");
    }
    let told: Line = serde_json::from_str(line)?;
    let kind_name = told.kind.unwrap_or_else(|| "unknown".into());
    let mut words = Vec::with_capacity(told.words.len());
    for (place, word) in told.words.into_iter().enumerate() {
        words.push(timed(word).with_context(|| format!("word {}", place + 1))?);
    }
    words.sort_by_key(|word| word.start);
    if words.is_empty() {
        bail!("an answer needs at least one word");
    }
    let mut completions = Vec::new();
    for probability in told.p_complete.unwrap_or_default() {
        if !(0.0..=1.0).contains(&probability.p) {
            bail!("p_complete: a probability lies between 0 and 1, not at {}", probability.p);
        }
        completions.push((ms(probability.at_s).context("p_complete: at_s")?, probability.p));
    }
    completions.sort_by_key(|(at, _)| *at);
    Ok(Answer { kind: kind_of(&kind_name)?, kind_name, words, completions })
}

fn timed(word: TimedWord) -> anyhow::Result<Word> {
    let (start, end) = (ms(word.start_s).context("start_s")?, ms(word.end_s).context("end_s")?);
    if end < start {
        bail!("it ends ({} s) before it starts ({} s)", word.end_s, word.start_s);
    }
    Ok(Word { text: word.text, start, end })
}

fn ms(seconds: f64) -> anyhow::Result<u64> {
    if !(0.0..=TIME_S_MAX).contains(&seconds) {
        bail!("{seconds} is no time in seconds between 0 and {TIME_S_MAX}");
    }
    Ok((seconds * 1_000.0).round() as u64)
}

fn kind_of(name: &str) -> anyhow::Result<Option<QuestionKind>> {
    Ok(match name {
        "unknown" => None,
        "open" => Some(QuestionKind::Explain),
        "thinking" => Some(QuestionKind::Design),
        name => Some(serde_json::from_value(name.into()).map_err(|_| {
            anyhow::anyhow!(
                "kind {name:?} is none of unknown, open, thinking, factual, explain, design, behavioural, code"
            )
        })?),
    })
}
