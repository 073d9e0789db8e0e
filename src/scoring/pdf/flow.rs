//! Text that flows over pages: paragraphs, tables, panels and drawings, one below the other. Marks are gathered by page
//! and written at the end. Must never know what a report is.

use super::face::{Face, Faces};
use crate::scoring::chart::{Anchor, Drawing, Ink, Shape};
use krilla::Document;
use krilla::color::rgb;
use krilla::geom::{Path, PathBuilder, Point, Rect};
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;

/// A4, points.
const PAGE: [f32; 2] = [595.0, 842.0];
const MARGIN: f32 = 50.0;
/// Between the columns of a table.
const GUTTER: f32 = 8.0;
/// From one base line to the next, in sizes.
const LEADING: f32 = 1.36;
/// Of the footer's words.
const FOOTER_SIZE: f32 = 7.5;

/// Width of what is written.
pub const WIDTH: f32 = PAGE[0] - 2.0 * MARGIN;

/// Why no PDF came of it.
#[derive(Debug, thiserror::Error)]
#[error("the PDF could not be written: {0}")]
pub struct PdfError(String);

/// Words of one look.
#[derive(Clone, PartialEq, Debug)]
pub struct Span {
    pub face: Face,
    pub ink: Ink,
    pub text: String,
}

/// Words as they are mostly.
pub fn plain(text: impl Into<String>) -> Span {
    Span { face: Face::Regular, ink: Ink::Text, text: text.into() }
}

pub fn bold(text: impl Into<String>) -> Span {
    Span { face: Face::Bold, ink: Ink::Text, text: text.into() }
}

pub fn soft(text: impl Into<String>) -> Span {
    Span { face: Face::Regular, ink: Ink::Soft, text: text.into() }
}

pub fn italic(text: impl Into<String>) -> Span {
    Span { face: Face::Italic, ink: Ink::Text, text: text.into() }
}

impl Span {
    pub fn ink(mut self, ink: Ink) -> Self {
        self.ink = ink;
        self
    }
}

enum Mark {
    Text { at: [f32; 2], size: f32, span: Span },
    Shape { path: Path, ink: Ink },
    Panel { path: Path },
}

/// Pages being filled.
pub struct Flow {
    faces: Faces,
    pages: Vec<Vec<Mark>>,
    /// Where the next line's top is.
    y: f32,
    footer: String,
}

/// Pieces of one line with their places.
type Line = Vec<(f32, Span)>;

impl Flow {
    pub fn new(footer: String) -> Self {
        Self { faces: Faces::read(), pages: vec![Vec::new()], y: MARGIN, footer }
    }

    pub fn gap(&mut self, height: f32) {
        self.y += height;
    }

    /// Goes to the next page unless `height` fits on this one.
    pub fn need(&mut self, height: f32) {
        if self.y + height > PAGE[1] - MARGIN {
            self.pages.push(Vec::new());
            self.y = MARGIN;
        }
    }

    pub fn heading(&mut self, text: &str) {
        self.gap(12.0);
        // With something of what it is above.
        self.need(70.0);
        self.paragraph(&[bold(text)], 12.5);
        let line = rectangle([MARGIN, self.y], [WIDTH, 0.7]);
        self.shape(line, Ink::Line);
        self.gap(6.0);
    }

    pub fn paragraph(&mut self, spans: &[Span], size: f32) {
        let lines = self.wrapped(spans, size, WIDTH);
        self.lines(lines, size, MARGIN);
    }

    /// Code: every line as it is, cut where the page ends.
    pub fn code(&mut self, text: &str, size: f32) {
        for line in text.lines() {
            let span = Span { face: Face::Mono, ink: Ink::Text, text: line.replace('\t', "    ") };
            let indent = span.text.chars().take_while(|c| *c == ' ').collect::<String>();
            let indent = self.faces.width(Face::Mono, size, &indent);
            let lines = self.wrapped(&[span], size, WIDTH - indent);
            self.lines(if lines.is_empty() { vec![Vec::new()] } else { lines }, size, MARGIN + indent);
        }
    }

    /// A tinted stretch, such as a verdict or an answer.
    pub fn panel(&mut self, spans: &[Span], size: f32, ink: Ink) {
        const INSET: f32 = 9.0;
        let lines = self.wrapped(spans, size, WIDTH - 2.0 * INSET);
        let height = size * LEADING;
        for (at, line) in lines.into_iter().enumerate() {
            self.need(height);
            let top = if at == 0 { self.y - 3.0 } else { self.y };
            let ground = rectangle([MARGIN, top], [WIDTH, height + self.y - top + 3.0]);
            self.page().extend(ground.map(|path| Mark::Panel { path }));
            let bar = rectangle([MARGIN, top], [3.0, height + self.y - top + 3.0]);
            self.shape(bar, ink);
            self.line(line, size, MARGIN + INSET);
        }
        self.gap(8.0);
    }

    /// A table; `widths` are shares of the page's width.
    pub fn table(&mut self, widths: &[f32], head: &[&str], rows: &[Vec<Vec<Span>>], size: f32) {
        // Titles do not stand alone at the end of a page.
        self.need(size * LEADING * 5.0);
        let titles = head.iter().map(|title| vec![soft(*title)]).collect();
        self.row(widths, titles, size);
        for row in rows {
            self.row(widths, row.clone(), size);
        }
        self.gap(4.0);
    }

    fn row(&mut self, widths: &[f32], cells: Vec<Vec<Span>>, size: f32) {
        let mut columns: Vec<(f32, std::vec::IntoIter<Line>)> = Vec::new();
        let mut x = MARGIN;
        let mut longest = 0;
        for (share, cell) in widths.iter().zip(cells) {
            let width = share * WIDTH;
            let lines = self.wrapped(&cell, size, width - GUTTER);
            longest = longest.max(lines.len());
            columns.push((x, lines.into_iter()));
            x += width;
        }
        let height = size * LEADING;
        // A row stays together unless it is long.
        self.need(height * as_f32(longest.min(12)) + 4.0);
        self.gap(2.0);
        for _ in 0..longest {
            self.need(height);
            let top = self.y;
            for (x, lines) in &mut columns {
                if let Some(line) = lines.next() {
                    self.y = top;
                    self.line(line, size, *x);
                }
            }
            self.y = top + height;
        }
        let line = rectangle([MARGIN, self.y + 1.0], [WIDTH, 0.5]);
        self.shape(line, Ink::Line);
        self.gap(3.0);
    }

    /// A drawing, scaled to `width`.
    pub fn drawing(&mut self, drawing: &Drawing, width: f32) {
        let scale = width / narrow(drawing.width);
        self.need(narrow(drawing.height) * scale);
        let (left, top) = (MARGIN, self.y);
        let place = |x: f64, y: f64| [left + narrow(x) * scale, top + narrow(y) * scale];
        for shape in &drawing.shapes {
            match shape {
                Shape::Rectangle { x, y, width, height, ink } => {
                    let path = rectangle(place(*x, *y), [narrow(*width) * scale, narrow(*height) * scale]);
                    self.shape(path, *ink);
                }
                Shape::Dot { x, y, radius, ink } => {
                    self.shape(dot(place(*x, *y), narrow(*radius) * scale), *ink);
                }
                Shape::Text { x, y, size, anchor, ink, text } => {
                    let size = narrow(*size) * scale;
                    let width = self.faces.width(Face::Regular, size, text);
                    let back = match anchor {
                        Anchor::Start => 0.0,
                        Anchor::Middle => width / 2.0,
                        Anchor::End => width,
                    };
                    let [x, y] = place(*x, *y);
                    let span = plain(text.clone()).ink(*ink);
                    self.page().push(Mark::Text { at: [x - back, y], size, span });
                }
            }
        }
        self.y = top + narrow(drawing.height) * scale + 4.0;
    }

    fn page(&mut self) -> &mut Vec<Mark> {
        if self.pages.is_empty() {
            self.pages.push(Vec::new());
        }
        let last = self.pages.len() - 1;
        &mut self.pages[last]
    }

    fn shape(&mut self, path: Option<Path>, ink: Ink) {
        self.page().extend(path.map(|path| Mark::Shape { path, ink }));
    }

    fn lines(&mut self, lines: Vec<Line>, size: f32, x: f32) {
        for line in lines {
            self.need(size * LEADING);
            self.line(line, size, x);
        }
    }

    fn line(&mut self, line: Line, size: f32, x: f32) {
        let base = self.y + size;
        for (offset, span) in line {
            self.page().push(Mark::Text { at: [x + offset, base], size, span });
        }
        self.y += size * LEADING;
    }

    /// Cut into lines of at most `width`: at blanks, and within what is longer than a line.
    fn wrapped(&self, spans: &[Span], size: f32, width: f32) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        let mut line: Line = Vec::new();
        let mut x = 0.0;
        for span in spans {
            for (number, paragraph) in span.text.split('\n').enumerate() {
                if number > 0 {
                    lines.push(std::mem::take(&mut line));
                    x = 0.0;
                }
                for word in pieces(paragraph) {
                    let word: String = word.chars().filter(|c| !c.is_control()).collect();
                    let wide = self.faces.width(span.face, size, word.trim_end());
                    if x > 0.0 && x + wide > width {
                        lines.push(std::mem::take(&mut line));
                        x = 0.0;
                    }
                    for part in self.fitting(span.face, size, width, &word) {
                        if x > 0.0 && x + self.faces.width(span.face, size, part.trim_end()) > width {
                            lines.push(std::mem::take(&mut line));
                            x = 0.0;
                        }
                        let advance = self.faces.width(span.face, size, &part);
                        match line.last_mut() {
                            Some((_, last)) if last.face == span.face && last.ink == span.ink => {
                                last.text.push_str(&part)
                            }
                            Some(_) | None => line.push((x, Span { text: part, ..span.clone() })),
                        }
                        x += advance;
                    }
                }
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
        lines
    }

    /// A word in parts that fit a line: one, unless it is longer.
    fn fitting(&self, face: Face, size: f32, width: f32, word: &str) -> Vec<String> {
        if self.faces.width(face, size, word.trim_end()) <= width {
            return vec![word.to_owned()];
        }
        let mut parts = vec![String::new()];
        let mut x = 0.0;
        for c in word.chars() {
            let advance = self.faces.width(face, size, c.encode_utf8(&mut [0; 4]));
            if x + advance > width && x > 0.0 {
                parts.push(String::new());
                x = 0.0;
            }
            if let Some(part) = parts.last_mut() {
                part.push(c);
            }
            x += advance;
        }
        parts
    }

    /// Writes the pages.
    pub fn finish(self, title: String, language: String) -> Result<Vec<u8>, PdfError> {
        let mut document = Document::new();
        document.set_metadata(Metadata::new().title(title).language(language).creator("Vivavoce".to_owned()));
        let count = self.pages.len();
        for (number, marks) in (1..).zip(self.pages) {
            let settings = PageSettings::from_wh(PAGE[0], PAGE[1]).ok_or_else(|| PdfError("no page".into()))?;
            let mut page = document.start_page_with(settings);
            let mut surface = page.surface();
            // Grounds lie below what stands on them.
            let (below, above): (Vec<Mark>, Vec<Mark>) =
                marks.into_iter().partition(|mark| matches!(mark, Mark::Panel { .. }));
            for mark in below.into_iter().chain(above) {
                put(&mut surface, &self.faces, mark);
            }
            let words = format!("{} \u{b7} page {number} of {count}", self.footer);
            let at = [MARGIN, PAGE[1] - MARGIN / 2.0];
            put(&mut surface, &self.faces, Mark::Text { at, size: FOOTER_SIZE, span: soft(words) });
            surface.finish();
            page.finish();
        }
        document.finish().map_err(|error| PdfError(format!("{error:?}")))
    }
}

fn put(surface: &mut Surface<'_>, faces: &Faces, mark: Mark) {
    match mark {
        Mark::Text { at: [x, y], size, span } => {
            surface.set_fill(Some(fill(span.ink)));
            let glyphs = faces.glyphs(span.face, &span.text);
            surface.draw_glyphs(Point::from_xy(x, y), &glyphs, faces.font(span.face), &span.text, size, false);
        }
        Mark::Shape { path, ink } => {
            surface.set_fill(Some(fill(ink)));
            surface.draw_path(&path);
        }
        Mark::Panel { path } => {
            let paint = rgb::Color::new(0xf2, 0xf4, 0xf7).into();
            surface.set_fill(Some(Fill { paint, ..Fill::default() }));
            surface.draw_path(&path);
        }
    }
}

/// Colours on paper.
fn fill(ink: Ink) -> Fill {
    let (r, g, b) = match ink {
        Ink::Text => (0x1c, 0x24, 0x30),
        Ink::Soft => (0x5b, 0x66, 0x75),
        Ink::Line => (0xd0, 0xd6, 0xde),
        Ink::Accent => (0x1f, 0x5f, 0xbf),
        Ink::Reach => (0xb6, 0xcd, 0xee),
        Ink::Good => (0x1d, 0x7a, 0x46),
        Ink::Fair => (0x94, 0x64, 0x0a),
        Ink::Poor => (0xb3, 0x26, 0x1e),
    };
    Fill { paint: rgb::Color::new(r, g, b).into(), opacity: NormalizedF32::ONE, ..Fill::default() }
}

fn rectangle([x, y]: [f32; 2], [width, height]: [f32; 2]) -> Option<Path> {
    let mut path = PathBuilder::new();
    path.push_rect(Rect::from_xywh(x, y, width, height)?);
    path.finish()
}

fn dot([x, y]: [f32; 2], radius: f32) -> Option<Path> {
    // A circle by four curves; the control points' distance is 4/3 (sqrt 2 - 1) of the radius.
    let k = radius * 0.552_284_8;
    let mut path = PathBuilder::new();
    path.move_to(x + radius, y);
    path.cubic_to(x + radius, y + k, x + k, y + radius, x, y + radius);
    path.cubic_to(x - k, y + radius, x - radius, y + k, x - radius, y);
    path.cubic_to(x - radius, y - k, x - k, y - radius, x, y - radius);
    path.cubic_to(x + k, y - radius, x + radius, y - k, x + radius, y);
    path.close();
    path.finish()
}

/// Words, each with the blanks after it.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(' ')
}

#[expect(clippy::cast_possible_truncation, reason = "places on a page")]
fn narrow(value: f64) -> f32 {
    value as f32
}

#[expect(clippy::cast_precision_loss, reason = "a count of lines")]
fn as_f32(count: usize) -> f32 {
    count as f32
}
