//! Text out of a PDF. Files from strangers are read in a child process with little memory, little time and nothing of our
//! environment, so that a file made to harm harms nothing. Must never read a PDF in this process, nor keep one.

mod child;

pub use child::run as run_child;

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;

/// The program's own command that the child runs.
pub const CHILD_COMMAND: &str = "pdf-text";
/// Longest time for one file; the child's processor time is limited beside it.
const WALL: Duration = Duration::from_secs(15);
/// How long somebody waits for a place.
const PLACE_WAIT: Duration = Duration::from_secs(10);
/// Most text that is taken, bytes; more is no CV.
const TEXT_BYTES_MAX: u64 = 2 * 1024 * 1024;
/// A PDF says that it is one within so many bytes.
const MARK_WITHIN_BYTES: usize = 1_024;
/// Letters below which a document has no text of its own: it is a picture.
const LETTERS_MIN: usize = 20;

/// Why there is no text; in words for the person.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PdfError {
    #[error("This file is not a PDF.")]
    NotPdf,
    #[error("This PDF is damaged and cannot be read. Save it anew and try again, or paste the text.")]
    Damaged,
    #[error("This PDF is protected by a password or against copying. Save it without protection, or paste the text.")]
    Protected,
    #[error("This PDF holds pictures and no text: it was scanned. Paste the text instead.")]
    Scanned,
    #[error("Reading this PDF takes more memory or time than a CV may. Save it anew, or paste the text.")]
    TooComplex,
    #[error("Too many files are being read at the moment.")]
    Busy,
    /// Ours to mend.
    #[error("PDFs cannot be read here at the moment.")]
    Broken,
}

/// Reads PDFs, a few at once.
#[derive(Clone, Debug)]
pub struct PdfReader {
    /// This program, which is run again as the child.
    program: PathBuf,
    places: Arc<Semaphore>,
}

impl PdfReader {
    #[must_use]
    pub fn new(program: PathBuf, readers_max: usize) -> Self {
        Self { program, places: Arc::new(Semaphore::new(readers_max)) }
    }

    /// The text, with a form feed after each page.
    ///
    /// # Errors
    /// [`PdfError`], which tells the person what to do.
    pub async fn text(&self, file: &[u8]) -> Result<String, PdfError> {
        if !holds(&file[..file.len().min(MARK_WITHIN_BYTES)], b"%PDF-") {
            return Err(PdfError::NotPdf);
        }
        let place = tokio::time::timeout(PLACE_WAIT, self.places.acquire()).await;
        let _place = place.map_err(|_| PdfError::Busy)?.map_err(|_| PdfError::Busy)?;
        let child = self.spawn().map_err(|error| {
            tracing::error!(%error, "the reader of PDFs does not start");
            PdfError::Broken
        })?;
        // A child that is dropped is killed.
        let read = tokio::time::timeout(WALL, talk(child, file)).await.map_err(|_| PdfError::TooComplex)?;
        let (status, text) = read.map_err(|error| {
            tracing::error!(%error, "the reader of PDFs cannot be talked to");
            PdfError::Broken
        })?;
        judge(status, text, holds(file, b"/Encrypt"))
    }

    fn spawn(&self) -> std::io::Result<Child> {
        Command::new(&self.program)
            .arg(CHILD_COMMAND)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
    }
}

/// Gives the child the file and takes its text, both at once: a full pipe stops neither.
async fn talk(mut child: Child, file: &[u8]) -> std::io::Result<(ExitStatus, Vec<u8>)> {
    let stdin = child.stdin.take();
    let stdout = child.stdout.take();
    let give = async {
        if let Some(mut stdin) = stdin {
            // A child that has seen enough closes its end; what it answers tells why.
            let _ = stdin.write_all(file).await;
        }
    };
    let take = async {
        let mut text = Vec::new();
        if let Some(stdout) = stdout {
            stdout.take(TEXT_BYTES_MAX).read_to_end(&mut text).await?;
        }
        Ok::<_, std::io::Error>(text)
    };
    let ((), text) = tokio::join!(give, take);
    Ok((child.wait().await?, text?))
}

fn judge(status: ExitStatus, text: Vec<u8>, is_encrypted: bool) -> Result<String, PdfError> {
    let is_cut = text.len() as u64 == TEXT_BYTES_MAX;
    match status.code() {
        _ if is_cut => Err(PdfError::TooComplex),
        Some(child::READ) => {
            let text = String::from_utf8_lossy(&text).into_owned();
            let letters = text.chars().filter(|c| c.is_alphanumeric()).count();
            if letters >= LETTERS_MIN { Ok(text) } else { Err(PdfError::Scanned) }
        }
        Some(child::NOT_STARTED) => Err(PdfError::Broken),
        Some(child::FORBIDDEN) => Err(PdfError::Protected),
        Some(_) if is_encrypted => Err(PdfError::Protected),
        Some(_) => Err(PdfError::Damaged),
        // Ended by a signal: out of memory or of processor time.
        None => Err(PdfError::TooComplex),
    }
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
