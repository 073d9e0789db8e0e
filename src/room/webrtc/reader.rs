//! What a connection tells: the crate's callbacks, and the readers of its audio and its data channel, each forwarding
//! through one bounded channel. Must never await in a callback: they run on the task that drives the connection.

use super::data::CHANNEL_LABELS;
use super::peer::PeerId;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use webrtc::data_channel::{DataChannel, DataChannelEvent};
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{PeerConnectionEventHandler, RTCIceGatheringState, RTCPeerConnectionState};

/// An RTP packet as it came.
#[derive(Debug)]
pub struct RtpPacket(rtc::rtp::Packet);

impl RtpPacket {
    pub fn sequence(&self) -> u16 {
        self.0.header.sequence_number
    }

    pub fn timestamp(&self) -> u32 {
        self.0.header.timestamp
    }
}

impl AsRef<[u8]> for RtpPacket {
    fn as_ref(&self) -> &[u8] {
        &self.0.payload
    }
}

/// What happens at a connection.
#[derive(Debug)]
pub enum PeerNews {
    Connected,
    /// Nothing comes any more; it may come back.
    Disconnected,
    /// It will not come back.
    Failed,
    /// The other side ended it.
    Closed,
    Packet {
        packet: RtpPacket,
        arrival: Instant,
    },
    Message(String),
}

/// News, and of whom.
#[derive(Debug)]
pub struct PeerEvent {
    pub peer: PeerId,
    pub news: PeerNews,
}

/// What the crate calls, on its driver's task.
pub struct Callbacks {
    pub reader: Reader,
    /// Told once when every local candidate is there.
    pub gathered: mpsc::Sender<()>,
    /// Messages for the screen: the first channel that opens takes them.
    pub to_show: Arc<Mutex<Option<mpsc::Receiver<String>>>>,
}

/// `'a` is the callback's own lifetime: nothing here waits, so each future is ready when it is made.
fn done<'a>() -> BoxFuture<'a, ()> {
    Box::pin(std::future::ready(()))
}

impl PeerConnectionEventHandler for Callbacks {
    fn on_ice_gathering_state_change<'s, 'a>(&'s self, state: RTCIceGatheringState) -> BoxFuture<'a, ()>
    where
        's: 'a,
    {
        if state == RTCIceGatheringState::Complete {
            let _ = self.gathered.try_send(());
        }
        done()
    }

    fn on_connection_state_change<'s, 'a>(&'s self, state: RTCPeerConnectionState) -> BoxFuture<'a, ()>
    where
        's: 'a,
    {
        let news = match state {
            RTCPeerConnectionState::Connected => Some(PeerNews::Connected),
            RTCPeerConnectionState::Disconnected => Some(PeerNews::Disconnected),
            RTCPeerConnectionState::Failed => Some(PeerNews::Failed),
            RTCPeerConnectionState::Closed => Some(PeerNews::Closed),
            // The enum may grow; what is new is no change that we know.
            RTCPeerConnectionState::Unspecified
            | RTCPeerConnectionState::New
            | RTCPeerConnectionState::Connecting
            | _ => None,
        };
        news.into_iter().for_each(|news| self.reader.tell(news));
        done()
    }

    fn on_track<'s, 'a>(&'s self, track: Arc<dyn TrackRemote>) -> BoxFuture<'a, ()>
    where
        's: 'a,
    {
        self.reader.tasks.spawn(self.reader.clone().read_track(track));
        done()
    }

    fn on_data_channel<'s, 'a>(&'s self, channel: Arc<dyn DataChannel>) -> BoxFuture<'a, ()>
    where
        's: 'a,
    {
        let reader = self.reader.clone();
        let to_show = Arc::clone(&self.to_show);
        self.reader.tasks.spawn(async move {
            if !channel.label().await.is_ok_and(|label| CHANNEL_LABELS.contains(&label.as_str())) {
                return;
            }
            let Some(mut to_show) = to_show.lock().await.take() else { return };
            reader.follow_channel(&*channel, &mut to_show).await;
        });
        done()
    }
}

/// Forwards what comes, without waiting for anybody.
#[derive(Clone)]
pub struct Reader {
    pub peer: PeerId,
    pub news: mpsc::Sender<PeerEvent>,
    pub tasks: TaskTracker,
    pub cancel: CancellationToken,
    /// Tracks that came so far: the last one is the microphone, whatever else is offered.
    pub tracks: Arc<AtomicU32>,
}

impl Reader {
    /// Tells of a change. It must not be lost: where the channel is full of audio, a task waits for it.
    fn tell(&self, news: PeerNews) {
        if let Err(TrySendError::Full(event)) = self.news.try_send(PeerEvent { peer: self.peer, news }) {
            let channel = self.news.clone();
            self.tasks.spawn(async move {
                // An error means that the room is over.
                let _ = channel.send(event).await;
            });
        }
    }

    async fn read_track(self, track: Arc<dyn TrackRemote>) {
        let own = self.tracks.fetch_add(1, Ordering::Relaxed) + 1;
        let reading = async {
            while let Some(event) = track.poll().await {
                if let TrackRemoteEvent::OnRtpPacket(packet) = event
                    && self.tracks.load(Ordering::Relaxed) == own
                {
                    let news = PeerNews::Packet { packet: RtpPacket(packet), arrival: Instant::now() };
                    if self.news.try_send(PeerEvent { peer: self.peer, news }).is_err() {
                        metrics::counter!("vivavoce_room_packets_dropped_total").increment(1);
                    }
                }
            }
        };
        // The token is asked once for all packets, not once for each.
        self.cancel.run_until_cancelled(reading).await;
    }

    async fn follow_channel(&self, channel: &dyn DataChannel, to_show: &mut mpsc::Receiver<String>) {
        loop {
            tokio::select! {
                () = self.cancel.cancelled() => return,
                event = channel.poll() => match event {
                    Some(DataChannelEvent::OnMessage(message)) => self.pass_on(&message.data).await,
                    Some(DataChannelEvent::OnClosing | DataChannelEvent::OnClose) | None => {
                        return self.tell(PeerNews::Closed);
                    }
                    Some(_) => {}
                },
                message = to_show.recv() => {
                    let Some(message) = message else { return };
                    match self.cancel.run_until_cancelled(channel.send_text(&message)).await {
                        Some(Ok(())) => {}
                        // A channel that carries nothing any more is as good as closed.
                        Some(Err(_)) => return self.tell(PeerNews::Closed),
                        None => return,
                    }
                }
            }
        }
    }

    /// Messages wait for the room: the client's own buffer then slows it down.
    async fn pass_on(&self, data: &[u8]) {
        if let Ok(text) = std::str::from_utf8(data) {
            let event = PeerEvent { peer: self.peer, news: PeerNews::Message(text.to_owned()) };
            let _ = self.cancel.run_until_cancelled(self.news.send(event)).await;
        }
    }
}
