//! A plain conversation: words in, words out, what is told of it, and what the record keeps.

use super::stage::{PATIENCE, Stage, has, hear, loud, pitch, tone};
use serde_json::Value;
use vivavoce::id::SessionId;
use vivavoce::store::{InterviewRow, ReportState, Role, SessionStatus};

async fn conversation(stage: &Stage) -> InterviewRow {
    let mut rows = stage.store.interviews(10, None, None).await.expect("read");
    assert_eq!(rows.len(), 1, "one conversation");
    rows.remove(0)
}

async fn ended(stage: &Stage, id: SessionId) -> InterviewRow {
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        let row = stage.store.interview(id).await.expect("read");
        if row.status.is_final() {
            return row;
        }
        assert!(tokio::time::Instant::now() < until, "it does not end: {:?}", row.status);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

fn place(messages: &[Value], kind: &str) -> usize {
    messages.iter().position(|message| message["type"] == kind).unwrap_or_else(|| panic!("no {kind} in {messages:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_says_something_and_is_answered() {
    let stage = Stage::set(600, "").await;
    let (mut client, _) = stage.call(None).await;
    client.send_rtvi("client-ready", "1", serde_json::json!({"version": "2.1.0"})).await.expect("sent");
    client.send_raw("ping: 1700000000000").await.expect("sent");
    let (messages, _) = hear(&mut client, |messages, _| has(messages, "bot-ready")).await;
    assert_eq!(messages[place(&messages, "bot-ready")]["data"]["version"], "2.1.0");
    for hz in [700, 520] {
        client.microphone().say(tone(hz, 1_000)).await.expect("said");
        let (messages, sound) = hear(&mut client, |messages, _| has(messages, "bot-stopped-speaking")).await;
        assert!(pitch(&sound).abs_diff(hz) < 20, "{hz}: {}", pitch(&sound));
        let words = &messages[place(&messages, "user-transcription")]["data"];
        assert_eq!((&words["text"], &words["final"]), (&format!("tone {hz}").into(), &true.into()));
        let order =
            ["user-stopped-speaking", "user-transcription", "bot-llm-started", "bot-llm-text", "bot-llm-stopped"];
        assert!(order.windows(2).all(|pair| place(&messages, pair[0]) < place(&messages, pair[1])), "{messages:?}");
        assert!(place(&messages, "bot-llm-text") < place(&messages, "bot-started-speaking"));
        assert!(place(&messages, "bot-tts-text") < place(&messages, "bot-started-speaking"));
        assert!(!has(&messages, "error"), "{messages:?}");
    }
    client.close().await;
    let row = conversation(&stage).await;
    let row = ended(&stage, row.id).await;
    assert_eq!((row.status, row.report_state), (SessionStatus::Completed, ReportState::None));
    let lines = stage.store.transcripts(row.id).await.expect("read");
    let said: Vec<(Role, &str)> = lines.iter().map(|line| (line.role, line.content.as_str())).collect();
    let wanted = [
        (Role::Candidate, "tone 700"),
        (Role::Interviewer, "You said tone 700 now."),
        (Role::Candidate, "tone 520"),
        (Role::Interviewer, "You said tone 520 now."),
    ];
    assert_eq!(said, wanted);
    let kinds: Vec<String> =
        stage.store.events(row.id, 0, 100).await.expect("read").into_iter().map(|event| event.kind).collect();
    let at =
        |kind: &str| kinds.iter().position(|known| known == kind).unwrap_or_else(|| panic!("no {kind}: {kinds:?}"));
    assert!(at("conversation_opened") < at("answer_committed") && at("answer_committed") < at("reply_began"));
    assert_eq!(kinds.last().map(String::as_str), Some("ended"));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cuts_in_silences_the_bot_and_is_answered() {
    let stage = Stage::set(8_000, "").await;
    let (mut client, _) = stage.call(None).await;
    client.microphone().say(tone(700, 800)).await.expect("said");
    hear(&mut client, |messages, sound| has(messages, "bot-started-speaking") && sound.len() > 16_000).await;
    let microphone = client.microphone();
    let cutting_in = tokio::spawn(async move { microphone.say(tone(500, 1_000)).await });
    let (messages, _) = hear(&mut client, |messages, _| has(messages, "bot-stopped-speaking")).await;
    assert!(place(&messages, "bot-interrupted") < place(&messages, "bot-stopped-speaking"));
    cutting_in.await.expect("no panic").expect("said");
    // What is left of the first reply, and its fade, is not the second.
    hear(&mut client, |messages, _| has(messages, "bot-started-speaking")).await;
    let (_, sound) = hear(&mut client, |_, sound| loud(sound) > 8_000).await;
    assert!(pitch(&sound).abs_diff(500) < 20, "{}", pitch(&sound));
    client.close().await;
    let id = conversation(&stage).await.id;
    ended(&stage, id).await;
    let lines = stage.store.transcripts(id).await.expect("read");
    let first = lines.iter().find(|line| line.role == Role::Interviewer).expect("a reply");
    assert!(first.interrupted && first.content.len() < "You said tone 700 now.".len(), "{:?}", first.content);
    assert_eq!(first.planned.as_deref(), Some("You said tone 700 now."));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_own_detector_ends_a_turn_as_well() {
    let own = "[room.open_offer]\nendpointing = \"vad\"\n[providers]\nvad = \"energy\"";
    let stage = Stage::set(400, own).await;
    let (mut client, _) = stage.call(None).await;
    for hz in [600, 900] {
        client.microphone().say(tone(hz, 800)).await.expect("said");
        let (messages, sound) = hear(&mut client, |messages, _| has(messages, "bot-stopped-speaking")).await;
        assert!(pitch(&sound).abs_diff(hz) < 20, "{hz}: {}", pitch(&sound));
        assert_eq!(messages.iter().filter(|message| message["type"] == "bot-started-speaking").count(), 1);
    }
    client.close().await;
    stage.end().await;
}

/// The played transcriber tells the words that whoever speaks has announced, as they are said.
#[tokio::test(flavor = "multi_thread")]
async fn words_that_were_announced_are_the_ones_that_are_heard() {
    let own = "[room.open_offer]\nendpointing = \"vad\"\n[providers]\nvad = \"energy\"";
    let stage = Stage::set(400, own).await;
    let (mut client, _) = stage.call(None).await;
    let said = serde_json::json!([{"text": "Yes, of course.", "from_ms": 0, "to_ms": 1_400}]);
    let told = stage.http.post(format!("http://{}/said", stage.providers.address)).json(&said).send().await;
    assert_eq!(told.expect("answered").status(), 200);
    client.microphone().say(tone(700, 1_400)).await.expect("said");
    let (messages, _) = hear(&mut client, |messages, _| has(messages, "bot-stopped-speaking")).await;
    let heard: Vec<(&str, bool)> = messages
        .iter()
        .filter(|message| message["type"] == "user-transcription")
        .map(|message| (message["data"]["text"].as_str().expect("text"), message["data"]["final"] == true))
        .collect();
    assert_eq!(heard.last(), Some(&("Yes, of course.", true)), "{heard:?}");
    assert!(heard[0].1 || "Yes, of course.".starts_with(heard[0].0), "{heard:?}");
    client.close().await;
    stage.end().await;
}

#[cfg(feature = "local-speech")]
#[tokio::test(flavor = "multi_thread")]
async fn the_turn_models_word_is_waited_for_and_the_longest_silence_is_enough() {
    if crate::models::support::file("smart-turn").and(crate::models::support::runtime()).is_none() {
        return;
    }
    const SILENCE_MAX_MS: u64 = 6_000; // far above what a busy machine adds to an end that is told at once
    // No probability is enough, or any is.
    for (needed, is_awaited) in [("1.0", true), ("0.0", false)] {
        let own = format!(
            "[room.open_offer]\nendpointing = \"turn\"\ncomplete_probability = {needed}\nsilence_max_ms = {SILENCE_MAX_MS}\n\
             judgement_ms_max = {SILENCE_MAX_MS}\n\
             [providers]\nvad = \"energy\"\nturn_model = \"smart-turn\""
        );
        let stage = Stage::set(400, &own).await;
        let (mut client, _) = stage.call(None).await;
        client.microphone().say(tone(600, 900)).await.expect("said");
        let (_, sound) = hear(&mut client, |messages, _| has(messages, "bot-stopped-speaking")).await;
        assert!(pitch(&sound).abs_diff(600) < 20, "{}", pitch(&sound));
        client.close().await;
        let id = conversation(&stage).await.id;
        let events = stage.store.events(id, 0, 100).await.expect("read");
        let answer = events.iter().find(|event| event.kind == "answer_committed").expect("an answer");
        let waited_ms = answer.payload["transcribed_ms"].as_u64().expect("a number");
        assert_eq!(waited_ms >= SILENCE_MAX_MS - 100, is_awaited, "{needed}: {waited_ms} ms");
        stage.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_greeting_is_said_first_and_typed_words_are_answered() {
    let stage = Stage::set(400, "[room.open_offer]\ngreeting = \"Hello at 800.\"").await;
    let (mut client, _) = stage.call(None).await;
    let (_, sound) = hear(&mut client, |messages, _| has(messages, "bot-stopped-speaking")).await;
    assert!(pitch(&sound).abs_diff(800) < 20);
    client.send_rtvi("send-text", "2", serde_json::json!({"content": "tone 640"})).await.expect("sent");
    let (_, sound) = hear(&mut client, |messages, _| has(messages, "bot-stopped-speaking")).await;
    assert!(pitch(&sound).abs_diff(640) < 20);
    client.close().await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_connection_of_the_same_name_goes_on_with_the_conversation() {
    let stage = Stage::set(400, "").await;
    let (first, name) = stage.call(None).await;
    let (mut second, same) = stage.call(Some(&name)).await;
    assert_eq!(name, same);
    first.vanish();
    second.microphone().say(tone(700, 800)).await.expect("said");
    let (_, sound) = hear(&mut second, |messages, _| has(messages, "bot-stopped-speaking")).await;
    assert!(pitch(&sound).abs_diff(700) < 20);
    conversation(&stage).await;
    second.close().await;
    stage.end().await;
}
