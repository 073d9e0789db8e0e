//! Answers as they were scored, and the report made of them. Written by a job that may run more than once: all by
//! natural key, the last one stands.

use super::{ResponseState, Store, StoreError};
use crate::id::SessionId;
use crate::interview::QuestionOutcome;
use chrono::{DateTime, Utc};
use serde_json::Value;

/// The answer to one question.
#[derive(Clone, Debug, PartialEq)]
pub struct ResponseRow {
    pub question_key: String,
    pub question_version: i32,
    pub position: i32,
    /// As heard.
    pub answer: String,
    pub start_ms: Option<i64>,
    pub end_ms: Option<i64>,
    pub outcome: Option<QuestionOutcome>,
    /// 1..5.
    pub level: Option<i16>,
    /// 0..100.
    pub score: Option<f64>,
    pub comment: Option<String>,
    /// Each with its state and the quotes that show it.
    pub key_points: Value,
    /// Whatever else the scorer keeps: spread, probes, doubts.
    pub detail: Value,
    pub state: ResponseState,
}

/// The report of one interview. A score is absent where there is no evidence, with a reason in `score_notes`.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportRow {
    /// 0..100, as the other scores.
    pub overall_score: Option<f64>,
    pub technical_score: Option<f64>,
    pub soft_skill_score: Option<f64>,
    /// Why a score is absent or doubtful, by the score's name.
    pub score_notes: Value,
    pub ai_feedback: String,
    /// `strong_yes`, `yes`, `inconclusive`, `no` or `strong_no`.
    pub recommendation: String,
    /// The whole report as JSON.
    pub document: Value,
    pub rubric_hash: String,
    pub prompts_hash: String,
    pub bank_hash: String,
    /// Which model judged, with its version or hash; `none` if code alone did.
    pub model: String,
    pub made_at: DateTime<Utc>,
}

impl Store {
    /// Replaces the scored answers of an interview, all or nothing.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn save_responses(&self, session: SessionId, responses: &[ResponseRow]) -> Result<(), StoreError> {
        let _ = (session, responses);
        self.later().await
    }

    /// The answers, in the order in which they were asked.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn responses(&self, session: SessionId) -> Result<Vec<ResponseRow>, StoreError> {
        let _ = session;
        self.later().await
    }

    /// Stores the report and marks it ready, in one transaction.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such interview.
    pub async fn save_report(&self, session: SessionId, report: &ReportRow) -> Result<(), StoreError> {
        let _ = (session, report);
        self.later().await
    }

    /// # Errors
    /// [`StoreError::NotFound`] while there is none.
    pub async fn report(&self, session: SessionId) -> Result<ReportRow, StoreError> {
        let _ = session;
        self.later().await
    }

    /// Queues the report again (a new rubric, or after it was given up), with all attempts before it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] while the interview is not over.
    pub async fn queue_report(&self, session: SessionId) -> Result<(), StoreError> {
        let _ = session;
        self.later().await
    }

    /// Counts an attempt to make the report and returns its number, from 1.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such interview.
    pub async fn begin_report(&self, session: SessionId) -> Result<i32, StoreError> {
        let _ = session;
        self.later().await
    }

    /// Notes why an attempt failed; `give_up` parks the report.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn fail_report(&self, session: SessionId, error: &str, give_up: bool) -> Result<(), StoreError> {
        let _ = (session, error, give_up);
        self.later().await
    }
}
