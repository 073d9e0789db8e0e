//! How well two lists of scores agree: what the field reports of automatic scorers. Plain arithmetic in a fixed order.

use serde::Serialize;
use std::collections::BTreeMap;

/// Steps of the scale on which the weighted kappa is taken, from 0.
const KAPPA_STEPS: usize = 5;

/// A scored answer with a person's judgement, both 0 to 1.
#[derive(Clone, PartialEq, Debug)]
pub struct Pair {
    /// What question it answers.
    pub question: String,
    pub human: f64,
    pub score: f64,
}

/// The figures.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Agreement {
    pub answers: usize,
    pub questions: usize,
    /// Pearson's r over all answers; null where either side has but one value.
    pub r_pooled: Option<f64>,
    /// Pearson's r of the differences from each question's means: whether answers to one question are ranked well.
    pub r_within: Option<f64>,
    pub mae: f64,
    pub rmse: f64,
    /// Quadratic weighted kappa, both sides rounded to sixths of the scale (0, 1, … 5).
    pub qwk: Option<f64>,
    /// Mean of score less judgement.
    pub bias: f64,
}

/// The figures of a list; `None` for an empty one.
#[must_use]
pub fn agreement(pairs: &[Pair]) -> Option<Agreement> {
    if pairs.is_empty() {
        return None;
    }
    let both: Vec<(f64, f64)> = pairs.iter().map(|pair| (pair.score, pair.human)).collect();
    let mut by_question: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for pair in pairs {
        by_question.entry(&pair.question).or_default().push((pair.score, pair.human));
    }
    let centred = by_question.values().flat_map(|all| {
        let (score, human) = means(all);
        all.iter().map(move |(s, h)| (s - score, h - human))
    });
    let centred: Vec<(f64, f64)> = centred.collect();
    let mean = |of: &dyn Fn(&(f64, f64)) -> f64| both.iter().map(of).sum::<f64>() / count(both.len());
    Some(Agreement {
        answers: pairs.len(),
        questions: by_question.len(),
        r_pooled: pearson(&both),
        r_within: pearson(&centred),
        mae: mean(&|(s, h)| (s - h).abs()),
        rmse: mean(&|(s, h)| (s - h) * (s - h)).sqrt(),
        qwk: kappa(&both),
        bias: mean(&|(s, h)| s - h),
    })
}

fn pearson(pairs: &[(f64, f64)]) -> Option<f64> {
    let (a, b) = means(pairs);
    let sum = |of: &dyn Fn(f64, f64) -> f64| pairs.iter().map(|(x, y)| of(x - a, y - b)).sum::<f64>();
    let spread = (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt();
    (spread > f64::EPSILON).then(|| sum(&|x, y| x * y) / spread)
}

fn kappa(pairs: &[(f64, f64)]) -> Option<f64> {
    let step =
        |value: f64| (0..=KAPPA_STEPS).rfind(|&step| value * count(KAPPA_STEPS) + 0.5 >= count(step)).unwrap_or(0);
    let steps: Vec<(usize, usize)> = pairs.iter().map(|(a, b)| (step(*a), step(*b))).collect();
    let apart = |a: usize, b: usize| count(a.abs_diff(b) * a.abs_diff(b));
    let observed: f64 = steps.iter().map(|(a, b)| apart(*a, *b)).sum::<f64>() / count(steps.len());
    let share = |at: usize, of: &dyn Fn(&(usize, usize)) -> usize| {
        count(steps.iter().filter(|pair| of(pair) == at).count()) / count(steps.len())
    };
    let mut expected = 0.0;
    for a in 0..=KAPPA_STEPS {
        for b in 0..=KAPPA_STEPS {
            expected += share(a, &|pair| pair.0) * share(b, &|pair| pair.1) * apart(a, b);
        }
    }
    (expected > f64::EPSILON).then(|| 1.0 - observed / expected)
}

fn means(pairs: &[(f64, f64)]) -> (f64, f64) {
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / count(pairs.len());
    (mean(|pair| pair.0), mean(|pair| pair.1))
}

#[expect(clippy::cast_precision_loss, reason = "counts of answers are small")]
fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::{Agreement, Pair, agreement};

    fn figures(pairs: &[(&str, f64, f64)]) -> Agreement {
        let pair = |(question, score, human): &(&str, f64, f64)| Pair {
            question: (*question).into(),
            human: *human,
            score: *score,
        };
        agreement(&pairs.iter().map(pair).collect::<Vec<_>>()).expect("pairs")
    }

    fn near(a: Option<f64>, b: f64) -> bool {
        a.is_some_and(|a| (a - b).abs() < 1e-9)
    }

    #[test]
    fn what_agrees_wholly_has_one_and_no_error() {
        let same = figures(&[("a", 0.0, 0.0), ("a", 0.4, 0.4), ("b", 1.0, 1.0), ("b", 0.6, 0.6)]);
        assert!(near(same.r_pooled, 1.0) && near(same.r_within, 1.0) && near(same.qwk, 1.0));
        assert_eq!((same.mae, same.rmse, same.bias, same.questions), (0.0, 0.0, 0.0, 2));
    }

    #[test]
    fn within_a_question_only_its_own_answers_are_compared() {
        // Question b is scored lower throughout: pooled it looks worse, within it is ranked well.
        let shifted = figures(&[("a", 0.8, 0.5), ("a", 1.0, 0.7), ("b", 0.0, 0.5), ("b", 0.2, 0.7)]);
        assert!(near(shifted.r_within, 1.0));
        assert!(shifted.r_pooled.is_some_and(|r| r < 0.5));
        assert!((shifted.bias - -0.1).abs() < 1e-9 && (shifted.mae - 0.4).abs() < 1e-9);
    }

    #[test]
    fn a_known_kappa() {
        // Two steps on a scale of five, agreeing on three of four.
        let kappa = figures(&[("a", 0.0, 0.0), ("a", 0.0, 0.0), ("a", 1.0, 1.0), ("a", 1.0, 0.0)]).qwk;
        assert!(near(kappa, 0.5), "{kappa:?}");
    }

    #[test]
    fn one_value_correlates_with_nothing() {
        assert_eq!(figures(&[("a", 0.5, 0.1), ("a", 0.5, 0.9)]).r_pooled, None);
        assert!(agreement(&[]).is_none());
    }
}
