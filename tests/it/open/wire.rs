//! The way to the providers, which a test can stop: bytes go through as they are until then. Must never change one.

use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A way.
#[derive(Clone)]
pub struct Way {
    pub address: String,
    stands_still: Arc<watch::Sender<bool>>,
}

impl Way {
    /// To `upstream`.
    pub async fn to(upstream: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        let way = Self { address, stands_still: Arc::new(watch::channel(false).0) };
        let of_task = way.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(&upstream).await else { continue };
                let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                tokio::spawn(of_task.clone().pass(near_in, far_out));
                tokio::spawn(of_task.clone().pass(far_in, near_out));
            }
        });
        way
    }

    /// Nothing passes until it is let go; nothing is lost.
    pub fn stand_still(&self, still: bool) {
        self.stands_still.send_replace(still);
    }

    async fn pass(self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut still = self.stands_still.subscribe();
        let mut bytes = vec![0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut bytes).await {
            let moves = still.wait_for(|still| !still).await.is_ok();
            if !moves || to.write_all(&bytes[..count]).await.is_err() {
                return;
            }
        }
    }
}
