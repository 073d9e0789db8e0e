//! Ways out: silence, talk without end, hanging up, a server that stops.

use super::parts::{HALF, WHOLE, asks};
use super::stage::Scene;
use std::collections::BTreeSet;
use vivavoce::interview::{EndReason, QuestionOutcome};
use vivavoce::session::event::SessionEvent;
use vivavoce::turn::SilenceStep;

#[tokio::test(start_paused = true)]
async fn silence_is_nudged_helped_and_ended_kindly() {
    let mut scene = Scene::default();
    // The usual limit is longer than three questions in silence.
    scene.turn.silence.idle_ms = 100_000;
    let mut talk = scene.opens();
    talk.hears(&asks("locks")).await;
    talk.hears("Take your time.").await;
    talk.hears("If you like, we can leave this one").await;
    talk.hears("Let us go on with another one.").await;
    talk.hears(&asks("queues")).await;
    talk.hears("I have not heard from you for a while").await;
    let over = talk.over().await;
    assert_eq!(over.reason, Some(EndReason::Idle));
    assert_eq!(over.outcomes()[0], ("locks".into(), QuestionOutcome::NotAnswered), "{}", over.story());
    let end = |event| matches!(event, SessionEvent::Silence { step: SilenceStep::End });
    assert_eq!(over.events().filter(|event| end(event.clone())).count(), 1, "{}", over.story());
    assert!(over.answers().is_empty());
}

#[tokio::test(start_paused = true)]
async fn talk_without_end_is_stopped_politely_and_kept() {
    let mut talk = Scene::default().opens();
    talk.hears(&asks("locks")).await;
    let talked = (0..400).map(|count| format!("word{count}")).collect::<Vec<_>>().join(" ");
    talk.says(&talked, 200_000).await;
    talk.hears("Thank you. Let me stop you there").await;
    talk.sees("begins What").await;
    talk.leaves();
    let over = talk.over().await;
    assert_eq!(over.has("monologue"), 1, "{}", over.story());
    let answers = over.answers();
    let (first, rest) = (&answers[0].text, talked.as_str());
    assert!(rest.starts_with(first.as_str()) && first.len() * 10 > rest.len() * 9, "{}", over.story());
}

/// Twenty minutes without a breath: stopped politely at every question, and the log has each word until the goodbye.
#[tokio::test(start_paused = true)]
async fn twenty_minutes_without_a_breath_are_stopped_at_every_question_and_no_word_is_lost() {
    let mut talk = Scene::default().opens();
    talk.hears(&asks("locks")).await;
    let talked = (0..2_400).map(|count| format!("word{count}")).collect::<Vec<_>>().join(" ");
    talk.says(&talked, 1_200_000).await;
    let over = talk.over().await;
    assert_eq!(over.reason, Some(EndReason::Completed), "{}", over.story());
    assert_eq!(over.has("monologue"), 3, "once for each question\n{}", over.story());
    let answered: Vec<u32> = over.answers().iter().flat_map(|answer| numbers(&answer.text)).collect();
    assert!(answered.windows(2).all(|pair| pair[0] < pair[1]), "each word once and in its order: {answered:?}");
    assert!(answered.len() > 1_100, "{} words are in answers\n{}", answered.len(), over.story());
    // What was said over the interviewer's firm lines is of no answer, and in the log all the same.
    let text = |event| if let SessionEvent::UtteranceTranscribed(heard) = event { Some(heard.text) } else { None };
    let logged: BTreeSet<u32> =
        over.events().filter_map(text).flat_map(|text| numbers(&text).collect::<Vec<_>>()).collect();
    assert!((0..).zip(&logged).all(|(wanted, word)| wanted == *word), "no gap: {logged:?}");
    assert!(logged.len() > 1_180, "{} words are in the log\n{}", logged.len(), over.story());
}

fn numbers(text: &str) -> impl Iterator<Item = u32> {
    text.split_whitespace().filter_map(|word| word.strip_prefix("word")?.parse().ok())
}

#[tokio::test(start_paused = true)]
async fn who_hangs_up_in_mid_answer_has_said_what_was_said() {
    let mut talk = Scene { completion: 0.05, ..Scene::default() }.opens();
    talk.hears(&asks("locks")).await;
    talk.says("We keep a ledger, which we", 2_000).await;
    talk.leaves();
    let over = talk.over().await;
    assert_eq!(over.reason, Some(EndReason::Left));
    let answers = over.answers();
    assert_eq!(answers.len(), 1, "{}", over.story());
    assert_eq!(answers[0].text, "We keep a ledger, which we");
    assert_eq!(answers[0].question_key.as_deref(), Some("locks"));
}

#[tokio::test(start_paused = true)]
async fn who_hangs_up_as_the_turn_is_taken_has_answered_once() {
    for wait_ms in [100, 300, 500, 600, 700, 800, 1_000] {
        let mut talk = Scene { saving_ms: 100, ..Scene::default() }.opens();
        talk.answers(&asks("locks"), HALF).await;
        talk.waits(wait_ms).await;
        talk.leaves();
        let over = talk.over().await;
        let texts: Vec<String> = over.answers().into_iter().map(|answer| answer.text).collect();
        assert_eq!(texts, [HALF], "after {wait_ms} ms\n{}", over.story());
    }
}

#[tokio::test(start_paused = true)]
async fn who_hangs_up_during_the_goodbye_has_completed() {
    let mut talk = Scene::default().opens();
    for key in ["locks", "queues", "caches"] {
        talk.answers(&asks(key), WHOLE).await;
    }
    talk.begins("That was the last question.").await;
    talk.waits(300).await;
    talk.leaves();
    let over = talk.over().await;
    assert_eq!(over.reason, Some(EndReason::Completed), "{}", over.story());
    assert!(over.transcript().contains("[cut]"), "{}", over.transcript());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_keeps_the_open_turn() {
    let mut talk = Scene { completion: 0.05, ..Scene::default() }.opens();
    talk.hears(&asks("locks")).await;
    talk.says("We keep a ledger, which we", 2_000).await;
    talk.server_stops();
    let over = talk.over().await;
    assert_eq!((over.reason, over.has("ended")), (Some(EndReason::Shutdown), 0));
    let said = |event| matches!(event, SessionEvent::UtteranceTranscribed(heard) if heard.text.starts_with("We keep"));
    assert!(over.events().any(said), "{}", over.story());
    assert!(over.answers().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_end_from_outside_is_said() {
    let mut talk = Scene::default().opens();
    talk.hears(&asks("locks")).await;
    assert!(talk.handle.end(EndReason::Cancelled).await);
    talk.hears("This interview has been ended.").await;
    let over = talk.over().await;
    assert_eq!(over.reason, Some(EndReason::Cancelled));
}
