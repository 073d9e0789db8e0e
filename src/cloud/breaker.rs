//! Keeps a provider that fails from being asked again at once: each failure doubles the wait, one success ends it. One
//! breaker is shared by all interviews. Must never let the failure of a request that was itself at fault count.

use super::fault::Fault;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Wait after a first failure, s: long enough for a restart behind a load balancer.
const WAIT_FIRST: Duration = Duration::from_secs(2);
/// Longest wait after failures that may pass, s.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// Wait after a refusal that will not pass by itself (key, credit, model), s.
const UNFIT_WAIT: Duration = Duration::from_secs(300);

/// Of one provider in one part.
#[derive(Debug, Default)]
pub struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    closed_until: Option<Instant>,
}

impl Breaker {
    /// Whether it may be asked.
    #[must_use]
    pub fn allows(&self, now: Instant) -> bool {
        self.state().closed_until.is_none_or(|until| until <= now)
    }

    /// It has done what was asked. True if it had failed before.
    pub fn succeeded(&self) -> bool {
        let mut state = self.state();
        let recovered = state.failures > 0;
        *state = State::default();
        recovered
    }

    /// It has failed: the wait until it may be asked again.
    pub fn failed(&self, now: Instant, fault: Fault) -> Duration {
        let mut state = self.state();
        let doubled = WAIT_FIRST.saturating_mul(1 << state.failures.min(8)).min(WAIT_MAX);
        let wait = match fault {
            Fault::Passing => doubled,
            Fault::Limited { wait } => wait.unwrap_or(doubled),
            Fault::Unfit => UNFIT_WAIT,
            // Others can be served.
            Fault::Request | Fault::Budget => return Duration::ZERO,
        };
        state.failures += 1;
        state.closed_until = Some(state.closed_until.map_or(now + wait, |until| until.max(now + wait)));
        wait
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_a_success_ends_them() {
        let breaker = Breaker::default();
        let now = Instant::now();
        assert!(breaker.allows(now) && !breaker.succeeded());
        assert_eq!(breaker.failed(now, Fault::Passing), WAIT_FIRST);
        assert!(!breaker.allows(now + WAIT_FIRST - Duration::from_millis(1)));
        assert!(breaker.allows(now + WAIT_FIRST));
        assert_eq!(breaker.failed(now + WAIT_FIRST, Fault::Passing), WAIT_FIRST * 2);
        for _ in 0..20 {
            breaker.failed(now, Fault::Passing);
        }
        assert_eq!(breaker.failed(now, Fault::Passing), WAIT_MAX);
        assert!(breaker.succeeded() && breaker.allows(now));
    }

    #[test]
    fn what_it_failed_of_sets_the_wait() {
        let now = Instant::now();
        let wait = |fault| Breaker::default().failed(now, fault);
        assert_eq!(wait(Fault::Unfit), UNFIT_WAIT);
        assert_eq!(wait(Fault::Limited { wait: Some(Duration::from_secs(7)) }), Duration::from_secs(7));
        let breaker = Breaker::default();
        breaker.failed(now, Fault::Request);
        breaker.failed(now, Fault::Budget);
        assert!(breaker.allows(now));
    }
}
