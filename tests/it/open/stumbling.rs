//! A plain conversation whose providers stand still, break off or are gone, whose caller's network stalls, and beside
//! which others are refused: replies come, and the delay goes back to what it was.

use super::socket::{bytes, hear as hear_wire, samples, tone as tone_at_ear};
use super::stage::{EAR_HZ, Stage, has, hear, loud, pitch, played, tone};
use super::wire::{Cut, Way};
use crate::webrtc::door::an_offer;
use futures::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;
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

/// Each provider's connection breaks once in the middle of its work: the reply comes all the same, whole and once.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_killed_in_mid_answer_is_not_heard() {
    let stage = Stage::set(600, "").await;
    let (mut client, _) = stage.call(None).await;
    is_answered(&mut client, 800).await;
    for (hz, cut) in [
        (700, Cut { path: "/v1/listen", in_answer: false, after: 40, always: false }),
        (500, Cut { path: "/v1/chat/completions", in_answer: true, after: 1, always: false }),
        (620, Cut { path: "/v1/audio/speech", in_answer: true, after: 1, always: false }),
    ] {
        let path = cut.path;
        stage.providers.cut(Some(cut));
        is_answered(&mut client, hz).await;
        assert!(!stage.providers.is_whole(), "{path} was cut");
    }
    is_answered(&mut client, 560).await;
    client.close().await;
    stage.end().await;
}

/// All three providers are killed in the middle of a turn and do not come back for a while: others take over, each reply
/// comes once, and the log says what happened.
#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_goes_on_with_others_where_all_providers_are_killed() {
    let spare = played(400).await;
    let chains = format!(
        "[room.open_offer]\nendpointing = \"vad\"\n[providers]\nvad = \"energy\"\nstt = [\"deepgram\", \"spare\"]\n\
         llm = [\"bench\", \"spare\"]\ntts = [\"bench\", \"spare\"]\n[providers.compatible.spare]\n\
         base_url = \"http://{spare}/v1\"\nchat_model = \"spare\"\nspeech_model = \"spare\"\nspeech_voice = \"spare\"\n\
         transcription_model = \"spare\""
    );
    let stage = Stage::set(400, &chains).await;
    let (mut client, _) = stage.call(None).await;
    is_answered(&mut client, 800).await;
    stage.providers.cut(Some(Cut { path: "/", in_answer: true, after: 0, always: true }));
    for hz in [700, 500] {
        is_answered(&mut client, hz).await;
    }
    stage.providers.cut(None);
    is_answered(&mut client, 620).await;
    client.close().await;
    let id = stage.store.interviews(10, None, None).await.expect("read")[0].id;
    let events = stage.store.events(id, 0, 1_000).await.expect("read");
    let failed = events.iter().find(|event| event.kind == "part_failed").expect("the log says what happened");
    assert_eq!(failed.payload["part"], "stt", "{failed:?}");
    assert!(failed.payload["error"].as_str().expect("text").contains("has taken over"), "{failed:?}");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_model_answers_the_apology_is_said_and_the_call_goes_on() {
    let stage = Stage::set(400, "[room.open_offer]\napology = \"Sorry, say it at 880 again.\"").await;
    let (mut client, _) = stage.call(None).await;
    let gone = Cut { path: "/v1/chat/completions", in_answer: true, after: 0, always: true };
    stage.providers.cut(Some(gone));
    client.microphone().say(tone(700, 900)).await.expect("said");
    let (_, sound) = hear(&mut client, |messages, _| has(messages, "bot-stopped-speaking")).await;
    assert!(pitch(&sound).abs_diff(880) < 20, "{}", pitch(&sound));
    stage.providers.cut(None);
    is_answered(&mut client, 640).await;
    client.close().await;
    stage.end().await;
}

/// The line of a caller stands still in the middle of a sentence, and what waited comes at once (`room::websocket` holds
/// that no delay stays behind it).
#[tokio::test(flavor = "multi_thread")]
async fn a_callers_network_that_stalls_is_got_over() {
    let stage = Stage::set(400, "").await;
    let line = Way::to(stage.url.trim_start_matches("http://").to_owned()).await;
    let wire = tokio_tungstenite::connect_async(format!("ws://{}/api/socket?audio=pcm", line.address)).await;
    let (mut out, mut back) = wire.expect("a socket").0.split();
    let speaking = tokio::spawn(async move {
        let mut every = tokio::time::interval(Duration::from_millis(20));
        for (hz, stalls) in [(700, false), (500, true), (620, false)] {
            // A second of it, and three of silence: the reply comes into them.
            let said = bytes(&[tone_at_ear(hz, 1_000), vec![0; 3 * EAR_HZ as usize]].concat());
            for (n, piece) in said.chunks(640).enumerate() {
                every.tick().await;
                if n == 25 && stalls {
                    line.stand_still(true);
                    tokio::time::sleep(Duration::from_millis(1_500)).await;
                    line.stand_still(false);
                }
                out.send(Message::binary(piece.to_vec())).await.expect("sent");
            }
        }
        out
    });
    let mut answered = Vec::new();
    while answered.last().is_none_or(|hz: &u32| hz.abs_diff(620) >= 20) {
        let (messages, sound, _) = hear_wire(&mut back, samples).await;
        // Whoever is heard to stop and goes on is answered, and cuts that answer short.
        if !has(&messages, "bot-interrupted") {
            answered.push(pitch(&sound));
        }
    }
    assert!(answered[0].abs_diff(700) < 20 && answered[1..].iter().any(|hz| hz.abs_diff(500) < 20), "{answered:?}");
    speaking.await.expect("no panic").send(Message::Close(None)).await.expect("sent");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_under_way_does_not_notice_who_is_refused() {
    const REPLY_MS: u32 = 2_000;
    let stage = Stage::set(REPLY_MS, "[limits]\nsessions_max = 1").await;
    let (mut client, _) = stage.call(None).await;
    client.microphone().say(tone(700, 900)).await.expect("said");
    let (_, mut sound) = hear(&mut client, |messages, _| has(messages, "bot-started-speaking")).await;
    let offer = an_offer().await;
    for _ in 0..10 {
        assert_eq!(stage.offer(&offer, None, false).await.status(), 503);
    }
    let (_, rest) = hear(&mut client, |messages, _| has(messages, "bot-stopped-speaking")).await;
    sound.extend(rest);
    assert!(pitch(&sound).abs_diff(700) < 20, "{}", pitch(&sound));
    // A sine is louder than that threshold for most of its time; a machine that stands still may lose some frames.
    let whole = loud(&tone_at_ear(700, REPLY_MS));
    assert!(loud(&sound) * 10 > whole * 7, "{} of {whole}", loud(&sound));
    is_answered(&mut client, 560).await;
    client.close().await;
    stage.end().await;
}
