//! How long to wait in a pause before taking the floor: fuses the kind's patience, the turn model's probability, the
//! completeness of the words, explicit signs and the candidate's own pauses. Must never know the state of the floor.

use super::Reason;
use super::settings::{Evidence, Settings, scaled};
use super::words::Sign;
use crate::interview::question::QuestionKind;
use std::collections::VecDeque;

/// What is known of a pause.
#[derive(Clone, Debug)]
pub struct Pause {
    pub kind: Option<QuestionKind>,
    /// A follow-up was asked.
    pub probe: bool,
    /// How much of what must be said was said (0 to 1), where it is known.
    pub covered: Option<f32>,
    /// Words of the whole turn, backchannels not counted.
    pub words: usize,
    /// The turn model's probability that the turn is complete.
    pub completion: Option<f32>,
    /// -1 clearly goes on .. 1 clearly complete.
    pub completeness: Option<f32>,
    pub sign: Sign,
    /// The words are a request for time and nothing else.
    pub only_moment: bool,
    /// The last words are all that was said in this turn.
    pub whole: bool,
    /// From the turn's first sound to this pause, ms.
    pub so_far_ms: u64,
    /// Pauses in this turn so far, this one not counted.
    pub pauses: u32,
    /// The candidate asked for time by button.
    pub thinking: bool,
    /// How often this turn was cut off already.
    pub reopened: u32,
}

/// What was decided about a pause.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Wait {
    /// Silence after which the floor is taken, ms.
    pub ms: u64,
    /// The longest wait that the kind, the words and the candidate's habit ask for, ms.
    pub patience_ms: u64,
    pub reason: Reason,
}

/// How long to wait in `pause`.
#[must_use]
pub fn wait(settings: &Settings, own: &OwnPauses, pause: &Pause) -> Wait {
    let patience = &settings.patience;
    if pause.thinking || asks_for_time(pause) {
        let ms = patience.thinking_ms.max(patience.of(pause.kind));
        return Wait { ms, patience_ms: ms, reason: Reason::Patience };
    }
    let weights = &settings.evidence;
    let patience_ms = patience_ms(settings, own, pause);
    if is_explicit(weights, pause) {
        return Wait { ms: weights.explicit_ms, patience_ms, reason: Reason::Explicit };
    }
    if is_confident(settings, pause) {
        let again_ms = u64::from(pause.reopened) * weights.confident_again_ms;
        let ms = confident_ms(weights, pause) + again_ms + own.cutoffs * weights.cutoff_penalty_ms;
        // Never longer than without a sign of the end.
        return Wait { ms: ms.min(patience_ms.max(base_ms(settings, pause))), patience_ms, reason: Reason::Confident };
    }
    Wait { ms: patience_ms, patience_ms, reason: Reason::Patience }
}

/// "Let me think", at the end of an answer that has begun. Before anything was asked it is talk, and holds the floor no
/// longer than other words.
fn asks_for_time(pause: &Pause) -> bool {
    pause.sign == Sign::Moment && !pause.only_moment && pause.kind.is_some()
}

/// The words themselves say that this is the end, of an answer to what was asked (in talk, people say "that's it" and "I
/// don't know" in passing). "I don't know" may go on ("but I would guess …"): there the turn model may object, and without
/// it nothing else must have been said.
fn is_explicit(weights: &Evidence, pause: &Pause) -> bool {
    match pause.sign {
        _ if pause.kind.is_none() => false,
        Sign::Done => true,
        Sign::DontKnow => {
            pause.completion.map_or(pause.whole, |probability| probability >= weights.dont_know_probability)
        }
        Sign::Moment | Sign::Nothing => false,
    }
}

/// Model and words agree that this is the end, and nothing forbids to believe them: in a code question silence is work,
/// and in a turn that was cut off once they have been wrong, so that more is asked of them.
fn is_confident(settings: &Settings, pause: &Pause) -> bool {
    let (Some(probability), Some(completeness)) = (pause.completion, pause.completeness) else { return false };
    let weights = &settings.evidence;
    let enough = if pause.reopened == 0 { weights.confident } else { weights.confident_again };
    pause.kind != Some(QuestionKind::Code)
        && probability >= weights.confident_probability
        && completeness > 0.0
        && evidence(settings, pause) >= enough
}

/// The silence that a confident end asks for, ms: a sentence that is complete need not be the last one, least of all
/// while what was asked for is still missing.
fn confident_ms(weights: &Evidence, pause: &Pause) -> u64 {
    let said = pause.covered.is_some_and(|share| share >= weights.covered_share_min);
    let brief = pause.words <= weights.brief_words_max || pause.covered.is_some_and(|s| s < weights.begun_share_min);
    match (pause.kind, pause.probe) {
        (None, _) => weights.confident_open_ms,
        (Some(QuestionKind::Factual), _) if said || !brief => weights.confident_factual_ms,
        (Some(QuestionKind::Factual), _) => weights.confident_brief_ms,
        (Some(_), _) if said => weights.confident_open_ms,
        (Some(_), true) => weights.confident_brief_ms,
        (Some(_), false) => weights.confident_missing_ms,
    }
}

/// 0..1: how much speaks for the end; 0.5 where nothing is known.
fn evidence(settings: &Settings, pause: &Pause) -> f32 {
    1.0 / (1.0 + (-lean(settings, pause)).exp())
}

/// The same in log-odds.
fn lean(settings: &Settings, pause: &Pause) -> f32 {
    let model = pause.completion.map_or(0.0, |probability| {
        let bounded = probability.clamp(PROBABILITY_MIN, 1.0 - PROBABILITY_MIN);
        (bounded / (1.0 - bounded)).ln() * settings.evidence.model_weight
    });
    model + words(settings, pause) * settings.evidence.words_weight
}

/// How complete the words look. Where no model has heard the voice, a full stop is worth no more than a word that
/// people end on: some transcribers write one at every pause.
fn words(settings: &Settings, pause: &Pause) -> f32 {
    let completeness = pause.completeness.unwrap_or(0.0);
    let alone = pause.completion.is_none() && completeness < COMPLETE;
    if alone { completeness.min(settings.evidence.words_alone_max) } else { completeness }
}

/// Words that say themselves that they are complete.
const COMPLETE: f32 = 1.0;

/// Probabilities are kept this far from 0 and 1, so that no model is believed without limit.
const PROBABILITY_MIN: f32 = 0.02;

/// The patience for what was asked, before anything is known of the answer, ms.
fn base_ms(settings: &Settings, pause: &Pause) -> u64 {
    let base_ms = settings.patience.of(pause.kind);
    if pause.probe { base_ms.min(settings.patience.probe_ms) } else { base_ms }
}

fn patience_ms(settings: &Settings, own: &OwnPauses, pause: &Pause) -> u64 {
    let base_ms = base_ms(settings, pause);
    if pause.kind == Some(QuestionKind::Code) {
        return base_ms;
    }
    let stretch = signs_stretch(settings, pause)
        * so_far_stretch(settings, pause)
        * fluency_stretch(settings, pause)
        * own.stretch(settings);
    scaled(base_ms, f64::from(stretch)).min(settings.patience.stretched_ms_max.max(base_ms))
}

/// Pauses inside a turn thin out as a power of their length, so the wait that cuts off least, for a given mean wait, grows
/// with a power of the odds that the candidate goes on.
fn signs_stretch(settings: &Settings, pause: &Pause) -> f32 {
    let weights = &settings.evidence;
    if pause.completion.is_none() && pause.completeness.is_none() {
        return 1.0;
    }
    let hesitant = if pause.completion.is_some() { weights.hesitant_stretch } else { weights.hesitant_alone_stretch };
    let longest = hesitant.max(weights.leaning_stretch);
    (weights.lean_exponent * (weights.lean_usual - lean(settings, pause))).exp().clamp(weights.leaning_stretch, longest)
}

/// Who has talked for long has more to say than who has just begun: of two pauses, the one late in a long turn is more
/// often followed by more. Where it is known what was asked, that says how long an answer is to be.
fn so_far_stretch(settings: &Settings, pause: &Pause) -> f32 {
    let weights = &settings.evidence;
    if pause.kind.is_some() || weights.so_far_usual_ms == 0 {
        return 1.0;
    }
    let longest = weights.so_far_stretch_max.max(weights.so_far_stretch_min);
    let share = pause.so_far_ms.max(1) as f32 / weights.so_far_usual_ms as f32;
    share.powf(weights.so_far_exponent).clamp(weights.so_far_stretch_min, longest)
}

/// Who has paused often pauses again; who has talked without a break and then stops has mostly finished. The rate of
/// pauses in this turn, with some usual time put beside it, so that it is believed bit by bit.
fn fluency_stretch(settings: &Settings, pause: &Pause) -> f32 {
    let weights = &settings.evidence;
    if pause.kind.is_some() || weights.pause_every_usual_ms == 0 {
        return 1.0;
    }
    let usual_ms = weights.pause_every_usual_ms as f32;
    let expected = pause.so_far_ms as f32 / usual_ms + weights.pauses_prior;
    let longest = weights.fluency_stretch_max.max(weights.fluency_stretch_min);
    let rate = (pause.pauses as f32 + weights.pauses_prior).max(f32::MIN_POSITIVE) / expected.max(f32::MIN_POSITIVE);
    rate.powf(weights.fluency_exponent).clamp(weights.fluency_stretch_min, longest)
}

/// Shorter gaps are articulation, not pauses, ms.
pub const PAUSE_MS_MIN: u64 = 250;

/// The candidate's own habit of pausing, over the whole interview.
#[derive(Clone, Debug, Default)]
pub struct OwnPauses {
    /// Latest pauses after which the candidate went on, ms.
    latest_ms: VecDeque<u64>,
    /// False cut-offs so far (as many as count).
    cutoffs: u64,
}

/// Pauses that are remembered: about five long answers.
const OWN_PAUSES_MAX: usize = 40;
/// Pauses longer than this are thinking, not habit, ms.
const OWN_PAUSE_MS_MAX: u64 = 8_000;
/// False cut-offs that count: past these the penalty would cost more than it saves.
const CUTOFFS_MAX: u64 = 4;

impl OwnPauses {
    /// The candidate went on after `ms` of silence.
    pub fn went_on_after(&mut self, ms: u64) {
        if (PAUSE_MS_MIN..=OWN_PAUSE_MS_MAX).contains(&ms) {
            if self.latest_ms.len() == OWN_PAUSES_MAX {
                self.latest_ms.pop_front();
            }
            self.latest_ms.push_back(ms);
        }
    }

    /// The candidate was cut off.
    pub fn cut_off(&mut self) {
        self.cutoffs = (self.cutoffs + 1).min(CUTOFFS_MAX);
    }

    /// What the habit makes of a patience: the candidate's pauses against usual ones, in the middle of their logarithms
    /// (one long pause says little), with some usual ones put beside them so that it is believed bit by bit.
    fn stretch(&self, settings: &Settings) -> f32 {
        let weights = &settings.evidence;
        if self.latest_ms.is_empty() || weights.own_pause_usual_ms == 0 {
            return 1.0;
        }
        let usual_ms = weights.own_pause_usual_ms as f32;
        let sum: f32 = self.latest_ms.iter().map(|ms| (*ms as f32 / usual_ms).ln()).sum();
        let habit = sum / (self.latest_ms.len() + weights.own_pauses_prior) as f32;
        let longest = weights.own_stretch_max.max(weights.own_stretch_min);
        (habit * weights.own_pause_exponent).exp().clamp(weights.own_stretch_min, longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(kind: QuestionKind, completion: f32, completeness: f32) -> Pause {
        Pause {
            kind: Some(kind),
            probe: false,
            covered: Some(1.0),
            words: 20,
            completion: Some(completion),
            completeness: Some(completeness),
            sign: Sign::Nothing,
            only_moment: false,
            whole: true,
            so_far_ms: 5_000,
            pauses: 2,
            thinking: false,
            reopened: 0,
        }
    }

    fn decide(pause: &Pause) -> Wait {
        wait(&Settings::default(), &OwnPauses::default(), pause)
    }

    #[test]
    fn a_confident_end_is_answered_within_half_a_second() {
        let factual = decide(&pause(QuestionKind::Factual, 0.95, 0.6));
        assert_eq!((factual.ms, factual.reason), (350, Reason::Confident));
        let open = decide(&pause(QuestionKind::Behavioural, 0.95, 0.6));
        assert_eq!((open.ms, open.reason), (500, Reason::Confident));
    }

    #[test]
    fn words_outvote_the_model() {
        let open = decide(&pause(QuestionKind::Explain, 0.97, -1.0));
        assert_eq!(open.reason, Reason::Patience);
        assert!(open.ms >= 2_300, "{open:?}");
    }

    #[test]
    fn hesitation_stretches_patience_within_its_limit() {
        let hesitant = decide(&pause(QuestionKind::Design, 0.05, -1.0));
        assert!((4_000..=6_000).contains(&hesitant.ms), "{hesitant:?}");
        let mut slow = OwnPauses::default();
        (0..10).for_each(|_| slow.went_on_after(4_000));
        assert_eq!(wait(&Settings::default(), &slow, &pause(QuestionKind::Design, 0.05, -1.0)).ms, 6_000);
    }

    #[test]
    fn a_turn_that_was_cut_off_is_confident_again_on_more_and_after_longer() {
        let again = |completion, reopened| {
            let wait = decide(&Pause { reopened, ..pause(QuestionKind::Factual, completion, 0.6) });
            (wait.ms, wait.reason)
        };
        assert_eq!(again(0.95, 0), (350, Reason::Confident));
        assert_eq!(again(0.95, 1), (700, Reason::Confident));
        assert_eq!(again(0.98, 2), (1_050, Reason::Confident));
        let (ms, reason) = again(0.85, 1);
        assert_eq!(reason, Reason::Patience);
        assert!((1_000..1_300).contains(&ms), "{ms}");
    }

    #[test]
    fn an_open_answer_is_waited_for_while_what_must_be_said_is_missing() {
        for kind in [QuestionKind::Explain, QuestionKind::Design, QuestionKind::Behavioural] {
            for (covered, ms) in [(None, 1_500), (Some(0.0), 1_500), (Some(0.66), 1_500), (Some(0.85), 500)] {
                let wait = decide(&Pause { covered, ..pause(kind, 0.97, 0.6) });
                assert_eq!((wait.ms, wait.reason), (ms, Reason::Confident), "{kind:?} {covered:?}");
            }
        }
    }

    #[test]
    fn a_factual_answer_that_has_hardly_begun_is_waited_for() {
        let factual = |covered, words| decide(&Pause { covered, words, ..pause(QuestionKind::Factual, 0.97, 0.6) }).ms;
        assert_eq!(factual(Some(0.5), 5), 1_100, "a short first sentence");
        assert_eq!(factual(None, 5), 1_100);
        assert_eq!(factual(Some(1.0), 5), 350, "short, and all of it");
        assert_eq!(factual(Some(0.5), 20), 350);
        assert_eq!(factual(Some(0.2), 20), 1_100, "long, and next to nothing of it");
    }

    #[test]
    fn a_follow_up_inherits_no_long_patience() {
        let probe = |kind, completion, words| {
            decide(&Pause { probe: true, covered: Some(0.0), ..pause(kind, completion, words) })
        };
        for kind in [QuestionKind::Explain, QuestionKind::Design, QuestionKind::Behavioural] {
            assert_eq!(probe(kind, 0.97, 0.6).ms, 1_100);
            let unsure = probe(kind, 0.5, 0.6);
            assert_eq!(unsure.reason, Reason::Patience);
            assert!((1_200..=1_500).contains(&unsure.ms), "{unsure:?}");
        }
    }

    #[test]
    fn not_knowing_ends_a_turn_unless_the_model_objects() {
        let unknown = |completion| {
            let wait = decide(&Pause {
                sign: Sign::DontKnow,
                completion,
                covered: Some(0.0),
                ..pause(QuestionKind::Design, 0.0, 1.0)
            });
            (wait.ms, wait.reason)
        };
        assert_eq!(unknown(None), (300, Reason::Explicit));
        let in_passing =
            Pause { sign: Sign::DontKnow, completion: None, whole: false, ..pause(QuestionKind::Design, 0.0, 1.0) };
        assert_eq!(decide(&in_passing).reason, Reason::Patience);
        assert_eq!(unknown(Some(0.6)), (300, Reason::Explicit));
        assert_eq!(unknown(Some(0.1)).1, Reason::Patience);
    }

    #[test]
    fn silence_over_code_is_work() {
        let code = decide(&pause(QuestionKind::Code, 0.99, 1.0));
        assert_eq!((code.ms, code.reason), (45_000, Reason::Patience));
    }

    #[test]
    fn a_slow_speaker_is_given_more_and_a_brisk_one_a_little_less() {
        let settings = Settings::default();
        let neutral = Pause { completion: None, completeness: None, ..pause(QuestionKind::Explain, 0.0, 0.0) };
        let with = |ms: u64| {
            let mut own = OwnPauses::default();
            (0..10).for_each(|_| own.went_on_after(ms));
            wait(&settings, &own, &neutral).ms
        };
        assert_eq!(wait(&settings, &OwnPauses::default(), &neutral).ms, 2_500);
        assert!(with(1_200).abs_diff(3_190) <= 1, "{}", with(1_200));
        assert!(with(400).abs_diff(2_263) <= 1, "{}", with(400));
        assert_eq!(with(6_000), 3_750);
        let mut once = OwnPauses::default();
        once.went_on_after(6_000);
        assert!(wait(&settings, &once, &neutral).ms < 3_000, "one long pause is no habit");
    }

    #[test]
    fn in_talk_without_a_question_the_wait_grows_with_what_was_said_and_is_capped() {
        let talk = |so_far_ms, completeness, sign| {
            let pause = Pause {
                kind: None,
                completion: None,
                completeness: Some(completeness),
                sign,
                so_far_ms,
                // As often as people do.
                pauses: u32::try_from(so_far_ms / Settings::default().evidence.pause_every_usual_ms).expect("few"),
                ..pause(QuestionKind::Explain, 0.0, 0.0)
            };
            let wait = decide(&pause);
            assert_eq!(wait.reason, Reason::Patience);
            wait.ms
        };
        let said = Sign::Nothing;
        assert!(
            talk(1_000, 0.25, said) <= talk(8_000, 0.25, said) && talk(8_000, 0.25, said) < talk(30_000, 0.25, said)
        );
        assert!(talk(6_000, 0.45, said) < talk(6_000, 0.25, said) && talk(6_000, 0.25, said) < talk(6_000, -0.5, said));
        // What is said in passing ends nothing, and stops nothing.
        assert!((1_000..2_000).contains(&talk(6_000, 1.0, Sign::Done)));
        assert!((1_000..2_000).contains(&talk(6_000, 1.0, Sign::DontKnow)));
        let moment = Pause { whole: false, only_moment: false, ..pause(QuestionKind::Explain, 0.0, -1.0) };
        assert!(decide(&Pause { kind: None, sign: Sign::Moment, completion: None, ..moment }).ms < 4_000);
    }
}
