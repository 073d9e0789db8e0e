//! Questions that a model drafted for one interview, and what a person makes of them. Must never put a draft into the bank
//! that nobody accepted.

use super::bank::{content_hash, insert_question};
use super::{Store, StoreError, limited};
use crate::id::{CategoryId, QuestionRowId, SessionId};
use crate::interview::question::{Level, Question, QuestionKind};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// Where accepted drafts stand in their bank: after what its file states.
const POSITION_AFTER: i32 = 10_000;

/// A question that was drafted and that nobody has looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct ProposedRow {
    pub id: QuestionRowId,
    /// The interview that it was drafted for.
    pub interview_id: Option<SessionId>,
    /// Slug of the category.
    pub category: String,
    pub language: String,
    pub key: String,
    pub level: Level,
    pub kind: QuestionKind,
    pub question_text: String,
    pub expected_answer: String,
    pub key_points: Value,
    pub probes: Value,
    pub created_at: DateTime<Utc>,
}

impl Store {
    /// Stores questions that were drafted for an interview, with it.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when a value breaks a constraint.
    pub async fn save_drafts(
        &self,
        session: SessionId,
        category: CategoryId,
        drafts: &[Question],
    ) -> Result<(), StoreError> {
        if drafts.is_empty() {
            return Ok(());
        }
        limited(async {
            let mut transaction = self.pool.begin().await?;
            let keys: Vec<String> = drafts.iter().map(|draft| draft.key.clone()).collect();
            for draft in drafts {
                let hash = content_hash(draft)?;
                insert_question(&mut transaction, category, POSITION_AFTER, draft, 1, &hash, None).await?;
            }
            sqlx::query!(
                "update questions set interview_id = $1, review = 'proposed' where category_id = $2 and key = any($3)",
                session.0,
                category.0,
                &keys,
            )
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    /// Drafts that wait for a person, the newest first; `before` is the last id of the page before.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn proposed(&self, limit: u32, before: Option<QuestionRowId>) -> Result<Vec<ProposedRow>, StoreError> {
        limited(async {
            let rows = sqlx::query_as!(
                ProposedRow,
                r#"select q.id as "id: QuestionRowId", q.interview_id as "interview_id: SessionId", c.slug as category,
                    c.language, q.key, q.level as "level: Level", q.kind as "kind: QuestionKind", q.question_text,
                    q.expected_answer, q.key_points, q.probes, q.created_at
                 from questions q join interview_categories c on c.id = q.category_id
                 where q.review = 'proposed' and ($2::uuid is null or q.id < $2)
                 order by q.id desc limit $1"#,
                i64::from(limit),
                before.map(|id| id.0),
            )
            .fetch_all(&self.pool)
            .await?;
            Ok(rows)
        })
        .await
    }

    /// Takes a draft into its bank, or puts it away; the interview that asked it keeps it either way.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for what is no draft, [`StoreError::Conflict`] for one that was looked at already.
    pub async fn review_draft(&self, id: QuestionRowId, accept: bool) -> Result<(), StoreError> {
        limited(async {
            let word = if accept { "accepted" } else { "rejected" };
            let changed = sqlx::query!(
                "update questions set review = $2, interview_id = case when $3 then null else interview_id end
                 where id = $1 and review = 'proposed'",
                id.0,
                word,
                accept,
            )
            .execute(&self.pool)
            .await?;
            if changed.rows_affected() > 0 {
                return Ok(());
            }
            let known = sqlx::query_scalar!("select review from questions where id = $1 and review is not null", id.0)
                .fetch_optional(&self.pool)
                .await?;
            match known {
                Some(_) => Err(StoreError::Conflict { what: "this question was looked at already".into() }),
                None => Err(StoreError::NotFound),
            }
        })
        .await
    }
}
