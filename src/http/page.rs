//! The page: the files that the build put into the program, and one document for all its addresses. Must never read the
//! disk.

use super::error::{ApiError, KINDS};
use super::headers::PAGE_POLICY;
use super::state::Shared;
use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

include!(concat!(env!("OUT_DIR"), "/page_files.rs"));

/// A file of the page.
struct PageFile {
    /// Below the page's folder.
    path: &'static str,
    content: &'static [u8],
    /// Of its content, for asking whether it has changed.
    etag: &'static str,
}

/// What esbuild names with a hash of its content may be kept for ever.
const HASHED_PREFIX: &str = "assets/shared-";
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Kept, but asked about each time: the other names stay the same from version to version.
const ASK_FIRST: &str = "no-cache";

/// The page's addresses.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/", get(document))
        .route("/account", get(document))
        .route("/profile", get(document))
        .route("/progress", get(document))
        .route("/progress/{*rest}", get(document))
        .route("/admin", get(document))
        .route("/admin/{*rest}", get(document))
        .route("/interview/{*rest}", get(document))
        .route("/report/{*rest}", get(document))
        .route("/assets/{*path}", get(asset))
        .route("/favicon.ico", get(icon))
        .route("/robots.txt", get(robots))
        .route("/problems/{kind}", get(problem))
}

async fn document(headers: HeaderMap) -> Response {
    std::future::ready(send("index.html", &headers)).await
}

async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    std::future::ready(send(&format!("assets/{path}"), &headers)).await
}

async fn icon(headers: HeaderMap) -> Response {
    std::future::ready(send("assets/favicon.svg", &headers)).await
}

/// Interviews are nobody's search result.
async fn robots() -> &'static str {
    std::future::ready("User-agent: *\nDisallow: /\n").await
}

/// What a problem's `type` leads to.
async fn problem(Path(slug): Path<String>) -> Response {
    let kind = KINDS.iter().find(|(known, ..)| *known == slug);
    let answer = match kind {
        Some((_, status, title, said)) => format!("{title} ({})\n\n{said}\n", status.as_u16()).into_response(),
        None => ApiError::NotFound.into_response(),
    };
    std::future::ready(answer).await
}

fn send(path: &str, headers: &HeaderMap) -> Response {
    let Some(file) = FILES.iter().find(|file| file.path == path) else {
        return ApiError::NotFound.into_response();
    };
    let cached = if path.starts_with(HASHED_PREFIX) { FOR_EVER } else { ASK_FIRST };
    let about = [
        (header::ETAG, file.etag),
        (header::CACHE_CONTROL, cached),
        (header::CONTENT_TYPE, content_type(path)),
        (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
    ];
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|etags| etags.split(',').any(|etag| etag.trim() == file.etag)) {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    (about, file.content).into_response()
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "json" | "map" => "application/json",
        "wav" => "audio/wav",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
