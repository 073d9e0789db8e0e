//! Postgres: the record of every interview, one file per aggregate. The only place with SQL, all of it checked when the
//! program is built. Must never decide what an interview does next, and never tell a caller that something is kept
//! before it is committed.
//!
//! Every write by a session is fenced by the epoch of its lease, and safe to repeat when the answer to a commit was lost.

mod audit;
mod bank;
mod categories;
mod clean;
mod consents;
mod daily;
mod database;
mod drafts;
mod error;
mod events;
mod finalise;
mod history;
mod invitations;
mod leases;
mod nodes;
mod overrides;
mod privacy;
mod profiles;
mod projections;
mod questions;
mod reports;
mod retention;
mod seed;
mod sessions;
mod statistics;
mod tokens;
mod transcripts;
mod usage;
mod users;
mod webhooks;
mod words;

pub use audit::{AuditFilter, AuditRow, NewAudit};
pub use categories::{CategoryRow, KeptCategory, LevelCount};
pub use consents::ConsentRow;
pub use daily::{DailyRecordingRow, FORGET_JOB, ROOM_JOB};
pub use database::{answers, create_database};
pub use drafts::ProposedRow;
pub use error::StoreError;
pub use events::{EventRow, NewEvent};
pub use finalise::{Finalised, REPORT_JOB};
pub use history::{HistoryRow, ScoreRow, Whose};
pub use invitations::{InvitationRow, NewInvitation};
pub use leases::Lease;
pub use nodes::NodeRow;
pub use overrides::OverrideRow;
pub use privacy::{Belongings, FILES_JOB};
pub use profiles::{Draft, ProfileRow};
pub use projections::Projection;
pub use questions::{Imported, QuestionEdit, QuestionFilter, QuestionRow};
pub use reports::{ReportRow, ResponseRow};
pub use retention::OldRecording;
pub use seed::Seed;
pub use sessions::{InterviewFilter, InterviewRow, NewInterview};
pub use statistics::{Day, Difficulty, Period, Statistics};
pub use tokens::{Rotated, TokenHash};
pub use transcripts::{ArtifactRow, RecordingRow, TranscriptRow};
pub use usage::UsageRow;
pub use users::{NewUser, UserChange, UserRow};
pub use webhooks::{DeliveryRow, NewWebhook, PendingDelivery, WEBHOOK_JOB, WebhookChange, WebhookRow};
pub use words::{
    DeliveryState, Mode, Purpose, RecordingState, ReportState, ResponseState, Role, RoomKind, SessionStatus,
    UnknownWord, UserRole, Word,
};

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{Connection, PgPool};
use std::future::Future;
use std::str::FromStr;
use std::time::Duration;

/// How long a call waits for a free connection, s. Short, so that a database that is away is noticed before an
/// interview's own time limits are.
pub const ACQUIRE_LIMIT_S: u64 = 3;

/// How long one statement may run, s. Everything here takes milliseconds; what takes longer waits for a lock.
pub const STATEMENT_LIMIT_S: u64 = 5;

/// How long a transaction may idle before the server ends it, s: its locks would stop others.
pub const IDLE_IN_TRANSACTION_LIMIT_S: u64 = 10;

/// How long one call may take in all, s: a server that stands still tells nobody.
pub const CALL_LIMIT_S: u64 = 10;

/// Key of the advisory lock under which the schema is migrated, so that nodes which start together take turns.
const MIGRATION_LOCK: i64 = 0x7669_7661_766f_6365;

/// The record. Cheap to clone; every clone shares one pool.
#[derive(Clone, Debug)]
pub struct Store {
    pool: PgPool,
}

impl Store {
    /// Opens the record at `url`, brings its schema up to date, and keeps a pool of connections.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer in time, [`StoreError::Invalid`] when the URL is
    /// none or the schema cannot be migrated.
    pub async fn connect(url: &str, connections_max: u32) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|_| StoreError::Invalid { what: "the database's URL".into() })?
            .application_name("vivavoce");
        migrate(&options).await?;
        let limits = [
            ("statement_timeout", format!("{STATEMENT_LIMIT_S}s")),
            ("idle_in_transaction_session_timeout", format!("{IDLE_IN_TRANSACTION_LIMIT_S}s")),
        ];
        let pool = PgPoolOptions::new()
            .max_connections(connections_max)
            .acquire_timeout(Duration::from_secs(ACQUIRE_LIMIT_S))
            .connect_with(options.options(limits))
            .await?;
        Ok(Self { pool })
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        limited(async {
            sqlx::query!("select 1 as one").fetch_one(&self.pool).await?;
            Ok(())
        })
        .await
    }

    /// Another pool of connections to the same database, for the job queue.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn pool_of(&self, connections_max: u32) -> Result<PgPool, StoreError> {
        let options = (*self.pool.connect_options()).clone();
        let pool = PgPoolOptions::new()
            .max_connections(connections_max)
            .acquire_timeout(Duration::from_secs(ACQUIRE_LIMIT_S))
            .connect_with(options)
            .await?;
        Ok(pool)
    }

    /// Closes every connection, once the calls under way are done.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Brings the schema up to date, ours and the job queue's. Runs without a statement limit: an index may take its time.
async fn migrate(options: &PgConnectOptions) -> Result<(), StoreError> {
    let reached = tokio::time::timeout(Duration::from_secs(CALL_LIMIT_S), PgConnection::connect_with(options)).await;
    let mut connection = reached.map_err(|_| StoreError::Unavailable { what: "no answer".into() })??;
    sqlx::query!("select pg_advisory_lock($1)", MIGRATION_LOCK).fetch_one(&mut connection).await?;
    sqlx::migrate!().run(&mut connection).await.map_err(|error| StoreError::Invalid { what: error.to_string() })?;
    // The queue's own migrations take no lock; ours is still held.
    let pool = PgPoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
    let queue = graphile_worker::WorkerUtils::new(pool.clone(), graphile_worker::Schema::default());
    let migrated =
        queue.migrate().await.map_err(|error| StoreError::Invalid { what: format!("the job queue: {error}") });
    pool.close().await;
    connection.close().await?;
    migrated
}

/// Ends a call that takes longer than any should.
async fn limited<T>(call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    match tokio::time::timeout(Duration::from_secs(CALL_LIMIT_S), call).await {
        Ok(result) => result,
        Err(_) => Err(StoreError::Unavailable { what: "no answer in time".into() }),
    }
}
