//! The candidate's stream by the packets that come and the frames that leave.

use super::*;
use crate::audio::opus::{ENCODED_BYTES_MAX, Encoder, EncoderSettings};

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
        let pcm: Vec<i16> = (0..320).map(|i| if loud { voice_like(self.spoken + i) } else { 0 }).collect();
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
fn a_packet_is_a_frame_at_once_wherever_it_falls() {
    for late_ms in [3, 7, 13, 19] {
        let mut line = Line::new(1, 0);
        let first = line.start + Duration::from_millis(20 + late_ms);
        for n in 0..10_u16 {
            let payload = line.packet(true);
            line.ear.push(n, u32::from(n) * 960, payload, first + FRAME * u32::from(n));
            line.collect();
            assert!(line.frames.iter().filter(|frame| !frame.concealed).count() > usize::from(n), "{late_ms} ms: {n}");
        }
        // And its place is the clock's, to half a frame.
        let end = Duration::from_millis(line.frames.last().expect("frames").at.plus(320).ms());
        let clock = Duration::from_millis(20 + late_ms) + FRAME * 9;
        assert!(end.abs_diff(clock) <= FRAME / 2, "{late_ms} ms: {end:?}, the clock says {clock:?}");
        line.assert_contiguous();
    }
}

#[test]
fn the_clock_alone_is_needed_only_where_something_is_missing() {
    let mut line = Line::new(1, 0);
    line.send(0, 10, true, |_| false);
    let last = line.start + FRAME * 10;
    assert_eq!(line.ear.due(), Some(last + Duration::from_millis(270)));
    let mut frames = line.frames.len();
    for _ in 0..5 {
        line.ear.tick(line.ear.due().expect("connected"));
        line.collect();
        frames += 1;
        assert_eq!(line.frames.len(), frames, "a frame a tick, once nothing comes");
    }
    assert_eq!(line.ear.due(), Some(last + Duration::from_millis(370)));
    line.ear.disconnected();
    assert_eq!(line.ear.due(), None);
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
