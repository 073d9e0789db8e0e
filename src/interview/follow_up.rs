//! Whether an answer is probed, and with which of the bank's probes: the one tied to the missing must point of greatest
//! weight. Must never probe for more than the question's key points, nor twice for the same.

use super::coverage::{Status, cover};
use super::question::Question;

/// The index of the probe to ask next, given all that was answered and the probes already asked.
#[must_use]
pub fn choose(question: &Question, answer: &str, asked: &[usize]) -> Option<usize> {
    let coverage = cover(question, answer);
    let probed =
        |id: &str| asked.iter().any(|index| question.probes.get(*index).is_some_and(|probe| probe.key_point == id));
    let wanted = |index: &usize| {
        let probe = &question.probes[*index];
        let (at, point) = question.key_points.iter().enumerate().find(|(_, point)| point.id == probe.key_point)?;
        let lack = coverage.iter().find(|covered| covered.key_point == at).map_or(1.0, |covered| lack(covered.status));
        (point.must && lack > 0.0 && !probed(&point.id)).then_some(point.weight * lack)
    };
    (0..question.probes.len())
        .filter_map(|index| wanted(&index).map(|weight| (index, weight)))
        // Of equals the bank's first.
        .reduce(|best, next| if next.1 > best.1 { next } else { best })
        .map(|(index, _)| index)
}

/// How much of what must be said an answer has said, 0 to 1 by weight: of the whole question, or of the key point that
/// the follow-up `probe` asks for.
#[must_use]
pub fn covered(question: &Question, answer: &str, probe: Option<usize>) -> f32 {
    let probed = probe.and_then(|index| question.probes.get(index)).map(|probe| probe.key_point.as_str());
    let asked = |at: usize| {
        let point = &question.key_points[at];
        probed.map_or(point.must, |probed| point.id == probed)
    };
    let coverage = cover(question, answer);
    let (said, all) =
        coverage.iter().filter(|covered| asked(covered.key_point)).fold((0.0, 0.0), |(said, all), covered| {
            let weight = question.key_points[covered.key_point].weight;
            (said + weight * (1.0 - lack(covered.status)), all + weight)
        });
    if all > 0.0 { (said / all) as f32 } else { 1.0 }
}

/// How much of a key point is missing.
fn lack(status: Status) -> f64 {
    match status {
        Status::Missed | Status::Wrong => 1.0,
        Status::Partial => 0.5,
        Status::Met => 0.0,
    }
}
