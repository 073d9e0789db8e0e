//! `vivavoce daily check` and the doctor's line, as an operator runs them.

use super::fake::rest::{FakeRest, KEY};
use super::fake::{FakeDaily, Hall};
use super::network::alone;
use crate::support::server::Home;
use serde_json::{Value, json};
use std::process::Output;

async fn run(home: &Home, arguments: &'static [&'static str], environment: &[(&str, &str)]) -> Output {
    let mut command = home.program(arguments);
    command.envs(environment.iter().copied());
    tokio::task::spawn_blocking(move || command.output().expect("the program runs")).await.expect("no panic")
}

#[test]
fn daily_check_proves_a_call_and_cleans_up() {
    alone(|| async {
        let fake = FakeDaily::start().await;
        let rest = FakeRest::start(&fake.hall).await;
        let authority = fake.authority.display().to_string();
        let environment = |key: &'static str| {
            [
                ("VIVAVOCE_ROOM__DAILY__API_KEY", key.to_owned()),
                ("VIVAVOCE_ROOM__DAILY__API_URL", rest.url.clone()),
                ("VIVAVOCE_ROOM__DAILY__PROXY_URL", fake.proxy_url.clone()),
                ("SSL_CERT_FILE", authority.clone()),
            ]
        };
        let home = Home::fresh();
        let check = async |key: &'static str| {
            let environment = environment(key);
            let environment: Vec<(&str, &str)> =
                environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let output = run(&home, &["daily", "check"], &environment).await;
            (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let (went_well, said) = check(KEY).await;
        println!("{said}");
        assert!(went_well && said.contains("both hear the other's tone") && said.contains("room is deleted"), "{said}");
        assert!(rest.books().rooms.is_empty());
        let (went_well, said) = check("not-the-key").await;
        assert!(!went_well && said.contains("FAILED") && !said.contains("not-the-key"), "{said}");
        let (went_well, said) = check("").await;
        assert!(!went_well && said.contains("VIVAVOCE_ROOM__DAILY__API_KEY"), "{said}");
        // A call that cannot be held leaves no room either.
        fake.hall.state().lookup_for_all = Some((200, json!({ "error": "exp-room" })));
        let (went_well, said) = check(KEY).await;
        assert!(!went_well && said.contains("not let into the room"), "{said}");
        assert!(rest.books().rooms.is_empty());
    });
}

#[tokio::test]
async fn daily_check_brings_back_a_webhook_and_makes_no_room_without_a_library() {
    let rest = FakeRest::start(&Hall::default()).await;
    let hook = |uuid: &str, url: &str| json!({ "uuid": uuid, "url": url, "hmac": "a2V5", "state": "FAILED", "failedCount": 3, "eventTypes": [] });
    let ours = "https://ours.example/api/v1/daily/webhook";
    rest.books().webhooks = vec![hook("h1", ours), hook("h2", "https://other.example/")];
    let environment = [
        ("VIVAVOCE_ROOM__DAILY__API_KEY", KEY),
        ("VIVAVOCE_ROOM__DAILY__API_URL", rest.url.as_str()),
        ("VIVAVOCE_DAILY_LIB", "/nowhere/daily.so"),
    ];
    let output = run(&Home::fresh(), &["daily", "check"], &environment).await;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains(&format!("the webhook to {ours} had failed, and is on again")), "{said}");
    let states: Vec<Value> = rest.books().webhooks.iter().map(|hook| hook["state"].clone()).collect();
    assert_eq!(states, ["ACTIVE", "FAILED"], "another's is left alone");
    assert!(!output.status.success() && said.contains("scripts/setup --daily"), "{said}");
    let asked = rest.books().asked.clone();
    assert!(!asked.contains(&"POST /rooms".to_owned()), "a room that nobody could go to: {asked:?}");
}

#[test]
fn daily_doctor_tells_release_and_whether_it_loads() {
    alone(|| async {
        let output = run(&Home::fresh(), &["doctor", "--json"], &[]).await;
        let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let checks = document["checks"].as_array().expect("checks");
        let line = checks.iter().find(|check| check["name"] == "Daily.co rooms").expect("a line of its own");
        println!("{line}");
        assert_eq!(line["state"], "ok");
        let found = line["found"].as_str().expect("text");
        assert!(found.contains("daily-python 0.36.0: loaded"), "{found}");
    });
}
