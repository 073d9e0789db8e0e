//! Profiles over REST: a CV is read by the limited child, proposed with its places, corrected and confirmed by the person.

use crate::support::app::{TestApp, body, problem};
use crate::support::people::{Someone, interviewer, person};
use lopdf::content::{Content, Operation};
use lopdf::{Document, EncryptionState, EncryptionVersion, Object, Permissions, Stream, dictionary};
use reqwest::Method;
use serde_json::{Value, json};
use vivavoce::profile::pdf::{PdfError, PdfReader};

const CV: &[&[&str]] = &[
    &[
        "Ada Lovelace",
        "Back-end Engineer",
        "ada@example.org",
        "Experience",
        "Back-end Engineer, Acme, Jan 2024 - Present",
    ],
    &["Skills", "Rust, PostgreSQL"],
];

/// A PDF with these lines on its pages.
fn document(pages: &[&[&str]]) -> Document {
    let mut document = Document::with_version("1.5");
    let parent = document.new_object_id();
    let font = document.add_object(dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica" });
    let resources = document.add_object(dictionary! { "Font" => dictionary! { "F1" => font } });
    let kids: Vec<Object> = pages
        .iter()
        .map(|lines| {
            let mut operations = vec![
                Operation::new("BT", vec![]),
                Operation::new("Tf", vec!["F1".into(), 12.into()]),
                Operation::new("TL", vec![14.into()]),
                Operation::new("Td", vec![50.into(), 750.into()]),
            ];
            for line in *lines {
                operations.push(Operation::new("Tj", vec![Object::string_literal(*line)]));
                operations.push(Operation::new("T*", vec![]));
            }
            operations.push(Operation::new("ET", vec![]));
            let content = Content { operations }.encode().expect("encoded");
            let content = document.add_object(Stream::new(dictionary! {}, content));
            let page = dictionary! { "Type" => "Page", "Parent" => parent, "Contents" => content };
            document.add_object(page).into()
        })
        .collect();
    let count = i64::try_from(kids.len()).expect("few");
    let pages = dictionary! {
        "Type" => "Pages", "Kids" => kids, "Count" => count, "Resources" => resources,
        "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()],
    };
    document.objects.insert(parent, Object::Dictionary(pages));
    let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => parent });
    document.trailer.set("Root", catalog);
    document
        .trailer
        .set("ID", vec![Object::string_literal("0123456789abcdef"), Object::string_literal("0123456789abcdef")]);
    document
}

fn saved(mut document: Document) -> Vec<u8> {
    let mut file = Vec::new();
    document.save_to(&mut file).expect("saved");
    file
}

fn encrypted() -> Vec<u8> {
    let mut document = document(CV);
    let version = EncryptionVersion::V2 {
        document: &document,
        owner_password: "owner",
        user_password: "user",
        key_length: 128,
        permissions: Permissions::all(),
    };
    let state = EncryptionState::try_from(version).expect("a key");
    document.encrypt(&state).expect("encrypted");
    saved(document)
}

async fn upload(app: &TestApp, ada: &Someone, kind: &str, file: Vec<u8>) -> reqwest::Response {
    let request = app.far(Method::POST, "/api/v1/profiles/me/cv", &ada.token).header("content-type", kind).body(file);
    request.send().await.expect("answered")
}

#[tokio::test]
async fn a_cv_is_proposed_with_its_places_corrected_and_confirmed() {
    let app = TestApp::start("").await;
    let (ada, grace, eve) = (person(&app, "ada").await, interviewer(&app, "grace").await, person(&app, "eve").await);
    let path = "/api/v1/profiles/me";
    let get = |path: String, token: &str| app.far(Method::GET, &path, token).send();
    problem(get(path.to_owned(), &ada.token).await.expect("answered"), 404).await;
    let read = body(upload(&app, &ada, "application/pdf", saved(document(CV))).await, 200).await;
    assert_eq!((&read["confirmed_at"], &read["job_position"]), (&Value::Null, &json!("")));
    let draft = &read["draft"];
    assert_eq!(
        (&draft["job_position"], &draft["tech_stack"]),
        (&json!("Back-end Engineer"), &json!(["Rust", "PostgreSQL"]))
    );
    assert_eq!(draft["resume"]["basics"]["name"], "Ada Lovelace");
    assert_eq!(draft["provenance"]["tech_stack[0]"], json!({ "page": 2, "line": 2, "quote": "Rust, PostgreSQL" }));

    let mut resume = draft["resume"].clone();
    resume["basics"]["name"] = "Augusta Ada King".into();
    let confirm = |profile: Value| app.far(Method::PUT, path, &ada.token).json(&profile).send();
    let profile = json!({
        "job_position": "Back-end Engineer", "experience_level": "senior", "tech_stack": ["Rust", "PostgreSQL", "Nix"],
        "resume": resume,
    });
    let kept = body(confirm(profile).await.expect("answered"), 200).await;
    assert!(kept["confirmed_at"].is_string() && kept["draft"].is_null());
    assert_eq!(
        (&kept["experience_level"], &kept["resume"]["basics"]["name"]),
        (&json!("senior"), &json!("Augusta Ada King"))
    );
    let places = &kept["provenance"];
    assert_eq!((&places["basics.name"], &places["tech_stack[2]"]), (&json!("person"), &json!("person")));
    assert_eq!(places["experience_level"], "person", "{places}");
    assert_eq!((&places["work[0].position"]["page"], &places["tech_stack[1]"]["page"]), (&json!(1), &json!(2)));

    // A second CV waits beside what was confirmed.
    let again = upload(&app, &ada, "text/plain; charset=utf-8", b"Skills\nKotlin".to_vec()).await;
    let again = body(again, 200).await;
    assert_eq!((&again["tech_stack"][0], &again["draft"]["tech_stack"]), (&json!("Rust"), &json!(["Kotlin"])));
    // An interviewer reads it, which is noted; another candidate finds nothing.
    let own = format!("/api/v1/profiles/{}", ada.id);
    body(get(own.clone(), &grace.token).await.expect("answered"), 200).await;
    body(get(own.clone(), &ada.token).await.expect("answered"), 200).await;
    problem(get(own, &eve.token).await.expect("answered"), 404).await;
    problem(get("/api/v1/profiles/x".to_owned(), &ada.token).await.expect("answered"), 404).await;
    assert_eq!(app.count("select count(*) from audit_log where action = 'profile.read'").await, 1);
    assert_eq!(app.far(Method::DELETE, path, &ada.token).send().await.expect("answered").status(), 204);
    problem(get(path.to_owned(), &ada.token).await.expect("answered"), 404).await;
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_told_why() {
    let app = TestApp::start("[profile]\ncv_bytes_max = 200000").await;
    let ada = person(&app, "ada").await;
    let scanned = saved(document(&[&[], &[]]));
    let mut cut = saved(document(CV));
    cut.truncate(80);
    for (file, word) in [
        (b"no pdf at all".to_vec(), "not a PDF"),
        (b"%PDF-1.7\n\0\0garbage".to_vec(), "damaged"),
        (cut, "damaged"),
        (encrypted(), "protected"),
        (scanned, "scanned"),
        (Vec::new(), "empty"),
    ] {
        let told = problem(upload(&app, &ada, "application/pdf", file).await, 422).await;
        assert!(told["detail"].as_str().is_some_and(|text| text.contains(word)), "{word}: {told}");
        assert_eq!(told["errors"][0]["field"], "cv");
    }
    problem(upload(&app, &ada, "text/plain", vec![0xff, 0xfe]).await, 422).await;
    problem(upload(&app, &ada, "image/png", vec![1]).await, 415).await;
    problem(upload(&app, &ada, "application/pdf", vec![b'x'; 200_001]).await, 413).await;
    problem(app.local(Method::POST, "/api/v1/profiles/me/cv").send().await.expect("answered"), 401).await;
    let (_, join) = app.create().await;
    problem(app.far(Method::POST, "/api/v1/profiles/me/cv", &join).send().await.expect("answered"), 403).await;
}

#[tokio::test]
async fn what_is_confirmed_stays_within_limits() {
    let app = TestApp::start("").await;
    let ada = person(&app, "ada").await;
    let mut deep = json!("x");
    for _ in 0..10 {
        deep = json!([deep]);
    }
    for bad in [
        json!({}),
        json!({ "job_position": "x".repeat(101) }),
        json!({ "job_position": "x", "experience_level": "wizard" }),
        json!({ "job_position": "x", "tech_stack": vec!["x"; 31] }),
        json!({ "job_position": "x", "tech_stack": ["a\nb"] }),
        json!({ "job_position": "x", "resume": [] }),
        json!({ "job_position": "x", "resume": { "work": deep } }),
        json!({ "job_position": "x", "resume": { "work": vec![1; 1_001] } }),
        json!({ "job_position": "x", "resume": { "basics": { "summary": "x".repeat(5_001) } } }),
        json!({ "job_position": "x", "provenance": {} }),
    ] {
        let request = app.far(Method::PUT, "/api/v1/profiles/me", &ada.token).json(&bad);
        problem(request.send().await.expect("answered"), 422).await;
    }
    let plain = json!({ "job_position": " Analyst\u{0020}", "resume": { "note": "a\u{0}b" } });
    let kept = app.far(Method::PUT, "/api/v1/profiles/me", &ada.token).json(&plain).send().await.expect("answered");
    assert_eq!(body(kept, 200).await["job_position"], "Analyst");
}

#[tokio::test]
async fn the_child_lives_within_its_limits_and_sees_nothing_of_ours() {
    let reader = PdfReader::new(env!("CARGO_BIN_EXE_vivavoce").into(), 1);
    let lines: Vec<&str> = vec!["A line of words that is said again and again and again and again."; 60];
    let many: Vec<&[&str]> = vec![&lines; 800];
    // More text than any CV: the child is stopped at two megabytes of it.
    assert_eq!(reader.text(&saved(document(&many))).await, Err(PdfError::TooComplex));
    let few = reader.text(&saved(document(&many[..2]))).await.expect("read");
    assert_eq!(few.matches('\u{c}').count(), 2);
    let missing = PdfReader::new("/nowhere/vivavoce".into(), 1);
    assert_eq!(missing.text(&saved(document(CV))).await, Err(PdfError::Broken));
}

/// The child as it runs where no `pdftotext` is installed: its exit code and what it read.
fn read_by_library(file: &[u8]) -> (Option<i32>, String) {
    use std::io::Write as _;
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_vivavoce"))
        .arg(vivavoce::profile::pdf::CHILD_COMMAND)
        .env_clear()
        .env("PATH", "/nowhere")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    // A child that has seen enough closes its end.
    let _ = child.stdin.take().expect("piped").write_all(file);
    let output = child.wait_with_output().expect("it ends");
    (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"))
}

#[test]
fn without_pdftotext_the_library_reads_the_same() {
    let (code, text) = read_by_library(&saved(document(CV)));
    assert_eq!(code, Some(0));
    let pages: Vec<&str> = text.split('\u{c}').collect();
    assert_eq!(pages.len(), CV.len() + 1, "{text:?}");
    for (page, lines) in pages.iter().zip(CV) {
        assert!(lines.iter().all(|line| page.contains(line)), "{page:?}");
    }
    assert_eq!(read_by_library(b"%PDF-1.5\nnothing that follows is one").0, Some(1), "damaged");
    assert_eq!(read_by_library(&encrypted()).0, Some(3), "encrypted");
}
