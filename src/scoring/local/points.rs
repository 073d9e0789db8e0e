//! Key points by meaning: how far an answer says each, and the words that say it. Must never credit without a stretch of
//! the answer that shows it.

use super::features::{answering, columns, weighted};
use super::material::{Material, Point};
use super::told::Told;
use crate::interview::coverage::Status;
use crate::interview::words::clauses;
use std::ops::Range;

/// Longest stretch that is read as one thought, words.
const STRETCH_WORDS_MAX: usize = 40;
/// Neighbouring sentences or clauses that one thought may span.
const STRETCH_PIECES_MAX: usize = 3;
/// Worth of a match from which it counts as the word itself.
const SAME_FROM: f64 = 0.8;
/// Share of the shared words that must be denied on one side only for the contrary to have been said.
const FLIPPED_FROM: f64 = 0.6;
/// Words that must be shared before the contrary can have been said.
const SHARED_WORDS_MIN: usize = 2;

/// A key point as an answer has it.
#[derive(Clone, PartialEq, Debug)]
pub struct Found {
    pub status: Status,
    /// Share of its meaning that was said in one thought, 0 to 1.
    pub covered: f64,
    /// The words that say it, in the plain text, bytes. Always there unless missed.
    pub quote: Option<Range<usize>>,
}

/// Shares of a point's meaning from which it is met and partly met.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Shares {
    pub met: f64,
    pub partial: f64,
}

/// How far an answer says each key point.
#[must_use]
pub fn find(material: &Material, answer: &Told, shares: Shares) -> Vec<Found> {
    let heard = answering(answer);
    let stretches = stretches(answer);
    material.points.iter().map(|point| find_one(point, answer, &heard, &stretches, shares)).collect()
}

fn find_one(point: &Point, answer: &Told, heard: &[usize], stretches: &[Range<usize>], shares: Shares) -> Found {
    let mut best = Found { status: Status::Missed, covered: 0.0, quote: None };
    for (way, mass) in &point.ways {
        let table = super::features::table(way, mass, answer, heard);
        for stretch in stretches {
            let said = columns(heard, stretch);
            let within = |row: &Vec<f64>| row[said.clone()].iter().copied().fold(0.0, f64::max);
            let worths: Vec<f64> = table.iter().map(within).collect();
            let covered = weighted(&worths, mass);
            // Of equals the shorter, which stands first.
            if covered > best.covered + f64::EPSILON {
                let status = status(covered, contrary(way, mass, answer, heard, &table, stretch), shares);
                let quote = answer.words[stretch.start].at.start..answer.words[stretch.end - 1].at.end;
                best = Found { status, covered, quote: (status != Status::Missed).then_some(quote) };
            }
        }
    }
    best
}

fn status(covered: f64, contrary: bool, shares: Shares) -> Status {
    match covered {
        _ if covered < shares.partial => Status::Missed,
        _ if contrary => Status::Wrong,
        _ if covered < shares.met => Status::Partial,
        _ => Status::Met,
    }
}

/// Whether the stretch denies what the way says, or the other way round.
fn contrary(
    way: &Told,
    mass: &[f64],
    answer: &Told,
    heard: &[usize],
    table: &[Vec<f64>],
    stretch: &Range<usize>,
) -> bool {
    let said = columns(heard, stretch);
    let (mut shared, mut flipped, mut words) = (0.0, 0.0, 0);
    for (word, row) in table.iter().enumerate() {
        let same = row[said.clone()].iter().zip(&heard[said.clone()]).filter(|(worth, _)| **worth >= SAME_FROM);
        let contrary: Vec<bool> = same.map(|(_, &its)| answer.is_denied(its) != way.is_denied(word)).collect();
        if contrary.is_empty() {
            continue;
        }
        words += 1;
        shared += mass[word];
        flipped += if contrary.iter().all(|contrary| *contrary) { mass[word] } else { 0.0 };
    }
    // "Without an answer" and "no answer" are the same: who says it in any such word does not say the contrary.
    let lacks =
        |told: &Told, at: Range<usize>| told.words[at].iter().any(|word| LACKING.contains(&word.plain.as_str()));
    let lacking = lacks(way, 0..way.words.len()) != lacks(answer, stretch.clone());
    words >= SHARED_WORDS_MIN && !lacking && flipped > shared * FLIPPED_FROM
}

/// Words by which something is said to be absent without a denial.
const LACKING: &[&str] =
    &["without", "lack", "lacks", "lacking", "absence", "absent", "missing", "fails", "unable", "avoid", "avoids"];

/// Stretches of the answer that may be one thought, shortest first where they begin together.
fn stretches(answer: &Told) -> Vec<Range<usize>> {
    let mut pieces: Vec<Range<usize>> = Vec::new();
    for sentence in &answer.sentences {
        match sentence.len() <= STRETCH_WORDS_MAX {
            true => pieces.push(sentence.clone()),
            // Speech that nobody punctuated.
            false => {
                let own = clauses(&answer.words[sentence.clone()]);
                pieces.extend(own.into_iter().map(|clause| clause.start + sentence.start..clause.end + sentence.start));
            }
        }
    }
    let mut found = Vec::new();
    for first in 0..pieces.len() {
        for last in first..pieces.len().min(first + STRETCH_PIECES_MAX) {
            let stretch = pieces[first].start..pieces[last].end;
            let parted = last > first && answer.words[pieces[last].start].opens_paragraph;
            if parted || (last > first && stretch.len() > STRETCH_WORDS_MAX) {
                break;
            }
            found.push(stretch);
        }
    }
    found
}
