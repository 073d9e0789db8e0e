//! The ways into a room, and the rooms behind them: an offer leads to WebRTC, a socket to a WebSocket; into
//! Daily's rooms goes the interviewer. Must never mix them: an interview that is held in one is not joined by another.

use super::{Live, answered, room_error};
use crate::audio::frame::SamplePos;
use crate::http::{InterviewError, WhipAnswer, WhipPatched};
use crate::id::SessionId;
use crate::room::daily::DailyRoomHandle;
use crate::room::webrtc::{Patched, RoomSetup, WebRtcRoom, WebRtcRoomHandle, WebRtcSettings};
use crate::room::websocket::{Socket, SocketRoomHandle, SocketRoomSetup};
use crate::room::{SampleClock, SessionPort};
use crate::session;
use crate::session::restore::{self, Restored};
use crate::store::InterviewRow;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The way in that somebody took.
#[derive(Debug)]
pub enum Way {
    Offer(String),
    Socket(Socket),
}

/// The room that it leads to.
#[derive(Clone, Debug)]
pub enum Door {
    WebRtc(WebRtcRoomHandle),
    Socket(SocketRoomHandle),
    Daily(DailyRoomHandle),
}

impl Door {
    /// Goes in; an offer is answered.
    pub async fn enter(&self, way: Way) -> Result<Option<WhipAnswer>, InterviewError> {
        match (self, way) {
            (Self::WebRtc(room), Way::Offer(sdp)) => answered(room.offer(sdp).await).map(Some),
            (Self::Socket(room), Way::Socket(socket)) => match room.join(socket).await {
                true => Ok(None),
                false => Err(InterviewError::NotActive),
            },
            (Self::WebRtc(_), Way::Socket(_))
            | (Self::Socket(_), Way::Offer(_))
            | (Self::Daily(_), Way::Offer(_) | Way::Socket(_)) => Err(elsewhere()),
        }
    }

    /// The room of offers, where this is one.
    pub fn webrtc(&self) -> Result<&WebRtcRoomHandle, InterviewError> {
        match self {
            Self::WebRtc(room) => Ok(room),
            Self::Socket(_) | Self::Daily(_) => Err(elsewhere()),
        }
    }
}

fn elsewhere() -> InterviewError {
    InterviewError::Unavailable { said: "This conversation is being held over another kind of connection.".into() }
}

impl Live {
    /// The sample clock goes on by wall time, so that a recording's second part stands where it belongs.
    pub fn sample_clock(&self, row: &InterviewRow, restored: Option<&Restored>) -> SampleClock {
        let behind_ms = row.start_time.map_or(0, |start| {
            let last_at_ms = restored.map_or(0, |restored| restored.last_at_ms);
            let wall_ms = u64::try_from((self.clock.now() - start).num_milliseconds()).unwrap_or(0);
            restore::goes_on_at_ms(wall_ms, last_at_ms)
        });
        SampleClock { origin: session::now(), origin_at: SamplePos::from_ms(behind_ms) }
    }

    /// Opens the room that `way` leads to.
    pub(super) fn open_room(
        &self,
        way: &Way,
        settings: &Arc<WebRtcSettings>,
        clock: SampleClock,
        port: SessionPort,
    ) -> Result<Door, InterviewError> {
        let (wall_clock, tasks, cancel) = (self.clock.clone(), self.tasks.clone(), CancellationToken::new());
        match way {
            Way::Offer(_) => {
                let (settings, ports) = (settings.clone(), self.ports.clone());
                WebRtcRoom::open(RoomSetup { settings, ports, clock, wall_clock, port, tasks, cancel })
                    .map(Door::WebRtc)
                    .map_err(room_error)
            }
            Way::Socket(_) => {
                let (encoder, reconnect) = (settings.encoder, settings.leave_grace);
                let setup = SocketRoomSetup { clock, wall_clock, port, encoder, reconnect, tasks, cancel };
                Ok(Door::Socket(SocketRoomHandle::open(setup)))
            }
        }
    }

    pub async fn patch(
        &self,
        id: SessionId,
        resource: &str,
        etag: &str,
        fragment: String,
    ) -> Result<WhipPatched, InterviewError> {
        let running = self.running(id).ok_or(InterviewError::NotActive)?;
        match running.room.webrtc()?.patch(resource, Some(etag), fragment).await.map_err(room_error)? {
            Patched::Trickled => Ok(WhipPatched::Taken),
            Patched::Restarted { fragment, etag } => Ok(WhipPatched::Restarted { fragment, etag }),
        }
    }

    pub async fn delete(&self, id: SessionId, resource: &str) -> Result<(), InterviewError> {
        let running = self.running(id).ok_or(InterviewError::NotFound)?;
        running.room.webrtc()?.delete(resource).await.map_err(room_error)
    }
}
