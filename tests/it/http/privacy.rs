//! Privacy over REST: what is kept of a person is handed out and erased, and what staff read is written down.

use crate::support::app::{TestApp, body, problem, wish};
use crate::support::people::{PASSWORD, Someone, WORDS, admin, held, interviewer, login, person};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use vivavoce::id::{NodeId, SessionId};
use vivavoce::jobs::retention::{Deleted, Periods, Retention};

async fn get(app: &TestApp, path: &str, token: &str, status: u16) -> Value {
    body(app.far(Method::GET, path, token).send().await.expect("answered"), status).await
}

async fn log(app: &TestApp, boss: &Someone) -> Vec<(String, String, String)> {
    let log = get(app, "/api/v1/audit-log", &boss.token, 200).await;
    let text = |line: &Value, name: &str| line[name].as_str().expect("text").to_owned();
    let lines = log["entries"].as_array().expect("lines").iter();
    lines.map(|line| (text(line, "actor"), text(line, "action"), text(line, "subject_id"))).collect()
}

#[tokio::test]
async fn what_staff_read_of_others_is_written_down() {
    let app = TestApp::start("").await;
    let (boss, grace, ada) = (admin(&app, "boss").await, interviewer(&app, "grace").await, person(&app, "ada").await);
    let id = held(&app, Some(&ada)).await;
    let own = held(&app, Some(&grace)).await;
    for path in [format!("/api/v1/interviews/{id}/report"), format!("/api/v1/interviews/{own}/report")] {
        get(&app, &path, &grace.token, 200).await;
    }
    get(&app, &format!("/api/v1/interviews/{id}/report"), &ada.token, 200).await;
    get(&app, &format!("/api/v1/interviews/{id}/report"), &grace.token, 200).await;
    // As a browser's player does: by ranges from the first request on. The jumps are not noted again.
    let path = format!("/api/v1/interviews/{id}/recording?access_token={}", grace.token);
    for range in ["bytes=0-", "bytes=50-", "bytes=0-"] {
        let part = app.far(Method::GET, &path, "").header("range", range).send().await.expect("answered");
        assert_eq!(part.status(), 206);
    }
    let line = |action: &str| ("grace".to_owned(), action.to_owned(), id.to_string());
    assert_eq!(log(&app, &boss).await, [line("recording.read"), line("report.read"), line("report.read")]);
    let path = format!("/api/v1/audit-log?limit=1&action=report.read&subject_kind=interview&subject_id={id}");
    let page = get(&app, &path, &boss.token, 200).await;
    let path = format!("{path}&before={}", page["next"].as_str().expect("more"));
    let rest = get(&app, &path, &boss.token, 200).await;
    assert_eq!(rest["entries"].as_array().expect("lines").len(), 1);
    get(&app, "/api/v1/audit-log", &grace.token, 403).await;
}

#[tokio::test]
async fn the_record_is_noted_in_whatever_form_it_is_read() {
    let app = TestApp::start("").await;
    let (boss, grace, ada) = (admin(&app, "boss").await, interviewer(&app, "grace").await, person(&app, "ada").await);
    for (route, status, noted) in [
        ("transcript?limit=1", 200, &["transcript.read"][..]),
        ("transcript.vtt", 200, &["transcript.read"]),
        ("transcript.md", 200, &["transcript.read"]),
        ("artifacts", 200, &["code.read"]),
        ("artifacts/1", 404, &["code.read"]),
        ("artifacts/1/diff", 404, &["code.read"]),
        ("responses", 200, &["responses.read"]),
        ("overrides", 200, &["overrides.read"]),
        ("events", 200, &["events.read"]),
        ("export", 200, &["interview.export", "interview.export"]),
    ] {
        let id = held(&app, Some(&ada)).await;
        let path = format!("/api/v1/interviews/{id}/{route}");
        // What is read in parts is noted once in ten minutes; what is one's own is nobody's business.
        for token in [&grace.token, &ada.token, &grace.token] {
            let answer = app.far(Method::GET, &path, token).send().await.expect("answered");
            assert_eq!(answer.status(), status, "{route}");
        }
        let log =
            get(&app, &format!("/api/v1/audit-log?subject_kind=interview&subject_id={id}"), &boss.token, 200).await;
        let lines = log["entries"].as_array().expect("lines").iter();
        let lines: Vec<_> = lines.map(|line| (line["actor"].as_str(), line["action"].as_str())).collect();
        assert_eq!(lines, noted.iter().map(|action| (Some("grace"), Some(*action))).collect::<Vec<_>>(), "{route}");
    }
}

#[tokio::test]
async fn a_person_gets_everything_and_takes_everything_away() {
    let app = TestApp::start("").await;
    let (ada, grace) = (person(&app, "ada").await, person(&app, "grace").await);
    let (id, other) = (held(&app, Some(&ada)).await, held(&app, Some(&grace)).await);
    let export = get(&app, "/api/v1/users/me/export", &ada.token, 200).await;
    assert_eq!(export["account"]["username"], "ada");
    assert!(!export.to_string().contains("password_hash") && !export.to_string().contains("argon2"));
    let interviews = export["interviews"].as_array().expect("interviews");
    assert_eq!((interviews.len(), &interviews[0]["id"]), (1, &json!(id)));
    assert_eq!(interviews[0]["transcript"][0]["content"], WORDS);
    assert_eq!(interviews[0]["report"]["document"]["quote"], WORDS);
    let one = get(&app, &format!("/api/v1/interviews/{id}/export"), &ada.token, 200).await;
    assert_eq!(one["id"], json!(id));
    get(&app, &format!("/api/v1/interviews/{id}/export"), &grace.token, 404).await;

    let delete = |password: &str| {
        app.far(Method::DELETE, "/api/v1/users/me", &ada.token).json(&json!({ "password": password })).send()
    };
    problem(delete("a wrong one").await.expect("answered"), 422).await;
    assert_eq!(delete(PASSWORD).await.expect("answered").status(), 204);
    login(&app, "ada", PASSWORD, 401).await;
    get(&app, "/api/v1/users/me", &ada.token, 401).await;
    get(&app, &format!("/api/v1/interviews/{id}"), &ada.token, 401).await;
    get(&app, &format!("/api/v1/interviews/{other}"), &grace.token, 200).await;
    for rows in [
        "select count(*) from transcripts where content = 'It is quite safe to repeat.'",
        "select count(*) from session_events",
        "select count(*) from evaluation_reports",
        "select count(*) from recordings",
        "select count(*) from users",
    ] {
        assert_eq!(app.count(rows).await, 1, "{rows}: only the other's is left");
    }
    // The file goes by a job.
    let queued = "select count(*) from graphile_worker.jobs where task_identifier = 'remove_files'";
    assert_eq!(app.count(queued).await, 1);
}

#[tokio::test]
async fn nothing_is_erased_under_an_interview_in_progress() {
    let app = TestApp::start("").await;
    let (boss, ada) = (admin(&app, "boss").await, person(&app, "ada").await);
    let made = app.far(Method::POST, "/api/v1/interviews", &ada.token).json(&wish()).send().await.expect("answered");
    let id: SessionId = body(made, 201).await["id"].as_str().expect("id").parse().expect("an id");
    let lease = app.store.claim(id, NodeId::create(), Duration::from_secs(60)).await.expect("asked").expect("free");
    let path = format!("/api/v1/interviews/{id}");
    let delete = |path: String, token: &str| app.far(Method::DELETE, &path, token).json(&json!({})).send();
    problem(delete(path.clone(), &ada.token).await.expect("answered"), 409).await;
    let account = format!("/api/v1/users/{}", ada.id);
    problem(delete(account.clone(), &boss.token).await.expect("answered"), 409).await;
    app.store.user(ada.id).await.expect("still there");
    app.store.release(&lease).await.expect("released");
    assert_eq!(delete(path.clone(), &ada.token).await.expect("answered").status(), 204);
    problem(delete(path, &ada.token).await.expect("answered"), 404).await;
    assert_eq!(delete(account, &boss.token).await.expect("answered").status(), 204);
}

#[tokio::test]
async fn who_may_erase_an_interview() {
    let app = TestApp::start("").await;
    let (boss, grace, ada) = (admin(&app, "boss").await, interviewer(&app, "grace").await, person(&app, "ada").await);
    let mut official = wish();
    official["purpose"] = "official".into();
    let made = app.far(Method::POST, "/api/v1/interviews", &grace.token).json(&official).send().await;
    let made = body(made.expect("answered"), 201).await;
    let path = format!("/api/v1/interviews/{}", made["id"].as_str().expect("id"));
    let invite = json!({ "email": "Joan@example.org" });
    let invited = app.far(Method::POST, &format!("{path}/invitations"), &grace.token).json(&invite).send().await;
    body(invited.expect("answered"), 201).await;
    let join = made["join_token"].as_str().expect("token");
    let practice = format!("/api/v1/interviews/{}", held(&app, Some(&ada)).await);
    let delete = async |path: &str, token: &str| {
        app.far(Method::DELETE, path, token).send().await.expect("answered").status().as_u16()
    };
    assert_eq!(
        (delete(&path, join).await, delete(&path, &grace.token).await, delete(&path, &ada.token).await),
        (403, 403, 404)
    );
    assert_eq!((delete(&practice, &grace.token).await, delete(&practice, "").await), (403, 401));
    assert_eq!(delete(&practice, &ada.token).await, 204);

    // Who has no account is known by the address that was invited.
    let ask = |path: &str, email: &str, token: &str| {
        app.far(Method::POST, &format!("/api/v1/privacy/{path}"), token).json(&json!({ "email": email })).send()
    };
    problem(ask("export", "joan@example.org", &grace.token).await.expect("answered"), 403).await;
    problem(ask("erase", "nobody@example.org", &boss.token).await.expect("answered"), 404).await;
    problem(ask("erase", "nobody", &boss.token).await.expect("answered"), 422).await;
    let kept = body(ask("export", "joan@example.org", &boss.token).await.expect("answered"), 200).await;
    assert_eq!(kept["invited"][0]["id"], made["id"]);
    assert_eq!(ask("erase", "JOAN@example.org", &boss.token).await.expect("answered").status(), 204);
    get(&app, &path, &boss.token, 404).await;
    assert!(!log(&app, &boss).await.iter().any(|(_, _, subject)| subject.contains('@')));
}

#[tokio::test]
async fn what_was_kept_long_enough_is_deleted_kind_by_kind() {
    let app = TestApp::start("").await;
    let ada = person(&app, "ada").await;
    let id = held(&app, Some(&ada)).await;
    let (waiting, _) = app.create().await;
    let invited = "with made as (
            insert into invitations (id, session_id, email, role, token_hash, expires_at)
            select gen_random_uuid(), id, 'ada@example.org', 'candidate', sha256(id::text::bytea), clock_timestamp()
            from interview_sessions returning id)
        select count(*) from made";
    assert_eq!(app.count(invited).await, 2);
    let file = app.recordings.path().join(format!("{id}.wav"));
    let periods = Periods { recording_days: 10, words_days: 20, report_days: 30, audit_days: 40, delivery_days: 0 };
    let run = async |after_days: i64| {
        let now = chrono::Utc::now() + chrono::Duration::days(after_days);
        let recordings = app.recordings.path().to_owned();
        Retention { store: app.store.clone(), periods, recordings, now }.run().await.expect("deleted")
    };
    assert_eq!(run(9).await, Deleted::default());
    assert!(file.exists());
    assert_eq!(run(11).await, Deleted { recordings: 1, ..Deleted::default() });
    assert!(!file.exists());
    let path = |name: &str| format!("/api/v1/interviews/{id}/{name}");
    get(&app, &path("recording"), &ada.token, 404).await;
    assert_eq!(get(&app, &path("transcript"), &ada.token, 200).await["transcript"][0]["content"], WORDS);
    assert_eq!(run(21).await, Deleted { words: 1, ..Deleted::default() });
    assert_eq!(get(&app, &path("transcript"), &ada.token, 200).await["transcript"], json!([]));
    get(&app, &path("report"), &ada.token, 200).await;
    let named = "select count(*) from interview_sessions where candidate_name = 'Ada'";
    let addressed = "select count(*) from invitations where email = 'ada@example.org'";
    assert_eq!((app.count(named).await, app.count(addressed).await), (2, 2));
    assert_eq!(run(31).await, Deleted { reports: 1, ..Deleted::default() });
    assert_eq!((app.count(named).await, app.count(addressed).await), (1, 1), "of the one that is not over");
    let gone = get(&app, &path("report"), &ada.token, 404).await;
    assert_eq!(gone["type"], "/problems/report-missing");
    // Done once; what is not over is left alone; a login that has run out is forgotten.
    assert_eq!(run(65).await, Deleted { tokens: 1, ..Deleted::default() });
    app.store.interview(waiting).await.expect("still there");
    assert_eq!(get(&app, &path("responses"), &ada.token, 200).await["responses"], json!([]));
}
