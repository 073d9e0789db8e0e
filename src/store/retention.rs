//! What is deleted when its time is over, a bounded number of rows at a time. Must never delete anything of an interview
//! that is not over.

use super::{Store, StoreError, limited};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A recording whose time is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldRecording {
    pub id: Uuid,
    pub file: String,
}

impl Store {
    /// Recordings of interviews that ended before `cutoff`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn old_recordings(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<Vec<OldRecording>, StoreError> {
        let rows = sqlx::query_as!(
            OldRecording,
            "select recording.id, recording.file
             from recordings recording join interview_sessions interview on interview.id = recording.session_id
             where recording.state <> 'deleted' and interview.end_time < $1
             order by recording.created_at limit $2",
            cutoff,
            i64::from(limit),
        );
        limited(async { Ok(rows.fetch_all(&self.pool).await?) }).await
    }

    /// Notes that the file of a recording is gone.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn recording_deleted(&self, id: Uuid) -> Result<(), StoreError> {
        sqlx::query!("update recordings set state = 'deleted' where id = $1", id).execute(&self.pool).await?;
        Ok(())
    }

    /// Deletes transcript, event log and code of at most `limit` interviews that ended before `cutoff`; returns of how many.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn delete_words(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        limited(async {
            let done = sqlx::query!(
                "with old as (
                    update interview_sessions set words_deleted_at = clock_timestamp()
                    where id in (select id from interview_sessions
                        where end_time < $1 and words_deleted_at is null order by end_time limit $2 for update skip locked)
                    returning id),
                 events as (delete from session_events using old where session_id = old.id),
                 lines as (delete from transcripts using old where session_id = old.id),
                 code as (delete from technical_artifacts using old where session_id = old.id)
                 select id from old",
                cutoff,
                i64::from(limit),
            );
            Ok(done.fetch_all(&self.pool).await?.len() as u64)
        })
        .await
    }

    /// Deletes report and scored answers of at most `limit` interviews that ended before `cutoff`, and with them by what
    /// name and address the candidate was known; returns of how many.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn delete_reports(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        limited(async {
            let done = sqlx::query!(
                "with old as (
                    update interview_sessions
                    set report_deleted_at = clock_timestamp(), report_state = 'none', candidate_name = null
                    where id in (select id from interview_sessions
                        where end_time < $1 and report_deleted_at is null order by end_time limit $2 for update skip locked)
                    returning id),
                 reports as (delete from evaluation_reports using old where session_id = old.id),
                 invited as (delete from invitations using old where session_id = old.id),
                 changes as (delete from overrides using old where session_id = old.id),
                 answers as (delete from question_responses using old where session_id = old.id)
                 select id from old",
                cutoff,
                i64::from(limit),
            );
            Ok(done.fetch_all(&self.pool).await?.len() as u64)
        })
        .await
    }

    /// Deletes at most `limit` lines of the audit log from before `cutoff`; returns how many.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn delete_audit(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let done = sqlx::query!(
            "delete from audit_log where id in (select id from audit_log where at < $1 order by at limit $2)",
            cutoff,
            i64::from(limit),
        );
        limited(async { Ok(done.execute(&self.pool).await?.rows_affected()) }).await
    }

    /// Deletes at most `limit` deliveries to webhooks from before `cutoff`; returns how many.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn delete_deliveries(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let done = sqlx::query!(
            "delete from webhook_deliveries where id in
                (select id from webhook_deliveries where created_at < $1 order by created_at limit $2)",
            cutoff,
            i64::from(limit),
        );
        limited(async { Ok(done.execute(&self.pool).await?.rows_affected()) }).await
    }

    /// Deletes at most `limit` refresh tokens that ran out before `cutoff`; returns how many.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn delete_tokens(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let done = sqlx::query!(
            "delete from refresh_tokens where id in
                (select id from refresh_tokens where expires_at < $1 order by expires_at limit $2)",
            cutoff,
            i64::from(limit),
        );
        limited(async { Ok(done.execute(&self.pool).await?.rows_affected()) }).await
    }
}
