//! What was said and heard, kept as files for a person to listen to. Must never be needed by a judgement.

use super::call::CallRecord;
use super::interject::Kind;
use super::rest::Line;
use crate::audio::frame::{EAR_RATE_HZ, VOICE_RATE_HZ};
use crate::audio::resample::resample;
use serde_json::json;
use std::path::Path;

/// Why it could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    #[error(transparent)]
    Wav(#[from] hound::Error),
    #[error(transparent)]
    Audio(#[from] crate::audio::resample::ResampleError),
    #[error(transparent)]
    File(#[from] std::io::Error),
}

/// Writes `call-N.wav` (left what was said, right what was heard, 16 kHz, one time line) and `call-N.json`.
pub fn keep(
    folder: &Path,
    number: u32,
    record: &CallRecord,
    heard: &[String],
    lines: &[Line],
) -> Result<(), KeepError> {
    let said = resample(record.mouth.pcm(), VOICE_RATE_HZ, EAR_RATE_HZ)?;
    let heard_pcm = record.ear.pcm();
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: EAR_RATE_HZ,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(folder.join(format!("call-{number}.wav")), spec)?;
    for at in 0..said.len().max(heard_pcm.len()) {
        wav.write_sample(said.get(at).copied().unwrap_or(0))?;
        wav.write_sample(heard_pcm.get(at).copied().unwrap_or(0))?;
    }
    wav.finalize()?;
    let turns = record.turns.iter().map(|turn| {
        json!({
            "question": turn.question,
            "kind": turn.kind,
            "is_follow_up": turn.is_follow_up,
            "said": turn.utterances,
            "lasted_ms": turn.ended.saturating_duration_since(turn.began).as_millis(),
            "gap_ms": turn.gap.map(|gap| gap.as_millis()),
            "talked_over": turn.talked_over,
            "recovered": turn.recovered,
        })
    });
    let interjections = record.interjections.iter().map(|interjection| {
        json!({
            "said": interjection.text,
            "lasted_ms": interjection.to.saturating_duration_since(interjection.from).as_millis(),
            "wants_the_floor": interjection.kind == Kind::Words,
        })
    });
    let all = json!({
        "turns": turns.collect::<Vec<_>>(),
        "interjections": interjections.collect::<Vec<_>>(),
        "heard": heard,
        "transcript": lines,
    });
    std::fs::write(folder.join(format!("call-{number}.json")), format!("{all:#}\n"))?;
    Ok(())
}
