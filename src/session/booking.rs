//! An interview is planned and stored before anybody takes part in it. Must never depend on who the candidate is, nor
//! promise what the bank does not have.

use crate::id::{SessionId, UserId};
use crate::interview::question::Level;
use crate::interview::{Plan, PlanError, PlanRequest};
use crate::store::{CategoryRow, InterviewRow, Mode, NewInterview, Purpose, RoomKind, SessionStatus, Store, StoreError};
use chrono::{DateTime, Utc};

/// Written answers take longer than spoken ones (people type about a third as fast as they talk): without a length, this
/// many times the time boxes.
const WRITING_FACTOR: f64 = 3.0;

/// An interview that somebody wants, checked: the category has questions of this level in its language.
#[derive(Clone, PartialEq, Debug)]
pub struct InterviewWish {
    pub user_id: Option<UserId>,
    pub category: CategoryRow,
    pub level: Level,
    pub title: String,
    pub job_position: String,
    pub tech_stack: Vec<String>,
    pub candidate_name: Option<String>,
    pub questions: u32,
    /// `None`: what the questions need.
    pub minutes: Option<u32>,
    pub mode: Mode,
    pub purpose: Purpose,
    pub room: RoomKind,
    /// How much longer than usual pauses may be, 1.0 to 2.0.
    pub patience: f64,
    /// How soon a pause counts as the end of an answer; `None`: as the server is set.
    pub turn_profile: Option<crate::turn::Profile>,
    /// Not begun by then, it is abandoned.
    pub expires_at: DateTime<Utc>,
}

/// Why an interview was not booked.
#[derive(Debug, thiserror::Error)]
pub enum BookingError {
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("the plan cannot be written as JSON")]
    Json,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Plans an interview from the bank and stores it.
///
/// # Errors
/// [`BookingError::Plan`] where the bank has nothing for the wish; others as they say.
pub async fn book(store: &Store, wish: InterviewWish) -> Result<InterviewRow, BookingError> {
    let bank = store.bank(&wish.category.slug, &wish.category.language).await?;
    let id = SessionId::create();
    let time_factor = match (wish.mode, wish.minutes) {
        (Mode::Text, None) => WRITING_FACTOR,
        (Mode::Text, Some(_)) | (Mode::Voice, _) => wish.patience,
    };
    let request = PlanRequest {
        level: wish.level,
        questions: Some(wish.questions),
        minutes: wish.minutes,
        time_factor,
        // Which of equal questions are drawn differs by interview, and can be drawn again from its id.
        seed: id.0.as_u64_pair().1,
    };
    let plan = Plan::draw(&bank, &request)?;
    let new = NewInterview {
        id,
        user_id: wish.user_id,
        category_id: Some(wish.category.id),
        category_slug: wish.category.slug,
        title: wish.title,
        candidate_name: wish.candidate_name,
        job_position: wish.job_position,
        experience_level: wish.level,
        tech_stack: wish.tech_stack,
        language: wish.category.language,
        mode: wish.mode,
        purpose: wish.purpose,
        room: wish.room,
        daily_room_url: None,
        status: SessionStatus::Scheduled,
        plan: serde_json::to_value(plan).map_err(|_| BookingError::Json)?,
        accommodations: serde_json::json!({ "patience": wish.patience, "profile": wish.turn_profile }),
        scheduled_at: None,
        expires_at: Some(wish.expires_at),
    };
    Ok(store.create_interview(&new).await?)
}
