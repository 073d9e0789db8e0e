//! Events on their way to the session. The room never waits for its session: what the channel cannot take stays here in
//! order, and beyond a limit the oldest audio goes. Must never drop anything but audio and the candidate's signals.

use crate::room::RoomEvent;
use std::collections::VecDeque;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

/// Events that may stay here beside the channel (5 s of frames both ways).
const BACKLOG_MAX: usize = 512;

/// The way out.
pub struct Outbox {
    events: mpsc::Sender<RoomEvent>,
    backlog: VecDeque<RoomEvent>,
    dropped: u64,
}

impl Outbox {
    pub fn new(events: mpsc::Sender<RoomEvent>) -> Self {
        Self { events, backlog: VecDeque::new(), dropped: 0 }
    }

    /// Sends or keeps `event`.
    pub fn push(&mut self, event: RoomEvent) {
        self.drain();
        if self.backlog.is_empty() {
            match self.events.try_send(event) {
                Ok(()) | Err(TrySendError::Closed(_)) => return,
                Err(TrySendError::Full(event)) => self.backlog.push_back(event),
            }
        } else {
            self.backlog.push_back(event);
        }
        if self.backlog.len() > BACKLOG_MAX {
            self.drop_one();
        }
    }

    /// Sends what was kept, as far as the session takes it.
    pub fn drain(&mut self) {
        while let Some(event) = self.backlog.pop_front() {
            match self.events.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Full(event)) => return self.backlog.push_front(event),
                Err(TrySendError::Closed(_)) => return self.backlog.clear(),
            }
        }
    }

    /// The session is gone.
    pub fn is_closed(&self) -> bool {
        self.events.is_closed()
    }

    /// Waits until everything is sent, or the session is gone.
    pub async fn flush(&mut self) {
        while let Some(event) = self.backlog.pop_front() {
            if self.events.send(event).await.is_err() {
                return;
            }
        }
    }

    fn drop_one(&mut self) {
        let oldest =
            |wanted: fn(&RoomEvent) -> bool| move |events: &VecDeque<RoomEvent>| events.iter().position(wanted);
        let audio = oldest(|event| matches!(event, RoomEvent::Heard(_) | RoomEvent::Sent { .. }));
        let signal = oldest(|event| matches!(event, RoomEvent::Signal(_)));
        if let Some(index) = audio(&self.backlog).or_else(|| signal(&self.backlog)) {
            self.backlog.remove(index);
            self.dropped += 1;
            metrics::counter!("vivavoce_room_events_dropped_total").increment(1);
            if self.dropped.is_power_of_two() {
                tracing::warn!(dropped = self.dropped, "the session does not keep up with its room");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::frame::{EAR_FRAME_SAMPLES, EarFrame, SamplePos};

    fn heard(n: u64) -> RoomEvent {
        RoomEvent::Heard(EarFrame { at: SamplePos(n), pcm: [0; EAR_FRAME_SAMPLES], concealed: false })
    }

    #[test]
    fn a_slow_session_loses_the_oldest_audio_and_nothing_else() {
        let (events, mut session) = mpsc::channel(1);
        let mut outbox = Outbox::new(events);
        outbox.push(RoomEvent::Connected);
        outbox.push(RoomEvent::Interrupted);
        let count = BACKLOG_MAX as u64 + 10;
        (0..count).for_each(|n| outbox.push(heard(n)));
        outbox.push(RoomEvent::Connected);
        let mut got = Vec::new();
        while let Ok(event) = session.try_recv() {
            got.push(event);
            outbox.drain();
        }
        assert!(matches!(got[..2], [RoomEvent::Connected, RoomEvent::Interrupted]));
        assert!(matches!(got[2], RoomEvent::Heard(EarFrame { at: SamplePos(12), .. })), "{:?}", got[2]);
        assert!(matches!(got.last(), Some(RoomEvent::Connected)));
        assert_eq!(got.len(), 1 + BACKLOG_MAX);
    }

    #[test]
    fn a_session_that_is_gone_costs_nothing() {
        let (events, session) = mpsc::channel(1);
        let mut outbox = Outbox::new(events);
        drop(session);
        (0..10).for_each(|n| outbox.push(heard(n)));
        assert!(outbox.backlog.is_empty() && outbox.is_closed());
    }
}
