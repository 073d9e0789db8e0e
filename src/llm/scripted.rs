//! A language model for tests: it says the tokens of its script, at their pace on tokio's clock, and remembers what it
//! was asked.

use super::{CompletionRequest, LLM_TOKENS_MAX, LanguageModel, LlmError, LlmEvent, Message};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;

/// A scripted model; clones share the script and what was asked.
#[derive(Clone, Debug)]
pub struct ScriptedLlm {
    state: Arc<Mutex<State>>,
    first_token: Duration,
    next_token: Duration,
}

#[derive(Debug)]
struct State {
    /// Answers of the next requests; the last one is repeated.
    answers: VecDeque<Result<Vec<String>, LlmError>>,
    asked: Vec<Vec<Message>>,
}

impl ScriptedLlm {
    /// Answers one request after the other with these tokens, the last for all that follow.
    #[must_use]
    pub fn new(answers: Vec<Result<Vec<String>, LlmError>>, first_token: Duration, next_token: Duration) -> Self {
        let state = State { answers: answers.into(), asked: Vec::new() };
        Self { state: Arc::new(Mutex::new(state)), first_token, next_token }
    }

    /// Always answers `text`, a word at a time.
    #[must_use]
    pub fn saying(text: &str, first_token: Duration, next_token: Duration) -> Self {
        let tokens = text.split_inclusive(' ').map(str::to_owned).collect();
        Self::new(vec![Ok(tokens)], first_token, next_token)
    }

    /// The prompts so far, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<Vec<Message>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).asked.clone()
    }

    fn next_answer(&self, messages: Vec<Message>) -> Result<Vec<String>, LlmError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.asked.push(messages);
        let answer = if state.answers.len() > 1 { state.answers.pop_front() } else { state.answers.front().cloned() };
        answer.unwrap_or_else(|| Ok(Vec::new()))
    }
}

impl LanguageModel for ScriptedLlm {
    fn complete(&self, request: CompletionRequest) -> mpsc::Receiver<LlmEvent> {
        let (events, stream) = mpsc::channel(LLM_TOKENS_MAX);
        let scripted = self.clone();
        let answer = self.next_answer(request.messages);
        tokio::spawn(async move {
            let say = async {
                tokio::time::sleep(scripted.first_token).await;
                for token in answer?.into_iter().take(request.tokens_max as usize) {
                    // A reader that has gone wants no more.
                    events.send(LlmEvent::Token(token)).await.map_err(|_| LlmError::Cancelled)?;
                    tokio::time::sleep(scripted.next_token).await;
                }
                Ok(())
            };
            let ended = tokio::select! {
                biased;
                () = request.cancel.cancelled() => Err(LlmError::Cancelled),
                said = say => said,
            };
            let ended = ended.map_or_else(LlmEvent::Failed, |()| LlmEvent::Done);
            // As above.
            let _ = events.send(ended).await;
        });
        stream
    }

    fn is_quick(&self) -> bool {
        true
    }

    fn name(&self) -> String {
        "scripted-llm".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_util::sync::CancellationToken;

    fn request(cancel: &CancellationToken) -> CompletionRequest {
        CompletionRequest { messages: Vec::new(), tokens_max: 10, temperature: 0.0, cancel: cancel.clone() }
    }

    async fn all(mut stream: mpsc::Receiver<LlmEvent>) -> Vec<LlmEvent> {
        let mut events = Vec::new();
        while let Some(event) = stream.recv().await {
            events.push(event);
        }
        events
    }

    #[tokio::test(start_paused = true)]
    async fn tokens_come_at_their_pace_and_stop_when_cancelled() {
        let pace = Duration::from_secs(10);
        let llm = ScriptedLlm::saying("Tell me more.", pace, pace);
        let cancel = CancellationToken::new();
        let token = |text: &str| LlmEvent::Token(text.into());
        let expected = [token("Tell "), token("me "), token("more."), LlmEvent::Done];
        let started = tokio::time::Instant::now();
        assert_eq!(all(llm.complete(request(&cancel))).await, expected);
        assert_eq!(started.elapsed(), pace * 4);
        let stream = llm.complete(request(&cancel));
        tokio::time::sleep(pace * 3 / 2).await;
        cancel.cancel();
        assert_eq!(all(stream).await, [token("Tell "), LlmEvent::Failed(LlmError::Cancelled)]);
        assert_eq!(llm.asked().len(), 2);
    }
}
