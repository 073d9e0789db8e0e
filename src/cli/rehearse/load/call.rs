//! One caller: says a tone, waits for the reply, hears it out, and begins again. Must never take another call's reply for
//! its own.

use crate::audio::frame::{FRAME_MS, VOICE_RATE_HZ};
use crate::room::client::{Client, ClientAudio, ClientError, ClientEvent, ClientSettings};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The lowest tone and the distance to the next, Hz; so many callers have tones of their own.
const TONE_FROM_HZ: u32 = 300;
const TONE_STEP_HZ: u32 = 20;
const TONES: u32 = 50;
/// What is heard is looked at, at this rate.
const EAR_HZ: u32 = 16_000;
/// Louder than this is a reply, root mean square.
const LEVEL: f64 = 400.0;
/// A reply that has not begun by then is lost.
const LOST: Duration = Duration::from_secs(8);
/// Silence after which a reply is over.
const OVER: Duration = Duration::from_millis(250);
/// Where in a reply its tone is looked at, samples: behind the codec's beginning.
const TONE_FROM: usize = 1_600;
const TONE_SAMPLES: usize = 6_400;

/// What became of one turn.
#[derive(Clone, Debug, Default)]
pub struct Turn {
    /// From the end of what was said to the first packet with sound.
    pub gap: Option<Duration>,
    /// It had the caller's own tone.
    pub is_own: bool,
    /// How much each packet came after its time, counted from the reply's first.
    pub lateness: Vec<Duration>,
    /// Frames of the reply that never came.
    pub missing: u64,
    /// When it was asked, since the call began.
    pub at: Duration,
}

/// A call as it went.
#[derive(Clone, Debug, Default)]
pub struct Held {
    pub turns: Vec<Turn>,
    /// Why it did not begin, or broke off.
    pub failed: Option<String>,
    pub was_refused: bool,
}

/// Calls, and goes on until `until`.
pub async fn hold(http: &reqwest::Client, url: &str, number: u32, until: tokio::time::Instant) -> Held {
    let settings = ClientSettings {
        microphone_hz: VOICE_RATE_HZ,
        ear_hz: EAR_HZ,
        is_one_of_many: true,
        ..ClientSettings::default()
    };
    let mut held = Held::default();
    match Client::connect(settings, async |sdp| offer(http, url, sdp).await).await {
        Ok(mut client) => {
            if let Err(error) = talk(&mut client, number, until, &mut held.turns).await {
                held.failed = Some(error.to_string());
            }
            client.close().await;
        }
        Err(error) => {
            let said = error.to_string();
            held.was_refused = said.contains("503");
            held.failed = Some(said);
        }
    }
    held
}

async fn offer(http: &reqwest::Client, url: &str, sdp: String) -> Result<String, String> {
    let body = json!({"sdp": sdp, "type": "offer", "pc_id": null, "restart_pc": false});
    let answer = http.post(format!("{url}/api/offer")).json(&body).send().await.map_err(|error| error.to_string())?;
    let status = answer.status();
    let answer: Value = answer.json().await.map_err(|error| error.to_string())?;
    let sdp = answer["sdp"].as_str().map(str::to_owned);
    sdp.filter(|_| status.is_success()).ok_or_else(|| format!("{status}: {}", answer["detail"]))
}

async fn talk(
    client: &mut Client,
    number: u32,
    until: tokio::time::Instant,
    turns: &mut Vec<Turn>,
) -> Result<(), ClientError> {
    let tone_hz = TONE_FROM_HZ + TONE_STEP_HZ * (number % TONES);
    let began = Instant::now();
    // Callers do not speak in step.
    wait(client, Duration::from_millis(u64::from(number * 379 % 1_500) + 300)).await?;
    let mut count = 0;
    while tokio::time::Instant::now() + LOST / 2 < until {
        count += 1;
        let said_ms = 900 + (number * 131 + count * 277) % 900;
        let microphone = client.microphone();
        let spoken = microphone.say(tone(tone_hz, said_ms));
        tokio::pin!(spoken);
        let said = loop {
            tokio::select! {
                said = &mut spoken => break said?,
                event = client.next() => gone(event.as_ref())?,
            }
        };
        let mut turn = listen(client, said.to, tone_hz).await?;
        turn.at = said.to.duration_since(began);
        turns.push(turn);
        wait(client, Duration::from_millis(u64::from((number * 97 + count * 211) % 700) + 300)).await?;
    }
    Ok(())
}

/// Hears the reply to what ended at `said`.
async fn listen(client: &mut Client, said: Instant, tone_hz: u32) -> Result<Turn, ClientError> {
    let mut turn = Turn::default();
    let mut reply = Reply::default();
    let mut deadline = said + LOST;
    loop {
        match tokio::time::timeout_at(deadline.into(), client.next()).await {
            Err(_) => break,
            Ok(Some(ClientEvent::Audio(audio))) => {
                if reply.take(&audio) {
                    turn.gap.get_or_insert(audio.arrival.saturating_duration_since(said));
                    deadline = audio.arrival + OVER;
                }
            }
            Ok(event) => gone(event.as_ref())?,
        }
    }
    turn.is_own = pitch(&reply.pcm).abs_diff(tone_hz) < TONE_STEP_HZ / 2;
    turn.lateness = reply.lateness;
    turn.missing = reply.missing;
    Ok(turn)
}

/// The packets of one reply.
#[derive(Default)]
struct Reply {
    first: Option<(Instant, u32)>,
    expected: u32,
    missing: u64,
    lateness: Vec<Duration>,
    pcm: Vec<i16>,
}

impl Reply {
    /// Takes a packet; whether it sounds.
    fn take(&mut self, audio: &ClientAudio) -> bool {
        let power: f64 = audio.pcm.iter().map(|sample| f64::from(*sample).powi(2)).sum();
        if (power / audio.pcm.len().max(1) as f64).sqrt() < LEVEL {
            return false;
        }
        let (first, timestamp) = *self.first.get_or_insert((audio.arrival, audio.timestamp));
        let ticks = audio.timestamp.wrapping_sub(timestamp);
        let due = first + Duration::from_micros(u64::from(ticks) * 1_000 / 48);
        self.lateness.push(audio.arrival.saturating_duration_since(due));
        if !self.pcm.is_empty() {
            self.missing += u64::from(audio.timestamp.wrapping_sub(self.expected).min(48_000) / (48 * FRAME_MS));
        }
        self.expected = audio.timestamp.wrapping_add(48 * FRAME_MS);
        self.pcm.extend_from_slice(&audio.pcm);
        true
    }
}

async fn wait(client: &mut Client, time: Duration) -> Result<(), ClientError> {
    let until = tokio::time::Instant::now() + time;
    while let Ok(event) = tokio::time::timeout_at(until, client.next()).await {
        gone(event.as_ref())?;
    }
    Ok(())
}

fn gone(event: Option<&ClientEvent>) -> Result<(), ClientError> {
    match event {
        Some(ClientEvent::Audio(_) | ClientEvent::Message(_)) => Ok(()),
        Some(ClientEvent::Gone) | None => Err(ClientError::Gone),
    }
}

fn tone(hz: u32, ms: u32) -> Vec<i16> {
    let rate = f64::from(VOICE_RATE_HZ);
    (0..ms * (VOICE_RATE_HZ / 1_000))
        .map(|n| ((f64::from(n) * f64::from(hz) * std::f64::consts::TAU / rate).sin() * 9_000.0) as i16)
        .collect()
}

/// The pitch of a reply, Hz; 0 for one that is too short.
fn pitch(pcm: &[i16]) -> u32 {
    let Some(middle) = pcm.get(TONE_FROM..) else { return 0 };
    let middle = &middle[..middle.len().min(TONE_SAMPLES)];
    let crossings: Vec<usize> = (1..middle.len()).filter(|n| middle[n - 1] < 0 && middle[*n] >= 0).collect();
    let (Some(first), Some(last)) = (crossings.first(), crossings.last()) else { return 0 };
    ((crossings.len() - 1) as f64 * f64::from(EAR_HZ) / (last - first).max(1) as f64).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_known_by_its_pitch() {
        for hz in [300, 720, 1_280] {
            let heard: Vec<i16> = tone(hz, 900).chunks_exact(3).flat_map(|three| [three[0], three[1]]).collect();
            assert!(pitch(&heard).abs_diff(hz) < TONE_STEP_HZ / 2, "{hz}: {}", pitch(&heard));
        }
        assert_eq!(pitch(&[0; 100]), 0);
    }

    #[test]
    fn packets_that_come_late_or_not_at_all_are_counted() {
        let start = Instant::now();
        let loud = vec![3_000_i16; 320];
        let packet = |n: u32, late_ms: u64| ClientAudio {
            arrival: start + Duration::from_millis(u64::from(n) * 20 + late_ms),
            timestamp: n * 960,
            marker: false,
            pcm: loud.clone(),
        };
        let mut reply = Reply::default();
        assert!(reply.take(&packet(0, 0)) && reply.take(&packet(1, 7)) && reply.take(&packet(4, 0)));
        assert_eq!(reply.missing, 2);
        assert_eq!(reply.lateness.iter().map(Duration::as_millis).collect::<Vec<_>>(), [0, 7, 0]);
        assert!(!reply.take(&ClientAudio { pcm: vec![0; 320], ..packet(5, 0) }));
    }
}
