//! The report, for each of its readers: as JSON, as a page that prints well, as PDF, as the candidate's feedback, as a
//! summary for an applicant tracking system; and the schemas of the documents.

use crate::http::access::{self, Right};
use crate::http::audit;
use crate::http::error::ApiError;
use crate::http::extract::{Caller, CallerOfFile, Path, Query};
use crate::http::state::{HttpState, Shared};
use crate::id::SessionId;
use crate::scoring::pdf;
use crate::scoring::render::{self, Recording};
use crate::scoring::report::Report;
use crate::scoring::schema::Published;
use crate::scoring::variants::{FeedbackDocument, SummaryDocument};
use crate::store::{InterviewRow, ReportState};
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;

/// Which reader the report is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Variant {
    /// The whole report.
    #[default]
    Full,
    /// What the candidate takes home: what was right and what to study, without scores.
    Feedback,
}

/// The reader, in the address.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct VariantQuery {
    /// `full` (the whole report, unless asked otherwise) or `feedback` (for the candidate, without scores).
    #[serde(default)]
    #[param(inline, required = false)]
    variant: Variant,
    /// The language of what the report for staff says by itself; without it what `Accept-Language` prefers of them, else the
    /// interview's. What was asked and said stays in its own language, and so does the feedback for the candidate.
    #[serde(default)]
    #[param(inline)]
    lang: Option<ReportLanguage>,
}

/// A language in which reports speak.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReportLanguage {
    En,
    Uk,
}

impl ReportLanguage {
    const ALL: [Self; 2] = [Self::En, Self::Uk];

    fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Uk => "uk",
        }
    }

    /// What a browser's reader prefers of them; the first named counts, as browsers order them.
    fn accepted(headers: &HeaderMap) -> Option<Self> {
        let wishes = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?.split(',');
        let primary = |wish: &str| wish.trim().split([';', '-']).next().unwrap_or_default().to_ascii_lowercase();
        wishes.map(primary).find_map(|wish| Self::ALL.into_iter().find(|known| known.tag() == wish))
    }
}

impl VariantQuery {
    /// The reader's language.
    fn language(&self, headers: &HeaderMap, report: &Report) -> String {
        let wished = self.lang.or_else(|| ReportLanguage::accepted(headers));
        wished.map_or_else(|| report.interview.language.clone(), |known| known.tag().to_owned())
    }
}

/// The report: scores, key points with quotes, recommendation. 404 with the problem `report-pending` while it is made.
#[utoipa::path(get, operation_id = "get_report", path = "/interviews/{id}/report", tag = "record",
    params(("id" = SessionId, Path), VariantQuery),
    responses((status = 200, description = "The document; its schema is at /api/v1/schemas/report, or /feedback.", body = Object)))]
pub async fn json(
    State(state): State<Shared>,
    caller: Caller,
    Path(id): Path<SessionId>,
    Query(query): Query<VariantQuery>,
) -> Result<Json<Value>, ApiError> {
    match query.variant {
        Variant::Full => {
            let document = async { Ok(state.store.report(id).await?.document) };
            read(&state, caller, id, document).await.map(Json)
        }
        Variant::Feedback => {
            let feedback = FeedbackDocument::of(&read(&state, caller, id, stored(&state, id)).await?);
            serde_json::to_value(feedback).map(Json).map_err(|_| ApiError::Internal)
        }
    }
}

/// The report as a page for reading and printing; `?access_token=` works as well as the header.
#[utoipa::path(get, operation_id = "get_report_page", path = "/interviews/{id}/report.html", tag = "record",
    params(("id" = SessionId, Path), VariantQuery, ("access_token" = Option<String>, Query, description = "The token, where no header can be sent.")),
    responses((status = 200, description = "HTML.", body = String, content_type = "text/html")))]
pub async fn html(
    State(state): State<Shared>,
    CallerOfFile(caller): CallerOfFile,
    Path(id): Path<SessionId>,
    Query(query): Query<VariantQuery>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let report = read(&state, caller, id, stored(&state, id)).await?;
    let page = match query.variant {
        Variant::Full => {
            let recordings = state.store.recordings(id).await?;
            // Beside this page, with the token that opened it.
            let url = raw.map_or_else(|| "recording".to_owned(), |raw| format!("recording?{raw}"));
            let recording = (!recordings.is_empty()).then_some(Recording { url, start_ms: 0 });
            render::html(&report, recording.as_ref(), &query.language(&headers, &report))
        }
        Variant::Feedback => render::feedback_html(&FeedbackDocument::of(&report)),
    };
    let page = page.map_err(|error| unwritten(&error))?;
    let policy = [(header::CONTENT_SECURITY_POLICY, crate::http::headers::REPORT_POLICY)];
    Ok((policy, [(header::VARY, "accept-language")], Html(page)).into_response())
}

/// The report as PDF, with text that can be selected; `?access_token=` works as well as the header.
#[utoipa::path(get, operation_id = "get_report_pdf", path = "/interviews/{id}/report.pdf", tag = "record",
    params(("id" = SessionId, Path), VariantQuery, ("access_token" = Option<String>, Query, description = "The token, where no header can be sent.")),
    responses((status = 200, description = "PDF.", body = String, content_type = "application/pdf")))]
pub async fn pdf(
    State(state): State<Shared>,
    CallerOfFile(caller): CallerOfFile,
    Path(id): Path<SessionId>,
    Query(query): Query<VariantQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let report = read(&state, caller, id, stored(&state, id)).await?;
    let (name, variant) = match query.variant {
        Variant::Full => ("report", query.variant),
        Variant::Feedback => ("feedback", query.variant),
    };
    let language = query.language(&headers, &report);
    // Tenths of a second of pure computing: away from the threads that carry conversations.
    let made = tokio::task::spawn_blocking(move || match variant {
        Variant::Full => pdf::report(&report, &language),
        Variant::Feedback => pdf::feedback(&FeedbackDocument::of(&report)),
    });
    let pdf = made.await.map_err(|_| ApiError::Internal)?.map_err(|error| unwritten(&error))?;
    let mut response = pdf.into_response();
    let disposition = format!("inline; filename=\"{name}-{id}.pdf\"");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/pdf"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-language"));
    headers.insert(header::CONTENT_DISPOSITION, disposition.try_into().map_err(|_| ApiError::Internal)?);
    Ok(response)
}

/// The outcome as one small object, for an applicant tracking system.
#[utoipa::path(get, operation_id = "get_summary", path = "/interviews/{id}/summary", tag = "record", params(("id" = SessionId, Path)),
    responses((status = 200, description = "Recommendation, scores with intervals, strengths, gaps, where the whole report is.", body = SummaryDocument)))]
pub async fn summary(
    State(state): State<Shared>,
    caller: Caller,
    Path(id): Path<SessionId>,
) -> Result<Json<SummaryDocument>, ApiError> {
    Ok(Json(SummaryDocument::of(&read(&state, caller, id, stored(&state, id)).await?)))
}

/// The JSON Schema (2020-12) of a document: `report`, `feedback` or `summary`.
#[utoipa::path(get, operation_id = "get_schema", path = "/schemas/{name}", tag = "record", security(()), params(("name" = String, Path)),
    responses((status = 200, description = "The schema; its `$id` names document and version.", body = Object)))]
pub async fn schema(Path(name): Path<String>) -> Result<Json<Value>, ApiError> {
    let published = Published::ALL.into_iter().find(|published| published.name() == name);
    std::future::ready(published.map(|published| Json(published.schema())).ok_or(ApiError::NotFound)).await
}

/// The stored report, read.
async fn stored(state: &HttpState, id: SessionId) -> Result<Report, ApiError> {
    let row = state.store.report(id).await?;
    Report::deserialize(&row.document).map_err(|error| {
        tracing::warn!(session = %id, line = error.line(), "a stored report is of another version");
        ApiError::ReportMissing(
            "This report was made by another version of the program; the server's operator can make it anew \
             (vivavoce rescore --save). As JSON it can still be read."
                .to_owned(),
        )
    })
}

fn unwritten(error: &dyn std::error::Error) -> ApiError {
    tracing::error!(%error, "a report could not be written");
    ApiError::Internal
}

/// Reads what is of a report that is ready. The line in the audit log is written at the same time, and stored before
/// anything is shown: it costs the reader no wait of its own.
async fn read<T>(
    state: &HttpState,
    caller: Caller,
    id: SessionId,
    reading: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, ApiError> {
    let row = ready(state, caller, id).await?;
    let ((), read) = tokio::try_join!(audit::read(state, caller, &row, "report.read"), reading)?;
    Ok(read)
}

/// The interview, if its report is ready and the caller may read it.
pub(super) async fn ready(state: &HttpState, caller: Caller, id: SessionId) -> Result<InterviewRow, ApiError> {
    let row = access::interview(state, caller, id, Right::Read).await?;
    match row.report_state {
        ReportState::Ready => Ok(row),
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
