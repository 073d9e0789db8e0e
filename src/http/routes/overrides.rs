//! What people change in scores: with a reason, by staff, for good. The scorer's own level stays beside it.

use super::record::RecordQuery;
use super::report::ready;
use crate::http::access::{self, Right};
use crate::http::audit;
use crate::http::error::{ApiError, FieldError};
use crate::http::extract::{Caller, Json as Body, Path, Query};
use crate::http::paging;
use crate::http::state::Shared;
use crate::id::SessionId;
use crate::jobs::evaluate::note;
use crate::jobs::revise::{Change, ReviseError, revise};
use crate::scoring::report::OverrideNote;
use crate::scoring::settle::OverrideError;
use crate::scoring::variants::SummaryDocument;
use crate::store::StoreError;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Longest reason, characters: a paragraph.
const REASON_CHARS_MAX: usize = 2_000;

/// A change of a level.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOverride {
    /// The question's id in the report.
    #[schema(example = "backend.idempotency", max_length = 200)]
    question_id: String,
    /// The level that is to count, 1 to 5; null takes the question out of the score.
    #[serde(deserialize_with = "stated")]
    #[schema(minimum = 1, maximum = 5, required = true)]
    level: Option<u8>,
    /// Why, for whoever reads the report.
    #[schema(example = "The recording has the answer; the transcript lost it.", min_length = 1, max_length = 2000)]
    reason: String,
}

/// A field that must be there, if only as null.
fn stated<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    Option::deserialize(deserializer)
}

/// A page of the changes to an interview's scores.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Overrides {
    /// The oldest first.
    overrides: Vec<OverrideNote>,
    /// Where the next page begins; null at the end.
    next: Option<Uuid>,
}

/// The changes to an interview's scores, the oldest first.
#[utoipa::path(get, operation_id = "list_overrides", path = "/interviews/{id}/overrides", tag = "record", params(("id" = SessionId, Path), RecordQuery),
    responses((status = 200, description = "Who changed which level from what to what, and why.", body = Overrides)))]
pub async fn list(
    State(state): State<Shared>,
    caller: Caller,
    Path(id): Path<SessionId>,
    Query(query): Query<RecordQuery>,
) -> Result<Json<Overrides>, ApiError> {
    let (limit, after) = query.page()?;
    let row = access::interview(&state, caller, id, Right::Read).await?;
    let page = async { Ok::<_, ApiError>(state.store.override_page(id, limit, after).await?) };
    // Levels and reasons are of the report.
    let ((), rows) = tokio::try_join!(audit::look(&state, caller, &row, "overrides.read"), page)?;
    let next = paging::next(&rows, limit, |(id, _)| *id);
    Ok(Json(Overrides { overrides: rows.into_iter().filter_map(|(_, row)| note(row)).collect(), next }))
}

/// Change the level of a question, with a reason. For interviewers and admins; written to the audit log. Scores,
/// interval and recommendation follow by the report's own rules, and the scorer's level stays beside the new one.
#[utoipa::path(post, operation_id = "create_override", path = "/interviews/{id}/overrides", tag = "record",
    params(("id" = SessionId, Path)), request_body = NewOverride,
    responses((status = 201, description = "The outcome as it is now.", body = SummaryDocument)))]
pub async fn create(
    State(state): State<Shared>,
    caller: Caller,
    Path(id): Path<SessionId>,
    Body(wish): Body<NewOverride>,
) -> Result<(StatusCode, Json<SummaryDocument>), ApiError> {
    ready(&state, caller, id).await?;
    let by = match caller {
        Caller::Person { user, role } if role.is_staff() => user,
        Caller::Person { .. } | Caller::Candidate(_) | Caller::LocalPractice => {
            return Err(ApiError::Forbidden("Only interviewers and admins change a score.".to_owned()));
        }
    };
    let reason = wish.reason.trim().to_owned();
    if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX {
        let said = format!("A reason is needed, of at most {REASON_CHARS_MAX} characters.");
        return Err(ApiError::field("reason", said));
    }
    let at = state.clock.now();
    let change = Change { question_id: wish.question_id, level: wish.level, reason, by, at };
    let report = revise(&state.store, id, change).await.map_err(refused)?;
    Ok((StatusCode::CREATED, Json(SummaryDocument::of(&report))))
}

fn refused(error: ReviseError) -> ApiError {
    let field = |name: &str, said: &str| ApiError::Invalid(vec![FieldError::new(name, said)]);
    match error {
        ReviseError::Override(OverrideError::NoQuestion) => {
            field("question_id", "This interview's report has no such question.")
        }
        ReviseError::Override(OverrideError::NoLevel) => field("level", "A level lies between 1 and 5."),
        ReviseError::OtherVersion => ApiError::Conflict(
            "The report is of an older version; the operator can make it anew (vivavoce rescore --save).".to_owned(),
        ),
        ReviseError::Store(StoreError::Conflict { .. }) => {
            ApiError::Conflict("Somebody else is changing this report; try again.".to_owned())
        }
        ReviseError::Store(error) => error.into(),
        ReviseError::Evaluate(error) => {
            tracing::error!(%error, "a changed report could not be written");
            ApiError::Internal
        }
    }
}
