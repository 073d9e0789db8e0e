//! What a pause sets going: the turn model is asked once for it, however long it grows.

use super::parts::asks;
use super::stage::Scene;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use vivavoce::vad::scripted::ScriptedTurn;

#[tokio::test(start_paused = true)]
async fn the_turn_model_is_asked_once_for_each_pause_however_long() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let turn_model = ScriptedTurn::by(Duration::from_millis(60), move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(0.3)
    });
    let mut talk = Scene { turn_model: Some(turn_model), ..Scene::default() }.opens();
    talk.hears(&asks("locks")).await;
    talk.waits(500).await;
    for (pauses, pause_ms) in [400, 900, 600].into_iter().enumerate() {
        assert_eq!(asked.load(Ordering::Relaxed), pauses);
        talk.says("It rests on a ledger, and", 2_000).await;
        talk.waits(pause_ms).await;
    }
    assert_eq!(asked.load(Ordering::Relaxed), 3);
    // The last pause grows until the turn is taken, and beyond.
    talk.begins("").await;
    talk.waits(3_000).await;
    assert_eq!(asked.load(Ordering::Relaxed), 3);
    talk.leaves();
    talk.over().await;
}
