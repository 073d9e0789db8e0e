//! Our voice, in the worker, on its last step to the library: one write of 20 ms is with it, and the next waits here until
//! that one was taken, so that an interruption finds as little as can be that cannot be taken back. Pure.

use crate::audio::frame::{VOICE_FRAME_SAMPLES, VOICE_RATE_HZ};
use std::collections::VecDeque;

/// Frames that may wait: the session has two under way.
const WAITING_MAX: usize = 4;
/// Length of the fade that ends an interrupted speech, samples (10 ms): no click, little more voice.
const FADE_SAMPLES: usize = VOICE_RATE_HZ as usize / 100;

/// A write: its number, and its sound.
pub type Write = (u64, Box<[i16; VOICE_FRAME_SAMPLES]>);

/// What waits for the library.
#[derive(Default)]
pub struct Lips {
    /// The library has a write that it has not taken yet.
    is_busy: bool,
    waiting: VecDeque<Write>,
}

impl Lips {
    /// Takes a write; what is to be handed to the library now. More than may wait goes there too: that is the session's
    /// error, and nothing of it is lost.
    pub fn say(&mut self, write: Write) -> Option<Write> {
        if self.is_busy && self.waiting.len() < WAITING_MAX {
            self.waiting.push_back(write);
            return None;
        }
        self.is_busy = true;
        Some(write)
    }

    /// The library has taken its write; the next to be handed over.
    pub fn taken(&mut self) -> Option<Write> {
        let next = self.waiting.pop_front();
        self.is_busy = next.is_some();
        next
    }

    /// Falls silent: what waits fades out at its beginning.
    pub fn hush(&mut self) {
        let mut factors = (0..FADE_SAMPLES).rev();
        for sample in self.waiting.iter_mut().flat_map(|(_, pcm)| pcm.iter_mut()) {
            let factor = factors.next().unwrap_or(0);
            *sample = i16::try_from(i64::from(*sample) * factor as i64 / FADE_SAMPLES as i64).unwrap_or(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(number: u64) -> Write {
        (number, Box::new([1_000; VOICE_FRAME_SAMPLES]))
    }

    #[test]
    fn one_write_is_with_the_library_and_the_next_fades_when_hushed() {
        let mut lips = Lips::default();
        assert_eq!(lips.say(write(0)), Some(write(0)));
        assert_eq!((lips.say(write(1)), lips.say(write(2))), (None, None));
        lips.hush();
        let (number, pcm) = lips.taken().expect("it waited");
        assert_eq!((number, pcm[0], pcm[FADE_SAMPLES / 2], pcm[FADE_SAMPLES]), (1, 995, 495, 0));
        assert!(pcm.windows(2).all(|pair| pair[0] >= pair[1]), "it fades");
        let (number, pcm) = lips.taken().expect("it waited");
        assert!(number == 2 && pcm.iter().all(|sample| *sample == 0), "silence behind");
        assert_eq!(lips.taken(), None);
        assert_eq!(lips.say(write(3)), Some(write(3)), "as at the beginning");
    }
}
