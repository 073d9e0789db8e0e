//! Meaning as numbers: the words of a text become vectors that lie near each other where the words mean the same there.
//! Must never judge an answer, and never give other numbers for the same text, whatever was read before it.

#[cfg(feature = "local-speech")]
mod integers;
#[cfg(feature = "local-speech")]
pub mod minilm;
pub mod wordpiece;

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

    /// The vector of a piece.
    #[must_use]
    pub fn row(&self, piece: usize) -> &[f32] {
        &self.rows[piece * self.width..(piece + 1) * self.width]
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
    use super::{Pieces, Reading, nearness};

    #[test]
    fn rows_have_length_one_and_means_lie_between() {
        let reading = Reading::new(3, vec![3.0, 0.0, 0.0, 0.0, 5.0, 0.0], vec![1.0, 0.5], Pieces::none(3));
        assert_eq!(reading.row(1), [0.0, 1.0, 0.0]);
        let mean = reading.mean(0..2);
        assert!((nearness(&mean, &mean) - 1.0).abs() < 1e-6);
        assert!((nearness(&mean, reading.row(0)) - nearness(&mean, reading.row(1))).abs() < 1e-6);
    }

    #[test]
    fn nearness_counts_what_is_left_over_after_whole_lanes() {
        assert_eq!(nearness(&[1.0; 11], &[2.0; 11]), 22.0);
    }
}
