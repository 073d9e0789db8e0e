//! Daily's rates: each request waits for its turn, so that the domain is not throttled for others. Must never let a queue
//! grow without end.

use super::RestError;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Longest wait for a turn; whoever would wait longer is told so.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// What is limited together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// 100 in 5 s.
    Usual,
    /// Deleting rooms, reading recordings: 50 in 30 s.
    Rare,
    /// Starting a recording: 5 in 5 s.
    Recording,
}

impl Class {
    /// The least time between two.
    fn spacing(self) -> Duration {
        match self {
            Self::Usual => Duration::from_millis(50),
            Self::Rare => Duration::from_millis(600),
            Self::Recording => Duration::from_secs(1),
        }
    }
}

/// When the next of each class may go.
#[derive(Debug, Default)]
pub struct Pace {
    next: Mutex<[Option<Instant>; 3]>,
}

impl Pace {
    /// Waits for a turn.
    ///
    /// # Errors
    /// [`RestError::Busy`] when too many wait already.
    pub async fn turn(&self, class: Class) -> Result<(), RestError> {
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let (now, slot) = (Instant::now(), &mut next[class as usize]);
            let turn = slot.map_or(now, |next| next.max(now));
            if turn - now > WAIT_MAX {
                return Err(RestError::Busy);
            }
            *slot = Some(turn + class.spacing());
            turn
        };
        tokio::time::sleep_until(turn).await;
        Ok(())
    }

    /// Daily has refused one of this class for its rate: the others wait as well.
    pub fn rest(&self, class: Class, wait: Duration) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, slot) = (Instant::now() + wait, &mut next[class as usize]);
        *slot = Some(slot.map_or(until, |next| next.max(until)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn requests_of_a_class_keep_their_distance_and_the_queue_is_bounded() {
        let pace = Pace::default();
        let begun = Instant::now();
        for _ in 0..3 {
            pace.turn(Class::Rare).await.expect("a turn");
            pace.turn(Class::Usual).await.expect("a turn");
        }
        assert_eq!(begun.elapsed(), Duration::from_millis(1_200));
        pace.rest(Class::Usual, Duration::from_secs(7));
        let refused = Instant::now();
        pace.turn(Class::Rare).await.expect("another class goes on");
        assert!(refused.elapsed() < Duration::from_secs(1));
        pace.turn(Class::Usual).await.expect("a turn");
        assert_eq!(refused.elapsed(), Duration::from_secs(7), "who comes after a refusal waits with the refused");
        let waiting: Vec<_> = (0..60).map(|_| pace.turn(Class::Recording)).collect();
        let turns = futures::future::join_all(waiting).await;
        assert_eq!(turns.iter().filter(|turn| turn.is_err()).count(), 60 - 31);
    }
}
