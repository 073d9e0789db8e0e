//! The durable queue in Postgres, and the worker that takes from it. A job is delivered at least once: its handler must
//! be safe to repeat. Must never run a report for ever: it is parked after [`ATTEMPTS_MAX_TRIES`].

use crate::id::SessionId;
use crate::store::{Store, StoreError};
use futures::future::BoxFuture;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// How often the report of one interview is tried before it is parked. The queue's own count does not rise when a job
/// kills its process, so this is counted beside it.
pub const ATTEMPTS_MAX_TRIES: i32 = 5;

/// Makes the report of one interview; the error is for the record and the log, without a candidate's words.
pub type MakeReport = Arc<dyn Fn(SessionId) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Why the worker could not be started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the job queue: {what}")]
    Queue { what: String },
}

/// A worker under way.
#[derive(Debug)]
pub struct Worker {
    task: tokio::task::JoinHandle<Result<(), JobError>>,
}

/// Starts a worker that makes reports, until `stop` is cancelled.
///
/// # Errors
/// [`JobError`] when the queue cannot be set up.
pub async fn start(store: &Store, make_report: MakeReport, stop: CancellationToken) -> Result<Worker, JobError> {
    let _ = (store, make_report, stop);
    Err(JobError::Queue { what: "not written yet".into() })
}

impl Worker {
    /// Waits until the worker has stopped; what it was doing is finished first, or left to another.
    ///
    /// # Errors
    /// [`JobError`] when the worker stopped by itself.
    pub async fn wait(self) -> Result<(), JobError> {
        match self.task.await {
            Ok(result) => result,
            Err(error) => Err(JobError::Queue { what: error.to_string() }),
        }
    }
}
