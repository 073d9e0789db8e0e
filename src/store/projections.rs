//! What is projected from events, written in the same transaction as they are. Every projection is an upsert by a
//! natural key, so that a replay of the log changes nothing.

use super::{ArtifactRow, RecordingRow, ResponseRow, SessionStatus, StoreError, TranscriptRow, UsageRow, Word};
use super::{reports, transcripts, usage};
use super::clean::clean_json;
use crate::id::SessionId;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

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

/// Writes projections in the caller's transaction.
pub(super) async fn apply(connection: &mut PgConnection, session: SessionId, projections: &[Projection]) -> Result<(), StoreError> {
    for projection in projections {
        match projection {
            Projection::Started { at } => start(connection, session, *at).await?,
            Projection::Status(status) => set_status(connection, session, *status).await?,
            Projection::Plan(plan) => {
                sqlx::query!("update interview_sessions set plan = $2 where id = $1", session.0, clean_json(plan))
                    .execute(&mut *connection)
                    .await?;
            }
            Projection::Transcript(row) => transcripts::upsert_line(connection, session, row).await?,
            Projection::Artifact(row) => transcripts::upsert_artifact(connection, session, row).await?,
            Projection::Recording(row) => transcripts::upsert_recording(connection, session, row).await?,
            Projection::Response(row) => reports::upsert_response(connection, session, row).await?,
            Projection::Usage(row) => usage::upsert(connection, session, row).await?,
        }
    }
    Ok(())
}

async fn start(connection: &mut PgConnection, session: SessionId, at: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "update interview_sessions set status = 'active', start_time = coalesce(start_time, $2)
         where id = $1 and end_time is null",
        session.0,
        at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn set_status(connection: &mut PgConnection, session: SessionId, status: SessionStatus) -> Result<(), StoreError> {
    if status.is_final() {
        return Err(StoreError::Invalid { what: format!("{status} comes by finalising only") });
    }
    sqlx::query!("update interview_sessions set status = $2 where id = $1 and end_time is null", session.0, status.word())
        .execute(connection)
        .await?;
    Ok(())
}
