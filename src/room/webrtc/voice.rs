//! What the interviewer is about to say and when each 20 ms of it leaves: the queue of speeches, hold, resume and stop,
//! and the pace, never ahead of the clock. Told the time, it never waits; it must never encode or send.

use crate::audio::frame::{FRAME_MS, VOICE_FRAME_SAMPLES, VOICE_RATE_HZ};
use crate::id::SpeechId;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Voice that may wait, samples (10 minutes, 29 MB); a session that queues more has lost its way.
const QUEUED_SAMPLES_MAX: u64 = 600 * VOICE_RATE_HZ as u64;
/// Ids of finished speeches that are remembered, so that late audio of theirs is dropped.
const CLOSED_MAX: usize = 32;
/// Silence sent after speech, frames (100 ms), so that the client's buffer runs out smoothly.
const TRAILING_FRAMES: u32 = 5;
/// Length of the fade that ends an interrupted speech, samples (10 ms): no click, little more voice.
const FADE_OUT_SAMPLES: usize = VOICE_RATE_HZ as usize / 100;
/// Length of the fade at which a held speech comes back, samples (5 ms).
const FADE_IN_SAMPLES: usize = VOICE_RATE_HZ as usize / 200;
const FRAME: Duration = Duration::from_millis(FRAME_MS as u64);
/// Frames later than this are not sent in a burst: the pace starts anew, ms.
const LATE_MS_MAX: u64 = 200;

/// 20 ms of voice.
pub type VoicePcm = [i16; VOICE_FRAME_SAMPLES];

/// What leaves in one slot of 20 ms.
#[derive(Clone, PartialEq, Debug)]
pub enum Slot {
    Speech { speech: SpeechId, offset_samples: u64, pcm: Arc<VoicePcm> },
    Silence,
}

/// How a speech ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    Done { speech: SpeechId, sent_samples: u64 },
    Stopped { speech: SpeechId, sent_samples: u64 },
}

/// The queue was full: the audio was dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("too much voice is waiting to be sent")]
pub struct QueueFull;

struct Speech {
    id: SpeechId,
    chunks: VecDeque<Arc<[i16]>>,
    /// Samples of the first chunk that were taken.
    taken: usize,
    /// Samples not yet sent.
    left: u64,
    sent: u64,
    /// No more audio will come.
    whole: bool,
    held: bool,
    /// Begin the next frame softly: the last one was faded out.
    fade_in: bool,
}

/// The speeches in order.
#[derive(Default)]
pub struct Voice {
    queue: VecDeque<Speech>,
    closed: VecDeque<SpeechId>,
    ended: VecDeque<Ended>,
    fade: Option<Slot>,
    /// The speech that sounded in the last slot.
    sounding: Option<SpeechId>,
    trailing_frames: u32,
}

impl Voice {
    /// Audio of `speech`, behind what is queued.
    pub fn play(&mut self, speech: SpeechId, pcm: Arc<[i16]>) -> Result<(), QueueFull> {
        if self.closed.contains(&speech) {
            return Ok(());
        }
        let waiting: u64 = self.queue.iter().map(|queued| queued.left).sum();
        if waiting + pcm.len() as u64 > QUEUED_SAMPLES_MAX {
            return Err(QueueFull);
        }
        let speech = self.find_or_begin(speech);
        speech.left += pcm.len() as u64;
        if !pcm.is_empty() {
            speech.chunks.push_back(pcm);
        }
        Ok(())
    }

    /// No more audio comes for `speech`.
    pub fn end(&mut self, speech: SpeechId) {
        if !self.closed.contains(&speech) {
            self.find_or_begin(speech).whole = true;
            self.close_spoken();
        }
    }

    /// Holds `speech` where it is; it fades out if it sounds. One that is not there cannot be held.
    pub fn hold(&mut self, speech: SpeechId) {
        let sounds = self.sounding == Some(speech);
        if let Some(queued) = self.queue.iter_mut().find(|queued| queued.id == speech)
            && !queued.held
        {
            queued.held = true;
            if sounds {
                let fade = fade_out(queued);
                queued.fade_in = fade.is_some();
                self.fade = fade;
            }
        }
    }

    /// Goes on with a held speech. A fade that has not left yet never does.
    pub fn resume(&mut self, speech: SpeechId) {
        if let Some(queued) = self.queue.iter_mut().find(|queued| queued.id == speech)
            && queued.held
        {
            queued.held = false;
            if self.fade.take().is_some() {
                queued.fade_in = false;
            }
        }
    }

    /// Drops what of `speech` was not sent, but for a fade if it sounds.
    pub fn stop(&mut self, speech: SpeechId) {
        if self.closed.contains(&speech) {
            return;
        }
        let mut sent_samples = 0;
        if let Some(index) = self.queue.iter().position(|queued| queued.id == speech)
            && let Some(mut queued) = self.queue.remove(index)
        {
            sent_samples = queued.sent;
            if self.sounding == Some(speech) && !queued.held {
                self.fade = fade_out(&mut queued);
            }
        }
        self.close(Ended::Stopped { speech, sent_samples });
    }

    /// Leaves out the fade that is due; true if there was one. Somebody else fades.
    pub fn drop_fade(&mut self) -> bool {
        self.fade.take().is_some()
    }

    /// Whether the next slot has something to say.
    #[must_use]
    pub fn has_slot(&self) -> bool {
        self.fade.is_some() || self.trailing_frames > 0 || self.queue.front().is_some_and(Speech::is_ready)
    }

    /// What leaves in the next slot.
    pub fn take_slot(&mut self) -> Option<Slot> {
        if let Some(fade) = self.fade.take() {
            self.sounding = None;
            self.trailing_frames = TRAILING_FRAMES;
            return Some(fade);
        }
        if let Some(speech) = self.queue.front_mut()
            && speech.is_ready()
        {
            let slot = speech.take_frame();
            self.sounding = Some(speech.id);
            self.trailing_frames = TRAILING_FRAMES;
            self.close_spoken();
            return Some(slot);
        }
        self.sounding = None;
        self.trailing_frames = self.trailing_frames.checked_sub(1)?;
        Some(Slot::Silence)
    }

    /// The link is down: nothing sounds any more, the queue stays as it is.
    pub fn interrupted(&mut self) {
        self.fade = None;
        self.sounding = None;
        self.trailing_frames = 0;
    }

    /// How speeches ended, in order; to be told after the slot that ended them was sent.
    pub fn pop_ended(&mut self) -> Option<Ended> {
        self.ended.pop_front()
    }

    fn find_or_begin(&mut self, id: SpeechId) -> &mut Speech {
        let index = self.queue.iter().position(|queued| queued.id == id).unwrap_or_else(|| {
            self.queue.push_back(Speech::new(id));
            self.queue.len() - 1
        });
        &mut self.queue[index]
    }

    /// Closes the speeches at the front that are spoken to their end.
    fn close_spoken(&mut self) {
        while let Some(front) = self.queue.front()
            && front.whole
            && front.left == 0
        {
            let ended = Ended::Done { speech: front.id, sent_samples: front.sent };
            self.queue.pop_front();
            self.close(ended);
        }
    }

    fn close(&mut self, ended: Ended) {
        let (Ended::Done { speech, .. } | Ended::Stopped { speech, .. }) = ended;
        if self.closed.len() == CLOSED_MAX {
            self.closed.pop_front();
        }
        self.closed.push_back(speech);
        self.ended.push_back(ended);
    }
}

impl Speech {
    fn new(id: SpeechId) -> Self {
        Self { id, chunks: VecDeque::new(), taken: 0, left: 0, sent: 0, whole: false, held: false, fade_in: false }
    }

    /// A whole frame is there, or the rest of the speech.
    fn is_ready(&self) -> bool {
        !self.held && (self.left >= VOICE_FRAME_SAMPLES as u64 || (self.whole && self.left > 0))
    }

    /// Copies the next samples without taking them; what is missing to a frame stays silent.
    fn peek(&self) -> (VoicePcm, usize) {
        let mut pcm = [0; VOICE_FRAME_SAMPLES];
        let (mut copied, mut from) = (0, self.taken);
        for chunk in &self.chunks {
            let part = (chunk.len() - from).min(VOICE_FRAME_SAMPLES - copied);
            pcm[copied..copied + part].copy_from_slice(&chunk[from..from + part]);
            copied += part;
            from = 0;
            if copied == VOICE_FRAME_SAMPLES {
                break;
            }
        }
        (pcm, copied)
    }

    fn take_frame(&mut self) -> Slot {
        let (mut pcm, samples) = self.peek();
        if std::mem::take(&mut self.fade_in) {
            for (n, sample) in pcm.iter_mut().take(FADE_IN_SAMPLES).enumerate() {
                *sample = scale(*sample, n, FADE_IN_SAMPLES);
            }
        }
        let offset_samples = self.sent;
        self.sent += samples as u64;
        self.left -= samples as u64;
        self.taken += samples;
        while let Some(first) = self.chunks.front()
            && self.taken >= first.len()
        {
            self.taken -= first.len();
            self.chunks.pop_front();
        }
        Slot::Speech { speech: self.id, offset_samples, pcm: Arc::new(pcm) }
    }
}

/// The next frame of a speech, fading to silence; it does not count as sent.
fn fade_out(speech: &mut Speech) -> Option<Slot> {
    let (mut pcm, samples) = speech.peek();
    for (n, sample) in pcm.iter_mut().enumerate() {
        *sample = scale(*sample, FADE_OUT_SAMPLES.saturating_sub(n), FADE_OUT_SAMPLES);
    }
    let slot = Slot::Speech { speech: speech.id, offset_samples: speech.sent, pcm: Arc::new(pcm) };
    (samples > 0).then_some(slot)
}

fn scale(sample: i16, part: usize, of: usize) -> i16 {
    let scaled = i64::from(sample) * part as i64 / of as i64;
    i16::try_from(scaled).unwrap_or(sample)
}

/// When slots are due: 20 ms apart while something is said; the first of a stretch at once.
#[derive(Default, Debug)]
pub struct Pace {
    /// The earliest time of the next slot: one frame after the last.
    earliest: Option<Instant>,
    /// The next slot, where one is wanted.
    due: Option<Instant>,
    /// The slot that is due begins a stretch of sound.
    begins: bool,
}

impl Pace {
    /// Says that there is something to send.
    pub fn want(&mut self, now: Instant) {
        if self.due.is_none() {
            let earliest = self.earliest.unwrap_or(now);
            self.begins = self.earliest.is_none_or(|earliest| now > earliest);
            self.due = Some(earliest.max(now));
        }
    }

    /// When the next slot is due, if one is wanted.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// The slot that is due at `now`: its time, and whether it begins a stretch of sound. `more` says whether a slot
    /// follows it.
    pub fn take(&mut self, now: Instant, more: bool) -> Option<(Instant, bool)> {
        let mut slot = self.due.filter(|due| *due <= now)?;
        let mut begins = std::mem::take(&mut self.begins);
        if now.duration_since(slot) > Duration::from_millis(LATE_MS_MAX) {
            slot = now;
            begins = true;
        }
        self.earliest = Some(slot + FRAME);
        self.due = more.then_some(slot + FRAME);
        Some((slot, begins))
    }

    /// The link is down: nothing is due.
    pub fn interrupted(&mut self) {
        self.due = None;
    }
}

#[cfg(test)]
mod tests;
