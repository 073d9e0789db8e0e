//! Whether what the candidate's microphone picks up is our own voice, come back attenuated and delayed: the waveform that
//! is heard is compared with the one that was sent. Pure. Must never take for an echo what does not run along with it.

use crate::audio::frame::{EAR_FRAME_SAMPLES, EarFrame, SamplePos, VOICE_FRAME_SAMPLES};
use std::collections::VecDeque;

/// Both sides are compared at this rate, Hz: below 1 kHz is most of a voice, and a search takes about a millisecond.
const RATE_HZ: usize = 2_000;
/// Samples of a frame of 20 ms at that rate.
const FRAME: usize = RATE_HZ / 50;
/// Positions of the session's clock in one such sample.
const POSITIONS: u64 = 8;
/// Longest way round: the line twice, the client's buffer, the room (800 ms).
const LAG_MAX: usize = RATE_HZ * 8 / 10;
/// What is compared of the heard side while no delay is known: 120 ms.
const SEARCHED: usize = RATE_HZ * 12 / 100;
/// The same once it is known: 60 ms, so that somebody who begins to talk is noticed soon.
const COMPARED: usize = RATE_HZ * 6 / 100;
/// Sent samples that are kept: the longest way round and what is compared.
const KEPT: usize = LAG_MAX + SEARCHED + 2 * FRAME;
/// Least loudness (RMS of 32,767) that is looked at: below it no detector hears a voice.
const LOUDNESS_MIN: f32 = 30.0;
/// From this correlation on, -1 to 1, a stretch is an echo while no delay is known: two voices reach 0.7 by chance.
const FOUND_MIN: f32 = 0.85;
/// The same at the delay that is known; a room's reverberation takes something of it.
const KNOWN_MIN: f32 = 0.55;
/// Frames in a row that must agree on a delay before it is known.
const AGREEING_MIN: u32 = 3;
/// A delay may wander by so many samples (1 ms) between two frames.
const WANDER: usize = RATE_HZ / 1_000;
/// Frames of sound over our voice without any echo after which the delay is forgotten (1 s).
const FORGOTTEN_AFTER: u32 = 50;

/// Compares one session's two sides.
#[derive(Debug, Default)]
pub struct EchoGuard {
    /// What was sent, up to `sent_until` (in samples of ours).
    sent: VecDeque<f32>,
    sent_until: u64,
    heard: VecDeque<f32>,
    delay: Delay,
}

#[derive(Clone, Copy, Debug, Default)]
enum Delay {
    #[default]
    Unknown,
    /// Found in so many frames in a row.
    Likely {
        lag: usize,
        agreeing: u32,
    },
    Known {
        lag: usize,
        misses: u32,
    },
}

impl EchoGuard {
    /// A frame of ours left at `at`.
    pub fn sent(&mut self, at: SamplePos, pcm: &[i16; VOICE_FRAME_SAMPLES]) {
        let start = at.0 / POSITIONS;
        if start > self.sent_until + KEPT as u64 || start + (KEPT as u64) < self.sent_until {
            self.sent.clear();
            // What was not sent is silence.
            self.sent_until = start.saturating_sub(KEPT as u64);
        }
        while self.sent_until < start {
            self.push_sent(0.0);
        }
        let overlap = usize::try_from(self.sent_until - start).unwrap_or(FRAME).min(FRAME);
        for sample in thinned(pcm, VOICE_FRAME_SAMPLES / FRAME).skip(overlap) {
            self.push_sent(sample);
        }
    }

    fn push_sent(&mut self, sample: f32) {
        if self.sent.len() == KEPT {
            self.sent.pop_front();
        }
        self.sent.push_back(sample);
        self.sent_until += 1;
    }

    /// Whether this frame of the candidate's track is our own voice.
    pub fn is_echo(&mut self, frame: &EarFrame) -> bool {
        let excess = (self.heard.len() + FRAME).saturating_sub(SEARCHED);
        self.heard.drain(..excess);
        // Silence is nobody's voice, and most of a call is that.
        if frame.pcm == [0; EAR_FRAME_SAMPLES] {
            self.heard.extend([0.0; FRAME]);
            return false;
        }
        self.heard.extend(thinned(&frame.pcm, EAR_FRAME_SAMPLES / FRAME));
        let end = frame.at.0 / POSITIONS + FRAME as u64;
        let heard: &[f32] = self.heard.make_contiguous();
        let loudest = rms(&heard[heard.len().saturating_sub(FRAME)..]);
        if loudest < LOUDNESS_MIN || self.sent_until + (LAG_MAX as u64) < end {
            return false;
        }
        let sent = Sent { samples: self.sent.make_contiguous(), until: self.sent_until };
        if sent.samples.iter().all(|sample| *sample == 0.0) {
            return false;
        }
        match self.delay {
            Delay::Known { lag, misses } => {
                let recent = &heard[heard.len().saturating_sub(COMPARED)..];
                let lags = lag.saturating_sub(WANDER)..=lag + WANDER;
                let found = sent.best(recent, end, lags).filter(|(_, alike)| *alike >= KNOWN_MIN);
                self.delay = match found {
                    Some((lag, _)) => Delay::Known { lag, misses: 0 },
                    None if misses < FORGOTTEN_AFTER => Delay::Known { lag, misses: misses + 1 },
                    None => Delay::Unknown,
                };
                found.is_some()
            }
            Delay::Unknown | Delay::Likely { .. } => {
                let found = sent.best(heard, end, 0..=LAG_MAX).filter(|(_, alike)| *alike >= FOUND_MIN);
                self.delay = match (found, self.delay) {
                    (None, _) => Delay::Unknown,
                    (Some((lag, _)), Delay::Likely { lag: before, agreeing }) if lag.abs_diff(before) <= WANDER => {
                        if agreeing + 1 >= AGREEING_MIN {
                            Delay::Known { lag, misses: 0 }
                        } else {
                            Delay::Likely { lag, agreeing: agreeing + 1 }
                        }
                    }
                    (Some((lag, _)), _) => Delay::Likely { lag, agreeing: 1 },
                };
                matches!(self.delay, Delay::Known { .. })
            }
        }
    }
}

/// What was sent, and where it ends.
struct Sent<'a> {
    samples: &'a [f32],
    until: u64,
}

impl Sent<'_> {
    /// The delay at which `heard`, which ends at `end`, is most alike what was sent, and how much.
    fn best(&self, heard: &[f32], end: u64, lags: std::ops::RangeInclusive<usize>) -> Option<(usize, f32)> {
        let own: f32 = heard.iter().map(|sample| sample * sample).sum();
        let first = self.until - self.samples.len() as u64;
        let alike = |lag: usize| {
            let from = end.checked_sub(heard.len() as u64 + lag as u64)?.checked_sub(first)?;
            let other = self.samples.get(usize::try_from(from).ok()?..)?.get(..heard.len())?;
            let (both, theirs) = heard
                .iter()
                .zip(other)
                .fold((0.0_f32, 0.0_f32), |(both, theirs), (one, two)| (both + one * two, theirs + two * two));
            let quiet = LOUDNESS_MIN * LOUDNESS_MIN * heard.len() as f32 / 8.0;
            // A microphone may turn the sign of what it hears.
            (theirs > quiet).then(|| (lag, both.abs() / (own * theirs).sqrt()))
        };
        lags.filter_map(alike).max_by(|one, two| one.1.total_cmp(&two.1))
    }
}

/// Every `of` samples as their mean.
fn thinned(pcm: &[i16], of: usize) -> impl Iterator<Item = f32> + '_ {
    pcm.chunks_exact(of).map(|chunk| chunk.iter().map(|sample| f32::from(*sample)).sum::<f32>() / chunk.len() as f32)
}

fn rms(samples: &[f32]) -> f32 {
    (samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len().max(1) as f32).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Something like a voice: a pitch that wanders, its overtones, and syllables.
    fn voice(seconds: usize, rate_hz: usize, pitch_hz: f32, seed: f32) -> Vec<f32> {
        let mut phase = 0.0_f32;
        (0..seconds * rate_hz)
            .map(|n| {
                let at = n as f32 / rate_hz as f32;
                let pitch = pitch_hz * (1.0 + 0.12 * (at * 2.3 + seed).sin() + 0.05 * (at * 7.1 + seed * 3.0).sin());
                phase += std::f32::consts::TAU * pitch / rate_hz as f32;
                let tone: f32 = (1..8)
                    .map(|k| {
                        (phase * k as f32 + seed * k as f32).sin() * (1.2 + (at * 3.0 * k as f32 + seed).sin())
                            / k as f32
                    })
                    .sum();
                let syllable = ((at * 4.0 + seed).sin() * 1.4 + 0.5).clamp(0.0, 1.0);
                tone * syllable * 2_500.0
            })
            .collect()
    }

    /// Frames of the heard track that are taken for echoes, of those that are loud: our voice comes back `gain` as loud
    /// after `delay_ms`, and `other` sounds in the same room.
    fn taken(gain: f32, delay_ms: usize, other: &[f32]) -> (usize, usize) {
        let ours_24k = voice(6, 24_000, 190.0, 0.4);
        let ours_16k = voice(6, 16_000, 190.0, 0.4);
        let mut guard = EchoGuard::default();
        let (mut taken, mut loud) = (0, 0);
        for n in 0..290_usize {
            let at = SamplePos(n as u64 * 320);
            let pcm: [i16; VOICE_FRAME_SAMPLES] = std::array::from_fn(|i| ours_24k[n * 480 + i] as i16);
            guard.sent(at, &pcm);
            let heard: [f32; EAR_FRAME_SAMPLES] = std::array::from_fn(|i| {
                let at = n * 320 + i;
                let echo = at.checked_sub(delay_ms * 16).map_or(0.0, |at| ours_16k[at] * gain);
                echo + other.get(at).copied().unwrap_or(0.0)
            });
            loud += usize::from(rms(&heard) > 150.0);
            let pcm = heard.map(|sample| sample as i16);
            taken += usize::from(guard.is_echo(&EarFrame { at, pcm, concealed: false }) && rms(&heard) > 150.0);
        }
        (taken, loud)
    }

    #[test]
    fn our_own_voice_is_known_at_any_delay_and_loudness() {
        for (gain, delay_ms) in [(0.5, 40), (0.3, 180), (-0.3, 333), (0.2, 650)] {
            let (taken, loud) = taken(gain, delay_ms, &[]);
            assert!(loud > 60 && taken * 100 >= loud * 90, "{gain} after {delay_ms} ms: {taken} of {loud}");
        }
    }

    #[test]
    fn somebody_else_is_no_echo() {
        for (pitch_hz, seed) in [(110.0, 1.0), (190.0, 2.0), (230.0, 0.4), (95.0, 5.0)] {
            let (taken, loud) = taken(0.0, 0, &voice(6, 16_000, pitch_hz, seed));
            assert!(loud > 60 && taken * 10 <= loud, "{pitch_hz} Hz: {taken} of {loud}");
        }
    }

    #[test]
    fn whoever_talks_over_an_echo_is_heard() {
        let (taken, loud) = taken(0.1, 180, &voice(6, 16_000, 110.0, 1.0));
        assert!(taken * 5 <= loud, "{taken} of {loud}");
    }
}
