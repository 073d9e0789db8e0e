//! A worker process as its room holds it: started with one end of a socket, asked and heard, and killed if it must be. It
//! dies with its room. Must never block on a worker that does not listen.

use super::wire::{self, Ask, Frame, Tell};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use std::{io, os::unix::net};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

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
/// What may wait for a worker (voice is two frames, the rest is small).
const ASKS_MAX: usize = 256;
/// What may wait for the room: 2 s of sound of several people.
const TELLS_MAX: usize = 512;

/// A worker that runs.
pub struct Worker {
    process: Child,
    asks: mpsc::Sender<Frame<Ask>>,
    tells: mpsc::Receiver<Frame<Tell>>,
}

impl Worker {
    /// Starts `program daily-worker`.
    pub fn start(program: &Path) -> io::Result<Self> {
        let (ours, theirs) = net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let (from, to) = UnixStream::from_std(ours)?.into_split();
        let environment = ENVIRONMENT.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let process = Command::new(program)
            .arg("daily-worker")
            .env_clear()
            .envs(environment)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            // The library writes there what it likes, and knows what people say.
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let (asks, to_ask) = mpsc::channel(ASKS_MAX);
        let (told, tells) = mpsc::channel(TELLS_MAX);
        // Each ends with its half of the socket, which the worker's end closes.
        tokio::spawn(send(to, to_ask));
        tokio::spawn(receive(from, told));
        Ok(Self { process, asks, tells })
    }

    /// Asks for something; false if the worker does not listen any more.
    pub fn ask(&self, ask: Ask) -> bool {
        self.send(Frame::Control(ask))
    }

    pub fn send(&self, frame: Frame<Ask>) -> bool {
        self.asks.try_send(frame).is_ok()
    }

    /// What it tells next; `None` once it is gone.
    pub async fn next(&mut self) -> Option<Frame<Tell>> {
        self.tells.recv().await
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

async fn send(mut to: OwnedWriteHalf, mut asks: mpsc::Receiver<Frame<Ask>>) {
    while let Some(frame) = asks.recv().await {
        if wire::write(&mut to, &frame).await.is_err() {
            return;
        }
    }
}

async fn receive(mut from: OwnedReadHalf, tells: mpsc::Sender<Frame<Tell>>) {
    while let Ok(Some(frame)) = wire::read(&mut from).await {
        if tells.send(frame).await.is_err() {
            return;
        }
    }
}
