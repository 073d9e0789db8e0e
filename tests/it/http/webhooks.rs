//! Webhooks: events are noted by what happens to an interview, signed, delivered to a receiver that listens, tried again,
//! replayed, and never sent where only this server reaches.

use crate::store::eventually;
use crate::support::app::{TestApp, body, problem};
use crate::support::people::{Someone, admin, held, interviewer};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use vivavoce::clock::Clock;
use vivavoce::jobs::Worker;
use vivavoce::jobs::errands::{self, Errands};
use vivavoce::jobs::retention::Periods;
use vivavoce::jobs::webhook::{Sender, sign};

/// Somebody's server: notes what arrives, answers what it is told to (then 200).
#[derive(Clone, Default)]
struct Receiver {
    answers: Arc<Mutex<VecDeque<u16>>>,
    taken: Arc<Mutex<Vec<(HeaderMap, String)>>>,
}

impl Receiver {
    async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}/hook", listener.local_addr().expect("bound"));
        let router = axum::Router::new().route("/hook", post(take)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.expect("served") });
        address
    }

    fn taken(&self) -> Vec<(HeaderMap, String)> {
        self.taken.lock().expect("not poisoned").clone()
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: String) -> (StatusCode, HeaderMap) {
    receiver.taken.lock().expect("not poisoned").push((headers, body));
    let answer = receiver.answers.lock().expect("not poisoned").pop_front().unwrap_or(200);
    let mut headers = HeaderMap::new();
    headers.insert("location", "/hook".parse().expect("a value"));
    (StatusCode::from_u16(answer).expect("a status"), headers)
}

const PERIODS: Periods = Periods { recording_days: 0, words_days: 0, report_days: 0, audit_days: 0, delivery_days: 0 };

async fn worker(app: &TestApp, attempts_max: u32, allow_private: bool) -> (Worker, CancellationToken) {
    let stop = CancellationToken::new();
    let errands = Errands {
        store: app.store.clone(),
        sender: Sender::new(Duration::from_secs(5), allow_private).expect("a client"),
        attempts_max,
        periods: PERIODS,
        recordings: app.recordings.path().to_owned(),
        daily: None,
        clock: Clock::system(),
    };
    (errands::start(errands, stop.clone()).await.expect("started"), stop)
}

async fn add(app: &TestApp, boss: &Someone, url: &str, events: &[&str]) -> (String, String) {
    let hook = json!({ "url": url, "events": events });
    let made = app.far(Method::POST, "/api/v1/webhooks", &boss.token).json(&hook).send().await.expect("answered");
    let made = body(made, 201).await;
    let text = |name: &str| made[name].as_str().expect("text").to_owned();
    (text("id"), text("secret"))
}

async fn deliveries(app: &TestApp, boss: &Someone, hook: &str) -> Vec<Value> {
    let path = format!("/api/v1/webhooks/{hook}/deliveries");
    let list = body(app.far(Method::GET, &path, &boss.token).send().await.expect("answered"), 200).await;
    list["deliveries"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn a_receiver_is_told_of_each_event_once_and_can_check_who_tells() {
    let app = TestApp::start("[webhooks]\nallow_private = true").await;
    let boss = admin(&app, "boss").await;
    let receiver = Receiver::default();
    let (hook, secret) =
        add(&app, &boss, &receiver.listen().await, &["interview.started", "interview.ended", "report.ready"]).await;
    let (quiet, _) = add(&app, &boss, "http://127.0.0.1:9/", &["report.ready"]).await;
    let path = format!("/api/v1/webhooks/{quiet}");
    let off = app.far(Method::PATCH, &path, &boss.token).json(&json!({ "active": false })).send().await;
    assert_eq!(body(off.expect("answered"), 200).await["active"], false);
    let (worker, stop) = worker(&app, 3, true).await;
    let id = held(&app, None).await;
    let told = eventually("three events", async || Some(receiver.taken()).filter(|taken| taken.len() == 3)).await;
    let mut events: Vec<String> = Vec::new();
    for (headers, body) in &told {
        let header = |name: &str| headers[name].to_str().expect("text");
        let timestamp: i64 = header("x-vivavoce-timestamp").parse().expect("a number");
        assert_eq!(header("x-vivavoce-signature"), sign(secret.as_bytes(), timestamp, body));
        let payload: Value = serde_json::from_str(body).expect("JSON");
        assert_eq!((&payload["interview"]["id"], &payload["id"]), (&json!(id), &json!(header("x-vivavoce-delivery"))));
        assert_eq!(payload["event"], header("x-vivavoce-event"));
        events.push(header("x-vivavoce-event").to_owned());
    }
    events.sort();
    assert_eq!(events, ["interview.ended", "interview.started", "report.ready"]);
    assert!(deliveries(&app, &boss, &quiet).await.is_empty());
    let list = eventually("noted", async || {
        let list = deliveries(&app, &boss, &hook).await;
        list.iter().all(|one| one["state"] == "delivered").then_some(list)
    });
    let list = list.await;
    assert_eq!((list.len(), &list[0]["response_status"]), (3, &json!(200)));

    let replay = format!("/api/v1/webhooks/{hook}/deliveries/{}/replay", list[0]["id"].as_str().expect("id"));
    body(app.far(Method::POST, &replay, &boss.token).send().await.expect("answered"), 202).await;
    let again = eventually("a fourth", async || receiver.taken().get(3).cloned()).await;
    assert_eq!(again.0["x-vivavoce-delivery"].to_str().expect("text"), list[0]["id"]);
    stop.cancel();
    worker.wait().await.expect("stopped");
}

#[tokio::test]
async fn a_receiver_that_refuses_is_asked_again_and_given_up_in_the_end() {
    let app = TestApp::start("[webhooks]\nallow_private = true").await;
    let boss = admin(&app, "boss").await;
    let receiver = Receiver::default();
    // A redirect is a refusal, too: it is not followed.
    receiver.answers.lock().expect("not poisoned").extend([307, 500]);
    let (hook, _) = add(&app, &boss, &receiver.listen().await, &["interview.ended"]).await;
    let (worker, stop) = worker(&app, 2, true).await;
    held(&app, None).await;
    let failed = eventually("given up", async || {
        deliveries(&app, &boss, &hook).await.into_iter().find(|one| one["state"] == "failed")
    });
    let failed = failed.await;
    assert_eq!((&failed["attempts"], &failed["response_status"]), (&json!(2), &json!(500)));
    assert_eq!(receiver.taken().len(), 2);
    let replay = format!("/api/v1/webhooks/{hook}/deliveries/{}/replay", failed["id"].as_str().expect("id"));
    body(app.far(Method::POST, &replay, &boss.token).send().await.expect("answered"), 202).await;
    eventually("taken at last", async || {
        deliveries(&app, &boss, &hook).await.into_iter().find(|one| one["state"] == "delivered")
    })
    .await;
    stop.cancel();
    worker.wait().await.expect("stopped");
}

#[tokio::test]
async fn nothing_is_sent_to_a_private_address() {
    // Added while it was allowed; since then it is not.
    let app = TestApp::start("[webhooks]\nallow_private = true").await;
    let boss = admin(&app, "boss").await;
    let receiver = Receiver::default();
    let address = receiver.listen().await;
    let named = address.replace("127.0.0.1", "localhost");
    let mut hooks = Vec::new();
    for url in [&address, &named] {
        hooks.push(add(&app, &boss, url, &["interview.ended"]).await.0);
    }
    let (worker, stop) = worker(&app, 1, false).await;
    held(&app, None).await;
    for hook in &hooks {
        let failed = eventually("refused", async || {
            deliveries(&app, &boss, hook).await.into_iter().find(|one| one["state"] == "failed")
        });
        assert!(failed.await["response_error"].is_string());
    }
    assert!(receiver.taken().is_empty());
    stop.cancel();
    worker.wait().await.expect("stopped");
}

#[tokio::test]
async fn webhooks_are_for_admins_and_for_public_addresses() {
    let app = TestApp::start("").await;
    let (boss, grace) = (admin(&app, "boss").await, interviewer(&app, "grace").await);
    let send = |token: &str, hook: Value| app.far(Method::POST, "/api/v1/webhooks", token).json(&hook).send();
    let good = json!({ "url": "https://example.org/hook", "events": ["report.ready"] });
    for (token, status) in [("", 401), (grace.token.as_str(), 403)] {
        problem(send(token, good.clone()).await.expect("answered"), status).await;
        problem(app.far(Method::GET, "/api/v1/webhooks", token).send().await.expect("answered"), status).await;
    }
    for bad in [
        json!({ "url": "http://example.org/", "events": ["report.ready"] }),
        json!({ "url": "https://127.0.0.1/", "events": ["report.ready"] }),
        json!({ "url": "https://[::1]/", "events": ["report.ready"] }),
        json!({ "url": "https://localhost/", "events": ["report.ready"] }),
        json!({ "url": "https://example.org/", "events": [] }),
        json!({ "url": "https://example.org/", "events": ["report.ready", "report.ready"] }),
        json!({ "url": "https://example.org/", "events": ["report.lost"] }),
        json!({ "url": 7, "events": ["report.ready"] }),
    ] {
        problem(send(&boss.token, bad).await.expect("answered"), 422).await;
    }
    let made = body(send(&boss.token, good).await.expect("answered"), 201).await;
    let path = format!("/api/v1/webhooks/{}", made["id"].as_str().expect("id"));
    let shown = body(app.far(Method::GET, &path, &boss.token).send().await.expect("answered"), 200).await;
    assert!(shown.get("secret").is_none());
    assert_eq!(app.far(Method::DELETE, &path, &boss.token).send().await.expect("answered").status(), 204);
    for method in [Method::GET, Method::DELETE] {
        problem(app.far(method, &path, &boss.token).send().await.expect("answered"), 404).await;
    }
    problem(app.far(Method::PATCH, &path, &boss.token).json(&json!({})).send().await.expect("answered"), 404).await;
}
