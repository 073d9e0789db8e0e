//! The event log: numbered without a gap, fenced, safe to repeat; leases, projections, and the end with its job.

use super::*;
use std::collections::HashMap;

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
        let (one, two) =
            tokio::join!(db.store.append_at(&lease, seq, &events, &[]), db.store.append_at(&lease, seq, &events, &[]));
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
    assert_eq!(
        db.store.append_at(&old, 1, &[event("a", json!({}))], &[Projection::Started { at: at(0) }]).await,
        Ok(1)
    );
    let new = db.store.claim(row.id, NodeId::create(), LONG).await.expect("asked").expect("its lease has run out");
    assert_eq!((new.epoch, new.first_seq), (old.epoch + 1, 2));
    let late = [event("late", json!({}))];
    let shown = [Projection::Transcript(line(Uuid::now_v7(), "late"))];
    assert_eq!(db.store.append_at(&old, 2, &late, &shown).await, Err(StoreError::Fenced));
    assert_eq!(db.store.append(&old, &late, &shown).await, Err(StoreError::Fenced));
    assert_eq!(
        db.store.append_at(&old, 1, &[event("a", json!({}))], &[]).await,
        Err(StoreError::Fenced),
        "even what it wrote"
    );
    assert_eq!(db.store.finalise(&old, &end(SessionStatus::Completed, 2, vec![])).await, Err(StoreError::Fenced));
    db.store.release(&old).await.expect("does nothing");
    assert_eq!(db.store.append_at(&new, 2, &[event("b", json!({}))], &[]).await, Ok(2));
    let kinds: Vec<_> =
        db.store.events(row.id, 0, 9).await.expect("read").into_iter().map(|row| (row.kind, row.epoch)).collect();
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
    assert_eq!(db.store.renew(lease.node, &[row.id], LONG).await, Ok(vec![row.id]));
    let other = nodes.into_iter().find(|node| *node != lease.node).expect("eight");
    assert_eq!(db.store.renew(other, &[row.id], LONG).await, Ok(vec![]));
    db.store.release(lease).await.expect("released");
    assert_eq!(db.store.renew(lease.node, &[row.id], LONG).await, Ok(vec![]));
    assert!(db.store.claim(row.id, other, LONG).await.expect("asked").is_some());
}

#[tokio::test]
async fn orphans_are_what_was_under_way_and_is_nobodys() {
    let db = TestDb::fresh().await;
    let store = &db.store;
    let mut made = HashMap::new();
    for (name, lease, started) in [
        ("alive", LONG, true),
        ("forsaken", Duration::ZERO, true),
        ("handed back", LONG, true),
        ("forsaken in the room", Duration::ZERO, false),
    ] {
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
    let mut names: Vec<&str> = store.orphans(10, 1).await.expect("listed").iter().map(|id| made[id]).collect();
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
    let usage = UsageRow {
        id,
        part: "stt".into(),
        provider: "moonshine".into(),
        seconds: 1.5,
        tokens_in: 0,
        tokens_out: 0,
        cost_micro_usd: None,
    };
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
async fn a_day_knows_what_was_spent_on_it() {
    let db = TestDb::fresh().await;
    let lease = claimed(&db.store).await;
    let row = |provider: &str, cost_micro_usd| {
        Projection::Usage(UsageRow {
            id: Uuid::now_v7(),
            part: "llm".into(),
            provider: provider.into(),
            seconds: 0.0,
            tokens_in: 10,
            tokens_out: 5,
            cost_micro_usd,
        })
    };
    let today = chrono::Utc::now().date_naive();
    assert_eq!(db.store.spent_on(today).await, Ok(0));
    let rows = [row("a", Some(1_200)), row("b", None), row("c", Some(34))];
    db.store.append_at(&lease, 1, &[event("a", json!({}))], &rows).await.expect("kept");
    let tomorrow = chrono::Utc::now().date_naive();
    // Midnight may have passed in between.
    let spent = db.store.spent_on(tomorrow).await.expect("read")
        + if tomorrow == today { 0 } else { db.store.spent_on(today).await.expect("read") };
    assert_eq!(spent, 1_234);
    assert_eq!(db.store.spent_on(today - chrono::Duration::days(3)).await, Ok(0));
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
    let refused =
        db.store.append_at(&lease, 1, &[event("a", json!({}))], &[Projection::Status(SessionStatus::Completed)]).await;
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
    assert_eq!(
        db.store.events(lease.session, 0, 1).await.expect("read")[0].payload,
        json!({"te\u{fffd}xt": "a\u{fffd}b"})
    );
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
    assert!(matches!(
        db.store.finalise(&lease, &end(SessionStatus::Active, 2, vec![])).await,
        Err(StoreError::Invalid { .. })
    ));
    assert_eq!(count(&db, jobs).await, 0, "nothing of it was kept");
    assert_eq!(db.store.interview(lease.session).await.expect("there").status, SessionStatus::Active);

    let mut last = end(SessionStatus::Completed, 2, vec![event("ended", json!({}))]);
    last.projections = vec![Projection::Transcript(line(Uuid::now_v7(), "Goodbye."))];
    db.store.finalise(&lease, &last).await.expect("over");
    db.store.finalise(&lease, &last).await.expect("its answer may have been lost");
    let row = db.store.interview(lease.session).await.expect("there");
    assert_eq!(
        (row.status, row.end_reason, row.end_time),
        (SessionStatus::Completed, Some(EndReason::Completed), Some(at(60_000)))
    );
    assert_eq!((row.owner, row.lease_until, row.next_seq, row.report_state), (None, None, 3, ReportState::Queued));
    assert_eq!(count(&db, jobs).await, 1);
    assert_eq!(db.store.events(lease.session, 0, 9).await.expect("read").len(), 2);
    assert_eq!(db.store.transcripts(lease.session).await.expect("read").len(), 1);
    assert_eq!(db.store.append_at(&lease, 3, &[event("late", json!({}))], &[]).await, Err(StoreError::Fenced));
    assert_eq!(db.store.claim(lease.session, NodeId::create(), LONG).await, Ok(None), "nobody owns what is over");
}
