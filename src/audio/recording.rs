//! The recording: one stereo WAV a session, candidate left, interviewer right, both placed by the session's sample
//! clock, written by a thread of its own. A crash leaves a playable file, a restart goes on in it, a full disk ends the
//! recording and never the interview. Must never block whoever hands it frames.

use crate::audio::frame::{EAR_FRAME_SAMPLES, EAR_RATE_HZ, EarFrame, SamplePos, VOICE_FRAME_SAMPLES, VOICE_RATE_HZ};
use crate::audio::resample::{ChunkResampler, ResampleError};
use std::collections::VecDeque;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};

/// Frames that may wait for the disk: 10 s of both sides; past that frames are dropped and counted.
const QUEUE_FRAMES_MAX: usize = 1_000;
/// How far behind the newest frame the file is written, ms: late frames of the other side still find their place.
const BEHIND_MS: u64 = 2_000;
/// How often the header is made true, ms: what a crash may cost.
const HEADER_MS: u64 = 1_000;
/// [`BEHIND_MS`] in samples.
const BEHIND_SAMPLES: u64 = BEHIND_MS * EAR_RATE_HZ as u64 / 1000;
/// Longest jump forward that is filled with silence, samples (1 h); beyond it the frame is refused as nonsense.
const JUMP_SAMPLES_MAX: u64 = 3600 * EAR_RATE_HZ as u64;
/// Longest recording, samples (12 h; the WAV header counts bytes in 32 bits).
const LENGTH_SAMPLES_MAX: u64 = 12 * 3600 * EAR_RATE_HZ as u64;

/// Candidate's and interviewer's sample of one moment.
type Pair = [i16; 2];
const LEFT: usize = 0;
const RIGHT: usize = 1;

/// How the recording fares.
#[derive(Clone, PartialEq, Debug)]
pub enum RecordingState {
    /// Being written; this much is safe.
    Running { seconds: f64 },
    /// Ended early: nothing more is written. What was safe stays.
    Failed { seconds: f64, why: String },
    /// Ended as asked.
    Closed { seconds: f64 },
}

impl RecordingState {
    /// Seconds of the file that are safe.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        match self {
            Self::Running { seconds } | Self::Failed { seconds, .. } | Self::Closed { seconds } => *seconds,
        }
    }
}

/// Why a recording cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    #[error("recording file: {0}")]
    File(#[from] std::io::Error),
    #[error("recording file: {0}")]
    Wav(#[from] hound::Error),
    #[error(transparent)]
    Resample(#[from] ResampleError),
}

#[expect(
    clippy::large_enum_variant,
    reason = "the queue has its 650 KB from the start, and no frame costs an allocation"
)]
enum Message {
    Heard(EarFrame),
    Sent(SamplePos, Arc<[i16; VOICE_FRAME_SAMPLES]>),
    Close(oneshot::Sender<()>),
}

/// What a session holds of its recording; dropping it closes the file too.
#[derive(Debug)]
pub struct RecorderHandle {
    queue: SyncSender<Message>,
    state: watch::Receiver<RecordingState>,
    dropped_frames: Arc<AtomicU64>,
}

/// Opens recordings.
#[derive(Debug)]
pub struct Recorder;

impl Recorder {
    /// Starts the writing thread for `path`; an existing recording there is continued. What goes wrong with the file is
    /// told by [`RecorderHandle::state`]; only a thread that cannot be started is an error here.
    pub fn open(path: &Path) -> Result<RecorderHandle, RecordingError> {
        let (queue, messages) = sync_channel(QUEUE_FRAMES_MAX);
        let (state_tx, state) = watch::channel(RecordingState::Running { seconds: 0.0 });
        let path = path.to_owned();
        std::thread::Builder::new()
            .name("recording".to_owned())
            .spawn(move || write_all(&path, messages, &state_tx))?;
        Ok(RecorderHandle { queue, state, dropped_frames: Arc::default() })
    }
}

impl RecorderHandle {
    /// The candidate's frame.
    pub fn heard(&self, frame: EarFrame) {
        self.offer(Message::Heard(frame));
    }

    /// A frame of the interviewer's voice that was sent at `at`.
    pub fn sent(&self, at: SamplePos, pcm: &Arc<[i16; VOICE_FRAME_SAMPLES]>) {
        self.offer(Message::Sent(at, Arc::clone(pcm)));
    }

    /// How the recording fares, now and later.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<RecordingState> {
        self.state.clone()
    }

    /// Frames that found the queue full, or came after the recording had failed.
    #[must_use]
    pub fn dropped_frames(&self) -> u64 {
        self.dropped_frames.load(Ordering::Relaxed)
    }

    /// Writes what is left and closes the file; the seconds that it holds, or why not all of it could be written.
    pub async fn close(mut self) -> Result<f64, String> {
        let (done_tx, done) = oneshot::channel();
        let mut message = Message::Close(done_tx);
        while let Err(std::sync::mpsc::TrySendError::Full(back)) = self.queue.try_send(message) {
            message = back;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // An error here is a thread that has ended already: its last state says how.
        let _ = done.await;
        let _ = self.state.wait_for(|state| !matches!(state, RecordingState::Running { .. })).await;
        match &*self.state.borrow() {
            RecordingState::Closed { seconds } => Ok(*seconds),
            RecordingState::Failed { why, .. } => Err(why.clone()),
            RecordingState::Running { .. } => Err("the recording's thread ended without a word".to_owned()),
        }
    }

    fn offer(&self, message: Message) {
        if self.queue.try_send(message).is_err() {
            self.dropped_frames.fetch_add(1, Ordering::Relaxed);
            metrics::counter!("vivavoce_recording_dropped_frames_total").increment(1);
        }
    }
}

/// The thread: writes until it is told to close, everybody has gone, or the disk refuses.
fn write_all(path: &Path, messages: Receiver<Message>, state: &watch::Sender<RecordingState>) {
    let mut closer = None;
    let written = open_file(path).and_then(|writer| {
        let mut track = Track::new(writer)?;
        closer = track.follow(&messages, state)?;
        track.finish()
    });
    let last = match written {
        Ok(seconds) => RecordingState::Closed { seconds },
        Err(error) => RecordingState::Failed { seconds: state.borrow().seconds(), why: error.to_string() },
    };
    // Whoever reads the last state finds the queue closed.
    drop(messages);
    state.send_replace(last);
    if let Some(closer) = closer {
        let _ = closer.send(());
    }
}

type Writer = hound::WavWriter<BufWriter<std::fs::File>>;

/// Opens the file to go on at its end; one that is no recording of ours is moved aside and never overwritten.
fn open_file(path: &Path) -> Result<Writer, RecordingError> {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: EAR_RATE_HZ,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    if std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() > 0) {
        match hound::WavWriter::append(path) {
            Ok(writer) if writer.spec() == spec => return Ok(writer),
            Ok(_) | Err(_) => std::fs::rename(path, aside(path))?,
        }
    }
    let writer = hound::WavWriter::create(path, spec)?;
    Ok(writer)
}

/// A free name beside `path` for a damaged file.
fn aside(path: &Path) -> PathBuf {
    (1_u32..)
        .map(|n| path.with_extension(format!("damaged-{n}.wav")))
        .find(|candidate| !candidate.exists())
        .unwrap_or_else(|| path.with_extension("damaged.wav"))
}

/// Both sides on their way into the file.
struct Track {
    writer: Writer,
    /// Position of the first pair in `pairs`: everything before it is in the file.
    base: u64,
    pairs: VecDeque<Pair>,
    voice: VoiceSide,
}

impl Track {
    fn new(writer: Writer) -> Result<Self, RecordingError> {
        let base = u64::from(writer.duration());
        Ok(Self { writer, base, pairs: VecDeque::new(), voice: VoiceSide::new()? })
    }

    /// Takes messages in until told to close (then gives back whom to tell) or everybody has gone.
    fn follow(
        &mut self,
        messages: &Receiver<Message>,
        state: &watch::Sender<RecordingState>,
    ) -> Result<Option<oneshot::Sender<()>>, RecordingError> {
        let every = Duration::from_millis(HEADER_MS);
        let mut header_due = Instant::now() + every;
        self.writer.flush()?;
        state.send_replace(RecordingState::Running { seconds: self.seconds() });
        loop {
            match messages.recv_timeout(header_due.saturating_duration_since(Instant::now())) {
                Ok(Message::Heard(frame)) => self.place(LEFT, frame.at.0, &frame.pcm)?,
                Ok(Message::Sent(at, pcm)) => self.speak(at, &pcm)?,
                Ok(Message::Close(closer)) => return Ok(Some(closer)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
            self.write_before(self.end().saturating_sub(BEHIND_SAMPLES))?;
            if Instant::now() >= header_due {
                header_due = Instant::now() + every;
                self.writer.flush()?;
                state.send_replace(RecordingState::Running { seconds: self.seconds() });
            }
        }
    }

    fn finish(mut self) -> Result<f64, RecordingError> {
        self.end_of_voice()?;
        self.write_before(self.end())?;
        let seconds = self.seconds();
        self.writer.finalize()?;
        Ok(seconds)
    }

    /// Where the newest sample ends.
    fn end(&self) -> u64 {
        self.base + self.pairs.len() as u64
    }

    fn seconds(&self) -> f64 {
        f64::from(self.writer.duration()) / f64::from(EAR_RATE_HZ)
    }

    /// Puts samples where they belong; what lies before the written part is dropped.
    fn place(&mut self, side: usize, at: u64, pcm: &[i16]) -> Result<(), RecordingError> {
        let Some(end) = at.checked_add(pcm.len() as u64) else { return Ok(()) };
        if end > LENGTH_SAMPLES_MAX || at > self.end().saturating_add(JUMP_SAMPLES_MAX) {
            return Ok(());
        }
        if at > self.end() + BEHIND_SAMPLES {
            // A long absence goes straight into the file, so that it costs no memory.
            self.write_before(self.end())?;
            for _ in self.base..at - BEHIND_SAMPLES {
                self.write_pair([0; 2])?;
            }
        }
        if end > self.end() {
            let needed = usize::try_from(end - self.base).unwrap_or(usize::MAX);
            self.pairs.resize(needed, [0; 2]);
        }
        for (at, sample) in (at..).zip(pcm) {
            let slot = at.checked_sub(self.base).and_then(|index| usize::try_from(index).ok());
            if let Some(pair) = slot.and_then(|index| self.pairs.get_mut(index)) {
                pair[side] = *sample;
            }
        }
        Ok(())
    }

    fn speak(&mut self, at: SamplePos, pcm: &[i16; VOICE_FRAME_SAMPLES]) -> Result<(), RecordingError> {
        if self.voice.next != Some(at.0) {
            self.end_of_voice()?;
        }
        let start = self.voice.push(at.0, pcm)?;
        self.place_voice(start)
    }

    /// Puts what the resampler brought out where it belongs.
    fn place_voice(&mut self, start: u64) -> Result<(), RecordingError> {
        let samples = std::mem::take(&mut self.voice.samples);
        let placed = self.place(RIGHT, start, &samples);
        self.voice.samples = samples;
        placed
    }

    /// The voice fell silent: what the resampler still holds of it goes into the file.
    fn end_of_voice(&mut self) -> Result<(), RecordingError> {
        match self.voice.drain()? {
            Some(start) => self.place_voice(start),
            None => Ok(()),
        }
    }

    fn write_before(&mut self, until: u64) -> Result<(), RecordingError> {
        if self.voice.next.is_some_and(|next| next <= until + EAR_FRAME_SAMPLES as u64) {
            self.end_of_voice()?;
        }
        while self.base < until
            && let Some(pair) = self.pairs.pop_front()
        {
            self.write_pair(pair)?;
        }
        Ok(())
    }

    fn write_pair(&mut self, [left, right]: Pair) -> Result<(), RecordingError> {
        self.writer.write_sample(left)?;
        self.writer.write_sample(right)?;
        self.base += 1;
        Ok(())
    }
}

/// The interviewer's side: 24 kHz frames brought to 16 kHz without moving them in time.
struct VoiceSide {
    resampler: ChunkResampler,
    /// Where the next frame goes if the voice goes on without a pause; `None` between stretches of voice.
    next: Option<u64>,
    /// Samples of the resampler's delay still to be left out.
    skip_samples: usize,
    /// What came out last.
    samples: Vec<i16>,
}

impl VoiceSide {
    fn new() -> Result<Self, RecordingError> {
        let resampler = ChunkResampler::new(VOICE_RATE_HZ, EAR_RATE_HZ, VOICE_FRAME_SAMPLES)?;
        Ok(Self { skip_samples: 0, resampler, next: None, samples: Vec::with_capacity(EAR_FRAME_SAMPLES) })
    }

    /// Takes the frame at `at`; where the samples start that it brings out.
    fn push(&mut self, at: u64, pcm: &[i16]) -> Result<u64, RecordingError> {
        if self.next.is_none() {
            self.resampler.reset();
            self.skip_samples = self.resampler.delay_samples();
        }
        let skip = std::mem::take(&mut self.skip_samples);
        self.samples.clear();
        self.resampler.push(pcm, |sample| self.samples.push(sample))?;
        self.samples.drain(..skip.min(self.samples.len()));
        self.next = Some(at + EAR_FRAME_SAMPLES as u64);
        Ok(if skip > 0 { at } else { at.saturating_sub(self.resampler.delay_samples() as u64) })
    }

    /// Ends the stretch of voice; where its last samples start, if there was one.
    fn drain(&mut self) -> Result<Option<u64>, RecordingError> {
        let Some(next) = self.next.take() else { return Ok(None) };
        let delay = self.resampler.delay_samples();
        self.samples.clear();
        self.resampler.push(&[], |sample| self.samples.push(sample))?;
        self.samples.truncate(delay);
        Ok(Some(next.saturating_sub(delay as u64)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(at: u64, click: Option<usize>) -> EarFrame {
        let mut pcm = [0; EAR_FRAME_SAMPLES];
        if let Some(index) = click {
            pcm[index] = 20_000;
        }
        EarFrame { at: SamplePos(at), pcm, concealed: false }
    }

    fn read(path: &Path) -> (Vec<i16>, Vec<i16>) {
        let samples: Vec<i16> =
            hound::WavReader::open(path).expect("a wav").into_samples().map(|s| s.expect("a sample")).collect();
        samples.chunks_exact(2).map(|pair| (pair[0], pair[1])).unzip()
    }

    fn loudest(side: &[i16]) -> usize {
        (0..side.len()).max_by_key(|i| side[*i].unsigned_abs()).expect("not empty")
    }

    /// A click in the middle of the second of three frames, so that it needs its neighbours.
    fn say_click(recorder: &RecorderHandle, at: u64) {
        for n in 0..3 {
            let mut pcm = [0; VOICE_FRAME_SAMPLES];
            if n == 1 {
                pcm[240] = 20_000;
            }
            recorder.sent(SamplePos(at + n * 320), &Arc::new(pcm));
        }
    }

    #[tokio::test]
    async fn clicks_of_both_sides_stand_where_the_clock_puts_them() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("clicks.wav");
        let recorder = Recorder::open(&path).expect("a thread");
        for n in 0..250 {
            let click = (n == 100).then_some(160);
            recorder.heard(frame(n * 320, click));
            // The other side is told out of step, as in a real session.
            if n == 105 {
                say_click(&recorder, 99 * 320);
            }
            if n == 210 {
                say_click(&recorder, 200 * 320 + 7);
            }
            if n % 50 == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        assert_eq!(recorder.dropped_frames(), 0);
        let seconds = recorder.close().await.expect("written");
        assert!((seconds - 5.0).abs() < 1e-9, "{seconds} s");
        let (left, right) = read(&path);
        assert_eq!(loudest(&left), 100 * 320 + 160);
        assert_eq!(loudest(&right[..200 * 320]), 100 * 320 + 160);
        assert_eq!(200 * 320 + loudest(&right[200 * 320..]), 201 * 320 + 160 + 7);
    }

    #[tokio::test]
    async fn a_restart_goes_on_in_the_same_file_at_the_right_place() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("restart.wav");
        let first = Recorder::open(&path).expect("a thread");
        (0..50).for_each(|n| first.heard(frame(n * 320, (n == 10).then_some(0))));
        first.close().await.expect("written");
        let second = Recorder::open(&path).expect("a thread");
        // Frames of the time that is already written are dropped; two seconds nobody was there are silence.
        (40..50).for_each(|n| second.heard(frame(n * 320, Some(5))));
        (150..200).for_each(|n| second.heard(frame(n * 320, (n == 160).then_some(3))));
        assert!((second.close().await.expect("written") - 4.0).abs() < 1e-9);
        let (left, _) = read(&path);
        let clicks: Vec<usize> = (0..left.len()).filter(|i| left[*i] != 0).collect();
        assert_eq!(clicks, [10 * 320, 160 * 320 + 3]);
    }

    #[tokio::test]
    async fn the_header_is_true_while_the_recording_runs() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("crash.wav");
        let recorder = Recorder::open(&path).expect("a thread");
        (0..300).for_each(|n| recorder.heard(frame(n * 320, None)));
        let mut state = recorder.state();
        state.wait_for(|state| state.seconds() >= 3.9).await.expect("the thread lives");
        // Nothing was closed: this is what a crash would leave.
        let reader = hound::WavReader::open(&path).expect("a playable file");
        assert!(reader.duration() >= 39 * 1_600);
    }

    #[tokio::test]
    async fn a_full_disk_is_told_and_nobody_waits() {
        let recorder = Recorder::open(Path::new("/dev/full")).expect("a thread");
        let mut state = recorder.state();
        let failed = state.wait_for(|state| matches!(state, RecordingState::Failed { .. })).await;
        failed.expect("the state is told before the thread ends");
        (0..10).for_each(|n| recorder.heard(frame(n * 320, None)));
        assert_eq!(recorder.dropped_frames(), 10);
        assert!(recorder.close().await.is_err());
    }

    #[tokio::test]
    async fn a_damaged_file_is_moved_aside() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("bad.wav");
        std::fs::write(&path, b"RIFFnot a recording").expect("written");
        let recorder = Recorder::open(&path).expect("a thread");
        recorder.heard(frame(0, None));
        assert!(recorder.close().await.is_ok());
        assert!(dir.path().join("bad.damaged-1.wav").exists());
    }

    #[tokio::test]
    async fn a_position_far_beyond_the_end_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("far.wav");
        let recorder = Recorder::open(&path).expect("a thread");
        recorder.heard(frame(0, None));
        recorder.heard(frame(u64::MAX - 100, None));
        recorder.heard(frame(JUMP_SAMPLES_MAX * 2 - 320, None));
        assert!((recorder.close().await.expect("written") - 0.02).abs() < 1e-9);
    }
}
