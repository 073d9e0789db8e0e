//! Where downloads and state are on this machine. Must never create anything.

use std::path::PathBuf;

/// The places that the program uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// What can be fetched again; shared by every checkout.
    pub cache: PathBuf,
    /// What cannot: the cluster, recordings, keys.
    pub data: PathBuf,
    pub models: PathBuf,
    pub onnxruntime: PathBuf,
    /// The directory of the Postgres server's programs, if the operator names one.
    pub postgres_bin: Option<PathBuf>,
}

/// Release of ONNX Runtime that `config/downloads.toml` pins.
const ONNXRUNTIME_FILE: &str = "onnxruntime/libonnxruntime.so.1.31.1";

/// Why the places cannot be told.
#[derive(Debug, thiserror::Error)]
#[error("neither VIVAVOCE_HOME nor HOME is set, so there is no place for downloads and state")]
pub struct NoHome;

impl Paths {
    /// From the environment: `VIVAVOCE_HOME` moves all, else the XDG directories, else those below `HOME`.
    /// `VIVAVOCE_MODELS_DIR`, `VIVAVOCE_ORT_LIB` and `VIVAVOCE_PG_BIN` move one thing each.
    ///
    /// # Errors
    /// [`NoHome`].
    pub fn from_environment() -> Result<Self, NoHome> {
        Self::from_lookup(|name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from))
    }

    fn from_lookup(look: impl Fn(&str) -> Option<PathBuf>) -> Result<Self, NoHome> {
        let (cache, data) = match look("VIVAVOCE_HOME") {
            Some(home) => (home.join("cache"), home.join("data")),
            None => {
                let below_home = |rest: &str| look("HOME").map(|home| home.join(rest)).ok_or(NoHome);
                let absolute = |name: &str| look(name).filter(|path| path.is_absolute());
                let cache = absolute("XDG_CACHE_HOME").map_or_else(|| below_home(".cache"), Ok)?;
                let data = absolute("XDG_DATA_HOME").map_or_else(|| below_home(".local/share"), Ok)?;
                (cache.join("vivavoce"), data.join("vivavoce"))
            }
        };
        Ok(Self {
            models: look("VIVAVOCE_MODELS_DIR").unwrap_or_else(|| cache.join("models")),
            onnxruntime: look("VIVAVOCE_ORT_LIB").unwrap_or_else(|| cache.join(ONNXRUNTIME_FILE)),
            postgres_bin: look("VIVAVOCE_PG_BIN"),
            cache,
            data,
        })
    }

    /// Everything below one directory, as `VIVAVOCE_HOME` does; for tests.
    #[must_use]
    pub fn below(home: &std::path::Path) -> Self {
        let cache = home.join("cache");
        Self {
            models: cache.join("models"),
            onnxruntime: cache.join(ONNXRUNTIME_FILE),
            postgres_bin: None,
            data: home.join("data"),
            cache,
        }
    }

    #[must_use]
    pub fn recordings(&self) -> PathBuf {
        self.data.join("recordings")
    }

    #[must_use]
    pub fn voice_cache(&self) -> PathBuf {
        self.data.join("voice-cache")
    }

    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.data.join("keys")
    }

    /// The operator's settings, which need not be there.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.data.join("vivavoce.toml")
    }

    /// Where `scripts/setup` puts the Postgres server.
    #[must_use]
    pub fn postgres_download(&self) -> PathBuf {
        self.cache.join("pg")
    }

    /// The cluster and what belongs to it.
    #[must_use]
    pub fn postgres(&self) -> PathBuf {
        self.data.join("pg")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(vars: &[(&str, &str)]) -> Result<Paths, NoHome> {
        Paths::from_lookup(|name| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| PathBuf::from(value)))
    }

    #[test]
    fn one_variable_moves_everything() {
        let paths = paths(&[("VIVAVOCE_HOME", "/srv/v"), ("HOME", "/home/a"), ("XDG_CACHE_HOME", "/x")]).expect("a home");
        assert_eq!(paths.cache, PathBuf::from("/srv/v/cache"));
        assert_eq!(paths.data, PathBuf::from("/srv/v/data"));
        assert_eq!(paths.models, PathBuf::from("/srv/v/cache/models"));
    }

    #[test]
    fn xdg_directories_count_and_relative_ones_do_not() {
        let paths = paths(&[("HOME", "/home/a"), ("XDG_CACHE_HOME", "/x"), ("XDG_DATA_HOME", "relative")]).expect("a home");
        assert_eq!(paths.cache, PathBuf::from("/x/vivavoce"));
        assert_eq!(paths.data, PathBuf::from("/home/a/.local/share/vivavoce"));
    }

    #[test]
    fn no_home_is_said() {
        assert!(paths(&[]).is_err());
    }
}
