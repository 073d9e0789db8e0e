//! How often one address or account may try something: so many at once, then one in so many seconds (the leaky bucket,
//! kept as the one instant at which it would be empty). Must never grow beyond its number of keys, nor read a clock.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Keys that are remembered at most. Past that, those whose bucket is empty are forgotten; if none is, the newcomer is let
/// in: a flood from so many addresses is nothing that counting one by one could stop.
const KEYS_MAX: usize = 100_000;

/// What is allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Allowance {
    /// At once.
    pub burst: u32,
    /// Then one in this time.
    pub every: Duration,
}

/// Counts tries by key.
#[derive(Debug)]
pub struct Limiter<K> {
    allowance: Allowance,
    /// When each bucket is empty.
    empty_at: Mutex<HashMap<K, Instant>>,
}

impl<K: Eq + Hash> Limiter<K> {
    #[must_use]
    pub fn new(allowance: Allowance) -> Self {
        Self { allowance, empty_at: Mutex::default() }
    }

    /// Counts a try.
    ///
    /// # Errors
    /// How long to wait before the next, when this one is too many; it is then not counted.
    pub fn take(&self, key: K, now: Instant) -> Result<(), Duration> {
        let mut empty_at = self.empty_at.lock().unwrap_or_else(PoisonError::into_inner);
        let was = empty_at.get(&key).copied().filter(|at| *at > now).unwrap_or(now);
        let filled = was + self.allowance.every;
        let over = filled.saturating_duration_since(now + self.allowance.every * self.allowance.burst);
        if over > Duration::ZERO {
            return Err(over);
        }
        if empty_at.len() >= KEYS_MAX {
            empty_at.retain(|_, at| *at > now);
        }
        if empty_at.len() < KEYS_MAX || empty_at.contains_key(&key) {
            empty_at.insert(key, filled);
        }
        Ok(())
    }

    /// Takes a counted try back: it turned out to be none that counts.
    pub fn give_back(&self, key: &K) {
        let mut empty_at = self.empty_at.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = empty_at.get_mut(key)
            && let Some(earlier) = at.checked_sub(self.allowance.every)
        {
            *at = earlier;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_then_one_in_so_many_seconds_and_each_key_for_itself() {
        let limiter = Limiter::new(Allowance { burst: 3, every: 10 * SECOND });
        let start = Instant::now();
        for _ in 0..3 {
            assert_eq!(limiter.take("a", start), Ok(()));
        }
        assert_eq!(limiter.take("a", start), Err(10 * SECOND));
        assert_eq!(limiter.take("b", start), Ok(()));
        assert_eq!(limiter.take("a", start + 9 * SECOND), Err(SECOND));
        assert_eq!(limiter.take("a", start + 10 * SECOND), Ok(()));
        assert_eq!(limiter.take("a", start + 10 * SECOND), Err(10 * SECOND));
        assert_eq!((0..4).filter(|_| limiter.take("a", start + 100 * SECOND).is_ok()).count(), 3);
    }

    #[test]
    fn what_is_given_back_does_not_count() {
        let limiter = Limiter::new(Allowance { burst: 1, every: SECOND });
        let start = Instant::now();
        for _ in 0..5 {
            assert_eq!(limiter.take("a", start), Ok(()));
            limiter.give_back(&"a");
        }
        assert_eq!(limiter.take("a", start), Ok(()));
        assert!(limiter.take("a", start).is_err());
    }
}
