//! The local models, for real: recordings of people through the detector, the turn model and the transcriber; voices
//! through the transcriber and back. Where files are absent a test says so loudly and is skipped, unless `CI=true` or
//! `VIVAVOCE_REQUIRE_MODELS=1`: then it fails. Figures are printed (`--nocapture`), no wall time is asserted.

mod ends;
mod hearing;
#[cfg(feature = "local-llm")]
mod mind;
pub(crate) mod support;
mod voices;
mod words;
