//! Voice by loudness alone: a gate over the noise of the room. Light enough for hundreds of calls on a core; it tells
//! sound from silence, not speech from a slammed door. Must never be slow: a frame costs a microsecond.

use super::{VAD_FRAMES_MAX, VoiceActivity, VoiceReading, VoiceStream};
use crate::audio::frame::EarFrame;
use tokio::sync::mpsc;

/// No frame below this is voice, root mean square of its samples (-44 dB): a microphone's own noise lies below.
const LEVEL_MIN: f32 = 200.0;
/// A frame is voice if it is so much louder than the noise, factor (12 dB).
const OVER_NOISE: f32 = 4.0;
/// The noise is taken to lie in here, root mean square: a room that is louder is no room to talk in.
const NOISE: (f32, f32) = (20.0, 1_500.0);
/// The noise that is expected before anything was heard (-55 dB).
const NOISE_AT_FIRST: f32 = 58.0;
/// How quickly the estimate of the noise rises, factor for each frame (1 dB a second): speech must not raise it.
const RISE: f32 = 1.0023;
/// How quickly it falls to a quieter frame, share.
const FALL: f32 = 0.2;

/// The gate of one track.
#[derive(Clone, Debug)]
pub struct EnergyGate {
    noise: f32,
}

impl Default for EnergyGate {
    fn default() -> Self {
        Self { noise: NOISE_AT_FIRST }
    }
}

impl EnergyGate {
    /// Whether the frame is louder than the room.
    pub fn is_voice(&mut self, pcm: &[i16]) -> bool {
        let level = level(pcm);
        self.noise = if level < self.noise { self.noise + (level - self.noise) * FALL } else { self.noise * RISE };
        self.noise = self.noise.clamp(NOISE.0, NOISE.1);
        level >= LEVEL_MIN.max(self.noise * OVER_NOISE)
    }

    /// The same as a reading.
    pub fn read(&mut self, frame: &EarFrame) -> VoiceReading {
        let probability = if self.is_voice(&frame.pcm) { 1.0 } else { 0.0 };
        VoiceReading { at: frame.at.plus(frame.pcm.len() as u64), probability }
    }
}

fn level(pcm: &[i16]) -> f32 {
    let power: i64 = pcm.iter().map(|sample| i64::from(*sample) * i64::from(*sample)).sum();
    (power as f32 / pcm.len().max(1) as f32).sqrt()
}

/// The detector without a model.
#[derive(Clone, Copy, Debug)]
pub struct EnergyDetector;

impl VoiceActivity for EnergyDetector {
    fn open(&self) -> VoiceStream {
        let (frames, mut frames_in) = mpsc::channel::<EarFrame>(VAD_FRAMES_MAX);
        let (readings_out, readings) = mpsc::channel(VAD_FRAMES_MAX);
        // Ends when the stream's owner drops its ends.
        tokio::spawn(async move {
            let mut gate = EnergyGate::default();
            while let Some(frame) = frames_in.recv().await {
                if readings_out.send(gate.read(&frame)).await.is_err() {
                    return;
                }
            }
        });
        VoiceStream { frames, readings }
    }

    fn name(&self) -> String {
        "energy-gate".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::frame::EAR_FRAME_SAMPLES;

    fn tone(amplitude: f32) -> [i16; EAR_FRAME_SAMPLES] {
        std::array::from_fn(|n| ((n as f32 * 0.2).sin() * amplitude) as i16)
    }

    #[test]
    fn a_voice_stays_one_for_half_a_minute_and_silence_is_none_at_once() {
        let mut gate = EnergyGate::default();
        let silence = [0; EAR_FRAME_SAMPLES];
        assert!((0..100).all(|_| !gate.is_voice(&silence)));
        assert!((0..1_500).all(|_| gate.is_voice(&tone(9_000.0))));
        assert!(!gate.is_voice(&silence));
    }

    #[test]
    fn the_noise_of_the_room_is_learnt() {
        let mut gate = EnergyGate::default();
        let fan = tone(400.0);
        assert!(gate.is_voice(&fan), "louder than any microphone's own noise");
        for _ in 0..500 {
            gate.is_voice(&fan);
        }
        assert!(!gate.is_voice(&fan), "after ten seconds it is the room");
        assert!(gate.is_voice(&tone(4_000.0)));
    }
}
