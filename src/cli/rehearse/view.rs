//! The live view of a rehearsal: a line on stderr for each thing that happens. Must never write to stdout, which belongs
//! to the result.

use super::call::Sight;
use super::candidate::Happening;
use super::screen::Shown;
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// Where the words of a call go.
#[derive(Debug)]
pub struct LiveView {
    began: Instant,
    /// Stands before each line where several calls are on.
    prefix: String,
    in_colour: bool,
}

impl LiveView {
    /// A view of call `number` of `of`.
    #[must_use]
    pub fn new(number: u32, of: u32) -> Self {
        let prefix = if of > 1 { format!("[{number}/{of}] ") } else { String::new() };
        Self { began: Instant::now(), prefix, in_colour: std::io::stderr().is_terminal() }
    }

    /// Something happened in the call.
    pub fn see(&self, at: Instant, sight: &Sight) {
        match sight {
            Sight::Candidate(happening) => self.happening(at, happening),
            Sight::Shown(Shown::Saying(text)) => self.line(at, "interviewer", text),
            Sight::Shown(Shown::Understood(text)) => self.line(at, "understood", text),
            Sight::Shown(Shown::Notice(text)) => self.line(at, "notice", text),
            Sight::Shown(Shown::Refused(text)) => self.line(at, "refused", text),
            Sight::Shown(Shown::Ended(reason)) => self.line(at, "ended", reason),
            Sight::Shown(Shown::State(_) | Shown::Other) => {}
        }
    }

    /// Something about the call as a whole.
    pub fn note(&self, label: &str, text: &str) {
        self.line(Instant::now(), label, text);
    }

    fn happening(&self, at: Instant, happening: &Happening) {
        match happening {
            Happening::Phase { phase, question: None } => self.line(at, phase, ""),
            Happening::Phase { phase, question: Some((number, of, id, kind)) } => {
                self.line(at, phase, &format!("question {number} of {of}, {id} ({kind})"));
            }
            Happening::Thinks { about } => self.line(at, "thinks", &seconds(*about)),
            Happening::Says { text, lasts } => self.line(at, "candidate", &format!("{text} ({})", seconds(*lasts))),
            Happening::Interjects { text, lasts } => {
                self.line(at, "interjects", &format!("{text} ({})", seconds(*lasts)));
            }
            Happening::TalkedOver { recovered: true } => {
                self.line(at, "talked over", "the interviewer fell silent again")
            }
            Happening::TalkedOver { recovered: false } => self.line(at, "TALKED OVER", "and it went on talking"),
            Happening::Replied { gap } => self.line(at, "reply after", &format!("{} ms", gap.as_millis())),
        }
    }

    fn line(&self, at: Instant, label: &str, text: &str) {
        let since = at.saturating_duration_since(self.began);
        let (minutes, rest_s) = (since.as_secs() / 60, since.as_secs_f64() % 60.0);
        let (bold, plain) = if self.in_colour { ("\u{1b}[1m", "\u{1b}[0m") } else { ("", "") };
        // Nobody who watches: nothing to do about it.
        let _ =
            writeln!(std::io::stderr(), "{}{minutes:>2}:{rest_s:04.1}  {bold}{label:<12}{plain} {text}", self.prefix);
    }
}

/// Progress of what is prepared before the call.
pub fn progress(what: &str, done: usize, all: usize) {
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        let _ = write!(stderr, "\r{what}: {done} of {all}{}", if done == all { "\n" } else { "" });
    } else if done == all {
        let _ = writeln!(stderr, "{what}: {all}");
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
