//! The record in memory: it keeps what a session writes, as slowly as a test wants, or is away, or fenced. Must never be
//! kinder than the database: a batch is kept whole or not at all, and gaps are faults.

use super::parts::locked;
use futures::future::BoxFuture;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use vivavoce::room::SampleClock;
use vivavoce::session::event::SessionEvent;
use vivavoce::session::journal::Record;
use vivavoce::session::now;
use vivavoce::store::{NewEvent, Projection, StoreError, TranscriptRow};

/// One event, and when it was durable.
#[derive(Clone, Debug)]
pub struct Written {
    pub seq: i64,
    pub kind: String,
    pub payload: Value,
    pub durable_ms: u64,
    /// The same as whoever takes the session up reads it.
    pub read: SessionEvent,
}

impl Written {
    pub fn event(&self) -> SessionEvent {
        self.read.clone()
    }
}

/// How the record takes what it is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Door {
    Open,
    Away,
    Fenced,
}

/// A record; clones share what is kept.
#[derive(Clone, Debug)]
pub struct Notebook(Arc<Mutex<Kept>>);

#[derive(Clone, Debug)]
pub struct Kept {
    clock: SampleClock,
    delay: Duration,
    door: Door,
    pub written: Vec<Written>,
    /// Rows of the transcript as they stand, by id, and how often each was written.
    pub rows: BTreeMap<uuid::Uuid, (TranscriptRow, u32)>,
    pub faults: Vec<String>,
}

impl Notebook {
    /// A record that has these events already.
    pub fn with(clock: SampleClock, written: Vec<Written>) -> Self {
        let kept =
            Kept { clock, delay: Duration::ZERO, door: Door::Open, written, rows: BTreeMap::new(), faults: Vec::new() };
        Self(Arc::new(Mutex::new(kept)))
    }

    /// From now on writing takes so long.
    pub fn takes_ms(&self, ms: u64) {
        locked(&self.0).delay = Duration::from_millis(ms);
    }

    pub fn door(&self, door: Door) {
        locked(&self.0).door = door;
    }

    pub fn kept(&self) -> Kept {
        locked(&self.0).clone()
    }
}

impl Record for Notebook {
    fn append(
        &self,
        first_seq: i64,
        events: Vec<NewEvent>,
        projections: Vec<Projection>,
    ) -> BoxFuture<'static, Result<(), StoreError>> {
        let kept = self.0.clone();
        Box::pin(async move {
            let delay = locked(&kept).delay;
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            let mut kept = locked(&kept);
            match kept.door {
                Door::Away => Err(StoreError::Unavailable { what: "the test says so".into() }),
                Door::Fenced => Err(StoreError::Fenced),
                Door::Open => {
                    kept.keep(first_seq, events, projections);
                    Ok(())
                }
            }
        })
    }
}

impl Kept {
    fn keep(&mut self, first_seq: i64, events: Vec<NewEvent>, projections: Vec<Projection>) {
        let wanted = self.written.last().map_or(1, |last| last.seq + 1);
        if first_seq != wanted {
            self.faults.push(format!("wrote {first_seq} where {wanted} was due"));
        }
        let durable_ms = self.clock.at(now()).ms();
        for (seq, event) in (first_seq..).zip(events) {
            let (kind, payload) = (event.kind.into_owned(), event.payload);
            let read = SessionEvent::from_row(&kind, &payload).expect("what is written can be read");
            self.written.push(Written { seq, kind, payload, durable_ms, read });
        }
        for projection in projections {
            if let Projection::Transcript(row) = projection {
                let times = self.rows.get(&row.id).map_or(0, |(_, times)| *times);
                self.rows.insert(row.id, (row, times + 1));
            }
        }
    }
}
