//! How hard the next question is: a step up after a good answer, a step down after a poor one, the same for the same
//! answers. Must never leave out what everybody is asked, nor what was wished for.

use super::QuestionOutcome;
use super::plan::{Plan, lot};
use super::question::{Bank, Level, Question, QuestionKind};
use super::view::ClosedQuestion;
use serde::{Deserialize, Serialize};

/// What may be asked instead of a planned question.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Staircase {
    /// Keys of planned questions that another of their competency may stand in for.
    pub free: Vec<String>,
    /// Those that may: easier and harder ones, of the interview's level and of its neighbours.
    pub reserve: Vec<Question>,
}

/// Share of what must be said from which an answer was good (level 4), and below which it was poor (level 2).
const GOOD_FROM: f32 = 0.65;
const POOR_BELOW: f32 = 0.4;
/// The scale of difficulty.
const HARDEST: u8 = 5;

/// What may stand in for the planned questions but anchors, code, and those that `is_wished`.
#[must_use]
pub fn staircase(plan: &Plan, bank: &Bank, is_wished: &dyn Fn(&Question) -> bool) -> Staircase {
    let free: Vec<&Question> =
        plan.questions.iter().filter(|question| is_stepped(question) && !is_wished(question)).collect();
    let others = |own: &Question| {
        let stands_in = |other: &&Question| {
            other.competency == own.competency
                && is_neighbour(other.level, plan.level)
                && other.kind != QuestionKind::Code
                && plan.questions.iter().all(|planned| planned.key != other.key)
        };
        let near = |other: &&Question| (other.difficulty.abs_diff(own.difficulty), lot(plan.seed, &other.key));
        let all = || bank.questions.iter().filter(stands_in);
        let easier = all().filter(|other| other.difficulty < own.difficulty).min_by_key(near);
        let harder = all().filter(|other| other.difficulty > own.difficulty).min_by_key(near);
        easier.into_iter().chain(harder)
    };
    let mut reserve: Vec<Question> = Vec::new();
    for other in free.iter().flat_map(|own| others(own)) {
        if reserve.iter().all(|known| known.key != other.key) {
            reserve.push(other.clone());
        }
    }
    Staircase { free: free.into_iter().map(|question| question.key.clone()).collect(), reserve }
}

/// The place (see [`Plan::at`]) of the question that comes after those that are over; `None`: none.
#[must_use]
pub fn next(plan: &Plan, closed: &[ClosedQuestion]) -> Option<usize> {
    let is_open = |at: &usize| plan.at(*at).is_some_and(|question| closed.iter().all(|over| over.key != question.key));
    let planned = || (0..plan.questions.len()).filter(is_open);
    let Some(steps) = &plan.staircase else { return planned().next() };
    if closed.len() >= plan.questions.len() {
        return None;
    }
    if let Some(anchor) =
        planned().find(|at| plan.questions[*at].anchor && plan.questions[*at].kind != QuestionKind::Code)
    {
        return Some(anchor);
    }
    let wanted = wanted(plan, closed);
    let has_room = |at: &usize| {
        plan.at(*at).is_some_and(|question| !steps.may_be_replaced(question) || room(plan, steps, closed, question) > 0)
    };
    let reserve = (plan.questions.len()..plan.questions.len() + steps.reserve.len()).filter(is_open);
    let stepped = planned().filter(|at| is_stepped(&plan.questions[*at])).chain(reserve).filter(has_room);
    // Of equals the planned one, which comes first.
    let nearest =
        stepped.min_by_key(|at| plan.at(*at).map_or(u8::MAX, |question| question.difficulty.abs_diff(wanted)));
    // Then what has no place to fill: code.
    nearest.or_else(|| planned().find(|at| !steps.may_be_replaced(&plan.questions[*at])))
}

/// The questions of an interview in which these were asked, in this order: they, and then what of the plan was not.
#[must_use]
pub fn of_interview(plan: &Plan, asked: &[String]) -> Vec<Question> {
    let mut questions: Vec<Question> = asked.iter().filter_map(|key| plan.question(key)).cloned().collect();
    let mut rest: Vec<&Question> = plan.questions.iter().filter(|question| !asked.contains(&question.key)).collect();
    let stood_in = questions.iter().filter(|question| plan.questions.iter().all(|planned| planned.key != question.key));
    for other in stood_in {
        let replaced = |planned: &&Question| {
            planned.competency == other.competency
                && plan.staircase.as_ref().is_some_and(|steps| steps.free.contains(&planned.key))
        };
        // The last of them: what was nearer would have been asked first.
        if let Some(at) = rest.iter().rposition(replaced) {
            rest.remove(at);
        }
    }
    questions.extend(rest.into_iter().cloned());
    questions
}

impl Staircase {
    /// Whether one stands for another here: a planned question that is free, or one of the reserve.
    fn may_be_replaced(&self, question: &Question) -> bool {
        self.free.contains(&question.key) || self.reserve.iter().any(|other| other.key == question.key)
    }
}

/// The difficulty that is wanted next.
fn wanted(plan: &Plan, closed: &[ClosedQuestion]) -> u8 {
    let first = plan.questions.first().map_or(1, |question| question.difficulty);
    closed.iter().fold(first, |wanted, over| match (over.outcome, over.covered) {
        (QuestionOutcome::Answered, Some(covered)) if covered >= GOOD_FROM => (wanted + 1).min(HARDEST),
        (QuestionOutcome::Answered, Some(covered)) if covered < POOR_BELOW => wanted.saturating_sub(1).max(1),
        (QuestionOutcome::Skipped | QuestionOutcome::NotAnswered, _) => wanted.saturating_sub(1).max(1),
        (QuestionOutcome::Answered | QuestionOutcome::CutShort, _) => wanted,
    })
}

/// How many questions of this one's competency may still be asked in the free places.
fn room(plan: &Plan, steps: &Staircase, closed: &[ClosedQuestion], question: &Question) -> usize {
    let own = |key: &String| plan.question(key).is_some_and(|other| other.competency == question.competency);
    let places = steps.free.iter().filter(|key| own(key)).count();
    let is_one = |key: &String| own(key) && plan.question(key).is_some_and(|other| steps.may_be_replaced(other));
    places.saturating_sub(closed.iter().filter(|over| is_one(&over.key)).count())
}

/// Not asked of everybody, and not code, which comes last.
fn is_stepped(question: &Question) -> bool {
    !question.anchor && question.kind != QuestionKind::Code
}

fn is_neighbour(level: Level, own: Level) -> bool {
    (level as u8).abs_diff(own as u8) <= 1
}

#[cfg(test)]
mod tests;
