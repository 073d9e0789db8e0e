//! Interviews: making them, reading them. Must never change an interview in progress; that goes through its lease.

use super::clean::{clean_json, clean_text};
use super::{Mode, Purpose, ReportState, RoomKind, SessionStatus, Store, StoreError, Word, limited};
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

/// Which interviews.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InterviewFilter {
    pub user: Option<UserId>,
    pub status: Option<SessionStatus>,
    /// In progress, or not.
    pub live: Option<bool>,
    pub category: Option<String>,
    pub level: Option<Level>,
    pub mode: Option<Mode>,
    pub purpose: Option<Purpose>,
    pub report_state: Option<ReportState>,
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
    /// Part of the title or the candidate's name.
    pub search: Option<String>,
}

/// Reads interviews by what follows `from interview_sessions`; one place states the columns.
macro_rules! interview {
    ($rest:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            InterviewRow,
            r#"select id as "id: SessionId", user_id as "user_id: UserId", category_id as "category_id: CategoryId",
                category_slug, title, candidate_name, job_position, experience_level as "experience_level: Level",
                tech_stack, language, mode as "mode: Mode", purpose as "purpose: Purpose", room as "room: RoomKind",
                daily_room_url, status as "status: SessionStatus", scheduled_at, expires_at, start_time, end_time,
                end_reason as "end_reason: EndReason", plan, accommodations, owner as "owner: NodeId", epoch, lease_until,
                next_seq, report_state as "report_state: ReportState", created_at, updated_at
               from interview_sessions "# + $rest
            $(, $argument)*
        )
    };
}

impl Store {
    /// Makes an interview; if one with this id is there already, returns that.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when a value breaks a constraint.
    pub async fn create_interview(&self, new: &NewInterview) -> Result<InterviewRow, StoreError> {
        limited(async {
            sqlx::query!(
                "insert into interview_sessions (id, user_id, category_id, category_slug, title, candidate_name,
                    job_position, experience_level, tech_stack, language, mode, purpose, room, daily_room_url, status,
                    plan, accommodations, scheduled_at, expires_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
                 on conflict (id) do nothing",
                new.id.0,
                new.user_id.map(|id| id.0),
                new.category_id.map(|id| id.0),
                new.category_slug,
                clean_text(&new.title),
                new.candidate_name.as_deref().map(clean_text),
                clean_text(&new.job_position),
                new.experience_level.word(),
                &new.tech_stack.iter().map(|item| clean_text(item)).collect::<Vec<_>>(),
                new.language,
                new.mode.word(),
                new.purpose.word(),
                new.room.word(),
                new.daily_room_url,
                new.status.word(),
                clean_json(&new.plan),
                clean_json(&new.accommodations),
                new.scheduled_at,
                new.expires_at,
            )
            .execute(&self.pool)
            .await?;
            self.interview(new.id).await
        })
        .await
    }

    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn interview(&self, id: SessionId) -> Result<InterviewRow, StoreError> {
        limited(async { Ok(interview!("where id = $1", id.0).fetch_one(&self.pool).await?) }).await
    }

    /// The newest first; `before` is the last id of the page before.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn interviews(
        &self,
        limit: u32,
        before: Option<SessionId>,
        user: Option<UserId>,
    ) -> Result<Vec<InterviewRow>, StoreError> {
        let (limit, before) = (i64::from(limit), before.map(|id| id.0));
        limited(async {
            // Two statements: each has its own index to walk along.
            Ok(match user {
                Some(user) => {
                    interview!(
                        "where user_id = $3 and ($2::uuid is null or id < $2) order by id desc limit $1",
                        limit,
                        before,
                        user.0
                    )
                    .fetch_all(&self.pool)
                    .await?
                }
                None => {
                    interview!("where $2::uuid is null or id < $2 order by id desc limit $1", limit, before)
                        .fetch_all(&self.pool)
                        .await?
                }
            })
        })
        .await
    }

    /// Interviews that pass the filter, the newest first; `before` is the last id of the page before.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn find_interviews(
        &self,
        filter: &InterviewFilter,
        limit: u32,
        before: Option<SessionId>,
    ) -> Result<Vec<InterviewRow>, StoreError> {
        let rows = interview!(
            "where ($2::uuid is null or id < $2) and ($3::uuid is null or user_id = $3)
               and ($4::text is null or status = $4)
               and ($5::bool is null or (status in ('active', 'paused')) = $5)
               and ($6::text is null or category_slug = $6) and ($7::text is null or experience_level = $7)
               and ($8::text is null or mode = $8) and ($9::text is null or purpose = $9)
               and ($10::text is null or report_state = $10)
               and ($11::timestamptz is null or created_at >= $11) and ($12::timestamptz is null or created_at < $12)
               and ($13::text is null
                    or position(lower($13) in lower(title || ' ' || coalesce(candidate_name, ''))) > 0)
             order by id desc limit $1",
            i64::from(limit),
            before.map(|id| id.0),
            filter.user.map(|id| id.0),
            filter.status.map(|status| status.word()),
            filter.live,
            filter.category,
            filter.level.map(|level| level.word()),
            filter.mode.map(|mode| mode.word()),
            filter.purpose.map(|purpose| purpose.word()),
            filter.report_state.map(|state| state.word()),
            filter.from,
            filter.to,
            filter.search,
        );
        limited(async { Ok(rows.fetch_all(&self.pool).await?) }).await
    }

    /// Replaces the plan of an interview that has not begun.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] once it has begun.
    pub async fn set_plan(&self, id: SessionId, plan: &Value) -> Result<(), StoreError> {
        let changed = sqlx::query!(
            "update interview_sessions set plan = $2
             where id = $1 and status in ('scheduled', 'waiting') and start_time is null",
            id.0,
            clean_json(plan),
        )
        .execute(&self.pool)
        .await?;
        if changed.rows_affected() == 0 {
            self.interview(id).await?;
            return Err(StoreError::Conflict { what: "the interview has begun".into() });
        }
        Ok(())
    }

    /// Cancels an interview that has not begun and that nobody owns. One that has begun is ended by its owner.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] while somebody owns it, and once it has begun.
    pub async fn cancel(&self, id: SessionId) -> Result<InterviewRow, StoreError> {
        let changed = sqlx::query!(
            "update interview_sessions
             set status = 'cancelled', end_reason = 'cancelled', end_time = clock_timestamp(),
                 owner = null, lease_until = null, epoch = epoch + 1
             where id = $1 and status in ('scheduled', 'waiting', 'active', 'paused') and start_time is null
               and (owner is null or lease_until < clock_timestamp())",
            id.0,
        )
        .execute(&self.pool)
        .await?;
        if changed.rows_affected() == 0 {
            self.interview(id).await?;
            return Err(StoreError::Conflict { what: "the interview has begun or is over".into() });
        }
        self.interview(id).await
    }

    /// Abandons interviews that did not begin in time; returns which.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn expire(&self, limit: u32) -> Result<Vec<SessionId>, StoreError> {
        let ids = sqlx::query_scalar!(
            r#"update interview_sessions
             set status = 'abandoned', end_reason = 'left', end_time = clock_timestamp(),
                 owner = null, lease_until = null, epoch = epoch + 1
             where id in (
                 select id from interview_sessions
                 where status in ('scheduled', 'waiting') and expires_at < clock_timestamp() and start_time is null
                   and (owner is null or lease_until < clock_timestamp())
                 order by expires_at limit $1 for update skip locked)
             returning id as "id: SessionId""#,
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(ids)
    }
}
