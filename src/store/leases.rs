//! Who owns an interview: one node at a time, by a lease that the database's clock ends. Must never trust a node's clock.

use super::{Store, StoreError};
use crate::id::{NodeId, SessionId};
use std::time::Duration;

/// The right to write to one interview. An older epoch writes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub session: SessionId,
    pub node: NodeId,
    pub epoch: i64,
    /// What the first event under this lease is numbered; the owner counts on from there.
    pub first_seq: i64,
}

impl Store {
    /// Takes an interview that is not over and that nobody owns, or whose owner let the lease run out.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn claim(&self, id: SessionId, node: NodeId, lease: Duration) -> Result<Option<Lease>, StoreError> {
        let _ = (id, node, lease);
        self.later().await
    }

    /// Renews every lease of a node; what is not returned is no longer its own.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn renew(&self, node: NodeId, lease: Duration) -> Result<Vec<SessionId>, StoreError> {
        let _ = (node, lease);
        self.later().await
    }

    /// Gives an interview back, to be claimed by anybody. Does nothing if it is owned by another by now.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        let _ = lease;
        self.later().await
    }

    /// Interviews that were under way (or waited in a room) and that nobody owns any more, the longest forsaken first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn orphans(&self, limit: u32) -> Result<Vec<SessionId>, StoreError> {
        let _ = limit;
        self.later().await
    }
}
