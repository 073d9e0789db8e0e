//! Sockets to a provider that wait for their next work, so that no sentence pays for a connection. One that waits is read,
//! so that its provider's pings are answered and what comes late of a cancelled sentence is gone before the next one. Must
//! never keep a socket longer than its provider does, nor lend one that is known to be dead.

use super::fault::CloudError;
use super::socket::Socket;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Sockets kept without work, number: sentences under way at once in a few interviews.
const SPARE_MAX: usize = 8;

/// The spare sockets of one provider; cheap to clone.
#[derive(Clone, Debug)]
pub struct Spares {
    waiting: Arc<Mutex<VecDeque<Waiting>>>,
    keep: Duration,
}

/// One that waits in a task of its own, which gives it back when it is wanted.
#[derive(Debug)]
struct Waiting {
    wanted: CancellationToken,
    socket: JoinHandle<Option<Socket>>,
}

impl Drop for Waiting {
    /// Whoever waits for nothing is let go.
    fn drop(&mut self) {
        self.wanted.cancel();
    }
}

impl Spares {
    /// Sockets are kept for `keep` without work: less than the provider keeps them.
    #[must_use]
    pub fn new(keep: Duration) -> Self {
        Self { waiting: Arc::default(), keep }
    }

    /// The one that was used last, if one is still open.
    pub async fn take(&self) -> Option<Socket> {
        loop {
            let mut waiting = self.waiting().pop_back()?;
            waiting.wanted.cancel();
            if let Ok(Some(socket)) = (&mut waiting.socket).await {
                return Some(socket);
            }
        }
    }

    /// A socket whose work is done.
    pub fn put(&self, socket: Socket) {
        let wanted = CancellationToken::new();
        // Ends when it is wanted, when its time is over, when the provider closes.
        let socket = tokio::spawn(wait(socket, Instant::now() + self.keep, wanted.clone()));
        let mut waiting = self.waiting();
        waiting.retain(|one| !one.socket.is_finished());
        if waiting.len() >= SPARE_MAX {
            waiting.pop_front();
        }
        waiting.push_back(Waiting { wanted, socket });
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn wait(mut socket: Socket, until: Instant, wanted: CancellationToken) -> Option<Socket> {
    let is_wanted = tokio::select! {
        biased;
        () = until_closed(&mut socket) => false,
        () = wanted.cancelled() => true,
        () = tokio::time::sleep_until(until) => false,
    };
    is_wanted.then_some(socket)
}

/// Reads what nobody waits for.
async fn until_closed(socket: &mut Socket) {
    while socket.receive().await.is_ok() {}
}

/// A socket at work on one sentence. Dropped in the middle of it, which is how a sentence is cancelled, it says goodbye to
/// that sentence and waits for the next one.
#[derive(Debug)]
pub struct Lent {
    socket: Option<Socket>,
    goodbye: Value,
    spares: Spares,
}

impl Lent {
    /// `goodbye` ends the sentence that it is lent for.
    #[must_use]
    pub fn new(socket: Socket, goodbye: Value, spares: &Spares) -> Self {
        Self { socket: Some(socket), goodbye, spares: spares.clone() }
    }

    /// The socket, while the sentence goes on.
    pub fn socket(&mut self) -> &mut Socket {
        self.socket.as_mut().expect("it is taken out only by what consumes self")
    }

    /// The sentence ended as `said` tells: the socket serves again, unless it failed.
    ///
    /// # Errors
    /// That of the sentence.
    pub fn end<T>(mut self, said: Result<T, CloudError>) -> Result<T, CloudError> {
        let socket = self.socket.take();
        if let (Ok(_), Some(socket)) = (&said, socket) {
            self.spares.put(socket);
        }
        said
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(mut socket) = self.socket.take() else { return };
        let (goodbye, spares) = (self.goodbye.take(), self.spares.clone());
        // Ends within the deadline of a send. Without a runtime the process is ending, and so does the connection.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if socket.send_json(&goodbye).await.is_ok() {
                    spares.put(socket);
                }
            });
        }
    }
}
