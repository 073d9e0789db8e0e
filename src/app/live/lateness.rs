//! Whether this process keeps time: a tick of 20 ms like the rooms', and how late it comes. Where it comes late, every
//! conversation decays, so no more are taken. Must never end one that is under way.

use crate::telemetry::histogram;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

const TICK: Duration = Duration::from_millis(20);
/// Ticks that are looked at together: a second. One slow moment is none.
const TICKS: usize = 50;
/// The share of them that may be later.
const SHARE: f64 = 0.9;

/// How late the process is; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Lateness {
    ms: Arc<AtomicU32>,
}

impl Lateness {
    /// Nine of ten ticks of the last second came no later than this, ms.
    pub fn ms(&self) -> u32 {
        self.ms.load(Ordering::Relaxed)
    }

    /// Ticks until `stop`.
    pub async fn watch(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut late = Vec::with_capacity(TICKS);
        while let Some(due) = stop.run_until_cancelled(ticks.tick()).await {
            let ms = Instant::now().duration_since(due).as_secs_f64() * 1_000.0;
            metrics::histogram!(histogram::TICK_LATE_MS).record(ms);
            late.push(ms);
            if late.len() == TICKS {
                late.sort_by(f64::total_cmp);
                let ms = late[(TICKS as f64 * SHARE) as usize];
                self.ms.store(ms.round() as u32, Ordering::Relaxed);
                late.clear();
            }
        }
    }
}
