//! What the candidate has said in one turn so far: utterances, their words, and the pause after them. Must never decide.

use super::endpointing::{OwnPauses, PAUSE_MS_MIN, Pause};
use super::words::{self, Sign};
use crate::audio::frame::SamplePos;
use crate::id::{TurnId, UtteranceId};
use crate::interview::question::QuestionKind;
use std::time::Instant;

/// One stretch of the candidate's speech.
#[derive(Clone, Debug)]
pub(super) struct Utterance {
    pub id: UtteranceId,
    /// When its sound began.
    pub start: Instant,
    pub sound: Sound,
    pub words: Heard,
    pub completion: Option<f32>,
}

/// Whether it still sounds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Sound {
    Talking { since: SamplePos },
    Ended { at: SamplePos, when: Instant },
}

/// What is known of its words.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Heard {
    /// None yet, or words that may still change.
    Awaited {
        content_words: usize,
    },
    Known(Words),
    Failed,
}

/// Words with what they say of the pause, judged once, when they come.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Words {
    pub content_words: usize,
    pub completeness: Option<f32>,
    pub sign: Sign,
    /// Few enough that a request for time is all of it.
    pub short: bool,
}

/// A request for time has at most so many words ("hmm okay could you give me a moment please").
const MOMENT_WORDS_MAX: usize = 9;

/// The end of an utterance tells all that is asked of its words; bytes of it that are looked at (a decision must stay
/// cheap however long the answer).
const TAIL_BYTES_MAX: usize = 240;

/// The last words of `text`.
fn tail(text: &str) -> &str {
    let from = text.floor_char_boundary(text.len().saturating_sub(TAIL_BYTES_MAX));
    &text[from..]
}

impl Utterance {
    pub fn new(id: UtteranceId, at: SamplePos, start: Instant) -> Self {
        Self {
            id,
            start,
            sound: Sound::Talking { since: at },
            words: Heard::Awaited { content_words: 0 },
            completion: None,
        }
    }

    /// The pause was none: the same utterance goes on.
    pub fn go_on(&mut self, at: SamplePos) {
        self.sound = Sound::Talking { since: at };
        self.words = Heard::Awaited { content_words: self.content_words() };
        self.completion = None;
    }

    pub fn is_talking(&self) -> bool {
        matches!(self.sound, Sound::Talking { .. })
    }

    pub fn ends(&mut self, at: SamplePos, when: Instant) {
        if let Sound::Talking { since } = self.sound {
            self.sound = Sound::Ended { at: at.max(since), when: when.max(self.start) };
        }
    }

    /// The turn model's opinion of the pause; one that comes while they talk again was of an earlier pause.
    pub fn judged(&mut self, probability: f32) {
        if !self.is_talking() {
            self.completion = Some(probability);
        }
    }

    pub fn hear(&mut self, text: &str, last: bool) {
        let whole = text.len();
        let text = tail(text);
        let content_words = words::content_words(text);
        self.words = if last || !self.is_talking() {
            Heard::Known(Words {
                content_words,
                completeness: words::completeness(text),
                sign: words::sign(text),
                short: text.len() == whole && words::plain_words(text).len() <= MOMENT_WORDS_MAX,
            })
        } else {
            Heard::Awaited { content_words }
        };
    }

    /// Ended, and known to hold no word at all: a cough, a door.
    pub fn is_noise(&self) -> bool {
        !self.is_talking() && matches!(&self.words, Heard::Known(words) if words.completeness.is_none())
    }

    /// Words other than backchannels, as far as known.
    pub fn content_words(&self) -> usize {
        match &self.words {
            Heard::Awaited { content_words } | Heard::Known(Words { content_words, .. }) => *content_words,
            Heard::Failed => 0,
        }
    }

    fn words_settled(&self) -> bool {
        match self.words {
            Heard::Awaited { .. } => false,
            Heard::Known(_) | Heard::Failed => true,
        }
    }

    /// Known to hold nothing that wants the floor.
    pub fn is_aside(&self) -> bool {
        !self.is_talking() && matches!(&self.words, Heard::Known(words) if words.content_words == 0)
    }

    pub fn ended(&self) -> Option<(SamplePos, Instant)> {
        match self.sound {
            Sound::Talking { .. } => None,
            Sound::Ended { at, when } => Some((at, when)),
        }
    }
}

/// What the candidate was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Asked {
    pub kind: QuestionKind,
    /// A follow-up.
    pub probe: bool,
}

/// One turn of the candidate.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    pub id: TurnId,
    /// What was asked before it.
    pub asked: Option<Asked>,
    /// How much of what must be said it has said, as told last.
    pub covered: Option<f32>,
    pub utterances: Vec<Utterance>,
    /// Pauses after which it went on.
    pub pauses: u32,
    pub opened: Instant,
    /// The candidate said by hand that this is all.
    pub finished: Option<Instant>,
    /// The candidate asked by hand for time.
    pub thinking: bool,
    /// A reply is being prepared.
    pub prepared: bool,
    /// Utterances that the last commitment held, if there was one.
    pub committed: Option<usize>,
    /// How often it was cut off.
    pub reopened: u32,
    /// The limit of a monologue was passed at this instant.
    pub overlong: Option<Instant>,
}

impl Turn {
    pub fn new(id: TurnId, asked: Option<Asked>, opened: Instant) -> Self {
        Self {
            id,
            asked,
            covered: None,
            utterances: Vec::new(),
            pauses: 0,
            opened,
            finished: None,
            thinking: false,
            prepared: false,
            committed: None,
            reopened: 0,
            overlong: None,
        }
    }

    pub fn kind(&self) -> Option<QuestionKind> {
        self.asked.map(|asked| asked.kind)
    }

    pub fn is_talking(&self) -> bool {
        self.utterances.iter().any(Utterance::is_talking)
    }

    pub fn words_settled(&self) -> bool {
        self.utterances.iter().all(Utterance::words_settled)
    }

    /// It goes on after `ms` of silence.
    pub fn went_on_after(&mut self, ms: u64, own: &mut OwnPauses) {
        own.went_on_after(ms);
        if ms >= PAUSE_MS_MIN {
            self.pauses = self.pauses.saturating_add(1);
        }
    }

    /// A sound: a new utterance, or one that had paused and goes on.
    pub fn hear(&mut self, utterance: Utterance) {
        match (self.utterance(utterance.id), utterance.sound) {
            (Some(known), Sound::Talking { since }) => known.go_on(since),
            (Some(_), Sound::Ended { .. }) => {}
            (None, _) => self.utterances.push(utterance),
        }
    }

    /// Takes up what sounded after the commitment: a new utterance, or one of this turn that goes on.
    pub fn take(&mut self, utterance: Utterance) {
        match self.utterances.iter().position(|known| known.id == utterance.id) {
            None => self.utterances.push(utterance),
            Some(place) => {
                let start = self.utterances[place].start;
                self.utterances[place] = Utterance { start, ..utterance };
                // What was committed before is no longer all of it.
                self.committed = self.committed.map(|count| count.min(place));
            }
        }
    }

    pub fn holds(&self, id: UtteranceId) -> bool {
        self.utterances.iter().any(|utterance| utterance.id == id)
    }

    pub fn utterance(&mut self, id: UtteranceId) -> Option<&mut Utterance> {
        self.utterances.iter_mut().rev().find(|utterance| utterance.id == id)
    }

    /// Where and when the last speech ended; `None` while talking or if nothing was said.
    pub fn silent_since(&self) -> Option<(SamplePos, Instant)> {
        if self.is_talking() {
            return None;
        }
        self.utterances.iter().filter_map(Utterance::ended).max_by_key(|(_, when)| *when)
    }

    /// What went on after the last commitment is nothing that wants the floor: the commitment stands.
    pub fn adds_nothing(&self) -> bool {
        self.committed
            .is_some_and(|count| self.utterances[count.min(self.utterances.len())..].iter().all(Utterance::is_aside))
    }

    /// What is known of the pause after the last utterance.
    pub fn pause(&self) -> Pause {
        let last = self.utterances.last();
        let words = last.and_then(|utterance| match &utterance.words {
            Heard::Known(words) => Some(words),
            Heard::Awaited { .. } | Heard::Failed => None,
        });
        let sign = words.map_or(Sign::Nothing, |words| words.sign);
        let whole = self.utterances.len() == 1;
        Pause {
            kind: self.kind(),
            probe: self.asked.is_some_and(|asked| asked.probe),
            covered: self.covered,
            words: self.utterances.iter().map(Utterance::content_words).sum(),
            completion: last.and_then(|utterance| utterance.completion),
            completeness: words.and_then(|words| words.completeness),
            sign,
            only_moment: whole && words.is_some_and(|words| words.short),
            whole,
            so_far_ms: self.silent_since().map_or(0, |(_, since)| {
                since.saturating_duration_since(self.opened).as_millis().try_into().unwrap_or(u64::MAX)
            }),
            pauses: self.pauses,
            thinking: self.thinking,
            reopened: self.reopened,
        }
    }
}
