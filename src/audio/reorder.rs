//! Puts packets back into the order in which they were sent: a packet in order passes at once, a gap is waited for a
//! little, then given up. PURE. Must never delay a packet that is in order, nor hold more than a few.

use std::time::{Duration, Instant};

/// Packets held behind a gap before it is given up (60 ms of 20 ms packets).
pub const HELD_MAX: usize = 3;
/// Longest wait for a missing packet, ms: as long as [`HELD_MAX`] packets take, for a sender that falls silent.
pub const WAIT_MS_MAX: u64 = 80;
/// A jump in the sequence beyond this is a new stream and no loss, packets (10 s).
const JUMP_PACKETS_MAX: i16 = 500;

/// One packet in order, and how many before it are lost for good.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ordered<P> {
    pub packet: P,
    pub lost_before: u16,
}

/// What happened so far.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ReorderCounts {
    pub lost: u64,
    /// Came after their place was given up, or twice.
    pub late: u64,
    pub restarted: u64,
}

struct Held<P> {
    sequence: u16,
    arrival: Instant,
    packet: P,
}

/// The buffer. Push packets as they come and drain [`Reorder::pop`] after each and when [`Reorder::deadline`] is due.
pub struct Reorder<P> {
    next: Option<u16>,
    /// In order of sequence; never more than `HELD_MAX + 1`.
    held: Vec<Held<P>>,
    counts: ReorderCounts,
}

impl<P> Default for Reorder<P> {
    fn default() -> Self {
        Self { next: None, held: Vec::with_capacity(HELD_MAX + 1), counts: ReorderCounts::default() }
    }
}

impl<P> Reorder<P> {
    /// Takes a packet in.
    pub fn push(&mut self, sequence: u16, packet: P, arrival: Instant) {
        let next = *self.next.get_or_insert(sequence);
        let ahead = distance(next, sequence);
        if ahead.unsigned_abs() > JUMP_PACKETS_MAX.unsigned_abs() {
            self.counts.restarted += 1;
            self.held.clear();
            self.next = Some(sequence);
        } else if ahead < 0 || self.held.iter().any(|held| held.sequence == sequence) {
            self.counts.late += 1;
            return;
        }
        let place = self.held.partition_point(|held| distance(held.sequence, sequence) > 0);
        self.held.insert(place, Held { sequence, arrival, packet });
    }

    /// The next packet that may pass at `now`, if any.
    pub fn pop(&mut self, now: Instant) -> Option<Ordered<P>> {
        let next = self.next?;
        let first = self.held.first()?;
        let gap = distance(next, first.sequence);
        let given_up = self.held.len() >= HELD_MAX || self.deadline().is_some_and(|at| now >= at);
        if gap > 0 && !given_up {
            return None;
        }
        let lost_before = gap.unsigned_abs();
        self.counts.lost += u64::from(lost_before);
        let held = self.held.remove(0);
        self.next = Some(held.sequence.wrapping_add(1));
        Some(Ordered { packet: held.packet, lost_before })
    }

    /// When the gap in front of the held packets is given up.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let oldest = self.held.iter().map(|held| held.arrival).min()?;
        Some(oldest + Duration::from_millis(WAIT_MS_MAX))
    }

    #[must_use]
    pub fn counts(&self) -> ReorderCounts {
        self.counts
    }
}

/// How far `sequence` lies ahead of `from`, around the wrap.
fn distance(from: u16, sequence: u16) -> i16 {
    sequence.wrapping_sub(from).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(sequences: &[u16]) -> (Vec<(u16, u16)>, ReorderCounts) {
        let start = Instant::now();
        let mut buffer = Reorder::default();
        let mut out = Vec::new();
        for (i, sequence) in sequences.iter().enumerate() {
            let now = start + Duration::from_millis(20 * i as u64);
            buffer.push(*sequence, *sequence, now);
            while let Some(ordered) = buffer.pop(now) {
                out.push((ordered.packet, ordered.lost_before));
            }
        }
        (out, buffer.counts())
    }

    #[test]
    fn packets_in_order_pass_at_once() {
        let start = Instant::now();
        let mut buffer = Reorder::default();
        for sequence in 10..20_u16 {
            buffer.push(sequence, (), start);
            assert_eq!(buffer.pop(start).map(|o| o.lost_before), Some(0));
            assert_eq!(buffer.pop(start), None);
        }
    }

    #[test]
    fn swapped_packets_are_put_right() {
        assert_eq!(run(&[1, 3, 2, 4]).0, [(1, 0), (2, 0), (3, 0), (4, 0)]);
    }

    #[test]
    fn a_loss_is_given_up_after_three_followers() {
        let (out, counts) = run(&[1, 3, 4, 5, 6]);
        assert_eq!(out, [(1, 0), (3, 1), (4, 0), (5, 0), (6, 0)]);
        assert_eq!(counts.lost, 1);
    }

    #[test]
    fn two_gaps_are_counted_each() {
        let (out, counts) = run(&[1, 3, 5, 6, 7, 8]);
        assert_eq!(out, [(1, 0), (3, 1), (5, 1), (6, 0), (7, 0), (8, 0)]);
        assert_eq!(counts.lost, 2);
    }

    #[test]
    fn doubles_and_latecomers_are_dropped_and_counted() {
        let (out, counts) = run(&[1, 1, 3, 3, 4, 5, 2, 6]);
        assert_eq!(out, [(1, 0), (3, 1), (4, 0), (5, 0), (6, 0)]);
        assert_eq!(counts, ReorderCounts { lost: 1, late: 3, restarted: 0 });
    }

    #[test]
    fn the_sequence_wraps() {
        let (out, counts) = run(&[65_534, 65_535, 1, 0, 2]);
        assert_eq!(out.iter().map(|o| o.0).collect::<Vec<_>>(), [65_534, 65_535, 0, 1, 2]);
        assert_eq!(counts, ReorderCounts::default());
    }

    #[test]
    fn a_long_jump_is_a_new_stream() {
        let (out, counts) = run(&[1, 2, 30_000, 30_001]);
        assert_eq!(out, [(1, 0), (2, 0), (30_000, 0), (30_001, 0)]);
        assert_eq!((counts.lost, counts.restarted), (0, 1));
    }

    #[test]
    fn a_held_packet_passes_when_its_time_is_up() {
        let start = Instant::now();
        let mut buffer = Reorder::default();
        buffer.push(1, "a", start);
        buffer.pop(start);
        buffer.push(3, "c", start);
        assert_eq!(buffer.pop(start), None);
        let due = buffer.deadline().expect("a packet is held");
        assert_eq!(due, start + Duration::from_millis(WAIT_MS_MAX));
        assert_eq!(buffer.pop(due), Some(Ordered { packet: "c", lost_before: 1 }));
        assert_eq!(buffer.deadline(), None);
    }
}
