//! The client's side of the wire: its callbacks, its ear and its mouth. Must never be ahead of its own clock.

use super::{ClientAudio, ClientEvent, ClientSettings, Loss, Piece, Spoken};
use crate::audio::frame::FRAME_MS;
use crate::audio::opus::{Decoder, ENCODED_BYTES_MAX, Encoder};
use futures::future::BoxFuture;
use rtc::peer_connection::configuration::media_engine::MIME_TYPE_OPUS;
use rtc::rtp_transceiver::rtp_sender::RTCRtpCodec;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use webrtc::data_channel::{DataChannel, DataChannelEvent};
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{PeerConnectionEventHandler, RTCIceGatheringState, RTCPeerConnectionState};

const FRAME: Duration = Duration::from_millis(FRAME_MS as u64);
/// Silence is the same from so many frames on.
const SETTLED_FRAMES: u32 = 10;
/// RTP ticks in a frame (48 kHz).
const FRAME_TICKS: u32 = 960;

pub fn opus_codec() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: MIME_TYPE_OPUS.to_owned(),
        clock_rate: 48_000,
        channels: 2,
        sdp_fmtp_line: "minptime=10;useinbandfec=1".to_owned(),
        rtcp_feedback: Vec::new(),
    }
}

/// Where what happens is told.
#[derive(Clone)]
pub struct Line {
    pub events: mpsc::Sender<ClientEvent>,
    pub cancel: CancellationToken,
    pub ear_hz: u32,
}

impl Line {
    fn tell(&self, event: ClientEvent) {
        if self.events.try_send(event).is_err() {
            tracing::debug!("a client's owner does not listen");
        }
    }

    pub async fn follow_channel(self, channel: Arc<dyn DataChannel>, opened: watch::Sender<bool>) {
        while let Some(Some(event)) = self.cancel.run_until_cancelled(channel.poll()).await {
            match event {
                DataChannelEvent::OnOpen => drop(opened.send_replace(true)),
                DataChannelEvent::OnMessage(message) => {
                    if let Ok(value) = serde_json::from_slice(&message.data) {
                        self.tell(ClientEvent::Message(value));
                    }
                }
                DataChannelEvent::OnClose => return self.tell(ClientEvent::Gone),
                DataChannelEvent::OnError
                | DataChannelEvent::OnClosing
                | DataChannelEvent::OnBufferedAmountLow
                | DataChannelEvent::OnBufferedAmountHigh
                | _ => {}
            }
        }
    }

    async fn listen(self, track: Arc<dyn TrackRemote>) {
        let Ok(mut decoder) = Decoder::new(self.ear_hz) else { return };
        let mut pcm = vec![0; decoder.samples_max()];
        while let Some(Some(event)) = self.cancel.run_until_cancelled(track.poll()).await {
            if let TrackRemoteEvent::OnRtpPacket(packet) = event
                && let Ok(samples) = decoder.decode(&packet.payload, &mut pcm)
            {
                self.tell(ClientEvent::Audio(ClientAudio {
                    arrival: Instant::now(),
                    timestamp: packet.header.timestamp,
                    marker: packet.header.marker,
                    pcm: pcm[..samples].to_vec(),
                }));
            }
        }
    }
}

/// What the crate calls; nothing here waits.
pub struct ClientCallbacks {
    pub line: Line,
    pub gathered: mpsc::Sender<()>,
    pub connected: watch::Sender<bool>,
}

fn done<'a>() -> BoxFuture<'a, ()> {
    Box::pin(std::future::ready(()))
}

impl PeerConnectionEventHandler for ClientCallbacks {
    fn on_ice_gathering_state_change<'s, 'a>(&'s self, state: RTCIceGatheringState) -> BoxFuture<'a, ()>
    where
        's: 'a,
    {
        if state == RTCIceGatheringState::Complete {
            let _ = self.gathered.try_send(());
        }
        done()
    }

    fn on_connection_state_change<'s, 'a>(&'s self, state: RTCPeerConnectionState) -> BoxFuture<'a, ()>
    where
        's: 'a,
    {
        if state == RTCPeerConnectionState::Connected {
            self.connected.send_replace(true);
        }
        let is_gone =
            [RTCPeerConnectionState::Disconnected, RTCPeerConnectionState::Failed, RTCPeerConnectionState::Closed];
        if is_gone.contains(&state) {
            self.line.tell(ClientEvent::Gone);
        }
        done()
    }

    fn on_track<'s, 'a>(&'s self, track: Arc<dyn TrackRemote>) -> BoxFuture<'a, ()>
    where
        's: 'a,
    {
        tokio::spawn(self.line.clone().listen(track));
        done()
    }
}

/// Sends a packet every 20 ms by its own clock.
pub struct Mouth {
    track: Arc<TrackLocalStaticRTP>,
    synchronisation_source: u32,
    payload_type: u8,
    encoder: Encoder,
    is_discontinuous: bool,
    loss: Option<Loss>,
    /// Silence as it was encoded last, once it has settled.
    silence: Option<Vec<u8>>,
    keeps_silence: bool,
    silent_frames: u32,
    sequence: u16,
    timestamp: u32,
    packets: u64,
    /// What is being said, and when it began.
    saying: VecDeque<i16>,
    piece: Option<(Piece, Instant)>,
}

impl Mouth {
    pub fn new(
        track: Arc<TrackLocalStaticRTP>,
        synchronisation_source: u32,
        payload_type: u8,
        encoder: Encoder,
        settings: ClientSettings,
    ) -> Self {
        Self {
            track,
            synchronisation_source,
            payload_type,
            encoder,
            is_discontinuous: settings.is_discontinuous,
            loss: settings.loss,
            silence: None,
            keeps_silence: settings.is_one_of_many,
            silent_frames: 0,
            sequence: rand::random(),
            timestamp: rand::random(),
            packets: 0,
            saying: VecDeque::new(),
            piece: None,
        }
    }

    pub async fn run(mut self, mut pieces: mpsc::Receiver<Piece>, cancel: CancellationToken) {
        let mut ticks = tokio::time::interval(FRAME);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        loop {
            let Some(tick) = cancel.run_until_cancelled(ticks.tick()).await else { return };
            if self.piece.is_none()
                && let Ok(mut piece) = pieces.try_recv()
            {
                self.saying.extend(std::mem::take(&mut piece.pcm));
                self.piece = Some((piece, tick.into_std()));
            }
            self.send_frame().await;
            if self.saying.is_empty()
                && let Some((piece, from)) = self.piece.take()
            {
                let _ = piece.spoken.send(Spoken { from, to: tick.into_std() + FRAME });
            }
        }
    }

    /// The next frame, encoded.
    fn encode(&mut self) -> Option<Vec<u8>> {
        self.silent_frames = if self.saying.is_empty() { self.silent_frames.saturating_add(1) } else { 0 };
        let is_settled = self.keeps_silence && self.silent_frames > SETTLED_FRAMES;
        if let Some(silence) = self.silence.as_ref().filter(|_| is_settled) {
            return Some(silence.clone());
        }
        let samples = self.encoder.frame_samples();
        let mut pcm = vec![0; samples];
        let said = samples.min(self.saying.len());
        pcm.iter_mut().zip(self.saying.drain(..said)).for_each(|(to, from)| *to = from);
        let mut packet = [0; ENCODED_BYTES_MAX];
        let length = self.encoder.encode(&pcm, &mut packet).ok()?;
        let packet = packet[..length].to_vec();
        if is_settled {
            self.silence = Some(packet.clone());
        }
        Some(packet)
    }

    async fn send_frame(&mut self) {
        self.timestamp = self.timestamp.wrapping_add(FRAME_TICKS);
        if self.is_discontinuous && self.saying.is_empty() {
            return;
        }
        let Some(payload) = self.encode() else { return };
        self.sequence = self.sequence.wrapping_add(1);
        self.packets += 1;
        let number = self.packets;
        if self.loss.as_mut().is_some_and(|is_lost| is_lost(number)) {
            return;
        }
        let header = rtc::rtp::Header {
            version: 2,
            payload_type: self.payload_type,
            sequence_number: self.sequence,
            timestamp: self.timestamp,
            ssrc: self.synchronisation_source,
            ..rtc::rtp::Header::default()
        };
        let packet = rtc::rtp::Packet { header, payload: payload.into() };
        if let Err(error) = self.track.write_rtp(packet).await {
            tracing::debug!(%error, "a client's packet was not sent");
        }
    }
}
