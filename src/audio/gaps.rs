//! How long it was silent before a reply, by the sound itself: the end of the candidate's voice on the left side of a
//! recording, the first of the interviewer's on the right. Pure. Must never take an event's word for where a voice ends.

use super::frame::EAR_RATE_HZ;
use std::ops::Range;

/// Loudness is looked at in windows of this length, ms.
pub const WINDOW_MS: u64 = 10;
/// Around the place where the events say that a voice ends, the sound is looked for so far, ms: in both directions, since
/// a detector errs in both.
const SEARCH_MS: u64 = 1_500;
/// A window is the candidate's voice from this part of the answer's loud windows on (-30 dB)…
const VOICE_SHARE: f32 = 0.03;
/// …if it stands out from the quiet ones so far (10 dB).
const NOISE_FACTOR: f32 = 3.0;
/// Least loudness (RMS of 32,767) of a voice, whatever the rest is like.
const VOICE_MIN: f32 = 40.0;
/// Voice is at least so many of four windows in a row: a click is none.
const VOICED_OF_FOUR: usize = 3;
/// Least loudness of the interviewer's first sound: between lines its side is digital silence.
const SOUND_MIN: f32 = 30.0;

/// Loudness of both sides of a recording, window by window.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loudness {
    pub left: Vec<f32>,
    pub right: Vec<f32>,
}

impl Loudness {
    /// Of pairs of samples (left, right) at `rate_hz`.
    pub fn of(pairs: impl Iterator<Item = (i16, i16)>, rate_hz: u32) -> Self {
        let window = (u64::from(rate_hz) * WINDOW_MS / 1000).max(1);
        let mut loudness = Self::default();
        let (mut left, mut right, mut count) = (0.0_f64, 0.0_f64, 0);
        for (one, two) in pairs {
            left += f64::from(one).powi(2);
            right += f64::from(two).powi(2);
            count += 1;
            if count == window {
                loudness.left.push((left / window as f64).sqrt() as f32);
                loudness.right.push((right / window as f64).sqrt() as f32);
                (left, right, count) = (0.0, 0.0, 0);
            }
        }
        loudness
    }

    /// The silence in ms between the end of an answer (which lies in `answer_ms` as the events have it) and the first
    /// sound of the reply, which the events place at `reply_ms`. Below 0 they overlap. `None` where either is not heard.
    #[must_use]
    pub fn gap_ms(&self, answer_ms: &Range<u64>, reply_ms: u64) -> Option<i64> {
        let first = self.first_sound(answer_ms.end, reply_ms)?;
        let last = self.last_voice(answer_ms, first)?;
        Some(first.cast_signed() - last.cast_signed())
    }

    /// Where the interviewer begins: the first sound on the right after the answer, at most a search away from where the
    /// events place it.
    fn first_sound(&self, answer_end_ms: u64, reply_ms: u64) -> Option<u64> {
        let from = answer_end_ms.max(reply_ms.saturating_sub(SEARCH_MS));
        let windows = between(&self.right, &(from..reply_ms + SEARCH_MS));
        let at = windows.iter().position(|loudness| *loudness >= SOUND_MIN)?;
        Some(from / WINDOW_MS * WINDOW_MS + at as u64 * WINDOW_MS)
    }

    /// Where the candidate ends: after the last voice on the left before the reply, or a little beyond its first sound.
    fn last_voice(&self, answer_ms: &Range<u64>, reply_ms: u64) -> Option<u64> {
        let from = answer_ms.start.min(answer_ms.end.saturating_sub(SEARCH_MS));
        let windows = between(&self.left, &(from..reply_ms.min(answer_ms.end + SEARCH_MS).max(answer_ms.end)));
        let mut sorted = windows.to_vec();
        sorted.sort_by(f32::total_cmp);
        let of =
            |percent: usize| sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).copied();
        let least = (of(90)? * VOICE_SHARE).max((of(5)? * NOISE_FACTOR).min(of(90)? / 2.0)).max(VOICE_MIN);
        let voiced = |four: &[f32]| four.iter().filter(|loudness| **loudness >= least).count() >= VOICED_OF_FOUR;
        let place = windows.windows(4).rposition(voiced)?;
        let end = place + windows[place..place + 4].iter().rposition(|loudness| *loudness >= least)? + 1;
        Some(from / WINDOW_MS * WINDOW_MS + end as u64 * WINDOW_MS)
    }
}

/// A detector of voice lets go so late at most, ms: three of its windows.
const DETECTED_TAIL_MS_MAX: usize = 100;
/// Before the end of a voice it is looked how loud that is, ms.
const DETECTED_MS: usize = 1_000;

/// How many samples of silence stand at the end of `heard`, 16 kHz, which a detector takes to be voice to its end.
#[must_use]
pub fn silent_tail(heard: &[i16]) -> u64 {
    let window = EAR_RATE_HZ as usize * WINDOW_MS as usize / 1000;
    let loudness = |samples: &[i16]| {
        let power: f32 = samples.iter().map(|sample| f32::from(*sample).powi(2)).sum();
        (power / samples.len() as f32).sqrt()
    };
    let recent = heard.rchunks_exact(window).take(DETECTED_MS / WINDOW_MS as usize).map(loudness);
    let windows: Vec<f32> = recent.collect();
    let mut sorted = windows.clone();
    sorted.sort_by(f32::total_cmp);
    let Some(loud) = sorted.get(sorted.len() * 9 / 10) else { return 0 };
    let least = (loud * VOICE_SHARE).max(VOICE_MIN);
    let silent = windows.iter().take(DETECTED_TAIL_MS_MAX / WINDOW_MS as usize).take_while(|one| **one < least);
    (silent.count() * window) as u64
}

fn between<'a>(windows: &'a [f32], ms: &Range<u64>) -> &'a [f32] {
    let index = |ms: u64| usize::try_from(ms / WINDOW_MS).unwrap_or(usize::MAX).min(windows.len());
    let (from, to) = (index(ms.start), index(ms.end));
    &windows[from.min(to)..to]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A recording of 10 s: the left side sounds in these ms, the right side in those; noise all over the left.
    fn recorded(left: &[(u64, u64)], right: &[(u64, u64)], noise: i16) -> Loudness {
        let sounds = |stretches: &[(u64, u64)], ms: u64| stretches.iter().any(|(from, to)| (*from..*to).contains(&ms));
        let sample = |n: u64, loud: i16| if n % 16 < 8 { loud } else { -loud };
        let pairs = (0..160_000_u64).map(|n| {
            let ms = n / 16;
            let left = sample(n, if sounds(left, ms) { 4_000 } else { noise });
            (left, sample(n, if sounds(right, ms) { 3_000 } else { 0 }))
        });
        Loudness::of(pairs, 16_000)
    }

    #[test]
    fn a_gap_is_what_is_silent_whatever_the_events_say() {
        for (answer_end_ms, reply_ms) in [(3_000, 3_900), (3_240, 3_950), (2_800, 4_400)] {
            let loudness = recorded(&[(1_000, 3_000)], &[(4_000, 6_000)], 20);
            assert_eq!(loudness.gap_ms(&(1_100..answer_end_ms), reply_ms), Some(1_000), "{answer_end_ms} {reply_ms}");
        }
    }

    #[test]
    fn what_is_silent_at_the_end_of_a_detected_voice_is_counted() {
        let heard = |silent_ms: usize, noise: i16| {
            let mut heard = vec![4_000_i16; 12_000];
            heard.extend(vec![noise; silent_ms * 16]);
            silent_tail(&heard) / 16
        };
        assert_eq!((heard(0, 0), heard(60, 10), heard(65, 0)), (0, 60, 60));
        assert_eq!(heard(300, 0), 100, "a detector is no later");
        assert_eq!(heard(60, 300), 0, "in noise nobody knows");
        assert_eq!(silent_tail(&[]), 0);
        assert_eq!(silent_tail(&[0; 4_000]), 1_600, "nothing is a voice");
    }

    #[test]
    fn noise_and_clicks_are_no_voice() {
        let loudness = recorded(&[(1_000, 2_000), (2_300, 3_000), (3_400, 3_410)], &[(3_600, 6_000)], 300);
        assert_eq!(loudness.gap_ms(&(1_000..3_000), 3_600), Some(600));
    }

    #[test]
    fn what_is_not_there_has_no_gap() {
        assert_eq!(recorded(&[(1_000, 3_000)], &[], 0).gap_ms(&(1_000..3_000), 4_000), None);
        assert_eq!(recorded(&[], &[(4_000, 5_000)], 0).gap_ms(&(1_000..3_000), 4_000), None);
        assert_eq!(Loudness::default().gap_ms(&(1_000..3_000), 4_000), None);
    }
}
