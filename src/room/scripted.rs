//! A room for tests without a network, on tokio's clock, which a test may pause: speech is "sent" at the pace of 20 ms,
//! the candidate is whatever the test puts in. Must never be reachable from a configuration.

use crate::audio::frame::{EAR_FRAME_SAMPLES, EarFrame, FRAME_MS, SamplePos, stretch};
use crate::room::webrtc::{Ended, Slot, Voice};
use crate::room::{ClientSignal, ClosedReason, RoomCommand, RoomEvent, SampleClock, ServerMessage, SessionPort};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

const FRAME: Duration = Duration::from_millis(FRAME_MS as u64);
/// Deeds of the candidate that may wait.
const DEEDS_MAX: usize = 1_024;

/// What the candidate does, in order.
#[derive(Clone, Debug)]
pub enum Deed {
    /// Says this (16 kHz); silence fills its last frame.
    Say(Vec<i16>),
    /// Is silent for so long.
    Wait(Duration),
    Signal(ClientSignal),
    /// The network loses so many of the samples that come next.
    Lose(u64),
    /// The network breaks: no frames until the next [`Deed::Return`].
    Break,
    Return,
    /// Leaves for good.
    Leave(ClosedReason),
}

/// The test's end of a scripted room.
#[derive(Debug)]
pub struct ScriptedCandidate {
    deeds: mpsc::Sender<Deed>,
    shown: mpsc::Receiver<ServerMessage>,
}

impl ScriptedCandidate {
    /// Adds a deed behind those that wait.
    pub fn then(&self, deed: Deed) {
        self.deeds.try_send(deed).expect("a script has fewer deeds than the room holds");
    }

    /// What was shown since the last call.
    pub fn shown(&mut self) -> Vec<ServerMessage> {
        std::iter::from_fn(|| self.shown.try_recv().ok()).collect()
    }
}

/// The room; run [`ScriptedRoom::run`] as a task.
pub struct ScriptedRoom {
    port: SessionPort,
    clock: SampleClock,
    deeds: mpsc::Receiver<Deed>,
    show: mpsc::Sender<ServerMessage>,
    voice: Voice,
    waiting: VecDeque<i16>,
    silence_left: Duration,
    is_connected: bool,
    next: SamplePos,
}

impl ScriptedRoom {
    /// A room whose clock starts now at `at`, and the candidate in it.
    #[must_use]
    pub fn new(port: SessionPort, at: SamplePos) -> (Self, ScriptedCandidate) {
        let (deeds_tx, deeds) = mpsc::channel(DEEDS_MAX);
        let (show, shown) = mpsc::channel(DEEDS_MAX);
        let clock = SampleClock { origin: Instant::now().into_std(), origin_at: at };
        let room = Self {
            port,
            clock,
            deeds,
            show,
            voice: Voice::default(),
            waiting: VecDeque::new(),
            silence_left: Duration::ZERO,
            is_connected: false,
            next: at,
        };
        (room, ScriptedCandidate { deeds: deeds_tx, shown })
    }

    /// The clock that its positions follow.
    #[must_use]
    pub fn clock(&self) -> SampleClock {
        self.clock
    }

    /// Runs until somebody ends it.
    pub async fn run(mut self) {
        self.connect().await;
        let mut ticks = interval_at(Instant::now() + FRAME, FRAME);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        loop {
            let reason = tokio::select! {
                biased;
                command = self.port.commands.recv() => self.obey(command),
                tick = ticks.tick() => self.tick(tick).await,
            };
            if let Some(reason) = reason {
                self.tell(RoomEvent::Closed { reason }).await;
                return;
            }
            self.tell_ended().await;
        }
    }

    fn obey(&mut self, command: Option<RoomCommand>) -> Option<ClosedReason> {
        match command {
            Some(RoomCommand::Play { speech, pcm }) => {
                self.voice.play(speech, pcm).expect("a test says less than the queue holds");
            }
            Some(RoomCommand::EndOfSpeech { speech }) => self.voice.end(speech),
            Some(RoomCommand::Hold { speech }) => self.voice.hold(speech),
            Some(RoomCommand::Resume { speech }) => self.voice.resume(speech),
            Some(RoomCommand::Stop { speech }) => self.voice.stop(speech),
            // A test that does not look misses messages; the room does not wait for it.
            Some(RoomCommand::Show(message)) => drop(self.show.try_send(message)),
            Some(RoomCommand::Close) | None => return Some(ClosedReason::Asked),
        }
        None
    }

    async fn tick(&mut self, now: Instant) -> Option<ClosedReason> {
        while self.waiting.is_empty() && self.silence_left.is_zero() {
            match self.deeds.try_recv() {
                Ok(Deed::Say(pcm)) => self.waiting.extend(pcm),
                Ok(Deed::Wait(time)) => self.silence_left = time,
                Ok(Deed::Signal(signal)) => self.tell(RoomEvent::Signal(signal)).await,
                Ok(Deed::Lose(samples)) => self.tell(RoomEvent::AudioLost { at: self.next, samples }).await,
                Ok(Deed::Break) => {
                    self.is_connected = false;
                    self.voice.interrupted();
                    self.tell(RoomEvent::Interrupted).await;
                }
                Ok(Deed::Return) => self.connect().await,
                Ok(Deed::Leave(reason)) => return Some(reason),
                Err(_) => break,
            }
        }
        self.silence_left = self.silence_left.saturating_sub(FRAME);
        let mut pcm = [0; EAR_FRAME_SAMPLES];
        let said = self.waiting.len().min(EAR_FRAME_SAMPLES);
        pcm[..said].copy_from_slice(&stretch(&self.waiting, 0..said));
        self.waiting.drain(..said);
        if self.is_connected {
            self.tell(RoomEvent::Heard(EarFrame { at: self.next, pcm, concealed: false })).await;
            if let Some(Slot::Speech { speech, offset_samples, pcm }) = self.voice.take_slot() {
                let at = self.clock.at(now.into_std());
                self.tell(RoomEvent::Sent { speech, at, offset_samples, pcm }).await;
            }
        }
        self.next = self.next.plus(EAR_FRAME_SAMPLES as u64);
        None
    }

    async fn connect(&mut self) {
        self.is_connected = true;
        self.tell(RoomEvent::Connected).await;
    }

    async fn tell_ended(&mut self) {
        while let Some(ended) = self.voice.pop_ended() {
            self.tell(match ended {
                Ended::Done { speech, sent_samples } => RoomEvent::SpeechDone { speech, sent_samples },
                Ended::Stopped { speech, sent_samples } => RoomEvent::SpeechStopped { speech, sent_samples },
            })
            .await;
        }
    }

    /// On a paused clock nothing overtakes the session, so the room may wait for it.
    async fn tell(&self, event: RoomEvent) {
        let _ = self.port.events.send(event).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::SpeechId;
    use crate::room::port_pair;

    #[tokio::test(start_paused = true)]
    async fn a_script_is_played_at_the_pace_of_the_clock() {
        let (mut room_port, session_port) = port_pair();
        let (room, candidate) = ScriptedRoom::new(session_port, SamplePos(0));
        candidate.then(Deed::Say(vec![9; 640]));
        candidate.then(Deed::Wait(Duration::from_millis(100)));
        candidate.then(Deed::Signal(ClientSignal::Typing));
        candidate.then(Deed::Wait(Duration::from_millis(100)));
        candidate.then(Deed::Leave(ClosedReason::Left));
        tokio::spawn(room.run());
        let speech = SpeechId(1);
        let commands = [RoomCommand::Play { speech, pcm: vec![1; 960].into() }, RoomCommand::EndOfSpeech { speech }];
        for command in commands {
            room_port.commands.send(command).await.expect("the room lives");
        }
        let start = Instant::now();
        let mut heard = Vec::new();
        let mut lines = Vec::new();
        while let Some(event) = room_port.events.recv().await {
            let ms = start.elapsed().as_millis();
            match event {
                RoomEvent::Heard(frame) => heard.push((frame.at.0, frame.pcm[0])),
                RoomEvent::Sent { at, offset_samples, .. } => lines.push(format!("{ms}: sent {offset_samples} {at:?}")),
                RoomEvent::SpeechDone { sent_samples, .. } => lines.push(format!("{ms}: done {sent_samples}")),
                RoomEvent::Signal(_) => lines.push(format!("{ms}: signal")),
                RoomEvent::Closed { reason } => lines.push(format!("{ms}: {reason:?}")),
                RoomEvent::Connected
                | RoomEvent::Interrupted
                | RoomEvent::AudioLost { .. }
                | RoomEvent::SpeechStopped { .. } => {}
            }
        }
        assert_eq!(heard[..4], [(0, 9), (320, 9), (640, 0), (960, 0)]);
        assert_eq!(heard.len(), 12);
        assert_eq!(
            lines,
            ["20: sent 0 SamplePos(320)", "40: sent 480 SamplePos(640)", "40: done 960", "160: signal", "260: Left"]
        );
    }
}
