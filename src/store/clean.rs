//! What Postgres cannot hold: the character U+0000, in text and in JSON. A candidate may type or paste it; it must never
//! cost an interview an event, so it is replaced here, at the border.

use serde_json::Value;

/// The text, with U+FFFD for each U+0000.
pub(super) fn clean_text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// The value, with every text in it cleaned.
pub(super) fn clean_json(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        Value::String(text) => Value::String(clean_text(text)),
        Value::Array(items) => Value::Array(items.iter().map(clean_json).collect()),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (clean_text(name), clean_json(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nul_is_replaced_at_any_depth_and_the_rest_is_left() {
        let dirty = json!({"a\0": ["b\0", {"c": "d"}], "n": 1});
        assert_eq!(clean_json(&dirty), json!({"a\u{fffd}": ["b\u{fffd}", {"c": "d"}], "n": 1}));
    }
}
