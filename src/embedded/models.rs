//! The files of the local models: where they are, and whether they are whole (size and sha256 as pinned in
//! `config/downloads.toml`, checked on first use and remembered). Must never download: `scripts/setup` does that.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::UNIX_EPOCH;

/// Bytes read at a time while hashing: large enough that system calls cost nothing, small enough for any machine.
const HASH_BUFFER_BYTES: usize = 1 << 20;
/// The pins, as committed.
const DOWNLOADS: &str = include_str!("../../config/downloads.toml");

/// Where files are looked for.
#[derive(Clone, Debug)]
pub struct ModelPlaces {
    /// The user's cache directory of this program.
    pub cache: PathBuf,
    /// Takes the place of `cache/models`, if given (`VIVAVOCE_MODELS_DIR`).
    pub models: Option<PathBuf>,
    /// The user's own ONNX Runtime, if given (`VIVAVOCE_ORT_LIB`): then not checked against the pin.
    pub onnx_library: Option<PathBuf>,
}

impl ModelPlaces {
    /// The places that `variable` (the environment) names, or their defaults; `None` without a home directory.
    #[must_use]
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let given = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let cache = match given("VIVAVOCE_HOME") {
            Some(home) => home.join("cache"),
            None => given("XDG_CACHE_HOME").or_else(|| Some(given("HOME")?.join(".cache")))?.join("vivavoce"),
        };
        Some(Self { cache, models: given("VIVAVOCE_MODELS_DIR"), onnx_library: given("VIVAVOCE_ORT_LIB") })
    }
}

/// One pinned file.
#[derive(Clone, Debug, Deserialize)]
pub struct Pin {
    pub name: String,
    /// What stops working without it.
    pub role: String,
    pub licence: String,
    /// Below the cache directory.
    pub path: String,
    pub bytes: u64,
    pub sha256: String,
    /// Only for this processor, where the file is machine code.
    pub arch: Option<String>,
    /// Not needed when this variable names the user's own.
    pub unless_env: Option<String>,
    /// Wanted only when the file of this name could not be had.
    pub fallback_for: Option<String>,
    /// Wanted only by those who ask for it by this name.
    pub extra: Option<String>,
}

/// The pinned files and what is known of them.
#[derive(Debug)]
pub struct ModelFiles {
    places: ModelPlaces,
    pins: Vec<Pin>,
    stamps: Mutex<BTreeMap<String, Stamp>>,
}

/// Size, modification time (ns) and sha256 of a file when it was last hashed; the format of `scripts/fetch.py`.
type Stamp = (u64, u64, String);

impl ModelFiles {
    /// The files at `places`, by the pins built into the program.
    #[must_use]
    pub fn new(places: ModelPlaces) -> Self {
        #[derive(Deserialize)]
        struct Downloads {
            file: Vec<Pin>,
        }
        let downloads: Downloads = toml::from_str(DOWNLOADS).expect("a unit test parses the built-in pins");
        let mut stamps = BTreeMap::new();
        for file in [Self::fetched_stamps(&places), Self::own_stamps(&places)] {
            // Without stamps, or with unreadable ones, files are hashed again.
            let known = fs::read(file).ok().and_then(|json| serde_json::from_slice(&json).ok());
            stamps.extend(known.unwrap_or_else(BTreeMap::<String, Stamp>::new));
        }
        Self { places, pins: downloads.file, stamps: Mutex::new(stamps) }
    }

    /// Every pin, in the order of `config/downloads.toml`.
    #[must_use]
    pub fn pins(&self) -> &[Pin] {
        &self.pins
    }

    /// Where the file of that name belongs.
    pub fn path(&self, name: &str) -> Result<PathBuf, ModelFileError> {
        self.pin(name).map(|pin| self.path_of(pin))
    }

    /// The path of the file of that name, once it is known to be whole. Hashes it on first use: about a second for
    /// each gigabyte, so not on a thread that has to be quick.
    pub fn verified(&self, name: &str) -> Result<PathBuf, ModelFileError> {
        let pin = self.pin(name)?;
        let path = self.path_of(pin);
        let own = name == "onnxruntime" && self.places.onnx_library.is_some();
        let found = fs::metadata(&path).map_err(|e| Self::missing(pin, &path, &e))?;
        if own {
            return Ok(path);
        }
        if found.len() != pin.bytes {
            let what = format!("has {} bytes instead of {}", found.len(), pin.bytes);
            return Err(Self::damaged(pin, &path, what));
        }
        let modified = found.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
        let modified_ns = modified.and_then(|t| u64::try_from(t.as_nanos()).ok()).unwrap_or(0);
        let stamp = (pin.bytes, modified_ns, pin.sha256.clone());
        let key = path.display().to_string();
        let mut stamps = self.stamps.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if stamps.get(&key) == Some(&stamp) {
            return Ok(path);
        }
        drop(stamps);
        let sha256 = sha256_of(&path).map_err(|e| Self::missing(pin, &path, &e))?;
        if sha256 != pin.sha256 {
            return Err(Self::damaged(pin, &path, format!("has the sha256 {sha256} instead of {}", pin.sha256)));
        }
        stamps = self.stamps.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        stamps.insert(key, stamp);
        self.remember(&stamps);
        Ok(path)
    }

    fn pin(&self, name: &str) -> Result<&Pin, ModelFileError> {
        let unknown = || ModelFileError::Unknown { name: name.to_owned() };
        self.pins.iter().find(|pin| pin.name == name).ok_or_else(unknown)
    }

    fn path_of(&self, pin: &Pin) -> PathBuf {
        match (&self.places.onnx_library, &self.places.models, pin.path.strip_prefix("models/")) {
            (Some(library), _, _) if pin.name == "onnxruntime" => library.clone(),
            (_, Some(models), Some(below)) => models.join(below),
            (_, _, _) => self.places.cache.join(&pin.path),
        }
    }

    fn fetched_stamps(places: &ModelPlaces) -> PathBuf {
        places.cache.join("downloads/verified.json")
    }

    fn own_stamps(places: &ModelPlaces) -> PathBuf {
        places.cache.join("downloads/verified-on-use.json")
    }

    /// A stamp that cannot be written (a read-only cache) costs a hash at the next start, no more.
    fn remember(&self, stamps: &BTreeMap<String, Stamp>) {
        let file = Self::own_stamps(&self.places);
        let write = || -> io::Result<()> {
            fs::create_dir_all(file.parent().unwrap_or(&self.places.cache))?;
            let fresh = file.with_extension(format!("{}.tmp", std::process::id()));
            fs::write(&fresh, serde_json::to_vec_pretty(stamps)?)?;
            fs::rename(fresh, &file)
        };
        if let Err(error) = write() {
            tracing::debug!(%error, "the stamps of verified files were not written");
        }
    }

    fn missing(pin: &Pin, path: &Path, error: &io::Error) -> ModelFileError {
        ModelFileError::Missing {
            name: pin.name.clone(),
            path: path.display().to_string(),
            why: error.to_string(),
            role: pin.role.clone(),
        }
    }

    fn damaged(pin: &Pin, path: &Path, what: String) -> ModelFileError {
        ModelFileError::Damaged {
            name: pin.name.clone(),
            path: path.display().to_string(),
            what,
            role: pin.role.clone(),
        }
    }
}

fn sha256_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; HASH_BUFFER_BYTES];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Why a file cannot be used, with the remedy.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ModelFileError {
    #[error("the file of {name} is missing: {path} ({why}). Needed for: {role}. Run scripts/setup to fetch it")]
    Missing { name: String, path: String, why: String, role: String },
    #[error(
        "the file of {name} is damaged: {path} {what}. Needed for: {role}. Delete it and run scripts/setup to fetch it again"
    )]
    Damaged { name: String, path: String, what: String, role: String },
    #[error("config/downloads.toml knows no file {name}")]
    Unknown { name: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(cache: &Path) -> ModelPlaces {
        ModelPlaces { cache: cache.to_owned(), models: None, onnx_library: None }
    }

    fn put(files: &ModelFiles, name: &str, content: &[u8]) -> PathBuf {
        let path = files.path(name).expect("known");
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, content).expect("written");
        path
    }

    /// A store whose only pin is of the content `whole`.
    fn one(cache: &Path) -> ModelFiles {
        let mut files = ModelFiles::new(places(cache));
        let pin = files.pins.iter_mut().find(|pin| pin.name == "kokoro-vocab").expect("pinned");
        pin.bytes = 5;
        pin.sha256 = Sha256::digest(b"whole").iter().map(|b| format!("{b:02x}")).collect();
        files
    }

    #[test]
    fn every_pin_is_well_formed_and_named_once() {
        let files = ModelFiles::new(places(Path::new("/nowhere")));
        let mut names: Vec<_> = files.pins().iter().map(|pin| pin.name.as_str()).collect();
        for pin in files.pins() {
            assert!(pin.bytes > 0 && pin.sha256.len() == 64 && !pin.role.is_empty(), "{}", pin.name);
        }
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn a_whole_file_is_given_and_remembered() {
        let cache = tempfile::tempdir().expect("a folder");
        let files = one(cache.path());
        let path = put(&files, "kokoro-vocab", b"whole");
        assert_eq!(files.verified("kokoro-vocab"), Ok(path.clone()));
        let stamps = fs::read_to_string(ModelFiles::own_stamps(&files.places)).expect("stamps");
        assert!(stamps.contains(&path.display().to_string()), "{stamps}");
    }

    #[test]
    fn a_damaged_or_missing_file_is_named_with_its_remedy() {
        let cache = tempfile::tempdir().expect("a folder");
        let files = one(cache.path());
        let missing = files.verified("kokoro-vocab").expect_err("missing").to_string();
        assert!(missing.contains("vocab.json") && missing.contains("scripts/setup"), "{missing}");
        put(&files, "kokoro-vocab", b"who");
        let short = files.verified("kokoro-vocab").expect_err("short").to_string();
        assert!(short.contains("3 bytes instead of 5") && short.contains("scripts/setup"), "{short}");
        put(&files, "kokoro-vocab", b"WHOLE");
        let wrong = files.verified("kokoro-vocab").expect_err("wrong").to_string();
        assert!(wrong.contains("sha256") && wrong.contains("vocab.json"), "{wrong}");
    }

    #[test]
    fn places_follow_the_environment() {
        let of = |set: &'static [(&str, &str)]| {
            ModelPlaces::from_env(move |name| set.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
        };
        assert_eq!(of(&[("HOME", "/h")]).expect("places").cache, Path::new("/h/.cache/vivavoce"));
        assert_eq!(of(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/x")]).expect("places").cache, Path::new("/x/vivavoce"));
        assert_eq!(of(&[("HOME", "/h"), ("VIVAVOCE_HOME", "/v")]).expect("places").cache, Path::new("/v/cache"));
        assert!(of(&[]).is_none());
        let moved = ModelFiles::new(of(&[("HOME", "/h"), ("VIVAVOCE_MODELS_DIR", "/m")]).expect("places"));
        let vad = moved.path("silero-vad").expect("known");
        assert_eq!(vad, Path::new("/m/silero-vad/silero_vad.onnx"));
    }
}
