//! When a question is to be repeated: each of its key points by itself, by the intervals of SM-2 (Wozniak, 1990), so that
//! what was missed comes back tomorrow and what was said twice comes back in a week. Must never plan by how somebody spoke.

use super::{PastAnswer, Place};
use crate::interview::coverage::Status;
use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use std::collections::BTreeMap;

/// How readily intervals grow at first (SM-2).
const EASE_FIRST: f64 = 2.5;
/// How little they grow at least (SM-2).
const EASE_MIN: f64 = 1.3;
/// The first and the second interval, days (SM-2).
const INTERVALS_DAYS: [f64; 2] = [1.0, 6.0];
/// Longest interval, days: an interview is prepared for within a year.
const INTERVAL_DAYS_MAX: f64 = 365.0;
/// SM-2's grade from which something counts as remembered.
const REMEMBERED: f64 = 3.0;

/// A question, and when it is due.
#[derive(Clone, PartialEq, Debug)]
pub struct Repeat {
    pub place: Place,
    pub question: String,
    pub due_at: DateTime<Utc>,
    /// Its key points that are due by then, and when each.
    pub points: Vec<RepeatPoint>,
}

/// A key point, and when it is due.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct RepeatPoint {
    pub statement: String,
    pub due_at: DateTime<Utc>,
    /// Times in a row that it was said.
    pub repetitions: u32,
    /// The last interval, days.
    pub interval_days: f64,
}

/// What SM-2 keeps of one key point.
#[derive(Clone, Copy, Debug)]
struct Memory {
    repetitions: u32,
    interval_days: f64,
    ease: f64,
    seen_at: DateTime<Utc>,
}

impl Memory {
    fn new(at: DateTime<Utc>) -> Self {
        Self { repetitions: 0, interval_days: 0.0, ease: EASE_FIRST, seen_at: at }
    }

    /// After it was said so well (0 to 5).
    fn graded(self, grade: f64, at: DateTime<Utc>) -> Self {
        let lapse = 5.0 - grade;
        let ease = (self.ease + 0.1 - lapse * (0.08 + lapse * 0.02)).max(EASE_MIN);
        let repetitions = if grade < REMEMBERED { 0 } else { self.repetitions + 1 };
        let interval_days = match repetitions {
            0 | 1 => INTERVALS_DAYS[0],
            2 => INTERVALS_DAYS[1],
            _ => (self.interval_days * ease).min(INTERVAL_DAYS_MAX),
        };
        Self { repetitions, interval_days, ease, seen_at: at }
    }

    fn due_at(self) -> DateTime<Utc> {
        self.seen_at + Duration::seconds((self.interval_days * 86_400.0).round() as i64)
    }
}

/// SM-2's grade of a status.
fn grade(status: Status) -> f64 {
    match status {
        Status::Met => 5.0,
        Status::Partial => 3.0,
        Status::Missed => 1.0,
        Status::Wrong => 0.0,
    }
}

/// Every question that was answered or passed over, by when it is due; `answers` stand with the oldest first.
#[must_use]
pub fn repeats(answers: &[PastAnswer]) -> Vec<Repeat> {
    let mut questions: BTreeMap<&Place, (&str, BTreeMap<&str, Memory>)> = BTreeMap::new();
    for answer in answers.iter().filter(|answer| answer.level.is_some() || answer.is_passed) {
        let (question, points) = questions.entry(&answer.place).or_default();
        *question = &answer.question;
        if answer.level.is_none() {
            // Passed over: whatever was known of it is asked for again tomorrow.
            points.values_mut().for_each(|memory| *memory = memory.graded(grade(Status::Missed), answer.at));
            points.entry("").or_insert_with(|| Memory::new(answer.at).graded(grade(Status::Missed), answer.at));
            continue;
        }
        // A version that no longer has a key point no longer asks for it.
        let before = std::mem::take(points);
        for point in answer.points.iter().filter(|point| point.must) {
            let memory = before.get(point.statement.as_str()).copied().unwrap_or_else(|| Memory::new(answer.at));
            points.insert(&point.statement, memory.graded(grade(point.status), answer.at));
        }
    }
    let mut found: Vec<Repeat> =
        questions.into_iter().filter_map(|(place, (question, points))| repeat(place, question, &points)).collect();
    found.sort_by(|a, b| a.due_at.cmp(&b.due_at).then_with(|| a.place.cmp(&b.place)));
    found
}

fn repeat(place: &Place, question: &str, points: &BTreeMap<&str, Memory>) -> Option<Repeat> {
    let due_at = points.values().map(|memory| memory.due_at()).min()?;
    let due = points.iter().filter(|(statement, memory)| !statement.is_empty() && memory.due_at() <= due_at);
    let points = due.map(|(statement, memory)| RepeatPoint {
        statement: (*statement).to_owned(),
        due_at: memory.due_at(),
        repetitions: memory.repetitions,
        interval_days: (memory.interval_days * 10.0).round() / 10.0,
    });
    Some(Repeat { place: place.clone(), question: question.to_owned(), due_at, points: points.collect() })
}
