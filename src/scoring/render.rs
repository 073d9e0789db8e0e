//! The report as one self-contained page that reads in two minutes and prints well. No script: quotes link to their
//! moment of the recording by a media fragment. Must never compute a score.

use super::chart;
use super::language::{say, say_with};
use super::report::{Estimate, OverrideNote, QuestionResult, Quote, Report};
use super::variants::{FeedbackDocument, PointFeedback, QuestionFeedback};
use crate::interview::coverage::Status;
use askama::Template;

/// Where the recording is to be heard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recording {
    /// With whatever token its reader needs.
    pub url: String,
    /// Where on the session's clock its first sample lies, ms.
    pub start_ms: u64,
}

/// The report as HTML.
///
/// # Errors
/// Never in practice: the template writes to memory.
pub fn html(report: &Report, recording: Option<&Recording>) -> Result<String, askama::Error> {
    Page { report, recording, style: STYLE }.render()
}

/// The candidate's feedback as HTML.
///
/// # Errors
/// Never in practice: the template writes to memory.
pub fn feedback_html(feedback: &FeedbackDocument) -> Result<String, askama::Error> {
    FeedbackPage { feedback, style: STYLE }.render()
}

const STYLE: &str = include_str!("../../templates/report.css");

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    recording: Option<&'a Recording>,
    style: &'static str,
}

#[derive(Template)]
#[template(path = "feedback.html")]
struct FeedbackPage<'a> {
    feedback: &'a FeedbackDocument,
    style: &'static str,
}

impl FeedbackPage<'_> {
    fn say<'a>(&self, english: &'a str) -> &'a str {
        say(&self.feedback.interview.language, english)
    }

    fn say_with(&self, english: &str, value: &str) -> String {
        say_with(&self.feedback.interview.language, english, &[value])
    }

    /// What was right, and what to study: each with its look and its title.
    fn sides(question: &QuestionFeedback) -> [(&'static str, &'static str, &[PointFeedback]); 2] {
        [("met", "Right", &question.right), ("partial", "To study", &question.study)]
    }
}

/// A key point's status, for a person to read.
#[must_use]
pub fn words_of(status: Status) -> &'static str {
    match status {
        Status::Met => "met",
        Status::Partial => "partial",
        Status::Missed => "missed",
        Status::Wrong => "wrong",
    }
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
        self.report.summary.recommendation.words()
    }

    fn estimates(&self) -> [(&'static str, &Estimate); 3] {
        let summary = &self.report.summary;
        [("Overall", &summary.overall), ("Technical", &summary.technical), ("Soft skills", &summary.soft_skills)]
    }

    fn profile(&self) -> String {
        chart::profile(self.report).svg("profile")
    }

    fn timeline(&self) -> String {
        chart::timeline(self.report).svg("timeline")
    }

    fn tone(level: &Option<u8>) -> &'static str {
        match level {
            Some(4..) => "good",
            Some(3) => "fair",
            Some(0..=2) => "poor",
            None => "none",
        }
    }

    fn verdict_of(question: &QuestionResult) -> String {
        question.verdict()
    }

    fn level_words(level: &Option<u8>) -> String {
        level.map_or_else(|| "no level".to_owned(), |level| format!("level {level}"))
    }

    fn short(question: &QuestionResult) -> String {
        question.in_short()
    }

    fn account(question: &QuestionResult) -> String {
        question.account()
    }

    fn changes<'r>(report: &'r Report, question: &QuestionResult) -> Vec<&'r OverrideNote> {
        report.overrides.iter().filter(|change| change.question_id == question.id).collect()
    }

    fn times(count: &u32) -> String {
        if *count == 1 { "once".to_owned() } else { format!("{count} times") }
    }

    fn percentage(share: &f64) -> String {
        format!("{:.0}", share * 100.0)
    }

    fn ms(value: &Option<u64>) -> String {
        value.map_or_else(|| "\u{2013}".to_owned(), |ms| ms.to_string())
    }

    fn status(status: &Status) -> &'static str {
        words_of(*status)
    }

    fn score(score: &Option<f64>) -> String {
        score.as_ref().map_or_else(|| "\u{2013}".to_owned(), Self::tenth)
    }

    fn tenth(score: &f64) -> String {
        format!("{score:.1}")
    }

    fn reason(estimate: &Estimate) -> &str {
        estimate.reason.as_deref().unwrap_or_default()
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
    use super::{Recording, html};
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
    }

    #[test]
    fn without_recording_or_scores_it_is_still_a_page() {
        let mut facts = rehearsed();
        facts.turns.clear();
        let page = html(&report(&facts), None).expect("a page");
        assert!(!page.contains("<audio") && page.contains("too little to judge by") && page.contains("not answered"));
    }
}
