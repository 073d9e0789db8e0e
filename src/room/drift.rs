//! How far a candidate's clock has run from ours, and how it is put right: a frame of silence put in or taken out, never a
//! frame of speech. Shared by the rooms whose sound comes at somebody else's pace. Pure; must never change a sample.

use crate::audio::frame::EAR_FRAME_SAMPLES;

/// How often the stream is compared with the clock, frames (5 s).
const WINDOW_FRAMES: u32 = 250;
/// The stream may run ahead of the clock by so much before silence is taken out, samples (20 ms).
const AHEAD_SAMPLES_MAX: i64 = 320;
/// A frame in which no sample is louder is silence and may be taken out or doubled (-44 dB).
const QUIET_PEAK: u16 = 200;

/// The drift of one stream.
#[derive(Debug)]
pub struct Drift {
    /// The stream may lie behind the clock by so much before silence is put in, samples.
    behind_samples_max: i64,
    frames: u32,
    /// Least lag of the stream behind the clock in this window, samples: the delay of the quickest frame.
    least_lag: Option<i64>,
    /// Samples to put in (positive) or take out (negative).
    due: i64,
}

impl Drift {
    #[must_use]
    pub fn new(behind_samples_max: i64) -> Self {
        Self { behind_samples_max, frames: 0, least_lag: None, due: 0 }
    }

    /// The stream begins anew, where the clock says.
    pub fn begin(&mut self) {
        *self = Self::new(self.behind_samples_max);
    }

    /// Something came, and ends so far behind the clock, samples.
    pub fn note(&mut self, lag: i64) {
        if self.due != 0 {
            return;
        }
        self.frames += 1;
        self.least_lag = Some(self.least_lag.map_or(lag, |least| least.min(lag)));
        if self.frames >= WINDOW_FRAMES {
            let least = self.least_lag.take().unwrap_or(0);
            self.frames = 0;
            let is_near = (-AHEAD_SAMPLES_MAX..=self.behind_samples_max).contains(&least);
            self.due = if is_near { 0 } else { least };
        }
    }

    /// How often this frame is to be emitted: once, or 0 or 2 times where it is silence.
    pub fn copies(&mut self, pcm: &[i16; EAR_FRAME_SAMPLES]) -> usize {
        if self.due == 0 || pcm.iter().any(|sample| sample.unsigned_abs() > QUIET_PEAK) {
            return 1;
        }
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

    const SILENCE: [i16; EAR_FRAME_SAMPLES] = [0; EAR_FRAME_SAMPLES];

    /// What 1,000 quiet frames become, at a lag that stays as it is but for what is put right.
    fn emitted(mut lag: i64) -> usize {
        let mut drift = Drift::new(640);
        (0..1_000)
            .map(|_| {
                let copies = drift.copies(&SILENCE);
                lag -= (copies as i64 - 1) * EAR_FRAME_SAMPLES as i64;
                drift.note(lag);
                copies
            })
            .sum()
    }

    #[test]
    fn a_stream_is_brought_back_to_the_clock_and_left_alone_near_it() {
        for lag in [-AHEAD_SAMPLES_MAX, 0, 640] {
            assert_eq!(emitted(lag), 1_000, "{lag}");
        }
        assert_eq!(emitted(3_200), 1_010, "200 ms behind: ten frames are put in");
        assert_eq!(emitted(-1_600), 995, "100 ms ahead: five are taken out");
        let mut drift = Drift::new(640);
        (0..WINDOW_FRAMES).for_each(|_| drift.note(3_200));
        assert_eq!(drift.copies(&[5_000; EAR_FRAME_SAMPLES]), 1, "speech is left alone");
        assert_eq!(drift.copies(&SILENCE), 2);
        drift.begin();
        assert_eq!(drift.copies(&SILENCE), 1, "a stream that begins anew owes nothing");
    }
}
