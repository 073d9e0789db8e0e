//! Voices in order of preference: the first one that is well speaks. When it fails, the next one speaks what was not
//! spoken yet. What a voice has said before is taken from its store, whether it is well or not. Must never say a word
//! twice that was heard whole, nor keep one voice's sound under another's name.

use super::cache::CachedVoice;
use super::pieces::gathered;
use super::{SpeakRequest, TextToSpeech, TtsError, VOICE_PIECES_MAX, VoiceEvent};
use crate::audio::frame::{VOICE_RATE_HZ, VoiceClip, WordTiming};
use crate::cloud::meter::Meter;
use crate::cloud::{Breaker, Fault};
use futures::future::BoxFuture;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Time for each letter where a voice tells no words, samples (65 ms): as people speak.
const LETTER_SAMPLES: u64 = VOICE_RATE_HZ as u64 * 65 / 1000;

/// A voice with its store, and what is known of its health, which all interviews share.
#[derive(Clone, Debug)]
pub struct TtsLink {
    pub voice: CachedVoice,
    pub breaker: Arc<Breaker>,
}

/// The chain; cheap to clone.
#[derive(Clone, Debug)]
pub struct TtsChain {
    links: Arc<[TtsLink]>,
    /// Those that all of them speak: any may have to take over.
    languages: Vec<&'static str>,
}

impl TtsChain {
    /// `links` is not empty.
    #[must_use]
    pub fn new(links: Vec<TtsLink>) -> Self {
        let speaks = |link: &TtsLink, language: &&'static str| link.voice.languages().contains(language);
        let first = links.first().map_or(&[][..], |link| link.voice.languages());
        let languages =
            first.iter().copied().filter(|language| links.iter().all(|link| speaks(link, language))).collect();
        Self { links: links.into(), languages }
    }

    /// Who is asked, in order: those that have it or are well; at worst all. One that is alone is asked twice.
    fn order(&self, request: &SpeakRequest) -> Vec<TtsLink> {
        let now = Instant::now().into_std();
        let can = |link: &&TtsLink| link.breaker.allows(now) || link.voice.is_kept(&request.text, request.speed);
        let mut order: Vec<TtsLink> = self.links.iter().filter(can).cloned().collect();
        if order.is_empty() {
            order = self.links.to_vec();
        }
        if order.len() == 1 {
            order.push(order[0].clone());
        }
        order
    }

    async fn run(self, request: SpeakRequest, events: mpsc::Sender<VoiceEvent>) -> Result<(), TtsError> {
        let mut so_far = SoFar::default();
        let mut failed = None;
        for link in self.order(&request) {
            let rest = so_far.rest(&request.text);
            if rest.trim().is_empty() {
                return Ok(());
            }
            let text_from = request.text.len() - rest.len();
            let said = so_far.speak(&link, &request, text_from, &events).await;
            let Err(error) = said else {
                link.breaker.succeeded();
                return Ok(());
            };
            let fault = fault(&error);
            if matches!(fault, None | Some(Fault::Request)) {
                return Err(error);
            }
            let name = link.voice.voice();
            let wait = link.breaker.failed(Instant::now().into_std(), fault.unwrap_or(Fault::Passing));
            let wait_ms = wait.as_millis();
            tracing::warn!(%name, %error, wait_ms, "a voice failed; the next one speaks the rest");
            metrics::counter!("vivavoce_provider_failures_total", "part" => "tts", "provider" => name).increment(1);
            failed = Some(error);
        }
        Err(failed.unwrap_or(TtsError::Gone))
    }
}

/// What was spoken of a sentence, by whomever.
#[derive(Debug, Default)]
struct SoFar {
    samples: u64,
    /// Bytes of the text before the voice that speaks now, and samples.
    text_from: usize,
    samples_from: u64,
    words: Vec<WordTiming>,
}

impl SoFar {
    async fn speak(
        &mut self,
        link: &TtsLink,
        request: &SpeakRequest,
        text_from: usize,
        events: &mpsc::Sender<VoiceEvent>,
    ) -> Result<(), TtsError> {
        (self.text_from, self.samples_from) = (text_from, self.samples);
        let rest: Arc<str> = if text_from == 0 { request.text.clone() } else { request.text[text_from..].into() };
        let mut stream = link.voice.stream(SpeakRequest { text: rest, ..request.clone() });
        while let Some(event) = stream.recv().await {
            match event {
                VoiceEvent::Piece { pcm, words } => {
                    let words: Vec<WordTiming> = words.iter().map(|word| self.placed(word)).collect();
                    self.samples += pcm.len() as u64;
                    self.words.extend_from_slice(&words);
                    events.send(VoiceEvent::Piece { pcm, words }).await.map_err(|_| TtsError::Cancelled)?;
                }
                VoiceEvent::Done => return Ok(()),
                VoiceEvent::Failed(error) => return Err(error),
            }
        }
        Err(TtsError::Gone)
    }

    fn placed(&self, word: &WordTiming) -> WordTiming {
        let text = u32::try_from(self.text_from).unwrap_or(u32::MAX);
        let samples = u32::try_from(self.samples_from).unwrap_or(u32::MAX);
        WordTiming {
            text_start: word.text_start.saturating_add(text),
            text_end: word.text_end.saturating_add(text),
            start_samples: word.start_samples.saturating_add(samples),
            end_samples: word.end_samples.saturating_add(samples),
        }
    }

    /// What is still to be said: from the first word that was not spoken to its end.
    fn rest<'a>(&self, text: &'a str) -> &'a str {
        if self.samples == 0 {
            return text;
        }
        let own = self.words.iter().filter(|word| word.text_start as usize >= self.text_from);
        let by_words = own.filter(|word| u64::from(word.end_samples) <= self.samples).map(|word| word.text_end).max();
        let from = match by_words {
            Some(end) => end as usize,
            None if self.words.is_empty() => by_letters(text, self.text_from, self.samples - self.samples_from),
            None => self.text_from,
        };
        let rest = text.get(from..).unwrap_or("");
        rest.trim_start()
    }
}

/// Where so many samples have come to, at the pace of speech: never beyond the last whole word.
fn by_letters(text: &str, from: usize, samples: u64) -> usize {
    let mut letters_left = samples / LETTER_SAMPLES;
    let mut at = from;
    for word in text.get(from..).unwrap_or("").split_inclusive(char::is_whitespace) {
        let letters = word.chars().count() as u64;
        if letters > letters_left {
            break;
        }
        letters_left -= letters;
        at += word.len();
    }
    at
}

/// What a failure means; `None` for one that is nobody's.
fn fault(error: &TtsError) -> Option<Fault> {
    match error {
        TtsError::Cloud(error) => Some(error.fault),
        TtsError::Load { .. } => Some(Fault::Unfit),
        TtsError::Run { .. } | TtsError::Busy { .. } | TtsError::Gone => Some(Fault::Passing),
        TtsError::TooLong { .. } | TtsError::Cancelled => None,
    }
}

impl TextToSpeech for TtsChain {
    fn speak(&self, request: SpeakRequest) -> BoxFuture<'static, Result<VoiceClip, TtsError>> {
        let (text, stream) = (request.text.clone(), self.stream(request));
        Box::pin(gathered(text, stream))
    }

    fn stream(&self, request: SpeakRequest) -> mpsc::Receiver<VoiceEvent> {
        let (events, stream) = mpsc::channel(VOICE_PIECES_MAX);
        let speaking = self.clone().run(request, events.clone());
        // Ends as the voices do; all of them end when cancelled.
        tokio::spawn(async move {
            let said = tokio::select! {
                () = events.closed() => return,
                said = speaking => said,
            };
            // A reader that has gone wants no ending.
            let _ = events.send(said.map_or_else(VoiceEvent::Failed, |()| VoiceEvent::Done)).await;
        });
        stream
    }

    fn metered(&self, meter: &Meter) -> Option<Arc<dyn TextToSpeech>> {
        let link = |link: &TtsLink| TtsLink { voice: link.voice.counted(meter), breaker: link.breaker.clone() };
        Some(Arc::new(Self { links: self.links.iter().map(link).collect(), ..self.clone() }))
    }

    fn unkept(&self) -> Option<Arc<dyn TextToSpeech>> {
        let link = |link: &TtsLink| TtsLink { voice: link.voice.passing(), breaker: link.breaker.clone() };
        Some(Arc::new(Self { links: self.links.iter().map(link).collect(), ..self.clone() }))
    }

    fn languages(&self) -> &[&'static str] {
        &self.languages
    }

    fn voice(&self) -> String {
        self.links.iter().map(|link| link.voice.voice()).collect::<Vec<_>>().join(", else ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_begins_after_the_last_whole_word() {
        let text = "One two three four.";
        let word =
            |text_start, text_end, end_samples| WordTiming { text_start, text_end, start_samples: 0, end_samples };
        let mut so_far = SoFar::default();
        assert_eq!(so_far.rest(text), text);
        so_far.samples = 5_000;
        so_far.words = vec![word(0, 3, 2_000), word(4, 7, 4_900), word(8, 13, 9_000)];
        assert_eq!(so_far.rest(text), "three four.");
        so_far.words.clear();
        assert_eq!(so_far.rest(text), text, "not even one word was whole");
        so_far.samples = LETTER_SAMPLES * 9;
        assert_eq!(so_far.rest(text), "three four.");
        so_far.samples = LETTER_SAMPLES * 100;
        assert_eq!(so_far.rest(text), "");
    }
}
