//! From the log of an interview to the facts that its report is made of. Must never guess: what the log does not say is
//! left out, and what we ourselves broke is marked as broken.

use crate::audio::frame::FRAME_MS;
use crate::id::{SpeechId, TurnId};
use crate::interview::plan::Plan;
use crate::interview::question::Competency;
use crate::interview::staircase;
use crate::interview::{EndReason, LineKind, QuestionOutcome};
use crate::scoring::facts::{AnswerTurn, PlannedQuestion, ProbeLine, SessionFacts, SpokenLine, Timed, Versions};
use crate::scoring::report::{ArtifactRef, Fault, FaultKind, InterviewHeader};
use crate::scoring::rubric::OurFaultRules;
use crate::session::event::{Answer, SessionEvent, Utterance};
use std::collections::BTreeMap;

/// An event with its place on the session's clock.
#[derive(Clone, PartialEq, Debug)]
pub struct Logged {
    pub event: SessionEvent,
    pub at_ms: u64,
}

/// Sound that is lost so shortly before a turn's first word, or after its last, may have been a word of it, ms.
const LOSS_REACH_MS: u64 = 1_000;

/// What an interview is, beside its log.
#[derive(Clone, PartialEq, Debug)]
pub struct Frame {
    pub interview: InterviewHeader,
    pub plan: Plan,
    pub competencies: Vec<Competency>,
    /// Everything that was said, by time.
    pub lines: Vec<SpokenLine>,
    /// Names the questions' source.
    pub bank: String,
}

/// Reads the facts out of the log.
#[must_use]
pub fn gather(frame: Frame, log: &[Logged], rules: &OurFaultRules) -> SessionFacts {
    let mut reading = Reading::default();
    for logged in log {
        reading.take(logged, rules);
    }
    reading.blame_losses(rules);
    let questions = (1..)
        .zip(staircase::of_interview(&frame.plan, &reading.asked))
        .map(|(number, question)| PlannedQuestion { number, question });
    SessionFacts {
        interview: frame.interview,
        competencies: frame.competencies,
        questions: questions.collect(),
        planned_difficulty: frame.plan.staircase.is_some().then(|| mean_difficulty(&frame.plan)),
        outcomes: reading.outcomes,
        turns: reading.turns.into_iter().map(|(_, turn)| turn).collect(),
        probes: reading.probes.into_iter().map(|(_, probe)| probe).collect(),
        artifacts: reading.artifacts.into_values().collect(),
        lines: frame.lines,
        lost_audio_ms: reading.losses.iter().map(|(_, ms)| ms).sum(),
        heard_gaps_ms: reading.heard_gaps_ms,
        held: reading.held,
        recovered: reading.recovered,
        focus_losses: reading.focus_losses,
        versions: Versions { bank: frame.bank, ..reading.versions },
    }
}

fn mean_difficulty(plan: &Plan) -> f64 {
    let sum: u32 = plan.questions.iter().map(|question| u32::from(question.difficulty)).sum();
    f64::from(sum) / u32::try_from(plan.questions.len().max(1)).map_or(1.0, f64::from)
}

/// What has been read so far.
#[derive(Default)]
struct Reading {
    outcomes: BTreeMap<String, QuestionOutcome>,
    /// Keys of the questions that were asked, in their order.
    asked: Vec<String>,
    /// The question in hand.
    open: Option<String>,
    /// A turn that was taken up again is committed anew under its id, and then stands as it was committed last.
    turns: Vec<(Option<TurnId>, AnswerTurn)>,
    probes: Vec<(SpeechId, ProbeLine)>,
    artifacts: BTreeMap<String, ArtifactRef>,
    /// Sound that did not reach us: when it was noticed, and how much, ms.
    losses: Vec<(u64, u64)>,
    /// The question that the interviewer has just gone on to.
    going_on: Option<GoingOn>,
    /// Silence before each reply as the recording has it, ms.
    heard_gaps_ms: Vec<u64>,
    held: u32,
    recovered: u32,
    focus_losses: Vec<Option<String>>,
    versions: Versions,
}

/// The interviewer speaks of another question than the last turn did.
struct GoingOn {
    speech: SpeechId,
    since_ms: u64,
    /// Place of the last turn before.
    turn: usize,
}

impl Reading {
    fn take(&mut self, logged: &Logged, rules: &OurFaultRules) {
        match &logged.event {
            SessionEvent::TakenUp { versions, .. } => {
                let (app, stt) = (versions.app.clone(), versions.stt.clone());
                let (llm, tts) = (versions.llm.clone(), versions.tts.clone());
                self.versions = Versions { app, stt, llm, tts, bank: String::new() };
            }
            SessionEvent::QuestionOpened { key, .. } => self.opened(key),
            SessionEvent::QuestionClosed { key, outcome } => {
                self.outcomes.insert(key.clone(), *outcome);
                self.open = self.open.take().filter(|open| open != key);
            }
            SessionEvent::AnswerCommitted(answer) => self.answer(answer, logged.at_ms, rules),
            SessionEvent::SpeechStarted { speech, line: LineKind::Probe, question_key: Some(key), text } => {
                self.probes.push((*speech, ProbeLine { question_key: key.clone(), text: text.clone() }));
            }
            SessionEvent::SpeechStarted { speech, line: LineKind::Question, question_key: Some(key), .. } => {
                self.goes_on(*speech, key, logged.at_ms);
            }
            SessionEvent::FalseCutoffRecovered { speech, .. } => {
                self.recovered += 1;
                self.going_on = None;
                self.probes.retain(|(probe, _)| Some(*probe) != *speech);
            }
            SessionEvent::SpeechEnded { speech, heard, interrupted, .. } => {
                self.said(*speech, heard);
                self.broken_in(*speech, *interrupted, logged.at_ms, rules);
            }
            // Broke in to ask for something, not to go on with the answer.
            SessionEvent::WishHeard { .. } => self.going_on = None,
            SessionEvent::AudioLost { frames, .. } => self.losses.push((logged.at_ms, frames * u64::from(FRAME_MS))),
            SessionEvent::SpeechResumed { .. } => self.held += 1,
            SessionEvent::GapsMeasured { gaps } => {
                // Where both sides speak at once there is no silence.
                let heard = gaps.iter().map(|gap| u64::try_from(gap.waveform_ms).unwrap_or(0));
                self.heard_gaps_ms = heard.collect();
            }
            SessionEvent::CodeChanged { question_key, version, language, content, .. } => {
                let (question_id, language, code) = (question_key.clone(), language.clone(), content.clone());
                let last = ArtifactRef { question_id, language, code, version: *version, analysis: None };
                self.artifacts.insert(question_key.clone(), last);
            }
            SessionEvent::Focus { visible: false } => self.focus_losses.push(self.open.clone()),
            SessionEvent::Ended { reason: EndReason::Failed | EndReason::Shutdown } => self.broke_off(logged.at_ms),
            SessionEvent::SpeechStarted { .. }
            | SessionEvent::Focus { visible: true }
            | SessionEvent::Ended { .. }
            | SessionEvent::Began
            | SessionEvent::MediaConnected
            | SessionEvent::MediaInterrupted
            | SessionEvent::UtteranceTranscribed(_)
            | SessionEvent::Aside { .. }
            | SessionEvent::Overheard { .. }
            | SessionEvent::SpeechProgress { .. }
            | SessionEvent::SpeechHeld { .. }
            | SessionEvent::SpeechFailed { .. }
            | SessionEvent::Silence { .. }
            | SessionEvent::Monologue { .. }
            | SessionEvent::Paused
            | SessionEvent::Resumed
            | SessionEvent::PartFailed { .. }
            | SessionEvent::WordingRefused { .. }
            | SessionEvent::Used { .. }
            | SessionEvent::Facts { .. }
            | SessionEvent::Replied { .. }
            | SessionEvent::FloorOpened { .. }
            | SessionEvent::FloorTold { .. }
            | SessionEvent::ConversationOpened { .. }
            | SessionEvent::ReplyBegan { .. } => {}
        }
    }

    fn opened(&mut self, key: &String) {
        if let Some(taken_back) = self.open.replace(key.clone()).filter(|open| open != key) {
            // Only what was asked too early is left without being closed.
            self.outcomes.remove(&taken_back);
            self.asked.retain(|asked| *asked != taken_back);
        }
        if !self.asked.contains(key) {
            self.asked.push(key.clone());
        }
        // Stands if the interview ends before the question is closed.
        self.outcomes.insert(key.clone(), QuestionOutcome::CutShort);
    }

    fn answer(&mut self, answer: &Answer, at_ms: u64, rules: &OurFaultRules) {
        let heard = answer.utterances.iter();
        let start_ms = heard.clone().map(|utterance| utterance.start_ms).min().unwrap_or(at_ms);
        let end_ms = heard.clone().map(|utterance| utterance.end_ms).max().unwrap_or(at_ms).max(start_ms);
        let probed = |key: &String| self.probes.iter().any(|(_, probe)| probe.question_key == *key);
        let timed = |utterance: &Utterance| Timed {
            text: utterance.text.clone(),
            start_ms: utterance.start_ms,
            end_ms: utterance.end_ms,
        };
        let mut turn = AnswerTurn {
            question_key: answer.question_key.clone(),
            text: answer.text.clone(),
            start_ms,
            end_ms,
            after_probe: answer.question_key.as_ref().is_some_and(probed),
            confidence: if answer.typed { None } else { confidence(&answer.utterances) },
            utterances: heard.clone().map(timed).collect(),
            ..AnswerTurn::default()
        };
        for lost in heard.filter(|utterance| utterance.damaged) {
            let detail = "Words were said and could not be written down, or sound in them was made up.".to_owned();
            let (start_ms, end_ms) = (lost.start_ms, lost.end_ms);
            turn.blame(Fault { kind: FaultKind::NotTranscribed, start_ms, end_ms, detail });
        }
        if let Some(sure) = turn.confidence.filter(|sure| *sure < rules.confidence_min) {
            let detail = format!("The recogniser was only {:.0} % sure of the words.", sure * 100.0);
            turn.blame(Fault { kind: FaultKind::LowConfidence, start_ms, end_ms, detail });
        }
        self.going_on = None;
        match self.turns.iter_mut().find(|(id, _)| *id == Some(answer.turn)) {
            Some((_, before)) => *before = turn,
            None => self.turns.push((Some(answer.turn), turn)),
        }
    }

    /// A follow-up was asked as far as it was heard.
    fn said(&mut self, speech: SpeechId, heard: &str) {
        if heard.trim().is_empty() {
            return self.probes.retain(|(probe, _)| *probe != speech);
        }
        if let Some((_, probe)) = self.probes.iter_mut().find(|(probe, _)| *probe == speech) {
            heard.clone_into(&mut probe.text);
        }
    }

    /// The interviewer begins to speak of `key`.
    fn goes_on(&mut self, speech: SpeechId, key: &str, since_ms: u64) {
        let last = self.turns.last().and_then(|(_, turn)| turn.question_key.as_deref());
        let elsewhere = last.is_some_and(|last| last != key);
        self.going_on = elsewhere.then(|| GoingOn { speech, since_ms, turn: self.turns.len() - 1 });
    }

    /// A speech ended; if the candidate broke in as soon as it began, we had cut off what they were saying.
    fn broken_in(&mut self, speech: SpeechId, interrupted: bool, at_ms: u64, rules: &OurFaultRules) {
        let Some(going_on) = self.going_on.take_if(|going_on| going_on.speech == speech) else { return };
        if interrupted && at_ms.saturating_sub(going_on.since_ms) <= rules.cut_off_ms {
            let (start_ms, end_ms) = (going_on.since_ms, at_ms);
            let detail = "The interviewer went on to another question, and the candidate broke in at once.".to_owned();
            self.turns[going_on.turn].1.blame(Fault { kind: FaultKind::CutOff, start_ms, end_ms, detail });
        }
    }

    /// Sound that was lost during a turn may have been words of it.
    fn blame_losses(&mut self, rules: &OurFaultRules) {
        for (_, turn) in &mut self.turns {
            let near = turn.start_ms.saturating_sub(LOSS_REACH_MS)..=turn.end_ms + LOSS_REACH_MS;
            let lost_ms: u64 = self.losses.iter().filter(|(at_ms, _)| near.contains(at_ms)).map(|(_, ms)| ms).sum();
            if lost_ms > rules.lost_ms_max && !turn.utterances.is_empty() {
                let detail = format!("{lost_ms} ms of sound did not reach us.");
                let (start_ms, end_ms) = (turn.start_ms, turn.end_ms);
                turn.blame(Fault { kind: FaultKind::LostAudio, start_ms, end_ms, detail });
            }
        }
    }

    /// The interview ended by our failure: what the candidate might still have said to the question in hand is lost.
    fn broke_off(&mut self, at_ms: u64) {
        if let Some(key) = self.open.clone() {
            let (start_ms, end_ms) = (at_ms, at_ms);
            let mut lost = AnswerTurn { question_key: Some(key), start_ms, end_ms, ..AnswerTurn::default() };
            let detail = "The interview broke off on our side while this question was open.".to_owned();
            lost.blame(Fault { kind: FaultKind::BrokenOff, start_ms, end_ms, detail });
            self.turns.push((None, lost));
        }
    }
}

/// Mean over the utterances by their length; `None` where the recogniser does not tell.
fn confidence(utterances: &[Utterance]) -> Option<f32> {
    let told = utterances.iter().filter_map(|utterance| {
        let words = utterance.text.split_whitespace().count();
        Some((utterance.confidence?, f32::from(u16::try_from(words).unwrap_or(u16::MAX))))
    });
    let (sum, words) = told.fold((0.0, 0.0), |(sum, all), (sure, words)| (sum + sure * words, all + words));
    (words > 0.0).then(|| sum / words)
}

#[cfg(test)]
mod tests {
    use super::{Frame, Logged, gather};
    use crate::id::{SessionId, SpeechId, TurnId, UtteranceId};
    use crate::interview::bank::shipped;
    use crate::interview::plan::{Plan, PlanRequest};
    use crate::interview::question::Level;
    use crate::interview::{EndReason, LineKind, QuestionOutcome, Wish};
    use crate::scoring::evaluate::evaluate;
    use crate::scoring::facts::SessionFacts;
    use crate::scoring::local::LocalGrader;
    use crate::scoring::report::FaultKind;
    use crate::scoring::report::{InterviewHeader, QuestionState};
    use crate::scoring::rubric::Rubric;
    use crate::session::event::{Answer, MeasuredGap, SessionEvent, Utterance};

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
            patience: 1.0,
            consent: None,
        };
        let log: Vec<Logged> = (0..).zip(events).map(|(at, event)| Logged { event, at_ms: at * 1000 }).collect();
        let competencies = bank.category.competencies;
        let frame = Frame { interview, plan, competencies, lines: vec![], bank: "test".into() };
        gather(frame, &log, &Rubric::shipped().expect("a rubric").ours)
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
        let rubric = Rubric::shipped().expect("a rubric");
        let report = evaluate(facts, &rubric, &LocalGrader::new(rubric.clone(), None));
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

    fn turn(turn: u64, confidence: f32, damaged: bool) -> SessionEvent {
        let SessionEvent::AnswerCommitted(mut answer) = said(turn, "Well I would say") else {
            unreachable!("an answer")
        };
        answer.utterances[0].confidence = Some(confidence);
        answer.utterances[0].damaged = damaged;
        SessionEvent::AnswerCommitted(answer)
    }

    fn faults(events: Vec<SessionEvent>) -> Vec<FaultKind> {
        facts(events).turns.iter().flat_map(|turn| turn.faults.iter().map(|fault| fault.kind)).collect()
    }

    #[test]
    fn what_we_damaged_is_marked_and_no_low_level() {
        assert_eq!(faults(vec![opened(), turn(1, 0.9, false)]), []);
        assert_eq!(faults(vec![opened(), turn(1, 0.4, false)]), [FaultKind::LowConfidence]);
        assert_eq!(faults(vec![opened(), turn(1, 0.9, true)]), [FaultKind::NotTranscribed]);
        assert_eq!(state(&facts(vec![opened(), turn(1, 0.4, false)])), QuestionState::TechnicalFailure);
        let lost = |frames| SessionEvent::AudioLost { frames, utterance: None };
        // Each event is a second after the one before; the turn lies between 5 and 9 s.
        let pause = || SessionEvent::Paused;
        let during =
            |frames| vec![opened(), pause(), pause(), pause(), pause(), pause(), lost(frames), turn(1, 0.9, false)];
        assert_eq!(faults(during(10)), []);
        assert_eq!(faults(during(11)), [FaultKind::LostAudio]);
        assert_eq!(facts(during(10)).lost_audio_ms, 200);
        assert_eq!(faults(vec![opened(), lost(100), turn(1, 0.9, false)]), []);
    }

    #[test]
    fn an_answer_that_we_went_on_from_was_cut_off_if_the_candidate_breaks_in_at_once() {
        let next = |text: &str| SessionEvent::SpeechStarted {
            speech: SpeechId(7),
            line: LineKind::Question,
            question_key: Some("backend.deadlock".into()),
            text: text.into(),
        };
        let ended = |interrupted| SessionEvent::SpeechEnded {
            speech: SpeechId(7),
            sent_samples: 1,
            heard: "What".into(),
            interrupted,
        };
        let pause = || SessionEvent::Paused;
        let broken_in = vec![opened(), said(1, "Well I would say"), next("What is"), ended(true)];
        assert_eq!(faults(broken_in.clone()), [FaultKind::CutOff]);
        assert_eq!(state(&facts(broken_in)), QuestionState::TechnicalFailure);
        assert_eq!(faults(vec![opened(), said(1, "Well"), next("What is"), ended(false)]), []);
        let late = vec![opened(), said(1, "Well"), next("What"), pause(), pause(), pause(), ended(true)];
        assert_eq!(faults(late), []);
        let wish = SessionEvent::WishHeard { wish: Wish::Repeat, by_phrase: true };
        assert_eq!(faults(vec![opened(), said(1, "Well"), next("What"), wish, ended(true)]), []);
        let recovered = SessionEvent::FalseCutoffRecovered { turn: TurnId(1), speech: Some(SpeechId(7)) };
        assert_eq!(faults(vec![opened(), said(1, "Well"), next("What"), recovered, ended(true)]), []);
    }

    #[test]
    fn how_turns_were_taken_is_told_apart_from_what_was_answered() {
        let ended = SessionEvent::SpeechEnded {
            speech: SpeechId(1),
            sent_samples: 9,
            heard: "How would you".into(),
            interrupted: true,
        };
        let gap =
            |turn: u64, waveform_ms| MeasuredGap { turn: TurnId(turn), question: None, events_ms: 600, waveform_ms };
        let facts = facts(vec![
            opened(),
            said(1, SAID),
            probe(1),
            ended,
            SessionEvent::SpeechResumed { speech: SpeechId(2) },
            said(2, "With a unique key."),
            SessionEvent::GapsMeasured { gaps: vec![gap(1, 650), gap(2, -20)] },
        ]);
        assert_eq!((facts.heard_gaps_ms.as_slice(), facts.held), ([650, 0].as_slice(), 1));
        assert_eq!(facts.probes[0].text, "How would you", "what was heard of it");
        assert_eq!(state(&facts), QuestionState::Answered);
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
