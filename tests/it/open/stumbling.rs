//! A plain conversation whose providers are killed in the middle, or stand still, or whose caller's network does: the reply
//! comes all the same, and the delay goes back to what it was.

use super::stage::{Stage, has, hear, loud, pitch, tone};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use vivavoce::room::client::Client;

/// What is left of a reply, and its fade, is not the next one's.
async fn is_quiet(client: &mut Client) {
    let rest = async { while client.next().await.is_some() {} };
    assert!(tokio::time::timeout(Duration::from_millis(400), rest).await.is_err(), "the server hung up");
}

/// What the caller says next is answered by its own tone, once.
async fn is_answered(client: &mut Client, hz: u32) -> Vec<Value> {
    is_quiet(client).await;
    client.microphone().say(tone(hz, 900)).await.expect("said");
    let (messages, sound) = hear(client, |messages, _| has(messages, "bot-stopped-speaking")).await;
    assert!(pitch(&sound).abs_diff(hz) < 20, "{hz}: {}", pitch(&sound));
    assert_eq!(messages.iter().filter(|message| message["type"] == "bot-started-speaking").count(), 1);
    messages
}

/// From the end of each answer to its words, ms, as the log has it.
async fn transcribed_ms(stage: &Stage) -> Vec<u64> {
    let id = stage.store.interviews(10, None, None).await.expect("read")[0].id;
    let events = stage.store.events(id, 0, 1_000).await.expect("read");
    let answers = events.iter().filter(|event| event.kind == "answer_committed");
    answers.map(|event| event.payload["transcribed_ms"].as_u64().expect("a number")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transcriber_killed_in_mid_sentence_is_replaced_by_one_that_hears_it_again() {
    let stage = Stage::set(400, "").await;
    let (mut client, _) = stage.call(None).await;
    is_answered(&mut client, 700).await;
    is_quiet(&mut client).await;
    let microphone = client.microphone();
    let saying = tokio::spawn(async move { microphone.say(tone(500, 900)).await });
    tokio::time::sleep(Duration::from_millis(400)).await;
    stage.providers.cut();
    saying.await.expect("no panic").expect("said");
    let (_, sound) = hear(&mut client, |messages, _| has(messages, "bot-stopped-speaking")).await;
    assert!(pitch(&sound).abs_diff(500) < 20, "{}", pitch(&sound));
    is_answered(&mut client, 620).await;
    client.close().await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_or_a_voice_killed_in_mid_answer_is_asked_again() {
    let stage = Stage::set(1_200, "").await;
    let (mut client, _) = stage.call(None).await;
    for (hz, at) in [(700, "bot-llm-text"), (500, "bot-tts-text"), (620, "bot-started-speaking")] {
        client.microphone().say(tone(hz, 900)).await.expect("said");
        let (mut messages, _) = hear(&mut client, |messages, _| has(messages, at)).await;
        stage.providers.cut();
        let (more, sound) =
            hear(&mut client, |messages, sound| has(messages, "bot-stopped-speaking") && loud(sound) > 4_000).await;
        messages.extend(more);
        assert!(pitch(&sound).abs_diff(hz) < 20, "{at}: {}", pitch(&sound));
        assert!(!messages.iter().any(|message| message["data"]["kind"] == "notice"), "{at}: {messages:?}");
        is_quiet(&mut client).await;
    }
    client.close().await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_delay_goes_back_after_the_providers_stood_still() {
    let stage = Stage::set(400, "").await;
    let (mut client, _) = stage.call(None).await;
    for (hz, stands_still) in [(700, true), (500, false), (620, true), (560, false)] {
        stage.providers.stand_still(stands_still);
        let providers = stage.providers.clone();
        let go_on = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(2_400)).await;
            providers.stand_still(false);
        });
        is_answered(&mut client, hz).await;
        go_on.await.expect("no panic");
    }
    client.close().await;
    let took = transcribed_ms(&stage).await;
    assert!(took[0] > 1_000 && took[2] > 1_000, "they stood still: {took:?}");
    assert!(took[1] * 2 < took[0] && took[3] * 2 < took[2], "{took:?}");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_delay_goes_back_after_the_callers_network_stood_still() {
    let stage = Stage::set(400, "").await;
    let is_away = Arc::new(AtomicBool::new(true));
    let loses = Arc::clone(&is_away);
    let (mut client, _) = stage.call_over(None, Some(Box::new(move |_| loses.load(Ordering::Relaxed)))).await;
    // At the start, and again in the middle.
    for hz in [700, 500] {
        is_away.store(true, Ordering::Relaxed);
        client.microphone().say(tone(hz, 1_500)).await.expect("said");
        is_away.store(false, Ordering::Relaxed);
        is_answered(&mut client, hz).await;
        is_answered(&mut client, hz + 40).await;
    }
    client.close().await;
    let took = transcribed_ms(&stage).await;
    assert_eq!(took.len(), 4, "what was lost was no turn: {took:?}");
    assert!(took.iter().all(|took| *took < 1_000), "{took:?}");
    stage.end().await;
}
