//! An own Postgres cluster in the state directory, reached by a unix socket alone. Whoever comes first runs it, whoever
//! comes later attaches, and takes it over when the first one is gone. It survives `kill -9` of the program, of the
//! server, of both, and of a first start cut in the middle. Must never touch a cluster that a living server uses.
//!
//! Layout of the cluster's directory: `cluster.lock` (held by the process that runs it), `data`, `data.new` (while it is
//! being made), `run` (the socket), `server.log`.

mod place;
mod programs;
mod supervisor;

use super::Paths;
use crate::store::{self, StoreError};
use place::Place;
use std::path::PathBuf;
use std::time::Duration;
use supervisor::{State, Supervisor};
use tokio::time::{Instant, sleep, timeout};

/// How long a start may take, s: a first start makes the cluster, one after a crash replays its log.
const START_LIMIT_S: u64 = 90;

/// How often a starting server is asked whether it answers, ms.
const ASK_INTERVAL_MS: u64 = 20;

/// How long the server may take to stop, s; sessions are ended, so what is left is writing its buffers.
const STOP_LIMIT_S: u64 = 30;

/// The database of the program.
const DATABASE: &str = "vivavoce";

/// How the cluster is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// What was committed survives a loss of power.
    Safe,
    /// Fast, and worthless after a loss of power: for tests.
    Tests,
}

/// Why there is no cluster.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "no Postgres server programs were found. Run scripts/setup, or install the distribution's `postgresql`, or name \
         the directory of `initdb` and `postgres` in VIVAVOCE_PG_BIN, or give a DATABASE_URL"
    )]
    NoPrograms,
    #[error(
        "the cluster in {data} was made by Postgres {cluster}, the programs found are of {programs}. Name programs of \
         Postgres {cluster} in VIVAVOCE_PG_BIN, or dump it with those and restore it into a new one"
    )]
    OtherVersion { data: PathBuf, cluster: u32, programs: String },
    #[error("the server cannot run as root, and there is no account to run it as: make one called `postgres`, or give a DATABASE_URL")]
    NoAccount,
    #[error("{path} cannot be reached by the account that runs the server, and {instead} cannot be used instead: set VIVAVOCE_HOME to a directory that everybody may enter")]
    Unreachable { path: PathBuf, instead: PathBuf },
    #[error("{path} belongs to somebody else")]
    NotOurs { path: PathBuf },
    #[error("{program} failed: {log}")]
    Program { program: &'static str, log: String },
    #[error("the server does not answer after {START_LIMIT_S} s; see {log}")]
    NoAnswer { log: PathBuf },
    #[error("processes {pids:?} still use {data} and do not end")]
    StillUsed { data: PathBuf, pids: Vec<i32> },
    #[error("the server did not stop in {STOP_LIMIT_S} s")]
    NotStopped,
    #[error("{doing}: {reason}")]
    Io { doing: String, reason: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Error {
    fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |error| Self::Io { doing, reason: error.to_string() }
    }
}

/// A cluster that this process runs, or that another one runs and this one uses.
#[derive(Debug)]
pub struct Cluster {
    place: Place,
    supervisor: Supervisor,
}

/// Starts the cluster, or attaches to it if another process runs it; returns when it answers.
///
/// # Errors
/// [`Error`].
pub async fn start(paths: &Paths, durability: Durability) -> Result<Cluster, Error> {
    let paths = paths.clone();
    let (place, programs) = tokio::task::spawn_blocking(move || {
        let place = Place::prepare(&paths)?;
        let programs = programs::find(&paths, &place)?;
        Ok::<_, Error>((place, programs))
    })
    .await
    .map_err(|error| Error::Io { doing: "prepare the cluster".into(), reason: error.to_string() })??;
    let supervisor = Supervisor::start(place.clone(), programs, durability)?;
    let mut cluster = Cluster { place, supervisor };
    cluster.wait_for_answer().await?;
    store::create_database(&cluster.url_of("postgres"), DATABASE).await?;
    cluster.supervisor.has_served();
    Ok(cluster)
}

impl Cluster {
    /// Where the program's database is.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of(DATABASE)
    }

    /// Where another database of the cluster is.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        let sockets = percent_encoded(&self.place.sockets.to_string_lossy());
        format!("postgres://{user}@localhost/{database}?host={sockets}&port={port}", user = DATABASE, port = place::PORT)
    }

    /// Makes an empty database and returns where it is; for tests.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_database(&self, name: &str) -> Result<String, Error> {
        store::create_database(&self.url_of("postgres"), name).await?;
        Ok(self.url_of(name))
    }

    /// Whether this process runs the server; otherwise another does.
    #[must_use]
    pub fn is_owner(&self) -> bool {
        match self.supervisor.state() {
            State::Owner { .. } => true,
            State::Attached | State::Failed(_) | State::Stopped => false,
        }
    }

    /// The process id of the server, if this process runs it.
    #[must_use]
    pub fn server_pid(&self) -> Option<i32> {
        match self.supervisor.state() {
            State::Owner { server } => server,
            State::Attached | State::Failed(_) | State::Stopped => None,
        }
    }

    /// The directory of the cluster.
    #[must_use]
    pub fn directory(&self) -> &std::path::Path {
        &self.place.root
    }

    /// Stops the server if this process runs it, else lets go of it.
    ///
    /// # Errors
    /// [`Error::NotStopped`].
    pub async fn stop(mut self) -> Result<(), Error> {
        self.supervisor.ask_to_stop();
        timeout(Duration::from_secs(STOP_LIMIT_S), self.supervisor.stopped()).await.map_err(|_| Error::NotStopped)
    }

    async fn wait_for_answer(&mut self) -> Result<(), Error> {
        let deadline = Instant::now() + Duration::from_secs(START_LIMIT_S);
        let url = self.url_of("postgres");
        while Instant::now() < deadline {
            if let State::Failed(error) = self.supervisor.state() {
                return Err(error);
            }
            if store::answers(&url).await.is_ok() {
                return Ok(());
            }
            sleep(Duration::from_millis(ASK_INTERVAL_MS)).await;
        }
        Err(Error::NoAnswer { log: self.place.log() })
    }
}

/// For a value in a URL's query.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => encoded.push(char::from(byte)),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::percent_encoded;

    #[test]
    fn odd_paths_survive_the_url() {
        assert_eq!(percent_encoded("/a b/ü&?c-d_1.~"), "/a%20b/%C3%BC%26%3Fc-d_1.~");
    }
}
