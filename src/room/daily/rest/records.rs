//! What Daily's REST interface takes and gives, as far as it is used. Fields that Daily may leave out are optional; those
//! that it adds are passed over.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The domain that a key belongs to.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Domain {
    pub domain_name: String,
    pub domain_id: String,
}

/// Who gets in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Privacy {
    /// Whoever has the address.
    Public,
    /// Whoever has a token.
    Private,
}

/// A room to be made.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct NewRoom {
    pub name: String,
    pub privacy: Privacy,
    pub properties: RoomProperties,
}

/// Properties of a room; what is `None` stays as the domain has it.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RoomProperties {
    /// Unix time from which nobody gets in any more, s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    /// Whoever is still there at that time is sent out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eject_at_room_exp: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_participants: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforce_unique_user_ids: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_video_off: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_chat: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_prejoin_ui: Option<bool>,
    /// `cloud`, `cloud-audio-only`, `local` or `raw-tracks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_recording: Option<String>,
    /// Region of the media server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub geo: Option<String>,
}

/// A room.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Room {
    pub id: String,
    pub name: String,
    /// Where people join it.
    pub url: String,
    pub privacy: Privacy,
    #[serde(default)]
    pub config: RoomProperties,
}

/// Somebody in a room.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Presence {
    /// The participant's id in the room.
    pub id: String,
    pub user_id: Option<String>,
    pub user_name: Option<String>,
}

/// A recording in Daily's cloud.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Recording {
    pub id: String,
    pub room_name: String,
    pub status: String,
    /// Seconds.
    pub duration: Option<f64>,
}

/// Where a recording can be fetched.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct AccessLink {
    pub download_link: String,
    /// Unix time, s.
    pub expires: i64,
}

/// A webhook to be made.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookWish {
    pub url: String,
    pub event_types: Vec<String>,
    /// The key of its signatures, base64; Daily makes one if none is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hmac: Option<String>,
}

/// A webhook.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    pub uuid: String,
    pub url: String,
    /// The key of its signatures, base64.
    #[serde(default)]
    pub hmac: Option<String>,
    #[serde(default)]
    pub event_types: Vec<String>,
    /// `ACTIVE`, or `FAILED` when too many sends had failed.
    #[serde(default)]
    pub state: Option<String>,
    #[serde(default)]
    pub failed_count: Option<u32>,
    #[serde(default)]
    pub last_moment_pushed: Option<Value>,
}

// The key of the signatures is not shown.
impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("uuid", &self.uuid).field("state", &self.state).finish_non_exhaustive()
    }
}
