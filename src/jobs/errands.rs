//! The worker for what takes little but waits for others: telling webhooks, removing files, deleting what is old. Apart
//! from the one that makes reports, so that a slow receiver keeps nobody's report waiting.

use super::queue::{self, Define, JobError, Worker, queue_error};
use super::retention::{Periods, Retention, remove};
use super::webhook::{Outcome, Sender};
use crate::clock::Clock;
use crate::id::{DeliveryId, SessionId};
use crate::room::daily::Remains;
use crate::store::{DeliveryState, FILES_JOB, FORGET_JOB, ROOM_JOB, Store, WEBHOOK_JOB};
use graphile_worker::{IntoTaskHandlerResult, TaskHandler, WorkerContext};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// How many errands are run at once on one node: most of the time they wait for somebody else's server.
const CONCURRENCY_JOBS: usize = 4;
/// When what is old is deleted: at night (UTC), off the full hour. On one node alone; after a night off, on the next.
const RETENTION_CRON: &str = "17 3 * * * retention";

/// What the errands need.
#[derive(Clone)]
pub struct Errands {
    pub store: Store,
    pub sender: Sender,
    /// How often a delivery is tried before it is given up.
    pub attempts_max: u32,
    pub periods: Periods,
    /// Where sound files lie.
    pub recordings: PathBuf,
    /// The way to what lies at Daily, if there is one.
    pub daily: Option<Arc<dyn Remains>>,
    pub clock: Clock,
}

impl std::fmt::Debug for Errands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Errands")
    }
}

/// Starts the worker, until `stop` is cancelled.
///
/// # Errors
/// [`JobError`] when the queue cannot be set up.
pub async fn start(errands: Errands, stop: CancellationToken) -> Result<Worker, JobError> {
    let store = errands.store.clone();
    let errands = Arc::new(errands);
    let define: Define = Box::new(move |options| {
        let options = options
            .add_extension(errands.clone())
            .define_job::<Deliver>()
            .define_job::<RemoveFiles>()
            .define_job::<RemoveDailyRecording>()
            .define_job::<RemoveDailyRoom>()
            .define_job::<DeleteOld>();
        options.with_cron(RETENTION_CRON).map_err(queue_error)
    });
    queue::keep(&store, CONCURRENCY_JOBS, define, stop).await
}

fn errands(context: &WorkerContext) -> Arc<Errands> {
    context.get_ext::<Arc<Errands>>().expect("start() gives every worker its errands").clone()
}

/// The job: one attempt to deliver an event.
#[derive(Serialize, Deserialize)]
struct Deliver {
    delivery: DeliveryId,
}

impl TaskHandler for Deliver {
    const IDENTIFIER: &'static str = WEBHOOK_JOB;

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        errands(&context).deliver(self.delivery).await
    }
}

/// The job: remove sound files whose rows are gone.
#[derive(Serialize, Deserialize)]
struct RemoveFiles {
    files: Vec<String>,
}

impl TaskHandler for RemoveFiles {
    const IDENTIFIER: &'static str = FILES_JOB;

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let errands = errands(&context);
        for file in &self.files {
            remove(&errands.recordings, file).await.map_err(|error| error.to_string())?;
        }
        tracing::info!(files = self.files.len(), "files of what was erased are removed");
        Ok::<(), String>(())
    }
}

/// The job: delete a recording at Daily whose row is gone.
#[derive(Serialize, Deserialize)]
struct RemoveDailyRecording {
    recording: String,
}

impl TaskHandler for RemoveDailyRecording {
    const IDENTIFIER: &'static str = FORGET_JOB;

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let recording = self.recording;
        // Without a key the job stays in the queue as failed, for an operator to see.
        let Some(daily) = errands(&context).daily.clone() else {
            return Err(format!("the recording {recording} at Daily is to be deleted, and there is no API key"));
        };
        daily.delete_recording(&recording).await?;
        tracing::info!(recording, "a recording at Daily of what was erased is deleted");
        Ok::<(), String>(())
    }
}

/// The job: delete the room at Daily of an interview that is over, or erased.
#[derive(Serialize, Deserialize)]
struct RemoveDailyRoom {
    session: SessionId,
}

impl TaskHandler for RemoveDailyRoom {
    const IDENTIFIER: &'static str = ROOM_JOB;

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let session = self.session;
        let Some(daily) = errands(&context).daily.clone() else {
            tracing::warn!(%session, "a Daily room is left to expire: there is no API key any more");
            return Ok::<(), String>(());
        };
        daily.delete_room(session).await?;
        tracing::info!(%session, "the Daily room is deleted");
        Ok(())
    }
}

/// The job: delete what was kept long enough.
#[derive(Serialize, Deserialize)]
struct DeleteOld {}

impl TaskHandler for DeleteOld {
    const IDENTIFIER: &'static str = "retention";

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let errands = errands(&context);
        let retention = Retention {
            store: errands.store.clone(),
            periods: errands.periods,
            recordings: errands.recordings.clone(),
            now: errands.clock.now(),
        };
        let deleted = retention.run().await.map_err(|error| error.to_string())?;
        tracing::info!(?deleted, "what was kept long enough is deleted");
        Ok::<(), String>(())
    }
}

impl Errands {
    /// One attempt. An error sends the job back to the queue, which tries again after a growing pause.
    async fn deliver(&self, id: DeliveryId) -> Result<(), String> {
        let pending = self.store.begin_delivery(id).await.map_err(|error| error.to_string())?;
        let Some(pending) = pending else {
            tracing::info!(delivery = %id, "nothing to deliver any more");
            return Ok(());
        };
        let attempt = pending.attempt;
        let outcome = self.sender.send(&pending, self.clock.now()).await;
        let is_last = u32::try_from(attempt).is_ok_and(|attempt| attempt >= self.attempts_max);
        let (state, status, error) = match &outcome {
            Outcome::Taken { status } => (DeliveryState::Delivered, Some(*status), None),
            Outcome::Refused { status } => {
                (DeliveryState::Pending, Some(*status), Some("the receiver refused it".to_owned()))
            }
            Outcome::Unreached { why } => (DeliveryState::Pending, None, Some(why.clone())),
        };
        let state = if state == DeliveryState::Pending && is_last { DeliveryState::Failed } else { state };
        self.store.end_delivery(id, state, status, error.as_deref()).await.map_err(|error| error.to_string())?;
        match state {
            DeliveryState::Delivered => {
                tracing::info!(delivery = %id, attempt, "a webhook is told");
                Ok(())
            }
            DeliveryState::Failed => {
                tracing::error!(delivery = %id, attempt, "the delivery to a webhook is given up");
                Ok(())
            }
            DeliveryState::Pending => {
                tracing::warn!(delivery = %id, attempt, ?status, "a webhook was not told, it is tried again");
                Err(error.unwrap_or_default())
            }
        }
    }
}
