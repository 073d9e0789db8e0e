//! What was said, written and recorded. Written as projections of the log; read here.

use super::clean::{clean_json, clean_text};
use super::{RecordingState, Role, Store, StoreError, Word};
use crate::id::SessionId;
use crate::interview::LineKind;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// One line of the transcript. Times are on the session's sample clock.
#[derive(Clone, Debug, PartialEq)]
pub struct TranscriptRow {
    pub id: Uuid,
    pub role: Role,
    /// What was heard: of the interviewer, up to an interruption; of the candidate, as transcribed or typed.
    pub content: String,
    /// What the interviewer meant to say.
    pub planned: Option<String>,
    pub interrupted: bool,
    pub question_key: Option<String>,
    pub start_ms: i64,
    pub end_ms: i64,
    /// Interviewer: the candidate's speech end to the first sample sent. Candidate: speech end to final transcript.
    pub latency_ms: Option<i64>,
    /// The latency's stages, `{"…_ms": n}`.
    pub stages: Value,
    /// Of the transcription, 0..1.
    pub confidence: Option<f32>,
    /// Which provider heard or spoke.
    pub provider: Option<String>,
    pub line_kind: Option<LineKind>,
    pub turn: Option<i64>,
}

/// A version of what the candidate wrote in the code pane.
#[derive(Clone, Debug, PartialEq)]
pub struct ArtifactRow {
    pub id: Uuid,
    pub question_key: String,
    pub language: String,
    pub content: String,
    /// 1, 2, … within the interview: the versions of all questions are counted together.
    pub version: i32,
    /// The candidate handed it in.
    pub submitted: bool,
    pub at_ms: i64,
    pub ai_analysis: Option<Value>,
}

/// A sound file of an interview. Its sample 0 is at `start_ms` of the session's clock.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordingRow {
    /// Below the recordings' directory.
    pub file: String,
    pub start_ms: i64,
    pub seconds: f64,
    pub bytes: i64,
    pub sample_rate_hz: i32,
    pub channels: i16,
    pub state: RecordingState,
}

impl Store {
    /// The transcript, by time.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn transcripts(&self, session: SessionId) -> Result<Vec<TranscriptRow>, StoreError> {
        self.transcript_page(session, u32::MAX, None).await
    }

    /// At most `limit` lines of the transcript after the line `after`, by time.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn transcript_page(
        &self,
        session: SessionId,
        limit: u32,
        after: Option<Uuid>,
    ) -> Result<Vec<TranscriptRow>, StoreError> {
        let rows = sqlx::query_as!(
            TranscriptRow,
            r#"select id, role as "role: Role", content, planned_content as planned, interrupted, question_key, start_ms,
                end_ms, latency_ms, stages, stt_confidence as confidence, provider, line_kind as "line_kind: LineKind", turn
             from transcripts where session_id = $1
               and ($3::uuid is null or (start_ms, id) > (select a.start_ms, a.id from transcripts a where a.id = $3 and a.session_id = $1))
             order by start_ms, id limit $2"#,
            session.0,
            i64::from(limit),
            after,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows)
    }

    /// The artifacts, by question and version.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn artifacts(&self, session: SessionId) -> Result<Vec<ArtifactRow>, StoreError> {
        self.artifact_page(session, u32::MAX, None).await
    }

    /// At most `limit` artifacts after the one with id `after`, by question and version.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn artifact_page(
        &self,
        session: SessionId,
        limit: u32,
        after: Option<Uuid>,
    ) -> Result<Vec<ArtifactRow>, StoreError> {
        let rows = sqlx::query_as!(
            ArtifactRow,
            "select id, question_key, language, code_content as content, version, submitted, at_ms, ai_analysis
             from technical_artifacts where session_id = $1
               and ($3::uuid is null or (question_key, version) >
                    (select a.question_key, a.version from technical_artifacts a
                    where a.id = $3 and a.session_id = $1))
             order by question_key, version limit $2",
            session.0,
            i64::from(limit),
            after,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows)
    }

    /// Keeps what a model said of a version of the code.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn set_analysis(
        &self,
        session: SessionId,
        question_key: &str,
        version: i32,
        analysis: &Value,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "update technical_artifacts set ai_analysis = $4 where session_id = $1 and question_key = $2 and version = $3",
            session.0,
            question_key,
            version,
            clean_json(analysis),
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The recordings, by time.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn recordings(&self, session: SessionId) -> Result<Vec<RecordingRow>, StoreError> {
        let rows = sqlx::query_as!(
            RecordingRow,
            r#"select file, start_ms, seconds, bytes, sample_rate_hz, channels, state as "state: RecordingState"
             from recordings where session_id = $1 order by start_ms, file"#,
            session.0,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows)
    }
}

pub(super) async fn upsert_line(
    connection: &mut PgConnection,
    session: SessionId,
    row: &TranscriptRow,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into transcripts (id, session_id, role, content, planned_content, interrupted, question_key, question_id,
            start_ms, end_ms, latency_ms, stages, stt_confidence, provider, line_kind, turn)
         values ($1, $2, $3, $4, $5, $6, $7, question_of($2, $7, null), $8, $9, $10, $11, $12, $13, $14, $15)
         on conflict (id) do update set content = excluded.content, planned_content = excluded.planned_content,
            interrupted = excluded.interrupted, question_key = excluded.question_key, question_id = excluded.question_id,
            start_ms = excluded.start_ms, end_ms = excluded.end_ms, latency_ms = excluded.latency_ms,
            stages = excluded.stages, stt_confidence = excluded.stt_confidence, provider = excluded.provider,
            line_kind = excluded.line_kind, turn = excluded.turn
         where transcripts.session_id = excluded.session_id",
        row.id,
        session.0,
        row.role.word(),
        clean_text(&row.content),
        row.planned.as_deref().map(clean_text),
        row.interrupted,
        row.question_key,
        row.start_ms,
        row.end_ms,
        row.latency_ms,
        clean_json(&row.stages),
        row.confidence,
        row.provider,
        row.line_kind.map(|kind| kind.word()),
        row.turn,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn upsert_artifact(
    connection: &mut PgConnection,
    session: SessionId,
    row: &ArtifactRow,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into technical_artifacts (id, session_id, question_key, question_id, language, code_content, version,
            submitted, at_ms, ai_analysis)
         values ($1, $2, $3, question_of($2, $3, null), $4, $5, $6, $7, $8, $9)
         on conflict (session_id, question_key, version) do update set language = excluded.language,
            code_content = excluded.code_content, submitted = excluded.submitted, at_ms = excluded.at_ms,
            ai_analysis = coalesce(excluded.ai_analysis, technical_artifacts.ai_analysis)",
        row.id,
        session.0,
        row.question_key,
        clean_text(&row.language),
        clean_text(&row.content),
        row.version,
        row.submitted,
        row.at_ms,
        row.ai_analysis.as_ref().map(clean_json),
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn upsert_recording(
    connection: &mut PgConnection,
    session: SessionId,
    row: &RecordingRow,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into recordings (id, session_id, file, start_ms, seconds, bytes, sample_rate_hz, channels, state)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (session_id, file) do update set start_ms = excluded.start_ms, seconds = excluded.seconds,
            bytes = excluded.bytes, sample_rate_hz = excluded.sample_rate_hz, channels = excluded.channels,
            state = excluded.state",
        Uuid::now_v7(),
        session.0,
        row.file,
        row.start_ms,
        row.seconds,
        row.bytes,
        row.sample_rate_hz,
        row.channels,
        row.state.word(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
