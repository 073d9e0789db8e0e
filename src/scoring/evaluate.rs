//! The facts of a session become its report. Deterministic. Must never let one answer colour another, nor anything but
//! answers into a score.

use super::aggregate::explanation;
use super::answer::Scorer;
use super::delivery::{delivery, timeline};
use super::facts::{Evidence, PlannedQuestion, SessionFacts};
use super::grader::Grader;
use super::integrity::integrity;
use super::proof::unproven;
use super::report::{
    ArtifactRef, CompetencyScore, Estimate, Feedback, Hashes, Method, ProbeAsked, Provenance, QuestionResult,
    Recommendation, Report, Summary, VERSION,
};
use super::rubric::Rubric;
use super::settle::settle;
use super::structure::structure;
use crate::interview::question::Competency;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Makes the report.
///
/// # Panics
/// When a quote is not verbatim in the record, which no scorer can bring about: quotes are copied, never composed.
#[must_use]
pub fn evaluate(facts: &SessionFacts, rubric: &Rubric, grader: &dyn Grader) -> Report {
    let scorer = Scorer { rubric, grader, language: &facts.interview.language };
    let mut report = Report {
        version: VERSION,
        interview: facts.interview.clone(),
        summary: unsettled(),
        competencies: facts.competencies.iter().map(unscored).collect(),
        questions: results(facts, scorer),
        artifacts: last_artifacts(facts),
        delivery: delivery(facts),
        timeline: timeline(facts),
        integrity: integrity(facts, rubric),
        overrides: Vec::new(),
        feedback: Feedback { text: String::new(), topics: Vec::new() },
        method: Method {
            explanation: explanation(&rubric.aggregate, facts.planned_difficulty.is_some()),
            aggregate: rubric.aggregate,
            recommendation: rubric.recommendation,
            summary: rubric.summary,
            structure: Some(rubric.structure.rules),
            planned_difficulty: facts.planned_difficulty,
        },
        provenance: Provenance {
            app: facts.versions.app.clone(),
            rubric: rubric.name(),
            bank: facts.versions.bank.clone(),
            scorer: grader.name(),
            stt: facts.versions.stt.clone(),
            llm: facts.versions.llm.clone(),
            tts: facts.versions.tts.clone(),
            hashes: Hashes {
                rubric: rubric.hash.clone(),
                prompts: grader.prompts_hash(),
                bank: hash(&facts.questions.iter().map(|planned| &planned.question).collect::<Vec<_>>()),
                model: hash(&grader.name()),
            },
        },
    };
    settle(&mut report);
    let unproven = unproven(&report, facts);
    // A scorer that invents words has a fault; its report is not given out.
    assert!(unproven.is_empty(), "quotes that are not in the record: {unproven:?}");
    report
}

/// The result of one question, by itself: its answer is scored as the report will score it. `None`: it is not planned.
#[must_use]
pub fn evaluate_question(
    facts: &SessionFacts,
    rubric: &Rubric,
    grader: &dyn Grader,
    key: &str,
) -> Option<QuestionResult> {
    let planned = facts.questions.iter().find(|planned| planned.question.key == key)?;
    Some(result(planned, facts, Scorer { rubric, grader, language: &facts.interview.language }))
}

/// Every question with its answer, in the order of the plan; as many at once as the grader allows.
fn results(facts: &SessionFacts, scorer: Scorer<'_>) -> Vec<QuestionResult> {
    let one = |question| result(question, facts, scorer);
    let mut results = Vec::with_capacity(facts.questions.len());
    for part in facts.questions.chunks(scorer.grader.at_once().max(1)) {
        if let [question] = part {
            results.push(one(question));
            continue;
        }
        std::thread::scope(|scope| {
            let threads: Vec<_> = part.iter().map(|question| scope.spawn(move || one(question))).collect();
            let joined = threads.into_iter().map(|thread| thread.join());
            // A panic goes on where it would have gone without threads.
            results.extend(joined.map(|done| done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))));
        });
    }
    results
}

/// Stands until the report is settled.
fn unsettled() -> Summary {
    Summary {
        recommendation: Recommendation::Inconclusive,
        why: String::new(),
        overall: Estimate::default(),
        technical: Estimate::default(),
        soft_skills: Estimate::default(),
        strengths: Vec::new(),
        gaps: Vec::new(),
    }
}

fn unscored(competency: &Competency) -> CompetencyScore {
    CompetencyScore {
        slug: competency.slug.clone(),
        name: competency.name.clone(),
        weight: competency.weight,
        estimate: Estimate::default(),
    }
}

fn result(planned: &PlannedQuestion, facts: &SessionFacts, scorer: Scorer<'_>) -> QuestionResult {
    let question = &planned.question;
    let evidence = Evidence::of(facts, &question.key);
    let outcome = facts.outcomes.get(&question.key).copied();
    let graded = scorer.assess(question, &evidence, outcome);
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
        scored_level: graded.level,
        score01: graded.score01.map(|score| (score * 100.0).round() / 100.0),
        confidence: graded.confidence.map(|sure| (sure * 100.0).round() / 100.0),
        scoring: graded.account,
        comment: graded.comment,
        reference_answer: question.reference_answer.clone(),
        answer: graded.answer,
        prompted: graded.prompted,
        probes: probes.map(|p| ProbeAsked { text: p.text.clone(), key_point: opened(&p.text) }).collect(),
        structure: match graded.level {
            Some(_) => structure(question, &evidence, &graded.key_points, scorer.rubric),
            None => Vec::new(),
        },
        difficulty: Some(question.difficulty),
        key_points: graded.key_points,
        misconceptions: graded.misconceptions,
        faults: evidence.turns.iter().flat_map(|turn| turn.faults.iter().cloned()).collect(),
    }
}

/// SHA-256 of what something is as JSON.
fn hash(value: &impl Serialize) -> String {
    let json = serde_json::to_vec(value).expect("what was read can be written");
    Sha256::digest(json).iter().map(|byte| format!("{byte:02x}")).collect()
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

impl Report {
    /// The questions that carry a level.
    pub fn assessed(&self) -> impl Iterator<Item = &QuestionResult> {
        self.questions.iter().filter(|question| question.level.is_some())
    }
}

#[cfg(test)]
pub(super) mod tests;
