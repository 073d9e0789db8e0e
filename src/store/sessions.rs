//! Interviews: making them, reading them. Must never change an interview in progress; that goes through its lease.

use super::{Mode, Purpose, ReportState, RoomKind, SessionStatus, Store, StoreError};
use crate::id::{CategoryId, NodeId, SessionId, UserId};
use crate::interview::EndReason;
use crate::interview::question::Level;
use chrono::{DateTime, Utc};
use serde_json::Value;

/// An interview to be made. The caller makes the id, so that a repeated call makes nothing twice.
#[derive(Clone, Debug, PartialEq)]
pub struct NewInterview {
    pub id: SessionId,
    pub user_id: Option<UserId>,
    pub category_id: Option<CategoryId>,
    pub category_slug: String,
    pub title: String,
    /// As the candidate wants to be called; never reaches the scorer.
    pub candidate_name: Option<String>,
    pub job_position: String,
    pub experience_level: Level,
    pub tech_stack: Vec<String>,
    /// BCP 47 primary tag.
    pub language: String,
    pub mode: Mode,
    pub purpose: Purpose,
    pub room: RoomKind,
    pub daily_room_url: Option<String>,
    /// `Scheduled` or `Waiting`.
    pub status: SessionStatus,
    pub plan: Value,
    pub accommodations: Value,
    pub scheduled_at: Option<DateTime<Utc>>,
    /// An interview that has not begun by then is abandoned.
    pub expires_at: Option<DateTime<Utc>>,
}

/// An interview as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct InterviewRow {
    pub id: SessionId,
    pub user_id: Option<UserId>,
    pub category_id: Option<CategoryId>,
    pub category_slug: String,
    pub title: String,
    pub candidate_name: Option<String>,
    pub job_position: String,
    pub experience_level: Level,
    pub tech_stack: Vec<String>,
    pub language: String,
    pub mode: Mode,
    pub purpose: Purpose,
    pub room: RoomKind,
    pub daily_room_url: Option<String>,
    pub status: SessionStatus,
    pub scheduled_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
    pub start_time: Option<DateTime<Utc>>,
    pub end_time: Option<DateTime<Utc>>,
    pub end_reason: Option<EndReason>,
    pub plan: Value,
    pub accommodations: Value,
    pub owner: Option<NodeId>,
    pub epoch: i64,
    pub lease_until: Option<DateTime<Utc>>,
    /// What the next event will be numbered.
    pub next_seq: i64,
    pub report_state: ReportState,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Store {
    /// Makes an interview; if one with this id is there already, returns that.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when a value breaks a constraint.
    pub async fn create_interview(&self, new: &NewInterview) -> Result<InterviewRow, StoreError> {
        let _ = new;
        self.later().await
    }

    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn interview(&self, id: SessionId) -> Result<InterviewRow, StoreError> {
        let _ = id;
        self.later().await
    }

    /// The newest first; `before` is the last id of the page before.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn interviews(&self, limit: u32, before: Option<SessionId>, user: Option<UserId>) -> Result<Vec<InterviewRow>, StoreError> {
        let _ = (limit, before, user);
        self.later().await
    }

    /// Replaces the plan of an interview that has not begun.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] once it has begun.
    pub async fn set_plan(&self, id: SessionId, plan: &Value) -> Result<(), StoreError> {
        let _ = (id, plan);
        self.later().await
    }

    /// Cancels an interview that nobody owns (not begun, or left behind). One in progress is ended by its owner.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] while somebody owns it or once it is over.
    pub async fn cancel(&self, id: SessionId) -> Result<InterviewRow, StoreError> {
        let _ = id;
        self.later().await
    }

    /// Abandons interviews that did not begin in time; returns which.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn expire(&self, limit: u32) -> Result<Vec<SessionId>, StoreError> {
        let _ = limit;
        self.later().await
    }
}
