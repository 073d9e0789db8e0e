//! Accounts. Must never see a password, only its hash.

use super::{Store, StoreError, UserRole, Word, limited, privacy, tokens};
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

/// What of an account is to change; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChange {
    pub username: Option<String>,
    pub email: Option<String>,
    pub full_name: Option<String>,
    /// `Some(None)` takes the picture away.
    pub avatar_url: Option<Option<String>>,
    pub role: Option<UserRole>,
    pub disabled: Option<bool>,
}

/// Reads accounts by what follows `from users`; one place states the columns.
macro_rules! user {
    ($rest:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            UserRow,
            r#"select id as "id: UserId", username, email, password_hash, full_name, avatar_url,
                role as "role: UserRole", disabled_at, created_at, updated_at
               from users "# + $rest
            $(, $argument)*
        )
    };
}

impl Store {
    /// # Errors
    /// [`StoreError::Conflict`] when the name or the address is taken.
    pub async fn create_user(&self, new: &NewUser) -> Result<UserRow, StoreError> {
        sqlx::query!(
            "insert into users (id, username, email, password_hash, full_name, role) values ($1, $2, $3, $4, $5, $6)",
            new.id.0,
            new.username,
            new.email,
            new.password_hash,
            new.full_name,
            new.role.word(),
        )
        .execute(&self.pool)
        .await?;
        self.user(new.id).await
    }

    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn user(&self, id: UserId) -> Result<UserRow, StoreError> {
        Ok(user!("where id = $1", id.0).fetch_one(&self.pool).await?)
    }

    /// By username or e-mail address, whatever the case.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn user_by_login(&self, login: &str) -> Result<UserRow, StoreError> {
        let row = user!(
            "where lower(username) = lower($1) or lower(email) = lower($1)
             order by lower(username) = lower($1) desc limit 1",
            login,
        );
        Ok(row.fetch_one(&self.pool).await?)
    }

    /// The newest first; `before` is the last id of the page before, `search` a part of name or address.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn users(
        &self,
        limit: u32,
        before: Option<UserId>,
        role: Option<UserRole>,
        search: Option<&str>,
    ) -> Result<Vec<UserRow>, StoreError> {
        let rows = user!(
            "where ($2::uuid is null or id < $2) and ($3::text is null or role = $3)
               and ($4::text is null or position(lower($4) in lower(username || ' ' || email || ' ' || full_name)) > 0)
             order by id desc limit $1",
            i64::from(limit),
            before.map(|id| id.0),
            role.map(|role| role.word()),
            search,
        );
        limited(async { Ok(rows.fetch_all(&self.pool).await?) }).await
    }

    /// Changes an account. Whoever loses a role or is disabled loses all refresh tokens with it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Conflict`] when the name or the address is taken, or no admin would be left.
    pub async fn change_user(&self, id: UserId, change: &UserChange) -> Result<UserRow, StoreError> {
        limited(async {
            let mut transaction = self.pool.begin().await?;
            let admins = privacy::lock_admins(&mut transaction).await?;
            let changed = sqlx::query!(
                "update users set username = coalesce($2, username), email = coalesce($3, email),
                    full_name = coalesce($4, full_name), avatar_url = case when $5 then $6 else avatar_url end,
                    role = coalesce($7, role),
                    disabled_at = case when $8::bool is null then disabled_at when not $8 then null
                        else coalesce(disabled_at, clock_timestamp()) end
                 where id = $1",
                id.0,
                change.username,
                change.email,
                change.full_name,
                change.avatar_url.is_some(),
                change.avatar_url.clone().flatten(),
                change.role.map(|role| role.word()),
                change.disabled,
            )
            .execute(&mut *transaction)
            .await?;
            if changed.rows_affected() == 0 {
                return Err(StoreError::NotFound);
            }
            privacy::must_have_admin(&mut transaction, admins).await?;
            if change.role.is_some() || change.disabled == Some(true) {
                tokens::revoke_all(&mut transaction, id).await?;
            }
            transaction.commit().await?;
            self.user(id).await
        })
        .await
    }

    /// Replaces the password; every refresh token that was given out before ends.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the account is gone, or its password is no longer the one that was checked.
    pub async fn change_password(&self, id: UserId, old_hash: &str, new_hash: &str) -> Result<(), StoreError> {
        limited(async {
            let mut transaction = self.pool.begin().await?;
            let changed = sqlx::query!(
                "update users set password_hash = $3 where id = $1 and password_hash = $2",
                id.0,
                old_hash,
                new_hash,
            )
            .execute(&mut *transaction)
            .await?;
            if changed.rows_affected() == 0 {
                return Err(StoreError::NotFound);
            }
            tokens::revoke_all(&mut transaction, id).await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }
}
