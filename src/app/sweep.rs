//! Leases and what was left behind: this node's leases are renewed, interviews that nobody owns any more and that no
//! candidate comes back to are finalised. Must never end an interview whose candidate may still come back.

use super::live::{LEASE, Live};
use crate::interview::EndReason;
use crate::store::RoomKind;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Leases are renewed three times in their life.
const RENEW_EVERY: Duration = Duration::from_secs(LEASE.as_secs() / 3);
/// How long a forsaken interview waits for its candidate's reconnect (the page tries for 60 s), s.
const GRACE_S: i64 = 90;
/// Forsaken interviews looked at in one round.
const ORPHANS_MAX: u32 = 20;
/// Rounds between two looks for forsaken interviews.
const ORPHANS_EVERY: u32 = 4;

/// Runs until `stop`; the leases of sessions that are being finalised are renewed until they are over.
pub async fn run(live: Arc<Live>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(RENEW_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut round = 0u32;
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
            Err(error) => tracing::warn!(%error, "leases were not renewed"),
        }
        round = round.wrapping_add(1);
        if round.is_multiple_of(ORPHANS_EVERY)
            && !stop.is_cancelled()
            && let Err(error) = adopt(&live).await
        {
            tracing::warn!(%error, "forsaken interviews were not looked for");
        }
    }
}

async fn adopt(live: &Arc<Live>) -> Result<(), crate::store::StoreError> {
    live.store.expire(ORPHANS_MAX).await?;
    for id in live.store.orphans(ORPHANS_MAX, live.settings.interview.written_away_hours).await? {
        let row = live.store.interview(id).await?;
        let since = row.lease_until.unwrap_or(row.updated_at);
        if live.clock.now() - since < chrono::Duration::seconds(GRACE_S) {
            // A browser comes back by itself; into a Daily room it is we who must.
            if row.room == RoomKind::Daily
                && live.daily.is_some()
                && let Err(error) = live.begin_daily(id).await
            {
                tracing::warn!(session = %id, %error, "the interviewer did not go back into the Daily room");
            }
            continue;
        }
        // Who was lost during the goodbye has not run away.
        let reason = live.ending(id).await?.unwrap_or(EndReason::Left);
        if live.close_forsaken(id, reason).await? {
            tracing::info!(session = %id, "an interview that nobody came back to is over");
        }
    }
    Ok(())
}
