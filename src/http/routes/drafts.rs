//! Questions that a model drafted for one interview: an admin looks at them and takes them into the bank, or not.

use crate::http::audit;
use crate::http::error::ApiError;
use crate::http::extract::{Admin, Json as Body, Path, Query};
use crate::http::paging;
use crate::http::state::Shared;
use crate::id::{QuestionRowId, SessionId};
use crate::interview::question::{Level, QuestionKind};
use crate::store::ProposedRow;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A question that a model drafted.
#[derive(Serialize, utoipa::ToSchema)]
pub struct DraftView {
    id: QuestionRowId,
    /// The interview that it was drafted for.
    interview_id: Option<SessionId>,
    #[schema(example = "backend")]
    category: String,
    #[schema(example = "en")]
    language: String,
    key: String,
    level: Level,
    kind: QuestionKind,
    question_text: String,
    expected_answer: String,
    #[schema(value_type = Vec<Object>)]
    key_points: Value,
    #[schema(value_type = Vec<Object>)]
    probes: Value,
    created_at: DateTime<Utc>,
}

impl From<ProposedRow> for DraftView {
    fn from(row: ProposedRow) -> Self {
        Self {
            id: row.id,
            interview_id: row.interview_id,
            category: row.category,
            language: row.language,
            key: row.key,
            level: row.level,
            kind: row.kind,
            question_text: row.question_text,
            expected_answer: row.expected_answer,
            key_points: row.key_points,
            probes: row.probes,
            created_at: row.created_at,
        }
    }
}

/// A page of drafts, the newest first.
#[derive(Serialize, utoipa::ToSchema)]
pub struct DraftList {
    drafts: Vec<DraftView>,
    /// Where the next page begins; null at the end.
    next: Option<QuestionRowId>,
}

/// Which page.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DraftQuery {
    /// How many, 1 to 100.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next` of the page before.
    before: Option<QuestionRowId>,
}

/// What becomes of a draft.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftReview {
    /// True: it is of the bank from now on. False: it is put away.
    accept: bool,
}

/// Drafted questions that wait for an admin.
#[utoipa::path(get, operation_id = "list_drafts", path = "/questions/drafts", tag = "interviews", params(DraftQuery),
    responses((status = 200, description = "A page of drafts.", body = DraftList)))]
pub async fn list(
    State(state): State<Shared>,
    _: Admin,
    Query(query): Query<DraftQuery>,
) -> Result<Json<DraftList>, ApiError> {
    let limit = paging::limit(query.limit)?;
    let rows = state.store.proposed(limit, query.before).await?;
    let next = paging::next(&rows, limit, |row| row.id);
    Ok(Json(DraftList { drafts: rows.into_iter().map(DraftView::from).collect(), next }))
}

/// Take a drafted question into the bank, or put it away.
#[utoipa::path(post, operation_id = "review_draft", path = "/questions/drafts/{id}", tag = "interviews", params(("id" = QuestionRowId, Path)),
    request_body = DraftReview, responses((status = 204, description = "Done.")))]
pub async fn review(
    State(state): State<Shared>,
    Admin(person): Admin,
    Path(id): Path<QuestionRowId>,
    Body(review): Body<DraftReview>,
) -> Result<StatusCode, ApiError> {
    state.store.review_draft(id, review.accept).await?;
    audit::note(&state, person, "draft.review", "question", id, json!({ "accept": review.accept })).await?;
    Ok(StatusCode::NO_CONTENT)
}
