//! What the interviewer says: lines become speeches, sentence by sentence, prepared while others are spoken, played one
//! at a time, held, resumed and dropped as units. Must never say a line before the event that it answers is durable, and
//! never let a late clip of a dropped speech through.

use super::Work;
use crate::audio::frame::{VoiceClip, WordTiming};
use crate::audio::playout::Making;
use crate::id::SpeechId;
use crate::interview::{Line, LineId};
use crate::room::RoomCommand;
use crate::tts::{SpeakRequest, TextToSpeech, TtsError, Urgency, VoiceEvent};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Lines that may wait to be said (an acknowledgement, a probe or question, an instruction and some air).
pub const LINES_MAX: usize = 8;

/// A line on its way to the ear.
#[derive(Debug)]
pub struct Speech {
    pub id: SpeechId,
    pub line: Line,
    /// The log must be durable up to here before it sounds.
    pub needs_seq: i64,
    pub clips: Vec<VoiceClip>,
    pub stage: Stage,
    /// A sentence could not be made: what was said is less than the line.
    pub is_cut: bool,
    /// When its first clip was there.
    pub first_audio: Option<Instant>,
    /// Samples (24 kHz) handed to the transport.
    pub sent_samples: u64,
    /// When the latest of them left.
    pub last_sent: Option<Instant>,
    /// The last clip still grows.
    growing: bool,
    /// Sound that was not yet handed to the room.
    unplayed: Vec<Arc<[i16]>>,
    end_told: bool,
    cancel: CancellationToken,
}

impl Speech {
    /// Stopped for good: what of it was under way may still be told.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// How much of its sound is still to come.
    #[must_use]
    pub fn making(&self) -> Making {
        match self.stage {
            Stage::Complete if !self.growing => Making::Whole,
            Stage::Wording | Stage::Synthesising | Stage::Complete if self.growing => Making::Growing,
            Stage::Wording | Stage::Synthesising | Stage::Complete => Making::MoreClips,
        }
    }
}

/// How far the making of a speech's audio is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// A model is asked for the words.
    Wording,
    Synthesising,
    Complete,
}

/// What became of the queue.
#[derive(Debug)]
pub enum Pumped {
    Nothing,
    /// The next speech begins to sound.
    Began,
    /// The next speech could not be made: its words are to be shown now, in its place.
    Mute(Box<Speech>),
}

/// The queue of speeches and the one that sounds.
pub struct Mouth {
    room: mpsc::Sender<RoomCommand>,
    voice: Arc<dyn TextToSpeech>,
    work: mpsc::Sender<Work>,
    tasks: TaskTracker,
    cancel: CancellationToken,
    next: SpeechId,
    queue: VecDeque<Speech>,
    current: Option<Speech>,
}

impl Mouth {
    /// A silent mouth; speeches are numbered from `first`.
    #[must_use]
    pub fn new(
        room: mpsc::Sender<RoomCommand>,
        voice: Arc<dyn TextToSpeech>,
        work: mpsc::Sender<Work>,
        tasks: TaskTracker,
        cancel: CancellationToken,
        first: SpeechId,
    ) -> Self {
        Self { room, voice, work, tasks, cancel, next: first, queue: VecDeque::new(), current: None }
    }

    /// Queues a line.
    pub fn say(&mut self, line: Line, needs_seq: i64) -> SpeechId {
        let id = self.next;
        self.next = id.next();
        let cancel = self.cancel.child_token();
        let is_worded = line.wording.is_some() || line.worded_with.is_some();
        let stage = if is_worded { Stage::Wording } else { Stage::Synthesising };
        if stage == Stage::Synthesising {
            self.synthesise(id, &line, cancel.clone());
        }
        debug_assert!(self.queue.len() < LINES_MAX, "the policy says few lines at once");
        self.queue.push_back(Speech {
            id,
            line,
            needs_seq,
            clips: Vec::new(),
            stage,
            is_cut: false,
            first_audio: None,
            sent_samples: 0,
            last_sent: None,
            growing: false,
            unplayed: Vec::new(),
            end_told: false,
            cancel,
        });
        id
    }

    /// The speech that sounds (or is held).
    #[must_use]
    pub fn current(&self) -> Option<&Speech> {
        self.current.as_ref()
    }

    /// Whether nothing sounds and nothing waits.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.current.is_none() && self.queue.is_empty()
    }

    /// Whether nothing sounds, but for what is being stopped, and nothing waits.
    #[must_use]
    pub fn falls_silent(&self) -> bool {
        self.queue.is_empty() && self.current.as_ref().is_none_or(Speech::is_stopped)
    }

    /// A piece of a sentence was made: the next of its last clip, or the first of a new one. Late ones of dropped
    /// speeches are ignored.
    pub fn piece(&mut self, id: SpeechId, text: &Arc<str>, pcm: Arc<[i16]>, words: &[WordTiming], now: Instant) {
        let Some(speech) = self.find(id) else { return };
        if !pcm.is_empty() {
            speech.first_audio.get_or_insert(now);
            speech.unplayed.push(pcm.clone());
        }
        match speech.clips.last_mut().filter(|_| speech.growing) {
            Some(clip) => {
                if !pcm.is_empty() {
                    clip.pcm = clip.pcm.iter().chain(pcm.iter()).copied().collect();
                }
                if !words.is_empty() {
                    clip.words = clip.words.iter().chain(words).cloned().collect();
                }
            }
            None => {
                speech.growing = true;
                speech.clips.push(VoiceClip { text: text.clone(), pcm, words: words.into() });
            }
        }
        self.play_ready();
    }

    /// The sentence that was being made is whole; `last` of its speech.
    pub fn sentence_done(&mut self, id: SpeechId, last: bool) {
        let Some(speech) = self.find(id) else { return };
        speech.growing = false;
        if last {
            speech.stage = Stage::Complete;
        }
        self.play_ready();
    }

    /// A sentence could not be made: the speech ends with what there is. One without any audio keeps its place.
    pub fn clip_failed(&mut self, id: SpeechId) {
        let Some(speech) = self.find(id) else { return };
        speech.stage = Stage::Complete;
        speech.is_cut = true;
        self.play_ready();
    }

    /// Lets the next speech sound if nothing sounds and the log is durable as far as it needs.
    pub fn pump(&mut self, durable_seq: i64) -> Pumped {
        if self.current.is_some() {
            return Pumped::Nothing;
        }
        let ready = |speech: &Speech| (!speech.unplayed.is_empty() || speech.is_cut) && speech.needs_seq <= durable_seq;
        let Some(speech) = self.queue.pop_front_if(|speech| ready(speech)) else { return Pumped::Nothing };
        if speech.unplayed.is_empty() {
            return Pumped::Mute(Box::new(speech));
        }
        self.current = Some(speech);
        self.play_ready();
        Pumped::Began
    }

    /// Samples of the current speech that were handed to the transport. False for a speech that is not current.
    pub fn sent(&mut self, id: SpeechId, sent_samples: u64, now: Instant) -> bool {
        match &mut self.current {
            Some(speech) if speech.id == id => {
                speech.sent_samples = sent_samples;
                speech.last_sent = Some(now);
                true
            }
            Some(_) | None => false,
        }
    }

    /// The current speech is over (sent to its end, or stopped): gives it back.
    pub fn ended(&mut self, id: SpeechId, sent_samples: u64) -> Option<Speech> {
        if self.current.as_ref().is_none_or(|speech| speech.id != id) {
            return None;
        }
        let mut speech = self.current.take()?;
        speech.sent_samples = sent_samples;
        speech.cancel.cancel();
        Some(speech)
    }

    /// Stops the current speech, if it is `id`; the room answers with `SpeechStopped`.
    pub fn stop(&mut self, id: SpeechId) {
        if let Some(speech) = self.current.as_ref().filter(|speech| speech.id == id) {
            speech.cancel.cancel();
            self.command(RoomCommand::Stop { speech: id });
        }
    }

    pub fn hold(&mut self, id: SpeechId) {
        self.command(RoomCommand::Hold { speech: id });
    }

    pub fn resume(&mut self, id: SpeechId) {
        self.command(RoomCommand::Resume { speech: id });
    }

    /// Drops what waits, without trace; the lines' ids.
    pub fn drop_waiting(&mut self) -> Vec<LineId> {
        self.queue
            .drain(..)
            .map(|speech| {
                speech.cancel.cancel();
                speech.line.id
            })
            .collect()
    }

    /// The words of a line that waited for its wording: `text`, or its own if none came in time; one without any is left
    /// out. False if none waits so.
    pub fn word(&mut self, line: LineId, text: Option<String>) -> bool {
        let waiting = |speech: &Speech| speech.line.id == line && speech.stage == Stage::Wording;
        let Some(place) = self.queue.iter().position(waiting) else { return false };
        let Some(speech) = self.queue.get_mut(place) else { return false };
        speech.stage = Stage::Synthesising;
        if let Some(text) = text {
            speech.line.text = text;
        }
        if speech.line.text.trim().is_empty() {
            self.queue.remove(place);
            return true;
        }
        let (id, line, cancel) = (speech.id, speech.line.clone(), speech.cancel.clone());
        self.synthesise(id, &line, cancel);
        true
    }

    fn find(&mut self, id: SpeechId) -> Option<&mut Speech> {
        self.current.iter_mut().chain(self.queue.iter_mut()).find(|speech| speech.id == id)
    }

    fn play_ready(&mut self) {
        let Some(speech) = &mut self.current else { return };
        if speech.is_stopped() {
            return;
        }
        let id = speech.id;
        let mut commands: Vec<RoomCommand> =
            speech.unplayed.drain(..).map(|pcm| RoomCommand::Play { speech: id, pcm }).collect();
        if speech.stage == Stage::Complete && !speech.end_told {
            speech.end_told = true;
            commands.push(RoomCommand::EndOfSpeech { speech: speech.id });
        }
        for command in commands {
            self.command(command);
        }
    }

    fn command(&self, command: RoomCommand) {
        if self.room.try_send(command).is_err() {
            metrics::counter!("vivavoce_room_commands_dropped_total").increment(1);
        }
    }

    fn synthesise(&self, id: SpeechId, line: &Line, cancel: CancellationToken) {
        let (voice, work, speed) = (self.voice.clone(), self.work.clone(), line.speed);
        let sentences = crate::tts::sentences::sentences(&line.text);
        self.tasks.spawn(async move {
            let count = sentences.len();
            for (index, sentence) in sentences.into_iter().enumerate() {
                let text: Arc<str> = sentence.into();
                let cancel = cancel.clone();
                let request = SpeakRequest { text: text.clone(), speed, urgency: Urgency::Now, cancel };
                let mut stream = voice.stream(request);
                let mut ahead = None;
                let ended = loop {
                    let event = next_piece(&mut stream, &mut ahead).await;
                    let done = match event {
                        VoiceEvent::Piece { pcm, words } => Work::Piece { speech: id, text: text.clone(), pcm, words },
                        VoiceEvent::Done => break Ok(()),
                        VoiceEvent::Failed(TtsError::Cancelled) => return,
                        VoiceEvent::Failed(error) => break Err(error),
                    };
                    if work.send(done).await.is_err() {
                        return;
                    }
                };
                let failed = ended.is_err();
                let done = Work::Sentence { speech: id, ended, last: index + 1 == count };
                if work.send(done).await.is_err() || failed {
                    return;
                }
            }
        });
    }
}

/// The next of a sentence, with all the sound that has come by now: the room is told once, not for each small piece.
async fn next_piece(stream: &mut mpsc::Receiver<VoiceEvent>, ahead: &mut Option<VoiceEvent>) -> VoiceEvent {
    let first = match ahead.take() {
        Some(event) => event,
        None => stream.recv().await.unwrap_or(VoiceEvent::Failed(TtsError::Gone)),
    };
    let VoiceEvent::Piece { mut pcm, mut words } = first else { return first };
    while let Ok(event) = stream.try_recv() {
        match event {
            VoiceEvent::Piece { pcm: more, words: later } => {
                pcm = pcm.iter().chain(more.iter()).copied().collect();
                words.extend(later);
            }
            VoiceEvent::Done | VoiceEvent::Failed(_) => {
                *ahead = Some(event);
                break;
            }
        }
    }
    VoiceEvent::Piece { pcm, words }
}
