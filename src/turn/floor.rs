//! The state machine of the floor: whose turn it is, and every way from one state to the next. Timers due at `now` are
//! handled before the event at `now`. Must never weigh signs itself: `endpointing`, `interruption` and `silence` do.

use super::endpointing::OwnPauses;
use super::interruption::{self, Verdict};
use super::settings::Settings;
use super::silence::Ladder;
use super::utterance::{Asked, Turn, Utterance};
use super::{Command, Event, Reason, SilenceStep};
use crate::audio::frame::SamplePos;
use crate::id::{SpeechId, TurnId, UtteranceId};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

mod commit;
mod overrule;

/// Decides who may speak in one conversation.
#[derive(Debug)]
pub struct TurnTaking {
    settings: Settings,
    floor: Floor,
    mouth: Mouth,
    halt: Halt,
    /// The candidate's sound that goes on now, whatever it belongs to, and since when.
    voice: Option<(UtteranceId, Instant)>,
    /// The latest utterance that began; older ids are stale.
    latest: Option<UtteranceId>,
    /// The last utterance of a commitment that stands: what goes on of it belongs there.
    taken: Option<UtteranceId>,
    /// What was asked last.
    asked: Option<Asked>,
    /// Something was asked and nothing was committed since.
    awaited: bool,
    typed_at: Option<Instant>,
    /// Typed text waits for the end of a line that cannot be interrupted.
    typed_waits: bool,
    /// Silence before this means nothing (a pause, a lost connection).
    quiet_from: Option<Instant>,
    own: OwnPauses,
    ladder: Ladder,
    next_turn: TurnId,
    last_pos: SamplePos,
    /// The latest `now`; time never runs backwards.
    now: Option<Instant>,
    commands: VecDeque<Command>,
}

/// Whose turn it is.
#[derive(Debug)]
enum Floor {
    /// Nothing of the candidate's is under way.
    Idle,
    /// The candidate has the floor and uses it, or pauses.
    Open(Turn),
    /// The candidate sounds while the interviewer speaks: it may become a turn.
    Overlap(Turn),
    /// The candidate's turn was taken as complete; the reply is awaited or has just begun.
    Committed(Committed),
}

#[derive(Debug)]
struct Committed {
    turn: Turn,
    at: Instant,
    /// When the reply began.
    began: Option<Instant>,
    /// What the candidate sounds since: it may reopen the turn.
    more: Turn,
    /// The floor was taken on purpose: the turn cannot be reopened.
    closed: bool,
}

/// What the interviewer does.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Mouth {
    Silent,
    Speaking {
        speech: SpeechId,
        interruptible: bool,
        held: bool,
    },
    /// Stopped; its end has not been told yet.
    Stopping {
        speech: SpeechId,
    },
}

/// Why silence means nothing.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
struct Halt {
    paused: bool,
    away: bool,
}

/// What a timer does.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Due {
    Commit(Reason, u64, u64),
    Prepare,
    Monologue,
    Hold,
    Resume,
    /// The overlap is an interruption (or, after a commitment, the turn goes on).
    Yield,
    /// The overlap is nothing.
    Drop,
    /// The commitment can no longer be reopened.
    Close,
    Ladder(SilenceStep),
}

/// Steps of one `settle`: every step changes the state, and no conversation needs a dozen at one instant.
const SETTLE_STEPS_MAX: usize = 64;
/// A start of speech may be told so long after it happened, ms; the window of recovery stays open for it.
const ONSET_LAG_MS: u64 = 300;

impl TurnTaking {
    /// A conversation in which nobody has spoken.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            floor: Floor::Idle,
            mouth: Mouth::Silent,
            halt: Halt::default(),
            voice: None,
            latest: None,
            taken: None,
            asked: None,
            awaited: false,
            typed_at: None,
            typed_waits: false,
            quiet_from: None,
            own: OwnPauses::default(),
            ladder: Ladder::default(),
            next_turn: TurnId(1),
            last_pos: SamplePos(0),
            now: None,
            commands: VecDeque::new(),
        }
    }

    /// The same, with turns numbered from `first` (after a restart, behind those in the log).
    #[must_use]
    pub fn starting_at(mut self, first: TurnId) -> Self {
        self.next_turn = first;
        self
    }

    /// Something happened at `now`.
    pub fn handle_event(&mut self, now: Instant, event: Event) {
        self.settle(now);
        self.apply(self.now.unwrap_or(now), event);
        self.settle(now);
    }

    /// The deadline has come (or passed).
    pub fn handle_timeout(&mut self, now: Instant) {
        self.settle(now);
    }

    /// What is to be done next; drain until `None`.
    pub fn poll_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// When `handle_timeout` is to be called, if nothing happens before.
    #[must_use]
    pub fn poll_deadline(&self) -> Option<Instant> {
        self.next_due(self.now?).map(|(at, _)| at)
    }

    fn settle(&mut self, now: Instant) {
        let now = self.now.map_or(now, |latest| latest.max(now));
        self.now = Some(now);
        for _ in 0..SETTLE_STEPS_MAX {
            match self.next_due(now) {
                Some((at, due)) if at <= now => self.take(now, due),
                Some(_) | None => return,
            }
        }
        debug_assert!(false, "the floor does not settle: {self:?}");
    }

    fn apply(&mut self, now: Instant, event: Event) {
        match event {
            Event::SpeechStarted { utterance, at, speech_ms } => self.speech_started(now, utterance, at, speech_ms),
            Event::SpeechStopped { utterance, at, silence_ms } => {
                self.speech_stopped(utterance, at, before(now, silence_ms))
            }
            Event::Completion { utterance, probability } => {
                self.with_utterance(utterance, |utterance| utterance.judged(probability));
            }
            Event::Words { utterance, text, last } => {
                self.with_utterance(utterance, |utterance| utterance.hear(&text, last));
                self.drop_noise();
            }
            Event::WordsFailed { utterance } => {
                self.with_utterance(utterance, |utterance| utterance.words = super::utterance::Heard::Failed)
            }
            Event::Echo { utterance } => {
                self.with_utterance(utterance, |utterance| utterance.hear("", true));
                self.drop_noise();
            }
            Event::Typing => {
                self.typed_at = Some(now);
                self.ladder.alive(now);
            }
            Event::Typed => self.typed(now),
            Event::Finished => self.finished(now),
            Event::Moment => {
                if let Floor::Open(turn) = &mut self.floor {
                    turn.thinking = true;
                }
                self.ladder.alive(now + Duration::from_millis(self.settings.patience.thinking_ms));
            }
            Event::Active => self.ladder.alive(now),
            Event::Overruled => self.overruled(now),
            Event::Coverage { share } => {
                if let Floor::Open(turn) | Floor::Overlap(turn) | Floor::Committed(Committed { turn, .. }) =
                    &mut self.floor
                {
                    turn.covered = Some(share);
                }
            }
            Event::Asked { kind, probe } => self.asked(now, Asked { kind, probe }),
            Event::InterviewerStarted { speech, interruptible } => self.interviewer_started(now, speech, interruptible),
            Event::InterviewerEnded { speech } => self.interviewer_ended(now, speech),
            Event::Paused => self.halt(now, Halt { paused: true, ..self.halt }),
            Event::Away => self.halt(now, Halt { away: true, ..self.halt }),
            Event::Resumed => self.unhalt(now, Halt { paused: false, ..self.halt }),
            Event::Back => self.unhalt(now, Halt { away: false, ..self.halt }),
        }
    }

    fn speech_started(&mut self, now: Instant, id: UtteranceId, at: SamplePos, speech_ms: u64) {
        let stale = self.latest.is_some_and(|latest| id < latest) || self.taken.is_some_and(|taken| id <= taken);
        if stale || self.voice.is_some_and(|(voice, _)| voice == id) {
            return;
        }
        let start = before(now, speech_ms);
        if let Some((unended, _)) = self.voice {
            self.speech_stopped(unended, at, start);
        }
        self.latest = Some(id);
        self.voice = Some((id, start));
        self.last_pos = self.last_pos.max(at);
        if self.halt != Halt::default() {
            if !self.is_known(id) {
                self.commands.push_back(Command::Aside { utterance: id });
            }
            return;
        }
        self.sounds(Utterance::new(id, at, start));
    }

    /// A sound of the candidate's finds its place.
    fn sounds(&mut self, utterance: Utterance) {
        let start = utterance.start;
        let recovery = Duration::from_millis(self.settings.recovery_ms);
        match &mut self.floor {
            Floor::Open(turn) => {
                if let Some((_, since)) = turn.silent_since() {
                    turn.went_on_after(ms_between(since, start), &mut self.own);
                }
                turn.thinking = false;
                turn.hear(utterance);
                self.discard();
            }
            Floor::Overlap(turn) => turn.hear(utterance),
            Floor::Committed(committed) if committed.closed && committed.turn.holds(utterance.id) => {}
            Floor::Committed(committed)
                if committed.more.holds(utterance.id)
                    || committed.began.is_none_or(|began| start <= began + recovery) =>
            {
                committed.more.hear(utterance);
            }
            Floor::Committed(_) | Floor::Idle => {
                self.close_committed();
                if self.taken.is_some_and(|taken| utterance.id <= taken) {
                    return;
                }
                let mut turn = self.new_turn(start);
                turn.utterances.push(utterance);
                self.floor = match self.mouth {
                    Mouth::Speaking { .. } => Floor::Overlap(turn),
                    Mouth::Silent | Mouth::Stopping { .. } => Floor::Open(turn),
                };
            }
        }
    }

    fn is_known(&self, id: UtteranceId) -> bool {
        match &self.floor {
            Floor::Idle => false,
            Floor::Open(turn) | Floor::Overlap(turn) => turn.holds(id),
            Floor::Committed(committed) => committed.turn.holds(id) || committed.more.holds(id),
        }
    }

    fn speech_stopped(&mut self, id: UtteranceId, at: SamplePos, when: Instant) {
        if let Some((_, since)) = self.voice.take_if(|(voice, _)| *voice == id) {
            self.ladder.sounded(since, when);
        }
        self.last_pos = self.last_pos.max(at);
        if let Floor::Committed(Committed { turn, more, .. }) = &mut self.floor
            && !more.holds(id)
        {
            // Committed in mid-speech: should the turn be reopened, it sounds no more.
            turn.utterance(id).into_iter().for_each(|utterance| utterance.ends(at, when));
        }
        self.with_utterance(id, |utterance| utterance.ends(at, when));
        self.drop_noise();
    }

    fn asked(&mut self, now: Instant, asked: Asked) {
        self.asked = Some(asked);
        self.awaited = true;
        self.ladder.asked(now);
        if self.mouth == Mouth::Silent {
            self.ladder.spoken(now);
        }
    }

    fn interviewer_started(&mut self, now: Instant, speech: SpeechId, interruptible: bool) {
        self.mouth = Mouth::Speaking { speech, interruptible, held: false };
        match std::mem::replace(&mut self.floor, Floor::Idle) {
            Floor::Idle => {}
            Floor::Overlap(turn) => self.floor = Floor::Overlap(turn),
            Floor::Committed(Committed { turn, mut more, closed: true, began: None, .. }) if interruptible => {
                // The first line after the floor was taken on purpose may be interrupted as any other.
                more.utterances.retain(|utterance| !turn.holds(utterance.id));
                self.stands(&turn);
                self.speak_over(more.utterances);
            }
            Floor::Committed(mut committed) => {
                committed.began.get_or_insert(now);
                // What must not be interrupted must not be taken back either.
                committed.closed |= !interruptible;
                self.floor = Floor::Committed(committed);
            }
            Floor::Open(turn) if interruptible => self.begin_over(now, turn),
            Floor::Open(turn) => {
                self.floor = Floor::Open(turn);
                self.overrule(now);
                if let Floor::Committed(committed) = &mut self.floor {
                    committed.began = Some(now);
                }
            }
        }
    }

    fn interviewer_ended(&mut self, now: Instant, ended: SpeechId) {
        let was_interruptible = match self.mouth {
            Mouth::Speaking { speech, interruptible, .. } if speech == ended => interruptible,
            Mouth::Stopping { speech } if speech == ended => true,
            Mouth::Speaking { .. } | Mouth::Stopping { .. } | Mouth::Silent => return,
        };
        self.mouth = Mouth::Silent;
        if self.awaited {
            self.ladder.spoken(now);
        }
        match std::mem::replace(&mut self.floor, Floor::Idle) {
            Floor::Overlap(overlap) => self.keep_floor(now, overlap, was_interruptible),
            Floor::Committed(Committed { turn, mut more, closed: true, .. }) if self.awaited => {
                // What goes on of an utterance that was taken belongs to it.
                more.utterances.retain(|utterance| !turn.holds(utterance.id));
                self.stands(&turn);
                let mut turn = self.new_turn(now);
                turn.utterances = more.utterances;
                self.keep_floor(now, turn, false);
            }
            other @ (Floor::Idle | Floor::Open(_) | Floor::Committed(_)) => self.floor = other,
        }
        if std::mem::take(&mut self.typed_waits) {
            self.typed(now);
        }
    }

    /// The interviewer's speech is over: what was said over it, and may have been meant for the floor, is a turn.
    fn keep_floor(&mut self, now: Instant, mut overlap: Turn, was_interruptible: bool) {
        let early = Duration::from_millis(self.settings.interruption.early_answer_ms);
        let (kept, dropped): (Vec<_>, Vec<_>) =
            std::mem::take(&mut overlap.utterances).into_iter().partition(|utterance| {
                let meant = was_interruptible || utterance.ended().is_some_and(|(_, when)| when + early >= now);
                utterance.is_talking() || (meant && !utterance.is_aside())
            });
        self.aside(&dropped);
        self.floor = match kept.first().map(|first| first.start) {
            None => Floor::Idle,
            Some(opened) => Floor::Open(Turn { utterances: kept, opened, asked: self.asked, ..overlap }),
        };
    }

    fn finished(&mut self, now: Instant) {
        match &mut self.floor {
            Floor::Open(turn) => turn.finished = Some(now),
            Floor::Overlap(_) if matches!(self.mouth, Mouth::Speaking { interruptible: false, .. }) => {}
            Floor::Overlap(_) => {
                self.yield_floor(now);
                if let Floor::Open(turn) = &mut self.floor {
                    turn.finished = Some(now);
                }
            }
            Floor::Committed(_) => {}
            Floor::Idle => match self.mouth {
                Mouth::Silent | Mouth::Stopping { .. } if self.awaited => self.open_finished(now),
                Mouth::Silent | Mouth::Stopping { .. } | Mouth::Speaking { .. } => {}
            },
        }
    }

    fn typed(&mut self, now: Instant) {
        self.ladder.alive(now);
        if let Mouth::Speaking { interruptible: false, .. } = self.mouth {
            self.typed_waits = true;
            return;
        }
        match &self.floor {
            Floor::Open(_) => {}
            Floor::Overlap(_) => self.yield_floor(now),
            Floor::Committed(committed) if committed.closed => {
                self.typed_waits = true;
                return;
            }
            Floor::Committed(_) => self.yield_floor(now),
            Floor::Idle => {
                self.stop_speaking();
                return self.open_finished(now);
            }
        }
        if let Floor::Open(turn) = &mut self.floor {
            turn.finished = Some(now);
        }
    }

    fn open_finished(&mut self, now: Instant) {
        let mut turn = self.new_turn(now);
        turn.finished = Some(now);
        self.floor = Floor::Open(turn);
    }

    fn halt(&mut self, now: Instant, halt: Halt) {
        let pauses = halt.paused && !self.halt.paused;
        self.halt = halt;
        self.end_sound(now);
        if pauses {
            self.stop_speaking();
            if let Floor::Overlap(_) = self.floor {
                self.drop_overlap();
            }
        }
        self.discard();
    }

    fn unhalt(&mut self, now: Instant, halt: Halt) {
        self.halt = halt;
        // What began meanwhile is none of ours; its end may never be told.
        self.voice = None;
        self.quiet_from = Some(now);
        self.ladder.shift_to(now);
        if let Floor::Committed(committed) = &mut self.floor {
            committed.at = now;
        }
    }

    /// Nothing is heard any more: what sounded has ended as far as we know.
    fn end_sound(&mut self, now: Instant) {
        if let Some((id, _)) = self.voice {
            self.speech_stopped(id, self.last_pos, now);
        }
    }

    fn new_turn(&mut self, opened: Instant) -> Turn {
        let id = self.next_turn;
        self.next_turn = id.next();
        Turn::new(id, self.asked, opened)
    }

    fn with_utterance(&mut self, id: UtteranceId, change: impl FnOnce(&mut Utterance)) {
        let turn = match &mut self.floor {
            Floor::Idle => return,
            Floor::Open(turn) | Floor::Overlap(turn) => turn,
            Floor::Committed(committed) => &mut committed.more,
        };
        if let Some(utterance) = turn.utterance(id) {
            change(utterance);
        }
    }
}

/// `ms` before `now`.
fn before(now: Instant, ms: u64) -> Instant {
    now.checked_sub(Duration::from_millis(ms)).unwrap_or(now)
}

fn ms_between(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.saturating_duration_since(from).as_millis()).unwrap_or(u64::MAX)
}
