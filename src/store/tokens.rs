//! Refresh tokens, kept as hashes. One is good once: its use makes the next of its family, the use of an old one ends the
//! family, for then somebody else holds a copy. Must never see a token, only its hash.

use super::{Store, StoreError, limited};
use crate::id::UserId;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// SHA-256 of a token.
pub type TokenHash = [u8; 32];

/// What came of a refresh token that was shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rotated {
    /// It was good; the new one takes its place.
    Replaced(UserId),
    /// It had been used before: the whole family has ended.
    Reused(UserId),
    /// Unknown, run out, or revoked.
    Refused,
}

impl Store {
    /// Begins a family: somebody has logged in, with the password whose hash is `password_hash`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the account is gone or shut, or its password is another by now.
    pub async fn begin_refresh(
        &self,
        user: UserId,
        password_hash: &str,
        hash: &TokenHash,
        expires_at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        limited(async {
            let mut transaction = self.pool.begin().await?;
            let stands = lock_account(&mut transaction, user).await?;
            if stands.is_none_or(|stands| stands.is_shut || stands.password_hash != password_hash) {
                return Err(StoreError::NotFound);
            }
            insert(&mut transaction, user, Uuid::now_v7(), hash, expires_at).await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    /// Uses `old` up and puts `new` in its place, if it is good at `now`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn rotate_refresh(
        &self,
        old: &TokenHash,
        new: &TokenHash,
        now: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<Rotated, StoreError> {
        limited(async {
            let mut transaction = self.pool.begin().await?;
            let Some(owner) = owner_of(&mut transaction, old).await? else { return Ok(Rotated::Refused) };
            lock_account(&mut transaction, owner).await?;
            // Two uses at once: the second waits for the first one's lock and then finds the token used.
            let used = sqlx::query!(
                r#"update refresh_tokens set used_at = $2
                 where token_hash = $1 and used_at is null and revoked_at is null and expires_at > $2
                 returning user_id as "user_id: UserId", family"#,
                old.as_slice(),
                now,
            )
            .fetch_optional(&mut *transaction)
            .await?;
            if let Some(row) = used {
                insert(&mut transaction, row.user_id, row.family, new, expires_at).await?;
                transaction.commit().await?;
                return Ok(Rotated::Replaced(row.user_id));
            }
            let reused = sqlx::query_scalar!(
                r#"update refresh_tokens set revoked_at = $2
                 where revoked_at is null
                   and family = (select family from refresh_tokens where token_hash = $1 and used_at is not null)
                 returning user_id as "user_id: UserId""#,
                old.as_slice(),
                now,
            )
            .fetch_all(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(reused.first().map_or(Rotated::Refused, |user| Rotated::Reused(*user)))
        })
        .await
    }

    /// Ends the family of a token, whether it was used or not: somebody logs out. An unknown one changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn end_refresh(&self, hash: &TokenHash) -> Result<(), StoreError> {
        limited(async {
            let mut transaction = self.pool.begin().await?;
            let Some(owner) = owner_of(&mut transaction, hash).await? else { return Ok(()) };
            lock_account(&mut transaction, owner).await?;
            sqlx::query!(
                "update refresh_tokens set revoked_at = clock_timestamp()
                 where revoked_at is null and family = (select family from refresh_tokens where token_hash = $1)",
                hash.as_slice(),
            )
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }
}

/// Whose a token is.
async fn owner_of(connection: &mut PgConnection, hash: &TokenHash) -> Result<Option<UserId>, StoreError> {
    let owner = sqlx::query_scalar!(
        r#"select user_id as "user_id: UserId" from refresh_tokens where token_hash = $1"#,
        hash.as_slice(),
    );
    Ok(owner.fetch_optional(connection).await?)
}

/// What of an account decides whether it may have a login.
struct Stands {
    password_hash: String,
    is_shut: bool,
}

/// Locks an account, so that whatever ends its logins (a new password, a lost role, a token used twice) and whatever
/// gives it one take turns: a token that was just being made would outlive what ends all of them. The account comes
/// before its tokens, here as there, so that neither waits for the other for ever.
async fn lock_account(connection: &mut PgConnection, user: UserId) -> Result<Option<Stands>, StoreError> {
    let row = sqlx::query_as!(
        Stands,
        r#"select password_hash, disabled_at is not null as "is_shut!" from users where id = $1 for no key update"#,
        user.0,
    );
    Ok(row.fetch_optional(connection).await?)
}

async fn insert(
    connection: &mut PgConnection,
    user: UserId,
    family: Uuid,
    hash: &TokenHash,
    expires_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into refresh_tokens (id, user_id, family, token_hash, expires_at) values ($1, $2, $3, $4, $5)",
        Uuid::now_v7(),
        user.0,
        family,
        hash.as_slice(),
        expires_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends every family of an account.
pub(super) async fn revoke_all(connection: &mut PgConnection, user: UserId) -> Result<(), StoreError> {
    sqlx::query!(
        "update refresh_tokens set revoked_at = clock_timestamp() where user_id = $1 and revoked_at is null",
        user.0,
    )
    .execute(connection)
    .await?;
    Ok(())
}
