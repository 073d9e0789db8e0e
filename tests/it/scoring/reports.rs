//! Reports from the log of an interview: made by the job, read by every reader, changed by people, made anew.

use crate::support::app::{TestApp, body, now, problem};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;
use vivavoce::auth::role::Role;
use vivavoce::id::{NodeId, SessionId, TurnId, UserId, UtteranceId};
use vivavoce::interview::bank::shipped;
use vivavoce::interview::plan::{Plan, PlanRequest};
use vivavoce::interview::question::{Level, Question};
use vivavoce::interview::{EndReason, QuestionOutcome};
use vivavoce::jobs::evaluate::{Scoring, assess, evaluate};
use vivavoce::scoring::compare::compare;
use vivavoce::scoring::local::LocalGrader;
use vivavoce::scoring::report::Report;
use vivavoce::scoring::rubric::{Rubric, SHIPPED};
use vivavoce::scoring::schema::Published;
use vivavoce::session::event::{Answer, SessionEvent, Utterance};
use vivavoce::store::{
    AuditFilter, Finalised, NewEvent, NewUser, Projection, Role as Speaker, SessionStatus, TranscriptRow, UserRole,
};

const HOUR: Duration = Duration::from_secs(3_600);

fn scoring(text: &str) -> Scoring {
    let rubric = Rubric::parse(text).expect("a rubric");
    Scoring { grader: Arc::new(LocalGrader::new(rubric.clone(), None)), rubric: Arc::new(rubric) }
}

/// A plan over `questions` questions of the shipped bank.
fn plan(questions: u32) -> Plan {
    let bank = shipped().expect("banks").remove(0);
    let request =
        PlanRequest { level: Level::Middle, questions: Some(questions), minutes: None, time_factor: 1.0, seed: 1 };
    Plan::draw(&bank, &request).expect("a plan")
}

fn logged(event: &SessionEvent, at_ms: u64) -> NewEvent {
    let (kind, payload) = event.to_row(at_ms);
    NewEvent { kind: kind.into(), at: now(), payload }
}

/// The events and the transcript's row of a question with one answer of `length_ms`.
fn answered(question: &Question, number: u32, text: &str, length_ms: u64) -> (Vec<NewEvent>, TranscriptRow) {
    let start_ms = u64::from(number) * (length_ms + 10_000);
    let (turn, end_ms) = (u64::from(number), start_ms + length_ms);
    let utterance = Utterance {
        id: UtteranceId(turn),
        turn: Some(TurnId(turn)),
        text: text.into(),
        start_ms,
        end_ms,
        confidence: Some(0.9),
        damaged: false,
    };
    let answer = Answer {
        turn: TurnId(turn),
        question_key: Some(question.key.clone()),
        text: text.into(),
        typed: false,
        utterances: vec![utterance],
        decision: None,
        transcribed_ms: None,
    };
    let (key, outcome) = (question.key.clone(), QuestionOutcome::Answered);
    let events = vec![
        logged(&SessionEvent::QuestionOpened { key: key.clone(), number }, start_ms - 9_000),
        logged(&SessionEvent::AnswerCommitted(answer), end_ms),
        logged(&SessionEvent::QuestionClosed { key, outcome }, end_ms),
    ];
    let place = |ms: u64| i64::try_from(ms).expect("small");
    let row = TranscriptRow {
        id: Uuid::now_v7(),
        role: Speaker::Candidate,
        content: text.into(),
        planned: None,
        interrupted: false,
        question_key: Some(question.key.clone()),
        start_ms: place(start_ms),
        end_ms: place(end_ms),
        latency_ms: None,
        stages: json!({}),
        confidence: Some(0.9),
        provider: None,
        line_kind: None,
        turn: Some(place(turn)),
    };
    (events, row)
}

/// An interview that is over, with its answers in the record.
async fn held(app: &TestApp, plan: &Plan, length_ms: u64, say: impl Fn(&Question) -> String) -> (SessionId, String) {
    let (id, token) = app.create().await;
    let lease = app.store.claim(id, NodeId::create(), HOUR).await.expect("claimed").expect("free");
    let mut projections =
        vec![Projection::Plan(serde_json::to_value(plan).expect("JSON")), Projection::Started { at: now() }];
    let mut events = Vec::new();
    for (number, question) in (1..).zip(&plan.questions) {
        let (asked, row) = answered(question, number, &say(question), length_ms);
        events.extend(asked);
        projections.push(Projection::Transcript(row));
    }
    let end = Finalised {
        status: SessionStatus::Completed,
        end_reason: EndReason::Completed,
        at: now(),
        first_seq: 1,
        events,
        projections,
    };
    app.store.finalise(&lease, &end).await.expect("finalised");
    (id, token)
}

async fn person(app: &TestApp, role: UserRole) -> UserId {
    let id = UserId::create();
    let name = id.to_string();
    let new = NewUser {
        id,
        username: name.clone(),
        email: format!("{name}@example.org"),
        password_hash: "none".into(),
        full_name: "Grace Hopper".into(),
        role,
    };
    app.store.create_user(&new).await.expect("an account").id
}

async fn read(app: &TestApp, id: SessionId, route: &str, token: &str) -> Value {
    let request = app.far(Method::GET, &format!("/api/v1/interviews/{id}/{route}"), token);
    body(request.send().await.expect("answered"), 200).await
}

fn must_fit(published: Published, document: &Value) {
    let mut compiler = boon::Compiler::new();
    let mut schemas = boon::Schemas::new();
    let place = format!("https://example.org/{}.json", published.name());
    compiler.add_resource(&place, published.schema()).expect("a schema");
    let index =
        compiler.compile(&place, &mut schemas).unwrap_or_else(|error| panic!("{}: {error:#}", published.name()));
    schemas.validate(document, index).unwrap_or_else(|error| panic!("{}: {error:#}", published.name()));
}

#[tokio::test]
async fn every_reader_gets_the_report_in_the_shape_that_is_published() {
    let app = TestApp::start("").await;
    let plan = plan(6);
    let (id, token) = held(&app, &plan, 20_000, |question| question.reference_answer.clone()).await;
    evaluate(&app.store, &scoring(SHIPPED), id).await.expect("a report");
    let report = read(&app, id, "report", &token).await;
    must_fit(Published::Report, &report);
    assert_eq!(report["version"], Published::Report.version());
    assert_eq!(report["interview"]["patience"], 1.25);
    let words: Vec<String> = read(&app, id, "transcript", &token).await["transcript"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|line| line["content"].as_str().expect("text").to_owned())
        .collect();
    let mut quotes = 0;
    for question in report["questions"].as_array().expect("questions") {
        for point in question["key_points"].as_array().expect("points") {
            let Some(quote) = point["quote"]["text"].as_str() else { continue };
            assert!(words.iter().any(|line| line.contains(quote)), "{quote}");
            quotes += 1;
        }
    }
    assert!(quotes > 10, "{quotes}");
    for hash in ["rubric", "bank", "model"] {
        assert_eq!(report["provenance"]["hashes"][hash].as_str().map(str::len), Some(64), "{hash}");
    }
    let feedback = read(&app, id, "report?variant=feedback", &token).await;
    must_fit(Published::Feedback, &feedback);
    assert!(feedback["recommendation"].is_null() && !feedback.to_string().contains("level_mean"));
    let summary = read(&app, id, "summary", &token).await;
    must_fit(Published::Summary, &summary);
    assert_eq!(summary["report_path"], format!("/report/{id}"));
    let files = [
        ("report.html", "text/html", "The evidence"),
        ("report.html?variant=feedback", "text/html", "Feedback:"),
        ("report.pdf", "application/pdf", "%PDF-"),
        ("report.pdf?variant=feedback", "application/pdf", "%PDF-"),
        ("transcript.vtt", "text/vtt", "WEBVTT"),
        ("transcript.md", "text/markdown", "**Candidate**"),
    ];
    for (route, kind, holds) in files {
        let mark = if route.contains('?') { '&' } else { '?' };
        let path = format!("/api/v1/interviews/{id}/{route}{mark}access_token={token}");
        let answer = app.far(Method::GET, &path, "").send().await.expect("answered");
        assert_eq!(answer.status(), 200, "{route}");
        let policy = answer.headers()["content-security-policy"].to_str().expect("text");
        assert!(policy.contains("default-src 'none'") && !policy.contains("script-src"), "{policy}");
        assert!(answer.headers()["content-type"].to_str().is_ok_and(|given| given.starts_with(kind)), "{route}");
        let bytes = answer.bytes().await.expect("a body");
        assert!(String::from_utf8_lossy(&bytes).contains(holds), "{route}");
    }
    for (wish, accepted, holds) in [
        ("?lang=uk", "en", "Докази за запитаннями"),
        ("?lang=en", "uk", "The evidence"),
        ("", "de, uk-UA;q=0.8, en;q=0.5", "Докази за запитаннями"),
        ("", "en-GB", "The evidence"),
        ("", "de", "The evidence"),
    ] {
        let page = app.far(Method::GET, &format!("/api/v1/interviews/{id}/report.html{wish}"), &token);
        let page = page.header("accept-language", accepted).send().await.expect("answered");
        let vary = page.headers().get_all("vary").iter().any(|value| value == "accept-language");
        assert!(vary, "whoever keeps the page must know what it depends on: {:?}", page.headers());
        assert!(page.text().await.expect("text").contains(holds), "{wish} {accepted}");
    }
    let strange = app.far(Method::GET, &format!("/api/v1/interviews/{id}/report.pdf?lang=xx"), &token);
    problem(strange.send().await.expect("answered"), 422).await;
    let unknown = app.far(Method::GET, &format!("/api/v1/interviews/{id}/report?variant=gossip"), &token);
    problem(unknown.send().await.expect("answered"), 422).await;
}

#[tokio::test]
async fn staff_who_read_a_report_are_noted_in_whatever_shape_it_is_read() {
    let app = TestApp::start("").await;
    let (id, _) = held(&app, &plan(2), 20_000, |question| question.reference_answer.clone()).await;
    evaluate(&app.store, &scoring(SHIPPED), id).await.expect("a report");
    let user = person(&app, UserRole::Interviewer).await;
    let staff = app.tokens.issue_access(user, Role::Interviewer, HOUR).token;
    let shapes = [
        "report",
        "report?variant=feedback",
        "report.html",
        "report.html?variant=feedback",
        "report.pdf",
        "report.pdf?variant=feedback",
        "summary",
    ];
    for (read, shape) in (1..).zip(shapes) {
        let answer = app.far(Method::GET, &format!("/api/v1/interviews/{id}/{shape}"), &staff).send().await;
        assert_eq!(answer.expect("answered").status(), 200, "{shape}");
        let lines = app.store.audit_log(100, None, &AuditFilter::default()).await.expect("read");
        assert_eq!(lines.len(), read, "{shape}");
        let line = &lines[0];
        assert_eq!((line.action.as_str(), line.actor_id), ("report.read", Some(user)), "{shape}");
        assert_eq!(line.subject_id, id.to_string(), "{shape}");
    }
}

#[tokio::test]
async fn the_schemas_are_served_and_kept_with_the_docs() {
    let app = TestApp::start("").await;
    for published in Published::ALL {
        let served = app.local(Method::GET, &format!("/api/v1/schemas/{}", published.name()));
        assert_eq!(body(served.send().await.expect("answered"), 200).await, published.schema());
        let file = format!("docs/schemas/{}-{}.json", published.name(), published.version());
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(&file);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            let text = format!("{:#}\n", published.schema());
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(&path, text).expect("written");
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
        let kept: Value = serde_json::from_str(&kept).expect("JSON");
        assert_eq!(kept, published.schema(), "{file} is not what is served; UPDATE_EXPECT=1 writes it anew");
    }
    problem(app.local(Method::GET, "/api/v1/schemas/gossip").send().await.expect("answered"), 404).await;
}

#[tokio::test]
async fn a_person_changes_a_level_with_a_reason_and_the_scorers_stays_beside_it() {
    let app = TestApp::start("").await;
    let plan = plan(6);
    let (id, token) = held(&app, &plan, 20_000, |_| "I do not really know that, to be honest with you.".into()).await;
    let scoring = scoring(SHIPPED);
    evaluate(&app.store, &scoring, id).await.expect("a report");
    let before = read(&app, id, "report", &token).await;
    let user = person(&app, UserRole::Interviewer).await;
    let staff = app.tokens.issue_access(user, Role::Interviewer, HOUR).token;
    let path = format!("/api/v1/interviews/{id}/overrides");
    let post = |token: &str, wish: Value| app.far(Method::POST, &path, token).json(&wish).send();
    let key = plan.questions[0].key.clone();
    let wish = json!({"question_id": key, "level": 5, "reason": "Heard it on the recording."});
    problem(post(&token, wish.clone()).await.expect("answered"), 403).await;
    let refused = [
        json!({"question_id": key, "level": 6, "reason": "x"}),
        json!({"question_id": key, "level": 0, "reason": "x"}),
        json!({"question_id": key, "level": 5, "reason": "  "}),
        json!({"question_id": key, "reason": "x"}),
        json!({"question_id": "backend.none", "level": 5, "reason": "x"}),
        json!({"question_id": key, "level": 5, "reason": "x".repeat(2_001)}),
    ];
    for wish in refused {
        problem(post(&staff, wish).await.expect("answered"), 422).await;
    }
    assert_eq!(read(&app, id, "report", &token).await, before, "nothing changed by what was refused");
    let summary = body(post(&staff, wish).await.expect("answered"), 201).await;
    assert_eq!(summary["overrides"], 1);
    let after = read(&app, id, "report", &token).await;
    must_fit(Published::Report, &after);
    let question = &after["questions"][0];
    assert_eq!((&question["level"], &question["scored_level"]), (&json!(5), &before["questions"][0]["level"]));
    assert!(after["summary"]["overall"]["score"].as_f64() > before["summary"]["overall"]["score"].as_f64());
    assert_eq!(after["overrides"][0]["by"], "Grace Hopper");
    let listed = read(&app, id, "overrides", &token).await;
    assert_eq!(listed["overrides"], after["overrides"]);
    let page = read(&app, id, "overrides?limit=1", &token).await;
    assert_eq!(page["overrides"], after["overrides"]);
    let rest = format!("overrides?limit=1&after={}", page["next"].as_str().expect("where the next page begins"));
    assert_eq!(read(&app, id, &rest, &token).await, json!({ "overrides": [], "next": null }));
    problem(app.far(Method::GET, &format!("{path}?limit=0"), &token).send().await.expect("answered"), 422).await;
    let response = &read(&app, id, "responses", &token).await["responses"][0];
    assert_eq!((&response["level"], &response["scored_level"]), (&json!(5), &before["questions"][0]["level"]));
    assert!(response["key_points"].is_array(), "as the description says: {response}");
    let page = app.far(Method::GET, &format!("/api/v1/interviews/{id}/report.html"), &token);
    let page = page.send().await.expect("answered").text().await.expect("text");
    assert!(page.contains("Level 5 (by a person)") && page.contains("Heard it on the recording."));
    // Made anew, the report still holds what the person said; taken out, the question counts no more.
    evaluate(&app.store, &scoring, id).await.expect("a report");
    let anew = read(&app, id, "report", &token).await;
    assert_eq!(anew["questions"], after["questions"]);
    assert_eq!(anew["summary"], after["summary"]);
    let none = json!({"question_id": key, "level": null, "reason": "The question was not clear."});
    body(post(&staff, none).await.expect("answered"), 201).await;
    let out = read(&app, id, "report", &token).await;
    assert_eq!(out["summary"]["overall"]["questions"], 5);
    assert_eq!(out["overrides"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_report_made_anew_tells_what_changed_and_why() {
    let app = TestApp::start("").await;
    let plan = plan(6);
    let (id, _) = held(&app, &plan, 20_000, |question| question.reference_answer.clone()).await;
    let interview = app.store.interview(id).await.expect("there");
    let before = assess(&app.store, &scoring(SHIPPED), &interview).await.expect("a report").report;
    let again = assess(&app.store, &scoring(SHIPPED), &interview).await.expect("a report").report;
    assert_eq!(before, again, "the same record, rubric and scorer give the same report");
    let strict = scoring(&SHIPPED.replace("level_from = [0.2, 0.4, 0.65, 0.85]", "level_from = [0.3, 0.6, 0.9, 1.0]"));
    let after = assess(&app.store, &strict, &interview).await.expect("a report").report;
    let comparison = compare(&before, &after);
    let named = format!("rubric {} (", strict.rubric.version);
    assert!(comparison.causes.iter().any(|cause| cause.starts_with(&named)), "{:?}", comparison.causes);
    assert!(after.provenance.hashes.rubric != before.provenance.hashes.rubric);
}

/// Thirty minutes of talk: how long the report takes is printed, for whoever measures.
#[tokio::test]
async fn half_an_hour_of_answers_becomes_a_report() {
    let app = TestApp::start("").await;
    let plan = plan(20);
    let talk = "Well, let me think about that for a moment, because in my last project we had something like it, and \
        the first thing that we did was to look at the numbers. ";
    // About 130 words a minute for three minutes.
    let say = |question: &Question| format!("{}{}", talk.repeat(11), question.reference_answer);
    let (id, _) = held(&app, &plan, 180_000, say).await;
    let began = Instant::now();
    evaluate(&app.store, &scoring(SHIPPED), id).await.expect("a report");
    println!("report of 30 minutes in {} ms", began.elapsed().as_millis());
    let stored = app.store.report(id).await.expect("stored");
    let report: Report = serde_json::from_value(stored.document).expect("a report");
    assert_eq!(report.assessed().count(), plan.questions.len());
    assert!(report.delivery.candidate_speech_ms >= 30 * 60 * 1000);
}
