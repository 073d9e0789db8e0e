//! Daily's REST interface: one client for a domain, within Daily's rates, trying again where that may help, with errors by
//! Daily's own codes. The key goes into one header and nowhere else.

mod error;
mod pace;
mod records;
pub mod token;

pub use error::{ErrorCode, RestError};
pub use records::{
    AccessLink, Domain, NewRoom, Presence, Privacy, Recording, Room, RoomProperties, Webhook, WebhookWish,
};

use pace::{Class, Pace};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;
use token::Token;

/// How often something is tried, the first time included.
const TRIES: u32 = 4;
/// The wait after the first try; it doubles after each.
const WAIT_FIRST: Duration = Duration::from_millis(500);
/// The longest wait that a server may ask for.
const WAIT_MAX: Duration = Duration::from_secs(20);
/// Longest answer that is read, bytes: a page of recordings is far below.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The largest message that Daily takes, bytes.
pub const MESSAGE_BYTES_MAX: usize = 4_096;

/// The client; cheap to share by reference.
pub struct Rest {
    http: reqwest::Client,
    url: String,
    key: String,
    pace: Pace,
}

// The key is nobody's business.
impl std::fmt::Debug for Rest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rest").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Rest {
    /// A client for the domain that `key` belongs to; each answer may take `timeout`.
    ///
    /// # Errors
    /// [`RestError::Unusable`] when the key cannot stand in a header.
    pub fn new(url: &str, key: &str, timeout: Duration) -> Result<Self, RestError> {
        let unusable = |said: &str| RestError::Unusable { said: said.to_owned() };
        let mut authorisation = HeaderValue::from_str(&format!("Bearer {key}"))
            .map_err(|_| unusable("the API key has characters that no key has"))?;
        authorisation.set_sensitive(true);
        let headers = HeaderMap::from_iter([(AUTHORIZATION, authorisation)]);
        let http = reqwest::Client::builder().default_headers(headers).timeout(timeout).build();
        let http = http.map_err(|error| unusable(&error.to_string()))?;
        let url = url.trim_end_matches('/').to_owned();
        Ok(Self { http, url, key: key.to_owned(), pace: Pace::default() })
    }

    /// The domain of the key.
    pub async fn domain(&self) -> Result<Domain, RestError> {
        self.get("/", &[]).await
    }

    /// Makes a room. One of that name that is there already, as after an answer that was lost, is taken as it is.
    pub async fn create_room(&self, room: &NewRoom) -> Result<Room, RestError> {
        match self.post("/rooms", room).await {
            Err(RestError::Refused { code: ErrorCode::InvalidRequest, info, .. })
                if info.contains("already exists") =>
            {
                self.room(&room.name).await
            }
            made => made,
        }
    }

    pub async fn room(&self, name: &str) -> Result<Room, RestError> {
        self.get(&format!("/rooms/{}", part(name)), &[]).await
    }

    pub async fn update_room(&self, name: &str, properties: &RoomProperties) -> Result<Room, RestError> {
        self.post(&format!("/rooms/{}", part(name)), &json!({ "properties": properties })).await
    }

    /// Deletes a room; false if there is none of that name.
    pub async fn delete_room(&self, name: &str) -> Result<bool, RestError> {
        self.delete(&format!("/rooms/{}", part(name)), Class::Rare).await
    }

    /// A meeting token, made by Daily.
    pub async fn token(&self, token: &Token) -> Result<String, RestError> {
        #[derive(Deserialize)]
        struct Made {
            token: String,
        }
        let made: Made = self.post("/meeting-tokens", &json!({ "properties": token })).await?;
        Ok(made.token)
    }

    /// A meeting token, made here: no request, and good as soon as the domain's id is known.
    pub fn sign_token(&self, token: &Token, domain_id: &str, issued_at_s: i64) -> Result<String, RestError> {
        token.sign(&self.key, domain_id, issued_at_s).map_err(|error| RestError::Unusable { said: error.to_string() })
    }

    /// Who is in a room.
    pub async fn presence(&self, room: &str) -> Result<Vec<Presence>, RestError> {
        Ok(self.get::<List<Presence>>(&format!("/rooms/{}/presence", part(room)), &[]).await?.data)
    }

    /// Sends participants out of a room, by their ids in it and by their users' ids; returns the ids of those who went.
    pub async fn eject(
        &self,
        room: &str,
        ids: &[String],
        user_ids: &[String],
        ban: bool,
    ) -> Result<Vec<String>, RestError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Ejected {
            #[serde(default)]
            ejected_ids: Vec<String>,
        }
        let body = json!({ "ids": ids, "user_ids": user_ids, "ban": ban });
        let gone: Ejected = self.post(&format!("/rooms/{}/eject", part(room)), &body).await?;
        Ok(gone.ejected_ids)
    }

    /// Sends an app message to everybody (`*`) or to one participant of a room.
    ///
    /// # Errors
    /// [`RestError::Unusable`] when it is longer than Daily takes.
    pub async fn send_message(&self, room: &str, message: &Value, to: &str) -> Result<(), RestError> {
        if message.to_string().len() > MESSAGE_BYTES_MAX {
            return Err(RestError::Unusable { said: "an app message has at most 4 kB".to_owned() });
        }
        let body = json!({ "data": message, "recipient": to });
        self.post::<Value>(&format!("/rooms/{}/send-app-message", part(room)), &body).await.map(drop)
    }

    pub async fn start_recording(&self, room: &str) -> Result<(), RestError> {
        self.command(&format!("/rooms/{}/recordings/start", part(room))).await
    }

    pub async fn stop_recording(&self, room: &str) -> Result<(), RestError> {
        self.command(&format!("/rooms/{}/recordings/stop", part(room))).await
    }

    /// The recordings of a room, all pages of them.
    pub async fn recordings(&self, room: &str) -> Result<Vec<Recording>, RestError> {
        const PAGE: usize = 100;
        /// Pages that are read at most: nobody records one interview ten thousand times.
        const PAGES_MAX: usize = 100;
        let mut all: Vec<Recording> = Vec::new();
        for _ in 0..PAGES_MAX {
            let mut query = vec![("room_name", room.to_owned()), ("limit", PAGE.to_string())];
            query.extend(all.last().map(|last| ("starting_after", last.id.clone())));
            let page: List<Recording> = self.ask(Class::Rare, Method::GET, "/recordings", &query, None).await?;
            let is_last = page.data.len() < PAGE;
            all.extend(page.data);
            if is_last {
                break;
            }
        }
        Ok(all)
    }

    pub async fn recording(&self, id: &str) -> Result<Recording, RestError> {
        self.ask(Class::Rare, Method::GET, &format!("/recordings/{}", part(id)), &[], None).await
    }

    /// An address at which a recording can be fetched for some time.
    pub async fn recording_link(&self, id: &str, valid_for_s: u32) -> Result<AccessLink, RestError> {
        let query = [("valid_for_secs", valid_for_s.to_string())];
        self.ask(Class::Rare, Method::GET, &format!("/recordings/{}/access-link", part(id)), &query, None).await
    }

    pub async fn delete_recording(&self, id: &str) -> Result<bool, RestError> {
        self.delete(&format!("/recordings/{}", part(id)), Class::Rare).await
    }

    /// Has Daily tell of events at an address. Daily asks it at once whether it answers.
    pub async fn create_webhook(&self, wish: &WebhookWish) -> Result<Webhook, RestError> {
        self.post("/webhooks", wish).await
    }

    /// Changes a webhook; the same address again brings back one that had failed.
    pub async fn update_webhook(&self, uuid: &str, wish: &WebhookWish) -> Result<Webhook, RestError> {
        self.post(&format!("/webhooks/{}", part(uuid)), wish).await
    }

    pub async fn webhooks(&self) -> Result<Vec<Webhook>, RestError> {
        self.get("/webhooks", &[]).await
    }

    pub async fn delete_webhook(&self, uuid: &str) -> Result<bool, RestError> {
        self.delete(&format!("/webhooks/{}", part(uuid)), Class::Usual).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> Result<T, RestError> {
        self.ask(Class::Usual, Method::GET, path, query, None).await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl serde::Serialize) -> Result<T, RestError> {
        let body = serde_json::to_value(body).map_err(|error| RestError::Unusable { said: error.to_string() })?;
        self.ask(Class::Usual, Method::POST, path, &[], Some(&body)).await
    }

    async fn command(&self, path: &str) -> Result<(), RestError> {
        self.ask::<Value>(Class::Recording, Method::POST, path, &[], Some(&json!({}))).await.map(drop)
    }

    async fn delete(&self, path: &str, class: Class) -> Result<bool, RestError> {
        match self.ask::<Value>(class, Method::DELETE, path, &[], None).await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some(ErrorCode::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Asks until there is an answer, or no hope of one.
    async fn ask<T: DeserializeOwned>(
        &self,
        class: Class,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        body: Option<&Value>,
    ) -> Result<T, RestError> {
        let mut wait = WAIT_FIRST;
        for attempt in 1.. {
            self.pace.turn(class).await?;
            let mut request = self.http.request(method.clone(), format!("{}{path}", self.url)).query(query);
            if let Some(body) = body {
                request = request.json(body);
            }
            let (error, asked_wait) = match request.send().await {
                Ok(answer) if answer.status().is_success() => return read(answer).await,
                Ok(answer) => {
                    let asked_wait = retry_after(&answer);
                    (refusal(answer).await, asked_wait)
                }
                Err(error) => (RestError::Unreachable { said: error.without_url().to_string() }, None),
            };
            // Whoever is to wait for long is told so, instead of being refused again.
            if attempt >= TRIES || !error.may_pass() || asked_wait.is_some_and(|asked| asked > WAIT_MAX) {
                return Err(error);
            }
            tracing::debug!(path, attempt, %error, "Daily is asked again");
            // Never sooner than asked for; and not all at once, when many were refused together.
            let wait_now = asked_wait.unwrap_or(wait).mul_f64(rand::random_range(1.0..1.3));
            if error.code() == Some(ErrorCode::RateLimit) {
                self.pace.rest(class, wait_now);
            }
            tokio::time::sleep(wait_now).await;
            wait *= 2;
        }
        unreachable!("the loop ends by its last attempt")
    }
}

#[derive(Deserialize)]
struct List<T> {
    data: Vec<T>,
}

/// A name as one part of a path: whatever it holds, it leads nowhere else.
fn part(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    name.bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn retry_after(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

async fn read<T: DeserializeOwned>(answer: Response) -> Result<T, RestError> {
    let bytes = body(answer).await?;
    let body = if bytes.is_empty() { b"{}" } else { &bytes[..] };
    serde_json::from_slice(body).map_err(|error| RestError::Unreadable { said: error.to_string() })
}

/// The body of an answer, within its limit whether or not its length is told beforehand.
async fn body(mut answer: Response) -> Result<Vec<u8>, RestError> {
    let mut bytes = Vec::new();
    let lost = |error: reqwest::Error| RestError::Unreachable { said: error.without_url().to_string() };
    while let Some(chunk) = answer.chunk().await.map_err(lost)? {
        if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(RestError::Unreadable { said: "the answer is too long".to_owned() });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

async fn refusal(answer: Response) -> RestError {
    #[derive(Default, Deserialize)]
    struct Body {
        #[serde(default)]
        error: String,
        #[serde(default)]
        info: String,
    }
    let status = answer.status();
    let body: Body = match body(answer).await {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
        Err(_) => Body::default(),
    };
    let code = match (ErrorCode::read(&body.error), status) {
        (ErrorCode::Other, StatusCode::NOT_FOUND) => ErrorCode::NotFound,
        (ErrorCode::Other, StatusCode::TOO_MANY_REQUESTS) => ErrorCode::RateLimit,
        (ErrorCode::Other, status) if status.is_server_error() => ErrorCode::Server,
        (code, _) => code,
    };
    RestError::Refused { code, status: status.as_u16(), info: body.info }
}
