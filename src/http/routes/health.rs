//! What keeps an eye on the server asks: alive, ready, numbers.

use crate::http::extract::Watcher;
use crate::http::state::Shared;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::Serialize;
use std::time::Duration;

/// A part that does not answer within this counts as not ready.
const READY_TIMEOUT: Duration = Duration::from_secs(3);

/// The process is alive.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Alive {
    #[schema(example = "ok")]
    status: &'static str,
    version: &'static str,
}

/// Whether the process answers; asks nobody else.
#[utoipa::path(get, operation_id = "health", path = "/healthz", tag = "operations", security(()), responses((status = 200, description = "Alive.", body = Alive)))]
pub async fn alive() -> Json<Alive> {
    // Nothing to await: that it is answered at all is the message.
    std::future::ready(Json(Alive { status: "ok", version: env!("CARGO_PKG_VERSION") })).await
}

/// Whether interviews can be taken.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Readiness {
    ready: bool,
    parts: Vec<PartReadiness>,
}

/// One part.
#[derive(Serialize, utoipa::ToSchema)]
pub struct PartReadiness {
    #[schema(example = "database")]
    name: &'static str,
    ready: bool,
}

/// Whether interviews can be taken: database reachable, models loaded, not stopping.
#[utoipa::path(get, operation_id = "readiness", path = "/readyz", tag = "operations", security(()), responses(
    (status = 200, description = "Ready.", body = Readiness), (status = 503, description = "Not ready; `parts` tells why.", body = Readiness)))]
pub async fn ready(State(state): State<Shared>) -> (StatusCode, Json<Readiness>) {
    let asked = async { tokio::join!(state.store.ping(), state.interviews.ready()) };
    let mut parts = vec![PartReadiness { name: "accepting", ready: !state.stopping.is_cancelled() }];
    match tokio::time::timeout(READY_TIMEOUT, asked).await {
        Ok((database, others)) => {
            parts.push(PartReadiness { name: "database", ready: database.is_ok() });
            parts.extend(others.into_iter().map(|(name, ready)| PartReadiness { name, ready }));
        }
        Err(_) => parts.push(PartReadiness { name: "answering in time", ready: false }),
    }
    let ready = parts.iter().all(|part| part.ready);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, parts }))
}

/// Numbers for Prometheus: at this machine, for interviewers and admins, and by the token that `telemetry.metrics_token`
/// gives out.
#[utoipa::path(get, operation_id = "metrics", path = "/metrics", tag = "operations",
    responses((status = 200, description = "Prometheus text format.", body = String, content_type = "text/plain")))]
pub async fn metrics(State(state): State<Shared>, _: Watcher) -> impl IntoResponse {
    let text = std::future::ready(state.metrics.render()).await;
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}
