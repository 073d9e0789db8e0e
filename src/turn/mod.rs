//! PURE: who may speak. Events and `now` go in, commands and the next deadline come out; after every event the shell
//! drains `poll_command` until `None`, and timers due are handled before the event at the same instant. Must never
//! await, read a clock, draw a random number, know what is asked, or see a provider.

pub mod endpointing;
mod floor;
mod interruption;
pub mod settings;
mod silence;
mod utterance;
pub mod words;

#[cfg(test)]
mod tests;

use crate::audio::frame::SamplePos;
use crate::id::{SpeechId, TurnId, UtteranceId};
use crate::interview::question::QuestionKind;
pub use floor::TurnTaking;
use serde::{Deserialize, Serialize};
pub use settings::{Profile, Settings};

/// What happened.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The voice detector: the candidate began to speak at `at` (position of the first speech, not of its detection),
    /// `speech_ms` before this was told. Ids ascend; the latest may begin again, if it had only paused; old ones are
    /// ignored.
    SpeechStarted {
        utterance: UtteranceId,
        at: SamplePos,
        speech_ms: u64,
    },
    /// The candidate has been silent since `at`, `silence_ms` before this was told (the detector's hangover).
    SpeechStopped {
        utterance: UtteranceId,
        at: SamplePos,
        silence_ms: u64,
    },
    /// The turn model's probability that the candidate has finished, judged on the audio up to the pause.
    Completion {
        utterance: UtteranceId,
        probability: f32,
    },
    /// The words of an utterance so far (latest revision; empty if there were none). Told after a pause of it they are
    /// all that was said up to there; `last`: whatever else is told, no more will come.
    Words {
        utterance: UtteranceId,
        text: String,
        last: bool,
    },
    /// The words of an utterance will not come.
    WordsFailed {
        utterance: UtteranceId,
    },
    /// What was heard as this utterance is the interviewer's own voice, come back (see [`words::is_echo`]).
    Echo {
        utterance: UtteranceId,
    },
    /// A key was pressed in the code pane, or code was changed.
    Typing,
    /// The candidate sent typed text: it is committed at once, with whatever was being said.
    Typed,
    /// The candidate says by button: I have finished. (The phrase is found in the words.)
    Finished,
    /// The candidate asks for time: the button, or the interview found the whole turn to be such a request.
    Moment,
    /// Another sign of life: a button that is none of the above.
    Active,
    /// A wish by button takes the floor from whatever is being said (skip, repeat, rephrase, slower, pause, end): told
    /// before the wish is carried out. What was said is committed with [`Reason::Overruled`], and the next line is
    /// neither an interruption of it nor interrupted by it.
    Overruled,
    /// How much of what must be said the open turn has said, with all that was said before it (0 to 1, see
    /// [`crate::interview::Interview::covered`]). Told before the `Words` that it was judged on; holds until told anew.
    Coverage {
        share: f32,
    },
    /// The interviewer asks something with what it says now or next: the floor is the candidate's when that ends.
    Asked {
        kind: QuestionKind,
        /// A follow-up: its answer is short.
        probe: bool,
    },
    /// The interviewer began to speak (first sample sent).
    InterviewerStarted {
        speech: SpeechId,
        interruptible: bool,
    },
    /// The interviewer's speech is over (last sample sent, or stopped).
    InterviewerEnded {
        speech: SpeechId,
    },
    Paused,
    Resumed,
    /// The candidate's media is away / back: silence then means nothing.
    Away,
    Back,
}

/// What the shell is to do.
#[derive(Clone, PartialEq, Debug)]
pub enum Command {
    /// A pause that may be the end: prepare the reply to the turn as it stands.
    Prepare { turn: TurnId },
    /// The candidate goes on: what was prepared for `turn` is worthless.
    Discard { turn: TurnId },
    /// The candidate has finished.
    Commit { turn: TurnId, utterances: Vec<UtteranceId>, decision: Decision },
    /// The candidate went on although we had taken the floor: stop `speech` (if any was begun), drop it without trace;
    /// the turn goes on and will be committed again under the same id.
    Reopen { turn: TurnId, speech: Option<SpeechId> },
    /// Possibly an interruption: hold the speech where it is.
    Hold { speech: SpeechId },
    /// It was none: go on with the speech where it was.
    Resume { speech: SpeechId },
    /// It was one: stop the speech for good.
    Stop { speech: SpeechId },
    /// Nobody has said anything for a while.
    Silence(SilenceStep),
    /// The candidate has talked beyond the limit for one turn: it will be committed with [`Reason::Monologue`] at the
    /// next pause, or a few seconds later without one. That commitment is the interview's `Monologue`.
    Monologue { turn: TurnId },
    /// What was heard as `utterance` belongs to no turn (a cough, a backchannel, an echo, speech during a pause): for
    /// the record only.
    Aside { utterance: UtteranceId },
}

/// Steps of the ladder of silence.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SilenceStep {
    Nudge,
    OfferSkip,
    MoveOn,
    End,
}

/// Why and when a turn was taken to be complete; goes into the event log as it stands.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Decision {
    pub reason: Reason,
    /// Where the candidate's last speech ended, on the session's clock.
    pub speech_end: SamplePos,
    /// Silence at the decision, ms.
    pub silence_ms: u64,
    /// What the policy would have waited at most, ms.
    pub patience_ms: u64,
    /// The turn model's last probability, where there was one.
    pub completion: Option<f32>,
    /// Whether the words look complete (-1 clearly not .. 1 clearly), where there were any.
    pub words_completeness: Option<f32>,
    /// How often this turn was committed and reopened before: false cut-offs that were recovered.
    pub reopened: u32,
    /// What was asked; `None` before the first question.
    pub kind: Option<QuestionKind>,
    /// A follow-up was asked.
    #[serde(default)]
    pub probe: bool,
    /// How much of what must be said was said (0 to 1), where it is known.
    #[serde(default)]
    pub covered: Option<f32>,
}

/// What decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Model and words agree.
    Confident,
    /// The patience for this kind of question ran out.
    Patience,
    /// Button, phrase or typed text.
    Explicit,
    /// The limit of a monologue.
    Monologue,
    /// The interviewer had to take the floor (time is up, a wish by button, a line that was under way already): for
    /// the record, not an answer to be replied to.
    Overruled,
}
