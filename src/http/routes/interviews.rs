//! Interviews: where one stands, the list, a new link, the end.

use super::create::issue_join;
use crate::auth::token::Issued;
use crate::http::access::{self, Right};
use crate::http::audit;
use crate::http::error::ApiError;
use crate::http::extract::{Caller, Path, Query};
use crate::http::fields::Fields;
use crate::http::paging;
use crate::http::state::{HttpState, Shared};
use crate::id::{SessionId, UserId};
use crate::interview::EndReason;
use crate::interview::question::Level;
use crate::room::{QuestionView, StateView};
use crate::session::text::{Act, Refused, StepError};
use crate::store::{InterviewFilter, InterviewRow, Mode, Purpose, ReportState, RoomKind, SessionStatus};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// An interview in a list.
#[derive(Serialize, utoipa::ToSchema)]
pub struct InterviewSummary {
    pub id: SessionId,
    pub title: String,
    pub status: SessionStatus,
    /// Slug of its category.
    #[schema(example = "backend")]
    pub category: String,
    pub level: Level,
    #[schema(example = "en")]
    pub language: String,
    pub job_position: String,
    pub tech_stack: Vec<String>,
    pub mode: Mode,
    pub purpose: Purpose,
    pub room: RoomKind,
    /// The room's address, for an interview in a Daily room.
    pub daily_room_url: Option<String>,
    pub created_at: DateTime<Utc>,
    pub start_time: Option<DateTime<Utc>>,
    pub end_time: Option<DateTime<Utc>>,
    /// `completed`, `candidate_ended`, `time_up`, `idle`, `left`, `cancelled`, `shutdown` or `failed`.
    #[schema(value_type = Option<String>, example = "completed")]
    pub end_reason: Option<EndReason>,
    pub report_state: ReportState,
}

/// An interview and where it stands.
#[derive(Serialize, utoipa::ToSchema)]
pub struct InterviewView {
    #[serde(flatten)]
    pub summary: InterviewSummary,
    /// Since its beginning.
    pub elapsed_ms: u64,
    /// Until its time is up; known while it is in progress.
    pub remaining_ms: Option<u64>,
    /// The question in hand.
    pub question: Option<QuestionView>,
    /// Whether the candidate has accepted the disclosure.
    pub consented: bool,
    pub disclosure: DisclosureView,
}

/// What the candidate accepts before anything is recorded.
#[derive(Serialize, utoipa::ToSchema)]
pub struct DisclosureView {
    #[schema(example = "2026-11")]
    pub version: String,
    pub text: String,
}

impl From<InterviewRow> for InterviewSummary {
    fn from(row: InterviewRow) -> Self {
        Self {
            id: row.id,
            title: row.title,
            status: row.status,
            category: row.category_slug,
            level: row.experience_level,
            language: row.language,
            job_position: row.job_position,
            tech_stack: row.tech_stack,
            mode: row.mode,
            purpose: row.purpose,
            room: row.room,
            daily_room_url: row.daily_room_url,
            created_at: row.created_at,
            start_time: row.start_time,
            end_time: row.end_time,
            end_reason: row.end_reason,
            report_state: row.report_state,
        }
    }
}

impl InterviewView {
    /// The row, with what the record and the session in progress know besides.
    pub async fn of(state: &HttpState, row: InterviewRow) -> Result<Self, ApiError> {
        let consented = state.store.consent(row.id).await?.is_some();
        let live = if row.status.is_final() { None } else { live_state(state, &row).await? };
        let elapsed = row.start_time.map(|start| row.end_time.unwrap_or_else(|| state.clock.now()) - start);
        let stored_elapsed_ms = elapsed.and_then(|span| u64::try_from(span.num_milliseconds()).ok()).unwrap_or(0);
        let is_written = row.mode == crate::store::Mode::Text;
        let (version, text) = state.settings.interview.disclosure.shown(&row.language, is_written);
        Ok(Self {
            elapsed_ms: live.as_ref().map_or(stored_elapsed_ms, |view| view.elapsed_ms),
            remaining_ms: live.as_ref().map(|view| view.remaining_ms),
            question: live.and_then(|view| view.question),
            consented,
            disclosure: DisclosureView { version: version.to_owned(), text: text.to_owned() },
            summary: row.into(),
        })
    }
}

/// Where an interview that is not over stands, if it is in progress.
async fn live_state(state: &HttpState, row: &InterviewRow) -> Result<Option<StateView>, ApiError> {
    Ok(match row.mode {
        Mode::Voice => state.interviews.live_state(row.id).await,
        Mode::Text if row.start_time.is_none() => None,
        Mode::Text => Some(state.text.state(row).await?.into()),
    })
}

/// Which interviews.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// How many, 1 to 100.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next` of the page before.
    before: Option<SessionId>,
    /// For interviewers and admins: this person's.
    user: Option<UserId>,
    status: Option<SessionStatus>,
    /// In progress now, or not.
    live: Option<bool>,
    /// Slug of a category.
    #[param(max_length = 100)]
    category: Option<String>,
    level: Option<Level>,
    mode: Option<Mode>,
    purpose: Option<Purpose>,
    report_state: Option<ReportState>,
    /// Made at this time or later.
    from: Option<DateTime<Utc>>,
    /// Made before this time.
    to: Option<DateTime<Utc>>,
    /// Part of the title or the candidate's name.
    #[param(max_length = 100)]
    search: Option<String>,
}

/// Longest search, characters.
const SEARCH_CHARS_MAX: usize = 100;

impl PageQuery {
    fn filter(&self) -> Result<InterviewFilter, ApiError> {
        let mut fields = Fields::default();
        let filter = InterviewFilter {
            user: self.user,
            status: self.status,
            live: self.live,
            category: fields.text("category", self.category.as_deref(), SEARCH_CHARS_MAX),
            level: self.level,
            mode: self.mode,
            purpose: self.purpose,
            report_state: self.report_state,
            from: fields.time("from", self.from),
            to: fields.time("to", self.to),
            search: fields.text("search", self.search.as_deref(), SEARCH_CHARS_MAX),
        };
        fields.check(Some(filter))
    }
}

/// A page of interviews, the newest first.
#[derive(Serialize, utoipa::ToSchema)]
pub struct InterviewList {
    interviews: Vec<InterviewSummary>,
    /// Where the next page begins; null at the end.
    next: Option<SessionId>,
}

/// Interviews that the caller may see, the newest first.
#[utoipa::path(get, operation_id = "list_interviews", path = "/interviews", tag = "interviews", params(PageQuery),
    responses((status = 200, description = "A page of interviews.", body = InterviewList)))]
pub async fn list(
    State(state): State<Shared>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<InterviewList>, ApiError> {
    let limit = paging::limit(query.limit)?;
    let filter = query.filter()?;
    let user = match caller {
        Caller::Candidate(own) => {
            let row = access::interview(&state, caller, own, Right::Read).await?;
            return Ok(Json(InterviewList { interviews: vec![row.into()], next: None }));
        }
        Caller::Person { role, .. } if role.is_staff() => filter.user,
        Caller::Person { user, .. } => Some(user),
        Caller::LocalPractice => None,
    };
    let filter = InterviewFilter { user, ..filter };
    let rows = if filter == (InterviewFilter { user, ..InterviewFilter::default() }) {
        state.store.interviews(limit, query.before, user).await?
    } else {
        state.store.find_interviews(&filter, limit, query.before).await?
    };
    let next = paging::next(&rows, limit, |row| row.id);
    let seen = rows.into_iter().filter(|row| access::may_see(caller, row));
    Ok(Json(InterviewList { interviews: seen.map(InterviewSummary::from).collect(), next }))
}

/// An interview and where it stands.
#[utoipa::path(get, operation_id = "get_interview", path = "/interviews/{id}", tag = "interviews", params(("id" = SessionId, Path)),
    responses((status = 200, description = "The interview.", body = InterviewView)))]
pub async fn show(
    State(state): State<Shared>,
    caller: Caller,
    Path(id): Path<SessionId>,
) -> Result<Json<InterviewView>, ApiError> {
    let row = access::interview(&state, caller, id, Right::Read).await?;
    InterviewView::of(&state, row).await.map(Json)
}

/// A candidate's way in.
#[derive(Serialize, utoipa::ToSchema)]
pub struct JoinToken {
    join_token: String,
    expires_at: DateTime<Utc>,
}

/// A new link for the candidate; the ones before stay good until they expire.
#[utoipa::path(post, operation_id = "create_join_token", path = "/interviews/{id}/token", tag = "interviews", params(("id" = SessionId, Path)),
    responses((status = 200, description = "A token for this interview alone.", body = JoinToken)))]
pub async fn token(
    State(state): State<Shared>,
    caller: Caller,
    Path(id): Path<SessionId>,
) -> Result<Json<JoinToken>, ApiError> {
    let row = access::interview(&state, caller, id, Right::Invite).await?;
    // Whoever opens the link is taken for the candidate, and reads without a trace.
    audit::read(&state, caller, &row, "link.create").await?;
    let Issued { token, expires_at } = issue_join(&state, row.id);
    Ok(Json(JoinToken { join_token: token, expires_at }))
}

/// End the interview; its report is then made. Ending one that is over changes nothing.
#[utoipa::path(post, operation_id = "end_interview", path = "/interviews/{id}/end", tag = "interviews", params(("id" = SessionId, Path)),
    responses((status = 202, description = "It is ending, or is over.")))]
pub async fn end(
    State(state): State<Shared>,
    caller: Caller,
    Path(id): Path<SessionId>,
) -> Result<StatusCode, ApiError> {
    let row = access::interview(&state, caller, id, Right::End).await?;
    if !row.status.is_final() {
        let reason = match caller {
            Caller::Candidate(_) | Caller::LocalPractice => EndReason::CandidateEnded,
            Caller::Person { user, .. } if row.user_id == Some(user) => EndReason::CandidateEnded,
            Caller::Person { .. } => EndReason::Cancelled,
        };
        match row.mode {
            Mode::Text if row.start_time.is_some() => match state.text.step(id, None, Act::End(reason)).await {
                Ok(_) | Err(StepError::Refused(Refused::Over)) => {}
                Err(error) => return Err(error.into()),
            },
            Mode::Text | Mode::Voice => state.interviews.end(id, reason).await?,
        }
    }
    Ok(StatusCode::ACCEPTED)
}
