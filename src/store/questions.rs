//! The question bank as people keep it: found, changed, withdrawn, put in force again. A change is a new version; what was
//! asked stays as it was asked.

use super::bank::{Newest, StoredQuestion, content_hash, newest_versions, sync_question};
use super::{Store, StoreError, Word, limited};
use crate::id::{CategoryId, QuestionRowId, UserId};
use crate::interview::question::{Level, Question, QuestionKind};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

/// One version of a question, with what is kept about it.
#[derive(Clone, Debug, PartialEq)]
pub struct QuestionRow {
    pub id: QuestionRowId,
    pub category_id: CategoryId,
    pub category_slug: String,
    pub language: String,
    /// Asked from now on.
    pub is_current: bool,
    /// When a person made it, put it in force or withdrew it; none: it is as the shipped file says.
    pub edited_at: Option<DateTime<Utc>>,
    pub edited_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub question: Question,
}

/// Which questions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuestionFilter {
    pub category: Option<CategoryId>,
    pub language: Option<String>,
    pub level: Option<Level>,
    pub kind: Option<QuestionKind>,
    pub competency: Option<String>,
    pub anchor: Option<bool>,
    /// Part of the key, the question or the expected answer.
    pub search: Option<String>,
    /// Those that are asked no more, by their last version.
    pub withdrawn: bool,
}

/// What becomes of one version of a question.
#[derive(Clone, Debug, PartialEq)]
pub enum QuestionEdit {
    /// The question says this from now on.
    Says(Box<Question>),
    /// It is asked no more.
    Withdrawn,
}

/// What an import did, by the questions' keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    pub created: Vec<String>,
    pub changed: Vec<String>,
    pub unchanged: Vec<String>,
}

/// A version as its columns hold it.
struct Listed {
    id: QuestionRowId,
    category_id: CategoryId,
    category_slug: String,
    language: String,
    is_current: bool,
    edited_at: Option<DateTime<Utc>>,
    edited_by: Option<UserId>,
    created_at: DateTime<Utc>,
    key: String,
    version: i32,
    twin: Option<String>,
    competency: String,
    level: Level,
    difficulty: i16,
    kind: QuestionKind,
    time_box_s: i32,
    is_anchor: bool,
    question_text: String,
    rephrased: String,
    expected_answer: String,
    code: Option<Value>,
    key_points: Value,
    misconceptions: Value,
    probes: Value,
    anchors: Value,
}

impl Listed {
    fn into_row(self) -> Result<QuestionRow, StoreError> {
        let stored = StoredQuestion {
            key: self.key,
            version: self.version,
            twin: self.twin,
            competency: self.competency,
            level: self.level,
            difficulty: self.difficulty,
            kind: self.kind,
            time_box_s: self.time_box_s,
            is_anchor: self.is_anchor,
            question_text: self.question_text,
            rephrased: self.rephrased,
            expected_answer: self.expected_answer,
            code: self.code,
            key_points: self.key_points,
            misconceptions: self.misconceptions,
            probes: self.probes,
            anchors: self.anchors,
        };
        Ok(QuestionRow {
            id: self.id,
            category_id: self.category_id,
            category_slug: self.category_slug,
            language: self.language,
            is_current: self.is_current,
            edited_at: self.edited_at,
            edited_by: self.edited_by,
            created_at: self.created_at,
            question: stored.into_question()?,
        })
    }
}

/// Reads versions of the bank's questions by what follows the join; one place states the columns.
macro_rules! listed {
    ($rest:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Listed,
            r#"select q.id as "id: QuestionRowId", q.category_id as "category_id: CategoryId", c.slug as category_slug,
                c.language, q.is_current, q.edited_at, q.edited_by as "edited_by: UserId", q.created_at, q.key, q.version,
                q.twin, q.competency, q.level as "level: Level", q.difficulty, q.kind as "kind: QuestionKind", q.time_box_s,
                q.is_anchor, q.question_text, q.rephrased, q.expected_answer, q.code, q.key_points, q.misconceptions,
                q.probes, q.anchors
               from questions q join interview_categories c on c.id = q.category_id where q.interview_id is null and "#
                + $rest
            $(, $argument)*
        )
    };
}

impl Store {
    /// Questions by key, each in the version that is asked now (or last was); `after` is the last id of the page before.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn questions(
        &self,
        filter: &QuestionFilter,
        limit: u32,
        after: Option<QuestionRowId>,
    ) -> Result<Vec<QuestionRow>, StoreError> {
        let rows = listed!(
            "(case when $3 then not q.is_current and not exists (select 1 from questions n where n.category_id = q.category_id
                    and n.key = q.key and (n.is_current or n.version > q.version))
                else q.is_current end)
             and ($2::uuid is null or (q.key, q.id) > (select a.key, a.id from questions a where a.id = $2))
             and ($4::uuid is null or q.category_id = $4) and ($5::text is null or q.level = $5)
             and ($6::text is null or q.kind = $6) and ($7::text is null or q.competency = $7)
             and ($8::bool is null or q.is_anchor = $8) and ($9::text is null or c.language = $9)
             and ($10::text is null
                or position(lower($10) in lower(q.key || ' ' || q.question_text || ' ' || q.expected_answer)) > 0)
             order by q.key, q.id limit $1",
            i64::from(limit),
            after.map(|id| id.0),
            filter.withdrawn,
            filter.category.map(|id| id.0),
            filter.level.map(|level| level.word()),
            filter.kind.map(|kind| kind.word()),
            filter.competency,
            filter.anchor,
            filter.language,
            filter.search,
        );
        let rows = limited(async { Ok(rows.fetch_all(&self.pool).await?) }).await?;
        rows.into_iter().map(Listed::into_row).collect()
    }

    /// One version of a question.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn question_row(&self, id: QuestionRowId) -> Result<QuestionRow, StoreError> {
        limited(async { listed!("q.id = $1", id.0).fetch_one(&self.pool).await?.into_row() }).await
    }

    /// These versions of questions, those that are there, by key.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn question_rows(&self, ids: &[QuestionRowId]) -> Result<Vec<QuestionRow>, StoreError> {
        let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.0).collect();
        let rows = listed!("q.id = any($1) order by q.key, q.id", &ids);
        let rows = limited(async { Ok(rows.fetch_all(&self.pool).await?) }).await?;
        rows.into_iter().map(Listed::into_row).collect()
    }

    /// Every version of the question of which `id` is one, the newest first; `before` is the last version of the page
    /// before.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn question_versions(
        &self,
        id: QuestionRowId,
        limit: u32,
        before: Option<u32>,
    ) -> Result<Vec<QuestionRow>, StoreError> {
        let before = before.map(|version| i32::try_from(version).unwrap_or(i32::MAX));
        let rows = listed!(
            "(q.category_id, q.key) = (select o.category_id, o.key from questions o where o.id = $1)
             and ($3::integer is null or q.version < $3) order by q.version desc limit $2",
            id.0,
            i64::from(limit),
            before,
        );
        let rows = limited(async { Ok(rows.fetch_all(&self.pool).await?) }).await?;
        rows.into_iter().map(Listed::into_row).collect()
    }

    /// Adds a question to a category.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without the category, [`StoreError::Conflict`] when the key was ever used in it.
    pub async fn add_question(
        &self,
        category: CategoryId,
        question: &Question,
        by: UserId,
    ) -> Result<QuestionRow, StoreError> {
        limited(async {
            let mut transaction = self.pool.begin().await?;
            let last = lock(&mut transaction, category).await?;
            if newest_versions(&mut transaction, category).await?.contains_key(&question.key) {
                let what = "there is a question of this key in this category, asked now or withdrawn".into();
                return Err(StoreError::Conflict { what });
            }
            sync_question(&mut transaction, category, last + 1, question, None, Some(by)).await?;
            let row = current(&mut transaction, category, &question.key).await?;
            transaction.commit().await?;
            Ok(row)
        })
        .await
    }

    /// Changes questions, all or none; each must name the version that is asked now. Returns them as they are then, in the
    /// order of the edits.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Conflict`] when one has been changed in the meantime.
    pub async fn edit_questions(
        &self,
        category: CategoryId,
        edits: &[(QuestionRowId, QuestionEdit)],
        by: UserId,
    ) -> Result<Vec<QuestionRow>, StoreError> {
        limited(async {
            let mut transaction = self.pool.begin().await?;
            lock(&mut transaction, category).await?;
            let stored = newest_versions(&mut transaction, category).await?;
            let mut rows = Vec::new();
            for (id, edit) in edits {
                let row = listed!("q.id = $1 and q.category_id = $2", id.0, category.0);
                let before = row.fetch_one(&mut *transaction).await?.into_row()?;
                let key = before.question.key.clone();
                if !before.is_current {
                    let what = format!("{key} has been changed or withdrawn in the meantime");
                    return Err(StoreError::Conflict { what });
                }
                rows.push(match edit {
                    QuestionEdit::Says(question) => {
                        let newest = stored.get(&key);
                        let position = newest.map_or(0, |newest| newest.position);
                        sync_question(&mut transaction, category, position, question, newest, Some(by)).await?;
                        current(&mut transaction, category, &key).await?
                    }
                    QuestionEdit::Withdrawn => {
                        set_current(&mut transaction, *id, false, by).await?;
                        QuestionRow { is_current: false, ..before }
                    }
                });
            }
            transaction.commit().await?;
            Ok(rows)
        })
        .await
    }

    /// Makes this version the one that is asked.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn restore_question(&self, id: QuestionRowId, by: UserId) -> Result<QuestionRow, StoreError> {
        let row = self.question_row(id).await?;
        limited(async {
            let mut transaction = self.pool.begin().await?;
            lock(&mut transaction, row.category_id).await?;
            sqlx::query!(
                "update questions set is_current = false where category_id = $1 and key = $2 and is_current and id <> $3",
                row.category_id.0,
                row.question.key,
                id.0,
            )
            .execute(&mut *transaction)
            .await?;
            set_current(&mut transaction, id, true, by).await?;
            let row = current(&mut transaction, row.category_id, &row.question.key).await?;
            transaction.commit().await?;
            Ok(row)
        })
        .await
    }

    /// Takes questions into a category, all or none: new ones are added, those that say something else get a new version.
    /// With `dry` nothing is kept.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without the category.
    pub async fn import_questions(
        &self,
        category: CategoryId,
        questions: &[Question],
        by: UserId,
        dry: bool,
    ) -> Result<Imported, StoreError> {
        limited(async {
            let mut transaction = self.pool.begin().await?;
            let mut last = lock(&mut transaction, category).await?;
            let stored = newest_versions(&mut transaction, category).await?;
            let mut imported = Imported::default();
            for question in questions {
                let newest = stored.get(&question.key);
                let position = newest.map_or_else(
                    || {
                        last += 1;
                        last
                    },
                    |newest| newest.position,
                );
                sort(question, newest, &mut imported)?;
                sync_question(&mut transaction, category, position, question, newest, Some(by)).await?;
            }
            if dry {
                transaction.rollback().await?;
            } else {
                transaction.commit().await?;
            }
            Ok(imported)
        })
        .await
    }
}

/// Notes what becomes of a question.
fn sort(question: &Question, newest: Option<&Newest>, imported: &mut Imported) -> Result<(), StoreError> {
    let hash = content_hash(question)?;
    let list = match newest {
        None => &mut imported.created,
        Some(newest) if newest.current_hash.as_ref() == Some(&hash) => &mut imported.unchanged,
        Some(_) => &mut imported.changed,
    };
    list.push(question.key.clone());
    Ok(())
}

/// Locks a category, so that its questions are changed by one at a time; returns the last position.
async fn lock(connection: &mut PgConnection, category: CategoryId) -> Result<i32, StoreError> {
    sqlx::query_scalar!("select id from interview_categories where id = $1 for no key update", category.0)
        .fetch_one(&mut *connection)
        .await?;
    let last = sqlx::query_scalar!(
        r#"select coalesce(max(position), -1) as "last!" from questions where category_id = $1"#,
        category.0,
    );
    Ok(last.fetch_one(connection).await?)
}

async fn current(connection: &mut PgConnection, category: CategoryId, key: &str) -> Result<QuestionRow, StoreError> {
    listed!("q.category_id = $1 and q.key = $2 and q.is_current", category.0, key)
        .fetch_one(connection)
        .await?
        .into_row()
}

async fn set_current(
    connection: &mut PgConnection,
    id: QuestionRowId,
    is_current: bool,
    by: UserId,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update questions set is_current = $2, edited_by = $3, edited_at = clock_timestamp() where id = $1",
        id.0,
        is_current,
        by.0,
    )
    .execute(connection)
    .await?;
    Ok(())
}
