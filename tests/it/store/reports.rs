//! Reports: stored, made by the job, tried again, parked, taken over from a dead worker.

use super::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio_util::sync::CancellationToken;
use vivavoce::interview::QuestionOutcome;
use vivavoce::jobs::{self, MakeReport};

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
    db.store
        .save_responses(id, &[response("a", 0), ResponseRow { level: None, ..response("c", 1) }])
        .await
        .expect("stored");
    let keys: Vec<_> =
        db.store.responses(id).await.expect("read").into_iter().map(|row| (row.question_key, row.level)).collect();
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
            if number < failures {
                Err("not this time".into())
            } else {
                store.save_report(session, &report()).await.map_err(|error| error.to_string())
            }
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
