//! Written interviews: the same core, log and record as spoken ones, without a room. Between two steps nobody holds the
//! interview: a step takes its lease, reads the log, tells the core what the candidate did, and writes everything in one
//! transaction before it is acknowledged. So any server takes any step, and who leaves comes back to where the log stands.
//! Must never acknowledge what is not stored, nor take two answers to the same line.

mod step;

use crate::clock::Clock;
use crate::id::{NodeId, SessionId};
use crate::interview::{EndReason, LineKind, Phase, Plan, Settings, Wish};
use crate::room::{QuestionView, StateView};
use crate::store::{Finalised, InterviewRow, Lease, NewEvent, Store, StoreError};
use serde::Serialize;
use std::time::Duration;
use step::{Desk, Moment};

/// A step takes milliseconds; whose server dies within one waits so long for the next.
const LEASE: Duration = Duration::from_secs(9);
/// How long a step waits for the one before it, and how often it looks.
const TURN_WAIT_MAX: Duration = Duration::from_secs(2);
const TURN_LOOK: Duration = Duration::from_millis(40);

/// What a candidate does.
#[derive(Clone, PartialEq, Debug)]
pub enum Act {
    Begin,
    Answer {
        text: String,
    },
    Wish(Wish),
    /// The code as it stands.
    Code {
        question_id: String,
        language: String,
        content: String,
        submitted: bool,
    },
    End(EndReason),
}

/// A line of the interviewer's.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = TextLine)]
pub struct Line {
    /// Lines are counted from 1; what the candidate does names the last one.
    pub number: u64,
    #[schema(value_type = String, example = "question")]
    pub kind: LineKind,
    #[schema(example = "What does idempotent mean?")]
    pub text: String,
    pub question_id: Option<String>,
    /// Whether it is the candidate's turn after it.
    pub expects_answer: bool,
}

/// Where a written interview stands.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = TextState)]
pub struct State {
    /// `connecting` (not begun), `asking`, `paused` or `ended`.
    #[schema(value_type = String, example = "asking")]
    pub phase: Phase,
    /// The number of the interviewer's last line: `reply_to` of what the candidate does next.
    pub last_line: u64,
    /// The question in hand, or its follow-up.
    pub question: Option<QuestionView>,
    pub elapsed_ms: u64,
    /// Until no further question is begun.
    pub remaining_ms: u64,
    pub paused: bool,
    /// Why it ended.
    #[schema(value_type = Option<String>, example = "completed")]
    pub ended: Option<EndReason>,
}

impl From<State> for StateView {
    fn from(state: State) -> Self {
        let phase = serde_json::to_value(state.phase).ok().and_then(|word| word.as_str().map(str::to_owned));
        Self {
            phase: phase.unwrap_or_default(),
            question: state.question,
            elapsed_ms: state.elapsed_ms,
            remaining_ms: state.remaining_ms,
            paused: state.paused,
        }
    }
}

/// What came of a step. It is stored.
#[derive(Clone, PartialEq, Debug)]
pub struct Stepped {
    /// What the interviewer says to it.
    pub said: Vec<Line>,
    /// Questions that it closed.
    pub closed: Vec<String>,
    pub state: State,
}

/// Why a step is not taken. Nothing was changed by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    #[error("The interview has not begun.")]
    NotBegun,
    #[error("The interview has begun already.")]
    Begun,
    #[error("The interview is over.")]
    Over,
    #[error("The interview is paused; resume it first.")]
    Paused,
    #[error("The interview is not paused.")]
    NotPaused,
    #[error(
        "This was answered already, or the interviewer has said something since. Look at where the interview stands."
    )]
    Outdated,
    #[error("The question in hand is another one, or takes no code.")]
    OtherQuestion,
    #[error("No more versions of the code are kept.")]
    TooManyVersions,
}

/// Why a step was not taken, or is not known to be.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Another step of this interview takes long, or its server died a moment ago.
    #[error("another step is under way")]
    Busy,
    #[error("the interview's plan cannot be read")]
    Plan,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Conducts written interviews.
#[derive(Clone, Debug)]
pub struct TextInterviews {
    store: Store,
    clock: Clock,
    node: NodeId,
    settings: Settings,
}

impl TextInterviews {
    /// Those of one server; `settings` are the conduct's, of which those that only speech needs are set aside.
    #[must_use]
    pub fn new(store: Store, clock: Clock, settings: &Settings) -> Self {
        let settings = Settings {
            word_probes: false,
            word_turns: false,
            written: true,
            // Nothing is said while the candidate reaches for a button, and what is being written is not cut off: when the
            // time is over, no further question is begun.
            skip_grace_ms: 0,
            time_up_grace_ms: WITHOUT_END_MS,
            code_grace_ms: WITHOUT_END_MS,
            pause_ms_max: WITHOUT_END_MS,
            ..settings.clone()
        };
        Self { store, clock, node: NodeId::create(), settings }
    }

    /// Takes a step. `reply_to` is the number of the line that it replies to; `None` where it does not matter.
    ///
    /// # Errors
    /// [`StepError::Refused`] with the reason where the interview's state stands against it; others as they say. After
    /// [`StoreError::Unavailable`] it is not known whether the step was taken: its state tells.
    pub async fn step(&self, id: SessionId, reply_to: Option<u64>, act: Act) -> Result<Stepped, StepError> {
        let lease = self.claim(id).await?;
        let stepped = self.step_under(&lease, reply_to, act).await;
        // After the last step there is no lease any more, and this does nothing.
        if let Err(error) = self.store.release(&lease).await {
            tracing::warn!(session = %id, %error, "the lease was not given back; it runs out by itself");
        }
        stepped
    }

    /// Where the interview stands.
    ///
    /// # Errors
    /// [`StepError::Plan`], [`StepError::Store`].
    pub async fn state(&self, row: &InterviewRow) -> Result<State, StepError> {
        let (desk, used_ms) = self.open(row).await?;
        let state = desk.state();
        let ended = row.end_reason.filter(|_| row.status.is_final()).or(state.ended);
        let elapsed_ms = if ended.is_some() { used_ms } else { state.elapsed_ms };
        let phase = if ended.is_some() { Phase::Ended } else { state.phase };
        let question = state.question.filter(|_| ended.is_none());
        Ok(State { phase, question, elapsed_ms, ended, ..state })
    }

    /// Waits for the step before, if one is under way.
    async fn claim(&self, id: SessionId) -> Result<Lease, StepError> {
        let give_up = tokio::time::Instant::now() + TURN_WAIT_MAX;
        loop {
            if let Some(lease) = self.store.claim(id, self.node, LEASE).await? {
                return Ok(lease);
            }
            if self.store.interview(id).await?.status.is_final() {
                return Err(Refused::Over.into());
            }
            if tokio::time::Instant::now() >= give_up {
                return Err(StepError::Busy);
            }
            tokio::time::sleep(TURN_LOOK).await;
        }
    }

    async fn step_under(&self, lease: &Lease, reply_to: Option<u64>, act: Act) -> Result<Stepped, StepError> {
        let row = self.store.interview(lease.session).await?;
        let (mut desk, _) = self.open(&row).await?;
        if let Some(reason) = desk.state().ended {
            // It was decided, and the server died before it was told.
            self.finalise(lease, reason, Vec::new(), &mut desk).await?;
            return Err(Refused::Over.into());
        }
        desk.take(reply_to, act)?;
        let at = self.clock.now();
        let events: Vec<NewEvent> = std::mem::take(&mut desk.entries)
            .into_iter()
            .map(|(event, at_ms)| {
                let (kind, payload) = event.to_row(at_ms);
                NewEvent { kind: kind.into(), at, payload }
            })
            .collect();
        match desk.finished {
            Some(reason) => {
                self.finalise(lease, reason, events, &mut desk).await?;
                tracing::info!(session = %lease.session, ?reason, "the written interview is over");
            }
            None => {
                self.store.append_at(lease, lease.first_seq, &events, &desk.rows).await?;
            }
        }
        let state = desk.state();
        Ok(Stepped { said: desk.said, closed: desk.closed, state })
    }

    async fn finalise(
        &self,
        lease: &Lease,
        reason: EndReason,
        events: Vec<NewEvent>,
        desk: &mut Desk,
    ) -> Result<(), StoreError> {
        let end = Finalised {
            status: super::status_after(reason),
            end_reason: reason,
            at: self.clock.now(),
            first_seq: lease.first_seq,
            events,
            projections: std::mem::take(&mut desk.rows),
        };
        self.store.finalise(lease, &end).await
    }

    /// The interview as its log left it, and the time that it had used by then, ms.
    async fn open(&self, row: &InterviewRow) -> Result<(Desk, u64), StepError> {
        let plan: Plan = serde_json::from_value(row.plan.clone()).map_err(|error| {
            tracing::error!(session = %row.id, %error, "a plan cannot be read");
            StepError::Plan
        })?;
        let restored = super::restored(&self.store, row.id).await?;
        let used_ms = restored.as_ref().map_or(0, |restored| restored.facts.elapsed_ms);
        let at = self.clock.now();
        let since = row.start_time.map_or(0, |start| (at - start).num_milliseconds());
        let moment = Moment { now: super::now(), at, at_ms: u64::try_from(since).unwrap_or(0) };
        Ok((Desk::open(row.id, plan, self.settings.clone(), restored, moment), used_ms))
    }
}

/// Longer than any interview is open, ms (a hundred days).
const WITHOUT_END_MS: u64 = 100 * 24 * 3_600_000;
