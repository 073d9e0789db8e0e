//! Accounts: one's own, and for admins everybody's. Must never show a password's hash, nor leave the server without an
//! admin.

use super::auth::{active, confirm, taken};
use crate::auth::account;
use crate::http::accounts::UserView;
use crate::http::audit;
use crate::http::error::ApiError;
use crate::http::extract::{Admin, Json, Path, PeerAddress, Person, Query};
use crate::http::fields::Fields;
use crate::http::paging;
use crate::http::state::Shared;
use crate::id::UserId;
use crate::store::{UserChange, UserRole};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Longest search, characters.
const SEARCH_CHARS_MAX: usize = 100;

/// Changes to one's own account; what is absent stays.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnChange {
    #[serde(default)]
    #[schema(example = "ada", min_length = 2, max_length = 64)]
    username: Option<String>,
    #[serde(default)]
    #[schema(example = "ada@example.org", max_length = 254)]
    email: Option<String>,
    #[serde(default)]
    #[schema(example = "Ada Lovelace", max_length = 200)]
    full_name: Option<String>,
    /// Empty takes the picture away.
    #[serde(default)]
    #[schema(example = "https://example.org/ada.png", max_length = 500)]
    avatar_url: Option<String>,
}

/// Changes that an admin makes; what is absent stays.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminChange {
    #[serde(default)]
    role: Option<UserRole>,
    /// Whether the account can log in no more.
    #[serde(default)]
    disabled: Option<bool>,
}

/// The own password, for what cannot be taken back.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    #[schema(example = "correct horse battery", max_length = 128)]
    password: String,
}

/// Which page of the accounts.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UserQuery {
    /// How many, 1 to 100.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next` of the page before.
    before: Option<UserId>,
    role: Option<UserRole>,
    /// Part of a name or an address.
    #[param(max_length = 100)]
    search: Option<String>,
}

/// A page of accounts, the newest first.
#[derive(Serialize, utoipa::ToSchema)]
pub struct UserList {
    users: Vec<UserView>,
    /// Where the next page begins; null at the end.
    next: Option<UserId>,
}

/// The own account.
#[utoipa::path(get, operation_id = "get_own_account", path = "/users/me", tag = "accounts",
    responses((status = 200, description = "The account.", body = UserView)))]
pub async fn me(State(state): State<Shared>, person: Person) -> Result<axum::Json<UserView>, ApiError> {
    Ok(axum::Json(active(&state, person.user).await?.into()))
}

/// Change the own account.
#[utoipa::path(patch, operation_id = "change_own_account", path = "/users/me", tag = "accounts", request_body = OwnChange,
    responses((status = 200, description = "The account as it is now.", body = UserView),
        (status = 409, description = "The username or the address is taken.")))]
pub async fn change_me(
    State(state): State<Shared>,
    person: Person,
    Json(body): Json<OwnChange>,
) -> Result<axum::Json<UserView>, ApiError> {
    active(&state, person.user).await?;
    let mut fields = Fields::default();
    let change = UserChange {
        username: body.username.and_then(|text| fields.take("username", account::username(&text))),
        email: body.email.and_then(|text| fields.take("email", account::email(&text))),
        full_name: body.full_name.and_then(|text| fields.take("full_name", account::full_name(&text))),
        avatar_url: body
            .avatar_url
            .map(|text| if text.is_empty() { None } else { fields.take("avatar_url", account::avatar_url(&text)) }),
        ..UserChange::default()
    };
    let change = fields.check(Some(change))?;
    Ok(axum::Json(state.store.change_user(person.user, &change).await.map_err(taken)?.into()))
}

/// Delete the own account with everything that belongs to it: profile, interviews, recordings, reports.
#[utoipa::path(delete, operation_id = "delete_own_account", path = "/users/me", tag = "accounts", request_body = Confirmation,
    responses((status = 204, description = "Deleted."),
        (status = 409, description = "An interview is in progress, or this is the last admin."),
        (status = 422, description = "The password is wrong."), (status = 429, description = "Too many tries.")))]
pub async fn delete_me(
    State(state): State<Shared>,
    person: Person,
    PeerAddress(address): PeerAddress,
    Json(body): Json<Confirmation>,
) -> Result<StatusCode, ApiError> {
    state.accounts.count_address(address)?;
    let user = active(&state, person.user).await?;
    confirm(&state, &user, "password", body.password).await?;
    state.store.erase_user(user.id).await?;
    tracing::info!(user = %user.id, "account erased by its owner");
    Ok(StatusCode::NO_CONTENT)
}

/// Everything that is kept about the own account, as one JSON document.
#[utoipa::path(get, operation_id = "export_own_account", path = "/users/me/export", tag = "privacy",
    responses((status = 200, description = "Account, profile, interviews with words, code, answers, reports, consents.", body = Object)))]
pub async fn export_me(State(state): State<Shared>, person: Person) -> Result<impl IntoResponse, ApiError> {
    active(&state, person.user).await?;
    Ok(file(state.store.export_user(person.user).await?))
}

/// All accounts.
#[utoipa::path(get, operation_id = "list_users", path = "/users", tag = "accounts", params(UserQuery),
    responses((status = 200, description = "A page of accounts.", body = UserList)))]
pub async fn list(
    State(state): State<Shared>,
    _: Admin,
    Query(query): Query<UserQuery>,
) -> Result<axum::Json<UserList>, ApiError> {
    let limit = paging::limit(query.limit)?;
    let mut fields = Fields::default();
    let search = fields.text("search", query.search.as_deref(), SEARCH_CHARS_MAX);
    fields.check(Some(()))?;
    let rows = state.store.users(limit, query.before, query.role, search.as_deref()).await?;
    let next = paging::next(&rows, limit, |row| row.id);
    Ok(axum::Json(UserList { users: rows.into_iter().map(UserView::from).collect(), next }))
}

/// Somebody's account.
#[utoipa::path(get, operation_id = "get_user", path = "/users/{id}", tag = "accounts", params(("id" = UserId, Path)),
    responses((status = 200, description = "The account.", body = UserView)))]
pub async fn show(
    State(state): State<Shared>,
    _: Admin,
    Path(id): Path<UserId>,
) -> Result<axum::Json<UserView>, ApiError> {
    Ok(axum::Json(state.store.user(id).await?.into()))
}

/// Give somebody another role, or shut the account. Logins of the account end.
#[utoipa::path(patch, operation_id = "change_user", path = "/users/{id}", tag = "accounts", params(("id" = UserId, Path)), request_body = AdminChange,
    responses((status = 200, description = "The account as it is now.", body = UserView),
        (status = 409, description = "This is the last admin.")))]
pub async fn change(
    State(state): State<Shared>,
    Admin(admin): Admin,
    Path(id): Path<UserId>,
    Json(body): Json<AdminChange>,
) -> Result<axum::Json<UserView>, ApiError> {
    let change = UserChange { role: body.role, disabled: body.disabled, ..UserChange::default() };
    let user = state.store.change_user(id, &change).await?;
    let detail = json!({ "role": body.role, "disabled": body.disabled });
    audit::note(&state, admin, "user.change", "user", id, detail).await?;
    Ok(axum::Json(user.into()))
}

/// Delete somebody's account with everything that belongs to it.
#[utoipa::path(delete, operation_id = "delete_user", path = "/users/{id}", tag = "privacy", params(("id" = UserId, Path)),
    responses((status = 204, description = "Deleted."),
        (status = 409, description = "An interview is in progress, or this is the last admin.")))]
pub async fn delete(
    State(state): State<Shared>,
    Admin(admin): Admin,
    Path(id): Path<UserId>,
) -> Result<StatusCode, ApiError> {
    state.store.user(id).await?;
    state.store.erase_user(id).await?;
    // The actor may have erased itself; the log then names it by its id.
    audit::note(&state, admin, "user.erase", "user", id, json!({})).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Everything that is kept about somebody's account, as one JSON document.
#[utoipa::path(get, operation_id = "export_user", path = "/users/{id}/export", tag = "privacy", params(("id" = UserId, Path)),
    responses((status = 200, description = "As of one's own account.", body = Object)))]
pub async fn export(
    State(state): State<Shared>,
    Admin(admin): Admin,
    Path(id): Path<UserId>,
) -> Result<impl IntoResponse, ApiError> {
    let document = state.store.export_user(id).await?;
    audit::note(&state, admin, "user.export", "user", id, json!({})).await?;
    Ok(file(document))
}

/// A document to be kept.
pub fn file(document: Value) -> impl IntoResponse {
    ([(header::CONTENT_DISPOSITION, "attachment; filename=\"vivavoce-export.json\"")], axum::Json(document))
}
