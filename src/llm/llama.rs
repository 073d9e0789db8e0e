//! A language model on this machine (llama.cpp), on one thread that keeps the evaluated prompt: a request that begins
//! as the one before costs only what is new. Words of people are never read as the prompt's own marks.

use super::{
    CompletionRequest, LLM_PROMPT_CHARS_MAX, LLM_TOKENS_MAX, LanguageModel, LlmError, LlmEvent, Message, Role,
};
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Requests that may wait: each takes seconds, so more would be answered too late.
const REQUESTS_MAX: usize = 8;
/// Longest answer, tokens: more than anything that is said aloud or noted.
const ANSWER_TOKENS_MAX: u32 = 512;
/// Tokens evaluated between two looks whether the request is still wanted (under a second on one slow core).
const BATCH_TOKENS: usize = 32;
/// Longest wait for a reader that leaves [`LLM_TOKENS_MAX`] tokens unread; others wait for this thread.
const READER_TIMEOUT: Duration = Duration::from_secs(5);
/// Choice among likely tokens at temperatures above 0: of so many, with this share of the probability together.
const TOP_TOKENS: i32 = 40;
const TOP_PROBABILITY: f32 = 0.95;
/// Chance, where it is wanted, is the same at each start, so that runs can be compared.
const SEED: u32 = 20_251;

/// Which model, and how much of the machine it may use.
#[derive(Clone, Debug)]
pub struct LlamaSettings {
    pub model: PathBuf,
    /// One unless the cores are otherwise idle: with more, each token waits for the slowest (measured: ten times slower
    /// where others compute too).
    pub threads: u32,
    /// Prompt and answer together, tokens (28 kB of memory each for the default model).
    pub context_tokens: u32,
}

/// The model; its thread ends when this is dropped.
#[derive(Debug)]
pub struct Llama {
    asks: mpsc::Sender<Ask>,
    last_run: Arc<Mutex<Option<LlamaRun>>>,
    name: String,
}

/// What a completion cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LlamaRun {
    pub prompt_tokens: usize,
    /// Of the prompt, what was evaluated before.
    pub reused_tokens: usize,
    pub answer_tokens: usize,
    pub prompt_ms: u64,
    pub answer_ms: u64,
}

#[derive(Debug)]
struct Ask {
    request: CompletionRequest,
    events: mpsc::Sender<LlmEvent>,
}

impl Llama {
    /// Loads the model (about a second once its file is in memory) and starts its thread.
    pub fn start(settings: &LlamaSettings) -> Result<Self, LlmError> {
        let (asks, asked) = mpsc::channel(REQUESTS_MAX);
        let (loaded, ready) = std::sync::mpsc::sync_channel(1);
        let last_run = Arc::new(Mutex::new(None));
        let (for_thread, last) = (settings.clone(), Arc::clone(&last_run));
        let serve = move || match open(&for_thread) {
            // Whoever started it waits for this word.
            Err(why) => drop(loaded.send(Err(LlmError::Load { why }))),
            Ok(model) => serve(&model, &for_thread, asked, &last, &loaded),
        };
        let load = |why: String| LlmError::Load { why };
        thread::Builder::new().name("llm".into()).spawn(serve).map_err(|e| load(e.to_string()))?;
        ready.recv().map_err(|_| load("the model's thread has ended".into()))??;
        let name = settings.model.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { asks, last_run, name })
    }

    /// What the last completion cost.
    #[must_use]
    pub fn last_run(&self) -> Option<LlamaRun> {
        *self.last_run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LanguageModel for Llama {
    /// With `tokens_max` 0 the prompt is evaluated and nothing said: a later request that begins so is quick.
    fn complete(&self, request: CompletionRequest) -> mpsc::Receiver<LlmEvent> {
        let (events, stream) = mpsc::channel(LLM_TOKENS_MAX);
        let chars = request.messages.iter().map(|message| message.text.chars().count()).sum();
        let refused = if chars > LLM_PROMPT_CHARS_MAX {
            Some(LlmError::TooLong { chars, chars_max: LLM_PROMPT_CHARS_MAX })
        } else {
            match self.asks.try_send(Ask { request, events: events.clone() }) {
                Ok(()) => None,
                Err(mpsc::error::TrySendError::Full(_)) => Some(LlmError::Busy { queued_max: REQUESTS_MAX }),
                Err(mpsc::error::TrySendError::Closed(_)) => Some(LlmError::Gone),
            }
        };
        if let Some(error) = refused {
            // The channel is new and empty.
            let _ = events.try_send(LlmEvent::Failed(error));
        }
        stream
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

fn backend() -> Result<&'static LlamaBackend, String> {
    static BACKEND: OnceLock<Result<LlamaBackend, String>> = OnceLock::new();
    let start = || {
        let mut backend = LlamaBackend::init().map_err(|e| e.to_string())?;
        backend.void_logs();
        Ok(backend)
    };
    BACKEND.get_or_init(start).as_ref().map_err(Clone::clone)
}

fn open(settings: &LlamaSettings) -> Result<LlamaModel, String> {
    let path = &settings.model;
    if !path.is_file() {
        return Err(format!("{} is missing", path.display()));
    }
    LlamaModel::load_from_file(backend()?, path, &LlamaModelParams::default())
        .map_err(|e| format!("{}: {e}", path.display()))
}

type Loaded = std::sync::mpsc::SyncSender<Result<(), LlmError>>;

fn serve(
    model: &LlamaModel,
    settings: &LlamaSettings,
    mut asked: mpsc::Receiver<Ask>,
    last: &Mutex<Option<LlamaRun>>,
    loaded: &Loaded,
) {
    let threads = i32::try_from(settings.threads.max(1)).unwrap_or(1);
    let params = LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(settings.context_tokens))
        .with_n_batch(BATCH_TOKENS as u32)
        .with_n_ubatch(BATCH_TOKENS as u32)
        .with_n_threads(threads)
        .with_n_threads_batch(threads);
    let context = backend().and_then(|backend| model.new_context(backend, params).map_err(|e| e.to_string()));
    let mut mind = match context {
        Ok(context) => Mind { model, context, kept: Vec::new(), batch: LlamaBatch::new(BATCH_TOKENS, 1) },
        Err(why) => return drop(loaded.send(Err(LlmError::Load { why }))),
    };
    drop(loaded.send(Ok(())));
    while let Some(ask) = asked.blocking_recv() {
        let mut run = LlamaRun::default();
        let ended = match mind.complete(&ask, &mut run) {
            Ok(()) => LlmEvent::Done,
            Err(error) => LlmEvent::Failed(error),
        };
        *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(run);
        // A reader that has gone wants no ending; for one that is slow there is some patience.
        let _ = tell(&ask, ended);
    }
}

/// Sends, with some patience for a slow reader; an error ends the completion.
fn tell(ask: &Ask, event: LlmEvent) -> Result<(), LlmError> {
    let started = Instant::now();
    let mut event = event;
    loop {
        match ask.events.try_send(event) {
            Ok(()) => return Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => return Err(LlmError::Cancelled),
            Err(mpsc::error::TrySendError::Full(_)) if started.elapsed() > READER_TIMEOUT => {
                return Err(LlmError::Cancelled);
            }
            Err(mpsc::error::TrySendError::Full(unsent)) => event = unsent,
        }
        thread::sleep(Duration::from_millis(5));
    }
}

struct Mind<'a> {
    model: &'a LlamaModel,
    context: LlamaContext<'a>,
    /// Tokens that the context has evaluated, in order.
    kept: Vec<LlamaToken>,
    batch: LlamaBatch<'a>,
}

impl Mind<'_> {
    fn complete(&mut self, ask: &Ask, run: &mut LlamaRun) -> Result<(), LlmError> {
        let request = &ask.request;
        let started = Instant::now();
        let prompt = self.tokens(&request.messages);
        let answer_max = request.tokens_max.min(ANSWER_TOKENS_MAX) as usize;
        let room = (self.context.n_ctx() as usize).saturating_sub(answer_max);
        if prompt.len() > room {
            let chars = request.messages.iter().map(|message| message.text.chars().count()).sum();
            return Err(LlmError::TooLong { chars, chars_max: chars * room / prompt.len() });
        }
        run.prompt_tokens = prompt.len();
        run.reused_tokens = self.keep_common(&prompt, answer_max > 0);
        let evaluated = self.evaluate(&prompt[run.reused_tokens..], ask);
        run.prompt_ms = ms(started);
        evaluated?;
        let started = Instant::now();
        let answered = self.answer(ask, answer_max, &mut run.answer_tokens);
        run.answer_ms = ms(started);
        answered
    }

    /// Forgets what was evaluated past the common beginning; tells how long that is.
    fn keep_common(&mut self, prompt: &[LlamaToken], answer: bool) -> usize {
        let same = self.kept.iter().zip(prompt).take_while(|(kept, new)| kept == new).count();
        // To say something the last token has to be evaluated anew.
        let same = if answer { same.min(prompt.len().saturating_sub(1)) } else { same };
        let from = u32::try_from(same).ok();
        let forgotten = self.context.clear_kv_cache_seq(Some(0), from, None);
        if forgotten.is_ok_and(|done| done) {
            self.kept.truncate(same);
        } else {
            self.forget();
        }
        self.kept.len()
    }

    fn forget(&mut self) {
        self.context.clear_kv_cache();
        self.kept.clear();
    }

    /// Evaluates tokens after those that are kept.
    fn evaluate(&mut self, tokens: &[LlamaToken], ask: &Ask) -> Result<(), LlmError> {
        for part in tokens.chunks(BATCH_TOKENS) {
            if ask.request.cancel.is_cancelled() || ask.events.is_closed() {
                return Err(LlmError::Cancelled);
            }
            self.batch.clear();
            for (i, token) in part.iter().enumerate() {
                let at = i32::try_from(self.kept.len() + i).unwrap_or(i32::MAX);
                let last = i + 1 == part.len();
                self.batch.add(*token, at, &[0], last).map_err(|e| LlmError::Run { why: e.to_string() })?;
            }
            if let Err(error) = self.context.decode(&mut self.batch) {
                // What is in the context now is not known.
                self.forget();
                return Err(LlmError::Run { why: error.to_string() });
            }
            self.kept.extend(part);
        }
        Ok(())
    }

    fn answer(&mut self, ask: &Ask, answer_max: usize, answered: &mut usize) -> Result<(), LlmError> {
        let temperature = ask.request.temperature;
        let mut sampler = if temperature > 0.0 {
            LlamaSampler::chain_simple([
                LlamaSampler::top_k(TOP_TOKENS),
                LlamaSampler::top_p(TOP_PROBABILITY, 1),
                LlamaSampler::temp(temperature),
                LlamaSampler::dist(SEED),
            ])
        } else {
            LlamaSampler::greedy()
        };
        let mut bytes = Vec::new();
        while *answered < answer_max {
            let token = sampler.sample(&self.context, -1);
            if self.model.vocab().is_eog(token) {
                break;
            }
            *answered += 1;
            bytes.extend(self.model.vocab().token_to_piece(token, false, None));
            let text = whole_text(&mut bytes);
            if !text.is_empty() {
                tell(ask, LlmEvent::Token(text))?;
            }
            if *answered < answer_max {
                self.evaluate(&[token], ask)?;
            }
        }
        Ok(())
    }

    /// The prompt in ChatML. Only our own marks are read as marks.
    fn tokens(&self, messages: &[Message]) -> Vec<LlamaToken> {
        let vocabulary = self.model.vocab();
        let mut tokens = Vec::new();
        for message in messages {
            let role = match message.role {
                Role::System => "system",
                Role::User => "user",
                Role::Assistant => "assistant",
            };
            vocabulary.tokenize_into(b"<|im_start|>", &mut tokens, false, true);
            vocabulary.tokenize_into(format!("{role}\n{}", message.text).as_bytes(), &mut tokens, false, false);
            vocabulary.tokenize_into(b"<|im_end|>", &mut tokens, false, true);
            vocabulary.tokenize_into(b"\n", &mut tokens, false, false);
        }
        vocabulary.tokenize_into(b"<|im_start|>", &mut tokens, false, true);
        vocabulary.tokenize_into(b"assistant\n", &mut tokens, false, false);
        tokens
    }
}

fn ms(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Takes the whole characters from the front of `bytes`; the begin of one that is not whole stays.
fn whole_text(bytes: &mut Vec<u8>) -> String {
    let whole = match std::str::from_utf8(bytes) {
        Ok(_) => bytes.len(),
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        Err(_) => bytes.len(),
    };
    let rest = bytes.split_off(whole);
    let text = String::from_utf8_lossy(bytes).into_owned();
    *bytes = rest;
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_come_whole() {
        let mut bytes = "a\u{e9}".as_bytes()[..2].to_vec();
        assert_eq!(whole_text(&mut bytes), "a");
        bytes.push(0xa9);
        assert_eq!(whole_text(&mut bytes), "\u{e9}");
        bytes.extend([0xff, b'b']);
        assert_eq!(whole_text(&mut bytes), "\u{fffd}b");
        assert!(bytes.is_empty());
    }
}
