//! Interviews by parameters: from the profile, by technologies, and with questions that a model drafts where the bank has
//! none: held to the bank's rules, kept with their interview, and of the bank once an admin has accepted them.

use crate::support::app::{TestApp, body, problem};
use crate::support::people;
use crate::support::written::Written;
use futures::future::{BoxFuture, ready};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Mutex;
use tokio::sync::mpsc;
use vivavoce::interview::bank::shipped;
use vivavoce::interview::question::{Bank, Level, Question};
use vivavoce::llm::{CompletionRequest, JsonRequest, LanguageModel, LlmError, LlmEvent};
use vivavoce::session::booking::{Booked, InterviewWish, Reserved, book};
use vivavoce::store::{Mode, Purpose, RoomKind};

/// A model that writes what it was given to write.
struct Writer {
    answer: Value,
    asked: Mutex<Vec<JsonRequest>>,
}

impl Writer {
    fn of(questions: &[Value]) -> Self {
        Self { answer: json!({ "questions": questions }), asked: Mutex::default() }
    }
}

impl LanguageModel for Writer {
    fn complete(&self, _: CompletionRequest) -> mpsc::Receiver<LlmEvent> {
        unreachable!("drafts are asked for as JSON")
    }

    fn complete_json(&self, request: JsonRequest) -> BoxFuture<'static, Result<Value, LlmError>> {
        self.asked.lock().expect("not poisoned").push(request);
        Box::pin(ready(Ok(self.answer.clone())))
    }

    fn name(&self) -> String {
        "writer".into()
    }
}

/// A question as a model writes it.
fn draft(question: &Question) -> Value {
    let place = |id: &str| question.key_points.iter().position(|point| point.id == id).expect("tied") + 1;
    let probes = question.probes.iter();
    let probes = probes.map(|p| json!({ "key_point": place(&p.key_point), "kind": p.kind, "text": p.text }));
    let points = question.key_points.iter().map(|point| {
        json!({ "statement": point.statement, "must": point.must, "paraphrases": point.paraphrases, "terms": point.terms })
    });
    json!({
        "prompt": question.prompt,
        "rephrased": question.rephrased,
        "reference_answer": question.reference_answer,
        "kind": "explain",
        "competency": "apis",
        "difficulty": 3,
        "key_points": points.collect::<Vec<_>>(),
        "misconceptions": [],
        "probes": probes.collect::<Vec<_>>(),
        "anchors": question.anchors,
    })
}

fn bank_of(slug: &str) -> Bank {
    let mut banks = shipped().expect("banks").into_iter();
    banks.find(|bank| bank.category.slug == slug && bank.category.language == "en").expect("shipped")
}

async fn wish(app: &TestApp, tech_stack: &[&str]) -> InterviewWish {
    let categories = app.store.categories().await.expect("read");
    let category = categories.into_iter().find(|row| row.slug == "backend" && row.language == "en").expect("there");
    InterviewWish {
        user_id: None,
        category,
        level: Level::Middle,
        title: "t".into(),
        job_position: "j".into(),
        tech_stack: tech_stack.iter().map(|name| (*name).to_owned()).collect(),
        candidate_name: None,
        questions: 4,
        minutes: None,
        mode: Mode::Text,
        purpose: Purpose::Practice,
        room: RoomKind::Text,
        patience: 1.0,
        adaptive: true,
        turn_profile: None,
        expires_at: crate::support::app::now() + chrono::Duration::hours(1),
    }
}

fn questions_of(booked: &Booked) -> Vec<Question> {
    serde_json::from_value(booked.row.plan["questions"].clone()).expect("questions")
}

#[tokio::test]
async fn drafts_that_hold_to_the_rules_are_asked_and_others_are_dropped() {
    let app = TestApp::start("").await;
    let backend = bank_of("backend");
    app.store.sync_bank(&backend).await.expect("stored");
    let mut backend = backend;
    backend.category.competencies.truncate(1);
    let competency = backend.category.competencies[0].slug.clone();
    let other = bank_of("devops").at(Level::Middle).find(|q| q.code.is_none()).expect("one").clone();
    let mut good = draft(&other);
    good["competency"] = json!(competency);
    let mut known = draft(backend.at(Level::Middle).find(|question| question.code.is_none()).expect("one"));
    known["competency"] = json!(competency);
    let mut unspeakable = good.clone();
    unspeakable["prompt"] = json!("What is 3 * O(n^2)?");
    let writer = Writer::of(&[known, unspeakable, good]);

    let booked =
        book(&app.store, Some(&writer), Reserved::create(), wish(&app, &["Zookeeper", "Kafka", "Nomad"]).await)
            .await
            .expect("booked");
    let request = writer.asked.lock().expect("asked")[0].clone();
    assert!(request.user.contains("Zookeeper"), "{}", request.user);
    let drafted: Vec<Question> =
        questions_of(&booked).into_iter().filter(|question| question.key.contains(".drafted-")).collect();
    assert_eq!(drafted.len(), 1, "{:?}", booked.notes);
    assert_eq!(drafted[0].prompt, other.prompt);
    assert!(
        booked.notes[0].contains("Zookeeper") && booked.notes[0].contains("1 of its questions"),
        "{:?}",
        booked.notes
    );
    let before = app.store.bank("backend", "en").await.expect("read").questions.len();
    assert_eq!(before, bank_of("backend").questions.len(), "a draft is of no bank until somebody accepts it");

    // An admin looks at it.
    let candidate = people::person(&app, "ada").await;
    let path = "/api/v1/questions/drafts";
    problem(app.far(Method::GET, path, &candidate.token).send().await.expect("answered"), 403).await;
    let admin = people::admin(&app, "grace").await;
    let listed = body(app.far(Method::GET, path, &admin.token).send().await.expect("answered"), 200).await;
    let id = listed["drafts"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(listed["drafts"][0]["question_text"], other.prompt.as_str());
    let review =
        |accept: bool| app.far(Method::POST, &format!("{path}/{id}"), &admin.token).json(&json!({ "accept": accept }));
    assert_eq!(review(true).send().await.expect("answered").status(), 204);
    problem(review(false).send().await.expect("answered"), 409).await;
    assert_eq!(app.store.bank("backend", "en").await.expect("read").questions.len(), before + 1);
    // What the file states does not withdraw it, at the next start.
    app.store.sync_bank(&bank_of("backend")).await.expect("stored");
    assert_eq!(app.store.bank("backend", "en").await.expect("read").questions.len(), before + 1);
}

#[tokio::test]
async fn without_a_model_that_can_write_the_bank_is_asked_and_it_is_told() {
    let app = TestApp::start("").await;
    app.store.sync_bank(&bank_of("backend")).await.expect("stored");
    let booked = book(&app.store, None, Reserved::create(), wish(&app, &["Zookeeper"]).await).await.expect("booked");
    assert_eq!(booked.notes.len(), 1);
    assert!(booked.notes[0].contains("no question on Zookeeper") && booked.notes[0].contains("llm_generation"));
    let strange = Writer { answer: json!({ "questions": "none" }), asked: Mutex::default() };
    let booked = book(&app.store, Some(&strange), Reserved::create(), wish(&app, &["Zookeeper"]).await)
        .await
        .expect("booked all the same");
    assert!(booked.notes[0].contains("could not write"), "{:?}", booked.notes);
}

#[tokio::test]
async fn what_is_not_given_comes_from_the_confirmed_profile() {
    let app = TestApp::start("").await;
    let ada = people::person(&app, "ada").await;
    let wish = json!({ "category": "backend", "from_profile": true, "mode": "text" });
    let post = || app.far(Method::POST, "/api/v1/interviews", &ada.token).json(&wish);
    let refused = problem(post().send().await.expect("answered"), 422).await;
    assert_eq!(refused["errors"][0]["field"], "from_profile", "{refused}");
    let cv = "Ada Lovelace\nBack-end Engineer\nExperience\nBack-end Engineer, Analytical Ltd, Jan 2019 - Present\nSkills\nRust, PostgreSQL\n";
    let upload =
        app.far(Method::POST, "/api/v1/profiles/me/cv", &ada.token).header("content-type", "text/plain").body(cv);
    assert!(upload.send().await.expect("answered").status().is_success());
    problem(post().send().await.expect("answered"), 422).await;
    let confirmed =
        json!({ "job_position": "Engineer of engines", "experience_level": "junior", "tech_stack": ["Rust"] });
    let confirm = app.far(Method::PUT, "/api/v1/profiles/me", &ada.token).json(&confirmed);
    assert!(confirm.send().await.expect("answered").status().is_success());
    let made = body(post().send().await.expect("answered"), 201).await;
    assert_eq!((&made["level"], &made["job_position"]), (&json!("junior"), &json!("Engineer of engines")));
    assert_eq!(made["tech_stack"], json!(["Rust"]));
    let nothing = json!({ "category": "backend", "mode": "text" });
    let level = app.local(Method::POST, "/api/v1/interviews").json(&nothing).send().await.expect("answered");
    assert_eq!(problem(level, 422).await["errors"][0]["field"], "level");
}

#[tokio::test]
async fn versions_of_code_are_fetched_and_compared() {
    let app = TestApp::start("").await;
    let wish = json!({ "category": "algorithms", "level": "junior", "questions": 12 });
    let (interview, begun) = Written::begun(&app, wish).await;
    let state = interview.skipped_to_code(begun["state"].clone()).await;
    for (content, submitted) in [("a = 1\nb = 2\n", false), ("a = 1\nb = 3\n", true)] {
        let code = json!({ "question_id": state["question"]["id"], "language": "python", "content": content,
            "submitted": submitted });
        body(interview.send(Method::PUT, "/code", code).await, 200).await;
    }
    let base = format!("/api/v1/interviews/{}/artifacts", interview.id);
    let get = |path: String| app.far(Method::GET, &path, &interview.token).send();
    let listed = body(get(base.clone()).await.expect("answered"), 200).await;
    assert_eq!(listed["artifacts"].as_array().map(Vec::len), Some(2));
    assert!(listed["analysis_note"].as_str().is_some_and(|note| note.contains("llm_generation")), "{listed}");
    let second = body(get(format!("{base}/2")).await.expect("answered"), 200).await;
    assert_eq!((&second["submitted"], &second["ai_analysis"]), (&json!(true), &Value::Null));
    let diff = body(get(format!("{base}/2/diff?from=1")).await.expect("answered"), 200).await;
    assert_eq!((&diff["lines_added"], &diff["lines_removed"]), (&json!(1), &json!(1)));
    assert!(diff["diff"].as_str().is_some_and(|text| text.contains("-b = 2\n+b = 3\n")), "{diff}");
    let whole = body(get(format!("{base}/2/diff")).await.expect("answered"), 200).await;
    assert_eq!(whole["lines_added"], 2);
    problem(get(format!("{base}/9")).await.expect("answered"), 404).await;
    problem(get(format!("{base}/2/diff?from=9")).await.expect("answered"), 404).await;
}
