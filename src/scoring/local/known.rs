//! What was read of questions, kept for the next answers to them. Must never hold anything of an answer, and never make a
//! difference to a score.

use super::material::Material;
use crate::scoring::grader::{Flag, GradingInput};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Questions whose material is kept: more than one interview or a usual set of answers has, in whatever order they come;
/// up to about half a megabyte each. Beyond it the one that was used longest ago goes.
const MATERIALS_MAX: usize = 160;

/// The material of one question.
#[derive(Clone, Debug)]
pub struct Known {
    pub material: Arc<Material>,
    /// Words to a grader in it.
    pub flags: Vec<Flag>,
}

/// Materials by what they were read from.
#[derive(Default, Debug)]
pub struct Materials {
    /// Each with the use at which it was used last.
    read: BTreeMap<[u8; 32], (Known, u64)>,
    /// Counts the uses.
    uses: u64,
}

impl Materials {
    /// What is kept under a key; it counts as used.
    pub fn used(&mut self, key: &[u8; 32]) -> Option<Known> {
        self.uses += 1;
        let (known, used) = self.read.get_mut(key)?;
        *used = self.uses;
        Some(known.clone())
    }

    /// Keeps it, in the place of another where there are too many.
    pub fn keep(&mut self, key: [u8; 32], known: Known) {
        if self.read.len() >= MATERIALS_MAX {
            let oldest = self.read.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| *key);
            oldest.and_then(|oldest| self.read.remove(&oldest));
        }
        self.read.insert(key, (known, self.uses));
    }
}

/// What a material is read from.
#[must_use]
pub fn key(input: &GradingInput<'_>, meaning: bool) -> [u8; 32] {
    let mut hash = Sha256::new();
    for text in [input.question, input.reference, input.rubric, if meaning { "meaning" } else { "" }] {
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    }
    for point in input.key_points {
        // Terms are not read here.
        for text in std::iter::once(&point.statement).chain(&point.paraphrases) {
            hash.update(text.len().to_le_bytes());
            hash.update(text);
        }
        hash.update(point.weight.to_le_bytes());
        hash.update([u8::from(point.must)]);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::{Known, MATERIALS_MAX, Material, Materials};
    use crate::scoring::grader::GradingInput;
    use std::sync::Arc;

    #[test]
    fn what_is_used_stays_and_what_was_used_longest_ago_goes() {
        let input = GradingInput {
            question: "",
            reference: "",
            rubric: "",
            key_points: &[],
            misconceptions: &[],
            answer: "",
            code: None,
            max_score: 5.0,
            language: "en",
        };
        let known = Known { material: Arc::new(Material::read(&input, None)), flags: Vec::new() };
        let key = |number: usize| std::array::from_fn(|at| u8::try_from(number >> (8 * at.min(7)) & 0xff).unwrap_or(0));
        let mut materials = Materials::default();
        materials.keep(key(0), known.clone());
        for number in 1..MATERIALS_MAX + 10 {
            assert!(materials.used(&key(0)).is_some(), "{number}");
            materials.keep(key(number), known.clone());
        }
        assert_eq!(materials.read.len(), MATERIALS_MAX);
        assert!(materials.used(&key(1)).is_none() && materials.used(&key(MATERIALS_MAX + 9)).is_some());
    }
}
