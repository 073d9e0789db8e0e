//! The worker: a process that holds one call in Daily's native client, and passes between it and the session's socket.
//! It decides nothing. It ends when its session does: whatever the library makes of the farewell, the process goes. Sound
//! takes the shortest way: the library's own threads write it to the socket.

use super::events::{self, Event};
use super::lips::{Lips, Write};
use super::native::{self, Call, Listener, Request};
use super::wire::{self, Ask, Frame, Heard, Reader, Tell, Way};
use crate::audio::frame::{EAR_FRAME_SAMPLES, EAR_RATE_HZ, VOICE_RATE_HZ};
use serde_json::json;
use std::collections::HashMap;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;

/// Events of the library that may wait; a call has some tens in all.
const EVENTS_MAX: usize = 1_024;
/// How often the session hears that the worker works.
const ALIVE_EVERY: Duration = Duration::from_secs(1);
/// How long the library may take to leave once the session is gone.
const LEAVE_MAX: Duration = Duration::from_secs(2);
/// How often, with a second in between, what getting into the room needed is given back: the connections stand by then.
/// Never while somebody is heard, but for once when that has just begun: what is wanted again comes from the disk if the
/// machine is short of memory, and the client answers such a stall by more delay.
const GIVEN_BACK_TIMES: u32 = 5;
/// After so many pulses (1 to 2 s) the connection over which somebody is heard stands as well.
const HEARD_PULSES: u32 = 2;
/// Bit rate of our voice, bit/s: good mono speech.
const VOICE_BITRATE: u32 = 32_000;

/// Our voice: what the session has to say, in the library's hands as late as may be. When the library has taken a write, its
/// own thread hands it the next.
struct Voice {
    call: Arc<OnceLock<Call>>,
    way: Arc<Way>,
    lips: Mutex<Lips>,
}

impl Voice {
    fn say(&self, write: Write) {
        let next = locked(&self.lips).say(write);
        self.hand_over(next);
    }

    fn taken(&self, write: u64) {
        tell(&self.way, &Frame::Written { write });
        let next = locked(&self.lips).taken();
        self.hand_over(next);
    }

    /// Without the lock: the library may tell at once that it has taken a write.
    fn hand_over(&self, mut next: Option<Write>) {
        while let Some((write, pcm)) = next {
            if self.call.get().is_some_and(|call| call.write(write, &pcm[..])) {
                return;
            }
            // The session counts what is under way: what is not taken must not be waited for.
            tell(&self.way, &Frame::Written { write });
            next = locked(&self.lips).taken();
        }
    }
}

/// The library's listener: cuts sound to 20 ms and passes on, and never waits.
struct Ears {
    way: Arc<Way>,
    voice: Arc<Voice>,
    events: mpsc::Sender<Event>,
    /// By renderer: the sound of less than a frame.
    begun: Mutex<HashMap<u64, Vec<i16>>>,
}

impl Listener for Ears {
    fn event(&self, json: &str) {
        match events::read(json) {
            Event::Other => {}
            event @ (Event::Tell(_) | Event::Answered { .. } | Event::State { .. }) => {
                if self.events.try_send(event).is_err() {
                    tracing::warn!("the worker does not keep up with its call");
                }
            }
        }
    }

    fn audio(&self, renderer: u64, pcm: &[i16]) {
        let Ok(tag) = u32::try_from(renderer) else { return };
        let mut begun = locked(&self.begun);
        let begun = begun.entry(renderer).or_insert_with(|| Vec::with_capacity(2 * EAR_FRAME_SAMPLES));
        begun.extend_from_slice(pcm);
        while let Some(frame) = begun.first_chunk::<EAR_FRAME_SAMPLES>() {
            tell(&self.way, &Frame::Heard { tag, pcm: Box::new(*frame) });
            begun.drain(..EAR_FRAME_SAMPLES);
        }
    }

    fn written(&self, write: u64) {
        self.voice.taken(write);
    }
}

/// What a thread that broke off left is as good as what it found: a part of a frame at most.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tell(way: &Way, frame: &Frame<Tell>) {
    if !way.send(frame) {
        tracing::warn!("the session is gone, or does not keep up with its call");
    }
}

/// Serves one session over `socket`, with the library at `library`. Returns when either side has ended it.
pub async fn run(socket: UnixStream, library: &Path) -> io::Result<()> {
    let (asks, way) = wire::open(socket)?;
    let way = Arc::new(way);
    if let Err(error) = native::load(library) {
        tell(&way, &Frame::Control(Tell::Unable { said: error.to_string() }));
        return Ok(());
    }
    // Of linking it.
    native::give_back();
    tell(&way, &Frame::Control(Tell::Ready { release: native::RELEASE.to_owned() }));
    let (events_tx, events) = mpsc::channel(EVENTS_MAX);
    let held = Arc::new(OnceLock::new());
    let voice = Arc::new(Voice { call: held.clone(), way: way.clone(), lips: Mutex::default() });
    let ears = Ears { way: way.clone(), voice: voice.clone(), events: events_tx, begun: Mutex::default() };
    let Some(call) = Call::open(Box::new(ears), VOICE_RATE_HZ) else {
        tell(&way, &Frame::Control(Tell::Unable { said: "the library gave no audio track".to_owned() }));
        return Ok(());
    };
    let call = held.get_or_init(|| call);
    let worker = Worker { call, way, voice, joining: None, is_in: false, hears: None, leaving: None, given_back: 0 };
    worker.run(events, asks).await;
    Ok(())
}

/// Tells the session at `socket` why it cannot be served, so that it does not try again.
pub fn be_unable(socket: UnixStream, why: &str) -> io::Result<()> {
    let (_, way) = wire::open(socket)?;
    tell(&way, &Frame::Control(Tell::Unable { said: why.to_owned() }));
    Ok(())
}

struct Worker<'a> {
    call: &'a Call,
    way: Arc<Way>,
    voice: Arc<Voice>,
    joining: Option<Request>,
    is_in: bool,
    /// Pulses since somebody is to be heard.
    hears: Option<u32>,
    leaving: Option<Request>,
    /// How often memory was given back since we are in the room.
    given_back: u32,
}

impl Worker<'_> {
    async fn run(mut self, mut events: mpsc::Receiver<Event>, mut asks: Reader<Heard>) {
        let mut alive = tokio::time::interval(ALIVE_EVERY);
        loop {
            tokio::select! {
                biased;
                ask = asks.next() => match ask {
                    Ok(Some(Frame::Control(ask))) => self.obey(ask),
                    Ok(Some(Frame::Voice { write, pcm })) => self.voice.say((write, pcm)),
                    Ok(Some(Frame::Heard { .. } | Frame::Written { .. })) => {}
                    Ok(None) | Err(_) => break,
                },
                Some(event) = events.recv() => if self.pass_on(event) { return },
                _ = alive.tick() => {
                    self.tell(Tell::Alive);
                    self.give_back();
                }
            }
        }
        // The session is gone, perhaps killed: the room is left all the same.
        let leave = self.leaving.unwrap_or_else(|| self.call.leave());
        let _ = tokio::time::timeout(LEAVE_MAX, async {
            while let Some(event) = events.recv().await {
                if matches!(event, Event::Answered { request, .. } if request == leave.0) {
                    return;
                }
            }
        })
        .await;
    }

    /// What getting into the room needed, and nobody wants any more.
    fn give_back(&mut self) {
        let is_due = match &mut self.hears {
            None => self.is_in && self.given_back < GIVEN_BACK_TIMES,
            Some(pulses) => {
                *pulses = pulses.saturating_add(1);
                *pulses == HEARD_PULSES
            }
        };
        if is_due {
            self.given_back += 1;
            native::give_back();
        }
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
                self.hears.get_or_insert(0);
                self.call.hear(u64::from(tag), &participant, EAR_RATE_HZ);
            }
            Ask::Send { message, to } => {
                self.call.send_message(&message, to.as_deref());
            }
            Ask::Hush => locked(&self.voice.lips).hush(),
            Ask::Leave => self.leaving = Some(self.call.leave()),
        }
    }

    /// Passes on what the library told; true once it has left the room because it was asked to.
    fn pass_on(&mut self, event: Event) -> bool {
        let tell = match event {
            Event::Tell(tell) => tell,
            Event::Answered { request, .. } if Some(Request(request)) == self.leaving => {
                self.tell(Tell::Over { said: None });
                return true;
            }
            Event::Answered { request, result } => {
                let is_of_join = Some(Request(request)) == self.joining;
                match result {
                    Ok(joined) if is_of_join => self.joined(&joined),
                    Err(said) if is_of_join => Tell::Refused { said },
                    Ok(_) => return false,
                    Err(said) => Tell::Trouble { said },
                }
            }
            // A refused join is told by its answer, a call that we leave by the answer to that.
            Event::State { state, said } if state == "left" && self.is_in && self.leaving.is_none() => {
                Tell::Over { said }
            }
            Event::State { .. } | Event::Other => return false,
        };
        self.tell(tell);
        false
    }

    fn joined(&mut self, answer: &serde_json::Value) -> Tell {
        match answer.pointer("/participants/local/id").and_then(|id| id.as_str()) {
            Some(id) => {
                self.is_in = true;
                native::give_back();
                Tell::Joined { id: id.to_owned() }
            }
            None => Tell::Refused { said: "the library does not say who we are".to_owned() },
        }
    }

    fn tell(&self, said: Tell) {
        tell(&self.way, &Frame::Control(said));
    }
}
