//! How the conversation went: who spoke when, how long replies took, what our side damaged. Shown beside the scores; must
//! never enter one.

use super::facts::{SessionFacts, Side};
use super::report::{Delivery, Percentiles, StageLatency, TimelineTurn};
use std::collections::BTreeMap;

/// The stages of a reply, in the order in which they pass, with the names that a reader sees.
const STAGES: [(&str, &str); 6] = [
    ("decision_ms", "decision that the turn is over"),
    ("transcript_final_ms", "words written down"),
    ("committed_ms", "answer stored"),
    ("first_token_ms", "model's first word"),
    ("first_audio_ms", "reply's voice ready"),
    ("first_sample_sent_ms", "reply sounds"),
];

/// Facts of the conversation.
#[must_use]
pub fn delivery(facts: &SessionFacts) -> Delivery {
    let replies = || facts.lines.iter().filter(|line| line.side == Side::Interviewer);
    let stage = |(key, name): (&str, &str)| {
        let ms = percentiles(replies().filter_map(|line| line.stages.get(key).copied()).collect());
        ms.p50.is_some().then(|| StageLatency { stage: name.to_owned(), ms })
    };
    let told = facts.turns.iter().filter(|turn| turn.confidence.is_some()).count();
    let unsure = facts.turns.iter().filter(|turn| turn.is_doubtful()).count();
    let length = |start_ms: u64, end_ms: u64| end_ms.saturating_sub(start_ms);
    Delivery {
        gap_ms: percentiles(replies().filter_map(|line| line.latency_ms).collect()),
        heard_gap_ms: percentiles(facts.heard_gaps_ms.clone()),
        stages: STAGES.into_iter().filter_map(stage).collect(),
        turns: number(facts.turns.len()),
        interruptions_recovered: facts.recovered,
        held_for_nothing: facts.held,
        interruptions_by_candidate: number(replies().filter(|line| line.interrupted).count()),
        candidate_speech_ms: facts.turns.iter().map(|turn| length(turn.start_ms, turn.end_ms)).sum(),
        interviewer_speech_ms: replies().map(|line| length(line.start_ms, line.end_ms)).sum(),
        low_confidence_share: (told > 0).then(|| (share(unsure, told) * 100.0).round() / 100.0),
        lost_audio_ms: facts.lost_audio_ms,
        damaged_turns: number(facts.turns.iter().filter(|turn| turn.damaged).count()),
        note: "How fast, how long or how fluently somebody speaks is not scored.".to_owned(),
    }
}

/// Who spoke when, by time.
#[must_use]
pub fn timeline(facts: &SessionFacts) -> Vec<TimelineTurn> {
    let numbers: BTreeMap<&str, u32> =
        facts.questions.iter().map(|planned| (planned.question.key.as_str(), planned.number)).collect();
    let turn = |line: &super::facts::SpokenLine| TimelineTurn {
        role: match line.side {
            Side::Interviewer => "interviewer".to_owned(),
            Side::Candidate => "candidate".to_owned(),
        },
        question: line.question_key.as_deref().and_then(|key| numbers.get(key).copied()),
        start_ms: line.start_ms,
        end_ms: line.end_ms,
        latency_ms: if line.side == Side::Interviewer { line.latency_ms } else { None },
        interrupted: line.interrupted,
    };
    facts.lines.iter().map(turn).collect()
}

/// By nearest rank.
fn percentiles(mut values: Vec<u64>) -> Percentiles {
    values.sort_unstable();
    let rank = |percent: usize| values.get((values.len() * percent).div_ceil(100).saturating_sub(1)).copied();
    Percentiles { p50: rank(50), p95: rank(95), p99: rank(99) }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "counts of turns are small")]
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}
