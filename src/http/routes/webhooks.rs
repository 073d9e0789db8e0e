//! Webhooks: who is told when an interview begins, ends, or has its report. Must never show a secret again.

use crate::auth::opaque;
use crate::http::error::ApiError;
use crate::http::extract::{Admin, Json, Path, Query};
use crate::http::fields::Fields;
use crate::http::state::{HttpState, Shared};
use crate::http::{audit, paging};
use crate::id::{DeliveryId, SessionId, UserId, WebhookId};
use crate::jobs::receiver;
use crate::store::{DeliveryRow, DeliveryState, NewWebhook, WebhookChange, WebhookRow};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What can be told of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub enum WebhookEvent {
    #[serde(rename = "interview.started")]
    InterviewStarted,
    #[serde(rename = "interview.ended")]
    InterviewEnded,
    #[serde(rename = "report.ready")]
    ReportReady,
}

impl WebhookEvent {
    fn name(self) -> &'static str {
        match self {
            Self::InterviewStarted => "interview.started",
            Self::InterviewEnded => "interview.ended",
            Self::ReportReady => "report.ready",
        }
    }
}

/// A receiver to be added.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookBody {
    /// Where to POST; https, at an address that everybody reaches.
    #[schema(example = "https://example.org/hooks/vivavoce", max_length = 2000)]
    url: String,
    /// Which events; each at most once.
    #[schema(min_items = 1, max_items = 3)]
    events: Vec<WebhookEvent>,
}

/// Changes to a receiver; what is absent stays.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookChangeBody {
    #[serde(default)]
    #[schema(example = "https://example.org/hooks/vivavoce", max_length = 2000)]
    url: Option<String>,
    #[serde(default)]
    #[schema(min_items = 1, max_items = 3)]
    events: Option<Vec<WebhookEvent>>,
    /// Whether it is told of anything at the moment.
    #[serde(default)]
    active: Option<bool>,
}

/// A receiver.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WebhookView {
    id: WebhookId,
    #[schema(example = "https://example.org/hooks/vivavoce")]
    url: String,
    #[schema(value_type = Vec<WebhookEvent>)]
    events: Vec<String>,
    active: bool,
    created_by: Option<UserId>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// A receiver with its secret, which is shown this once.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WebhookMade {
    #[serde(flatten)]
    webhook: WebhookView,
    /// Key of the HMAC-SHA256 over `{X-Vivavoce-Timestamp}.{body}` that stands in `X-Vivavoce-Signature`.
    #[schema(example = "9f2c…")]
    secret: String,
}

/// A page of receivers, the newest first.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WebhookList {
    webhooks: Vec<WebhookView>,
    /// Where the next page begins; null at the end.
    next: Option<WebhookId>,
}

/// An event on its way.
#[derive(Serialize, utoipa::ToSchema)]
pub struct DeliveryView {
    id: DeliveryId,
    interview_id: Option<SessionId>,
    #[schema(example = "report.ready")]
    event: String,
    /// The body that is sent.
    #[schema(value_type = Object)]
    payload: Value,
    state: DeliveryState,
    attempts: i32,
    /// What the receiver answered last.
    response_status: Option<i32>,
    response_error: Option<String>,
    delivered_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

/// A page of deliveries, the newest first.
#[derive(Serialize, utoipa::ToSchema)]
pub struct DeliveryList {
    deliveries: Vec<DeliveryView>,
    /// Where the next page begins; null at the end.
    next: Option<DeliveryId>,
}

/// Which page of receivers.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WebhookQuery {
    /// How many, 1 to 100.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next` of the page before.
    before: Option<WebhookId>,
}

/// Which page of deliveries.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeliveryQuery {
    /// How many, 1 to 100.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next` of the page before.
    before: Option<DeliveryId>,
}

impl From<WebhookRow> for WebhookView {
    fn from(row: WebhookRow) -> Self {
        Self {
            id: row.id,
            url: row.url,
            events: row.events,
            active: row.active,
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<DeliveryRow> for DeliveryView {
    fn from(row: DeliveryRow) -> Self {
        Self {
            id: row.id,
            interview_id: row.session_id,
            event: row.event,
            payload: row.payload,
            state: row.state,
            attempts: row.attempts,
            response_status: row.response_status,
            response_error: row.response_error,
            delivered_at: row.delivered_at,
            created_at: row.created_at,
        }
    }
}

/// Add a receiver. Its secret is shown in this answer alone.
#[utoipa::path(post, operation_id = "create_webhook", path = "/webhooks", tag = "webhooks", request_body = WebhookBody,
    responses((status = 201, description = "Added.", body = WebhookMade)))]
pub async fn create(
    State(state): State<Shared>,
    Admin(admin): Admin,
    Json(body): Json<WebhookBody>,
) -> Result<impl IntoResponse, ApiError> {
    let mut fields = Fields::default();
    let url = url(&state, &mut fields, &body.url);
    let events = events(&mut fields, &body.events);
    let (url, events) = fields.check(url.zip(Some(events)))?;
    let secret = opaque::create();
    let new = NewWebhook {
        id: WebhookId::create(),
        url,
        secret: secret.clone().into_bytes(),
        events,
        created_by: admin.user,
    };
    let row = state.store.create_webhook(&new).await?;
    audit::note(&state, admin, "webhook.create", "webhook", row.id, json!({ "url": row.url })).await?;
    let location = [(header::LOCATION, format!("/api/v1/webhooks/{}", row.id))];
    Ok((StatusCode::CREATED, location, axum::Json(WebhookMade { webhook: row.into(), secret })))
}

/// The receivers.
#[utoipa::path(get, operation_id = "list_webhooks", path = "/webhooks", tag = "webhooks", params(WebhookQuery),
    responses((status = 200, description = "A page of receivers.", body = WebhookList)))]
pub async fn list(
    State(state): State<Shared>,
    _: Admin,
    Query(query): Query<WebhookQuery>,
) -> Result<axum::Json<WebhookList>, ApiError> {
    let limit = paging::limit(query.limit)?;
    let rows = state.store.webhooks(limit, query.before).await?;
    let next = paging::next(&rows, limit, |row| row.id);
    Ok(axum::Json(WebhookList { webhooks: rows.into_iter().map(WebhookView::from).collect(), next }))
}

/// A receiver.
#[utoipa::path(get, operation_id = "get_webhook", path = "/webhooks/{id}", tag = "webhooks", params(("id" = WebhookId, Path)),
    responses((status = 200, description = "The receiver.", body = WebhookView)))]
pub async fn show(
    State(state): State<Shared>,
    _: Admin,
    Path(id): Path<WebhookId>,
) -> Result<axum::Json<WebhookView>, ApiError> {
    Ok(axum::Json(state.store.webhook(id).await?.into()))
}

/// Change a receiver.
#[utoipa::path(patch, operation_id = "change_webhook", path = "/webhooks/{id}", tag = "webhooks", params(("id" = WebhookId, Path)),
    request_body = WebhookChangeBody, responses((status = 200, description = "The receiver as it is now.", body = WebhookView)))]
pub async fn change(
    State(state): State<Shared>,
    Admin(admin): Admin,
    Path(id): Path<WebhookId>,
    Json(body): Json<WebhookChangeBody>,
) -> Result<axum::Json<WebhookView>, ApiError> {
    let mut fields = Fields::default();
    let change = WebhookChange {
        url: body.url.and_then(|text| url(&state, &mut fields, &text)),
        events: body.events.map(|given| events(&mut fields, &given)),
        active: body.active,
    };
    let change = fields.check(Some(change))?;
    let row = state.store.change_webhook(id, &change).await?;
    audit::note(&state, admin, "webhook.change", "webhook", id, json!({ "url": row.url })).await?;
    Ok(axum::Json(row.into()))
}

/// Remove a receiver with its deliveries.
#[utoipa::path(delete, operation_id = "delete_webhook", path = "/webhooks/{id}", tag = "webhooks", params(("id" = WebhookId, Path)),
    responses((status = 204, description = "Removed.")))]
pub async fn delete(
    State(state): State<Shared>,
    Admin(admin): Admin,
    Path(id): Path<WebhookId>,
) -> Result<StatusCode, ApiError> {
    state.store.delete_webhook(id).await?;
    audit::note(&state, admin, "webhook.delete", "webhook", id, json!({})).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a receiver was told, and what it answered.
#[utoipa::path(get, operation_id = "list_deliveries", path = "/webhooks/{id}/deliveries", tag = "webhooks",
    params(("id" = WebhookId, Path), DeliveryQuery),
    responses((status = 200, description = "A page of deliveries.", body = DeliveryList)))]
pub async fn deliveries(
    State(state): State<Shared>,
    _: Admin,
    Path(id): Path<WebhookId>,
    Query(query): Query<DeliveryQuery>,
) -> Result<axum::Json<DeliveryList>, ApiError> {
    let limit = paging::limit(query.limit)?;
    state.store.webhook(id).await?;
    let rows = state.store.deliveries(id, limit, query.before).await?;
    let next = paging::next(&rows, limit, |row| row.id);
    Ok(axum::Json(DeliveryList { deliveries: rows.into_iter().map(DeliveryView::from).collect(), next }))
}

/// Send an event again, whatever became of it before; its id stays the same.
#[utoipa::path(post, operation_id = "replay_delivery", path = "/webhooks/{id}/deliveries/{delivery}/replay", tag = "webhooks",
    params(("id" = WebhookId, Path), ("delivery" = DeliveryId, Path)),
    responses((status = 202, description = "Queued again.", body = DeliveryView)))]
pub async fn replay(
    State(state): State<Shared>,
    Admin(admin): Admin,
    Path((id, delivery)): Path<(WebhookId, DeliveryId)>,
) -> Result<(StatusCode, axum::Json<DeliveryView>), ApiError> {
    let row = state.store.replay(id, delivery).await?;
    audit::note(&state, admin, "webhook.replay", "webhook", id, json!({ "delivery": delivery })).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(row.into())))
}

fn url(state: &HttpState, fields: &mut Fields, text: &str) -> Option<String> {
    let checked = receiver::check(text, state.settings.webhooks.allow_private);
    fields.take("url", checked.map(|url| url.to_string()))
}

fn events(fields: &mut Fields, given: &[WebhookEvent]) -> Vec<String> {
    let mut names: Vec<String> = given.iter().map(|event| event.name().to_owned()).collect();
    names.sort();
    names.dedup();
    fields.must(!names.is_empty(), "events", "At least one event.");
    fields.must(names.len() == given.len(), "events", "Each event at most once.");
    names
}
