//! Words of a spoken answer made comparable: lower case, stems, numbers said in words, clauses, and which words a
//! negation reaches. Every word keeps its byte range, so that whatever is concluded can be quoted. Must never change
//! or rank the text, and must never depend on punctuation being there (speech recognisers leave it out).

mod lists;
mod ukrainian;

use lists::{CLAUSE_OPENERS, CONDITIONALS, DEGREES, NEGATORS, SETTLING, STOP_WORDS, UNSAID_VERBS};
use std::ops::Range;

/// One word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Word {
    /// Comparable form: a stem, or digits.
    pub stem: String,
    /// Lower case, as it stands (digits for numbers).
    pub plain: String,
    /// Where it stands in the text, bytes.
    pub at: Range<usize>,
    /// Carries meaning of its own (is no "the", "of", "basically").
    pub content: bool,
    pub number: bool,
    /// How far a denial reaches it.
    pub denial: Denial,
    /// A new clause begins with this word.
    pub opens_clause: bool,
    /// A new paragraph begins with it, after a blank line: another turn.
    pub opens_paragraph: bool,
}

/// How far a denial reaches a word.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Denial {
    Affirmed,
    /// "It does *not* lock the row": what is said is denied.
    Denied,
    /// "I don't know what a deadlock is": nothing is said at all.
    Unsaid,
}

/// Longest stretch of words that is read as one thought: about two breaths of speech.
pub const WINDOW_WORDS_MAX: usize = 30;
/// Longest clause; half a window, so that two neighbours that were parted by force can still be read as one thought.
pub const CLAUSE_WORDS_MAX: usize = WINDOW_WORDS_MAX / 2;
/// Parts two turns in one text: no thought reaches across it.
pub const PARAGRAPH: &str = "\n\n";
/// Words after "not" that it may deny, and how many of them with meaning of their own.
const DENIAL_REACH_WORDS: usize = 6;
const DENIAL_REACH_CONTENT_WORDS: usize = 3;
/// Words after "if" in which a denial only supposes.
const SUPPOSED_REACH_WORDS: usize = 6;
/// Words after "don't know" that are not said.
const UNSAID_REACH_WORDS: usize = 8;

/// Cuts a text into words, with clauses and denials marked.
#[must_use]
pub fn words(text: &str) -> Vec<Word> {
    let mut words = join_numbers(raw_words(text));
    mark_clauses(&mut words, text);
    mark_denials(&mut words);
    words
}

/// The clauses of a text, as ranges of its words: none longer than [`CLAUSE_WORDS_MAX`].
#[must_use]
pub fn clauses(words: &[Word]) -> Vec<Range<usize>> {
    let mut clauses = Vec::new();
    let mut start = 0;
    for at in 1..=words.len() {
        let cut = at == words.len() || words[at].opens_clause || at - start == CLAUSE_WORDS_MAX;
        if cut {
            clauses.push(start..at);
            start = at;
        }
    }
    clauses
}

/// Whether two words are the same to a listener: the same stem, or one slip of the recogniser apart.
#[must_use]
pub fn same(a: &Word, b: &Word) -> bool {
    a.stem == b.stem || (!a.number && !b.number && nearly(&a.stem, &b.stem))
}

/// The word that two neighbours would be had the recogniser not cut it ("item potent"); none across a clause.
#[must_use]
pub fn joined(first: &Word, second: &Word) -> Option<Word> {
    if first.number || second.number || second.opens_clause {
        return None;
    }
    let plain = format!("{}{}", first.plain, second.plain);
    Some(Word { stem: stem(&plain), plain, at: first.at.start..second.at.end, ..first.clone() })
}

/// Whether a joined word is that word: only long ones may be a slip apart too, or "broke in" would be "broken".
#[must_use]
pub fn same_joined(joined: &Word, word: &Word) -> bool {
    const SHORTEST_WITH_SLIP: usize = 9;
    joined.stem == word.stem || (joined.plain.chars().count() >= SHORTEST_WITH_SLIP && same(joined, word))
}

/// One letter apart in a stem of seven or more, two in one of eleven or more; the first letter must agree, so that
/// "synchronous" and "asynchronous" stay apart.
fn nearly(a: &str, b: &str) -> bool {
    const SHORTEST_FOR_ONE: usize = 7;
    const SHORTEST_FOR_TWO: usize = 11;
    if a.chars().next() != b.chars().next() {
        return false;
    }
    let shorter = a.chars().count().min(b.chars().count());
    if shorter < SHORTEST_FOR_ONE {
        return false;
    }
    let allowed = if shorter >= SHORTEST_FOR_TWO { 2 } else { 1 };
    distance_within(a, b, allowed)
}

/// Edit distance, given up beyond `allowed`.
fn distance_within(a: &str, b: &str, allowed: usize) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > allowed {
        return false;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let swap = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = swap.min(row[j] + 1).min(diagonal + 1);
        }
        if row.iter().all(|&cell| cell > allowed) {
            return false;
        }
    }
    row[b.len()] <= allowed
}

fn raw_words(text: &str) -> Vec<Word> {
    let mut found = Vec::new();
    let mut start: Option<usize> = None;
    for (at, c) in text.char_indices().chain(std::iter::once((text.len(), ' '))) {
        let Some(from) = start else {
            start = c.is_alphanumeric().then_some(at);
            continue;
        };
        let decimal = matches!(c, '.' | ',')
            && text[from..at].bytes().all(|d| d.is_ascii_digit())
            && text[at + 1..].starts_with(|d: char| d.is_ascii_digit());
        if !c.is_alphanumeric() && !is_apostrophe(c) && !decimal {
            let end = from + text[from..at].trim_end_matches(is_apostrophe).len();
            found.push(word(&text[from..end], from..end));
            start = None;
        }
    }
    found
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}' | '\u{2bc}')
}

fn word(text: &str, at: Range<usize>) -> Word {
    let plain: String = text.to_lowercase().chars().filter(|&c| !is_apostrophe(c)).collect();
    let number = plain.starts_with(|c: char| c.is_ascii_digit());
    let plain = if number { plain.replace(',', "") } else { plain };
    Word {
        stem: if number { plain.clone() } else { stem(&plain) },
        content: number || !STOP_WORDS.contains(plain.as_str()) && !NEGATORS.contains(plain.as_str()),
        plain,
        at,
        number,
        denial: Denial::Affirmed,
        opens_clause: false,
        opens_paragraph: false,
    }
}

/// "four hundred and nine" and "four oh four" become one word each, 409 and 404.
fn join_numbers(words: Vec<Word>) -> Vec<Word> {
    let mut joined: Vec<Word> = Vec::with_capacity(words.len());
    let mut at = 0;
    while at < words.len() {
        let (value, taken) = number_at(&words[at..]);
        if taken == 0 {
            joined.push(words[at].clone());
            at += 1;
            continue;
        }
        let range = words[at].at.start..words[at + taken - 1].at.end;
        joined.push(Word { number: true, content: true, ..word(&value, range) });
        at += taken;
    }
    joined
}

/// The number said in words at the start, and how many words it takes. A lone "one" is a pronoun more often than not.
fn number_at(words: &[Word]) -> (String, usize) {
    let digits: Vec<u64> = words.iter().map_while(|w| digit(&w.plain)).take(4).collect();
    if digits.len() >= 3 {
        return (digits.iter().map(u64::to_string).collect(), digits.len());
    }
    let (mut total, mut part, mut taken) = (0_u64, 0_u64, 0);
    for (at, word) in words.iter().enumerate() {
        let small = small_number(&word.plain);
        let joins = taken > 0
            && word.plain == "and"
            && part >= 100
            && words.get(at + 1).is_some_and(|w| small_number(&w.plain).is_some());
        match (small, word.plain.as_str()) {
            (Some(n), _) if part % 100 == 0 || (part % 10 == 0 && n < 10 && part % 100 >= 20) => part += n,
            (_, "hundred") if (1..10).contains(&part) => part *= 100,
            (_, "thousand") if part > 0 => {
                total += part * 1000;
                part = 0;
            }
            _ if joins => continue,
            _ => break,
        }
        taken = at + 1;
    }
    if taken == 1 && words[0].plain == "one" {
        return (String::new(), 0);
    }
    ((total + part).to_string(), taken)
}

fn digit(word: &str) -> Option<u64> {
    match word {
        "oh" | "o" => Some(0),
        _ => small_number(word).filter(|&n| n < 10),
    }
}

/// Zero to nineteen in words.
pub const SMALL_NUMBERS: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
/// Twenty, thirty, to ninety.
pub const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

fn small_number(word: &str) -> Option<u64> {
    let small = SMALL_NUMBERS.iter().position(|&w| w == word).map(|n| n as u64);
    small.or_else(|| TENS.iter().position(|&w| w == word).map(|n| (n as u64 + 2) * 10))
}

fn mark_clauses(words: &mut [Word], text: &str) {
    let mut end = 0;
    for (at, word) in words.iter_mut().enumerate() {
        let punctuated =
            text[end..word.at.start].contains(['.', '!', '?', ';', ':', ',', '\n', '\u{2014}', '\u{2013}']);
        let turns = CLAUSE_OPENERS.contains(word.plain.as_str());
        word.opens_paragraph = at > 0 && text[end..word.at.start].contains(PARAGRAPH);
        word.opens_clause = at == 0 || punctuated || turns;
        end = word.at.end;
    }
}

fn mark_denials(words: &mut [Word]) {
    let mut supposed_until = 0;
    for at in 0..words.len() {
        let plain = words[at].plain.clone();
        // "If there is no index, …", "without a lock …" speak of the contrary case and deny nothing.
        if CONDITIONALS.contains(plain.as_str()) {
            supposed_until = at + SUPPOSED_REACH_WORDS;
        } else if words[at].opens_clause {
            supposed_until = 0;
        }
        if !NEGATORS.contains(plain.as_str()) || at < supposed_until {
            continue;
        }
        let next = |ahead: usize| words.get(at + ahead).map_or("", |w| w.plain.as_str());
        let unsaid = UNSAID_VERBS.contains(next(1)) || (DEGREES.contains(next(1)) && UNSAID_VERBS.contains(next(2)));
        let (denial, reach, content_reach) = match next(1) {
            _ if unsaid => (Denial::Unsaid, UNSAID_REACH_WORDS, UNSAID_REACH_WORDS),
            "only" | "just" | "merely" | "лише" | "тільки" => (Denial::Denied, 1, 1),
            _ if SETTLING.contains(next(1)) => continue,
            _ => (Denial::Denied, DENIAL_REACH_WORDS, DENIAL_REACH_CONTENT_WORDS),
        };
        let mut content = 0;
        for word in words[at + 1..].iter_mut().take(reach).take_while(|w| !w.opens_clause) {
            word.denial = word.denial.max(denial);
            content += usize::from(word.content);
            if content == content_reach {
                break;
            }
        }
    }
}

/// Whether the word denies what follows it.
#[must_use]
pub fn is_negator(word: &Word) -> bool {
    NEGATORS.contains(word.plain.as_str())
}

/// A light stem: English endings for Latin letters, Ukrainian ones for Cyrillic, a cut-off ending for other scripts. It need not be a word, only the
/// same for the forms of one.
#[must_use]
pub fn stem(word: &str) -> String {
    if word.chars().any(|c| matches!(c, '\u{400}'..='\u{4ff}')) {
        return ukrainian::stem(word);
    }
    if !word.is_ascii() {
        // Without a stemmer for the language: inflected endings are mostly within the last two letters.
        let letters = word.chars().count();
        let kept = if letters <= 4 { letters } else { (letters - 2).clamp(4, 7) };
        return word.chars().take(kept).collect();
    }
    let mut stem = word.to_owned();
    for endings in ENDINGS {
        if let Some((ending, put)) =
            endings.iter().find(|(ending, _)| stem.ends_with(ending) && stem.len() >= ending.len() + 3)
        {
            stem.truncate(stem.len() - ending.len());
            stem.push_str(put);
        }
    }
    let bytes = stem.as_bytes();
    let doubled = bytes.len() > 3
        && bytes[bytes.len() - 1] == bytes[bytes.len() - 2]
        && bytes[bytes.len() - 1].is_ascii_alphabetic();
    if doubled && !matches!(bytes[bytes.len() - 1], b's' | b'l' | b'e' | b'o') {
        stem.pop();
    }
    stem
}

/// Endings in the order they are taken off: number, then verb forms, then derivation, then the last vowel. In each
/// step the first that fits is taken, so longer ones stand first; `""` as replacement drops it.
const ENDINGS: [&[(&str, &str)]; 4] = [
    &[("sses", "ss"), ("ies", "y"), ("ss", "ss"), ("us", "us"), ("is", "is"), ("s", "")],
    &[("ying", "y"), ("ied", "y"), ("ing", ""), ("eed", "eed"), ("ed", "")],
    &[
        ("izations", ""),
        ("ization", ""),
        ("isation", ""),
        ("ations", ""),
        ("ation", ""),
        ("ically", "ic"),
        ("ability", ""),
        ("ibility", ""),
        ("able", ""),
        ("ible", ""),
        ("ments", ""),
        ("ment", ""),
        ("ness", ""),
        ("ently", ""),
        ("antly", ""),
        ("ency", ""),
        ("ancy", ""),
        ("ence", ""),
        ("ance", ""),
        ("ent", ""),
        ("ant", ""),
        ("ally", "al"),
        ("ily", "y"),
        ("ly", ""),
        ("tion", "t"),
        ("sion", "s"),
        ("ize", ""),
        ("ise", ""),
        ("ity", ""),
        ("ive", ""),
        ("ers", ""),
        ("er", ""),
        ("or", ""),
        ("al", ""),
        ("ful", ""),
    ],
    &[("ate", ""), ("at", ""), ("e", ""), ("y", "")],
];

#[cfg(test)]
mod tests;
