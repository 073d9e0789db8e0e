//! Written interviews over REST: begin, answer, wish, write code, see where it stands. Every step is stored before it is
//! answered. Must never hold a rule of the conversation.

use crate::http::access::{self, Right};
use crate::http::error::ApiError;
use crate::http::extract::{Caller, Json, Path};
use crate::http::fields::Fields;
use crate::http::state::{HttpState, Shared};
use crate::id::SessionId;
use crate::interview::question::Question;
use crate::interview::{LineKind, Plan, QuestionOutcome, Wish};
use crate::jobs::evaluate::assess_question;
use crate::room::{CODE_BYTES_MAX, TEXT_BYTES_MAX};
use crate::session::text::{Act, Line, Refused, State, StepError, Stepped};
use crate::store::{InterviewRow, Mode, Purpose, ResponseRow, ResponseState, Role, StoreError};
use axum::extract::State as Extract;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// How long an answer to a request waits for the score of what was answered, s; a model may take longer, and the feedback
/// is then with the interview's state.
const FEEDBACK_WAIT: Duration = Duration::from_secs(12);
/// Longest name of a programming language, characters.
const LANGUAGE_CHARS_MAX: usize = 40;

/// An answer.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerBody {
    /// The number of the interviewer's line that this replies to: `last_line` of the state.
    #[schema(example = 3, minimum = 1)]
    pub reply_to: u64,
    /// At most 10,000 bytes.
    #[schema(example = "Doing it twice changes nothing more.", max_length = 10000)]
    pub text: String,
}

/// A wish.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WishBody {
    /// The number of the interviewer's line that stands last.
    #[schema(example = 3, minimum = 1)]
    pub reply_to: u64,
    pub wish: TextWish,
}

/// What can be wished for in writing.
#[derive(Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TextWish {
    Rephrase,
    Skip,
    Pause,
    Resume,
    End,
}

impl From<TextWish> for Wish {
    fn from(wish: TextWish) -> Self {
        match wish {
            TextWish::Rephrase => Self::Rephrase,
            TextWish::Skip => Self::Skip,
            TextWish::Pause => Self::Pause,
            TextWish::Resume => Self::Resume,
            TextWish::End => Self::End,
        }
    }
}

/// The code for the question in hand, as it stands.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeBody {
    #[schema(example = "algorithms.two-sum", max_length = 200)]
    pub question_id: String,
    #[schema(example = "python", max_length = 40)]
    pub language: String,
    #[schema(max_length = 65536)]
    pub content: String,
    /// Handed in: the interviewer goes on.
    #[serde(default)]
    pub submitted: bool,
}

/// What came of a step.
#[derive(Serialize, utoipa::ToSchema)]
pub struct StepView {
    /// What the interviewer says to it, in order.
    pub said: Vec<Line>,
    pub state: State,
    /// On the questions that this step closed; practice only.
    pub feedback: Vec<Feedback>,
    /// Questions whose feedback is still being made: ask for the state in a moment.
    pub feedback_pending: Vec<String>,
}

/// Feedback on the answer to one question.
#[derive(Clone, Serialize, utoipa::ToSchema)]
#[schema(as = AnswerFeedback)]
pub struct Feedback {
    pub question_id: String,
    /// The question as it was asked.
    pub question: String,
    pub answer: String,
    /// `answered`, `skipped`, `not_answered` or `cut_short`.
    #[schema(value_type = Option<String>, example = "answered")]
    pub outcome: Option<QuestionOutcome>,
    pub state: ResponseState,
    /// 1 to 5; null where nothing could be assessed.
    pub level: Option<i16>,
    /// 0 to 100.
    pub score: Option<f64>,
    pub comment: Option<String>,
    /// Each with its status, and the words that show it.
    #[schema(value_type = Vec<Object>)]
    pub key_points: Value,
    pub reference_answer: String,
}

/// A written interview: where it stands, and what was said so far.
#[derive(Serialize, utoipa::ToSchema)]
pub struct TextView {
    pub state: State,
    pub conversation: Vec<SaidView>,
    /// On the questions that are over; practice only.
    pub feedback: Vec<Feedback>,
}

/// A line of the conversation.
#[derive(Serialize, utoipa::ToSchema)]
pub struct SaidView {
    pub role: Role,
    pub text: String,
    /// What sort of line it is, of the interviewer's.
    #[schema(value_type = Option<String>, example = "question")]
    pub kind: Option<LineKind>,
    pub question_id: Option<String>,
}

/// Where the interview stands, and what was said so far: for whoever comes back.
#[utoipa::path(get, operation_id = "get_text", path = "/interviews/{id}/text", tag = "text", params(("id" = SessionId, Path)),
    responses((status = 200, description = "Where it stands.", body = TextView)))]
pub async fn show(
    Extract(state): Extract<Shared>,
    caller: Caller,
    Path(id): Path<SessionId>,
) -> Result<axum::Json<TextView>, ApiError> {
    let row = written(&state, caller, id).await?;
    view(&state, &row).await.map(axum::Json)
}

/// Begin; of an interview that has begun, where it stands.
#[utoipa::path(post, operation_id = "begin_text", path = "/interviews/{id}/text", tag = "text", params(("id" = SessionId, Path)),
    responses((status = 200, description = "It has begun.", body = TextView)))]
pub async fn begin(
    Extract(state): Extract<Shared>,
    caller: Caller,
    Path(id): Path<SessionId>,
) -> Result<axum::Json<TextView>, ApiError> {
    let row = ready(&state, caller, id).await?;
    match state.text.step(id, None, Act::Begin).await {
        Ok(_) | Err(StepError::Refused(Refused::Begun)) => {}
        Err(error) => return Err(error.into()),
    }
    let row = state.store.interview(row.id).await?;
    view(&state, &row).await.map(axum::Json)
}

/// Answer the question in hand. In practice the score and the feedback come with it once the question is over.
#[utoipa::path(post, operation_id = "answer_text", path = "/interviews/{id}/text/answers", tag = "text", params(("id" = SessionId, Path)),
    request_body = AnswerBody, responses((status = 200, description = "Stored, and what the interviewer says to it.", body = StepView)))]
pub async fn answer(
    Extract(state): Extract<Shared>,
    caller: Caller,
    Path(id): Path<SessionId>,
    Json(body): Json<AnswerBody>,
) -> Result<axum::Json<StepView>, ApiError> {
    let row = ready(&state, caller, id).await?;
    let reply_to = body.reply_to;
    let act = body.act()?;
    step(&state, &row, Some(reply_to), act).await.map(axum::Json)
}

/// Ask for other words, skip, pause, resume or end.
#[utoipa::path(post, operation_id = "wish_text", path = "/interviews/{id}/text/wishes", tag = "text", params(("id" = SessionId, Path)),
    request_body = WishBody, responses((status = 200, description = "Stored, and what the interviewer says to it.", body = StepView)))]
pub async fn wish(
    Extract(state): Extract<Shared>,
    caller: Caller,
    Path(id): Path<SessionId>,
    Json(body): Json<WishBody>,
) -> Result<axum::Json<StepView>, ApiError> {
    let row = ready(&state, caller, id).await?;
    step(&state, &row, Some(body.reply_to), Act::Wish(body.wish.into())).await.map(axum::Json)
}

/// Keep the code for the question in hand, or hand it in.
#[utoipa::path(put, operation_id = "write_text_code", path = "/interviews/{id}/text/code", tag = "text", params(("id" = SessionId, Path)),
    request_body = CodeBody, responses((status = 200, description = "Stored, and what the interviewer says to it.", body = StepView)))]
pub async fn code(
    Extract(state): Extract<Shared>,
    caller: Caller,
    Path(id): Path<SessionId>,
    Json(body): Json<CodeBody>,
) -> Result<axum::Json<StepView>, ApiError> {
    let row = ready(&state, caller, id).await?;
    let act = body.act()?;
    step(&state, &row, None, act).await.map(axum::Json)
}

impl AnswerBody {
    /// The answer as the interview takes it.
    pub fn act(self) -> Result<Act, ApiError> {
        let text = self.text.trim().to_owned();
        let mut fields = Fields::default();
        fields.must(!text.is_empty(), "text", "An answer has words; to go on without one, skip the question.");
        let most = format!("An answer has at most {TEXT_BYTES_MAX} bytes; this one has {}.", text.len());
        fields.must(text.len() <= TEXT_BYTES_MAX, "text", &most);
        fields.check(Some(Act::Answer { text }))
    }
}

impl CodeBody {
    /// The code as the interview takes it.
    pub fn act(self) -> Result<Act, ApiError> {
        let mut fields = Fields::default();
        let language = fields.text("language", Some(&self.language), LANGUAGE_CHARS_MAX).unwrap_or_default();
        let most = format!("Code has at most {CODE_BYTES_MAX} bytes.");
        fields.must(self.content.len() <= CODE_BYTES_MAX, "content", &most);
        let Self { question_id, content, submitted, .. } = self;
        fields.check(Some(Act::Code { question_id, language, content, submitted }))
    }
}

/// The interview, if it is a written one in which the caller takes part.
pub async fn written(state: &HttpState, caller: Caller, id: SessionId) -> Result<InterviewRow, ApiError> {
    let row = access::interview(state, caller, id, Right::TakePart).await?;
    if row.mode == Mode::Text {
        Ok(row)
    } else {
        Err(ApiError::Conflict("This is a voice interview; it is held in its room.".to_owned()))
    }
}

/// The same, once consent is given.
pub async fn ready(state: &HttpState, caller: Caller, id: SessionId) -> Result<InterviewRow, ApiError> {
    let row = written(state, caller, id).await?;
    if row.status.is_final() {
        return Err(Refused::Over.into());
    }
    if state.store.consent(id).await?.is_none() {
        return Err(ApiError::Forbidden("Consent to being recorded comes first.".to_owned()));
    }
    Ok(row)
}

async fn step(state: &Shared, row: &InterviewRow, reply_to: Option<u64>, act: Act) -> Result<StepView, ApiError> {
    let Stepped { said, closed, state: stands } = state.text.step(row.id, reply_to, act).await?;
    let (mut feedback, mut feedback_pending) = (Vec::new(), Vec::new());
    let give_up = tokio::time::Instant::now() + FEEDBACK_WAIT;
    for key in told_of(row, closed) {
        // The request may be given up; the feedback is made and kept all the same.
        let making = state.tasks.spawn(feedback_on(state.clone(), row.clone(), key.clone()));
        match tokio::time::timeout_at(give_up, making).await {
            Ok(Ok(Some(made))) => feedback.push(made),
            Ok(Ok(None) | Err(_)) => {}
            Err(_) => feedback_pending.push(key),
        }
    }
    Ok(StepView { said, state: stands, feedback, feedback_pending })
}

/// Of these questions, those on which the candidate is told at once: in an official interview none.
pub fn told_of(row: &InterviewRow, closed: Vec<String>) -> Vec<String> {
    match row.purpose {
        Purpose::Practice => closed,
        Purpose::Official => Vec::new(),
    }
}

/// Scores a question that is over, and keeps it. `None` if that fails: the report scores it again.
pub async fn feedback_on(state: Shared, row: InterviewRow, key: String) -> Option<Feedback> {
    match assess_question(&state.store, &state.scoring, row.id, &key).await {
        Ok(response) => feedback(&row, response),
        Err(error) => {
            tracing::warn!(session = %row.id, %error, "an answer was not scored at once");
            None
        }
    }
}

fn feedback(row: &InterviewRow, response: ResponseRow) -> Option<Feedback> {
    let plan: Plan = serde_json::from_value(row.plan.clone()).ok()?;
    let Question { prompt, reference_answer, .. } = plan.question(&response.question_key)?.clone();
    Some(Feedback {
        question_id: response.question_key,
        question: prompt,
        answer: response.answer,
        outcome: response.outcome,
        state: response.state,
        level: response.level,
        score: response.score,
        comment: response.comment,
        key_points: response.key_points,
        reference_answer,
    })
}

/// Where the interview stands, for whoever comes (back).
pub async fn view(state: &HttpState, row: &InterviewRow) -> Result<TextView, ApiError> {
    let stands = state.text.state(row).await?;
    let lines = state.store.transcripts(row.id).await?.into_iter().map(|line| SaidView {
        role: line.role,
        text: line.content,
        kind: line.line_kind,
        question_id: line.question_key,
    });
    let feedback = match row.purpose {
        Purpose::Practice => state.store.responses(row.id).await?.into_iter(),
        Purpose::Official => Vec::new().into_iter(),
    };
    // The report scores every question of the plan; what was never asked has nothing to tell here.
    let feedback = feedback.filter(|response| response.outcome.is_some()).filter_map(|one| self::feedback(row, one));
    Ok(TextView { conversation: lines.collect(), feedback: feedback.collect(), state: stands })
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Over => Self::Gone("This interview is over.".to_owned()),
            Refused::NotBegun
            | Refused::Begun
            | Refused::Paused
            | Refused::NotPaused
            | Refused::Outdated
            | Refused::OtherQuestion
            | Refused::TooManyVersions => Self::Conflict(refused.to_string()),
        }
    }
}

impl From<StepError> for ApiError {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Refused(refused) => refused.into(),
            StepError::Busy => {
                Self::Unavailable("The step before this one is not done yet. Try again in ten seconds.".to_owned())
            }
            StepError::Plan => Self::Unavailable("This interview's plan cannot be read.".to_owned()),
            StepError::Store(StoreError::Conflict { .. }) => Refused::Outdated.into(),
            StepError::Store(error) => error.into(),
        }
    }
}
