//! Bad input and bad days: each has its status and a problem document, and nothing is done.

use crate::support::app::{TestApp, bank, body, problem, wish};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use vivavoce::http::{InterviewError, SDP_BYTES_MAX};
use vivavoce::interview::question::Level;

async fn refused(request: RequestBuilder, status: u16) -> Value {
    problem(request.send().await.expect("answered"), status).await
}

#[tokio::test]
async fn a_wish_that_cannot_be_met_names_the_field() {
    let app = TestApp::start("").await;
    app.store.sync_bank(&bank("data", "uk", &[Level::Senior])).await.expect("another bank");
    let long = "x".repeat(201);
    for (field, value) in [
        ("category", json!("cooking")),
        ("category", json!(7)),
        ("level", json!("senior")),
        ("level", json!("boss")),
        ("language", json!("uk")),
        ("questions", json!(0)),
        ("questions", json!(21)),
        ("questions", json!(-1)),
        ("minutes", json!(91)),
        ("room", json!("text")),
        ("mode", json!("smoke")),
        ("room", json!("daily")),
        ("title", json!(long)),
        ("job_position", json!("a\u{0}b")),
        ("candidate_name", json!(long)),
        ("tech_stack", json!(vec!["rust"; 21])),
        ("accommodations.patience", json!({ "patience": 3.0 })),
        ("surprise", json!(1)),
    ] {
        let mut body = wish();
        body[field.split('.').next().expect("a name")] = value;
        let said = refused(app.local(Method::POST, "/api/v1/interviews").json(&body), 422).await;
        let errors = said["errors"].as_array().expect("field errors");
        let names_it = errors.iter().any(|error| {
            error["field"] == field || error["message"].as_str().is_some_and(|message| message.contains(field))
        });
        assert!(names_it, "{field}: {said}");
    }
    assert!(app.interviews.acts.lock().expect("acts").wishes.is_empty());
    let least = json!({ "category": "backend", "level": "junior" });
    body(app.local(Method::POST, "/api/v1/interviews").json(&least).send().await.expect("answered"), 201).await;
    let missing = refused(app.local(Method::POST, "/api/v1/interviews").json(&json!({ "level": "junior" })), 422).await;
    assert!(missing["detail"].as_str().is_some_and(|text| text.contains("category")), "{missing}");
}

#[tokio::test]
async fn a_body_that_is_no_json_or_too_large_is_told() {
    let app = TestApp::start("").await;
    let post = || app.local(Method::POST, "/api/v1/interviews");
    refused(post().header("content-type", "application/json").body("{\"category\":"), 400).await;
    refused(post().header("content-type", "application/json").body(vec![0xff, 0xfe]), 400).await;
    refused(post().body("category=backend"), 415).await;
    refused(post(), 415).await;
    let large = json!({ "category": "x".repeat(70_000) });
    refused(post().json(&large), 413).await;
    let (id, token) = app.create().await;
    for (body, field) in [
        (json!({ "version": "1999", "accepted": true }), "version"),
        (json!({ "version": "2026-11", "accepted": false }), "accepted"),
        (json!({ "version": "2026-11", "accepted": "yes" }), "accepted"),
        (json!({ "version": "2026-11" }), "accepted"),
    ] {
        let said =
            refused(app.far(Method::POST, &format!("/api/v1/interviews/{id}/consent"), &token).json(&body), 422).await;
        assert!(said.to_string().contains(field), "{said}");
    }
    assert!(app.store.consent(id).await.expect("read").is_none());
}

#[tokio::test]
async fn an_offer_that_is_none_reaches_no_session() {
    let app = TestApp::start("").await;
    let (id, token) = app.create().await;
    app.consent(id, &token).await;
    let path = format!("/api/v1/interviews/{id}/whip");
    let offer =
        |kind: &str, body: Vec<u8>| app.far(Method::POST, &path, &token).header("content-type", kind).body(body);
    refused(offer("application/json", b"{}".to_vec()), 415).await;
    refused(offer("", b"v=0".to_vec()), 415).await;
    refused(offer("application/sdp", b"hello".to_vec()), 400).await;
    refused(offer("application/sdp", Vec::new()), 400).await;
    refused(offer("application/sdp", b"v=0\xff\xfe".to_vec()), 400).await;
    let large = [b"v=0".to_vec(), vec![b'a'; SDP_BYTES_MAX]].concat();
    refused(offer("application/sdp", large.clone()), 413).await;
    // Without a stated length it is measured as it comes.
    let chunks = futures::stream::iter(
        large.chunks(10_000).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())).collect::<Vec<_>>(),
    );
    let streamed = app.far(Method::POST, &path, &token).header("content-type", "application/sdp");
    refused(streamed.body(reqwest::Body::wrap_stream(chunks)), 413).await;
    refused(
        app.far(Method::POST, &format!("{path}?reconnect=perhaps"), &token)
            .header("content-type", "application/sdp")
            .body("v=0"),
        422,
    )
    .await;
    assert!(app.interviews.acts.lock().expect("acts").offers.is_empty());
}

#[tokio::test]
async fn what_a_session_says_becomes_a_status() {
    let app = TestApp::start("").await;
    let (id, token) = app.create().await;
    app.consent(id, &token).await;
    for (error, status) in [
        (InterviewError::SdpInvalid { said: "no audio in it" }, 400),
        (InterviewError::NoConsent, 403),
        (InterviewError::NotFound, 404),
        (InterviewError::NotActive, 409),
        (InterviewError::Over, 410),
        (InterviewError::Outdated, 412),
        (InterviewError::Impossible { field: "language", said: "Not by voice.".to_owned() }, 422),
        (InterviewError::Full { retry_after_s: 60 }, 503),
        (InterviewError::Unavailable { said: "The voice is not loaded.".to_owned() }, 503),
    ] {
        app.interviews.acts.lock().expect("acts").refuses = Some(error.clone());
        let request = app.far(Method::POST, &format!("/api/v1/interviews/{id}/whip"), &token);
        let answer = request.header("content-type", "application/sdp").body("v=0\r\n").send().await.expect("answered");
        let retry = answer.headers().get("retry-after").map(|value| value.to_str().expect("text").to_owned());
        if error == (InterviewError::Full { retry_after_s: 60 }) {
            assert_eq!(retry.as_deref(), Some("60"));
        }
        problem(answer, status).await;
    }
}

#[tokio::test]
async fn a_panic_and_a_hang_are_answered_and_the_server_lives_on() {
    let app = TestApp::start("[server]\nrequest_timeout_s = 1").await;
    let (id, token) = app.create().await;
    let show = || app.far(Method::GET, &format!("/api/v1/interviews/{id}"), &token);
    app.interviews.acts.lock().expect("acts").panics = true;
    let said = refused(show(), 500).await;
    assert!(!said.to_string().contains("played panic"), "what panicked is for the log: {said}");
    app.interviews.acts.lock().expect("acts").panics = false;
    app.interviews.acts.lock().expect("acts").hangs = true;
    refused(show(), 503).await;
    app.interviews.acts.lock().expect("acts").hangs = false;
    body(show().send().await.expect("answered"), 200).await;
}

#[tokio::test]
async fn without_its_database_the_server_says_so() {
    let app = TestApp::start("").await;
    let (id, token) = app.create().await;
    app.store.close().await;
    let answer = app.far(Method::GET, &format!("/api/v1/interviews/{id}"), &token).send().await.expect("answered");
    assert!(answer.headers().contains_key("retry-after"));
    problem(answer, 503).await;
    let not_ready = body(app.far(Method::GET, "/readyz", "").send().await.expect("answered"), 503).await;
    assert_eq!(not_ready["ready"], false);
    body(app.far(Method::GET, "/healthz", "").send().await.expect("answered"), 200).await;
}

#[tokio::test]
async fn addresses_and_methods_that_are_none_are_problems_too() {
    let app = TestApp::start("").await;
    for path in [
        "/api/v1/nothing",
        "/api/v2/interviews",
        "/nothing",
        "/assets/../Cargo.toml",
        "/assets/none.js",
        "/problems/none",
    ] {
        refused(app.local(Method::GET, path), 404).await;
    }
    let wrong = app.local(Method::DELETE, "/api/v1/interviews").send().await.expect("answered");
    assert!(wrong.headers()["allow"].to_str().is_ok_and(|allowed| allowed.contains("POST")));
    problem(wrong, 405).await;
}

/// Two who ask at a snail's pace hold both places, and lose them; who asks in earnest then gets an answer.
#[tokio::test]
async fn whoever_never_finishes_asking_loses_the_place() {
    let app = TestApp::start("[server]\nconnections_max = 2\nrequest_timeout_s = 1").await;
    let address = app.address.strip_prefix("http://").expect("an address").to_owned();
    let mut slow = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(&address).await.expect("connected");
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost:").await.expect("written");
        slow.push(stream);
    }
    body(app.far(Method::GET, "/healthz", "").send().await.expect("answered"), 200).await;
    for mut stream in slow {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.expect("the server has hung up");
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&rest));
    }
}
