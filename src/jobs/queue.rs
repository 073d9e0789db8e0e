//! The durable queue in Postgres, and the worker that takes from it. A job is delivered at least once: its handler must
//! be safe to repeat. Must never run a report for ever: it is parked after [`ATTEMPTS_MAX_TRIES`].

use crate::id::SessionId;
use crate::store::{REPORT_JOB, Store, StoreError};
use futures::future::BoxFuture;
use graphile_worker::{IntoTaskHandlerResult, TaskHandler, WorkerContext, WorkerOptions, WorkerRecoveryConfig};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// How often the report of one interview is tried before it is parked. The queue's own count does not rise when a job
/// kills its process, so this is counted beside it.
pub const ATTEMPTS_MAX_TRIES: i32 = 5;

/// How many reports are made at once on one node: one, for it competes with conversations for processor and model.
const CONCURRENCY_JOBS: usize = 1;

/// Connections of the worker's own pool: one listens, one beats, two work. Apart from the store's, so that jobs never
/// keep an interview waiting.
const CONNECTIONS_MAX: u32 = 4;

/// How often the queue is looked at when no notification comes, s.
const POLL_S: u64 = 5;

/// How often a worker says that it is alive, s.
const HEARTBEAT_S: u64 = 5;

/// How often workers look for dead ones, s.
const SWEEP_S: u64 = 5;

/// How long a worker may be silent before its jobs go to others, s: six missed heartbeats.
const SILENCE_LIMIT_S: u64 = 30;

/// How long a job of a dead worker rests before it runs again, s.
const RECOVERY_DELAY_S: u64 = 1;

/// How long a job may go on after the server was asked to stop, s; then it is left to the next start.
const STOP_GRACE_S: u64 = 5;

/// How long after the worker failed it is started again, s.
const RESTART_PAUSE_S: u64 = 2;

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
    task: tokio::task::JoinHandle<()>,
}

/// What a worker knows to do: adds its jobs to the worker's options.
pub(super) type Define = Box<dyn Fn(WorkerOptions) -> Result<WorkerOptions, JobError> + Send + Sync>;

/// Starts a worker that makes reports, until `stop` is cancelled. It starts again by itself after the database was away.
///
/// # Errors
/// [`JobError`] when the queue cannot be set up.
pub async fn start(store: &Store, make_report: MakeReport, stop: CancellationToken) -> Result<Worker, JobError> {
    let reports = Reports { store: store.clone(), make: make_report };
    let define: Define = Box::new(move |options| Ok(options.add_extension(reports.clone()).define_job::<Evaluate>()));
    keep(store, CONCURRENCY_JOBS, define, stop).await
}

/// Keeps a worker with `concurrency` jobs at once under way, until `stop` is cancelled.
pub(super) async fn keep(
    store: &Store,
    concurrency: usize,
    define: Define,
    stop: CancellationToken,
) -> Result<Worker, JobError> {
    let pool = store.pool_of(CONNECTIONS_MAX).await?;
    let first = worker(&pool, concurrency, &define, &stop).await?;
    let task = tokio::spawn(async move {
        let mut current = Some(first);
        while !stop.is_cancelled() {
            let ended = match current.take() {
                Some(worker) => worker.run().await.map_err(queue_error),
                None => worker(&pool, concurrency, &define, &stop).await.map(|worker| current = Some(worker)),
            };
            if let Err(error) = ended {
                warn!(%error, "the job queue's worker stopped, it is started again");
                let pause = tokio::time::sleep(Duration::from_secs(RESTART_PAUSE_S));
                let _ = stop.run_until_cancelled(pause).await;
            }
        }
        pool.close().await;
    });
    Ok(Worker { task })
}

async fn worker(
    pool: &PgPool,
    concurrency: usize,
    define: &Define,
    stop: &CancellationToken,
) -> Result<graphile_worker::Worker, JobError> {
    let recovery = WorkerRecoveryConfig::default()
        .enabled(true)
        .heartbeat_interval(Duration::from_secs(HEARTBEAT_S))
        .sweep_interval(Duration::from_secs(SWEEP_S))
        .sweep_threshold(Duration::from_secs(SILENCE_LIMIT_S))
        .recovery_delay(Duration::from_secs(RECOVERY_DELAY_S));
    let options = WorkerOptions::default()
        .pg_pool(pool.clone())
        .concurrency(concurrency)
        .poll_interval(Duration::from_secs(POLL_S))
        .worker_recovery(recovery)
        .listen_os_shutdown_signals(false)
        .shutdown_grace_period(Duration::from_secs(STOP_GRACE_S))
        .shutdown_interrupted_job_retry_delay(Duration::from_secs(RECOVERY_DELAY_S))
        .shutdown_signal(stop.clone().cancelled_owned());
    define(options)?.init().await.map_err(queue_error)
}

pub(super) fn queue_error(error: impl std::fmt::Display) -> JobError {
    JobError::Queue { what: error.to_string() }
}

impl Worker {
    /// Waits until the worker has stopped; what it was doing is finished first, or left to another.
    ///
    /// # Errors
    /// [`JobError`] when the worker died.
    pub async fn wait(self) -> Result<(), JobError> {
        self.task.await.map_err(queue_error)
    }
}

/// What the job needs beside its payload.
#[derive(Clone)]
struct Reports {
    store: Store,
    make: MakeReport,
}

impl std::fmt::Debug for Reports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reports")
    }
}

/// The job: evaluate one interview.
#[derive(Serialize, Deserialize)]
struct Evaluate {
    session: SessionId,
}

impl TaskHandler for Evaluate {
    const IDENTIFIER: &'static str = REPORT_JOB;

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let reports = context.get_ext::<Reports>().expect("start() gives every worker its reports").clone();
        reports.attempt(self.session).await
    }
}

impl Reports {
    /// One attempt. An error sends the job back to the queue, which tries again after a growing pause.
    async fn attempt(&self, session: SessionId) -> Result<(), String> {
        let attempt = match self.store.begin_report(session).await {
            Ok(attempt) => attempt,
            Err(StoreError::NotFound) => {
                info!(%session, "the interview of a queued report is gone");
                return Ok(());
            }
            Err(error) => return Err(error.to_string()),
        };
        if attempt > ATTEMPTS_MAX_TRIES {
            error!(%session, attempt, "the report is given up: every attempt ended its process");
            return self.fail(session, "every attempt ended its process", true).await;
        }
        match (self.make)(session).await {
            Ok(()) => {
                info!(%session, attempt, "the report is made");
                Ok(())
            }
            Err(reason) if attempt == ATTEMPTS_MAX_TRIES => {
                error!(%session, attempt, reason, "the report is given up");
                self.fail(session, &reason, true).await
            }
            Err(reason) => {
                warn!(%session, attempt, reason, "the report could not be made, it is tried again");
                self.fail(session, &reason, false).await?;
                Err(reason)
            }
        }
    }

    async fn fail(&self, session: SessionId, reason: &str, give_up: bool) -> Result<(), String> {
        self.store.fail_report(session, reason, give_up).await.map_err(|error| error.to_string())
    }
}
