//! Whether words that somebody claims to quote stand in a text, and where. The stated normalisation: letters' case, runs
//! of blanks, kinds of quotation marks, apostrophes, dashes and angle brackets make no difference, and neither does
//! punctuation or an ellipsis around the quote. Everything else must be there, sign by sign. Must never find what is
//! not there.

use std::ops::Range;

/// Shorter quotes prove nothing, characters without blanks: "yes" stands in most texts.
const QUOTE_CHARS_MIN: usize = 8;

/// The stretch of `text` that `quote` is, in bytes.
#[must_use]
pub fn find(text: &str, quote: &str) -> Option<Range<usize>> {
    let wanted: Vec<char> = normalised(quote).into_iter().map(|(c, _)| c).collect();
    let wanted = trimmed(&wanted);
    let given = normalised(text);
    let signs = |chars: &[char]| chars.iter().filter(|c| **c != ' ').count();
    let whole: Vec<char> = given.iter().map(|(c, _)| *c).collect();
    // A short answer may be quoted whole.
    if wanted.is_empty() || (signs(wanted) < QUOTE_CHARS_MIN && wanted != trimmed(&whole)) {
        return None;
    }
    let bounded = |at: usize| {
        let is_word = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric());
        let end = at + wanted.len();
        let before = at > 0 && is_word(whole.get(at - 1)) && is_word(wanted.first());
        let after = is_word(whole.get(end)) && is_word(wanted.last());
        !before && !after
    };
    let at = whole.windows(wanted.len()).enumerate().find(|(at, window)| *window == wanted && bounded(*at))?.0;
    let (start, end) = (given[at].1.start, given[at + wanted.len() - 1].1.end);
    Some(start..end)
}

/// The text's signs as they are compared, each with the bytes that it stands for.
fn normalised(text: &str) -> Vec<(char, Range<usize>)> {
    let mut signs: Vec<(char, Range<usize>)> = Vec::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let bytes = at..at + c.len_utf8();
        let same = match c {
            c if c.is_whitespace() => ' ',
            '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2bc}' | '`' | '\u{b4}' => '\'',
            '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{ab}' | '\u{bb}' => '"',
            '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
            '\u{2039}' => '<',
            '\u{203a}' => '>',
            c => c,
        };
        if same == ' ' && signs.last().is_none_or(|(last, _)| *last == ' ') {
            continue;
        }
        // What a capital becomes may be several signs; they all stand for it.
        signs.extend(same.to_lowercase().map(|small| (small, bytes.clone())));
    }
    signs
}

/// Without what stands around the words.
fn trimmed(signs: &[char]) -> &[char] {
    let is_inner = |c: &char| c.is_alphanumeric();
    match (signs.iter().position(is_inner), signs.iter().rposition(is_inner)) {
        (Some(first), Some(last)) => &signs[first..=last],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::find;
    use proptest::prelude::*;

    const TEXT: &str = "Well, it\u{2019}s a  unique key \u{2014} the server\nremembers it. \u{ab}Сервер пам\u{2bc}ятає ключ\u{bb}, ok?";

    fn found(quote: &str) -> Option<&'static str> {
        find(TEXT, quote).map(|range| &TEXT[range])
    }

    #[test]
    fn what_stands_there_is_found_whatever_its_dress() {
        assert_eq!(
            found("it's a unique key - the server remembers"),
            Some("it\u{2019}s a  unique key \u{2014} the server\nremembers")
        );
        assert_eq!(found("\"... IT'S A UNIQUE KEY ...\""), Some("it\u{2019}s a  unique key"));
        assert_eq!(found("сервер пам'ятає ключ"), Some("Сервер пам\u{2bc}ятає ключ"));
    }

    #[test]
    fn what_does_not_stand_there_is_not_found() {
        for quote in ["", "...", "key", "a unique token", "unique key server", "nique key", "the server remember"] {
            assert_eq!(found(quote), None, "{quote}");
        }
        assert_eq!(find("Yes.", "yes"), Some(0..3));
        assert_eq!(find("Yes, of course.", "yes"), None);
    }

    proptest! {
        #[test]
        fn every_stretch_of_words_is_found_as_it_stands(from in 0_usize..8, count in 3_usize..6) {
            let words: Vec<&str> = TEXT.split_whitespace().collect();
            let quote = words[from..(from + count).min(words.len())].join(" ");
            prop_assume!(super::trimmed(&quote.chars().collect::<Vec<_>>()).iter().filter(|c| **c != ' ').count() >= 8);
            let range = find(TEXT, &quote);
            prop_assert!(range.is_some_and(|range| TEXT.is_char_boundary(range.start) && TEXT.is_char_boundary(range.end)));
        }

        #[test]
        fn no_text_makes_it_fail(text in ".{0,60}", quote in ".{0,20}") {
            if let Some(range) = find(&text, &quote) {
                prop_assert!(text.get(range).is_some());
            }
        }
    }
}
