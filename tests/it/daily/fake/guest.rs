//! People in the fake's rooms who use no native client: they speak in Opus at the pace of the clock, hear every native
//! client, and send and get app messages.

use super::{Hall, Order, log};
use rtc::rtp::{Header, Packet};
use rtc::shared::marshal::{Marshal as _, Unmarshal as _};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use vivavoce::audio::opus::{Decoder, ENCODED_BYTES_MAX, Encoder, EncoderSettings};

/// What a guest may have heard and not yet looked at (a minute of sound).
const HEARD_MAX: usize = 4_096;
/// Rate of what guests say and hear, Hz.
pub const GUEST_HZ: u32 = 24_000;
/// Niceness of a microphone's thread; below 0 is for privileged accounts alone.
const MICROPHONE_NICE: i32 = -15;

/// Who is in a room.
pub struct Member {
    pub room: String,
    name: String,
    user_id: Option<String>,
    heard: mpsc::Sender<Heard>,
}

/// What reaches a guest.
#[derive(Clone, Debug)]
pub enum Heard {
    /// A packet of a client's voice.
    Packet {
        at: Instant,
        packet: Packet,
    },
    Message(Value),
}

impl Member {
    pub fn name(&self) -> Value {
        json!(self.name)
    }

    pub fn user_id(&self) -> Value {
        json!(self.user_id)
    }

    pub fn tell(&self, message: Value) {
        let _ = self.heard.try_send(Heard::Message(message));
    }
}

/// A guest, until it is dropped.
pub struct Guest {
    pub id: String,
    hall: Hall,
    say: mpsc::Sender<Vec<i16>>,
    pub heard: mpsc::Receiver<Heard>,
    decoder: Decoder,
    cancel: CancellationToken,
}

impl Guest {
    /// Comes into `room`; what it says is sent from now on, silence included.
    pub fn join(hall: &Hall, room: &str, name: &str, user_id: Option<&str>) -> Self {
        let mut guest = Self::join_silently(hall, room, name, user_id);
        let (say_tx, say) = mpsc::channel(64);
        let (hall, id, cancel) = (hall.clone(), guest.id.clone(), guest.cancel.clone());
        let microphone = std::thread::Builder::new().name("microphone".to_owned());
        microphone.spawn(move || speak(&hall, &id, say, &cancel)).expect("a thread");
        guest.say = say_tx;
        guest
    }

    /// Comes into `room`; somebody else sends its packets by [`Hall::send_packet`].
    pub fn join_silently(hall: &Hall, room: &str, name: &str, user_id: Option<&str>) -> Self {
        let (heard_tx, heard) = mpsc::channel(HEARD_MAX);
        let id = uuid::Uuid::new_v4().to_string();
        let member = Member {
            room: room.to_owned(),
            name: name.to_owned(),
            user_id: user_id.map(str::to_owned),
            heard: heard_tx,
        };
        hall.state().guests.insert(id.clone(), member);
        hall.introduce(&id);
        let (say, _) = mpsc::channel(1);
        let decoder = Decoder::new(GUEST_HZ).expect("a decoder");
        Self { id, hall: hall.clone(), say, heard, decoder, cancel: CancellationToken::new() }
    }

    /// Says this (24 kHz) behind what is being said.
    pub fn say(&self, pcm: Vec<i16>) {
        self.say.try_send(pcm).expect("a guest says less");
    }

    /// Sends an app message to the native clients of the room.
    pub fn send(&self, message: &Value) {
        let room = self.hall.state().guests.get(&self.id).map(|guest| guest.room.clone()).unwrap_or_default();
        let message = json!({ "msgStr": "sig-msg", "tag": "x-egassem", "from": self.id, "msgData": message });
        self.hall.tell_clients(&room, &message);
    }

    /// What was heard of voices and messages within `time`: samples (24 kHz) with the instant of each packet.
    pub async fn listen(&mut self, time: Duration) -> (Vec<(Instant, Vec<i16>)>, Vec<Value>) {
        let until = tokio::time::Instant::now() + time;
        let (mut sound, mut messages) = (Vec::new(), Vec::new());
        while let Ok(Some(heard)) = tokio::time::timeout_at(until, self.heard.recv()).await {
            match heard {
                Heard::Packet { at, packet } => {
                    let mut pcm = vec![0; self.decoder.samples_max()];
                    let samples = self.decoder.decode(&packet.payload, &mut pcm).expect("Opus");
                    pcm.truncate(samples);
                    sound.push((at, pcm));
                }
                Heard::Message(message) => messages.push(message),
            }
        }
        (sound, messages)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.cancel.cancel();
        let gone = self.hall.state().guests.remove(&self.id);
        if let Some(gone) = gone {
            let leaves = json!({ "msgStr": "sig-presence", "from": self.id, "msgData": null });
            self.hall.tell_clients(&gone.room, &leaves);
        }
    }
}

/// A microphone: 20 ms at a time, by its own clock, which nothing else on this machine holds up where that can be had: a
/// candidate's is another machine.
fn speak(hall: &Hall, id: &str, mut say: mpsc::Receiver<Vec<i16>>, cancel: &CancellationToken) {
    // SAFETY: it takes three numbers, and concerns this thread alone.
    let _ = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, MICROPHONE_NICE) };
    let settings = EncoderSettings { rate_hz: GUEST_HZ, ..EncoderSettings::default() };
    let mut encoder = Encoder::new(settings).expect("an encoder");
    let mut waiting = VecDeque::new();
    let mut due = Instant::now();
    let (mut sequence, mut timestamp) = (0_u16, 0_u32);
    while !cancel.is_cancelled() {
        due += Duration::from_millis(20);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        while let Ok(more) = say.try_recv() {
            waiting.extend(more);
        }
        let mut pcm = vec![0; encoder.frame_samples()];
        let said = pcm.len().min(waiting.len());
        pcm.iter_mut().zip(waiting.drain(..said)).for_each(|(to, from)| *to = from);
        let mut packet = [0; ENCODED_BYTES_MAX];
        let length = encoder.encode(&pcm, &mut packet).expect("encoded");
        (sequence, timestamp) = (sequence.wrapping_add(1), timestamp.wrapping_add(960));
        hall.send_packet(id, sequence, timestamp, &packet[..length]);
    }
}

impl Hall {
    /// Tells the clients of its room of somebody, a guest or another client.
    pub(super) fn introduce(&self, newcomer: &str) {
        let state = self.state();
        let Some((room, name, user_id)) = state.card(newcomer) else { return };
        let others = state.clients.iter().filter(|(id, client)| client.room == room && client.is_in && *id != newcomer);
        for (id, client) in others {
            // A presence has some 35 fields; those that nobody looks at are the client's own.
            let mut presence = client.presence.clone();
            presence["id"] = json!(newcomer);
            presence["name"] = name.clone();
            presence["user_id"] = user_id.clone();
            let appears = json!({ "msgStr": "sig-presence", "from": newcomer, "msgData": presence });
            let _ = client.orders.try_send(Order::Send(appears));
            let _ = client.orders.try_send(Order::Send(state.tracks(&room, id)));
        }
    }

    /// A packet of somebody's voice goes to the clients that want to hear it.
    pub fn send_packet(&self, guest: &str, sequence: u16, timestamp: u32, opus: &[u8]) {
        let state = self.state();
        let Some((room, ..)) = state.card(guest) else { return };
        for client in state.clients.values().filter(|client| client.room == room) {
            if let (Some(stream), Some(transport)) = (client.streams.get(guest), &client.receiving) {
                let header = Header {
                    version: 2,
                    payload_type: 111,
                    sequence_number: sequence,
                    timestamp,
                    ssrc: *stream,
                    ..Header::default()
                };
                let packet = Packet { header, payload: opus.to_vec().into() };
                transport.send(&packet.marshal().expect("RTP"));
            }
        }
    }

    /// A client's packets go to the others in its room.
    pub(super) async fn spread(self, client: String, mut received: mpsc::Receiver<Vec<u8>>) {
        while let Some(packet) = received.recv().await {
            let Ok(packet) = Packet::unmarshal(&mut packet.as_slice()) else { continue };
            if packet.header.payload_type != 111 {
                log(&format!("a packet of type {}", packet.header.payload_type));
                continue;
            }
            let Header { sequence_number, timestamp, .. } = packet.header;
            self.send_packet(&client, sequence_number, timestamp, &packet.payload);
            let state = self.state();
            let Some(room) = state.clients.get(&client).map(|client| client.room.clone()) else { return };
            for guest in state.guests.values().filter(|guest| guest.room == room) {
                let _ = guest.heard.try_send(Heard::Packet { at: Instant::now(), packet: packet.clone() });
            }
        }
    }
}
