//! What was truly heard of a speech: samples that left, less what the client still held, cut at the word. PURE.
//! Must never count a word that was not played to its end.

use crate::audio::frame::{VOICE_RATE_HZ, VoiceClip, WordTiming};

/// What of a speech reached the listener.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HeardText {
    /// The clips' texts up to the last whole word.
    pub text: String,
    /// Samples of the speech that were played out.
    pub samples: u64,
    /// All of it was heard.
    pub complete: bool,
}

/// How much of a speech's sound is still to come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Making {
    /// None.
    Whole,
    /// More clips, after those that are there.
    MoreClips,
    /// More of the last clip: its sound is shorter than its text.
    Growing,
}

/// Time of a letter in a clip that still grows, samples (65 ms at 24 kHz): as people speak.
const LETTER_SAMPLES: u64 = 1_560;

/// A sentence's text and how much sound it has, for whoever keeps no sound.
#[derive(Clone, Copy, Debug)]
pub struct Sentence<'a> {
    pub text: &'a str,
    pub samples: u64,
    pub words: &'a [WordTiming],
}

impl<'a> From<&'a VoiceClip> for Sentence<'a> {
    fn from(clip: &'a VoiceClip) -> Self {
        Self { text: &clip.text, samples: clip.pcm.len() as u64, words: &clip.words }
    }
}

/// What was heard of `clips` (one speech, in order) when `sent_samples` (24 kHz) had left and the client still held
/// `buffered_ms` of them unplayed.
#[must_use]
pub fn heard(clips: &[VoiceClip], making: Making, sent_samples: u64, buffered_ms: u32) -> HeardText {
    let sentences: Vec<Sentence<'_>> = clips.iter().map(Sentence::from).collect();
    heard_of(&sentences, making, sent_samples, buffered_ms)
}

/// The same of sentences without their sound.
#[must_use]
pub fn heard_of(clips: &[Sentence<'_>], making: Making, sent_samples: u64, buffered_ms: u32) -> HeardText {
    let held = u64::from(buffered_ms) * u64::from(VOICE_RATE_HZ) / 1000;
    let is_whole = making == Making::Whole;
    let total: u64 = clips.iter().map(|clip| clip.samples).sum();
    // A speech whose last sample has left is played to its end: nothing flushes a client's buffer.
    let played = if sent_samples >= total && is_whole { total } else { sent_samples.min(total).saturating_sub(held) };
    let mut out = HeardText { samples: played, complete: is_whole && played == total, ..HeardText::default() };
    let mut left = played;
    for (index, clip) in clips.iter().enumerate() {
        let length = if making == Making::Growing && index + 1 == clips.len() { grown(*clip) } else { clip.samples };
        let part = if left >= length { clip.text } else { heard_part(*clip, length, left) };
        append(&mut out.text, part.trim());
        if left < length {
            break;
        }
        left -= length;
    }
    out
}

/// How long a clip that still grows will be, at least one sample more than it is: its last word is not over.
fn grown(clip: Sentence<'_>) -> u64 {
    let letters = clip.text.chars().filter(|c| c.is_alphanumeric()).count() as u64;
    (letters * LETTER_SAMPLES).max(clip.samples + 1)
}

fn append(text: &mut String, part: &str) {
    if !part.is_empty() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(part);
    }
}

/// The part of a clip's text that `samples` of it have said in whole words.
fn heard_part(clip: Sentence<'_>, length: u64, samples: u64) -> &str {
    let end = if clip.words.is_empty() {
        end_by_letters(clip, length, samples)
    } else {
        let heard = clip.words.iter().take_while(|word| u64::from(word.end_samples) <= samples);
        heard.last().map_or(0, |word: &WordTiming| word.text_end as usize)
    };
    // Timings come from outside: a range that does not fit the text counts as nothing heard.
    clip.text.get(..end).unwrap_or("")
}

/// Shares the clip's time out by letters and digits: a word is over when its share has been played.
fn end_by_letters(clip: Sentence<'_>, length: u64, samples: u64) -> usize {
    let letters_in = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count() as u64;
    let all = letters_in(clip.text).max(1);
    let spoken = all * samples / length.max(1);
    let mut so_far = 0;
    let mut end = 0;
    for word in clip.text.split_inclusive(char::is_whitespace) {
        so_far += letters_in(word);
        if so_far > spoken {
            break;
        }
        end += word.len();
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// 100 ms a letter, so that a count of letters says where a clip is.
    fn clip(text: &str, words: &[WordTiming]) -> VoiceClip {
        let letters = text.chars().filter(|c| c.is_alphanumeric()).count();
        VoiceClip { text: text.into(), pcm: Arc::from(vec![0_i16; letters * 2_400]), words: Arc::from(words.to_vec()) }
    }

    fn word(text_start: u32, text_end: u32, start_samples: u32, end_samples: u32) -> WordTiming {
        WordTiming { text_start, text_end, start_samples, end_samples }
    }

    #[test]
    fn everything_sent_is_everything_heard_whatever_the_client_holds() {
        let clips = [clip("One two.", &[]), clip("Three.", &[])];
        let heard = heard(&clips, Making::Whole, 11 * 2_400, 60);
        assert_eq!((heard.text.as_str(), heard.complete), ("One two. Three.", true));
    }

    #[test]
    fn a_cut_falls_before_the_word_that_was_not_finished() {
        let clips = [clip("One two three.", &[])];
        for (letters, wanted) in [(0, ""), (2, ""), (3, "One"), (5, "One"), (6, "One two"), (10, "One two")] {
            let heard = heard(&clips, Making::Whole, letters * 2_400, 0);
            assert_eq!((heard.text.as_str(), heard.complete), (wanted, false), "after {letters} letters");
        }
    }

    #[test]
    fn what_the_client_holds_was_not_heard() {
        let clips = [clip("One two three.", &[])];
        assert_eq!(heard(&clips, Making::Whole, 6 * 2_400, 60).text, "One");
        assert_eq!(heard(&clips, Making::Whole, 1_000, 60).samples, 0);
    }

    #[test]
    fn timings_of_words_win_over_letters() {
        let clips = [clip("One two.", &[word(0, 3, 0, 2_000), word(4, 8, 8_000, 14_000)])];
        assert_eq!(heard(&clips, Making::Whole, 2_000, 0).text, "One");
        assert_eq!(heard(&clips, Making::Whole, 13_999, 0).text, "One");
        assert_eq!(heard(&clips, Making::Whole, 14_000, 0).text, "One two.");
    }

    #[test]
    fn the_cut_finds_its_clip() {
        let clips = [clip("One.", &[]), clip("Two three.", &[])];
        assert_eq!(heard(&clips, Making::Whole, 6 * 2_400, 0).text, "One. Two");
    }

    #[test]
    fn a_speech_still_in_the_making_is_never_complete() {
        let clips = [clip("One.", &[])];
        let heard = heard(&clips, Making::MoreClips, 3 * 2_400, 0);
        assert_eq!((heard.text.as_str(), heard.complete), ("One.", false));
    }

    #[test]
    fn a_clip_that_still_grows_is_not_shared_out_over_the_sound_that_is_there() {
        let mut growing = clip("One two three.", &[]);
        growing.pcm = growing.pcm[..LETTER_SAMPLES as usize * 7].into();
        let sent = growing.pcm.len() as u64;
        let clips = [clip("Zero.", &[]), growing];
        let before = clips[0].pcm.len() as u64;
        assert_eq!(heard(&clips, Making::Growing, before + sent, 0).text, "Zero. One two");
        assert_eq!(heard(&clips, Making::MoreClips, before + sent, 0).text, "Zero. One two three.");
    }

    #[test]
    fn timings_that_do_not_fit_the_text_count_as_nothing() {
        let clips = [clip("Größe zählt.", &[word(0, 3, 0, 10), word(0, 999, 10, 20)])];
        assert_eq!(heard(&clips, Making::Whole, 10, 0).text, "");
        assert_eq!(heard(&clips, Making::Whole, 20, 0).text, "");
    }
}
