//! What of a question an answer covers: each key point met, partial, missed or wrong, with the stretch of the answer
//! that earned it, and the misconceptions that it states. Deterministic: the same question and words give the same
//! result, to the bit; nothing in the answer can instruct it. Must never see who answers, nor how (pace, pauses, accent).

use super::question::{KeyPoint, Misconception, Question};
use super::words::{Denial, WINDOW_WORDS_MAX, Word, clauses, is_negator, same, same_joined, words};
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

/// Judges an answer against every key point, in their order.
#[must_use]
pub fn cover(question: &Question, answer: &str) -> Vec<Coverage> {
    let prompt = words(&question.prompt);
    let answer = Answer::read(answer);
    let judge = |(at, point): (usize, &KeyPoint)| {
        let idea = Idea::read(&point.statement, &point.paraphrases, &point.terms, &prompt);
        let found = answer
            .best(WINDOW_WORDS_MAX, |window| idea.in_window(window))
            .or_else(|| answer.best(SCATTER_WORDS_MAX, |window| idea.scattered_in(window)));
        let (status, quote) = found.map_or((Status::Missed, None), |(found, quote)| (found.status, Some(quote)));
        Coverage {
            key_point: at,
            status,
            quote,
        }
    };
    question.key_points.iter().enumerate().map(judge).collect()
}

/// Finds the question's misconceptions that the answer states as true.
#[must_use]
pub fn misstatements(question: &Question, answer: &str) -> Vec<Misstatement> {
    let answer = Answer::read(answer);
    let find = |(at, wrong): (usize, &Misconception)| {
        let idea = Idea::read(&wrong.statement, &wrong.paraphrases, &wrong.terms, &[]);
        let (_, quote) = answer.best(WINDOW_WORDS_MAX, |window| idea.claimed_in(window))?;
        Some(Misstatement {
            misconception: at,
            quote,
        })
    };
    question.misconceptions.iter().enumerate().filter_map(find).collect()
}

/// Share of a paraphrase's meaning that must be there for "met": two thirds leave room for other words.
const OVERLAP_MET: f64 = 0.66;
/// Share for "partial".
const OVERLAP_PARTIAL: f64 = 0.45;
/// Share for a misconception: to accuse needs more than to credit.
const OVERLAP_CLAIMED: f64 = 0.75;
/// Share of the words in common that may be denied on one side only; with more of them the contrary was said.
const FLIPPED_SHARE_MAX: f64 = 0.5;
/// Fewest words of a paraphrase in common; below it is chance.
const COMMON_WORDS_MIN: usize = 3;
/// Words that the question itself says prove little when they come back.
const PROMPT_WORD_WEIGHT: f64 = 0.4;
/// Numbers are rarely said by chance.
const NUMBER_WEIGHT: f64 = 1.5;
/// Words that may stand between those of one term.
const TERM_GAP_WORDS: usize = 3;
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
    clauses: Vec<Range<usize>>,
}

impl Answer {
    fn read(text: &str) -> Self {
        let words = words(text);
        let clauses = clauses(&words);
        Self { words, clauses }
    }

    /// The best window of at most `words_max` by `judge`, as its byte range; of equals the shortest, then the earliest. What was got right
    /// somewhere counts for more than what was got wrong elsewhere.
    fn best(&self, words_max: usize, judge: impl Fn(&[Word]) -> Option<Found>) -> Option<(Found, Range<usize>)> {
        let mut best: Option<(Found, Range<usize>)> = None;
        for first in 0..self.clauses.len() {
            for last in first..self.clauses.len().min(first + STRETCH_CLAUSES_MAX) {
                let range = self.clauses[first].start..self.clauses[last].end;
                if range.len() > words_max {
                    break;
                }
                let Some(found) = judge(&self.words[range.clone()]) else {
                    continue;
                };
                let better = best
                    .as_ref()
                    .is_none_or(|(held, at)| found > *held || (found == *held && range.len() < at.len()));
                if better {
                    best = Some((found, range));
                }
            }
        }
        best.map(|(found, range)| {
            (
                found,
                self.words[range.start].at.start..self.words[range.end - 1].at.end,
            )
        })
    }
}

/// Something that can be said in several ways.
struct Idea {
    ways: Vec<Way>,
    groups: Vec<Vec<Term>>,
}

/// One way of saying it: the words that carry it, with weights.
struct Way {
    words: Vec<(Word, f64)>,
}

/// One alternative of a group of terms: its words, found close together in any order.
struct Term {
    words: Vec<Word>,
    denied: bool,
    /// The question itself says it, so by itself it shows nothing.
    asked: bool,
}

impl Idea {
    fn read(statement: &str, paraphrases: &[String], terms: &[String], prompt: &[Word]) -> Self {
        let ways = std::iter::once(statement).chain(paraphrases.iter().map(String::as_str));
        let groups = terms
            .iter()
            .map(|group| group.split('|').filter_map(|term| Term::read(term, prompt)).collect());
        Self {
            ways: ways.map(|way| Way::read(way, prompt)).collect(),
            groups: groups.collect(),
        }
    }

    /// How well the window shows this idea, if at all.
    fn in_window(&self, window: &[Word]) -> Option<Found> {
        let by_terms = self.by_terms(window);
        let by_ways = self
            .ways
            .iter()
            .filter_map(|way| way.in_window(window, FLIPPED_SHARE_MAX))
            .max_by(|a, b| order(*a, *b));
        match (by_terms, by_ways) {
            (Some(a), Some(b)) => Some(if order(a, b).is_ge() { a } else { b }),
            (one, other) => one.or(other),
        }
    }

    /// Whether the window claims this idea: all its terms or nearly all of a paraphrase, and no distance to it.
    fn claimed_in(&self, window: &[Word]) -> Option<Found> {
        if window.iter().any(|word| DISTANCING.contains(&word.plain.as_str())) {
            return None;
        }
        let by_terms = self.by_terms(window).filter(|found| found.status == Status::Met);
        let claimed = |way: &Way| {
            way.in_window(window, 0.0)
                .filter(|f| f.status == Status::Met && f.strength >= OVERLAP_CLAIMED)
        };
        by_terms.or_else(|| self.ways.iter().find_map(claimed))
    }

    /// All terms are there, but farther apart than one thought.
    fn scattered_in(&self, stretch: &[Word]) -> Option<Found> {
        let found = self.by_terms(stretch).filter(|found| found.status == Status::Met)?;
        (self.groups.len() > 1).then_some(Found {
            status: Status::Partial,
            ..found
        })
    }

    fn by_terms(&self, window: &[Word]) -> Option<Found> {
        let (mut affirmed, mut denied, mut fresh) = (0_usize, 0_usize, false);
        for group in &self.groups {
            let seen: Vec<(&Term, bool)> = group
                .iter()
                .filter_map(|term| Some((term, term.denied_in(window)?)))
                .collect();
            fresh |= seen.iter().any(|(term, _)| !term.asked);
            if seen.iter().any(|(_, denied)| !denied) {
                affirmed += 1;
            } else if !seen.is_empty() {
                denied += 1;
            }
        }
        let all = self.groups.len();
        let strength = ratio(affirmed, all);
        let status = if !fresh {
            return None;
        } else if affirmed == all {
            Status::Met
        } else if affirmed + denied == all {
            Status::Wrong
        } else if affirmed > 1 && affirmed * 2 >= all {
            Status::Partial
        } else {
            return None;
        };
        Some(Found { status, strength })
    }
}

fn order(a: Found, b: Found) -> std::cmp::Ordering {
    a.status.cmp(&b.status).then(a.strength.total_cmp(&b.strength))
}

#[expect(clippy::cast_precision_loss, reason = "counts of words in a window are small")]
fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl Way {
    fn read(text: &str, prompt: &[Word]) -> Self {
        let mut kept: Vec<(Word, f64)> = Vec::new();
        for word in words(text).into_iter().filter(|word| word.content) {
            if kept.iter().any(|(held, _)| held.stem == word.stem) {
                continue;
            }
            let asked = prompt.iter().any(|p| p.content && p.stem == word.stem);
            let weight = match (asked, word.number) {
                (true, _) => PROMPT_WORD_WEIGHT,
                (false, true) => NUMBER_WEIGHT,
                (false, false) => 1.0,
            };
            kept.push((word, weight));
        }
        Self { words: kept }
    }

    fn in_window(&self, window: &[Word], flipped_max: f64) -> Option<Found> {
        let (mut shared, mut flipped, mut whole) = (0.0, 0.0, 0.0);
        let (mut common, mut fresh, mut number_missing) = (0_usize, false, false);
        for (word, weight) in &self.words {
            whole += weight;
            let Some(at) = position(window, word) else {
                number_missing |= word.number;
                continue;
            };
            shared += weight;
            common += 1;
            fresh |= *weight > PROMPT_WORD_WEIGHT;
            if is_denied(&window[at]) != is_denied(word) {
                flipped += weight;
            }
        }
        if !fresh || common < COMMON_WORDS_MIN.min(self.words.len()) || flipped > shared * flipped_max {
            return None;
        }
        let strength = shared / whole;
        let status = if strength >= OVERLAP_MET && !number_missing {
            Status::Met
        } else if strength >= OVERLAP_PARTIAL {
            Status::Partial
        } else {
            return None;
        };
        Some(Found { status, strength })
    }
}

fn is_denied(word: &Word) -> bool {
    word.denial == Denial::Denied
}

/// Where the window says the word, by itself or cut in two.
fn position(window: &[Word], word: &Word) -> Option<usize> {
    let said = |w: &Word| w.denial != Denial::Unsaid;
    let alone = window.iter().position(|w| said(w) && same(w, word));
    alone.or_else(|| {
        window
            .windows(2)
            .position(|pair| said(&pair[0]) && same_joined(&pair[0], &pair[1], word))
    })
}

impl Term {
    fn read(text: &str, prompt: &[Word]) -> Option<Self> {
        let all = words(text);
        let denied = all.iter().any(is_negator);
        let content: Vec<Word> = all.iter().filter(|word| word.content).cloned().collect();
        let words = if content.is_empty() { all } else { content };
        let asked = words.iter().all(|word| prompt.iter().any(|p| p.stem == word.stem));
        (!words.is_empty()).then_some(Self { words, denied, asked })
    }

    /// Whether the window says the term (`None`: it does not), and if so whether it says the contrary. An affirmed
    /// sighting goes before a denied one.
    fn denied_in(&self, window: &[Word]) -> Option<bool> {
        let reach = self.words.len() + TERM_GAP_WORDS;
        let mut sighted = None;
        for start in 0..window.len() {
            let near = &window[start..window.len().min(start + reach)];
            let places: Option<Vec<usize>> = self.words.iter().map(|word| position(near, word)).collect();
            let Some(places) = places.filter(|places| places.contains(&0)) else {
                continue;
            };
            let denied = places.iter().any(|&at| is_denied(&near[at]));
            if denied == self.denied {
                return Some(false);
            }
            // A term that asks for a denial ("not modify") and finds none is not denied, only not said.
            if !self.denied {
                sighted = Some(true);
            }
        }
        sighted
    }
}

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
];

#[cfg(test)]
mod tests;
