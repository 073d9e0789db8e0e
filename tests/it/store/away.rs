//! A database that is away: told as such, and nothing that was acknowledged is lost.

use super::*;
use crate::support::db;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use vivavoce::embedded::postgres::{self, Durability};

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
