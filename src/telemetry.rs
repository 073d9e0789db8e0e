//! What the operator sees: log lines and Prometheus metrics, by name. Must never be given a candidate's words: fields
//! are ids, counts and `*_ms`.

use crate::config::{LogFormat, Telemetry};
use crate::lifecycle::Lifecycle;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use std::io::IsTerminal as _;
use std::time::Duration;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::prelude::*;

/// Names of the histograms, all in milliseconds.
pub mod histogram {
    /// Stages of one reply, each from the end of the candidate's speech; label `stage`, in the order in which they happen
    /// (`decision`, `transcript_final`, `committed`, `first_token`, `first_audio`, `first_sample_sent`), and `kind` of the
    /// question.
    pub const TURN_STAGE_MS: &str = "vivavoce_turn_stage_ms";
    /// Silence before one reply, measured when the interview is over; labels `source` (`events`: as the log has it,
    /// `waveform`: as both sides of the recording have it) and `kind` of the question. Where the two differ by more than
    /// 100 ms, the counter `vivavoce_gap_disagreements_total` rises.
    pub const TURN_GAP_MS: &str = "vivavoce_turn_gap_ms";
    /// One HTTP answer; labels `method`, `route`, `status`.
    pub const HTTP_REQUEST_MS: &str = "vivavoce_http_request_ms";

    /// How late a tick of 20 ms comes, as the rooms have them: the process is overloaded where it does.
    pub const TICK_LATE_MS: &str = "vivavoce_tick_late_ms";

    pub const ALL: [&str; 4] = [TURN_STAGE_MS, TURN_GAP_MS, HTTP_REQUEST_MS, TICK_LATE_MS];
}

/// Names of the gauges that several parts change.
pub mod gauge {
    /// Interviews in progress.
    pub const SESSIONS: &str = "vivavoce_sessions";
    /// Event streams being followed.
    pub const EVENT_STREAMS: &str = "vivavoce_event_streams";
}

/// Bounds of every latency histogram, ms: fine where a conversation's gap is judged (300 ms to 2 s), coarse elsewhere.
const BUCKETS_MS: [f64; 19] = [
    1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 200.0, 300.0, 400.0, 500.0, 700.0, 1_000.0, 1_500.0, 2_000.0, 3_000.0,
    5_000.0, 10_000.0, 30_000.0,
];

/// How often samples are folded into buckets, so that memory stays bounded when nobody reads the metrics.
const UPKEEP_PERIOD: Duration = Duration::from_secs(5);

/// Why there is no telemetry.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("telemetry.log is not a filter: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    #[error("log lines already go elsewhere: {0}")]
    AlreadySet(#[from] tracing_subscriber::util::TryInitError),
    #[error("the metrics recorder could not be installed: {0}")]
    Metrics(String),
}

/// Sends log lines to standard error. `RUST_LOG` goes over the setting, as everywhere in this language.
pub fn init_logging(settings: &Telemetry) -> Result<(), TelemetryError> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(text) if !text.is_empty() => EnvFilter::try_new(text)?,
        Ok(_) | Err(_) => EnvFilter::try_new(&settings.log)?,
    };
    let lines =
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let registry = tracing_subscriber::registry().with(filter);
    match settings.format {
        LogFormat::Text => registry.with(lines.with_target(false)).try_init()?,
        LogFormat::Json => registry.with(lines.json()).try_init()?,
    }
    Ok(())
}

/// Installs the process's recorder and keeps it small until the end of the process.
pub fn init_metrics(lifecycle: &Lifecycle) -> Result<PrometheusHandle, TelemetryError> {
    let recorder = build_recorder()?;
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|error| TelemetryError::Metrics(error.to_string()))?;
    let (folded, soft) = (handle.clone(), lifecycle.soft().clone());
    lifecycle.spawn(async move {
        let mut period = tokio::time::interval(UPKEEP_PERIOD);
        while soft.run_until_cancelled(period.tick()).await.is_some() {
            folded.run_upkeep();
        }
    });
    Ok(handle)
}

/// A recorder with our buckets that is not yet installed.
pub fn build_recorder() -> Result<PrometheusRecorder, TelemetryError> {
    let mut builder = PrometheusBuilder::new();
    for name in histogram::ALL {
        builder = builder
            .set_buckets_for_metric(Matcher::Full(name.to_owned()), &BUCKETS_MS)
            .map_err(|error| TelemetryError::Metrics(error.to_string()))?;
    }
    Ok(builder.build_recorder())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_histogram_is_told_in_our_buckets() {
        let recorder = build_recorder().expect("buckets");
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            for name in histogram::ALL {
                metrics::histogram!(name).record(450.0);
            }
        });
        let text = handle.render();
        for name in histogram::ALL {
            assert!(text.contains(&format!("{name}_bucket{{le=\"500\"}} 1")), "{name} in {text}");
            assert!(text.contains(&format!("{name}_bucket{{le=\"400\"}} 0")), "{name} in {text}");
        }
    }

    #[test]
    fn the_default_filter_is_one() {
        let settings = crate::config::Settings::defaults_with("").expect("defaults");
        EnvFilter::try_new(settings.telemetry.log).expect("a filter");
    }
}
