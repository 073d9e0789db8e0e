//! What an end leaves in the record: the recording's row. Pure.

use crate::store::{RecordingRow, RecordingState};

/// The row of a recording.
pub fn recording_row(file: &str, seconds: f64, bytes: u64, state: RecordingState) -> RecordingRow {
    RecordingRow {
        file: file.to_owned(),
        start_ms: 0,
        seconds,
        bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
        sample_rate_hz: 16_000,
        channels: 2,
        state,
    }
}
