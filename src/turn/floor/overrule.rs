//! The interviewer takes the floor on purpose: a wish by button, a line that was under way, time that is up. What was
//! said is committed for the record, without a reply. Must never be entered but from the state machine above it.

use super::{Committed, Floor, Instant, Mouth, Reason, Turn, TurnTaking, Utterance, ms_between};

impl TurnTaking {
    /// A wish by button: whatever is under way belongs to what was asked before it.
    pub(super) fn overruled(&mut self, now: Instant) {
        self.ladder.alive(now);
        match std::mem::replace(&mut self.floor, Floor::Idle) {
            Floor::Idle => {}
            Floor::Open(turn) => {
                self.floor = Floor::Open(turn);
                self.overrule(now);
            }
            // What cannot be stopped is judged when it ends, as ever.
            Floor::Overlap(overlap) if matches!(self.mouth, Mouth::Speaking { interruptible: false, .. }) => {
                self.floor = Floor::Overlap(overlap);
            }
            Floor::Overlap(overlap) => {
                let wants_nothing = overlap.utterances.iter().all(Utterance::is_aside);
                self.floor = Floor::Overlap(overlap);
                if wants_nothing {
                    self.drop_overlap();
                } else {
                    self.yield_floor(now);
                    self.overrule(now);
                }
            }
            Floor::Committed(committed) if committed.closed => self.floor = Floor::Committed(committed),
            Floor::Committed(committed) => {
                let wants_nothing = committed.more.utterances.iter().all(Utterance::is_aside);
                let began = committed.began.is_some();
                self.floor = Floor::Committed(Committed { closed: wants_nothing, ..committed });
                if !wants_nothing {
                    self.yield_floor(now);
                    self.overrule(now);
                } else {
                    self.drop_overlap();
                    if began {
                        self.close_committed();
                    }
                }
            }
        }
    }

    /// The interviewer begins a line, which may be interrupted, while `turn` is open: what sounds now may become an
    /// interruption of it; what was said before is waited for no longer, and must not be taken for one.
    pub(super) fn begin_over(&mut self, now: Instant, mut turn: Turn) {
        let (sounding, said): (Vec<_>, Vec<_>) =
            std::mem::take(&mut turn.utterances).into_iter().partition(Utterance::is_talking);
        if said.is_empty() && !sounding.is_empty() {
            turn.utterances = sounding;
            self.floor = Floor::Open(turn);
            self.discard();
            if let Floor::Open(turn) = std::mem::replace(&mut self.floor, Floor::Idle) {
                self.floor = Floor::Overlap(turn);
            }
            return;
        }
        if !said.is_empty() && turn.committed.is_none() && said.iter().all(Utterance::is_aside) {
            self.floor = Floor::Open(turn);
            self.discard();
            self.aside(&said);
            return self.speak_over(sounding);
        }
        turn.utterances = said;
        self.floor = Floor::Open(turn);
        // The line itself may be what asks.
        let awaited = self.awaited;
        self.overrule(now);
        self.awaited = awaited;
        self.close_committed();
        self.speak_over(sounding);
    }

    /// What of `utterances` still sounds goes on over the interviewer's line.
    pub(super) fn speak_over(&mut self, utterances: Vec<Utterance>) {
        let (sounding, said): (Vec<_>, Vec<_>) = utterances.into_iter().partition(Utterance::is_talking);
        self.aside(&said);
        self.floor = match sounding.first().map(|first| first.start) {
            None => Floor::Idle,
            Some(opened) => Floor::Overlap(Turn { utterances: sounding, ..self.new_turn(opened) }),
        };
    }

    /// Commits the open turn as it stands, for good and without a reply.
    pub(super) fn overrule(&mut self, now: Instant) {
        if let Floor::Open(turn) = &self.floor {
            let silence_ms = turn.silent_since().map_or(0, |(_, since)| ms_between(since, now));
            self.commit(now, Reason::Overruled, silence_ms, silence_ms);
        }
    }
}
