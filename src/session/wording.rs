//! The reply while the candidate still pauses: what would be said is worded by the model and made audible, so that it is
//! there when the turn is taken; a whole turn is spoken sentence by sentence while its rest is written. Must never let
//! what was prepared for other words be said, nor wait for a model beyond its deadline.

use super::Work;
use super::actor::{Actor, now};
use super::event::SessionEvent;
use crate::id::TurnId;
use crate::interview::{self, Line, LineId, Refusal, WordingRequest};
use crate::llm::{CompletionRequest, LanguageModel, LlmEvent, Message, Role};
use crate::tts::sentences::SentenceCutter;
use crate::tts::{SpeakRequest, Urgency};
use crate::turn::words;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Longest wording that a model may give, tokens (a remark of 15 words and a question of 35).
const WORDING_TOKENS_MAX: u32 = 90;
/// Wordings that the model may miss in a row before this interview does without it.
const WORDINGS_MISSED_MAX: u32 = 2;
/// How long a wording may take that nobody waits for yet, s: past it the pause is over one way or the other.
const WORDING_S_MAX: u64 = 12;
/// How often a model is asked for one wording: again only where nothing of it was handed over.
const TRIES_MAX: usize = 2;

/// What was prepared for the words so far, and what is asked of the model.
#[derive(Debug, Default)]
pub(super) struct Wordings {
    prepared: Option<Prepared>,
    awaited: Option<Awaited>,
    /// A line that is to be said in its own words and was not said yet: the second of a request is said after the first.
    own_words: Option<LineId>,
    /// Wordings that the model did not give in time, one after the other.
    missed: u32,
    next: u64,
}

/// The reply to the turn as it stands.
#[derive(Debug)]
struct Prepared {
    said: String,
    /// The turn that was committed last when it was prepared: behind another one it is a reply to nothing.
    after: Option<TurnId>,
    cancel: CancellationToken,
    asked: Option<Asked>,
}

/// A wording that the model was asked for before anybody waited for it.
#[derive(Debug)]
struct Asked {
    number: u64,
    request: WordingRequest,
    cancel: CancellationToken,
    /// What came so far, in order.
    came: Vec<Worded>,
}

/// What came of a request.
#[derive(Clone, Debug)]
pub(crate) struct Worded {
    pub number: u64,
    /// The words of its next line; `None`: no more come.
    pub text: Option<String>,
    pub first_token: Option<Instant>,
}

/// Lines that wait for their words, which one request brings in their order.
#[derive(Debug)]
struct Awaited {
    number: u64,
    cancel: CancellationToken,
    /// Each with when it is said in its own words.
    lines: VecDeque<(LineId, Instant)>,
    has_begun: bool,
}

impl Wordings {
    /// When the next line that waits gets its own words.
    pub fn due(&self) -> Option<Instant> {
        self.awaited.as_ref().and_then(|awaited| awaited.lines.front()).map(|(_, due)| *due)
    }

    /// The wording that was asked for with these very words, if one was. A recogniser may write them otherwise in the end.
    fn take_asked(&mut self, request: &WordingRequest) -> Option<Asked> {
        let is_same = |asked: &mut Asked| {
            asked.request.system == request.system && words::are_the_same(&asked.request.user, &request.user)
        };
        let asked = self.prepared.as_mut()?.asked.take_if(is_same)?;
        // Whoever discards a draft from here on means another one.
        self.prepared = None;
        Some(asked)
    }
}

impl Actor {
    /// A pause that may be the end: whatever would be said now is worded and made.
    pub(super) fn prepare(&mut self, _turn: TurnId) {
        self.draft(self.hearing.text_of_open());
    }

    /// The same before the words of the pause are final, where they sound like an end and a quick model is there: its
    /// first token comes sooner by all that the final words take. Other words in the end are another draft.
    pub(super) fn prepare_early(&mut self) {
        let is_quick = self.parts.llm.as_ref().is_some_and(|llm| llm.is_quick());
        let may = is_quick && self.mouth.is_silent();
        let Some(said) = self.hearing.guessed_of_open().filter(|_| may) else { return };
        if words::completeness(&said).is_some_and(|completeness| completeness > 0.0) {
            self.draft(said);
        }
    }

    fn draft(&mut self, said: String) {
        let after = self.hearing.answered_last();
        let is_same = |prepared: &Prepared| prepared.after == after && words::are_the_same(&prepared.said, &said);
        if self.wordings.prepared.as_ref().is_some_and(is_same) {
            return;
        }
        self.discard_prepared();
        let lines = self.interview.preview(&said, &[]);
        let cancel = self.cancel.child_token();
        let request = lines.iter().find_map(|line| line.wording.clone());
        let asked = request.and_then(|request| self.ask_for_wording(request, &cancel));
        self.make(texts(lines), Urgency::Soon, cancel.clone());
        self.wordings.prepared = Some(Prepared { said, after, cancel, asked });
    }

    pub(super) fn discard_prepared(&mut self) {
        if let Some(prepared) = self.wordings.prepared.take() {
            prepared.cancel.cancel();
        }
    }

    /// A line that a model may word is to be said: with what was asked for in the pause, or asked for now.
    pub(super) fn await_wording(&mut self, line: LineId, request: WordingRequest) {
        let wait = Duration::from_millis(u64::from(request.deadline_ms));
        let due = now() + wait;
        let then = request.then;
        let asked = self.wordings.take_asked(&request);
        let root = self.cancel.clone();
        self.give_up_wording();
        let Some(asked) = asked.or_else(|| self.ask_for_wording(request, &root)) else {
            for line in std::iter::once(line).chain(then) {
                self.leave_own_words(line);
            }
            return;
        };
        let Asked { number, cancel, came, .. } = asked;
        // The rest is written while the first line is heard.
        let lines = std::iter::once((line, due)).chain(then.map(|then| (then, due + wait))).collect();
        self.wordings.awaited = Some(Awaited { number, cancel, lines, has_begun: false });
        for worded in came {
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
        let writer = Writer { number, work: self.work.clone(), first_token: None };
        self.tasks.spawn(word(llm, completion, request.then.is_some(), writer));
        Some(Asked { number, request, cancel, came: Vec::new() })
    }

    /// The model has given words, or gives no more. Nobody waits for the words of requests that were given up.
    pub(super) fn worded(&mut self, worded: Worded) {
        let number = worded.number;
        if let Some(awaited) = self.wordings.awaited.as_mut().filter(|awaited| awaited.number == number) {
            let Some(text) = worded.text else { return self.miss_wordings(|_| true) };
            let Some((line, _)) = awaited.lines.pop_front() else { return };
            let begins = !std::mem::replace(&mut awaited.has_begun, true);
            if awaited.lines.is_empty() {
                self.give_up_wording();
            }
            self.wordings.missed = 0;
            if let Some(at) = worded.first_token.filter(|_| begins) {
                self.mark_first_token(at);
            }
            return self.interview_event(interview::Event::Proposed { line, text });
        }
        let Some(prepared) = &mut self.wordings.prepared else { return };
        let Some(asked) = prepared.asked.as_mut().filter(|asked| asked.number == number) else { return };
        let has_words = worded.text.is_some();
        asked.came.push(worded);
        if has_words {
            let words: Vec<String> = asked.came.iter().filter_map(|worded| worded.text.clone()).collect();
            let lines = self.interview.preview(&prepared.said, &words);
            let cancel = prepared.cancel.clone();
            self.make(texts(lines), Urgency::Soon, cancel);
        }
    }

    /// The deadline of a line that waits may have come.
    pub(super) fn wording_due(&mut self, now: Instant) {
        if self.wordings.due().is_some_and(|due| due <= now) {
            self.miss_wordings(|due| due <= now);
        }
    }

    /// Lines that wait, and are due, are said in their own words. A first line's miss is the model's, the rest goes with it.
    fn miss_wordings(&mut self, is_due: impl Fn(Instant) -> bool) {
        let Some(mut awaited) = self.wordings.awaited.take() else { return };
        self.wordings.missed += u32::from(!awaited.has_begun);
        let mut late = Vec::new();
        while let Some((line, _)) = awaited.lines.pop_front_if(|(_, due)| is_due(*due) || !awaited.has_begun) {
            late.push(line);
        }
        if awaited.lines.is_empty() {
            awaited.cancel.cancel();
        } else {
            self.wordings.awaited = Some(awaited);
        }
        for line in late {
            metrics::counter!("vivavoce_wordings_total", "outcome" => "missed").increment(1);
            self.leave_own_words(line);
        }
    }

    /// No words come for `line`: it keeps its own, at once or as soon as it is said.
    fn leave_own_words(&mut self, line: LineId) {
        if !self.mouth.word(line, None) {
            self.wordings.own_words = Some(line);
        }
    }

    /// `line` was said now: it may be known already that no words come for it.
    pub(super) fn said_after(&mut self, line: LineId) {
        if self.wordings.own_words.take_if(|own| *own == line).is_some() {
            self.mouth.word(line, None);
        }
    }

    /// Nobody waits for words any more.
    fn give_up_wording(&mut self) {
        if let Some(awaited) = self.wordings.awaited.take() {
            awaited.cancel.cancel();
        }
    }

    /// What the policy made of a proposal, for the metrics and the log.
    pub(super) fn count_wording(&mut self, line: LineId, refused: Option<Refusal>) {
        let outcome = refused.map_or("spoken", Refusal::as_str);
        metrics::counter!("vivavoce_wordings_total", "outcome" => outcome).increment(1);
        if let Some(why) = refused {
            tracing::info!(session = %self.id, line = line.0, why = why.as_str(), "a model's words were not said");
            self.log(SessionEvent::WordingRefused { line, why });
        }
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

/// Brings the words of one request to the session's loop.
struct Writer {
    number: u64,
    work: mpsc::Sender<Work>,
    first_token: Option<Instant>,
}

impl Writer {
    /// The words of the next line. False if the session is gone.
    async fn give(&self, text: Option<String>) -> bool {
        let worded = Worded { number: self.number, text, first_token: self.first_token };
        self.work.send(Work::Worded(worded)).await.is_ok()
    }
}

/// Asks a model for a wording; whatever happens, it is told when no more comes.
async fn word(llm: Arc<dyn LanguageModel>, request: CompletionRequest, remark_first: bool, mut writer: Writer) {
    let cancel = request.cancel.clone();
    let writing = async {
        for _ in 0..TRIES_MAX {
            if write(&*llm, &request, remark_first, &mut writer).await || request.cancel.is_cancelled() {
                return;
            }
        }
    };
    // Out of time it is over, too.
    let _ = tokio::time::timeout(Duration::from_secs(WORDING_S_MAX), writing).await;
    cancel.cancel();
    writer.give(None).await;
}

/// One attempt: the whole wording at its end, or (`remark_first`) its first sentence as soon as it is there and then the
/// rest. A wording that begins with its question has no remark. False if it failed and nothing was given.
async fn write(llm: &dyn LanguageModel, request: &CompletionRequest, remark_first: bool, writer: &mut Writer) -> bool {
    let mut tokens = llm.complete(request.clone());
    let mut cutter = SentenceCutter::whole();
    let mut sentences: VecDeque<String> = VecDeque::new();
    let mut has_remark = !remark_first;
    let mut is_whole = false;
    while !is_whole {
        match tokens.recv().await {
            Some(LlmEvent::Token(token)) => {
                writer.first_token.get_or_insert_with(now);
                sentences.extend(cutter.push(&token));
            }
            Some(LlmEvent::Done) => {
                sentences.extend(cutter.finish());
                is_whole = true;
            }
            Some(LlmEvent::Failed(error)) => {
                tracing::debug!(%error, "a line was not worded by the model");
                return remark_first && has_remark;
            }
            None => return true,
        }
        if !has_remark && (is_whole || !sentences.is_empty()) {
            has_remark = true;
            let remark = sentences.pop_front_if(|first| !first.ends_with('?')).unwrap_or_default();
            if !writer.give(Some(remark)).await {
                return true;
            }
        }
    }
    if !sentences.is_empty() || !remark_first {
        writer.give(Some(Vec::from(sentences).join(" "))).await;
    }
    true
}
