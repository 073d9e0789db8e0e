//! Mind: the language model. It proposes words; it never decides what is asked or what an answer is worth. The trait,
//! and one file per provider. Candidates' words reach it only as delimited data.

#[cfg(feature = "local-llm")]
pub mod llama;
pub mod scripted;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Tokens that may wait for the reader of one completion.
pub const LLM_TOKENS_MAX: usize = 256;
/// Longest prompt, characters (about 6,000 tokens: what the local model's context holds with its answer).
pub const LLM_PROMPT_CHARS_MAX: usize = 24_000;

/// Who said a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    System,
    User,
    Assistant,
}

/// One message of a prompt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    pub role: Role,
    pub text: String,
}

/// What is asked of a model.
#[derive(Clone, Debug)]
pub struct CompletionRequest {
    /// System prompt first. Requests that share a prefix with the one before are answered faster (KV cache).
    pub messages: Vec<Message>,
    pub tokens_max: u32,
    /// 0 means greedy.
    pub temperature: f32,
    /// Cancels the completion; the stream then ends with `LlmEvent::Failed(LlmError::Cancelled)`.
    pub cancel: CancellationToken,
}

/// What comes of it, in order; the channel closes after `Done` or `Failed`.
#[derive(Clone, PartialEq, Debug)]
pub enum LlmEvent {
    Token(String),
    Done,
    Failed(LlmError),
}

/// A model that completes chats.
pub trait LanguageModel: Send + Sync {
    /// Starts a completion. Never blocks; a full queue fails at once through the stream.
    fn complete(&self, request: CompletionRequest) -> mpsc::Receiver<LlmEvent>;
    /// Name and version, for provenance.
    fn name(&self) -> String;
}

/// What can fail.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum LlmError {
    #[error("the language model could not be loaded: {why}; run scripts/setup, or see `vivavoce doctor`")]
    Load { why: String },
    #[error("the language model failed: {why}")]
    Run { why: String },
    #[error("the prompt has {chars} characters; at most {chars_max} are taken")]
    TooLong { chars: usize, chars_max: usize },
    #[error("the language model is busy ({queued_max} requests wait)")]
    Busy { queued_max: usize },
    #[error("cancelled")]
    Cancelled,
    #[error("the language model is gone")]
    Gone,
}
