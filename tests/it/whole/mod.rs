//! The whole program from outside: the server as a process with state of its own and the local models, candidates over
//! real WebRTC with real speech, on good days and bad ones. One after another, since each takes all of a small machine.
//! Must never assert how long something takes.

mod away;
mod joining;
mod rehearsed;
mod restart;
mod start;

use crate::models::support::file;
use std::fs::File;

/// Waits until no other test of this subject runs, in a process apart neither; nothing (said loudly) where the models are
/// not there.
pub async fn alone() -> Option<File> {
    let names = ["onnxruntime", "silero-vad", "smart-turn", "moonshine-encoder", "kokoro", "piper"];
    for name in names {
        file(name)?;
    }
    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/whole-tests.lock");
    let lock = move || {
        let file = File::create(path).expect("the lock's file");
        file.lock().expect("locked");
        file
    };
    Some(tokio::task::spawn_blocking(lock).await.expect("no panic"))
}
