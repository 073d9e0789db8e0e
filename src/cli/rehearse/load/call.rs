//! One caller: says a tone, waits for the reply, hears it out, and begins again. Must never take another call's reply for
//! its own.

use crate::audio::frame::{FRAME_MS, VOICE_RATE_HZ};
use crate::cli::tone::{pitch, tone};
use crate::room::client::{Client, ClientAudio, ClientError, ClientEvent, ClientSettings, Spoken};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The lowest tone and the distance to the next, Hz; so many callers have tones of their own.
const TONE_FROM_HZ: u32 = 300;
const TONE_STEP_HZ: u32 = 20;
const TONES: u32 = 160;
/// How long the tone sounds where a sentence follows it, ms.
const CALL_SIGN_MS: u32 = 300;
/// What is heard is looked at, at this rate.
const EAR_HZ: u32 = 16_000;
/// Louder than this is a reply, root mean square.
const LEVEL: f64 = 400.0;
/// A reply that has not begun by then is lost.
const LOST: Duration = Duration::from_secs(8);
/// Silence after which a reply is over.
const OVER: Duration = Duration::from_millis(250);
/// Every so many turns the caller cuts in, where it does at all, and once so much of the reply was heard, samples (500 ms).
const CUTS_IN_EVERY: u32 = 3;
const CUT_IN_SAMPLES: usize = EAR_HZ as usize / 2;
const FRAME: Duration = Duration::from_millis(FRAME_MS as u64);
/// Where in a reply its tone is looked at, samples: behind the codec's beginning.
const TONE_FROM: usize = 1_600;
const TONE_SAMPLES: usize = 6_400;

/// Whose reply it was, by its tone.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum Whose {
    Own,
    Another,
    /// Too little of it came to tell.
    #[default]
    Unclear,
}

/// What became of one turn.
#[derive(Clone, Debug, Default)]
pub struct Turn {
    /// From the end of what was said to the first packet with sound.
    pub gap: Option<Duration>,
    pub whose: Whose,
    /// How much each packet came after its time, counted from the reply's first.
    pub lateness: Vec<Duration>,
    /// Frames of the reply that never came.
    pub missing: u64,
    /// The caller cut in: from its first sample to the end of the reply's last sounding packet.
    pub silenced: Option<Duration>,
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

/// What a caller is.
#[derive(Clone, Debug)]
pub struct Caller {
    pub number: u32,
    /// What is said behind a short tone, 24 kHz; without it the tone is all.
    pub sentence: Option<Arc<[i16]>>,
    pub cuts_in: bool,
}

impl Caller {
    fn tone_hz(&self) -> u32 {
        TONE_FROM_HZ + TONE_STEP_HZ * (self.number % TONES)
    }

    /// What is said for the `count`th time.
    fn words(&self, count: u32) -> Vec<i16> {
        let hz = self.tone_hz();
        match &self.sentence {
            Some(sentence) => [&tone(hz, CALL_SIGN_MS, VOICE_RATE_HZ), &sentence[..]].concat(),
            None => tone(hz, 900 + (self.number * 131 + count * 277) % 900, VOICE_RATE_HZ),
        }
    }
}

/// Calls, and goes on until `until`.
pub async fn hold(http: &reqwest::Client, url: &str, caller: &Caller, until: tokio::time::Instant) -> Held {
    let settings = ClientSettings {
        microphone_hz: VOICE_RATE_HZ,
        ear_hz: EAR_HZ,
        is_one_of_many: true,
        ..ClientSettings::default()
    };
    let mut held = Held::default();
    match Client::connect(settings, async |sdp| offer(http, url, sdp).await).await {
        Ok(mut client) => {
            if let Err(error) = talk(&mut client, caller, until, &mut held.turns).await {
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
    caller: &Caller,
    until: tokio::time::Instant,
    turns: &mut Vec<Turn>,
) -> Result<(), ClientError> {
    let number = caller.number;
    let began = Instant::now();
    // Callers do not speak in step.
    wait(client, Duration::from_millis(u64::from(number * 379 % 1_500) + 300)).await?;
    let mut count = 0;
    let mut spoken = None;
    while tokio::time::Instant::now() + LOST / 2 < until {
        count += 1;
        let said = match spoken.take() {
            Some(said) => said,
            None => {
                let microphone = client.microphone();
                meanwhile(client, microphone.say(caller.words(count))).await?
            }
        };
        let cut_in = (caller.cuts_in && count % CUTS_IN_EVERY == 0).then(|| caller.words(count + 1));
        let mut turn = Turn { at: said.to.duration_since(began), ..Turn::default() };
        spoken = listen(client, said.to, caller.tone_hz(), cut_in, &mut turn).await?;
        turns.push(turn);
        if spoken.is_none() {
            wait(client, Duration::from_millis(u64::from((number * 97 + count * 211) % 700) + 300)).await?;
        }
    }
    Ok(())
}

/// Hears the reply to what ended at `said`, and says `cut_in` into it.
async fn listen(
    client: &mut Client,
    said: Instant,
    tone_hz: u32,
    mut cut_in: Option<Vec<i16>>,
    turn: &mut Turn,
) -> Result<Option<Spoken>, ClientError> {
    let mut reply = Reply::default();
    let mut deadline = said + LOST;
    let mut cutting = None;
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
        if reply.pcm.len() >= CUT_IN_SAMPLES
            && let Some(words) = cut_in.take()
        {
            let microphone = client.microphone();
            cutting = Some(tokio::spawn(async move { microphone.say(words).await }));
        }
    }
    let spoken = match cutting {
        Some(cutting) => Some(meanwhile(client, async { cutting.await.map_err(|_| ClientError::Gone)? }).await?),
        None => None,
    };
    turn.silenced = spoken.zip(reply.last).map(|(spoken, last)| (last + FRAME).saturating_duration_since(spoken.from));
    turn.whose = reply.whose(tone_hz);
    turn.lateness = reply.lateness;
    turn.missing = reply.missing;
    Ok(spoken)
}

/// Waits for `said` while what comes is not kept.
async fn meanwhile<T>(
    client: &mut Client,
    said: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, ClientError> {
    tokio::pin!(said);
    loop {
        tokio::select! {
            said = &mut said => return said,
            event = client.next() => gone(event.as_ref())?,
        }
    }
}

/// The packets of one reply.
#[derive(Default)]
struct Reply {
    first: Option<(Instant, u32)>,
    last: Option<Instant>,
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
        self.last = Some(audio.arrival);
        self.expected = audio.timestamp.wrapping_add(48 * FRAME_MS);
        self.pcm.extend_from_slice(&audio.pcm);
        true
    }

    fn whose(&self, tone_hz: u32) -> Whose {
        let middle = self.pcm.get(TONE_FROM..).unwrap_or_default();
        match pitch(&middle[..middle.len().min(TONE_SAMPLES)], EAR_HZ) {
            hz if hz < 1.0 => Whose::Unclear,
            hz if (hz - f64::from(tone_hz)).abs() < f64::from(TONE_STEP_HZ / 2) => Whose::Own,
            _ => Whose::Another,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_known_by_its_tone_though_frames_of_it_are_missing() {
        let caller = Caller { number: 21, sentence: None, cuts_in: false };
        let reply = |pcm| Reply { pcm, ..Reply::default() };
        let mut own = tone(caller.tone_hz(), 900, EAR_HZ);
        own.drain(3_000..4_280);
        own[6_000..6_960].fill(0);
        assert_eq!(reply(own).whose(caller.tone_hz()), Whose::Own);
        let next = Caller { number: 22, ..caller.clone() };
        assert_eq!(reply(tone(next.tone_hz(), 900, EAR_HZ)).whose(caller.tone_hz()), Whose::Another);
        assert_eq!(reply(vec![0; 100]).whose(caller.tone_hz()), Whose::Unclear);
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
