//! Words cut into the pieces that a BERT-like model knows, longest first. Must never fail: what is not known is the
//! piece for the unknown.

use std::collections::BTreeMap;

/// Longer words are unknown as a whole, characters (as in the model's training).
const WORD_CHARS_MAX: usize = 100;
/// Numbers below this stand for reserved signs and single letters; words follow in the order of their frequency.
const FIRST_WORD: u32 = 1_996;
/// Words of the vocabulary that count as wholly common up to wholly rare.
const RARE_FROM_WORDS: f32 = 2_000.0;
/// Even the commonest word carries a little.
const RARITY_MIN: f32 = 0.05;

/// The pieces of a model, each with its number.
#[derive(Debug)]
pub struct WordPieces {
    numbers: BTreeMap<String, u32>,
    pub unknown: u32,
    pub opening: u32,
    pub closing: u32,
    pub full_stop: u32,
}

impl WordPieces {
    /// Reads a `vocab.txt`: a piece a line. `None` where one of the signs is missing that a text is framed by.
    #[must_use]
    pub fn parse(vocabulary: &str) -> Option<Self> {
        let numbers: BTreeMap<String, u32> =
            (0..).zip(vocabulary.lines()).map(|(n, piece)| (piece.to_owned(), n)).collect();
        let number = |piece: &str| numbers.get(piece).copied();
        let (unknown, opening) = (number("[UNK]")?, number("[CLS]")?);
        let (closing, full_stop) = (number("[SEP]")?, number(".")?);
        Some(Self { unknown, opening, closing, full_stop, numbers })
    }

    /// The pieces of a word in lower case.
    #[must_use]
    pub fn pieces(&self, word: &str) -> Vec<u32> {
        let ends: Vec<usize> = word.char_indices().map(|(at, c)| at + c.len_utf8()).collect();
        let mut pieces = Vec::new();
        let mut start = 0;
        while start < word.len() {
            let found = ends.iter().rev().take_while(|end| **end > start).find_map(|&end| {
                let piece = &word[start..end];
                let number = if start == 0 { self.numbers.get(piece) } else { self.numbers.get(&format!("##{piece}")) };
                number.map(|number| (*number, end))
            });
            match found {
                Some((number, end)) if ends.len() <= WORD_CHARS_MAX => {
                    pieces.push(number);
                    start = end;
                }
                _ => return vec![self.unknown],
            }
        }
        pieces
    }
}

/// How rare a word of these pieces is, 0 to 1: a vocabulary lists its words by frequency, and what had to be cut into
/// pieces is rare.
#[must_use]
pub fn rarity(pieces: &[u32]) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "numbers of pieces are small")]
    let of = |number: u32| (number.saturating_sub(FIRST_WORD) as f32 / RARE_FROM_WORDS).clamp(RARITY_MIN, 1.0);
    match pieces {
        [one] => of(*one),
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::WordPieces;

    fn pieces() -> WordPieces {
        WordPieces::parse("[UNK]\n[CLS]\n[SEP]\n.\nretry\nre\n##try\n##ing\nidem\n##potent").expect("a vocabulary")
    }

    fn check(word: &str, expected: &[u32]) {
        assert_eq!(pieces().pieces(word), expected, "{word}");
    }

    #[test]
    fn words_are_cut_longest_first() {
        check("retry", &[4]);
        check("retrying", &[4, 7]);
        check("idempotent", &[8, 9]);
        check("", &[]);
    }

    #[test]
    fn what_is_not_known_is_one_unknown_piece() {
        check("idempotence", &[0]);
        check("ключ", &[0]);
        check(&"re".repeat(80), &[0]);
    }

    #[test]
    fn a_vocabulary_without_its_signs_is_none() {
        assert!(WordPieces::parse("a\nb").is_none());
    }
}
