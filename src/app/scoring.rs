//! Who scores answers: the settings' names become a scorer. Must never need a key for the local one.

use crate::cloud::meter::Price;
use crate::cloud::{Endpoint, Key};
use crate::config;
use crate::embed::Embedder;
use crate::jobs::evaluate::Scoring;
use crate::llm::openai::{OpenAiChat, OpenAiChatSettings, Structure};
use crate::scoring::grader::Grader;
use crate::scoring::local::LocalGrader;
use crate::scoring::model::ModelGrader;
use crate::scoring::rubric::Rubric;
use anyhow::{Context as _, bail};
use std::sync::Arc;
use std::time::Duration;

/// The provider of a scoring model, as it is named in messages.
const PROVIDER: &str = "scoring";
/// Longest wait for a connection, s: a judgement waits for nobody who is away.
const CONNECT: Duration = Duration::from_secs(5);

/// How answers are scored, by the settings. Call it on the runtime on which a model is to be asked.
pub fn load(settings: &config::Scoring) -> anyhow::Result<Scoring> {
    let rubric = Rubric::shipped()?;
    let local: Arc<dyn Grader> = Arc::new(LocalGrader::new(rubric.clone(), embedder()));
    let grader = match settings.scorer.as_str() {
        "local" => local,
        "model" => {
            let model = Arc::new(OpenAiChat::new(endpoint(settings)?, chat(settings)?));
            Arc::new(ModelGrader::new(model, local, rubric.clone(), tokio::runtime::Handle::current()))
        }
        name => bail!("scoring.scorer is \"{name}\"; it takes local or model"),
    };
    Ok(Scoring { rubric: Arc::new(rubric), grader })
}

/// The model of meaning; without its files answers are scored by their words alone, and every grade says so.
pub fn embedder() -> Option<Arc<dyn Embedder>> {
    match open_embedder() {
        Ok(embedder) => Some(embedder),
        Err(error) => {
            tracing::warn!(error = format!("{error:#}"), "answers are scored by their words alone");
            None
        }
    }
}

#[cfg(feature = "local-speech")]
fn open_embedder() -> anyhow::Result<Arc<dyn Embedder>> {
    use crate::embed::minilm::MiniLm;
    use crate::onnx::OnnxRuntime;
    let files = super::providers::model_files()?;
    let runtime = OnnxRuntime::load(&files.verified("onnxruntime")?)?;
    Ok(Arc::new(MiniLm::open(&runtime, &files.verified("minilm")?, &files.verified("minilm-vocab")?)?))
}

#[cfg(not(feature = "local-speech"))]
fn open_embedder() -> anyhow::Result<Arc<dyn Embedder>> {
    bail!("this build has no local models")
}

fn endpoint(settings: &config::Scoring) -> anyhow::Result<Endpoint> {
    if settings.base_url.is_empty() || settings.model.is_empty() {
        bail!("scoring.scorer is \"model\": scoring.base_url and scoring.model must name it");
    }
    let key = Key::find(&settings.key_file, &settings.key_variable, |name| std::env::var(name).ok())
        .context("scoring.key_file or scoring.key_variable")?;
    Endpoint::new(PROVIDER, &settings.base_url, key, CONNECT).context("scoring.base_url cannot be used")
}

fn chat(settings: &config::Scoring) -> anyhow::Result<OpenAiChatSettings> {
    let structure = match settings.structure.as_str() {
        "schema" => Structure::Schema,
        "object" => Structure::Object,
        "prompt" => Structure::Prompt,
        name => bail!("scoring.structure is \"{name}\"; it takes schema, object or prompt"),
    };
    let whole = Duration::from_secs(u64::from(settings.judgement_s));
    Ok(OpenAiChatSettings {
        model: settings.model.clone(),
        tokens_max: u32::MAX,
        price: Price::default(),
        tokens_field: settings.tokens_field.clone(),
        sends_temperature: settings.sends_temperature,
        structure,
        extra: serde_json::Map::new(),
        first_token: whole,
        next_token: whole,
        whole,
    })
}
