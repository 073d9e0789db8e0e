//! The event log of an interview, to be read or followed. Rows are the truth: a follower polls them by number, so it
//! sees every event once, in order, whichever server wrote it.

use crate::http::access::{self, Right};
use crate::http::audit;
use crate::http::error::ApiError;
use crate::http::extract::{self, Caller, Path, Query};
use crate::http::state::Shared;
use crate::id::SessionId;
use crate::store::{EventRow, StoreError};
use crate::telemetry::gauge;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use futures::stream::{self, Stream, StreamExt};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

/// Events of one answer, unless asked otherwise; also what a follower reads at once.
const PAGE_DEFAULT: u32 = 500;
/// Events of one answer at most.
const PAGE_MAX: u32 = 1_000;
/// How often a follower looks for new rows: half a second is live enough for a person.
const POLL_PERIOD: Duration = Duration::from_millis(500);
/// Every so many looks it asks whether the interview is over, and whether it still may follow.
const LOOKS_PER_STATUS: u32 = 4;

/// Which events.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    /// Only events after this number; `Last-Event-ID` goes before it.
    #[param(minimum = 0)]
    after: Option<i64>,
    /// How many, 1 to 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// A page of the log.
#[derive(Serialize, utoipa::ToSchema)]
pub struct EventList {
    events: Vec<EventView>,
    /// `after` of the next page; null when there is nothing more yet.
    next: Option<i64>,
}

/// One event.
#[derive(Serialize, utoipa::ToSchema)]
pub struct EventView {
    /// Contiguous within an interview, from 1.
    seq: i64,
    /// Rises each time another server takes the interview over.
    epoch: i64,
    at: DateTime<Utc>,
    kind: String,
    #[schema(value_type = Object)]
    payload: Value,
}

impl From<EventRow> for EventView {
    fn from(row: EventRow) -> Self {
        Self { seq: row.seq, epoch: row.epoch, at: row.at, kind: row.kind, payload: row.payload }
    }
}

/// The event log: a page as JSON, or with `Accept: text/event-stream` followed live (resumes by `Last-Event-ID`, ends
/// with the interview).
#[utoipa::path(get, operation_id = "get_events", path = "/interviews/{id}/events", tag = "record", params(("id" = SessionId, Path), EventQuery,
        ("Last-Event-ID" = Option<i64>, Header, description = "Where a follower goes on.")),
    responses(
        (status = 200, description = "Events after the number.", content((EventList = "application/json"), (String = "text/event-stream"))),
        (status = 204, description = "Followed, and nothing more will come.")))]
pub async fn list(
    State(state): State<Shared>,
    caller: Caller,
    Path(id): Path<SessionId>,
    Query(query): Query<EventQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let row = access::interview(&state, caller, id, Right::ReadLog).await?;
    let limit = query.limit.unwrap_or(PAGE_DEFAULT);
    if limit == 0 || limit > PAGE_MAX {
        return Err(ApiError::field("limit", format!("`limit` lies between 1 and {PAGE_MAX}.")));
    }
    let resumed = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    let after = resumed.or(query.after).unwrap_or(0);
    if after < 0 {
        return Err(ApiError::field("after", "`after` is not negative."));
    }
    let noted = audit::look(&state, caller, &row, "events.read");
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !accepted.contains("text/event-stream") {
        let page = async { Ok::<_, ApiError>(state.store.events(id, after, limit).await?) };
        let ((), rows) = tokio::try_join!(noted, page)?;
        let next = rows.last().filter(|_| rows.len() == limit as usize).map(|row| row.seq);
        return Ok(Json(EventList { events: rows.into_iter().map(EventView::from).collect(), next }).into_response());
    }
    noted.await?;
    if row.status.is_final() && row.next_seq <= after + 1 {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let retry_after_s = state.settings.limits.retry_after_s;
    let place = state.event_streams.clone().try_acquire_owned().map_err(|_| ApiError::Full { retry_after_s })?;
    let alive = KeepAlive::default();
    Ok(Sse::new(follow(Follower::new(state, caller, id, after, place))).keep_alive(alive).into_response())
}

/// Somebody who follows the log of one interview.
struct Follower {
    state: Shared,
    caller: Caller,
    id: SessionId,
    after: i64,
    until: Instant,
    looks: u32,
    _place: FollowersPlace,
}

impl Follower {
    fn new(state: Shared, caller: Caller, id: SessionId, after: i64, place: OwnedSemaphorePermit) -> Self {
        let until = Instant::now() + Duration::from_secs(u64::from(state.settings.limits.event_stream_s));
        Self { state, caller, id, after, until, looks: 0, _place: FollowersPlace::taken(place) }
    }

    /// The next events, as soon as there are any; none when nothing more will come.
    async fn next(&mut self) -> Option<Vec<EventView>> {
        loop {
            match self.look().await {
                Ok(Look::New(events)) => return Some(events),
                Ok(Look::Over) => return None,
                // The database may be away for a moment: the follower stays and reads on when it is back.
                Ok(Look::Quiet) | Err(StoreError::Unavailable { .. }) => {}
                Err(error) => {
                    tracing::warn!(session = %self.id, %error, "a followed event log cannot be read");
                    return None;
                }
            }
            self.state.stopping.run_until_cancelled(tokio::time::sleep(POLL_PERIOD)).await?;
            if Instant::now() >= self.until {
                return None;
            }
        }
    }

    /// An account may have been shut since, or lost its role.
    async fn may_go_on(&self) -> bool {
        let asked = async {
            let caller = extract::as_now(&self.state, self.caller).await?;
            access::interview(&self.state, caller, self.id, Right::ReadLog).await
        };
        // A database that is away has said nothing.
        !matches!(asked.await, Err(ApiError::Unauthorized(_) | ApiError::Forbidden(_) | ApiError::NotFound))
    }

    async fn look(&mut self) -> Result<Look, StoreError> {
        self.looks = self.looks.wrapping_add(1);
        let asks = self.looks.is_multiple_of(LOOKS_PER_STATUS);
        if asks && !self.may_go_on().await {
            return Ok(Look::Over);
        }
        // The status is read before the rows, so that a final status finds its last rows in what is read after it.
        let is_over = asks && self.state.store.interview(self.id).await?.status.is_final();
        let rows = self.state.store.events(self.id, self.after, PAGE_DEFAULT).await?;
        if let Some(last) = rows.last() {
            self.after = last.seq;
            return Ok(Look::New(rows.into_iter().map(EventView::from).collect()));
        }
        Ok(if is_over { Look::Over } else { Look::Quiet })
    }
}

/// What a follower sees.
enum Look {
    New(Vec<EventView>),
    Quiet,
    /// The interview is over and read to its end.
    Over,
}

/// A place among the followers, counted as long as it is held.
struct FollowersPlace(#[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

impl FollowersPlace {
    fn taken(permit: OwnedSemaphorePermit) -> Self {
        metrics::gauge!(gauge::EVENT_STREAMS).increment(1.0);
        Self(permit)
    }
}

impl Drop for FollowersPlace {
    fn drop(&mut self) {
        metrics::gauge!(gauge::EVENT_STREAMS).decrement(1.0);
    }
}

fn follow(follower: Follower) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(follower, |mut follower| async move { follower.next().await.map(|events| (events, follower)) })
        .flat_map(stream::iter)
        .map(|event| {
            let sse = Event::default().id(event.seq.to_string()).event(&event.kind);
            // A row of ours always is JSON; one that were not is passed over rather than ending the stream.
            Ok(sse.json_data(&event).unwrap_or_else(|_| Event::default().comment("unreadable")))
        })
}
