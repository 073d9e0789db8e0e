//! The local scorer: key points by terms and paraphrases, no model. Deterministic. Must never take words that are meant
//! for a grader for an answer.

use super::grader::{Flag, FlagKind, Graded, Grader, GradingInput, MisconceptionGraded, Passage, PointGraded, Source};
use super::rubric::{Pattern, Rubric};
use super::worth::worth;
use crate::interview::coverage::{Coverage, Status, cover_points, find_terms, misstated};
use crate::interview::words::PARAGRAPH;
use std::ops::Range;

/// How sure the local scorer is of what it finds: it knows the words that were foreseen, and no others.
const CONFIDENCE: f64 = 0.6;

/// Grades by the terms and paraphrases of the key points.
#[derive(Clone, Debug)]
pub struct CoverageGrader {
    rubric: Rubric,
}

impl CoverageGrader {
    #[must_use]
    pub fn new(rubric: Rubric) -> Self {
        Self { rubric }
    }
}

impl Grader for CoverageGrader {
    fn grade(&self, input: &GradingInput<'_>) -> Graded {
        let said = cover_points(input.question, input.key_points, &without_asides(input.answer, &self.rubric));
        let code = input.code.map(|code| without_asides(code, &self.rubric));
        let written = code.as_ref().map(|code| cover_points(input.question, input.key_points, code));
        let point = |said: Coverage| {
            let point = &input.key_points[said.key_point];
            let in_code = written.as_ref().map(|written| &written[said.key_point]);
            let (better, source) = match in_code.filter(|written| written.status > said.status) {
                Some(written) => (written.clone(), Source::Code),
                None => (said, Source::Answer),
            };
            let quote = better.quote.map(|at| Passage { source, at });
            PointGraded {
                id: point.id.clone(),
                statement: point.statement.clone(),
                weight: point.weight,
                must: point.must,
                // A claim without its words does not count.
                status: if quote.is_none() { Status::Missed } else { better.status },
                quote,
            }
        };
        let key_points: Vec<PointGraded> = said.into_iter().map(point).collect();
        let plain = without_asides(input.answer, &self.rubric);
        let stated = misstated(input.question, input.misconceptions, &plain).into_iter();
        let quoted = |at: Range<usize>| Passage { source: Source::Answer, at };
        let misconceptions: Vec<MisconceptionGraded> = stated
            .map(|found| MisconceptionGraded { misconception: found.misconception, quote: quoted(found.quote) })
            .collect();
        let critical = misconceptions.iter().any(|found| input.misconceptions[found.misconception].critical);
        let (score01, level, cap) = worth(&key_points, critical, &self.rubric);
        let suspected = asides(input.answer, &self.rubric).into_iter();
        let flag = |at: Range<usize>| Flag { kind: FlagKind::SuspectedInjection, passage: Some(quoted(at)) };
        let flags = suspected.map(|(at, _)| flag(at)).collect();
        Graded { score01, level, cap, key_points, misconceptions, confidence: CONFIDENCE, flags }
    }

    fn name(&self) -> String {
        "local: key points by terms and paraphrases, no model".to_owned()
    }
}

/// Stretches of a text that are meant for a grader, each with the pattern that says so.
#[must_use]
pub fn asides<'r>(text: &str, rubric: &'r Rubric) -> Vec<(Range<usize>, &'r Pattern)> {
    /// More in one answer are left in: by then a person has been told.
    const ASIDES_MAX: usize = 20;
    let mut rest = text.to_owned();
    let mut found = Vec::new();
    for pattern in &rubric.integrity {
        while let Some(range) = find_terms(&pattern.groups, &rest).filter(|_| found.len() < ASIDES_MAX) {
            blank(&mut rest, range.clone());
            found.push((range, pattern));
        }
    }
    found
}

/// The text with what is meant for a grader left blank. Every byte stays where it is.
fn without_asides(text: &str, rubric: &Rubric) -> String {
    let mut rest = text.to_owned();
    for (range, _) in asides(text, rubric) {
        blank(&mut rest, range);
    }
    rest
}

/// Blanks a stretch, and parts what stands before and after it.
fn blank(text: &mut String, range: Range<usize>) {
    let length = range.len();
    let blanks = if length < PARAGRAPH.len() { " ".repeat(length) } else { format!("{PARAGRAPH:<length$}") };
    text.replace_range(range, &blanks);
}
