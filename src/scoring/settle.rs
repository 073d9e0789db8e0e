//! From scored questions to what is said of the whole: competencies, summary, recommendation, feedback. Works on the
//! document alone, so that a change by a person is carried through by the same rules. Must never look at an answer.

use super::aggregate::{Group, Judged, estimate, recommend};
use super::feedback::feedback;
use super::report::{
    CompetencyScore, Estimate, Finding, Method, MisconceptionFound, OverrideNote, QuestionResult, Report, Summary,
};
use super::rubric::{StructureRules, SummaryRules};
use crate::interview::coverage::Status;
use crate::interview::question::QuestionKind;

/// Why a change by a person cannot be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OverrideError {
    #[error("this interview has no such question")]
    NoQuestion,
    #[error("a level lies between 1 and 5")]
    NoLevel,
}

/// Computes everything that follows from the questions' levels.
pub fn settle(report: &mut Report) {
    let questions = &report.questions;
    for competency in &mut report.competencies {
        let own = |question: &&QuestionResult| question.competency == competency.slug;
        let levels: Vec<f64> = questions.iter().filter(own).filter_map(|q| counted(q, &report.method)).collect();
        let judged = estimate(&[Group { weight: competency.weight, levels }], &report.method.aggregate);
        competency.estimate = shown(judged, "None of its questions could be assessed.");
    }
    report.summary = summary(report);
    report.feedback = feedback(&report.interview.language, &report.competencies, &report.questions);
}

/// Makes a person's change and carries it through.
///
/// # Errors
/// [`OverrideError`] when there is nothing to change; the report is as it was.
pub fn apply_override(report: &mut Report, change: OverrideNote) -> Result<(), OverrideError> {
    if change.to.is_some_and(|level| !(1..=5).contains(&level)) {
        return Err(OverrideError::NoLevel);
    }
    let question = report.questions.iter_mut().find(|question| question.id == change.question_id);
    question.ok_or(OverrideError::NoQuestion)?.level = change.to;
    report.overrides.push(change);
    settle(report);
    Ok(())
}

fn shown(judged: Option<Judged>, without: &str) -> Estimate {
    judged.map_or_else(|| Estimate { reason: Some(without.to_owned()), ..Estimate::default() }, Judged::shown)
}

/// The levels of each competency, of the questions that `counts` admits.
fn groups(report: &Report, counts: impl Fn(&QuestionResult) -> bool) -> Vec<Group> {
    let group = |competency: &CompetencyScore| {
        let own = report.questions.iter().filter(|q| q.competency == competency.slug && counts(q));
        Group { weight: competency.weight, levels: own.filter_map(|q| counted(q, &report.method)).collect() }
    };
    report.competencies.iter().map(group).collect()
}

fn summary(report: &Report) -> Summary {
    let method = &report.method;
    let (questions, planned) = (&report.questions, report.questions.len());
    let assessed = questions.iter().filter(|question| question.level.is_some()).count();
    let enough = assessed >= usize::try_from(method.aggregate.questions_min).unwrap_or(usize::MAX);
    let overall = estimate(&groups(report, |_| true), &method.aggregate).filter(|_| enough);
    let (recommendation, why) = recommend(overall, assessed, planned, &method.aggregate, &method.recommendation);
    let behavioural = |question: &QuestionResult| question.kind == QuestionKind::Behavioural;
    let technical = estimate(&groups(report, |question| !behavioural(question)), &method.aggregate);
    let mut soft_skills = groups(report, behavioural);
    soft_skills.extend(method.structure.and_then(|rules| structure(questions, rules)));
    let soft_skills = estimate(&soft_skills, &method.aggregate);
    Summary {
        recommendation,
        overall: shown(overall, &why),
        why,
        technical: shown(technical, "No technical question could be assessed."),
        soft_skills: shown(
            soft_skills,
            "No question about behaviour could be assessed, and too few answers show how the candidate answers.",
        ),
        strengths: strengths(questions, method.summary),
        gaps: gaps(questions, method.summary),
    }
}

/// What a question's level counts for: more where it was harder than those planned, if the answers chose the questions.
fn counted(question: &QuestionResult, method: &Method) -> Option<f64> {
    let level = f64::from(question.level?);
    let (Some(planned), Some(own)) = (method.planned_difficulty, question.difficulty) else { return Some(level) };
    Some((level + (f64::from(own) - planned) * method.aggregate.difficulty_worth).clamp(1.0, 5.0))
}

/// How the answers are built: one level of each answer, the mean of what the criteria found. `None`: too few answers.
fn structure(questions: &[QuestionResult], rules: StructureRules) -> Option<Group> {
    let level = |question: &QuestionResult| {
        let found = question.structure.iter().map(|result| rules.of(result.status));
        let count = u32::try_from(question.structure.len()).ok().filter(|count| *count > 0)?;
        question.level.map(|_| found.sum::<f64>() / f64::from(count))
    };
    let levels: Vec<f64> = questions.iter().filter_map(level).collect();
    let enough = levels.len() >= usize::try_from(rules.answers_min).unwrap_or(usize::MAX);
    enough.then_some(Group { weight: rules.weight, levels })
}

/// The weightiest points that were met, one of each question, best answers first.
fn strengths(questions: &[QuestionResult], rules: SummaryRules) -> Vec<Finding> {
    let mut good: Vec<&QuestionResult> =
        questions.iter().filter(|q| q.level >= Some(rules.strength_level_min)).collect();
    good.sort_by_key(|question| std::cmp::Reverse(question.level));
    let strength = |question: &&QuestionResult| {
        let met = question.key_points.iter().filter(|point| point.status == Status::Met);
        let point = met.max_by(|a, b| a.weight.total_cmp(&b.weight).then(std::cmp::Ordering::Greater))?;
        Some(Finding { text: point.statement.clone(), question_id: question.id.clone(), quote: point.quote.clone() })
    };
    good.iter().filter_map(strength).take(rules.points_max).collect()
}

/// Misconceptions first, then the weightiest points that were contradicted or missed, weakest answers first.
fn gaps(questions: &[QuestionResult], rules: SummaryRules) -> Vec<Finding> {
    let mut weak: Vec<&QuestionResult> =
        questions.iter().filter(|q| q.level.is_some_and(|level| level <= rules.gap_level_max)).collect();
    weak.sort_by_key(|question| question.level);
    let wrong = weak.iter().flat_map(|question| {
        let finding = |m: &MisconceptionFound| Finding {
            text: format!("Holds that: {}", m.statement),
            question_id: question.id.clone(),
            quote: Some(m.quote.clone()),
        };
        question.misconceptions.iter().map(finding).collect::<Vec<_>>()
    });
    let missed = weak.iter().filter_map(|question| {
        let open = question.key_points.iter().filter(|point| point.must && point.status < Status::Partial);
        let point = open.max_by(|a, b| a.weight.total_cmp(&b.weight).then(std::cmp::Ordering::Greater))?;
        Some(Finding { text: point.statement.clone(), question_id: question.id.clone(), quote: point.quote.clone() })
    });
    wrong.chain(missed).take(rules.points_max).collect()
}
