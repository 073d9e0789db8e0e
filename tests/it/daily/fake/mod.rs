//! A Daily of our own, for the real native client: room look-up, signalling over TLS, a small media server, and guests who
//! speak and listen. It says what Daily's servers say as far as the client needs it, and fails as they do when a test
//! wants it. Must never be used by the program.

mod door;
mod guest;
mod lookup;
pub mod rest;
mod sfu;
mod signal;

pub use guest::{Guest, Heard};
pub use lookup::claims;

use axum::Router;
use axum::routing::{any, get};
use door::{Door, Sockets};
use serde_json::Value;
use sfu::Transport;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// Messages that may wait for a client.
const MESSAGES_MAX: usize = 256;

/// The running fake.
pub struct FakeDaily {
    /// To be given to the client in place of Daily's own servers.
    pub proxy_url: String,
    /// The authority that vouches for it.
    pub authority: PathBuf,
    pub hall: Hall,
    _folder: TempDir,
}

/// Everything that the fake knows; cheap to clone.
#[derive(Clone, Default)]
pub struct Hall {
    state: Arc<Mutex<State>>,
    sockets: Sockets,
}

#[derive(Default)]
pub struct State {
    /// Answers of the look-up by room, where they are not the usual one: a status and a body.
    pub lookup: HashMap<String, (u16, Value)>,
    /// The answer of the look-up whatever the room.
    pub lookup_for_all: Option<(u16, Value)>,
    /// Properties of the look-up's answer, by room: what stands in `joinProps`.
    pub join_props: HashMap<String, Value>,
    /// Whether a client that wants to join is answered.
    pub deaf: bool,
    pub lookups: u32,
    /// Rooms that only a token signed with this key opens.
    pub private: HashMap<String, String>,
    clients: HashMap<String, Client>,
    guests: HashMap<String, guest::Member>,
    next: u64,
}

/// A native client that is connected.
struct Client {
    room: String,
    peer: SocketAddr,
    presence: Value,
    orders: mpsc::Sender<Order>,
    sending: Option<Transport>,
    receiving: Option<Transport>,
    /// By guest: the stream under which the client gets it.
    streams: HashMap<String, u32>,
    is_in: bool,
}

/// What a client's signalling connection is to do.
enum Order {
    Send(Value),
    /// Close in order, or break off.
    Close,
    Break,
}

impl FakeDaily {
    pub async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (door, sockets, pem) = Door::open().await;
        let folder = tempfile::tempdir().expect("a folder");
        let authority = folder.path().join("authority.pem");
        std::fs::write(&authority, pem).expect("written");
        let hall = Hall { sockets, ..Hall::default() };
        let proxy_url = format!("https://localhost:{}/proxy", door.port());
        let routes = Router::new()
            .route("/proxy/{host}/rooms/check/{domain}/{room}", get(lookup::check))
            .route("/proxy/{host}/rooms/ice/{domain}/{room}", get(lookup::ice))
            .route("/proxy/{host}", any(signal::open))
            .route("/{host}", any(signal::open))
            .fallback(|uri: axum::http::Uri| async move {
                log(&format!("nobody answers {uri}"));
                axum::http::StatusCode::NOT_FOUND
            })
            .with_state(hall.clone());
        let service = routes.into_make_service_with_connect_info::<Peer>();
        tokio::spawn(async move { axum::serve(door, service).await });
        Self { proxy_url, authority, hall, _folder: folder }
    }
}

/// What goes over the wire, for whoever looks into a failure.
fn log(said: &str) {
    if std::env::var_os("VIVAVOCE_FAKE_DAILY_LOG").is_some() {
        eprintln!("fake daily: {said}");
    }
}

impl axum::extract::connect_info::Connected<axum::serve::IncomingStream<'_, Door>> for Peer {
    fn connect_info(stream: axum::serve::IncomingStream<'_, Door>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// The other end of a connection.
#[derive(Clone, Copy)]
struct Peer(SocketAddr);

impl Hall {
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ids of the native clients that are in `room`.
    pub fn clients_in(&self, room: &str) -> Vec<String> {
        let state = self.state();
        let inside = state.clients.iter().filter(|(_, client)| client.room == room && client.is_in);
        inside.map(|(id, _)| id.clone()).collect()
    }

    /// Who is in `room`, as the REST interface tells it.
    pub fn people(&self, room: &str) -> Vec<Value> {
        let state = self.state();
        let person = |id: &String, name: &Value, user_id: &Value| {
            serde_json::json!({ "id": id, "room": room, "userId": user_id, "userName": name, "duration": 1,
                "joinTime": "2026-11-21T10:00:00.000Z" })
        };
        let clients = state.clients.iter().filter(|(_, client)| client.room == room && client.is_in);
        let clients = clients.map(|(id, client)| person(id, &client.presence["name"], &client.presence["user_id"]));
        let guests = state.guests.iter().filter(|(_, guest)| guest.room == room);
        clients.chain(guests.map(|(id, guest)| person(id, &guest.name(), &guest.user_id()))).collect()
    }

    /// Forgets clients that are gone without a word, and their sockets.
    pub fn forget_the_gone(&self) {
        self.state().clients.retain(|_, client| client.is_in);
    }

    /// The room is deleted while people are in it.
    pub fn delete(&self, room: &str) {
        self.tell_clients(room, &serde_json::json!({ "msgStr": "room-deleted" }));
    }

    /// The signalling connections of a room are reset, or closed in order.
    pub fn drop_signalling(&self, room: &str, in_order: bool) {
        let state = self.state();
        for client in state.clients.values().filter(|client| client.room == room) {
            if !in_order {
                self.sockets.cut_hard(client.peer);
            }
            let _ = client.orders.try_send(if in_order { Order::Close } else { Order::Break });
        }
    }

    /// The network loses all sound of a room, or no more.
    pub fn set_media_dead(&self, room: &str, dead: bool) {
        let state = self.state();
        for client in state.clients.values().filter(|client| client.room == room) {
            [&client.sending, &client.receiving].into_iter().flatten().for_each(|transport| transport.set_dead(dead));
        }
    }

    fn tell_clients(&self, room: &str, message: &Value) {
        let state = self.state();
        for client in state.clients.values().filter(|client| client.room == room) {
            let _ = client.orders.try_send(Order::Send(message.clone()));
        }
    }
}

impl State {
    /// What the client `to` is told of who speaks: always everybody, since whoever is missing is taken for silent.
    fn tracks(&self, room: &str, to: &str) -> Value {
        let guests = self.guests.iter().filter(|(_, guest)| guest.room == room).map(|(id, _)| id);
        let clients = self.clients.iter().filter(|(id, client)| client.room == room && client.is_in && *id != to);
        let tracks: Vec<[&str; 2]> =
            guests.chain(clients.map(|(id, _)| id)).map(|id| [id.as_str(), "cam-audio"]).collect();
        serde_json::json!({ "tag": "soup", "msgData": { "tracks": tracks } })
    }

    /// Room, name and user id of somebody.
    fn card(&self, id: &str) -> Option<(String, Value, Value)> {
        let of_guest = self.guests.get(id).map(|guest| (guest.room.clone(), guest.name(), guest.user_id()));
        let client = self.clients.get(id);
        of_guest.or_else(|| {
            client.map(|client| {
                (client.room.clone(), client.presence["name"].clone(), client.presence["user_id"].clone())
            })
        })
    }

    fn name(&mut self, of: &str) -> String {
        self.next += 1;
        format!("{of}-{:04}", self.next)
    }
}
