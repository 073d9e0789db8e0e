//! What a CV proposes: the fields, and where each was read. Must never hold a field without its place.

use super::dates::Month;
use super::sections::{Line, lines};
use super::suspected::suspected;
use super::{QUOTE_CHARS_MAX, contact, education, technologies, work};
use crate::interview::question::Level;
use chrono::{DateTime, Datelike, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Path of the lines that seem to instruct a reader, numbered as `suspected_injection[0]`.
pub const SUSPECTED: &str = "suspected_injection";

/// Where a field stands in the CV.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Place {
    /// From 1.
    pub page: u32,
    /// Within the page, from 1.
    pub line: u32,
    /// The line's words.
    #[schema(example = "Senior Back-end Engineer, Acme")]
    pub quote: String,
}

impl Place {
    fn of(line: &Line) -> Self {
        Self { page: line.page, line: line.number, quote: line.text.chars().take(QUOTE_CHARS_MAX).collect() }
    }
}

/// What was read.
#[derive(Clone, PartialEq, Debug)]
pub struct Proposal {
    pub job_position: String,
    pub experience_level: Option<Level>,
    pub tech_stack: Vec<String>,
    /// Fields as JSON Resume names them.
    pub resume: Value,
    pub provenance: BTreeMap<String, Place>,
}

/// Places of fields, by path: `work[0].position`.
#[derive(Debug, Default)]
pub struct Fields(BTreeMap<String, Place>);

impl Fields {
    pub fn note(&mut self, path: String, line: &Line) {
        self.0.insert(path, Place::of(line));
    }
}

/// Reads a CV's text, whose pages are parted by form feeds, as of `now`.
#[must_use]
pub fn read(text: &str, now: DateTime<Utc>) -> Proposal {
    let lines = lines(text);
    let mut fields = Fields::default();
    let basics = contact::read(&lines, &mut fields);
    let jobs = work::jobs(&lines);
    let latest = work::latest(&jobs);
    let label = basics.get("label").and_then(Value::as_str).map(str::to_owned);
    let position = latest.and_then(|job| Some((job.position.clone()?, &job.line)));
    let now = Month { year: now.year(), month: Some(now.month()) };
    let stated = position.as_ref().and_then(|(title, _)| work::stated_level(title));
    let stated = stated.or_else(|| label.as_deref().and_then(work::stated_level));
    let level = stated.or_else(|| work::level_by_time(&jobs, now));
    let by_label = fields.0.get("basics.label").cloned();
    let place = position.as_ref().map(|(_, line)| Place::of(line)).or(by_label);
    if let Some(place) = place.clone() {
        fields.0.insert("job_position".to_owned(), place);
    }
    if let (Some(_), Some(place)) = (level, place.or_else(|| jobs.first().map(|job| Place::of(&job.line)))) {
        fields.0.insert("experience_level".to_owned(), place);
    }
    let technologies = technologies::read(&lines);
    for (at, (_, line)) in technologies.iter().enumerate() {
        fields.note(format!("tech_stack[{at}]"), line);
        fields.note(format!("skills[{at}]"), line);
    }
    for (at, line) in suspected(&lines).into_iter().enumerate() {
        fields.note(format!("{SUSPECTED}[{at}]"), line);
    }
    let skills: Vec<Value> = technologies.iter().map(|(name, _)| json!({ "name": name })).collect();
    let resume = json!({
        "basics": basics,
        "work": work::entries(&jobs, &mut fields),
        "education": education::schools(&lines, &mut fields),
        "skills": skills,
        "languages": education::languages(&lines, &mut fields),
    });
    Proposal {
        job_position: position.map(|(title, _)| title).or(label).unwrap_or_default(),
        experience_level: level,
        tech_stack: technologies.into_iter().map(|(name, _)| name.to_owned()).collect(),
        resume,
        provenance: fields.0,
    }
}

#[cfg(test)]
mod tests;
