//! Where another owner left a session, read from its log: what the policy knew, what was heard and not yet answered, and
//! the numbers that must not be given again. Pure. Must never guess: what is not in the log did not happen.

use super::Resumed;
use super::event::{SessionEvent, Utterance};
use crate::id::{TurnId, UtteranceId};
use crate::interview::Facts;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What the log says.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    pub resumed: Resumed,
    pub facts: Facts,
    /// Latest code, by question.
    pub code: BTreeMap<String, String>,
    /// The session's clock stood here at the last event, ms.
    pub last_at_ms: u64,
    pub next_turn: u64,
}

/// Longest absence that a session's clock runs on for, ms: shorter than the longest silence that a recording bridges (an
/// hour), and a candidate who listens to it later is kept waiting no longer.
const ABSENCE_MS_MAX: u64 = 30 * 60 * 1_000;

/// Where the session's clock goes on that stood at `last_at_ms`, when by the wall's it would stand at `wall_ms`: a
/// recording's second part then stands where it belongs.
#[must_use]
pub fn goes_on_at_ms(wall_ms: u64, last_at_ms: u64) -> u64 {
    wall_ms.clamp(last_at_ms, last_at_ms.saturating_add(ABSENCE_MS_MAX))
}

/// Reads a log in order: (`seq`, kind, payload) of each event.
#[must_use]
pub fn restore<'a>(events: impl Iterator<Item = (i64, &'a str, &'a Value)>) -> Restored {
    let mut restored = Restored::default();
    let mut heard = Heard::default();
    for (seq, kind, payload) in events {
        restored.resumed.last_seq = seq;
        let at_ms = payload.get("at_ms").and_then(Value::as_u64).unwrap_or(0);
        restored.last_at_ms = restored.last_at_ms.max(at_ms);
        if let Some(event) = SessionEvent::from_row(kind, payload) {
            read(&mut restored, &mut heard, event);
        }
    }
    restored.resumed.utterances = heard.open.into_values().filter(|utterance| !utterance.text.is_empty()).collect();
    restored
}

/// What was said, and what of it belongs to no open turn.
#[derive(Default)]
struct Heard {
    open: BTreeMap<UtteranceId, Utterance>,
    over: BTreeSet<UtteranceId>,
    /// The turn that was committed last, which may be reopened.
    last: Option<(TurnId, Vec<Utterance>)>,
}

fn read(restored: &mut Restored, heard: &mut Heard, event: SessionEvent) {
    let resumed = &mut restored.resumed;
    match event {
        SessionEvent::UtteranceTranscribed(utterance) => {
            resumed.count(utterance.id);
            if !heard.over.contains(&utterance.id) {
                heard.open.insert(utterance.id, utterance);
            }
        }
        SessionEvent::Aside { utterance } => {
            heard.open.remove(&utterance);
            heard.over.insert(utterance);
        }
        SessionEvent::AnswerCommitted(answer) => {
            restored.next_turn = restored.next_turn.max(answer.turn.0.saturating_add(1));
            for utterance in &answer.utterances {
                resumed.count(utterance.id);
                heard.open.remove(&utterance.id);
                heard.over.insert(utterance.id);
            }
            // An older answer is written again when late words complete it; what may be reopened is the newest.
            if heard.last.as_ref().is_none_or(|(last, _)| *last <= answer.turn) {
                heard.last = Some((answer.turn, answer.utterances));
            }
        }
        SessionEvent::FalseCutoffRecovered { turn, .. } => {
            // The same turn goes on, under its number: its row is written again.
            if let Some((_, utterances)) = heard.last.take_if(|(last, _)| *last == turn) {
                restored.next_turn = turn.0;
                for utterance in utterances {
                    heard.over.remove(&utterance.id);
                    heard.open.insert(utterance.id, utterance);
                }
            }
        }
        SessionEvent::SpeechStarted { speech, .. } => resumed.next_speech = resumed.next_speech.max(speech.0 + 1),
        SessionEvent::CodeChanged { question_key, version, content, .. } => {
            resumed.code_version = resumed.code_version.max(version);
            restored.code.insert(question_key, content);
        }
        SessionEvent::Facts { facts } => restored.facts = *facts,
        SessionEvent::TakenUp { .. }
        | SessionEvent::Began
        | SessionEvent::MediaConnected
        | SessionEvent::MediaInterrupted
        | SessionEvent::Overheard { .. }
        | SessionEvent::WishHeard { .. }
        | SessionEvent::QuestionOpened { .. }
        | SessionEvent::QuestionClosed { .. }
        | SessionEvent::SpeechProgress { .. }
        | SessionEvent::SpeechEnded { .. }
        | SessionEvent::SpeechHeld { .. }
        | SessionEvent::SpeechResumed { .. }
        | SessionEvent::SpeechFailed { .. }
        | SessionEvent::Silence { .. }
        | SessionEvent::Monologue { .. }
        | SessionEvent::Focus { .. }
        | SessionEvent::Paused
        | SessionEvent::Resumed
        | SessionEvent::PartFailed { .. }
        | SessionEvent::WordingRefused { .. }
        | SessionEvent::Used { .. }
        | SessionEvent::AudioLost { .. }
        | SessionEvent::FloorOpened { .. }
        | SessionEvent::FloorTold { .. }
        | SessionEvent::Replied { .. }
        | SessionEvent::GapsMeasured { .. }
        | SessionEvent::ConversationOpened { .. }
        | SessionEvent::ReplyBegan { .. }
        | SessionEvent::Ended { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::event::Answer;
    use crate::session::hearing::TYPED_FROM;

    fn said(id: u64, text: &str) -> Utterance {
        Utterance {
            id: UtteranceId(id),
            turn: None,
            text: text.into(),
            start_ms: id * 1_000,
            end_ms: id * 1_000 + 900,
            confidence: None,
            damaged: false,
        }
    }

    #[test]
    fn the_clock_goes_on_by_the_walls_but_bridges_no_more_than_half_an_hour() {
        assert_eq!(goes_on_at_ms(95_000, 60_000), 95_000);
        assert_eq!(goes_on_at_ms(59_000, 60_000), 60_000, "never backwards");
        assert_eq!(goes_on_at_ms(3 * 3_600_000, 60_000), 1_860_000);
    }

    fn answered(turn: u64, utterances: &[Utterance]) -> SessionEvent {
        SessionEvent::AnswerCommitted(Answer {
            turn: TurnId(turn),
            question_key: Some("q".into()),
            text: utterances.iter().map(|utterance| utterance.text.as_str()).collect::<Vec<_>>().join(" "),
            typed: false,
            utterances: utterances.to_vec(),
            decision: None,
            transcribed_ms: None,
        })
    }

    /// What is open after each prefix of a log, by text.
    fn check(events: &[SessionEvent], wanted: &[&[&str]]) {
        let rows: Vec<(String, Value)> = events.iter().map(|event| event.to_row(5)).collect();
        for (length, wanted) in (1..=rows.len()).zip(wanted) {
            let log = rows[..length].iter().zip(1..).map(|((kind, payload), seq)| (seq, kind.as_str(), payload));
            let open: Vec<String> = restore(log).resumed.utterances.into_iter().map(|heard| heard.text).collect();
            assert_eq!(open, *wanted, "after {length} events");
        }
        assert_eq!(rows.len(), wanted.len());
    }

    #[test]
    fn words_told_again_after_their_answer_are_not_open_again() {
        check(
            &[
                SessionEvent::UtteranceTranscribed(said(1, "one")),
                answered(1, &[said(1, "one"), said(2, "two")]),
                SessionEvent::UtteranceTranscribed(said(2, "two")),
                SessionEvent::UtteranceTranscribed(said(3, "three")),
                SessionEvent::Aside { utterance: UtteranceId(3) },
            ],
            &[&["one"], &[], &[], &["three"], &[]],
        );
    }

    #[test]
    fn a_reopened_turn_is_open_again_under_its_number() {
        let events = [
            answered(4, &[said(1, "one")]),
            SessionEvent::FalseCutoffRecovered { turn: TurnId(4), speech: None },
            SessionEvent::UtteranceTranscribed(said(2, "two")),
        ];
        check(&events, &[&[], &["one"], &["one", "two"]]);
        let rows: Vec<(String, Value)> = events.iter().map(|event| event.to_row(5)).collect();
        let log = rows.iter().zip(1..).map(|((kind, payload), seq)| (seq, kind.as_str(), payload));
        assert_eq!(restore(log).next_turn, 4);
    }

    #[test]
    fn typed_texts_have_numbers_of_their_own() {
        let (first, second) = (said(TYPED_FROM + 7, "a"), said(TYPED_FROM + 8, "b"));
        let events = [SessionEvent::UtteranceTranscribed(first), SessionEvent::UtteranceTranscribed(second)];
        check(&events, &[&["a"], &["a", "b"]]);
        let rows: Vec<(String, Value)> = events.iter().map(|event| event.to_row(5)).collect();
        let log = rows.iter().zip(1..).map(|((kind, payload), seq)| (seq, kind.as_str(), payload));
        assert_eq!(restore(log).resumed.next_utterance, 0);
    }
}
