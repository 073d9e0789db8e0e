//! What Daily tells by itself: its signature checked, its event read. Pure: the time is given. Must never act on anything
//! that is not signed, nor on what is old.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::Value;
use sha2::Sha256;
use std::collections::VecDeque;

/// How old a message may be, and how far its clock may run ahead, ms.
pub const AGE_MS_MAX: i64 = 5 * 60 * 1_000;
/// Events that are remembered so that a repeat is noticed: Daily repeats within minutes.
const REMEMBERED_MAX: usize = 1_000;

/// Longest name that Daily gives anything, bytes (UUIDs, as a rule).
const NAME_BYTES_MAX: usize = 100;

/// Why a message is not believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unbelieved {
    #[error("the webhook's key is not base64")]
    Key,
    #[error("the signature or its time is missing or malformed")]
    Malformed,
    #[error("the message is too old, or from the future")]
    Stale,
    #[error("the signature is not of this message")]
    Forged,
}

/// Checks the signature of `body`: base64 of an HMAC-SHA256 over timestamp, a dot and the body as it came, by the key that
/// Daily gave in base64. In constant time.
pub fn check(key: &str, timestamp: &str, signature: &str, body: &[u8], now_ms: i64) -> Result<(), Unbelieved> {
    let key = BASE64_STANDARD.decode(key).map_err(|_| Unbelieved::Key)?;
    let signature = BASE64_STANDARD.decode(signature).map_err(|_| Unbelieved::Malformed)?;
    let sent_ms = in_ms(timestamp).ok_or(Unbelieved::Malformed)?;
    if (now_ms - sent_ms).abs() > AGE_MS_MAX {
        return Err(Unbelieved::Stale);
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| Unbelieved::Key)?;
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.verify_slice(&signature).map_err(|_| Unbelieved::Forged)
}

/// A Unix time in seconds or in milliseconds, whichever it must be.
fn in_ms(timestamp: &str) -> Option<i64> {
    const SECONDS_END: i64 = 100_000_000_000;
    let number: i64 = timestamp.parse().ok().filter(|number| *number >= 0)?;
    if number < SECONDS_END { number.checked_mul(1_000) } else { Some(number) }
}

/// Whether `body` is what Daily sends, unsigned, when a webhook is made: is somebody there?
#[must_use]
pub fn is_probe(body: &[u8]) -> bool {
    serde_json::from_slice::<Value>(body).is_ok_and(|body| body == serde_json::json!({ "test": "test" }))
}

/// An event, as far as it matters here.
#[derive(Clone, PartialEq, Debug)]
pub struct Event {
    pub id: String,
    pub room: String,
    pub what: What,
}

/// What has happened.
#[derive(Clone, PartialEq, Debug)]
pub enum What {
    /// Somebody came or left: participant id and user id.
    Joined {
        participant: String,
        user_id: Option<String>,
    },
    Left {
        participant: String,
        user_id: Option<String>,
    },
    MeetingStarted,
    MeetingEnded,
    RecordingReady {
        recording: String,
        seconds: f64,
    },
    RecordingFailed,
    /// Signed, and of no use to us.
    Other,
}

impl What {
    /// For the log.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Joined { .. } => "participant joined",
            Self::Left { .. } => "participant left",
            Self::MeetingStarted => "meeting started",
            Self::MeetingEnded => "meeting ended",
            Self::RecordingReady { .. } => "recording ready",
            Self::RecordingFailed => "recording failed",
            Self::Other => "something else",
        }
    }
}

#[derive(Deserialize)]
struct Raw {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    payload: Payload,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Payload {
    room: Option<String>,
    room_name: Option<String>,
    session_id: Option<String>,
    user_id: Option<String>,
    recording_id: Option<String>,
    duration: Option<f64>,
}

/// Reads a signed body; `None` if it is no event.
#[must_use]
pub fn read(body: &[u8]) -> Option<Event> {
    let Raw { id, kind, payload } = serde_json::from_slice(body).ok()?;
    let room = payload.room.or(payload.room_name).unwrap_or_default();
    let participant = payload.session_id.unwrap_or_default();
    let what = match kind.as_str() {
        "participant.joined" => What::Joined { participant, user_id: payload.user_id },
        "participant.left" => What::Left { participant, user_id: payload.user_id },
        "meeting.started" => What::MeetingStarted,
        "meeting.ended" => What::MeetingEnded,
        "recording.ready-to-download" => match payload.recording_id.filter(|id| is_name(id)) {
            Some(recording) => What::RecordingReady { recording, seconds: payload.duration.unwrap_or(0.0) },
            None => What::Other,
        },
        "recording.error" => What::RecordingFailed,
        _ => What::Other,
    };
    Some(Event { id, room, what })
}

/// Whether this can be the name of something at Daily.
fn is_name(id: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The events of late, so that a repeat is noticed.
#[derive(Debug, Default)]
pub struct Seen(VecDeque<String>);

impl Seen {
    /// Whether `id` is new; it is known from now on.
    pub fn is_new(&mut self, id: &str) -> bool {
        if self.0.iter().any(|known| known == id) {
            return false;
        }
        if self.0.len() == REMEMBERED_MAX {
            self.0.pop_front();
        }
        self.0.push_back(id.to_owned());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made by `printf '1700000000.{"id":"e1"}' | openssl dgst -sha256 -hmac 'a key of ours' -binary | base64`.
    const KEY: &str = "YSBrZXkgb2Ygb3Vycw==";
    const BODY: &[u8] = br#"{"id":"e1"}"#;
    const SIGNATURE: &str = "fnIRqCjJZDRAKppCPnJPGNaxoFQMb2ijV4WYD8bjBdI=";
    const NOW_MS: i64 = 1_700_000_010_000;

    #[test]
    fn a_signature_is_of_this_body_at_this_time_by_this_key() {
        assert_eq!(check(KEY, "1700000000", SIGNATURE, BODY, NOW_MS), Ok(()));
        let other_key = BASE64_STANDARD.encode("another key");
        for (key, timestamp, signature, body, now_ms, why) in [
            (other_key.as_str(), "1700000000", SIGNATURE, BODY, NOW_MS, Unbelieved::Forged),
            (KEY, "1700000001", SIGNATURE, BODY, NOW_MS, Unbelieved::Forged),
            (KEY, "1700000000", SIGNATURE, &b"{\"id\":\"e2\"}"[..], NOW_MS, Unbelieved::Forged),
            (KEY, "1700000000", "AAAA", BODY, NOW_MS, Unbelieved::Forged),
            (KEY, "1700000000", "not base64", BODY, NOW_MS, Unbelieved::Malformed),
            (KEY, "yesterday", SIGNATURE, BODY, NOW_MS, Unbelieved::Malformed),
            (KEY, "", "", BODY, NOW_MS, Unbelieved::Malformed),
            (KEY, "1700000000", SIGNATURE, BODY, NOW_MS + AGE_MS_MAX, Unbelieved::Stale),
            (KEY, "1700000000", SIGNATURE, BODY, NOW_MS - 2 * AGE_MS_MAX, Unbelieved::Stale),
            ("not base64", "1700000000", SIGNATURE, BODY, NOW_MS, Unbelieved::Key),
        ] {
            assert_eq!(check(key, timestamp, signature, body, now_ms), Err(why), "{timestamp} {signature}");
        }
        assert_eq!((in_ms("1700000000"), in_ms("1700000000123")), (Some(1_700_000_000_000), Some(1_700_000_000_123)));
    }

    #[test]
    fn events_are_read_and_repeats_noticed() {
        let body = br#"{"version":"1.0.0","type":"participant.left","id":"e1","event_ts":1.5,"payload":{"joined_at":1,
            "session_id":"s1","room":"vivavoce-1","user_id":"ada","user_name":"Ada","owner":false,"duration":3.5}}"#;
        let what = What::Left { participant: "s1".into(), user_id: Some("ada".into()) };
        assert_eq!(read(body), Some(Event { id: "e1".into(), room: "vivavoce-1".into(), what }));
        let body = br#"{"type":"recording.ready-to-download","id":"e2","payload":{"recording_id":"r1","room_name":"x",
            "duration":61,"tracks":[]}}"#;
        let what = What::RecordingReady { recording: "r1".into(), seconds: 61.0 };
        assert_eq!(read(body).map(|event| event.what), Some(what));
        assert_eq!(
            read(br#"{"type":"dialout.error","id":"e3","payload":{}}"#).map(|event| event.what),
            Some(What::Other)
        );
        let nameless = br#"{"type":"recording.ready-to-download","id":"e2","payload":{"recording_id":"a b"}}"#;
        assert_eq!(read(nameless).map(|event| event.what), Some(What::Other));
        assert_eq!(read(b"{}"), None);
        assert!(is_probe(br#"{"test":"test"}"#) && !is_probe(br#"{"test":"test","id":"e"}"#));
        let mut seen = Seen::default();
        assert!(seen.is_new("a") && !seen.is_new("a"));
        (0..REMEMBERED_MAX).for_each(|n| assert!(seen.is_new(&n.to_string())));
        assert!(seen.is_new("a"), "long ago is forgotten");
    }
}
