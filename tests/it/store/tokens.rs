//! Refresh tokens and what ends them at the same moment.

use super::*;
use sqlx::{Connection, PgConnection};
use vivavoce::id::UserId;

const OLD: TokenHash = [1; 32];
const NEW: TokenHash = [2; 32];

async fn account(db: &TestDb) -> UserId {
    let new = NewUser {
        id: UserId::create(),
        username: "ada".into(),
        email: "ada@example.org".into(),
        password_hash: "first".into(),
        full_name: String::new(),
        role: UserRole::Candidate,
    };
    db.store.create_user(&new).await.expect("made").id
}

fn tomorrow() -> DateTime<Utc> {
    at(0) + chrono::Duration::days(1)
}

/// Holds the account as whatever changes it does.
async fn hold(db: &TestDb, user: UserId) -> PgConnection {
    let mut holder = PgConnection::connect(&db.url).await.expect("connects");
    sqlx::query("begin").execute(&mut holder).await.expect("begun");
    sqlx::query("select from users where id = $1 for update").bind(user.0).execute(&mut holder).await.expect("held");
    holder
}

async fn somebody_waits(db: &TestDb) {
    let waiting =
        "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    eventually("a call that waits", async || (count(db, waiting).await > 0).then_some(())).await;
}

#[tokio::test]
async fn what_ends_all_logins_ends_one_that_is_just_being_renewed() {
    let db = TestDb::fresh().await;
    let user = account(&db).await;
    db.store.begin_refresh(user, "first", &OLD, tomorrow()).await.expect("logged in");
    let mut holder = hold(&db, user).await;
    let store = db.store.clone();
    let renewing = tokio::spawn(async move { store.rotate_refresh(&OLD, &NEW, at(0), tomorrow()).await });
    somebody_waits(&db).await;
    for ends in ["update users set password_hash = 'second'", "update refresh_tokens set revoked_at = now()", "commit"]
    {
        sqlx::query(ends).execute(&mut holder).await.expect(ends);
    }
    assert_eq!(renewing.await.expect("ended"), Ok(Rotated::Refused));
    assert_eq!(count(&db, "select count(*) from refresh_tokens where revoked_at is null").await, 0);
}

#[tokio::test]
async fn a_login_by_a_password_that_was_just_changed_is_none() {
    let db = TestDb::fresh().await;
    let user = account(&db).await;
    let mut holder = hold(&db, user).await;
    let store = db.store.clone();
    let begun = tokio::spawn(async move { store.begin_refresh(user, "first", &OLD, tomorrow()).await });
    somebody_waits(&db).await;
    for ends in ["update users set password_hash = 'second'", "commit"] {
        sqlx::query(ends).execute(&mut holder).await.expect(ends);
    }
    assert_eq!(begun.await.expect("ended"), Err(StoreError::NotFound));
    db.store.begin_refresh(user, "second", &OLD, tomorrow()).await.expect("by the new one");
    let shut = UserChange { disabled: Some(true), ..UserChange::default() };
    db.store.change_user(user, &shut).await.expect("shut");
    let late = db.store.begin_refresh(user, "second", &NEW, tomorrow()).await;
    assert_eq!(late, Err(StoreError::NotFound), "an account that is shut has no login");
}
