//! What grades an answer: the question's material and the words go in, key points with the words that earned them come
//! out. Blind: an input holds nothing of who answers. Must never hold a way of grading itself.

use crate::interview::coverage::Status;
use crate::interview::question::{KeyPoint, Misconception};
use crate::scoring::derive::derive;
use crate::scoring::report::Account;
use serde::Serialize;
use std::ops::Range;

/// Grades answers.
pub trait Grader: Send + Sync {
    /// Grades one answer. The same input gives the same result as long as the grader says so of itself in `name`.
    fn grade(&self, input: &GradingInput<'_>) -> Graded;

    /// The same, with an account of who judged and how sure that was.
    fn grade_accounted(&self, input: &GradingInput<'_>) -> (Graded, Account) {
        (self.grade(input), Account { by: "local".to_owned(), ..Account::default() })
    }

    /// Key points out of a reference and a rubric's words, where nobody has authored any: the same for every answer.
    fn key_points(&self, input: &GradingInput<'_>) -> Vec<KeyPoint> {
        derive(input.question, input.reference, input.rubric)
    }

    /// Answers that it may be given at once, each on a thread of its own.
    fn at_once(&self) -> usize {
        1
    }

    /// SHA-256 of what a model is told; `none` where no model is asked.
    fn prompts_hash(&self) -> String {
        "none".to_owned()
    }

    /// What it is and by what it judges, for provenance ("local: …").
    fn name(&self) -> String;
}

/// All that a grader may know.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct GradingInput<'a> {
    pub question: &'a str,
    /// A model answer; may be empty.
    pub reference: &'a str,
    /// What else is known of what counts, in free words; may be empty.
    pub rubric: &'a str,
    /// Authored key points. Where there are none, a grader derives its own from reference and rubric.
    pub key_points: &'a [KeyPoint],
    pub misconceptions: &'a [Misconception],
    /// What was said or typed; turns are parted by [`crate::interview::words::PARAGRAPH`].
    pub answer: &'a str,
    /// Code that was written for it, without what was given with the task.
    pub code: Option<&'a str>,
    /// What full marks are.
    pub max_score: f64,
    /// BCP 47 primary tag.
    pub language: &'a str,
}

/// What an answer is worth by its content, before what happened around it is looked at.
#[derive(Clone, PartialEq, Debug)]
pub struct Graded {
    /// 0 to 1; `max_score` times this is the score.
    pub score01: f64,
    /// 1 to 5, with the rubric's caps for quotes and misconceptions.
    pub level: u8,
    /// Why the level is lower than `score01` alone would give.
    pub cap: Option<&'static str>,
    /// One for each key point of the input, in their order; of the derived ones where the input had none.
    pub key_points: Vec<PointGraded>,
    pub misconceptions: Vec<MisconceptionGraded>,
    /// 0 to 1: how much the score may be relied upon.
    pub confidence: f64,
    pub flags: Vec<Flag>,
}

/// A key point and what the answer has of it.
#[derive(Clone, PartialEq, Debug)]
pub struct PointGraded {
    pub id: String,
    pub statement: String,
    pub weight: f64,
    pub must: bool,
    pub status: Status,
    /// The words that show it: always there unless missed.
    pub quote: Option<Passage>,
}

/// A misconception that the answer states.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MisconceptionGraded {
    /// Index into the input's misconceptions.
    pub misconception: usize,
    pub quote: Passage,
}

/// A stretch of what was said or written, bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Passage {
    pub source: Source,
    pub at: Range<usize>,
}

/// Where a passage stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Answer,
    Code,
    Question,
    Reference,
}

/// Something that a person should know of this grade.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flag {
    pub kind: FlagKind,
    /// Where, if it has a place.
    pub passage: Option<Passage>,
}

/// What there is to know.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FlagKind {
    /// Words that are meant for a grader; they earned nothing.
    SuspectedInjection,
    /// The answer is mostly the question's own words.
    RepeatsQuestion,
    /// Key words without sentences.
    ListsTerms,
    /// A language for which there are no word lists here: judged by means that any language has.
    LanguageNeutral,
    /// The model of meaning was not there: judged by words alone.
    WithoutEmbedder,
    /// Too few words to judge by.
    TooShort,
    /// More was said or given than is read: the rest earned nothing.
    TooLong,
    /// Neither reference, rubric nor key points: nothing to judge by.
    NothingToJudgeBy,
    /// The model could not be asked, or its answer did not hold: judged locally.
    FellBackToLocal,
    /// Repeated judgements did not agree.
    VotesDisagree,
}
