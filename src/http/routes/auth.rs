//! Logging in and out. Must never tell whether an account exists, but to whoever wants to take its name.

use crate::auth::{account, opaque, password};
use crate::http::accounts::{Refresh, Session};
use crate::http::error::ApiError;
use crate::http::extract::{Json, PeerAddress, Person};
use crate::http::fields::Fields;
use crate::http::state::{HttpState, Shared};
use crate::id::UserId;
use crate::store::{NewUser, Rotated, StoreError, UserRole, UserRow};
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

/// An account that somebody wants.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    #[schema(example = "ada", min_length = 2, max_length = 64)]
    username: String,
    #[schema(example = "ada@example.org", max_length = 254)]
    email: String,
    #[schema(example = "correct horse battery", min_length = 10, max_length = 128)]
    password: String,
    #[serde(default)]
    #[schema(example = "Ada Lovelace", max_length = 200)]
    full_name: String,
}

/// Who logs in.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Username or e-mail address.
    #[schema(example = "ada", max_length = 254)]
    login: String,
    #[schema(example = "correct horse battery", max_length = 128)]
    password: String,
}

/// A refresh token.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshBody {
    #[schema(example = "5f0c9e", max_length = 128)]
    refresh_token: String,
}

/// A change of password.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    #[schema(example = "correct horse battery", max_length = 128)]
    current_password: String,
    #[schema(example = "a better sentence", min_length = 10, max_length = 128)]
    new_password: String,
}

/// Register as a candidate, and be logged in.
#[utoipa::path(post, operation_id = "register", path = "/auth/register", tag = "accounts", request_body = NewAccount, security(()),
    responses((status = 201, description = "Registered.", body = Session),
        (status = 401, description = "The account was closed again at once."), (status = 403, description = "Registration is closed here."),
        (status = 409, description = "The username or the address is taken."), (status = 429, description = "Too many tries.")))]
pub async fn register(
    State(state): State<Shared>,
    PeerAddress(address): PeerAddress,
    Json(body): Json<NewAccount>,
) -> Result<(StatusCode, axum::Json<Session>), ApiError> {
    if !state.settings.accounts.registration_open {
        return Err(ApiError::Forbidden("Accounts are made by this server's admins.".to_owned()));
    }
    state.accounts.count_address(address)?;
    let mut fields = Fields::default();
    let username = fields.take("username", account::username(&body.username));
    let email = fields.take("email", account::email(&body.email));
    let full_name = fields.take("full_name", account::full_name(&body.full_name));
    fields.take("password", account::new_password(&body.password, &body.username, &body.email));
    let (username, (email, full_name)) = fields.check(username.zip(email.zip(full_name)))?;
    let password_hash = state.accounts.passwords.hash(body.password).await?;
    let new = NewUser { id: UserId::create(), username, email, password_hash, full_name, role: UserRole::Candidate };
    let user = state.store.create_user(&new).await.map_err(taken)?;
    tracing::info!(user = %user.id, "registered");
    Ok((StatusCode::CREATED, axum::Json(begin(&state, user).await?)))
}

/// Log in.
#[utoipa::path(post, operation_id = "login", path = "/auth/login", tag = "accounts", request_body = Login, security(()),
    responses((status = 200, description = "Logged in.", body = Session),
        (status = 401, description = "Wrong name or password."), (status = 429, description = "Too many tries.")))]
pub async fn login(
    State(state): State<Shared>,
    PeerAddress(address): PeerAddress,
    Json(body): Json<Login>,
) -> Result<axum::Json<Session>, ApiError> {
    const WRONG: ApiError = ApiError::Unauthorized("The name or the password is wrong.");
    state.accounts.count_address(address)?;
    if body.login.chars().count() > account::EMAIL_CHARS_MAX || body.password.chars().count() > password::CHARS_MAX {
        return Err(WRONG);
    }
    state.accounts.count_login(&body.login)?;
    // Postgres holds no U+0000, and no login has one.
    let found = match state.store.user_by_login(&body.login.replace('\0', "\u{fffd}")).await {
        Ok(user) => Some(user),
        Err(StoreError::NotFound) => None,
        Err(error) => return Err(error.into()),
    };
    let stored = found.as_ref().map(|user| user.password_hash.clone());
    let is_right = state.accounts.passwords.matches(body.password, stored).await?;
    match found {
        Some(user) if is_right && user.disabled_at.is_none() => {
            state.accounts.succeeded(&body.login);
            Ok(axum::Json(begin(&state, user).await?))
        }
        Some(_) | None => Err(WRONG),
    }
}

/// A new pair of tokens. Each refresh token is good once: a second use ends all that came from the same login.
#[utoipa::path(post, operation_id = "refresh", path = "/auth/refresh", tag = "accounts", request_body = RefreshBody, security(()),
    responses((status = 200, description = "A new pair.", body = Session),
        (status = 401, description = "The token has run out, or was used before."), (status = 429, description = "Too many tries.")))]
pub async fn refresh(
    State(state): State<Shared>,
    PeerAddress(address): PeerAddress,
    Json(body): Json<RefreshBody>,
) -> Result<axum::Json<Session>, ApiError> {
    const OVER: ApiError = ApiError::Unauthorized("This login is over. Please log in again.");
    state.accounts.count_address(address)?;
    let old = opaque::hash(&body.refresh_token).ok_or(OVER)?;
    let new = Refresh::create(&state);
    match state.store.rotate_refresh(&old, &new.hash, state.clock.now(), new.expires_at).await? {
        Rotated::Replaced(user) => {
            let user = active(&state, user).await?;
            Ok(axum::Json(Session::of(&state, user, new)))
        }
        Rotated::Reused(user) => {
            tracing::warn!(%user, "a refresh token was used twice: its family has ended");
            Err(OVER)
        }
        Rotated::Refused => Err(OVER),
    }
}

/// Log out: the refresh token and all that came from the same login end. The access token ends by itself.
#[utoipa::path(post, operation_id = "logout", path = "/auth/logout", tag = "accounts", request_body = RefreshBody, security(()),
    responses((status = 204, description = "Logged out, if it was logged in.")))]
pub async fn logout(State(state): State<Shared>, Json(body): Json<RefreshBody>) -> Result<StatusCode, ApiError> {
    if let Some(hash) = opaque::hash(&body.refresh_token) {
        state.store.end_refresh(&hash).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Change the own password. Every other login of the account ends.
#[utoipa::path(post, operation_id = "change_password", path = "/auth/password", tag = "accounts", request_body = PasswordChange,
    responses((status = 200, description = "Changed; a new pair of tokens.", body = Session),
        (status = 422, description = "The current password is wrong, or the new one too weak."),
        (status = 429, description = "Too many tries.")))]
pub async fn password(
    State(state): State<Shared>,
    person: Person,
    PeerAddress(address): PeerAddress,
    Json(body): Json<PasswordChange>,
) -> Result<axum::Json<Session>, ApiError> {
    state.accounts.count_address(address)?;
    let user = active(&state, person.user).await?;
    let new = account::new_password(&body.new_password, &user.username, &user.email);
    new.map_err(|message| ApiError::field("new_password", message))?;
    confirm(&state, &user, "current_password", body.current_password).await?;
    let hash = state.accounts.passwords.hash(body.new_password).await?;
    match state.store.change_password(user.id, &user.password_hash, &hash).await {
        Ok(()) => {}
        // Somebody was quicker: what was checked is the password no more.
        Err(StoreError::NotFound) => return Err(ApiError::field("current_password", "The password is wrong.")),
        Err(error) => return Err(error.into()),
    }
    tracing::info!(user = %user.id, "password changed");
    Ok(axum::Json(begin(&state, UserRow { password_hash: hash, ..user }).await?))
}

/// Its owner, or an admin, has closed it.
const CLOSED: ApiError = ApiError::Unauthorized("This account is closed.");

/// Begins a login.
async fn begin(state: &HttpState, user: UserRow) -> Result<Session, ApiError> {
    let refresh = Refresh::create(state);
    match state.store.begin_refresh(user.id, &user.password_hash, &refresh.hash, refresh.expires_at).await {
        Ok(()) => Ok(Session::of(state, user, refresh)),
        Err(StoreError::NotFound) => Err(CLOSED),
        Err(error) => Err(error.into()),
    }
}

/// The account behind a token, if it may still log in.
pub async fn active(state: &HttpState, id: UserId) -> Result<UserRow, ApiError> {
    match state.store.user(id).await {
        Ok(user) if user.disabled_at.is_none() => Ok(user),
        Ok(_) | Err(StoreError::NotFound) => Err(CLOSED),
        Err(error) => Err(error.into()),
    }
}

/// Makes sure that it is the person and not somebody at an open browser.
pub async fn confirm(state: &HttpState, user: &UserRow, field: &str, password: String) -> Result<(), ApiError> {
    let wrong = || ApiError::field(field, "The password is wrong.");
    if password.chars().count() > password::CHARS_MAX {
        return Err(wrong());
    }
    state.accounts.count_login(&user.username)?;
    if !state.accounts.passwords.matches(password, Some(user.password_hash.clone())).await? {
        return Err(wrong());
    }
    state.accounts.succeeded(&user.username);
    Ok(())
}

/// Somebody else has the name or the address.
pub fn taken(error: StoreError) -> ApiError {
    match error {
        StoreError::Conflict { what } if what == "users_email_key" => {
            ApiError::Conflict("There is an account with this address.".to_owned())
        }
        StoreError::Conflict { what } if what == "users_username_key" => {
            ApiError::Conflict("This username is taken.".to_owned())
        }
        StoreError::Conflict { .. }
        | StoreError::Fenced
        | StoreError::NotFound
        | StoreError::Unavailable { .. }
        | StoreError::Invalid { .. } => error.into(),
    }
}
