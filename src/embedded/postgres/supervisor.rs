//! The thread that runs the server: it alone holds the cluster's lock, makes the cluster, starts the server, and starts it
//! again when it died. The kernel signals the server when this *thread* ends, so the server never outlives the program.
//! Must never remove the server's files while any process works in its directory.

use super::place::{Account, Place};
use super::programs::Programs;
use super::{Durability, Error};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tracing::{error, info, warn};

/// How often the lock, the server and the wish to stop are looked at, ms.
const LOOK_INTERVAL_MS: u64 = 50;

/// How long processes of a server that died may take to end by themselves, s, before they are told to.
const LEFTOVERS_LIMIT_S: u64 = 20;

/// How long they may take after that, s.
const LEFTOVERS_TOLD_LIMIT_S: u64 = 10;

/// How long a server may take to stop before it is told to drop everything, s.
const FAST_STOP_LIMIT_S: u64 = 20;

/// The longest pause before a server that died is started again, ms; the first is [`LOOK_INTERVAL_MS`], each one doubles.
const RESTART_PAUSE_MAX_MS: u64 = 5_000;

/// A server that ran this long did not die of its start, s: the next pause is short again.
const RUN_WELL_S: u64 = 30;

/// A log longer than this is put aside at a start, bytes.
const LOG_MAX_BYTES: u64 = 10 * 1024 * 1024;

/// How much of the log an error quotes, bytes.
const LOG_QUOTE_MAX_BYTES: u64 = 2_000;

/// Connections of the server: several processes with a pool each.
const CONNECTIONS_MAX: u32 = 60;

/// What the thread is at.
#[derive(Clone, Debug)]
pub(super) enum State {
    /// Another process runs the server.
    Attached,
    /// This process does (`server`: its process id, while it runs).
    Owner {
        server: Option<i32>,
    },
    /// The server could not be started at all.
    Failed(Error),
    Stopped,
}

/// A hold on the thread.
#[derive(Debug)]
pub(super) struct Supervisor {
    state: watch::Receiver<State>,
    wish: Arc<Wish>,
}

/// What the thread is told.
#[derive(Debug, Default)]
struct Wish {
    stop: AtomicBool,
    /// The server has answered once: from now on it is started again whenever it dies.
    served: AtomicBool,
}

impl Supervisor {
    pub(super) fn start(place: Place, programs: Programs, durability: Durability) -> Result<Self, Error> {
        let (tell, state) = watch::channel(State::Attached);
        let wish = Arc::new(Wish::default());
        let mut thread = Thread { place, programs, durability, tell, wish: wish.clone() };
        thread::Builder::new()
            .name("postgres".into())
            .spawn(move || thread.run())
            .map_err(Error::io("start a thread"))?;
        Ok(Self { state, wish })
    }

    pub(super) fn state(&self) -> State {
        self.state.borrow().clone()
    }

    pub(super) fn has_served(&self) {
        self.wish.served.store(true, Ordering::Release);
    }

    pub(super) fn ask_to_stop(&self) {
        self.wish.stop.store(true, Ordering::Release);
    }

    /// Returns when the thread has ended, and with it the server if it was ours.
    pub(super) async fn stopped(&mut self) {
        while self.state.changed().await.is_ok() {}
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.ask_to_stop();
    }
}

struct Thread {
    place: Place,
    programs: Programs,
    durability: Durability,
    tell: watch::Sender<State>,
    wish: Arc<Wish>,
}

impl Thread {
    fn run(&mut self) {
        let ended = self.own_or_attach();
        let last = match ended {
            Ok(()) => State::Stopped,
            Err(error) => State::Failed(error),
        };
        self.tell.send_replace(last);
    }

    /// Waits for the lock (its holder runs the server meanwhile), then runs the server until asked to stop.
    fn own_or_attach(&mut self) -> Result<(), Error> {
        let doing = || Error::io(format!("lock {}", self.place.lock().display()));
        let lock = OpenOptions::new().create(true).append(true).mode(0o600).open(self.place.lock()).map_err(doing())?;
        while !self.is_asked_to_stop() {
            match lock.try_lock() {
                Ok(()) => return self.keep_serving(),
                Err(TryLockError::WouldBlock) => look_again(),
                Err(TryLockError::Error(error)) => return Err(doing()(error)),
            }
        }
        Ok(())
    }

    fn keep_serving(&self) -> Result<(), Error> {
        let mut pause_ms = LOOK_INTERVAL_MS;
        while !self.is_asked_to_stop() {
            self.tell.send_replace(State::Owner { server: None });
            let begun = Instant::now();
            match self.serve_once() {
                Ok(()) => return Ok(()),
                Err(error) if !self.wish.served.load(Ordering::Acquire) => return Err(error),
                Err(error) => error!(%error, pause_ms, "the database server ended, it is started again"),
            }
            if begun.elapsed() > Duration::from_secs(RUN_WELL_S) {
                pause_ms = LOOK_INTERVAL_MS;
            }
            thread::sleep(Duration::from_millis(pause_ms));
            pause_ms = (pause_ms * 2).min(RESTART_PAUSE_MAX_MS);
        }
        Ok(())
    }

    /// Runs the server until it is asked to stop (`Ok`) or ends by itself (`Err`).
    fn serve_once(&self) -> Result<(), Error> {
        self.clear_leftovers(&self.place.unfinished())?;
        self.clear_leftovers(&self.place.data())?;
        if self.place.major().is_none() {
            self.make_cluster()?;
        }
        for stale in [self.place.data().join("postmaster.pid"), self.place.socket(), self.place.socket_lock()] {
            remove_if_there(&stale)?;
        }
        self.place.make_socket_directory()?;
        let mut server = self.spawn_server()?;
        let pid = process_id(&server);
        info!(pid, "the database server is started");
        self.tell.send_replace(State::Owner { server: Some(pid) });
        loop {
            if let Some(status) = server.try_wait().map_err(Error::io("wait for the server"))? {
                return Err(Error::Program { program: "postgres", log: format!("{status}; {}", self.end_of_log()) });
            }
            if self.is_asked_to_stop() {
                stop(&mut server)?;
                self.place.tidy();
                return Ok(());
            }
            look_again();
        }
    }

    fn is_asked_to_stop(&self) -> bool {
        self.wish.stop.load(Ordering::Acquire)
    }

    /// Waits until no process works in a directory; the dead server's own ones end by themselves, or when told to. The
    /// files of a server are only removed after this: its process id may have been given to another, and a server that
    /// nobody has waited for still seems alive to `kill(pid, 0)`, but a process that works in the directory is real.
    fn clear_leftovers(&self, directory: &Path) -> Result<(), Error> {
        let begun = Instant::now();
        let mut told = false;
        loop {
            let pids = processes_in(directory, "postgres", self.place.account);
            if pids.is_empty() {
                return Ok(());
            }
            let waited = begun.elapsed();
            if waited > Duration::from_secs(LEFTOVERS_LIMIT_S + LEFTOVERS_TOLD_LIMIT_S) || self.is_asked_to_stop() {
                return Err(Error::StillUsed { data: directory.to_owned(), pids });
            }
            if waited > Duration::from_secs(LEFTOVERS_LIMIT_S) && !told {
                warn!(?pids, "processes of a dead database server are told to end");
                pids.iter().for_each(|pid| signal(*pid, libc::SIGQUIT));
                told = true;
            }
            look_again();
        }
    }

    /// Makes the cluster aside and moves it into place, so that one cut in the middle is never mistaken for a whole one.
    fn make_cluster(&self) -> Result<(), Error> {
        let unfinished = self.place.unfinished();
        remove_unfinished(&unfinished)?;
        let mut initdb = self.command("initdb", libc::SIGKILL);
        initdb.arg("-D").arg(&unfinished).args(["-U", "vivavoce", "--auth-local=trust", "--auth-host=reject"]);
        initdb.args(["--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]);
        if self.durability == Durability::Tests {
            initdb.arg("--no-sync");
        }
        let output = initdb.output().map_err(Error::io("run initdb"))?;
        if !output.status.success() {
            let log = format!("{}; {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
            return Err(Error::Program { program: "initdb", log });
        }
        let data = self.place.data();
        let doing = || Error::io(format!("make {}", data.display()));
        fs::rename(&unfinished, &data).map_err(doing())?;
        File::open(&self.place.root).and_then(|root| root.sync_all()).map_err(doing())
    }

    fn spawn_server(&self) -> Result<Child, Error> {
        let log = self.open_log()?;
        let mut server = self.command("postgres", libc::SIGINT);
        server.arg("-D").arg(self.place.data());
        let mut settings = vec![
            "listen_addresses=".to_owned(),
            format!("unix_socket_directories=\"{}\"", self.place.sockets.to_string_lossy().replace('"', "\"\"")),
            "unix_socket_permissions=0700".to_owned(),
            format!("port={}", super::place::PORT),
            format!("max_connections={CONNECTIONS_MAX}"),
            // A refused row is not quoted: it may hold a candidate's words.
            "log_error_verbosity=terse".to_owned(),
            "log_min_error_statement=panic".to_owned(),
            "recovery_init_sync_method=syncfs".to_owned(),
        ];
        if self.durability == Durability::Tests {
            settings.extend(["fsync=off", "synchronous_commit=off", "full_page_writes=off"].map(str::to_owned));
        }
        for setting in settings {
            server.arg("-c").arg(setting);
        }
        let log_too = log.try_clone().map_err(Error::io("open the log"))?;
        server.stdout(log).stderr(log_too).spawn().map_err(Error::io("run postgres"))
    }

    /// One of the server's programs: as the server's account, in the cluster's directory, in a process group of its own
    /// (so that Ctrl-C at our terminal is not its business), signalled by the kernel when this thread ends.
    fn command(&self, program: &str, at_our_end: libc::c_int) -> Command {
        let mut command = Command::new(self.programs.directory.join(program));
        command.current_dir(&self.place.root).stdin(Stdio::null()).process_group(0);
        for name in ["PGDATA", "PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGOPTIONS", "PGPASSWORD"] {
            command.env_remove(name);
        }
        if let Some(account) = self.place.account {
            command.gid(account.gid).uid(account.uid);
        }
        let parent = std::process::id();
        // SAFETY: the closure runs between fork and exec and only makes system calls that are safe there. It runs after
        // the account was changed, which would otherwise clear the signal.
        unsafe {
            command.pre_exec(move || {
                if libc::prctl(libc::PR_SET_PDEATHSIG, at_our_end) != 0 {
                    return Err(io::Error::last_os_error());
                }
                // We may have died before that.
                if u32::try_from(libc::getppid()) != Ok(parent) {
                    return Err(io::Error::from_raw_os_error(libc::ESRCH));
                }
                Ok(())
            });
        }
        command
    }

    fn open_log(&self) -> Result<File, Error> {
        let path = self.place.log();
        if fs::metadata(&path).is_ok_and(|metadata| metadata.len() > LOG_MAX_BYTES) {
            fs::rename(&path, path.with_extension("log.old")).map_err(Error::io("put the log aside"))?;
        }
        OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(Error::io("open the log"))
    }

    fn end_of_log(&self) -> String {
        let read = || -> io::Result<String> {
            let mut file = File::open(self.place.log())?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(LOG_QUOTE_MAX_BYTES)))?;
            let mut end = Vec::new();
            file.read_to_end(&mut end)?;
            Ok(String::from_utf8_lossy(&end).trim().to_owned())
        };
        read().unwrap_or_default()
    }
}

/// Ends sessions and stops in order; if that takes too long, drops everything (the next start then replays the log).
fn stop(server: &mut Child) -> Result<(), Error> {
    let pid = process_id(server);
    let begun = Instant::now();
    signal(pid, libc::SIGINT);
    let mut told = false;
    loop {
        let ended: Option<ExitStatus> = server.try_wait().map_err(Error::io("wait for the server"))?;
        if ended.is_some() {
            return Ok(());
        }
        if begun.elapsed() > Duration::from_secs(FAST_STOP_LIMIT_S) && !told {
            warn!(pid, "the database server does not stop in order, it is told to drop everything");
            signal(pid, libc::SIGQUIT);
            told = true;
        }
        thread::sleep(Duration::from_millis(LOOK_INTERVAL_MS / 5));
    }
}

fn process_id(child: &Child) -> i32 {
    i32::try_from(child.id()).expect("the kernel's process ids are below 2^22")
}

fn signal(pid: i32, signal: libc::c_int) {
    // SAFETY: kill has no memory preconditions. That the process may have ended meanwhile is no error here.
    unsafe {
        libc::kill(pid, signal);
    }
}

/// Removes what a first start left that was cut in the middle. A program that it ran may still write there for a moment:
/// then a directory is not empty when its turn comes, or a file is gone. Anything else does not mend itself.
fn remove_unfinished(unfinished: &Path) -> Result<(), Error> {
    let begun = Instant::now();
    loop {
        let error = match fs::remove_dir_all(unfinished) {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let is_gone = error.kind() == io::ErrorKind::NotFound;
        if is_gone && fs::symlink_metadata(unfinished).is_err_and(|look| look.kind() == io::ErrorKind::NotFound) {
            return Ok(());
        }
        let is_written_to = is_gone || error.kind() == io::ErrorKind::DirectoryNotEmpty;
        if !is_written_to || begun.elapsed() > Duration::from_secs(LEFTOVERS_LIMIT_S) {
            return Err(Error::io(format!("remove {}", unfinished.display()))(error));
        }
        look_again();
    }
}

fn look_again() {
    thread::sleep(Duration::from_millis(LOOK_INTERVAL_MS));
}

fn remove_if_there(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io(format!("remove {}", path.display()))(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The living processes called `program` whose working directory it is: every process of a server works in its data
/// directory. Looked at with the eyes of the account that they run as: in a container, root may not see where the
/// processes of others work.
fn processes_in(directory: &Path, program: &str, account: Option<Account>) -> Vec<i32> {
    let _eyes = account.map(Eyes::of);
    let Ok(wanted) = fs::metadata(directory) else { return Vec::new() };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &i32| {
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim_end() == program)
        })
        .filter(|pid| {
            fs::metadata(format!("/proc/{pid}/cwd"))
                .is_ok_and(|cwd| cwd.dev() == wanted.dev() && cwd.ino() == wanted.ino())
        })
        .collect()
}

/// While it lives, this thread sees files as another account; root alone can make one.
struct Eyes {
    uid: u32,
    gid: u32,
}

impl Eyes {
    fn of(account: Account) -> Self {
        // SAFETY: both have no memory preconditions, and change this thread alone. They return what was before.
        let (gid, uid) = unsafe { (libc::setfsgid(account.gid), libc::setfsuid(account.uid)) };
        Self { uid: uid.cast_unsigned(), gid: gid.cast_unsigned() }
    }
}

impl Drop for Eyes {
    fn drop(&mut self) {
        // SAFETY: as above. The user first: it brings back the right to change the group.
        unsafe {
            libc::setfsuid(self.uid);
            libc::setfsgid(self.gid);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;

    #[test]
    fn what_is_unfinished_goes_though_it_is_still_written_to_for_a_while() {
        let directory = tempfile::tempdir().expect("a directory");
        let unfinished = directory.path().join("unfinished");
        remove_unfinished(&unfinished).expect("nothing is there, and nothing to do");
        let (written, enough) = (AtomicU32::new(0), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                while !enough.load(Ordering::Acquire) {
                    let base = unfinished.join("base");
                    if fs::create_dir_all(&base).is_ok() && fs::write(base.join("1"), "1").is_ok() {
                        written.fetch_add(1, Ordering::Release);
                    }
                }
            });
            while written.load(Ordering::Acquire) == 0 {
                thread::yield_now();
            }
            scope.spawn(|| {
                // However often its files come back meanwhile.
                let last = written.load(Ordering::Acquire) + 100;
                while written.load(Ordering::Acquire) < last {
                    thread::yield_now();
                }
                enough.store(true, Ordering::Release);
            });
            remove_unfinished(&unfinished).expect("removed at some time");
        });
        remove_unfinished(&unfinished).expect("nobody writes any more");
        assert!(!unfinished.exists());
    }

    #[test]
    fn what_no_waiting_mends_is_told_at_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("file");
        fs::write(&file, "no directory").expect("written");
        let begun = Instant::now();
        assert!(remove_unfinished(&file.join("unfinished")).is_err());
        assert!(begun.elapsed() < Duration::from_secs(LEFTOVERS_LIMIT_S), "it was not waited for");
    }

    #[test]
    fn a_process_is_seen_in_its_directory_until_it_ends() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut child = Command::new("sleep").arg("60").current_dir(directory.path()).spawn().expect("sleep runs");
        // Between fork and exec it still has our name.
        while processes_in(directory.path(), "sleep", None).is_empty() {
            assert!(child.try_wait().expect("ours").is_none(), "sleep ended early");
        }
        assert_eq!(processes_in(directory.path(), "sleep", None), [process_id(&child)]);
        assert!(processes_in(directory.path(), "postgres", None).is_empty(), "others may work there");
        signal(process_id(&child), libc::SIGKILL);
        while !processes_in(directory.path(), "sleep", None).is_empty() {
            look_again();
        }
        // Only now is it waited for: a dead process that nobody has waited for was not taken for a living one.
        child.wait().expect("it ended");
    }
}
