//! The last minute of a track's audio, from which utterances are cut. Pure arithmetic on samples.

use super::SttError;
use crate::audio::frame::{EAR_FRAME_SAMPLES, EAR_RATE_HZ, EarFrame, SamplePos};
use std::collections::VecDeque;
use std::ops::Range;

/// Audio kept, in samples: 60 s, four times the longest segment, for transcriptions asked for late.
const KEPT_SAMPLES: usize = 60 * EAR_RATE_HZ as usize;

/// What was heard lately.
#[derive(Debug, Default)]
pub struct Recent {
    samples: VecDeque<i16>,
    /// Where the samples end on the session's clock.
    end: SamplePos,
}

impl Recent {
    /// Takes the next frame. What is missing before it is silence; what overlaps is taken once.
    pub fn take(&mut self, frame: &EarFrame) {
        let frame_end = frame.at.plus(frame.pcm.len() as u64);
        if self.samples.is_empty() {
            self.end = frame.at;
        }
        let missing = usize::try_from(frame.at.0.saturating_sub(self.end.0)).unwrap_or(usize::MAX);
        if missing >= KEPT_SAMPLES {
            self.samples.clear();
        } else {
            self.samples.extend(std::iter::repeat_n(0, missing));
        }
        let known = self.end.0.saturating_sub(frame.at.0);
        let new = frame.pcm.get(usize::try_from(known).unwrap_or(usize::MAX)..).unwrap_or(&[]);
        self.samples.extend(new);
        self.end = self.end.max(frame_end);
        self.samples.drain(..self.samples.len().saturating_sub(KEPT_SAMPLES));
    }

    /// The audio from `from` to `to`, as far as it has been heard.
    pub fn cut(&self, from: SamplePos, to: SamplePos) -> Result<Vec<i16>, SttError> {
        let start = SamplePos(self.end.0 - self.samples.len() as u64);
        if from < start || from > self.end {
            return Err(SttError::AudioGone);
        }
        let place = |at: SamplePos| usize::try_from(at.min(self.end).0 - start.0).unwrap_or(usize::MAX);
        Ok(self.samples.range(place(from)..place(to.max(from))).copied().collect())
    }
}

/// Cuts audio into parts of at most `part_samples_max`, each cut at the quietest place of the part's second half.
#[must_use]
pub fn parts(audio: &[i16], part_samples_max: usize) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = 0;
    while audio.len() - start > part_samples_max {
        let earliest = start + part_samples_max / 2;
        let frames = audio[earliest..start + part_samples_max].chunks_exact(EAR_FRAME_SAMPLES);
        let loudness: Vec<f32> = frames.map(power).collect();
        // Five frames: a pause between words rather than one between the sounds of a word.
        let quietest = loudness
            .windows(5)
            .map(|frames| frames.iter().sum::<f32>())
            .enumerate()
            .min_by(|(_, a), (_, b)| a.total_cmp(b))
            .map_or(loudness.len(), |(frame, _)| frame + 2);
        let cut = earliest + quietest * EAR_FRAME_SAMPLES + EAR_FRAME_SAMPLES / 2;
        parts.push(start..cut);
        start = cut;
    }
    parts.push(start..audio.len());
    parts
}

/// Loudness of the loudest 20 ms, as the root of the mean square.
#[must_use]
pub fn loudest(audio: &[i16]) -> f32 {
    audio.chunks(EAR_FRAME_SAMPLES).map(power).fold(0.0, f32::max).sqrt()
}

fn power(samples: &[i16]) -> f32 {
    samples.iter().map(|&sample| f32::from(sample).powi(2)).sum::<f32>() / samples.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(at: u64, value: i16) -> EarFrame {
        EarFrame { at: SamplePos(at), pcm: [value; EAR_FRAME_SAMPLES], concealed: false }
    }

    #[test]
    fn gaps_are_silence_and_overlaps_are_taken_once() {
        let mut recent = Recent::default();
        recent.take(&frame(1000, 1));
        recent.take(&frame(1400, 2));
        recent.take(&frame(1560, 3));
        let heard = recent.cut(SamplePos(1000), SamplePos(9999)).expect("kept");
        let runs: Vec<(i16, usize)> = heard.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).collect();
        assert_eq!(runs, [(1, 320), (0, 80), (2, 320), (3, 160)]);
        assert_eq!(recent.cut(SamplePos(1310), SamplePos(1330)).expect("kept"), [[1; 10], [0; 10]].concat());
    }

    #[test]
    fn what_is_older_than_a_minute_is_gone() {
        let mut recent = Recent::default();
        for i in 0..3100 {
            recent.take(&frame(i * 320, 1));
        }
        assert_eq!(recent.cut(SamplePos(0), SamplePos(320)), Err(SttError::AudioGone));
        assert_eq!(recent.cut(SamplePos(32_000), SamplePos(32_320)).map(|cut| cut.len()), Ok(320));
        recent.take(&frame(10_000_000, 5));
        assert_eq!(recent.cut(SamplePos(10_000_000), SamplePos(10_000_320)).map(|cut| cut.len()), Ok(320));
        assert_eq!(recent.cut(SamplePos(990_000), SamplePos(991_000)), Err(SttError::AudioGone));
        assert_eq!(recent.cut(SamplePos(20_000_000), SamplePos(20_000_001)), Err(SttError::AudioGone));
    }

    #[test]
    fn long_audio_is_cut_where_it_is_quiet() {
        let mut audio = vec![1000_i16; 32_000];
        audio[12_800..14_400].fill(3);
        let found = parts(&audio, 16_000);
        assert_eq!(found.len(), 3);
        assert!((12_800..14_400).contains(&found[0].end), "{found:?}");
        assert!(found.iter().all(|part| part.len() <= 16_000 && !part.is_empty()));
        assert!(found.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert_eq!(found[2].end, audio.len());
        assert_eq!(parts(&audio[..16_000], 16_000).len(), 1);
        assert_eq!(parts(&[], 16_000).len(), 1);
    }
}
