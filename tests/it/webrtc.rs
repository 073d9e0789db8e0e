//! The WebRTC room against a real client over the loopback: sound both ways, loss, messages, and every way to leave.

pub mod door;
mod hostile;
mod sound;

use serde_json::json;
use sound::{level_at, rms, tone, voice_like};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vivavoce::audio::frame::{EarFrame, SamplePos};
use vivavoce::clock::Clock;
use vivavoce::id::SpeechId;
use vivavoce::room::client::{Client, ClientAudio, ClientEvent, ClientSettings};
use vivavoce::room::webrtc::{RoomError, RoomSetup, UdpPorts, WebRtcRoom, WebRtcRoomHandle, WebRtcSettings};
use vivavoce::room::{
    Button, ClientSignal, ClosedReason, RoomCommand, RoomEvent, RoomPort, SampleClock, ServerMessage, port_pair,
};

/// Longest wait for what must come; only a broken room takes so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A room as its session sees it.
struct Room {
    handle: WebRtcRoomHandle,
    port: RoomPort,
    tasks: TaskTracker,
}

impl Room {
    fn open(settings: WebRtcSettings) -> Self {
        let (port, session_port) = port_pair();
        let tasks = TaskTracker::new();
        let clock = SampleClock { origin: std::time::Instant::now(), origin_at: SamplePos(16_000) };
        let handle = WebRtcRoom::open(RoomSetup {
            settings: Arc::new(settings),
            ports: UdpPorts::default(),
            clock,
            wall_clock: Clock::system(),
            port: session_port,
            tasks: tasks.clone(),
            cancel: CancellationToken::new(),
        })
        .expect("a room");
        Self { handle, port, tasks }
    }

    async fn join(&self, settings: ClientSettings) -> Client {
        let post = async |offer| self.handle.offer(offer).await.map(|answer| answer.sdp);
        Client::connect(settings, post).await.expect("a connection")
    }

    async fn tell(&self, command: RoomCommand) {
        self.port.commands.send(command).await.expect("the room lives");
    }

    async fn say(&self, speech: SpeechId, pcm: Vec<i16>) {
        self.tell(RoomCommand::Play { speech, pcm: pcm.into() }).await;
        self.tell(RoomCommand::EndOfSpeech { speech }).await;
    }

    async fn next(&mut self) -> RoomEvent {
        tokio::time::timeout(PATIENCE, self.port.events.recv()).await.expect("in time").expect("the room lives")
    }

    /// The first event that `wanted` takes; others are passed over.
    async fn until<T>(&mut self, mut wanted: impl FnMut(RoomEvent) -> Option<T>) -> T {
        loop {
            if let Some(found) = wanted(self.next().await) {
                return found;
            }
        }
    }

    async fn heard(&mut self, count: usize) -> Vec<EarFrame> {
        let mut frames = Vec::new();
        while frames.len() < count {
            if let RoomEvent::Heard(frame) = self.next().await {
                frames.push(frame);
            }
        }
        frames
    }

    async fn connected(&mut self) {
        self.until(|event| matches!(event, RoomEvent::Connected).then_some(())).await;
    }

    async fn interrupted(&mut self) {
        self.until(|event| matches!(event, RoomEvent::Interrupted).then_some(())).await;
    }

    async fn closed(&mut self) -> ClosedReason {
        self.until(|event| if let RoomEvent::Closed { reason } = event { Some(reason) } else { None }).await
    }

    /// Ends the room and waits until every task of it is gone.
    async fn end(mut self) {
        // The room may be over already.
        let _ = self.port.commands.send(RoomCommand::Close).await;
        while self.port.events.recv().await.is_some() {}
        self.tasks.close();
        tokio::time::timeout(PATIENCE, self.tasks.wait()).await.expect("every task of the room ends");
    }
}

async fn next_audio(client: &mut Client) -> ClientAudio {
    loop {
        let event = tokio::time::timeout(PATIENCE, client.next()).await.expect("in time");
        if let ClientEvent::Audio(audio) = event.expect("the client lives") {
            return audio;
        }
    }
}

async fn message(client: &mut Client, kind: &str) -> serde_json::Value {
    loop {
        let event = tokio::time::timeout(PATIENCE, client.next()).await.expect("in time");
        if let ClientEvent::Message(message) = event.expect("the client lives")
            && message["type"] == kind
        {
            return message;
        }
    }
}

/// Short limits, so that broken connections are seen soon.
fn hasty() -> WebRtcSettings {
    WebRtcSettings {
        reconnect: Duration::from_millis(800),
        leave_grace: Duration::from_millis(400),
        disconnected_after: Duration::from_millis(600),
        failed_after: Duration::from_millis(600),
        ..WebRtcSettings::default()
    }
}

fn assert_contiguous(frames: &[EarFrame]) {
    for pair in frames.windows(2) {
        assert_eq!(pair[1].at, pair[0].at.plus(320));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_candidates_tone_arrives_in_pitch_and_level() {
    let mut room = Room::open(WebRtcSettings::default());
    let client = room.join(ClientSettings::default()).await;
    let microphone = client.microphone();
    let said = tone(16_000, 600.0, 9_000.0, 16_000 * 3);
    let wanted = rms(&said);
    let saying = tokio::spawn(async move { microphone.say(said).await });
    room.connected().await;
    let frames = room.heard(150).await;
    assert_contiguous(&frames);
    saying.await.expect("not broken").expect("said");
    let pcm: Vec<i16> = frames[50..130].iter().flat_map(|frame| frame.pcm).collect();
    let (level, pure) = (rms(&pcm) / wanted, level_at(&pcm, 16_000, 600.0) / rms(&pcm));
    assert!((0.8..1.2).contains(&level), "level {level}");
    assert!(pure > 0.95, "{pure} of it at the pitch");
    client.close().await;
    room.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_interviewers_tone_arrives_in_pitch_and_level_and_is_counted() {
    let mut room = Room::open(WebRtcSettings::default());
    let mut client = room.join(ClientSettings { ear_hz: 24_000, ..ClientSettings::default() }).await;
    room.connected().await;
    let said = tone(24_000, 440.0, 9_000.0, 24_000 + 100);
    let wanted = rms(&said);
    room.say(SpeechId(1), said).await;
    let mut sent = Vec::new();
    let done = room
        .until(|event| {
            if let RoomEvent::Sent { at, offset_samples, .. } = event {
                sent.push((at.0, offset_samples));
            }
            if let RoomEvent::SpeechDone { sent_samples, .. } = event { Some(sent_samples) } else { None }
        })
        .await;
    assert_eq!((done, sent.len()), (24_100, 51));
    for (n, pair) in sent.windows(2).enumerate() {
        assert_eq!(pair[1].0 - pair[0].0, 320, "frame {n} on the session's clock");
        assert_eq!(pair[1].1 - pair[0].1, 480);
    }
    let mut heard = Vec::new();
    let mut stamps = Vec::new();
    while stamps.len() < 51 {
        let audio = next_audio(&mut client).await;
        stamps.push((audio.marker, audio.timestamp));
        heard.extend(audio.pcm);
    }
    assert!(stamps[0].0 && !stamps[1..].iter().any(|stamp| stamp.0), "one marker, at the start");
    assert!(stamps.windows(2).all(|pair| pair[1].1.wrapping_sub(pair[0].1) == 960), "timestamps go on evenly");
    let pcm = &heard[4_800..21_600];
    let (level, pure) = (rms(pcm) / wanted, level_at(pcm, 24_000, 440.0) / rms(pcm));
    assert!((0.8..1.2).contains(&level), "level {level}");
    assert!(pure > 0.95, "{pure} of it at the pitch");
    client.close().await;
    room.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_twentieth_of_the_packets_lost_is_recovered() {
    let mut room = Room::open(WebRtcSettings::default());
    let loss = Box::new(|n: u64| n > 20 && n % 20 == 7);
    let client = room.join(ClientSettings { loss: Some(loss), ..ClientSettings::default() }).await;
    let microphone = client.microphone();
    let saying = tokio::spawn(async move { microphone.say(voice_like(16_000, 16_000 * 5)).await });
    room.connected().await;
    let frames = room.heard(250).await;
    assert_contiguous(&frames);
    saying.await.expect("not broken").expect("said");
    // Only what no packet carried is concealed: single losses come out of the packet after them.
    let concealed = frames[30..].iter().filter(|frame| frame.concealed).count();
    assert_eq!(concealed, 0, "of {} frames", frames.len());
    client.close().await;
    room.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenth_of_the_packets_lost_in_pairs_keeps_the_time() {
    let mut room = Room::open(WebRtcSettings::default());
    let loss = Box::new(|n: u64| n > 20 && (n % 20 == 7 || n % 20 == 8));
    let client = room.join(ClientSettings { loss: Some(loss), ..ClientSettings::default() }).await;
    let microphone = client.microphone();
    let saying = tokio::spawn(async move { microphone.say(voice_like(16_000, 16_000 * 5)).await });
    room.connected().await;
    let frames = room.heard(250).await;
    assert_contiguous(&frames);
    saying.await.expect("not broken").expect("said");
    let concealed = frames[30..].iter().filter(|frame| frame.concealed).count();
    // Of each pair the first is guessed, the second recovered.
    assert!((8..=14).contains(&concealed), "{concealed} of {} frames", frames.len());
    client.close().await;
    room.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_nothing_while_silent_has_its_time_filled() {
    let mut room = Room::open(WebRtcSettings::default());
    let client = room.join(ClientSettings { is_discontinuous: true, ..ClientSettings::default() }).await;
    room.connected().await;
    let silent = room.heard(50).await;
    assert!(silent.iter().all(|frame| frame.concealed));
    let microphone = client.microphone();
    let saying = tokio::spawn(async move { microphone.say(voice_like(16_000, 16_000)).await });
    let spoken = room.heard(100).await;
    assert_contiguous(&[silent, spoken.clone()].concat());
    let real = spoken.iter().filter(|frame| !frame.concealed).count();
    assert!((49..=51).contains(&real), "{real} frames of speech");
    saying.await.expect("not broken").expect("said");
    client.close().await;
    room.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_leaves_at_most_two_more_voiced_packets() {
    let mut room = Room::open(WebRtcSettings::default());
    let mut client = room.join(ClientSettings { ear_hz: 24_000, ..ClientSettings::default() }).await;
    room.connected().await;
    let speech = SpeechId(4);
    room.say(speech, tone(24_000, 440.0, 9_000.0, 24_000 * 10)).await;
    let mut frames = 0;
    room.until(|event| {
        frames += u32::from(matches!(event, RoomEvent::Sent { .. }));
        (frames == 25).then_some(())
    })
    .await;
    room.tell(RoomCommand::Stop { speech }).await;
    let stopped = room
        .until(
            |event| {
                if let RoomEvent::SpeechStopped { sent_samples, .. } = event { Some(sent_samples) } else { None }
            },
        )
        .await;
    // What left before the stop was heard, plus the fade.
    let sent_frames = stopped / 480;
    assert!((25..=30).contains(&sent_frames), "{sent_frames} frames");
    let mut voiced = 0;
    let mut silent = 0;
    while silent < 4 {
        let audio = next_audio(&mut client).await;
        if rms(&audio.pcm) > 300.0 {
            voiced += 1;
            silent = 0;
        } else {
            silent += 1;
        }
    }
    assert!(voiced <= sent_frames + 2, "{voiced} voiced packets, {sent_frames} frames were sent before the stop");
    client.close().await;
    room.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_both_ways_in_their_envelope() {
    let mut room = Room::open(WebRtcSettings::default());
    let mut client = room.join(ClientSettings::default()).await;
    room.connected().await;
    client.send_rtvi("client-ready", "a", json!({"version": "2.1.0"})).await.expect("sent");
    assert_eq!(message(&mut client, "bot-ready").await["id"], "a");
    client.send_rtvi("client-message", "b", json!({"t": "repeat"})).await.expect("sent");
    assert_eq!(message(&mut client, "server-response").await["data"]["t"], "repeat");
    client.send_rtvi("client-message", "c", json!({"t": "nonsense"})).await.expect("sent");
    assert_eq!(message(&mut client, "error-response").await["id"], "c");
    client.send_raw("{not json").await.expect("sent");
    assert_eq!(message(&mut client, "error").await["data"]["fatal"], false);
    let content = "line\n".repeat(12_000);
    let code = json!({"question_id": "q1", "language": "rust", "content": content, "final": true});
    client.send_rtvi("client-message", "d", json!({"t": "code", "d": code})).await.expect("sent");
    let mut signals = Vec::new();
    while signals.len() < 3 {
        let signal = |event| if let RoomEvent::Signal(signal) = event { Some(signal) } else { None };
        signals.push(room.until(signal).await);
    }
    assert_eq!(signals[..2], [ClientSignal::Ready, ClientSignal::Button(Button::Repeat)]);
    assert!(matches!(&signals[2], ClientSignal::Code { content, .. } if content.len() == 60_000));
    room.tell(RoomCommand::Show(ServerMessage::InterviewerCaption { text: "Grüße".to_owned(), spoken: true })).await;
    assert_eq!(message(&mut client, "bot-output").await["data"]["text"], "Grüße");
    room.tell(RoomCommand::Show(ServerMessage::Ended { reason: "completed".to_owned() })).await;
    room.tell(RoomCommand::Close).await;
    assert_eq!(message(&mut client, "server-message").await["data"], json!({"kind": "ended", "reason": "completed"}));
    assert_eq!(room.closed().await, ClosedReason::Asked);
    client.vanish();
    room.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_messages_does_not_hold_up_the_sound() {
    let mut room = Room::open(WebRtcSettings::default());
    let client = room.join(ClientSettings::default()).await;
    room.connected().await;
    room.say(SpeechId(1), tone(24_000, 440.0, 9_000.0, 24_000)).await;
    for n in 0..2_000 {
        client.send_rtvi("client-message", &n.to_string(), json!({"t": "typing"})).await.expect("sent");
    }
    let (mut signals, mut frames) = (0, 0);
    room.until(|event| {
        signals += u32::from(matches!(event, RoomEvent::Signal(_)));
        frames += u32::from(matches!(event, RoomEvent::Sent { .. }));
        matches!(event, RoomEvent::SpeechDone { .. }).then_some(())
    })
    .await;
    assert_eq!(frames, 50);
    assert!((1..500).contains(&signals), "{signals} signals");
    client.close().await;
    room.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_while_another_is_answered_is_refused() {
    let room = Room::open(WebRtcSettings::default());
    let offer = door::an_offer().await;
    // Several at once, so that a slow machine does not answer one before the next is made.
    let answers = futures::future::join_all((0..8).map(|_| room.handle.offer(offer.clone()))).await;
    assert!(answers[0].is_ok());
    assert!(answers.iter().any(|answer| matches!(answer, Err(RoomError::Busy))));
    room.end().await;
}
