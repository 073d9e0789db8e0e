//! Composition: settings become the parts of the program, and only here. Nothing depends on this but the commands.

mod rehearsal;

pub use rehearsal::{RehearsalParts, rehearsal_parts};

use crate::auth::token::Tokens;
use crate::clock::Clock;
use crate::config::Settings;
use crate::embedded::Paths;
use crate::embedded::postgres::{self, Cluster, Durability};
use crate::http::{self, HttpState, InterviewError, InterviewWish, Interviews, WhipAnswer, WhipPatched};
use crate::id::SessionId;
use crate::interview::EndReason;
use crate::lifecycle::Lifecycle;
use crate::room::StateView;
use crate::store::{InterviewRow, NewInterview, SessionStatus, Store};
use anyhow::Context;
use axum::body::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// What the server starts with.
pub struct Start {
    pub settings: Settings,
    pub paths: Paths,
    pub listener: TcpListener,
    pub metrics: PrometheusHandle,
    pub lifecycle: Lifecycle,
}

/// The record, and the cluster that it is in if that is our own.
pub struct Database {
    pub store: Store,
    cluster: Option<Cluster>,
}

impl Database {
    /// Closes the connections, then the cluster if we run it.
    pub async fn close(self) -> anyhow::Result<()> {
        self.store.close().await;
        if let Some(cluster) = self.cluster {
            cluster.stop().await.context("the own database did not stop")?;
        }
        Ok(())
    }
}

/// Opens the operator's database, or starts (or joins) our own, and brings its schema up to date.
pub async fn open_database(settings: &Settings, paths: &Paths) -> anyhow::Result<Database> {
    let named = &settings.data.database_url.0;
    let (url, cluster) = if named.is_empty() {
        let cluster = postgres::start(paths, Durability::Safe).await.context("the own database did not start")?;
        (cluster.url(), Some(cluster))
    } else {
        (named.clone(), None)
    };
    let opened = Store::connect(&url, settings.data.connections_max).await;
    Ok(Database { store: opened.context("the database cannot be used")?, cluster })
}

/// Runs the server until the soft token, and closes what it opened.
pub async fn run(start: Start) -> anyhow::Result<()> {
    let Start { settings, paths, listener, metrics, lifecycle } = start;
    let database = open_database(&settings, &paths).await?;
    let address = listener.local_addr()?;
    let clock = Clock::system();
    let state = HttpState {
        interviews: Arc::new(RecordOnly { store: database.store.clone() }),
        store: database.store.clone(),
        tokens: Tokens::open(&paths.keys().join("jwt.key"), clock.clone())?,
        clock,
        event_streams: Arc::new(Semaphore::new(settings.limits.event_streams_max)),
        settings: Arc::new(settings),
        recordings: paths.recordings(),
        metrics,
        listens_on_loopback: address.ip().is_loopback(),
        stopping: lifecycle.soft().clone(),
    };
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
    let served = http::serve(listener, Arc::new(state), &lifecycle).await;
    database.close().await?;
    served.context("the server stopped")
}

/// Interviews as far as the record alone carries them; voice is said to be unavailable.
struct RecordOnly {
    store: Store,
}

fn no_voice<T: Send + 'static>() -> BoxFuture<'static, Result<T, InterviewError>> {
    let said = "This build has no voice: sessions are not composed into it.".to_owned();
    ready(Err(InterviewError::Unavailable { said })).boxed()
}

impl Interviews for RecordOnly {
    fn create(&self, wish: InterviewWish) -> BoxFuture<'_, Result<InterviewRow, InterviewError>> {
        let new = NewInterview {
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
            plan: serde_json::json!({ "questions": wish.questions, "minutes": wish.minutes }),
            accommodations: serde_json::json!({ "patience": wish.patience }),
            scheduled_at: None,
            expires_at: Some(wish.expires_at),
        };
        async move { Ok(self.store.create_interview(&new).await?) }.boxed()
    }

    fn whip_offer(&self, _: SessionId, _: String, _: bool) -> BoxFuture<'_, Result<WhipAnswer, InterviewError>> {
        no_voice()
    }

    fn whip_patch(
        &self,
        _: SessionId,
        _: String,
        _: String,
        _: String,
    ) -> BoxFuture<'_, Result<WhipPatched, InterviewError>> {
        no_voice()
    }

    fn whip_delete(&self, _: SessionId, _: String) -> BoxFuture<'_, Result<(), InterviewError>> {
        ready(Err(InterviewError::NotFound)).boxed()
    }

    fn end(&self, session: SessionId, _: EndReason) -> BoxFuture<'_, Result<(), InterviewError>> {
        async move { Ok(self.store.cancel(session).await.map(drop)?) }.boxed()
    }

    fn live_state(&self, _: SessionId) -> BoxFuture<'_, Option<StateView>> {
        ready(None).boxed()
    }

    fn sound_check(&self) -> BoxFuture<'_, Result<Bytes, InterviewError>> {
        no_voice()
    }

    fn report_html(&self, _: SessionId) -> BoxFuture<'_, Result<String, InterviewError>> {
        no_voice()
    }

    fn ready(&self) -> BoxFuture<'_, Vec<(&'static str, bool)>> {
        ready(Vec::new()).boxed()
    }
}
