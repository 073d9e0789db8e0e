//! The end of keeping: deletes of each kind of data what is older than its period, in small bites so that nobody waits for
//! a lock. Safe to repeat and to break off. Must never touch an interview that is not over.

use crate::store::{Store, StoreError};
use chrono::{DateTime, Utc};
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

/// Interviews, files or rows of one bite.
const BITE: u32 = 50;
/// How long a refresh token that has run out is kept, so that its use can still be told from an unknown one, days.
const TOKEN_DAYS: u32 = 30;

/// How long each kind is kept after its interview, days; 0 keeps it for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Periods {
    pub recording_days: u32,
    pub words_days: u32,
    pub report_days: u32,
    pub audit_days: u32,
    pub delivery_days: u32,
}

/// How many of each kind were deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    pub recordings: u64,
    /// Interviews that lost transcript, log and code.
    pub words: u64,
    pub reports: u64,
    pub audit_lines: u64,
    pub deliveries: u64,
    pub tokens: u64,
}

/// What a run needs.
pub struct Retention {
    pub store: Store,
    pub periods: Periods,
    pub recordings: PathBuf,
    pub now: DateTime<Utc>,
}

/// What is deleted as rows alone.
#[derive(Clone, Copy)]
enum Kind {
    /// The errand that each of them leaves deletes the sound at Daily.
    DailyRecordings,
    Words,
    Reports,
    Audit,
    Deliveries,
    Tokens,
}

/// Why a run broke off; the next one goes on.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a recording cannot be removed: {0}")]
    File(#[from] std::io::Error),
}

impl Retention {
    /// Deletes everything whose time is over.
    ///
    /// # Errors
    /// [`RetentionError`] at the first that could not be deleted.
    pub async fn run(&self) -> Result<Deleted, RetentionError> {
        let periods = &self.periods;
        let mut deleted = Deleted::default();
        if let Some(cutoff) = self.cutoff(periods.recording_days) {
            deleted.recordings = self.recordings(cutoff).await? + self.all(Kind::DailyRecordings, cutoff).await?;
        }
        if let Some(cutoff) = self.cutoff(periods.words_days) {
            deleted.words = self.all(Kind::Words, cutoff).await?;
        }
        if let Some(cutoff) = self.cutoff(periods.report_days) {
            deleted.reports = self.all(Kind::Reports, cutoff).await?;
        }
        if let Some(cutoff) = self.cutoff(periods.audit_days) {
            deleted.audit_lines = self.all(Kind::Audit, cutoff).await?;
        }
        if let Some(cutoff) = self.cutoff(periods.delivery_days) {
            deleted.deliveries = self.all(Kind::Deliveries, cutoff).await?;
        }
        if let Some(cutoff) = self.cutoff(TOKEN_DAYS) {
            deleted.tokens = self.all(Kind::Tokens, cutoff).await?;
        }
        Ok(deleted)
    }

    fn cutoff(&self, days: u32) -> Option<DateTime<Utc>> {
        (days > 0).then(|| self.now - chrono::Duration::days(i64::from(days)))
    }

    /// Bites until one is not full.
    async fn all(&self, kind: Kind, cutoff: DateTime<Utc>) -> Result<u64, StoreError> {
        let store = &self.store;
        let mut count = 0;
        loop {
            let deleted = match kind {
                Kind::DailyRecordings => store.delete_daily_recordings(cutoff, BITE).await?,
                Kind::Words => store.delete_words(cutoff, BITE).await?,
                Kind::Reports => store.delete_reports(cutoff, BITE).await?,
                Kind::Audit => store.delete_audit(cutoff, BITE).await?,
                Kind::Deliveries => store.delete_deliveries(cutoff, BITE).await?,
                Kind::Tokens => store.delete_tokens(cutoff, BITE).await?,
            };
            count += deleted;
            if deleted < u64::from(BITE) {
                return Ok(count);
            }
        }
    }

    /// The file goes first: a row that says that it is deleted is then true.
    async fn recordings(&self, cutoff: DateTime<Utc>) -> Result<u64, RetentionError> {
        let mut count = 0;
        loop {
            let old = self.store.old_recordings(cutoff, BITE).await?;
            for recording in &old {
                remove(&self.recordings, &recording.file).await?;
                self.store.recording_deleted(recording.id).await?;
                count += 1;
            }
            if old.len() < BITE as usize {
                return Ok(count);
            }
        }
    }
}

/// Removes a file of the recordings' folder; one that is gone already is no error, one elsewhere is left alone.
pub(super) async fn remove(folder: &Path, name: &str) -> std::io::Result<()> {
    if !Path::new(name).components().all(|component| matches!(component, Component::Normal(_))) {
        tracing::error!("a recording's row names a file outside the recordings' folder; it is left alone");
        return Ok(());
    }
    match tokio::fs::remove_file(folder.join(name)).await {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
