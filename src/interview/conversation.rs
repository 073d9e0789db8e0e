//! The state machine of an interview: what is asked next, and every way from the greeting to the goodbye. Timers due at
//! `now` are handled before the event at `now`. Must never weigh an answer itself: `follow_up` and `wishes` do.

use super::plan::Plan;
use super::question::{Question, QuestionKind};
use super::settings::{PROBES_MAX, Settings};
use super::view::{ClosedQuestion, Facts, Offer, OpenQuestion};
use super::wishes::{self, Phrase};
use super::{Command, EndReason, Event, Line, LineId, LineKind, QuestionOutcome, Wish};
use super::{follow_up, lines, prompt};
use crate::id::TurnId;
use crate::turn::SilenceStep;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

mod answers;
mod moves;
mod outlook;
mod wording;

/// Conducts one interview.
#[derive(Clone, Debug)]
pub struct Interview {
    plan: Arc<Plan>,
    settings: Settings,
    state: State,
    /// As it was before the latest answer, which may still be reopened.
    before: Option<(TurnId, Box<State>)>,
    /// The latest turn that was answered; older ones are stale.
    answered: Option<TurnId>,
    /// Latest code, by question.
    code: BTreeMap<String, String>,
    /// Lines, but for the probe, for which a model was asked; of the latest answer or wish only.
    awaited: Vec<Awaited>,
    /// The question that was just answered and its answer, while the next one is asked.
    bridging: Option<(usize, String)>,
    next_line: u32,
    failed_lines: u32,
    /// It was paused when the server went down.
    was_paused: bool,
    now: Option<Instant>,
    commands: VecDeque<Command>,
}

/// What a reopened answer takes back.
#[derive(Clone, Debug)]
struct State {
    stage: Stage,
    closed: Vec<ClosedQuestion>,
    watch: Stopwatch,
    rotation: usize,
    speed: f32,
    /// Until this line was said, nothing is an answer.
    greeting: Option<LineId>,
    greeted: bool,
}

#[derive(Clone, Debug)]
enum Stage {
    /// Nobody is there yet; a question may be open from before a restart.
    Waiting(Option<Open>),
    Asking(Open),
    Paused {
        open: Open,
        since: Instant,
    },
    /// The last line is being said.
    Closing {
        line: LineId,
        reason: EndReason,
        until: Instant,
    },
    Finished(EndReason),
}

/// The question in hand.
#[derive(Clone, Debug)]
struct Open {
    /// Place in the plan, of those that may stand in, too.
    index: usize,
    /// Time used by the interview when the question was opened.
    since: Duration,
    /// Time of its box that was used before a restart.
    used: Duration,
    answer: String,
    probes: Vec<usize>,
    last: Ask,
    offer: Offer,
    encouraged: bool,
    unheard: u32,
    submitted: bool,
    /// The candidate was told that the time for the code is short.
    warned: bool,
    /// "Submit when you are ready" was said.
    code_heard: bool,
}

/// What was asked last.
#[derive(Clone, PartialEq, Debug)]
enum Ask {
    Question,
    Probe { index: usize, line: LineId, text: String, worded: bool },
}

/// A line for which a model was asked, and what it must keep to.
#[derive(Clone, Debug)]
struct Awaited {
    line: LineId,
    words: Awaiting,
    authored: String,
    /// Index of the question that was answered, or is explained.
    question: usize,
    answer: String,
    /// Index of the question that comes next.
    next: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Awaiting {
    /// Takes up what was said, and leads on.
    Remark,
    Explanation,
}

/// Time used, pauses not counted.
#[derive(Clone, Copy, Debug, Default)]
struct Stopwatch {
    carried: Duration,
    running_since: Option<Instant>,
}

impl Stopwatch {
    fn elapsed(&self, now: Instant) -> Duration {
        self.carried + self.running_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    fn start(&mut self, now: Instant) {
        self.running_since.get_or_insert(now);
    }

    fn stop(&mut self, now: Instant) {
        self.carried = self.elapsed(now);
        self.running_since = None;
    }

    /// When `used` will have been used.
    fn reaches(&self, used: Duration) -> Option<Instant> {
        self.running_since.map(|since| since + used.saturating_sub(self.carried))
    }
}

/// What a timer does.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Due {
    CodeWarning,
    CodeOver,
    TimeUp,
    PauseOver,
    ClosingOver,
}

/// Steps of one `settle`: each changes the state, and there are five timers.
const SETTLE_STEPS_MAX: usize = 16;

impl Interview {
    /// An interview that has not begun.
    #[must_use]
    pub fn new(plan: Plan, settings: Settings) -> Self {
        Self {
            plan: Arc::new(plan),
            settings,
            state: State {
                stage: Stage::Waiting(None),
                closed: Vec::new(),
                watch: Stopwatch::default(),
                rotation: 0,
                speed: 1.0,
                greeting: None,
                greeted: false,
            },
            before: None,
            answered: None,
            code: BTreeMap::new(),
            awaited: Vec::new(),
            bridging: None,
            next_line: 1,
            failed_lines: 0,
            was_paused: false,
            now: None,
            commands: VecDeque::new(),
        }
    }

    /// An interview that goes on where the log says; `Begin` says so to the candidate and asks the open question again.
    /// `code` is the latest of each question.
    #[must_use]
    pub fn restore(plan: Plan, settings: Settings, facts: Facts, code: BTreeMap<String, String>) -> Self {
        let mut interview = Self::new(plan, settings);
        let open = facts.open.and_then(|open| interview.reopen(open));
        interview.state = State {
            stage: facts.ending.map_or(Stage::Waiting(open), Stage::Finished),
            closed: facts.closed,
            watch: Stopwatch { carried: Duration::from_millis(facts.elapsed_ms), running_since: None },
            rotation: facts.rotation,
            speed: if facts.speed > 0.0 { facts.speed } else { 1.0 },
            greeting: None,
            greeted: facts.greeted,
        };
        interview.code = code;
        interview.next_line = facts.next_line.max(1);
        interview.was_paused = facts.paused;
        if let Some(reason) = facts.ending {
            // What was being said is lost, what was decided stands.
            interview.commands.push_back(Command::Finished { reason });
        }
        interview
    }

    fn reopen(&self, open: OpenQuestion) -> Option<Open> {
        let index = self.plan.all().position(|question| question.key == open.key)?;
        let last = match (open.probes.last(), open.last_probe) {
            (Some(probe), Some(text)) => Ask::Probe { index: *probe, line: LineId(0), text, worded: true },
            (Some(_) | None, _) => Ask::Question,
        };
        Some(Open {
            used: Duration::from_millis(open.used_ms),
            answer: open.answer,
            probes: open.probes,
            last,
            encouraged: open.encouraged,
            submitted: open.submitted,
            offer: open.offer,
            warned: open.warned,
            code_heard: open.code_heard,
            ..Open::new(index, Duration::ZERO)
        })
    }

    /// Goes on where the log says without a word: of a written interview nothing is interrupted between two steps.
    pub fn take_up(&mut self, now: Instant) {
        let Stage::Waiting(Some(open)) = &mut self.state.stage else { return };
        let open = Open { since: self.state.watch.elapsed(now), ..open.clone() };
        self.now = Some(now);
        self.state.stage = if std::mem::take(&mut self.was_paused) {
            Stage::Paused { open, since: now }
        } else {
            self.state.watch.start(now);
            Stage::Asking(open)
        };
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
        self.next_due().map(|(at, _)| at)
    }

    fn settle(&mut self, now: Instant) {
        let now = self.now.map_or(now, |latest| latest.max(now));
        self.now = Some(now);
        for _ in 0..SETTLE_STEPS_MAX {
            match self.next_due() {
                Some((at, due)) if at <= now => self.take(now, due),
                Some(_) | None => return,
            }
        }
        debug_assert!(false, "the interview does not settle: {:?}", self.state);
    }

    fn next_due(&self) -> Option<(Instant, Due)> {
        match &self.state.stage {
            Stage::Waiting(_) | Stage::Finished(_) => None,
            Stage::Closing { until, .. } => Some((*until, Due::ClosingOver)),
            Stage::Paused { since, .. } => {
                Some((*since + Duration::from_millis(self.settings.pause_ms_max), Due::PauseOver))
            }
            Stage::Asking(open) => {
                let watch = &self.state.watch;
                let time_up = self.budget() + Duration::from_millis(self.settings.time_up_grace_ms);
                let time_up = watch.reaches(time_up).map(|at| (at, Due::TimeUp));
                [time_up, self.code_due(open)].into_iter().flatten().min_by_key(|(at, _)| *at)
            }
        }
    }

    /// Spoken answers end by themselves or by the limits of the floor; only code is written without an end.
    fn code_due(&self, open: &Open) -> Option<(Instant, Due)> {
        let question = self.question(open);
        if question.kind != QuestionKind::Code || open.submitted {
            return None;
        }
        let time_box = Duration::from_millis(self.plan.time_box_ms(question));
        let end = open.since + time_box.saturating_sub(open.used);
        let (end, due) = if open.warned {
            (end + Duration::from_millis(self.settings.code_grace_ms), Due::CodeOver)
        } else {
            (end, Due::CodeWarning)
        };
        self.state.watch.reaches(end).map(|at| (at, due))
    }

    fn take(&mut self, now: Instant, due: Due) {
        self.before = None;
        match due {
            Due::CodeWarning => {
                if let Stage::Asking(open) = &mut self.state.stage {
                    open.warned = true;
                }
                self.instruct(lines::CODE_TIME, Some(QuestionKind::Code));
            }
            Due::CodeOver => {
                self.close_question(QuestionOutcome::CutShort);
                self.say_firmly(LineKind::Instruction, lines::CODE_OVER);
                self.ask_next(now, None);
            }
            Due::TimeUp => {
                self.close_question(QuestionOutcome::CutShort);
                self.close(now, EndReason::TimeUp);
            }
            Due::PauseOver => self.end(now, EndReason::Idle),
            Due::ClosingOver => self.finish(),
        }
    }

    fn apply(&mut self, now: Instant, event: Event) {
        match event {
            Event::Begin => self.begin(now),
            Event::Answered { turn, text } => self.turn_ended(now, turn, &text, false),
            Event::Monologue { turn, text } => self.turn_ended(now, turn, &text, true),
            Event::Reopened { turn } => self.take_back(turn),
            Event::Said { question_key, text } => self.said(&question_key, &text),
            Event::LineDone { line } | Event::LineInterrupted { line } => {
                self.failed_lines = 0;
                self.line_over(now, line);
            }
            Event::LineFailed { line } => {
                self.failed_lines += 1;
                self.line_over(now, line);
                if self.failed_lines >= self.settings.failed_lines_max {
                    self.end(now, EndReason::Failed);
                }
            }
            Event::Wish(wish) => {
                self.before = None;
                self.wish(now, wish);
            }
            Event::Silence(step) => {
                self.before = None;
                self.silence(now, step);
            }
            Event::Code { question_key, language: _, content, submitted } => {
                self.code_came(now, question_key, content, submitted);
            }
            Event::Proposed { line, text } => self.proposed(line, text),
            Event::End { reason } => self.end(now, reason),
        }
    }

    /// A line is over: the greeting lets answers through and starts the first question's time, the last line ends the
    /// interview.
    fn line_over(&mut self, now: Instant, line: LineId) {
        if self.state.greeting == Some(line) {
            self.state.greeting = None;
            self.state.greeted = true;
            let elapsed = self.state.watch.elapsed(now);
            if let Stage::Asking(open) = &mut self.state.stage {
                open.since = elapsed;
            }
        }
        if let Some((_, before)) = &mut self.before
            && before.greeting == Some(line)
        {
            before.greeting = None;
            before.greeted = true;
        }
        if let Stage::Closing { line: last, .. } = self.state.stage
            && last == line
        {
            self.finish();
        }
    }

    /// The answer goes on after all: everything is as it was before it.
    fn take_back(&mut self, turn: TurnId) {
        if let Stage::Finished(_) = self.state.stage {
            return;
        }
        let Some((_, before)) = self.before.take_if(|(answered, _)| *answered == turn) else { return };
        self.awaited.clear();
        let was_paused = matches!(self.state.stage, Stage::Paused { .. });
        let later = std::mem::replace(&mut self.state, *before);
        self.answered = None;
        if was_paused {
            self.commands.push_back(Command::Resumed);
        }
        if let Stage::Asking(open) = &self.state.stage
            && later.closed.len() > self.state.closed.len()
        {
            let key = self.question(open).key.clone();
            self.commands.push_back(Command::QuestionOpened { key, number: number_of(self.state.closed.len()) });
        }
    }

    fn budget(&self) -> Duration {
        Duration::from_secs(self.plan.time_budget_s.into())
    }

    fn question(&self, open: &Open) -> &Question {
        self.question_at(open.index)
    }

    /// The question at a place of the plan, which is one that the plan has told.
    fn question_at(&self, place: usize) -> &Question {
        self.plan.at(place).expect("a place that the plan has told")
    }

    fn asked_text(&self, open: &Open) -> String {
        match &open.last {
            Ask::Question => self.question(open).prompt.clone(),
            Ask::Probe { text, .. } => text.clone(),
        }
    }
}

impl Open {
    fn new(index: usize, since: Duration) -> Self {
        Self {
            index,
            since,
            used: Duration::ZERO,
            answer: String::new(),
            probes: Vec::new(),
            last: Ask::Question,
            offer: Offer::Nothing,
            encouraged: false,
            unheard: 0,
            submitted: false,
            warned: false,
            code_heard: false,
        }
    }

    fn used_of_box(&self, elapsed: Duration) -> Duration {
        self.used + elapsed.saturating_sub(self.since)
    }
}

/// The number of the question after `closed` ones.
fn number_of(closed: usize) -> u32 {
    u32::try_from(closed + 1).unwrap_or(u32::MAX)
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
