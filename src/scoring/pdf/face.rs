//! The PDF's letters: four faces of DejaVu, which has Latin, Greek and Cyrillic, and the widths of their signs. Every
//! letter is placed by its own width; must never place marks that combine, of which the languages here have none.

use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

/// A face.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Face {
    Regular,
    Bold,
    Italic,
    /// For code: all signs are of one width.
    Mono,
}

const FACES: [Face; 4] = [Face::Regular, Face::Bold, Face::Italic, Face::Mono];

/// The faces, read.
pub struct Faces {
    read: [Read; 4],
}

struct Read {
    font: Font,
    metrics: FontRef<'static>,
    units: f32,
}

impl std::fmt::Debug for Faces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Faces")
    }
}

impl Faces {
    /// Reads the faces inside the program.
    pub fn read() -> Self {
        Self { read: FACES.map(Read::of) }
    }

    fn face(&self, face: Face) -> &Read {
        let [regular, bold, italic, mono] = &self.read;
        match face {
            Face::Regular => regular,
            Face::Bold => bold,
            Face::Italic => italic,
            Face::Mono => mono,
        }
    }

    pub fn font(&self, face: Face) -> Font {
        self.face(face).font.clone()
    }

    /// How wide a text is in points at `size`.
    pub fn width(&self, face: Face, size: f32, text: &str) -> f32 {
        let face = self.face(face);
        text.chars().map(|c| face.glyph(c).1).sum::<f32>() * size
    }

    /// The signs of a text, one for each character.
    pub fn glyphs(&self, face: Face, text: &str) -> Vec<KrillaGlyph> {
        let face = self.face(face);
        let glyph = |(at, c): (usize, char)| {
            let (id, advance) = face.glyph(c);
            KrillaGlyph::new(id, advance, 0.0, 0.0, 0.0, at..at + c.len_utf8(), None)
        };
        text.char_indices().map(glyph).collect()
    }
}

impl Read {
    fn of(face: Face) -> Self {
        let bytes = match face {
            Face::Regular => dejavu::sans_condensed::regular(),
            Face::Bold => dejavu::sans_condensed::bold(),
            Face::Italic => dejavu::sans_condensed::oblique(),
            Face::Mono => dejavu::sans_mono::regular(),
        };
        let metrics = FontRef::new(bytes).expect("a face inside the program can be read");
        let font = Font::new(bytes.into(), 0).expect("a face inside the program can be read");
        let units = f32::from(metrics.metrics(Size::unscaled(), LocationRef::default()).units_per_em);
        Self { font, metrics, units }
    }

    /// Its sign for a character and its width in ems; what the face lacks is shown as an empty box.
    fn glyph(&self, c: char) -> (GlyphId, f32) {
        let id = self.metrics.charmap().map(c).or_else(|| self.metrics.charmap().map('\u{25a1}')).unwrap_or_default();
        let widths = self.metrics.glyph_metrics(Size::unscaled(), LocationRef::default());
        (GlyphId::new(id.to_u32()), widths.advance_width(id).unwrap_or(self.units / 2.0) / self.units)
    }
}
