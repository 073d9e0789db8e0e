//! The facts of a session become its report. Deterministic. Must never let one answer colour another, nor anything but
//! answers into a score.

use super::aggregate::{Group, Judged, estimate, recommend, tenth};
use super::facts::{Evidence, PlannedQuestion, SessionFacts};
use super::feedback::feedback;
use super::grade::{asides, grade};
use super::report::{
    ArtifactRef, CompetencyScore, Delivery, Estimate, Finding, IntegritySignal, Percentiles, ProbeAsked, Provenance,
    QuestionResult, QuestionState, ReasonedScore, Report, Summary, VERSION,
};
use super::rubric::Rubric;
use crate::interview::coverage::Status;
use crate::interview::question::QuestionKind;
use std::collections::BTreeMap;

/// How answers are scored here, for provenance.
pub const SCORER: &str = "local: key points by terms and paraphrases, no model";

/// Makes the report.
#[must_use]
pub fn evaluate(facts: &SessionFacts, rubric: &Rubric) -> Report {
    let questions: Vec<QuestionResult> = facts.questions.iter().map(|q| result(q, facts, rubric)).collect();
    Report {
        version: VERSION,
        interview: facts.interview.clone(),
        summary: summary(facts, &questions, rubric),
        competencies: competencies(facts, &questions, rubric),
        artifacts: last_artifacts(facts),
        delivery: delivery(facts),
        integrity: integrity(facts, rubric),
        feedback: feedback(&facts.competencies, &questions),
        provenance: Provenance {
            app: facts.versions.app.clone(),
            rubric: rubric.name(),
            bank: facts.versions.bank.clone(),
            scorer: SCORER.to_owned(),
            stt: facts.versions.stt.clone(),
            llm: facts.versions.llm.clone(),
            tts: facts.versions.tts.clone(),
        },
        questions,
    }
}

fn result(planned: &PlannedQuestion, facts: &SessionFacts, rubric: &Rubric) -> QuestionResult {
    let question = &planned.question;
    let evidence = Evidence::of(facts, &question.key);
    let outcome = facts.outcomes.get(&question.key).copied();
    let graded = grade(question, &evidence, outcome, rubric);
    let probes = facts.probes.iter().filter(|probe| probe.question_key == question.key);
    let opened = |text: &str| {
        let authored = question.probes.iter().find(|probe| probe.text == text)?;
        let point = question.key_points.iter().find(|point| point.id == authored.key_point)?;
        Some(point.statement.clone())
    };
    QuestionResult {
        id: question.key.clone(),
        version: question.version,
        number: planned.number,
        text: question.prompt.clone(),
        kind: question.kind,
        competency: question.competency.clone(),
        state: graded.state,
        outcome,
        level: graded.level,
        score01: graded.score01.map(|score| (score * 100.0).round() / 100.0),
        comment: graded.comment,
        reference_answer: question.reference_answer.clone(),
        answer: graded.answer,
        prompted: graded.prompted,
        key_points: graded.key_points,
        probes: probes.map(|p| ProbeAsked { text: p.text.clone(), key_point: opened(&p.text) }).collect(),
        misconceptions: graded.misconceptions,
    }
}

/// The levels of each competency, of the questions that `counts` admits.
fn groups(facts: &SessionFacts, questions: &[QuestionResult], counts: impl Fn(&QuestionResult) -> bool) -> Vec<Group> {
    let group = |slug: &str, weight: f64| {
        let own = questions.iter().filter(|q| q.competency == slug && counts(q));
        Group { weight, levels: own.filter_map(|q| q.level).collect() }
    };
    facts.competencies.iter().map(|c| group(&c.slug, c.weight)).collect()
}

fn competencies(facts: &SessionFacts, questions: &[QuestionResult], rubric: &Rubric) -> Vec<CompetencyScore> {
    let score = |(competency, group): (&crate::interview::question::Competency, Group)| {
        let asked = u32::try_from(group.levels.len()).unwrap_or(u32::MAX);
        let none = Estimate { score: None, interval90: None };
        let shown = estimate(&[group], &rubric.aggregate).map_or(none, Judged::shown);
        CompetencyScore {
            slug: competency.slug.clone(),
            name: competency.name.clone(),
            weight: competency.weight,
            score: shown.score,
            interval90: shown.interval90,
            questions: asked,
        }
    };
    facts.competencies.iter().zip(groups(facts, questions, |_| true)).map(score).collect()
}

fn summary(facts: &SessionFacts, questions: &[QuestionResult], rubric: &Rubric) -> Summary {
    let assessed = questions.iter().filter(|question| question.level.is_some()).count();
    let enough = assessed >= usize::try_from(rubric.aggregate.questions_min).unwrap_or(usize::MAX);
    let overall = estimate(&groups(facts, questions, |_| true), &rubric.aggregate).filter(|_| enough);
    let (recommendation, why) =
        recommend(overall, assessed, questions.len(), &rubric.aggregate, &rubric.recommendation);
    let behavioural = |question: &QuestionResult| question.kind == QuestionKind::Behavioural;
    let part = |counts: &dyn Fn(&QuestionResult) -> bool, reason: &str| {
        let judged = estimate(&groups(facts, questions, counts), &rubric.aggregate);
        let score = judged.map(|judged| tenth(judged.score));
        ReasonedScore { score, reason: score.is_none().then(|| reason.to_owned()) }
    };
    Summary {
        recommendation,
        why,
        overall: overall.map_or(Estimate { score: None, interval90: None }, Judged::shown),
        technical: part(&|question| !behavioural(question), "No technical question could be assessed."),
        soft_skills: part(
            &behavioural,
            "No question about behaviour could be assessed, and soft skills are judged from such answers alone.",
        ),
        strengths: strengths(questions, rubric),
        gaps: gaps(questions, rubric),
    }
}

/// The weightiest points that were met, one of each question, best answers first.
fn strengths(questions: &[QuestionResult], rubric: &Rubric) -> Vec<Finding> {
    let mut good: Vec<&QuestionResult> =
        questions.iter().filter(|q| q.level >= Some(rubric.summary.strength_level_min)).collect();
    good.sort_by_key(|question| std::cmp::Reverse(question.level));
    let strength = |question: &&QuestionResult| {
        let met = question.key_points.iter().filter(|point| point.status == Status::Met);
        let point = met.max_by(|a, b| a.weight.total_cmp(&b.weight).then(std::cmp::Ordering::Greater))?;
        Some(Finding { text: point.statement.clone(), question_id: question.id.clone(), quote: point.quote.clone() })
    };
    good.iter().filter_map(strength).take(rubric.summary.points_max).collect()
}

/// Misconceptions first, then the weightiest points that were contradicted or missed, weakest answers first.
fn gaps(questions: &[QuestionResult], rubric: &Rubric) -> Vec<Finding> {
    let mut weak: Vec<&QuestionResult> =
        questions.iter().filter(|q| q.level.is_some_and(|level| level <= rubric.summary.gap_level_max)).collect();
    weak.sort_by_key(|question| question.level);
    let wrong = weak.iter().flat_map(|question| {
        let finding = |m: &super::report::MisconceptionFound| Finding {
            text: format!("Holds that: {}", m.statement),
            question_id: question.id.clone(),
            quote: Some(m.quote.clone()),
        };
        question.misconceptions.iter().map(finding).collect::<Vec<_>>()
    });
    let missed = weak.iter().filter_map(|question| {
        let open = question.key_points.iter().filter(|point| point.must && point.status < Status::Partial);
        let point = open.max_by(|a, b| a.weight.total_cmp(&b.weight).then(std::cmp::Ordering::Greater))?;
        Some(Finding { text: point.statement.clone(), question_id: question.id.clone(), quote: point.quote.clone() })
    });
    wrong.chain(missed).take(rubric.summary.points_max).collect()
}

fn last_artifacts(facts: &SessionFacts) -> Vec<ArtifactRef> {
    let mut last: BTreeMap<&str, &ArtifactRef> = BTreeMap::new();
    for artifact in &facts.artifacts {
        let held = last.entry(&artifact.question_id).or_insert(artifact);
        if artifact.version >= held.version {
            *held = artifact;
        }
    }
    last.into_values().cloned().collect()
}

fn delivery(facts: &SessionFacts) -> Delivery {
    let mut gaps = facts.gaps_ms.clone();
    gaps.sort_unstable();
    let rank = |percent: usize| gaps.get((gaps.len() * percent).div_ceil(100).saturating_sub(1)).copied();
    Delivery {
        gap_ms: Percentiles { p50: rank(50), p95: rank(95), p99: rank(99) },
        turns: u32::try_from(facts.turns.len()).unwrap_or(u32::MAX),
        interruptions_recovered: facts.recovered,
        candidate_speech_ms: facts.turns.iter().map(|turn| turn.end_ms.saturating_sub(turn.start_ms)).sum(),
        note: "How fast, how long or how fluently somebody speaks is not scored.".to_owned(),
    }
}

/// What a person may want to look at. No score is made or changed here.
fn integrity(facts: &SessionFacts, rubric: &Rubric) -> Vec<IntegritySignal> {
    let mut signals: Vec<IntegritySignal> = Vec::new();
    let turns = facts.turns.iter().map(|turn| (turn.question_key.as_deref(), turn.text.as_str()));
    let code = facts.artifacts.iter().map(|artifact| (Some(artifact.question_id.as_str()), artifact.code.as_str()));
    for (question, text) in turns.chain(code) {
        for (range, pattern) in asides(text, rubric) {
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

impl Report {
    /// The questions that carry a level.
    pub fn assessed(&self) -> impl Iterator<Item = &QuestionResult> {
        self.questions.iter().filter(|question| question.state == QuestionState::Answered)
    }
}

#[cfg(test)]
pub(super) mod tests;
