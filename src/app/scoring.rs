//! Who scores answers: the local scorer, or a model with the local scorer behind it. Must never need a key for the local
//! one.

use super::cloud::{self, Use};
use super::providers::careful_model;
use crate::clock::Clock;
use crate::cloud::meter::Ledger;
use crate::config::Settings;
use crate::embed::Embedder;
use crate::jobs::evaluate::Scoring;
use crate::scoring::grader::Grader;
use crate::scoring::local::LocalGrader;
use crate::scoring::model::ModelGrader;
use crate::scoring::rubric::Rubric;
use std::sync::Arc;

/// How answers are scored, by `providers.llm_scoring`. Call it on the runtime on which a model is to be asked.
pub fn load(settings: &Settings, ledger: &Arc<Ledger>) -> anyhow::Result<Scoring> {
    let rubric = Rubric::shipped()?;
    let local: Arc<dyn Grader> = Arc::new(LocalGrader::new(rubric.clone(), embedder()));
    let grader = match careful_model(settings, Use::Scoring, ledger)? {
        Some(model) => Arc::new(ModelGrader::new(model, local, rubric.clone(), tokio::runtime::Handle::current())),
        None => local,
    };
    Ok(Scoring { rubric: Arc::new(rubric), grader })
}

/// The same for a command, which counts its own costs.
pub fn load_alone(settings: &Settings) -> anyhow::Result<Scoring> {
    load(settings, &Ledger::new(cloud::budget(settings), Clock::system(), 0))
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
    anyhow::bail!("this build has no local models")
}
