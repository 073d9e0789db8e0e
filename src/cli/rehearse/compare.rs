//! What was said against what the record holds: utterances that are lost, doubled or out of order, and how well words
//! were heard. Pure. Must never be generous: an utterance that cannot be found in the record is lost.

/// Share of an utterance's words that may differ in its place in the record. Speech recognition of technical words by a
/// synthetic voice errs on some; beyond this a person would say that it is not there.
const DIFFERENT_SHARE_MAX: f64 = 0.5;
/// So many words in a row that are missing at an utterance's beginning or end were not misheard but cut off: the recogniser
/// errs on words here and there.
const CUT_OFF_WORDS: usize = 5;
/// The same share for what says an utterance again.
const DOUBLED_SHARE_MAX: f64 = 0.25;
/// Utterances shorter than this are not looked at for doubling ("yes" twice is no fault).
const DOUBLED_WORDS_MIN: usize = 5;

/// The outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Comparison {
    /// Indices of utterances that the record does not hold, or without their beginning or end.
    pub lost: Vec<usize>,
    pub doubled: Vec<usize>,
    pub misordered: Vec<usize>,
}

/// Compares utterances as spoken with the rows of the candidate, both in order. How the record parts them into rows does
/// not matter; each word of the record stands for one utterance at most.
#[must_use]
pub fn compare(said: &[String], rows: &[String]) -> Comparison {
    let said: Vec<Vec<String>> = said.iter().map(|utterance| words(utterance)).collect();
    let mut record: Vec<Option<String>> = rows.iter().flat_map(|row| words(row)).map(Some).collect();
    let mut comparison = Comparison::default();
    let mut after = 0;
    for (index, utterance) in said.iter().enumerate().filter(|(_, utterance)| !utterance.is_empty()) {
        let ahead = find(utterance, &record[after..], DIFFERENT_SHARE_MAX).map(|at| at.start + after..at.end + after);
        let anywhere = || find(utterance, &record, DIFFERENT_SHARE_MAX);
        if let Some(place) = ahead {
            if is_cut_off(utterance, &record[place.clone()]) {
                comparison.lost.push(index);
            }
            after = place.end;
            record[place].fill(None);
        } else if let Some(place) = anywhere() {
            comparison.misordered.push(index);
            record[place].fill(None);
        } else {
            comparison.lost.push(index);
        }
    }
    for (index, utterance) in said.iter().enumerate().filter(|(_, utterance)| utterance.len() >= DOUBLED_WORDS_MIN) {
        if let Some(place) = find(utterance, &record, DOUBLED_SHARE_MAX) {
            comparison.doubled.push(index);
            record[place].fill(None);
        }
    }
    comparison
}

/// The stretch of `record` that differs least from `utterance` (the first of equals), if no more than `share_max` of the
/// utterance's words differ. Words that are taken (`None`) match nothing.
fn find(utterance: &[String], record: &[Option<String>], share_max: f64) -> Option<std::ops::Range<usize>> {
    // Row by row over the utterance: fewest differences of its beginning from a stretch that ends at each place of the
    // record, and where that stretch starts.
    let mut best: Vec<(usize, usize)> = (0..=record.len()).map(|start| (0, start)).collect();
    for (row, word) in utterance.iter().enumerate() {
        let mut diagonal = best[0];
        best[0] = (row + 1, 0);
        for (at, other) in record.iter().enumerate() {
            let differs = usize::from(other.as_ref() != Some(word));
            let above = best[at + 1];
            let left = best[at];
            let ways = [(diagonal.0 + differs, diagonal.1), (above.0 + 1, above.1), (left.0 + 1, left.1)];
            best[at + 1] = ways.into_iter().min_by_key(|way| way.0).unwrap_or(above);
            diagonal = above;
        }
    }
    let (end, (differences, start)) = best.into_iter().enumerate().min_by_key(|(_, way)| way.0)?;
    let found = start < end && differences as f64 <= utterance.len() as f64 * share_max;
    found.then_some(start..end)
}

/// Whether the beginning or the end of an utterance is missing in its place.
fn is_cut_off(utterance: &[String], place: &[Option<String>]) -> bool {
    let found = found_words(utterance, place);
    let is_missing = |words: &[bool]| words.len() == CUT_OFF_WORDS && !words.contains(&true);
    let edge = CUT_OFF_WORDS.min(found.len());
    is_missing(&found[..edge]) || is_missing(&found[found.len() - edge..])
}

/// Which words of an utterance stand in its place, each in its order, as many as can be.
fn found_words(utterance: &[String], place: &[Option<String>]) -> Vec<bool> {
    let is_same = |row: usize, at: usize| place[at].as_ref() == Some(&utterance[row]);
    // How many words are found from here on to both ends.
    let mut most = vec![vec![0_usize; place.len() + 1]; utterance.len() + 1];
    for row in (0..utterance.len()).rev() {
        for at in (0..place.len()).rev() {
            let both = most[row + 1][at + 1] + usize::from(is_same(row, at));
            most[row][at] = both.max(most[row + 1][at]).max(most[row][at + 1]);
        }
    }
    let mut found = vec![false; utterance.len()];
    let (mut row, mut at) = (0, 0);
    while row < utterance.len() && at < place.len() {
        if is_same(row, at) {
            found[row] = true;
            (row, at) = (row + 1, at + 1);
        } else if most[row + 1][at] >= most[row][at + 1] {
            row += 1;
        } else {
            at += 1;
        }
    }
    found
}

/// How many words of `reference` were heard wrongly, not at all, or were added: the numerator of the word error rate.
#[must_use]
pub fn word_errors(reference: &[String], heard: &[String]) -> usize {
    let all: Vec<(String, bool)> = reference.iter().map(|word| (word.clone(), true)).collect();
    word_errors_of(&all, heard)
}

/// The same of words of which some need not have been heard (false): such a one may be missing.
#[must_use]
pub fn word_errors_of(reference: &[(String, bool)], heard: &[String]) -> usize {
    let mut best: Vec<usize> = (0..=heard.len()).collect();
    for (word, is_needed) in reference {
        let missing = usize::from(*is_needed);
        let mut diagonal = best[0];
        best[0] += missing;
        for (at, other) in heard.iter().enumerate() {
            let above = best[at + 1];
            best[at + 1] = (diagonal + usize::from(word != other)).min(above + missing).min(best[at] + 1);
            diagonal = above;
        }
    }
    best[heard.len()]
}

/// Words in lower case without punctuation; hyphens part words.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    text.split(|letter: char| letter.is_whitespace() || "-\u{2013}\u{2014}/".contains(letter))
        .map(|word| word.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect())
        .filter(|word: &String| !word.is_empty())
        .map(|word| if word == "okay" { "ok".to_owned() } else { word })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(said: &[&str], rows: &[&str], expected: &Comparison) {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(compare(&own(said), &own(rows)), *expected, "{said:?} in {rows:?}");
    }

    const A: &str = "An index lets the database find rows without reading the whole table.";
    const B: &str = "A transaction is either done completely or not at all.";
    const C: &str = "I would measure it first, and then decide by the numbers.";

    #[test]
    fn what_is_there_is_found_however_it_is_parted_and_misheard() {
        check(
            &[A, B],
            &["an index lets the data base find rose without reading the whole table", B],
            &Comparison::default(),
        );
        check(&[A, B, C], &[&format!("{A} {B}"), C], &Comparison::default());
        check(
            &[A, B],
            &["An index lets the database find", "rows without reading the whole table.", B],
            &Comparison::default(),
        );
        check(&[A, A], &[A, A], &Comparison::default());
        check(&[], &[], &Comparison::default());
    }

    #[test]
    fn what_is_missing_doubled_or_swapped_is_told() {
        check(&[A, B], &[A], &Comparison { lost: vec![1], ..Comparison::default() });
        check(&[A, B], &[], &Comparison { lost: vec![0, 1], ..Comparison::default() });
        check(&[A, A], &[A], &Comparison { lost: vec![1], ..Comparison::default() });
        check(&[A, B], &[A, A, B], &Comparison { doubled: vec![0], ..Comparison::default() });
        check(&[A, B], &[&format!("{A} {A}"), B], &Comparison { doubled: vec![0], ..Comparison::default() });
        check(&[A, B], &[B, A], &Comparison { misordered: vec![1], ..Comparison::default() });
        check(&[A, B, C], &[A, C, B], &Comparison { misordered: vec![2], ..Comparison::default() });
    }

    #[test]
    fn half_an_utterance_is_lost() {
        check(&[A, B], &["An index lets the", B], &Comparison { lost: vec![0], ..Comparison::default() });
    }

    #[test]
    fn an_utterance_without_its_beginning_or_end_is_lost() {
        let lost = Comparison { lost: vec![0], ..Comparison::default() };
        check(&[A, B], &["find rows without reading the whole table.", B], &lost);
        check(&[A, B], &["An index lets the database find rows", B], &lost);
        check(&[A, B], &["database find rows without reading the whole table.", B], &Comparison::default());
        check(
            &[A, B],
            &["And in decks lets the database find rows without reading the hole tables.", B],
            &Comparison::default(),
        );
        check(&["Yes, I would."], &["yes i would"], &Comparison::default());
    }

    #[test]
    fn word_errors_are_counted_once_each() {
        let errors = |reference: &str, heard: &str| word_errors(&words(reference), &words(heard));
        assert_eq!(errors("What is an index?", "what is an index"), 0);
        assert_eq!(errors("What is an index", "What's an index good"), 3);
        assert_eq!(errors("a well-known thing", "a well known thing"), 0);
        assert_eq!(errors("", "hello there"), 2);
    }

    #[test]
    fn a_word_that_need_not_be_there_may_be_missing_and_no_other_may_stand_for_it() {
        let errors = |heard: &str| {
            let said = [("so", true), ("ok", false), ("right", false), ("go", true), ("on", true)];
            let said = said.map(|(word, is_needed)| (word.to_owned(), is_needed));
            word_errors_of(&said, &words(heard))
        };
        assert_eq!(["so go on", "so okay go on", "so okay right go on"].map(errors), [0; 3]);
        // The second "okay" stands in the place of "go".
        assert_eq!(["so uh go on", "go on", "so okay okay on", ""].map(errors), [1, 1, 1, 3]);
    }
}
