//! The shipped banks behind the REST interface: every category and level can be chosen, a language that the server
//! neither hears nor speaks is refused for voice, in words.

use crate::support::app::{TestApp, body, problem, wish};
use reqwest::Method;
use serde_json::Value;
use vivavoce::interview::bank::shipped;

#[tokio::test]
async fn every_shipped_category_and_level_is_offered_and_the_other_language_is_refused_for_voice() {
    let app = TestApp::start("").await;
    let banks = shipped().expect("banks");
    for bank in &banks {
        app.store.sync_bank(bank).await.expect("stored");
        let stored = app.store.bank(&bank.category.slug, &bank.category.language).await.expect("there");
        assert_eq!(stored, *bank);
    }
    let listed = body(app.local(Method::GET, "/api/v1/categories").send().await.expect("answered"), 200).await;
    let listed = listed["categories"].as_array().expect("a list").clone();
    assert_eq!(listed.len(), banks.len());
    assert_eq!(listed[0]["slug"], "backend");
    for category in listed {
        assert_eq!(category["voice"], category["language"] == "en", "{category}");
        let levels = category["levels"].as_array().expect("levels");
        assert_eq!(levels.len(), 3, "{category}");
        for level in levels {
            assert!(level["questions"].as_u64().is_some_and(|count| count >= 4), "{category}");
            let mut asked = wish();
            for field in ["language", "level"] {
                asked[field] = if field == "level" { level["level"].clone() } else { category[field].clone() };
            }
            asked["category"] = category["slug"].clone();
            asked["job_position"] = Value::Null;
            let answer = app.local(Method::POST, "/api/v1/interviews").json(&asked).send().await.expect("answered");
            if category["voice"] == true {
                let made = body(answer, 201).await;
                assert_eq!(made["category"], category["slug"]);
                assert_eq!(made["job_position"], category["job_positions"][0]);
            } else {
                let said = problem(answer, 422).await;
                assert_eq!(said["errors"].as_array().map(Vec::len), Some(1), "{said}");
                assert_eq!(said["errors"][0]["field"], "language", "{said}");
                let why = said["errors"][0]["message"].as_str().expect("words");
                assert!(why.contains("voice") && why.contains("`uk`") && why.contains("en."), "{why}");
            }
        }
    }
    let acts = app.interviews.acts.lock().expect("acts").wishes.len();
    assert_eq!(acts, 8 * 3);
}
