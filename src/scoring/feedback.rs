//! What the candidate takes home: per topic what was right and what to study, from the key points alone. Must never
//! compare people, guess at feelings or praise without evidence.

use super::language::{SUMMARY, say, say_with};
use super::report::{CompetencyScore, Feedback, KeyPointResult, QuestionResult, TopicFeedback};
use crate::interview::coverage::Status;

/// Statements listed in one cell: more are not read.
const STATEMENTS_MAX: usize = 5;

/// Feedback on the answers that could be assessed.
#[must_use]
pub fn feedback(language: &str, competencies: &[CompetencyScore], questions: &[QuestionResult]) -> Feedback {
    let topics: Vec<TopicFeedback> =
        competencies.iter().filter_map(|competency| topic(language, competency, questions)).collect();
    Feedback { text: summary(language, questions, &topics), topics }
}

fn topic(language: &str, competency: &CompetencyScore, questions: &[QuestionResult]) -> Option<TopicFeedback> {
    let assessed: Vec<&QuestionResult> =
        questions.iter().filter(|q| q.competency == competency.slug && q.level.is_some()).collect();
    if assessed.is_empty() {
        return None;
    }
    let points = || assessed.iter().flat_map(|question| &question.key_points);
    let right = listed(points().filter(|point| point.status == Status::Met));
    let mut open: Vec<&KeyPointResult> = points().filter(|point| point.status != Status::Met).collect();
    // What counts before what is a bonus, what was contradicted before what was only left out.
    open.sort_by(|a, b| b.must.cmp(&a.must).then(a.status.cmp(&b.status)).then(b.weight.total_cmp(&a.weight)));
    let wrong = assessed.iter().flat_map(|question| &question.misconceptions);
    let mut study: Vec<String> =
        wrong.map(|m| say_with(language, "Check this again: \u{201c}{}\u{201d} is not so", &[&m.statement])).collect();
    let missing = listed(open.into_iter());
    if !missing.is_empty() {
        study.push(missing);
    }
    Some(TopicFeedback {
        topic: competency.name.clone(),
        right: if right.is_empty() { say(language, "No key point was said in full.").into() } else { right },
        study: if study.is_empty() { say(language, "Nothing was missing.").into() } else { study.join("; ") },
    })
}

fn listed<'a>(points: impl Iterator<Item = &'a KeyPointResult>) -> String {
    points.take(STATEMENTS_MAX).map(|point| point.statement.as_str()).collect::<Vec<_>>().join("; ")
}

fn summary(language: &str, questions: &[QuestionResult], topics: &[TopicFeedback]) -> String {
    let assessed: Vec<u8> = questions.iter().filter_map(|question| question.level).collect();
    if assessed.is_empty() {
        let none = "None of your answers could be assessed, so there is no feedback on their content.";
        return say(language, none).to_owned();
    }
    let whole = assessed.iter().filter(|level| **level >= 5).count();
    let much = assessed.iter().filter(|level| **level == 4).count();
    let weak = assessed.iter().filter(|level| **level <= 2).count();
    let names = topics.iter().map(|topic| topic.topic.as_str()).collect::<Vec<_>>().join(", ");
    let [all, whole, much, weak] = [assessed.len(), whole, much, weak].map(|count| count.to_string());
    say_with(language, SUMMARY, &[&all, &names, &whole, &much, &weak])
}
