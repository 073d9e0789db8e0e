//! Turns of the candidate on their way into the record: committed, reopened, put aside, kept at the end. Must never let an
//! answer go on before it is in the log.

use super::{Before, GIVEN_MAX, Heard, LAST_TURN, LOST_MS_DAMAGING, Pending, WORDS_WAIT_MAX, joined};
use crate::audio::frame::{EAR_FRAME_SAMPLES, SamplePos};
use crate::id::{SpeechId, TurnId, UtteranceId};
use crate::interview;
use crate::session::actor::{Actor, ReplyMarks, now};
use crate::session::ears::EarCommand;
use crate::session::event::{Answer, SessionEvent, Stages, Utterance};
use crate::turn::{self, Decision};
use std::time::Instant;
use tracing::field::Empty;

impl Actor {
    pub(in crate::session) fn commit(&mut self, turn: TurnId, utterances: Vec<UtteranceId>, decision: Decision) {
        let now = now();
        if let Some(before) = &mut self.hearing.pending {
            // A turn that still waits for its words goes on with what there is: none is lost to the next.
            before.due = now;
            self.try_commit();
        }
        self.turn_span = tracing::info_span!("turn", %turn, silence_ms = decision.silence_ms, gap_ms = Empty);
        let question_key = self.hearing.open_key.take().unwrap_or_else(|| self.hearing.asked.clone());
        // Who is cut short is in mid-speech: what was said so far is to be transcribed now.
        self.ear(match decision.reason {
            turn::Reason::Monologue | turn::Reason::Overruled => EarCommand::Finish,
            turn::Reason::Confident | turn::Reason::Patience | turn::Reason::Explicit => EarCommand::CloseTurn,
        });
        let is_sounding = |id: &UtteranceId| self.hearing.utterances.get(id).is_some_and(|heard| heard.speaking);
        let is_silent = !utterances.is_empty() && !utterances.iter().any(is_sounding);
        let since = if is_silent { self.instant_of(decision.speech_end) } else { now };
        let due = (since + WORDS_WAIT_MAX).max(now);
        self.hearing.pending = Some(Pending { turn, question_key, utterances, decision, decided: now, due });
    }

    /// Puts the committed turn into the log and hands it to the interview, once its words are there. True if it did.
    pub(in crate::session) fn try_commit(&mut self) -> bool {
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
        let span = self.turn_span.clone();
        let _in_the_turn = span.enter();
        self.mark_lost_audio(&pending.utterances);
        self.log_told();
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
        self.hearing.reopened = None;
        let question_key = pending.question_key.clone();
        if question_key.is_some() && question_key != self.question_key() {
            self.said_of_another_question(&pending, question_key, text);
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

    /// What did not reach us of an answer is our fault: too much of it, and the answer is no basis for a score.
    fn mark_lost_audio(&mut self, utterances: &[UtteranceId]) {
        for id in utterances {
            let Some(utterance) = self.hearing.utterances.get(id).map(|heard| heard.utterance.clone()) else {
                continue;
            };
            let lost = self.hearing.take_lost(&utterance);
            if lost == 0 {
                continue;
            }
            self.log(SessionEvent::AudioLost { frames: lost.div_ceil(EAR_FRAME_SAMPLES as u64), utterance: Some(*id) });
            if let Some(heard) = self.hearing.utterances.get_mut(id) {
                heard.lost_samples += lost;
            }
        }
    }

    /// The question was closed in the meantime: the words are kept with it. Who said them into the line that led on, so
    /// that nobody speaks now, is answered all the same: a wish is granted, else the question in hand is asked again.
    fn said_of_another_question(&mut self, pending: &Pending, question_key: Option<String>, text: String) {
        let waits = match pending.decision.reason {
            turn::Reason::Confident | turn::Reason::Patience | turn::Reason::Explicit => self.mouth.falls_silent(),
            turn::Reason::Monologue | turn::Reason::Overruled => false,
        };
        if waits && matches!(interview::wishes::hear(&text), Some(interview::wishes::Phrase::Wish(_))) {
            return self.interview_event(interview::Event::Answered { turn: pending.turn, text });
        }
        self.said_without_reply(question_key, text);
        if waits {
            self.interview_event(interview::Event::Wish(interview::Wish::Repeat));
        }
    }

    fn said_without_reply(&mut self, question_key: Option<String>, text: String) {
        self.reply = None;
        if let Some(question_key) = question_key {
            self.interview_event(interview::Event::Said { question_key, text });
        }
    }

    /// A wish by button takes the floor: what was said so far is committed first, with what is known of its words.
    pub(in crate::session) fn overrule(&mut self) {
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
                let is_holed = SamplePos(heard.lost_samples).ms() >= LOST_MS_DAMAGING;
                let damaged = heard.utterance.damaged || late || is_holed;
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
                start_ms: None,
            },
        )
    }

    /// A cough, a backchannel, an echo: of no turn, for the record only.
    pub(in crate::session) fn aside(&mut self, utterance: UtteranceId) {
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
    pub(in crate::session) fn reopen(&mut self, turn: TurnId, speech: Option<SpeechId>) {
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
        self.hearing.reopened = Some(turn);
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
        self.hearing.asked_again(self.question_key());
    }

    /// The server goes down: what was said of the open turn is kept for whoever takes the session up.
    pub(in crate::session) fn keep_what_was_said(&mut self) {
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
    pub(in crate::session) fn commit_what_was_said(&mut self) {
        let open = self.said_and_open();
        if open.is_empty() {
            return;
        }
        // Of a turn that stands in the log and was reopened, this is the end.
        let turn = self.hearing.reopened.take().unwrap_or(LAST_TURN);
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
