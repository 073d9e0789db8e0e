//! The bank keeps every version of every question that was asked.

use super::*;
use vivavoce::id::CategoryId;
use vivavoce::interview::question::{
    Anchors, Bank, Category, Competency, KeyPoint, Probe, ProbeKind, Question, QuestionKind,
};

fn question(key: &str, prompt: &str) -> Question {
    Question {
        key: key.into(),
        version: 1,
        twin: None,
        competency: "design".into(),
        level: Level::Junior,
        difficulty: 2,
        kind: QuestionKind::Factual,
        time_box_s: 120,
        anchor: true,
        prompt: prompt.into(),
        rephrased: "In other words?".into(),
        reference_answer: "Because.".into(),
        code: None,
        key_points: vec![KeyPoint {
            id: "k".into(),
            statement: "It says why.".into(),
            weight: 1.5,
            must: true,
            paraphrases: vec!["since".into()],
            terms: vec!["why|because".into()],
        }],
        misconceptions: Vec::new(),
        probes: vec![Probe { key_point: "k".into(), kind: ProbeKind::Depth, text: "Why is that?".into() }],
        anchors: Anchors { one: "no".into(), three: "some".into(), five: "all".into() },
    }
}

fn bank(questions: Vec<Question>) -> Bank {
    let category = Category {
        slug: "backend".into(),
        name: "Back end".into(),
        description: "Servers".into(),
        language: "en".into(),
        system_prompt: "Be kind.".into(),
        job_positions: vec!["Back-end engineer".into()],
        competencies: vec![Competency { slug: "design".into(), name: "Design".into(), weight: 1.0 }],
    };
    Bank { category, questions }
}

#[tokio::test]
async fn the_bank_keeps_every_version_that_was_asked() {
    let db = TestDb::fresh().await;
    let first = bank(vec![question("a", "What is a?"), question("b", "What is b?")]);
    let id = db.store.sync_bank(&first).await.expect("stored");
    assert_eq!(db.store.bank("backend", "en").await, Ok(first.clone()));
    assert_eq!(db.store.sync_bank(&first).await, Ok(id));
    assert_eq!(count(&db, "select count(*) from questions").await, 2, "nothing new");

    let senior = Question { level: Level::Senior, version: 7, ..question("c", "What is c?") };
    let second = bank(vec![senior.clone(), question("a", "What, then, is a?")]);
    db.store.sync_bank(&second).await.expect("stored");
    let stored = db.store.bank("backend", "en").await.expect("read");
    let told: Vec<_> = stored.questions.iter().map(|question| (question.key.as_str(), question.version)).collect();
    assert_eq!(told, [("c", 7), ("a", 2)], "a change without a new version gets the next one; b is withdrawn");
    assert_eq!(db.store.question(id, "a", 1).await, Ok(question("a", "What is a?")));
    assert_eq!(db.store.question(id, "b", 1).await.expect("kept").prompt, "What is b?");
    assert_eq!(db.store.question(id, "b", 2).await, Err(StoreError::NotFound));

    db.store.sync_bank(&first).await.expect("stored");
    let stored = db.store.bank("backend", "en").await.expect("read");
    let told: Vec<_> = stored.questions.iter().map(|question| (question.key.as_str(), question.version)).collect();
    assert_eq!(told, [("a", 3), ("b", 2)], "what comes back is a new version too");
    let categories = db.store.categories().await.expect("listed");
    assert_eq!(categories.len(), 1);
    assert_eq!(categories[0].levels, [LevelCount { level: Level::Junior, questions: 2 }]);
    assert_eq!(db.store.bank("backend", "ru").await, Err(StoreError::NotFound));
}

#[tokio::test]
async fn lines_refer_to_the_version_that_was_asked() {
    let db = TestDb::fresh().await;
    let category: CategoryId =
        db.store.sync_bank(&bank(vec![question("backend.idempotency", "One?")])).await.expect("stored");
    let new = NewInterview { category_id: Some(category), ..interview() };
    let row = db.store.create_interview(&new).await.expect("made");
    db.store.sync_bank(&bank(vec![question("backend.idempotency", "Two?")])).await.expect("stored");
    let lease = db.store.claim(row.id, NodeId::create(), LONG).await.expect("asked").expect("free");
    let said = [Projection::Transcript(line(Uuid::now_v7(), "One?"))];
    db.store.append_at(&lease, 1, &[event("said", json!({}))], &said).await.expect("kept");
    let version = "select version::bigint from questions where id = (select question_id from transcripts)";
    assert_eq!(count(&db, version).await, 1);
}
