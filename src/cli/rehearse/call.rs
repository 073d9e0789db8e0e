//! One call in progress: the candidate at its microphone, every 20 ms, until the server says that the interview is over.
//! Must never synthesise or transcribe: the call shares the cores with the server that it measures.

use super::candidate::{Candidate, Deed, Happening, Turn};
use super::ear::{Ear, TimeLine};
use super::screen::{self, Shown};
use crate::audio::frame::{EAR_FRAME_SAMPLES, FRAME_MS, VOICE_FRAME_SAMPLES, VOICE_RATE_HZ};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// Frames and messages that may wait on the candidate's side: 5 s of both.
pub const LINE_QUEUED_MAX: usize = 512;
/// Longest wait for the connection.
const CONNECTED_WITHIN: Duration = Duration::from_secs(20);
/// Nobody says anything for so long: the interview is stuck (its own ladder of silence is shorter).
const SILENCE_MAX: Duration = Duration::from_secs(120);
/// Longest call: the ear keeps no more.
const CALL_MAX: Duration = Duration::from_secs(90 * 60);

/// The candidate's end of a connection.
pub struct Line {
    /// Each frame is sent as it is taken.
    pub microphone: mpsc::Sender<[i16; VOICE_FRAME_SAMPLES]>,
    pub messages: mpsc::Sender<String>,
    pub events: mpsc::Receiver<LineEvent>,
}

/// What happens at the candidate's end.
#[derive(Debug)]
pub enum LineEvent {
    Connected,
    /// The data channel is open.
    ChannelOpen,
    Heard { at: Instant, pcm: [i16; EAR_FRAME_SAMPLES] },
    Message(String),
    Closed { why: String },
}

/// A call as it went.
#[derive(Debug)]
pub struct CallRecord {
    pub ear: Ear,
    /// What the microphone sent, 24 kHz, on the ear's time.
    pub mouth: TimeLine,
    pub turns: Vec<Turn>,
    pub end: Result<String, CallError>,
}

/// What can go wrong in a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    #[error("no connection within {} s", CONNECTED_WITHIN.as_secs())]
    NotConnected,
    #[error("the connection was lost: {why}")]
    Lost { why: String },
    #[error("nobody has said anything for {} s", SILENCE_MAX.as_secs())]
    Silence,
    #[error("the call took longer than {} minutes", CALL_MAX.as_secs() / 60)]
    TooLong,
    #[error("stopped")]
    Stopped,
}

/// What somebody who watches sees.
#[derive(Clone, Debug, PartialEq)]
pub enum Sight {
    Connected,
    Candidate(Happening),
    Shown(Shown),
}

/// Holds the call to its end; `tell` hears what happens and when.
pub async fn hold(
    mut line: Line,
    mut candidate: Candidate,
    cancel: CancellationToken,
    mut tell: impl FnMut(Instant, Sight),
) -> CallRecord {
    let began = Instant::now();
    let mut ear = Ear::new(began);
    let mut mouth = TimeLine::new(began, VOICE_RATE_HZ);
    let mut connected = false;
    let mut ticks = tokio::time::interval(Duration::from_millis(FRAME_MS.into()));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let end = loop {
        tokio::select! {
            biased;
            () = cancel.cancelled() => break Err(CallError::Stopped),
            event = line.events.recv() => match event {
                Some(LineEvent::Heard { at, pcm }) => ear.hear(at, &pcm),
                Some(LineEvent::Connected) => {
                    connected = true;
                    tell(Instant::now(), Sight::Connected);
                }
                Some(LineEvent::ChannelOpen) => send(&line, screen::client_ready()),
                Some(LineEvent::Message(message)) => {
                    let shown = screen::read(&message);
                    tell(Instant::now(), Sight::Shown(shown.clone()));
                    match shown {
                        Shown::State(state) => candidate.see(*state),
                        Shown::Ended(reason) => break Ok(reason),
                        Shown::Understood(_) | Shown::Saying(_) | Shown::Notice(_) | Shown::Refused(_) | Shown::Other => {}
                    }
                }
                Some(LineEvent::Closed { why }) => break Err(CallError::Lost { why }),
                None => break Err(CallError::Lost { why: "it is gone".to_owned() }),
            },
            _ = ticks.tick() => {
                let now = Instant::now();
                let frame = candidate.tick(now, &ear);
                if connected {
                    mouth.place(now, &frame);
                    // A full queue means a stalled connection, which ends the call by itself.
                    let _ = line.microphone.try_send(frame);
                }
                while let Some(deed) = candidate.poll_deed() {
                    do_by_hand(&line, deed, |happening| tell(now, Sight::Candidate(happening)));
                }
                if let Some(limit) = limit_reached(now, began, connected, &candidate, &ear) {
                    break Err(limit);
                }
            }
        }
    };
    CallRecord { turns: candidate.turns().to_vec(), ear, mouth, end }
}

fn do_by_hand(line: &Line, deed: Deed, tell: impl FnOnce(Happening)) {
    match deed {
        Deed::Code { question, language, content, submitted } => {
            send(line, screen::code(&question, &language, &content, submitted));
        }
        Deed::Tell(happening) => tell(happening),
    }
}

/// A full queue means a stalled connection, which ends the call by itself.
fn send(line: &Line, message: String) {
    let _ = line.messages.try_send(message);
}

fn limit_reached(now: Instant, began: Instant, connected: bool, candidate: &Candidate, ear: &Ear) -> Option<CallError> {
    let since = |at: Instant| now.saturating_duration_since(at);
    if !connected {
        return (since(began) > CONNECTED_WITHIN).then_some(CallError::NotConnected);
    }
    if since(began) > CALL_MAX {
        return Some(CallError::TooLong);
    }
    let heard = ear.speeches().last().map_or(began, |speech| speech.end);
    let said = candidate.turns().last().map_or(began, |turn| turn.ended);
    (!candidate.is_busy() && since(heard.max(said)) > SILENCE_MAX).then_some(CallError::Silence)
}
