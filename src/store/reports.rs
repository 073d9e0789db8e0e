//! Answers as they were scored, and the report made of them. Written by a job that may run more than once: all by
//! natural key, the last one stands.

use super::clean::{clean_json, clean_text};
use super::{ResponseState, Store, StoreError, Word, finalise, limited};
use crate::id::SessionId;
use crate::interview::QuestionOutcome;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

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
        let keys: Vec<String> = responses.iter().map(|row| row.question_key.clone()).collect();
        limited(async {
            let mut transaction = self.pool.begin().await?;
            sqlx::query!(
                "delete from question_responses where session_id = $1 and question_key <> all($2)",
                session.0,
                &keys
            )
            .execute(&mut *transaction)
            .await?;
            for row in responses {
                upsert_response(&mut transaction, session, row).await?;
            }
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    /// Keeps one scored answer, beside the others.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn save_response(&self, session: SessionId, response: &ResponseRow) -> Result<(), StoreError> {
        limited(async {
            let mut connection = self.pool.acquire().await?;
            upsert_response(&mut connection, session, response).await
        })
        .await
    }

    /// The answers, in the order in which they were asked.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn responses(&self, session: SessionId) -> Result<Vec<ResponseRow>, StoreError> {
        self.response_page(session, u32::MAX, None).await
    }

    /// At most `limit` answers after that to the question `after`, in the order in which they were asked.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn response_page(
        &self,
        session: SessionId,
        limit: u32,
        after: Option<&str>,
    ) -> Result<Vec<ResponseRow>, StoreError> {
        let rows = sqlx::query_as!(
            ResponseRow,
            r#"select question_key, question_version, position, answer, start_ms, end_ms,
                outcome as "outcome: QuestionOutcome", level, score, comment, key_points, detail,
                state as "state: ResponseState"
             from question_responses where session_id = $1
               and ($3::text is null or (position, question_key) > (select a.position, a.question_key
                    from question_responses a where a.session_id = $1 and a.question_key = $3))
             order by position, question_key limit $2"#,
            session.0,
            i64::from(limit),
            after,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows)
    }

    /// Stores the report and marks it ready, in one transaction.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such interview.
    pub async fn save_report(&self, session: SessionId, report: &ReportRow) -> Result<(), StoreError> {
        limited(async {
            let mut transaction = self.pool.begin().await?;
            upsert_report(&mut transaction, session, report).await?;
            sqlx::query!(
                "update interview_sessions set report_state = 'ready', report_error = null where id = $1",
                session.0,
            )
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    /// # Errors
    /// [`StoreError::NotFound`] while there is none.
    pub async fn report(&self, session: SessionId) -> Result<ReportRow, StoreError> {
        let row = sqlx::query_as!(
            ReportRow,
            "select overall_score, technical_score, soft_skill_score, score_notes, ai_feedback, recommendation, document,
                rubric_hash, prompts_hash, bank_hash, model, made_at
             from evaluation_reports where session_id = $1",
            session.0,
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(row)
    }

    /// Queues the report again (a new rubric, or after it was given up), with all attempts before it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] while the interview is not over.
    pub async fn queue_report(&self, session: SessionId) -> Result<(), StoreError> {
        limited(async {
            let mut transaction = self.pool.begin().await?;
            let over = sqlx::query!(
                "update interview_sessions set report_state = 'queued', report_attempts = 0, report_error = null
                 where id = $1 and end_time is not null",
                session.0,
            )
            .execute(&mut *transaction)
            .await?;
            if over.rows_affected() == 0 {
                self.interview(session).await?;
                return Err(StoreError::Conflict { what: "the interview is not over".into() });
            }
            finalise::queue_report(&mut transaction, session).await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    /// Counts an attempt to make the report and returns its number, from 1.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such interview.
    pub async fn begin_report(&self, session: SessionId) -> Result<i32, StoreError> {
        let attempts = sqlx::query_scalar!(
            "update interview_sessions set report_attempts = report_attempts + 1 where id = $1 returning report_attempts",
            session.0,
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(attempts)
    }

    /// Notes why an attempt failed; `give_up` parks the report.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn fail_report(&self, session: SessionId, error: &str, give_up: bool) -> Result<(), StoreError> {
        sqlx::query!(
            "update interview_sessions
             set report_error = $2, report_state = case when $3 then 'failed' else report_state end
             where id = $1",
            session.0,
            clean_text(error),
            give_up,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

pub(super) async fn upsert_response(
    connection: &mut PgConnection,
    session: SessionId,
    row: &ResponseRow,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into question_responses (id, session_id, question_key, question_version, question_id, position, answer,
            start_ms, end_ms, outcome, level, score, comment, key_points, detail, state)
         values ($1, $2, $3, $4, question_of($2, $3, $4), $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         on conflict (session_id, question_key) do update set question_version = excluded.question_version,
            question_id = excluded.question_id, position = excluded.position, answer = excluded.answer,
            start_ms = excluded.start_ms, end_ms = excluded.end_ms, outcome = excluded.outcome, level = excluded.level,
            score = excluded.score, comment = excluded.comment, key_points = excluded.key_points,
            detail = excluded.detail, state = excluded.state",
        Uuid::now_v7(),
        session.0,
        row.question_key,
        row.question_version,
        row.position,
        clean_text(&row.answer),
        row.start_ms,
        row.end_ms,
        row.outcome.map(|outcome| outcome.word()),
        row.level,
        row.score,
        row.comment.as_deref().map(clean_text),
        clean_json(&row.key_points),
        clean_json(&row.detail),
        row.state.word(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn upsert_report(
    connection: &mut PgConnection,
    session: SessionId,
    report: &ReportRow,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into evaluation_reports (id, session_id, overall_score, technical_score, soft_skill_score, score_notes,
            ai_feedback, recommendation, document, rubric_hash, prompts_hash, bank_hash, model, made_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
         on conflict (session_id) do update set overall_score = excluded.overall_score,
            technical_score = excluded.technical_score, soft_skill_score = excluded.soft_skill_score,
            score_notes = excluded.score_notes, ai_feedback = excluded.ai_feedback,
            recommendation = excluded.recommendation, document = excluded.document, rubric_hash = excluded.rubric_hash,
            prompts_hash = excluded.prompts_hash, bank_hash = excluded.bank_hash, model = excluded.model,
            made_at = excluded.made_at",
        Uuid::now_v7(),
        session.0,
        report.overall_score,
        report.technical_score,
        report.soft_skill_score,
        clean_json(&report.score_notes),
        clean_text(&report.ai_feedback),
        report.recommendation,
        clean_json(&report.document),
        report.rubric_hash,
        report.prompts_hash,
        report.bank_hash,
        report.model,
        report.made_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}
