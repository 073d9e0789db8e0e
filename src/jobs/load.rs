//! What an interview left in the record, read as the facts of its report. Must never change anything.

use super::gather::{Frame, Logged, gather};
use crate::id::SessionId;
use crate::interview::bank;
use crate::interview::plan::Plan;
use crate::interview::question::Competency;
use crate::scoring::facts::{SessionFacts, Side, SpokenLine};
use crate::scoring::report::{ConsentNote, InterviewHeader};
use crate::scoring::rubric::OurFaultRules;
use crate::session::event::SessionEvent;
use crate::store::{InterviewRow, Role, Store, StoreError, TranscriptRow};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Events read at once: keeps a long interview from filling memory twice.
const EVENTS_PER_READ: u32 = 1_000;

/// Why an interview cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the interview's plan cannot be read (line {line}, column {column})")]
    Plan { line: usize, column: usize },
}

/// Reads what an interview left in the record.
///
/// # Errors
/// [`LoadError`] as it says.
pub async fn load(store: &Store, interview: &InterviewRow, rules: &OurFaultRules) -> Result<SessionFacts, LoadError> {
    let plan = Plan::deserialize(&interview.plan)
        .map_err(|error| LoadError::Plan { line: error.line(), column: error.column() })?;
    let log = log(store, interview.id).await?;
    let lines = store.transcripts(interview.id).await?.into_iter().filter_map(spoken).collect();
    let competencies = competencies(store, interview, &plan).await?;
    let bank = format!("{} {}, {} questions", plan.category, plan.language, plan.questions.len());
    let header = header(store, interview, &plan).await?;
    let mut facts = gather(Frame { interview: header, plan, competencies, lines, bank }, &log, rules);
    for artifact in store.artifacts(interview.id).await? {
        let same = |own: &&mut crate::scoring::report::ArtifactRef| {
            own.question_id == artifact.question_key && i32::try_from(own.version) == Ok(artifact.version)
        };
        if let Some(own) = facts.artifacts.iter_mut().find(same) {
            own.analysis = artifact.ai_analysis;
        }
    }
    Ok(facts)
}

async fn log(store: &Store, session: SessionId) -> Result<Vec<Logged>, StoreError> {
    let mut log = Vec::new();
    let mut after = 0;
    loop {
        let rows = store.events(session, after, EVENTS_PER_READ).await?;
        let Some(last) = rows.last() else { return Ok(log) };
        after = last.seq;
        log.extend(rows.iter().filter_map(|row| {
            let at_ms = row.payload.get("at_ms").and_then(Value::as_u64).unwrap_or(0);
            Some(Logged { event: SessionEvent::from_row(&row.kind, &row.payload)?, at_ms })
        }));
    }
}

/// The competencies of the interview's category; of those that the bank no longer knows, what the questions say.
async fn competencies(store: &Store, interview: &InterviewRow, plan: &Plan) -> Result<Vec<Competency>, StoreError> {
    let mut known = match store.bank(&interview.category_slug, &interview.language).await {
        Ok(bank) => bank.category.competencies,
        Err(StoreError::NotFound) => {
            let shipped = bank::shipped().unwrap_or_default().into_iter();
            let own = shipped.map(|bank| bank.category).find(|c| c.slug == interview.category_slug);
            own.map(|category| category.competencies).unwrap_or_default()
        }
        Err(error) => return Err(error),
    };
    known.retain(|competency| plan.questions.iter().any(|question| question.competency == competency.slug));
    for question in &plan.questions {
        if known.iter().all(|competency| competency.slug != question.competency) {
            let slug = question.competency.clone();
            known.push(Competency { name: slug.clone(), slug, weight: 1.0 });
        }
    }
    Ok(known)
}

async fn header(store: &Store, interview: &InterviewRow, plan: &Plan) -> Result<InterviewHeader, StoreError> {
    let lasted = interview.start_time.zip(interview.end_time).map(|(start, end)| end - start);
    let consent = store.consent(interview.id).await?;
    Ok(InterviewHeader {
        id: interview.id,
        title: interview.title.clone(),
        job_position: interview.job_position.clone(),
        level: plan.level,
        category: plan.category_name.clone(),
        language: plan.language.clone(),
        start_time: interview.start_time,
        end_time: interview.end_time,
        duration_ms: lasted.and_then(|lasted| u64::try_from(lasted.num_milliseconds()).ok()),
        mode: interview.mode.as_str().to_owned(),
        purpose: interview.purpose.as_str().to_owned(),
        patience: interview.accommodations.get("patience").and_then(Value::as_f64).unwrap_or(1.0),
        consent: consent.map(|row| ConsentNote { version: row.version, given_at: row.given_at }),
    })
}

/// A line of the transcript; `None` for observers, who take no part.
fn spoken(row: TranscriptRow) -> Option<SpokenLine> {
    let side = match row.role {
        Role::Interviewer => Side::Interviewer,
        Role::Candidate => Side::Candidate,
        Role::Observer => return None,
    };
    let place = |ms: i64| u64::try_from(ms).unwrap_or(0);
    let reply = row.stages.get("reply").and_then(Value::as_object);
    let stages = reply.into_iter().flatten().filter_map(|(name, ms)| Some((name.clone(), ms.as_u64()?)));
    Some(SpokenLine {
        side,
        question_key: row.question_key,
        start_ms: place(row.start_ms),
        end_ms: place(row.end_ms.max(row.start_ms)),
        latency_ms: row.latency_ms.map(place),
        stages: stages.collect::<BTreeMap<_, _>>(),
        interrupted: row.interrupted,
    })
}
