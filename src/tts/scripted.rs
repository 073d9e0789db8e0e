//! A voice for tests: a tone as long as the text, with its words in time, after a delay on tokio's clock.

use super::{SpeakRequest, TTS_TEXT_CHARS_MAX, TextToSpeech, TtsError, Urgency};
use crate::audio::frame::{VOICE_RATE_HZ, VoiceClip, WordTiming};
use futures::future::BoxFuture;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Time for each letter, digit or space, ms (15 letters a second, as people speak).
pub const LETTER_MS: usize = 65;
/// The tone, Hz.
pub const TONE_HZ: f32 = 440.0;

/// A scripted voice; clones share what was spoken.
#[derive(Clone, Debug)]
pub struct ScriptedTts {
    delay: Duration,
    broken: bool,
    spoken: Arc<Mutex<Vec<(String, Urgency)>>>,
}

impl ScriptedTts {
    /// Each clip is ready after `delay`.
    #[must_use]
    pub fn new(delay: Duration) -> Self {
        Self { delay, broken: false, spoken: Arc::default() }
    }

    /// Every request fails after `delay`.
    #[must_use]
    pub fn broken(delay: Duration) -> Self {
        Self { broken: true, ..Self::new(delay) }
    }

    /// What was asked for so far, in order.
    #[must_use]
    pub fn spoken(&self) -> Vec<(String, Urgency)> {
        self.spoken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl TextToSpeech for ScriptedTts {
    fn speak(&self, request: SpeakRequest) -> BoxFuture<'static, Result<VoiceClip, TtsError>> {
        let asked = (request.text.to_string(), request.urgency);
        self.spoken.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
        let (delay, broken) = (self.delay, self.broken);
        Box::pin(async move {
            let chars = request.text.chars().count();
            if chars > TTS_TEXT_CHARS_MAX {
                return Err(TtsError::TooLong { chars, chars_max: TTS_TEXT_CHARS_MAX });
            }
            tokio::select! {
                biased;
                () = request.cancel.cancelled() => Err(TtsError::Cancelled),
                () = tokio::time::sleep(delay) => {
                    if broken { Err(TtsError::Run { why: "the script says so".into() }) } else { Ok(tone(&request.text)) }
                }
            }
        })
    }

    fn voice(&self) -> String {
        "scripted-voice".into()
    }
}

/// The clip that a scripted voice makes of `text`.
#[must_use]
pub fn tone(text: &Arc<str>) -> VoiceClip {
    let letter_samples = VOICE_RATE_HZ as usize * LETTER_MS / 1000;
    let place = |byte: usize| u32::try_from(text[..byte].chars().count() * letter_samples).unwrap_or(u32::MAX);
    let number = |byte: usize| u32::try_from(byte).unwrap_or(u32::MAX);
    let words = text.split_whitespace().map(|word| {
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        let end = start + word.len();
        WordTiming {
            text_start: number(start),
            text_end: number(end),
            start_samples: place(start),
            end_samples: place(end),
        }
    });
    let step = std::f32::consts::TAU * TONE_HZ / VOICE_RATE_HZ as f32;
    let samples = text.chars().count() * letter_samples;
    let pcm = (0..samples).map(|i| ((i as f32 * step).sin() * 8000.0) as i16).collect();
    VoiceClip { text: Arc::clone(text), pcm, words: words.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_util::sync::CancellationToken;

    #[tokio::test(start_paused = true)]
    async fn a_clip_is_as_long_as_its_text_and_can_be_cancelled() {
        let voice = ScriptedTts::new(Duration::from_secs(5));
        let cancel = CancellationToken::new();
        let request =
            SpeakRequest { text: "ab cd\u{e9}".into(), speed: 1.0, urgency: Urgency::Now, cancel: cancel.clone() };
        let clip = voice.speak(request.clone()).await.expect("spoken");
        assert_eq!(clip.duration_ms(), 6 * LETTER_MS as u64);
        assert_eq!((clip.words[1].text_start, clip.words[1].text_end), (3, 7));
        assert_eq!(clip.words[1].end_samples as usize, clip.pcm.len());
        cancel.cancel();
        assert!(matches!(voice.speak(request).await, Err(TtsError::Cancelled)));
        assert_eq!(voice.spoken().len(), 2);
    }
}
