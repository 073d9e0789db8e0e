//! Each request seen from outside: an id that the answer carries and every log line of the request has, a span, a number
//! in the histogram, a limit of time, and a panic turned into a problem. Must never log a query, a header or a body.

use super::error::ApiError;
use super::state::Shared;
use crate::telemetry::histogram;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::any::Any;
use std::time::{Duration, Instant};
use tracing::Instrument;
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The outermost layer.
pub async fn request(request: Request, next: Next) -> Response {
    let id = Uuid::now_v7();
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = matched.unwrap_or_else(|| "none".to_owned());
    let span = tracing::info_span!("http", request_id = %id, %method, route);
    let began = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let elapsed_ms = began.elapsed().as_secs_f64() * 1_000.0;
    let status = response.status();
    span.in_scope(|| {
        if status.is_server_error() {
            tracing::warn!(status = status.as_u16(), elapsed_ms, "answered");
        } else {
            tracing::debug!(status = status.as_u16(), elapsed_ms, "answered");
        }
    });
    let labels = [("method", label_of(&method).to_owned()), ("route", route), ("status", status.as_str().to_owned())];
    metrics::histogram!(histogram::HTTP_REQUEST_MS, &labels).record(elapsed_ms);
    if let Ok(value) = HeaderValue::try_from(id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// Methods are an open set that anybody can fill: unknown ones share a label.
fn label_of(method: &Method) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    known.into_iter().find(|name| method.as_str() == *name).unwrap_or("other")
}

/// Gives up on an answer that takes too long. A stream that has begun is not cut.
pub async fn limit_time(State(state): State<Shared>, request: Request, next: Next) -> Response {
    let limit = Duration::from_secs(u64::from(state.settings.server.request_timeout_s));
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::TimedOut.into_response(),
    }
}

/// What somebody gets whose request made us panic; what panicked was said by the panic hook.
pub fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a request panicked");
    ApiError::Internal.into_response()
}
