//! One call in progress: the candidate listens and speaks until the server says that the interview is over. Must never
//! synthesise or transcribe: the call shares the cores with the server that it measures.

use super::announce::Announcer;
use super::candidate::{Candidate, Deed, Happening, Turn};
use super::ear::{Ear, TimeLine};
use super::interject::Interjection;
use super::prepare::PreparedAnswer;
use super::screen::{self, Shown};
use crate::audio::frame::{EAR_FRAME_SAMPLES, EAR_RATE_HZ, FRAME_MS, VOICE_RATE_HZ};
use crate::room::client::{Client, ClientAudio, ClientEvent, ClientSettings, Spoken};
use futures::FutureExt as _;
use futures::future::{BoxFuture, OptionFuture};
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// Nobody says anything for so long: the interview is stuck (its own ladder of silence is shorter).
const SILENCE_MAX: Duration = Duration::from_secs(120);
/// Longest call: the ear keeps no more.
const CALL_MAX: Duration = Duration::from_secs(90 * 60);
/// After the end: what is still on its way is heard.
const TAIL: Duration = Duration::from_millis(300);

/// How the candidate connects: speaks at the voices' rate, hears at the ears'.
#[must_use]
pub fn client_settings() -> ClientSettings {
    ClientSettings { microphone_hz: VOICE_RATE_HZ, ear_hz: EAR_RATE_HZ, ..ClientSettings::default() }
}

/// A call as it went.
#[derive(Debug)]
pub struct CallRecord {
    pub ear: Ear,
    /// What the microphone sent, 24 kHz, on the ear's time.
    pub mouth: TimeLine,
    pub turns: Vec<Turn>,
    /// What was said into the interviewer's lines.
    pub interjections: Vec<Interjection>,
    /// How the server ended the interview.
    pub end: Result<String, CallError>,
}

/// What can go wrong in a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    #[error("the connection was lost")]
    Lost,
    #[error("nobody has said anything for {} s", SILENCE_MAX.as_secs())]
    Silence,
    #[error("the call took longer than {} minutes", CALL_MAX.as_secs() / 60)]
    TooLong,
    #[error("stopped")]
    Stopped,
    #[error("the played providers were not told what is said: {0}")]
    Unannounced(String),
}

/// What somebody who watches sees.
#[derive(Clone, Debug, PartialEq)]
pub enum Sight {
    Candidate(Happening),
    Shown(Shown),
}

/// A call in progress.
struct Call<T> {
    client: Client,
    candidate: Candidate,
    began: Instant,
    ear: Ear,
    mouth: TimeLine,
    announcer: Option<Announcer>,
    tell: T,
}

/// Holds the call to its end; `tell` hears what happens and when. `began` is when the connection was asked for. Played
/// providers are told by `announcer` what is said.
pub async fn hold(
    client: Client,
    candidate: Candidate,
    began: Instant,
    announcer: Option<Announcer>,
    cancel: CancellationToken,
    tell: impl FnMut(Instant, Sight),
) -> CallRecord {
    let ear = Ear::new(began);
    let mouth = TimeLine::new(began, VOICE_RATE_HZ);
    let mut call = Call { client, candidate, began, ear, mouth, announcer, tell };
    let end = call.run(&cancel).await;
    call.hear_tail().await;
    call.client.close().await;
    let turns = call.candidate.turns().to_vec();
    let interjections = call.candidate.interjections().to_vec();
    CallRecord { turns, interjections, ear: call.ear, mouth: call.mouth, end }
}

impl<T: FnMut(Instant, Sight)> Call<T> {
    async fn run(&mut self, cancel: &CancellationToken) -> Result<String, CallError> {
        self.send(&screen::client_ready()).await?;
        let mut ticks = tokio::time::interval(Duration::from_millis(FRAME_MS.into()));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        // The answer that is being said, if one is.
        let mut saying: Option<BoxFuture<'static, Result<Spoken, CallError>>> = None;
        loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(CallError::Stopped),
                event = self.client.next() => {
                    if let Some(reason) = self.take(event)? {
                        return Ok(reason);
                    }
                }
                Some(spoken) = OptionFuture::from(saying.as_mut()), if saying.is_some() => {
                    saying = None;
                    let spoken = spoken?;
                    if let Some(answer) = self.candidate.has_spoken(spoken.from, &self.ear) {
                        self.mouth.place(spoken.from, &answer.pcm);
                    }
                }
                _ = ticks.tick() => {
                    let now = Instant::now();
                    self.candidate.tick(now, &self.ear);
                    if let Some(answer) = self.do_deeds(now).await? {
                        saying = Some(self.say(answer));
                    }
                    self.check_limits(now)?;
                }
            }
        }
    }

    /// Says an answer to its end.
    fn say(&self, answer: Arc<PreparedAnswer>) -> BoxFuture<'static, Result<Spoken, CallError>> {
        let (microphone, announcer) = (self.client.microphone(), self.announcer.clone());
        let saying = async move {
            if let Some(announcer) = announcer {
                announcer.announce(&answer).await?;
            }
            microphone.say(answer.pcm.clone()).await.map_err(|_| CallError::Lost)
        };
        saying.boxed()
    }

    /// Takes an event; the reason once the server has ended the interview.
    fn take(&mut self, event: Option<ClientEvent>) -> Result<Option<String>, CallError> {
        match event {
            Some(ClientEvent::Audio(audio)) => self.hear(&audio),
            Some(ClientEvent::Message(message)) => {
                let shown = screen::read(&message);
                (self.tell)(Instant::now(), Sight::Shown(shown.clone()));
                match shown {
                    Shown::State(state) => self.candidate.see(*state),
                    Shown::Ended(reason) => return Ok(Some(reason)),
                    Shown::Understood(_) | Shown::Saying(_) | Shown::Notice(_) | Shown::Refused(_) | Shown::Other => {}
                }
            }
            Some(ClientEvent::Gone) | None => return Err(CallError::Lost),
        }
        Ok(None)
    }

    /// A packet is heard in steps of 20 ms, whatever its length.
    fn hear(&mut self, audio: &ClientAudio) {
        let mut at = audio.arrival;
        for frame in audio.pcm.chunks(EAR_FRAME_SAMPLES) {
            self.ear.hear(at, frame);
            at += Duration::from_millis(FRAME_MS.into());
        }
    }

    /// Does what the candidate wants; the answer that it begins to say.
    async fn do_deeds(&mut self, now: Instant) -> Result<Option<Arc<PreparedAnswer>>, CallError> {
        let mut begun = None;
        while let Some(deed) = self.candidate.poll_deed() {
            match deed {
                Deed::Speak(answer) => begun = Some(answer),
                Deed::Code { question, language, content, submitted } => {
                    self.send(&screen::code(&question, &language, &content, submitted)).await?;
                }
                Deed::Tell(happening) => (self.tell)(now, Sight::Candidate(happening)),
            }
        }
        Ok(begun)
    }

    fn check_limits(&self, now: Instant) -> Result<(), CallError> {
        let since = |at: Instant| now.saturating_duration_since(at);
        if since(self.began) > CALL_MAX {
            return Err(CallError::TooLong);
        }
        let heard = self.ear.speeches().last().map_or(self.began, |speech| speech.end);
        let said = self.candidate.turns().last().map_or(self.began, |turn| turn.ended);
        if !self.candidate.is_busy() && since(heard.max(said)) > SILENCE_MAX {
            return Err(CallError::Silence);
        }
        Ok(())
    }

    async fn send(&self, message: &Value) -> Result<(), CallError> {
        self.client.send(message).await.map_err(|_| CallError::Lost)
    }

    /// What was on its way when the end was told.
    async fn hear_tail(&mut self) {
        let until = tokio::time::Instant::now() + TAIL;
        while let Ok(Some(event)) = tokio::time::timeout_at(until, self.client.next()).await {
            match event {
                ClientEvent::Audio(audio) => self.hear(&audio),
                ClientEvent::Message(_) | ClientEvent::Gone => {}
            }
        }
        self.candidate.tick(Instant::now(), &self.ear);
    }
}
