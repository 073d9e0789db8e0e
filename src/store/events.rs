//! The event log: append-only, numbered without a gap, written by the lease's holder alone. Must never change or delete
//! an event.

use super::{Lease, Projection, Store, StoreError};
use crate::id::SessionId;
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::borrow::Cow;

/// An event to be appended.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// Such as `utterance.committed`.
    pub kind: Cow<'static, str>,
    pub at: DateTime<Utc>,
    pub payload: Value,
}

/// An event of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
    pub session_id: SessionId,
    pub seq: i64,
    pub epoch: i64,
    pub at: DateTime<Utc>,
    pub kind: String,
    pub payload: Value,
}

impl Store {
    /// Appends events, and what is projected from them, in one transaction; returns the number of the last one. The
    /// first one is numbered `first_seq`, which makes the call safe to repeat after [`StoreError::Unavailable`]: if
    /// these same events are there already, that is a success.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when the lease is lost; [`StoreError::Conflict`] when other events have these numbers.
    pub async fn append_at(&self, lease: &Lease, first_seq: i64, events: &[NewEvent], projections: &[Projection]) -> Result<i64, StoreError> {
        let _ = (lease, first_seq, events, projections);
        self.later().await
    }

    /// Appends events at whatever number comes next; returns the number of the last one. After
    /// [`StoreError::Unavailable`] it is not known whether they were kept: what must be kept once goes by
    /// [`Store::append_at`].
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when the lease is lost.
    pub async fn append(&self, lease: &Lease, events: &[NewEvent], projections: &[Projection]) -> Result<i64, StoreError> {
        let _ = (lease, events, projections);
        self.later().await
    }

    /// The events after `after_seq` (0: from the beginning), in order.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn events(&self, session: SessionId, after_seq: i64, limit: u32) -> Result<Vec<EventRow>, StoreError> {
        let _ = (session, after_seq, limit);
        self.later().await
    }
}
