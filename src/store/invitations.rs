//! Invitations: who was sent a link to which interview, for when, and whether it still holds. Must never see the link's
//! token, only its hash.

use super::tokens::TokenHash;
use super::{Store, StoreError, limited};
use crate::id::{InvitationId, SessionId, UserId};
use chrono::{DateTime, Utc};

/// An invitation to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewInvitation {
    pub id: InvitationId,
    pub session: SessionId,
    pub email: String,
    pub token_hash: TokenHash,
    pub invited_by: Option<UserId>,
    pub valid_from: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// An invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvitationRow {
    pub id: InvitationId,
    pub email: String,
    pub invited_by: Option<UserId>,
    pub valid_from: Option<DateTime<Utc>>,
    pub expires_at: DateTime<Utc>,
    /// When the candidate first consented.
    pub accepted_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

impl Store {
    /// Makes an invitation; the interview waits for as long as it is good.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] once the interview has begun or is over.
    pub async fn invite(&self, new: &NewInvitation) -> Result<InvitationRow, StoreError> {
        limited(async {
            let mut transaction = self.pool.begin().await?;
            let open = sqlx::query!(
                "update interview_sessions
                 set scheduled_at = least(coalesce(scheduled_at, $2), $2), expires_at = greatest(expires_at, $3)
                 where id = $1 and status in ('scheduled', 'waiting') and start_time is null",
                new.session.0,
                new.valid_from,
                new.expires_at,
            )
            .execute(&mut *transaction)
            .await?;
            if open.rows_affected() == 0 {
                return Err(StoreError::Conflict { what: "the interview has begun or is over".into() });
            }
            sqlx::query!(
                "insert into invitations (id, session_id, email, role, token_hash, invited_by, valid_from, expires_at)
                 values ($1, $2, $3, 'candidate', $4, (select id from users where id = $5), $6, $7)",
                new.id.0,
                new.session.0,
                new.email,
                new.token_hash.as_slice(),
                new.invited_by.map(|id| id.0),
                new.valid_from,
                new.expires_at,
            )
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            let row = sqlx::query_as!(
                InvitationRow,
                r#"select id as "id: InvitationId", email, invited_by as "invited_by: UserId", valid_from, expires_at,
                    accepted_at, revoked_at, created_at
                 from invitations where id = $1"#,
                new.id.0,
            );
            Ok(row.fetch_one(&self.pool).await?)
        })
        .await
    }

    /// The invitations to an interview, the newest first; `before` is the last id of the page before.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn invitations(
        &self,
        session: SessionId,
        limit: u32,
        before: Option<InvitationId>,
    ) -> Result<Vec<InvitationRow>, StoreError> {
        let rows = sqlx::query_as!(
            InvitationRow,
            r#"select id as "id: InvitationId", email, invited_by as "invited_by: UserId", valid_from, expires_at,
                accepted_at, revoked_at, created_at
             from invitations where session_id = $1 and ($3::uuid is null or id < $3) order by id desc limit $2"#,
            session.0,
            i64::from(limit),
            before.map(|id| id.0),
        );
        Ok(rows.fetch_all(&self.pool).await?)
    }

    /// Whether a link that was sent still holds.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn invitation_holds(&self, id: InvitationId) -> Result<bool, StoreError> {
        let holds = sqlx::query_scalar!(
            r#"select exists (select from invitations where id = $1 and revoked_at is null) as "holds!""#,
            id.0,
        );
        Ok(holds.fetch_one(&self.pool).await?)
    }

    /// Takes an invitation back; taking it back again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn revoke_invitation(&self, session: SessionId, id: InvitationId) -> Result<(), StoreError> {
        let revoked = sqlx::query!(
            "update invitations set revoked_at = coalesce(revoked_at, clock_timestamp()) where id = $1 and session_id = $2",
            id.0,
            session.0,
        )
        .execute(&self.pool)
        .await?;
        if revoked.rows_affected() == 0 { Err(StoreError::NotFound) } else { Ok(()) }
    }
}
