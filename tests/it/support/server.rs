//! The real program as processes: a server with state of its own and the models of this machine, and a rehearsal against
//! it. What they write to standard error is gathered. Must never touch another server's state or processes.

use super::db;
use serde_json::Value;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use vivavoce::embedded::Paths;

/// Longest wait for a server that starts or stops: a first start makes a cluster and loads models on a loaded machine.
const START_S: u64 = 180;
/// Longest wait for a rehearsal of a few questions with its report.
const REHEARSAL_S: u64 = 900;
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// Lines that a process wrote so far.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    lines: Arc<Mutex<Vec<String>>>,
}

impl Lines {
    /// Gathers everything that `source` gives, in a thread of its own; ends with the source.
    fn gather(source: impl Read + Send + 'static) -> (Self, JoinHandle<()>) {
        let lines = Self::default();
        let to = lines.clone();
        let thread = std::thread::spawn(move || {
            for line in BufReader::new(source).lines().map_while(Result::ok) {
                to.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        (lines, thread)
    }

    pub fn all(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn text(&self) -> String {
        self.all().join("\n")
    }

    /// The first line for which `is` holds, now or later.
    pub async fn find(&self, what: &str, within_s: u64, is: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            if let Some(line) = self.all().into_iter().find(|line| is(line)) {
                return line;
            }
            assert!(begun.elapsed() < Duration::from_secs(within_s), "{what}: not in {within_s} s:\n{}", self.text());
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// A directory for the state of one server, and where its downloads are.
#[derive(Clone, Debug)]
pub struct Home {
    pub directory: PathBuf,
    cache: PathBuf,
}

impl Home {
    /// With the downloads of this machine.
    pub fn fresh() -> Self {
        let directory = db::directory();
        let state = directory.join("vivavoce");
        fs::create_dir(&state).expect("made");
        fs::set_permissions(&state, Permissions::from_mode(0o711)).expect("opened");
        // So that a later run of the tests finds it, and removes it when nobody uses it.
        symlink("vivavoce", directory.join("data")).expect("linked");
        let cache = machine_cache();
        let cache = if cache.ends_with("vivavoce") {
            cache.parent().expect("it has a name").to_owned()
        } else {
            let own = directory.join("cache");
            fs::create_dir(&own).expect("made");
            symlink(cache, own.join("vivavoce")).expect("linked");
            own
        };
        Self { directory, cache }
    }

    /// With models of its own, to be damaged: links to those of this machine. Gives back where they are.
    pub fn with_own_models() -> (Self, PathBuf) {
        let home = Self::fresh();
        let (machine, own) = (machine_cache(), home.directory.join("own-cache"));
        let models = own.join("vivavoce/models");
        fs::create_dir_all(&models).expect("made");
        for name in ["onnxruntime", "pg"].into_iter().filter(|name| machine.join(name).exists()) {
            symlink(machine.join(name), own.join("vivavoce").join(name)).expect("linked");
        }
        let all = Paths::from_environment().expect("a home").models;
        for model in fs::read_dir(all).expect("models").flatten() {
            symlink(model.path(), models.join(model.file_name())).expect("linked");
        }
        (Self { cache: own, ..home }, models)
    }

    pub fn state(&self) -> PathBuf {
        self.directory.join("vivavoce")
    }

    /// The cluster's directory: the state directory's, or what stands in for it.
    pub fn cluster(&self) -> PathBuf {
        let elsewhere = fs::read_to_string(self.state().join("cluster-is-in"));
        elsewhere.map_or_else(|_| self.state().join("pg"), |path| PathBuf::from(path.trim()))
    }

    /// The program, with this state and nothing of the tester's own settings.
    pub fn program(&self, arguments: &[&str]) -> Command {
        const KEPT: [&str; 2] = ["VIVAVOCE_ORT_LIB", "VIVAVOCE_PG_BIN"];
        let mut command = Command::new(env!("CARGO_BIN_EXE_vivavoce"));
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("VIVAVOCE_") && !KEPT.contains(&text.as_ref()) {
                command.env_remove(&name);
            }
        }
        let machine = Paths::from_environment().expect("a home");
        if self.cache != self.directory.join("own-cache") && machine.models != machine.cache.join("models") {
            command.env("VIVAVOCE_MODELS_DIR", machine.models);
        }
        command.env_remove("DATABASE_URL").env_remove("RUST_LOG");
        command.env("XDG_DATA_HOME", &self.directory).env("XDG_CACHE_HOME", &self.cache);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a server that is expected to give up; how it ended, and what it said.
    pub async fn refused(&self, arguments: &[&str]) -> (ExitStatus, String) {
        let mut process = self.program(arguments).spawn().expect("the program starts");
        let (log, gathering) = Lines::gather(process.stderr.take().expect("piped"));
        let status = ended(&mut process, START_S).await;
        if status.is_none() {
            process.kill().expect("it can be killed");
        }
        gathering.join().expect("no panic");
        (status.unwrap_or_else(|| panic!("it goes on:\n{}", log.text())), log.text())
    }

    /// Processes that work in the cluster's directory.
    pub fn database_processes(&self) -> Vec<i32> {
        let Ok(cluster) = fs::canonicalize(self.cluster()) else { return Vec::new() };
        let processes = fs::read_dir("/proc").expect("processes").flatten();
        let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        let works_there =
            |pid: &i32| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(&cluster));
        numbers.filter(works_there).collect()
    }
}

/// A server that runs.
#[derive(Debug)]
pub struct Server {
    pub home: Home,
    /// Such as `127.0.0.1:41234`.
    pub address: String,
    pub log: Lines,
    process: Child,
}

impl Server {
    /// A server with fresh state; `settings` are environment variables.
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        Self::start_in(Home::fresh(), "127.0.0.1:0", settings).await
    }

    /// A server with the state in `home`, which may be there from before.
    pub async fn start_in(home: Home, listen: &str, settings: &[(&str, &str)]) -> Self {
        let mut command = home.program(&["serve", "--listen", listen]);
        command.envs(settings.iter().copied());
        // SAFETY: the closure runs between fork and exec and only makes a system call that is safe there. A write past a
        // file limit then fails as one on a full disk does, and does not end the process.
        unsafe {
            command.pre_exec(|| {
                libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
                Ok(())
            });
        }
        let mut process = command.stdout(Stdio::null()).spawn().expect("the program starts");
        let (log, _) = Lines::gather(process.stderr.take().expect("piped"));
        let mut server = Self { home, address: String::new(), log, process };
        let is_ready = |line: &str| line.contains(" ready ") && line.contains("address=");
        let begun = Instant::now();
        let ready = loop {
            if let Some(line) = server.log.all().into_iter().find(|line| is_ready(line)) {
                break line;
            }
            let gone = server.process.try_wait().expect("ours");
            let late = begun.elapsed() > Duration::from_secs(START_S);
            assert!(gone.is_none() && !late, "the server is not ready ({gone:?}):\n{}", server.log.text());
            tokio::time::sleep(LOOK).await;
        };
        let address = ready.split("address=").nth(1).and_then(|rest| rest.split_whitespace().next());
        server.address = address.expect("an address").to_owned();
        server
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The body at a path, as somebody at this machine gets it.
    pub async fn get(&self, path: &str) -> Vec<u8> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let answer = http.get(format!("{}{path}", self.url())).send().await.expect("answered");
        assert_eq!(answer.status(), 200, "{path}");
        answer.bytes().await.expect("a body").to_vec()
    }

    pub async fn json(&self, path: &str) -> Value {
        serde_json::from_slice(&self.get(path).await).expect("JSON")
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.process.id()).expect("a process id")
    }

    /// `kill -9`, as the kernel does when memory runs out.
    pub fn kill(mut self) -> Home {
        self.process.kill().expect("it can be killed");
        self.process.wait().expect("it ends");
        self.home.clone()
    }

    /// Stops in order; checks that it ends well and leaves no database behind.
    pub async fn stop(mut self) -> Home {
        signal(self.pid(), libc::SIGTERM);
        let status = ended(&mut self.process, START_S).await;
        assert!(status.is_some_and(|status| status.success()), "{status:?}:\n{}", self.log.text());
        let left = self.home.database_processes();
        assert!(left.is_empty(), "the database goes on without its server: {left:?}");
        self.home.clone()
    }

    /// How often the log holds `words`.
    pub fn told(&self, words: &str) -> usize {
        self.log.all().iter().filter(|line| line.contains(words)).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.process.try_wait().is_ok_and(|ended| ended.is_none()) {
            if std::thread::panicking() {
                eprintln!("the server's log:\n{}", self.log.text());
            }
            // A database that was stopped in its tracks must hear that its server is gone.
            self.home.database_processes().into_iter().for_each(|pid| signal(pid, libc::SIGCONT));
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

/// A rehearsal in progress, by the program itself.
#[derive(Debug)]
pub struct Rehearsal {
    pub view: Lines,
    process: Child,
    result: Option<(JoinHandle<()>, Lines)>,
}

impl Rehearsal {
    pub fn start(server: &Server, arguments: &[&str]) -> Self {
        Self::start_at(server, &server.url(), arguments)
    }

    /// Against the server by way of another address.
    pub fn start_at(server: &Server, url: &str, arguments: &[&str]) -> Self {
        let mut command = server.home.program(&["rehearse", "--json", "--url", url]);
        let mut process = command.args(arguments).spawn().expect("the program starts");
        let (view, _) = Lines::gather(process.stderr.take().expect("piped"));
        let (result, gathering) = Lines::gather(process.stdout.take().expect("piped"));
        Self { view, process, result: Some((gathering, result)) }
    }

    /// The rehearsal's own verdict, once it is over; it must have gone well.
    pub async fn went_well(mut self) -> Value {
        let status = ended(&mut self.process, REHEARSAL_S).await;
        let view = self.view.text();
        println!("{view}");
        let (gathering, result) = self.result.take().expect("asked once");
        assert!(status.is_some_and(|status| status.success()), "the rehearsal failed ({status:?}):\n{view}");
        gathering.join().expect("no panic");
        let last = result.all().pop().expect("a line of JSON");
        let result: Value = serde_json::from_str(&last).unwrap_or_else(|_| panic!("no JSON: {last}"));
        for count in ["lost", "doubled", "misordered", "calls_failed"] {
            assert_eq!(result[count], 0, "{count} in {last}");
        }
        assert_eq!(result["talked_over"], result["recovered"], "talked over without falling silent again: {last}");
        result
    }
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends a signal.
pub fn signal(pid: i32, signal: i32) {
    // SAFETY: kill takes no pointers.
    unsafe { libc::kill(pid, signal) };
}

/// Limits the size of files that a process may write, bytes.
pub fn limit_files(pid: i32, bytes: u64) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the new limit lives through the call, the old one is not asked for.
    let limited = unsafe { libc::prlimit(pid, libc::RLIMIT_FSIZE, &raw const limit, std::ptr::null_mut()) };
    assert_eq!(limited, 0, "{}", std::io::Error::last_os_error());
}

/// How a process ended, if it does in that time.
async fn ended(process: &mut Child, within_s: u64) -> Option<ExitStatus> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(within_s) {
        if let Some(status) = process.try_wait().expect("ours") {
            return Some(status);
        }
        tokio::time::sleep(LOOK).await;
    }
    None
}

fn machine_cache() -> PathBuf {
    Paths::from_environment().expect("a home").cache
}

/// Copies a file with its last byte changed, as a bad disk leaves it.
pub fn damaged_copy(from: &Path, to: &Path) {
    let mut bytes = fs::read(from).expect("read");
    let last = bytes.last_mut().expect("not empty");
    *last ^= 1;
    fs::write(to, bytes).expect("written");
}
