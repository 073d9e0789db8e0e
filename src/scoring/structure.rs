//! How an answer is built, judged by what it says alone: whether it answers what was asked, gives reasons, orders its
//! parts, and makes use of a follow-up. Must never look at length, pace, pauses, fillers or fluency, nor change a level.

use super::asides::{sentences, without_asides};
use super::facts::Evidence;
use super::locate;
use super::report::{KeyPointResult, Quote, StructureResult};
use super::rubric::{Rubric, StructureCriterion, StructureKind};
use crate::interview::coverage::Status;
use crate::interview::question::Question;
use crate::interview::words::{Word, words};
use std::collections::BTreeSet;

/// Sentences with a sign from which it is plain, and not only begun.
const PLAIN_FROM: usize = 2;
/// Parts that an answer must have said before there is something to put in order.
const PARTS_MIN: usize = 2;

/// What each criterion finds; those to which the answer gives no occasion are missing.
#[must_use]
pub fn structure(
    question: &Question,
    evidence: &Evidence<'_>,
    points: &[KeyPointResult],
    rubric: &Rubric,
) -> Vec<StructureResult> {
    let judged = |criterion: &StructureCriterion| {
        let (status, quote) = match criterion.kind {
            StructureKind::AnswersWhatWasAsked => to_the_question(evidence, points),
            StructureKind::UsesHints => after_hints(evidence, points, rubric),
            StructureKind::OrdersIt => {
                let said = points.iter().filter(|point| point.status >= Status::Partial).count();
                (said >= PARTS_MIN).then(|| signs(question, evidence, &criterion.signs, rubric))
            }
            StructureKind::ReasonsAloud => {
                let spoke = !evidence.text().trim().is_empty();
                spoke.then(|| signs(question, evidence, &criterion.signs, rubric))
            }
        }?;
        Some(StructureResult { kind: criterion.kind, name: criterion.name.clone(), status, quote })
    };
    rubric.structure.criteria.iter().filter_map(judged).collect()
}

/// Said before any follow-up: met; only after one: in part.
fn to_the_question(evidence: &Evidence<'_>, points: &[KeyPointResult]) -> Option<(Status, Option<Quote>)> {
    if evidence.text().trim().is_empty() {
        return None;
    }
    let credited = || points.iter().filter(|point| point.status >= Status::Partial).filter_map(|p| p.quote.as_ref());
    let said = credited().find(|quote| !is_prompted(evidence, quote));
    Some(match (said, credited().next()) {
        (Some(quote), _) => (Status::Met, Some(quote.clone())),
        (None, Some(quote)) => (Status::Partial, Some(quote.clone())),
        (None, None) => (Status::Missed, None),
    })
}

/// What was made of a follow-up that was answered.
fn after_hints(evidence: &Evidence<'_>, points: &[KeyPointResult], rubric: &Rubric) -> Option<(Status, Option<Quote>)> {
    let long_enough = |text: &str| text.split_whitespace().count() >= rubric.answer.words_min;
    evidence.turns.iter().find(|turn| turn.after_probe && !turn.damaged && long_enough(&turn.text))?;
    let prompted = |status: Status| {
        let own = points.iter().filter(|point| point.status == status).filter_map(|point| point.quote.as_ref());
        own.into_iter().find(|quote| is_prompted(evidence, quote)).cloned()
    };
    Some(match (prompted(Status::Met), prompted(Status::Partial)) {
        (Some(quote), _) => (Status::Met, Some(quote)),
        (None, Some(quote)) => (Status::Partial, Some(quote)),
        (None, None) => (Status::Missed, None),
    })
}

/// Whether words were said after a follow-up. What was written as code was not.
fn is_prompted(evidence: &Evidence<'_>, quote: &Quote) -> bool {
    let Some(start_ms) = quote.start_ms else { return false };
    let holds = |at: u64, start: u64, end: u64| start <= at && at <= end;
    let turn = evidence.turns.iter().find(|t| holds(start_ms, t.start_ms, t.end_ms) && t.text.contains(&quote.text));
    turn.is_some_and(|turn| turn.after_probe)
}

/// How often the signs stand in sentences that are about the subject, and the first of them.
fn signs(question: &Question, evidence: &Evidence<'_>, signs: &str, rubric: &Rubric) -> (Status, Option<Quote>) {
    let text = evidence.text();
    let kept = without_asides(&text, &[&question.prompt, &question.reference_answer], rubric);
    let subject = subject(question);
    let all = words(&kept);
    let mut found: BTreeSet<&str> = BTreeSet::new();
    let (mut places, mut quote) = (0, None);
    for sentence in sentences(&all, &kept) {
        let told = &all[sentence];
        if !told.iter().any(|word| word.content && subject.contains(&word.stem)) {
            continue;
        }
        let said = spelled(told);
        let Some(sign) = signs.split('|').find(|sign| said.contains(&format!(" {sign} "))) else { continue };
        found.insert(sign);
        places += 1;
        let range = told[0].at.start..told[told.len() - 1].at.end;
        quote = quote.or_else(|| locate::quote(evidence, &range));
    }
    // Unpunctuated speech is one long sentence: there, each kind of sign counts.
    let spoken = spelled(&all);
    let kinds = signs.split('|').filter(|sign| spoken.contains(&format!(" {sign} "))).count();
    match quote {
        Some(quote) if places >= PLAIN_FROM || kinds >= PLAIN_FROM => (Status::Met, Some(quote)),
        Some(quote) => (Status::Partial, Some(quote)),
        None => (Status::Missed, None),
    }
}

/// Stems that the question is about.
fn subject(question: &Question) -> BTreeSet<String> {
    let points = question.key_points.iter().map(|point| point.statement.as_str());
    let texts = [question.prompt.as_str(), question.reference_answer.as_str()];
    texts.into_iter().chain(points).flat_map(words).filter(|word| word.content).map(|word| word.stem).collect()
}

fn spelled(words: &[Word]) -> String {
    let said: Vec<&str> = words.iter().map(|word| word.plain.as_str()).collect();
    format!(" {} ", said.join(" "))
}

#[cfg(test)]
mod tests {
    use super::structure;
    use crate::interview::bank::shipped;
    use crate::interview::coverage::Status;
    use crate::interview::question::Question;
    use crate::scoring::facts::{AnswerTurn, Evidence};
    use crate::scoring::report::{KeyPointResult, Quote};
    use crate::scoring::rubric::{Rubric, StructureKind};

    fn question() -> Question {
        let banks = shipped().expect("banks");
        let all = banks.into_iter().flat_map(|bank| bank.questions);
        all.into_iter().find(|question| question.key == "backend.idempotency").expect("a question")
    }

    fn turn(text: &str, after_probe: bool) -> AnswerTurn {
        let start_ms = if after_probe { 20_000 } else { 0 };
        AnswerTurn { text: text.into(), start_ms, end_ms: start_ms + 9_000, after_probe, ..AnswerTurn::default() }
    }

    fn met(text: &str, start_ms: u64) -> KeyPointResult {
        let quote = Some(Quote { text: text.into(), start_ms: Some(start_ms), end_ms: Some(start_ms + 1_000) });
        KeyPointResult { statement: "s".into(), status: Status::Met, weight: 1.0, must: true, quote }
    }

    fn found(turns: &[AnswerTurn], points: &[KeyPointResult], kind: StructureKind) -> Option<(Status, Option<String>)> {
        let evidence = Evidence { turns: turns.iter().collect(), code: None };
        let rubric = Rubric::shipped().expect("a rubric");
        let all = structure(&question(), &evidence, points, &rubric);
        let result = all.into_iter().find(|result| result.kind == kind)?;
        Some((result.status, result.quote.map(|quote| quote.text)))
    }

    #[test]
    fn reasons_about_the_subject_count_and_others_do_not() {
        let of = |text: &str| found(&[turn(text, false)], &[], StructureKind::ReasonsAloud).map(|(status, _)| status);
        let reasoned = "The client sends a key because a retry must not charge twice. So that works, the server stores the \
                        result, which means that the second request returns it.";
        assert_eq!(of(reasoned), Some(Status::Met));
        assert_eq!(of("The client sends a key because a retry must not charge twice."), Some(Status::Partial));
        assert_eq!(of("The client sends a key. The server stores it."), Some(Status::Missed));
        assert_eq!(of("Because because because, therefore, so that, which means."), Some(Status::Missed));
        assert_eq!(found(&[], &[], StructureKind::ReasonsAloud), None, "nothing was said");
    }

    #[test]
    fn order_needs_something_to_order_and_is_shown_by_its_words() {
        let text = "First the client makes a key. Then the server stores the result under it.";
        let points =
            [met("First the client makes a key.", 0), met("Then the server stores the result under it.", 4_000)];
        let (status, quote) = found(&[turn(text, false)], &points, StructureKind::OrdersIt).expect("an occasion");
        assert_eq!((status, quote.as_deref()), (Status::Met, Some("First the client makes a key.")));
        assert_eq!(found(&[turn(text, false)], &points[..1], StructureKind::OrdersIt), None);
    }

    #[test]
    fn what_was_said_unprompted_answers_the_question_and_what_was_said_after_uses_the_hint() {
        let (first, second) = (turn("I would send it again.", false), turn("The server stores the result.", true));
        let late = [met("The server stores the result.", 20_500)];
        let turns = [first, second];
        let status = |points: &[KeyPointResult], kind| found(&turns, points, kind).map(|(status, _)| status);
        assert_eq!(status(&late, StructureKind::AnswersWhatWasAsked), Some(Status::Partial));
        assert_eq!(status(&late, StructureKind::UsesHints), Some(Status::Met));
        let early = [met("I would send it again.", 100)];
        assert_eq!(status(&early, StructureKind::AnswersWhatWasAsked), Some(Status::Met));
        assert_eq!(status(&early, StructureKind::UsesHints), Some(Status::Missed));
        assert_eq!(found(&turns[..1], &early, StructureKind::UsesHints), None, "no hint was given");
        assert_eq!(status(&[], StructureKind::AnswersWhatWasAsked), Some(Status::Missed));
    }

    #[test]
    fn neither_fillers_nor_length_nor_words_to_a_grader_change_anything() {
        let plain = "The client sends a key because a retry must not charge twice.";
        let of = |text: &str| found(&[turn(text, false)], &[], StructureKind::ReasonsAloud);
        let status = |text: &str| of(text).map(|(status, _)| status);
        assert_eq!(status(&plain.replace("sends", "um, you know, like, sends")), status(plain));
        let longer = format!("{plain} {}", "The weather was fine and we had a long lunch. ".repeat(30));
        assert_eq!(status(&longer), status(plain));
        let begged = format!("{plain} Please give me full marks, so that my key result counts.");
        assert_eq!(of(&begged), of(plain));
    }
}
