//! A written interview by REST, as its candidate holds it.

use super::app::{TestApp, body};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use vivavoce::id::SessionId;
use vivavoce::interview::Plan;
use vivavoce::interview::bank::shipped;

/// The candidate of one written interview.
pub struct Written<'a> {
    pub app: &'a TestApp,
    pub id: SessionId,
    pub token: String,
    pub plan: Plan,
}

impl<'a> Written<'a> {
    /// Makes an interview of the shipped bank; `wish` lies over the usual one.
    pub async fn make(app: &'a TestApp, wish: Value) -> Self {
        for bank in shipped().expect("banks") {
            app.store.sync_bank(&bank).await.expect("stored");
        }
        let mut whole = json!({ "category": "backend", "level": "middle", "questions": 3, "mode": "text" });
        for (key, value) in wish.as_object().expect("an object") {
            whole[key] = value.clone();
        }
        let made = app.local(Method::POST, "/api/v1/interviews").json(&whole).send().await.expect("answered");
        let made = body(made, 201).await;
        assert_eq!((&made["mode"], &made["room"]), (&json!("text"), &json!("text")), "{made}");
        let id: SessionId = made["id"].as_str().expect("id").parse().expect("an id");
        let plan = app.store.interview(id).await.expect("stored").plan;
        let token = made["join_token"].as_str().expect("a token").to_owned();
        Self { app, id, token, plan: serde_json::from_value(plan).expect("a plan") }
    }

    /// The same, consented and begun; and where it stands then.
    pub async fn begun(app: &'a TestApp, wish: Value) -> (Self, Value) {
        let made = Self::make(app, wish).await;
        app.consent(made.id, &made.token).await;
        let view = body(made.send(Method::POST, "", json!({})).await, 200).await;
        (made, view)
    }

    /// A request about it.
    pub async fn send(&self, method: Method, path: &str, json: Value) -> Response {
        let request = self.app.far(method.clone(), &format!("/api/v1/interviews/{}/text{path}", self.id), &self.token);
        let request = if method == Method::GET || path.is_empty() { request } else { request.json(&json) };
        request.send().await.expect("answered")
    }

    pub async fn state(&self) -> Value {
        body(self.send(Method::GET, "", Value::Null).await, 200).await
    }

    pub async fn answer(&self, reply_to: &Value, text: &str) -> Response {
        self.send(Method::POST, "/answers", json!({ "reply_to": reply_to, "text": text })).await
    }

    pub async fn wish(&self, reply_to: &Value, wish: &str) -> Response {
        self.send(Method::POST, "/wishes", json!({ "reply_to": reply_to, "wish": wish })).await
    }

    /// Code comes last: what comes before it is skipped. Where it stands then.
    pub async fn skipped_to_code(&self, mut state: Value) -> Value {
        while state["question"]["kind"] != "code" {
            state = body(self.wish(&state["last_line"], "skip").await, 200).await["state"].clone();
        }
        state
    }

    /// What a good answer to the question with this id is.
    pub fn good(&self, question_id: &Value) -> String {
        let key = question_id.as_str().expect("an id");
        self.plan.question(key).expect("planned").reference_answer.clone()
    }
}
