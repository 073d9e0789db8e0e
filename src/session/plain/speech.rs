//! The reply in hand: what of it is made, what has left, and what was heard. Pure. Must never count as heard what did not
//! sound.

use super::record::Marks;
use crate::audio::frame::WordTiming;
use crate::audio::playout::{Making, Sentence, heard_of};
use crate::id::{SpeechId, TurnId};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// A sentence's words and how much of its sound came.
pub struct Said {
    pub text: Arc<str>,
    pub samples: u64,
    pub words: Vec<WordTiming>,
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
            growing: false,
            complete: false,
            end_told: false,
            unplayed: Vec::new(),
            sent_samples: 0,
            is_sounding: false,
        }
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
