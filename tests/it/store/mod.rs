//! The record on a real Postgres. Here: what its tests share.

mod away;
mod bank;
mod grace;
mod interviews;
mod log;
mod reports;
mod tokens;

use crate::support::db::TestDb;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use uuid::Uuid;
use vivavoce::id::{NodeId, SessionId};
use vivavoce::interview::question::Level;
use vivavoce::interview::{EndReason, LineKind};
use vivavoce::store::*;

/// A lease that does not run out while a test runs.
pub const LONG: Duration = Duration::from_secs(3_600);

/// Longest wait for something that must happen, s.
pub const WAIT_S: u64 = 60;

pub fn interview() -> NewInterview {
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

pub fn at(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_800_000_000_000 + ms).expect("a time")
}

pub fn event(kind: &'static str, payload: Value) -> NewEvent {
    NewEvent { kind: kind.into(), at: at(0), payload }
}

pub fn line(id: Uuid, content: &str) -> TranscriptRow {
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

pub fn end(status: SessionStatus, first_seq: i64, events: Vec<NewEvent>) -> Finalised {
    Finalised { status, end_reason: EndReason::Completed, at: at(60_000), first_seq, events, projections: Vec::new() }
}

pub async fn claimed(store: &Store) -> Lease {
    let row = store.create_interview(&interview()).await.expect("made");
    store.claim(row.id, NodeId::create(), LONG).await.expect("asked").expect("free")
}

pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(WAIT_S) {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what}: not in {WAIT_S} s");
}

pub async fn pool(db: &TestDb) -> sqlx::PgPool {
    sqlx::PgPool::connect(&db.url).await.expect("connects")
}

pub async fn count(db: &TestDb, query: &'static str) -> i64 {
    let pool = pool(db).await;
    let count = sqlx::query_scalar::<_, i64>(query).fetch_one(&pool).await.expect("counts");
    pool.close().await;
    count
}
