//! What an interview leaves, as it is served: transcript, events (read and followed), recording, report.

use crate::support::app::{TestApp, body, now, problem};
use crate::support::people::interviewer;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use uuid::Uuid;
use vivavoce::id::{NodeId, SessionId};
use vivavoce::interview::EndReason;
use vivavoce::store::{
    Finalised, Lease, NewEvent, Projection, RecordingRow, RecordingState, ReportRow, ResponseRow, ResponseState, Role,
    SessionStatus, TranscriptRow, UserChange,
};

async fn claim(app: &TestApp, id: SessionId) -> Lease {
    app.store.claim(id, NodeId::create(), Duration::from_secs(60)).await.expect("claimed").expect("free")
}

fn event(kind: &'static str) -> NewEvent {
    NewEvent { kind: kind.into(), at: now(), payload: json!({ "ms": 1 }) }
}

fn line(content: &str) -> TranscriptRow {
    TranscriptRow {
        id: Uuid::now_v7(),
        role: Role::Candidate,
        content: content.to_owned(),
        planned: None,
        interrupted: false,
        question_key: Some("backend.junior".to_owned()),
        start_ms: 1_000,
        end_ms: 2_000,
        latency_ms: Some(300),
        stages: json!({ "transcript_ms": 300 }),
        confidence: Some(0.5),
        provider: Some("scripted".to_owned()),
        line_kind: None,
        turn: Some(1),
    }
}

async fn finalise(app: &TestApp, lease: &Lease, first_seq: i64) {
    let end = Finalised {
        status: SessionStatus::Completed,
        end_reason: EndReason::Completed,
        at: now(),
        first_seq,
        events: vec![event("ended")],
        projections: Vec::new(),
    };
    app.store.finalise(lease, &end).await.expect("finalised");
}

#[tokio::test]
async fn the_transcript_is_what_was_committed() {
    let app = TestApp::start("").await;
    let (id, token) = app.create().await;
    let lease = claim(&app, id).await;
    let said = line("It is safe to repeat.");
    app.store.append(&lease, &[event("heard")], &[Projection::Transcript(said.clone())]).await.expect("appended");
    let read = |route: &str| {
        let request = app.far(Method::GET, &format!("/api/v1/interviews/{id}/{route}"), &token);
        async { body(request.send().await.expect("answered"), 200).await }
    };
    let transcript = read("transcript").await;
    let row = &transcript["transcript"][0];
    assert_eq!((&row["content"], &row["role"]), (&json!(said.content), &json!("candidate")));
    assert_eq!((&row["start_ms"], &row["latency_ms"]), (&json!(1_000), &json!(300)));
    let artifacts = read("artifacts").await;
    assert_eq!((&artifacts["artifacts"], &artifacts["next"]), (&json!([]), &json!(null)));
    assert!(artifacts["analysis_note"].as_str().is_some_and(|note| note.contains("llm_generation")), "{artifacts}");
    assert_eq!(read("responses").await, json!({ "responses": [], "next": null }));
    let events = read("events?after=0&limit=1").await;
    assert_eq!((&events["events"][0]["seq"], &events["events"][0]["kind"]), (&json!(1), &json!("heard")));
    assert_eq!(events["next"], 1);
    assert_eq!(read("events?after=1").await, json!({ "events": [], "next": null }));
    for query in ["after=-1", "limit=0", "limit=1001", "after=x"] {
        let request = app.far(Method::GET, &format!("/api/v1/interviews/{id}/events?{query}"), &token);
        problem(request.send().await.expect("answered"), 422).await;
    }
}

#[tokio::test]
async fn answers_are_given_by_pages_in_the_order_in_which_they_were_asked() {
    let app = TestApp::start("").await;
    let (id, token) = app.create().await;
    let response = |key: &str, position| ResponseRow {
        question_key: key.to_owned(),
        question_version: 1,
        position,
        answer: "It can be repeated.".to_owned(),
        start_ms: None,
        end_ms: None,
        outcome: None,
        level: Some(3),
        score: Some(50.0),
        comment: None,
        key_points: json!([]),
        detail: json!({ "spread": 1 }),
        state: ResponseState::Scored,
    };
    // Two of the same place are told apart by their names.
    let rows = [response("c", 0), response("b", 1), response("a", 1), response("d", 2), response("e", 3)];
    app.store.save_responses(id, &rows).await.expect("stored");
    let read = async |query: &str, status| {
        let path = format!("/api/v1/interviews/{id}/responses{query}");
        body(app.far(Method::GET, &path, &token).send().await.expect("answered"), status).await
    };
    let keys = |page: &Value| -> Vec<String> {
        let rows = page["responses"].as_array().expect("a list").iter();
        rows.map(|row| row["question_key"].as_str().expect("a key").to_owned()).collect()
    };
    assert_eq!(keys(&read("", 200).await), ["c", "a", "b", "d", "e"]);
    let (mut seen, mut next) = (Vec::new(), String::new());
    for _ in 0..rows.len() {
        let page = read(&format!("?limit=2{next}"), 200).await;
        assert!(page["responses"][0].get("detail").is_none(), "what the scorer keeps for itself stays inside");
        seen.extend(keys(&page));
        let Some(after) = page["next"].as_str() else { break };
        next = format!("&after={after}");
    }
    assert_eq!(seen, ["c", "a", "b", "d", "e"]);
    assert_eq!(keys(&read("?after=nothing", 200).await), Vec::<String>::new());
    for wrong in ["?limit=0".to_owned(), "?limit=1001".to_owned(), format!("?after={}", "x".repeat(301))] {
        read(&wrong, 422).await;
    }
}

/// Reads server-sent events until the stream ends.
async fn follow(answer: Response) -> Vec<(String, String)> {
    let text = answer.text().await.expect("the stream ends");
    let field = |block: &str, name: &str| {
        block.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned()).unwrap_or_default()
    };
    let blocks = text.split("\n\n").filter(|block| block.contains("data:"));
    blocks.map(|block| (field(block, "id:"), field(block, "event:"))).collect()
}

#[tokio::test]
async fn a_follower_sees_each_event_once_and_leaves_with_the_end() {
    let app = TestApp::start("").await;
    let (id, token) = app.create().await;
    let lease = claim(&app, id).await;
    app.store.append(&lease, &[event("one"), event("two")], &[]).await.expect("appended");
    let path = format!("/api/v1/interviews/{id}/events");
    let request = || app.far(Method::GET, &path, &token).header("accept", "text/event-stream");
    let answer = request().send().await.expect("answered");
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let resumed = request().header("last-event-id", "1").send().await.expect("answered");
    // Both are following when the rest is written.
    app.store.append(&lease, &[event("three")], &[]).await.expect("appended");
    finalise(&app, &lease, 4).await;
    let numbered = |from: usize| {
        let all = [("1", "one"), ("2", "two"), ("3", "three"), ("4", "ended")];
        all[from..].iter().map(|(id, kind)| ((*id).to_owned(), (*kind).to_owned())).collect::<Vec<_>>()
    };
    let (first, second) = tokio::join!(follow(answer), follow(resumed));
    assert_eq!((first, second), (numbered(0), numbered(1)));
    // A browser's follower comes back by itself; it is told that there is no more.
    let again = request().header("last-event-id", "4").send().await.expect("answered");
    assert_eq!(again.status(), 204);
}

#[tokio::test]
async fn a_follower_whose_account_is_shut_is_sent_away() {
    let app = TestApp::start("").await;
    let grace = interviewer(&app, "grace").await;
    let (id, _) = app.create().await;
    let lease = claim(&app, id).await;
    app.store.append(&lease, &[event("one")], &[]).await.expect("appended");
    let path = format!("/api/v1/interviews/{id}/events");
    let request = app.far(Method::GET, &path, &grace.token).header("accept", "text/event-stream");
    let following = request.send().await.expect("answered");
    assert_eq!(following.status(), 200);
    let shut = UserChange { disabled: Some(true), ..UserChange::default() };
    app.store.change_user(grace.id, &shut).await.expect("shut");
    // The interview goes on; the stream ends all the same.
    assert_eq!(follow(following).await, [("1".to_owned(), "one".to_owned())]);
}

#[tokio::test]
async fn followers_have_places_and_leave_when_the_server_stops() {
    let app = TestApp::start("[limits]\nevent_streams_max = 1").await;
    let (id, token) = app.create().await;
    let request = || {
        app.far(Method::GET, &format!("/api/v1/interviews/{id}/events"), &token).header("accept", "text/event-stream")
    };
    let first = request().send().await.expect("answered");
    problem(request().send().await.expect("answered"), 503).await;
    app.lifecycle.soft().cancel();
    assert_eq!(follow(first).await, []);
    app.lifecycle.tasks().close();
    app.lifecycle.tasks().wait().await;
}

fn sound(folder: &Path, name: &str, samples: &[i16]) -> RecordingRow {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(folder.join(name), spec).expect("wav");
    samples.iter().for_each(|sample| writer.write_sample(*sample).expect("sample"));
    writer.finalize().expect("whole");
    RecordingRow {
        file: name.to_owned(),
        start_ms: 0,
        seconds: 0.001,
        bytes: 0,
        sample_rate_hz: 16_000,
        channels: 2,
        state: RecordingState::Complete,
    }
}

#[tokio::test]
async fn a_recording_is_played_and_sought_in() {
    let app = TestApp::start("").await;
    let (id, token) = app.create().await;
    let path = format!("/api/v1/interviews/{id}/recording");
    problem(app.far(Method::GET, &path, &token).send().await.expect("answered"), 404).await;
    let samples: Vec<i16> = (0..20_000).map(|n| i16::try_from(n % 1_000).expect("small")).collect();
    let row = sound(app.recordings.path(), "a.wav", &samples);
    let lease = claim(&app, id).await;
    app.store.append(&lease, &[event("recorded")], &[Projection::Recording(row)]).await.expect("appended");

    let answer = app.far(Method::GET, &format!("{path}?access_token={token}"), "").send().await.expect("answered");
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (200, &"audio/wav".parse().expect("a value"))
    );
    assert_eq!(
        (&answer.headers()["accept-ranges"], &answer.headers()["cache-control"]),
        (&"bytes".parse().expect("a value"), &"no-store".parse().expect("a value"))
    );
    let whole = answer.bytes().await.expect("bytes");
    let heard: Vec<i16> =
        hound::WavReader::new(&whole[..]).expect("wav").samples().map(|sample| sample.expect("sample")).collect();
    assert_eq!(heard, samples);

    let part = app.far(Method::GET, &path, &token).header("range", "bytes=10000-19999").send().await.expect("answered");
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["content-range"], format!("bytes 10000-19999/{}", whole.len()));
    assert_eq!(part.headers()["content-length"], "10000");
    assert_eq!(part.bytes().await.expect("bytes"), whole.slice(10_000..20_000));
    let beyond = app.far(Method::GET, &path, &token).header("range", "bytes=9999999-").send().await.expect("answered");
    assert_eq!(beyond.headers()["content-range"], format!("bytes */{}", whole.len()));
    problem(beyond, 416).await;
    let head = app.far(Method::HEAD, &path, &token).send().await.expect("answered");
    assert_eq!(head.headers()["content-length"], whole.len().to_string());
}

#[tokio::test]
async fn the_report_is_awaited_and_then_read() {
    let app = TestApp::start("").await;
    let (id, token) = app.create().await;
    let path = format!("/api/v1/interviews/{id}/report");
    let read = |path: &str| app.far(Method::GET, path, &token).send();
    assert_eq!(problem(read(&path).await.expect("answered"), 404).await["type"], "/problems/report-pending");
    let lease = claim(&app, id).await;
    finalise(&app, &lease, 1).await;
    let pending = read(&path).await.expect("answered");
    assert!(pending.headers().contains_key("retry-after"));
    assert_eq!(problem(pending, 404).await["type"], "/problems/report-pending");
    let report = ReportRow {
        overall_score: Some(70.0),
        technical_score: Some(70.0),
        soft_skill_score: None,
        score_notes: json!({ "soft_skill_score": "no evidence" }),
        ai_feedback: "Good.".to_owned(),
        recommendation: "inconclusive".to_owned(),
        document: json!({ "overall": 70 }),
        rubric_hash: "a".to_owned(),
        prompts_hash: "b".to_owned(),
        bank_hash: "c".to_owned(),
        model: "none".to_owned(),
        made_at: now(),
    };
    app.store.save_report(id, &report).await.expect("saved");
    assert_eq!(body(read(&path).await.expect("answered"), 200).await, json!({ "overall": 70 }));
    // A document of another version can be read as it is, but not shown.
    let page = app.far(Method::GET, &format!("{path}.html?access_token={token}"), "").send().await.expect("answered");
    assert_eq!(problem(page, 404).await["type"], "/problems/report-missing");
    let cancelled = app.create().await;
    app.store.cancel(cancelled.0).await.expect("cancelled");
    let none = app.far(Method::GET, &format!("/api/v1/interviews/{}/report", cancelled.0), &cancelled.1);
    assert_eq!(problem(none.send().await.expect("answered"), 404).await["type"], "/problems/report-missing");
}
