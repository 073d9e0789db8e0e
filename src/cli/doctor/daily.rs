//! Daily.co rooms, which are off until there is a key: the pinned library, and whether it can be loaded. Loading happens in
//! a worker process, since foreign code may crash.

use super::Check;
use crate::config::Settings;
use crate::embedded::{Paths, daily};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// Longest time for loading the library.
const PROBE_MAX: Duration = Duration::from_secs(20);
const FETCH: &str = "Run scripts/setup --daily: it fetches Daily's client library onto this machine (docs/daily.md).";

pub async fn check(settings: &Settings, paths: &Paths) -> Check {
    let name = "Daily.co rooms";
    let is_wanted = !settings.room.daily.api_key.0.is_empty();
    let cache = paths.cache.clone();
    let found = match tokio::task::spawn_blocking(move || daily::library(&cache)).await {
        Ok(Ok(_)) => {
            Ok(daily::own().map_or("sha256 as pinned".to_owned(), |own| format!("your own {}", own.display())))
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match found {
        Err(_) if !is_wanted => Check::ok(name, "off: there is no API key (docs/daily.md)"),
        Err(why) => Check::wanted(name, why, FETCH),
        Ok(file) => match probe().await {
            Ok(said) => {
                let key = if is_wanted { "the API key is set" } else { "off: there is no API key (docs/daily.md)" };
                Check::ok(name, format!("{said} ({file}); {key}"))
            }
            Err(why) => Check::wanted(name, format!("Daily's client library ({file}) does not work: {why}"), FETCH),
        },
    }
}

/// What a worker says that loads the library.
async fn probe() -> Result<String, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    let command = command.args(["daily-worker", "--probe"]).stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PROBE_MAX, command.output()).await;
    let output = output.map_err(|_| "loading it takes too long".to_owned())?.map_err(|error| error.to_string())?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).lines().next().unwrap_or_default().trim().to_owned();
    if output.status.success() { Ok(said(&output.stdout)) } else { Err(said(&output.stderr)) }
}
