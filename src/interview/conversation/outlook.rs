//! What an interview tells of itself: what it may say soon, what the page shows, what must survive a restart. Must never
//! change it.

use super::{
    Ask, Command, Event, Instant, Interview, Line, Offer, Open, Phrase, Plan, QuestionOutcome, Stage, follow_up, lines,
    ms, number_of, wishes,
};
use crate::interview::staircase;
use crate::interview::view::{ClosedQuestion, Facts, OpenQuestion, Phase, QuestionView, View};

impl Interview {
    /// What would be said if the turn ended with these words, a model wording the lines that it words with `worded`, in
    /// order: to be worded and synthesised while the candidate still pauses.
    #[must_use]
    pub fn preview(&self, text: &str, worded: &[String]) -> Vec<Line> {
        let Some(now) = self.now else { return Vec::new() };
        let mut rehearsal = self.clone();
        rehearsal.commands.clear();
        let turn = rehearsal.answered.unwrap_or_default().next();
        rehearsal.apply(now, Event::Answered { turn, text: text.to_owned() });
        let mut lines: Vec<Line> = rehearsal.commands.drain(..).filter_map(spoken).collect();
        let to_word = lines.iter_mut().filter(|line| line.wording.is_some() || line.worded_with.is_some());
        for (line, worded) in to_word.zip(worded) {
            rehearsal.apply(now, Event::Proposed { line: line.id, text: worded.clone() });
            if let Some(stands) = rehearsal.commands.drain(..).find_map(wording_that_stands) {
                line.text = stands;
            }
        }
        lines
    }

    /// How much of what must be said on what was asked last would have been said with these words (0 to 1, by weight);
    /// of a wish, or the answer to an offer of ours, nothing is missing.
    #[must_use]
    pub fn covered(&self, text: &str) -> f32 {
        let Stage::Asking(open) = &self.state.stage else { return 1.0 };
        let is_whole = match wishes::hear(text) {
            Some(Phrase::Wish(_) | Phrase::Done | Phrase::DontKnow) => true,
            Some(Phrase::Yes | Phrase::No) => open.offer != Offer::Nothing,
            None => false,
        };
        if is_whole {
            return 1.0;
        }
        let question = self.question(open);
        let probe = match &open.last {
            Ask::Question => None,
            Ask::Probe { index, .. } => Some(*index),
        };
        follow_up::covered(question, &format!("{}\n{text}", self.evidence(open, question)), probe)
    }

    /// What may be said soon, likeliest first: to be synthesised beforehand.
    #[must_use]
    pub fn upcoming(&self) -> Vec<String> {
        let mut texts = Vec::new();
        match &self.state.stage {
            Stage::Waiting(None) => {
                texts.extend([lines::GREETING, self.disclosure()].map(|line| self.in_language(line)));
                texts.extend(self.next_index().map(|place| self.question_at(place).prompt.clone()));
            }
            Stage::Waiting(Some(open)) | Stage::Asking(open) | Stage::Paused { open, .. } => {
                let question = self.question(open);
                let unasked = question.probes.iter().enumerate().filter(|(index, _)| !open.probes.contains(index));
                texts.extend(unasked.map(|(_, probe)| probe.text.clone()));
                texts.extend(self.coming(open));
                texts.extend([self.asked_text(open), question.rephrased.clone()]);
            }
            Stage::Closing { .. } | Stage::Finished(_) => return texts,
        }
        if self.settings.word_turns {
            texts.extend(self.receipts());
        }
        texts.extend(lines::standing().map(|line| self.in_language(line)));
        texts
    }

    /// What is said at once while a model words the rest.
    fn receipts(&self) -> Vec<String> {
        let leads = lines::BEFORE_PROBE.into_iter().chain(lines::BEFORE_QUESTION).chain([lines::BEFORE_LAST]);
        let mut receipts = Vec::new();
        for lead in leads {
            let receipt = lines::receipt_and_rest(lines::in_language(&self.plan.language, lead)).0.to_owned();
            if !receipts.contains(&receipt) {
                receipts.push(receipt);
            }
        }
        receipts
    }

    /// The prompts that may come after the question in hand, the likeliest first: as what is said of it so far leads to,
    /// or a good answer, or a poor one.
    fn coming(&self, open: &Open) -> Vec<String> {
        let question = self.question(open);
        let so_far = follow_up::covered(question, &self.evidence(open, question), None);
        let mut prompts: Vec<String> = Vec::new();
        for covered in [so_far, 1.0, 0.0] {
            let over = ClosedQuestion {
                key: question.key.clone(),
                outcome: QuestionOutcome::Answered,
                covered: Some(covered),
            };
            let mut closed = self.state.closed.clone();
            closed.push(over);
            let prompt = staircase::next(&self.plan, &closed).map(|place| self.question_at(place).prompt.clone());
            prompts.extend(prompt.filter(|prompt| !prompts.contains(prompt)));
        }
        prompts
    }

    fn in_language(&self, line: &str) -> String {
        lines::in_language(&self.plan.language, line).to_owned()
    }

    /// Where the interview stands, for the page.
    #[must_use]
    pub fn view(&self, now: Instant) -> View {
        let (phase, open) = match &self.state.stage {
            Stage::Waiting(open) => (Phase::Connecting, open.as_ref()),
            Stage::Asking(_) if self.state.greeting.is_some() => (Phase::Greeting, None),
            Stage::Asking(open) => (Phase::Asking, Some(open)),
            Stage::Paused { open, .. } => (Phase::Paused, Some(open)),
            Stage::Closing { .. } => (Phase::Closing, None),
            Stage::Finished(_) => (Phase::Ended, None),
        };
        let elapsed = self.state.watch.elapsed(now);
        View {
            phase,
            question: open.map(|open| self.question_view(open)),
            elapsed_ms: ms(elapsed),
            remaining_ms: ms(self.budget().saturating_sub(elapsed)),
            paused: phase == Phase::Paused,
        }
    }

    fn question_view(&self, open: &Open) -> QuestionView {
        let question = self.question(open);
        QuestionView {
            id: question.key.clone(),
            number: number_of(self.state.closed.len()),
            of: u32::try_from(self.plan.questions.len()).unwrap_or(u32::MAX),
            text: question.prompt.clone(),
            probe: match &open.last {
                Ask::Question => None,
                Ask::Probe { text, .. } => Some(text.clone()),
            },
            kind: question.kind,
            time_box_s: u32::try_from(self.plan.time_box_ms(question) / 1000).unwrap_or(u32::MAX),
            code_language: question.code.as_ref().map(|code| code.language.clone()),
            starter: question.code.as_ref().map(|code| code.starter.clone()),
        }
    }

    /// All that must be known to go on after a restart.
    #[must_use]
    pub fn facts(&self, now: Instant) -> Facts {
        let (open, ending, paused) = match &self.state.stage {
            Stage::Waiting(open) => (open.as_ref(), None, false),
            Stage::Asking(open) => (Some(open), None, false),
            Stage::Paused { open, .. } => (Some(open), None, true),
            Stage::Closing { reason, .. } | Stage::Finished(reason) => (None, Some(*reason), false),
        };
        let elapsed = self.state.watch.elapsed(now);
        Facts {
            closed: self.state.closed.clone(),
            open: open.map(|open| OpenQuestion {
                key: self.question(open).key.clone(),
                answer: open.answer.clone(),
                probes: open.probes.clone(),
                last_probe: match &open.last {
                    Ask::Question => None,
                    Ask::Probe { text, .. } => Some(text.clone()),
                },
                encouraged: open.encouraged,
                submitted: open.submitted,
                used_ms: ms(open.used_of_box(elapsed)),
                offer: open.offer,
                warned: open.warned,
                code_heard: open.code_heard,
            }),
            paused,
            elapsed_ms: ms(elapsed),
            greeted: self.state.greeted,
            next_line: self.next_line,
            rotation: self.state.rotation,
            speed: self.state.speed,
            ending,
        }
    }

    /// The plan that is followed.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }
}

fn spoken(command: Command) -> Option<Line> {
    match command {
        Command::Say(line) => Some(line),
        Command::QuestionOpened { .. }
        | Command::QuestionClosed { .. }
        | Command::WishHeard { .. }
        | Command::Paused
        | Command::Resumed
        | Command::Worded { .. }
        | Command::Finished { .. } => None,
    }
}

fn wording_that_stands(command: Command) -> Option<String> {
    match command {
        Command::Worded { text, .. } => Some(text),
        Command::Say(_)
        | Command::QuestionOpened { .. }
        | Command::QuestionClosed { .. }
        | Command::WishHeard { .. }
        | Command::Paused
        | Command::Resumed
        | Command::Finished { .. } => None,
    }
}
