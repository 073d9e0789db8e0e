//! What a process costs, as the kernel counts it. Must never look at another process than the one it was told.

use anyhow::Context as _;
use serde::Serialize;
use std::time::Instant;

/// The kernel's clock ticks a second, as all common systems have it.
const TICKS_PER_S: f64 = 100.0;

/// A process at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    at: Instant,
    cpu_s: f64,
    resident_kb: f64,
}

/// What it took between two moments.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Cost {
    pub cpu_s: f64,
    pub wall_s: f64,
    /// Memory at the end more than before the first call.
    pub grown_kb: f64,
}

impl Cost {
    #[must_use]
    pub fn core_percent(self) -> f64 {
        100.0 * self.cpu_s / self.wall_s
    }
}

/// Looks at the process `pid`.
///
/// # Errors
/// When there is none, or it belongs to somebody else.
pub fn read(pid: u32) -> anyhow::Result<Reading> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name stands in brackets and may hold anything.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|ticks| ticks.parse::<f64>().ok());
    let cpu = ticks(11).zip(ticks(12)).map(|(user, system)| (user + system) / TICKS_PER_S);
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok());
    let (cpu_s, resident_kb) = cpu.zip(resident).context("the kernel's figures have another form")?;
    Ok(Reading { at: Instant::now(), cpu_s, resident_kb })
}

/// `before` the first call, `begun` with all of them, `ended`.
#[must_use]
pub fn between(before: Reading, begun: Reading, ended: Reading) -> Cost {
    Cost {
        cpu_s: ended.cpu_s - begun.cpu_s,
        wall_s: ended.at.duration_since(begun.at).as_secs_f64(),
        grown_kb: ended.resident_kb - before.resident_kb,
    }
}
