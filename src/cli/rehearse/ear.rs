//! What the rehearsal candidate hears: the returned audio on one time line, and from it when the interviewer's voice
//! began and ended. Must never look at the server's events: gaps are measured at the ear.

use std::time::{Duration, Instant};

/// Loudness (RMS of 20 ms, of 32,767) from which a frame is voice. The server sends digital silence between speeches, so
/// anything well above a codec's residue will do.
const VOICED_RMS: f32 = 250.0;
/// Silence within a speech that does not end it (pauses between words and sentences).
const SPEECH_GAP: Duration = Duration::from_millis(600);
/// Longest audio kept, samples at 16 kHz: an interview of 90 minutes.
const SAMPLES_MAX: usize = 90 * 60 * 16_000;

/// A stretch of the interviewer's voice as it was heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeardSpeech {
    pub start: Instant,
    pub end: Instant,
}

/// The returned audio.
#[derive(Debug)]
pub struct Ear {
    began: Instant,
    pcm: Vec<i16>,
    speeches: Vec<HeardSpeech>,
}

impl Ear {
    #[must_use]
    pub fn new(began: Instant) -> Self {
        Self { began, pcm: Vec::new(), speeches: Vec::new() }
    }

    /// Takes 20 ms of 16 kHz audio that arrived at `at`.
    pub fn hear(&mut self, at: Instant, frame: &[i16]) {
        self.place(at, frame);
        if rms(frame) < VOICED_RMS {
            return;
        }
        let end = at + Duration::from_millis(20);
        match self.speeches.last_mut() {
            Some(last) if at.saturating_duration_since(last.end) <= SPEECH_GAP => last.end = end.max(last.end),
            Some(_) | None => self.speeches.push(HeardSpeech { start: at, end }),
        }
    }

    /// Keeps the audio where it arrived; gaps are silence.
    fn place(&mut self, at: Instant, frame: &[i16]) {
        let since = at.saturating_duration_since(self.began).as_micros() * 16 / 1000;
        let Ok(position) = usize::try_from(since) else { return };
        // A frame that comes early (a burst after a stall) follows the one before it.
        let position = if position < self.pcm.len() + 1_600 { self.pcm.len() } else { position };
        if position + frame.len() > SAMPLES_MAX {
            return;
        }
        self.pcm.resize(position, 0);
        self.pcm.extend_from_slice(frame);
    }

    /// Whether the interviewer's voice was heard within `within` before `now`.
    #[must_use]
    pub fn hears_voice(&self, now: Instant, within: Duration) -> bool {
        self.speeches.last().is_some_and(|last| now.saturating_duration_since(last.end) < within)
    }

    /// The first speech that began after `after`.
    #[must_use]
    pub fn first_after(&self, after: Instant) -> Option<HeardSpeech> {
        self.speeches.iter().copied().find(|speech| speech.start >= after)
    }

    #[must_use]
    pub fn speeches(&self) -> &[HeardSpeech] {
        &self.speeches
    }

    /// The audio of one speech, with 200 ms around it.
    #[must_use]
    pub fn audio_of(&self, speech: HeardSpeech) -> &[i16] {
        let at = |instant: Instant| {
            let ms = instant.saturating_duration_since(self.began).as_millis();
            usize::try_from(ms * 16).unwrap_or(usize::MAX).min(self.pcm.len())
        };
        let lead = Duration::from_millis(200);
        &self.pcm[at(speech.start.checked_sub(lead).unwrap_or(speech.start))..at(speech.end + lead)]
    }
}

fn rms(frame: &[i16]) -> f32 {
    if frame.is_empty() {
        return 0.0;
    }
    let sum: f32 = frame.iter().map(|sample| f32::from(*sample) * f32::from(*sample)).sum();
    (sum / frame.len() as f32).sqrt()
}

/// The value at or below which `percent` of the values lie (nearest rank); `None` without values.
#[must_use]
pub fn percentile(values: &[u64], percent: u64) -> Option<u64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() as u64 * percent).div_ceil(100).max(1);
    sorted.get(usize::try_from(rank - 1).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeches_are_joined_over_short_gaps_and_parted_by_long_ones() {
        let began = Instant::now();
        let mut ear = Ear::new(began);
        let at = |ms: u64| began + Duration::from_millis(ms);
        for ms in (0..4_000).step_by(20) {
            let voiced = (500..1_000).contains(&ms) || (1_300..2_000).contains(&ms) || ms >= 3_500;
            ear.hear(at(ms), &[if voiced { 4_000 } else { 0 }; 320]);
        }
        assert_eq!(
            ear.speeches(),
            [HeardSpeech { start: at(500), end: at(2_000) }, HeardSpeech { start: at(3_500), end: at(4_000) }]
        );
        assert_eq!(ear.first_after(at(1_000)).map(|speech| speech.start), Some(at(3_500)));
        assert_eq!(ear.audio_of(ear.speeches()[0]).len(), (1_500 + 400) * 16);
    }

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        assert_eq!(percentile(&[], 50), None);
        assert_eq!(percentile(&[7], 99), Some(7));
        let values: Vec<u64> = (1..=100).rev().collect();
        assert_eq!(percentile(&values, 50), Some(50));
        assert_eq!(percentile(&values, 95), Some(95));
    }
}
