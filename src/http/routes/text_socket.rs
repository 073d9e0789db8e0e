//! Written interviews over a WebSocket: the same steps as over REST, and the feedback piece by piece as it is made. Must
//! never tell of a step that is not stored.

use super::text::{AnswerBody, CodeBody, Feedback, TextView, WishBody, feedback_on, told_of, view, written};
use crate::http::error::{ApiError, FieldError};
use crate::http::extract::{self, Caller, CallerOfFile, Path};
use crate::http::state::Shared;
use crate::id::SessionId;
use crate::room::CODE_BYTES_MAX;
use crate::session::text::{Act, Line, Refused, State, StepError};
use crate::store::InterviewRow;
use axum::body::Bytes;
use axum::extract::State as Extract;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// Longest message that is taken, bytes: the longest code, written as JSON, and what is around it.
const MESSAGE_BYTES_MAX: usize = 2 * CODE_BYTES_MAX + 4_096;
/// A socket on which nobody says anything for so long is closed; the interview stands where it stood.
const QUIET_MAX: Duration = Duration::from_secs(30 * 60);
/// Proxies close a line that is silent; this keeps it open.
const PING_EVERY: Duration = Duration::from_secs(20);

/// What the page sends.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum FromPage {
    Begin,
    State,
    Answer(AnswerBody),
    Wish(WishBody),
    Code(CodeBody),
}

/// What the page is sent.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ToPage {
    /// Where the interview stands, when the line opens and whenever it is asked for.
    State(Box<TextView>),
    /// A step is stored: what the interviewer says to it.
    Step { said: Vec<Line>, state: Box<State> },
    /// The feedback on a question is being made.
    FeedbackBegun { question_id: String },
    /// One key point of it.
    FeedbackPoint { question_id: String, point: Value },
    /// All of it.
    Feedback { feedback: Box<Feedback> },
    /// It could not be made now; the report has it.
    FeedbackFailed { question_id: String },
    /// A message was not followed, and why.
    Problem { status: u16, title: &'static str, detail: String, errors: Vec<FieldError> },
}

/// Hold the interview over a WebSocket. Messages are JSON objects with `type`: `begin`, `state`, `answer` (`reply_to`,
/// `text`), `wish` (`reply_to`, `wish`), `code` (`question_id`, `language`, `content`, `submitted`); answered with `state`,
/// `step`, `feedback_begun`, `feedback_point`, `feedback`, `feedback_failed` and `problem`. The token may stand in the
/// address, as browsers send no header here.
#[utoipa::path(get, operation_id = "text_socket", path = "/interviews/{id}/text/socket", tag = "text",
    params(("id" = SessionId, Path), ("access_token" = Option<String>, Query, description = "The token, where no header can be sent.")),
    responses((status = 101, description = "The line is open.")))]
pub async fn open(
    Extract(state): Extract<Shared>,
    CallerOfFile(caller): CallerOfFile,
    Path(id): Path<SessionId>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let row = written(&state, caller, id).await?;
    let upgrade = upgrade.map_err(|_| ApiError::BadRequest("This address takes a WebSocket.".to_owned()))?;
    let retry_after_s = state.settings.limits.retry_after_s;
    let place = state.event_streams.clone().try_acquire_owned().map_err(|_| ApiError::Full { retry_after_s })?;
    let upgrade = upgrade.max_message_size(MESSAGE_BYTES_MAX).max_frame_size(MESSAGE_BYTES_MAX);
    Ok(upgrade.on_upgrade(move |socket| Talk { state, caller, row, socket, _place: place }.hold()))
}

/// One open line.
struct Talk {
    state: Shared,
    caller: Caller,
    row: InterviewRow,
    socket: WebSocket,
    _place: OwnedSemaphorePermit,
}

impl Talk {
    async fn hold(mut self) {
        let stopping = self.state.stopping.clone();
        // A line that breaks leaves the interview where its log is.
        let _ = stopping.run_until_cancelled(self.talk()).await;
        let _ = self.socket.send(Message::Close(None)).await;
    }

    async fn talk(&mut self) -> Option<()> {
        self.show().await?;
        let mut quiet = Duration::ZERO;
        while quiet < QUIET_MAX {
            let message = match tokio::time::timeout(PING_EVERY, self.socket.recv()).await {
                Ok(message) => message?.ok()?,
                Err(_) => {
                    quiet += PING_EVERY;
                    self.socket.send(Message::Ping(Bytes::new())).await.ok()?;
                    continue;
                }
            };
            match message {
                Message::Text(text) => {
                    quiet = Duration::ZERO;
                    self.follow(&text).await?;
                }
                Message::Binary(_) => self.refuse(ApiError::BadRequest("Messages are text.".to_owned())).await?,
                Message::Ping(_) | Message::Pong(_) => {}
                Message::Close(_) => return None,
            }
        }
        Some(())
    }

    /// Does what a message says; `None` once the line is broken.
    async fn follow(&mut self, text: &str) -> Option<()> {
        let message = match serde_json::from_str::<FromPage>(text) {
            Ok(message) => message,
            Err(error) if error.is_data() => {
                return self
                    .refuse(ApiError::field("message", format!("The message cannot be followed: {error}.")))
                    .await;
            }
            Err(_) => return self.refuse(ApiError::BadRequest("The message is not JSON.".to_owned())).await,
        };
        let (reply_to, act) = match message {
            FromPage::State => return self.show().await,
            FromPage::Begin => (None, Ok(Act::Begin)),
            FromPage::Answer(body) => (Some(body.reply_to), body.act()),
            FromPage::Wish(body) => (Some(body.reply_to), Ok(Act::Wish(body.wish.into()))),
            FromPage::Code(body) => (None, body.act()),
        };
        match act {
            Ok(act) => self.step(reply_to, act).await,
            Err(error) => self.refuse(error).await,
        }
    }

    /// Whether the caller still takes part: the account may have been shut since the line was opened. (`mut`: a socket is
    /// not shared between threads.)
    async fn is_seated(&mut self) -> Result<(), ApiError> {
        let caller = extract::as_now(&self.state, self.caller).await?;
        written(&self.state, caller, self.row.id).await.map(|_| ())
    }

    async fn step(&mut self, reply_to: Option<u64>, act: Act) -> Option<()> {
        if let Err(error) = self.is_seated().await {
            return self.refuse(error).await;
        }
        match self.state.store.consent(self.row.id).await {
            Ok(Some(_)) => {}
            Ok(None) => {
                let detail = "Consent to being recorded comes first.".to_owned();
                return self.refuse(ApiError::Forbidden(detail)).await;
            }
            Err(error) => return self.refuse(error.into()).await,
        }
        let stepped = match self.state.text.step(self.row.id, reply_to, act).await {
            Ok(stepped) => stepped,
            Err(StepError::Refused(Refused::Begun)) => return self.show().await,
            Err(error) => return self.refuse(error.into()).await,
        };
        self.send(&ToPage::Step { said: stepped.said, state: Box::new(stepped.state) }).await?;
        for key in told_of(&self.row, stepped.closed) {
            self.feed_back(key).await?;
        }
        Some(())
    }

    /// Tells what an answer was worth, as soon as it is known.
    async fn feed_back(&mut self, question_id: String) -> Option<()> {
        self.send(&ToPage::FeedbackBegun { question_id: question_id.clone() }).await?;
        let making = self.state.tasks.spawn(feedback_on(self.state.clone(), self.row.clone(), question_id.clone()));
        let Some(feedback) = making.await.ok().flatten() else {
            return self.send(&ToPage::FeedbackFailed { question_id }).await;
        };
        for point in feedback.key_points.as_array().into_iter().flatten() {
            let (question_id, point) = (question_id.clone(), point.clone());
            self.send(&ToPage::FeedbackPoint { question_id, point }).await?;
        }
        self.send(&ToPage::Feedback { feedback: Box::new(feedback) }).await
    }

    async fn show(&mut self) -> Option<()> {
        let shown = match self.state.store.interview(self.row.id).await {
            Ok(row) => {
                self.row = row;
                view(&self.state, &self.row).await
            }
            Err(error) => Err(error.into()),
        };
        match shown {
            Ok(shown) => self.send(&ToPage::State(Box::new(shown))).await,
            Err(error) => self.refuse(error).await,
        }
    }

    async fn refuse(&mut self, error: ApiError) -> Option<()> {
        let (status, title, detail, errors) = error.told();
        self.send(&ToPage::Problem { status, title, detail, errors }).await
    }

    async fn send(&mut self, message: &ToPage) -> Option<()> {
        let text = serde_json::to_string(message).ok()?;
        self.socket.send(Message::Text(text.into())).await.ok()
    }
}
