//! The parts: database, downloaded files, programs of the system.

use super::Check;
use crate::config::{Providers, Settings};
use crate::embedded::Paths;
use crate::embedded::models::{ModelFileError, ModelFiles, ModelPlaces, Pin};
use crate::store;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const FETCH: &str = "Run scripts/setup: it fetches what is missing and checks it.";

pub async fn checks(settings: &Settings, paths: &Paths, verify: bool) -> anyhow::Result<Vec<Check>> {
    let mut checks = vec![database(settings, paths).await];
    let (settings, paths) = (settings.clone(), paths.clone());
    // Files are hashed and programs started: work for a thread that may block.
    let looked = tokio::task::spawn_blocking(move || {
        let mut checks = files(&settings, &paths, verify);
        let local = ["kokoro", "piper", "local"];
        let speaks_locally = settings.providers.tts.iter().any(|name| local.contains(&name.as_str()));
        checks.push(program("espeak-ng", "tells the local voices how words sound", speaks_locally));
        checks.push(program("pdftotext", "reads CVs", false));
        checks.push(token_key(&paths));
        checks
    });
    checks.extend(looked.await?);
    Ok(checks)
}

async fn database(settings: &Settings, paths: &Paths) -> Check {
    let named = &settings.data.database_url.0;
    if !named.is_empty() {
        return match store::answers(named).await {
            Ok(()) => Check::ok("database", "yours answers"),
            Err(error) => {
                let remedy =
                    "Start it, or correct DATABASE_URL (or data.database_url): user, password, host, port, database.";
                Check::missing("database", format!("yours cannot be used: {error}"), remedy)
            }
        };
    }
    let found = server_programs(paths).find_map(|directory| Some((version(&directory.join("postgres"))?, directory)));
    match found {
        Some((version, directory)) => {
            let state =
                if paths.postgres().join("data/PG_VERSION").is_file() { "there" } else { "made at the first start" };
            Check::ok("database", format!("own cluster ({state}), {version} in {}", directory.display()))
        }
        None => {
            let remedy = "Run scripts/setup, or install the distribution's `postgresql`, or name the directory of the server's \
                          programs in VIVAVOCE_PG_BIN, or give a DATABASE_URL.";
            Check::missing("database", "no Postgres server programs", remedy)
        }
    }
}

/// Where the server's programs are looked for, in order.
fn server_programs(paths: &Paths) -> impl Iterator<Item = PathBuf> {
    let mut places: Vec<PathBuf> = paths.postgres_bin.iter().cloned().collect();
    if places.is_empty() {
        places.push(paths.postgres_download().join("bin"));
        let distribution = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        places.extend(distribution.map(|entry| entry.path().join("bin")));
        places.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    }
    places.into_iter().filter(|directory| directory.join("initdb").is_file() && directory.join("postgres").is_file())
}

fn files(settings: &Settings, paths: &Paths, verify: bool) -> Vec<Check> {
    let given = |path: &Path, usual: &Path| (path != usual).then(|| path.to_owned());
    let models = ModelFiles::new(ModelPlaces {
        cache: paths.cache.clone(),
        models: given(&paths.models, &paths.cache.join("models")),
        onnx_library: given(&paths.onnxruntime, &Paths::below(&paths.cache).onnxruntime),
    });
    let is_there = |name: &str| models.path(name).is_ok_and(|path| path.is_file());
    let wanted = models.pins().iter().filter(|pin| {
        let is_replaced = pin.fallback_for.as_deref().is_some_and(is_there);
        let is_given =
            pin.unless_env.as_deref().is_some_and(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
        // Postgres is looked at as the database; it may come from elsewhere.
        // What only some want is looked at where it belongs.
        let is_extra = pin.extra.is_some();
        pin.name != "postgres"
            && !is_extra
            && !is_replaced
            && !is_given
            && (pin.fallback_for.is_none() || is_there(&pin.name))
    });
    wanted.map(|pin| file(&models, pin, is_needed(&pin.name, &settings.providers), verify)).collect()
}

/// Whether there are no interviews without the file, with these providers.
fn is_needed(name: &str, providers: &Providers) -> bool {
    let has = |chain: &[String], names: [&str; 2]| chain.iter().any(|name| names.contains(&name.as_str()));
    let of_providers = [
        (providers.vad == "silero", "silero-vad"),
        (providers.turn_model == "smart-turn", "smart-turn"),
        (has(&providers.stt, ["moonshine", "local"]), "moonshine"),
        (has(&providers.tts, ["kokoro", "local"]), "kokoro"),
        (has(&providers.tts, ["piper", "piper"]), "piper"),
    ];
    let is_local = of_providers.iter().any(|(chosen, _)| *chosen);
    // Of the voices only the chosen one is loaded.
    if ["kokoro-af-heart", "kokoro-am-michael"].contains(&name)
        && name != format!("kokoro-{}", providers.voice.replace('_', "-"))
    {
        return false;
    }
    (name == "onnxruntime" && is_local)
        || of_providers.iter().any(|(chosen, prefix)| *chosen && name.starts_with(prefix))
}

fn file(models: &ModelFiles, pin: &Pin, is_needed: bool, verify: bool) -> Check {
    let name = format!("file {}", pin.name);
    let looked = if verify {
        models.verified(&pin.name).map(|path| (path, "size and sha256"))
    } else {
        models.path(&pin.name).and_then(|path| {
            let missing = || ModelFileError::Missing {
                name: pin.name.clone(),
                path: path.display().to_string(),
                why: "no such file".to_owned(),
                role: pin.role.clone(),
            };
            let bytes = fs::metadata(&path).map_err(|_| missing())?.len();
            if bytes == pin.bytes {
                return Ok((path, "size"));
            }
            let what = format!("has {bytes} bytes instead of {}", pin.bytes);
            let (name, path, role) = (pin.name.clone(), path.display().to_string(), pin.role.clone());
            Err(ModelFileError::Damaged { name, path, what, role })
        })
    };
    match looked {
        Ok((path, checked)) => Check::ok(name, format!("{} ({checked} as pinned)", path.display())),
        Err(error) => Check::unless_ok(is_needed, &name, error.to_string(), FETCH),
    }
}

fn program(name: &str, role: &str, is_needed: bool) -> Check {
    match version(Path::new(name)) {
        Some(version) => Check::ok(name, version),
        None => {
            let remedy = match name {
                "pdftotext" => "Debian and Ubuntu: apt install poppler-utils (scripts/setup does it).",
                _ => "Debian and Ubuntu: apt install espeak-ng (scripts/setup does it).",
            };
            Check::unless_ok(is_needed, name, format!("not found; it {role}"), remedy)
        }
    }
}

/// The first line that a program says of itself; none if it does not run.
fn version(program: &Path) -> Option<String> {
    let flag = if program.ends_with("pdftotext") { "-v" } else { "--version" };
    let output = Command::new(program).arg(flag).stdin(Stdio::null()).output().ok()?;
    let said = [output.stdout, output.stderr].concat();
    Some(String::from_utf8_lossy(&said).lines().next().unwrap_or_default().trim().to_owned())
}

fn token_key(paths: &Paths) -> Check {
    use std::os::unix::fs::PermissionsExt;
    let path = paths.keys().join("jwt.key");
    match fs::metadata(&path) {
        Err(_) => Check::ok("token key", "made at the first start"),
        Ok(data) if data.permissions().mode() & 0o077 == 0 => Check::ok("token key", path.display().to_string()),
        Ok(_) => Check::missing("token key", format!("{} can be read by others", path.display()), "chmod 600 it."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_follows_the_providers() {
        let mut providers = Settings::defaults_with("").expect("defaults").providers;
        for name in [
            "onnxruntime",
            "silero-vad",
            "smart-turn",
            "moonshine-encoder",
            "kokoro",
            "kokoro-vocab",
            "kokoro-af-heart",
        ] {
            assert!(is_needed(name, &providers), "{name}");
        }
        for name in ["llm", "piper", "kokoro-am-michael", "minilm"] {
            assert!(!is_needed(name, &providers), "{name}");
        }
        providers.tts = vec!["piper".to_owned()];
        assert!(is_needed("piper-config", &providers) && !is_needed("kokoro", &providers));
    }
}
