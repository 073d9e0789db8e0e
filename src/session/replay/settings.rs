//! Thresholds by name: as a log has them, and changed one by one. Must never take a name that is none.

use crate::turn::Settings;
use serde_json::Value;

/// Why a change is none.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    #[error("{given} is no change of a setting; write turn.SECTION.NAME=VALUE")]
    Malformed { given: String },
    #[error("{name} is no setting; there are: {known}")]
    Unknown { name: String, known: String },
    #[error("{name} does not take {value}: {why}")]
    Value { name: String, value: String, why: String },
}

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

/// `settings` with changes such as `turn.patience.factual_ms=900`.
///
/// # Errors
/// Names what is no setting, or no value of it.
pub fn changed(settings: &Settings, changes: &[String]) -> Result<Settings, SettingError> {
    let mut all = serde_json::to_value(settings).unwrap_or_default();
    for change in changes {
        let malformed = || SettingError::Malformed { given: change.clone() };
        let (name, value) = change.split_once('=').ok_or_else(malformed)?;
        let place = name.trim().strip_prefix("turn.").ok_or_else(malformed)?;
        let (slot, known) = find(&mut all, place);
        let unknown = || SettingError::Unknown { name: name.to_owned(), known };
        let slot = slot.filter(|slot| !slot.is_object()).ok_or_else(unknown)?;
        let wrong = |why: serde_json::Error| SettingError::Value {
            name: name.to_owned(),
            value: value.to_owned(),
            why: why.to_string(),
        };
        *slot = serde_json::from_str(value.trim()).map_err(wrong)?;
        serde_json::from_value::<Settings>(all.clone()).map_err(wrong)?;
    }
    Ok(serde_json::from_value(all).unwrap_or_else(|_| settings.clone()))
}

/// The value at `place`, and what there is beside it.
fn find<'a>(all: &'a mut Value, place: &str) -> (Option<&'a mut Value>, String) {
    let mut slot = Some(all);
    let mut known = String::new();
    for step in place.split('.') {
        let Some(Value::Object(section)) = slot else { return (None, known) };
        known = section.keys().cloned().collect::<Vec<_>>().join(", ");
        slot = section.get_mut(step);
    }
    (slot, known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_changed_by_name() {
        let changes = ["turn.patience.factual_ms=900".to_owned(), "turn.evidence.confident = 0.5".to_owned()];
        let settings = changed(&Settings::default(), &changes).expect("both are there");
        assert_eq!((settings.patience.factual_ms, settings.evidence.confident), (900, 0.5));
        for (change, said) in [
            ("factual_ms=1", "turn.SECTION.NAME=VALUE"),
            ("turn.patience.factual=1", "factual_ms"),
            ("turn.patience=1", "is no setting"),
            ("turn.patience.factual_ms=soon", "does not take soon"),
            ("turn.patience.factual_ms=-1", "does not take -1"),
        ] {
            let error = changed(&Settings::default(), &[change.to_owned()]).expect_err("wrong").to_string();
            assert!(error.contains(said), "{change}: {error}");
        }
    }

    #[test]
    fn a_log_of_another_version_is_read_as_far_as_it_is_known() {
        let logged = serde_json::json!({"recovery_ms": 900, "gone": 1, "patience": {"factual_ms": 700, "gone": {}}});
        let settings = read(&logged);
        assert_eq!((settings.recovery_ms, settings.patience.factual_ms), (900, 700));
        assert_eq!(settings.silence, Settings::default().silence);
        assert_eq!(read(&Value::Null), Settings::default());
    }
}
