//! The room as a session has it: people come and go, speech is flushed, a worker dies and is replaced.

use super::fake::Guest;
use super::network::alone;
use super::sounds::{is_tone, strength, tone};
use super::stage::{Stage, quick};
use super::worker::left;
use crate::support::server::signal;
use serde_json::json;
use std::time::{Duration, Instant};
use vivavoce::id::SpeechId;
use vivavoce::room::{Button, ClientSignal, ClosedReason, RoomCommand, RoomEvent, ServerMessage};

/// Loudest third of what was heard, which no fade and no jitter reaches.
fn middle(pcm: &[i16]) -> &[i16] {
    &pcm[pcm.len() / 3..pcm.len() * 2 / 3]
}

#[test]
fn daily_speech_is_heard_whole_and_a_flush_leaves_almost_nothing() {
    alone(|| async {
        let mut stage = Stage::open(quick()).await;
        let mut candidate = stage.candidate();
        stage.connected().await;
        let asked = Instant::now();
        stage.say(1, tone(660.0, 1_000, 24_000)).await;
        let done = stage.until("it is said", |event| matches!(event, RoomEvent::SpeechDone { .. })).await;
        assert!(matches!(done, RoomEvent::SpeechDone { speech: SpeechId(1), sent_samples: 24_000 }), "{done:?}");
        let (said, _) = candidate.listen(Duration::from_millis(800)).await;
        let first = said.iter().find(|(_, pcm)| pcm.iter().any(|sample| sample.unsigned_abs() > 2_000));
        let first = first.expect("it was heard").0;
        println!(
            "voice out: {} ms from the command to the first packet",
            first.saturating_duration_since(asked).as_millis()
        );
        let said: Vec<i16> = said.into_iter().flat_map(|(_, pcm)| pcm).collect();
        let loud: Vec<i16> = said.iter().copied().skip_while(|sample| sample.unsigned_abs() < 2_000).collect();
        assert!(is_tone(&loud[2_400..14_400], 660.0, 24_000));

        // Ten seconds are queued; after half a second all of it is taken back.
        stage.ask(RoomCommand::Play { speech: SpeechId(2), pcm: tone(550.0, 10_000, 24_000).into() }).await;
        stage.until("it begins", |event| matches!(event, RoomEvent::Sent { speech: SpeechId(2), .. })).await;
        stage.listen(Duration::from_millis(500)).await;
        let stopped_at = Instant::now();
        stage.ask(RoomCommand::Stop { speech: SpeechId(2) }).await;
        let stopped = stage.until("it is stopped", |event| matches!(event, RoomEvent::SpeechStopped { .. })).await;
        let RoomEvent::SpeechStopped { sent_samples, .. } = stopped else { unreachable!("it was asked for") };
        let (said, _) = candidate.listen(Duration::from_millis(1_000)).await;
        let is_loud = |pcm: &[i16]| pcm.iter().any(|sample| sample.unsigned_abs() > 500);
        let last = said.iter().filter(|(_, pcm)| is_loud(pcm)).map(|(at, _)| *at).max().expect("it was heard");
        println!("audio after a flush: {} ms", last.saturating_duration_since(stopped_at).as_millis());
        let loud_samples: usize = said.iter().filter(|(_, pcm)| is_loud(pcm)).map(|(_, pcm)| pcm.len()).sum();
        // What was handed over, a fade of one frame, and two frames that it only touches.
        let most = usize::try_from(sent_samples).expect("small") + 3 * 480;
        assert!(loud_samples <= most, "{loud_samples} samples were heard, {sent_samples} had been sent");
        stage.close().await;
    });
}

#[test]
fn daily_candidate_leaves_and_comes_again_and_observers_are_not_the_candidate() {
    alone(|| async {
        let mut stage = Stage::open(quick()).await;
        let recruiter = Guest::join(&stage.fake.hall, "room", "Recruiter", Some("recruiter-9"));
        recruiter.say(tone(900.0, 30_000, 24_000));
        let candidate = stage.candidate();
        stage.connected().await;
        let spoken = Instant::now();
        candidate.say(tone(440.0, 3_000, 24_000));
        let is_loud = |event: &RoomEvent| matches!(event, RoomEvent::Heard(frame) if frame.pcm.iter().any(|sample| sample.unsigned_abs() > 2_000));
        stage.until("the tone begins", is_loud).await;
        println!("voice in: {} ms from the microphone to the session", spoken.elapsed().as_millis());
        let heard = stage.listen(Duration::from_secs(2)).await;
        assert!(is_tone(middle(&heard), 440.0, 16_000));
        // A gap on a busy machine clicks at every pitch, a voice does not.
        let (own, others) = (strength(middle(&heard), 440.0, 16_000), strength(middle(&heard), 900.0, 16_000));
        assert!(others < own / 10.0, "the observer is heard as the candidate: {others} beside {own}");

        let first = candidate.id.clone();
        drop(candidate);
        stage.interrupted().await;
        let candidate = stage.candidate();
        assert_ne!(candidate.id, first, "a new participant");
        stage.connected().await;
        candidate.say(tone(520.0, 3_000, 24_000));
        let heard = stage.listen(Duration::from_secs(3)).await;
        assert!(is_tone(middle(&heard), 520.0, 16_000));

        candidate.send(&json!({ "label": "rtvi-ai", "type": "client-message", "id": "1", "data": { "t": "repeat" } }));
        recruiter.send(&json!({ "label": "rtvi-ai", "type": "client-message", "id": "2", "data": { "t": "skip" } }));
        let signal = stage.until("a button", |event| matches!(event, RoomEvent::Signal(ClientSignal::Button(_)))).await;
        assert!(matches!(signal, RoomEvent::Signal(ClientSignal::Button(Button::Repeat))), "{signal:?}");
        stage.ask(RoomCommand::Show(ServerMessage::InterviewerInterrupted)).await;
        let mut candidate = candidate;
        let (_, messages) = candidate.listen(Duration::from_secs(1)).await;
        let kinds: Vec<&str> = messages.iter().filter_map(|message| message["type"].as_str()).collect();
        assert_eq!(kinds, ["server-response", "bot-interrupted"]);
        stage.close().await;
    });
}

#[test]
fn daily_worker_that_is_killed_is_replaced_and_speech_goes_on() {
    alone(|| async {
        let mut stage = Stage::open(quick()).await;
        let mut candidate = stage.candidate();
        stage.connected().await;
        stage.say(1, tone(660.0, 4_000, 24_000)).await;
        stage.until("it begins", |event| matches!(event, RoomEvent::Sent { .. })).await;
        let workers = left(&stage.fake);
        assert_eq!(workers.len(), 1);
        signal(workers[0], libc::SIGKILL);
        stage.interrupted().await;
        stage.connected().await;
        stage
            .until("it is said to its end", |event| matches!(event, RoomEvent::SpeechDone { sent_samples: 96_000, .. }))
            .await;
        let (said, _) = candidate.listen(Duration::from_millis(500)).await;
        assert!(said.len() > 100, "both parts were heard: {} packets", said.len());
        // One that hangs is found by its pulse.
        let workers = left(&stage.fake);
        signal(workers[0], libc::SIGSTOP);
        stage.interrupted().await;
        stage.connected().await;
        // One that hangs while it is to leave is killed.
        signal(left(&stage.fake)[0], libc::SIGSTOP);
        stage.close().await;
    });
}

#[test]
fn daily_candidate_who_never_comes_or_stays_away_ends_the_room() {
    alone(|| async {
        let brief = Duration::from_secs(3);
        let mut stage = Stage::open(vivavoce::room::daily::DailySettings { wait: brief, ..quick() }).await;
        assert_eq!(stage.closed().await, ClosedReason::Left, "nobody came");
        stage.is_clean().await;
        let mut stage = Stage::open(vivavoce::room::daily::DailySettings { reconnect: brief, ..quick() }).await;
        let candidate = stage.candidate();
        stage.connected().await;
        drop(candidate);
        stage.interrupted().await;
        assert_eq!(stage.closed().await, ClosedReason::Left, "who left did not come back");
        stage.is_clean().await;
    });
}
