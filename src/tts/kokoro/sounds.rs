//! Words to Kokoro's sounds: by the dictionary, by `espeak-ng` for words that it has not, spelled where that is not
//! there.

use super::super::TtsError;
use super::super::clip::{self, Weight};
use super::super::espeak::Espeak;
use misaki_rs::fallback::FallbackError;
use misaki_rs::{Fallback, G2P, Language};
use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::Once;

/// The dictionary and the network's numbers for its letters of sound.
pub struct Sounds {
    dictionary: G2P,
    numbers: HashMap<char, i64>,
}

impl fmt::Debug for Sounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sounds")
    }
}

/// A word's sounds, with the space after it.
#[derive(Clone, PartialEq, Debug)]
pub struct Sound {
    pub numbers: Vec<i64>,
    pub weight: Weight,
}

impl Sounds {
    /// Reads the vocabulary and makes the dictionary ready (0.2 s).
    pub fn load(vocabulary: &Path) -> Result<Self, TtsError> {
        let load = |why: String| TtsError::Load { why: format!("{}: {why}", vocabulary.display()) };
        let json = std::fs::read(vocabulary).map_err(|e| load(e.to_string()))?;
        let mut json: HashMap<String, HashMap<char, i64>> =
            serde_json::from_slice(&json).map_err(|e| load(e.to_string()))?;
        let numbers = json.remove("vocab").ok_or_else(|| load("has no vocabulary".into()))?;
        let dictionary = G2P::with_fallback(Language::EnglishUS, Some(Box::new(Unknown::default())));
        Ok(Self { dictionary, numbers })
    }

    /// The sounds of a spoken text, word by word, with each word's place in it.
    pub fn of(&self, spoken: &str) -> Result<Vec<Sound>, TtsError> {
        let (_, words) = self.dictionary.g2p(spoken).map_err(|e| TtsError::Run { why: e.to_string() })?;
        let mut at = 0;
        let mut found = Vec::with_capacity(words.len());
        for word in words {
            // Words come in the order of the text; where one is written otherwise, the next is found again.
            let start = spoken[at..].find(&word.text).map_or(at, |skip| at + skip);
            let end = (start + word.text.len()).min(spoken.len());
            let phonemes = word.phonemes.unwrap_or_default();
            let space = if word.whitespace.is_empty() { "" } else { " " };
            let numbers = phonemes.chars().chain(space.chars()).filter_map(|c| self.numbers.get(&c).copied()).collect();
            let weight =
                Weight { spoken: start..end, sounds: clip::sounds(&phonemes), pause: clip::pause_after(&phonemes) };
            found.push(Sound { numbers, weight });
            at = end;
        }
        Ok(found)
    }
}

/// Words that the dictionary has not.
#[derive(Debug, Default)]
struct Unknown {
    espeak: Espeak,
}

static WARNED: Once = Once::new();

impl Fallback for Unknown {
    /// Never fails: the dictionary would write the word, which may be anybody's, into a log.
    fn phonemize(&self, word: &str) -> Result<String, FallbackError> {
        Ok(match self.espeak.ipa(word) {
            Ok(ipa) => from_ipa(&ipa),
            Err(error) => {
                WARNED.call_once(|| tracing::warn!(%error, "words that the dictionary has not are spelled"));
                word.chars().filter_map(letter).collect::<Vec<_>>().join(" ")
            }
        })
    }
}

/// Kokoro writes diphthongs and affricates as one letter, has no length marks, and `ɹ` after its vowels.
const FROM_IPA: [(&str, &str); 26] = [
    ("tʃ", "ʧ"),
    ("dʒ", "ʤ"),
    ("aɪ", "I"),
    ("aʊ", "W"),
    ("eɪ", "A"),
    ("oʊ", "O"),
    ("əʊ", "O"),
    ("ɔɪ", "Y"),
    ("ɜːɹ", "ɜɹ"),
    ("ɜː", "ɜɹ"),
    ("ɚɹ", "əɹ"),
    ("ɚ", "əɹ"),
    ("əl", "ᵊl"),
    ("l\u{329}", "ᵊl"),
    ("n\u{329}", "ᵊn"),
    ("ʲ", ""),
    ("ɐ", "ə"),
    ("ɾ", "T"),
    ("ʔ", "t"),
    ("x", "k"),
    ("ç", "k"),
    ("ɬ", "l"),
    ("r", "ɹ"),
    ("ː", ""),
    ("e", "A"),
    ("o", "ɔ"),
];

fn from_ipa(ipa: &str) -> String {
    let ipa = ipa.replace(['\n', '_', '-'], " ");
    let mut sounds = String::with_capacity(ipa.len());
    let mut rest = ipa.as_str();
    while let Some(c) = rest.chars().next() {
        if let Some((from, to)) = FROM_IPA.iter().find(|(from, _)| rest.starts_with(from)) {
            sounds.push_str(to);
            rest = &rest[from.len()..];
        } else {
            sounds.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    sounds.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The name of a letter.
fn letter(c: char) -> Option<&'static str> {
    Some(match c.to_ascii_lowercase() {
        'a' => "ˈA",
        'b' => "bˈi",
        'c' => "sˈi",
        'd' => "dˈi",
        'e' => "ˈi",
        'f' => "ˈɛf",
        'g' => "ʤˈi",
        'h' => "ˈAʧ",
        'i' => "ˈI",
        'j' => "ʤˈA",
        'k' => "kˈA",
        'l' => "ˈɛl",
        'm' => "ˈɛm",
        'n' => "ˈɛn",
        'o' => "ˈO",
        'p' => "pˈi",
        'q' => "kjˈu",
        'r' => "ˈɑɹ",
        's' => "ˈɛs",
        't' => "tˈi",
        'u' => "jˈu",
        'v' => "vˈi",
        'w' => "dˈʌbᵊljˌu",
        'x' => "ˈɛks",
        'y' => "wˈI",
        'z' => "zˈi",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipa_becomes_kokoros_letters() {
        assert_eq!(from_ipa("kjˌuːbɚnˈɛɾiːz"), "kjˌubəɹnˈɛTiz");
        assert_eq!(from_ipa("tˈoʊkɪˌoʊ"), "tˈOkɪˌO");
        assert_eq!(from_ipa("dʒˈeɪsən\nkˈeɪp_tʃɜː"), "ʤˈAsən kˈAp ʧɜɹ");
    }

    #[test]
    fn every_sound_of_an_unknown_word_is_one_that_kokoro_has() {
        let known = "AIOWYQTᵊbdfhijklmnpstuvwzɑɔəɛɜɡɪŋæðɹʃʊʌʒʤʧθˈˌ ";
        for c in ('a'..='z').filter_map(letter).flat_map(str::chars) {
            assert!(known.contains(c), "{c}");
        }
        for (_, to) in FROM_IPA {
            assert!(to.chars().all(|c| known.contains(c)), "{to}");
        }
    }
}
