//! Pronunciation by the program `espeak-ng`, run as a process of its own (its licence is not ours). Answers are kept,
//! because starting it costs 10 to 35 ms.

use super::TtsError;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Longest wait for an answer; usual ones take 10 to 35 ms, but its program may have to come from a disk that is busy.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Time between two looks whether it has answered: a fraction of the usual answer.
const POLL: Duration = Duration::from_millis(1);
/// Answers kept: the words of many interviews, some 100 bytes each.
const ANSWERS_MAX: usize = 4096;

/// The program, with the answers it has given.
#[derive(Debug, Default)]
pub struct Espeak {
    answers: Mutex<HashMap<String, String>>,
}

impl Espeak {
    /// American English sounds of `text` in IPA, a line for each clause.
    pub fn ipa(&self, text: &str) -> Result<String, TtsError> {
        if let Some(known) = self.answers().get(text) {
            return Ok(known.clone());
        }
        let ipa = ask(text).map_err(|why| TtsError::Run { why: format!("espeak-ng: {why}") })?;
        let mut answers = self.answers();
        if answers.len() >= ANSWERS_MAX {
            answers.clear();
        }
        answers.insert(text.to_owned(), ipa.clone());
        Ok(ipa)
    }

    fn answers(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ask(text: &str) -> Result<String, String> {
    let mut child = Command::new("espeak-ng")
        .args(["-q", "--ipa", "-v", "en-us", "--stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("{e} (is the package espeak-ng installed? scripts/setup does it)"))?;
    let answered = converse(&mut child, text);
    if answered.is_err() {
        // It may have ended by itself.
        let _ = child.kill();
        let _ = child.wait();
    }
    answered
}

fn converse(child: &mut Child, text: &str) -> Result<String, String> {
    let mut stdin = child.stdin.take().ok_or("no input")?;
    stdin.write_all(text.as_bytes()).map_err(|e| e.to_string())?;
    drop(stdin);
    let started = Instant::now();
    // Its answer to one sentence fits the pipe, so it ends without being read.
    let status = loop {
        match child.try_wait().map_err(|e| e.to_string())? {
            Some(status) => break status,
            None if started.elapsed() > ANSWER_TIMEOUT => return Err("no answer in time".into()),
            None => thread::sleep(POLL),
        }
    };
    if !status.success() {
        return Err(format!("ended with {status}"));
    }
    let mut ipa = String::new();
    let mut stdout = child.stdout.take().ok_or("no output")?;
    stdout.read_to_string(&mut ipa).map_err(|e| e.to_string())?;
    Ok(ipa.trim().to_owned())
}
