//! What every route has at hand. Must never hold anything of one request.

use super::accounts::Accounts;
use super::interviews::Interviews;
use crate::auth::token::Tokens;
use crate::clock::Clock;
use crate::config::Settings;
use crate::jobs::evaluate::Scoring;
use crate::profile::pdf::PdfReader;
use crate::session::text::TextInterviews;
use crate::store::Store;
use metrics_exporter_prometheus::PrometheusHandle;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Shared by all routes.
pub struct HttpState {
    pub store: Store,
    pub interviews: Arc<dyn Interviews>,
    /// Written interviews, which need no room.
    pub text: TextInterviews,
    /// Scores answers at once in practice.
    pub scoring: Scoring,
    pub tokens: Tokens,
    /// Passwords, and how often somebody may try.
    pub accounts: Accounts,
    /// Takes text out of CVs.
    pub pdf: PdfReader,
    pub clock: Clock,
    pub settings: Arc<Settings>,
    /// Where sound files lie.
    pub recordings: PathBuf,
    pub metrics: PrometheusHandle,
    /// Whether only this machine can reach the listener.
    pub listens_on_loopback: bool,
    /// Cancelled when the server stops: followed streams end.
    pub stopping: CancellationToken,
    /// What goes on after its request was answered, or given up: awaited when the server stops.
    pub tasks: TaskTracker,
    /// Places for followed event streams.
    pub event_streams: Arc<Semaphore>,
}

/// As axum hands it to the routes.
pub type Shared = Arc<HttpState>;
