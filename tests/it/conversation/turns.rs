//! Turns that a quick model words: spoken as they come, checked, and replaced by the authored words when the model
//! misbehaves, is late or breaks.

use super::over::Over;
use super::parts::{HALF, Speaker, WHOLE, asks, probes};
use super::stage::Scene;
use std::time::Duration;
use vivavoce::interview;
use vivavoce::llm::LlmError;
use vivavoce::llm::scripted::ScriptedLlm;

const FIRST: Duration = Duration::from_millis(100);
const NEXT: Duration = Duration::from_millis(20);

fn scene(llm: &ScriptedLlm) -> Scene {
    let interview = interview::Settings { word_turns: true, ..interview::Settings::default() };
    Scene { interview, llm: Some(llm.clone()), ..Scene::default() }
}

fn saying(texts: &[&str]) -> ScriptedLlm {
    let tokens = |text: &&str| Ok(text.split_inclusive(' ').map(str::to_owned).collect());
    ScriptedLlm::new(texts.iter().map(tokens).collect(), FIRST, NEXT)
}

/// One answer to the first question and what is said to it; then the candidate leaves.
async fn reply_to(llm: &ScriptedLlm, answer: &str, last: &str) -> Over {
    let mut talk = scene(llm).opens();
    talk.answers(&asks("locks"), answer).await;
    talk.hears(last).await;
    talk.leaves();
    talk.over().await
}

#[tokio::test(start_paused = true)]
async fn the_turn_is_the_models() {
    let llm = saying(&["So there is always a ledger. And what if two people do locks at once?"]);
    let over = reply_to(&llm, HALF, "And what if two people do locks at once?").await;
    let said = over.transcript();
    assert!(said.contains("I locks: So there is always a ledger.\n"), "{said}");
    assert!(said.contains("I locks: And what if two people do locks at once?\n"), "{said}");
    assert_eq!(over.has("wording_refused"), 0, "{}", over.story());
    assert!(llm.asked()[0][1].text.contains(HALF));
}

/// The first sentence sounds while the second is still being written.
#[tokio::test(start_paused = true)]
async fn first_words_are_spoken_while_the_rest_is_written() {
    let slow = Duration::from_millis(150);
    let text = "So there is always a ledger. And what if two people do locks at once?";
    let llm = ScriptedLlm::saying(text, FIRST, slow);
    let mut talk = scene(&llm).opens();
    talk.answers(&asks("locks"), HALF).await;
    let answered = tokio::time::Instant::now();
    talk.begins("So there is always a ledger.").await;
    // Sixteen words take 2,350 ms to be written, whenever they were asked for.
    assert!(answered.elapsed() < Duration::from_millis(2_000), "{:?}", answered.elapsed());
    talk.begins("And what if two people do locks at once?").await;
    talk.leaves();
    talk.over().await;
}

/// Words after 250 ms, the first token after 500, sound after 150: one after the other they would be 900 ms behind the
/// silence that tells the end. The receipt does not wait for the model.
#[tokio::test(start_paused = true)]
async fn a_factual_answer_is_replied_to_while_the_model_thinks() {
    const GAP_MS_MAX: u64 = 800;
    let llm = ScriptedLlm::saying("With a ledger and a mutex we come to queues.", Duration::from_millis(500), NEXT);
    let mut talk = Scene { speaker: Speaker::slower(70), ..scene(&llm) }.opens();
    talk.answers(&asks("locks"), WHOLE).await;
    let answered_ms = talk.now_ms();
    let gap_ms = talk.begins("Thank you.").await - answered_ms;
    assert!(gap_ms <= GAP_MS_MAX, "{gap_ms} ms");
    talk.begins("With a ledger and a mutex we come to queues.").await;
    talk.hears(&asks("queues")).await;
    talk.leaves();
    let over = talk.over().await;
    assert_eq!(over.transcript().matches("Thank you.").count(), 1, "{}", over.transcript());
    assert_eq!(llm.asked().len(), 1, "{}", over.story());
}

/// Where the recogniser tells its words before it is sure of them, the model is asked with them.
#[tokio::test(start_paused = true)]
async fn a_draft_begins_with_words_that_are_not_final_yet() {
    let bridge = "With a ledger and a mutex we come to queues.";
    let mut began = Vec::new();
    for tells_at_once in [false, true] {
        let llm = ScriptedLlm::saying(bridge, Duration::from_millis(500), NEXT);
        let mut talk = scene(&llm).opens();
        if tells_at_once {
            talk.ears.tell_at_once();
        }
        talk.answers(&asks("locks"), WHOLE).await;
        let answered_ms = talk.now_ms();
        began.push(talk.begins(bridge).await - answered_ms);
        talk.leaves();
        let over = talk.over().await;
        assert_eq!(llm.asked().len(), 1, "the draft is the reply\n{}", over.story());
    }
    // Up to the end of the receipt, which sounds meanwhile.
    assert!(began[1] + 100 <= began[0], "{began:?}");
}

#[tokio::test(start_paused = true)]
async fn a_bridge_is_the_models_and_the_next_question_is_the_banks() {
    let llm = saying(&["With a ledger and a mutex we come to queues."]);
    let over = reply_to(&llm, WHOLE, &asks("queues")).await;
    let said = over.transcript();
    assert!(said.contains("With a ledger and a mutex we come to queues.\n"), "{said}");
    assert!(said.contains(&format!("I queues: {}", asks("queues"))), "{said}");
}

/// Each check of what a model says, by a model that breaks it.
#[tokio::test(start_paused = true)]
async fn a_model_that_misbehaves_is_not_heard() {
    let question = "And what if two people do locks at once?";
    let long = format!("Tell me {} what if two people do locks at once?", "and tell me again ".repeat(9));
    for (remark, rest, refused) in [
        ("What a day?", "Do you like locks?", vec!["off_the_move"]),
        ("So there is a ledger.", "Do you like cats and dogs?", vec!["off_the_move"]),
        ("So there is a ledger.", "Two people do locks at once.", vec!["off_the_move"]),
        ("So there is a ledger.", long.as_str(), vec!["length"]),
        ("So you need a mutex as it rests there.", question, vec!["gives_away"]),
        ("Perfect, a ledger.", question, vec!["judgement"]),
        ("You are hired.", question, vec!["unsafe"]),
        ("I am an AI with instructions.", question, vec!["unsafe"]),
        ("So there is a ledger.", "Do two people of your religion do locks at once?", vec!["unsafe"]),
        ("A **ledger** then.", question, vec!["not_speakable"]),
    ] {
        let llm = saying(&[&format!("{remark} {rest}")]);
        let mut talk = scene(&llm).opens();
        talk.answers(&asks("locks"), HALF).await;
        talk.sees_any(&[&format!("spoken {question}"), &format!("spoken {}", probes("locks"))]).await;
        talk.leaves();
        let over = talk.over().await;
        let said = over.transcript();
        let why: Vec<String> = over
            .kept
            .written
            .iter()
            .filter(|row| row.kind == "wording_refused")
            .map(|row| row.payload["why"].as_str().expect("a word").to_owned())
            .collect();
        assert!(refused.iter().all(|wanted| why.iter().any(|told| told == wanted)), "{remark} {rest}: {why:?}\n{said}");
        for part in [remark, rest] {
            let is_heard = said.contains(&format!(": {part}\n"));
            let is_fine = part == question || part == "So there is a ledger.";
            assert_eq!(is_heard, is_fine, "{part:?}\n{said}");
        }
        // The authored words stand in the place of the others.
        let is_asked =
            [question.to_owned(), probes("locks")].iter().any(|asked| said.contains(&format!(": {asked}\n")));
        assert!(is_asked, "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_breaks_after_its_remark_leaves_the_rest_to_the_bank() {
    // The scripted model has no way to break in the middle: it stops after the remark.
    let llm = saying(&["So there is always a ledger."]);
    let over = reply_to(&llm, HALF, &probes("locks")).await;
    let said = over.transcript();
    assert!(said.contains("So there is always a ledger.\n"), "{said}");
    assert!(said.contains(&format!("I locks: {}\n", probes("locks"))), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_model_that_fails_is_asked_again_where_nothing_was_heard() {
    let tokens = "So there is a ledger. And what if two people do locks at once?";
    let tokens = tokens.split_inclusive(' ').map(str::to_owned).collect();
    let llm = ScriptedLlm::new(vec![Err(LlmError::Run { why: "the script says so".into() }), Ok(tokens)], FIRST, NEXT);
    let over = reply_to(&llm, HALF, "And what if two people do locks at once?").await;
    assert!(over.transcript().contains("So there is a ledger."), "{}", over.transcript());
}

#[tokio::test(start_paused = true)]
async fn a_draft_for_an_answer_that_goes_on_leaves_no_trace() {
    let llm = saying(&["So there is always a ledger. And what if two people do locks at once?"]);
    let mut talk = Scene { completion: 0.2, ..scene(&llm) }.opens();
    talk.hears(&asks("locks")).await;
    talk.waits(500).await;
    talk.says("We always keep a ledger", 2_000).await;
    talk.waits(900).await;
    talk.says("and it takes a mutex.", 2_000).await;
    talk.hears(&asks("queues")).await;
    talk.leaves();
    let over = talk.over().await;
    let said = over.transcript();
    assert!(!said.contains("two people do locks"), "{said}");
    assert_eq!(over.answers().len(), 1, "{said}");
    assert!(llm.asked().len() >= 2, "the first pause had a draft: {:?}", llm.asked().len());
}
