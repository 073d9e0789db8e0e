//! Categories: what can be chosen before an interview, and how admins keep them. Must never delete one.

use crate::http::error::{ApiError, FieldError};
use crate::http::extract::{Admin, Caller, Json as Body, Path, Query, Staff};
use crate::http::state::Shared;
use crate::http::{audit, paging};
use crate::id::CategoryId;
use crate::interview::bank::Fault;
use crate::interview::question::{Category, Competency, Level};
use crate::store::{CategoryRow, KeptCategory};
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;

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

/// A page of categories, in the order in which they came.
#[derive(Serialize, utoipa::ToSchema)]
pub struct CategoryList {
    categories: Vec<CategoryView>,
    /// Where the next page begins; null at the end.
    next: Option<CategoryId>,
}

/// Which categories.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CategoryQuery {
    /// How many, 1 to 100; as many by default.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<CategoryId>,
    /// For interviewers and admins: also those without questions, and those that were withdrawn.
    #[serde(default)]
    all: bool,
}

/// A category as an admin keeps it.
#[derive(Serialize, utoipa::ToSchema)]
pub struct KeptCategoryView {
    id: CategoryId,
    #[schema(example = "backend")]
    slug: String,
    #[schema(example = "Back-end engineering")]
    name: String,
    description: String,
    /// BCP 47 primary tag.
    #[schema(example = "en")]
    language: String,
    /// How a language model is to behave here; never shown to candidates.
    system_prompt: String,
    job_positions: Vec<String>,
    competencies: Vec<Competency>,
    /// When a person last changed it; until then it follows the shipped file.
    edited_at: Option<DateTime<Utc>>,
    /// No longer offered.
    withdrawn: bool,
}

impl From<KeptCategory> for KeptCategoryView {
    fn from(row: KeptCategory) -> Self {
        Self {
            id: row.id,
            slug: row.category.slug,
            name: row.category.name,
            description: row.category.description,
            language: row.category.language,
            system_prompt: row.category.system_prompt,
            job_positions: row.category.job_positions,
            competencies: row.category.competencies,
            edited_at: row.edited_at,
            withdrawn: row.withdrawn_at.is_some(),
        }
    }
}

/// A category to be made.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCategory {
    /// Lower case letters, digits and hyphens; with the language it names the category for good.
    #[schema(example = "security", max_length = 100)]
    slug: String,
    #[schema(example = "Security engineering", max_length = 4000)]
    name: String,
    #[schema(example = "Threats, defences, and living with both.", max_length = 4000)]
    description: String,
    /// BCP 47 primary tag.
    #[schema(example = "en", min_length = 2, max_length = 2)]
    language: String,
    /// How a language model is to behave here; never shown to candidates.
    #[schema(example = "You interview security engineers. Stay with the question.", max_length = 4000)]
    system_prompt: String,
    #[schema(min_items = 1, max_items = 40, example = json!(["Security engineer"]))]
    job_positions: Vec<String>,
    /// What its questions measure.
    #[schema(min_items = 1, max_items = 40)]
    competencies: Vec<Competency>,
}

/// Changes to a category; what is absent stays.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CategoryChange {
    #[serde(default)]
    #[schema(example = "Security engineering", max_length = 4000)]
    name: Option<String>,
    #[serde(default)]
    #[schema(max_length = 4000)]
    description: Option<String>,
    #[serde(default)]
    #[schema(max_length = 4000)]
    system_prompt: Option<String>,
    #[serde(default)]
    #[schema(min_items = 1, max_items = 40)]
    job_positions: Option<Vec<String>>,
    #[serde(default)]
    #[schema(min_items = 1, max_items = 40)]
    competencies: Option<Vec<Competency>>,
    /// Whether it is offered no more.
    #[serde(default)]
    withdrawn: Option<bool>,
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
#[utoipa::path(get, operation_id = "list_categories", path = "/categories", tag = "bank", params(CategoryQuery),
    responses((status = 200, description = "A page of categories.", body = CategoryList)))]
pub async fn list(
    State(state): State<Shared>,
    caller: Caller,
    Query(query): Query<CategoryQuery>,
) -> Result<Json<CategoryList>, ApiError> {
    let is_staff = matches!(caller, Caller::Person { role, .. } if role.is_staff());
    if query.all && !is_staff {
        return Err(ApiError::Forbidden("All categories are for interviewers and admins.".to_owned()));
    }
    let limit = paging::limit(query.limit.or(Some(paging::PAGE_MAX)))?;
    let rows = state.store.category_page(limit, query.after, query.all).await?;
    let next = paging::next(&rows, limit, |row| row.id);
    let spoken = state.interviews.voice_languages();
    Ok(Json(CategoryList { categories: rows.into_iter().map(|row| CategoryView::of(row, &spoken)).collect(), next }))
}

/// A category with its instruction and competencies.
#[utoipa::path(get, operation_id = "get_category", path = "/categories/{id}", tag = "bank", params(("id" = CategoryId, Path)),
    responses((status = 200, description = "The category.", body = KeptCategoryView)))]
pub async fn show(
    State(state): State<Shared>,
    _: Staff,
    Path(id): Path<CategoryId>,
) -> Result<Json<KeptCategoryView>, ApiError> {
    Ok(Json(state.store.category(id).await?.into()))
}

/// Make a category.
#[utoipa::path(post, operation_id = "create_category", path = "/categories", tag = "bank", request_body = NewCategory,
    responses((status = 201, description = "Made.", body = KeptCategoryView,
            headers(("Location" = String, description = "The category."))),
        (status = 409, description = "There is a category of this slug in this language.")))]
pub async fn create(
    State(state): State<Shared>,
    Admin(admin): Admin,
    Body(body): Body<NewCategory>,
) -> Result<impl IntoResponse, ApiError> {
    let category = Category {
        slug: body.slug,
        name: body.name,
        description: body.description,
        language: body.language,
        system_prompt: body.system_prompt,
        job_positions: body.job_positions,
        competencies: body.competencies,
    };
    refuse(&category.check())?;
    let made = state.store.create_category(&category).await?;
    audit::note(&state, admin, "category.create", "category", made.id, json!({ "slug": made.category.slug })).await?;
    let location = format!("/api/v1/categories/{}", made.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(KeptCategoryView::from(made))))
}

/// Change a category. From then on the shipped files leave it alone.
#[utoipa::path(patch, operation_id = "change_category", path = "/categories/{id}", tag = "bank", params(("id" = CategoryId, Path)), request_body = CategoryChange,
    responses((status = 200, description = "The category as it is now.", body = KeptCategoryView)))]
pub async fn change(
    State(state): State<Shared>,
    Admin(admin): Admin,
    Path(id): Path<CategoryId>,
    Body(body): Body<CategoryChange>,
) -> Result<Json<KeptCategoryView>, ApiError> {
    let kept = state.store.category(id).await?;
    let mut category = kept.category;
    let name = |value: Option<String>, place: &mut String| value.into_iter().for_each(|value| *place = value);
    name(body.name, &mut category.name);
    name(body.description, &mut category.description);
    name(body.system_prompt, &mut category.system_prompt);
    category.job_positions = body.job_positions.unwrap_or(category.job_positions);
    if let Some(competencies) = body.competencies {
        category.competencies = competencies;
        let left: BTreeSet<&str> = category.competencies.iter().map(|one| one.slug.as_str()).collect();
        let bank = state.store.bank(&category.slug, &category.language).await?;
        let orphan = bank.questions.iter().find(|question| !left.contains(question.competency.as_str()));
        if let Some(orphan) = orphan {
            let said = format!("`{}` is measured by {}; change the question first.", orphan.competency, orphan.key);
            return Err(ApiError::field("competencies", said));
        }
    }
    refuse(&category.check())?;
    let withdrawn = body.withdrawn.unwrap_or(kept.withdrawn_at.is_some());
    let changed = state.store.change_category(id, &category, withdrawn).await?;
    audit::note(&state, admin, "category.change", "category", id, json!({ "withdrawn": withdrawn })).await?;
    Ok(Json(changed.into()))
}

/// Withdraw a category: it is offered no more. Interviews that asked its questions keep them; `PATCH` with
/// `"withdrawn": false` offers it again.
#[utoipa::path(delete, operation_id = "withdraw_category", path = "/categories/{id}", tag = "bank", params(("id" = CategoryId, Path)),
    responses((status = 204, description = "Withdrawn.")))]
pub async fn withdraw(
    State(state): State<Shared>,
    Admin(admin): Admin,
    Path(id): Path<CategoryId>,
) -> Result<StatusCode, ApiError> {
    let kept = state.store.category(id).await?;
    state.store.change_category(id, &kept.category, true).await?;
    audit::note(&state, admin, "category.change", "category", id, json!({ "withdrawn": true })).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Refuses what breaks a rule; advice is none.
pub fn refuse(faults: &[Fault]) -> Result<(), ApiError> {
    let broken = faults.iter().filter(|fault| !fault.advice);
    let errors: Vec<FieldError> =
        broken.map(|fault| FieldError::new(&fault.place, format!("{}: {}.", fault.place, fault.what))).collect();
    if errors.is_empty() { Ok(()) } else { Err(ApiError::Invalid(errors)) }
}
