//! Words that a language model gives to the interviewer's lines: asked for when a line is queued (or as a draft while
//! the candidate still pauses), handed to the policy sentence by sentence, replaced by the authored ones when they are
//! late. Must never let a draft that was not used leave a trace.

use super::Work;
use super::actor::{Actor, now};
use super::event::SessionEvent;
use crate::interview::{self, LineId, Refusal, WordingRequest};
use crate::llm::{CompletionRequest, LanguageModel, LlmEvent, Message, Role};
use crate::tts::sentences::SentenceCutter;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Longest wording that a model may give, tokens (a remark of 15 words and a question of 35).
const WORDING_TOKENS_MAX: u32 = 90;
/// Wordings that the model may miss in a row before this interview does without it.
const WORDINGS_MISSED_MAX: u32 = 2;
/// Parts of a wording: a remark, and the rest.
const PARTS_MAX: usize = 2;
/// How often a model is asked for one wording: again only where nothing of it was heard.
const TRIES_MAX: usize = 2;

/// What is asked of models, and what waits for it.
#[derive(Default)]
pub(super) struct Wordings {
    /// In a row.
    missed: u32,
    waiting: Vec<Waiting>,
    pub draft: Option<Draft>,
}

#[derive(Clone, Copy)]
struct Waiting {
    line: LineId,
    due: Instant,
    /// The rest of a wording whose first part is another line's: it is missed with it.
    is_rest: bool,
}

/// Words asked for during a pause; dropped, they are asked for no more.
pub(super) struct Draft {
    request: WordingRequest,
    parts: Parts,
}

/// The words in their order; the channel closes after the last, or when none come any more.
struct Parts {
    words: mpsc::Receiver<String>,
    _until_dropped: DropGuard,
}

impl Wordings {
    /// When a line is said in its authored words, if none come before.
    pub fn deadline(&self) -> Option<Instant> {
        self.waiting.iter().map(|waiting| waiting.due).min()
    }
}

impl Actor {
    pub(super) fn ask_for_words(&mut self, line: LineId, request: WordingRequest) {
        let wait = Duration::from_millis(u64::from(request.deadline_ms));
        let then = request.then;
        let draft = self.wordings.draft.take().filter(|draft| draft.answers(&request));
        let due = now() + wait;
        // A machine on which the model is too slow costs the candidate this wait twice, not at every probe.
        let is_worth_it = self.wordings.missed < WORDINGS_MISSED_MAX;
        let asked = if is_worth_it {
            draft.map(|draft| draft.parts).or_else(|| self.ask(&request, &self.cancel))
        } else {
            None
        };
        let Some(mut parts) = asked else {
            for line in std::iter::once(line).chain(then) {
                self.mouth.word(line, None);
            }
            return;
        };
        self.wordings.waiting.push(Waiting { line, due, is_rest: false });
        // The rest is written while the first part is heard.
        self.wordings.waiting.extend(then.map(|line| Waiting { line, due: due + wait, is_rest: true }));
        let work = self.work.clone();
        let last_due = due + wait;
        self.tasks.spawn(async move {
            let mut lines = std::iter::once(line).chain(then);
            let passing_on = async {
                while let Some(words) = parts.words.recv().await {
                    let Some(line) = lines.next() else { return };
                    let _ = work.send(Work::Worded { line, text: Some(words) }).await;
                }
            };
            // Past the deadline the lines have their authored words.
            let _ = tokio::time::timeout_at(last_due.into(), passing_on).await;
            for line in lines {
                let _ = work.send(Work::Worded { line, text: None }).await;
            }
        });
    }

    pub(super) fn draft_words(&mut self, request: WordingRequest, cancel: CancellationToken) {
        if self.wordings.missed < WORDINGS_MISSED_MAX
            && let Some(parts) = self.ask(&request, &cancel)
        {
            self.wordings.draft = Some(Draft { request, parts });
        }
    }

    fn ask(&self, request: &WordingRequest, cancel: &CancellationToken) -> Option<Parts> {
        let llm = self.parts.llm.clone()?;
        let (words_out, words) = mpsc::channel(PARTS_MAX);
        let cancel = cancel.child_token();
        let completion = CompletionRequest {
            messages: vec![
                Message { role: Role::System, text: request.system.clone() },
                Message { role: Role::User, text: request.user.clone() },
            ],
            tokens_max: WORDING_TOKENS_MAX,
            temperature: 0.0,
            cancel: cancel.clone(),
        };
        self.tasks.spawn(word(llm, completion, request.then.is_some(), words_out));
        Some(Parts { words, _until_dropped: cancel.drop_guard() })
    }

    pub(super) fn worded(&mut self, line: LineId, text: Option<String>) {
        let Some(at) = self.wordings.waiting.iter().position(|waiting| waiting.line == line) else { return };
        let waiting = self.wordings.waiting.swap_remove(at);
        match text {
            Some(text) => {
                self.wordings.missed = 0;
                self.interview_event(interview::Event::Proposed { line, text });
            }
            None => self.miss(waiting),
        }
    }

    /// Lines whose words are late are said in their authored ones.
    pub(super) fn words_due(&mut self, now: Instant) {
        let (due, waiting): (Vec<Waiting>, Vec<Waiting>) =
            self.wordings.waiting.drain(..).partition(|waiting| waiting.due <= now);
        self.wordings.waiting = waiting;
        for late in due {
            self.miss(late);
        }
    }

    fn miss(&mut self, missed: Waiting) {
        self.wordings.missed += u32::from(!missed.is_rest);
        metrics::counter!("vivavoce_wordings_total", "outcome" => "missed").increment(1);
        self.mouth.word(missed.line, None);
    }

    pub(super) fn count_wording(&mut self, line: LineId, refused: Option<Refusal>) {
        let outcome = refused.map_or("spoken", Refusal::as_str);
        metrics::counter!("vivavoce_wordings_total", "outcome" => outcome).increment(1);
        if let Some(why) = refused {
            tracing::info!(session = %self.id, line = line.0, why = why.as_str(), "a model's words were not said");
            self.log(SessionEvent::WordingRefused { line, why });
        }
    }
}

impl Draft {
    fn answers(&self, request: &WordingRequest) -> bool {
        self.request.system == request.system && self.request.user == request.user
    }
}

/// Asks a model: the whole wording at its end, or (`remark_first`) its first sentence as soon as it is there and then the
/// rest. A wording that begins with its question has no remark.
async fn word(
    llm: Arc<dyn LanguageModel>,
    request: CompletionRequest,
    remark_first: bool,
    words: mpsc::Sender<String>,
) {
    for _ in 0..TRIES_MAX {
        let mut tokens = llm.complete(request.clone());
        let mut cutter = SentenceCutter::whole();
        let mut sentences: Vec<String> = Vec::new();
        let mut has_remark = !remark_first;
        let ended = loop {
            match tokens.recv().await {
                Some(LlmEvent::Token(token)) => sentences.extend(cutter.push(&token)),
                Some(LlmEvent::Done) => {
                    sentences.extend(cutter.finish());
                    break Ok(());
                }
                Some(LlmEvent::Failed(error)) => break Err(error),
                None => return,
            }
            if !has_remark && !sentences.is_empty() {
                has_remark = true;
                let remark = if sentences[0].ends_with('?') { String::new() } else { sentences.remove(0) };
                if words.send(remark).await.is_err() {
                    return;
                }
            }
        };
        match ended {
            Ok(()) => {
                if !has_remark {
                    let is_question = sentences.first().is_none_or(|first| first.ends_with('?'));
                    let remark = if is_question { String::new() } else { sentences.remove(0) };
                    let _ = words.send(remark).await;
                }
                if !sentences.is_empty() {
                    let _ = words.send(sentences.join(" ")).await;
                }
                return;
            }
            Err(error) => tracing::debug!(%error, "a line was not worded by the model"),
        }
        let is_heard = remark_first && has_remark;
        if is_heard || request.cancel.is_cancelled() {
            return;
        }
    }
}
