//! Random interviews, restarts among them, against the invariants. `VIVAVOCE_CASES` sets how many are tried.

use super::*;
use proptest::prelude::*;

fn an_event() -> impl Strategy<Value = Event> {
    let text = prop_oneof![
        Just("It keeps a ledger."),
        Just("There is a mutex."),
        Just("I would guess it is fast."),
        Just(FULL),
        Just(""),
        Just("I don't know."),
        Just("Yes."),
        Just("No."),
        Just("Skip it."),
        Just("I'm done."),
        Just("Could you repeat that?"),
        Just("Pause please."),
        Just("Give me a moment."),
        Just("End the interview."),
    ];
    let wish = prop_oneof![
        Just(Wish::Repeat),
        Just(Wish::Rephrase),
        Just(Wish::Slower),
        Just(Wish::Moment),
        Just(Wish::Skip),
        Just(Wish::Pause),
        Just(Wish::Resume),
    ];
    let step = prop_oneof![Just(SilenceStep::Nudge), Just(SilenceStep::OfferSkip), Just(SilenceStep::MoveOn)];
    let key = prop_oneof![Just("locks"), Just("queues"), Just("nothing")];
    let rare = prop_oneof![
        Just(Event::Silence(SilenceStep::End)),
        Just(Event::Wish(Wish::End)),
        Just(Event::End { reason: EndReason::Left }),
        Just(Event::End { reason: EndReason::Cancelled }),
        Just(Event::Begin),
    ];
    prop_oneof![
        24 => (0u64..4, text).prop_map(|(back, text)| Event::Answered { turn: TurnId(back), text: text.into() }),
        4 => (0u64..3).prop_map(|back| Event::Reopened { turn: TurnId(back) }),
        8 => (0u32..4).prop_map(|back| Event::LineDone { line: LineId(back) }),
        3 => (0u32..4).prop_map(|back| Event::LineInterrupted { line: LineId(back) }),
        2 => (0u32..4).prop_map(|back| Event::LineFailed { line: LineId(back) }),
        4 => wish.prop_map(Event::Wish),
        4 => step.prop_map(Event::Silence),
        1 => (0u64..2).prop_map(|back| Event::Monologue { turn: TurnId(back), text: "On and on.".into() }),
        3 => (key, any::<bool>()).prop_map(|(key, submitted)| Event::Code {
            question_key: key.into(), language: "python".into(), content: "ledger".into(), submitted
        }),
        3 => (0u32..4).prop_map(|back| Event::Proposed { line: LineId(back), text: "What if two do this at once?".into() }),
        2 => prop_oneof![Just("locks"), Just("queues")].prop_map(|key| Event::Said {
            question_key: key.into(), text: "A ledger, and".into()
        }),
        1 => rare,
    ]
}

/// What an interview is held to while it runs.
#[derive(Default)]
struct Books {
    lines: u32,
    turns: u64,
    asked: HashSet<String>,
    probes: Vec<String>,
    closed: Vec<String>,
    mended: HashSet<String>,
    open: Option<String>,
    paused: bool,
    finished: bool,
    /// As the log holds it.
    code: BTreeMap<String, String>,
}

impl Books {
    fn enter(&mut self, interview: &mut Interview) {
        while let Some(command) = interview.poll_command() {
            assert!(!self.finished, "{command:?} after the end");
            match command {
                Command::Say(line) => self.line(&line),
                Command::QuestionOpened { key, number } => {
                    assert!((1..=3).contains(&number));
                    // Opened again means that the answer that closed it was taken back.
                    self.closed.retain(|closed| *closed != key);
                    self.mended.remove(&key);
                    self.open = Some(key);
                }
                // Words that came after its end: it was answered after all, once.
                Command::QuestionClosed { key, outcome: QuestionOutcome::Answered }
                    if self.open.as_ref() != Some(&key) && self.closed.contains(&key) =>
                {
                    assert!(self.mended.insert(key), "answered twice");
                }
                Command::QuestionClosed { key, .. } => {
                    assert_eq!(self.open.take(), Some(key.clone()));
                    assert!(!self.closed.contains(&key), "{key} is closed twice");
                    self.closed.push(key);
                }
                Command::Paused => assert!(!std::mem::replace(&mut self.paused, true), "paused twice"),
                Command::Resumed => assert!(std::mem::replace(&mut self.paused, false), "resumed twice"),
                Command::Finished { .. } => self.finished = true,
                Command::WishHeard { .. } | Command::Worded { .. } => {}
            }
        }
    }

    fn line(&mut self, line: &Line) {
        assert!(line.id.0 > self.lines, "line ids ascend");
        assert!(!line.text.is_empty() || line.wording.is_some(), "nothing to say: {line:?}");
        assert!((0.5..=1.0).contains(&line.speed));
        self.lines = line.id.0;
        match line.kind {
            LineKind::Question => {
                self.asked.insert(line.text.clone());
            }
            LineKind::Probe => {
                assert!(line.wording.is_some() || line.worded_with.is_some());
                self.probes.push(line.text.clone());
            }
            LineKind::Greeting
            | LineKind::Disclosure
            | LineKind::Acknowledgement
            | LineKind::Repeat
            | LineKind::Nudge
            | LineKind::Instruction
            | LineKind::Closing => {}
        }
    }

    /// Ids become those of things that happened lately, so that both fresh and stale ones occur.
    fn real(&mut self, event: Event) -> Event {
        let line = |back: LineId, lines: u32| LineId(lines.saturating_sub(back.0));
        match event {
            Event::Answered { turn: TurnId(0), text } => Event::Answered { turn: TurnId(self.turns), text },
            Event::Answered { text, .. } => {
                self.turns += 1;
                Event::Answered { turn: TurnId(self.turns), text }
            }
            Event::Monologue { text, .. } => {
                self.turns += 1;
                Event::Monologue { turn: TurnId(self.turns), text }
            }
            Event::Reopened { turn } => Event::Reopened { turn: TurnId(self.turns.saturating_sub(turn.0)) },
            Event::LineDone { line: back } => Event::LineDone { line: line(back, self.lines) },
            Event::LineInterrupted { line: back } => Event::LineInterrupted { line: line(back, self.lines) },
            Event::LineFailed { line: back } => Event::LineFailed { line: line(back, self.lines) },
            Event::Said { question_key, text } => Event::Said { question_key, text },
            Event::Proposed { line: back, text } => Event::Proposed { line: line(back, self.lines), text },
            other @ (Event::Begin | Event::Wish(_) | Event::Silence(_) | Event::Code { .. } | Event::End { .. }) => {
                other
            }
        }
    }
}

fn cases() -> u32 {
    std::env::var("VIVAVOCE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(5_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_interview_ends_once_and_asks_nothing_twice(
        events in proptest::collection::vec((0u64..20_000, an_event()), 1..60),
        restart_at in 0usize..120,
    ) {
        let mut now = Instant::now();
        let plan = plan(&[FACTUAL, QuestionKind::Design, QuestionKind::Code]);
        let mut interview = Interview::new(plan, Settings::default());
        let mut books = Books::default();
        interview.handle_event(now, Event::Begin);
        books.enter(&mut interview);
        for (count, (gap_ms, event)) in events.into_iter().enumerate() {
            let until = now + Duration::from_millis(gap_ms);
            let mut timers = 0;
            while let Some(due) = interview.poll_deadline().filter(|due| *due <= until) {
                prop_assert!(due > now, "a deadline of the past");
                now = due;
                interview.handle_timeout(now);
                books.enter(&mut interview);
                timers += 1;
                prop_assert!(timers < 50, "livelock");
            }
            now = until;
            if count == restart_at {
                // kill -9, and on with what the log holds.
                let facts = interview.facts(now);
                let ended = books.finished;
                interview = Interview::restore(interview.plan().clone(), Settings::default(), facts, books.code.clone());
                books.open = None;
                books.paused = false;
                books.finished = false;
                now += Duration::from_secs(5);
                interview.handle_event(now, Event::Begin);
                books.enter(&mut interview);
                prop_assert!(!ended || books.finished, "an interview that was over goes on");
            }
            let event = books.real(event);
            if let Event::Code { question_key, content, .. } = &event {
                books.code.insert(question_key.clone(), content.clone());
            }
            let asked_before = books.asked.len();
            interview.handle_event(now, event);
            books.enter(&mut interview);
            prop_assert!(books.asked.len() <= asked_before + 1, "two questions at once");
            let facts = interview.facts(now);
            for closed in &facts.closed {
                prop_assert_eq!(facts.closed.iter().filter(|other| other.key == closed.key).count(), 1);
            }
            if let Some(open) = &facts.open {
                prop_assert!(facts.closed.iter().all(|closed| closed.key != open.key), "{} is open and closed", open.key);
                prop_assert!(open.probes.len() <= 2, "too many probes");
                let distinct: HashSet<_> = open.probes.iter().collect();
                prop_assert_eq!(distinct.len(), open.probes.len(), "a probe is asked twice");
            }
            // A view and a preview exist at any time and change nothing.
            let _view = interview.view(now);
            let _said = interview.preview(FULL, &["And what of the other one?".to_owned()]);
            prop_assert!((0.0..=1.0).contains(&interview.covered(FULL)));
            prop_assert_eq!(interview.poll_command(), None);
        }
        // Left to itself, every interview ends.
        for _ in 0..50 {
            let Some(due) = interview.poll_deadline() else { break };
            prop_assert!(due > now, "a deadline of the past");
            now = due;
            interview.handle_timeout(now);
            books.enter(&mut interview);
        }
        prop_assert!(books.finished, "it never ends: {:?}", interview.view(now));
    }
}
