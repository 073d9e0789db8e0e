//! How the rehearsal candidate behaves, 20 ms at a time: waits until it was asked and the voice has ended, thinks, says
//! its answer with its pauses, and goes on with it when it is talked over. Pure: time, what was heard and what the
//! screen shows go in; frames, messages and happenings come out.

use super::ear::Ear;
use super::prepare::{Prepared, PreparedAnswer};
use crate::audio::frame::{VOICE_FRAME_SAMPLES, VOICE_RATE_HZ};
use crate::room::{QuestionView, StateView};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Silence of the interviewer after which a question has ended: people take a gap beyond half a second for an end.
const QUESTION_ENDED: Duration = Duration::from_millis(600);
/// Silence before the end of an answer from which a voice that had begun within it has fallen silent.
const FELL_SILENT: Duration = Duration::from_millis(100);
/// Loudness of the microphone's own noise (peak, of 32,767: -72 dB), so that silence is not digital.
const NOISE_PEAK: i16 = 8;

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

/// What the candidate does besides making sound.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// Hand code to the code pane.
    Code { question: String, language: String, content: String, submitted: bool },
    Tell(Happening),
}

/// What somebody who watches may want to see.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    Phase { phase: String, question: Option<(u32, u32, String, String)> },
    Thinks { about: Duration },
    Says { text: String, lasts: Duration },
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
    deeds: VecDeque<Deed>,
    noise: u32,
}

#[derive(Debug)]
enum Doing {
    /// Until it is asked.
    Listening,
    Thinking { until: Instant, question: QuestionView, answer: Arc<PreparedAnswer> },
    Speaking { began: Instant, question: QuestionView, answer: Arc<PreparedAnswer>, sent: usize, is_follow_up: bool },
}

impl Candidate {
    #[must_use]
    pub fn new(prepared: Arc<Prepared>) -> Self {
        Self {
            prepared,
            state: None,
            doing: Doing::Listening,
            answered: HashMap::new(),
            general_next: 0,
            turns: Vec::new(),
            deeds: VecDeque::new(),
            noise: 0x9e37_79b9,
        }
    }

    /// What the screen shows.
    pub fn see(&mut self, state: StateView) {
        let shown = |state: &StateView| (state.phase.clone(), state.question.as_ref().map(|question| question.id.clone()));
        if self.state.as_ref().map(shown) != Some(shown(&state)) {
            let question = state.question.as_ref();
            let question = question.map(|asked| (asked.number, asked.of, asked.id.clone(), asked.kind.clone()));
            self.deeds.push_back(Deed::Tell(Happening::Phase { phase: state.phase.clone(), question }));
        }
        self.state = Some(state);
    }

    /// The next 20 ms of the candidate's microphone, sent at `now`.
    pub fn tick(&mut self, now: Instant, ear: &Ear) -> [i16; VOICE_FRAME_SAMPLES] {
        self.note_reply(ear);
        let mut frame = self.hiss();
        self.doing = match std::mem::replace(&mut self.doing, Doing::Listening) {
            Doing::Listening => match self.question_asked(now, ear) {
                Some(question) => self.think(now, question),
                None => Doing::Listening,
            },
            Doing::Thinking { until, question, answer } => {
                if self.question_asked(now, ear).is_none() {
                    // The interviewer says more: hear it out first.
                    Doing::Listening
                } else if now < until {
                    Doing::Thinking { until, question, answer }
                } else {
                    let speaking = self.begin(now, question, answer);
                    self.speak(now, ear, speaking, &mut frame)
                }
            }
            speaking @ Doing::Speaking { .. } => self.speak(now, ear, speaking, &mut frame),
        };
        frame
    }

    /// What is to be done besides.
    pub fn poll_deed(&mut self) -> Option<Deed> {
        self.deeds.pop_front()
    }

    #[must_use]
    pub fn turns(&self) -> &[Turn] {
        &self.turns
    }

    /// Whether an answer is being said or thought of.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        match &self.doing {
            Doing::Listening => false,
            Doing::Thinking { .. } | Doing::Speaking { .. } => true,
        }
    }

    /// The question that waits for an answer: the screen says that the floor is ours, and what was said since our last
    /// answer has ended at the ear.
    fn question_asked(&self, now: Instant, ear: &Ear) -> Option<QuestionView> {
        let state = self.state.as_ref().filter(|state| state.phase == "listening" && !state.paused)?;
        let since = self.turns.last().map(|turn| turn.ended);
        let has_ended = ear.has_heard_since(since) && !ear.hears_voice(now, QUESTION_ENDED);
        state.question.clone().filter(|_| has_ended)
    }

    fn think(&mut self, now: Instant, question: QuestionView) -> Doing {
        let answer = self.answer_to(&question.id);
        self.deeds.push_back(Deed::Tell(Happening::Thinks { about: answer.think }));
        Doing::Thinking { until: now + answer.think, question, answer }
    }

    fn answer_to(&self, question: &str) -> Arc<PreparedAnswer> {
        let own = match self.answered.get(question).copied().unwrap_or(0) {
            0 => self.prepared.answers.get(question),
            1 => self.prepared.probes.get(question),
            _ => None,
        };
        let general = || &self.prepared.general[self.general_next % self.prepared.general.len()];
        Arc::clone(own.unwrap_or_else(general))
    }

    fn begin(&mut self, now: Instant, question: QuestionView, answer: Arc<PreparedAnswer>) -> Doing {
        let answered = self.answered.entry(question.id.clone()).or_default();
        *answered += 1;
        let is_follow_up = *answered > 1;
        if self.prepared.general.iter().any(|general| Arc::ptr_eq(general, &answer)) {
            self.general_next += 1;
        }
        let lasts = duration_of(answer.voiced_end);
        self.deeds.push_back(Deed::Tell(Happening::Says { text: answer.utterances.join(" … "), lasts }));
        self.hand_in(&question, &answer, is_follow_up, false);
        Doing::Speaking { began: now, question, answer, sent: 0, is_follow_up }
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

    /// Puts the answer's next samples into `frame`; after the last one the answer is a turn.
    fn speak(&mut self, now: Instant, ear: &Ear, speaking: Doing, frame: &mut [i16; VOICE_FRAME_SAMPLES]) -> Doing {
        let Doing::Speaking { began, question, answer, sent, is_follow_up } = speaking else { return speaking };
        for (sample, voice) in frame.iter_mut().zip(&answer.pcm[sent.min(answer.pcm.len())..]) {
            *sample = sample.saturating_add(*voice);
        }
        let sent = sent + VOICE_FRAME_SAMPLES;
        if sent < answer.voiced_end {
            return Doing::Speaking { began, question, answer, sent, is_follow_up };
        }
        self.hand_in(&question, &answer, is_follow_up, true);
        // A microphone hands over a frame when its last sample was spoken.
        let ended = now.checked_sub(duration_of(sent - answer.voiced_end)).unwrap_or(now);
        let over: Vec<_> = ear.begun_between(began, ended).collect();
        let recovered = over.iter().all(|speech| speech.end + FELL_SILENT <= ended);
        if !over.is_empty() {
            self.deeds.push_back(Deed::Tell(Happening::TalkedOver { recovered }));
        }
        self.turns.push(Turn {
            question: question.id,
            kind: question.kind,
            is_follow_up,
            utterances: answer.utterances.clone(),
            began,
            ended,
            gap: None,
            talked_over: !over.is_empty(),
            recovered: !over.is_empty() && recovered,
        });
        Doing::Listening
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

    /// A quiet frame as a real microphone gives it (xorshift noise: the same in every rehearsal).
    fn hiss(&mut self) -> [i16; VOICE_FRAME_SAMPLES] {
        let mut frame = [0; VOICE_FRAME_SAMPLES];
        for sample in &mut frame {
            self.noise ^= self.noise << 13;
            self.noise ^= self.noise >> 17;
            self.noise ^= self.noise << 5;
            *sample = (self.noise % (2 * NOISE_PEAK.unsigned_abs() as u32 + 1)) as i16 - NOISE_PEAK;
        }
        frame
    }
}

fn duration_of(samples: usize) -> Duration {
    Duration::from_secs_f64(samples as f64 / f64::from(VOICE_RATE_HZ))
}
