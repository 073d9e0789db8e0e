//! Figures over many interviews, for interviewers and admins.

use crate::http::error::ApiError;
use crate::http::extract::{Query, Staff};
use crate::http::fields::Fields;
use crate::http::paging;
use crate::http::state::{HttpState, Shared};
use crate::interview::question::Level;
use crate::store::{Difficulty, Period, Statistics};
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Duration, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// The period that is counted unless another is named, days.
const PERIOD_DAYS: i64 = 30;
/// The longest that is, days: beyond it one answer would scan everything there is.
const PERIOD_DAYS_MAX: i64 = 400;
/// Longest slug, characters.
const SLUG_CHARS_MAX: usize = 100;

/// Which interviews.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatisticsQuery {
    /// Made at this time or later; default: 30 days before `to`. At most 400 days are counted.
    from: Option<DateTime<Utc>>,
    /// Made before this time; default: now.
    to: Option<DateTime<Utc>>,
    /// Slug of a category.
    #[param(max_length = 100)]
    category: Option<String>,
}

/// Which questions.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DifficultyQuery {
    /// How many, 1 to 100.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next` of the page before.
    #[param(max_length = 300)]
    after: Option<String>,
    /// Made at this time or later; default: 30 days before `to`. At most 400 days are counted.
    from: Option<DateTime<Utc>>,
    /// Made before this time; default: now.
    to: Option<DateTime<Utc>>,
    /// Slug of a category.
    #[param(max_length = 100)]
    category: Option<String>,
}

/// The figures of a period. A share is null where there is nothing to share.
#[derive(Serialize, utoipa::ToSchema)]
pub struct StatisticsView {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    interviews: InterviewFigures,
    scores: ScoreFigures,
    latency: LatencyFigures,
    /// Days (UTC) on which interviews were made.
    days: Vec<DayFigures>,
}

/// How interviews went.
#[derive(Serialize, utoipa::ToSchema)]
pub struct InterviewFigures {
    made: i64,
    /// In progress now.
    live: i64,
    began: i64,
    completed: i64,
    /// The candidate left and did not come back.
    abandoned: i64,
    /// Ended by a fault of ours.
    failed: i64,
    /// Of those that began, 0 to 1.
    completion_share: Option<f64>,
    /// Of those that began, 0 to 1.
    failure_share: Option<f64>,
    mean_minutes: Option<f64>,
}

/// How interviews were scored.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ScoreFigures {
    reports: i64,
    /// Reports that could not be made.
    failed: i64,
    /// How many interviews have an overall score in each tenth of the scale from 1 to 5, the lowest first.
    #[schema(min_items = 10, max_items = 10)]
    distribution: Vec<i64>,
}

/// From the end of the candidate's speech to the first sample of the reply.
#[derive(Serialize, utoipa::ToSchema)]
pub struct LatencyFigures {
    replies: i64,
    p50_ms: Option<f64>,
    p90_ms: Option<f64>,
    p95_ms: Option<f64>,
    p99_ms: Option<f64>,
}

/// One day.
#[derive(Serialize, utoipa::ToSchema)]
pub struct DayFigures {
    day: NaiveDate,
    made: i64,
    completed: i64,
}

/// How a question proved.
#[derive(Serialize, utoipa::ToSchema)]
pub struct DifficultyView {
    #[schema(example = "backend")]
    category: String,
    #[schema(example = "en")]
    language: String,
    #[schema(example = "backend.idempotency")]
    question_key: String,
    level: Level,
    /// As the bank states it, 1 to 5 within its level; null where it is asked no more.
    stated_difficulty: Option<i16>,
    asked: i64,
    scored: i64,
    skipped: i64,
    /// 1 to 5.
    mean_level: Option<f64>,
    /// What answers left open, on average: 0 (everybody says everything) to 1.
    measured_difficulty: Option<f64>,
    /// Standard error of the measured difficulty; null with fewer than two answers.
    standard_error: Option<f64>,
}

/// A page of questions, by category, language and key.
#[derive(Serialize, utoipa::ToSchema)]
pub struct DifficultyList {
    questions: Vec<DifficultyView>,
    /// Where the next page begins; null at the end.
    next: Option<String>,
}

/// Interviews, completion, technical failures, scores and latencies of a period.
#[utoipa::path(get, operation_id = "get_statistics", path = "/statistics", tag = "operations", params(StatisticsQuery),
    responses((status = 200, description = "The figures.", body = StatisticsView)))]
pub async fn show(
    State(state): State<Shared>,
    _: Staff,
    Query(query): Query<StatisticsQuery>,
) -> Result<Json<StatisticsView>, ApiError> {
    let period = period(&state, query.from, query.to, query.category.as_deref())?;
    let figures = state.store.statistics(&period).await?;
    Ok(Json(StatisticsView::of(&period, figures)))
}

/// How hard each question proved, measured over the answers of a period.
#[utoipa::path(get, operation_id = "list_difficulties", path = "/statistics/questions", tag = "operations", params(DifficultyQuery),
    responses((status = 200, description = "A page of questions.", body = DifficultyList)))]
pub async fn questions(
    State(state): State<Shared>,
    _: Staff,
    Query(query): Query<DifficultyQuery>,
) -> Result<Json<DifficultyList>, ApiError> {
    let limit = paging::limit(query.limit)?;
    let period = period(&state, query.from, query.to, query.category.as_deref())?;
    let after = match query.after.as_deref() {
        None => None,
        Some(after) => Some(after_of(after).ok_or_else(|| ApiError::field("after", "This is no `next` of a page."))?),
    };
    let rows = state.store.difficulties(&period, limit, after).await?;
    let next = paging::next(&rows, limit, |row| format!("{}/{}/{}", row.category_slug, row.language, row.key));
    Ok(Json(DifficultyList { questions: rows.into_iter().map(DifficultyView::from).collect(), next }))
}

fn after_of(text: &str) -> Option<[&str; 3]> {
    let mut parts = text.splitn(3, '/');
    let after = [parts.next()?, parts.next()?, parts.next()?];
    (!text.contains('\0')).then_some(after)
}

fn period(
    state: &HttpState,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    category: Option<&str>,
) -> Result<Period, ApiError> {
    let mut fields = Fields::default();
    let category = fields.text("category", category, SLUG_CHARS_MAX);
    let (from, to) = (fields.time("from", from), fields.time("to", to));
    let to = to.unwrap_or_else(|| state.clock.now());
    let earliest = to.checked_sub_signed(Duration::days(PERIOD_DAYS_MAX));
    let from = from.or_else(|| to.checked_sub_signed(Duration::days(PERIOD_DAYS)));
    let known = from.zip(earliest).is_some_and(|(from, earliest)| from >= earliest && from <= to);
    fields.must(known, "from", "The period ends after its beginning, and has at most 400 days.");
    fields.check(from.map(|from| Period { from, to, category }))
}

impl StatisticsView {
    fn of(period: &Period, figures: Statistics) -> Self {
        let share = |count: i64| (figures.began > 0).then(|| count as f64 / figures.began as f64);
        let latency = |at: usize| figures.latency_ms.map(|all| all[at].round());
        Self {
            from: period.from,
            to: period.to,
            interviews: InterviewFigures {
                made: figures.made,
                live: figures.live,
                began: figures.began,
                completed: figures.completed,
                abandoned: figures.abandoned,
                failed: figures.failed,
                completion_share: share(figures.completed),
                failure_share: share(figures.failed),
                mean_minutes: figures.mean_minutes.map(|minutes| (minutes * 10.0).round() / 10.0),
            },
            scores: ScoreFigures {
                reports: figures.reports,
                failed: figures.reports_failed,
                distribution: figures.scores.to_vec(),
            },
            latency: LatencyFigures {
                replies: figures.replies,
                p50_ms: latency(0),
                p90_ms: latency(1),
                p95_ms: latency(2),
                p99_ms: latency(3),
            },
            days: figures
                .days
                .into_iter()
                .map(|day| DayFigures { day: day.day, made: day.made, completed: day.completed })
                .collect(),
        }
    }
}

impl From<Difficulty> for DifficultyView {
    fn from(row: Difficulty) -> Self {
        let hundredth = |value: f64| (value * 100.0).round() / 100.0;
        let error = row.score_deviation.filter(|_| row.scored > 1);
        Self {
            category: row.category_slug,
            language: row.language,
            question_key: row.key,
            level: row.experience_level,
            stated_difficulty: row.stated,
            asked: row.asked,
            scored: row.scored,
            skipped: row.skipped,
            mean_level: row.mean_level.map(hundredth),
            measured_difficulty: row.mean_score.map(|score| hundredth(1.0 - score / 100.0)),
            standard_error: error.map(|deviation| hundredth(deviation / 100.0 / (row.scored as f64).sqrt())),
        }
    }
}
