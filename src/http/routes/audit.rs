//! The audit log, to be read by admins. Must never offer a way to change it.

use crate::http::error::ApiError;
use crate::http::extract::{Admin, Query};
use crate::http::fields::Fields;
use crate::http::paging;
use crate::http::state::Shared;
use crate::id::UserId;
use crate::store::{AuditFilter, AuditRow};
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Longest filter, characters.
const FILTER_CHARS_MAX: usize = 100;

/// Which lines.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// How many, 1 to 100.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next` of the page before.
    before: Option<Uuid>,
    /// Whose doing.
    actor: Option<UserId>,
    /// Such as `report.read`.
    #[param(max_length = 100)]
    action: Option<String>,
    /// Such as `interview`.
    #[param(max_length = 100)]
    subject_kind: Option<String>,
    #[param(max_length = 100)]
    subject_id: Option<String>,
}

/// A page of the log, the newest first.
#[derive(Serialize, utoipa::ToSchema)]
pub struct AuditList {
    entries: Vec<AuditView>,
    /// Where the next page begins; null at the end.
    next: Option<Uuid>,
}

/// A line of the log.
#[derive(Serialize, utoipa::ToSchema)]
pub struct AuditView {
    id: Uuid,
    at: DateTime<Utc>,
    actor_id: Option<UserId>,
    /// The name at that time.
    #[schema(example = "grace")]
    actor: String,
    #[schema(example = "report.read")]
    action: String,
    #[schema(example = "interview")]
    subject_kind: String,
    subject_id: String,
    #[schema(value_type = Object)]
    detail: Value,
}

impl From<AuditRow> for AuditView {
    fn from(row: AuditRow) -> Self {
        Self {
            id: row.id,
            at: row.at,
            actor_id: row.actor_id,
            actor: row.actor,
            action: row.action,
            subject_kind: row.subject_kind,
            subject_id: row.subject_id,
            detail: row.detail,
        }
    }
}

/// Who read or changed what of other people.
#[utoipa::path(get, operation_id = "list_audit_log", path = "/audit-log", tag = "privacy", params(AuditQuery),
    responses((status = 200, description = "A page of the log.", body = AuditList)))]
pub async fn list(
    State(state): State<Shared>,
    _: Admin,
    Query(query): Query<AuditQuery>,
) -> Result<Json<AuditList>, ApiError> {
    let limit = paging::limit(query.limit)?;
    let mut fields = Fields::default();
    let filter = AuditFilter {
        actor: query.actor,
        action: fields.text("action", query.action.as_deref(), FILTER_CHARS_MAX),
        subject_kind: fields.text("subject_kind", query.subject_kind.as_deref(), FILTER_CHARS_MAX),
        subject_id: fields.text("subject_id", query.subject_id.as_deref(), FILTER_CHARS_MAX),
    };
    let filter = fields.check(Some(filter))?;
    let rows = state.store.audit_log(limit, query.before, &filter).await?;
    let next = paging::next(&rows, limit, |row| row.id);
    Ok(Json(AuditList { entries: rows.into_iter().map(AuditView::from).collect(), next }))
}
