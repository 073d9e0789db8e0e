//! What follows from a turn of the candidate: an answer, a wish, "I don't know", code, or nothing that was understood.
//! Must never be entered but from the state machine above it.

use super::{
    Command, Instant, Interview, LineKind, Offer, Open, PROBES_MAX, Phrase, Question, QuestionKind, QuestionOutcome,
    SilenceStep, Stage, TurnId, Wish, follow_up, lines, wishes,
};
use crate::interview::view::ClosedQuestion;
use std::time::Duration;

/// Bytes of an answer that are weighed: an hour of talk; what is beyond stays in the record only.
const ANSWER_BYTES_MAX: usize = 65_536;

impl Interview {
    /// A turn ended: by the candidate, or (`cut`) by the limit of a monologue.
    pub(super) fn turn_ended(&mut self, now: Instant, turn: TurnId, text: &str, cut: bool) {
        if self.answered.is_some_and(|answered| turn <= answered) {
            return;
        }
        let Stage::Asking(_) = self.state.stage else { return };
        if self.state.greeting.is_some() {
            // Said into the greeting: nothing was asked yet.
            return;
        }
        self.awaited.clear();
        self.before = Some((turn, Box::new(self.state.clone())));
        self.answered = Some(turn);
        if cut {
            // What was cut on purpose is not taken back.
            self.before = None;
        }
        let phrase = wishes::hear(text);
        if let Some(Phrase::Wish(wish)) = phrase {
            self.commands.push_back(Command::WishHeard { turn, wish });
        }
        let Some(open) = self.open_mut() else { return };
        let offer = std::mem::replace(&mut open.offer, Offer::Nothing);
        match (offer, phrase) {
            (Offer::Nothing, _) => self.weigh(now, text, phrase, cut),
            (_, Some(Phrase::Yes)) => self.accepted(now, offer),
            (_, Some(Phrase::No)) => self.declined(now, offer),
            (Offer::Repeat | Offer::Skip | Offer::Try | Offer::End, _) => self.weigh(now, text, phrase, cut),
        }
    }

    fn accepted(&mut self, now: Instant, offer: Offer) {
        match offer {
            Offer::Nothing => {}
            Offer::Repeat => self.repeat(),
            Offer::Skip => self.skip(now),
            Offer::Try => self.instruct(lines::GO_AHEAD, self.kind()),
            Offer::End => self.end(now, super::EndReason::CandidateEnded),
        }
    }

    fn declined(&mut self, now: Instant, offer: Offer) {
        match offer {
            Offer::Nothing => {}
            Offer::Repeat | Offer::Skip => self.instruct(lines::TAKE_TIME, self.kind()),
            Offer::Try => self.move_on(now, lines::NO_PROBLEM),
            Offer::End => {
                self.acknowledge(lines::LET_US_CONTINUE);
                self.repeat();
            }
        }
    }

    fn weigh(&mut self, now: Instant, text: &str, phrase: Option<Phrase>, cut: bool) {
        match phrase {
            Some(Phrase::Wish(Wish::End)) => {
                self.offer(Offer::End);
                self.instruct(lines::SHALL_WE_END, Some(QuestionKind::Factual));
            }
            Some(Phrase::Wish(Wish::Resume)) => self.repeat(),
            Some(Phrase::Wish(wish)) => self.wish(now, wish),
            Some(Phrase::DontKnow) => self.dont_know(now),
            Some(Phrase::Done) => self.said_done(now, text),
            Some(Phrase::Yes | Phrase::No) => self.answered(now, text, cut),
            None if text.trim().is_empty() => self.unheard(now),
            None => self.answered(now, text, cut),
        }
    }

    fn answered(&mut self, now: Instant, text: &str, cut: bool) {
        let writing = self.is_writing_code();
        let Some(open) = self.open_mut() else { return };
        append(&mut open.answer, text);
        if writing && !cut {
            let line =
                if std::mem::replace(&mut open.code_heard, true) { lines::BEFORE_PROBE[1] } else { lines::CODE_HEARD };
            return self.instruct(line, Some(QuestionKind::Code));
        }
        self.probe_or_go_on(now, cut);
    }

    /// After an answer: the probe that it asks for, or the next question.
    fn probe_or_go_on(&mut self, now: Instant, cut: bool) {
        let Stage::Asking(open) = &self.state.stage else { return };
        match self.next_probe(now, open) {
            Some(index) => {
                if cut {
                    self.say_firmly(LineKind::Acknowledgement, lines::STOP_THERE);
                    return self.ask_probe(index);
                }
                let line = lines::BEFORE_PROBE[self.rotate() % lines::BEFORE_PROBE.len()];
                if self.settings.word_turns {
                    return self.remark_and_probe(line, index);
                }
                self.acknowledge(line);
                self.ask_probe(index);
            }
            None if cut => {
                self.close_question(QuestionOutcome::Answered);
                self.say_firmly(LineKind::Acknowledgement, lines::STOP_THERE);
                self.ask_next(now, None);
            }
            None => self.move_on_answered(now),
        }
    }

    fn next_probe(&self, now: Instant, open: &Open) -> Option<usize> {
        let question = self.question(open);
        let elapsed = self.state.watch.elapsed(now);
        let needed = Duration::from_millis(self.settings.probe_ms_min);
        let box_left = Duration::from_millis(self.plan.time_box_ms(question)).saturating_sub(open.used_of_box(elapsed));
        let all_left = self.budget().saturating_sub(elapsed);
        if open.probes.len() >= self.settings.probes_max.min(PROBES_MAX) || box_left < needed || all_left < needed {
            return None;
        }
        follow_up::choose(question, &self.evidence(open, question), &open.probes)
    }

    /// What was said and written on this question.
    pub(super) fn evidence(&self, open: &Open, question: &Question) -> String {
        match self.code.get(&question.key) {
            Some(code) => format!("{}\n{code}", open.answer),
            None => open.answer.clone(),
        }
    }

    fn dont_know(&mut self, now: Instant) {
        let Some(open) = self.open_mut() else { return };
        if open.encouraged || !open.probes.is_empty() || !open.answer.is_empty() {
            return self.move_on(now, lines::NO_PROBLEM);
        }
        open.encouraged = true;
        open.offer = Offer::Try;
        let kind = self.kind();
        self.instruct(lines::TRY, kind);
    }

    /// Words to which nothing is replied: they count to the answer while its question is open; a question that was
    /// closed without an answer has one after all.
    pub(super) fn said(&mut self, question_key: &str, text: &str) {
        if text.trim().is_empty() || wishes::hear(text).is_some() {
            return;
        }
        let is_asked = |open: &Open, plan: &super::Plan| plan.at(open.index).is_some_and(|own| own.key == question_key);
        match &mut self.state.stage {
            Stage::Asking(open) | Stage::Paused { open, .. } | Stage::Waiting(Some(open))
                if is_asked(open, &self.plan) =>
            {
                self.before = None;
                append(&mut open.answer, text);
            }
            Stage::Asking(_) | Stage::Paused { .. } | Stage::Waiting(_) | Stage::Closing { .. } => {
                self.said_after_all(question_key);
            }
            Stage::Finished(_) => {}
        }
    }

    fn said_after_all(&mut self, question_key: &str) {
        let before = self.before.as_mut().map(|(_, before)| &mut before.closed);
        if before.is_some_and(|closed| closed_answered(closed, question_key))
            | closed_answered(&mut self.state.closed, question_key)
        {
            let (key, outcome) = (question_key.to_owned(), QuestionOutcome::Answered);
            self.commands.push_back(Command::QuestionClosed { key, outcome });
        }
    }

    /// "That's all", and nothing more: of code the sign to look at it, of a spoken answer its end.
    fn said_done(&mut self, now: Instant, text: &str) {
        if self.is_writing_code() {
            return self.code_done(now);
        }
        match &self.state.stage {
            Stage::Asking(open) if open.answer.is_empty() => self.dont_know(now),
            Stage::Asking(_) => {
                if let Some(open) = self.open_mut() {
                    append(&mut open.answer, text);
                }
                self.move_on_answered(now);
            }
            Stage::Waiting(_) | Stage::Paused { .. } | Stage::Closing { .. } | Stage::Finished(_) => {}
        }
    }

    fn move_on_answered(&mut self, now: Instant) {
        self.bridging = self.answer_in_hand();
        self.close_question(QuestionOutcome::Answered);
        let line = self.before_question();
        self.ask_next(now, Some(line));
        self.bridging = None;
    }

    fn unheard(&mut self, now: Instant) {
        if self.is_writing_code() && self.has_code() {
            // The button, without a word: the code as it stands.
            return self.code_done(now);
        }
        let unheard_max = self.settings.unheard_max;
        let Some(open) = self.open_mut() else { return };
        open.unheard += 1;
        if open.unheard > unheard_max {
            return self.move_on(now, lines::MOVE_ON);
        }
        let kind = self.kind();
        self.instruct(lines::UNHEARD, kind);
    }

    pub(super) fn silence(&mut self, now: Instant, step: SilenceStep) {
        let Stage::Asking(_) = self.state.stage else { return };
        // The ladder runs: the greeting is over, even if nobody told.
        self.state.greeted |= self.state.greeting.take().is_some();
        let kind = self.kind();
        match step {
            SilenceStep::Nudge => {
                let text = lines::nudge(kind.unwrap_or(QuestionKind::Explain), self.rotate());
                if kind != Some(QuestionKind::Code) {
                    self.offer(Offer::Repeat);
                }
                self.say(LineKind::Nudge, text, kind);
            }
            SilenceStep::OfferSkip => {
                self.offer(Offer::Skip);
                self.say(LineKind::Nudge, lines::OFFER_SKIP, kind);
            }
            SilenceStep::MoveOn => self.move_on(now, lines::MOVE_ON),
            SilenceStep::End => self.end(now, super::EndReason::Idle),
        }
    }

    /// Code came, and with it perhaps its submission.
    pub(super) fn code_came(&mut self, now: Instant, question_key: String, content: String, submitted: bool) {
        if self.plan.question(&question_key).is_none_or(|question| question.kind != QuestionKind::Code) {
            return;
        }
        let is_open = match &self.state.stage {
            Stage::Asking(open) => self.question(open).key == question_key,
            Stage::Waiting(_) | Stage::Paused { .. } | Stage::Closing { .. } | Stage::Finished(_) => false,
        };
        self.code.insert(question_key, content);
        if is_open && submitted && self.is_writing_code() {
            self.before = None;
            self.code_done(now);
        }
    }

    fn code_done(&mut self, now: Instant) {
        if let Some(open) = self.open_mut() {
            open.submitted = true;
        }
        self.probe_or_go_on(now, false);
    }

    fn is_writing_code(&self) -> bool {
        match &self.state.stage {
            Stage::Asking(open) => self.question(open).kind == QuestionKind::Code && !open.submitted,
            Stage::Waiting(_) | Stage::Paused { .. } | Stage::Closing { .. } | Stage::Finished(_) => false,
        }
    }

    pub(super) fn has_code(&self) -> bool {
        match &self.state.stage {
            Stage::Asking(open) => self.code.contains_key(&self.question(open).key),
            Stage::Waiting(_) | Stage::Paused { .. } | Stage::Closing { .. } | Stage::Finished(_) => false,
        }
    }
}

/// A question that was closed without an answer was answered; false if it was already, or is not there.
fn closed_answered(closed: &mut [ClosedQuestion], key: &str) -> bool {
    let unanswered =
        |question: &&mut ClosedQuestion| question.key == key && question.outcome != QuestionOutcome::Answered;
    let found = closed.iter_mut().find(unanswered);
    found.map(|question| question.outcome = QuestionOutcome::Answered).is_some()
}

fn append(answer: &mut String, text: &str) {
    if !answer.is_empty() {
        answer.push(' ');
    }
    answer.push_str(text.trim());
    answer.truncate(answer.floor_char_boundary(ANSWER_BYTES_MAX));
}
