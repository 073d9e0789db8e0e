//! Who agreed to what, when. Must never change a consent that was given.

use super::{Store, StoreError, limited};
use crate::id::SessionId;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

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
    /// Stores a consent with the text that was shown; one that was given before to the same version stands as it is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such interview.
    pub async fn give_consent(
        &self,
        session: SessionId,
        version: &str,
        text: &str,
        by: &str,
    ) -> Result<ConsentRow, StoreError> {
        let text_hash: String = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        limited(async {
            let mut transaction = self.pool.begin().await?;
            sqlx::query!(
                "insert into disclosures (text_hash, version, content) values ($1, $2, $3) on conflict do nothing",
                text_hash,
                version,
                text,
            )
            .execute(&mut *transaction)
            .await?;
            sqlx::query!(
                "insert into consents (id, session_id, user_id, version, text_hash, given_by)
                 values ($1, $2, (select user_id from interview_sessions where id = $2), $3, $4, $5)
                 on conflict (session_id, version) do update
                    set text_hash = excluded.text_hash, given_by = excluded.given_by, given_at = clock_timestamp(),
                        withdrawn_at = null
                    where consents.withdrawn_at is not null",
                Uuid::now_v7(),
                session.0,
                version,
                text_hash,
                by,
            )
            .execute(&mut *transaction)
            .await?;
            sqlx::query!(
                "update invitations set accepted_at = clock_timestamp() where session_id = $1 and accepted_at is null",
                session.0,
            )
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            self.consent(session).await?.ok_or(StoreError::NotFound)
        })
        .await
    }

    /// The consent in force, if any.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn consent(&self, session: SessionId) -> Result<Option<ConsentRow>, StoreError> {
        let row = sqlx::query_as!(
            ConsentRow,
            r#"select session_id as "session_id: SessionId", version, text_hash, given_by, given_at, withdrawn_at
             from consents where session_id = $1 and withdrawn_at is null order by given_at desc limit 1"#,
            session.0,
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row)
    }
}
