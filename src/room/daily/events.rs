//! The library's events, read: what a call tells in JSON becomes what the worker passes on. Whatever is not known is
//! passed over. Pure; must never keep anything.

use super::wire::{Line, Person, Tell};
use serde::Deserialize;
use serde_json::Value;

/// What an event turned out to be.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    Tell(Tell),
    /// A request was answered.
    Answered {
        request: u64,
        result: Result<Value, String>,
    },
    /// The call's state changed.
    State {
        state: String,
        said: Option<String>,
    },
    Other,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    action: String,
    #[serde(default)]
    request_id: Option<RequestId>,
    #[serde(default)]
    request_success: Option<Value>,
    #[serde(default)]
    request_error: Option<Trouble>,
    #[serde(default)]
    participant: Option<Participant>,
    #[serde(default)]
    msg_data: Option<Value>,
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    connection: Option<String>,
    #[serde(default)]
    event: Option<String>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    error: Option<Trouble>,
    #[serde(default)]
    message: Option<String>,
}

#[derive(Deserialize)]
struct RequestId {
    id: u64,
}

#[derive(Deserialize)]
struct Trouble {
    #[serde(default, alias = "message")]
    msg: String,
}

#[derive(Deserialize)]
struct Participant {
    id: String,
    #[serde(default)]
    info: Info,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Info {
    is_local: bool,
    is_owner: bool,
    user_id: Option<String>,
    user_name: Option<String>,
}

/// Reads one event.
#[must_use]
pub fn read(json: &str) -> Event {
    let Ok(raw) = serde_json::from_str::<Raw>(json) else { return Event::Other };
    match raw.action.as_str() {
        "request-completed" => answered(raw),
        "call-state-updated" => match raw.state {
            Some(state) => Event::State { state, said: raw.error.map(|error| error.msg) },
            None => Event::Other,
        },
        "participant-joined" | "participant-updated" => raw.participant.map_or(Event::Other, present),
        "participant-left" => raw.participant.map_or(Event::Other, |gone| Event::Tell(Tell::Absent { id: gone.id })),
        "app-message" => match (raw.from, raw.msg_data) {
            (Some(from), Some(message)) => Event::Tell(Tell::Message { from, message }),
            (_, _) => Event::Other,
        },
        "network-connection-status-updated" => line(raw.connection.as_deref(), raw.event.as_deref()),
        "error" => Event::Tell(Tell::Trouble { said: raw.message.unwrap_or_default() }),
        _ => Event::Other,
    }
}

fn answered(raw: Raw) -> Event {
    let Some(RequestId { id: request }) = raw.request_id else { return Event::Other };
    let result = match raw.request_error {
        Some(error) => Err(error.msg),
        None => Ok(raw.request_success.unwrap_or_default()),
    };
    Event::Answered { request, result }
}

fn present(participant: Participant) -> Event {
    let Participant { id, info } = participant;
    if info.is_local {
        return Event::Other;
    }
    let person =
        Person { id, user_id: info.user_id, name: info.user_name.unwrap_or_default(), is_owner: info.is_owner };
    Event::Tell(Tell::Present(person))
}

fn line(connection: Option<&str>, event: Option<&str>) -> Event {
    let line = match connection {
        Some("signalling") => Line::Signalling,
        Some("sendTransport") => Line::Sending,
        Some("recvTransport") => Line::Receiving,
        Some(_) | None => return Event::Other,
    };
    match event {
        Some("connected") => Event::Tell(Tell::Line { line, stands: true }),
        Some("interrupted") => Event::Tell(Tell::Line { line, stands: false }),
        Some(_) | None => Event::Other,
    }
}
