//! The job that makes the report of an interview: reads its record, evaluates, saves. Safe to repeat: the same record
//! gives the same report. Must never put a candidate's words into an error.

use super::load::{LoadError, load};
use crate::id::SessionId;
use crate::scoring::evaluate::{evaluate as make_report, evaluate_question};
use crate::scoring::grader::Grader;
use crate::scoring::report::{OverrideNote, QuestionResult, Report};
use crate::scoring::rubric::Rubric;
use crate::scoring::settle::apply_override;
use crate::store::{InterviewRow, OverrideRow, ReportRow, ResponseRow, ResponseState, Store, StoreError};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::sync::Arc;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the interview is not over")]
    NotOver,
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("the report cannot be written as JSON")]
    Json,
    #[error("the evaluation broke off")]
    BrokeOff,
}

/// How answers are scored.
#[derive(Clone)]
pub struct Scoring {
    pub rubric: Arc<Rubric>,
    pub grader: Arc<dyn Grader>,
}

impl std::fmt::Debug for Scoring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scoring")
    }
}

/// Makes the report of an interview that is over, and saves it with its scored answers.
///
/// # Errors
/// [`EvaluateError::NotOver`] while it is in progress; others as they say.
pub async fn evaluate(store: &Store, scoring: &Scoring, session: SessionId) -> Result<(), EvaluateError> {
    let interview = store.interview(session).await?;
    let assessed = assess(store, scoring, &interview).await?;
    assessed.save(store).await?;
    let (assessed, planned) = (assessed.report.assessed().count(), assessed.report.questions.len());
    tracing::info!(%session, assessed, planned, "the report is ready");
    Ok(())
}

/// Scores the answer to one question of an interview that may be in progress, and saves it.
///
/// # Errors
/// [`EvaluateError`] as it says; [`StoreError::NotFound`] for a question that is not planned.
pub async fn assess_question(
    store: &Store,
    scoring: &Scoring,
    session: SessionId,
    key: &str,
) -> Result<ResponseRow, EvaluateError> {
    let interview = store.interview(session).await?;
    let facts = load(store, &interview, &scoring.rubric.ours).await?;
    let (scoring, key) = (scoring.clone(), key.to_owned());
    let result =
        tokio::task::spawn_blocking(move || evaluate_question(&facts, &scoring.rubric, scoring.grader.as_ref(), &key));
    let result = result.await.map_err(|_| EvaluateError::BrokeOff)?.ok_or(StoreError::NotFound)?;
    let row = response(&result)?;
    store.save_response(session, &row).await?;
    Ok(row)
}

/// A report that is not saved yet.
#[derive(Debug)]
pub struct Assessed {
    pub report: Report,
    session: SessionId,
    made_at: DateTime<Utc>,
    /// Changes by people that are in it.
    overrides: usize,
}

/// Makes the report of an interview that is over, with what people changed, and saves nothing.
///
/// # Errors
/// [`EvaluateError::NotOver`] while it is in progress; others as they say.
pub async fn assess(store: &Store, scoring: &Scoring, interview: &InterviewRow) -> Result<Assessed, EvaluateError> {
    let Some(made_at) = interview.end_time else { return Err(EvaluateError::NotOver) };
    let facts = load(store, interview, &scoring.rubric.ours).await?;
    let overrides = store.overrides(interview.id).await?;
    // Seconds at most, but of pure computing: away from the threads that carry conversations.
    let scoring = scoring.clone();
    let report = tokio::task::spawn_blocking(move || make_report(&facts, &scoring.rubric, scoring.grader.as_ref()));
    let mut report = report.await.map_err(|_| EvaluateError::BrokeOff)?;
    let count = overrides.len();
    for change in overrides.into_iter().filter_map(note) {
        // The question may be gone from a plan that was repaired by hand; the change stays in the record.
        let _ = apply_override(&mut report, change);
    }
    Ok(Assessed { report, session: interview.id, made_at, overrides: count })
}

impl Assessed {
    /// Saves the report with its scored answers.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody changed a score in the meantime: then it must be made again.
    pub async fn save(&self, store: &Store) -> Result<(), EvaluateError> {
        let responses = self.report.questions.iter().map(response).collect::<Result<Vec<_>, _>>()?;
        store.save_responses(self.session, &responses).await?;
        store.save_report(self.session, &report_row(&self.report, self.made_at)?).await?;
        if store.overrides(self.session).await?.len() != self.overrides {
            let what = "a score was changed while the report was made; it is to be made again".into();
            return Err(StoreError::Conflict { what }.into());
        }
        Ok(())
    }
}

/// A stored change as the report tells it; `None` for one that is not about a question's level.
#[must_use]
pub fn note(row: OverrideRow) -> Option<OverrideNote> {
    let level = |value: &Value| value.as_u64().and_then(|level| u8::try_from(level).ok());
    Some(OverrideNote {
        question_id: row.question_key.filter(|_| row.field == OverrideRow::LEVEL)?,
        from: row.old_value.as_ref().and_then(level),
        to: level(&row.new_value),
        by: row.by_name,
        reason: row.reason,
        at: row.created_at,
    })
}

fn response(question: &QuestionResult) -> Result<ResponseRow, EvaluateError> {
    let json = |value| serde_json::to_value(value).map_err(|_| EvaluateError::Json);
    let place = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
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
            "scored_level": question.scored_level,
            "confidence": question.confidence,
            "scoring": question.scoring,
            "faults": question.faults,
        }),
        state: if question.level.is_some() { ResponseState::Scored } else { ResponseState::NotAssessed },
    })
}

/// The report as it is stored.
///
/// # Errors
/// [`EvaluateError::Json`] never in practice.
pub fn report_row(report: &Report, made_at: DateTime<Utc>) -> Result<ReportRow, EvaluateError> {
    let (summary, hashes) = (&report.summary, &report.provenance.hashes);
    // From the scale of 1 to 5 to the column's 0 to 100.
    let percent = |score: Option<f64>| score.map(|score| (score - 1.0) * 25.0);
    Ok(ReportRow {
        overall_score: percent(summary.overall.score),
        technical_score: percent(summary.technical.score),
        soft_skill_score: percent(summary.soft_skills.score),
        score_notes: json!({
            "overall": summary.overall.reason,
            "technical": summary.technical.reason,
            "soft_skills": summary.soft_skills.reason,
        }),
        ai_feedback: report.feedback.text.clone(),
        recommendation: summary.recommendation.as_str().to_owned(),
        document: serde_json::to_value(report).map_err(|_| EvaluateError::Json)?,
        rubric_hash: hashes.rubric.clone(),
        prompts_hash: hashes.prompts.clone(),
        bank_hash: hashes.bank.clone(),
        model: report.provenance.scorer.clone(),
        made_at,
    })
}
