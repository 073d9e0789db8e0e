//! The report of an interview as a document: what REST serves, the page shows and Postgres keeps. Plain data with a
//! version and a published schema ([`super::schema`]); must never hold a rule.

use crate::id::SessionId;
use crate::interview::QuestionOutcome;
use crate::interview::coverage::Status;
use crate::interview::question::{Level, QuestionKind};
use crate::scoring::rubric::{AggregateRules, RecommendationRules, StructureKind, StructureRules, SummaryRules};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Version of this shape; raised when a field changes its meaning or goes.
pub const VERSION: u32 = 2;

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
    /// Who spoke when, by time.
    pub timeline: Vec<TimelineTurn>,
    pub integrity: Vec<IntegritySignal>,
    /// What people changed, the oldest first.
    pub overrides: Vec<OverrideNote>,
    pub feedback: Feedback,
    pub method: Method,
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
    /// How much longer than usual pauses and time boxes were, by accommodation; 1 is usual.
    pub patience: f64,
    /// What the candidate agreed to, and when.
    pub consent: Option<ConsentNote>,
}

/// A disclosure that was accepted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ConsentNote {
    pub version: String,
    pub given_at: DateTime<Utc>,
}

/// What a person reads first.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Summary {
    pub recommendation: Recommendation,
    pub why: String,
    pub overall: Estimate,
    pub technical: Estimate,
    pub soft_skills: Estimate,
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

    /// For a person to read.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::StrongYes => "Strong yes",
            Self::Yes => "Yes",
            Self::Inconclusive => "Inconclusive: a person decides",
            Self::No => "No",
            Self::StrongNo => "Strong no",
        }
    }
}

/// A score on the scale of 1 to 5 with its uncertainty, and how it came about.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Estimate {
    /// Drawn from the mean level towards the middle, the more so the fewer questions there are. Null without evidence.
    pub score: Option<f64>,
    /// Mean level of the questions behind it, by the competencies' weights: what was seen, before anything is drawn.
    pub level_mean: Option<f64>,
    pub standard_error: Option<f64>,
    /// Lower and upper end of the 90 % interval.
    pub interval90: Option<[f64; 2]>,
    /// Assessed questions behind it.
    pub questions: u32,
    /// Why there is no score.
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
    #[serde(flatten)]
    pub estimate: Estimate,
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
    /// The level that counts: the scorer's, or a person's who changed it.
    pub level: Option<u8>,
    /// The level that the scorer gave.
    pub scored_level: Option<u8>,
    /// The scorer's; an override leaves it.
    pub score01: Option<f64>,
    /// How much the scorer's judgement may be relied upon, 0 to 1.
    pub confidence: Option<f64>,
    pub scoring: Account,
    pub comment: String,
    pub reference_answer: String,
    pub answer: Option<AnswerHeard>,
    /// A follow-up was needed to say some of it.
    pub prompted: bool,
    pub key_points: Vec<KeyPointResult>,
    pub probes: Vec<ProbeAsked>,
    pub misconceptions: Vec<MisconceptionFound>,
    /// How the answer is built; empty where nothing was said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub structure: Vec<StructureResult>,
    /// How hard the question is, 1 to 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difficulty: Option<u8>,
    /// What went wrong with the answer on our side.
    pub faults: Vec<Fault>,
}

/// Who scored an answer, and how sure the judgement was.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Account {
    /// `local` or `model`; empty where nothing was scored.
    pub by: String,
    /// The score01 of each judgement, where there were several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub votes: Vec<f64>,
    /// Distance between the highest and the lowest of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<f64>,
    /// Claims of the model that did not count because their words are not in the answer.
    #[serde(default)]
    pub quotes_refused: u32,
    /// Why a model did not score it although one was meant to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fell_back: Option<String>,
    /// What a person should know of this score, such as `language_neutral`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
}

/// Something that we did to an answer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    pub kind: FaultKind,
    pub start_ms: u64,
    pub end_ms: u64,
    /// For a person to read.
    pub detail: String,
}

/// What we did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Sound did not reach us.
    LostAudio,
    /// Words were said and could not be written down.
    NotTranscribed,
    /// The recogniser was unsure of the words.
    LowConfidence,
    /// The interviewer went on before the candidate had finished, and did not give the floor back.
    CutOff,
    /// The interview broke off by our failure.
    BrokenOff,
}

impl FaultKind {
    /// For a person to read.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::LostAudio => "audio lost",
            Self::NotTranscribed => "not transcribed",
            Self::LowConfidence => "recogniser unsure",
            Self::CutOff => "cut off by us",
            Self::BrokenOff => "broken off by us",
        }
    }
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

/// What one criterion of structure found in an answer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct StructureResult {
    pub kind: StructureKind,
    pub name: String,
    pub status: Status,
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
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ArtifactRef {
    pub question_id: String,
    pub language: String,
    pub code: String,
    /// Counts the interview's versions of all questions together.
    pub version: u32,
    /// What a model remarked on the code, where one was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub analysis: Option<serde_json::Value>,
}

/// How the conversation went. Never scored.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// Silence between the candidate's last word and the interviewer's first.
    pub gap_ms: Percentiles,
    /// The same silence as the recording has it; empty where nothing was recorded.
    #[serde(default)]
    pub heard_gap_ms: Percentiles,
    /// What the silence is made of: each stage counts from the candidate's last word.
    pub stages: Vec<StageLatency>,
    /// Turns of the candidate.
    pub turns: u32,
    /// Times that the interviewer began too early and gave the floor back: our fault.
    pub interruptions_recovered: u32,
    /// Times that the interviewer held for a sound that wanted nothing ("mm-hm"), and went on.
    #[serde(default)]
    pub held_for_nothing: u32,
    /// Times that the candidate broke in on the interviewer.
    pub interruptions_by_candidate: u32,
    pub candidate_speech_ms: u64,
    pub interviewer_speech_ms: u64,
    /// Share of the candidate's turns of which the recogniser was unsure; null where it does not tell.
    pub low_confidence_share: Option<f64>,
    /// Sound that did not reach us.
    pub lost_audio_ms: u64,
    /// Turns that our side damaged in any way.
    pub damaged_turns: u32,
    pub note: String,
}

/// One stage of the silence before a reply.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct StageLatency {
    pub stage: String,
    pub ms: Percentiles,
}

/// One turn of either side.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct TimelineTurn {
    /// `interviewer` or `candidate`.
    pub role: String,
    /// Number of the question that it belongs to.
    pub question: Option<u32>,
    pub start_ms: u64,
    pub end_ms: u64,
    /// Silence before an interviewer's reply.
    pub latency_ms: Option<u64>,
    pub interrupted: bool,
}

/// What a person changed, and why. The scorer's own value stays beside it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct OverrideNote {
    pub question_id: String,
    /// The level that counted before.
    pub from: Option<u8>,
    /// The level that counts since; null takes the question out of the score.
    pub to: Option<u8>,
    pub by: String,
    pub reason: String,
    pub at: DateTime<Utc>,
}

/// How levels became scores, with the numbers: enough to compute them again.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Method {
    /// For a person to read.
    pub explanation: String,
    pub aggregate: AggregateRules,
    pub recommendation: RecommendationRules,
    pub summary: SummaryRules,
    /// How soft skills follow from the structure of answers; null in reports of before.
    #[serde(default)]
    pub structure: Option<StructureRules>,
    /// Mean difficulty of the planned questions, where the answers chose the questions: levels count the more, the harder
    /// their question is than this.
    #[serde(default)]
    pub planned_difficulty: Option<f64>,
}

/// Percentiles by nearest rank; null without data.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, ToSchema)]
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
    pub hashes: Hashes,
}

/// SHA-256 (hexadecimal) of what the report was made from.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Hashes {
    /// Of `config/rubric.toml`.
    pub rubric: String,
    /// Of what a scoring model was told; `none` where no model was asked.
    pub prompts: String,
    /// Of the questions as they were asked.
    pub bank: String,
    /// Of the scorer's name with its model and version.
    pub model: String,
}
