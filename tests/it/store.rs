//! The record on a real Postgres: the fence, repeats after a lost answer, leases, projections, the end of an interview
//! with its job, the bank's versions, and a database that goes away.

use crate::support::db::{self, TestDb};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use vivavoce::embedded::postgres::{self, Durability};
use vivavoce::id::{CategoryId, NodeId, SessionId, UserId};
use vivavoce::interview::question::{Anchors, Bank, Category, Competency, KeyPoint, Level, Probe, ProbeKind, Question, QuestionKind};
use vivavoce::interview::{EndReason, LineKind, QuestionOutcome};
use vivavoce::jobs::{self, MakeReport};
use vivavoce::store::*;

/// A lease that does not run out while a test runs.
const LONG: Duration = Duration::from_secs(3_600);

/// Longest wait for something that must happen, s.
const WAIT_S: u64 = 60;

fn interview() -> NewInterview {
    NewInterview {
        id: SessionId::create(),
        user_id: None,
        category_id: None,
        category_slug: "backend".into(),
        title: "Back-end engineer".into(),
        candidate_name: Some("Ada".into()),
        job_position: "Back-end engineer".into(),
        experience_level: Level::Middle,
        tech_stack: vec!["rust".into(), "postgres".into()],
        language: "en".into(),
        mode: Mode::Voice,
        purpose: Purpose::Practice,
        room: RoomKind::Webrtc,
        daily_room_url: None,
        status: SessionStatus::Waiting,
        plan: json!({"questions": ["a"]}),
        accommodations: json!({"patience": 1.5}),
        scheduled_at: None,
        expires_at: None,
    }
}

fn at(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_800_000_000_000 + ms).expect("a time")
}

fn event(kind: &'static str, payload: Value) -> NewEvent {
    NewEvent { kind: kind.into(), at: at(0), payload }
}

fn line(id: Uuid, content: &str) -> TranscriptRow {
    TranscriptRow {
        id,
        role: Role::Interviewer,
        content: content.into(),
        planned: Some("What is idempotency?".into()),
        interrupted: false,
        question_key: Some("backend.idempotency".into()),
        start_ms: 1_000,
        end_ms: 2_500,
        latency_ms: Some(480),
        stages: json!({"decision_ms": 300, "first_sample_ms": 480}),
        confidence: None,
        provider: Some("kokoro".into()),
        line_kind: Some(LineKind::Question),
        turn: Some(3),
    }
}

fn end(status: SessionStatus, first_seq: i64, events: Vec<NewEvent>) -> Finalised {
    Finalised { status, end_reason: EndReason::Completed, at: at(60_000), first_seq, events, projections: Vec::new() }
}

async fn claimed(store: &Store) -> Lease {
    let row = store.create_interview(&interview()).await.expect("made");
    store.claim(row.id, NodeId::create(), LONG).await.expect("asked").expect("free")
}

async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(WAIT_S) {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what}: not in {WAIT_S} s");
}

async fn pool(db: &TestDb) -> sqlx::PgPool {
    sqlx::PgPool::connect(&db.url).await.expect("connects")
}

async fn count(db: &TestDb, query: &'static str) -> i64 {
    let pool = pool(db).await;
    let count = sqlx::query_scalar::<_, i64>(query).fetch_one(&pool).await.expect("counts");
    pool.close().await;
    count
}

#[tokio::test]
async fn an_interview_is_stored_as_it_was_given_and_once() {
    let db = TestDb::fresh().await;
    let new = interview();
    let row = db.store.create_interview(&new).await.expect("made");
    assert_eq!((row.id, row.status, row.next_seq, row.epoch), (new.id, SessionStatus::Waiting, 1, 0));
    assert_eq!((row.experience_level, row.tech_stack, row.plan), (Level::Middle, new.tech_stack.clone(), new.plan.clone()));
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
async fn events_are_numbered_without_a_gap_and_read_in_order() {
    let db = TestDb::fresh().await;
    let lease = claimed(&db.store).await;
    assert_eq!(lease.first_seq, 1);
    let first = [event("a", json!({"n": 1})), event("b", json!({"n": 2.5}))];
    assert_eq!(db.store.append_at(&lease, 1, &first, &[]).await, Ok(2));
    assert_eq!(db.store.append_at(&lease, 3, &[event("c", json!(null))], &[]).await, Ok(3));
    assert_eq!(db.store.append(&lease, &[event("d", json!([]))], &[]).await, Ok(4));
    let read = db.store.events(lease.session, 1, 2).await.expect("read");
    let told: Vec<_> = read.iter().map(|row| (row.seq, row.kind.as_str(), row.epoch, row.payload.clone())).collect();
    assert_eq!(told, [(2, "b", 1, json!({"n": 2.5})), (3, "c", 1, json!(null))]);
    assert_eq!(read[0].at, at(0));
}

#[tokio::test]
async fn a_repeated_append_is_a_success_once_and_a_different_one_a_conflict() {
    let db = TestDb::fresh().await;
    let lease = claimed(&db.store).await;
    let events = [event("a", json!({"text": "quoted \"words\"", "p": 0.1})), event("b", json!({}))];
    let said = [Projection::Transcript(line(Uuid::now_v7(), "What is"))];
    assert_eq!(db.store.append_at(&lease, 1, &events, &said).await, Ok(2));
    assert_eq!(db.store.append_at(&lease, 1, &events, &said).await, Ok(2), "its answer may have been lost");
    assert_eq!(db.store.append_at(&lease, 3, &[event("c", json!({}))], &[]).await, Ok(3));
    assert_eq!(db.store.append_at(&lease, 1, &events, &said).await, Ok(2), "also when the log has gone on");
    let other = [event("a", json!({"text": "other words"})), event("b", json!({}))];
    for (first_seq, events) in [(1, &other[..]), (2, &events[..]), (5, &events[..])] {
        let refused = db.store.append_at(&lease, first_seq, events, &[]).await;
        assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{first_seq}: {refused:?}");
    }
    assert_eq!(db.store.events(lease.session, 0, 100).await.expect("read").len(), 3);
    assert_eq!(db.store.transcripts(lease.session).await.expect("read").len(), 1);
}

#[tokio::test]
async fn racing_appends_of_the_same_events_write_them_once() {
    let db = TestDb::fresh().await;
    let lease = claimed(&db.store).await;
    for seq in 1..=20 {
        let events = [event("a", json!({"seq": seq}))];
        let (one, two) = tokio::join!(db.store.append_at(&lease, seq, &events, &[]), db.store.append_at(&lease, seq, &events, &[]));
        assert_eq!((one, two), (Ok(seq), Ok(seq)));
    }
    assert_eq!(db.store.interview(lease.session).await.expect("there").next_seq, 21);
    assert_eq!(db.store.events(lease.session, 0, 100).await.expect("read").len(), 20);
}

#[tokio::test]
async fn an_old_epoch_writes_nothing() {
    let db = TestDb::fresh().await;
    let row = db.store.create_interview(&interview()).await.expect("made");
    let old = db.store.claim(row.id, NodeId::create(), Duration::ZERO).await.expect("asked").expect("free");
    assert_eq!(db.store.append_at(&old, 1, &[event("a", json!({}))], &[Projection::Started { at: at(0) }]).await, Ok(1));
    let new = db.store.claim(row.id, NodeId::create(), LONG).await.expect("asked").expect("its lease has run out");
    assert_eq!((new.epoch, new.first_seq), (old.epoch + 1, 2));
    let late = [event("late", json!({}))];
    let shown = [Projection::Transcript(line(Uuid::now_v7(), "late"))];
    assert_eq!(db.store.append_at(&old, 2, &late, &shown).await, Err(StoreError::Fenced));
    assert_eq!(db.store.append(&old, &late, &shown).await, Err(StoreError::Fenced));
    assert_eq!(db.store.append_at(&old, 1, &[event("a", json!({}))], &[]).await, Err(StoreError::Fenced), "even what it wrote");
    assert_eq!(db.store.finalise(&old, &end(SessionStatus::Completed, 2, vec![])).await, Err(StoreError::Fenced));
    db.store.release(&old).await.expect("does nothing");
    assert_eq!(db.store.append_at(&new, 2, &[event("b", json!({}))], &[]).await, Ok(2));
    let kinds: Vec<_> = db.store.events(row.id, 0, 9).await.expect("read").into_iter().map(|row| (row.kind, row.epoch)).collect();
    assert_eq!(kinds, [("a".into(), 1), ("b".into(), 2)]);
    assert!(db.store.transcripts(row.id).await.expect("read").is_empty());
}

#[tokio::test]
async fn one_of_many_nodes_gets_the_lease_and_keeps_it_by_renewing() {
    let db = TestDb::fresh().await;
    let row = db.store.create_interview(&interview()).await.expect("made");
    let nodes: Vec<NodeId> = (0..8).map(|_| NodeId::create()).collect();
    let claims = futures::future::join_all(nodes.iter().map(|node| db.store.claim(row.id, *node, LONG))).await;
    let leases: Vec<Lease> = claims.into_iter().filter_map(|claim| claim.expect("asked")).collect();
    let [lease] = leases.as_slice() else { panic!("{leases:?}") };
    assert_eq!(db.store.renew(lease.node, LONG).await, Ok(vec![row.id]));
    let other = nodes.into_iter().find(|node| *node != lease.node).expect("eight");
    assert_eq!(db.store.renew(other, LONG).await, Ok(vec![]));
    db.store.release(lease).await.expect("released");
    assert_eq!(db.store.renew(lease.node, LONG).await, Ok(vec![]));
    assert!(db.store.claim(row.id, other, LONG).await.expect("asked").is_some());
}

#[tokio::test]
async fn orphans_are_what_was_under_way_and_is_nobodys() {
    let db = TestDb::fresh().await;
    let store = &db.store;
    let mut made = HashMap::new();
    for (name, lease, started) in
        [("alive", LONG, true), ("forsaken", Duration::ZERO, true), ("handed back", LONG, true), ("forsaken in the room", Duration::ZERO, false)]
    {
        let row = store.create_interview(&interview()).await.expect("made");
        let lease = store.claim(row.id, NodeId::create(), lease).await.expect("asked").expect("free");
        let projections: &[_] = if started { &[Projection::Started { at: at(0) }] } else { &[] };
        store.append_at(&lease, 1, &[event("a", json!({}))], projections).await.expect("kept");
        if name == "handed back" {
            store.release(&lease).await.expect("released");
        }
        made.insert(row.id, name);
    }
    store.create_interview(&interview()).await.expect("nobody has come to it yet");
    let over = claimed(store).await;
    store.finalise(&over, &end(SessionStatus::Completed, 1, vec![])).await.expect("over");
    let mut names: Vec<&str> = store.orphans(10).await.expect("listed").iter().map(|id| made[id]).collect();
    names.sort_unstable();
    assert_eq!(names, ["forsaken", "forsaken in the room", "handed back"]);
}

#[tokio::test]
async fn projections_are_upserts_by_their_natural_keys() {
    let db = TestDb::fresh().await;
    let lease = claimed(&db.store).await;
    let id = Uuid::now_v7();
    let artifact = |content: &str| ArtifactRow {
        id: Uuid::now_v7(),
        question_key: "code.one".into(),
        language: "python".into(),
        content: content.into(),
        version: 1,
        submitted: false,
        at_ms: 9_000,
        ai_analysis: None,
    };
    let recording = |seconds: f64, state| RecordingRow {
        file: "x.wav".into(),
        start_ms: 0,
        seconds,
        bytes: 44,
        sample_rate_hz: 24_000,
        channels: 2,
        state,
    };
    let usage = UsageRow { id, part: "stt".into(), provider: "moonshine".into(), seconds: 1.5, tokens_in: 0, tokens_out: 0, cost_micro_usd: None };
    let begin = [
        Projection::Started { at: at(5) },
        Projection::Transcript(line(id, "What")),
        Projection::Artifact(artifact("a")),
        Projection::Recording(recording(1.0, RecordingState::Open)),
        Projection::Usage(usage.clone()),
        Projection::Plan(json!({"at": 1})),
    ];
    db.store.append_at(&lease, 1, &[event("a", json!({}))], &begin).await.expect("kept");
    let whole = TranscriptRow { interrupted: true, end_ms: 3_000, ..line(id, "What is idempotency?") };
    let later = [
        Projection::Started { at: at(99) },
        Projection::Status(SessionStatus::Paused),
        Projection::Transcript(whole.clone()),
        Projection::Artifact(artifact("b")),
        Projection::Recording(recording(2.0, RecordingState::Complete)),
        Projection::Usage(UsageRow { seconds: 2.5, ..usage.clone() }),
    ];
    db.store.append_at(&lease, 2, &[event("b", json!({}))], &later).await.expect("kept");
    let row = db.store.interview(lease.session).await.expect("there");
    assert_eq!((row.status, row.start_time, row.plan), (SessionStatus::Paused, Some(at(5)), json!({"at": 1})));
    assert_eq!(db.store.transcripts(lease.session).await, Ok(vec![whole]));
    let artifacts = db.store.artifacts(lease.session).await.expect("read");
    assert_eq!(artifacts.iter().map(|row| row.content.as_str()).collect::<Vec<_>>(), ["b"]);
    assert_eq!(db.store.recordings(lease.session).await, Ok(vec![recording(2.0, RecordingState::Complete)]));
    assert_eq!(db.store.usage(lease.session).await, Ok(vec![UsageRow { seconds: 2.5, ..usage }]));
}

#[tokio::test]
async fn events_whose_projection_is_refused_are_not_kept() {
    let db = TestDb::fresh().await;
    let lease = claimed(&db.store).await;
    let bad = Projection::Usage(UsageRow {
        id: Uuid::now_v7(),
        part: "no such part".into(),
        provider: "x".into(),
        seconds: 0.0,
        tokens_in: 0,
        tokens_out: 0,
        cost_micro_usd: None,
    });
    let refused = db.store.append_at(&lease, 1, &[event("a", json!({}))], &[bad]).await;
    assert_eq!(refused, Err(StoreError::Invalid { what: "usage_part_check".into() }));
    let refused = db.store.append_at(&lease, 1, &[event("a", json!({}))], &[Projection::Status(SessionStatus::Completed)]).await;
    assert!(matches!(refused, Err(StoreError::Invalid { .. })));
    assert_eq!(db.store.append_at(&lease, 1, &[event("a", json!({}))], &[]).await, Ok(1), "nothing was taken");
}

#[tokio::test]
async fn a_nul_in_somebodys_words_costs_no_event() {
    let db = TestDb::fresh().await;
    let lease = claimed(&db.store).await;
    let events = [event("typed", json!({"te\0xt": "a\0b"}))];
    let said = [Projection::Transcript(line(Uuid::now_v7(), "a\0b"))];
    assert_eq!(db.store.append_at(&lease, 1, &events, &said).await, Ok(1));
    assert_eq!(db.store.append_at(&lease, 1, &events, &said).await, Ok(1));
    assert_eq!(db.store.events(lease.session, 0, 1).await.expect("read")[0].payload, json!({"te\u{fffd}xt": "a\u{fffd}b"}));
    assert_eq!(db.store.transcripts(lease.session).await.expect("read")[0].content, "a\u{fffd}b");
}

#[tokio::test]
async fn an_event_is_never_changed() {
    let db = TestDb::fresh().await;
    let lease = claimed(&db.store).await;
    db.store.append_at(&lease, 1, &[event("a", json!({}))], &[]).await.expect("kept");
    let pool = pool(&db).await;
    let changed = sqlx::query("update session_events set payload = '1'").execute(&pool).await;
    assert!(changed.is_err_and(|error| error.to_string().contains("never changed")));
}

#[tokio::test]
async fn the_end_is_one_transaction_with_its_job_and_safe_to_repeat() {
    let db = TestDb::fresh().await;
    let lease = claimed(&db.store).await;
    db.store.append_at(&lease, 1, &[event("a", json!({}))], &[Projection::Started { at: at(0) }]).await.expect("kept");
    let jobs = "select count(*) from graphile_worker._private_jobs";

    let mut refused = end(SessionStatus::Completed, 2, vec![event("ended", json!({}))]);
    refused.projections = vec![Projection::Status(SessionStatus::Failed)];
    assert!(matches!(db.store.finalise(&lease, &refused).await, Err(StoreError::Invalid { .. })));
    let miscounted = end(SessionStatus::Completed, 7, vec![event("ended", json!({}))]);
    assert!(matches!(db.store.finalise(&lease, &miscounted).await, Err(StoreError::Conflict { .. })));
    assert!(matches!(db.store.finalise(&lease, &end(SessionStatus::Active, 2, vec![])).await, Err(StoreError::Invalid { .. })));
    assert_eq!(count(&db, jobs).await, 0, "nothing of it was kept");
    assert_eq!(db.store.interview(lease.session).await.expect("there").status, SessionStatus::Active);

    let mut last = end(SessionStatus::Completed, 2, vec![event("ended", json!({}))]);
    last.projections = vec![Projection::Transcript(line(Uuid::now_v7(), "Goodbye."))];
    db.store.finalise(&lease, &last).await.expect("over");
    db.store.finalise(&lease, &last).await.expect("its answer may have been lost");
    let row = db.store.interview(lease.session).await.expect("there");
    assert_eq!((row.status, row.end_reason, row.end_time), (SessionStatus::Completed, Some(EndReason::Completed), Some(at(60_000))));
    assert_eq!((row.owner, row.lease_until, row.next_seq, row.report_state), (None, None, 3, ReportState::Queued));
    assert_eq!(count(&db, jobs).await, 1);
    assert_eq!(db.store.events(lease.session, 0, 9).await.expect("read").len(), 2);
    assert_eq!(db.store.transcripts(lease.session).await.expect("read").len(), 1);
    assert_eq!(db.store.append_at(&lease, 3, &[event("late", json!({}))], &[]).await, Err(StoreError::Fenced));
    assert_eq!(db.store.claim(lease.session, NodeId::create(), LONG).await, Ok(None), "nobody owns what is over");
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

fn report() -> ReportRow {
    ReportRow {
        overall_score: Some(72.5),
        technical_score: Some(80.0),
        soft_skill_score: None,
        score_notes: json!({"soft_skill_score": "no evidence"}),
        ai_feedback: "Good.".into(),
        recommendation: "inconclusive".into(),
        document: json!({"questions": []}),
        rubric_hash: "r".into(),
        prompts_hash: "p".into(),
        bank_hash: "b".into(),
        model: "none".into(),
        made_at: at(0),
    }
}

fn response(key: &str, position: i32) -> ResponseRow {
    ResponseRow {
        question_key: key.into(),
        question_version: 1,
        position,
        answer: "It can be repeated.".into(),
        start_ms: Some(1),
        end_ms: Some(2),
        outcome: Some(QuestionOutcome::Answered),
        level: Some(4),
        score: Some(75.0),
        comment: None,
        key_points: json!([{"id": "k", "state": "met"}]),
        detail: json!({}),
        state: ResponseState::Scored,
    }
}

#[tokio::test]
async fn reports_and_responses_replace_what_was_there() {
    let db = TestDb::fresh().await;
    let id = db.store.create_interview(&interview()).await.expect("made").id;
    assert_eq!(db.store.report(id).await, Err(StoreError::NotFound));
    db.store.save_responses(id, &[response("b", 1), response("a", 0)]).await.expect("stored");
    db.store.save_responses(id, &[response("a", 0), ResponseRow { level: None, ..response("c", 1) }]).await.expect("stored");
    let keys: Vec<_> = db.store.responses(id).await.expect("read").into_iter().map(|row| (row.question_key, row.level)).collect();
    assert_eq!(keys, [("a".to_owned(), Some(4)), ("c".to_owned(), None)]);
    db.store.save_report(id, &report()).await.expect("stored");
    let second = ReportRow { overall_score: None, ..report() };
    db.store.save_report(id, &second).await.expect("stored");
    assert_eq!(db.store.report(id).await, Ok(second));
    assert_eq!(db.store.interview(id).await.expect("there").report_state, ReportState::Ready);
    let wrong = ReportRow { recommendation: "hire!".into(), ..report() };
    assert!(matches!(db.store.save_report(id, &wrong).await, Err(StoreError::Invalid { .. })));
    assert_eq!(db.store.save_report(SessionId::create(), &report()).await, Err(StoreError::NotFound));
}

/// Reports that fail as often as told, then are made.
fn reports(store: &Store, failures: u32) -> (MakeReport, Arc<AtomicU32>) {
    let (store, calls) = (store.clone(), Arc::new(AtomicU32::new(0)));
    let counted = calls.clone();
    let make: MakeReport = Arc::new(move |session| {
        let (store, number) = (store.clone(), counted.fetch_add(1, Ordering::SeqCst));
        Box::pin(async move {
            if number < failures { Err("not this time".into()) } else { store.save_report(session, &report()).await.map_err(|error| error.to_string()) }
        })
    });
    (make, calls)
}

#[tokio::test]
async fn the_job_of_an_ended_interview_makes_its_report_and_tries_again_after_a_failure() {
    let db = TestDb::fresh().await;
    let lease = claimed(&db.store).await;
    let (make, calls) = reports(&db.store, 1);
    let stop = CancellationToken::new();
    let worker = jobs::start(&db.store, make, stop.clone()).await.expect("starts");
    db.store.finalise(&lease, &end(SessionStatus::Completed, 1, vec![])).await.expect("over");
    eventually("the report", async || db.store.report(lease.session).await.ok()).await;
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    stop.cancel();
    worker.wait().await.expect("stops");
}

#[tokio::test]
async fn a_report_that_ends_its_process_each_time_is_parked_and_can_be_queued_again() {
    let db = TestDb::fresh().await;
    let lease = claimed(&db.store).await;
    db.store.finalise(&lease, &end(SessionStatus::Completed, 1, vec![])).await.expect("over");
    for attempt in 1..=jobs::ATTEMPTS_MAX_TRIES {
        assert_eq!(db.store.begin_report(lease.session).await, Ok(attempt), "begun, and never ended");
    }
    let (make, calls) = reports(&db.store, 0);
    let stop = CancellationToken::new();
    let worker = jobs::start(&db.store, make, stop.clone()).await.expect("starts");
    let state = async |wanted| {
        eventually("the report's state", async || {
            let row = db.store.interview(lease.session).await.expect("there");
            (row.report_state == wanted).then_some(())
        })
        .await;
    };
    state(ReportState::Failed).await;
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    db.store.queue_report(lease.session).await.expect("queued");
    state(ReportState::Ready).await;
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    stop.cancel();
    worker.wait().await.expect("stops");
    let open = db.store.create_interview(&interview()).await.expect("made");
    assert!(matches!(db.store.queue_report(open.id).await, Err(StoreError::Conflict { .. })));
}

#[tokio::test]
async fn a_job_of_a_worker_that_was_killed_goes_to_another() {
    let db = TestDb::fresh().await;
    let lease = claimed(&db.store).await;
    db.store.finalise(&lease, &end(SessionStatus::Completed, 1, vec![])).await.expect("over");
    // What a killed worker leaves: the job locked, the worker registered, its last heartbeat long ago.
    let pool = pool(&db).await;
    for statement in [
        "update graphile_worker._private_jobs set locked_by = 'dead', locked_at = now(), attempts = attempts + 1",
        "insert into graphile_worker._private_workers (id, last_heartbeat_at) values ('dead', now() - interval '1 hour')",
    ] {
        sqlx::query(statement).execute(&pool).await.expect(statement);
    }
    let (make, _) = reports(&db.store, 0);
    let stop = CancellationToken::new();
    let worker = jobs::start(&db.store, make, stop.clone()).await.expect("starts");
    eventually("the report", async || db.store.report(lease.session).await.ok()).await;
    stop.cancel();
    worker.wait().await.expect("stops");
}

fn question(key: &str, prompt: &str) -> Question {
    Question {
        key: key.into(),
        version: 1,
        twin: None,
        competency: "design".into(),
        level: Level::Junior,
        difficulty: 2,
        kind: QuestionKind::Factual,
        time_box_s: 120,
        anchor: true,
        prompt: prompt.into(),
        rephrased: "In other words?".into(),
        reference_answer: "Because.".into(),
        code: None,
        key_points: vec![KeyPoint {
            id: "k".into(),
            statement: "It says why.".into(),
            weight: 1.5,
            must: true,
            paraphrases: vec!["since".into()],
            terms: vec!["why|because".into()],
        }],
        misconceptions: Vec::new(),
        probes: vec![Probe { key_point: "k".into(), kind: ProbeKind::Depth, text: "Why is that?".into() }],
        anchors: Anchors { one: "no".into(), three: "some".into(), five: "all".into() },
    }
}

fn bank(questions: Vec<Question>) -> Bank {
    let category = Category {
        slug: "backend".into(),
        name: "Back end".into(),
        description: "Servers".into(),
        language: "en".into(),
        system_prompt: "Be kind.".into(),
        job_positions: vec!["Back-end engineer".into()],
        competencies: vec![Competency { slug: "design".into(), name: "Design".into(), weight: 1.0 }],
    };
    Bank { category, questions }
}

#[tokio::test]
async fn the_bank_keeps_every_version_that_was_asked() {
    let db = TestDb::fresh().await;
    let first = bank(vec![question("a", "What is a?"), question("b", "What is b?")]);
    let id = db.store.sync_bank(&first).await.expect("stored");
    assert_eq!(db.store.bank("backend", "en").await, Ok(first.clone()));
    assert_eq!(db.store.sync_bank(&first).await, Ok(id));
    assert_eq!(count(&db, "select count(*) from questions").await, 2, "nothing new");

    let senior = Question { level: Level::Senior, version: 7, ..question("c", "What is c?") };
    let second = bank(vec![senior.clone(), question("a", "What, then, is a?")]);
    db.store.sync_bank(&second).await.expect("stored");
    let stored = db.store.bank("backend", "en").await.expect("read");
    let told: Vec<_> = stored.questions.iter().map(|question| (question.key.as_str(), question.version)).collect();
    assert_eq!(told, [("c", 7), ("a", 2)], "a change without a new version gets the next one; b is withdrawn");
    assert_eq!(db.store.question(id, "a", 1).await, Ok(question("a", "What is a?")));
    assert_eq!(db.store.question(id, "b", 1).await.expect("kept").prompt, "What is b?");
    assert_eq!(db.store.question(id, "b", 2).await, Err(StoreError::NotFound));

    db.store.sync_bank(&first).await.expect("stored");
    let stored = db.store.bank("backend", "en").await.expect("read");
    let told: Vec<_> = stored.questions.iter().map(|question| (question.key.as_str(), question.version)).collect();
    assert_eq!(told, [("a", 3), ("b", 2)], "what comes back is a new version too");
    let categories = db.store.categories().await.expect("listed");
    assert_eq!(categories.len(), 1);
    assert_eq!(categories[0].levels, [LevelCount { level: Level::Junior, questions: 2 }]);
    assert_eq!(db.store.bank("backend", "ru").await, Err(StoreError::NotFound));
}

#[tokio::test]
async fn lines_refer_to_the_version_that_was_asked() {
    let db = TestDb::fresh().await;
    let category: CategoryId = db.store.sync_bank(&bank(vec![question("backend.idempotency", "One?")])).await.expect("stored");
    let new = NewInterview { category_id: Some(category), ..interview() };
    let row = db.store.create_interview(&new).await.expect("made");
    db.store.sync_bank(&bank(vec![question("backend.idempotency", "Two?")])).await.expect("stored");
    let lease = db.store.claim(row.id, NodeId::create(), LONG).await.expect("asked").expect("free");
    let said = [Projection::Transcript(line(Uuid::now_v7(), "One?"))];
    db.store.append_at(&lease, 1, &[event("said", json!({}))], &said).await.expect("kept");
    let version = "select version::bigint from questions where id = (select question_id from transcripts)";
    assert_eq!(count(&db, version).await, 1);
}

#[tokio::test]
async fn a_database_that_is_away_is_told_as_unavailable_and_nothing_acknowledged_is_lost() {
    let directory = db::directory();
    let paths = db::paths(&directory);
    let cluster = postgres::start(&paths, Durability::Safe).await.expect("starts");
    let store = Store::connect(&cluster.url(), 4).await.expect("connects");
    let lease = claimed(&store).await;
    let acknowledged = Arc::new(Mutex::new(0));
    let told = Arc::new(AtomicU32::new(0));
    let writer = tokio::spawn({
        let (store, lease, acknowledged, told) = (store.clone(), lease.clone(), acknowledged.clone(), told.clone());
        async move {
            for seq in 1..=200 {
                let events = [event("a", json!({"seq": seq}))];
                loop {
                    match store.append_at(&lease, seq, &events, &[]).await {
                        Ok(last) => {
                            *acknowledged.lock().expect("one writer") = last;
                            break;
                        }
                        Err(StoreError::Unavailable { .. }) => {
                            told.fetch_add(1, Ordering::SeqCst);
                            tokio::time::sleep(Duration::from_millis(20)).await;
                        }
                        Err(error) => panic!("{seq}: {error}"),
                    }
                }
            }
        }
    });
    eventually("some are kept", async || (*acknowledged.lock().expect("one writer") > 20).then_some(())).await;
    cluster.stop().await.expect("stops in the middle");
    eventually("the writer notices", async || (told.load(Ordering::SeqCst) > 0).then_some(())).await;
    let cluster = postgres::start(&paths, Durability::Safe).await.expect("starts");
    writer.await.expect("the writer comes through");
    let events = store.events(lease.session, 0, 1_000).await.expect("read");
    assert_eq!(events.iter().map(|row| row.seq).collect::<Vec<_>>(), (1..=200).collect::<Vec<_>>());
    assert!(events.iter().all(|row| row.payload == json!({"seq": row.seq})));
    store.close().await;
    cluster.stop().await.expect("stops");
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let url = format!("postgres://vivavoce@localhost/vivavoce?host={}&port=5432", db::directory().display());
    let refused = Store::connect(&url, 1).await.map(|_| ());
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
    let refused = Store::connect("no url", 1).await.map(|_| ());
    assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
}
