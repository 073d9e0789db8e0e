//! One answer, graded: key points with quotes that were found in it, a level with its caps, and a sentence why. Blind:
//! sees question, rubric and answer. Must never turn our own failure, a skip or silence into a low level.

use super::facts::Evidence;
use super::locate;
use super::report::{AnswerHeard, KeyPointResult, MisconceptionFound, QuestionState, Quote};
use super::rubric::{Pattern, Rubric};
use crate::interview::QuestionOutcome;
use crate::interview::coverage::{Coverage, Status, cover, find_terms, misstatements};
use crate::interview::question::{Level, Question};
use crate::interview::words::PARAGRAPH;
use std::ops::Range;

/// What an answer is worth, and why.
#[derive(Clone, PartialEq, Debug)]
pub struct Grade {
    pub state: QuestionState,
    /// Only where the state is `Answered`.
    pub level: Option<u8>,
    pub score01: Option<f64>,
    pub comment: String,
    pub answer: Option<AnswerHeard>,
    pub prompted: bool,
    /// Empty where nothing was said.
    pub key_points: Vec<KeyPointResult>,
    pub misconceptions: Vec<MisconceptionFound>,
}

/// Grades the answer to a question; `outcome` is how the question ended, `None` if it was never asked.
#[must_use]
pub fn grade(question: &Question, evidence: &Evidence<'_>, outcome: Option<QuestionOutcome>, rubric: &Rubric) -> Grade {
    // Code that is only what was given with the task is no answer.
    let own_code = |code: &&str| !without_starter(question, code).trim().is_empty();
    let evidence = &Evidence { code: evidence.code.filter(own_code), ..evidence.clone() };
    let text = evidence.text();
    if text.trim().is_empty() && evidence.code.is_none() {
        return nothing_said(evidence, outcome);
    }
    let key_points = key_points(question, evidence, rubric);
    let misconceptions = misconceptions(question, evidence, rubric);
    let prompted = was_prompted(question, evidence, &key_points, rubric);
    let score01 = score01(&key_points, rubric);
    let (level, cap) = level(question, score01, &key_points, &misconceptions, prompted, rubric);
    let credited = key_points.iter().any(|point| point.status >= Status::Partial);
    let state = state(evidence, outcome, level, credited || !misconceptions.is_empty(), rubric);
    let graded = state == QuestionState::Answered;
    let comment = if graded {
        comment(level, cap, &key_points, &misconceptions, prompted, outcome)
    } else {
        unassessed(state).to_owned()
    };
    Grade {
        state,
        level: graded.then_some(level),
        score01: graded.then_some(score01),
        comment,
        answer: heard(evidence, text),
        prompted,
        key_points,
        misconceptions,
    }
}

fn nothing_said(evidence: &Evidence<'_>, outcome: Option<QuestionOutcome>) -> Grade {
    let state = match outcome {
        _ if evidence.turns.iter().any(|turn| turn.damaged) => QuestionState::TechnicalFailure,
        None => QuestionState::NotAsked,
        Some(QuestionOutcome::Skipped) => QuestionState::Skipped,
        Some(QuestionOutcome::Answered | QuestionOutcome::NotAnswered | QuestionOutcome::CutShort) => {
            QuestionState::NotAnswered
        }
    };
    Grade {
        state,
        level: None,
        score01: None,
        comment: unassessed(state).to_owned(),
        answer: None,
        prompted: false,
        key_points: Vec::new(),
        misconceptions: Vec::new(),
    }
}

/// Words were said or written: whether they can be assessed.
fn state(
    evidence: &Evidence<'_>,
    outcome: Option<QuestionOutcome>,
    level: u8,
    credited: bool,
    rubric: &Rubric,
) -> QuestionState {
    // A damaged answer is only assessed where what is left of it is good enough: its gaps may be ours.
    const DAMAGED_LEVEL_MIN: u8 = 3;
    let damaged = evidence.turns.iter().filter(|turn| turn.damaged).count();
    if damaged > 0 && level < DAMAGED_LEVEL_MIN {
        let all = damaged == evidence.turns.len();
        return if all { QuestionState::TechnicalFailure } else { QuestionState::InsufficientEvidence };
    }
    if credited {
        return QuestionState::Answered;
    }
    match outcome {
        Some(QuestionOutcome::Skipped) => QuestionState::Skipped,
        Some(QuestionOutcome::NotAnswered) => QuestionState::NotAnswered,
        Some(QuestionOutcome::Answered | QuestionOutcome::CutShort) | None => {
            let words: usize = evidence.turns.iter().map(|turn| turn.text.split_whitespace().count()).sum();
            let enough = words >= rubric.answer.words_min || evidence.code.is_some();
            if enough { QuestionState::Answered } else { QuestionState::InsufficientEvidence }
        }
    }
}

fn unassessed(state: QuestionState) -> &'static str {
    match state {
        QuestionState::Answered => "",
        QuestionState::Skipped => "Skipped by wish. Not scored.",
        QuestionState::NotAsked => "Not asked in this interview. Not scored.",
        QuestionState::NotAnswered => "No answer was given. Not scored.",
        QuestionState::TechnicalFailure => "The answer was lost or damaged on our side. Not scored.",
        QuestionState::InsufficientEvidence => "Too little of an answer to judge. Not scored.",
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

fn key_points(question: &Question, evidence: &Evidence<'_>, rubric: &Rubric) -> Vec<KeyPointResult> {
    let said = cover(question, &without_asides(&evidence.text(), rubric));
    let code = evidence.code.map(|code| without_asides(&without_starter(question, code), rubric));
    let written = code.as_ref().map(|code| cover(question, code));
    let result = |said: Coverage| {
        let point = &question.key_points[said.key_point];
        let mut status = said.status;
        let mut quote = said.quote.and_then(|range| locate::quote(evidence, &range));
        let in_code = written.as_ref().map(|written| &written[said.key_point]);
        if let (Some(better), Some(code)) = (in_code.filter(|w| w.status > status), evidence.code) {
            status = better.status;
            quote = better.quote.clone().and_then(|range| written_quote(code, range));
        }
        // A claim without its words does not count.
        let status = if quote.is_none() { Status::Missed } else { status };
        let statement = point.statement.clone();
        KeyPointResult { statement, status, weight: point.weight, must: point.must, quote }
    };
    said.into_iter().map(result).collect()
}

/// The code with blanks for line ends, so that a thought may span lines, and for lines that were given with the task.
/// Every byte stays where it is.
fn without_starter(question: &Question, code: &str) -> String {
    let given: Vec<&str> = question.code.iter().flat_map(|task| task.starter.lines()).map(str::trim).collect();
    let line = |line: &str| {
        let own = !given.contains(&line.trim());
        let kept = if own { line.trim_end_matches(['\r', '\n']) } else { "" };
        format!("{kept}{}", " ".repeat(line.len() - kept.len()))
    };
    code.split_inclusive('\n').map(line).collect()
}

fn written_quote(code: &str, range: Range<usize>) -> Option<Quote> {
    Some(Quote { text: code.get(range)?.to_owned(), start_ms: None, end_ms: None })
}

fn misconceptions(question: &Question, evidence: &Evidence<'_>, rubric: &Rubric) -> Vec<MisconceptionFound> {
    let found = misstatements(question, &without_asides(&evidence.text(), rubric)).into_iter();
    let quoted = found.filter_map(|found| {
        let wrong = &question.misconceptions[found.misconception];
        let quote = locate::quote(evidence, &found.quote)?;
        Some(MisconceptionFound { statement: wrong.statement.clone(), critical: wrong.critical, quote })
    });
    quoted.collect()
}

/// Whether some point was only said after a follow-up.
fn was_prompted(question: &Question, evidence: &Evidence<'_>, all: &[KeyPointResult], rubric: &Rubric) -> bool {
    if evidence.turns.iter().all(|turn| !turn.after_probe) {
        return false;
    }
    let before = key_points(question, &evidence.unprompted(), rubric);
    before.iter().zip(all).any(|(before, all)| all.status >= Status::Partial && all.status > before.status)
}

fn score01(points: &[KeyPointResult], rubric: &Rubric) -> f64 {
    let sum = |must: bool, worth: &dyn Fn(&KeyPointResult) -> f64| -> f64 {
        points.iter().filter(|point| point.must == must).map(|point| point.weight * worth(point)).sum()
    };
    let worth = |point: &KeyPointResult| rubric.status.of(point.status);
    let (musts, bonuses) = (sum(true, &|_| 1.0), sum(false, &|_| 1.0));
    let base = if musts > 0.0 { sum(true, &worth) / musts } else { 0.0 };
    let bonus = if bonuses > 0.0 { rubric.answer.bonus_max * sum(false, &worth) / bonuses } else { 0.0 };
    (base + bonus.max(0.0)).clamp(0.0, 1.0)
}

fn level(
    question: &Question,
    score01: f64,
    points: &[KeyPointResult],
    misconceptions: &[MisconceptionFound],
    prompted: bool,
    rubric: &Rubric,
) -> (u8, Option<&'static str>) {
    let quoted = points.iter().any(|point| point.status >= Status::Partial && point.quote.is_some());
    let caps = [
        (!quoted, rubric.cap.without_quote, "no words of the answer show a key point"),
        (misconceptions.iter().any(|m| m.critical), rubric.cap.critical_misconception, "a critical misconception"),
        (prompted && question.level == Level::Senior, rubric.cap.prompted_senior, "a follow-up was needed"),
    ];
    let full = rubric.level(score01);
    let lowest = caps.into_iter().filter(|(applies, cap, _)| *applies && *cap < full).min_by_key(|(_, cap, _)| *cap);
    lowest.map_or((full, None), |(_, cap, why)| (cap, Some(why)))
}

fn heard(evidence: &Evidence<'_>, text: String) -> Option<AnswerHeard> {
    let (first, last) = (evidence.turns.first()?, evidence.turns.last()?);
    Some(AnswerHeard { text, start_ms: first.start_ms, end_ms: last.end_ms })
}

fn comment(
    level: u8,
    cap: Option<&'static str>,
    points: &[KeyPointResult],
    misconceptions: &[MisconceptionFound],
    prompted: bool,
    outcome: Option<QuestionOutcome>,
) -> String {
    let with = |status: Status| points.iter().filter(move |point| point.status == status);
    let mut parts = vec![format!("Level {level}: {} of {} key points said", with(Status::Met).count(), points.len())];
    let partial = with(Status::Partial).count();
    if partial > 0 {
        parts[0].push_str(&format!(", {partial} in part"));
    }
    let listed = |status: Status, must: bool| {
        with(status).filter(|p| p.must == must).map(|p| p.statement.as_str()).collect::<Vec<_>>().join("; ")
    };
    let mut add = |label: &str, text: String| {
        if !text.is_empty() {
            parts.push(format!("{label}: {text}"));
        }
    };
    add("Contradicted", [listed(Status::Wrong, true), listed(Status::Wrong, false)].concat());
    add("Missing", listed(Status::Missed, true));
    add("Misconception", misconceptions.iter().map(|m| m.statement.as_str()).collect::<Vec<_>>().join("; "));
    add("Held at this level by", cap.unwrap_or_default().to_owned());
    if prompted {
        parts.push("Some of it came after a follow-up".to_owned());
    }
    if outcome == Some(QuestionOutcome::CutShort) {
        parts.push("Time was up before the answer ended".to_owned());
    }
    parts.join(". ") + "."
}
