//! Daily's REST interface, with its documented shapes: rooms, tokens, presence, ejection, messages, recordings, webhooks.
//! What is asked is noted; what it refuses is set by the test.

use super::Hall;
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;

/// The key that it takes.
pub const KEY: &str = "daily-key-of-the-tests";

/// A recording whose record never ends.
pub const ENDLESS: &str = "endless";

/// A refusal that a test has set: status, Daily's code, and how long to wait, s.
pub type Refusal = (u16, &'static str, Option<u32>);

#[derive(Default)]
pub struct Books {
    pub rooms: BTreeMap<String, Value>,
    /// `METHOD path`, in order.
    pub asked: Vec<String>,
    pub bodies: Vec<Value>,
    /// Refused in this order before anything is answered.
    pub refusals: VecDeque<Refusal>,
    /// Does what it is asked, and the answer gets lost: the next request, once.
    pub loses_answer: bool,
    /// How long making a room takes, ms; it is there at once.
    pub slow_ms: u64,
    /// Does not tell the domain.
    pub has_no_domain: bool,
    pub recordings: Vec<Value>,
    pub webhooks: Vec<Value>,
}

#[derive(Clone)]
pub struct FakeRest {
    pub url: String,
    books: Arc<Mutex<Books>>,
    hall: Hall,
}

impl FakeRest {
    /// Starts it beside the rooms of `hall`.
    pub async fn start(hall: &Hall) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/v1", listener.local_addr().expect("bound"));
        let fake = Self { url, books: Arc::default(), hall: hall.clone() };
        let v1 = axum::Router::new()
            .route("/", get(domain))
            .route("/rooms", post(create_room))
            .route("/rooms/{name}", get(room).post(update_room).delete(delete_room))
            .route("/rooms/{name}/presence", get(presence))
            .route("/rooms/{name}/eject", post(eject))
            .route("/rooms/{name}/send-app-message", post(send_message))
            .route("/rooms/{name}/recordings/start", post(|| async { Json(json!({})) }))
            .route("/rooms/{name}/recordings/stop", post(|| async { Json(json!({})) }))
            .route("/meeting-tokens", post(token))
            .route("/recordings", get(recordings))
            .route("/recordings/{id}", get(recording).delete(delete_recording))
            .route("/recordings/{id}/access-link", get(access_link))
            .route("/webhooks", get(webhooks).post(create_webhook))
            .route("/webhooks/{id}", post(update_webhook).delete(delete_webhook));
        let guard = middleware::from_fn_with_state(fake.clone(), guard);
        let routes =
            axum::Router::new().route("/v1/", get(domain)).nest("/v1", v1).layer(guard).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        fake
    }

    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused(status: u16, code: &str, info: &str) -> Response {
    (StatusCode::from_u16(status).expect("a status"), Json(json!({ "error": code, "info": info }))).into_response()
}

/// The key, and what the test wants refused.
async fn guard(State(fake): State<FakeRest>, headers: HeaderMap, request: Request, next: Next) -> Response {
    let (planned, loses_answer) = {
        let mut books = fake.books();
        let path = request.uri().path_and_query().map_or("", |path| path.as_str()).replacen("/v1", "", 1);
        books.asked.push(format!("{} {path}", request.method()));
        (books.refusals.pop_front(), std::mem::take(&mut books.loses_answer))
    };
    if let Some((status, code, wait_s)) = planned {
        let mut answer = refused(status, code, "as the test wants");
        if let Some(wait_s) = wait_s {
            answer.headers_mut().insert("retry-after", wait_s.into());
        }
        return answer;
    }
    let authorisation = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    match authorisation.strip_prefix("Bearer ") {
        Some(KEY) => {}
        Some(_) => return refused(401, "authentication-error", "the key is not known"),
        None => return refused(400, "authorization-header-error", "no key"),
    }
    let answer = next.run(request).await;
    if loses_answer { refused(502, "", "a proxy's own words") } else { answer }
}

async fn domain(State(fake): State<FakeRest>) -> Response {
    if fake.books().has_no_domain {
        return refused(503, "server-error", "as the test wants");
    }
    Json(json!({ "domain_name": "fake", "domain_id": "domain-id", "config": {} })).into_response()
}

async fn create_room(State(fake): State<FakeRest>, Json(wish): Json<Value>) -> Response {
    let slow_ms = fake.books().slow_ms;
    let answer = made_room(&fake, &wish);
    tokio::time::sleep(Duration::from_millis(slow_ms)).await;
    answer
}

fn made_room(fake: &FakeRest, wish: &Value) -> Response {
    let name = wish["name"].as_str().unwrap_or("unnamed").to_owned();
    let mut books = fake.books();
    books.bodies.push(wish.clone());
    if books.rooms.contains_key(&name) {
        return refused(400, "invalid-request-error", &format!("a room named {name} already exists"));
    }
    let room = json!({
        "id": format!("id-of-{name}"), "name": name, "api_created": true, "privacy": wish["privacy"],
        "url": format!("https://fake.daily.co/{name}"), "created_at": "2026-11-21T10:00:00.000Z",
        "config": wish["properties"],
    });
    fake.hall.state().private.insert(name.clone(), KEY.to_owned());
    books.rooms.insert(name, room.clone());
    Json(room).into_response()
}

async fn room(State(fake): State<FakeRest>, Path(name): Path<String>) -> Response {
    match fake.books().rooms.get(&name) {
        Some(room) => Json(room.clone()).into_response(),
        None => refused(404, "not-found", "no such room"),
    }
}

async fn update_room(State(fake): State<FakeRest>, Path(name): Path<String>, Json(wish): Json<Value>) -> Response {
    let mut books = fake.books();
    let Some(room) = books.rooms.get_mut(&name) else { return refused(404, "not-found", "no such room") };
    for (key, value) in wish["properties"].as_object().into_iter().flatten() {
        room["config"][key] = value.clone();
    }
    Json(room.clone()).into_response()
}

async fn delete_room(State(fake): State<FakeRest>, Path(name): Path<String>) -> Response {
    let was_there = fake.books().rooms.remove(&name).is_some();
    if !was_there {
        return refused(404, "not-found", "no such room");
    }
    fake.hall.delete(&name);
    Json(json!({ "deleted": true, "name": name })).into_response()
}

async fn presence(State(fake): State<FakeRest>, Path(name): Path<String>) -> Json<Value> {
    let people = fake.hall.people(&name);
    Json(json!({ "total_count": people.len(), "data": people }))
}

async fn eject(State(fake): State<FakeRest>, Path(name): Path<String>, Json(wish): Json<Value>) -> Json<Value> {
    let mut books = fake.books();
    books.bodies.push(wish.clone());
    let mut ids: Vec<Value> = wish["ids"].as_array().cloned().unwrap_or_default();
    let there = fake.hall.people(&name);
    ids.retain(|id| there.iter().any(|person| person["id"] == *id));
    Json(json!({ "ejectedIds": ids }))
}

async fn send_message(State(fake): State<FakeRest>, Json(wish): Json<Value>) -> Json<Value> {
    fake.books().bodies.push(wish);
    Json(json!({ "sent": true }))
}

async fn token(State(fake): State<FakeRest>, Json(wish): Json<Value>) -> Json<Value> {
    fake.books().bodies.push(wish.clone());
    let properties = &wish["properties"];
    let claims = json!({
        "r": properties["room_name"], "d": "domain-id", "iat": 1, "exp": properties["exp"], "u": properties["user_name"],
        "ud": properties["user_id"], "o": properties["is_owner"], "ejt": properties["eject_at_token_exp"],
    });
    let signed = encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(KEY.as_bytes()));
    Json(json!({ "token": signed.expect("signed") }))
}

async fn recordings(State(fake): State<FakeRest>, Query(query): Query<HashMap<String, String>>) -> Json<Value> {
    let books = fake.books();
    let after = query.get("starting_after");
    let from =
        after.map_or(0, |id| books.recordings.iter().position(|one| one["id"] == id.as_str()).map_or(0, |at| at + 1));
    let limit = query.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(100);
    let page: Vec<&Value> = books.recordings.iter().skip(from).take(limit).collect();
    Json(json!({ "total_count": books.recordings.len(), "data": page }))
}

async fn recording(State(fake): State<FakeRest>, Path(id): Path<String>) -> Response {
    if id == ENDLESS {
        let piece = || async { Some((Ok::<_, std::io::Error>(vec![b' '; 64 * 1024]), ())) };
        return Body::from_stream(futures::stream::unfold((), move |()| piece())).into_response();
    }
    let books = fake.books();
    let found = books.recordings.iter().find(|one| one["id"] == id.as_str());
    found.map_or_else(|| refused(404, "not-found", "no such recording"), |one| Json(one.clone()).into_response())
}

async fn delete_recording(State(fake): State<FakeRest>, Path(id): Path<String>) -> Json<Value> {
    fake.books().recordings.retain(|one| one["id"] != id.as_str());
    Json(json!({ "deleted": true, "id": id }))
}

async fn access_link(Path(id): Path<String>) -> Json<Value> {
    Json(json!({ "download_link": format!("https://fake.daily.co/{id}.mp4"), "expires": 1_700_000_000 }))
}

async fn webhooks(State(fake): State<FakeRest>) -> Json<Value> {
    Json(json!(fake.books().webhooks))
}

async fn create_webhook(State(fake): State<FakeRest>, Json(wish): Json<Value>) -> Json<Value> {
    let mut hook = json!({
        "uuid": "hook-1", "url": wish["url"], "hmac": wish["hmac"], "basicAuth": null, "retryType": "circuit-breaker",
        "eventTypes": wish["eventTypes"], "state": "ACTIVE", "failedCount": 0, "lastMomentPushed": null,
        "domainId": "domain-id", "createdAt": "2026-11-21T10:00:00.000Z", "updatedAt": "2026-11-21T10:00:00.000Z",
    });
    if hook["hmac"].is_null() {
        hook["hmac"] = json!("a2V5");
    }
    fake.books().webhooks.push(hook.clone());
    Json(hook)
}

async fn update_webhook(State(fake): State<FakeRest>, Path(id): Path<String>, Json(wish): Json<Value>) -> Response {
    let mut books = fake.books();
    let Some(hook) = books.webhooks.iter_mut().find(|hook| hook["uuid"] == id.as_str()) else {
        return refused(404, "not-found", "no such webhook");
    };
    hook["url"] = wish["url"].clone();
    hook["state"] = json!("ACTIVE");
    Json(hook.clone()).into_response()
}

async fn delete_webhook(State(fake): State<FakeRest>, Path(id): Path<String>) -> Response {
    let mut books = fake.books();
    let before = books.webhooks.len();
    books.webhooks.retain(|hook| hook["uuid"] != id.as_str());
    if books.webhooks.len() == before {
        return refused(404, "not-found", "no such webhook");
    }
    Json(json!({})).into_response()
}
