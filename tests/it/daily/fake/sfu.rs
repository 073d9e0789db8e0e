//! One transport of the fake's media server: answers ICE checks (lite), holds the DTLS handshake on either side, protects
//! and opens RTP. Must never look into the sound.

use rtc::crypto::{HashAlgorithm, RTCCryptoProvider, default_provider};
use rtc::dtls::config::{ClientAuthType, ConfigBuilder, ExtendedMasterSecretType, HandshakeConfig};
use rtc::dtls::crypto::Certificate;
use rtc::dtls::endpoint::{Endpoint, EndpointEvent};
use rtc::dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc::dtls::state::State;
use rtc::shared::TransportProtocol;
use rtc::srtp::config::{Config, LABEL_EXTRACTOR_DTLS_SRTP};
use rtc::srtp::context::Context;
use rtc::srtp::protection_profile::ProtectionProfile;
use rtc::stun::attributes::ATTR_USERNAME;
use rtc::stun::fingerprint::FINGERPRINT;
use rtc::stun::integrity::MessageIntegrity;
use rtc::stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Message, Setter};
use rtc::stun::xoraddr::XorMappedAddress;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Packets that may wait on either side (10 s of sound).
const PACKETS_MAX: usize = 512;
/// Longest datagram.
const DATAGRAM_BYTES_MAX: usize = 2_048;

/// A transport that the fake offers to one client.
pub struct Transport {
    pub id: String,
    /// What the client is told of it.
    pub options: Value,
    orders: mpsc::Sender<Order>,
    out: Arc<Out>,
    cancel: CancellationToken,
}

enum Order {
    /// The client's side of the handshake: whether we begin it.
    Connect { we_are_client: bool },
}

/// The way to the client, for whoever has a packet: it leaves at once.
struct Out {
    socket: UdpSocket,
    sending: Mutex<Sending>,
}

#[derive(Default)]
struct Sending {
    /// Once the handshake is done.
    keys: Option<Context>,
    /// Where the client's checks come from.
    peer: Option<SocketAddr>,
    /// The network loses everything.
    dead: bool,
}

impl Out {
    fn sending(&self) -> MutexGuard<'_, Sending> {
        self.sending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport {
    /// Opens one on the loopback; RTP that comes goes to `received`.
    pub async fn open(id: &str, received: mpsc::Sender<Vec<u8>>) -> Self {
        let provider = default_provider().expect("a provider is built in");
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let address = socket.local_addr().expect("bound");
        let certificate = Certificate::generate_self_signed(vec!["fake".to_owned()], provider.crypto()).expect("made");
        let fingerprint = fingerprint(&certificate, provider.as_ref());
        // ICE wants long ones.
        let (user, password) = (format!("user{}", id.replace('-', "")), uuid::Uuid::new_v4().simple().to_string());
        let options = json!({
            "id": id,
            "iceParameters": { "usernameFragment": user, "password": password, "iceLite": true },
            "iceCandidates": [{
                "foundation": "udpcandidate", "ip": "127.0.0.1", "address": "127.0.0.1", "port": address.port(),
                "priority": 1_076_302_079, "protocol": "udp", "type": "host",
            }],
            "dtlsParameters": {
                "role": "auto", "fingerprints": [{ "algorithm": "sha-256", "value": fingerprint }],
            },
            "sctpParameters": null,
        });
        let (orders, to_do) = mpsc::channel(PACKETS_MAX);
        let cancel = CancellationToken::new();
        let out = Arc::new(Out { socket, sending: Mutex::default() });
        let line = Line {
            out: out.clone(),
            provider,
            certificate,
            user,
            password,
            peer: None,
            dtls: None,
            keys: None,
            received,
        };
        tokio::spawn(line.run(to_do, cancel.clone()));
        Self { id: id.to_owned(), options, orders, out, cancel }
    }

    pub fn connect(&self, we_are_client: bool) {
        let _ = self.orders.try_send(Order::Connect { we_are_client });
    }

    /// Sends an RTP packet, once the handshake is done; before it is lost.
    pub fn send(&self, packet: &[u8]) {
        let mut sending = self.out.sending();
        let Sending { keys, peer, dead } = &mut *sending;
        if let (Some(keys), Some(peer), false) = (keys, peer, *dead) {
            let packet = keys.encrypt_rtp(packet).expect("RTP");
            let _ = self.out.socket.try_send_to(&packet, *peer);
        }
    }

    pub fn set_dead(&self, dead: bool) {
        self.out.sending().dead = dead;
    }
}

impl Drop for Transport {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

struct Line {
    out: Arc<Out>,
    provider: Arc<dyn RTCCryptoProvider>,
    certificate: Certificate,
    user: String,
    password: String,
    /// Where the client's checks come from.
    peer: Option<SocketAddr>,
    dtls: Option<Dtls>,
    /// Of what the client sends.
    keys: Option<Context>,
    received: mpsc::Sender<Vec<u8>>,
}

struct Dtls {
    endpoint: Endpoint,
    /// To be begun once the client's address is known.
    begin: Option<Arc<HandshakeConfig>>,
}

struct Keys {
    local: Context,
    remote: Context,
}

impl Line {
    async fn run(mut self, mut orders: mpsc::Receiver<Order>, cancel: CancellationToken) {
        let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
        loop {
            let due = self.due();
            tokio::select! {
                () = cancel.cancelled() => return,
                Some(order) = orders.recv() => self.obey(order).await,
                Ok((length, from)) = self.out.socket.recv_from(&mut buffer) => {
                    let dead = self.out.sending().dead;
                    if !dead {
                        self.take(&buffer[..length], from).await;
                    }
                }
                () = tokio::time::sleep_until(due.into()) => {
                    if let (Some(dtls), Some(peer)) = (&mut self.dtls, self.peer) {
                        let _ = dtls.endpoint.handle_timeout(peer, Instant::now());
                    }
                    self.flush().await;
                }
            }
        }
    }

    fn due(&self) -> Instant {
        let handshake = self.dtls.as_ref().zip(self.peer).and_then(|(dtls, peer)| dtls.endpoint.poll_timeout(&peer));
        handshake.unwrap_or_else(|| Instant::now() + Duration::from_secs(60))
    }

    async fn obey(&mut self, order: Order) {
        match order {
            Order::Connect { we_are_client } => {
                let config = self.config(we_are_client);
                let here = self.out.socket.local_addr().expect("bound");
                let server = (!we_are_client).then(|| config.clone());
                let endpoint = Endpoint::new(here, TransportProtocol::UDP, server);
                self.dtls = Some(Dtls { endpoint, begin: we_are_client.then_some(config) });
                self.begin().await;
            }
        }
    }

    /// Begins the handshake if that is ours to do and the client has been heard of.
    async fn begin(&mut self) {
        if let (Some(dtls), Some(peer)) = (&mut self.dtls, self.peer)
            && let Some(config) = dtls.begin.take()
        {
            dtls.endpoint.connect(Instant::now(), peer, config, None).expect("a handshake begins");
            self.flush().await;
        }
    }

    async fn flush(&mut self) {
        let Some(dtls) = &mut self.dtls else { return };
        while let Some(transmit) = dtls.endpoint.poll_transmit() {
            let _ = self.out.socket.send_to(&transmit.message, transmit.transport.peer_addr).await;
        }
    }

    /// By the first byte, as RFC 7983 says.
    async fn take(&mut self, datagram: &[u8], from: SocketAddr) {
        match datagram.first() {
            Some(0..=3) => self.check(datagram, from).await,
            Some(20..=63) => self.handshake(datagram, from).await,
            Some(128..=191) => self.media(datagram),
            Some(_) | None => {}
        }
    }

    async fn check(&mut self, datagram: &[u8], from: SocketAddr) {
        let mut request = Message::new();
        if request.unmarshal_binary(datagram).is_err() || request.typ != BINDING_REQUEST {
            return;
        }
        let user = request.get(ATTR_USERNAME).unwrap_or_default();
        let is_ours = String::from_utf8_lossy(&user).starts_with(&format!("{}:", self.user));
        if !is_ours || MessageIntegrity::check(&mut request, self.password.as_bytes(), self.provider.crypto()).is_err()
        {
            return;
        }
        let answer = self.answer_to(&request, from);
        let _ = self.out.socket.send_to(&answer.raw, from).await;
        self.peer = Some(from);
        self.out.sending().peer = Some(from);
        self.begin().await;
    }

    fn answer_to(&self, request: &Message, from: SocketAddr) -> Message {
        let mut answer = Message::new();
        let crypto = self.provider.crypto();
        let integrity = MessageIntegrity::new_short_term_integrity_with_provider(self.password.clone(), crypto);
        let setters: [Box<dyn Setter + '_>; 5] = [
            Box::new(request.transaction_id),
            Box::new(BINDING_SUCCESS),
            Box::new(XorMappedAddress { ip: from.ip(), port: from.port() }),
            Box::new(integrity),
            Box::new(FINGERPRINT),
        ];
        answer.build(&setters).expect("a response");
        answer
    }

    async fn handshake(&mut self, datagram: &[u8], from: SocketAddr) {
        let Some(dtls) = &mut self.dtls else { return };
        let events = dtls.endpoint.read(Instant::now(), from, None, datagram.into()).unwrap_or_default();
        if events.iter().any(|event| matches!(event, EndpointEvent::HandshakeComplete)) {
            let state = dtls.endpoint.get_connection_state(from).expect("it has just completed");
            let Keys { local, remote } = keys(state, self.provider.as_ref());
            self.out.sending().keys = Some(local);
            self.keys = Some(remote);
        }
        self.flush().await;
    }

    fn media(&mut self, datagram: &[u8]) {
        // Reports of the receiver need no answer here.
        let is_report = datagram.get(1).is_some_and(|kind| (192..=223).contains(kind));
        if let Some(keys) = self.keys.as_mut().filter(|_| !is_report)
            && let Ok(packet) = keys.decrypt_rtp(datagram)
        {
            let _ = self.received.try_send(packet.to_vec());
        }
    }

    fn config(&self, we_are_client: bool) -> Arc<HandshakeConfig> {
        let config = ConfigBuilder::default()
            .with_crypto_provider(self.provider.clone())
            .with_certificates(vec![self.certificate.clone()])
            .with_srtp_protection_profiles(vec![SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80])
            .with_client_auth(ClientAuthType::RequireAnyClientCert)
            .with_insecure_skip_verify(true)
            .with_extended_master_secret(ExtendedMasterSecretType::Require)
            .build(we_are_client, None);
        Arc::new(config.expect("a valid configuration"))
    }
}

fn keys(state: &State, provider: &dyn RTCCryptoProvider) -> Keys {
    let profile = ProtectionProfile::Aes128CmHmacSha1_80;
    let mut config = Config { profile, ..Config::default() };
    let material = state.export_keying_material(LABEL_EXTRACTOR_DTLS_SRTP, &[], config.keying_material_len());
    let material = material.expect("the handshake is done");
    config.set_session_keys_from_keying_material(material.as_ref(), state.is_client()).expect("of the right length");
    let context = |key: &[u8], salt: &[u8]| {
        Context::new(key, salt, profile, None, None, provider.crypto()).expect("keys of the profile")
    };
    Keys {
        local: context(&config.keys.local_master_key, &config.keys.local_master_salt),
        remote: context(&config.keys.remote_master_key, &config.keys.remote_master_salt),
    }
}

fn fingerprint(certificate: &Certificate, provider: &dyn RTCCryptoProvider) -> String {
    let hash = provider.crypto().hash(HashAlgorithm::Sha256, &certificate.certificate[0]).expect("a hash");
    hash.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}
