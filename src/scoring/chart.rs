//! The report's charts as shapes: the same drawing becomes inline SVG on the page and paths in the PDF. Colours are
//! named by meaning, so that each medium and theme chooses its own. Must never hold a number that the report does not.

use super::language::{say, say_with};
use super::report::{CompetencyScore, Report};
use std::fmt::Write as _;

/// What a colour means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ink {
    Text,
    Soft,
    Line,
    Accent,
    /// The accent, faint.
    Reach,
    Good,
    Fair,
    Poor,
}

impl Ink {
    /// Its class on the page.
    fn class(self) -> &'static str {
        match self {
            Self::Text => "c-text",
            Self::Soft => "c-soft",
            Self::Line => "c-line",
            Self::Accent => "c-accent",
            Self::Reach => "c-reach",
            Self::Good => "c-good",
            Self::Fair => "c-fair",
            Self::Poor => "c-poor",
        }
    }

    /// Of a level of 1 to 5.
    #[must_use]
    pub fn of_level(level: u8) -> Self {
        match level {
            4.. => Self::Good,
            3 => Self::Fair,
            0..=2 => Self::Poor,
        }
    }
}

/// Where a text stands at its point.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// One shape; y grows downwards.
#[derive(Clone, PartialEq, Debug)]
pub enum Shape {
    Rectangle {
        x: f64,
        y: f64,
        width: f64,
        height: f64,
        ink: Ink,
    },
    Dot {
        x: f64,
        y: f64,
        radius: f64,
        ink: Ink,
    },
    /// `y` is the text's base line.
    Text {
        x: f64,
        y: f64,
        size: f64,
        anchor: Anchor,
        ink: Ink,
        text: String,
    },
}

/// A drawing of a given size.
#[derive(Clone, PartialEq, Debug)]
pub struct Drawing {
    pub width: f64,
    pub height: f64,
    /// What a reader who cannot see it is told.
    pub label: String,
    pub shapes: Vec<Shape>,
}

impl Drawing {
    fn rectangle(&mut self, [x, y]: [f64; 2], [width, height]: [f64; 2], ink: Ink) {
        self.shapes.push(Shape::Rectangle { x, y, width: width.max(0.0), height, ink });
    }

    fn dot(&mut self, [x, y]: [f64; 2], radius: f64, ink: Ink) {
        self.shapes.push(Shape::Dot { x, y, radius, ink });
    }

    fn text(&mut self, [x, y]: [f64; 2], size: f64, anchor: Anchor, ink: Ink, text: impl Into<String>) {
        self.shapes.push(Shape::Text { x, y, size, anchor, ink, text: text.into() });
    }

    /// As inline SVG; its colours are classes that the page's style knows.
    #[must_use]
    pub fn svg(&self, class: &str) -> String {
        let Self { width, height, label, .. } = self;
        let label = escaped(label);
        let mut svg = format!(
            "<svg class=\"{class}\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"{label}\">"
        );
        for shape in &self.shapes {
            let written = match shape {
                Shape::Rectangle { x, y, width, height, ink } => write!(
                    svg,
                    "<rect class=\"{}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>",
                    ink.class()
                ),
                Shape::Dot { x, y, radius, ink } => {
                    write!(svg, "<circle class=\"{}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\"/>", ink.class())
                }
                Shape::Text { x, y, size, anchor, ink, text } => {
                    let anchor = match anchor {
                        Anchor::Start => "start",
                        Anchor::Middle => "middle",
                        Anchor::End => "end",
                    };
                    let text = escaped(text);
                    let class = ink.class();
                    write!(
                        svg,
                        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size:.0}\" text-anchor=\"{anchor}\">{text}</text>"
                    )
                }
            };
            written.expect("a string takes all");
        }
        svg.push_str("</svg>");
        svg
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Width of the profile: narrow, so that its words can be read on a phone.
const PROFILE_WIDTH: f64 = 420.0;
/// Height of one competency's row.
const ROW_HEIGHT: f64 = 44.0;

/// Each competency on the scale of 1 to 5: its score with the 90 % interval, and the mean level as it was seen.
#[must_use]
pub fn profile(report: &Report, language: &str) -> Drawing {
    let scale = |score: f64| 10.0 + (score - 1.0) / 4.0 * (PROFILE_WIDTH - 20.0);
    let rows: Vec<&CompetencyScore> = report.competencies.iter().collect();
    let mut drawing = Drawing { width: PROFILE_WIDTH, height: 22.0, label: String::new(), shapes: Vec::new() };
    let mut said = Vec::new();
    for row in &rows {
        let top = drawing.height;
        drawing.height += ROW_HEIGHT;
        let line = top - 4.0;
        let estimate = &row.estimate;
        drawing.text([10.0, line], 13.0, Anchor::Start, Ink::Text, row.name.clone());
        drawing.rectangle([scale(1.0), top + 9.0], [scale(5.0) - scale(1.0), 2.0], Ink::Line);
        for level in 1..=5 {
            drawing.rectangle([scale(f64::from(level)) - 0.5, top + 6.0], [1.0, 8.0], Ink::Line);
        }
        let right = [PROFILE_WIDTH - 10.0, line];
        let (Some(score), Some([low, high])) = (estimate.score, estimate.interval90) else {
            let without = say(language, "no evidence");
            drawing.text(right, 12.0, Anchor::End, Ink::Soft, without);
            said.push(format!("{}: {without}", row.name));
            continue;
        };
        let interval = say_with(language, "{} to {}", &[&format!("{low:.1}"), &format!("{high:.1}")]);
        let words = format!("{score:.1} ({interval})");
        said.push(format!("{}: {words}", row.name));
        drawing.text(right, 12.0, Anchor::End, Ink::Soft, words);
        drawing.rectangle([scale(low), top + 5.0], [scale(high) - scale(low), 10.0], Ink::Reach);
        drawing.rectangle([scale(score) - 1.5, top + 2.0], [3.0, 16.0], Ink::Accent);
        if let Some(mean) = estimate.level_mean {
            drawing.dot([scale(mean), top + 10.0], 4.0, Ink::Text);
        }
    }
    for level in 1..=5 {
        let at = [scale(f64::from(level)), drawing.height];
        drawing.text(at, 11.0, Anchor::Middle, Ink::Soft, level.to_string());
    }
    drawing.height += 6.0;
    let label = "Competencies on the scale of 1 to 5, with 90 % intervals. {}";
    drawing.label = say_with(language, label, &[&said.join("; ")]);
    drawing
}

/// Width of the timeline.
const TIMELINE_WIDTH: f64 = 760.0;
/// Where its lanes begin: room for their names.
const LANES_X: f64 = 86.0;
/// The longest silence that fits its lane, ms: longer ones touch the top.
const SILENCE_MAX_MS: f64 = 3_000.0;
/// Height of the lane of silences.
const SILENCE_HEIGHT: f64 = 40.0;

/// The interview by time: who spoke, how long each reply took, which question it was and what level it got.
#[must_use]
pub fn timeline(report: &Report, language: &str) -> Drawing {
    let end_ms = report.timeline.iter().map(|turn| turn.end_ms).max().unwrap_or(0).max(1);
    let minutes = minutes(end_ms);
    let place = |ms: u64| LANES_X + as_f64(ms) / as_f64(end_ms) * (TIMELINE_WIDTH - LANES_X - 10.0);
    let label = say_with(
        language,
        "Timeline of the interview: {} turns in {} minutes, with the silence before each reply and the level of each question.",
        &[&report.timeline.len().to_string(), &format!("{minutes:.0}")],
    );
    let mut drawing = Drawing { width: TIMELINE_WIDTH, height: 178.0, label, shapes: Vec::new() };
    let lanes = [(22.0, "Questions"), (56.0, "Interviewer"), (84.0, "Candidate"), (128.0, "Silence, s")];
    for (y, name) in lanes {
        drawing.text([0.0, y], 12.0, Anchor::Start, Ink::Soft, say(language, name));
    }
    for question in &report.questions {
        let of_it = || report.timeline.iter().filter(|turn| turn.question == Some(question.number));
        let (Some(start), Some(end)) = (of_it().map(|t| t.start_ms).min(), of_it().map(|t| t.end_ms).max()) else {
            continue;
        };
        let (left, right) = (place(start), place(end));
        let ink = question.level.map_or(Ink::Line, Ink::of_level);
        drawing.rectangle([left + 1.0, 26.0], [right - left - 2.0, 4.0], ink);
        let level = question.level.map_or_else(|| "\u{2013}".to_owned(), |level| format!("L{level}"));
        let middle = [f64::midpoint(left, right), 20.0];
        drawing.text(middle, 11.0, Anchor::Middle, Ink::Text, format!("{} {level}", question.number));
    }
    drawing.rectangle([LANES_X, 96.0 + SILENCE_HEIGHT], [TIMELINE_WIDTH - LANES_X - 10.0, 1.0], Ink::Line);
    for turn in &report.timeline {
        let (left, width) = (place(turn.start_ms), place(turn.end_ms) - place(turn.start_ms));
        let (y, ink) = if turn.role == "candidate" { (74.0, Ink::Accent) } else { (46.0, Ink::Soft) };
        drawing.rectangle([left, y], [width.max(1.0), 14.0], ink);
        if let Some(ms) = turn.latency_ms {
            let high = (as_f64(ms) / SILENCE_MAX_MS).min(1.0) * SILENCE_HEIGHT;
            drawing.rectangle([left - 1.0, 96.0 + SILENCE_HEIGHT - high], [2.0, high], Ink::Text);
        }
    }
    drawing.text([LANES_X - 6.0, 106.0], 10.0, Anchor::End, Ink::Soft, "3");
    let step = [1.0, 2.0, 5.0, 10.0, 20.0, 30.0].into_iter().find(|step| minutes / step <= 12.0).unwrap_or(60.0);
    let mut at = 0.0;
    while at <= minutes {
        let x = LANES_X + at / minutes * (TIMELINE_WIDTH - LANES_X - 10.0);
        drawing.rectangle([x, 150.0], [1.0, 5.0], Ink::Line);
        drawing.text([x, 168.0], 11.0, Anchor::Middle, Ink::Soft, format!("{at:.0}"));
        at += step;
    }
    drawing.text([0.0, 168.0], 12.0, Anchor::Start, Ink::Soft, say(language, "Minutes"));
    drawing
}

fn minutes(ms: u64) -> f64 {
    as_f64(ms) / 60_000.0
}

#[expect(clippy::cast_precision_loss, reason = "an interview has few milliseconds")]
fn as_f64(ms: u64) -> f64 {
    ms as f64
}

#[cfg(test)]
mod tests {
    use super::{Shape, profile, timeline};
    use crate::scoring::evaluate::tests::{rehearsed, report};

    #[test]
    fn charts_show_every_competency_and_turn_within_their_frame() {
        let report = report(&rehearsed());
        for drawing in [profile(&report, "en"), timeline(&report, "uk")] {
            for shape in &drawing.shapes {
                let (x, y) = match shape {
                    Shape::Rectangle { x, y, width, height, .. } => (x + width, y + height),
                    Shape::Dot { x, y, radius, .. } => (x + radius, y + radius),
                    Shape::Text { x, y, .. } => (*x, *y),
                };
                assert!((0.0..=drawing.width).contains(&x) && (0.0..=drawing.height).contains(&y), "{shape:?}");
            }
        }
        let svg = profile(&report, "en").svg("profile");
        for competency in &report.competencies {
            assert!(svg.contains(&competency.name.replace('&', "&amp;")), "{}", competency.name);
        }
        let bars = timeline(&report, "en").svg("timeline").matches("height=\"14.0\"").count();
        assert_eq!(bars, report.timeline.len());
    }

    #[test]
    fn an_empty_interview_has_empty_charts() {
        let mut facts = rehearsed();
        facts.turns.clear();
        facts.lines.clear();
        let report = report(&facts);
        assert!(profile(&report, "en").svg("profile").contains("no evidence"));
        assert!(timeline(&report, "en").svg("timeline").starts_with("<svg"));
    }
}
