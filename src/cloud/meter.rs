//! What providers were asked to do and what it cost, by interview and by day, and the limits of that. Must never let a
//! request begin that the budget does not allow, nor hold anything of what was asked.

use super::fault::{CloudError, Fault};
use crate::clock::Clock;
use chrono::NaiveDate;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Millionths in one US dollar.
const MICRO: f64 = 1_000_000.0;

/// Which part a provider plays.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Part {
    Stt,
    Llm,
    Tts,
}

impl Part {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stt => "stt",
            Self::Llm => "llm",
            Self::Tts => "tts",
        }
    }
}

/// What was used.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Used {
    /// Of sound, heard or spoken.
    pub seconds: f64,
    pub characters: u64,
    pub tokens_in: u64,
    pub tokens_out: u64,
}

/// What it costs, US dollars. All zero: no price is known.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Price {
    pub minute: f64,
    pub million_characters: f64,
    pub million_tokens_in: f64,
    pub million_tokens_out: f64,
}

impl Price {
    /// In millionths of a dollar, rounded up; `None` where no price is known.
    fn of(&self, used: &Used) -> Option<u64> {
        if *self == Self::default() {
            return None;
        }
        // A dollar a million is a millionth of a dollar each.
        let micro = self.minute * MICRO * used.seconds / 60.0
            + self.million_characters * used.characters as f64
            + self.million_tokens_in * used.tokens_in as f64
            + self.million_tokens_out * used.tokens_out as f64;
        Some(micro.max(0.0).ceil() as u64)
    }
}

/// The most that may be spent, millionths of a US dollar; 0 means no limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Budget {
    pub interview_micro_usd: u64,
    pub day_micro_usd: u64,
}

/// What all interviews of this node spend.
#[derive(Debug)]
pub struct Ledger {
    budget: Budget,
    clock: Clock,
    day: Mutex<Day>,
}

#[derive(Clone, Copy, Debug)]
struct Day {
    date: NaiveDate,
    micro_usd: u64,
}

impl Ledger {
    /// `spent_micro_usd` is what the record says of today.
    #[must_use]
    pub fn new(budget: Budget, clock: Clock, spent_micro_usd: u64) -> Arc<Self> {
        let day = Day { date: clock.now().date_naive(), micro_usd: spent_micro_usd };
        Arc::new(Self { budget, clock, day: Mutex::new(day) })
    }

    /// A ledger without limits, for tools and tests.
    #[must_use]
    pub fn free() -> Arc<Self> {
        Self::new(Budget::default(), Clock::system(), 0)
    }

    /// A meter for one interview (or for the house's own work).
    #[must_use]
    pub fn meter(self: &Arc<Self>) -> Meter {
        Meter(Arc::new(Metered { ledger: Arc::clone(self), sums: Mutex::default() }))
    }

    /// Spent today (UTC), millionths of a US dollar.
    #[must_use]
    pub fn day_micro_usd(&self) -> u64 {
        self.today().micro_usd
    }

    /// Why nothing more may be spent today, if so.
    #[must_use]
    pub fn day_is_spent(&self) -> Option<String> {
        let (limit, spent) = (self.budget.day_micro_usd, self.day_micro_usd());
        (limit > 0 && spent >= limit).then(|| {
            let (spent, limit) = (spent as f64 / MICRO, limit as f64 / MICRO);
            format!("today's budget for providers is spent ({spent:.2} of {limit:.2} US dollars)")
        })
    }

    /// What the record says of today: other nodes spend too.
    pub fn see(&self, spent_micro_usd: u64) {
        let mut today = self.today();
        today.micro_usd = today.micro_usd.max(spent_micro_usd);
    }

    fn today(&self) -> MutexGuard<'_, Day> {
        let mut day = self.day.lock().unwrap_or_else(PoisonError::into_inner);
        let date = self.clock.now().date_naive();
        if day.date != date {
            *day = Day { date, micro_usd: 0 };
        }
        day
    }
}

/// What one provider did in one part.
#[derive(Clone, PartialEq, Debug)]
pub struct Sum {
    pub part: Part,
    pub provider: Arc<str>,
    pub used: Used,
    pub cost_micro_usd: Option<u64>,
}

/// Use and cost by part and provider.
type Sums = BTreeMap<(Part, Arc<str>), (Used, Option<u64>)>;

/// Counts for one interview; cheap to clone.
#[derive(Clone, Debug)]
pub struct Meter(Arc<Metered>);

#[derive(Debug)]
struct Metered {
    ledger: Arc<Ledger>,
    sums: Mutex<Sums>,
}

impl Meter {
    /// The house's books.
    #[must_use]
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.0.ledger
    }

    /// Whether `provider` may be asked.
    ///
    /// # Errors
    /// [`Fault::Budget`] with what is spent.
    pub fn allows(&self, provider: &Arc<str>) -> Result<(), CloudError> {
        let limit = self.0.ledger.budget.interview_micro_usd;
        let spent: u64 = self.sums().values().filter_map(|(_, cost)| *cost).sum();
        let said = if limit > 0 && spent >= limit {
            let (spent, limit) = (spent as f64 / MICRO, limit as f64 / MICRO);
            Some(format!("this interview's budget for providers is spent ({spent:.2} of {limit:.2} US dollars)"))
        } else {
            self.0.ledger.day_is_spent()
        };
        said.map_or(Ok(()), |said| Err(CloudError::new(provider, Fault::Budget, said)))
    }

    /// Counts what `provider` did.
    pub fn count(&self, part: Part, provider: &Arc<str>, used: Used, price: &Price) {
        let cost = price.of(&used);
        {
            let mut sums = self.sums();
            let (sum, total) = sums.entry((part, Arc::clone(provider))).or_default();
            sum.seconds += used.seconds;
            sum.characters += used.characters;
            sum.tokens_in += used.tokens_in;
            sum.tokens_out += used.tokens_out;
            if let Some(cost) = cost {
                *total = Some(total.unwrap_or(0) + cost);
            }
        }
        let labels = [("part", part.as_str().to_owned()), ("provider", provider.to_string())];
        // Prometheus counters are whole numbers here: sound counts in ms.
        let ms = (used.seconds * 1000.0).round() as u64;
        for (name, amount) in [
            ("vivavoce_provider_sound_ms_total", ms),
            ("vivavoce_provider_characters_total", used.characters),
            ("vivavoce_provider_tokens_in_total", used.tokens_in),
            ("vivavoce_provider_tokens_out_total", used.tokens_out),
            ("vivavoce_provider_cost_micro_usd_total", cost.unwrap_or(0)),
        ] {
            if amount > 0 {
                metrics::counter!(name, &labels).increment(amount);
            }
        }
        let mut today = self.0.ledger.today();
        today.micro_usd += cost.unwrap_or(0);
        metrics::gauge!("vivavoce_provider_cost_today_micro_usd").set(today.micro_usd as f64);
    }

    /// All that was counted so far.
    #[must_use]
    pub fn told(&self) -> Vec<Sum> {
        let sum = |(part, provider): &(Part, Arc<str>), (used, cost): &(Used, Option<u64>)| Sum {
            part: *part,
            provider: Arc::clone(provider),
            used: *used,
            cost_micro_usd: *cost,
        };
        self.sums().iter().map(|(of, count)| sum(of, count)).collect()
    }

    fn sums(&self) -> MutexGuard<'_, Sums> {
        self.0.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, Utc};
    use std::sync::atomic::{AtomicI64, Ordering};

    #[test]
    fn what_is_used_is_summed_priced_and_limited() {
        let hours = Arc::new(AtomicI64::new(0));
        let later = Arc::clone(&hours);
        let start: DateTime<Utc> = "2026-11-21T12:00:00Z".parse().expect("a time");
        let clock = Clock::from_fn(move || start + chrono::Duration::hours(later.load(Ordering::Relaxed)));
        let budget = Budget { interview_micro_usd: 30_000, day_micro_usd: 50_000 };
        let ledger = Ledger::new(budget, clock, 1_000);
        let (ears, own): (Arc<str>, Arc<str>) = ("ears".into(), "own".into());
        let price = Price { minute: 0.006, ..Price::default() };
        let minutes = |minutes: f64| Used { seconds: minutes * 60.0, ..Used::default() };
        let first = ledger.meter();
        first.count(Part::Stt, &ears, minutes(2.0), &price);
        first.count(Part::Stt, &ears, minutes(2.0), &price);
        first.count(Part::Llm, &own, Used { tokens_in: 7, ..Used::default() }, &Price::default());
        assert_eq!(first.allows(&ears), Ok(()));
        let told = first.told();
        assert_eq!(told.iter().map(|sum| sum.cost_micro_usd).collect::<Vec<_>>(), [Some(24_000), None]);
        assert_eq!((told[0].used.seconds, told[1].used.tokens_in), (240.0, 7));
        first.count(Part::Stt, &ears, minutes(1.0), &price);
        let refused = first.allows(&ears).expect_err("spent");
        assert_eq!(refused.fault, Fault::Budget);
        assert!(refused.said.contains("0.03 of 0.03"), "{}", refused.said);
        let second = ledger.meter();
        assert_eq!((second.allows(&ears), ledger.day_micro_usd()), (Ok(()), 31_000));
        second.count(Part::Stt, &ears, minutes(4.0), &price);
        assert!(ledger.meter().allows(&ears).expect_err("spent").said.contains("today"));
        hours.store(24, Ordering::Relaxed);
        assert_eq!((ledger.meter().allows(&ears), ledger.day_micro_usd()), (Ok(()), 0));
    }

    #[test]
    fn a_price_counts_each_unit() {
        let price = Price { million_characters: 15.0, million_tokens_in: 0.15, million_tokens_out: 0.6, minute: 0.0 };
        let used = Used { characters: 100, tokens_in: 1000, tokens_out: 100, seconds: 9.0 };
        assert_eq!(price.of(&used), Some(1_710));
        assert_eq!(Price::default().of(&used), None);
    }
}
