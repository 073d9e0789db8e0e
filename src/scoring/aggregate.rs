//! Levels become estimates that carry their uncertainty, and estimates a recommendation. Must never show more precision
//! than a handful of questions can give.

use super::report::{Estimate, Recommendation};
use super::rubric::{AggregateRules, RecommendationRules};

/// An estimate at full precision.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Judged {
    /// Drawn towards the middle.
    pub score: f64,
    /// Mean of the levels, by the groups' weights.
    pub mean: f64,
    pub standard_error: f64,
    pub low: f64,
    pub high: f64,
    /// Levels behind it.
    pub questions: usize,
}

impl Judged {
    /// As it is shown: to a tenth.
    #[must_use]
    pub fn shown(self) -> Estimate {
        Estimate {
            score: Some(tenth(self.score)),
            level_mean: Some(tenth(self.mean)),
            standard_error: Some((self.standard_error * 100.0).round() / 100.0),
            interval90: Some([tenth(self.low), tenth(self.high)]),
            questions: u32::try_from(self.questions).unwrap_or(u32::MAX),
            reason: None,
        }
    }
}

/// The levels of one group of questions, such as a competency.
#[derive(Clone, PartialEq, Debug)]
pub struct Group {
    pub weight: f64,
    pub levels: Vec<f64>,
}

/// The estimate from groups of levels: the weighted mean of the groups' means, drawn towards the middle by how few
/// questions stand behind it. Unequal weights count as fewer questions. `None` without a single level.
#[must_use]
pub fn estimate(groups: &[Group], rules: &AggregateRules) -> Option<Judged> {
    let (mut weights, mut weighted, mut variance, mut all) = (0.0, 0.0, 0.0, 0);
    for group in groups.iter().filter(|group| !group.levels.is_empty()) {
        let count = count(group.levels.len());
        let mean = group.levels.iter().sum::<f64>() / count;
        weights += group.weight;
        weighted += group.weight * mean;
        variance += group.weight * group.weight / count;
        all += group.levels.len();
    }
    if weights <= 0.0 {
        return None;
    }
    let questions = weights * weights / variance;
    let (person, question) = (rules.person_sd * rules.person_sd, rules.question_sd * rules.question_sd);
    let (pull, mean) = (pull(rules), weighted / weights);
    let score = (questions * mean + pull * rules.middle) / (questions + pull);
    let standard_error = (person * question / (questions * person + question)).sqrt();
    let reach = rules.interval_z * standard_error;
    let (low, high) = ((score - reach).max(1.0), (score + reach).min(5.0));
    Some(Judged { score, mean, standard_error, low, high, questions: all })
}

/// How many questions at the middle level a score is drawn by.
fn pull(rules: &AggregateRules) -> f64 {
    (rules.question_sd / rules.person_sd).powi(2)
}

/// What a reader must know to understand the scores.
#[must_use]
pub fn explanation(rules: &AggregateRules, chosen_by_answers: bool) -> String {
    let told = format!(
        "Each answer has a level from 1 to 5. Levels scatter from question to question, so the mean of a few says little \
         about a person: a score is that mean, drawn towards {:.1} as if {:.1} more questions had been answered at that \
         level. Few questions draw a score far, many hardly; the mean of the levels as they were seen stands beside it. \
         In nine of ten cases the score of a long interview would lie within the 90 % interval.",
        rules.middle,
        pull(rules),
    );
    if !chosen_by_answers {
        return told;
    }
    format!(
        "{told} Good answers led to harder questions and poor ones to easier ones, so a level counts {} more for each step \
         that its question is harder than the mean of the planned ones, and as much less for each step easier.",
        rules.difficulty_worth
    )
}

/// What to recommend, and why. `assessed` of `planned` questions stand behind the estimate.
#[must_use]
pub fn recommend(
    overall: Option<Judged>,
    assessed: usize,
    planned: usize,
    aggregate: &AggregateRules,
    rules: &RecommendationRules,
) -> (Recommendation, String) {
    let Some(Judged { low, high, .. }) = overall else {
        let why = format!(
            "Only {assessed} of {planned} questions could be assessed: too little to judge by. A person decides."
        );
        return (Recommendation::Inconclusive, why);
    };
    if count(assessed) < aggregate.assessed_share_min * count(planned) {
        let why = format!("Only {assessed} of {planned} planned questions could be assessed. A person decides.");
        return (Recommendation::Inconclusive, why);
    }
    let interval = format!("The 90 % interval of the overall score, {low:.1} to {high:.1}");
    let of_questions = format!("({assessed} of {planned} questions assessed)");
    let (word, place) = if low >= rules.strong_yes_low {
        (Recommendation::StrongYes, format!("does not go below {:.1}", rules.strong_yes_low))
    } else if low >= rules.yes_low {
        (Recommendation::Yes, format!("does not go below {:.1}", rules.yes_low))
    } else if high < rules.strong_no_high {
        (Recommendation::StrongNo, format!("stays below {:.1}", rules.strong_no_high))
    } else if high < rules.no_high {
        (Recommendation::No, format!("stays below {:.1}", rules.no_high))
    } else {
        let either = format!(
            "allows for either answer (a yes begins at {:.1}, a no ends below {:.1}), so a person decides",
            rules.yes_low, rules.no_high
        );
        (Recommendation::Inconclusive, either)
    };
    (word, format!("{interval}, {place} {of_questions}."))
}

/// To one decimal.
#[must_use]
pub fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[expect(clippy::cast_precision_loss, reason = "counts of questions are small")]
fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::{Group, estimate, recommend};
    use crate::scoring::report::Recommendation;
    use crate::scoring::rubric::Rubric;

    fn judged(levels: &[u8]) -> (f64, Recommendation) {
        let rubric = Rubric::shipped().expect("a rubric");
        let judged = estimate(
            &[Group { weight: 1.0, levels: levels.iter().map(|level| f64::from(*level)).collect() }],
            &rubric.aggregate,
        );
        let (word, _) = recommend(judged, levels.len(), levels.len(), &rubric.aggregate, &rubric.recommendation);
        (judged.map_or(0.0, |judged| judged.score), word)
    }

    #[test]
    fn ten_questions_can_tell() {
        assert_eq!(judged(&[5; 10]).1, Recommendation::StrongYes);
        assert_eq!(judged(&[4; 10]).1, Recommendation::Yes);
        assert_eq!(judged(&[3; 10]).1, Recommendation::Inconclusive);
        assert_eq!(judged(&[2; 10]).1, Recommendation::No);
        assert_eq!(judged(&[1; 10]).1, Recommendation::StrongNo);
    }

    #[test]
    fn two_questions_cannot() {
        assert_eq!(judged(&[5; 2]).1, Recommendation::Inconclusive);
        assert_eq!(judged(&[1; 2]).1, Recommendation::Inconclusive);
        assert_eq!(judged(&[]).1, Recommendation::Inconclusive);
    }

    #[test]
    fn more_questions_draw_less_towards_the_middle() {
        let scores: Vec<f64> = [1, 2, 5, 10, 30].into_iter().map(|n| judged(&vec![5; n]).0).collect();
        assert!(scores.windows(2).all(|pair| pair[0] < pair[1]), "{scores:?}");
        assert!(scores[0] > 3.0 && scores[4] < 5.0);
    }

    #[test]
    fn half_an_interview_is_left_to_a_person() {
        let rubric = Rubric::shipped().expect("a rubric");
        let all = estimate(&[Group { weight: 1.0, levels: vec![5.0; 10] }], &rubric.aggregate);
        let (word, why) = recommend(all, 10, 24, &rubric.aggregate, &rubric.recommendation);
        assert_eq!(word, Recommendation::Inconclusive);
        assert!(why.contains("10 of 24"));
    }

    #[test]
    fn an_interval_covers_its_score_and_stays_on_the_scale() {
        let rubric = Rubric::shipped().expect("a rubric");
        for level in [1.0, 2.0, 3.0, 4.0, 5.0] {
            let groups = [Group { weight: 1.0, levels: vec![level; 2] }, Group { weight: 0.2, levels: vec![level; 9] }];
            let judged = estimate(&groups, &rubric.aggregate).expect("levels");
            assert!(
                1.0 <= judged.low && judged.low <= judged.score && judged.score <= judged.high && judged.high <= 5.0
            );
        }
    }
}
