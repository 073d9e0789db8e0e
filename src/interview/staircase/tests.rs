//! Who answers well is asked harder questions, who does not, easier ones; all are asked the anchors.

use super::super::plan::{Plan, PlanRequest};
use super::super::question::{Bank, Level, QuestionKind};
use super::super::view::ClosedQuestion;
use super::*;

/// The shipped bank of back-end questions in English.
fn backend() -> Bank {
    let banks = crate::interview::bank::shipped().expect("banks");
    banks.into_iter().find(|bank| bank.category.slug == "backend" && bank.category.language == "en").expect("a bank")
}

fn plan(bank: &Bank, level: Level, seed: u64) -> Plan {
    let request = PlanRequest { level, questions: Some(6), minutes: None, time_factor: 1.0, seed };
    Plan::draw(bank, &request).expect("a plan").with_staircase(bank, &|_| false)
}

/// The keys asked of somebody all of whose answers cover so much.
fn asked(plan: &Plan, covered: f32) -> Vec<String> {
    let mut closed: Vec<ClosedQuestion> = Vec::new();
    while let Some(at) = next(plan, &closed) {
        let key = plan.at(at).expect("a question").key.clone();
        assert!(closed.iter().all(|over| over.key != key), "{key} is asked twice");
        closed.push(ClosedQuestion { key, outcome: QuestionOutcome::Answered, covered: Some(covered) });
    }
    closed.into_iter().map(|over| over.key).collect()
}

fn difficulty(plan: &Plan, keys: &[String]) -> u32 {
    keys.iter().filter_map(|key| plan.question(key)).map(|question| u32::from(question.difficulty)).sum()
}

#[test]
fn good_answers_lead_up_and_poor_ones_down_and_all_are_asked_the_anchors() {
    let bank = backend();
    for (level, seed) in Level::ALL.into_iter().flat_map(|level| (0..20).map(move |seed| (level, seed))) {
        let plan = plan(&bank, level, seed);
        let (good, usual, poor) = (asked(&plan, 0.9), asked(&plan, 0.5), asked(&plan, 0.1));
        let anchors: Vec<&String> = plan.questions.iter().filter(|q| q.anchor).map(|q| &q.key).collect();
        assert!(!anchors.is_empty());
        for keys in [&good, &usual, &poor] {
            assert_eq!(keys.len(), plan.questions.len());
            assert!(anchors.iter().zip(keys).all(|(anchor, key)| *anchor == key), "{keys:?} begins with {anchors:?}");
            assert_eq!(&asked(&plan, 0.9), &good, "the same for the same answers");
            let competencies = |keys: &[String]| {
                let mut all: Vec<String> =
                    keys.iter().map(|key| plan.question(key).expect("known").competency.clone()).collect();
                all.sort();
                all
            };
            let planned: Vec<String> = plan.questions.iter().map(|q| q.key.clone()).collect();
            assert_eq!(competencies(keys), competencies(&planned), "what is covered does not depend on the answers");
        }
        let (up, same, down) = (difficulty(&plan, &good), difficulty(&plan, &usual), difficulty(&plan, &poor));
        assert!(down <= same && same <= up, "{level:?} {seed}: {down} {same} {up}");
        assert!(down < up, "{level:?} {seed}: the answers change nothing");
    }
}

#[test]
fn a_question_that_was_passed_over_leads_down() {
    let bank = backend();
    let plan = plan(&bank, Level::Middle, 3);
    let closed = |outcome, covered| {
        let anchors = plan.questions.iter().filter(|question| question.anchor);
        anchors.map(|q| ClosedQuestion { key: q.key.clone(), outcome, covered }).collect::<Vec<_>>()
    };
    let after = |closed: Vec<ClosedQuestion>| plan.at(next(&plan, &closed).expect("one")).expect("one").difficulty;
    let skipped = after(closed(QuestionOutcome::Skipped, None));
    assert!(skipped < after(closed(QuestionOutcome::Answered, Some(1.0))));
    assert_eq!(skipped, after(closed(QuestionOutcome::NotAnswered, None)));
    assert_eq!(skipped, after(closed(QuestionOutcome::Answered, Some(0.0))));
}

#[test]
fn wished_questions_and_code_stay_and_code_comes_last() {
    let bank = backend();
    let request = PlanRequest { level: Level::Middle, questions: Some(12), minutes: None, time_factor: 1.0, seed: 1 };
    let drawn = Plan::draw(&bank, &request).expect("a plan");
    let wished = drawn.questions.iter().find(|q| is_stepped(q)).expect("one").key.clone();
    let plan = drawn.with_staircase(&bank, &|question| question.key == wished);
    for covered in [0.0, 0.5, 1.0] {
        let keys = asked(&plan, covered);
        assert!(keys.contains(&wished));
        assert_eq!(plan.question(keys.last().expect("one")).map(|q| q.kind), Some(QuestionKind::Code));
    }
}

#[test]
fn an_interview_has_what_was_asked_and_then_what_was_not() {
    let bank = backend();
    let plan = plan(&bank, Level::Middle, 5);
    for covered in [0.0, 0.5, 1.0] {
        let keys = asked(&plan, covered);
        for part in 0..=keys.len() {
            let questions = of_interview(&plan, &keys[..part]);
            assert_eq!(questions.len(), plan.questions.len());
            assert!(questions.iter().zip(&keys[..part]).all(|(question, key)| question.key == *key));
        }
    }
}

#[test]
fn a_plan_of_before_asks_in_its_order() {
    let bank = backend();
    let mut plan = plan(&bank, Level::Middle, 5);
    plan.staircase = None;
    let keys: Vec<String> = plan.questions.iter().map(|question| question.key.clone()).collect();
    assert_eq!(asked(&plan, 1.0), keys);
    assert_eq!(asked(&plan, 0.0), keys);
}
