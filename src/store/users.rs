//! Accounts. Must never see a password, only its hash.

use super::{Store, StoreError, UserRole};
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
        let _ = new;
        self.later().await
    }

    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn user(&self, id: UserId) -> Result<UserRow, StoreError> {
        let _ = id;
        self.later().await
    }

    /// By username or e-mail address, whatever the case.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn user_by_login(&self, login: &str) -> Result<UserRow, StoreError> {
        let _ = login;
        self.later().await
    }
}
