//! Every route under machine-made input: Schemathesis reads the served description, sends what fits it and what does not,
//! and looks for answers that the description does not name, and for faults of ours.

use crate::support::app::TestApp;
use crate::support::people::{admin, held, person};
use std::process::Command;
use std::time::Duration;
use vivavoce::auth::role::Role;

/// How long the whole may take, s.
const TIME_S: u32 = 200;
/// Cases of one route.
const CASES: u32 = 25;
/// What an answer is held against.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "scripts/test runs it, with the path of Schemathesis in VIVAVOCE_SCHEMATHESIS"]
async fn no_route_fails_or_answers_what_it_does_not_say() {
    let program = std::env::var_os("VIVAVOCE_SCHEMATHESIS").expect("scripts/test names it");
    let app = TestApp::start("[accounts]\naddress_burst = 1000000\naccount_burst = 1000000").await;
    let boss = admin(&app, "boss").await;
    held(&app, Some(&person(&app, "ada").await)).await;
    let token = app.tokens.issue_access(boss.id, Role::Admin, Duration::from_secs(3_600)).token;
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(program);
    command
        .current_dir(folder.path())
        .env("SCHEMATHESIS_HOOKS", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/http/schemathesis_hooks.py"))
        .args(["run", &format!("{}/api/openapi.json", app.address), "--no-color", "--workers", "2"])
        .args(["--header", &format!("Authorization: Bearer {token}"), "--checks", CHECKS])
        .args(["--max-examples", &CASES.to_string(), "--max-time", &TIME_S.to_string(), "--seed", "7"])
        .args(["--request-timeout", "20", "--generation-database", "none", "--suppress-health-check", "all"])
        .args(["--warnings", "off"]);
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("ended").expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("API Operations"), "it tested something: {said}");
    println!("{said}");
}
