//! What an interview consumed, by provider. Written as projections of the log, by id.

use super::{Store, StoreError};
use crate::id::SessionId;
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
        let _ = session;
        self.later().await
    }
}
