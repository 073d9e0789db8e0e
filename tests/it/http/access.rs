//! Who may do what: tokens, roles, and the machine's own practice.

use crate::support::app::{TestApp, body, problem, wish};
use crate::support::people;
use reqwest::Method;
use std::time::Duration;
use vivavoce::id::SessionId;

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn a_token_is_needed_valid_and_of_this_interview() {
    let app = TestApp::start("").await;
    let (id, token) = app.create().await;
    let (other, other_token) = app.create().await;
    let path = format!("/api/v1/interviews/{id}");
    let none = app.far(Method::GET, &path, "").send().await.expect("answered");
    assert_eq!(none.headers()["www-authenticate"], "Bearer");
    problem(none, 401).await;
    problem(app.far(Method::GET, &path, "no.token.this").send().await.expect("answered"), 401).await;
    let basic = app.far(Method::GET, &path, "").basic_auth("a", Some("b")).send().await.expect("answered");
    problem(basic, 401).await;
    // A token in the address is for files alone.
    problem(app.far(Method::GET, &format!("{path}?access_token={token}"), "").send().await.expect("answered"), 401)
        .await;
    // Existence is secret: somebody else's interview and none at all look alike.
    let others = problem(app.far(Method::GET, &path, &other_token).send().await.expect("answered"), 404).await;
    let nothing = format!("/api/v1/interviews/{}", SessionId::create());
    assert_eq!(
        others,
        problem(app.far(Method::GET, &nothing, &other_token).send().await.expect("answered"), 404).await
    );
    problem(app.far(Method::GET, "/api/v1/interviews/7", &token).send().await.expect("answered"), 404).await;
    for route in [
        "transcript",
        "transcript.vtt",
        "transcript.md",
        "artifacts",
        "artifacts/1",
        "artifacts/1/diff",
        "responses",
        "overrides",
        "report",
        "report.html",
        "report.pdf",
        "summary",
        "recording",
        "daily/recordings",
        "events",
        "export",
    ] {
        let path = format!("/api/v1/interviews/{id}/{route}");
        problem(app.far(Method::GET, &path, "").send().await.expect("answered"), 401).await;
        problem(app.far(Method::GET, &path, &other_token).send().await.expect("answered"), 404).await;
    }
    for route in ["consent", "whip", "end", "token"] {
        let path = format!("/api/v1/interviews/{id}/{route}");
        let consent = serde_json::json!({ "version": "2026-11", "accepted": true });
        problem(app.far(Method::POST, &path, &other_token).json(&consent).send().await.expect("answered"), 404).await;
    }
    assert!(app.store.consent(id).await.expect("read").is_none());
    assert!(app.store.consent(other).await.expect("read").is_none());

    body(app.far(Method::GET, &path, &token).send().await.expect("answered"), 200).await;
    app.wait(HOUR * 24 * 8);
    let expired = problem(app.far(Method::GET, &path, &token).send().await.expect("answered"), 401).await;
    assert!(expired["detail"].as_str().is_some_and(|text| text.contains("expired")), "{expired}");
    let local = app.local(Method::GET, &path).bearer_auth(&token).send().await.expect("answered");
    problem(local, 401).await;
}

#[tokio::test]
async fn a_link_renews_for_the_server_but_not_for_itself() {
    let app = TestApp::start("[server.tokens]\njoin_hours = 2").await;
    let (id, token) = app.create().await;
    let path = format!("/api/v1/interviews/{id}/token");
    problem(app.far(Method::POST, &path, &token).send().await.expect("answered"), 403).await;
    problem(app.far(Method::POST, "/api/v1/interviews", &token).json(&wish()).send().await.expect("answered"), 403)
        .await;
    app.wait(HOUR * 3);
    let renewed = body(app.local(Method::POST, &path).send().await.expect("answered"), 200).await;
    let fresh = renewed["join_token"].as_str().expect("token");
    let path = format!("/api/v1/interviews/{id}");
    problem(app.far(Method::GET, &path, &token).send().await.expect("answered"), 401).await;
    body(app.far(Method::GET, &path, fresh).send().await.expect("answered"), 200).await;
}

#[tokio::test]
async fn roles_see_what_is_theirs() {
    let app = TestApp::start("").await;
    let (id, join) = app.create().await;
    let path = format!("/api/v1/interviews/{id}");
    let stranger = people::person(&app, "stranger").await.token;
    let interviewer = people::interviewer(&app, "grace").await.token;
    problem(app.far(Method::GET, &path, &stranger).send().await.expect("answered"), 404).await;
    body(app.far(Method::GET, &path, &interviewer).send().await.expect("answered"), 200).await;
    let consent = serde_json::json!({ "version": "2026-11", "accepted": true });
    let for_another = app.far(Method::POST, &format!("{path}/consent"), &interviewer).json(&consent);
    problem(for_another.send().await.expect("answered"), 403).await;

    let mut official = wish();
    official["purpose"] = "official".into();
    problem(app.local(Method::POST, "/api/v1/interviews").json(&official).send().await.expect("answered"), 403).await;
    problem(
        app.far(Method::POST, "/api/v1/interviews", &stranger).json(&official).send().await.expect("answered"),
        403,
    )
    .await;
    let made =
        app.far(Method::POST, "/api/v1/interviews", &interviewer).json(&official).send().await.expect("answered");
    let made = body(made, 201).await;
    let path = format!("/api/v1/interviews/{}", made["id"].as_str().expect("id"));
    let candidate = made["join_token"].as_str().expect("token");
    // What others count on is not open to whoever sits at the machine, nor its log to the candidate.
    problem(app.local(Method::GET, &path).send().await.expect("answered"), 404).await;
    problem(app.far(Method::GET, &format!("{path}/events"), candidate).send().await.expect("answered"), 403).await;
    body(app.far(Method::GET, &format!("{path}/events"), &interviewer).send().await.expect("answered"), 200).await;

    let list = |token: String| {
        let request = app.far(Method::GET, "/api/v1/interviews", &token);
        async {
            body(request.send().await.expect("answered"), 200).await["interviews"].as_array().expect("a list").len()
        }
    };
    assert_eq!((list(stranger).await, list(interviewer).await, list(join).await), (0, 2, 1));
    let local = body(app.local(Method::GET, "/api/v1/interviews").send().await.expect("answered"), 200).await;
    assert_eq!(local["interviews"].as_array().expect("a list").len(), 1);
}

#[tokio::test]
async fn practice_without_a_token_is_for_this_machine_alone() {
    let app = TestApp::start("").await;
    let list = || app.local(Method::GET, "/api/v1/interviews");
    body(list().send().await.expect("answered"), 200).await;
    body(list().header("origin", &app.address).send().await.expect("answered"), 200).await;
    for (name, value) in [
        ("host", "interviews.example.com"),
        ("host", "localhost.example.com"),
        ("origin", "https://example.com"),
        ("origin", "null"),
        ("forwarded", "for=203.0.113.7"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-real-ip", "203.0.113.7"),
        ("via", "1.1 proxy"),
    ] {
        problem(list().header(name, value).send().await.expect("answered"), 401).await;
    }
    let closed = TestApp::start("[server]\nlocal_practice = false").await;
    problem(closed.local(Method::GET, "/api/v1/interviews").send().await.expect("answered"), 401).await;
    body(closed.local(Method::GET, "/api/v1/categories").send().await.expect("answered"), 200).await;
    // A proxy on this machine may leave no trace in the request; its operator has named it in the settings.
    for settings in ["[server]\npublic_url = \"https://talks.example.com\"", "[accounts]\nbehind_proxy = true"] {
        let behind = TestApp::start(settings).await;
        problem(behind.local(Method::GET, "/api/v1/interviews").send().await.expect("answered"), 401).await;
        problem(behind.local(Method::POST, "/api/v1/interviews").json(&wish()).send().await.expect("answered"), 401)
            .await;
    }
}

/// They tell how many interviews there are and what they cost.
#[tokio::test]
async fn the_numbers_are_for_this_machine_for_staff_and_for_who_has_their_token() {
    const NUMBERS: &str = "/metrics";
    let app = TestApp::start("[telemetry]\nmetrics_token = \"numbers-by-chance-7\"").await;
    assert_eq!(app.local(Method::GET, NUMBERS).send().await.expect("answered").status(), 200);
    for (name, value) in [("host", "interviews.example.com"), ("origin", "https://example.com"), ("via", "1.1 proxy")] {
        let request = app.local(Method::GET, NUMBERS).header(name, value);
        problem(request.send().await.expect("answered"), 401).await;
    }
    let (_, join) = app.create().await;
    let candidate = people::person(&app, "stranger").await.token;
    let interviewer = people::interviewer(&app, "grace").await.token;
    for (token, status) in [
        ("", 401),
        ("numbers-by-chance-8", 401),
        ("numbers-by-chance-", 401),
        (join.as_str(), 403),
        (candidate.as_str(), 403),
        (interviewer.as_str(), 200),
        ("numbers-by-chance-7", 200),
    ] {
        let answer = app.far(Method::GET, NUMBERS, token).send().await.expect("answered");
        assert_eq!(answer.status(), status, "{token}");
    }
    // Without a token in the settings there is none, not the empty one; and a proxy that the settings speak of may leave
    // no trace.
    let behind = TestApp::start("[accounts]\nbehind_proxy = true").await;
    problem(behind.local(Method::GET, NUMBERS).send().await.expect("answered"), 401).await;
    let empty = behind.local(Method::GET, NUMBERS).header("authorization", "Bearer ");
    problem(empty.send().await.expect("answered"), 401).await;
}

#[tokio::test]
async fn the_list_is_paged_by_key() {
    let app = TestApp::start("").await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(app.create().await.0.to_string());
    }
    made.reverse();
    let mut seen = Vec::new();
    let mut next = String::new();
    for _ in 0..3 {
        let path = format!("/api/v1/interviews?limit=2{next}");
        let page = body(app.local(Method::GET, &path).send().await.expect("answered"), 200).await;
        seen.extend(
            page["interviews"].as_array().expect("a list").iter().map(|one| one["id"].as_str().expect("id").to_owned()),
        );
        let Some(before) = page["next"].as_str() else { break };
        next = format!("&before={before}");
    }
    assert_eq!(seen, made);
    for query in ["limit=0", "limit=101", "limit=x", "before=x", "page=2"] {
        let path = format!("/api/v1/interviews?{query}");
        problem(app.local(Method::GET, &path).send().await.expect("answered"), 422).await;
    }
}
