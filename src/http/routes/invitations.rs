//! Invitations: a link to one interview for somebody without an account, good within a window, until it is taken back.
//! Must never show a link again: only its hash is kept.

use crate::auth::{account, opaque};
use crate::http::access::{self, Right};
use crate::http::error::ApiError;
use crate::http::extract::{Caller, Json, Path, Query, Staff};
use crate::http::fields::Fields;
use crate::http::state::Shared;
use crate::http::{audit, paging};
use crate::id::{InvitationId, SessionId, UserId};
use crate::store::{InvitationRow, NewInvitation};
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Longest window of an invitation, days: a season of hiring.
const WINDOW_DAYS_MAX: i64 = 90;

/// Who is invited, and for when.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitationBody {
    #[schema(example = "ada@example.org", max_length = 254)]
    email: String,
    /// Before this the link does not open. Default: now.
    #[serde(default)]
    valid_from: Option<DateTime<Utc>>,
    /// After this it opens no more. Default: as long as links usually live.
    #[serde(default)]
    valid_until: Option<DateTime<Utc>>,
}

/// An invitation.
#[derive(Serialize, utoipa::ToSchema)]
pub struct InvitationView {
    id: InvitationId,
    email: String,
    invited_by: Option<UserId>,
    valid_from: Option<DateTime<Utc>>,
    valid_until: DateTime<Utc>,
    /// When the candidate accepted the disclosure.
    accepted_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

/// An invitation with its link, which is shown this once.
#[derive(Serialize, utoipa::ToSchema)]
pub struct InvitationMade {
    #[serde(flatten)]
    invitation: InvitationView,
    join_token: String,
    /// What to send to the candidate.
    #[schema(example = "https://interviews.example.com/interview/0197…#token=eyJ…")]
    join_url: String,
}

/// Invitations to an interview, the newest first.
#[derive(Serialize, utoipa::ToSchema)]
pub struct InvitationList {
    invitations: Vec<InvitationView>,
    /// Where the next page begins; null at the end.
    next: Option<InvitationId>,
}

/// Which page.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InvitationQuery {
    /// How many, 1 to 100.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next` of the page before.
    before: Option<InvitationId>,
}

impl From<InvitationRow> for InvitationView {
    fn from(row: InvitationRow) -> Self {
        Self {
            id: row.id,
            email: row.email,
            invited_by: row.invited_by,
            valid_from: row.valid_from,
            valid_until: row.expires_at,
            accepted_at: row.accepted_at,
            revoked_at: row.revoked_at,
            created_at: row.created_at,
        }
    }
}

/// Invite somebody to an interview that has not begun. Send the link; it needs no account and opens this interview alone.
#[utoipa::path(post, operation_id = "invite", path = "/interviews/{id}/invitations", tag = "invitations",
    params(("id" = SessionId, Path)), request_body = InvitationBody,
    responses((status = 201, description = "Made.", body = InvitationMade),
        (status = 409, description = "The interview has begun or is over.")))]
pub async fn create(
    State(state): State<Shared>,
    Staff(person): Staff,
    Path(id): Path<SessionId>,
    Json(body): Json<InvitationBody>,
) -> Result<(StatusCode, axum::Json<InvitationMade>), ApiError> {
    let caller = Caller::Person { user: person.user, role: person.role };
    access::interview(&state, caller, id, Right::Invite).await?;
    let now = state.clock.now();
    let from = body.valid_from.unwrap_or(now);
    let hours = i64::from(state.settings.server.tokens.join_hours);
    let until = body.valid_until.unwrap_or_else(|| from.max(now) + chrono::Duration::hours(hours));
    let mut fields = Fields::default();
    let email = fields.take("email", account::email(&body.email));
    fields.must(until > from && until > now, "valid_until", "The window ends after it begins, and in the future.");
    let latest = now + chrono::Duration::days(WINDOW_DAYS_MAX);
    fields.must(until <= latest, "valid_until", "The window ends within 90 days.");
    fields.must(from >= now - chrono::Duration::days(1), "valid_from", "The window begins today or later.");
    let email = fields.check(email)?;
    let invitation = InvitationId::create();
    let issued = state.tokens.issue_invitation(id, invitation, from, until);
    let token_hash = opaque::digest(&issued.token);
    let new = NewInvitation {
        id: invitation,
        session: id,
        email,
        token_hash,
        invited_by: Some(person.user),
        valid_from: from,
        expires_at: until,
    };
    let row = state.store.invite(&new).await?;
    audit::note(&state, person, "invitation.create", "interview", id, json!({ "invitation": invitation })).await?;
    let join_url =
        format!("{}/interview/{id}#token={}", state.settings.server.public_url.trim_end_matches('/'), issued.token);
    let made = InvitationMade { invitation: row.into(), join_token: issued.token, join_url };
    Ok((StatusCode::CREATED, axum::Json(made)))
}

/// Who was invited to an interview.
#[utoipa::path(get, operation_id = "list_invitations", path = "/interviews/{id}/invitations", tag = "invitations",
    params(("id" = SessionId, Path), InvitationQuery),
    responses((status = 200, description = "A page of invitations.", body = InvitationList)))]
pub async fn list(
    State(state): State<Shared>,
    _: Staff,
    Path(id): Path<SessionId>,
    Query(query): Query<InvitationQuery>,
) -> Result<axum::Json<InvitationList>, ApiError> {
    let limit = paging::limit(query.limit)?;
    state.store.interview(id).await?;
    let rows = state.store.invitations(id, limit, query.before).await?;
    let next = paging::next(&rows, limit, |row| row.id);
    Ok(axum::Json(InvitationList { invitations: rows.into_iter().map(InvitationView::from).collect(), next }))
}

/// Take an invitation back: its link opens nothing from now on.
#[utoipa::path(delete, operation_id = "revoke_invitation", path = "/interviews/{id}/invitations/{invitation}",
    tag = "invitations", params(("id" = SessionId, Path), ("invitation" = InvitationId, Path)),
    responses((status = 204, description = "Taken back.")))]
pub async fn revoke(
    State(state): State<Shared>,
    Staff(person): Staff,
    Path((id, invitation)): Path<(SessionId, InvitationId)>,
) -> Result<StatusCode, ApiError> {
    state.store.revoke_invitation(id, invitation).await?;
    audit::note(&state, person, "invitation.revoke", "interview", id, json!({ "invitation": invitation })).await?;
    Ok(StatusCode::NO_CONTENT)
}
