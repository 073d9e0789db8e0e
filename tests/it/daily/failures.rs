//! Everything that can happen to a call, as it was measured of the native client: each with its outcome.

use super::fake::{FakeDaily, Guest};
use super::network::alone;
use super::sounds::{is_tone, strength, tone};
use super::stage::{Stage, quick};
use serde_json::json;
use std::sync::atomic::Ordering;
use std::time::Duration;
use vivavoce::room::ClosedReason;
use vivavoce::room::daily::DailySettings;

/// The candidate is heard (again), soon.
async fn hears(stage: &mut Stage, candidate: &Guest, hz: f64) {
    const TRIES: usize = 10;
    for _ in 0..TRIES {
        candidate.say(tone(hz, 2_500, 24_000));
        let heard = stage.listen(Duration::from_millis(2_500)).await;
        let middle = &heard[heard.len() / 3..heard.len() * 2 / 3];
        if strength(middle, hz, 16_000) > 2_000.0 {
            assert!(is_tone(middle, hz, 16_000));
            return;
        }
    }
    panic!("the candidate is not heard any more");
}

#[test]
fn daily_room_that_is_deleted_or_ends_ends_the_call() {
    alone(|| async {
        let mut stage = Stage::open(quick()).await;
        let _candidate = stage.candidate();
        stage.connected().await;
        stage.fake.hall.delete("room");
        assert_eq!(stage.closed().await, ClosedReason::Lost, "the room was deleted");
        stage.is_clean().await;

        let soon = chrono::Utc::now().timestamp() + 6;
        for props in [json!({ "room": { "exp": soon, "eject_at_room_exp": true } }), json!({ "eje": 4 })] {
            let fake = FakeDaily::start().await;
            fake.hall.state().join_props.insert("room".into(), props.clone());
            let mut stage = Stage::open_in(fake, quick());
            let _candidate = stage.candidate();
            stage.connected().await;
            assert_eq!(stage.closed().await, ClosedReason::Lost, "{props}");
            stage.is_clean().await;
        }
    });
}

#[test]
fn daily_token_that_runs_out_is_renewed() {
    alone(|| async {
        let fake = FakeDaily::start().await;
        let mut stage = Stage::open_for(fake, quick(), 5);
        let candidate = stage.candidate();
        stage.connected().await;
        stage.token_s.store(3_600, Ordering::Relaxed);
        stage.interrupted().await;
        stage.connected().await;
        hears(&mut stage, &candidate, 440.0).await;
        stage.close().await;
    });
}

#[test]
fn daily_door_that_stays_shut_ends_the_room_at_once() {
    alone(|| async {
        for refusal in [json!({ "error": "exp-room" }), json!({ "error": "not allowed" })] {
            let fake = FakeDaily::start().await;
            fake.hall.state().lookup.insert("room".into(), (200, refusal.clone()));
            let mut stage = Stage::open_in(fake, quick());
            assert_eq!(stage.closed().await, ClosedReason::Lost, "{refusal}");
            stage.is_clean().await;
        }
        // A network or a Daily that fails is tried again.
        let fake = FakeDaily::start().await;
        fake.hall.state().lookup.insert("room".into(), (503, json!({ "error": "server-error" })));
        let mut stage = Stage::open_in(fake, quick());
        let _candidate = stage.candidate();
        tokio::time::sleep(Duration::from_secs(2)).await;
        stage.fake.hall.state().lookup.clear();
        stage.connected().await;
        stage.close().await;
    });
}

#[test]
fn daily_signalling_that_is_reset_or_closed_does_not_end_the_interview() {
    alone(|| async {
        let mut stage = Stage::open(quick()).await;
        let candidate = stage.candidate();
        stage.connected().await;
        stage.fake.hall.drop_signalling("room", false);
        tokio::time::sleep(Duration::from_secs(6)).await;
        hears(&mut stage, &candidate, 440.0).await;
        // A socket that closes in order is an event to nobody: that Daily does not know us any more is found by asking.
        stage.fake.hall.drop_signalling("room", true);
        stage.look();
        stage.interrupted().await;
        stage.connected().await;
        hears(&mut stage, &candidate, 520.0).await;
        stage.close().await;
    });
}

#[test]
fn daily_media_that_dies_interrupts_and_comes_back() {
    alone(|| async {
        let mut stage = Stage::open(DailySettings { line_down: Duration::from_secs(5), ..quick() }).await;
        let candidate = stage.candidate();
        stage.connected().await;
        stage.fake.hall.set_media_dead("room", true);
        stage.interrupted().await;
        stage.connected().await;
        hears(&mut stage, &candidate, 440.0).await;
        stage.close().await;
    });
}

#[test]
fn daily_server_that_never_answers_a_join_costs_a_worker_and_no_more() {
    alone(|| async {
        let fake = FakeDaily::start().await;
        fake.hall.state().deaf = true;
        let join = Duration::from_secs(3);
        let mut stage = Stage::open_in(fake, DailySettings { join, failures_max: 1, ..quick() });
        assert_eq!(stage.closed().await, ClosedReason::Lost);
        stage.is_clean().await;
    });
}
