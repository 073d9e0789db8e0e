//! Crashes: the log of an eventful interview is cut after every event, taken up again, and run on to its end.

use super::over::{answers, check_answers, heard};
use super::parts::{HALF, WHOLE, asks, probes};
use super::record::Written;
use super::stage::{Scene, Talk};
use std::collections::BTreeMap;
use vivavoce::interview::{EndReason, LineKind};
use vivavoce::room::Button;
use vivavoce::session::event::SessionEvent;
use vivavoce::session::restore::restore;

/// An interview with a probe, a false cut-off, a typed answer, a repeat, and a pause in it.
async fn eventful() -> Vec<Written> {
    let mut talk = Scene { saving_ms: 60, ..Scene::default() }.opens();
    talk.answers(&asks("locks"), HALF).await;
    talk.answers(&probes("locks"), "There a mutex decides.").await;
    talk.hears(&asks("queues")).await;
    talk.presses(Button::Repeat);
    talk.answers(&asks("queues"), HALF).await;
    talk.begins("").await;
    talk.waits(300).await;
    talk.says("And then a mutex guards all of it.", 2_000).await;
    talk.hears(&asks("caches")).await;
    talk.presses(Button::Pause);
    talk.hears("We are paused.").await;
    talk.presses(Button::Resume);
    talk.hears(&asks("caches")).await;
    talk.types("There is a ledger.");
    talk.answers(&probes("caches"), "One mutex for each of them.").await;
    let over = talk.over().await;
    assert_eq!(over.reason, Some(EndReason::Completed), "{}", over.story());
    assert_eq!(over.has("false_cutoff_recovered"), 1, "{}", over.story());
    over.kept.written
}

fn story(written: &[Written]) -> String {
    written.iter().map(|row| format!("{:>4} {} {}\n", row.seq, row.kind, row.payload)).collect()
}

#[tokio::test(start_paused = true)]
async fn whatever_the_log_ends_with_no_word_is_lost_or_doubled() {
    let written = eventful().await;
    for length in 1..=written.len() {
        let log = &written[..length];
        check_answers(log, &|| story(log));
        // What was shown as final is what was transcribed and durable.
        let known = heard(log);
        for row in log {
            if let SessionEvent::UtteranceTranscribed(utterance) = row.event() {
                assert!(known.contains(&utterance.text), "{utterance:?} is lost after {length} events\n{}", story(log));
            }
        }
    }
}

/// What the policy goes on with is what the record says was answered.
#[tokio::test(start_paused = true)]
async fn whatever_the_log_ends_with_the_open_question_has_its_answers_once() {
    let written = eventful().await;
    for length in 1..=written.len() {
        let log = &written[..length];
        let restored = restore(log.iter().map(|row| (row.seq, row.kind.as_str(), &row.payload)));
        let Some(open) = restored.facts.open else { continue };
        let mut by_turn = BTreeMap::new();
        for answer in answers(log).into_iter().filter(|answer| answer.question_key.as_deref() == Some(&open.key)) {
            by_turn.insert(answer.turn, answer.text);
        }
        let said = by_turn.into_values().collect::<Vec<_>>().join(" ");
        assert!(
            said.starts_with(&open.answer),
            "{:?} is not {said:?} after {length} events\n{}",
            open.answer,
            story(log)
        );
    }
}

/// Says something to every question and probe until the interview is over.
async fn runs_on(mut talk: Talk) -> super::over::Over {
    for _ in 0..40 {
        match talk.sees_any(&["spoken What", "spoken I am sorry", "spoken We are paused", "ended"]).await {
            "ended" => break,
            "spoken We are paused" => talk.presses(Button::Resume),
            _ => {
                talk.waits(500).await;
                talk.says(WHOLE, 2_000).await;
            }
        }
    }
    talk.over().await
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_taken_up_again_comes_to_its_end() {
    let written = eventful().await;
    for length in (1..written.len()).step_by(5) {
        let left = written[..length].to_vec();
        let talk = Scene { left: left.clone(), ..Scene::default() }.opens();
        let over = runs_on(talk).await;
        assert_eq!(over.reason, Some(EndReason::Completed), "after {length} events\n{}", over.story());
        let asked = |log: &[Written]| {
            let mut asked: BTreeMap<String, usize> = BTreeMap::new();
            for row in log {
                if let SessionEvent::SpeechStarted { line, question_key: Some(key), .. } = row.event()
                    && matches!(line, LineKind::Question | LineKind::Repeat)
                {
                    *asked.entry(key).or_default() += 1;
                }
            }
            asked
        };
        let (before, after) = (asked(&left), asked(&over.kept.written[length..]));
        for (key, times) in after {
            assert!(times == 1, "{key} was asked {times} times after {length} events\n{}", over.story());
            let closed = left.iter().any(|row| row.kind == "question_closed" && row.payload["key"] == key);
            let reopened = left.iter().any(|row| row.kind == "false_cutoff_recovered");
            assert!(!closed || reopened, "{key} was closed and is asked again after {length} events\n{}", over.story());
            assert!(before.get(&key).is_none_or(|times| *times <= 3), "{}", over.story());
        }
        let closed: Vec<String> = over.outcomes().into_iter().map(|(key, _)| key).collect();
        for key in ["locks", "queues", "caches"] {
            assert!(closed.iter().any(|closed| closed == key), "{key} is not closed\n{}", over.story());
        }
    }
}
