//! What people changed in scores. Kept for good, with who and why; must never touch the scorer's own value.

use super::clean::{clean_json, clean_text};
use super::{ReportRow, Store, StoreError, limited, reports};
use crate::id::{SessionId, UserId};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

/// A change by a person.
#[derive(Clone, Debug, PartialEq)]
pub struct OverrideRow {
    /// Absent when it is about the whole report.
    pub question_key: Option<String>,
    pub user_id: Option<UserId>,
    /// Kept when the account goes.
    pub by_name: String,
    /// Such as [`OverrideRow::LEVEL`].
    pub field: String,
    pub old_value: Option<Value>,
    pub new_value: Value,
    pub reason: String,
    pub created_at: DateTime<Utc>,
}

impl OverrideRow {
    /// The field of a question's level.
    pub const LEVEL: &str = "level";
}

impl Store {
    /// The changes to an interview's scores, the oldest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn overrides(&self, session: SessionId) -> Result<Vec<OverrideRow>, StoreError> {
        let rows = sqlx::query_as!(
            OverrideRow,
            r#"select question_key, user_id as "user_id: UserId", by_name, field, old_value, new_value, reason, created_at
             from overrides where session_id = $1 order by created_at, id"#,
            session.0,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows)
    }

    /// A page of them, each with its id, the oldest first; `after` is the last id of the page before.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn override_page(
        &self,
        session: SessionId,
        limit: u32,
        after: Option<Uuid>,
    ) -> Result<Vec<(Uuid, OverrideRow)>, StoreError> {
        let rows = sqlx::query!(
            r#"select id, question_key, user_id as "user_id: UserId", by_name, field, old_value, new_value, reason, created_at
             from overrides where session_id = $1 and ($3::uuid is null or id > $3) order by id limit $2"#,
            session.0,
            i64::from(limit),
            after,
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .map(|row| {
            let change = OverrideRow {
                question_key: row.question_key,
                user_id: row.user_id,
                by_name: row.by_name,
                field: row.field,
                old_value: row.old_value,
                new_value: row.new_value,
                reason: row.reason,
                created_at: row.created_at,
            };
            (row.id, change)
        });
        Ok(rows.collect())
    }

    /// Keeps a change of a question's level, with what follows from it for the report and a line in the audit log, all
    /// or nothing. `before` is the document that the change was made to.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the report has changed since; [`StoreError::NotFound`] when there is none.
    pub async fn add_override(
        &self,
        session: SessionId,
        change: &OverrideRow,
        report: &ReportRow,
        before: &Value,
    ) -> Result<(), StoreError> {
        limited(async {
            let mut transaction = self.pool.begin().await?;
            let stands = sqlx::query_scalar!(
                r#"select document = $2 as "stands!" from evaluation_reports where session_id = $1 for update"#,
                session.0,
                clean_json(before),
            )
            .fetch_one(&mut *transaction)
            .await?;
            if !stands {
                return Err(StoreError::Conflict { what: "the report has changed in the meantime".into() });
            }
            let id = Uuid::now_v7();
            sqlx::query!(
                "insert into overrides (id, session_id, question_key, user_id, by_name, field, old_value, new_value,
                    reason, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                id,
                session.0,
                change.question_key,
                change.user_id.map(|user| user.0),
                clean_text(&change.by_name),
                change.field,
                change.old_value.as_ref().map(clean_json),
                clean_json(&change.new_value),
                clean_text(&change.reason),
                change.created_at,
            )
            .execute(&mut *transaction)
            .await?;
            sqlx::query!(
                "update question_responses set level = $3, state = case when $3::smallint is null then 'not_assessed' else 'scored' end
                 where session_id = $1 and question_key = $2",
                session.0,
                change.question_key,
                change.new_value.as_i64().and_then(|level| i16::try_from(level).ok()),
            )
            .execute(&mut *transaction)
            .await?;
            reports::upsert_report(&mut transaction, session, report).await?;
            sqlx::query!(
                "insert into audit_log (id, actor_id, actor, action, subject_kind, subject_id, detail)
                 values ($1, $2, $3, 'score.override', 'interview', $4, $5)",
                Uuid::now_v7(),
                change.user_id.map(|user| user.0),
                clean_text(&change.by_name),
                session.to_string(),
                json!({
                    "override": id,
                    "question_key": change.question_key,
                    "field": change.field,
                    "old": change.old_value,
                    "new": change.new_value,
                }),
            )
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }
}
