//! The job that makes the report of an interview: reads its record, evaluates, saves. Safe to repeat: the same record
//! gives the same report. Must never put a candidate's words into an error.

use super::gather::{Logged, gather};
use crate::id::SessionId;
use crate::interview::bank;
use crate::interview::plan::Plan;
use crate::interview::question::Competency;
use crate::scoring::evaluate::{SCORER, evaluate as make_report};
use crate::scoring::facts::SessionFacts;
use crate::scoring::report::{InterviewHeader, QuestionResult, QuestionState, Report};
use crate::scoring::rubric::{Rubric, RubricError};
use crate::session::event::SessionEvent;
use crate::store::{InterviewRow, ReportRow, ResponseRow, ResponseState, Role, Store, StoreError};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Events read at once: keeps a long interview from filling memory twice.
const EVENTS_PER_READ: u32 = 1_000;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the interview is not over")]
    NotOver,
    #[error("the interview's plan cannot be read (line {line}, column {column})")]
    Plan { line: usize, column: usize },
    #[error(transparent)]
    Rubric(#[from] RubricError),
    #[error("the report cannot be written as JSON")]
    Json,
    #[error("the evaluation broke off")]
    BrokeOff,
}

/// Makes the report of an interview that is over, and saves it with its scored answers.
///
/// # Errors
/// [`EvaluateError::NotOver`] while it is in progress; others as they say.
pub async fn evaluate(store: &Store, session: SessionId) -> Result<(), EvaluateError> {
    let interview = store.interview(session).await?;
    let Some(end_time) = interview.end_time else { return Err(EvaluateError::NotOver) };
    let facts = load(store, &interview).await?;
    let bank_hash = hash_of(&facts)?;
    let rubric = Rubric::shipped()?;
    let rubric_hash = rubric.hash.clone();
    // Seconds at most, but of pure computing: away from the threads that carry conversations.
    let report = tokio::task::spawn_blocking(move || make_report(&facts, &rubric));
    let report = report.await.map_err(|_| EvaluateError::BrokeOff)?;
    let responses = report.questions.iter().map(response).collect::<Result<Vec<_>, _>>()?;
    store.save_responses(session, &responses).await?;
    store.save_report(session, &row(&report, rubric_hash, bank_hash, end_time)?).await?;
    let (assessed, planned) = (report.assessed().count(), report.questions.len());
    tracing::info!(%session, assessed, planned, "the report is ready");
    Ok(())
}

/// Reads what an interview left in the record.
async fn load(store: &Store, interview: &InterviewRow) -> Result<SessionFacts, EvaluateError> {
    let plan = Plan::deserialize(&interview.plan)
        .map_err(|error| EvaluateError::Plan { line: error.line(), column: error.column() })?;
    let log = log(store, interview.id).await?;
    let lines = store.transcripts(interview.id).await?;
    let replies = lines.iter().filter(|line| line.role == Role::Interviewer);
    let gaps_ms = replies.filter_map(|line| u64::try_from(line.latency_ms?).ok()).collect();
    let competencies = competencies(store, interview, &plan).await?;
    let bank = format!("{} {}, {} questions", plan.category, plan.language, plan.questions.len());
    Ok(gather(header(interview, &plan), plan, competencies, &log, gaps_ms, bank))
}

async fn log(store: &Store, session: SessionId) -> Result<Vec<Logged>, EvaluateError> {
    let mut log = Vec::new();
    let mut after = 0;
    loop {
        let rows = store.events(session, after, EVENTS_PER_READ).await?;
        let Some(last) = rows.last() else { return Ok(log) };
        after = last.seq;
        log.extend(rows.iter().filter_map(|row| {
            let at_ms = row.payload.get("at_ms").and_then(Value::as_u64).unwrap_or(0);
            Some(Logged { event: SessionEvent::from_row(&row.kind, &row.payload)?, at_ms })
        }));
    }
}

/// The competencies of the interview's category; of those that the bank no longer knows, what the questions say.
async fn competencies(store: &Store, interview: &InterviewRow, plan: &Plan) -> Result<Vec<Competency>, EvaluateError> {
    let mut known = match store.bank(&interview.category_slug, &interview.language).await {
        Ok(bank) => bank.category.competencies,
        Err(StoreError::NotFound) => {
            let shipped = bank::shipped().unwrap_or_default().into_iter();
            let own = shipped.map(|bank| bank.category).find(|c| c.slug == interview.category_slug);
            own.map(|category| category.competencies).unwrap_or_default()
        }
        Err(error) => return Err(error.into()),
    };
    known.retain(|competency| plan.questions.iter().any(|question| question.competency == competency.slug));
    for question in &plan.questions {
        if known.iter().all(|competency| competency.slug != question.competency) {
            let slug = question.competency.clone();
            known.push(Competency { name: slug.clone(), slug, weight: 1.0 });
        }
    }
    Ok(known)
}

fn header(interview: &InterviewRow, plan: &Plan) -> InterviewHeader {
    let lasted = interview.start_time.zip(interview.end_time).map(|(start, end)| end - start);
    InterviewHeader {
        id: interview.id,
        title: interview.title.clone(),
        job_position: interview.job_position.clone(),
        level: plan.level,
        category: plan.category_name.clone(),
        language: plan.language.clone(),
        start_time: interview.start_time,
        end_time: interview.end_time,
        duration_ms: lasted.and_then(|lasted| u64::try_from(lasted.num_milliseconds()).ok()),
        mode: interview.mode.as_str().to_owned(),
        purpose: interview.purpose.as_str().to_owned(),
    }
}

fn response(question: &QuestionResult) -> Result<ResponseRow, EvaluateError> {
    let json = |value| serde_json::to_value(value).map_err(|_| EvaluateError::Json);
    let place = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    let assessed = question.state == QuestionState::Answered;
    Ok(ResponseRow {
        question_key: question.id.clone(),
        question_version: i32::try_from(question.version).unwrap_or(i32::MAX),
        position: i32::try_from(question.number).unwrap_or(i32::MAX),
        answer: question.answer.as_ref().map(|answer| answer.text.clone()).unwrap_or_default(),
        start_ms: question.answer.as_ref().map(|answer| place(answer.start_ms)),
        end_ms: question.answer.as_ref().map(|answer| place(answer.end_ms)),
        outcome: question.outcome,
        level: question.level.map(i16::from),
        score: question.score01.map(|score| score * 100.0),
        comment: Some(question.comment.clone()),
        key_points: json(json!(question.key_points))?,
        detail: json!({
            "state": question.state,
            "prompted": question.prompted,
            "probes": question.probes,
            "misconceptions": question.misconceptions,
        }),
        state: if assessed { ResponseState::Scored } else { ResponseState::NotAssessed },
    })
}

fn row(
    report: &Report,
    rubric_hash: String,
    bank_hash: String,
    made_at: DateTime<Utc>,
) -> Result<ReportRow, EvaluateError> {
    let summary = &report.summary;
    // From the scale of 1 to 5 to the column's 0 to 100.
    let percent = |score: Option<f64>| score.map(|score| (score - 1.0) * 25.0);
    let overall_note = summary.overall.score.is_none().then_some(&summary.why);
    Ok(ReportRow {
        overall_score: percent(summary.overall.score),
        technical_score: percent(summary.technical.score),
        soft_skill_score: percent(summary.soft_skills.score),
        score_notes: json!({
            "overall": overall_note,
            "technical": summary.technical.reason,
            "soft_skills": summary.soft_skills.reason,
        }),
        ai_feedback: report.feedback.text.clone(),
        recommendation: summary.recommendation.as_str().to_owned(),
        document: serde_json::to_value(report).map_err(|_| EvaluateError::Json)?,
        rubric_hash,
        // No model is prompted for a score.
        prompts_hash: "none".to_owned(),
        bank_hash,
        model: SCORER.to_owned(),
        made_at,
    })
}

/// SHA-256 of the questions as they were asked.
fn hash_of(facts: &SessionFacts) -> Result<String, EvaluateError> {
    let mut hash = Sha256::new();
    for planned in &facts.questions {
        hash.update(serde_json::to_vec(&planned.question).map_err(|_| EvaluateError::Json)?);
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
