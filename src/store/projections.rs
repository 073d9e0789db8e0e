//! What is projected from events, written in the same transaction as they are. Every projection is an upsert by a
//! natural key, so that a replay of the log changes nothing.

use super::{ArtifactRow, RecordingRow, ResponseRow, SessionStatus, TranscriptRow, UsageRow};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// A change to what is kept beside the log.
#[derive(Clone, Debug, PartialEq)]
pub enum Projection {
    /// The interview begins: active, and its start time unless it has one.
    Started { at: DateTime<Utc> },
    /// The status changes; final ones only through [`super::Store::finalise`].
    Status(SessionStatus),
    Plan(Value),
    /// By `id`.
    Transcript(TranscriptRow),
    /// By question and version.
    Artifact(ArtifactRow),
    /// By file.
    Recording(RecordingRow),
    /// By question.
    Response(ResponseRow),
    /// By `id`.
    Usage(UsageRow),
}
