//! The worker: a process that holds one call in Daily's native client, and passes between it and the session's socket.
//! It decides nothing. It ends when its session does: whatever the library makes of the farewell, the process goes.

use super::events::{self, Event};
use super::native::{self, Call, Listener, Request};
use super::wire::{self, Ask, Frame, Tell};
use crate::audio::frame::{EAR_FRAME_SAMPLES, EAR_RATE_HZ, VOICE_RATE_HZ};
use serde_json::json;
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

/// Events of the library that may wait: a second of sound of ten participants, and all else besides.
const EVENTS_MAX: usize = 1_024;
/// How often the session hears that the worker works.
const ALIVE_EVERY: Duration = Duration::from_secs(1);
/// How long the library may take to leave once the session is gone.
const LEAVE_MAX: Duration = Duration::from_secs(2);
/// Bit rate of our voice, bit/s: good mono speech.
const VOICE_BITRATE: u32 = 32_000;

/// What the library's threads tell.
enum News {
    Event(Event),
    Heard(Frame<Tell>),
    Written(u64),
}

/// The library's listener: cuts sound to 20 ms and passes on, and never waits.
struct Ears {
    news: mpsc::Sender<News>,
    /// By renderer: the sound of less than a frame.
    begun: Mutex<HashMap<u64, Vec<i16>>>,
}

impl Ears {
    fn tell(&self, news: News) {
        if self.news.try_send(news).is_err() {
            tracing::warn!("the worker does not keep up with its call");
        }
    }
}

impl Listener for Ears {
    fn event(&self, json: &str) {
        match events::read(json) {
            Event::Other => {}
            event @ (Event::Tell(_) | Event::Answered { .. } | Event::State { .. }) => self.tell(News::Event(event)),
        }
    }

    fn audio(&self, renderer: u64, pcm: &[i16]) {
        let mut frames = Vec::new();
        {
            let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
            let begun = begun.entry(renderer).or_default();
            begun.extend_from_slice(pcm);
            while begun.len() >= EAR_FRAME_SAMPLES {
                let mut frame = Box::new([0; EAR_FRAME_SAMPLES]);
                frame.iter_mut().zip(begun.drain(..EAR_FRAME_SAMPLES)).for_each(|(to, from)| *to = from);
                frames.push(frame);
            }
        }
        let Ok(tag) = u32::try_from(renderer) else { return };
        frames.into_iter().for_each(|pcm| self.tell(News::Heard(Frame::Heard { tag, pcm })));
    }

    fn written(&self, write: u64) {
        self.tell(News::Written(write));
    }
}

/// Serves one session over `socket`, with the library at `library`. Returns when either side has ended it.
pub async fn run(socket: UnixStream, library: &Path) -> io::Result<()> {
    let (from, mut to) = socket.into_split();
    if let Err(error) = native::load(library) {
        return wire::write(&mut to, &Frame::Control(Tell::Unable { said: error.to_string() })).await;
    }
    let (news_tx, news) = mpsc::channel(EVENTS_MAX);
    let ears = Ears { news: news_tx, begun: Mutex::default() };
    let Some(call) = Call::open(Box::new(ears), VOICE_RATE_HZ) else {
        let said = "the library gave no audio track".to_owned();
        return wire::write(&mut to, &Frame::Control(Tell::Unable { said })).await;
    };
    wire::write(&mut to, &Frame::Control(Tell::Ready { release: native::RELEASE.to_owned() })).await?;
    let (asks_tx, asks) = mpsc::channel(64);
    tokio::spawn(take_asks(from, asks_tx));
    Worker { call, to, joining: None, is_in: false, leaving: None }.run(news, asks).await
}

/// Reads to the end, in a task of its own since reading a frame must not be dropped half-way.
async fn take_asks(mut from: OwnedReadHalf, asks: mpsc::Sender<Frame<Ask>>) {
    while let Ok(Some(frame)) = wire::read(&mut from).await {
        if asks.send(frame).await.is_err() {
            return;
        }
    }
}

struct Worker {
    call: Call,
    to: OwnedWriteHalf,
    joining: Option<Request>,
    is_in: bool,
    leaving: Option<Request>,
}

impl Worker {
    async fn run(mut self, mut news: mpsc::Receiver<News>, mut asks: mpsc::Receiver<Frame<Ask>>) -> io::Result<()> {
        let mut alive = tokio::time::interval(ALIVE_EVERY);
        loop {
            tokio::select! {
                biased;
                ask = asks.recv() => match ask {
                    Some(Frame::Control(ask)) => self.obey(ask),
                    Some(Frame::Voice { write, pcm }) => self.say(write, &pcm[..]).await?,
                    Some(Frame::Heard { .. } | Frame::Written { .. }) => {}
                    None => break,
                },
                Some(news) = news.recv() => if self.pass_on(news).await? { return Ok(()) },
                _ = alive.tick() => self.tell(Tell::Alive).await?,
            }
        }
        // The session is gone, perhaps killed: the room is left all the same.
        let leave = self.leaving.unwrap_or_else(|| self.call.leave());
        let _ = tokio::time::timeout(LEAVE_MAX, async {
            while let Some(news) = news.recv().await {
                if let News::Event(Event::Answered { request, .. }) = news
                    && request == leave.0
                {
                    return;
                }
            }
        })
        .await;
        Ok(())
    }

    fn obey(&mut self, ask: Ask) {
        match ask {
            Ask::Join { url, token, name, proxy_url } => {
                if let Some(proxy_url) = proxy_url {
                    self.call.set_proxy_url(&proxy_url);
                }
                self.call.set_user_name(&name);
                // An interviewer by voice takes no pictures.
                let no_pictures = json!({ "base": { "camera": "unsubscribed", "screenVideo": "unsubscribed" } });
                self.call.update_subscription_profiles(&no_pictures);
                let settings = json!({
                    "inputs": {
                        "camera": false,
                        "microphone": { "isEnabled": true, "settings": { "customTrack": { "id": self.call.track() } } },
                    },
                    "publishing": {
                        "microphone": {
                            "isPublishing": true,
                            "sendSettings": { "channelConfig": "mono", "bitrate": VOICE_BITRATE },
                        },
                    },
                });
                self.joining = Some(self.call.join(&url, &token, &settings));
            }
            Ask::Hear { participant, tag } => {
                self.call.hear(u64::from(tag), &participant, EAR_RATE_HZ);
            }
            Ask::Send { message, to } => {
                self.call.send_message(&message, to.as_deref());
            }
            Ask::Leave => self.leaving = Some(self.call.leave()),
        }
    }

    async fn say(&mut self, write: u64, pcm: &[i16]) -> io::Result<()> {
        if self.call.write(write, pcm) {
            return Ok(());
        }
        // The session counts what is under way: what is not taken must not be waited for.
        wire::write(&mut self.to, &Frame::<Tell>::Written { write }).await
    }

    /// Passes on what the library told; true once it has left the room because it was asked to.
    async fn pass_on(&mut self, news: News) -> io::Result<bool> {
        let tell = match news {
            News::Written(write) => {
                wire::write(&mut self.to, &Frame::<Tell>::Written { write }).await?;
                return Ok(false);
            }
            News::Heard(frame) => {
                wire::write(&mut self.to, &frame).await?;
                return Ok(false);
            }
            News::Event(Event::Tell(tell)) => tell,
            News::Event(Event::Answered { request, result }) => {
                let request = Some(Request(request));
                if request == self.leaving {
                    self.tell(Tell::Over { said: None }).await?;
                    return Ok(true);
                }
                match result {
                    Ok(joined) if request == self.joining => {
                        match joined.pointer("/participants/local/id").and_then(|id| id.as_str()) {
                            Some(id) => {
                                self.is_in = true;
                                Tell::Joined { id: id.to_owned() }
                            }
                            None => Tell::Refused { said: "the library does not say who we are".to_owned() },
                        }
                    }
                    Err(said) if request == self.joining => Tell::Refused { said },
                    Ok(_) => return Ok(false),
                    Err(said) => Tell::Trouble { said },
                }
            }
            // A refused join is told by its answer, a call that we leave by the answer to that.
            News::Event(Event::State { state, said }) if state == "left" && self.is_in && self.leaving.is_none() => {
                Tell::Over { said }
            }
            News::Event(Event::State { .. } | Event::Other) => return Ok(false),
        };
        self.tell(tell).await?;
        Ok(false)
    }

    async fn tell(&mut self, tell: Tell) -> io::Result<()> {
        wire::write(&mut self.to, &Frame::Control(tell)).await
    }
}
