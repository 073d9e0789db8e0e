//! Where the tests run: in a process apart and a network namespace of their own with one card besides the loopback (the
//! native client uses no media over a loopback card), or in the machine's own network if it has a card. Must never move a
//! process with other tests in it: the `webrtc` crate keeps threads for the whole process, in the network of whoever came
//! first, and would leave the others' sockets there.

use crate::support::apart::{apart_as, name_of};
use crate::support::skip;
use std::fs;
use std::process::{Command, Stdio};
use vivavoce::embedded::models::{ModelFiles, ModelPlaces};

/// Runs `test`, the body of a test function, in a process and a network of its own, on a runtime of its own. Says so
/// loudly where it cannot be run.
pub fn alone<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send + 'static) {
    apart_as(&name_of(&test), || in_a_network_of_its_own(test));
}

fn in_a_network_of_its_own<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send + 'static) {
    let places = ModelPlaces::from_env(|name| std::env::var(name).ok()).expect("a home");
    let own_library = std::env::var_os("VIVAVOCE_DAILY_LIB").is_some_and(|path| !path.is_empty());
    if !own_library && let Err(why) = ModelFiles::new(places).verified("daily-core") {
        skip(&format!("Daily rooms, without Daily's client library (scripts/setup --daily fetches it): {why}"));
        return;
    }
    // A thread that has moved to another network takes along whatever it starts: the runtime's threads, the processes.
    let run = std::thread::spawn(move || {
        if !enter() && !has_card() {
            skip("Daily rooms: the native client needs a network card besides the loopback, and here is none");
            return;
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("a runtime");
        runtime.block_on(test());
        runtime.shutdown_background();
    });
    if let Err(panic) = run.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Moves this thread to a network of its own, with a pair of cards that leads nowhere.
fn enter() -> bool {
    // SAFETY: it takes a flag, and concerns this thread alone.
    if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
        eprintln!("no network of our own ({}): the machine's is used", std::io::Error::last_os_error());
        return false;
    }
    let made = [
        "link set lo up",
        "link add dly0 type veth peer name dly1",
        "addr add 10.77.0.1/24 dev dly0",
        "link set dly0 up",
        "link set dly1 up",
        "route add default via 10.77.0.2",
    ]
    .iter()
    .all(|arguments| {
        let run = Command::new("ip").args(arguments.split(' ')).stdin(Stdio::null()).status();
        run.is_ok_and(|status| status.success())
    });
    assert!(made, "a network of our own was begun and cannot be finished: is iproute2 installed?");
    true
}

fn has_card() -> bool {
    let cards = fs::read_dir("/sys/class/net").into_iter().flatten().flatten();
    cards.into_iter().any(|card| {
        card.file_name() != "lo"
            && fs::read_to_string(card.path().join("operstate")).is_ok_and(|state| state.trim() == "up")
    })
}
