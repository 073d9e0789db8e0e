//! Moonshine base: English speech to text on this machine. Two threads for all tracks: one keeps each track's last
//! minute, one runs the network. Of one utterance only the newest revision is worth anything. Must never answer for
//! an utterance that was not asked for.

mod model;
mod optimised;
mod tokenizer;

use super::recent::Recent;
use super::{STT_COMMANDS_MAX, STT_EVENTS_MAX, SpeechToText, SttCommand, SttError, SttEvent, SttOptions, SttStream};
use crate::id::UtteranceId;
use crate::onnx::OnnxRuntime;
use model::Model;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use tokio::sync::mpsc;

/// Utterances that may wait for the network: at a second each, more would be answered uselessly late.
const JOBS_MAX: usize = 16;
/// Tracks that may wait to be taken up: far more interviews than a machine can hold.
const TRACKS_MAX: usize = 64;

/// Where the model's files are.
#[derive(Clone, Debug)]
pub struct MoonshineFiles {
    /// `encoder_model.ort`, as shipped.
    pub encoder: PathBuf,
    /// `decoder_model_merged.ort`, as shipped.
    pub decoder: PathBuf,
    /// `tokenizer.bin`.
    pub tokenizer: PathBuf,
    /// A folder to keep the converted forms in.
    pub optimised: PathBuf,
}

/// The transcriber; its threads end when this and all streams are gone.
#[derive(Debug)]
pub struct Moonshine {
    tracks: mpsc::Sender<Track>,
}

#[derive(Debug)]
struct Track {
    commands: mpsc::Receiver<SttCommand>,
    events: mpsc::Sender<SttEvent>,
}

impl Moonshine {
    /// Loads the network (about 1.5 s; the first time also its conversion) and starts its threads.
    pub fn start(runtime: &OnnxRuntime, files: &MoonshineFiles) -> Result<Self, SttError> {
        let load = |e: std::io::Error| SttError::Load { why: e.to_string() };
        let encoder = optimised::optimised(runtime, &files.encoder, &files.optimised)?;
        let decoder = optimised::optimised(runtime, &files.decoder, &files.optimised)?;
        let model = Model::open(runtime, &encoder, &decoder, &files.tokenizer)?;
        let jobs = Arc::new(Jobs::default());
        let on_thread = tokio::runtime::Builder::new_current_thread().build().map_err(load)?;
        let (tracks, opened) = mpsc::channel(TRACKS_MAX);
        let asked = Arc::clone(&jobs);
        thread::Builder::new()
            .name("stt-tracks".into())
            .spawn(move || {
                on_thread.block_on(tokio::task::LocalSet::new().run_until(serve(&asked, opened)));
                asked.close();
            })
            .map_err(load)?;
        thread::Builder::new().name("stt".into()).spawn(move || work(model, &jobs)).map_err(load)?;
        Ok(Self { tracks })
    }
}

impl SpeechToText for Moonshine {
    fn open(&self, _: SttOptions) -> SttStream {
        let (commands, commands_in) = mpsc::channel(STT_COMMANDS_MAX);
        let (events_out, events) = mpsc::channel(STT_EVENTS_MAX);
        // Without a place the stream's other ends are dropped, so that its owner sees it closed.
        if self.tracks.try_send(Track { commands: commands_in, events: events_out }).is_err() {
            tracing::error!(tracks_max = TRACKS_MAX, "the transcriber takes no more tracks");
        }
        SttStream { commands, events }
    }

    fn languages(&self) -> &[&'static str] {
        &["en"]
    }

    fn is_alive(&self) -> bool {
        !self.tracks.is_closed()
    }

    fn name(&self) -> String {
        "moonshine-base-en".into()
    }
}

/// Takes up tracks until no more can come, and sees the open ones to their end.
async fn serve(jobs: &Arc<Jobs>, mut opened: mpsc::Receiver<Track>) {
    let mut open = tokio::task::JoinSet::new();
    let mut number = 0;
    while let Some(track) = opened.recv().await {
        while open.try_join_next().is_some() {}
        number += 1;
        open.spawn_local(listen(Arc::clone(jobs), number, track));
    }
    while open.join_next().await.is_some() {}
}

/// Keeps one track's audio and asks for what its session wants, to its end. What was asked for before the end is still
/// answered, as long as somebody reads.
async fn listen(jobs: Arc<Jobs>, track: u64, mut stream: Track) {
    let mut recent = Recent::default();
    while let Some(command) = stream.commands.recv().await {
        match command {
            SttCommand::Audio(frame) => recent.take(&frame),
            SttCommand::Transcribe { utterance, revision, from, to, last: _ } => {
                let asked = recent.cut(from, to).and_then(|audio| {
                    let events = stream.events.clone();
                    jobs.put(Job { track, utterance, revision, audio, events, worthless: Arc::default() })
                });
                if let Err(error) = asked {
                    tell(&stream.events, SttEvent::Failed { utterance, revision, error });
                }
            }
        }
    }
}

/// Runs the network on what is asked for, until the jobs are closed.
fn work(mut model: Model, jobs: &Jobs) {
    while let Some(job) = jobs.take() {
        let (utterance, revision) = (job.utterance, job.revision);
        let given_up = || job.worthless.load(Ordering::Relaxed) || job.events.is_closed();
        // A thread that dies would leave all who wait without an answer.
        let said = catch_unwind(AssertUnwindSafe(|| model.transcribe(&job.audio, &given_up)))
            .unwrap_or_else(|_| Err(SttError::Run { why: "the transcriber panicked".into() }));
        match said {
            Ok(Some(transcript)) => tell(&job.events, SttEvent::Final { utterance, revision, transcript }),
            Ok(None) => {}
            Err(error) => tell(&job.events, SttEvent::Failed { utterance, revision, error }),
        }
    }
}

/// Never waits for a session: one that leaves so many results unread is stuck, and others are served by this thread.
fn tell(events: &mpsc::Sender<SttEvent>, event: SttEvent) {
    match events.try_send(event) {
        Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => {}
        Err(mpsc::error::TrySendError::Full(_)) => {
            tracing::error!(events_max = STT_EVENTS_MAX, "a transcript was lost: its session does not read them");
        }
    }
}

/// One revision of one utterance to be transcribed.
#[derive(Debug)]
struct Job {
    track: u64,
    utterance: UtteranceId,
    revision: u32,
    audio: Vec<i16>,
    events: mpsc::Sender<SttEvent>,
    /// Turns true when a newer revision is asked for.
    worthless: Arc<AtomicBool>,
}

/// What waits for the network, first come first served.
#[derive(Debug, Default)]
struct Jobs {
    state: Mutex<JobsState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct JobsState {
    waiting: VecDeque<Job>,
    /// Track, utterance and mark of the job that is being done.
    running: Option<(u64, UtteranceId, Arc<AtomicBool>)>,
    closed: bool,
}

impl Jobs {
    /// Puts a job in line, in place of any older revision of its utterance.
    fn put(&self, job: Job) -> Result<(), SttError> {
        let mut state = self.state();
        state.give_up(job.track, job.utterance);
        if state.waiting.len() >= JOBS_MAX {
            return Err(SttError::Busy { queued_max: JOBS_MAX });
        }
        state.waiting.push_back(job);
        self.changed.notify_one();
        Ok(())
    }

    /// The next job, waiting for one; `None` when no more will come.
    fn take(&self) -> Option<Job> {
        let mut state = self.state();
        state.running = None;
        loop {
            if let Some(job) = state.waiting.pop_front() {
                state.running = Some((job.track, job.utterance, Arc::clone(&job.worthless)));
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, JobsState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl JobsState {
    fn give_up(&mut self, track: u64, utterance: UtteranceId) {
        self.waiting.retain(|job| (job.track, job.utterance) != (track, utterance));
        if let Some((of, running, worthless)) = &self.running
            && (*of, *running) == (track, utterance)
        {
            worthless.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(track: u64, utterance: u64, revision: u32) -> Job {
        let events = mpsc::channel(1).0;
        let utterance = UtteranceId(utterance);
        Job { track, utterance, revision, audio: Vec::new(), events, worthless: Arc::default() }
    }

    #[test]
    fn a_newer_revision_takes_the_place_of_older_ones() {
        let jobs = Jobs::default();
        jobs.put(job(1, 7, 0)).expect("room");
        jobs.put(job(2, 7, 0)).expect("room");
        jobs.put(job(1, 7, 1)).expect("room");
        let order: Vec<_> = [jobs.take(), jobs.take()].into_iter().flatten().map(|j| (j.track, j.revision)).collect();
        assert_eq!(order, [(2, 0), (1, 1)]);
    }

    #[test]
    fn what_is_being_done_is_given_up_for_a_newer_revision() {
        let jobs = Jobs::default();
        jobs.put(job(1, 7, 0)).expect("room");
        let first = jobs.take().expect("a job");
        jobs.put(job(1, 8, 0)).expect("room");
        assert!(!first.worthless.load(Ordering::Relaxed));
        jobs.put(job(1, 7, 1)).expect("room");
        assert!(first.worthless.load(Ordering::Relaxed));
        let second = jobs.take().expect("a job");
        assert_eq!(second.utterance, UtteranceId(8));
        jobs.close();
        assert_eq!(jobs.take().map(|job| job.revision), Some(1));
        assert!(jobs.take().is_none());
    }

    #[test]
    fn a_full_queue_says_so() {
        let jobs = Jobs::default();
        for utterance in 0..JOBS_MAX as u64 {
            jobs.put(job(1, utterance, 0)).expect("room");
        }
        assert_eq!(jobs.put(job(1, 999, 0)), Err(SttError::Busy { queued_max: JOBS_MAX }));
        jobs.put(job(1, 3, 1)).expect("room in the place of its older revision");
    }
}
