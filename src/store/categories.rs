//! Categories: what can be chosen, and how people change them. Must never delete one: interviews refer to its questions.

use super::bank::{json, read};
use super::{Store, StoreError, limited};
use crate::id::CategoryId;
use crate::interview::question::{Category, Level};
use chrono::{DateTime, Utc};

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

/// A category as an admin keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptCategory {
    pub id: CategoryId,
    pub category: Category,
    /// When a person last changed it; until then it follows the shipped file.
    pub edited_at: Option<DateTime<Utc>>,
    /// No longer offered since.
    pub withdrawn_at: Option<DateTime<Utc>>,
    pub updated_at: DateTime<Utc>,
}

impl Store {
    /// Every category that has questions, in the order in which they came.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn categories(&self) -> Result<Vec<CategoryRow>, StoreError> {
        self.category_page(u32::MAX, None, false).await
    }

    /// Categories after the one with id `after`, in the order in which they came; `all` takes those without questions
    /// and those that were withdrawn, too.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn category_page(
        &self,
        limit: u32,
        after: Option<CategoryId>,
        all: bool,
    ) -> Result<Vec<CategoryRow>, StoreError> {
        let counts = sqlx::query!(
            r#"select c.id as "id: CategoryId", c.slug, c.name, c.description, c.language, c.system_prompt, c.job_positions,
                q.level as "level?: Level", count(q.id) as "questions!"
             from interview_categories c
             left join questions q on q.category_id = c.id and q.is_current and q.interview_id is null
             where c.id in (
                select p.id from interview_categories p
                where ($2::uuid is null or p.id > $2)
                  and ($3 or (p.withdrawn_at is null and exists (select 1 from questions o
                      where o.category_id = p.id and o.is_current and o.interview_id is null)))
                order by p.id limit $1)
             group by c.id, q.level order by c.id, q.level"#,
            i64::from(limit),
            after.map(|id| id.0),
            all,
        );
        let counts = limited(async { Ok(counts.fetch_all(&self.pool).await?) }).await?;
        let mut categories: Vec<CategoryRow> = Vec::new();
        for row in counts {
            let count = row.level.map(|level| LevelCount { level, questions: row.questions });
            match categories.last_mut() {
                Some(category) if category.id == row.id => category.levels.extend(count),
                Some(_) | None => categories.push(CategoryRow {
                    id: row.id,
                    slug: row.slug,
                    name: row.name,
                    description: row.description,
                    language: row.language,
                    system_prompt: row.system_prompt,
                    job_positions: row.job_positions,
                    levels: count.into_iter().collect(),
                }),
            }
        }
        for category in &mut categories {
            category.levels.sort_by_key(|count| count.level);
        }
        Ok(categories)
    }

    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn category(&self, id: CategoryId) -> Result<KeptCategory, StoreError> {
        let row = sqlx::query!(
            "select slug, name, description, language, system_prompt, job_positions, competencies, edited_at,
                withdrawn_at, updated_at
             from interview_categories where id = $1",
            id.0,
        );
        let row = limited(async { Ok(row.fetch_one(&self.pool).await?) }).await?;
        let category = Category {
            slug: row.slug,
            name: row.name,
            description: row.description,
            language: row.language,
            system_prompt: row.system_prompt,
            job_positions: row.job_positions,
            competencies: read(row.competencies)?,
        };
        let (edited_at, withdrawn_at, updated_at) = (row.edited_at, row.withdrawn_at, row.updated_at);
        Ok(KeptCategory { id, category, edited_at, withdrawn_at, updated_at })
    }

    /// Makes a category.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when this slug is there in this language.
    pub async fn create_category(&self, category: &Category) -> Result<KeptCategory, StoreError> {
        let id = CategoryId::create();
        let made = sqlx::query!(
            "insert into interview_categories
                (id, slug, name, description, language, system_prompt, job_positions, competencies, edited_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp()) on conflict (slug, language) do nothing",
            id.0,
            category.slug,
            category.name,
            category.description,
            category.language,
            category.system_prompt,
            &category.job_positions,
            json(&category.competencies)?,
        );
        let made = limited(async { Ok(made.execute(&self.pool).await?) }).await?;
        if made.rows_affected() == 0 {
            return Err(StoreError::Conflict { what: "there is a category of this slug in this language".into() });
        }
        self.category(id).await
    }

    /// Changes everything of a category but its slug and language; from then on files leave it alone.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn change_category(
        &self,
        id: CategoryId,
        category: &Category,
        withdrawn: bool,
    ) -> Result<KeptCategory, StoreError> {
        let changed = sqlx::query!(
            "update interview_categories set name = $2, description = $3, system_prompt = $4, job_positions = $5,
                competencies = $6, edited_at = clock_timestamp(),
                withdrawn_at = case when $7 then coalesce(withdrawn_at, clock_timestamp()) end
             where id = $1",
            id.0,
            category.name,
            category.description,
            category.system_prompt,
            &category.job_positions,
            json(&category.competencies)?,
            withdrawn,
        );
        limited(async { Ok(changed.execute(&self.pool).await?) }).await?;
        self.category(id).await
    }
}
