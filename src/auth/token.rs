//! Signed tokens (JWT, HS256): a *join token* is good for one interview, an *access token* speaks for a person. The key
//! is made at first start and readable by nobody else. Must never accept another algorithm, or a token without an end.

use super::role::Role;
use crate::clock::Clock;
use crate::id::{InvitationId, SessionId, UserId};
use chrono::{DateTime, Utc};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Length of the key, bytes: what HS256 can use.
const KEY_BYTES: usize = 32;
/// Longest token that is looked at, bytes; ours are about 250.
pub const TOKEN_BYTES_MAX: usize = 4_096;

/// Whom a valid token speaks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bearer {
    /// The candidate of this interview.
    Candidate(SessionId),
    /// The candidate of this interview, by an invitation that may have been taken back since.
    Invited { session: SessionId, invitation: InvitationId },
    /// A person with an account.
    Person { user: UserId, role: Role },
}

/// Why a token is not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TokenError {
    #[error("the token has expired")]
    Expired,
    #[error("the token is not good yet")]
    Early,
    #[error("the token is not one of this server's")]
    Invalid,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the token key {path} cannot be used: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error("the token key {path} is damaged: remove it and a new one is made (links given out before stop working)")]
    Damaged { path: PathBuf },
    #[error("the token key {path} can be read by others: chmod 600 it, or remove it if they should not know it")]
    Exposed { path: PathBuf },
}

/// A token that was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Issued {
    pub token: String,
    pub expires_at: DateTime<Utc>,
}

/// Makes and checks tokens.
pub struct Tokens {
    sign: EncodingKey,
    verify: DecodingKey,
    clock: Clock,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    sub: String,
    scope: Scope,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    /// The invitation that it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inv: Option<InvitationId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    exp: i64,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Scope {
    Join,
    Access,
}

const INTERVIEW: &str = "interview:";
const USER: &str = "user:";

impl Tokens {
    /// With the key in `path`; made there if there is none.
    pub fn open(path: &Path, clock: Clock) -> Result<Self, KeyError> {
        let key = match read_key(path)? {
            Some(key) => key,
            None => create_key(path)?,
        };
        Ok(Self::from_key(&key, clock))
    }

    fn from_key(key: &[u8; KEY_BYTES], clock: Clock) -> Self {
        Self { sign: EncodingKey::from_secret(key), verify: DecodingKey::from_secret(key), clock }
    }

    /// A token for the candidate of `session`.
    #[must_use]
    pub fn issue_join(&self, session: SessionId, life: Duration) -> Issued {
        self.issue(format!("{INTERVIEW}{session}"), Scope::Join, None, life)
    }

    /// A token for whoever is invited to `session`, good within a window.
    #[must_use]
    pub fn issue_invitation(
        &self,
        session: SessionId,
        invitation: InvitationId,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Issued {
        self.sign(&Claims {
            sub: format!("{INTERVIEW}{session}"),
            scope: Scope::Join,
            role: None,
            inv: Some(invitation),
            nbf: Some(from.timestamp()),
            exp: until.timestamp(),
        })
    }

    /// A token for a person with an account.
    #[must_use]
    pub fn issue_access(&self, user: UserId, role: Role, life: Duration) -> Issued {
        self.issue(format!("{USER}{user}"), Scope::Access, Some(role), life)
    }

    fn issue(&self, sub: String, scope: Scope, role: Option<Role>, life: Duration) -> Issued {
        let life_s = i64::try_from(life.as_secs()).unwrap_or(i64::from(u32::MAX));
        let exp = self.clock.now().timestamp().saturating_add(life_s);
        self.sign(&Claims { sub, scope, role, inv: None, nbf: None, exp })
    }

    fn sign(&self, claims: &Claims) -> Issued {
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.sign)
            .expect("plain claims and an HS256 key always sign");
        Issued { token, expires_at: DateTime::from_timestamp(claims.exp, 0).unwrap_or(DateTime::<Utc>::MAX_UTC) }
    }

    /// Whom `token` speaks for.
    pub fn verify(&self, token: &str) -> Result<Bearer, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Invalid);
        }
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["exp", "sub"]);
        // The end is judged below, by our own clock.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &self.verify, &validation)
            .map_err(|error| {
                if let ErrorKind::Signing(_) | ErrorKind::Provider(_) = error.kind() {
                    tracing::error!(%error, "tokens cannot be checked");
                }
                TokenError::Invalid
            })?
            .claims;
        let now = self.clock.now().timestamp();
        if claims.exp <= now {
            return Err(TokenError::Expired);
        }
        if claims.nbf.is_some_and(|from| from > now) {
            return Err(TokenError::Early);
        }
        let bearer = match (claims.scope, claims.role) {
            (Scope::Join, None) => after(&claims.sub, INTERVIEW).map(|session| match claims.inv {
                Some(invitation) => Bearer::Invited { session, invitation },
                None => Bearer::Candidate(session),
            }),
            (Scope::Access, Some(role)) => after(&claims.sub, USER).map(|user| Bearer::Person { user, role }),
            (Scope::Join, Some(_)) | (Scope::Access, None) => None,
        };
        bearer.ok_or(TokenError::Invalid)
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

fn after<T: std::str::FromStr>(sub: &str, prefix: &str) -> Option<T> {
    sub.strip_prefix(prefix)?.parse().ok()
}

fn read_key(path: &Path) -> Result<Option<[u8; KEY_BYTES]>, KeyError> {
    let file_error = |source| KeyError::File { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(file_error(error)),
    };
    if file.metadata().map_err(file_error)?.permissions().mode() & 0o077 != 0 {
        return Err(KeyError::Exposed { path: path.to_owned() });
    }
    let mut bytes = Vec::with_capacity(KEY_BYTES);
    file.take(KEY_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(file_error)?;
    let key = bytes.try_into().map_err(|_| KeyError::Damaged { path: path.to_owned() })?;
    Ok(Some(key))
}

/// Writes a new key beside its place and links it there, so that two processes that start at once agree on one and a
/// kill in between leaves none or a whole one.
fn create_key(path: &Path) -> Result<[u8; KEY_BYTES], KeyError> {
    let file_error = |source| KeyError::File { path: path.to_owned(), source };
    let key: [u8; KEY_BYTES] = rand::random();
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(file_error)?;
    }
    let draft = path.with_extension(format!("new.{}", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut file| file.write_all(&key).and_then(|()| file.sync_all()))
        .and_then(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    match written {
        Ok(()) => removed.map(|()| key).map_err(file_error),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            read_key(path)?.ok_or_else(|| file_error(io::ErrorKind::NotFound.into()))
        }
        Err(error) => Err(file_error(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    const HOUR: Duration = Duration::from_secs(3_600);

    fn tokens_at(seconds: &Arc<AtomicI64>) -> Tokens {
        let seconds = Arc::clone(seconds);
        let clock = Clock::from_fn(move || DateTime::from_timestamp(seconds.load(Ordering::Relaxed), 0).expect("time"));
        Tokens::from_key(&[7; KEY_BYTES], clock)
    }

    #[test]
    fn a_token_speaks_for_whom_it_was_made_until_its_end() {
        let time = Arc::new(AtomicI64::new(1_000_000));
        let tokens = tokens_at(&time);
        let session = SessionId::create();
        let user = UserId::create();
        let join = tokens.issue_join(session, HOUR);
        let access = tokens.issue_access(user, Role::Interviewer, HOUR);
        assert_eq!(tokens.verify(&join.token), Ok(Bearer::Candidate(session)));
        assert_eq!(tokens.verify(&access.token), Ok(Bearer::Person { user, role: Role::Interviewer }));
        assert_eq!(join.expires_at.timestamp(), 1_003_600);
        time.store(1_003_600, Ordering::Relaxed);
        assert_eq!(tokens.verify(&join.token), Err(TokenError::Expired));
    }

    #[test]
    fn an_invitation_opens_within_its_window() {
        let time = Arc::new(AtomicI64::new(1_000_000));
        let tokens = tokens_at(&time);
        let (session, invitation) = (SessionId::create(), InvitationId::create());
        let at = |seconds| DateTime::from_timestamp(seconds, 0).expect("time");
        let token = tokens.issue_invitation(session, invitation, at(1_000_100), at(1_000_200)).token;
        assert_eq!(tokens.verify(&token), Err(TokenError::Early));
        time.store(1_000_100, Ordering::Relaxed);
        assert_eq!(tokens.verify(&token), Ok(Bearer::Invited { session, invitation }));
        time.store(1_000_200, Ordering::Relaxed);
        assert_eq!(tokens.verify(&token), Err(TokenError::Expired));
    }

    #[test]
    fn a_foreign_or_damaged_token_is_refused() {
        let time = Arc::new(AtomicI64::new(1_000_000));
        let tokens = tokens_at(&time);
        let foreign = Tokens::from_key(&[8; KEY_BYTES], Clock::system()).issue_join(SessionId::create(), HOUR);
        assert_eq!(tokens.verify(&foreign.token), Err(TokenError::Invalid));
        for text in ["", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", &"x".repeat(TOKEN_BYTES_MAX + 1)] {
            assert_eq!(tokens.verify(text), Err(TokenError::Invalid));
        }
        let sign = |claims: serde_json::Value| {
            jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &tokens.sign).expect("signs")
        };
        let sub = format!("interview:{}", SessionId::create());
        for claims in [
            serde_json::json!({"sub": sub, "scope": "join"}),
            serde_json::json!({"sub": sub, "scope": "access", "exp": 2_000_000}),
            serde_json::json!({"sub": sub, "scope": "access", "role": "admin", "exp": 2_000_000}),
            serde_json::json!({"sub": sub, "scope": "join", "role": "admin", "exp": 2_000_000}),
            serde_json::json!({"sub": "interview:x", "scope": "join", "exp": 2_000_000}),
        ] {
            assert_eq!(tokens.verify(&sign(claims)), Err(TokenError::Invalid));
        }
    }

    #[test]
    fn the_key_is_made_once_and_readable_by_its_owner_alone() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("keys/jwt.key");
        let first = Tokens::open(&path, Clock::system()).expect("made");
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let session = SessionId::create();
        let token = first.issue_join(session, HOUR).token;
        let second = Tokens::open(&path, Clock::system()).expect("read");
        assert_eq!(second.verify(&token), Ok(Bearer::Candidate(session)));
        assert_eq!(fs::read_dir(folder.path().join("keys")).expect("list").count(), 1, "no draft is left");
    }

    #[test]
    fn a_damaged_or_exposed_key_is_told_not_replaced() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("jwt.key");
        Tokens::open(&path, Clock::system()).expect("made");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("chmod");
        assert!(matches!(Tokens::open(&path, Clock::system()), Err(KeyError::Exposed { .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("chmod");
        fs::write(&path, b"short").expect("write");
        assert!(matches!(Tokens::open(&path, Clock::system()), Err(KeyError::Damaged { .. })));
    }
}
