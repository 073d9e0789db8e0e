//! A whole server with config/bench.toml and played providers, and a caller at its open door. Must never hold an assertion
//! about what a conversation does.

use super::wire::Way;
use crate::support::db::{self, TestDb};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use vivavoce::app::{self, Start};
use vivavoce::cli::bench::providers;
use vivavoce::config::Settings;
use vivavoce::lifecycle::Lifecycle;
use vivavoce::room::client::{Client, ClientEvent, ClientSettings};
use vivavoce::store::Store;
use vivavoce::telemetry;

/// Longest wait for what must come.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// The rate at which a caller hears, Hz.
pub const EAR_HZ: u32 = 16_000;

pub struct Stage {
    pub url: String,
    pub store: Store,
    pub http: reqwest::Client,
    /// The way to the providers.
    pub providers: Way,
    lifecycle: Lifecycle,
    running: std::thread::JoinHandle<anyhow::Result<()>>,
}

impl Stage {
    /// The bench configuration with `more` (TOML) over it; replies last `reply_ms`.
    pub async fn set(reply_ms: u32, more: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let way = Way::to(played(reply_ms).await).await;
        let base = format!("http://{}", way.address);
        let TestDb { store, url } = TestDb::fresh().await;
        let bench = include_str!("../../../config/bench.toml").replace("http://127.0.0.1:9100", &base);
        let mut settings = Settings::defaults_with(&with(&bench, more)).expect("settings");
        settings.data.database_url.0 = url;
        let lifecycle = Lifecycle::new(Duration::from_secs(10));
        let listener = std::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
        listener.set_nonblocking(true).expect("as tokio wants it");
        let address = listener.local_addr().expect("bound");
        let metrics = telemetry::build_recorder().expect("buckets").handle();
        let paths = db::paths(&db::directory());
        let of_server = lifecycle.clone();
        // As the program does: a runtime of its own.
        let running = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).expect("a listener");
                app::run(Start { settings, paths, listener, metrics, lifecycle: of_server }).await
            })
        });
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { url: format!("http://{address}"), store, http, providers: way, lifecycle, running }
    }

    /// An offer as the ecosystem's clients send it.
    pub async fn offer(&self, sdp: &str, pc_id: Option<&str>, restart: bool) -> reqwest::Response {
        let body = json!({"sdp": sdp, "type": "offer", "pc_id": pc_id, "restart_pc": restart, "requestData": {"a": 1}});
        self.http.post(format!("{}/api/offer", self.url)).json(&body).send().await.expect("answered")
    }

    /// Connects a caller; the connection's name comes with it.
    pub async fn call(&self, pc_id: Option<&str>) -> (Client, String) {
        let mut name = String::new();
        let post = async |sdp: String| {
            let answer = self.offer(&sdp, pc_id, pc_id.is_some()).await;
            let answer: Value = answer.json().await.map_err(|error| error.to_string())?;
            assert_eq!(answer["type"], "answer", "{answer}");
            name = answer["pc_id"].as_str().unwrap_or_default().to_owned();
            Ok::<_, String>(answer["sdp"].as_str().unwrap_or_default().to_owned())
        };
        let settings = ClientSettings { microphone_hz: 24_000, ear_hz: EAR_HZ, ..ClientSettings::default() };
        let client = Client::connect(settings, post).await.expect("a connection");
        (client, name)
    }

    pub async fn end(self) {
        self.lifecycle.soft().cancel();
        let ended = tokio::task::spawn_blocking(move || self.running.join());
        let ended = tokio::time::timeout(PATIENCE, ended).await.expect("it ends in time").expect("joined");
        ended.expect("no panic").expect("no failure");
    }
}

/// Played providers; where they are.
pub async fn played(reply_ms: u32) -> String {
    let fake = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = fake.local_addr().expect("bound").to_string();
    let delays = providers::Arguments::quick(reply_ms);
    tokio::spawn(async move { providers::serve(fake, delays).await.expect("served") });
    address
}

/// One TOML document over another: keys of the same table go together.
fn with(base: &str, more: &str) -> String {
    let mut base: toml::Table = base.parse().expect("TOML");
    merge(&mut base, more.parse().expect("TOML"));
    base.to_string()
}

fn merge(base: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(base)), toml::Value::Table(over)) => merge(base, over),
            (_, value) => drop(base.insert(key, value)),
        }
    }
}

/// So much of a tone, as a caller's microphone gives it.
pub fn tone(hz: u32, ms: u32) -> Vec<i16> {
    vivavoce::cli::tone::tone(hz, ms, 24_000)
}

/// Hears until `is_enough` says so: the messages' types in order, and the sound.
pub async fn hear(client: &mut Client, mut is_enough: impl FnMut(&[Value], &[i16]) -> bool) -> (Vec<Value>, Vec<i16>) {
    let (mut messages, mut sound) = (Vec::new(), Vec::new());
    let until = tokio::time::Instant::now() + PATIENCE;
    while !is_enough(&messages, &sound) {
        let event = tokio::time::timeout_at(until, client.next()).await;
        match event.unwrap_or_else(|_| panic!("not in time; so far {messages:?}")) {
            Some(ClientEvent::Audio(audio)) => sound.extend(audio.pcm),
            Some(ClientEvent::Message(message)) => messages.push(message),
            Some(ClientEvent::Gone) | None => panic!("the server hung up"),
        }
    }
    (messages, sound)
}

/// Whether a message of this type is among them.
pub fn has(messages: &[Value], kind: &str) -> bool {
    messages.iter().any(|message| message["type"] == kind)
}

/// Samples that sound.
pub fn loud(sound: &[i16]) -> usize {
    sound.iter().filter(|sample| sample.unsigned_abs() > 3_000).count()
}

/// The pitch of the loud part of a sound, Hz; frames that a busy machine lost do not change it.
pub fn pitch(sound: &[i16]) -> u32 {
    let from = sound.iter().position(|sample| sample.unsigned_abs() > 3_000).expect("it sounds") + 1_600;
    let middle = sound.get(from..(from + 4_800).min(sound.len())).unwrap_or_default();
    vivavoce::cli::tone::pitch(middle, EAR_HZ).round() as u32
}
