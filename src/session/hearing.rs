//! The candidate's side of a session: words bound to their utterances, turns committed, reopened, typed. Must never bind
//! a late word to "the current turn", and never let an answer go on before it is in the log.

use super::actor::{Actor, ReplyMarks, now};
use super::ears::EarCommand;
use super::event::{Answer, SessionEvent, Stages, Utterance};
use crate::audio::frame::SamplePos;
use crate::id::{SpeechId, TurnId, UtteranceId};
use crate::interview;
use crate::room::ServerMessage;
use crate::stt::{SttError, Transcript};
use crate::turn::{self, Decision};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

/// How long a committed turn waits for words that were asked for. Past it the answer goes on with what there is, and
/// the utterance is marked as damaged.
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
    /// The question that was asked last.
    asked: Option<String>,
    /// The question that the open turn answers: the one asked when it began, whatever is asked meanwhile.
    open_key: Option<Option<String>>,
    last_typed: u64,
    /// The latest committed answers as they stand in the log, newest first.
    given: VecDeque<Answer>,
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

    /// From now on answers belong to this question.
    pub fn asked(&mut self, question_key: Option<String>) {
        self.asked = question_key;
    }

    /// Whether words of the open turn are still to come.
    pub fn is_waiting(&self) -> bool {
        let mut heard = self.utterances.values().filter(|heard| !heard.answered);
        heard.any(|heard| heard.speaking || heard.got < heard.asked && !heard.utterance.damaged)
    }

    fn turn_begins(&mut self) {
        self.open_key.get_or_insert_with(|| self.asked.clone());
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
        self.hearing.turn_begins();
        self.hearing.entry(utterance, at).speaking = true;
        let speech_ms = self.samples.at(now()).ms().saturating_sub(at.ms());
        self.turn_event(turn::Event::SpeechStarted { utterance, at, speech_ms });
    }

    pub(super) fn candidate_paused(&mut self, utterance: UtteranceId, at: SamplePos, revision: u32) {
        let heard = self.hearing.entry(utterance, at);
        heard.asked = heard.asked.max(revision);
        heard.speaking = false;
        heard.utterance.end_ms = at.ms();
        self.show(ServerMessage::CandidateSpeaking(false));
        let silence_ms = self.samples.at(now()).ms().saturating_sub(at.ms());
        self.turn_event(turn::Event::SpeechStopped { utterance, at, silence_ms });
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
        let heard = self.hearing.entry(utterance, from);
        if revision < heard.got {
            return;
        }
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
        // What stands in a committed answer is logged again only if it was corrected.
        let is_in_answer = answered && kept.turn.is_some();
        if !transcript.text.is_empty() && (changed || closed && !is_in_answer) {
            if closed {
                self.log(SessionEvent::UtteranceTranscribed(kept.clone()));
                self.captions.push_back((self.next_seq - 1, transcript.text.clone()));
                if is_in_answer {
                    self.correct(kept);
                }
            } else {
                self.show(ServerMessage::CandidateCaption { text: transcript.text.clone(), is_final: false });
            }
        }
        if closed && is_in_answer && !changed && !transcript.text.is_empty() {
            // The turn was taken before its utterance was closed: the answer holds the words, the page has yet to be told.
            self.captions.push_back((self.next_seq - 1, transcript.text.clone()));
            self.show_durable_captions();
        }
        if !answered {
            let share = self.interview.covered(&self.hearing.text_of_open());
            self.turn_event(turn::Event::Coverage { share });
            self.turn_event(turn::Event::Words { utterance, text: transcript.text, last: closed });
        }
    }

    /// Words that came when their answer had gone on without them: the answer is written again with them. Nobody replies.
    fn correct(&mut self, told: Utterance) {
        let Some(answer) = self.hearing.given.iter_mut().find(|answer| told.turn == Some(answer.turn)) else { return };
        let Some(known) = answer.utterances.iter_mut().find(|known| known.id == told.id) else { return };
        *known = told;
        answer.text = joined(answer.utterances.iter().map(|utterance| utterance.text.as_str()));
        let answer = answer.clone();
        self.log_answer(answer);
    }

    /// What is shown as final is durable.
    pub(super) fn show_durable_captions(&mut self) {
        while let Some((_, text)) = self.captions.pop_front_if(|(seq, _)| *seq <= self.durable_seq) {
            self.show(ServerMessage::CandidateCaption { text, is_final: true });
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
        self.hearing.turn_begins();
        self.hearing.extra.push(utterance.clone());
        self.log(SessionEvent::UtteranceTranscribed(utterance));
        self.captions.push_back((self.next_seq - 1, text));
        self.ear(EarCommand::Finish);
        self.turn_event(turn::Event::Typed);
    }

    pub(super) fn commit(&mut self, turn: TurnId, utterances: Vec<UtteranceId>, decision: Decision) {
        let now = now();
        if let Some(before) = &mut self.hearing.pending {
            // A turn that still waits for its words goes on with what there is: none is lost to the next.
            before.due = now;
            self.try_commit();
        }
        let question_key = self.hearing.open_key.take().unwrap_or_else(|| self.hearing.asked.clone());
        // Who is cut short is in mid-speech: what was said so far is to be transcribed now.
        self.ear(match decision.reason {
            turn::Reason::Monologue | turn::Reason::Overruled => EarCommand::Finish,
            turn::Reason::Confident | turn::Reason::Patience | turn::Reason::Explicit => EarCommand::CloseTurn,
        });
        let due = now + WORDS_WAIT_MAX;
        self.hearing.pending = Some(Pending { turn, question_key, utterances, decision, decided: now, due });
    }

    /// Puts the committed turn into the log and hands it to the interview, once its words are there. True if it did.
    pub(super) fn try_commit(&mut self) -> bool {
        let Some(pending) = &self.hearing.pending else { return false };
        let waits = pending
            .utterances
            .iter()
            .filter_map(|id| self.hearing.utterances.get(id))
            .any(|heard| heard.speaking || heard.got < heard.asked && !heard.utterance.damaged);
        if waits && now() < pending.due {
            return false;
        }
        let Some(pending) = self.hearing.pending.take() else { return false };
        let (answer, marks) = self.answer(&pending);
        for id in &pending.utterances {
            self.hearing.open.remove(id);
            if let Some(heard) = self.hearing.utterances.get_mut(id) {
                heard.answered = true;
                heard.utterance.turn = Some(pending.turn);
            }
        }
        self.reply = Some(marks);
        self.hearing.before = Some(Before {
            turn: pending.turn,
            extra: std::mem::take(&mut self.hearing.extra),
            question_key: pending.question_key.clone(),
        });
        let (turn, text) = (pending.turn, answer.text.clone());
        self.hearing.given.truncate(GIVEN_MAX - 1);
        self.hearing.given.push_front(answer.clone());
        self.log_answer(answer);
        let question_key = pending.question_key.clone();
        if question_key.is_some() && question_key != self.question_key() {
            // The question was closed in the meantime: the words are kept with it, there is nothing to reply to.
            self.said_without_reply(question_key, text);
            return true;
        }
        match pending.decision.reason {
            turn::Reason::Confident | turn::Reason::Patience | turn::Reason::Explicit => {
                self.interview_event(interview::Event::Answered { turn, text });
            }
            turn::Reason::Monologue => self.interview_event(interview::Event::Monologue { turn, text }),
            // The interviewer had to go on: the words are kept, there is nothing to reply to.
            turn::Reason::Overruled => self.said_without_reply(question_key, text),
        }
        true
    }

    fn said_without_reply(&mut self, question_key: Option<String>, text: String) {
        self.reply = None;
        if let Some(question_key) = question_key {
            self.interview_event(interview::Event::Said { question_key, text });
        }
    }

    /// A wish by button takes the floor: what was said so far is committed first, with what is known of its words.
    pub(super) fn overrule(&mut self) {
        self.turn_event(turn::Event::Overruled);
        while let Some(command) = self.turn.poll_command() {
            self.turn_command(command);
        }
        self.try_commit();
    }

    fn answer(&self, pending: &Pending) -> (Answer, ReplyMarks) {
        let mut decision = pending.decision.clone();
        if pending.utterances.is_empty() {
            // Nothing was spoken: a typed answer ends when it is sent.
            decision.speech_end = self.samples.at(pending.decided);
        }
        let speech_end = decision.speech_end;
        let speech_end_at = self.instant_of(speech_end);
        let since_end = |at: Instant| u64::try_from(at.saturating_duration_since(speech_end_at).as_millis()).ok();
        let heard: Vec<&Heard> = pending.utterances.iter().filter_map(|id| self.hearing.utterances.get(id)).collect();
        let mut utterances: Vec<Utterance> = heard
            .iter()
            .map(|heard| {
                let late = heard.got < heard.asked;
                let damaged = heard.utterance.damaged || late;
                Utterance { turn: Some(pending.turn), damaged, ..heard.utterance.clone() }
            })
            .collect();
        let spoken = !utterances.is_empty();
        utterances.extend(self.hearing.extra.iter().cloned());
        utterances.sort_by_key(|utterance| utterance.start_ms);
        let transcribed = heard.iter().filter_map(|heard| heard.last_words).max();
        let stages = Stages {
            decision_ms: since_end(pending.decided),
            transcript_final_ms: transcribed.and_then(since_end),
            ..Stages::default()
        };
        let answer = Answer {
            turn: pending.turn,
            question_key: pending.question_key.clone(),
            text: joined(utterances.iter().map(|utterance| utterance.text.as_str())),
            typed: !spoken,
            utterances,
            transcribed_ms: stages.transcript_final_ms,
            decision: Some(decision),
        };
        let kind = pending.decision.kind;
        (
            answer,
            ReplyMarks {
                turn: pending.turn,
                answer_seq: self.next_seq,
                speech_end,
                speech_end_at,
                stages,
                kind,
                speech: None,
            },
        )
    }

    /// A cough, a backchannel, an echo: of no turn, for the record only.
    pub(super) fn aside(&mut self, utterance: UtteranceId) {
        self.hearing.open.remove(&utterance);
        if let Some(heard) = self.hearing.utterances.get_mut(&utterance) {
            heard.answered = true;
        }
        if self.hearing.open.is_empty() && self.hearing.extra.is_empty() {
            self.hearing.open_key = None;
        }
        self.log(SessionEvent::Aside { utterance });
    }

    /// The candidate went on although we had taken the floor.
    pub(super) fn reopen(&mut self, turn: TurnId, speech: Option<SpeechId>) {
        self.log(SessionEvent::FalseCutoffRecovered { turn, speech });
        metrics::counter!("vivavoce_false_cutoffs_recovered_total").increment(1);
        if let Some(current) = self.mouth.current().map(|speech| speech.id) {
            self.discarded.insert(current);
            self.mouth.stop(current);
        }
        self.mouth.drop_waiting();
        self.reply = None;
        if let Some(pending) = self.hearing.pending.take() {
            // Not yet handed to the interview: there is nothing to take back.
            self.hearing.open.extend(pending.utterances);
            self.hearing.open_key = Some(pending.question_key);
            return;
        }
        self.hearing.given.retain(|answer| answer.turn != turn);
        if let Some(before) = self.hearing.before.take_if(|before| before.turn == turn) {
            self.hearing.extra.splice(0..0, before.extra);
            self.hearing.open_key = Some(before.question_key);
        }
        let back: Vec<UtteranceId> = self
            .hearing
            .utterances
            .iter_mut()
            .filter(|(_, heard)| heard.utterance.turn == Some(turn))
            .map(|(id, heard)| {
                heard.answered = false;
                *id
            })
            .collect();
        self.hearing.open.extend(back);
        self.interview_event(interview::Event::Reopened { turn });
    }

    /// The server goes down: what was said of the open turn is kept for whoever takes the session up.
    pub(super) fn keep_what_was_said(&mut self) {
        for utterance in self.said_and_open() {
            self.log(SessionEvent::UtteranceTranscribed(utterance));
        }
    }

    fn said_and_open(&self) -> Vec<Utterance> {
        let heard = self.hearing.utterances.values();
        heard
            .filter(|heard| !heard.answered && !heard.utterance.text.is_empty())
            .map(|heard| heard.utterance.clone())
            .chain(self.hearing.extra.iter().cloned())
            .collect()
    }

    /// A candidate who leaves in mid-answer has said what was said: it goes into the record as it stands.
    pub(super) fn commit_what_was_said(&mut self) {
        let open = self.said_and_open();
        if open.is_empty() {
            return;
        }
        let turn = LAST_TURN;
        let text = joined(open.iter().map(|utterance| utterance.text.as_str()));
        let pending = self.hearing.pending.take().map(|pending| pending.question_key);
        let begun = pending.or_else(|| self.hearing.open_key.take());
        let question_key = begun.unwrap_or_else(|| self.hearing.asked.clone());
        self.log_answer(Answer {
            turn,
            question_key,
            text,
            typed: false,
            utterances: open,
            decision: None,
            transcribed_ms: None,
        });
    }
}
