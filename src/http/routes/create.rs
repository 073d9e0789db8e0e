//! Making an interview: what a body may say, and what is wrong with one that says something else.

use super::interviews::InterviewView;
use crate::auth::role::Role;
use crate::auth::token::Issued;
use crate::http::error::ApiError;
use crate::http::extract::{Caller, Json};
use crate::http::fields::Fields;
use crate::http::interviews::{Booked, DailyAccess, InterviewWish};
use crate::http::state::{HttpState, Shared};
use crate::id::{SessionId, UserId};
use crate::interview::question::Level;
use crate::store::{CategoryRow, Mode, Purpose, RoomKind, StoreError};
use crate::turn::Profile;
use crate::turn::settings::MULTIPLIERS;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Longest title, characters: one line of a list.
const TITLE_CHARS_MAX: usize = 200;
/// Longest name of a person or position, characters.
const NAME_CHARS_MAX: usize = 100;
/// Most technologies of one interview; more say nothing about any.
const TECH_STACK_MAX: usize = 20;
/// An interview that somebody wants.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInterviewBody {
    /// Slug of a category.
    #[schema(example = "backend", max_length = 100)]
    category: String,
    /// Needed, unless it is taken from the profile.
    #[serde(default)]
    level: Option<Level>,
    /// Take level, job position and tech stack from the caller's confirmed profile, where they are not given here.
    #[serde(default)]
    from_profile: bool,
    /// Language of the interview; the category must have it. Default `en`.
    #[serde(default)]
    #[schema(example = "en", max_length = 20)]
    language: Option<String>,
    /// Default: the category's first.
    #[serde(default)]
    #[schema(example = "Back-end engineer", max_length = 100)]
    job_position: Option<String>,
    #[serde(default)]
    #[schema(max_length = 200)]
    title: Option<String>,
    #[serde(default)]
    #[schema(max_items = 20)]
    tech_stack: Vec<String>,
    /// How many questions are planned; at most as the server's settings say.
    #[serde(default)]
    #[schema(minimum = 1, example = 6)]
    questions: Option<u32>,
    /// Whether questions get harder or easier as they are answered (the anchors of the level are asked of everybody all
    /// the same). Default `true`.
    #[serde(default)]
    adaptive: Option<bool>,
    /// How long it may take; at most as the server's settings say.
    #[serde(default)]
    #[schema(minimum = 1, example = 30)]
    minutes: Option<u32>,
    /// Default `voice`, in a language that the server hears and speaks; `text` in any.
    #[serde(default)]
    mode: Option<Mode>,
    /// `official` needs the role of an interviewer.
    #[serde(default)]
    purpose: Option<Purpose>,
    /// Where it is held: `webrtc`, or `daily` where the server has a Daily domain, for voice; `text` for text.
    #[serde(default)]
    room: Option<RoomKind>,
    /// As the candidate wants to be called; never reaches the scoring.
    #[serde(default)]
    #[schema(max_length = 100)]
    candidate_name: Option<String>,
    #[serde(default)]
    accommodations: Option<Accommodations>,
}

/// What a candidate needs to take part fairly.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Accommodations {
    /// How much longer than usual pauses may be: 1.0, 1.25, 1.5 or 2.0.
    #[serde(default)]
    #[schema(example = 1.25, minimum = 1.0, maximum = 2.0)]
    patience: Option<f64>,
    /// How soon a pause counts as the end of an answer, otherwise the server's setting `turn.profile`.
    #[serde(default)]
    profile: Option<Profile>,
}

/// An interview that was made, with the candidate's way in.
#[derive(Serialize, utoipa::ToSchema)]
pub struct InterviewMade {
    #[serde(flatten)]
    interview: InterviewView,
    /// Good for this interview alone.
    join_token: String,
    /// The page that the candidate opens; the token stands after the `#`, where servers do not see it.
    #[schema(example = "/interview/0197…#token=eyJ…")]
    join_url: String,
    expires_at: DateTime<Utc>,
    /// The candidate's way into the Daily room, for an interview in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    daily: Option<DailyAccess>,
    /// Where it is not quite what was wished for, and why; one sentence each.
    notes: Vec<String>,
}

/// Make an interview: plan it from the bank, and get the candidate's link.
#[utoipa::path(post, operation_id = "create_interview", path = "/interviews", tag = "interviews", request_body = NewInterviewBody,
    responses((status = 201, description = "Made.", body = InterviewMade,
        headers(("Location" = String, description = "The interview.")))))]
pub async fn create(
    State(state): State<Shared>,
    caller: Caller,
    Json(body): Json<NewInterviewBody>,
) -> Result<impl IntoResponse, ApiError> {
    let booked = book(&state, caller, body).await?;
    made(&state, booked).await
}

/// Plans and stores an interview for the caller.
pub async fn book(state: &HttpState, caller: Caller, body: NewInterviewBody) -> Result<Booked, ApiError> {
    let wish = parse(state, caller, body).await?;
    Ok(state.interviews.create(wish).await?)
}

/// The answer to who made an interview: where it is, and the way in.
pub async fn made(state: &HttpState, booked: Booked) -> Result<impl IntoResponse + use<>, ApiError> {
    let Booked { row, notes } = booked;
    let Issued { token, expires_at } = issue_join(state, row.id);
    let location = format!("/api/v1/interviews/{}", row.id);
    let made = InterviewMade {
        join_url: format!(
            "{}/interview/{}#token={token}",
            state.settings.server.public_url.trim_end_matches('/'),
            row.id
        ),
        daily: state.interviews.daily_access(&row).await?,
        interview: InterviewView::of(state, row).await?,
        join_token: token,
        expires_at,
        notes,
    };
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], axum::Json(made)))
}

/// A join token as long as the settings say.
pub fn issue_join(state: &HttpState, session: SessionId) -> Issued {
    state.tokens.issue_join(session, join_life(state))
}

fn join_life(state: &HttpState) -> Duration {
    Duration::from_secs(u64::from(state.settings.server.tokens.join_hours) * 3_600)
}

/// Fills what the body leaves out from the caller's profile, where that is wished for.
async fn with_profile(state: &HttpState, caller: Caller, body: NewInterviewBody) -> Result<NewInterviewBody, ApiError> {
    if !body.from_profile {
        return Ok(body);
    }
    let missing = || ApiError::field("from_profile", "There is no confirmed profile: confirm one first.");
    let Caller::Person { user, .. } = caller else { return Err(missing()) };
    let profile = match state.store.profile(user).await {
        Ok(profile) if profile.confirmed_at.is_some() => profile,
        Ok(_) | Err(StoreError::NotFound) => return Err(missing()),
        Err(error) => return Err(error.into()),
    };
    let job_position = Some(profile.job_position).filter(|position| !position.is_empty());
    let mut own = profile.tech_stack;
    own.truncate(TECH_STACK_MAX);
    Ok(NewInterviewBody {
        level: body.level.or(profile.experience_level),
        job_position: body.job_position.or(job_position),
        tech_stack: if body.tech_stack.is_empty() { own } else { body.tech_stack },
        ..body
    })
}

/// Whose interview it is; `None`: nobody's account.
fn owner(caller: Caller, purpose: Purpose) -> Result<Option<UserId>, ApiError> {
    Ok(match (caller, purpose) {
        (Caller::Candidate(_), _) => {
            return Err(ApiError::Forbidden("This link is for one interview; it cannot make others.".to_owned()));
        }
        (Caller::Person { role: Role::Candidate, .. } | Caller::LocalPractice, Purpose::Official) => {
            return Err(ApiError::Forbidden("Official interviews are made by an interviewer.".to_owned()));
        }
        // An official interview belongs to the candidate who is invited, not to whoever made it.
        (Caller::Person { .. }, Purpose::Official) | (Caller::LocalPractice, Purpose::Practice) => None,
        (Caller::Person { user, .. }, Purpose::Practice) => Some(user),
    })
}

async fn parse(state: &HttpState, caller: Caller, body: NewInterviewBody) -> Result<InterviewWish, ApiError> {
    let purpose = body.purpose.unwrap_or(Purpose::Practice);
    let user_id = owner(caller, purpose)?;
    let body = with_profile(state, caller, body).await?;
    let level = body.level.ok_or_else(|| ApiError::field("level", "`level` is `junior`, `middle` or `senior`."))?;
    let mut fields = Fields::default();
    let limits = &state.settings.interview;
    let language = body.language.unwrap_or_else(|| "en".to_owned());
    let questions = body.questions.unwrap_or(limits.questions_default);
    fields.range("questions", questions, limits.questions_max);
    // With a number of questions and no length, it lasts as long as they need.
    let minutes = body.minutes.or_else(|| body.questions.is_none().then_some(limits.minutes_default));
    fields.range("minutes", minutes.unwrap_or(1), limits.minutes_max);
    let mode = body.mode.unwrap_or(Mode::Voice);
    let room = room(state, mode, body.room, &mut fields);
    let (patience, turn_profile) = body.accommodations.map_or((None, None), |wished| (wished.patience, wished.profile));
    let patience = patience.unwrap_or(1.0);
    fields.must(MULTIPLIERS.contains(&patience), "accommodations.patience", "Patience is 1.0, 1.25, 1.5 or 2.0.");
    fields.must(body.tech_stack.len() <= TECH_STACK_MAX, "tech_stack", "At most 20 technologies.");
    let tech_stack = body.tech_stack.iter().filter_map(|name| fields.text("tech_stack", Some(name), NAME_CHARS_MAX));
    let tech_stack = tech_stack.collect();
    let job_position = fields.text("job_position", body.job_position.as_deref(), NAME_CHARS_MAX);
    let title = fields.text("title", body.title.as_deref(), TITLE_CHARS_MAX);
    let candidate_name = fields.text("candidate_name", body.candidate_name.as_deref(), NAME_CHARS_MAX);
    let category = find_category(state.store.categories().await?, &body.category, &language, level, &mut fields);
    let spoken = state.interviews.voice_languages();
    fields.must(mode != Mode::Voice || category.is_none() || spoken.contains(&language.as_str()), "language", &{
        let spoken = spoken.join(", ");
        format!(
            "This server cannot hold a voice interview in `{language}`: it hears and speaks {spoken}. Choose mode `text`, or \
             have its operator set providers for that language."
        )
    });
    let category = fields.check(category)?;
    Ok(InterviewWish {
        user_id,
        level,
        title: title.unwrap_or_else(|| format!("{}, {}", category.name, level.as_str())),
        job_position: job_position
            .or_else(|| category.job_positions.first().cloned())
            .unwrap_or_else(|| category.name.clone()),
        tech_stack,
        candidate_name,
        questions,
        minutes,
        mode,
        purpose,
        room,
        patience,
        adaptive: body.adaptive.unwrap_or(true),
        turn_profile,
        expires_at: state.clock.now() + join_life(state),
        category,
    })
}

/// Where an interview of that mode is held.
fn room(state: &HttpState, mode: Mode, wished: Option<RoomKind>, fields: &mut Fields) -> RoomKind {
    let own_room = match mode {
        Mode::Voice => RoomKind::Webrtc,
        Mode::Text => RoomKind::Text,
    };
    let room = wished.unwrap_or(own_room);
    let has_daily = !state.settings.room.daily.api_key.0.is_empty();
    fields.must(
        room == own_room || (mode == Mode::Voice && room == RoomKind::Daily && has_daily),
        "room",
        "A `voice` interview is held in a `webrtc` room, or in `daily` if this server has a Daily domain; a `text` \
         interview in `text`.",
    );
    room
}

fn find_category(
    rows: Vec<CategoryRow>,
    slug: &str,
    language: &str,
    level: Level,
    fields: &mut Fields,
) -> Option<CategoryRow> {
    let has_slug = rows.iter().any(|row| row.slug == slug);
    let Some(row) = rows.into_iter().find(|row| row.slug == slug && row.language == language) else {
        if has_slug {
            fields.must(false, "language", "This category does not exist in that language.");
        } else {
            fields.must(false, "category", "There is no such category.");
        }
        return None;
    };
    let has_questions = row.levels.iter().any(|count| count.level == level && count.questions > 0);
    fields.must(has_questions, "level", "This category has no questions of that level.");
    Some(row)
}
