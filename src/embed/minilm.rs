//! all-MiniLM-L6-v2, eight-bit, through ONNX Runtime. One thread and one text at a time, so that what else is read makes
//! no difference to a text's numbers. Must never be given a language that it was not trained on.

use super::integers::by_integers;
use super::wordpiece::{WordPieces, rarity};
use super::{EmbedError, Embedder, Pieces, Reading};
use crate::onnx::OnnxRuntime;
use ort::session::Session;
use ort::value::TensorRef;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Numbers of one vector.
const WIDTH: usize = 384;
/// Pieces read at once, without the frame: what the model was trained with. Longer texts are read in parts.
const PIECES_MAX: usize = 254;

/// The model.
#[derive(Debug)]
pub struct MiniLm {
    pieces: WordPieces,
    session: Mutex<Session>,
}

impl MiniLm {
    /// Opens the model with its vocabulary.
    ///
    /// # Errors
    /// [`EmbedError::Load`] where a file is not what it should be.
    pub fn open(runtime: &OnnxRuntime, model: &Path, vocabulary: &Path) -> Result<Self, EmbedError> {
        let load = |why: String| EmbedError::Load(why);
        let text = std::fs::read_to_string(vocabulary).map_err(|e| load(format!("{}: {e}", vocabulary.display())))?;
        let pieces =
            WordPieces::parse(&text).ok_or_else(|| load(format!("{}: no vocabulary", vocabulary.display())))?;
        let shipped = std::fs::read(model).map_err(|e| load(format!("{}: {e}", model.display())))?;
        let session = match by_integers(&shipped) {
            Some(packed) => runtime.session_of(&packed, model),
            None => runtime.session(model),
        };
        let session = session.map_err(|e| load(e.to_string()))?;
        Ok(Self { pieces, session: Mutex::new(session) })
    }

    /// The vectors of the pieces of one part, row by row.
    fn run(&self, pieces: &[i64]) -> Result<Vec<f32>, EmbedError> {
        let run = || -> ort::Result<Vec<f32>> {
            let shape = [1_usize, pieces.len()];
            let (ones, zeros) = (vec![1_i64; pieces.len()], vec![0_i64; pieces.len()]);
            let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
            let outputs = session.run(ort::inputs! {
                "input_ids" => TensorRef::from_array_view((shape, pieces))?,
                "attention_mask" => TensorRef::from_array_view((shape, ones.as_slice()))?,
                "token_type_ids" => TensorRef::from_array_view((shape, zeros.as_slice()))?,
            })?;
            Ok(outputs[0].try_extract_tensor::<f32>()?.1.to_vec())
        };
        let rows = run().map_err(|e| EmbedError::Run(e.to_string()))?;
        let whole = rows.len() == pieces.len() * WIDTH;
        whole.then_some(rows).ok_or_else(|| EmbedError::Run("it answered in another shape".to_owned()))
    }
}

impl Embedder for MiniLm {
    fn read(&self, words: &[&str], ends: &[usize]) -> Result<Reading, EmbedError> {
        let cut: Vec<Vec<u32>> = words.iter().map(|word| self.pieces.pieces(word)).collect();
        let mut rows = vec![0.0; words.len() * WIDTH];
        let mut pieces = Pieces::none(WIDTH);
        let mut start = 0;
        while start < words.len() {
            let mut part = vec![i64::from(self.pieces.opening)];
            // Which word each piece belongs to; none for the frame and full stops.
            let mut owners = vec![None];
            let mut end = start;
            while end < words.len() && (end == start || part.len() + cut[end].len() <= PIECES_MAX) {
                part.extend(cut[end].iter().take(PIECES_MAX).map(|&piece| i64::from(piece)));
                owners.resize(part.len(), Some(end));
                if ends.binary_search(&end).is_ok() {
                    part.push(i64::from(self.pieces.full_stop));
                    owners.push(None);
                }
                end += 1;
            }
            part.push(i64::from(self.pieces.closing));
            let read = self.run(&part)?;
            for ((row, owner), piece) in read.chunks_exact(WIDTH).zip(owners).zip(part) {
                let Some(word) = owner else { continue };
                pieces.push(word, row, rarity(&[u32::try_from(piece).unwrap_or(self.pieces.unknown)]));
                rows[word * WIDTH..(word + 1) * WIDTH].iter_mut().zip(row).for_each(|(sum, part)| *sum += part);
            }
            start = end;
        }
        Ok(Reading::new(WIDTH, rows, cut.iter().map(|pieces| rarity(pieces)).collect(), pieces))
    }

    fn name(&self) -> String {
        "all-MiniLM-L6-v2, 8 bit".to_owned()
    }
}
