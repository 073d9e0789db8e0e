//! What a provider's failure means for whoever asked: try again, ask another, or give up. Pure.

use std::sync::Arc;
use std::time::Duration;

/// Longest code of an error that is repeated, characters; real ones have under forty.
const CODE_CHARS_MAX: usize = 64;

/// What kind of failure it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It may pass: no connection, too late, closed in the middle, 5xx.
    Passing,
    /// Too many requests; another may be sent after the wait, where the provider says one.
    Limited { wait: Option<Duration> },
    /// This provider cannot do it, however often it is asked: key refused, no credit, no such model.
    Unfit,
    /// What was asked is at fault: no other provider would take it either.
    Request,
    /// The money set aside is spent.
    Budget,
}

/// A provider failed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{provider}: {said}")]
pub struct CloudError {
    pub provider: Arc<str>,
    pub fault: Fault,
    pub said: String,
}

impl CloudError {
    pub fn new(provider: &Arc<str>, fault: Fault, said: impl Into<String>) -> Self {
        Self { provider: Arc::clone(provider), fault, said: said.into() }
    }

    /// A refusal by status. `code` is the provider's own word for it, already cleaned by [`code_of`].
    #[must_use]
    pub fn refused(provider: &Arc<str>, status: u16, code: Option<&str>, wait: Option<Duration>) -> Self {
        let has_no_credit = code.is_some_and(|code| code.contains("quota") || code.contains("billing"));
        let fault = match status {
            429 if !has_no_credit => Fault::Limited { wait },
            408 | 409 | 425 | 500..=599 => Fault::Passing,
            400 | 413 | 422 if !code.is_some_and(|code| code.contains("model")) => Fault::Request,
            _ => Fault::Unfit,
        };
        let said = match code {
            Some(code) => format!("it answered {status} ({code})"),
            None => format!("it answered {status}"),
        };
        Self::new(provider, fault, said)
    }

    /// A failure of the transport itself.
    #[must_use]
    pub fn transport(provider: &Arc<str>, error: &reqwest::Error) -> Self {
        let said = if error.is_connect() {
            "it cannot be reached"
        } else if error.is_timeout() {
            "it took too long"
        } else {
            "the connection broke"
        };
        Self::new(provider, Fault::Passing, said)
    }
}

/// The code of an error in a provider's answer: a name such as `insufficient_quota`, never its message, which may repeat
/// what was asked, or a part of the key.
#[must_use]
pub fn code_of(body: &serde_json::Value) -> Option<String> {
    let places = [&body["error"]["code"], &body["error"]["type"], &body["error"]["status"], &body["err_code"]];
    let named = places.into_iter().chain([&body["detail"]["status"], &body["code"], &body["type"]]);
    named
        .filter_map(serde_json::Value::as_str)
        .find(|code| {
            !code.is_empty()
                && code.len() <= CODE_CHARS_MAX
                && code.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
        })
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_status_says_what_to_do_next() {
        let provider: Arc<str> = "p".into();
        let fault = |status, code| CloudError::refused(&provider, status, code, None).fault;
        for (status, code, wanted) in [
            (429, None, Fault::Limited { wait: None }),
            (429, Some("insufficient_quota"), Fault::Unfit),
            (500, None, Fault::Passing),
            (503, Some("overloaded"), Fault::Passing),
            (401, Some("invalid_api_key"), Fault::Unfit),
            (402, None, Fault::Unfit),
            (404, Some("model_not_found"), Fault::Unfit),
            (400, Some("context_length_exceeded"), Fault::Request),
            (400, Some("model_decommissioned"), Fault::Unfit),
            (413, None, Fault::Request),
        ] {
            assert_eq!(fault(status, code), wanted, "{status} {code:?}");
        }
    }

    #[test]
    fn a_code_is_a_name_and_never_a_sentence() {
        let openai = json!({"error": {"message": "Incorrect key sk-12", "type": "invalid_request_error", "code": "invalid_api_key"}});
        assert_eq!(code_of(&openai).as_deref(), Some("invalid_api_key"));
        assert_eq!(code_of(&json!({"err_code": "INVALID_AUTH", "err_msg": "x"})).as_deref(), Some("INVALID_AUTH"));
        let loose = json!({"error": {"code": "what she said was", "type": 5}});
        assert_eq!(code_of(&loose), None);
        assert_eq!(code_of(&json!("text")), None);
    }
}
