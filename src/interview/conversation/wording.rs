//! What a language model words in a turn, and what of it stands: the remark that takes up an answer, the probe, the
//! bridge to the next question, an explanation. The move, the key point and the limits are decided before; must never
//! let a proposal change them.

use super::{Ask, Awaited, Awaiting, Command, Interview, LineId, LineKind, QuestionKind, Stage, lines, prompt};
use crate::interview::{Line, Refusal};

impl Interview {
    pub(super) fn ask_probe(&mut self, index: usize) {
        let Stage::Asking(open) = &self.state.stage else { return };
        let question = self.question(open);
        let deadline_ms = self.settings.wording_ms_max;
        let wording = self
            .settings
            .word_probes
            .then(|| prompt::wording(&self.plan, question, &question.probes[index], &open.answer, deadline_ms));
        let line = self.probe_line(index);
        self.say_probe(Line { wording, ..line }, index);
    }

    /// One request words both: what was said is taken up while the probe is still being written. The receipt is said
    /// meanwhile; where the model's remark does not stand, it is all the remark there is.
    pub(super) fn remark_and_probe(&mut self, receipt: &str, index: usize) {
        self.acknowledge(receipt);
        let Stage::Asking(open) = &self.state.stage else { return };
        let (at, question) = (open.index, self.question(open));
        let deadline_ms = self.settings.wording_ms_max;
        let request = prompt::turn(&self.plan, question, &question.probes[index], &open.answer, deadline_ms);
        let answer = open.answer.clone();
        let first = self.line(LineKind::Acknowledgement, "", None);
        let second = self.probe_line(index);
        let (line, words, authored) = (first.id, Awaiting::Remark, String::new());
        self.awaited.push(Awaited { line, words, authored, question: at, answer, next: None });
        let worded_with = Some(first.id);
        let wording = Some(prompt::then(request, second.id));
        self.commands.push_back(Command::Say(Line { wording, ..first }));
        self.say_probe(Line { worded_with, ..second }, index);
    }

    fn probe_line(&mut self, index: usize) -> Line {
        let (text, kind) = match &self.state.stage {
            Stage::Asking(open) => {
                let question = self.question(open);
                // What is asked about code that was handed in is answered by talking.
                let is_code = question.kind == QuestionKind::Code;
                let kind = if is_code { QuestionKind::Explain } else { question.kind };
                (question.probes[index].text.clone(), Some(kind))
            }
            Stage::Waiting(_) | Stage::Paused { .. } | Stage::Closing { .. } | Stage::Finished(_) => Default::default(),
        };
        self.line(LineKind::Probe, &text, kind)
    }

    fn say_probe(&mut self, line: Line, index: usize) {
        let (id, text) = (line.id, line.text.clone());
        self.commands.push_back(Command::Say(Line { probe: true, ..line }));
        if let Some(open) = self.open_mut() {
            open.probes.push(index);
            open.last = Ask::Probe { index, line: id, text, worded: false };
        }
    }

    /// What was answered on the question in hand, where a model may take it up in its bridge to the next one.
    pub(super) fn answer_in_hand(&self) -> Option<(usize, String)> {
        match &self.state.stage {
            Stage::Asking(open) if self.settings.word_turns => Some((open.index, open.answer.clone())),
            Stage::Asking(_)
            | Stage::Waiting(_)
            | Stage::Paused { .. }
            | Stage::Closing { .. }
            | Stage::Finished(_) => None,
        }
    }

    /// The lead to the next question. Where a model words it, its first sentence is said while the model writes.
    pub(super) fn lead_over(&mut self, lead: &str, next: usize) {
        let Some((question, answer)) = self.bridging.take() else { return self.acknowledge(lead) };
        let lead = lines::in_language(&self.plan.language, lead).to_owned();
        let (receipt, rest) = lines::receipt_and_rest(&lead);
        self.acknowledge(receipt);
        let line = self.line(LineKind::Acknowledgement, rest, None);
        let (before, coming) = (self.question_at(question), self.question_at(next));
        let request = prompt::bridge(&self.plan, before, &answer, coming, self.settings.wording_ms_max);
        let (words, authored) = (Awaiting::Remark, rest.to_owned());
        self.awaited.push(Awaited { line: line.id, words, authored, question, answer, next: Some(next) });
        self.commands.push_back(Command::Say(Line { wording: Some(request), ..line }));
    }

    /// A question that was not understood, in other words: a model's where it may.
    pub(super) fn explain(&mut self, text: &str, kind: Option<QuestionKind>) {
        let line = self.line(LineKind::Repeat, text, kind);
        let wording = match &self.state.stage {
            Stage::Asking(open) if self.settings.word_turns => {
                let question = self.question(open);
                Some((open.index, prompt::explanation(&self.plan, question, self.settings.wording_ms_max)))
            }
            Stage::Asking(_)
            | Stage::Waiting(_)
            | Stage::Paused { .. }
            | Stage::Closing { .. }
            | Stage::Finished(_) => None,
        };
        let wording = wording.map(|(question, request)| {
            let words = Awaiting::Explanation;
            let (authored, answer) = (text.to_owned(), String::new());
            self.awaited.push(Awaited { line: line.id, words, authored, question, answer, next: None });
            request
        });
        self.commands.push_back(Command::Say(Line { wording, ..line }));
    }

    /// A model proposes words for a line: the policy says which text stands.
    pub(super) fn proposed(&mut self, line: LineId, text: String) {
        match self.awaited.iter().position(|awaited| awaited.line == line) {
            Some(at) => {
                let awaited = self.awaited.swap_remove(at);
                let question = self.question_at(awaited.question);
                let next = awaited.next.map(|next| self.question_at(next));
                let checked = match awaited.words {
                    Awaiting::Remark => prompt::is_remark(&text, question, next, &awaited.answer),
                    Awaiting::Explanation => prompt::is_explanation(&text, question),
                };
                self.stands(line, text, awaited.authored, checked);
            }
            None => self.probe_proposed(line, text),
        }
    }

    fn probe_proposed(&mut self, proposed: LineId, text: String) {
        let Stage::Asking(open) = &self.state.stage else { return };
        let Ask::Probe { index, line, text: authored, worded: false } = &open.last else { return };
        if *line != proposed {
            return;
        }
        let question = self.question(open);
        let checked = prompt::acceptable(&text, question, &question.probes[*index], &open.answer);
        let stands = self.stands(proposed, text, authored.clone(), checked);
        if let Some(open) = self.open_mut()
            && let Ask::Probe { text, worded, .. } = &mut open.last
        {
            *worded = true;
            *text = stands;
        }
    }

    fn stands(&mut self, line: LineId, proposed: String, authored: String, checked: Result<(), Refusal>) -> String {
        let refused = checked.err();
        let text = if refused.is_none() { proposed.trim().to_owned() } else { authored };
        self.commands.push_back(Command::Worded { line, text: text.clone(), refused });
        text
    }
}
