//! The report of an interview as a document: what REST serves, the page shows and Postgres keeps. Plain data with a
//! version; must never hold a rule.

use crate::id::SessionId;
use crate::interview::QuestionOutcome;
use crate::interview::coverage::Status;
use crate::interview::question::{Level, QuestionKind};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Version of this shape; raised when a field changes its meaning or goes.
pub const VERSION: u32 = 1;

/// The report of one interview.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Report {
    pub version: u32,
    pub interview: InterviewHeader,
    pub summary: Summary,
    pub competencies: Vec<CompetencyScore>,
    pub questions: Vec<QuestionResult>,
    pub artifacts: Vec<ArtifactRef>,
    pub delivery: Delivery,
    pub integrity: Vec<IntegritySignal>,
    pub feedback: Feedback,
    pub provenance: Provenance,
}

/// Which interview it was.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct InterviewHeader {
    pub id: SessionId,
    pub title: String,
    pub job_position: String,
    pub level: Level,
    /// The category's name.
    pub category: String,
    pub language: String,
    pub start_time: Option<DateTime<Utc>>,
    pub end_time: Option<DateTime<Utc>>,
    pub duration_ms: Option<u64>,
    pub mode: String,
    pub purpose: String,
}

/// What a person reads first.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Summary {
    pub recommendation: Recommendation,
    pub why: String,
    pub overall: Estimate,
    pub technical: ReasonedScore,
    pub soft_skills: ReasonedScore,
    pub strengths: Vec<Finding>,
    pub gaps: Vec<Finding>,
}

/// Advice to the person who decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Recommendation {
    StrongYes,
    Yes,
    Inconclusive,
    No,
    StrongNo,
}

impl Recommendation {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StrongYes => "strong_yes",
            Self::Yes => "yes",
            Self::Inconclusive => "inconclusive",
            Self::No => "no",
            Self::StrongNo => "strong_no",
        }
    }
}

/// A score on the scale of 1 to 5 with its uncertainty.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Estimate {
    /// Null where there is too little evidence.
    pub score: Option<f64>,
    /// Lower and upper end of the 90 % interval.
    pub interval90: Option<[f64; 2]>,
}

/// A score of 1 to 5, or why there is none.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReasonedScore {
    pub score: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A strength or a gap.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    pub text: String,
    pub question_id: String,
    pub quote: Option<Quote>,
}

/// Words of the candidate, verbatim.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Quote {
    pub text: String,
    /// On the session's clock; null for what was written, not said.
    pub start_ms: Option<u64>,
    pub end_ms: Option<u64>,
}

/// One competency.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct CompetencyScore {
    pub slug: String,
    pub name: String,
    pub weight: f64,
    pub score: Option<f64>,
    pub interval90: Option<[f64; 2]>,
    /// Assessed questions.
    pub questions: u32,
}

/// One question of the plan with its answer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct QuestionResult {
    pub id: String,
    pub version: u32,
    pub number: u32,
    pub text: String,
    pub kind: QuestionKind,
    pub competency: String,
    pub state: QuestionState,
    /// How the conversation left it; null where it was not asked.
    #[schema(value_type = Option<String>)]
    pub outcome: Option<QuestionOutcome>,
    pub level: Option<u8>,
    pub score01: Option<f64>,
    pub comment: String,
    pub reference_answer: String,
    pub answer: Option<AnswerHeard>,
    /// A follow-up was needed to say some of it.
    pub prompted: bool,
    pub key_points: Vec<KeyPointResult>,
    pub probes: Vec<ProbeAsked>,
    pub misconceptions: Vec<MisconceptionFound>,
}

/// How far a question could be assessed. Only `answered` carries a level.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuestionState {
    Answered,
    Skipped,
    NotAsked,
    NotAnswered,
    TechnicalFailure,
    InsufficientEvidence,
}

impl QuestionState {
    /// For a person to read.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Skipped => "skipped",
            Self::NotAsked => "not asked",
            Self::NotAnswered => "not answered",
            Self::TechnicalFailure => "technical failure",
            Self::InsufficientEvidence => "insufficient evidence",
        }
    }
}

/// The answer as it was heard, all turns together.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct AnswerHeard {
    pub text: String,
    pub start_ms: u64,
    pub end_ms: u64,
}

/// One key point with its evidence.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct KeyPointResult {
    pub statement: String,
    pub status: Status,
    pub weight: f64,
    /// Whether it counts, or is a bonus.
    pub must: bool,
    pub quote: Option<Quote>,
}

/// A follow-up that was asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProbeAsked {
    pub text: String,
    /// Statement of the key point that it was to open.
    pub key_point: Option<String>,
}

/// A misconception that the answer states.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct MisconceptionFound {
    pub statement: String,
    pub critical: bool,
    pub quote: Quote,
}

/// Code that was written, in its last version.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ArtifactRef {
    pub question_id: String,
    pub language: String,
    pub code: String,
    pub version: u32,
}

/// How the conversation went. Never scored.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// Silence between the candidate's last word and the interviewer's first.
    pub gap_ms: Percentiles,
    /// Turns of the candidate.
    pub turns: u32,
    /// Times that the interviewer began too early and gave the floor back: our fault.
    pub interruptions_recovered: u32,
    pub candidate_speech_ms: u64,
    pub note: String,
}

/// Percentiles by nearest rank; null without data.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Percentiles {
    pub p50: Option<u64>,
    pub p95: Option<u64>,
    pub p99: Option<u64>,
}

/// Something that a person may want to look at. Advice, never a verdict.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct IntegritySignal {
    pub kind: String,
    pub question_id: Option<String>,
    pub detail: String,
}

/// What the candidate takes home.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Feedback {
    pub text: String,
    pub topics: Vec<TopicFeedback>,
}

/// Feedback on one topic.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct TopicFeedback {
    pub topic: String,
    pub right: String,
    pub study: String,
}

/// What the report was made by.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Provenance {
    pub app: String,
    pub rubric: String,
    pub bank: String,
    pub scorer: String,
    pub stt: String,
    pub llm: String,
    pub tts: String,
}
