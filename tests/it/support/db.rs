//! A migrated database for each test, on a cluster of its own that the tests of one run share. The cluster ends with the
//! test process; its directory is removed by the next run.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tokio::sync::OnceCell;
use uuid::Uuid;
use vivavoce::embedded::Paths;
use vivavoce::embedded::postgres::{self, Cluster, Durability};
use vivavoce::store::Store;

/// How the directories of test clusters are called, so that old ones are found.
const PREFIX: &str = "vivavoce-it-";

static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();

/// A database of one test.
pub struct TestDb {
    pub store: Store,
    pub url: String,
}

impl TestDb {
    /// An empty database with the newest schema.
    pub async fn fresh() -> Self {
        let url = cluster().await.create_database(&format!("test_{}", Uuid::now_v7().simple())).await.expect("a database");
        let store = Store::connect(&url, 4).await.expect("the schema is made");
        Self { store, url }
    }
}

async fn cluster() -> &'static Cluster {
    CLUSTER
        .get_or_init(|| async {
            remove_old_clusters();
            postgres::start(&paths(&directory()), Durability::Tests).await.expect("the test cluster starts")
        })
        .await
}

/// A new directory that the server's account may enter.
pub fn directory() -> PathBuf {
    let directory = std::env::temp_dir().join(format!("{PREFIX}{}", Uuid::now_v7().simple()));
    fs::create_dir(&directory).expect("made");
    fs::set_permissions(&directory, Permissions::from_mode(0o711)).expect("opened");
    directory
}

/// The downloads of this machine, with the state in `directory`.
pub fn paths(directory: &Path) -> Paths {
    let data = directory.join("data");
    fs::create_dir_all(&data).expect("made");
    fs::set_permissions(&data, Permissions::from_mode(0o711)).expect("opened");
    Paths { data, ..Paths::from_environment().expect("a home") }
}

/// Removes what earlier runs left: those whose lock nobody holds. (What cannot be removed stays for the next run.)
fn remove_old_clusters() {
    let found = fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten();
    for entry in found.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        let lock = File::open(entry.path().join("data/pg/cluster.lock"));
        if lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
