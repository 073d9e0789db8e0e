//! One answer, assessed: what a grader finds in it becomes key points with quotes that code found again, a level with
//! its caps, a state, and a sentence why. Blind: the grader sees question, rubric and answer. Must never turn our own
//! failure, a skip or silence into a low level.

use super::facts::Evidence;
use super::grader::{FlagKind, Graded, Grader, GradingInput, Passage, PointGraded, Source};
use super::language::{say, say_with};
use super::locate;
use super::report::{Account, AnswerHeard, KeyPointResult, MisconceptionFound, QuestionState, Quote};
use super::rubric::Rubric;
use super::worth::worth;
use crate::interview::QuestionOutcome;
use crate::interview::coverage::Status;
use crate::interview::question::{Level, Question};

/// What full marks are: levels and shares are made of score01 alone.
const MAX_SCORE: f64 = 1.0;
/// A damaged answer is only assessed where what is left of it is good enough: its gaps may be ours.
const DAMAGED_LEVEL_MIN: u8 = 3;

/// What an answer is worth, and why.
#[derive(Clone, PartialEq, Debug)]
pub struct Assessment {
    pub state: QuestionState,
    /// Only where the state is `Answered`.
    pub level: Option<u8>,
    pub score01: Option<f64>,
    pub confidence: Option<f64>,
    pub account: Account,
    pub comment: String,
    pub answer: Option<AnswerHeard>,
    pub prompted: bool,
    /// Empty where nothing was said.
    pub key_points: Vec<KeyPointResult>,
    pub misconceptions: Vec<MisconceptionFound>,
}

/// How answers are assessed.
#[derive(Clone, Copy)]
pub struct Scorer<'a> {
    pub rubric: &'a Rubric,
    pub grader: &'a dyn Grader,
    /// BCP 47 primary tag.
    pub language: &'a str,
}

impl Scorer<'_> {
    /// Assesses the answer to a question; `outcome` is how the question ended, `None` if it was never asked.
    #[must_use]
    pub fn assess(&self, question: &Question, evidence: &Evidence<'_>, outcome: Option<QuestionOutcome>) -> Assessment {
        // Code that is only what was given with the task is no answer.
        let own_code = |code: &&str| !without_starter(question, code).trim().is_empty();
        let evidence = &Evidence { code: evidence.code.filter(own_code), ..evidence.clone() };
        let text = evidence.text();
        if text.trim().is_empty() && evidence.code.is_none() {
            return nothing_said(self.language, evidence, outcome);
        }
        let (graded, mut account) = self.graded(question, evidence);
        account.flags = graded.flags.iter().map(|flag| word(&flag.kind)).collect();
        account.flags.dedup();
        let key_points: Vec<KeyPointResult> = graded.key_points.iter().map(|point| shown(point, evidence)).collect();
        let misconceptions = misconceptions(question, &graded, evidence);
        let prompted = self.was_prompted(question, evidence, &graded);
        let (level, cap) = self.capped(question, &graded, prompted);
        let credited = key_points.iter().any(|point| point.status >= Status::Partial) || !misconceptions.is_empty();
        let state = state(evidence, outcome, level, credited, self.rubric);
        let assessed = state == QuestionState::Answered;
        let comment = if assessed {
            comment(self.language, level, cap, &key_points, &misconceptions, prompted, outcome)
        } else {
            say(self.language, unassessed(state)).to_owned()
        };
        Assessment {
            state,
            level: assessed.then_some(level),
            score01: assessed.then_some(graded.score01),
            confidence: assessed.then_some(graded.confidence),
            account,
            comment,
            answer: heard(evidence, text),
            prompted,
            key_points,
            misconceptions,
        }
    }

    /// What the grader finds, less what is not there.
    fn graded(&self, question: &Question, evidence: &Evidence<'_>) -> (Graded, Account) {
        let answer = evidence.text();
        let code = evidence.code.map(|code| without_starter(question, code));
        let input = GradingInput {
            question: &question.prompt,
            reference: &question.reference_answer,
            rubric: "",
            key_points: &question.key_points,
            misconceptions: &question.misconceptions,
            answer: &answer,
            code: code.as_deref(),
            max_score: MAX_SCORE,
            language: self.language,
        };
        let (mut graded, account) = self.grader.grade_accounted(&input);
        let there = |quote: &Option<Passage>| quote.as_ref().and_then(|at| quoted(evidence, at)).is_some();
        graded.misconceptions.retain(|wrong| quoted(evidence, &wrong.quote).is_some());
        let claims = graded.key_points.iter_mut();
        let empty: Vec<&mut PointGraded> =
            claims.filter(|point| point.status != Status::Missed && !there(&point.quote)).collect();
        if !empty.is_empty() {
            // A claim without its words does not count.
            for point in empty {
                (point.status, point.quote) = (Status::Missed, None);
            }
            let critical = graded.misconceptions.iter().any(|m| question.misconceptions[m.misconception].critical);
            (graded.score01, graded.level, graded.cap) = worth(&graded.key_points, critical, self.rubric);
        }
        (graded, account)
    }

    /// Whether some point was only said after a follow-up.
    fn was_prompted(&self, question: &Question, evidence: &Evidence<'_>, all: &Graded) -> bool {
        if evidence.turns.iter().all(|turn| !turn.after_probe) {
            return false;
        }
        let credited = |point: &PointGraded| point.status >= Status::Partial;
        let before = evidence.unprompted();
        if before.text().trim().is_empty() && before.code.is_none() {
            return all.key_points.iter().any(credited);
        }
        let (before, _) = self.graded(question, &before);
        let came = |(before, all): (&PointGraded, &PointGraded)| credited(all) && all.status > before.status;
        before.key_points.iter().zip(&all.key_points).any(came)
    }

    fn capped(&self, question: &Question, graded: &Graded, prompted: bool) -> (u8, Option<&'static str>) {
        let cap = self.rubric.cap.prompted_senior;
        if prompted && question.level == Level::Senior && graded.level > cap {
            return (cap, Some("a follow-up was needed"));
        }
        (graded.level, graded.cap)
    }
}

fn nothing_said(language: &str, evidence: &Evidence<'_>, outcome: Option<QuestionOutcome>) -> Assessment {
    let state = match outcome {
        _ if evidence.turns.iter().any(|turn| turn.damaged) => QuestionState::TechnicalFailure,
        None => QuestionState::NotAsked,
        Some(QuestionOutcome::Skipped) => QuestionState::Skipped,
        Some(QuestionOutcome::Answered | QuestionOutcome::NotAnswered | QuestionOutcome::CutShort) => {
            QuestionState::NotAnswered
        }
    };
    Assessment {
        state,
        level: None,
        score01: None,
        confidence: None,
        account: Account::default(),
        comment: say(language, unassessed(state)).to_owned(),
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

fn misconceptions(question: &Question, graded: &Graded, evidence: &Evidence<'_>) -> Vec<MisconceptionFound> {
    let found = graded.misconceptions.iter().filter_map(|found| {
        let wrong = question.misconceptions.get(found.misconception)?;
        let quote = quoted(evidence, &found.quote)?;
        Some(MisconceptionFound { statement: wrong.statement.clone(), critical: wrong.critical, quote })
    });
    found.collect()
}

fn shown(point: &PointGraded, evidence: &Evidence<'_>) -> KeyPointResult {
    KeyPointResult {
        statement: point.statement.clone(),
        status: point.status,
        weight: point.weight,
        must: point.must,
        quote: point.quote.as_ref().and_then(|at| quoted(evidence, at)),
    }
}

/// The words of a passage, copied from the record; `None` unless the candidate said or wrote them.
fn quoted(evidence: &Evidence<'_>, passage: &Passage) -> Option<Quote> {
    match passage.source {
        Source::Answer => locate::quote(evidence, &passage.at),
        Source::Code => {
            let text = locate::lines(evidence.code?, passage.at.clone())?;
            Some(Quote { text: text.to_owned(), start_ms: None, end_ms: None })
        }
        Source::Question | Source::Reference => None,
    }
}

/// As the report names it.
fn word(kind: &FlagKind) -> String {
    let json = serde_json::to_value(kind).unwrap_or_default();
    json.as_str().unwrap_or_default().to_owned()
}

fn heard(evidence: &Evidence<'_>, text: String) -> Option<AnswerHeard> {
    let (first, last) = (evidence.turns.first()?, evidence.turns.last()?);
    Some(AnswerHeard { text, start_ms: first.start_ms, end_ms: last.end_ms })
}

fn comment(
    language: &str,
    level: u8,
    cap: Option<&'static str>,
    points: &[KeyPointResult],
    misconceptions: &[MisconceptionFound],
    prompted: bool,
    outcome: Option<QuestionOutcome>,
) -> String {
    let with = |status: Status| points.iter().filter(move |point| point.status == status);
    let mut parts = vec![say_with(
        language,
        "Level {}: {} of {} key points said",
        &[&level.to_string(), &with(Status::Met).count().to_string(), &points.len().to_string()],
    )];
    let partial = with(Status::Partial).count();
    if partial > 0 {
        parts[0].push_str(&say_with(language, ", {} in part", &[&partial.to_string()]));
    }
    let listed = |status: Status, must: bool| {
        with(status).filter(|p| p.must == must).map(|p| p.statement.as_str()).collect::<Vec<_>>().join("; ")
    };
    let mut add = |label: &str, text: String| {
        if !text.is_empty() {
            parts.push(format!("{}: {text}", say(language, label)));
        }
    };
    add("Contradicted", [listed(Status::Wrong, true), listed(Status::Wrong, false)].concat());
    add("Missing", listed(Status::Missed, true));
    add("Misconception", misconceptions.iter().map(|m| m.statement.as_str()).collect::<Vec<_>>().join("; "));
    add("Held at this level by", say(language, cap.unwrap_or_default()).to_owned());
    if prompted {
        parts.push(say(language, "Some of it came after a follow-up").to_owned());
    }
    if outcome == Some(QuestionOutcome::CutShort) {
        parts.push(say(language, "Time was up before the answer ended").to_owned());
    }
    parts.join(". ") + "."
}
