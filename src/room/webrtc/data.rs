//! The data channel's language: RTVI 2.1 envelopes both ways, parsed at the border into signals, each bounded. Must never
//! trust a length or an id from outside, nor act on what it reads.

use crate::room::{Button, CODE_BYTES_MAX, ClientSignal, ServerMessage, TEXT_BYTES_MAX, Writing};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

/// Label of our own page's data channel.
pub const CHANNEL_LABEL: &str = "rtvi";
/// Labels under which clients open the channel of these messages: ours, and the Pipecat transport's.
pub const CHANNEL_LABELS: [&str; 2] = [CHANNEL_LABEL, "chat"];
/// The Pipecat transport's sign of life, each second, beside the envelopes.
const PING: &str = "ping";
/// Version of RTVI that is spoken.
pub const RTVI_VERSION: &str = "2.1.0";
/// Longest message taken from a client, bytes: a whole code artifact with its JSON escapes.
pub const MESSAGE_BYTES_MAX: u32 = 256 * 1024;
/// Longest id or name taken from a client, bytes.
const NAME_BYTES_MAX: usize = 128;
/// Most audio that a client may claim to hold, ms.
const BUFFERED_MS_MAX: u32 = 10_000;

/// What a client's message turned out to be.
#[derive(Clone, PartialEq, Debug)]
pub enum Inbound {
    /// The client is ready; answer with [`bot_ready`].
    Ready { id: Option<String> },
    /// A signal; where `reply` is given, answer with [`response`].
    Signal { signal: ClientSignal, reply: Option<Reply> },
    /// Understood as a message and refused; answer with [`refusal`].
    Refused { id: Option<String>, why: &'static str },
    /// A message of the protocol that we have no use for.
    Ignored,
}

/// What a client waits for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    pub id: String,
    pub kind: String,
}

#[derive(Deserialize)]
struct Envelope {
    label: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    id: Option<Value>,
    #[serde(default)]
    data: Value,
}

/// What the Pipecat transport says for itself.
#[derive(Deserialize)]
struct Transport {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Code {
    question_id: String,
    language: String,
    content: String,
    #[serde(rename = "final", default)]
    submitted: bool,
}

/// Reads one message.
#[must_use]
pub fn read(text: &str) -> Inbound {
    let refused = |why| Inbound::Refused { id: None, why };
    if text.len() > MESSAGE_BYTES_MAX as usize {
        return refused("the message is too long");
    }
    if text.starts_with(PING) {
        return Inbound::Ignored;
    }
    let Ok(envelope) = serde_json::from_str::<Envelope>(text) else {
        // The transport's own messages (which track is muted) are no envelopes, and nothing to us.
        if serde_json::from_str::<Transport>(text).is_ok_and(|message| message.kind == "signalling") {
            return Inbound::Ignored;
        }
        return refused("the message is no RTVI envelope");
    };
    if envelope.label != "rtvi-ai" {
        return refused("the message is no RTVI envelope");
    }
    let id = envelope.id.and_then(|id| id.as_str().filter(|id| id.len() <= NAME_BYTES_MAX).map(str::to_owned));
    match envelope.kind.as_str() {
        "client-ready" => Inbound::Ready { id },
        "send-text" => match text_of(&envelope.data, "content") {
            Some(content) => Inbound::Signal { signal: ClientSignal::Text(content), reply: None },
            None => Inbound::Refused { id, why: "the text is missing, empty or too long" },
        },
        "client-message" => client_message(id, &envelope.data),
        "disconnect-bot" => Inbound::Signal { signal: ClientSignal::Button(Button::End), reply: None },
        _ => Inbound::Ignored,
    }
}

fn client_message(id: Option<String>, data: &Value) -> Inbound {
    let kind = data.get("t").and_then(Value::as_str).filter(|kind| kind.len() <= NAME_BYTES_MAX).unwrap_or("");
    let details = data.get("d").unwrap_or(&Value::Null);
    let signal = match kind {
        "typing" => Ok(ClientSignal::Typing),
        "code" => code(details),
        "playout" => details
            .get("buffered_ms")
            .and_then(Value::as_f64)
            .filter(|ms| *ms >= 0.0)
            .map(|ms| ClientSignal::Playout { buffered_ms: (ms as u32).min(BUFFERED_MS_MAX) })
            .ok_or("buffered_ms is missing"),
        "focus" => details
            .get("visible")
            .and_then(Value::as_bool)
            .map(|visible| ClientSignal::Focus { visible })
            .ok_or("visible is missing"),
        button => serde_json::from_value::<Button>(Value::String(button.to_owned()))
            .map(ClientSignal::Button)
            .map_err(|_| "no such message"),
    };
    match signal {
        // Who sends code is answered by the session, once it is stored.
        Ok(ClientSignal::Code { question_id, language, content, submitted, message: _ }) => {
            let signal = ClientSignal::Code { question_id, language, content, submitted, message: id };
            Inbound::Signal { signal, reply: None }
        }
        Ok(signal) => Inbound::Signal { signal, reply: id.map(|id| Reply { id, kind: kind.to_owned() }) },
        Err(why) => Inbound::Refused { id, why },
    }
}

fn code(details: &Value) -> Result<ClientSignal, &'static str> {
    let code = Code::deserialize(details).map_err(|_| "the code message lacks a field")?;
    if code.content.len() > CODE_BYTES_MAX {
        return Err("the code is too long");
    }
    if code.question_id.len() > NAME_BYTES_MAX || code.language.len() > NAME_BYTES_MAX {
        return Err("a name is too long");
    }
    let Code { question_id, language, content, submitted } = code;
    Ok(ClientSignal::Code { question_id, language, content, submitted, message: None })
}

fn text_of(data: &Value, key: &str) -> Option<String> {
    let text = data.get(key)?.as_str()?.trim();
    (!text.is_empty() && text.len() <= TEXT_BYTES_MAX).then(|| text.to_owned())
}

/// What a client's message means for the session, and what the client is answered at once.
#[must_use]
pub fn take(text: &str) -> (Option<ClientSignal>, Option<String>) {
    match read(text) {
        Inbound::Ready { id } => (Some(ClientSignal::Ready), Some(bot_ready(id.as_deref()))),
        Inbound::Signal { signal, reply } => (Some(signal), reply.map(|reply| response(&reply))),
        Inbound::Refused { id, why } => (None, Some(refusal(id.as_deref(), why))),
        Inbound::Ignored => (None, None),
    }
}

/// The answer to `client-ready`.
#[must_use]
pub fn bot_ready(id: Option<&str>) -> String {
    let about = json!({"library": "vivavoce", "library_version": env!("CARGO_PKG_VERSION")});
    envelope("bot-ready", id, &json!({"version": RTVI_VERSION, "about": about}))
}

/// The answer to a client's message that was taken.
#[must_use]
pub fn response(reply: &Reply) -> String {
    envelope("server-response", Some(&reply.id), &json!({"t": reply.kind, "d": {}}))
}

/// The answer to a client's message that was not.
#[must_use]
pub fn refusal(id: Option<&str>, why: &str) -> String {
    match id {
        Some(id) => envelope("error-response", Some(id), &json!({"error": why})),
        // The two names are for the two readings of the protocol: its server's model and its client's type.
        None => envelope("error", None, &json!({"error": why, "message": why, "fatal": false})),
    }
}

/// A message for the candidate's screen, at the wall-clock time `now`.
#[must_use]
pub fn write(message: &ServerMessage, now: DateTime<Utc>) -> String {
    let (kind, data) = match message {
        ServerMessage::Stored { message } => {
            return response(&Reply { id: message.clone(), kind: "code".to_owned() });
        }
        ServerMessage::NotStored { message, why } => return refusal(Some(message), why),
        ServerMessage::CandidateSpeaking(true) => ("user-started-speaking", Value::Null),
        ServerMessage::CandidateSpeaking(false) => ("user-stopped-speaking", Value::Null),
        ServerMessage::CandidateCaption { text, is_final } => {
            let timestamp = now.to_rfc3339_opts(SecondsFormat::Millis, true);
            let data = json!({"text": text, "user_id": "candidate", "timestamp": timestamp, "final": is_final});
            ("user-transcription", data)
        }
        ServerMessage::InterviewerSpeaking(true) => ("bot-started-speaking", Value::Null),
        ServerMessage::InterviewerSpeaking(false) => ("bot-stopped-speaking", Value::Null),
        ServerMessage::InterviewerCaption { text, spoken } => {
            let status = if *spoken { "completed" } else { "in-progress" };
            ("bot-output", json!({"text": text, "aggregated_by": "sentence", "spoken_status": status}))
        }
        ServerMessage::InterviewerInterrupted => ("bot-interrupted", Value::Null),
        ServerMessage::Writing(Writing::Begins) => ("bot-llm-started", Value::Null),
        ServerMessage::Writing(Writing::More(text)) => ("bot-llm-text", json!({"text": text})),
        ServerMessage::Writing(Writing::Ends) => ("bot-llm-stopped", Value::Null),
        ServerMessage::Voicing(Some(text)) => ("bot-tts-text", json!({"text": text})),
        ServerMessage::Voicing(None) => ("bot-tts-stopped", Value::Null),
        ServerMessage::State(view) => ("server-message", of_kind("state", json!(view))),
        ServerMessage::Notice { level, text } => {
            ("server-message", of_kind("notice", json!({"level": level, "text": text})))
        }
        ServerMessage::Ended { reason } => ("server-message", of_kind("ended", json!({"reason": reason}))),
    };
    envelope(kind, None, &data)
}

fn of_kind(kind: &str, mut data: Value) -> Value {
    if let Some(fields) = data.as_object_mut() {
        fields.insert("kind".to_owned(), Value::String(kind.to_owned()));
    }
    data
}

fn envelope(kind: &str, id: Option<&str>, data: &Value) -> String {
    let mut envelope = json!({"label": "rtvi-ai", "type": kind});
    if let Some(fields) = envelope.as_object_mut() {
        if let Some(id) = id {
            fields.insert("id".to_owned(), Value::String(id.to_owned()));
        }
        if !data.is_null() {
            fields.insert("data".to_owned(), data.clone());
        }
    }
    envelope.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::{NoticeLevel, StateView};

    fn message(kind: &str, id: &str, data: Value) -> String {
        json!({"label": "rtvi-ai", "type": kind, "id": id, "data": data}).to_string()
    }

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).expect("we write JSON")
    }

    #[test]
    fn buttons_and_fields_come_through_with_their_reply() {
        let read = read(&message("client-message", "7", json!({"t": "moment"})));
        let reply = Reply { id: "7".to_owned(), kind: "moment".to_owned() };
        let answered = parsed(&response(&reply));
        assert_eq!(read, Inbound::Signal { signal: ClientSignal::Button(Button::Moment), reply: Some(reply) });
        assert_eq!(
            answered,
            json!({"label": "rtvi-ai", "type": "server-response", "id": "7", "data": {"t": "moment", "d": {}}})
        );
    }

    #[test]
    fn signals_are_read() {
        let signal = |t: &str, d: Value| match read(&message("client-message", "1", json!({"t": t, "d": d}))) {
            Inbound::Signal { signal, .. } => Some(signal),
            Inbound::Ready { .. } | Inbound::Refused { .. } | Inbound::Ignored => None,
        };
        assert_eq!(signal("typing", Value::Null), Some(ClientSignal::Typing));
        assert_eq!(signal("playout", json!({"buffered_ms": 61.7})), Some(ClientSignal::Playout { buffered_ms: 61 }));
        assert_eq!(
            signal("playout", json!({"buffered_ms": 1e30})),
            Some(ClientSignal::Playout { buffered_ms: 10_000 })
        );
        assert_eq!(signal("playout", json!({"buffered_ms": -1})), None);
        assert_eq!(signal("focus", json!({"visible": false})), Some(ClientSignal::Focus { visible: false }));
        let code = json!({"question_id": "q", "language": "rust", "content": "fn main() {}", "final": true});
        assert!(matches!(signal("code", code), Some(ClientSignal::Code { submitted: true, .. })));
        assert_eq!(signal("nonsense", Value::Null), None);
        assert_eq!(
            read(&message("send-text", "1", json!({"content": " yes "}))),
            Inbound::Signal { signal: ClientSignal::Text("yes".to_owned()), reply: None }
        );
    }

    #[test]
    fn what_is_too_long_is_refused() {
        let text = "x".repeat(TEXT_BYTES_MAX + 1);
        assert!(matches!(read(&message("send-text", "1", json!({"content": text}))), Inbound::Refused { .. }));
        let code = json!({"question_id": "q", "language": "c", "content": "x".repeat(CODE_BYTES_MAX + 1)});
        let read_code = read(&message("client-message", "1", json!({"t": "code", "d": code})));
        assert_eq!(read_code, Inbound::Refused { id: Some("1".to_owned()), why: "the code is too long" });
        let long_id = "i".repeat(NAME_BYTES_MAX + 1);
        assert_eq!(read(&message("client-ready", &long_id, Value::Null)), Inbound::Ready { id: None });
    }

    #[test]
    fn garbage_is_refused_and_foreign_types_are_ignored() {
        for garbage in ["", "null", "[]", "{}", "{\"label\":\"other\",\"type\":\"client-ready\"}", "\u{0}"] {
            assert!(matches!(read(garbage), Inbound::Refused { .. }), "{garbage:?}");
        }
        assert!(matches!(read(&"[".repeat(100_000)), Inbound::Refused { .. }));
        assert_eq!(read(&message("dtmf", "1", json!({"buttons": []}))), Inbound::Ignored);
        assert_eq!(read("ping: 1700000000000"), Inbound::Ignored);
        let muted = json!({"type": "signalling", "message": {"type": "trackStatus", "receiver_index": 0}});
        assert_eq!(read(&muted.to_string()), Inbound::Ignored);
    }

    #[test]
    fn messages_to_the_screen_have_the_protocols_shape() {
        let now = DateTime::from_timestamp_millis(1_700_000_000_123).expect("in range");
        let caption = ServerMessage::CandidateCaption { text: "yes".to_owned(), is_final: true };
        let timestamp = "2023-11-14T22:13:20.123Z";
        assert_eq!(
            parsed(&write(&caption, now)),
            json!({"label": "rtvi-ai", "type": "user-transcription",
                "data": {"text": "yes", "user_id": "candidate", "timestamp": timestamp, "final": true}})
        );
        let notice = ServerMessage::Notice { level: NoticeLevel::Warning, text: "hm".to_owned() };
        assert_eq!(parsed(&write(&notice, now))["data"], json!({"kind": "notice", "level": "warning", "text": "hm"}));
        let view =
            StateView { phase: "listening".to_owned(), question: None, elapsed_ms: 1, remaining_ms: 2, paused: false };
        let state = parsed(&write(&ServerMessage::State(Box::new(view)), now));
        assert_eq!((&state["data"]["kind"], &state["data"]["phase"]), (&json!("state"), &json!("listening")));
        assert_eq!(
            parsed(&write(&ServerMessage::InterviewerInterrupted, now)),
            json!({"label": "rtvi-ai", "type": "bot-interrupted"})
        );
    }
}
