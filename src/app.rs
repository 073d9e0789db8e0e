//! The composition root: settings become a running server. The only place where providers are chosen and everything is
//! named together. Must never hold a rule of the conversation.

mod cloud;
mod daily;
mod live;
mod measure;
mod money;
mod providers;
pub mod scoring;
pub mod sweep;

pub use daily::daily_check;
pub use providers::{RehearsalParts, ReplayParts, rehearsal_parts, replay_parts};

use crate::audio::opus::EncoderSettings;
use crate::auth::token::Tokens;
use crate::clock::Clock;
use crate::cloud::meter::Ledger;
use crate::config::Settings;
use crate::embedded::{Paths, postgres};
use crate::http::{
    Accounts, Booked, DailyAccess, HttpState, InterviewError, InterviewWish, Interviews, OpenAnswer, OpenOffer,
    RecordingLink, SOUND_CHECK_TEXT, WhipAnswer, WhipPatched,
};
use crate::id::SessionId;
use crate::interview::EndReason;
use crate::interview::bank;
use crate::jobs;
use crate::jobs::errands::Errands;
use crate::jobs::evaluate::Scoring;
use crate::jobs::retention::Periods;
use crate::jobs::webhook::Sender;
use crate::lifecycle::Lifecycle;
use crate::llm::LanguageModel;
use crate::profile::pdf::PdfReader;
use crate::room::StateView;
use crate::room::daily::Remains;
use crate::room::daily::webhook::Event;
use crate::room::webrtc::WebRtcSettings;
use crate::room::websocket::Socket;
use crate::session::Parts;
use crate::session::text::TextInterviews;
use crate::store::{InterviewRow, Store};
use crate::tts::{SpeakRequest, Urgency};
use anyhow::Context as _;
use axum::body::Bytes;
use futures::future::BoxFuture;
use live::Live;
use live::door::Way;
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// What a server starts with.
pub struct Start {
    pub settings: Settings,
    pub paths: Paths,
    pub listener: TcpListener,
    pub metrics: PrometheusHandle,
    pub lifecycle: Lifecycle,
}

/// Runs the server until the lifecycle's soft token is cancelled and everything has ended.
pub async fn run(start: Start) -> anyhow::Result<()> {
    let Start { settings, paths, listener, metrics, lifecycle } = start;
    let began = std::time::Instant::now();
    let settings = Arc::new(settings);
    prepare_folders(&paths)?;
    let clock = Clock::system();
    let ledger = Ledger::new(cloud::budget(&settings), clock.clone(), 0);
    // Writes what the bank lacks and looks at code. A name that is nowhere is told at start.
    let writer = providers::careful_model(&settings, cloud::Use::Generation, &ledger)?;
    let loading = load_parts(settings.clone(), &paths, ledger.clone());
    let (database, parts) = tokio::join!(open_database(&settings, &paths), loading);
    let database = database?;
    let parts = match parts {
        Ok(parts) => parts,
        Err(error) => {
            // A cluster that was started for nothing is not left running.
            database.close().await?;
            return Err(error);
        }
    };
    let store = database.store.clone();
    for bank in bank::shipped()? {
        store.sync_bank(&bank).await.context("the shipped question bank could not be stored")?;
    }
    ledger.see(store.spent_on(clock.now().date_naive()).await?);
    live::open::check(&settings, &parts)?;
    let live = Live::new(
        store.clone(),
        settings.clone(),
        parts,
        clock.clone(),
        paths.clone(),
        lifecycle.tasks().clone(),
        lifecycle.soft().child_token(),
    );
    let daily = daily::Daily::from_settings(&settings, &paths).context("room.daily")?;
    let remains = daily.clone().map(|daily| -> Arc<dyn Remains> { daily });
    let live = Arc::new(live.with_drafter(writer.clone()).with_daily(daily));
    lifecycle.spawn(live.lateness.clone().watch(lifecycle.soft().clone()));
    let sweeping = lifecycle.spawn(sweep::run(live.clone(), lifecycle.soft().clone()));
    let scoring = scoring::load(&settings, &ledger)?;
    let errands = errands(&settings, &store, &paths, remains)?;
    let workers = start_jobs(&settings, &store, errands, (scoring.clone(), writer), &lifecycle).await?;
    let tokens = Tokens::open(&paths.keys().join("jwt.key"), clock.clone())?;
    let address = listener.local_addr()?;
    let state = Arc::new(HttpState {
        store,
        interviews: Arc::new(Door(live.clone())),
        text: TextInterviews::new(live.store.clone(), clock.clone(), &settings.interview.conduct),
        scoring,
        tokens,
        accounts: Accounts::new(&settings.accounts)?,
        pdf: PdfReader::new(std::env::current_exe()?, settings.profile.readers_max),
        clock,
        recordings: paths.recordings(),
        metrics,
        listens_on_loopback: address.ip().is_loopback(),
        stopping: lifecycle.soft().clone(),
        tasks: lifecycle.tasks().clone(),
        event_streams: Arc::new(Semaphore::new(settings.limits.event_streams_max)),
        settings,
    });
    tracing::info!(%address, start_ms = began.elapsed().as_millis(), "ready");
    crate::http::serve(listener, state, &lifecycle).await?;
    let _ = sweeping.await;
    live.all_over().await;
    for worker in workers {
        worker.wait().await?;
    }
    database.close().await
}

/// The record, and the cluster that holds it if it is our own.
pub struct Database {
    pub store: Store,
    cluster: Option<postgres::Cluster>,
}

impl Database {
    /// Lets the database go; our own cluster is stopped.
    pub async fn close(self) -> anyhow::Result<()> {
        self.store.close().await;
        if let Some(cluster) = self.cluster {
            cluster.stop().await?;
        }
        Ok(())
    }
}

fn prepare_folders(paths: &Paths) -> anyhow::Result<()> {
    for folder in [paths.recordings(), paths.voice_cache(), paths.keys()] {
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    Ok(())
}

/// The database that the settings name, or an own cluster.
pub async fn open_database(settings: &Settings, paths: &Paths) -> anyhow::Result<Database> {
    let given = &settings.data.database_url.0;
    if !given.is_empty() {
        let store = Store::connect(given, settings.data.connections_max).await;
        let store = store.context("the database of data.database_url or DATABASE_URL cannot be used")?;
        return Ok(Database { store, cluster: None });
    }
    let cluster = postgres::start(paths, postgres::Durability::Safe).await?;
    let store = Store::connect(&cluster.url(), settings.data.connections_max).await?;
    Ok(Database { store, cluster: Some(cluster) })
}

async fn load_parts(settings: Arc<Settings>, paths: &Paths, ledger: Arc<Ledger>) -> anyhow::Result<Parts> {
    let voice_cache = paths.voice_cache();
    tokio::task::spawn_blocking(move || providers::load(&settings, &voice_cache, &ledger)).await?
}

async fn start_jobs(
    settings: &Settings,
    store: &Store,
    errands: Errands,
    (scoring, model): (Scoring, Option<Arc<dyn LanguageModel>>),
    lifecycle: &Lifecycle,
) -> anyhow::Result<Vec<jobs::Worker>> {
    if !settings.jobs.enabled {
        return Ok(Vec::new());
    }
    let reports = store.clone();
    let make_report: jobs::MakeReport = Arc::new(move |session| {
        let (store, scoring, model) = (reports.clone(), scoring.clone(), model.clone());
        Box::pin(async move {
            if let Err(error) = jobs::analyse::analyse(&store, model.as_ref(), session).await {
                tracing::warn!(%session, %error, "the code was not looked at");
            }
            jobs::evaluate::evaluate(&store, &scoring, session).await.map_err(|error| error.to_string())
        })
    });
    Ok(vec![
        jobs::start(store, make_report, lifecycle.soft().clone()).await?,
        jobs::errands::start(errands, lifecycle.soft().clone()).await?,
    ])
}

/// What webhooks are told by, and how long things are kept.
fn errands(
    settings: &Settings,
    store: &Store,
    paths: &Paths,
    daily: Option<Arc<dyn Remains>>,
) -> anyhow::Result<Errands> {
    let (webhooks, kept) = (&settings.webhooks, &settings.privacy);
    Ok(Errands {
        store: store.clone(),
        sender: Sender::new(Duration::from_secs(u64::from(webhooks.timeout_s)), webhooks.allow_private)?,
        attempts_max: webhooks.attempts_max,
        periods: Periods {
            recording_days: kept.recording_days,
            words_days: kept.words_days,
            report_days: kept.report_days,
            audit_days: kept.audit_days,
            delivery_days: kept.delivery_days,
        },
        recordings: paths.recordings(),
        daily,
        clock: Clock::system(),
    })
}

/// The room's settings, from the operator's.
fn webrtc_settings(settings: &Settings) -> WebRtcSettings {
    let given = &settings.room.webrtc;
    WebRtcSettings {
        addresses: given.addresses.clone(),
        udp_ports: (given.port_max > 0).then_some(given.port_min..=given.port_max),
        nat_1to1_ips: given.nat_1to1_ips.clone(),
        reconnect: Duration::from_secs(u64::from(given.reconnect_s)),
        // A reload says goodbye as a closed page does; only the End button ends an interview at once.
        leave_grace: Duration::from_secs(u64::from(given.reconnect_s)),
        connect: Duration::from_secs(u64::from(given.connect_s)),
        encoder: EncoderSettings { complexity: given.opus_complexity, ..EncoderSettings::default() },
        ..WebRtcSettings::default()
    }
}

/// What is said where a connection broke off in the making.
const CONNECTION_FAILED: &str = "The connection failed; try again.";

/// The routes' door to the interviews.
struct Door(Arc<Live>);

impl Door {
    /// Who asked may hang up in between: what was begun is finished all the same.
    fn to_its_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, InterviewError>> + Send + 'static,
        broken: &'static str,
    ) -> BoxFuture<'static, Result<T, InterviewError>> {
        let begun = self.0.tasks.spawn(work);
        Box::pin(async move { begun.await.unwrap_or(Err(InterviewError::Unavailable { said: broken.into() })) })
    }
}

impl Interviews for Door {
    fn create(&self, wish: InterviewWish) -> BoxFuture<'_, Result<Booked, InterviewError>> {
        let live = self.0.clone();
        self.to_its_end(async move { live.create(wish).await }, "It could not be made; try again.")
    }

    fn whip_offer(
        &self,
        session: SessionId,
        sdp: String,
        _reconnect: bool,
    ) -> BoxFuture<'_, Result<WhipAnswer, InterviewError>> {
        let live = self.0.clone();
        self.to_its_end(async move { live.offer(session, sdp).await }, CONNECTION_FAILED)
    }

    fn whip_patch(
        &self,
        session: SessionId,
        resource: String,
        etag: String,
        fragment: String,
    ) -> BoxFuture<'_, Result<WhipPatched, InterviewError>> {
        Box::pin(async move { self.0.patch(session, &resource, &etag, fragment).await })
    }

    fn whip_delete(&self, session: SessionId, resource: String) -> BoxFuture<'_, Result<(), InterviewError>> {
        Box::pin(async move { self.0.delete(session, &resource).await })
    }

    fn open_offer(&self, offer: OpenOffer) -> BoxFuture<'_, Result<OpenAnswer, InterviewError>> {
        let live = self.0.clone();
        self.to_its_end(async move { live.open_offer(offer).await }, CONNECTION_FAILED)
    }

    fn open_candidates(&self, pc_id: String, candidates: Vec<String>) -> BoxFuture<'_, Result<(), InterviewError>> {
        Box::pin(async move { self.0.open_candidates(&pc_id, &candidates).await })
    }

    fn socket(&self, session: Option<SessionId>, socket: Socket) -> BoxFuture<'_, Result<(), InterviewError>> {
        Box::pin(async move {
            let is_recorded = self.0.settings.recording.enabled;
            match session {
                Some(session) => self.0.enter(session, Way::Socket(socket), is_recorded).await.map(drop),
                None => self.0.open_socket(socket).await,
            }
        })
    }

    fn end(&self, session: SessionId, reason: EndReason) -> BoxFuture<'_, Result<(), InterviewError>> {
        Box::pin(self.0.end(session, reason))
    }

    fn daily_access<'a>(&'a self, row: &'a InterviewRow) -> BoxFuture<'a, Result<Option<DailyAccess>, InterviewError>> {
        Box::pin(self.0.daily_access(row))
    }

    fn daily_begin(&self, session: SessionId) -> BoxFuture<'_, Result<(), InterviewError>> {
        let live = self.0.clone();
        self.to_its_end(async move { live.begin_daily(session).await }, CONNECTION_FAILED)
    }

    fn daily_event(&self, event: Event) -> BoxFuture<'_, Result<(), InterviewError>> {
        let live = self.0.clone();
        let heeding = self.0.tasks.spawn(async move { live.daily_event(event).await });
        // What broke off has been logged; Daily has nothing to do about it.
        Box::pin(async move { heeding.await.unwrap_or(Ok(())) })
    }

    fn daily_recording<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<RecordingLink, InterviewError>> {
        Box::pin(self.0.daily_recording(id))
    }

    fn live_state(&self, session: SessionId) -> BoxFuture<'_, Option<StateView>> {
        Box::pin(async move { self.0.view(session) })
    }

    fn sound_check(&self) -> BoxFuture<'_, Result<Bytes, InterviewError>> {
        Box::pin(async move {
            let mut pcm = Vec::new();
            for sentence in crate::tts::sentences::sentences(SOUND_CHECK_TEXT) {
                let request = SpeakRequest {
                    text: sentence.into(),
                    speed: 1.0,
                    urgency: Urgency::Now,
                    cancel: CancellationToken::new(),
                };
                let clip = self.0.parts.tts.speak(request).await.map_err(|error| {
                    tracing::error!(%error, "the sound check could not be spoken");
                    InterviewError::Unavailable { said: "The interviewer's voice is not available.".into() }
                })?;
                pcm.extend_from_slice(&clip.pcm);
            }
            wav(&pcm).map_err(|error| {
                tracing::error!(%error, "the sound check could not be written");
                InterviewError::Unavailable { said: "The interviewer's voice is not available.".into() }
            })
        })
    }

    fn voice_languages(&self) -> Vec<&'static str> {
        let parts = &self.0.parts;
        let heard = parts.stt.languages().iter().copied();
        heard.filter(|language| parts.tts.languages().contains(language)).collect()
    }

    fn ready(&self) -> BoxFuture<'_, Vec<(&'static str, bool)>> {
        Box::pin(async move {
            let parts = &self.0.parts;
            vec![
                ("voice detection", parts.voice_activity.is_alive()),
                ("turn model", parts.turn_model.as_ref().is_none_or(|model| model.is_alive())),
                ("speech to text", parts.stt.is_alive()),
            ]
        })
    }
}

/// A mono WAV of 16-bit samples at the voice's rate.
fn wav(pcm: &[i16]) -> Result<Bytes, hound::Error> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: crate::audio::frame::VOICE_RATE_HZ,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = std::io::Cursor::new(Vec::with_capacity(44 + pcm.len() * 2));
    let mut writer = hound::WavWriter::new(&mut file, spec)?;
    pcm.iter().try_for_each(|sample| writer.write_sample(*sample))?;
    writer.finalize()?;
    Ok(file.into_inner().into())
}
