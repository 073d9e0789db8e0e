//! Cuts text into sentences as it comes, so that the first can be spoken while the rest is still being written. Pure.

use super::TTS_TEXT_CHARS_MAX;

/// The first piece may end at a comma once it is this long, characters: enough to be spoken while the next is made.
const FIRST_CLAUSE_CHARS_MIN: usize = 28;

/// Abbreviations that end in a point without ending a sentence.
const ABBREVIATIONS: [&str; 18] = [
    "e.g", "i.e", "etc", "vs", "mr", "mrs", "ms", "dr", "prof", "st", "no", "approx", "cf", "fig", "inc", "ltd",
    "resp", "incl",
];

/// Collects text and gives away whole sentences.
#[derive(Clone, Debug)]
pub struct SentenceCutter {
    waiting: String,
    /// The next piece may end at a comma.
    eager: bool,
}

/// The sentences of a whole text.
#[must_use]
pub fn sentences(text: &str) -> Vec<String> {
    let mut cutter = SentenceCutter::whole();
    let mut found = cutter.push(text);
    found.extend(cutter.finish());
    found
}

impl SentenceCutter {
    /// Cuts at ends of sentences only.
    #[must_use]
    pub fn whole() -> Self {
        Self { waiting: String::new(), eager: false }
    }

    /// Cuts the first piece early, at a comma, so that somebody who waits hears it sooner.
    #[must_use]
    pub fn eager() -> Self {
        Self { waiting: String::new(), eager: true }
    }

    /// Takes more text; gives what is whole by now. A sentence is known to be whole when what follows has begun.
    pub fn push(&mut self, text: &str) -> Vec<String> {
        self.waiting.push_str(text);
        let mut found = Vec::new();
        while let Some(end) = self.end_of_next() {
            let rest = self.waiting.split_off(end);
            let piece = std::mem::replace(&mut self.waiting, rest);
            self.add(&mut found, &piece);
        }
        found
    }

    /// What waits, if it looks like a whole sentence although nothing follows it yet: a model writes its next word when
    /// it can, and somebody listens to the silence meanwhile. A number or an abbreviation may go on.
    pub fn take_if_ended(&mut self) -> Vec<String> {
        let text = self.waiting.trim_end();
        let bare = text.trim_end_matches(['"', '\'', '\u{201d}', '\u{2019}', ')', ']']);
        let Some(at) = bare.rfind(['.', '!', '?', '\u{2026}']).filter(|at| bare[*at..].chars().count() == 1) else {
            return Vec::new();
        };
        let word = bare[..at].rsplit(char::is_whitespace).next().unwrap_or_default();
        let is_number = word.chars().next_back().is_some_and(|c| c.is_ascii_digit());
        if is_number && bare[at..].starts_with('.') || !self.ends_sentence(at, " ") {
            return Vec::new();
        }
        self.finish()
    }

    /// The last sentence, when no more text comes.
    pub fn finish(&mut self) -> Vec<String> {
        let mut found = Vec::new();
        let piece = std::mem::take(&mut self.waiting);
        self.add(&mut found, &piece);
        found
    }

    fn add(&mut self, found: &mut Vec<String>, piece: &str) {
        let piece = piece.split_whitespace().collect::<Vec<_>>().join(" ");
        if piece.chars().any(char::is_alphanumeric) {
            self.eager = false;
            found.push(piece);
        }
    }

    /// The byte after the end of the first whole sentence, or of a piece that must not grow longer.
    fn end_of_next(&self) -> Option<usize> {
        let mut chars = 0;
        let mut last_clause = None;
        let mut last_space = None;
        for (at, c) in self.waiting.char_indices() {
            let end = at + c.len_utf8();
            let rest = &self.waiting[end..];
            chars += 1;
            match c {
                '\n' => return Some(end),
                '.' | '!' | '?' | '\u{2026}' if self.ends_sentence(at, rest) => {
                    return Some(end + closing(rest));
                }
                ',' | ';' | ':' | '\u{2014}' if rest.starts_with(char::is_whitespace) => {
                    if self.eager && chars >= FIRST_CLAUSE_CHARS_MIN {
                        return Some(end);
                    }
                    last_clause = Some(end);
                }
                c if c.is_whitespace() => last_space = Some(end),
                _ => {}
            }
            if chars >= TTS_TEXT_CHARS_MAX {
                return last_clause.or(last_space).or(Some(end));
            }
        }
        None
    }

    fn ends_sentence(&self, at: usize, rest: &str) -> bool {
        let after = rest[closing(rest)..].chars().next();
        if !after.is_some_and(char::is_whitespace) {
            return false;
        }
        if !self.waiting[at..].starts_with('.') {
            return true;
        }
        let word = self.waiting[..at].rsplit(|c: char| c.is_whitespace() || "(\"\u{201c}".contains(c)).next();
        let word = word.unwrap_or_default().to_lowercase();
        let initial = word.chars().count() == 1 && word.chars().all(char::is_alphabetic) && word != "i" && word != "a";
        let next_is_small = rest.trim_start().chars().next().is_some_and(char::is_lowercase);
        let abbreviated = ABBREVIATIONS.contains(&word.as_str()) && (next_is_small || word != "etc" && word != "no");
        !(abbreviated || initial && self.waiting[..at].ends_with(char::is_uppercase) && !next_is_small && word != "n")
    }
}

/// Bytes of what still belongs to a sentence after its point: more points, quotes, brackets.
fn closing(rest: &str) -> usize {
    rest.find(|c: char| !".!?\u{2026}\"'\u{201d}\u{2019})]".contains(c)).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<String> {
        sentences(text)
    }

    #[test]
    fn sentences_end_at_points_and_not_at_abbreviations_or_numbers() {
        assert_eq!(cut("Hello. How are you? Fine!"), ["Hello.", "How are you?", "Fine!"]);
        assert_eq!(cut("Use 3.14, e.g. in Node.js or v2.0. Right?"), ["Use 3.14, e.g. in Node.js or v2.0.", "Right?"]);
        assert_eq!(cut("Ask Dr. Grey about it, i.e. about locks."), ["Ask Dr. Grey about it, i.e. about locks."]);
        assert_eq!(cut("He said \"stop.\" Then he left..."), ["He said \"stop.\"", "Then he left..."]);
        assert_eq!(cut("Lists, maps, etc. Now the next."), ["Lists, maps, etc.", "Now the next."]);
        assert_eq!(cut("So did I. And then?"), ["So did I.", "And then?"]);
        assert_eq!(cut("One\n\nTwo\n - \n"), ["One", "Two"]);
        assert_eq!(cut("  "), Vec::<String>::new());
    }

    #[test]
    fn a_sentence_comes_as_soon_as_the_next_begins() {
        let mut cutter = SentenceCutter::whole();
        assert!(cutter.push("That is right.").is_empty());
        assert_eq!(cutter.push(" N"), ["That is right."]);
        assert!(cutter.push("ow tell me").is_empty());
        assert_eq!(cutter.finish(), ["Now tell me"]);
        assert!(cutter.finish().is_empty());
    }

    #[test]
    fn what_looks_whole_is_not_waited_for() {
        let mut cutter = SentenceCutter::whole();
        for open in ["It is 3.", "14 or so, e.g.", " in Dr.", " Grey's book"] {
            assert!(cutter.push(open).is_empty());
            assert!(cutter.take_if_ended().is_empty(), "{open}");
        }
        cutter.push(", you know.\"");
        assert_eq!(cutter.take_if_ended(), ["It is 3.14 or so, e.g. in Dr. Grey's book, you know.\""]);
        assert!(cutter.take_if_ended().is_empty());
        cutter.push(" Right?");
        assert_eq!(cutter.take_if_ended(), ["Right?"]);
    }

    #[test]
    fn an_eager_cutter_gives_its_first_clause_only() {
        let mut cutter = SentenceCutter::eager();
        let text = "You said that the index helps, and it does, so tell me more, please. Go on. ";
        let found = cutter.push(text);
        assert_eq!(found, ["You said that the index helps,", "and it does, so tell me more, please.", "Go on."]);
    }

    #[test]
    fn nothing_is_longer_than_a_voice_takes_and_nothing_is_lost() {
        let text = format!("{}. {}", "word and word, ".repeat(60), "x".repeat(900));
        let found = cut(&text);
        assert!(found.iter().all(|piece| piece.chars().count() <= TTS_TEXT_CHARS_MAX));
        let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        assert_eq!(letters(&found.concat()), letters(&text));
    }
}
