//! What a session and its worker process say to each other over a Unix socket: frames of a length, a kind and a body.
//! Control is JSON, sound is samples. Both ends write by [`Way`] and read by [`Reader`], whoever has or wants a frame by
//! itself: a task that only passed it on would cost a wake-up for each. Must never carry the API key, nor trust a length.

use crate::audio::frame::{EAR_FRAME_SAMPLES, VOICE_FRAME_SAMPLES};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncReadExt as _, Interest, ReadBuf};

/// Longest body, bytes: an app message of Daily has at most 4 kB, an event about a participant a few.
const BODY_BYTES_MAX: usize = 256 * 1024;
/// What is read at once, bytes: as a rule one frame has come, after a stall a dozen.
const READ_BYTES: usize = 8 * 1024;
/// What may wait for an end that does not read, bytes, before sound is dropped: a second of two people.
const SOUND_BYTES_MAX: usize = 64 * 1_024;
/// The same for events: more than any call has in the time in which an end that is hung is noticed.
const EVENT_BYTES_MAX: usize = 1_024 * 1_024;
/// The kinds of frames.
const CONTROL: u8 = 0;
const VOICE: u8 = 1;
const HEARD: u8 = 2;
const WRITTEN: u8 = 3;

/// A frame. `C` is what control says in this direction.
#[derive(Clone, PartialEq, Debug)]
pub enum Frame<C> {
    Control(C),
    /// To the worker: 20 ms to be said (24 kHz), numbered.
    Voice {
        write: u64,
        pcm: Box<[i16; VOICE_FRAME_SAMPLES]>,
    },
    /// From the worker: 20 ms of a participant (16 kHz), by the tag that was given for it.
    Heard {
        tag: u32,
        pcm: Box<[i16; EAR_FRAME_SAMPLES]>,
    },
    /// From the worker: that frame of the voice has left.
    Written {
        write: u64,
    },
}

/// What the worker is to do.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Ask {
    Join {
        url: String,
        token: String,
        name: String,
        proxy_url: Option<String>,
    },
    /// Have the sound of a participant come under `tag`.
    Hear {
        participant: String,
        tag: u32,
    },
    /// Send an app message to one participant, or to all.
    Send {
        message: Value,
        to: Option<String>,
    },
    /// Fall silent: what the library does not have yet fades out.
    Hush,
    Leave,
}

/// What happens in the worker.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Tell {
    /// The library is loaded.
    Ready {
        release: String,
    },
    /// It cannot be.
    Unable {
        said: String,
    },
    /// We are in the room, under this id.
    Joined {
        id: String,
    },
    /// We are not let in.
    Refused {
        said: String,
    },
    /// Somebody else came, or changed.
    Present(Person),
    /// Somebody else left.
    Absent {
        id: String,
    },
    Message {
        from: String,
        message: Value,
    },
    /// A connection of ours was interrupted, or stands (again).
    Line {
        line: Line,
        stands: bool,
    },
    /// The call is over, for a reason if it was not asked for.
    Over {
        said: Option<String>,
    },
    /// The library tells of something gone wrong.
    Trouble {
        said: String,
    },
    /// Every second: the worker works.
    Alive,
}

/// Our connections to Daily.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    Signalling,
    Sending,
    Receiving,
}

/// A participant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Person {
    /// New each time somebody joins.
    pub id: String,
    /// As the token says; what a participant of any room keeps.
    pub user_id: Option<String>,
    pub name: String,
    pub is_owner: bool,
}

// A token opens the room: it is not shown.
impl std::fmt::Debug for Ask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Join { .. } => "Join",
            Self::Hear { .. } => "Hear",
            Self::Send { .. } => "Send",
            Self::Hush => "Hush",
            Self::Leave => "Leave",
        })
    }
}

/// Opens one end of a pair: how the other is heard, and the way to it.
pub fn open(socket: UnixStream) -> io::Result<(Reader<Heard>, Way)> {
    socket.set_nonblocking(true)?;
    let to = socket.try_clone()?;
    // SAFETY: the socket is open, stays what it is, and is only ever borrowed from where it goes.
    let heard = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) }?;
    Ok((Reader::new(Heard(heard)), Way { to, waiting: Mutex::default() }))
}

/// What comes. Only that is watched for: the runtime's own sockets would wake it as well each time that the other end has
/// taken something, a hundred times a second.
#[derive(Debug)]
pub struct Heard(AsyncFd<UnixStream>);

impl AsyncRead for Heard {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut guard = ready!(self.0.poll_read_ready(context))?;
            let space = to.initialize_unfilled();
            let wanted = space.len();
            let read = guard.try_io(|socket| socket.get_ref().read(space));
            // Otherwise there was nothing yet: it is waited for.
            if let Ok(read) = read {
                let read = read?;
                if (1..wanted).contains(&read) {
                    // That was all there is: no need to be told so by reading again.
                    guard.clear_ready();
                }
                to.advance(read);
                return Poll::Ready(Ok(()));
            }
        }
    }
}

/// The way to the other end. Whoever has a frame sends it, from whatever thread, and nobody waits.
#[derive(Debug)]
pub struct Way {
    to: UnixStream,
    /// Encoded, and not yet taken by the socket.
    waiting: Mutex<Vec<u8>>,
}

impl Way {
    /// Sends a frame behind what waits; false if it is dropped: the other end is gone, or has long not read.
    pub fn send<C: Serialize>(&self, frame: &Frame<C>) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let is_sound = matches!(frame, Frame::Voice { .. } | Frame::Heard { .. });
        let limit = if is_sound { SOUND_BYTES_MAX } else { EVENT_BYTES_MAX };
        if waiting.len() > limit {
            return false;
        }
        encode(frame, &mut waiting);
        self.write(&mut waiting)
    }

    /// Sends what waits, as far as the other end takes it; to be called now and then.
    pub fn flush(&self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        self.write(&mut waiting);
    }

    /// False once the other end is gone.
    fn write(&self, waiting: &mut Vec<u8>) -> bool {
        while !waiting.is_empty() {
            match (&self.to).write(waiting) {
                Ok(taken) => drop(waiting.drain(..taken)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Whoever reads from it notices as well.
                Err(_) => {
                    waiting.clear();
                    return false;
                }
            }
        }
        true
    }
}

/// Appends `frame` to `out`.
fn encode<C: Serialize>(frame: &Frame<C>, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    match frame {
        Frame::Control(control) => {
            out.push(CONTROL);
            serde_json::to_writer(&mut *out, control).expect("these types are JSON, and memory takes it");
        }
        Frame::Voice { write, pcm } => {
            out.push(VOICE);
            out.extend_from_slice(&write.to_le_bytes());
            append(&pcm[..], out);
        }
        Frame::Heard { tag, pcm } => {
            out.push(HEARD);
            out.extend_from_slice(&tag.to_le_bytes());
            append(&pcm[..], out);
        }
        Frame::Written { write } => {
            out.push(WRITTEN);
            out.extend_from_slice(&write.to_le_bytes());
        }
    }
    let length = u32::try_from(out.len() - start - 4).expect("a frame is short");
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

fn append(pcm: &[i16], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + 2 * pcm.len(), 0);
    for (bytes, sample) in out[start..].chunks_exact_mut(2).zip(pcm) {
        bytes.copy_from_slice(&sample.to_le_bytes());
    }
}

/// What comes from the other end, cut into frames.
#[derive(Debug)]
pub struct Reader<R> {
    from: R,
    came: Vec<u8>,
    /// How much of it was cut already.
    cut: usize,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub fn new(from: R) -> Self {
        Self { from, came: Vec::new(), cut: 0 }
    }

    /// The next frame; `None` where the other end has closed. May be dropped while it waits: nothing is lost.
    pub async fn next<C: DeserializeOwned>(&mut self) -> io::Result<Option<Frame<C>>> {
        loop {
            if let Some((frame, bytes)) = first(&self.came[self.cut..])? {
                self.cut += bytes;
                return Ok(Some(frame));
            }
            self.came.drain(..self.cut);
            self.cut = 0;
            self.came.reserve(READ_BYTES);
            if self.from.read_buf(&mut self.came).await? == 0 {
                return if self.came.is_empty() { Ok(None) } else { Err(malformed("a frame that breaks off")) };
            }
        }
    }
}

/// The first frame in `came` and its length, once it is whole.
fn first<C: DeserializeOwned>(came: &[u8]) -> io::Result<Option<(Frame<C>, usize)>> {
    let Some((length, rest)) = came.split_first_chunk() else { return Ok(None) };
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    if length == 0 || length > BODY_BYTES_MAX {
        return Err(malformed("a frame of no possible length"));
    }
    let Some(frame) = rest.get(..length) else { return Ok(None) };
    Ok(Some((decode(frame[0], &frame[1..])?, came.len() - rest.len() + length)))
}

fn decode<C: DeserializeOwned>(kind: u8, body: &[u8]) -> io::Result<Frame<C>> {
    let short = || malformed("a frame that is too short");
    match kind {
        CONTROL => serde_json::from_slice(body).map(Frame::Control).map_err(io::Error::from),
        VOICE => {
            let (write, pcm) = body.split_first_chunk().ok_or_else(short)?;
            Ok(Frame::Voice { write: u64::from_le_bytes(*write), pcm: Box::new(samples(pcm)?) })
        }
        HEARD => {
            let (tag, pcm) = body.split_first_chunk().ok_or_else(short)?;
            Ok(Frame::Heard { tag: u32::from_le_bytes(*tag), pcm: Box::new(samples(pcm)?) })
        }
        WRITTEN => {
            let write = body.first_chunk().ok_or_else(short)?;
            Ok(Frame::Written { write: u64::from_le_bytes(*write) })
        }
        _ => Err(malformed("a frame of an unknown kind")),
    }
}

fn samples<const COUNT: usize>(bytes: &[u8]) -> io::Result<[i16; COUNT]> {
    if bytes.len() != COUNT * 2 {
        return Err(malformed("sound of another length than 20 ms"));
    }
    let mut pcm = [0; COUNT];
    for (sample, bytes) in pcm.iter_mut().zip(bytes.chunks_exact(2)) {
        *sample = i16::from_le_bytes([bytes[0], bytes[1]]);
    }
    Ok(pcm)
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::io::AsyncWriteExt as _;

    fn frames() -> [Frame<Tell>; 6] {
        let mut heard = Box::new([0; EAR_FRAME_SAMPLES]);
        heard[1] = -2;
        let person = Person { id: "a".into(), user_id: None, name: "B".into(), is_owner: true };
        [
            Frame::Control(Tell::Present(person)),
            Frame::Control(Tell::Line { line: Line::Sending, stands: false }),
            Frame::Heard { tag: 7, pcm: heard },
            Frame::Voice { write: 1 << 40, pcm: Box::new([9; VOICE_FRAME_SAMPLES]) },
            Frame::Written { write: 3 },
            Frame::Control(Tell::Alive),
        ]
    }

    /// How one end hears, and the other's way to it.
    fn ends() -> (Reader<Heard>, Way) {
        let (one, other) = UnixStream::pair().expect("a pair");
        (open(one).expect("open").0, open(other).expect("open").1)
    }

    #[tokio::test]
    async fn frames_come_through_as_they_were() {
        let (mut reader, way) = ends();
        for frame in frames() {
            assert!(way.send(&frame));
        }
        for frame in frames() {
            assert_eq!(reader.next().await.expect("whole"), Some(frame));
        }
        drop(way);
        assert_eq!(reader.next::<Tell>().await.expect("the end"), None);
    }

    #[tokio::test]
    async fn a_reader_that_is_dropped_in_a_frame_loses_nothing() {
        let mut bytes = Vec::new();
        frames().iter().for_each(|frame| encode(frame, &mut bytes));
        let (mut to, from) = tokio::io::duplex(bytes.len());
        let (mut reader, mut got) = (Reader::new(from), Vec::new());
        for part in bytes.chunks(100) {
            to.write_all(part).await.expect("taken");
            while let Ok(frame) = tokio::time::timeout(Duration::ZERO, reader.next::<Tell>()).await {
                got.extend(frame.expect("whole"));
            }
        }
        assert_eq!(got, frames());
        to.write_all(&bytes[..3]).await.expect("taken");
        drop(to);
        assert!(reader.next::<Tell>().await.is_err(), "the last one breaks off");
    }

    #[tokio::test]
    async fn an_end_that_does_not_read_costs_sound_and_no_events() {
        let (mut reader, way) = ends();
        let sound = Frame::<Tell>::Heard { tag: 1, pcm: Box::new([0; EAR_FRAME_SAMPLES]) };
        let taken = (0..10_000).take_while(|_| way.send(&sound)).count();
        assert!(taken < 10_000, "it is bounded");
        assert!(way.send(&Frame::Control(Tell::Alive)), "an event still waits");
        let mut came = Vec::new();
        while came.last() != Some(&Frame::Control(Tell::Alive)) {
            way.flush();
            if let Ok(frame) = tokio::time::timeout(Duration::from_millis(5), reader.next::<Tell>()).await {
                came.extend(frame.expect("whole"));
            }
        }
        assert_eq!(came.len(), taken + 1);
        assert!(came[..taken].iter().all(|frame| *frame == sound));
        drop(reader);
        assert!(!way.send(&sound), "nobody is there any more");
    }

    #[tokio::test]
    async fn what_is_no_frame_is_refused() {
        let refused: [&[u8]; 6] = [
            &[0, 0, 0, 0],
            &[255, 255, 255, 255, 0],
            &[2, 0, 0, 0, 9, 9],
            &[3, 0, 0, 0, 2, 1, 1],
            &[5, 0, 0, 0, 2, 1, 0, 0, 0],
            &[2, 0, 0, 0, 0, b'{'],
        ];
        for bytes in refused {
            assert!(Reader::new(bytes).next::<Tell>().await.is_err(), "{bytes:?}");
        }
        let ask = Ask::Join { url: String::new(), token: "secret".into(), name: String::new(), proxy_url: None };
        assert!(!format!("{ask:?}").contains("secret"));
    }
}
