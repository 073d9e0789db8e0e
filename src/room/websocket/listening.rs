//! The caller's sound off a WebSocket, placed on the session's clock: TCP loses nothing, but it stands still and catches up.
//! Told the time, pure. Must never run ahead of the clock: whoever sends a file at once is slowed down by whoever reads.

use crate::audio::frame::{EAR_FRAME_SAMPLES, EAR_RATE_HZ, EarFrame, SamplePos};
use crate::audio::opus::{Decoder, OpusError};
use crate::room::SampleClock;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How far the sound may run ahead of the clock before its reader waits, samples (200 ms).
const AHEAD_SAMPLES_MAX: u64 = EAR_RATE_HZ as u64 / 5;
/// How far it may stay behind before silence stands in, samples (60 ms): a sender's jitter is less.
const BEHIND_SAMPLES_MAX: u64 = EAR_RATE_HZ as u64 * 60 / 1_000;
/// Silence of the caller's that is heard even where the sound is late, samples (400 ms): it may end a turn.
const SILENCE_KEPT_SAMPLES: u64 = EAR_RATE_HZ as u64 * 400 / 1_000;
/// A frame in which no sample is louder is silence (-44 dB).
const QUIET_PEAK: u16 = 200;
/// Longest message of sound, bytes: a second.
pub const SOUND_BYTES_MAX: usize = 2 * EAR_RATE_HZ as usize;

/// How sound is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SoundFormat {
    /// 16 bits, little-endian, mono, 16 kHz, any length.
    #[default]
    Pcm,
    /// One packet a message.
    Opus,
}

/// A message is no sound of its format.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the sound cannot be read")]
pub struct NoSound;

/// The stream of one caller.
pub struct Listening {
    clock: SampleClock,
    decoder: Option<Decoder>,
    scratch: Vec<i16>,
    frame: Vec<i16>,
    next: SamplePos,
    /// Sound was received in the frame in the making.
    is_real: bool,
    odd: Option<u8>,
    /// Silence that stood in for what came later: so much of the caller's own is left out, and the delay is gone.
    owed_samples: u64,
    /// The caller's silence so far.
    silent_samples: u64,
    out: VecDeque<EarFrame>,
}

impl Listening {
    pub fn new(clock: SampleClock, format: SoundFormat) -> Result<Self, OpusError> {
        let decoder = match format {
            SoundFormat::Pcm => None,
            SoundFormat::Opus => Some(Decoder::for_ears()?),
        };
        Ok(Self {
            clock,
            scratch: decoder.as_ref().map_or_else(Vec::new, |decoder| vec![0; decoder.samples_max()]),
            decoder,
            frame: Vec::with_capacity(EAR_FRAME_SAMPLES),
            next: clock.origin_at,
            is_real: false,
            odd: None,
            owed_samples: 0,
            silent_samples: 0,
            out: VecDeque::new(),
        })
    }

    /// A socket is there: the time from here on has frames.
    pub fn connected(&mut self, now: Instant) {
        self.frame.clear();
        self.odd = None;
        self.owed_samples = 0;
        self.next = self.next.max(self.clock.at(now));
    }

    /// Takes a message of sound that came at `now`.
    pub fn push(&mut self, bytes: &[u8], now: Instant) -> Result<(), NoSound> {
        if bytes.len() > SOUND_BYTES_MAX {
            return Err(NoSound);
        }
        if let Some(decoder) = &mut self.decoder {
            let mut scratch = std::mem::take(&mut self.scratch);
            let decoded = decoder.decode(bytes, &mut scratch).map_err(|_| NoSound);
            if let Ok(samples) = decoded {
                self.append(&scratch[..samples], Some(now));
            }
            self.scratch = scratch;
            return decoded.map(|_| ());
        }
        let mut pcm = std::mem::take(&mut self.scratch);
        pcm.clear();
        let mut all = self.odd.take().into_iter().chain(bytes.iter().copied());
        while let Some(low) = all.next() {
            match all.next() {
                Some(high) => pcm.push(i16::from_le_bytes([low, high])),
                None => self.odd = Some(low),
            }
        }
        self.append(&pcm, Some(now));
        self.scratch = pcm;
        Ok(())
    }

    /// Time passes: silence stands in for what does not come.
    pub fn tick(&mut self, now: Instant) {
        let behind = self.clock.at(now).0.saturating_sub(self.end());
        if behind > BEHIND_SAMPLES_MAX {
            let silence = vec![0; usize::try_from(behind - BEHIND_SAMPLES_MAX).unwrap_or(0)];
            self.owed_samples += silence.len() as u64;
            self.append(&silence, None);
        }
    }

    /// Until when whoever reads the socket must wait, if the sound runs ahead.
    #[must_use]
    pub fn ahead_until(&self, now: Instant) -> Option<Instant> {
        let ahead = self.end().saturating_sub(self.clock.at(now).0);
        let excess = ahead.checked_sub(AHEAD_SAMPLES_MAX).filter(|excess| *excess > 0)?;
        Some(now + Duration::from_micros(excess * 1_000_000 / u64::from(EAR_RATE_HZ)))
    }

    /// The next frame that is whole.
    pub fn pop(&mut self) -> Option<EarFrame> {
        self.out.pop_front()
    }

    fn end(&self) -> u64 {
        self.next.0 + self.frame.len() as u64
    }

    /// Whether the frame that is whole is silence of a caller whose sound is late: what waits behind it is nearer then.
    fn is_spare(&mut self, now: Instant) -> bool {
        if self.frame.iter().any(|sample| sample.unsigned_abs() > QUIET_PEAK) {
            self.silent_samples = 0;
            return false;
        }
        self.silent_samples += EAR_FRAME_SAMPLES as u64;
        let is_late = self.end() > self.clock.at(now).0 + BEHIND_SAMPLES_MAX;
        is_late && self.silent_samples > SILENCE_KEPT_SAMPLES && self.owed_samples >= EAR_FRAME_SAMPLES as u64
    }

    /// Sound that came at `now`, or silence that stands in for none.
    fn append(&mut self, mut pcm: &[i16], came: Option<Instant>) {
        while !pcm.is_empty() {
            let part = pcm.len().min(EAR_FRAME_SAMPLES - self.frame.len());
            self.frame.extend_from_slice(&pcm[..part]);
            self.is_real |= came.is_some();
            pcm = &pcm[part..];
            if self.frame.len() == EAR_FRAME_SAMPLES {
                if came.is_some_and(|now| self.is_spare(now)) {
                    self.owed_samples -= EAR_FRAME_SAMPLES as u64;
                    self.frame.clear();
                    continue;
                }
                let mut whole = [0; EAR_FRAME_SAMPLES];
                whole.copy_from_slice(&self.frame);
                self.frame.clear();
                let concealed = !std::mem::take(&mut self.is_real);
                self.out.push_back(EarFrame { at: self.next, pcm: whole, concealed });
                self.next = self.next.plus(EAR_FRAME_SAMPLES as u64);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening(now: Instant) -> Listening {
        let clock = SampleClock { origin: now, origin_at: SamplePos(0) };
        let mut listening = Listening::new(clock, SoundFormat::Pcm).expect("no codec is needed");
        listening.connected(now);
        listening
    }

    fn frames(listening: &mut Listening) -> Vec<(u64, i16, bool)> {
        std::iter::from_fn(|| listening.pop()).map(|frame| (frame.at.ms(), frame.pcm[0], frame.concealed)).collect()
    }

    #[test]
    fn messages_of_any_length_become_frames() {
        let start = Instant::now();
        let mut listening = listening(start);
        let bytes: Vec<u8> = (0..640).flat_map(|_| 7_i16.to_le_bytes()).collect();
        bytes.chunks(77).for_each(|part| listening.push(part, start).expect("sound"));
        assert_eq!(frames(&mut listening), [(0, 7, false), (20, 7, false)]);
        assert_eq!(listening.push(&[0; SOUND_BYTES_MAX + 1], start), Err(NoSound));
    }

    #[test]
    fn silence_stands_in_for_a_stall_and_a_flood_is_held_back() {
        let start = Instant::now();
        let mut listening = listening(start);
        let at = |ms| start + Duration::from_millis(ms);
        listening.tick(at(60));
        assert_eq!(frames(&mut listening), []);
        listening.tick(at(100));
        assert_eq!(frames(&mut listening), [(0, 0, true), (20, 0, true)]);
        assert_eq!(listening.ahead_until(at(100)), None);
        listening.push(&[7; 16_000], at(100)).expect("half a second");
        let until = listening.ahead_until(at(100)).expect("it runs ahead");
        assert_eq!(until.duration_since(at(100)).as_millis(), 240);
    }
    /// Sends 20 ms at each step of the clock, but from `stall` on nothing for so long, and then all of it at once; how
    /// late the sound is in the end, ms.
    fn late_after(stall: u64, sound: impl Fn(u64) -> i16) -> u64 {
        let start = Instant::now();
        let mut listening = listening(start);
        let mut sent: VecDeque<u64> = VecDeque::new();
        for frame in 0..400 {
            let now = start + Duration::from_millis(20 * frame);
            sent.push_back(frame);
            if !(50..50 + stall / 20).contains(&frame) {
                while listening.ahead_until(now).is_none()
                    && let Some(frame) = sent.pop_front()
                {
                    let level = sound(frame).to_le_bytes();
                    let bytes: Vec<u8> = (0..EAR_FRAME_SAMPLES).flat_map(|_| level).collect();
                    listening.push(&bytes, now).expect("sound");
                }
            }
            listening.tick(now);
            frames(&mut listening);
        }
        20 * sent.len() as u64 + listening.end().saturating_sub(20 * 400 * 16) / 16
    }

    #[test]
    fn no_delay_stays_behind_a_stall_once_the_caller_is_silent() {
        let talks = |frame: u64| if frame < 200 { 5_000 } else { 0 };
        assert!(late_after(0, talks) <= 60);
        assert!(late_after(1_500, |_| 5_000) > 1_000, "no word is left out");
        let late_ms = late_after(1_500, talks);
        assert!(late_ms <= 100, "{late_ms}");
    }
}
