//! What of a question an answer covers: each key point met, partial, missed or wrong, with the stretch of the answer
//! that earned it, and the misconceptions that it states. Deterministic: the same question and words give the same
//! result, to the bit; nothing in the answer can instruct it. Must never see who answers, nor how (pace, pauses, accent).

use super::question::{KeyPoint, Misconception, Question};
use super::words::{
    CLAUSE_WORDS_MAX, Denial, WINDOW_WORDS_MAX, Word, clauses, is_negator, joined, same, same_joined, words,
};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// How far a key point is covered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Its contrary was said.
    Wrong,
    Missed,
    Partial,
    Met,
}

/// One key point, judged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Coverage {
    /// Index into the question's key points.
    pub key_point: usize,
    pub status: Status,
    /// Byte range of the answer that shows it: always there unless missed.
    pub quote: Option<Range<usize>>,
}

/// A misconception that the answer states.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Misstatement {
    /// Index into the question's misconceptions.
    pub misconception: usize,
    /// Byte range of the answer that states it.
    pub quote: Range<usize>,
}

/// Judges an answer against every key point of its question, in their order.
#[must_use]
pub fn cover(question: &Question, answer: &str) -> Vec<Coverage> {
    cover_points(&question.prompt, &question.key_points, answer)
}

/// Judges an answer against key points, in their order; `prompt` is what was asked.
#[must_use]
pub fn cover_points(prompt: &str, key_points: &[KeyPoint], answer: &str) -> Vec<Coverage> {
    let prompt = words(prompt);
    let answer = Answer::read(answer);
    let judge = |(at, point): (usize, &KeyPoint)| {
        let idea = Idea::seek(&answer, &point.statement, &point.paraphrases, &point.terms, &prompt);
        let found = answer
            .best(WINDOW_WORDS_MAX, |window| idea.in_window(window))
            .or_else(|| answer.best(SCATTER_WORDS_MAX, |window| idea.scattered_in(window)));
        let (status, quote) = found.map_or((Status::Missed, None), |(found, quote)| (found.status, Some(quote)));
        Coverage { key_point: at, status, quote }
    };
    key_points.iter().enumerate().map(judge).collect()
}

/// Finds the question's misconceptions that the answer states as true.
#[must_use]
pub fn misstatements(question: &Question, answer: &str) -> Vec<Misstatement> {
    misstated(&question.prompt, &question.misconceptions, answer)
}

/// Finds the misconceptions that the answer states as true; `prompt` is what was asked.
#[must_use]
pub fn misstated(prompt: &str, misconceptions: &[Misconception], answer: &str) -> Vec<Misstatement> {
    let prompt = words(prompt);
    let answer = Answer::read(answer);
    let find = |(at, wrong): (usize, &Misconception)| {
        let idea = Idea::seek(&answer, &wrong.statement, &wrong.paraphrases, &wrong.terms, &prompt);
        let (_, quote) = answer.best(CLAUSE_WORDS_MAX, |window| idea.claimed_in(window, &answer))?;
        Some(Misstatement { misconception: at, quote })
    };
    misconceptions.iter().enumerate().filter_map(find).collect()
}

/// Where the text says all groups of terms (alternatives parted by `|`) within one thought.
#[must_use]
pub fn find_terms(groups: &[String], text: &str) -> Option<Range<usize>> {
    let text = Answer::read(text);
    let idea = Idea::seek(&text, "", &[], groups, &[]);
    let found = |window: &Range<usize>| idea.by_terms(window).filter(|found| found.status == Status::Met);
    text.best(WINDOW_WORDS_MAX, found).map(|(_, quote)| quote)
}

/// Shares of a paraphrase's meaning that must be there.
#[derive(Clone, Copy)]
struct Shares {
    met: f64,
    partial: f64,
    /// Of the words in common, the share that may be denied on one side only; with more the contrary was said.
    flipped_max: f64,
}

/// Where a paraphrase is all there is to go by: two thirds leave room for other words.
const ALONE: Shares = Shares { met: 0.66, partial: 0.45, flipped_max: 0.5 };
/// Where the author gave terms, those decide, and a paraphrase must be nearly whole to stand in for them.
const BESIDE_TERMS: Shares = Shares { met: 0.8, partial: 0.6, flipped_max: 0.5 };
/// For a misconception: to accuse needs more than to credit, and there is no half accusation.
const CLAIMED: Shares = Shares { met: 0.8, partial: f64::INFINITY, flipped_max: 0.0 };
/// Of the words in common, the share denied on one side only up to which the idea is still wholly said.
const FLIPPED_SHARE_MET: f64 = 0.25;
/// Fewest words of a paraphrase in common; below it is chance.
const COMMON_WORDS_MIN: usize = 3;
/// Words that the question itself says prove little when they come back.
const PROMPT_WORD_WEIGHT: f64 = 0.4;
/// Numbers are rarely said by chance.
const NUMBER_WEIGHT: f64 = 1.5;
/// Words that may stand between those of one term.
const TERM_GAP_WORDS: usize = 3;
/// Words by which a quote may be carried on to the end of a clause.
const QUOTE_CARRY_WORDS: usize = 8;
/// Terms found farther apart than a window, but within this, words, are fragments of the idea: partial.
const SCATTER_WORDS_MAX: usize = 60;
/// Clauses that a stretch may hold: bounds the work for speech that is all clauses.
const STRETCH_CLAUSES_MAX: usize = 12;

/// How well a window shows an idea; better ones compare greater.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
struct Found {
    status: Status,
    strength: f64,
}

/// An answer, cut into words and clauses.
struct Answer {
    words: Vec<Word>,
    /// Each word joined with the next, for words that the recogniser cut in two.
    joined: Vec<Option<Word>>,
    clauses: Vec<Range<usize>>,
}

impl Answer {
    fn read(text: &str) -> Self {
        let words = words(text);
        let clauses = clauses(&words);
        let joined = words.windows(2).map(|pair| joined(&pair[0], &pair[1])).collect();
        Self { words, joined, clauses }
    }

    /// Where the answer says the word, as ranges of its words in their order.
    fn sightings(&self, word: &Word) -> Vec<Range<usize>> {
        let said = |at: usize| self.words[at].denial != Denial::Unsaid;
        let cut_in_two =
            |at: usize| self.joined.get(at).and_then(Option::as_ref).is_some_and(|whole| same_joined(whole, word));
        (0..self.words.len())
            .filter(|&at| said(at))
            .filter_map(|at| match same(&self.words[at], word) {
                true => Some(at..at + 1),
                false => cut_in_two(at).then_some(at..at + 2),
            })
            .collect()
    }

    fn is_denied(&self, at: usize) -> bool {
        is_denied(&self.words[at])
    }

    /// The best window of at most `words_max` by `judge`, as its byte range; of equals the shortest, then the
    /// earliest. What was got right somewhere counts for more than what was got wrong elsewhere.
    fn best(&self, words_max: usize, judge: impl Fn(&Range<usize>) -> Option<Found>) -> Option<(Found, Range<usize>)> {
        let mut best: Option<(Found, Range<usize>)> = None;
        for first in 0..self.clauses.len() {
            for last in first..self.clauses.len().min(first + STRETCH_CLAUSES_MAX) {
                let window = self.clauses[first].start..self.clauses[last].end;
                let parted = last > first && self.words[self.clauses[last].start].opens_paragraph;
                if parted || window.len() > words_max {
                    break;
                }
                let Some(found) = judge(&window) else { continue };
                let better =
                    |(held, at): &(Found, Range<usize>)| found > *held || (found == *held && window.len() < at.len());
                if best.as_ref().is_none_or(better) {
                    best = Some((found, window));
                }
            }
        }
        best.map(|(found, at)| (found, self.quoted(&at)))
    }

    /// The bytes of a window, carried on to the ends of its clauses where those were cut by force and are near.
    fn quoted(&self, window: &Range<usize>) -> Range<usize> {
        let opens = |at: usize| self.words.get(at).is_none_or(|word| word.opens_clause);
        let start = (0..=QUOTE_CARRY_WORDS).filter_map(|back| window.start.checked_sub(back)).find(|at| opens(*at));
        let end = (window.end..=window.end + QUOTE_CARRY_WORDS).find(|at| opens(*at));
        let (start, end) = (start.unwrap_or(window.start), end.map_or(window.end, |end| end.min(self.words.len())));
        self.words[start].at.start..self.words[end - 1].at.end
    }
}

/// Something that can be said in several ways, and where the answer says its words.
struct Idea {
    ways: Vec<Way>,
    groups: Vec<Vec<Term>>,
}

impl Idea {
    fn seek(answer: &Answer, statement: &str, paraphrases: &[String], terms: &[String], prompt: &[Word]) -> Self {
        let ways = std::iter::once(statement).chain(paraphrases.iter().map(String::as_str));
        let term = |text: &str| Term::seek(answer, text, prompt);
        Self {
            ways: ways.map(|way| Way::seek(answer, way, prompt)).collect(),
            groups: terms.iter().map(|group| group.split('|').filter_map(term).collect()).collect(),
        }
    }

    /// How well the window shows this idea, if at all.
    fn in_window(&self, window: &Range<usize>) -> Option<Found> {
        let by_terms = self.by_terms(window);
        if by_terms.is_some_and(|found| found.status == Status::Wrong) {
            return by_terms;
        }
        let shares = if self.groups.is_empty() { ALONE } else { BESIDE_TERMS };
        let by_ways = self.ways.iter().filter_map(|way| way.in_window(window, shares));
        by_terms
            .into_iter()
            .chain(by_ways)
            .max_by(|a, b| a.status.cmp(&b.status).then(a.strength.total_cmp(&b.strength)))
    }

    /// Whether the window claims this idea: all its terms or nearly all of a paraphrase, and no distance to it.
    fn claimed_in(&self, window: &Range<usize>, answer: &Answer) -> Option<Found> {
        if answer.words[window.clone()].iter().any(|word| DISTANCING.contains(&word.plain.as_str())) {
            return None;
        }
        let by_terms = self.by_terms(window).filter(|found| found.status == Status::Met);
        by_terms.or_else(|| self.ways.iter().find_map(|way| way.in_window(window, CLAIMED)))
    }

    /// All terms are there, but farther apart than one thought.
    fn scattered_in(&self, stretch: &Range<usize>) -> Option<Found> {
        let found = self.by_terms(stretch).filter(|found| found.status == Status::Met)?;
        (self.groups.len() > 1).then_some(Found { status: Status::Partial, ..found })
    }

    fn by_terms(&self, window: &Range<usize>) -> Option<Found> {
        let (mut affirmed, mut denied, mut fresh) = (0_usize, 0_usize, false);
        for group in &self.groups {
            let (mut says, mut denies) = (false, false);
            for term in group {
                let (said, contrary) = term.in_window(window);
                says |= said;
                denies |= contrary;
                fresh |= said && !term.asked;
            }
            affirmed += usize::from(says);
            denied += usize::from(denies && !says);
        }
        let all = self.groups.len();
        let status = if all > 1 && denied > 0 && affirmed + denied == all {
            Status::Wrong
        } else if !fresh {
            return None;
        } else if affirmed == all {
            Status::Met
        } else if affirmed > 1 && affirmed * 2 >= all {
            Status::Partial
        } else {
            return None;
        };
        Some(Found { status, strength: ratio(affirmed, all) })
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of groups are small")]
fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// One way of saying it: the words that carry it.
struct Way {
    words: Vec<Carrier>,
}

/// A word that carries a part of an idea.
struct Carrier {
    weight: f64,
    number: bool,
    /// Where the answer says it: place, and whether it is denied on one side only.
    sightings: Vec<(Range<usize>, bool)>,
}

impl Way {
    fn seek(answer: &Answer, text: &str, prompt: &[Word]) -> Self {
        let mut seen: Vec<String> = Vec::new();
        let mut carriers = Vec::new();
        for word in words(text).into_iter().filter(|word| word.content) {
            if seen.contains(&word.stem) {
                continue;
            }
            let asked = prompt.iter().any(|p| p.content && p.stem == word.stem);
            let weight = match (asked, word.number) {
                (true, _) => PROMPT_WORD_WEIGHT,
                (false, true) => NUMBER_WEIGHT,
                (false, false) => 1.0,
            };
            let flipped = |at: Range<usize>| (at.clone(), answer.is_denied(at.start) != is_denied(&word));
            let sightings = answer.sightings(&word).into_iter().map(flipped).collect();
            carriers.push(Carrier { weight, number: word.number, sightings });
            seen.push(word.stem);
        }
        Self { words: carriers }
    }

    fn in_window(&self, window: &Range<usize>, shares: Shares) -> Option<Found> {
        let (mut shared, mut flipped, mut whole) = (0.0, 0.0, 0.0);
        let (mut common, mut fresh, mut number_missing) = (0_usize, false, false);
        for word in &self.words {
            whole += word.weight;
            let Some((_, contrary)) = word.sightings.iter().find(|(at, _)| within(at, window)) else {
                number_missing |= word.number;
                continue;
            };
            shared += word.weight;
            common += 1;
            fresh |= word.weight > PROMPT_WORD_WEIGHT;
            flipped += if *contrary { word.weight } else { 0.0 };
        }
        if !fresh || common < COMMON_WORDS_MIN.min(self.words.len()) || flipped > shared * shares.flipped_max {
            return None;
        }
        let strength = shared / whole;
        let status = if strength >= shares.met && !number_missing && flipped <= shared * FLIPPED_SHARE_MET {
            Status::Met
        } else if strength >= shares.partial {
            Status::Partial
        } else {
            return None;
        };
        Some(Found { status, strength })
    }
}

/// One alternative of a group of terms: its words, close together in any order.
struct Term {
    /// The question itself says it, so by itself it shows nothing.
    asked: bool,
    /// Where the answer says it: place, and whether it says the contrary.
    sightings: Vec<(Range<usize>, bool)>,
}

impl Term {
    fn seek(answer: &Answer, text: &str, prompt: &[Word]) -> Option<Self> {
        let all = words(text);
        // A term may itself be a denial ("not modify"): then it is said where the answer denies it.
        let denied = all.iter().any(is_negator);
        let told = |word: &Word| !is_negator(word) && !TERM_FILLERS.contains(&word.plain.as_str());
        let told: Vec<Word> = all.into_iter().filter(told).collect();
        let asked = told.iter().all(|word| prompt.iter().any(|p| p.stem == word.stem));
        let places: Vec<Vec<Range<usize>>> = told.iter().map(|word| answer.sightings(word)).collect();
        let reach = told.len() + TERM_GAP_WORDS;
        let sightings = places
            .iter()
            .flatten()
            .filter_map(|first| together(&places, first.start..first.start + reach))
            .map(|found| (span(&found), found.iter().any(|at| answer.is_denied(at.start)) != denied))
            // That nothing is denied where a denial was asked for is not the contrary, only not it.
            .filter(|(_, contrary)| !(denied && *contrary))
            .collect();
        (!told.is_empty()).then_some(Self { asked, sightings })
    }

    /// Whether the window says the term, and whether it says its contrary.
    fn in_window(&self, window: &Range<usize>) -> (bool, bool) {
        let seen = |contrary: bool| self.sightings.iter().any(|(at, c)| *c == contrary && within(at, window));
        (seen(false), seen(true))
    }
}

/// The first sighting of each word within the reach, if each has one.
fn together(places: &[Vec<Range<usize>>], reach: Range<usize>) -> Option<Vec<Range<usize>>> {
    places.iter().map(|word| word.iter().find(|at| within(at, &reach)).cloned()).collect()
}

fn span(found: &[Range<usize>]) -> Range<usize> {
    let start = found.iter().map(|at| at.start).min().unwrap_or(0);
    start..found.iter().map(|at| at.end).max().unwrap_or(start)
}

fn within(inner: &Range<usize>, outer: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

fn is_denied(word: &Word) -> bool {
    word.denial == Denial::Denied
}

/// Words that a term may be said without. Unlike in a paraphrase, "get" or "one" of a term is meant.
const TERM_FILLERS: &[&str] = &["a", "an", "the", "of", "to", "is", "are", "be", "in", "on", "it", "its", "and"];

/// Words by which a speaker keeps away from a claim.
const DISTANCING: &[&str] = &[
    "myth",
    "mistake",
    "mistaken",
    "misconception",
    "wrong",
    "wrongly",
    "incorrect",
    "incorrectly",
    "false",
    "confuse",
    "confused",
    "beginners",
    "міф",
    "хибно",
    "хибна",
    "хибний",
    "хибне",
    "неправильно",
    "неправда",
    "помилково",
    "плутають",
];

#[cfg(test)]
mod tests;
