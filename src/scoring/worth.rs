//! What judged key points are worth: the score and the level with its caps. The same for every scorer; must never look
//! at the answer.

use super::grader::PointGraded;
use super::rubric::Rubric;
use crate::interview::coverage::Status;

/// Score01, level, and why the level is lower than the score alone would give.
#[must_use]
pub fn worth(points: &[PointGraded], critical_misconception: bool, rubric: &Rubric) -> (f64, u8, Option<&'static str>) {
    let score01 = score01(points, rubric);
    let (level, cap) = capped(score01, points, critical_misconception, rubric);
    (score01, level, cap)
}

/// The level of a score, and why it is lower than the score alone would give.
#[must_use]
pub fn capped(
    score01: f64,
    points: &[PointGraded],
    critical_misconception: bool,
    rubric: &Rubric,
) -> (u8, Option<&'static str>) {
    let full = rubric.level(score01);
    let quoted = points.iter().any(|point| point.status >= Status::Partial && point.quote.is_some());
    let caps = [
        (!quoted, rubric.cap.without_quote, "no words of the answer show a key point"),
        (critical_misconception, rubric.cap.critical_misconception, "a critical misconception"),
    ];
    let lowest = caps.into_iter().filter(|(applies, cap, _)| *applies && *cap < full).min_by_key(|(_, cap, _)| *cap);
    lowest.map_or((full, None), |(_, cap, why)| (cap, Some(why)))
}

fn score01(points: &[PointGraded], rubric: &Rubric) -> f64 {
    let sum = |must: bool, worth: &dyn Fn(&PointGraded) -> f64| -> f64 {
        points.iter().filter(|point| point.must == must).map(|point| point.weight * worth(point)).sum()
    };
    let worth = |point: &PointGraded| rubric.status.of(point.status);
    let (musts, bonuses) = (sum(true, &|_| 1.0), sum(false, &|_| 1.0));
    let base = if musts > 0.0 { sum(true, &worth) / musts } else { 0.0 };
    let bonus = if bonuses > 0.0 { rubric.answer.bonus_max * sum(false, &worth) / bonuses } else { 0.0 };
    (base + bonus.max(0.0)).clamp(0.0, 1.0)
}
