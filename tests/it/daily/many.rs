//! Many calls, some of which die in the middle; and what one costs.

use super::fake::FakeDaily;
use super::network::alone;
use super::sounds::tone;
use super::stage::{Stage, quick};
use super::worker::left;
use crate::support::server::signal;
use std::time::{Duration, Instant};
use vivavoce::room::RoomCommand;

/// Calls of one run; more by `VIVAVOCE_DAILY_CALLS`.
const CALLS: u32 = 8;

#[test]
fn daily_many_calls_with_random_kills_leave_nothing_behind() {
    alone(|| async {
        let calls = calls();
        let mut fake = FakeDaily::start().await;
        let sockets = open_files();
        let mut killed = 0;
        for call in 0..calls {
            let mut stage = Stage::open_in(fake, quick());
            let candidate = stage.candidate();
            // Some die on their way in, some in the call, some not at all.
            let dies = rand::random_range(0..3);
            if dies == 1 {
                tokio::time::sleep(Duration::from_millis(rand::random_range(0..700))).await;
                killed += kill(&stage.fake);
            }
            stage.connected().await;
            stage.say(1, tone(660.0, 200, 24_000)).await;
            if dies == 2 {
                tokio::time::sleep(Duration::from_millis(rand::random_range(0..300))).await;
                killed += kill(&stage.fake);
            }
            stage.ask(RoomCommand::Close).await;
            stage.closed().await;
            stage.is_clean().await;
            drop(candidate);
            println!("call {call}: over");
            fake = stage.fake;
        }
        fake.hall.forget_the_gone();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let more = open_files().saturating_sub(sockets);
        println!("{calls} calls, {killed} workers killed, {more} more files open than before");
        // The runtime opens a few for itself with its first processes.
        assert!(more <= 8, "{more} files are left open after {calls} calls");
    });
}

/// How many calls a test holds.
pub fn calls() -> u32 {
    std::env::var("VIVAVOCE_DAILY_CALLS").ok().and_then(|calls| calls.parse().ok()).unwrap_or(CALLS)
}

pub fn kill(fake: &FakeDaily) -> usize {
    let workers = left(fake);
    workers.iter().for_each(|pid| signal(*pid, libc::SIGKILL));
    workers.len()
}

fn open_files() -> usize {
    open_files_of(i32::try_from(std::process::id()).expect("a process id"))
}

pub fn open_files_of(pid: i32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).expect("files").count()
}

#[test]
fn daily_worker_is_small_and_frugal() {
    alone(|| async {
        let mut stage = Stage::open(quick()).await;
        let candidate = stage.candidate();
        stage.connected().await;
        let worker = left(&stage.fake)[0];
        candidate.say(tone(440.0, 10_000, 24_000));
        stage.say(1, tone(660.0, 10_000, 24_000)).await;
        let (cpu_before, begun) = (cpu_ms(worker), Instant::now());
        stage.listen(Duration::from_secs(10)).await;
        let share = (cpu_ms(worker) - cpu_before) as f64 / begun.elapsed().as_millis() as f64 * 100.0;
        let peak = memory_mb(worker, "VmHWM:");
        let (own, mapped) = (memory_mb(worker, "RssAnon:"), memory_mb(worker, "RssFile:"));
        println!(
            "worker: {share:.1} % of a core, {peak:.1} MB at most ({own:.1} own, {mapped:.1} of files), both speaking"
        );
        assert!(own + mapped < 40.0 && peak < 60.0, "{own} + {mapped}, {peak} MB at most");
        stage.close().await;
    });
}

/// Time on a processor so far.
fn cpu_ms(pid: i32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
    let ticks: u64 = [fields[11], fields[12]].iter().map(|field| field.parse::<u64>().expect("a number")).sum();
    ticks * 10
}

fn memory_mb(pid: i32, what: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with(what)).expect("it says so");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).expect("a number") / 1024.0
}
