//! One interview in progress. An actor owns all of its state; everybody else holds a [`SessionHandle`]. The actor feeds
//! what happens to the pure cores (`turn`, `interview`), carries out their commands, and writes everything to the event
//! log before it sounds. Must never know a concrete provider, hold a lock around the conversation, or wait for the
//! database on the path of a frame.

mod actor;
pub mod booking;
mod closing;
pub mod drafting;
pub mod ears;
mod echo;
pub mod event;
pub mod gaps;
mod hearing;
pub mod journal;
mod mouth;
pub mod plain;
mod reading;
mod record;
pub mod replay;
pub mod restore;
mod saying;
mod signals;
pub mod text;
pub mod utterances;
mod wording;

use crate::audio::frame::WordTiming;
use crate::clock::Clock;
use crate::cloud::meter::Meter;
use crate::id::{SessionId, SpeechId};
use crate::interview::{EndReason, Interview};
use crate::llm::LanguageModel;
use crate::room::{RoomPort, SampleClock, StateView};
use crate::store::SessionStatus;
use crate::stt::{SpeechToText, SttOptions};
use crate::tts::{TextToSpeech, TtsError};
use crate::turn::TurnTaking;
use crate::vad::{TurnModel, VoiceActivity};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use actor::{Outcome, now};
pub use reading::restored;

/// Results of the session's own tasks that may wait for its loop.
const WORK_MAX: usize = 64;
/// Requests from handles that may wait for the loop.
const CONTROL_MAX: usize = 16;

/// The models that take part, chosen in `app`.
#[derive(Clone)]
pub struct Parts {
    pub voice_activity: Arc<dyn VoiceActivity>,
    pub turn_model: Option<Arc<dyn TurnModel>>,
    pub stt: Arc<dyn SpeechToText>,
    pub tts: Arc<dyn TextToSpeech>,
    pub llm: Option<Arc<dyn LanguageModel>>,
    /// Counts what they do.
    pub meter: Meter,
}

impl Parts {
    /// The same for one interview, with a meter of its own.
    #[must_use]
    pub fn for_interview(&self) -> Self {
        let meter = self.meter.ledger().meter();
        Self {
            stt: self.stt.metered(&meter).unwrap_or_else(|| self.stt.clone()),
            tts: self.tts.metered(&meter).unwrap_or_else(|| self.tts.clone()),
            llm: self.llm.as_ref().map(|llm| llm.metered(&meter).unwrap_or_else(|| llm.clone())),
            meter,
            ..self.clone()
        }
    }
}

/// Everything that one session starts with.
pub struct Setup {
    pub id: SessionId,
    pub clock: Clock,
    pub samples: SampleClock,
    pub room: RoomPort,
    pub parts: Parts,
    pub turn: TurnTaking,
    /// What `turn` decides by, for the log.
    pub floor: crate::turn::Settings,
    pub interview: Interview,
    pub ears: utterances::Settings,
    pub stt: SttOptions,
    pub record: Arc<dyn journal::Record>,
    /// Number of the first event under this lease.
    pub first_seq: i64,
    pub recording: Option<crate::audio::recording::RecorderHandle>,
    /// The recording's row, stored with the first event so that what is recorded is found whatever happens.
    pub recorded: Option<crate::store::RecordingRow>,
    pub resumed: Option<Resumed>,
    pub cancel: CancellationToken,
}

/// Where another owner left the session, read from its log.
#[derive(Clone, Debug, Default)]
pub struct Resumed {
    pub last_seq: i64,
    pub next_utterance: u64,
    pub next_speech: u64,
    pub code_version: u32,
    /// Words of the open turn that were shown as final and not yet part of an answer.
    pub utterances: Vec<event::Utterance>,
}

impl Resumed {
    /// Numbers that were given are not given again. Typed texts count on their own.
    fn count(&mut self, utterance: crate::id::UtteranceId) {
        if utterance.0 < hearing::TYPED_FROM {
            self.next_utterance = self.next_utterance.max(utterance.0 + 1);
        }
    }
}

/// What a session's own tasks bring back to its loop.
#[derive(Debug)]
pub(crate) enum Work {
    /// More of a sentence's sound.
    Piece {
        speech: SpeechId,
        text: Arc<str>,
        pcm: Arc<[i16]>,
        words: Vec<WordTiming>,
    },
    /// A sentence is made, or could not be; `last` of its speech.
    Sentence {
        speech: SpeechId,
        ended: Result<(), TtsError>,
        last: bool,
    },
    Worded(wording::Worded),
    Journal(journal::JournalReport),
}

/// What handles may ask.
#[derive(Debug)]
enum Control {
    End(EndReason),
    /// The lease is lost.
    Fence,
}

/// The only door to a session in progress; cheap to clone.
#[derive(Clone, Debug)]
pub struct SessionHandle {
    id: SessionId,
    control: mpsc::Sender<Control>,
    view: watch::Receiver<StateView>,
}

impl SessionHandle {
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// Asks the session to end kindly. False if it is over already.
    pub async fn end(&self, reason: EndReason) -> bool {
        self.control.send(Control::End(reason)).await.is_ok()
    }

    /// Tells the session that its lease is lost: it must not write any more.
    pub fn fence(&self) {
        let _ = self.control.try_send(Control::Fence);
    }

    /// Where the interview stands.
    #[must_use]
    pub fn view(&self) -> StateView {
        self.view.borrow().clone()
    }
}

/// Makes a session: its handle, and the future that runs it to its end. The caller spawns and tracks the future, and
/// finalises the session with its outcome.
pub fn open(setup: Setup) -> (SessionHandle, impl Future<Output = Outcome> + Send) {
    let (control_tx, control_rx) = mpsc::channel(CONTROL_MAX);
    let (view_tx, view_rx) = watch::channel(nobody_yet());
    let handle = SessionHandle { id: setup.id, control: control_tx, view: view_rx };
    let tasks = TaskTracker::new();
    (handle, actor::run(setup, control_rx, view_tx, tasks))
}

/// The status that an end leaves.
#[must_use]
pub fn status_after(reason: EndReason) -> SessionStatus {
    match reason {
        EndReason::Completed | EndReason::CandidateEnded | EndReason::TimeUp => SessionStatus::Completed,
        EndReason::Idle | EndReason::Left => SessionStatus::Abandoned,
        EndReason::Cancelled => SessionStatus::Cancelled,
        EndReason::Shutdown | EndReason::Failed => SessionStatus::Failed,
    }
}

/// Where a session stands before anybody has come.
fn nobody_yet() -> StateView {
    StateView { phase: "connecting".into(), question: None, elapsed_ms: 0, remaining_ms: 0, paused: false }
}
