//! Meaning as numbers: the words of a text become vectors that lie near each other where the words mean the same there.
//! Must never judge an answer, and never give other numbers for the same text, whatever was read before it.

#[cfg(feature = "local-speech")]
mod integers;
#[cfg(feature = "local-speech")]
pub mod minilm;
pub mod wordpiece;

use ndarray::ArrayView2;

/// Reads texts.
pub trait Embedder: Send + Sync {
    /// One vector for each word, in the light of the words around it. The words are in lower case; those that end a
    /// sentence are named by `ends`, in ascending order.
    ///
    /// # Errors
    /// [`EmbedError`] when the model fails.
    fn read(&self, words: &[&str], ends: &[usize]) -> Result<Reading, EmbedError>;

    /// Model and version, for provenance.
    fn name(&self) -> String;
}

/// Why there are no vectors.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EmbedError {
    #[error("the model of meaning could not be loaded: {0}")]
    Load(String),
    #[error("the model of meaning failed: {0}")]
    Run(String),
}

/// A text as the model reads it.
#[derive(Clone, PartialEq, Debug)]
pub struct Reading {
    width: usize,
    /// One row of length 1 for each word.
    rows: Vec<f32>,
    /// For each word how rare it is in the language, 0 (as "the") to 1.
    pub rarity: Vec<f32>,
    /// What the model cut the words into.
    pub pieces: Pieces,
}

/// Pieces of words, as a model reads them.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Pieces {
    width: usize,
    /// One row of length 1 for each piece.
    rows: Vec<f32>,
    /// For each piece its word, ascending.
    pub words: Vec<usize>,
    pub rarity: Vec<f32>,
}

impl Pieces {
    /// Without any piece yet.
    #[must_use]
    pub fn none(width: usize) -> Self {
        Self { width, ..Self::default() }
    }

    /// Adds a piece of a word; its row is brought to length 1.
    pub fn push(&mut self, word: usize, row: &[f32], rarity: f32) {
        let start = self.rows.len();
        self.rows.extend_from_slice(row);
        to_unit(&mut self.rows[start..]);
        self.words.push(word);
        self.rarity.push(rarity);
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.words.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// How near each of these pieces is to each of the others.
    #[must_use]
    pub fn beside(&self, others: &Self) -> Nearness {
        Nearness::of(self.width, &self.rows, &others.rows)
    }
}

impl Reading {
    /// From one row of `width` for each word; every row is brought to length 1.
    #[must_use]
    pub fn new(width: usize, mut rows: Vec<f32>, rarity: Vec<f32>, pieces: Pieces) -> Self {
        debug_assert_eq!(rows.len(), width * rarity.len(), "one row for each word");
        rows.chunks_exact_mut(width.max(1)).for_each(to_unit);
        Self { width, rows, rarity, pieces }
    }

    /// Words read.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rarity.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rarity.is_empty()
    }

    /// The vector of a word.
    #[must_use]
    pub fn row(&self, word: usize) -> &[f32] {
        &self.rows[word * self.width..(word + 1) * self.width]
    }

    /// How near each of these words is to each of the others.
    #[must_use]
    pub fn beside(&self, others: &Self) -> Nearness {
        Nearness::of(self.width, &self.rows, &others.rows)
    }

    /// The vector of a stretch of words.
    #[must_use]
    pub fn mean(&self, words: std::ops::Range<usize>) -> Vec<f32> {
        let mut sum = vec![0.0; self.width];
        for word in words {
            sum.iter_mut().zip(self.row(word)).for_each(|(sum, part)| *sum += part);
        }
        to_unit(&mut sum);
        sum
    }
}

/// How near each vector of one text is to each of another.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Nearness {
    others: usize,
    values: Vec<f32>,
}

impl Nearness {
    /// All at once, as one product of matrices: a hundred words beside a hundred are ten thousand products of long rows,
    /// which took most of a long answer's time when they were formed one by one. Each value depends on its two rows alone.
    fn of(width: usize, own: &[f32], others: &[f32]) -> Self {
        let (own, others) = (rows(width, own), rows(width, others));
        Self { others: others.nrows(), values: own.dot(&others.t()).iter().copied().collect() }
    }

    /// 1 where two agree, about 0 where they have nothing in common.
    #[must_use]
    pub fn at(&self, own: usize, its: usize) -> f64 {
        f64::from(self.values[own * self.others + its])
    }
}

fn rows(width: usize, numbers: &[f32]) -> ArrayView2<'_, f32> {
    let width = width.max(1);
    ArrayView2::from_shape((numbers.len() / width, width), numbers).expect("whole rows, as all were pushed")
}

/// How near two vectors of length 1 are: 1 where they agree, about 0 where they have nothing in common.
#[must_use]
pub fn nearness(a: &[f32], b: &[f32]) -> f32 {
    // Eight sums side by side, in a fixed order: quick, and the same to the bit on every run.
    const LANES: usize = 8;
    let mut sums = [0.0_f32; LANES];
    let (a_whole, b_whole) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = a_whole.remainder().iter().zip(b_whole.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_whole.zip(b_whole) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

fn to_unit(row: &mut [f32]) {
    /// Shorter vectors have no direction.
    const SHORTEST: f32 = 1e-6;
    let length = nearness(row, row).sqrt();
    if length > SHORTEST {
        row.iter_mut().for_each(|value| *value /= length);
    }
}

#[cfg(test)]
mod tests {
    use super::{Nearness, Pieces, Reading, nearness};

    #[test]
    fn rows_have_length_one_and_means_lie_between() {
        let reading = Reading::new(3, vec![3.0, 0.0, 0.0, 0.0, 5.0, 0.0], vec![1.0, 0.5], Pieces::none(3));
        assert_eq!(reading.row(1), [0.0, 1.0, 0.0]);
        let mean = reading.mean(0..2);
        assert!((nearness(&mean, &mean) - 1.0).abs() < 1e-6);
        assert!((nearness(&mean, reading.row(0)) - nearness(&mean, reading.row(1))).abs() < 1e-6);
    }

    #[test]
    fn texts_beside_each_other_are_as_near_as_their_vectors_one_by_one() {
        const WIDTH: usize = 384;
        let number = |at: usize| (f32::from(u16::try_from(at * 7919 % 2003).unwrap_or(0)) - 1000.0) / 1000.0;
        let reading = |words: usize, from: usize| {
            let rows: Vec<f32> = (from..from + words * WIDTH).map(number).collect();
            Reading::new(WIDTH, rows, vec![1.0; words], Pieces::none(WIDTH))
        };
        let (own, others) = (reading(13, 5), reading(9, 977));
        let near = own.beside(&others);
        let pairs = || (0..own.len()).flat_map(|word| (0..others.len()).map(move |its| (word, its)));
        for (word, its) in pairs() {
            let one = f64::from(nearness(own.row(word), others.row(its)));
            assert!((near.at(word, its) - one).abs() < 1e-5, "{word} {its}: {} {one}", near.at(word, its));
        }
        // What else stands in a text makes no difference to the bit: neither does another place of the word in it.
        for (word, its) in pairs().filter(|(word, _)| *word > 0) {
            let without_first = reading(own.len() - 1, 5 + WIDTH);
            assert_eq!(without_first.beside(&others).at(word - 1, its).to_bits(), near.at(word, its).to_bits());
        }
        assert_eq!(own.beside(&reading(0, 0)), Nearness::default());
    }

    #[test]
    fn nearness_counts_what_is_left_over_after_whole_lanes() {
        assert_eq!(nearness(&[1.0; 11], &[2.0; 11]), 22.0);
    }
}
