//! The candidate's screen, by app messages: the same envelopes that travel on a browser's data channel, bounded by what
//! Daily takes. Must never act on a message of anybody but the candidate.

use super::DailyRoom;
use crate::room::daily::wire::Ask;
use crate::room::webrtc::data::{self, Inbound};
use crate::room::{ClientSignal, RoomEvent, ServerMessage};
use serde_json::Value;
use std::time::Instant;

/// Longest app message, bytes: Daily takes 4 kB, and wraps it.
const MESSAGE_BYTES_MAX: usize = 4_000;

impl DailyRoom {
    /// An app message; only the candidate's mean anything.
    pub(super) fn message(&mut self, from: &str, message: &Value, now: Instant) {
        if self.people.candidate() != Some(from) || !self.allowance.take(now) {
            metrics::counter!("vivavoce_room_messages_refused_total").increment(1);
            return;
        }
        let (signal, answer) = match data::read(&message.to_string()) {
            Inbound::Ready { id } => (Some(ClientSignal::Ready), Some(data::bot_ready(id.as_deref()))),
            Inbound::Signal { signal, reply } => (Some(signal), reply.map(|reply| data::response(&reply))),
            Inbound::Refused { id, why } => (None, Some(data::refusal(id.as_deref(), why))),
            Inbound::Ignored => (None, None),
        };
        if let Some(answer) = answer {
            self.send_message(&answer);
        }
        if let Some(signal) = signal {
            self.out.push(RoomEvent::Signal(signal));
        }
    }

    pub(super) fn show(&self, message: &ServerMessage) {
        if !self.is_connected {
            return;
        }
        let mut text = data::write(message, self.wall_clock.now());
        if text.len() > MESSAGE_BYTES_MAX
            && let ServerMessage::State(view) = message
        {
            // What the code pane opens with may be long; the rest of the state must arrive.
            let mut view = view.clone();
            if let Some(question) = &mut view.question {
                question.starter = None;
            }
            text = data::write(&ServerMessage::State(view), self.wall_clock.now());
        }
        self.send_message(&text);
    }

    fn send_message(&self, text: &str) {
        let to = self.people.candidate().map(str::to_owned);
        let sent = match (&self.worker, serde_json::from_str(text)) {
            (Some(worker), Ok(message)) if text.len() <= MESSAGE_BYTES_MAX => worker.ask(Ask::Send { message, to }),
            (_, _) => false,
        };
        if !sent {
            metrics::counter!("vivavoce_room_messages_unsent_total").increment(1);
        }
    }
}
