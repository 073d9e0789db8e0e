//! UDP ports of the configured range, one a connection: `webrtc` binds sockets of its own for each, so a deployment
//! behind published ports needs somebody who deals them out. Must never hand one port to two connections.

use super::RoomError;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

/// The pool; clones share it. Without a range the system chooses.
#[derive(Clone, Debug, Default)]
pub struct UdpPorts {
    range: Option<RangeInclusive<u16>>,
    taken: Arc<Mutex<BTreeSet<u16>>>,
}

/// One port, given back when dropped.
#[derive(Debug)]
pub struct PortLease {
    /// 0 where the system chooses.
    pub port: u16,
    taken: Arc<Mutex<BTreeSet<u16>>>,
}

impl UdpPorts {
    /// A pool over `range`; `None` lets the system choose.
    #[must_use]
    pub fn new(range: Option<RangeInclusive<u16>>) -> Self {
        Self { range, taken: Arc::default() }
    }

    /// How many ports there are to try; 1 where the system chooses.
    #[must_use]
    pub fn count(&self) -> usize {
        self.range.as_ref().map_or(1, ExactSizeIterator::len)
    }

    /// Takes the next free port that is not in `tried`.
    pub fn lease(&self, tried: &[PortLease]) -> Result<PortLease, RoomError> {
        let Some(range) = &self.range else {
            return Ok(PortLease { port: 0, taken: Arc::clone(&self.taken) });
        };
        // Nothing panics while the lock is held: a poisoned set is as good as any.
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let is_free = |port: &u16| !taken.contains(port) && tried.iter().all(|lease| lease.port != *port);
        let port = range.clone().find(is_free).ok_or(RoomError::NoPort)?;
        taken.insert(port);
        Ok(PortLease { port, taken: Arc::clone(&self.taken) })
    }
}

impl Drop for PortLease {
    fn drop(&mut self) {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.port);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_dealt_once_and_come_back() {
        let ports = UdpPorts::new(Some(40_000..=40_001));
        let first = ports.lease(&[]).expect("two are free");
        let second = ports.lease(&[]).expect("one is free");
        assert_eq!((first.port, second.port), (40_000, 40_001));
        assert!(matches!(ports.lease(&[]), Err(RoomError::NoPort)));
        drop(first);
        assert_eq!(ports.lease(&[]).expect("given back").port, 40_000);
    }

    #[test]
    fn without_a_range_the_system_chooses() {
        let ports = UdpPorts::new(None);
        let leases: Vec<u16> = (0..3).filter_map(|_| ports.lease(&[]).ok()).map(|lease| lease.port).collect();
        assert_eq!(leases, [0, 0, 0]);
    }
}
