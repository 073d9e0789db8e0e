//! The fake's TLS door: a certificate authority of its own, made for each fake, and connections that can be cut hard.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd as _;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Sockets by the address of the other end.
#[derive(Clone, Default)]
pub struct Sockets(Arc<Mutex<HashMap<SocketAddr, i32>>>);

impl Sockets {
    /// Whatever closes this connection next does so by a reset.
    pub fn cut_hard(&self, peer: SocketAddr) {
        let sockets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let linger = libc::linger { l_onoff: 1, l_linger: 0 };
        if let Some(socket) = sockets.get(&peer) {
            let length = libc::socklen_t::try_from(size_of::<libc::linger>()).expect("small");
            // SAFETY: the option's value lives through the call.
            unsafe {
                libc::setsockopt(*socket, libc::SOL_SOCKET, libc::SO_LINGER, (&raw const linger).cast(), length);
            }
        }
    }
}

/// Accepts TLS connections.
pub struct Door {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    sockets: Sockets,
}

impl Door {
    /// A door on a free port of the loopback, its sockets, and the authority that vouches for it, as PEM.
    pub async fn open() -> (Self, Sockets, String) {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", wrapped(made.cert.der()));
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let config = ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(vec![made.cert.der().clone()], key).expect("they belong together");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let sockets = Sockets::default();
        let door = Self { listener, acceptor: TlsAcceptor::from(Arc::new(config)), sockets: sockets.clone() };
        (door, sockets, pem)
    }

    pub fn port(&self) -> u16 {
        self.listener.local_addr().expect("bound").port()
    }
}

fn wrapped(der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
    lines.join("\n")
}

impl axum::serve::Listener for Door {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, peer)) = self.listener.accept().await else { continue };
            let socket = stream.as_raw_fd();
            // A handshake that fails is the client's loss; one that hangs would be the test's own.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                self.sockets.0.lock().unwrap_or_else(PoisonError::into_inner).insert(peer, socket);
                return (stream, peer);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}
