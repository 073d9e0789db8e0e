//! Providers that stumble: who takes over, what is heard again, when the first one is tried again. On a clock that the
//! tests move.

use super::chat::{request as chat_request, said};
use super::ears::{answer, ask, frames, options, tell, text};
use super::voices::request as speak_request;
use futures::future::BoxFuture;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use vivavoce::audio::frame::{SamplePos, VoiceClip, WordTiming};
use vivavoce::cloud::{Breaker, CloudError, Fault};
use vivavoce::llm::chain::{LlmChain, LlmLink};
use vivavoce::llm::scripted::ScriptedLlm;
use vivavoce::llm::{LanguageModel, LlmError};
use vivavoce::stt::chain::{SttChain, SttDeadlines, SttLink};
use vivavoce::stt::{SpeechToText, SttCommand, SttError, SttEvent, SttOptions, SttStream, Transcript};
use vivavoce::tts::cache::{CacheSettings, CachedVoice};
use vivavoce::tts::chain::{TtsChain, TtsLink};
use vivavoce::tts::scripted::ScriptedTts;
use vivavoce::tts::{SpeakRequest, TextToSpeech, TtsError, VoiceEvent};

fn broken(fault: Fault) -> CloudError {
    CloudError::new(&"first".into(), fault, "the script says so")
}

/// How a transcriber behaves on one stream.
#[derive(Clone, Debug)]
enum Ear {
    Answers,
    Silent,
    /// The connection breaks once it has heard so many frames.
    Breaks(usize),
    Refuses(Fault),
}

/// Answers with its name and the ms that it was asked for, if it has heard all of them.
#[derive(Clone)]
struct Ears {
    name: &'static str,
    script: Arc<Mutex<VecDeque<Ear>>>,
}

impl Ears {
    fn new(name: &'static str, script: Vec<Ear>) -> Self {
        Self { name, script: Arc::new(Mutex::new(script.into())) }
    }
}

async fn listen(ears: Ears, ear: Ear, mut asked: mpsc::Receiver<SttCommand>, events: mpsc::Sender<SttEvent>) {
    let (mut from_ms, mut to_ms, mut frames) = (u64::MAX, 0, 0);
    if let Ear::Refuses(fault) = ear {
        let _ = events.send(SttEvent::Down { error: broken(fault).into() }).await;
        return;
    }
    while let Some(command) = asked.recv().await {
        match command {
            SttCommand::Audio(frame) => {
                from_ms = from_ms.min(frame.at.ms());
                to_ms = frame.at.ms() + 20;
                frames += 1;
            }
            SttCommand::Transcribe { utterance, revision, from, to, .. } => {
                tokio::time::sleep(Duration::from_millis(100)).await;
                let event = if from < SamplePos::from_ms(from_ms) || to > SamplePos::from_ms(to_ms) {
                    SttEvent::Failed { utterance, revision, error: SttError::AudioGone }
                } else {
                    let text = format!("{} {}-{}", ears.name, from.ms(), to.ms());
                    SttEvent::Final { utterance, revision, transcript: Transcript { text, ..Transcript::default() } }
                };
                if !matches!(ear, Ear::Silent) {
                    let _ = events.send(event).await;
                }
            }
        }
        if matches!(ear, Ear::Breaks(after) if frames >= after) {
            let _ = events.send(SttEvent::Down { error: broken(Fault::Passing).into() }).await;
            return;
        }
    }
}

impl SpeechToText for Ears {
    fn open(&self, _: SttOptions) -> SttStream {
        let (commands, asked) = mpsc::channel(300);
        let (events_out, events) = mpsc::channel(64);
        let ear = {
            let mut script = self.script.lock().expect("no panic");
            if script.len() > 1 { script.pop_front() } else { script.front().cloned() }
        };
        tokio::spawn(listen(self.clone(), ear.expect("a script has an act"), asked, events_out));
        SttStream { commands, events }
    }

    fn languages(&self) -> &[&'static str] {
        &["en"]
    }

    fn name(&self) -> String {
        self.name.into()
    }
}

fn chain(ears: &[Ears]) -> SttChain {
    let link = |ears: &Ears| SttLink { stt: Arc::new(ears.clone()), breaker: Arc::default() };
    let deadlines = SttDeadlines { words: Duration::from_millis(700), last_words: Duration::from_secs(3) };
    SttChain::new(ears.iter().map(link).collect(), deadlines)
}

async fn switched(stream: &mut SttStream) -> String {
    loop {
        match stream.events.recv().await.expect("an event") {
            SttEvent::Switched { said } => return said,
            SttEvent::Partial { .. } | SttEvent::Endpoint { .. } | SttEvent::Final { .. } => {}
            other @ (SttEvent::Failed { .. } | SttEvent::Down { .. }) => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_ears_hear_the_utterance_again() {
    for (first, late) in [(Ear::Breaks(60), 200), (Ear::Silent, 900), (Ear::Refuses(Fault::Unfit), 200)] {
        let (first, second) = (Ears::new("first", vec![first]), Ears::new("second", vec![Ear::Answers]));
        let mut stream = chain(&[first, second]).open(options());
        tell(&stream, frames(0, 3_000)).await;
        let asked = tokio::time::Instant::now();
        tell(&stream, [ask(1, 1, 200, 3_000, true)]).await;
        let said = answer(&mut stream).await;
        assert_eq!(text(&said), (1, 1, "second 200-3000"));
        assert!(asked.elapsed() <= Duration::from_millis(late), "{:?}", asked.elapsed());
        // And nothing is answered twice.
        tell(&stream, frames(3_000, 4_000)).await;
        tell(&stream, [ask(2, 1, 3_200, 4_000, true)]).await;
        assert_eq!(text(&answer(&mut stream).await), (2, 1, "second 3200-4000"));
    }
}

#[tokio::test(start_paused = true)]
async fn ears_that_are_well_again_take_over_once_they_have_shown_it() {
    let first = Ears::new("first", vec![Ear::Breaks(10), Ear::Silent, Ear::Answers]);
    let second = Ears::new("second", vec![Ear::Answers]);
    let mut stream = chain(&[first, second]).open(options());
    tell(&stream, frames(0, 1_000)).await;
    assert!(switched(&mut stream).await.contains("second has taken over"));
    let mut who = Vec::new();
    for utterance in 1..=12 {
        let at = utterance * 1_000;
        tell(&stream, frames(at, at + 800)).await;
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        tell(&stream, [ask(utterance, 1, at, at + 800, true)]).await;
        let said = answer(&mut stream).await;
        who.push(text(&said).2.split(' ').next().expect("a name").to_owned());
    }
    assert_eq!(who.first().map(String::as_str), Some("second"));
    assert_eq!(who.last().map(String::as_str), Some("first"), "{who:?}");
    let back = who.iter().position(|name| name == "first").expect("it came back");
    assert!(who[back..].iter().all(|name| name == "first"), "{who:?}");
}

#[tokio::test(start_paused = true)]
async fn lonely_ears_are_opened_again_and_at_last_given_up() {
    let lonely = Ears::new("only", vec![Ear::Breaks(60), Ear::Answers]);
    let mut stream = chain(&[lonely]).open(options());
    tell(&stream, frames(0, 3_000)).await;
    tell(&stream, [ask(1, 1, 200, 3_000, true)]).await;
    assert_eq!(text(&answer(&mut stream).await), (1, 1, "only 200-3000"));
    let hopeless = chain(&[Ears::new("a", vec![Ear::Refuses(Fault::Unfit)]), Ears::new("b", vec![Ear::Breaks(1)])]);
    let mut stream = hopeless.open(options());
    tell(&stream, frames(0, 100)).await;
    assert!(matches!(answer(&mut stream).await, SttEvent::Down { .. }));
}

#[tokio::test(start_paused = true)]
async fn the_last_ears_have_more_time_and_then_fail_alone() {
    let mut stream = chain(&[Ears::new("only", vec![Ear::Silent])]).open(options());
    tell(&stream, frames(0, 1_000)).await;
    tell(&stream, [ask(1, 1, 0, 1_000, true)]).await;
    let failed = answer(&mut stream).await;
    assert!(matches!(failed, SttEvent::Failed { error: SttError::Late { deadline_ms: 3_000 }, .. }), "{failed:?}");
}

/// Speaks 1,000 samples a word, and breaks before the word that the script names.
#[derive(Clone)]
struct Speaker {
    name: &'static str,
    breaks_at: Option<&'static str>,
    with_words: bool,
    spoken: Arc<Mutex<Vec<String>>>,
}

impl Speaker {
    fn new(name: &'static str, breaks_at: Option<&'static str>) -> Self {
        Self { name, breaks_at, with_words: true, spoken: Arc::default() }
    }
}

impl TextToSpeech for Speaker {
    fn speak(&self, _: SpeakRequest) -> BoxFuture<'static, Result<VoiceClip, TtsError>> {
        unimplemented_speak()
    }

    fn stream(&self, request: SpeakRequest) -> mpsc::Receiver<VoiceEvent> {
        self.spoken.lock().expect("no panic").push(request.text.to_string());
        let (events, stream) = mpsc::channel(64);
        let speaker = self.clone();
        tokio::spawn(async move {
            let mut at = 0;
            for (index, word) in request.text.split_inclusive(' ').enumerate() {
                if speaker.breaks_at.is_some_and(|broken| word.trim() == broken) {
                    let _ = events.send(VoiceEvent::Failed(broken(Fault::Passing).into())).await;
                    return;
                }
                let start = index as u32 * 1_000;
                let end = at + word.trim_end().len() as u32;
                let words = vec![WordTiming {
                    text_start: at,
                    text_end: end,
                    start_samples: start,
                    end_samples: start + 1_000,
                }];
                let words = if speaker.with_words { words } else { Vec::new() };
                let _ = events.send(VoiceEvent::Piece { pcm: vec![1; 1_000].into(), words }).await;
                at += word.len() as u32;
            }
            let _ = events.send(VoiceEvent::Done).await;
        });
        stream
    }

    fn voice(&self) -> String {
        self.name.into()
    }
}

fn unimplemented_speak() -> BoxFuture<'static, Result<VoiceClip, TtsError>> {
    Box::pin(std::future::ready(Err(TtsError::Gone)))
}

fn voices(speakers: Vec<Arc<dyn TextToSpeech>>) -> TtsChain {
    let settings = CacheSettings { folder: None, memory_bytes_max: 1 << 20, disk_bytes_max: 0 };
    let link = |voice| TtsLink { voice: CachedVoice::new(voice, &settings), breaker: Arc::default() };
    TtsChain::new(speakers.into_iter().map(link).collect())
}

async fn spoken(voice: &TtsChain, text: &str) -> Result<VoiceClip, TtsError> {
    voice.speak(speak_request(text, &CancellationToken::new())).await
}

#[tokio::test(start_paused = true)]
async fn the_next_voice_speaks_what_was_not_spoken() {
    let (first, second) = (Speaker::new("first", Some("three")), Speaker::new("second", None));
    let chain = voices(vec![Arc::new(first.clone()), Arc::new(second.clone())]);
    let clip = spoken(&chain, "One two three four.").await.expect("spoken");
    assert_eq!(*second.spoken.lock().expect("no panic"), ["three four."]);
    assert_eq!(clip.pcm.len(), 4_000);
    let words: Vec<&str> =
        clip.words.iter().map(|word| &clip.text[word.text_start as usize..word.text_end as usize]).collect();
    assert_eq!(words, ["One", "two", "three", "four."]);
    assert!(clip.words.windows(2).all(|pair| pair[0].end_samples <= pair[1].start_samples));
    // The first one rests now; the second speaks all.
    spoken(&chain, "Five six.").await.expect("spoken");
    assert_eq!(first.spoken.lock().expect("no panic").len(), 1);
    assert_eq!(second.spoken.lock().expect("no panic").last().map(String::as_str), Some("Five six."));
    tokio::time::sleep(Duration::from_secs(3)).await;
    spoken(&chain, "Seven.").await.expect("spoken");
    assert_eq!(first.spoken.lock().expect("no panic").last().map(String::as_str), Some("Seven."));
}

#[tokio::test(start_paused = true)]
async fn a_lonely_voice_is_asked_twice_and_a_cancelled_one_once() {
    let lonely = ScriptedTts::broken(Duration::from_millis(10));
    let chain = voices(vec![Arc::new(lonely.clone())]);
    assert!(matches!(spoken(&chain, "Hello.").await, Err(TtsError::Run { .. })));
    assert_eq!(lonely.spoken().len(), 2);
    let cancel = CancellationToken::new();
    cancel.cancel();
    let cancelled = chain.speak(speak_request("Hello again.", &cancel)).await;
    assert!(matches!(cancelled, Err(TtsError::Cancelled)));
    assert_eq!(lonely.spoken().len(), 3);
}

fn minds(models: &[&ScriptedLlm]) -> LlmChain {
    let link =
        |model: &&ScriptedLlm| LlmLink { model: Arc::new((*model).clone()), breaker: Arc::new(Breaker::default()) };
    LlmChain::new(models.iter().map(link).collect())
}

#[tokio::test(start_paused = true)]
async fn a_model_that_fails_before_its_first_word_is_replaced_and_rests() {
    let pace = Duration::from_millis(10);
    for fault in [Fault::Passing, Fault::Unfit, Fault::Limited { wait: None }, Fault::Budget] {
        let first = ScriptedLlm::new(vec![Err(broken(fault).into())], pace, pace);
        let second = ScriptedLlm::saying("Tell me more.", pace, pace);
        let chain = minds(&[&first, &second]);
        assert_eq!(said(chain.complete(chat_request())).await, ("Tell me more.".to_owned(), None));
        said(chain.complete(chat_request())).await;
        // Others still have money: a spent budget is no illness.
        let asked = if fault == Fault::Budget { 2 } else { 1 };
        assert_eq!((first.asked().len(), second.asked().len()), (asked, 2), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_itself_at_fault_is_asked_of_nobody_else() {
    let pace = Duration::from_millis(10);
    let first = ScriptedLlm::new(vec![Err(broken(Fault::Request).into())], pace, pace);
    let second = ScriptedLlm::saying("Tell me more.", pace, pace);
    let (_, error) = said(minds(&[&first, &second]).complete(chat_request())).await;
    assert!(matches!(error, Some(LlmError::Cloud(_))), "{error:?}");
    assert_eq!(second.asked().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_lonely_model_is_asked_twice() {
    let pace = Duration::from_millis(10);
    let tokens = vec!["Yes.".to_owned()];
    let model = ScriptedLlm::new(vec![Err(broken(Fault::Passing).into()), Ok(tokens)], pace, pace);
    assert_eq!(said(minds(&[&model]).complete(chat_request())).await, ("Yes.".to_owned(), None));
}
