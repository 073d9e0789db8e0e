//! What an interview consumed, by provider. Written as projections of the log, by id.

use super::{Store, StoreError};
use crate::id::SessionId;
use chrono::{NaiveDate, NaiveTime};
use sqlx::PgConnection;
use uuid::Uuid;

/// What one provider did for one interview.
#[derive(Clone, Debug, PartialEq)]
pub struct UsageRow {
    pub id: Uuid,
    /// `stt`, `llm`, `tts`, `vad` or `room`.
    pub part: String,
    pub provider: String,
    /// Of sound, heard or spoken.
    pub seconds: f64,
    pub tokens_in: i64,
    pub tokens_out: i64,
    /// Millionths of a US dollar; absent where no price is known.
    pub cost_micro_usd: Option<i64>,
}

impl Store {
    /// What an interview consumed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn usage(&self, session: SessionId) -> Result<Vec<UsageRow>, StoreError> {
        let rows = sqlx::query_as!(
            UsageRow,
            "select id, part, provider, seconds, tokens_in, tokens_out, cost_micro_usd
             from usage where session_id = $1 order by part, provider, id",
            session.0,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows)
    }

    /// What was spent on a day (UTC), by all interviews of all nodes, millionths of a US dollar.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn spent_on(&self, day: NaiveDate) -> Result<u64, StoreError> {
        let from = day.and_time(NaiveTime::MIN).and_utc();
        let spent = sqlx::query_scalar!(
            r#"select coalesce(sum(cost_micro_usd), 0)::bigint as "spent!" from usage
               where created_at >= $1 and created_at < $1 + interval '1 day'"#,
            from,
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(u64::try_from(spent).unwrap_or(0))
    }
}

pub(super) async fn upsert(
    connection: &mut PgConnection,
    session: SessionId,
    row: &UsageRow,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into usage (id, session_id, part, provider, seconds, tokens_in, tokens_out, cost_micro_usd)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (id) do update set seconds = excluded.seconds, tokens_in = excluded.tokens_in,
            tokens_out = excluded.tokens_out, cost_micro_usd = excluded.cost_micro_usd
         where usage.session_id = excluded.session_id",
        row.id,
        session.0,
        row.part,
        row.provider,
        row.seconds,
        row.tokens_in,
        row.tokens_out,
        row.cost_micro_usd,
    )
    .execute(connection)
    .await?;
    Ok(())
}
