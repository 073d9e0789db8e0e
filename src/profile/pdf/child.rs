//! What the child does: limits itself, then becomes `pdftotext`, or without one reads by a library. Takes the file from
//! standard input, writes the text to standard output. Must never open a file.

use lopdf::Document;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

/// The text was written. (What `pdftotext` answers, as the others.)
pub(super) const READ: i32 = 0;
/// The file cannot be read.
const UNREADABLE: u8 = 1;
/// The file forbids it.
pub(super) const FORBIDDEN: i32 = 3;
/// The child itself could not begin.
pub(super) const NOT_STARTED: i32 = 70;

/// Memory, bytes: addresses of a program that reads one file.
const MEMORY_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Processor time, s.
const CPU_S_MAX: u64 = 10;
/// Open files.
const FILES_MAX: u64 = 64;
/// Longest file that is read, bytes: above what the server takes.
const INPUT_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Pages that are read at most.
const PAGES_MAX: usize = 200;
/// Most of a page's content when unpacked, bytes.
const PAGE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Runs as the child.
#[must_use]
pub fn run() -> ExitCode {
    if limit().is_err() {
        return ExitCode::from(NOT_STARTED as u8);
    }
    // Does not come back, unless there is no such program.
    let _ = Command::new("pdftotext").args(["-q", "-enc", "UTF-8", "-layout", "-", "-"]).exec();
    ExitCode::from(read_by_library())
}

/// Sets the limits, which what it becomes inherits: no files written, no memory dumped.
fn limit() -> std::io::Result<()> {
    let limits = [
        (libc::RLIMIT_AS, MEMORY_BYTES_MAX),
        (libc::RLIMIT_CPU, CPU_S_MAX),
        (libc::RLIMIT_NOFILE, FILES_MAX),
        (libc::RLIMIT_FSIZE, 0),
        (libc::RLIMIT_CORE, 0),
    ];
    for (resource, most) in limits {
        let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
        // SAFETY: setrlimit only reads the struct that it is given, which lives until it returns.
        if unsafe { libc::setrlimit(resource, &raw const limit) } != 0 {
            return Err(std::io::Error::last_os_error());
        }
    }
    Ok(())
}

fn read_by_library() -> u8 {
    let mut file = Vec::new();
    if std::io::stdin().take(INPUT_BYTES_MAX).read_to_end(&mut file).is_err() {
        return UNREADABLE;
    }
    let Ok(document) = Document::load_mem(&file) else { return UNREADABLE };
    if document.is_encrypted() {
        return FORBIDDEN as u8;
    }
    let mut out = std::io::stdout().lock();
    for number in document.get_pages().into_keys().take(PAGES_MAX) {
        // A page that unpacks to more than any page holds is passed over.
        let text = document.extract_text_with_limit(&[number], PAGE_BYTES_MAX).unwrap_or_default();
        if write!(out, "{text}\u{c}").is_err() {
            return UNREADABLE;
        }
    }
    u8::from(out.flush().is_err())
}
