//! Accounts over REST: registering, logging in, the rotation of refresh tokens, roles, limits, deletion.

use crate::support::app::{TestApp, body, problem, wish};
use crate::support::people::{PASSWORD, admin, login, person, register};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use vivavoce::store::UserRole;

const MINUTE: Duration = Duration::from_secs(60);

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("{field} in {value}"))
}

#[tokio::test]
async fn somebody_registers_and_logs_in_by_name_or_address() {
    let app = TestApp::start("").await;
    let made = register(&app, "Ada").await;
    assert_eq!((text(&made["user"], "username"), text(&made["user"], "role")), ("Ada", "candidate"));
    assert!(made["user"].get("password_hash").is_none());
    for name in ["ada", "ADA@example.org"] {
        let session = login(&app, name, PASSWORD, 200).await;
        let request = app.far(Method::GET, "/api/v1/users/me", text(&session, "access_token"));
        assert_eq!(body(request.send().await.expect("answered"), 200).await["id"], made["user"]["id"]);
    }
    for (name, password) in [("ada", "another password"), ("nobody", PASSWORD), ("", ""), ("a\0", "b\0"), ("ada", "")] {
        let refused = login(&app, name, password, 401).await;
        assert_eq!(refused["detail"], "The name or the password is wrong.");
    }
    // The access token ends after 15 minutes.
    let token = text(&made, "access_token").to_owned();
    app.wait(16 * MINUTE);
    let late = app.far(Method::GET, "/api/v1/users/me", &token).send().await.expect("answered");
    problem(late, 401).await;
}

#[tokio::test]
async fn what_cannot_be_an_account_is_told_field_by_field() {
    let app = TestApp::start("").await;
    register(&app, "ada").await;
    let send = |body: Value| app.far(Method::POST, "/api/v1/auth/register", "").json(&body).send();
    let bad = json!({ "username": "a b", "email": "nothing", "password": "short", "full_name": "x".repeat(201) });
    let told = problem(send(bad).await.expect("answered"), 422).await;
    let fields: Vec<&str> =
        told["errors"].as_array().expect("errors").iter().map(|error| text(error, "field")).collect();
    assert_eq!(fields, ["username", "email", "full_name", "password"]);
    for (username, email) in [("ADA", "new@example.org"), ("new", "Ada@Example.org")] {
        let taken = json!({ "username": username, "email": email, "password": PASSWORD });
        problem(send(taken).await.expect("answered"), 409).await;
    }
    let odd = json!({ "username": "x1", "email": "x@example.org", "password": PASSWORD, "role": "admin" });
    problem(send(odd).await.expect("answered"), 422).await;
    let closed = TestApp::start("[accounts]\nregistration_open = false").await;
    let account = json!({ "username": "ada", "email": "ada@example.org", "password": PASSWORD });
    let refused = closed.far(Method::POST, "/api/v1/auth/register", "").json(&account).send().await;
    problem(refused.expect("answered"), 403).await;
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_its_second_use_ends_the_family() {
    let app = TestApp::start("").await;
    let first = register(&app, "ada").await;
    let other = login(&app, "ada", PASSWORD, 200).await;
    let refresh = |token: String| {
        app.far(Method::POST, "/api/v1/auth/refresh", "").json(&json!({ "refresh_token": token })).send()
    };
    let token = |session: &Value| text(session, "refresh_token").to_owned();
    let second = body(refresh(token(&first)).await.expect("answered"), 200).await;
    let third = body(refresh(token(&second)).await.expect("answered"), 200).await;
    // Somebody kept a copy of the first.
    problem(refresh(token(&first)).await.expect("answered"), 401).await;
    problem(refresh(token(&third)).await.expect("answered"), 401).await;
    // Another login is another family.
    let renewed = body(refresh(token(&other)).await.expect("answered"), 200).await;
    // Two uses at once: one is answered, and the family ends.
    let (one, two) = tokio::join!(refresh(token(&renewed)), refresh(token(&renewed)));
    let mut given = [one.expect("answered").status().as_u16(), two.expect("answered").status().as_u16()];
    given.sort_unstable();
    assert_eq!(given, [200, 401]);
    for nothing in ["", "x", &"a".repeat(128), &"a".repeat(5_000)] {
        problem(refresh(nothing.to_owned()).await.expect("answered"), 401).await;
    }
    let last = login(&app, "ada", PASSWORD, 200).await;
    let out = app.far(Method::POST, "/api/v1/auth/logout", "").json(&json!({ "refresh_token": token(&last) }));
    assert_eq!(out.send().await.expect("answered").status(), 204);
    problem(refresh(token(&last)).await.expect("answered"), 401).await;
    let late = login(&app, "ada", PASSWORD, 200).await;
    app.wait(MINUTE * 60 * 24 * 31);
    problem(refresh(token(&late)).await.expect("answered"), 401).await;
}

#[tokio::test]
async fn a_new_password_ends_the_other_logins() {
    let app = TestApp::start("").await;
    let first = register(&app, "ada").await;
    let change = |current: &str, new: &str| {
        let body = json!({ "current_password": current, "new_password": new });
        app.far(Method::POST, "/api/v1/auth/password", text(&first, "access_token")).json(&body).send()
    };
    problem(change("a wrong one", "a better sentence").await.expect("answered"), 422).await;
    problem(change(PASSWORD, "short").await.expect("answered"), 422).await;
    let changed = body(change(PASSWORD, "a better sentence").await.expect("answered"), 200).await;
    let refresh = |session: &Value| {
        let body = json!({ "refresh_token": text(session, "refresh_token") });
        app.far(Method::POST, "/api/v1/auth/refresh", "").json(&body).send()
    };
    problem(refresh(&first).await.expect("answered"), 401).await;
    body(refresh(&changed).await.expect("answered"), 200).await;
    login(&app, "ada", PASSWORD, 401).await;
    login(&app, "ada", "a better sentence", 200).await;
}

#[tokio::test]
async fn guessing_is_slowed_by_account_and_by_address() {
    let app = TestApp::start("[accounts]\naccount_burst = 2\naccount_every_s = 3600").await;
    register(&app, "ada").await;
    // What succeeds does not count.
    for _ in 0..4 {
        login(&app, "ada", PASSWORD, 200).await;
    }
    login(&app, "ada", "a wrong one", 401).await;
    login(&app, "Ada", "a wrong one", 401).await;
    login(&app, "ada", PASSWORD, 429).await;
    // An account that is none is slowed as well, and another not at all.
    for status in [401, 401, 429] {
        login(&app, "nobody", "a wrong one", status).await;
    }
    register(&app, "grace").await;
    login(&app, "grace", PASSWORD, 200).await;

    let app = TestApp::start("[accounts]\nbehind_proxy = true\naddress_burst = 2\naddress_every_s = 3600").await;
    let from = |address: &'static str| {
        let body = json!({ "login": "ada", "password": PASSWORD });
        let request = app.local(Method::POST, "/api/v1/auth/login").header("x-forwarded-for", address).json(&body);
        async { request.send().await.expect("answered") }
    };
    problem(from("203.0.113.7").await, 401).await;
    problem(from("198.51.100.1, 203.0.113.7").await, 401).await;
    let answer = from("203.0.113.7").await;
    assert!(answer.headers()["retry-after"].to_str().is_ok_and(|text| text.parse::<u32>().is_ok_and(|s| s > 3_000)));
    problem(answer, 429).await;
    problem(from("203.0.113.8").await, 401).await;
    problem(from("2001:db8::1").await, 401).await;
    problem(from("2001:db8::2").await, 401).await;
    problem(from("2001:db8::3").await, 429).await;
}

#[tokio::test]
async fn an_account_is_changed_and_kept_apart_from_others() {
    let app = TestApp::start("").await;
    let ada = person(&app, "ada").await;
    person(&app, "grace").await;
    let change = |body: Value| app.far(Method::PATCH, "/api/v1/users/me", &ada.token).json(&body).send();
    let changed = json!({ "full_name": " Ada Lovelace ", "avatar_url": "https://example.org/ada.png" });
    let account = body(change(changed).await.expect("answered"), 200).await;
    assert_eq!((text(&account, "full_name"), text(&account, "username")), ("Ada Lovelace", "ada"));
    let account = body(change(json!({ "avatar_url": "" })).await.expect("answered"), 200).await;
    assert_eq!((&account["avatar_url"], text(&account, "full_name")), (&Value::Null, "Ada Lovelace"));
    problem(change(json!({ "username": "GRACE" })).await.expect("answered"), 409).await;
    for bad in [json!({ "email": "x" }), json!({ "role": "admin" }), json!({ "avatar_url": "javascript:x" }), json!([])]
    {
        problem(change(bad).await.expect("answered"), 422).await;
    }
    // The list of accounts is for admins; a link for one interview has no account.
    let (_, join) = app.create().await;
    for (token, status) in [(ada.token.as_str(), 403), (join.as_str(), 403), ("", 401)] {
        for path in ["/api/v1/users", "/api/v1/audit-log"] {
            problem(app.far(Method::GET, path, token).send().await.expect("answered"), status).await;
        }
    }
    problem(app.local(Method::GET, "/api/v1/users/me").send().await.expect("answered"), 401).await;
}

#[tokio::test]
async fn an_admin_gives_roles_and_the_last_one_stays() {
    let app = TestApp::start("").await;
    let boss = admin(&app, "boss").await;
    let ada = person(&app, "ada").await;
    for name in ["b1", "b2", "b3"] {
        person(&app, name).await;
    }
    let send = |method: Method, path: String, body: Value| app.far(method, &path, &boss.token).json(&body).send();
    let list =
        body(send(Method::GET, "/api/v1/users?limit=2&search=b".into(), json!({})).await.expect("answered"), 200);
    let list = list.await;
    assert_eq!((list["users"].as_array().expect("users").len(), text(&list["users"][0], "username")), (2, "b3"));
    let rest = format!("/api/v1/users?search=b&before={}", text(&list, "next"));
    let rest = body(send(Method::GET, rest, json!({})).await.expect("answered"), 200).await;
    let names: Vec<&str> = rest["users"].as_array().expect("users").iter().map(|user| text(user, "username")).collect();
    assert_eq!((names, &rest["next"]), (vec!["b1", "boss"], &Value::Null));

    let path = format!("/api/v1/users/{}", ada.id);
    let changed = send(Method::PATCH, path.clone(), json!({ "role": "interviewer" })).await.expect("answered");
    assert_eq!(text(&body(changed, 200).await, "role"), "interviewer");
    // What the role allows comes with the next login, and the logins before have ended.
    let refresh = json!({ "refresh_token": ada.refresh });
    let old = app.far(Method::POST, "/api/v1/auth/refresh", "").json(&refresh).send().await.expect("answered");
    problem(old, 401).await;
    let ada_again = login(&app, "ada", PASSWORD, 200).await;
    let mut official = wish();
    official["purpose"] = "official".into();
    let token = text(&ada_again, "access_token");
    let made = app.far(Method::POST, "/api/v1/interviews", token).json(&official).send().await.expect("answered");
    body(made, 201).await;

    body(send(Method::PATCH, path.clone(), json!({ "disabled": true })).await.expect("answered"), 200).await;
    login(&app, "ada", PASSWORD, 401).await;
    problem(app.far(Method::GET, "/api/v1/users/me", token).send().await.expect("answered"), 401).await;
    let own = format!("/api/v1/users/{}", boss.id);
    problem(send(Method::PATCH, own.clone(), json!({ "role": "candidate" })).await.expect("answered"), 409).await;
    problem(send(Method::PATCH, own.clone(), json!({ "disabled": true })).await.expect("answered"), 409).await;
    problem(send(Method::DELETE, own, json!({})).await.expect("answered"), 409).await;
    let gone = send(Method::DELETE, path.clone(), json!({})).await.expect("answered");
    assert_eq!(gone.status(), 204);
    problem(send(Method::GET, path, json!({})).await.expect("answered"), 404).await;
    problem(send(Method::PATCH, "/api/v1/users/x".into(), json!({})).await.expect("answered"), 404).await;
    let log = body(send(Method::GET, "/api/v1/audit-log".into(), json!({})).await.expect("answered"), 200).await;
    let actions: Vec<&str> =
        log["entries"].as_array().expect("lines").iter().map(|line| text(line, "action")).collect();
    assert_eq!(actions, ["user.erase", "user.change", "user.change"]);
    assert_eq!(text(&log["entries"][0], "actor"), "boss");
    assert_eq!(app.store.users(10, None, Some(UserRole::Admin), None).await.expect("read").len(), 1);
}

#[tokio::test]
async fn a_token_is_worth_no_more_than_its_account_is_now() {
    let app = TestApp::start("").await;
    let boss = admin(&app, "boss").await;
    let (ada, grace) = (person(&app, "ada").await, admin(&app, "grace").await);
    let change = |id, body: Value| {
        let path = format!("/api/v1/users/{id}");
        app.far(Method::PATCH, &path, &boss.token).json(&body).send()
    };
    let users = async |token: &str| app.far(Method::GET, "/api/v1/users", token).send().await.expect("answered");
    body(users(&grace.token).await, 200).await;
    body(change(grace.id, json!({ "role": "candidate" })).await.expect("answered"), 200).await;
    problem(users(&grace.token).await, 403).await;
    body(change(grace.id, json!({ "disabled": true })).await.expect("answered"), 200).await;
    problem(users(&grace.token).await, 401).await;

    let erase = app.far(Method::DELETE, "/api/v1/users/me", &ada.token).json(&json!({ "password": PASSWORD }));
    assert_eq!(erase.send().await.expect("answered").status(), 204);
    let profile = json!({ "job_position": "Engineer" });
    let password = json!({ "current_password": PASSWORD, "new_password": "a better sentence" });
    for (method, path, body) in [
        (Method::GET, "/api/v1/users/me", json!({})),
        (Method::PATCH, "/api/v1/users/me", json!({})),
        (Method::GET, "/api/v1/users/me/export", json!({})),
        (Method::GET, "/api/v1/profiles/me", json!({})),
        (Method::PUT, "/api/v1/profiles/me", profile),
        (Method::DELETE, "/api/v1/profiles/me", json!({})),
        (Method::POST, "/api/v1/auth/password", password),
        (Method::GET, "/api/v1/progress", json!({})),
        (Method::POST, "/api/v1/interviews", wish()),
        (Method::GET, "/api/v1/interviews", json!({})),
    ] {
        problem(app.far(method, path, &ada.token).json(&body).send().await.expect("answered"), 401).await;
    }
}

#[tokio::test]
async fn the_first_admin_comes_from_the_command_line() {
    let app = TestApp::start("").await;
    let add = async |arguments: &'static [&'static str], password: &'static str| {
        let mut program = app.program();
        program.args(["user", "add"]).args(arguments).stdin(std::process::Stdio::piped());
        program.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let ended = tokio::task::spawn_blocking(move || {
            let mut child = program.spawn().expect("it starts");
            std::io::Write::write_all(&mut child.stdin.take().expect("piped"), password.as_bytes()).expect("taken");
            child.wait_with_output().expect("it ends")
        });
        let ended = ended.await.expect("it ends");
        (ended.status.success(), String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned())
    };
    let boss: &[&str] = &["boss", "--email", "boss@example.org", "--admin"];
    let (is_done, said) = add(boss, "correct horse battery\n").await;
    assert!(is_done && said.contains("boss is admin.") && !said.contains("horse"), "{said}");
    let session = login(&app, "boss", PASSWORD, 200).await;
    assert_eq!(text(&session["user"], "role"), "admin");
    for (arguments, password, word) in [
        (boss, "correct horse battery\n", "already"),
        (&["new", "--email", "nothing"][..], "correct horse battery\n", "e-mail"),
        (&["new", "--email", "new@example.org"][..], "short\n", "10"),
    ] {
        let (is_done, said) = add(arguments, password).await;
        assert!(!is_done && said.contains(word), "{said}");
    }
    let (is_done, said) = add(&["iris", "--email", "iris@example.org", "--interviewer"], "").await;
    let made = said.lines().find_map(|line| line.strip_prefix("Password, shown this once: "));
    assert!(is_done, "{said}");
    login(&app, "iris", made.expect("a password"), 200).await;
}
