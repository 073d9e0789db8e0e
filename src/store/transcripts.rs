//! What was said, written and recorded. Written as projections of the log; read here.

use super::{RecordingState, Role, Store, StoreError};
use crate::id::SessionId;
use crate::interview::LineKind;
use serde_json::Value;
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
    /// 1, 2, … within the question.
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
        let _ = session;
        self.later().await
    }

    /// The artifacts, by question and version.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn artifacts(&self, session: SessionId) -> Result<Vec<ArtifactRow>, StoreError> {
        let _ = session;
        self.later().await
    }

    /// The recordings, by time.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn recordings(&self, session: SessionId) -> Result<Vec<RecordingRow>, StoreError> {
        let _ = session;
        self.later().await
    }
}
