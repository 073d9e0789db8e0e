//! What all voices that speak in pieces have in common: bytes become samples, places of characters become words, pieces
//! become a clip. Pure but for the channel at its end.

use super::{SpeakRequest, TTS_TEXT_CHARS_MAX, TtsError, VOICE_PIECES_MAX, VoiceEvent};
use crate::audio::frame::{VOICE_RATE_HZ, VoiceClip, WordTiming};
use crate::cloud::meter::{Meter, Part, Price, Used};
use crate::cloud::socket::{Received, Socket};
use crate::cloud::{CloudError, Endpoint, Fault};
use futures::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Samples of 16 bits out of bytes that come in any pieces.
#[derive(Debug, Default)]
pub struct Samples {
    odd: Option<u8>,
}

impl Samples {
    pub fn push(&mut self, bytes: &[u8]) -> Vec<i16> {
        let (first, rest) = match (self.odd.take(), bytes) {
            (Some(low), [high, rest @ ..]) => (Some(i16::from_le_bytes([low, *high])), rest),
            (odd, []) => {
                self.odd = odd;
                return Vec::new();
            }
            (None, rest) => (None, rest),
        };
        let (pairs, odd) = rest.as_chunks::<2>();
        self.odd = odd.first().copied();
        first.into_iter().chain(pairs.iter().map(|pair| i16::from_le_bytes(*pair))).collect()
    }
}

/// A sentence's pieces put together.
#[derive(Debug)]
pub struct Gathered {
    text: Arc<str>,
    pcm: Vec<i16>,
    words: Vec<WordTiming>,
}

impl Gathered {
    pub fn new(text: Arc<str>) -> Self {
        Self { text, pcm: Vec::new(), words: Vec::new() }
    }

    pub fn take(&mut self, event: &VoiceEvent) {
        match event {
            VoiceEvent::Piece { pcm, words } => {
                self.pcm.extend_from_slice(pcm);
                self.words.extend_from_slice(words);
            }
            VoiceEvent::Done | VoiceEvent::Failed(_) => {}
        }
    }

    pub fn clip(self) -> VoiceClip {
        VoiceClip { text: self.text, pcm: self.pcm.into(), words: self.words.into() }
    }
}

/// What a voice's provider is paid for one sentence: all of its characters once it sounds, and the sound that came.
/// Counted however the sentence ends: who is cut short was paid for.
#[derive(Debug)]
pub struct Bill<'a> {
    meter: &'a Meter,
    provider: &'a Arc<str>,
    price: &'a Price,
    text: Arc<str>,
    pub samples: u64,
}

impl<'a> Bill<'a> {
    pub fn new(meter: &'a Meter, provider: &'a Arc<str>, price: &'a Price, text: &Arc<str>) -> Self {
        Self { meter, provider, price, text: text.clone(), samples: 0 }
    }
}

impl Drop for Bill<'_> {
    fn drop(&mut self) {
        if self.samples > 0 {
            let seconds = self.samples as f64 / f64::from(VOICE_RATE_HZ);
            let characters = self.text.chars().count() as u64;
            let used = Used { seconds, characters, ..Used::default() };
            self.meter.count(Part::Tts, self.provider, used, self.price);
        }
    }
}

/// A sentence that a provider speaks over a socket.
#[derive(Debug)]
pub struct Speaking<'a> {
    pub text: Arc<str>,
    pub speed: f32,
    bill: Bill<'a>,
    events: mpsc::Sender<VoiceEvent>,
    first_by: Instant,
    first: Duration,
    next: Duration,
}

impl<'a> Speaking<'a> {
    /// `first` is the longest wait from now to the first sound, `next` that between two pieces.
    pub fn new(
        bill: Bill<'a>,
        speed: f32,
        events: mpsc::Sender<VoiceEvent>,
        (first, next): (Duration, Duration),
    ) -> Self {
        Self { text: bill.text.clone(), speed, bill, events, first_by: Instant::now() + first, first, next }
    }

    /// Samples that came so far.
    pub fn samples(&self) -> u64 {
        self.bill.samples
    }

    /// Whether it may be asked for over another socket: nothing came of it, it may pass, and there is time.
    pub fn may_go_elsewhere(&self, error: &CloudError) -> bool {
        self.samples() == 0 && error.fault == Fault::Passing && Instant::now() < self.first_by
    }

    /// The next message about it, in time.
    pub async fn receive(&self, socket: &mut Socket, endpoint: &Endpoint) -> Result<Received, CloudError> {
        let (deadline, wait, what) = if self.samples() == 0 {
            (self.first_by, self.first, "first sound")
        } else {
            (Instant::now() + self.next, self.next, "more sound")
        };
        let received = tokio::time::timeout_at(deadline, socket.receive()).await;
        received.map_err(|_| endpoint.late(what, wait))?
    }

    /// Passes a piece on.
    pub async fn give(&mut self, pcm: Vec<i16>, words: Vec<WordTiming>) {
        if pcm.is_empty() && words.is_empty() {
            return;
        }
        self.bill.samples += pcm.len() as u64;
        // A reader that has gone is noticed by whoever runs this.
        let _ = self.events.send(VoiceEvent::Piece { pcm: pcm.into(), words }).await;
    }
}

/// The whole clip of a stream.
pub async fn gathered(text: Arc<str>, mut stream: mpsc::Receiver<VoiceEvent>) -> Result<VoiceClip, TtsError> {
    let mut whole = Gathered::new(text);
    while let Some(event) = stream.recv().await {
        match event {
            VoiceEvent::Piece { .. } => whole.take(&event),
            VoiceEvent::Done => return Ok(whole.clip()),
            VoiceEvent::Failed(error) => return Err(error),
        }
    }
    Err(TtsError::Gone)
}

/// A clip that is made as a whole, as a stream of one piece.
pub fn in_one(made: BoxFuture<'static, Result<VoiceClip, TtsError>>) -> mpsc::Receiver<VoiceEvent> {
    let (events, stream) = mpsc::channel(VOICE_PIECES_MAX);
    // Ends with the clip; one that is cancelled ends at once.
    tokio::spawn(async move {
        let said = match made.await {
            Ok(clip) => {
                let piece = VoiceEvent::Piece { pcm: clip.pcm, words: clip.words.to_vec() };
                // A reader that has gone wants nothing more.
                let _ = events.send(piece).await;
                VoiceEvent::Done
            }
            Err(error) => VoiceEvent::Failed(error),
        };
        let _ = events.send(said).await;
    });
    stream
}

/// Where the words of a text are spoken, as a provider tells it bit by bit.
#[derive(Debug)]
pub struct Places {
    text: Arc<str>,
    /// Bytes of the text that are placed.
    at: usize,
    /// The word that is being placed: its first byte, first and latest sample.
    open: Option<(usize, u32, u32)>,
}

impl Places {
    pub fn new(text: Arc<str>) -> Self {
        Self { text, at: 0, open: None }
    }

    /// The next character is spoken from `start` to `end` (samples): a word that is whole by it. Characters that do not
    /// stand next in the text (the provider's own spaces, spelled-out numbers) are passed over.
    pub fn character(&mut self, c: char, start: u32, end: u32) -> Option<WordTiming> {
        let rest = &self.text[self.at..];
        let next = rest.char_indices().find(|(_, known)| !known.is_whitespace() || c.is_whitespace());
        let (offset, known) = next?;
        if !known.to_lowercase().eq(c.to_lowercase()) {
            return None;
        }
        let byte = self.at + offset;
        let whole = if offset > 0 || c.is_whitespace() { self.close() } else { None };
        self.at = byte + known.len_utf8();
        if !c.is_whitespace() {
            match &mut self.open {
                Some((_, _, until)) => *until = end.max(*until),
                None => self.open = Some((byte, start, end)),
            }
        }
        whole
    }

    /// A whole word is spoken from `start` to `end` (samples).
    pub fn word(&mut self, word: &str, start: u32, end: u32) -> Option<WordTiming> {
        let word = word.trim();
        let found = self.text[self.at..].find(word).filter(|_| !word.is_empty())?;
        let from = self.at + found;
        // What is written on to it (a point, a comma) belongs to it.
        let rest = &self.text[from + word.len()..];
        let more = rest.find(char::is_whitespace).unwrap_or(rest.len());
        self.at = from + word.len() + more;
        timing(from, self.at, start, end)
    }

    /// No more characters come: the last word is whole.
    pub fn close(&mut self) -> Option<WordTiming> {
        let (from, start, end) = self.open.take()?;
        timing(from, self.at, start, end)
    }
}

fn timing(from: usize, to: usize, start_samples: u32, end_samples: u32) -> Option<WordTiming> {
    let (text_start, text_end) = (u32::try_from(from).ok()?, u32::try_from(to).ok()?);
    Some(WordTiming { text_start, text_end, start_samples, end_samples: end_samples.max(start_samples) })
}

/// Samples of so many seconds.
pub fn samples_of(seconds: f64) -> u32 {
    (seconds.clamp(0.0, 3600.0) * f64::from(VOICE_RATE_HZ)).round() as u32
}

/// Starts a stream: `speak` sends pieces until it is done; it is dropped when cancelled or when nobody reads.
pub fn start<F>(request: &SpeakRequest, speak: impl FnOnce(mpsc::Sender<VoiceEvent>) -> F) -> mpsc::Receiver<VoiceEvent>
where
    F: Future<Output = Result<(), CloudError>> + Send + 'static,
{
    let (events, stream) = mpsc::channel(VOICE_PIECES_MAX);
    let chars = request.text.chars().count();
    let cancel = request.cancel.clone();
    let speaking = speak(events.clone());
    // Ends by its deadlines, when cancelled, when nobody reads.
    tokio::spawn(async move {
        let ended = if chars > TTS_TEXT_CHARS_MAX {
            VoiceEvent::Failed(TtsError::TooLong { chars, chars_max: TTS_TEXT_CHARS_MAX })
        } else {
            tokio::select! {
                biased;
                () = cancel.cancelled() => VoiceEvent::Failed(TtsError::Cancelled),
                () = events.closed() => return,
                said = speaking => said.map_or_else(|error| VoiceEvent::Failed(error.into()), |()| VoiceEvent::Done),
            }
        };
        // A reader that has gone wants no ending.
        let _ = events.send(ended).await;
    });
    stream
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_come_whole_from_any_pieces() {
        let pcm: Vec<i16> = (0..50).map(|n| n * 631 - 9000).collect();
        let bytes: Vec<u8> = pcm.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        for size in 1..9 {
            let mut samples = Samples::default();
            let all: Vec<i16> = bytes.chunks(size).flat_map(|piece| samples.push(piece)).collect();
            assert_eq!(all, pcm, "pieces of {size}");
        }
    }

    #[test]
    fn characters_become_words() {
        let mut places = Places::new("So, Gr\u{fc}n it is.".into());
        let mut words = Vec::new();
        for (i, c) in " So, gr\u{fc}n  it is. ".chars().enumerate() {
            let i = i as u32;
            words.extend(places.character(c, i * 10, i * 10 + 10));
        }
        words.extend(places.close());
        let text: Vec<&str> =
            words.iter().map(|word| &places.text[word.text_start as usize..word.text_end as usize]).collect();
        assert_eq!(text, ["So,", "Gr\u{fc}n", "it", "is."]);
        assert_eq!((words[0].start_samples, words[0].end_samples), (10, 40));
        assert!(words.windows(2).all(|pair| pair[0].end_samples <= pair[1].start_samples), "{words:?}");
    }

    #[test]
    fn words_are_found_in_their_order() {
        let mut places = Places::new("It is what it is.".into());
        let found: Vec<WordTiming> =
            [("It", 0, 5), ("is", 5, 9), ("what", 9, 20), ("never", 20, 21), ("it", 21, 30), ("is", 30, 40)]
                .into_iter()
                .filter_map(|(word, start, end)| places.word(word, start, end))
                .collect();
        let places: Vec<(u32, u32)> = found.iter().map(|word| (word.text_start, word.text_end)).collect();
        assert_eq!(places, [(0, 2), (3, 5), (6, 10), (11, 13), (14, 17)]);
    }
}
