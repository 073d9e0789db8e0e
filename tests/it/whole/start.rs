//! A server that cannot start says why and what to do, and ends with a code of failure; what it can do without, it does.

use super::alone;
use crate::support::server::{Home, Server, damaged_copy};
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// A server of `home` gives up, in words and without a trace.
async fn is_refused(home: &Home, listen: &str, words: &[&str]) {
    let (status, said) = home.refused(&["serve", "--listen", listen]).await;
    println!("{said}");
    assert!(!status.success(), "{status}: {said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in:\n{said}");
    }
    assert!(!said.contains("panicked"), "{said}");
    for _ in 0..200 {
        if home.database_processes().is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the database goes on: {:?}", home.database_processes());
}

#[tokio::test]
async fn a_damaged_or_missing_model_is_named_with_its_remedy() {
    let Some(_alone) = alone().await else { return };
    let (home, models) = Home::with_own_models();
    let folder = models.join("silero-vad");
    let whole = fs::canonicalize(folder.join("silero_vad.onnx")).expect("there");
    fs::remove_file(&folder).expect("a link");
    fs::create_dir(&folder).expect("made");
    let damaged = folder.join("silero_vad.onnx");
    damaged_copy(&whole, &damaged);
    let name = damaged.display().to_string();
    is_refused(&home, "127.0.0.1:0", &[&name, "damaged", "scripts/setup"]).await;
    fs::write(&damaged, b"cut off").expect("written");
    is_refused(&home, "127.0.0.1:0", &[&name, "damaged", "scripts/setup"]).await;
    fs::remove_file(&damaged).expect("removed");
    is_refused(&home, "127.0.0.1:0", &[&name, "missing", "scripts/setup"]).await;
}

/// Every downloaded file in turn is taken away: what doctor calls missing keeps the server from starting, and without all
/// that it can do without, it starts.
#[tokio::test]
async fn doctor_and_server_agree_on_every_file() {
    let Some(_alone) = alone().await else { return };
    let (home, models) = Home::with_own_models();
    let cache = models.parent().expect("models are in the cache");
    let settings = home.directory.join("settings.toml");
    // It takes long to load, and is told apart below.
    fs::write(&settings, "[providers]\nllm = \"none\"\n").expect("written");
    let settings = settings.to_str().expect("text");
    let looked = files_of_doctor(&home, settings);
    assert!(looked.len() > 10 && looked.iter().all(|file| file.state == "ok" || !file.path.exists()), "{looked:?}");
    let mut needed = Vec::new();
    for File { name, path, .. } in looked.into_iter().filter(|file| file.state == "ok") {
        unlink(cache, &path);
        let aside = path.with_extension("aside");
        fs::rename(&path, &aside).expect("moved");
        let state = files_of_doctor(&home, settings).into_iter().find(|file| file.name == name).map(|file| file.state);
        if state.is_some_and(|state| state == "missing") {
            let (status, said) = home.refused(&["serve", "--listen", "127.0.0.1:0", "--config", settings]).await;
            assert!(!status.success() && said.contains(path.to_str().expect("text")), "{name}: {said}");
            fs::rename(&aside, &path).expect("moved back");
            needed.push(name);
        }
    }
    println!("needed: {needed:?}");
    assert!(["silero-vad", "smart-turn", "moonshine-encoder"].iter().all(|name| needed.iter().any(|one| one == name)));
    let server = Server::start_in(home, "127.0.0.1:0", &[("VIVAVOCE_PROVIDERS__LLM", "none")]).await;
    server.get("/readyz").await;
    server.stop().await;
}

/// A downloaded file, as doctor sees it.
#[derive(Debug)]
struct File {
    name: String,
    state: String,
    path: PathBuf,
}

fn files_of_doctor(home: &Home, settings: &str) -> Vec<File> {
    let output = home.program(&["doctor", "--json", "--config", settings]).output().expect("doctor runs");
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    let file = |check: &serde_json::Value| {
        let name = check["name"].as_str()?.strip_prefix("file ")?.to_owned();
        let path = text(&check["found"]).split(" (").next().map(PathBuf::from)?;
        Some(File { name, state: text(&check["state"]), path })
    };
    told["checks"].as_array().expect("checks").iter().filter_map(file).collect()
}

/// Turns links to folders on the way to `path` into folders of links, so that one file can be taken away.
fn unlink(cache: &Path, path: &Path) {
    let folders: Vec<&Path> = path.ancestors().skip(1).take_while(|folder| *folder != cache).collect();
    for folder in folders.into_iter().rev().filter(|folder| folder.is_symlink()) {
        let real = fs::canonicalize(folder).expect("it leads somewhere");
        fs::remove_file(folder).expect("a link");
        fs::create_dir(folder).expect("made");
        for entry in fs::read_dir(real).expect("a folder").flatten() {
            symlink(entry.path(), folder.join(entry.file_name())).expect("linked");
        }
    }
}

#[tokio::test]
async fn without_the_language_model_the_server_starts_and_says_so() {
    let Some(_alone) = alone().await else { return };
    let (home, models) = Home::with_own_models();
    for model in fs::read_dir(&models).expect("models").flatten() {
        if model.file_name().to_string_lossy().starts_with("qwen") {
            fs::remove_file(model.path()).expect("a link");
        }
    }
    let server = Server::start_in(home, "127.0.0.1:0", &[]).await;
    assert_eq!(server.told("the language model is not there"), 1, "{}", server.log.text());
    server.get("/readyz").await;
    server.stop().await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_told_at_once() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    let port = taken.local_addr().expect("bound").port().to_string();
    is_refused(&Home::fresh(), &address, &["taken", &port, "--listen"]).await;
}
