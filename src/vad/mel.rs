//! Whisper's log-mel features, as smart-turn takes them: 80 mel bands, 10 ms apart. Pure arithmetic.

use crate::audio::frame::EAR_RATE_HZ;
use realfft::{RealFftPlanner, RealToComplex};
use std::f64::consts::TAU;
use std::fmt;
use std::sync::Arc;

/// Samples of one window: 25 ms.
const WINDOW_SAMPLES: usize = 400;
/// Samples between two windows: 10 ms.
const HOP_SAMPLES: usize = 160;
/// Mel bands.
pub const MEL_BANDS: usize = 80;
/// Frequencies of one window's spectrum.
const BINS: usize = WINDOW_SAMPLES / 2 + 1;
/// The quietest energy told apart, as Whisper has it.
const FLOOR: f64 = 1e-10;

/// Computes the features; planned once. In double precision, as the model's makers do: the quantised model answers
/// visibly otherwise to the rounding of single precision.
pub struct LogMel {
    fft: Arc<dyn RealToComplex<f64>>,
    window: Vec<f64>,
    /// For each band, its first bin and its weights.
    bands: Vec<(usize, Vec<f64>)>,
}

impl fmt::Debug for LogMel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogMel")
    }
}

impl Default for LogMel {
    fn default() -> Self {
        let window = (0..WINDOW_SAMPLES).map(|i| 0.5 - 0.5 * (TAU * i as f64 / WINDOW_SAMPLES as f64).cos()).collect();
        Self { fft: RealFftPlanner::new().plan_fft_forward(WINDOW_SAMPLES), window, bands: mel_bands() }
    }
}

impl LogMel {
    /// The features of `audio`, band after band ([80, samples / 160], row-major), with the ends mirrored.
    #[must_use]
    pub fn features(&self, audio: &[f32]) -> Vec<f32> {
        let frames = audio.len() / HOP_SAMPLES;
        let mut features = vec![0.0_f32; MEL_BANDS * frames];
        let mut input = self.fft.make_input_vec();
        let mut spectrum = self.fft.make_output_vec();
        let mut scratch = self.fft.make_scratch_vec();
        let mut power = [0.0_f64; BINS];
        for frame in 0..frames {
            for (i, (slot, weight)) in input.iter_mut().zip(&self.window).enumerate() {
                *slot = weight
                    * f64::from(mirrored(audio, (frame * HOP_SAMPLES + i) as isize - (WINDOW_SAMPLES / 2) as isize));
            }
            self.fft
                .process_with_scratch(&mut input, &mut spectrum, &mut scratch)
                .expect("the buffers are the plan's own");
            for (slot, bin) in power.iter_mut().zip(&spectrum) {
                *slot = bin.norm_sqr();
            }
            for (band, (first, weights)) in self.bands.iter().enumerate() {
                let energy: f64 = weights.iter().zip(&power[*first..]).map(|(w, p)| w * p).sum();
                features[band * frames + frame] = energy.max(FLOOR).log10() as f32;
            }
        }
        let loudest = features.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        for value in &mut features {
            *value = (value.max(loudest - 8.0) + 4.0) / 4.0;
        }
        features
    }
}

/// The sample at `at`, mirrored at the ends without repeating the last one.
fn mirrored(audio: &[f32], at: isize) -> f32 {
    let last = audio.len() as isize - 1;
    let at = if at < 0 { -at } else { at };
    let at = if at > last { 2 * last - at } else { at };
    usize::try_from(at).ok().and_then(|at| audio.get(at)).copied().unwrap_or(0.0)
}

/// Slaney's mel scale: linear below 1 kHz, logarithmic above.
fn mel(hz: f64) -> f64 {
    if hz < 1000.0 { hz * 3.0 / 200.0 } else { 15.0 + (hz / 1000.0).ln() * 27.0 / 6.4_f64.ln() }
}

fn hz(mel: f64) -> f64 {
    if mel < 15.0 { mel * 200.0 / 3.0 } else { 1000.0 * ((mel - 15.0) * 6.4_f64.ln() / 27.0).exp() }
}

/// Triangular filters from 0 to 8 kHz, each of equal area.
fn mel_bands() -> Vec<(usize, Vec<f64>)> {
    let top = f64::from(EAR_RATE_HZ) / 2.0;
    let edges: Vec<f64> = (0..MEL_BANDS + 2).map(|i| hz(mel(top) * i as f64 / (MEL_BANDS + 1) as f64)).collect();
    let bin_hz = top / (BINS - 1) as f64;
    edges
        .windows(3)
        .map(|edge| {
            let (low, centre, high) = (edge[0], edge[1], edge[2]);
            let weight = |bin: usize| {
                let at = bin as f64 * bin_hz;
                let rise = (at - low) / (centre - low);
                let fall = (high - at) / (high - centre);
                rise.min(fall).max(0.0) * 2.0 / (high - low)
            };
            let first = (0..BINS).find(|&bin| weight(bin) > 0.0).unwrap_or(0);
            let weights = (first..BINS).map(weight).take_while(|&w| w > 0.0).collect();
            (first, weights)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    /// 0.3 s of a tone, a rising tone and a high one that comes and goes.
    fn signal() -> Vec<f32> {
        let sample = |i: u32| {
            let t = f64::from(i) / f64::from(EAR_RATE_HZ);
            let rising = 0.2 * (2.0 * PI * (500.0 + 2500.0 * t) * t).sin();
            let high = if i % 1600 < 800 { 0.05 * (2.0 * PI * 6100.0 * t).cos() } else { 0.0 };
            (0.4 * (2.0 * PI * 440.0 * t).sin() + rising + high) as f32
        };
        (0..4800).map(sample).collect()
    }

    /// Numbers of a direct transform in double precision, computed apart from this code (band, frame, value).
    #[test]
    fn features_agree_with_a_direct_transform() {
        let features = LogMel::default().features(&signal());
        let frames = features.len() / MEL_BANDS;
        assert_eq!(frames, 30);
        let expected = [
            (0, 0, 1.01358),
            (10, 5, 1.30031),
            (11, 3, 1.38945),
            (20, 12, -0.28423),
            (33, 29, -0.22791),
            (47, 8, -0.61024),
            (60, 17, -0.61024),
            (72, 2, 0.52763),
            (79, 25, -0.17797),
        ];
        for (band, frame, value) in expected {
            let found = features[band * frames + frame];
            assert!((found - value).abs() < 2e-3, "band {band} frame {frame}: {found} instead of {value}");
        }
        let sum: f32 = features.iter().sum();
        assert!((sum + 454.766).abs() < 1.0, "{sum}");
    }

    #[test]
    fn silence_has_features_too() {
        let features = LogMel::default().features(&[0.0; 1600]);
        assert!(features.iter().all(|value| (value + 1.5).abs() < 1e-6));
    }
}
