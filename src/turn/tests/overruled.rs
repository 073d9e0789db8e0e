//! Exact timelines of a floor that is taken on purpose.

use super::*;

#[test]
fn a_wish_by_button_keeps_what_was_said_and_lets_the_next_line_through() {
    check(
        &[
            (0, asked(QuestionKind::Explain)),
            (1_000, started(1, 1_000)),
            (3_000, stopped(1, 3_000)),
            (3_300, words(1, "An index makes reading faster.")),
            (3_400, Event::Overruled),
            (3_500, Event::InterviewerStarted { speech: SpeechId(1), interruptible: true }),
            (4_500, Event::InterviewerEnded { speech: SpeechId(1) }),
            (5_000, asked(QuestionKind::Factual)),
            (5_000, Event::InterviewerStarted { speech: SpeechId(2), interruptible: true }),
            (8_000, Event::InterviewerEnded { speech: SpeechId(2) }),
        ],
        expect![[r#"
            3300 ms: Prepare { turn: TurnId(1) }
            3400 ms: Commit { turn: TurnId(1), utterances: [UtteranceId(1)], decision: Decision { reason: Overruled, speech_end: SamplePos(48000), silence_ms: 400, patience_ms: 400, completion: None, words_completeness: Some(0.6), reopened: 0, kind: Some(Explain), probe: false, covered: None } }
        "#]],
    );
}

#[test]
fn a_line_that_was_under_way_does_not_make_an_interruption_of_what_was_said_before() {
    check(
        &[
            (0, asked(QuestionKind::Explain)),
            (1_000, started(1, 1_000)),
            (3_000, stopped(1, 3_000)),
            (3_300, words(1, "An index makes reading faster.")),
            (3_600, started(2, 3_600)),
            (3_700, asked(QuestionKind::Factual)),
            (3_700, Event::InterviewerStarted { speech: SpeechId(1), interruptible: true }),
            (3_800, stopped(2, 3_800)),
            (4_000, words(2, "Mm.")),
            (7_000, Event::InterviewerEnded { speech: SpeechId(1) }),
        ],
        expect![[r#"
            3300 ms: Prepare { turn: TurnId(1) }
            3600 ms: Discard { turn: TurnId(1) }
            3700 ms: Commit { turn: TurnId(1), utterances: [UtteranceId(1)], decision: Decision { reason: Overruled, speech_end: SamplePos(48000), silence_ms: 700, patience_ms: 700, completion: None, words_completeness: Some(0.6), reopened: 0, kind: Some(Explain), probe: false, covered: None } }
            3780 ms: Hold { speech: SpeechId(1) }
            4000 ms: Aside { utterance: UtteranceId(2) }
            4000 ms: Resume { speech: SpeechId(1) }
        "#]],
    );
}

#[test]
fn a_wish_over_the_interviewer_stops_it_and_keeps_the_words() {
    check(
        &[
            (0, asked(QuestionKind::Explain)),
            (0, Event::InterviewerStarted { speech: SpeechId(1), interruptible: true }),
            (1_000, started(1, 1_000)),
            (1_400, Event::Overruled),
            (1_420, Event::InterviewerEnded { speech: SpeechId(1) }),
            (1_500, Event::InterviewerStarted { speech: SpeechId(2), interruptible: true }),
            (2_000, stopped(1, 2_000)),
            (2_100, words(1, "I do not know that word")),
            (4_000, Event::InterviewerEnded { speech: SpeechId(2) }),
        ],
        expect![[r#"
            1180 ms: Hold { speech: SpeechId(1) }
            1400 ms: Stop { speech: SpeechId(1) }
            1400 ms: Commit { turn: TurnId(1), utterances: [UtteranceId(1)], decision: Decision { reason: Overruled, speech_end: SamplePos(16000), silence_ms: 0, patience_ms: 0, completion: None, words_completeness: None, reopened: 0, kind: Some(Explain), probe: false, covered: None } }
        "#]],
    );
}

/// A turn that was just taken stands when a button is pressed; its reply is not taken back by what follows.
#[test]
fn a_wish_after_a_commitment_closes_it() {
    check(
        &[
            (0, asked(QuestionKind::Factual)),
            (1_000, started(1, 1_000)),
            (3_000, stopped(1, 3_000)),
            (3_300, words(1, "That's all.")),
            (3_500, Event::Overruled),
            (3_600, Event::InterviewerStarted { speech: SpeechId(1), interruptible: true }),
            (4_000, started(2, 4_000)),
            (4_500, words(2, "Sorry, what")),
            (4_520, Event::InterviewerEnded { speech: SpeechId(1) }),
        ],
        expect![[r#"
            3300 ms: Commit { turn: TurnId(1), utterances: [UtteranceId(1)], decision: Decision { reason: Explicit, speech_end: SamplePos(48000), silence_ms: 300, patience_ms: 1047, completion: None, words_completeness: Some(1.0), reopened: 0, kind: Some(Factual), probe: false, covered: None } }
            4180 ms: Hold { speech: SpeechId(1) }
            4500 ms: Stop { speech: SpeechId(1) }
        "#]],
    );
}

/// Typed words take the turn while the voice still sounds; the voice ends, another sound takes the turn back, and a line
/// begins: all that was said is the turn's, and what ended long ago is no interruption of the line.
#[test]
fn what_was_committed_in_mid_speech_and_ended_since_sounds_no_more() {
    let zero = Instant::now();
    let place = |ms: u64| zero + Duration::from_millis(ms);
    let line = SpeechId(1);
    let mut floor = TurnTaking::new(Settings::default());
    let mut done = Vec::new();
    for (ms, event) in [
        (0, asked(QuestionKind::Factual)),
        (1_000, started(1, 1_000)),
        (2_000, Event::Typed),
        (4_000, stopped(1, 4_000)),
        (5_000, started(2, 5_000)),
        (5_600, stopped(2, 5_600)),
        (6_000, asked(QuestionKind::Factual)),
        (6_000, Event::InterviewerStarted { speech: line, interruptible: true }),
        (8_000, Event::InterviewerEnded { speech: line }),
    ] {
        while let Some(due) = floor.poll_deadline().filter(|due| *due <= place(ms)) {
            floor.handle_timeout(due);
        }
        floor.handle_event(place(ms), event);
        done.extend(std::iter::from_fn(|| floor.poll_command()));
    }
    let commits: Vec<Vec<u64>> = done
        .iter()
        .filter_map(|command| {
            let Command::Commit { utterances, .. } = command else { return None };
            Some(utterances.iter().map(|utterance| utterance.0).collect())
        })
        .collect();
    assert_eq!(commits, [vec![1], vec![1, 2]], "{done:?}");
    assert!(done.iter().any(|command| matches!(command, Command::Reopen { .. })), "{done:?}");
    assert!(!done.iter().any(|command| matches!(command, Command::Stop { .. } | Command::Hold { .. })), "{done:?}");
}
