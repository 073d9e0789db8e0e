//! Calls become figures: what the server adds, how evenly it sends, what it costs. Pure.

use super::Load;
use super::call::{Held, Turn, Whose};
use super::cost::Cost;
use serde::Serialize;
use std::time::Duration;

/// A reply that is later than this beyond the stated delays is no clean one, ms.
const LATE_MS: f64 = 100.0;
/// A packet that comes so much after its time is a break in the reply, ms: a usual jitter buffer holds no more.
const BROKEN_MS: f64 = 100.0;

/// A call with a turn that went wrong.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize)]
pub struct Faults {
    pub lost: u32,
    pub late: u32,
    pub broken: u32,
    pub of_another: u32,
}

/// What is told.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    pub calls: u32,
    pub refused: u32,
    pub failed: u32,
    /// Calls without any fault.
    pub clean: u32,
    pub turns: usize,
    pub faults: Faults,
    /// Gap at the ear, and what of it is the server's own, ms.
    pub gap_ms: [f64; 3],
    pub overhead_ms: [f64; 3],
    pub overhead_max_ms: f64,
    /// Overhead of the first and of the last third of the time, p50: a backlog would grow.
    pub overhead_first_ms: f64,
    pub overhead_last_ms: f64,
    /// From a caller's cutting in to the last sound of the reply, ms; the speech that it takes to cut in is within it.
    pub silenced_ms: [f64; 3],
    /// The callers' own tick of 20 ms after its time, ms: figures of callers that are late are not the server's.
    pub own_lateness_ms: [f64; 3],
    pub own_core_percent: f64,
    /// Packets of replies after their time, ms: p50, p95, p99.
    pub lateness_ms: [f64; 3],
    pub cpu_ms_per_call_s: Option<f64>,
    pub core_percent: Option<f64>,
    pub memory_mb_per_call: Option<f64>,
    pub problems: Vec<String>,
}

/// How the callers' own process fared.
#[derive(Clone, Debug)]
pub struct Own {
    pub lateness: Vec<Duration>,
    pub cost: Cost,
}

impl Figures {
    pub fn of(held: &[Held], load: &Load, own: &Own, cost: Option<Cost>) -> Self {
        let delays = f64::from(load.delays_ms);
        let turns: Vec<&Turn> = held.iter().flat_map(|call| &call.turns).collect();
        let gaps: Vec<f64> = turns.iter().filter_map(|turn| turn.gap).map(ms).collect();
        let overheads: Vec<f64> = gaps.iter().map(|gap| gap - delays).collect();
        let lateness: Vec<f64> = turns.iter().flat_map(|turn| &turn.lateness).copied().map(ms).collect();
        let mut faults = Faults::default();
        turns.iter().for_each(|turn| faults.add(faults_of(turn, delays)));
        let connected = held.iter().filter(|call| !call.turns.is_empty()).count().max(1) as f64;
        let is_clean = |call: &&Held| {
            call.failed.is_none()
                && !call.turns.is_empty()
                && call.turns.iter().all(|turn| faults_of(turn, delays) == Faults::default())
        };
        let third = |part: fn(f64) -> bool| {
            let last = turns.iter().map(|turn| turn.at).max().unwrap_or_default().as_secs_f64().max(1e-9);
            let of_part = turns.iter().filter(|turn| part(turn.at.as_secs_f64() / last));
            quantile(&of_part.filter_map(|turn| turn.gap).map(|gap| ms(gap) - delays).collect::<Vec<_>>(), 0.5)
        };
        let mut problems: Vec<String> = held.iter().filter_map(|call| call.failed.clone()).collect();
        problems.sort();
        problems.dedup();
        problems.truncate(5);
        let count = |is: fn(&&Held) -> bool| u32::try_from(held.iter().filter(is).count()).unwrap_or(u32::MAX);
        Self {
            calls: load.calls,
            refused: count(|call| call.was_refused),
            failed: count(|call| call.failed.is_some() && !call.was_refused),
            clean: u32::try_from(held.iter().filter(is_clean).count()).unwrap_or(u32::MAX),
            turns: turns.len(),
            faults,
            gap_ms: three(&gaps),
            overhead_ms: three(&overheads),
            overhead_max_ms: quantile(&overheads, 1.0),
            overhead_first_ms: third(|part| part < 1.0 / 3.0),
            overhead_last_ms: third(|part| part > 2.0 / 3.0),
            silenced_ms: three(&turns.iter().filter_map(|turn| turn.silenced).map(ms).collect::<Vec<_>>()),
            own_lateness_ms: three(&own.lateness.iter().copied().map(ms).collect::<Vec<_>>()),
            own_core_percent: own.cost.core_percent(),
            lateness_ms: three(&lateness),
            cpu_ms_per_call_s: cost.map(|cost| cost.cpu_s * 1_000.0 / cost.wall_s / connected),
            core_percent: cost.map(Cost::core_percent),
            memory_mb_per_call: cost.map(|cost| cost.grown_kb / 1_024.0 / connected),
            problems,
        }
    }

    /// Every call that was taken went without a fault.
    pub fn is_clean(&self) -> bool {
        self.clean > 0 && self.clean + self.refused == self.calls
    }

    pub fn table(&self) -> String {
        let three = |[p50, p95, p99]: [f64; 3]| format!("p50 {p50:.1}, p95 {p95:.1}, p99 {p99:.1} ms");
        let Faults { lost, late, broken, of_another } = self.faults;
        let cost = match (self.cpu_ms_per_call_s, self.core_percent, self.memory_mb_per_call) {
            (Some(cpu), Some(core), Some(memory)) => format!(
                "\nserver            {cpu:.2} ms of CPU per call-second ({core:.0} % of a core), {memory:.2} MB per call"
            ),
            (..) => String::new(),
        };
        let silenced = match self.silenced_ms {
            [p50, ..] if p50.is_nan() => String::new(),
            silenced => format!("\nsilenced after    {}", three(silenced)),
        };
        let problems: String = self.problems.iter().map(|problem| format!("\nproblem           {problem}")).collect();
        format!(
            "calls             {} ({} clean, {} refused, {} failed), {} turns\n\
             faults            {lost} lost, {late} late, {broken} broken, {of_another} of another call\n\
             gap at the ear    {}\n\
             server's own      {}, most {:.1} ms; first third p50 {:.1}, last third {:.1} ms\n\
             packets late by   {}{silenced}\n\
             callers' own tick {} ({:.0} % of a core){cost}{problems}",
            self.calls,
            self.clean,
            self.refused,
            self.failed,
            self.turns,
            three(self.gap_ms),
            three(self.overhead_ms),
            self.overhead_max_ms,
            self.overhead_first_ms,
            self.overhead_last_ms,
            three(self.lateness_ms),
            three(self.own_lateness_ms),
            self.own_core_percent,
        )
    }
}

impl Faults {
    fn add(&mut self, other: Self) {
        self.lost += other.lost;
        self.late += other.late;
        self.broken += other.broken;
        self.of_another += other.of_another;
    }
}

fn faults_of(turn: &Turn, delays_ms: f64) -> Faults {
    let Some(gap) = turn.gap else { return Faults { lost: 1, ..Faults::default() } };
    let has_break =
        turn.missing > 0 || turn.whose == Whose::Unclear || turn.lateness.iter().any(|late| ms(*late) > BROKEN_MS);
    Faults {
        lost: 0,
        late: u32::from(ms(gap) - delays_ms > LATE_MS),
        broken: u32::from(has_break),
        of_another: u32::from(turn.whose == Whose::Another),
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn three(values: &[f64]) -> [f64; 3] {
    [0.5, 0.95, 0.99].map(|part| quantile(values, part))
}

fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (part * sorted.len().saturating_sub(1) as f64).round() as usize;
    sorted.get(place).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_is_told_and_a_clean_call_has_none() {
        let good = Turn { gap: Some(Duration::from_millis(1_120)), whose: Whose::Own, ..Turn::default() };
        assert_eq!(faults_of(&good, 1_100.0), Faults::default());
        let late = Turn { gap: Some(Duration::from_millis(1_201)), ..good.clone() };
        assert_eq!(faults_of(&late, 1_100.0), Faults { late: 1, ..Faults::default() });
        let lost = Turn { gap: None, ..good.clone() };
        assert_eq!(faults_of(&lost, 1_100.0), Faults { lost: 1, ..Faults::default() });
        let stranger = Turn { whose: Whose::Another, missing: 1, ..good };
        assert_eq!(faults_of(&stranger, 1_100.0), Faults { broken: 1, of_another: 1, ..Faults::default() });
    }

    #[test]
    fn quantiles_are_of_what_was_measured() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(three(&values), [51.0, 95.0, 99.0]);
        assert!(quantile(&[], 0.5).is_nan());
    }
}
