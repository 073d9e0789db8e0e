//! Thresholds as a log has them, whatever version wrote it. Must never fail for one that is not known any more.

use crate::turn::Settings;
use serde_json::Value;

/// Thresholds that another version may have logged: what is not known any more is left out, what is new has its default.
pub(super) fn read(logged: &Value) -> Settings {
    let mut settings = serde_json::to_value(Settings::default()).unwrap_or_default();
    overlay(&mut settings, logged);
    serde_json::from_value(settings).unwrap_or_default()
}

fn overlay(known: &mut Value, logged: &Value) {
    match (known, logged) {
        (Value::Object(known), Value::Object(logged)) => {
            for (name, value) in known {
                if let Some(logged) = logged.get(name) {
                    overlay(value, logged);
                }
            }
        }
        (known, logged) => {
            if std::mem::discriminant(known) == std::mem::discriminant(logged) {
                *known = logged.clone();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_of_another_version_is_read_as_far_as_it_is_known() {
        let logged = serde_json::json!({"recovery_ms": 900, "gone": 1, "patience": {"factual_ms": 700, "gone": {}}});
        let settings = read(&logged);
        assert_eq!((settings.recovery_ms, settings.patience.factual_ms), (900, 700));
        assert_eq!(settings.silence, Settings::default().silence);
        assert_eq!(read(&Value::Null), Settings::default());
    }
}
