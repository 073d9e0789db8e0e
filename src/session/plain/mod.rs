//! A plain conversation: a caller talks, a model answers, nothing is planned, asked or scored. It shares the rooms, the
//! parts, the event log and the fence with interviews, and is for trials, benchmarks and clients that others wrote. Must
//! never say a word before what it answers is durable, nor keep sound that could already be sent.
//!
//! One task holds it all (`actor`); `floor` (pure) says who may speak, `ears` hears, `reply` makes one reply in a task of
//! its own, `record` writes down.

mod actor;
mod ears;
pub mod floor;
mod history;
mod record;
mod reply;
mod speech;

use super::journal::Record;
use super::{CONTROL_MAX, Outcome, Parts, SessionHandle, nobody_yet, utterances};
use crate::clock::Clock;
use crate::id::SessionId;
use crate::room::{RoomPort, SampleClock};
use crate::stt::SttOptions;
use floor::FloorSettings;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// How it is conducted.
#[derive(Clone, Debug, Serialize)]
pub struct PlainSettings {
    /// What the model is told first.
    pub system_prompt: String,
    /// What the bot says when the caller is there; empty: it waits.
    pub greeting: String,
    /// What the bot says where no model answers; empty: it is only shown.
    pub apology: String,
    /// The turn model's word is waited for so long; then the stated silence decides.
    pub judgement: Duration,
    pub floor: FloorSettings,
    /// Longest reply, tokens.
    pub tokens_max: u32,
    /// 0 means greedy.
    pub temperature: f32,
    /// Messages of the conversation that the model sees, the latest.
    pub history_messages_max: usize,
    /// Silence of both sides after which it ends.
    pub idle: Duration,
    /// Longest conversation.
    pub whole: Duration,
}

/// Everything that one starts with.
pub struct PlainSetup {
    pub id: SessionId,
    pub clock: Clock,
    pub samples: SampleClock,
    pub room: RoomPort,
    pub parts: Parts,
    pub settings: PlainSettings,
    /// How the caller's voice is cut; its silence is the stated one.
    pub ears: utterances::Settings,
    pub stt: SttOptions,
    pub record: Arc<dyn Record>,
    pub first_seq: i64,
    pub cancel: CancellationToken,
}

/// Why there can be none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PlainError {
    #[error("a plain conversation needs a language model")]
    NoModel,
}

/// Makes a conversation: its handle, and the future that runs it to its end. As with interviews, the caller spawns and
/// tracks the future and finalises the session with its outcome.
///
/// # Errors
/// [`PlainError::NoModel`].
pub fn open(setup: PlainSetup) -> Result<(SessionHandle, impl Future<Output = Outcome> + Send), PlainError> {
    let llm = setup.parts.llm.clone().ok_or(PlainError::NoModel)?;
    let (control_tx, control_rx) = mpsc::channel(CONTROL_MAX);
    let (view_tx, view_rx) = watch::channel(nobody_yet());
    let handle = SessionHandle { id: setup.id, control: control_tx, view: view_rx };
    Ok((handle, actor::run(setup, llm, control_rx, view_tx)))
}
