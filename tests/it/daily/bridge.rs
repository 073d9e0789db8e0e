//! A front of the server for the unmodified rehearsal: what it asks by REST is passed on, with a Daily room in place of the
//! browser's; the voice connection that it makes ends here, and becomes a guest of the fake's room. Packets and messages
//! pass as they are.

use super::fake::{Guest, Hall, Heard, claims};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, post};
use futures::future::BoxFuture;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::peer_connection::configuration::media_engine::MIME_TYPE_OPUS;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use webrtc::data_channel::{DataChannel, DataChannelEvent};
use webrtc::media_stream::MediaStreamTrack;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState,
    RTCSessionDescription, Registry, SettingEngineBuilder, configure_rtcp_reports,
};

/// The front.
#[derive(Clone)]
pub struct Bridge {
    pub url: String,
    server: String,
    hall: Hall,
    http: reqwest::Client,
    calls: Arc<Mutex<HashMap<String, CancellationToken>>>,
}

impl Bridge {
    /// Before the server at `server`.
    pub async fn start(server: &str, hall: &Hall) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let bridge = Self {
            url: format!("http://{}", listener.local_addr().expect("bound")),
            server: server.to_owned(),
            hall: hall.clone(),
            http: reqwest::Client::builder().no_proxy().build().expect("a client"),
            calls: Arc::default(),
        };
        let routes = Router::new()
            .route("/api/v1/interviews", post(create))
            .route("/api/v1/interviews/{id}/whip", post(connect))
            .route("/api/v1/interviews/{id}/whip/{call}", delete(hang_up))
            .fallback(pass_on)
            .with_state(bridge.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        bridge
    }

    async fn ask(&self, request: Request, path: &str, body: Option<Bytes>) -> Response {
        let (parts, own) = request.into_parts();
        let own = axum::body::to_bytes(own, 1 << 20).await.expect("a body");
        let mut asked = self.http.request(parts.method, format!("{}{path}", self.server)).body(body.unwrap_or(own));
        for name in ["authorization", "content-type"] {
            if let Some(value) = parts.headers.get(name) {
                asked = asked.header(name, value);
            }
        }
        let answer = asked.send().await.expect("the server answers");
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut response = Response::new(Body::from(answer.bytes().await.expect("a body")));
        *response.status_mut() = status;
        for name in ["content-type", "location"] {
            if let Some(value) = headers.get(name) {
                response.headers_mut().insert(axum::http::HeaderName::from_static(name), value.clone());
            }
        }
        response
    }
}

async fn pass_on(State(bridge): State<Bridge>, request: Request) -> Response {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    bridge.ask(request, &path, None).await
}

async fn create(State(bridge): State<Bridge>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
    let mut wish: Value = serde_json::from_slice(&body).expect("JSON");
    wish["room"] = "daily".into();
    let request = Request::from_parts(parts, Body::empty());
    bridge.ask(request, "/api/v1/interviews", Some(wish.to_string().into())).await
}

/// The rehearsal's offer: the interviewer is sent into the Daily room, and the rehearsal is its guest.
async fn connect(State(bridge): State<Bridge>, Path(id): Path<String>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let offer = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
    let request = Request::from_parts(parts, Body::empty());
    let answer = bridge.ask(request, &format!("/api/v1/interviews/{id}/daily"), Some(Bytes::new())).await;
    if answer.status() != 200 {
        return answer;
    }
    let way = axum::body::to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
    let way: Value = serde_json::from_slice(&way).expect("JSON");
    let claims = claims(way["token"].as_str().expect("a token")).expect("claims");
    let text = |claim: &str| claims[claim].as_str().expect("text").to_owned();
    let guest = Guest::join_silently(&bridge.hall, &text("r"), &text("u"), Some(&text("ud")));
    let call = guest.id.clone();
    let cancel = CancellationToken::new();
    bridge.calls.lock().unwrap_or_else(PoisonError::into_inner).insert(call.clone(), cancel.clone());
    let offer = String::from_utf8(offer.to_vec()).expect("SDP");
    let answer = answer_to(offer, guest, bridge.hall.clone(), cancel).await;
    let headers = [
        ("content-type", "application/sdp".to_owned()),
        ("location", format!("/api/v1/interviews/{id}/whip/{call}")),
        ("etag", "\"1\"".to_owned()),
    ];
    (StatusCode::CREATED, headers, answer).into_response()
}

async fn hang_up(State(bridge): State<Bridge>, Path((_, call)): Path<(String, String)>) -> StatusCode {
    if let Some(cancel) = bridge.calls.lock().unwrap_or_else(PoisonError::into_inner).remove(&call) {
        cancel.cancel();
    }
    StatusCode::OK
}

fn opus() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: MIME_TYPE_OPUS.to_owned(),
        clock_rate: 48_000,
        channels: 2,
        sdp_fmtp_line: "minptime=10;useinbandfec=1".to_owned(),
        rtcp_feedback: Vec::new(),
    }
}

/// The track of what is said in the room.
fn voice(stream: u32) -> MediaStreamTrack {
    let coding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(stream), ..RTCRtpCodingParameters::default() },
        codec: opus(),
        ..RTCRtpEncodingParameters::default()
    };
    let name = |what: &str| what.to_owned();
    MediaStreamTrack::new(name("room"), name("voice"), name("voice"), RtpCodecKind::Audio, vec![coding])
}

/// Answers the rehearsal's offer; packets and messages pass until either side is gone.
async fn answer_to(offer: String, guest: Guest, hall: Hall, cancel: CancellationToken) -> String {
    let mut media = MediaEngine::default();
    let codec = RTCRtpCodecParameters { rtp_codec: opus(), payload_type: 111 };
    media.register_codec(codec, RtpCodecKind::Audio).expect("Opus");
    let engine = SettingEngineBuilder::new().with_multicast_dns_mode(MulticastDnsMode::Disabled);
    let (gathered_tx, mut gathered) = mpsc::channel(1);
    let (said_tx, mut said) = mpsc::channel(64);
    let (channel_tx, mut channels) = mpsc::channel(1);
    let ends = Ends {
        guest: guest.id.clone(),
        hall,
        gathered: gathered_tx,
        said: said_tx,
        channel: channel_tx,
        cancel: cancel.clone(),
    };
    let connection = PeerConnectionBuilder::new()
        .with_media_engine(media)
        .with_interceptor_registry(configure_rtcp_reports(Registry::new()))
        .with_setting_engine(engine.build())
        .with_handler(Arc::new(ends))
        .with_udp_addrs(vec!["127.0.0.1:0".parse::<std::net::SocketAddr>().expect("an address")])
        .build()
        .await
        .expect("a connection");
    let connection: Arc<dyn PeerConnection> = Arc::new(connection);
    let stream = 4_242;
    let track = Arc::new(TrackLocalStaticRTP::new(voice(stream)));
    connection.add_track(Arc::clone(&track) as Arc<dyn TrackLocal>).await.expect("a track");
    connection.set_remote_description(RTCSessionDescription::offer(offer).expect("an offer")).await.expect("taken");
    let answer = connection.create_answer(None).await.expect("an answer");
    connection.set_local_description(answer).await.expect("taken");
    let _ = tokio::time::timeout(Duration::from_secs(2), gathered.recv()).await;
    let answer = connection.local_description().await.expect("an answer").sdp;
    tokio::spawn(async move {
        let mut guest = guest;
        let mut channel: Option<Arc<dyn DataChannel>> = None;
        loop {
            tokio::select! {
                () = cancel.cancelled() => break,
                Some(opened) = channels.recv() => channel = Some(opened),
                Some(message) = said.recv() => guest.send(&message),
                heard = guest.heard.recv() => match heard {
                    Some(Heard::Packet { mut packet, .. }) => {
                        packet.header.ssrc = stream;
                        packet.header.payload_type = 111;
                        packet.header.extension = false;
                        packet.header.extensions.clear();
                        let _ = track.write_rtp(packet).await;
                    }
                    Some(Heard::Message(message)) => {
                        if let Some(channel) = &channel {
                            let _ = channel.send_text(&message.to_string()).await;
                        }
                    }
                    None => break,
                },
            }
        }
        drop(guest);
        let _ = connection.close().await;
    });
    answer
}

/// What the connection calls.
struct Ends {
    guest: String,
    hall: Hall,
    gathered: mpsc::Sender<()>,
    said: mpsc::Sender<Value>,
    channel: mpsc::Sender<Arc<dyn DataChannel>>,
    cancel: CancellationToken,
}

impl PeerConnectionEventHandler for Ends {
    fn on_ice_gathering_state_change<'s, 'a>(&'s self, state: RTCIceGatheringState) -> BoxFuture<'a, ()>
    where
        's: 'a,
    {
        if state == RTCIceGatheringState::Complete {
            let _ = self.gathered.try_send(());
        }
        Box::pin(std::future::ready(()))
    }

    fn on_data_channel<'s, 'a>(&'s self, channel: Arc<dyn DataChannel>) -> BoxFuture<'a, ()>
    where
        's: 'a,
    {
        let (said, cancel) = (self.said.clone(), self.cancel.clone());
        let _ = self.channel.try_send(channel.clone());
        tokio::spawn(async move {
            while let Some(Some(event)) = cancel.run_until_cancelled(channel.poll()).await {
                if let DataChannelEvent::OnMessage(message) = event
                    && let Ok(message) = serde_json::from_slice(&message.data)
                {
                    let _ = said.send(message).await;
                }
            }
        });
        Box::pin(std::future::ready(()))
    }

    fn on_track<'s, 'a>(&'s self, track: Arc<dyn TrackRemote>) -> BoxFuture<'a, ()>
    where
        's: 'a,
    {
        let (hall, guest, cancel) = (self.hall.clone(), self.guest.clone(), self.cancel.clone());
        tokio::spawn(async move {
            while let Some(Some(event)) = cancel.run_until_cancelled(track.poll()).await {
                if let TrackRemoteEvent::OnRtpPacket(packet) = event {
                    hall.send_packet(&guest, packet.header.sequence_number, packet.header.timestamp, &packet.payload);
                }
            }
        });
        Box::pin(std::future::ready(()))
    }
}
