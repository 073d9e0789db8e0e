//! `vivavoce doctor`: what is there, what is missing, and the remedy. Must never change anything, and never need a
//! server that runs.

mod daily;
mod machine;
mod parts;

use super::ConfigArgument;
use serde::Serialize;
use std::process::ExitCode;

/// Tell what is there, what is missing, and the remedy. Exits with 1 if something that is needed is missing.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// One JSON document instead of text.
    #[arg(long)]
    json: bool,
    /// Also compute the sha256 of every downloaded file (a few seconds for each gigabyte).
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    config: ConfigArgument,
}

/// What was looked at.
#[derive(Debug, Serialize)]
struct Check {
    name: String,
    state: State,
    /// What was found.
    found: String,
    /// What to do, where something is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

/// How it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    /// Something works less well without it.
    Wanted,
    /// There are no interviews without it.
    Missing,
}

impl Check {
    fn ok(name: impl Into<String>, found: impl Into<String>) -> Self {
        Self { name: name.into(), state: State::Ok, found: found.into(), remedy: None }
    }

    fn wanted(name: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name: name.into(), state: State::Wanted, found: found.into(), remedy: Some(remedy.into()) }
    }

    fn missing(name: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name: name.into(), state: State::Missing, found: found.into(), remedy: Some(remedy.into()) }
    }

    fn unless_ok(is_needed: bool, name: &str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        if is_needed { Self::missing(name, found, remedy) } else { Self::wanted(name, found, remedy) }
    }
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let checks = match arguments.config.load() {
        Ok((settings, paths)) => {
            let mut checks = vec![Check::ok("settings", "read, every key is known")];
            checks.extend(machine::checks(&settings, &paths).await);
            checks.extend(parts::checks(&settings, &paths, arguments.verify).await?);
            checks.push(daily::check(&settings, &paths).await);
            checks
        }
        Err(error) => {
            vec![Check::missing("settings", format!("{error:#}"), "Correct the file or the variable that is named.")]
        }
    };
    let is_ok = checks.iter().all(|check| check.state != State::Missing);
    if arguments.json {
        println!("{}", serde_json::json!({ "ok": is_ok, "checks": checks }));
    } else {
        print!("{}", text(&checks, is_ok));
    }
    Ok(if is_ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn text(checks: &[Check], is_ok: bool) -> String {
    let mut text = String::new();
    for check in checks {
        let mark = match check.state {
            State::Ok => "ok     ",
            State::Wanted => "wanted ",
            State::Missing => "MISSING",
        };
        text.push_str(&format!("{mark}  {}: {}\n", check.name, check.found));
        if let Some(remedy) = &check.remedy {
            text.push_str(&format!("         -> {remedy}\n"));
        }
    }
    text.push_str(if is_ok {
        "\nEverything that is needed is there.\n"
    } else {
        "\nSomething that is needed is missing.\n"
    });
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_with_its_remedy() {
        let checks = [
            Check::ok("a", "there"),
            Check::missing("b", "not there", "Fetch it."),
            Check::wanted("c", "old", "Renew it."),
        ];
        let said = text(&checks, false);
        assert!(
            said.contains("MISSING  b: not there\n         -> Fetch it.\n") && said.ends_with("missing.\n"),
            "{said}"
        );
    }
}
