//! Turns written text into words that can be spoken: numbers, symbols, abbreviations, bits of code. Keeps where each
//! spoken word came from, so that what was heard can be told in the written words. Pure.

mod numbers;
mod terms;

use std::ops::Range;

/// Counts changes of how text is spoken: part of a local voice's name, so that cached clips of an older make are left.
pub const MAKE: u32 = 1;

/// Words to speak, with their origin.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Spoken {
    pub text: String,
    /// In order; each a written word, or several that are spoken as one.
    pub words: Vec<SpokenWord>,
}

/// One written word (a byte range of the written text) and what is spoken for it (a byte range of the spoken text).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SpokenWord {
    pub written: Range<usize>,
    pub spoken: Range<usize>,
}

/// The text as it is to be spoken.
#[must_use]
pub fn spoken(written: &str) -> Spoken {
    let mut result = Spoken::default();
    for range in words(written) {
        let said = speak_word(&written[range.clone()]);
        if !said.chars().any(char::is_alphanumeric) {
            // A dash or a bracket on its own: a pause, if it can follow a word.
            if said.contains(['\u{2014}', ',']) && !result.text.is_empty() && !result.text.ends_with(',') {
                result.text.push(',');
                extend_last(&mut result);
            }
            continue;
        }
        if !result.text.is_empty() {
            result.text.push(' ');
        }
        let start = result.text.len();
        result.text.push_str(&said);
        result.words.push(SpokenWord { written: range, spoken: start..result.text.len() });
    }
    result
}

fn extend_last(result: &mut Spoken) {
    if let Some(last) = result.words.last_mut() {
        last.spoken.end = result.text.len();
    }
}

/// Where the written words are; a complexity such as `O(n log n)` is one word.
fn words(written: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(skip) = written[at..].find(|c: char| !c.is_whitespace()) {
        let start = at + skip;
        let rest = &written[start..];
        let length = complexity_bytes(rest).unwrap_or(0);
        let length = length + rest[length..].find(char::is_whitespace).unwrap_or(rest.len() - length);
        found.push(start..start + length);
        at = start + length;
    }
    found
}

/// Bytes of `O(…)`, if `text` begins so.
fn complexity_bytes(text: &str) -> Option<usize> {
    let inside = text.strip_prefix("O(").or_else(|| text.strip_prefix("\u{398}("))?;
    let before = text.len() - inside.len();
    let mut depth = 1_usize;
    for (at, c) in inside.char_indices().take(40) {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(before + at + 1);
        }
    }
    None
}

fn speak_word(word: &str) -> String {
    if let Some(length) = complexity_bytes(word) {
        let inside = &word[word.find('(').unwrap_or(0) + 1..length - 1];
        return format!("O of {}{}", formula(inside), kept_punctuation(&word[length..]));
    }
    // Words such as `e.g.` and `.NET` are known with their points.
    if let Some(said) = terms::known(word) {
        return said;
    }
    let core_start = word.find(|c: char| !"([{\"'`\u{201c}\u{2018}*_".contains(c)).unwrap_or(word.len());
    let rest = &word[core_start..];
    let core_end = rest.rfind(|c: char| !")]}\"'`\u{201d}\u{2019}*_.,;:!?\u{2026}\u{2014}".contains(c));
    let core_end = core_end.map_or(0, |at| at + rest[at..].chars().next().map_or(0, char::len_utf8));
    let (core, tail) = rest.split_at(core_end);
    if core.is_empty() {
        return if tail.is_empty() { String::new() } else { kept_punctuation(tail) };
    }
    // A call's brackets belong to the name before them, and say nothing.
    let tail = kept_punctuation(tail.strip_prefix("()").unwrap_or(tail));
    format!("{}{tail}", speak_core(core))
}

/// Of the punctuation after a word, what changes how it is spoken.
fn kept_punctuation(tail: &str) -> String {
    let strongest = tail.chars().filter(|c| ".,;:!?\u{2026}\u{2014}".contains(*c)).max_by_key(|c| match c {
        '?' | '!' => 3,
        '.' | '\u{2026}' => 2,
        _ => 1,
    });
    match strongest {
        Some('\u{2026}') => ".".into(),
        Some('\u{2014}') => ",".into(),
        Some(c) => c.to_string(),
        None => String::new(),
    }
}

fn speak_core(core: &str) -> String {
    if let Some(said) = terms::known(core) {
        return said;
    }
    if let Some(said) = numbers::spoken(core) {
        return said;
    }
    let possessive = core.strip_suffix("'s").or_else(|| core.strip_suffix("\u{2019}s"));
    if let Some(said) = possessive.and_then(terms::known) {
        return format!("{said}'s");
    }
    if core.chars().all(|c| c.is_alphabetic() || c == '\'' || c == '\u{2019}') {
        return plain_or_camel(core);
    }
    let pieces: Vec<String> = symbols(core).into_iter().map(|piece| speak_piece(&piece)).collect();
    pieces.into_iter().filter(|piece| !piece.is_empty()).collect::<Vec<_>>().join(" ")
}

fn speak_piece(piece: &str) -> String {
    terms::known(piece).or_else(|| numbers::spoken(piece)).unwrap_or_else(|| plain_or_camel(piece))
}

/// A word as it is, or the words of a camel-case name; capitals alone are spelled by the voices.
fn plain_or_camel(word: &str) -> String {
    let mut parts: Vec<String> = vec![String::new()];
    let letters: Vec<char> = word.chars().collect();
    for (i, &c) in letters.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| letters[i]);
        let after = letters.get(i + 1);
        let starts = c.is_uppercase()
            && before.is_some_and(|b| b.is_lowercase() || b.is_uppercase() && after.is_some_and(|a| a.is_lowercase()));
        let plural = c.is_uppercase() && after == Some(&'s') && i + 2 == letters.len();
        if starts && !plural {
            parts.push(String::new());
        }
        parts.last_mut().expect("never empty").push(c);
    }
    if parts.len() < 2 || parts.iter().any(|part| part.chars().count() == 1 && part != "I" && part != "A") {
        return word.to_owned();
    }
    parts.iter().map(|part| terms::known(part).unwrap_or_else(|| part.clone())).collect::<Vec<_>>().join(" ")
}

/// Cuts at symbols, putting words in the place of those that are spoken.
fn symbols(core: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut rest = core;
    while let Some(c) = rest.chars().next() {
        if let Some((symbol, said)) = terms::OPERATORS.iter().find(|(symbol, _)| rest.starts_with(symbol)) {
            pieces.push((*said).to_owned());
            pieces.push(String::new());
            rest = &rest[symbol.len()..];
            continue;
        }
        let inner = &rest[c.len_utf8()..];
        let last = pieces.last_mut().expect("never empty");
        let between = !last.is_empty() && inner.starts_with(char::is_alphanumeric);
        let digits =
            last.chars().all(|c| c.is_ascii_digit() || c == ',') && inner.starts_with(|c: char| c.is_ascii_digit());
        match c {
            '.' | ',' if between && digits => last.push(c),
            '.' if between => pieces.extend(["dot".to_owned(), String::new()]),
            '@' => pieces.extend(["at".to_owned(), String::new()]),
            '#' if inner.starts_with(|c: char| c.is_ascii_digit()) => {
                pieces.extend(["number".to_owned(), String::new()])
            }
            '\'' | '\u{2019}' if between => last.push('\''),
            c if c.is_alphanumeric() => last.push(c),
            _ => pieces.push(String::new()),
        }
        rest = inner;
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// What is inside a complexity: `n^2`, `log n`, `V + E`.
fn formula(inside: &str) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut rest = inside;
    while let Some(c) = rest.chars().next() {
        let word = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
        if word > 0 {
            let token = &rest[..word];
            said.push(numbers::spoken(token).unwrap_or_else(|| match token {
                "logn" => "log n".into(),
                "nlogn" => "n log n".into(),
                other => other.to_owned(),
            }));
            rest = &rest[word..];
            continue;
        }
        rest = &rest[c.len_utf8()..];
        let operator = match c {
            '^' if rest.starts_with('2') => {
                rest = &rest[1..];
                "squared"
            }
            '^' if rest.starts_with('3') => {
                rest = &rest[1..];
                "cubed"
            }
            '\u{b2}' => "squared",
            '\u{b3}' => "cubed",
            '^' => "to the",
            '*' | '\u{b7}' | '\u{d7}' => "times",
            '+' => "plus",
            '-' => "minus",
            '/' => "over",
            '!' => "factorial",
            '\u{221a}' => "root",
            '(' => "of",
            _ => continue,
        };
        said.push(operator.to_owned());
    }
    said.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(written: &str, expected: &str) {
        assert_eq!(spoken(written).text, expected);
    }

    #[test]
    fn ordinary_words_stay_as_they_are() {
        check("Hello, and welcome. How are you today?", "Hello, and welcome. How are you today?");
        check("That's what you'd do \u{2014} isn't it?", "That's what you'd do, isn't it?");
        check("A well-known (and old) rule: \u{201c}don't repeat\u{201d}.", "A well known and old rule: don't repeat.");
        check("", "");
        check("...", "");
    }

    #[test]
    fn numbers_are_spelled_out() {
        check("It took 3 tries and 1,250 ms.", "It took three tries and one thousand two hundred fifty milliseconds.");
        check("99.9% of 10ms", "ninety nine point nine percent of ten milliseconds");
        check("A 404 or a 503?", "A four oh four or a five oh three?");
        check(
            "5GB in 2024, the 1st and the 22nd",
            "five gigabytes in twenty twenty four, the first and the twenty second",
        );
        check("$5 for 2x", "five dollars for two times");
        check("a 3-way split in 1-2 days", "a three way split in one two days");
        check("port 8080, UTF-8", "port eight thousand eighty, UTF eight");
    }

    #[test]
    fn symbols_and_code_are_said() {
        check("`get_user()` returns a HashMap<K, V>", "get user returns a hash map K, V");
        check("if a == b && c != d", "if a equals b and c is not equal to d");
        check("user.name, x => y, if i < 3", "user dot name, x arrow y, if i less than three");
        check("client/server and TCP/IP", "client server and TCP IP");
        check("snake_case and camelCase", "snake case and camel Case");
        check("iOS APIs", "iOS APIs");
    }

    #[test]
    fn terms_have_their_usual_sound() {
        check("C++, C# and .NET", "C plus plus, C sharp and dot net");
        check("SQL, NoSQL and PostgreSQL", "sequel, no sequel and post gress");
        check("JSON's shape, e.g. arrays.", "jason's shape, for example arrays.");
        check("An API over HTTP", "An API over HTTP");
        check("async fn with a mutex.", "eh sink function with a mew tecks.");
        check("Node.js vs. Deno", "Node J S versus Deno");
    }

    #[test]
    fn complexities_are_one_word() {
        check("It is O(n log n), not O(n^2).", "It is O of n log n, not O of n squared.");
        check("O(1), O(2^n) and O(V + E)?", "O of one, O of two to the n and O of V plus E?");
        let found = spoken("is O(n log n) fast?");
        assert_eq!(found.words.len(), 3);
        assert_eq!(found.words[1].written, 3..13);
        assert_eq!(&found.text[found.words[1].spoken.clone()], "O of n log n");
    }

    #[test]
    fn every_spoken_word_knows_its_written_one() {
        let written = "Well, 3 HashMaps \u{2014} fine.";
        let found = spoken(written);
        let pairs: Vec<_> =
            found.words.iter().map(|w| (&written[w.written.clone()], &found.text[w.spoken.clone()])).collect();
        assert_eq!(pairs, [("Well,", "Well,"), ("3", "three"), ("HashMaps", "hash maps,"), ("fine.", "fine.")]);
    }

    #[test]
    fn strange_input_is_survived() {
        for text in [
            "O(",
            "O((((",
            "\u{1f600}\u{1f600}",
            "'",
            "()",
            "a\u{301}\u{301}",
            "\u{0}",
            "--",
            "9999999999999999999999",
            "1.2.3.4",
            "-5",
            "[x](y)",
        ] {
            let _ = spoken(text);
        }
    }
}
