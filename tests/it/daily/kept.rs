//! What lies at Daily and is wanted no more: recordings whose time is over, rooms of interviews that are over or erased.
//! The record alone knows of it; a job deletes it, by the real client at the fake's REST interface, however often Daily
//! has to be asked.

use super::fake::Hall;
use super::fake::rest::{FakeRest, KEY};
use crate::store::{eventually, interview};
use crate::support::app::TestApp;
use crate::support::people::held;
use chrono::{Duration as Days, Utc};
use futures::future::BoxFuture;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use vivavoce::clock::Clock;
use vivavoce::id::SessionId;
use vivavoce::jobs::Worker;
use vivavoce::jobs::errands::{self, Errands};
use vivavoce::jobs::retention::{Deleted, Periods, Retention};
use vivavoce::jobs::webhook::Sender;
use vivavoce::room::daily::Remains;
use vivavoce::room::daily::rest::{NewRoom, Privacy, Rest, RoomProperties};
use vivavoce::store::{NewInterview, RoomKind};

const PERIODS: Periods = Periods { recording_days: 10, words_days: 0, report_days: 0, audit_days: 0, delivery_days: 0 };

/// The fake's domain, as the server has it.
struct Domain(Rest);

impl Remains for Domain {
    fn delete_recording<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move { self.0.delete_recording(id).await.map(drop).map_err(|error| error.to_string()) })
    }

    fn delete_room(&self, session: SessionId) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(
            async move { self.0.delete_room(&room_of(session)).await.map(drop).map_err(|error| error.to_string()) },
        )
    }
}

fn room_of(session: SessionId) -> String {
    format!("vivavoce-{session}")
}

fn client(fake: &FakeRest) -> Rest {
    Rest::new(&fake.url, KEY, Duration::from_secs(10)).expect("a client")
}

async fn worker(app: &TestApp, fake: &FakeRest) -> (Worker, CancellationToken) {
    let stop = CancellationToken::new();
    let errands = Errands {
        store: app.store.clone(),
        sender: Sender::new(Duration::from_secs(5), false).expect("a client"),
        attempts_max: 1,
        periods: PERIODS,
        recordings: app.recordings.path().to_owned(),
        daily: Some(Arc::new(Domain(client(fake)))),
        clock: Clock::system(),
    };
    (errands::start(errands, stop.clone()).await.expect("started"), stop)
}

#[tokio::test]
async fn daily_recordings_go_when_their_time_is_over() {
    let app = TestApp::start("").await;
    let fake = FakeRest::start(&Hall::default()).await;
    let over = held(&app, None).await;
    let (waiting, _) = app.create().await;
    for (id, session) in [("old-1", over), ("old-2", over), ("of-one-that-waits", waiting)] {
        assert!(app.store.note_daily_recording(session, id, 61.0).await.expect("noted"));
        let recording = json!({ "id": id, "room_name": room_of(session), "status": "finished", "duration": 61 });
        fake.books().recordings.push(recording);
    }
    let run = async |after_days: i64| {
        let now = Utc::now() + Days::days(after_days);
        let recordings = app.recordings.path().to_owned();
        Retention { store: app.store.clone(), periods: PERIODS, recordings, now }.run().await.expect("deleted")
    };
    assert_eq!(run(9).await, Deleted::default());
    // Ours, and two of Daily's.
    assert_eq!(run(11).await, Deleted { recordings: 3, ..Deleted::default() });
    assert_eq!(run(11).await, Deleted::default(), "once");
    assert_eq!(app.store.daily_recordings(over).await.expect("a list"), []);
    assert_eq!(fake.books().recordings.len(), 3, "Daily is asked by a job, not by the run");

    // Daily is out of order for one of them for longer than the client tries: the job comes again.
    fake.books().refusals.extend([(503, "server-error", None); 4]);
    let (worker, stop) = worker(&app, &fake).await;
    let left = eventually("both are deleted at Daily", async || {
        let left: Vec<_> = fake.books().recordings.iter().map(|one| one["id"].clone()).collect();
        (left.len() < 2).then_some(left)
    });
    assert_eq!(left.await, [json!("of-one-that-waits")]);
    assert_eq!(app.store.daily_recordings(waiting).await.expect("a list").len(), 1);
    stop.cancel();
    worker.wait().await.expect("stopped");
}

#[tokio::test]
async fn daily_rooms_go_with_their_interviews_whoever_ends_them() {
    let app = TestApp::start("").await;
    let fake = FakeRest::start(&Hall::default()).await;
    let rest = client(&fake);
    let make = async || {
        let mut new = NewInterview { room: RoomKind::Daily, ..interview() };
        let properties = RoomProperties::default();
        let room = NewRoom { name: room_of(new.id), privacy: Privacy::Private, properties };
        new.daily_room_url = Some(rest.create_room(&room).await.expect("made").url);
        app.store.create_interview(&new).await.expect("stored").id
    };
    let (cancelled, erased, waiting) = (make().await, make().await, make().await);
    // No server looks on: the record alone says so.
    app.store.cancel(cancelled).await.expect("cancelled");
    app.store.erase_interview(erased).await.expect("erased");
    assert_eq!(fake.books().rooms.len(), 3);
    // A recording that is ready only now is still known to be of ours.
    fake.books().recordings.push(json!({ "id": "late", "room_name": room_of(erased), "status": "finished" }));
    let forget =
        async |session: SessionId, id: &str| app.store.forget_late_daily_recording(session, id).await.expect("asked");
    assert!(forget(erased, "late").await && !forget(SessionId::create(), "of another server").await);

    fake.books().refusals.extend([(500, "server-error", None); 4]);
    let (worker, stop) = worker(&app, &fake).await;
    let left = eventually("two rooms are deleted", async || {
        let left: Vec<String> = fake.books().rooms.keys().cloned().collect();
        (left.len() < 2).then_some(left)
    });
    assert_eq!(left.await, [room_of(waiting)]);
    eventually("the recording is deleted, too", async || fake.books().recordings.is_empty().then_some(())).await;
    // Erased when it is over: its room is gone already, and nobody is asked for it.
    let before = fake.books().asked.len();
    app.store.erase_interview(cancelled).await.expect("erased");
    app.store.cancel(waiting).await.expect("cancelled");
    eventually("the last room is deleted", async || fake.books().rooms.is_empty().then_some(())).await;
    let asked = fake.books().asked[before..].to_vec();
    assert!(!asked.iter().any(|asked| asked.contains(&room_of(cancelled))), "{asked:?}");
    stop.cancel();
    worker.wait().await.expect("stopped");
}
