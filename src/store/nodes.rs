//! The server processes, each by its heartbeat. Must never trust a node's clock.

use super::{Store, StoreError, limited};
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
        limited(async {
            sqlx::query!(
                "insert into nodes (id, public_url, version, capacity, load, draining) values ($1, $2, $3, $4, $5, $6)
                 on conflict (id) do update set public_url = excluded.public_url, version = excluded.version,
                    capacity = excluded.capacity, load = excluded.load, draining = excluded.draining,
                    heartbeat_at = clock_timestamp()",
                node.id.0,
                node.public_url,
                node.version,
                node.capacity,
                node.load,
                node.draining,
            )
            .execute(&self.pool)
            .await?;
            Ok(())
        })
        .await
    }

    /// The nodes that were heard of within `window`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn nodes(&self, window: Duration) -> Result<Vec<NodeRow>, StoreError> {
        let rows = sqlx::query_as!(
            NodeRow,
            r#"select id as "id: NodeId", public_url, version, capacity, load, draining, heartbeat_at
             from nodes where heartbeat_at > clock_timestamp() - make_interval(secs => $1) order by id"#,
            window.as_secs_f64(),
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows)
    }

    /// A node says goodbye.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn remove_node(&self, node: NodeId) -> Result<(), StoreError> {
        sqlx::query!("delete from nodes where id = $1", node.0).execute(&self.pool).await?;
        Ok(())
    }
}
