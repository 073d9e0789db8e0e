//! The figures of a bench run: shares cut off, waits, by length and by kind, as JSON and for people. Must never run the
//! policy.

use super::answer::Answer;
use super::trial::{RECOVERY_MS, Trial};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// From this length on an answer counts as long, ms.
const LONG_MS_MIN: u64 = 10_000;

/// Figures of some answers. Shares lie between 0 and 1 and are absent where there is no answer.
#[derive(Debug, Serialize)]
pub struct Figures {
    n: usize,
    /// Share cut off, if nothing is recovered.
    cut: Option<f64>,
    /// Share that stays cut off: the candidate went on later than recovery allows.
    cut_with_recovery: Option<f64>,
    mean_wait_ms: Option<f64>,
    p50_wait_ms: Option<u64>,
    p95_wait_ms: Option<u64>,
}

impl Figures {
    pub fn of<'a>(trials: impl Iterator<Item = &'a Trial>) -> Self {
        let trials: Vec<&Trial> = trials.collect();
        let mut waits: Vec<u64> = trials.iter().map(|trial| trial.wait_ms).collect();
        waits.sort_unstable();
        let share = |counts: fn(&Trial) -> bool| {
            (!trials.is_empty())
                .then(|| trials.iter().filter(|trial| counts(trial)).count() as f64 / trials.len() as f64)
        };
        Self {
            n: trials.len(),
            cut: share(|trial| trial.cut),
            cut_with_recovery: share(|trial| trial.stays_cut),
            mean_wait_ms: (!waits.is_empty()).then(|| waits.iter().sum::<u64>() as f64 / waits.len() as f64),
            p50_wait_ms: percentile(&waits, 50),
            p95_wait_ms: percentile(&waits, 95),
        }
    }
}

/// The smallest of `sorted` that so many of a hundred do not exceed.
fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).copied()
}

/// One point of the curve.
#[derive(Debug, Serialize)]
pub struct Point {
    /// What all waits of the policy were multiplied by; absent for a bare timeout, whose wait is its timeout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factor: Option<f64>,
    #[serde(flatten)]
    pub all: Figures,
}

/// What silence alone would do: the floor is taken `ms` after each word that no other follows by then.
pub fn timeout(answers: &[Answer], ms: u64) -> Point {
    let trials: Vec<Trial> = answers
        .iter()
        .map(|answer| {
            let mut trial = Trial { cut: false, stays_cut: false, wait_ms: ms, length_ms: answer.length(), events: 0 };
            let mut end = 0;
            for (place, word) in answer.words.iter().enumerate() {
                let gap = word.start.saturating_sub(end);
                if place > 0 && gap > ms {
                    trial.cut = true;
                    trial.stays_cut |= gap - ms > RECOVERY_MS;
                }
                end = word.end.max(end);
            }
            trial
        })
        .collect();
    Point { factor: None, all: Figures::of(trials.iter()) }
}

/// All figures of a run.
#[derive(Debug, Serialize)]
pub struct Report {
    all: Figures,
    short: Figures,
    long: Figures,
    kinds: BTreeMap<String, Figures>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sweep: Vec<Point>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub timeouts: Vec<Point>,
}

impl Report {
    pub fn of(answers: &[Answer], trials: &[Trial]) -> Self {
        let names: std::collections::BTreeSet<&str> = answers.iter().map(|answer| answer.kind_name.as_str()).collect();
        let of_kind = |name: &str| {
            let some = answers.iter().zip(trials).filter(|(answer, _)| answer.kind_name == name);
            Figures::of(some.map(|(_, trial)| trial))
        };
        Self {
            all: Figures::of(trials.iter()),
            short: Figures::of(trials.iter().filter(|trial| trial.length_ms < LONG_MS_MIN)),
            long: Figures::of(trials.iter().filter(|trial| trial.length_ms >= LONG_MS_MIN)),
            kinds: names.into_iter().map(|name| (name.to_owned(), of_kind(name))).collect(),
            sweep: Vec::new(),
            timeouts: Vec::new(),
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |share: Option<f64>| share.map_or("-".into(), |share| format!("{:.1} %", share * 100.0));
        let ms = |ms: Option<u64>| ms.map_or("-".into(), |ms| ms.to_string());
        let mean = self.mean_wait_ms.map_or("-".into(), |mean| format!("{mean:.0}"));
        let (cut, stays) = (share(self.cut), share(self.cut_with_recovery));
        let (p50, p95) = (ms(self.p50_wait_ms), ms(self.p95_wait_ms));
        write!(f, "{:>7} {cut:>8} {stays:>14} {mean:>9} {p50:>7} {p95:>7}", self.n)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = "answers      cut  with recovery   mean ms  p50 ms  p95 ms";
        writeln!(f, "{:<14} {head}", "")?;
        let lengths = [("all", &self.all), ("under 10 s", &self.short), ("10 s or more", &self.long)];
        for (name, figures) in lengths {
            writeln!(f, "{name:<14} {figures}")?;
        }
        for (name, figures) in &self.kinds {
            writeln!(f, "{name:<14} {figures}")?;
        }
        for point in self.sweep.iter().chain(&self.timeouts) {
            let name = point.factor.map_or("bare timeout".into(), |factor| format!("waits x {factor:.2}"));
            writeln!(f, "{name:<14} {}", point.all)?;
        }
        Ok(())
    }
}
