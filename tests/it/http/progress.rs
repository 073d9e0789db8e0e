//! History, progress, what to repeat, practice of it, and the statistics over everybody, from stored reports.

use crate::support::app::{TestApp, bank, body, problem};
use crate::support::people::{Someone, admin, held, interviewer, person};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use vivavoce::id::SessionId;
use vivavoce::interview::QuestionOutcome;
use vivavoce::interview::question::Level;
use vivavoce::store::{ResponseRow, ResponseState};

async fn get(app: &TestApp, token: &str, path: &str) -> Value {
    body(app.far(Method::GET, &format!("/api/v1{path}"), token).send().await.expect("answered"), 200).await
}

fn answer(key: &str, position: i32, level: Option<i16>, status: &str) -> ResponseRow {
    ResponseRow {
        question_key: key.to_owned(),
        question_version: 1,
        position,
        answer: "It is quite safe to repeat.".to_owned(),
        start_ms: Some(0),
        end_ms: Some(1_000),
        outcome: Some(if level.is_some() { QuestionOutcome::Answered } else { QuestionOutcome::Skipped }),
        level,
        score: level.map(|level| f64::from(level) * 20.0),
        comment: Some("Names the point.".to_owned()),
        key_points: json!([{ "statement": "It is safe to repeat.", "status": status, "weight": 1.0, "must": true, "quote": null }]),
        detail: json!({}),
        state: if level.is_some() { ResponseState::Scored } else { ResponseState::NotAssessed },
    }
}

/// An interview that was held, with a weak answer and one that was passed over.
async fn weak(app: &TestApp, who: &Someone) -> SessionId {
    let id = held(app, Some(who)).await;
    let answers = [answer("backend.junior", 1, Some(2), "missed"), answer("backend.middle", 2, None, "missed")];
    app.store.save_responses(id, &answers).await.expect("saved");
    id
}

#[tokio::test]
async fn progress_tells_what_the_reports_show_and_practice_follows() {
    let app = TestApp::start("").await;
    let (ada, eve) = (person(&app, "ada").await, person(&app, "eve").await);
    assert_eq!(get(&app, &ada.token, "/progress").await["interviews"], json!([]));
    let practise = |token: &str| {
        let request = app.far(Method::POST, "/api/v1/progress/practice", token).json(&json!({}));
        async { request.send().await.expect("answered") }
    };
    problem(practise(&ada.token).await, 409).await;

    let id = weak(&app, &ada).await;
    let told = get(&app, &ada.token, "/progress").await;
    assert_eq!((&told["interviews"][0]["interview_id"], &told["interviews"][0]["score"]), (&json!(id), &json!(3.0)));
    let mastery = &told["competencies"][0];
    assert_eq!(
        (&mastery["competency"], &mastery["name"], &mastery["questions"]),
        (&json!("http"), &json!("HTTP"), &json!(1))
    );
    let (low, high) = (mastery["interval90"][0].as_f64(), mastery["interval90"][1].as_f64());
    assert!(low < mastery["score"].as_f64() && mastery["score"].as_f64() < high, "{mastery}");
    let weak: Vec<&Value> = told["weak"].as_array().expect("weak").iter().map(|one| &one["question_key"]).collect();
    assert_eq!(weak, ["backend.middle", "backend.junior"]);
    assert_eq!(told["weak"][1]["missed"], json!(["It is safe to repeat."]));
    assert_eq!(told["due"], 0, "what was missed comes back tomorrow");
    // Others see nothing of it.
    assert_eq!(get(&app, &eve.token, "/progress").await["interviews"], json!([]));
    let hers = format!("/api/v1/progress?user={}", ada.id);
    problem(app.far(Method::GET, &hers, &eve.token).send().await.expect("answered"), 404).await;

    app.wait(Duration::from_secs(2 * 86_400));
    let ada = crate::support::people::login(&app, "ada", crate::support::people::PASSWORD, 200).await;
    let token = ada["access_token"].as_str().expect("token");
    let repeats = get(&app, token, "/progress/repeats?limit=1").await;
    assert_eq!(
        (&repeats["questions"][0]["is_due"], repeats["questions"].as_array().map(Vec::len)),
        (&json!(true), Some(1))
    );
    let next = repeats["next"].as_str().expect("a second page");
    let rest = get(&app, token, &format!("/progress/repeats?limit=5&after={next}")).await;
    assert_eq!((rest["questions"].as_array().map(Vec::len), &rest["next"]), (Some(1), &Value::Null));
    assert_eq!(get(&app, token, "/progress").await["due"], 2);

    // One click: an interview of just these questions.
    let made = body(practise(token).await, 201).await;
    let row = app.store.interview(made["id"].as_str().expect("id").parse().expect("an id")).await.expect("stored");
    let asked: Vec<&Value> =
        row.plan["questions"].as_array().expect("a plan").iter().map(|question| &question["key"]).collect();
    assert!(made["join_token"].is_string() && asked == ["backend.junior"], "{asked:?} of {}", row.plan);
}

#[tokio::test]
async fn what_is_weak_in_a_language_without_a_voice_is_practised_in_writing() {
    let app = TestApp::start("").await;
    app.store.sync_bank(&bank("backend", "uk", &[Level::Junior, Level::Middle])).await.expect("a bank");
    let ada = person(&app, "ada").await;
    weak(&app, &ada).await;
    let ukrainian =
        "with held as (update interview_sessions set language = 'uk' returning id) select count(*) from held";
    assert_eq!(app.count(ukrainian).await, 1);
    let practise = |wish: Value| app.far(Method::POST, "/api/v1/progress/practice", &ada.token).json(&wish).send();
    let made = body(practise(json!({})).await.expect("answered"), 201).await;
    assert_eq!((&made["language"], &made["mode"], &made["room"]), (&json!("uk"), &json!("text"), &json!("text")));
    // Who asks for a voice that is not there is told so.
    let refused = problem(practise(json!({ "mode": "voice" })).await.expect("answered"), 422).await;
    assert_eq!(refused["errors"][0]["field"], "language");
}

#[tokio::test]
async fn every_answer_is_there_again_page_by_page() {
    let app = TestApp::start("").await;
    let (ada, staff) = (person(&app, "ada").await, interviewer(&app, "ivy").await);
    let (first, second) = (weak(&app, &ada).await, weak(&app, &ada).await);
    let mut seen = Vec::new();
    let mut before = String::new();
    loop {
        let page = get(&app, &ada.token, &format!("/progress/answers?limit=3&category=backend{before}")).await;
        for one in page["answers"].as_array().expect("answers") {
            seen.push((one["interview_id"].clone(), one["question_key"].clone()));
            assert_eq!(
                (&one["comment"], &one["expected_answer"]),
                (&json!("Names the point."), &json!("It is safe to repeat."))
            );
        }
        match page["next"].as_str() {
            Some(next) => before = format!("&before={next}"),
            None => break,
        }
    }
    let wanted = |id: SessionId, key: &str| (json!(id), json!(key));
    assert_eq!(
        seen,
        [
            wanted(second, "backend.junior"),
            wanted(second, "backend.middle"),
            wanted(first, "backend.junior"),
            wanted(first, "backend.middle")
        ]
    );
    assert_eq!(get(&app, &ada.token, "/progress/answers?category=data").await["answers"], json!([]));
    let hers = format!("/progress/answers?user={}", ada.id);
    assert_eq!(get(&app, &staff.token, &hers).await["answers"].as_array().map(Vec::len), Some(4));
    assert_eq!(app.count("select count(*) from audit_log where action = 'progress.read'").await, 1);

    // The record itself, by pages too.
    let path = format!("/interviews/{first}/responses");
    let page = get(&app, &ada.token, &format!("{path}?limit=1")).await;
    assert_eq!(
        (&page["responses"][0]["question_key"], &page["next"]),
        (&json!("backend.junior"), &json!("backend.junior"))
    );
    let page = get(&app, &ada.token, &format!("{path}?limit=2&after=backend.junior")).await;
    assert_eq!((page["responses"].as_array().map(Vec::len), &page["next"]), (Some(1), &Value::Null));
    let lines = get(&app, &ada.token, &format!("/interviews/{first}/transcript?limit=1")).await;
    let next = lines["next"].as_str().expect("a full page");
    let rest = get(&app, &ada.token, &format!("/interviews/{first}/transcript?after={next}")).await;
    assert_eq!(rest, json!({ "transcript": [], "next": null }));
    for wrong in ["transcript?limit=0", "artifacts?limit=1001", "responses?limit=x", "transcript?after=x"] {
        let request = app.far(Method::GET, &format!("/api/v1/interviews/{first}/{wrong}"), &ada.token);
        problem(request.send().await.expect("answered"), 422).await;
    }
}

#[tokio::test]
async fn practice_at_the_own_machine_has_progress_without_an_account() {
    let app = TestApp::start("").await;
    let id = held(&app, None).await;
    app.store.save_responses(id, &[answer("backend.junior", 1, Some(1), "wrong")]).await.expect("saved");
    let told = body(app.local(Method::GET, "/api/v1/progress").send().await.expect("answered"), 200).await;
    assert_eq!(told["weak"][0]["question_key"], "backend.junior");
    let request = app.local(Method::POST, "/api/v1/progress/practice").json(&json!({ "questions": 1 }));
    let made = body(request.send().await.expect("answered"), 201).await;
    assert_eq!((&made["category"], &made["level"]), (&json!("backend"), &json!("junior")));
    problem(app.far(Method::GET, "/api/v1/progress", "").send().await.expect("answered"), 401).await;
    let wrong = app.local(Method::POST, "/api/v1/progress/practice").json(&json!({ "questions": 0 }));
    problem(wrong.send().await.expect("answered"), 422).await;
}

#[tokio::test]
async fn statistics_count_what_was_held_and_how_hard_it_proved() {
    let app = TestApp::start("").await;
    let (ada, boss) = (person(&app, "ada").await, admin(&app, "boss").await);
    weak(&app, &ada).await;
    weak(&app, &ada).await;
    app.create().await;
    let all = get(&app, &boss.token, "/statistics").await;
    let interviews = &all["interviews"];
    assert_eq!(
        (&interviews["made"], &interviews["began"], &interviews["completed"]),
        (&json!(3), &json!(2), &json!(2))
    );
    assert_eq!((&interviews["completion_share"], &interviews["failure_share"]), (&json!(1.0), &json!(0.0)));
    assert_eq!(all["scores"]["distribution"], json!([0, 0, 0, 0, 0, 2, 0, 0, 0, 0]));
    assert_eq!((&all["latency"]["replies"], &all["latency"]["p50_ms"]), (&json!(0), &Value::Null));
    assert_eq!(all["days"].as_array().map(Vec::len), Some(1));
    assert_eq!(get(&app, &boss.token, "/statistics?category=data").await["interviews"]["made"], 0);
    let page = get(&app, &boss.token, "/statistics/questions?limit=1").await;
    let junior = &page["questions"][0];
    assert_eq!(
        (&junior["question_key"], &junior["asked"], &junior["scored"]),
        (&json!("backend.junior"), &json!(2), &json!(2))
    );
    assert_eq!((&junior["measured_difficulty"], &junior["standard_error"]), (&json!(0.6), &json!(0.0)));
    let next = page["next"].as_str().expect("a second page");
    let rest = get(&app, &boss.token, &format!("/statistics/questions?after={next}")).await;
    assert_eq!(
        (&rest["questions"][0]["question_key"], &rest["questions"][0]["skipped"]),
        (&json!("backend.middle"), &json!(2))
    );
    problem(app.far(Method::GET, "/api/v1/statistics", &ada.token).send().await.expect("answered"), 403).await;
    for wrong in
        ["?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "?from=2000-01-01T00:00:00Z", "/questions?after=x"]
    {
        let request = app.far(Method::GET, &format!("/api/v1/statistics{wrong}"), &boss.token);
        problem(request.send().await.expect("answered"), 422).await;
    }
}

#[tokio::test]
async fn interviews_are_filtered() {
    let app = TestApp::start("").await;
    let (ada, boss) = (person(&app, "ada").await, admin(&app, "boss").await);
    let over = held(&app, Some(&ada)).await;
    let (open, _) = app.create().await;
    let count = |filter: String, id: SessionId| {
        let (app, boss) = (&app, &boss);
        async move {
            let found = get(app, &boss.token, &format!("/interviews?{filter}")).await;
            let found = found["interviews"].as_array().expect("a list");
            assert_eq!((found.len(), &found[0]["id"]), (1, &json!(id)), "{filter}");
        }
    };
    count("status=completed".to_owned(), over).await;
    count("status=waiting&live=false".to_owned(), open).await;
    count(format!("user={}", ada.id), over).await;
    count("report_state=ready&category=backend&level=junior&purpose=practice&mode=voice".to_owned(), over).await;
    for filter in
        ["live=true", "category=data", "search=nothing", "to=2020-01-01T00:00:00Z", "from=2100-01-01T00:00:00Z"]
    {
        assert_eq!(get(&app, &boss.token, &format!("/interviews?{filter}")).await["interviews"], json!([]), "{filter}");
    }
    let both = get(&app, &boss.token, "/interviews?search=JUNIOR").await;
    assert_eq!(both["interviews"].as_array().map(Vec::len), Some(2));
    // A candidate's filter cannot reach beyond the own ones.
    let own = get(&app, &ada.token, &format!("/interviews?user={}&status=waiting", boss.id)).await;
    assert_eq!(own["interviews"], json!([]));
    problem(app.far(Method::GET, "/api/v1/interviews?status=sung", &ada.token).send().await.expect("answered"), 422)
        .await;
}
