//! `vivavoce rehearse`: a candidate played by a process of its own, over real WebRTC with real speech; the trial without
//! a microphone. It measures at the ear and compares with the record. Everything is synthesised before the calls and
//! transcribed after them, since it shares the cores with the server. Must never use the server but by REST and WebRTC.
//!
//! `script` says what is said, `prepare` makes it sound, `announce` tells it to played providers; `candidate` (pure)
//! behaves, `interject` (pure) does not hear the interviewer out, `call` holds one call, `ear` keeps what was heard;
//! `compare` and `outcome` (pure) judge; `rest` and `screen` are the server as its clients see it.

mod announce;
mod call;
pub mod candidate;
pub mod compare;
mod ear;
mod interject;
mod keep;
mod load;
pub mod outcome;
mod prepare;
mod rest;
mod screen;
pub mod script;
mod transcribe;
mod trial;
mod view;

use crate::app;
use crate::interview::question::Level;
use crate::interview::rehearsal::SHIPPED;
pub use announce::Announcer;
use anyhow::Context as _;
use outcome::Summary;
use script::Part;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio_util::sync::CancellationToken;
pub use trial::{Rehearsal, rehearse};

/// Most calls of one rehearsal; each takes minutes.
const CALLS_MAX: u32 = 1_000;
/// What is logged here unless `RUST_LOG` says otherwise: the live view tells the rest.
const LOG: &str =
    "warn,rtc=error,rtc_dtls=off,rtc_ice=off,rtc_mdns=off,rtc_sctp=off,rtc_turn=off,webrtc=error,ort=warn";

/// Play a candidate against a running server, and measure.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The server.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// What the candidate says: a TOML file (see config/rehearsal/backend.toml, which is the default).
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// How many interviews.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(CALLS_MAX)))]
    calls: u32,
    /// How many of them at the same time.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(CALLS_MAX)))]
    at_once: u32,
    /// Category of the interview; the script's own by default.
    #[arg(long)]
    category: Option<String>,
    /// junior, middle or senior; the script's own by default.
    #[arg(long, value_parser = level)]
    level: Option<Level>,
    /// Questions of the interview; as many as the server plans by default.
    #[arg(long)]
    questions: Option<u32>,
    /// Also interrupt the interviewer in mid-sentence, and measure how soon it is silent; and say "okay" and the like
    /// into its lines, which must not stop it.
    #[arg(long)]
    interrupt: bool,
    /// The candidate's voice: piper (quick) or kokoro.
    #[arg(long, default_value = "piper")]
    voice: String,
    /// Keep what was said (left) and heard (right) as WAV, and the record as JSON, in this directory.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Where the server's providers are played (`vivavoce bench providers`): their address. They are told each answer before
    /// it is said, so that the transcriber's words are those; one call at a time.
    #[arg(long, value_name = "URL", conflicts_with_all = ["at_once", "plain"])]
    announce: Option<String>,
    /// In place of interviews, as many plain conversations at once at the open door (config/bench.toml), against providers
    /// that are played (`vivavoce bench providers`).
    #[arg(long)]
    plain: bool,
    /// With --plain: how long, seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// With --plain: the stated silence and the providers' own delays together, ms; what the ear waits beyond them is the
    /// server's own.
    #[arg(long, default_value_t = 1_120)]
    delays_ms: u32,
    /// With --plain: what callers say behind a short tone, where a detector and a turn model want speech (endpointing "vad"
    /// or "turn").
    #[arg(long, value_name = "TEXT")]
    sentence: Option<String>,
    /// With --plain: the server's process, to count its CPU and memory.
    #[arg(long)]
    pid: Option<u32>,
    /// An account's token, where the server does not allow practice without one.
    #[arg(long, env = "VIVAVOCE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// End with one line of JSON on standard output.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: super::ConfigArgument,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let (mut settings, _) = arguments.config.load()?;
    LOG.clone_into(&mut settings.telemetry.log);
    crate::telemetry::init_logging(&settings.telemetry)?;
    if arguments.plain {
        return plain(arguments).await;
    }
    let part = match &arguments.script {
        Some(path) => script::read(path)?,
        None => Part { script: script::parse(SHIPPED).context("the shipped script")?, folder: PathBuf::new() },
    };
    let voice = arguments.voice.clone();
    let parts = tokio::task::spawn_blocking(move || app::rehearsal_parts(&voice)).await??;
    let rehearsal = Rehearsal {
        url: arguments.url,
        category: arguments.category.unwrap_or_else(|| part.script.category.clone()),
        level: arguments.level.unwrap_or(part.script.level),
        part,
        calls: arguments.calls,
        at_once: arguments.at_once,
        questions: arguments.questions,
        interrupt: arguments.interrupt,
        keep: arguments.keep,
        token: arguments.token,
        announcer: arguments.announce.as_deref().map(Announcer::new).transpose()?,
    };
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let summary = tokio::select! {
        biased;
        // The second Ctrl-C does not wait for the calls to be ended.
        () = twice_interrupted(&stop) => anyhow::bail!("stopped"),
        summary = rehearse(&rehearsal, &parts, &cancel) => summary?,
    };
    tell(&summary, arguments.json)?;
    Ok(if summary.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Plain conversations in place of interviews.
async fn plain(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { url, calls, seconds, delays_ms, interrupt, voice, sentence, pid, json, .. } = arguments;
    let sentence = match sentence {
        Some(text) => {
            let parts = tokio::task::spawn_blocking(move || app::rehearsal_parts(&voice)).await??;
            Some(prepare::line(&text, &*parts.voice).await?)
        }
        None => None,
    };
    load::run(&load::Load { url, calls, seconds, delays_ms, sentence, cuts_in: interrupt, pid, json }).await
}

/// The first Ctrl-C ends the calls politely.
async fn twice_interrupted(stop: &CancellationToken) {
    for _ in 0..2 {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        stop.cancel();
    }
}

fn tell(summary: &Summary, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        eprintln!("{}", summary.table());
        println!("{}", serde_json::to_string(summary)?);
    } else {
        println!("{}", summary.table());
    }
    Ok(())
}

fn level(text: &str) -> Result<Level, String> {
    let found = Level::ALL.into_iter().find(|level| level.as_str() == text);
    found.ok_or_else(|| "junior, middle or senior".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interview::question::QuestionKind;

    #[test]
    fn the_shipped_script_is_one_that_can_be_played() {
        let script = script::parse(SHIPPED).expect("the shipped script");
        let of_kind = |kind| script.answers.iter().filter(|answer| answer.kind == kind).count();
        assert!(script.answers.len() >= 10 && of_kind(QuestionKind::Factual) >= 6);
        assert!(script.answers.iter().any(|answer| answer.kind == QuestionKind::Code && answer.code.is_some()));
    }
}
