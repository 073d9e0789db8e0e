//! The interviewer's voice on its way into a Daily room: 20 ms at a time, two of them under way at most, so that whatever
//! has not left can still be taken back. The native client sets the pace by taking them. Told the time, it never waits.

use super::child::Worker;
use super::wire::{Ask, Frame};
use crate::audio::frame::{EAR_FRAME_SAMPLES, SamplePos};
use crate::room::webrtc::outbox::Outbox;
use crate::room::webrtc::{Ended, Slot, Voice};
use crate::room::{RoomCommand, RoomEvent, SampleClock};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Frames under way at most (40 ms): one that sounds, and one that the worker has follow it without a gap.
const UNDER_WAY_MAX: usize = 2;

/// The voice of one room. It outlives calls, so that speech goes on where it was.
pub struct Mouth {
    clock: SampleClock,
    voice: Voice,
    /// Numbers of the frames that were handed over and not yet taken, and when.
    under_way: VecDeque<(u64, Instant)>,
    next_write: u64,
    /// Where the next frame sounds, if it follows the last.
    next_at: SamplePos,
}

impl Mouth {
    pub fn new(clock: SampleClock) -> Self {
        Self { clock, voice: Voice::default(), under_way: VecDeque::new(), next_write: 0, next_at: clock.origin_at }
    }

    /// A command about speech.
    pub fn obey(&mut self, command: RoomCommand, worker: Option<&Worker>) {
        match command {
            RoomCommand::Play { speech, pcm } => {
                if let Err(error) = self.voice.play(speech, pcm) {
                    tracing::error!(%speech, %error, "voice was dropped");
                }
            }
            RoomCommand::EndOfSpeech { speech } => self.voice.end(speech),
            RoomCommand::Hold { speech } => {
                self.voice.hold(speech);
                self.hush(worker);
            }
            RoomCommand::Resume { speech } => self.voice.resume(speech),
            RoomCommand::Stop { speech } => {
                self.voice.stop(speech);
                self.hush(worker);
            }
            RoomCommand::Show(_) | RoomCommand::Close => {}
        }
    }

    /// What was just interrupted fades out in the frame that the worker still holds, if there is one: a frame of its own for
    /// the fade would only come behind it.
    fn hush(&mut self, worker: Option<&Worker>) {
        if let Some(worker) = worker
            && self.under_way.len() >= UNDER_WAY_MAX
            && self.voice.drop_fade()
        {
            worker.ask(Ask::Hush);
        }
    }

    /// Hands over what may be under way.
    pub fn send(&mut self, now: Instant, worker: &Worker, out: &mut Outbox) {
        while self.under_way.len() < UNDER_WAY_MAX
            && let Some(slot) = self.voice.take_slot()
        {
            // The native client sends silence by itself.
            let Slot::Speech { speech, offset_samples, pcm } = slot else { continue };
            if !worker.send(&Frame::Voice { write: self.next_write, pcm: Box::new(*pcm) }) {
                metrics::counter!("vivavoce_room_frames_unsent_total").increment(1);
            }
            self.under_way.push_back((self.next_write, now));
            self.next_write += 1;
            let at = self.next_at.max(self.clock.at(now));
            self.next_at = at.plus(EAR_FRAME_SAMPLES as u64);
            out.push(RoomEvent::Sent { speech, at, offset_samples, pcm });
            self.tell_ended(out);
        }
    }

    /// A frame was taken, and those before it.
    pub fn written(&mut self, write: u64) {
        while self.under_way.front().is_some_and(|(first, _)| *first <= write) {
            self.under_way.pop_front();
        }
    }

    /// A frame is under way for longer than `limit`.
    pub fn is_stuck(&self, now: Instant, limit: Duration) -> bool {
        self.under_way.front().is_some_and(|(_, since)| now.duration_since(*since) > limit)
    }

    /// The candidate is not reached; what was being said waits.
    pub fn interrupted(&mut self) {
        self.voice.interrupted();
    }

    /// The call is gone, and with it what was under way.
    pub fn lost(&mut self) {
        self.under_way.clear();
        self.voice.interrupted();
    }

    /// Tells how speeches ended.
    pub fn tell_ended(&mut self, out: &mut Outbox) {
        while let Some(ended) = self.voice.pop_ended() {
            out.push(match ended {
                Ended::Done { speech, sent_samples } => RoomEvent::SpeechDone { speech, sent_samples },
                Ended::Stopped { speech, sent_samples } => RoomEvent::SpeechStopped { speech, sent_samples },
            });
        }
    }
}
