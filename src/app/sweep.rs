//! Leases and what was left behind: this node's leases are renewed, interviews that nobody owns any more and that no
//! candidate comes back to are finalised. Must never end an interview whose candidate may still come back.

use super::live::{LEASE, Live};
use crate::clock::Clock;
use crate::id::SessionId;
use crate::interview::EndReason;
use crate::store::{RoomKind, Store, StoreError};
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Leases are renewed three times in their life.
const RENEW_EVERY: Duration = Duration::from_secs(LEASE.as_secs() / 3);
/// How long a forsaken interview waits for its candidate, min: whoever was told to come back in a few minutes has gone
/// for a coffee. Shorter than the longest silence that a recording bridges (an hour).
const GRACE_MIN: i64 = 15;
/// Forsaken interviews looked at in one round.
const ORPHANS_MAX: u32 = 20;
/// Rounds between two looks for forsaken interviews.
const ORPHANS_EVERY: u32 = 4;

/// Who has had time enough to come back. An interview is left behind by our fault alone (who leaves by themselves is
/// waited for by the session), so no time counts in which nobody could have come back.
#[derive(Debug)]
pub struct Grace {
    clock: Clock,
    /// Since when this server has been there, and its database with it.
    open_since: DateTime<Utc>,
}

impl Grace {
    #[must_use]
    pub fn begin(clock: Clock) -> Self {
        let open_since = clock.now();
        Self { clock, open_since }
    }

    /// The database was away just now.
    pub fn interrupted(&mut self) {
        self.open_since = self.clock.now();
    }

    /// The interviews that nobody owns and nobody came back to in time; written ones are left for `written_h` hours.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn forsaken(&self, store: &Store, written_h: u32) -> Result<Vec<SessionId>, StoreError> {
        let mut forsaken = Vec::new();
        for id in store.orphans(ORPHANS_MAX, written_h).await? {
            let row = store.interview(id).await?;
            let since = row.lease_until.unwrap_or(row.updated_at).max(self.open_since);
            if self.clock.now() - since >= chrono::Duration::minutes(GRACE_MIN) {
                forsaken.push(id);
            }
        }
        Ok(forsaken)
    }
}

/// Runs until `stop`; the leases of sessions that are being finalised are renewed until they are over.
pub async fn run(live: Arc<Live>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(RENEW_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut round = 0u32;
    let mut grace = Grace::begin(live.clock.clone());
    while !(stop.is_cancelled() && live.count() == 0) {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.cancelled(), if live.count() == 0 => return,
        }
        // Asked before, so that a session that is claimed in the meantime is not taken for a lost one.
        let held = live.ids();
        match live.store.renew(live.node, &held, LEASE).await {
            Ok(owned) => live.stop_lost(&held, &owned),
            // The lease runs out if this lasts; the log's fence then stops the session.
            Err(error) => {
                grace.interrupted();
                tracing::warn!(%error, "leases were not renewed");
            }
        }
        round = round.wrapping_add(1);
        if round.is_multiple_of(ORPHANS_EVERY)
            && !stop.is_cancelled()
            && let Err(error) = adopt(&live, &grace).await
        {
            tracing::warn!(%error, "forsaken interviews were not looked for");
        }
    }
}

async fn adopt(live: &Arc<Live>, grace: &Grace) -> Result<(), StoreError> {
    live.store.expire(ORPHANS_MAX).await?;
    let written_h = live.settings.interview.written_away_hours;
    let forsaken = grace.forsaken(&live.store, written_h).await?;
    if live.daily.is_some() {
        for id in live.store.orphans(ORPHANS_MAX, written_h).await?.into_iter().filter(|id| !forsaken.contains(id)) {
            go_back(live, id).await?;
        }
    }
    for id in forsaken {
        // Who was lost during the goodbye has not run away.
        let reason = live.ending(id).await?.unwrap_or(EndReason::Left);
        if live.close_forsaken(id, reason).await? {
            tracing::info!(session = %id, "an interview that nobody came back to is over");
        }
    }
    Ok(())
}

/// A browser comes back by itself; into a Daily room it is we who must.
async fn go_back(live: &Arc<Live>, id: SessionId) -> Result<(), StoreError> {
    if live.store.interview(id).await?.room == RoomKind::Daily
        && let Err(error) = live.begin_daily(id).await
    {
        tracing::warn!(session = %id, %error, "the interviewer did not go back into the Daily room");
    }
    Ok(())
}
