//! Postgres: the record of every interview, one file per aggregate. The only place with SQL, all of it checked when the
//! program is built. Must never decide what an interview does next, and never tell a caller that something is kept
//! before it is committed.
//!
//! Every write by a session is fenced by the epoch of its lease, and safe to repeat when the answer to a commit was lost.

mod bank;
mod consents;
mod error;
mod events;
mod finalise;
mod leases;
mod nodes;
mod projections;
mod reports;
mod sessions;
mod transcripts;
mod usage;
mod users;
mod words;

pub use bank::{CategoryRow, LevelCount};
pub use consents::ConsentRow;
pub use error::StoreError;
pub use events::{EventRow, NewEvent};
pub use finalise::Finalised;
pub use leases::Lease;
pub use nodes::NodeRow;
pub use projections::Projection;
pub use reports::{ReportRow, ResponseRow};
pub use sessions::{InterviewRow, NewInterview};
pub use transcripts::{ArtifactRow, RecordingRow, TranscriptRow};
pub use usage::UsageRow;
pub use users::{NewUser, UserRow};
pub use words::{
    Mode, Purpose, RecordingState, ReportState, ResponseState, Role, RoomKind, SessionStatus, UnknownWord, UserRole, Word,
};

use sqlx::PgPool;

/// The record. Cheap to clone; every clone shares one pool.
#[derive(Clone, Debug)]
pub struct Store {
    pool: PgPool,
}

impl Store {
    /// Opens the record at `url`, brings its schema up to date, and keeps a pool of connections.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer in time.
    pub async fn connect(url: &str, connections_max: u32) -> Result<Self, StoreError> {
        let _ = (url, connections_max);
        Err(StoreError::Unavailable { what: "not written yet".into() })
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.later().await
    }

    /// The pool, for the job queue.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    async fn later<T>(&self) -> Result<T, StoreError> {
        Err(StoreError::Unavailable { what: "not written yet".into() })
    }
}
