//! Mind: the language model. It proposes words; it never decides what is asked or what an answer is worth. The trait,
//! and one file per provider. Candidates' words reach it only as delimited data.

pub mod chain;
#[cfg(feature = "local-llm")]
pub mod llama;
pub mod openai;
pub mod scripted;

use crate::cloud::CloudError;
use crate::cloud::meter::Meter;
use futures::future::BoxFuture;
use serde_json::Value;
use std::sync::Arc;
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

/// What is asked of a model whose answer is data.
#[derive(Clone, Debug)]
pub struct JsonRequest {
    pub system: String,
    /// Candidates' words only inside marks that the system prompt names.
    pub user: String,
    /// The schema's name: letters, digits, underscores.
    pub name: String,
    /// A JSON schema of an object; to be held strictly it must list every property as required and allow no others.
    pub schema: Value,
    pub tokens_max: u32,
    /// 0 means greedy.
    pub temperature: f32,
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
    /// The answer as JSON. Where the provider can, the model is held to the schema; whoever asked parses into a type
    /// all the same. A model without such a hold is told the schema and its answer searched for an object.
    fn complete_json(&self, request: JsonRequest) -> BoxFuture<'static, Result<Value, LlmError>> {
        let system = format!("{}{}", request.system, schema_told(&request.schema));
        let mut stream = self.complete(CompletionRequest {
            messages: vec![
                Message { role: Role::System, text: system },
                Message { role: Role::User, text: request.user },
            ],
            tokens_max: request.tokens_max,
            temperature: request.temperature,
            cancel: request.cancel,
        });
        Box::pin(async move {
            let mut text = String::new();
            while let Some(event) = stream.recv().await {
                match event {
                    LlmEvent::Token(token) => text.push_str(&token),
                    LlmEvent::Done => return json_in(&text),
                    LlmEvent::Failed(error) => return Err(error),
                }
            }
            Err(LlmError::Gone)
        })
    }
    /// Whether its first words come soon enough to word whole turns of a conversation (well under a second).
    fn is_quick(&self) -> bool {
        false
    }
    /// The same, counting what it does for one interview; `None` for one that costs nothing.
    fn metered(&self, _meter: &Meter) -> Option<Arc<dyn LanguageModel>> {
        None
    }
    /// Name and version, for provenance.
    fn name(&self) -> String;
}

/// What a model is told of the schema, after its system prompt.
fn schema_told(schema: &Value) -> String {
    format!("\n\nAnswer with one JSON object and nothing else. It must fit this JSON schema:\n{schema}")
}

/// The object in a model's answer, which may stand between words or marks of code.
fn json_in(text: &str) -> Result<Value, LlmError> {
    let object = text.find('{').zip(text.rfind('}')).and_then(|(from, to)| text.get(from..=to));
    object.and_then(|object| serde_json::from_str(object).ok()).ok_or(LlmError::NotJson)
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
    #[error("the answer is not the JSON object that was asked for")]
    NotJson,
    #[error("the answer was not finished within {tokens_max} tokens")]
    Unfinished { tokens_max: u32 },
    #[error(transparent)]
    Cloud(#[from] CloudError),
    #[error("cancelled")]
    Cancelled,
    #[error("the language model is gone")]
    Gone,
}
