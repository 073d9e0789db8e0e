//! The open door: plain conversations and unprepared interviews, without a token. Must never reach an interview that was
//! prepared for somebody, nor take a call that this server cannot carry.

use super::door::Way;
use super::{Ending, LEASE, Live, Running, answered, room_error};
use crate::audio::frame::SamplePos;
use crate::clock::Clock;
use crate::config::{Conversation, OpenOffer as Settings};
use crate::http::{InterviewError, InterviewWish, OpenAnswer, OpenOffer, WhipAnswer};
use crate::id::SessionId;
use crate::interview::question::Level;
use crate::room::webrtc::WebRtcSettings;
use crate::room::websocket::Socket;
use crate::room::{SampleClock, port_pair};
use crate::session::journal::StoreRecord;
use crate::session::plain::floor::{Endpointing, FloorSettings};
use crate::session::plain::{self, PlainSettings, PlainSetup};
use crate::session::{self, Parts};
use crate::store::{Lease, Mode, NewInterview, Purpose, RoomKind, SessionStatus};
use crate::stt::SttOptions;
use anyhow::ensure;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// A detector's reading covers so much, ms (Silero's).
const READING_MS: u32 = 32;
/// What the row of a plain conversation has for a category.
const CATEGORY: &str = "conversation";
/// A conversation that does not begin is abandoned after so long.
const EXPIRES: chrono::Duration = chrono::Duration::minutes(10);

/// The door's connections.
#[derive(Debug)]
pub struct OpenDoor {
    webrtc: Arc<WebRtcSettings>,
    calls: Mutex<HashMap<String, Call>>,
}

/// A connection of the door.
#[derive(Clone, Debug)]
struct Call {
    session: SessionId,
    /// The room's name for it.
    resource: String,
}

/// Whether the parts can do what the door's settings ask for.
///
/// # Errors
/// Says what is missing.
pub fn check(settings: &crate::config::Settings, parts: &Parts) -> anyhow::Result<()> {
    let door = &settings.room.open_offer;
    if !door.enabled || door.conversation == Conversation::Interview {
        return Ok(());
    }
    ensure!(parts.llm.is_some(), "room.open_offer: a plain conversation needs a language model (providers.llm)");
    match door.endpointing {
        Endpointing::Provider => ensure!(
            parts.stt.marks_ends(),
            "room.open_offer.endpointing is \"provider\", but none of providers.stt marks the end of a turn; use \"vad\" or \"turn\""
        ),
        Endpointing::Vad => {}
        Endpointing::Turn => ensure!(
            parts.turn_model.is_some(),
            "room.open_offer.endpointing is \"turn\", but providers.turn_model is \"none\""
        ),
    }
    Ok(())
}

impl OpenDoor {
    pub fn new(webrtc: &WebRtcSettings, settings: &crate::config::Settings) -> Self {
        let webrtc = WebRtcSettings {
            reconnect: Duration::from_secs(u64::from(settings.room.open_offer.reconnect_s)),
            // Whoever hangs up has gone: a page that comes back begins anew.
            leave_grace: Duration::ZERO,
            ..webrtc.clone()
        };
        Self { webrtc: Arc::new(webrtc), calls: Mutex::default() }
    }

    fn calls(&self) -> std::sync::MutexGuard<'_, HashMap<String, Call>> {
        // Nothing panics while the lock is held: a poisoned map is as good as any.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    /// Answers an offer without a token.
    pub async fn open_offer(self: &Arc<Self>, offer: OpenOffer) -> Result<OpenAnswer, InterviewError> {
        if let Some(pc_id) = offer.pc_id.as_ref() {
            let call = self.open.calls().get(pc_id).cloned();
            if let Some((call, running)) = call.and_then(|call| Some((call.clone(), self.running(call.session)?))) {
                return self.go_on(pc_id.clone(), call, &running, offer).await;
            }
        }
        if self.stopping.is_cancelled() {
            return Err(InterviewError::Unavailable { said: "The server is stopping; try again in a minute.".into() });
        }
        let (session, answer) = self.open(Way::Offer(offer.sdp)).await?;
        let answer = answer.ok_or(InterviewError::NotActive)?;
        Ok(OpenAnswer { pc_id: self.remember(session, answer.resource), sdp: answer.sdp })
    }

    /// Seats a socket without a token.
    pub async fn open_socket(self: &Arc<Self>, socket: Socket) -> Result<(), InterviewError> {
        if self.stopping.is_cancelled() {
            return Err(InterviewError::Unavailable { said: "The server is stopping; try again in a minute.".into() });
        }
        self.open(Way::Socket(socket)).await.map(drop)
    }

    /// Begins what the settings say.
    async fn open(self: &Arc<Self>, way: Way) -> Result<(SessionId, Option<WhipAnswer>), InterviewError> {
        self.check_budget().await?;
        match self.settings.room.open_offer.conversation {
            Conversation::Plain => self.open_plain(way).await,
            Conversation::Interview => self.open_interview(way).await,
        }
    }

    /// Another offer of a connection that stands, or of one that is to take its place.
    async fn go_on(
        &self,
        pc_id: String,
        mut call: Call,
        running: &Running,
        offer: OpenOffer,
    ) -> Result<OpenAnswer, InterviewError> {
        if !offer.restart {
            let sdp = running.room.webrtc()?.renegotiate(&call.resource, offer.sdp).await.map_err(room_error)?;
            return Ok(OpenAnswer { sdp, pc_id });
        }
        let answer = answered(running.room.webrtc()?.offer(offer.sdp).await)?;
        call.resource = answer.resource;
        self.open.calls().insert(pc_id.clone(), call);
        Ok(OpenAnswer { sdp: answer.sdp, pc_id })
    }

    async fn open_plain(self: &Arc<Self>, way: Way) -> Result<(SessionId, Option<WhipAnswer>), InterviewError> {
        let place = self.place()?;
        let id = SessionId::create();
        let samples = SampleClock { origin: session::now(), origin_at: SamplePos(0) };
        let (room_port, session_port) = port_pair();
        let room = self.open_room(&way, &self.open.webrtc, samples, session_port)?;
        let (lease, answer) = tokio::join!(self.new_conversation(id), room.enter(way));
        let (answer, lease) = (answer?, lease?);
        let door = &self.settings.room.open_offer;
        let (handle, run) = plain::open(PlainSetup {
            id,
            clock: self.clock.clone(),
            samples,
            room: room_port,
            parts: self.parts.for_interview(),
            settings: plain_settings(door),
            ears: session::utterances::Settings {
                // A detector tells silence in steps: the stated one is over with the step that comes nearest.
                stop_silence_ms: door.silence_ms.saturating_sub(READING_MS / 2),
                ..self.settings.hearing.clone()
            },
            stt: SttOptions { language: door.language.clone(), keyterms: Vec::new() },
            first_seq: lease.first_seq,
            record: Arc::new(StoreRecord { store: self.store.clone(), lease: lease.clone() }),
            cancel: self.stopping.child_token(),
        })
        .map_err(|error| InterviewError::Unavailable { said: error.to_string() })?;
        let ending = Ending { lease, recorded: None, is_resumable: false, place };
        self.let_run(Running { session: handle, room }, run, ending);
        Ok((id, answer))
    }

    /// A practice interview of the settings' category. Nobody consented to anything, so nothing of it is recorded.
    async fn open_interview(self: &Arc<Self>, way: Way) -> Result<(SessionId, Option<WhipAnswer>), InterviewError> {
        let door = &self.settings.room.open_offer;
        let categories = self.store.categories().await?;
        let category = categories.into_iter().find(|row| row.slug == door.category && row.language == door.language);
        let category = category.ok_or_else(|| {
            tracing::error!(category = %door.category, language = %door.language, "room.open_offer names no category");
            InterviewError::Unavailable { said: "The interview that this server opens does not exist.".into() }
        })?;
        let wish = InterviewWish {
            user_id: None,
            level: door.level,
            title: format!("{}, {}", category.name, door.level.as_str()),
            job_position: category.job_positions.first().cloned().unwrap_or_else(|| category.name.clone()),
            tech_stack: Vec::new(),
            candidate_name: None,
            questions: self.settings.interview.questions_default,
            minutes: Some(self.settings.interview.minutes_default),
            mode: Mode::Voice,
            purpose: Purpose::Practice,
            room: RoomKind::Webrtc,
            patience: 1.0,
            adaptive: true,
            turn_profile: None,
            expires_at: self.clock.now() + EXPIRES,
            category,
        };
        let row = self.create(wish).await?.row;
        Ok((row.id, self.enter(row.id, way, false).await?))
    }

    /// The row of a conversation, and its lease.
    async fn new_conversation(&self, id: SessionId) -> Result<Lease, InterviewError> {
        let new = conversation(id, &self.settings.room.open_offer, &self.clock);
        self.store.create_interview(&new).await?;
        let lease = self.store.claim(id, self.node, LEASE).await?;
        lease.ok_or_else(|| InterviewError::Unavailable { said: "The conversation could not be begun.".into() })
    }

    /// Remembers a connection by a name that cannot be guessed, and forgets those that are over.
    fn remember(&self, session: SessionId, resource: String) -> String {
        let pc_id = Uuid::new_v4().to_string();
        let running = self.ids();
        let mut calls = self.open.calls();
        calls.retain(|_, call| running.contains(&call.session));
        calls.insert(pc_id.clone(), Call { session, resource });
        pc_id
    }

    /// Takes ICE candidates of a connection of the door.
    pub async fn open_candidates(&self, pc_id: &str, candidates: &[String]) -> Result<(), InterviewError> {
        let call = self.open.calls().get(pc_id).cloned().ok_or(InterviewError::NotFound)?;
        let running = self.running(call.session).ok_or(InterviewError::NotFound)?;
        let mut fragment = String::new();
        // A name of the client's own network means nothing here: its packets tell where it is.
        for candidate in candidates.iter().filter(|candidate| !candidate.is_empty() && !candidate.contains(".local ")) {
            let value = candidate.strip_prefix("a=").unwrap_or(candidate).trim();
            if value.contains(['\r', '\n']) {
                return Err(InterviewError::SdpInvalid { said: "a candidate is one line" });
            }
            let named = if value.starts_with("candidate:") { "" } else { "candidate:" };
            fragment.push_str(&format!("a={named}{value}\r\n"));
        }
        if fragment.is_empty() {
            return Ok(());
        }
        running.room.webrtc()?.patch(&call.resource, None, fragment).await.map(drop).map_err(room_error)
    }
}

fn plain_settings(door: &Settings) -> PlainSettings {
    PlainSettings {
        system_prompt: door.system_prompt.clone(),
        greeting: door.greeting.clone(),
        apology: door.apology.clone(),
        judgement: Duration::from_millis(u64::from(door.judgement_ms_max)),
        floor: FloorSettings {
            endpointing: door.endpointing,
            interrupt_ms: door.interrupt_ms,
            complete_probability: door.complete_probability,
            silence_max_ms: door.silence_max_ms,
        },
        tokens_max: door.tokens_max,
        temperature: door.temperature,
        history_messages_max: door.history_messages_max,
        idle: Duration::from_secs(u64::from(door.idle_s)),
        whole: Duration::from_secs(60 * u64::from(door.minutes_max)),
    }
}

fn conversation(id: SessionId, door: &Settings, clock: &Clock) -> NewInterview {
    NewInterview {
        id,
        user_id: None,
        category_id: None,
        category_slug: CATEGORY.to_owned(),
        title: "Conversation".to_owned(),
        candidate_name: None,
        job_position: String::new(),
        experience_level: Level::Middle,
        tech_stack: Vec::new(),
        language: door.language.clone(),
        mode: Mode::Voice,
        purpose: Purpose::Practice,
        room: RoomKind::Webrtc,
        daily_room_url: None,
        status: SessionStatus::Waiting,
        // By this the record knows that there is nothing to report on.
        plan: serde_json::json!({ "conversation": "plain" }),
        accommodations: serde_json::json!({}),
        scheduled_at: None,
        expires_at: Some(clock.now() + EXPIRES),
    }
}
