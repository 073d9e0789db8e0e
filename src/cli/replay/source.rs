//! Where a stored interview comes from: the database and the recordings' folder, or a folder that was exported. Must
//! never write to either.

use crate::app;
use crate::config::Settings;
use crate::embedded::Paths;
use crate::id::SessionId;
use crate::session::event::SessionEvent;
use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

/// What an exported interview's log and recording are called.
const LOG: &str = "log.jsonl";
const RECORDING: &str = "recording.wav";
/// Events read at once.
const EVENTS_PAGE: u32 = 1_000;
/// Longest log, lines: a long interview has some thousands.
const LOG_LINES_MAX: usize = 200_000;

/// One event as it is exported: a line of JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Row {
    seq: i64,
    kind: String,
    payload: Value,
}

/// A stored interview.
#[derive(Debug)]
pub struct Source {
    rows: Vec<Row>,
    pub recording: Option<PathBuf>,
}

impl Source {
    /// Finds the interview that is named by its id or by a path.
    pub async fn open(name: &str, settings: &Settings, paths: &Paths) -> anyhow::Result<Self> {
        match name.parse::<uuid::Uuid>() {
            Ok(id) => Self::stored(SessionId(id), settings, paths).await,
            Err(_) => Self::exported(Path::new(name)),
        }
    }

    async fn stored(id: SessionId, settings: &Settings, paths: &Paths) -> anyhow::Result<Self> {
        let database = app::open_database(settings, paths).await?;
        let mut rows: Vec<Row> = Vec::new();
        loop {
            let after = rows.last().map_or(0, |row| row.seq);
            let page = database.store.events(id, after, EVENTS_PAGE).await?;
            if page.is_empty() {
                break;
            }
            rows.extend(page.into_iter().map(|row| Row { seq: row.seq, kind: row.kind, payload: row.payload }));
        }
        let recordings = database.store.recordings(id).await?;
        database.close().await?;
        anyhow::ensure!(!rows.is_empty(), "there is no interview {id}, or it has not begun");
        let file = recordings.first().map(|recording| paths.recordings().join(&recording.file));
        Ok(Self { rows, recording: file.filter(|file| file.is_file()) })
    }

    fn exported(path: &Path) -> anyhow::Result<Self> {
        let log = if path.is_dir() { path.join(LOG) } else { path.to_owned() };
        let file = std::fs::File::open(&log).with_context(|| format!("{} cannot be read", log.display()))?;
        let mut rows = Vec::new();
        for line in BufReader::new(file).lines().take(LOG_LINES_MAX) {
            let line = line.with_context(|| format!("{} is no text", log.display()))?;
            let row = serde_json::from_str(&line);
            rows.push(row.with_context(|| format!("line {} of {} is no event", rows.len() + 1, log.display()))?);
        }
        let recording = log.with_file_name(RECORDING);
        Ok(Self { rows, recording: recording.is_file().then_some(recording) })
    }

    /// The events that this version knows, in order.
    pub fn events(&self) -> impl Iterator<Item = SessionEvent> + '_ {
        self.rows.iter().filter_map(|row| SessionEvent::from_row(&row.kind, &row.payload))
    }

    /// Writes log and recording where [`Source::open`] finds them.
    pub fn export(&self, folder: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let mut log = BufWriter::new(std::fs::File::create(folder.join(LOG))?);
        for row in &self.rows {
            writeln!(log, "{}", serde_json::to_string(row)?)?;
        }
        log.flush()?;
        if let Some(recording) = &self.recording {
            std::fs::copy(recording, folder.join(RECORDING))?;
        }
        Ok(())
    }
}
