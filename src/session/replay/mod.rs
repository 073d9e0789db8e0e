//! A stored interview's taking of turns, decided again: what the floor was told is told to it again in virtual time, with
//! the same thresholds or others, and what it does is compared. Pure: the same log gives the same comparison. Must never
//! claim to know what a candidate would have said to another interviewer: what follows a difference is played as it was.
//!
//! [`Stored`] is what a log holds of it, [`stage`] plays it, [`compare`] tells the differences.

pub mod compare;
mod settings;
mod stage;

use super::event::{SessionEvent, Told};
use crate::audio::frame::SamplePos;
use crate::id::TurnId;
use crate::turn::{Decision, Settings};
use serde_json::Value;
use std::time::Instant;

/// The taking of turns of one interview, as its log tells it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Stored {
    /// One for each time that a server took the interview up.
    pub parts: Vec<Part>,
}

/// What the floor was told between a start and the next.
#[derive(Clone, PartialEq, Debug)]
pub struct Part {
    pub first_turn: TurnId,
    /// The thresholds as they were logged.
    pub settings: Value,
    pub told: Vec<Told>,
    /// What was decided, in order, as the log has it.
    pub decided: Vec<(TurnId, Decision)>,
}

impl Stored {
    /// Reads a log in order.
    #[must_use]
    pub fn read(log: impl Iterator<Item = SessionEvent>) -> Self {
        let mut stored = Self::default();
        let mut next_turn = TurnId(1);
        for event in log {
            let part = stored.parts.last_mut();
            if let SessionEvent::FloorOpened { settings } = event {
                stored.parts.push(Part { first_turn: next_turn, settings, told: Vec::new(), decided: Vec::new() });
            } else if let SessionEvent::FloorTold { events } = event {
                part.into_iter().for_each(|part| part.told.extend(events.iter().cloned()));
            } else if let SessionEvent::AnswerCommitted(answer) = event {
                next_turn = next_turn.max(answer.turn.next());
                // An answer that late words complete is written again with the same decision.
                if let (Some(part), Some(decision)) = (part, answer.decision)
                    && part.decided.last().is_none_or(|(_, last)| *last != decision)
                {
                    part.decided.push((answer.turn, decision));
                }
            } else if let SessionEvent::FalseCutoffRecovered { turn, .. } = event {
                next_turn = turn;
            }
        }
        stored
    }

    /// Whether there is anything to decide.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| part.told.is_empty())
    }
}

/// Where turns were taken: the utterance that paused there was closed, and what came next had a new number.
#[must_use]
pub fn closings(part: &Part, base: Instant) -> Vec<SamplePos> {
    let done = stage::as_it_was(part, base).into_iter();
    done.filter(|done| matches!(done.deed, stage::Deed::Commit { .. })).map(|done| done.at).collect()
}

impl Part {
    /// The thresholds that it was decided by; those that this version does not know are left out.
    #[must_use]
    pub fn settings(&self) -> Settings {
        settings::read(&self.settings)
    }
}
