//! Key points out of a reference answer or a rubric's words, where nobody has authored any: the same text gives the same
//! points. They are a first draft for a person to edit. Must never invent words: every statement stands in the text.

use crate::interview::question::KeyPoint;
use crate::interview::words::words;
use std::collections::BTreeSet;

/// More points than this are joined with their neighbours: nobody can say more in one answer.
pub const KEY_POINTS_MAX: usize = 12;
/// A statement of fewer new words belongs to the one before.
const NEW_WORDS_MIN: usize = 1;
/// New words beyond which a statement weighs no more.
const WEIGHT_WORDS_MAX: usize = 6;
/// Share of words in common from which two statements are two ways of saying one thing.
const SAME_SHARE: f64 = 0.6;
/// Longest heading, words.
const HEADING_WORDS_MAX: usize = 6;
/// Weight of what only the rubric's words name, beside a reference.
const RUBRIC_SHARE: f64 = 0.5;

/// Beginnings of a statement that only illustrates.
const EXAMPLES: &[&str] = &["for example", "for instance", "e.g", "example", "such as", "наприклад"];
/// Words of a rubric's line that says what is not wanted, or how to mark.
const NO_CONTENT: &[&str] = &["no credit", "zero points", "0 points", "no points", "partial credit", "incorrect", "0:"];

/// The key points of a reference, with those that only the rubric's words name.
#[must_use]
pub fn derive(question: &str, reference: &str, rubric: &str) -> Vec<KeyPoint> {
    let asked = stems(question);
    let mut drafts = drafts(reference, &asked, 1.0);
    let share = if drafts.is_empty() { 1.0 } else { RUBRIC_SHARE };
    let known: BTreeSet<String> = drafts.iter().flat_map(|draft| draft.new.iter().cloned()).collect();
    let lines: Vec<&str> = rubric.lines().filter(|line| !holds_any(&line.to_lowercase(), NO_CONTENT)).collect();
    drafts.extend(self::drafts(&lines.join("\n"), &asked, share).into_iter().filter(|draft| {
        // A rubric mostly says the reference again.
        draft.new.iter().filter(|stem| !known.contains(*stem)).count() * 2 > draft.new.len()
    }));
    while drafts.len() > KEY_POINTS_MAX {
        join_smallest(&mut drafts);
    }
    let point = |(number, draft): (usize, Draft)| KeyPoint {
        id: format!("derived-{}", number + 1),
        weight: draft.weight(),
        must: !draft.example,
        statement: draft.statement,
        paraphrases: draft.ways,
        terms: Vec::new(),
    };
    let mut points: Vec<KeyPoint> = drafts.into_iter().enumerate().map(point).collect();
    // Where all is example, the examples are what is asked for.
    if points.iter().all(|point| !point.must) {
        points.iter_mut().for_each(|point| point.must = true);
    }
    points
}

struct Draft {
    statement: String,
    ways: Vec<String>,
    /// Stems that the question does not say.
    new: BTreeSet<String>,
    all: BTreeSet<String>,
    share: f64,
    example: bool,
}

impl Draft {
    fn weight(&self) -> f64 {
        let told = u32::try_from(self.new.len().clamp(1, WEIGHT_WORDS_MAX)).map_or(1.0, f64::from);
        self.share * told
    }

    fn join(&mut self, other: Self) {
        self.statement = format!("{}. {}", self.statement.trim_end_matches(['.', ';', ',']), other.statement);
        self.new.extend(other.new);
        self.all.extend(other.all);
        self.example &= other.example;
    }
}

fn drafts(text: &str, asked: &BTreeSet<String>, share: f64) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = Vec::new();
    for statement in statements(text) {
        let all = stems(&statement);
        let new: BTreeSet<String> = all.difference(asked).cloned().collect();
        let example = holds_any_start(&statement.to_lowercase(), EXAMPLES);
        let twin = drafts.iter_mut().find(|draft| alike(&draft.all, &all));
        if let Some(twin) = twin {
            twin.ways.push(statement);
            continue;
        }
        let draft = Draft { statement, ways: Vec::new(), new, all, share, example };
        match drafts.last_mut().filter(|_| draft.new.len() < NEW_WORDS_MIN) {
            Some(before) => before.join(draft),
            None => drafts.push(draft),
        }
    }
    drafts
}

/// Sentences and list items, without bullets and headings.
fn statements(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.trim_start_matches(|c: char| c.is_whitespace() || "-*\u{2022}\u{25cf}\u{b7}>".contains(c));
        let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let line = digits.strip_prefix(['.', ')']).unwrap_or(line).trim();
        if line.ends_with(':') && line.split_whitespace().count() <= HEADING_WORDS_MAX {
            continue;
        }
        let mut start = 0;
        for (at, c) in line.char_indices() {
            let next = &line[at + c.len_utf8()..];
            // A point inside "1.5" or "e.g." ends nothing.
            let ends = matches!(c, '.' | '!' | '?' | ';') && (next.is_empty() || next.starts_with(char::is_whitespace));
            if ends && !holds_any_end(&line[start..at].to_lowercase(), &["e.g", "i.e", "etc", "vs"]) {
                found.push(line[start..at].trim().to_owned());
                start = at + c.len_utf8();
            }
        }
        found.push(line[start..].trim().to_owned());
    }
    found.retain(|statement| words(statement).iter().any(|word| word.content));
    found
}

fn stems(text: &str) -> BTreeSet<String> {
    words(text).into_iter().filter(|word| word.content).map(|word| word.stem).collect()
}

fn alike(a: &BTreeSet<String>, b: &BTreeSet<String>) -> bool {
    let (common, all) = (a.intersection(b).count(), a.union(b).count());
    let share = f64::from(u32::try_from(common).unwrap_or(0)) / f64::from(u32::try_from(all.max(1)).unwrap_or(1));
    share >= SAME_SHARE
}

/// Joins the two neighbours that together have the fewest new words.
fn join_smallest(drafts: &mut Vec<Draft>) {
    let size = |at: &usize| drafts[*at].new.len() + drafts[at + 1].new.len();
    let Some(at) = (0..drafts.len().saturating_sub(1)).min_by_key(size) else { return };
    let second = drafts.remove(at + 1);
    drafts[at].join(second);
}

fn holds_any(text: &str, all: &[&str]) -> bool {
    all.iter().any(|words| text.contains(words))
}

fn holds_any_start(text: &str, all: &[&str]) -> bool {
    all.iter().any(|words| text.starts_with(words))
}

fn holds_any_end(text: &str, all: &[&str]) -> bool {
    all.iter().any(|words| text.ends_with(words))
}

#[cfg(test)]
mod tests {
    use super::derive;

    fn statements(question: &str, reference: &str, rubric: &str) -> Vec<String> {
        derive(question, reference, rubric).into_iter().map(|point| point.statement).collect()
    }

    #[test]
    fn sentences_and_list_items_become_points() {
        let reference =
            "Advantages:\n- It saves 1.5 round trips, e.g. on mobile networks.\n2) Keys expire; clients retry.";
        assert_eq!(
            statements("Name the advantages", reference, ""),
            ["It saves 1.5 round trips, e.g. on mobile networks", "Keys expire", "clients retry"]
        );
    }

    #[test]
    fn two_ways_of_saying_it_are_one_point() {
        let reference = "Terminal 1 and the positive terminal are separated by the gap\nThe gap separates terminal 1 and the positive terminal";
        let points = derive("Why 1.5 volts?", reference, "");
        assert_eq!(points.len(), 1);
        assert_eq!(points[0].paraphrases.len(), 1);
    }

    #[test]
    fn a_rubric_adds_what_the_reference_does_not_say() {
        let rubric = "mentions the unique key\nnames a storage with expiry\nno credit for encryption";
        let points = derive("How?", "The client sends a unique key with each request.", rubric);
        let said: Vec<(&str, f64)> = points.iter().map(|point| (point.statement.as_str(), point.weight)).collect();
        assert_eq!(
            said,
            [("The client sends a unique key with each request", 5.0), ("names a storage with expiry", 1.5)]
        );
    }

    #[test]
    fn long_lists_are_joined_and_no_text_is_lost() {
        let reference: String = (0..30).map(|n| format!("- reason number{n} alpha{n}\n")).collect();
        let points = derive("Why?", &reference, "");
        assert_eq!(points.len(), 12);
        let all: String = points.iter().map(|point| point.statement.as_str()).collect();
        let lost: Vec<usize> = (0..30).filter(|n| !all.contains(&format!("alpha{n}"))).collect();
        assert!(lost.is_empty(), "{lost:?} of {all}");
    }

    #[test]
    fn nothing_gives_nothing() {
        assert!(derive("Why?", "", "").is_empty());
    }
}
