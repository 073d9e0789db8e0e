//! Banks of questions: reading one, and the rules that a complete item obeys (lengths, weights, probes tied to key
//! points, words that can be spoken, a reference answer that would itself score). Pure: text in, bank or faults out.
//! Must never mend a bank silently.

use super::coverage::{Status, cover, misstatements};
use super::question::{Bank, Category, Level, PROMPT_WORDS_MAX, Question, QuestionKind};
use super::words::words;
use std::collections::BTreeSet;
use std::fmt;

/// The banks inside the program: path below `config/bank/` and text. A test holds this list to the folder.
pub const SHIPPED: &[(&str, &str)] = &[
    ("backend/en.toml", include_str!("../../config/bank/backend/en.toml")),
    ("backend/uk.toml", include_str!("../../config/bank/backend/uk.toml")),
    ("frontend/en.toml", include_str!("../../config/bank/frontend/en.toml")),
    ("frontend/uk.toml", include_str!("../../config/bank/frontend/uk.toml")),
    ("data/en.toml", include_str!("../../config/bank/data/en.toml")),
    ("data/uk.toml", include_str!("../../config/bank/data/uk.toml")),
    ("devops/en.toml", include_str!("../../config/bank/devops/en.toml")),
    ("devops/uk.toml", include_str!("../../config/bank/devops/uk.toml")),
    ("system-design/en.toml", include_str!("../../config/bank/system-design/en.toml")),
    ("system-design/uk.toml", include_str!("../../config/bank/system-design/uk.toml")),
    ("algorithms/en.toml", include_str!("../../config/bank/algorithms/en.toml")),
    ("algorithms/uk.toml", include_str!("../../config/bank/algorithms/uk.toml")),
    ("languages/en.toml", include_str!("../../config/bank/languages/en.toml")),
    ("languages/uk.toml", include_str!("../../config/bank/languages/uk.toml")),
    ("behavioural/en.toml", include_str!("../../config/bank/behavioural/en.toml")),
    ("behavioural/uk.toml", include_str!("../../config/bank/behavioural/uk.toml")),
];

/// Why a text is no usable bank.
#[derive(Debug, thiserror::Error)]
pub enum BankError {
    #[error("the bank cannot be read: {0}")]
    Syntax(#[from] toml::de::Error),
    #[error("the bank breaks its rules: {}", listed(.0))]
    Faults(Vec<Fault>),
}

/// One rule broken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Key of the question, or the category's slug.
    pub place: String,
    pub what: String,
    /// It can be asked and scored all the same, less well. Shipped banks have not even these.
    pub advice: bool,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

fn listed(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; ")
}

/// Reads the banks inside the program. Their rules are not tried again: a test holds every file to them.
///
/// # Errors
/// Only if one of them cannot be read, which that test prevents.
pub fn shipped() -> Result<Vec<Bank>, BankError> {
    SHIPPED.iter().map(|(_, text)| toml::from_str(text).map_err(BankError::Syntax)).collect()
}

impl Bank {
    /// Reads a bank and holds it to its rules.
    ///
    /// # Errors
    /// Says where the text is no bank, or every rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, BankError> {
        let bank: Self = toml::from_str(text)?;
        let faults = bank.check();
        if faults.is_empty() { Ok(bank) } else { Err(BankError::Faults(faults)) }
    }

    /// Every rule that the bank breaks.
    #[must_use]
    pub fn check(&self) -> Vec<Fault> {
        let mut faults = Faults { place: self.category.slug.clone(), found: Vec::new() };
        check_category(&self.category, &mut faults);
        faults.unless((1..=QUESTIONS_MAX).contains(&self.questions.len()), "has no or too many questions");
        for question in &self.questions {
            faults.place.clone_from(&question.key);
            check_question(question, &self.category, &mut faults);
        }
        check_duplicates(&self.questions, &mut faults);
        faults.found
    }

    /// Every rule that one question breaks, beside the others of its bank.
    #[must_use]
    pub fn check_one(&self, question: &Question) -> Vec<Fault> {
        let mut faults = Faults { place: question.key.clone(), found: Vec::new() };
        check_question(question, &self.category, &mut faults);
        let own = stems(question);
        for other in self.questions.iter().filter(|other| other.key != question.key) {
            check_alike(&own, &stems(other), &other.key, &mut faults);
        }
        faults.found
    }

    /// The questions of a level.
    pub fn at(&self, level: Level) -> impl Iterator<Item = &Question> {
        self.questions.iter().filter(move |question| question.level == level)
    }
}

/// Questions in one bank: bounds what one file may cost to check and to plan from.
const QUESTIONS_MAX: usize = 500;
/// Key points of a question: fewer say little, more cannot be said within a time box.
const KEY_POINTS: std::ops::RangeInclusive<usize> = 3..=7;
/// Most key points that are taken at all.
pub const KEY_POINTS_MAX: usize = 12;
/// Most misconceptions, probes, ways of saying and groups of terms: bounds what one answer costs to score.
const LIST_MAX: usize = 40;
/// Fewest probes: an interview asks at most two after one answer.
const PROBES_MIN: usize = 2;
/// Longest probe, words.
const PROBE_WORDS_MAX: usize = 30;
/// Time boxes, s: shorter is no answer, longer is no question.
const TIME_BOX_S: std::ops::RangeInclusive<u32> = 30..=900;
/// Heaviest key point.
pub const WEIGHT_MAX: f64 = 5.0;
/// Longest slug, characters.
const SLUG_CHARS_MAX: usize = 100;
/// Longest text of any field, characters.
const TEXT_CHARS_MAX: usize = 4_000;
/// Share of words in common from which two prompts are the same question.
const DUPLICATE_SHARE: f64 = 0.8;
/// Abbreviations that voices spell out rightly. All others are written as they are spoken.
const SPOKEN_ABBREVIATIONS: [&str; 17] = [
    "HTTP",
    "HTTPS",
    "API",
    "APIs",
    "SQL",
    "URL",
    "CPU",
    "TCP",
    "DNS",
    "ID",
    "CSS",
    "HTML",
    "JSON",
    "TLS",
    "IP",
    "JavaScript",
    "TypeScript",
];

struct Faults {
    place: String,
    found: Vec<Fault>,
}

impl Faults {
    fn unless(&mut self, holds: bool, what: &str) {
        self.note(holds, what, false);
    }

    /// What had better hold.
    fn better(&mut self, holds: bool, what: &str) {
        self.note(holds, what, true);
    }

    fn note(&mut self, holds: bool, what: &str, advice: bool) {
        if !holds {
            self.found.push(Fault { place: self.place.clone(), what: what.to_owned(), advice });
        }
    }
}

impl Category {
    /// Every rule that the category breaks.
    #[must_use]
    pub fn check(&self) -> Vec<Fault> {
        let mut faults = Faults { place: self.slug.clone(), found: Vec::new() };
        check_category(self, &mut faults);
        faults.found
    }
}

fn check_category(category: &Category, faults: &mut Faults) {
    faults.unless(is_slug(&category.slug), "its slug is not lower case letters and hyphens");
    faults.unless(filled(&category.name) && filled(&category.description), "lacks a name or a description");
    faults.unless(filled(&category.system_prompt), "lacks a system prompt");
    let tag = category.language.len() == 2 && category.language.bytes().all(|b| b.is_ascii_lowercase());
    faults.unless(tag, "its language is no two-letter tag");
    let positions = &category.job_positions;
    let named = positions.len() <= LIST_MAX && positions.iter().all(|name| filled(name));
    faults.unless(!positions.is_empty() && named, "names no job position");
    let slugs: BTreeSet<_> = category.competencies.iter().map(|c| c.slug.as_str()).collect();
    let all = slugs.len() == category.competencies.len() && slugs.len() <= LIST_MAX;
    faults.unless(!slugs.is_empty() && all, "competencies lack or repeat");
    for competency in &category.competencies {
        let fine = is_slug(&competency.slug) && filled(&competency.name) && is_weight(competency.weight);
        faults.unless(fine, &format!("competency `{}` is incomplete", competency.slug));
    }
}

fn check_question(question: &Question, category: &Category, faults: &mut Faults) {
    let named = question.key.strip_prefix(&category.slug).and_then(|rest| rest.strip_prefix('.'));
    faults.unless(named.is_some_and(is_slug), "its key is not `category.slug`");
    faults.unless(question.version > 0, "its version is zero");
    let known = category.competencies.iter().any(|c| c.slug == question.competency);
    faults.unless(known, &format!("competency `{}` does not exist", question.competency));
    faults.unless((1..=5).contains(&question.difficulty), "its difficulty is not 1 to 5");
    faults.unless(TIME_BOX_S.contains(&question.time_box_s), "its time box is out of bounds");
    faults.unless(
        (question.kind == QuestionKind::Code) == question.code.is_some(),
        "code question and code task disagree",
    );
    faults.unless(filled(&question.reference_answer), "lacks a reference answer");
    let anchors = &question.anchors;
    faults.unless([&anchors.one, &anchors.three, &anchors.five].into_iter().all(|a| filled(a)), "lacks an anchor");
    let task = question.code.as_ref();
    faults.unless(task.is_none_or(|task| filled(&task.language) && is_text(&task.starter)), "its code task is no text");
    faults.unless(question.twin.as_ref().is_none_or(|twin| filled(twin)), "its twin is no key");
    check_speech(question, faults);
    check_points(question, faults);
    check_scores(question, faults);
}

fn check_speech(question: &Question, faults: &mut Faults) {
    let prompts =
        [("prompt", &question.prompt, PROMPT_WORDS_MAX), ("rephrased", &question.rephrased, PROMPT_WORDS_MAX)];
    let probes = question.probes.iter().map(|probe| ("probe", &probe.text, PROBE_WORDS_MAX));
    for (field, text, words_max) in prompts.into_iter().chain(probes) {
        let count = text.split_whitespace().count();
        faults.unless(filled(text), &format!("{field} is empty or too long"));
        faults.better(count <= words_max, &format!("{field} has {count} words, at most {words_max} are kept in mind"));
        if let Some(odd) = unspeakable(text) {
            faults.better(false, &format!("{field} has `{odd}`, which cannot be spoken"));
        }
    }
}

/// The first piece of a text that a voice would stumble over: symbols, digits, unknown abbreviations.
#[must_use]
pub fn unspeakable(text: &str) -> Option<&str> {
    text.split_whitespace().find(|piece| {
        let odd = |c: char| !(c.is_alphabetic() || ".,;:?!'-\u{2019}\"".contains(c));
        let bare = piece.trim_matches(|c: char| !c.is_alphabetic());
        let capitals = bare.chars().filter(|c| c.is_uppercase()).count();
        piece.contains(odd) || (capitals > 1 && !SPOKEN_ABBREVIATIONS.contains(&bare))
    })
}

fn check_points(question: &Question, faults: &mut Faults) {
    let points = &question.key_points;
    faults.unless((1..=KEY_POINTS_MAX).contains(&points.len()), "has no or far too many key points");
    faults.better(KEY_POINTS.contains(&points.len()), "has too few or too many key points");
    faults.unless(points.iter().any(|point| point.must), "has no key point that counts");
    let ids: BTreeSet<_> = points.iter().map(|point| point.id.as_str()).collect();
    faults.unless(ids.len() == points.len(), "repeats the id of a key point");
    for point in points {
        let told = filled(&point.statement) && are_ways(&point.paraphrases) && are_terms(&point.terms);
        let fine = is_slug(&point.id) && is_weight(point.weight) && told;
        faults.unless(fine, &format!("key point `{}` is incomplete", point.id));
        faults.better(!point.paraphrases.is_empty(), &format!("key point `{}` is said in one way only", point.id));
    }
    let lists_max = question.misconceptions.len().max(question.probes.len());
    faults.unless(lists_max <= LIST_MAX, "has too many misconceptions or probes");
    let wrong: BTreeSet<_> = question.misconceptions.iter().map(|m| m.id.as_str()).collect();
    faults.unless(wrong.len() == question.misconceptions.len(), "repeats the id of a misconception");
    for misconception in &question.misconceptions {
        let told = filled(&misconception.statement) && are_ways(&misconception.paraphrases);
        let fine = is_slug(&misconception.id) && told && are_terms(&misconception.terms);
        faults.unless(fine, &format!("misconception `{}` is incomplete", misconception.id));
        let ways = !misconception.paraphrases.is_empty();
        faults.better(ways, &format!("misconception `{}` is said in one way only", misconception.id));
    }
    faults.better(question.probes.len() >= PROBES_MIN, "has too few probes");
    for probe in &question.probes {
        let tied = ids.contains(probe.key_point.as_str());
        faults.unless(tied, &format!("a probe opens `{}`, which is no key point", probe.key_point));
    }
}

/// The question must be answerable by its own reference, and not by being read back.
fn check_scores(question: &Question, faults: &mut Faults) {
    for covered in cover(question, &question.reference_answer) {
        let point = &question.key_points[covered.key_point];
        let shown = covered.status >= Status::Partial;
        faults.better(shown, &format!("the reference answer does not show `{}`", point.id));
    }
    for claimed in misstatements(question, &question.reference_answer) {
        let id = &question.misconceptions[claimed.misconception].id;
        faults.better(false, &format!("the reference answer states the misconception `{id}`"));
    }
    for covered in cover(question, &question.prompt) {
        let point = &question.key_points[covered.key_point];
        faults.better(covered.status == Status::Missed, &format!("reading the prompt back earns `{}`", point.id));
    }
}

fn check_duplicates(questions: &[Question], faults: &mut Faults) {
    let stems: Vec<BTreeSet<String>> = questions.iter().map(stems).collect();
    for (at, question) in questions.iter().enumerate() {
        faults.place.clone_from(&question.key);
        for (earlier, other) in questions.iter().enumerate().take(at) {
            faults.unless(question.key != other.key, &format!("is the same question as {}", other.key));
            check_alike(&stems[at], &stems[earlier], &other.key, faults);
        }
    }
}

fn stems(question: &Question) -> BTreeSet<String> {
    words(&question.prompt).into_iter().filter(|word| word.content).map(|word| word.stem).collect()
}

fn check_alike(own: &BTreeSet<String>, theirs: &BTreeSet<String>, key: &str, faults: &mut Faults) {
    let (common, all) = (own.intersection(theirs).count(), own.union(theirs).count());
    let alike = f64::from(u32::try_from(common).unwrap_or(u32::MAX))
        >= DUPLICATE_SHARE * f64::from(u32::try_from(all).unwrap_or(u32::MAX));
    faults.better(!alike, &format!("is the same question as {key}"));
}

fn filled(text: &str) -> bool {
    !text.trim().is_empty() && is_text(text)
}

fn is_text(text: &str) -> bool {
    text.chars().count() <= TEXT_CHARS_MAX && !text.chars().any(|c| c.is_control() && !"\n\r\t".contains(c))
}

fn are_ways(ways: &[String]) -> bool {
    ways.len() <= LIST_MAX && ways.iter().all(|way| filled(way))
}

fn is_slug(text: &str) -> bool {
    let long = (1..=SLUG_CHARS_MAX).contains(&text.len()) && !text.starts_with('-');
    long && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_weight(weight: f64) -> bool {
    weight > 0.0 && weight <= WEIGHT_MAX
}

fn are_terms(groups: &[String]) -> bool {
    groups.len() <= LIST_MAX
        && groups.iter().all(|group| is_text(group))
        && groups.iter().all(|group| group.split('|').all(|term| !words(term).is_empty()))
}

#[cfg(test)]
mod tests;
