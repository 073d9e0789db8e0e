//! Offers that mean harm: each is refused with a word, and the room goes on.

use super::door::an_offer;
use super::{ClientSettings, Room};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use vivavoce::room::webrtc::{RoomError, SDP_BYTES_MAX, WebRtcSettings};

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_refused_and_the_room_goes_on() {
    let mut room = Room::open(WebRtcSettings::default());
    let offer = an_offer().await;
    let huge = offer.clone() + &"a=x\r\n".repeat(SDP_BYTES_MAX);
    let many = offer.clone() + &"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n".repeat(20);
    let video = offer.replace("m=audio", "m=video");
    let pcmu = offer.replace("opus/48000/2", "PCMU/8000");
    for bad in ["", "\0", "hello", "v=0", "v=0\r\n", &huge, &many, &video, &pcmu, &"é".repeat(40_000)] {
        let refused = room.handle.offer(bad.to_owned()).await;
        let is_typed = matches!(refused, Err(RoomError::TooLong | RoomError::BadOffer { .. } | RoomError::NoAudio));
        assert!(is_typed, "{refused:?} to {:?}", &bad[..bad.floor_char_boundary(60)]);
    }
    let client = room.join(ClientSettings::default()).await;
    room.connected().await;
    client.close().await;
    room.end().await;
}

/// How an offer is spoilt.
#[derive(Clone, Debug)]
enum Harm {
    Cut(prop::sample::Index),
    Flip(Vec<(prop::sample::Index, u8)>),
    /// One line's value becomes something else.
    Value(prop::sample::Index, String),
    DropLine(prop::sample::Index),
    DoubleLine(prop::sample::Index),
}

fn harm() -> impl Strategy<Value = Harm> {
    let at = || any::<prop::sample::Index>();
    prop_oneof![
        at().prop_map(Harm::Cut),
        prop::collection::vec((at(), 0_u8..128), 1..8).prop_map(Harm::Flip),
        (at(), "[ -~]{0,40}").prop_map(|(line, value)| Harm::Value(line, value)),
        at().prop_map(Harm::DropLine),
        at().prop_map(Harm::DoubleLine),
    ]
}

fn spoil(offer: &str, harm: &Harm) -> String {
    let mut lines: Vec<String> = offer.lines().map(str::to_owned).collect();
    match harm {
        Harm::Cut(at) => return offer[..at.index(offer.len())].to_owned(),
        Harm::Flip(flips) => {
            let mut bytes = offer.as_bytes().to_vec();
            for (at, to) in flips {
                let index = at.index(bytes.len());
                bytes[index] = *to;
            }
            return String::from_utf8(bytes).expect("ASCII stays ASCII");
        }
        Harm::Value(at, value) => {
            let index = at.index(lines.len());
            let name = lines[index].split([':', ' ']).next().unwrap_or("").to_owned();
            lines[index] = format!("{name}:{value}");
        }
        Harm::DropLine(at) => drop(lines.remove(at.index(lines.len()))),
        Harm::DoubleLine(at) => {
            let index = at.index(lines.len());
            lines.insert(index, lines[index].clone());
        }
    }
    lines.join("\r\n") + "\r\n"
}

#[test]
fn spoilt_offers_never_break_the_room() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let offer = runtime.block_on(an_offer());
    let room = runtime.block_on(async { Room::open(WebRtcSettings::default()) });
    let config = Config { cases: 300, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&prop::collection::vec(harm(), 1..4), |harms| {
        let spoilt =
            harms.iter().fold(offer.clone(), |text, harm| if text.is_empty() { text } else { spoil(&text, harm) });
        // Some spoilt offers are still offers; what counts is that there is an answer or a typed word.
        let answered = runtime.block_on(room.handle.offer(spoilt));
        let is_fine = !matches!(answered, Err(RoomError::Over | RoomError::Busy));
        prop_assert!(is_fine, "{:?}", answered);
        Ok(())
    });
    outcome.expect("the room outlives them all");
    runtime.block_on(async {
        let client = room.join(ClientSettings::default()).await;
        client.close().await;
        room.end().await;
    });
}
