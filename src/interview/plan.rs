//! Which questions an interview asks, in which order, within which time: the same for the same bank, request and seed.
//! Must never depend on who the candidate is.

use super::question::{Bank, Competency, Level, Question, QuestionKind};
use super::staircase::{Staircase, staircase};
use serde::{Deserialize, Serialize};

/// What is asked for.
#[derive(Clone, PartialEq, Debug)]
pub struct PlanRequest {
    pub level: Level,
    /// Number of questions; without it, as many as fit `minutes`, or [`QUESTIONS_DEFAULT`].
    pub questions: Option<u32>,
    /// Length; without it, what the questions need.
    pub minutes: Option<u32>,
    /// Time boxes and length are multiplied by this (accommodations: 1.25, 1.5, 2).
    pub time_factor: f64,
    /// Chooses among questions that would serve equally.
    pub seed: u64,
}

/// Questions of an interview for which neither number nor length is given.
pub const QUESTIONS_DEFAULT: u32 = 6;
/// Most questions of one interview (an hour and a half at the usual time boxes).
pub const QUESTIONS_MAX: u32 = 20;
/// Longest interview, minutes (attention, and the limit of a recording).
pub const MINUTES_MAX: u32 = 120;
/// Greeting, disclosure and closing, s.
const FRAME_S: u32 = 60;
/// The interviewer's own words around one question, s.
const ASKING_S: u32 = 15;

/// The plan of one interview, as stored with it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Plan {
    pub category: String,
    pub category_name: String,
    /// BCP 47 primary tag.
    pub language: String,
    pub level: Level,
    /// For the language model that words probes.
    pub system_prompt: String,
    pub questions: Vec<Question>,
    /// The whole interview, accommodations included, s.
    pub time_budget_s: u32,
    pub time_factor: f64,
    pub seed: u64,
    /// What may be asked instead, by how the answers are; without it, the questions come in their order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staircase: Option<Staircase>,
}

/// Why there is no plan.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PlanError {
    #[error("the category {category} has no questions of level {}", level.as_str())]
    NoQuestions { category: String, level: Level },
    #[error("an interview has 1 to {QUESTIONS_MAX} questions, not {asked}")]
    Questions { asked: u32 },
    #[error("an interview lasts 1 to {MINUTES_MAX} minutes, not {asked}")]
    Minutes { asked: u32 },
    #[error("no question of level {} fits into {minutes} minutes", level.as_str())]
    TooShort { level: Level, minutes: u32 },
}

impl Plan {
    /// Names in the questions that a recogniser should expect (`HTTP`, `B-tree`, `OAuth2`): what all hear, nothing of the
    /// answers, so that nobody's words are bent towards them.
    #[must_use]
    pub fn terms(&self) -> Vec<String> {
        let mut terms: Vec<String> = Vec::new();
        for question in self.all() {
            let words = question.prompt.split_whitespace().enumerate();
            for (place, word) in words {
                let word = word.trim_matches(|c: char| !c.is_alphanumeric());
                let capitals = word.chars().filter(|c| c.is_uppercase()).count();
                // The first word of a sentence has its capital for another reason.
                let is_name = capitals > 1 || word.chars().any(|c| c.is_ascii_digit()) || capitals == 1 && place > 0;
                if is_name && word.chars().count() > 1 && !terms.iter().any(|known| known == word) {
                    terms.push(word.to_owned());
                }
            }
        }
        terms
    }

    /// Draws a plan: anchors first, then what competencies lack most, easy questions before hard ones, code last.
    ///
    /// # Errors
    /// Where the bank has nothing for the request, or the request is out of bounds.
    pub fn draw(bank: &Bank, request: &PlanRequest) -> Result<Self, PlanError> {
        Self::draw_preferring(bank, request, &|_| false)
    }

    /// The same, but after the anchors come the questions that are preferred.
    ///
    /// # Errors
    /// As [`Plan::draw`].
    pub fn draw_preferring(
        bank: &Bank,
        request: &PlanRequest,
        is_preferred: &dyn Fn(&Question) -> bool,
    ) -> Result<Self, PlanError> {
        check(request)?;
        let level = request.level;
        let mut pool: Vec<&Question> = bank.questions.iter().filter(|question| question.level == level).collect();
        if pool.is_empty() {
            return Err(PlanError::NoQuestions { category: bank.category.slug.clone(), level });
        }
        let factor = request.time_factor.clamp(1.0, TIME_FACTOR_MAX);
        let count_max = request.questions.unwrap_or(match request.minutes {
            Some(_) => QUESTIONS_MAX,
            None => QUESTIONS_DEFAULT,
        });
        // A given length already is what the candidate gets before accommodations.
        let seconds_max = request.minutes.map_or(u32::MAX, |minutes| (minutes * 60).saturating_sub(FRAME_S));
        let mut chosen: Vec<&Question> = Vec::new();
        let mut seconds = 0;
        while chosen.len() < count_max as usize {
            let fits = |question: &&&Question| request.questions.is_some() || seconds + cost_s(question) <= seconds_max;
            let best = pool.iter().filter(fits).max_by(|a, b| {
                let rank = |question: &Question| {
                    let share = rank(question, &chosen, &bank.category.competencies);
                    if is_preferred(question) { share + PREFERRED_RANK } else { share }
                };
                let by_rank = rank(a).total_cmp(&rank(b));
                by_rank.then_with(|| lot(request.seed, &a.key).cmp(&lot(request.seed, &b.key)))
            });
            let Some(best) = best.copied() else { break };
            seconds += cost_s(best);
            chosen.push(best);
            pool.retain(|question| question.key != best.key);
        }
        if chosen.is_empty() {
            return Err(PlanError::TooShort { level, minutes: request.minutes.unwrap_or(0) });
        }
        chosen.sort_by_key(|question| {
            (question.kind == QuestionKind::Code, question.difficulty, lot(request.seed, &question.key))
        });
        let budget_s = request.minutes.map_or(seconds + FRAME_S, |minutes| minutes * 60);
        Ok(Self {
            category: bank.category.slug.clone(),
            category_name: bank.category.name.clone(),
            language: bank.category.language.clone(),
            level,
            system_prompt: bank.category.system_prompt.clone(),
            questions: chosen.into_iter().cloned().collect(),
            time_budget_s: scaled_s(budget_s, factor),
            time_factor: factor,
            seed: request.seed,
            staircase: None,
        })
    }

    /// The same plan, of which the questions get harder or easier as they are answered. Those that `is_wished` stay.
    #[must_use]
    pub fn with_staircase(self, bank: &Bank, is_wished: &dyn Fn(&Question) -> bool) -> Self {
        let staircase = Some(staircase(&self, bank, is_wished));
        Self { staircase, ..self }
    }

    /// The question with this key, planned or standing in.
    #[must_use]
    pub fn question(&self, key: &str) -> Option<&Question> {
        self.all().find(|question| question.key == key)
    }

    /// The question at a place: first those planned, then those that may stand in.
    #[must_use]
    pub fn at(&self, place: usize) -> Option<&Question> {
        self.all().nth(place)
    }

    /// Planned questions, then those that may stand in.
    pub fn all(&self) -> impl Iterator<Item = &Question> {
        self.questions.iter().chain(self.staircase.iter().flat_map(|staircase| &staircase.reserve))
    }

    /// The time box of a question, accommodations included, ms.
    #[must_use]
    pub fn time_box_ms(&self, question: &Question) -> u64 {
        u64::from(scaled_s(question.time_box_s, self.time_factor)) * 1000
    }
}

/// The greatest accommodation of time.
const TIME_FACTOR_MAX: f64 = 3.0;

fn check(request: &PlanRequest) -> Result<(), PlanError> {
    if let Some(asked) = request.questions.filter(|asked| !(1..=QUESTIONS_MAX).contains(asked)) {
        return Err(PlanError::Questions { asked });
    }
    if let Some(asked) = request.minutes.filter(|asked| !(1..=MINUTES_MAX).contains(asked)) {
        return Err(PlanError::Minutes { asked });
    }
    Ok(())
}

/// How much a question is wanted beside those chosen: anchors above all, then shares of the competencies' weights.
fn rank(question: &Question, chosen: &[&Question], competencies: &[Competency]) -> f64 {
    let weight = competencies.iter().find(|c| c.slug == question.competency).map_or(1.0, |c| c.weight);
    let served = chosen.iter().filter(|other| other.competency == question.competency).count();
    let share = weight / (served as f64 + 1.0);
    if question.anchor { share + ANCHOR_RANK } else { share }
}

/// Above every share of a competency.
const ANCHOR_RANK: f64 = 1e6;
/// Above every share, and below an anchor.
const PREFERRED_RANK: f64 = 1e3;
/// So many letters of a technology's name are enough, where a longer word begins with it: "postgres" is in "PostgreSQL".
const STEM_LETTERS: usize = 4;

/// Of these technologies, those that no question of the level names.
#[must_use]
pub fn unnamed(bank: &Bank, level: Level, stack: &[String]) -> Vec<String> {
    let is_unnamed = |technology: &&String| !bank.at(level).any(|question| names(question, technology));
    stack.iter().filter(is_unnamed).cloned().collect()
}

/// Whether a question is about a technology: its text or its code names it.
#[must_use]
pub fn names(question: &Question, technology: &str) -> bool {
    let technology = technology.trim().to_lowercase();
    let language = question.code.iter().map(|code| code.language.as_str());
    let points = question.key_points.iter().map(|point| point.statement.as_str());
    let texts = [question.prompt.as_str(), &question.reference_answer, &question.competency];
    texts.into_iter().chain(language).chain(points).any(|text| {
        let words = text.split(|c: char| !(c.is_alphanumeric() || "+#.-".contains(c)));
        words.map(|word| word.trim_matches(['.', '-']).to_lowercase()).any(|word| {
            word == technology || (technology.chars().count() >= STEM_LETTERS && word.starts_with(&technology))
        })
    })
}

fn cost_s(question: &Question) -> u32 {
    question.time_box_s + ASKING_S
}

fn scaled_s(seconds: u32, factor: f64) -> u32 {
    (f64::from(seconds) * factor).round() as u32
}

/// A number for `key` that looks random and is the same for the same seed (FNV-1a, then mixed).
pub(super) fn lot(seed: u64, key: &str) -> u64 {
    let hash = key
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325 ^ seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 29)
}
