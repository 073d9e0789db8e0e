//! From a participant's sound, as the native client gives it, to the candidate's frames: one for every 20 ms of a
//! connection, at positions that follow the session's clock. The native client has put packets in order and concealed
//! what was lost. Must never wait (it is told the time) nor drop speech.

use crate::audio::frame::{EAR_FRAME_SAMPLES, EarFrame, SamplePos};
use crate::room::SampleClock;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

const FRAME: u64 = EAR_FRAME_SAMPLES as u64;
/// Silence is made up when nothing came for so long: a late burst shall still find its place.
const STALL: Duration = Duration::from_millis(250);
/// How often the stream is compared with the clock, frames (5 s).
const DRIFT_FRAMES: u32 = 250;
/// The stream may lie behind the clock by so much before silence is put in, samples (60 ms: frames come in pairs).
const BEHIND_SAMPLES_MAX: i64 = 960;
/// The stream may run ahead of the clock by so much before silence is taken out, samples (20 ms).
const AHEAD_SAMPLES_MAX: i64 = 320;
/// A frame in which no sample is louder is silence and may be taken out or doubled (-44 dB).
const QUIET_PEAK: u16 = 200;

/// The candidate's stream. Push frames, call [`Ear::tick`] now and then, drain [`Ear::pop`] after each.
pub struct Ear {
    clock: SampleClock,
    /// Where the next frame stands, while a connection stands.
    next: SamplePos,
    is_live: bool,
    last_arrival: Option<Instant>,
    /// Silence made up since the last frame, in frames; what then comes late takes its place.
    frames: u32,
    /// Least lag of the stream behind the clock in this window, samples: the delay of the quickest frame.
    least_lag: Option<i64>,
    /// Samples to put in (positive) or take out (negative) where it is silent.
    due: i64,
    out: VecDeque<EarFrame>,
}

impl Ear {
    pub fn new(clock: SampleClock) -> Self {
        Self {
            clock,
            next: clock.origin_at,
            is_live: false,
            last_arrival: None,
            frames: 0,
            least_lag: None,
            due: 0,
            out: VecDeque::new(),
        }
    }

    /// The candidate is there: the time from here on has frames.
    pub fn connected(&mut self, now: Instant) {
        self.is_live = true;
        self.last_arrival = Some(now);
        self.next = self.next.max(self.clock.at(now));
        self.look_anew();
    }

    /// The candidate is gone: nothing more is made up.
    pub fn disconnected(&mut self) {
        self.is_live = false;
    }

    /// A frame came.
    pub fn push(&mut self, pcm: &[i16; EAR_FRAME_SAMPLES], arrival: Instant) {
        if !self.is_live {
            return;
        }
        self.last_arrival = Some(arrival);
        let quiet = pcm.iter().all(|sample| sample.unsigned_abs() <= QUIET_PEAK);
        let copies = if quiet { self.copies() } else { 1 };
        (0..copies).for_each(|_| self.append(*pcm, false));
        let lag = self.clock.at(arrival).0.cast_signed() - self.next.0.cast_signed();
        self.note(lag);
    }

    /// Time passes: silence is made up where nothing comes.
    pub fn tick(&mut self, now: Instant) {
        let Some(last) = self.last_arrival.filter(|_| self.is_live) else { return };
        if now.saturating_duration_since(last) <= STALL {
            return;
        }
        if let Some(until) = now.checked_sub(STALL) {
            let missing = self.clock.at(until).0.saturating_sub(self.next.0) / FRAME;
            (0..missing).for_each(|_| self.append([0; EAR_FRAME_SAMPLES], true));
            if missing > 0 {
                self.look_anew();
            }
        }
    }

    /// The next frame that is ready.
    pub fn pop(&mut self) -> Option<EarFrame> {
        self.out.pop_front()
    }

    fn append(&mut self, pcm: [i16; EAR_FRAME_SAMPLES], concealed: bool) {
        self.out.push_back(EarFrame { at: self.next, pcm, concealed });
        self.next = self.next.plus(FRAME);
    }

    fn look_anew(&mut self) {
        (self.frames, self.least_lag, self.due) = (0, None, 0);
    }

    fn note(&mut self, lag: i64) {
        if self.due != 0 {
            return;
        }
        self.frames += 1;
        self.least_lag = Some(self.least_lag.map_or(lag, |least| least.min(lag)));
        if self.frames >= DRIFT_FRAMES {
            let least = self.least_lag.take().unwrap_or(0);
            self.frames = 0;
            let is_near = (-AHEAD_SAMPLES_MAX..=BEHIND_SAMPLES_MAX).contains(&least);
            self.due = if is_near { 0 } else { least };
        }
    }

    /// How often a quiet frame is to be emitted: 0, 1 or 2 times.
    fn copies(&mut self) -> usize {
        let frame = FRAME.cast_signed();
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

    fn ear() -> (Ear, Instant) {
        let origin = Instant::now();
        let mut ear = Ear::new(SampleClock { origin, origin_at: SamplePos(0) });
        ear.connected(origin);
        (ear, origin)
    }

    fn drained(ear: &mut Ear) -> Vec<EarFrame> {
        std::iter::from_fn(|| ear.pop()).collect()
    }

    #[test]
    fn frames_follow_each_other_and_a_stall_is_filled() {
        let (mut ear, origin) = ear();
        let at = |ms: u64| origin + Duration::from_millis(ms);
        for n in 1..=10 {
            ear.push(&[900; EAR_FRAME_SAMPLES], at(n * 20));
            ear.tick(at(n * 20));
        }
        ear.tick(at(1_000));
        let frames = drained(&mut ear);
        // 200 ms were heard; at 1,000 ms everything older than 250 ms is known to be missing.
        assert_eq!(frames.len(), 37);
        assert!(frames.windows(2).all(|pair| pair[1].at.0 == pair[0].at.0 + FRAME));
        assert_eq!(frames.iter().filter(|frame| frame.concealed).count(), 27);
        ear.disconnected();
        ear.tick(at(9_000));
        ear.push(&[1; EAR_FRAME_SAMPLES], at(9_000));
        assert!(drained(&mut ear).is_empty(), "nobody is there");
        ear.connected(at(9_000));
        ear.push(&[1; EAR_FRAME_SAMPLES], at(9_020));
        assert_eq!(drained(&mut ear)[0].at, SamplePos::from_ms(9_000));
    }

    #[test]
    fn a_stream_that_runs_slow_is_put_right_in_silence_alone() {
        let (mut ear, origin) = ear();
        // 1 % slow: 20.2 ms a frame; loud, then quiet.
        for n in 1_u64..=1_000 {
            let pcm = if n < 900 { [5_000; EAR_FRAME_SAMPLES] } else { [0; EAR_FRAME_SAMPLES] };
            ear.push(&pcm, origin + Duration::from_micros(n * 20_200));
        }
        let frames = drained(&mut ear);
        let loud = frames.iter().filter(|frame| frame.pcm[0] != 0).count();
        assert_eq!(loud, 899, "speech is neither cut nor doubled");
        assert!(frames.len() > 1_003, "{}", frames.len());
    }
}
