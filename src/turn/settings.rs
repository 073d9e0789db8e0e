//! Every threshold of floor-taking, named, with its unit and its reason; the values stand in `config/default.toml` alone.
//! Must never hold a rule: what is done with a threshold stands in `endpointing`, `interruption` and `silence`.

mod named;

pub use named::NameError;

use crate::interview::question::QuestionKind;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// A set of thresholds to start from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Drills: short answers, a brisk pace; cuts off more.
    Quick,
    /// The default.
    #[default]
    Interview,
    /// An accommodation: for those who speak slowly, stammer, or think long.
    Patient,
}

/// The thresholds of one conversation.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What is laid over the thresholds in an interview that names no profile of its own.
    pub profile: Profile,
    /// What the profile `quick` changes.
    pub quick: Pace,
    /// What the profile `patient` changes.
    pub patient: Pace,
    pub patience: Patience,
    pub evidence: Evidence,
    pub interruption: Interruption,
    pub silence: Silence,
    /// Longest wait for the words of a pause before the turn is committed without them, ms. A loaded machine needs up
    /// to 2 s for a segment of 15 s; the record takes later words all the same.
    pub words_wait_ms_max: u64,
    /// After a key press in the code pane, silence counts for nothing for so long, ms (people type in bursts).
    pub typing_hold_ms: u64,
    /// The candidate's media was away: at least so long a pause after its return before a turn is taken, ms.
    pub back_grace_ms: u64,
    /// Longest turn, ms; past it the interviewer interrupts politely. An answer of level 5 fits in 2 minutes.
    pub monologue_ms_max: u64,
    /// How long past the limit a pause is waited for, ms, so that the interruption does not fall into a word.
    pub monologue_grace_ms: u64,
    /// A commitment that no reply follows is closed after so long, ms (the ladder of silence then runs again).
    pub reply_wait_ms_max: u64,
    /// Speech that goes on before, or within so long after, the interviewer began is the same turn, ms: a false
    /// cut-off is noticed within about a second.
    pub recovery_ms: u64,
}

/// What a profile changes; the profile `interview` changes nothing.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pace {
    /// All waits for the candidate are multiplied by this.
    pub waits_factor: f64,
    /// The silence before the reply to a confident end is multiplied by this, too: where a false cut-off hurts most, even
    /// a confident sign is given time.
    pub confident_factor: f64,
    /// Evidence from which an end is confident, 0..1, in place of the usual one.
    pub confident: f32,
    /// The same in a turn that was cut off once.
    pub confident_again: f32,
}

/// The longest wait without a confident sign of the end, by kind of question, ms.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patience {
    /// A fact is short: on real conversations 1.5 s cuts off 14 % of all answers, most of them long ones.
    pub factual_ms: u64,
    /// Open answers have about nine pauses; 3 s cuts off 8 % of them.
    pub explain_ms: u64,
    pub design_ms: u64,
    pub behavioural_ms: u64,
    /// A follow-up asks for one thing more and is answered in a sentence or two, whatever its question asked for.
    pub probe_ms: u64,
    /// Writing code: silence is work.
    pub code_ms: u64,
    /// Nothing was asked yet, or the kind is not known.
    pub unknown_ms: u64,
    /// After "let me think", however it was said.
    pub thinking_ms: u64,
    /// Nothing stretches a patience beyond so much, ms (thinking and code excepted): past it a wait feels dead.
    pub stretched_ms_max: u64,
}

impl Patience {
    /// The patience for `kind`, ms.
    #[must_use]
    pub fn of(&self, kind: Option<QuestionKind>) -> u64 {
        match kind {
            None => self.unknown_ms,
            Some(QuestionKind::Factual) => self.factual_ms,
            Some(QuestionKind::Explain) => self.explain_ms,
            Some(QuestionKind::Design) => self.design_ms,
            Some(QuestionKind::Behavioural) => self.behavioural_ms,
            Some(QuestionKind::Code) => self.code_ms,
        }
    }
}

/// How the signs of an end are weighed. Evidence is a number 0..1: the logistic of the weighted signs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Weight of the turn model's log-odds. Below 1, since the model alone cuts off a third of all turns.
    pub model_weight: f32,
    /// Weight of the words' completeness (-1..1): a trailing conjunction outweighs a model that says 0.9.
    pub words_weight: f32,
    /// From this evidence on the end is confident, if model and words each lean to it.
    pub confident: f32,
    /// The model's least probability of a confident end.
    pub confident_probability: f32,
    /// The same in a turn that was cut off once, where model and words have been wrong.
    pub confident_again: f32,
    /// Silence before the reply to a confident end of a factual answer, ms (people leave 200 ms).
    pub confident_factual_ms: u64,
    /// The same for a factual answer that has hardly begun, and for an open follow-up with its point missing, ms: the
    /// first short sentence is complete, and mostly not the last.
    pub confident_brief_ms: u64,
    /// The same for open answers that have said what must be said, ms.
    pub confident_open_ms: u64,
    /// The same for open answers while something that must be said is missing, ms: people think for about a second
    /// between two complete sentences.
    pub confident_missing_ms: u64,
    /// Added to the confident silence for each time this turn was cut off, ms.
    pub confident_again_ms: u64,
    /// From this share on, 0..1, all that must be said counts as said (speech and recogniser lose some of it).
    pub covered_share_min: f32,
    /// Below this share, 0..1, an answer has hardly begun, however long it is.
    pub begun_share_min: f32,
    /// Up to so many words an answer has hardly begun, unless all was said: a short first sentence.
    pub brief_words_max: usize,
    /// Silence before the reply to an end said in words ("that's all"), ms.
    pub explicit_ms: u64,
    /// "I don't know" is such an end unless the turn model's probability is below this: "…, but I would guess".
    pub dont_know_probability: f32,
    /// Added to the confident silence for each false cut-off of this candidate so far, ms: we learn.
    pub cutoff_penalty_ms: u64,
    /// Patience grows with the odds of going on to this power. In real talk the share of pauses that outlast t falls as
    /// t to the power -2.3, and then the best wait grows with the odds to the power 1 / (1 + 2.3); less here, since
    /// the signs are surer of themselves than they are right.
    pub lean_exponent: f32,
    /// The log-odds of an end at which patience is as it was set: what a pause behind complete words usually has.
    pub lean_usual: f32,
    /// Patience is multiplied by no more than this where the signs say "goes on".
    pub hesitant_stretch: f32,
    /// The same where no turn model has heard the voice: many an answer trails off in "so" or "but uh".
    pub hesitant_alone_stretch: f32,
    /// How complete words without the model's opinion look at most, -1..1, if they do not say so themselves: some
    /// transcribers write a full stop at every pause.
    pub words_alone_max: f32,
    /// Patience is multiplied by no less than this where the signs lean to the end without being confident.
    pub leaning_stretch: f32,
    /// Where it is not known what was asked, patience grows with the time talked so far to this power …
    pub so_far_exponent: f32,
    /// … over this, ms (two of three answers are shorter; one that is longer has about nine pauses), …
    pub so_far_usual_ms: u64,
    /// … within these two.
    pub so_far_stretch_min: f32,
    pub so_far_stretch_max: f32,
    /// There, it also grows with how often the turn has paused, to this power …
    pub fluency_exponent: f32,
    /// … over one pause in so long, ms, …
    pub pause_every_usual_ms: u64,
    /// … as if so many usual ones had been heard too, …
    pub pauses_prior: f32,
    /// … within these two.
    pub fluency_stretch_min: f32,
    pub fluency_stretch_max: f32,
    /// Patience grows with the candidate's own pauses (their geometric mean) …
    pub own_pause_exponent: f32,
    /// … over this, ms (half of the pauses inside turns are shorter), …
    pub own_pause_usual_ms: u64,
    /// … as if so many usual ones had been heard too (pauses differ more within people than between them), …
    pub own_pauses_prior: usize,
    /// … within these two.
    pub own_stretch_min: f32,
    pub own_stretch_max: f32,
}

/// What counts as an interruption of the interviewer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interruption {
    /// Speech shorter than this is a click or a breath, ms; from here on the interviewer holds its speech.
    pub speech_ms_min: u64,
    /// Speech longer than this is no backchannel, ms (those last under a second).
    pub backchannel_ms_max: u64,
    /// Words other than backchannels that make an interruption.
    pub words_min: usize,
    /// The interviewer holds at most so long for the words after the sound ended, ms; then it goes on.
    pub hold_ms_max: u64,
    /// A sound whose words could not be had is an interruption from this length on, ms.
    pub wordless_ms_min: u64,
    /// Speech during a line that cannot be interrupted counts as an answer if it ended less than this before it, ms.
    pub early_answer_ms: u64,
}

/// The ladder of silence, each step counted from the end of the question, ms.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    pub nudge_ms: u64,
    pub offer_skip_ms: u64,
    pub move_on_ms: u64,
    /// Nothing from the candidate over all questions: the interview ends kindly.
    pub idle_ms: u64,
    /// At least so long between the interviewer's last words and the next step, ms.
    pub gap_ms: u64,
    /// All steps are multiplied by this while code is asked for.
    pub code_factor: u64,
}

impl Default for Settings {
    /// As `[turn]` of `config/default.toml` states them, which is the only place of their values.
    fn default() -> Self {
        static STATED: LazyLock<Settings> = LazyLock::new(|| {
            let file: DefaultFile = toml::from_str(include_str!("../../config/default.toml"))
                .expect("the built-in defaults state every threshold");
            file.turn
        });
        STATED.clone()
    }
}

/// What of the built-in defaults is the floor's.
#[derive(Deserialize)]
struct DefaultFile {
    turn: Settings,
}

impl Settings {
    /// The thresholds of one interview: `profile` (or the one that is set here) laid over them, then the candidate's
    /// accommodation.
    #[must_use]
    pub fn of_interview(self, profile: Option<Profile>, multiplier: f64) -> Self {
        let pace = match profile.unwrap_or(self.profile) {
            Profile::Interview => return self.with_multiplier(multiplier),
            Profile::Quick => self.quick.clone(),
            Profile::Patient => self.patient.clone(),
        };
        let mut settings = self.with_multiplier(pace.waits_factor * multiplier);
        let evidence = &mut settings.evidence;
        for ms in [&mut evidence.confident_factual_ms, &mut evidence.confident_open_ms] {
            *ms = scaled(*ms, pace.confident_factor);
        }
        evidence.confident = pace.confident;
        evidence.confident_again = pace.confident_again;
        settings
    }
}

impl Settings {
    /// The same with all waits for the candidate multiplied (accommodations: 1.25, 1.5, 2).
    #[must_use]
    pub fn with_multiplier(mut self, multiplier: f64) -> Self {
        let patience = &mut self.patience;
        let silence = &mut self.silence;
        let evidence = &mut self.evidence;
        for ms in [
            &mut patience.factual_ms,
            &mut patience.explain_ms,
            &mut patience.design_ms,
            &mut patience.behavioural_ms,
            &mut patience.probe_ms,
            &mut patience.code_ms,
            &mut patience.unknown_ms,
            &mut patience.thinking_ms,
            &mut patience.stretched_ms_max,
            &mut evidence.confident_factual_ms,
            &mut evidence.confident_brief_ms,
            &mut evidence.confident_open_ms,
            &mut evidence.confident_missing_ms,
            &mut silence.nudge_ms,
            &mut silence.offer_skip_ms,
            &mut silence.move_on_ms,
            &mut self.typing_hold_ms,
            &mut self.monologue_ms_max,
        ] {
            *ms = scaled(*ms, multiplier);
        }
        self
    }
}

/// What a candidate's accommodation may multiply the waits by.
pub const MULTIPLIERS: [f64; 4] = [1.0, 1.25, 1.5, 2.0];

/// Reads one of [`MULTIPLIERS`].
pub fn multiplier(text: &str) -> Result<f64, String> {
    let offered = || MULTIPLIERS.map(|multiplier| multiplier.to_string()).join(", ");
    text.parse()
        .ok()
        .filter(|number| MULTIPLIERS.contains(number))
        .ok_or_else(|| format!("{text:?} is none of {}", offered()))
}

/// `ms` times `factor`, to the millisecond.
pub(super) fn scaled(ms: u64, factor: f64) -> u64 {
    std::time::Duration::from_millis(ms).mul_f64(factor.max(0.0)).as_millis().try_into().unwrap_or(u64::MAX)
}
