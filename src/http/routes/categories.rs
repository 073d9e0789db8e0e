//! What can be chosen before an interview.

use crate::http::error::ApiError;
use crate::http::state::Shared;
use crate::id::CategoryId;
use crate::interview::question::Level;
use crate::store::CategoryRow;
use axum::Json;
use axum::extract::State;
use serde::Serialize;

/// A category of questions.
#[derive(Serialize, utoipa::ToSchema)]
pub struct CategoryView {
    id: CategoryId,
    #[schema(example = "backend")]
    slug: String,
    #[schema(example = "Back-end engineering")]
    name: String,
    description: String,
    /// BCP 47 primary tag.
    #[schema(example = "en")]
    language: String,
    job_positions: Vec<String>,
    levels: Vec<LevelView>,
    /// Whether this server hears and speaks that language, so that a voice interview can be held.
    voice: bool,
}

/// How much there is to ask at a level.
#[derive(Serialize, utoipa::ToSchema)]
pub struct LevelView {
    level: Level,
    questions: u64,
}

/// All categories.
#[derive(Serialize, utoipa::ToSchema)]
pub struct CategoryList {
    categories: Vec<CategoryView>,
}

impl CategoryView {
    fn of(row: CategoryRow, spoken: &[&str]) -> Self {
        let levels = row
            .levels
            .iter()
            .map(|count| LevelView { level: count.level, questions: u64::try_from(count.questions).unwrap_or(0) });
        Self {
            id: row.id,
            slug: row.slug,
            name: row.name,
            description: row.description,
            voice: spoken.contains(&row.language.as_str()),
            language: row.language,
            job_positions: row.job_positions,
            levels: levels.collect(),
        }
    }
}

/// What can be chosen: categories with their levels.
#[utoipa::path(get, operation_id = "list_categories", path = "/categories", tag = "interviews",
    responses((status = 200, description = "All categories.", body = CategoryList)))]
pub async fn list(State(state): State<Shared>) -> Result<Json<CategoryList>, ApiError> {
    let rows = state.store.categories().await?;
    let spoken = state.interviews.voice_languages();
    Ok(Json(CategoryList { categories: rows.into_iter().map(|row| CategoryView::of(row, &spoken)).collect() }))
}
