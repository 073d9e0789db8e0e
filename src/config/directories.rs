//! Where files lie, as the environment says. Must never create or open any.

use super::ConfigError;
use std::path::PathBuf;

/// Where things lie. `VIVAVOCE_HOME` moves all of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Directories {
    /// What can be fetched again; shared by all checkouts.
    pub cache: PathBuf,
    /// What must be kept: cluster, recordings, keys.
    pub data: PathBuf,
    /// Model files (`VIVAVOCE_MODELS_DIR`, else `cache/models`).
    pub models: PathBuf,
    /// ONNX Runtime (`VIVAVOCE_ORT_LIB`, else in `cache/onnxruntime`).
    pub onnx_runtime: PathBuf,
    /// Postgres server binaries if the operator named them (`VIVAVOCE_PG_BIN`).
    pub postgres_bin: Option<PathBuf>,
}

/// The ONNX Runtime that the models were checked with, below the cache directory.
const ONNX_RUNTIME: &str = "onnxruntime/libonnxruntime.so.1.31.1";

impl Directories {
    /// As the environment says.
    pub fn from_environment() -> Result<Self, ConfigError> {
        Self::from_variables(|name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from))
    }

    /// As `variable` says.
    pub fn from_variables(variable: impl Fn(&str) -> Option<PathBuf>) -> Result<Self, ConfigError> {
        let below = |name: &str, at_home: &str| {
            variable(name)
                .filter(|path| path.is_absolute())
                .or_else(|| variable("HOME").map(|home| home.join(at_home)))
                .map(|path| path.join("vivavoce"))
        };
        let (cache, data) = match variable("VIVAVOCE_HOME") {
            Some(home) => (Some(home.join("cache")), Some(home.join("data"))),
            None => (below("XDG_CACHE_HOME", ".cache"), below("XDG_DATA_HOME", ".local/share")),
        };
        let (Some(cache), Some(data)) = (cache, data) else {
            let said = "neither HOME nor VIVAVOCE_HOME is set, so there is no place for data; set VIVAVOCE_HOME";
            return Err(ConfigError::Invalid(said.to_owned()));
        };
        Ok(Self {
            models: variable("VIVAVOCE_MODELS_DIR").unwrap_or_else(|| cache.join("models")),
            onnx_runtime: variable("VIVAVOCE_ORT_LIB").unwrap_or_else(|| cache.join(ONNX_RUNTIME)),
            postgres_bin: variable("VIVAVOCE_PG_BIN"),
            cache,
            data,
        })
    }

    /// The key that signs tokens.
    #[must_use]
    pub fn token_key(&self) -> PathBuf {
        self.data.join("keys/jwt.key")
    }

    #[must_use]
    pub fn recordings(&self) -> PathBuf {
        self.data.join("recordings")
    }

    #[must_use]
    pub fn voice_cache(&self) -> PathBuf {
        self.data.join("voice-cache")
    }

    /// The own cluster.
    #[must_use]
    pub fn postgres(&self) -> PathBuf {
        self.data.join("pg")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn home_moves_everything() {
        let directories =
            Directories::from_variables(|name| (name == "VIVAVOCE_HOME").then(|| "/v".into())).expect("home");
        assert_eq!(directories.models, Path::new("/v/cache/models"));
        assert_eq!(directories.token_key(), Path::new("/v/data/keys/jwt.key"));
        let none = Directories::from_variables(|_| None);
        assert!(none.is_err_and(|error| error.to_string().contains("VIVAVOCE_HOME")));
    }
}
