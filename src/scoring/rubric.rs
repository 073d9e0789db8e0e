//! The constants of scoring, from one documented file with a version (`config/rubric.toml`). Must never be changed
//! without a new version: reports name the one that they were made by.

use crate::interview::coverage::Status;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The rubric inside the program.
pub const SHIPPED: &str = include_str!("../../config/rubric.toml");

/// Why a text is no rubric.
#[derive(Debug, thiserror::Error)]
pub enum RubricError {
    #[error("the rubric cannot be read: {0}")]
    Syntax(#[from] toml::de::Error),
    #[error("the rubric contradicts itself: {0}")]
    Nonsense(&'static str),
}

/// See the comments of `config/rubric.toml`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rubric {
    pub version: u32,
    pub status: StatusWorth,
    pub answer: AnswerRules,
    pub cap: Caps,
    pub aggregate: AggregateRules,
    pub recommendation: RecommendationRules,
    pub summary: SummaryRules,
    pub ours: OurFaultRules,
    pub model: ModelRules,
    pub structure: Structure,
    #[serde(default)]
    pub integrity: Vec<Pattern>,
    /// SHA-256 of the text that it was read from.
    #[serde(skip)]
    pub hash: String,
}

/// What a status is worth.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusWorth {
    pub met: f64,
    pub partial: f64,
    pub missed: f64,
    pub wrong: f64,
}

impl StatusWorth {
    #[must_use]
    pub fn of(&self, status: Status) -> f64 {
        match status {
            Status::Met => self.met,
            Status::Partial => self.partial,
            Status::Missed => self.missed,
            Status::Wrong => self.wrong,
        }
    }
}

/// From key points to a level.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerRules {
    pub bonus_max: f64,
    pub level_from: [f64; 4],
    pub words_min: usize,
}

/// Highest levels under a condition.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caps {
    pub without_quote: u8,
    pub critical_misconception: u8,
    pub prompted_senior: u8,
}

/// From levels to estimates with their uncertainty.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AggregateRules {
    pub middle: f64,
    pub person_sd: f64,
    pub question_sd: f64,
    pub interval_z: f64,
    pub questions_min: u32,
    pub assessed_share_min: f64,
    /// Levels that a step of difficulty is worth, where questions were chosen by the answers.
    #[serde(default)]
    pub difficulty_worth: f64,
}

/// How an answer is built: what is looked for, and what it is worth.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Structure {
    pub rules: StructureRules,
    pub criteria: Vec<StructureCriterion>,
}

/// From what the criteria find to soft skills.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StructureRules {
    pub met: f64,
    pub partial: f64,
    pub missed: f64,
    pub weight: f64,
    pub answers_min: u32,
}

impl StructureRules {
    /// The level of one finding.
    #[must_use]
    pub fn of(&self, status: Status) -> f64 {
        match status {
            Status::Met => self.met,
            Status::Partial => self.partial,
            Status::Missed | Status::Wrong => self.missed,
        }
    }
}

/// One criterion of structure.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StructureCriterion {
    pub kind: StructureKind,
    /// For a person to read.
    pub name: String,
    /// Alternatives parted by `|`, where words are its signs.
    #[serde(default)]
    pub signs: String,
}

/// What is judged of how an answer is built.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StructureKind {
    AnswersWhatWasAsked,
    OrdersIt,
    ReasonsAloud,
    UsesHints,
}

/// From the interval to a word.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecommendationRules {
    pub strong_yes_low: f64,
    pub yes_low: f64,
    pub no_high: f64,
    pub strong_no_high: f64,
}

/// What the summary lists.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SummaryRules {
    pub points_max: usize,
    pub strength_level_min: u8,
    pub gap_level_max: u8,
}

/// When a turn counts as damaged by us.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OurFaultRules {
    pub confidence_min: f32,
    pub lost_ms_max: u64,
    pub cut_off_ms: u64,
}

/// How a scoring model is asked.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelRules {
    pub votes: usize,
    pub boundary: f64,
    pub disagreement_min: f64,
}

/// Words that are shown to a person and change no score.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    pub kind: String,
    pub groups: Vec<String>,
}

impl Rubric {
    /// Reads a rubric.
    ///
    /// # Errors
    /// Says where the text is none, or what in it contradicts itself.
    pub fn parse(text: &str) -> Result<Self, RubricError> {
        let mut rubric: Self = toml::from_str(text)?;
        rubric.hash = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        let rising = |values: &[f64]| values.windows(2).all(|pair| pair[0] < pair[1]);
        let AggregateRules { person_sd, question_sd, .. } = rubric.aggregate;
        let RecommendationRules { strong_yes_low, yes_low, no_high, strong_no_high } = rubric.recommendation;
        let rules = [
            (rising(&rubric.answer.level_from), "the levels do not rise"),
            (
                rising(&[rubric.status.wrong, rubric.status.missed, rubric.status.partial, rubric.status.met]),
                "a status is worth too much",
            ),
            (person_sd > 0.0 && question_sd > 0.0, "a spread is not positive"),
            (rising(&[strong_no_high, no_high, yes_low, strong_yes_low]), "the recommendations overlap"),
            (rubric.model.votes % 2 == 1, "an even number of votes has no middle"),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, nonsense)) => Err(RubricError::Nonsense(nonsense)),
            None => Ok(rubric),
        }
    }

    /// The rubric inside the program.
    ///
    /// # Errors
    /// Only if that is damaged, which a test prevents.
    pub fn shipped() -> Result<Self, RubricError> {
        Self::parse(SHIPPED)
    }

    /// The level that a score01 reaches, 1 to 5.
    #[must_use]
    pub fn level(&self, score01: f64) -> u8 {
        self.answer.level_from.iter().fold(1, |level, from| level + u8::from(score01 >= *from))
    }

    /// As reports name it.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} ({})", self.version, self.hash.get(..12).unwrap_or("unhashed"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Rubric, SHIPPED};

    #[test]
    fn the_shipped_rubric_is_sound() {
        let rubric = Rubric::shipped().expect("a rubric");
        assert_eq!([0.0, 0.2, 0.39, 0.4, 0.65, 0.85, 1.0].map(|score| rubric.level(score)), [1, 2, 2, 3, 4, 5, 5]);
        assert_eq!(rubric.hash.len(), 64);
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(Rubric::parse(&SHIPPED.replace("yes_low = 3.2", "yes_low = 2.0")).is_err());
        assert!(Rubric::parse(&SHIPPED.replace("person_sd", "persons_sd")).is_err());
    }
}
