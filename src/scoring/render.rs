//! The report as one self-contained page that reads in two minutes and prints well. No script: quotes link to their
//! moment of the recording by a media fragment. Must never compute a score.

use super::report::{Quote, ReasonedScore, Recommendation, Report};
use crate::interview::coverage::Status;
use askama::Template;
use serde::Deserialize;
use serde_json::Value;

/// Where the recording is to be heard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recording {
    /// With whatever token its reader needs.
    pub url: String,
    /// Where on the session's clock its first sample lies, ms.
    pub start_ms: u64,
}

/// Why a stored report cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// Of another version, or damaged.
    #[error("the document is no report of this version: {0}")]
    Document(#[from] serde_json::Error),
    #[error(transparent)]
    Template(#[from] askama::Error),
}

/// A stored report as HTML.
///
/// # Errors
/// [`RenderError::Document`] when it is of another version.
pub fn html_of(document: &Value, recording: Option<&Recording>) -> Result<String, RenderError> {
    Ok(html(&Report::deserialize(document)?, recording)?)
}

/// The report as HTML.
///
/// # Errors
/// Never in practice: the template writes to memory.
pub fn html(report: &Report, recording: Option<&Recording>) -> Result<String, askama::Error> {
    Page { report, recording, style: STYLE }.render()
}

const STYLE: &str = include_str!("../../templates/report.css");

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    recording: Option<&'a Recording>,
    style: &'static str,
}

/// A moment of the recording.
struct Moment {
    url: String,
    time: String,
}

impl Page<'_> {
    fn moment(&self, quote: &Quote) -> Option<Moment> {
        let (recording, start, end) = (self.recording?, quote.start_ms?, quote.end_ms?);
        let at = |ms: u64| {
            let ms = ms.saturating_sub(recording.start_ms);
            format!("{}.{:03}", ms / 1000, ms % 1000)
        };
        let url = format!("{}#t={},{}", recording.url, at(start), at(end));
        Some(Moment { url, time: Self::clock(&start) })
    }

    fn verdict(&self) -> &'static str {
        match self.report.summary.recommendation {
            Recommendation::StrongYes => "Strong yes",
            Recommendation::Yes => "Yes",
            Recommendation::Inconclusive => "Inconclusive: a person decides",
            Recommendation::No => "No",
            Recommendation::StrongNo => "Strong no",
        }
    }

    fn status(status: &Status) -> &'static str {
        match status {
            Status::Met => "met",
            Status::Partial => "partial",
            Status::Missed => "missed",
            Status::Wrong => "wrong",
        }
    }

    fn score(score: &Option<f64>) -> String {
        score.as_ref().map_or_else(|| "\u{2013}".to_owned(), Self::tenth)
    }

    fn tenth(score: &f64) -> String {
        format!("{score:.1}")
    }

    fn reason(score: &ReasonedScore) -> &str {
        score.reason.as_deref().unwrap_or("of 5")
    }

    /// Minutes and seconds.
    fn clock(ms: &u64) -> String {
        format!("{}:{:02}", ms / 60_000, ms / 1000 % 60)
    }

    /// Place of a score on the scale of 1 to 5.
    fn percent(score: &f64) -> f64 {
        ((score - 1.0) * 25.0).clamp(0.0, 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Recording, html, html_of};
    use crate::scoring::evaluate::tests::{rehearsed, report};

    #[test]
    fn the_page_says_it_all_and_links_quotes_to_their_moment() {
        let mut facts = rehearsed();
        facts.interview.title = "Back end <middle> & more".into();
        facts.turns[0].text += " <script>alert(1)</script>";
        let recording = Recording { url: "/r.wav?access_token=a&b".into(), start_ms: 500 };
        let report = report(&facts);
        let page = html(&report, Some(&recording)).expect("a page");
        assert!(page.contains("Back end &#60;middle&#62; &#38; more") && !page.contains("<script"));
        assert!(!page.contains("style=") && !page.contains("javascript:"));
        let quote = report.questions[0].key_points[0].quote.clone().expect("a quote");
        let start = quote.start_ms.expect("said") - 500;
        assert!(page.contains(&format!("/r.wav?access_token=a&#38;b#t={}.{:03},", start / 1000, start % 1000)));
        for text in ["Strengths", "Gaps", "Holds that: ", "90 %", "A good answer:", "Feedback for the candidate"] {
            assert!(page.contains(text), "{text}");
        }
        assert_eq!(page.matches("class=\"question\"").count(), report.questions.len());
        let stored = serde_json::to_value(&report).expect("JSON");
        assert_eq!(html_of(&stored, Some(&recording)).expect("a page"), page);
        assert!(html_of(&serde_json::json!({"version": 99}), None).is_err());
    }

    #[test]
    fn without_recording_or_scores_it_is_still_a_page() {
        let mut facts = rehearsed();
        facts.turns.clear();
        let page = html(&report(&facts), None).expect("a page");
        assert!(!page.contains("<audio") && page.contains("Too little evidence") && page.contains("not answered"));
    }
}
