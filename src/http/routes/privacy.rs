//! One person's or one interview's data: handed out as a whole, and erased. Must never erase what others count on for
//! whoever is only its subject: of an official interview the keepers are asked.

use super::users::file;
use crate::auth::account;
use crate::http::access::{self, Right};
use crate::http::audit;
use crate::http::error::ApiError;
use crate::http::extract::{Admin, Caller, Json, Path};
use crate::http::state::Shared;
use crate::id::SessionId;
use crate::store::{Belongings, Purpose};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::json;

/// Somebody without an account is known by the address that was invited.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    #[schema(example = "ada@example.org", max_length = 254)]
    email: String,
}

/// Everything that is kept about an interview, as one JSON document.
#[utoipa::path(get, operation_id = "export_interview", path = "/interviews/{id}/export", tag = "privacy", params(("id" = SessionId, Path)),
    responses((status = 200, description = "The interview with words, code, answers, report, consents.", body = Object)))]
pub async fn export_interview(
    State(state): State<Shared>,
    caller: Caller,
    Path(id): Path<SessionId>,
) -> Result<impl IntoResponse, ApiError> {
    let row = access::interview(&state, caller, id, Right::Read).await?;
    audit::read(&state, caller, &row, "interview.export").await?;
    Ok(file(state.store.export_interview(id).await?))
}

/// Erase an interview with all that it left. Practice is erased by whoever practised, anything by an admin.
#[utoipa::path(delete, operation_id = "erase_interview", path = "/interviews/{id}", tag = "privacy", params(("id" = SessionId, Path)),
    responses((status = 204, description = "Erased."), (status = 409, description = "It is in progress: end it first.")))]
pub async fn erase_interview(
    State(state): State<Shared>,
    caller: Caller,
    Path(id): Path<SessionId>,
) -> Result<StatusCode, ApiError> {
    let row = access::interview(&state, caller, id, Right::Erase).await?;
    audit::read(&state, caller, &row, "interview.erase").await?;
    state.store.erase_interview(id).await?;
    tracing::info!(session = %id, practice = row.purpose == Purpose::Practice, "interview erased");
    Ok(StatusCode::NO_CONTENT)
}

/// Everything that is kept about whoever has an e-mail address: the account, and interviews that the address was invited to.
#[utoipa::path(post, operation_id = "export_person", path = "/privacy/export", tag = "privacy", request_body = Address,
    responses((status = 200, description = "One document.", body = Object), (status = 404, description = "Nothing is kept.")))]
pub async fn export_person(
    State(state): State<Shared>,
    Admin(admin): Admin,
    Json(body): Json<Address>,
) -> Result<impl IntoResponse, ApiError> {
    let email = account::email(&body.email).map_err(|message| ApiError::field("email", message))?;
    let document = state.store.export_address(&email).await?;
    audit::note(&state, admin, "person.export", "person", fingerprint(&email), json!({})).await?;
    Ok(file(document))
}

/// Erase everything that is kept about whoever has an e-mail address.
#[utoipa::path(post, operation_id = "erase_person", path = "/privacy/erase", tag = "privacy", request_body = Address,
    responses((status = 204, description = "Erased."), (status = 404, description = "Nothing is kept."),
        (status = 409, description = "An interview is in progress, or this is the last admin.")))]
pub async fn erase_person(
    State(state): State<Shared>,
    Admin(admin): Admin,
    Json(body): Json<Address>,
) -> Result<StatusCode, ApiError> {
    let email = account::email(&body.email).map_err(|message| ApiError::field("email", message))?;
    let belongings: Belongings = state.store.belongings(&email).await?;
    state.store.erase(&belongings).await?;
    audit::note(&state, admin, "person.erase", "person", fingerprint(&email), json!({})).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// By which the log can be asked for an address that it must not hold.
fn fingerprint(email: &str) -> String {
    crate::auth::opaque::hexadecimal(&crate::auth::opaque::digest(&email.to_lowercase()))
}
