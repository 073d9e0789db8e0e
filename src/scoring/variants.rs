//! The report for other readers: the candidate's feedback, and a summary for an applicant tracking system. Both are cut
//! from the report; must never hold anything that it does not.

use super::language::{NOTE, say};
use super::report::{
    Estimate, Finding, InterviewHeader, QuestionResult, QuestionState, Quote, Recommendation, Report, TopicFeedback,
};
use crate::id::SessionId;
use crate::interview::coverage::Status;
use crate::interview::question::Level;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Version of the feedback's shape.
pub const FEEDBACK_VERSION: u32 = 1;
/// Version of the summary's shape.
pub const SUMMARY_VERSION: u32 = 1;

/// What the candidate takes home: what was right, what to study. No scores and no recommendation.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct FeedbackDocument {
    pub version: u32,
    pub interview: InterviewHeader,
    pub text: String,
    pub topics: Vec<TopicFeedback>,
    pub questions: Vec<QuestionFeedback>,
    /// How it was made, and what can be done about it.
    pub note: String,
}

/// Feedback on one question.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct QuestionFeedback {
    pub number: u32,
    pub text: String,
    pub state: QuestionState,
    /// What was said well, with the candidate's own words.
    pub right: Vec<PointFeedback>,
    /// What was touched, contradicted or left out.
    pub study: Vec<PointFeedback>,
    /// A good answer; only where the interview was practice, for official questions are asked again.
    pub reference_answer: Option<String>,
    /// What our side did to the answer.
    pub our_faults: Vec<String>,
}

/// A point of an answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct PointFeedback {
    pub statement: String,
    /// `met`, `partial`, `missed` or `wrong`; `misconception` for a known wrong idea.
    pub status: String,
    pub quote: Option<Quote>,
}

impl FeedbackDocument {
    /// Cut from a report.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let practice = report.interview.purpose == "practice";
        Self {
            version: FEEDBACK_VERSION,
            interview: report.interview.clone(),
            text: report.feedback.text.clone(),
            topics: report.feedback.topics.clone(),
            questions: report.questions.iter().map(|question| feedback_on(question, practice)).collect(),
            note: say(&report.interview.language, NOTE).to_owned(),
        }
    }
}

fn feedback_on(question: &QuestionResult, practice: bool) -> QuestionFeedback {
    let point = |point: &super::report::KeyPointResult| PointFeedback {
        statement: point.statement.clone(),
        status: super::render::words_of(point.status).to_owned(),
        quote: point.quote.clone(),
    };
    let judged = question.scored_level.is_some();
    let points = || question.key_points.iter().filter(|_| judged);
    let wrong = question.misconceptions.iter().filter(|_| judged).map(|wrong| PointFeedback {
        statement: wrong.statement.clone(),
        status: "misconception".to_owned(),
        quote: Some(wrong.quote.clone()),
    });
    let open = points().filter(|point| point.status != Status::Met).map(point);
    QuestionFeedback {
        number: question.number,
        text: question.text.clone(),
        state: question.state,
        right: points().filter(|point| point.status == Status::Met).map(point).collect(),
        study: wrong.chain(open).collect(),
        reference_answer: practice.then(|| question.reference_answer.clone()),
        our_faults: question.faults.iter().map(|fault| fault.detail.clone()).collect(),
    }
}

/// The outcome in one small object, for an applicant tracking system.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct SummaryDocument {
    pub version: u32,
    pub interview_id: SessionId,
    pub title: String,
    pub job_position: String,
    pub experience_level: Level,
    pub category: String,
    pub language: String,
    pub mode: String,
    pub purpose: String,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub duration_s: Option<u64>,
    pub recommendation: Recommendation,
    pub why: String,
    pub overall: Estimate,
    pub technical: Estimate,
    pub soft_skills: Estimate,
    pub competencies: Vec<CompetencySummary>,
    pub strengths: Vec<Finding>,
    pub gaps: Vec<Finding>,
    pub questions_planned: u32,
    pub questions_assessed: u32,
    /// Levels that a person changed.
    pub overrides: u32,
    /// Signals that a person may want to look at; advice only.
    pub integrity_signals: u32,
    /// Turns that our side damaged.
    pub damaged_turns: u32,
    /// Where a person reads the whole report, below the server's address.
    #[schema(example = "/report/0199a1b2-0000-7000-8000-000000000000")]
    pub report_path: String,
    pub app: String,
    pub rubric: String,
    pub scorer: String,
}

/// One competency of the summary.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct CompetencySummary {
    pub slug: String,
    pub name: String,
    pub score: Option<f64>,
    pub interval90: Option<[f64; 2]>,
}

impl SummaryDocument {
    /// Cut from a report.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let (interview, summary) = (&report.interview, &report.summary);
        let competency = |competency: &super::report::CompetencyScore| CompetencySummary {
            slug: competency.slug.clone(),
            name: competency.name.clone(),
            score: competency.estimate.score,
            interval90: competency.estimate.interval90,
        };
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Self {
            version: SUMMARY_VERSION,
            interview_id: interview.id,
            title: interview.title.clone(),
            job_position: interview.job_position.clone(),
            experience_level: interview.level,
            category: interview.category.clone(),
            language: interview.language.clone(),
            mode: interview.mode.clone(),
            purpose: interview.purpose.clone(),
            started_at: interview.start_time,
            ended_at: interview.end_time,
            duration_s: interview.duration_ms.map(|ms| ms / 1000),
            recommendation: summary.recommendation,
            why: summary.why.clone(),
            overall: summary.overall.clone(),
            technical: summary.technical.clone(),
            soft_skills: summary.soft_skills.clone(),
            competencies: report.competencies.iter().map(competency).collect(),
            strengths: summary.strengths.clone(),
            gaps: summary.gaps.clone(),
            questions_planned: number(report.questions.len()),
            questions_assessed: number(report.assessed().count()),
            overrides: number(report.overrides.len()),
            integrity_signals: number(report.integrity.len()),
            damaged_turns: report.delivery.damaged_turns,
            report_path: format!("/report/{}", interview.id),
            app: report.provenance.app.clone(),
            rubric: report.provenance.rubric.clone(),
            scorer: report.provenance.scorer.clone(),
        }
    }
}
