//! Accounts. Must never see a password, only its hash.

use super::{Store, StoreError, UserRole, Word};
use crate::id::UserId;
use chrono::{DateTime, Utc};

/// An account to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    pub id: UserId,
    pub username: String,
    pub email: String,
    pub password_hash: String,
    pub full_name: String,
    pub role: UserRole,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow {
    pub id: UserId,
    pub username: String,
    pub email: String,
    pub password_hash: String,
    pub full_name: String,
    pub avatar_url: Option<String>,
    pub role: UserRole,
    pub disabled_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Store {
    /// # Errors
    /// [`StoreError::Conflict`] when the name or the address is taken.
    pub async fn create_user(&self, new: &NewUser) -> Result<UserRow, StoreError> {
        let row = sqlx::query_as!(
            UserRow,
            r#"insert into users (id, username, email, password_hash, full_name, role) values ($1, $2, $3, $4, $5, $6)
             returning id as "id: UserId", username, email, password_hash, full_name, avatar_url,
                role as "role: UserRole", disabled_at, created_at, updated_at"#,
            new.id.0,
            new.username,
            new.email,
            new.password_hash,
            new.full_name,
            new.role.word(),
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(row)
    }

    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn user(&self, id: UserId) -> Result<UserRow, StoreError> {
        let row = sqlx::query_as!(
            UserRow,
            r#"select id as "id: UserId", username, email, password_hash, full_name, avatar_url,
                role as "role: UserRole", disabled_at, created_at, updated_at
             from users where id = $1"#,
            id.0,
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(row)
    }

    /// By username or e-mail address, whatever the case.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn user_by_login(&self, login: &str) -> Result<UserRow, StoreError> {
        let row = sqlx::query_as!(
            UserRow,
            r#"select id as "id: UserId", username, email, password_hash, full_name, avatar_url,
                role as "role: UserRole", disabled_at, created_at, updated_at
             from users where lower(username) = lower($1) or lower(email) = lower($1)
             order by lower(username) = lower($1) desc limit 1"#,
            login,
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(row)
    }
}
