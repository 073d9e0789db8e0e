//! A language model behind the OpenAI-compatible protocol (OpenAI, Gemini's compatible door, Ollama, vLLM, llama.cpp's
//! server): chats as a stream, and answers bound to a JSON schema. One request is one attempt: who tries again, or
//! another provider, is decided elsewhere. Must never log what is asked or answered.

use super::{
    CompletionRequest, JsonRequest, LLM_PROMPT_CHARS_MAX, LLM_TOKENS_MAX, LanguageModel, LlmError, LlmEvent, Message,
    Role,
};
use crate::cloud::meter::{Ledger, Meter, Part, Price, Used};
use crate::cloud::sse::SseReader;
use crate::cloud::{CloudError, Endpoint, Fault, code_of};
use futures::future::BoxFuture;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Longest whole answer, bytes: ten times the longest report.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Characters of a token, where the provider does not count them for us.
const CHARS_A_TOKEN: usize = 4;
const CHAT: &str = "/chat/completions";

/// Which model, how it is asked, and how long it is waited for.
#[derive(Clone, Debug)]
pub struct OpenAiChatSettings {
    pub model: String,
    /// Longest answer whatever is asked, tokens.
    pub tokens_max: u32,
    /// The field that limits the answer: `max_completion_tokens` for OpenAI's newer models, `max_tokens` elsewhere.
    pub tokens_field: String,
    /// Whether a temperature is sent: reasoning models refuse one.
    pub sends_temperature: bool,
    pub structure: Structure,
    /// Put into each request's body as they are, such as `reasoning_effort`.
    pub extra: serde_json::Map<String, Value>,
    /// From the request to the first token.
    pub first_token: Duration,
    /// Between two tokens.
    pub next_token: Duration,
    /// From the request to the end of a whole answer.
    pub whole: Duration,
    pub price: Price,
}

/// How an answer is bound to its schema.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Structure {
    /// The server holds the model to the schema.
    Schema,
    /// The server holds it to JSON; the schema stands in the prompt.
    Object,
    /// The schema stands in the prompt, and that is all.
    Prompt,
}

/// A model behind an endpoint; cheap to clone.
#[derive(Clone, Debug)]
pub struct OpenAiChat {
    endpoint: Endpoint,
    settings: OpenAiChatSettings,
    meter: Meter,
}

impl OpenAiChat {
    #[must_use]
    pub fn new(endpoint: Endpoint, settings: OpenAiChatSettings) -> Self {
        Self { endpoint, settings, meter: Ledger::free().meter() }
    }

    fn body(&self, messages: &[Value], tokens_max: u32, temperature: f32) -> Value {
        let mut body = self.settings.extra.clone();
        body.insert("model".into(), self.settings.model.clone().into());
        body.insert("messages".into(), messages.into());
        body.insert(self.settings.tokens_field.clone(), tokens_max.min(self.settings.tokens_max).into());
        if self.settings.sends_temperature {
            body.insert("temperature".into(), f64::from(temperature).into());
        }
        Value::Object(body)
    }

    async fn post(&self, body: &Value) -> Result<reqwest::Response, CloudError> {
        self.meter.allows(&self.endpoint.provider)?;
        self.endpoint.send(self.endpoint.post_as_bearer(CHAT).json(body)).await
    }

    async fn chat(&self, request: &CompletionRequest, events: &mpsc::Sender<LlmEvent>) -> Result<(), LlmError> {
        let messages: Vec<Value> = request.messages.iter().map(message).collect();
        let mut body = self.body(&messages, request.tokens_max, request.temperature);
        body["stream"] = true.into();
        body["stream_options"] = json!({ "include_usage": true });
        let mut bill = Bill::new(self, &request.messages);
        let started = tokio::time::Instant::now();
        let first = started + self.settings.first_token;
        let late = |what, deadline| self.endpoint.late(what, deadline);
        let mut answer = tokio::time::timeout_at(first, self.post(&body))
            .await
            .map_err(|_| late("first token", self.settings.first_token))??;
        let mut reader = SseReader::default();
        let mut has_begun = false;
        loop {
            let (deadline, wait) = if has_begun {
                (tokio::time::Instant::now() + self.settings.next_token, ("next token", self.settings.next_token))
            } else {
                (first, ("first token", self.settings.first_token))
            };
            let part = tokio::time::timeout_at(deadline, answer.chunk()).await.map_err(|_| late(wait.0, wait.1))?;
            let part = part.map_err(|error| CloudError::transport(&self.endpoint.provider, &error))?;
            let is_end = part.is_none();
            let found = match part {
                Some(bytes) => reader.push(&bytes).map_err(|_| self.endpoint.strange("it sends no events"))?,
                None => reader.finish().into_iter().collect(),
            };
            for data in found {
                match self.read(&data, &mut bill)? {
                    Said::Nothing => {}
                    Said::Token(token) => {
                        has_begun = true;
                        bill.tokens += 1;
                        // A reader that has gone wants no more.
                        events.send(LlmEvent::Token(token)).await.map_err(|_| LlmError::Cancelled)?;
                    }
                    Said::Done => return Ok(()),
                }
            }
            if is_end {
                return Err(self.endpoint.strange("it closed in the middle of an answer").into());
            }
        }
    }

    fn read(&self, data: &str, bill: &mut Bill<'_>) -> Result<Said, CloudError> {
        if data.trim() == "[DONE]" {
            return Ok(Said::Done);
        }
        let event: Value = serde_json::from_str(data).map_err(|_| self.endpoint.strange("an event is no JSON"))?;
        if !event["error"].is_null() {
            let code = code_of(&event).unwrap_or_default();
            return Err(self.endpoint.strange(format!("it failed in the middle of an answer ({code})").trim()));
        }
        bill.told = tokens_told(&event).or(bill.told);
        Ok(match event["choices"][0]["delta"]["content"].as_str() {
            Some(token) if !token.is_empty() => Said::Token(token.to_owned()),
            Some(_) | None => Said::Nothing,
        })
    }

    async fn whole(&self, request: &JsonRequest) -> Result<Value, LlmError> {
        let mut system = request.system.clone();
        if self.settings.structure != Structure::Schema {
            system.push_str(&super::schema_told(&request.schema));
        }
        let messages = [json!({"role": "system", "content": system}), json!({"role": "user", "content": request.user})];
        let mut body = self.body(&messages, request.tokens_max, request.temperature);
        match self.settings.structure {
            Structure::Schema => {
                let schema = json!({"name": request.name, "strict": true, "schema": request.schema});
                body["response_format"] = json!({"type": "json_schema", "json_schema": schema});
            }
            Structure::Object => body["response_format"] = json!({"type": "json_object"}),
            Structure::Prompt => {}
        }
        let answer = self.post(&body).await?;
        let bytes = self.endpoint.read(answer, ANSWER_BYTES_MAX).await?;
        let answer: Value =
            serde_json::from_slice(&bytes).map_err(|_| self.endpoint.strange("its answer is no JSON"))?;
        let price = &self.settings.price;
        let used = tokens_told(&answer).unwrap_or_default();
        self.meter.count(Part::Llm, &self.endpoint.provider, used, price);
        let choice = &answer["choices"][0];
        if choice["message"]["refusal"].is_string() {
            let provider = &self.endpoint.provider;
            return Err(CloudError::new(provider, Fault::Request, "the model refuses to answer this").into());
        }
        if choice["finish_reason"] == "length" {
            return Err(LlmError::Unfinished { tokens_max: request.tokens_max });
        }
        super::json_in(choice["message"]["content"].as_str().unwrap_or_default())
    }
}

/// What a streamed answer used: as the provider tells at its end, or reckoned where it did not come to that.
struct Bill<'a> {
    model: &'a OpenAiChat,
    chars_in: usize,
    tokens: u64,
    told: Option<Used>,
}

impl<'a> Bill<'a> {
    fn new(model: &'a OpenAiChat, messages: &[Message]) -> Self {
        let chars_in = messages.iter().map(|message| message.text.chars().count()).sum();
        Self { model, chars_in, tokens: 0, told: None }
    }
}

impl Drop for Bill<'_> {
    fn drop(&mut self) {
        if self.tokens == 0 && self.told.is_none() {
            // Refused, or cancelled before it began.
            return;
        }
        let tokens_in = (self.chars_in / CHARS_A_TOKEN) as u64;
        let reckoned = Used { tokens_in, tokens_out: self.tokens, ..Used::default() };
        let OpenAiChat { endpoint, settings, meter } = self.model;
        meter.count(Part::Llm, &endpoint.provider, self.told.unwrap_or(reckoned), &settings.price);
    }
}

fn tokens_told(answer: &Value) -> Option<Used> {
    let usage = answer.get("usage").filter(|usage| usage.is_object())?;
    let count = |name: &str| usage[name].as_u64().unwrap_or(0);
    Some(Used { tokens_in: count("prompt_tokens"), tokens_out: count("completion_tokens"), ..Used::default() })
}

/// What one event of a stream says.
enum Said {
    Nothing,
    Token(String),
    Done,
}

fn message(message: &Message) -> Value {
    let role = match message.role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    json!({ "role": role, "content": message.text })
}

fn length(chars: usize) -> Result<(), LlmError> {
    if chars > LLM_PROMPT_CHARS_MAX {
        return Err(LlmError::TooLong { chars, chars_max: LLM_PROMPT_CHARS_MAX });
    }
    Ok(())
}

/// The work's outcome, or that it was cancelled before.
async fn unless_cancelled<T>(
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T, LlmError>>,
) -> Result<T, LlmError> {
    cancel.run_until_cancelled(work).await.unwrap_or(Err(LlmError::Cancelled))
}

impl LanguageModel for OpenAiChat {
    fn complete(&self, request: CompletionRequest) -> mpsc::Receiver<LlmEvent> {
        let (events, stream) = mpsc::channel(LLM_TOKENS_MAX);
        let model = self.clone();
        // Ends by itself: at the end of the answer, at a deadline, when cancelled, when nobody reads.
        tokio::spawn(async move {
            let chars = request.messages.iter().map(|message| message.text.chars().count()).sum();
            let said = match length(chars) {
                Ok(()) => tokio::select! {
                    biased;
                    () = events.closed() => return,
                    said = unless_cancelled(&request.cancel, model.chat(&request, &events)) => said,
                },
                Err(error) => Err(error),
            };
            // A reader that has gone wants no ending.
            let _ = events.send(said.map_or_else(LlmEvent::Failed, |()| LlmEvent::Done)).await;
        });
        stream
    }

    fn complete_json(&self, request: JsonRequest) -> BoxFuture<'static, Result<Value, LlmError>> {
        let model = self.clone();
        Box::pin(async move {
            length(request.system.chars().count() + request.user.chars().count())?;
            let deadline = model.settings.whole;
            let answered = tokio::time::timeout(deadline, model.whole(&request));
            let answered = async { answered.await.unwrap_or(Err(model.endpoint.late("answer", deadline).into())) };
            unless_cancelled(&request.cancel, answered).await
        })
    }

    fn is_quick(&self) -> bool {
        true
    }

    fn metered(&self, meter: &Meter) -> Option<Arc<dyn LanguageModel>> {
        Some(Arc::new(Self { meter: meter.clone(), ..self.clone() }))
    }

    fn name(&self) -> String {
        format!("{}:{}", self.endpoint.provider, self.settings.model)
    }
}
