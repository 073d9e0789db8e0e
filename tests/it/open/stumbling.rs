//! A plain conversation whose providers stand still for a while: the delay goes back to what it was.

use super::stage::{Stage, has, hear, pitch, tone};
use serde_json::Value;
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
