//! What the candidate does by hand: every button, and typed answers.

use super::parts::{HALF, WHOLE, asks, probes};
use super::stage::{Scene, Talk};
use vivavoce::interview::{EndReason, QuestionOutcome};
use vivavoce::room::Button;

async fn asked() -> Talk {
    let mut talk = Scene::default().opens();
    talk.hears(&asks("locks")).await;
    talk.waits(500).await;
    talk
}

#[tokio::test(start_paused = true)]
async fn done_takes_the_turn_in_mid_sentence() {
    let mut talk = Scene { completion: 0.05, ..Scene::default() }.opens();
    talk.hears(&asks("locks")).await;
    talk.says("It rests on a ledger, on a mutex, and on", 2_000).await;
    talk.presses(Button::Done);
    let pressed = talk.sees("caption It rests").await;
    let asked = talk.begins(&asks("queues")).await;
    assert!(asked - pressed < 3_000, "{} ms", asked - pressed);
    talk.leaves();
    let over = talk.over().await;
    assert_eq!(over.answers()[0].text, "It rests on a ledger, on a mutex, and on");
    assert_eq!(over.outcomes()[0], ("locks".into(), QuestionOutcome::Answered));
}

#[tokio::test(start_paused = true)]
async fn repeat_says_the_question_again() {
    let mut talk = asked().await;
    talk.presses(Button::Repeat);
    talk.answers(&asks("locks"), WHOLE).await;
    talk.hears(&asks("queues")).await;
    talk.leaves();
    let over = talk.over().await;
    assert_eq!(over.has("wish_heard"), 1);
    let repeats = over.kept.rows.values().filter(|(row, _)| row.content == asks("locks")).count();
    assert_eq!(repeats, 2, "{}", over.story());
    assert_eq!(over.asked()["locks"], 1);
}

#[tokio::test(start_paused = true)]
async fn rephrase_and_slower_say_it_anew() {
    let mut talk = asked().await;
    talk.presses(Button::Rephrase);
    talk.hears("Please tell me something about locks.").await;
    talk.presses(Button::Slower);
    talk.hears(&asks("locks")).await;
    talk.leaves();
    let over = talk.over().await;
    assert_eq!(over.has("wish_heard"), 2, "{}", over.story());
}

#[tokio::test(start_paused = true)]
async fn skip_asks_the_next_question() {
    let mut talk = asked().await;
    talk.presses(Button::Skip);
    talk.answers(&asks("queues"), WHOLE).await;
    talk.hears(&asks("caches")).await;
    talk.leaves();
    let over = talk.over().await;
    assert_eq!(over.outcomes()[0], ("locks".into(), QuestionOutcome::Skipped), "{}", over.story());
    assert_eq!(over.answers()[0].question_key.as_deref(), Some("queues"));
}

/// The next question is asked even if the candidate has just spoken, and what was said is kept with its question.
#[tokio::test(start_paused = true)]
async fn skip_just_after_speaking_asks_the_next_question_and_keeps_the_words() {
    for wait_ms in [0, 100, 300, 600, 900, 1_200, 1_500] {
        let mut talk = Scene { completion: 0.3, ..Scene::default() }.opens();
        talk.hears(&asks("locks")).await;
        talk.says("I only know that there is", 1_500).await;
        talk.waits(wait_ms).await;
        talk.presses(Button::Skip);
        talk.answers(&asks("queues"), WHOLE).await;
        talk.waits(5_000).await;
        talk.leaves();
        let over = talk.over().await;
        let kept = over.answers().into_iter().find(|answer| answer.text.starts_with("I only know"));
        let key = kept.unwrap_or_else(|| panic!("lost after {wait_ms} ms\n{}", over.story())).question_key;
        assert_eq!(key.as_deref(), Some("locks"), "after {wait_ms} ms\n{}", over.story());
        assert_eq!(over.asked()["queues"], 1, "after {wait_ms} ms\n{}", over.story());
    }
}

/// Words that are known only after the question was skipped are an answer to it all the same.
#[tokio::test(start_paused = true)]
async fn words_that_come_after_the_skip_make_it_answered() {
    for words_take_ms in [1_500, 6_000] {
        let mut talk = Scene { completion: 0.3, ..Scene::default() }.opens();
        talk.hears(&asks("locks")).await;
        talk.ears.take_ms(words_take_ms);
        talk.says("I only know that there is a ledger.", 1_500).await;
        talk.waits(300).await;
        talk.presses(Button::Skip);
        talk.hears(&asks("queues")).await;
        talk.waits(5_000).await;
        talk.leaves();
        let over = talk.over().await;
        let of_locks: Vec<_> = over.outcomes().into_iter().filter(|(key, _)| key == "locks").collect();
        let (skipped, answered) = (QuestionOutcome::Skipped, QuestionOutcome::Answered);
        assert_eq!(of_locks, [("locks".to_owned(), skipped), ("locks".to_owned(), answered)], "{}", over.story());
    }
}

#[tokio::test(start_paused = true)]
async fn a_moment_keeps_the_floor() {
    let mut talk = asked().await;
    talk.presses(Button::Moment);
    talk.hears("Of course. Take your time.").await;
    talk.waits(30_000).await;
    assert!(!talk.has_seen("begins"), "nobody hurries who asked for time");
    talk.says(WHOLE, 2_000).await;
    talk.hears(&asks("queues")).await;
    talk.leaves();
    let over = talk.over().await;
    assert_eq!(over.answers()[0].text, WHOLE);
}

#[tokio::test(start_paused = true)]
async fn a_pause_stops_everything_until_it_is_over() {
    let mut talk = asked().await;
    talk.presses(Button::Pause);
    talk.hears("We are paused.").await;
    talk.sees("state paused").await;
    talk.says("This is said to somebody else.", 2_000).await;
    talk.waits(200_000).await;
    assert!(!talk.has_seen("begins"), "silence means nothing in a pause");
    talk.presses(Button::Resume);
    talk.hears("Welcome back.").await;
    talk.answers(&asks("locks"), WHOLE).await;
    talk.hears(&asks("queues")).await;
    talk.leaves();
    let over = talk.over().await;
    assert_eq!((over.has("paused"), over.has("resumed")), (1, 1), "{}", over.story());
    assert_eq!(over.answers().len(), 1, "{}", over.story());
    assert_eq!(over.answers()[0].text, WHOLE);
}

#[tokio::test(start_paused = true)]
async fn end_says_goodbye_and_is_no_running_away() {
    let mut talk = asked().await;
    talk.says(HALF, 2_000).await;
    talk.hears(&probes("locks")).await;
    talk.presses(Button::End);
    talk.hears("All right, we end here.").await;
    let over = talk.over().await;
    assert_eq!(over.reason, Some(EndReason::CandidateEnded));
    assert_eq!(over.outcomes(), [("locks".to_owned(), QuestionOutcome::Answered)]);
    assert_eq!(over.noted("ended candidate_ended").len(), 1, "{}", over.story());
}

#[tokio::test(start_paused = true)]
async fn a_typed_answer_is_written_down_before_it_is_shown_as_final_and_counts() {
    let mut talk = Scene { saving_ms: 400, ..Scene::default() }.opens();
    talk.hears(&asks("locks")).await;
    talk.waits(500).await;
    talk.types(WHOLE);
    let shown = talk.sees(&format!("caption {WHOLE}")).await;
    talk.hears(&asks("queues")).await;
    talk.leaves();
    let over = talk.over().await;
    let logged = over.kept.written.iter().find(|row| row.kind == "utterance_transcribed").expect("it is logged");
    assert!(logged.durable_ms <= shown, "{}", over.story());
    let answers = over.answers();
    assert_eq!((answers[0].text.as_str(), answers[0].typed), (WHOLE, true));
    assert_eq!(over.outcomes()[0], ("locks".into(), QuestionOutcome::Answered));
}

#[tokio::test(start_paused = true)]
async fn what_is_typed_while_speaking_joins_what_was_said() {
    let mut talk = asked().await;
    talk.says("I keep a ledger and", 1_500).await;
    talk.types("a mutex as well");
    talk.hears(&asks("queues")).await;
    talk.leaves();
    let over = talk.over().await;
    let texts: Vec<String> = over.answers().into_iter().map(|answer| answer.text).collect();
    assert_eq!(texts, ["I keep a ledger and a mutex as well"], "{}", over.story());
}
