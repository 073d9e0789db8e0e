//! Interviews, consents and nodes: made once, listed by page, expired, cancelled.

use super::*;
use vivavoce::id::UserId;

#[tokio::test]
async fn an_interview_is_stored_as_it_was_given_and_once() {
    let db = TestDb::fresh().await;
    let new = interview();
    let row = db.store.create_interview(&new).await.expect("made");
    assert_eq!((row.id, row.status, row.next_seq, row.epoch), (new.id, SessionStatus::Waiting, 1, 0));
    assert_eq!(
        (row.experience_level, row.tech_stack, row.plan),
        (Level::Middle, new.tech_stack.clone(), new.plan.clone())
    );
    assert_eq!(row.report_state, ReportState::None);
    let again = db.store.create_interview(&new).await.expect("the same");
    assert_eq!(again.created_at, row.created_at);
    assert_eq!(db.store.interview(SessionId::create()).await, Err(StoreError::NotFound));
}

#[tokio::test]
async fn pages_of_interviews_go_back_in_time_and_keep_to_their_user() {
    let db = TestDb::fresh().await;
    let user = UserId::create();
    let account = NewUser {
        id: user,
        username: "ada".into(),
        email: "ada@example.org".into(),
        password_hash: "none".into(),
        full_name: "Ada".into(),
        role: UserRole::Candidate,
    };
    db.store.create_user(&account).await.expect("made");
    let taken = NewUser { id: UserId::create(), email: "ADA@example.org".into(), username: "other".into(), ..account };
    assert_eq!(db.store.create_user(&taken).await, Err(StoreError::Conflict { what: "users_email_key".into() }));
    let mut ids = Vec::new();
    for number in 0..5 {
        let user_id = (number % 2 == 0).then_some(user);
        ids.push(db.store.create_interview(&NewInterview { user_id, ..interview() }).await.expect("made").id);
    }
    let page = async |before, user| {
        let rows = db.store.interviews(2, before, user).await.expect("listed");
        rows.iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(page(None, None).await, [ids[4], ids[3]]);
    assert_eq!(page(Some(ids[3]), None).await, [ids[2], ids[1]]);
    assert_eq!(page(None, Some(user)).await, [ids[4], ids[2]]);
    let stranger = NewInterview { user_id: Some(UserId::create()), ..interview() };
    assert_eq!(db.store.create_interview(&stranger).await, Err(StoreError::NotFound));
}

#[tokio::test]
async fn what_did_not_begin_in_time_is_abandoned_and_what_is_nobodys_can_be_cancelled() {
    let db = TestDb::fresh().await;
    let past = Some(Utc::now() - chrono::TimeDelta::hours(1));
    let late = db.store.create_interview(&NewInterview { expires_at: past, ..interview() }).await.expect("made");
    let open = db.store.create_interview(&interview()).await.expect("made");
    assert_eq!(db.store.expire(10).await, Ok(vec![late.id]));
    assert_eq!(db.store.interview(late.id).await.expect("there").status, SessionStatus::Abandoned);
    assert_eq!(db.store.cancel(open.id).await.expect("cancelled").end_reason, Some(EndReason::Cancelled));
    assert!(matches!(db.store.cancel(open.id).await, Err(StoreError::Conflict { .. })));
    let owned = claimed(&db.store).await;
    assert!(matches!(db.store.cancel(owned.session).await, Err(StoreError::Conflict { .. })));
    db.store.append_at(&owned, 1, &[event("a", json!({}))], &[Projection::Started { at: at(0) }]).await.expect("kept");
    assert!(matches!(db.store.set_plan(owned.session, &json!({})).await, Err(StoreError::Conflict { .. })));
}

#[tokio::test]
async fn consent_is_given_once_and_stands() {
    let db = TestDb::fresh().await;
    let row = db.store.create_interview(&interview()).await.expect("made");
    assert_eq!(db.store.consent(row.id).await, Ok(None));
    let first = db.store.give_consent(row.id, "2026-11", "aa", "candidate").await.expect("stored");
    let again = db.store.give_consent(row.id, "2026-11", "bb", "somebody").await.expect("stands");
    assert_eq!(first, again);
    assert_eq!(db.store.consent(row.id).await, Ok(Some(first)));
    assert_eq!(db.store.give_consent(SessionId::create(), "1", "aa", "x").await, Err(StoreError::NotFound));
}

#[tokio::test]
async fn nodes_are_known_by_their_heartbeats() {
    let db = TestDb::fresh().await;
    let node = NodeRow {
        id: NodeId::create(),
        public_url: "http://localhost:1".into(),
        version: "0".into(),
        capacity: 8,
        load: 1,
        draining: false,
        heartbeat_at: at(0),
    };
    db.store.heartbeat(&node).await.expect("heard");
    db.store.heartbeat(&NodeRow { load: 2, ..node.clone() }).await.expect("heard");
    let nodes = db.store.nodes(LONG).await.expect("listed");
    assert_eq!(nodes.iter().map(|node| node.load).collect::<Vec<_>>(), [2]);
    assert_ne!(nodes[0].heartbeat_at, at(0), "the database's clock");
    assert_eq!(db.store.nodes(Duration::ZERO).await, Ok(vec![]));
    db.store.remove_node(node.id).await.expect("gone");
    assert_eq!(db.store.nodes(LONG).await, Ok(vec![]));
}
