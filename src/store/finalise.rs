//! The end of an interview: one transaction for its status, what was still to be projected, and the job that makes the
//! report. Must never leave an interview over without its report queued (a plain conversation has none).

use super::events::Rows;
use super::{Lease, NewEvent, Projection, SessionStatus, Store, StoreError, Word, limited, projections};
use crate::id::SessionId;
use crate::interview::EndReason;
use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;

/// What the job that makes reports is called in the queue.
pub const REPORT_JOB: &str = "evaluate";

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
        if !end.status.is_final() {
            return Err(StoreError::Invalid { what: format!("{} is no end", end.status) });
        }
        let rows = Rows::of(&end.events);
        limited(async {
            let mut transaction = self.pool.begin().await?;
            let fenced = sqlx::query_scalar!(
                r#"update interview_sessions
                 set status = $4, end_reason = $5, end_time = $6, owner = null, lease_until = null,
                     next_seq = next_seq + $8, report_attempts = 0, report_error = null,
                     report_state = case when plan ? 'conversation' then 'none' else 'queued' end
                 where id = $1 and owner = $2 and epoch = $3 and ($8::bigint = 0 or next_seq = $7)
                   and status in ('scheduled', 'waiting', 'active', 'paused')
                 returning plan ? 'conversation' as "is_plain!""#,
                lease.session.0,
                lease.node.0,
                lease.epoch,
                end.status.word(),
                end.end_reason.word(),
                end.at,
                end.first_seq,
                rows.count(),
            )
            .fetch_optional(&mut *transaction)
            .await?;
            let Some(is_plain) = fenced else {
                return refused(&mut transaction, lease, end.first_seq).await;
            };
            rows.insert(&mut transaction, lease, end.first_seq).await?;
            projections::apply(&mut transaction, lease.session, &end.projections).await?;
            // A conversation without a plan has nothing to report on.
            if !is_plain {
                queue_report(&mut transaction, lease.session).await?;
            }
            transaction.commit().await?;
            Ok(())
        })
        .await
    }
}

/// Queues the report of an interview, once however often it is asked for.
pub(super) async fn queue_report(connection: &mut PgConnection, session: SessionId) -> Result<(), StoreError> {
    sqlx::query!(
        "select queue_job($1, $2, $3)",
        REPORT_JOB,
        json!({ "session": session }),
        format!("report:{session}"),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The fence let nothing through: over already by this same lease (an answer was lost), miscounted, or no longer ours.
async fn refused(connection: &mut PgConnection, lease: &Lease, first_seq: i64) -> Result<(), StoreError> {
    let row = sqlx::query!(
        r#"select status as "status: SessionStatus", owner, next_seq from interview_sessions where id = $1 and epoch = $2"#,
        lease.session.0,
        lease.epoch,
    )
    .fetch_optional(connection)
    .await?;
    match row {
        Some(row) if row.status.is_final() => Ok(()),
        Some(row) if row.owner == Some(lease.node.0) => {
            Err(StoreError::Conflict { what: format!("event {first_seq} is not next, {} is", row.next_seq) })
        }
        Some(_) | None => Err(StoreError::Fenced),
    }
}
