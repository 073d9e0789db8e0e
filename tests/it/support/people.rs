//! People with accounts, for tests of the routes.

use super::app::{TestApp, body, now, wish};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;
use vivavoce::id::{NodeId, SessionId, UserId};
use vivavoce::interview::EndReason;
use vivavoce::store::{
    Finalised, NewEvent, Projection, RecordingRow, RecordingState, ReportRow, Role, SessionStatus, TranscriptRow,
    UserChange, UserRole,
};

/// Everybody's password.
pub const PASSWORD: &str = "correct horse battery";

/// Somebody who is logged in.
pub struct Someone {
    pub id: UserId,
    pub token: String,
    pub refresh: String,
}

/// Registers by REST; what the server answers.
pub async fn register(app: &TestApp, name: &str) -> Value {
    let account = json!({ "username": name, "email": format!("{name}@example.org"), "password": PASSWORD });
    let request = app.far(Method::POST, "/api/v1/auth/register", "").json(&account);
    body(request.send().await.expect("answered"), 201).await
}

/// Logs in by REST; what the server answers.
pub async fn login(app: &TestApp, login: &str, password: &str, status: u16) -> Value {
    let credentials = json!({ "login": login, "password": password });
    let request = app.far(Method::POST, "/api/v1/auth/login", "").json(&credentials);
    body(request.send().await.expect("answered"), status).await
}

/// A candidate with an account.
pub async fn person(app: &TestApp, name: &str) -> Someone {
    someone(&register(app, name).await)
}

/// An interviewer.
pub async fn interviewer(app: &TestApp, name: &str) -> Someone {
    with_role(app, name, UserRole::Interviewer).await
}

/// An admin.
pub async fn admin(app: &TestApp, name: &str) -> Someone {
    with_role(app, name, UserRole::Admin).await
}

async fn with_role(app: &TestApp, name: &str, role: UserRole) -> Someone {
    let id = person(app, name).await.id;
    let change = UserChange { role: Some(role), ..UserChange::default() };
    app.store.change_user(id, &change).await.expect("changed");
    someone(&login(app, name, PASSWORD, 200).await)
}

fn someone(session: &Value) -> Someone {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    Someone {
        id: text(&session["user"]["id"]).parse().expect("an id"),
        token: text(&session["access_token"]),
        refresh: text(&session["refresh_token"]),
    }
}

/// An interview that was held, with one line of words, one answer, one sound file and a report; `user` is whose it is.
pub async fn held(app: &TestApp, user: Option<&Someone>) -> SessionId {
    let token = user.map_or("", |user| user.token.as_str());
    let path = "/api/v1/interviews";
    let request = if token.is_empty() { app.local(Method::POST, path) } else { app.far(Method::POST, path, token) };
    let made = body(request.json(&wish()).send().await.expect("answered"), 201).await;
    let id: SessionId = made["id"].as_str().expect("id").parse().expect("an id");
    let lease = app.store.claim(id, NodeId::create(), Duration::from_secs(60)).await.expect("asked").expect("free");
    let file = format!("{id}.wav");
    std::fs::write(app.recordings.path().join(&file), vec![0; 44 + 64]).expect("written");
    let recording = RecordingRow {
        file,
        start_ms: 0,
        seconds: 0.001,
        bytes: 108,
        sample_rate_hz: 16_000,
        channels: 2,
        state: RecordingState::Complete,
    };
    let said = TranscriptRow {
        id: Uuid::now_v7(),
        role: Role::Candidate,
        content: WORDS.to_owned(),
        planned: None,
        interrupted: false,
        question_key: None,
        start_ms: 0,
        end_ms: 1,
        latency_ms: None,
        stages: json!({}),
        confidence: None,
        provider: None,
        line_kind: None,
        turn: None,
    };
    let events = [NewEvent { kind: "heard".into(), at: now(), payload: json!({ "text": WORDS }) }];
    let projections =
        [Projection::Started { at: now() }, Projection::Recording(recording), Projection::Transcript(said)];
    app.store.append(&lease, &events, &projections).await.expect("appended");
    let end = Finalised {
        status: SessionStatus::Completed,
        end_reason: EndReason::Completed,
        at: now(),
        first_seq: 2,
        events: Vec::new(),
        projections: Vec::new(),
    };
    app.store.finalise(&lease, &end).await.expect("finalised");
    let report = ReportRow {
        overall_score: Some(50.0),
        technical_score: None,
        soft_skill_score: None,
        score_notes: json!({}),
        ai_feedback: String::new(),
        recommendation: "inconclusive".to_owned(),
        document: json!({ "quote": WORDS }),
        rubric_hash: String::new(),
        prompts_hash: String::new(),
        bank_hash: String::new(),
        model: "none".to_owned(),
        made_at: now(),
    };
    app.store.save_report(id, &report).await.expect("saved");
    id
}

/// What the candidate of a [`held`] interview said.
pub const WORDS: &str = "It is quite safe to repeat.";
