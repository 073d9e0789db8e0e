//! What a session and its worker process say to each other over a Unix socket: frames of a length, a kind and a body.
//! Control is JSON, sound is samples. Must never carry the API key, nor trust a length.

use crate::audio::frame::{EAR_FRAME_SAMPLES, VOICE_FRAME_SAMPLES};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Longest body, bytes: an app message of Daily has at most 4 kB, an event about a participant a few.
const BODY_BYTES_MAX: usize = 256 * 1024;
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

/// Appends `frame` to `out`.
pub fn encode<C: Serialize>(frame: &Frame<C>, out: &mut Vec<u8>) {
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
            out.extend(pcm.iter().flat_map(|sample| sample.to_le_bytes()));
        }
        Frame::Heard { tag, pcm } => {
            out.push(HEARD);
            out.extend_from_slice(&tag.to_le_bytes());
            out.extend(pcm.iter().flat_map(|sample| sample.to_le_bytes()));
        }
        Frame::Written { write } => {
            out.push(WRITTEN);
            out.extend_from_slice(&write.to_le_bytes());
        }
    }
    let length = u32::try_from(out.len() - start - 4).expect("a frame is short");
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

/// Writes one frame.
pub async fn write<C: Serialize>(to: &mut (impl AsyncWrite + Unpin), frame: &Frame<C>) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(1_024);
    encode(frame, &mut bytes);
    to.write_all(&bytes).await
}

/// Reads one frame; `None` where the other side has closed. Not to be dropped in between.
pub async fn read<C: DeserializeOwned>(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Frame<C>>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length).await {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length == 0 || length > BODY_BYTES_MAX {
        return Err(malformed("a frame of no possible length"));
    }
    let mut frame = vec![0; length];
    from.read_exact(&mut frame).await?;
    decode(frame[0], &frame[1..]).map(Some)
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

    #[tokio::test]
    async fn frames_come_through_as_they_were() {
        let mut heard = Box::new([0; EAR_FRAME_SAMPLES]);
        heard[1] = -2;
        let person = Person { id: "a".into(), user_id: None, name: "B".into(), is_owner: true };
        let frames = [
            Frame::Control(Tell::Present(person)),
            Frame::Control(Tell::Line { line: Line::Sending, stands: false }),
            Frame::Heard { tag: 7, pcm: heard },
            Frame::Voice { write: 1 << 40, pcm: Box::new([9; VOICE_FRAME_SAMPLES]) },
            Frame::Written { write: 3 },
            Frame::Control(Tell::Alive),
        ];
        let mut bytes = Vec::new();
        frames.iter().for_each(|frame| encode(frame, &mut bytes));
        let mut from = bytes.as_slice();
        for frame in frames {
            assert_eq!(read(&mut from).await.expect("whole"), Some(frame));
        }
        assert_eq!(read::<Tell>(&mut from).await.expect("the end"), None);
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
        for mut bytes in refused {
            assert!(read::<Tell>(&mut bytes).await.is_err(), "{bytes:?}");
        }
        let ask = Ask::Join { url: String::new(), token: "secret".into(), name: String::new(), proxy_url: None };
        assert!(!format!("{ask:?}").contains("secret"));
    }
}
