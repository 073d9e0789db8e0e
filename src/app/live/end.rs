//! What an end leaves in the record: the status, and the recording's row. Pure.

use crate::interview::EndReason;
use crate::store::{RecordingRow, RecordingState, SessionStatus};

/// The status that an end leaves.
pub fn status_after(reason: EndReason) -> SessionStatus {
    match reason {
        EndReason::Completed | EndReason::CandidateEnded | EndReason::TimeUp => SessionStatus::Completed,
        EndReason::Idle | EndReason::Left => SessionStatus::Abandoned,
        EndReason::Cancelled => SessionStatus::Cancelled,
        EndReason::Shutdown | EndReason::Failed => SessionStatus::Failed,
    }
}

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
