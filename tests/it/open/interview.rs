//! An interview that a client of the open door begins, and one over a WebSocket: asked, answered, written down.

use super::socket::{bytes, hear as hear_wire, open, samples, tone as tone_at_ear};
use super::stage::{EAR_HZ, PATIENCE, Stage, has, hear, tone};
use crate::support::app::{body, problem};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Error, Message};
use vivavoce::id::SessionId;
use vivavoce::store::Role;

/// The detector and the patience are the interview's own; no model is needed.
const PARTS: &str = "[providers]\nvad = \"energy\"\nturn_model = \"none\"";

fn asked(messages: &[Value]) -> bool {
    messages.iter().any(|message| message["data"]["kind"] == "state" && message["data"]["question"].is_object())
}

fn said(messages: &[Value]) -> bool {
    let words =
        messages.iter().position(|message| message["type"] == "user-transcription" && message["data"]["final"] == true);
    words.is_some_and(|words| has(&messages[words..], "bot-started-speaking"))
}

/// The interviewer has spoken, the candidate too, and the answer stands under its question.
async fn is_recorded(stage: &Stage, id: SessionId) {
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        let lines = stage.store.transcripts(id).await.expect("read");
        let answer = lines.iter().find(|line| line.role == Role::Candidate && line.content.contains("tone 700"));
        if let Some(answer) = answer {
            assert!(answer.question_key.is_some(), "{answer:?}");
            assert!(lines.iter().any(|line| line.role == Role::Interviewer), "{lines:?}");
            return;
        }
        assert!(tokio::time::Instant::now() < until, "no answer: {lines:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_open_door_begins_an_interview_where_the_settings_say_so() {
    let stage = Stage::set(400, &format!("[room.open_offer]\nconversation = \"interview\"\n{PARTS}")).await;
    let (mut client, _) = stage.call(None).await;
    client.send_rtvi("client-ready", "1", json!({"version": "2.1.0"})).await.expect("sent");
    hear(&mut client, |messages, _| asked(messages) && has(messages, "bot-stopped-speaking")).await;
    client.microphone().say(tone(700, 1_500)).await.expect("said");
    hear(&mut client, |messages, _| said(messages)).await;
    let rows = stage.store.interviews(10, None, None).await.expect("read");
    assert_eq!((rows.len(), rows[0].category_slug.as_str()), (1, "backend"));
    assert!(rows[0].plan["conversation"].is_null(), "{:?}", rows[0].plan);
    is_recorded(&stage, rows[0].id).await;
    client.close().await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interview_is_held_over_a_websocket() {
    let stage = Stage::set(400, PARTS).await;
    let post = async |path: String, said: Value, status: u16| {
        let request = stage.http.post(format!("{}/api/v1/interviews{path}", stage.url)).json(&said);
        body(request.send().await.expect("answered"), status).await
    };
    let wish = json!({"category": "backend", "level": "middle", "language": "en", "questions": 1, "room": "webrtc"});
    let made: Value = post(String::new(), wish, 201).await;
    let id = made["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/interviews/{id}/socket?access_token={}", made["join_token"].as_str().expect("a token"));
    let refused = tokio_tungstenite::connect_async(format!("{}{path}", stage.url.replace("http:", "ws:"))).await;
    assert!(matches!(refused, Err(Error::Http(answer)) if answer.status().as_u16() == 403), "nobody has consented yet");
    let version = &made["disclosure"]["version"];
    post(format!("/{id}/consent"), json!({"version": version, "accepted": true}), 201).await;
    let strange =
        stage.http.get(format!("{}/api/v1/interviews/{id}/socket", stage.url)).send().await.expect("answered");
    problem(strange, 400).await;
    let mut wire = open(&stage, &path).await;
    let ready = json!({"label": "rtvi-ai", "type": "client-ready", "id": "1", "data": {"version": "2.1.0"}});
    wire.send(Message::text(ready.to_string())).await.expect("sent");
    let (mut out, mut back) = wire.split();
    let mut heard = Vec::new();
    while !asked(&heard) {
        heard.extend(hear_wire(&mut back, samples).await.0);
    }
    let answer = bytes(&[tone_at_ear(700, 1_500), vec![0; EAR_HZ as usize]].concat());
    let sending = tokio::spawn(async move {
        for piece in answer.chunks(640) {
            out.send(Message::binary(piece.to_vec())).await.expect("sent");
        }
        out
    });
    let mut heard = Vec::new();
    while !said(&heard) {
        heard.extend(hear_wire(&mut back, samples).await.0);
    }
    is_recorded(&stage, id.parse().expect("an id")).await;
    sending.await.expect("no panic").send(Message::Close(None)).await.expect("sent");
    stage.end().await;
}
