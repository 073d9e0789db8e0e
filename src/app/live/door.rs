//! The ways into a room, and the rooms behind them: an offer leads to WebRTC, a socket to a WebSocket. Must never mix them:
//! an interview that is held in one is not joined by the other.

use super::{Live, answered, room_error};
use crate::http::{InterviewError, WhipAnswer};
use crate::room::webrtc::{RoomSetup, WebRtcRoom, WebRtcRoomHandle, WebRtcSettings};
use crate::room::websocket::{Socket, SocketRoomHandle, SocketRoomSetup};
use crate::room::{SampleClock, SessionPort};
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
            (Self::WebRtc(_), Way::Socket(_)) | (Self::Socket(_), Way::Offer(_)) => Err(elsewhere()),
        }
    }

    /// The room of offers, where this is one.
    pub fn webrtc(&self) -> Result<&WebRtcRoomHandle, InterviewError> {
        match self {
            Self::WebRtc(room) => Ok(room),
            Self::Socket(_) => Err(elsewhere()),
        }
    }
}

fn elsewhere() -> InterviewError {
    InterviewError::Unavailable { said: "This conversation is being held over another kind of connection.".into() }
}

impl Live {
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
}
