//! The question bank in files: a category's questions handed out and taken in, as JSON or as a table (CSV).

use super::categories::refuse;
use super::questions::bank_of;
use crate::http::audit;
use crate::http::error::ApiError;
use crate::http::extract::{Admin, Path, Query, Staff, text_body};
use crate::http::state::Shared;
use crate::id::CategoryId;
use crate::interview::bank::Fault;
use crate::interview::question::{Bank, Category, Question};
use crate::scoring::draft::QuestionDraft;
use crate::scoring::draft_table;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;

/// Questions of one import: as many as a bank may have.
const QUESTIONS_MAX: usize = 500;
/// Largest file, bytes: as many questions at their usual length.
const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;
const CSV: &str = "text/csv";
const JSON: &str = "application/json";

/// The form of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileForm {
    #[default]
    Json,
    Csv,
}

/// Which form.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// Default `json`.
    #[serde(default)]
    #[param(inline)]
    format: FileForm,
}

/// Whether it is only tried.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// Keep nothing, only tell what would be done.
    #[serde(default)]
    dry_run: bool,
}

/// A category's questions in a file.
#[derive(Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BankFile {
    /// Told when it is handed out; not looked at when it is taken in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    category: Option<Category>,
    #[schema(max_items = 500)]
    questions: Vec<QuestionDraft>,
}

/// What an import did, by the questions' keys. Questions of the category that the file does not name stay as they are.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ImportView {
    created: Vec<String>,
    /// A new version was made.
    changed: Vec<String>,
    unchanged: Vec<String>,
    /// Nothing was kept.
    dry_run: bool,
}

/// A category's questions as a file: JSON, or a table (CSV) with lists as JSON in their cells.
#[utoipa::path(get, operation_id = "export_questions", path = "/categories/{id}/questions", tag = "bank", params(("id" = CategoryId, Path), ExportQuery),
    responses((status = 200, description = "The questions that are asked now.", content((BankFile = "application/json"), (String = "text/csv")))))]
pub async fn export(
    State(state): State<Shared>,
    _: Staff,
    Path(id): Path<CategoryId>,
    Query(query): Query<ExportQuery>,
) -> Result<Response, ApiError> {
    let bank = bank_of(&state, id).await?;
    let (slug, language) = (bank.category.slug.clone(), bank.category.language.clone());
    let questions: Vec<QuestionDraft> = bank.questions.into_iter().map(QuestionDraft::of).collect();
    let named =
        |ending: &str| [(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{slug}-{language}.{ending}\""))];
    Ok(match query.format {
        FileForm::Json => (named("json"), Json(BankFile { category: Some(bank.category), questions })).into_response(),
        FileForm::Csv => {
            let table = draft_table::write(&questions).map_err(|error| {
                tracing::error!(%error, "a question bank cannot be written as a table");
                ApiError::Internal
            })?;
            let kind = [(header::CONTENT_TYPE, "text/csv; charset=utf-8")];
            (kind, named("csv"), table).into_response()
        }
    })
}

/// Take questions into a category, all or none: new ones are added, those that say something else become a new version.
/// The file is JSON as it is handed out, or a table (CSV) of which only `key`, `competency`, `level`, `kind`, `prompt` and
/// `reference_answer` are needed.
#[utoipa::path(post, operation_id = "import_questions", path = "/categories/{id}/questions", tag = "bank", params(("id" = CategoryId, Path), ImportQuery),
    request_body(content((BankFile = "application/json"), (String = "text/csv"))),
    responses((status = 200, description = "What was done, or would be.", body = ImportView)))]
pub async fn import(
    State(state): State<Shared>,
    Admin(admin): Admin,
    Path(id): Path<CategoryId>,
    Query(query): Query<ImportQuery>,
    request: Request,
) -> Result<Json<ImportView>, ApiError> {
    let drafts = read(request).await?;
    if drafts.is_empty() || drafts.len() > QUESTIONS_MAX {
        return Err(ApiError::field("questions", format!("1 to {QUESTIONS_MAX} questions.")));
    }
    let bank = bank_of(&state, id).await?;
    let questions: Vec<Question> = drafts.into_iter().map(|draft| draft.complete(&bank.category.language)).collect();
    // A second at most, but of pure computing: away from the threads that carry conversations.
    let wanted = questions.clone();
    let faults = tokio::task::spawn_blocking(move || faults(bank, wanted)).await.map_err(|_| ApiError::Internal)?;
    refuse(&faults)?;
    let done = state.store.import_questions(id, &questions, admin.user, query.dry_run).await?;
    if !query.dry_run {
        let detail = json!({ "created": done.created.len(), "changed": done.changed.len() });
        audit::note(&state, admin, "question.import", "category", id, detail).await?;
    }
    let (created, changed, unchanged) = (done.created, done.changed, done.unchanged);
    Ok(Json(ImportView { created, changed, unchanged, dry_run: query.dry_run }))
}

/// What is wrong with the questions, in the bank that they would make.
fn faults(mut bank: Bank, questions: Vec<Question>) -> Vec<Fault> {
    let keys: BTreeSet<String> = questions.iter().map(|question| question.key.clone()).collect();
    bank.questions.retain(|question| !keys.contains(&question.key));
    bank.questions.extend(questions);
    bank.check().into_iter().filter(|fault| fault.place == bank.category.slug || keys.contains(&fault.place)).collect()
}

async fn read(request: Request) -> Result<Vec<QuestionDraft>, ApiError> {
    let given = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_table = given.trim_start().to_ascii_lowercase().starts_with(CSV);
    let text = text_body(request, if is_table { CSV } else { JSON }, FILE_BYTES_MAX).await?;
    if is_table {
        return draft_table::read(&text).map_err(|error| ApiError::field("body", format!("The table, {error}.")));
    }
    let file: BankFile = serde_json::from_str(&text).map_err(|error| {
        if error.is_data() {
            ApiError::field("body", format!("The file: {error}."))
        } else {
            ApiError::BadRequest("The body is not JSON.".to_owned())
        }
    })?;
    Ok(file.questions)
}
