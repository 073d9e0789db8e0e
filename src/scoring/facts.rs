//! What is known of a session when it is over: all that a report is made from. Plain data, gathered by the job from the
//! record; must never hold who the candidate is.

use crate::interview::QuestionOutcome;
use crate::interview::question::{Competency, Question};
use crate::interview::words::PARAGRAPH;
use crate::scoring::report::{ArtifactRef, Fault, FaultKind, InterviewHeader};
use std::collections::BTreeMap;

/// All facts of one session.
#[derive(Clone, PartialEq, Debug)]
pub struct SessionFacts {
    pub interview: InterviewHeader,
    pub competencies: Vec<Competency>,
    /// In the order in which they were asked, then those that were not.
    pub questions: Vec<PlannedQuestion>,
    /// Mean difficulty of the planned questions, where the answers chose the questions.
    pub planned_difficulty: Option<f64>,
    /// How each question ended, by key; those that were never asked are missing.
    pub outcomes: BTreeMap<String, QuestionOutcome>,
    /// The candidate's turns in their order.
    pub turns: Vec<AnswerTurn>,
    /// The follow-ups that were asked, in their order.
    pub probes: Vec<ProbeLine>,
    /// Code, every question's last version.
    pub artifacts: Vec<ArtifactRef>,
    /// Everything that was said, by time.
    pub lines: Vec<SpokenLine>,
    /// Sound that did not reach us, ms.
    pub lost_audio_ms: u64,
    /// Silence before each reply as the recording has it, ms; empty where nothing was recorded.
    pub heard_gaps_ms: Vec<u64>,
    /// Times that the interviewer held for a sound that wanted nothing ("mm-hm"), and went on.
    pub held: u32,
    /// Times that the interviewer began too early and gave the floor back.
    pub recovered: u32,
    /// Times that the page was left, by question if one was open.
    pub focus_losses: Vec<Option<String>>,
    pub versions: Versions,
}

/// Who spoke.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    Interviewer,
    Candidate,
}

/// A line of the transcript without its words: when, and how long the reply took.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SpokenLine {
    pub side: Side,
    pub question_key: Option<String>,
    pub start_ms: u64,
    pub end_ms: u64,
    /// Of an interviewer's line: the silence before it.
    pub latency_ms: Option<u64>,
    /// Of an interviewer's line: what the silence is made of, ms since the candidate's last word.
    pub stages: BTreeMap<String, u64>,
    pub interrupted: bool,
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
    /// We lost audio of it, could not transcribe some of it, were unsure of its words, or cut it off.
    pub damaged: bool,
    /// What exactly we did.
    pub faults: Vec<Fault>,
    /// Of the recogniser, 0 to 1, where it tells.
    pub confidence: Option<f32>,
    /// Words with their times, where the recogniser gives them.
    pub words: Vec<Timed>,
    /// The stretches of speech that it is made of.
    pub utterances: Vec<Timed>,
}

impl AnswerTurn {
    /// Marks the turn as damaged by us.
    pub fn blame(&mut self, fault: Fault) {
        self.damaged = true;
        self.faults.push(fault);
    }

    /// Whether the recogniser was unsure of its words.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        self.faults.iter().any(|fault| fault.kind == FaultKind::LowConfidence)
    }
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
