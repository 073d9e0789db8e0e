//! Silero VAD: how likely speech is, for each 32 ms. One model on one thread for all tracks, each with its own state.
//! Must never let the reader of one track hold up another track.

use super::{VAD_FRAMES_MAX, VadError, VoiceActivity, VoiceReading, VoiceStream};
use crate::audio::frame::{EAR_RATE_HZ, EarFrame, SamplePos};
use crate::onnx::OnnxRuntime;
use ort::session::Session;
use ort::value::TensorRef;
use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::thread;
use tokio::sync::mpsc;

/// Samples of one reading, as the model was trained: 32 ms.
const CHUNK_SAMPLES: usize = 512;
/// Samples of the chunk before, which the model wants in front.
const CONTEXT_SAMPLES: usize = 64;
/// Numbers in the model's state, [2, 1, 128].
const STATE_NUMBERS: usize = 256;
/// A chunk whose loudest sample is below this is silence whatever a model says, of full scale (-60 dB).
const SILENCE_PEAK: f32 = 0.001;
/// So many silent chunks the model hears all the same (128 ms), so that its state follows the end of speech.
const SILENT_CHUNKS_MIN: u32 = 4;
/// Readings that may wait for a session: 2 s, as long as its frames may wait.
const READINGS_MAX: usize = VAD_FRAMES_MAX * 20 / 32;
/// Tracks that may wait to be taken up: far more interviews than a machine can hold.
const TRACKS_MAX: usize = 64;

/// The detector; its thread ends when this and all streams are gone.
#[derive(Debug)]
pub struct Silero {
    tracks: mpsc::Sender<Track>,
}

#[derive(Debug)]
struct Track {
    frames: mpsc::Receiver<EarFrame>,
    readings: mpsc::Sender<VoiceReading>,
}

impl Silero {
    /// Loads the model and starts its thread.
    pub fn start(runtime: &OnnxRuntime, model: &Path) -> Result<Self, VadError> {
        let load = |why: String| VadError::Load { model: "Silero VAD".into(), why };
        let model = Model { session: runtime.session(model).map_err(|e| load(e.to_string()))? };
        let on_thread = tokio::runtime::Builder::new_current_thread().build().map_err(|e| load(e.to_string()))?;
        let (tracks, opened) = mpsc::channel(TRACKS_MAX);
        thread::Builder::new()
            .name("vad".into())
            .spawn(move || on_thread.block_on(tokio::task::LocalSet::new().run_until(serve(model, opened))))
            .map_err(|e| load(e.to_string()))?;
        Ok(Self { tracks })
    }
}

impl VoiceActivity for Silero {
    fn open(&self) -> VoiceStream {
        let (frames, frames_in) = mpsc::channel(VAD_FRAMES_MAX);
        let (readings_out, readings) = mpsc::channel(READINGS_MAX);
        // Without a place the stream's other ends are dropped, so that its owner sees it closed.
        if self.tracks.try_send(Track { frames: frames_in, readings: readings_out }).is_err() {
            tracing::error!(tracks_max = TRACKS_MAX, "the voice detector takes no more tracks");
        }
        VoiceStream { frames, readings }
    }

    fn is_alive(&self) -> bool {
        !self.tracks.is_closed()
    }

    fn name(&self) -> String {
        "silero-vad-6.2.3".into()
    }
}

/// Takes up tracks until no more can come, and sees the open ones to their end.
async fn serve(model: Model, mut opened: mpsc::Receiver<Track>) {
    let model = Rc::new(RefCell::new(model));
    let mut open = tokio::task::JoinSet::new();
    while let Some(track) = opened.recv().await {
        while open.try_join_next().is_some() {}
        open.spawn_local(listen(Rc::clone(&model), track));
    }
    while open.join_next().await.is_some() {}
}

/// Reads one track to its end.
async fn listen(model: Rc<RefCell<Model>>, mut track: Track) {
    let mut ear = Ear::default();
    while let Some(frame) = track.frames.recv().await {
        ear.take(&frame);
        while let Some(end) = ear.next_end() {
            let probability = if ear.skip_silence() { Ok(0.0) } else { model.borrow_mut().read(&mut ear) };
            let reading = match probability {
                Ok(probability) => VoiceReading { at: end, probability },
                Err(error) => {
                    tracing::error!(%error, "the voice detector failed; its track is closed");
                    return;
                }
            };
            // No reading is lost: a reader that is behind holds up its own track, and nobody else's.
            if track.readings.send(reading).await.is_err() {
                return;
            }
        }
    }
}

/// What is kept of one track: samples not yet read, context and state.
#[derive(Debug)]
struct Ear {
    waiting: Vec<f32>,
    /// Where the waiting samples end on the session's clock.
    end: SamplePos,
    context: [f32; CONTEXT_SAMPLES],
    state: [f32; STATE_NUMBERS],
    /// Silent chunks in a row.
    silent_chunks: u32,
}

impl Default for Ear {
    fn default() -> Self {
        Self {
            waiting: Vec::with_capacity(2 * CHUNK_SAMPLES),
            end: SamplePos::default(),
            context: [0.0; CONTEXT_SAMPLES],
            state: [0.0; STATE_NUMBERS],
            silent_chunks: 0,
        }
    }
}

impl Ear {
    fn take(&mut self, frame: &EarFrame) {
        if frame.at != self.end {
            // After a gap (a reconnect) the old samples say nothing of the new ones.
            self.waiting.clear();
        }
        self.waiting.extend(frame.pcm.iter().map(|&sample| f32::from(sample) / 32_768.0));
        self.end = frame.at.plus(frame.pcm.len() as u64);
    }

    /// Takes the next chunk, which must be whole, without the model if it is as good as digital silence and so was what
    /// came before: no model hears a voice in it, and most of a call is that.
    fn skip_silence(&mut self) -> bool {
        let chunk = &self.waiting[..CHUNK_SAMPLES];
        if chunk.iter().any(|sample| sample.abs() > SILENCE_PEAK) {
            self.silent_chunks = 0;
            return false;
        }
        self.silent_chunks = self.silent_chunks.saturating_add(1);
        if self.silent_chunks <= SILENT_CHUNKS_MIN {
            return false;
        }
        self.context.copy_from_slice(&chunk[CHUNK_SAMPLES - CONTEXT_SAMPLES..]);
        self.waiting.drain(..CHUNK_SAMPLES);
        true
    }

    /// Where the next chunk ends, if it is whole.
    fn next_end(&self) -> Option<SamplePos> {
        let after = self.waiting.len().checked_sub(CHUNK_SAMPLES)?;
        Some(SamplePos(self.end.0.saturating_sub(after as u64)))
    }
}

struct Model {
    session: Session,
}

impl Model {
    /// Reads the ear's next chunk, which must be whole.
    fn read(&mut self, ear: &mut Ear) -> Result<f32, VadError> {
        let mut input = [0.0_f32; CONTEXT_SAMPLES + CHUNK_SAMPLES];
        input[..CONTEXT_SAMPLES].copy_from_slice(&ear.context);
        input[CONTEXT_SAMPLES..].copy_from_slice(&ear.waiting[..CHUNK_SAMPLES]);
        ear.waiting.drain(..CHUNK_SAMPLES);
        ear.context.copy_from_slice(&input[CHUNK_SAMPLES..]);
        self.run(&input, &mut ear.state).map_err(|e| VadError::Run { model: "Silero VAD".into(), why: e.to_string() })
    }

    fn run(&mut self, input: &[f32], state: &mut [f32; STATE_NUMBERS]) -> ort::Result<f32> {
        let rate = [i64::from(EAR_RATE_HZ)];
        let outputs = self.session.run(ort::inputs! {
            "input" => TensorRef::from_array_view(([1_usize, input.len()], input))?,
            "state" => TensorRef::from_array_view(([2_usize, 1, 128], state.as_slice()))?,
            "sr" => TensorRef::from_array_view(((), rate.as_slice()))?,
        })?;
        let next = outputs[1].try_extract_tensor::<f32>()?.1;
        let probability = outputs[0].try_extract_tensor::<f32>()?.1.first().copied().unwrap_or(0.0);
        if next.len() == STATE_NUMBERS {
            state.copy_from_slice(next);
        }
        Ok(probability)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::frame::EAR_FRAME_SAMPLES;

    fn frame(at: u64) -> EarFrame {
        EarFrame { at: SamplePos(at), pcm: [1; EAR_FRAME_SAMPLES], concealed: false }
    }

    #[test]
    fn silence_is_skipped_once_it_lasts_and_sound_never() {
        let mut ear = Ear::default();
        let mut skipped = Vec::new();
        for n in 0..16 {
            let pcm = if n == 12 { [500; EAR_FRAME_SAMPLES] } else { [3; EAR_FRAME_SAMPLES] };
            ear.take(&EarFrame { at: SamplePos(n * 320), pcm, concealed: false });
            while ear.next_end().is_some() {
                let skips = ear.skip_silence();
                if !skips {
                    ear.waiting.drain(..CHUNK_SAMPLES);
                }
                skipped.push(skips);
            }
        }
        assert_eq!(skipped, [false, false, false, false, true, true, true, false, false, false]);
    }

    #[test]
    fn chunks_end_where_they_should_also_after_a_gap() {
        let mut ear = Ear::default();
        ear.take(&frame(0));
        assert_eq!(ear.next_end(), None);
        ear.take(&frame(320));
        assert_eq!(ear.next_end(), Some(SamplePos(512)));
        ear.waiting.drain(..CHUNK_SAMPLES);
        ear.take(&frame(640));
        ear.take(&frame(960));
        assert_eq!(ear.next_end(), Some(SamplePos(1024)));
        ear.take(&frame(16_000));
        assert_eq!(ear.next_end(), None);
        ear.take(&frame(16_320));
        assert_eq!(ear.next_end(), Some(SamplePos(16_512)));
    }
}
