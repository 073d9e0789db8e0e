//! From the log of an interview to the facts that its report is made of. Must never guess: what the log does not say is
//! left out, and what we ourselves broke is marked as broken.

use crate::id::{SpeechId, TurnId};
use crate::interview::plan::Plan;
use crate::interview::question::Competency;
use crate::interview::{EndReason, LineKind, QuestionOutcome};
use crate::scoring::facts::{AnswerTurn, PlannedQuestion, ProbeLine, SessionFacts, Timed, Versions};
use crate::scoring::report::{ArtifactRef, InterviewHeader};
use crate::session::event::{Answer, SessionEvent};
use std::collections::BTreeMap;

/// An event with its place on the session's clock.
#[derive(Clone, PartialEq, Debug)]
pub struct Logged {
    pub event: SessionEvent,
    pub at_ms: u64,
}

/// Reads the facts out of the log. `bank` names the questions' source; `gaps_ms` are the silences before replies.
#[must_use]
pub fn gather(
    interview: InterviewHeader,
    plan: Plan,
    competencies: Vec<Competency>,
    log: &[Logged],
    gaps_ms: Vec<u64>,
    bank: String,
) -> SessionFacts {
    let mut reading = Reading::default();
    for logged in log {
        reading.take(logged);
    }
    let questions = (1..).zip(plan.questions).map(|(number, question)| PlannedQuestion { number, question });
    SessionFacts {
        interview,
        competencies,
        questions: questions.collect(),
        outcomes: reading.outcomes,
        turns: reading.turns.into_iter().map(|(_, turn)| turn).collect(),
        probes: reading.probes.into_iter().map(|(_, probe)| probe).collect(),
        artifacts: reading.artifacts.into_values().collect(),
        gaps_ms,
        recovered: reading.recovered,
        focus_losses: reading.focus_losses,
        versions: Versions { bank, ..reading.versions },
    }
}

/// What has been read so far.
#[derive(Default)]
struct Reading {
    outcomes: BTreeMap<String, QuestionOutcome>,
    /// The question in hand.
    open: Option<String>,
    /// A turn that was taken up again is committed anew under its id, and then stands as it was committed last.
    turns: Vec<(Option<TurnId>, AnswerTurn)>,
    probes: Vec<(SpeechId, ProbeLine)>,
    artifacts: BTreeMap<String, ArtifactRef>,
    recovered: u32,
    focus_losses: Vec<Option<String>>,
    versions: Versions,
}

impl Reading {
    fn take(&mut self, logged: &Logged) {
        match &logged.event {
            SessionEvent::TakenUp { versions, .. } => {
                let (app, stt) = (versions.app.clone(), versions.stt.clone());
                let (llm, tts) = (versions.llm.clone(), versions.tts.clone());
                self.versions = Versions { app, stt, llm, tts, bank: String::new() };
            }
            SessionEvent::QuestionOpened { key, .. } => {
                self.open = Some(key.clone());
                // Stands if the interview ends before the question is closed.
                self.outcomes.insert(key.clone(), QuestionOutcome::CutShort);
            }
            SessionEvent::QuestionClosed { key, outcome } => {
                self.outcomes.insert(key.clone(), *outcome);
                self.open = self.open.take().filter(|open| open != key);
            }
            SessionEvent::AnswerCommitted(answer) => self.answer(answer, logged.at_ms),
            SessionEvent::SpeechStarted { speech, line: LineKind::Probe, question_key: Some(key), text } => {
                self.probes.push((*speech, ProbeLine { question_key: key.clone(), text: text.clone() }));
            }
            SessionEvent::FalseCutoffRecovered { speech, .. } => {
                self.recovered += 1;
                self.probes.retain(|(probe, _)| Some(*probe) != *speech);
            }
            SessionEvent::SpeechEnded { speech, heard, .. } if heard.trim().is_empty() => {
                self.probes.retain(|(probe, _)| probe != speech);
            }
            SessionEvent::CodeChanged { question_key, version, language, content, .. } => {
                let (question_id, language, code) = (question_key.clone(), language.clone(), content.clone());
                let last = ArtifactRef { question_id, language, code, version: *version };
                self.artifacts.insert(question_key.clone(), last);
            }
            SessionEvent::Focus { visible: false } => self.focus_losses.push(self.open.clone()),
            SessionEvent::Ended { reason: EndReason::Failed | EndReason::Shutdown } => self.broke_off(logged.at_ms),
            SessionEvent::SpeechStarted { .. }
            | SessionEvent::SpeechEnded { .. }
            | SessionEvent::Focus { visible: true }
            | SessionEvent::Ended { .. }
            | SessionEvent::Began
            | SessionEvent::MediaConnected
            | SessionEvent::MediaInterrupted
            | SessionEvent::UtteranceTranscribed(_)
            | SessionEvent::Aside { .. }
            | SessionEvent::Overheard { .. }
            | SessionEvent::WishHeard { .. }
            | SessionEvent::SpeechProgress { .. }
            | SessionEvent::SpeechHeld { .. }
            | SessionEvent::SpeechResumed { .. }
            | SessionEvent::SpeechFailed { .. }
            | SessionEvent::Silence { .. }
            | SessionEvent::Monologue { .. }
            | SessionEvent::Paused
            | SessionEvent::Resumed
            | SessionEvent::PartFailed { .. }
            | SessionEvent::Facts { .. }
            | SessionEvent::AudioLost { .. } => {}
        }
    }

    fn answer(&mut self, answer: &Answer, at_ms: u64) {
        let heard = answer.utterances.iter();
        let start_ms = heard.clone().map(|utterance| utterance.start_ms).min().unwrap_or(at_ms);
        let end_ms = heard.clone().map(|utterance| utterance.end_ms).max().unwrap_or(at_ms);
        let probed = |key: &String| self.probes.iter().any(|(_, probe)| probe.question_key == *key);
        let timed = |utterance: &crate::session::event::Utterance| Timed {
            text: utterance.text.clone(),
            start_ms: utterance.start_ms,
            end_ms: utterance.end_ms,
        };
        let turn = AnswerTurn {
            question_key: answer.question_key.clone(),
            text: answer.text.clone(),
            start_ms,
            end_ms: end_ms.max(start_ms),
            after_probe: answer.question_key.as_ref().is_some_and(probed),
            damaged: heard.clone().any(|utterance| utterance.damaged),
            words: Vec::new(),
            utterances: heard.map(timed).collect(),
        };
        match self.turns.iter_mut().find(|(id, _)| *id == Some(answer.turn)) {
            Some((_, before)) => *before = turn,
            None => self.turns.push((Some(answer.turn), turn)),
        }
    }

    /// The interview ended by our failure: what the candidate might still have said to the question in hand is lost.
    fn broke_off(&mut self, at_ms: u64) {
        if let Some(key) = self.open.clone() {
            let lost = AnswerTurn {
                question_key: Some(key),
                start_ms: at_ms,
                end_ms: at_ms,
                damaged: true,
                ..AnswerTurn::default()
            };
            self.turns.push((None, lost));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Logged, gather};
    use crate::id::{SessionId, SpeechId, TurnId, UtteranceId};
    use crate::interview::bank::shipped;
    use crate::interview::plan::{Plan, PlanRequest};
    use crate::interview::question::Level;
    use crate::interview::{EndReason, LineKind, QuestionOutcome};
    use crate::scoring::evaluate::evaluate;
    use crate::scoring::facts::SessionFacts;
    use crate::scoring::report::{InterviewHeader, QuestionState};
    use crate::scoring::rubric::Rubric;
    use crate::session::event::{Answer, SessionEvent, Utterance};

    fn facts(events: Vec<SessionEvent>) -> SessionFacts {
        let bank = shipped().expect("banks").remove(0);
        let request =
            PlanRequest { level: Level::Middle, questions: Some(6), minutes: None, time_factor: 1.0, seed: 1 };
        let mut plan = Plan::draw(&bank, &request).expect("a plan");
        plan.questions.sort_by_key(|question| question.key != KEY);
        let interview = InterviewHeader {
            id: SessionId(uuid::Uuid::nil()),
            title: String::new(),
            job_position: String::new(),
            level: Level::Middle,
            category: plan.category_name.clone(),
            language: "en".into(),
            start_time: None,
            end_time: None,
            duration_ms: None,
            mode: "voice".into(),
            purpose: "practice".into(),
        };
        let log: Vec<Logged> = (0..).zip(events).map(|(at, event)| Logged { event, at_ms: at * 1000 }).collect();
        gather(interview, plan, bank.category.competencies, &log, vec![], "test".into())
    }

    const KEY: &str = "backend.idempotency";
    const SAID: &str = "Sending it twice has the same effect as once, so after a timeout the client may retry.";

    fn opened() -> SessionEvent {
        SessionEvent::QuestionOpened { key: KEY.into(), number: 1 }
    }

    fn said(turn: u64, text: &str) -> SessionEvent {
        let utterance = Utterance {
            id: UtteranceId(turn),
            turn: Some(TurnId(turn)),
            text: text.into(),
            start_ms: 5_000,
            end_ms: 9_000,
            confidence: None,
            damaged: false,
        };
        SessionEvent::AnswerCommitted(Answer {
            turn: TurnId(turn),
            question_key: Some(KEY.into()),
            text: text.into(),
            typed: false,
            utterances: vec![utterance],
            decision: None,
            transcribed_ms: None,
        })
    }

    fn probe(speech: u64) -> SessionEvent {
        let (line, text) = (LineKind::Probe, "How would you make a post safe?".to_owned());
        SessionEvent::SpeechStarted { speech: SpeechId(speech), line, question_key: Some(KEY.into()), text }
    }

    fn state(facts: &SessionFacts) -> QuestionState {
        let report = evaluate(facts, &Rubric::shipped().expect("a rubric"));
        report.questions.into_iter().find(|question| question.id == KEY).expect("planned").state
    }

    #[test]
    fn a_turn_that_went_on_stands_as_it_was_committed_last() {
        let recovered = SessionEvent::FalseCutoffRecovered { turn: TurnId(1), speech: Some(SpeechId(1)) };
        let facts = facts(vec![opened(), said(1, "Sending it twice"), probe(1), recovered, said(1, SAID)]);
        assert_eq!(facts.turns.len(), 1);
        assert_eq!((facts.turns[0].text.as_str(), facts.turns[0].after_probe), (SAID, false));
        assert_eq!((facts.recovered, facts.probes.len()), (1, 0));
        assert_eq!(state(&facts), QuestionState::Answered);
    }

    #[test]
    fn what_follows_a_probe_is_marked() {
        let facts = facts(vec![opened(), said(1, SAID), probe(1), said(2, "With a unique key.")]);
        assert_eq!(facts.turns.iter().map(|turn| turn.after_probe).collect::<Vec<_>>(), [false, true]);
        assert_eq!(facts.probes.len(), 1);
    }

    #[test]
    fn our_failure_is_no_low_level() {
        let ended = |reason| SessionEvent::Ended { reason };
        assert_eq!(state(&facts(vec![])), QuestionState::NotAsked);
        assert_eq!(state(&facts(vec![opened(), ended(EndReason::Left)])), QuestionState::NotAnswered);
        assert_eq!(state(&facts(vec![opened(), ended(EndReason::Failed)])), QuestionState::TechnicalFailure);
        let begun = vec![opened(), said(1, "Well I would say"), ended(EndReason::Shutdown)];
        assert_eq!(state(&facts(begun)), QuestionState::InsufficientEvidence);
        assert_eq!(state(&facts(vec![opened(), said(1, SAID), ended(EndReason::Failed)])), QuestionState::Answered);
    }

    #[test]
    fn skips_and_lost_focus_belong_to_their_question() {
        let closed = SessionEvent::QuestionClosed { key: KEY.into(), outcome: QuestionOutcome::Skipped };
        let away = || SessionEvent::Focus { visible: false };
        let facts = facts(vec![away(), opened(), away(), closed, away()]);
        assert_eq!(facts.focus_losses, [None, Some(KEY.to_owned()), None]);
        assert_eq!(state(&facts), QuestionState::Skipped);
    }
}
