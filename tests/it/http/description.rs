//! What the server says of itself: the OpenAPI document and its page, trust headers, the page's files, numbers.

use crate::support::app::{TestApp, body};
use reqwest::Method;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Every route that the contract with pages and tools names.
const ROUTES: &[(&str, &[&str])] = &[
    ("/api/v1/categories", &["get", "post"]),
    ("/api/v1/categories/{id}", &["delete", "get", "patch"]),
    ("/api/v1/categories/{id}/questions", &["get", "post"]),
    ("/api/v1/questions", &["get", "post"]),
    ("/api/v1/questions/{id}", &["delete", "get", "put"]),
    ("/api/v1/questions/{id}/versions", &["get"]),
    ("/api/v1/questions/{id}/restore", &["post"]),
    ("/api/v1/questions/bulk", &["post"]),
    ("/api/v1/interviews", &["get", "post"]),
    ("/api/v1/interviews/{id}", &["delete", "get"]),
    ("/api/v1/interviews/{id}/token", &["post"]),
    ("/api/v1/interviews/{id}/consent", &["post"]),
    ("/api/v1/interviews/{id}/whip", &["options", "post"]),
    ("/api/v1/interviews/{id}/whip/{resource}", &["delete", "patch"]),
    ("/api/v1/interviews/{id}/socket", &["get"]),
    ("/api/v1/interviews/{id}/daily", &["post"]),
    ("/api/v1/interviews/{id}/daily/recordings", &["get"]),
    ("/api/v1/interviews/{id}/daily/recordings/{recording}", &["get"]),
    ("/api/v1/daily/webhook", &["post"]),
    ("/api/v1/interviews/{id}/end", &["post"]),
    ("/api/v1/interviews/{id}/transcript", &["get"]),
    ("/api/v1/interviews/{id}/artifacts", &["get"]),
    ("/api/v1/interviews/{id}/responses", &["get"]),
    ("/api/v1/interviews/{id}/report", &["get"]),
    ("/api/v1/interviews/{id}/report.html", &["get"]),
    ("/api/v1/interviews/{id}/report.pdf", &["get"]),
    ("/api/v1/interviews/{id}/summary", &["get"]),
    ("/api/v1/interviews/{id}/overrides", &["get", "post"]),
    ("/api/v1/interviews/{id}/transcript.vtt", &["get"]),
    ("/api/v1/interviews/{id}/transcript.md", &["get"]),
    ("/api/v1/schemas/{name}", &["get"]),
    ("/api/v1/interviews/{id}/recording", &["get"]),
    ("/api/v1/interviews/{id}/events", &["get"]),
    ("/api/v1/interviews/{id}/artifacts/{version}", &["get"]),
    ("/api/v1/interviews/{id}/artifacts/{version}/diff", &["get"]),
    ("/api/v1/interviews/{id}/text", &["get", "post"]),
    ("/api/v1/interviews/{id}/text/answers", &["post"]),
    ("/api/v1/interviews/{id}/text/wishes", &["post"]),
    ("/api/v1/interviews/{id}/text/code", &["put"]),
    ("/api/v1/interviews/{id}/text/socket", &["get"]),
    ("/api/v1/questions/drafts", &["get"]),
    ("/api/v1/questions/drafts/{id}", &["post"]),
    ("/api/v1/sound-check.wav", &["get"]),
    ("/api/v1/auth/register", &["post"]),
    ("/api/v1/auth/login", &["post"]),
    ("/api/v1/auth/refresh", &["post"]),
    ("/api/v1/auth/logout", &["post"]),
    ("/api/v1/auth/password", &["post"]),
    ("/api/v1/users/me", &["delete", "get", "patch"]),
    ("/api/v1/users/me/export", &["get"]),
    ("/api/v1/users", &["get"]),
    ("/api/v1/users/{id}", &["delete", "get", "patch"]),
    ("/api/v1/users/{id}/export", &["get"]),
    ("/api/v1/interviews/{id}/invitations", &["get", "post"]),
    ("/api/v1/interviews/{id}/invitations/{invitation}", &["delete"]),
    ("/api/v1/interviews/{id}/export", &["get"]),
    ("/api/v1/privacy/export", &["post"]),
    ("/api/v1/privacy/erase", &["post"]),
    ("/api/v1/audit-log", &["get"]),
    ("/api/v1/profiles/{id}", &["get"]),
    ("/api/v1/profiles/me", &["delete", "get", "put"]),
    ("/api/v1/profiles/me/cv", &["post"]),
    ("/api/v1/webhooks", &["get", "post"]),
    ("/api/v1/webhooks/{id}", &["delete", "get", "patch"]),
    ("/api/v1/webhooks/{id}/deliveries", &["get"]),
    ("/api/v1/webhooks/{id}/deliveries/{delivery}/replay", &["post"]),
    ("/api/v1/progress", &["get"]),
    ("/api/v1/progress/answers", &["get"]),
    ("/api/v1/progress/repeats", &["get"]),
    ("/api/v1/progress/practice", &["post"]),
    ("/api/v1/statistics", &["get"]),
    ("/api/v1/statistics/questions", &["get"]),
    ("/api/offer", &["options", "patch", "post"]),
    ("/api/socket", &["get"]),
    ("/sessions/{id}/api/offer", &["options", "patch", "post"]),
    ("/start", &["options", "post"]),
    ("/healthz", &["get"]),
    ("/readyz", &["get"]),
    ("/metrics", &["get"]),
    ("/problems/{kind}", &[]),
];

#[tokio::test]
async fn the_document_lists_every_route_and_leads_nowhere_wrong() {
    let app = TestApp::start("").await;
    let document = body(app.local(Method::GET, "/api/openapi.json").send().await.expect("answered"), 200).await;
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")), "{}", document["openapi"]);
    let paths = document["paths"].as_object().expect("paths");
    let described: BTreeSet<(String, Vec<String>)> = paths
        .iter()
        .map(|(path, item)| {
            let mut methods: Vec<String> = item.as_object().expect("an item").keys().cloned().collect();
            methods.sort();
            (path.clone(), methods)
        })
        .collect();
    let wanted: BTreeSet<(String, Vec<String>)> = ROUTES
        .iter()
        .filter(|(_, methods)| !methods.is_empty())
        .map(|(path, methods)| ((*path).to_owned(), methods.iter().map(|method| (*method).to_owned()).collect()))
        .collect();
    assert_eq!(described, wanted);
    let mut ids = BTreeSet::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().expect("an item") {
            let id = operation["operationId"].as_str().expect("an operation id");
            assert!(ids.insert(id.to_owned()), "{id} twice");
            let responses = operation["responses"].as_object().expect("responses");
            // Every status is named: a wildcard would hide what is not.
            assert!(!responses.contains_key("default"), "{method} {path}");
            for (status, response) in responses.iter().filter(|(status, _)| status.starts_with(['4', '5'])) {
                let problem = &response["content"]["application/problem+json"]["schema"]["$ref"];
                let is_readiness = path == "/readyz" && status == "503";
                assert!(problem == "#/components/schemas/Problem" || is_readiness, "{status} of {method} {path}");
            }
            // A socket opens with 101.
            assert!(responses.keys().any(|status| status.starts_with(['1', '2'])), "{method} {path}");
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            for name in path.split(['{', '}']).skip(1).step_by(2) {
                assert!(
                    parameters.iter().any(|parameter| parameter["name"] == name && parameter["in"] == "path"),
                    "{name} in {path}"
                );
            }
        }
    }
    assert_refs_resolve(&document, &document);
}

fn assert_refs_resolve(value: &Value, document: &Value) {
    match value {
        Value::Object(fields) => {
            if let Some(target) = fields.get("$ref").and_then(Value::as_str) {
                let pointer = target.strip_prefix('#').expect("within the document");
                assert!(document.pointer(pointer).is_some(), "{target}");
            }
            fields.values().for_each(|field| assert_refs_resolve(field, document));
        }
        Value::Array(items) => items.iter().for_each(|item| assert_refs_resolve(item, document)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The page says some of the server's sentences in Ukrainian: by the sentence, which must then be one of the server's.
#[test]
fn what_the_page_translates_is_what_the_server_says() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("web/src/text/said.uk.ts")).expect("the page's words");
    let object = page.split_once("= {").and_then(|(_, rest)| rest.split_once("\n};")).expect("an object").0;
    let sentences: BTreeMap<String, String> = serde_json::from_str(&format!("{{{object}}}")).expect("JSON");
    let mut sources = String::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                sources.push_str(&std::fs::read_to_string(entry).expect("a source"));
            }
        }
    }
    // A long sentence goes on in the next line.
    let mut lines = sources.split("\\\n");
    let first = lines.next().unwrap_or_default().to_owned();
    let sources = lines.fold(first, |whole, line| whole + line.trim_start());
    assert!(sentences.len() > 50, "{}", sentences.len());
    for (english, ukrainian) in sentences {
        assert!(sources.contains(&format!("\"{english}\"")), "the server does not say: {english}");
        let places = |text: &str| text.matches(['{', '}']).count();
        assert_eq!(places(&english), places(&ukrainian), "{english}");
        assert!(ukrainian.chars().any(|c| ('а'..='я').contains(&c)), "{ukrainian}");
    }
}

#[tokio::test]
async fn the_documents_page_comes_from_here_alone() {
    let app = TestApp::start("").await;
    let page = app.local(Method::GET, "/api/docs/").send().await.expect("answered");
    assert_eq!(page.status(), 200);
    assert!(
        page.headers()["content-security-policy"].to_str().is_ok_and(|policy| policy.contains("script-src 'self'"))
    );
    let text = page.text().await.expect("text");
    for attribute in ["src=\"", "href=\""] {
        for address in text.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(!address.contains("//"), "{address}");
            let path = format!("/api/docs/{}", address.trim_start_matches("./"));
            assert_eq!(app.local(Method::GET, &path).send().await.expect("answered").status(), 200, "{path}");
        }
    }
}

#[tokio::test]
async fn every_answer_carries_its_headers() {
    let app = TestApp::start("").await;
    let mut ids = BTreeSet::new();
    for path in ["/", "/api/v1/categories", "/api/v1/nothing", "/healthz", "/api/docs/", "/interview/x", "/report/x/y"]
    {
        let answer =
            app.local(Method::GET, path).header("x-request-id", "chosen-by-the-caller").send().await.expect("answered");
        let header = |name: &str| {
            answer.headers().get(name).map(|value| value.to_str().expect("text").to_owned()).unwrap_or_default()
        };
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        assert!(header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert!(header("permissions-policy").contains("camera=()"), "{path}");
        assert!(ids.insert(header("x-request-id")), "{path}: {}", header("x-request-id"));
        let is_private = path.starts_with("/api/v1");
        assert_eq!(header("cache-control") == "no-store", is_private, "{path}: {}", header("cache-control"));
    }
    assert!(!ids.contains("chosen-by-the-caller"));
}

#[tokio::test]
async fn the_page_is_one_document_with_its_files() {
    let app = TestApp::start("").await;
    let get = |path: String| app.local(Method::GET, &path).send();
    let page = get("/".to_owned()).await.expect("answered");
    let policy = page.headers()["content-security-policy"].to_str().expect("text").to_owned();
    assert!(policy.contains("script-src 'self';") && policy.contains("connect-src 'self'"), "{policy}");
    let etag = page.headers()["etag"].to_str().expect("text").to_owned();
    let text = page.text().await.expect("text");
    for path in ["/interview/0197-x", "/report/0197-x"] {
        assert_eq!(get(path.to_owned()).await.expect("answered").text().await.expect("text"), text, "{path}");
    }
    let again = app.local(Method::GET, "/").header("if-none-match", &etag).send().await.expect("answered");
    assert_eq!(again.status(), 304);
    let files: Vec<&str> = text.split('"').filter(|word| word.starts_with("/assets/")).collect();
    assert!(
        files.iter().any(|file| file.ends_with(".js")) && files.iter().any(|file| file.ends_with(".css")),
        "{files:?}"
    );
    for file in files {
        let answer = get(file.to_owned()).await.expect("answered");
        assert_eq!(answer.status(), 200, "{file}");
        assert!(answer.headers().contains_key("etag"), "{file}");
        assert_ne!(answer.headers()["content-type"], "application/octet-stream", "{file}");
    }
    let packed =
        app.local(Method::GET, "/assets/app.js").header("accept-encoding", "gzip").send().await.expect("answered");
    assert_eq!(packed.headers()["content-encoding"], "gzip");
}

#[tokio::test]
async fn readiness_follows_the_parts() {
    let app = TestApp::start("").await;
    let ready = body(app.far(Method::GET, "/readyz", "").send().await.expect("answered"), 200).await;
    assert_eq!(ready["ready"], true);
    app.interviews.acts.lock().expect("acts").is_unready = true;
    let unready = body(app.far(Method::GET, "/readyz", "").send().await.expect("answered"), 503).await;
    let part =
        unready["parts"].as_array().expect("parts").iter().find(|part| part["ready"] == false).expect("one is not");
    assert_eq!(part["name"], "speech to text");
    let metrics = app.local(Method::GET, "/metrics").send().await.expect("answered");
    assert_eq!(metrics.status(), 200);
    assert!(metrics.headers()["content-type"].to_str().is_ok_and(|kind| kind.starts_with("text/plain; version=0.0.4")));
    let sound = app.far(Method::GET, "/api/v1/sound-check.wav", "").send().await.expect("answered");
    assert_eq!(
        (sound.status().as_u16(), &sound.headers()["content-type"]),
        (200, &"audio/wav".parse().expect("a value"))
    );
}
