//! Somebody's history and progress, and practice of what is weak: computed from stored reports, whenever it is asked for.
//! Must never show a person another's.

use super::create::{self, NewInterviewBody};
use crate::http::error::ApiError;
use crate::http::extract::{Caller, Json as Body, Query};
use crate::http::fields::Fields;
use crate::http::state::{HttpState, Shared};
use crate::http::{audit, paging};
use crate::id::{SessionId, UserId};
use crate::interview::QuestionOutcome;
use crate::interview::plan::{Plan, PlanRequest};
use crate::interview::question::Level;
use crate::scoring::progress::repeat::{RepeatPoint, repeats};
use crate::scoring::progress::{
    INTERVIEWS_MAX, PastAnswer, PastInterview, PastPoint, Place, Progress, practice, progress,
};
use crate::scoring::rubric::Rubric;
use crate::store::{HistoryRow, Mode, ResponseState, ScoreRow, StoreError, Whose};
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// Longest slug that is asked for, characters.
const SLUG_CHARS_MAX: usize = 100;

/// Whose progress.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhoseQuery {
    /// For interviewers and admins: somebody else's. It is noted in the audit log.
    user: Option<UserId>,
}

/// Which answers.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// How many, 1 to 100.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next` of the page before.
    before: Option<Uuid>,
    /// Slug of a category.
    #[param(max_length = 100)]
    category: Option<String>,
    /// For interviewers and admins: somebody else's. It is noted in the audit log.
    user: Option<UserId>,
}

/// Which page of questions.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RepeatQuery {
    /// How many, 1 to 100.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next` of the page before.
    #[param(max_length = 300)]
    after: Option<String>,
    /// For interviewers and admins: somebody else's. It is noted in the audit log.
    user: Option<UserId>,
}

/// A question and its answer, with feedback.
#[derive(Serialize, utoipa::ToSchema)]
pub struct HistoryEntry {
    id: Uuid,
    interview_id: SessionId,
    /// The interview's.
    title: String,
    #[schema(example = "backend")]
    category: String,
    #[schema(example = "en")]
    language: String,
    interview_level: Level,
    at: DateTime<Utc>,
    #[schema(example = "backend.idempotency")]
    question_key: String,
    question_version: i32,
    /// Null where the bank no longer knows it.
    question: Option<String>,
    expected_answer: Option<String>,
    competency: Option<String>,
    answer: String,
    /// `answered`, `skipped`, `not_answered` or `cut_short`.
    #[schema(value_type = Option<String>, example = "answered")]
    outcome: Option<QuestionOutcome>,
    /// 1 to 5.
    level: Option<i16>,
    /// 0 to 100.
    score: Option<f64>,
    comment: Option<String>,
    /// Each with its status and the quote that shows it.
    #[schema(value_type = Vec<Object>)]
    key_points: Value,
    state: ResponseState,
}

/// A page of answers, the newest interview first.
#[derive(Serialize, utoipa::ToSchema)]
pub struct History {
    answers: Vec<HistoryEntry>,
    /// Where the next page begins; null at the end.
    next: Option<Uuid>,
}

/// A question, and when it had better be repeated.
#[derive(Serialize, utoipa::ToSchema)]
pub struct RepeatEntry {
    #[schema(example = "backend.idempotency")]
    question_key: String,
    question: String,
    #[schema(example = "backend")]
    category: String,
    #[schema(example = "en")]
    language: String,
    level: Level,
    due_at: DateTime<Utc>,
    is_due: bool,
    /// The key points that are asked for first; none where the question was passed over.
    points: Vec<RepeatPoint>,
}

/// A page of questions, by when they are due.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Repeats {
    questions: Vec<RepeatEntry>,
    /// Where the next page begins; null at the end.
    next: Option<String>,
}

/// What is to be practised; what is absent is chosen by what is weak.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PracticeBody {
    /// Slug of a category.
    #[serde(default)]
    #[schema(example = "backend", max_length = 100)]
    category: Option<String>,
    /// At most so many questions; at most as the server's settings say.
    #[serde(default)]
    #[schema(minimum = 1, example = 4)]
    questions: Option<u32>,
    /// Default `voice` where the server hears and speaks the language of what is weak, else `text`.
    #[serde(default)]
    mode: Option<Mode>,
}

/// Progress: scores over time, mastery of each competency with its uncertainty, what is weak. Without an account at the
/// server's own machine: of the practice that belongs to nobody.
#[utoipa::path(get, operation_id = "get_progress", path = "/progress", tag = "progress", params(WhoseQuery),
    responses((status = 200, description = "What the reports of the last 150 interviews tell.", body = Progress),
        (status = 404, description = "There is no such person, or it is not for you to see.")))]
pub async fn show(
    State(state): State<Shared>,
    caller: Caller,
    Query(query): Query<WhoseQuery>,
) -> Result<Json<Progress>, ApiError> {
    let whose = whose(&state, caller, query.user).await?;
    let rubric = Rubric::shipped().map_err(|error| {
        tracing::error!(%error, "the rubric cannot be read");
        ApiError::Internal
    })?;
    let scores = state.store.past_scores(whose, INTERVIEWS_MAX).await?;
    let interviews = scores.into_iter().map(past_interview).collect();
    let answers = answers_of(&state, whose).await?;
    Ok(Json(progress(&answers, interviews, &rubric.aggregate, state.clock.now())))
}

/// Every question and answer again, with feedback.
#[utoipa::path(get, operation_id = "get_history", path = "/progress/answers", tag = "progress", params(HistoryQuery),
    responses((status = 200, description = "The newest interview first, each in its order.", body = History),
        (status = 404, description = "There is no such person, or it is not for you to see.")))]
pub async fn answers(
    State(state): State<Shared>,
    caller: Caller,
    Query(query): Query<HistoryQuery>,
) -> Result<Json<History>, ApiError> {
    let limit = paging::limit(query.limit)?;
    let mut fields = Fields::default();
    let category = fields.text("category", query.category.as_deref(), SLUG_CHARS_MAX);
    fields.check(Some(()))?;
    let whose = whose(&state, caller, query.user).await?;
    let rows = state.store.history(whose, category.as_deref(), limit, query.before).await?;
    let next = paging::next(&rows, limit, |row| row.id);
    Ok(Json(History { answers: rows.into_iter().map(HistoryEntry::from).collect(), next }))
}

/// What had better be repeated, and when: each missed key point by itself, at growing intervals.
#[utoipa::path(get, operation_id = "get_repeats", path = "/progress/repeats", tag = "progress", params(RepeatQuery),
    responses((status = 200, description = "By when they are due.", body = Repeats),
        (status = 404, description = "There is no such person, or it is not for you to see.")))]
pub async fn repeat(
    State(state): State<Shared>,
    caller: Caller,
    Query(query): Query<RepeatQuery>,
) -> Result<Json<Repeats>, ApiError> {
    let limit = paging::limit(query.limit)?;
    let whose = whose(&state, caller, query.user).await?;
    let now = state.clock.now();
    let all = repeats(&answers_of(&state, whose).await?);
    let cursor = |place: &Place| format!("{}/{}/{}", place.language, place.level.as_str(), place.key);
    let from =
        query.after.map_or(Some(0), |after| all.iter().position(|one| cursor(&one.place) == after).map(|at| at + 1));
    let page: Vec<_> = all.into_iter().skip(from.unwrap_or(usize::MAX)).take(limit as usize).collect();
    let next = paging::next(&page, limit, |one| cursor(&one.place));
    let questions = page.into_iter().map(|one| RepeatEntry {
        question_key: one.place.key,
        question: one.question,
        category: one.place.category,
        language: one.place.language,
        level: one.place.level,
        due_at: one.due_at,
        is_due: one.due_at <= now,
        points: one.points,
    });
    Ok(Json(Repeats { questions: questions.collect(), next }))
}

/// Make a practice interview of what is due or weak: of the category and level with the most of it, those that are due
/// first.
#[utoipa::path(post, operation_id = "practise_weak_points", path = "/progress/practice", tag = "progress", request_body = PracticeBody,
    responses((status = 201, description = "Made, as any interview.", body = create::InterviewMade,
            headers(("Location" = String, description = "The interview."))),
        (status = 409, description = "Nothing is weak or due.")))]
pub async fn practise(
    State(state): State<Shared>,
    caller: Caller,
    Body(body): Body<PracticeBody>,
) -> Result<impl IntoResponse, ApiError> {
    let mut fields = Fields::default();
    let category = fields.text("category", body.category.as_deref(), SLUG_CHARS_MAX);
    let limits = &state.settings.interview;
    let count = body.questions.unwrap_or(limits.questions_default);
    fields.range("questions", count, limits.questions_max);
    fields.check(Some(()))?;
    let whose = whose(&state, caller, None).await?;
    let answers = answers_of(&state, whose).await?;
    let nothing =
        || ApiError::Conflict("Nothing is weak or due: hold an interview first, or come back later.".to_owned());
    let wanted = practice(&answers, category.as_deref(), count as usize, state.clock.now()).ok_or_else(nothing)?;
    let bank = state.store.bank(&wanted.category, &wanted.language).await;
    let mut bank = bank.map_err(|error| if error == StoreError::NotFound { nothing() } else { error.into() })?;
    bank.questions.retain(|question| wanted.keys.contains(&question.key));
    let questions = u32::try_from(bank.questions.len()).unwrap_or(count);
    let is_spoken = state.interviews.voice_languages().contains(&wanted.language.as_str());
    let mode = body.mode.unwrap_or(if is_spoken { Mode::Voice } else { Mode::Text });
    let wish = json!({
        "category": wanted.category, "level": wanted.level, "language": wanted.language, "questions": questions.max(1),
        "mode": mode,
    });
    let wish: NewInterviewBody = serde_json::from_value(wish).map_err(|_| ApiError::Internal)?;
    let booked = create::book(&state, caller, wish).await?;
    let row = &booked.row;
    let request = PlanRequest {
        level: wanted.level,
        questions: Some(questions),
        minutes: None,
        time_factor: 1.0,
        seed: row.id.0.as_u64_pair().1,
    };
    // What was weak may have been withdrawn since: then the interview is one of its level.
    if let Ok(plan) = Plan::draw(&bank, &request) {
        let plan = serde_json::to_value(plan).map_err(|_| ApiError::Internal)?;
        state.store.set_plan(row.id, &plan).await?;
    }
    create::made(&state, booked).await
}

/// Whose progress the caller may see; reading another's is noted.
async fn whose(state: &HttpState, caller: Caller, user: Option<UserId>) -> Result<Whose, ApiError> {
    match (caller, user) {
        (Caller::Person { user: own, .. }, None) => Ok(Whose::Person(own)),
        (Caller::Person { user: own, .. }, Some(user)) if own == user => Ok(Whose::Person(own)),
        (Caller::Person { user: own, role }, Some(user)) if role.is_staff() => {
            state.store.user(user).await?;
            let person = crate::http::extract::Person { user: own, role };
            audit::note(state, person, "progress.read", "user", user, json!({})).await?;
            Ok(Whose::Person(user))
        }
        (Caller::Person { .. } | Caller::LocalPractice, Some(_)) => Err(ApiError::NotFound),
        (Caller::LocalPractice, None) => Ok(Whose::Nobody),
        (Caller::Candidate(_), _) => {
            Err(ApiError::Forbidden("This link is for one interview; log in to see your progress.".to_owned()))
        }
    }
}

async fn answers_of(state: &HttpState, whose: Whose) -> Result<Vec<PastAnswer>, ApiError> {
    let rows = state.store.past_answers(whose, INTERVIEWS_MAX).await?;
    Ok(rows.into_iter().map(past_answer).collect())
}

fn past_answer(row: HistoryRow) -> PastAnswer {
    // Points that an older version of the program judged otherwise tell nothing.
    let points: Vec<PastPoint> = serde_json::from_value(row.key_points).unwrap_or_default();
    PastAnswer {
        session: row.session_id,
        at: row.at,
        question: row.question_text.unwrap_or_else(|| row.question_key.clone()),
        place: Place {
            category: row.category_slug,
            language: row.language,
            level: row.experience_level,
            key: row.question_key,
        },
        competency: row.competency,
        competency_name: row.competency_name,
        level: row.level.and_then(|level| u8::try_from(level).ok()),
        is_passed: matches!(row.outcome, Some(QuestionOutcome::Skipped | QuestionOutcome::NotAnswered)),
        points,
    }
}

fn past_interview(row: ScoreRow) -> PastInterview {
    PastInterview {
        id: row.id,
        at: row.at,
        title: row.title,
        category: row.category_slug,
        level: row.experience_level,
        // From the column's 0 to 100 to the scale of 1 to 5.
        score: row.overall_score.map(|score| (score / 25.0 * 10.0).round() / 10.0 + 1.0),
        interval90: row.low.zip(row.high).map(|(low, high)| [low, high]),
    }
}

impl From<HistoryRow> for HistoryEntry {
    fn from(row: HistoryRow) -> Self {
        Self {
            id: row.id,
            interview_id: row.session_id,
            title: row.title,
            category: row.category_slug,
            language: row.language,
            interview_level: row.experience_level,
            at: row.at,
            question_key: row.question_key,
            question_version: row.question_version,
            question: row.question_text,
            expected_answer: row.expected_answer,
            competency: row.competency_name.or(row.competency),
            answer: row.answer,
            outcome: row.outcome,
            level: row.level,
            score: row.score,
            comment: row.comment,
            key_points: row.key_points,
            state: row.state,
        }
    }
}
