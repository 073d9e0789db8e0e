//! A browser page as a room, by WebRTC: one [`WebRtcRoomHandle`] an interview, which outlives its single connections.
//! `room` is the task that owns everything; `peer` and `reader` are the only place that
//! knows the `webrtc` crate; `hearing`, `voice`,
//! `data`, `sdp` and `outbox` are pure. Must never decide what is said or when.
//!
//! A connection, step by step: an offer is checked (`sdp`), answered by a new peer in a task of its own (`peer`), and
//! the peer waits beside the one in use until it is connected; then it takes its place, and the page of the old one is
//! told that it was taken over. A connection that breaks leaves the speeches where they are; whoever comes back in time
//! goes on with the same interview.

pub mod data;
mod hearing;
mod link;
mod media;
mod outbox;
mod peer;
mod ports;
mod reader;
mod room;
pub(in crate::room) mod sdp;
mod voice;

pub(in crate::room) use outbox::Outbox;
pub use ports::UdpPorts;
pub use room::{RoomSetup, WebRtcRoom, WebRtcRoomHandle};
pub use sdp::SDP_BYTES_MAX;
pub use voice::{Ended, Pace, QueueFull, Slot, Voice, VoicePcm};

use crate::audio::opus::EncoderSettings;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;
use std::time::Duration;

/// How connections are made.
#[derive(Clone, Debug)]
pub struct WebRtcSettings {
    /// Addresses to receive at. `0.0.0.0` and `::` stand for every network card and for the loopback.
    pub addresses: Vec<IpAddr>,
    /// Ports to deal out, one a connection at each address; `None` lets the system choose.
    pub udp_ports: Option<RangeInclusive<u16>>,
    /// Addresses to offer in place of the bound ones, behind one-to-one address translation.
    pub nat_1to1_ips: Vec<IpAddr>,
    /// How long a broken connection may take to come back.
    pub reconnect: Duration,
    /// How long a page that said goodbye may take to come back (a reload says goodbye as well).
    pub leave_grace: Duration,
    /// How long setting up a connection may take.
    pub connect: Duration,
    /// Silence on the network after which a connection counts as broken.
    pub disconnected_after: Duration,
    /// Time after that until it is given up.
    pub failed_after: Duration,
    /// How the interviewer's voice is encoded.
    pub encoder: EncoderSettings,
}

impl Default for WebRtcSettings {
    fn default() -> Self {
        Self {
            addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
            udp_ports: None,
            nat_1to1_ips: Vec::new(),
            reconnect: Duration::from_secs(60),
            leave_grace: Duration::from_secs(10),
            connect: Duration::from_secs(20),
            disconnected_after: Duration::from_secs(5),
            failed_after: Duration::from_secs(25),
            encoder: EncoderSettings::default(),
        }
    }
}

/// What an offer brings: the answer, and the resource that it made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    pub sdp: String,
    /// Last part of the resource's path.
    pub resource: String,
    /// Names the resource's ICE session; a restart must state it (`If-Match`).
    pub etag: String,
}

/// What a PATCH brings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Patched {
    /// Candidates were taken; nothing to say.
    Trickled,
    /// ICE was restarted: the fragment to answer with, and the new ETag.
    Restarted { fragment: String, etag: String },
}

/// Why a room refused.
#[derive(Debug, thiserror::Error)]
pub enum RoomError {
    #[error("the description is too long")]
    TooLong,
    #[error("the offer cannot be understood: {why}")]
    BadOffer { why: String },
    #[error("the fragment cannot be understood: {why}")]
    BadFragment { why: String },
    #[error("the offer has no audio in Opus")]
    NoAudio,
    #[error("another offer is being answered")]
    Busy,
    #[error("there is no such connection")]
    NoSuchConnection,
    #[error("the connection has changed since: its ETag is another")]
    StaleEtag,
    #[error("no UDP port is free")]
    NoPort,
    #[error("the connection could not be set up: {why}")]
    Failed { why: String },
    #[error("the interview's room is closed")]
    Over,
}
