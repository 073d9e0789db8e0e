//! Who may do what with which interview: the one place that decides it. Somebody else's interview is not found, so that
//! its existence stays its own.

use super::error::ApiError;
use super::extract::Caller;
use super::state::HttpState;
use crate::auth::role::Role;
use crate::id::SessionId;
use crate::store::{InterviewRow, Purpose};

/// What the subject of an official interview is told.
const KEPT: &str = "An official interview is kept by those who held it; ask them to erase it.";

/// What somebody wants with an interview.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Right {
    /// Read its state, transcript, report, recording.
    Read,
    /// Read the event log, which holds the interviewer's thoughts.
    ReadLog,
    /// Consent and talk.
    TakePart,
    End,
    /// Give out a link to it.
    Invite,
    /// Delete it with all that it left.
    Erase,
}

/// The interview, if `caller` has the right.
pub async fn interview(
    state: &HttpState,
    caller: Caller,
    id: SessionId,
    right: Right,
) -> Result<InterviewRow, ApiError> {
    if let Caller::Candidate(own) = caller
        && own != id
    {
        return Err(ApiError::NotFound);
    }
    let row = state.store.interview(id).await?;
    judge(caller, right, &row)?;
    Ok(row)
}

/// Whether `caller` may know of the interview.
#[must_use]
pub fn may_see(caller: Caller, row: &InterviewRow) -> bool {
    judge(caller, Right::Read, row).is_ok()
}

fn judge(caller: Caller, right: Right, row: &InterviewRow) -> Result<(), ApiError> {
    match caller {
        Caller::Candidate(own) if own != row.id => Err(ApiError::NotFound),
        Caller::Candidate(_) => match right {
            Right::Read | Right::TakePart | Right::End => Ok(()),
            Right::ReadLog | Right::Erase if row.purpose == Purpose::Practice => Ok(()),
            Right::Erase => Err(ApiError::Forbidden(KEPT.to_owned())),
            Right::ReadLog => {
                Err(ApiError::Forbidden("The log of an official interview is for the interviewers.".to_owned()))
            }
            Right::Invite => {
                Err(ApiError::Forbidden("A link cannot renew itself; ask whoever gave it to you.".to_owned()))
            }
        },
        Caller::Person { user, role } => {
            let is_own = row.user_id == Some(user);
            match (role, right) {
                (Role::Interviewer | Role::Admin, Right::TakePart) if !is_own => {
                    Err(ApiError::Forbidden("Only the candidate can take part in an interview.".to_owned()))
                }
                // With a link somebody else would be the candidate, in what a person does alone.
                (Role::Interviewer | Role::Admin, Right::Invite)
                    if !is_own && row.purpose == Purpose::Practice && row.user_id.is_some() =>
                {
                    Err(ApiError::Forbidden("Practice has no guests: it belongs to whoever practises.".to_owned()))
                }
                (Role::Interviewer, Right::Erase) if !is_own || row.purpose == Purpose::Official => {
                    Err(ApiError::Forbidden("Interviews are erased by admins.".to_owned()))
                }
                (Role::Interviewer | Role::Admin, _) => Ok(()),
                (Role::Candidate, _) if !is_own => Err(ApiError::NotFound),
                (Role::Candidate, Right::Erase) if row.purpose == Purpose::Official => {
                    Err(ApiError::Forbidden(KEPT.to_owned()))
                }
                (Role::Candidate, Right::ReadLog) if row.purpose == Purpose::Official => {
                    Err(ApiError::Forbidden("The log of an official interview is for the interviewers.".to_owned()))
                }
                (Role::Candidate, _) => Ok(()),
            }
        }
        // What nobody's account owns and nobody else counts on is free at the server's own machine.
        Caller::LocalPractice if row.purpose == Purpose::Practice && row.user_id.is_none() => Ok(()),
        Caller::LocalPractice => Err(ApiError::NotFound),
    }
}
