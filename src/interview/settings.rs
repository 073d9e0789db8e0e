//! Every limit of the conduct of an interview, named, with its unit and its reason. Must never hold a rule.

use serde::{Deserialize, Serialize};

/// The limits of one interview.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Probes of one question. Two keep it human without losing comparability; more is refused.
    pub probes_max: usize,
    /// Whether a language model may word a probe.
    pub word_probes: bool,
    /// Whether a language model is quick enough to word the whole turn: known when the interview begins, no setting.
    #[serde(skip)]
    pub word_turns: bool,
    /// Whether it is held in writing: known when the interview begins, no setting.
    #[serde(skip)]
    pub written: bool,
    /// The model's time to word a probe, from the commitment of the turn, ms; then the bank's wording is said.
    pub wording_ms_max: u32,
    /// A probe is asked only with so much of the question's time box left, ms.
    pub probe_ms_min: u64,
    /// A question is asked only with so much of the whole time left, ms.
    pub question_ms_min: u64,
    /// A press of *skip* so soon after the question changed was meant for the one before, ms: the lead-over to the new
    /// one is being said, of which nobody can be tired yet.
    pub skip_grace_ms: u64,
    /// Past the whole time, an answer under way may go on for so long, ms.
    pub time_up_grace_ms: u64,
    /// Past its time box, code may be finished for so long after the warning, ms.
    pub code_grace_ms: u64,
    /// Longest pause, ms; then the interview ends.
    pub pause_ms_max: u64,
    /// The last line is waited for so long, ms; then the interview is over all the same.
    pub closing_ms_max: u64,
    /// Turns without words that are asked back, for one question.
    pub unheard_max: u32,
    /// Lines in a row that could not be said; then the interview cannot go on.
    pub failed_lines_max: u32,
    /// Each "slower" multiplies the rate of speech by this.
    pub slower_factor: f32,
    /// The slowest rate of speech; below it voices break up.
    pub speed_min: f32,
}

/// Probes of one question, whatever the settings say.
pub const PROBES_MAX: usize = 2;

impl Default for Settings {
    fn default() -> Self {
        Self {
            probes_max: PROBES_MAX,
            word_probes: true,
            word_turns: false,
            written: false,
            wording_ms_max: 1_200,
            probe_ms_min: 20_000,
            question_ms_min: 45_000,
            skip_grace_ms: 1_200,
            time_up_grace_ms: 60_000,
            code_grace_ms: 60_000,
            pause_ms_max: 900_000,
            closing_ms_max: 30_000,
            unheard_max: 2,
            failed_lines_max: 5,
            slower_factor: 0.85,
            speed_min: 0.7,
        }
    }
}
