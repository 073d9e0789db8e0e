//! From packets to the candidate's frames: decodes, recovers or conceals what was lost, fills what was not sent, so that
//! every 20 ms of a connection has exactly one frame and positions follow the session's clock. Must never wait (it is
//! told the time) nor drop speech.

use crate::audio::frame::{EAR_FRAME_SAMPLES, EAR_RATE_HZ, EarFrame, SamplePos};
use crate::audio::opus::{Decoder, OpusError};
use crate::audio::reorder::{Ordered, Reorder, ReorderCounts};
use crate::room::SampleClock;
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
/// How often the stream is compared with the clock, packets (5 s).
const DRIFT_PACKETS: u32 = 250;
/// The stream may lie behind the clock by so much before silence is put in, samples (40 ms).
const BEHIND_SAMPLES_MAX: i64 = 640;
/// The stream may run ahead of the clock by so much before silence is taken out, samples (20 ms).
const AHEAD_SAMPLES_MAX: i64 = 320;
/// A frame in which no sample is louder is silence and may be taken out or doubled (-44 dB).
const QUIET_PEAK: u16 = 200;

/// What happened to the candidate's stream.
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

/// The candidate's stream. Push packets, call [`Ear::tick`] every 20 ms, drain [`Ear::pop`] after each.
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
    drift: Drift,
    out: VecDeque<EarFrame>,
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
            drift: Drift::default(),
            out: VecDeque::with_capacity(16),
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

    /// Time passes: gives up what is waited for too long, makes up silence where nothing comes.
    pub fn tick(&mut self, now: Instant) {
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
        self.drift = Drift::default();
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
                    self.make_up_loss(missing, payload, samples);
                } else {
                    self.silence(missing);
                }
            }
            // A stream that begins, or whose timestamps make no sense: its place is where the clock says.
            Some(_) | None => {
                let start = self.clock.at(packet.arrival).0.saturating_sub(samples as u64);
                self.silence(start.saturating_sub(self.end()).min(u64::from(GAP_SAMPLES_MAX.unsigned_abs())));
                self.drift = Drift::default();
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

    /// `missing` samples were lost right before the packet `next`, which holds `next_samples`.
    fn make_up_loss(&mut self, missing: u64, next: &[u8], next_samples: usize) {
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
        let concealed = self.real_samples == 0;
        self.frame_samples = 0;
        self.real_samples = 0;
        let quiet = self.frame.iter().all(|sample| sample.unsigned_abs() <= QUIET_PEAK);
        let copies = if quiet { self.drift.copies() } else { 1 };
        if copies != 1 {
            self.counts.shifted_frames += 1;
        }
        for _ in 0..copies {
            self.out.push_back(EarFrame { at: self.next, pcm: self.frame, concealed });
            self.next = self.next.plus(EAR_FRAME_SAMPLES as u64);
        }
    }
}

/// How far the candidate's clock has run from ours, and what is still to be put right.
#[derive(Default)]
struct Drift {
    packets: u32,
    /// Least lag of the stream behind the clock in this window, samples: the delay of the quickest packet.
    least_lag: Option<i64>,
    /// Samples to put in (positive) or take out (negative).
    due: i64,
}

impl Drift {
    fn note(&mut self, lag: i64) {
        if self.due != 0 {
            return;
        }
        self.packets += 1;
        self.least_lag = Some(self.least_lag.map_or(lag, |least| least.min(lag)));
        if self.packets >= DRIFT_PACKETS {
            let least = self.least_lag.take().unwrap_or(0);
            self.packets = 0;
            let out_of_bounds = least > BEHIND_SAMPLES_MAX || least < -AHEAD_SAMPLES_MAX;
            self.due = if out_of_bounds { least } else { 0 };
        }
    }

    /// How often a quiet frame is to be emitted: 0, 1 or 2 times.
    fn copies(&mut self) -> usize {
        let frame = EAR_FRAME_SAMPLES as i64;
        let (copies, left) = match self.due {
            due if due >= frame => (2, due - frame),
            due if due <= -frame => (0, due + frame),
            due => (1, due),
        };
        self.due = if left.abs() < frame { 0 } else { left };
        copies
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::opus::{ENCODED_BYTES_MAX, Encoder, EncoderSettings};

    const FRAME: Duration = Duration::from_millis(20);

    /// A buzz of 150 Hz that swells four times a second: steady tones count as noise to the encoder, and noise carries
    /// no copy for recovery.
    fn voice_like(sample: usize) -> i16 {
        let at = sample as f32 / 16_000.0 * std::f32::consts::TAU;
        let buzz: f32 = (1_u8..8).map(|n| (at * 150.0 * f32::from(n)).sin() / f32::from(n)).sum();
        (buzz * 5_000.0 * (0.55 - 0.45 * (at * 4.0).cos())) as i16
    }

    fn energy(frame: &EarFrame) -> f64 {
        frame.pcm.iter().map(|sample| f64::from(*sample).powi(2)).sum()
    }

    /// A sender of a voice, a listening ear, and the time.
    struct Line {
        start: Instant,
        encoder: Encoder,
        ear: Ear<Vec<u8>>,
        sequence: u16,
        timestamp: u32,
        spoken: usize,
        frames: Vec<EarFrame>,
    }

    impl Line {
        fn new(sequence: u16, timestamp: u32) -> Self {
            let start = Instant::now();
            let clock = SampleClock { origin: start, origin_at: SamplePos(0) };
            let mut ear = Ear::new(clock).expect("rates are valid");
            ear.connected(start);
            let settings = EncoderSettings { rate_hz: 16_000, ..EncoderSettings::default() };
            let encoder = Encoder::new(settings).expect("settings are valid");
            Self { start, encoder, ear, sequence, timestamp, spoken: 0, frames: Vec::new() }
        }

        fn packet(&mut self, loud: bool) -> Vec<u8> {
            let pcm: Vec<i16> =
                (0..320).map(|i| if loud { voice_like(self.spoken + i) } else { 0 }).collect();
            self.spoken += 320;
            let mut out = [0; ENCODED_BYTES_MAX];
            let length = self.encoder.encode(&pcm, &mut out).expect("a whole frame");
            out[..length].to_vec()
        }

        /// Sends `count` packets from time slot `slot` on, without those that `lost` names.
        fn send(&mut self, slot: u32, count: u32, loud: bool, lost: impl Fn(u32) -> bool) {
            for n in 0..count {
                let payload = self.packet(loud);
                if !lost(n) {
                    let now = self.start + FRAME * (slot + n + 1);
                    self.ear.push(self.sequence, self.timestamp, payload, now);
                    self.ear.tick(now);
                    self.collect();
                }
                self.sequence = self.sequence.wrapping_add(1);
                self.timestamp = self.timestamp.wrapping_add(960);
            }
        }

        fn pass(&mut self, from_slot: u32, to_slot: u32) {
            for slot in from_slot..to_slot {
                self.ear.tick(self.start + FRAME * (slot + 1));
                self.collect();
            }
        }

        fn collect(&mut self) {
            while let Some(frame) = self.ear.pop() {
                self.frames.push(frame);
            }
        }

        /// Every frame follows the one before it.
        fn assert_contiguous(&self) {
            for pair in self.frames.windows(2) {
                assert_eq!(pair[1].at, pair[0].at.plus(320));
            }
        }
    }

    #[test]
    fn a_clean_stream_gives_a_frame_a_packet_where_the_clock_says() {
        let mut line = Line::new(65_500, u32::MAX - 10_000);
        line.send(0, 100, true, |_| false);
        assert_eq!(line.frames.len(), 100);
        assert_eq!(line.frames[0].at, SamplePos(0));
        assert!(line.frames.iter().all(|frame| !frame.concealed));
        line.assert_contiguous();
    }

    #[test]
    fn a_single_loss_is_recovered_from_the_next_packet() {
        let mut line = Line::new(1, 0);
        line.send(0, 100, true, |n| n % 10 == 5);
        let (counts, order) = line.ear.counts();
        assert_eq!((order.lost, counts.recovered), (10, 10));
        assert_eq!((counts.concealed_samples, counts.silent_samples), (0, 0));
        assert_eq!(line.frames.len(), 100);
        line.assert_contiguous();
        let mut clean = Line::new(1, 0);
        clean.send(0, 100, true, |_| false);
        let loudest = clean.frames.iter().map(energy).fold(0.0, f64::max);
        for (n, (frame, wanted)) in line.frames.iter().zip(&clean.frames).enumerate() {
            let level = energy(frame) / energy(wanted).max(1.0);
            assert!(energy(wanted) < loudest / 10.0 || (0.4..2.5).contains(&level), "frame {n}: {level} of its energy");
        }
    }

    #[test]
    fn three_losses_in_a_row_are_guessed_and_the_last_recovered() {
        let mut line = Line::new(65_530, 0);
        line.send(0, 50, true, |n| (20..23).contains(&n));
        let (counts, order) = line.ear.counts();
        assert_eq!((order.lost, counts.recovered, counts.concealed_samples), (3, 1, 640));
        assert_eq!(line.frames.len(), 50);
        assert_eq!(line.frames.iter().filter(|frame| frame.concealed).count(), 2);
        line.assert_contiguous();
    }

    #[test]
    fn a_silence_that_was_not_sent_is_filled_to_the_sample() {
        let mut line = Line::new(1, 0);
        line.send(0, 10, true, |_| false);
        // Discontinuous transmission: 300 ms later the next packet in sequence, its timestamp 300 ms on.
        line.timestamp += 960 * 15;
        line.pass(10, 25);
        line.send(25, 10, true, |_| false);
        assert_eq!(line.frames.len(), 35);
        assert_eq!(line.frames[34].at, SamplePos(34 * 320));
        assert_eq!(line.frames.iter().filter(|frame| frame.concealed).count(), 15);
        line.assert_contiguous();
    }

    #[test]
    fn silence_goes_on_while_nothing_comes() {
        let mut line = Line::new(1, 0);
        line.send(0, 10, true, |_| false);
        line.pass(10, 510);
        // 10 s later, less what a late burst may still bring.
        assert_eq!(line.frames.len(), 510 - 13);
        line.timestamp += 960 * 500;
        line.send(510, 10, true, |_| false);
        assert_eq!(line.frames.len(), 520);
        line.assert_contiguous();
    }

    #[test]
    fn a_late_burst_loses_no_speech_and_the_stream_finds_back_to_the_clock() {
        let mut line = Line::new(1, 0);
        line.send(0, 10, true, |_| false);
        line.pass(10, 40);
        let made_up = line.frames.len() - 10;
        assert!(made_up > 10, "silence was made up");
        // 30 packets of those 600 ms come at once.
        let now = line.start + FRAME * 41;
        for n in 0..30 {
            let payload = line.packet(true);
            line.ear.push(11 + n, 960 * (10 + u32::from(n)), payload, now);
        }
        line.collect();
        let spoken = line.frames.iter().filter(|frame| !frame.concealed).count();
        assert_eq!(spoken, 40);
        (line.sequence, line.timestamp) = (41, 960 * 40);
        line.send(41, 250, true, |_| false);
        line.send(291, 50, false, |_| false);
        let end = line.frames.last().expect("frames").at.0 + 320;
        let clock = 341 * 320;
        assert!((end.cast_signed() - clock).abs() <= 640, "ends at {end}, the clock says {clock}");
        line.assert_contiguous();
    }

    #[test]
    fn a_sender_whose_clock_runs_slow_is_followed() {
        let mut line = Line::new(1, 0);
        // 0.5 % slow: a minute of packets lasts 60.3 s.
        for n in 0..3_000_u32 {
            let payload = line.packet(n % 10 > 5);
            let now = line.start + FRAME * (n + 1) + Duration::from_micros(100) * n;
            line.ear.push(line.sequence, line.timestamp, payload, now);
            line.collect();
            line.sequence += 1;
            line.timestamp += 960;
        }
        let end = line.frames.last().expect("frames").at.0 + 320;
        let clock = 60 * 16_000 + 300 * 16;
        assert!((end.cast_signed() - clock).abs() <= 1_280, "ends at {end}, the clock says {clock}");
        line.assert_contiguous();
    }

    #[test]
    fn nonsense_timestamps_place_the_stream_anew() {
        let mut line = Line::new(1, 0);
        line.send(0, 10, true, |_| false);
        line.timestamp = line.timestamp.wrapping_sub(1_000_000);
        line.send(10, 10, true, |_| false);
        line.timestamp = line.timestamp.wrapping_add(500_000_000);
        line.send(20, 10, true, |_| false);
        assert_eq!(line.frames.len(), 30);
        line.assert_contiguous();
    }

    #[test]
    fn garbage_in_a_packet_costs_only_that_packet() {
        let mut line = Line::new(1, 0);
        line.send(0, 5, true, |_| false);
        line.ear.push(6, 960 * 5, vec![0xff; 7], line.start + FRAME * 6);
        (line.sequence, line.timestamp) = (7, 960 * 6);
        line.send(6, 5, true, |_| false);
        assert_eq!(line.ear.counts().0.corrupt, 1);
        assert_eq!(line.frames.len(), 11);
        line.assert_contiguous();
    }

    #[test]
    fn a_new_connection_begins_where_the_clock_stands() {
        let mut line = Line::new(1, 0);
        line.send(0, 10, true, |_| false);
        line.ear.disconnected();
        line.pass(10, 100);
        assert_eq!(line.frames.len(), 10);
        line.ear.connected(line.start + FRAME * 100);
        (line.sequence, line.timestamp) = (9_000, 77);
        line.send(100, 5, true, |_| false);
        assert_eq!(line.frames.len(), 15);
        assert_eq!(line.frames[10].at, SamplePos(100 * 320));
    }
}
