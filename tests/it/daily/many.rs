//! Many calls, some of which die in the middle; and what one costs.

use super::fake::FakeDaily;
use super::network::alone;
use super::sounds::tone;
use super::stage::{LOOK, LOOKS, Stage, quick};
use super::worker::left;
use crate::support::server::signal;
use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};
use vivavoce::room::RoomCommand;

/// Calls of one run; more by `VIVAVOCE_DAILY_CALLS`.
const CALLS: u32 = 8;

/// When a call's worker is killed: at a random moment of that stretch, if it lives then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Died {
    Never,
    OnTheWay,
    InTheCall,
    AtTheEnd,
    Everywhere,
}

impl Died {
    /// By chance, but for the first call: what is open after one that was killed is the measure for the others.
    pub fn of(call: u32) -> Self {
        const ALL: [Died; 5] = [Died::Never, Died::OnTheWay, Died::InTheCall, Died::AtTheEnd, Died::Everywhere];
        if call == 0 { Self::InTheCall } else { ALL[rand::random_range(0..ALL.len())] }
    }

    pub fn on_the_way(self) -> bool {
        matches!(self, Self::OnTheWay | Self::Everywhere)
    }

    pub fn in_the_call(self) -> bool {
        matches!(self, Self::InTheCall | Self::Everywhere)
    }

    pub fn at_the_end(self) -> bool {
        matches!(self, Self::AtTheEnd | Self::Everywhere)
    }
}

/// How many calls a test holds.
pub fn calls() -> u32 {
    std::env::var("VIVAVOCE_DAILY_CALLS").ok().and_then(|calls| calls.parse().ok()).unwrap_or(CALLS)
}

/// Kills the workers that there are at a random moment within so many ms; how many there were.
pub async fn kill(fake: &FakeDaily, within_ms: u64) -> usize {
    tokio::time::sleep(Duration::from_millis(rand::random_range(0..within_ms))).await;
    let workers = left(fake);
    workers.iter().for_each(|pid| signal(*pid, libc::SIGKILL));
    workers.len()
}

/// How many files a process has open whose kind has `what` in its name.
pub fn files_of(pid: i32, what: &str) -> usize {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).expect("files").flatten();
    let kinds = files.filter_map(|file| fs::read_link(file.path()).ok());
    kinds.filter(|kind| kind.to_string_lossy().contains(what)).count()
}

/// Children of a process that have ended, and for which nobody has asked.
pub fn zombies_of(pid: i32) -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("processes").flatten();
    let stats = processes.filter_map(|process| fs::read_to_string(process.path().join("stat")).ok());
    let of_it = format!(" Z {pid} ");
    stats.filter(|stat| stat.rsplit(')').next().is_some_and(|state| state.starts_with(&of_it))).collect()
}

pub fn own_pid() -> i32 {
    i32::try_from(std::process::id()).expect("a process id")
}

/// Everything of a call that this process may hold: sockets, handles of processes, tasks.
fn held() -> [usize; 3] {
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    [files_of(own_pid(), "socket:"), files_of(own_pid(), "pidfd"), tasks]
}

/// One call from its room to its end; how many of its workers were killed.
async fn call(stage: &mut Stage, number: u32) -> usize {
    let candidate = stage.candidate();
    let died = Died::of(number);
    let mut killed = 0;
    if died.on_the_way() {
        killed += kill(&stage.fake, 700).await;
    }
    stage.connected().await;
    stage.say(1, tone(660.0, 200, 24_000)).await;
    if died.in_the_call() {
        killed += kill(&stage.fake, 300).await;
    }
    stage.ask(RoomCommand::Close).await;
    if died.at_the_end() {
        killed += kill(&stage.fake, 400).await;
    }
    stage.closed().await;
    stage.is_clean().await;
    drop(candidate);
    println!("call {number}: over ({died:?}, {killed} killed)");
    killed
}

#[test]
fn daily_many_calls_with_random_kills_leave_nothing_behind() {
    alone(|| async {
        let calls = calls();
        let mut fake = FakeDaily::start().await;
        let (mut killed, mut after_first) = (0, [usize::MAX; 3]);
        for number in 0..calls {
            let mut stage = Stage::open_in(fake, quick());
            killed += call(&mut stage, number).await;
            fake = stage.fake;
            if number == 0 {
                fake.hall.forget_the_gone();
                tokio::time::sleep(Duration::from_secs(2)).await;
                after_first = held();
            }
        }
        assert!(killed > 0, "nobody was killed: this shows nothing");
        let mut left = held();
        for _ in 0..LOOKS {
            if left.iter().zip(after_first).all(|(now, then)| *now <= then) {
                break;
            }
            tokio::time::sleep(LOOK).await;
            fake.hall.forget_the_gone();
            left = held();
        }
        println!(
            "{calls} calls, {killed} workers killed; sockets, processes and tasks: {after_first:?} then, {left:?} now"
        );
        assert!(left.iter().zip(after_first).all(|(now, then)| *now <= then), "{left:?} are left of {after_first:?}");
    });
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
        spends(worker, &mut stage, "both speaking").await;
        let peak = memory_mb(worker, "VmHWM:");
        let (own, mapped) = (memory_mb(worker, "RssAnon:"), memory_mb(worker, "RssFile:"));
        println!("worker: {peak:.1} MB at most ({own:.1} own, {mapped:.1} of files)");
        // As an interview goes: one of the two speaks.
        candidate.say(tone(440.0, 10_000, 24_000));
        spends(worker, &mut stage, "the candidate speaking").await;
        stage.say(2, tone(660.0, 10_000, 24_000)).await;
        spends(worker, &mut stage, "the interviewer speaking").await;
        assert!(own + mapped < 40.0 && peak < 60.0, "{own} + {mapped}, {peak} MB at most");
        stage.close().await;
    });
}

/// Prints what the worker spends in 10 s of the call.
async fn spends(worker: i32, stage: &mut Stage, when: &str) {
    let (before, begun) = (threads_of(worker), Instant::now());
    stage.listen(Duration::from_secs(10)).await;
    let (after, elapsed) = (threads_of(worker), begun.elapsed());
    let spent = spent_by_name(&before, &after);
    let (cpu_ns, wakes) = spent.values().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let share = |ns: u64| ns as f64 / elapsed.as_nanos() as f64 * 100.0;
    let a_second = |wakes: u64| wakes as f64 / elapsed.as_secs_f64();
    println!("worker: {:.1} % of a core, {:.0} wake-ups a second, {when}", share(cpu_ns), a_second(wakes));
    for (name, (ns, wakes)) in &spent {
        println!("   {name}: {:.2} %, {:.0} wake-ups a second", share(*ns), a_second(*wakes));
    }
}

/// A thread's name, its time on a processor so far, ns, and how often it has waited.
type Thread = (String, u64, u64);

/// The threads of a process, by number.
fn threads_of(pid: i32) -> BTreeMap<String, Thread> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("it runs").flatten();
    let of = |thread: &fs::DirEntry| -> Option<Thread> {
        let read = |file: &str| fs::read_to_string(thread.path().join(file)).ok();
        let ns = read("schedstat")?.split_whitespace().next()?.parse().ok()?;
        let status = read("status")?;
        let waits =
            status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?.trim().parse().ok()?;
        Some((read("comm")?.trim().to_owned(), ns, waits))
    };
    threads.filter_map(|thread| Some((thread.file_name().into_string().ok()?, of(&thread)?))).collect()
}

/// What was spent in between, by the threads' names; those that have ended in between are left out.
fn spent_by_name(before: &BTreeMap<String, Thread>, after: &BTreeMap<String, Thread>) -> BTreeMap<String, (u64, u64)> {
    let mut spent = BTreeMap::<String, (u64, u64)>::new();
    for (number, (name, ns, waits)) in after {
        let (ns_before, waits_before) = before.get(number).map_or((0, 0), |(_, ns, waits)| (*ns, *waits));
        let one = spent.entry(name.clone()).or_default();
        *one = (one.0 + ns - ns_before, one.1 + waits - waits_before);
    }
    spent
}

fn memory_mb(pid: i32, what: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with(what)).expect("it says so");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).expect("a number") / 1024.0
}
