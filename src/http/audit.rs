//! What is noted of people who work with other people's interviews. Must come before the answer: what cannot be noted is
//! not shown.

use super::error::ApiError;
use super::extract::{Caller, Person};
use super::state::HttpState;
use crate::store::{InterviewRow, NewAudit};
use serde_json::{Value, json};

/// What is read by the page, by jumps in a sound or by polls is noted once in so many minutes: a line for each part would
/// bury the others.
const READING_MINUTES: i32 = 10;

/// Notes what a person did.
pub async fn note(
    state: &HttpState,
    person: Person,
    action: &'static str,
    subject_kind: &'static str,
    subject_id: impl ToString,
    detail: Value,
) -> Result<(), ApiError> {
    let subject_id = subject_id.to_string();
    let line = NewAudit { actor: Some(person.user), action, subject_kind, subject_id, detail };
    Ok(state.store.audit(&line).await?)
}

/// Notes that `caller` reads something of an interview, if it is not the caller's own: each time.
pub async fn read(state: &HttpState, caller: Caller, row: &InterviewRow, action: &'static str) -> Result<(), ApiError> {
    match caller {
        Caller::Person { user, role } if row.user_id != Some(user) => {
            note(state, Person { user, role }, action, "interview", row.id, json!({})).await
        }
        Caller::Person { .. } | Caller::Candidate(_) | Caller::LocalPractice => Ok(()),
    }
}

/// The same for what is read in parts, one after the other: once in [`READING_MINUTES`].
pub async fn look(state: &HttpState, caller: Caller, row: &InterviewRow, action: &'static str) -> Result<(), ApiError> {
    match caller {
        Caller::Person { user, .. } if row.user_id != Some(user) => {
            let subject_id = row.id.to_string();
            let line = NewAudit { actor: Some(user), action, subject_kind: "interview", subject_id, detail: json!({}) };
            Ok(state.store.audit_once(&line, READING_MINUTES).await?)
        }
        Caller::Person { .. } | Caller::Candidate(_) | Caller::LocalPractice => Ok(()),
    }
}
