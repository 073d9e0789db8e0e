//! How far an answer says its reference, piece by piece of its words, by meaning alone: finer than word by word where words
//! are compounds or terms of a trade. Must never judge without the model of meaning: then all is 0.

use super::features::{best_share, weighted};
use super::material::Material;
use super::told::Told;
use crate::embed::Pieces;
use std::collections::BTreeSet;
use std::ops::Range;

/// Nearness at which two pieces begin to mean the same, and at which they do.
const NEAR_FROM: f64 = 0.2;
const NEAR_TO: f64 = 0.7;
/// How near a piece must come to the question's to lose all weight, and what it still weighs then.
const ASKED_FREE: f64 = 1.2;
const ASKED_WEIGHT_MIN: f64 = 0.02;
/// Sentences of less weight or fewer words than this are no parts.
const PART_MASS_MIN: f64 = 0.3;
const PART_WORDS_MIN: usize = 2;

/// What an answer has of its reference.
#[derive(Clone, Copy, Default, Debug)]
pub struct Sense {
    /// Share of the reference's mass that the answer says.
    pub covered: f64,
    /// The same of its best sentences.
    pub best_parts: f64,
    /// The most that one sentence of the answer says of one of the reference.
    pub best_part: f64,
    /// Mass of the answer that the reference says, and that it does not.
    pub right_mass: f64,
    pub other_mass: f64,
}

/// What each piece of a text weighs that the question does not say.
#[must_use]
pub fn piece_mass(told: &Told, question: &Told) -> Vec<f64> {
    let (Some(own), Some(asked)) = (told.pieces(), question.pieces()) else { return Vec::new() };
    let beside = own.beside(asked);
    let near = |piece: usize| (0..asked.len()).map(|its| beside.at(piece, its)).fold(0.0, f64::max);
    let mass = |piece: usize| f64::from(own.rarity[piece]) * (ASKED_FREE - near(piece)).clamp(ASKED_WEIGHT_MIN, 1.0);
    (0..own.len()).map(mass).collect()
}

/// Holds an answer against its material.
#[must_use]
pub fn sense(material: &Material, answer: &Told) -> Sense {
    let (Some(wanted), Some(said)) = (material.reference.pieces(), answer.pieces()) else { return Sense::default() };
    let mass = &material.piece_mass;
    if wanted.is_empty() || said.is_empty() || mass.len() != wanted.len() {
        return Sense::default();
    }
    let beside = wanted.beside(said);
    let worth =
        |piece: usize, its: usize| ((beside.at(piece, its) - NEAR_FROM) / (NEAR_TO - NEAR_FROM)).clamp(0.0, 1.0);
    let table: Vec<Vec<f64>> =
        (0..wanted.len()).map(|piece| (0..said.len()).map(|its| worth(piece, its)).collect()).collect();
    let best: Vec<f64> = table.iter().map(|row| highest(row)).collect();
    let parts = parts(&material.reference, mass);
    let covered = |part: &Range<usize>| weighted(&best[part.clone()], &mass[part.clone()]);
    let own_mass = piece_mass(answer, &material.question);
    let (mut right, mut other) = (0.0, 0.0);
    let mut counted: BTreeSet<&str> = BTreeSet::new();
    // What is said again is said once.
    let fresh: Vec<bool> = answer.words.iter().map(|word| counted.insert(&word.stem)).collect();
    for (its, own) in own_mass.iter().enumerate().filter(|(its, _)| fresh[said.words[*its]]) {
        let explained = table.iter().map(|row| row[its]).fold(0.0, f64::max);
        right += own * explained;
        other += own * (1.0 - explained);
    }
    let whole = weighted(&best, mass);
    let within = |part: &Range<usize>, sentence: &Range<usize>| {
        let said: Vec<f64> = table[part.clone()].iter().map(|row| highest(&row[sentence.clone()])).collect();
        weighted(&said, &mass[part.clone()])
    };
    let told = sentences(answer, said);
    let one = parts.iter().flat_map(|part| told.iter().map(move |sentence| within(part, sentence))).fold(0.0, f64::max);
    Sense {
        covered: whole,
        best_parts: if parts.is_empty() { whole } else { best_share(&parts.iter().map(covered).collect::<Vec<_>>()) },
        best_part: if parts.is_empty() || told.is_empty() { whole } else { one },
        right_mass: right.ln_1p(),
        other_mass: other.ln_1p(),
    }
}

/// The sentences of a reference that say something, as ranges of its pieces.
pub fn parts(reference: &Told, mass: &[f64]) -> Vec<Range<usize>> {
    let Some(pieces) = reference.pieces().filter(|pieces| !pieces.is_empty() && pieces.len() == mass.len()) else {
        return reference.sentences.clone();
    };
    let told = sentences(reference, pieces).into_iter();
    told.filter(|part| mass[part.clone()].iter().sum::<f64>() > PART_MASS_MIN).collect()
}

fn highest(row: &[f64]) -> f64 {
    row.iter().copied().fold(0.0, f64::max)
}

/// The pieces of each sentence of more than a word.
fn sentences(told: &Told, pieces: &Pieces) -> Vec<Range<usize>> {
    let start = |word: usize| pieces.words.partition_point(|its| *its < word);
    let long = told.sentences.iter().filter(|sentence| sentence.len() >= PART_WORDS_MIN);
    long.map(|sentence| start(sentence.start)..start(sentence.end)).filter(|part| !part.is_empty()).collect()
}
