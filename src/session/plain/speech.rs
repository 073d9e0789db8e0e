//! The reply in hand: what of it is made, what has left, and what was heard. Pure. Must never count as heard what did not
//! sound.

use super::record::Marks;
use crate::audio::frame::WordTiming;
use crate::audio::playout::{Making, Sentence, heard_of};
use crate::id::{SpeechId, TurnId};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// A sentence's words and how much of its sound came.
pub struct Said {
    pub text: Arc<str>,
    pub samples: u64,
    pub words: Vec<WordTiming>,
}

/// Words are shown so often at most, ms: quicker than anybody reads.
const SHOWN_EVERY: Duration = Duration::from_millis(120);

/// What the model has written and the screen does not show yet. A message is a packet each way, and a model writes dozens of
/// pieces: the first is shown at once, the others by and by.
#[derive(Debug, Default)]
pub struct Unshown {
    text: String,
    shown: Option<Instant>,
}

impl Unshown {
    /// More was written at `at`; what is to be shown now.
    pub fn more(&mut self, text: &str, at: Instant) -> Option<String> {
        self.text.push_str(text);
        if self.shown.is_some_and(|shown| at < shown + SHOWN_EVERY) {
            return None;
        }
        self.shown = Some(at);
        self.rest()
    }

    /// All that was not shown.
    pub fn rest(&mut self) -> Option<String> {
        Some(std::mem::take(&mut self.text)).filter(|text| !text.is_empty())
    }
}

/// The reply in hand.
pub struct Reply {
    pub speech: SpeechId,
    pub turn: Option<TurnId>,
    /// The log must be durable up to here before it sounds.
    pub needs_seq: i64,
    pub cancel: CancellationToken,
    pub marks: Option<Marks>,
    pub said: Vec<Said>,
    pub unshown: Unshown,
    /// So many sentences were told as they began to sound.
    told: usize,
    /// The last sentence still grows.
    pub growing: bool,
    /// No more sound will come.
    pub complete: bool,
    pub end_told: bool,
    /// Sound that waits for the log.
    pub unplayed: Vec<Arc<[i16]>>,
    pub sent_samples: u64,
    pub is_sounding: bool,
}

impl Reply {
    pub fn new(
        speech: SpeechId,
        turn: Option<TurnId>,
        needs_seq: i64,
        marks: Option<Marks>,
        cancel: CancellationToken,
    ) -> Self {
        Self {
            speech,
            turn,
            needs_seq,
            cancel,
            marks,
            said: Vec::new(),
            unshown: Unshown::default(),
            told: 0,
            growing: false,
            complete: false,
            end_told: false,
            unplayed: Vec::new(),
            sent_samples: 0,
            is_sounding: false,
        }
    }

    /// More sound of its last sentence, and words known since.
    pub fn take(&mut self, pcm: Arc<[i16]>, words: Vec<WordTiming>) {
        if let Some(said) = self.said.last_mut() {
            said.samples += pcm.len() as u64;
            said.words.extend(words);
        }
        if !pcm.is_empty() {
            self.unplayed.push(pcm);
        }
    }

    /// It begins to sound: its words so far, to be told.
    pub fn begins(&mut self) -> String {
        self.told = self.said.len();
        self.planned()
    }

    /// Its last sentence is whole; the words of it, where it follows others that sound and was not told yet.
    pub fn sentence_done(&mut self) -> Option<String> {
        self.growing = false;
        let is_news = self.is_sounding && std::mem::replace(&mut self.told, self.said.len()) < self.said.len();
        self.said.last().filter(|_| is_news).map(|said| said.text.to_string())
    }

    /// Its words so far.
    pub fn planned(&self) -> String {
        self.said.iter().map(|said| &*said.text).collect::<Vec<_>>().join(" ")
    }

    /// Its words, and those of them that were heard when `sent_samples` had left and the client held `buffered_ms`.
    pub fn planned_and_heard(&self, sent_samples: u64, buffered_ms: u32) -> (String, String) {
        let making = match (self.complete, self.growing) {
            (true, _) => Making::Whole,
            (false, true) => Making::Growing,
            (false, false) => Making::MoreClips,
        };
        let sentences: Vec<Sentence<'_>> = self
            .said
            .iter()
            .map(|said| Sentence { text: &said.text, samples: said.samples, words: &said.words })
            .collect();
        (self.planned(), heard_of(&sentences, making, sent_samples, buffered_ms).text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sentence_is_told_once() {
        let mut reply = Reply::new(SpeechId(1), None, 0, None, CancellationToken::new());
        let said = |text: &str| Said { text: text.into(), samples: 480, words: Vec::new() };
        reply.said.push(said("One."));
        assert_eq!(reply.sentence_done(), None, "nothing sounds yet");
        reply.said.push(said("Two."));
        reply.is_sounding = true;
        assert_eq!(reply.begins(), "One. Two.");
        assert_eq!(reply.sentence_done(), None, "it was told as it began");
        reply.said.push(said("Three."));
        assert_eq!(reply.sentence_done().as_deref(), Some("Three."));
        assert_eq!(reply.sentence_done(), None);
    }

    #[test]
    fn words_are_shown_by_and_by_and_none_is_lost() {
        let mut unshown = Unshown::default();
        let start = Instant::now();
        let shown: Vec<Option<String>> =
            (0..30).map(|n| unshown.more("a ", start + Duration::from_millis(10 * n))).collect();
        assert_eq!(shown[0].as_deref(), Some("a "), "the first at once");
        assert_eq!(shown.iter().flatten().count(), 3);
        let all: String = shown.into_iter().flatten().chain(unshown.rest()).collect();
        assert_eq!(all, "a ".repeat(30));
        assert_eq!(unshown.rest(), None);
    }
}
