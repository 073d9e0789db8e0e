//! A server that cannot start says why and what to do, and ends with a code of failure; what it can do without, it does.

use super::alone;
use crate::support::server::{Home, Server, damaged_copy};
use std::fs;
use std::net::TcpListener;

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
