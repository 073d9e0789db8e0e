//! Who is told of what, and how far each telling is. The events themselves are noted by the database (migration 0037).
//! Must never show a secret but to what signs with it.

use super::clean::clean_text;
use super::{DeliveryState, Store, StoreError, Word, limited};
use crate::id::{DeliveryId, SessionId, UserId, WebhookId};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// What the job that delivers an event is called in the queue.
pub const WEBHOOK_JOB: &str = "webhook";

/// A receiver to be added.
#[derive(Clone, PartialEq, Eq)]
pub struct NewWebhook {
    pub id: WebhookId,
    pub url: String,
    pub secret: Vec<u8>,
    pub events: Vec<String>,
    pub created_by: UserId,
}

/// A receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookRow {
    pub id: WebhookId,
    pub url: String,
    pub events: Vec<String>,
    pub active: bool,
    pub created_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What of a receiver is to change; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookChange {
    pub url: Option<String>,
    pub events: Option<Vec<String>>,
    pub active: Option<bool>,
}

/// An event on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct DeliveryRow {
    pub id: DeliveryId,
    pub session_id: Option<SessionId>,
    pub event: String,
    pub payload: Value,
    pub state: DeliveryState,
    pub attempts: i32,
    pub response_status: Option<i32>,
    pub response_error: Option<String>,
    pub delivered_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

/// What is needed to deliver an event.
#[derive(Clone, PartialEq)]
pub struct PendingDelivery {
    pub id: DeliveryId,
    pub url: String,
    pub secret: Vec<u8>,
    pub event: String,
    pub payload: Value,
    /// The number of this attempt, from 1.
    pub attempt: i32,
}

macro_rules! delivery {
    ($rest:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            DeliveryRow,
            r#"select id as "id: DeliveryId", session_id as "session_id: SessionId", event, payload,
                state as "state: DeliveryState", attempts, response_status, response_error, delivered_at, created_at
               from webhook_deliveries "# + $rest
            $(, $argument)*
        )
    };
}

impl Store {
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn create_webhook(&self, new: &NewWebhook) -> Result<WebhookRow, StoreError> {
        sqlx::query!(
            "insert into webhooks (id, url, secret, events, created_by)
             values ($1, $2, $3, $4, (select id from users where id = $5))",
            new.id.0,
            new.url,
            new.secret,
            &new.events,
            new.created_by.0,
        )
        .execute(&self.pool)
        .await?;
        self.webhook(new.id).await
    }

    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn webhook(&self, id: WebhookId) -> Result<WebhookRow, StoreError> {
        let row = sqlx::query_as!(
            WebhookRow,
            r#"select id as "id: WebhookId", url, events, active, created_by as "created_by: UserId", created_at, updated_at
             from webhooks where id = $1"#,
            id.0,
        );
        Ok(row.fetch_one(&self.pool).await?)
    }

    /// The newest first; `before` is the last id of the page before.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn webhooks(&self, limit: u32, before: Option<WebhookId>) -> Result<Vec<WebhookRow>, StoreError> {
        let rows = sqlx::query_as!(
            WebhookRow,
            r#"select id as "id: WebhookId", url, events, active, created_by as "created_by: UserId", created_at, updated_at
             from webhooks where $2::uuid is null or id < $2 order by id desc limit $1"#,
            i64::from(limit),
            before.map(|id| id.0),
        );
        Ok(rows.fetch_all(&self.pool).await?)
    }

    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn change_webhook(&self, id: WebhookId, change: &WebhookChange) -> Result<WebhookRow, StoreError> {
        sqlx::query!(
            "update webhooks set url = coalesce($2, url), events = coalesce($3, events), active = coalesce($4, active)
             where id = $1",
            id.0,
            change.url,
            change.events.as_deref(),
            change.active,
        )
        .execute(&self.pool)
        .await?;
        self.webhook(id).await
    }

    /// Removes a receiver with its deliveries.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn delete_webhook(&self, id: WebhookId) -> Result<(), StoreError> {
        let deleted = sqlx::query!("delete from webhooks where id = $1", id.0).execute(&self.pool).await?;
        if deleted.rows_affected() == 0 { Err(StoreError::NotFound) } else { Ok(()) }
    }

    /// The deliveries to a receiver, the newest first; `before` is the last id of the page before.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn deliveries(
        &self,
        webhook: WebhookId,
        limit: u32,
        before: Option<DeliveryId>,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        let rows = delivery!(
            "where webhook_id = $1 and ($3::uuid is null or id < $3) order by id desc limit $2",
            webhook.0,
            i64::from(limit),
            before.map(|id| id.0),
        );
        Ok(rows.fetch_all(&self.pool).await?)
    }

    /// Queues a delivery again, with all attempts before it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn replay(&self, webhook: WebhookId, id: DeliveryId) -> Result<DeliveryRow, StoreError> {
        limited(async {
            let mut transaction = self.pool.begin().await?;
            let changed = sqlx::query!(
                "update webhook_deliveries set state = 'pending', attempts = 0, response_status = null, response_error = null
                 where id = $1 and webhook_id = $2",
                id.0,
                webhook.0,
            );
            if changed.execute(&mut *transaction).await?.rows_affected() == 0 {
                return Err(StoreError::NotFound);
            }
            let (payload, key) = (json!({ "delivery": id }), format!("webhook:{id}"));
            sqlx::query!("select queue_job($1, $2, $3)", WEBHOOK_JOB, payload, key).execute(&mut *transaction).await?;
            transaction.commit().await?;
            Ok(delivery!("where id = $1", id.0).fetch_one(&self.pool).await?)
        })
        .await
    }

    /// Counts an attempt to deliver; none if there is nothing to deliver any more.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn begin_delivery(&self, id: DeliveryId) -> Result<Option<PendingDelivery>, StoreError> {
        let row = sqlx::query_as!(
            PendingDelivery,
            r#"update webhook_deliveries delivery set attempts = attempts + 1
             from webhooks webhook
             where delivery.id = $1 and delivery.state = 'pending' and webhook.id = delivery.webhook_id and webhook.active
             returning delivery.id as "id: DeliveryId", webhook.url, webhook.secret, delivery.event, delivery.payload,
                delivery.attempts as attempt"#,
            id.0,
        );
        Ok(row.fetch_optional(&self.pool).await?)
    }

    /// Notes what came of an attempt.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn end_delivery(
        &self,
        id: DeliveryId,
        state: DeliveryState,
        status: Option<u16>,
        error: Option<&str>,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "update webhook_deliveries set state = $2, response_status = $3, response_error = $4,
                delivered_at = case when $2 = 'delivered' then clock_timestamp() else delivered_at end
             where id = $1",
            id.0,
            state.word(),
            status.map(i32::from),
            error.map(clean_text),
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
