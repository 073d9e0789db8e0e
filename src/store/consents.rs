//! Who agreed to what, when. Must never change a consent that was given.

use super::{Store, StoreError};
use crate::id::SessionId;
use chrono::{DateTime, Utc};

/// A consent to one version of the disclosure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentRow {
    pub session_id: SessionId,
    pub version: String,
    /// SHA-256 of the text that was shown, hexadecimal.
    pub text_hash: String,
    /// Who gave it: a user's id, or `candidate` for whoever held the interview's token.
    pub given_by: String,
    pub given_at: DateTime<Utc>,
    pub withdrawn_at: Option<DateTime<Utc>>,
}

impl Store {
    /// Stores a consent; one that was given before to the same version stands as it is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such interview.
    pub async fn give_consent(&self, session: SessionId, version: &str, text_hash: &str, by: &str) -> Result<ConsentRow, StoreError> {
        let _ = (session, version, text_hash, by);
        self.later().await
    }

    /// The consent in force, if any.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn consent(&self, session: SessionId) -> Result<Option<ConsentRow>, StoreError> {
        let _ = session;
        self.later().await
    }
}
