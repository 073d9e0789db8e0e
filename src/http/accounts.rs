//! What the account routes share: passwords, counted tries, and the pair of tokens that a login gives. Must never let a try
//! go uncounted.

use super::error::ApiError;
use super::state::HttpState;
use crate::auth::opaque;
use crate::auth::password::{PasswordError, Passwords};
use crate::auth::rate::{Allowance, Limiter};
use crate::auth::role::Role;
use crate::config;
use crate::store::{TokenHash, UserRole, UserRow};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// One network of IPv6 is one home or office: its first 64 bits.
const IPV6_NETWORK: u128 = !0 << 64;

/// Passwords and counted tries.
#[derive(Debug)]
pub struct Accounts {
    pub passwords: Passwords,
    addresses: Limiter<IpAddr>,
    /// By the login that was tried, in small letters, whether there is such an account or not.
    logins: Limiter<String>,
}

impl Accounts {
    /// # Errors
    /// [`PasswordError::Failed`] when the machine gives no random numbers.
    pub fn new(settings: &config::Accounts) -> Result<Self, PasswordError> {
        let allowance =
            |burst, every_s| Allowance { burst, every: Duration::from_secs(u64::from(u32::max(every_s, 1))) };
        Ok(Self {
            passwords: Passwords::new(settings.hashes_max)?,
            addresses: Limiter::new(allowance(settings.address_burst, settings.address_every_s)),
            logins: Limiter::new(allowance(settings.account_burst, settings.account_every_s)),
        })
    }

    /// Counts a try of an address.
    pub fn count_address(&self, address: IpAddr) -> Result<(), ApiError> {
        let network = match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & IPV6_NETWORK).into(),
        };
        self.addresses.take(network, Instant::now()).map_err(too_many)
    }

    /// Counts a try of a login as failed; [`Accounts::succeeded`] takes it back.
    pub fn count_login(&self, login: &str) -> Result<(), ApiError> {
        self.logins.take(login.to_lowercase(), Instant::now()).map_err(too_many)
    }

    pub fn succeeded(&self, login: &str) {
        self.logins.give_back(&login.to_lowercase());
    }
}

fn too_many(wait: Duration) -> ApiError {
    ApiError::TooMany { retry_after_s: wait.as_secs() + 1 }
}

/// The role as tokens carry it.
#[must_use]
pub fn role(stored: UserRole) -> Role {
    match stored {
        UserRole::Candidate => Role::Candidate,
        UserRole::Interviewer => Role::Interviewer,
        UserRole::Admin => Role::Admin,
    }
}

/// A new refresh token: the token, its hash, its end.
pub struct Refresh {
    pub token: String,
    pub hash: TokenHash,
    pub expires_at: DateTime<Utc>,
}

impl Refresh {
    pub fn create(state: &HttpState) -> Self {
        let token = opaque::create();
        let hash = opaque::hash(&token).expect("our own tokens are as long as tokens are");
        let days = i64::from(state.settings.accounts.refresh_days);
        Self { token, hash, expires_at: state.clock.now() + chrono::Duration::days(days) }
    }
}

/// What a login gives.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Session {
    user: UserView,
    /// For `Authorization: Bearer …`.
    access_token: String,
    /// When the access token ends.
    expires_at: DateTime<Utc>,
    /// Good once, for the next pair.
    #[schema(example = "5f0c…")]
    refresh_token: String,
    refresh_expires_at: DateTime<Utc>,
}

impl Session {
    pub fn of(state: &HttpState, user: UserRow, refresh: Refresh) -> Self {
        let life = Duration::from_secs(u64::from(state.settings.server.tokens.access_minutes) * 60);
        let access = state.tokens.issue_access(user.id, role(user.role), life);
        Self {
            user: user.into(),
            access_token: access.token,
            expires_at: access.expires_at,
            refresh_token: refresh.token,
            refresh_expires_at: refresh.expires_at,
        }
    }
}

/// An account.
#[derive(Serialize, utoipa::ToSchema)]
pub struct UserView {
    pub id: crate::id::UserId,
    #[schema(example = "ada")]
    pub username: String,
    #[schema(example = "ada@example.org")]
    pub email: String,
    #[schema(example = "Ada Lovelace")]
    pub full_name: String,
    #[schema(example = "https://example.org/ada.png")]
    pub avatar_url: Option<String>,
    pub role: UserRole,
    /// Cannot log in.
    pub disabled: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<UserRow> for UserView {
    fn from(row: UserRow) -> Self {
        Self {
            id: row.id,
            username: row.username,
            email: row.email,
            full_name: row.full_name,
            avatar_url: row.avatar_url,
            role: row.role,
            disabled: row.disabled_at.is_some(),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
