//! The silences before replies, measured on the recording when an interview is over: into its log, and into the metrics.
//! Must never keep an interview from being finalised.

use crate::audio::gaps::Loudness;
use crate::id::SessionId;
use crate::interview::question::QuestionKind;
use crate::session::event::SessionEvent;
use crate::session::gaps;
use crate::store::{NewEvent, Store};
use crate::telemetry::histogram;
use std::path::{Path, PathBuf};

/// Events read at once.
const EVENTS_PAGE: u32 = 1_000;

/// What is to be added to the log, and the number of its first event.
pub struct Measured {
    pub first_seq: i64,
    pub events: Vec<NewEvent>,
}

/// Measures the gaps of an interview that is over on its `recording`. `None` where there is nothing to measure.
pub async fn measure(
    store: &Store,
    id: SessionId,
    recording: PathBuf,
    at: chrono::DateTime<chrono::Utc>,
) -> Option<Measured> {
    let (log, last_seq, last_at_ms) = log(store, id).await?;
    let replies = gaps::replies(log.iter());
    if replies.is_empty() {
        return None;
    }
    let loudness = tokio::task::spawn_blocking(move || read(&recording)).await.ok()?;
    let loudness =
        loudness.inspect_err(|why| tracing::warn!(session = %id, %why, "the gaps cannot be measured")).ok()?;
    let gaps = gaps::measure(&replies, &loudness);
    for gap in &gaps {
        let kind = gap.question.map_or("none", QuestionKind::as_str);
        let record = |source: &'static str, ms: f64| {
            metrics::histogram!(histogram::TURN_GAP_MS, "source" => source, "kind" => kind).record(ms);
        };
        record("events", gap.events_ms as f64);
        record("waveform", gap.waveform_ms.max(0) as f64);
        if gap.disagrees() {
            metrics::counter!("vivavoce_gap_disagreements_total").increment(1);
            tracing::warn!(
                session = %id, turn = %gap.turn, events_ms = gap.events_ms, waveform_ms = gap.waveform_ms,
                "events and sound disagree on a gap"
            );
        }
    }
    let (kind, payload) = SessionEvent::GapsMeasured { gaps }.to_row(last_at_ms);
    Some(Measured { first_seq: last_seq + 1, events: vec![NewEvent { kind: kind.into(), at, payload }] })
}

/// The log with the number and the position of its last event.
async fn log(store: &Store, id: SessionId) -> Option<(Vec<SessionEvent>, i64, u64)> {
    let (mut log, mut last_seq, mut last_at_ms) = (Vec::new(), 0, 0);
    loop {
        let page = store.events(id, last_seq, EVENTS_PAGE).await.ok()?;
        let Some(last) = page.last() else { return Some((log, last_seq, last_at_ms)) };
        last_seq = last.seq;
        last_at_ms = last.payload.get("at_ms").and_then(serde_json::Value::as_u64).unwrap_or(last_at_ms);
        log.extend(page.iter().filter_map(|row| SessionEvent::from_row(&row.kind, &row.payload)));
    }
}

fn read(recording: &Path) -> Result<Loudness, hound::Error> {
    let mut wav = hound::WavReader::open(recording)?;
    let rate_hz = wav.spec().sample_rate;
    let mut samples = wav.samples::<i16>().map_while(Result::ok);
    let pairs = std::iter::from_fn(|| samples.next().zip(samples.next()));
    Ok(Loudness::of(pairs, rate_hz))
}
