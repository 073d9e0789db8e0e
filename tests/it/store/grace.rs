//! Interviews that were left behind: no candidate pays for the time in which nobody could have come back.

use super::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use vivavoce::app::sweep::Grace;
use vivavoce::clock::Clock;

/// The time that a candidate may take, min.
const GRACE_MIN: i64 = 15;

/// A clock that can be put forward, min.
fn clock() -> (Clock, Arc<AtomicI64>) {
    let later_min = Arc::new(AtomicI64::new(0));
    let told = later_min.clone();
    (Clock::from_fn(move || Utc::now() + chrono::Duration::minutes(told.load(Ordering::Relaxed))), later_min)
}

/// An interview under way whose owner is gone.
async fn left_behind(store: &Store) -> SessionId {
    let row = store.create_interview(&interview()).await.expect("made");
    let lease = store.claim(row.id, NodeId::create(), Duration::ZERO).await.expect("asked").expect("free");
    let started = [Projection::Started { at: Utc::now() }];
    store.append_at(&lease, 1, &[event("a", json!({}))], &started).await.expect("kept");
    row.id
}

#[tokio::test]
async fn a_server_that_was_down_for_long_still_waits_for_its_candidates() {
    let db = TestDb::fresh().await;
    let (clock, later_min) = clock();
    let id = left_behind(&db.store).await;
    later_min.store(120, Ordering::Relaxed);
    let grace = Grace::begin(clock);
    assert_eq!(grace.forsaken(&db.store, 1).await.expect("looked"), [], "two hours were the server's own");
    later_min.fetch_add(GRACE_MIN - 1, Ordering::Relaxed);
    assert_eq!(grace.forsaken(&db.store, 1).await.expect("looked"), []);
    later_min.fetch_add(2, Ordering::Relaxed);
    assert_eq!(grace.forsaken(&db.store, 1).await.expect("looked"), [id]);
}

#[tokio::test]
async fn a_database_that_was_away_costs_no_candidate_the_way_back() {
    let db = TestDb::fresh().await;
    let (clock, later_min) = clock();
    let mut grace = Grace::begin(clock);
    let id = left_behind(&db.store).await;
    later_min.store(GRACE_MIN + 1, Ordering::Relaxed);
    assert_eq!(grace.forsaken(&db.store, 1).await.expect("looked"), [id]);
    grace.interrupted();
    assert_eq!(grace.forsaken(&db.store, 1).await.expect("looked"), [], "it is back only now");
    later_min.fetch_add(GRACE_MIN + 1, Ordering::Relaxed);
    assert_eq!(grace.forsaken(&db.store, 1).await.expect("looked"), [id]);
}
