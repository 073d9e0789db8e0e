//! Moonshine's vocabulary: token numbers to text.

/// Numbers up to this one print nothing (padding, begin, end).
const SILENT_MAX: i64 = 2;

/// The vocabulary.
#[derive(Debug)]
pub struct Tokenizer {
    pieces: Vec<Vec<u8>>,
}

impl Tokenizer {
    /// Reads the vocabulary's file: byte strings, each after its length; a length byte of 128 or more is the low part
    /// of two. `None` if a string runs past the end.
    #[must_use]
    pub fn read(mut file: &[u8]) -> Option<Self> {
        let mut pieces = Vec::new();
        while let Some((&first, rest)) = file.split_first() {
            file = rest;
            let mut length = usize::from(first);
            if first >= 128 {
                let (&high, rest) = file.split_first()?;
                file = rest;
                length = usize::from(high) * 128 + length - 128;
            }
            pieces.push(file.get(..length)?.to_vec());
            file = &file[length..];
        }
        (!pieces.is_empty()).then_some(Self { pieces })
    }

    /// The text of `tokens`, trimmed.
    #[must_use]
    pub fn text(&self, tokens: &[i64]) -> String {
        let mut bytes = Vec::with_capacity(tokens.len() * 4);
        for &token in tokens.iter().filter(|&&token| token > SILENT_MAX) {
            let piece = usize::try_from(token).ok().and_then(|at| self.pieces.get(at));
            bytes.extend_from_slice(match piece.map(Vec::as_slice) {
                // A byte of a character that the vocabulary has not, such as `<0xC3>`.
                Some([b'<', b'0', b'x', hex @ .., b'>']) => {
                    let byte = std::str::from_utf8(hex).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok());
                    bytes.extend(byte);
                    continue;
                }
                Some(piece) => piece,
                None => continue,
            });
        }
        String::from_utf8_lossy(&bytes).replace('\u{2581}', " ").trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_long_strings_are_read_and_spelled() {
        let long = "x".repeat(300);
        let mut file = Vec::new();
        for piece in ["", "<s>", "</s>", "\u{2581}hello", "\u{2581}wor", "ld", "<0xC3>", "<0xA9>", &long] {
            if piece.len() < 128 {
                file.push(piece.len() as u8);
            } else {
                file.extend([128 + (piece.len() % 128) as u8, (piece.len() / 128) as u8]);
            }
            file.extend(piece.bytes());
        }
        let tokenizer = Tokenizer::read(&file).expect("whole");
        assert_eq!(tokenizer.text(&[1, 3, 4, 5, 6, 7, 2]), "hello world\u{e9}");
        assert_eq!(tokenizer.text(&[8]).len(), 300);
        assert_eq!(tokenizer.text(&[99, -1]), "");
        assert!(Tokenizer::read(&file[..file.len() - 1]).is_none());
        assert!(Tokenizer::read(&[]).is_none());
    }
}
