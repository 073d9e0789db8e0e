//! Parts that fail, and a database that is slow, away, or another's.

use super::parts::{Detector, HALF, Speaker, WHOLE, asks, probes};
use super::record::Door;
use super::stage::Scene;
use std::time::Duration;
use vivavoce::audio::frame::SamplePos;
use vivavoce::interview::EndReason;
use vivavoce::llm::scripted::ScriptedLlm;
use vivavoce::room::Button;
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

/// Who is not heard any more is told so at once, and can type.
#[tokio::test(start_paused = true)]
async fn a_detector_that_is_gone_is_told_and_answers_are_typed() {
    let detector = Detector { dies_at: Some(SamplePos::from_ms(12_000)), ..Detector::default() };
    let mut talk = Scene { detector, ..Scene::default() }.opens();
    talk.hears(&asks("locks")).await;
    talk.sees("error I cannot hear you any more.").await;
    talk.types(WHOLE);
    talk.begins("").await;
    talk.hears(&asks("queues")).await;
    talk.leaves();
    let over = talk.over().await;
    assert_eq!((over.has("part_failed"), over.answers()[0].text.as_str()), (1, WHOLE), "{}", over.story());
}

/// More than the log may hold while the database is away: the end is told, and what is kept has no gap.
#[tokio::test(start_paused = true)]
async fn a_log_that_is_full_ends_the_session_with_a_word() {
    let mut talk = Scene::default().opens();
    talk.hears(&asks("locks")).await;
    talk.waits(500).await;
    talk.notebook.door(Door::Away);
    // Each is one entry. Nobody is there to press once the session has ended.
    for _ in 0..1_500 {
        if talk.has_seen("error Something went wrong on our side") {
            break;
        }
        talk.presses(Button::Moment);
        talk.waits(20).await;
    }
    talk.sees("error Something went wrong on our side").await;
    let over = talk.over().await;
    assert_eq!(over.reason, Some(EndReason::Failed), "{}", over.story());
    assert_eq!(over.noted("error").len(), 1, "told once\n{}", over.story());
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

/// The model is asked in the pause, not when the turn is taken: so it may take longer than anybody waits for it.
#[tokio::test(start_paused = true)]
async fn a_wording_is_asked_for_in_the_pause_and_its_first_word_is_marked() {
    let worded = "What happens if two people do it at once?";
    let llm = ScriptedLlm::saying(worded, Duration::from_millis(1_100), Duration::from_millis(50));
    let mut talk = Scene { llm: Some(llm.clone()), ..Scene::default() }.opens();
    talk.answers(&asks("locks"), HALF).await;
    talk.hears(worded).await;
    talk.leaves();
    let over = talk.over().await;
    assert_eq!(llm.asked().len(), 1, "{}", over.story());
    let replied = |event| if let SessionEvent::Replied { stages, .. } = event { Some(stages) } else { None };
    let stages = over.events().filter_map(replied).last().expect("there is a reply");
    let (asked, first) = (stages.transcript_final_ms.expect("there were words"), stages.first_token_ms);
    let first = first.unwrap_or_else(|| panic!("no first token in {stages:?}\n{}", over.story()));
    // Asked when the words of the pause were there; the turn was taken later.
    assert!((asked + 1_100..=asked + 1_150).contains(&first), "{first} after {asked}\n{}", over.story());
    assert!(stages.decision_ms.is_some_and(|decided| decided > asked), "{stages:?}");
}

/// The candidate goes on: what was prepared for the first half is asked for, and leaves no trace.
#[tokio::test(start_paused = true)]
async fn what_was_prepared_for_half_an_answer_is_dropped_without_trace() {
    let first = "And what of the first half alone?";
    let then = "What happens if two people do it at once?";
    let words = |text: &str| Ok(text.split_inclusive(' ').map(str::to_owned).collect::<Vec<_>>());
    let (soon, next) = (Duration::from_millis(100), Duration::from_millis(10));
    let llm = ScriptedLlm::new(vec![words(first), words(then)], soon, next);
    let mut talk = Scene { llm: Some(llm.clone()), completion: 0.3, ..Scene::default() }.opens();
    talk.answers(&asks("locks"), "We always keep").await;
    talk.waits(900).await;
    talk.says("a ledger for it.", 1_500).await;
    talk.hears(then).await;
    talk.leaves();
    let over = talk.over().await;
    assert_eq!(llm.asked().len(), 2, "{}", over.story());
    assert!(!over.story().contains(first), "{}", over.story());
    assert_eq!(over.answers().len(), 1, "{}", over.story());
}

#[tokio::test(start_paused = true)]
async fn a_minute_of_sound_without_words_is_told_and_the_interview_goes_on() {
    let mut talk = Scene::default().opens();
    talk.hears(&asks("locks")).await;
    talk.waits(500).await;
    talk.says("", 60_000).await;
    talk.sees("warning There is a lot of sound around you").await;
    talk.waits(5_000).await;
    talk.types(WHOLE);
    talk.answers(&asks("queues"), WHOLE).await;
    talk.answers(&asks("caches"), WHOLE).await;
    let over = talk.over().await;
    assert_eq!(over.reason, Some(EndReason::Completed), "{}", over.story());
    assert_eq!(over.noted("warning There is a lot of sound").len(), 1, "once is enough\n{}", over.story());
    let texts: Vec<String> =
        over.answers().into_iter().map(|answer| answer.text).filter(|text| !text.is_empty()).collect();
    assert_eq!(texts, [WHOLE; 3], "noise is no answer\n{}", over.story());
}
