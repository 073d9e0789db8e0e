//! What the rehearsal asks of the server over REST, like any client: an interview, consent, the connection, the record,
//! the report. Must never know the server from inside.

use crate::id::SessionId;
use crate::interview::question::Level;
use crate::session::event::{MeasuredGap, SessionEvent};
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Method, RequestBuilder, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Longest wait for one answer.
const ANSWER: Duration = Duration::from_secs(30);
/// Longest wait for a connection to the server.
const CONNECT: Duration = Duration::from_secs(5);
/// Events read at once.
const EVENTS_PAGE: u32 = 500;
/// Largest answer that is read, bytes (an SDP answer has about 2,000; a transcript of 90 minutes about 200,000).
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The server, as its clients see it.
#[derive(Clone, Debug)]
pub struct Server {
    url: String,
    http: reqwest::Client,
}

/// What can fail.
#[derive(Debug, thiserror::Error)]
pub enum RestError {
    #[error("{url} cannot be reached ({why}); is the server running? `scripts/up` starts it")]
    Unreachable { url: String, why: String },
    #[error("the server refused {asked}: {status} {said}")]
    Refused { asked: String, status: u16, said: String },
    #[error("the server's answer to {asked} makes no sense: {why}")]
    Senseless { asked: String, why: String },
}

/// The interview that is wanted.
#[derive(Clone, Debug, Serialize)]
pub struct Wish {
    pub category: String,
    pub level: Level,
    pub language: String,
    pub title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub questions: Option<u32>,
    /// False: the script answers what is planned.
    pub adaptive: bool,
}

/// An interview that was made.
#[derive(Clone, Debug, Deserialize)]
pub struct Made {
    pub id: SessionId,
    pub join_token: String,
    pub disclosure: Disclosure,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Disclosure {
    pub version: String,
}

/// Where an interview stands.
#[derive(Clone, Debug, Deserialize)]
pub struct View {
    pub status: String,
    #[serde(default)]
    pub end_reason: Option<String>,
    pub report_state: String,
}

/// One line of the record.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Line {
    pub role: String,
    pub content: String,
    #[serde(default)]
    pub question_key: Option<String>,
    #[serde(default)]
    pub interrupted: bool,
    #[serde(default)]
    pub latency_ms: Option<i64>,
}

#[derive(Deserialize)]
struct Transcript {
    transcript: Vec<Line>,
}

/// A page of the log.
#[derive(Deserialize)]
struct EventList {
    events: Vec<EventView>,
    next: Option<i64>,
}

#[derive(Deserialize)]
struct EventView {
    kind: String,
    payload: serde_json::Value,
}

/// The answer to an offer, and the resource to delete at the end.
#[derive(Clone, Debug)]
pub struct Connection {
    pub answer: String,
    pub resource: String,
}

/// An RFC 9457 problem.
#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
}

impl Server {
    /// The server at `url`, such as `http://127.0.0.1:8080`.
    pub fn new(url: &str) -> Result<Self, RestError> {
        let url = url.trim_end_matches('/').to_owned();
        // Another part of the process may have chosen already; the choice is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(ANSWER).connect_timeout(CONNECT).no_proxy().build();
        let http = http.map_err(|why| RestError::Unreachable { url: url.clone(), why: why.to_string() })?;
        Ok(Self { url, http })
    }

    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where a person reads the report.
    #[must_use]
    pub fn report_url(&self, id: SessionId) -> String {
        format!("{}/report/{id}", self.url)
    }

    /// Whether a server answers there at all.
    pub async fn check(&self) -> Result<(), RestError> {
        self.send(self.request(Method::GET, "/categories", None), "the categories").await.map(|_| ())
    }

    /// Makes an interview; `token` is an account's, needed where local practice is off.
    pub async fn create(&self, wish: &Wish, token: Option<&str>) -> Result<Made, RestError> {
        self.json(self.request(Method::POST, "/interviews", token).json(wish), "an interview").await
    }

    pub async fn consent(&self, made: &Made) -> Result<(), RestError> {
        let body = serde_json::json!({"version": made.disclosure.version, "accepted": true});
        let request = self.of(Method::POST, made, "/consent").json(&body);
        self.send(request, "the consent").await.map(|_| ())
    }

    /// Hands over the offer.
    pub async fn connect(&self, made: &Made, offer: String) -> Result<Connection, RestError> {
        let asked = "the connection";
        let request = self.of(Method::POST, made, "/whip").header(CONTENT_TYPE, "application/sdp").body(offer);
        let response = self.send(request, asked).await?;
        let senseless = |why: &str| RestError::Senseless { asked: asked.into(), why: why.into() };
        let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
        let resource = location.ok_or_else(|| senseless("it names no resource"))?.to_owned();
        let body = read(response).await.map_err(|why| senseless(&why))?;
        let answer = String::from_utf8(body).map_err(|_| senseless("it is no text"))?;
        Ok(Connection { answer, resource })
    }

    /// Hangs up.
    pub async fn hang_up(&self, made: &Made, connection: &Connection) -> Result<(), RestError> {
        let path = connection.resource.strip_prefix("/api/v1").unwrap_or(&connection.resource);
        let request = self.request(Method::DELETE, path, Some(&made.join_token));
        self.send(request, "to hang up").await.map(|_| ())
    }

    pub async fn end(&self, made: &Made) -> Result<(), RestError> {
        self.send(self.of(Method::POST, made, "/end"), "the end").await.map(|_| ())
    }

    pub async fn view(&self, made: &Made) -> Result<View, RestError> {
        self.json(self.of(Method::GET, made, ""), "the interview").await
    }

    pub async fn transcript(&self, made: &Made) -> Result<Vec<Line>, RestError> {
        let transcript: Transcript = self.json(self.of(Method::GET, made, "/transcript"), "the transcript").await?;
        Ok(transcript.transcript)
    }

    /// The silences before replies, as the server measured them when the interview was over.
    pub async fn gaps(&self, made: &Made) -> Result<Vec<MeasuredGap>, RestError> {
        let mut after = 0;
        loop {
            let below = format!("/events?limit={EVENTS_PAGE}&after={after}");
            let page: EventList = self.json(self.of(Method::GET, made, &below), "the log").await?;
            for event in page.events {
                let event = SessionEvent::from_row(&event.kind, &event.payload);
                if let Some(SessionEvent::GapsMeasured { gaps }) = event {
                    return Ok(gaps);
                }
            }
            match page.next {
                Some(next) => after = next,
                None => return Ok(Vec::new()),
            }
        }
    }

    fn of(&self, method: Method, made: &Made, below: &str) -> RequestBuilder {
        self.request(method, &format!("/interviews/{}{below}", made.id), Some(&made.join_token))
    }

    fn request(&self, method: Method, path: &str, token: Option<&str>) -> RequestBuilder {
        let request = self.http.request(method, format!("{}/api/v1{path}", self.url));
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder, asked: &str) -> Result<T, RestError> {
        let senseless = |why: String| RestError::Senseless { asked: asked.into(), why };
        let body = read(self.send(request, asked).await?).await.map_err(senseless)?;
        serde_json::from_slice(&body).map_err(|why| senseless(why.to_string()))
    }

    async fn send(&self, request: RequestBuilder, asked: &str) -> Result<Response, RestError> {
        let unreachable = |why: reqwest::Error| RestError::Unreachable { url: self.url.clone(), why: innermost(&why) };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let problem = read(response).await.ok().and_then(|body| serde_json::from_slice::<Problem>(&body).ok());
        let said = problem.map_or_else(String::new, |problem| match (problem.title, problem.detail) {
            (title, detail) if detail.is_empty() => title,
            (_, detail) => detail,
        });
        Err(RestError::Refused { asked: asked.into(), status: status.as_u16(), said })
    }
}

/// A body, as long as it is of a size that makes sense.
async fn read(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|why| innermost(&why))? {
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(format!("it is longer than {BODY_BYTES_MAX} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The reason at the bottom, which says what a person can act on ("Connection refused").
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
