//! Where the candidate is. A room is a pair of channels: commands in, events out; browser WebRTC, Daily, WebSocket and
//! the scripted room of the tests look alike from here on. A room paces its own output by the clock (20 ms, never
//! ahead) and must never decide what is said or when somebody may speak.

pub mod client;
pub mod daily;
mod drift;
pub mod scripted;
pub mod webrtc;
pub mod websocket;

use crate::audio::frame::{EarFrame, SamplePos, VOICE_FRAME_SAMPLES};
use crate::id::SpeechId;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc;

/// Commands that may wait for a room (speech comes in clips of a sentence, messages are small).
pub const ROOM_COMMANDS_MAX: usize = 256;
/// Events that may wait for the session: 5 s of frames both ways; past that the oldest audio is dropped and counted.
pub const ROOM_EVENTS_MAX: usize = 512;

/// What a session holds of its room.
#[derive(Debug)]
pub struct RoomPort {
    pub commands: mpsc::Sender<RoomCommand>,
    pub events: mpsc::Receiver<RoomEvent>,
}

/// What a room holds of its session.
#[derive(Debug)]
pub struct SessionPort {
    pub commands: mpsc::Receiver<RoomCommand>,
    pub events: mpsc::Sender<RoomEvent>,
}

/// The two ends of a room's channels.
#[must_use]
pub fn port_pair() -> (RoomPort, SessionPort) {
    let (command_tx, command_rx) = mpsc::channel(ROOM_COMMANDS_MAX);
    let (event_tx, event_rx) = mpsc::channel(ROOM_EVENTS_MAX);
    (RoomPort { commands: command_tx, events: event_rx }, SessionPort { commands: command_rx, events: event_tx })
}

/// The session's sample clock: an origin on the monotonic clock and the position that it stands for.
#[derive(Clone, Copy, Debug)]
pub struct SampleClock {
    pub origin: Instant,
    pub origin_at: SamplePos,
}

impl SampleClock {
    /// The position at `now` (positions before the origin are the origin).
    #[must_use]
    pub fn at(&self, now: Instant) -> SamplePos {
        let elapsed = now.saturating_duration_since(self.origin);
        let samples = elapsed.as_micros() * u128::from(crate::audio::frame::EAR_RATE_HZ) / 1_000_000;
        self.origin_at.plus(u64::try_from(samples).unwrap_or(u64::MAX / 2))
    }
}

/// What a session asks of its room.
#[derive(Debug)]
pub enum RoomCommand {
    /// Queue audio of `speech` (24 kHz) behind what is queued. A speech's first chunk starts it.
    Play { speech: SpeechId, pcm: Arc<[i16]> },
    /// No more audio will come for `speech`: report `SpeechDone` when the last sample was sent.
    EndOfSpeech { speech: SpeechId },
    /// Hold `speech` where it is (a possible interruption); nothing more of it is sent until `Resume`.
    Hold { speech: SpeechId },
    /// Go on with a held speech where it was.
    Resume { speech: SpeechId },
    /// Drop whatever of `speech` was not sent; at most one more frame (a fade) leaves. Answered by `SpeechStopped`.
    Stop { speech: SpeechId },
    /// Send a message to the candidate's screen.
    Show(ServerMessage),
    /// Say goodbye to the transport and end. The room answers with `Closed`.
    Close,
}

/// What a room tells its session.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly every event is a frame, which would only be allocated twice")]
pub enum RoomEvent {
    /// The candidate's media is connected (again).
    Connected,
    /// The candidate's media is interrupted; the room waits for a reconnect.
    Interrupted,
    /// 20 ms of the candidate's voice. Positions are contiguous while connected (gaps are filled by the room).
    Heard(EarFrame),
    /// So many samples of the candidate's voice from `at` on were lost on the way; what was told of that stretch was made
    /// up.
    AudioLost { at: SamplePos, samples: u64 },
    /// One frame of `speech` was handed to the transport at `at`. `offset_samples` counts the speech's samples
    /// (24 kHz) sent before this frame.
    Sent { speech: SpeechId, at: SamplePos, offset_samples: u64, pcm: Arc<[i16; VOICE_FRAME_SAMPLES]> },
    /// The last sample of `speech` was sent.
    SpeechDone { speech: SpeechId, sent_samples: u64 },
    /// `speech` was stopped; `sent_samples` (24 kHz) of it had been sent.
    SpeechStopped { speech: SpeechId, sent_samples: u64 },
    /// Something from the candidate's screen.
    Signal(ClientSignal),
    /// The room is over: nothing more comes.
    Closed { reason: ClosedReason },
}

/// 20 ms of somebody who only listens, as a rule.
#[derive(Clone, Debug)]
pub struct Overheard {
    /// As the room knows them, and the same when they come again.
    pub user: String,
    pub frame: EarFrame,
}

/// Why a room ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClosedReason {
    /// The session asked for it.
    Asked,
    /// The candidate left (DELETE, page closed).
    Left,
    /// The transport failed and no reconnect came within the limit.
    Lost,
    /// Another connection of the same interview took its place.
    TakenOver,
}

/// What the candidate does with hands: buttons, text, code. From outside, so already bounded by the room.
#[derive(Clone, PartialEq, Debug)]
pub enum ClientSignal {
    /// The page is ready to receive messages (or has just reconnected): send it the whole state.
    Ready,
    Button(Button),
    /// A typed answer or phrase (at most [`TEXT_BYTES_MAX`]).
    Text(String),
    /// A key was pressed in the code pane (the page sends at most one a second).
    Typing,
    /// The code as it stands (at most [`CODE_BYTES_MAX`]); `submitted` by button.
    Code {
        question_id: String,
        language: String,
        content: String,
        submitted: bool,
        /// The id under which the page waits for [`ServerMessage::Stored`] or [`ServerMessage::NotStored`].
        message: Option<String>,
    },
    /// How much audio the client holds that was not yet played, ms.
    Playout {
        buffered_ms: u32,
    },
    /// The page came to the front or left it (advisory).
    Focus {
        visible: bool,
    },
}

/// Longest typed message, bytes (about 1,500 words).
pub const TEXT_BYTES_MAX: usize = 10_000;
/// Longest code artifact, bytes.
pub const CODE_BYTES_MAX: usize = 64 * 1024;

/// The buttons of the page.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Button {
    Done,
    Repeat,
    Rephrase,
    Slower,
    Moment,
    Skip,
    Pause,
    Resume,
    End,
}

/// What the candidate's screen is told. The room puts it into the transport's envelope (RTVI on a data channel).
#[derive(Clone, PartialEq, Debug)]
pub enum ServerMessage {
    /// Our voice detector: the candidate began / stopped.
    CandidateSpeaking(bool),
    /// Caption of the candidate; `is_final` false while it may still change.
    CandidateCaption {
        text: String,
        is_final: bool,
    },
    /// The interviewer's voice began / stopped.
    InterviewerSpeaking(bool),
    /// Caption of the interviewer, a sentence, as its playing begins (`spoken` false) and when it was spoken.
    InterviewerCaption {
        text: String,
        spoken: bool,
    },
    /// The interviewer was interrupted.
    InterviewerInterrupted,
    /// A model begins to write, writes more, has written all (plain conversations tell it as it comes).
    Writing(Writing),
    /// A sentence is being made into sound, and when none is any more.
    Voicing(Option<String>),
    /// Where the interview stands.
    State(Box<StateView>),
    /// The code that came under this id is durable.
    Stored {
        message: String,
    },
    /// The code that came under this id was not kept, and why.
    NotStored {
        message: String,
        why: &'static str,
    },
    Notice {
        level: NoticeLevel,
        text: String,
    },
    Ended {
        reason: String,
    },
}

/// How far a model's words are.
#[derive(Clone, PartialEq, Debug)]
pub enum Writing {
    Begins,
    More(String),
    Ends,
}

/// How urgent a notice is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeLevel {
    Info,
    Warning,
    Error,
}

/// What the page shows of the interview's state.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StateView {
    /// `connecting`, `greeting`, `asking`, `listening`, `thinking`, `speaking`, `paused`, `closing`, `ended`.
    pub phase: String,
    pub question: Option<QuestionView>,
    pub elapsed_ms: u64,
    pub remaining_ms: u64,
    pub paused: bool,
}

/// What the page shows of the question in hand.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct QuestionView {
    pub id: String,
    /// Its place in the plan, from 1.
    pub number: u32,
    /// Questions in the plan.
    pub of: u32,
    pub text: String,
    pub kind: String,
    pub time_box_s: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starter: Option<String>,
}

impl From<crate::interview::QuestionView> for QuestionView {
    /// What was asked last stands for the question.
    fn from(question: crate::interview::QuestionView) -> Self {
        Self {
            id: question.id,
            number: question.number,
            of: question.of,
            text: question.probe.unwrap_or(question.text),
            kind: question.kind.as_str().into(),
            time_box_s: question.time_box_s,
            code_language: question.code_language,
            starter: question.starter,
        }
    }
}
