//! A candidate's way: made, joined, consented, connected, ended.

use crate::support::app::{ETAG, RESOURCE, TestApp, body, problem, wish};
use reqwest::Method;
use vivavoce::interview::EndReason;
use vivavoce::room::{QuestionView, StateView};
use vivavoce::store::SessionStatus;

const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";

#[tokio::test]
async fn from_the_front_page_to_the_end() {
    let app = TestApp::start("").await;
    let categories = body(app.far(Method::GET, "/api/v1/categories", "").send().await.expect("answered"), 200).await;
    let backend = &categories["categories"][0];
    assert_eq!(backend["slug"], "backend");
    assert_eq!(backend["levels"][0], serde_json::json!({ "level": "junior", "questions": 1 }));
    assert!(!categories.to_string().contains("Never shown"), "the model's instructions stay inside");

    let made = app.local(Method::POST, "/api/v1/interviews").json(&wish()).send().await.expect("answered");
    let location = made.headers()["location"].to_str().expect("text").to_owned();
    let made = body(made, 201).await;
    let (id, token) = (made["id"].as_str().expect("id"), made["join_token"].as_str().expect("token"));
    assert_eq!(location, format!("/api/v1/interviews/{id}"));
    assert_eq!(made["join_url"], format!("/interview/{id}#token={token}"));
    assert!(made["expires_at"].is_string());
    let asked = app.interviews.acts.lock().expect("acts").wishes[0].clone();
    assert_eq!((asked.questions, asked.minutes, asked.patience), (3, None, 1.25));

    // From here on from anywhere, by the token alone.
    let shown = body(app.far(Method::GET, &location, token).send().await.expect("answered"), 200).await;
    for (key, value) in [("status", "waiting"), ("category", "backend"), ("level", "junior"), ("report_state", "none")]
    {
        assert_eq!(shown[key], value, "{shown}");
    }
    assert_eq!(shown["consented"], false);
    assert_eq!(shown["disclosure"]["version"], "2026-11");
    assert!(shown["disclosure"]["text"].as_str().is_some_and(|text| text.contains("AI")));

    let whip = format!("{location}/whip");
    let early = app.far(Method::POST, &whip, token).header("content-type", "application/sdp").body(OFFER);
    let early = problem(early.send().await.expect("answered"), 403).await;
    assert!(early["detail"].as_str().is_some_and(|text| text.contains("Consent")), "{early}");
    assert!(app.interviews.acts.lock().expect("acts").offers.is_empty(), "no voice without consent");

    app.consent(id.parse().expect("an id"), token).await;
    let shown = body(app.far(Method::GET, &location, token).send().await.expect("answered"), 200).await;
    assert_eq!(shown["consented"], true);

    let offer =
        app.far(Method::POST, &whip, token).header("content-type", "application/sdp; charset=utf-8").body(OFFER);
    let answer = offer.send().await.expect("answered");
    assert_eq!(answer.status(), 201);
    let header = |name: &str| answer.headers()[name].to_str().expect("text").to_owned();
    assert_eq!(header("content-type"), "application/sdp");
    assert_eq!(header("location"), format!("{whip}/{RESOURCE}"));
    assert_eq!(header("etag"), format!("\"{ETAG}\""));
    assert!(answer.text().await.expect("text").starts_with("v=0"));
    app.far(Method::POST, &format!("{whip}?reconnect=true"), token)
        .header("content-type", "application/sdp")
        .body(OFFER)
        .send()
        .await
        .expect("answered");
    let offers = app.interviews.acts.lock().expect("acts").offers.clone();
    assert_eq!(offers.iter().map(|(_, reconnect)| *reconnect).collect::<Vec<_>>(), [false, true]);

    let end = app.far(Method::POST, &format!("{location}/end"), token).send().await.expect("answered");
    assert_eq!(end.status(), 202);
    assert_eq!(app.interviews.acts.lock().expect("acts").ends[0].1, EndReason::CandidateEnded);
}

#[tokio::test]
async fn a_connection_is_changed_by_its_version_and_deleted() {
    let app = TestApp::start("").await;
    let (id, token) = app.create().await;
    let path = format!("/api/v1/interviews/{id}/whip/{RESOURCE}");
    let patch = |path: &str, etag: &str, text: &'static str| {
        let request =
            app.far(Method::PATCH, path, &token).header("content-type", "application/trickle-ice-sdpfrag").body(text);
        if etag.is_empty() { request } else { request.header("if-match", etag) }
    };
    assert_eq!(patch(&path, "\"v1\"", "a=candidate:1\r\n").send().await.expect("answered").status(), 204);
    let restarted = patch(&path, "\"v1\"", "a=ice-ufrag:y\r\n").send().await.expect("answered");
    assert_eq!((restarted.status().as_u16(), restarted.headers()["etag"].to_str().expect("text")), (200, "\"v2\""));
    problem(patch(&path, "", "a=candidate:1\r\n").send().await.expect("answered"), 428).await;
    problem(patch(&path, "\"v0\"", "a=candidate:1\r\n").send().await.expect("answered"), 412).await;
    let unknown = format!("/api/v1/interviews/{id}/whip/other");
    problem(patch(&unknown, "\"v1\"", "a=candidate:1\r\n").send().await.expect("answered"), 404).await;
    let wrong = app.far(Method::PATCH, &path, &token).header("content-type", "application/sdp").body("a=x");
    problem(wrong.send().await.expect("answered"), 415).await;

    let asked =
        app.far(Method::OPTIONS, &format!("/api/v1/interviews/{id}/whip"), &token).send().await.expect("answered");
    assert_eq!(
        (asked.status().as_u16(), asked.headers()["accept-post"].to_str().expect("text")),
        (204, "application/sdp")
    );
    assert_eq!(app.far(Method::DELETE, &path, &token).send().await.expect("answered").status(), 200);
    problem(app.far(Method::DELETE, &unknown, &token).send().await.expect("answered"), 404).await;
}

#[tokio::test]
async fn an_interview_in_progress_shows_where_it_stands() {
    let app = TestApp::start("").await;
    let (id, token) = app.create().await;
    let question = QuestionView {
        id: "backend.junior".to_owned(),
        number: 1,
        of: 3,
        text: "What does idempotent mean?".to_owned(),
        kind: "factual".to_owned(),
        time_box_s: 60,
        code_language: None,
        starter: None,
    };
    let live = StateView {
        phase: "listening".to_owned(),
        question: Some(question),
        elapsed_ms: 61_000,
        remaining_ms: 1_000,
        paused: false,
    };
    app.interviews.acts.lock().expect("acts").live = Some(live);
    let shown =
        body(app.far(Method::GET, &format!("/api/v1/interviews/{id}"), &token).send().await.expect("answered"), 200)
            .await;
    assert_eq!((&shown["elapsed_ms"], &shown["remaining_ms"]), (&61_000.into(), &1_000.into()));
    assert_eq!(shown["question"]["text"], "What does idempotent mean?");
}

#[tokio::test]
async fn what_is_over_takes_no_voice_and_no_consent() {
    let app = TestApp::start("").await;
    let (id, token) = app.create().await;
    app.consent(id, &token).await;
    let row = app.store.cancel(id).await.expect("cancelled");
    assert_eq!(row.status, SessionStatus::Cancelled);
    let whip = format!("/api/v1/interviews/{id}/whip");
    let offer = app.far(Method::POST, &whip, &token).header("content-type", "application/sdp").body(OFFER);
    problem(offer.send().await.expect("answered"), 410).await;
    let consent = serde_json::json!({ "version": "2026-11", "accepted": true });
    let late = app.far(Method::POST, &format!("/api/v1/interviews/{id}/consent"), &token).json(&consent);
    problem(late.send().await.expect("answered"), 410).await;
    let end = app.far(Method::POST, &format!("/api/v1/interviews/{id}/end"), &token).send().await.expect("answered");
    assert_eq!(end.status(), 202, "ending what is over changes nothing");
    assert!(app.interviews.acts.lock().expect("acts").ends.is_empty());
}
