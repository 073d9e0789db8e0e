//! Whether a call still stands, where the native client does not say so: by what it says at its end, and by who is there
//! according to Daily's servers. Pure.

use super::rest::Presence;
use std::time::{Duration, Instant};

/// Who is there, or why that is not known.
pub type LookUp = Result<Vec<Presence>, String>;

/// Look-ups in a row that must miss somebody who is thought to be there: Daily tells some seconds late.
const MISSES: u32 = 2;

/// What the end of a call means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// Go in again, with a new token.
    Again,
    /// The room is over, or we are not wanted in it.
    ForGood,
}

/// What a call that ended without our asking means. Of these, only the token is ours to renew; an end without a known word
/// is taken for what it most likely is: somebody sent us out.
#[must_use]
pub fn ending_of(said: Option<&str>) -> Ending {
    match said {
        Some("Token expired") => Ending::Again,
        Some(_) | None => Ending::ForGood,
    }
}

/// Whether being refused at the door is for good: the room is over, or never was. A network that fails, a worker that is
/// missing at Daily, and what was never heard of are tried again.
#[must_use]
pub fn is_final_refusal(said: &str) -> bool {
    ["NoLongerAvailable", "Unauthorized", "InvalidUrl", "404 Not Found"].iter().any(|word| said.contains(word))
}

/// What a look-up brings to light.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    AsKnown,
    WeAreGone,
    CandidateIsGone,
}

/// The rhythm of look-ups, and what they missed.
#[derive(Debug)]
pub struct Presences {
    every: Duration,
    due: Instant,
    misses_of_us: u32,
    misses_of_candidate: u32,
}

impl Presences {
    #[must_use]
    pub fn new(every: Duration, now: Instant) -> Self {
        Self { every, due: now + every, misses_of_us: 0, misses_of_candidate: 0 }
    }

    /// Whether it is time for the next.
    pub fn is_due(&mut self, now: Instant) -> bool {
        let is_due = self.due <= now;
        if is_due {
            self.due = now + self.every;
        }
        is_due
    }

    /// Something has happened: look at once.
    pub fn soon(&mut self, now: Instant) {
        self.due = now;
    }

    /// Compares with who is thought to be there. A look-up that failed says nothing of anybody.
    pub fn judge(&mut self, look: LookUp, own: &str, candidate: Option<&str>) -> Verdict {
        let there = match look {
            Ok(there) => there,
            Err(error) => {
                tracing::debug!(error, "who is in the Daily room is not known");
                return Verdict::AsKnown;
            }
        };
        let is_there = |id: &str| there.iter().any(|person| person.id == id);
        let count = |misses: &mut u32, missed: bool| {
            *misses = if missed { *misses + 1 } else { 0 };
            *misses >= MISSES
        };
        let we_are_gone = count(&mut self.misses_of_us, !is_there(own));
        let candidate_is_gone = count(&mut self.misses_of_candidate, candidate.is_some_and(|id| !is_there(id)));
        if self.misses_of_us > 0 || self.misses_of_candidate > 0 {
            // Do not wait a whole period for certainty.
            self.due -= self.every / 2;
        }
        match (we_are_gone, candidate_is_gone) {
            (true, _) => Verdict::WeAreGone,
            (false, true) => Verdict::CandidateIsGone,
            (false, false) => Verdict::AsKnown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there(ids: &[&str]) -> LookUp {
        let person = |id: &&str| Presence { id: (*id).into(), user_id: None, user_name: None };
        Ok(ids.iter().map(person).collect())
    }

    #[test]
    fn somebody_is_gone_only_when_missed_twice_in_a_row() {
        let mut presences = Presences::new(Duration::from_secs(15), Instant::now());
        let mut judge = |look| presences.judge(look, "us", Some("ada"));
        assert_eq!(judge(there(&["ada"])), Verdict::AsKnown);
        assert_eq!(judge(Err("away".into())), Verdict::AsKnown);
        assert_eq!(judge(there(&["us"])), Verdict::AsKnown);
        assert_eq!(judge(there(&["us"])), Verdict::CandidateIsGone);
        assert_eq!(judge(there(&["ada"])), Verdict::AsKnown);
        assert_eq!(judge(there(&[])), Verdict::WeAreGone);
    }

    #[test]
    fn ends_and_refusals_are_told_apart() {
        assert_eq!(ending_of(Some("Token expired")), Ending::Again);
        for said in [Some("Room expired"), Some("Room deleted"), Some("Ejected after timeout"), None] {
            assert_eq!(ending_of(said), Ending::ForGood, "{said:?}");
        }
        let refused = "Connection(Api(RoomLookup(NoLongerAvailable)))";
        let network = "Connection(Api(RoomLookup(RoomInfoFetchFailed(\"IO error: HTTP error: 503\"))))";
        assert!(is_final_refusal(refused) && !is_final_refusal(network));
    }
}
