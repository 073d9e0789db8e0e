//! The question bank: found, written, changed, withdrawn. A change is a new version; an interview keeps the version that it
//! asked. Must never let a question into the bank that could not be asked or scored.

use super::categories::refuse;
use crate::http::error::ApiError;
use crate::http::extract::{Admin, Json as Body, Path, Query, Staff};
use crate::http::fields::Fields;
use crate::http::state::{HttpState, Shared};
use crate::http::{audit, paging};
use crate::id::{CategoryId, QuestionRowId, UserId};
use crate::interview::question::{Bank, Level, Question, QuestionKind};
use crate::scoring::draft::{QuestionDraft, is_derived};
use crate::scoring::grader::GradingInput;
use crate::store::{QuestionEdit, QuestionFilter, QuestionRow};
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Longest search, characters.
const SEARCH_CHARS_MAX: usize = 100;
/// Questions of one bulk edit: a page of the list.
const BULK_MAX: usize = 100;

/// Longest wait for a model's key points, s: well below a request's time. After it code derives them.
const DERIVING_S_MAX: u64 = 20;

/// Which questions.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct QuestionQuery {
    /// How many, 1 to 100.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<QuestionRowId>,
    category: Option<CategoryId>,
    /// BCP 47 primary tag.
    #[param(max_length = 3)]
    language: Option<String>,
    level: Option<Level>,
    kind: Option<QuestionKind>,
    /// Slug of a competency.
    #[param(max_length = 100)]
    competency: Option<String>,
    anchor: Option<bool>,
    /// Part of the key, the question or the expected answer.
    #[param(max_length = 100)]
    search: Option<String>,
    /// Instead those that are asked no more, by their last version.
    #[serde(default)]
    withdrawn: bool,
}

/// Which page of versions.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VersionQuery {
    /// How many, 1 to 100.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next` of the page before.
    before: Option<u32>,
}

/// One version of a question.
#[derive(Serialize, utoipa::ToSchema)]
pub struct BankQuestion {
    /// Of this version.
    id: QuestionRowId,
    category_id: CategoryId,
    #[schema(example = "backend")]
    category: String,
    #[schema(example = "en")]
    language: String,
    version: u32,
    /// Asked from now on; else a later version is, or none.
    current: bool,
    /// When a person made it, put it in force or withdrew it; null: it is as the shipped file says.
    edited_at: Option<DateTime<Utc>>,
    edited_by: Option<UserId>,
    created_at: DateTime<Utc>,
    /// The key points were derived from the expected answer, and nobody has looked them over.
    key_points_derived: bool,
    question: QuestionDraft,
    /// What would make it a better question.
    #[schema(example = json!(["has too few probes"]))]
    advice: Vec<String>,
}

impl BankQuestion {
    fn of(row: QuestionRow, advice: Vec<String>) -> Self {
        Self {
            id: row.id,
            category_id: row.category_id,
            category: row.category_slug,
            language: row.language,
            version: row.question.version,
            current: row.is_current,
            edited_at: row.edited_at,
            edited_by: row.edited_by,
            created_at: row.created_at,
            key_points_derived: is_derived(&row.question),
            question: QuestionDraft::of(row.question),
            advice,
        }
    }

    fn listed(row: QuestionRow) -> Self {
        Self::of(row, Vec::new())
    }
}

/// A page of questions, by key; `advice` stands with a single question alone.
#[derive(Serialize, utoipa::ToSchema)]
pub struct QuestionList {
    questions: Vec<BankQuestion>,
    /// Where the next page begins; null at the end.
    next: Option<QuestionRowId>,
}

/// A page of a question's versions, the newest first.
#[derive(Serialize, utoipa::ToSchema)]
pub struct VersionList {
    versions: Vec<BankQuestion>,
    /// Where the next page begins; null at the end.
    next: Option<u32>,
}

/// A question to be added.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewQuestion {
    category: CategoryId,
    question: QuestionDraft,
}

/// One change to many questions of one category; what is absent stays.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkEdit {
    /// Versions that are asked now.
    #[schema(min_items = 1, max_items = 100)]
    ids: Vec<QuestionRowId>,
    #[serde(default)]
    level: Option<Level>,
    #[serde(default)]
    #[schema(minimum = 1, maximum = 5, example = 3)]
    difficulty: Option<u8>,
    #[serde(default)]
    #[schema(minimum = 30, maximum = 900, example = 120)]
    time_box_s: Option<u32>,
    #[serde(default)]
    #[schema(example = "apis", max_length = 100)]
    competency: Option<String>,
    #[serde(default)]
    anchor: Option<bool>,
    /// Ask them no more; goes with no other change.
    #[serde(default)]
    withdrawn: bool,
}

/// Questions as they are after a change, in the order of the ids.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ChangedQuestions {
    questions: Vec<BankQuestion>,
}

/// Questions of the bank, each in the version that is asked now.
#[utoipa::path(get, operation_id = "list_questions", path = "/questions", tag = "bank", params(QuestionQuery),
    responses((status = 200, description = "A page of questions.", body = QuestionList)))]
pub async fn list(
    State(state): State<Shared>,
    _: Staff,
    Query(query): Query<QuestionQuery>,
) -> Result<Json<QuestionList>, ApiError> {
    let limit = paging::limit(query.limit)?;
    let mut fields = Fields::default();
    let filter = QuestionFilter {
        category: query.category,
        language: fields.text("language", query.language.as_deref(), 3),
        level: query.level,
        kind: query.kind,
        competency: fields.text("competency", query.competency.as_deref(), SEARCH_CHARS_MAX),
        anchor: query.anchor,
        search: fields.text("search", query.search.as_deref(), SEARCH_CHARS_MAX),
        withdrawn: query.withdrawn,
    };
    let filter = fields.check(Some(filter))?;
    let rows = state.store.questions(&filter, limit, query.after).await?;
    let next = paging::next(&rows, limit, |row| row.id);
    Ok(Json(QuestionList { questions: rows.into_iter().map(BankQuestion::listed).collect(), next }))
}

/// One version of a question, with advice.
#[utoipa::path(get, operation_id = "get_question", path = "/questions/{id}", tag = "bank", params(("id" = QuestionRowId, Path)),
    responses((status = 200, description = "The version.", body = BankQuestion)))]
pub async fn show(
    State(state): State<Shared>,
    _: Staff,
    Path(id): Path<QuestionRowId>,
) -> Result<Json<BankQuestion>, ApiError> {
    let row = state.store.question_row(id).await?;
    advised(&state, row).await.map(Json)
}

/// Every version of a question.
#[utoipa::path(get, operation_id = "list_question_versions", path = "/questions/{id}/versions", tag = "bank", params(("id" = QuestionRowId, Path), VersionQuery),
    responses((status = 200, description = "The newest first.", body = VersionList)))]
pub async fn versions(
    State(state): State<Shared>,
    _: Staff,
    Path(id): Path<QuestionRowId>,
    Query(query): Query<VersionQuery>,
) -> Result<Json<VersionList>, ApiError> {
    let limit = paging::limit(query.limit)?;
    state.store.question_row(id).await?;
    let rows = state.store.question_versions(id, limit, query.before).await?;
    let next = paging::next(&rows, limit, |row| row.question.version);
    Ok(Json(VersionList { versions: rows.into_iter().map(BankQuestion::listed).collect(), next }))
}

/// Add a question. With an expected answer alone, its key points are derived from it and kept with it, to be edited.
#[utoipa::path(post, operation_id = "create_question", path = "/questions", tag = "bank", request_body = NewQuestion,
    responses((status = 201, description = "Added.", body = BankQuestion,
            headers(("Location" = String, description = "The question's first version."))),
        (status = 404, description = "There is no such category."),
        (status = 409, description = "The key is taken, by a question that is asked or was withdrawn.")))]
pub async fn create(
    State(state): State<Shared>,
    Admin(admin): Admin,
    Body(body): Body<NewQuestion>,
) -> Result<impl IntoResponse, ApiError> {
    let bank = bank_of(&state, body.category).await?;
    let question = completed(&state, &bank, body.question).await;
    refuse(&bank.check_one(&question))?;
    let row = state.store.add_question(body.category, &question, admin.user).await?;
    audit::note(&state, admin, "question.create", "question", row.id, json!({ "key": question.key })).await?;
    let location = format!("/api/v1/questions/{}", row.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(advised(&state, row).await?)))
}

/// Say the question anew: a new version, with an id of its own. The id must be the version that is asked now, so that
/// nobody's change is lost; the same words make no new version.
#[utoipa::path(put, operation_id = "change_question", path = "/questions/{id}", tag = "bank", params(("id" = QuestionRowId, Path)), request_body = QuestionDraft,
    responses((status = 200, description = "The version that is asked now.", body = BankQuestion),
        (status = 409, description = "It has been changed or withdrawn in the meantime.")))]
pub async fn change(
    State(state): State<Shared>,
    Admin(admin): Admin,
    Path(id): Path<QuestionRowId>,
    Body(draft): Body<QuestionDraft>,
) -> Result<Json<BankQuestion>, ApiError> {
    let before = state.store.question_row(id).await?;
    if draft.key != before.question.key {
        return Err(ApiError::field("key", "The key stays the same in every version."));
    }
    let bank = bank_of(&state, before.category_id).await?;
    let question = completed(&state, &bank, draft).await;
    refuse(&bank.check_one(&question))?;
    let edits = [(id, QuestionEdit::Says(Box::new(question)))];
    let row = edited(&state, before.category_id, &edits, admin.user).await?.swap_remove(0);
    let detail = json!({ "key": row.question.key, "version": row.question.version });
    audit::note(&state, admin, "question.change", "question", row.id, detail).await?;
    advised(&state, row).await.map(Json)
}

/// Ask the question no more. Every version stays for the interviews that asked it.
#[utoipa::path(delete, operation_id = "withdraw_question", path = "/questions/{id}", tag = "bank", params(("id" = QuestionRowId, Path)),
    responses((status = 204, description = "Withdrawn."),
        (status = 409, description = "It has been changed or withdrawn in the meantime.")))]
pub async fn withdraw(
    State(state): State<Shared>,
    Admin(admin): Admin,
    Path(id): Path<QuestionRowId>,
) -> Result<StatusCode, ApiError> {
    let row = state.store.question_row(id).await?;
    edited(&state, row.category_id, &[(id, QuestionEdit::Withdrawn)], admin.user).await?;
    audit::note(&state, admin, "question.withdraw", "question", id, json!({ "key": row.question.key })).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make this version the one that is asked, be it an older one or one that was withdrawn.
#[utoipa::path(post, operation_id = "restore_question", path = "/questions/{id}/restore", tag = "bank", params(("id" = QuestionRowId, Path)),
    responses((status = 200, description = "The version that is asked now.", body = BankQuestion)))]
pub async fn restore(
    State(state): State<Shared>,
    Admin(admin): Admin,
    Path(id): Path<QuestionRowId>,
) -> Result<Json<BankQuestion>, ApiError> {
    let row = state.store.question_row(id).await?;
    // The category may have changed since the version was made.
    refuse(&bank_of(&state, row.category_id).await?.check_one(&row.question))?;
    let row = state.store.restore_question(id, admin.user).await?;
    audit::note(&state, admin, "question.restore", "question", id, json!({ "key": row.question.key })).await?;
    advised(&state, row).await.map(Json)
}

/// Change many questions of one category at once, all or none.
#[utoipa::path(post, operation_id = "change_questions", path = "/questions/bulk", tag = "bank", request_body = BulkEdit,
    responses((status = 200, description = "The questions as they are now.", body = ChangedQuestions),
        (status = 404, description = "One of them is not there."),
        (status = 409, description = "One has been changed or withdrawn in the meantime.")))]
pub async fn bulk(
    State(state): State<Shared>,
    Admin(admin): Admin,
    Body(body): Body<BulkEdit>,
) -> Result<Json<ChangedQuestions>, ApiError> {
    let distinct: BTreeSet<QuestionRowId> = body.ids.iter().copied().collect();
    if distinct.is_empty() || distinct.len() != body.ids.len() || distinct.len() > BULK_MAX {
        return Err(ApiError::field("ids", format!("1 to {BULK_MAX} ids, each once.")));
    }
    let rows = state.store.question_rows(&body.ids).await?;
    let Some(category) = rows.first().filter(|_| rows.len() == body.ids.len()).map(|row| row.category_id) else {
        return Err(ApiError::NotFound);
    };
    if rows.iter().any(|row| row.category_id != category) {
        return Err(ApiError::field("ids", "Questions of one category at a time."));
    }
    let says = body.level.is_some()
        || body.difficulty.is_some()
        || body.time_box_s.is_some()
        || body.competency.is_some()
        || body.anchor.is_some();
    if says == body.withdrawn {
        return Err(ApiError::field("withdrawn", "Either they are withdrawn, or something about them is changed."));
    }
    let edits = if body.withdrawn {
        rows.iter().map(|row| (row.id, QuestionEdit::Withdrawn)).collect::<Vec<_>>()
    } else {
        let bank = bank_of(&state, category).await?;
        let changed: Vec<(QuestionRowId, Question)> =
            rows.into_iter().map(|row| (row.id, body.apply(row.question))).collect();
        refuse(&changed.iter().flat_map(|(_, question)| bank.check_one(question)).collect::<Vec<_>>())?;
        changed.into_iter().map(|(id, question)| (id, QuestionEdit::Says(Box::new(question)))).collect()
    };
    let rows = edited(&state, category, &edits, admin.user).await?;
    audit::note(&state, admin, "question.bulk", "category", category, json!({ "questions": rows.len() })).await?;
    Ok(Json(ChangedQuestions { questions: rows.into_iter().map(BankQuestion::listed).collect() }))
}

impl BulkEdit {
    fn apply(&self, question: Question) -> Question {
        Question {
            level: self.level.unwrap_or(question.level),
            difficulty: self.difficulty.unwrap_or(question.difficulty),
            time_box_s: self.time_box_s.unwrap_or(question.time_box_s),
            competency: self.competency.clone().unwrap_or(question.competency),
            anchor: self.anchor.unwrap_or(question.anchor),
            ..question
        }
    }
}

/// The question, complete: with key points by the scoring model where none are given and one is named, else by code.
async fn completed(state: &HttpState, bank: &Bank, draft: QuestionDraft) -> Question {
    let language = bank.category.language.clone();
    let by_code = draft.clone().complete(&language);
    if !draft.key_points.is_empty() {
        return by_code;
    }
    let grader = Arc::clone(&state.scoring.grader);
    let (question, reference, spoken) = (draft.prompt.clone(), draft.reference_answer.clone(), language.clone());
    let derive = move || {
        grader.key_points(&GradingInput {
            question: &question,
            reference: &reference,
            rubric: "",
            key_points: &[],
            misconceptions: &[],
            answer: "",
            code: None,
            max_score: 1.0,
            language: &spoken,
        })
    };
    // It waits for a model.
    let derived = tokio::time::timeout(Duration::from_secs(DERIVING_S_MAX), tokio::task::spawn_blocking(derive)).await;
    let Ok(Ok(points)) = derived else { return by_code };
    let question = draft.with_derived(points).complete(&language);
    let sound = bank.check_one(&question).iter().all(|fault| fault.advice);
    if sound { question } else { by_code }
}

/// The bank that the category has now.
pub async fn bank_of(state: &HttpState, category: CategoryId) -> Result<Bank, ApiError> {
    let category = state.store.category(category).await?.category;
    Ok(state.store.bank(&category.slug, &category.language).await?)
}

async fn edited(
    state: &HttpState,
    category: CategoryId,
    edits: &[(QuestionRowId, QuestionEdit)],
    by: UserId,
) -> Result<Vec<QuestionRow>, ApiError> {
    let rows = state.store.edit_questions(category, edits, by).await?;
    if rows.len() == edits.len() { Ok(rows) } else { Err(ApiError::Internal) }
}

async fn advised(state: &HttpState, row: QuestionRow) -> Result<BankQuestion, ApiError> {
    let faults = bank_of(state, row.category_id).await?.check_one(&row.question);
    let advice = faults.into_iter().map(|fault| fault.what).collect();
    Ok(BankQuestion::of(row, advice))
}
