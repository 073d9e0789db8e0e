//! `vivavoce daily-worker`: the process that holds one call in a Daily room for a session, which starts it and talks to it
//! over standard input (a Unix socket). By hand only `--probe` makes sense. Must never print what is said in a call.

use crate::embedded::{Paths, daily};
use crate::room::daily::{native, worker};
use anyhow::Context as _;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

/// The worker's niceness; below 0 is for privileged accounts alone.
const CALL_NICE: i32 = -10;

/// One call in a Daily room; started by the server.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only load Daily's library, say what was found, and end.
    #[arg(long)]
    probe: bool,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    one_heap();
    be_quick();
    let library = daily::library(&Paths::from_environment()?.cache);
    // Of the program's start.
    native::give_back();
    if arguments.probe {
        let functions = native::load(&library?)?;
        println!("daily-python {}: loaded, {functions} functions found", native::RELEASE);
        end(0);
    }
    let socket = std::io::stdin().as_fd().try_clone_to_owned().context("standard input")?;
    let socket = UnixStream::from(socket);
    let served = match library {
        Ok(library) => worker::run(socket, &library).await,
        Err(error) => worker::be_unable(socket, &error.to_string()),
    };
    end(i32::from(served.is_err()));
}

/// All threads share one heap: the library has some twenty, and a heap for each would cost more memory than a call needs.
fn one_heap() {
    // SAFETY: it takes two numbers; no thread has been started yet.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
}

/// Sound goes before the server's models, where the system lets it: whoever is late by some ms when a packet comes or is to
/// go makes both ends buffer more. All threads inherit it.
fn be_quick() {
    // SAFETY: it takes three numbers.
    if unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, CALL_NICE) } != 0 {
        tracing::debug!("a call has no priority here: {}", std::io::Error::last_os_error());
    }
}

/// The process ends here: the library's own way out has been seen to hang and to crash.
fn end(code: i32) -> ! {
    // SAFETY: it takes a number and does not return; nothing is left to be flushed.
    unsafe { libc::_exit(code) }
}
