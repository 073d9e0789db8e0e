//! The report and the candidate's feedback as PDF: text that can be selected and searched, in Latin and Cyrillic. Says
//! what the page says, in the same order. Must never compute a score.

mod face;
mod flow;

use super::chart;
use super::language::{say, say_with};
use super::render::words_of;
use super::report::{Estimate, QuestionResult, Quote, Recommendation, Report};
use super::variants::{FeedbackDocument, PointFeedback};
use crate::interview::coverage::Status;
use chart::Ink;
use flow::{Flow, Span, WIDTH, bold, italic, plain, soft};

pub use flow::PdfError;

/// Of running text, points.
const BODY: f32 = 9.5;
/// Of tables and notes.
const SMALL: f32 = 8.5;

/// The report.
///
/// # Errors
/// [`PdfError`] when it could not be written; never in practice.
pub fn report(report: &Report) -> Result<Vec<u8>, PdfError> {
    let mut flow = Flow::new(format!("Vivavoce report \u{b7} {}", report.interview.id));
    opening(&mut flow, report);
    findings(&mut flow, report);
    competencies(&mut flow, report);
    at_a_glance(&mut flow, report);
    flow.heading("The evidence, question by question");
    for question in &report.questions {
        evidence(&mut flow, report, question);
    }
    code(&mut flow, report);
    changes(&mut flow, report);
    flow.heading("Feedback for the candidate");
    flow.paragraph(&[plain(report.feedback.text.clone())], BODY);
    topics(&mut flow, "en", &report.feedback.topics);
    conversation(&mut flow, report);
    small_print(&mut flow, report);
    flow.finish(format!("Report: {}", report.interview.title), report.interview.language.clone())
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

fn opening(flow: &mut Flow, report: &Report) {
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
    flow.panel(&[bold(summary.recommendation.words()).ink(ink)], 14.0, ink);
    flow.paragraph(&[plain(summary.why.clone())], BODY);
    let changed = report.overrides.len();
    if changed > 0 {
        flow.paragraph(&[bold(format!("{changed} changed by a person; see below."))], BODY);
    }
    flow.gap(4.0);
    let row = |name: &str, estimate: &Estimate| {
        let score = estimate.score.map_or_else(dash, |score| format!("{score:.1}"));
        let mut cells = vec![vec![bold(name)], vec![bold(score)]];
        match (estimate.interval90, estimate.level_mean) {
            (Some([low, high]), Some(mean)) => {
                cells.push(vec![plain(format!("{low:.1} to {high:.1}"))]);
                cells.push(vec![plain(format!("{mean:.1} of {} questions", estimate.questions))]);
            }
            _ => {
                cells.push(vec![soft(dash())]);
                cells.push(vec![soft(estimate.reason.clone().unwrap_or_default())]);
            }
        }
        cells
    };
    let rows = [
        row("Overall", &summary.overall),
        row("Technical", &summary.technical),
        row("Soft skills", &summary.soft_skills),
    ];
    flow.table(&[0.2, 0.15, 0.2, 0.45], &["", "Score of 5", "90 % interval", "Mean level"], &rows, BODY);
}

fn findings(flow: &mut Flow, report: &Report) {
    for (title, list) in [("Strengths", &report.summary.strengths), ("Gaps", &report.summary.gaps)] {
        flow.heading(title);
        if list.is_empty() {
            flow.paragraph(&[soft("None stands out.")], BODY);
        }
        for finding in list {
            let mut spans = vec![plain(format!("\u{2022} {}", finding.text))];
            spans.extend(finding.quote.iter().flat_map(quoted));
            flow.paragraph(&spans, BODY);
            flow.gap(2.0);
        }
    }
}

fn competencies(flow: &mut Flow, report: &Report) {
    flow.heading("Competencies");
    flow.drawing(&chart::profile(report), WIDTH * 0.7);
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
    let head = ["Competency", "Weight", "Questions", "Mean level", "Score \u{b1} error"];
    flow.table(&[0.4, 0.12, 0.14, 0.15, 0.19], &head, &rows, SMALL);
    flow.paragraph(&[soft("Bar: the score with its 90 % interval. Dot: the mean level as it was seen.")], SMALL);
    flow.paragraph(&[soft(report.method.explanation.clone())], SMALL);
}

fn at_a_glance(flow: &mut Flow, report: &Report) {
    flow.heading("Questions at a glance");
    let rows: Vec<Vec<Vec<Span>>> = report
        .questions
        .iter()
        .map(|question| {
            vec![
                vec![plain(question.number.to_string())],
                vec![plain(question.text.clone())],
                vec![bold(question.verdict()).ink(tone(question.level))],
                vec![plain(question.in_short())],
            ]
        })
        .collect();
    flow.table(&[0.05, 0.5, 0.16, 0.29], &["", "Question", "Level", "Why"], &rows, SMALL);
    if !report.timeline.is_empty() {
        flow.drawing(&chart::timeline(report), WIDTH);
    }
}

fn evidence(flow: &mut Flow, report: &Report, question: &QuestionResult) {
    flow.need(70.0);
    let verdict = format!("  {}", question.verdict());
    let title = format!("{}. {}", question.number, question.text);
    flow.paragraph(&[bold(title), bold(verdict).ink(tone(question.level))], 10.5);
    for change in report.overrides.iter().filter(|change| change.question_id == question.id) {
        let words = format!("{}: {} to {}. {}", change.by, level(change.from), level(change.to), change.reason);
        flow.paragraph(&[bold("Changed by a person ").ink(Ink::Fair), plain(words)], SMALL);
    }
    flow.paragraph(&[plain(question.comment.clone())], BODY);
    for fault in &question.faults {
        let words = format!("{} at {}. {}", fault.kind.words(), clock(fault.start_ms), fault.detail);
        flow.paragraph(&[bold("Our fault: ").ink(Ink::Fair), plain(words)], SMALL);
    }
    for probe in &question.probes {
        flow.paragraph(&[soft(format!("Follow-up: {}", probe.text))], SMALL);
    }
    flow.gap(4.0);
    if let Some(answer) = &question.answer {
        flow.panel(&[plain(answer.text.clone())], SMALL, Ink::Line);
    }
    let rows: Vec<Vec<Vec<Span>>> = question
        .key_points
        .iter()
        .map(|point| {
            let bonus = if point.must { "" } else { " (bonus)" };
            vec![
                vec![plain(point.statement.clone()), soft(bonus)],
                vec![plain(point.weight.to_string())],
                vec![bold(words_of(point.status)).ink(status(point.status))],
                point.quote.iter().flat_map(quoted).collect(),
            ]
        })
        .collect();
    if !rows.is_empty() {
        flow.table(&[0.42, 0.09, 0.1, 0.39], &["Key point", "Weight", "Said", "In these words"], &rows, SMALL);
    }
    for wrong in &question.misconceptions {
        let mut spans = vec![bold("Misconception: ").ink(Ink::Poor), plain(wrong.statement.clone())];
        spans.extend(quoted(&wrong.quote));
        flow.paragraph(&spans, SMALL);
    }
    if !question.structure.is_empty() {
        flow.paragraph(&[soft(question.built())], SMALL);
    }
    flow.paragraph(&[soft(format!("A good answer: {}", question.reference_answer))], SMALL);
    if !question.scoring.by.is_empty() {
        flow.paragraph(&[soft(question.account())], SMALL);
    }
    flow.gap(9.0);
}

fn code(flow: &mut Flow, report: &Report) {
    if report.artifacts.is_empty() {
        return;
    }
    flow.heading("Code");
    for artifact in &report.artifacts {
        let title = format!("{}, {}, version {}", artifact.question_id, artifact.language, artifact.version);
        flow.paragraph(&[bold(title)], BODY);
        flow.code(&artifact.code, 8.0);
        flow.gap(6.0);
    }
}

fn changes(flow: &mut Flow, report: &Report) {
    if report.overrides.is_empty() {
        return;
    }
    flow.heading("Changed by a person");
    let rows: Vec<Vec<Vec<Span>>> = report
        .overrides
        .iter()
        .map(|change| {
            vec![
                vec![plain(change.at.format("%Y-%m-%d %H:%M UTC").to_string())],
                vec![plain(change.by.clone())],
                vec![plain(format!("{}: {} to {}", change.question_id, level(change.from), level(change.to)))],
                vec![plain(change.reason.clone())],
            ]
        })
        .collect();
    flow.table(&[0.2, 0.17, 0.3, 0.33], &["When", "Who", "What", "Why"], &rows, SMALL);
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

fn conversation(flow: &mut Flow, report: &Report) {
    let delivery = &report.delivery;
    flow.heading("The conversation (not scored)");
    let mut words = format!(
        "{} turns, {} min of the candidate's speech, {} min of the interviewer's. The interviewer began too early and \
         took it back: {}. The candidate broke in: {}.",
        delivery.turns,
        clock(delivery.candidate_speech_ms),
        clock(delivery.interviewer_speech_ms),
        delivery.interruptions_recovered,
        delivery.interruptions_by_candidate,
    );
    if delivery.damaged_turns > 0 || delivery.lost_audio_ms > 0 {
        let damaged =
            format!(" Damaged by us: {} turns; {} ms of sound lost.", delivery.damaged_turns, delivery.lost_audio_ms);
        words.push_str(&damaged);
    }
    // The recording is believed before the events.
    let heard = Some(&delivery.heard_gap_ms).filter(|heard| heard.p50.is_some());
    let gap = heard.unwrap_or(&delivery.gap_ms);
    if let (Some(p50), Some(p95), Some(p99)) = (gap.p50, gap.p95, gap.p99) {
        words.push_str(&format!(
            " Silence before a reply: median {p50} ms, 95 of 100 within {p95} ms, 99 within {p99} ms."
        ));
    }
    flow.paragraph(&[plain(words)], BODY);
    flow.paragraph(&[soft(delivery.note.clone())], SMALL);
    flow.heading("For a person to look at");
    if report.integrity.is_empty() {
        flow.paragraph(&[soft("Nothing was noticed.")], BODY);
    }
    for signal in &report.integrity {
        let place = signal.question_id.as_ref().map_or_else(String::new, |question| format!(" ({question})"));
        flow.paragraph(&[plain(format!("\u{2022} {}{place}", signal.detail))], BODY);
    }
}

fn small_print(flow: &mut Flow, report: &Report) {
    let (made, hashes) = (&report.provenance, &report.provenance.hashes);
    flow.heading("How this report was made");
    let words = format!(
        "An AI interviewer asked; scores come from key points of the question bank, each shown by words that were found \
         in the answer. Accent, pace, pauses, feelings and the person are not scored. Vivavoce {} \u{b7} rubric {} \u{b7} \
         questions {} \u{b7} scorer {} \u{b7} speech to text {} \u{b7} language model {} \u{b7} voice {}",
        made.app, made.rubric, made.bank, made.scorer, made.stt, made.llm, made.tts,
    );
    flow.paragraph(&[soft(words)], SMALL);
    if let Some(consent) = &report.interview.consent {
        let given = consent.given_at.format("%Y-%m-%d %H:%M UTC");
        flow.paragraph(&[soft(format!("Disclosure {} accepted {given}.", consent.version))], SMALL);
    }
    let words = format!(
        "SHA-256: rubric {} \u{b7} prompts {} \u{b7} questions {} \u{b7} scorer {}",
        hashes.rubric, hashes.prompts, hashes.bank, hashes.model
    );
    flow.paragraph(&[soft(words)], 7.0);
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

fn level(level: Option<u8>) -> String {
    level.map_or_else(|| "no level".to_owned(), |level| format!("level {level}"))
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
        for pdf in [super::report(&report), super::feedback(&FeedbackDocument::of(&report))] {
            let pdf = pdf.expect("a PDF");
            assert!(pdf.starts_with(b"%PDF-") && pdf.len() > 10_000);
        }
    }
}
