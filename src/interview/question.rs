//! The vocabulary of questions: what a bank holds and an interview asks. Plain data; must never hold a rule of the
//! conversation.

use serde::{Deserialize, Serialize};

/// A category with its questions, as a bank file under `config/bank/` states it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bank {
    pub category: Category,
    pub questions: Vec<Question>,
}

/// A category of questions.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Category {
    pub slug: String,
    pub name: String,
    pub description: String,
    /// BCP 47 primary tag.
    pub language: String,
    /// How the language model is to behave here; never shown to candidates.
    pub system_prompt: String,
    pub job_positions: Vec<String>,
    pub competencies: Vec<Competency>,
}

/// What a group of questions measures.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Competency {
    pub slug: String,
    pub name: String,
    /// Share in the overall score, relative to its siblings.
    pub weight: f64,
}

/// One question, complete.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Stable name, such as `backend.idempotency`.
    pub key: String,
    #[serde(default = "one")]
    pub version: u32,
    /// Key of the same question in the other language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub twin: Option<String>,
    /// Slug of a competency of the category.
    pub competency: String,
    pub level: Level,
    /// 1..5 within its level.
    pub difficulty: u8,
    pub kind: QuestionKind,
    /// How long an answer with its probes may take, s.
    pub time_box_s: u32,
    /// Asked of everybody at its level, so that candidates stay comparable.
    #[serde(default)]
    pub anchor: bool,
    /// As it is spoken: at most [`PROMPT_WORDS_MAX`] words, speakable.
    pub prompt: String,
    /// The same in other, simpler words, for "what do you mean?".
    pub rephrased: String,
    pub reference_answer: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeTask>,
    pub key_points: Vec<KeyPoint>,
    #[serde(default)]
    pub misconceptions: Vec<Misconception>,
    pub probes: Vec<Probe>,
    /// What an answer of level 1, 3 and 5 is like.
    pub anchors: Anchors,
}

fn one() -> u32 {
    1
}

/// Longest spoken prompt, words (longer ones are not kept in mind by listeners).
pub const PROMPT_WORDS_MAX: usize = 35;

/// What the code pane opens with.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeTask {
    pub language: String,
    pub starter: String,
}

/// Something that a good answer says.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyPoint {
    pub id: String,
    pub statement: String,
    pub weight: f64,
    /// Must points make up the score; others are a bonus.
    #[serde(default = "yes")]
    pub must: bool,
    /// Other ways of saying it, as candidates do.
    pub paraphrases: Vec<String>,
    /// Groups of terms; each group lists alternatives parted by `|`. All groups found near each other: met.
    #[serde(default)]
    pub terms: Vec<String>,
}

fn yes() -> bool {
    true
}

/// A known wrong idea.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Misconception {
    pub id: String,
    pub statement: String,
    /// Caps the level at 3.
    #[serde(default)]
    pub critical: bool,
    pub paraphrases: Vec<String>,
    #[serde(default)]
    pub terms: Vec<String>,
}

/// A follow-up in the bank's own words, tied to the key point that it opens.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Id of a key point of the question.
    pub key_point: String,
    pub kind: ProbeKind,
    pub text: String,
}

/// What a probe asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProbeKind {
    Clarify,
    Depth,
    Example,
    TradeOff,
    EdgeCase,
}

/// Anchors of the five-step scale.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Anchors {
    pub one: String,
    pub three: String,
    pub five: String,
}

/// How experienced the candidate is said to be.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Junior,
    Middle,
    Senior,
}

impl Level {
    pub const ALL: [Self; 3] = [Self::Junior, Self::Middle, Self::Senior];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Junior => "junior",
            Self::Middle => "middle",
            Self::Senior => "senior",
        }
    }
}

/// What sort of answer a question asks for; sets the patience.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuestionKind {
    Factual,
    Explain,
    Design,
    Behavioural,
    Code,
}

impl QuestionKind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Factual => "factual",
            Self::Explain => "explain",
            Self::Design => "design",
            Self::Behavioural => "behavioural",
            Self::Code => "code",
        }
    }
}
