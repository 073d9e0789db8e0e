//! The transcript as files: subtitles for the recording, and a document to read.

use crate::http::access::{self, Right};
use crate::http::audit;
use crate::http::error::ApiError;
use crate::http::extract::{CallerOfFile, Path};
use crate::http::state::Shared;
use crate::id::SessionId;
use crate::scoring::transcript::{self, TranscriptLine};
use crate::store::{Role, TranscriptRow};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

/// The transcript as WebVTT, timed as the recording is; `?access_token=` works as well as the header.
#[utoipa::path(get, operation_id = "get_transcript_vtt", path = "/interviews/{id}/transcript.vtt", tag = "record",
    params(("id" = SessionId, Path), ("access_token" = Option<String>, Query, description = "The token, where no header can be sent.")),
    responses((status = 200, description = "Subtitles with the speakers' names.", body = String, content_type = "text/vtt")))]
pub async fn vtt(
    State(state): State<Shared>,
    CallerOfFile(caller): CallerOfFile,
    Path(id): Path<SessionId>,
) -> Result<Response, ApiError> {
    let row = access::interview(&state, caller, id, Right::Read).await?;
    audit::look(&state, caller, &row, "transcript.read").await?;
    let lines = lines(state.store.transcripts(id).await?);
    Ok(([(header::CONTENT_TYPE, "text/vtt; charset=utf-8")], transcript::vtt(&lines)).into_response())
}

/// The transcript as Markdown; `?access_token=` works as well as the header.
#[utoipa::path(get, operation_id = "get_transcript_markdown", path = "/interviews/{id}/transcript.md", tag = "record",
    params(("id" = SessionId, Path), ("access_token" = Option<String>, Query, description = "The token, where no header can be sent.")),
    responses((status = 200, description = "One paragraph for each line, with its time.", body = String, content_type = "text/markdown")))]
pub async fn markdown(
    State(state): State<Shared>,
    CallerOfFile(caller): CallerOfFile,
    Path(id): Path<SessionId>,
) -> Result<Response, ApiError> {
    let interview = access::interview(&state, caller, id, Right::Read).await?;
    audit::look(&state, caller, &interview, "transcript.read").await?;
    let lines = lines(state.store.transcripts(id).await?);
    let text = transcript::markdown(&interview.title, &lines);
    Ok(([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response())
}

fn lines(rows: Vec<TranscriptRow>) -> Vec<TranscriptLine> {
    let place = |ms: i64| u64::try_from(ms).unwrap_or(0);
    let line = |row: TranscriptRow| TranscriptLine {
        speaker: match row.role {
            Role::Interviewer => "Interviewer".to_owned(),
            Role::Candidate => "Candidate".to_owned(),
            Role::Observer => "Observer".to_owned(),
        },
        text: row.content,
        start_ms: place(row.start_ms),
        end_ms: place(row.end_ms),
        interrupted: row.interrupted,
    };
    rows.into_iter().map(line).collect()
}
