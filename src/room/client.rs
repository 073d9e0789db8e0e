//! A candidate's end of a WebRTC room, in Rust: what `rehearse` and the tests speak and listen with. It sends 20 ms
//! packets by a clock of its own, silence included, as a browser's microphone does, and tells when each packet came.
//! Must never be used by the server.

mod line;

use crate::audio::opus::{Encoder, EncoderSettings, OpusError};
use crate::room::webrtc::data::CHANNEL_LABEL;
use crate::room::webrtc::sdp;
use line::{ClientCallbacks, Line, opus_codec};
use rtc::ice::mdns::MulticastDnsMode;
use rtc::peer_connection::configuration::setting_engine::SctpMaxMessageSize;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use webrtc::data_channel::DataChannel;
use webrtc::media_stream::MediaStreamTrack;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, RTCSessionDescription, Registry, SettingEngineBuilder,
    configure_rtcp_reports,
};

/// Events that may wait for the client's owner (20 s of packets); beyond it they are dropped.
const EVENTS_MAX: usize = 1_024;
/// Pieces of speech that may wait for the microphone.
const SPEECH_MAX: usize = 16;
/// Longest wait for a connection and its data channel.
const CONNECT: Duration = Duration::from_secs(15);
/// Longest wait for local candidates.
const GATHER: Duration = Duration::from_secs(2);
/// How long a polite close waits for its goodbye to leave.
const GOODBYE: Duration = Duration::from_millis(100);

/// Decides of the n-th packet whether the network loses it.
pub type Loss = Box<dyn FnMut(u64) -> bool + Send + Sync>;

/// How a client listens and speaks.
pub struct ClientSettings {
    /// Address to bind; it must reach the server's candidates.
    pub address: SocketAddr,
    /// Rate of what is spoken, Hz: 16,000, 24,000 or 48,000.
    pub microphone_hz: u32,
    /// Rate of what is heard, Hz: 16,000, 24,000 or 48,000.
    pub ear_hz: u32,
    /// Send nothing while silent, as some clients do.
    pub is_discontinuous: bool,
    /// Packets that get lost on the way to the server.
    pub loss: Option<Loss>,
    /// One of many: no reactor of its own (then it cannot vanish without a word), the least effort of the encoder, and
    /// silence that is encoded once.
    pub is_one_of_many: bool,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            microphone_hz: 16_000,
            ear_hz: 16_000,
            is_discontinuous: false,
            loss: None,
            is_one_of_many: false,
        }
    }
}

/// What a client lives through.
#[derive(Debug)]
pub enum ClientEvent {
    /// A packet of the interviewer's voice.
    Audio(ClientAudio),
    /// A message on the data channel.
    Message(Value),
    /// The connection is broken or over.
    Gone,
}

/// One packet as it was heard.
#[derive(Clone, Debug)]
pub struct ClientAudio {
    pub arrival: Instant,
    /// In 48 kHz ticks; tells how much silence was not sent since the packet before.
    pub timestamp: u32,
    pub marker: bool,
    /// Decoded at [`ClientSettings::ear_hz`].
    pub pcm: Vec<i16>,
}

/// When a piece of speech left the microphone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spoken {
    pub from: Instant,
    /// The end of its last packet.
    pub to: Instant,
}

/// Why a client has no connection.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("the offer was refused: {0}")]
    Refused(String),
    #[error("webrtc: {0}")]
    Connection(#[from] webrtc::error::Error),
    #[error(transparent)]
    Codec(#[from] OpusError),
    #[error("no connection within the limit")]
    TimedOut,
    #[error("the connection is gone")]
    Gone,
}

/// Speech on its way out.
struct Piece {
    pcm: Vec<i16>,
    spoken: oneshot::Sender<Spoken>,
}

/// The client's mouth; clones share it.
#[derive(Clone, Debug)]
pub struct Microphone {
    pieces: mpsc::Sender<Piece>,
}

impl Microphone {
    /// Says `pcm` (mono, [`ClientSettings::microphone_hz`]) behind what is being said; comes back when it was sent.
    pub async fn say(&self, pcm: Vec<i16>) -> Result<Spoken, ClientError> {
        let (spoken, done) = oneshot::channel();
        self.pieces.send(Piece { pcm, spoken }).await.map_err(|_| ClientError::Gone)?;
        done.await.map_err(|_| ClientError::Gone)
    }
}

/// A candidate's connection.
pub struct Client {
    connection: Arc<dyn PeerConnection>,
    channel: Arc<dyn DataChannel>,
    microphone: Microphone,
    events: mpsc::Receiver<ClientEvent>,
    cancel: CancellationToken,
}

impl Client {
    /// Connects: makes an offer, has `post` bring it to the server and come back with the answer, and waits until the
    /// data channel is open.
    pub async fn connect<P, E>(settings: ClientSettings, post: P) -> Result<Self, ClientError>
    where
        P: AsyncFnOnce(String) -> Result<String, E>,
        E: std::fmt::Display,
    {
        let (events_tx, events) = mpsc::channel(EVENTS_MAX);
        let (gathered_tx, mut gathered) = mpsc::channel(1);
        let cancel = CancellationToken::new();
        let (connected_tx, connected) = watch::channel(false);
        let (open_tx, opened) = watch::channel(false);
        let line = Line { events: events_tx, cancel: cancel.clone(), ear_hz: settings.ear_hz };
        let callbacks = ClientCallbacks { line: line.clone(), gathered: gathered_tx, connected: connected_tx };
        let connection = build(&settings, callbacks).await?;
        let synchronisation_source = rand::random();
        let track = Arc::new(TrackLocalStaticRTP::new(microphone_track(synchronisation_source)));
        let sender = connection.add_track(Arc::clone(&track) as Arc<dyn TrackLocal>).await?;
        let channel = connection.create_data_channel(CHANNEL_LABEL, None).await?;
        tokio::spawn(line.follow_channel(Arc::clone(&channel), open_tx));
        let offer = connection.create_offer(None).await?;
        connection.set_local_description(offer).await?;
        let _ = tokio::time::timeout(GATHER, gathered.recv()).await;
        let offer = connection.local_description().await.ok_or(ClientError::Gone)?;
        let (pieces, to_say) = mpsc::channel(SPEECH_MAX);
        let client = Self { connection, channel, microphone: Microphone { pieces }, events, cancel };
        let connected = async {
            let answer = post(offer.sdp).await.map_err(|error| ClientError::Refused(error.to_string()))?;
            let playback_hz = sdp::playback_rate(&answer);
            client.connection.set_remote_description(RTCSessionDescription::answer(answer)?).await?;
            reached(connected).await?;
            reached(opened).await.map(|()| playback_hz)
        };
        let connected = tokio::time::timeout(CONNECT, connected).await.map_err(|_| ClientError::TimedOut);
        let playback_hz = match connected.flatten() {
            Ok(playback_hz) => playback_hz,
            Err(error) => {
                client.close().await;
                return Err(error);
            }
        };
        let codecs = sender.get_parameters().await?.rtp_parameters.codecs;
        let payload_type = codecs.first().ok_or(ClientError::Gone)?.payload_type;
        let usual = EncoderSettings { rate_hz: settings.microphone_hz, ..EncoderSettings::default() };
        let complexity = if settings.is_one_of_many { 0 } else { usual.complexity };
        let mut encoder = Encoder::new(EncoderSettings { complexity, ..usual })?;
        // As browsers do.
        if let Some(playback_hz) = playback_hz {
            encoder.limit_to(playback_hz)?;
        }
        let mouth = line::Mouth::new(track, synchronisation_source, payload_type, encoder, settings);
        tokio::spawn(mouth.run(to_say, client.cancel.clone()));
        Ok(client)
    }

    /// The next event; `None` when the connection is closed.
    pub async fn next(&mut self) -> Option<ClientEvent> {
        self.events.recv().await
    }

    /// The client's mouth.
    #[must_use]
    pub fn microphone(&self) -> Microphone {
        self.microphone.clone()
    }

    /// Sends a message on the data channel.
    pub async fn send(&self, message: &Value) -> Result<(), ClientError> {
        Ok(self.channel.send_text(&message.to_string()).await?)
    }

    /// Sends text as it is, well-formed or not.
    pub async fn send_raw(&self, text: &str) -> Result<(), ClientError> {
        Ok(self.channel.send_text(text).await?)
    }

    /// Sends a message of `kind` in the RTVI envelope.
    pub async fn send_rtvi(&self, kind: &str, id: &str, data: Value) -> Result<(), ClientError> {
        self.send(&serde_json::json!({"label": "rtvi-ai", "type": kind, "id": id, "data": data})).await
    }

    /// Restarts ICE, as a page does whose machine changed networks; `patch` brings the fragment to the server and comes
    /// back with the server's.
    pub async fn restart_ice<P, E>(&self, patch: P) -> Result<(), ClientError>
    where
        P: AsyncFnOnce(String) -> Result<String, E>,
        E: std::fmt::Display,
    {
        self.connection.restart_ice().await?;
        let offer = self.connection.create_offer(None).await?;
        self.connection.set_local_description(offer).await?;
        let offer = self.connection.local_description().await.ok_or(ClientError::Gone)?;
        let fragment = sdp::write_fragment(&offer.sdp);
        let fragment = patch(fragment).await.map_err(|error| ClientError::Refused(error.to_string()))?;
        let fragment = sdp::read_fragment(&fragment).map_err(|error| ClientError::Refused(error.to_string()))?;
        let (ufrag, password) = fragment.credentials.ok_or(ClientError::Gone)?;
        let last = self.connection.current_remote_description().await.ok_or(ClientError::Gone)?;
        let answer = sdp::restarted(&last.sdp, &ufrag, &password, &fragment.candidates);
        Ok(self.connection.set_remote_description(RTCSessionDescription::answer(answer)?).await?)
    }

    /// Says goodbye, as a page does that is closed.
    pub async fn close(self) {
        let _ = self.channel.close().await;
        tokio::time::sleep(GOODBYE).await;
        let _ = self.connection.close().await;
        self.cancel.cancel();
    }

    /// Goes without a word, as a machine does that lost its network.
    pub fn vanish(self) {
        // A connection with a reactor of its own stops when it is dropped, and sends nothing.
        self.cancel.cancel();
    }
}

async fn reached(mut state: watch::Receiver<bool>) -> Result<(), ClientError> {
    state.wait_for(|reached| *reached).await.map(drop).map_err(|_| ClientError::Gone)
}

async fn build(
    settings: &ClientSettings,
    callbacks: ClientCallbacks,
) -> Result<Arc<dyn PeerConnection>, webrtc::error::Error> {
    let mut media = MediaEngine::default();
    let codec = RTCRtpCodecParameters { rtp_codec: opus_codec(), payload_type: 111 };
    media.register_codec(codec, RtpCodecKind::Audio)?;
    let engine = SettingEngineBuilder::new()
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .with_sctp_max_message_size(SctpMaxMessageSize::Unbounded);
    let connection = PeerConnectionBuilder::new()
        .with_media_engine(media)
        .with_interceptor_registry(configure_rtcp_reports(Registry::new()))
        .with_setting_engine(engine.build())
        .with_handler(Arc::new(callbacks))
        .with_udp_addrs(vec![settings.address]);
    let connection = if settings.is_one_of_many { connection } else { connection.with_dedicated_reactor_pool_size(1) };
    Ok(Arc::new(connection.build().await?))
}

fn microphone_track(synchronisation_source: u32) -> MediaStreamTrack {
    let coding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: Some(synchronisation_source),
            ..RTCRtpCodingParameters::default()
        },
        codec: opus_codec(),
        ..RTCRtpEncodingParameters::default()
    };
    let name = |what: &str| what.to_owned();
    MediaStreamTrack::new(name("candidate"), name("microphone"), name("microphone"), RtpCodecKind::Audio, vec![coding])
}
