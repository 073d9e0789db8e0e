//! Where somebody learnt, and which languages they speak. Must never guess what does not stand there.

use super::dates::{self, Month};
use super::proposal::Fields;
use super::sections::{Line, Section, unmarked};
use serde_json::{Map, Value, json};

/// Entries of a list at most: more is no CV.
const ENTRIES_MAX: usize = 20;

const SCHOOLS: &[&str] = &[
    "university",
    "institute",
    "college",
    "school",
    "academy",
    "polytechnic",
    "університет",
    "інститут",
    "коледж",
    "школа",
    "академія",
    "політехніка",
    "технікум",
    "ліцей",
];
const DEGREES: &[&str] = &[
    "bachelor",
    "master",
    "phd",
    "ph.d",
    "b.sc",
    "m.sc",
    "bsc",
    "msc",
    "diploma",
    "degree",
    "бакалавр",
    "магістр",
    "спеціаліст",
    "диплом",
    "аспірант",
];
const LANGUAGES: &[(&str, &[&str])] = &[
    ("English", &["english", "англійська"]),
    ("Ukrainian", &["ukrainian", "українська"]),
    ("German", &["german", "deutsch", "німецька"]),
    ("French", &["french", "французька"]),
    ("Spanish", &["spanish", "іспанська"]),
    ("Polish", &["polish", "польська"]),
    ("Italian", &["italian", "італійська"]),
    ("Portuguese", &["portuguese", "португальська"]),
    ("Russian", &["russian", "російська"]),
    ("Czech", &["czech", "чеська"]),
    ("Dutch", &["dutch", "нідерландська"]),
    ("Turkish", &["turkish", "турецька"]),
    ("Chinese", &["chinese", "mandarin", "китайська"]),
    ("Japanese", &["japanese", "японська"]),
];
const FLUENCY: &[&str] = &[
    "native",
    "fluent",
    "advanced",
    "upper-intermediate",
    "upper intermediate",
    "intermediate",
    "elementary",
    "beginner",
    "basic",
    "a1",
    "a2",
    "b1",
    "b2",
    "c1",
    "c2",
    "рідна",
    "вільно",
    "середній",
    "початковий",
];

/// `education`.
pub fn schools(lines: &[Line], fields: &mut Fields) -> Vec<Value> {
    let mut entries: Vec<Map<String, Value>> = Vec::new();
    for line in lines.iter().filter(|line| line.section == Section::Education) {
        let span = dates::span(&line.text);
        let text = unmarked(span.as_ref().map_or(line.text.as_str(), |span| &span.rest)).to_owned();
        let lower = text.to_lowercase();
        let names = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        let (is_school, is_degree) = (names(SCHOOLS), names(DEGREES));
        let last = entries.last();
        let begins = last.is_none()
            || (is_school && last.is_some_and(|entry| entry.contains_key("institution")))
            || (is_degree && !is_school && last.is_some_and(|entry| entry.contains_key("studyType")))
            || (span.is_some() && last.is_some_and(|entry| entry.contains_key("startDate")));
        if begins {
            if entries.len() == ENTRIES_MAX || !(is_school || is_degree || span.is_some()) {
                continue;
            }
            entries.push(Map::new());
        }
        let at = entries.len() - 1;
        let Some(entry) = entries.last_mut() else { continue };
        let mut put = |name: &str, value: String| {
            if !value.is_empty() && !entry.contains_key(name) {
                fields.note(format!("education[{at}].{name}"), line);
                entry.insert(name.to_owned(), value.into());
            }
        };
        if let Some(span) = span {
            put("startDate", span.start.iso());
            put("endDate", span.end.map(Month::iso).unwrap_or_default());
        }
        let parts: Vec<&str> = text.split([',', '|', '—']).map(str::trim).collect();
        let named = |words: &[&str]| {
            let has = |part: &&&str| words.iter().any(|word| part.to_lowercase().contains(word));
            parts.iter().find(has).map(|part| (*part).to_owned()).unwrap_or_default()
        };
        put("institution", named(SCHOOLS));
        put("studyType", named(DEGREES));
    }
    entries.into_iter().map(Value::Object).collect()
}

/// `languages`: those named under their heading.
pub fn languages(lines: &[Line], fields: &mut Fields) -> Vec<Value> {
    let mut entries: Vec<Value> = Vec::new();
    for line in lines.iter().filter(|line| line.section == Section::Languages) {
        for part in line.text.split([',', ';', '|', '•']) {
            let lower = part.to_lowercase();
            let known = LANGUAGES.iter().find(|(_, names)| names.iter().any(|name| lower.contains(name)));
            let Some((language, _)) = known else { continue };
            if entries.len() == ENTRIES_MAX || entries.iter().any(|entry| entry["language"] == *language) {
                continue;
            }
            let fluency = FLUENCY.iter().find(|word| {
                let is_code = word.len() == 2;
                lower.split(|c: char| !c.is_alphanumeric()).any(|own| own == **word)
                    || (!is_code && lower.contains(**word))
            });
            fields.note(format!("languages[{}]", entries.len()), line);
            entries.push(json!({ "language": language, "fluency": fluency }));
        }
    }
    entries
}
