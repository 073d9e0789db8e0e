//! Invitations over REST: a link for somebody without an account, within a window, until it is taken back.

use crate::support::app::{TestApp, body, problem, wish};
use crate::support::people::{interviewer, person};
use chrono::{DateTime, Utc};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use vivavoce::auth::role::Role;
use vivavoce::id::SessionId;
use vivavoce::store::{AuditFilter, Lease};

const HOUR: Duration = Duration::from_secs(3_600);

async fn official(app: &TestApp, token: &str) -> SessionId {
    let mut wish = wish();
    wish["purpose"] = "official".into();
    let made = app.far(Method::POST, "/api/v1/interviews", token).json(&wish).send().await.expect("answered");
    body(made, 201).await["id"].as_str().expect("id").parse().expect("an id")
}

fn hours(after: i64) -> DateTime<Utc> {
    Utc::now() + chrono::Duration::hours(after)
}

#[tokio::test]
async fn a_link_opens_its_interview_within_its_window_until_it_is_taken_back() {
    let app = TestApp::start("[server]\npublic_url = \"https://talks.example.com\"").await;
    let grace = interviewer(&app, "grace").await;
    let id = official(&app, &grace.token).await;
    let path = format!("/api/v1/interviews/{id}/invitations");
    let invite = |body: Value| app.far(Method::POST, &path, &grace.token).json(&body).send();
    let window = json!({ "email": "ada@example.org", "valid_from": hours(24), "valid_until": hours(24 * 10) });
    let made = body(invite(window).await.expect("answered"), 201).await;
    let (token, url) = (made["join_token"].as_str().expect("token"), made["join_url"].as_str().expect("url"));
    assert_eq!(url, format!("https://talks.example.com/interview/{id}#token={token}"));
    let own = format!("/api/v1/interviews/{id}");
    let open = |token: &str| app.far(Method::GET, &own, token).send();
    let early = problem(open(token).await.expect("answered"), 401).await;
    assert!(early["detail"].as_str().is_some_and(|text| text.contains("not open yet")), "{early}");
    app.wait(25 * HOUR);
    body(open(token).await.expect("answered"), 200).await;
    // The interview waits as long as its invitation, beyond a link's usual week.
    let row = app.store.interview(id).await.expect("read");
    assert!(row.expires_at.is_some_and(|at| at > hours(24 * 9)), "{:?}", row.expires_at);
    app.consent(id, token).await;
    let token_now = app.tokens.issue_access(grace.id, Role::Interviewer, HOUR).token;
    let list = body(app.far(Method::GET, &path, &token_now).send().await.expect("answered"), 200).await;
    let invitation = &list["invitations"][0];
    assert!(invitation["accepted_at"].is_string() && invitation.get("join_token").is_none(), "{invitation}");
    assert_eq!(invitation["invited_by"], grace.id.to_string());

    let again = app.far(Method::POST, &path, &token_now).json(&json!({ "email": "ada@example.org" })).send().await;
    let second = body(again.expect("answered"), 201).await;
    let gone = format!("{path}/{}", made["id"].as_str().expect("id"));
    for _ in 0..2 {
        let revoked = app.far(Method::DELETE, &gone, &token_now).send().await.expect("answered");
        assert_eq!(revoked.status(), 204);
    }
    problem(open(token).await.expect("answered"), 401).await;
    body(open(second["join_token"].as_str().expect("token")).await.expect("answered"), 200).await;
    let foreign =
        format!("/api/v1/interviews/{}/invitations/{}", SessionId::create(), made["id"].as_str().expect("id"));
    problem(app.far(Method::DELETE, &foreign, &token_now).send().await.expect("answered"), 404).await;
}

#[tokio::test]
async fn who_may_invite_and_to_what() {
    let app = TestApp::start("").await;
    let grace = interviewer(&app, "grace").await;
    let ada = person(&app, "ada").await;
    let id = official(&app, &grace.token).await;
    let path = format!("/api/v1/interviews/{id}/invitations");
    let email = json!({ "email": "ada@example.org" });
    for (token, status) in [("", 401), (ada.token.as_str(), 403)] {
        problem(app.far(Method::POST, &path, token).json(&email).send().await.expect("answered"), status).await;
        problem(app.far(Method::GET, &path, token).send().await.expect("answered"), status).await;
    }
    for bad in [
        json!({ "email": "nobody" }),
        json!({}),
        json!({ "email": "a@b.c", "valid_until": hours(-1) }),
        json!({ "email": "a@b.c", "valid_from": hours(3), "valid_until": hours(2) }),
        json!({ "email": "a@b.c", "valid_until": hours(24 * 91) }),
        json!({ "email": "a@b.c", "valid_from": hours(-48) }),
        json!({ "email": "a@b.c", "valid_from": "tomorrow" }),
        json!({ "email": "a@b.c", "valid_until": "+262142-12-31T23:59:59Z" }),
    ] {
        problem(app.far(Method::POST, &path, &grace.token).json(&bad).send().await.expect("answered"), 422).await;
    }
    let nothing = format!("/api/v1/interviews/{}/invitations", SessionId::create());
    problem(app.far(Method::POST, &nothing, &grace.token).json(&email).send().await.expect("answered"), 404).await;
    problem(app.far(Method::GET, &nothing, &grace.token).send().await.expect("answered"), 404).await;
    // What somebody practises alone has no guests, and no second candidate.
    let practice =
        app.far(Method::POST, "/api/v1/interviews", &ada.token).json(&wish()).send().await.expect("answered");
    let practice = body(practice, 201).await["id"].as_str().expect("id").to_owned();
    for (token, status) in [(&grace.token, 403), (&ada.token, 200)] {
        let link = app.far(Method::POST, &format!("/api/v1/interviews/{practice}/token"), token);
        assert_eq!(link.send().await.expect("answered").status(), status);
    }
    let guest = app.far(Method::POST, &format!("/api/v1/interviews/{practice}/invitations"), &grace.token).json(&email);
    problem(guest.send().await.expect("answered"), 403).await;
    // Who has a link is taken for the candidate: that staff made one is noted.
    let link = app.far(Method::POST, &format!("/api/v1/interviews/{id}/token"), &grace.token);
    body(link.send().await.expect("answered"), 200).await;
    let filter = AuditFilter { actor: Some(grace.id), ..AuditFilter::default() };
    let noted = app.store.audit_log(10, None, &filter).await.expect("read");
    assert_eq!(noted.iter().map(|line| line.action.as_str()).collect::<Vec<_>>(), ["link.create"]);
    // One that has begun has its candidate.
    let lease: Lease = app.store.claim(id, vivavoce::id::NodeId::create(), HOUR).await.expect("asked").expect("free");
    let started = vivavoce::store::Projection::Started { at: Utc::now() };
    app.store.append(&lease, &[], &[started]).await.expect("begun");
    problem(app.far(Method::POST, &path, &grace.token).json(&email).send().await.expect("answered"), 409).await;
}
