//! The moves of an interview: beginning, asking, saying, wishes, pausing, closing. Must never be entered but from the
//! state machine above it.

use super::{
    Command, EndReason, Instant, Interview, Line, LineId, LineKind, Offer, Open, QuestionKind, QuestionOutcome, Stage,
    Wish, follow_up, lines, number_of,
};
use crate::interview::staircase;
use crate::interview::view::ClosedQuestion;
use std::time::Duration;

impl Interview {
    pub(super) fn begin(&mut self, now: Instant) {
        if !matches!(self.state.stage, Stage::Waiting(_)) {
            return;
        }
        let Stage::Waiting(open) = std::mem::replace(&mut self.state.stage, Stage::Waiting(None)) else { return };
        self.state.watch.start(now);
        if self.state.greeted {
            self.say(LineKind::Instruction, lines::INTERRUPTED, None);
        } else {
            self.say_firmly(LineKind::Greeting, lines::GREETING);
            self.state.greeting = Some(self.say_firmly(LineKind::Disclosure, self.disclosure()));
        }
        match open {
            Some(open) => {
                let key = self.question(&open).key.clone();
                let since = self.state.watch.elapsed(now);
                // The question is asked again, not what was offered.
                self.state.stage = Stage::Asking(Open { since, offer: Offer::Nothing, ..open });
                self.commands.push_back(Command::QuestionOpened { key, number: number_of(self.state.closed.len()) });
                if std::mem::take(&mut self.was_paused) {
                    return self.pause(now);
                }
                self.repeat();
            }
            None => self.ask_next(now, None),
        }
    }

    /// What must be said before anything is asked.
    pub(super) fn disclosure(&self) -> &'static str {
        if self.settings.written { lines::DISCLOSURE_WRITTEN } else { lines::DISCLOSURE }
    }

    /// The question that comes after those that are over.
    pub(super) fn next_index(&self) -> Option<usize> {
        staircase::next(&self.plan, &self.state.closed)
    }

    /// Asks the next question, or closes where there is none, or no time for it.
    pub(super) fn ask_next(&mut self, now: Instant, lead: Option<&'static str>) {
        let elapsed = self.state.watch.elapsed(now);
        let Some(index) = self.next_index() else {
            if lead.is_some() {
                // A goodbye cannot be taken back, this can: whoever was cut off goes on over it.
                self.acknowledge(lines::BEFORE_GOODBYE);
            }
            return self.close(now, EndReason::Completed);
        };
        if self.budget().saturating_sub(elapsed) < Duration::from_millis(self.settings.question_ms_min)
            && self.has_asked()
        {
            return self.close(now, EndReason::TimeUp);
        }
        if let Some(lead) = lead {
            self.lead_over(lead, index);
        }
        let question = self.question_at(index);
        let (key, text, kind) = (question.key.clone(), question.prompt.clone(), question.kind);
        self.state.stage = Stage::Asking(Open::new(index, elapsed));
        self.commands.push_back(Command::QuestionOpened { key, number: number_of(self.state.closed.len()) });
        self.say(LineKind::Question, &text, Some(kind));
    }

    fn has_asked(&self) -> bool {
        !self.state.closed.is_empty()
    }

    /// Says the last question or probe again.
    pub(super) fn repeat(&mut self) {
        let Stage::Asking(open) = &self.state.stage else { return };
        let text = self.asked_text(open);
        let kind = self.kind();
        self.say(LineKind::Repeat, &text, kind);
    }

    pub(super) fn wish(&mut self, now: Instant, wish: Wish) {
        match (&self.state.stage, wish) {
            (Stage::Paused { .. }, Wish::Resume) => self.resume(now),
            (Stage::Asking(_) | Stage::Paused { .. }, Wish::End) => self.end(now, EndReason::CandidateEnded),
            (Stage::Asking(_), Wish::Repeat) => self.repeat(),
            (Stage::Asking(_), Wish::Rephrase) => self.rephrase(),
            (Stage::Asking(_), Wish::Slower) => {
                self.state.speed = (self.state.speed * self.settings.slower_factor).max(self.settings.speed_min);
                self.repeat();
            }
            (Stage::Asking(_), Wish::Moment) => self.instruct(lines::TAKE_TIME, self.kind()),
            (Stage::Asking(open), Wish::Skip) if self.is_hardly_asked(now, open) => self.repeat(),
            (Stage::Asking(_), Wish::Skip) => self.skip(now),
            (Stage::Asking(_), Wish::Pause) => self.pause(now),
            (Stage::Asking(_), Wish::Resume)
            | (
                Stage::Paused { .. },
                Wish::Repeat | Wish::Rephrase | Wish::Slower | Wish::Moment | Wish::Skip | Wish::Pause,
            )
            | (Stage::Waiting(_) | Stage::Closing { .. } | Stage::Finished(_), _) => {}
        }
    }

    /// Whether a press of *skip* was meant for the question before: its answer was taken while the candidate reached for
    /// the button, and this one has not been said yet.
    fn is_hardly_asked(&self, now: Instant, open: &Open) -> bool {
        let was_answered = self.state.closed.last().is_some_and(|closed| closed.outcome == QuestionOutcome::Answered);
        let asked_for = self.state.watch.elapsed(now).saturating_sub(open.since);
        was_answered && open.answer.is_empty() && asked_for < Duration::from_millis(self.settings.skip_grace_ms)
    }

    fn rephrase(&mut self) {
        let Stage::Asking(open) = &self.state.stage else { return };
        match open.last {
            super::Ask::Question => {
                let text = self.question(open).rephrased.clone();
                self.explain(&text, self.kind());
            }
            // A probe has no second wording: it is said again.
            super::Ask::Probe { .. } => self.repeat(),
        }
    }

    pub(super) fn skip(&mut self, now: Instant) {
        let answered = self.has_answer();
        self.close_question(if answered { QuestionOutcome::Answered } else { QuestionOutcome::Skipped });
        self.ask_next(now, Some(lines::NO_PROBLEM));
    }

    /// Leaves the question for what it is.
    pub(super) fn move_on(&mut self, now: Instant, lead: &'static str) {
        let answered = self.has_answer() || self.has_code();
        self.close_question(if answered { QuestionOutcome::Answered } else { QuestionOutcome::NotAnswered });
        self.ask_next(now, Some(lead));
    }

    fn has_answer(&self) -> bool {
        match &self.state.stage {
            Stage::Asking(open) | Stage::Paused { open, .. } | Stage::Waiting(Some(open)) => {
                !open.answer.is_empty() || open.submitted
            }
            Stage::Waiting(None) | Stage::Closing { .. } | Stage::Finished(_) => false,
        }
    }

    fn pause(&mut self, now: Instant) {
        let Stage::Asking(open) = &self.state.stage else { return };
        let open = open.clone();
        self.state.watch.stop(now);
        self.state.stage = Stage::Paused { open, since: now };
        self.commands.push_back(Command::Paused);
        self.say_firmly(LineKind::Instruction, lines::PAUSED);
    }

    fn resume(&mut self, now: Instant) {
        let Stage::Paused { open, .. } = &self.state.stage else { return };
        self.state.stage = Stage::Asking(open.clone());
        self.state.watch.start(now);
        self.commands.push_back(Command::Resumed);
        self.say(LineKind::Instruction, lines::WELCOME_BACK, None);
        self.repeat();
    }

    /// Ends the interview from outside, or because the candidate wants it.
    pub(super) fn end(&mut self, now: Instant, reason: EndReason) {
        self.before = None;
        match self.state.stage {
            Stage::Finished(_) => {}
            Stage::Closing { .. } => {
                if lines::closing(reason).is_none() {
                    self.finish();
                }
            }
            Stage::Waiting(_) | Stage::Asking(_) | Stage::Paused { .. } => {
                self.close_question(QuestionOutcome::CutShort);
                self.close(now, reason);
            }
        }
    }

    /// Says goodbye, where anybody may hear it.
    pub(super) fn close(&mut self, now: Instant, reason: EndReason) {
        self.state.greeting = None;
        let until = now + Duration::from_millis(self.settings.closing_ms_max);
        match lines::closing(reason) {
            Some(text) => {
                let line = self.say_firmly(LineKind::Closing, text);
                self.state.stage = Stage::Closing { line, reason, until };
            }
            None => {
                self.state.stage = Stage::Closing { line: LineId(0), reason, until };
                self.finish();
            }
        }
    }

    pub(super) fn finish(&mut self) {
        if let Stage::Closing { reason, .. } = self.state.stage {
            self.before = None;
            self.state.stage = Stage::Finished(reason);
            self.commands.push_back(Command::Finished { reason });
        }
    }

    /// Closes the question in hand; one with an answer counts as answered, however it was cut.
    pub(super) fn close_question(&mut self, outcome: QuestionOutcome) {
        let (Stage::Asking(open) | Stage::Paused { open, .. } | Stage::Waiting(Some(open))) = &self.state.stage else {
            return;
        };
        let question = self.question(open);
        let evidence = self.evidence(open, question);
        let covered = (!evidence.is_empty()).then(|| follow_up::covered(question, &evidence, None));
        let key = question.key.clone();
        let outcome = match outcome {
            QuestionOutcome::CutShort if self.has_answer() => QuestionOutcome::Answered,
            QuestionOutcome::CutShort
            | QuestionOutcome::Answered
            | QuestionOutcome::Skipped
            | QuestionOutcome::NotAnswered => outcome,
        };
        self.state.closed.push(ClosedQuestion { key: key.clone(), outcome, covered });
        self.commands.push_back(Command::QuestionClosed { key, outcome });
    }

    pub(super) fn open_mut(&mut self) -> Option<&mut Open> {
        match &mut self.state.stage {
            Stage::Asking(open) => Some(open),
            Stage::Waiting(_) | Stage::Paused { .. } | Stage::Closing { .. } | Stage::Finished(_) => None,
        }
    }

    pub(super) fn offer(&mut self, offer: Offer) {
        if let Some(open) = self.open_mut() {
            open.offer = offer;
        }
    }

    fn is_probing(&self) -> bool {
        match &self.state.stage {
            Stage::Asking(open) => matches!(open.last, super::Ask::Probe { .. }),
            Stage::Waiting(_) | Stage::Paused { .. } | Stage::Closing { .. } | Stage::Finished(_) => false,
        }
    }

    /// The patience that the question in hand asks for now.
    pub(super) fn kind(&self) -> Option<QuestionKind> {
        match &self.state.stage {
            Stage::Asking(open) => Some(match self.question(open).kind {
                QuestionKind::Code if open.submitted => QuestionKind::Explain,
                kind @ (QuestionKind::Factual
                | QuestionKind::Explain
                | QuestionKind::Design
                | QuestionKind::Behavioural
                | QuestionKind::Code) => kind,
            }),
            Stage::Waiting(_) | Stage::Paused { .. } | Stage::Closing { .. } | Stage::Finished(_) => None,
        }
    }

    /// The next of a rotation, so that the same words do not come twice in a row.
    pub(super) fn rotate(&mut self) -> usize {
        self.state.rotation += 1;
        self.state.rotation - 1
    }

    /// What leads over to the next question.
    pub(super) fn before_question(&mut self) -> &'static str {
        if self.state.closed.len() + 1 == self.plan.questions.len() && self.plan.questions.len() > 1 {
            return lines::BEFORE_LAST;
        }
        lines::BEFORE_QUESTION[self.rotate() % lines::BEFORE_QUESTION.len()]
    }

    pub(super) fn acknowledge(&mut self, text: &str) {
        self.say(LineKind::Acknowledgement, text, None);
    }

    pub(super) fn instruct(&mut self, text: &str, expects: Option<QuestionKind>) {
        self.say(LineKind::Instruction, text, expects);
    }

    pub(super) fn say(&mut self, kind: LineKind, text: &str, expects: Option<QuestionKind>) -> LineId {
        let line = self.line(kind, text, expects);
        let id = line.id;
        self.commands.push_back(Command::Say(line));
        id
    }

    /// Says what is not to be interrupted.
    pub(super) fn say_firmly(&mut self, kind: LineKind, text: &str) -> LineId {
        let line = Line { interruptible: false, ..self.line(kind, text, None) };
        let id = line.id;
        self.commands.push_back(Command::Say(line));
        id
    }

    pub(super) fn line(&mut self, kind: LineKind, text: &str, expects: Option<QuestionKind>) -> Line {
        let id = LineId(self.next_line);
        self.next_line += 1;
        let question_key = match &self.state.stage {
            Stage::Asking(open) | Stage::Paused { open, .. } => Some(self.question(open).key.clone()),
            Stage::Waiting(_) | Stage::Closing { .. } | Stage::Finished(_) => None,
        };
        Line {
            id,
            kind,
            text: lines::in_language(&self.plan.language, text).to_owned(),
            wording: None,
            worded_with: None,
            interruptible: true,
            question_key,
            expects_answer: expects,
            probe: expects.is_some() && self.is_probing(),
            speed: self.state.speed,
        }
    }
}
