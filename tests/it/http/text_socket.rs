//! Written interviews over a WebSocket: the same steps, the feedback in pieces, and nothing lost when the line breaks.

use crate::support::app::{TestApp, body, problem};
use crate::support::people::person;
use crate::support::written::Written;
use futures::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use vivavoce::id::SessionId;
use vivavoce::store::UserChange;

/// Longest wait for a message, s.
const MESSAGE_S: u64 = 60;

/// The page's end of a line.
struct Line(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Line {
    async fn open(app: &TestApp, id: SessionId, token: &str) -> Self {
        let address = app.address.replacen("http", "ws", 1);
        let address = format!("{address}/api/v1/interviews/{id}/text/socket?access_token={token}");
        Self(connect_async(address).await.expect("opened").0)
    }

    async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.expect("sent");
    }

    /// The next message of the server's, which must be of this type.
    async fn next(&mut self, kind: &str) -> Value {
        let next = async {
            loop {
                match self.0.next().await.expect("open").expect("whole") {
                    Message::Text(text) => return serde_json::from_str::<Value>(&text).expect("JSON"),
                    Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => {}
                    Message::Close(_) => panic!("the line was closed"),
                }
            }
        };
        let message = tokio::time::timeout(Duration::from_secs(MESSAGE_S), next).await.expect("in time");
        assert_eq!(message["type"], kind, "{message}");
        message
    }
}

#[tokio::test]
async fn a_line_is_worth_no_more_than_its_account() {
    let app = TestApp::start("").await;
    let ada = person(&app, "ada").await;
    let wish = json!({ "category": "backend", "level": "junior", "questions": 1, "mode": "text" });
    let made = app.far(Method::POST, "/api/v1/interviews", &ada.token).json(&wish).send().await.expect("answered");
    let id: SessionId = body(made, 201).await["id"].as_str().expect("id").parse().expect("an id");
    app.consent(id, &ada.token).await;
    let mut line = Line::open(&app, id, &ada.token).await;
    line.next("state").await;
    line.send(json!({ "type": "begin" })).await;
    let last_line = line.next("step").await["state"]["last_line"].clone();
    let shut = UserChange { disabled: Some(true), ..UserChange::default() };
    app.store.change_user(ada.id, &shut).await.expect("shut");
    line.send(json!({ "type": "answer", "reply_to": last_line, "text": "It is safe to repeat." })).await;
    assert_eq!(line.next("problem").await["status"], 401);
    assert_eq!(app.count("select count(*) from transcripts where role = 'candidate'").await, 0);
}

#[tokio::test]
async fn a_whole_interview_with_its_feedback_in_pieces() {
    let app = TestApp::start("").await;
    let interview = Written::make(&app, json!({ "category": "system-design", "questions": 2 })).await;
    let mut line = Line::open(&app, interview.id, &interview.token).await;
    assert_eq!(line.next("state").await["state"]["phase"], "connecting");
    line.send(json!({ "type": "begin" })).await;
    assert_eq!(line.next("problem").await["status"], 403, "consent comes first");
    app.consent(interview.id, &interview.token).await;
    line.send(json!({ "type": "begin" })).await;
    let mut state = line.next("step").await["state"].clone();
    let mut fed_back = 0;
    while state["phase"] != "ended" {
        let question = state["question"]["id"].clone();
        let answer = interview.good(&question);
        line.send(json!({ "type": "answer", "reply_to": state["last_line"], "text": answer })).await;
        let step = line.next("step").await;
        // Stored before it is acknowledged: the record has it by now.
        let stored = app.store.transcripts(interview.id).await.expect("read");
        assert!(stored.iter().any(|row| row.content == answer));
        let is_over = step["state"]["question"]["id"] != question;
        state = step["state"].clone();
        if is_over {
            assert_eq!(line.next("feedback_begun").await["question_id"], question);
            let points = interview.plan.question(question.as_str().expect("an id")).expect("planned").key_points.len();
            for _ in 0..points {
                assert!(line.next("feedback_point").await["point"]["statement"].is_string());
            }
            assert!(line.next("feedback").await["feedback"]["level"].as_i64().is_some_and(|level| level >= 3));
            fed_back += 1;
        }
    }
    assert_eq!(fed_back, 2);
    line.send(json!({ "type": "wish", "reply_to": state["last_line"], "wish": "skip" })).await;
    assert_eq!(line.next("problem").await["status"], 410);
}

#[tokio::test]
async fn what_cannot_be_followed_is_told_and_the_line_stays() {
    let app = TestApp::start("").await;
    let (interview, begun) = Written::begun(&app, json!({})).await;
    let mut line = Line::open(&app, interview.id, &interview.token).await;
    let shown = line.next("state").await;
    assert_eq!(shown["conversation"].as_array().map(Vec::len), Some(3));
    for (message, status) in [
        (json!({ "type": "shout" }), 422),
        (json!({ "type": "answer" }), 422),
        (json!({ "type": "answer", "reply_to": 99, "text": "To another line." }), 409),
        (json!({ "type": "answer", "reply_to": begun["state"]["last_line"], "text": "x".repeat(10_001) }), 422),
        (json!(["not", "an", "object"]), 422),
    ] {
        line.send(message).await;
        assert_eq!(line.next("problem").await["status"], status);
    }
    line.0.send(Message::text("{")).await.expect("sent");
    assert_eq!(line.next("problem").await["status"], 400);
    line.send(json!({ "type": "state" })).await;
    assert_eq!(line.next("state").await["state"]["question"], begun["state"]["question"]);
    drop(line);
    let mut line = Line::open(&app, interview.id, &interview.token).await;
    assert_eq!(line.next("state").await["state"]["last_line"], begun["state"]["last_line"]);
}

#[tokio::test]
async fn the_line_is_for_its_candidate_and_for_sockets() {
    let app = TestApp::start("").await;
    let interview = Written::make(&app, json!({})).await;
    let path = format!("/api/v1/interviews/{}/text/socket", interview.id);
    problem(app.far(Method::GET, &path, &interview.token).send().await.expect("answered"), 400).await;
    problem(app.far(Method::GET, &path, "").send().await.expect("answered"), 401).await;
    let (_, stranger) = app.create().await;
    problem(app.far(Method::GET, &path, &stranger).send().await.expect("answered"), 404).await;
}
