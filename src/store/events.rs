//! The event log: append-only, numbered without a gap, written by the lease's holder alone. Must never change or delete
//! an event.

use super::clean::{clean_json, clean_text};
use super::{Lease, Projection, Store, StoreError, limited, projections};
use crate::id::SessionId;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
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
        let rows = Rows::of(events);
        limited(async {
            let mut transaction = self.pool.begin().await?;
            let fenced = sqlx::query_scalar!(
                "update interview_sessions set next_seq = next_seq + $5
                 where id = $1 and owner = $2 and epoch = $3 and next_seq = $4
                 returning next_seq",
                lease.session.0,
                lease.node.0,
                lease.epoch,
                first_seq,
                rows.count(),
            )
            .fetch_optional(&mut *transaction)
            .await?;
            if fenced.is_none() {
                return repeated(&mut transaction, lease, first_seq, &rows).await;
            }
            rows.insert(&mut transaction, lease, first_seq).await?;
            projections::apply(&mut transaction, lease.session, projections).await?;
            transaction.commit().await?;
            Ok(first_seq + rows.count() - 1)
        })
        .await
    }

    /// Appends events at whatever number comes next; returns the number of the last one. After
    /// [`StoreError::Unavailable`] it is not known whether they were kept: what must be kept once goes by
    /// [`Store::append_at`].
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when the lease is lost.
    pub async fn append(&self, lease: &Lease, events: &[NewEvent], projections: &[Projection]) -> Result<i64, StoreError> {
        let rows = Rows::of(events);
        limited(async {
            let mut transaction = self.pool.begin().await?;
            let next = sqlx::query_scalar!(
                "update interview_sessions set next_seq = next_seq + $4
                 where id = $1 and owner = $2 and epoch = $3
                 returning next_seq",
                lease.session.0,
                lease.node.0,
                lease.epoch,
                rows.count(),
            )
            .fetch_optional(&mut *transaction)
            .await?
            .ok_or(StoreError::Fenced)?;
            rows.insert(&mut transaction, lease, next - rows.count()).await?;
            projections::apply(&mut transaction, lease.session, projections).await?;
            transaction.commit().await?;
            Ok(next - 1)
        })
        .await
    }

    /// The events after `after_seq` (0: from the beginning), in order.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn events(&self, session: SessionId, after_seq: i64, limit: u32) -> Result<Vec<EventRow>, StoreError> {
        limited(async {
            let rows = sqlx::query_as!(
                EventRow,
                r#"select session_id as "session_id: SessionId", seq, epoch, at, kind, payload
                 from session_events where session_id = $1 and seq > $2 order by seq limit $3"#,
                session.0,
                after_seq,
                i64::from(limit),
            )
            .fetch_all(&self.pool)
            .await?;
            Ok(rows)
        })
        .await
    }
}

/// Events as columns, as they go into the log.
pub(super) struct Rows {
    kinds: Vec<String>,
    times: Vec<DateTime<Utc>>,
    payloads: Vec<Value>,
}

impl Rows {
    pub(super) fn of(events: &[NewEvent]) -> Self {
        Self {
            kinds: events.iter().map(|event| clean_text(&event.kind)).collect(),
            times: events.iter().map(|event| event.at).collect(),
            payloads: events.iter().map(|event| clean_json(&event.payload)).collect(),
        }
    }

    pub(super) fn count(&self) -> i64 {
        i64::try_from(self.kinds.len()).expect("a batch in memory is shorter than 2^63")
    }

    /// Writes them under numbers that the caller has taken in the same transaction.
    pub(super) async fn insert(&self, connection: &mut PgConnection, lease: &Lease, first_seq: i64) -> Result<(), StoreError> {
        if self.kinds.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "insert into session_events (session_id, seq, epoch, at, kind, payload)
             select $1, $2 + event.place - 1, $3, event.at, event.kind, event.payload
             from unnest($4::timestamptz[], $5::text[], $6::jsonb[]) with ordinality as event (at, kind, payload, place)",
            lease.session.0,
            first_seq,
            lease.epoch,
            &self.times,
            &self.kinds,
            &self.payloads,
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// The fence let nothing through: either the lease is lost, or these very events were written by an earlier call whose
/// answer was lost, or the caller has miscounted.
async fn repeated(connection: &mut PgConnection, lease: &Lease, first_seq: i64, rows: &Rows) -> Result<i64, StoreError> {
    let ours = sqlx::query_scalar!(
        "select next_seq from interview_sessions where id = $1 and owner = $2 and epoch = $3",
        lease.session.0,
        lease.node.0,
        lease.epoch,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(next_seq) = ours else { return Err(StoreError::Fenced) };
    let same = sqlx::query_scalar!(
        r#"select count(*) as "count!"
         from unnest($4::text[], $5::jsonb[]) with ordinality as event (kind, payload, place)
         join session_events stored on stored.session_id = $1 and stored.seq = $2 + event.place - 1
         where stored.epoch = $3 and stored.kind = event.kind and stored.payload = event.payload"#,
        lease.session.0,
        first_seq,
        lease.epoch,
        &rows.kinds,
        &rows.payloads,
    )
    .fetch_one(connection)
    .await?;
    if rows.count() > 0 && same == rows.count() {
        return Ok(first_seq + rows.count() - 1);
    }
    Err(StoreError::Conflict { what: format!("event {first_seq} is not next, {next_seq} is") })
}
