//! What an answer is held against: the question, its reference and its key points, read once for all answers. Must never
//! hold anything of an answer.

use super::sense::{parts, piece_mass};
use super::told::Told;
use crate::embed::Embedder;
use crate::interview::question::KeyPoint;
use crate::interview::words::is_negator;
use crate::scoring::derive::derive;
use crate::scoring::grader::GradingInput;

/// How near a word must come to the question's to lose all weight: what was given is no evidence.
const ASKED_FREE: f64 = 1.2;
/// What a word of the question still weighs in the reference.
const ASKED_WEIGHT_MIN: f64 = 0.02;
/// Words that weigh less say nothing: no time is spent on them.
pub const WEIGHT_MIN: f64 = 0.06;

/// The material of one question.
#[derive(Debug)]
pub struct Material {
    pub question: Told,
    /// The reference; where there is none, the statements of the key points.
    pub reference: Told,
    /// What each of its words weighs here: what the question says itself weighs nearly nothing.
    pub mass: Vec<f64>,
    /// What each piece of its words weighs here, where meaning was read.
    pub piece_mass: Vec<f64>,
    pub points: Vec<Point>,
    /// The points were derived, not authored.
    pub derived: bool,
    pub about: [f64; ABOUT],
}

/// Figures of the material that tell how much of it answers usually cover.
pub const ABOUT: usize = 6;

/// A key point, read.
#[derive(Debug)]
pub struct Point {
    pub id: String,
    pub statement: String,
    pub weight: f64,
    pub must: bool,
    /// Ways of saying it, with what each word weighs.
    pub ways: Vec<(Told, Vec<f64>)>,
}

impl Material {
    /// Reads the material of an input.
    #[must_use]
    pub fn read(input: &GradingInput<'_>, embedder: Option<&dyn Embedder>) -> Self {
        let derived = input.key_points.is_empty();
        let points =
            if derived { derive(input.question, input.reference, input.rubric) } else { input.key_points.to_vec() };
        let question = Told::read(input.question, &[], embedder);
        let statements: Vec<&str> = points.iter().map(|point| point.statement.as_str()).collect();
        let reference = match input.reference.trim() {
            "" => statements.join(".\n"),
            reference => reference.to_owned(),
        };
        let reference = Told::read(&reference, &[], embedder);
        let mass = new_mass(&reference, &question);
        let point = |point: &KeyPoint| {
            let ways = std::iter::once(&point.statement).chain(&point.paraphrases);
            let read = |way: &String| {
                let told = Told::read(way, &[], embedder);
                let mass = new_mass(&told, &question);
                (told, mass)
            };
            let (id, statement) = (point.id.clone(), point.statement.clone());
            Point { id, statement, weight: point.weight, must: point.must, ways: ways.map(read).collect() }
        };
        let points = points.iter().map(point).collect();
        let piece_mass = piece_mass(&reference, &question);
        let about = about(&question, &reference, &mass, &piece_mass);
        Self { question, reference, mass, piece_mass, points, derived, about }
    }
}

/// What each word of a text weighs that the question does not say.
pub fn new_mass(told: &Told, question: &Told) -> Vec<f64> {
    let beside = told.beside(question);
    let asked = |word: usize| {
        let near = (0..question.words.len()).filter(|&its| question.weight[its] >= WEIGHT_MIN);
        near.map(|its| beside.same(word, its)).fold(0.0, f64::max)
    };
    let mass = |word: usize| match told.weight[word] {
        weight if weight < WEIGHT_MIN || is_negator(&told.words[word]) => 0.0,
        weight => weight * (ASKED_FREE - asked(word)).clamp(ASKED_WEIGHT_MIN, 1.0),
    };
    (0..told.words.len()).map(mass).collect()
}

fn about(question: &Told, reference: &Told, mass: &[f64], piece_mass: &[f64]) -> [f64; ABOUT] {
    let length = |told: &Told| u32::try_from(told.words.len()).map_or(0.0, f64::from).ln_1p();
    // Piece by piece where meaning was read.
    let (new, all): (f64, f64) = match reference.pieces().filter(|pieces| !pieces.is_empty()) {
        Some(pieces) => (piece_mass.iter().sum(), pieces.rarity.iter().copied().map(f64::from).sum()),
        None => (mass.iter().sum(), reference.weight.iter().sum()),
    };
    let parts = u32::try_from(parts(reference, piece_mass).len().max(1)).map_or(0.0, f64::from);
    let share = if all > 0.0 { new / all } else { 0.0 };
    [length(reference), (new + 0.5).ln(), parts.ln(), share, length(question), question.nearness(reference)]
}
