//! Tones by which a call is known: the load generator says one, the played providers tell its pitch and sound it again.
//! Pure. Must know a tone that was damaged on the way: a frame that is missing breaks a call, it does not make it another's.

/// Crossings of zero are counted over so much of a tone, parts of a second (20 ms): what is damaged spoils few of these
/// stretches.
const STRETCHES_PER_S: usize = 50;

/// So much of a tone.
#[must_use]
pub fn tone(hz: u32, ms: u32, rate_hz: u32) -> Vec<i16> {
    let angle = f64::from(hz) * std::f64::consts::TAU / f64::from(rate_hz);
    (0..ms * (rate_hz / 1_000)).map(|n| ((f64::from(n) * angle).sin() * 9_000.0) as i16).collect()
}

/// The pitch of a tone, Hz: the median over its stretches, from one crossing of zero to another; 0 for what is too short.
#[must_use]
pub fn pitch(pcm: &[i16], rate_hz: u32) -> f64 {
    let crossings: Vec<f64> = pcm
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[0] < 0 && pair[1] >= 0)
        .map(|(n, pair)| n as f64 + f64::from(-i32::from(pair[0])) / f64::from(i32::from(pair[1]) - i32::from(pair[0])))
        .collect();
    let stretch = (rate_hz as usize / STRETCHES_PER_S) as f64;
    let mut pitches: Vec<f64> = crossings
        .iter()
        .enumerate()
        .filter_map(|(from, begin)| {
            let to = from + crossings[from..].iter().position(|crossing| crossing - begin >= stretch)?;
            Some((to - from) as f64 * f64::from(rate_hz) / (crossings[to] - begin))
        })
        .collect();
    pitches.sort_by(f64::total_cmp);
    pitches.get(pitches.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_known_by_its_pitch_whole_or_damaged() {
        for hz in [300, 720, 1_280, 3_480] {
            let mut heard = tone(hz, 500, 16_000);
            assert!((pitch(&heard, 16_000) - f64::from(hz)).abs() < 3.0, "{hz}: {}", pitch(&heard, 16_000));
            // Four frames fell silent, and another four are not there at all.
            heard[1_600..2_880].fill(0);
            heard.drain(4_000..5_280);
            assert!((pitch(&heard, 16_000) - f64::from(hz)).abs() < 6.0, "{hz}: {}", pitch(&heard, 16_000));
        }
        assert!(pitch(&[0; 100], 16_000) < 1.0);
    }
}
