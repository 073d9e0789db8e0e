//! The signalling connection of one native client: who is there, its transports, and what it sends and gets.

use super::sfu::Transport;
use super::{Client, Hall, MESSAGES_MAX, Order, Peer, log};
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, State};
use axum::response::Response;
use serde_json::{Value, json};
use std::collections::HashMap;
use tokio::sync::mpsc;

/// The meeting's id; the client takes only a UUID.
const MEETING: &str = "5b749559-54a6-4916-8747-a8c7fc9ac7bb";

pub async fn open(
    State(hall): State<Hall>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade.on_upgrade(move |socket| serve(hall, peer, socket))
}

async fn serve(hall: Hall, Peer(peer): Peer, mut socket: WebSocket) {
    let (orders_tx, mut orders) = mpsc::channel(MESSAGES_MAX);
    let mut connection = Connection { hall, peer, orders: orders_tx, id: String::new() };
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(Order::Send(message)) => {
                    log(&format!("< {message}"));
                    if socket.send(Message::Text(message.to_string().into())).await.is_err() {
                        break;
                    }
                }
                Some(Order::Close) => {
                    let _ = socket.send(Message::Close(None)).await;
                    break;
                }
                Some(Order::Break) | None => break,
            },
            message = socket.recv() => {
                let text = match message {
                    Some(Ok(Message::Text(text))) => text.as_bytes().to_vec(),
                    Some(Ok(Message::Binary(bytes))) => bytes.to_vec(),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                };
                let Ok(message) = serde_json::from_slice::<Value>(&text) else { continue };
                log(&format!("> {message}"));
                if connection.take(&message).await {
                    break;
                }
            }
        }
    }
    connection.is_gone();
}

struct Connection {
    hall: Hall,
    peer: std::net::SocketAddr,
    orders: mpsc::Sender<Order>,
    id: String,
}

impl Connection {
    /// Whoever is not connected is not known to be there, unless connected anew meanwhile.
    fn is_gone(&self) {
        if let Some(client) = self.hall.state().clients.get_mut(&self.id)
            && client.orders.same_channel(&self.orders)
        {
            client.is_in = false;
        }
    }

    fn send(&self, message: Value) {
        let _ = self.orders.try_send(Order::Send(message));
    }

    /// Takes a message; true when the client has said goodbye.
    async fn take(&mut self, message: &Value) -> bool {
        let data = &message["msgData"];
        match message["msgStr"].as_str().unwrap_or_default() {
            "join-for-sig" => self.appear(message),
            "sig-ack" => self.acknowledge(message),
            "sig-presence" if *data == "sig-disconnect" => {
                self.hall.state().clients.remove(&self.id);
                return true;
            }
            "sig-presence" => {
                if let Some(client) = self.hall.state().clients.get_mut(&self.id) {
                    client.presence = data.clone();
                }
            }
            "sig-msg" if message["tag"] == "x-egassem" || data["tag"] == "x-egassem" => self.pass_on(data),
            "join-as-new-peer" => {
                self.answer(data, join_answer());
                self.be_in();
            }
            "create-transport" => self.create_transport(data).await,
            "connect-transport" => {
                let state = self.hall.state();
                let client = state.clients.get(&self.id);
                let transports = client.into_iter().flat_map(|client| [&client.sending, &client.receiving]).flatten();
                for transport in transports.filter(|transport| data["transportId"] == transport.id.as_str()) {
                    // Whoever the client is in the handshake, we are the other.
                    transport.connect(data["dtlsParameters"]["role"] == "server");
                }
                drop(state);
                self.answer(data, json!({}));
            }
            "send-track" => {
                let id = self.hall.state().name("producer");
                self.answer(data, json!({ "id": id, "producerInfo": { "id": id } }));
            }
            "recv-track" => self.give_track(data),
            // What the client tells of itself is not answered; what it asks for is.
            kind if !kind.starts_with("sig-") && !data["_sendTs"].is_null() => self.answer(data, json!({})),
            _ => {}
        }
        false
    }

    fn answer(&self, asked: &Value, mut answer: Value) {
        answer["_kTs"] = asked["_sendTs"].clone();
        self.send(json!({ "tag": "soup", "msgData": answer }));
    }

    /// The client tells who it is; it hears who is there.
    fn appear(&mut self, message: &Value) {
        let mut state = self.hall.state();
        if state.deaf {
            return;
        }
        self.id = message["from"].as_str().unwrap_or_default().to_owned();
        let room = message["mtgStr"].as_str().and_then(|name| name.split('/').nth(1)).unwrap_or_default().to_owned();
        let client = Client {
            room: room.clone(),
            peer: self.peer,
            presence: message["msgData"]["presence"].clone(),
            orders: self.orders.clone(),
            sending: None,
            receiving: None,
            streams: HashMap::new(),
            is_in: false,
        };
        state.clients.insert(self.id.clone(), client);
        drop(state);
        self.acknowledge(message);
    }

    fn acknowledge(&self, message: &Value) {
        if self.hall.state().deaf {
            return;
        }
        let mut answer = json!({
            "msgStr": "sig-ack",
            "sigAuthz": "authorised",
            "mtgSession": { "id": MEETING },
            "presences": [],
            "activeCount": 1,
            "passiveCount": 0,
            "fullParticipantsCount": 1,
            "hiddenParticipantsCount": 0,
            "permissions": { "hasPresence": true, "canSend": true, "canReceive": { "base": true }, "canAdmin": true },
        });
        if message["msgStr"] == "join-for-sig" {
            answer["mtgStr"] = message["mtgStr"].clone();
        }
        self.send(answer);
    }

    /// The client is in: it hears of the guests.
    fn be_in(&self) {
        let mut state = self.hall.state();
        let Some(client) = state.clients.get_mut(&self.id) else { return };
        client.is_in = true;
        let room = client.room.clone();
        let guests: Vec<String> =
            state.guests.iter().filter(|(_, guest)| guest.room == room).map(|(id, _)| id.clone()).collect();
        let clients =
            state.clients.iter().filter(|(id, client)| client.room == room && client.is_in && **id != self.id);
        let there: Vec<String> = guests.into_iter().chain(clients.map(|(id, _)| id.clone())).collect();
        drop(state);
        there.iter().for_each(|somebody| self.hall.introduce(somebody));
        self.hall.introduce(&self.id);
    }

    async fn create_transport(&self, data: &Value) {
        let (received_tx, received) = mpsc::channel(512);
        let id = self.hall.state().name("transport");
        let transport = Transport::open(&id, received_tx).await;
        let options = transport.options.clone();
        let is_sending = data["direction"] == "send";
        if let Some(client) = self.hall.state().clients.get_mut(&self.id) {
            if is_sending {
                tokio::spawn(self.hall.clone().spread(self.id.clone(), received));
                client.sending = Some(transport);
            } else {
                client.receiving = Some(transport);
            }
        }
        self.answer(data, json!({ "transportOptions": options }));
    }

    /// The client wants to hear a guest.
    fn give_track(&self, data: &Value) {
        let mut state = self.hall.state();
        let (consumer, producer) = (state.name("consumer"), state.name("producer"));
        state.next += 1;
        let stream = 100_000 + u32::try_from(state.next).expect("few");
        let Some(client) = state.clients.get_mut(&self.id) else { return };
        let place = client.streams.len();
        client.streams.insert(data["mediaPeerId"].as_str().unwrap_or_default().to_owned(), stream);
        drop(state);
        let parameters = json!({
            "mid": place.to_string(),
            "codecs": [{
                "mimeType": "audio/opus", "payloadType": 111, "clockRate": 48_000, "channels": 2,
                "parameters": { "minptime": 10, "useinbandfec": 1 }, "rtcpFeedback": [],
            }],
            "headerExtensions": [],
            "encodings": [{ "ssrc": stream }],
            "rtcp": { "cname": "fake", "reducedSize": true, "mux": true },
        });
        let consumer = json!({
            "id": consumer, "producerId": producer, "kind": "audio", "rtpParameters": parameters, "type": "simple",
            "producerPaused": false, "paused": false, "appData": {},
        });
        self.answer(data, json!({ "consumerParameters": consumer }));
    }

    /// An app message of the client's.
    fn pass_on(&self, data: &Value) {
        let state = self.hall.state();
        let Some(client) = state.clients.get(&self.id) else { return };
        let to = data["envelopeTo"].as_str().unwrap_or("*");
        for (id, guest) in state.guests.iter().filter(|(_, guest)| guest.room == client.room) {
            if to == "*" || to == id {
                guest.tell(data["fields"].clone());
            }
        }
    }
}

/// What a client hears when it may join: what may be sent, and that nothing is recorded.
fn join_answer() -> Value {
    json!({
        "routerRtpCapabilities": {
            "codecs": [{
                "kind": "audio", "mimeType": "audio/opus", "preferredPayloadType": 111, "clockRate": 48_000,
                "channels": 2, "parameters": { "minptime": 10, "useinbandfec": 1 },
                "rtcpFeedback": [{ "type": "transport-cc", "parameter": "" }],
            }],
            "headerExtensions": [],
        },
        "tracks": [],
        "liveStreamingState": null,
        "cloudRecordingState": null,
        "isRecordingRawTracks": null,
        "isLiveTranscribing": null,
    })
}
