//! Workers that are of no use. One lives and is in the room, and its library takes no voice: played by a script that says
//! by the wire what such a worker says, since the real library cannot be made to. One has no library.

use super::fake::FakeDaily;
use super::sounds::tone;
use super::stage::{CANDIDATE, Stage, quick};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use vivavoce::room::daily::DailySettings;
use vivavoce::room::daily::wire::{Person, Tell};
use vivavoce::room::{ClosedReason, RoomEvent};

/// Frames of control, as a worker writes them.
fn frames(tells: &[Tell]) -> Vec<u8> {
    let frame = |tell: &Tell| {
        let body = serde_json::to_vec(tell).expect("JSON");
        let length = u32::try_from(body.len() + 1).expect("short");
        [&length.to_le_bytes()[..], &[0_u8][..], body.as_slice()].concat()
    };
    tells.iter().flat_map(frame).collect()
}

/// A program that is in the room at once, with the candidate, and takes no sound.
fn mute(folder: &Path) -> PathBuf {
    let candidate =
        Person { id: "p1".into(), user_id: Some(CANDIDATE.into()), name: "Candidate".into(), is_owner: false };
    let begin = [Tell::Ready { release: "played".into() }, Tell::Joined { id: "us".into() }, Tell::Present(candidate)];
    let (beginning, pulse, program) = (folder.join("beginning"), folder.join("pulse"), folder.join("mute"));
    fs::write(&beginning, frames(&begin)).expect("written");
    fs::write(&pulse, frames(&[Tell::Alive])).expect("written");
    let (beginning, pulse) = (beginning.display(), pulse.display());
    let script = format!("#!/bin/sh\ncat '{beginning}' >&0\nwhile cat '{pulse}' >&0; do sleep 1; done\n");
    executable(&program, &script);
    program
}

fn executable(program: &Path, script: &str) {
    fs::write(program, script).expect("written");
    fs::set_permissions(program, Permissions::from_mode(0o755)).expect("made executable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn daily_worker_without_a_library_ends_the_room_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let (program, real) = (folder.path().join("worker"), env!("CARGO_BIN_EXE_vivavoce"));
    executable(&program, &format!("#!/bin/sh\nVIVAVOCE_DAILY_LIB=/nowhere/daily.so exec '{real}' \"$@\"\n"));
    let settings = DailySettings { failures_max: u32::MAX, ..quick() };
    let mut stage = Stage::open_with(FakeDaily::start().await, settings, program);
    assert_eq!(stage.closed().await, ClosedReason::Lost, "another worker would have none either");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn daily_voice_that_does_not_leave_costs_the_worker() {
    let folder = tempfile::tempdir().expect("a folder");
    let fake = FakeDaily::start().await;
    // No pulse is missed and nobody is looked for: what is told is the voice.
    let never = Duration::from_secs(600);
    let settings = DailySettings {
        alive: never,
        start: never,
        presence_every: never,
        written: Duration::from_secs(1),
        failures_max: 1,
        ..quick()
    };
    let mut stage = Stage::open_with(fake, settings, mute(folder.path()));
    stage.connected().await;
    stage.say(1, tone(660.0, 4_000, 24_000)).await;
    let sent = |event: &RoomEvent| matches!(event, RoomEvent::Sent { .. });
    stage.until("the first frame is handed over", sent).await;
    stage.until("a second one is under way", sent).await;
    stage.interrupted().await;
    stage.connected().await;
    let goes_on = stage.until("it goes on with another worker", sent).await;
    let RoomEvent::Sent { offset_samples, .. } = goes_on else { unreachable!("it was asked for") };
    assert!(offset_samples <= 2 * 480, "at most what was under way is lost: {offset_samples}");
    stage.interrupted().await;
    assert_eq!(stage.closed().await, ClosedReason::Lost, "two in a row are enough here");
    stage.tasks.close();
    stage.tasks.wait().await;
}
