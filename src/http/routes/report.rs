//! The report, as JSON and as a page that prints well.

use crate::http::access::{self, Right};
use crate::http::audit;
use crate::http::error::ApiError;
use crate::http::extract::{Caller, CallerOfFile, Path};
use crate::http::headers;
use crate::http::state::{HttpState, Shared};
use crate::id::SessionId;
use crate::store::ReportState;
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use serde_json::Value;

/// The whole report. 404 with the problem `report-pending` while it is being made.
#[utoipa::path(get, operation_id = "get_report", path = "/interviews/{id}/report", tag = "record", params(("id" = SessionId, Path)),
    responses((status = 200, description = "Scores, key points with quotes, strengths, gaps, recommendation.", body = Object)))]
pub async fn json(
    State(state): State<Shared>,
    caller: Caller,
    Path(id): Path<SessionId>,
) -> Result<Json<Value>, ApiError> {
    must_be_ready(&state, caller, id).await?;
    Ok(Json(state.store.report(id).await?.document))
}

/// The report as a page for reading and printing; `?access_token=` works as well as the header.
#[utoipa::path(get, operation_id = "get_report_page", path = "/interviews/{id}/report.html", tag = "record",
    params(("id" = SessionId, Path), ("access_token" = Option<String>, Query, description = "The token, where no header can be sent.")),
    responses((status = 200, description = "HTML.", body = String, content_type = "text/html")))]
pub async fn html(
    State(state): State<Shared>,
    CallerOfFile(caller): CallerOfFile,
    Path(id): Path<SessionId>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    must_be_ready(&state, caller, id).await?;
    // Beside this page, with the token that opened it.
    let recording = query.map_or_else(|| "recording".to_owned(), |query| format!("recording?{query}"));
    let page = state.interviews.report_html(id, recording).await?;
    let headers = [(header::CONTENT_SECURITY_POLICY, headers::REPORT_POLICY)];
    Ok((headers, Html(page)).into_response())
}

async fn must_be_ready(state: &HttpState, caller: Caller, id: SessionId) -> Result<(), ApiError> {
    let row = access::interview(state, caller, id, Right::Read).await?;
    match row.report_state {
        ReportState::Ready => audit::read(state, caller, &row, "report.read").await,
        ReportState::Queued => Err(ApiError::ReportPending),
        ReportState::None if !row.status.is_final() => Err(ApiError::ReportPending),
        ReportState::None => Err(ApiError::ReportMissing(
            "There is no report: the interview never began, or the report was kept as long as it is kept here."
                .to_owned(),
        )),
        ReportState::Failed => {
            Err(ApiError::ReportMissing("The report could not be made. Transcript and recording are kept.".to_owned()))
        }
    }
}
