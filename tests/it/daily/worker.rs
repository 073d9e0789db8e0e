//! The worker process as its session has it: started with a socket, told what to do.

use super::fake::FakeDaily;
use std::fs::Permissions;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use vivavoce::audio::frame::VOICE_FRAME_SAMPLES;
use vivavoce::room::daily::wire::{self, Ask, Frame, Tell, Way};

/// Longest wait for anything that a worker tells.
const WAIT: Duration = Duration::from_secs(40);

/// A program to be started as a worker that takes `fake` for Daily: the real one, with the fake's authority trusted.
pub fn program_for(fake: &FakeDaily) -> PathBuf {
    let program = fake.authority.with_file_name("worker");
    let authority = fake.authority.display();
    let real = env!("CARGO_BIN_EXE_vivavoce");
    // For whoever looks into a failure: what the library says of itself.
    let said = std::env::var("VIVAVOCE_FAKE_DAILY_LOG").ok().filter(|file| file.starts_with('/'));
    let said = said.map_or(String::new(), |file| format!("exec 2>>'{file}'; export RUST_LOG=daily_core=debug; "));
    let script = format!("#!/bin/sh\n{said}SSL_CERT_FILE='{authority}' exec '{real}' \"$@\"\n");
    std::fs::write(&program, script).expect("written");
    std::fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("made executable");
    program
}

/// Workers of `fake` that run, known by the authority that they trust.
pub fn left(fake: &FakeDaily) -> Vec<i32> {
    let authority = format!("SSL_CERT_FILE={}", fake.authority.display());
    let processes = std::fs::read_dir("/proc").expect("processes").flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let is_ours = |pid: &i32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let is_worker = command.windows(12).any(|part| part == b"daily-worker");
        is_worker && environment.split(|byte| *byte == 0).any(|variable| variable == authority.as_bytes())
    };
    numbers.filter(is_ours).collect()
}

/// A worker that runs.
pub struct Worker {
    pub process: Child,
    to: Way,
    told: mpsc::Receiver<Frame<Tell>>,
}

impl Worker {
    /// Starts one that takes `fake` for Daily.
    pub async fn start(fake: &FakeDaily) -> Self {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().expect("a pair");
        let process = Command::new(env!("CARGO_BIN_EXE_vivavoce"))
            .arg("daily-worker")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .env("SSL_CERT_FILE", &fake.authority)
            .spawn()
            .expect("the program starts");
        let (mut from, to) = wire::open(ours).expect("a socket");
        let (told_tx, told) = mpsc::channel(4_096);
        tokio::spawn(async move {
            while let Ok(Some(frame)) = from.next().await {
                if told_tx.send(frame).await.is_err() {
                    return;
                }
            }
        });
        let mut worker = Self { process, to, told };
        worker.until("it is ready", |tell| matches!(tell, Tell::Ready { .. }).then_some(())).await;
        worker
    }

    pub fn ask(&self, ask: Ask) {
        assert!(self.to.send(&Frame::Control(ask)), "the worker listens");
    }

    pub fn join(&self, fake: &FakeDaily, room: &str) {
        let url = format!("https://fake.daily.co/{room}");
        let proxy_url = Some(fake.proxy_url.clone());
        self.ask(Ask::Join { url, token: String::new(), name: "Interviewer".into(), proxy_url });
    }

    /// The next frame; `None` once the worker is gone.
    pub async fn next(&mut self) -> Option<Frame<Tell>> {
        tokio::time::timeout(WAIT, self.told.recv()).await.expect("the worker tells something")
    }

    /// Waits until something is told.
    pub async fn until<T>(&mut self, what: &str, is: impl Fn(&Tell) -> Option<T>) -> T {
        let begun = Instant::now();
        let mut before = Vec::new();
        loop {
            match self.next().await {
                Some(Frame::Control(tell)) => {
                    if let Some(found) = is(&tell) {
                        return found;
                    }
                    if tell != Tell::Alive {
                        before.push(tell);
                    }
                }
                Some(Frame::Voice { .. } | Frame::Heard { .. } | Frame::Written { .. }) => {}
                None => panic!("{what}: the worker is gone after {before:?}"),
            }
            assert!(begun.elapsed() < WAIT, "{what}: never, but {before:?}");
        }
    }

    /// Says this (24 kHz), with two frames under way; what is heard meanwhile, by tag.
    pub async fn say(&mut self, pcm: &[i16]) -> Vec<(u32, Vec<i16>)> {
        let mut heard = Vec::new();
        let mut frames = pcm.chunks_exact(VOICE_FRAME_SAMPLES);
        let (mut write, mut under_way) = (0, 0);
        loop {
            while under_way < 2
                && let Some(frame) = frames.next()
            {
                let pcm = Box::new(frame.try_into().expect("of that length"));
                assert!(self.to.send(&Frame::<Ask>::Voice { write, pcm }), "the worker listens");
                (write, under_way) = (write + 1, under_way + 1);
            }
            if under_way == 0 {
                return heard;
            }
            match self.next().await.expect("the worker lives") {
                Frame::Written { .. } => under_way -= 1,
                Frame::Heard { tag, pcm } => heard.push((tag, pcm.to_vec())),
                Frame::Control(_) | Frame::Voice { .. } => {}
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
