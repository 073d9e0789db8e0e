//! The local scorer: no key, no network, the same to the bit for the same input, build and machine. Key points by terms,
//! paraphrases and meaning; where nobody has authored any they are derived, and a calibrated sum of figures gives the
//! score. Must never let words to a grader, names, dialect or the question's own words earn anything.

pub mod features;
mod idle;
mod known;
pub mod material;
pub mod plain;
pub mod points;
pub mod sense;
pub mod told;
pub mod weights;

use super::asides::asides;
use super::grader::{Flag, FlagKind, Graded, Grader, GradingInput, MisconceptionGraded, Passage, PointGraded, Source};
use super::rubric::Rubric;
use super::worth::{capped, worth};
use crate::embed::Embedder;
use crate::interview::coverage::{Status, cover_points, misstated};
use features::{Features, Kind, RIGHT_MASS, features, kind};
use known::{Known, Materials};
use material::Material;
use points::Found;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use told::Told;
use weights::Weights;

/// Longest answer that is read, bytes: half an hour of fast speech. What is beyond earns nothing.
const ANSWER_BYTES_MAX: usize = 32 * 1024;
/// Longest question, reference and rubric that is read, bytes each: a chapter. Each word of it is held against each of the
/// answer.
const MATERIAL_BYTES_MAX: usize = 16 * 1024;
/// Share of letters outside the Latin alphabet from which a text is of another language.
const OTHER_LETTERS_MIN: f64 = 0.3;
/// How often what is left of an answer is read again without what is idle in it.
const READINGS_MAX: usize = 3;
/// Words in Latin letters on end that are no mere names or terms in a text of another language.
const LATIN_WORDS_MIN: usize = 4;
/// Scores are given to this: below it is noise of the last bit.
const SCORE_STEPS: f64 = 10_000.0;

/// Grades by terms, paraphrases and meaning.
pub struct LocalGrader {
    rubric: Rubric,
    embedder: Option<Arc<dyn Embedder>>,
    materials: Mutex<Materials>,
}

impl std::fmt::Debug for LocalGrader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LocalGrader")
    }
}

/// An answer held against its material, before it is judged.
struct Held {
    material: Arc<Material>,
    answer: Told,
    /// Stretches of the answer as it was given that are not read.
    suspected: Vec<Range<usize>>,
    flags: Vec<Flag>,
    language_neutral: bool,
}

impl LocalGrader {
    /// Without an embedder words alone decide, and every grade says so.
    #[must_use]
    pub fn new(rubric: Rubric, embedder: Option<Arc<dyn Embedder>>) -> Self {
        Self { rubric, embedder, materials: Mutex::default() }
    }

    /// The figures of an answer and of its material, as scores are fitted to them.
    #[must_use]
    pub fn figures(&self, input: &GradingInput<'_>) -> (Features, Kind, [f64; material::ABOUT]) {
        let held = self.hold(&bounded(input));
        (features(&held.material, &held.answer), kind(&held.material, &held.answer), held.material.about)
    }

    fn hold(&self, input: &GradingInput<'_>) -> Held {
        let said = input.answer;
        let statements = input.key_points.iter().map(|point| point.statement.as_str());
        let given: Vec<&str> = [input.question, input.reference, input.rubric].into_iter().chain(statements).collect();
        let suspected: Vec<Range<usize>> = asides(said, &given, &self.rubric).into_iter().map(|(at, _)| at).collect();
        // What is meant for the grader does not make an answer one of another language.
        let kept: String = said
            .char_indices()
            .filter(|(at, _)| !suspected.iter().any(|aside| aside.contains(at)))
            .map(|(_, c)| c)
            .collect();
        let language_neutral =
            is_of_other_script(&kept) || is_other_script(input.reference) || is_other_script(input.question);
        let embedder = self.embedder.as_deref().filter(|_| !language_neutral);
        let answer = Told::read(said, &suspected, embedder);
        let meant = |at: &Range<usize>| Some(Passage { source: Source::Answer, at: at.clone() });
        let mut flags: Vec<Flag> = suspected.iter().map(|at| flag(FlagKind::SuspectedInjection, meant(at))).collect();
        let in_code = input.code.map(|code| asides(code, &[input.question], &self.rubric)).unwrap_or_default();
        let in_code = in_code.into_iter().map(|(at, _)| Passage { source: Source::Code, at });
        flags.extend(in_code.map(|place| flag(FlagKind::SuspectedInjection, Some(place))));
        let known = self.material(input, embedder);
        flags.extend(known.flags);
        Held { material: known.material, answer, suspected, flags, language_neutral }
    }

    /// The answer without these stretches of its plain text.
    fn without(&self, input: &GradingInput<'_>, held: &Held, left_out: &[Range<usize>]) -> Held {
        let mut suspected = held.suspected.clone();
        suspected.extend(left_out.iter().filter_map(|at| held.answer.plain.original(at)));
        let embedder = self.embedder.as_deref().filter(|_| !held.language_neutral);
        let answer = Told::read(input.answer, &suspected, embedder);
        let material = Arc::clone(&held.material);
        Held { material, answer, suspected, flags: Vec::new(), language_neutral: held.language_neutral }
    }

    fn material(&self, input: &GradingInput<'_>, embedder: Option<&dyn Embedder>) -> Known {
        let key = known::key(input, embedder.is_some());
        if let Some(known) = self.materials.lock().unwrap_or_else(PoisonError::into_inner).used(&key) {
            return known;
        }
        // Read without the lock: others may be graded meanwhile.
        let material = Arc::new(Material::read(input, embedder));
        let foreign = [(input.question, Source::Question), (input.reference, Source::Reference)];
        let flagged = foreign.into_iter().flat_map(|(text, source)| {
            // Words to a grader in the question's own text instruct nobody; a person should know.
            let found = asides(text, &[], &self.rubric).into_iter();
            found.map(move |(at, _)| flag(FlagKind::SuspectedInjection, Some(Passage { source, at })))
        });
        let known = Known { material, flags: flagged.collect() };
        self.materials.lock().unwrap_or_else(PoisonError::into_inner).keep(key, known.clone());
        known
    }

    /// The key points with their quotes: what terms and paraphrases show, or else what meaning shows.
    fn points(&self, input: &GradingInput<'_>, held: &Held, found: &[Found]) -> Vec<PointGraded> {
        let by_terms = cover_points(input.question, input.key_points, &held.answer.plain.text);
        let code = input.code.map(|code| super::asides::without_asides(code, &[input.question], &self.rubric));
        let in_code = code.map(|code| cover_points(input.question, input.key_points, &code)).unwrap_or_default();
        let judge = |(at, point): (usize, &material::Point)| {
            let (mut status, mut quote) = (found[at].status, found[at].quote.clone());
            if let Some(terms) = by_terms.get(at) {
                // Authored points are met by what their author foresaw; meaning alone shows them in part.
                status = if held.answer.has_meaning() { status.min(Status::Partial) } else { Status::Missed };
                if terms.status >= status || terms.status == Status::Wrong {
                    (status, quote) = (terms.status, terms.quote.clone());
                }
            }
            let quote = quote.and_then(|at| held.answer.plain.original(&at));
            let mut passage = quote.map(|at| Passage { source: Source::Answer, at });
            if let Some(better) = in_code.get(at).filter(|code| code.status > status) {
                status = better.status;
                passage = better.quote.clone().map(|at| Passage { source: Source::Code, at });
            }
            PointGraded {
                id: point.id.clone(),
                statement: point.statement.clone(),
                weight: point.weight,
                must: point.must,
                // A claim without its words does not count.
                status: if passage.is_none() { Status::Missed } else { status },
                quote: passage.filter(|_| status != Status::Missed),
            }
        };
        held.material.points.iter().enumerate().map(judge).collect()
    }

    fn misconceptions(input: &GradingInput<'_>, held: &Held) -> Vec<MisconceptionGraded> {
        let plain = &held.answer.plain;
        let stated = misstated(input.question, input.misconceptions, &plain.text).into_iter();
        let graded = stated.filter_map(|found| {
            let at = plain.original(&found.quote)?;
            Some(MisconceptionGraded {
                misconception: found.misconception,
                quote: Passage { source: Source::Answer, at },
            })
        });
        graded.collect()
    }
}

/// What an answer is worth by its content.
struct Judged {
    score01: f64,
    level: u8,
    cap: Option<&'static str>,
    key_points: Vec<PointGraded>,
    misconceptions: Vec<MisconceptionGraded>,
}

impl LocalGrader {
    fn judge(&self, input: &GradingInput<'_>, held: &Held) -> Judged {
        let authored = input.key_points.iter().any(|point| !point.terms.is_empty());
        if authored { self.judge_authored(input, held) } else { self.judge_derived(input, held) }
    }

    fn judge_authored(&self, input: &GradingInput<'_>, held: &Held) -> Judged {
        let found = points::find(&held.material, &held.answer, shares(held));
        let key_points = self.points(input, held, &found);
        let misconceptions = Self::misconceptions(input, held);
        let (score01, level, cap) = worth(&key_points, critical(input, &misconceptions), &self.rubric);
        Judged { score01, level, cap, key_points, misconceptions }
    }

    /// The lowest of what the answer earns with and without what is idle in it. What is left is looked at again, because
    /// sentences are read in the light of each other: so an answer to which something idle was added comes to be read as it
    /// was before.
    fn judge_derived(&self, input: &GradingInput<'_>, held: &Held) -> Judged {
        let shares = Weights::shipped().idle(held.has_meaning());
        let ways = held.material.points.iter().flat_map(|point| point.ways.iter().map(|(way, _)| way));
        let given: Vec<&Told> = [&held.material.question, &held.material.reference].into_iter().chain(ways).collect();
        let (mut judged, mut figures, mut found) = self.judge_figures(input, held);
        let mut left: Option<Held> = None;
        for _ in 0..READINGS_MAX {
            let now = left.as_ref().unwrap_or(held);
            let idle = idle::idle(input.answer, &now.answer, &given, &figures, &found, shares);
            if idle.is_empty() {
                break;
            }
            let rest = self.without(input, now, &idle);
            let other;
            (other, figures, found) = self.judge_figures(input, &rest);
            judged.score01 = judged.score01.min(other.score01);
            if other.level < judged.level {
                (judged.level, judged.cap) = (other.level, other.cap);
            }
            left = Some(rest);
        }
        judged
    }

    fn judge_figures(&self, input: &GradingInput<'_>, held: &Held) -> (Judged, Features, Vec<Found>) {
        let found = points::find(&held.material, &held.answer, shares(held));
        let key_points = self.points(input, held, &found);
        let misconceptions = Self::misconceptions(input, held);
        let figures = features(&held.material, &held.answer);
        let score01 = guarded(Weights::shipped(), held, &figures);
        let (level, cap) = capped(score01, &key_points, critical(input, &misconceptions), &self.rubric);
        (Judged { score01, level, cap, key_points, misconceptions }, figures, found)
    }
}

impl Grader for LocalGrader {
    fn grade(&self, whole: &GradingInput<'_>) -> Graded {
        let weights = Weights::shipped();
        let input = &bounded(whole);
        let mut held = self.hold(input);
        let Judged { score01, level, cap, key_points, misconceptions } = self.judge(input, &held);
        let authored = input.key_points.iter().any(|point| !point.terms.is_empty());
        let mut confidence = if authored { weights.confidence.authored } else { weights.confidence.derived };
        let too_long = (input != whole, FlagKind::TooLong, weights.confidence.short);
        for (applies, kind, factor) in marks(weights, &held, self.embedder.is_some()).into_iter().chain([too_long]) {
            if applies {
                held.flags.push(flag(kind, None));
                confidence *= factor;
            }
        }
        if held.flags.iter().any(|flag| flag.kind == FlagKind::SuspectedInjection) {
            confidence *= weights.confidence.flagged;
        }
        let score01 = (score01 * SCORE_STEPS).round() / SCORE_STEPS;
        Graded { score01, level, cap, key_points, misconceptions, confidence, flags: held.flags }
    }

    fn name(&self) -> String {
        let meaning = self.embedder.as_ref().map_or_else(|| "words alone".to_owned(), |embedder| embedder.name());
        format!("local {}: key points by terms, paraphrases and meaning ({meaning})", Weights::name())
    }
}

impl Held {
    /// Whether meaning was read on both sides, not only words.
    fn has_meaning(&self) -> bool {
        self.answer.has_meaning() && self.material.reference.has_meaning()
    }
}

fn shares(held: &Held) -> points::Shares {
    Weights::shipped().shares(held.has_meaning())
}

fn critical(input: &GradingInput<'_>, misconceptions: &[MisconceptionGraded]) -> bool {
    misconceptions.iter().any(|found| input.misconceptions[found.misconception].critical)
}

/// The calibrated score, held down where an answer only looks like one.
fn guarded(weights: &Weights, held: &Held, figures: &Features) -> f64 {
    let kind = kind(&held.material, &held.answer);
    if held.material.points.is_empty() || kind.content_words == 0 {
        return 0.0;
    }
    let guard = &weights.guard;
    let mut score = weights.score01(figures, &held.material.about, held.has_meaning());
    if repeats_question(weights, &kind) {
        score *= kind.own_share / guard.own_share_min;
    }
    score *= (figures.values[RIGHT_MASS] / guard.right_mass_min).min(1.0);
    if lists_terms(weights, held, &kind) {
        score *= guard.list_worth;
    }
    score
}

/// Most of the question is said, and hardly anything else. Short answers may well be made of its words.
fn repeats_question(weights: &Weights, kind: &Kind) -> bool {
    let guard = &weights.guard;
    kind.asked_share >= guard.asked_share_min && kind.own_share < guard.own_share_min
}

/// Key words without sentences, where the reference is no list itself.
fn lists_terms(weights: &Weights, held: &Held, kind: &Kind) -> bool {
    let guard = &weights.guard;
    let words = &held.material.reference.words;
    let prose = told::ratio(words.iter().filter(|word| !word.content).count(), words.len()) >= guard.prose_fillers_min;
    prose && kind.content_words >= guard.list_words_min && kind.filler_share <= guard.list_fillers_max
}

/// What a person should know of this grade, with what it does to how sure the scorer is.
fn marks(weights: &Weights, held: &Held, embedder: bool) -> [(bool, FlagKind, f64); 6] {
    let sure = &weights.confidence;
    let kind = kind(&held.material, &held.answer);
    [
        (held.language_neutral, FlagKind::LanguageNeutral, sure.language_neutral),
        (!embedder && !held.language_neutral, FlagKind::WithoutEmbedder, sure.without_meaning),
        (held.material.points.is_empty(), FlagKind::NothingToJudgeBy, 0.0),
        (kind.content_words < weights.guard.short_words, FlagKind::TooShort, sure.short),
        (repeats_question(weights, &kind), FlagKind::RepeatsQuestion, 1.0),
        (lists_terms(weights, held, &kind), FlagKind::ListsTerms, sure.short),
    ]
}

fn flag(kind: FlagKind, passage: Option<Passage>) -> Flag {
    Flag { kind, passage }
}

/// What is read of an input: of texts that nobody writes for one question, the beginning.
fn bounded<'a>(input: &GradingInput<'a>) -> GradingInput<'a> {
    let material = |text| truncated(text, MATERIAL_BYTES_MAX);
    GradingInput {
        question: material(input.question),
        reference: material(input.reference),
        rubric: material(input.rubric),
        answer: truncated(input.answer, ANSWER_BYTES_MAX),
        ..*input
    }
}

fn truncated(text: &str, bytes_max: usize) -> &str {
    let end = (0..=bytes_max.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or(0)]
}

/// Whether an answer is of another language. One that says something in Latin letters is not, whatever else stands in it:
/// a sentence in others would change how all the rest is judged.
fn is_of_other_script(answer: &str) -> bool {
    let (mut run, mut longest) = (0, 0);
    for word in answer.split_whitespace().filter(|word| word.contains(char::is_alphabetic)) {
        run = if is_other_script(word) { 0 } else { run + 1 };
        longest = longest.max(run);
    }
    longest < LATIN_WORDS_MIN && is_other_script(answer)
}

fn is_other_script(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphabetic());
    let (other, all) = letters.fold((0, 0), |(other, all), c| (other + usize::from(c > '\u{24f}'), all + 1));
    told::ratio(other, all) >= OTHER_LETTERS_MIN
}

#[cfg(test)]
mod tests;
