//! Interviews in Daily.co rooms: their rooms made and deleted, tokens for the candidate and for ourselves, the interviewer
//! sent in, and what Daily tells by itself passed on. Must never hold a rule of the conversation, nor show a token.

use super::live::door::Door;
use super::live::{Joined, Live};
use crate::config::{self, Settings};
use crate::embedded::{self, Paths};
use crate::http::{DailyAccess, InterviewError, RecordingLink};
use crate::id::SessionId;
use crate::interview::EndReason;
use crate::room::daily::people::BOT_PREFIX;
use crate::room::daily::rest::token::Token;
use crate::room::daily::rest::{ErrorCode, NewRoom, Privacy, Rest, RestError, RoomProperties, Webhook, WebhookWish};
use crate::room::daily::trial::{self, Trial};
use crate::room::daily::webhook::{Event, Seen, What};
use crate::room::daily::{Access, DailyRoom, DailySettings, LookUp, Remains, RoomSetup};
use crate::room::port_pair;
use crate::session::{self, observers};
use crate::store::{InterviewRow, RoomKind, StoreError};
use crate::stt::SttOptions;
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How rooms of ours are called, before the interview's id.
const ROOM_PREFIX: &str = "vivavoce-";
/// Frames of observers that may wait: 4 s of one.
const OVERHEARD_MAX: usize = 200;
/// A room outlives the longest interview that begins at the last moment by so much, minutes: goodbyes take time.
const ROOM_SPARE_MINUTES: i64 = 15;
/// Where Daily's webhooks come to this server.
const WEBHOOK_PATH: &str = "/api/v1/daily/webhook";
/// How long the address of a recording is good, s: long enough to begin fetching it.
const LINK_S: u32 = 600;

/// A Daily domain, as this server uses it.
pub struct Daily {
    rest: Arc<Rest>,
    given: config::Daily,
    longest_minutes: i64,
    room: Arc<DailySettings>,
    /// Where the client library is.
    cache: PathBuf,
    domain_id: OnceCell<String>,
    seen: Mutex<Seen>,
}

impl Daily {
    /// As the settings say; `None` where they name no key.
    pub fn from_settings(settings: &Settings, paths: &Paths) -> Result<Option<Arc<Self>>, RestError> {
        let given = settings.room.daily.clone();
        if given.api_key.0.is_empty() {
            return Ok(None);
        }
        let timeout = Duration::from_secs(u64::from(given.timeout_s));
        let room = DailySettings {
            program: std::env::current_exe().map_err(|error| RestError::Unusable { said: error.to_string() })?,
            name: given.name.clone(),
            proxy_url: Some(given.proxy_url.clone()).filter(|url| !url.is_empty()),
            wait: Duration::from_secs(u64::from(given.wait_s)),
            reconnect: Duration::from_secs(u64::from(given.reconnect_s)),
            presence_every: Duration::from_secs(u64::from(given.presence_every_s)),
            ..DailySettings::default()
        };
        Ok(Some(Arc::new(Self {
            rest: Arc::new(Rest::new(&given.api_url, &given.api_key.0, timeout)?),
            longest_minutes: i64::from(settings.interview.minutes_max) + ROOM_SPARE_MINUTES,
            room: Arc::new(room),
            given,
            cache: paths.cache.clone(),
            domain_id: OnceCell::new(),
            seen: Mutex::default(),
        })))
    }

    /// Whether there is a library to go into a room with: without it a candidate would wait for nobody.
    async fn must_have_library(&self) -> Result<(), InterviewError> {
        let cache = self.cache.clone();
        let found = tokio::task::spawn_blocking(move || embedded::daily::library(&cache)).await;
        let why = match found {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::error!(why, "no interview can be held in a Daily room");
        let said = "This server has no client library for Daily rooms: its operator runs scripts/setup --daily.";
        Err(InterviewError::Unavailable { said: said.into() })
    }

    /// Makes the room of an interview; its address.
    pub async fn make_room(&self, id: SessionId, expires_at: DateTime<Utc>) -> Result<String, InterviewError> {
        self.must_have_library().await?;
        let properties = RoomProperties {
            exp: Some(self.room_end(expires_at)),
            eject_at_room_exp: Some(true),
            max_participants: Some(self.given.participants_max),
            // Who comes in again takes the place of what was left of them.
            enforce_unique_user_ids: Some(true),
            start_video_off: Some(true),
            enable_chat: Some(true),
            enable_prejoin_ui: Some(true),
            enable_recording: Some(self.given.recording.clone()).filter(|kind| !kind.is_empty()),
            geo: Some(self.given.geo.clone()).filter(|region| !region.is_empty()),
        };
        let room = NewRoom { name: room_name(id), privacy: Privacy::Private, properties };
        let made = self.rest.create_room(&room).await.map_err(|error| {
            tracing::error!(session = %id, %error, "a Daily room could not be made");
            InterviewError::Unavailable { said: "The Daily room could not be made; try again in a minute.".into() }
        })?;
        Ok(made.url)
    }

    /// Deletes the room of an interview that did not come about; Daily does it itself at the room's end, should this fail.
    /// Rooms of interviews that did are deleted by a job, which the database queues.
    pub async fn delete_unbooked(&self, id: SessionId) {
        if let Err(error) = self.delete_room(id).await {
            tracing::warn!(session = %id, error, "the Daily room was not deleted; it expires by itself");
        }
    }

    /// When a room ends whatever happens, Unix time in s.
    fn room_end(&self, expires_at: DateTime<Utc>) -> i64 {
        (expires_at + chrono::Duration::minutes(self.longest_minutes)).timestamp()
    }

    /// The candidate's way into the room.
    pub async fn access(&self, row: &InterviewRow, now: DateTime<Utc>) -> Result<DailyAccess, RestError> {
        let expires_at = row.expires_at.unwrap_or(now);
        let name = row.candidate_name.clone().unwrap_or_else(|| "Candidate".to_owned());
        let token = self.token(row.id, &name, candidate_user_id(row), false, self.room_end(expires_at), now).await?;
        let room_url = row.daily_room_url.clone().unwrap_or_default();
        Ok(DailyAccess { join_url: format!("{room_url}?t={token}"), room_url, token })
    }

    async fn token(
        &self,
        id: SessionId,
        name: &str,
        user_id: String,
        is_owner: bool,
        exp: i64,
        now: DateTime<Utc>,
    ) -> Result<String, RestError> {
        let token = Token {
            room_name: room_name(id),
            exp,
            nbf: None,
            is_owner,
            user_name: name.to_owned(),
            user_id,
            eject_at_token_exp: true,
            start_video_off: true,
            start_audio_off: false,
        };
        if !self.given.sign_tokens {
            return self.rest.token(&token).await;
        }
        let domain =
            self.domain_id.get_or_try_init(async || self.rest.domain().await.map(|domain| domain.domain_id)).await?;
        self.rest.sign_token(&token, domain, now.timestamp())
    }

    /// Whether an event of Daily's was not told before.
    pub fn is_new(&self, event: &Event) -> bool {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).is_new(&event.id)
    }
}

/// The candidate's user id in the room: at most 36 characters, and the same whenever they come.
fn candidate_user_id(row: &InterviewRow) -> String {
    row.user_id.map_or_else(|| row.id.to_string(), |user| user.to_string())
}

fn room_name(id: SessionId) -> String {
    format!("{ROOM_PREFIX}{id}")
}

/// Whose room that is.
#[must_use]
pub fn session_of(room: &str) -> Option<SessionId> {
    room.strip_prefix(ROOM_PREFIX)?.parse::<Uuid>().ok().map(SessionId)
}

impl Remains for Daily {
    fn delete_recording<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move { self.rest.delete_recording(id).await.map(drop).map_err(|error| error.to_string()) })
    }

    fn delete_room(&self, session: SessionId) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            self.rest.delete_room(&room_name(session)).await.map(drop).map_err(|error| error.to_string())
        })
    }
}

/// One interview's way to Daily.
struct Way {
    live: Arc<Live>,
    row: InterviewRow,
}

impl Way {
    fn daily(&self) -> Result<&Daily, String> {
        self.live.daily.as_deref().ok_or_else(|| "there is no Daily domain any more".to_owned())
    }
}

impl Access for Way {
    fn way_in(&self) -> BoxFuture<'_, Result<(String, String), String>> {
        Box::pin(async move {
            let (daily, now) = (self.daily()?, self.live.clock.now());
            let end = daily.room_end(self.row.expires_at.unwrap_or(now));
            let user_id = format!("{BOT_PREFIX}{}", self.row.id.0.simple());
            let token = daily.token(self.row.id, &daily.given.name, user_id, true, end, now).await;
            let url = self.row.daily_room_url.clone().unwrap_or_default();
            Ok((url, token.map_err(|error| error.to_string())?))
        })
    }

    fn presence(&self) -> BoxFuture<'_, LookUp> {
        Box::pin(async move {
            let there = self.daily()?.rest.presence(&room_name(self.row.id)).await;
            there.map_err(|error| error.to_string())
        })
    }
}

impl Live {
    /// The candidate's way into the Daily room of an interview; `None` for one elsewhere.
    pub async fn daily_access(&self, row: &InterviewRow) -> Result<Option<DailyAccess>, InterviewError> {
        let Some(daily) = self.daily.as_ref().filter(|_| row.room == RoomKind::Daily) else { return Ok(None) };
        daily.access(row, self.clock.now()).await.map(Some).map_err(|error| {
            tracing::error!(session = %row.id, %error, "there is no token for the candidate");
            InterviewError::Unavailable { said: "The Daily room cannot be opened now; try again in a minute.".into() }
        })
    }

    /// Sends the interviewer into the Daily room of an interview, unless it is there.
    pub async fn begin_daily(self: &Arc<Self>, id: SessionId) -> Result<(), InterviewError> {
        if self.daily.is_none() {
            return Err(InterviewError::Unavailable { said: "This server has no Daily rooms.".into() });
        }
        let joining = self.joining(id);
        let _one_at_a_time = joining.lock().await;
        if self.running(id).is_some() {
            return Ok(());
        }
        let (lease, place) = self.claim(id).await?;
        let begun = self.join_daily(&lease, place).await;
        if begun.is_err() {
            self.give_back(&lease).await;
        }
        begun
    }

    async fn join_daily(
        self: &Arc<Self>,
        lease: &crate::store::Lease,
        place: tokio::sync::OwnedSemaphorePermit,
    ) -> Result<(), InterviewError> {
        let Some(daily) = &self.daily else { return Err(InterviewError::NotActive) };
        let row = self.store.interview(lease.session).await?;
        if row.room != RoomKind::Daily {
            return Err(InterviewError::NotActive);
        }
        let restored = session::restored(&self.store, lease.session).await?;
        let samples = self.sample_clock(&row, restored.as_ref());
        let (room_port, session_port) = port_pair();
        // Who was lost in the middle comes back soon or not at all; who was invited may take longer.
        let mut settings = (*daily.room).clone();
        if restored.is_some() {
            settings.wait = settings.reconnect;
        }
        let transcribes = daily.given.observers == config::Observers::Transcribe;
        let (overheard, remarks) = tokio::sync::mpsc::channel(OVERHEARD_MAX);
        let handle = DailyRoom::open(RoomSetup {
            settings: Arc::new(settings),
            access: Arc::new(Way { live: self.clone(), row: row.clone() }),
            candidate: candidate_user_id(&row),
            clock: samples,
            wall_clock: self.clock.clone(),
            port: session_port,
            overheard: transcribes.then_some(overheard),
            tasks: self.tasks.clone(),
            cancel: CancellationToken::new(),
        });
        let (room, cancel) = (Door::Daily(handle), self.stopping.child_token());
        let is_recorded = self.settings.recording.enabled;
        let joined = Joined { samples, port: room_port, room, restored, place, is_recorded, cancel };
        self.begin(&row, lease.clone(), joined)?;
        if transcribes && let Some(running) = self.running(row.id) {
            let options = SttOptions { language: row.language.clone(), keyterms: row.tech_stack.clone() };
            let (parts, session) = (self.parts.clone(), running.session);
            self.tasks.spawn(observers::listen(remarks, parts, options, session, self.tasks.clone()));
        }
        Ok(())
    }

    /// What Daily told of a room: but for a recording hints alone, so that one that is lost or repeated does no harm.
    ///
    /// # Errors
    /// [`InterviewError`] when a recording could not be noted: Daily shall tell of it again.
    pub async fn daily_event(self: &Arc<Self>, event: Event) -> Result<(), InterviewError> {
        let (Some(daily), Some(id)) = (&self.daily, session_of(&event.room)) else { return Ok(()) };
        if let What::RecordingReady { recording, seconds } = &event.what {
            return self.recording_ready(id, recording, *seconds).await;
        }
        if !daily.is_new(&event) {
            return Ok(());
        }
        tracing::info!(session = %id, event = event.id, what = event.what.name(), "Daily tells of a room");
        match &event.what {
            What::Joined { user_id, .. } => {
                let is_bot = user_id.as_ref().is_some_and(|user| user.starts_with(BOT_PREFIX));
                if !is_bot {
                    self.answer_the_door(id).await;
                }
                self.look(id);
            }
            What::Left { .. } | What::MeetingStarted | What::MeetingEnded => self.look(id),
            What::RecordingFailed => tracing::warn!(session = %id, "Daily's recording failed"),
            What::RecordingReady { .. } | What::Other => {}
        }
        Ok(())
    }

    /// Notes a recording of Daily's with its interview. One whose interview has been erased meanwhile is deleted.
    async fn recording_ready(&self, id: SessionId, recording: &str, seconds: f64) -> Result<(), InterviewError> {
        match self.store.note_daily_recording(id, recording, seconds).await {
            Ok(is_new) => tracing::info!(session = %id, recording, seconds, is_new, "Daily has a recording"),
            Err(StoreError::NotFound) => {
                let was_ours = self.store.forget_late_daily_recording(id, recording).await?;
                tracing::info!(session = %id, recording, was_ours, "Daily has a recording of no interview that is here");
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// An address at which a recording of Daily's can be fetched for some time.
    pub async fn daily_recording(&self, id: &str) -> Result<RecordingLink, InterviewError> {
        let daily = self.daily.as_ref().ok_or(InterviewError::NotFound)?;
        let link = daily.rest.recording_link(id, LINK_S).await.map_err(|error| {
            tracing::warn!(recording = id, %error, "there is no link to a recording at Daily");
            if error.code() == Some(ErrorCode::NotFound) {
                return InterviewError::NotFound;
            }
            InterviewError::Unavailable { said: "Daily does not give the recording now; try again in a minute.".into() }
        })?;
        let expires_at = DateTime::from_timestamp(link.expires, 0).unwrap_or_else(|| self.clock.now());
        Ok(RecordingLink { download_url: link.download_link, expires_at })
    }

    fn look(&self, id: SessionId) {
        if let Some(Door::Daily(room)) = self.running(id).map(|running| running.room) {
            room.look();
        }
    }

    /// Somebody has come: the interviewer goes in, if the candidate has consented.
    async fn answer_the_door(self: &Arc<Self>, id: SessionId) {
        match self.store.consent(id).await {
            Ok(Some(_)) => {
                if let Err(error) = self.begin_daily(id).await {
                    tracing::warn!(session = %id, %error, "the interviewer did not go into the Daily room");
                }
            }
            Ok(None) => tracing::warn!(session = %id, "somebody is in the Daily room, but nobody has consented"),
            Err(error) => tracing::warn!(session = %id, %error, "whether the candidate has consented is not known"),
        }
    }

    /// A session in a Daily room has ended here. One that nobody came back to, though its server waited, is over.
    pub(super) async fn after_daily(&self, id: SessionId) {
        let row = match self.store.interview(id).await {
            Ok(row) => row,
            Err(error) => return tracing::warn!(session = %id, %error, "the sweep will look after this interview"),
        };
        let waited_in_vain = !row.status.is_final() && row.start_time.is_some() && !self.stopping.is_cancelled();
        // Where another node holds it nothing is closed: then the room is that node's.
        if waited_in_vain && let Err(error) = self.close_forsaken(id, EndReason::Left).await {
            tracing::warn!(session = %id, %error, "an interview that nobody came back to is not closed yet");
        }
    }
}

/// Proves that domain, key, library and network work together; `tell` hears of each step.
pub async fn daily_check(settings: &Settings, paths: &Paths, tell: impl Fn(String)) -> anyhow::Result<()> {
    let daily = Daily::from_settings(settings, paths)?;
    let daily = daily.context("there is no API key: set VIVAVOCE_ROOM__DAILY__API_KEY (docs/daily.md)")?;
    let domain = daily.rest.domain().await?;
    tell(format!("ok      the key is of the domain {}", domain.domain_name));
    match daily.rest.webhooks().await {
        Ok(webhooks) => {
            for webhook in webhooks.iter().filter(|webhook| webhook.url.ends_with(WEBHOOK_PATH)) {
                tell(webhook_state(&daily.rest, webhook).await);
            }
        }
        Err(error) => tell(format!("warning the webhooks are not known: {error}")),
    }
    let id = SessionId::create();
    let now = Utc::now();
    let url = daily.make_room(id, now).await?;
    tell(format!("ok      the room {url} is made"));
    // Whoever has seen enough leaves no room behind either.
    let called = tokio::select! {
        called = call_each_other(&daily, id, &url, now) => called,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("it was broken off")),
    };
    let gone = daily.rest.delete_room(&room_name(id)).await;
    if let Ok(trial) = &called {
        tell(format!("ok      both are in the room, after {} and {} ms", trial.joined_ms[0], trial.joined_ms[1]));
        let [one, other] = trial.heard.map(|share| (share * 100.0).round());
        tell(format!("ok      both hear the other's tone ({one} and {other} % of what they hear)"));
    }
    gone.context("the room was not deleted; it expires by itself")?;
    tell("ok      the room is deleted".to_owned());
    called.map(|_| ())
}

/// How a webhook to a server of ours is; Daily sends nothing any more once three sends have failed, and tells nobody.
async fn webhook_state(rest: &Rest, webhook: &Webhook) -> String {
    let Webhook { url, state, event_types, .. } = webhook;
    if state.as_deref() != Some("FAILED") {
        return format!("ok      the webhook to {url} is on");
    }
    let again = WebhookWish { url: url.clone(), event_types: event_types.clone(), hmac: None };
    match rest.update_webhook(&webhook.uuid, &again).await {
        Ok(_) => format!("ok      the webhook to {url} had failed, and is on again"),
        Err(error) => format!("warning the webhook to {url} has failed, and does not come back: {error}"),
    }
}

async fn call_each_other(daily: &Daily, id: SessionId, url: &str, now: DateTime<Utc>) -> anyhow::Result<Trial> {
    let end = daily.room_end(now);
    let mut tokens = [String::new(), String::new()];
    for (number, token) in tokens.iter_mut().enumerate() {
        let user_id = format!("{BOT_PREFIX}check-{number}");
        *token = daily.token(id, &daily.given.name, user_id, true, end, now).await?;
    }
    Ok(trial::hold(&daily.room, url, tokens).await?)
}
