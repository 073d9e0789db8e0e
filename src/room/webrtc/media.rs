//! The sound of one room, both ways: the candidate's stream in, the interviewer's voice out, encoded and stamped. It
//! outlives connections, so that speech goes on where it was. Told the time; must never wait.

use super::RoomError;
use super::hearing::Ear;
use super::outbox::Outbox;
use super::peer::{Peer, RtpStamp};
use super::reader::RtpPacket;
use super::voice::{Ended, Pace, Slot, Voice};
use crate::audio::frame::VOICE_FRAME_SAMPLES;
use crate::audio::opus::{ENCODED_BYTES_MAX, Encoder, EncoderSettings, OpusError};
use crate::room::{RoomCommand, RoomEvent, SampleClock};
use std::time::Instant;

/// RTP ticks a second (Opus always counts at 48 kHz, RFC 7587).
const TICKS_PER_S: u128 = 48_000;

/// Both streams.
pub struct Media {
    clock: SampleClock,
    ear: Ear<RtpPacket>,
    voice: Voice,
    pace: Pace,
    encoder: Encoder,
    /// When the outgoing timestamps begin, and at what.
    epoch: Instant,
    first_timestamp: u32,
    sequence: u16,
    is_connected: bool,
}

impl Media {
    pub fn new(clock: SampleClock, encoder: EncoderSettings, now: Instant) -> Result<Self, RoomError> {
        let failed = |error: OpusError| RoomError::Failed { why: error.to_string() };
        Ok(Self {
            clock,
            ear: Ear::new(clock).map_err(failed)?,
            voice: Voice::default(),
            pace: Pace::default(),
            encoder: Encoder::new(encoder).map_err(failed)?,
            epoch: now,
            first_timestamp: rand::random(),
            sequence: rand::random(),
            is_connected: false,
        })
    }

    /// A connection stands.
    pub fn connected(&mut self, now: Instant) {
        self.ear.connected(now);
        self.is_connected = true;
    }

    /// The connection is gone; what was being said waits.
    pub fn disconnected(&mut self) {
        if std::mem::take(&mut self.is_connected) {
            let (heard, order) = self.ear.counts();
            tracing::info!(
                packets = heard.packets,
                lost = order.lost,
                late = order.late,
                recovered = heard.recovered,
                corrupt = heard.corrupt,
                "the candidate's stream is interrupted"
            );
            metrics::counter!("vivavoce_room_packets_total").increment(heard.packets);
            metrics::counter!("vivavoce_room_packets_lost_total").increment(order.lost);
            metrics::counter!("vivavoce_room_packets_recovered_total").increment(heard.recovered);
        }
        self.ear.disconnected();
        self.voice.interrupted();
        self.pace.interrupted();
    }

    /// A packet of the candidate came.
    pub fn packet(&mut self, packet: RtpPacket, arrival: Instant) {
        self.ear.push(packet.sequence(), packet.timestamp(), packet, arrival);
    }

    /// A command about speech.
    pub fn speak(&mut self, command: RoomCommand) {
        match command {
            RoomCommand::Play { speech, pcm } => {
                if let Err(error) = self.voice.play(speech, pcm) {
                    tracing::error!(%speech, %error, "voice was dropped");
                }
            }
            RoomCommand::EndOfSpeech { speech } => self.voice.end(speech),
            RoomCommand::Hold { speech } => self.voice.hold(speech),
            RoomCommand::Resume { speech } => self.voice.resume(speech),
            RoomCommand::Stop { speech } => self.voice.stop(speech),
            RoomCommand::Show(_) | RoomCommand::Close => {}
        }
    }

    /// When [`Self::advance`] is to be called at the latest.
    pub fn due(&self) -> Option<Instant> {
        self.pace.due().into_iter().chain(self.ear.due()).min()
    }

    /// Does what is due at `now`: frames up to the session, slots down to `peer`, if it is connected.
    pub fn advance(&mut self, now: Instant, peer: Option<&Peer>, out: &mut Outbox) {
        if self.ear.due().is_some_and(|due| due <= now) {
            self.ear.tick(now);
        }
        while let Some((at, samples)) = self.ear.pop_lost() {
            out.push(RoomEvent::AudioLost { at, samples });
        }
        while let Some(frame) = self.ear.pop() {
            out.push(RoomEvent::Heard(frame));
        }
        if let Some(peer) = peer {
            self.send_slots(now, peer, out);
        }
        self.tell_ended(out);
    }

    fn send_slots(&mut self, now: Instant, peer: &Peer, out: &mut Outbox) {
        if self.voice.has_slot() {
            self.pace.want(now);
        }
        while self.pace.due().is_some_and(|due| due <= now) {
            let Some(slot) = self.voice.take_slot() else {
                return self.pace.interrupted();
            };
            let Some((time, begins)) = self.pace.take(now, self.voice.has_slot()) else { return };
            self.send(time, begins, &slot, peer);
            if let Slot::Speech { speech, offset_samples, pcm } = slot {
                out.push(RoomEvent::Sent { speech, at: self.clock.at(time), offset_samples, pcm });
            }
            self.tell_ended(out);
        }
    }

    fn send(&mut self, time: Instant, begins: bool, slot: &Slot, peer: &Peer) {
        let mut packet = [0; ENCODED_BYTES_MAX];
        let pcm: &[i16] = match slot {
            Slot::Speech { pcm, .. } => &pcm[..],
            Slot::Silence => &[0; VOICE_FRAME_SAMPLES],
        };
        let ticks = time.duration_since(self.epoch).as_nanos() * TICKS_PER_S / 1_000_000_000;
        // RTP timestamps wrap.
        let timestamp = self.first_timestamp.wrapping_add(ticks as u32);
        self.sequence = self.sequence.wrapping_add(1);
        let stamp = RtpStamp { sequence: self.sequence, timestamp, marker: begins };
        let sent = match self.encoder.encode(pcm, &mut packet) {
            Ok(length) => peer.send(stamp, packet[..length].to_vec()),
            Err(_) => false,
        };
        if !sent {
            metrics::counter!("vivavoce_room_frames_unsent_total").increment(1);
        }
    }

    fn tell_ended(&mut self, out: &mut Outbox) {
        while let Some(ended) = self.voice.pop_ended() {
            out.push(match ended {
                Ended::Done { speech, sent_samples } => RoomEvent::SpeechDone { speech, sent_samples },
                Ended::Stopped { speech, sent_samples } => RoomEvent::SpeechStopped { speech, sent_samples },
            });
        }
    }
}
