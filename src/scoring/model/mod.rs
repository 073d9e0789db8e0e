//! The model scorer: a language model judges each key point by itself, blind, at temperature 0, bound to a schema; code
//! checks every quote and computes the score. Near a boundary of levels it judges several times and the middle
//! judgement counts. What it cannot do, the local scorer does, and the report says so. Must never let a model give a
//! score, or count a claim whose words are not in the answer.

mod ask;
mod points;
mod verdict;

use super::derive::derive;
use super::grader::{Flag, FlagKind, Graded, Grader, GradingInput};
use super::report::Account;
use super::rubric::Rubric;
use crate::interview::question::KeyPoint;
use crate::llm::{JsonRequest, LanguageModel, LlmError};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;
use verdict::Verdict;

/// How often a judgement is asked for before the local scorer takes over: what fails twice in a row fails again.
const ATTEMPTS_MAX_TRIES: u32 = 2;
/// Judgements under way at once: a report in half a minute, within any provider's rate.
const JUDGEMENTS_MAX: usize = 4;
/// Questions whose derived key points are kept, so that all answers are judged by the same; beyond it all are asked anew.
const DERIVED_MAX: usize = 500;
/// Longest reason that is kept of a failure, characters: one sentence.
const REASON_CHARS_MAX: usize = 160;

/// Grades by a language model.
pub struct ModelGrader {
    model: Arc<dyn LanguageModel>,
    local: Arc<dyn Grader>,
    rubric: Rubric,
    runtime: Handle,
    /// Key points of questions that nobody broke up, by a hash of their material.
    derived: Mutex<BTreeMap<[u8; 32], Vec<KeyPoint>>>,
}

impl std::fmt::Debug for ModelGrader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ModelGrader")
    }
}

impl ModelGrader {
    /// `local` takes over when the model fails. Grading blocks its thread while the model is asked on `runtime`, so it
    /// must run where blocking is allowed.
    #[must_use]
    pub fn new(model: Arc<dyn LanguageModel>, local: Arc<dyn Grader>, rubric: Rubric, runtime: Handle) -> Self {
        Self { model, local, rubric, runtime, derived: Mutex::default() }
    }

    /// One judgement; `turn` turns the order of the criteria, so that repeated judgements are not the same question.
    fn judge(&self, input: &GradingInput<'_>, turn: usize) -> Result<Verdict, LlmError> {
        let question = ask::Question::of(input, turn);
        self.asked(|| question.request(), |answer| verdict::read(answer, input, &self.rubric))
    }

    /// Asks until what comes can be read, or has failed too often.
    fn asked<T>(&self, request: impl Fn() -> JsonRequest, read: impl Fn(&Value) -> Option<T>) -> Result<T, LlmError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let answer = self.runtime.block_on(self.model.complete_json(request()));
            match answer.and_then(|answer| read(&answer).ok_or(LlmError::NotJson)) {
                Err(_) if tries < ATTEMPTS_MAX_TRIES => {}
                done => return done,
            }
        }
    }

    /// All judgements of an answer, in the order of their scores.
    fn votes(&self, input: &GradingInput<'_>) -> Result<Vec<Verdict>, LlmError> {
        let first = self.judge(input, 0)?;
        let rules = self.rubric.model;
        let score01 = first.score01;
        let near = |boundary: &f64| (score01 - boundary).abs() < rules.boundary;
        let is_near = self.rubric.answer.level_from.iter().any(near);
        let mut votes = vec![first];
        if is_near {
            for turn in 1..rules.votes {
                // A vote that fails is one less; a pair has no middle, so its lower one counts.
                votes.extend(self.judge(input, turn).ok());
            }
        }
        votes.sort_by(|a, b| a.score01.total_cmp(&b.score01));
        Ok(votes)
    }

    fn fallen_back(&self, input: &GradingInput<'_>, why: &LlmError) -> (Graded, Account) {
        tracing::warn!(%why, "the scoring model failed, the local scorer takes over");
        let mut graded = self.local.grade(input);
        graded.flags.push(Flag { kind: FlagKind::FellBackToLocal, passage: None });
        let fell_back = Some(why.to_string().chars().take(REASON_CHARS_MAX).collect());
        (graded, Account { by: "local".to_owned(), fell_back, ..Account::default() })
    }
}

impl Grader for ModelGrader {
    fn grade(&self, input: &GradingInput<'_>) -> Graded {
        self.grade_accounted(input).0
    }

    fn grade_accounted(&self, input: &GradingInput<'_>) -> (Graded, Account) {
        // What nobody broke into key points is broken up first, and then judged point by point like the rest.
        let derived = if input.key_points.is_empty() { self.key_points(input) } else { Vec::new() };
        let whole = GradingInput { key_points: if derived.is_empty() { input.key_points } else { &derived }, ..*input };
        if whole.key_points.is_empty() {
            let graded = self.local.grade(input);
            return (graded, Account { by: "local".to_owned(), ..Account::default() });
        }
        let mut votes = match self.votes(&whole) {
            Ok(votes) => votes,
            Err(why) => return self.fallen_back(input, &why),
        };
        let scores: Vec<f64> = votes.iter().map(|vote| (vote.score01 * 100.0).round() / 100.0).collect();
        let spread = scores.last().zip(scores.first()).map_or(0.0, |(high, low)| high - low);
        let middle = votes.swap_remove((votes.len() - 1) / 2);
        let refused = middle.refused;
        let mut graded = middle.graded(spread);
        let several = scores.len() > 1;
        if several && spread >= self.rubric.model.disagreement_min {
            graded.flags.push(Flag { kind: FlagKind::VotesDisagree, passage: None });
        }
        let account = Account {
            by: "model".to_owned(),
            votes: if several { scores } else { Vec::new() },
            spread: several.then_some((spread * 100.0).round() / 100.0),
            quotes_refused: refused,
            ..Account::default()
        };
        (graded, account)
    }

    /// By the model, checked by code; by code alone where there is nothing to break up or the model fails.
    fn key_points(&self, input: &GradingInput<'_>) -> Vec<KeyPoint> {
        let by_code = derive(input.question, input.reference, input.rubric);
        if by_code.is_empty() {
            return by_code;
        }
        let mut hash = Sha256::new();
        for text in [input.question, input.reference, input.rubric] {
            hash.update(text.len().to_le_bytes());
            hash.update(text);
        }
        let key: [u8; 32] = hash.finalize().into();
        if let Some(known) = self.derived.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return known.clone();
        }
        let made = self.asked(|| points::request(input), |answer| points::read(answer, input, &self.rubric));
        let made = made.unwrap_or_else(|why| {
            tracing::warn!(%why, "the scoring model gave no key points that hold, code derives them");
            by_code
        });
        let mut derived = self.derived.lock().unwrap_or_else(PoisonError::into_inner);
        if derived.len() >= DERIVED_MAX {
            derived.clear();
        }
        // Others may have asked meanwhile: all answers are judged by what came first.
        derived.entry(key).or_insert(made).clone()
    }

    fn at_once(&self) -> usize {
        JUDGEMENTS_MAX
    }

    fn prompts_hash(&self) -> String {
        ask::prompts_hash()
    }

    fn name(&self) -> String {
        format!(
            "model: {}, key points one by one, quotes checked; falls back to {}",
            self.model.name(),
            self.local.name()
        )
    }
}
