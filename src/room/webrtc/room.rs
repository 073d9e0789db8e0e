//! The task of one room: owns the connections, the sound and the way to the session, and decides nothing but which
//! connection is in use and when the room is over. Must never wait for the network, the session or a client.

use super::data;
use super::link::Link;
use super::media::Media;
use super::outbox::Outbox;
use super::peer::{Peer, PeerId, PeerSetup};
use super::reader::{PeerEvent, PeerNews};
use super::{Answer, Patched, RoomError, UdpPorts, WebRtcSettings, sdp};
use crate::clock::{Alarm, Clock};
use crate::room::{ClosedReason, RoomCommand, RoomEvent, SampleClock, ServerMessage, SessionPort};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Requests that may wait for the room.
const REQUESTS_MAX: usize = 8;
/// News of connections that may wait for the room (10 s of packets).
const NEWS_MAX: usize = 512;
/// Longest wait for the session to take the last events.
const LAST_EVENTS: Duration = Duration::from_secs(1);
/// How long the room sleeps when nothing is due.
const IDLE: Duration = Duration::from_secs(3600);

/// What a room is made of.
#[derive(Debug)]
pub struct RoomSetup {
    pub settings: Arc<WebRtcSettings>,
    /// Shared by all rooms of the process.
    pub ports: UdpPorts,
    /// The session's sample clock.
    pub clock: SampleClock,
    /// For the timestamps of captions.
    pub wall_clock: Clock,
    pub port: SessionPort,
    /// Every task of the room is tracked here.
    pub tasks: TaskTracker,
    /// Ends the room as if the session had asked for it.
    pub cancel: CancellationToken,
}

/// Opens rooms.
#[derive(Debug)]
pub struct WebRtcRoom;

impl WebRtcRoom {
    /// Starts a room's task. It ends by `Close`, by its session's end, or when nobody comes back in time.
    pub fn open(setup: RoomSetup) -> Result<WebRtcRoomHandle, RoomError> {
        let (requests_tx, requests) = mpsc::channel(REQUESTS_MAX);
        let tasks = setup.tasks.clone();
        let room = Room::new(setup)?;
        tasks.spawn(room.run(requests));
        Ok(WebRtcRoomHandle { requests: requests_tx })
    }
}

enum Request {
    Offer {
        sdp: String,
        reply: oneshot::Sender<Result<Answer, RoomError>>,
    },
    Patch {
        resource: String,
        if_match: Option<String>,
        fragment: String,
        reply: oneshot::Sender<Result<Patched, RoomError>>,
    },
    Renegotiate {
        resource: String,
        sdp: String,
        reply: oneshot::Sender<Result<String, RoomError>>,
    },
    Delete {
        resource: String,
        reply: oneshot::Sender<Result<(), RoomError>>,
    },
}

/// The door of a room for the signalling.
#[derive(Clone, Debug)]
pub struct WebRtcRoomHandle {
    requests: mpsc::Sender<Request>,
}

impl WebRtcRoomHandle {
    /// Answers an offer. Once the new connection stands it takes the place of the one before, whose page is told so.
    pub async fn offer(&self, sdp: String) -> Result<Answer, RoomError> {
        self.ask(|reply| Request::Offer { sdp, reply }).await
    }

    /// Adds candidates to a connection or restarts its ICE (`application/trickle-ice-sdpfrag`).
    pub async fn patch(&self, resource: &str, if_match: Option<&str>, fragment: String) -> Result<Patched, RoomError> {
        let (resource, if_match) = (resource.to_owned(), if_match.map(str::to_owned));
        self.ask(|reply| Request::Patch { resource, if_match, fragment, reply }).await
    }

    /// Answers another offer on the connection `resource`, which stays as it is.
    pub async fn renegotiate(&self, resource: &str, sdp: String) -> Result<String, RoomError> {
        let resource = resource.to_owned();
        self.ask(|reply| Request::Renegotiate { resource, sdp, reply }).await
    }

    /// The page leaves.
    pub async fn delete(&self, resource: &str) -> Result<(), RoomError> {
        let resource = resource.to_owned();
        self.ask(|reply| Request::Delete { resource, reply }).await
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, RoomError>>) -> Request,
    ) -> Result<T, RoomError> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(request(reply)).await.map_err(|_| RoomError::Over)?;
        answer.await.map_err(|_| RoomError::Over)?
    }
}

type Negotiated = Result<(Peer, String), RoomError>;

/// An offer on its way to an answer.
struct Negotiation {
    task: JoinHandle<Negotiated>,
    user_fragment: String,
    reply: oneshot::Sender<Result<Answer, RoomError>>,
}

/// A restart of ICE on its way: the connection has its new name once it is done.
struct Restart {
    task: JoinHandle<Result<Option<String>, RoomError>>,
    resource: String,
    user_fragment: String,
    reply: oneshot::Sender<Result<Patched, RoomError>>,
}

/// Nobody is connected who was.
struct Absence {
    until: Instant,
    reason: ClosedReason,
}

struct Room {
    settings: Arc<WebRtcSettings>,
    wall_clock: Clock,
    peers: PeerSetup,
    commands: mpsc::Receiver<RoomCommand>,
    news: mpsc::Receiver<PeerEvent>,
    out: Outbox,
    media: Media,
    /// The connection in use, and whether it stands.
    link: Option<Link>,
    is_connected: bool,
    /// An answered connection that does not stand yet.
    next_link: Option<Link>,
    negotiation: Option<Negotiation>,
    restart: Option<Restart>,
    absence: Option<Absence>,
}

impl Room {
    fn new(setup: RoomSetup) -> Result<Self, RoomError> {
        let (news_tx, news) = mpsc::channel(NEWS_MAX);
        let peers = PeerSetup {
            id: PeerId(0),
            settings: Arc::clone(&setup.settings),
            ports: setup.ports,
            news: news_tx,
            tasks: setup.tasks,
            cancel: setup.cancel,
        };
        let never_connected = setup.settings.connect + setup.settings.reconnect;
        Ok(Self {
            wall_clock: setup.wall_clock,
            peers,
            commands: setup.port.commands,
            news,
            out: Outbox::new(setup.port.events),
            media: Media::new(setup.clock, setup.settings.encoder, Instant::now())?,
            settings: setup.settings,
            link: None,
            is_connected: false,
            next_link: None,
            negotiation: None,
            restart: None,
            // Whoever does not connect at all is waited for no longer than whoever breaks off.
            absence: Some(Absence { until: Instant::now() + never_connected, reason: ClosedReason::Lost }),
        })
    }

    async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let cancel = self.peers.cancel.clone();
        let cancelled = cancel.cancelled();
        tokio::pin!(cancelled);
        let mut alarm = Alarm::default();
        let reason = loop {
            let wake = self.due().unwrap_or_else(|| Instant::now() + IDLE);
            tokio::select! {
                // The clock goes first: no flood of packets or requests may delay a frame.
                biased;
                () = alarm.by(wake) => {}
                command = self.commands.recv() => match command {
                    None | Some(RoomCommand::Close) => break ClosedReason::Asked,
                    Some(RoomCommand::Show(message)) => self.show(&message),
                    Some(command) => self.media.speak(command),
                },
                Some(event) = self.news.recv() => self.hear_of(event, Instant::now()),
                () = &mut cancelled => break ClosedReason::Asked,
                answered = finished(self.negotiation.as_mut().map(|offer| &mut offer.task)) => {
                    self.answered(answered, Instant::now());
                }
                restarted = finished(self.restart.as_mut().map(|restart| &mut restart.task)) => {
                    self.restarted(restarted);
                }
                Some(request) = requests.recv() => self.handle(request, Instant::now()),
            }
            if let Some(reason) = self.advance(Instant::now()) {
                break reason;
            }
        };
        requests.close();
        self.end(reason).await;
    }

    /// When something is due by the clock alone.
    fn due(&self) -> Option<Instant> {
        let absence = self.absence.as_ref().filter(|_| self.is_awaiting_nobody()).map(|absence| absence.until);
        let next_link = self.next_link.as_ref().map(|link| link.opened_at + self.settings.connect);
        [self.media.due(), absence, next_link].into_iter().flatten().min()
    }

    /// Does what is due; the reason if the room is over.
    fn advance(&mut self, now: Instant) -> Option<ClosedReason> {
        let peer = self.link.as_ref().filter(|_| self.is_connected).map(|link| &*link.peer);
        self.media.advance(now, peer, &mut self.out);
        self.out.drain();
        if self.next_link.as_ref().is_some_and(|link| now >= link.opened_at + self.settings.connect) {
            self.close_link_later(false, |room| room.next_link.take());
        }
        let is_over = |absence: &&Absence| self.is_awaiting_nobody() && now >= absence.until;
        let over = self.absence.as_ref().filter(is_over).map(|absence| absence.reason);
        over.or_else(|| self.out.is_closed().then_some(ClosedReason::Asked))
    }

    fn is_awaiting_nobody(&self) -> bool {
        self.next_link.is_none() && self.negotiation.is_none()
    }

    /// Handles a request of the signalling. A reply that nobody waits for any more is no matter.
    fn handle(&mut self, request: Request, now: Instant) {
        match request {
            Request::Offer { sdp, reply } => match self.negotiate(sdp) {
                Ok((task, user_fragment)) => self.negotiation = Some(Negotiation { task, user_fragment, reply }),
                Err(error) => drop(reply.send(Err(error))),
            },
            Request::Patch { resource, if_match, fragment, reply } => {
                match self.accept_patch(&resource, if_match.as_deref(), &fragment) {
                    Ok((peer, fragment, None)) => {
                        let patched = async move { peer.patch(&fragment).await.map(|_| Patched::Trickled) };
                        self.peers.tasks.spawn(async move { drop(reply.send(patched.await)) });
                    }
                    Ok((peer, fragment, Some(user_fragment))) => {
                        let task = self.peers.tasks.spawn(async move { peer.patch(&fragment).await });
                        self.restart = Some(Restart { task, resource, user_fragment, reply });
                    }
                    Err(error) => drop(reply.send(Err(error))),
                }
            }
            Request::Renegotiate { resource, sdp, reply } => match self.peer_of(&resource, &sdp) {
                Ok(peer) => {
                    self.peers.tasks.spawn(async move { drop(reply.send(peer.renegotiate(sdp).await)) });
                }
                Err(error) => drop(reply.send(Err(error))),
            },
            Request::Delete { resource, reply } => drop(reply.send(self.delete(&resource, now))),
        }
    }

    /// Begins to answer an offer, in a task of its own: whatever the description does to the parser, the room goes on.
    fn negotiate(&mut self, offer: String) -> Result<(JoinHandle<Negotiated>, String), RoomError> {
        if self.negotiation.is_some() {
            return Err(RoomError::Busy);
        }
        sdp::check_offer(&offer)?;
        self.peers.id = PeerId(self.peers.id.0 + 1);
        let user_fragment = sdp::user_fragment(&offer).unwrap_or_default().to_owned();
        Ok((self.peers.tasks.spawn(Peer::answer(self.peers.clone(), offer)), user_fragment))
    }

    /// The answer is there, or why not: the new connection waits beside the one in use until it stands.
    fn answered(&mut self, answered: Result<Negotiated, JoinError>, now: Instant) {
        let Some(Negotiation { user_fragment, reply, .. }) = self.negotiation.take() else { return };
        let answered = answered.unwrap_or_else(|error| {
            tracing::error!(%error, "answering an offer broke off");
            Err(RoomError::BadOffer { why: "it broke the parser".to_owned() })
        });
        let result = answered.map(|(peer, sdp)| {
            self.close_link_later(false, |room| room.next_link.take());
            let link = self.next_link.insert(Link::new(peer, user_fragment, now));
            Answer { sdp, resource: link.resource.clone(), etag: link.etag() }
        });
        drop(reply.send(result));
    }

    fn peer_of(&self, resource: &str, offer: &str) -> Result<Arc<Peer>, RoomError> {
        sdp::check_offer(offer)?;
        let mut links = self.link.iter().chain(&self.next_link);
        let link = links.find(|link| link.resource == resource).ok_or(RoomError::NoSuchConnection)?;
        Ok(Arc::clone(&link.peer))
    }

    /// The connection that a patch is for, and the client's new user fragment if it restarts ICE.
    fn accept_patch(
        &self,
        resource: &str,
        if_match: Option<&str>,
        fragment: &str,
    ) -> Result<(Arc<Peer>, sdp::Fragment, Option<String>), RoomError> {
        let mut links = self.link.iter().chain(&self.next_link);
        let link = links.find(|link| link.resource == resource).ok_or(RoomError::NoSuchConnection)?;
        let fragment = sdp::read_fragment(fragment)?;
        let restart = link.restart(&fragment, if_match)?;
        if restart.is_some() && self.restart.is_some() {
            return Err(RoomError::Busy);
        }
        Ok((Arc::clone(&link.peer), fragment, restart))
    }

    /// A restart is done, or failed and has changed nothing.
    fn restarted(&mut self, restarted: Result<Result<Option<String>, RoomError>, JoinError>) {
        let Some(Restart { resource, user_fragment, reply, .. }) = self.restart.take() else { return };
        let restarted = restarted.unwrap_or_else(|error| {
            tracing::error!(%error, "a restart of ICE broke off");
            Err(RoomError::BadFragment { why: "it broke the parser".to_owned() })
        });
        let mut links = self.link.iter_mut().chain(&mut self.next_link);
        let link = links.find(|link| link.resource == resource).ok_or(RoomError::NoSuchConnection);
        let result = restarted.and_then(|fragment| {
            let link = link?;
            let Some(fragment) = fragment else { return Ok(Patched::Trickled) };
            link.restarted(user_fragment);
            Ok(Patched::Restarted { fragment, etag: link.etag() })
        });
        drop(reply.send(result));
    }

    fn delete(&mut self, resource: &str, now: Instant) -> Result<(), RoomError> {
        if self.link.as_ref().is_some_and(|link| link.resource == resource) {
            self.leave(now);
            return Ok(());
        }
        if self.next_link.as_ref().is_some_and(|link| link.resource == resource) {
            self.close_link_later(false, |room| room.next_link.take());
            return Ok(());
        }
        Err(RoomError::NoSuchConnection)
    }

    fn hear_of(&mut self, PeerEvent { peer, news }: PeerEvent, now: Instant) {
        let is = |link: &Option<Link>| link.as_ref().is_some_and(|link| link.peer.id == peer);
        if is(&self.next_link) {
            match news {
                PeerNews::Connected | PeerNews::Packet { .. } | PeerNews::Message(_) => self.take_over(now),
                PeerNews::Failed | PeerNews::Closed => self.close_link_later(false, |room| room.next_link.take()),
                PeerNews::Disconnected => {}
            }
        }
        if !is(&self.link) {
            return;
        }
        match news {
            PeerNews::Connected => self.present(now),
            PeerNews::Disconnected => self.absent(now + self.settings.reconnect, ClosedReason::Lost),
            PeerNews::Failed => {
                self.absent(now + self.settings.reconnect, ClosedReason::Lost);
                self.close_link_later(false, |room| room.link.take());
            }
            PeerNews::Closed => self.leave(now),
            PeerNews::Packet { packet, arrival } => self.media.packet(packet, arrival),
            PeerNews::Message(text) => self.message(&text, now),
        }
    }

    /// The new connection stands: it takes the place of the one in use.
    fn take_over(&mut self, now: Instant) {
        if self.is_connected {
            self.show(&ServerMessage::Ended { reason: "taken_over".to_owned() });
            self.media.disconnected();
        }
        self.close_link_later(true, |room| room.link.take());
        self.link = self.next_link.take();
        self.is_connected = false;
        self.present(now);
    }

    fn present(&mut self, now: Instant) {
        if !self.is_connected {
            self.is_connected = true;
            self.absence = None;
            self.media.connected(now);
            self.out.push(RoomEvent::Connected);
        }
    }

    fn absent(&mut self, until: Instant, reason: ClosedReason) {
        if self.is_connected {
            self.is_connected = false;
            self.media.disconnected();
            self.out.push(RoomEvent::Interrupted);
            self.absence = Some(Absence { until, reason });
        }
    }

    /// The page in use said goodbye; it may be a reload.
    fn leave(&mut self, now: Instant) {
        let until = now + self.settings.leave_grace;
        self.absent(until, ClosedReason::Left);
        self.absence = Some(Absence { until, reason: ClosedReason::Left });
        self.close_link_later(false, |room| room.link.take());
    }

    fn message(&mut self, text: &str, now: Instant) {
        let Some(link) = &mut self.link else { return };
        if !link.allows(now) {
            metrics::counter!("vivavoce_room_messages_refused_total").increment(1);
            return;
        }
        let (signal, answer) = data::take(text);
        if let Some(answer) = answer {
            link.peer.show(answer);
        }
        if let Some(signal) = signal {
            self.out.push(RoomEvent::Signal(signal));
        }
    }

    /// Shows a message to the page that is connected; one that is not gets the whole state when it is.
    fn show(&self, message: &ServerMessage) {
        if let Some(link) = self.link.as_ref().filter(|_| self.is_connected)
            && !(link.peer.takes_messages() && link.peer.show(data::write(message, self.wall_clock.now())))
        {
            metrics::counter!("vivavoce_room_messages_unsent_total").increment(1);
        }
    }

    /// Closes a connection in the background, after its last word if it has one.
    fn close_link_later(&mut self, has_last_word: bool, take: impl FnOnce(&mut Self) -> Option<Link>) {
        if let Some(link) = take(self) {
            self.peers.tasks.spawn(async move {
                if has_last_word {
                    link.close_after_farewell().await;
                } else {
                    link.peer.close().await;
                }
            });
        }
    }

    async fn end(mut self, reason: ClosedReason) {
        if let Some(Negotiation { task, reply, .. }) = self.negotiation.take() {
            drop(reply.send(Err(RoomError::Over)));
            if let Ok(Ok((peer, _))) = task.await {
                peer.close().await;
            }
        }
        if let Some(Restart { reply, .. }) = self.restart.take() {
            drop(reply.send(Err(RoomError::Over)));
        }
        let last_word = self.is_connected;
        self.close_link_later(last_word, |room| room.link.take());
        self.close_link_later(false, |room| room.next_link.take());
        self.media.disconnected();
        self.out.push(RoomEvent::Closed { reason });
        if tokio::time::timeout(LAST_EVENTS, self.out.flush()).await.is_err() {
            tracing::warn!("the session did not take the room's last events");
        }
    }
}

/// Waits for the task that is on its way, if there is one.
async fn finished<T>(task: Option<&mut JoinHandle<T>>) -> Result<T, JoinError> {
    match task {
        Some(task) => task.await,
        None => std::future::pending().await,
    }
}
