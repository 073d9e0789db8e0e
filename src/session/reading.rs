//! A session's log, read from the record as far as it goes. Must never change anything.

use super::restore::{self, Restored};
use crate::id::SessionId;
use crate::store::{EventRow, Store, StoreError};

/// Events read at once.
const EVENTS_PAGE: u32 = 1_000;

/// Where a session stands by its log; `None` if it has none yet.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn restored(store: &Store, id: SessionId) -> Result<Option<Restored>, StoreError> {
    let mut rows = Vec::new();
    loop {
        let after = rows.last().map_or(0, |row: &EventRow| row.seq);
        let page = store.events(id, after, EVENTS_PAGE).await?;
        let done = page.len() < EVENTS_PAGE as usize;
        rows.extend(page);
        if done {
            break;
        }
    }
    let events = rows.iter().map(|row| (row.seq, row.kind.as_str(), &row.payload));
    Ok((!rows.is_empty()).then(|| restore::restore(events)))
}
