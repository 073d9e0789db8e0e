//! The line to the candidate: broken and mended, losing packets, bringing our own voice back.

use super::parts::{HALF, WHOLE, asks, probes};
use super::stage::Scene;
use vivavoce::interview::EndReason;
use vivavoce::session::event::SessionEvent;

/// Silence of somebody who is not there means nothing, and what was said before counts.
#[tokio::test(start_paused = true)]
async fn whoever_comes_back_goes_on_in_the_same_turn() {
    let mut talk = Scene { completion: 0.1, ..Scene::default() }.opens();
    talk.hears(&asks("locks")).await;
    talk.waits(500).await;
    talk.says("It rests on a ledger and", 2_000).await;
    talk.breaks_off(30_000).await;
    assert!(!talk.has_seen("begins"), "nobody speaks to an empty room");
    talk.waits(1_000).await;
    talk.says("on a mutex that guards it.", 2_000).await;
    talk.hears(&asks("queues")).await;
    talk.leaves();
    let over = talk.over().await;
    assert_eq!(over.answers()[0].text, "It rests on a ledger and on a mutex that guards it.", "{}", over.story());
    assert_eq!((over.has("media_interrupted"), over.has("media_connected")), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_line_that_breaks_in_mid_question_says_the_rest_when_it_is_back() {
    let mut talk = Scene::default().opens();
    talk.begins(&asks("locks")).await;
    talk.waits(1_000).await;
    talk.breaks_off(5_000).await;
    talk.answers(&asks("locks"), WHOLE).await;
    talk.hears(&asks("queues")).await;
    talk.leaves();
    let over = talk.over().await;
    assert!(over.transcript().contains(&format!("I locks: {}\nC locks: {WHOLE}", asks("locks"))), "{}", over.story());
}

#[tokio::test(start_paused = true)]
async fn who_does_not_come_back_has_left_and_keeps_what_was_said() {
    let mut talk = Scene::default().opens();
    talk.answers(&asks("locks"), HALF).await;
    talk.hears(&probes("locks")).await;
    talk.says("There a mutex", 1_500).await;
    talk.breaks_for_good().await;
    let over = talk.over().await;
    assert_eq!(over.reason, Some(EndReason::Left));
    assert!(over.transcript().contains("C locks: There a mutex"), "{}", over.story());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_lost_too_much_on_the_way_is_marked_and_a_little_is_not() {
    for (lost_ms, damaged) in [(120, false), (600, true)] {
        let mut talk = Scene::default().opens();
        talk.hears(&asks("locks")).await;
        talk.waits(500).await;
        talk.loses(lost_ms);
        talk.says(WHOLE, 2_000).await;
        talk.hears(&asks("queues")).await;
        talk.leaves();
        let over = talk.over().await;
        let answers = over.answers();
        assert!(answers[0].utterances.iter().any(|utterance| utterance.damaged) == damaged, "{}", over.story());
        let lost = |event| if let SessionEvent::AudioLost { frames, .. } = event { Some(frames) } else { None };
        assert_eq!(over.events().filter_map(lost).collect::<Vec<_>>(), [lost_ms / 20], "{}", over.story());
    }
}

/// Our voice comes back a fifth as loud and 180 ms late: it neither stops nor holds us.
#[tokio::test(start_paused = true)]
async fn our_own_voice_does_not_interrupt() {
    let mut talk = Scene { echo: Some((180, 0.2)), ..Scene::default() }.opens();
    talk.answers(&asks("locks"), WHOLE).await;
    talk.begins(&asks("queues")).await;
    talk.waits(1_000).await;
    talk.says("We always keep a ledger for that, of course.", 2_400).await;
    talk.hears(&probes("queues")).await;
    talk.leaves();
    let over = talk.over().await;
    // The one that holds and stops it is the candidate.
    assert_eq!((over.has("speech_held"), over.noted("stop #").len()), (1, 1), "{}", over.story());
    assert!(over.transcript().contains("C queues: We always keep a ledger for that, of course."), "{}", over.story());
}

/// In a room that garbles it, the words betray our voice: it is held for a moment and goes on.
#[tokio::test(start_paused = true)]
async fn our_own_words_are_no_answer() {
    let mut talk = Scene::default().opens();
    talk.begins(&asks("locks")).await;
    talk.waits(400).await;
    talk.says("what do you know of", 600).await;
    talk.answers(&asks("locks"), WHOLE).await;
    talk.hears(&asks("queues")).await;
    talk.leaves();
    let over = talk.over().await;
    assert_eq!((over.has("speech_resumed"), over.noted("stop #").len()), (1, 0), "{}", over.story());
    assert_eq!(over.answers()[0].text, WHOLE);
    assert!(over.noted("caption what do you know").is_empty(), "{}", over.story());
}
