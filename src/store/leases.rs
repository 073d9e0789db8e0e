//! Who owns an interview: one node at a time, by a lease that the database's clock ends. Must never trust a node's clock.

use super::{Store, StoreError, limited};
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
        limited(async {
            let claimed = sqlx::query!(
                "update interview_sessions
                 set owner = $2, epoch = epoch + 1, lease_until = clock_timestamp() + make_interval(secs => $3)
                 where id = $1 and status in ('scheduled', 'waiting', 'active', 'paused')
                   and (owner is null or lease_until < clock_timestamp())
                 returning epoch, next_seq",
                id.0,
                node.0,
                lease.as_secs_f64(),
            )
            .fetch_optional(&self.pool)
            .await?;
            Ok(claimed.map(|row| Lease { session: id, node, epoch: row.epoch, first_seq: row.next_seq }))
        })
        .await
    }

    /// Renews a node's leases of `sessions`, those that run there; what is not returned is no longer its own. A lease whose
    /// session has died is left to run out.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn renew(
        &self,
        node: NodeId,
        sessions: &[SessionId],
        lease: Duration,
    ) -> Result<Vec<SessionId>, StoreError> {
        let ids: Vec<uuid::Uuid> = sessions.iter().map(|session| session.0).collect();
        limited(async {
            let ours = sqlx::query_scalar!(
                r#"update interview_sessions
                 set lease_until = clock_timestamp() + make_interval(secs => $2)
                 where owner = $1 and id = any($3)
                 returning id as "id: SessionId""#,
                node.0,
                lease.as_secs_f64(),
                &ids,
            )
            .fetch_all(&self.pool)
            .await?;
            Ok(ours)
        })
        .await
    }

    /// Gives an interview back, to be claimed by anybody. Does nothing if it is owned by another by now.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        limited(async {
            sqlx::query!(
                "update interview_sessions set owner = null, lease_until = null
                 where id = $1 and owner = $2 and epoch = $3",
                lease.session.0,
                lease.node.0,
                lease.epoch,
            )
            .execute(&self.pool)
            .await?;
            Ok(())
        })
        .await
    }

    /// Interviews that were under way (or waited in a room) and that nobody owns any more, the longest forsaken first.
    /// Written ones have no owner between two steps: they are left for `written_h` hours before they are forsaken.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn orphans(&self, limit: u32, written_h: u32) -> Result<Vec<SessionId>, StoreError> {
        limited(async {
            let ids = sqlx::query_scalar!(
                r#"select id as "id: SessionId" from interview_sessions
                 where ((status in ('waiting', 'active', 'paused') and lease_until < clock_timestamp())
                    or (status in ('active', 'paused') and owner is null))
                   and (mode <> 'text' or updated_at < clock_timestamp() - make_interval(hours => $2))
                 order by lease_until nulls first, id limit $1"#,
                i64::from(limit),
                i32::try_from(written_h).unwrap_or(i32::MAX),
            )
            .fetch_all(&self.pool)
            .await?;
            Ok(ids)
        })
        .await
    }
}
