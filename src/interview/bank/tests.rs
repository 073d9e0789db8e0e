//! Every bank that is shipped obeys the rules, has its twin, and is heard as it is written; faults are told.

use super::{Bank, BankError, SHIPPED, shipped, unspeakable};
use crate::interview::coverage::{Status, cover, misstatements};
use crate::interview::question::{Level, Question, QuestionKind};
use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn every_file_of_the_folder_is_shipped_and_obeys_the_rules() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/config/bank");
    let entries = |folder: &str| -> Vec<(String, bool)> {
        std::fs::read_dir(folder)
            .expect("a folder of banks")
            .map(|entry| {
                let entry = entry.expect("an entry");
                let is_folder = entry.file_type().expect("its type").is_dir();
                (entry.file_name().into_string().expect("a name"), is_folder)
            })
            .collect()
    };
    let categories = entries(folder).into_iter().filter(|(_, is_folder)| *is_folder);
    let in_category = |(category, _): (String, bool)| {
        let files = entries(&format!("{folder}/{category}"));
        files.into_iter().map(move |(file, _)| format!("{category}/{file}"))
    };
    let files: BTreeSet<String> = categories.flat_map(in_category).collect();
    assert_eq!(files, SHIPPED.iter().map(|(path, _)| (*path).to_owned()).collect());
    for (name, text) in SHIPPED {
        if let Err(error) = Bank::parse(text) {
            panic!("{name}: {}", error.to_string().replace("; ", "\n"));
        }
    }
}

/// Questions that each level of a category has at least.
const LEVEL_QUESTIONS_MIN: usize = 4;
/// Categories that only ask about behaviour, or about matters without code.
const WITHOUT_FACTS: [&str; 1] = ["behavioural"];
const WITHOUT_CODE: [&str; 2] = ["behavioural", "system-design"];

#[test]
fn every_level_has_enough_of_every_sort() {
    let banks = shipped().expect("readable");
    assert_eq!(banks.len(), 16);
    let mut whole = 0;
    for bank in banks {
        let slug = bank.category.slug.as_str();
        for level in Level::ALL {
            let kinds: Vec<QuestionKind> = bank.at(level).map(|q| q.kind).collect();
            let factual = kinds.iter().filter(|kind| **kind == QuestionKind::Factual).count();
            assert!(kinds.len() >= LEVEL_QUESTIONS_MIN, "{slug} {level:?}: {}", kinds.len());
            assert!(WITHOUT_FACTS.contains(&slug) || factual >= 2, "{slug} {level:?}: {factual} factual");
            assert!(WITHOUT_FACTS.contains(&slug) || factual < kinds.len(), "{slug} {level:?}: all factual");
            let anchors = bank.at(level).filter(|question| question.anchor).count();
            assert!((1..=3).contains(&anchors), "{slug} {level:?}: {anchors} anchors");
        }
        let code = bank.questions.iter().filter(|question| question.kind == QuestionKind::Code).count();
        assert!(WITHOUT_CODE.contains(&slug) || code > 0, "{slug} has no code question");
        whole += bank.questions.len();
    }
    assert!(whole >= 2 * 96, "{whole}");
}

#[test]
fn every_question_has_its_twin() {
    let banks = shipped().expect("readable");
    for bank in &banks {
        let slug = &bank.category.slug;
        let other = banks
            .iter()
            .find(|other| other.category.slug == *slug && other.category.language != bank.category.language);
        let other = other.unwrap_or_else(|| panic!("{slug} is there in {} only", bank.category.language));
        let frame = |bank: &Bank| -> Vec<Value> { bank.questions.iter().map(frame).collect() };
        assert_eq!(frame(bank), frame(other), "{slug}");
        for question in &bank.questions {
            assert_eq!(question.twin.as_ref(), Some(&question.key));
        }
        let weights = |bank: &Bank| -> Vec<(String, f64)> {
            bank.category.competencies.iter().map(|c| (c.slug.clone(), c.weight)).collect()
        };
        assert_eq!(weights(bank), weights(other), "{slug}");
    }
}

/// All of a question that is not said in a language.
fn frame(question: &Question) -> Value {
    let mut value = serde_json::to_value(question).expect("plain data");
    for field in ["prompt", "rephrased", "reference_answer", "anchors"] {
        value[field] = Value::Null;
    }
    let texts = [
        ("key_points", ["statement", "paraphrases", "terms"].as_slice()),
        ("misconceptions", &["statement", "paraphrases", "terms"]),
        ("probes", &["text"]),
    ];
    for (list, fields) in texts {
        for item in value[list].as_array_mut().expect("a list") {
            fields.iter().for_each(|field| item[*field] = Value::Null);
        }
    }
    value
}

#[test]
fn what_is_written_down_as_a_way_of_saying_it_is_heard_as_that() {
    let mut deaf = Vec::new();
    for bank in shipped().expect("readable") {
        for question in &bank.questions {
            for (at, point) in question.key_points.iter().enumerate() {
                for way in std::iter::once(&point.statement).chain(&point.paraphrases) {
                    if cover(question, way)[at].status != Status::Met || !misstatements(question, way).is_empty() {
                        deaf.push(format!("{} {} {}: {way}", bank.category.language, question.key, point.id));
                    }
                }
            }
            for (at, wrong) in question.misconceptions.iter().enumerate() {
                for way in &wrong.paraphrases {
                    if misstatements(question, way).iter().all(|found| found.misconception != at) {
                        deaf.push(format!("{} {} {}: {way}", bank.category.language, question.key, wrong.id));
                    }
                }
            }
        }
    }
    assert!(deaf.is_empty(), "{deaf:#?}");
}

/// Share of a question's weight that an answer to another question may earn by words in common, and the mean over all
/// pairs of a bank: questions of one subject share words, and stories of work share the course of a story.
const FOREIGN_SHARE_MAX: f64 = 0.2;
const FOREIGN_STORY_SHARE_MAX: f64 = 0.5;

#[test]
fn the_answer_to_another_question_earns_little() {
    for bank in shipped().expect("readable") {
        let (mut sum, mut pairs) = (0.0, 0.0);
        for question in &bank.questions {
            let all: f64 = question.key_points.iter().map(|point| point.weight).sum();
            for other in bank.questions.iter().filter(|other| other.key != question.key) {
                let found = cover(question, &other.reference_answer);
                let met = found.iter().filter(|found| found.status == Status::Met);
                sum += met.map(|found| question.key_points[found.key_point].weight).sum::<f64>() / all;
                pairs += 1.0;
            }
        }
        let most = if bank.category.slug == "behavioural" { FOREIGN_STORY_SHARE_MAX } else { FOREIGN_SHARE_MAX };
        let share = sum / pairs;
        assert!(share <= most, "{} {}: {share:.3}", bank.category.slug, bank.category.language);
    }
}

#[test]
fn the_schema_names_what_the_types_hold() {
    let schema: Value = serde_json::from_str(include_str!("../../../config/bank/schema.json")).expect("a schema");
    let names = |value: &Value| -> BTreeSet<String> { value.as_object().expect("an object").keys().cloned().collect() };
    let bank = shipped().expect("readable").remove(0);
    let mut question = bank.questions.iter().find(|q| q.code.is_some()).expect("a code question").clone();
    question.twin = Some(question.key.clone());
    let stated = &schema["$defs"]["question"]["properties"];
    let held = serde_json::to_value(&question).expect("plain data");
    assert_eq!(names(stated), names(&held));
    for list in ["key_points", "misconceptions", "probes"] {
        assert_eq!(names(&stated[list]["items"]["properties"]), names(&held[list][0]), "{list}");
    }
    for part in ["anchors", "code"] {
        assert_eq!(names(&stated[part]["properties"]), names(&held[part]), "{part}");
    }
    let category = &schema["properties"]["category"]["properties"];
    assert_eq!(names(category), names(&serde_json::to_value(&bank.category).expect("plain data")));
    let kinds = [
        QuestionKind::Factual,
        QuestionKind::Explain,
        QuestionKind::Design,
        QuestionKind::Behavioural,
        QuestionKind::Code,
    ];
    assert_eq!(stated["kind"]["enum"], serde_json::json!(kinds));
    assert_eq!(stated["level"]["enum"], serde_json::json!(Level::ALL));
}

#[test]
fn faults_are_said_with_their_place() {
    let good = SHIPPED[0].1;
    let check = |from: &str, to: &str, fault: &str| {
        assert!(good.contains(from), "{from}");
        match Bank::parse(&good.replacen(from, to, 1)) {
            Err(error @ BankError::Faults(_)) => assert!(error.to_string().contains(fault), "{error}"),
            other => panic!("{fault}: {other:?}"),
        }
    };
    check("competency = \"apis\"", "competency = \"nothing\"", "competency `nothing` does not exist");
    check("key_point = \"repeat-and-cache\"", "key_point = \"other\"", "which is no key point");
    check("difference between a get", "difference b/w a get", "cannot be spoken");
    check("time_box_s = 120", "time_box_s = 5", "time box");
    check("key = \"backend.keys\"", "key = \"backend.get-and-post\"", "is the same question as backend.get-and-post");
    check("weight = 3.0", "weight = -1.0", "is incomplete");
    assert!(matches!(Bank::parse("category = 1"), Err(BankError::Syntax(_))));
}

#[test]
fn what_cannot_be_spoken_is_found() {
    assert_eq!(unspeakable("What is an HTTP API, please?"), None);
    assert_eq!(unspeakable("What is O(1)?"), Some("O(1)?"));
    assert_eq!(unspeakable("What is a CQRS system?"), Some("CQRS"));
}
