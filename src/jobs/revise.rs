//! A person changes a level: the change is kept with its reason, carried through the report by the rules that the report
//! itself states, and written to the audit log. Must never lose what the scorer gave.

use super::evaluate::{EvaluateError, report_row};
use crate::id::{SessionId, UserId};
use crate::scoring::report::{OverrideNote, Report};
use crate::scoring::settle::{OverrideError, apply_override};
use crate::store::{OverrideRow, Store, StoreError};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;

/// How often a change is tried when others change the same report at the same time.
const TRIES_MAX: u32 = 3;

/// What a person wants changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    pub question_id: String,
    /// Null takes the question out of the score.
    pub level: Option<u8>,
    pub reason: String,
    pub by: UserId,
    pub at: DateTime<Utc>,
}

/// Why a change is not made.
#[derive(Debug, thiserror::Error)]
pub enum ReviseError {
    #[error(transparent)]
    Override(#[from] OverrideError),
    #[error("the report is of an older version; `vivavoce rescore --save` makes it anew")]
    OtherVersion,
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Changes a level and returns the report as it is then.
///
/// # Errors
/// [`ReviseError`] as it says; then nothing has changed.
pub async fn revise(store: &Store, session: SessionId, change: Change) -> Result<Report, ReviseError> {
    let user = store.user(change.by).await?;
    let by = if user.full_name.trim().is_empty() { user.username } else { user.full_name };
    let mut tries = 0;
    loop {
        tries += 1;
        match once(store, session, &change, &by).await {
            Err(ReviseError::Store(StoreError::Conflict { .. })) if tries < TRIES_MAX => {}
            done => return done,
        }
    }
}

async fn once(store: &Store, session: SessionId, change: &Change, by: &str) -> Result<Report, ReviseError> {
    let stored = store.report(session).await?;
    let mut report = Report::deserialize(&stored.document).map_err(|_| ReviseError::OtherVersion)?;
    let from = report.questions.iter().find(|question| question.id == change.question_id).and_then(|q| q.level);
    let note = OverrideNote {
        question_id: change.question_id.clone(),
        from,
        to: change.level,
        by: by.to_owned(),
        reason: change.reason.clone(),
        at: change.at,
    };
    apply_override(&mut report, note)?;
    let kept = OverrideRow {
        question_key: Some(change.question_id.clone()),
        user_id: Some(change.by),
        by_name: by.to_owned(),
        field: OverrideRow::LEVEL.to_owned(),
        old_value: Some(json!(from)),
        new_value: json!(change.level),
        reason: change.reason.clone(),
        created_at: change.at,
    };
    let row = report_row(&report, stored.made_at)?;
    store.add_override(session, &kept, &row, &stored.document).await?;
    tracing::info!(%session, question = %change.question_id, ?from, to = ?change.level, "a person changed a level");
    Ok(report)
}
