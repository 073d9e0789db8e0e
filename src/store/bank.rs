//! The question banks: categories and every version of every question. Must never change a version that was stored.

use super::{Store, StoreError, Word, limited};
use crate::id::{CategoryId, QuestionRowId, UserId};
use crate::interview::question::{Bank, Category, Level, Question, QuestionKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use std::collections::HashMap;

/// Reads questions by what follows `from questions`; one place states the columns.
macro_rules! question {
    ($rest:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            StoredQuestion,
            r#"select key, version, twin, competency, level as "level: Level", difficulty, kind as "kind: QuestionKind",
                time_box_s, is_anchor, question_text, rephrased, expected_answer, code, key_points, misconceptions, probes,
                anchors
               from questions "# + $rest
            $(, $argument)*
        )
    };
}
impl Store {
    /// Makes the stored bank like `bank`: new and changed questions get a new version (the one that they state, or the
    /// next free one if a change forgot to state any), what is gone is withdrawn, and every old version stays. What a
    /// person has changed is left as that person wants it. Returns the category's id.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when a value breaks a constraint.
    pub async fn sync_bank(&self, bank: &Bank) -> Result<CategoryId, StoreError> {
        limited(async {
            let mut transaction = self.pool.begin().await?;
            // The upsert locks the category's row, so that nodes which start together take turns.
            let category = upsert_category(&mut transaction, &bank.category).await?;
            let stored = newest_versions(&mut transaction, category).await?;
            let keys: Vec<String> = bank.questions.iter().map(|question| question.key.clone()).collect();
            sqlx::query!(
                "update questions set is_current = false
                 where category_id = $1 and is_current and interview_id is null and review is null and edited_at is null
                   and key <> all($2)",
                category.0,
                &keys,
            )
            .execute(&mut *transaction)
            .await?;
            for (position, question) in (0..).zip(&bank.questions) {
                let stored = stored.get(&question.key);
                if stored.is_none_or(|stored| !stored.is_edited) {
                    sync_question(&mut transaction, category, position, question, stored, None).await?;
                }
            }
            transaction.commit().await?;
            Ok(category)
        })
        .await
    }

    /// A category with the newest version of its questions, in the order of the bank.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn bank(&self, slug: &str, language: &str) -> Result<Bank, StoreError> {
        let row = sqlx::query!(
            "select id, slug, name, description, language, system_prompt, job_positions, competencies
             from interview_categories where slug = $1 and language = $2",
            slug,
            language,
        )
        .fetch_one(&self.pool)
        .await?;
        let category = Category {
            slug: row.slug,
            name: row.name,
            description: row.description,
            language: row.language,
            system_prompt: row.system_prompt,
            job_positions: row.job_positions,
            competencies: read(row.competencies)?,
        };
        let rows =
            question!("where category_id = $1 and is_current and interview_id is null order by position, key", row.id)
                .fetch_all(&self.pool)
                .await?;
        let questions = rows.into_iter().map(StoredQuestion::into_question).collect::<Result<_, _>>()?;
        Ok(Bank { category, questions })
    }

    /// One version of one question, withdrawn or not.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn question(&self, category: CategoryId, key: &str, version: u32) -> Result<Question, StoreError> {
        let version = i32::try_from(version).map_err(|_| StoreError::NotFound)?;
        question!("where category_id = $1 and key = $2 and version = $3", category.0, key, version)
            .fetch_one(&self.pool)
            .await?
            .into_question()
    }
}

/// A question as its columns hold it.
pub(super) struct StoredQuestion {
    pub(super) key: String,
    pub(super) version: i32,
    pub(super) twin: Option<String>,
    pub(super) competency: String,
    pub(super) level: Level,
    pub(super) difficulty: i16,
    pub(super) kind: QuestionKind,
    pub(super) time_box_s: i32,
    pub(super) is_anchor: bool,
    pub(super) question_text: String,
    pub(super) rephrased: String,
    pub(super) expected_answer: String,
    pub(super) code: Option<Value>,
    pub(super) key_points: Value,
    pub(super) misconceptions: Value,
    pub(super) probes: Value,
    pub(super) anchors: Value,
}

impl StoredQuestion {
    pub(super) fn into_question(self) -> Result<Question, StoreError> {
        Ok(Question {
            key: self.key,
            version: number(self.version)?,
            twin: self.twin,
            competency: self.competency,
            level: self.level,
            difficulty: number(self.difficulty)?,
            kind: self.kind,
            time_box_s: number(self.time_box_s)?,
            anchor: self.is_anchor,
            prompt: self.question_text,
            rephrased: self.rephrased,
            reference_answer: self.expected_answer,
            code: self.code.map(read).transpose()?,
            key_points: read(self.key_points)?,
            misconceptions: read(self.misconceptions)?,
            probes: read(self.probes)?,
            anchors: read(self.anchors)?,
        })
    }
}

/// What is stored of a question: its highest version, and the content of the one in force.
pub(super) struct Newest {
    version: i32,
    pub(super) position: i32,
    pub(super) current_hash: Option<String>,
    /// A person made, put in force or withdrew a version of it.
    is_edited: bool,
}

pub(super) async fn newest_versions(
    connection: &mut PgConnection,
    category: CategoryId,
) -> Result<HashMap<String, Newest>, StoreError> {
    let rows = sqlx::query!(
        r#"select key, max(version) as "version!", max(content_hash) filter (where is_current) as current_hash,
            bool_or(edited_at is not null) as "is_edited!", max(position) as "position!"
         from questions where category_id = $1 group by key"#,
        category.0,
    )
    .fetch_all(connection)
    .await?;
    let newest = rows.into_iter().map(|row| {
        let (version, position, is_edited) = (row.version, row.position, row.is_edited);
        (row.key, Newest { version, position, current_hash: row.current_hash, is_edited })
    });
    Ok(newest.collect())
}

async fn upsert_category(connection: &mut PgConnection, category: &Category) -> Result<CategoryId, StoreError> {
    let id = sqlx::query_scalar!(
        r#"insert into interview_categories as c
            (id, slug, name, description, language, system_prompt, job_positions, competencies)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (slug, language) do update set
            name = case when c.edited_at is null then excluded.name else c.name end,
            description = case when c.edited_at is null then excluded.description else c.description end,
            system_prompt = case when c.edited_at is null then excluded.system_prompt else c.system_prompt end,
            job_positions = case when c.edited_at is null then excluded.job_positions else c.job_positions end,
            competencies = case when c.edited_at is null then excluded.competencies else c.competencies end
         returning id as "id: CategoryId""#,
        CategoryId::create().0,
        category.slug,
        category.name,
        category.description,
        category.language,
        category.system_prompt,
        &category.job_positions,
        json(&category.competencies)?,
    )
    .fetch_one(connection)
    .await?;
    Ok(id)
}

/// Stores a new version of the question if it says something new; by a person, or by a file.
pub(super) async fn sync_question(
    connection: &mut PgConnection,
    category: CategoryId,
    position: i32,
    question: &Question,
    stored: Option<&Newest>,
    by: Option<UserId>,
) -> Result<(), StoreError> {
    let hash = content_hash(question)?;
    if stored.is_some_and(|stored| stored.current_hash.as_deref() == Some(hash.as_str())) {
        sqlx::query!(
            "update questions set position = $3 where category_id = $1 and key = $2 and is_current and position <> $3",
            category.0,
            question.key,
            position,
        )
        .execute(connection)
        .await?;
        return Ok(());
    }
    sqlx::query!(
        "update questions set is_current = false where category_id = $1 and key = $2 and is_current",
        category.0,
        question.key
    )
    .execute(&mut *connection)
    .await?;
    let stated: i32 = number(question.version)?;
    let version = stored.map_or(stated, |stored| stated.max(stored.version + 1));
    insert_question(connection, category, position, question, version, &hash, by).await
}

pub(super) async fn insert_question(
    connection: &mut PgConnection,
    category: CategoryId,
    position: i32,
    question: &Question,
    version: i32,
    hash: &str,
    by: Option<UserId>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into questions (id, category_id, key, version, position, twin, competency, level, difficulty, kind,
            time_box_s, is_anchor, question_text, rephrased, expected_answer, code, key_points, misconceptions, probes,
            anchors, content_hash, edited_by, edited_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
            case when $22::uuid is null then null else clock_timestamp() end)",
        QuestionRowId::create().0,
        category.0,
        question.key,
        version,
        position,
        question.twin,
        question.competency,
        question.level.word(),
        i16::from(question.difficulty),
        question.kind.word(),
        number::<_, i32>(question.time_box_s)?,
        question.anchor,
        question.prompt,
        question.rephrased,
        question.reference_answer,
        question.code.as_ref().map(json).transpose()?,
        json(&question.key_points)?,
        json(&question.misconceptions)?,
        json(&question.probes)?,
        json(&question.anchors)?,
        hash,
        by.map(|user| user.0),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Of everything but the version.
pub(super) fn content_hash(question: &Question) -> Result<String, StoreError> {
    let content = json(&Question { version: 0, ..question.clone() })?.to_string();
    Ok(Sha256::digest(content.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect())
}

pub(super) fn json(value: &impl Serialize) -> Result<Value, StoreError> {
    serde_json::to_value(value).map_err(|_| StoreError::Invalid { what: "a question cannot be stored".into() })
}

pub(super) fn read<T: DeserializeOwned>(value: Value) -> Result<T, StoreError> {
    serde_json::from_value(value).map_err(|_| StoreError::Invalid { what: "a stored question cannot be read".into() })
}

fn number<From, To: TryFrom<From>>(value: From) -> Result<To, StoreError> {
    To::try_from(value).map_err(|_| StoreError::Invalid { what: "a number out of range".into() })
}
