//! From a participant's sound, as the native client gives it, to the candidate's frames: one for every 20 ms of a
//! connection, at positions that follow the session's clock. The native client has put packets in order and concealed
//! what was lost. Must never wait (it is told the time) nor drop speech.

use crate::audio::frame::{EAR_FRAME_SAMPLES, EarFrame, SamplePos};
use crate::room::SampleClock;
use crate::room::drift::Drift;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

const FRAME: u64 = EAR_FRAME_SAMPLES as u64;
/// Silence is made up when nothing came for so long: a late burst shall still find its place.
const STALL: Duration = Duration::from_millis(250);
/// The stream may lie behind the clock by so much before silence is put in, samples (60 ms: frames come in pairs).
const BEHIND_SAMPLES_MAX: i64 = 960;

/// The candidate's stream. Push frames, call [`Ear::tick`] now and then, drain [`Ear::pop`] after each.
pub struct Ear {
    clock: SampleClock,
    /// Where the next frame stands, while a connection stands.
    next: SamplePos,
    is_live: bool,
    last_arrival: Option<Instant>,
    drift: Drift,
    out: VecDeque<EarFrame>,
}

impl Ear {
    pub fn new(clock: SampleClock) -> Self {
        Self {
            clock,
            next: clock.origin_at,
            is_live: false,
            last_arrival: None,
            drift: Drift::new(BEHIND_SAMPLES_MAX),
            out: VecDeque::new(),
        }
    }

    /// The candidate is there: the time from here on has frames.
    pub fn connected(&mut self, now: Instant) {
        self.is_live = true;
        self.last_arrival = Some(now);
        self.next = self.next.max(self.clock.at(now));
        self.drift.begin();
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
        let copies = self.drift.copies(pcm);
        (0..copies).for_each(|_| self.append(*pcm, false));
        let lag = self.clock.at(arrival).0.cast_signed() - self.next.0.cast_signed();
        self.drift.note(lag);
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
                self.drift.begin();
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
