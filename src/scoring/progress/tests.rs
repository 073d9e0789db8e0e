//! Progress over made-up answers: nothing is claimed that they do not show.

use super::*;
use crate::scoring::rubric::Rubric;
use chrono::{Duration, TimeZone};

fn day(number: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 1, 12, 0, 0).unwrap() + Duration::days(number)
}

fn answer(key: &str, at: i64, level: Option<u8>, points: &[(&str, Status)]) -> PastAnswer {
    let point = |(statement, status): &(&str, Status)| PastPoint {
        statement: (*statement).to_owned(),
        status: *status,
        weight: 1.0,
        must: true,
    };
    PastAnswer {
        session: SessionId::create(),
        at: day(at),
        place: Place {
            category: key.split('.').next().unwrap_or_default().to_owned(),
            language: "en".to_owned(),
            level: Level::Middle,
            key: key.to_owned(),
        },
        question: format!("What about {key}?"),
        competency: Some("apis".to_owned()),
        competency_name: Some("Interfaces".to_owned()),
        level,
        is_passed: level.is_none(),
        points: points.iter().map(point).collect(),
    }
}

fn told(answers: &[PastAnswer], now: i64) -> Progress {
    progress(answers, Vec::new(), &Rubric::shipped().expect("a rubric").aggregate, day(now))
}

#[test]
fn few_answers_and_old_ones_are_less_sure() {
    let many: Vec<PastAnswer> = (0..8).map(|n| answer(&format!("backend.q{n}"), n, Some(5), &[])).collect();
    let one = &told(&many[..1], 0).competencies[0];
    let all = &told(&many, 8).competencies[0];
    assert!(one.score < all.score && all.score < 5.0, "{} {}", one.score, all.score);
    assert!(one.standard_error > all.standard_error);
    assert_eq!((one.questions, all.questions, all.levels.len()), (1, 8, 8));
    assert!(all.interval90[0] < all.score && all.score < all.interval90[1] && all.interval90[1] <= 5.0);
    let later = &told(&many, 300).competencies[0];
    assert!(later.standard_error > all.standard_error && later.score < all.score);
}

#[test]
fn the_last_answer_to_a_question_counts() {
    let answers = [answer("backend.a", 0, Some(1), &[]), answer("backend.a", 5, Some(5), &[])];
    let told_once = told(&answers[1..], 5);
    let told_both = told(&answers, 5);
    assert_eq!(told_both.competencies[0].score, told_once.competencies[0].score);
    assert_eq!(told_both.competencies[0].levels.iter().map(|at| at.level).collect::<Vec<_>>(), [1, 5]);
    assert!(told_both.weak.is_empty());
    assert_eq!(told(&answers[..1], 0).weak.len(), 1);
}

#[test]
fn what_was_not_assessed_tells_nothing() {
    let broken = PastAnswer { is_passed: false, ..answer("backend.a", 0, None, &[]) };
    let nothing = told(&[broken], 9);
    assert!(nothing.competencies.is_empty() && nothing.weak.is_empty() && nothing.due == 0);
}

#[test]
fn weak_questions_name_what_was_missed_by_weight() {
    let mut weak =
        answer("backend.a", 0, Some(2), &[("a", Status::Missed), ("b", Status::Wrong), ("c", Status::Partial)]);
    weak.points[1].weight = 3.0;
    let passed = answer("backend.b", 1, None, &[]);
    let found = told(&[weak, passed, answer("backend.c", 1, Some(3), &[])], 1).weak;
    let said: Vec<(&str, Vec<String>)> =
        found.iter().map(|one| (one.question_key.as_str(), one.missed.clone())).collect();
    assert_eq!(said, [("backend.b", vec![]), ("backend.a", vec!["b".to_owned(), "a".to_owned()])]);
}

#[test]
fn what_was_missed_comes_back_tomorrow_and_what_is_known_later_and_later() {
    let at = |day: i64, a: Status, b: Status| answer("backend.a", day, Some(3), &[("a", a), ("b", b)]);
    let due_in = |answers: &[PastAnswer]| {
        let found = repeats(answers);
        let last = answers.last().expect("one").at;
        let points: Vec<String> = found[0].points.iter().map(|point| point.statement.clone()).collect();
        ((found[0].due_at - last).num_days(), points.concat())
    };
    let mut answers = vec![at(0, Status::Met, Status::Missed)];
    assert_eq!(due_in(&answers), (1, "ab".to_owned()));
    answers.push(at(1, Status::Met, Status::Missed));
    assert_eq!(due_in(&answers), (1, "b".to_owned()), "the other waits six days");
    answers.push(at(2, Status::Met, Status::Met));
    answers.push(at(3, Status::Met, Status::Met));
    assert_eq!(due_in(&answers), (6, "b".to_owned()));
    answers.push(at(9, Status::Met, Status::Met));
    let (days, points) = due_in(&answers);
    assert!(days > 6 && points == "b", "{days} {points}");
    answers.push(answer("backend.a", 10, None, &[]));
    assert_eq!(due_in(&answers), (1, "ab".to_owned()), "passed over");
}

#[test]
fn practice_is_made_of_what_is_due_or_weak_where_there_is_most_of_it() {
    let missed = [("a", Status::Missed)];
    let met = [("a", Status::Met)];
    let mut answers = vec![
        answer("data.a", 0, Some(1), &missed),
        answer("backend.a", 0, Some(4), &met),
        answer("backend.b", 3, Some(2), &missed),
        answer("backend.c", 3, Some(4), &met),
    ];
    let made = |answers: &[PastAnswer], category: Option<&str>, count: usize| {
        practice(answers, category, count, day(3)).map(|made| (made.category, made.keys))
    };
    // `backend.c` is neither weak nor due before tomorrow.
    let all = vec!["backend.a".to_owned(), "backend.b".to_owned()];
    assert_eq!(made(&answers, None, 6), Some(("backend".to_owned(), all.clone())));
    assert_eq!(made(&answers, None, 1), Some(("backend".to_owned(), all[..1].to_vec())));
    assert_eq!(made(&answers, Some("data"), 6), Some(("data".to_owned(), vec!["data.a".to_owned()])));
    assert_eq!(made(&answers, Some("devops"), 6), None);
    answers.truncate(0);
    assert_eq!(made(&answers, None, 6), None);
}
