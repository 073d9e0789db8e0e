//! Changes the rate of mono audio, by rubato's FFT resampler. Whole clips line up with their source within a sample; a
//! stream is late by a stated delay. Must never be used between the Opus rates in the call itself: Opus decodes and
//! encodes at the rate that is wanted.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler as _};

/// Chunk that clips are cut into, samples (about 40 ms at 24 kHz; sharper filters cost more delay and bring nothing here).
const CLIP_CHUNK_SAMPLES: usize = 1_024;

/// The rates cannot be brought together, or the resampler refused a chunk.
#[derive(Debug, thiserror::Error)]
pub enum ResampleError {
    #[error("cannot resample {from_hz} Hz to {to_hz} Hz: {why}")]
    Rates { from_hz: u32, to_hz: u32, why: String },
    #[error("resampling failed: {0}")]
    Chunk(String),
}

/// Resamples a whole clip; the result lines up with the source (no delay).
pub fn resample(pcm: &[i16], from_hz: u32, to_hz: u32) -> Result<Vec<i16>, ResampleError> {
    if from_hz == to_hz || pcm.is_empty() {
        return Ok(pcm.to_vec());
    }
    let floats: Vec<f32> = pcm.iter().map(|sample| to_float(*sample)).collect();
    Ok(resample_floats(&floats, from_hz, to_hz)?.into_iter().map(to_integer).collect())
}

/// As [`resample`], on floats from -1 to 1.
pub fn resample_floats(pcm: &[f32], from_hz: u32, to_hz: u32) -> Result<Vec<f32>, ResampleError> {
    if from_hz == to_hz || pcm.is_empty() {
        return Ok(pcm.to_vec());
    }
    let mut fft = open(from_hz, to_hz, CLIP_CHUNK_SAMPLES)?;
    let input = InterleavedSlice::new(pcm, 1, pcm.len()).map_err(chunk_error)?;
    let resampled = fft.process_all(&input, pcm.len(), None).map_err(chunk_error)?;
    let mut out = resampled.take_data();
    // Its length was reckoned in floats, which may round up by one.
    out.truncate((pcm.len() as u64 * u64::from(to_hz)).div_ceil(u64::from(from_hz)) as usize);
    Ok(out)
}

/// A stream of chunks of one length.
pub struct ChunkResampler {
    fft: Fft<f32>,
    input: Vec<f32>,
    output: Vec<f32>,
}

impl ChunkResampler {
    /// Takes chunks of `chunk_samples` at `from_hz`, which must come out whole at `to_hz`.
    pub fn new(from_hz: u32, to_hz: u32, chunk_samples: usize) -> Result<Self, ResampleError> {
        let fft = open(from_hz, to_hz, chunk_samples)?;
        if fft.input_frames_next() != chunk_samples {
            let why = format!("a chunk of {chunk_samples} samples does not come out whole");
            return Err(ResampleError::Rates { from_hz, to_hz, why });
        }
        let output = vec![0.0; fft.output_frames_next()];
        Ok(Self { fft, input: vec![0.0; chunk_samples], output })
    }

    /// Samples by which the output is late, at the outgoing rate.
    #[must_use]
    pub fn delay_samples(&self) -> usize {
        self.fft.output_delay()
    }

    /// Forgets the stream so far.
    pub fn reset(&mut self) {
        self.fft.reset();
    }

    /// Resamples one chunk and hands each outgoing sample to `take`.
    pub fn push(&mut self, pcm: &[i16], mut take: impl FnMut(i16)) -> Result<(), ResampleError> {
        for (to, from) in self.input.iter_mut().zip(pcm.iter().chain(std::iter::repeat(&0))) {
            *to = to_float(*from);
        }
        let (read, write) = (self.input.len(), self.output.len());
        let input = InterleavedSlice::new(&self.input[..], 1, read).map_err(chunk_error)?;
        let mut output = InterleavedSlice::new_mut(&mut self.output[..], 1, write).map_err(chunk_error)?;
        self.fft.process_into_buffer(&input, &mut output, None).map_err(chunk_error)?;
        self.output.iter().for_each(|sample| take(to_integer(*sample)));
        Ok(())
    }
}

fn open(from_hz: u32, to_hz: u32, chunk_samples: usize) -> Result<Fft<f32>, ResampleError> {
    Fft::new(from_hz as usize, to_hz as usize, chunk_samples, 1, FixedSync::Both).map_err(|why| ResampleError::Rates {
        from_hz,
        to_hz,
        why: why.to_string(),
    })
}

fn chunk_error(error: impl std::fmt::Display) -> ResampleError {
    ResampleError::Chunk(error.to_string())
}

fn to_float(sample: i16) -> f32 {
    f32::from(sample) / 32_768.0
}

fn to_integer(sample: f32) -> i16 {
    (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate_hz: u32, hz: f32, samples: usize) -> Vec<i16> {
        (0..samples)
            .map(|i| ((i as f32 * hz * std::f32::consts::TAU / rate_hz as f32).sin() * 12_000.0) as i16)
            .collect()
    }

    #[test]
    fn a_clip_keeps_its_length_in_time_and_its_samples_line_up() {
        let out = resample(&tone(22_050, 440.0, 22_050), 22_050, 24_000).expect("common rates");
        assert_eq!(out.len(), 24_000);
        let wanted = tone(24_000, 440.0, 24_000);
        let worst = (1_000..23_000).map(|i| ((i32::from(out[i]) - i32::from(wanted[i])).abs(), i)).max();
        // The filter between these rates has an odd length, so its middle lies half a sample off: 760 at this tone's
        // steepest, where a whole sample is 1,380.
        assert!(worst < Some((900, 0)), "worst difference {worst:?}");
    }

    #[test]
    fn what_lies_above_the_outgoing_band_is_taken_away() {
        let out = resample(&tone(24_000, 10_000.0, 24_000), 24_000, 16_000).expect("common rates");
        let loudest = out[1_000..15_000].iter().map(|s| s.unsigned_abs()).max();
        assert!(loudest < Some(200), "aliased at {loudest:?}");
    }

    #[test]
    fn a_stream_is_late_by_the_stated_delay() {
        let mut stream = ChunkResampler::new(24_000, 16_000, 480).expect("a frame is whole at both rates");
        let source = tone(24_000, 300.0, 480 * 20);
        let mut out = Vec::new();
        for chunk in source.chunks_exact(480) {
            stream.push(chunk, |sample| out.push(sample)).expect("a whole chunk");
        }
        assert_eq!(out.len(), 320 * 20);
        let wanted = tone(16_000, 300.0, out.len());
        let delay = stream.delay_samples();
        let worst = (1_000..5_000).map(|i| i32::from(out[i + delay] - wanted[i]).abs()).max();
        assert!(worst < Some(300), "worst difference {worst:?}");
    }
}
