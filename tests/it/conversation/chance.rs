//! Conversations by chance, through whole sessions: words that overtake each other or never come, a turn model that is
//! late or fails, a voice and a language model that do, buttons at any time. What is late must go where it belongs or
//! nowhere. `VIVAVOCE_TALKS` sets how many are tried; the policy alone is tried far more often (`src/turn/tests.rs`).

use super::over::Over;
use super::parts::{Chance, Speaker};
use super::stage::{Scene, Talk};
use std::collections::BTreeMap;
use std::time::Duration;
use vivavoce::id::UtteranceId;
use vivavoce::llm::LlmError;
use vivavoce::llm::scripted::ScriptedLlm;
use vivavoce::room::Button;
use vivavoce::session::event::SessionEvent;
use vivavoce::vad::VadError;
use vivavoce::vad::scripted::ScriptedTurn;

/// Talks that are tried where nothing else is said.
const TALKS: u64 = 60;
/// Deeds of the candidate in one talk.
const DEEDS: u64 = 14;
/// Greeting and disclosure, however late their voice, ms.
const GREETING_MS: u64 = 11_000;

#[tokio::test(start_paused = true)]
async fn what_is_late_goes_where_it_belongs_or_nowhere() {
    let talks = std::env::var("VIVAVOCE_TALKS").ok().and_then(|talks| talks.parse().ok()).unwrap_or(TALKS);
    let (mut answers, mut reopened) = (0, 0);
    for seed in 1..=talks {
        let over = by_chance(seed).await;
        answers += over.has("answer_committed");
        reopened += over.has("false_cutoff_recovered");
        check(seed, &over);
    }
    println!("{talks} talks, {answers} answers, {reopened} recovered");
    assert!(answers as u64 >= talks, "hardly anything was answered: {answers}");
    assert!(reopened > 0, "nobody was ever cut off");
}

async fn by_chance(seed: u64) -> Over {
    let mut chance = Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let speaker = Speaker::default();
    speaker.by_chance(Chance(seed + 1));
    let turn_model = turn_model(&mut chance);
    let llm = ScriptedLlm::new(
        vec![
            Ok(vec!["And ".into(), "how ".into(), "is ".into(), "that ".into(), "kept?".into()]),
            Err(LlmError::Run { why: "the test says so".into() }),
        ],
        Duration::from_millis(chance.between(50, 3_000)),
        Duration::from_millis(chance.between(5, 400)),
    );
    let scene = Scene {
        speaker,
        turn_model: Some(turn_model),
        llm: Some(llm),
        saving_ms: chance.between(1, 1_200),
        ..Scene::default()
    };
    let mut talk = scene.opens();
    talk.ears.by_chance(Chance(seed + 2));
    // The greeting is said to its end, whatever the candidate does.
    talk.waits(GREETING_MS).await;
    let mut said = 0;
    for _ in 0..DEEDS {
        talk.waits(chance.between(100, 4_000)).await;
        if is_over(&talk) {
            return talk.over().await;
        }
        match chance.between(0, 12) {
            0 => talk.says("mm-hm", chance.between(15, 30) * 20).await,
            1 => talk.says("", 400).await,
            2 => talk.presses(button(&mut chance)),
            3 => talk.types("a typed word"),
            _ => {
                let count = chance.between(1, 9);
                let words: Vec<String> = (said..said + count).map(|number| format!("w{number}")).collect();
                said += count;
                talk.says(&words.join(" "), count * chance.between(10, 30) * 20).await;
            }
        }
    }
    talk.waits(6_000).await;
    if !is_over(&talk) {
        talk.leaves();
    }
    talk.over().await
}

/// All questions may be answered, or skipped, before the candidate is done.
fn is_over(talk: &Talk) -> bool {
    talk.has_seen("ended") || talk.has_seen("close")
}

/// Late by chance, of any opinion, and failing one time in ten.
fn turn_model(chance: &mut Chance) -> ScriptedTurn {
    let delay = Duration::from_millis(chance.between(20, 1_200));
    let opinions = std::sync::Mutex::new(*chance);
    ScriptedTurn::by(delay, move |_| {
        let mut chance = super::parts::locked(&opinions);
        if chance.one_in(10) {
            return Err(VadError::Run { model: "the turn model".into(), why: "the test says so".into() });
        }
        Ok(chance.between(0, 100) as f32 / 100.0)
    })
}

fn button(chance: &mut Chance) -> Button {
    let buttons =
        [Button::Done, Button::Repeat, Button::Rephrase, Button::Slower, Button::Moment, Button::Skip, Button::Resume];
    buttons[chance.between(0, buttons.len() as u64) as usize]
}

/// Beside what holds for every session (see `over`): words stand in the order in which they were said, each once, and
/// what was stopped never sounds again.
fn check(seed: u64, over: &Over) {
    let mut utterances: BTreeMap<UtteranceId, (u64, String)> = BTreeMap::new();
    for event in over.events() {
        if let SessionEvent::UtteranceTranscribed(heard) = event {
            utterances.insert(heard.id, (heard.start_ms, heard.text));
        } else if let SessionEvent::AnswerCommitted(answer) = event {
            utterances.extend(answer.utterances.into_iter().map(|heard| (heard.id, (heard.start_ms, heard.text))));
        }
    }
    let mut in_time: Vec<&(u64, String)> = utterances.values().collect();
    in_time.sort_by_key(|(start_ms, _)| *start_ms);
    let numbers: Vec<u64> = in_time
        .iter()
        .flat_map(|(_, text)| text.split_whitespace())
        .filter_map(|word| word.strip_prefix('w')?.parse().ok())
        .collect();
    let wrong = numbers.windows(2).find(|pair| pair[0] >= pair[1]);
    assert!(wrong.is_none(), "talk {seed}: words out of place: {wrong:?}\n{}", over.story());
    for (place, note) in over.notes.iter().enumerate() {
        let Some(speech) = note.what.strip_prefix("stopped #").and_then(|rest| rest.split(';').next()) else {
            continue;
        };
        let again = format!("sounds #{speech};");
        let sounds = over.notes[place..].iter().find(|later| later.what == again);
        assert!(sounds.is_none(), "talk {seed}: speech {speech} sounded after it was stopped\n{}", over.story());
    }
}
