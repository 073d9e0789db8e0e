//! ONNX Runtime: one environment for the process, loaded from a shared library at run time, and the options that every
//! speech model runs with. Must know no model.

pub mod wire;

use ort::environment::Environment;
use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

/// Threads of one session. One, because several models and the interview share the cores: with more, a small model
/// waits for threads that others hold (measured).
const THREADS: usize = 1;

/// The runtime, loaded once per process; cheap to clone.
#[derive(Clone, Debug)]
pub struct OnnxRuntime {
    environment: Environment,
    library: PathBuf,
}

static LOADED: OnceLock<OnnxRuntime> = OnceLock::new();
static LOADING: Mutex<()> = Mutex::new(());

impl OnnxRuntime {
    /// Loads `library`. A process has one runtime: later calls return the first, whatever library they name.
    pub fn load(library: &Path) -> Result<Self, OnnxError> {
        let _alone = LOADING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(loaded) = LOADED.get() {
            return Ok(loaded.clone());
        }
        let failed = |why: String| OnnxError::Library { library: library.display().to_string(), why };
        let environment = ort::init_from(library)
            .map_err(|e| failed(e.to_string()))?
            .with_name("vivavoce")
            .with_telemetry(false)
            .build()
            .map_err(|e| failed(e.to_string()))?;
        environment.set_log_level(ort::logging::LogLevel::Error);
        Ok(LOADED.get_or_init(|| Self { environment, library: library.to_owned() }).clone())
    }

    /// The library's build, for provenance and for stamps of what it has produced.
    #[must_use]
    pub fn build(&self) -> &'static str {
        ort::info()
    }

    /// Where the library was loaded from.
    #[must_use]
    pub fn library(&self) -> &Path {
        &self.library
    }

    /// Opens a model with all optimisations.
    pub fn session(&self, model: &Path) -> Result<Session, OnnxError> {
        self.options()
            .and_then(|options| options.with_optimization_level(GraphOptimizationLevel::All)?.commit_from_file(model))
            .map_err(|e| OnnxError::model(model, &e))
    }

    /// Opens a model that was changed in memory, with all optimisations; `file` names where it came from.
    pub fn session_of(&self, model: &[u8], file: &Path) -> Result<Session, OnnxError> {
        self.options()
            .and_then(|options| options.with_optimization_level(GraphOptimizationLevel::All)?.commit_from_memory(model))
            .map_err(|e| OnnxError::model(file, &e))
    }

    /// Writes `model` (any format that the runtime reads) as plain ONNX to `output`, without changing its graph.
    pub fn convert(&self, model: &Path, output: &Path) -> Result<(), OnnxError> {
        self.options()
            .and_then(|options| {
                options
                    .with_optimization_level(GraphOptimizationLevel::Disable)?
                    .with_config_entry("session.save_model_format", "ONNX")?
                    .with_optimized_model_path(output)?
                    .commit_from_file(model)
            })
            .map(drop)
            .map_err(|e| OnnxError::model(model, &e))
    }

    fn options(&self) -> ort::Result<SessionBuilder> {
        Ok(Session::builder(&self.environment)?
            .with_intra_threads(THREADS)?
            .with_inter_threads(1)?
            .with_intra_op_spinning(false)?
            .with_inter_op_spinning(false)?)
    }
}

/// Lets what else runs on the machine go before the calling thread. Where that is not allowed it works as any other.
pub fn be_nice(niceness: i32) {
    // SAFETY: no pointers are involved; on Linux the number 0 means the calling thread.
    if unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, niceness) } != 0 {
        tracing::debug!(niceness, "a thread keeps its priority");
    }
}

/// What can fail.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OnnxError {
    #[error("{library} could not be loaded: {why}")]
    Library { library: String, why: String },
    #[error("{model} could not be opened: {why}")]
    Model { model: String, why: String },
}

impl OnnxError {
    fn model(model: &Path, error: &ort::Error) -> Self {
        Self::Model { model: model.display().to_string(), why: error.to_string() }
    }
}
