//! The candidate's side of a session: words bound to their utterances, lost audio and echoes known for what they are,
//! typed text. Must never bind a late word to "the current turn".

mod turns;

use super::actor::{Actor, now};
use super::ears::EarCommand;
use super::event::{Answer, SessionEvent, Utterance};
use crate::audio::frame::SamplePos;
use crate::id::{TurnId, UtteranceId};
use crate::interview;
use crate::room::{NoticeLevel, ServerMessage};
use crate::stt::{SttError, Transcript};
use crate::turn::{self, Decision};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

/// How long after the end of the speech a committed turn waits for words that were asked for (the floor has waited for
/// them too, and the two waits are one). Past it the answer goes on with what there is, and the utterance is marked as
/// damaged.
const WORDS_WAIT_MAX: Duration = Duration::from_secs(4);
/// Utterances kept in memory; an answer has far fewer.
const UTTERANCES_MAX: usize = 512;
/// Typed texts have utterance numbers from here on, by their time; heard ones never come so far (2^48; JSON numbers are
/// exact up to 2^53).
pub const TYPED_FROM: u64 = 1 << 48;
/// Texts beside what was heard in one turn: typed ones commit it at once, and a restart leaves a few.
const EXTRA_MAX: usize = 64;
/// Committed answers whose words may still come: slower ones than eight turns ago will not.
const GIVEN_MAX: usize = 8;

/// Stretches of lost audio that are remembered: those of the open turn, on a bad line.
const LOST_MAX: usize = 512;
/// An utterance that misses so much is marked as damaged, ms: a word lasts about so long.
const LOST_MS_DAMAGING: u64 = 300;
/// The interviewer's latest lines that an echo may be of.
const SAID_MAX: usize = 4;
/// What waits to be shown while the database is away; past it the oldest is not shown, and the page asks for the record.
const SHOWN_LATER_MAX: usize = 1_024;
/// Voice without words that adds up to so much, ms, is no cough: somebody else talks, or something sounds.
const WORDLESS_MS_MAX: u64 = 20_000;
/// What begins so long after a line may still be its echo, ms: the delay of the line, the client's buffer, and the room.
/// Longer, and whoever begins an answer by saying the question again would be taken for one.
const ECHO_MS_MAX: u64 = 400;

/// The turn of what was said and never finished: after all others.
const LAST_TURN: TurnId = TurnId(u64::MAX >> 1);

/// What is known of one utterance.
#[derive(Clone, Debug)]
struct Heard {
    utterance: Utterance,
    /// The revision that was asked for last, and the one whose words are here.
    asked: u32,
    got: u32,
    /// Speech of it is going on: a pause, and with it words, will come.
    speaking: bool,
    /// In a committed answer already.
    answered: bool,
    last_words: Option<Instant>,
    /// Samples of it that were lost on the way.
    lost_samples: u64,
}

/// What was heard of the candidate and not yet dealt with.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    utterances: BTreeMap<UtteranceId, Heard>,
    pending: Option<Pending>,
    /// What belongs to the open turn and did not come by ear: typed texts, and words from before a restart.
    extra: Vec<Utterance>,
    /// What the turn that was committed last had beside the heard, should it be reopened.
    before: Option<Before>,
    /// Utterances of the open turn, in order, for preparing.
    open: BTreeSet<UtteranceId>,
    /// The question that was asked last, …
    asked: Option<String>,
    /// … and the one before it, with where its successor began to sound: what began before that belongs to it.
    asked_before: Option<(SamplePos, String)>,
    /// The open turn, where it stands in the log already: it was committed and reopened.
    reopened: Option<TurnId>,
    /// The question that the open turn answers: the one asked when it began, whatever is asked meanwhile.
    open_key: Option<Option<String>>,
    last_typed: u64,
    /// The latest committed answers as they stand in the log, newest first.
    given: VecDeque<Answer>,
    /// Audio that was lost on the way: where, and how many samples.
    lost: VecDeque<(SamplePos, u64)>,
    /// What the interviewer said last, newest first.
    said: VecDeque<Said>,
    /// Voice without words since the last words, ms.
    wordless_ms: u64,
    /// The words of what is open, as far as they may still change, where the recogniser tells.
    guessed: String,
}

/// A line of the interviewer's that sounds, or has.
#[derive(Debug)]
struct Said {
    start: SamplePos,
    /// `None` while it sounds.
    end: Option<SamplePos>,
    text: String,
}

#[derive(Debug)]
struct Before {
    turn: TurnId,
    extra: Vec<Utterance>,
    question_key: Option<String>,
}

#[derive(Clone, Debug)]
struct Pending {
    turn: TurnId,
    question_key: Option<String>,
    utterances: Vec<UtteranceId>,
    decision: Decision,
    decided: Instant,
    due: Instant,
}

impl Hearing {
    /// What another owner had heard of the open turn: it goes before what is said now.
    pub fn resumed(utterances: &[Utterance], question_key: Option<String>) -> Self {
        let typed = utterances.iter().map(|utterance| utterance.id.0).filter(|id| *id >= TYPED_FROM).max();
        Self {
            extra: utterances.to_vec(),
            open_key: (!utterances.is_empty()).then(|| question_key.clone()),
            asked: question_key,
            last_typed: typed.unwrap_or(0),
            ..Self::default()
        }
    }

    /// What begins at `at` or later belongs to this question.
    pub fn asked(&mut self, question_key: Option<String>, at: SamplePos) {
        if question_key != self.asked {
            self.asked_before = std::mem::replace(&mut self.asked, question_key).map(|before| (at, before));
        }
    }

    /// The open turn goes on: if it belongs to the question `in_hand`, what was asked since has yet to be asked.
    fn asked_again(&mut self, in_hand: Option<String>) {
        if in_hand.is_some() && self.open_key.as_ref() == Some(&in_hand) {
            self.asked = in_hand;
            self.asked_before = None;
        }
    }

    /// The interviewer begins to say this.
    pub fn interviewer_says(&mut self, text: &str, start: SamplePos) {
        self.said.truncate(SAID_MAX - 1);
        self.said.push_front(Said { start, end: None, text: text.to_owned() });
    }

    /// The interviewer is silent.
    pub fn interviewer_silent(&mut self, end: SamplePos) {
        if let Some(said) = self.said.front_mut() {
            said.end.get_or_insert(end);
        }
    }

    /// Whether `text`, heard from `from` on, is what the interviewer was saying then.
    fn is_echo(&self, text: &str, from: SamplePos) -> bool {
        let sounds =
            |said: &&Said| from >= said.start && said.end.is_none_or(|end| from.ms() <= end.ms() + ECHO_MS_MAX);
        self.said.iter().filter(sounds).any(|said| turn::words::is_echo(text, &said.text))
    }

    /// Whether an answer that is in the log has these words already.
    fn stands_in_an_answer(&self, told: &Utterance) -> bool {
        let same = |known: &Utterance| known.id == told.id && known.text == told.text;
        told.turn.is_some_and(|turn| {
            self.given.iter().any(|answer| answer.turn == turn && answer.utterances.iter().any(same))
        })
    }

    /// Audio was lost on the way.
    pub fn lost(&mut self, at: SamplePos, samples: u64) {
        if self.lost.len() == LOST_MAX {
            self.lost.pop_front();
        }
        self.lost.push_back((at, samples));
    }

    /// Samples that are missing from an utterance; they are told once.
    fn take_lost(&mut self, utterance: &Utterance) -> u64 {
        let (from, to) = (SamplePos::from_ms(utterance.start_ms), SamplePos::from_ms(utterance.end_ms));
        let mut samples = 0;
        self.lost.retain(|(at, lost)| {
            let inside = *at < to && at.plus(*lost) > from;
            samples += if inside { *lost } else { 0 };
            !inside
        });
        samples
    }

    /// An utterance is closed. True if so much without words has come together that it is worth a word; once for all that
    /// lies between two with words.
    fn is_noisy(&mut self, has_words: bool, ms: u64) -> bool {
        let before = self.wordless_ms;
        self.wordless_ms = if has_words { 0 } else { before.saturating_add(ms) };
        before < WORDLESS_MS_MAX && self.wordless_ms >= WORDLESS_MS_MAX
    }

    /// Whether words of the open turn are still to come.
    pub fn is_waiting(&self) -> bool {
        let mut heard = self.utterances.values().filter(|heard| !heard.answered);
        heard.any(|heard| heard.speaking || heard.got < heard.asked && !heard.utterance.damaged)
    }

    /// The open turn belongs to the question in hand when its sound began, which is told a moment later.
    fn turn_begins(&mut self, at: SamplePos) {
        let key = match &self.asked_before {
            Some((successor, before)) if at < *successor => Some(before.clone()),
            Some(_) | None => self.asked.clone(),
        };
        self.open_key.get_or_insert(key);
    }

    pub fn pending_deadline(&self) -> Option<Instant> {
        self.pending.as_ref().map(|pending| pending.due)
    }

    pub fn is_deciding(&self) -> bool {
        self.pending.is_some()
    }

    /// The words of the open turn so far.
    pub fn text_of_open(&self) -> String {
        let spoken = self.open.iter().filter_map(|id| self.utterances.get(id)).map(|heard| &heard.utterance);
        joined(self.extra.iter().chain(spoken).map(|utterance| utterance.text.as_str()))
    }

    /// The same with words that may still change, in a pause whose words are awaited; `None` elsewhere.
    pub fn guessed_of_open(&self) -> Option<String> {
        let last = self.open.last().and_then(|id| self.utterances.get(id))?;
        if self.pending.is_some() || self.guessed.is_empty() || last.speaking || last.got >= last.asked {
            return None;
        }
        let before = self.open.iter().rev().skip(1).rev().filter_map(|id| self.utterances.get(id));
        let before = self.extra.iter().chain(before.map(|heard| &heard.utterance));
        Some(joined(before.map(|utterance| utterance.text.as_str()).chain([self.guessed.as_str()])))
    }

    /// The turn that was committed last, and stands.
    pub fn answered_last(&self) -> Option<TurnId> {
        self.given.front().map(|answer| answer.turn)
    }

    fn entry(&mut self, id: UtteranceId, at: SamplePos) -> &mut Heard {
        while self.utterances.len() >= UTTERANCES_MAX {
            self.utterances.pop_first();
        }
        let heard = self.utterances.entry(id).or_insert_with(|| Heard {
            utterance: Utterance {
                id,
                turn: None,
                text: String::new(),
                start_ms: at.ms(),
                end_ms: at.ms(),
                confidence: None,
                damaged: false,
            },
            asked: 0,
            got: 0,
            speaking: false,
            answered: false,
            last_words: None,
            lost_samples: 0,
        });
        if !heard.answered {
            self.open.insert(id);
        }
        heard
    }
}

/// Texts, parted by spaces, without empty ones.
fn joined<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    texts.map(str::trim).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
}

impl Actor {
    pub(super) fn candidate_started(&mut self, utterance: UtteranceId, at: SamplePos) {
        self.show(ServerMessage::CandidateSpeaking(true));
        self.hearing.turn_begins(at);
        let heard = self.hearing.entry(utterance, at);
        heard.speaking = true;
        if heard.answered && heard.utterance.turn.is_none() {
            // What was put aside (a cough, an echo) goes on as speech.
            heard.answered = false;
            self.hearing.open.insert(utterance);
        }
        let speech_ms = self.samples.at(now()).ms().saturating_sub(at.ms());
        self.turn_event(turn::Event::SpeechStarted { utterance, at, speech_ms });
        self.discard_prepared();
    }

    /// Words that may still change: for the screen, and for a draft of the reply.
    pub(super) fn guessed(&mut self, text: String) {
        self.show(ServerMessage::CandidateCaption { text: text.clone(), is_final: false });
        self.hearing.guessed = text;
        self.prepare_early();
    }

    pub(super) fn candidate_paused(&mut self, utterance: UtteranceId, at: SamplePos, revision: u32) {
        let heard = self.hearing.entry(utterance, at);
        heard.asked = heard.asked.max(revision);
        heard.speaking = false;
        heard.utterance.end_ms = at.ms();
        self.show(ServerMessage::CandidateSpeaking(false));
        let silence_ms = self.samples.at(now()).ms().saturating_sub(at.ms());
        self.turn_event(turn::Event::SpeechStopped { utterance, at, silence_ms });
        self.prepare_early();
    }

    pub(super) fn words(
        &mut self,
        utterance: UtteranceId,
        revision: u32,
        transcript: Transcript,
        from: SamplePos,
        to: SamplePos,
        closed: bool,
    ) {
        let is_echo = self.hearing.is_echo(&transcript.text, from);
        self.hearing.guessed.clear();
        let heard = self.hearing.entry(utterance, from);
        if revision < heard.got {
            return;
        }
        if is_echo && heard.utterance.turn.is_none() {
            heard.asked = heard.asked.max(revision);
            heard.got = revision;
            heard.utterance.text.clear();
            // It may have been put aside already: then this is its end, and nobody is told.
            if !heard.answered {
                metrics::counter!("vivavoce_echoes_total").increment(1);
                self.turn_event(turn::Event::Echo { utterance });
            }
            return;
        }
        self.hear_noise(&transcript.text, from, to, closed);
        let heard = self.hearing.entry(utterance, from);
        let is_news = revision > heard.got || heard.last_words.is_none();
        heard.asked = heard.asked.max(revision);
        heard.got = revision;
        heard.utterance.start_ms = from.ms();
        heard.utterance.end_ms = to.ms();
        heard.utterance.confidence = transcript.confidence;
        heard.utterance.damaged = false;
        let changed = heard.utterance.text != transcript.text;
        if is_news || changed {
            heard.last_words = Some(now());
        }
        heard.utterance.text.clone_from(&transcript.text);
        let kept = heard.utterance.clone();
        let answered = heard.answered;
        if closed && !transcript.text.is_empty() {
            // What stands in a committed answer is logged again only if it was corrected.
            let is_in_answer = answered && kept.turn.is_some();
            if !self.hearing.stands_in_an_answer(&kept) {
                self.log(SessionEvent::UtteranceTranscribed(kept.clone()));
                if is_in_answer {
                    self.correct(kept);
                }
            }
            self.caption_when_durable(transcript.text.clone());
        } else if changed && !transcript.text.is_empty() {
            self.show(ServerMessage::CandidateCaption { text: transcript.text.clone(), is_final: false });
        }
        if !answered {
            let share = self.interview.covered(&self.hearing.text_of_open());
            self.turn_event(turn::Event::Coverage { share });
            self.turn_event(turn::Event::Words { utterance, text: transcript.text, last: closed });
        }
    }

    /// A place that is too loud for words is told, with the way out.
    fn hear_noise(&mut self, text: &str, from: SamplePos, to: SamplePos, closed: bool) {
        if closed && self.hearing.is_noisy(!text.is_empty(), to.ms().saturating_sub(from.ms())) {
            self.show(ServerMessage::Notice {
                level: NoticeLevel::Warning,
                text:
                    "There is a lot of sound around you, and no words come through. You can type your answers in the \
                       text box."
                        .into(),
            });
        }
    }

    /// Words that came when their answer had gone on without them: the answer is written again with them. Nobody replies.
    fn correct(&mut self, told: Utterance) {
        let Some(answer) = self.hearing.given.iter_mut().find(|answer| told.turn == Some(answer.turn)) else { return };
        let Some(known) = answer.utterances.iter_mut().find(|known| known.id == told.id) else { return };
        *known = told;
        let had_words = !answer.text.is_empty();
        answer.text = joined(answer.utterances.iter().map(|utterance| utterance.text.as_str()));
        let answer = answer.clone();
        let (question_key, text) = (answer.question_key.clone(), answer.text.clone());
        self.log_answer(answer);
        if let Some(question_key) = question_key.filter(|_| !had_words) {
            self.interview_event(interview::Event::Said { question_key, text });
        }
    }

    /// Shows a final caption of the candidate's as soon as everything that is logged by now is durable.
    pub(super) fn caption_when_durable(&mut self, text: String) {
        self.show_when_durable(ServerMessage::CandidateCaption { text, is_final: true });
    }

    pub(super) fn show_when_durable(&mut self, message: ServerMessage) {
        if self.when_durable.len() == SHOWN_LATER_MAX {
            self.when_durable.pop_front();
        }
        self.when_durable.push_back((self.next_seq - 1, message));
        self.show_durable();
    }

    /// What is shown as final, or answered as stored, is durable.
    pub(super) fn show_durable(&mut self) {
        while let Some((_, message)) = self.when_durable.pop_front_if(|(seq, _)| *seq <= self.durable_seq) {
            self.show(message);
        }
    }

    pub(super) fn words_failed(&mut self, utterance: UtteranceId, revision: u32, error: &SttError) {
        tracing::warn!(session = %self.id, %utterance, %error, "an utterance was not transcribed");
        let at = self.samples.at(now());
        let heard = self.hearing.entry(utterance, at);
        heard.got = heard.got.max(revision);
        heard.utterance.damaged = true;
        self.log(SessionEvent::PartFailed { part: "stt".into(), error: error.to_string() });
        self.turn_event(turn::Event::WordsFailed { utterance });
    }

    /// A typed answer: it commits the turn, with whatever was being said.
    pub(super) fn typed(&mut self, text: &str) {
        let text = text.trim().to_owned();
        if text.is_empty() || self.hearing.extra.len() >= EXTRA_MAX {
            return;
        }
        let at_ms = self.samples.at(now()).ms();
        self.hearing.last_typed = (TYPED_FROM + at_ms).max(self.hearing.last_typed + 1);
        let utterance = Utterance {
            id: UtteranceId(self.hearing.last_typed),
            turn: None,
            text: text.clone(),
            start_ms: at_ms,
            end_ms: at_ms,
            confidence: None,
            damaged: false,
        };
        self.hearing.turn_begins(self.samples.at(now()));
        self.hearing.extra.push(utterance.clone());
        self.log(SessionEvent::UtteranceTranscribed(utterance));
        self.caption_when_durable(text);
        self.ear(EarCommand::Finish);
        self.turn_event(turn::Event::Typed);
    }
}
