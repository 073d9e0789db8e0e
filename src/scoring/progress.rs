//! What somebody's answers tell over time: mastery of each competency with its uncertainty, scores by interview, what is
//! weak, what had better be repeated and when. Pure: past answers and `now` in, a document out. Must never tell more than
//! the answers show: few of them, or old ones, widen the interval.

pub mod repeat;

use super::rubric::AggregateRules;
use crate::id::SessionId;
use crate::interview::coverage::Status;
use crate::interview::question::Level;
use chrono::{DateTime, Utc};
use repeat::{Repeat, repeats};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Interviews that are looked back on, the newest: a year of three a week.
pub const INTERVIEWS_MAX: u32 = 150;
/// Weak questions that are listed: more is no list to work from.
const WEAK_MAX: usize = 20;
/// A level up to which an answer is weak.
const WEAK_LEVEL: u8 = 2;
/// After so many days an answer tells half as much about today.
const HALF_LIFE_DAYS: f64 = 90.0;
const DAY_S: f64 = 86_400.0;

/// The answer to a question in an interview that has its report.
#[derive(Clone, PartialEq, Debug)]
pub struct PastAnswer {
    pub session: SessionId,
    pub at: DateTime<Utc>,
    pub place: Place,
    /// Its words; the key where the bank no longer knows it.
    pub question: String,
    /// Slug; none where the bank no longer knows the question.
    pub competency: Option<String>,
    pub competency_name: Option<String>,
    /// 1 to 5; none where it was not assessed.
    pub level: Option<u8>,
    /// Asked, and passed over or left without an answer.
    pub is_passed: bool,
    pub points: Vec<PastPoint>,
}

/// Which question it is, the same in every version.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    pub category: String,
    pub language: String,
    /// Of the interview, and so of its questions.
    pub level: Level,
    pub key: String,
}

/// A key point as it was judged.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct PastPoint {
    pub statement: String,
    pub status: Status,
    pub weight: f64,
    pub must: bool,
}

/// An interview that has its report.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct PastInterview {
    #[serde(rename = "interview_id")]
    pub id: SessionId,
    pub at: DateTime<Utc>,
    #[schema(example = "Back-end engineering, middle")]
    pub title: String,
    #[schema(example = "backend")]
    pub category: String,
    pub level: Level,
    /// 1 to 5; null without evidence.
    pub score: Option<f64>,
    /// Lower and upper end of the 90 % interval.
    pub interval90: Option<[f64; 2]>,
}

/// Somebody's progress.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct Progress {
    /// The oldest first: score over time.
    pub interviews: Vec<PastInterview>,
    /// The weakest first.
    pub competencies: Vec<Mastery>,
    /// Questions whose last answer was weak, the weakest first; at most 20.
    pub weak: Vec<WeakQuestion>,
    /// Questions that are to be repeated, and are due by now.
    pub due: u32,
}

/// How well a competency is mastered, as far as the answers tell.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct Mastery {
    /// Slug of the category.
    #[schema(example = "backend")]
    pub category: String,
    /// Slug of the competency.
    #[schema(example = "apis")]
    pub competency: String,
    #[schema(example = "Interfaces")]
    pub name: String,
    /// 1 to 5: the levels of the last answers, newer ones weighing more, drawn towards the middle by how few there are.
    pub score: f64,
    pub standard_error: f64,
    pub interval90: [f64; 2],
    /// Questions behind it, each by its last answer.
    pub questions: u32,
    pub last_at: DateTime<Utc>,
    /// Every answer's level, the oldest first.
    pub levels: Vec<LevelAt>,
}

/// A level, and when.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct LevelAt {
    pub at: DateTime<Utc>,
    pub level: u8,
}

/// A question whose last answer was weak.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct WeakQuestion {
    pub interview_id: SessionId,
    #[schema(example = "backend.idempotency")]
    pub question_key: String,
    pub question: String,
    #[schema(example = "backend")]
    pub category: String,
    #[schema(example = "en")]
    pub language: String,
    /// Null where it was passed over.
    pub level: Option<u8>,
    pub at: DateTime<Utc>,
    /// What the answer did not say, the weightiest first.
    pub missed: Vec<String>,
}

/// What the answers (the oldest first) tell at `now`.
#[must_use]
pub fn progress(
    answers: &[PastAnswer],
    interviews: Vec<PastInterview>,
    rules: &AggregateRules,
    now: DateTime<Utc>,
) -> Progress {
    let last = last_answers(answers);
    let mut competencies = masteries(answers, &last, rules, now);
    competencies.sort_by(|a, b| a.score.total_cmp(&b.score).then_with(|| a.competency.cmp(&b.competency)));
    let mut weak: Vec<&PastAnswer> = last.into_iter().filter(|answer| is_weak(answer)).collect();
    weak.sort_by(|a, b| {
        let rank = |answer: &PastAnswer| (answer.level, std::cmp::Reverse(answer.at));
        rank(a).cmp(&rank(b)).then_with(|| a.place.cmp(&b.place))
    });
    let due = repeats(answers).iter().filter(|repeat| repeat.due_at <= now).count();
    Progress {
        interviews,
        competencies,
        weak: weak.into_iter().take(WEAK_MAX).map(WeakQuestion::of).collect(),
        due: u32::try_from(due).unwrap_or(u32::MAX),
    }
}

impl WeakQuestion {
    fn of(answer: &PastAnswer) -> Self {
        Self {
            interview_id: answer.session,
            question_key: answer.place.key.clone(),
            question: answer.question.clone(),
            category: answer.place.category.clone(),
            language: answer.place.language.clone(),
            level: answer.level,
            at: answer.at,
            missed: missed(answer),
        }
    }
}

/// The questions that one practice interview is made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Practice {
    pub category: String,
    pub language: String,
    pub level: Level,
    /// Keys, those that are due first.
    pub keys: Vec<String>,
}

/// What had best be practised: of the category, language and level with the most that is due or weak, at most `count`
/// questions; of `category` alone, if it is named. `None` where nothing is.
#[must_use]
pub fn practice(answers: &[PastAnswer], category: Option<&str>, count: usize, now: DateTime<Utc>) -> Option<Practice> {
    let weak = last_answers(answers).into_iter().filter(|answer| is_weak(answer)).map(|answer| &answer.place);
    let weak: Vec<&Place> = weak.collect();
    // Due by now, then weak though not yet due; each once, the earliest first.
    let repeats = repeats(answers);
    let wanted = repeats.iter().filter(|repeat| repeat.due_at <= now || weak.contains(&&repeat.place));
    let mut groups: BTreeMap<(&str, &str, Level), Vec<&Repeat>> = BTreeMap::new();
    for repeat in wanted.filter(|repeat| category.is_none_or(|category| repeat.place.category == category)) {
        let place = &repeat.place;
        groups.entry((&place.category, &place.language, place.level)).or_default().push(repeat);
    }
    // Of equals the first by name: the same answers give the same practice.
    let ((category, language, level), chosen) = groups.into_iter().rev().max_by_key(|(_, group)| group.len())?;
    Some(Practice {
        category: category.to_owned(),
        language: language.to_owned(),
        level,
        keys: chosen.into_iter().take(count).map(|repeat| repeat.place.key.clone()).collect(),
    })
}

/// The last answer to each question, in the questions' order.
fn last_answers(answers: &[PastAnswer]) -> Vec<&PastAnswer> {
    let told = answers.iter().filter(|answer| answer.level.is_some() || answer.is_passed);
    let last: BTreeMap<&Place, &PastAnswer> = told.map(|answer| (&answer.place, answer)).collect();
    last.into_values().collect()
}

fn is_weak(answer: &PastAnswer) -> bool {
    answer.level.is_none_or(|level| level <= WEAK_LEVEL)
}

/// What an answer did not say of what counts, the weightiest first.
fn missed(answer: &PastAnswer) -> Vec<String> {
    let mut points: Vec<&PastPoint> =
        answer.points.iter().filter(|point| point.must && point.status < Status::Partial).collect();
    points.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    points.into_iter().map(|point| point.statement.clone()).collect()
}

fn masteries(answers: &[PastAnswer], last: &[&PastAnswer], rules: &AggregateRules, now: DateTime<Utc>) -> Vec<Mastery> {
    let mut found: BTreeMap<(&str, &str), Vec<&PastAnswer>> = BTreeMap::new();
    for answer in last.iter().filter(|answer| answer.level.is_some()) {
        let Some(competency) = answer.competency.as_deref() else { continue };
        found.entry((&answer.place.category, competency)).or_default().push(answer);
    }
    let mastery = |((category, competency), last): ((&str, &str), Vec<&PastAnswer>)| {
        let of_it = |answer: &&PastAnswer| {
            answer.place.category == category && answer.competency.as_deref() == Some(competency)
        };
        let levels = answers.iter().filter(of_it);
        let levels = levels.filter_map(|answer| Some(LevelAt { at: answer.at, level: answer.level? }));
        let (score, standard_error) = estimate(&last, rules, now);
        let reach = rules.interval_z * standard_error;
        Some(Mastery {
            category: category.to_owned(),
            competency: competency.to_owned(),
            name: last.last()?.competency_name.clone().unwrap_or_else(|| competency.to_owned()),
            score: tenth(score),
            standard_error: (standard_error * 100.0).round() / 100.0,
            interval90: [tenth((score - reach).max(1.0)), tenth((score + reach).min(5.0))],
            questions: u32::try_from(last.len()).unwrap_or(u32::MAX),
            last_at: last.iter().map(|answer| answer.at).max()?,
            levels: levels.collect(),
        })
    };
    found.into_iter().filter_map(mastery).collect()
}

/// As a report's estimate, but that an answer counts for less than one question the older it is.
fn estimate(answers: &[&PastAnswer], rules: &AggregateRules, now: DateTime<Utc>) -> (f64, f64) {
    let (mut told, mut sum) = (0.0, 0.0);
    for answer in answers {
        let age_days = (now - answer.at).num_seconds().max(0) as f64 / DAY_S;
        let worth = 0.5_f64.powf(age_days / HALF_LIFE_DAYS);
        told += worth;
        sum += worth * f64::from(answer.level.unwrap_or_default());
    }
    let (person, question) = (rules.person_sd * rules.person_sd, rules.question_sd * rules.question_sd);
    let score = (sum + question / person * rules.middle) / (told + question / person);
    (score, (person * question / (told * person + question)).sqrt())
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests;
