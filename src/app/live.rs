//! Interviews in progress on this node: made, joined, resumed after a crash, ended, finalised. Must never decide
//! anything of a conversation, nor leave a session without its finalisation.

mod answers;
pub mod door;
mod end;
mod lateness;
pub mod open;

use super::daily::Daily;
use super::measure::measure;
use crate::audio::recording::Recorder;
use crate::clock::Clock;
use crate::config::Settings;
use crate::embedded::Paths;
use crate::http::{InterviewError, InterviewWish, WhipAnswer};
use crate::id::{NodeId, SessionId, TurnId};
use crate::interview::{EndReason, Interview, Plan};
use crate::llm::LanguageModel;
use crate::room::webrtc::{UdpPorts, WebRtcSettings};
use crate::room::{SampleClock, port_pair};
use crate::session::booking::{self, Booked, Reserved};
use crate::session::journal::StoreRecord;
use crate::session::restore::Restored;
use crate::session::{self, Outcome, SessionHandle, Setup};
use crate::store::{
    Finalised, InterviewRow, Lease, Projection, RecordingRow, RecordingState, RoomKind, Store, StoreError,
};
use crate::telemetry::gauge;
use crate::turn::{Profile, TurnTaking};
use answers::{answered, room_error, unavailable};
use door::{Door, Way};
use end::recording_row;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

/// How long a node owns a session without renewing, s: a dead node's candidate waits no longer than this.
pub const LEASE: Duration = Duration::from_secs(9);
/// How often a finalisation is tried while the database is away, and how long between.
const FINALISE_TRIES: u32 = 60;
const FINALISE_WAIT: Duration = Duration::from_secs(1);

/// What stands before the sound in a recording, and how much sound a second has (stereo, 16 bits, 16 kHz).
const WAV_HEADER_BYTES: u64 = 44;
const RECORDED_BYTES_A_SECOND: f64 = 64_000.0;

/// What all interviews of this node share.
pub struct Live {
    pub store: Store,
    pub settings: Arc<Settings>,
    pub parts: session::Parts,
    pub clock: Clock,
    pub node: NodeId,
    pub paths: Paths,
    pub tasks: TaskTracker,
    pub stopping: CancellationToken,
    /// Writes questions that the bank does not have, where a model is set that can.
    drafter: Option<Arc<dyn LanguageModel>>,
    webrtc: Arc<WebRtcSettings>,
    ports: UdpPorts,
    places: Arc<Semaphore>,
    /// The Daily domain, if there is one.
    pub daily: Option<Arc<Daily>>,
    running: Mutex<HashMap<SessionId, Running>>,
    /// One first offer at a time for an interview: two tabs at once must not make two sessions.
    joining: Mutex<HashMap<SessionId, Arc<tokio::sync::Mutex<()>>>>,
    open: open::OpenDoor,
    pub lateness: lateness::Lateness,
}

/// What a candidate's first connection brings together.
pub(super) struct Joined {
    pub samples: SampleClock,
    pub port: crate::room::RoomPort,
    pub room: Door,
    pub restored: Option<Restored>,
    pub place: OwnedSemaphorePermit,
    pub is_recorded: bool,
    pub cancel: CancellationToken,
}

/// What the end of a session needs.
struct Ending {
    lease: Lease,
    /// The recording's file, if there is one.
    recorded: Option<String>,
    /// Whether the candidate may take it up again after a stop of this server.
    is_resumable: bool,
    place: OwnedSemaphorePermit,
}

#[derive(Clone)]
pub(super) struct Running {
    pub session: SessionHandle,
    pub room: Door,
}

impl Live {
    pub fn new(
        store: Store,
        settings: Arc<Settings>,
        parts: session::Parts,
        clock: Clock,
        paths: Paths,
        tasks: TaskTracker,
        stopping: CancellationToken,
    ) -> Self {
        let webrtc = Arc::new(super::webrtc_settings(&settings));
        Self {
            ports: UdpPorts::new(webrtc.udp_ports.clone()),
            places: Arc::new(Semaphore::new(settings.limits.sessions_max)),
            open: open::OpenDoor::new(&webrtc, &settings),
            lateness: lateness::Lateness::default(),
            webrtc,
            store,
            settings,
            parts,
            clock,
            node: NodeId::create(),
            paths,
            tasks,
            stopping,
            drafter: None,
            daily: None,
            running: Mutex::default(),
            joining: Mutex::default(),
        }
    }

    /// The same, with a model that writes what the bank does not have.
    pub fn with_drafter(self, drafter: Option<Arc<dyn LanguageModel>>) -> Self {
        Self { drafter, ..self }
    }

    /// The same, with a Daily domain.
    pub fn with_daily(self, daily: Option<Arc<Daily>>) -> Self {
        Self { daily, ..self }
    }

    /// Plans an interview and stores it.
    pub async fn create(&self, wish: InterviewWish) -> Result<Booked, InterviewError> {
        let mut reserved = Reserved::create();
        let id = reserved.id;
        let daily = self.daily.as_ref().filter(|_| wish.room == RoomKind::Daily);
        if let Some(daily) = daily {
            reserved.daily_room_url = Some(daily.make_room(id, wish.expires_at).await?);
        }
        let booked = booking::book(&self.store, self.drafter.as_deref(), reserved, wish).await;
        if let (Err(_), Some(daily)) = (&booked, daily) {
            daily.delete_unbooked(id).await;
        }
        let booked = booked?;
        // One to which its candidate gets no way in is known to nobody: it goes, and its room with it.
        if let Err(error) = self.daily_access(&booked.row).await {
            self.store.cancel(id).await?;
            return Err(error);
        }
        Ok(booked)
    }

    /// Connects a candidate's browser: joins the interview in progress, or begins (or takes up again) the interview.
    pub async fn offer(self: &Arc<Self>, id: SessionId, sdp: String) -> Result<WhipAnswer, InterviewError> {
        let answer = self.enter(id, Way::Offer(sdp), self.settings.recording.enabled).await?;
        answer.ok_or(InterviewError::NotActive)
    }

    /// The same by any way in, and whether it is recorded: only who consented may be.
    pub async fn enter(
        self: &Arc<Self>,
        id: SessionId,
        way: Way,
        is_recorded: bool,
    ) -> Result<Option<WhipAnswer>, InterviewError> {
        if let Some(running) = self.running(id) {
            return running.room.enter(way).await;
        }
        let joining = self.joining(id);
        let _one_at_a_time = joining.lock().await;
        if let Some(running) = self.running(id) {
            return running.room.enter(way).await;
        }
        let (lease, place) = self.claim(id).await?;
        let joined = self.join(lease.clone(), way, place, is_recorded).await;
        if joined.is_err() {
            self.give_back(&lease).await;
        }
        joined
    }

    /// Takes a place of this node and the interview's lease.
    pub(super) async fn claim(&self, id: SessionId) -> Result<(Lease, OwnedSemaphorePermit), InterviewError> {
        if self.stopping.is_cancelled() {
            return Err(InterviewError::Unavailable { said: "The server is stopping; try again in a minute.".into() });
        }
        if self.store.interview(id).await?.status.is_final() {
            return Err(InterviewError::Over);
        }
        self.check_budget().await?;
        let place = self.place()?;
        match self.store.claim(id, self.node, LEASE).await? {
            Some(lease) => Ok((lease, place)),
            None => Err(InterviewError::Unavailable {
                said: "Another server is holding this interview. Try again in ten seconds.".into(),
            }),
        }
    }

    /// Lets another node, or a later try, have the interview at once.
    pub(super) async fn give_back(&self, lease: &Lease) {
        if let Err(error) = self.store.release(lease).await {
            tracing::warn!(session = %lease.session, %error, "the lease was not given back; it runs out by itself");
        }
    }

    /// One of this node's places, if any is free.
    fn place(&self) -> Result<OwnedSemaphorePermit, InterviewError> {
        let full = InterviewError::Full { retry_after_s: self.settings.limits.retry_after_s };
        let late_ms_max = self.settings.limits.late_ms_max;
        if late_ms_max > 0 && self.lateness.ms() > late_ms_max {
            tracing::warn!(late_ms = self.lateness.ms(), "a conversation was refused: this process does not keep time");
            return Err(full);
        }
        self.places.clone().try_acquire_owned().map_err(|_| full)
    }

    /// Opens the room of an interview that is ours, answers the offer, and lets the session run.
    async fn join(
        self: &Arc<Self>,
        lease: Lease,
        way: Way,
        place: OwnedSemaphorePermit,
        is_recorded: bool,
    ) -> Result<Option<WhipAnswer>, InterviewError> {
        let id = lease.session;
        let row = self.store.interview(id).await?;
        if row.room == RoomKind::Daily {
            return Err(InterviewError::NotActive);
        }
        let restored = session::restored(&self.store, id).await?;
        let samples = self.sample_clock(&row, restored.as_ref());
        let (room_port, session_port) = port_pair();
        let cancel = self.stopping.child_token();
        let room = self.open_room(&way, &self.webrtc, samples, session_port)?;
        let answer = room.enter(way).await?;
        self.begin(&row, lease, Joined { samples, port: room_port, room, restored, place, is_recorded, cancel })?;
        Ok(answer)
    }

    pub(super) fn joining(&self, id: SessionId) -> Arc<tokio::sync::Mutex<()>> {
        let mut joining = self.joining.lock().unwrap_or_else(PoisonError::into_inner);
        joining.retain(|_, lock| Arc::strong_count(lock) > 1);
        joining.entry(id).or_default().clone()
    }

    /// How an interview was about to end, if it was closing already.
    pub async fn ending(&self, id: SessionId) -> Result<Option<EndReason>, StoreError> {
        Ok(session::restored(&self.store, id).await?.and_then(|restored| restored.facts.ending))
    }

    pub(super) fn begin(
        self: &Arc<Self>,
        row: &InterviewRow,
        lease: Lease,
        joined: Joined,
    ) -> Result<(), InterviewError> {
        let Joined { samples, port, room, restored, place, is_recorded, cancel } = joined;
        let plan: Plan = serde_json::from_value(row.plan.clone()).map_err(|error| unavailable(&error))?;
        let keyterms = row.tech_stack.iter().cloned().chain(plan.terms()).collect();
        let patience = row.accommodations.get("patience").and_then(serde_json::Value::as_f64).unwrap_or(1.0);
        let profile = row.accommodations.get("profile").and_then(serde_json::Value::as_str).and_then(Profile::named);
        let turn_settings = self.settings.turn.clone().of_interview(profile, patience);
        let parts = self.parts.for_interview();
        let interview_settings = super::providers::conduct(&self.settings, &parts);
        let file = format!("{}.wav", row.id);
        let recording = is_recorded
            .then(|| Recorder::open(&self.paths.recordings().join(&file)))
            .transpose()
            .inspect_err(|error| tracing::error!(session = %row.id, %error, "the interview is not recorded"))
            .unwrap_or(None);
        let mut turn = TurnTaking::new(turn_settings.clone());
        let interview = match &restored {
            Some(restored) => {
                turn = turn.starting_at(TurnId(restored.next_turn.max(1)));
                Interview::restore(plan, interview_settings, restored.facts.clone(), restored.code.clone())
            }
            None => Interview::new(plan, interview_settings),
        };
        let (handle, run) = session::open(Setup {
            id: row.id,
            clock: self.clock.clone(),
            samples,
            room: port,
            parts,
            turn,
            floor: turn_settings,
            interview,
            ears: self.settings.hearing.clone(),
            stt: crate::stt::SttOptions { language: row.language.clone(), keyterms },
            record: Arc::new(StoreRecord { store: self.store.clone(), lease: lease.clone() }),
            first_seq: lease.first_seq,
            recorded: recording.is_some().then(|| recording_row(&file, 0.0, 0, RecordingState::Open)),
            recording,
            resumed: restored.map(|restored| restored.resumed),
            cancel,
        });
        let recorded = is_recorded.then_some(file);
        self.let_run(Running { session: handle, room }, run, Ending { lease, recorded, is_resumable: true, place });
        Ok(())
    }

    /// Lets a session run to its end, whatever that is, and finalises it.
    fn let_run(
        self: &Arc<Self>,
        running: Running,
        run: impl Future<Output = Outcome> + Send + 'static,
        ending: Ending,
    ) {
        let id = running.session.id();
        let is_in_daily = matches!(running.room, Door::Daily(_));
        self.lock().insert(id, running);
        metrics::gauge!(gauge::SESSIONS).increment(1.0);
        let live = self.clone();
        let run = self.tasks.spawn(run.instrument(tracing::info_span!("interview", session = %id)));
        self.tasks.spawn(async move {
            let outcome = run.await.unwrap_or_else(|error| {
                tracing::error!(session = %id, %error, "the session broke off");
                Outcome { id, reason: Some(EndReason::Failed), recorded_s: None }
            });
            live.finalise(&ending, &outcome).await;
            live.lock().remove(&id);
            if is_in_daily {
                live.after_daily(id).await;
            }
            metrics::gauge!(gauge::SESSIONS).decrement(1.0);
            drop(ending.place);
        });
    }

    /// Ends a session in the record, whatever it takes; the lease runs out and another does it if this cannot.
    async fn finalise(&self, ending: &Ending, outcome: &Outcome) {
        let lease = &ending.lease;
        let Some(reason) = outcome.reason else {
            tracing::warn!(session = %outcome.id, "another node owns this session now");
            return;
        };
        // A server that goes down leaves the interview to be taken up again by the candidate's next connection.
        if reason == EndReason::Shutdown && ending.is_resumable {
            return self.give_back(lease).await;
        }
        let recorded = ending.recorded.as_ref();
        let projections = recorded.map(|file| self.recording_as_it_is(file, outcome.recorded_s));
        let at = self.clock.now();
        let measured = match recorded {
            Some(file) => measure(&self.store, lease.session, self.paths.recordings().join(file), at).await,
            None => None,
        };
        let (first_seq, events) = measured.map_or((0, Vec::new()), |measured| (measured.first_seq, measured.events));
        let mut end = Finalised {
            status: session::status_after(reason),
            end_reason: reason,
            at,
            first_seq,
            events,
            projections: projections.into_iter().collect(),
        };
        for _ in 0..FINALISE_TRIES {
            match self.store.finalise(lease, &end).await {
                Ok(()) => {
                    tracing::info!(session = %outcome.id, ?reason, "the interview is over");
                    return;
                }
                Err(StoreError::Unavailable { .. }) => tokio::time::sleep(FINALISE_WAIT).await,
                // The end matters, not its measurements.
                Err(StoreError::Conflict { .. }) if !end.events.is_empty() => end.events.clear(),
                Err(error) => {
                    tracing::error!(session = %outcome.id, %error, "the interview was not finalised");
                    return;
                }
            }
        }
        tracing::error!(session = %outcome.id, "the database stayed away; the sweep will finalise this interview");
    }

    /// Ends an interview: one under way by its session, one that was left behind by its record, one that has not begun by
    /// cancelling it.
    pub async fn end(&self, id: SessionId, reason: EndReason) -> Result<(), InterviewError> {
        if let Some(running) = self.running(id)
            && running.session.end(reason).await
        {
            return Ok(());
        }
        let row = self.store.interview(id).await?;
        if row.start_time.is_some() && !row.status.is_final() {
            return match self.close_forsaken(id, reason).await? {
                true => Ok(()),
                false => Err(InterviewError::Unavailable {
                    said: "Another server is holding this interview. Try again in ten seconds.".into(),
                }),
            };
        }
        self.store.cancel(id).await.map_err(|error| match error {
            StoreError::Conflict { .. } => InterviewError::Over,
            error @ (StoreError::Fenced
            | StoreError::NotFound
            | StoreError::Unavailable { .. }
            | StoreError::Invalid { .. }) => InterviewError::Store(error),
        })?;
        Ok(())
    }

    /// Finalises an interview that has begun and that nobody owns any more, as far as it came. False if somebody does own
    /// it.
    pub async fn close_forsaken(&self, id: SessionId, reason: EndReason) -> Result<bool, StoreError> {
        let Some(lease) = self.store.claim(id, self.node, LEASE).await? else { return Ok(false) };
        let open: Vec<RecordingRow> = self.store.recordings(id).await?;
        let open = open.iter().filter(|row| row.state == RecordingState::Open);
        let end = Finalised {
            status: session::status_after(reason),
            end_reason: reason,
            at: self.clock.now(),
            first_seq: 0,
            events: Vec::new(),
            projections: open.map(|row| self.recording_as_it_is(&row.file, None)).collect(),
        };
        self.store.finalise(&lease, &end).await?;
        Ok(true)
    }

    /// What there is of a recording; `seconds` if it was closed in order.
    fn recording_as_it_is(&self, file: &str, seconds: Option<f64>) -> Projection {
        let bytes = std::fs::metadata(self.paths.recordings().join(file)).map_or(0, |meta| meta.len());
        let state = if seconds.is_some() { RecordingState::Complete } else { RecordingState::Cut };
        let sound_bytes = bytes.saturating_sub(WAV_HEADER_BYTES);
        let seconds = seconds.unwrap_or(sound_bytes as f64 / RECORDED_BYTES_A_SECOND);
        Projection::Recording(recording_row(file, seconds, bytes, state))
    }

    pub fn view(&self, id: SessionId) -> Option<crate::room::StateView> {
        self.running(id).map(|running| running.session.view())
    }

    /// Sessions under way here.
    pub fn ids(&self) -> Vec<SessionId> {
        self.lock().keys().copied().collect()
    }

    /// Of `held`, those not in `owned` have lost their lease: they stop at once.
    pub fn stop_lost(&self, held: &[SessionId], owned: &[SessionId]) {
        for id in held.iter().filter(|id| !owned.contains(id)) {
            if let Some(running) = self.running(*id) {
                tracing::error!(session = %id, "the lease of this session is lost; it stops here");
                running.session.fence();
            }
        }
    }

    /// Waits until every session of this node is over; the server's limit for its end bounds it.
    pub async fn all_over(&self) {
        let all = u32::try_from(self.settings.limits.sessions_max).unwrap_or(u32::MAX);
        let _ = self.places.acquire_many(all).await;
    }

    pub fn count(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn running(&self, id: SessionId) -> Option<Running> {
        self.lock().get(&id).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<SessionId, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
