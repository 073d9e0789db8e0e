//! Two reports of the same interview side by side: what is different, and why. Must never tell what somebody said.

use super::render::words_of;
use super::report::{Estimate, Hashes, QuestionResult, Recommendation, Report};
use serde::Serialize;

/// What is different.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Comparison {
    /// What the reports were made by, where it differs.
    pub causes: Vec<String>,
    pub recommendation: Option<Change<Recommendation>>,
    /// Scores of the summary and of competencies, and their 90 % intervals.
    pub scores: Vec<ScoreChange>,
    pub questions: Vec<QuestionChange>,
}

/// A value before and after.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Change<T> {
    pub from: T,
    pub to: T,
}

/// A score of the whole that is different, or whose interval is.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ScoreChange {
    /// `overall`, `technical`, `soft_skills`, or a competency's name.
    pub of: String,
    pub score: Change<Option<f64>>,
    pub interval90: Change<Option<[f64; 2]>>,
}

/// A question whose score is different.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct QuestionChange {
    pub id: String,
    pub number: u32,
    /// As the scorer gave it, whatever people made of it.
    pub level: Change<Option<u8>>,
    pub score01: Change<Option<f64>>,
    /// What of the judgement is different.
    pub why: Vec<String>,
}

impl Comparison {
    /// Whether a score or the recommendation is different.
    #[must_use]
    pub fn changes_a_score(&self) -> bool {
        self.recommendation.is_some() || !self.scores.is_empty() || !self.questions.is_empty()
    }
}

fn change<T: PartialEq>(from: T, to: T) -> Option<Change<T>> {
    (from != to).then_some(Change { from, to })
}

/// What differs from `before` to `after`.
#[must_use]
pub fn compare(before: &Report, after: &Report) -> Comparison {
    let same = |question: &QuestionResult| before.questions.iter().find(|old| old.id == question.id);
    let changes = after.questions.iter().filter_map(|new| question(same(new)?, new));
    Comparison {
        causes: causes(before, after),
        recommendation: change(before.summary.recommendation, after.summary.recommendation),
        scores: scores(before, after),
        questions: changes.collect(),
    }
}

fn scores(before: &Report, after: &Report) -> Vec<ScoreChange> {
    let (old, new) = (&before.summary, &after.summary);
    let whole = [
        ("overall", &old.overall, &new.overall),
        ("technical", &old.technical, &new.technical),
        ("soft_skills", &old.soft_skills, &new.soft_skills),
    ];
    let of_competencies = after.competencies.iter().filter_map(|new| {
        let old = before.competencies.iter().find(|old| old.slug == new.slug)?;
        Some((new.name.as_str(), &old.estimate, &new.estimate))
    });
    let differs = |(of, old, new): (&str, &Estimate, &Estimate)| {
        let score = Change { from: old.score, to: new.score };
        let interval90 = Change { from: old.interval90, to: new.interval90 };
        let same = score.from == score.to && interval90.from == interval90.to;
        (!same).then(|| ScoreChange { of: of.to_owned(), score, interval90 })
    };
    whole.into_iter().chain(of_competencies).filter_map(differs).collect()
}

fn causes(before: &Report, after: &Report) -> Vec<String> {
    let (old, new) = (&before.provenance, &after.provenance);
    let Hashes { rubric, prompts, bank, model } = &old.hashes;
    let differs = [
        (old.app == new.app, format!("program {} -> {}", old.app, new.app)),
        (*rubric == new.hashes.rubric, format!("rubric {} -> {}", old.rubric, new.rubric)),
        (*model == new.hashes.model, format!("scorer {} -> {}", old.scorer, new.scorer)),
        (*prompts == new.hashes.prompts, "the scoring model's prompt".to_owned()),
        (*bank == new.hashes.bank, "the questions".to_owned()),
    ];
    differs.into_iter().filter(|(same, _)| !same).map(|(_, words)| words).collect()
}

fn question(old: &QuestionResult, new: &QuestionResult) -> Option<QuestionChange> {
    let level = Change { from: old.scored_level, to: new.scored_level };
    let score01 = Change { from: old.score01, to: new.score01 };
    if level.from == level.to && score01.from == score01.to {
        return None;
    }
    let mut why = Vec::new();
    if old.state != new.state {
        why.push(format!("{} -> {}", old.state.words(), new.state.words()));
    }
    for point in &new.key_points {
        let before = old.key_points.iter().find(|before| before.statement == point.statement);
        let was = before.map_or("not looked for", |before| words_of(before.status));
        if before.is_none_or(|before| before.status != point.status) {
            why.push(format!("\"{}\": {was} -> {}", point.statement, words_of(point.status)));
        }
    }
    if old.misconceptions.len() != new.misconceptions.len() {
        why.push(format!("misconceptions: {} -> {}", old.misconceptions.len(), new.misconceptions.len()));
    }
    if old.prompted != new.prompted {
        why.push(format!("after a follow-up: {} -> {}", old.prompted, new.prompted));
    }
    if old.scoring.by != new.scoring.by {
        why.push(format!("scored by {} -> {}", old.scoring.by, new.scoring.by));
    }
    if why.is_empty() {
        why.push("the same key points are worth something else".to_owned());
    }
    Some(QuestionChange { id: new.id.clone(), number: new.number, level, score01, why })
}

#[cfg(test)]
mod tests {
    use super::compare;
    use crate::scoring::evaluate::evaluate;
    use crate::scoring::evaluate::tests::rehearsed;
    use crate::scoring::local::LocalGrader;
    use crate::scoring::rubric::{Rubric, SHIPPED};

    #[test]
    fn the_same_is_the_same_and_another_rubric_is_named_with_what_it_changes() {
        let facts = rehearsed();
        let by = |text: &str| {
            let rubric = Rubric::parse(text).expect("a rubric");
            evaluate(&facts, &rubric, &LocalGrader::new(rubric.clone(), None))
        };
        let before = by(SHIPPED);
        let same = compare(&before, &by(SHIPPED));
        assert!(!same.changes_a_score() && same.causes.is_empty(), "{same:?}");
        let strict = SHIPPED.replace("level_from = [0.2, 0.4, 0.65, 0.85]", "level_from = [0.5, 0.9, 0.95, 1.0]");
        let changed = compare(&before, &by(&strict));
        assert!(changed.changes_a_score());
        let named = format!("rubric {} (", Rubric::shipped().expect("a rubric").version);
        assert!(changed.causes.len() == 1 && changed.causes[0].starts_with(&named), "{:?}", changed.causes);
        let question = changed.questions.first().expect("a change");
        assert_eq!(question.why, ["the same key points are worth something else"]);
        assert!(question.level.to < question.level.from && question.score01.to == question.score01.from);
        assert_eq!(changed.scores.first().map(|score| score.of.as_str()), Some("overall"));
    }

    #[test]
    fn what_changes_an_interval_or_the_soft_skills_alone_is_named_too() {
        let facts = rehearsed();
        let by = |text: &str| {
            let rubric = Rubric::parse(text).expect("a rubric");
            evaluate(&facts, &rubric, &LocalGrader::new(rubric.clone(), None))
        };
        let before = by(SHIPPED);
        let wide = compare(&before, &by(&SHIPPED.replace("interval_z = 1.645", "interval_z = 1.0")));
        let overall = wide.scores.iter().find(|score| score.of == "overall").expect("named");
        assert!(overall.score.from == overall.score.to && overall.interval90.from != overall.interval90.to);
        let kind = compare(&before, &by(&SHIPPED.replace("met = 4.0\npartial = 3.0", "met = 5.0\npartial = 4.5")));
        assert!(kind.changes_a_score() && kind.questions.is_empty(), "{kind:?}");
        assert_eq!(kind.scores.iter().map(|score| score.of.as_str()).collect::<Vec<_>>(), ["soft_skills"]);
    }
}
