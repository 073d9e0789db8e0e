//! Conversations replayed from their logs: with the same thresholds everything is decided again as it was, with others
//! the differences are told, and twice the same.

use super::parts::{HALF, WHOLE, asks, probes};
use super::record::Written;
use super::stage::Scene;
use std::time::Instant;
use vivavoce::room::Button;
use vivavoce::session::replay::Stored;
use vivavoce::session::replay::compare::{Comparison, compare, decided_again};

/// A conversation with a false cut-off, an interruption, a backchannel, a nudge and a skip in it.
async fn eventful() -> Vec<Written> {
    let mut talk = Scene::default().opens();
    talk.begins(&asks("locks")).await;
    talk.waits(500).await;
    talk.says("Mm-hmm.", 500).await;
    talk.answers(&asks("locks"), HALF).await;
    talk.begins("").await;
    talk.waits(300).await;
    talk.says("And then a mutex guards all of it.", 2_000).await;
    talk.begins(&asks("queues")).await;
    talk.waits(1_500).await;
    talk.says("We keep a ledger for that, of course.", 2_000).await;
    talk.hears(&probes("queues")).await;
    talk.hears("").await;
    talk.waits(500).await;
    talk.presses(Button::Skip);
    talk.answers(&asks("caches"), WHOLE).await;
    talk.over().await.kept.written
}

fn stored(written: &[Written]) -> Stored {
    Stored::read(written.iter().map(Written::event))
}

fn compared(written: &[Written], changes: &[&str]) -> Comparison {
    compare(&stored(written), Instant::now(), |logged| {
        changes.iter().fold(logged.clone(), |settings, change| settings.with_named(change).expect("it is a setting"))
    })
}

#[tokio::test(start_paused = true)]
async fn what_was_decided_is_decided_again() {
    let stored = stored(&eventful().await);
    let part = &stored.parts[0];
    let again = decided_again(part, Instant::now());
    assert_eq!(again.len(), part.decided.len(), "{again:#?}\n{:#?}", part.decided);
    for ((turn, decision), (logged_turn, logged)) in again.iter().zip(&part.decided) {
        assert_eq!((turn, decision.reason, decision.reopened), (logged_turn, logged.reason, logged.reopened));
        assert!(decision.silence_ms.abs_diff(logged.silence_ms) <= 2, "{decision:?} {logged:?}");
    }
    assert_eq!(part.decided.iter().filter(|(_, decision)| decision.reopened > 0).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn with_the_same_thresholds_nothing_differs() {
    let comparison = compared(&eventful().await, &[]);
    assert!(comparison.turns.iter().all(|turn| !turn.differs), "{}", comparison.table());
    assert_eq!(comparison.was, comparison.would, "{}", comparison.table());
    assert_eq!((comparison.was.cut_off, comparison.was.recovered), (1, 1), "{}", comparison.table());
    assert_eq!((comparison.was.interrupted, comparison.was.held), (1, 1), "{}", comparison.table());
}

#[tokio::test(start_paused = true)]
async fn more_patience_cuts_nobody_off_and_answers_later() {
    let changes = ["turn.evidence.confident=1.0", "turn.patience.factual_ms=3000", "turn.patience.explain_ms=4000"];
    let comparison = compared(&eventful().await, &changes);
    let first = &comparison.turns[0];
    assert_eq!((first.was.cut_off_at_ms.len(), first.would.cut_off_at_ms.len()), (1, 0), "{}", comparison.table());
    assert!(first.would.answered_after_ms > first.was.answered_after_ms, "{}", comparison.table());
    let (was, would) = (comparison.was.mean_wait_ms, comparison.would.mean_wait_ms);
    assert!(would > was.map(|ms| ms + 1_000), "{}", comparison.table());
}

/// The candidate pauses for a second in the middle: whoever waits no longer than half of it cuts in.
#[tokio::test(start_paused = true)]
async fn less_patience_would_have_cut_off_where_nobody_did() {
    let mut scene = Scene { completion: 0.5, ..Scene::default() };
    scene.turn.patience.factual_ms = 2_600;
    let mut talk = scene.opens();
    talk.hears(&asks("locks")).await;
    talk.waits(500).await;
    talk.says("It rests on a ledger.", 1_500).await;
    talk.waits(1_100).await;
    talk.says("It rests on a mutex.", 1_500).await;
    talk.hears(&asks("queues")).await;
    talk.leaves();
    let written = talk.over().await.kept.written;
    let hasty = ["turn.patience.factual_ms=500", "turn.evidence.leaning_stretch=1.0"];
    let comparison = compared(&written, &hasty);
    let first = &comparison.turns[0];
    assert_eq!((first.was.cut_off_at_ms.len(), first.would.cut_off_at_ms.len()), (0, 1), "{}", comparison.table());
    assert_eq!(first.would.recovered, 1, "{}", comparison.table());
    assert_eq!(comparison, compared(&written, &hasty), "twice the same");
    assert!(comparison.table().contains("cut off"));
}
