//! The question banks: categories and every version of every question. Must never change a version that was stored.

use super::{Store, StoreError, Word, limited};
use crate::id::{CategoryId, QuestionRowId};
use crate::interview::question::{Bank, Category, Level, Question, QuestionKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use std::collections::HashMap;

/// A category, and how many questions it has.
#[derive(Clone, Debug, PartialEq)]
pub struct CategoryRow {
    pub id: CategoryId,
    pub slug: String,
    pub name: String,
    pub description: String,
    pub language: String,
    pub system_prompt: String,
    pub job_positions: Vec<String>,
    pub levels: Vec<LevelCount>,
}

/// How many questions there are at one level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelCount {
    pub level: Level,
    pub questions: i64,
}

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
    /// next free one if a change forgot to state any), what is gone is withdrawn, and every old version stays. Returns
    /// the category's id.
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
                 where category_id = $1 and is_current and interview_id is null and key <> all($2)",
                category.0,
                &keys,
            )
            .execute(&mut *transaction)
            .await?;
            for (position, question) in (0..).zip(&bank.questions) {
                sync_question(&mut transaction, category, position, question, stored.get(&question.key)).await?;
            }
            transaction.commit().await?;
            Ok(category)
        })
        .await
    }

    /// Every category that has questions.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn categories(&self) -> Result<Vec<CategoryRow>, StoreError> {
        let counts = sqlx::query!(
            r#"select c.id as "id: CategoryId", c.slug, c.name, c.description, c.language, c.system_prompt, c.job_positions,
                q.level as "level: Level", count(*) as "questions!"
             from interview_categories c join questions q on q.category_id = c.id
             where q.is_current and q.interview_id is null
             group by c.id, q.level order by c.slug, c.language, c.id"#,
        )
        .fetch_all(&self.pool)
        .await?;
        let mut categories: Vec<CategoryRow> = Vec::new();
        for row in counts {
            let count = LevelCount { level: row.level, questions: row.questions };
            match categories.last_mut() {
                Some(category) if category.id == row.id => category.levels.push(count),
                Some(_) | None => categories.push(CategoryRow {
                    id: row.id,
                    slug: row.slug,
                    name: row.name,
                    description: row.description,
                    language: row.language,
                    system_prompt: row.system_prompt,
                    job_positions: row.job_positions,
                    levels: vec![count],
                }),
            }
        }
        for category in &mut categories {
            category.levels.sort_by_key(|count| count.level);
        }
        // Ids grow with time: the order in which the banks came, which is the order in which they are shipped.
        categories.sort_by_key(|category| category.id);
        Ok(categories)
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
struct StoredQuestion {
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

impl StoredQuestion {
    fn into_question(self) -> Result<Question, StoreError> {
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
struct Newest {
    version: i32,
    current_hash: Option<String>,
}

async fn newest_versions(
    connection: &mut PgConnection,
    category: CategoryId,
) -> Result<HashMap<String, Newest>, StoreError> {
    let rows = sqlx::query!(
        r#"select key, max(version) as "version!", max(content_hash) filter (where is_current) as current_hash
         from questions where category_id = $1 group by key"#,
        category.0,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.key, Newest { version: row.version, current_hash: row.current_hash })).collect())
}

async fn upsert_category(connection: &mut PgConnection, category: &Category) -> Result<CategoryId, StoreError> {
    let id = sqlx::query_scalar!(
        r#"insert into interview_categories
            (id, slug, name, description, language, system_prompt, job_positions, competencies)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (slug, language) do update set name = excluded.name, description = excluded.description,
            system_prompt = excluded.system_prompt, job_positions = excluded.job_positions,
            competencies = excluded.competencies
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

async fn sync_question(
    connection: &mut PgConnection,
    category: CategoryId,
    position: i32,
    question: &Question,
    stored: Option<&Newest>,
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
    insert_question(connection, category, position, question, version, &hash).await
}

async fn insert_question(
    connection: &mut PgConnection,
    category: CategoryId,
    position: i32,
    question: &Question,
    version: i32,
    hash: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into questions (id, category_id, key, version, position, twin, competency, level, difficulty, kind,
            time_box_s, is_anchor, question_text, rephrased, expected_answer, code, key_points, misconceptions, probes,
            anchors, content_hash)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)",
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
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Of everything but the version.
fn content_hash(question: &Question) -> Result<String, StoreError> {
    let content = json(&Question { version: 0, ..question.clone() })?.to_string();
    Ok(Sha256::digest(content.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect())
}

fn json(value: &impl Serialize) -> Result<Value, StoreError> {
    serde_json::to_value(value).map_err(|_| StoreError::Invalid { what: "a question cannot be stored".into() })
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T, StoreError> {
    serde_json::from_value(value).map_err(|_| StoreError::Invalid { what: "a stored question cannot be read".into() })
}

fn number<From, To: TryFrom<From>>(value: From) -> Result<To, StoreError> {
    To::try_from(value).map_err(|_| StoreError::Invalid { what: "a number out of range".into() })
}
