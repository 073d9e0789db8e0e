//! Something goes away in the middle of an interview: the database, the room on the disk. The candidate is told, the
//! interview goes on to its end, and nothing of it is lost.

use super::alone;
use crate::support::server::{Rehearsal, Server, limit_files, signal};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long the database stands still, s, at least; it goes on standing still until the candidate is told, or
const AWAY_S: u64 = 10;
/// so long, s. (The session gives up after 45.)
const AWAY_S_MAX: u64 = 35;
/// Longest wait for the candidate's first answer, s.
const ANSWER_S: u64 = 300;

fn begins_to_answer(line: &str) -> bool {
    line.contains("  candidate ")
}

#[tokio::test]
async fn a_database_that_stands_still_costs_nothing_but_a_word() {
    let Some(_alone) = alone().await else { return };
    let server = Server::start(&[]).await;
    let rehearsal = Rehearsal::start(&server, &["--questions", "1"]);
    rehearsal.view.find("the candidate answers", ANSWER_S, begins_to_answer).await;
    let processes = server.home.database_processes();
    assert!(processes.len() > 3, "{processes:?}");
    let begun = Instant::now();
    processes.iter().for_each(|pid| signal(*pid, libc::SIGSTOP));
    let is_told = || rehearsal.view.all().iter().any(|line| line.contains("  notice ") && line.contains("saved"));
    let waits = |at_least_s: u64| begun.elapsed() < Duration::from_secs(at_least_s);
    while waits(AWAY_S) || !is_told() && waits(AWAY_S_MAX) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    processes.iter().for_each(|pid| signal(*pid, libc::SIGCONT));
    println!("away for {} ms", begun.elapsed().as_millis());
    assert!(is_told(), "the candidate was not told:\n{}", rehearsal.view.text());
    rehearsal.went_well().await;
    server.stop().await;
}

#[tokio::test]
async fn a_full_disk_ends_the_recording_and_not_the_interview() {
    let Some(_alone) = alone().await else { return };
    let server = Server::start(&[]).await;
    let rehearsal = Rehearsal::start(&server, &["--questions", "1"]);
    rehearsal.view.find("the candidate answers", ANSWER_S, begins_to_answer).await;
    let file = recording(&server);
    let bytes = std::fs::metadata(&file).expect("the recording runs").len();
    assert!(bytes > 64_000, "{bytes} bytes");
    limit_files(server.pid(), bytes);
    let view = rehearsal.view.clone();
    let result = rehearsal.went_well().await;
    println!("{result}");
    let notice = |line: &String| line.contains("  notice ") && line.to_lowercase().contains("record");
    let told = view.all().iter().any(notice);

    let report = result["report_url"].as_str().expect("an address");
    let id = report.rsplit('/').next().expect("an id");
    let path = format!("/api/v1/interviews/{id}");
    println!("told: {told}");
    let wav = server.get(&format!("{path}/recording")).await;
    let wav = hound::WavReader::new(wav.as_slice()).expect("a WAV file");
    let kept = u64::from(wav.duration()) * 4;
    assert!(kept + 3 * 64_000 > bytes, "{kept} of {bytes} bytes are kept");
    assert!(told, "nobody told the candidate that the recording has ended:\n{}", view.text());
    let transcript = server.json(&format!("{path}/transcript")).await;
    assert!(transcript["transcript"].as_array().is_some_and(|lines| lines.len() > 2), "{transcript}");
    server.stop().await;
}

/// The file that the only interview is recorded in.
fn recording(server: &Server) -> PathBuf {
    let folder = server.home.state().join("recordings");
    let mut files = std::fs::read_dir(folder).expect("recordings").flatten().map(|entry| entry.path());
    files.find(|path| path.extension().is_some_and(|ending| ending == "wav")).expect("a recording")
}
