//! What was said against what the record holds: answers that are lost, doubled or out of order. Pure. Must never be
//! generous: an answer that cannot be found in the record is lost.

/// Share of an answer's words that a row must hold, in order, to be its record. Speech recognition of technical words by
/// a synthetic voice errs on some, so it is not all of them; below this a person would say it is not there.
const FOUND_SHARE: f64 = 0.5;
/// Share from which a second row says the same thing again.
const DOUBLED_SHARE: f64 = 0.8;
/// Answers shorter than this are not looked at for doubling ("yes" twice is no fault).
const DOUBLED_WORDS_MIN: usize = 5;

/// The outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Indices of answers that the record does not hold.
    pub lost: Vec<usize>,
    pub doubled: Vec<usize>,
    pub misordered: Vec<usize>,
}

/// Compares answers as spoken with the rows of the candidate, both in order.
#[must_use]
pub fn compare(said: &[String], rows: &[String]) -> Comparison {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| words(row)).collect();
    let mut comparison = Comparison::default();
    let mut last_row = 0;
    for (index, answer) in said.iter().enumerate() {
        let answer = words(answer);
        if answer.is_empty() {
            continue;
        }
        let shares: Vec<f64> = rows.iter().map(|row| share(&answer, row)).collect();
        let ahead = (last_row..rows.len()).find(|row| shares[*row] >= FOUND_SHARE);
        let anywhere = (0..rows.len()).find(|row| shares[*row] >= FOUND_SHARE);
        match (ahead, anywhere) {
            (Some(row), _) => last_row = row,
            (None, Some(_)) => comparison.misordered.push(index),
            (None, None) => comparison.lost.push(index),
        }
        let again = shares.iter().filter(|share| **share >= DOUBLED_SHARE).count();
        let meant = said.iter().filter(|other| words(other) == answer).count();
        if answer.len() >= DOUBLED_WORDS_MIN && again > meant {
            comparison.doubled.push(index);
        }
    }
    comparison
}

/// Share of `answer`'s words that `row` holds in the same order (longest common subsequence).
#[must_use]
pub fn share(answer: &[String], row: &[String]) -> f64 {
    let mut lengths = vec![0usize; row.len() + 1];
    for word in answer {
        let mut diagonal = 0;
        for (at, other) in row.iter().enumerate() {
            let above = lengths[at + 1];
            lengths[at + 1] = if word == other { diagonal + 1 } else { above.max(lengths[at]) };
            diagonal = above;
        }
    }
    lengths[row.len()] as f64 / answer.len().max(1) as f64
}

/// Words in lower case without punctuation.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    text.split_whitespace()
        .map(|word| word.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect())
        .filter(|word: &String| !word.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(said: &[&str], rows: &[&str], expected: &Comparison) {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(compare(&own(said), &own(rows)), *expected);
    }

    const A: &str = "An index lets the database find rows without reading the whole table.";
    const B: &str = "A transaction is either done completely or not at all.";

    #[test]
    fn what_is_there_is_found() {
        check(&[A, B], &["an index lets the data base find rose without reading the whole table", B], &Comparison::default());
    }

    #[test]
    fn what_is_missing_doubled_or_swapped_is_told() {
        check(&[A, B], &[A], &Comparison { lost: vec![1], ..Comparison::default() });
        check(&[A, B], &[A, A, B], &Comparison { doubled: vec![0], ..Comparison::default() });
        check(&[A, B], &[B, A], &Comparison { misordered: vec![1], ..Comparison::default() });
        check(&[A, A], &[A, A], &Comparison::default());
    }
}
