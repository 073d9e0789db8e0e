//! What a request carries, parsed at the border: who calls, ids, queries, JSON. Each refusal is a problem with a clear
//! detail. Must never ask the store for more than whether an invitation or an account still holds.

use super::accounts;
use super::error::{ApiError, FieldError};
use super::state::Shared;
use crate::auth::role::Role;
use crate::auth::token::{Bearer, TokenError};
use crate::id::{SessionId, UserId};
use crate::store::StoreError;
use axum::extract::rejection::{BytesRejection, JsonRejection};
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Uri, header};
use serde::de::DeserializeOwned;
use std::net::{IpAddr, SocketAddr};
use subtle::ConstantTimeEq as _;

/// Who is asking.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Caller {
    /// The candidate of this interview, by its join token.
    Candidate(SessionId),
    /// A person with an account.
    Person { user: UserId, role: Role },
    /// Somebody at the server's own machine, practising without an account.
    LocalPractice,
}

impl FromRequestParts<Shared> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        caller(parts, state, None).await
    }
}

/// A person with an account, logged in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Person {
    pub user: UserId,
    pub role: Role,
}

impl FromRequestParts<Shared> for Person {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        match caller(parts, state, None).await? {
            Caller::Person { user, role } => Ok(Self { user, role }),
            Caller::Candidate(_) => {
                Err(ApiError::Forbidden("This link is for one interview; log in for anything else.".to_owned()))
            }
            Caller::LocalPractice => Err(ApiError::Unauthorized("This needs an account: log in first.")),
        }
    }
}

/// Somebody who works with other people's interviews: an interviewer or an admin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Staff(pub Person);

impl FromRequestParts<Shared> for Staff {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        let person = Person::from_request_parts(parts, state).await?;
        let is_staff = person.role.is_staff();
        is_staff.then_some(Self(person)).ok_or_else(|| ApiError::Forbidden("This is for interviewers.".to_owned()))
    }
}

/// An admin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Admin(pub Person);

impl FromRequestParts<Shared> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        let person = Person::from_request_parts(parts, state).await?;
        let is_admin = person.role == Role::Admin;
        is_admin.then_some(Self(person)).ok_or_else(|| ApiError::Forbidden("This is for admins.".to_owned()))
    }
}

/// The address that a request came from: the peer's, or behind a trusted proxy what that saw.
pub struct PeerAddress(pub IpAddr);

impl FromRequestParts<Shared> for PeerAddress {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
        // The last entry is the proxy's own; those before it anybody may have written.
        let told = header_text(&parts.headers, &HeaderName::from_static("x-forwarded-for"))
            .filter(|_| state.settings.accounts.behind_proxy)
            .and_then(|text| text.rsplit(',').next()?.trim().parse().ok());
        std::future::ready(told.or(peer).map(|address: IpAddr| Self(address.to_canonical())).ok_or(ApiError::Internal))
            .await
    }
}

/// Whoever asks for what everybody may read; a token that is given must hold all the same.
pub struct Anybody(pub Option<Caller>);

impl FromRequestParts<Shared> for Anybody {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        if !parts.headers.contains_key(header::AUTHORIZATION) && !is_local(parts, state) {
            return Ok(Self(None));
        }
        caller(parts, state, None).await.map(|caller| Self(Some(caller)))
    }
}

/// A caller whose token may also stand in the address (`?access_token=`), for what a media element or a new tab opens.
pub struct CallerOfFile(pub Caller);

impl FromRequestParts<Shared> for CallerOfFile {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        let in_query = parts
            .uri
            .query()
            .and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("access_token=")).map(str::to_owned));
        caller(parts, state, in_query.as_deref()).await.map(Self)
    }
}

/// Whoever may read the server's numbers: somebody at this machine, staff, or whoever has the token that the settings
/// give out for it.
pub struct Watcher;

impl FromRequestParts<Shared> for Watcher {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        let Some(given) = parts.headers.get(header::AUTHORIZATION) else {
            let is_here = is_from_here(parts, state);
            return is_here.then_some(Self).ok_or(ApiError::Unauthorized(
                "From another machine this takes a token: telemetry.metrics_token, or an interviewer's.",
            ));
        };
        let wanted = &state.settings.telemetry.metrics_token.0;
        let token = given.as_bytes().split_at_checked("Bearer ".len()).map_or(&b""[..], |(_, token)| token);
        if !wanted.is_empty() && bool::from(token.ct_eq(wanted.as_bytes())) {
            return Ok(Self);
        }
        Staff::from_request_parts(parts, state).await.map(|_| Self)
    }
}

async fn caller(parts: &Parts, state: &Shared, in_query: Option<&str>) -> Result<Caller, ApiError> {
    let token = match parts.headers.get(header::AUTHORIZATION) {
        Some(value) => {
            let text = value.to_str().ok().and_then(|text| text.split_once(' '));
            let token = text.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
            Some(token.ok_or(ApiError::Unauthorized("The Authorization header must be `Bearer` and a token."))?)
        }
        None => in_query,
    };
    match token.map(|token| state.tokens.verify(token)) {
        Some(Ok(Bearer::Candidate(session))) => Ok(Caller::Candidate(session)),
        Some(Ok(Bearer::Invited { session, invitation })) => {
            if state.store.invitation_holds(invitation).await? {
                Ok(Caller::Candidate(session))
            } else {
                Err(ApiError::Unauthorized("This invitation has been taken back."))
            }
        }
        Some(Ok(Bearer::Person { user, .. })) => person(state, user).await,
        Some(Err(TokenError::Expired)) => {
            Err(ApiError::Unauthorized("This link has expired. Please ask for a new one."))
        }
        Some(Err(TokenError::Early)) => {
            Err(ApiError::Unauthorized("This link is not open yet. Please come back at the time that you were told."))
        }
        Some(Err(TokenError::Invalid)) => Err(ApiError::Unauthorized("This link or token is not valid here.")),
        None if is_local(parts, state) => Ok(Caller::LocalPractice),
        None => Err(ApiError::Unauthorized("A token is needed: open the link that you were given.")),
    }
}

/// Whether somebody at this machine practises without a token: where that is allowed, and nobody else can reach us.
fn is_local(parts: &Parts, state: &Shared) -> bool {
    state.settings.server.local_practice && state.listens_on_loopback && is_from_here(parts, state)
}

/// Whoever it was when a long answer began, as the account is now: a stream is worth no more than a token.
pub async fn as_now(state: &Shared, caller: Caller) -> Result<Caller, ApiError> {
    match caller {
        Caller::Person { user, .. } => person(state, user).await,
        Caller::Candidate(_) | Caller::LocalPractice => Ok(caller),
    }
}

/// Somebody with an account, in the role that it has now: a token is good no longer than its account, and a role that was
/// taken away is gone at once.
async fn person(state: &Shared, user: UserId) -> Result<Caller, ApiError> {
    match state.store.user(user).await {
        Ok(row) if row.disabled_at.is_none() => Ok(Caller::Person { user, role: accounts::role(row.role) }),
        Ok(_) | Err(StoreError::NotFound) => Err(ApiError::Unauthorized("This account is closed.")),
        Err(error) => Err(error.into()),
    }
}

/// Whether the request comes from this machine, meant for this machine: the peer is loopback, no proxy stands between
/// (one that says so, or one that the settings speak of: some leave no trace), and neither the name nor the page that sent
/// it belongs to another site (which a browser here could be lured to).
fn is_from_here(parts: &Parts, state: &Shared) -> bool {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let headers = &parts.headers;
    let is_proxied =
        ["forwarded", "x-forwarded-for", "x-real-ip", "via"].iter().any(|name| headers.contains_key(*name));
    let host =
        header_text(headers, &header::HOST).or_else(|| parts.uri.authority().map(|authority| authority.as_str()));
    let origin = header_text(headers, &header::ORIGIN);
    let settings = &state.settings;
    let is_for_others = !settings.server.public_url.is_empty() || settings.accounts.behind_proxy;
    !is_for_others
        && peer.is_some_and(|ConnectInfo(address)| address.ip().to_canonical().is_loopback())
        && !is_proxied
        && host.is_some_and(is_loopback_authority)
        && origin.is_none_or(|origin| {
            origin.split_once("://").is_some_and(|(_, authority)| is_loopback_authority(authority))
        })
}

fn header_text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn is_loopback_authority(authority: &str) -> bool {
    let Ok(uri) = authority.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Parts of the path. One that cannot be an id names nothing: 404.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Shared> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(value)| Self(value)).map_err(|_| ApiError::NotFound)
    }
}

/// The query of the address.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Shared> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        let query = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        query.map(|axum::extract::Query(value)| Self(value)).map_err(|rejection| {
            ApiError::field("query", format!("The query cannot be used: {}.", rejection.body_text()))
        })
    }
}

/// A JSON body.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Shared> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &Shared) -> Result<Self, ApiError> {
        let bytes_max = state.settings.server.body_bytes_max;
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, bytes_max).await.map_err(|_| ApiError::TooLarge { bytes_max })?;
        // A list would be taken for the fields in their order.
        let is_list = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
        let request = Request::from_parts(parts, body.into());
        match axum::Json::<T>::from_request(request, state).await {
            Ok(_) if is_list => Err(ApiError::field("body", "The body is a JSON object.")),
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(JsonRejection::JsonDataError(error)) => {
                // The library's text names the field and what it takes; the type's name before it means nothing outside.
                let text = error.body_text();
                let said = text.split_once(": ").map_or(text.as_str(), |(_, said)| said);
                let (field, message) = match said.split_once(": ") {
                    Some((field, message)) if !field.contains(' ') => (field, message),
                    Some(_) | None => ("body", said),
                };
                Err(ApiError::Invalid(vec![FieldError::new(field, format!("`{field}`: {message}."))]))
            }
            Err(JsonRejection::JsonSyntaxError(_)) => Err(ApiError::BadRequest("The body is not JSON.".to_owned())),
            Err(JsonRejection::MissingJsonContentType(_)) => {
                Err(ApiError::UnsupportedMedia { wanted: "application/json" })
            }
            Err(JsonRejection::BytesRejection(error)) => Err(unread_body(&error, bytes_max)),
            Err(_) => Err(ApiError::BadRequest("The body cannot be read.".to_owned())),
        }
    }
}

fn unread_body(error: &BytesRejection, bytes_max: usize) -> ApiError {
    if error.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
        ApiError::TooLarge { bytes_max }
    } else {
        ApiError::BadRequest("The body did not arrive whole.".to_owned())
    }
}

/// The body as text of the media type `wanted`, at most `bytes_max` long.
pub async fn text_body(request: Request, wanted: &'static str, bytes_max: usize) -> Result<String, ApiError> {
    let given = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = given.map(|value| value.split(';').next().unwrap_or_default().trim());
    if !essence.is_some_and(|essence| essence.eq_ignore_ascii_case(wanted)) {
        return Err(ApiError::UnsupportedMedia { wanted });
    }
    let stated = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if stated.is_some_and(|bytes: usize| bytes > bytes_max) {
        return Err(ApiError::TooLarge { bytes_max });
    }
    let bytes =
        axum::body::to_bytes(request.into_body(), bytes_max).await.map_err(|_| ApiError::TooLarge { bytes_max })?;
    String::from_utf8(bytes.into()).map_err(|_| ApiError::BadRequest("The body is not UTF-8 text.".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_are_local() {
        for name in ["localhost", "localhost:8080", "LOCALHOST:1", "127.0.0.1:8080", "127.9.9.9", "[::1]:8080"] {
            assert!(is_loopback_authority(name), "{name}");
        }
        for name in [
            "",
            "example.com",
            "localhost.example.com:80",
            "10.0.0.1:8080",
            "[2001:db8::1]:80",
            "127.0.0.1.nip.io",
            "null",
        ] {
            assert!(!is_loopback_authority(name), "{name}");
        }
    }
}
