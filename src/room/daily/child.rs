//! A worker process as its room holds it: started with one end of a socket, asked and heard, and killed if it must be. It
//! dies with its room. Must never block on a worker that does not listen.

use super::wire::{self, Ask, Frame, Heard, Reader, Tell, Way};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use std::{io, os::unix::net::UnixStream};
use tokio::process::{Child, Command};

/// What a worker gets of the program's environment: where things are, and how to reach the network. Nothing else goes along:
/// keys and the database's address are not for foreign code.
const ENVIRONMENT: [&str; 14] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "TZ",
    "LANG",
    "LD_LIBRARY_PATH",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
    "VIVAVOCE_HOME",
    "VIVAVOCE_DAILY_LIB",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTPS_PROXY",
    "NO_PROXY",
];

/// A worker that runs.
pub struct Worker {
    process: Child,
    /// Voice is two frames under way, the rest is small.
    asks: Way,
    /// What the room does not take stays in the socket, and beyond that in the worker, within its limits.
    tells: Reader<Heard>,
}

impl Worker {
    /// Starts `program daily-worker`.
    pub fn start(program: &Path) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let (tells, asks) = wire::open(ours)?;
        let environment = ENVIRONMENT.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let process = Command::new(program)
            .arg("daily-worker")
            .env_clear()
            .envs(environment)
            // Nobody reads what the library would log: it shall not write it either.
            .env("RUST_LOG", "off")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            // The library writes there what it likes, and knows what people say.
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self { process, asks, tells })
    }

    /// Asks for something; false if the worker does not listen any more.
    pub fn ask(&self, ask: Ask) -> bool {
        self.send(&Frame::Control(ask))
    }

    pub fn send(&self, frame: &Frame<Ask>) -> bool {
        self.asks.send(frame)
    }

    /// Sends what it did not take at once.
    pub fn flush(&self) {
        self.asks.flush();
    }

    /// What it tells next; `None` once it is gone. May be dropped while it waits.
    pub async fn next(&mut self) -> Option<Frame<Tell>> {
        self.tells.next().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "a Daily worker is not understood");
            None
        })
    }

    /// Has it leave, after what was said last has been heard; kills it if it takes longer than `limit`.
    pub async fn leave(mut self, last_words: Duration, limit: Duration) {
        tokio::time::sleep(last_words).await;
        let left = async {
            if self.ask(Ask::Leave) {
                while let Some(frame) = self.next().await {
                    if matches!(frame, Frame::Control(Tell::Over { .. })) {
                        break;
                    }
                }
                // It ends by itself; who waits for it leaves no zombie.
                let _ = self.process.wait().await;
            }
        };
        if tokio::time::timeout(limit, left).await.is_err() {
            tracing::warn!("a Daily call did not end by itself");
        }
        self.kill().await;
    }

    pub async fn kill(mut self) {
        if let Err(error) = self.process.kill().await {
            tracing::debug!(%error, "a worker was gone already");
        }
    }
}
