//! What was said counts once and in its place: words that a wish overruled, code, "I don't know", how much is missing.

use super::*;

/// Code stands in its own events, once; what it showed is known again after a restart.
#[test]
fn code_is_not_repeated_in_the_facts_and_counts_after_a_restart() {
    let zero = Instant::now();
    let mut first = spoken(&[QuestionKind::Code]);
    first.handle_event(zero, Event::Begin);
    let content = "ledger = {}  # and a mutex".to_owned();
    let code = Event::Code {
        question_key: "locks".into(),
        language: "python".into(),
        content: content.clone(),
        submitted: false,
    };
    let before = serde_json::to_string(&first.facts(zero)).expect("facts are plain data");
    first.handle_event(zero, code);
    let after = serde_json::to_string(&first.facts(zero)).expect("facts are plain data");
    assert_eq!(before, after, "a change of code changes nothing that is logged beside it");
    let restored = |code: BTreeMap<String, String>| {
        let facts = serde_json::from_str(&after).expect("they come back");
        let mut again = Interview::restore(
            first.plan().clone(),
            Settings { word_probes: false, ..Settings::default() },
            facts,
            code,
        );
        again.handle_event(zero, Event::Begin);
        while let Some(command) = again.poll_command() {
            if let Command::Say(line) = command {
                again.handle_event(zero, Event::LineDone { line: line.id });
            }
        }
        again.handle_event(zero, says(1, "I'm done."));
        let mut probes = Vec::new();
        while let Some(command) = again.poll_command() {
            if let Command::Say(Line { kind: LineKind::Probe, text, .. }) = command {
                probes.push(text);
            }
        }
        probes
    };
    assert_eq!(restored(BTreeMap::from([("locks".to_owned(), content)])), Vec::<String>::new(), "all was written");
    assert_eq!(restored(BTreeMap::new()), ["What if two do locks at once?"], "nothing was");
}

/// A turn that a wish overruled counts to the answer, and is not replied to.
#[test]
fn what_was_said_before_a_wish_counts() {
    let said = |key: &str, text: &str| Event::Said { question_key: key.into(), text: text.into() };
    check(
        spoken(&[FACTUAL, FACTUAL, FACTUAL]),
        &[
            (0, Event::Begin),
            (10, said("locks", "It keeps a ledger, and")),
            (10, Event::Wish(Wish::Repeat)),
            (20, says(1, "They take a mutex.")),
            (30, said("queues", "There is a ledger.")),
            (30, Event::Wish(Wish::Skip)),
            (31, said("queues", "Too late.")),
            (40, said("caches", "I don't know.")),
            (40, Event::Wish(Wish::Skip)),
        ],
        expect![[r#"
            0 Greeting firmly: Hello, and welcome.
            0 Disclosure firmly: I am an AI interviewer. This is recorded, and a person decides. Ask me any time to repeat, skip, or pause.
            0   opens 1 locks
            0 Question: What do you know of locks? [factual]
            10 Repeat: What do you know of locks? [factual]
            20   closes locks: Answered
            20 Acknowledgement: Thank you. Let us go on.
            20   opens 2 queues
            20 Question: What do you know of queues? [factual]
            30   closes queues: Answered
            30 Acknowledgement: No problem. Let us go on.
            30   opens 3 caches
            30 Question: What do you know of caches? [factual]
            40   closes caches: Skipped
            40 Acknowledgement: All right, thank you.
            40 Closing firmly: That was the last question. Thank you for your time and your answers. Goodbye.
        "#]],
    );
}

#[test]
fn not_knowing_is_met_kindly_and_probed_no_further() {
    check(
        spoken(&[FACTUAL, FACTUAL]),
        &[
            (0, Event::Begin),
            (10, says(1, "It keeps a ledger of the holders.")),
            (20, says(2, "I am not sure about that one, to be honest.")),
            (30, says(3, "There is a mutex.")),
            (40, says(4, "I don't know more about it than what I said.")),
        ],
        expect![[r#"
            0 Greeting firmly: Hello, and welcome.
            0 Disclosure firmly: I am an AI interviewer. This is recorded, and a person decides. Ask me any time to repeat, skip, or pause.
            0   opens 1 locks
            0 Question: What do you know of locks? [factual]
            10 Acknowledgement: I see.
            10 Probe: What if two do locks at once? [factual]
            20   closes locks: Answered
            20 Acknowledgement: No problem. Let us go on.
            20   opens 2 queues
            20 Question: What do you know of queues? [factual]
            30 Acknowledgement: All right.
            30 Probe: Where is queues written down? [factual]
            40   closes queues: Answered
            40 Acknowledgement: All right, thank you.
            40 Closing firmly: That was the last question. Thank you for your time and your answers. Goodbye.
        "#]],
    );
}

#[test]
fn coverage_tells_how_much_of_what_must_be_said_is_said() {
    let zero = Instant::now();
    let mut interview = spoken(&[QuestionKind::Design]);
    interview.handle_event(zero, Event::Begin);
    while let Some(command) = interview.poll_command() {
        if let Command::Say(line) = command {
            interview.handle_event(zero, Event::LineDone { line: line.id });
        }
    }
    assert_eq!(interview.covered("It is fast."), 0.0);
    assert_eq!(interview.covered("It keeps a ledger."), 0.4);
    assert_eq!(interview.covered(FULL), 1.0);
    assert_eq!(interview.covered("Could you repeat the question?"), 1.0, "a wish is whole");
    assert_eq!(interview.covered("Yes."), 0.0, "nothing was offered");
    interview.handle_event(zero, says(1, "It keeps a ledger."));
    let mut probes = 0;
    while let Some(command) = interview.poll_command() {
        if let Command::Say(line) = command {
            assert_eq!(line.probe, line.kind == LineKind::Probe, "{line:?}");
            probes += usize::from(line.probe);
        }
    }
    assert_eq!(probes, 1);
    assert_eq!(interview.covered("It is fast."), 0.0, "a follow-up asks for its own point");
    assert_eq!(interview.covered("There is a mutex."), 1.0);
    interview.handle_event(zero, Event::Wish(Wish::Repeat));
    while let Some(command) = interview.poll_command() {
        if let Command::Say(line) = command {
            assert!(line.probe, "a follow-up that is repeated is one: {line:?}");
        }
    }
}

/// Ten seconds at 150 words a minute, and all that the law and fairness want said.
#[test]
fn the_first_words_are_few() {
    let words = format!("{} {}", lines::GREETING, lines::DISCLOSURE);
    assert!(words.split_whitespace().count() <= 25, "{words}");
    for said in ["AI", "recorded", "a person decides", "repeat", "skip", "pause"] {
        assert!(words.contains(said), "{said}");
    }
}

/// Who reaches for *skip* while the answer is being taken means the question that was asked, not the next one.
#[test]
fn a_skip_just_after_an_answer_skips_nothing_more() {
    check(
        spoken(&[FACTUAL, FACTUAL, FACTUAL]),
        &[
            (0, Event::Begin),
            (10, says(1, FULL)),
            (11, Event::Wish(Wish::Skip)),
            (20, Event::Wish(Wish::Skip)),
            (20, Event::Wish(Wish::Skip)),
        ],
        expect![[r#"
            0 Greeting firmly: Hello, and welcome.
            0 Disclosure firmly: I am an AI interviewer. This is recorded, and a person decides. Ask me any time to repeat, skip, or pause.
            0   opens 1 locks
            0 Question: What do you know of locks? [factual]
            10   closes locks: Answered
            10 Acknowledgement: Thank you. Let us go on.
            10   opens 2 queues
            10 Question: What do you know of queues? [factual]
            11 Repeat: What do you know of queues? [factual]
            20   closes queues: Skipped
            20 Acknowledgement: No problem. Let us go on.
            20   opens 3 caches
            20 Question: What do you know of caches? [factual]
            20   closes caches: Skipped
            20 Acknowledgement: All right, thank you.
            20 Closing firmly: That was the last question. Thank you for your time and your answers. Goodbye.
        "#]],
    );
}

/// The greeting is ours: the first question's box runs from its end.
#[test]
fn the_greeting_does_not_use_up_the_first_questions_time() {
    let mut interview = spoken(&[QuestionKind::Code]);
    let zero = Instant::now();
    let at = |s: u64| zero + Duration::from_secs(s);
    interview.handle_event(zero, Event::Begin);
    let due = interview.poll_deadline();
    let mut greeting = Vec::new();
    while let Some(command) = interview.poll_command() {
        if let Command::Say(line) = command
            && line.kind == LineKind::Disclosure
        {
            greeting.push(line.id);
        }
    }
    interview.handle_event(at(18), Event::LineDone { line: greeting[0] });
    assert_eq!(interview.poll_deadline(), due.map(|due| due + Duration::from_secs(18)));
}
