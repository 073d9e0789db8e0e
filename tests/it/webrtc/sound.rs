//! Sounds to say and measures of what was heard.

/// A sine of `amplitude`.
pub fn tone(rate_hz: u32, hz: f32, amplitude: f32, samples: usize) -> Vec<i16> {
    let step = hz * std::f32::consts::TAU / rate_hz as f32;
    (0..samples).map(|i| ((i as f32 * step).sin() * amplitude) as i16).collect()
}

/// A buzz that swells four times a second: codecs take it for a voice, a steady tone for noise.
pub fn voice_like(rate_hz: u32, samples: usize) -> Vec<i16> {
    let at = |i: usize| i as f32 / rate_hz as f32 * std::f32::consts::TAU;
    let buzz = |i: usize| (1_u8..8).map(|n| (at(i) * 150.0 * f32::from(n)).sin() / f32::from(n)).sum::<f32>();
    (0..samples).map(|i| (buzz(i) * 5_000.0 * (0.55 - 0.45 * (at(i) * 4.0).cos())) as i16).collect()
}

/// Root mean square.
pub fn rms(pcm: &[i16]) -> f64 {
    (pcm.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / pcm.len() as f64).sqrt()
}

/// Root mean square of what lies at `hz` alone.
pub fn level_at(pcm: &[i16], rate_hz: u32, hz: f64) -> f64 {
    let step = hz * std::f64::consts::TAU / f64::from(rate_hz);
    let (mut re, mut im) = (0.0, 0.0);
    for (i, sample) in pcm.iter().enumerate() {
        re += f64::from(*sample) * (i as f64 * step).cos();
        im += f64::from(*sample) * (i as f64 * step).sin();
    }
    re.hypot(im) / pcm.len() as f64 * 2.0_f64.sqrt()
}
