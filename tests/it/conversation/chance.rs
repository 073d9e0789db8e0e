//! Conversations by chance, through whole sessions. Everything that takes part is late, or fails: words overtake each
//! other or never come, the detector stalls, turn model, voice and language model fail, the network loses and breaks, the
//! database is slow or away, buttons come at any time. What is late must go where it belongs or nowhere. `VIVAVOCE_TALKS`
//! sets how many are tried; the policy alone is tried far more often (`src/turn/tests.rs`).

use super::over::Over;
use super::parts::{Chance, Detector, Speaker, asks, locked};
use super::record::Door;
use super::stage::{Scene, Talk};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;
use vivavoce::id::UtteranceId;
use vivavoce::llm::LlmError;
use vivavoce::llm::scripted::ScriptedLlm;
use vivavoce::room::Button;
use vivavoce::session::event::SessionEvent;
use vivavoce::vad::VadError;
use vivavoce::vad::scripted::ScriptedTurn;

/// Talks that are tried where nothing else is said (two minutes of a core without optimisation), …
const TALKS: u32 = 1_600;
/// … by so many threads.
const THREADS: u8 = 4;
/// What many talks have in them, if they try anything.
const LOOKED_FOR: [&str; 6] =
    ["answer_committed", "false_cutoff_recovered", "part_failed", "speech_failed", "audio_lost", "aside"];
/// Greeting and disclosure, however late and slow their voice, ms; how often it is looked whether they are over.
const GREETING_MS: u64 = 15_000;
const LOOK_MS: u64 = 200;

/// One talk: how its parts behave, and what the candidate does, each after a wait, ms.
#[derive(Clone, Debug)]
struct Course {
    seed: u64,
    /// How quickly the interviewer talks.
    letter_ms: usize,
    turn_model_ms: u64,
    llm_ms: (u64, u64),
    saving_ms: u64,
    deeds: Vec<(u64, Deed)>,
}

#[derive(Clone, Debug)]
enum Deed {
    Says {
        words: u64,
        word_ms: u64,
    },
    Hums,
    Coughs,
    Types,
    Presses(Button),
    /// The network loses so much of what is said next.
    Loses {
        ms: u64,
    },
    Breaks {
        ms: u64,
    },
    /// The database is away for so long.
    Unsaved {
        ms: u64,
    },
}

fn a_course() -> impl Strategy<Value = Course> {
    let deed = prop_oneof![
        12 => (1_u64..9, 10_u64..30).prop_map(|(words, frames)| Deed::Says { words, word_ms: frames * 20 }),
        2 => Just(Deed::Hums),
        1 => Just(Deed::Coughs),
        1 => Just(Deed::Types),
        2 => proptest::sample::select(vec![
            Button::Done, Button::Repeat, Button::Rephrase, Button::Slower, Button::Moment, Button::Skip, Button::Resume,
        ])
        .prop_map(Deed::Presses),
        1 => (40_u64..600).prop_map(|ms| Deed::Loses { ms }),
        1 => (200_u64..6_000).prop_map(|ms| Deed::Breaks { ms }),
        1 => (200_u64..6_000).prop_map(|ms| Deed::Unsaved { ms }),
    ];
    let deeds = proptest::collection::vec((100_u64..4_000, deed), 1..9);
    let parts = (any::<u64>(), 8_usize..50, 20_u64..1_200, (50_u64..3_000, 5_u64..400), 1_u64..1_200);
    (parts, deeds).prop_map(|((seed, letter_ms, turn_model_ms, llm_ms, saving_ms), deeds)| Course {
        seed,
        letter_ms,
        turn_model_ms,
        llm_ms,
        saving_ms,
        deeds,
    })
}

#[test]
fn what_is_late_goes_where_it_belongs_or_nowhere() {
    let talks = std::env::var("VIVAVOCE_TALKS").ok().and_then(|talks| talks.parse().ok()).unwrap_or(TALKS);
    let tally = Mutex::new(BTreeMap::<String, usize>::new());
    std::thread::scope(|threads| {
        for seed in 1..=THREADS {
            let tally = &tally;
            threads.spawn(move || try_talks(seed, talks.div_ceil(u32::from(THREADS)), tally));
        }
    });
    let tally = locked(&tally);
    println!("{talks} talks: {tally:?}");
    for kind in LOOKED_FOR {
        // Few talks need not have everything in them.
        assert!(talks < 200 || tally.contains_key(kind), "never came: {kind}");
    }
}

/// Tries so many talks, the same for the same seed, adding up what came in them.
fn try_talks(seed: u8, cases: u32, tally: &Mutex<BTreeMap<String, usize>>) {
    let config =
        ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 300, ..ProptestConfig::default() };
    let numbers = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let tried = TestRunner::new_with_rng(config, numbers).run(&a_course(), |course| {
        // Nothing here waits for a socket: no driver is asked for one each time that nothing is left to do.
        let paused = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let over = paused.expect("a runtime").block_on(held(&course));
        check(&over);
        let mut tally = locked(tally);
        for row in &over.kept.written {
            *tally.entry(row.kind.clone()).or_default() += 1;
        }
        Ok(())
    });
    tried.unwrap_or_else(|wrong| panic!("{wrong}"));
}

async fn held(course: &Course) -> Over {
    let chance = |which| Chance(course.seed.wrapping_add(which));
    let speaker = Speaker::mute(course.letter_ms);
    speaker.by_chance(chance(1));
    let scene = Scene {
        speaker,
        turn_model: Some(turn_model(course.turn_model_ms, chance(2))),
        llm: Some(llm(course.llm_ms)),
        detector: Detector { chance: Some(chance(3)), ..Detector::default() },
        saving_ms: course.saving_ms,
        ..Scene::default()
    };
    let mut talk = scene.opens();
    talk.ears.by_chance(chance(4));
    // The greeting is said to its end, whatever the candidate does.
    for _ in 0..GREETING_MS / LOOK_MS {
        talk.waits(LOOK_MS).await;
        if ["begins", "spoken"].iter().any(|how| talk.has_seen(&format!("{how} {}", asks("locks")))) {
            break;
        }
    }
    let mut said = 0;
    for (wait_ms, deed) in &course.deeds {
        talk.waits(*wait_ms).await;
        if is_over(&talk) {
            return talk.over().await;
        }
        does(&mut talk, deed, &mut said).await;
    }
    talk.waits(6_000).await;
    if !is_over(&talk) {
        talk.leaves();
    }
    talk.over().await
}

async fn does(talk: &mut Talk, deed: &Deed, said: &mut u64) {
    match deed {
        Deed::Says { words, word_ms } => {
            let text: Vec<String> = (*said..*said + words).map(|number| format!("w{number}")).collect();
            *said += words;
            talk.says(&text.join(" "), words * word_ms).await;
        }
        Deed::Hums => talk.says("mm-hm", 400).await,
        Deed::Coughs => talk.says("", 400).await,
        Deed::Types => talk.types("a typed word"),
        Deed::Presses(button) => talk.presses(*button),
        Deed::Loses { ms } => talk.loses(*ms),
        Deed::Breaks { ms } => talk.breaks_off(*ms).await,
        Deed::Unsaved { ms } => {
            talk.notebook.door(Door::Away);
            talk.waits(*ms).await;
            talk.notebook.door(Door::Open);
        }
    }
}

/// All questions may be answered, or skipped, before the candidate is done.
fn is_over(talk: &Talk) -> bool {
    talk.has_seen("ended") || talk.has_seen("close")
}

/// Of any opinion, and failing one time in ten.
fn turn_model(delay_ms: u64, chance: Chance) -> ScriptedTurn {
    let opinions = Mutex::new(chance);
    ScriptedTurn::by(Duration::from_millis(delay_ms), move |_| {
        let mut chance = locked(&opinions);
        if chance.one_in(10) {
            return Err(VadError::Run { model: "the turn model".into(), why: "the test says so".into() });
        }
        Ok(chance.between(0, 100) as f32 / 100.0)
    })
}

/// Slow by chance, and failing from the second time on.
fn llm((first_ms, next_ms): (u64, u64)) -> ScriptedLlm {
    let words = ["And ", "how ", "is ", "that ", "kept?"].map(str::to_owned).to_vec();
    let answers = vec![Ok(words.clone()), Ok(words), Err(LlmError::Run { why: "the test says so".into() })];
    ScriptedLlm::new(answers, Duration::from_millis(first_ms), Duration::from_millis(next_ms))
}

/// Beside what holds for every session (see `over`): words stand in the order in which they were said, each once.
fn check(over: &Over) {
    let mut utterances: BTreeMap<UtteranceId, (u64, &String)> = BTreeMap::new();
    for row in &over.kept.written {
        if let SessionEvent::UtteranceTranscribed(heard) = &row.read {
            utterances.insert(heard.id, (heard.start_ms, &heard.text));
        } else if let SessionEvent::AnswerCommitted(answer) = &row.read {
            utterances.extend(answer.utterances.iter().map(|heard| (heard.id, (heard.start_ms, &heard.text))));
        }
    }
    let mut in_time: Vec<&(u64, &String)> = utterances.values().collect();
    in_time.sort_by_key(|(start_ms, _)| *start_ms);
    let words = in_time.iter().flat_map(|(_, text)| text.split_whitespace());
    let numbers: Vec<u64> = words.filter_map(|word| word.strip_prefix('w')?.parse().ok()).collect();
    let wrong = numbers.windows(2).find(|pair| pair[0] >= pair[1]);
    assert!(wrong.is_none(), "words out of place: {wrong:?}\n{}", over.story());
}
