//! The server processes, each by its heartbeat. Must never trust a node's clock.

use super::{Store, StoreError};
use crate::id::NodeId;
use chrono::{DateTime, Utc};
use std::time::Duration;

/// A server process.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeRow {
    pub id: NodeId,
    /// Where browsers reach it.
    pub public_url: String,
    pub version: String,
    /// How many interviews it takes at once.
    pub capacity: i32,
    /// How many it has.
    pub load: i32,
    pub draining: bool,
    pub heartbeat_at: DateTime<Utc>,
}

impl Store {
    /// Says that a node is alive; its `heartbeat_at` is the database's time, not the caller's.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn heartbeat(&self, node: &NodeRow) -> Result<(), StoreError> {
        let _ = node;
        self.later().await
    }

    /// The nodes that were heard of within `window`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn nodes(&self, window: Duration) -> Result<Vec<NodeRow>, StoreError> {
        let _ = window;
        self.later().await
    }

    /// A node says goodbye.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn remove_node(&self, node: NodeId) -> Result<(), StoreError> {
        let _ = node;
        self.later().await
    }
}
