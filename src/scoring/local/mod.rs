//! The local scorer: no key, no network, the same to the bit for the same input, build and machine. Key points by terms,
//! paraphrases and meaning; where nobody has authored any they are derived, and a calibrated sum of figures gives the
//! score. Must never let words to a grader, names, dialect or the question's own words earn anything.

pub mod features;
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
use features::{Features, RIGHT_MASS, features};
use material::Material;
use points::Found;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use told::Told;
use weights::Weights;

/// Questions whose material is kept read: more than one interview has; beyond it all are read anew.
const MATERIALS_MAX: usize = 64;
/// Longest answer that is read, bytes: half an hour of fast speech. What is beyond earns nothing.
const ANSWER_BYTES_MAX: usize = 32 * 1024;
/// Share of letters outside the Latin alphabet from which a text is of another language.
const OTHER_LETTERS_MIN: f64 = 0.3;
/// Scores are given to this: below it is noise of the last bit.
const SCORE_STEPS: f64 = 10_000.0;

/// Grades by terms, paraphrases and meaning.
pub struct LocalGrader {
    rubric: Rubric,
    embedder: Option<Arc<dyn Embedder>>,
    materials: Mutex<BTreeMap<[u8; 32], Arc<Material>>>,
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
    pub fn figures(&self, input: &GradingInput<'_>) -> (Features, [f64; material::ABOUT]) {
        let held = self.hold(input);
        (features(&held.material, &held.answer), held.material.about)
    }

    fn hold(&self, input: &GradingInput<'_>) -> Held {
        let said = truncated(input.answer);
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
            is_other_script(&kept) || is_other_script(input.reference) || is_other_script(input.question);
        let embedder = self.embedder.as_deref().filter(|_| !language_neutral);
        let answer = Told::read(said, &suspected, embedder);
        let mut flags: Vec<Flag> = suspected
            .into_iter()
            .map(|at| flag(FlagKind::SuspectedInjection, Some(Passage { source: Source::Answer, at })))
            .collect();
        let foreign = [(input.question, Source::Question), (input.reference, Source::Reference)];
        for (text, source) in foreign {
            // Words to a grader in the question's own text instruct nobody; a person should know.
            let found = asides(text, &[], &self.rubric).into_iter();
            flags.extend(found.map(|(at, _)| flag(FlagKind::SuspectedInjection, Some(Passage { source, at }))));
        }
        Held { material: self.material(input, embedder), answer, flags, language_neutral }
    }

    fn material(&self, input: &GradingInput<'_>, embedder: Option<&dyn Embedder>) -> Arc<Material> {
        let mut hash = Sha256::new();
        for text in [input.question, input.reference, input.rubric, if embedder.is_some() { "meaning" } else { "" }] {
            hash.update(text.len().to_le_bytes());
            hash.update(text);
        }
        for point in input.key_points {
            // Terms are not read here.
            for text in std::iter::once(&point.statement).chain(&point.paraphrases) {
                hash.update(text.len().to_le_bytes());
                hash.update(text);
            }
            hash.update(point.weight.to_le_bytes());
            hash.update([u8::from(point.must)]);
        }
        let key: [u8; 32] = hash.finalize().into();
        let known = self.materials.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        known.unwrap_or_else(|| {
            let read = Arc::new(Material::read(input, embedder));
            let mut materials = self.materials.lock().unwrap_or_else(PoisonError::into_inner);
            if materials.len() >= MATERIALS_MAX {
                materials.clear();
            }
            materials.insert(key, Arc::clone(&read));
            read
        })
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

impl Grader for LocalGrader {
    fn grade(&self, input: &GradingInput<'_>) -> Graded {
        let weights = Weights::shipped();
        let mut held = self.hold(input);
        let meaning = held.answer.has_meaning() && held.material.reference.has_meaning();
        let found = points::find(&held.material, &held.answer, weights.shares(meaning));
        let key_points = self.points(input, &held, &found);
        let misconceptions = Self::misconceptions(input, &held);
        let critical = misconceptions.iter().any(|found| input.misconceptions[found.misconception].critical);
        let figures = features(&held.material, &held.answer);
        let authored = input.key_points.iter().any(|point| !point.terms.is_empty());
        let (score01, level, cap) = if authored {
            worth(&key_points, critical, &self.rubric)
        } else {
            let score01 = guarded(weights, &held, &figures, meaning);
            let (level, cap) = capped(score01, &key_points, critical, &self.rubric);
            (score01, level, cap)
        };
        let mut confidence = if authored { weights.confidence.authored } else { weights.confidence.derived };
        for (applies, kind, factor) in marks(weights, &held, &figures, self.embedder.is_some()) {
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
        format!("local {}: key points by terms, paraphrases and meaning ({meaning})", Weights::shipped().version)
    }
}

/// The calibrated score, held down where an answer only looks like one.
fn guarded(weights: &Weights, held: &Held, figures: &Features, meaning: bool) -> f64 {
    if held.material.points.is_empty() || figures.content_words == 0 {
        return 0.0;
    }
    let guard = &weights.guard;
    let mut score = weights.score01(figures, &held.material.about, meaning);
    if repeats_question(weights, figures) {
        score *= figures.own_share / guard.own_share_min;
    }
    score *= (figures.values[RIGHT_MASS] / guard.right_mass_min).min(1.0);
    if lists_terms(weights, held, figures) {
        score *= guard.list_worth;
    }
    score
}

/// Most of the question is said, and hardly anything else. Short answers may well be made of its words.
fn repeats_question(weights: &Weights, figures: &Features) -> bool {
    let guard = &weights.guard;
    figures.asked_share >= guard.asked_share_min && figures.own_share < guard.own_share_min
}

/// Key words without sentences, where the reference is no list itself.
fn lists_terms(weights: &Weights, held: &Held, figures: &Features) -> bool {
    let guard = &weights.guard;
    let words = &held.material.reference.words;
    let prose = told::ratio(words.iter().filter(|word| !word.content).count(), words.len()) >= guard.prose_fillers_min;
    prose && figures.content_words >= guard.list_words_min && figures.filler_share <= guard.list_fillers_max
}

/// What a person should know of this grade, with what it does to how sure the scorer is.
fn marks(weights: &Weights, held: &Held, figures: &Features, embedder: bool) -> [(bool, FlagKind, f64); 6] {
    let sure = &weights.confidence;
    [
        (held.language_neutral, FlagKind::LanguageNeutral, sure.language_neutral),
        (!embedder && !held.language_neutral, FlagKind::WithoutEmbedder, sure.without_meaning),
        (held.material.points.is_empty(), FlagKind::NothingToJudgeBy, 0.0),
        (figures.content_words < weights.guard.short_words, FlagKind::TooShort, sure.short),
        (repeats_question(weights, figures), FlagKind::RepeatsQuestion, 1.0),
        (lists_terms(weights, held, figures), FlagKind::ListsTerms, sure.short),
    ]
}

fn flag(kind: FlagKind, passage: Option<Passage>) -> Flag {
    Flag { kind, passage }
}

fn truncated(text: &str) -> &str {
    let end = (0..=ANSWER_BYTES_MAX.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or(0)]
}

fn is_other_script(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphabetic());
    let (other, all) = letters.fold((0, 0), |(other, all), c| (other + usize::from(c > '\u{24f}'), all + 1));
    told::ratio(other, all) >= OTHER_LETTERS_MIN
}

#[cfg(test)]
mod tests;
