//! The machine: processor, memory, disk, directories, port.

use super::Check;
use crate::config::Settings;
use crate::embedded::Paths;
use std::ffi::CString;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a server with all local models was given, megabytes.
const MEMORY_MB_MIN: u64 = 4_000;
/// Below this the disk is full after about an hour of recordings, megabytes.
const DISK_FREE_MB_MIN: u64 = 1_000;
/// Whoever holds the port and does not answer within this is not ours.
const PORT_ANSWER_LIMIT: Duration = Duration::from_secs(2);

pub async fn checks(settings: &Settings, paths: &Paths) -> Vec<Check> {
    let mut checks = vec![processor(), memory()];
    checks.push(directory("data directory", &paths.data));
    checks.push(directory("cache directory", &paths.cache));
    checks.push(disk(&paths.data));
    checks.push(port(settings.server.listen).await);
    checks.push(way_of_the_voice(settings));
    checks
}

/// Whether the candidates that the server is for can send it their voices, which pass no reverse proxy.
fn way_of_the_voice(settings: &Settings) -> Check {
    let addresses = &settings.room.webrtc.addresses;
    let is_for_others = !settings.server.public_url.is_empty() || settings.accounts.behind_proxy;
    let shown = addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if is_for_others && settings.room.webrtc.nat_1to1_ips.is_empty() && addresses.iter().all(|ip| ip.is_loopback()) {
        let remedy = "Set room.webrtc.addresses to [\"0.0.0.0\"] or to the network card's address.";
        return Check::wanted(
            "voice",
            format!("received at {shown} alone: nobody elsewhere can be interviewed"),
            remedy,
        );
    }
    Check::ok("voice", format!("received at {shown}"))
}

fn processor() -> Check {
    let flags = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let has = |flag: &str| {
        flags.lines().any(|line| line.starts_with("flags") && line.split_whitespace().any(|word| word == flag))
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if cfg!(not(target_arch = "x86_64")) || (has("avx2") && has("fma")) {
        Check::ok("processor", format!("{cores} cores, AVX2"))
    } else {
        let remedy =
            "Use an x86-64 processor of 2015 or later; in a virtual machine, pass the host's processor through.";
        Check::missing("processor", "no AVX2, which the local models need", remedy)
    }
}

fn memory() -> Check {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    match total.map(|kb| kb / 1_000) {
        Some(mb) if mb < MEMORY_MB_MIN => {
            let remedy =
                "Set providers.llm to \"none\" (the authored wording is then spoken), or give the machine more.";
            Check::wanted("memory", format!("{mb} MB, while all local models together want {MEMORY_MB_MIN}"), remedy)
        }
        Some(mb) => Check::ok("memory", format!("{mb} MB")),
        None => Check::ok("memory", "not told by this system"),
    }
}

fn directory(name: &str, path: &Path) -> Check {
    let nearest = path.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("/"));
    let may_write = access(nearest);
    let shown = path.display();
    match (path.is_dir(), may_write) {
        (true, true) => Check::ok(name, format!("{shown}")),
        (false, true) => Check::ok(name, format!("{shown} (made when it is first needed)")),
        (_, false) => {
            let remedy = "Give this user the right to write there, or set VIVAVOCE_HOME to another directory.";
            Check::missing(name, format!("{} is not writable", nearest.display()), remedy)
        }
    }
}

fn access(path: &Path) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    // SAFETY: a NUL-terminated path that lives through the call, which keeps nothing of it.
    unsafe { libc::access(path.as_ptr(), libc::W_OK | libc::X_OK) == 0 }
}

fn disk(path: &Path) -> Check {
    let nearest = path.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("/"));
    match free_mb(nearest) {
        Some(mb) if mb < DISK_FREE_MB_MIN => {
            let found = format!("{mb} MB free for {}", path.display());
            Check::wanted(
                "disk",
                found,
                "Make room, or set VIVAVOCE_HOME to a larger disk; recordings stop when it is full.",
            )
        }
        Some(mb) => Check::ok("disk", format!("{mb} MB free")),
        None => Check::ok("disk", "not told by this system"),
    }
}

fn free_mb(path: &Path) -> Option<u64> {
    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    // SAFETY: all-zero bytes are a valid statvfs, a plain C struct of integers.
    let mut stat: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: a NUL-terminated path and a struct of the right type, both alive through the call.
    let result = unsafe { libc::statvfs(path.as_ptr(), &raw mut stat) };
    (result == 0).then(|| stat.f_bavail.saturating_mul(stat.f_frsize) / 1_000_000)
}

async fn port(address: SocketAddr) -> Check {
    match TcpListener::bind(address).await {
        Ok(_) => Check::ok("port", format!("{address} is free")),
        Err(_) if is_ours(address).await => Check::ok("port", format!("a Vivavoce server answers at {address}")),
        Err(error) => Check::missing(
            "port",
            format!("{address}: {error}"),
            "Stop the program that holds it, or choose another by --listen or server.listen.",
        ),
    }
}

async fn is_ours(address: SocketAddr) -> bool {
    let asked = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        let request = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = Vec::new();
        stream.take(4_096).read_to_end(&mut answer).await.ok()?;
        Some(String::from_utf8_lossy(&answer).contains("\"status\":\"ok\""))
    };
    tokio::time::timeout(PORT_ANSWER_LIMIT, asked).await.ok().flatten().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn a_server_for_others_that_hears_nobody_else_is_noticed() {
        let state = |settings: &str| way_of_the_voice(&Settings::defaults_with(settings).expect("settings")).state;
        let public = "[server]\npublic_url = \"https://talks.example.com\"\n";
        let loopback = "[room.webrtc]\naddresses = [\"127.0.0.1\"]\n";
        assert_eq!(state(&format!("{public}{loopback}")), State::Wanted);
        assert_eq!([state(""), state(public), state(loopback)], [State::Ok; 3]);
    }
}
