//! What an answer has of its material, in figures: each is 0 where there is nothing and grows with what is there, or
//! counts against it. Must never look at how somebody speaks: fillers, dialect, names and length as such are no figures.

use super::material::{Material, WEIGHT_MIN, new_mass};
use super::sense::sense;
use super::told::{Told, dice, ratio};
use std::collections::BTreeSet;
use std::ops::Range;

/// How many figures there are.
pub const FEATURES: usize = 14;
/// Their names, in their order.
pub const NAMES: [&str; FEATURES] = [
    "covered",
    "best_parts",
    "best_part",
    "whole_letters",
    "stems",
    "stem_count",
    "right_mass",
    "other_mass",
    "denied",
    "sense_covered",
    "sense_best_parts",
    "sense_best_part",
    "sense_right_mass",
    "sense_other_mass",
];
/// Places of figures that are used by themselves: the plain overlap of words, and the mass of right words.
pub const STEMS: usize = 4;
pub const RIGHT_MASS: usize = 6;
/// Share of the reference's sentences that count as its best parts: not every reference is wanted whole.
const BEST_SHARE: f64 = 0.6;
/// Sentences of less weight than this are no parts.
const PART_MASS_MIN: f64 = 0.3;
/// Worth of a match from which two words count as the same.
const SAME_FROM: f64 = 0.8;

/// What an answer has.
#[derive(Clone, PartialEq, Debug)]
pub struct Features {
    pub values: [f64; FEATURES],
    /// For each word of the answer how much it tells that the question does not, and how far the reference says that.
    pub mass: Vec<f64>,
    pub worth: Vec<f64>,
}

/// What kind of answer it is, by counting alone.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Kind {
    /// Share of the answer's stems that the question does not say.
    pub own_share: f64,
    /// Share of the question's stems that the answer says.
    pub asked_share: f64,
    /// Share of its words that carry no meaning of their own: low where terms are only listed.
    pub filler_share: f64,
    /// Words that carry meaning.
    pub content_words: usize,
}

/// Holds an answer against its material.
#[must_use]
pub fn features(material: &Material, answer: &Told) -> Features {
    let reference = &material.reference;
    let heard = answering(answer);
    let table = table(reference, &material.mass, answer, &heard);
    let best: Vec<f64> = table.iter().map(|row| row.iter().copied().fold(0.0, f64::max)).collect();
    let parts = parts(material, &best);
    let new = new_mass(answer, &material.question);
    let explained = |at: usize| table.iter().map(|row| row[at]).fold(0.0, f64::max);
    let mut worth = vec![0.0; answer.words.len()];
    heard.iter().enumerate().for_each(|(at, &word)| worth[word] = explained(at));
    let (mut right, mut other) = (0.0, 0.0);
    let mut counted: BTreeSet<&str> = BTreeSet::new();
    for &word in &heard {
        // What is said again is said once.
        if counted.insert(&answer.words[word].stem) {
            right += new[word] * worth[word];
            other += new[word] * (1.0 - worth[word]);
        }
    }
    let (said, wanted, asked) = (answer.stems(), reference.stems(), material.question.stems());
    let fresh: BTreeSet<&str> = wanted.difference(&asked).copied().collect();
    let hits = said.intersection(&fresh).count();
    let sense = sense(material, answer);
    Features {
        values: [
            weighted(&best, &material.mass),
            best_share(&parts),
            best_part(material, answer, &heard, &table),
            dice(&answer.text_letters(), &reference.text_letters()),
            ratio(hits, fresh.len()),
            u32::try_from(hits).map_or(0.0, f64::from).ln_1p(),
            f64::ln_1p(right),
            f64::ln_1p(other),
            denied(reference, answer, &heard, &table),
            sense.covered,
            sense.best_parts,
            sense.best_part,
            sense.right_mass,
            sense.other_mass,
        ],
        mass: new,
        worth,
    }
}

/// Counts what kind of answer it is.
#[must_use]
pub fn kind(material: &Material, answer: &Told) -> Kind {
    let (said, asked) = (answer.stems(), material.question.stems());
    let content_words = answer.words.iter().filter(|word| word.content).count();
    Kind {
        own_share: ratio(said.difference(&asked).count(), said.len()),
        asked_share: ratio(said.intersection(&asked).count(), asked.len()),
        filler_share: 1.0 - ratio(content_words, answer.words.len().max(1)),
        content_words,
    }
}

/// Words of the answer that say something.
pub fn answering(answer: &Told) -> Vec<usize> {
    let told = |word: &usize| answer.weight[*word] >= WEIGHT_MIN;
    (0..answer.words.len()).filter(told).collect()
}

/// For each word of a text with its mass, and each answering word, how far they mean the same.
pub fn table(told: &Told, mass: &[f64], answer: &Told, heard: &[usize]) -> Vec<Vec<f64>> {
    let beside = told.beside(answer);
    let row = |word: usize| match mass[word] > 0.0 {
        true => heard.iter().map(|&its| beside.same(word, its)).collect(),
        false => vec![0.0; heard.len()],
    };
    (0..told.words.len()).map(row).collect()
}

/// The columns of a table whose words lie in a stretch of the answer.
pub fn columns(heard: &[usize], stretch: &Range<usize>) -> Range<usize> {
    let from = |word: usize| heard.partition_point(|its| *its < word);
    from(stretch.start)..from(stretch.end)
}

/// Mean of `values` by `mass`.
pub fn weighted(values: &[f64], mass: &[f64]) -> f64 {
    let all: f64 = mass.iter().sum();
    if all <= 0.0 { 0.0 } else { values.iter().zip(mass).map(|(value, mass)| value * mass).sum::<f64>() / all }
}

/// How far each sentence of the reference is covered.
fn parts(material: &Material, best: &[f64]) -> Vec<f64> {
    let sentences = material.reference.sentences.iter().cloned();
    let heavy = sentences.filter(|part| material.mass[part.clone()].iter().sum::<f64>() > PART_MASS_MIN);
    heavy.map(|part| weighted(&best[part.clone()], &material.mass[part])).collect()
}

/// Mean of the best of them.
pub fn best_share(parts: &[f64]) -> f64 {
    let mut sorted = parts.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a count of sentences"
    )]
    let count = ((sorted.len() as f64 * BEST_SHARE).round() as usize).max(1);
    let kept = sorted.len().min(count);
    if kept == 0 { 0.0 } else { sorted[..kept].iter().sum::<f64>() / u32::try_from(kept).map_or(1.0, f64::from) }
}

/// The best that one sentence of the answer covers of one sentence of the reference.
fn best_part(material: &Material, answer: &Told, heard: &[usize], table: &[Vec<f64>]) -> f64 {
    let mut best = 0.0_f64;
    for part in &material.reference.sentences {
        let mass = &material.mass[part.clone()];
        if mass.iter().sum::<f64>() <= PART_MASS_MIN {
            continue;
        }
        for sentence in &answer.sentences {
            let said = columns(heard, sentence);
            let within = |row: &Vec<f64>| row[said.clone()].iter().copied().fold(0.0, f64::max);
            let covered: Vec<f64> = table[part.clone()].iter().map(within).collect();
            best = best.max(weighted(&covered, mass));
        }
    }
    best
}

/// Of the words that answer and reference share, the share that only one of them denies.
fn denied(reference: &Told, answer: &Told, heard: &[usize], table: &[Vec<f64>]) -> f64 {
    let (mut shared, mut flipped) = (0_usize, 0_usize);
    for (word, row) in table.iter().enumerate() {
        let same = heard.iter().zip(row).filter(|(_, worth)| **worth >= SAME_FROM);
        let contrary: Vec<bool> = same.map(|(&its, _)| answer.is_denied(its) != reference.is_denied(word)).collect();
        shared += usize::from(!contrary.is_empty());
        flipped += usize::from(!contrary.is_empty() && contrary.iter().all(|contrary| *contrary));
    }
    ratio(flipped, shared)
}
