//! How one layer of settings goes over another: by key, with the type that the built-in defaults have there, and with
//! an error that names key, source and remedy. Must never know what a setting means.

use super::ConfigError;
use toml::{Table, Value};

/// Tables whose keys the operator chooses.
const OPEN_TABLES: [&str; 3] =
    ["interview.disclosure.text", "interview.disclosure.written.text", "providers.compatible"];

/// Gives each compatible provider what it does not state: plain manners of the protocol, and no key.
pub(super) fn complete(mut settings: Table) -> Table {
    let plain: Table = [
        ("chat_model", ""),
        ("scoring_model", ""),
        ("generation_model", ""),
        ("tokens_field", "max_tokens"),
        ("structure", "schema"),
        ("chat_extra", "{}"),
        ("transcription_model", ""),
        ("realtime_model", ""),
        ("speech_model", ""),
        ("speech_voice", ""),
        ("speech_instructions", ""),
        ("key_env", ""),
        ("key_file", ""),
    ]
    .map(|(key, text)| (key.to_owned(), Value::String(text.to_owned())))
    .into_iter()
    .chain([("sends_temperature".to_owned(), Value::Boolean(true))])
    .chain(
        [
            "usd_per_million_tokens_in",
            "usd_per_million_tokens_out",
            "stt_usd_per_minute",
            "tts_usd_per_million_characters",
        ]
        .map(|key| (key.to_owned(), Value::Float(0.0))),
    )
    .collect();
    let providers = settings.get_mut("providers").and_then(Value::as_table_mut);
    let compatible = providers.and_then(|providers| providers.get_mut("compatible")).and_then(Value::as_table_mut);
    for (_, provider) in compatible.into_iter().flatten() {
        let Some(provider) = provider.as_table_mut() else { continue };
        for (key, value) in &plain {
            provider.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    settings
}

pub(super) fn parse(text: &str, source_name: &str) -> Result<Table, ConfigError> {
    text.parse().map_err(|error: toml::de::Error| ConfigError::Syntax {
        source_name: source_name.to_owned(),
        said: error.to_string().trim().to_owned(),
    })
}

/// Puts `over` over `base`, which states every key and its type.
pub(super) fn merge(base: &mut Table, over: Table, path: &str, source_name: &str) -> Result<(), ConfigError> {
    for (key, value) in over {
        let full = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let wrong_type = |given: &Value, wanted: &Value| ConfigError::Type {
            source_name: source_name.to_owned(),
            key: full.clone(),
            given: given.type_str(),
            wanted: wanted.type_str(),
        };
        match (base.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(over)) => merge(below, over, &full, source_name)?,
            (Some(slot @ Value::Float(_)), Value::Integer(whole)) => {
                *slot = Value::Float(f64::from(
                    i32::try_from(whole).map_err(|_| wrong_type(&Value::Integer(whole), slot))?,
                ));
            }
            // One name is a list of one.
            (Some(slot @ Value::Array(_)), Value::String(one)) => *slot = Value::Array(vec![Value::String(one)]),
            (Some(slot), value) if slot.same_type(&value) => *slot = value,
            (Some(slot), value) => return Err(wrong_type(&value, slot)),
            (None, value) if OPEN_TABLES.contains(&path) => drop(base.insert(key, value)),
            (None, _) => {
                let known: Vec<&str> = base.keys().map(String::as_str).collect();
                let source_name = source_name.to_owned();
                return Err(ConfigError::Unknown { source_name, key: full, known: known.join(", ") });
            }
        }
    }
    Ok(())
}

/// A setting from the environment.
pub(super) struct Override {
    pub(super) variable: String,
    path: Vec<String>,
    text: String,
}

impl Override {
    /// The setting as a table of one key, its text read as the type that `layers` has there.
    pub(super) fn table(&self, layers: &Table) -> Table {
        let slot = self
            .path
            .split_first()
            .and_then(|(first, rest)| rest.iter().try_fold(layers.get(first)?, |value, key| value.get(key)));
        let value = match slot {
            None | Some(Value::String(_)) => Value::String(self.text.clone()),
            Some(_) => format!("value = {}", self.text)
                .parse::<Table>()
                .ok()
                .and_then(|mut table| table.remove("value"))
                .unwrap_or_else(|| Value::String(self.text.clone())),
        };
        let nested =
            self.path.iter().rev().fold(value, |inner, key| Value::Table(Table::from_iter([(key.clone(), inner)])));
        match nested {
            Value::Table(table) => table,
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Array(_) => Table::new(),
        }
    }
}

/// The settings among the environment variables: `DATABASE_URL`, as every Postgres program reads it, and
/// `VIVAVOCE_SECTION__KEY` over it. Names without a double underscore (`VIVAVOCE_HOME`) are directories, not settings.
pub(super) fn overrides(variables: impl Iterator<Item = (String, String)>) -> Vec<Override> {
    let mut found = Vec::new();
    for (variable, text) in variables {
        if variable == "DATABASE_URL" {
            // First, so that the same setting by our own name goes over it.
            found.insert(0, Override { variable, path: vec!["data".to_owned(), "database_url".to_owned()], text });
        } else if let Some(name) = variable.strip_prefix("VIVAVOCE_").filter(|name| name.contains("__")) {
            let path = name.to_lowercase().split("__").map(str::to_owned).collect();
            found.push(Override { variable, path, text });
        }
    }
    found
}
