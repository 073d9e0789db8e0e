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
pub fn read(message: &str) -> Shown {
    let Ok(Envelope { kind, data }) = serde_json::from_str(message) else { return Shown::Other };
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
pub fn client_ready() -> String {
    let about = json!({"library": "vivavoce rehearse", "library_version": env!("CARGO_PKG_VERSION")});
    json!({"label": "rtvi-ai", "type": "client-ready", "id": "ready", "data": {"version": "2.1.0", "about": about}})
        .to_string()
}

/// Code as it stands in the pane.
#[must_use]
pub fn code(question: &str, language: &str, content: &str, submitted: bool) -> String {
    let code = json!({"question_id": question, "language": language, "content": content, "final": submitted});
    json!({"label": "rtvi-ai", "type": "client-message", "id": "code", "data": {"t": "code", "d": code}}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::ServerMessage;
    use crate::room::webrtc::data;

    #[test]
    fn what_the_room_writes_is_read() {
        let state = StateView { phase: "asking".into(), question: None, elapsed_ms: 1, remaining_ms: 2, paused: false };
        let shown = |message: &ServerMessage| read(&data::write(message, chrono::DateTime::UNIX_EPOCH));
        assert_eq!(shown(&ServerMessage::State(Box::new(state.clone()))), Shown::State(Box::new(state)));
        assert_eq!(shown(&ServerMessage::Ended { reason: "completed".into() }), Shown::Ended("completed".into()));
        let caption = |is_final| ServerMessage::CandidateCaption { text: "yes".into(), is_final };
        assert_eq!(shown(&caption(true)), Shown::Understood("yes".into()));
        assert_eq!(shown(&caption(false)), Shown::Other);
        let saying = ServerMessage::InterviewerCaption { text: "Hello.".into(), spoken: false };
        assert_eq!(shown(&saying), Shown::Saying("Hello.".into()));
        assert_eq!(read("nonsense"), Shown::Other);
    }

    #[test]
    fn what_is_written_is_understood_by_the_room() {
        assert!(matches!(data::read(&client_ready()), data::Inbound::Ready { .. }));
        assert!(matches!(data::read(&code("q", "python", "x = 1", true)), data::Inbound::Signal { .. }));
    }
}
