//! Where somebody worked, as what and how long. An entry begins with a span of time. Must never take a word of praise for
//! a rank: the level follows from titles and years.

use super::contact::is_title;
use super::dates::{self, Month, Span};
use super::proposal::Fields;
use super::sections::{Line, Section, is_bullet, unmarked};
use crate::interview::question::Level;
use serde_json::{Map, Value};

/// Entries at most: more is no CV.
const ENTRIES_MAX: usize = 40;
/// Lines of one entry that make its summary, at most.
const SUMMARY_LINES_MAX: usize = 12;
/// Words of a line that can be a header at most; more are prose.
const HEADER_WORDS_MAX: usize = 14;
/// From so many months of work on, somebody who names no rank counts as middle, as senior.
const MIDDLE_MONTHS: u32 = 24;
const SENIOR_MONTHS: u32 = 60;

/// A place of work.
#[derive(Clone, PartialEq, Debug)]
pub struct Job {
    pub position: Option<String>,
    pub name: Option<String>,
    pub span: Span,
    /// The line with the span.
    pub line: Line,
    /// Where position and name stand.
    header: Line,
    summary: Vec<Line>,
}

/// The places of work, in the order of the CV.
pub fn jobs(lines: &[Line]) -> Vec<Job> {
    let lines: Vec<&Line> = lines.iter().filter(|line| line.section == Section::Work).collect();
    let dated: Vec<(usize, Span)> = lines
        .iter()
        .enumerate()
        .filter_map(|(at, line)| Some((at, dates::span(&line.text)?)))
        .take(ENTRIES_MAX)
        .collect();
    let mut jobs = Vec::with_capacity(dated.len());
    // The first line that no entry has taken yet.
    let mut free = 0;
    for (number, (at, span)) in dated.iter().enumerate() {
        let next = dated.get(number + 1).map_or(lines.len(), |(next, _)| *next);
        let mut header: Vec<(&Line, String)> = Vec::new();
        for &line in &lines[free.max(at.saturating_sub(2))..*at] {
            // What is listed, or is a sentence, belongs to the entry before.
            if !is_bullet(&line.text) && is_header(&line.text) {
                header.push((line, line.text.clone()));
            } else {
                header.clear();
            }
        }
        if has_letters(&span.rest) {
            // What stands on the line itself says it; a line above only adds what is missing.
            header.push((lines[*at], span.rest.clone()));
            header.reverse();
        }
        let mut taken = at + 1;
        let is_whole = |header: &[(&Line, String)]| {
            let parts: usize = header.iter().map(|(_, text)| parts(text).len()).sum();
            parts >= 2 && header.iter().any(|(_, text)| is_title(text))
        };
        while !is_whole(&header)
            && taken < next.min(at + 3)
            && !is_bullet(&lines[taken].text)
            && is_header(&lines[taken].text)
        {
            header.push((lines[taken], lines[taken].text.clone()));
            taken += 1;
        }
        let all: Vec<(&Line, String)> =
            header.iter().flat_map(|(line, text)| parts(text).into_iter().map(move |part| (*line, part))).collect();
        let position = all.iter().find(|(_, part)| is_title(part));
        let name = all.iter().find(|(_, part)| !is_title(part));
        // Lines just before the next span may be its header.
        let summary_end = if next < lines.len() { header_begin(&lines, taken, next) } else { next };
        free = summary_end.max(taken);
        let summary = lines[taken.min(summary_end)..summary_end].iter().take(SUMMARY_LINES_MAX);
        jobs.push(Job {
            position: position.map(|(_, part)| part.clone()),
            name: name.map(|(_, part)| part.clone()),
            span: span.clone(),
            line: lines[*at].clone(),
            header: position.or(name).map_or(lines[*at], |(line, _)| *line).clone(),
            summary: summary.map(|line| (*line).clone()).collect(),
        });
    }
    jobs
}

/// Where the header before `next` begins, not before `from`.
fn header_begin(lines: &[&Line], from: usize, next: usize) -> usize {
    if dates::span(&lines[next].text).is_some_and(|span| parts(&span.rest).len() >= 2) {
        return next;
    }
    let own = |at: usize| !is_bullet(&lines[at].text) && is_header(&lines[at].text);
    let mut begin = next;
    while begin > from && next - begin < 2 && own(begin - 1) {
        begin -= 1;
    }
    begin
}

fn is_header(text: &str) -> bool {
    text.split_whitespace().count() <= HEADER_WORDS_MAX && !text.ends_with(['.', ';', ':'])
}

fn has_letters(text: &str) -> bool {
    text.chars().filter(|c| c.is_alphabetic()).count() >= 3
}

/// What stands between the signs of a header: "Engineer, Acme | Kyiv".
fn parts(text: &str) -> Vec<String> {
    let text = [" at ", " @ ", " — ", " – ", " - ", " · ", "|", " / ", ","]
        .iter()
        .fold(text.to_owned(), |text, sign| text.replace(sign, "\n"));
    text.lines().map(|part| unmarked(part).to_owned()).filter(|part| has_letters(part)).collect()
}

/// `work`.
pub fn entries(jobs: &[Job], fields: &mut Fields) -> Vec<Value> {
    let entry = |(at, job): (usize, &Job)| {
        let mut entry = Map::new();
        let mut put = |name: &str, value: Option<String>, line: &Line| {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                fields.note(format!("work[{at}].{name}"), line);
                entry.insert(name.to_owned(), value.into());
            }
        };
        put("name", job.name.clone(), &job.header);
        put("position", job.position.clone(), &job.header);
        put("startDate", Some(job.span.start.iso()), &job.line);
        put("endDate", job.span.end.map(Month::iso), &job.line);
        if let Some(first) = job.summary.first() {
            let text: Vec<&str> = job.summary.iter().map(|line| unmarked(&line.text)).collect();
            put("summary", Some(text.join(" ")), first);
        }
        Value::Object(entry)
    };
    jobs.iter().enumerate().map(entry).collect()
}

/// The job that somebody has, or had last.
pub fn latest(jobs: &[Job]) -> Option<&Job> {
    let end = |job: &Job| job.span.end.map_or((i32::MAX, 12), |end| (end.year, end.month.unwrap_or(12)));
    jobs.iter().enumerate().max_by_key(|(at, job)| (end(job), std::cmp::Reverse(*at))).map(|(_, job)| job)
}

/// The level that a title states.
pub fn stated_level(title: &str) -> Option<Level> {
    let title = title.to_lowercase();
    let has = |words: &[&str]| title.split(|c: char| !c.is_alphanumeric()).any(|own| words.contains(&own));
    if has(&["senior", "sr", "lead", "principal", "staff", "head", "architect", "cto", "старший", "старша", "керівник"])
    {
        Some(Level::Senior)
    } else if has(&["junior", "jr", "intern", "trainee", "молодший", "молодша", "стажер", "стажерка"])
    {
        Some(Level::Junior)
    } else {
        has(&["middle", "mid"]).then_some(Level::Middle)
    }
}

/// The level that the years at work suggest; none without any.
pub fn level_by_time(jobs: &[Job], now: Month) -> Option<Level> {
    let spans: Vec<Span> = jobs.iter().map(|job| job.span.clone()).collect();
    match dates::months_covered(&spans, now) {
        0 => None,
        months if months < MIDDLE_MONTHS => Some(Level::Junior),
        months if months < SENIOR_MONTHS => Some(Level::Middle),
        _ => Some(Level::Senior),
    }
}
