//! `vivavoce serve`: the server, in the foreground. Must never choose a provider: `app` does.

use super::ConfigArgument;
use crate::app::{self, Start};
use crate::lifecycle::{Ending, Lifecycle};
use crate::telemetry;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpListener;

/// Run the server until it is told to stop.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Address and port to listen on, in place of the setting server.listen.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    config: ConfigArgument,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let (mut settings, paths) = arguments.config.load()?;
    if let Some(listen) = arguments.listen {
        settings.server.listen = listen;
    }
    telemetry::init_logging(&settings.telemetry)?;
    let lifecycle = Lifecycle::new(Duration::from_secs(u64::from(settings.server.shutdown_timeout_s)));
    let metrics = telemetry::init_metrics(&lifecycle)?;
    // First of all, so that a port that is taken is told at once and not after the models are loaded.
    let listener = bind(settings.server.listen).await?;
    let start = Start { settings, paths, listener, metrics, lifecycle: lifecycle.clone() };
    let (result, ending) = run_until_the_end(app::run(start), &lifecycle).await?;
    result.unwrap_or(Ok(()))?;
    Ok(match ending {
        Ending::Clean => ExitCode::SUCCESS,
        Ending::Forced => ExitCode::FAILURE,
    })
}

/// Runs `app` as one of the tasks that the end of the process waits for. Its result is absent if it was dropped because
/// time ran out.
async fn run_until_the_end<T>(
    app: impl Future<Output = T>,
    lifecycle: &Lifecycle,
) -> anyhow::Result<(Option<T>, Ending)> {
    let mut counted = Some(lifecycle.tasks().token());
    let mut result = None;
    let end = lifecycle.run_to_the_end();
    tokio::pin!(app, end);
    loop {
        tokio::select! {
            returned = &mut app, if result.is_none() => {
                result = Some(returned);
                counted = None;
                // Whatever ended it, the others end with it.
                lifecycle.soft().cancel();
            }
            ending = &mut end => {
                drop(counted);
                return Ok((result, ending?));
            }
        }
    }
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let (kind, ip, port) = (error.kind(), address.ip(), address.port());
        if kind == ErrorKind::AddrInUse {
            anyhow::anyhow!(
                "port {port} is taken by another program: stop that one, or choose another by --listen {ip}:PORT"
            )
        } else if kind == ErrorKind::AddrNotAvailable {
            anyhow::anyhow!("this machine has no address {ip}")
        } else if kind == ErrorKind::PermissionDenied {
            anyhow::anyhow!("this user may not listen on port {port}: choose one from 1024 on by --listen {ip}:PORT")
        } else {
            anyhow::Error::new(error).context(format!("cannot listen on {address}"))
        }
    })
}
