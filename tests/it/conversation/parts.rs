//! What takes part in a conversation without models: words that are sounds and can be heard again, a voice that can
//! fail, three questions small enough to follow by eye. Must never touch a clock but tokio's.

use futures::future::BoxFuture;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use vivavoce::audio::frame::{EAR_FRAME_SAMPLES, FRAME_MS, SamplePos, VOICE_RATE_HZ, VoiceClip, WordTiming};
use vivavoce::interview::Plan;
use vivavoce::interview::question::{Anchors, CodeTask, KeyPoint, Level, Probe, ProbeKind, Question, QuestionKind};
use vivavoce::stt::{
    STT_COMMANDS_MAX, STT_EVENTS_MAX, SpeechToText, SttCommand, SttError, SttEvent, SttOptions, SttStream, Transcript,
};
use vivavoce::tts::{SpeakRequest, TextToSpeech, TtsError};
use vivavoce::vad::scripted::ScriptedVoice;
use vivavoce::vad::{VAD_FRAMES_MAX, VoiceActivity, VoiceStream};

/// Time for each letter of the interviewer's, ms.
const LETTER_MS: usize = 50;
/// The sound of the first word; the next ones are a little louder each. Silence is 0.
const FIRST_WORD: i16 = 2_000;

pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All words that were ever said, each with a sound of its own.
#[derive(Clone, Debug, Default)]
pub struct Words(Arc<Mutex<Vec<String>>>);

impl Words {
    /// `text`, said within `ms`; a text without words is a noise.
    pub fn sound(&self, text: &str, ms: u64) -> Vec<i16> {
        let frames = usize::try_from(ms / u64::from(FRAME_MS)).expect("it is short");
        let mut said: Vec<&str> = text.split_whitespace().collect();
        if said.is_empty() {
            said.push("");
        }
        let mut known = locked(&self.0);
        let first = FIRST_WORD + i16::try_from(known.len()).expect("nobody says so much");
        known.extend(said.iter().map(|word| (*word).to_owned()));
        let level = |frame: usize| first + i16::try_from(frame * said.len() / frames).expect("nobody says so much");
        let mut sound = Vec::with_capacity(frames * EAR_FRAME_SAMPLES);
        (0..frames).for_each(|frame| sound.extend_from_slice(&[level(frame); EAR_FRAME_SAMPLES]));
        sound
    }

    fn word(&self, level: i16) -> String {
        usize::try_from(level - FIRST_WORD).ok().and_then(|at| locked(&self.0).get(at).cloned()).unwrap_or_default()
    }
}

/// A recogniser that hears the words in their sounds; how well and how soon can be changed in mid-interview.
#[derive(Clone, Debug)]
pub struct Ears {
    pub words: Words,
    manner: Arc<Mutex<Manner>>,
}

#[derive(Clone, Copy, Debug)]
struct Manner {
    delay: Duration,
    broken: bool,
    /// Tells what it has heard before it is sure.
    partly: bool,
    chance: Option<Chance>,
}

/// Numbers by chance, the same for the same seed.
#[derive(Clone, Copy, Debug)]
pub struct Chance(pub u64);

impl Chance {
    /// In `from..to`.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        from + (self.0 >> 33) % (to - from)
    }

    /// One time in `of`.
    pub fn one_in(&mut self, of: u64) -> bool {
        self.between(0, of) == 0
    }
}

impl Ears {
    pub fn new() -> Self {
        let manner = Manner { delay: Duration::from_millis(250), broken: false, partly: false, chance: None };
        Self { words: Words::default(), manner: Arc::new(Mutex::new(manner)) }
    }

    /// Others that hear the same words, with manners of their own.
    pub fn others(&self) -> Self {
        Self { words: self.words.clone(), ..Self::new() }
    }

    /// From now on words take so long.
    pub fn take_ms(&self, ms: u64) {
        locked(&self.manner).delay = Duration::from_millis(ms);
    }

    /// From now on each request takes as long as chance will have it, up to 3 s, so that answers overtake each other, one
    /// in twenty fails, and at one in three hundred the recogniser is gone for good.
    pub fn by_chance(&self, chance: Chance) {
        locked(&self.manner).chance = Some(chance);
    }

    fn manner(&self) -> Manner {
        let mut manner = locked(&self.manner);
        if let Some(chance) = &mut manner.chance {
            let (delay_ms, broken) = (chance.between(20, 3_000), chance.one_in(20));
            (manner.delay, manner.broken) = (Duration::from_millis(delay_ms), broken);
        }
        *manner
    }

    fn dies(&self) -> bool {
        locked(&self.manner).chance.as_mut().is_some_and(|chance| chance.one_in(300))
    }

    /// From now on words are told at once, and again when they are sure.
    pub fn tell_at_once(&self) {
        locked(&self.manner).partly = true;
    }

    /// From now on nothing (or everything again) is understood.
    pub fn broken(&self, broken: bool) {
        locked(&self.manner).broken = broken;
    }
}

impl SpeechToText for Ears {
    fn open(&self, _: SttOptions) -> SttStream {
        let (commands, mut asked) = mpsc::channel(STT_COMMANDS_MAX);
        let (events, told) = mpsc::channel(STT_EVENTS_MAX);
        let ears = self.clone();
        tokio::spawn(async move {
            let mut heard: Vec<(SamplePos, i16)> = Vec::new();
            while let Some(command) = asked.recv().await {
                match command {
                    SttCommand::Audio(frame) => heard.push((frame.at, frame.pcm[0])),
                    SttCommand::Transcribe { .. } if ears.dies() => return,
                    SttCommand::Transcribe { utterance, revision, from, to, last: _ } => {
                        let text = ears.understand(&heard, from, to);
                        let manner = ears.manner();
                        let events = events.clone();
                        tokio::spawn(async move {
                            if manner.partly {
                                let _ = events.send(SttEvent::Partial { utterance, text: text.clone() }).await;
                            }
                            tokio::time::sleep(manner.delay).await;
                            let event = if manner.broken {
                                let error = SttError::Run { why: "the test says so".into() };
                                SttEvent::Failed { utterance, revision, error }
                            } else {
                                let transcript = Transcript { text, confidence: Some(0.9), words: Vec::new() };
                                SttEvent::Final { utterance, revision, transcript }
                            };
                            let _ = events.send(event).await;
                        });
                    }
                }
            }
        });
        SttStream { commands, events: told }
    }

    fn languages(&self) -> &[&'static str] {
        &["en"]
    }

    fn name(&self) -> String {
        "ears-of-the-test".into()
    }
}

impl Ears {
    /// The words that begin in `from..to`.
    fn understand(&self, heard: &[(SamplePos, i16)], from: SamplePos, to: SamplePos) -> String {
        let begins = |pair: &[(SamplePos, i16)]| pair[0].1 != pair[1].1 && pair[1].1 != 0;
        let first = heard.first().filter(|(_, level)| *level != 0).copied();
        let later = heard.windows(2).filter(|pair| begins(pair)).map(|pair| pair[1]);
        let inside = first.into_iter().chain(later).filter(|(at, _)| (from..to).contains(at));
        let words: Vec<String> =
            inside.map(|(_, level)| self.words.word(level)).filter(|word| !word.is_empty()).collect();
        words.join(" ")
    }
}

/// A detector of voice that may stall, so that its readings come in bursts, and die.
#[derive(Clone, Debug)]
pub struct Detector {
    pub hears: ScriptedVoice,
    /// Stalls at one reading in a hundred, for up to 400 ms, and is gone at one in ten thousand.
    pub chance: Option<Chance>,
    /// Is gone from here on.
    pub dies_at: Option<SamplePos>,
}

impl Default for Detector {
    fn default() -> Self {
        Self { hears: ScriptedVoice::LouderThan(500.0), chance: None, dies_at: None }
    }
}

impl VoiceActivity for Detector {
    fn open(&self) -> VoiceStream {
        let mut stream = self.hears.open();
        let (mut chance, dies_at) = (self.chance, self.dies_at);
        if chance.is_none() && dies_at.is_none() {
            return stream;
        }
        let (late, readings) = mpsc::channel(VAD_FRAMES_MAX);
        let mut on_time = std::mem::replace(&mut stream.readings, readings);
        tokio::spawn(async move {
            while let Some(reading) = on_time.recv().await {
                let mut dies = dies_at.is_some_and(|at| reading.at >= at);
                if let Some(chance) = &mut chance {
                    if chance.one_in(100) {
                        tokio::time::sleep(Duration::from_millis(chance.between(20, 400))).await;
                    }
                    dies |= chance.one_in(10_000);
                }
                if dies || late.send(reading).await.is_err() {
                    return;
                }
            }
        });
        stream
    }

    fn name(&self) -> String {
        "detector-of-the-test".into()
    }
}

/// A voice that fails at the sentences it is told to.
#[derive(Clone, Debug, Default)]
pub struct Speaker {
    /// Makes no sound, and takes so long for each letter, ms.
    mute_letter_ms: Option<usize>,
    /// What each sentence takes beside the usual, ms.
    slower_ms: u64,
    fails_at: Arc<Mutex<Option<String>>>,
    chance: Arc<Mutex<Option<Chance>>>,
}

impl Speaker {
    /// Lines take so long for each letter, ms, and make no sound: nothing is to be looked for in the candidate's.
    pub fn mute(letter_ms: usize) -> Self {
        Self { mute_letter_ms: Some(letter_ms), ..Self::default() }
    }

    /// Each sentence takes so much longer than usual, ms.
    pub fn slower(slower_ms: u64) -> Self {
        Self { slower_ms, ..Self::default() }
    }

    /// From now on sentences with this in them cannot be spoken ("" is in all).
    pub fn fails_at(&self, part: &str) {
        *locked(&self.fails_at) = Some(part.to_owned());
    }

    /// From now on each sentence takes as long as chance will have it, up to 1.5 s, and one in fifteen fails.
    pub fn by_chance(&self, chance: Chance) {
        *locked(&self.chance) = Some(chance);
    }
}

impl TextToSpeech for Speaker {
    fn speak(&self, request: SpeakRequest) -> BoxFuture<'static, Result<VoiceClip, TtsError>> {
        let mute_letter_ms = self.mute_letter_ms;
        let told = locked(&self.fails_at).as_ref().is_some_and(|part| request.text.contains(part.as_str()));
        let (delay_ms, fails) = match &mut *locked(&self.chance) {
            Some(chance) => (chance.between(20, 1_500), told || chance.one_in(15)),
            None => (80 + self.slower_ms, told),
        };
        Box::pin(async move {
            tokio::select! {
                biased;
                () = request.cancel.cancelled() => Err(TtsError::Cancelled),
                () = tokio::time::sleep(Duration::from_millis(delay_ms)) => {
                    if fails { Err(TtsError::Run { why: "the test says so".into() }) } else { Ok(clip(&request.text, mute_letter_ms)) }
                }
            }
        })
    }

    fn voice(&self) -> String {
        "voice-of-the-test".into()
    }
}

/// A sound as long as the text, with its words in time.
fn clip(text: &Arc<str>, mute_letter_ms: Option<usize>) -> VoiceClip {
    let letter_samples = VOICE_RATE_HZ as usize * mute_letter_ms.unwrap_or(LETTER_MS) / 1000;
    let number = |count: usize| u32::try_from(count).expect("a sentence is short");
    let words = text.split_whitespace().map(|word| {
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        let end = start + word.len();
        WordTiming {
            text_start: number(start),
            text_end: number(end),
            start_samples: number(start * letter_samples),
            end_samples: number(end * letter_samples),
        }
    });
    let samples = text.len() * letter_samples;
    let pcm = if mute_letter_ms.is_some() { vec![0; samples].into() } else { sound(samples) };
    VoiceClip { text: text.clone(), words: words.collect(), pcm }
}

/// Something like a voice: a pitch that wanders, and two overtones.
fn sound(samples: usize) -> Arc<[i16]> {
    let mut phase = 0.0_f32;
    let sample = |at: usize| {
        let at_s = at as f32 / VOICE_RATE_HZ as f32;
        phase += std::f32::consts::TAU * (170.0 + 30.0 * (at_s * 2.9).sin()) / VOICE_RATE_HZ as f32;
        ((phase.sin() + (phase * 2.0 + at_s).sin() * 0.6 + (phase * 5.0).sin() * 0.4) * 3_500.0) as i16
    };
    (0..samples).map(sample).collect()
}

/// An answer that leaves nothing to ask.
pub const WHOLE: &str = "It rests on a ledger and on a mutex.";
/// An answer after which the mutex is asked for.
pub const HALF: &str = "We always keep a ledger.";

pub fn asks(key: &str) -> String {
    format!("What do you know of {key}, and what would you tell a new colleague?")
}

pub fn probes(key: &str) -> String {
    format!("What if two people do {key} at once?")
}

/// Questions on locks, queues and caches; a ledger and a mutex are what each wants to hear of.
pub fn plan() -> Plan {
    Plan {
        category: "backend".into(),
        category_name: "back-end".into(),
        language: "en".into(),
        level: Level::Middle,
        system_prompt: "You interview.".into(),
        questions: vec![
            question("locks", QuestionKind::Factual),
            question("queues", QuestionKind::Explain),
            question("caches", QuestionKind::Explain),
        ],
        time_budget_s: 1_200,
        time_factor: 1.0,
        seed: 7,
        staircase: None,
    }
}

/// The same with the second question to be answered in code.
pub fn with_code(mut plan: Plan) -> Plan {
    plan.questions[1].kind = QuestionKind::Code;
    plan.questions[1].code = Some(CodeTask { language: "python".into(), starter: String::new() });
    plan
}

fn question(key: &str, kind: QuestionKind) -> Question {
    let point = |id: &str| KeyPoint {
        id: id.into(),
        statement: format!("It is about a {id}"),
        weight: 1.0,
        must: true,
        paraphrases: vec![],
        terms: vec![id.into()],
    };
    let probe = |key_point: &str, text: String| Probe { key_point: key_point.into(), kind: ProbeKind::Depth, text };
    Question {
        key: key.into(),
        version: 1,
        twin: None,
        competency: "data".into(),
        level: Level::Middle,
        difficulty: 1,
        kind,
        time_box_s: 180,
        anchor: false,
        prompt: asks(key),
        rephrased: format!("Please tell me something about {key}."),
        reference_answer: WHOLE.into(),
        code: None,
        key_points: vec![point("ledger"), point("mutex")],
        misconceptions: vec![],
        probes: vec![probe("ledger", format!("Where are {key} written down?")), probe("mutex", probes(key))],
        anchors: Anchors { one: "nothing".into(), three: "some".into(), five: "all".into() },
    }
}
