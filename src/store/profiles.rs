//! What is known of a person's profession: as the person confirmed it, and beside it what was read from a CV and waits to
//! be looked at. Must never let a draft change what was confirmed.

use super::clean::{clean_json, clean_text};
use super::{Store, StoreError, Word, limited};
use crate::id::UserId;
use crate::interview::question::Level;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// What a CV says, or a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    pub job_position: String,
    pub experience_level: Option<Level>,
    pub tech_stack: Vec<String>,
    /// Fields as JSON Resume names them.
    pub resume: Value,
    /// Field path -> page, line and quote, or `person`.
    pub provenance: Value,
    pub source_file: Option<String>,
    /// SHA-256 of the file, hexadecimal.
    pub source_hash: Option<String>,
}

/// A person's profile.
#[derive(Clone, Debug, PartialEq)]
pub struct ProfileRow {
    pub user_id: UserId,
    pub job_position: String,
    pub experience_level: Option<Level>,
    pub tech_stack: Vec<String>,
    pub resume: Value,
    pub provenance: Value,
    pub source_file: Option<String>,
    pub source_hash: Option<String>,
    /// What was read from a CV and not looked at yet ([`Draft`]).
    pub draft: Option<Value>,
    /// Absent while there is only a draft.
    pub confirmed_at: Option<DateTime<Utc>>,
    pub updated_at: DateTime<Utc>,
}

impl Store {
    /// # Errors
    /// [`StoreError::NotFound`] while there is none.
    pub async fn profile(&self, user: UserId) -> Result<ProfileRow, StoreError> {
        let row = sqlx::query_as!(
            ProfileRow,
            r#"select user_id as "user_id: UserId", job_position, experience_level as "experience_level: Level", tech_stack,
                resume, provenance, source_file, source_hash, draft, confirmed_at, updated_at
             from interview_profiles where user_id = $1"#,
            user.0,
        );
        Ok(row.fetch_one(&self.pool).await?)
    }

    /// Keeps what was read from a CV beside the profile.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the account is gone.
    pub async fn draft_profile(&self, user: UserId, draft: &Draft) -> Result<ProfileRow, StoreError> {
        let draft = serde_json::to_value(draft).map_err(|_| StoreError::Invalid { what: "a draft".into() })?;
        limited(async {
            sqlx::query!(
                "insert into interview_profiles (id, user_id, draft) values ($1, $2, $3)
                 on conflict (user_id) do update set draft = excluded.draft",
                Uuid::now_v7(),
                user.0,
                clean_json(&draft),
            )
            .execute(&self.pool)
            .await?;
            self.profile(user).await
        })
        .await
    }

    /// Keeps what the person says is right; the draft has done its work.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the account is gone.
    pub async fn confirm_profile(&self, user: UserId, profile: &Draft) -> Result<ProfileRow, StoreError> {
        limited(async {
            sqlx::query!(
                "insert into interview_profiles (id, user_id, job_position, experience_level, tech_stack, resume, provenance,
                    source_file, source_hash, confirmed_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp())
                 on conflict (user_id) do update set job_position = excluded.job_position,
                    experience_level = excluded.experience_level, tech_stack = excluded.tech_stack,
                    resume = excluded.resume, provenance = excluded.provenance, source_file = excluded.source_file,
                    source_hash = excluded.source_hash, confirmed_at = excluded.confirmed_at, draft = null",
                Uuid::now_v7(),
                user.0,
                clean_text(&profile.job_position),
                profile.experience_level.map(|level| level.word()),
                &profile.tech_stack.iter().map(|name| clean_text(name)).collect::<Vec<_>>(),
                clean_json(&profile.resume),
                clean_json(&profile.provenance),
                profile.source_file.as_deref().map(clean_text),
                profile.source_hash,
            )
            .execute(&self.pool)
            .await?;
            self.profile(user).await
        })
        .await
    }

    /// Deletes profile and draft; deleting none changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn delete_profile(&self, user: UserId) -> Result<(), StoreError> {
        sqlx::query!("delete from interview_profiles where user_id = $1", user.0).execute(&self.pool).await?;
        Ok(())
    }
}
