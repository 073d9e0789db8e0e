//! One connection: with `reader` the only place that knows the `webrtc` crate (0.x, it breaks with every minor version).
//! Must never keep state of the conversation, nor let a description from outside do more than fail.

use super::data::MESSAGE_BYTES_MAX;
use super::ports::{PortLease, UdpPorts};
use super::reader::{Callbacks, PeerEvent, Reader};
use super::{RoomError, WebRtcSettings, sdp};
use crate::audio::frame::EAR_RATE_HZ;
use futures::FutureExt as _;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::peer_connection::configuration::media_engine::MIME_TYPE_OPUS;
use rtc::peer_connection::configuration::setting_engine::SctpMaxMessageSize;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use webrtc::media_stream::MediaStreamTrack;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, RTCIceCandidateInit, RTCIceCandidateType,
    RTCSessionDescription, Registry, SettingEngineBuilder, configure_rtcp_reports,
};

/// What Opus is offered as: mono speech that wants in-band correction.
const OPUS_PARAMETERS: &str = "minptime=10;useinbandfec=1";
/// Longest wait for local candidates (hosts only: milliseconds).
const GATHER: Duration = Duration::from_secs(2);
/// Messages to the screen that may wait for a slow client; beyond it they are dropped and counted.
const SHOWN_MAX: usize = 256;
/// Bytes that may be under way to a slow client before its messages wait.
const SEND_BUFFER_BYTES_MAX: usize = 1024 * 1024;
/// Ports tried before giving up, where other programs hold ports of our range.
const PORTS_TRIED_MAX: usize = 8;
/// How often an idle connection is probed.
const KEEP_ALIVE: Duration = Duration::from_secs(2);

/// Counts connections of one room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PeerId(pub u64);

/// A connection. It should be closed; one that is dropped unclosed (by a panic) is closed in the background.
pub struct Peer {
    pub id: PeerId,
    connection: Arc<dyn PeerConnection>,
    track: Arc<TrackLocalStaticRTP>,
    synchronisation_source: u32,
    payload_type: u8,
    shown: mpsc::Sender<String>,
    cancel: CancellationToken,
    tasks: TaskTracker,
    is_closed: AtomicBool,
    _port: PortLease,
}

/// What a new connection needs.
#[derive(Clone)]
pub struct PeerSetup {
    pub id: PeerId,
    pub settings: Arc<WebRtcSettings>,
    pub ports: UdpPorts,
    pub news: mpsc::Sender<PeerEvent>,
    pub tasks: TaskTracker,
    pub cancel: CancellationToken,
}

/// Frame of a packet to send.
#[derive(Clone, Copy, Debug)]
pub struct RtpStamp {
    pub sequence: u16,
    pub timestamp: u32,
    /// The first packet after a pause.
    pub marker: bool,
}

impl Peer {
    /// Answers an offer with a new connection.
    pub async fn answer(setup: PeerSetup, offer: String) -> Result<(Self, String), RoomError> {
        let offer = RTCSessionDescription::offer(offer).map_err(|error| bad_offer(&error))?;
        let (shown, to_show) = mpsc::channel(SHOWN_MAX);
        let (gathered_tx, mut gathered) = mpsc::channel(1);
        let cancel = setup.cancel.child_token();
        let callbacks = Callbacks {
            reader: Reader {
                peer: setup.id,
                news: setup.news.clone(),
                tasks: setup.tasks.clone(),
                cancel: cancel.clone(),
                tracks: Arc::default(),
            },
            gathered: gathered_tx,
            to_show: Arc::new(Mutex::new(Some(to_show))),
        };
        let (connection, port) = open(&setup, callbacks).await?;
        let synchronisation_source = rand::random();
        let track = Arc::new(TrackLocalStaticRTP::new(voice_track(synchronisation_source)));
        let mut peer = Self {
            id: setup.id,
            connection,
            track,
            synchronisation_source,
            payload_type: 0,
            shown,
            cancel,
            tasks: setup.tasks.clone(),
            is_closed: AtomicBool::new(false),
            _port: port,
        };
        match peer.negotiate(offer, &mut gathered).await {
            Ok(answer) => Ok((peer, answer)),
            Err(error) => {
                peer.close().await;
                Err(error)
            }
        }
    }

    async fn negotiate(
        &mut self,
        offer: RTCSessionDescription,
        gathered: &mut mpsc::Receiver<()>,
    ) -> Result<String, RoomError> {
        let track: Arc<dyn TrackLocal> = Arc::clone(&self.track) as Arc<dyn TrackLocal>;
        let sender = self.connection.add_track(track).await.map_err(|error| failed(&error))?;
        self.connection.set_remote_description(offer).await.map_err(|error| bad_offer(&error))?;
        let answer = self.connection.create_answer(None).await.map_err(|error| bad_offer(&error))?;
        self.connection.set_local_description(answer).await.map_err(|error| bad_offer(&error))?;
        // Without every candidate the answer is still one.
        let _ = tokio::time::timeout(GATHER, gathered.recv()).await;
        let parameters = sender.get_parameters().await.map_err(|error| failed(&error))?;
        let codecs = parameters.rtp_parameters.codecs;
        let opus = codecs.iter().find(|codec| codec.rtp_codec.mime_type.eq_ignore_ascii_case(MIME_TYPE_OPUS));
        self.payload_type = opus.ok_or(RoomError::NoAudio)?.payload_type;
        self.told_answer().await
    }

    /// The answer as the client is told it: what it sends is heard at the ears' rate.
    async fn told_answer(&self) -> Result<String, RoomError> {
        let answer = self.connection.local_description().await;
        let answer = answer.ok_or_else(|| RoomError::Failed { why: "no answer was made".to_owned() })?;
        Ok(sdp::with_playback_rate(&answer.sdp, self.payload_type, EAR_RATE_HZ))
    }

    /// Takes a fragment: new credentials restart ICE and bring an answer's fragment, candidates alone are added.
    pub async fn patch(&self, fragment: &sdp::Fragment) -> Result<Option<String>, RoomError> {
        // The one in force: an earlier restart that failed has left one pending.
        let remote = self.connection.current_remote_description().await.ok_or(RoomError::NoSuchConnection)?;
        let restart = fragment.credentials.as_ref().filter(|(ufrag, _)| sdp::user_fragment(&remote.sdp) != Some(ufrag));
        let Some((ufrag, password)) = restart else {
            for candidate in &fragment.candidates {
                let candidate = RTCIceCandidateInit {
                    candidate: candidate.clone(),
                    sdp_mline_index: Some(0),
                    ..RTCIceCandidateInit::default()
                };
                self.connection.add_ice_candidate(candidate).await.map_err(|error| bad_fragment(&error))?;
            }
            return Ok(None);
        };
        let offer = sdp::restarted(&remote.sdp, ufrag, password, &fragment.candidates);
        let offer = RTCSessionDescription::offer(offer).map_err(|error| bad_fragment(&error))?;
        self.connection.set_remote_description(offer).await.map_err(|error| bad_fragment(&error))?;
        let answer = self.connection.create_answer(None).await.map_err(|error| bad_fragment(&error))?;
        self.connection.set_local_description(answer).await.map_err(|error| bad_fragment(&error))?;
        let answer = self.connection.local_description().await;
        Ok(answer.map(|answer| sdp::write_fragment(&answer.sdp)))
    }

    /// Answers another offer on the same connection (the client has changed what it sends).
    pub async fn renegotiate(&self, offer: String) -> Result<String, RoomError> {
        let offer = RTCSessionDescription::offer(offer).map_err(|error| bad_offer(&error))?;
        self.connection.set_remote_description(offer).await.map_err(|error| bad_offer(&error))?;
        let answer = self.connection.create_answer(None).await.map_err(|error| bad_offer(&error))?;
        self.connection.set_local_description(answer).await.map_err(|error| bad_offer(&error))?;
        self.told_answer().await
    }

    /// Hands a packet to the connection; false if it could not be taken at once.
    pub fn send(&self, stamp: RtpStamp, payload: Vec<u8>) -> bool {
        let header = rtc::rtp::Header {
            version: 2,
            marker: stamp.marker,
            payload_type: self.payload_type,
            sequence_number: stamp.sequence,
            timestamp: stamp.timestamp,
            ssrc: self.synchronisation_source,
            ..rtc::rtp::Header::default()
        };
        let packet = rtc::rtp::Packet { header, payload: payload.into() };
        matches!(self.track.write_rtp(packet).now_or_never(), Some(Ok(())))
    }

    /// Queues a message for the screen; false if the client is too slow for it, or has no channel for it.
    pub fn show(&self, message: String) -> bool {
        self.shown.try_send(message).is_ok()
    }

    /// Whether a message would find a place: one that would not need not be written.
    pub fn takes_messages(&self) -> bool {
        self.shown.capacity() > 0
    }

    /// Ends the connection and its tasks, and frees its sockets.
    pub async fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        close(&*self.connection).await;
        self.cancel.cancel();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.cancel.cancel();
        if !self.is_closed.load(Ordering::Relaxed) && tokio::runtime::Handle::try_current().is_ok() {
            let connection = Arc::clone(&self.connection);
            self.tasks.spawn(async move { close(&*connection).await });
        }
    }
}

async fn close(connection: &dyn PeerConnection) {
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, "a connection did not close cleanly");
    }
}

fn bad_offer(error: &webrtc::error::Error) -> RoomError {
    RoomError::BadOffer { why: error.to_string() }
}

fn bad_fragment(error: &webrtc::error::Error) -> RoomError {
    RoomError::BadFragment { why: error.to_string() }
}

fn failed(error: &webrtc::error::Error) -> RoomError {
    RoomError::Failed { why: error.to_string() }
}

/// Builds the connection on a port that can be bound.
async fn open(setup: &PeerSetup, callbacks: Callbacks) -> Result<(Arc<dyn PeerConnection>, PortLease), RoomError> {
    let handler = Arc::new(callbacks);
    let mut tried = Vec::new();
    loop {
        let lease = setup.ports.lease(&tried)?;
        let built = build(&setup.settings, lease.port, Arc::clone(&handler)).await;
        tried.push(lease);
        match (built, tried.pop()) {
            (Ok(connection), Some(lease)) => return Ok((connection, lease)),
            (Err(error), lease) => {
                tried.extend(lease);
                if tried.len() >= setup.ports.count().min(PORTS_TRIED_MAX) {
                    return Err(failed(&error));
                }
            }
            (Ok(_), None) => return Err(RoomError::NoPort),
        }
    }
}

async fn build(
    settings: &WebRtcSettings,
    port: u16,
    handler: Arc<Callbacks>,
) -> Result<Arc<dyn PeerConnection>, webrtc::error::Error> {
    let mut media = MediaEngine::default();
    let codec = RTCRtpCodecParameters { rtp_codec: opus_codec(), payload_type: 111 };
    media.register_codec(codec, RtpCodecKind::Audio)?;
    let mut engine = SettingEngineBuilder::new()
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .with_sctp_max_message_size(SctpMaxMessageSize::Bounded(MESSAGE_BYTES_MAX))
        .with_ice_timeouts(
            Some(settings.disconnected_after),
            Some(settings.failed_after),
            Some(KEEP_ALIVE.min(settings.disconnected_after / 2)),
        );
    if !settings.nat_1to1_ips.is_empty() {
        let ips = settings.nat_1to1_ips.iter().map(IpAddr::to_string).collect();
        engine = engine.with_nat_1to1_ips(ips, RTCIceCandidateType::Host);
    }
    let connection = PeerConnectionBuilder::new()
        .with_media_engine(media)
        .with_interceptor_registry(configure_rtcp_reports(Registry::new()))
        .with_setting_engine(engine.build())
        .with_handler(handler)
        .with_data_channel_send_buffer_limit(SEND_BUFFER_BYTES_MAX)
        .with_udp_addrs(bind_addresses(&settings.addresses, port))
        .build()
        .await?;
    Ok(Arc::new(connection))
}

/// The sockets to bind: a wildcard means every card to the crate, but never the loopback, so that is named as well. On a
/// machine without a network the loopback stands alone: the crate would bind the wildcard itself and offer `0.0.0.0`.
fn bind_addresses(addresses: &[IpAddr], port: u16) -> Vec<SocketAddr> {
    let cards = local_cards();
    let mut out: Vec<SocketAddr> = Vec::new();
    for address in addresses {
        let loopback = match address {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        };
        let own = match address.is_unspecified() {
            false => [Some(*address), None],
            true if cards.iter().any(|card| card.is_ipv4() == address.is_ipv4()) => [Some(loopback), Some(*address)],
            true => [Some(loopback), None],
        };
        for address in own.into_iter().flatten() {
            let address = SocketAddr::new(address, port);
            if !out.contains(&address) {
                out.push(address);
            }
        }
    }
    out
}

/// The addresses of this machine that the crate takes a wildcard for: no loopback, none that is good for one link only.
fn local_cards() -> Vec<IpAddr> {
    let of_one_link = |ip: &IpAddr| match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    let cards = rtc::shared::ifaces::ifaces().unwrap_or_default();
    let ips = cards.into_iter().filter_map(|card| card.addr).map(|address| address.ip());
    ips.filter(|ip| !ip.is_loopback() && !ip.is_unspecified() && !of_one_link(ip)).collect()
}

fn opus_codec() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: MIME_TYPE_OPUS.to_owned(),
        clock_rate: 48_000,
        channels: 2,
        sdp_fmtp_line: OPUS_PARAMETERS.to_owned(),
        rtcp_feedback: Vec::new(),
    }
}

fn voice_track(synchronisation_source: u32) -> MediaStreamTrack {
    let coding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: Some(synchronisation_source),
            ..RTCRtpCodingParameters::default()
        },
        codec: opus_codec(),
        ..RTCRtpEncodingParameters::default()
    };
    let name = |what: &str| what.to_owned();
    MediaStreamTrack::new(name("interviewer"), name("voice"), name("voice"), RtpCodecKind::Audio, vec![coding])
}
