//! A question as a person writes it: little must be said, the rest is filled in. Where nobody named key points, they are
//! derived from the expected answer, and kept with the question for a person to edit. Pure. Must never change what was
//! written.

use super::derive::derive;
use crate::interview::bank::WEIGHT_MAX;
use crate::interview::question::{Anchors, CodeTask, KeyPoint, Level, Misconception, Probe, Question, QuestionKind};
use serde::{Deserialize, Serialize};

/// A question of the bank, as it is sent and handed out.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuestionDraft {
    /// Stable name: the category's slug, a dot, and a slug of its own. The same in every version.
    #[schema(example = "backend.retry-budget", max_length = 201)]
    pub key: String,
    /// Key of the same question in the other language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "backend.retry-budget", max_length = 201)]
    pub twin: Option<String>,
    /// Slug of a competency of the category.
    #[schema(example = "reliability", max_length = 100)]
    pub competency: String,
    pub level: Level,
    /// Within its level.
    #[serde(default = "middle_difficulty")]
    #[schema(minimum = 1, maximum = 5)]
    pub difficulty: u8,
    pub kind: QuestionKind,
    /// How long an answer with its follow-ups may take, s. Default: by the kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 30, maximum = 900, example = 120)]
    pub time_box_s: Option<u32>,
    /// Asked of everybody at its level.
    #[serde(default)]
    pub anchor: bool,
    /// As it is spoken.
    #[schema(example = "Why should a client that retries have a budget for its retries?", max_length = 4000)]
    pub prompt: String,
    /// The same in simpler words. Default: the question itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 4000)]
    pub rephrased: Option<String>,
    /// What a good answer says.
    #[schema(
        example = "Retries multiply the load on a server that is failing. A budget limits retries to a share of all requests. Without one, clients keep a server down.",
        max_length = 4000
    )]
    pub reference_answer: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeTask>,
    /// Empty: derived from the expected answer (`derived-1`, `derived-2`, …), by the scoring model where one is named.
    #[serde(default)]
    #[schema(max_items = 12)]
    pub key_points: Vec<KeyPoint>,
    #[serde(default)]
    #[schema(max_items = 40)]
    pub misconceptions: Vec<Misconception>,
    #[serde(default)]
    #[schema(max_items = 40)]
    pub probes: Vec<Probe>,
    /// What an answer of level 1, 3 and 5 is like. Default: the scale's general words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchors: Option<Anchors>,
}

fn middle_difficulty() -> u8 {
    3
}

impl QuestionDraft {
    /// The question, complete, in a category of this language (BCP 47 primary tag).
    #[must_use]
    pub fn complete(self, language: &str) -> Question {
        let key_points =
            if self.key_points.is_empty() { derived(&self.prompt, &self.reference_answer) } else { self.key_points };
        Question {
            key: self.key,
            version: 1,
            twin: self.twin,
            competency: self.competency,
            level: self.level,
            difficulty: self.difficulty,
            kind: self.kind,
            time_box_s: self.time_box_s.unwrap_or(time_box_s(self.kind)),
            anchor: self.anchor,
            rephrased: self.rephrased.filter(|text| !text.trim().is_empty()).unwrap_or_else(|| self.prompt.clone()),
            prompt: self.prompt,
            reference_answer: self.reference_answer,
            code: self.code,
            key_points,
            misconceptions: self.misconceptions,
            probes: self.probes,
            anchors: self.anchors.unwrap_or_else(|| general_anchors(language)),
        }
    }

    /// The same with these key points, which somebody derived, if it names none.
    #[must_use]
    pub fn with_derived(self, points: Vec<KeyPoint>) -> Self {
        let key_points = if self.key_points.is_empty() { weighed(points) } else { self.key_points };
        Self { key_points, ..self }
    }

    /// What is written down of a question.
    #[must_use]
    pub fn of(question: Question) -> Self {
        Self {
            key: question.key,
            twin: question.twin,
            competency: question.competency,
            level: question.level,
            difficulty: question.difficulty,
            kind: question.kind,
            time_box_s: Some(question.time_box_s),
            anchor: question.anchor,
            prompt: question.prompt,
            rephrased: Some(question.rephrased),
            reference_answer: question.reference_answer,
            code: question.code,
            key_points: question.key_points,
            misconceptions: question.misconceptions,
            probes: question.probes,
            anchors: Some(question.anchors),
        }
    }
}

/// Whether the key points are those that were derived: nobody has looked them over.
#[must_use]
pub fn is_derived(question: &Question) -> bool {
    question.key_points.iter().all(|point| point.id.starts_with(DERIVED))
}

/// Beginning of the ids of derived key points, as [`derive`] gives them.
const DERIVED: &str = "derived-";

fn derived(prompt: &str, reference: &str) -> Vec<KeyPoint> {
    weighed(derive(prompt, reference, ""))
}

fn weighed(mut points: Vec<KeyPoint>) -> Vec<KeyPoint> {
    // The deriver weighs by words told, the bank by what may be weighed against each other.
    points.iter_mut().for_each(|point| point.weight = point.weight.min(WEIGHT_MAX));
    points
}

/// The usual time box of a kind, s.
fn time_box_s(kind: QuestionKind) -> u32 {
    match kind {
        QuestionKind::Factual => 90,
        QuestionKind::Explain => 150,
        QuestionKind::Design => 240,
        QuestionKind::Behavioural => 180,
        QuestionKind::Code => 480,
    }
}

fn general_anchors(language: &str) -> Anchors {
    let [one, three, five] = match language {
        "uk" => [
            "Нічого по суті, або неправильно.",
            "Основна думка правильна; бракує компромісів і крайніх випадків.",
            "Повно й точно, з компромісами, можливими збоями та власним досвідом.",
        ],
        _ => [
            "Nothing to the point, or wrong.",
            "The core idea is right; trade-offs and edge cases are missing.",
            "Complete and precise, with trade-offs, failure modes and own experience.",
        ],
    };
    Anchors { one: one.to_owned(), three: three.to_owned(), five: five.to_owned() }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn draft() -> QuestionDraft {
        serde_json::from_value(serde_json::json!({
            "key": "backend.retry-budget", "competency": "reliability", "level": "middle", "kind": "explain",
            "prompt": "Why should a client that retries have a budget?",
            "reference_answer": "Retries multiply the load on a failing server. The budget limits retries to a share of all requests; without one, clients keep the server down.",
        }))
        .expect("a draft")
    }

    #[test]
    fn an_expected_answer_becomes_key_points_that_can_be_edited() {
        let question = draft().complete("en");
        let said: Vec<&str> = question.key_points.iter().map(|point| point.statement.as_str()).collect();
        assert_eq!(
            said,
            [
                "Retries multiply the load on a failing server",
                "The budget limits retries to a share of all requests",
                "without one, clients keep the server down"
            ]
        );
        assert!(question.key_points.iter().all(|point| point.weight <= WEIGHT_MAX && point.must));
        assert!(is_derived(&question));
        assert_eq!((question.rephrased.as_str(), question.time_box_s), (question.prompt.as_str(), 150));
        let mut edited = QuestionDraft::of(question);
        edited.key_points[0].id = "load".to_owned();
        let question = edited.clone().complete("uk");
        assert!(!is_derived(&question));
        assert_eq!(QuestionDraft::of(question), edited, "what is written stays");
    }
}
