//! A timer for a loop that looks what is due whenever it wakes. Where it would ring too early it is left as it is, so that
//! a deadline that moves on with each packet costs nothing. Must never ring later than it was told.

use std::pin::Pin;
use std::time::{Duration, Instant};
use tokio::time::Sleep;

/// How long it sleeps where nothing was asked for.
const IDLE: Duration = Duration::from_secs(3600);

/// The timer of one loop.
#[derive(Debug)]
pub struct Alarm {
    sleep: Pin<Box<Sleep>>,
}

impl Default for Alarm {
    fn default() -> Self {
        Self { sleep: Box::pin(tokio::time::sleep(IDLE)) }
    }
}

impl Alarm {
    /// Rings at `due` or before; safe to be cancelled.
    pub async fn by(&mut self, due: Instant) {
        let due = due.into();
        if self.sleep.is_elapsed() || self.sleep.deadline() > due {
            self.sleep.as_mut().reset(due);
        }
        self.sleep.as_mut().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_rings_in_time_though_its_deadline_moves_both_ways() {
        let ms = Duration::from_millis;
        let start = tokio::time::Instant::now();
        let mut alarm = Alarm::default();
        alarm.by((start + ms(50)).into_std()).await;
        assert_eq!(start.elapsed(), ms(50));
        // Put off, it may ring where it was set; called forward, it rings there.
        let put_off = tokio::time::timeout(ms(10), alarm.by((start + ms(100)).into_std()));
        assert!(put_off.await.is_err());
        alarm.by((start + ms(80)).into_std()).await;
        assert_eq!(start.elapsed(), ms(80));
        let put_off = tokio::time::timeout(ms(10), alarm.by((start + ms(120)).into_std()));
        assert!(put_off.await.is_err());
        alarm.by((start + ms(500)).into_std()).await;
        assert_eq!(start.elapsed(), ms(120));
        alarm.by((start + ms(500)).into_std()).await;
        assert_eq!(start.elapsed(), ms(500));
    }
}
