//! A microphone that picks up the interviewer's voice: what was sent comes back later and softer. Must never touch what
//! the candidate says: whoever speaks into a microphone drowns what comes out of a loudspeaker.

use std::collections::VecDeque;
use vivavoce::audio::frame::{EAR_FRAME_SAMPLES, VOICE_FRAME_SAMPLES};
use vivavoce::room::RoomEvent;

/// The way from the loudspeaker to the microphone.
pub struct Echo {
    delay_samples: u64,
    gain: f32,
    /// Frames on their way, with the position at which they are heard.
    coming: VecDeque<(u64, [i16; EAR_FRAME_SAMPLES])>,
}

impl Echo {
    pub fn new((delay_ms, gain): (u64, f32)) -> Self {
        Self { delay_samples: delay_ms * 16, gain, coming: VecDeque::new() }
    }

    /// Takes up what is sent, and gives it back in what is heard.
    pub fn sounds(&mut self, event: &mut RoomEvent) {
        if let RoomEvent::Sent { at, pcm, .. } = event {
            self.coming.push_back((at.0 + self.delay_samples, self.heard(pcm)));
        } else if let RoomEvent::Heard(frame) = event
            && frame.pcm.iter().all(|sample| *sample == 0)
        {
            while self.coming.pop_front_if(|(at, _)| *at + 2 * (EAR_FRAME_SAMPLES as u64) < frame.at.0).is_some() {}
            for (at, pcm) in &self.coming {
                for (place, sample) in (*at..).zip(pcm) {
                    let slot = place.checked_sub(frame.at.0).and_then(|place| usize::try_from(place).ok());
                    if let Some(slot) = slot.and_then(|slot| frame.pcm.get_mut(slot)) {
                        *slot = *sample;
                    }
                }
            }
        }
    }

    /// 24 kHz to 16 kHz: of three samples two.
    fn heard(&self, pcm: &[i16; VOICE_FRAME_SAMPLES]) -> [i16; EAR_FRAME_SAMPLES] {
        std::array::from_fn(|at| {
            let (left, share) = (at * 3 / 2, (at % 2) as f32 / 2.0);
            let right = pcm[(left + 1).min(VOICE_FRAME_SAMPLES - 1)];
            let sample = f32::from(pcm[left]) * (1.0 - share) + f32::from(right) * share;
            (sample * self.gain) as i16
        })
    }
}
