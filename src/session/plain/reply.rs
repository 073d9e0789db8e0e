//! The making of one reply: the model's words as they come, cut into sentences, each spoken while the rest is written. The
//! next sentence is asked for while one sounds, no more. A model that breaks off before anything sounded is asked again (its
//! chain then asks another); behind a sentence that sounds, the sentences that are whole are still spoken. Must never outlive
//! its token, nor keep sound back.

use crate::audio::frame::WordTiming;
use crate::id::SpeechId;
use crate::llm::{CompletionRequest, LanguageModel, LlmError, LlmEvent};
use crate::tts::sentences::SentenceCutter;
use crate::tts::{SpeakRequest, TextToSpeech, TtsError, Urgency, VoiceEvent};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Sentences that are spoken at once: the one that sounds, and the next.
const SPOKEN_AT_ONCE: usize = 2;

/// How often a model is asked anew that broke off before anything sounded.
const RESTARTS_MAX: u32 = 1;

/// What comes of a reply, in order.
#[derive(Debug)]
pub enum Made {
    /// More words of the model.
    Written { text: String, at: Instant },
    /// The model has written all.
    AllWritten,
    /// The sound of this sentence begins.
    Sentence(Arc<str>),
    /// More of its sound.
    Piece { pcm: Arc<[i16]>, words: Vec<WordTiming>, at: Instant },
    /// The sentence is whole.
    SentenceDone,
    /// Nothing more comes.
    Done,
    /// What was told so far is void: the model broke off before anything sounded, and writes anew.
    Anew { error: String },
    /// The model broke off: what is whole by now is still spoken.
    BrokeOff { error: String },
    /// Nothing more comes, and not all that was wanted.
    Failed { part: &'static str, error: String },
}

/// And of which.
#[derive(Debug)]
pub struct ReplyEvent {
    pub speech: SpeechId,
    pub made: Made,
}

/// Who makes it.
pub struct Makers {
    pub llm: Arc<dyn LanguageModel>,
    pub voice: Arc<dyn TextToSpeech>,
    pub out: mpsc::Sender<ReplyEvent>,
}

/// Nobody wants it any more.
struct Unwanted;

struct Making {
    speech: SpeechId,
    makers: Makers,
    cutter: SentenceCutter,
    waiting: VecDeque<Arc<str>>,
    spoken: VecDeque<(Arc<str>, mpsc::Receiver<VoiceEvent>)>,
    cancel: CancellationToken,
    /// What is asked for again where the model breaks off.
    request: Option<CompletionRequest>,
    restarts: u32,
    has_sounded: bool,
}

/// Makes a reply to its end, or until cancelled.
pub async fn make(speech: SpeechId, makers: Makers, request: CompletionRequest) {
    let cancel = request.cancel.clone();
    let tokens = makers.llm.complete(request.clone());
    let making = Making {
        request: Some(request),
        ..Making::new(speech, makers, SentenceCutter::eager(), VecDeque::new(), cancel.clone())
    };
    // Whoever cancelled wants no ending.
    let _ = cancel.run_until_cancelled(making.run(tokens)).await;
}

/// Says `text` without a model.
pub async fn say(speech: SpeechId, makers: Makers, text: String, cancel: CancellationToken) {
    let waiting = crate::tts::sentences::sentences(&text).into_iter().map(Arc::from).collect();
    let making = Making::new(speech, makers, SentenceCutter::whole(), waiting, cancel.clone());
    let (_, tokens) = mpsc::channel(1);
    let _ = cancel.run_until_cancelled(making.speak(tokens, false)).await;
}

impl Making {
    fn new(
        speech: SpeechId,
        makers: Makers,
        cutter: SentenceCutter,
        waiting: VecDeque<Arc<str>>,
        cancel: CancellationToken,
    ) -> Self {
        let spoken = VecDeque::new();
        Self { speech, makers, cutter, waiting, spoken, cancel, request: None, restarts: 0, has_sounded: false }
    }

    async fn run(self, tokens: mpsc::Receiver<LlmEvent>) -> Result<(), Unwanted> {
        self.speak(tokens, true).await
    }

    async fn speak(mut self, mut tokens: mpsc::Receiver<LlmEvent>, mut is_writing: bool) -> Result<(), Unwanted> {
        loop {
            self.begin_next().await?;
            if !is_writing && self.spoken.is_empty() {
                return self.tell(Made::Done).await;
            }
            tokio::select! {
                biased;
                event = next_of(&mut self.spoken), if !self.spoken.is_empty() => self.sounded(event).await?,
                event = tokens.recv(), if is_writing => {
                    is_writing = self.written(event.unwrap_or(LlmEvent::Failed(LlmError::Gone)), &mut tokens).await?;
                }
            }
        }
    }

    /// Asks for the sentences that are next.
    async fn begin_next(&mut self) -> Result<(), Unwanted> {
        while self.spoken.len() < SPOKEN_AT_ONCE
            && let Some(text) = self.waiting.pop_front()
        {
            let cancel = self.cancel.clone();
            let request = SpeakRequest { text: text.clone(), speed: 1.0, urgency: Urgency::Now, cancel };
            let stream = self.makers.voice.stream(request);
            self.spoken.push_back((text.clone(), stream));
            if self.spoken.len() == 1 {
                self.tell(Made::Sentence(text)).await?;
            }
        }
        Ok(())
    }

    /// Takes all words that are there by now; false when no more come.
    async fn written(&mut self, first: LlmEvent, tokens: &mut mpsc::Receiver<LlmEvent>) -> Result<bool, Unwanted> {
        let mut text = String::new();
        let mut next = Some(first);
        let mut ended = None;
        while let Some(event) = next {
            match event {
                LlmEvent::Token(token) => text.push_str(&token),
                LlmEvent::Done => ended = Some(Ok(())),
                LlmEvent::Failed(error) => ended = Some(Err(error)),
            }
            next = if ended.is_none() { tokens.try_recv().ok() } else { None };
        }
        if let Some(Err(error)) = &ended {
            return self.broke_off(error, tokens).await;
        }
        let mut sentences = self.cutter.push(&text);
        sentences.extend(if ended.is_some() { self.cutter.finish() } else { self.cutter.take_if_ended() });
        self.waiting.extend(sentences.into_iter().map(Arc::from));
        // The voice is asked before anybody is told: somebody waits for it.
        self.begin_next().await?;
        if !text.is_empty() {
            self.tell(Made::Written { text, at: tokio::time::Instant::now().into_std() }).await?;
        }
        match ended {
            None => Ok(true),
            Some(_) => self.tell(Made::AllWritten).await.map(|()| false),
        }
    }

    /// The model broke off: begins anew where nobody has heard anything, else goes on with the sentences that are whole.
    async fn broke_off(&mut self, error: &LlmError, tokens: &mut mpsc::Receiver<LlmEvent>) -> Result<bool, Unwanted> {
        let error = error.to_string();
        if let Some(request) = self.request.clone().filter(|_| !self.has_sounded && self.restarts < RESTARTS_MAX) {
            self.restarts += 1;
            self.waiting.clear();
            self.spoken.clear();
            self.cutter = SentenceCutter::eager();
            *tokens = self.makers.llm.complete(request);
            self.tell(Made::Anew { error }).await?;
            return Ok(true);
        }
        if self.waiting.is_empty() && self.spoken.is_empty() && !self.has_sounded {
            self.tell(Made::Failed { part: "llm", error }).await?;
            return Err(Unwanted);
        }
        self.tell(Made::BrokeOff { error }).await?;
        self.tell(Made::AllWritten).await.map(|()| false)
    }

    async fn sounded(&mut self, event: VoiceEvent) -> Result<(), Unwanted> {
        match event {
            VoiceEvent::Piece { pcm, words } => {
                self.has_sounded = true;
                self.tell(Made::Piece { pcm, words, at: tokio::time::Instant::now().into_std() }).await
            }
            VoiceEvent::Done => {
                self.spoken.pop_front();
                self.tell(Made::SentenceDone).await?;
                if let Some((text, _)) = self.spoken.front() {
                    self.tell(Made::Sentence(text.clone())).await?;
                }
                Ok(())
            }
            VoiceEvent::Failed(error) => {
                self.tell(Made::Failed { part: "tts", error: error.to_string() }).await?;
                Err(Unwanted)
            }
        }
    }

    async fn tell(&self, made: Made) -> Result<(), Unwanted> {
        self.makers.out.send(ReplyEvent { speech: self.speech, made }).await.map_err(|_| Unwanted)
    }
}

async fn next_of(spoken: &mut VecDeque<(Arc<str>, mpsc::Receiver<VoiceEvent>)>) -> VoiceEvent {
    match spoken.front_mut() {
        Some((_, stream)) => stream.recv().await.unwrap_or(VoiceEvent::Failed(TtsError::Gone)),
        None => std::future::pending().await,
    }
}
