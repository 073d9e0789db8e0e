//! How the process comes to its end: the first SIGTERM or Ctrl-C asks everybody to finish (soft), a second one or the
//! time limit makes them drop what they do (hard). Every task of the program is tracked here and awaited. Must never
//! know what the tasks do.

use std::future::Future;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The life of the process; cheap to clone.
#[derive(Clone, Debug)]
pub struct Lifecycle {
    soft: CancellationToken,
    hard: CancellationToken,
    tasks: TaskTracker,
    shutdown_timeout: Duration,
}

/// How the process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// All tasks finished by themselves.
    Clean,
    /// Time ran out or a second signal came; what was left was dropped.
    Forced,
}

/// What a task may still do after the hard token before the process leaves without it.
const HARD_GRACE: Duration = Duration::from_secs(2);

impl Lifecycle {
    #[must_use]
    pub fn new(shutdown_timeout: Duration) -> Self {
        let hard = CancellationToken::new();
        Self { soft: hard.child_token(), hard, tasks: TaskTracker::new(), shutdown_timeout }
    }

    /// Cancelled when everybody should finish what they have begun and take nothing new.
    #[must_use]
    pub fn soft(&self) -> &CancellationToken {
        &self.soft
    }

    /// Cancelled when there is no more time.
    #[must_use]
    pub fn hard(&self) -> &CancellationToken {
        &self.hard
    }

    #[must_use]
    pub fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// Runs `task` so that the end of the process waits for it.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tasks.spawn(task)
    }

    /// Waits for the first signal (or somebody's `soft().cancel()`), then for the tasks, at most the time limit.
    /// Call it last in the program.
    pub async fn run_to_the_end(&self) -> std::io::Result<Ending> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            () = self.soft.cancelled() => {}
            () = either(&mut terminate, &mut interrupt) => {
                tracing::info!(limit_ms = self.shutdown_timeout.as_millis(), "stopping; a second signal stops at once");
            }
        }
        self.soft.cancel();
        self.tasks.close();
        tokio::select! {
            () = self.tasks.wait() => return Ok(Ending::Clean),
            () = either(&mut terminate, &mut interrupt) => tracing::warn!("second signal: stopping at once"),
            () = tokio::time::sleep(self.shutdown_timeout) => {
                tracing::warn!(tasks = self.tasks.len(), "out of time: stopping at once");
            }
        }
        self.hard.cancel();
        let finished = tokio::time::timeout(HARD_GRACE, self.tasks.wait()).await;
        if finished.is_err() {
            tracing::error!(tasks = self.tasks.len(), "tasks did not stop");
        }
        Ok(Ending::Forced)
    }
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tasks_that_finish_make_a_clean_end() {
        let lifecycle = Lifecycle::new(Duration::from_secs(30));
        let soft = lifecycle.soft().clone();
        let finished = lifecycle.spawn(async move { soft.cancelled().await });
        lifecycle.soft().cancel();
        assert_eq!(lifecycle.run_to_the_end().await.expect("signals"), Ending::Clean);
        finished.await.expect("task");
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_finish_is_told_to_drop_its_work() {
        let lifecycle = Lifecycle::new(Duration::from_secs(30));
        let hard = lifecycle.hard().clone();
        let dropped = lifecycle.spawn(async move { hard.cancelled().await });
        lifecycle.soft().cancel();
        assert_eq!(lifecycle.run_to_the_end().await.expect("signals"), Ending::Forced);
        dropped.await.expect("task");
    }
}
