//! Opus in and out, by libopus: packets to 16 kHz mono (the ears' rate) or another native rate, 20 ms frames of voice to
//! packets. Must never know of RTP or of time.

use crate::audio::frame::{EAR_RATE_HZ, FRAME_MS, VOICE_RATE_HZ};

/// Longest packet that Opus allows, ms (RFC 6716, section 2.1.4).
pub const PACKET_MS_MAX: u32 = 120;
/// Largest encoded frame, bytes (RFC 6716, section 3.4: 1,275 bytes of one frame and its head).
pub const ENCODED_BYTES_MAX: usize = 1_276;
/// Expected loss told to the encoder, percent: enough for it to put the in-band copy of the last frame into packets.
const LOSS_PERCENT: i32 = 5;

/// The codec refused.
#[derive(Debug, thiserror::Error)]
#[error("opus: {0}")]
pub struct OpusError(#[from] opus::Error);

/// How speech is encoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EncoderSettings {
    /// Rate of the samples that go in, Hz (8, 12, 16, 24 or 48 kHz).
    pub rate_hz: u32,
    /// Bits per second.
    pub bits_per_s: i32,
    /// 0 (quick) to 10 (best); 5 costs about 0.2 ms a frame.
    pub complexity: i32,
}

impl Default for EncoderSettings {
    fn default() -> Self {
        Self { rate_hz: VOICE_RATE_HZ, bits_per_s: 32_000, complexity: 5 }
    }
}

/// Encodes 20 ms mono frames.
pub struct Encoder {
    inner: opus::Encoder,
    frame_samples: usize,
}

impl Encoder {
    /// An encoder for speech, with in-band error correction on.
    pub fn new(settings: EncoderSettings) -> Result<Self, OpusError> {
        let mut inner = opus::Encoder::new(settings.rate_hz, opus::Channels::Mono, opus::Application::Voip)?;
        inner.set_bitrate(opus::Bitrate::Bits(settings.bits_per_s))?;
        inner.set_complexity(settings.complexity)?;
        inner.set_signal(opus::Signal::Voice)?;
        inner.set_inband_fec(true)?;
        inner.set_packet_loss_perc(LOSS_PERCENT)?;
        Ok(Self { inner, frame_samples: (settings.rate_hz * FRAME_MS / 1000) as usize })
    }

    /// Samples that a frame must have.
    #[must_use]
    pub fn frame_samples(&self) -> usize {
        self.frame_samples
    }

    /// Leaves out what nobody listens to who plays at `playback_hz`.
    pub fn limit_to(&mut self, playback_hz: u32) -> Result<(), OpusError> {
        let bandwidth = match playback_hz {
            ..12_000 => opus::Bandwidth::Narrowband,
            12_000..16_000 => opus::Bandwidth::Mediumband,
            16_000..24_000 => opus::Bandwidth::Wideband,
            24_000..48_000 => opus::Bandwidth::Superwideband,
            48_000.. => opus::Bandwidth::Fullband,
        };
        Ok(self.inner.set_max_bandwidth(bandwidth)?)
    }

    /// Encodes one frame of exactly [`Self::frame_samples`] into `out`; returns the packet's length.
    pub fn encode(&mut self, pcm: &[i16], out: &mut [u8; ENCODED_BYTES_MAX]) -> Result<usize, OpusError> {
        Ok(self.inner.encode(pcm, out)?)
    }
}

/// Decodes packets to mono.
pub struct Decoder {
    inner: opus::Decoder,
    rate_hz: u32,
}

impl Decoder {
    /// A decoder to [`EAR_RATE_HZ`].
    pub fn for_ears() -> Result<Self, OpusError> {
        Self::new(EAR_RATE_HZ)
    }

    /// A decoder to `rate_hz` (8, 12, 16, 24 or 48 kHz).
    pub fn new(rate_hz: u32) -> Result<Self, OpusError> {
        Ok(Self { inner: opus::Decoder::new(rate_hz, opus::Channels::Mono)?, rate_hz })
    }

    /// Room that the longest packet needs, samples.
    #[must_use]
    pub fn samples_max(&self) -> usize {
        (self.rate_hz * PACKET_MS_MAX / 1000) as usize
    }

    /// Samples that `packet` holds by its own header, or an error where it is no Opus packet.
    pub fn samples_in(&self, packet: &[u8]) -> Result<usize, OpusError> {
        Ok(self.inner.get_nb_samples(packet)?)
    }

    /// Decodes a packet into `out` (at least [`Self::samples_max`] long); returns the samples written.
    pub fn decode(&mut self, packet: &[u8], out: &mut [i16]) -> Result<usize, OpusError> {
        Ok(self.inner.decode(packet, out, false)?)
    }

    /// Fills `out`, a gap right before `next`, with the copy of the lost frame that `next` carries (concealment where it
    /// carries none). Its length must be a multiple of 2.5 ms.
    pub fn recover(&mut self, next: &[u8], out: &mut [i16]) -> Result<usize, OpusError> {
        Ok(self.inner.decode(next, out, true)?)
    }

    /// Fills `out` with the decoder's guess of what was lost. Its length must be a multiple of 2.5 ms.
    pub fn conceal(&mut self, out: &mut [i16]) -> Result<usize, OpusError> {
        Ok(self.inner.decode(&[], out, false)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate_hz: u32, samples: usize) -> Vec<i16> {
        (0..samples)
            .map(|i| ((i as f32 * 440.0 * std::f32::consts::TAU / rate_hz as f32).sin() * 12_000.0) as i16)
            .collect()
    }

    fn rms(pcm: &[i16]) -> f64 {
        (pcm.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / pcm.len() as f64).sqrt()
    }

    #[test]
    fn a_tone_survives_from_the_voice_rate_to_the_ears_rate() {
        let mut encoder = Encoder::new(EncoderSettings::default()).expect("settings are valid");
        let mut decoder = Decoder::for_ears().expect("rate is valid");
        let source = tone(VOICE_RATE_HZ, 480 * 50);
        let mut heard = Vec::new();
        for frame in source.chunks_exact(encoder.frame_samples()) {
            let mut packet = [0; ENCODED_BYTES_MAX];
            let length = encoder.encode(frame, &mut packet).expect("a whole frame");
            let mut pcm = [0; 1920];
            let samples = decoder.decode(&packet[..length], &mut pcm).expect("own packet");
            assert_eq!(samples, 320);
            heard.extend_from_slice(&pcm[..samples]);
        }
        let level = rms(&heard[3200..]) / rms(&source);
        assert!((0.9..1.1).contains(&level), "level changed by {level}");
    }

    #[test]
    fn garbage_is_an_error_and_not_a_panic() {
        let mut decoder = Decoder::for_ears().expect("rate is valid");
        let mut out = [0; 1920];
        assert!(decoder.decode(&[0xff, 0xff, 0xff, 0xff], &mut out).is_err());
        assert!(decoder.samples_in(&[]).is_err());
    }
}
