//! The played transcriber's ear: what one caller said so far, and what is told of it. Words are those that whoever speaks has
//! told beforehand, else the pitch of a tone. Pure. Must never tell a word before it was said.

use super::{EAR_HZ, PITCH_SAMPLES, VOICE_LEVEL};
use crate::cli::tone;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};

/// So much sound lies between two results that may still change, samples (300 ms).
const INTERIM_SAMPLES: usize = EAR_HZ * 3 / 10;

/// Words that are about to be said without a pause, and when: ms from the first voiced sample of all.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Stretch {
    pub text: String,
    pub from_ms: u64,
    pub to_ms: u64,
}

/// What the next voice will say; the first transcriber that hears one takes it.
#[derive(Clone, Debug, Default)]
pub struct Coming(Arc<Mutex<Option<Vec<Stretch>>>>);

impl Coming {
    pub fn told(&self, stretches: Vec<Stretch>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(stretches);
    }

    fn take(&self) -> Option<Vec<Stretch>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A word and its place in what is heard, samples.
#[derive(Clone, Debug)]
struct Word {
    text: String,
    from: usize,
    to: usize,
}

/// What one caller said so far.
#[derive(Debug)]
pub struct Hearing {
    silence_samples: usize,
    words: Option<String>,
    coming: Coming,
    heard: usize,
    /// Where the voice began and where it last sounded; none while silent.
    voice: Option<(usize, usize)>,
    tone: Vec<i16>,
    /// Words that were announced and not told yet.
    untold: Vec<Word>,
    /// Somebody has announced what is said: no tones are listened for.
    is_told: bool,
    interim_at: usize,
}

impl Hearing {
    /// An ear that takes so much silence for an end. With `words`, that is what everybody says.
    pub fn new(silence_samples: usize, words: Option<String>, coming: Coming) -> Self {
        Self {
            silence_samples,
            words,
            coming,
            heard: 0,
            voice: None,
            tone: Vec::new(),
            untold: Vec::new(),
            is_told: false,
            interim_at: 0,
        }
    }

    /// Takes sound; the result that is due: final if the caller has finished.
    pub fn take(&mut self, pcm: &[i16]) -> Option<Value> {
        let power: f64 = pcm.iter().map(|sample| f64::from(*sample).powi(2)).sum();
        let from = self.heard;
        self.heard += pcm.len();
        if (power / pcm.len().max(1) as f64).sqrt() >= VOICE_LEVEL {
            if self.voice.is_none() {
                self.begins(from);
            }
            let began = self.voice.map_or(from, |(began, _)| began);
            self.voice = Some((began, self.heard));
            let room = PITCH_SAMPLES.saturating_sub(self.tone.len()).min(pcm.len());
            self.tone.extend_from_slice(&pcm[..room]);
        }
        let (_, until) = self.voice?;
        if self.heard - until >= self.silence_samples {
            return Some(self.result(true, false));
        }
        (self.is_told && self.heard >= self.interim_at).then(|| self.interim()).flatten()
    }

    /// A voice begins at `from`: with what was announced, or going on with it.
    fn begins(&mut self, from: usize) {
        self.interim_at = from + INTERIM_SAMPLES;
        if let Some(stretches) = self.coming.take() {
            self.is_told = true;
            self.untold = stretches.iter().flat_map(|stretch| words_of(stretch, from)).collect();
        }
    }

    /// The words so far, final.
    pub fn result(&mut self, is_end: bool, is_asked: bool) -> Value {
        let voice = self.voice.take();
        let tone = std::mem::take(&mut self.tone);
        let (from, until) = voice.unwrap_or((self.heard, self.heard));
        let said = match (voice, &self.words) {
            (None, _) => Vec::new(),
            (Some(_), _) if self.is_told => self.untold.drain(..self.count_until(until)).collect(),
            (Some(_), Some(words)) => everywhere(words, from, until),
            (Some(_), None) => everywhere(&format!("tone {}", pitch(&tone)), from, until),
        };
        message(&said, from, self.heard, Some((is_end, is_asked)))
    }

    /// The words so far, which may still change.
    fn interim(&mut self) -> Option<Value> {
        self.interim_at = self.heard + INTERIM_SAMPLES;
        let (from, until) = self.voice?;
        let said = &self.untold[..self.count_until(until)];
        (!said.is_empty()).then(|| message(said, from, self.heard, None))
    }

    /// How many of the announced words have begun by `until`.
    fn count_until(&self, until: usize) -> usize {
        self.untold.iter().take_while(|word| word.from < until).count()
    }

    /// All words of a sound that is there as a whole.
    pub fn whole(mut self, pcm: &[i16]) -> String {
        self.silence_samples = usize::MAX;
        for frame in pcm.chunks(EAR_HZ / 50) {
            self.take(frame);
        }
        let result = self.result(true, true);
        result["channel"]["alternatives"][0]["transcript"].as_str().unwrap_or_default().to_owned()
    }
}

/// The words of a stretch behind the sample `began`, each as long as its letters.
fn words_of(stretch: &Stretch, began: usize) -> Vec<Word> {
    let samples = |ms: u64| usize::try_from(ms).unwrap_or(0) * (EAR_HZ / 1_000);
    let (from, to) = (began + samples(stretch.from_ms), began + samples(stretch.to_ms.max(stretch.from_ms)));
    let letters: usize = stretch.text.split_whitespace().map(|word| word.chars().count() + 1).sum();
    let place = |letter: usize| from + (to - from) * letter / letters.max(1);
    let mut before = 0;
    let word = |text: &str| {
        let at = before;
        before += text.chars().count() + 1;
        Word { text: text.to_owned(), from: place(at), to: place(before) }
    };
    stretch.text.split_whitespace().map(word).collect()
}

/// Words of which nobody knows where they lie.
fn everywhere(text: &str, from: usize, to: usize) -> Vec<Word> {
    text.split_whitespace().map(|word| Word { text: word.to_owned(), from, to }).collect()
}

/// A result as Deepgram writes it; `last`: whether it ends the speech, and whether it was asked for.
fn message(said: &[Word], from: usize, heard: usize, last: Option<(bool, bool)>) -> Value {
    let seconds = |samples: usize| samples as f64 / EAR_HZ as f64;
    let text = said.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    let words: Vec<Value> = said
        .iter()
        .map(
            |word| json!({"word": word.text, "start": seconds(word.from), "end": seconds(word.to), "confidence": 0.99}),
        )
        .collect();
    let (is_end, is_asked) = last.unwrap_or((false, false));
    json!({
        "type": "Results", "channel_index": [0, 1], "start": seconds(from), "duration": seconds(heard - from),
        "is_final": last.is_some(), "speech_final": is_end, "from_finalize": is_asked,
        "channel": {"alternatives": [{"transcript": text, "confidence": 0.99, "words": words}]},
    })
}

/// The pitch of what was said first, Hz, to the nearest 20.
fn pitch(pcm: &[i16]) -> u32 {
    (tone::pitch(&pcm[pcm.len() / 5..], EAR_HZ as u32) / 20.0).round() as u32 * 20
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The results that come while this is heard, by 20 ms: text, and whether it is final.
    fn hears(hearing: &mut Hearing, pcm: &[i16]) -> Vec<(String, bool)> {
        let results = pcm.chunks(320).filter_map(|frame| hearing.take(frame));
        let told = |result: Value| {
            let text = result["channel"]["alternatives"][0]["transcript"].as_str().expect("text").to_owned();
            (text, result["is_final"] == true)
        };
        results.map(told).collect()
    }

    #[test]
    fn a_tone_is_heard_with_its_pitch_when_it_ends() {
        let mut hearing = Hearing::new(3_200, None, Coming::default());
        let tone = tone::tone(640, 1_000, 16_000);
        assert!(hears(&mut hearing, &tone).is_empty());
        assert!(hears(&mut hearing, &[0; 2_880]).is_empty());
        let result = hearing.take(&[0; 320]).expect("after 200 ms");
        assert_eq!(result["channel"]["alternatives"][0]["transcript"], "tone 640");
        assert_eq!(result["speech_final"], true);
        assert!(hears(&mut hearing, &[0; 3_200]).is_empty());
        assert_eq!(Hearing::new(0, None, Coming::default()).whole(&tone), "tone 640");
    }

    #[test]
    fn announced_words_are_told_as_they_are_said_and_none_before() {
        let coming = Coming::default();
        let mut hearing = Hearing::new(3_200, None, coming.clone());
        let stretch = |text: &str, from_ms, to_ms| Stretch { text: text.into(), from_ms, to_ms };
        coming.told(vec![stretch("one two three four", 0, 1_000), stretch("and five", 2_000, 2_500)]);
        let told = hears(&mut hearing, &tone::tone(500, 1_000, 16_000));
        let (last, is_final) = told.last().expect("words that may still change").clone();
        assert!("one two three four".starts_with(&last) && !is_final && told.len() == 3, "{told:?}");
        let told = hears(&mut hearing, &[0; 16_000]);
        assert_eq!(told.last(), Some(&("one two three four".to_owned(), true)), "{told:?}");
        assert_eq!(told.iter().filter(|(_, is_final)| *is_final).count(), 1);
        let told = hears(&mut hearing, &[tone::tone(500, 500, 16_000), vec![0; 3_200]].concat());
        assert_eq!(told.last(), Some(&("and five".to_owned(), true)));
        // Who is heard again has nothing more to say.
        let told = hears(&mut hearing, &[tone::tone(500, 500, 16_000), vec![0; 3_200]].concat());
        assert_eq!(told, [(String::new(), true)]);
    }

    #[test]
    fn words_lie_where_they_are_said() {
        let coming = Coming::default();
        let mut hearing = Hearing::new(3_200, None, coming.clone());
        coming.told(vec![Stretch { text: "yes of course".into(), from_ms: 0, to_ms: 700 }]);
        hears(&mut hearing, &[vec![0; 8_000], tone::tone(500, 300, 16_000)].concat());
        let result = hearing.result(false, true);
        let words = result["channel"]["alternatives"][0]["words"].as_array().expect("words");
        assert_eq!(words.len(), 2, "the third is not said yet: {words:?}");
        assert!((words[0]["start"].as_f64().expect("a number") - 0.5).abs() < 0.03, "{words:?}");
        assert!((words[1]["start"].as_f64().expect("a number") - 0.7).abs() < 0.03, "{words:?}");
        assert_eq!((&result["from_finalize"], &result["speech_final"]), (&json!(true), &json!(false)));
    }
}
