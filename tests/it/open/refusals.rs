//! What the open door refuses, and how it says so.

use super::stage::Stage;
use crate::support::app::{TestApp, body, problem};
use crate::webrtc::door::an_offer;
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn the_door_is_closed_by_default() {
    let app = TestApp::start("").await;
    let offer = json!({"sdp": "v=0\r\n", "type": "offer"});
    for path in ["/api/offer", "/sessions/0b1c2d3e-0000-7000-8000-000000000001/api/offer", "/start"] {
        problem(app.local(Method::POST, path).json(&offer).send().await.expect("answered"), 404).await;
        let options = app.local(Method::OPTIONS, path).send().await.expect("answered");
        assert!(!options.headers().contains_key("access-control-allow-origin"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_named_and_a_full_server_says_so() {
    let stage = Stage::set(400, "[limits]\nsessions_max = 1").await;
    let started: Value = body(
        stage
            .http
            .post(format!("{}/start", stage.url))
            .json(&json!({"enableDefaultIceServers": true}))
            .send()
            .await
            .expect("ok"),
        200,
    )
    .await;
    assert_eq!(started["iceConfig"]["iceServers"], json!([]));
    let path = format!("/sessions/{}/api/offer", started["sessionId"].as_str().expect("a name"));
    problem(stage.offer("v=0\r\nnonsense", None, false).await, 400).await;
    let url = |path: &str| format!("{}{path}", stage.url);
    let wrong = json!({"sdp": "v=0\r\n", "type": "answer"});
    problem(stage.http.post(url(&path)).json(&wrong).send().await.expect("answered"), 422).await;
    let candidates =
        json!({"pc_id": "nobody", "candidates": [{"candidate": "", "sdp_mid": "0", "sdp_mline_index": 0}]});
    problem(stage.http.patch(url("/api/offer")).json(&candidates).send().await.expect("answered"), 404).await;
    let answer = json!({"sdp": an_offer().await, "type": "offer"});
    let first = body(stage.http.post(url(&path)).json(&answer).send().await.expect("answered"), 200).await;
    let candidates = json!({"pc_id": first["pc_id"], "candidates": [
        {"candidate": "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host", "sdp_mid": "0", "sdp_mline_index": 0},
        {"candidate": "candidate:2 1 udp 2130706431 abc.local 9 typ host", "sdp_mid": "0", "sdp_mline_index": 0},
        {"candidate": "", "sdp_mid": "0", "sdp_mline_index": 0}]});
    let taken = body(stage.http.patch(url("/api/offer")).json(&candidates).send().await.expect("answered"), 200).await;
    assert_eq!(taken, json!({"status": "success"}));
    let full = stage.offer(&an_offer().await, None, false).await;
    assert!(full.headers().contains_key("retry-after"));
    let full = problem(full, 503).await;
    assert_eq!(full["type"], "/problems/full");
    stage.end().await;
}
