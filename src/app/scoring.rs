//! Who scores answers: the local scorer, or a model with the local scorer behind it. Must never need a key for the local
//! one.

use super::cloud::{self, Use};
use super::providers::careful_model;
use crate::clock::Clock;
use crate::cloud::meter::Ledger;
use crate::config::Settings;
use crate::jobs::evaluate::Scoring;
use crate::scoring::grade::CoverageGrader;
use crate::scoring::grader::Grader;
use crate::scoring::model::ModelGrader;
use crate::scoring::rubric::Rubric;
use std::sync::Arc;

/// How answers are scored, by `providers.llm_scoring`. Call it on the runtime on which a model is to be asked.
pub fn load(settings: &Settings, ledger: &Arc<Ledger>) -> anyhow::Result<Scoring> {
    let rubric = Rubric::shipped()?;
    let local: Arc<dyn Grader> = Arc::new(CoverageGrader::new(rubric.clone()));
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
