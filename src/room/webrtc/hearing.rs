//! From packets to the candidate's frames: decodes, recovers or conceals what was lost, fills what was not sent, so that
//! every 20 ms of a connection has exactly one frame and positions follow the session's clock. Must never wait (it is
//! told the time) nor drop speech.

use crate::audio::frame::{EAR_FRAME_SAMPLES, EAR_RATE_HZ, EarFrame, FRAME_MS, SamplePos};
use crate::audio::opus::{Decoder, OpusError};
use crate::audio::reorder::{Ordered, Reorder, ReorderCounts};
use crate::room::SampleClock;
use crate::room::drift::Drift;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// RTP ticks (48 kHz, RFC 7587) in one sample of ours.
const TICKS_PER_SAMPLE: u32 = 48_000 / EAR_RATE_HZ;
/// Longest gap between two packets that is taken at its word, samples (5 s); beyond it the stream is placed anew.
const GAP_SAMPLES_MAX: i32 = 5 * EAR_RATE_HZ as i32;
/// Longest loss that the decoder may guess, samples (100 ms); silence after it.
const CONCEAL_SAMPLES_MAX: usize = EAR_RATE_HZ as usize / 10;
/// The decoder conceals in units of 2.5 ms, samples.
const CONCEAL_UNIT_SAMPLES: usize = EAR_RATE_HZ as usize / 400;
/// Silence is made up when nothing came for so long, ms: a late burst of packets shall still find its place.
const STALL_MS: u64 = 250;
/// The stream may lie behind the clock by so much before silence is put in, samples (40 ms).
const BEHIND_SAMPLES_MAX: i64 = 640;
const FRAME: Duration = Duration::from_millis(FRAME_MS as u64);

/// What happened to the candidate's stream on this connection.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct HearingCounts {
    pub packets: u64,
    /// Gaps whose last frame came out of the packet after it.
    pub recovered: u64,
    /// Frames' worth of samples that the decoder guessed.
    pub concealed_samples: u64,
    /// Silence made up for what was not sent.
    pub silent_samples: u64,
    /// Packets that were no Opus.
    pub corrupt: u64,
    /// Frames put in or taken out to follow the clock.
    pub shifted_frames: u64,
}

struct Packet<P> {
    timestamp: u32,
    payload: P,
    arrival: Instant,
}

/// The candidate's stream. Push packets, call [`Ear::tick`] when [`Ear::due`] says so, drain [`Ear::pop`] after each.
pub struct Ear<P> {
    clock: SampleClock,
    reorder: Reorder<Packet<P>>,
    decoder: Decoder,
    scratch: Vec<i16>,
    /// The frame in the making and where it starts.
    frame: [i16; EAR_FRAME_SAMPLES],
    frame_samples: usize,
    /// Samples of it that were received.
    real_samples: usize,
    next: SamplePos,
    /// Whether a connection stands: only then is silence made up.
    live: bool,
    /// The timestamp that follows the last decoded packet.
    expected: Option<u32>,
    /// Silence made up since the last packet, samples.
    stalled_samples: u64,
    last_arrival: Option<Instant>,
    last_tick: Option<Instant>,
    drift: Drift,
    out: VecDeque<EarFrame>,
    /// What was lost and not recovered: from where, and how many samples.
    lost: VecDeque<(SamplePos, u64)>,
    counts: HearingCounts,
}

impl<P: AsRef<[u8]>> Ear<P> {
    /// An ear that hears nothing yet; positions by `clock`.
    pub fn new(clock: SampleClock) -> Result<Self, OpusError> {
        let decoder = Decoder::for_ears()?;
        Ok(Self {
            clock,
            reorder: Reorder::default(),
            scratch: vec![0; decoder.samples_max()],
            decoder,
            frame: [0; EAR_FRAME_SAMPLES],
            frame_samples: 0,
            real_samples: 0,
            next: clock.origin_at,
            live: false,
            expected: None,
            stalled_samples: 0,
            last_arrival: None,
            last_tick: None,
            drift: Drift::new(BEHIND_SAMPLES_MAX),
            out: VecDeque::with_capacity(16),
            lost: VecDeque::new(),
            counts: HearingCounts::default(),
        })
    }

    /// A connection stands: the time from here on has frames.
    pub fn connected(&mut self, now: Instant) {
        self.disconnected();
        self.live = true;
        self.last_arrival = Some(now);
        self.next = self.next.max(self.clock.at(now));
    }

    /// The connection is gone: nothing more is made up.
    pub fn disconnected(&mut self) {
        self.live = false;
        self.reorder = Reorder::default();
        self.counts = HearingCounts::default();
        self.frame_samples = 0;
        self.real_samples = 0;
        self.begin_stream();
    }

    /// A packet came.
    pub fn push(&mut self, sequence: u16, timestamp: u32, payload: P, arrival: Instant) {
        if !self.live || payload.as_ref().is_empty() {
            return;
        }
        self.counts.packets += 1;
        let restarts = self.reorder.counts().restarted;
        self.reorder.push(sequence, Packet { timestamp, payload, arrival }, arrival);
        if self.reorder.counts().restarted != restarts {
            self.begin_stream();
        }
        self.last_arrival = Some(arrival);
        self.pull(arrival);
    }

    /// When there is something to do by the clock alone: a gap to give up, silence to make up.
    pub fn due(&self) -> Option<Instant> {
        let last = self.last_arrival.filter(|_| self.live)?;
        let silence = last + Duration::from_millis(STALL_MS) + FRAME;
        let silence = self.last_tick.map_or(silence, |tick| silence.max(tick + FRAME));
        Some(self.reorder.deadline().map_or(silence, |gap| gap.min(silence)))
    }

    /// Time passes: gives up what is waited for too long, makes up silence where nothing comes.
    pub fn tick(&mut self, now: Instant) {
        self.last_tick = Some(now);
        self.pull(now);
        let stall = Duration::from_millis(STALL_MS);
        let silent_since = self.last_arrival.filter(|last| self.live && now.duration_since(*last) > stall);
        if silent_since.is_some()
            && let Some(until) = now.checked_sub(stall)
        {
            let missing = self.clock.at(until).0.saturating_sub(self.end());
            let whole = missing - missing % EAR_FRAME_SAMPLES as u64;
            self.stalled_samples += whole;
            self.silence(whole);
        }
    }

    /// The next frame that is ready.
    pub fn pop(&mut self) -> Option<EarFrame> {
        self.out.pop_front()
    }

    /// The next stretch that was lost on the way and not recovered.
    pub fn pop_lost(&mut self) -> Option<(SamplePos, u64)> {
        self.lost.pop_front()
    }

    #[must_use]
    pub fn counts(&self) -> (HearingCounts, ReorderCounts) {
        (self.counts, self.reorder.counts())
    }

    /// Where the last sample so far ends.
    fn end(&self) -> u64 {
        self.next.0 + self.frame_samples as u64
    }

    fn begin_stream(&mut self) {
        self.expected = None;
        self.stalled_samples = 0;
        self.drift.begin();
    }

    fn pull(&mut self, now: Instant) {
        while let Some(Ordered { packet, lost_before }) = self.reorder.pop(now) {
            self.take(&packet, lost_before > 0);
        }
    }

    /// Fills what lies between the last packet and this one, then decodes it.
    fn take(&mut self, packet: &Packet<P>, after_loss: bool) {
        let payload = packet.payload.as_ref();
        let Ok(samples) = self.decoder.samples_in(payload) else {
            self.counts.corrupt += 1;
            return;
        };
        let gap = self.expected.map(|expected| packet.timestamp.wrapping_sub(expected).cast_signed());
        match gap.map(|ticks| ticks / TICKS_PER_SAMPLE.cast_signed()) {
            Some(gap @ 0..=GAP_SAMPLES_MAX) => {
                let missing = u64::from(gap.unsigned_abs()).saturating_sub(self.stalled_samples);
                if after_loss {
                    let stalled = self.stalled_samples.min(u64::from(gap.unsigned_abs()));
                    self.make_up_loss(stalled, missing, payload, samples);
                } else {
                    self.silence(missing);
                }
            }
            // A stream that begins, or whose timestamps make no sense: its place is where the clock says.
            Some(_) | None => {
                let start = self.clock.at(packet.arrival).0.saturating_sub(samples as u64);
                let missing = start.saturating_sub(self.end()).min(u64::from(GAP_SAMPLES_MAX.unsigned_abs()));
                self.silence(self.to_whole_frames(missing));
                self.drift.begin();
            }
        }
        self.stalled_samples = 0;
        let mut scratch = std::mem::take(&mut self.scratch);
        match self.decoder.decode(payload, &mut scratch) {
            Ok(decoded) => {
                self.append(&scratch[..decoded], true);
                let ticks = u32::try_from(decoded).unwrap_or(0) * TICKS_PER_SAMPLE;
                self.expected = Some(packet.timestamp.wrapping_add(ticks));
                let clock = self.clock.at(packet.arrival).0;
                self.drift.note(clock.cast_signed() - self.end().cast_signed());
            }
            Err(_) => self.counts.corrupt += 1,
        }
        self.scratch = scratch;
    }

    /// About `missing` samples, so that a frame begins behind them: a packet that lies across two frames would wait for the
    /// one after it.
    fn to_whole_frames(&self, missing: u64) -> u64 {
        let (begun, frame) = (self.frame_samples as u64, EAR_FRAME_SAMPLES as u64);
        let whole = (begun + missing + frame / 2) / frame * frame;
        if whole < begun { whole + frame - begun } else { whole - begun }
    }

    /// `missing` samples were lost right before the packet `next`, which holds `next_samples`; before them `stalled` ones,
    /// for which silence stands already.
    fn make_up_loss(&mut self, stalled: u64, missing: u64, next: &[u8], next_samples: usize) {
        let lost_from = SamplePos(self.end().saturating_sub(stalled));
        let missing = usize::try_from(missing).unwrap_or(0);
        let recoverable = missing.min(next_samples) / CONCEAL_UNIT_SAMPLES * CONCEAL_UNIT_SAMPLES;
        let guessed = (missing - recoverable).min(CONCEAL_SAMPLES_MAX) / CONCEAL_UNIT_SAMPLES * CONCEAL_UNIT_SAMPLES;
        let mut scratch = std::mem::take(&mut self.scratch);
        if guessed > 0 && self.decoder.conceal(&mut scratch[..guessed]).is_ok() {
            self.append(&scratch[..guessed], false);
            self.counts.concealed_samples += guessed as u64;
        }
        self.silence((missing - recoverable - guessed) as u64);
        if recoverable > 0 && self.decoder.recover(next, &mut scratch[..recoverable]).is_ok() {
            self.append(&scratch[..recoverable], true);
            self.counts.recovered += 1;
        }
        let lost = stalled + (missing - recoverable) as u64;
        if lost > 0 {
            self.lost.push_back((lost_from, lost));
        }
        self.scratch = scratch;
    }

    fn silence(&mut self, samples: u64) {
        self.counts.silent_samples += samples;
        let mut left = usize::try_from(samples).unwrap_or(0);
        while left > 0 {
            let part = left.min(EAR_FRAME_SAMPLES);
            self.append(&[0; EAR_FRAME_SAMPLES][..part], false);
            left -= part;
        }
    }

    fn append(&mut self, mut pcm: &[i16], real: bool) {
        while !pcm.is_empty() {
            let part = pcm.len().min(EAR_FRAME_SAMPLES - self.frame_samples);
            self.frame[self.frame_samples..self.frame_samples + part].copy_from_slice(&pcm[..part]);
            self.frame_samples += part;
            self.real_samples += if real { part } else { 0 };
            pcm = &pcm[part..];
            if self.frame_samples == EAR_FRAME_SAMPLES {
                self.finish_frame();
            }
        }
    }

    fn finish_frame(&mut self) {
        // Packets and frames do not begin together: what was lost lies across two frames, mostly in one.
        let concealed = self.real_samples * 2 < EAR_FRAME_SAMPLES;
        self.frame_samples = 0;
        self.real_samples = 0;
        let copies = self.drift.copies(&self.frame);
        if copies != 1 {
            self.counts.shifted_frames += 1;
        }
        for _ in 0..copies {
            self.out.push_back(EarFrame { at: self.next, pcm: self.frame, concealed });
            self.next = self.next.plus(EAR_FRAME_SAMPLES as u64);
        }
    }
}

#[cfg(test)]
mod tests;
