//! What others may see of an interview: the page's view, and the facts from which it goes on after a restart. Must never
//! decide.

use super::question::QuestionKind;
use super::{EndReason, QuestionOutcome};
use serde::{Deserialize, Serialize};

/// Where an interview stands, for the page. Whether somebody speaks is the floor's to say.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct View {
    pub phase: Phase,
    pub question: Option<QuestionView>,
    pub elapsed_ms: u64,
    pub remaining_ms: u64,
    pub paused: bool,
}

/// The part of the interview that is under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Connecting,
    Greeting,
    Asking,
    Paused,
    Closing,
    Ended,
}

/// The question in hand.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct QuestionView {
    pub id: String,
    /// From 1.
    pub number: u32,
    pub of: u32,
    pub text: String,
    /// The follow-up that was asked last, if any.
    pub probe: Option<String>,
    pub kind: QuestionKind,
    pub time_box_s: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starter: Option<String>,
}

/// All that an interview must know to go on after a restart. Logged whenever it changes, with the event that
/// changed it. Code is not of them: each change of it stands in an event of its own.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Facts {
    /// Questions that are over, in order.
    pub closed: Vec<ClosedQuestion>,
    pub open: Option<OpenQuestion>,
    pub paused: bool,
    /// Time used, pauses not counted, ms.
    pub elapsed_ms: u64,
    /// Greeting and disclosure were said.
    pub greeted: bool,
    /// The next line's number.
    pub next_line: u32,
    /// Acknowledgements and nudges so far, for their rotation.
    pub rotation: usize,
    /// Rate of speech; 0 means never set.
    pub speed: f32,
    /// Set once the interview is closing or over.
    pub ending: Option<EndReason>,
}

/// A question that is over.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ClosedQuestion {
    pub key: String,
    pub outcome: QuestionOutcome,
    /// How much of what must be said was said, 0 to 1; of what was passed over nothing is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covered: Option<f32>,
}

/// The question in hand, as far as it must survive.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct OpenQuestion {
    pub key: String,
    /// What was answered so far.
    pub answer: String,
    /// Probes asked, by their index in the bank.
    pub probes: Vec<usize>,
    /// The last probe's text, as it was said.
    pub last_probe: Option<String>,
    /// The kind offer after "I don't know" was made.
    pub encouraged: bool,
    /// The code was submitted.
    pub submitted: bool,
    /// Time used of its time box, ms.
    pub used_ms: u64,
    /// What "yes" would be an answer to. Who comes back after a break is asked anew.
    #[serde(default)]
    pub offer: Offer,
    /// The candidate was told that the time for the code is short.
    #[serde(default)]
    pub warned: bool,
    /// "Submit when you are ready" was said.
    #[serde(default)]
    pub code_heard: bool,
}

/// A question of ours that "yes" or "no" answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Offer {
    #[default]
    Nothing,
    Repeat,
    Skip,
    Try,
    End,
}
