//! The question bank over REST: found, written, changed, withdrawn, taken in and handed out, on a real Postgres.

use crate::support::app::{TestApp, bank, body, problem};
use crate::support::people::{Someone, admin, interviewer, person};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use vivavoce::interview::question::Level;
use vivavoce::jobs::evaluate::Scoring;
use vivavoce::llm::scripted::ScriptedLlm;
use vivavoce::scoring::local::LocalGrader;
use vivavoce::scoring::model::ModelGrader;
use vivavoce::scoring::rubric::Rubric;

async fn send(app: &TestApp, who: &Someone, method: Method, path: &str, content: Option<&Value>) -> Response {
    let request = app.far(method, &format!("/api/v1{path}"), &who.token);
    let request = match content {
        Some(content) => request.json(content),
        None => request,
    };
    request.send().await.expect("answered")
}

async fn get(app: &TestApp, who: &Someone, path: &str) -> Value {
    body(send(app, who, Method::GET, path, None).await, 200).await
}

/// The least that a question says.
fn draft(key: &str) -> Value {
    json!({
        "key": key, "competency": "http", "level": "middle", "kind": "explain",
        "prompt": format!("Why does {} matter to a client that retries?", key.replace(['.', '-'], " ")),
        "reference_answer": "Retries multiply the load on a failing server. The budget limits retries to a share of all requests; without one, clients keep the server down.",
    })
}

async fn category(app: &TestApp) -> Value {
    let listed = body(app.local(Method::GET, "/api/v1/categories").send().await.expect("answered"), 200).await;
    listed["categories"][0].clone()
}

fn keys(list: &Value) -> Vec<&str> {
    list["questions"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["question"]["key"].as_str().expect("key"))
        .collect()
}

#[tokio::test]
async fn key_points_by_the_scoring_model_are_kept_where_they_hold_to_be_edited() {
    let point = |quote: &str, statement: &str, weight: u8| json!({ "quote": quote, "statement": statement, "weight": weight, "must": true, "paraphrases": ["it hammers a dying server"] });
    let broken_up = json!({ "key_points": [
        point("Retries multiply the load on a failing server", "Retries multiply the load on a failing server", 3),
        point("The budget limits retries to a share of all requests", "A budget limits retries to a share of requests", 2),
        point("circuit breakers open", "Circuit breakers open", 1),
    ] });
    let rubric = Rubric::shipped().expect("a rubric");
    let local = Arc::new(LocalGrader::new(rubric.clone(), None));
    let model = Arc::new(ScriptedLlm::saying(&broken_up.to_string(), Duration::ZERO, Duration::ZERO));
    let grader = ModelGrader::new(model.clone(), local, rubric.clone(), tokio::runtime::Handle::current());
    let app = TestApp::start_scored("", Scoring { rubric: Arc::new(rubric), grader: Arc::new(grader) }).await;
    let boss = admin(&app, "boss").await;
    let wanted = json!({ "category": category(&app).await["id"], "question": draft("backend.budget") });
    let made = body(send(&app, &boss, Method::POST, "/questions", Some(&wanted)).await, 201).await;
    let points = made["question"]["key_points"].as_array().expect("points");
    let told: Vec<(&Value, &Value)> = points.iter().map(|point| (&point["statement"], &point["weight"])).collect();
    let held = [
        ("Retries multiply the load on a failing server", 3.0),
        ("A budget limits retries to a share of requests", 2.0),
    ];
    assert_eq!(
        told,
        held.map(|(said, weight)| (json!(said), json!(weight))).each_ref().map(|(said, weight)| (said, weight))
    );
    assert_eq!(
        (&points[0]["paraphrases"][0], &made["key_points_derived"]),
        (&json!("it hammers a dying server"), &json!(true))
    );
    assert_eq!(model.asked().len(), 1);
}

#[tokio::test]
async fn an_expected_answer_is_enough_and_a_change_is_a_new_version() {
    let app = TestApp::start("").await;
    let boss = admin(&app, "boss").await;
    let home = category(&app).await["id"].clone();
    let wanted = json!({ "category": home, "question": draft("backend.budget") });
    let made = body(send(&app, &boss, Method::POST, "/questions", Some(&wanted)).await, 201).await;
    let points = made["question"]["key_points"].as_array().expect("points");
    assert_eq!(points[0]["statement"], "Retries multiply the load on a failing server", "{made}");
    assert_eq!((points.len(), &made["key_points_derived"], &made["version"]), (3, &json!(true), &json!(1)));
    assert!(made["advice"].as_array().is_some_and(|advice| advice.iter().any(|one| one == "has too few probes")));
    problem(send(&app, &boss, Method::POST, "/questions", Some(&wanted)).await, 409).await;

    // Somebody edits a key point: a new version with an id of its own; the old one stays and is edited no more.
    let first = format!("/questions/{}", made["id"].as_str().expect("id"));
    let mut said = made["question"].clone();
    said["key_points"][0]["id"] = json!("load");
    let changed = body(send(&app, &boss, Method::PUT, &first, Some(&said)).await, 200).await;
    assert_eq!((&changed["version"], &changed["key_points_derived"]), (&json!(2), &json!(false)));
    assert_ne!(changed["id"], made["id"]);
    problem(send(&app, &boss, Method::PUT, &first, Some(&said)).await, 409).await;
    let second = format!("/questions/{}", changed["id"].as_str().expect("id"));
    let same = body(send(&app, &boss, Method::PUT, &second, Some(&said)).await, 200).await;
    assert_eq!(same["id"], changed["id"], "the same words are no new version");
    let old = get(&app, &boss, &first).await;
    assert_eq!((&old["current"], &old["question"]), (&json!(false), &made["question"]));
    let versions = get(&app, &boss, &format!("{first}/versions?limit=1")).await;
    assert_eq!((&versions["versions"][0]["version"], &versions["next"]), (&json!(2), &json!(2)));
    let versions = get(&app, &boss, &format!("{first}/versions?before=2")).await;
    assert_eq!((&versions["versions"][0]["version"], &versions["next"]), (&json!(1), &Value::Null));

    // Withdrawn, found among the withdrawn, and put in force again in its first version.
    assert_eq!(send(&app, &boss, Method::DELETE, &second, None).await.status(), 204);
    problem(send(&app, &boss, Method::DELETE, &second, None).await, 409).await;
    assert_eq!(keys(&get(&app, &boss, "/questions?withdrawn=true").await), ["backend.budget"]);
    let back = body(send(&app, &boss, Method::POST, &format!("{first}/restore"), None).await, 200).await;
    assert_eq!((&back["version"], &back["current"]), (&json!(1), &json!(true)));
    assert_eq!(keys(&get(&app, &boss, "/questions?withdrawn=true").await), [""; 0]);
    assert_eq!(app.store.bank("backend", "en").await.expect("a bank").questions.len(), 3, "asked again");
    let audit = get(&app, &boss, "/audit-log?limit=100").await.to_string();
    for action in ["question.create", "question.change", "question.withdraw", "question.restore"] {
        assert!(audit.contains(action), "{action}");
    }
}

#[tokio::test]
async fn what_people_changed_is_not_undone_by_the_shipped_files() {
    let app = TestApp::start("").await;
    let boss = admin(&app, "boss").await;
    let home = category(&app).await["id"].as_str().expect("id").to_owned();
    let listed = get(&app, &boss, "/questions").await;
    assert_eq!(keys(&listed), ["backend.junior", "backend.middle"]);
    let path = |at: usize| format!("/questions/{}", listed["questions"][at]["id"].as_str().expect("id"));
    let mut said = listed["questions"][0]["question"].clone();
    said["prompt"] = json!("What is a safe repeat?");
    body(send(&app, &boss, Method::PUT, &path(0), Some(&said)).await, 200).await;
    assert_eq!(send(&app, &boss, Method::DELETE, &path(1), None).await.status(), 204);
    let wanted = json!({ "category": home, "question": draft("backend.budget") });
    body(send(&app, &boss, Method::POST, "/questions", Some(&wanted)).await, 201).await;
    let named = json!({ "name": "Servers", "competencies": [{ "slug": "http", "name": "HTTP", "weight": 2.0 }] });
    let path = format!("/categories/{home}");
    body(send(&app, &boss, Method::PATCH, &path, Some(&named)).await, 200).await;

    app.store.sync_bank(&bank("backend", "en", &[Level::Junior, Level::Middle, Level::Senior])).await.expect("stored");
    let now = app.store.bank("backend", "en").await.expect("a bank");
    let mut asked: Vec<&str> = now.questions.iter().map(|question| question.prompt.as_str()).collect();
    asked.sort_unstable();
    // The senior one is new in the file, and what it says is what the file says.
    assert_eq!(
        asked,
        [
            "What does idempotent mean?",
            "What is a safe repeat?",
            "Why does backend budget matter to a client that retries?"
        ]
    );
    assert_eq!((now.category.name.as_str(), now.category.competencies[0].weight), ("Servers", 2.0));

    // The category is offered no more, then again.
    assert_eq!(send(&app, &boss, Method::DELETE, &path, None).await.status(), 204);
    assert_eq!(category(&app).await, Value::Null);
    assert_eq!(get(&app, &boss, "/categories?all=true").await["categories"][0]["id"], json!(home));
    body(send(&app, &boss, Method::PATCH, &path, Some(&json!({ "withdrawn": false }))).await, 200).await;
    assert_eq!(category(&app).await["name"], "Servers");
}

#[tokio::test]
async fn the_bank_is_searched_filtered_paged_and_changed_in_bulk() {
    let app = TestApp::start("").await;
    let boss = admin(&app, "boss").await;
    let home = category(&app).await["id"].as_str().expect("id").to_owned();
    let names: Vec<String> = (0..7).map(|n| format!("backend.budget-{n}")).collect();
    let file = json!({ "questions": names.iter().map(|name| draft(name)).collect::<Vec<_>>() });
    let path = format!("/categories/{home}/questions");
    let tried = body(send(&app, &boss, Method::POST, &format!("{path}?dry_run=true"), Some(&file)).await, 200).await;
    assert_eq!((tried["created"].as_array().map(Vec::len), &tried["dry_run"]), (Some(7), &json!(true)));
    assert_eq!(keys(&get(&app, &boss, "/questions?search=BUDGET").await), [""; 0]);
    body(send(&app, &boss, Method::POST, &path, Some(&file)).await, 200).await;

    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let page = get(&app, &boss, &format!("/questions?search=Budget&limit=3{after}")).await;
        seen.extend(keys(&page).into_iter().map(str::to_owned));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, names);
    for (filter, count) in [
        ("level=middle", 8),
        ("kind=explain", 7),
        ("anchor=true", 0),
        ("competency=http&language=en", 9),
        ("competency=%25", 0),
        ("search=down", 7),
    ] {
        let page = get(&app, &boss, &format!("/questions?category={home}&limit=100&{filter}")).await;
        assert_eq!(keys(&page).len(), count, "{filter}");
    }

    let page = get(&app, &boss, "/questions?search=budget").await;
    let ids: Vec<Value> = page["questions"].as_array().expect("a list").iter().map(|one| one["id"].clone()).collect();
    let raised = json!({ "ids": ids[..3], "level": "senior", "anchor": true });
    let changed = body(send(&app, &boss, Method::POST, "/questions/bulk", Some(&raised)).await, 200).await;
    assert!(changed["questions"].as_array().is_some_and(|all| all.iter().all(|one| one["version"] == 2)));
    assert_eq!(keys(&get(&app, &boss, "/questions?level=senior&anchor=true").await).len(), 3);
    // One of these is no longer what is asked: nothing of it happens.
    let gone = json!({ "ids": [ids[3], ids[0]], "withdrawn": true });
    problem(send(&app, &boss, Method::POST, "/questions/bulk", Some(&gone)).await, 409).await;
    assert_eq!(keys(&get(&app, &boss, "/questions?search=budget").await).len(), 7);
    for wrong in [
        json!({ "ids": [], "withdrawn": true }),
        json!({ "ids": ids[3..] }),
        json!({ "ids": ids[3..], "withdrawn": true, "anchor": true }),
        json!({ "ids": [ids[4], ids[4]], "anchor": true }),
        json!({ "ids": ids[3..], "difficulty": 9 }),
        json!({ "ids": ids[3..], "competency": "singing" }),
    ] {
        problem(send(&app, &boss, Method::POST, "/questions/bulk", Some(&wrong)).await, 422).await;
    }
}

#[tokio::test]
async fn what_is_handed_out_is_taken_in_again() {
    let app = TestApp::start("").await;
    for bank in &vivavoce::interview::bank::shipped().expect("banks")[2..4] {
        app.store.sync_bank(bank).await.expect("stored");
    }
    let boss = admin(&app, "boss").await;
    let listed = get(&app, &boss, "/categories").await;
    for one in &listed["categories"].as_array().expect("a list")[1..] {
        let path = format!("/api/v1/categories/{}/questions", one["id"].as_str().expect("id"));
        for (form, kind) in [("json", "application/json"), ("csv", "text/csv")] {
            let request = app.far(Method::GET, &format!("{path}?format={form}"), &boss.token);
            let answer = request.send().await.expect("answered");
            assert!(answer.headers()["content-type"].to_str().is_ok_and(|given| given.starts_with(kind)));
            let text = answer.text().await.expect("a file");
            let take = |text: String| {
                let request = app.far(Method::POST, &path, &boss.token).header("content-type", kind).body(text);
                async { body(request.send().await.expect("answered"), 200).await }
            };
            let taken = take(text.clone()).await;
            assert_eq!((&taken["created"], &taken["changed"]), (&json!([]), &json!([])), "{form}");
            assert!(taken["unchanged"].as_array().is_some_and(|all| all.len() >= 12), "{taken}");
        }
    }
    let path = format!("/api/v1/categories/{}/questions", listed["categories"][0]["id"].as_str().expect("id"));
    let table = "key,competency,level,kind,prompt,reference_answer\n\
        backend.why,http,junior,factual,\"Why, then?\",It saves a round trip.\nbackend.how,http,junior,sung,How?,It answers at once.\n";
    let post =
        |text: String| app.far(Method::POST, &path, &boss.token).header("content-type", "text/csv").body(text).send();
    let said = problem(post(table.to_owned()).await.expect("answered"), 422).await;
    assert!(said["detail"].as_str().is_some_and(|text| text.contains("row 3")), "{said}");
    let taken = body(post(table.replace("sung", "factual")).await.expect("answered"), 200).await;
    assert_eq!(taken["created"], json!(["backend.why", "backend.how"]));
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_and_who_may_not_is_told() {
    let app = TestApp::start("").await;
    let (boss, staff, ada) = (admin(&app, "boss").await, interviewer(&app, "ivy").await, person(&app, "ada").await);
    let home = category(&app).await["id"].clone();
    for (field, value, said) in [
        ("key", json!("frontend.x"), "key"),
        ("key", json!("backend.X"), "key"),
        ("competency", json!("singing"), "does not exist"),
        ("difficulty", json!(0), "difficulty"),
        ("time_box_s", json!(3), "time box"),
        ("prompt", json!(" "), "prompt"),
        ("reference_answer", json!(""), "reference answer"),
        ("prompt", json!("a\u{0}b"), "prompt"),
        ("code", json!({ "language": "rust", "starter": "" }), "code"),
        ("probes", json!([{ "key_point": "nothing", "kind": "depth", "text": "Why?" }]), "no key point"),
    ] {
        let mut question = draft("backend.budget");
        question[field] = value;
        let wanted = json!({ "category": home, "question": question });
        let refused = problem(send(&app, &boss, Method::POST, "/questions", Some(&wanted)).await, 422).await;
        assert!(refused["detail"].as_str().is_some_and(|text| text.contains(said)), "{said}: {refused}");
    }
    let new = json!({
        "slug": "security", "name": "Security", "description": "Threats.", "language": "en", "system_prompt": "Be kind.",
        "job_positions": ["Security engineer"], "competencies": [{ "slug": "threats", "name": "Threats", "weight": 1.0 }],
    });
    let made = body(send(&app, &boss, Method::POST, "/categories", Some(&new)).await, 201).await;
    problem(send(&app, &boss, Method::POST, "/categories", Some(&new)).await, 409).await;
    let wanted = json!({ "category": made["id"], "question": draft("backend.budget") });
    problem(send(&app, &staff, Method::POST, "/questions", Some(&wanted)).await, 403).await;
    problem(send(&app, &staff, Method::POST, "/categories", Some(&new)).await, 403).await;
    problem(send(&app, &ada, Method::GET, "/questions", None).await, 403).await;
    problem(send(&app, &ada, Method::GET, "/categories?all=true", None).await, 403).await;
    problem(app.far(Method::GET, "/api/v1/questions", "").send().await.expect("answered"), 401).await;
    let path = format!("/categories/{}", home.as_str().expect("id"));
    let gone = json!({ "competencies": [{ "slug": "other", "name": "Other", "weight": 1.0 }] });
    let refused = problem(send(&app, &boss, Method::PATCH, &path, Some(&gone)).await, 422).await;
    assert!(refused["detail"].as_str().is_some_and(|text| text.contains("change the question first")), "{refused}");
    assert_eq!(get(&app, &staff, &path).await["system_prompt"], "Never shown.");
}
