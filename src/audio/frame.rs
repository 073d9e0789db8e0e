//! The vocabulary of audio: rates, frames, positions in samples. Must never hold a codec, a device or a clock.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

/// Rate of everything that is listened to and recorded, Hz (what the speech models take; a native Opus rate).
pub const EAR_RATE_HZ: u32 = 16_000;
/// Rate of everything that is spoken, Hz (Kokoro's own; a native Opus rate).
pub const VOICE_RATE_HZ: u32 = 24_000;
/// Length of a frame, ms (the usual Opus packet).
pub const FRAME_MS: u32 = 20;
/// Samples in a frame that is listened to.
pub const EAR_FRAME_SAMPLES: usize = (EAR_RATE_HZ * FRAME_MS / 1000) as usize;
/// Samples in a frame that is spoken.
pub const VOICE_FRAME_SAMPLES: usize = (VOICE_RATE_HZ * FRAME_MS / 1000) as usize;

/// A position on the session's sample clock: samples at [`EAR_RATE_HZ`] since the session began (reconnects and
/// server restarts included).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SamplePos(pub u64);

impl SamplePos {
    /// The position in ms since the session began.
    #[must_use]
    pub fn ms(self) -> u64 {
        self.0 * 1000 / u64::from(EAR_RATE_HZ)
    }

    /// The position at `ms` since the session began.
    #[must_use]
    pub fn from_ms(ms: u64) -> Self {
        Self(ms * u64::from(EAR_RATE_HZ) / 1000)
    }

    /// This position and `samples` more.
    #[must_use]
    pub fn plus(self, samples: u64) -> Self {
        Self(self.0 + samples)
    }
}

/// 20 ms of the candidate's voice, mono, 16 kHz.
#[derive(Clone, Debug)]
pub struct EarFrame {
    /// Where its first sample stands on the session's clock.
    pub at: SamplePos,
    pub pcm: [i16; EAR_FRAME_SAMPLES],
    /// Made up by loss concealment or to fill a gap: nothing was received for it.
    pub concealed: bool,
}

/// Where a word lies in a clip, in samples at [`VOICE_RATE_HZ`] from the clip's start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WordTiming {
    /// Byte range of the word in the clip's text.
    pub text_start: u32,
    pub text_end: u32,
    pub start_samples: u32,
    pub end_samples: u32,
}

/// Synthesised speech, mono, 24 kHz, with the text that it says.
#[derive(Clone, Debug)]
pub struct VoiceClip {
    pub text: Arc<str>,
    pub pcm: Arc<[i16]>,
    /// Word timings where the synthesiser gave any, in order; else empty (then time is shared out by letters).
    pub words: Arc<[WordTiming]>,
}

impl VoiceClip {
    /// Length in ms.
    #[must_use]
    pub fn duration_ms(&self) -> u64 {
        self.pcm.len() as u64 * 1000 / u64::from(VOICE_RATE_HZ)
    }
}

/// Part of what is kept of a track, in one piece: copied whole, not sample by sample.
#[must_use]
pub fn stretch(kept: &VecDeque<i16>, part: Range<usize>) -> Vec<i16> {
    let (first, second) = kept.as_slices();
    let in_first = part.start.min(first.len())..part.end.min(first.len());
    let in_second = part.start.saturating_sub(first.len())..part.end.saturating_sub(first.len());
    [&first[in_first], &second[in_second]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_the_same_wherever_the_ring_begins() {
        let mut kept: VecDeque<i16> = (0..8).collect();
        for turn in 0..8 {
            let all: Vec<i16> = kept.iter().copied().collect();
            for (from, to) in [(0, 8), (0, 0), (2, 5), (7, 8), (8, 8)] {
                assert_eq!(stretch(&kept, from..to), all[from..to], "{turn}: {from}..{to}");
            }
            kept.rotate_left(1);
            kept.pop_front();
            kept.push_back(turn);
        }
    }
}
