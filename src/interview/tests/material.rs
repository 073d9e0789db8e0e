//! Questions and plans small enough to follow by eye: every question asks for a ledger and a mutex, and a quorum as a
//! bonus.

use super::*;
use crate::interview::question::{Anchors, Bank, Category, CodeTask, Competency, KeyPoint, Probe, ProbeKind, Question};

fn point(id: &str, weight: f64, must: bool, terms: &str) -> KeyPoint {
    KeyPoint {
        id: id.into(),
        statement: format!("It is about {id}"),
        weight,
        must,
        paraphrases: vec![],
        terms: vec![terms.into()],
    }
}

fn probe(key_point: &str, text: &str) -> Probe {
    Probe { key_point: key_point.into(), kind: ProbeKind::Depth, text: text.into() }
}

pub fn question(key: &str, kind: QuestionKind, difficulty: u8) -> Question {
    Question {
        key: key.into(),
        version: 1,
        twin: None,
        competency: if difficulty.is_multiple_of(2) { "data".into() } else { "apis".into() },
        level: Level::Middle,
        difficulty,
        kind,
        time_box_s: 180,
        anchor: difficulty == 1,
        prompt: format!("What do you know of {key}?"),
        rephrased: format!("Tell me about {key}."),
        reference_answer: "It rests on a ledger, a mutex and quorum voting.".into(),
        code: (kind == QuestionKind::Code)
            .then(|| CodeTask { language: "python".into(), starter: "def solve():\n    pass\n".into() }),
        key_points: vec![
            point("ledger", 2.0, true, "ledger"),
            point("mutex", 3.0, true, "mutex"),
            point("quorum", 1.0, false, "quorum"),
        ],
        misconceptions: vec![],
        probes: vec![
            probe("ledger", &format!("Where is {key} written down?")),
            probe("mutex", &format!("What if two do {key} at once?")),
            probe("quorum", &format!("Who agrees on {key}?")),
        ],
        anchors: Anchors { one: "nothing".into(), three: "some".into(), five: "all".into() },
    }
}

pub fn bank(questions: Vec<Question>) -> Bank {
    let competency = |slug: &str| Competency { slug: slug.into(), name: slug.into(), weight: 1.0 };
    Bank {
        category: Category {
            slug: "backend".into(),
            name: "back-end".into(),
            description: "d".into(),
            language: "en".into(),
            system_prompt: "You interview.".into(),
            job_positions: vec![],
            competencies: vec![competency("apis"), competency("data")],
        },
        questions,
    }
}

pub fn plan(kinds: &[QuestionKind]) -> Plan {
    let named =
        |(at, kind): (usize, &QuestionKind)| question(["locks", "queues", "caches", "shards"][at], *kind, at as u8 + 1);
    let bank = bank(kinds.iter().enumerate().map(named).collect());
    let request =
        PlanRequest { level: Level::Middle, questions: Some(4), minutes: Some(20), time_factor: 1.0, seed: 7 };
    Plan::draw(&bank, &request).expect("the bank has questions")
}
