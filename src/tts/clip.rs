//! From a network's samples to a clip: silence cut at the ends, words placed in time. Pure.

use super::text::SpokenWord;
use crate::audio::frame::{VOICE_RATE_HZ, VoiceClip, WordTiming};
use std::ops::Range;
use std::sync::Arc;

/// Silence kept before the first sound, ms: enough not to clip it.
const LEAD_MS: usize = 30;
/// Silence kept after the last sound, ms: a breath between sentences.
const TAIL_MS: usize = 180;
/// Loudness is measured over so many samples: 5 ms.
const WINDOW_SAMPLES: usize = VOICE_RATE_HZ as usize / 200;
/// Below this part of the loudest window there is silence (-40 dB); soft first sounds such as "h" are above.
const SILENCE: f32 = 0.01;

/// A part of the spoken text with the weight of its sounds: how long it takes, compared with others.
#[derive(Clone, PartialEq, Debug)]
pub struct Weight {
    /// Byte range of the spoken text.
    pub spoken: Range<usize>,
    pub sounds: f32,
    /// A pause after it, in the same measure.
    pub pause: f32,
}

/// The clip of `samples` (24 kHz, -1 to 1) that say `words`, each given time by the weights of what it is spoken as.
#[must_use]
pub fn clip(text: Arc<str>, samples: &[f32], words: &[SpokenWord], weights: &[Weight]) -> VoiceClip {
    let sound = sounding(samples);
    let lead = VOICE_RATE_HZ as usize * LEAD_MS / 1000;
    let tail = VOICE_RATE_HZ as usize * TAIL_MS / 1000;
    let start = sound.start.saturating_sub(lead);
    let end = (sound.end + tail).min(samples.len());
    let pcm = samples[start..end].iter().map(|sample| (sample * 32_767.0).clamp(-32_768.0, 32_767.0) as i16).collect();
    let words = timings(words, weights, sound.start - start..sound.end - start);
    VoiceClip { text, pcm, words: words.into() }
}

/// Where the first sound begins and the last ends.
fn sounding(samples: &[f32]) -> Range<usize> {
    let power = |window: &[f32]| window.iter().map(|s| s * s).sum::<f32>() / window.len() as f32;
    let powers: Vec<f32> = samples.chunks(WINDOW_SAMPLES).map(power).collect();
    let least = powers.iter().copied().fold(0.0, f32::max) * SILENCE * SILENCE;
    let sounds = |p: &f32| *p > least;
    let first = powers.iter().position(sounds).unwrap_or(0);
    let last = powers.iter().rposition(sounds).map_or(0, |at| at + 1);
    (first * WINDOW_SAMPLES).min(samples.len())..(last * WINDOW_SAMPLES).min(samples.len())
}

fn timings(words: &[SpokenWord], weights: &[Weight], sound: Range<usize>) -> Vec<WordTiming> {
    // The pause after the last sound is silence at the end, which is cut.
    let last_pause = weights.last().map_or(0.0, |weight| weight.pause);
    let total: f32 = weights.iter().map(|weight| weight.sounds + weight.pause).sum::<f32>() - last_pause;
    if total <= 0.0 {
        return Vec::new();
    }
    let place = |done: f32| sound.start as f32 + (done / total).min(1.0) * sound.len() as f32;
    let mut done = 0.0;
    let mut waiting = weights.iter().peekable();
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let mut timings = Vec::with_capacity(words.len());
    for word in words {
        let (mut start, mut end) = (None, done);
        while let Some(weight) = waiting.next_if(|weight| weight.spoken.start < word.spoken.end) {
            if weight.sounds > 0.0 {
                start.get_or_insert(done);
                end = done + weight.sounds;
            }
            done += weight.sounds + weight.pause;
        }
        timings.push(WordTiming {
            text_start: number(word.written.start),
            text_end: number(word.written.end),
            start_samples: place(start.unwrap_or(end)) as u32,
            end_samples: place(end) as u32,
        });
    }
    timings
}

/// Weights by letters, where nothing better is known.
#[must_use]
pub fn by_letters(spoken: &str, words: &[SpokenWord]) -> Vec<Weight> {
    let weigh = |word: &SpokenWord| {
        let said = &spoken[word.spoken.clone()];
        let sounds = said.chars().filter(|c| c.is_alphanumeric()).count() as f32;
        Weight { spoken: word.spoken.clone(), sounds, pause: pause_after(said) }
    };
    words.iter().map(weigh).collect()
}

/// The pause that punctuation makes, measured in ordinary sounds (some 80 ms each).
#[must_use]
pub fn pause_after(said: &str) -> f32 {
    match said.trim_end_matches(['"', ')', '\u{201d}']).chars().last() {
        Some('.' | '!' | '?' | '\u{2026}') => 5.0,
        Some(',' | ';' | ':' | '\u{2014}') => 2.5,
        _ => 0.0,
    }
}

/// The weight of sounds in IPA or in Kokoro's letters: vowels are longer than consonants, diphthongs longer still.
#[must_use]
pub fn sounds(phonemes: &str) -> f32 {
    let weigh = |c: char| match c {
        'A' | 'I' | 'O' | 'W' | 'Y' | 'Q' => 2.2,
        'a' | 'e' | 'i' | 'o' | 'u' | 'æ' | 'ɑ' | 'ɒ' | 'ɔ' | 'ɛ' | 'ɜ' | 'ʊ' | 'ʌ' => 1.6,
        'ə' | 'ɐ' | 'ɪ' | 'ᵊ' | 'ᵻ' | 'ɚ' => 1.0,
        'ː' => 0.6,
        c if c.is_alphabetic() && !matches!(c, 'ˈ' | 'ˌ') => 1.0,
        _ => 0.0,
    };
    phonemes.chars().map(weigh).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tts::text::spoken;

    #[test]
    fn silence_is_cut_at_both_ends_and_words_share_the_sound() {
        let mut samples = vec![0.0_f32; 12_000];
        samples.extend((0..24_000).map(|i| (i as f32 * 0.3).sin() * 0.5));
        samples.extend(vec![0.0001; 24_000]);
        let said = spoken("One, two");
        let made = clip("One, two".into(), &samples, &said.words, &by_letters(&said.text, &said.words));
        assert_eq!(made.pcm.len(), 720 + 24_000 + 4_320);
        let [one, two] = made.words.as_ref() else { panic!("two words: {:?}", made.words) };
        assert_eq!((one.text_start, one.text_end, two.text_start, two.text_end), (0, 4, 5, 8));
        assert_eq!((one.start_samples, two.end_samples), (720, 24_720));
        assert!(one.end_samples < two.start_samples, "the comma makes a pause");
    }

    #[test]
    fn nothing_said_makes_an_empty_clip() {
        let made = clip("".into(), &[], &[], &[]);
        assert!(made.pcm.is_empty() && made.words.is_empty());
    }
}
