//! A recogniser that stumbles in mid-interview, by the shipped deadlines: nobody is lost, and the pause is short.

use super::parts::{WHOLE, asks};
use super::stage::{Scene, Talk};
use std::time::Duration;

/// What a provider's stumble may add to the silence before a reply.
const EXTRA_MAX: Duration = Duration::from_secs(1);

/// Answers; how long the interviewer is silent then.
async fn silence_after(talk: &mut Talk, key: &str) -> Duration {
    talk.answers(&asks(key), WHOLE).await;
    let ended = tokio::time::Instant::now();
    talk.begins("").await;
    ended.elapsed()
}

#[tokio::test(start_paused = true)]
async fn an_interview_goes_on_with_the_next_ears_within_a_second() {
    let mut talk = Scene { chained: true, ..Scene::default() }.opens();
    let usual = silence_after(&mut talk, "locks").await;
    // From now on the first ones say nothing.
    talk.first_ears.take_ms(3_600_000);
    let stumbled = silence_after(&mut talk, "queues").await;
    assert!(stumbled > usual, "they did stumble: {stumbled:?}");
    assert!(stumbled <= usual + EXTRA_MAX, "{stumbled:?} instead of {usual:?}");
    let after = silence_after(&mut talk, "caches").await;
    assert!(after <= usual + Duration::from_millis(100), "who took over stays: {after:?} instead of {usual:?}");
    let over = talk.over().await;
    let said: Vec<String> = over.answers().into_iter().map(|answer| answer.text).collect();
    assert_eq!(said, [WHOLE; 3], "{}", over.story());
    assert_eq!(over.has("part_failed"), 1, "the log says what happened\n{}", over.story());
    assert!(over.noted("error").is_empty(), "{}", over.story());
}
