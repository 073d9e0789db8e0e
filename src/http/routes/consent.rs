//! The candidate's consent, stored before anything is recorded.

use crate::http::access::{self, Right};
use crate::http::error::ApiError;
use crate::http::extract::{Caller, Json, Path};
use crate::http::state::Shared;
use crate::id::SessionId;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What the candidate says to the disclosure.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentBody {
    /// The version that was shown.
    #[schema(example = "2026-11")]
    version: String,
    /// Must be true: a refusal is not stored, the interview just does not begin.
    accepted: bool,
}

/// A consent as it is stored.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ConsentGiven {
    version: String,
    /// SHA-256 of the text, hexadecimal.
    text_hash: String,
    given_at: DateTime<Utc>,
}

/// Accept the disclosure. Without this no voice and no written answer is taken.
#[utoipa::path(post, operation_id = "give_consent", path = "/interviews/{id}/consent", tag = "interviews", params(("id" = SessionId, Path)),
    request_body = ConsentBody, responses((status = 201, description = "Stored.", body = ConsentGiven)))]
pub async fn give(
    State(state): State<Shared>,
    caller: Caller,
    Path(id): Path<SessionId>,
    Json(body): Json<ConsentBody>,
) -> Result<(StatusCode, axum::Json<ConsentGiven>), ApiError> {
    let row = access::interview(&state, caller, id, Right::TakePart).await?;
    let is_written = row.mode == crate::store::Mode::Text;
    let (version, text) = state.settings.interview.disclosure.shown(&row.language, is_written);
    if body.version != version {
        return Err(ApiError::field(
            "version",
            "The text has changed since it was shown. Please reload the page and read it again.",
        ));
    }
    if !body.accepted {
        return Err(ApiError::field("accepted", "Without consent there is no interview."));
    }
    if row.status.is_final() {
        return Err(ApiError::Gone("This interview is over.".to_owned()));
    }
    let by = match caller {
        Caller::Person { user, .. } => user.to_string(),
        Caller::Candidate(_) | Caller::LocalPractice => "candidate".to_owned(),
    };
    let given = state.store.give_consent(id, version, text, &by).await?;
    tracing::info!(session = %id, version = %given.version, "consent given");
    let view = ConsentGiven { version: given.version, text_hash: given.text_hash, given_at: given.given_at };
    Ok((StatusCode::CREATED, axum::Json(view)))
}
