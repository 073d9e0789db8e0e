//! Whole interviews as timelines: events at their second in, commands at theirs out.

use super::question::Level;
use super::*;
use crate::turn::SilenceStep;
use expect_test::{Expect, expect};
use material::{bank, plan, question};
use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

mod material;
mod parts;
mod random;
mod said;
mod wording;

fn spoken(kinds: &[QuestionKind]) -> Interview {
    Interview::new(plan(kinds), Settings { word_probes: false, ..Settings::default() })
}

/// Events at their second in, commands at theirs out; what is said is done saying two seconds later.
fn check(mut interview: Interview, script: &[(u64, Event)], expected: Expect) {
    let zero = Instant::now();
    let mut timeline = String::new();
    let mut saying: Vec<(u64, LineId)> = Vec::new();
    for (at, event) in script {
        loop {
            let done = saying.iter().min_by_key(|(until, _)| *until).copied();
            let due = interview.poll_deadline().map(|due| (due - zero).as_secs());
            match (done, due) {
                (Some((until, line)), due) if until <= *at && due.is_none_or(|due| until <= due) => {
                    saying.retain(|(_, other)| *other != line);
                    interview.handle_event(zero + Duration::from_secs(until), Event::LineDone { line });
                    tell(&mut interview, until, &mut timeline, &mut saying);
                }
                (_, Some(due)) if due < *at => {
                    interview.handle_timeout(interview.poll_deadline().expect("it is due"));
                    tell(&mut interview, due, &mut timeline, &mut saying);
                }
                _ => break,
            }
        }
        interview.handle_event(zero + Duration::from_secs(*at), event.clone());
        tell(&mut interview, *at, &mut timeline, &mut saying);
    }
    expected.assert_eq(&timeline);
}

fn tell(interview: &mut Interview, at: u64, timeline: &mut String, saying: &mut Vec<(u64, LineId)>) {
    while let Some(command) = interview.poll_command() {
        let told = match &command {
            Command::Say(line) => {
                saying.push((at + 2, line.id));
                let firm = if line.interruptible { "" } else { " firmly" };
                let speed = if line.speed == 1.0 { String::new() } else { format!(" at {:.2}", line.speed) };
                let expects = line.expects_answer.map_or(String::new(), |kind| format!(" [{}]", kind.as_str()));
                format!("{:?}{firm}{speed}: {}{expects}", line.kind, line.text)
            }
            Command::QuestionOpened { key, number } => format!("  opens {number} {key}"),
            Command::QuestionClosed { key, outcome } => format!("  closes {key}: {outcome:?}"),
            Command::WishHeard { wish, .. } => format!("  wish {wish:?}"),
            Command::Paused => "  paused".into(),
            Command::Resumed => "  resumed".into(),
            Command::Worded { text, .. } => format!("  worded: {text}"),
            Command::Finished { reason } => format!("  finished: {reason:?}"),
        };
        writeln!(timeline, "{at} {told}").expect("a string takes all");
    }
}

fn says(turn: u64, text: &str) -> Event {
    Event::Answered { turn: TurnId(turn), text: text.into() }
}

const FACTUAL: QuestionKind = QuestionKind::Factual;
const FULL: &str = "It keeps a ledger and takes a mutex around it.";

#[test]
fn an_interview_from_greeting_to_goodbye() {
    check(
        spoken(&[FACTUAL, QuestionKind::Design]),
        &[
            (0, Event::Begin),
            (1, says(1, "Hello!")),
            (10, says(2, "It keeps a ledger of the holders.")),
            (20, says(3, "They take a mutex.")),
            (40, says(4, "I would guess it is fast.")),
            (60, says(5, "There is a mutex in it.")),
            (80, says(6, "There is a ledger as well.")),
            (200, Event::Wish(Wish::Repeat)),
        ],
        expect![[r#"
            0 Greeting firmly: Hello, and welcome.
            0 Disclosure firmly: I am an AI interviewer. This is recorded, and a person decides. Ask me any time to repeat, skip, or pause.
            0   opens 1 locks
            0 Question: What do you know of locks? [factual]
            10 Acknowledgement: I see.
            10 Probe: What if two do locks at once? [factual]
            20   closes locks: Answered
            20 Acknowledgement: Thank you. This is the last question.
            20   opens 2 queues
            20 Question: What do you know of queues? [design]
            40 Acknowledgement: All right.
            40 Probe: What if two do queues at once? [design]
            60 Acknowledgement: Okay.
            60 Probe: Where is queues written down? [design]
            80   closes queues: Answered
            80 Acknowledgement: All right, thank you.
            80 Closing firmly: That was the last question. Thank you for your time and your answers. Goodbye.
            82   finished: Completed
        "#]],
    );
}

#[test]
fn wishes_by_phrase() {
    check(
        spoken(&[FACTUAL, FACTUAL, FACTUAL]),
        &[
            (0, Event::Begin),
            (10, says(1, "Could you repeat the question, please?")),
            (20, says(2, "What do you mean?")),
            (30, says(3, "A bit slower, please.")),
            (40, says(4, "Give me a moment.")),
            (50, says(5, "I don't know.")),
            (60, says(6, "Yes.")),
            (70, says(7, "No idea, sorry.")),
            (80, says(8, "Skip this one please.")),
            (90, says(9, "I want to end the interview.")),
            (95, says(10, "No.")),
            (100, says(11, "Please stop the interview.")),
            (105, says(12, "Yes, please.")),
            (110, Event::Begin),
        ],
        expect![[r#"
            0 Greeting firmly: Hello, and welcome.
            0 Disclosure firmly: I am an AI interviewer. This is recorded, and a person decides. Ask me any time to repeat, skip, or pause.
            0   opens 1 locks
            0 Question: What do you know of locks? [factual]
            10   wish Repeat
            10 Repeat: What do you know of locks? [factual]
            20   wish Rephrase
            20 Repeat: Tell me about locks. [factual]
            30   wish Slower
            30 Repeat at 0.85: What do you know of locks? [factual]
            40   wish Moment
            40 Instruction at 0.85: Of course. Take your time. [factual]
            50 Instruction at 0.85: That is fine. Even a rough idea helps. Would you like to try? [factual]
            60 Instruction at 0.85: Go ahead. [factual]
            70   closes locks: NotAnswered
            70 Acknowledgement at 0.85: No problem. Let us go on.
            70   opens 2 queues
            70 Question at 0.85: What do you know of queues? [factual]
            80   wish Skip
            80   closes queues: Skipped
            80 Acknowledgement at 0.85: No problem. Let us go on.
            80   opens 3 caches
            80 Question at 0.85: What do you know of caches? [factual]
            90   wish End
            90 Instruction at 0.85: Shall we end the interview here? Please say yes or no. [factual]
            95 Acknowledgement at 0.85: Good, let us go on.
            95 Repeat at 0.85: What do you know of caches? [factual]
            100   wish End
            100 Instruction at 0.85: Shall we end the interview here? Please say yes or no. [factual]
            105   closes caches: CutShort
            105 Closing firmly at 0.85: All right, we end here. Thank you for your time. Goodbye.
            107   finished: CandidateEnded
        "#]],
    );
}

#[test]
fn a_reopened_answer_leaves_no_trace() {
    check(
        spoken(&[FACTUAL, FACTUAL]),
        &[
            (0, Event::Begin),
            (10, says(1, FULL)),
            (11, Event::Reopened { turn: TurnId(1) }),
            (12, Event::Reopened { turn: TurnId(1) }),
            (15, says(1, &format!("{FULL} And more of it."))),
            (16, says(1, "Late.")),
            (30, says(2, "Pause, please.")),
            (31, Event::Reopened { turn: TurnId(2) }),
        ],
        expect![[r#"
            0 Greeting firmly: Hello, and welcome.
            0 Disclosure firmly: I am an AI interviewer. This is recorded, and a person decides. Ask me any time to repeat, skip, or pause.
            0   opens 1 locks
            0 Question: What do you know of locks? [factual]
            10   closes locks: Answered
            10 Acknowledgement: Thank you. This is the last question.
            10   opens 2 queues
            10 Question: What do you know of queues? [factual]
            11   opens 1 locks
            15   closes locks: Answered
            15 Acknowledgement: Thank you. This is the last question.
            15   opens 2 queues
            15 Question: What do you know of queues? [factual]
            30   wish Pause
            30   paused
            30 Instruction firmly: We are paused. Press resume when you are ready.
            31   resumed
        "#]],
    );
}

#[test]
fn silence_to_the_end_of_the_ladder() {
    check(
        spoken(&[FACTUAL, FACTUAL]),
        &[
            (0, Event::Begin),
            (10, Event::Silence(SilenceStep::Nudge)),
            (13, says(1, "Yes please.")),
            (25, Event::Silence(SilenceStep::OfferSkip)),
            (28, says(2, "No.")),
            (45, Event::Silence(SilenceStep::MoveOn)),
            (60, Event::Silence(SilenceStep::Nudge)),
            (90, Event::Silence(SilenceStep::End)),
            (95, Event::Silence(SilenceStep::End)),
        ],
        expect![[r#"
            0 Greeting firmly: Hello, and welcome.
            0 Disclosure firmly: I am an AI interviewer. This is recorded, and a person decides. Ask me any time to repeat, skip, or pause.
            0   opens 1 locks
            0 Question: What do you know of locks? [factual]
            10 Nudge: Take your time. Shall I repeat the question? [factual]
            13 Repeat: What do you know of locks? [factual]
            25 Nudge: If you like, we can leave this one and go on. Shall we? [factual]
            28 Instruction: Of course. Take your time. [factual]
            45   closes locks: NotAnswered
            45 Acknowledgement: Let us go on with another one.
            45   opens 2 queues
            45 Question: What do you know of queues? [factual]
            60 Nudge: There is no hurry. Would you like to hear the question again? [factual]
            90   closes queues: CutShort
            90 Closing firmly: I have not heard from you for a while, so I will end here. Thank you, and goodbye.
            92   finished: Idle
        "#]],
    );
}

#[test]
fn code_is_written_submitted_and_talked_about() {
    let code = |content: &str, submitted| Event::Code {
        question_key: "locks".into(),
        language: "python".into(),
        content: content.into(),
        submitted,
    };
    check(
        spoken(&[QuestionKind::Code]),
        &[
            (0, Event::Begin),
            (20, says(1, "I would begin with a loop over the entries.")),
            (60, code("ledger = []", false)),
            (100, code("ledger = [1]", true)),
            (120, says(2, "I would put a mutex around it.")),
        ],
        expect![[r#"
            0 Greeting firmly: Hello, and welcome.
            0 Disclosure firmly: I am an AI interviewer. This is recorded, and a person decides. Ask me any time to repeat, skip, or pause.
            0   opens 1 locks
            0 Question: What do you know of locks? [code]
            20 Instruction: All right. Submit your code, or say that you are done, when you are ready. [code]
            100 Acknowledgement: I see.
            100 Probe: What if two do locks at once? [explain]
            120   closes locks: Answered
            120 Acknowledgement: All right, thank you.
            120 Closing firmly: That was the last question. Thank you for your time and your answers. Goodbye.
        "#]],
    );
}

#[test]
fn code_without_end_is_left_as_it_is() {
    check(
        spoken(&[QuestionKind::Code, FACTUAL]),
        &[(0, Event::Begin), (10, says(1, FULL)), (400, Event::Begin)],
        expect![[r#"
            0 Greeting firmly: Hello, and welcome.
            0 Disclosure firmly: I am an AI interviewer. This is recorded, and a person decides. Ask me any time to repeat, skip, or pause.
            0   opens 1 queues
            0 Question: What do you know of queues? [factual]
            10   closes queues: Answered
            10 Acknowledgement: Thank you. This is the last question.
            10   opens 2 locks
            10 Question: What do you know of locks? [code]
            190 Instruction: About one minute is left for this task. [code]
            250   closes locks: CutShort
            250 Instruction firmly: Let us leave the code as it is.
            250 Closing firmly: That was the last question. Thank you for your time and your answers. Goodbye.
            252   finished: Completed
        "#]],
    );
}

#[test]
fn pause_stops_the_clock_and_has_a_limit() {
    check(
        spoken(&[FACTUAL]),
        &[
            (0, Event::Begin),
            (10, Event::Wish(Wish::Pause)),
            (20, says(1, "Mum, not now.")),
            (600, Event::Wish(Wish::Resume)),
            (700, Event::Wish(Wish::Pause)),
            (2_000, Event::Begin),
        ],
        expect![[r#"
            0 Greeting firmly: Hello, and welcome.
            0 Disclosure firmly: I am an AI interviewer. This is recorded, and a person decides. Ask me any time to repeat, skip, or pause.
            0   opens 1 locks
            0 Question: What do you know of locks? [factual]
            10   paused
            10 Instruction firmly: We are paused. Press resume when you are ready.
            600   resumed
            600 Instruction: Welcome back.
            600 Repeat: What do you know of locks? [factual]
            700   paused
            700 Instruction firmly: We are paused. Press resume when you are ready.
            1600   closes locks: CutShort
            1600 Closing firmly: I have not heard from you for a while, so I will end here. Thank you, and goodbye.
            1602   finished: Idle
        "#]],
    );
}

#[test]
fn time_is_up() {
    let mut short = plan(&[FACTUAL, FACTUAL, FACTUAL]);
    short.time_budget_s = 120;
    let settings = Settings { word_probes: false, ..Settings::default() };
    check(
        Interview::new(short.clone(), settings.clone()),
        &[(0, Event::Begin), (30, says(1, FULL)), (90, says(2, FULL)), (120, Event::Begin)],
        expect![[r#"
            0 Greeting firmly: Hello, and welcome.
            0 Disclosure firmly: I am an AI interviewer. This is recorded, and a person decides. Ask me any time to repeat, skip, or pause.
            0   opens 1 locks
            0 Question: What do you know of locks? [factual]
            30   closes locks: Answered
            30 Acknowledgement: Thank you. Let us go on.
            30   opens 2 queues
            30 Question: What do you know of queues? [factual]
            90   closes queues: Answered
            90 Closing firmly: Our time is up, so we end here. Thank you for your time and your answers. Goodbye.
            92   finished: TimeUp
        "#]],
    );
    check(
        Interview::new(short, settings),
        &[(0, Event::Begin), (30, says(1, FULL)), (400, Event::Begin)],
        expect![[r#"
            0 Greeting firmly: Hello, and welcome.
            0 Disclosure firmly: I am an AI interviewer. This is recorded, and a person decides. Ask me any time to repeat, skip, or pause.
            0   opens 1 locks
            0 Question: What do you know of locks? [factual]
            30   closes locks: Answered
            30 Acknowledgement: Thank you. Let us go on.
            30   opens 2 queues
            30 Question: What do you know of queues? [factual]
            180   closes queues: CutShort
            180 Closing firmly: Our time is up, so we end here. Thank you for your time and your answers. Goodbye.
            182   finished: TimeUp
        "#]],
    );
}

#[test]
fn a_monologue_is_cut_politely_and_not_taken_back() {
    check(
        spoken(&[FACTUAL, FACTUAL]),
        &[
            (0, Event::Begin),
            (100, Event::Monologue { turn: TurnId(1), text: "So in the beginning there was nothing.".into() }),
            (101, Event::Reopened { turn: TurnId(1) }),
        ],
        expect![[r#"
            0 Greeting firmly: Hello, and welcome.
            0 Disclosure firmly: I am an AI interviewer. This is recorded, and a person decides. Ask me any time to repeat, skip, or pause.
            0   opens 1 locks
            0 Question: What do you know of locks? [factual]
            100 Acknowledgement firmly: Thank you. Let me stop you there, so that we have time for the rest.
            100 Probe: What if two do locks at once? [factual]
        "#]],
    );
}

#[test]
fn an_interview_goes_on_after_a_restart() {
    let zero = Instant::now();
    let mut first = spoken(&[FACTUAL, FACTUAL, FACTUAL]);
    let mut lines = vec![];
    for (at, event) in [(0, Event::Begin), (10, says(1, FULL)), (20, says(2, "It has a ledger."))] {
        first.handle_event(zero + Duration::from_secs(at), event);
        while let Some(command) = first.poll_command() {
            if let Command::Say(line) = command {
                lines.push(line.id);
                first.handle_event(zero + Duration::from_secs(at), Event::LineDone { line: line.id });
            }
        }
    }
    let facts = serde_json::to_string(&first.facts(zero + Duration::from_secs(30))).expect("facts are plain data");
    let facts: Facts = serde_json::from_str(&facts).expect("they come back");
    assert_eq!(facts.elapsed_ms, 30_000);
    let again = Interview::restore(first.plan().clone(), Settings::default(), facts, BTreeMap::new());
    let next_line = again.facts(zero).next_line;
    assert!(lines.iter().all(|line| line.0 < next_line), "line ids are not used twice");
    check(
        again,
        &[(0, Event::Begin), (10, says(1, "They take a mutex.")), (20, says(2, FULL))],
        expect![[r#"
            0 Instruction: Sorry, we were interrupted. Let us go on.
            0   opens 2 queues
            0 Repeat: What if two do queues at once? [factual]
            10   closes queues: Answered
            10 Acknowledgement: Thank you. This is the last question.
            10   opens 3 caches
            10 Question: What do you know of caches? [factual]
            20   closes caches: Answered
            20 Acknowledgement: All right, thank you.
            20 Closing firmly: That was the last question. Thank you for your time and your answers. Goodbye.
        "#]],
    );
}

#[test]
fn what_is_previewed_is_what_is_said() {
    let zero = Instant::now();
    let mut interview = spoken(&[FACTUAL, FACTUAL]);
    interview.handle_event(zero, Event::Begin);
    let upcoming: HashSet<String> = interview.upcoming().into_iter().collect();
    while let Some(command) = interview.poll_command() {
        if let Command::Say(line) = command {
            interview.handle_event(zero, Event::LineDone { line: line.id });
        }
    }
    for (turn, text) in [(1, "It has a ledger."), (2, "And a mutex."), (3, "I don't know"), (4, "Skip")] {
        let expected: Vec<String> = interview.preview(text, &[]).into_iter().map(|line| line.text).collect();
        assert_eq!(interview.poll_command(), None, "a preview commands nothing");
        interview.handle_event(zero, says(turn, text));
        let mut said = Vec::new();
        while let Some(command) = interview.poll_command() {
            if let Command::Say(line) = command {
                said.push(line.text);
            }
        }
        assert_eq!(said, expected);
        assert!(turn > 1 || said.iter().all(|text| upcoming.contains(text)), "{said:?} was not foreseen");
    }
}
