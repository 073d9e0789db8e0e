//! The report as one self-contained page that reads in two minutes and prints well. No script: quotes link to their
//! moment of the recording by a media fragment. Must never compute a score.

use super::chart;
use super::language::{MADE, retold, say, say_with};
use super::report::{ArtifactRef, Estimate, Fault, OverrideNote, QuestionResult, Quote, Report};
use super::variants::{FeedbackDocument, PointFeedback, QuestionFeedback};
use super::wording;
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

/// The report as HTML, in the reader's language; what was asked and said stays in its own.
///
/// # Errors
/// Never in practice: the template writes to memory.
pub fn html(report: &Report, recording: Option<&Recording>, language: &str) -> Result<String, askama::Error> {
    Page { report, recording, language, style: STYLE }.render()
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
    language: &'a str,
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

    fn say<'s>(&self, english: &'s str) -> &'s str {
        say(self.language, english)
    }

    fn one(&self, english: &str, value: &str) -> String {
        say_with(self.language, english, &[value])
    }

    /// A sentence of the document.
    fn retold(&self, english: &str) -> String {
        retold(self.language, english)
    }

    fn verdict(&self) -> &str {
        self.say(self.report.summary.recommendation.words())
    }

    fn estimates(&self) -> [(&str, &Estimate); 3] {
        let summary = &self.report.summary;
        [
            (self.say("Overall"), &summary.overall),
            (self.say("Technical"), &summary.technical),
            (self.say("Soft skills"), &summary.soft_skills),
        ]
    }

    /// What a bar shows, for who cannot see it.
    fn bar_label(&self, score: &f64, [low, high]: &[f64; 2]) -> String {
        let values = [score, low, high].map(|value| format!("{value:.1}"));
        say_with(self.language, "{} of 5, 90 % interval {} to {}", &values.each_ref().map(String::as_str))
    }

    fn interval(&self, [low, high]: &[f64; 2]) -> String {
        say_with(self.language, "90 %: {} to {} of 5", &[&format!("{low:.1}"), &format!("{high:.1}")])
    }

    fn mean(&self, estimate: &Estimate) -> String {
        let (mean, questions) = (Self::score(&estimate.level_mean), estimate.questions.to_string());
        say_with(self.language, "mean level {}, questions: {}", &[&mean, &questions])
    }

    fn profile(&self) -> String {
        chart::profile(self.report, self.language).svg("profile")
    }

    fn timeline(&self) -> String {
        chart::timeline(self.report, self.language).svg("timeline")
    }

    fn tone(level: &Option<u8>) -> &'static str {
        match level {
            Some(4..) => "good",
            Some(3) => "fair",
            Some(0..=2) => "poor",
            None => "none",
        }
    }

    fn verdict_of(&self, question: &QuestionResult) -> String {
        question.verdict(self.language)
    }

    fn level_words(&self, level: &Option<u8>) -> String {
        let named = |level: &u8| self.one("level {}", &level.to_string());
        level.as_ref().map_or_else(|| self.say("no level").to_owned(), named)
    }

    fn changes_told(&self) -> String {
        self.one("Levels changed by a person: {}", &self.report.overrides.len().to_string())
    }

    /// Who changed what to what, and why.
    fn changed(&self, change: &OverrideNote) -> String {
        let values = [&change.by, &self.level_words(&change.from), &self.level_words(&change.to), &change.reason];
        say_with(self.language, "{} changed {} to {}: {}", &values.map(String::as_str))
    }

    fn fault(&self, fault: &Fault) -> String {
        let (kind, at) = (self.say(fault.kind.words()), Self::clock(&fault.start_ms));
        say_with(self.language, "Our fault, {} at {}: {}", &[kind, &at, &self.retold(&fault.detail)])
    }

    fn artifact(&self, artifact: &ArtifactRef) -> String {
        let values = [&artifact.question_id, &artifact.language, &artifact.version.to_string()];
        say_with(self.language, "{}, {}, version {}", &values.map(String::as_str))
    }

    fn short(&self, question: &QuestionResult) -> String {
        question.in_short(self.language)
    }

    fn account(&self, question: &QuestionResult) -> String {
        question.account(self.language)
    }

    fn conversation(&self) -> String {
        wording::conversation(&self.report.delivery, self.language)
    }

    fn made(&self) -> &str {
        self.say(MADE)
    }

    fn provenance(&self) -> [String; 2] {
        wording::provenance(self.report, self.language)
    }

    fn consent(&self) -> String {
        wording::consent(self.report, self.language)
    }

    fn changes<'r>(report: &'r Report, question: &QuestionResult) -> Vec<&'r OverrideNote> {
        report.overrides.iter().filter(|change| change.question_id == question.id).collect()
    }

    fn ms(value: &Option<u64>) -> String {
        value.map_or_else(|| "\u{2013}".to_owned(), |ms| ms.to_string())
    }

    /// The status's look, and its word.
    fn status(status: &Status) -> &'static str {
        words_of(*status)
    }

    fn status_word(&self, status: &Status) -> &str {
        self.say(words_of(*status))
    }

    fn score(score: &Option<f64>) -> String {
        score.as_ref().map_or_else(|| "\u{2013}".to_owned(), Self::tenth)
    }

    fn tenth(score: &f64) -> String {
        format!("{score:.1}")
    }

    fn reason(&self, estimate: &Estimate) -> String {
        self.retold(estimate.reason.as_deref().unwrap_or_default())
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
        let page = html(&report, Some(&recording), "en").expect("a page");
        assert!(page.contains("Back end &#60;middle&#62; &#38; more") && !page.contains("<script"));
        assert!(!page.contains("style=") && !page.contains("javascript:"));
        let quote = report.questions[0].key_points[0].quote.clone().expect("a quote");
        let start = quote.start_ms.expect("said") - 500;
        assert!(page.contains(&format!("/r.wav?access_token=a&#38;b#t={}.{:03},", start / 1000, start % 1000)));
        for text in ["Strengths", "Gaps", "Holds that: ", "90 %", "A good answer:", "Feedback for the candidate"] {
            assert!(page.contains(text), "{text}");
        }
        assert_eq!(page.matches("class=\"question\"").count(), report.questions.len());
        let ukrainian = html(&report, Some(&recording), "uk").expect("a page");
        assert!(ukrainian.contains("lang=\"uk\""));
        for text in ["Сильні сторони", "Прогалини", "Вважає, що: ", "90 % інтервал", "Відгук для кандидата"]
        {
            assert!(ukrainian.contains(text), "{text}");
        }
        // What was asked and said stays in its own language, and nothing of ours does.
        assert!(ukrainian.contains(&quote.text.replace('\'', "&#39;")));
        for text in ["Strengths", "Key point<", "Weight", "90 % interval", "The conversation"] {
            assert!(page.contains(text) && !ukrainian.contains(text), "{text}");
        }
    }

    #[test]
    fn without_recording_or_scores_it_is_still_a_page() {
        let mut facts = rehearsed();
        facts.turns.clear();
        let page = html(&report(&facts), None, "en").expect("a page");
        assert!(!page.contains("<audio") && page.contains("too little to judge by") && page.contains("not answered"));
    }
}
