//! A text made comparable: its words, what each weighs, and its sentences. Must never judge.

use super::plain::Plain;
use crate::embed::{Embedder, Nearness, Pieces, Reading, nearness};
use crate::interview::words::{Denial, Word, is_negator, words};
use crate::scoring::asides::sentences;
use std::collections::BTreeSet;
use std::ops::Range;

/// What a word without meaning of its own weighs; those with meaning weigh 1 where nothing else is known.
const FILLER_WEIGHT: f64 = 0.05;
/// Nearness of two words' vectors at which they begin to mean the same, and at which they do.
const NEAR_FROM: f64 = 0.25;
const NEAR_TO: f64 = 0.75;
/// The most that a word counts for that means the same in other letters.
const NEAR_WORTH_MAX: f64 = 0.95;
/// Share of common letter groups from which two words may be forms of one.
const LETTERS_FROM: f64 = 0.5;
/// Letters of a group.
const GROUP_LETTERS: usize = 3;

/// A text, read.
#[derive(Clone, Debug)]
pub struct Told {
    pub plain: Plain,
    pub words: Vec<Word>,
    pub sentences: Vec<Range<usize>>,
    /// For each word how much it tells, 0 to 1.
    pub weight: Vec<f64>,
    reading: Option<Reading>,
    /// For each word its groups of letters, for comparing forms.
    letters: Vec<BTreeSet<[char; GROUP_LETTERS]>>,
}

impl Told {
    /// Reads a text without the stretches that `left_out` names.
    #[must_use]
    pub fn read(text: &str, left_out: &[Range<usize>], embedder: Option<&dyn Embedder>) -> Self {
        let plain = Plain::read(text, left_out);
        let words = words(&plain.text);
        let sentences = sentences(&words, &plain.text);
        let ends: Vec<usize> = sentences.iter().map(|sentence| sentence.end - 1).collect();
        let spelled: Vec<&str> = words.iter().map(|word| word.plain.as_str()).collect();
        let reading = embedder.and_then(|embedder| match embedder.read(&spelled, &ends) {
            Ok(reading) => Some(reading),
            Err(error) => {
                tracing::error!(%error, "an answer is judged without the model of meaning");
                None
            }
        });
        let weight = words.iter().enumerate().map(|(at, word)| weight(word, reading.as_ref().map(|r| r.rarity[at])));
        let letters = words.iter().map(|word| letters(&word.plain)).collect();
        Self { weight: weight.collect(), letters, reading, words, sentences, plain }
    }

    /// Whether meaning was read, not only words.
    #[must_use]
    pub fn has_meaning(&self) -> bool {
        self.reading.is_some()
    }

    /// This text and another, word beside word.
    #[must_use]
    pub fn beside<'a>(&'a self, other: &'a Self) -> Beside<'a> {
        let near = self.reading.as_ref().zip(other.reading.as_ref()).map(|(own, others)| own.beside(others));
        Beside { own: self, other, near }
    }

    /// The pieces that the model of meaning read; none without it.
    #[must_use]
    pub fn pieces(&self) -> Option<&Pieces> {
        self.reading.as_ref().map(|reading| &reading.pieces)
    }

    /// How near the meanings of two whole texts are; 0 without the model of meaning.
    #[must_use]
    pub fn nearness(&self, other: &Self) -> f64 {
        match (&self.reading, &other.reading) {
            (Some(own), Some(others)) => f64::from(nearness(&own.mean(0..own.len()), &others.mean(0..others.len()))),
            _ => 0.0,
        }
    }

    /// Whether a word is denied ("does *not* lock").
    #[must_use]
    pub fn is_denied(&self, word: usize) -> bool {
        self.words[word].denial == Denial::Denied
    }

    /// Stems of the words with meaning of their own.
    #[must_use]
    pub fn stems(&self) -> BTreeSet<&str> {
        self.words.iter().filter(|word| word.content).map(|word| word.stem.as_str()).collect()
    }

    /// Groups of letters of the whole text, its words parted by a blank.
    #[must_use]
    pub fn text_letters(&self) -> BTreeSet<[char; GROUP_LETTERS]> {
        let spelled: Vec<&str> = self.words.iter().map(|word| word.plain.as_str()).collect();
        letters(&spelled.join(" "))
    }
}

/// Two texts, word beside word.
#[derive(Debug)]
pub struct Beside<'a> {
    own: &'a Told,
    other: &'a Told,
    /// None where meaning was not read on both sides.
    near: Option<Nearness>,
}

impl Beside<'_> {
    /// How far a word of the first text means the same as a word of the other, 0 to 1.
    #[must_use]
    pub fn same(&self, word: usize, its: usize) -> f64 {
        let (a, b) = (&self.own.words[word], &self.other.words[its]);
        if a.stem == b.stem {
            return 1.0;
        }
        // Another number is another number, whatever lies near it.
        if a.number || b.number {
            return 0.0;
        }
        // Forms of one word begin alike; most pairs do not, and are not compared further.
        let may_be_forms = a.plain.chars().next() == b.plain.chars().next();
        let by_letters = if may_be_forms { dice(&self.own.letters[word], &self.other.letters[its]) } else { 0.0 };
        let by_letters = if by_letters >= LETTERS_FROM { by_letters } else { 0.0 };
        let near = |near: &Nearness| ((near.at(word, its) - NEAR_FROM) / (NEAR_TO - NEAR_FROM)).clamp(0.0, 1.0);
        by_letters.max(self.near.as_ref().map_or(0.0, near)).min(NEAR_WORTH_MAX)
    }
}

fn weight(word: &Word, rarity: Option<f32>) -> f64 {
    match rarity {
        _ if is_negator(word) || word.denial == Denial::Unsaid => FILLER_WEIGHT,
        _ if word.number => 1.0,
        Some(rarity) => f64::from(rarity),
        None if word.content => 1.0,
        None => FILLER_WEIGHT,
    }
}

fn letters(text: &str) -> BTreeSet<[char; GROUP_LETTERS]> {
    let chars: Vec<char> = text.chars().collect();
    chars.windows(GROUP_LETTERS).map(|group| [group[0], group[1], group[2]]).collect()
}

/// Share of what two sets have in common, 0 to 1.
#[must_use]
pub fn dice<T: Ord>(a: &BTreeSet<T>, b: &BTreeSet<T>) -> f64 {
    let all = a.len() + b.len();
    if all == 0 { 0.0 } else { ratio(2 * a.intersection(b).count(), all) }
}

/// A share of counts.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts of words are small")]
pub fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
