//! A recording heard again: the candidate's side goes through the voice detector, the cutting into utterances and the turn
//! model as it did in the interview, and what they find takes the place of what the log says that was heard. The words are
//! the log's. Must never run by the clock: everything has its place on the recording.

use crate::app::ReplayParts;
use crate::audio::frame::{EAR_FRAME_SAMPLES, EAR_RATE_HZ, EarFrame, SamplePos};
use crate::audio::gaps::silent_tail;
use crate::id::UtteranceId;
use crate::session::event::Told;
use crate::session::replay::{Part, Stored, closings};
use crate::session::utterances::{Mark, Settings, Utterances};
use crate::turn::Event;
use crate::vad::VoiceReading;
use anyhow::Context as _;
use std::path::Path;
use std::time::Instant;

/// The turn model's time for a pause, ms (measured on one core: 40 to 70).
const COMPLETION_MS: u64 = 60;
/// Words of the log belong to a pause that is no farther from theirs than this, ms.
const SAME_PAUSE_MS: u64 = 400;
/// Words that the log does not have are missed after so long, ms.
const NO_WORDS_MS: u64 = 500;
/// Of the audio before a pause the turn model hears so much, s.
const TURN_AUDIO_S: usize = 8;

/// A pause of the log: where it began, and what was known of its words.
struct Pause {
    at: SamplePos,
    /// Words (`None`: an echo, or they failed), and how long after the pause was told.
    words: Option<Told>,
    coverage: Option<Event>,
    delay: u64,
}

/// Replaces what the log says that was heard by what is heard on the recording.
pub async fn hear_again(stored: &mut Stored, recording: &Path, parts: &ReplayParts) -> anyhow::Result<()> {
    let pcm = candidate(recording)?;
    let readings = read(&pcm, parts).await;
    for part in &mut stored.parts {
        let heard = hear(part, &pcm, &readings, parts).await?;
        part.told.retain(|told| !is_heard(&told.event));
        part.told.extend(heard);
        part.told.sort_by_key(|told| told.at);
    }
    Ok(())
}

/// The left side.
fn candidate(recording: &Path) -> anyhow::Result<Vec<i16>> {
    let mut wav = hound::WavReader::open(recording).with_context(|| format!("{}", recording.display()))?;
    let spec = wav.spec();
    anyhow::ensure!(
        (spec.channels, spec.sample_rate) == (2, EAR_RATE_HZ),
        "{} is no recording of an interview",
        recording.display()
    );
    Ok(wav.samples::<i16>().step_by(2).map_while(Result::ok).collect())
}

/// The detector's readings of the whole.
async fn read(pcm: &[i16], parts: &ReplayParts) -> Vec<VoiceReading> {
    let mut stream = parts.voice_activity.open();
    let frames = stream.frames;
    let feed = async move {
        for (at, chunk) in (0..).step_by(EAR_FRAME_SAMPLES).zip(pcm.chunks_exact(EAR_FRAME_SAMPLES)) {
            let mut frame = EarFrame { at: SamplePos(at), pcm: [0; EAR_FRAME_SAMPLES], concealed: false };
            frame.pcm.copy_from_slice(chunk);
            if frames.send(frame).await.is_err() {
                return;
            }
        }
    };
    let gather = async {
        let mut readings = Vec::new();
        while let Some(reading) = stream.readings.recv().await {
            readings.push(reading);
        }
        readings
    };
    tokio::join!(feed, gather).1
}

/// What the floor would be told of the candidate's voice in this part.
async fn hear(part: &Part, pcm: &[i16], readings: &[VoiceReading], parts: &ReplayParts) -> anyhow::Result<Vec<Told>> {
    let Some((first, last)) = part.told.first().zip(part.told.last()) else { return Ok(Vec::new()) };
    let within = |reading: &&VoiceReading| reading.at >= first.at && reading.at <= last.at;
    let pauses = pauses(part);
    let closings = closings(part, Instant::now());
    let mut closings = closings.iter().peekable();
    let number = part.told.iter().filter_map(utterance).min().unwrap_or(UtteranceId(1));
    let mut utterances = Utterances::new(Settings::default(), number);
    let mut heard = Vec::new();
    for reading in readings.iter().filter(within) {
        while closings.next_if(|closing| **closing <= reading.at).is_some() {
            utterances.close_pausing();
        }
        let now = reading.at;
        for mark in utterances.read(*reading) {
            match mark {
                Mark::Started { utterance, at } => {
                    let speech_ms = now.ms().saturating_sub(at.ms());
                    heard.push(Told { at: now, event: Event::SpeechStarted { utterance, at, speech_ms } });
                }
                Mark::Stopped { utterance, at, .. } => {
                    let end = usize::try_from(at.0).unwrap_or(usize::MAX).min(pcm.len());
                    let at = SamplePos(at.0.saturating_sub(silent_tail(&pcm[..end])));
                    let silence_ms = now.ms().saturating_sub(at.ms());
                    heard.push(Told { at: now, event: Event::SpeechStopped { utterance, at, silence_ms } });
                    if let Some(model) = &parts.turn_model {
                        let end = usize::try_from(now.0).unwrap_or(usize::MAX).min(pcm.len());
                        let from = end.saturating_sub(TURN_AUDIO_S * EAR_RATE_HZ as usize);
                        let probability = model.completion(pcm[from..end].to_vec()).await?;
                        let at = later(now, COMPLETION_MS);
                        heard.push(Told { at, event: Event::Completion { utterance, probability } });
                    }
                    heard.extend(words(&pauses, utterance, at, now));
                }
                Mark::Closed { .. } => {}
            }
        }
    }
    Ok(heard)
}

/// The words of the pause at `at`, told at `now`.
fn words(pauses: &[Pause], utterance: UtteranceId, at: SamplePos, now: SamplePos) -> Vec<Told> {
    let near = pauses.iter().min_by_key(|pause| pause.at.0.abs_diff(at.0));
    let near = near.filter(|pause| pause.at.ms().abs_diff(at.ms()) <= SAME_PAUSE_MS);
    let Some((pause, words)) = near.and_then(|pause| pause.words.as_ref().map(|words| (pause, words))) else {
        return vec![Told { at: later(now, NO_WORDS_MS), event: Event::WordsFailed { utterance } }];
    };
    let at = now.plus(pause.delay);
    let event = if let Event::Words { text, last, .. } = &words.event {
        Event::Words { utterance, text: text.clone(), last: *last }
    } else {
        Event::Echo { utterance }
    };
    let coverage = pause.coverage.clone().map(|event| Told { at, event });
    coverage.into_iter().chain([Told { at, event }]).collect()
}

/// The log's pauses with the first words that were told of each.
fn pauses(part: &Part) -> Vec<Pause> {
    let mut pauses: Vec<(UtteranceId, SamplePos, Pause)> = Vec::new();
    let mut coverage = None;
    for told in &part.told {
        if let Event::SpeechStopped { utterance, at, .. } = told.event {
            pauses.push((utterance, told.at, Pause { at, words: None, coverage: None, delay: 0 }));
        } else if let Event::Coverage { .. } = told.event {
            coverage = Some(told.event.clone());
        } else if let Event::Words { utterance, .. } | Event::Echo { utterance } = told.event {
            let pause = pauses.iter_mut().rev().find(|(id, ..)| *id == utterance);
            if let Some((_, told_at, pause)) = pause.filter(|(.., pause)| pause.words.is_none()) {
                pause.delay = told.at.0.saturating_sub(told_at.0);
                pause.words = Some(told.clone());
                pause.coverage = coverage.take();
            }
        }
    }
    pauses.into_iter().map(|(.., pause)| pause).collect()
}

fn utterance(told: &Told) -> Option<UtteranceId> {
    if let Event::SpeechStarted { utterance, .. } = told.event { Some(utterance) } else { None }
}

/// What comes of the candidate's sound.
fn is_heard(event: &Event) -> bool {
    matches!(
        event,
        Event::SpeechStarted { .. }
            | Event::SpeechStopped { .. }
            | Event::Completion { .. }
            | Event::Words { .. }
            | Event::WordsFailed { .. }
            | Event::Echo { .. }
            | Event::Coverage { .. }
    )
}

fn later(at: SamplePos, ms: u64) -> SamplePos {
    at.plus(SamplePos::from_ms(ms).0)
}
