//! Written interviews by REST, on a real Postgres with the shipped bank and the shipped scorer: the whole way, what is
//! refused, what is kept when somebody leaves.

use crate::support::app::{TestApp, body, problem};
use crate::support::written::Written;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use vivavoce::jobs::evaluate::evaluate;
use vivavoce::session::text::{Act, TextInterviews};
use vivavoce::store::{ReportState, Role, SessionStatus};

#[tokio::test]
async fn from_the_first_question_to_the_report() {
    let app = TestApp::start("").await;
    let interview = Written::make(&app, json!({ "category": "system-design" })).await;
    let early = problem(interview.send(Method::POST, "", json!({})).await, 403).await;
    assert!(early["detail"].as_str().is_some_and(|text| text.contains("Consent")), "{early}");
    assert_eq!(interview.state().await["state"]["phase"], "connecting");
    let early = problem(interview.answer(&json!(1), "Before anything was asked.").await, 403).await;
    assert_eq!(early["status"], 403);
    app.consent(interview.id, &interview.token).await;
    problem(interview.answer(&json!(1), "Before anything was asked.").await, 409).await;

    let begun = body(interview.send(Method::POST, "", json!({})).await, 200).await;
    let kinds: Vec<&Value> =
        begun["conversation"].as_array().expect("lines").iter().map(|line| &line["kind"]).collect();
    assert_eq!(kinds, ["greeting", "disclosure", "question"]);
    let again = body(interview.send(Method::POST, "", json!({})).await, 200).await;
    assert_eq!(again["state"]["last_line"], begun["state"]["last_line"], "beginning twice begins once");

    let mut state = begun["state"].clone();
    let mut told = Vec::new();
    for _ in 0..20 {
        let question = &state["question"]["id"];
        let step = body(interview.answer(&state["last_line"], &interview.good(question)).await, 200).await;
        assert!(!step["said"].as_array().expect("lines").is_empty(), "{step}");
        told.extend(step["feedback"].as_array().expect("a list").clone());
        state = step["state"].clone();
        if state["phase"] == "ended" {
            break;
        }
    }
    assert_eq!((&state["phase"], &state["ended"]), (&json!("ended"), &json!("completed")), "{state}");
    assert_eq!(told.len(), interview.plan.questions.len(), "feedback on each question, once");
    for feedback in &told {
        assert_eq!(feedback["outcome"], "answered", "{feedback}");
        assert!(feedback["level"].as_i64().is_some_and(|level| level >= 3), "a reference answer is good: {feedback}");
        assert!(feedback["comment"].as_str().is_some_and(|text| !text.is_empty()), "{feedback}");
        assert!(feedback["key_points"].as_array().is_some_and(|points| points.len() >= 3), "{feedback}");
    }
    let row = app.store.interview(interview.id).await.expect("stored");
    assert_eq!((row.status, row.report_state), (SessionStatus::Completed, ReportState::Queued));
    evaluate(&app.store, &app.scoring, interview.id).await.expect("a report");
    let path = format!("/api/v1/interviews/{}/report", interview.id);
    let report = body(app.far(Method::GET, &path, &interview.token).send().await.expect("answered"), 200).await;
    for (question, feedback) in report["questions"].as_array().expect("questions").iter().zip(&told) {
        assert_eq!(question["level"], feedback["level"], "the report scores as the feedback did");
    }
}

#[tokio::test]
async fn every_step_is_in_the_log_and_in_the_transcript() {
    let app = TestApp::start("").await;
    let (interview, begun) = Written::begun(&app, json!({ "questions": 1 })).await;
    let text = "Doing it twice leaves the same result.";
    let step = body(interview.answer(&begun["state"]["last_line"], text).await, 200).await;
    let lines = app.store.transcripts(interview.id).await.expect("read");
    let said: Vec<&str> =
        lines.iter().filter(|line| line.role == Role::Interviewer).map(|l| l.content.as_str()).collect();
    let before = begun["conversation"].as_array().expect("lines").len();
    assert_eq!(said.len(), before + step["said"].as_array().expect("lines").len());
    assert_eq!(lines[before].content, text, "it stands where it was said");
    let events = app.store.events(interview.id, 0, 1_000).await.expect("read");
    let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
    for kind in ["taken_up", "began", "question_opened", "speech_started", "answer_committed", "facts"] {
        assert!(kinds.contains(&kind), "{kind} in {kinds:?}");
    }
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), (1..=events.len() as i64).collect::<Vec<_>>());
}

#[tokio::test]
async fn two_answers_to_one_line_are_one_answer() {
    let app = TestApp::start("").await;
    let (interview, begun) = Written::begun(&app, json!({})).await;
    let line = &begun["state"]["last_line"];
    let answers = futures::future::join_all((0..4).map(|n| {
        let text = format!("Answer number {n}: doing it twice changes nothing.");
        let interview = &interview;
        async move { interview.answer(line, &text).await.status().as_u16() }
    }));
    let mut statuses = answers.await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409]);
    let lines = app.store.transcripts(interview.id).await.expect("read");
    assert_eq!(lines.iter().filter(|line| line.role == Role::Candidate).count(), 1);
    let said = problem(interview.answer(line, "Once more.").await, 409).await;
    assert!(said["detail"].as_str().is_some_and(|text| text.contains("answered already")), "{said}");
}

#[tokio::test]
async fn bad_input_is_refused_in_words() {
    let app = TestApp::start("").await;
    let (interview, begun) = Written::begun(&app, json!({})).await;
    let line = &begun["state"]["last_line"];
    let long = "word ".repeat(2_001);
    for text in ["", "   ", long.as_str()] {
        let said = problem(interview.answer(line, text).await, 422).await;
        assert_eq!(said["errors"][0]["field"], "text", "{said}");
    }
    problem(interview.wish(line, "louder").await, 422).await;
    problem(interview.wish(line, "resume").await, 409).await;
    let code = json!({ "question_id": "backend.other", "language": "python", "content": "x = 1" });
    problem(interview.send(Method::PUT, "/code", code).await, 409).await;
    let stranger = app.create().await.1;
    let path = format!("/api/v1/interviews/{}/text", interview.id);
    problem(app.far(Method::GET, &path, &stranger).send().await.expect("answered"), 404).await;
    let (voice, token) = app.create().await;
    let path = format!("/api/v1/interviews/{voice}/text");
    problem(app.far(Method::POST, &path, &token).send().await.expect("answered"), 409).await;
    let whip = format!("/api/v1/interviews/{}/whip", interview.id);
    let offer =
        app.far(Method::POST, &whip, &interview.token).header("content-type", "application/sdp").body("v=0\r\n");
    problem(offer.send().await.expect("answered"), 409).await;
    assert_eq!(interview.state().await["state"]["last_line"], *line, "nothing was changed by any of it");
}

#[tokio::test]
async fn pausing_skipping_and_ending() {
    let app = TestApp::start("").await;
    let (interview, begun) = Written::begun(&app, json!({})).await;
    let first = begun["state"]["question"]["id"].clone();
    let step = body(interview.wish(&begun["state"]["last_line"], "rephrase").await, 200).await;
    assert_eq!(step["said"][0]["kind"], "repeat");
    let paused = body(interview.wish(&step["state"]["last_line"], "pause").await, 200).await;
    assert_eq!((&paused["state"]["phase"], &paused["state"]["paused"]), (&json!("paused"), &json!(true)));
    assert_eq!(app.store.interview(interview.id).await.expect("stored").status, SessionStatus::Paused);
    let line = &paused["state"]["last_line"];
    let said = problem(interview.answer(line, "While it is paused.").await, 409).await;
    assert!(said["detail"].as_str().is_some_and(|text| text.contains("paused")), "{said}");
    let resumed = body(interview.wish(line, "resume").await, 200).await;
    assert_eq!(resumed["state"]["question"]["id"], first);
    let skipped = body(interview.wish(&resumed["state"]["last_line"], "skip").await, 200).await;
    assert_ne!(skipped["state"]["question"]["id"], first);
    assert_eq!(skipped["feedback"][0]["outcome"], "skipped");
    // A second press of the same button was meant for the question before.
    problem(interview.wish(&resumed["state"]["last_line"], "skip").await, 409).await;
    let line = &skipped["state"]["last_line"];
    let ended = body(interview.wish(line, "end").await, 200).await;
    assert_eq!(ended["state"]["ended"], "candidate_ended");
    problem(interview.wish(line, "end").await, 410).await;
    problem(interview.answer(line, "After the end.").await, 410).await;
    let end = format!("/api/v1/interviews/{}/end", interview.id);
    let twice = app.far(Method::POST, &end, &interview.token).send().await.expect("answered");
    assert_eq!(twice.status(), 202, "ending what is over changes nothing");
    assert_eq!(app.store.interview(interview.id).await.expect("stored").status, SessionStatus::Completed);
}

#[tokio::test]
async fn who_leaves_comes_back_to_the_same_place() {
    let app = TestApp::start("").await;
    let (interview, begun) = Written::begun(&app, json!({})).await;
    let step = body(interview.answer(&begun["state"]["last_line"], "I don't know.").await, 200).await;
    let elapsed = step["state"]["elapsed_ms"].as_u64().expect("ms");
    app.wait(Duration::from_secs(3 * 24 * 3_600));
    let back = interview.state().await;
    assert_eq!(back["state"]["last_line"], step["state"]["last_line"]);
    assert!(back["state"]["elapsed_ms"].as_u64().expect("ms") < elapsed + 60_000, "being away uses up no time: {back}");
    // Another server, with nothing but the record. What was offered ("Would you like to try?") still stands.
    let other = TextInterviews::new(app.store.clone(), vivavoce::clock::Clock::system(), &Default::default());
    let reply_to = back["state"]["last_line"].as_u64();
    let stepped = other.step(interview.id, reply_to, Act::Answer { text: "Yes.".into() }).await.expect("taken");
    assert_eq!(stepped.said[0].text, "Go ahead.");
    let end = format!("/api/v1/interviews/{}/end", interview.id);
    assert_eq!(app.far(Method::POST, &end, &interview.token).send().await.expect("answered").status(), 202);
    let row = app.store.interview(interview.id).await.expect("stored");
    assert_eq!((row.status, row.report_state), (SessionStatus::Completed, ReportState::Queued));
    assert_eq!(app.store.orphans(10, 0).await.expect("listed"), [], "what is over is not forsaken");
}

#[tokio::test]
async fn one_that_is_left_is_forsaken_only_after_its_time() {
    let app = TestApp::start("").await;
    let (interview, _) = Written::begun(&app, json!({})).await;
    assert_eq!(app.store.orphans(10, 1).await.expect("listed"), []);
    assert_eq!(app.store.orphans(10, 0).await.expect("listed"), [interview.id]);
}

#[tokio::test]
async fn an_official_interview_tells_no_score() {
    let app = TestApp::start("").await;
    let staff = crate::support::people::interviewer(&app, "grace").await;
    for bank in vivavoce::interview::bank::shipped().expect("banks") {
        app.store.sync_bank(&bank).await.expect("stored");
    }
    let wish =
        json!({ "category": "backend", "level": "middle", "questions": 2, "mode": "text", "purpose": "official" });
    let made = app.far(Method::POST, "/api/v1/interviews", &staff.token).json(&wish).send().await.expect("answered");
    let made = body(made, 201).await;
    let id = made["id"].as_str().expect("id").parse().expect("an id");
    let plan = app.store.interview(id).await.expect("stored").plan;
    let token = made["join_token"].as_str().expect("a token").to_owned();
    let interview = Written { app: &app, id, token, plan: serde_json::from_value(plan).expect("a plan") };
    app.consent(interview.id, &interview.token).await;
    let begun = body(interview.send(Method::POST, "", json!({})).await, 200).await;
    let skipped = body(interview.wish(&begun["state"]["last_line"], "skip").await, 200).await;
    assert_eq!(skipped["feedback"], json!([]));
    assert_eq!(interview.state().await["feedback"], json!([]));
}

#[tokio::test]
async fn code_is_kept_version_by_version_and_handed_in() {
    let app = TestApp::start("").await;
    let wish = json!({ "category": "algorithms", "level": "junior", "questions": 12 });
    let (interview, begun) = Written::begun(&app, wish).await;
    let state = interview.skipped_to_code(begun["state"].clone()).await;
    let question = state["question"]["id"].as_str().expect("an id").to_owned();
    let send = |content: &str, submitted: bool| {
        let language = state["question"]["code_language"].clone();
        let language = if language.is_string() { language } else { json!("python") };
        json!({ "question_id": question, "language": language, "content": content, "submitted": submitted })
    };
    let kept = body(interview.send(Method::PUT, "/code", send("a = 1", false)).await, 200).await;
    assert_eq!(kept["state"]["last_line"], state["last_line"], "a draft is kept without a word");
    let handed_in = body(interview.send(Method::PUT, "/code", send("a = 2", true)).await, 200).await;
    assert!(!handed_in["said"].as_array().expect("lines").is_empty(), "{handed_in}");
    let artifacts = app.store.artifacts(interview.id).await.expect("read");
    let versions: Vec<_> = artifacts.iter().map(|one| (one.version, one.content.as_str(), one.submitted)).collect();
    assert_eq!(versions, [(1, "a = 1", false), (2, "a = 2", true)]);
}

#[tokio::test]
async fn in_ukrainian_everything_is_ukrainian() {
    let app = TestApp::start("").await;
    let (interview, begun) =
        Written::begun(&app, json!({ "category": "system-design", "language": "uk", "questions": 2 })).await;
    let path = format!("/api/v1/interviews/{}", interview.id);
    let shown = body(app.far(Method::GET, &path, &interview.token).send().await.expect("answered"), 200).await;
    assert!(shown["disclosure"]["text"].as_str().is_some_and(|text| text.contains("штучним інтелектом")), "{shown}");
    assert_eq!(shown["disclosure"]["version"], "2026-11-written");
    assert!(!shown["disclosure"]["text"].to_string().contains("голос"), "nobody speaks: {shown}");
    assert_eq!(shown["question"]["id"], begun["state"]["question"]["id"], "in progress, it shows where it stands");
    let mut state = begun["state"].clone();
    let mut levels = Vec::new();
    while state["phase"] != "ended" {
        let answer = interview.good(&state["question"]["id"]);
        let step = body(interview.answer(&state["last_line"], &answer).await, 200).await;
        let feedback = step["feedback"].as_array().expect("a list");
        levels.extend(feedback.iter().map(|one| one["level"].clone()));
        assert!(feedback.iter().all(|one| one["comment"].as_str().is_some_and(|text| text.starts_with("Рівень"))));
        state = step["state"].clone();
    }
    let lines = interview.state().await["conversation"].as_array().expect("lines").clone();
    for line in &lines {
        let text = line["text"].as_str().expect("text");
        assert!(text.chars().any(|c| ('а'..='я').contains(&c)), "{text:?} is not Ukrainian");
    }
    assert_eq!(levels.len(), 2);
    assert!(levels.iter().all(|level| level.as_i64().is_some_and(|level| level >= 3)), "{levels:?}");
    evaluate(&app.store, &app.scoring, interview.id).await.expect("a report");
    let page = format!("{path}/report.html?variant=feedback");
    let page =
        app.far(Method::GET, &page, &interview.token).send().await.expect("answered").text().await.expect("a page");
    assert!(page.contains("<html lang=\"uk\">") && page.contains("Відгук: ") && page.contains("Добра відповідь: "));
    assert!(!page.contains("Question by question") && !page.contains("A good answer"));
}
