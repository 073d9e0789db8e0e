//! The data channel from the client's side: what the server shows, read; what the candidate does by hand, written. Must
//! never decide anything.

use crate::room::StateView;
use serde::Deserialize;
use serde_json::{Value, json};

/// What the server shows, as far as a rehearsal looks at it.
#[derive(Clone, PartialEq, Debug)]
pub enum Shown {
    State(Box<StateView>),
    /// What the interviewer understood.
    Understood(String),
    /// What the interviewer is saying.
    Saying(String),
    Notice(String),
    Ended(String),
    /// A message of ours was refused.
    Refused(String),
    Other,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    data: Value,
}

/// Reads one message.
#[must_use]
pub fn read(message: &Value) -> Shown {
    let Ok(Envelope { kind, data }) = Envelope::deserialize(message) else { return Shown::Other };
    let text = |field: &str| data.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    match kind.as_str() {
        "server-message" => match text("kind").as_str() {
            "state" => StateView::deserialize(&data).map_or(Shown::Other, |state| Shown::State(Box::new(state))),
            "notice" => Shown::Notice(text("text")),
            "ended" => Shown::Ended(text("reason")),
            _ => Shown::Other,
        },
        "user-transcription" if data.get("final") == Some(&Value::Bool(true)) => Shown::Understood(text("text")),
        "bot-output" if text("spoken_status") == "in-progress" => Shown::Saying(text("text")),
        "error" | "error-response" => Shown::Refused(text("error")),
        _ => Shown::Other,
    }
}

/// "I am here: show me everything."
#[must_use]
pub fn client_ready() -> Value {
    let about = json!({"library": "vivavoce rehearse", "library_version": env!("CARGO_PKG_VERSION")});
    json!({"label": "rtvi-ai", "type": "client-ready", "id": "ready", "data": {"version": "2.1.0", "about": about}})
}

/// Code as it stands in the pane.
#[must_use]
pub fn code(question: &str, language: &str, content: &str, submitted: bool) -> Value {
    let code = json!({"question_id": question, "language": language, "content": content, "final": submitted});
    json!({"label": "rtvi-ai", "type": "client-message", "id": "code", "data": {"t": "code", "d": code}})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: &str, data: Value) -> Value {
        json!({"label": "rtvi-ai", "type": kind, "data": data})
    }

    #[test]
    fn what_the_server_shows_is_read() {
        let state = json!({"kind": "state", "phase": "listening", "question": null, "elapsed_ms": 1, "remaining_ms": 2,
            "paused": false});
        let Shown::State(state) = read(&message("server-message", state)) else { panic!("a state") };
        assert_eq!(state.phase, "listening");
        let ended = json!({"kind": "ended", "reason": "completed"});
        assert_eq!(read(&message("server-message", ended)), Shown::Ended("completed".into()));
        let caption = |is_final: bool| message("user-transcription", json!({"text": "yes", "final": is_final}));
        assert_eq!(read(&caption(true)), Shown::Understood("yes".into()));
        assert_eq!(read(&caption(false)), Shown::Other);
        let saying = json!({"text": "Hello.", "aggregated_by": "sentence", "spoken_status": "in-progress"});
        assert_eq!(read(&message("bot-output", saying)), Shown::Saying("Hello.".into()));
        assert_eq!(read(&json!("nonsense")), Shown::Other);
        assert_eq!(read(&message("server-message", json!({"kind": "state"}))), Shown::Other);
    }
}
