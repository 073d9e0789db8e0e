//! What every answer says to the browser about trust: nothing foreign runs, nothing frames us, nothing private is kept.

use super::state::Shared;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

/// For the page: own files only. Styles may be inline because the code editor makes its own at run time; scripts may not.
pub const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    font-src 'self'; media-src 'self' blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'";
/// For the API's description: its own scripts and styles.
pub const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// For the report as one page: its styles stand in it, it plays the recording, and runs no script.
pub const REPORT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";
/// For a recording that is opened by itself: the browser makes a page with a player of its own around it.
pub const RECORDING_POLICY: &str =
    "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'";
/// For everything else: data.
const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

const ALWAYS: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("permissions-policy"), "microphone=(self), camera=(), geolocation=(), display-capture=()"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];
/// One year, as browsers' lists ask for.
const STRICT_TRANSPORT: &str = "max-age=31536000";

/// Adds what the route has not said itself.
pub async fn add(State(state): State<Shared>, request: Request, next: Next) -> Response {
    let is_api = request.uri().path().starts_with("/api/");
    let is_docs = request.uri().path().starts_with("/api/docs");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if state.settings.server.public_url.starts_with("https://") {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(STRICT_TRANSPORT));
    }
    let policy = HeaderValue::from_static(if is_docs { DOCS_POLICY } else { DATA_POLICY });
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    if is_api && !is_docs {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    response
}
