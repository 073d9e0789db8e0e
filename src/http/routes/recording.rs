//! The sound of an interview: one WAV on the interview's clock, put together from the files that were written (one for
//! each time that a server took the interview up), with silence between. The header is made here, so that a file cut off
//! by a crash plays to where it was written. Parts of it are served for seeking.

use crate::http::access::{self, Right};
use crate::http::audit;
use crate::http::error::ApiError;
use crate::http::extract::{CallerOfFile, Path};
use crate::http::headers;
use crate::http::range::{self, ByteRange};
use crate::http::state::Shared;
use crate::http::wav::Timeline;
use crate::id::SessionId;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// The recording (stereo: candidate left, interviewer right); `?access_token=` works as well as the header.
#[utoipa::path(get, operation_id = "get_recording", path = "/interviews/{id}/recording", tag = "record",
    params(("id" = SessionId, Path), ("access_token" = Option<String>, Query, description = "The token, where no header can be sent."),
        ("Range" = Option<String>, Header, description = "One range of bytes.")),
    responses((status = 200, description = "WAV.", body = String, content_type = "audio/wav"),
        (status = 206, description = "The range of it.", body = String, content_type = "audio/wav")))]
pub async fn play(
    State(state): State<Shared>,
    CallerOfFile(caller): CallerOfFile,
    Path(id): Path<SessionId>,
    asked: HeaderMap,
) -> Result<Response, ApiError> {
    let row = access::interview(&state, caller, id, Right::Read).await?;
    let recordings = async { Ok::<_, ApiError>(state.store.recordings(id).await?) };
    // A player asks for ranges from its first request on.
    let ((), rows) = tokio::try_join!(audit::look(&state, caller, &row, "recording.read"), recordings)?;
    let timeline = Timeline::open(&state.recordings, &rows).await.ok_or(ApiError::NotFound)?;
    let bytes = timeline.bytes();
    let range = asked.get(header::RANGE).and_then(|value| value.to_str().ok());
    let range = match range.map_or(Ok(None), |text| range::parse(text, bytes)) {
        Ok(range) => range,
        Err(range::Unsatisfiable) => return Err(ApiError::RangeNotSatisfiable { bytes }),
    };
    let (status, part) = match range {
        Some(part) => (StatusCode::PARTIAL_CONTENT, part),
        None => (StatusCode::OK, ByteRange { first: 0, last: bytes - 1 }),
    };
    let mut answer: Vec<(HeaderName, String)> = vec![
        (header::CONTENT_TYPE, "audio/wav".to_owned()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::CONTENT_LENGTH, part.bytes().to_string()),
        (header::CONTENT_DISPOSITION, format!("inline; filename=\"interview-{id}.wav\"")),
        (header::CONTENT_SECURITY_POLICY, headers::RECORDING_POLICY.to_owned()),
    ];
    if status == StatusCode::PARTIAL_CONTENT {
        answer.push((header::CONTENT_RANGE, format!("bytes {}-{}/{bytes}", part.first, part.last)));
    }
    let answer: HeaderMap =
        answer.into_iter().filter_map(|(name, value)| Some((name, value.try_into().ok()?))).collect();
    Ok((status, answer, Body::from_stream(timeline.stream(part))).into_response())
}
