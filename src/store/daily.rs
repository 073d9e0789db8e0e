//! What lies at Daily: recordings in its cloud, as its webhook told of them, and rooms. A recording's row that goes, by
//! whatever way, queues [`FORGET_JOB`], an interview that is over or erased [`ROOM_JOB`]: the database does that itself.
//! Must never hold sound.

use super::{Store, StoreError, limited};
use crate::id::SessionId;
use chrono::{DateTime, Utc};

/// The job that deletes a recording at Daily; its payload names it.
pub const FORGET_JOB: &str = "remove_daily_recording";
/// The job that deletes a room at Daily; its payload names the interview.
pub const ROOM_JOB: &str = "remove_daily_room";

/// A recording at Daily.
#[derive(Clone, Debug, PartialEq)]
pub struct DailyRecordingRow {
    /// Daily's own.
    pub id: String,
    pub seconds: f64,
    /// When it was told of.
    pub created_at: DateTime<Utc>,
}

impl Store {
    /// Notes that a recording of an interview is there; false if that was known.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the interview is not there (any more).
    pub async fn note_daily_recording(&self, session: SessionId, id: &str, seconds: f64) -> Result<bool, StoreError> {
        self.interview(session).await?;
        let noted = sqlx::query!(
            "insert into daily_recordings (id, session_id, seconds) values ($1, $2, $3) on conflict (id) do nothing",
            id,
            session.0,
            seconds,
        );
        Ok(noted.execute(&self.pool).await?.rows_affected() == 1)
    }

    /// Has a recording at Daily deleted whose interview was erased before it was ready; false where no such interview was
    /// here of late: other servers may use the same domain.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn forget_late_daily_recording(&self, session: SessionId, id: &str) -> Result<bool, StoreError> {
        let forgotten =
            sqlx::query_scalar!(r#"select forget_late_daily_recording($1, $2) as "was_ours!""#, session.0, id,);
        Ok(forgotten.fetch_one(&self.pool).await?)
    }

    /// The recordings of an interview at Daily, by time.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn daily_recordings(&self, session: SessionId) -> Result<Vec<DailyRecordingRow>, StoreError> {
        let rows = sqlx::query_as!(
            DailyRecordingRow,
            "select id, seconds, created_at from daily_recordings where session_id = $1 order by created_at, id",
            session.0,
        );
        Ok(rows.fetch_all(&self.pool).await?)
    }

    /// Lets go of at most `limit` recordings at Daily of interviews that ended before `cutoff`; returns how many.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn delete_daily_recordings(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let done = sqlx::query!(
            "delete from daily_recordings where id in
                (select recording.id from daily_recordings recording
                 join interview_sessions interview on interview.id = recording.session_id
                 where interview.end_time < $1 order by recording.created_at limit $2)",
            cutoff,
            i64::from(limit),
        );
        limited(async { Ok(done.execute(&self.pool).await?.rows_affected()) }).await
    }
}
