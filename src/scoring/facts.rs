//! What is known of a session when it is over: all that a report is made from. Plain data, gathered by the job from the
//! record; must never hold who the candidate is.

use crate::id::TurnId;
use crate::interview::QuestionOutcome;
use crate::interview::question::{Competency, Question, QuestionKind};
use crate::interview::words::PARAGRAPH;
use crate::scoring::report::{ArtifactRef, InterviewHeader};
use crate::session::event::Stages;
use std::collections::BTreeMap;

/// All facts of one session.
#[derive(Clone, PartialEq, Debug)]
pub struct SessionFacts {
    pub interview: InterviewHeader,
    pub competencies: Vec<Competency>,
    /// In the order of the plan.
    pub questions: Vec<PlannedQuestion>,
    /// How each question ended, by key; those that were never asked are missing.
    pub outcomes: BTreeMap<String, QuestionOutcome>,
    /// The candidate's turns in their order.
    pub turns: Vec<AnswerTurn>,
    /// The follow-ups that were asked, in their order.
    pub probes: Vec<ProbeLine>,
    /// Code, every question's last version.
    pub artifacts: Vec<ArtifactRef>,
    /// Silence before each reply, ms: as measured on the recording, where it was.
    pub gaps_ms: Vec<u64>,
    pub floor: FloorFacts,
    /// Times that the interviewer began too early and gave the floor back.
    pub recovered: u32,
    /// Times that the page was left, by question if one was open.
    pub focus_losses: Vec<Option<String>>,
    pub versions: Versions,
}

/// How the taking of turns went: our performance, never the candidate's.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct FloorFacts {
    pub replies: Vec<ReplyFacts>,
    /// Lines of the interviewer that the candidate stopped.
    pub stopped: u32,
    /// Times that the interviewer held for a sound that wanted nothing ("mm-hm"), and went on.
    pub held: u32,
    /// Sound of the candidate's answers that was lost on the way, ms.
    pub lost_ms: u64,
}

/// One reply of the interviewer, all in ms after the end of the candidate's speech.
#[derive(Clone, PartialEq, Debug)]
pub struct ReplyFacts {
    pub turn: TurnId,
    /// The kind of the question that was answered.
    pub kind: Option<QuestionKind>,
    /// Where the reply begins on the session's clock, ms.
    pub start_ms: u64,
    pub stages: Stages,
    /// The silence as the recording has it; below 0 they overlap. None: nothing was recorded.
    pub waveform_ms: Option<i64>,
}

/// A question with its place in the interview.
#[derive(Clone, PartialEq, Debug)]
pub struct PlannedQuestion {
    pub number: u32,
    pub question: Question,
}

/// A turn of the candidate.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct AnswerTurn {
    pub question_key: Option<String>,
    /// As heard, or typed.
    pub text: String,
    pub start_ms: u64,
    pub end_ms: u64,
    /// It answers a follow-up.
    pub after_probe: bool,
    /// We lost audio of it, could not transcribe some of it, or cut it off.
    pub damaged: bool,
    /// Words with their times, where the recogniser gives them.
    pub words: Vec<Timed>,
    /// The stretches of speech that it is made of.
    pub utterances: Vec<Timed>,
}

/// Some words and when they were said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Timed {
    pub text: String,
    pub start_ms: u64,
    pub end_ms: u64,
}

/// A follow-up as it was said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProbeLine {
    pub question_key: String,
    pub text: String,
}

/// Versions of the parts that took part; the rubric's own is added.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Versions {
    pub app: String,
    pub bank: String,
    pub stt: String,
    pub llm: String,
    pub tts: String,
}

/// The turns that answer one question, as one text: what a grade is made from.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Evidence<'a> {
    pub turns: Vec<&'a AnswerTurn>,
    /// Code that was written for it.
    pub code: Option<&'a str>,
}

impl<'a> Evidence<'a> {
    /// What the session has on this question.
    #[must_use]
    pub fn of(facts: &'a SessionFacts, key: &str) -> Self {
        let filled = |turn: &AnswerTurn| turn.damaged || !turn.text.trim().is_empty();
        let said = |turn: &&AnswerTurn| turn.question_key.as_deref() == Some(key) && filled(turn);
        let code = facts.artifacts.iter().filter(|artifact| artifact.question_id == key).max_by_key(|a| a.version);
        Self { turns: facts.turns.iter().filter(said).collect(), code: code.map(|artifact| artifact.code.as_str()) }
    }

    /// All turns as one text; turns are parted so that no thought reaches across.
    #[must_use]
    pub fn text(&self) -> String {
        let turns: Vec<&str> = self.turns.iter().map(|turn| turn.text.as_str()).collect();
        turns.join(PARAGRAPH)
    }

    /// What was said before any follow-up.
    #[must_use]
    pub fn unprompted(&self) -> Evidence<'a> {
        let turns = self.turns.iter().filter(|turn| !turn.after_probe).copied().collect();
        Self { turns, code: self.code }
    }
}
