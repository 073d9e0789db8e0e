//! Language models in order of preference: the first one that is well answers. When it fails before its first word, the
//! next one is asked. Must never go on with one model where another has begun: whoever reads decides that.

use super::{CompletionRequest, JsonRequest, LLM_TOKENS_MAX, LanguageModel, LlmError, LlmEvent};
use crate::cloud::meter::Meter;
use crate::cloud::{Breaker, Fault};
use futures::future::BoxFuture;
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// A model, and what is known of its health, which all interviews share.
#[derive(Clone)]
pub struct LlmLink {
    pub model: Arc<dyn LanguageModel>,
    pub breaker: Arc<Breaker>,
}

/// The chain; cheap to clone.
#[derive(Clone)]
pub struct LlmChain {
    links: Arc<[LlmLink]>,
}

impl LlmChain {
    /// `links` is not empty.
    #[must_use]
    pub fn new(links: Vec<LlmLink>) -> Self {
        Self { links: links.into() }
    }

    /// Who is asked, in order: those that are well; at worst all. One that is alone is asked twice.
    fn order(&self) -> Vec<LlmLink> {
        let now = Instant::now().into_std();
        let mut order: Vec<LlmLink> = self.links.iter().filter(|link| link.breaker.allows(now)).cloned().collect();
        if order.is_empty() {
            order = self.links.to_vec();
        }
        if order.len() == 1 {
            order.push(order[0].clone());
        }
        order
    }

    async fn run(self, request: CompletionRequest, events: &mpsc::Sender<LlmEvent>) -> Result<(), LlmError> {
        let mut failed = LlmError::Gone;
        for link in self.order() {
            let mut stream = link.model.complete(request.clone());
            let mut has_begun = false;
            let error = loop {
                match stream.recv().await {
                    Some(LlmEvent::Token(token)) => {
                        has_begun = true;
                        events.send(LlmEvent::Token(token)).await.map_err(|_| LlmError::Cancelled)?;
                    }
                    Some(LlmEvent::Done) => {
                        link.breaker.succeeded();
                        return Ok(());
                    }
                    Some(LlmEvent::Failed(error)) => break error,
                    None => break LlmError::Gone,
                }
            };
            if !goes_on(&link, &error) || has_begun {
                return Err(error);
            }
            failed = error;
        }
        Err(failed)
    }

    async fn run_json(self, request: JsonRequest) -> Result<Value, LlmError> {
        let mut failed = LlmError::Gone;
        for link in self.order() {
            match link.model.complete_json(request.clone()).await {
                Ok(answer) => {
                    link.breaker.succeeded();
                    return Ok(answer);
                }
                Err(error) if goes_on(&link, &error) => failed = error,
                Err(error) => return Err(error),
            }
        }
        Err(failed)
    }
}

/// Notes a failure. Whether another model may do better.
fn goes_on(link: &LlmLink, error: &LlmError) -> bool {
    let fault = match error {
        LlmError::Cloud(error) => error.fault,
        LlmError::Load { .. } => Fault::Unfit,
        LlmError::Run { .. } | LlmError::Busy { .. } | LlmError::Gone => Fault::Passing,
        // It did answer; another may answer better.
        LlmError::NotJson | LlmError::Unfinished { .. } => return true,
        LlmError::TooLong { .. } | LlmError::Cancelled => return false,
    };
    let name = link.model.name();
    let wait_ms = link.breaker.failed(Instant::now().into_std(), fault).as_millis();
    tracing::warn!(%name, %error, wait_ms, "a language model failed");
    metrics::counter!("vivavoce_provider_failures_total", "part" => "llm", "provider" => name).increment(1);
    fault != Fault::Request
}

impl LanguageModel for LlmChain {
    fn complete(&self, request: CompletionRequest) -> mpsc::Receiver<LlmEvent> {
        let (events, stream) = mpsc::channel(LLM_TOKENS_MAX);
        let chain = self.clone();
        // Ends as the models do; all of them end when cancelled.
        tokio::spawn(async move {
            let said = tokio::select! {
                () = events.closed() => return,
                said = chain.run(request, &events) => said,
            };
            // A reader that has gone wants no ending.
            let _ = events.send(said.map_or_else(LlmEvent::Failed, |()| LlmEvent::Done)).await;
        });
        stream
    }

    fn complete_json(&self, request: JsonRequest) -> BoxFuture<'static, Result<Value, LlmError>> {
        Box::pin(self.clone().run_json(request))
    }

    fn is_quick(&self) -> bool {
        self.links[0].model.is_quick()
    }

    fn metered(&self, meter: &Meter) -> Option<Arc<dyn LanguageModel>> {
        let link = |link: &LlmLink| LlmLink {
            model: link.model.metered(meter).unwrap_or_else(|| link.model.clone()),
            breaker: link.breaker.clone(),
        };
        Some(Arc::new(Self { links: self.links.iter().map(link).collect() }))
    }

    fn name(&self) -> String {
        self.links.iter().map(|link| link.model.name()).collect::<Vec<_>>().join(", else ")
    }
}
