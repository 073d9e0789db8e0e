//! What the rehearsal candidate hears: the returned audio on one time line, and from it when the interviewer's voice
//! began and ended. Must never look at the server's events: gaps are measured at the ear.

use crate::audio::frame::{EAR_RATE_HZ, FRAME_MS};
use std::ops::Range;
use std::time::{Duration, Instant};

/// Loudness (RMS of 20 ms, of 32,767) from which a frame is voice. The server sends digital silence between speeches, so
/// anything well above a codec's residue will do.
const VOICED_RMS: f32 = 250.0;
/// Silence within a speech that does not end it (pauses between words and sentences).
const SPEECH_GAP: Duration = Duration::from_millis(600);
/// Where silence is looked for, loudness is taken of so much.
const WINDOW: Duration = Duration::from_millis(10);
const WINDOW_SAMPLES: usize = EAR_RATE_HZ as usize / 100;
/// Longest audio kept, s: an interview of 90 minutes.
const KEPT_S_MAX: usize = 90 * 60;
/// A frame that comes less than this late (a stall and the burst after it) follows the one before it, ms.
const JITTER_MS_MAX: usize = 100;
/// Kept around a speech that is cut out, so that no soft beginning or end is missing.
const AROUND: Duration = Duration::from_millis(200);
/// Where a long speech is cut for its transcription, s: at its quietest place between these.
const SEGMENT_S: Range<usize> = 8..14;
/// Length of the quiet place that is looked for, samples (100 ms).
const QUIET_SAMPLES: usize = EAR_RATE_HZ as usize / 10;

/// A stretch of the interviewer's voice as it was heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeardSpeech {
    pub start: Instant,
    pub end: Instant,
}

/// Audio where it stands in time; what is missing is silence.
#[derive(Debug)]
pub struct TimeLine {
    began: Instant,
    rate_hz: u32,
    pcm: Vec<i16>,
}

impl TimeLine {
    #[must_use]
    pub fn new(began: Instant, rate_hz: u32) -> Self {
        Self { began, rate_hz, pcm: Vec::new() }
    }

    /// Puts a frame where it came.
    pub fn place(&mut self, at: Instant, frame: &[i16]) {
        let position = self.position(at);
        let jitter = self.rate_hz as usize * JITTER_MS_MAX / 1000;
        let position = if position < self.pcm.len() + jitter { self.pcm.len() } else { position };
        if position + frame.len() > KEPT_S_MAX * self.rate_hz as usize {
            return;
        }
        self.pcm.resize(position, 0);
        self.pcm.extend_from_slice(frame);
    }

    #[must_use]
    pub fn pcm(&self) -> &[i16] {
        &self.pcm
    }

    fn position(&self, at: Instant) -> usize {
        let since = at.saturating_duration_since(self.began).as_micros();
        usize::try_from(since * u128::from(self.rate_hz) / 1_000_000).unwrap_or(usize::MAX / 2)
    }
}

/// The returned audio.
#[derive(Debug)]
pub struct Ear {
    line: TimeLine,
    speeches: Vec<HeardSpeech>,
}

impl Ear {
    #[must_use]
    pub fn new(began: Instant) -> Self {
        Self { line: TimeLine::new(began, EAR_RATE_HZ), speeches: Vec::new() }
    }

    /// Takes 20 ms of 16 kHz audio that arrived at `at`.
    pub fn hear(&mut self, at: Instant, frame: &[i16]) {
        self.line.place(at, frame);
        if rms(frame) < VOICED_RMS {
            return;
        }
        let end = at + Duration::from_millis(FRAME_MS.into());
        match self.speeches.last_mut() {
            Some(last) if at.saturating_duration_since(last.end) <= SPEECH_GAP => last.end = end.max(last.end),
            Some(_) | None => self.speeches.push(HeardSpeech { start: at, end }),
        }
    }

    /// Whether the interviewer's voice was heard within `within` before `now`.
    #[must_use]
    pub fn hears_voice(&self, now: Instant, within: Duration) -> bool {
        self.speeches.last().is_some_and(|last| now.saturating_duration_since(last.end) < within)
    }

    /// Whether the interviewer has spoken after `after` (or at all).
    #[must_use]
    pub fn has_heard_since(&self, after: Option<Instant>) -> bool {
        self.speeches.last().is_some_and(|last| after.is_none_or(|after| last.end > after))
    }

    /// The first speech that began after `after`.
    #[must_use]
    pub fn first_after(&self, after: Instant) -> Option<HeardSpeech> {
        self.speeches.iter().copied().find(|speech| speech.start >= after)
    }

    /// Speeches that began after `from` and before `to`.
    pub fn begun_between(&self, from: Instant, to: Instant) -> impl Iterator<Item = HeardSpeech> + '_ {
        self.speeches.iter().copied().filter(move |speech| speech.start > from && speech.start < to)
    }

    /// From when on, not before `from`, no voice was heard for `lasting`.
    #[must_use]
    pub fn silent_from(&self, from: Instant, lasting: Duration) -> Option<Instant> {
        let mut since = from;
        for (at, voiced) in self.windows_from(from) {
            if voiced {
                since = at + WINDOW;
            } else if at + WINDOW >= since + lasting {
                return Some(since);
            }
        }
        None
    }

    /// When a voice was heard first, not before `from`.
    #[must_use]
    pub fn voice_from(&self, from: Instant) -> Option<Instant> {
        self.windows_from(from).find_map(|(at, voiced)| voiced.then_some(at))
    }

    /// Windows of 10 ms from `from` on: when each begins, and whether it is voice.
    fn windows_from(&self, from: Instant) -> impl Iterator<Item = (Instant, bool)> + '_ {
        let start = self.line.position(from).min(self.line.pcm.len());
        let windows = self.line.pcm[start..].chunks_exact(WINDOW_SAMPLES);
        (0..).zip(windows).map(move |(count, window)| (from + WINDOW * count, rms(window) >= VOICED_RMS))
    }

    #[must_use]
    pub fn speeches(&self) -> &[HeardSpeech] {
        &self.speeches
    }

    /// All that was heard, 16 kHz.
    #[must_use]
    pub fn pcm(&self) -> &[i16] {
        self.line.pcm()
    }

    /// The audio of one speech, with a little around it.
    #[must_use]
    pub fn audio_of(&self, speech: HeardSpeech) -> &[i16] {
        let at = |instant: Instant| self.line.position(instant).min(self.line.pcm.len());
        &self.line.pcm[at(speech.start.checked_sub(AROUND).unwrap_or(speech.start))..at(speech.end + AROUND)]
    }
}

/// Cuts 16 kHz audio into stretches short enough for a transcriber, at its quietest places.
#[must_use]
pub fn segments(pcm: &[i16]) -> Vec<&[i16]> {
    let rate = EAR_RATE_HZ as usize;
    let mut found = Vec::new();
    let mut rest = pcm;
    while rest.len() > SEGMENT_S.end * rate {
        let places = (SEGMENT_S.start * rate..SEGMENT_S.end * rate - QUIET_SAMPLES).step_by(QUIET_SAMPLES / 4);
        let loudness = |at: &usize| rms(&rest[*at..*at + QUIET_SAMPLES]);
        let cut = places.min_by(|a, b| loudness(a).total_cmp(&loudness(b))).unwrap_or(rate) + QUIET_SAMPLES / 2;
        let (segment, after) = rest.split_at(cut);
        found.push(segment);
        rest = after;
    }
    if !rest.is_empty() {
        found.push(rest);
    }
    found
}

/// Loudness of a stretch of audio.
#[must_use]
pub fn rms(frame: &[i16]) -> f32 {
    if frame.is_empty() {
        return 0.0;
    }
    let sum: f32 = frame.iter().map(|sample| f32::from(*sample) * f32::from(*sample)).sum();
    (sum / frame.len() as f32).sqrt()
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
        assert!(ear.hears_voice(at(4_100), Duration::from_millis(200)));
        assert!(ear.has_heard_since(Some(at(3_900))) && !ear.has_heard_since(Some(at(4_000))));
    }

    #[test]
    fn what_is_not_sent_is_silence_and_a_burst_is_put_in_a_row() {
        let began = Instant::now();
        let mut line = TimeLine::new(began, 16_000);
        let at = |ms: u64| began + Duration::from_millis(ms);
        line.place(at(0), &[1; 320]);
        line.place(at(1_000), &[2; 320]);
        line.place(at(1_001), &[3; 320]);
        assert_eq!(line.pcm().len(), 16_000 + 640);
        assert_eq!(line.pcm()[16_000 - 1..16_000 + 321], [[0].as_slice(), &[2; 320], &[3]].concat());
    }

    #[test]
    fn long_audio_is_cut_where_it_is_quiet() {
        let mut pcm = vec![3_000_i16; 20 * 16_000];
        pcm[9 * 16_000..9 * 16_000 + 4_000].fill(0);
        let lengths: Vec<usize> = segments(&pcm).iter().map(|segment| segment.len()).collect();
        assert_eq!(lengths.iter().sum::<usize>(), pcm.len());
        assert!(lengths.len() == 2 && (9 * 16_000..9 * 16_000 + 4_000).contains(&lengths[0]), "{lengths:?}");
    }
}
