//! An interview is planned and stored before anybody takes part in it. Must never depend on who the candidate is, nor
//! promise what the bank does not have.

use crate::id::{SessionId, UserId};
use crate::interview::plan::{names, unnamed};
use crate::interview::question::{Bank, Level, Question};
use crate::interview::{Plan, PlanError, PlanRequest};
use crate::llm::LanguageModel;
use crate::session::drafting::{DRAFTS_MAX, Wanted, draft};
use crate::store::{
    CategoryRow, InterviewRow, Mode, NewInterview, Purpose, RoomKind, SessionStatus, Store, StoreError,
};
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
    /// Whether questions get harder or easier as they are answered.
    pub adaptive: bool,
    /// How soon a pause counts as the end of an answer; `None`: as the server is set.
    pub turn_profile: Option<crate::turn::Profile>,
    /// Not begun by then, it is abandoned.
    pub expires_at: DateTime<Utc>,
}

/// What is settled before an interview is planned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reserved {
    pub id: SessionId,
    /// Its Daily room, if it is held in one.
    pub daily_room_url: Option<String>,
}

impl Reserved {
    /// A new id, and no Daily room.
    #[must_use]
    pub fn create() -> Self {
        Self { id: SessionId::create(), daily_room_url: None }
    }
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

/// An interview that was planned and stored.
#[derive(Clone, PartialEq, Debug)]
pub struct Booked {
    pub row: InterviewRow,
    /// Where it is not quite what was wished for, and why; each one sentence for a person.
    pub notes: Vec<String>,
}

/// Plans an interview from the bank and stores it. What the bank does not have, `drafter` may draft.
///
/// # Errors
/// [`BookingError::Plan`] where the bank has nothing for the wish; others as they say.
pub async fn book(
    store: &Store,
    drafter: Option<&dyn LanguageModel>,
    reserved: Reserved,
    wish: InterviewWish,
) -> Result<Booked, BookingError> {
    let mut bank = store.bank(&wish.category.slug, &wish.category.language).await?;
    let Reserved { id, daily_room_url } = reserved;
    let mut notes = Vec::new();
    let drafts = drafts(id, &bank, &wish, drafter, &mut notes).await;
    bank.questions.extend(drafts.iter().cloned());
    let is_preferred = |question: &Question| {
        drafts.iter().any(|draft| draft.key == question.key)
            || wish.tech_stack.iter().any(|technology| names(question, technology))
    };
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
    let plan = Plan::draw_preferring(&bank, &request, &is_preferred)?;
    let plan = if wish.adaptive { plan.with_staircase(&bank, &is_preferred) } else { plan };
    let wanted = wish.questions as usize;
    if wish.minutes.is_none() && plan.questions.len() < wanted {
        let (has, level) = (plan.questions.len(), wish.level.as_str());
        notes.push(format!("There are {has} questions of level {level} to ask, so it has {has} and not {wanted}."));
    }
    let asked: Vec<Question> = drafts.iter().filter(|draft| plan.question(&draft.key).is_some()).cloned().collect();
    let category_id = wish.category.id;
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
        daily_room_url,
        status: SessionStatus::Scheduled,
        plan: serde_json::to_value(plan).map_err(|_| BookingError::Json)?,
        accommodations: serde_json::json!({ "patience": wish.patience, "profile": wish.turn_profile }),
        scheduled_at: None,
        expires_at: Some(wish.expires_at),
    };
    let row = store.create_interview(&new).await?;
    store.save_drafts(id, category_id, &asked).await?;
    Ok(Booked { row, notes })
}

/// Drafts what the bank has nothing about, and notes what stays without a question.
async fn drafts(
    id: SessionId,
    bank: &Bank,
    wish: &InterviewWish,
    drafter: Option<&dyn LanguageModel>,
    notes: &mut Vec<String>,
) -> Vec<Question> {
    let topics = unnamed(bank, wish.level, &wish.tech_stack);
    let lacking = (wish.questions as usize).saturating_sub(bank.at(wish.level).count());
    let count = topics.len().max(lacking).min(DRAFTS_MAX);
    if count == 0 {
        return Vec::new();
    }
    let named = topics.join(", ");
    let nothing = if topics.is_empty() { String::new() } else { format!("The bank has no question on {named}. ") };
    let Some(model) = drafter else {
        if !topics.is_empty() {
            notes.push(format!(
                "{nothing}No question was written for it: the local model does not write questions; that takes another one \
                 (`providers.llm_generation`)."
            ));
        }
        return Vec::new();
    };
    let wanted = Wanted { session: id, bank, level: wish.level, topics: &topics, count };
    match draft(model, &wanted).await {
        Ok(drafts) if drafts.is_empty() => {
            notes.push(format!("{nothing}What the model wrote did not hold to the bank's rules and is not asked."));
            drafts
        }
        Ok(drafts) => {
            let written = drafts.len();
            notes.push(format!("{nothing}{written} of its questions were written by a model for this interview."));
            drafts
        }
        Err(error) => {
            tracing::warn!(session = %id, %error, "no questions were drafted");
            notes.push(format!("{nothing}The model could not write one just now."));
            Vec::new()
        }
    }
}
