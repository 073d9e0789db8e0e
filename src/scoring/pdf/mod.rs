//! The report and the candidate's feedback as PDF: text that can be selected and searched, in Latin and Cyrillic. Says
//! what the page says, in the same order. Must never compute a score.

mod face;
mod flow;

use super::chart;
use super::language::{MADE, retold, say, say_with};
use super::render::words_of;
use super::report::{Estimate, QuestionResult, Quote, Recommendation, Report};
use super::variants::{FeedbackDocument, PointFeedback};
use super::wording;
use crate::interview::coverage::Status;
use chart::Ink;
use flow::{Flow, Span, WIDTH, bold, italic, plain, soft};

pub use flow::PdfError;

/// Of running text, points.
const BODY: f32 = 9.5;
/// Of tables and notes.
const SMALL: f32 = 8.5;

/// The report, in the reader's language; what was asked and said stays in its own.
///
/// # Errors
/// [`PdfError`] when it could not be written; never in practice.
pub fn report(report: &Report, language: &str) -> Result<Vec<u8>, PdfError> {
    let mut flow = Flow::new(format!("Vivavoce report \u{b7} {}", report.interview.id));
    opening(&mut flow, report, language);
    findings(&mut flow, report, language);
    competencies(&mut flow, report, language);
    at_a_glance(&mut flow, report, language);
    flow.heading(say(language, "The evidence, question by question"));
    for question in &report.questions {
        evidence(&mut flow, report, question, language);
    }
    code(&mut flow, report, language);
    changes(&mut flow, report, language);
    flow.heading(say(language, "Feedback for the candidate"));
    flow.paragraph(&[plain(report.feedback.text.clone())], BODY);
    topics(&mut flow, language, &report.feedback.topics);
    conversation(&mut flow, report, language);
    small_print(&mut flow, report, language);
    flow.finish(say_with(language, "Report: {}", &[&report.interview.title]), language.to_owned())
}

/// What the candidate takes home.
///
/// # Errors
/// [`PdfError`] when it could not be written; never in practice.
pub fn feedback(document: &FeedbackDocument) -> Result<Vec<u8>, PdfError> {
    let interview = &document.interview;
    let language = interview.language.as_str();
    let mut flow = Flow::new(format!("Vivavoce feedback \u{b7} {}", interview.id));
    flow.paragraph(&[bold(say_with(language, "Feedback: {}", &[&interview.title]))], 17.0);
    flow.paragraph(&[soft(format!("{} \u{b7} {}", interview.job_position, interview.category))], SMALL);
    flow.gap(6.0);
    flow.paragraph(&[plain(document.text.clone())], BODY);
    topics(&mut flow, language, &document.topics);
    flow.heading(say(language, "Question by question"));
    for question in &document.questions {
        flow.need(60.0);
        flow.paragraph(&[bold(format!("{}. {}", question.number, question.text))], 10.5);
        if question.right.is_empty() && question.study.is_empty() {
            flow.paragraph(&[soft(say(language, question.state.words()))], BODY);
        }
        points(&mut flow, (language, "Right"), Ink::Good, &question.right);
        points(&mut flow, (language, "To study"), Ink::Fair, &question.study);
        for fault in &question.our_faults {
            flow.paragraph(&[plain(say_with(language, "Our fault: {}", &[fault])).ink(Ink::Fair)], SMALL);
        }
        if let Some(reference) = &question.reference_answer {
            flow.paragraph(&[soft(say_with(language, "A good answer: {}", &[reference]))], SMALL);
        }
        flow.gap(8.0);
    }
    flow.paragraph(&[soft(document.note.clone())], SMALL);
    flow.finish(say_with(language, "Feedback: {}", &[&interview.title]), interview.language.clone())
}

fn points(flow: &mut Flow, (language, label): (&str, &str), ink: Ink, points: &[PointFeedback]) {
    for point in points {
        let mut spans = vec![bold(format!("{}: ", say(language, label))).ink(ink), plain(point.statement.clone())];
        match point.status.as_str() {
            "misconception" => spans.push(soft(format!(" {}", say(language, "(this is not so)")))),
            "partial" => spans.push(soft(format!(" {}", say(language, "(said in part)")))),
            "wrong" => spans.push(soft(format!(" {}", say(language, "(the contrary was said)")))),
            _ => {}
        }
        spans.extend(point.quote.iter().flat_map(quoted));
        flow.paragraph(&spans, BODY);
    }
}

fn opening(flow: &mut Flow, report: &Report, language: &str) {
    let (interview, summary) = (&report.interview, &report.summary);
    flow.paragraph(&[bold(interview.title.clone())], 17.0);
    let mut facts = vec![
        interview.job_position.clone(),
        format!("{}, {}", interview.category, interview.level.as_str()),
        interview.language.clone(),
        format!("{}, {}", interview.mode, interview.purpose),
    ];
    facts.extend(interview.start_time.map(|start| start.format("%Y-%m-%d %H:%M UTC").to_string()));
    facts.extend(interview.duration_ms.map(|ms| format!("{} min", clock(ms))));
    flow.paragraph(&[soft(facts.join(" \u{b7} "))], SMALL);
    flow.gap(8.0);
    let ink = match summary.recommendation {
        Recommendation::StrongYes | Recommendation::Yes => Ink::Good,
        Recommendation::Inconclusive => Ink::Fair,
        Recommendation::No | Recommendation::StrongNo => Ink::Poor,
    };
    flow.panel(&[bold(say(language, summary.recommendation.words())).ink(ink)], 14.0, ink);
    flow.paragraph(&[plain(retold(language, &summary.why))], BODY);
    let changed = report.overrides.len();
    if changed > 0 {
        flow.paragraph(&[bold(say_with(language, "Levels changed by a person: {}", &[&changed.to_string()]))], BODY);
    }
    flow.gap(4.0);
    let row = |name: &str, estimate: &Estimate| {
        let score = estimate.score.map_or_else(dash, |score| format!("{score:.1}"));
        let mut cells = vec![vec![bold(say(language, name))], vec![bold(score)]];
        match (estimate.interval90, estimate.level_mean) {
            (Some([low, high]), Some(mean)) => {
                let (low, high, mean) = (format!("{low:.1}"), format!("{high:.1}"), format!("{mean:.1}"));
                cells.push(vec![plain(say_with(language, "{} to {}", &[&low, &high]))]);
                let questions = estimate.questions.to_string();
                cells.push(vec![plain(say_with(language, "{} of {} questions", &[&mean, &questions]))]);
            }
            _ => {
                cells.push(vec![soft(dash())]);
                cells.push(vec![soft(retold(language, estimate.reason.as_deref().unwrap_or_default()))]);
            }
        }
        cells
    };
    let rows = [
        row("Overall", &summary.overall),
        row("Technical", &summary.technical),
        row("Soft skills", &summary.soft_skills),
    ];
    flow.table(
        &[0.2, 0.15, 0.2, 0.45],
        &["", "Score of 5", "90 % interval", "Mean level"].map(|title| say(language, title)),
        &rows,
        BODY,
    );
}

fn findings(flow: &mut Flow, report: &Report, language: &str) {
    for (title, list) in [("Strengths", &report.summary.strengths), ("Gaps", &report.summary.gaps)] {
        flow.heading(say(language, title));
        if list.is_empty() {
            flow.paragraph(&[soft(say(language, "None stands out."))], BODY);
        }
        for finding in list {
            let mut spans = vec![plain(format!("\u{2022} {}", retold(language, &finding.text)))];
            spans.extend(finding.quote.iter().flat_map(quoted));
            flow.paragraph(&spans, BODY);
            flow.gap(2.0);
        }
    }
}

fn competencies(flow: &mut Flow, report: &Report, language: &str) {
    flow.heading(say(language, "Competencies"));
    flow.drawing(&chart::profile(report, language), WIDTH * 0.7);
    let rows: Vec<Vec<Vec<Span>>> = report
        .competencies
        .iter()
        .map(|competency| {
            let estimate = &competency.estimate;
            let shown = |value: Option<f64>| value.map_or_else(dash, |value| format!("{value:.1}"));
            let error = estimate.standard_error.map_or_else(String::new, |error| format!(" \u{b1} {error}"));
            vec![
                vec![plain(competency.name.clone())],
                vec![plain(competency.weight.to_string())],
                vec![plain(estimate.questions.to_string())],
                vec![plain(shown(estimate.level_mean))],
                vec![plain(format!("{}{error}", shown(estimate.score)))],
            ]
        })
        .collect();
    let head =
        ["Competency", "Weight", "Questions", "Mean level", "Score \u{b1} error"].map(|title| say(language, title));
    flow.table(&[0.4, 0.12, 0.14, 0.15, 0.19], &head, &rows, SMALL);
    let legend = "Bar: the score with its 90 % interval. Dot: the mean level as it was seen.";
    flow.paragraph(&[soft(say(language, legend))], SMALL);
    flow.paragraph(&[soft(retold(language, &report.method.explanation))], SMALL);
}

fn at_a_glance(flow: &mut Flow, report: &Report, language: &str) {
    flow.heading(say(language, "Questions at a glance"));
    let rows: Vec<Vec<Vec<Span>>> = report
        .questions
        .iter()
        .map(|question| {
            vec![
                vec![plain(question.number.to_string())],
                vec![plain(question.text.clone())],
                vec![bold(question.verdict(language)).ink(tone(question.level))],
                vec![plain(question.in_short(language))],
            ]
        })
        .collect();
    flow.table(
        &[0.05, 0.5, 0.16, 0.29],
        &["", "Question", "Level", "Why"].map(|title| say(language, title)),
        &rows,
        SMALL,
    );
    if !report.timeline.is_empty() {
        flow.drawing(&chart::timeline(report, language), WIDTH);
    }
}

fn evidence(flow: &mut Flow, report: &Report, question: &QuestionResult, language: &str) {
    flow.need(70.0);
    let verdict = format!("  {}", question.verdict(language));
    let title = format!("{}. {}", question.number, question.text);
    flow.paragraph(&[bold(title), bold(verdict).ink(tone(question.level))], 10.5);
    for change in report.overrides.iter().filter(|change| change.question_id == question.id) {
        let (from, to) = (level(change.from, language), level(change.to, language));
        let words = say_with(language, "{} changed {} to {}: {}", &[&change.by, &from, &to, &change.reason]);
        flow.paragraph(&[bold(words).ink(Ink::Fair)], SMALL);
    }
    flow.paragraph(&[plain(question.comment.clone())], BODY);
    for fault in &question.faults {
        let (kind, at) = (say(language, fault.kind.words()), clock(fault.start_ms));
        let words = say_with(language, "Our fault, {} at {}: {}", &[kind, &at, &retold(language, &fault.detail)]);
        flow.paragraph(&[bold(words).ink(Ink::Fair)], SMALL);
    }
    for probe in &question.probes {
        flow.paragraph(&[soft(say_with(language, "Follow-up: {}", &[&probe.text]))], SMALL);
    }
    flow.gap(4.0);
    if let Some(answer) = &question.answer {
        flow.panel(&[plain(answer.text.clone())], SMALL, Ink::Line);
    }
    let rows: Vec<Vec<Vec<Span>>> = question
        .key_points
        .iter()
        .map(|point| {
            let bonus = if point.must { String::new() } else { format!(" {}", say(language, "(bonus)")) };
            vec![
                vec![plain(point.statement.clone()), soft(bonus)],
                vec![plain(point.weight.to_string())],
                vec![bold(say(language, words_of(point.status))).ink(status(point.status))],
                point.quote.iter().flat_map(quoted).collect(),
            ]
        })
        .collect();
    if !rows.is_empty() {
        let head = ["Key point", "Weight", "Said", "In these words"].map(|title| say(language, title));
        flow.table(&[0.42, 0.09, 0.13, 0.36], &head, &rows, SMALL);
    }
    for wrong in &question.misconceptions {
        let words = say_with(language, "Misconception: {}", &[&wrong.statement]);
        let mut spans = vec![plain(words).ink(Ink::Poor)];
        spans.extend(quoted(&wrong.quote));
        flow.paragraph(&spans, SMALL);
    }
    if !question.structure.is_empty() {
        flow.paragraph(&[soft(question.built(language))], SMALL);
    }
    flow.paragraph(&[soft(say_with(language, "A good answer: {}", &[&question.reference_answer]))], SMALL);
    if !question.scoring.by.is_empty() {
        flow.paragraph(&[soft(question.account(language))], SMALL);
    }
    flow.gap(9.0);
}

fn code(flow: &mut Flow, report: &Report, language: &str) {
    if report.artifacts.is_empty() {
        return;
    }
    flow.heading(say(language, "Code"));
    for artifact in &report.artifacts {
        let values = [&artifact.question_id, &artifact.language, &artifact.version.to_string()];
        let title = say_with(language, "{}, {}, version {}", &values.map(String::as_str));
        flow.paragraph(&[bold(title)], BODY);
        flow.code(&artifact.code, 8.0);
        flow.gap(6.0);
    }
}

fn changes(flow: &mut Flow, report: &Report, language: &str) {
    if report.overrides.is_empty() {
        return;
    }
    flow.heading(say(language, "Changed by a person"));
    let rows: Vec<Vec<Vec<Span>>> = report
        .overrides
        .iter()
        .map(|change| {
            vec![
                vec![plain(change.at.format("%Y-%m-%d %H:%M UTC").to_string())],
                vec![plain(change.by.clone())],
                vec![plain(format!(
                    "{}: {} \u{2192} {}",
                    change.question_id,
                    level(change.from, language),
                    level(change.to, language)
                ))],
                vec![plain(change.reason.clone())],
            ]
        })
        .collect();
    flow.table(
        &[0.2, 0.17, 0.3, 0.33],
        &["When", "Who", "Change", "Why"].map(|title| say(language, title)),
        &rows,
        SMALL,
    );
}

fn topics(flow: &mut Flow, language: &str, topics: &[super::report::TopicFeedback]) {
    let row = |topic: &super::report::TopicFeedback| {
        vec![vec![bold(topic.topic.clone())], vec![plain(topic.right.clone())], vec![plain(topic.study.clone())]]
    };
    let rows: Vec<Vec<Vec<Span>>> = topics.iter().map(row).collect();
    if !rows.is_empty() {
        flow.gap(4.0);
        flow.table(
            &[0.18, 0.41, 0.41],
            &["Topic", "What was right", "What to study"].map(|title| say(language, title)),
            &rows,
            SMALL,
        );
    }
}

fn conversation(flow: &mut Flow, report: &Report, language: &str) {
    let delivery = &report.delivery;
    flow.heading(say(language, "The conversation (not scored)"));
    let mut words = wording::conversation(delivery, language);
    // The recording is believed before the events.
    let heard = Some(&delivery.heard_gap_ms).filter(|heard| heard.p50.is_some());
    let gap = heard.unwrap_or(&delivery.gap_ms);
    if let (Some(p50), Some(p95), Some(p99)) = (gap.p50, gap.p95, gap.p99) {
        let values = [p50, p95, p99].map(|ms| ms.to_string());
        let silence = "Silence before a reply: median {} ms, 95 of 100 within {} ms, 99 within {} ms.";
        words.push(' ');
        words.push_str(&say_with(language, silence, &values.each_ref().map(String::as_str)));
    }
    flow.paragraph(&[plain(words)], BODY);
    flow.paragraph(&[soft(retold(language, &delivery.note))], SMALL);
    flow.heading(say(language, "For a person to look at"));
    if report.integrity.is_empty() {
        flow.paragraph(&[soft(say(language, "Nothing was noticed."))], BODY);
    }
    for signal in &report.integrity {
        let place = signal.question_id.as_ref().map_or_else(String::new, |question| format!(" ({question})"));
        flow.paragraph(&[plain(format!("\u{2022} {}{place}", retold(language, &signal.detail)))], BODY);
    }
}

fn small_print(flow: &mut Flow, report: &Report, language: &str) {
    flow.heading(say(language, "How this report was made"));
    let [made, hashes] = wording::provenance(report, language);
    flow.paragraph(&[soft(format!("{} {made}", say(language, MADE)))], SMALL);
    let consent = wording::consent(report, language);
    if !consent.is_empty() {
        flow.paragraph(&[soft(consent)], SMALL);
    }
    flow.paragraph(&[soft(hashes)], 7.0);
}

fn quoted(quote: &Quote) -> Vec<Span> {
    let mut spans = vec![italic(format!(" \u{201c}{}\u{201d}", quote.text.trim()))];
    spans.extend(quote.start_ms.map(|ms| soft(format!(" {}", clock(ms)))));
    spans
}

fn tone(level: Option<u8>) -> Ink {
    level.map_or(Ink::Soft, Ink::of_level)
}

fn status(status: Status) -> Ink {
    match status {
        Status::Met => Ink::Good,
        Status::Partial => Ink::Fair,
        Status::Missed => Ink::Soft,
        Status::Wrong => Ink::Poor,
    }
}

fn level(level: Option<u8>, language: &str) -> String {
    let named = |level: u8| say_with(language, "level {}", &[&level.to_string()]);
    level.map_or_else(|| say(language, "no level").to_owned(), named)
}

fn dash() -> String {
    "\u{2013}".to_owned()
}

/// Minutes and seconds.
fn clock(ms: u64) -> String {
    format!("{}:{:02}", ms / 60_000, ms / 1000 % 60)
}

#[cfg(test)]
mod tests {
    use crate::scoring::evaluate::tests::{rehearsed, report};
    use crate::scoring::variants::FeedbackDocument;

    #[test]
    fn report_and_feedback_become_pdf() {
        let mut facts = rehearsed();
        // Longer than a page, with words longer than a line, in both scripts, and with signs that no face has.
        facts.turns[0].text =
            format!("{} {} \u{1f600}\u{7}", "Об'єднання їжака та ґанку. ".repeat(300), "й".repeat(400));
        let report = report(&facts);
        for pdf in [
            super::report(&report, "en"),
            super::report(&report, "uk"),
            super::feedback(&FeedbackDocument::of(&report)),
        ] {
            let pdf = pdf.expect("a PDF");
            assert!(pdf.starts_with(b"%PDF-") && pdf.len() > 10_000);
        }
    }
}
