//! The reply while the candidate still pauses: what would be said is worded by the model and made audible, so that it is
//! there when the turn is taken. Must never let what was prepared for other words be said, nor wait for a model beyond
//! its deadline.

use super::Work;
use super::actor::{Actor, now};
use crate::id::TurnId;
use crate::interview::{self, Line, LineId, WordingRequest};
use crate::llm::{CompletionRequest, LanguageModel, LlmEvent, Message, Role};
use crate::tts::{SpeakRequest, Urgency};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Longest wording that a model may give, tokens (a question of 35 words).
const WORDING_TOKENS_MAX: u32 = 60;
/// Wordings that the model may miss in a row before this interview does without it.
const WORDINGS_MISSED_MAX: u32 = 2;
/// How long a wording may take that nobody waits for yet, s: past it the pause is over one way or the other.
const WORDING_S_MAX: u64 = 12;

/// What was prepared for the words so far, and what is asked of the model.
#[derive(Debug, Default)]
pub(super) struct Wordings {
    prepared: Option<Prepared>,
    awaited: Option<Awaited>,
    /// Wordings that the model did not give in time, one after the other.
    missed: u32,
    next: u64,
}

/// The reply to the turn as it stands.
#[derive(Debug)]
struct Prepared {
    said: String,
    cancel: CancellationToken,
    asked: Option<Asked>,
}

/// A wording that the model was asked for before anybody waited for it.
#[derive(Debug)]
struct Asked {
    number: u64,
    request: WordingRequest,
    cancel: CancellationToken,
    worded: Option<Worded>,
}

/// What came of a request.
#[derive(Clone, Debug)]
pub(crate) struct Worded {
    pub number: u64,
    /// `None`: it failed.
    pub text: Option<String>,
    pub first_token: Option<Instant>,
}

/// A line that waits for its words.
#[derive(Debug)]
struct Awaited {
    line: LineId,
    number: u64,
    due: Instant,
    cancel: CancellationToken,
}

impl Wordings {
    /// When the line that waits gets its own words.
    pub fn due(&self) -> Option<Instant> {
        self.awaited.as_ref().map(|awaited| awaited.due)
    }

    /// The wording that was asked for with this very request, if one was.
    fn take_asked(&mut self, request: &WordingRequest) -> Option<Asked> {
        self.prepared.as_mut()?.asked.take_if(|asked| asked.request == *request)
    }
}

impl Actor {
    /// A pause that may be the end: whatever would be said now is worded and made.
    pub(super) fn prepare(&mut self, _turn: TurnId) {
        self.discard_prepared();
        let said = self.hearing.text_of_open();
        let lines = self.interview.preview(&said, None);
        let cancel = self.cancel.child_token();
        let request = lines.iter().find_map(|line| line.wording.clone());
        let asked = request.and_then(|request| self.ask_for_wording(request, &cancel));
        self.make(texts(lines), Urgency::Soon, cancel.clone());
        self.wordings.prepared = Some(Prepared { said, cancel, asked });
    }

    pub(super) fn discard_prepared(&mut self) {
        if let Some(prepared) = self.wordings.prepared.take() {
            prepared.cancel.cancel();
        }
    }

    /// A line that a model may word is to be said: with what was asked for in the pause, or asked for now.
    pub(super) fn await_wording(&mut self, line: LineId, request: WordingRequest) {
        let due = now() + Duration::from_millis(u64::from(request.deadline_ms));
        let asked = self.wordings.take_asked(&request);
        let root = self.cancel.clone();
        let Some(asked) = asked.or_else(|| self.ask_for_wording(request, &root)) else {
            return self.mouth.word(line, None);
        };
        let Asked { number, cancel, worded, .. } = asked;
        self.wordings.awaited = Some(Awaited { line, number, due, cancel });
        if let Some(worded) = worded {
            self.worded(worded);
        }
    }

    /// A machine on which the model is too slow costs the candidate its deadline twice, not at every probe.
    fn ask_for_wording(&mut self, request: WordingRequest, below: &CancellationToken) -> Option<Asked> {
        let llm = self.parts.llm.clone().filter(|_| self.wordings.missed < WORDINGS_MISSED_MAX)?;
        let number = self.wordings.next;
        self.wordings.next += 1;
        let cancel = below.child_token();
        let completion = CompletionRequest {
            messages: vec![
                Message { role: Role::System, text: request.system.clone() },
                Message { role: Role::User, text: request.user.clone() },
            ],
            tokens_max: WORDING_TOKENS_MAX,
            temperature: 0.0,
            cancel: cancel.clone(),
        };
        self.tasks.spawn(word(llm, completion, number, self.work.clone()));
        Some(Asked { number, request, cancel, worded: None })
    }

    /// The model has answered, or failed. Nobody waits for the answers of requests that were given up.
    pub(super) fn worded(&mut self, worded: Worded) {
        let number = worded.number;
        if let Some(awaited) = self.wordings.awaited.take_if(|awaited| awaited.number == number) {
            match worded.text {
                Some(text) => {
                    self.wordings.missed = 0;
                    count_wording("in_time");
                    if let Some(at) = worded.first_token {
                        self.mark_first_token(at);
                    }
                    self.interview_event(interview::Event::ProbeWorded { line: awaited.line, text });
                }
                None => self.wording_missed(awaited.line),
            }
            return;
        }
        let Some(prepared) = &mut self.wordings.prepared else { return };
        let Some(asked) = prepared.asked.as_mut().filter(|asked| asked.number == number) else { return };
        if let Some(text) = &worded.text {
            let lines = self.interview.preview(&prepared.said, Some(text));
            let cancel = prepared.cancel.clone();
            asked.worded = Some(worded);
            self.make(texts(lines), Urgency::Soon, cancel);
        } else {
            asked.worded = Some(worded);
        }
    }

    /// The deadline of the line that waits has come.
    pub(super) fn wording_due(&mut self, now: Instant) {
        if let Some(awaited) = self.wordings.awaited.take_if(|awaited| awaited.due <= now) {
            awaited.cancel.cancel();
            self.wording_missed(awaited.line);
        }
    }

    fn wording_missed(&mut self, line: LineId) {
        self.wordings.missed += 1;
        count_wording("missed");
        self.mouth.word(line, None);
    }

    /// Has the sentences of `texts` made, one after the other; the voice's cache keeps them.
    pub(super) fn make(&self, texts: Vec<String>, urgency: Urgency, cancel: CancellationToken) {
        let speed = self.interview.facts(now()).speed;
        // A speed that was never set is the voice's own.
        let (voice, speed) = (self.parts.tts.clone(), if speed > 0.0 { speed } else { 1.0 });
        self.tasks.spawn(async move {
            for text in texts {
                for sentence in crate::tts::sentences::sentences(&text) {
                    let request = SpeakRequest { text: sentence.into(), speed, urgency, cancel: cancel.clone() };
                    if let Err(error) = voice.speak(request).await {
                        tracing::debug!(%error, "a sentence was not made beforehand");
                        return;
                    }
                }
            }
        });
    }
}

fn texts(lines: Vec<Line>) -> Vec<String> {
    lines.into_iter().map(|line| line.text).collect()
}

fn count_wording(outcome: &'static str) {
    metrics::counter!("vivavoce_wordings_total", "outcome" => outcome).increment(1);
}

/// Asks a model for a wording; whatever happens, the request is answered once.
async fn word(
    llm: Arc<dyn LanguageModel>,
    request: CompletionRequest,
    number: u64,
    work: tokio::sync::mpsc::Sender<Work>,
) {
    let cancel = request.cancel.clone();
    let mut tokens = llm.complete(request);
    let mut first_token = None;
    let worded = tokio::time::timeout(Duration::from_secs(WORDING_S_MAX), async {
        let mut text = String::new();
        while let Some(event) = tokens.recv().await {
            match event {
                LlmEvent::Token(token) => {
                    first_token.get_or_insert_with(now);
                    text.push_str(&token);
                }
                LlmEvent::Done => return Some(text),
                LlmEvent::Failed(error) => {
                    tracing::debug!(%error, "a probe was not worded by the model");
                    return None;
                }
            }
        }
        None
    })
    .await;
    cancel.cancel();
    let text = worded.unwrap_or(None);
    let _ = work.send(Work::Worded(Worded { number, text, first_token })).await;
}
