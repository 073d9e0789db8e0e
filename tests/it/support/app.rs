//! A server on a free port with a database of its own, and interviews that are played: what the routes ask of them is
//! noted, what they answer is set by the test.

use super::db::TestDb;
use axum::body::Bytes;
use chrono::{DateTime, Utc};
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use vivavoce::auth::token::Tokens;
use vivavoce::clock::Clock;
use vivavoce::config::Settings;
use vivavoce::http::{
    self, Accounts, Booked, DailyAccess, HttpState, InterviewError, InterviewWish, Interviews, WhipAnswer, WhipPatched,
};
use vivavoce::id::SessionId;
use vivavoce::interview::EndReason;
use vivavoce::interview::question::{
    Anchors, Bank, Category, Competency, KeyPoint, Level, Probe, ProbeKind, Question, QuestionKind,
};
use vivavoce::jobs::evaluate::Scoring;
use vivavoce::lifecycle::Lifecycle;
use vivavoce::profile::pdf::PdfReader;
use vivavoce::room::StateView;
use vivavoce::room::daily::webhook::Event;
use vivavoce::scoring::local::LocalGrader;
use vivavoce::scoring::rubric::Rubric;
use vivavoce::session::booking::{Reserved, book};
use vivavoce::session::text::TextInterviews;
use vivavoce::store::{InterviewRow, Mode, NewInterview, RoomKind, SessionStatus, Store};
use vivavoce::telemetry;

/// A server under test.
pub struct TestApp {
    pub address: String,
    pub store: Store,
    /// Its database, for what no call of the store tells.
    url: String,
    pub interviews: Arc<Played>,
    pub scoring: Scoring,
    pub tokens: Tokens,
    pub recordings: TempDir,
    pub lifecycle: Lifecycle,
    client: reqwest::Client,
    /// Added to the clock, s.
    later_s: Arc<AtomicI64>,
}

impl TestApp {
    /// With the built-in settings, and `settings` (TOML) over them.
    pub async fn start(settings: &str) -> Self {
        Self::start_scored(settings, scoring()).await
    }

    /// The same, with answers scored so.
    pub async fn start_scored(settings: &str, scoring: Scoring) -> Self {
        // Another test may have been first: either way one is installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let TestDb { store, url } = TestDb::fresh().await;
        store.sync_bank(&bank("backend", "en", &[Level::Junior, Level::Middle])).await.expect("a bank");
        let folder = tempfile::tempdir().expect("a folder");
        let later_s = Arc::new(AtomicI64::new(0));
        let clock = {
            let later_s = Arc::clone(&later_s);
            Clock::from_fn(move || Utc::now() + chrono::Duration::seconds(later_s.load(Ordering::Relaxed)))
        };
        let key = folder.path().join("jwt.key");
        let settings = Settings::defaults_with(settings).expect("settings");
        let interviews = Arc::new(Played { store: store.clone(), acts: Mutex::new(Acts::default()) });
        let lifecycle = Lifecycle::new(Duration::from_secs(5));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        let state = HttpState {
            store: store.clone(),
            interviews: interviews.clone(),
            text: TextInterviews::new(store.clone(), clock.clone(), &settings.interview.conduct),
            scoring: scoring.clone(),
            tokens: Tokens::open(&key, clock.clone()).expect("a key"),
            accounts: Accounts::new(&settings.accounts).expect("random numbers"),
            pdf: PdfReader::new(env!("CARGO_BIN_EXE_vivavoce").into(), settings.profile.readers_max),
            clock: clock.clone(),
            tasks: tokio_util::task::TaskTracker::new(),
            event_streams: Arc::new(Semaphore::new(settings.limits.event_streams_max)),
            settings: Arc::new(settings),
            recordings: folder.path().to_owned(),
            metrics: telemetry::build_recorder().expect("buckets").handle(),
            listens_on_loopback: true,
            stopping: lifecycle.soft().clone(),
        };
        let serving = lifecycle.clone();
        lifecycle.spawn(async move { http::serve(listener, Arc::new(state), &serving).await.expect("served") });
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let tokens = Tokens::open(&key, clock).expect("the key");
        Self { address, store, url, interviews, scoring, tokens, recordings: folder, lifecycle, client, later_s }
    }

    /// The program, on this server's database.
    pub fn program(&self) -> std::process::Command {
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_vivavoce"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        program
            .env_clear()
            .env("PATH", path)
            .env("VIVAVOCE_HOME", self.recordings.path())
            .env("DATABASE_URL", &self.url);
        program
    }

    /// What a `select count(*)` says.
    pub async fn count(&self, query: &'static str) -> i64 {
        let pool = sqlx::PgPool::connect(&self.url).await.expect("connects");
        let count = sqlx::query_scalar::<_, i64>(query).fetch_one(&pool).await.expect("counts");
        pool.close().await;
        count
    }

    /// Moves the server's clock.
    pub fn wait(&self, time: Duration) {
        self.later_s.fetch_add(i64::try_from(time.as_secs()).expect("short"), Ordering::Relaxed);
    }

    /// A request from this machine.
    pub fn local(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.address))
    }

    /// A request that came through a proxy, so from anywhere.
    pub fn far(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        let request = self.local(method, path).header("x-forwarded-for", "203.0.113.7");
        if token.is_empty() { request } else { request.bearer_auth(token) }
    }

    /// Makes an interview by REST: its id and join token.
    pub async fn create(&self) -> (SessionId, String) {
        let answer = self.local(Method::POST, "/api/v1/interviews").json(&wish()).send().await.expect("answered");
        let made = body(answer, 201).await;
        let id = made["id"].as_str().expect("id").parse().expect("an id");
        (id, made["join_token"].as_str().expect("token").to_owned())
    }

    /// Gives consent as the page does.
    pub async fn consent(&self, id: SessionId, token: &str) {
        let path = format!("/api/v1/interviews/{id}/consent");
        let shown = self.far(Method::GET, &format!("/api/v1/interviews/{id}"), token).send().await.expect("answered");
        let version = body(shown, 200).await["disclosure"]["version"].clone();
        let consent = json!({ "version": version, "accepted": true });
        body(self.far(Method::POST, &path, token).json(&consent).send().await.expect("answered"), 201).await;
    }
}

/// The JSON of an answer with this status.
pub async fn body(answer: Response, status: u16) -> Value {
    let (given, text) = (answer.status().as_u16(), answer.text().await.expect("a body"));
    assert_eq!(given, status, "{text}");
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"))
}

/// The problem of an answer with this status; checks that it is one, and leads somewhere.
pub async fn problem(answer: Response, status: u16) -> Value {
    let kind = answer.headers().get("content-type").map(|value| value.to_str().expect("text").to_owned());
    let given = body(answer, status).await;
    assert_eq!(kind.as_deref(), Some("application/problem+json"), "{given}");
    assert_eq!(given["status"], status, "{given}");
    for field in ["type", "title", "detail"] {
        assert!(given[field].as_str().is_some_and(|text| !text.is_empty()), "{field} in {given}");
    }
    assert!(given["type"].as_str().expect("text").starts_with("/problems/"), "{given}");
    given
}

/// What the page sends.
pub fn wish() -> Value {
    json!({
        "category": "backend", "level": "junior", "language": "en", "job_position": "Back-end engineer", "questions": 3,
        "mode": "voice", "purpose": "practice", "room": "webrtc", "candidate_name": "Ada",
        "accommodations": { "patience": 1.25 },
    })
}

/// Interviews that are played.
pub struct Played {
    store: Store,
    pub acts: Mutex<Acts>,
}

/// What the played interviews answer, and what they were asked.
#[derive(Default)]
pub struct Acts {
    pub refuses: Option<InterviewError>,
    pub live: Option<StateView>,
    pub is_unready: bool,
    pub panics: bool,
    pub hangs: bool,
    pub wishes: Vec<InterviewWish>,
    pub offers: Vec<(SessionId, bool)>,
    pub daily_begun: Vec<SessionId>,
    pub daily_events: Vec<Event>,
    pub ends: Vec<(SessionId, EndReason)>,
}

impl Played {
    fn act<T>(&self, take: impl FnOnce(&mut Acts) -> T) -> T {
        take(&mut self.acts.lock().expect("not poisoned"))
    }

    fn refusal(&self) -> Result<(), InterviewError> {
        self.act(|acts| acts.refuses.clone()).map_or(Ok(()), Err)
    }
}

/// The version of the played connection.
pub const ETAG: &str = "v1";
/// Its name.
pub const RESOURCE: &str = "0b1c2d3e-0000-7000-8000-000000000001";

impl Interviews for Played {
    fn create(&self, wish: InterviewWish) -> BoxFuture<'_, Result<Booked, InterviewError>> {
        self.act(|acts| acts.wishes.push(wish.clone()));
        async move {
            self.refusal()?;
            // Written interviews are not played: they need no room.
            if wish.mode == Mode::Text {
                return Ok(book(&self.store, None, Reserved::create(), wish).await?);
            }
            Ok(Booked { row: self.store.create_interview(&row(wish)).await?, notes: Vec::new() })
        }
        .boxed()
    }

    fn whip_offer(
        &self,
        session: SessionId,
        _: String,
        reconnect: bool,
    ) -> BoxFuture<'_, Result<WhipAnswer, InterviewError>> {
        self.act(|acts| acts.offers.push((session, reconnect)));
        let answer = WhipAnswer { sdp: "v=0\r\n".to_owned(), resource: RESOURCE.to_owned(), etag: ETAG.to_owned() };
        ready(self.refusal().map(|()| answer)).boxed()
    }

    fn whip_patch(
        &self,
        _: SessionId,
        resource: String,
        etag: String,
        fragment: String,
    ) -> BoxFuture<'_, Result<WhipPatched, InterviewError>> {
        let restarted = WhipPatched::Restarted { fragment: "a=ice-ufrag:x\r\n".to_owned(), etag: "v2".to_owned() };
        ready(match self.refusal() {
            Err(error) => Err(error),
            Ok(()) if resource != RESOURCE => Err(InterviewError::NotFound),
            Ok(()) if etag != ETAG => Err(InterviewError::Outdated),
            Ok(()) if fragment.contains("ice-ufrag") => Ok(restarted),
            Ok(()) => Ok(WhipPatched::Taken),
        })
        .boxed()
    }

    fn whip_delete(&self, _: SessionId, resource: String) -> BoxFuture<'_, Result<(), InterviewError>> {
        ready(if resource == RESOURCE { Ok(()) } else { Err(InterviewError::NotFound) }).boxed()
    }

    fn daily_access<'a>(&'a self, row: &'a InterviewRow) -> BoxFuture<'a, Result<Option<DailyAccess>, InterviewError>> {
        let room_url = "https://fake.daily.co/a-room".to_owned();
        let way = DailyAccess { join_url: format!("{room_url}?t=token"), room_url, token: "token".to_owned() };
        ready(self.refusal().map(|()| (row.room == RoomKind::Daily).then_some(way))).boxed()
    }

    fn daily_begin(&self, session: SessionId) -> BoxFuture<'_, Result<(), InterviewError>> {
        self.act(|acts| acts.daily_begun.push(session));
        ready(self.refusal()).boxed()
    }

    fn daily_event(&self, event: Event) -> BoxFuture<'_, Result<(), InterviewError>> {
        self.act(|acts| acts.daily_events.push(event));
        ready(self.refusal()).boxed()
    }

    fn end(&self, session: SessionId, reason: EndReason) -> BoxFuture<'_, Result<(), InterviewError>> {
        self.act(|acts| acts.ends.push((session, reason)));
        ready(self.refusal()).boxed()
    }

    fn live_state(&self, _: SessionId) -> BoxFuture<'_, Option<StateView>> {
        let (live, panics, hangs) = self.act(|acts| (acts.live.clone(), acts.panics, acts.hangs));
        async move {
            assert!(!panics, "played panic");
            if hangs {
                std::future::pending::<()>().await;
            }
            live
        }
        .boxed()
    }

    fn sound_check(&self) -> BoxFuture<'_, Result<Bytes, InterviewError>> {
        ready(self.refusal().map(|()| Bytes::from_static(b"RIFF"))).boxed()
    }

    fn voice_languages(&self) -> Vec<&'static str> {
        vec!["en"]
    }

    fn ready(&self) -> BoxFuture<'_, Vec<(&'static str, bool)>> {
        ready(vec![("speech to text", !self.act(|acts| acts.is_unready))]).boxed()
    }
}

/// The scorer without models.
fn scoring() -> Scoring {
    let rubric = Rubric::shipped().expect("the shipped rubric");
    Scoring { rubric: Arc::new(rubric.clone()), grader: Arc::new(LocalGrader::new(rubric, None)) }
}

fn row(wish: InterviewWish) -> NewInterview {
    NewInterview {
        id: SessionId::create(),
        user_id: wish.user_id,
        category_id: Some(wish.category.id),
        category_slug: wish.category.slug,
        title: wish.title,
        candidate_name: wish.candidate_name,
        job_position: wish.job_position,
        experience_level: wish.level,
        tech_stack: wish.tech_stack,
        language: wish.category.language,
        mode: wish.mode,
        purpose: wish.purpose,
        room: wish.room,
        daily_room_url: None,
        status: SessionStatus::Waiting,
        plan: json!({}),
        accommodations: json!({ "patience": wish.patience }),
        scheduled_at: None,
        expires_at: Some(wish.expires_at),
    }
}

/// A small bank with one question for each of `levels`.
pub fn bank(slug: &str, language: &str, levels: &[Level]) -> Bank {
    let category = Category {
        slug: slug.to_owned(),
        name: "Back-end engineering".to_owned(),
        description: "Servers".to_owned(),
        language: language.to_owned(),
        system_prompt: "Never shown.".to_owned(),
        job_positions: vec!["Back-end engineer".to_owned()],
        competencies: vec![Competency { slug: "http".to_owned(), name: "HTTP".to_owned(), weight: 1.0 }],
    };
    Bank { category, questions: levels.iter().map(|level| question(slug, *level)).collect() }
}

fn question(slug: &str, level: Level) -> Question {
    let point = |id: &str| KeyPoint {
        id: id.to_owned(),
        statement: "It is safe to repeat.".to_owned(),
        weight: 1.0,
        must: true,
        paraphrases: vec!["doing it twice does no harm".to_owned()],
        terms: Vec::new(),
    };
    Question {
        key: format!("{slug}.{}", level.as_str()),
        version: 1,
        twin: None,
        competency: "http".to_owned(),
        level,
        difficulty: 1,
        kind: QuestionKind::Factual,
        time_box_s: 60,
        anchor: false,
        prompt: "What does idempotent mean?".to_owned(),
        rephrased: "What happens if a request is sent twice?".to_owned(),
        reference_answer: "It is safe to repeat.".to_owned(),
        code: None,
        key_points: vec![point("repeat")],
        misconceptions: Vec::new(),
        probes: vec![Probe {
            key_point: "repeat".to_owned(),
            kind: ProbeKind::Example,
            text: "For example?".to_owned(),
        }],
        anchors: Anchors { one: "No idea".to_owned(), three: "Roughly".to_owned(), five: "Exactly".to_owned() },
    }
}

/// Now, as the store keeps it.
pub fn now() -> DateTime<Utc> {
    Clock::system().now()
}
