//! `vivavoce rehearse --plain`: many callers at once at the open door, each with a tone of its own, against providers that
//! are played (`vivavoce bench providers`). It measures at the ear what the server itself adds to the providers' stated
//! delays, how evenly its packets come, and what it costs. Must never share a core with the server that it measures.

mod call;
mod cost;
mod figures;

use crate::audio::frame::FRAME_MS;
use anyhow::{Context as _, bail};
use call::Caller;
use figures::{Figures, Own};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Callers begin so far apart: a crowd that comes at one instant measures handshakes.
const ARRIVAL: Duration = Duration::from_millis(200);
/// After the last one has come, before what the server costs is counted.
const SETTLE: Duration = Duration::from_secs(2);

/// What the load is.
#[derive(Clone, Debug)]
pub struct Load {
    pub url: String,
    pub calls: u32,
    pub seconds: u32,
    /// Silence and providers' delays that are no fault of the server, ms.
    pub delays_ms: u32,
    /// What callers say behind a short tone, 24 kHz; without it a longer tone is all.
    pub sentence: Option<Arc<[i16]>>,
    /// Callers cut into the reply now and then.
    pub cuts_in: bool,
    /// The server's process, to count what it costs.
    pub pid: Option<u32>,
    pub json: bool,
}

/// Plays the callers and tells the figures.
///
/// # Errors
/// When no caller gets through.
pub async fn run(load: &Load) -> anyhow::Result<ExitCode> {
    if load.seconds == 0 {
        bail!("--seconds is at least 1");
    }
    let http = reqwest::Client::builder().no_proxy().build()?;
    let before = load.pid.map(cost::read).transpose().context("the server's process cannot be looked at")?;
    let mut callers = JoinSet::new();
    let arrived = ARRIVAL * load.calls + SETTLE;
    let until = tokio::time::Instant::now() + arrived + Duration::from_secs(u64::from(load.seconds));
    for number in 0..load.calls {
        let (url, http) = (load.url.clone(), http.clone());
        let caller = Caller { number, sentence: load.sentence.clone(), cuts_in: load.cuts_in };
        callers.spawn(async move {
            tokio::time::sleep(ARRIVAL * number).await;
            call::hold(&http, &url, &caller, until).await
        });
    }
    tokio::time::sleep(arrived).await;
    let begun = load.pid.map(cost::read).transpose()?;
    let own_begun = cost::read(std::process::id())?;
    let lateness = own_lateness(until).await;
    let own_cost = cost::between(own_begun, own_begun, cost::read(std::process::id())?);
    let ended = load.pid.map(cost::read).transpose()?;
    let mut held = Vec::new();
    while let Some(call) = callers.join_next().await {
        held.push(call?);
    }
    let costs = before.zip(begun).zip(ended).map(|((before, begun), ended)| cost::between(before, begun, ended));
    let figures = Figures::of(&held, load, &Own { lateness, cost: own_cost }, costs);
    if load.json {
        eprintln!("{}", figures.table());
        println!("{}", serde_json::to_string(&figures)?);
    } else {
        println!("{}", figures.table());
    }
    Ok(if figures.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How late this process itself wakes, until `until`.
async fn own_lateness(until: tokio::time::Instant) -> Vec<Duration> {
    let mut lateness = Vec::new();
    while tokio::time::Instant::now() < until {
        let due = Instant::now() + Duration::from_millis(u64::from(FRAME_MS));
        tokio::time::sleep_until(due.into()).await;
        lateness.push(due.elapsed());
    }
    lateness
}
