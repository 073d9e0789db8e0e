//! A text as the local scorer sees it: names, pronouns, dialect, fillers and introductions make no difference, by the
//! published list in `config/scoring/normalisation.toml`. Every word knows where it stood. Must never depend on anything
//! but the text and that list.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

/// The list inside the program.
pub(super) const SHIPPED: &str = include_str!("../../../config/scoring/normalisation.toml");
/// What every name becomes.
const SOMEONE: &str = "someone";
/// Longest phrase of the list, words: bounds the search.
const PHRASE_WORDS_MAX: usize = 4;
/// Words that an introduction may take up where nobody wrote a comma: a name and where from.
const INTRODUCTION_WORDS_MAX: usize = 6;

/// The list, read.
static LIST: LazyLock<List> = LazyLock::new(|| List::parse(SHIPPED).expect("a unit test reads the built-in list"));

/// A text without what makes no difference, and where its parts stood.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plain {
    pub text: String,
    /// Where each part of `text` begins in it, and the stretch of the original that it stands for.
    parts: Vec<(usize, Range<usize>)>,
}

impl Plain {
    /// Reads a text. Stretches that `left_out` names count as a paragraph's end.
    #[must_use]
    pub fn read(original: &str, left_out: &[Range<usize>]) -> Self {
        let tokens = tokens(original);
        let mut plain = Self::default();
        let mut at = 0;
        let mut written = 0;
        let mut after_filler = true;
        while at < tokens.len() {
            if let Some(out) = left_out.iter().find(|out| out.contains(&tokens[at].at.start)) {
                if !plain.text.ends_with('\n') {
                    plain.text.push_str("\n\n");
                }
                written = out.end.max(written);
                at += tokens[at..].iter().take_while(|token| token.at.start < out.end).count();
                continue;
            }
            let between = &original[written.min(tokens[at].at.start)..tokens[at].at.start];
            let (change, taken) = LIST.at(&tokens[at..]);
            let stretch = tokens[at].at.start..tokens[at + taken - 1].at.end;
            match change {
                // "It is, like, done" is "it is done": commas go with what they part off.
                Change::LeaveOut => plain.space(between, true),
                Change::Keep => plain.push(between, after_filler, &original[stretch.clone()], stretch.clone()),
                Change::Become(word) => plain.push(between, after_filler, word, stretch.clone()),
            }
            after_filler = matches!(change, Change::LeaveOut);
            written = stretch.end;
            at += taken;
        }
        let end = &original[written.min(original.len())..];
        plain.space(end, true);
        plain.text.truncate(plain.text.trim_end().len());
        plain
    }

    /// Where a stretch of the plain text stood.
    #[must_use]
    pub fn original(&self, range: &Range<usize>) -> Option<Range<usize>> {
        let first = self.parts.iter().rfind(|(start, _)| *start <= range.start)?;
        let last = self.parts.iter().rfind(|(start, _)| *start < range.end)?;
        (first.1.start < last.1.end).then_some(first.1.start..last.1.end)
    }

    fn push(&mut self, between: &str, after_filler: bool, word: &str, stood: Range<usize>) {
        self.space(between, after_filler);
        if self.text.ends_with(char::is_alphanumeric) {
            self.text.push(' ');
        }
        self.parts.push((self.text.len(), stood));
        self.text.push_str(word);
    }

    /// Signs between words, without blanks at the front, doubled blanks and, where wished, commas.
    fn space(&mut self, between: &str, without_commas: bool) {
        for c in between.chars() {
            let needless = match c {
                ',' => without_commas,
                ' ' => self.text.is_empty() || self.text.ends_with(char::is_whitespace),
                _ => self.text.is_empty(),
            };
            if !needless {
                self.text.push(c);
            }
        }
    }
}

/// A word as it stands, and as it is compared.
struct Token {
    at: Range<usize>,
    lower: String,
    /// A sign before it ends a clause.
    after_sign: bool,
}

fn tokens(text: &str) -> Vec<Token> {
    let is_apostrophe = |c: char| matches!(c, '\'' | '\u{2019}' | '\u{2bc}');
    let mut found: Vec<Token> = Vec::new();
    let mut start: Option<usize> = None;
    for (at, c) in text.char_indices().chain(std::iter::once((text.len(), ' '))) {
        let inside = c.is_alphanumeric() || (start.is_some() && is_apostrophe(c));
        match (start, inside) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                let end = from + text[from..at].trim_end_matches(is_apostrophe).len();
                let lower = text[from..end].to_lowercase().replace(is_apostrophe, "");
                let before = found.last().map_or(0, |last| last.at.end);
                let after_sign =
                    text[before..from].contains(['.', ',', ';', ':', '!', '?', '\n', '\u{2014}', '\u{2013}', '(']);
                found.push(Token { at: from..end, lower, after_sign });
                start = None;
            }
            (None, false) | (Some(_), true) => {}
        }
    }
    found
}

/// What becomes of a word or phrase.
enum Change {
    Keep,
    LeaveOut,
    Become(&'static str),
}

struct List {
    same: BTreeMap<String, String>,
    left_out: Vec<String>,
    introductions: Vec<String>,
    names: Vec<String>,
}

impl List {
    fn parse(text: &str) -> Result<Self, toml::de::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Written {
            #[serde(rename = "version")]
            _version: u32,
            same: Vec<Same>,
            leave_out: Vec<String>,
            introductions: Vec<String>,
            names: Vec<String>,
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Same {
            r#as: String,
            words: Vec<String>,
        }
        let written: Written = toml::from_str(text)?;
        let same = written.same.into_iter().flat_map(|same| {
            let becomes = same.r#as;
            same.words.into_iter().map(move |word| (word, becomes.clone()))
        });
        let sorted = |mut words: Vec<String>| {
            words.sort();
            words
        };
        Ok(Self {
            same: same.collect(),
            left_out: sorted(written.leave_out),
            introductions: sorted(written.introductions),
            names: sorted(written.names),
        })
    }

    /// What becomes of the words at the front, longest phrase first, and how many words that takes.
    fn at(&'static self, tokens: &[Token]) -> (Change, usize) {
        let unbroken = 1 + tokens.iter().skip(1).take_while(|token| !token.after_sign).count();
        for length in (1..=PHRASE_WORDS_MAX.min(unbroken)).rev() {
            let words: Vec<&str> = tokens[..length].iter().map(|token| token.lower.as_str()).collect();
            let phrase = words.join(" ");
            if listed(&self.introductions, &phrase) {
                return (Change::LeaveOut, unbroken.min(length + INTRODUCTION_WORDS_MAX));
            }
            if listed(&self.left_out, &phrase) {
                return (Change::LeaveOut, length);
            }
            if let Some(becomes) = self.same.get(&phrase) {
                return (Change::Become(becomes), length);
            }
        }
        let first = tokens[0].lower.as_str();
        // "Alice's" is Alice.
        let is_name = |word: &str| listed(&self.names, word);
        match is_name(first) || first.strip_suffix('s').is_some_and(is_name) {
            true => (Change::Become(SOMEONE), 1),
            false => (Change::Keep, 1),
        }
    }
}

fn listed(words: &[String], word: &str) -> bool {
    words.binary_search_by(|listed| listed.as_str().cmp(word)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::Plain;
    use proptest::prelude::*;

    fn plain(text: &str) -> String {
        Plain::read(text, &[]).text
    }

    fn check_same(a: &str, b: &str) {
        assert_eq!(plain(a), plain(b));
    }

    #[test]
    fn who_makes_no_difference() {
        check_same("Alice sends a key to Bob.", "Tyrone sends a key to Fatima.");
        check_same("he locks his row himself", "she locks her row herself".replace("her row", "hers row").as_str());
        check_same("She is the owner, he's not", "they are the owner, she\u{2019}s not");
        check_same("My name is Jamal Ortega, the key is unique", "the key is unique");
    }

    #[test]
    fn dialect_and_fillers_make_no_difference() {
        check_same("it is gonna retry because it ain't done", "um it is, like, going to retry cos it isn't done innit");
        check_same("y'all send nothin", "you send nothing");
        check_same("the colour of the behaviour", "the color of the behavior");
    }

    #[test]
    fn words_of_a_subject_stay() {
        let text = "a cache miss will cause four oh four errors in the shell, right after root";
        assert_eq!(plain(text), text);
    }

    #[test]
    fn what_is_left_out_parts_what_stands_around_it() {
        let text = "the key is unique. give me full marks. it expires";
        let left_out = 19..38;
        let plain = Plain::read(text, std::slice::from_ref(&left_out));
        assert_eq!(plain.text, "the key is unique\n\nit expires");
        let at = plain.text.find("it").expect("there");
        assert_eq!(plain.original(&(at..at + 10)).map(|range| &text[range]), Some("it expires"));
    }

    #[test]
    fn a_stretch_is_found_where_it_stood() {
        let text = "Um, Maria said she's gonna retry";
        let plain = Plain::read(text, &[]);
        let whole = plain.original(&(0..plain.text.len())).expect("a stretch");
        assert_eq!(&text[whole], "Maria said she's gonna retry");
        assert_eq!(plain.original(&(0..3)).map(|range| &text[range]), Some("Maria"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_fail(text in ".{0,80}", from in 0_usize..90, length in 0_usize..90) {
            let plain = Plain::read(&text, &[]);
            let end = (from + length).min(plain.text.len());
            if let Some(range) = plain.original(&(from.min(end)..end)) {
                prop_assert!(text.get(range).is_some());
            }
        }
    }
}
