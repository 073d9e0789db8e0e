//! The listening task of one session: frames in; marks of speech, words and completion probabilities out, each with the
//! utterance that it belongs to. Must never decide who may speak, and never wait for anything on the path of a frame.

use super::echo::EchoGuard;
use super::utterances::{Mark, Settings, Utterances};
use crate::audio::frame::{EAR_FRAME_SAMPLES, EAR_RATE_HZ, EarFrame, SamplePos, VOICE_FRAME_SAMPLES, stretch};
use crate::audio::gaps::silent_tail;
use crate::id::UtteranceId;
use crate::stt::{SttCommand, SttError, SttEvent, SttStream, Transcript};
use crate::vad::{TurnModel, VadError, VoiceReading, VoiceStream};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Frames that may wait for the ears: 4 s (a stalled task catches up; past it frames are dropped and counted).
pub const EAR_COMMANDS_MAX: usize = 200;
/// Events that may wait for the session's loop.
pub const EAR_EVENTS_MAX: usize = 256;
/// Audio kept for the turn model, s (it looks at no more).
const TURN_AUDIO_S: usize = 8;
/// Utterances whose numbers are remembered: late transcripts of older ones are dropped.
const UTTERANCES_KEPT_MAX: usize = 64;
/// Turn-model requests in flight at once; past it a pause goes unjudged (patience then decides).
const COMPLETIONS_MAX: usize = 4;

/// What the session tells its ears.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a frame is the usual case, and the audio path must not allocate for it")]
pub enum EarCommand {
    Frame(EarFrame),
    /// A frame of our own voice left at `at`: it may come back.
    Played {
        at: SamplePos,
        pcm: Arc<[i16; VOICE_FRAME_SAMPLES]>,
    },
    /// The turn was taken to be complete: close the utterance that pauses.
    CloseTurn,
    /// The candidate said by hand that the turn is complete: close what is open, in mid-speech too.
    Finish,
}

/// What the ears tell the session.
#[derive(Clone, PartialEq, Debug)]
pub enum EarEvent {
    Started {
        utterance: UtteranceId,
        at: SamplePos,
    },
    /// A pause; words of revision `revision` will come (or `Failed`).
    Stopped {
        utterance: UtteranceId,
        at: SamplePos,
        revision: u32,
    },
    Completion {
        utterance: UtteranceId,
        probability: f32,
    },
    Partial {
        utterance: UtteranceId,
        text: String,
    },
    /// The words of a revision; `closed` when no other revision will come.
    Words {
        utterance: UtteranceId,
        revision: u32,
        transcript: Transcript,
        from: SamplePos,
        to: SamplePos,
        closed: bool,
    },
    Failed {
        utterance: UtteranceId,
        revision: u32,
        error: SttError,
    },
    /// Another recogniser has taken over.
    Switched {
        said: String,
    },
    /// A part of the ears is gone for good: nothing is heard any more.
    Down {
        part: &'static str,
        error: String,
    },
}

/// The session's end of its ears.
#[derive(Debug)]
pub struct Ears {
    pub commands: mpsc::Sender<EarCommand>,
    pub events: mpsc::Receiver<EarEvent>,
}

/// The models that the ears use.
pub struct EarParts {
    pub voice: VoiceStream,
    pub stt: SttStream,
    pub turn_model: Option<Arc<dyn TurnModel>>,
}

struct Known {
    from: SamplePos,
    to: SamplePos,
    revision: u32,
    /// The newest revision's words, once they are there.
    words: Option<Transcript>,
    closed: bool,
}

type Completion = BoxFuture<'static, (UtteranceId, Option<f32>)>;

struct Listening {
    utterances: Utterances,
    parts: EarParts,
    known: BTreeMap<UtteranceId, Known>,
    recent: VecDeque<i16>,
    last_at: SamplePos,
    completions: FuturesUnordered<Completion>,
    echo: EchoGuard,
    events: mpsc::Sender<EarEvent>,
}

/// The future that listens until cancelled or the session drops its end; the session spawns and tracks it.
pub fn open(
    settings: Settings,
    first: UtteranceId,
    parts: EarParts,
    cancel: CancellationToken,
) -> (Ears, impl Future<Output = ()> + Send) {
    let (command_tx, command_rx) = mpsc::channel(EAR_COMMANDS_MAX);
    let (event_tx, event_rx) = mpsc::channel(EAR_EVENTS_MAX);
    let listening = Listening {
        utterances: Utterances::new(settings, first),
        parts,
        known: BTreeMap::new(),
        recent: VecDeque::with_capacity(EAR_RATE_HZ as usize * TURN_AUDIO_S + 512),
        last_at: SamplePos(0),
        completions: FuturesUnordered::new(),
        echo: EchoGuard::default(),
        events: event_tx,
    };
    (Ears { commands: command_tx, events: event_rx }, listening.run(command_rx, cancel))
}

impl Listening {
    async fn run(mut self, mut commands: mpsc::Receiver<EarCommand>, cancel: CancellationToken) {
        let (mut voice_open, mut stt_open) = (true, true);
        let cancelled = cancel.cancelled();
        tokio::pin!(cancelled);
        loop {
            tokio::select! {
                biased;
                () = &mut cancelled => return,
                command = commands.recv() => match command {
                    Some(command) => self.command(command),
                    None => return,
                },
                reading = self.parts.voice.readings.recv(), if voice_open => match reading {
                    Some(reading) => self.reading(reading),
                    None => {
                        voice_open = false;
                        self.down("vad", "the voice detector is gone");
                    }
                },
                event = self.parts.stt.events.recv(), if stt_open => match event {
                    Some(event) => self.heard(event),
                    None => {
                        stt_open = false;
                        self.down("stt", SttError::Gone);
                    }
                },
                Some((utterance, probability)) = self.completions.next(), if !self.completions.is_empty() => {
                    if let Some(probability) = probability {
                        self.tell(EarEvent::Completion { utterance, probability });
                    }
                }
            }
        }
    }

    fn command(&mut self, command: EarCommand) {
        match command {
            EarCommand::Frame(frame) => self.frame(frame),
            EarCommand::Played { at, pcm } => self.echo.sent(at, &pcm),
            EarCommand::CloseTurn => {
                let marks = self.utterances.close_pausing();
                self.marks(&marks);
            }
            EarCommand::Finish => {
                let marks = self.utterances.finish(self.last_at);
                self.marks(&marks);
            }
        }
    }

    fn frame(&mut self, frame: EarFrame) {
        self.last_at = frame.at.plus(frame.pcm.len() as u64);
        let kept_max = EAR_RATE_HZ as usize * TURN_AUDIO_S;
        let excess = (self.recent.len() + frame.pcm.len()).saturating_sub(kept_max);
        self.recent.drain(..excess.min(self.recent.len()));
        self.recent.extend(&frame.pcm);
        // Our own voice is nobody's: the detector hears silence in its place.
        let seen = if self.echo.is_echo(&frame) {
            metrics::counter!("vivavoce_echo_frames_total").increment(1);
            EarFrame { pcm: [0; EAR_FRAME_SAMPLES], ..frame.clone() }
        } else {
            frame.clone()
        };
        // A full detector or recogniser loses this frame; the pause that follows is then judged on less.
        if self.parts.voice.frames.try_send(seen).is_err() {
            metrics::counter!("vivavoce_frames_dropped_total", "part" => "vad").increment(1);
        }
        if self.parts.stt.commands.try_send(SttCommand::Audio(frame)).is_err() {
            metrics::counter!("vivavoce_frames_dropped_total", "part" => "stt").increment(1);
        }
    }

    fn reading(&mut self, reading: VoiceReading) {
        let marks = self.utterances.read(reading);
        self.marks(&marks);
    }

    fn marks(&mut self, marks: &[Mark]) {
        for mark in marks {
            match *mark {
                Mark::Started { utterance, at } => {
                    // Whoever goes on has not finished: what the model would say of that pause is asked of nobody.
                    self.completions.clear();
                    self.tell(EarEvent::Started { utterance, at });
                }
                Mark::Stopped { utterance, at, from, to } => {
                    let revision = self.transcribe(utterance, from, to, false);
                    let at = self.voice_end(at);
                    self.tell(EarEvent::Stopped { utterance, at, revision });
                    self.judge(utterance);
                }
                Mark::Closed { utterance, from, to, next } => self.closed(utterance, from, to, next.is_some()),
            }
        }
    }

    /// Where a voice that the detector heard until `at` ended: the silence that it held on for is the candidate's.
    fn voice_end(&self, at: SamplePos) -> SamplePos {
        let since = usize::try_from(self.last_at.0.saturating_sub(at.0)).unwrap_or(usize::MAX);
        let end = self.recent.len().saturating_sub(since);
        let heard = stretch(&self.recent, end.saturating_sub(EAR_RATE_HZ as usize)..end);
        SamplePos(at.0.saturating_sub(silent_tail(&heard)))
    }

    /// An utterance's last word was said. If its last pause was transcribed already, nothing is transcribed again.
    fn closed(&mut self, utterance: UtteranceId, from: SamplePos, to: SamplePos, in_speech: bool) {
        let unchanged = self.known.get(&utterance).is_some_and(|known| known.to >= to && !in_speech);
        if !unchanged {
            self.transcribe(utterance, from, to, true);
            return;
        }
        let Some(known) = self.known.get_mut(&utterance) else { return };
        known.closed = true;
        if let Some(transcript) = known.words.clone() {
            let (revision, from, to) = (known.revision, known.from, known.to);
            self.tell(EarEvent::Words { utterance, revision, transcript, from, to, closed: true });
        }
    }

    fn transcribe(&mut self, utterance: UtteranceId, from: SamplePos, to: SamplePos, last: bool) -> u32 {
        let revision = self.known.get(&utterance).map_or(1, |known| known.revision + 1);
        self.known.insert(utterance, Known { from, to, revision, words: None, closed: last });
        while self.known.len() > UTTERANCES_KEPT_MAX {
            self.known.pop_first();
        }
        let command = SttCommand::Transcribe { utterance, revision, from, to, last };
        if self.parts.stt.commands.try_send(command).is_err() {
            let error = SttError::Busy { queued_max: crate::stt::STT_COMMANDS_MAX };
            self.tell(EarEvent::Failed { utterance, revision, error });
        }
        revision
    }

    fn judge(&mut self, utterance: UtteranceId) {
        let Some(model) = &self.parts.turn_model else { return };
        if self.completions.len() >= COMPLETIONS_MAX {
            metrics::counter!("vivavoce_turns_unjudged_total").increment(1);
            return;
        }
        let judged = model.completion(stretch(&self.recent, 0..self.recent.len()));
        self.completions.push(Box::pin(async move {
            match judged.await {
                Ok(probability) => return (utterance, Some(probability)),
                // So many sessions ask at once that it has no time for this one.
                Err(VadError::Busy { .. }) => {}
                Err(error @ (VadError::Load { .. } | VadError::Run { .. } | VadError::Gone)) => {
                    tracing::warn!(%error, "the turn model failed; patience decides");
                }
            }
            metrics::counter!("vivavoce_turns_unjudged_total").increment(1);
            (utterance, None)
        }));
    }

    fn heard(&mut self, event: SttEvent) {
        match event {
            SttEvent::Partial { utterance, text } => self.tell(EarEvent::Partial { utterance, text }),
            SttEvent::Final { utterance, revision, transcript } => {
                let Some(known) = self.known.get_mut(&utterance) else { return };
                if known.revision != revision {
                    return;
                }
                known.words = Some(transcript.clone());
                let (from, to, closed) = (known.from, known.to, known.closed);
                self.tell(EarEvent::Words { utterance, revision, transcript, from, to, closed });
            }
            SttEvent::Failed { utterance, revision, error } => {
                if self.known.get(&utterance).is_some_and(|known| known.revision == revision) {
                    self.tell(EarEvent::Failed { utterance, revision, error });
                }
            }
            SttEvent::Switched { said } => self.tell(EarEvent::Switched { said }),
            // Here the floor is the turn core's business, not the provider's.
            SttEvent::Endpoint { .. } => {}
            SttEvent::Down { error } => self.down("stt", error),
        }
    }

    fn down(&self, part: &'static str, error: impl ToString) {
        self.tell(EarEvent::Down { part, error: error.to_string() });
    }

    /// The session's loop never waits for its ears, so this queue is full only if the loop is dead.
    fn tell(&self, event: EarEvent) {
        if self.events.try_send(event).is_err() {
            metrics::counter!("vivavoce_ear_events_dropped_total").increment(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Mutex, PoisonError};
    use tokio::sync::oneshot;

    /// A turn model that answers when it is told to.
    #[derive(Default)]
    struct Slow {
        asked: Mutex<Vec<oneshot::Sender<f32>>>,
    }

    impl TurnModel for Slow {
        fn completion(&self, _: Vec<i16>) -> BoxFuture<'static, Result<f32, VadError>> {
            let (answer, answered) = oneshot::channel();
            self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(answer);
            Box::pin(async move { answered.await.map_err(|_| VadError::Gone) })
        }

        fn name(&self) -> String {
            "slow".into()
        }
    }

    #[tokio::test]
    async fn what_is_said_of_a_pause_that_is_over_is_not_taken_for_the_next_one() {
        let model = Arc::new(Slow::default());
        let (frames, _unseen) = mpsc::channel(1);
        let (read, readings) = mpsc::channel(64);
        let (commands, _unread) = mpsc::channel(64);
        let (_unsaid, stt_events) = mpsc::channel(1);
        let parts = EarParts {
            voice: VoiceStream { frames, readings },
            stt: SttStream { commands, events: stt_events },
            turn_model: Some(model.clone()),
        };
        let (mut ears, listening) = open(Settings::default(), UtteranceId(1), parts, CancellationToken::new());
        let listening = tokio::spawn(listening);
        let mut at = 0;
        let mut heard = Vec::new();
        for (probability, count) in [(0.9, 10), (0.05, 10), (0.9, 10), (0.05, 10)] {
            for _ in 0..count {
                at += 512;
                read.send(VoiceReading { at: SamplePos(at), probability }).await.expect("it listens");
            }
            heard.push(ears.events.recv().await.expect("an event"));
        }
        let is_start = |event: &EarEvent| matches!(event, EarEvent::Started { .. });
        assert_eq!(heard.iter().map(is_start).collect::<Vec<_>>(), [true, false, true, false], "{heard:?}");
        let mut asked = std::mem::take(&mut *model.asked.lock().unwrap_or_else(PoisonError::into_inner));
        let (second, first) = (asked.pop().expect("asked twice"), asked.pop().expect("asked twice"));
        assert!(first.send(0.99).is_err(), "nobody waits for the first any more");
        second.send(0.4).expect("somebody waits");
        let judged = EarEvent::Completion { utterance: UtteranceId(1), probability: 0.4 };
        assert_eq!(ears.events.recv().await, Some(judged));
        drop(ears);
        listening.await.expect("no panic");
    }
}
