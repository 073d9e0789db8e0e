//! The own Postgres on bad days: the program, the server or both are killed, a first start is cut in the middle, a second
//! process comes. What was committed is there afterwards.

use crate::support::db;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use uuid::Uuid;
use vivavoce::embedded::Paths;
use vivavoce::embedded::postgres::{self, Cluster, Durability, Error};
use vivavoce::id::UserId;
use vivavoce::store::{NewUser, Store, StoreError, UserRole};

/// Given to the child process: where its state is.
const CHILD_DIRECTORY: &str = "VIVAVOCE_IT_CHILD_DIRECTORY";

/// Longest wait for something that must happen, s.
const WAIT_S: u64 = 60;
/// First starts that are tried until one is met in its middle.
const FIRST_STARTS: usize = 5;

async fn start(directory: &Path) -> Cluster {
    start_at(&db::paths(directory)).await
}

async fn start_at(paths: &Paths) -> Cluster {
    postgres::start(paths, Durability::Safe).await.expect("the cluster starts")
}

async fn open(cluster: &Cluster) -> Store {
    Store::connect(&cluster.url(), 2).await.expect("the database answers")
}

fn user(name: &str) -> NewUser {
    NewUser {
        id: UserId::create(),
        username: name.into(),
        email: format!("{name}@example.org"),
        password_hash: "none".into(),
        full_name: String::new(),
        role: UserRole::Candidate,
    }
}

async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(WAIT_S) {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what}: not in {WAIT_S} s");
}

fn kill(pid: i32) {
    // SAFETY: kill takes no pointers.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGKILL) }, 0, "it runs");
}

/// The server's process id, as its own file states it.
fn server_of(directory: &Path) -> i32 {
    let text = fs::read_to_string(directory.join("data/pg/data/postmaster.pid")).expect("the server runs");
    text.lines().next().expect("a line").trim().parse().expect("a number")
}

/// This same program, as another process that runs the cluster until it is killed. It is its own process group, like a
/// server started by hand.
struct Other {
    process: Child,
}

impl Other {
    fn start(directory: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().expect("we run"))
            .args(["--exact", "embedded::as_another_process", "--ignored", "--nocapture"])
            .env(CHILD_DIRECTORY, directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("it starts");
        let output = process.stdout.take().expect("piped");
        let ready = BufReader::new(output).lines().map_while(Result::ok).any(|line| line.contains("READY"));
        assert!(ready, "the other process ended early");
        Self { process }
    }

    fn kill(&mut self) {
        self.process.kill().expect("it can be killed");
        self.process.wait().expect("it ends");
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
#[ignore = "is run by the other tests, as a process of its own"]
async fn as_another_process() {
    let directory = PathBuf::from(std::env::var_os(CHILD_DIRECTORY).expect("run by another test"));
    let cluster = start(&directory).await;
    let store = open(&cluster).await;
    store.create_user(&user("kept")).await.expect("stored");
    println!("READY");
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn what_was_stored_is_there_after_an_orderly_stop() {
    let directory = db::directory();
    let cluster = start(&directory).await;
    open(&cluster).await.create_user(&user("a")).await.expect("stored");
    let pid = cluster.server_pid().expect("ours");
    cluster.stop().await.expect("stops");
    assert!(!Path::new(&format!("/proc/{pid}")).exists(), "the server is gone and waited for");

    let cluster = start(&directory).await;
    open(&cluster).await.user_by_login("A@EXAMPLE.org").await.expect("still there");
    cluster.stop().await.expect("stops");
}

#[tokio::test]
async fn a_killed_server_is_started_again_and_callers_are_told_meanwhile() {
    let directory = db::directory();
    let cluster = start(&directory).await;
    let store = open(&cluster).await;
    store.create_user(&user("a")).await.expect("stored");
    let before = cluster.server_pid().expect("ours");
    kill(before);
    eventually("the database answers again", async || match store.user_by_login("a").await {
        Ok(_) => cluster.server_pid().filter(|pid| *pid != before),
        Err(StoreError::Unavailable { .. }) => None,
        Err(error) => panic!("told as something else than unavailable: {error}"),
    })
    .await;
    cluster.stop().await.expect("stops");
}

#[tokio::test]
async fn the_server_ends_with_a_killed_program_and_the_next_start_finds_everything() {
    let directory = db::directory();
    let mut other = Other::start(&directory);
    let server = server_of(&directory);
    other.kill();
    let cluster = start(&directory).await;
    assert!(cluster.is_owner());
    assert_ne!(cluster.server_pid(), Some(server));
    assert!(!Path::new(&format!("/proc/{server}/cwd")).exists(), "the first server is gone");
    open(&cluster).await.user_by_login("kept").await.expect("still there");
    cluster.stop().await.expect("stops");
}

#[tokio::test]
async fn program_and_server_killed_together_lose_nothing() {
    let directory = db::directory();
    let mut other = Other::start(&directory);
    let server = server_of(&directory);
    // The program first, or it would start the server again.
    other.process.kill().expect("it can be killed");
    kill(server);
    other.process.wait().expect("it ends");
    assert!(directory.join("data/pg/data/postmaster.pid").exists(), "the server had no time to tidy up");
    let cluster = start(&directory).await;
    open(&cluster).await.user_by_login("kept").await.expect("still there");
    cluster.stop().await.expect("stops");
}

#[tokio::test]
async fn a_second_process_attaches_and_takes_over_when_the_first_is_killed() {
    let directory = db::directory();
    let mut other = Other::start(&directory);
    let cluster = start(&directory).await;
    assert!(!cluster.is_owner(), "the first process runs the server");
    let store = open(&cluster).await;
    store.user_by_login("kept").await.expect("one database for both");
    other.kill();
    eventually("the second runs the server now", async || cluster.is_owner().then_some(())).await;
    eventually("and it answers", async || store.user_by_login("kept").await.ok()).await;
    cluster.stop().await.expect("stops");
}

#[tokio::test]
async fn two_first_starts_at_once_make_one_cluster() {
    let directory = db::directory();
    let (one, two) = tokio::join!(start(&directory), start(&directory));
    assert_ne!(one.is_owner(), two.is_owner(), "one runs it");
    open(&one).await.create_user(&user("a")).await.expect("stored");
    open(&two).await.user_by_login("a").await.expect("seen by the other");
    let (attached, owner) = if one.is_owner() { (two, one) } else { (one, two) };
    attached.stop().await.expect("lets go");
    open(&owner).await.user_by_login("a").await.expect("the server goes on");
    owner.stop().await.expect("stops");
}

#[tokio::test]
async fn a_first_start_that_was_cut_begins_anew() {
    let directory = db::directory();
    let paths = db::paths(&directory);
    // What `kill -9` in the middle of it leaves: a directory half filled, and no `data`.
    let unfinished = paths.postgres().join("data.new");
    fs::create_dir_all(unfinished.join("base/1")).expect("made");
    fs::write(unfinished.join("PG_VERSION"), "18\n").expect("written");
    let cluster = start(&directory).await;
    open(&cluster).await.create_user(&user("a")).await.expect("a whole cluster");
    assert!(!unfinished.exists());
    cluster.stop().await.expect("stops");
}

#[tokio::test]
async fn killed_in_the_middle_of_a_first_start_for_real() {
    for _ in 0..FIRST_STARTS {
        let directory = db::directory();
        let postgres = db::paths(&directory).postgres();
        let (unfinished, finished) = (postgres.join("data.new"), postgres.join("data"));
        let mut process = Command::new(std::env::current_exe().expect("we run"))
            .args(["--exact", "embedded::as_another_process", "--ignored"])
            .env(CHILD_DIRECTORY, &directory)
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
        let begun = async || (unfinished.join("base").exists() || finished.exists()).then_some(());
        eventually("it has begun to make the cluster", begun).await;
        process.kill().expect("it can be killed");
        process.wait().expect("it ends");
        // On a machine that does much else the middle may be over when it is looked for.
        if !finished.exists() {
            let cluster = start(&directory).await;
            open(&cluster).await.create_user(&user("a")).await.expect("a whole cluster");
            cluster.stop().await.expect("stops");
            return;
        }
        let cluster = start(&directory).await;
        cluster.stop().await.expect("stops");
    }
    panic!("in {FIRST_STARTS} starts the middle of none was met");
}

#[tokio::test]
async fn stale_files_that_name_a_living_stranger_do_not_stop_a_start() {
    let directory = db::directory();
    let cluster = start(&directory).await;
    let data = cluster.directory().join("data");
    cluster.stop().await.expect("stops");
    // The process id of the last server belongs to somebody else by now.
    let us = std::process::id();
    fs::write(data.join("postmaster.pid"), format!("{us}\n{}\n0\n5432\n\n\n\n", data.display())).expect("written");
    let cluster = start(&directory).await;
    open(&cluster).await.ping().await.expect("answers");
    cluster.stop().await.expect("stops");
}

#[tokio::test]
async fn a_cluster_of_another_version_is_refused_by_name() {
    let directory = db::directory();
    let cluster = start(&directory).await;
    let version = cluster.directory().join("data/PG_VERSION");
    cluster.stop().await.expect("stops");
    fs::write(&version, "9\n").expect("written");
    let refused = postgres::start(&db::paths(&directory), Durability::Safe).await;
    assert!(matches!(refused, Err(Error::OtherVersion { cluster: 9, .. })), "{refused:?}");
}

#[tokio::test]
async fn a_deep_state_directory_gets_a_short_socket_path() {
    let top = db::directory();
    let deep = top.join("d".repeat(120));
    fs::create_dir(&deep).expect("made");
    let cluster = start(&deep).await;
    open(&cluster).await.ping().await.expect("answers");
    cluster.stop().await.expect("stops");
}

#[tokio::test]
async fn state_that_the_servers_account_cannot_reach_gets_its_cluster_elsewhere() {
    let directory = db::directory();
    let paths = db::paths(&directory);
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).expect("closed");
    let cluster = start_at(&paths).await;
    let place = cluster.directory().to_owned();
    open(&cluster).await.create_user(&user("a")).await.expect("stored");
    cluster.stop().await.expect("stops");
    let cluster = start_at(&paths).await;
    assert_eq!(cluster.directory(), place, "the same cluster again");
    open(&cluster).await.user_by_login("a").await.expect("still there");
    cluster.stop().await.expect("stops");
    let we_are_root = fs::metadata("/proc/self").expect("there").uid() == 0;
    assert_eq!(place.starts_with(&directory), !we_are_root, "{place:?}");
    if we_are_root {
        fs::remove_dir_all(place.parent().expect("has one")).expect("removed");
    }
}

#[tokio::test]
async fn no_programs_is_said_with_the_remedies() {
    let directory = db::directory();
    let nowhere = directory.join(Uuid::now_v7().to_string());
    let paths = Paths { postgres_bin: Some(nowhere), ..db::paths(&directory) };
    let error = postgres::start(&paths, Durability::Safe).await.expect_err("there are none");
    let text = error.to_string();
    assert!(["scripts/setup", "VIVAVOCE_PG_BIN", "DATABASE_URL"].iter().all(|remedy| text.contains(remedy)), "{text}");
}
