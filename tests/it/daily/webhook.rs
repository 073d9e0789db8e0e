//! What Daily tells by itself, at the door: signed or refused, old or repeated, and the probe answered.

use crate::support::app::{TestApp, body, wish};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use serde_json::json;
use sha2::Sha256;
use std::time::Duration;
use vivavoce::room::daily::webhook::What;

const PATH: &str = "/api/v1/daily/webhook";
/// The key of signatures, as a setting.
pub const HMAC: &str = "YSBrZXkgb2Ygb3Vycw==";
const SETTINGS: &str = "[room.daily]\napi_key = \"key\"\nwebhook_hmac = \"YSBrZXkgb2Ygb3Vycw==\"";

pub fn signature(timestamp: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"a key of ours").expect("a key");
    mac.update(format!("{timestamp}.{body}").as_bytes());
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

#[tokio::test]
async fn daily_events_are_taken_when_they_are_signed_and_fresh() {
    let app = TestApp::start(SETTINGS).await;
    let event = json!({ "version": "1.0.0", "type": "participant.joined", "id": "e1", "event_ts": 1.0,
        "payload": { "session_id": "s1", "room": "vivavoce-x", "user_id": "ada", "joined_at": 1.0 } });
    let text = event.to_string();
    let send = async |timestamp: &str, signature: &str, text: &str| {
        let request = app.far(Method::POST, PATH, "").header("content-type", "application/json");
        let request = request.header("x-webhook-timestamp", timestamp).header("x-webhook-signature", signature);
        request.body(text.to_owned()).send().await.expect("answered").status().as_u16()
    };
    let now = chrono::Utc::now().timestamp().to_string();
    let good = signature(&now, &text);
    assert_eq!(send(&now, &good, &text).await, 200);
    let told = app.interviews.acts.lock().expect("acts").daily_events.clone();
    assert_eq!((told.len(), told[0].room.as_str()), (1, "vivavoce-x"));
    assert_eq!(told[0].what, What::Joined { participant: "s1".into(), user_id: Some("ada".into()) });

    let changed = text.replace("ada", "eve");
    assert_eq!(send(&now, &good, &changed).await, 403, "another body");
    assert_eq!(send(&now, "", &text).await, 403, "no signature");
    let old = (chrono::Utc::now().timestamp() - 3_600).to_string();
    assert_eq!(send(&old, &signature(&old, &text), &text).await, 403, "an old message");
    assert_eq!(app.interviews.acts.lock().expect("acts").daily_events.len(), 1, "nothing of that was believed");
    // Signed, and no event: nothing to do, and no reason for Daily to send it again.
    assert_eq!(send(&now, &signature(&now, "[]"), "[]").await, 200);
    app.wait(Duration::from_secs(600));
    assert_eq!(send(&now, &good, &text).await, 403, "a repeat of what has become old");

    let probe = app.far(Method::POST, PATH, "").json(&json!({ "test": "test" })).send().await.expect("answered");
    assert_eq!(probe.status(), 200, "Daily asks, unsigned, whether somebody is there");
    let without = TestApp::start("").await;
    let request = without.far(Method::POST, PATH, "").body(text).send().await.expect("answered");
    assert_eq!(request.status(), 404, "no key, no webhook");
}

#[tokio::test]
async fn daily_room_is_offered_where_there_is_a_key_and_entered_after_consent() {
    let app = TestApp::start(SETTINGS).await;
    let mut wanted = wish();
    wanted["room"] = json!("daily");
    let made = app.local(Method::POST, "/api/v1/interviews").json(&wanted).send().await.expect("answered");
    let made = body(made, 201).await;
    assert_eq!(made["daily"]["join_url"], "https://fake.daily.co/a-room?t=token");
    let id = made["id"].as_str().expect("an id").parse().expect("an id");
    let token = made["join_token"].as_str().expect("a token").to_owned();
    let path = format!("/api/v1/interviews/{id}/daily");
    let join = async |token: &str| app.far(Method::POST, &path, token).send().await.expect("answered");
    body(join(&token).await, 403).await;
    assert!(app.interviews.acts.lock().expect("acts").daily_begun.is_empty(), "nobody has consented");
    app.consent(id, &token).await;
    assert_eq!(body(join(&token).await, 200).await["token"], "token");
    assert_eq!(app.interviews.acts.lock().expect("acts").daily_begun, [id]);
    assert_eq!(join("").await.status(), 401);

    let (other, token) = app.create().await;
    app.consent(other, &token).await;
    let path = format!("/api/v1/interviews/{other}/daily");
    let elsewhere = app.far(Method::POST, &path, &token).send().await.expect("answered");
    assert_eq!(elsewhere.status(), 400, "that interview is in the browser's room");
    let without = TestApp::start("").await;
    let refused = without.local(Method::POST, "/api/v1/interviews").json(&wanted).send().await.expect("answered");
    assert_eq!(refused.status(), 422, "no key, no Daily rooms");
}
