//! Wall-clock time for rows and reports. The only place that asks the system for it; the conversation itself runs on
//! `Instant` (handed to the cores as `now`) and on samples, never on this.

mod alarm;

pub use alarm::Alarm;

use chrono::{DateTime, Utc};
use std::sync::Arc;

/// Tells the wall-clock time; cheap to clone.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(Utc::now))
    }

    /// A clock that tells what `tell` returns, for tests.
    #[must_use]
    pub fn from_fn(tell: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// The time now, to the microsecond (Postgres keeps no more).
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        let now = (self.0)();
        DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}
