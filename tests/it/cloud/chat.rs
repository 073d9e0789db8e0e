//! The OpenAI-compatible language model.

use super::fake::{Act, Fake, KEY};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use vivavoce::cloud::meter::Price;
use vivavoce::cloud::{CloudError, Fault};
use vivavoce::llm::openai::{OpenAiChat, OpenAiChatSettings, Structure};
use vivavoce::llm::{CompletionRequest, JsonRequest, LanguageModel, LlmError, LlmEvent, Message, Role};

pub fn settings() -> OpenAiChatSettings {
    OpenAiChatSettings {
        model: "small".into(),
        tokens_max: 1_000,
        tokens_field: "max_tokens".into(),
        sends_temperature: true,
        structure: Structure::Schema,
        extra: serde_json::Map::new(),
        first_token: Duration::from_secs(5),
        next_token: Duration::from_secs(5),
        whole: Duration::from_secs(5),
        price: Price::default(),
    }
}

pub fn request() -> CompletionRequest {
    CompletionRequest {
        messages: vec![
            Message { role: Role::System, text: "Be brief.".into() },
            Message { role: Role::User, text: "<answer>An index.</answer>".into() },
        ],
        tokens_max: 60,
        temperature: 0.0,
        cancel: CancellationToken::new(),
    }
}

fn json_request() -> JsonRequest {
    JsonRequest {
        system: "Judge.".into(),
        user: "<answer>An index.</answer>".into(),
        name: "judgement".into(),
        schema: json!({"type": "object", "properties": {"level": {"type": "integer"}}, "required": ["level"],
            "additionalProperties": false}),
        tokens_max: 200,
        temperature: 0.0,
        cancel: CancellationToken::new(),
    }
}

/// A stream as the protocol has it: a role first, tokens, the reason of the end, what was used, the mark of the end.
pub fn stream(tokens: &[&str]) -> Vec<u8> {
    let chunk = |delta: Value, reason: Value| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": reason});
        let event = json!({"id": "c1", "object": "chat.completion.chunk", "model": "small", "choices": [choice]});
        format!("data: {event}\n\n")
    };
    let mut text = String::from(": keep-alive\n\n");
    text += &chunk(json!({"role": "assistant", "content": ""}), Value::Null);
    for token in tokens {
        text += &chunk(json!({"content": token}), Value::Null);
    }
    text += &chunk(json!({}), "stop".into());
    let usage = json!({"prompt_tokens": 12, "completion_tokens": tokens.len(), "total_tokens": 12 + tokens.len()});
    text += &format!("data: {}\n\ndata: [DONE]\n\n", json!({"choices": [], "usage": usage}));
    text.into_bytes()
}

pub fn whole(content: &str) -> Act {
    let choice = json!({"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"});
    let usage = json!({"prompt_tokens": 40, "completion_tokens": 9, "total_tokens": 49});
    Act::body("application/json", json!({"choices": [choice], "usage": usage}).to_string())
}

pub async fn said(mut stream: mpsc::Receiver<LlmEvent>) -> (String, Option<LlmError>) {
    let mut text = String::new();
    while let Some(event) = stream.recv().await {
        match event {
            LlmEvent::Token(token) => text += &token,
            LlmEvent::Done => return (text, None),
            LlmEvent::Failed(error) => return (text, Some(error)),
        }
    }
    panic!("the stream ended without a word");
}

fn fault(error: Option<LlmError>) -> (Fault, String) {
    match error {
        Some(LlmError::Cloud(CloudError { fault, said, .. })) => (fault, said),
        other => panic!("no failure of a provider: {other:?}"),
    }
}

#[tokio::test]
async fn a_chat_comes_token_by_token_from_any_pieces() {
    let fake = Fake::start(vec![Act::body("text/event-stream", stream(&["Gr\u{fc}n", " is", " \u{2713}."]))]).await;
    let model = OpenAiChat::new(fake.endpoint(), settings());
    assert_eq!(said(model.complete(request())).await, ("Gr\u{fc}n is \u{2713}.".to_owned(), None));
    let asked = &fake.asked()[0];
    assert_eq!(asked.path, "/v1/chat/completions");
    assert_eq!(asked.headers["authorization"], format!("Bearer {KEY}"));
    let body = asked.json();
    assert_eq!((&body["model"], &body["max_tokens"], &body["stream"]), (&json!("small"), &json!(60), &json!(true)));
    assert_eq!(body["messages"][0], json!({"role": "system", "content": "Be brief."}));
    assert_eq!(body["messages"][1]["role"], "user");
}

#[tokio::test]
async fn refusals_say_what_to_do_and_repeat_nothing() {
    let mut limited = Act::status(429, "rate_limit_exceeded");
    if let Act::Status { headers, .. } = &mut limited {
        headers.push(("retry-after", "3"));
    }
    let wait = Some(Duration::from_secs(3));
    for (act, wanted) in [
        (limited, Fault::Limited { wait }),
        (Act::status(429, "insufficient_quota"), Fault::Unfit),
        (Act::status(401, "invalid_api_key"), Fault::Unfit),
        (Act::status(503, "overloaded"), Fault::Passing),
        (Act::status(400, "context_length_exceeded"), Fault::Request),
    ] {
        let fake = Fake::start(vec![act.clone()]).await;
        let model = OpenAiChat::new(fake.endpoint(), settings());
        let (text, error) = said(model.complete(request())).await;
        let (fault, told) = fault(error);
        assert_eq!((text.as_str(), fault), ("", wanted), "{act:?}");
        assert!(!told.contains("sk-") && !told.contains("words"), "{told}");
        assert!(
            matches!(model.complete_json(json_request()).await, Err(LlmError::Cloud(error)) if error.fault == wanted)
        );
    }
}

#[tokio::test]
async fn what_breaks_in_the_middle_is_told_after_what_was_said() {
    let whole = stream(&["One", " two", " three"]);
    let keep = whole.len() / 2;
    let error = json!({"error": {"message": "my words", "type": "server_error"}});
    let failing = [stream(&["One"])[..].split(|byte| *byte == b'[').next().expect("a begin"), b"1]}\n\n"].concat();
    let failing = [&failing[..failing.len() - 5], format!("data: {error}\n\n").as_bytes()].concat();
    for act in [
        Act::Broken { bytes: whole.clone(), keep },
        Act::body("text/event-stream", whole[..keep].to_vec()),
        Act::body("text/event-stream", [&stream(&["One"])[..60], b"\n\ndata: {oops\n\n"].concat()),
        Act::body("text/event-stream", failing),
    ] {
        let fake = Fake::start(vec![act.clone()]).await;
        let (_, error) = said(OpenAiChat::new(fake.endpoint(), settings()).complete(request())).await;
        let (fault, told) = fault(error);
        assert_eq!(fault, Fault::Passing, "{act:?}");
        assert!(!told.contains("words"), "{told}");
    }
}

#[tokio::test]
async fn who_does_not_begin_or_go_on_in_time_has_failed() {
    let begun = stream(&["One", " two"]);
    let stalls = Act::Body {
        kind: "text/event-stream",
        bytes: begun.clone(),
        first: Duration::ZERO,
        piece: begun.len() / 2,
        pause: Duration::from_millis(400),
    };
    for act in [Act::Silent, stalls] {
        let fake = Fake::start(vec![act]).await;
        let brisk = Duration::from_millis(600);
        let short = Duration::from_millis(100);
        let settings = OpenAiChatSettings { first_token: brisk, next_token: short, whole: brisk, ..settings() };
        let (_, error) = said(OpenAiChat::new(fake.endpoint(), settings).complete(request())).await;
        assert_eq!(fault(error).0, Fault::Passing);
    }
    let endpoint = vivavoce::cloud::Endpoint::new(
        "gone",
        "http://127.0.0.1:9/v1",
        vivavoce::cloud::Key::none(),
        Duration::from_secs(2),
    );
    let gone = OpenAiChat::new(endpoint.expect("an endpoint"), settings());
    assert_eq!(fault(said(gone.complete(request())).await.1).0, Fault::Passing);
}

#[tokio::test]
async fn a_cancelled_chat_ends_at_once() {
    let fake = Fake::start(vec![Act::Silent]).await;
    let cancelled = request();
    let stream = OpenAiChat::new(fake.endpoint(), settings()).complete(cancelled.clone());
    cancelled.cancel.cancel();
    assert_eq!(said(stream).await, (String::new(), Some(LlmError::Cancelled)));
}

#[tokio::test]
async fn an_answer_is_bound_to_its_schema() {
    let fake = Fake::start(vec![whole("{\"level\": 4}")]).await;
    let model = OpenAiChat::new(fake.endpoint(), settings());
    assert_eq!(model.complete_json(json_request()).await, Ok(json!({"level": 4})));
    let bound = &fake.asked()[0].json()["response_format"];
    assert_eq!((&bound["type"], &bound["json_schema"]["strict"]), (&json!("json_schema"), &json!(true)));
    assert_eq!(bound["json_schema"]["schema"], json_request().schema);

    let fake = Fake::start(vec![whole("Here:\n```json\n{\"level\": 2}\n```"), whole("I would say four.")]).await;
    let looser = OpenAiChatSettings { structure: Structure::Object, ..settings() };
    let model = OpenAiChat::new(fake.endpoint(), looser);
    assert_eq!(model.complete_json(json_request()).await, Ok(json!({"level": 2})));
    let body = fake.asked()[0].json();
    assert_eq!(body["response_format"], json!({"type": "json_object"}));
    assert!(body["messages"][0]["content"].as_str().expect("text").contains("\"additionalProperties\":false"));
    assert_eq!(model.complete_json(json_request()).await, Err(LlmError::NotJson));
}

#[tokio::test]
async fn an_answer_cut_short_or_refused_is_none() {
    let cut = json!({"choices": [{"message": {"content": "{\"level\""}, "finish_reason": "length"}]});
    let refused = json!({"choices": [{"message": {"refusal": "No."}, "finish_reason": "stop"}]});
    let fake = Fake::start(vec![
        Act::body("application/json", cut.to_string()),
        Act::body("application/json", refused.to_string()),
    ]);
    let model = OpenAiChat::new(fake.await.endpoint(), settings());
    assert_eq!(model.complete_json(json_request()).await, Err(LlmError::Unfinished { tokens_max: 200 }));
    let error = model.complete_json(json_request()).await.expect_err("refused");
    assert!(matches!(error, LlmError::Cloud(CloudError { fault: Fault::Request, .. })), "{error}");
}

#[tokio::test]
async fn a_model_without_a_hold_is_told_the_schema() {
    let pace = Duration::from_millis(1);
    let model = vivavoce::llm::scripted::ScriptedLlm::saying("Well, {\"level\": 3} it is.", pace, pace);
    assert_eq!(model.complete_json(json_request()).await, Ok(json!({"level": 3})));
    assert!(model.asked()[0][0].text.contains("additionalProperties"));
}
