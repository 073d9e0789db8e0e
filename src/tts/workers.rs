//! The threads of a local voice: one for what somebody waits for, one of low priority for what is made beforehand, so
//! that the first never waits behind the second. The same text is made once, however many ask for it at a time.

use super::{SpeakRequest, TTS_TEXT_CHARS_MAX, TtsError, Urgency};
use crate::audio::frame::VoiceClip;
use futures::future::BoxFuture;
use ort::session::RunOptions;
use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use tokio::sync::oneshot;

/// Sentences that may wait on each thread: several interviews' prepared lines; more would be too late to be of use.
const QUEUED_MAX: usize = 256;
/// The niceness of the thread that works beforehand.
const BEFOREHAND_NICE: i32 = 10;

/// Makes one clip, on the thread that owns it.
pub trait Synthesiser: Send + 'static {
    /// The clip; ends early with any error when `stop` is terminated.
    fn synthesise(&mut self, text: &Arc<str>, speed: f32, stop: &RunOptions) -> Result<VoiceClip, TtsError>;
}

/// The threads' handle; they end when it is dropped.
#[derive(Debug)]
pub struct Workers {
    shared: Arc<Shared>,
}

impl Workers {
    /// Starts the thread that somebody waits for, with `urgent`; the other makes its own synthesiser when it is first
    /// needed.
    pub fn start<S: Synthesiser>(
        name: &str,
        urgent: S,
        beforehand: impl FnOnce() -> Result<S, TtsError> + Send + 'static,
    ) -> Result<Self, TtsError> {
        let load = |e: std::io::Error| TtsError::Load { why: e.to_string() };
        let shared = Arc::new(Shared::default());
        let workers = Self { shared: Arc::clone(&shared) };
        let urgent_shared = Arc::clone(&shared);
        thread::Builder::new()
            .name(format!("tts-{name}"))
            .spawn(move || urgent_shared.work(Line::Urgent, urgent))
            .map_err(load)?;
        let beforehand_thread = move || {
            crate::onnx::be_nice(BEFOREHAND_NICE);
            if !shared.wait_for_work(Line::Beforehand) {
                return;
            }
            match beforehand() {
                Ok(synthesiser) => shared.work(Line::Beforehand, synthesiser),
                Err(error) => {
                    tracing::error!(%error, "nothing can be synthesised beforehand");
                    shared.refuse_beforehand(&error);
                }
            }
        };
        thread::Builder::new().name(format!("tts-{name}-bg")).spawn(beforehand_thread).map_err(load)?;
        Ok(workers)
    }

    /// Puts a request in line at once; the clip comes when it is made.
    pub fn speak(&self, request: &SpeakRequest) -> BoxFuture<'static, Result<VoiceClip, TtsError>> {
        let chars = request.text.chars().count();
        if chars > TTS_TEXT_CHARS_MAX {
            let error = TtsError::TooLong { chars, chars_max: TTS_TEXT_CHARS_MAX };
            return Box::pin(std::future::ready(Err(error)));
        }
        let waiting = self.shared.ask(request);
        let cancel = request.cancel.clone();
        Box::pin(async move {
            let mut waiting = waiting?;
            tokio::select! {
                biased;
                () = cancel.cancelled() => Err(TtsError::Cancelled),
                made = &mut waiting.clip => made.unwrap_or(Err(TtsError::Gone)),
            }
        })
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.closed = true;
        state.jobs.clear();
        drop(state);
        self.shared.urgent.notify_all();
        self.shared.beforehand.notify_all();
    }
}

/// Text and speed (its bits).
type Key = (Arc<str>, u32);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Line {
    Urgent,
    Beforehand,
}

impl Line {
    fn of(urgency: Urgency) -> Self {
        match urgency {
            Urgency::Now | Urgency::Soon => Self::Urgent,
            Urgency::Beforehand => Self::Beforehand,
        }
    }
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    urgent: Condvar,
    beforehand: Condvar,
}

#[derive(Debug, Default)]
struct State {
    jobs: HashMap<Key, Job>,
    /// Counts jobs and waiters.
    number: u64,
    closed: bool,
    /// Set when the thread that works beforehand could not start.
    refused: Option<TtsError>,
}

#[derive(Debug)]
struct Job {
    urgency: Urgency,
    number: u64,
    waiting: Vec<(u64, oneshot::Sender<Result<VoiceClip, TtsError>>)>,
    /// Terminates the synthesis, while it runs.
    running: Option<Arc<Stop>>,
    /// Terminated because nobody waited any more.
    given_up: bool,
}

/// Stops a synthesis that nobody waits for.
struct Stop(RunOptions);

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stop")
    }
}

/// One who waits for a clip; leaves the line when dropped.
#[derive(Debug)]
struct Waiting {
    shared: Arc<Shared>,
    key: Key,
    number: u64,
    clip: oneshot::Receiver<Result<VoiceClip, TtsError>>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.shared.leave(&self.key, self.number);
    }
}

impl Shared {
    fn ask(self: &Arc<Self>, request: &SpeakRequest) -> Result<Waiting, TtsError> {
        let mut state = self.state();
        let key = (Arc::clone(&request.text), request.speed.to_bits());
        let line = Line::of(request.urgency);
        if state.closed {
            return Err(TtsError::Gone);
        }
        if let (Line::Beforehand, Some(error)) = (line, &state.refused) {
            return Err(error.clone());
        }
        let queued = state.jobs.values().filter(|job| Line::of(job.urgency) == line).count();
        if queued >= QUEUED_MAX && !state.jobs.contains_key(&key) {
            return Err(TtsError::Busy { queued_max: QUEUED_MAX });
        }
        state.number += 1;
        let number = state.number;
        let (made, clip) = oneshot::channel();
        let new = || Job { urgency: request.urgency, number, waiting: Vec::new(), running: None, given_up: false };
        let job = state.jobs.entry(key.clone()).or_insert_with(new);
        job.waiting.push((number, made));
        // Who waits most impatiently decides where it is made, unless it is being made.
        job.urgency = job.urgency.min(request.urgency);
        let line = Line::of(job.urgency);
        drop(state);
        self.condition(line).notify_one();
        Ok(Waiting { shared: Arc::clone(self), key, number, clip })
    }

    fn leave(&self, key: &Key, number: u64) {
        let mut state = self.state();
        let Some(job) = state.jobs.get_mut(key) else {
            return;
        };
        job.waiting.retain(|(waiter, _)| *waiter != number);
        if !job.waiting.is_empty() {
            return;
        }
        match &job.running {
            Some(stop) => {
                job.given_up = true;
                // If it cannot be stopped it ends by itself.
                let _ = stop.0.terminate();
            }
            None => drop(state.jobs.remove(key)),
        }
    }

    fn work(&self, line: Line, mut synthesiser: impl Synthesiser) {
        while self.wait_for_work(line) {
            let Some((key, stop)) = self.take(line) else {
                continue;
            };
            let make = || synthesiser.synthesise(&key.0, f32::from_bits(key.1), &stop.0);
            // A thread that dies would leave all who wait without an answer.
            let made = catch_unwind(AssertUnwindSafe(make))
                .unwrap_or_else(|_| Err(TtsError::Run { why: "the synthesiser panicked".into() }));
            self.finish(&key, &made);
        }
    }

    /// Waits until there is something to do in this line; false when nothing more will come.
    fn wait_for_work(&self, line: Line) -> bool {
        let mut state = self.state();
        loop {
            if state.closed {
                return false;
            }
            if state.next(line).is_some() {
                return true;
            }
            state = self.condition(line).wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn take(&self, line: Line) -> Option<(Key, Arc<Stop>)> {
        let mut state = self.state();
        let key = state.next(line)?;
        let stop = RunOptions::new().map(|options| Arc::new(Stop(options)));
        match (stop, state.jobs.get_mut(&key)) {
            (Ok(stop), Some(job)) => {
                job.running = Some(Arc::clone(&stop));
                Some((key, stop))
            }
            (Err(error), Some(_)) => {
                drop(state);
                self.finish(&key, &Err(TtsError::Run { why: error.to_string() }));
                None
            }
            (_, None) => None,
        }
    }

    fn finish(&self, key: &Key, made: &Result<VoiceClip, TtsError>) {
        let mut state = self.state();
        let Some(mut job) = state.jobs.remove(key) else {
            return;
        };
        if job.given_up && made.is_err() && !job.waiting.is_empty() {
            // Somebody asked again after it had been stopped.
            job.given_up = false;
            job.running = None;
            let line = Line::of(job.urgency);
            state.jobs.insert(key.clone(), job);
            drop(state);
            self.condition(line).notify_one();
            return;
        }
        drop(state);
        for (_, waiting) in job.waiting {
            // Who has gone meanwhile does not want it.
            let _ = waiting.send(made.clone());
        }
    }

    fn refuse_beforehand(&self, error: &TtsError) {
        let mut state = self.state();
        state.refused = Some(error.clone());
        while let Some(key) = state.next(Line::Beforehand) {
            let job = state.jobs.remove(&key);
            for (_, waiting) in job.into_iter().flat_map(|job| job.waiting) {
                let _ = waiting.send(Err(error.clone()));
            }
        }
    }

    fn condition(&self, line: Line) -> &Condvar {
        match line {
            Line::Urgent => &self.urgent,
            Line::Beforehand => &self.beforehand,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The most urgent job of a line that is not being done, of equals the oldest.
    fn next(&self, line: Line) -> Option<Key> {
        let open = self.jobs.iter().filter(|(_, job)| job.running.is_none() && Line::of(job.urgency) == line);
        open.min_by_key(|(_, job)| (job.urgency, job.number)).map(|(key, _)| key.clone())
    }
}
