//! Passwords as Argon2id hashes. A hash takes 19 MiB and tens of milliseconds of a processor on purpose, so it is made
//! away from the threads that answer, a few at a time. Must never show or keep a password.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Shortest password, characters: length is what makes guessing hard.
pub const CHARS_MIN: usize = 10;
/// Longest password, characters: a sentence, not a load.
pub const CHARS_MAX: usize = 128;
/// How long somebody waits for a place; beyond it the server is being flooded.
const PLACE_WAIT: Duration = Duration::from_secs(5);

/// Why a password was not hashed or compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("too many passwords are being checked")]
    Busy,
    #[error("the hash could not be made")]
    Failed,
}

/// Hashes and compares.
#[derive(Clone, Debug)]
pub struct Passwords {
    places: Arc<Semaphore>,
    /// Of no account: compared with when there is none, so that it takes as long.
    decoy: Arc<str>,
}

impl Passwords {
    /// At most `at_once` hashes at a time.
    ///
    /// # Errors
    /// [`PasswordError::Failed`] when the machine gives no random salt.
    pub fn new(at_once: usize) -> Result<Self, PasswordError> {
        let decoy = make(&super::opaque::create())?;
        Ok(Self { places: Arc::new(Semaphore::new(at_once)), decoy: decoy.into() })
    }

    /// The hash of a password, as it is stored (PHC string).
    ///
    /// # Errors
    /// [`PasswordError::Busy`] when no place became free.
    pub async fn hash(&self, password: String) -> Result<String, PasswordError> {
        self.aside(move || make(&password)).await?
    }

    /// Whether `password` is the one of `stored`. Without a stored one it takes as long, and is not.
    ///
    /// # Errors
    /// [`PasswordError::Busy`] when no place became free.
    pub async fn matches(&self, password: String, stored: Option<String>) -> Result<bool, PasswordError> {
        let decoy = self.decoy.clone();
        self.aside(move || {
            let is_known = stored.is_some();
            let matches = compare(&password, stored.as_deref().unwrap_or(&decoy));
            is_known && matches
        })
        .await
    }

    async fn aside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, PasswordError> {
        let place = tokio::time::timeout(PLACE_WAIT, self.places.clone().acquire_owned()).await;
        let place = place.map_err(|_| PasswordError::Busy)?.map_err(|_| PasswordError::Busy)?;
        // The place is held by the work itself: who hangs up does not free it early.
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(place);
            result
        });
        done.await.map_err(|_| PasswordError::Failed)
    }
}

fn make(password: &str) -> Result<String, PasswordError> {
    let hash = Argon2::default().hash_password(password.as_bytes()).map_err(|_| PasswordError::Failed)?;
    Ok(hash.to_string())
}

fn compare(password: &str, stored: &str) -> bool {
    let Ok(hash) = PasswordHash::new(stored) else {
        tracing::error!("a stored password hash cannot be read");
        return false;
    };
    Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_own_hash_alone() {
        let passwords = Passwords::new(2).expect("salt");
        let hash = passwords.hash("correct horse battery".to_owned()).await.expect("hashed");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let again = passwords.hash("correct horse battery".to_owned()).await.expect("hashed");
        assert_ne!(hash, again, "each has its own salt");
        let matches = |word: &str, stored: Option<&str>| passwords.matches(word.to_owned(), stored.map(str::to_owned));
        assert!(matches("correct horse battery", Some(&hash)).await.expect("compared"));
        assert!(!matches("correct horse batterz", Some(&hash)).await.expect("compared"));
        assert!(!matches("correct horse battery", None).await.expect("compared"));
        assert!(!matches("correct horse battery", Some("damaged")).await.expect("compared"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_refused_and_not_queued_for_ever() {
        let passwords = Passwords::new(1).expect("salt");
        let _taken = passwords.places.clone().acquire_owned().await.expect("free");
        assert_eq!(passwords.hash("waits in vain".to_owned()).await, Err(PasswordError::Busy));
    }
}
