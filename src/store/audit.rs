//! Who looked at or changed what of other people. Must never lose a line once its action was answered, nor hold a
//! candidate's words.

use super::clean::{clean_json, clean_text};
use super::{Store, StoreError, limited};
use crate::id::UserId;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

/// What somebody did.
#[derive(Clone, Debug, PartialEq)]
pub struct NewAudit {
    /// Absent: the server's own machine, or a command.
    pub actor: Option<UserId>,
    /// Such as `report.read`.
    pub action: &'static str,
    /// Such as `interview`.
    pub subject_kind: &'static str,
    pub subject_id: String,
    pub detail: Value,
}

/// A line of the audit log.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRow {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub actor_id: Option<UserId>,
    /// The actor's name then; kept when the account goes.
    pub actor: String,
    pub action: String,
    pub subject_kind: String,
    pub subject_id: String,
    pub detail: Value,
}

/// Which lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub actor: Option<UserId>,
    pub action: Option<String>,
    pub subject_kind: Option<String>,
    pub subject_id: Option<String>,
}

impl Store {
    /// Notes it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: what was to be noted must not be answered.
    pub async fn audit(&self, new: &NewAudit) -> Result<(), StoreError> {
        limited(async {
            sqlx::query!(
                "insert into audit_log (id, actor_id, actor, action, subject_kind, subject_id, detail)
                 values ($1, (select id from users where id = $2),
                    coalesce((select username from users where id = $2), $2::uuid::text, 'server'), $3, $4, $5, $6)",
                Uuid::now_v7(),
                new.actor.map(|id| id.0),
                new.action,
                new.subject_kind,
                clean_text(&new.subject_id),
                clean_json(&new.detail),
            )
            .execute(&self.pool)
            .await?;
            Ok(())
        })
        .await
    }

    /// Notes it, unless the same person was noted for the same within so many minutes: what is read in many parts is read
    /// once. Of two parts at the same time both may be noted.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: what was to be noted must not be answered.
    pub async fn audit_once(&self, new: &NewAudit, minutes: i32) -> Result<(), StoreError> {
        limited(async {
            sqlx::query!(
                "insert into audit_log (id, actor_id, actor, action, subject_kind, subject_id, detail)
                 select $1, (select id from users where id = $2),
                    coalesce((select username from users where id = $2), $2::uuid::text, 'server'), $3, $4, $5, $6
                 where not exists (select from audit_log
                    where subject_kind = $4 and subject_id = $5 and action = $3 and actor_id = $2
                      and at >= clock_timestamp() - make_interval(mins => $7))",
                Uuid::now_v7(),
                new.actor.map(|id| id.0),
                new.action,
                new.subject_kind,
                clean_text(&new.subject_id),
                clean_json(&new.detail),
                minutes,
            )
            .execute(&self.pool)
            .await?;
            Ok(())
        })
        .await
    }

    /// The newest first; `before` is the last id of the page before.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn audit_log(
        &self,
        limit: u32,
        before: Option<Uuid>,
        filter: &AuditFilter,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let rows = sqlx::query_as!(
            AuditRow,
            r#"select id, at, actor_id as "actor_id: UserId", actor, action, subject_kind, subject_id, detail
             from audit_log
             where ($2::uuid is null or id < $2) and ($3::uuid is null or actor_id = $3)
               and ($4::text is null or action = $4) and ($5::text is null or subject_kind = $5)
               and ($6::text is null or subject_id = $6)
             order by id desc limit $1"#,
            i64::from(limit),
            before,
            filter.actor.map(|id| id.0),
            filter.action.as_deref(),
            filter.subject_kind.as_deref(),
            filter.subject_id.as_deref(),
        );
        limited(async { Ok(rows.fetch_all(&self.pool).await?) }).await
    }
}
