//! The connections of the listener: so many at once, each with a limit for saying what it wants, and an end in order when
//! the server stops. Must never look at what is asked.

use super::router;
use super::state::Shared;
use crate::lifecycle::Lifecycle;
use axum::Router;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// After a connection could not be taken (no file descriptor is left, mostly), the next try waits so long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

/// Serves until the soft token; then takes no new connections and finishes what is being answered, until the hard one.
pub async fn serve(listener: TcpListener, state: Shared, lifecycle: &Lifecycle) -> std::io::Result<()> {
    let places = Arc::new(Semaphore::new(state.settings.server.connections_max));
    let head_max = Duration::from_secs(u64::from(state.settings.server.request_timeout_s));
    let router = router(state);
    let connections = TaskTracker::new();
    let take = async {
        // Beyond the limit the system's own queue holds whoever comes.
        while let Ok(place) = Arc::clone(&places).acquire_owned().await {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let answered = answer(stream, peer, router.clone(), head_max, lifecycle.clone());
                    connections.spawn(async move {
                        answered.await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = lifecycle.soft().cancelled() => {}
        () = take => {}
    }
    drop(listener);
    connections.close();
    connections.wait().await;
    Ok(())
}

/// Answers the requests of one connection.
async fn answer(stream: TcpStream, peer: SocketAddr, router: Router, head_max: Duration, lifecycle: Lifecycle) {
    // Small answers leave at once; a socket that refuses is no reason to refuse the request.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "nodelay");
    }
    let service = tower::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_max)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let answered = tokio::select! {
        answered = connection.as_mut() => answered,
        () = lifecycle.soft().cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                answered = connection => answered,
                () = lifecycle.hard().cancelled() => Ok(()),
            }
        }
    };
    if let Err(error) = answered {
        tracing::debug!(%error, "a connection ended early");
    }
}
