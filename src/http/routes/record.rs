//! The record of an interview, to be read: transcript, code, scored answers.

use crate::http::access::{self, Right};
use crate::http::audit;
use crate::http::error::ApiError;
use crate::http::extract::{Caller, Path, Query};
use crate::http::fields::Fields;
use crate::http::paging;
use crate::http::state::Shared;
use crate::id::SessionId;
use crate::interview::{LineKind, QuestionOutcome};
use crate::store::{ArtifactRow, ResponseRow, ResponseState, Role, TranscriptRow};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Entries of one answer at most. Without a `limit` the whole is given: an interview is bounded.
const PAGE_MAX: u32 = 1_000;

/// Longest key of a question, characters.
const KEY_CHARS_MAX: usize = 300;

/// Which page of lines or versions.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RecordQuery {
    /// How many, 1 to 1000; default: all.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<Uuid>,
}

impl RecordQuery {
    /// How many entries are wanted, and after which.
    pub fn page(&self) -> Result<(u32, Option<Uuid>), ApiError> {
        Ok((limited(self.limit)?, self.after))
    }
}

/// Which page of answers.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ResponseQuery {
    /// How many, 1 to 1000; default: all.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// The `next` of the page before.
    #[param(max_length = 300)]
    after: Option<String>,
}

/// How many entries are wanted: all, unless a number is named.
fn limited(limit: Option<u32>) -> Result<u32, ApiError> {
    match limit {
        Some(limit) if limit == 0 || limit > PAGE_MAX => {
            Err(ApiError::field("limit", format!("`limit` lies between 1 and {PAGE_MAX}.")))
        }
        Some(limit) => Ok(limit),
        None => Ok(u32::MAX),
    }
}

/// What was said, by time.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Transcript {
    transcript: Vec<TranscriptLine>,
    /// Where the next page begins; null at the end.
    next: Option<Uuid>,
}

/// One line of the transcript; times count from the interview's beginning.
#[derive(Serialize, utoipa::ToSchema)]
pub struct TranscriptLine {
    id: Uuid,
    role: Role,
    /// What was heard: of the interviewer, up to where it was interrupted.
    #[schema(example = "What does it mean that an operation is idempotent?")]
    content: String,
    /// What the interviewer meant to say.
    planned: Option<String>,
    interrupted: bool,
    #[schema(example = "backend.idempotency")]
    question_key: Option<String>,
    #[schema(example = 61_000)]
    start_ms: i64,
    #[schema(example = 64_200)]
    end_ms: i64,
    /// Interviewer: the candidate's speech end to the first sample of the reply. Candidate: speech end to the final transcript.
    latency_ms: Option<i64>,
    /// The latency's stages, each in ms.
    #[schema(value_type = Object)]
    stages: Value,
    /// Of the transcription, 0 to 1.
    confidence: Option<f32>,
    /// Which part heard or spoke it.
    provider: Option<String>,
    /// `greeting`, `disclosure`, `acknowledgement`, `question`, `probe`, `repeat`, `nudge`, `instruction` or `closing`.
    #[schema(value_type = Option<String>, example = "question")]
    line_kind: Option<LineKind>,
    turn: Option<i64>,
}

impl From<TranscriptRow> for TranscriptLine {
    fn from(row: TranscriptRow) -> Self {
        Self {
            id: row.id,
            role: row.role,
            content: row.content,
            planned: row.planned,
            interrupted: row.interrupted,
            question_key: row.question_key,
            start_ms: row.start_ms,
            end_ms: row.end_ms,
            latency_ms: row.latency_ms,
            stages: row.stages,
            confidence: row.confidence,
            provider: row.provider,
            line_kind: row.line_kind,
            turn: row.turn,
        }
    }
}

/// What was said.
#[utoipa::path(get, operation_id = "get_transcript", path = "/interviews/{id}/transcript", tag = "record", params(("id" = SessionId, Path), RecordQuery),
    responses((status = 200, description = "The lines, by time.", body = Transcript)))]
pub async fn transcript(
    State(state): State<Shared>,
    caller: Caller,
    Path(id): Path<SessionId>,
    Query(query): Query<RecordQuery>,
) -> Result<Json<Transcript>, ApiError> {
    let limit = limited(query.limit)?;
    let row = access::interview(&state, caller, id, Right::Read).await?;
    let page = async { Ok::<_, ApiError>(state.store.transcript_page(id, limit, query.after).await?) };
    let ((), rows) = tokio::try_join!(audit::look(&state, caller, &row, "transcript.read"), page)?;
    let next = paging::next(&rows, limit, |row| row.id);
    Ok(Json(Transcript { transcript: rows.into_iter().map(TranscriptLine::from).collect(), next }))
}

/// What was written in the code pane.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Artifacts {
    artifacts: Vec<ArtifactView>,
    /// Why no version has an `ai_analysis`, where this server makes none.
    analysis_note: Option<&'static str>,
    /// Where the next page begins; null at the end.
    next: Option<Uuid>,
}

/// The local models do not judge code: what they say of it is wrong too often to stand in a record.
const NO_ANALYSIS: &str =
    "This server has no language model that looks at code: name one in `providers.llm_generation`.";

/// A version of the code for one question.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ArtifactView {
    id: Uuid,
    #[schema(example = "algorithms.two-sum")]
    question_key: String,
    /// Programming language.
    #[schema(example = "python")]
    language: String,
    #[schema(example = "def largest(values):\n    return max(values)\n")]
    code_content: String,
    /// 1, 2, … within the interview: the versions of all questions are counted together.
    version: i32,
    /// Handed in by the candidate.
    submitted: bool,
    at_ms: i64,
    #[schema(value_type = Option<Object>)]
    ai_analysis: Option<Value>,
}

impl From<ArtifactRow> for ArtifactView {
    fn from(row: ArtifactRow) -> Self {
        Self {
            id: row.id,
            question_key: row.question_key,
            language: row.language,
            code_content: row.content,
            version: row.version,
            submitted: row.submitted,
            at_ms: row.at_ms,
            ai_analysis: row.ai_analysis,
        }
    }
}

/// The code, by question and version.
#[utoipa::path(get, operation_id = "get_artifacts", path = "/interviews/{id}/artifacts", tag = "record", params(("id" = SessionId, Path), RecordQuery),
    responses((status = 200, description = "Every version.", body = Artifacts)))]
pub async fn artifacts(
    State(state): State<Shared>,
    caller: Caller,
    Path(id): Path<SessionId>,
    Query(query): Query<RecordQuery>,
) -> Result<Json<Artifacts>, ApiError> {
    let limit = limited(query.limit)?;
    let row = access::interview(&state, caller, id, Right::Read).await?;
    let page = async { Ok::<_, ApiError>(state.store.artifact_page(id, limit, query.after).await?) };
    let ((), rows) = tokio::try_join!(audit::look(&state, caller, &row, "code.read"), page)?;
    let next = paging::next(&rows, limit, |row| row.id);
    let analysis_note = state.settings.providers.llm_generation.is_empty().then_some(NO_ANALYSIS);
    Ok(Json(Artifacts { artifacts: rows.into_iter().map(ArtifactView::from).collect(), next, analysis_note }))
}

/// The answers as they were scored.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Responses {
    responses: Vec<ResponseView>,
    /// Where the next page begins; null at the end.
    next: Option<String>,
}

/// The answer to one question.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ResponseView {
    #[schema(example = "backend.idempotency")]
    question_key: String,
    #[schema(example = 1)]
    question_version: i32,
    /// In which place of the plan it stands, from 1.
    #[schema(example = 1)]
    position: i32,
    /// As heard.
    #[schema(example = "Doing it twice changes nothing more.")]
    answer: String,
    start_ms: Option<i64>,
    end_ms: Option<i64>,
    /// `answered`, `skipped`, `not_answered` or `cut_short`.
    #[schema(value_type = Option<String>, example = "answered")]
    outcome: Option<QuestionOutcome>,
    /// 1 to 5: what counts, a person's where one changed it (`/overrides`).
    #[schema(example = 4)]
    level: Option<i16>,
    /// 1 to 5: what the scorer gave, whatever a person made of it.
    #[schema(example = 3)]
    scored_level: Option<i16>,
    /// 0 to 100: the scorer's own.
    #[schema(example = 75.0)]
    score: Option<f64>,
    #[schema(example = "Names the point and a case; leaves out retries.")]
    comment: Option<String>,
    /// Each with its state and the quotes that show it.
    #[schema(value_type = Vec<Object>)]
    key_points: Value,
    state: ResponseState,
}

impl From<ResponseRow> for ResponseView {
    fn from(row: ResponseRow) -> Self {
        Self {
            question_key: row.question_key,
            question_version: row.question_version,
            position: row.position,
            answer: row.answer,
            start_ms: row.start_ms,
            end_ms: row.end_ms,
            outcome: row.outcome,
            level: row.level,
            scored_level: row.detail["scored_level"].as_i64().and_then(|level| level.try_into().ok()),
            score: row.score,
            comment: row.comment,
            key_points: row.key_points,
            state: row.state,
        }
    }
}

/// The answers, in the order in which they were asked; scored once the report is ready.
#[utoipa::path(get, operation_id = "get_responses", path = "/interviews/{id}/responses", tag = "record", params(("id" = SessionId, Path), ResponseQuery),
    responses((status = 200, description = "One for each question.", body = Responses)))]
pub async fn responses(
    State(state): State<Shared>,
    caller: Caller,
    Path(id): Path<SessionId>,
    Query(query): Query<ResponseQuery>,
) -> Result<Json<Responses>, ApiError> {
    let limit = limited(query.limit)?;
    let mut fields = Fields::default();
    let after = fields.text("after", query.after.as_deref(), KEY_CHARS_MAX);
    fields.check(Some(()))?;
    let row = access::interview(&state, caller, id, Right::Read).await?;
    let page = async { Ok::<_, ApiError>(state.store.response_page(id, limit, after.as_deref()).await?) };
    let ((), rows) = tokio::try_join!(audit::look(&state, caller, &row, "responses.read"), page)?;
    let next = paging::next(&rows, limit, |row| row.question_key.clone());
    Ok(Json(Responses { responses: rows.into_iter().map(ResponseView::from).collect(), next }))
}
