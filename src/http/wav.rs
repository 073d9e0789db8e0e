//! One WAV put together from several, on the interview's clock. Must never hold more than a chunk of it in memory, nor
//! trust the length that a file states (a crash leaves it wrong).

use super::range::ByteRange;
use crate::store::{RecordingRow, RecordingState};
use axum::body::Bytes;
use futures::stream::{self, Stream};
use std::io::{self, SeekFrom};
use std::path::{Component, Path, PathBuf};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

/// Length of the header that is made here, and of the ones that are read.
const HEADER_BYTES: u64 = 44;
/// Bytes of one sample of one channel: 16 bits.
const SAMPLE_BYTES: u64 = 2;
/// Bytes sent at once: a third of a second of stereo, so that a slow reader costs little memory.
const CHUNK_BYTES: u64 = 64 * 1024;

/// Where each byte of the whole comes from.
#[derive(Debug)]
pub struct Timeline {
    header: [u8; HEADER_BYTES as usize],
    pieces: Vec<Piece>,
    data_bytes: u64,
}

#[derive(Clone, Debug)]
struct Piece {
    /// Place in the sound data.
    start: u64,
    bytes: u64,
    file: PathBuf,
    /// Where in the file it begins.
    offset: u64,
}

impl Timeline {
    /// What can be played of `rows`; none if that is nothing. Files of another rate than the first are left out.
    pub async fn open(folder: &Path, rows: &[RecordingRow]) -> Option<Self> {
        let first = rows.first()?;
        let frame_bytes = u64::try_from(first.channels).ok()? * SAMPLE_BYTES;
        let rate_hz = u64::try_from(first.sample_rate_hz).ok()?;
        let mut pieces: Vec<Piece> = Vec::with_capacity(rows.len());
        let mut end = 0;
        for row in rows {
            let is_same = row.sample_rate_hz == first.sample_rate_hz && row.channels == first.channels;
            if row.state == RecordingState::Deleted || !is_same {
                continue;
            }
            let Some((file, length)) = existing(folder, &row.file).await else { continue };
            let written = length.saturating_sub(HEADER_BYTES) / frame_bytes * frame_bytes;
            let start = u64::try_from(row.start_ms).unwrap_or(0) * rate_hz / 1_000 * frame_bytes;
            // Files that overlap: the earlier one is heard, then the rest of the later one.
            let skipped = u64::saturating_sub(end, start);
            if written > skipped {
                let bytes = written - skipped;
                pieces.push(Piece { start: start + skipped, bytes, file, offset: HEADER_BYTES + skipped });
                end = start + written;
            }
        }
        let header = header(u32::try_from(end).unwrap_or(u32::MAX), first.sample_rate_hz, first.channels)?;
        (!pieces.is_empty()).then_some(Self { header, pieces, data_bytes: end })
    }

    /// Length of the whole.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        HEADER_BYTES + self.data_bytes
    }

    /// The bytes of `part`, as they are taken. A file that ends early is an error, which cuts the answer off.
    pub fn stream(self, part: ByteRange) -> impl Stream<Item = io::Result<Bytes>> + Send {
        let reader = Reader { timeline: self, at: part.first, end: part.last + 1, open: None };
        stream::try_unfold(reader, |mut reader| async move { Ok(reader.next().await?.map(|bytes| (bytes, reader))) })
    }
}

struct Reader {
    timeline: Timeline,
    at: u64,
    end: u64,
    /// The piece being read, by its place among the pieces.
    open: Option<(usize, File)>,
}

impl Reader {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let left = self.end.saturating_sub(self.at).min(CHUNK_BYTES);
        if left == 0 {
            return Ok(None);
        }
        if self.at < HEADER_BYTES {
            let until = HEADER_BYTES.min(self.at + left);
            let bytes = Bytes::copy_from_slice(&self.timeline.header[index(self.at)..index(until)]);
            self.at = until;
            return Ok(Some(bytes));
        }
        let place = self.at - HEADER_BYTES;
        let pieces = &self.timeline.pieces;
        let number = pieces.partition_point(|piece| piece.start + piece.bytes <= place);
        let bytes = match pieces.get(number) {
            Some(piece) if piece.start <= place => {
                let inside = place - piece.start;
                let wanted = left.min(piece.bytes - inside);
                let offset = piece.offset + inside;
                let path = piece.file.clone();
                self.read(number, &path, offset, wanted).await?
            }
            Some(piece) => Bytes::from(vec![0; index(left.min(piece.start - place))]),
            None => return Ok(None),
        };
        self.at += bytes.len() as u64;
        Ok(Some(bytes))
    }

    async fn read(&mut self, number: usize, path: &Path, offset: u64, wanted: u64) -> io::Result<Bytes> {
        if self.open.as_ref().is_none_or(|(open, _)| *open != number) {
            let mut file = File::open(path).await?;
            file.seek(SeekFrom::Start(offset)).await?;
            self.open = Some((number, file));
        }
        let Some((_, file)) = &mut self.open else { return Ok(Bytes::new()) };
        let mut buffer = vec![0; index(wanted)];
        file.read_exact(&mut buffer).await?;
        Ok(buffer.into())
    }
}

/// A length that is at most [`CHUNK_BYTES`], as a place in memory.
fn index(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// The file below `folder`, if it is one, with its length.
async fn existing(folder: &Path, name: &str) -> Option<(PathBuf, u64)> {
    let is_below = Path::new(name).components().all(|component| matches!(component, Component::Normal(_)));
    let path = folder.join(name);
    let length = tokio::fs::metadata(&path).await.ok().filter(|data| data.is_file())?.len();
    is_below.then_some((path, length))
}

fn header(data_bytes: u32, rate_hz: i32, channels: i16) -> Option<[u8; HEADER_BYTES as usize]> {
    let rate = u32::try_from(rate_hz).ok()?;
    let channels = u16::try_from(channels).ok()?;
    let frame = channels * 2;
    let mut header = [0; HEADER_BYTES as usize];
    let fields: [&[u8]; 13] = [
        b"RIFF",
        &data_bytes.saturating_add(36).to_le_bytes(),
        b"WAVE",
        b"fmt ",
        &16_u32.to_le_bytes(),
        &1_u16.to_le_bytes(),
        &channels.to_le_bytes(),
        &rate.to_le_bytes(),
        &(rate * u32::from(frame)).to_le_bytes(),
        &frame.to_le_bytes(),
        &16_u16.to_le_bytes(),
        b"data",
        &data_bytes.to_le_bytes(),
    ];
    let mut at = 0;
    for field in fields {
        header[at..at + field.len()].copy_from_slice(field);
        at += field.len();
    }
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::TryStreamExt;

    fn write(folder: &Path, name: &str, samples: &[i16], is_cut: bool) -> RecordingRow {
        let path = folder.join(name);
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 1_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&path, spec).expect("wav");
        samples.iter().for_each(|sample| writer.write_sample(*sample).expect("sample"));
        writer.finalize().expect("whole");
        if is_cut {
            // As a kill leaves it: lengths of nothing, and half a frame at the end.
            let mut bytes = std::fs::read(&path).expect("read");
            bytes[40..44].fill(0);
            bytes.push(9);
            std::fs::write(&path, bytes).expect("write");
        }
        RecordingRow {
            file: name.to_owned(),
            start_ms: 0,
            seconds: 0.0,
            bytes: 0,
            sample_rate_hz: 1_000,
            channels: 2,
            state: RecordingState::Complete,
        }
    }

    async fn read(folder: &Path, rows: &[RecordingRow], part: Option<(u64, u64)>) -> Vec<u8> {
        let timeline = Timeline::open(folder, rows).await.expect("something to play");
        let (first, last) = part.unwrap_or((0, timeline.bytes() - 1));
        let chunks: Vec<Bytes> = timeline.stream(ByteRange { first, last }).try_collect().await.expect("read");
        chunks.concat()
    }

    #[tokio::test]
    async fn files_of_two_servers_become_one_sound_with_silence_between() {
        let folder = tempfile::tempdir().expect("folder");
        let cut = write(folder.path(), "a.wav", &[1, 2, 3, 4], true);
        let later = RecordingRow { start_ms: 4, ..write(folder.path(), "b.wav", &[5, 6], false) };
        let gone = RecordingRow { file: "gone.wav".to_owned(), ..later.clone() };
        let outside = RecordingRow { file: "../b.wav".to_owned(), ..later.clone() };
        let rows = [cut, gone, outside, later];
        let whole = read(folder.path(), &rows, None).await;
        let mut reader = hound::WavReader::new(whole.as_slice()).expect("a whole wav");
        let samples: Vec<i16> = reader.samples().map(|sample| sample.expect("sample")).collect();
        assert_eq!(samples, [1, 2, 3, 4, 0, 0, 0, 0, 5, 6]);
        for first in 0..whole.len() {
            for last in [first, whole.len() - 1] {
                let part = read(folder.path(), &rows, Some((first as u64, last as u64))).await;
                assert_eq!(part, whole[first..=last], "{first}-{last}");
            }
        }
    }

    #[tokio::test]
    async fn nothing_to_play_is_nothing() {
        let folder = tempfile::tempdir().expect("folder");
        assert!(Timeline::open(folder.path(), &[]).await.is_none());
        let deleted = RecordingRow { state: RecordingState::Deleted, ..write(folder.path(), "a.wav", &[1, 2], false) };
        assert!(Timeline::open(folder.path(), &[deleted]).await.is_none());
    }
}
