//! Keeps what has been synthesised, in memory and on disk, by voice, speed and text: what is said in every interview is
//! made once. Damaged files are taken for absent. Must never delay a voice: writing has its own thread.

mod disk;

use super::pieces::Gathered;
use super::{SpeakRequest, TextToSpeech, TtsError, VOICE_PIECES_MAX, VoiceEvent};
use crate::audio::frame::{VoiceClip, WordTiming};
use crate::cloud::meter::Meter;
use disk::Disk;
use futures::future::BoxFuture;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;

/// How much is kept, and where.
#[derive(Clone, Debug)]
pub struct CacheSettings {
    /// Folder of the clips on disk; without one they are kept in memory only.
    pub folder: Option<PathBuf>,
    /// Clips in memory, bytes (48 kB for each second).
    pub memory_bytes_max: usize,
    /// Clips on disk, bytes.
    pub disk_bytes_max: u64,
}

/// A voice that remembers what it has said; cheap to clone.
#[derive(Clone)]
pub struct CachedVoice {
    voice: Arc<dyn TextToSpeech>,
    kept: Arc<Mutex<Memory>>,
    disk: Option<Disk>,
    counts: Arc<Counts>,
    /// Nothing is kept, nor looked for.
    is_passing: bool,
}

impl std::fmt::Debug for CachedVoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CachedVoice").field("voice", &self.voice.voice()).finish_non_exhaustive()
    }
}

/// Where clips came from, since the start.
#[derive(Debug, Default)]
struct Counts {
    memory: AtomicU64,
    disk: AtomicU64,
    made: AtomicU64,
}

/// Where clips came from, since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CacheCounts {
    pub memory: u64,
    pub disk: u64,
    pub made: u64,
}

/// Of voice, speed and text.
type Key = [u8; 32];

impl CachedVoice {
    /// Wraps `voice`. A folder that cannot be used is said once and done without.
    #[must_use]
    pub fn new(voice: Arc<dyn TextToSpeech>, settings: &CacheSettings) -> Self {
        let disk = settings.folder.as_ref().and_then(|folder| {
            let opened = Disk::open(folder, settings.disk_bytes_max);
            opened.inspect_err(|error| tracing::warn!(%error, "clips are kept in memory only")).ok()
        });
        let kept = Memory { bytes_max: settings.memory_bytes_max, ..Memory::default() };
        Self { voice, kept: Arc::new(Mutex::new(kept)), disk, counts: Arc::default(), is_passing: false }
    }

    /// The same, counting what its voice does for one interview; what is kept costs nothing.
    #[must_use]
    pub fn counted(&self, meter: &Meter) -> Self {
        let voice = self.voice.metered(meter).unwrap_or_else(|| self.voice.clone());
        Self { voice, ..self.clone() }
    }

    /// The same, keeping nothing.
    #[must_use]
    pub fn passing(&self) -> Self {
        Self { is_passing: true, ..self.clone() }
    }

    /// Where clips came from, since the start.
    #[must_use]
    pub fn counts(&self) -> CacheCounts {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CacheCounts {
            memory: count(&self.counts.memory),
            disk: count(&self.counts.disk),
            made: count(&self.counts.made),
        }
    }

    /// Whether a clip is kept already, so that it would be there without synthesis.
    #[must_use]
    pub fn is_kept(&self, text: &str, speed: f32) -> bool {
        if self.is_passing {
            return false;
        }
        let key = self.key(text, speed);
        self.memory().clips.contains_key(&key) || self.disk.as_ref().is_some_and(|disk| disk.has(&key))
    }

    fn key(&self, text: &str, speed: f32) -> Key {
        let mut hash = Sha256::new();
        hash.update(self.voice.voice());
        hash.update([0]);
        hash.update(speed.to_le_bytes());
        hash.update(text);
        hash.finalize().into()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep_made(&self, key: Key, clip: &VoiceClip) {
        self.counts.made.fetch_add(1, Ordering::Relaxed);
        self.memory().put(key, clip.clone());
        if let Some(disk) = &self.disk {
            disk.write(key, clip.clone());
        }
    }
}

impl TextToSpeech for CachedVoice {
    fn speak(&self, request: SpeakRequest) -> BoxFuture<'static, Result<VoiceClip, TtsError>> {
        if self.is_passing {
            return self.voice.speak(request);
        }
        let key = self.key(&request.text, request.speed);
        if let Some(clip) = self.memory().take(&key) {
            self.counts.memory.fetch_add(1, Ordering::Relaxed);
            return Box::pin(std::future::ready(Ok(clip)));
        }
        let cached = self.clone();
        if let Some(disk) = self.disk.clone().filter(|disk| disk.has(&key)) {
            return Box::pin(async move {
                if let Some(clip) = disk.read(key, &request.text).await {
                    cached.counts.disk.fetch_add(1, Ordering::Relaxed);
                    cached.memory().put(key, clip.clone());
                    return Ok(clip);
                }
                let clip = cached.voice.speak(request).await?;
                cached.keep_made(key, &clip);
                Ok(clip)
            });
        }
        // In line at once, also if nobody polls the future yet.
        let made = self.voice.speak(request);
        Box::pin(async move {
            let clip = made.await?;
            cached.keep_made(key, &clip);
            Ok(clip)
        })
    }

    /// What is kept comes in one piece; what is not is passed on as it comes, and kept when it is whole.
    fn stream(&self, request: SpeakRequest) -> mpsc::Receiver<VoiceEvent> {
        if self.is_passing {
            return self.voice.stream(request);
        }
        if self.is_kept(&request.text, request.speed) {
            return super::pieces::in_one(self.speak(request));
        }
        let (events, stream) = mpsc::channel(VOICE_PIECES_MAX);
        let cached = self.clone();
        let key = self.key(&request.text, request.speed);
        let mut whole = Gathered::new(request.text.clone());
        let mut made = self.voice.stream(request);
        // Ends with the sentence, or when nobody reads.
        tokio::spawn(async move {
            while let Some(event) = made.recv().await {
                whole.take(&event);
                let is_done = matches!(event, VoiceEvent::Done);
                if events.send(event).await.is_err() {
                    return;
                }
                if is_done {
                    cached.keep_made(key, &whole.clip());
                    return;
                }
            }
        });
        stream
    }

    fn metered(&self, meter: &Meter) -> Option<Arc<dyn TextToSpeech>> {
        Some(Arc::new(self.counted(meter)))
    }

    fn unkept(&self) -> Option<Arc<dyn TextToSpeech>> {
        Some(Arc::new(self.passing()))
    }

    fn languages(&self) -> &[&'static str] {
        self.voice.languages()
    }

    fn voice(&self) -> String {
        self.voice.voice()
    }
}

/// Clips in memory; what was used longest ago goes first.
#[derive(Debug, Default)]
struct Memory {
    clips: HashMap<Key, (u64, VoiceClip)>,
    bytes: usize,
    bytes_max: usize,
    /// Counts uses.
    now: u64,
}

impl Memory {
    fn take(&mut self, key: &Key) -> Option<VoiceClip> {
        self.now += 1;
        let (used, clip) = self.clips.get_mut(key)?;
        *used = self.now;
        Some(clip.clone())
    }

    fn put(&mut self, key: Key, clip: VoiceClip) {
        let bytes = bytes(&clip);
        if bytes > self.bytes_max {
            return;
        }
        self.now += 1;
        self.bytes += bytes;
        if let Some((_, old)) = self.clips.insert(key, (self.now, clip)) {
            self.bytes -= self::bytes(&old);
        }
        while self.bytes > self.bytes_max {
            let oldest = self.clips.iter().min_by_key(|(_, (used, _))| *used).map(|(key, _)| *key);
            let Some((_, gone)) = oldest.and_then(|key| self.clips.remove(&key)) else {
                return;
            };
            self.bytes -= self::bytes(&gone);
        }
    }
}

fn bytes(clip: &VoiceClip) -> usize {
    clip.pcm.len() * 2 + clip.words.len() * size_of::<WordTiming>() + clip.text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tts::Urgency;
    use crate::tts::scripted::ScriptedTts;
    use std::path::Path;
    use std::time::Duration;
    use tokio_util::sync::CancellationToken;

    fn voice(folder: Option<&Path>, memory_bytes_max: usize, disk_bytes_max: u64) -> (CachedVoice, ScriptedTts) {
        let scripted = ScriptedTts::new(Duration::from_millis(10));
        let settings = CacheSettings { folder: folder.map(Path::to_owned), memory_bytes_max, disk_bytes_max };
        (CachedVoice::new(Arc::new(scripted.clone()), &settings), scripted)
    }

    async fn say(voice: &CachedVoice, text: &str) -> VoiceClip {
        let cancel = CancellationToken::new();
        let request = SpeakRequest { text: text.into(), speed: 1.0, urgency: Urgency::Now, cancel };
        voice.speak(request).await.expect("spoken")
    }

    /// Waits until the writing thread has done its work.
    async fn settled(voice: &CachedVoice, files: usize) {
        let disk = voice.disk.as_ref().expect("a disk");
        for _ in 0..500 {
            if disk.len() == files {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} files instead of {files}", disk.len());
    }

    #[tokio::test]
    async fn a_clip_is_made_once_and_survives_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let (first, scripted) = voice(Some(folder.path()), 1 << 20, 1 << 20);
        let made = say(&first, "Hello there.").await;
        let again = say(&first, "Hello there.").await;
        assert!(Arc::ptr_eq(&made.pcm, &again.pcm));
        assert_eq!(scripted.spoken().len(), 1);
        settled(&first, 1).await;
        drop(first);
        let (second, scripted) = voice(Some(folder.path()), 1 << 20, 1 << 20);
        assert!(second.is_kept("Hello there.", 1.0) && !second.is_kept("Hello there.", 0.8));
        let read = say(&second, "Hello there.").await;
        assert_eq!((&read.pcm, &read.words, &read.text), (&made.pcm, &made.words, &made.text));
        assert_eq!(scripted.spoken().len(), 0);
        assert_eq!(second.counts(), CacheCounts { memory: 0, disk: 1, made: 0 });
    }

    #[tokio::test]
    async fn a_damaged_file_is_made_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let (first, _) = voice(Some(folder.path()), 1 << 20, 1 << 20);
        say(&first, "Hello there.").await;
        settled(&first, 1).await;
        drop(first);
        let path = std::fs::read_dir(folder.path()).expect("read").next().expect("a file").expect("read").path();
        let mut content = std::fs::read(&path).expect("read");
        let middle = content.len() / 2;
        content[middle] ^= 1;
        std::fs::write(&path, &content).expect("written");
        let (second, scripted) = voice(Some(folder.path()), 1 << 20, 1 << 20);
        say(&second, "Hello there.").await;
        assert_eq!(scripted.spoken().len(), 1);
        settled(&second, 1).await;
        std::fs::write(&path, b"").expect("written");
        let (third, scripted) = voice(Some(folder.path()), 1 << 20, 1 << 20);
        say(&third, "Hello there.").await;
        assert_eq!(scripted.spoken().len(), 1);
    }

    #[tokio::test]
    async fn memory_and_disk_are_bounded() {
        let folder = tempfile::tempdir().expect("a folder");
        let texts = ["one of many", "two of many", "six of many"];
        let size = bytes(&say(&voice(None, 0, 0).0, texts[0]).await);
        let (bounded, scripted) = voice(Some(folder.path()), size * 2 + 10, size as u64 * 2 + 700);
        for text in texts {
            say(&bounded, text).await;
        }
        assert_eq!(bounded.memory().clips.len(), 2);
        assert!(bounded.memory().bytes <= size * 2 + 10);
        settled(&bounded, 2).await;
        say(&bounded, texts[2]).await;
        assert_eq!(scripted.spoken().len(), 3);
        let on_disk: u64 = std::fs::read_dir(folder.path())
            .expect("read")
            .map(|entry| entry.expect("read").metadata().expect("read").len())
            .sum();
        assert!(on_disk <= size as u64 * 2 + 700, "{on_disk}");
    }
}
