//! The constants of the local scorer, from one documented file with a version (`config/scoring/local.toml`), fitted by
//! `scripts/tuning/fit.py`. Must never be changed by hand where the file says that they are fitted.

use super::features::{Features, NAMES};
use super::material::ABOUT;
use super::points::Shares;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// The constants inside the program.
const SHIPPED: &str = include_str!("../../../config/scoring/local.toml");

static WEIGHTS: LazyLock<Weights> =
    LazyLock::new(|| Weights::parse(SHIPPED).expect("a unit test reads the built-in file"));

/// See the comments of `config/scoring/local.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    pub version: u32,
    points: PointShares,
    pub guard: Guards,
    pub confidence: Confidences,
    meaning: Model,
    words: Model,
}

/// Shares of a key point's meaning, with the model of meaning and without.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PointShares {
    meaning: [f64; 2],
    words: [f64; 2],
}

/// What holds a score down whatever its figures.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guards {
    pub asked_share_min: f64,
    pub own_share_min: f64,
    pub right_mass_min: f64,
    pub list_fillers_max: f64,
    pub list_words_min: usize,
    pub prose_fillers_min: f64,
    pub list_worth: f64,
    pub short_words: usize,
    idle_meaning: [f64; 2],
    idle_words: [f64; 2],
}

/// Shares of a sentence's mass that the reference must say, lest it be idle: of any, and of one with words of grading.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct IdleShares {
    pub plain: f64,
    pub grading: f64,
}

/// How sure the scorer is.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confidences {
    pub authored: f64,
    pub derived: f64,
    pub without_meaning: f64,
    pub language_neutral: f64,
    pub short: f64,
    pub flagged: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    intercept: f64,
    /// For each figure about the material: what takes back how much of such material answers usually have.
    material: [f64; ABOUT],
    /// The figures that it uses.
    figure: Vec<Figure>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Figure {
    name: String,
    slope: f64,
    /// Its place among the figures.
    #[serde(skip)]
    at: usize,
}

impl Weights {
    fn parse(text: &str) -> Result<Self, String> {
        let mut weights: Self = toml::from_str(text).map_err(|e| e.to_string())?;
        for figure in weights.meaning.figure.iter_mut().chain(&mut weights.words.figure) {
            let at = NAMES.iter().position(|name| *name == figure.name);
            figure.at = at.ok_or_else(|| format!("{} is no figure of the program", figure.name))?;
        }
        Ok(weights)
    }

    /// The constants inside the program.
    #[must_use]
    pub fn shipped() -> &'static Self {
        &WEIGHTS
    }

    /// As reports name it: the version, and a hash of all that judges beside the rubric, these constants and the list of
    /// what makes no difference.
    #[must_use]
    pub fn name() -> String {
        let hash = Sha256::new().chain_update(SHIPPED).chain_update(super::plain::SHIPPED).finalize();
        let start: String = hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        format!("{} ({start})", Self::shipped().version)
    }

    /// Score01 by the figures, before any guard.
    #[must_use]
    pub fn score01(&self, features: &Features, about: &[f64; ABOUT], meaning: bool) -> f64 {
        let model = if meaning { &self.meaning } else { &self.words };
        let mut score = model.intercept;
        score += model.material.iter().zip(about).map(|(slope, about)| slope * about).sum::<f64>();
        score += model.figure.iter().map(|figure| figure.slope * features.values[figure.at]).sum::<f64>();
        score.clamp(0.0, 1.0)
    }

    #[must_use]
    pub fn idle(&self, meaning: bool) -> IdleShares {
        let [plain, grading] = if meaning { self.guard.idle_meaning } else { self.guard.idle_words };
        IdleShares { plain, grading }
    }

    #[must_use]
    pub fn shares(&self, meaning: bool) -> Shares {
        let [met, partial] = if meaning { self.points.meaning } else { self.points.words };
        Shares { met, partial }
    }
}

#[cfg(test)]
mod tests {
    use super::{SHIPPED, Weights};

    #[test]
    fn the_shipped_constants_are_of_this_program() {
        assert!(Weights::parse(SHIPPED).is_ok());
        assert!(Weights::parse(&SHIPPED.replacen("covered", "coverage", 1)).is_err());
    }

    #[test]
    fn more_of_the_reference_never_lowers_a_score() {
        let weights = Weights::parse(SHIPPED).expect("constants");
        for model in [&weights.meaning, &weights.words] {
            for figure in &model.figure {
                let against = matches!(figure.name.as_str(), "other_mass" | "sense_other_mass" | "denied");
                assert!(if against { figure.slope <= 0.0 } else { figure.slope >= 0.0 }, "{}", figure.name);
            }
        }
    }
}
