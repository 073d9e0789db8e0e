//! A way between two, which a test can stop and cut: bytes go through as they are until then. Must never change one.

use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A way.
#[derive(Clone)]
pub struct Way {
    pub address: String,
    stands_still: Arc<watch::Sender<bool>>,
    cut: Arc<Mutex<Option<Cut>>>,
}

/// A connection that is to break.
#[derive(Clone, Debug)]
pub struct Cut {
    /// What it was asked for last.
    pub path: &'static str,
    /// While the answer comes, or while the request goes.
    pub in_answer: bool,
    /// Pieces that still go through.
    pub after: u32,
    /// Every one from now on, not only the first.
    pub always: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Request,
    Answer,
}

impl Way {
    /// To `upstream`.
    pub async fn to(upstream: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        let way = Self { address, stands_still: Arc::new(watch::channel(false).0), cut: Arc::default() };
        let of_task = way.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(&upstream).await else { continue };
                let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                let of_connection = of_task.clone();
                tokio::spawn(async move {
                    let asked = Arc::default();
                    // Whichever is over first, or is cut, takes the other with it.
                    tokio::select! {
                        () = of_connection.pass(near_in, far_out, Direction::Request, &asked) => {}
                        () = of_connection.pass(far_in, near_out, Direction::Answer, &asked) => {}
                    }
                });
            }
        });
        way
    }

    /// Nothing passes until it is let go; nothing is lost.
    pub fn stand_still(&self, still: bool) {
        self.stands_still.send_replace(still);
    }

    /// Breaks a connection, or none any more.
    pub fn cut(&self, cut: Option<Cut>) {
        *self.cut.lock().unwrap_or_else(PoisonError::into_inner) = cut;
    }

    /// Whether a cut is still to come.
    pub fn is_whole(&self) -> bool {
        self.cut.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    async fn pass(
        &self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        direction: Direction,
        asked: &Arc<Mutex<String>>,
    ) {
        let mut still = self.stands_still.subscribe();
        let mut bytes = vec![0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut bytes).await {
            let moves = still.wait_for(|still| !still).await.is_ok();
            if direction == Direction::Request && (bytes.starts_with(b"POST ") || bytes.starts_with(b"GET ")) {
                let head = String::from_utf8_lossy(&bytes[..count]);
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                *asked.lock().unwrap_or_else(PoisonError::into_inner) = path;
            }
            if !moves || self.breaks(direction, asked) || to.write_all(&bytes[..count]).await.is_err() {
                return;
            }
        }
    }

    fn breaks(&self, direction: Direction, asked: &Arc<Mutex<String>>) -> bool {
        let asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wanted = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        let is_its = |cut: &&mut Cut| asked.starts_with(cut.path) && cut.in_answer == (direction == Direction::Answer);
        let Some(cut) = wanted.as_mut().filter(is_its) else { return false };
        match cut.after.checked_sub(1) {
            Some(left) => cut.after = left,
            None if cut.always => return true,
            None => *wanted = None,
        }
        wanted.is_none()
    }
}
