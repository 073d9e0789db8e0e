//! The writing of one session's event log: a task that owns the sequence, writes batches in order, retries while the
//! database is away, and tells the session how far the log is durable. Must never reorder, skip, or invent an event, and
//! goes silent at once when fenced (another node owns the session).

use super::Work;
use super::event::SessionEvent;
use crate::clock::Clock;
use crate::store::{Lease, NewEvent, Projection, Store, StoreError};
use futures::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Entries that may wait for the database: at ten a second, over a minute of its absence.
pub const JOURNAL_ENTRIES_MAX: usize = 1_024;
/// Entries written in one transaction.
const BATCH_ENTRIES_MAX: usize = 128;
/// How long the database may be away before the session is given up, s. Nothing acknowledged is lost: what waits was
/// not acknowledged.
pub const DATABASE_AWAY_MAX_S: u64 = 45;
/// Wait between two tries, ms.
const RETRY_MS: u64 = 400;
/// An append that takes longer is told to the candidate, ms; the usual one takes less than ten.
const SLOW_MS: u64 = 2_500;

/// One thing for the log, with what is to be kept of it in other tables.
#[derive(Debug)]
pub struct Entry {
    pub seq: i64,
    pub event: SessionEvent,
    pub at_ms: u64,
    pub projections: Vec<Projection>,
}

/// Where entries go. Real sessions write to Postgres; tests on a paused clock keep them in memory.
pub trait Record: Send + Sync {
    /// Writes events from `first_seq` on, and their projections, in one transaction; safe to repeat.
    fn append(
        &self,
        first_seq: i64,
        events: Vec<NewEvent>,
        projections: Vec<Projection>,
    ) -> BoxFuture<'static, Result<(), StoreError>>;
}

/// The record in Postgres, fenced by the session's lease.
pub struct StoreRecord {
    pub store: Store,
    pub lease: Lease,
}

impl Record for StoreRecord {
    fn append(
        &self,
        first_seq: i64,
        events: Vec<NewEvent>,
        projections: Vec<Projection>,
    ) -> BoxFuture<'static, Result<(), StoreError>> {
        let (store, lease) = (self.store.clone(), self.lease.clone());
        Box::pin(async move { store.append_at(&lease, first_seq, &events, &projections).await.map(|_| ()) })
    }
}

/// What became of the log.
#[derive(Clone, PartialEq, Debug)]
pub enum JournalReport {
    /// Everything up to this is durable.
    Durable(i64),
    /// The database is away; tries go on.
    Waiting,
    /// Another node owns the session: stop at once.
    Fenced,
    /// The database was away too long: the session stops, to be taken up again later.
    Away,
    /// The database refuses the entries.
    Failed(String),
}

/// Writes until the sender is dropped and the queue is empty.
pub(super) async fn write(
    record: Arc<dyn Record>,
    clock: Clock,
    mut entries: mpsc::Receiver<Entry>,
    reports: mpsc::Sender<Work>,
) {
    let mut batch = Vec::with_capacity(BATCH_ENTRIES_MAX);
    while entries.recv_many(&mut batch, BATCH_ENTRIES_MAX).await > 0 {
        let first_seq = batch[0].seq;
        let last_seq = batch[batch.len() - 1].seq;
        let now = clock.now();
        let mut events = Vec::with_capacity(batch.len());
        let mut projections = Vec::new();
        for entry in batch.drain(..) {
            let (kind, payload) = entry.event.to_row(entry.at_ms);
            events.push(NewEvent { kind: kind.into(), at: now, payload });
            projections.extend(entry.projections);
        }
        let report = append(&record, first_seq, events, projections, &reports).await;
        let ended = !matches!(report, JournalReport::Durable(_));
        let report = if ended { report } else { JournalReport::Durable(last_seq) };
        if reports.send(Work::Journal(report)).await.is_err() || ended {
            return;
        }
    }
}

/// False if nobody is there to be told.
async fn tell_waiting(reports: &mpsc::Sender<Work>) -> bool {
    tracing::warn!("the database is away; a session waits");
    reports.send(Work::Journal(JournalReport::Waiting)).await.is_ok()
}

async fn append(
    record: &Arc<dyn Record>,
    first_seq: i64,
    events: Vec<NewEvent>,
    projections: Vec<Projection>,
    reports: &mpsc::Sender<Work>,
) -> JournalReport {
    let give_up = tokio::time::Instant::now() + Duration::from_secs(DATABASE_AWAY_MAX_S);
    let mut told = false;
    loop {
        let mut call = std::pin::pin!(record.append(first_seq, events.clone(), projections.clone()));
        let written = match tokio::time::timeout(Duration::from_millis(SLOW_MS), &mut call).await {
            Ok(written) => written,
            Err(_) => {
                // A database that stands still answers nothing at all; the candidate need not wait to be told.
                if !std::mem::replace(&mut told, true) && !tell_waiting(reports).await {
                    return JournalReport::Failed("the session is gone".into());
                }
                call.await
            }
        };
        match written {
            Ok(()) => return JournalReport::Durable(first_seq),
            Err(StoreError::Fenced) => return JournalReport::Fenced,
            Err(error @ StoreError::Unavailable { .. }) if tokio::time::Instant::now() < give_up => {
                tracing::debug!(%error, "an append failed and is tried again");
                if !std::mem::replace(&mut told, true) && !tell_waiting(reports).await {
                    return JournalReport::Failed("the session is gone".into());
                }
                tokio::time::sleep(Duration::from_millis(RETRY_MS)).await;
            }
            Err(StoreError::Unavailable { .. }) => return JournalReport::Away,
            Err(error @ (StoreError::NotFound | StoreError::Conflict { .. } | StoreError::Invalid { .. })) => {
                return JournalReport::Failed(error.to_string());
            }
        }
    }
}
