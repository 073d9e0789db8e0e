//! Clips on disk: one file each, written whole or not at all, with a checksum. An index in memory says what is there.

use super::Key;
use crate::audio::frame::{VoiceClip, WordTiming};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::SystemTime;

/// Clips that may wait to be written: past that the disk is too slow, and they are kept in memory only.
const WRITES_MAX: usize = 64;
/// First bytes of a file; another number where its form changes.
const MAGIC: &[u8; 8] = b"vvclip 1";
const CHECKSUM_BYTES: usize = 32;

/// The folder; its writing thread ends when all clones are gone.
#[derive(Clone, Debug)]
pub struct Disk {
    shared: Arc<Shared>,
    writes: SyncSender<(Key, VoiceClip)>,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    bytes_max: u64,
    index: Mutex<Index>,
}

#[derive(Debug, Default)]
struct Index {
    /// Size and last use.
    files: HashMap<Key, (u64, SystemTime)>,
    bytes: u64,
}

#[derive(Serialize, Deserialize)]
struct Header {
    text: String,
    words: Vec<WordTiming>,
}

impl Disk {
    /// Opens a folder, makes it if it is not there, and looks what is in it.
    pub fn open(folder: &Path, bytes_max: u64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut index = Index::default();
        for entry in fs::read_dir(folder)? {
            let (path, found) = entry.and_then(|entry| Ok((entry.path(), entry.metadata()?)))?;
            match key_of(&path) {
                Some(key) => index.put(key, found.len(), found.modified().unwrap_or(SystemTime::UNIX_EPOCH)),
                // What a crash left half written.
                None if path.extension().is_some_and(|ending| ending == "tmp") => drop(fs::remove_file(&path)),
                None => {}
            }
        }
        let shared = Arc::new(Shared { folder: folder.to_owned(), bytes_max, index: Mutex::new(index) });
        let (writes, asked) = sync_channel(WRITES_MAX);
        let writing = Arc::clone(&shared);
        thread::Builder::new().name("voice-cache".into()).spawn(move || writing.work(&asked))?;
        Ok(Self { shared, writes })
    }

    pub fn has(&self, key: &Key) -> bool {
        self.shared.index().files.contains_key(key)
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.shared.index().files.len()
    }

    /// The clip, if its file is whole and says `text`.
    pub async fn read(&self, key: Key, text: &Arc<str>) -> Option<VoiceClip> {
        let (shared, text) = (Arc::clone(&self.shared), Arc::clone(text));
        tokio::task::spawn_blocking(move || shared.read(&key, text)).await.ok().flatten()
    }

    /// Writes a clip when there is time.
    pub fn write(&self, key: Key, clip: VoiceClip) {
        if self.writes.try_send((key, clip)).is_err() {
            tracing::debug!(writes_max = WRITES_MAX, "a clip is kept in memory only: the disk is too slow");
        }
    }
}

impl Shared {
    fn read(&self, key: &Key, text: Arc<str>) -> Option<VoiceClip> {
        let path = self.path(key);
        let clip = fs::read(&path).ok().and_then(|file| decode(&file, text));
        let mut index = self.index();
        if clip.is_none() {
            index.remove(key);
            // A damaged file is of no use; if it cannot be removed it will be written over.
            let _ = fs::remove_file(&path);
        } else if let Some((_, used)) = index.files.get_mut(key) {
            *used = SystemTime::now();
        }
        clip
    }

    fn work(&self, asked: &Receiver<(Key, VoiceClip)>) {
        let mut failed = false;
        while let Ok((key, clip)) = asked.recv() {
            match self.write(&key, &clip) {
                Ok(()) => failed = false,
                Err(error) if !failed => {
                    failed = true;
                    tracing::warn!(%error, "a clip could not be written to the cache");
                }
                Err(_) => {}
            }
            self.evict();
        }
    }

    fn write(&self, key: &Key, clip: &VoiceClip) -> io::Result<()> {
        let file = encode(clip)?;
        let path = self.path(key);
        let fresh = path.with_extension(format!("{}.tmp", std::process::id()));
        let written = fs::write(&fresh, &file).and_then(|()| fs::rename(&fresh, &path));
        if written.is_err() {
            let _ = fs::remove_file(&fresh);
        }
        written?;
        self.index().put(*key, file.len() as u64, SystemTime::now());
        Ok(())
    }

    /// Removes what was used longest ago until the rest has room.
    fn evict(&self) {
        let mut index = self.index();
        while index.bytes > self.bytes_max {
            let oldest = index.files.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| *key);
            let Some(key) = oldest else { return };
            index.remove(&key);
            let _ = fs::remove_file(self.path(&key));
        }
    }

    fn path(&self, key: &Key) -> PathBuf {
        let name: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(format!("{name}.clip"))
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index {
    fn put(&mut self, key: Key, bytes: u64, used: SystemTime) {
        self.remove(&key);
        self.bytes += bytes;
        self.files.insert(key, (bytes, used));
    }

    fn remove(&mut self, key: &Key) {
        if let Some((bytes, _)) = self.files.remove(key) {
            self.bytes -= bytes;
        }
    }
}

fn key_of(path: &Path) -> Option<Key> {
    let name = path.file_name()?.to_str()?.strip_suffix(".clip")?;
    let mut key = [0; 32];
    if name.len() != 64 || !name.is_ascii() {
        return None;
    }
    for (byte, hex) in key.iter_mut().zip(name.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()?;
    }
    Some(key)
}

fn encode(clip: &VoiceClip) -> io::Result<Vec<u8>> {
    let header = serde_json::to_vec(&Header { text: clip.text.to_string(), words: clip.words.to_vec() })?;
    let length = u32::try_from(header.len()).map_err(io::Error::other)?;
    let mut file = Vec::with_capacity(MAGIC.len() + 4 + header.len() + clip.pcm.len() * 2 + CHECKSUM_BYTES);
    file.extend(MAGIC);
    file.extend(length.to_le_bytes());
    file.extend(header);
    file.extend(clip.pcm.iter().flat_map(|sample| sample.to_le_bytes()));
    let checksum = Sha256::digest(&file);
    file.extend(checksum);
    Ok(file)
}

fn decode(file: &[u8], text: Arc<str>) -> Option<VoiceClip> {
    let (content, checksum) = file.split_at_checked(file.len().checked_sub(CHECKSUM_BYTES)?)?;
    if Sha256::digest(content).as_slice() != checksum {
        return None;
    }
    let (length, rest) = content.strip_prefix(MAGIC)?.split_first_chunk()?;
    let (header, pcm) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    let header: Header = serde_json::from_slice(header).ok()?;
    if *header.text != *text {
        return None;
    }
    let pcm = pcm.as_chunks().0.iter().map(|&sample| i16::from_le_bytes(sample)).collect();
    Some(VoiceClip { text, pcm, words: header.words.into() })
}
