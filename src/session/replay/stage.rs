//! The floor on a stage: what it was told comes again, at its time or later, and what it commands is written down. The
//! interviewer speaks when the floor lets it: later than it did where the floor waits longer, and also where the floor
//! takes a turn that it had not taken. Must never drop a word of the candidate's.

use super::{Part, Told};
use crate::audio::frame::{EAR_RATE_HZ, SamplePos};
use crate::id::{SpeechId, TurnId};
use crate::turn::{Command, Decision, Event, Reason, Settings, SilenceStep, TurnTaking};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// So long is waited for the floor to do what it did, s: past the longest patience, and a step of the ladder.
const WAIT_S_MAX: u64 = 240;
/// A reply that was never given lasts so long, ms, unless it is stopped: an acknowledgement and a question.
const REPLY_MS: u64 = 4_000;
/// From a decision to the first sound of a reply that was never given, ms, where no reply tells it.
const LATENCY_MS: u64 = 250;
/// A line that is stopped has ended within so long, ms: a frame, and the room's word.
const END_MS_MAX: u64 = 500;
/// Numbers of replies that were never given: no speech of a log comes so far.
const UNGIVEN_FROM: u64 = 1 << 52;

/// Something that the floor did.
#[derive(Clone, PartialEq, Debug)]
pub enum Deed {
    Commit { turn: TurnId, decision: Decision },
    Reopen { turn: TurnId },
    Hold,
    Resume,
    Stop,
    Silence(SilenceStep),
}

/// A deed with its place on the recording, in samples: where what was told around it stands in the log.
#[derive(Clone, PartialEq, Debug)]
pub struct Done {
    pub at: SamplePos,
    /// Replies that stood before it: what belongs to the same answer has the same number.
    pub exchange: usize,
    pub deed: Deed,
}

/// Why the interviewer began to speak, and how long after, in samples.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Cause {
    /// A turn was taken.
    Turn {
        latency: u64,
    },
    /// A turn was taken too early, and the line taken back with it.
    TakenBack {
        latency: u64,
    },
    Silence {
        latency: u64,
    },
    /// A line after a line, a wish, the beginning.
    Other,
}

/// Plays a part as it was: every deed at its own time.
#[must_use]
pub fn as_it_was(part: &Part, base: Instant) -> Vec<Done> {
    let mut stage = Stage::new(part, part.settings(), base);
    for told in &part.told {
        stage.run_until(told.at.0);
        stage.tell(told.event.clone());
    }
    let mut done = stage.done;
    let causes = causes(part, &done);
    let replies = part.told.iter().zip(&causes).filter(|(_, cause)| matches!(cause, Cause::Turn { .. }));
    let replies: Vec<SamplePos> = replies.map(|(told, _)| told.at).collect();
    for done in &mut done {
        done.exchange = replies.iter().take_while(|reply| **reply <= done.at).count();
    }
    done
}

/// Plays a part with other thresholds; `was` is what it did with its own.
#[must_use]
pub fn otherwise(part: &Part, was: &[Done], settings: Settings, base: Instant) -> Vec<Done> {
    let causes = causes(part, was);
    let mut stage = Stage::new(part, settings, base);
    let mut taken_back: BTreeSet<SpeechId> = BTreeSet::new();
    for (index, told) in part.told.iter().enumerate() {
        stage.run_until(stage.place(told.at.0));
        // What is asked is told just before the line that asks: with it, or not at all.
        let line = if let Event::Asked { .. } = told.event {
            part.told[index..].iter().position(|told| is_start(&told.event)).map(|at| index + at)
        } else {
            is_start(&told.event).then_some(index)
        };
        if let Some(line) = line {
            if let Cause::TakenBack { .. } = causes[line] {
                if let Event::InterviewerStarted { speech, .. } = told.event {
                    taken_back.insert(speech);
                }
                continue;
            }
            stage.wait_for(causes[line], told.at.0);
        }
        if let Event::InterviewerEnded { speech } = told.event
            && (taken_back.contains(&speech) || stage.stopped.contains(&speech))
        {
            continue;
        }
        stage.exchange += usize::from(matches!(causes[index], Cause::Turn { .. }));
        stage.goes_on = goes_on(part, &causes, index);
        stage.tell(told.event.clone());
    }
    stage.done
}

/// The end of a line, where it is told.
fn end(told: &Told) -> Option<(SpeechId, u64)> {
    if let Event::InterviewerEnded { speech } = told.event { Some((speech, told.at.0)) } else { None }
}

fn is_start(event: &Event) -> bool {
    matches!(event, Event::InterviewerStarted { .. })
}

/// How soon a reply comes if a turn is taken now although the candidate says more before the next line that stands.
fn goes_on(part: &Part, causes: &[Cause], index: usize) -> Option<u64> {
    let rest = || part.told[index + 1..].iter().zip(&causes[index + 1..]);
    let is_back = |cause: &Cause| matches!(cause, Cause::TakenBack { .. });
    let mut before = rest().take_while(|(told, cause)| !is_start(&told.event) || is_back(cause));
    let more = before.any(|(told, _)| matches!(told.event, Event::SpeechStarted { .. }));
    let latency = rest()
        .take_while(|(told, cause)| !is_start(&told.event) || is_back(cause))
        .find_map(|(_, cause)| if let Cause::TakenBack { latency } = cause { Some(*latency) } else { None });
    more.then(|| latency.unwrap_or(samples_of(LATENCY_MS)))
}

/// Why each line of the interviewer's was said.
fn causes(part: &Part, was: &[Done]) -> Vec<Cause> {
    let mut causes = vec![Cause::Other; part.told.len()];
    let mut place = 0;
    // What the floor did last that a line may follow, whether it was taken back, and whether a line has followed.
    let mut last: Option<(&Done, bool, bool)> = None;
    for (index, told) in part.told.iter().enumerate() {
        while let Some(done) = was.get(place).filter(|done| done.at <= told.at) {
            place += 1;
            last = match &done.deed {
                Deed::Commit { turn, decision } if decision.reason != Reason::Overruled => {
                    let again = |done: &&Done| matches!(done.deed, Deed::Commit { .. } | Deed::Reopen { .. });
                    let next = was[place..].iter().find(again);
                    Some((done, next.is_some_and(|next| next.deed == Deed::Reopen { turn: *turn }), false))
                }
                Deed::Silence(_) => Some((done, false, false)),
                Deed::Reopen { .. } => None,
                Deed::Commit { .. } | Deed::Hold | Deed::Resume | Deed::Stop => last,
            };
        }
        if let Some((done, taken_back, followed)) = last.as_mut().filter(|_| is_start(&told.event)) {
            let latency = told.at.0.saturating_sub(done.at.0);
            causes[index] = match (&done.deed, *taken_back, std::mem::replace(followed, true)) {
                (Deed::Commit { .. }, true, _) => Cause::TakenBack { latency },
                (Deed::Commit { .. }, false, false) => Cause::Turn { latency },
                (Deed::Silence(_), _, false) => Cause::Silence { latency },
                (_, _, _) => Cause::Other,
            };
        }
    }
    causes
}

struct Stage {
    floor: TurnTaking,
    base: Instant,
    /// Samples of virtual time.
    now: u64,
    /// Virtual time runs so far behind (positive) the log's.
    shift: i64,
    done: Vec<Done>,
    /// A turn was taken, or a step of the ladder, and no line has followed it yet.
    taken_at: Option<u64>,
    climbed_at: Option<u64>,
    stopped: BTreeSet<SpeechId>,
    /// Where the log tells that lines ended.
    ends: BTreeMap<SpeechId, u64>,
    exchange: usize,
    /// The candidate says more before the next line: a turn taken now is a cut-off, and a reply begins after so long.
    goes_on: Option<u64>,
    /// A reply that was never given: when it begins, or ends.
    ungiven: Option<(u64, SpeechId, bool)>,
    next_ungiven: u64,
}

impl Stage {
    fn new(part: &Part, settings: Settings, base: Instant) -> Self {
        Self {
            floor: TurnTaking::new(settings).starting_at(part.first_turn),
            base,
            now: 0,
            shift: 0,
            done: Vec::new(),
            taken_at: None,
            climbed_at: None,
            stopped: BTreeSet::new(),
            ends: part.told.iter().filter_map(end).collect(),
            exchange: 0,
            goes_on: None,
            ungiven: None,
            next_ungiven: UNGIVEN_FROM,
        }
    }

    /// Where something of the log stands in virtual time: never in its past.
    fn place(&self, at: u64) -> u64 {
        at.saturating_add_signed(self.shift).max(self.now)
    }

    fn instant(&self, samples: u64) -> Instant {
        self.base + Duration::from_nanos(samples * (1_000_000_000 / u64::from(EAR_RATE_HZ)))
    }

    fn samples(&self, at: Instant) -> u64 {
        let nanos = at.saturating_duration_since(self.base).as_nanos();
        u64::try_from(nanos.div_ceil(u128::from(1_000_000_000 / EAR_RATE_HZ))).unwrap_or(u64::MAX)
    }

    fn run_until(&mut self, until: u64) {
        self.run_while(until, |_| true);
    }

    /// Timers and replies that were never given, up to `until`.
    fn run_while(&mut self, until: u64, go_on: impl Fn(&Self) -> bool) {
        while go_on(self) {
            let due = self.floor.poll_deadline().map(|due| self.samples(due).max(self.now));
            let reply = self.ungiven.map(|(at, ..)| at.max(self.now));
            match (due, reply) {
                (due, Some(reply)) if reply <= until && due.is_none_or(|due| reply < due) => {
                    self.now = reply;
                    self.ungiven_comes();
                }
                (Some(due), _) if due <= until => {
                    self.now = due;
                    self.floor.handle_timeout(self.instant(due));
                    self.obey();
                }
                (_, _) => break,
            }
        }
        if go_on(self) {
            self.now = self.now.max(until);
        }
    }

    fn tell(&mut self, event: Event) {
        if is_start(&event) {
            self.end_ungiven();
            (self.taken_at, self.climbed_at) = (None, None);
        }
        self.floor.handle_event(self.instant(self.now), event);
        self.obey();
    }

    /// The interviewer speaks as long after the floor let it as it did.
    fn wait_for(&mut self, cause: Cause, at: u64) {
        let limit = self.now + WAIT_S_MAX * u64::from(EAR_RATE_HZ);
        let from = match cause {
            Cause::Other | Cause::TakenBack { .. } => return,
            Cause::Turn { latency } => {
                self.run_while(limit, |stage| stage.taken_at.is_none());
                self.taken_at.map(|taken| taken + latency)
            }
            Cause::Silence { latency } => {
                self.run_while(limit, |stage| stage.climbed_at.is_none());
                self.climbed_at.map(|climbed| climbed + latency)
            }
        };
        if let Some(from) = from {
            self.run_until(from.max(self.now));
        }
        self.shift = self.now.cast_signed() - at.cast_signed();
    }

    fn obey(&mut self) {
        while let Some(command) = self.floor.poll_command() {
            let deed = match command {
                Command::Commit { turn, decision, .. } => {
                    if decision.reason != Reason::Overruled {
                        self.taken_at = Some(self.now);
                        self.climbed_at = None;
                        if let Some(latency) = self.goes_on {
                            self.give_ungiven(latency);
                        }
                    }
                    Deed::Commit { turn, decision }
                }
                Command::Reopen { turn, speech } => {
                    self.taken_at = None;
                    self.silenced(speech);
                    Deed::Reopen { turn }
                }
                Command::Hold { .. } => Deed::Hold,
                Command::Resume { .. } => Deed::Resume,
                Command::Stop { speech } => {
                    self.silenced(Some(speech));
                    Deed::Stop
                }
                Command::Silence(step) => {
                    self.climbed_at = Some(self.now);
                    Deed::Silence(step)
                }
                Command::Prepare { .. }
                | Command::Discard { .. }
                | Command::Monologue { .. }
                | Command::Aside { .. } => {
                    continue;
                }
            };
            let at = SamplePos(self.now.saturating_add_signed(-self.shift));
            self.done.push(Done { at, exchange: self.exchange, deed });
        }
    }

    /// A line is stopped: its end is told at once, unless the log is about to tell it.
    fn silenced(&mut self, speech: Option<SpeechId>) {
        self.ungiven = None;
        let soon = self.now + samples_of(END_MS_MAX);
        let is_told = |speech: &SpeechId| self.ends.get(speech).is_some_and(|at| self.place(*at) <= soon);
        if let Some(speech) = speech.filter(|speech| !is_told(speech)) {
            self.stopped.insert(speech);
            self.floor.handle_event(self.instant(self.now), Event::InterviewerEnded { speech });
        }
    }

    /// The floor takes a turn in the middle of an answer: a reply begins that nobody gave.
    fn give_ungiven(&mut self, latency: u64) {
        let speech = SpeechId(self.next_ungiven);
        self.next_ungiven += 1;
        self.ungiven = Some((self.now + latency, speech, false));
    }

    fn ungiven_comes(&mut self) {
        let Some((at, speech, sounds)) = self.ungiven.take() else { return };
        if sounds {
            return self.tell(Event::InterviewerEnded { speech });
        }
        self.ungiven = Some((at + samples_of(REPLY_MS), speech, true));
        self.floor.handle_event(self.instant(self.now), Event::InterviewerStarted { speech, interruptible: true });
        self.obey();
    }

    /// The real line comes: the one that nobody gave is over.
    fn end_ungiven(&mut self) {
        if let Some((_, speech, true)) = self.ungiven.take() {
            self.floor.handle_event(self.instant(self.now), Event::InterviewerEnded { speech });
            self.obey();
        }
    }
}

fn samples_of(ms: u64) -> u64 {
    SamplePos::from_ms(ms).0
}
