//! Session descriptions as text: what an offer must be before the parser sees it, and the fragments of trickled
//! candidates and ICE restarts (RFC 8840). PURE. Must never be the only guard: the parser's own errors count as well.

use super::RoomError;

/// Longest description taken, bytes (a browser's offer has 2 to 8 KB).
pub const SDP_BYTES_MAX: usize = 64 * 1024;
/// Longest line, bytes.
const LINE_BYTES_MAX: usize = 4_096;
/// A parameter of Opus.
const PLAYBACK_RATE: &str = "maxplaybackrate=";
/// Most media sections (audio, data, and what a foreign client offers in vain).
const MEDIA_MAX: usize = 8;
/// Most candidates in one description.
const CANDIDATES_MAX: usize = 128;

/// Refuses what is no offer of audio in Opus over ICE and DTLS.
pub fn check_offer(sdp: &str) -> Result<(), RoomError> {
    check_size(sdp)?;
    if !sdp.starts_with("v=0") {
        return Err(RoomError::BadOffer { why: "it does not begin with v=0".to_owned() });
    }
    for line in lines(sdp) {
        let well_formed = line.as_bytes().get(1) == Some(&b'=') && line.as_bytes()[0].is_ascii_lowercase();
        if !well_formed || line.chars().any(char::is_control) {
            return Err(RoomError::BadOffer { why: "a line is malformed".to_owned() });
        }
    }
    let starts = |prefix: &str| lines(sdp).filter(|line| line.starts_with(prefix)).count();
    if starts("m=") > MEDIA_MAX || starts("a=candidate:") > CANDIDATES_MAX {
        return Err(RoomError::BadOffer { why: "it has too many sections or candidates".to_owned() });
    }
    if starts("a=ice-ufrag:") == 0 || starts("a=ice-pwd:") == 0 || starts("a=fingerprint:") == 0 {
        return Err(RoomError::BadOffer { why: "it has no ICE credentials or no fingerprint".to_owned() });
    }
    let opus = lines(sdp).any(|line| line.starts_with("a=rtpmap:") && line.to_ascii_lowercase().contains("opus/48000"));
    if starts("m=audio ") == 0 || !opus {
        return Err(RoomError::NoAudio);
    }
    Ok(())
}

/// What a PATCH brings.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fragment {
    /// ICE user fragment and password, where given.
    pub credentials: Option<(String, String)>,
    /// The values of its candidate lines, without `a=`.
    pub candidates: Vec<String>,
}

/// Reads a trickled fragment.
pub fn read_fragment(text: &str) -> Result<Fragment, RoomError> {
    check_size(text)?;
    let value = |name: &str| lines(text).find_map(|line| line.strip_prefix(name)).map(str::to_owned);
    let candidates: Vec<String> = lines(text)
        .filter_map(|line| line.strip_prefix("a="))
        .filter(|value| value.starts_with("candidate:"))
        .map(str::to_owned)
        .collect();
    if candidates.len() > CANDIDATES_MAX {
        return Err(RoomError::BadFragment { why: "it has too many candidates".to_owned() });
    }
    // Before the connection is touched: half a restart would leave it neither here nor there.
    if !candidates.iter().all(|candidate| is_candidate(candidate)) {
        return Err(RoomError::BadFragment { why: "a candidate is malformed".to_owned() });
    }
    let credentials = value("a=ice-ufrag:").zip(value("a=ice-pwd:"));
    if credentials.is_none() && candidates.is_empty() && !lines(text).any(|line| line == "a=end-of-candidates") {
        return Err(RoomError::BadFragment { why: "it has neither candidates nor credentials".to_owned() });
    }
    Ok(Fragment { credentials, candidates })
}

/// Whether a line's value has the shape of a candidate (RFC 8839): foundation, component, transport, priority, address,
/// port, `typ` and a type.
fn is_candidate(value: &str) -> bool {
    let Some(rest) = value.strip_prefix("candidate:") else { return false };
    let words: Vec<&str> = rest.split_whitespace().collect();
    let [_foundation, component, _transport, priority, _address, port, "typ", _kind, ..] = words[..] else {
        return false;
    };
    !rest.starts_with(' ')
        && component.parse::<u16>().is_ok()
        && priority.parse::<u32>().is_ok()
        && port.parse::<u16>().is_ok()
}

/// The description that a restart stands for: the last one with new credentials and candidates.
#[must_use]
pub fn restarted(last: &str, ufrag: &str, password: &str, candidates: &[String]) -> String {
    let mut out = String::with_capacity(last.len());
    let mut section = 0;
    for line in lines(last) {
        if line.starts_with("a=candidate:") || line == "a=end-of-candidates" {
            continue;
        }
        if line.starts_with("a=ice-ufrag:") {
            out.push_str(&format!("a=ice-ufrag:{ufrag}\r\n"));
        } else if line.starts_with("a=ice-pwd:") {
            out.push_str(&format!("a=ice-pwd:{password}\r\n"));
        } else {
            out.push_str(line);
            out.push_str("\r\n");
        }
        if line.starts_with("m=") {
            section += 1;
        }
        // Candidates of a bundle belong to its first section; a connection line ends what must precede attributes.
        if section == 1 && line.starts_with("c=") {
            candidates.iter().for_each(|candidate| out.push_str(&format!("a={candidate}\r\n")));
        }
    }
    out
}

/// The fragment of a description: its credentials and candidates.
#[must_use]
pub fn write_fragment(sdp: &str) -> String {
    let mut fragment = String::new();
    let mut candidates = Vec::new();
    for wanted in ["a=ice-ufrag:", "a=ice-pwd:", "m=", "a=mid:"] {
        if let Some(line) = lines(sdp).find(|line| line.starts_with(wanted)) {
            fragment.push_str(line);
            fragment.push_str("\r\n");
        }
    }
    for line in lines(sdp).filter(|line| line.starts_with("a=candidate:")) {
        if !candidates.contains(&line) {
            candidates.push(line);
            fragment.push_str(line);
            fragment.push_str("\r\n");
        }
    }
    fragment.push_str("a=end-of-candidates\r\n");
    fragment
}

/// The ICE user fragment of a description.
#[must_use]
pub fn user_fragment(sdp: &str) -> Option<&str> {
    lines(sdp).find_map(|line| line.strip_prefix("a=ice-ufrag:"))
}

fn check_size(text: &str) -> Result<(), RoomError> {
    if text.len() > SDP_BYTES_MAX || lines(text).any(|line| line.len() > LINE_BYTES_MAX) {
        return Err(RoomError::TooLong);
    }
    Ok(())
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim_end).filter(|line| !line.is_empty())
}

/// Tells the other side that nothing beyond half of `rate_hz` is listened to (RFC 7587): it spends no bits on it, and
/// nobody has to decode it.
pub fn with_playback_rate(sdp: &str, payload_type: u8, rate_hz: u32) -> String {
    let of_codec = format!("a=fmtp:{payload_type} ");
    let limited = |line: &str| match line.strip_prefix(&of_codec) {
        Some(rest) if !rest.contains(PLAYBACK_RATE) => {
            format!("{of_codec}{};{PLAYBACK_RATE}{rate_hz}\r\n", rest.trim_end())
        }
        Some(_) | None => line.to_owned(),
    };
    sdp.split_inclusive('\n').map(limited).collect()
}

/// The rate beyond half of which the other side does not listen, Hz, if it says so.
pub fn playback_rate(sdp: &str) -> Option<u32> {
    let rest = &sdp[sdp.find(PLAYBACK_RATE)? + PLAYBACK_RATE.len()..];
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n\
        c=IN IP4 0.0.0.0\r\na=candidate:1 1 udp 1 127.0.0.1 5000 typ host\r\na=ice-ufrag:old\r\na=ice-pwd:oldpassword\r\n\
        a=fingerprint:sha-256 AA\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\n";

    #[test]
    fn a_rate_of_playback_is_stated_once_and_read() {
        let sdp = "v=0\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=fmtp:9 x=1\r\n";
        assert_eq!(playback_rate(sdp), None);
        let limited = with_playback_rate(sdp, 111, 16_000);
        assert_eq!(limited, sdp.replace("useinbandfec=1", "useinbandfec=1;maxplaybackrate=16000"));
        assert_eq!(with_playback_rate(&limited, 111, 16_000), limited);
        assert_eq!(playback_rate(&limited), Some(16_000));
    }

    #[test]
    fn an_offer_of_opus_passes() {
        check_offer(OFFER).expect("a whole offer");
    }

    #[test]
    fn what_is_no_offer_is_named() {
        assert!(matches!(check_offer(""), Err(RoomError::BadOffer { .. })));
        assert!(matches!(check_offer("hello"), Err(RoomError::BadOffer { .. })));
        assert!(matches!(check_offer(&OFFER.repeat(2_000)), Err(RoomError::TooLong)));
        assert!(matches!(check_offer(&OFFER.replace("opus", "PCMU")), Err(RoomError::NoAudio)));
        assert!(matches!(check_offer(&OFFER.replace("m=audio", "m=video")), Err(RoomError::NoAudio)));
        assert!(matches!(check_offer(&OFFER.replace("ice-pwd", "ice-xyz")), Err(RoomError::BadOffer { .. })));
        assert!(matches!(check_offer(&format!("{OFFER}nonsense\r\n")), Err(RoomError::BadOffer { .. })));
        assert!(matches!(check_offer(&format!("{OFFER}a={}\r\n", "x".repeat(5_000))), Err(RoomError::TooLong)));
    }

    #[test]
    fn a_restart_changes_credentials_and_candidates_and_nothing_else() {
        let candidate = "candidate:2 1 udp 1 10.0.0.1 6000 typ host".to_owned();
        let offer = restarted(OFFER, "new", "newpassword", &[candidate]);
        check_offer(&offer).expect("still a whole offer");
        assert!(offer.contains("a=ice-ufrag:new\r\n") && offer.contains("a=ice-pwd:newpassword\r\n"));
        assert!(offer.contains("10.0.0.1 6000") && !offer.contains("127.0.0.1 5000") && !offer.contains(":old"));
        assert_eq!(offer.lines().count(), OFFER.lines().count());
    }

    #[test]
    fn fragments_are_read_and_written() {
        let text = "a=ice-ufrag:u\r\na=ice-pwd:p\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=candidate:1 1 udp 1 ::1 5 typ host\r\n";
        let fragment = read_fragment(text).expect("a fragment");
        assert_eq!(fragment.credentials, Some(("u".to_owned(), "p".to_owned())));
        assert_eq!(fragment.candidates, ["candidate:1 1 udp 1 ::1 5 typ host"]);
        assert!(read_fragment("hello").is_err());
        for spoilt in ["candidate:", "candidate:1 1 udp 1 ::1 typ host", "candidate:1 1 udp x ::1 5 typ host"] {
            assert!(read_fragment(&format!("a={spoilt}\r\n")).is_err(), "{spoilt}");
        }
        assert_eq!(read_fragment("a=end-of-candidates").expect("the end"), Fragment::default());
        assert_eq!(read_fragment(&write_fragment(OFFER)).expect("ours").candidates.len(), 1);
    }
}
