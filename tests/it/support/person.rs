//! A candidate of the whole program: an interview by REST, a voice connection, and what its screen shows. Must never know
//! the server from inside.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use vivavoce::app;
use vivavoce::room::client::{Client, ClientEvent, ClientSettings, Spoken};
use vivavoce::tts::sentences::sentences;
use vivavoce::tts::{SpeakRequest, TextToSpeech, Urgency};

/// Longest wait for anything that the interviewer does.
const WAIT: Duration = Duration::from_secs(150);
/// The interviewer has ended when nothing was heard for so long.
const QUIET: Duration = Duration::from_millis(700);
/// A packet is voice when a sample of it is louder than this.
const VOICED: u16 = 600;
/// Rate of what is spoken, Hz.
const VOICE_HZ: usize = 24_000;

/// An interview, as its candidate knows it: the link alone.
#[derive(Clone, Debug)]
pub struct Interview {
    pub id: String,
    url: String,
    token: String,
    http: reqwest::Client,
}

impl Interview {
    /// Makes one, with consent given.
    pub async fn make(url: &str, questions: u32) -> Self {
        Self::make_in(url, questions, "webrtc").await
    }

    /// The same, in a room of that kind.
    pub async fn make_in(url: &str, questions: u32, room: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let wish = json!({
            "category": "backend", "level": "middle", "language": "en", "questions": questions, "room": room,
        });
        let made = http.post(format!("{url}/api/v1/interviews")).json(&wish).send().await.expect("answered");
        let made = parsed(made, 201).await;
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let interview = Self { id: text(&made["id"]), url: url.to_owned(), token: text(&made["join_token"]), http };
        let consent = json!({ "version": made["disclosure"]["version"], "accepted": true });
        let given = interview.ask(Method::POST, "/consent").json(&consent).send().await.expect("answered");
        assert_eq!(given.status(), 201);
        interview
    }

    fn ask(&self, method: Method, below: &str) -> reqwest::RequestBuilder {
        let path = format!("{}/api/v1/interviews/{}{below}", self.url, self.id);
        self.http.request(method, path).bearer_auth(&self.token)
    }

    /// Asks again, as it is told to, where the record is not reached in time on a machine that does much else.
    pub async fn get(&self, below: &str) -> Value {
        let begun = Instant::now();
        loop {
            let answer = self.ask(Method::GET, below).send().await.expect("answered");
            if answer.status() != StatusCode::SERVICE_UNAVAILABLE || begun.elapsed() > WAIT {
                return parsed(answer, 200).await;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Has the interviewer come into its Daily room; the candidate's token for it.
    pub async fn go_to_daily(&self) -> String {
        let way = parsed(self.ask(Method::POST, "/daily").send().await.expect("answered"), 200).await;
        way["token"].as_str().expect("a token").to_owned()
    }

    /// Hands over an offer; the answer, or the problem that it met.
    pub async fn offer(&self, offer: String) -> Result<Answered, Value> {
        let request = self.ask(Method::POST, "/whip").header("content-type", "application/sdp").body(offer);
        let answer = request.send().await.map_err(|error| json!({ "title": error.to_string() }))?;
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().expect("text").to_owned());
        let (status, location, etag) = (answer.status(), header("location"), header("etag"));
        let text = answer.text().await.expect("a body");
        if status != 201 {
            return Err(serde_json::from_str(&text).expect("a problem"));
        }
        Ok(Answered { sdp: text, location: location.expect("a resource"), etag: etag.expect("its version") })
    }

    /// Changes a connection, if it is still at this version: status, ETag and body of the answer.
    pub async fn change(&self, location: &str, etag: &str, fragment: String) -> (u16, Option<String>, String) {
        let request = self.http.patch(format!("{}{location}", self.url)).bearer_auth(&self.token);
        let request = request.header("content-type", "application/trickle-ice-sdpfrag").header("if-match", etag);
        let answer = request.body(fragment).send().await.expect("answered");
        let etag = answer.headers().get("etag").map(|value| value.to_str().expect("text").to_owned());
        (answer.status().as_u16(), etag, answer.text().await.expect("a body"))
    }

    /// Asks for its end; the status of the answer, or none.
    pub async fn ask_to_end(&self) -> Option<u16> {
        self.ask(Method::POST, "/end").send().await.ok().map(|answer| answer.status().as_u16())
    }

    /// Ends it, and waits until it is written down.
    pub async fn end(&self) {
        assert_eq!(self.ask_to_end().await, Some(202));
        let begun = Instant::now();
        while self.get("").await["end_time"].is_null() {
            assert!(begun.elapsed() < WAIT, "the interview does not end: {}", self.get("").await);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// What stands in the transcript for `role`, line by line.
    pub async fn lines_of(&self, role: &str) -> Vec<String> {
        let transcript = self.get("/transcript").await;
        let lines = transcript["transcript"].as_array().expect("lines").iter().filter(|line| line["role"] == role);
        lines.map(|line| line["content"].as_str().expect("text").to_owned()).collect()
    }
}

/// The server's answer to an offer.
#[derive(Clone, Debug)]
pub struct Answered {
    pub sdp: String,
    /// Path of the connection.
    pub location: String,
    /// Its version, in quotes as the header has it.
    pub etag: String,
}

async fn parsed(answer: Response, status: u16) -> Value {
    let (given, text) = (answer.status().as_u16(), answer.text().await.expect("a body"));
    assert_eq!(given, status, "{text}");
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"))
}

/// What the screen has shown.
#[derive(Debug, Default)]
pub struct Screen {
    pub phase: String,
    pub question: Option<String>,
    /// Captions of the candidate that will not change any more: these are acknowledged.
    pub finals: Vec<String>,
    pub notices: Vec<String>,
    pub ended: Option<String>,
    /// The last voice that was heard.
    voiced: Option<Instant>,
}

impl Screen {
    fn take(&mut self, message: &Value) {
        let data = &message["data"];
        let text = |field: &str| data[field].as_str().unwrap_or_default().to_owned();
        match (message["type"].as_str().unwrap_or_default(), data["kind"].as_str().unwrap_or_default()) {
            ("user-transcription", _) if data["final"] == true => self.finals.push(text("text")),
            ("server-message", "state") => {
                self.phase = text("phase");
                self.question = data["question"]["id"].as_str().map(str::to_owned);
            }
            ("server-message", "notice") => self.notices.push(text("text")),
            ("server-message", "ended") => self.ended = Some(text("reason")),
            _ => {}
        }
    }

    /// The candidate has the floor: a question was heard to its end.
    pub fn is_our_turn(&self) -> bool {
        self.phase == "listening" && self.voiced.is_some_and(|at| at.elapsed() >= QUIET)
    }
}

/// A candidate who is connected.
pub struct Person {
    client: Client,
    pub connection: Answered,
    pub screen: Screen,
}

impl Person {
    /// Joins by the link; the problem if the server refuses.
    pub async fn join(interview: &Interview) -> Result<Self, String> {
        let settings = ClientSettings { microphone_hz: VOICE_HZ as u32, ..ClientSettings::default() };
        let (mut refused, mut answered) = (None, None);
        let client = Client::connect(settings, async |offer| {
            let answer = interview.offer(offer).await;
            let answer = answer.map_err(|problem| refused.insert(problem.to_string()).clone())?;
            Ok::<_, String>(answered.insert(answer).sdp.clone())
        });
        let client = client.await.map_err(|error| error.to_string());
        let client = client.map_err(|error| refused.unwrap_or(error))?;
        client.send_rtvi("client-ready", "ready", json!({ "version": "2.1.0" })).await.expect("it is open");
        let connection = answered.expect("a connection has an answer");
        Ok(Self { client, connection, screen: Screen::default() })
    }

    /// Joins as a page does that tries again until it may.
    pub async fn join_at_last(interview: &Interview) -> Self {
        let begun = Instant::now();
        loop {
            match Self::join(interview).await {
                Ok(person) => return person,
                Err(why) => {
                    assert!(begun.elapsed() < WAIT, "nobody lets us in: {why}");
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
            }
        }
    }

    /// Lives on until the screen shows it.
    pub async fn until(&mut self, what: &str, is: impl Fn(&Screen) -> bool) {
        let begun = Instant::now();
        while !is(&self.screen) {
            assert!(begun.elapsed() < WAIT, "{what}: never; {:?}", self.screen);
            let is_over = self.live_on().await;
            assert!(!is_over || is(&self.screen), "{what}: the connection is gone; {:?}", self.screen);
        }
    }

    /// Takes what comes within a moment; true when the connection is gone.
    async fn live_on(&mut self) -> bool {
        match tokio::time::timeout(Duration::from_millis(50), self.client.next()).await {
            Ok(Some(ClientEvent::Audio(audio))) => {
                if audio.pcm.iter().any(|sample| sample.unsigned_abs() > VOICED) {
                    self.screen.voiced = Some(audio.arrival);
                }
                false
            }
            Ok(Some(ClientEvent::Message(message))) => {
                self.screen.take(&message);
                false
            }
            Ok(Some(ClientEvent::Gone) | None) => true,
            Err(_) => false,
        }
    }

    /// Begins to say something.
    pub fn begin_to_say(&self, pcm: Vec<i16>) -> tokio::task::JoinHandle<Option<Spoken>> {
        let microphone = self.client.microphone();
        tokio::spawn(async move { microphone.say(pcm).await.ok() })
    }

    /// Says something and lives on meanwhile.
    pub async fn say(&mut self, pcm: Vec<i16>) {
        let said = self.begin_to_say(pcm);
        while !said.is_finished() {
            self.live_on().await;
        }
        said.await.expect("no panic").expect("it was said");
    }

    /// Restarts ICE, as a browser does whose machine changed networks; the answer is the refusal, if it was one.
    pub async fn changes_network(&mut self, interview: &Interview) -> Result<(), String> {
        let Answered { location, etag, .. } = self.connection.clone();
        let connection = &mut self.connection;
        let patch = async |fragment| match interview.change(&location, &etag, fragment).await {
            (200, Some(etag), fragment) => {
                connection.etag = etag;
                Ok(fragment)
            }
            refused => Err(format!("{refused:?}")),
        };
        self.client.restart_ice(patch).await.map_err(|error| error.to_string())
    }

    /// Goes without a word.
    pub fn vanish(self) {
        self.client.vanish();
    }

    pub async fn close(self) {
        self.client.close().await;
    }
}

/// `text`, spoken (24 kHz), by the voice of the rehearsal.
pub async fn spoken(text: &str) -> Vec<i16> {
    static VOICE: OnceCell<Arc<dyn TextToSpeech>> = OnceCell::const_new();
    let load = async || {
        let parts = tokio::task::spawn_blocking(|| app::rehearsal_parts("piper")).await.expect("no panic");
        parts.expect("the voice loads").voice
    };
    let voice = VOICE.get_or_init(load).await;
    let mut pcm = Vec::new();
    for sentence in sentences(text) {
        let cancel = CancellationToken::new();
        let request = SpeakRequest { text: sentence.into(), speed: 1.0, urgency: Urgency::Now, cancel };
        pcm.extend_from_slice(&voice.speak(request).await.expect("spoken").pcm);
    }
    pcm
}

/// Silence, as samples.
pub fn silence(ms: usize) -> Vec<i16> {
    vec![0; VOICE_HZ * ms / 1_000]
}
