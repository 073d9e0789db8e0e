//! A whole rehearsal: prepares the answers, holds the calls, then transcribes, reads the record, waits for the reports.
//! Must never swallow a failure: whatever went wrong stands in the outcome of its call.

use super::announce::Announcer;
use super::call::{self, CallError, CallRecord, Sight};
use super::candidate::Candidate;
use super::interject::effect;
use super::keep;
use super::outcome::{CallOutcome, Summary};
use super::prepare::{Prepared, interjections, prepare};
use super::rest::{Connection, Made, RestError, Server, View, Wish};
use super::script::Part;
use super::transcribe::heard_words;
use super::view::{LiveView, progress};
use crate::app::RehearsalParts;
use crate::interview::question::Level;
use crate::room::client::{Client, ClientError};
use anyhow::Context as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Longest wait until an interview that has ended is written down.
const FINAL_WITHIN: Duration = Duration::from_secs(30);
/// Longest wait for a report; a language model may write it on the same cores.
const REPORT_WITHIN: Duration = Duration::from_secs(300);
/// Between two looks at the interview.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What is to be rehearsed.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    pub url: String,
    pub part: Part,
    pub category: String,
    pub level: Level,
    pub questions: Option<u32>,
    pub calls: u32,
    pub at_once: u32,
    /// The candidate does not hear the interviewer out.
    pub interrupt: bool,
    pub keep: Option<PathBuf>,
    pub token: Option<String>,
    /// Told what is said, where the providers are played.
    pub announcer: Option<Announcer>,
}

/// A call that was held, still to be looked at.
struct Held {
    number: u32,
    view: LiveView,
    made: Made,
    record: Result<CallRecord, String>,
}

/// Holds all calls and sums them up.
pub async fn rehearse(
    rehearsal: &Rehearsal,
    parts: &RehearsalParts,
    cancel: &CancellationToken,
) -> anyhow::Result<Summary> {
    let server = Server::new(&rehearsal.url)?;
    server.check().await?;
    if let Some(folder) = &rehearsal.keep {
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    let voice = parts.voice.voice();
    let prepared = prepare(&rehearsal.part, parts.voice.as_ref(), |done, all| progress("answers made", done, all));
    let mut prepared = prepared.await?;
    if rehearsal.interrupt {
        prepared.interjections = Some(Arc::new(interjections(parts.voice.as_ref()).await?));
    }
    let prepared = Arc::new(prepared);
    let mut outcomes = Vec::new();
    let numbers: Vec<u32> = (1..=rehearsal.calls).collect();
    for round in numbers.chunks(usize::try_from(rehearsal.at_once.max(1))?) {
        if cancel.is_cancelled() {
            break;
        }
        let calls = round.iter().map(|number| hold(rehearsal, &server, &prepared, *number, cancel));
        for held in futures::future::join_all(calls).await {
            outcomes.push(match held {
                Ok(held) => look_at(rehearsal, &server, parts, held, cancel).await,
                Err((number, why)) => failed(number, &why),
            });
        }
    }
    Ok(Summary::of(&outcomes, voice))
}

/// Makes an interview and holds its call.
async fn hold(
    rehearsal: &Rehearsal,
    server: &Server,
    prepared: &Arc<Prepared>,
    number: u32,
    cancel: &CancellationToken,
) -> Result<Held, (u32, String)> {
    let wish = Wish {
        adaptive: false,
        category: rehearsal.category.clone(),
        level: rehearsal.level,
        language: rehearsal.part.script.language.clone(),
        title: format!("Rehearsal {number} of {}", rehearsal.calls),
        questions: rehearsal.questions,
    };
    let failed = |why: RestError| (number, why.to_string());
    let made = server.create(&wish, rehearsal.token.as_deref()).await.map_err(failed)?;
    let view = LiveView::new(number, rehearsal.calls);
    view.note("interview", &format!("{}/interview/{}", server.url(), made.id));
    server.consent(&made).await.map_err(failed)?;
    let began = Instant::now();
    let mut connection = None;
    let client = Client::connect(call::client_settings(), async |offer| {
        let connected = server.connect(&made, offer).await?;
        Ok::<_, RestError>(connection.insert(connected).answer.clone())
    });
    let record = match client.await {
        Ok(client) => {
            view.note("connected", "");
            let candidate = Candidate::new(Arc::clone(prepared));
            let tell = |at: Instant, sight: Sight| view.see(at, &sight);
            Ok(call::hold(client, candidate, began, rehearsal.announcer.clone(), cancel.clone(), tell).await)
        }
        Err(error) => Err(said(&error)),
    };
    leave(server, &made, connection.as_ref(), &record).await;
    Ok(Held { number, view, made, record })
}

/// Ends what the server has not ended by itself. A server that is gone is told of elsewhere.
async fn leave(server: &Server, made: &Made, connection: Option<&Connection>, record: &Result<CallRecord, String>) {
    if record.as_ref().is_ok_and(|record| record.end.is_ok()) {
        return;
    }
    let _ = server.end(made).await;
    if let Some(connection) = connection {
        let _ = server.hang_up(made, connection).await;
    }
}

/// After the call: what was heard, what the record holds, and the report.
async fn look_at(
    rehearsal: &Rehearsal,
    server: &Server,
    parts: &RehearsalParts,
    held: Held,
    cancel: &CancellationToken,
) -> CallOutcome {
    let Held { number, view, made, record } = held;
    let mut failures = Vec::new();
    let record = match record {
        Ok(record) => record,
        Err(why) => return failed(number, &why),
    };
    match &record.end {
        Ok(_) => {}
        Err(
            error @ (CallError::Lost
            | CallError::Silence
            | CallError::TooLong
            | CallError::Stopped
            | CallError::Unannounced(_)),
        ) => failures.push(error.to_string()),
    }
    if let Err(why) = until_final(server, &made).await {
        failures.push(why);
    }
    view.note("after", "transcribing what was heard");
    let heard = heard_words(parts.ears.as_ref(), &rehearsal.part.script.language, &record.ear).await;
    let heard = heard.unwrap_or_else(|why| {
        failures.push(format!("what was heard could not be transcribed: {why}"));
        Vec::new()
    });
    let lines = server.transcript(&made).await.unwrap_or_else(|why| {
        failures.push(why.to_string());
        Vec::new()
    });
    if let Some(folder) = &rehearsal.keep
        && let Err(why) = keep::keep(folder, number, &record, &heard, &lines)
    {
        failures.push(format!("what was heard could not be kept: {why}"));
    }
    view.note("after", "waiting for the report");
    if let Err(why) = cancel.run_until_cancelled(until_reported(server, &made)).await.unwrap_or(Ok(())) {
        failures.push(why);
    }
    let effects = record.interjections.iter().map(|interjection| effect(interjection, &record.ear)).collect();
    let gaps = server.gaps(&made).await.unwrap_or_else(|why| {
        failures.push(why.to_string());
        Vec::new()
    });
    let mut outcome = CallOutcome::of(record.turns, &record.interjections, &heard, &lines, server.report_url(made.id));
    (outcome.effects, outcome.gaps) = (effects, gaps);
    outcome.failures = failures.iter().map(|why| format!("call {number}: {why}")).collect();
    for (index, what) in outcome.misses() {
        view.note(what, &outcome.said[index]);
    }
    outcome
}

fn failed(number: u32, why: &str) -> CallOutcome {
    CallOutcome { failures: vec![format!("call {number}: {why}")], ..CallOutcome::default() }
}

async fn until_final(server: &Server, made: &Made) -> Result<(), String> {
    let until = Instant::now() + FINAL_WITHIN;
    loop {
        let View { status, end_reason, .. } = server.view(made).await.map_err(|why| why.to_string())?;
        match status.as_str() {
            "completed" => return Ok(()),
            "abandoned" | "failed" | "cancelled" => {
                return Err(format!(
                    "the interview was {status} ({})",
                    end_reason.as_deref().unwrap_or("no reason given")
                ));
            }
            _ if Instant::now() > until => {
                return Err(format!("{} s after the end the interview is still {status}", FINAL_WITHIN.as_secs()));
            }
            _ => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

async fn until_reported(server: &Server, made: &Made) -> Result<(), String> {
    let until = Instant::now() + REPORT_WITHIN;
    loop {
        let state = server.view(made).await.map_err(|why| why.to_string())?.report_state;
        match state.as_str() {
            "ready" => return Ok(()),
            "failed" => return Err("the report could not be made".to_owned()),
            _ if Instant::now() > until => {
                return Err(format!("after {} s the report is still {state}", REPORT_WITHIN.as_secs()));
            }
            _ => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

/// Without the words of the transport where the server has said why.
fn said(error: &ClientError) -> String {
    match error {
        ClientError::Refused(why) => why.clone(),
        ClientError::Connection(_) | ClientError::Codec(_) | ClientError::TimedOut | ClientError::Gone => {
            format!("no voice connection: {error}")
        }
    }
}
