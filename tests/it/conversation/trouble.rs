//! Parts that fail, and a database that is slow, away, or another's.

use super::parts::{HALF, Speaker, WHOLE, asks, probes};
use super::record::Door;
use super::stage::Scene;
use std::time::Duration;
use vivavoce::interview::EndReason;
use vivavoce::llm::scripted::ScriptedLlm;
use vivavoce::session::event::SessionEvent;

#[tokio::test(start_paused = true)]
async fn the_database_may_be_away_for_ten_seconds() {
    let mut talk = Scene::default().opens();
    talk.hears(&asks("locks")).await;
    talk.notebook.door(Door::Away);
    talk.waits(500).await;
    talk.says(WHOLE, 2_000).await;
    talk.sees("warning One moment: your answers are being saved.").await;
    talk.waits(7_500).await;
    assert!(!talk.has_seen("begins"), "nothing is said before the answer is kept");
    talk.notebook.door(Door::Open);
    talk.answers(&asks("queues"), WHOLE).await;
    talk.answers(&asks("caches"), WHOLE).await;
    let over = talk.over().await;
    assert_eq!(over.reason, Some(EndReason::Completed));
    assert_eq!(over.answers().iter().map(|answer| answer.text.as_str()).collect::<Vec<_>>(), [WHOLE; 3]);
    assert_eq!(over.noted("warning").len(), 1, "{}", over.story());
}

#[tokio::test(start_paused = true)]
async fn a_database_that_stays_away_stops_the_session_to_be_taken_up_again() {
    let mut talk = Scene::default().opens();
    talk.hears(&asks("locks")).await;
    talk.waits(500).await;
    talk.notebook.door(Door::Away);
    talk.says(WHOLE, 2_000).await;
    talk.sees("error We cannot save your answers").await;
    let over = talk.over().await;
    assert_eq!(over.reason, Some(EndReason::Shutdown), "{}", over.story());
    assert_eq!((over.has("ended"), over.has("answer_committed")), (0, 0), "{}", over.story());
    assert!(over.noted("caption").is_empty(), "{}", over.story());
}

#[tokio::test(start_paused = true)]
async fn who_is_fenced_stops_at_once() {
    let mut talk = Scene::default().opens();
    talk.hears(&asks("locks")).await;
    talk.waits(500).await;
    let before = talk.notebook.kept().written.len();
    talk.notebook.door(Door::Fenced);
    talk.says(WHOLE, 2_000).await;
    let over = talk.over().await;
    assert_eq!(over.reason, None);
    assert_eq!(over.kept.written.len(), before, "{}", over.story());
    assert_eq!((over.noted("ended").len(), over.noted("closed Asked").len()), (0, 1), "{}", over.story());
}

#[tokio::test(start_paused = true)]
async fn who_lost_the_lease_writes_nothing_more() {
    let mut talk = Scene::default().opens();
    talk.hears(&asks("locks")).await;
    talk.waits(500).await;
    talk.handle.fence();
    talk.waits(100).await;
    let over = talk.over().await;
    assert_eq!((over.reason, over.has("ended")), (None, 0), "{}", over.story());
}

#[tokio::test(start_paused = true)]
async fn a_sentence_that_cannot_be_spoken_is_shown() {
    let speaker = Speaker::default();
    speaker.fails_at("of queues");
    let mut talk = Scene { speaker, ..Scene::default() }.opens();
    talk.answers(&asks("locks"), WHOLE).await;
    talk.sees("warning My voice failed").await;
    talk.answers(&asks("queues"), WHOLE).await;
    talk.answers(&asks("caches"), WHOLE).await;
    let over = talk.over().await;
    assert_eq!(over.reason, Some(EndReason::Completed), "{}", over.story());
    assert_eq!(over.has("speech_failed"), 1, "{}", over.story());
    let keys: Vec<_> = over.answers().into_iter().map(|answer| answer.question_key).collect();
    assert_eq!(keys, ["locks", "queues", "caches"].map(|key| Some(key.to_owned())));
}

/// The question that could not be spoken stands in the transcript: the answer after it would mean nothing without it.
#[tokio::test(start_paused = true)]
async fn a_question_that_was_only_shown_is_in_the_transcript() {
    let speaker = Speaker::default();
    speaker.fails_at("of queues");
    let mut talk = Scene { speaker, ..Scene::default() }.opens();
    talk.answers(&asks("locks"), WHOLE).await;
    talk.answers(&asks("queues"), WHOLE).await;
    talk.hears(&asks("caches")).await;
    talk.leaves();
    let over = talk.over().await;
    assert!(over.transcript().contains(&format!("I queues: {}", asks("queues"))), "{}", over.story());
}

#[tokio::test(start_paused = true)]
async fn without_a_voice_the_interview_ends_by_its_limit_and_every_line_is_shown() {
    let speaker = Speaker::default();
    speaker.fails_at("");
    let mut talk = Scene { speaker, ..Scene::default() }.opens();
    talk.hears(&asks("locks")).await;
    talk.waits(500).await;
    talk.says(WHOLE, 2_000).await;
    talk.hears(&asks("queues")).await;
    let over = talk.over().await;
    assert_eq!(over.reason, Some(EndReason::Failed), "{}", over.story());
    assert_eq!(over.answers()[0].text, WHOLE);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_not_understood_is_marked_and_asked_for_again() {
    let mut talk = Scene::default().opens();
    talk.ears.broken(true);
    talk.answers(&asks("locks"), WHOLE).await;
    talk.begins("I am sorry, I did not catch that.").await;
    talk.ears.broken(false);
    talk.answers("I am sorry, I did not catch that.", WHOLE).await;
    talk.hears(&asks("queues")).await;
    talk.leaves();
    let over = talk.over().await;
    let answers = over.answers();
    assert_eq!((answers[0].text.as_str(), answers[0].utterances[0].damaged), ("", true), "{}", over.story());
    assert_eq!(answers[1].text, WHOLE);
    assert!(over.has("part_failed") > 0);
}

#[tokio::test(start_paused = true)]
async fn a_slow_language_model_is_waited_for_twice_and_then_left_alone() {
    let slow = Duration::from_secs(30);
    let llm = ScriptedLlm::saying("How would two of them take part?", slow, slow);
    let mut talk = Scene { llm: Some(llm.clone()), ..Scene::default() }.opens();
    for key in ["locks", "queues", "caches"] {
        talk.answers(&asks(key), HALF).await;
        talk.answers(&probes(key), "There a mutex decides.").await;
    }
    let over = talk.over().await;
    assert_eq!(over.reason, Some(EndReason::Completed), "{}", over.story());
    assert_eq!(llm.asked().len(), 2, "{}", over.story());
    assert_eq!(over.answers().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_language_model_in_time_words_the_probe() {
    let worded = "What happens if two people do it at once?";
    let llm = ScriptedLlm::saying(worded, Duration::from_millis(100), Duration::from_millis(20));
    let mut talk = Scene { llm: Some(llm), ..Scene::default() }.opens();
    talk.answers(&asks("locks"), HALF).await;
    talk.hears(worded).await;
    talk.leaves();
    let over = talk.over().await;
    let row = over.kept.rows.values().map(|(row, _)| row).find(|row| row.content == worded).expect("it has a row");
    assert_eq!((row.planned.as_deref(), row.interrupted), (Some(worded), false));
    let started = |event| matches!(event, SessionEvent::SpeechStarted { text, .. } if text == worded);
    assert_eq!(over.events().filter(|event| started(event.clone())).count(), 1);
}
