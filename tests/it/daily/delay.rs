//! What a Daily room adds to the way of a voice, measured beside the browser's room, both over the loopback: from the
//! interviewer's command to the first packet at the other end, and from the candidate's microphone to the session.

use super::network::alone;
use super::sounds::tone;
use super::stage::{Stage, quick};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vivavoce::audio::frame::SamplePos;
use vivavoce::clock::Clock;
use vivavoce::id::SpeechId;
use vivavoce::room::client::{Client, ClientEvent, ClientSettings};
use vivavoce::room::webrtc::{RoomSetup, UdpPorts, WebRtcRoom, WebRtcSettings};
use vivavoce::room::{RoomCommand, RoomEvent, RoomPort, SampleClock, port_pair};

/// How often each way is measured.
const TRIES: u64 = 12;
/// One sound, and the silence behind it, in which whatever is under way arrives.
const SOUND_MS: usize = 120;
const PAUSE: Duration = Duration::from_millis(700);

fn is_loud(pcm: &[i16]) -> bool {
    pcm.iter().any(|sample| sample.unsigned_abs() > 2_000)
}

/// A sound that begins at another phase of the 20 ms each time.
async fn pause(number: u64) {
    tokio::time::sleep(PAUSE + Duration::from_millis(number * 7 % 20)).await;
}

async fn speak(port: &RoomPort, speech: u64) {
    let speech = SpeechId(speech);
    let pcm = tone(660.0, SOUND_MS, 24_000).into();
    port.commands.send(RoomCommand::Play { speech, pcm }).await.expect("the room lives");
    port.commands.send(RoomCommand::EndOfSpeech { speech }).await.expect("the room lives");
}

/// The instant at which the session hears something.
async fn heard(port: &mut RoomPort) -> Instant {
    let hears = async {
        loop {
            let event = port.events.recv().await.expect("the room lives");
            if matches!(&event, RoomEvent::Heard(frame) if is_loud(&frame.pcm)) {
                return Instant::now();
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), hears).await.expect("the sound arrives")
}

fn drain(port: &mut RoomPort) {
    while port.events.try_recv().is_ok() {}
}

fn median_ms(mut delays: Vec<Duration>) -> u128 {
    assert_eq!(delays.len() as u64, TRIES, "every sound arrived");
    delays.sort_unstable();
    delays[delays.len() / 2].as_millis()
}

/// Out and in, ms.
async fn by_daily() -> (u128, u128) {
    let mut stage = Stage::open(quick()).await;
    let mut candidate = stage.candidate();
    stage.connected().await;
    let (mut out, mut back) = (Vec::new(), Vec::new());
    for number in 1..=TRIES {
        pause(number).await;
        candidate.listen(Duration::ZERO).await;
        let asked = Instant::now();
        speak(&stage.port, number).await;
        let (said, _) = candidate.listen(PAUSE).await;
        let first = said.iter().find(|(at, pcm)| *at >= asked && is_loud(pcm));
        out.extend(first.map(|(at, _)| at.duration_since(asked)));
        pause(number).await;
        drain(&mut stage.port);
        let said = Instant::now();
        candidate.say(tone(440.0, SOUND_MS, 24_000));
        back.push(heard(&mut stage.port).await.duration_since(said));
    }
    stage.close().await;
    (median_ms(out), median_ms(back))
}

/// The same with the browser's room.
async fn by_webrtc() -> (u128, u128) {
    let (mut port, session_port) = port_pair();
    let handle = WebRtcRoom::open(RoomSetup {
        settings: Arc::new(WebRtcSettings::default()),
        ports: UdpPorts::default(),
        clock: SampleClock { origin: Instant::now(), origin_at: SamplePos(0) },
        wall_clock: Clock::system(),
        port: session_port,
        tasks: TaskTracker::new(),
        cancel: CancellationToken::new(),
    })
    .expect("a room");
    let settings = ClientSettings { microphone_hz: 24_000, ear_hz: 24_000, ..ClientSettings::default() };
    let post = async |offer| handle.offer(offer).await.map(|answer| answer.sdp);
    let mut client = Client::connect(settings, post).await.expect("a connection");
    let (mut out, mut back) = (Vec::new(), Vec::new());
    for number in 1..=TRIES {
        pause(number).await;
        let asked = Instant::now();
        speak(&port, number).await;
        let hears = async {
            loop {
                match client.next().await.expect("the client lives") {
                    ClientEvent::Audio(audio) if audio.arrival >= asked && is_loud(&audio.pcm) => return audio.arrival,
                    ClientEvent::Audio(_) | ClientEvent::Message(_) => {}
                    ClientEvent::Gone => panic!("the connection is gone"),
                }
            }
        };
        let first = tokio::time::timeout(Duration::from_secs(20), hears).await.expect("the sound arrives");
        out.push(first.duration_since(asked));
        pause(number).await;
        drain(&mut port);
        let (said, microphone) = (Instant::now(), client.microphone());
        let saying = tokio::spawn(async move { microphone.say(tone(440.0, SOUND_MS, 24_000)).await });
        back.push(heard(&mut port).await.duration_since(said));
        saying.await.expect("no panic").expect("said");
    }
    client.close().await;
    (median_ms(out), median_ms(back))
}

#[test]
fn daily_delay_is_measured_beside_the_browsers_room() {
    alone(|| async {
        let (webrtc_out, webrtc_in) = by_webrtc().await;
        let (daily_out, daily_in) = by_daily().await;
        println!(
            "interviewer to the other end: {daily_out} ms by Daily, {webrtc_out} ms directly (medians of {TRIES})"
        );
        println!("microphone to the session: {daily_in} ms by Daily, {webrtc_in} ms directly");
    });
}
