//! Thresholds addressed by name, as the settings' file writes them: `turn.patience.unknown_ms=1800`. Must never know
//! what a threshold means.

use super::{Profile, Settings};
use serde_json::Value;

/// Why a threshold could not be changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NameError {
    #[error("{0:?} is not NAME=VALUE, such as turn.patience.unknown_ms=1800")]
    Form(String),
    #[error("{name:?} is no threshold; at {at} there are: {known}")]
    Unknown { name: String, at: String, known: String },
    #[error("{value:?} does not fit {name}: {why}")]
    Value { name: String, value: String, why: String },
}

impl Settings {
    /// The same with one threshold changed: `NAME=VALUE`, with or without the leading `turn.`.
    pub fn with_named(&self, one: &str) -> Result<Self, NameError> {
        let (name, text) = one.split_once('=').ok_or_else(|| NameError::Form(one.to_owned()))?;
        let (name, text) = (name.trim(), text.trim());
        let misfit = |why: String| NameError::Value { name: name.to_owned(), value: text.to_owned(), why };
        let value: Value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
        let mut all = serde_json::to_value(self).map_err(|error| misfit(error.to_string()))?;
        let mut place = &mut all;
        let mut at = "turn".to_owned();
        for part in name.strip_prefix("turn.").unwrap_or(name).split('.') {
            let known = place.as_object().map(|table| table.keys().cloned().collect::<Vec<_>>().join(", "));
            let unknown = NameError::Unknown {
                name: name.to_owned(),
                at: at.clone(),
                known: known.unwrap_or_else(|| "none".into()),
            };
            place = place.get_mut(part).ok_or(unknown)?;
            at = format!("{at}.{part}");
        }
        if place.is_object() {
            return Err(misfit("it is a group of thresholds".into()));
        }
        *place = value;
        serde_json::from_value(all).map_err(|error| misfit(error.to_string()))
    }
}

impl Profile {
    /// The profile of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Quick, Self::Interview, Self::Patient].into_iter().find(|profile| profile.as_str() == name)
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Interview => "interview",
            Self::Patient => "patient",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_threshold_is_changed_by_its_name() {
        let changed = Settings::default().with_named("turn.patience.unknown_ms = 1234").expect("it is there");
        let mut expected = Settings::default();
        expected.patience.unknown_ms = 1_234;
        assert_eq!(changed, expected);
        let changed = Settings::default().with_named("recovery_ms=9").expect("it is there");
        assert_eq!(changed.recovery_ms, 9);
        let changed = Settings::default().with_named("turn.profile=patient").expect("it is there");
        assert_eq!(changed.profile, Profile::Patient);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |one: &str| Settings::default().with_named(one).expect_err(one).to_string();
        assert!(error("turn.patience.unknown=1").contains("unknown_ms"));
        assert!(error("turn.patience=1").contains("group"));
        assert!(error("turn.profile=brisk").contains("brisk"));
        assert!(error("turn.recovery_ms.x=1").contains("none"));
        assert!(error("turn.recovery_ms=soon").contains("soon"));
        assert!(error("turn.recovery_ms=-1").contains("recovery_ms"));
        assert!(error("turn.recovery_ms").contains("NAME=VALUE"));
    }

    #[test]
    fn profiles_have_names() {
        for profile in [Profile::Quick, Profile::Interview, Profile::Patient] {
            assert_eq!(Profile::named(profile.as_str()), Some(profile));
            assert_eq!(serde_json::to_value(profile).expect("a name"), profile.as_str());
        }
        assert_eq!(Profile::named("brisk"), None);
    }
}
