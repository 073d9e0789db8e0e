//! PURE: what to ask next. Events and `now` go in, commands and the next deadline come out; the vocabulary of questions
//! and answers. A language model may propose words; this policy accepts, bounds or overrides them. Must never await,
//! read a clock, draw a random number, or hear audio.

pub mod bank;
mod conversation;
pub mod coverage;
pub mod follow_up;
pub mod lines;
pub mod plan;
pub mod prompt;
pub mod question;
pub mod rehearsal;
pub mod settings;
pub mod staircase;
mod view;
pub mod wishes;
pub mod words;

#[cfg(test)]
mod tests;

use crate::id::TurnId;
pub use conversation::Interview;
pub use plan::{Plan, PlanError, PlanRequest};
pub use prompt::Refusal;
use question::QuestionKind;
use serde::{Deserialize, Serialize};
pub use settings::Settings;
pub use view::{Facts, Offer, Phase, QuestionView, View};

/// What happened.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// The candidate is there and has consented: begin (or, after a restart, go on where the log says).
    Begin,
    /// The candidate has finished a turn with these words (typed or spoken; may be empty of content).
    Answered {
        turn: TurnId,
        text: String,
    },
    /// The committed turn goes on after all: forget what `Answered { turn }` did.
    Reopened {
        turn: TurnId,
    },
    /// The words of a turn that was overruled: they belong to the answer to this question, and ask for no reply. Told
    /// before the wish that overruled it, where the words are known by then.
    Said {
        question_key: String,
        text: String,
    },
    /// A line was said to its end / was interrupted by the candidate / could not be said.
    LineDone {
        line: LineId,
    },
    LineInterrupted {
        line: LineId,
    },
    LineFailed {
        line: LineId,
    },
    /// A wish by button (phrases are found in `Answered`).
    Wish(Wish),
    /// The ladder of silence.
    Silence(crate::turn::SilenceStep),
    /// The candidate talked beyond the limit.
    Monologue {
        turn: TurnId,
        text: String,
    },
    /// Code as it stands; `submitted` by button.
    Code {
        question_key: String,
        language: String,
        content: String,
        submitted: bool,
    },
    /// A language model proposes words for a line that asked for them.
    Proposed {
        line: LineId,
        text: String,
    },
    /// End now (button, admin, shutdown).
    End {
        reason: EndReason,
    },
}

/// What a candidate may wish for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    Repeat,
    Rephrase,
    Slower,
    Moment,
    Skip,
    Pause,
    Resume,
    End,
}

/// One thing to be said; the shell gives it a speech id when it is spoken.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LineId(pub u32);

/// What the shell is to do.
#[derive(Clone, PartialEq, Debug)]
pub enum Command {
    /// Say this (after what is being said). The line may be worded by a model within its deadline.
    Say(Line),
    /// A question was opened / closed: for the record and the page. A question opened again goes on: the answer that
    /// had closed it was reopened, or the server was restarted.
    QuestionOpened {
        key: String,
        number: u32,
    },
    QuestionClosed {
        key: String,
        outcome: QuestionOutcome,
    },
    /// These words were a wish by phrase, not an answer: for the record. `Moment` is also an event for `turn`.
    WishHeard {
        turn: TurnId,
        wish: Wish,
    },
    Paused,
    Resumed,
    /// The text that stands for a line for which words were `Proposed`: the model's, or the authored one and why. An
    /// empty one is not said.
    Worded {
        line: LineId,
        text: String,
        refused: Option<Refusal>,
    },
    /// The interview is over; the last line (if any) has been said.
    Finished {
        reason: EndReason,
    },
}

/// One thing to be said.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    pub id: LineId,
    pub kind: LineKind,
    /// What is said if nothing better comes: the bank's or our own wording. Empty in a line that a model words and that
    /// is left out where it does not: a receipt was said before it.
    pub text: String,
    /// A model may word it: the shell asks with this and, if an answer comes within the deadline, hands it back as
    /// `Proposed`; the policy then says which text stands.
    pub wording: Option<WordingRequest>,
    /// Its words come with those that this line asks for.
    pub worded_with: Option<LineId>,
    /// False for consent, disclosure and instructions.
    pub interruptible: bool,
    /// The question it belongs to.
    pub question_key: Option<String>,
    /// Whether the floor is the candidate's after it, with this patience.
    pub expects_answer: Option<QuestionKind>,
    /// A follow-up was asked last: what is expected is short.
    pub probe: bool,
    /// Rate of speech, 1.0 normal ("slower" lowers it).
    pub speed: f32,
}

/// What sort of line it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    Greeting,
    Disclosure,
    Acknowledgement,
    Question,
    Probe,
    Repeat,
    Nudge,
    Instruction,
    Closing,
}

/// What a model is asked for.
#[derive(Clone, PartialEq, Debug)]
pub struct WordingRequest {
    pub system: String,
    /// With the candidate's words delimited as data.
    pub user: String,
    /// From the commitment of the turn; past it the line's own text is said.
    pub deadline_ms: u32,
    /// The first sentence is this line's, the rest belongs to that one.
    pub then: Option<LineId>,
}

/// How a question ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionOutcome {
    Answered,
    Skipped,
    NotAnswered,
    /// Time was up.
    CutShort,
}

/// How an interview ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The plan is done.
    Completed,
    /// The candidate asked for it.
    CandidateEnded,
    TimeUp,
    /// Silence to the end of the ladder.
    Idle,
    /// The candidate left and did not come back.
    Left,
    /// Somebody with the right to ended it.
    Cancelled,
    /// The server is going down and nobody took over.
    Shutdown,
    /// We could not go on.
    Failed,
}
