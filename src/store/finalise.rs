//! The end of an interview: one transaction for its status, what was still to be projected, and the job that makes the
//! report. Must never leave an interview over without its report queued.

use super::{Lease, NewEvent, Projection, SessionStatus, Store, StoreError};
use crate::interview::EndReason;
use chrono::{DateTime, Utc};

/// How an interview ended, and what is still to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Finalised {
    /// A final one.
    pub status: SessionStatus,
    pub end_reason: EndReason,
    pub at: DateTime<Utc>,
    /// The last events, the first of them numbered `first_seq` (which is not looked at when there are none).
    pub first_seq: i64,
    pub events: Vec<NewEvent>,
    pub projections: Vec<Projection>,
}

impl Store {
    /// Ends an interview, gives up its lease and queues its report, all or nothing. Safe to repeat.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when the lease is lost; [`StoreError::Conflict`] when the events' numbers are taken.
    pub async fn finalise(&self, lease: &Lease, end: &Finalised) -> Result<(), StoreError> {
        let _ = (lease, end);
        self.later().await
    }
}
