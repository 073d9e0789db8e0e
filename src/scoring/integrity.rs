//! What a person may want to look at: words that seem meant for a grader, and when the page was left. Advice; must never
//! make or change a score.

use super::asides::asides;
use super::facts::SessionFacts;
use super::report::IntegritySignal;
use super::rubric::Rubric;
use std::collections::BTreeMap;

/// What a person may want to look at. No score is made or changed here.
#[must_use]
pub fn integrity(facts: &SessionFacts, rubric: &Rubric) -> Vec<IntegritySignal> {
    let mut signals: Vec<IntegritySignal> = Vec::new();
    let turns = facts.turns.iter().map(|turn| (turn.question_key.as_deref(), turn.text.as_str()));
    let code = facts.artifacts.iter().map(|artifact| (Some(artifact.question_id.as_str()), artifact.code.as_str()));
    for (question, text) in turns.chain(code) {
        for (range, pattern) in asides(text, &[], rubric) {
            let known = |s: &IntegritySignal| s.kind == pattern.kind && s.question_id.as_deref() == question;
            if signals.iter().any(known) {
                continue;
            }
            signals.push(IntegritySignal {
                kind: pattern.kind.clone(),
                question_id: question.map(str::to_owned),
                detail: format!(
                    "Words that seem meant for a grader; no effect on the score: \u{201c}{}\u{201d}",
                    &text[range]
                ),
            });
        }
    }
    let mut left: BTreeMap<Option<&str>, u32> = BTreeMap::new();
    for question in &facts.focus_losses {
        *left.entry(question.as_deref()).or_default() += 1;
    }
    signals.extend(left.into_iter().map(|(question, times)| IntegritySignal {
        kind: "focus_lost".to_owned(),
        question_id: question.map(str::to_owned),
        detail: if times == 1 { "The page was left once.".into() } else { format!("The page was left {times} times.") },
    }));
    signals
}
