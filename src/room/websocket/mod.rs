//! A WebSocket as a room: sound in binary messages (16 kHz PCM or Opus), everything else in the same JSON envelopes as on a
//! page's data channel. For scripts, telephony bridges and browsers without UDP. One [`SocketRoomHandle`] an interview; a
//! socket that comes later takes the place of the one before. Must never send sound ahead of the clock.

mod listening;

pub use listening::{SOUND_BYTES_MAX, SoundFormat};

use super::webrtc::data;
use super::webrtc::link::Allowance;
use super::webrtc::{Ended, Outbox, Pace, Slot, Voice};
use super::{ClosedReason, RoomCommand, RoomEvent, SampleClock, ServerMessage, SessionPort};
use crate::audio::frame::{EAR_FRAME_SAMPLES, EAR_RATE_HZ, FRAME_MS, VOICE_FRAME_SAMPLES, VOICE_RATE_HZ};
use crate::audio::opus::{ENCODED_BYTES_MAX, Encoder, EncoderSettings, OpusError};
use crate::clock::Clock;
use listening::Listening;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Messages of the caller that may wait: what is not taken waits in the caller's own socket.
pub const INCOMING_MAX: usize = 16;
/// Messages to the caller that may wait (5 s of sound); a caller that takes no more loses them.
pub const OUTGOING_MAX: usize = 256;
/// Sockets that may wait to take over.
const SOCKETS_MAX: usize = 4;
/// Longest wait for the first socket, which is on its way when the room is opened.
const FIRST: Duration = Duration::from_secs(10);
/// Longest wait for the session to take the last events.
const LAST_EVENTS: Duration = Duration::from_secs(1);
const FRAME: Duration = Duration::from_millis(FRAME_MS as u64);
/// How long the room sleeps when nothing is due.
const IDLE: Duration = Duration::from_secs(3_600);

/// What a caller sends, and is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SocketMessage {
    Sound(Vec<u8>),
    Text(String),
}

/// The ends of one socket that the room holds; the socket is over when either is dropped.
#[derive(Debug)]
pub struct Socket {
    pub incoming: mpsc::Receiver<SocketMessage>,
    pub outgoing: mpsc::Sender<SocketMessage>,
    pub format: SoundFormat,
}

/// What a room is made of.
#[derive(Debug)]
pub struct SocketRoomSetup {
    /// The session's sample clock.
    pub clock: SampleClock,
    /// For the timestamps of captions.
    pub wall_clock: Clock,
    pub port: SessionPort,
    pub encoder: EncoderSettings,
    /// How long a caller whose socket broke may take to come back.
    pub reconnect: Duration,
    pub tasks: TaskTracker,
    pub cancel: CancellationToken,
}

/// The door of a room.
#[derive(Clone, Debug)]
pub struct SocketRoomHandle {
    sockets: mpsc::Sender<Socket>,
}

impl SocketRoomHandle {
    /// Starts a room's task. It ends by `Close`, by its session's end, or when nobody comes back in time.
    #[must_use]
    pub fn open(setup: SocketRoomSetup) -> Self {
        let (sockets_tx, sockets) = mpsc::channel(SOCKETS_MAX);
        let tasks = setup.tasks.clone();
        tasks.spawn(Room::new(setup).run(sockets));
        Self { sockets: sockets_tx }
    }

    /// Hands a socket over; false if the room is over.
    pub async fn join(&self, socket: Socket) -> bool {
        self.sockets.send(socket).await.is_ok()
    }
}

/// What goes out: sound in the format that the caller asked for.
enum Mouth {
    /// From the voice's rate to the ears': three samples become two.
    Pcm,
    Opus(Box<Encoder>),
}

/// A socket in use.
struct Line {
    socket: Socket,
    mouth: Mouth,
    listening: Listening,
    allowance: Allowance,
    /// The caller sends faster than the clock runs: nothing is read until then.
    held_until: Option<Instant>,
}

struct Room {
    setup: SocketRoomSetup,
    out: Outbox,
    voice: Voice,
    pace: Pace,
    line: Option<Line>,
    absent_until: Instant,
    tick_due: Instant,
}

impl Room {
    fn new(mut setup: SocketRoomSetup) -> Self {
        let (unused, _) = mpsc::channel(1);
        let events = std::mem::replace(&mut setup.port.events, unused);
        let now = Instant::now();
        Self {
            out: Outbox::new(events),
            voice: Voice::default(),
            pace: Pace::default(),
            line: None,
            absent_until: now + FIRST.max(setup.reconnect),
            tick_due: now,
            setup,
        }
    }

    async fn run(mut self, mut sockets: mpsc::Receiver<Socket>) {
        let cancel = self.setup.cancel.clone();
        let reason = loop {
            let wake = self.due();
            tokio::select! {
                biased;
                () = cancel.cancelled() => break ClosedReason::Asked,
                () = tokio::time::sleep_until(wake.into()) => {}
                command = self.setup.port.commands.recv() => match command {
                    None | Some(RoomCommand::Close) => break ClosedReason::Asked,
                    Some(command) => self.obey(command),
                },
                Some(socket) = sockets.recv() => self.take_over(socket, Instant::now()),
                message = incoming(&mut self.line, Instant::now()) => self.received(message, Instant::now()),
            }
            if let Some(reason) = self.advance(Instant::now()) {
                break reason;
            }
        };
        self.line = None;
        self.out.push(RoomEvent::Closed { reason });
        if tokio::time::timeout(LAST_EVENTS, self.out.flush()).await.is_err() {
            tracing::warn!("the session did not take the room's last events");
        }
    }

    fn due(&self) -> Instant {
        let line = self.line.as_ref().map(|line| line.held_until.map_or(self.tick_due, |held| held.min(self.tick_due)));
        let absent = self.line.is_none().then_some(self.absent_until);
        let due = [line, absent, self.pace.due().filter(|_| self.line.is_some())];
        due.into_iter().flatten().min().unwrap_or_else(|| Instant::now() + IDLE)
    }

    fn obey(&mut self, command: RoomCommand) {
        match command {
            RoomCommand::Play { speech, pcm } => {
                if let Err(error) = self.voice.play(speech, pcm) {
                    tracing::error!(%speech, %error, "voice was dropped");
                }
            }
            RoomCommand::EndOfSpeech { speech } => self.voice.end(speech),
            RoomCommand::Hold { speech } => self.voice.hold(speech),
            RoomCommand::Resume { speech } => self.voice.resume(speech),
            RoomCommand::Stop { speech } => self.voice.stop(speech),
            RoomCommand::Show(message) => self.show(&message),
            RoomCommand::Close => {}
        }
    }

    fn take_over(&mut self, socket: Socket, now: Instant) {
        let line = match Line::new(socket, self.setup.clock, self.setup.encoder, now) {
            Ok(line) => line,
            Err(error) => {
                tracing::error!(%error, "a socket's codec could not be made");
                return;
            }
        };
        if self.line.is_some() {
            self.show(&ServerMessage::Ended { reason: "taken_over".to_owned() });
            self.out.push(RoomEvent::Interrupted);
        }
        self.line = Some(line);
        self.tick_due = now + FRAME;
        self.out.push(RoomEvent::Connected);
    }

    fn received(&mut self, message: Option<SocketMessage>, now: Instant) {
        let Some(line) = &mut self.line else { return };
        match message {
            Some(SocketMessage::Sound(bytes)) => {
                if line.listening.push(&bytes, now).is_err() {
                    let _ = line
                        .socket
                        .outgoing
                        .try_send(SocketMessage::Text(data::refusal(None, "no sound of this format")));
                }
                line.held_until = line.listening.ahead_until(now);
            }
            Some(SocketMessage::Text(_)) if !line.allowance.take(now) => {
                metrics::counter!("vivavoce_room_messages_refused_total").increment(1);
            }
            Some(SocketMessage::Text(text)) => self.message(&text),
            None => {
                self.line = None;
                self.voice.interrupted();
                self.pace.interrupted();
                self.absent_until = now + self.setup.reconnect;
                self.out.push(RoomEvent::Interrupted);
            }
        }
    }

    fn message(&mut self, text: &str) {
        let (signal, answer) = data::take(text);
        if let Some(answer) = answer {
            self.send(SocketMessage::Text(answer));
        }
        if let Some(signal) = signal {
            self.out.push(RoomEvent::Signal(signal));
        }
    }

    fn show(&self, message: &ServerMessage) {
        self.send(SocketMessage::Text(data::write(message, self.setup.wall_clock.now())));
    }

    fn send(&self, message: SocketMessage) {
        if let Some(line) = &self.line
            && line.socket.outgoing.try_send(message).is_err()
        {
            metrics::counter!("vivavoce_room_messages_unsent_total").increment(1);
        }
    }

    fn advance(&mut self, now: Instant) -> Option<ClosedReason> {
        if let Some(line) = &mut self.line {
            if now >= self.tick_due {
                line.listening.tick(now);
                self.tick_due = (self.tick_due + FRAME).max(now);
            }
            line.held_until = line.held_until.filter(|held| *held > now);
            while let Some(frame) = line.listening.pop() {
                self.out.push(RoomEvent::Heard(frame));
            }
        }
        self.send_slots(now);
        self.tell_ended();
        self.out.drain();
        if self.out.is_closed() {
            return Some(ClosedReason::Asked);
        }
        (self.line.is_none() && now >= self.absent_until).then_some(ClosedReason::Left)
    }

    fn send_slots(&mut self, now: Instant) {
        if self.line.is_none() {
            return;
        }
        if self.voice.has_slot() {
            self.pace.want(now);
        }
        while self.pace.due().is_some_and(|due| due <= now) {
            let Some(slot) = self.voice.take_slot() else { return self.pace.interrupted() };
            let Some((time, _)) = self.pace.take(now, self.voice.has_slot()) else { return };
            // Silence need not be sent where nothing is lost.
            if let Slot::Speech { speech, offset_samples, pcm } = slot {
                if let Some(sound) = self.line.as_mut().and_then(|line| line.mouth.write(&pcm)) {
                    self.send(SocketMessage::Sound(sound));
                }
                self.out.push(RoomEvent::Sent { speech, at: self.setup.clock.at(time), offset_samples, pcm });
            }
            self.tell_ended();
        }
    }

    fn tell_ended(&mut self) {
        while let Some(ended) = self.voice.pop_ended() {
            self.out.push(match ended {
                Ended::Done { speech, sent_samples } => RoomEvent::SpeechDone { speech, sent_samples },
                Ended::Stopped { speech, sent_samples } => RoomEvent::SpeechStopped { speech, sent_samples },
            });
        }
    }
}

impl Line {
    fn new(socket: Socket, clock: SampleClock, encoder: EncoderSettings, now: Instant) -> Result<Self, OpusError> {
        let mouth = match socket.format {
            SoundFormat::Pcm => Mouth::Pcm,
            SoundFormat::Opus => Mouth::Opus(Box::new(Encoder::new(encoder)?)),
        };
        let mut listening = Listening::new(clock, socket.format)?;
        listening.connected(now);
        Ok(Self { socket, mouth, listening, allowance: Allowance::new(now), held_until: None })
    }
}

impl Mouth {
    fn write(&mut self, pcm: &[i16; VOICE_FRAME_SAMPLES]) -> Option<Vec<u8>> {
        match self {
            Self::Pcm => {
                let mut sound = Vec::with_capacity(2 * EAR_FRAME_SAMPLES);
                narrowed(pcm).for_each(|sample| sound.extend_from_slice(&sample.to_le_bytes()));
                Some(sound)
            }
            Self::Opus(encoder) => {
                let mut packet = [0; ENCODED_BYTES_MAX];
                let length = encoder.encode(pcm, &mut packet).ok()?;
                Some(packet[..length].to_vec())
            }
        }
    }
}

/// 20 ms at the voice's rate as 20 ms at the ears'. Every third pair of neighbours is taken together: what lies above the
/// lower rate is damped by it, which is enough for speech.
fn narrowed(pcm: &[i16; VOICE_FRAME_SAMPLES]) -> impl Iterator<Item = i16> {
    debug_assert_eq!(VOICE_RATE_HZ * 2, EAR_RATE_HZ * 3);
    pcm.chunks_exact(3).flat_map(|three| [three[0], ((i32::from(three[1]) + i32::from(three[2])) / 2) as i16])
}

/// The caller's next message, unless the caller is ahead of the clock.
async fn incoming(line: &mut Option<Line>, now: Instant) -> Option<SocketMessage> {
    match line {
        Some(line) if line.held_until.is_none_or(|held| held <= now) => line.socket.incoming.recv().await,
        Some(_) | None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::frame::SamplePos;
    use crate::room::{ClientSignal, port_pair};

    #[tokio::test]
    async fn a_flood_of_messages_is_cut_to_its_allowance() {
        let (mut session, port) = port_pair();
        let now = Instant::now();
        let room = SocketRoomHandle::open(SocketRoomSetup {
            clock: SampleClock { origin: now, origin_at: SamplePos(0) },
            wall_clock: Clock::system(),
            port,
            encoder: EncoderSettings::default(),
            reconnect: Duration::from_secs(1),
            tasks: TaskTracker::new(),
            cancel: CancellationToken::new(),
        });
        let (caller, incoming) = mpsc::channel(INCOMING_MAX);
        let (outgoing, _to_caller) = mpsc::channel(OUTGOING_MAX);
        assert!(room.join(Socket { incoming, outgoing, format: SoundFormat::Pcm }).await);
        let flood = r#"{"label":"rtvi-ai","type":"send-text","id":"1","data":{"content":"again"}}"#;
        for _ in 0..1_000 {
            caller.send(SocketMessage::Text(flood.to_owned())).await.expect("it is read");
        }
        drop(caller);
        let mut taken = 0;
        let mut event = session.events.recv().await.expect("an event");
        while !matches!(event, RoomEvent::Interrupted) {
            taken += u32::from(matches!(event, RoomEvent::Signal(ClientSignal::Text(_))));
            event = session.events.recv().await.expect("the room goes on");
        }
        // A machine that stands still for some seconds has earned more.
        assert!((1..500).contains(&taken), "{taken} of 1,000");
    }
}
