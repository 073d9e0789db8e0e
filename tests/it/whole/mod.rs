//! The whole program from outside: the server as a process with state of its own and the local models, candidates over
//! real WebRTC with real speech, on good days and bad ones. One after another, since each takes all of a small machine.
//! Must never assert how long something takes.

mod away;
mod joining;
mod rehearsed;
mod restart;
mod start;

use crate::models::support::file;
use tokio::sync::{Mutex, MutexGuard};

/// Held by the test that runs.
static ALONE: Mutex<()> = Mutex::const_new(());

/// Waits until no other test of this subject runs; nothing (said loudly) where the models are not there.
pub async fn alone() -> Option<MutexGuard<'static, ()>> {
    let names = ["onnxruntime", "silero-vad", "smart-turn", "moonshine-encoder", "kokoro", "piper"];
    for name in names {
        file(name)?;
    }
    Some(ALONE.lock().await)
}
