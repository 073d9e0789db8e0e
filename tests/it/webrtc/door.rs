//! Coming, going and coming back.

use super::sound::{rms, tone};
use super::{ClientSettings, PATIENCE, Room, hasty, message, next_audio};
use crate::support::apart::apart;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::time::Duration;
use vivavoce::id::SpeechId;
use vivavoce::room::client::Client;
use vivavoce::room::webrtc::{Patched, RoomError, WebRtcSettings};
use vivavoce::room::{ClosedReason, RoomCommand, RoomEvent};

/// An offer as our own client makes it.
pub async fn an_offer() -> String {
    let mut taken = None;
    let post = async |offer: String| {
        taken = Some(offer);
        Err::<String, &str>("only the offer was wanted")
    };
    assert!(Client::connect(ClientSettings::default(), post).await.is_err());
    taken.expect("the client made an offer")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vanished_client_is_missed_and_then_given_up() {
    let mut room = Room::open(hasty());
    let client = room.join(ClientSettings::default()).await;
    room.connected().await;
    client.vanish();
    room.interrupted().await;
    assert_eq!(room.closed().await, ClosedReason::Lost);
    assert!(matches!(room.handle.offer(an_offer().await).await, Err(RoomError::Over)));
    room.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_comes_back_hears_the_rest_of_the_speech() {
    let settings = WebRtcSettings { reconnect: PATIENCE, ..hasty() };
    let mut room = Room::open(settings);
    let first = room.join(ClientSettings::default()).await;
    room.connected().await;
    let speech = SpeechId(1);
    room.say(speech, tone(24_000, 440.0, 9_000.0, 24_000 * 4)).await;
    let mut sent = Vec::new();
    let mut note = |event: &RoomEvent| {
        if let RoomEvent::Sent { at, offset_samples, .. } = event {
            sent.push((at.0, *offset_samples));
        }
        sent.len()
    };
    room.until(|event| (note(&event) == 20).then_some(())).await;
    first.vanish();
    room.until(|event| {
        note(&event);
        matches!(event, RoomEvent::Interrupted).then_some(())
    })
    .await;
    let mut second = room.join(ClientSettings { ear_hz: 24_000, ..ClientSettings::default() }).await;
    room.connected().await;
    let mut level = 0.0;
    for _ in 0..10 {
        level = rms(&next_audio(&mut second).await.pcm);
    }
    assert!(level > 4_000.0, "the voice goes on, its level is {level}");
    let done = room
        .until(|event| {
            note(&event);
            if let RoomEvent::SpeechDone { sent_samples, .. } = event { Some(sent_samples) } else { None }
        })
        .await;
    assert_eq!(done, 24_000 * 4);
    assert!(sent.windows(2).all(|pair| pair[1].1 == pair[0].1 + 480 && pair[1].0 >= pair[0].0 + 320), "nothing twice");
    second.close().await;
    room.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_closes_is_waited_for_a_little() {
    let mut room = Room::open(hasty());
    let client = room.join(ClientSettings::default()).await;
    room.connected().await;
    client.close().await;
    room.interrupted().await;
    assert_eq!(room.closed().await, ClosedReason::Left);
    room.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_comes_back_in_time() {
    let mut room = Room::open(WebRtcSettings { leave_grace: PATIENCE, ..hasty() });
    let mut resource = String::new();
    let post = async |offer| {
        let answer = room.handle.offer(offer).await?;
        resource = answer.resource;
        Ok::<_, RoomError>(answer.sdp)
    };
    let first = Client::connect(ClientSettings::default(), post).await.expect("a connection");
    room.connected().await;
    room.handle.delete(&resource).await.expect("its own connection");
    assert!(matches!(room.handle.delete(&resource).await, Err(RoomError::NoSuchConnection)));
    room.interrupted().await;
    let second = room.join(ClientSettings::default()).await;
    room.connected().await;
    room.heard(20).await;
    first.vanish();
    second.close().await;
    room.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_tab_takes_over_and_the_first_is_told() {
    let mut room = Room::open(WebRtcSettings::default());
    let mut first = room.join(ClientSettings::default()).await;
    room.connected().await;
    let second = room.join(ClientSettings::default()).await;
    room.connected().await;
    let ended = message(&mut first, "server-message").await;
    assert_eq!(ended["data"], serde_json::json!({"kind": "ended", "reason": "taken_over"}));
    // The first one's end must not be taken for the second one's.
    first.close().await;
    room.heard(60).await;
    second.close().await;
    room.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_nobody_follows_harms_nobody() {
    let mut room = Room::open(WebRtcSettings { connect: Duration::from_millis(300), ..WebRtcSettings::default() });
    let client = room.join(ClientSettings::default()).await;
    room.connected().await;
    let answer = room.handle.offer(an_offer().await).await.expect("an answer");
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(matches!(room.handle.delete(&answer.resource).await, Err(RoomError::NoSuchConnection)), "it was let go");
    room.port.events.try_recv().expect("the first connection goes on");
    client.close().await;
    room.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn candidates_may_trickle_and_a_restart_must_name_its_session() {
    let room = Room::open(WebRtcSettings::default());
    let answer = room.handle.offer(an_offer().await).await.expect("an answer");
    let (resource, etag) = (&answer.resource[..], Some(&answer.etag[..]));
    let candidate = "a=mid:0\r\na=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host\r\n".to_owned();
    let restart = "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n".to_owned() + &candidate;
    let patch = async |etag, fragment: &String| room.handle.patch(resource, etag, fragment.clone()).await;
    assert!(matches!(patch(None, &candidate).await, Ok(Patched::Trickled)));
    assert!(matches!(patch(None, &restart).await, Err(RoomError::StaleEtag)));
    assert!(matches!(patch(Some("other"), &restart).await, Err(RoomError::StaleEtag)));
    // One that fails leaves the session its name, so that the next try finds it.
    let spoilt = restart.replace("candidate:1 1 udp", "candidate:");
    assert!(matches!(patch(etag, &spoilt).await, Err(RoomError::BadFragment { .. })));
    let restarted = patch(etag, &restart).await;
    let Ok(Patched::Restarted { fragment, etag: new }) = restarted else {
        panic!("the restart is answered, not {restarted:?}");
    };
    assert!(fragment.contains("a=ice-ufrag:") && fragment.contains("a=candidate:") && Some(&new[..]) != etag);
    assert!(!answer.sdp.contains(fragment.lines().next().expect("a line")), "new credentials");
    assert!(matches!(patch(etag, &restart).await, Err(RoomError::StaleEtag)));
    assert!(matches!(patch(None, &"nonsense".to_owned()).await, Err(RoomError::BadFragment { .. })));
    assert!(matches!(room.handle.patch("x", None, candidate).await, Err(RoomError::NoSuchConnection)));
    room.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_ice_keeps_the_connection() {
    let mut room = Room::open(WebRtcSettings::default());
    let mut named = None;
    let post = async |offer| {
        let answer = room.handle.offer(offer).await?;
        named = Some((answer.resource, answer.etag));
        Ok::<_, RoomError>(answer.sdp)
    };
    let mut client = Client::connect(ClientSettings::default(), post).await.expect("a connection");
    let (resource, etag) = named.expect("an answer");
    room.connected().await;
    let patch = async |fragment| match room.handle.patch(&resource, Some(&etag), fragment).await {
        Ok(Patched::Restarted { fragment, .. }) => Ok(fragment),
        other => Err(format!("{other:?}")),
    };
    client.restart_ice(patch).await.expect("restarted");
    room.say(SpeechId(1), tone(24_000, 440.0, 9_000.0, 24_000 * 2)).await;
    let mut frames = Vec::new();
    room.until(|event| {
        assert!(!matches!(event, RoomEvent::Interrupted | RoomEvent::Closed { .. }), "{event:?}");
        if let RoomEvent::Heard(frame) = &event {
            frames.push(frame.clone());
        }
        matches!(event, RoomEvent::SpeechDone { .. }).then_some(())
    })
    .await;
    let concealed = frames[frames.len() / 2..].iter().filter(|frame| frame.concealed).count();
    assert!(concealed <= 2, "{concealed} of {} frames: the microphone goes on", frames.len() / 2);
    for _ in 0..80 {
        next_audio(&mut client).await;
    }
    client.close().await;
    room.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_card_and_the_loopback_are_offered_where_the_settings_name_none() {
    let given = vivavoce::config::Settings::defaults_with("").expect("defaults").room.webrtc.addresses;
    let mut room = Room::open(WebRtcSettings { addresses: given, ..WebRtcSettings::default() });
    let answer = room.handle.offer(an_offer().await).await.expect("an answer");
    let offered: Vec<IpAddr> =
        answer.sdp.lines().filter_map(|line| line.strip_prefix("a=candidate:")).filter_map(place).collect();
    assert!(offered.contains(&IpAddr::V4(Ipv4Addr::LOCALHOST)), "{offered:?}");
    // A machine without a network has the loopback alone, and nobody to offer more to.
    let card = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        socket.connect("192.0.2.1:9")?;
        socket.local_addr()
    });
    if let Ok(card) = card {
        assert!(offered.contains(&card.ip()), "{} is not in {offered:?}: Firefox has no way in", card.ip());
    }
    let client = room.join(ClientSettings::default()).await;
    room.connected().await;
    client.close().await;
    room.end().await;
}

/// Where a candidate is.
fn place(candidate: &str) -> Option<IpAddr> {
    candidate.split_whitespace().nth(4)?.parse().ok()
}

fn open_sockets() -> usize {
    let names = std::fs::read_dir("/proc/self/fd").expect("linux").flatten();
    names
        .filter(|entry| std::fs::read_link(entry.path()).is_ok_and(|to| to.to_string_lossy().starts_with("socket:")))
        .count()
}

/// Sockets of the whole process are counted.
#[test]
fn twenty_visits_leave_no_socket_behind() {
    apart(|| {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let mut counts = Vec::new();
            for _ in 0..20 {
                let mut room = Room::open(WebRtcSettings::default());
                let client = room.join(ClientSettings::default()).await;
                room.connected().await;
                room.tell(RoomCommand::Close).await;
                client.close().await;
                room.end().await;
                counts.push(open_sockets());
            }
            // The runtime's own sockets are there from the first visit on.
            assert_eq!(counts.first(), counts.last(), "{counts:?}");
        });
    });
}
