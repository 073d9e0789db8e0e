//! `vivavoce bench report`: how long the report of a long interview takes to be made, by the local scorer. The interview is
//! made up of the shipped bank: each answer begins with its question's own reference and goes on with others'. Must never
//! stand in for a rehearsal: what the conversation itself needs is not in it.

use crate::app::scoring::embedder;
use crate::id::SessionId;
use crate::interview::QuestionOutcome;
use crate::interview::bank::shipped;
use crate::interview::question::{Bank, Level, Question};
use crate::scoring::evaluate::evaluate;
use crate::scoring::facts::{AnswerTurn, PlannedQuestion, ProbeLine, SessionFacts, Timed, Versions};
use crate::scoring::local::LocalGrader;
use crate::scoring::report::InterviewHeader;
use crate::scoring::rubric::Rubric;
use crate::scoring::{pdf, render};
use anyhow::Context as _;
use serde_json::json;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

/// The goal, s.
const GOAL_S: f64 = 5.0;
/// Of the minutes, the candidate talks so many words of each: about 140 a minute for six tenths of the time.
const WORDS_PER_MINUTE: usize = 85;
/// Turns of one answer: to the question and to two follow-ups.
const TURNS: usize = 3;

/// Makes the report of a made-up interview and says how long that took.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// How long the interview was.
    #[arg(long, default_value_t = 30)]
    minutes: usize,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let rubric = Rubric::shipped()?;
    let grader = LocalGrader::new(rubric.clone(), embedder());
    let bank = shipped()?.into_iter().find(|bank| bank.category.slug == "backend").context("no such bank")?;
    let facts = facts(&bank, arguments.minutes);
    let began = Instant::now();
    let report = evaluate(&facts, &rubric, &grader);
    let evaluated_s = began.elapsed().as_secs_f64();
    render::html(&report, None, "en")?;
    let html_s = began.elapsed().as_secs_f64() - evaluated_s;
    pdf::report(&report, "en")?;
    let pdf_s = began.elapsed().as_secs_f64() - evaluated_s - html_s;
    let words: usize = facts.turns.iter().map(|turn| turn.text.split_whitespace().count()).sum();
    let printed = json!({
        "minutes": arguments.minutes, "questions": facts.questions.len(), "words": words, "scorer": report.provenance.scorer,
        "evaluated_s": evaluated_s, "html_s": html_s, "pdf_s": pdf_s, "goal_s": GOAL_S,
    });
    println!("{}", serde_json::to_string_pretty(&printed)?);
    Ok(if evaluated_s <= GOAL_S { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What an interview of so many minutes leaves.
fn facts(bank: &Bank, minutes: usize) -> SessionFacts {
    let questions: Vec<&Question> = bank.at(Level::Middle).collect();
    let all: Vec<&str> = questions.iter().flat_map(|question| question.reference_answer.split_whitespace()).collect();
    let each = (minutes * WORDS_PER_MINUTE / questions.len().max(1) / TURNS).max(1);
    let mut turns = Vec::new();
    let mut probes = Vec::new();
    let mut clock_ms = 0;
    for question in &questions {
        let own = question.reference_answer.split_whitespace();
        let mut said = own.chain(all.iter().copied().cycle());
        for place in 0..TURNS {
            let text = said.by_ref().take(each).collect::<Vec<_>>().join(" ");
            let (start_ms, end_ms) = (clock_ms, clock_ms + 45_000);
            clock_ms += 54_000;
            if let Some(probe) = place.checked_sub(1).and_then(|at| question.probes.get(at)) {
                probes.push(ProbeLine { question_key: question.key.clone(), text: probe.text.clone() });
            }
            turns.push(AnswerTurn {
                question_key: Some(question.key.clone()),
                utterances: vec![Timed { text: text.clone(), start_ms, end_ms }],
                text,
                start_ms,
                end_ms,
                after_probe: place > 0,
                ..AnswerTurn::default()
            });
        }
    }
    let outcomes: BTreeMap<String, QuestionOutcome> =
        questions.iter().map(|question| (question.key.clone(), QuestionOutcome::Answered)).collect();
    let planned = (1..).zip(questions).map(|(number, question)| PlannedQuestion { number, question: question.clone() });
    SessionFacts {
        interview: header(bank),
        competencies: bank.category.competencies.clone(),
        questions: planned.collect(),
        planned_difficulty: None,
        outcomes,
        turns,
        probes,
        artifacts: Vec::new(),
        lines: Vec::new(),
        lost_audio_ms: 0,
        heard_gaps_ms: Vec::new(),
        held: 0,
        recovered: 0,
        focus_losses: Vec::new(),
        versions: Versions::default(),
    }
}

fn header(bank: &Bank) -> InterviewHeader {
    InterviewHeader {
        id: SessionId::create(),
        title: "Made up".into(),
        job_position: "Back-end engineer".into(),
        level: Level::Middle,
        category: bank.category.name.clone(),
        language: bank.category.language.clone(),
        start_time: None,
        end_time: None,
        duration_ms: None,
        mode: "voice".into(),
        purpose: "practice".into(),
        patience: 1.0,
        consent: None,
    }
}
