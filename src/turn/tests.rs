//! Random conversations against the invariants of the floor, a few exact timelines, and the cost of a decision.
//! `VIVAVOCE_CASES` sets how many conversations are tried.

use super::*;
use expect_test::{Expect, expect};
use proptest::prelude::*;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

mod overruled;

fn utterance(id: u64) -> UtteranceId {
    UtteranceId(id)
}

fn started(id: u64, at_ms: u64) -> Event {
    Event::SpeechStarted { utterance: utterance(id), at: SamplePos::from_ms(at_ms), speech_ms: 0 }
}

fn stopped(id: u64, at_ms: u64) -> Event {
    Event::SpeechStopped { utterance: utterance(id), at: SamplePos::from_ms(at_ms), silence_ms: 0 }
}

fn words(id: u64, text: &str) -> Event {
    Event::Words { utterance: utterance(id), text: text.into(), last: true }
}

fn asked(kind: QuestionKind) -> Event {
    Event::Asked { kind, probe: false }
}

/// Events at their ms in, commands at theirs out.
fn check(script: &[(u64, Event)], expected: Expect) {
    let zero = Instant::now();
    let mut floor = TurnTaking::new(Settings::default());
    let mut timeline = String::new();
    let mut drain = |floor: &mut TurnTaking, at: u64| {
        while let Some(command) = floor.poll_command() {
            writeln!(timeline, "{at} ms: {command:?}").expect("a string takes all");
        }
    };
    for (at, event) in script {
        while let Some(due) = floor.poll_deadline().filter(|due| *due < zero + Duration::from_millis(*at)) {
            floor.handle_timeout(due);
            drain(&mut floor, (due - zero).as_millis() as u64);
        }
        floor.handle_event(zero + Duration::from_millis(*at), event.clone());
        drain(&mut floor, *at);
    }
    expected.assert_eq(&timeline);
}

#[test]
fn a_decision_tells_its_reasons() {
    check(
        &[
            (0, asked(QuestionKind::Factual)),
            (1_000, started(1, 1_000)),
            (3_000, stopped(1, 3_000)),
            (3_060, Event::Completion { utterance: utterance(1), probability: 0.93 }),
            (3_200, Event::Coverage { share: 1.0 }),
            (3_200, words(1, "It is unique.")),
            (9_000, Event::Active),
        ],
        expect![[r#"
            3200 ms: Prepare { turn: TurnId(1) }
            3350 ms: Commit { turn: TurnId(1), utterances: [UtteranceId(1)], decision: Decision { reason: Confident, speech_end: SamplePos(48000), silence_ms: 350, patience_ms: 1040, completion: Some(0.93), words_completeness: Some(0.6), reopened: 0, kind: Some(Factual), probe: false, covered: Some(1.0) } }
        "#]],
    );
}

#[test]
fn words_of_an_old_turn_change_nothing() {
    check(
        &[
            (0, asked(QuestionKind::Factual)),
            (1_000, started(1, 1_000)),
            (2_000, stopped(1, 2_000)),
            (2_100, Event::Finished),
            (7_000, Event::InterviewerStarted { speech: SpeechId(1), interruptible: true }),
            (9_500, words(1, "Late, but not lost to the record.")),
            (9_600, Event::Completion { utterance: utterance(1), probability: 0.1 }),
            (9_700, started(1, 9_700)),
            (20_000, Event::InterviewerEnded { speech: SpeechId(7) }),
        ],
        expect![[r#"
            6000 ms: Commit { turn: TurnId(1), utterances: [UtteranceId(1)], decision: Decision { reason: Explicit, speech_end: SamplePos(32000), silence_ms: 4000, patience_ms: 0, completion: None, words_completeness: None, reopened: 0, kind: Some(Factual), probe: false, covered: None } }
        "#]],
    );
}

#[test]
fn our_own_voice_does_not_interrupt_us() {
    check(
        &[
            (0, asked(QuestionKind::Factual)),
            (0, Event::InterviewerStarted { speech: SpeechId(1), interruptible: true }),
            (1_000, started(1, 1_000)),
            (1_300, Event::Echo { utterance: utterance(1) }),
            (4_000, stopped(1, 4_000)),
            (5_000, Event::InterviewerEnded { speech: SpeechId(1) }),
        ],
        expect![[r#"
            1180 ms: Hold { speech: SpeechId(1) }
            1300 ms: Aside { utterance: UtteranceId(1) }
            1300 ms: Resume { speech: SpeechId(1) }
        "#]],
    );
}

#[test]
fn time_up_takes_the_floor_for_good() {
    check(
        &[
            (0, asked(QuestionKind::Design)),
            (1_000, started(1, 1_000)),
            (60_000, Event::InterviewerStarted { speech: SpeechId(1), interruptible: false }),
            (61_000, stopped(1, 61_000)),
            (61_500, words(1, "And I was about to say")),
            (63_000, Event::InterviewerEnded { speech: SpeechId(1) }),
        ],
        expect![[r#"
            60000 ms: Commit { turn: TurnId(1), utterances: [UtteranceId(1)], decision: Decision { reason: Overruled, speech_end: SamplePos(16000), silence_ms: 0, patience_ms: 0, completion: None, words_completeness: None, reopened: 0, kind: Some(Design), probe: false, covered: None } }
        "#]],
    );
}

/// What a random conversation consists of; ids are chosen by the runner so that stale and unknown ones occur.
#[derive(Clone, Debug)]
enum Step {
    Start { again: bool, lag_ms: u64 },
    Stop { which: u64, lag_ms: u64 },
    Completion { which: u64, probability: f32 },
    Words { which: u64, text: &'static str, last: bool },
    WordsFailed { which: u64 },
    Echo { which: u64 },
    Begin { interruptible: bool, asks: Option<QuestionKind> },
    End { which: u64 },
    Plain(Event),
}

fn a_kind() -> impl Strategy<Value = QuestionKind> {
    prop_oneof![
        Just(QuestionKind::Factual),
        Just(QuestionKind::Explain),
        Just(QuestionKind::Behavioural),
        Just(QuestionKind::Code)
    ]
}

fn a_step() -> impl Strategy<Value = Step> {
    let text = prop_oneof![
        Just(""),
        Just("mm-hm"),
        Just("We use a queue and"),
        Just("It is unique in its table."),
        Just("that's all"),
        Just("let me think"),
        Just("Дайте подумати")
    ];
    let plain = prop_oneof![
        Just(Event::Typing),
        Just(Event::Typed),
        Just(Event::Finished),
        Just(Event::Moment),
        Just(Event::Active),
        Just(Event::Paused),
        Just(Event::Resumed),
        Just(Event::Away),
        Just(Event::Back),
        (a_kind(), any::<bool>()).prop_map(|(kind, probe)| Event::Asked { kind, probe }),
        Just(Event::Overruled),
        (0.0f32..1.0).prop_map(|share| Event::Coverage { share }),
    ];
    prop_oneof![
        6 => (any::<bool>(), 0u64..400).prop_map(|(again, lag_ms)| Step::Start { again, lag_ms }),
        6 => (0u64..3, 0u64..400).prop_map(|(which, lag_ms)| Step::Stop { which, lag_ms }),
        3 => (0u64..3, 0.0f32..1.0).prop_map(|(which, probability)| Step::Completion { which, probability }),
        6 => (0u64..4, text, any::<bool>()).prop_map(|(which, text, last)| Step::Words { which, text, last }),
        1 => (0u64..4).prop_map(|which| Step::WordsFailed { which }),
        1 => (0u64..2).prop_map(|which| Step::Echo { which }),
        5 => (any::<bool>(), proptest::option::of(a_kind())).prop_map(|(interruptible, asks)| Step::Begin { interruptible, asks }),
        4 => (0u64..3).prop_map(|which| Step::End { which }),
        4 => plain.prop_map(Step::Plain),
    ]
}

fn a_gap_ms() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0u64..50, 8 => 50u64..1_000, 4 => 1_000u64..6_000, 1 => 6_000u64..120_000]
}

/// Drives the floor, and keeps the books that it is held to.
struct Books {
    floor: TurnTaking,
    now: Instant,
    utterances: u64,
    speeches: u64,
    /// The speech that is alive: neither ended nor commanded to stop.
    alive: Option<SpeechId>,
    held: bool,
    interruptible: bool,
    /// Turns committed and not reopened, with what they held.
    committed: Vec<(TurnId, Vec<UtteranceId>)>,
    placed: HashSet<UtteranceId>,
    aside: HashSet<UtteranceId>,
    /// The latest utterance has not stopped.
    sounds: bool,
    latest_turn: Option<TurnId>,
    prepared: Option<TurnId>,
}

impl Books {
    fn new(now: Instant) -> Self {
        Self {
            floor: TurnTaking::new(Settings::default()),
            now,
            utterances: 0,
            speeches: 0,
            alive: None,
            held: false,
            interruptible: false,
            committed: Vec::new(),
            placed: HashSet::new(),
            aside: HashSet::new(),
            sounds: false,
            latest_turn: None,
            prepared: None,
        }
    }

    fn event_of(&mut self, step: Step) -> Option<Event> {
        let id = |which: u64, latest: u64| utterance(latest.saturating_sub(which));
        let at = SamplePos(0);
        Some(match step {
            Step::Start { again, lag_ms } => {
                if !again || self.utterances == 0 {
                    self.utterances += 1;
                } else if !self.sounds && self.aside.remove(&utterance(self.utterances)) {
                    // It had only paused: what was nothing may become something.
                    self.placed.remove(&utterance(self.utterances));
                }
                self.sounds = true;
                Event::SpeechStarted { utterance: utterance(self.utterances), at, speech_ms: lag_ms }
            }
            Step::Stop { which, lag_ms } => {
                self.sounds &= which != 0;
                Event::SpeechStopped { utterance: id(which, self.utterances), at, silence_ms: lag_ms }
            }
            Step::Completion { which, probability } => {
                Event::Completion { utterance: id(which, self.utterances), probability }
            }
            Step::Words { which, text, last } => {
                Event::Words { utterance: id(which, self.utterances), text: text.into(), last }
            }
            Step::WordsFailed { which } => Event::WordsFailed { utterance: id(which, self.utterances) },
            Step::Echo { which } => Event::Echo { utterance: id(which, self.utterances) },
            Step::Begin { interruptible, asks } => {
                // The shell starts one speech at a time.
                if self.alive.is_some() {
                    return None;
                }
                if let Some(kind) = asks {
                    self.tell(asked(kind));
                }
                self.speeches += 1;
                let speech = SpeechId(self.speeches);
                self.alive = Some(speech);
                self.held = false;
                self.interruptible = interruptible;
                Event::InterviewerStarted { speech, interruptible }
            }
            Step::End { which } => {
                let speech = SpeechId(self.speeches.saturating_sub(which));
                if self.alive == Some(speech) {
                    if self.held {
                        return None;
                    }
                    self.alive = None;
                }
                Event::InterviewerEnded { speech }
            }
            Step::Plain(event) => {
                self.sounds &= !matches!(event, Event::Paused | Event::Resumed | Event::Away | Event::Back);
                event
            }
        })
    }

    fn tell(&mut self, event: Event) {
        // What is due exactly now is done before the event, by the same call.
        self.floor.handle_event(self.now, event);
        self.audit();
    }

    fn pass(&mut self, ms: u64) {
        let until = self.now + Duration::from_millis(ms);
        let mut timers = 0;
        while let Some(due) = self.floor.poll_deadline().filter(|due| *due <= until) {
            assert!(due > self.now || timers == 0, "a deadline did not pass: {:?}", self.floor);
            self.now = self.now.max(due);
            self.floor.handle_timeout(self.now);
            self.audit();
            timers += 1;
            assert!(timers < 1_000, "livelock: {:?}", self.floor);
        }
        self.now = until;
    }

    fn audit(&mut self) {
        while let Some(command) = self.floor.poll_command() {
            self.enter(command);
        }
        if let Some(deadline) = self.floor.poll_deadline() {
            assert!(deadline > self.now, "a deadline of the past: {:?}", self.floor);
        }
    }

    fn enter(&mut self, command: Command) {
        let alive = |books: &Self, speech| {
            assert_eq!(books.alive, Some(speech), "a command for a speech that is over");
            assert!(books.interruptible, "a command for a speech that cannot be interrupted");
        };
        match command {
            Command::Prepare { turn } => {
                assert!(self.prepared.is_none(), "prepared twice");
                self.prepared = Some(turn);
            }
            Command::Discard { turn } => {
                assert_eq!(self.prepared.take(), Some(turn), "discarded what was not prepared")
            }
            Command::Commit { turn, utterances, decision } => {
                assert!(self.prepared.take().is_none_or(|prepared| prepared == turn));
                assert!(self.latest_turn.is_none_or(|latest| turn >= latest), "turns go backwards");
                assert!(
                    self.committed.iter().all(|(earlier, _)| *earlier != turn),
                    "committed twice without reopening"
                );
                assert!(utterances.iter().all(|id| self.placed.insert(*id)), "an utterance is in two places");
                assert!(utterances.is_sorted(), "utterances are out of order");
                assert!(decision.patience_ms < 3_600_000);
                self.latest_turn = Some(turn);
                self.committed.push((turn, utterances));
            }
            Command::Reopen { turn, speech } => {
                let (last, utterances) = self.committed.pop().expect("only what was committed is reopened");
                assert_eq!(last, turn, "only the latest commitment is reopened");
                utterances.iter().for_each(|id| assert!(self.placed.remove(id)));
                if let Some(speech) = speech {
                    alive(self, speech);
                    self.alive = None;
                }
            }
            Command::Hold { speech } => {
                alive(self, speech);
                assert!(!std::mem::replace(&mut self.held, true), "held twice");
            }
            Command::Resume { speech } => {
                alive(self, speech);
                assert!(std::mem::replace(&mut self.held, false), "resumed what was not held");
            }
            Command::Stop { speech } => {
                alive(self, speech);
                self.alive = None;
                self.held = false;
            }
            Command::Silence(_) => assert!(self.alive.is_none(), "silence while the interviewer speaks"),
            Command::Monologue { .. } => {}
            Command::Aside { utterance } => {
                self.aside.insert(utterance);
                assert!(self.placed.insert(utterance), "an utterance is in two places");
            }
        }
    }
}

fn cases() -> u32 {
    std::env::var("VIVAVOCE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(20_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_conversation_keeps_the_floor_in_order(
        steps in proptest::collection::vec((a_gap_ms(), a_step()), 1..80)
    ) {
        let mut books = Books::new(Instant::now() + Duration::from_secs(1_000));
        for (gap_ms, step) in steps {
            books.pass(gap_ms);
            if let Some(event) = books.event_of(step) {
                books.tell(event);
            }
        }
        // At the end everybody is there and falls silent, words fail; then nothing stays under way.
        books.tell(Event::Resumed);
        books.tell(Event::Back);
        let latest = books.utterances;
        books.tell(Event::SpeechStopped { utterance: utterance(latest), at: SamplePos(0), silence_ms: 0 });
        for _ in 0..3 {
            books.pass(1_200_000);
            // The end of a speech is told even if it was stopped.
            (books.alive, books.held) = (None, false);
            let speech = SpeechId(books.speeches);
            books.tell(Event::InterviewerEnded { speech });
        }
        books.pass(4_000_000);
        prop_assert!(books.prepared.is_none(), "{:?}", books.floor);
        for id in 1..=books.utterances {
            prop_assert!(books.placed.contains(&utterance(id)), "utterance {id} is nowhere: {:?}", books.floor);
        }
    }
}

/// A bound with room for a busy machine; it fails if a decision ever costs milliseconds.
#[test]
fn a_decision_costs_little() {
    let zero = Instant::now();
    let mut floor = TurnTaking::new(Settings::default());
    let mut now = zero;
    floor.handle_event(now, asked(QuestionKind::Behavioural));
    let text = "we moved the job to the night and watched the locks because ".repeat(20);
    let events = 4_000u32;
    for id in 1..=u64::from(events / 4) {
        now += Duration::from_millis(700);
        floor.handle_event(now, started(id, 0));
        floor.handle_event(now, stopped(id, 0));
        floor.handle_event(now, Event::Completion { utterance: utterance(id), probability: 0.2 });
        floor.handle_event(now, words(id, &text));
        while floor.poll_command().is_some() {}
    }
    let each = zero.elapsed() / events;
    println!("a decision costs {each:?}");
    assert!(each < Duration::from_millis(5), "{each:?} an event");
}
