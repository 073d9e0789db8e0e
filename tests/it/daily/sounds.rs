//! Tones, and how they are told apart.

use std::f64::consts::TAU;

/// A tone of `hz`, so loud that no noise is taken for it.
pub fn tone(hz: f64, ms: usize, rate_hz: u32) -> Vec<i16> {
    let samples = rate_hz as usize * ms / 1_000;
    (0..samples).map(|n| ((TAU * hz * n as f64 / f64::from(rate_hz)).sin() * 8_000.0) as i16).collect()
}

/// How strong `hz` is in `pcm`, as the amplitude of a tone of that height (Goertzel).
pub fn strength(pcm: &[i16], hz: f64, rate_hz: u32) -> f64 {
    if pcm.is_empty() {
        return 0.0;
    }
    let factor = 2.0 * (TAU * hz / f64::from(rate_hz)).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for sample in pcm {
        (last, before) = (f64::from(*sample) + factor * last - before, last);
    }
    2.0 * (last * last + before * before - factor * last * before).max(0.0).sqrt() / pcm.len() as f64
}

/// The height at which `pcm` is strongest, in steps of 1 Hz.
fn height(pcm: &[i16], rate_hz: u32) -> f64 {
    let of = |hz: &i32| strength(pcm, f64::from(*hz), rate_hz);
    f64::from((200..1_500).max_by(|a, b| of(a).total_cmp(&of(b))).expect("a range"))
}

/// Whether `pcm` is a tone of `hz`, but for what a gap in it shifts: a loaded machine leaves some.
pub fn is_tone(pcm: &[i16], hz: f64, rate_hz: u32) -> bool {
    let found = height(pcm, rate_hz);
    println!("a tone of {found} Hz");
    (found - hz).abs() <= 3.0
}
