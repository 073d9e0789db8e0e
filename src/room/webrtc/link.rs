//! A connection with its names and its rights: the resource that it is to the outside, the ETag of its ICE session, and
//! how many messages its client may still send. Must never act by itself.

use super::peer::Peer;
use super::{RoomError, sdp};
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Messages that a client may send at once.
const BURST_MAX: f64 = 100.0;
/// Messages a second that it may send for long (a page sends fewer than ten).
const MESSAGES_PER_S: f64 = 50.0;
/// How long a page that was told something last may take to read it before its connection is closed.
const FAREWELL: Duration = Duration::from_millis(250);

/// A connection as a resource.
pub struct Link {
    pub peer: Arc<Peer>,
    pub resource: String,
    pub opened_at: Instant,
    /// ICE restarts so far.
    generation: u32,
    /// The client's ICE user fragment.
    user_fragment: String,
    allowance: Allowance,
}

impl Link {
    pub fn new(peer: Peer, user_fragment: String, now: Instant) -> Self {
        Self {
            peer: Arc::new(peer),
            // Not to be guessed, though the token is what guards it.
            resource: Uuid::new_v4().simple().to_string(),
            opened_at: now,
            generation: 0,
            user_fragment,
            allowance: Allowance::new(now),
        }
    }

    /// Names the ICE session; the quotes that HTTP wants around it are HTTP's.
    pub fn etag(&self) -> String {
        format!("{}-{}", &self.resource[..8], self.generation)
    }

    /// The client's new ICE user fragment if `fragment` restarts ICE, which must state the ETag.
    pub fn restart(&self, fragment: &sdp::Fragment, if_match: Option<&str>) -> Result<Option<String>, RoomError> {
        let stale = if_match.is_some_and(|etag| etag != self.etag() && etag != "*");
        let restart = fragment.credentials.as_ref().filter(|(ufrag, _)| *ufrag != self.user_fragment);
        if stale || (restart.is_some() && if_match.is_none()) {
            return Err(RoomError::StaleEtag);
        }
        Ok(restart.map(|(ufrag, _)| ufrag.clone()))
    }

    /// ICE was restarted with the client's `user_fragment`: the link has a new name.
    pub fn restarted(&mut self, user_fragment: String) {
        self.user_fragment = user_fragment;
        self.generation += 1;
    }

    /// Whether one more message of the client is taken.
    pub fn allows(&mut self, now: Instant) -> bool {
        self.allowance.take(now)
    }

    /// Closes the connection when its page has had time to read the last word.
    pub async fn close_after_farewell(self) {
        tokio::time::sleep(FAREWELL).await;
        self.peer.close().await;
    }
}

/// How many messages a client may still send.
pub struct Allowance {
    left: f64,
    since: Instant,
}

impl Allowance {
    pub fn new(now: Instant) -> Self {
        Self { left: BURST_MAX, since: now }
    }

    /// Whether one more is allowed.
    pub fn take(&mut self, now: Instant) -> bool {
        let earned = now.saturating_duration_since(self.since).as_secs_f64() * MESSAGES_PER_S;
        self.left = (self.left + earned).min(BURST_MAX);
        self.since = now;
        let allowed = self.left >= 1.0;
        self.left -= if allowed { 1.0 } else { 0.0 };
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_messages_is_cut_to_its_allowance() {
        let start = Instant::now();
        let mut allowance = Allowance::new(start);
        assert_eq!((0..1_000).filter(|_| allowance.take(start)).count(), 100);
        let later = start + Duration::from_secs(1);
        assert_eq!((0..1_000).filter(|_| allowance.take(later)).count(), 50);
    }
}
