//! The stage of a conversation: a session with scripted parts, the candidate's deeds as methods, and a timeline of all
//! that the room was told. Must never look into the session: what it knows, a room or the record knows.

use super::echo::Echo;
use super::over::Over;
use super::parts::{Detector, Ears, Speaker, locked, plan, with_code};
use super::record::{Notebook, Written};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use vivavoce::audio::frame::SamplePos;
use vivavoce::clock::Clock;
use vivavoce::id::{SessionId, SpeechId, TurnId};
use vivavoce::interview::{self, Interview};
use vivavoce::llm::LanguageModel;
use vivavoce::llm::scripted::ScriptedLlm;
use vivavoce::room::scripted::{Deed, ScriptedCandidate, ScriptedRoom};
use vivavoce::room::{
    Button, ClientSignal, ClosedReason, NoticeLevel, RoomCommand, RoomEvent, RoomPort, SampleClock, ServerMessage,
    SessionPort, port_pair,
};
use vivavoce::session::{self, Outcome, Parts, SessionHandle, Setup, restore, utterances};
use vivavoce::stt::chain::{SttChain, SttDeadlines, SttLink};
use vivavoce::stt::{SpeechToText, SttOptions};
use vivavoce::turn::{self, TurnTaking};
use vivavoce::vad::scripted::ScriptedTurn;

/// Longest wait for something to happen, ms of the test's clock.
const WAIT_MS_MAX: u64 = 300_000;
/// How often a waiting candidate looks.
const LOOK: Duration = Duration::from_millis(10);

/// What was told to or by the room, with the position on the session's clock.
#[derive(Clone, Debug)]
pub struct Note {
    pub ms: u64,
    pub what: String,
}

type Notes = Arc<Mutex<Vec<Note>>>;

/// A conversation before it begins.
pub struct Scene {
    pub turn: turn::Settings,
    pub interview: interview::Settings,
    pub llm: Option<ScriptedLlm>,
    pub completion: f32,
    /// In place of a turn model that always answers `completion`.
    pub turn_model: Option<ScriptedTurn>,
    pub detector: Detector,
    pub saving_ms: u64,
    pub speaker: Speaker,
    /// Whether better ears stand before the usual ones.
    pub chained: bool,
    /// The log that another owner left.
    pub left: Vec<Written>,
    /// The second question is one of code.
    pub code: bool,
    /// The interviewer's voice comes back so late, ms, and so loud.
    pub echo: Option<(u64, f32)>,
}

impl Default for Scene {
    fn default() -> Self {
        Self {
            turn: turn::Settings::default(),
            interview: interview::Settings::default(),
            llm: None,
            completion: 0.95,
            turn_model: None,
            detector: Detector::default(),
            saving_ms: 5,
            speaker: Speaker::default(),
            chained: false,
            left: Vec::new(),
            code: false,
            echo: None,
        }
    }
}

/// A conversation under way.
pub struct Talk {
    pub notebook: Notebook,
    pub ears: Ears,
    /// Those that are asked first, where there are two.
    pub first_ears: Ears,
    pub handle: SessionHandle,
    samples: SampleClock,
    candidate: ScriptedCandidate,
    notes: Notes,
    /// Notes before this were waited for already.
    seen: usize,
    session: JoinHandle<Outcome>,
    cancel: CancellationToken,
    left: usize,
}

impl Scene {
    /// The candidate connects.
    pub fn opens(self) -> Talk {
        let restored = (!self.left.is_empty())
            .then(|| restore::restore(self.left.iter().map(|row| (row.seq, row.kind.as_str(), &row.payload))));
        let at_ms = restored.as_ref().map_or(0, |restored| restored.last_at_ms + 5_000);
        let (room_port, tap_session) = port_pair();
        let (tap_room, session_port) = port_pair();
        let (room, candidate) = ScriptedRoom::new(session_port, SamplePos::from_ms(at_ms));
        let samples = room.clock();
        let first_seq = self.left.last().map_or(1, |row| row.seq + 1);
        let left = self.left.len();
        let turn_model =
            self.turn_model.unwrap_or_else(|| ScriptedTurn::always(self.completion, Duration::from_millis(60)));
        let notebook = Notebook::with(samples, self.left);
        notebook.takes_ms(self.saving_ms);
        let ears = Ears::new();
        let first_ears = ears.others();
        let stt: Arc<dyn SpeechToText> = if self.chained {
            let link = |ears: &Ears| SttLink { stt: Arc::new(ears.clone()), breaker: Arc::default() };
            let waits = crate::cloud::waits();
            let deadlines = SttDeadlines { words: waits.0, last_words: waits.1 };
            Arc::new(SttChain::new(vec![link(&first_ears), link(&ears)], deadlines))
        } else {
            Arc::new(ears.clone())
        };
        let notes = Notes::default();
        let cancel = CancellationToken::new();
        let turn = TurnTaking::new(self.turn.clone());
        let plan = if self.code { with_code(plan()) } else { plan() };
        let (turn, interview) = match &restored {
            Some(restored) => (
                turn.starting_at(TurnId(restored.next_turn.max(1))),
                Interview::restore(plan, self.interview, restored.facts.clone(), restored.code.clone()),
            ),
            None => (turn, Interview::new(plan, self.interview)),
        };
        let (handle, run) = session::open(Setup {
            id: SessionId::create(),
            clock: Clock::system(),
            samples,
            room: room_port,
            parts: Parts {
                meter: vivavoce::cloud::meter::Ledger::free().meter(),
                voice_activity: Arc::new(self.detector),
                turn_model: Some(Arc::new(turn_model)),
                stt,
                tts: Arc::new(self.speaker),
                llm: self.llm.map(|llm| Arc::new(llm) as Arc<dyn LanguageModel>),
            },
            turn,
            floor: self.turn,
            interview,
            ears: utterances::Settings::default(),
            stt: SttOptions::default(),
            record: Arc::new(notebook.clone()),
            first_seq,
            recording: None,
            recorded: None,
            resumed: restored.map(|restored| restored.resumed),
            cancel: cancel.clone(),
        });
        tokio::spawn(room.run());
        tokio::spawn(tap(tap_session, tap_room, samples, notes.clone(), self.echo.map(Echo::new)));
        let session = tokio::spawn(run);
        Talk { notebook, ears, first_ears, handle, samples, candidate, notes, seen: 0, session, cancel, left }
    }
}

/// Stands between session and room and writes down what passes.
async fn tap(mut session: SessionPort, mut room: RoomPort, clock: SampleClock, notes: Notes, mut echo: Option<Echo>) {
    let mut sounding = None;
    loop {
        tokio::select! {
            biased;
            command = session.commands.recv() => {
                let Some(command) = command else { return };
                note(&notes, clock, told(&command));
                // A room that has ended wants nothing more.
                let _ = room.commands.send(command).await;
            }
            event = room.events.recv() => {
                let Some(mut event) = event else { return };
                if let Some(echo) = &mut echo {
                    echo.sounds(&mut event);
                }
                note(&notes, clock, happened(&event, &mut sounding));
                if session.events.send(event).await.is_err() {
                    return;
                }
            }
        }
    }
}

fn note(notes: &Notes, clock: SampleClock, what: Option<String>) {
    if let Some(what) = what {
        locked(notes).push(Note { ms: clock.at(session::now()).ms(), what });
    }
}

fn told(command: &RoomCommand) -> Option<String> {
    match command {
        RoomCommand::Play { .. } | RoomCommand::EndOfSpeech { .. } => None,
        RoomCommand::Hold { speech } => Some(format!("hold #{speech};")),
        RoomCommand::Resume { speech } => Some(format!("resume #{speech};")),
        RoomCommand::Stop { speech } => Some(format!("stop #{speech};")),
        RoomCommand::Close => Some("close".into()),
        RoomCommand::Show(message) => shown(message),
    }
}

fn shown(message: &ServerMessage) -> Option<String> {
    Some(match message {
        ServerMessage::CandidateSpeaking(_)
        | ServerMessage::InterviewerSpeaking(_)
        | ServerMessage::Writing(_)
        | ServerMessage::Voicing(_) => return None,
        ServerMessage::CandidateCaption { text, is_final: true } => format!("caption {text}"),
        ServerMessage::CandidateCaption { text, is_final: false } => format!("partly {text}"),
        ServerMessage::InterviewerCaption { text, spoken: false } => format!("begins {text}"),
        ServerMessage::InterviewerCaption { text, spoken: true } => format!("spoken {text}"),
        ServerMessage::InterviewerInterrupted => "interrupted".into(),
        ServerMessage::Stored { message } => format!("stored {message}"),
        ServerMessage::NotStored { message, .. } => format!("refused {message}"),
        ServerMessage::State(view) => format!("state {}", view.phase),
        ServerMessage::Notice { level: NoticeLevel::Info, text } => format!("info {text}"),
        ServerMessage::Notice { level: NoticeLevel::Warning, text } => format!("warning {text}"),
        ServerMessage::Notice { level: NoticeLevel::Error, text } => format!("error {text}"),
        ServerMessage::Ended { reason } => format!("ended {reason}"),
    })
}

/// A speech's first sample, and every change of the speech that sounds.
fn happened(event: &RoomEvent, sounding: &mut Option<SpeechId>) -> Option<String> {
    match event {
        RoomEvent::Sent { speech, offset_samples, .. } => {
            let other = sounding.replace(*speech) != Some(*speech);
            match (other, offset_samples) {
                (true, 0) => Some(format!("sounds #{speech};")),
                (true, _) => Some(format!("mixes #{speech};")),
                (false, _) => Some(format!("frame #{speech};")),
            }
        }
        RoomEvent::SpeechDone { speech, .. } => Some(format!("done #{speech};")),
        RoomEvent::SpeechStopped { speech, sent_samples } => Some(format!("stopped #{speech}; after {sent_samples}")),
        RoomEvent::Closed { reason } => Some(format!("closed {reason:?}")),
        RoomEvent::Connected => Some("connected".into()),
        RoomEvent::Interrupted => Some("disconnected".into()),
        RoomEvent::Heard(_) | RoomEvent::AudioLost { .. } | RoomEvent::Signal(_) => None,
    }
}

pub fn timeline(notes: &[Note]) -> String {
    notes.iter().filter(|note| !note.what.starts_with("frame")).fold(String::new(), |mut lines, note| {
        writeln!(lines, "{:>7} {}", note.ms, note.what).expect("a string takes all");
        lines
    })
}

impl Talk {
    /// Waits until something that begins with `what` was noted, after what was waited for before; tells when.
    pub async fn sees(&mut self, what: &str) -> u64 {
        for _ in 0..WAIT_MS_MAX / 10 {
            if let Some(ms) = self.look(what) {
                return ms;
            }
            tokio::time::sleep(LOOK).await;
        }
        let log =
            self.notebook.kept().written.into_iter().map(|row| format!("{} {} {}\n", row.seq, row.kind, row.payload));
        panic!("never came: {what}\n{}{}", timeline(&locked(&self.notes)), log.collect::<String>());
    }

    fn look(&mut self, what: &str) -> Option<u64> {
        let place = self.place(what)?;
        self.seen = place + 1;
        Some(locked(&self.notes)[place].ms)
    }

    /// Waits until something that begins with one of these was noted; tells which.
    pub async fn sees_any<'a>(&mut self, whats: &[&'a str]) -> &'a str {
        for _ in 0..WAIT_MS_MAX / 10 {
            let first = whats.iter().filter_map(|what| Some((self.place(what)?, *what))).min();
            if let Some((place, what)) = first {
                self.seen = place + 1;
                return what;
            }
            tokio::time::sleep(LOOK).await;
        }
        panic!("none of {whats:?} came\n{}", timeline(&locked(&self.notes)));
    }

    fn place(&self, what: &str) -> Option<usize> {
        let notes = locked(&self.notes);
        notes[self.seen..].iter().position(|note| note.what.starts_with(what)).map(|found| self.seen + found)
    }

    /// Whether something that begins with `what` was noted since what was waited for last.
    pub fn has_seen(&self, what: &str) -> bool {
        self.place(what).is_some()
    }

    /// Waits until the interviewer has said this to its end.
    pub async fn hears(&mut self, line: &str) -> u64 {
        self.sees(&format!("spoken {line}")).await
    }

    /// Waits until the interviewer begins to say this.
    pub async fn begins(&mut self, line: &str) -> u64 {
        self.sees(&format!("begins {line}")).await
    }

    /// Speaks for so long.
    pub async fn says(&mut self, text: &str, ms: u64) {
        self.candidate.then(Deed::Say(self.ears.words.sound(text, ms)));
        self.waits(ms).await;
    }

    pub async fn waits(&mut self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    pub fn presses(&self, button: Button) {
        self.candidate.then(Deed::Signal(ClientSignal::Button(button)));
    }

    /// The client holds so much sound that it has not played.
    pub fn buffers(&self, buffered_ms: u32) {
        self.candidate.then(Deed::Signal(ClientSignal::Playout { buffered_ms }));
    }

    /// Where the session's clock stands.
    pub fn now_ms(&self) -> u64 {
        self.samples.at(session::now()).ms()
    }

    pub fn types(&self, text: &str) {
        self.candidate.then(Deed::Signal(ClientSignal::Text(text.into())));
    }

    /// Code as it stands in the pane.
    pub fn writes(&self, question: &str, content: &str, submitted: bool) {
        let (question_id, language) = (question.into(), "python".into());
        let message = Some(format!("code {}", content.len()));
        self.candidate.then(Deed::Signal(ClientSignal::Code {
            question_id,
            language,
            content: content.into(),
            submitted,
            message,
        }));
    }

    /// The network loses so much of what is said next.
    pub fn loses(&self, ms: u64) {
        self.candidate.then(Deed::Lose(ms * 16));
    }

    /// The connection breaks for so long.
    pub async fn breaks_off(&self, ms: u64) {
        self.candidate.then(Deed::Break);
        tokio::time::sleep(Duration::from_millis(ms)).await;
        self.candidate.then(Deed::Return);
    }

    /// The connection breaks and nobody comes back in time.
    pub async fn breaks_for_good(&self) {
        self.candidate.then(Deed::Break);
        tokio::time::sleep(Duration::from_secs(60)).await;
        self.candidate.then(Deed::Leave(ClosedReason::Lost));
    }

    pub fn leaves(&self) {
        self.candidate.then(Deed::Leave(ClosedReason::Left));
    }

    /// Answers a question or probe after half a second.
    pub async fn answers(&mut self, asked: &str, text: &str) {
        self.hears(asked).await;
        self.waits(500).await;
        self.says(text, 2_000).await;
    }

    /// The server is asked to stop.
    pub fn server_stops(&self) {
        self.cancel.cancel();
    }

    /// Waits for the end, and holds all that was written and told to the rules that hold for every session.
    pub async fn over(self) -> Over {
        let limit = Duration::from_millis(4 * WAIT_MS_MAX);
        let notes = || locked(&self.notes).clone();
        let outcome = match tokio::time::timeout(limit, self.session).await {
            Ok(outcome) => outcome.unwrap_or_else(|error| panic!("{error}\n{}", timeline(&notes()))),
            Err(_) => panic!("the session does not end\n{}", timeline(&notes())),
        };
        // What the room was told last passes the tap.
        tokio::time::sleep(LOOK).await;
        Over::new(outcome, notes(), self.notebook.kept(), self.left)
    }
}
