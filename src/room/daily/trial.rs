//! A call between two of our own workers in one room, each of which plays a tone and listens for the other's: what shows
//! that a domain, a key and this machine's network work together. Must never be part of an interview.

use super::DailySettings;
use super::child::Worker;
use super::wire::{Ask, Frame, Tell};
use crate::audio::frame::{EAR_RATE_HZ, VOICE_FRAME_SAMPLES, VOICE_RATE_HZ};
use std::collections::VecDeque;
use std::f64::consts::TAU;
use std::time::{Duration, Instant};

/// The tones, Hz: apart from each other and from mains hum.
const TONES_HZ: [f64; 2] = [660.0, 440.0];
/// How loud they are, of 32,767.
const LOUDNESS: f64 = 8_000.0;
/// So much of what is heard must be the tone.
const SHARE_MIN: f64 = 0.7;
/// How much sound is judged, samples (1 s).
const JUDGED_SAMPLES: usize = EAR_RATE_HZ as usize;
/// Longest wait for the tone.
const HEAR_MAX: Duration = Duration::from_secs(20);
/// Frames under way at most.
const UNDER_WAY_MAX: usize = 2;

/// What the trial showed.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// From asking to being in the room, each.
    pub joined_ms: [u128; 2],
    /// Share of the other's tone in what each heard.
    pub heard: [f64; 2],
}

/// Why there is nothing to show.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrialError {
    #[error("the worker does not start: {0}")]
    Start(String),
    #[error("not let into the room: {0}")]
    Refused(String),
    #[error("{0} within {1} s")]
    Late(&'static str, u64),
    #[error("the worker ended before its time")]
    Gone,
}

/// Holds the call: each by its own token.
pub async fn hold(settings: &DailySettings, url: &str, tokens: [String; 2]) -> Result<Trial, TrialError> {
    let [one, other] = tokens;
    let mut one = Caller::join(settings, url, one, TONES_HZ[0]).await?;
    let mut other = match Caller::join(settings, url, other, TONES_HZ[1]).await {
        Ok(other) => other,
        Err(error) => {
            one.worker.leave(Duration::ZERO, settings.leave).await;
            return Err(error);
        }
    };
    let joined_ms = [one.joined_ms, other.joined_ms];
    let both = async {
        // Who has heard enough goes on playing for the other.
        let mut heard = [None, None];
        while heard.iter().any(Option::is_none) {
            tokio::select! {
                share = one.step(TONES_HZ[1]) => heard[0] = share?.or(heard[0]),
                share = other.step(TONES_HZ[0]) => heard[1] = share?.or(heard[1]),
            }
        }
        Ok(heard.map(Option::unwrap_or_default))
    };
    let heard = tokio::time::timeout(HEAR_MAX, both).await;
    tokio::join!(one.worker.leave(Duration::ZERO, settings.leave), other.worker.leave(Duration::ZERO, settings.leave));
    let heard = heard.map_err(|_| TrialError::Late("the tone was not heard", HEAR_MAX.as_secs()))??;
    Ok(Trial { joined_ms, heard })
}

struct Caller {
    worker: Worker,
    joined_ms: u128,
    /// What was heard last.
    heard: VecDeque<i16>,
    tone_hz: f64,
    played: usize,
    under_way: usize,
    write: u64,
}

impl Caller {
    async fn join(settings: &DailySettings, url: &str, token: String, tone_hz: f64) -> Result<Self, TrialError> {
        let mut worker = Worker::start(&settings.program).map_err(|error| TrialError::Start(error.to_string()))?;
        let (name, proxy_url) = (settings.name.clone(), settings.proxy_url.clone());
        let mut asked = Instant::now();
        let joining = async {
            loop {
                match worker.next().await {
                    Some(Frame::Control(Tell::Ready { .. })) => {
                        let (url, token, name) = (url.to_owned(), token.clone(), name.clone());
                        asked = Instant::now();
                        worker.ask(Ask::Join { url, token, name, proxy_url: proxy_url.clone() });
                    }
                    Some(Frame::Control(Tell::Unable { said })) => return Err(TrialError::Start(said)),
                    Some(Frame::Control(Tell::Refused { said })) => return Err(TrialError::Refused(said)),
                    Some(Frame::Control(Tell::Joined { .. })) => return Ok(()),
                    Some(_) => {}
                    None => return Err(TrialError::Gone),
                }
            }
        };
        let joined = tokio::time::timeout(settings.join, joining).await;
        joined.map_err(|_| TrialError::Late("not in the room", settings.join.as_secs()))??;
        let joined_ms = asked.elapsed().as_millis();
        Ok(Self { worker, joined_ms, heard: VecDeque::new(), tone_hz, played: 0, under_way: 0, write: 0 })
    }

    /// Plays on, and takes one thing that the worker tells; the share of `wanted_hz` once it is enough.
    async fn step(&mut self, wanted_hz: f64) -> Result<Option<f64>, TrialError> {
        while self.under_way < UNDER_WAY_MAX {
            let pcm = Box::new(self.tone());
            self.worker.send(&Frame::Voice { write: self.write, pcm });
            self.write += 1;
            self.under_way += 1;
        }
        match self.worker.next().await {
            Some(Frame::Written { .. }) => self.under_way = self.under_way.saturating_sub(1),
            Some(Frame::Control(Tell::Present(person))) => {
                self.worker.ask(Ask::Hear { participant: person.id, tag: 1 });
            }
            Some(Frame::Control(Tell::Over { said })) => return Err(TrialError::Refused(said.unwrap_or_default())),
            Some(Frame::Heard { pcm, .. }) => {
                self.heard.extend(pcm.iter());
                if self.heard.len() >= JUDGED_SAMPLES {
                    let share = share(self.heard.make_contiguous(), wanted_hz);
                    self.heard.drain(..JUDGED_SAMPLES / 2);
                    return Ok(Some(share).filter(|share| *share >= SHARE_MIN));
                }
            }
            Some(Frame::Control(_) | Frame::Voice { .. }) => {}
            None => return Err(TrialError::Gone),
        }
        Ok(None)
    }

    fn tone(&mut self) -> [i16; VOICE_FRAME_SAMPLES] {
        let from = self.played;
        self.played += VOICE_FRAME_SAMPLES;
        std::array::from_fn(|n| {
            let turns = self.tone_hz * (from + n) as f64 / f64::from(VOICE_RATE_HZ);
            ((TAU * turns).sin() * LOUDNESS) as i16
        })
    }
}

/// How much of the sound is a tone of `hz`: its part of the power (Goertzel).
fn share(pcm: &[i16], hz: f64) -> f64 {
    let factor = 2.0 * (TAU * hz / f64::from(EAR_RATE_HZ)).cos();
    let (mut last, mut before, mut power) = (0.0, 0.0, 0.0);
    for sample in pcm {
        let sample = f64::from(*sample);
        power += sample * sample;
        (last, before) = (sample + factor * last - before, last);
    }
    let of_tone = 2.0 * (last * last + before * before - factor * last * before) / pcm.len() as f64;
    if power > 0.0 { of_tone / power } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_told_from_another_and_from_silence() {
        let sound = |hz: f64| -> Vec<i16> {
            (0..JUDGED_SAMPLES).map(|n| ((TAU * hz * n as f64 / 16_000.0).sin() * LOUDNESS) as i16).collect()
        };
        assert!(share(&sound(660.0), 660.0) > 0.99);
        assert!(share(&sound(440.0), 660.0) < 0.01);
        assert!(share(&[0; 1_000], 660.0) < 0.01);
    }
}
