//! Single versions of an interview's code, and what changed between two.

use super::record::ArtifactView;
use crate::http::access::{self, Right};
use crate::http::audit;
use crate::http::error::ApiError;
use crate::http::extract::{Caller, Path, Query};
use crate::http::state::{HttpState, Shared};
use crate::id::SessionId;
use crate::store::{ArtifactRow, StoreError};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use similar::TextDiff;
use std::time::Duration;

/// Lines around a change that are shown.
const CONTEXT_LINES: usize = 3;
/// Longest search for the shortest difference; past it a longer one will do.
const DIFF_MS_MAX: u64 = 500;

/// A version of the code for one question.
#[utoipa::path(get, operation_id = "get_artifact", path = "/interviews/{id}/artifacts/{version}", tag = "record",
    params(("id" = SessionId, Path), ("version" = i32, Path, description = "Counted through the interview, from 1.")),
    responses((status = 200, description = "That version.", body = ArtifactView)))]
pub async fn show(
    State(state): State<Shared>,
    caller: Caller,
    Path((id, version)): Path<(SessionId, i32)>,
) -> Result<Json<ArtifactView>, ApiError> {
    let row = access::interview(&state, caller, id, Right::Read).await?;
    audit::look(&state, caller, &row, "code.read").await?;
    Ok(Json(found(&state, id, version).await?.into()))
}

/// Which two versions.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DiffQuery {
    /// The older version; without one, what the question began with is left out and all of it is new.
    from: Option<i32>,
}

/// What changed between two versions.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ArtifactDiff {
    question_key: String,
    from: Option<i32>,
    to: i32,
    lines_added: usize,
    lines_removed: usize,
    /// In the unified form.
    #[schema(example = "@@ -1 +1 @@\n-a = 1\n+a = 2\n")]
    diff: String,
}

/// What changed in the code up to a version.
#[utoipa::path(get, operation_id = "diff_artifact", path = "/interviews/{id}/artifacts/{version}/diff", tag = "record",
    params(("id" = SessionId, Path), ("version" = i32, Path, description = "The newer version."), DiffQuery),
    responses((status = 200, description = "What changed.", body = ArtifactDiff)))]
pub async fn diff(
    State(state): State<Shared>,
    caller: Caller,
    Path((id, version)): Path<(SessionId, i32)>,
    Query(query): Query<DiffQuery>,
) -> Result<Json<ArtifactDiff>, ApiError> {
    let row = access::interview(&state, caller, id, Right::Read).await?;
    audit::look(&state, caller, &row, "code.read").await?;
    let to = found(&state, id, version).await?;
    let from = match query.from {
        Some(from) => Some(found(&state, id, from).await?),
        None => None,
    };
    if from.as_ref().is_some_and(|from| from.question_key != to.question_key) {
        return Err(ApiError::field("from", "The two versions are of different questions."));
    }
    // Tens of milliseconds at most for the longest code, of pure computing.
    let made = tokio::task::spawn_blocking(move || made(from, to)).await.map_err(|_| ApiError::Internal)?;
    Ok(Json(made))
}

fn made(from: Option<ArtifactRow>, to: ArtifactRow) -> ArtifactDiff {
    let before = from.as_ref().map_or("", |from| from.content.as_str());
    let diff =
        TextDiff::configure().timeout(Duration::from_millis(DIFF_MS_MAX)).diff_lines(before, to.content.as_str());
    let count = |tag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
    ArtifactDiff {
        lines_added: count(similar::ChangeTag::Insert),
        lines_removed: count(similar::ChangeTag::Delete),
        diff: diff.unified_diff().context_radius(CONTEXT_LINES).to_string(),
        from: from.as_ref().map(|from| from.version),
        to: to.version,
        question_key: to.question_key.clone(),
    }
}

async fn found(state: &HttpState, id: SessionId, version: i32) -> Result<ArtifactRow, StoreError> {
    let artifacts = state.store.artifacts(id).await?;
    artifacts.into_iter().find(|artifact| artifact.version == version).ok_or(StoreError::NotFound)
}
