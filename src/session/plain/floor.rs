//! Who may speak in a plain conversation: when the caller has finished, and when the caller cuts in. PURE: marks and words
//! in, commands out; its time is the session's sample clock, which every frame moves on. Must never know who transcribes.

use crate::audio::frame::SamplePos;
use crate::id::UtteranceId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Utterances of one turn that are kept; a turn has a handful.
const UTTERANCES_MAX: usize = 64;

/// Who says that the caller has finished.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Endpointing {
    /// The transcriber.
    Provider,
    /// The stated silence.
    Vad,
    /// The stated silence and the turn model's word.
    Turn,
}

/// What the floor goes by.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FloorSettings {
    pub endpointing: Endpointing,
    /// Speech of the caller that stops the bot, ms.
    pub interrupt_ms: u32,
    /// From this probability on the turn model's word counts as "finished".
    pub complete_probability: f32,
    /// Silence after which the caller has finished whatever the turn model says, ms.
    pub silence_max_ms: u32,
}

/// What happens.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// The caller's voice began.
    Began { at: SamplePos },
    /// It ended at `at`, and the stated silence has passed; words of the utterance's revision are asked for.
    Paused { utterance: UtteranceId, at: SamplePos },
    /// The words of an utterance so far; `is_last` if they are those asked for at its last pause.
    Words { utterance: UtteranceId, text: String, is_last: bool },
    /// The transcriber takes the caller to have finished; all that was said since it last said so.
    Endpoint { text: String, to: SamplePos },
    /// How likely it is that the caller has finished; `None` if the model cannot say.
    Completion { probability: Option<f32> },
    /// A frame ended at `at`.
    Frame { at: SamplePos },
    /// A reply is being made or sounds, or no longer.
    Busy(bool),
}

/// What is to be done.
#[derive(Clone, PartialEq, Debug)]
pub enum Command {
    /// The caller cuts in: the bot stops.
    Interrupt,
    /// The caller has finished.
    Reply { text: String, speech_end: SamplePos },
}

struct Pause {
    utterance: UtteranceId,
    at: SamplePos,
    has_words: bool,
    completion: Option<f32>,
    /// The model was asked and cannot say: the stated silence decides.
    unjudged: bool,
}

/// The state of the floor.
pub struct Floor {
    settings: FloorSettings,
    /// Where the voice that sounds began.
    speaking: Option<SamplePos>,
    /// Where the last voice ended.
    ended: SamplePos,
    now: SamplePos,
    pause: Option<Pause>,
    busy: bool,
    said: BTreeMap<UtteranceId, String>,
    commands: VecDeque<Command>,
}

impl Floor {
    #[must_use]
    pub fn new(settings: FloorSettings) -> Self {
        Self {
            settings,
            speaking: None,
            ended: SamplePos(0),
            now: SamplePos(0),
            pause: None,
            busy: false,
            said: BTreeMap::new(),
            commands: VecDeque::new(),
        }
    }

    pub fn poll_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// How long the caller has been silent, ms; none while the voice sounds.
    #[must_use]
    pub fn silent_ms(&self) -> Option<u32> {
        self.speaking.is_none().then(|| ms(self.ended, self.now))
    }

    pub fn handle_event(&mut self, event: Event) {
        match event {
            Event::Began { at } => {
                self.speaking = Some(at);
                self.pause = None;
            }
            Event::Paused { utterance, at } => {
                self.speaking = None;
                self.ended = at;
                let own = self.settings.endpointing != Endpointing::Provider;
                let pause = Pause { utterance, at, has_words: false, completion: None, unjudged: false };
                self.pause = own.then_some(pause);
            }
            Event::Words { utterance, text, is_last } => self.words(utterance, text, is_last),
            Event::Endpoint { text, to } => self.endpoint(text, to),
            Event::Completion { probability } => {
                if let Some(pause) = &mut self.pause {
                    pause.completion = probability;
                    pause.unjudged = probability.is_none();
                }
            }
            Event::Frame { at } => {
                self.now = self.now.max(at);
                self.cut_in();
            }
            Event::Busy(busy) => self.busy = busy,
        }
        self.decide();
    }

    fn words(&mut self, utterance: UtteranceId, text: String, is_last: bool) {
        if self.settings.endpointing == Endpointing::Provider {
            return;
        }
        self.said.insert(utterance, text);
        while self.said.len() > UTTERANCES_MAX {
            self.said.pop_first();
        }
        if let Some(pause) = self.pause.as_mut().filter(|pause| pause.utterance == utterance && is_last) {
            pause.has_words = true;
        }
    }

    fn endpoint(&mut self, text: String, to: SamplePos) {
        match self.settings.endpointing {
            Endpointing::Provider => {
                // Its silence was counted by itself; where no voice was noticed, its own mark is the best there is.
                let speech_end = if self.ended.0 > 0 { self.ended } else { to };
                // A voice that goes on cuts in from here on, not by what was answered.
                self.speaking = self.speaking.map(|_| self.now);
                self.commands.push_back(Command::Reply { text, speech_end });
            }
            // A transcriber that answers no request marks the end by itself: good enough if it comes first.
            Endpointing::Vad | Endpointing::Turn => {
                if let Some(pause) = self.pause.as_mut().filter(|pause| !pause.has_words && to >= pause.at) {
                    pause.has_words = true;
                    self.said.insert(pause.utterance, text);
                }
            }
        }
    }

    /// Speech of the stated length over the bot.
    fn cut_in(&mut self) {
        let lasts = self.speaking.is_some_and(|since| ms(since, self.now) >= self.settings.interrupt_ms);
        if self.busy && lasts {
            self.busy = false;
            self.commands.push_back(Command::Interrupt);
        }
    }

    fn decide(&mut self) {
        let Some(pause) = self.pause.as_ref().filter(|pause| pause.has_words && self.speaking.is_none()) else {
            return;
        };
        let is_over = match self.settings.endpointing {
            Endpointing::Provider => false,
            Endpointing::Vad => true,
            Endpointing::Turn => {
                pause.unjudged
                    || pause.completion.is_some_and(|sure| sure >= self.settings.complete_probability)
                    || ms(pause.at, self.now) >= self.settings.silence_max_ms
            }
        };
        if is_over {
            let speech_end = pause.at;
            self.pause = None;
            let texts: Vec<String> = std::mem::take(&mut self.said).into_values().collect();
            let text =
                texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ");
            // A cough has no words, and nothing to reply to.
            if !text.is_empty() {
                self.commands.push_back(Command::Reply { text, speech_end });
            }
        }
    }
}

fn ms(from: SamplePos, to: SamplePos) -> u32 {
    u32::try_from(to.ms().saturating_sub(from.ms())).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floor(endpointing: Endpointing) -> Floor {
        Floor::new(FloorSettings { endpointing, interrupt_ms: 200, complete_probability: 0.5, silence_max_ms: 1_500 })
    }

    fn at(ms: u64) -> SamplePos {
        SamplePos::from_ms(ms)
    }

    fn told(floor: &mut Floor, events: Vec<Event>) -> Vec<Command> {
        events.into_iter().for_each(|event| floor.handle_event(event));
        std::iter::from_fn(|| floor.poll_command()).collect()
    }

    fn words(text: &str) -> Event {
        Event::Words { utterance: UtteranceId(1), text: text.into(), is_last: true }
    }

    fn pause(ms: u64) -> Event {
        Event::Paused { utterance: UtteranceId(1), at: at(ms) }
    }

    fn reply(text: &str, ms: u64) -> Command {
        Command::Reply { text: text.into(), speech_end: at(ms) }
    }

    #[test]
    fn a_providers_mark_is_a_turn() {
        let mut floor = floor(Endpointing::Provider);
        let endpoint = Event::Endpoint { text: "yes".into(), to: at(1_200) };
        let events = vec![Event::Began { at: at(500) }, pause(1_000), words("never"), endpoint];
        assert_eq!(told(&mut floor, events), [reply("yes", 1_000)]);
    }

    #[test]
    fn with_the_own_detector_silence_and_words_make_a_turn_in_any_order() {
        let mut floor = floor(Endpointing::Vad);
        assert_eq!(told(&mut floor, vec![Event::Began { at: at(0) }, pause(900), words("one")]), [reply("one", 900)]);
        // Who goes on before the words came has not finished.
        let events = vec![Event::Began { at: at(2_000) }, pause(2_500), Event::Began { at: at(2_800) }, words("two")];
        assert_eq!(told(&mut floor, events), []);
        assert_eq!(told(&mut floor, vec![pause(3_500), words("two three")]), [reply("two three", 3_500)]);
    }

    #[test]
    fn a_mark_stands_in_for_words_that_do_not_come_and_is_not_answered_twice() {
        let mut floor = floor(Endpointing::Vad);
        let mark = |ms| Event::Endpoint { text: "one".into(), to: at(ms) };
        assert_eq!(told(&mut floor, vec![Event::Began { at: at(0) }, pause(900), mark(950)]), [reply("one", 900)]);
        assert_eq!(told(&mut floor, vec![mark(1_000)]), []);
        assert_eq!(told(&mut floor, vec![Event::Began { at: at(2_000) }, pause(2_900), mark(2_000)]), []);
    }

    #[test]
    fn the_turn_model_holds_back_and_the_longest_silence_does_not() {
        let mut floor = floor(Endpointing::Turn);
        let unsure = Event::Completion { probability: Some(0.2) };
        let events = vec![Event::Began { at: at(0) }, pause(900), unsure, words("so"), Event::Frame { at: at(2_399) }];
        assert_eq!(told(&mut floor, events), []);
        assert_eq!(told(&mut floor, vec![Event::Frame { at: at(2_400) }]), [reply("so", 900)]);
        let sure = Event::Completion { probability: Some(0.8) };
        let events = vec![Event::Began { at: at(3_000) }, pause(3_900), words("yes"), sure];
        assert_eq!(told(&mut floor, events), [reply("yes", 3_900)]);
        let events =
            vec![Event::Began { at: at(5_000) }, pause(5_900), words("no"), Event::Completion { probability: None }];
        assert_eq!(told(&mut floor, events), [reply("no", 5_900)]);
    }

    #[test]
    fn speech_of_the_stated_length_cuts_in_once() {
        let mut floor = floor(Endpointing::Provider);
        let events = vec![Event::Busy(true), Event::Began { at: at(1_000) }, Event::Frame { at: at(1_180) }];
        assert_eq!(told(&mut floor, events), []);
        let frames = vec![Event::Frame { at: at(1_200) }, Event::Frame { at: at(1_220) }];
        assert_eq!(told(&mut floor, frames), [Command::Interrupt]);
        // With nobody to interrupt, nobody is.
        assert_eq!(told(&mut floor, vec![Event::Frame { at: at(9_000) }]), []);
    }

    #[test]
    fn what_was_answered_does_not_cut_in() {
        let mut floor = floor(Endpointing::Provider);
        let endpoint = Event::Endpoint { text: "yes".into(), to: at(2_000) };
        let events = vec![Event::Began { at: at(0) }, Event::Frame { at: at(2_000) }, endpoint, Event::Busy(true)];
        assert_eq!(told(&mut floor, events).len(), 1);
        assert_eq!(told(&mut floor, vec![Event::Frame { at: at(2_180) }]), []);
        assert_eq!(told(&mut floor, vec![Event::Frame { at: at(2_200) }]), [Command::Interrupt]);
    }

    #[test]
    fn a_cough_is_no_turn() {
        let mut floor = floor(Endpointing::Vad);
        assert_eq!(told(&mut floor, vec![Event::Began { at: at(0) }, pause(200), words(" ")]), []);
        assert_eq!(floor.silent_ms(), Some(0));
    }
}
