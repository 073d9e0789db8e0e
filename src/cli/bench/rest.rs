//! `vivavoce bench rest`: how long ordinary reads take at a fixed rate. Requests leave by the clock, whether earlier ones
//! are answered or not, and are timed from when they should have left: a server that falls behind does not look quick.
//! Must never read anything but what every client can read.

use anyhow::{Context as _, bail};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Interviews that are read in turn, at most: enough that no cache holds only them.
const INTERVIEWS_MAX: usize = 2_000;
/// Entries of a page of the list, at most what the server gives.
const PAGE: usize = 100;
/// Longest wait for one answer; what takes longer counts as failed.
const ANSWER: Duration = Duration::from_secs(10);
/// The goal: 99 of 100 reads within so many ms.
const P99_MS_GOAL: f64 = 20.0;
/// Before the measuring: connections are opened, the server's caches filled.
const WARM_UP_S: u64 = 2;

/// Measure ordinary reads of a server that is running (fill its database by `vivavoce seed` first).
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    server: String,
    /// Who reads: an interviewer.
    #[arg(long, default_value = "seed-interviewer")]
    login: String,
    /// The password; better given by the environment.
    #[arg(long, env = "VIVAVOCE_BENCH_PASSWORD", hide_env_values = true)]
    password: String,
    /// Requests a second.
    #[arg(long, default_value_t = 200)]
    rate: u32,
    #[arg(long, default_value_t = 30)]
    seconds: u32,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What a kind of read took.
#[derive(Debug, Default)]
struct Taken {
    ms: Vec<f64>,
    failed: u32,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if arguments.rate == 0 || arguments.seconds == 0 {
        bail!("--rate and --seconds are at least 1");
    }
    let reader = Reader::log_in(&arguments).await?;
    let addresses = reader.addresses().await?;
    reader.load(&addresses, arguments.rate, Duration::from_secs(WARM_UP_S)).await;
    let taken = reader.load(&addresses, arguments.rate, Duration::from_secs(u64::from(arguments.seconds))).await;
    let mut all = Taken::default();
    for one in taken.values() {
        all.ms.extend(&one.ms);
        all.failed += one.failed;
    }
    let is_good = all.failed == 0 && quantile(&mut all.ms, 0.99) <= P99_MS_GOAL;
    print(taken, all, &arguments);
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Who reads.
struct Reader {
    client: Client,
    server: String,
    token: String,
}

impl Reader {
    async fn log_in(arguments: &Arguments) -> anyhow::Result<Self> {
        let client = Client::builder().timeout(ANSWER).no_proxy().build()?;
        let server = arguments.server.trim_end_matches('/').to_owned();
        let credentials = json!({ "login": arguments.login, "password": arguments.password });
        let request = client.post(format!("{server}/api/v1/auth/login")).json(&credentials);
        let answer = request.send().await.with_context(|| format!("{server} cannot be reached"))?;
        if !answer.status().is_success() {
            bail!("{} cannot log in: {}", arguments.login, answer.status());
        }
        let session: Value = answer.json().await?;
        let token = session["access_token"].as_str().context("the answer holds no token")?.to_owned();
        Ok(Self { client, server, token })
    }

    /// What is read, in turn: kind and address.
    async fn addresses(&self) -> anyhow::Result<Vec<(&'static str, String)>> {
        let mut ids: Vec<String> = Vec::new();
        let mut pages: Vec<String> = vec![format!("/interviews?limit={PAGE}")];
        while ids.len() < INTERVIEWS_MAX {
            let last = pages.last().context("there is a first page")?;
            let page: Value = self.get(last).send().await?.error_for_status()?.json().await?;
            let list = page["interviews"].as_array().context("the list is no list")?;
            ids.extend(list.iter().filter_map(|one| one["id"].as_str().map(str::to_owned)));
            let Some(next) = page["next"].as_str() else { break };
            pages.push(format!("/interviews?limit={PAGE}&before={next}"));
        }
        if ids.is_empty() {
            bail!("there are no interviews to read: run `vivavoce seed` first");
        }
        let mut addresses = Vec::new();
        for (at, id) in ids.iter().enumerate() {
            let short_page = pages[at % pages.len()].replace(&format!("limit={PAGE}"), "limit=20");
            addresses.extend([
                ("list", short_page),
                ("interview", format!("/interviews/{id}")),
                ("transcript", format!("/interviews/{id}/transcript")),
                ("responses", format!("/interviews/{id}/responses")),
                ("report", format!("/interviews/{id}/report")),
                ("events", format!("/interviews/{id}/events?limit=100")),
                ("categories", "/categories".to_owned()),
                ("account", "/users/me".to_owned()),
            ]);
        }
        Ok(addresses)
    }

    fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.request(Method::GET, format!("{}/api/v1{path}", self.server)).bearer_auth(&self.token)
    }

    async fn load(
        &self,
        addresses: &[(&'static str, String)],
        rate: u32,
        time: Duration,
    ) -> BTreeMap<&'static str, Taken> {
        let pause = Duration::from_secs(1) / rate;
        let begun = Instant::now();
        let mut under_way = JoinSet::new();
        let mut taken: BTreeMap<&'static str, Taken> = BTreeMap::new();
        let mut note = |(kind, ms): (&'static str, Option<f64>)| {
            let one = taken.entry(kind).or_default();
            match ms {
                Some(ms) => one.ms.push(ms),
                None => one.failed += 1,
            }
        };
        for (number, (kind, path)) in (0..).zip(addresses.iter().cycle()) {
            let due = begun + pause * number;
            if due - begun >= time {
                break;
            }
            tokio::time::sleep_until(due.into()).await;
            let (kind, request) = (*kind, self.get(path));
            under_way.spawn(async move {
                let answer = request.send().await.and_then(reqwest::Response::error_for_status);
                let is_whole = match answer {
                    Ok(answer) => answer.bytes().await.is_ok(),
                    Err(_) => false,
                };
                (kind, is_whole.then(|| due.elapsed().as_secs_f64() * 1_000.0))
            });
            while let Some(Ok(done)) = under_way.try_join_next() {
                note(done);
            }
        }
        while let Some(Ok(done)) = under_way.join_next().await {
            note(done);
        }
        taken
    }
}

fn print(taken: BTreeMap<&'static str, Taken>, all: Taken, arguments: &Arguments) {
    let rows = taken.into_iter().chain([("all", all)]);
    let mut table = Vec::new();
    for (kind, mut one) in rows {
        let (p50, p99, max) = (quantile(&mut one.ms, 0.5), quantile(&mut one.ms, 0.99), quantile(&mut one.ms, 1.0));
        table.push((kind, one.ms.len(), one.failed, p50, p99, max));
    }
    if arguments.json {
        let rows = table.iter().map(|(kind, count, failed, p50, p99, max)| {
            json!({ "read": kind, "answered": count, "failed": failed, "p50_ms": p50, "p99_ms": p99, "max_ms": max })
        });
        let reads: Vec<Value> = rows.collect();
        println!(
            "{}",
            json!({ "rate": arguments.rate, "seconds": arguments.seconds, "p99_ms_goal": P99_MS_GOAL, "reads": reads })
        );
        return;
    }
    println!("{} requests a second for {} s", arguments.rate, arguments.seconds);
    println!("{:<12} {:>9} {:>7} {:>9} {:>9} {:>9}", "read", "answered", "failed", "p50 ms", "p99 ms", "max ms");
    for (kind, count, failed, p50, p99, max) in &table {
        println!("{kind:<12} {count:>9} {failed:>7} {p50:>9.1} {p99:>9.1} {max:>9.1}");
    }
    println!("goal: p99 of all within {P99_MS_GOAL} ms, none failed");
}

/// The value below which so large a part lies; of nothing, nothing can be good.
fn quantile(ms: &mut [f64], part: f64) -> f64 {
    if ms.is_empty() {
        return f64::INFINITY;
    }
    ms.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index"
    )]
    let at = ((ms.len() as f64 * part).ceil() as usize).clamp(1, ms.len());
    ms[at - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_nearest_rank() {
        let mut ms: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!((quantile(&mut ms, 0.5), quantile(&mut ms, 0.99), quantile(&mut ms, 1.0)), (100.0, 198.0, 200.0));
        assert_eq!((quantile(&mut [7.0], 0.99), quantile(&mut [], 0.5)), (7.0, f64::INFINITY));
    }
}
