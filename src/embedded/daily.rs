//! Daily's client library on this machine: the pinned file, or one of the operator's own. Must never load it.

use super::models::{ModelFileError, ModelFiles, ModelPlaces};
use std::path::{Path, PathBuf};

/// Names a library of the operator's own, which is not checked against the pin.
const OWN: &str = "VIVAVOCE_DAILY_LIB";

/// Why there is no library.
#[derive(Debug, thiserror::Error)]
pub enum NoLibrary {
    #[error("VIVAVOCE_DAILY_LIB names {}, and there is no such file", .0.display())]
    OwnMissing(PathBuf),
    #[error("Daily's client library cannot be used (scripts/setup --daily fetches it): {0}")]
    Pinned(#[from] ModelFileError),
}

/// The library that the operator names, if any.
#[must_use]
pub fn own() -> Option<PathBuf> {
    std::env::var_os(OWN).filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The library; the pinned one is known to be whole (it is hashed at first use, so not on a thread that has to be quick).
///
/// # Errors
/// [`NoLibrary`], with what to do about it.
pub fn library(cache: &Path) -> Result<PathBuf, NoLibrary> {
    if let Some(own) = own() {
        return if own.is_file() { Ok(own) } else { Err(NoLibrary::OwnMissing(own)) };
    }
    let places = ModelPlaces { cache: cache.to_owned(), models: None, onnx_library: None };
    Ok(ModelFiles::new(places).verified("daily-core")?)
}
