//! How the rehearsal candidate behaves: waits until it was asked and the voice has ended, thinks, says its answer with
//! its pauses, also when talked over. Pure: time, what was heard and what the screen shows go in; deeds come out.

use super::ear::Ear;
use super::interject::{Interjection, Interjector, Kind};
use super::prepare::{Prepared, PreparedAnswer};
use crate::audio::frame::{FRAME_MS, VOICE_RATE_HZ};
use crate::room::{QuestionView, StateView};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Silence of the interviewer after which a question has ended: people take a gap beyond half a second for an end.
const QUESTION_ENDED: Duration = Duration::from_millis(600);
/// Silence before the end of an answer from which a voice that had begun within it has fallen silent.
const FELL_SILENT: Duration = Duration::from_millis(100);
/// A microphone hands over a frame when its last sample was spoken.
const FRAME: Duration = Duration::from_millis(FRAME_MS as u64);

/// One answer, as it went.
#[derive(Clone, Debug)]
pub struct Turn {
    pub question: String,
    /// The kind of the question in hand, as the interview told it.
    pub kind: String,
    /// An answer to a follow-up (or to any further words within a question), not to the question itself.
    pub is_follow_up: bool,
    pub utterances: Vec<String>,
    pub began: Instant,
    /// When its last voiced sample was spoken.
    pub ended: Instant,
    /// From `ended` to the first sound of the reply; none if the interviewer was talking then, or has not replied.
    pub gap: Option<Duration>,
    /// The interviewer began to talk within it.
    pub talked_over: bool,
    /// It fell silent again each time, and the answer went on.
    pub recovered: bool,
}

impl Turn {
    #[must_use]
    pub fn gap_ms(&self) -> Option<u64> {
        self.gap.and_then(|gap| u64::try_from(gap.as_millis()).ok())
    }
}

/// What the candidate does.
#[derive(Clone, Debug)]
pub enum Deed {
    /// Say all of an answer, then tell by [`Candidate::has_spoken`].
    Speak(Arc<PreparedAnswer>),
    /// Hand code to the code pane.
    Code {
        question: String,
        language: String,
        content: String,
        submitted: bool,
    },
    Tell(Happening),
}

/// What somebody who watches may want to see.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    Phase { phase: String, question: Option<(u32, u32, String, String)> },
    Thinks { about: Duration },
    Says { text: String, lasts: Duration },
    Interjects { text: String, lasts: Duration },
    TalkedOver { recovered: bool },
    Replied { gap: Duration },
}

/// The candidate.
#[derive(Debug)]
pub struct Candidate {
    prepared: Arc<Prepared>,
    state: Option<StateView>,
    doing: Doing,
    /// Answers given to each question.
    answered: HashMap<String, usize>,
    general_next: usize,
    turns: Vec<Turn>,
    interjector: Option<Interjector>,
    /// An interruption ended here: what is asked, is asked after it.
    interrupted_until: Option<Instant>,
    deeds: VecDeque<Deed>,
}

#[derive(Debug)]
enum Doing {
    /// Until it is asked.
    Listening,
    Thinking {
        until: Instant,
        question: QuestionView,
        answer: Arc<PreparedAnswer>,
    },
    Speaking {
        question: QuestionView,
        answer: Arc<PreparedAnswer>,
        is_follow_up: bool,
    },
    /// Says something into the interviewer's line.
    Interjecting {
        kind: Kind,
        words: Arc<PreparedAnswer>,
    },
}

impl Candidate {
    #[must_use]
    pub fn new(prepared: Arc<Prepared>) -> Self {
        let interjector = prepared.interjections.clone().map(Interjector::new);
        Self {
            prepared,
            interjector,
            interrupted_until: None,
            state: None,
            doing: Doing::Listening,
            answered: HashMap::new(),
            general_next: 0,
            turns: Vec::new(),
            deeds: VecDeque::new(),
        }
    }

    /// What the screen shows.
    pub fn see(&mut self, state: StateView) {
        let shown =
            |state: &StateView| (state.phase.clone(), state.question.as_ref().map(|question| question.id.clone()));
        if self.state.as_ref().map(shown) != Some(shown(&state)) {
            let question = state.question.as_ref();
            let question = question.map(|asked| (asked.number, asked.of, asked.id.clone(), asked.kind.clone()));
            self.deeds.push_back(Deed::Tell(Happening::Phase { phase: state.phase.clone(), question }));
        }
        self.state = Some(state);
    }

    /// Time passes (every 20 ms).
    pub fn tick(&mut self, now: Instant, ear: &Ear) {
        self.note_reply(ear);
        self.doing = match std::mem::replace(&mut self.doing, Doing::Listening) {
            Doing::Listening => match (self.interjection(now, ear), self.question_asked(now, ear)) {
                (Some(interjecting), _) => interjecting,
                (None, Some(question)) => self.think(now, question),
                (None, None) => Doing::Listening,
            },
            Doing::Thinking { until, question, answer } => {
                if self.question_asked(now, ear).is_none() {
                    // The interviewer says more: hear it out first.
                    Doing::Listening
                } else if now < until {
                    Doing::Thinking { until, question, answer }
                } else {
                    self.begin(question, answer)
                }
            }
            speaking @ (Doing::Speaking { .. } | Doing::Interjecting { .. }) => speaking,
        };
    }

    /// The answer was said; its first frame left at `from`. Gives back which one it was.
    pub fn has_spoken(&mut self, from: Instant, ear: &Ear) -> Option<Arc<PreparedAnswer>> {
        let (question, answer, is_follow_up) = match std::mem::replace(&mut self.doing, Doing::Listening) {
            Doing::Speaking { question, answer, is_follow_up } => (question, answer, is_follow_up),
            Doing::Interjecting { kind, words } => {
                let (text, lasts) = (words.utterances.join(" "), duration_of(words.voiced_end));
                let until = self.interjector.as_mut()?.has_said(kind, text, from, lasts);
                if kind == Kind::Words {
                    self.interrupted_until = Some(until);
                }
                return Some(words);
            }
            Doing::Listening | Doing::Thinking { .. } => return None,
        };
        self.hand_in(&question, &answer, is_follow_up, true);
        let ended = from + duration_of(answer.voiced_end).saturating_sub(FRAME);
        let over: Vec<_> = ear.begun_between(from, ended).collect();
        let recovered = over.iter().all(|speech| speech.end + FELL_SILENT <= ended);
        if !over.is_empty() {
            self.deeds.push_back(Deed::Tell(Happening::TalkedOver { recovered }));
        }
        self.turns.push(Turn {
            question: question.id,
            kind: question.kind,
            is_follow_up,
            utterances: answer.utterances.clone(),
            began: from,
            ended,
            gap: None,
            talked_over: !over.is_empty(),
            recovered: !over.is_empty() && recovered,
        });
        Some(answer)
    }

    /// What is to be done.
    pub fn poll_deed(&mut self) -> Option<Deed> {
        self.deeds.pop_front()
    }

    #[must_use]
    pub fn turns(&self) -> &[Turn] {
        &self.turns
    }

    /// What was said into the interviewer's lines.
    #[must_use]
    pub fn interjections(&self) -> &[Interjection] {
        self.interjector.as_ref().map_or(&[], Interjector::said)
    }

    /// Whether an answer is being said or thought of.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        match &self.doing {
            Doing::Listening => false,
            Doing::Thinking { .. } | Doing::Speaking { .. } | Doing::Interjecting { .. } => true,
        }
    }

    /// The question that waits for an answer: the screen says that the floor is ours, and what was said since our last
    /// answer has ended at the ear.
    fn question_asked(&self, now: Instant, ear: &Ear) -> Option<QuestionView> {
        let state = self.state.as_ref().filter(|state| state.phase == "listening" && !state.paused)?;
        let since = self.turns.last().map(|turn| turn.ended).max(self.interrupted_until);
        let has_ended = ear.has_heard_since(since) && !ear.hears_voice(now, QUESTION_ENDED);
        state.question.clone().filter(|_| has_ended)
    }

    /// Says something into what is being said, if it is to.
    fn interjection(&mut self, now: Instant, ear: &Ear) -> Option<Doing> {
        let (kind, words) = self.interjector.as_mut()?.wants(now, ear, self.state.as_ref())?;
        let (text, lasts) = (words.utterances.join(" "), duration_of(words.voiced_end));
        self.deeds.push_back(Deed::Tell(Happening::Interjects { text, lasts }));
        self.deeds.push_back(Deed::Speak(Arc::clone(&words)));
        Some(Doing::Interjecting { kind, words })
    }

    fn think(&mut self, now: Instant, question: QuestionView) -> Doing {
        let answer = self.answer_to(&question.id);
        self.deeds.push_back(Deed::Tell(Happening::Thinks { about: answer.think }));
        Doing::Thinking { until: now + answer.think, question, answer }
    }

    fn answer_to(&self, question: &str) -> Arc<PreparedAnswer> {
        let own = match self.answered.get(question).copied().unwrap_or(0) {
            0 => self.prepared.answers.get(question),
            asked => self.prepared.probes.get(question).and_then(|probes| probes.get(asked - 1)),
        };
        let general = || &self.prepared.general[self.general_next % self.prepared.general.len()];
        Arc::clone(own.unwrap_or_else(general))
    }

    fn begin(&mut self, question: QuestionView, answer: Arc<PreparedAnswer>) -> Doing {
        let answered = self.answered.entry(question.id.clone()).or_default();
        *answered += 1;
        let is_follow_up = *answered > 1;
        if self.prepared.general.iter().any(|general| Arc::ptr_eq(general, &answer)) {
            self.general_next += 1;
        }
        let lasts = duration_of(answer.voiced_end);
        self.deeds.push_back(Deed::Tell(Happening::Says { text: answer.utterances.join(" … "), lasts }));
        self.hand_in(&question, &answer, is_follow_up, false);
        self.deeds.push_back(Deed::Speak(Arc::clone(&answer)));
        Doing::Speaking { question, answer, is_follow_up }
    }

    /// Code as it stands, and at the end of the answer for good. Who has none hands in what the pane opened with.
    fn hand_in(&mut self, question: &QuestionView, answer: &PreparedAnswer, is_follow_up: bool, submitted: bool) {
        if question.kind != "code" || is_follow_up {
            return;
        }
        let content = answer.code.clone().or_else(|| question.starter.clone()).unwrap_or_default();
        let language = question.code_language.clone().unwrap_or_default();
        self.deeds.push_back(Deed::Code { question: question.id.clone(), language, content, submitted });
    }

    /// Measures the gap of the last answer once its reply is heard.
    fn note_reply(&mut self, ear: &Ear) {
        let Some(turn) = self.turns.last_mut().filter(|turn| turn.gap.is_none()) else { return };
        if ear.speeches().iter().any(|speech| speech.start < turn.ended && speech.end > turn.ended) {
            return;
        }
        if let Some(reply) = ear.first_after(turn.ended) {
            let gap = reply.start - turn.ended;
            turn.gap = Some(gap);
            self.deeds.push_back(Deed::Tell(Happening::Replied { gap }));
        }
    }
}

fn duration_of(samples: usize) -> Duration {
    Duration::from_secs_f64(samples as f64 / f64::from(VOICE_RATE_HZ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::rehearse::interject::Interjections;

    /// A conversation on made-up time: sounds are put into the ear, the screen shows phases.
    struct Stage {
        began: Instant,
        now_ms: u64,
        ear: Ear,
        candidate: Candidate,
        told: Vec<String>,
    }

    fn answer(text: &str, seconds: usize) -> Arc<PreparedAnswer> {
        let samples = seconds * VOICE_RATE_HZ as usize;
        Arc::new(PreparedAnswer {
            utterances: vec![text.to_owned()],
            stretches: Vec::new(),
            think: Duration::from_secs(1),
            pcm: vec![1_000; samples],
            voiced_end: samples,
            code: None,
        })
    }

    fn stage() -> Stage {
        let began = Instant::now();
        let answers = HashMap::from([("q1".to_owned(), answer("first", 2)), ("q2".to_owned(), answer("second", 2))]);
        let probes = HashMap::from([("q1".to_owned(), vec![answer("more", 1)])]);
        let general = vec![answer("no idea", 1), answer("who knows", 1)];
        let candidate = Candidate::new(Arc::new(Prepared { answers, probes, general, interjections: None }));
        Stage { began, now_ms: 0, ear: Ear::new(began), candidate, told: Vec::new() }
    }

    impl Stage {
        fn at(&self, ms: u64) -> Instant {
            self.began + Duration::from_millis(ms)
        }

        /// Time passes to `ms`; the interviewer is heard or not.
        fn run(&mut self, to_ms: u64, voice: bool) {
            while self.now_ms < to_ms {
                let now = self.at(self.now_ms);
                self.ear.hear(now, &[if voice { 3_000 } else { 0 }; 320]);
                self.candidate.tick(now, &self.ear);
                while let Some(deed) = self.candidate.poll_deed() {
                    let ms = self.now_ms;
                    self.told.push(match deed {
                        Deed::Speak(answer) => format!("{ms} speaks {}", answer.utterances[0]),
                        Deed::Code { submitted, content, .. } => format!("{ms} code {content} {submitted}"),
                        Deed::Tell(Happening::Replied { gap }) => format!("{ms} gap {}", gap.as_millis()),
                        Deed::Tell(Happening::TalkedOver { recovered }) => format!("{ms} talked over {recovered}"),
                        Deed::Tell(Happening::Interjects { text, .. }) => format!("{ms} interjects {text}"),
                        Deed::Tell(Happening::Phase { .. } | Happening::Thinks { .. } | Happening::Says { .. }) => {
                            continue;
                        }
                    });
                }
                self.now_ms += 20;
            }
        }

        fn show(&mut self, phase: &str, question: &str, kind: &str) {
            let question = QuestionView {
                id: question.into(),
                number: 1,
                of: 2,
                text: String::new(),
                kind: kind.into(),
                time_box_s: 60,
                code_language: Some("python".into()),
                starter: Some("pass".into()),
            };
            let state = StateView {
                phase: phase.into(),
                question: Some(question),
                elapsed_ms: 0,
                remaining_ms: 0,
                paused: false,
            };
            self.candidate.see(state);
        }

        /// Which answer was begun last, and when; it is then said to its end.
        fn spoken(&mut self, from_ms: u64) {
            let from = self.at(from_ms);
            self.candidate.has_spoken(from, &self.ear);
        }
    }

    #[test]
    fn a_question_is_heard_out_thought_about_and_answered_and_the_gap_is_measured() {
        let mut stage = stage();
        stage.show("asking", "q1", "factual");
        stage.run(2_000, true);
        stage.run(2_200, false);
        stage.show("listening", "q1", "factual");
        stage.run(6_000, false);
        // 600 ms of silence, then 1 s to think.
        assert_eq!(stage.told, ["3600 speaks first"]);
        stage.spoken(3_600);
        stage.run(6_300, false);
        stage.show("speaking", "q1", "factual");
        stage.run(7_000, true);
        // Said from 3,600 to 5,600, of which the last frame was handed over 20 ms before its end.
        assert_eq!(stage.told[1..], ["6300 gap 720"]);
        assert_eq!(stage.candidate.turns()[0].gap, Some(Duration::from_millis(720)));
    }

    #[test]
    fn further_words_within_a_question_get_its_probe_answer_then_general_ones_in_turn() {
        let mut stage = stage();
        for (from, expected) in
            [(0_u64, "first"), (10_000, "more"), (20_000, "no idea"), (30_000, "who knows"), (40_000, "no idea")]
        {
            stage.run(from + 1_000, true);
            stage.show("listening", "q1", "factual");
            stage.run(from + 5_000, false);
            let spoken = stage.told.iter().rfind(|told| told.contains("speaks")).expect("it spoke");
            assert_eq!(spoken.as_str(), format!("{} speaks {expected}", from + 2_600));
            stage.spoken(from + 2_600);
            stage.show("speaking", "q1", "factual");
            stage.run(from + 10_000, false);
        }
        assert_eq!(stage.candidate.turns().iter().filter(|turn| turn.is_follow_up).count(), 4);
    }

    #[test]
    fn whoever_goes_on_asking_is_heard_out() {
        let mut stage = stage();
        stage.run(1_000, true);
        stage.show("listening", "q1", "factual");
        stage.run(2_000, false);
        stage.run(3_000, true);
        stage.run(6_000, false);
        assert_eq!(stage.told, ["4600 speaks first"]);
    }

    #[test]
    fn a_question_is_interrupted_once_its_repetition_acknowledged_and_then_answered() {
        let mut stage = stage();
        let interjections = Interjections { words: answer("again please", 1), sounds: vec![answer("okay", 1)] };
        stage.candidate.interjector = Some(Interjector::new(Arc::new(interjections)));
        stage.show("speaking", "q1", "factual");
        stage.run(2_400, true);
        stage.spoken(2_020);
        stage.show("listening", "q1", "factual");
        stage.run(5_000, false);
        assert_eq!(stage.told, ["2000 interjects again please", "2000 speaks again please"], "and it waits");
        stage.show("speaking", "q1", "factual");
        stage.run(7_400, true);
        stage.spoken(7_020);
        stage.run(8_000, false);
        stage.run(11_000, true);
        stage.show("listening", "q1", "factual");
        stage.run(14_000, false);
        assert_eq!(stage.told[2..], ["7000 interjects okay", "7000 speaks okay", "12600 speaks first"]);
        assert_eq!(stage.candidate.interjections().len(), 2);
    }

    #[test]
    fn nothing_is_said_while_nothing_is_asked() {
        let mut stage = stage();
        stage.run(1_000, true);
        stage.run(30_000, false);
        stage.show("asking", "q1", "factual");
        stage.run(60_000, false);
        assert_eq!(stage.told, Vec::<String>::new());
        assert!(!stage.candidate.is_busy());
    }

    #[test]
    fn being_talked_over_is_told_with_whether_it_recovered() {
        let check = |voice_from: u64, voice_to: u64, expected: &str, measured: bool| {
            let mut stage = stage();
            stage.run(1_000, true);
            stage.show("listening", "q1", "factual");
            stage.run(voice_from, false);
            stage.run(voice_to, true);
            stage.run(4_620.max(voice_to), false);
            stage.spoken(2_600);
            stage.run(5_500, false);
            stage.run(6_000, true);
            assert_eq!(stage.told[1], format!("{} talked over {expected}", 4_620.max(voice_to)));
            assert_eq!(stage.candidate.turns()[0].gap.is_some(), measured, "{voice_from} to {voice_to}");
            assert_eq!(stage.candidate.turns()[0].recovered, expected == "true");
        };
        check(3_000, 3_400, "true", true);
        // It goes on beyond the end of the answer: there is no gap to measure.
        check(4_000, 4_900, "false", false);
    }

    #[test]
    fn code_is_shown_at_the_beginning_and_handed_in_at_the_end() {
        let mut stage = stage();
        stage.run(1_000, true);
        stage.show("listening", "q2", "code");
        stage.run(5_000, false);
        stage.spoken(2_600);
        stage.run(5_020, false);
        assert_eq!(stage.told, ["2600 code pass false", "2600 speaks second", "5000 code pass true"]);
    }
}
