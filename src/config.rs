//! What the operator may decide, read once at start and checked: `config/default.toml` (built in, states every key)
//! <- the operator's file <- `DATABASE_URL` and `VIVAVOCE_SECTION__KEY`. Must never hold a default of its own, nor read
//! the environment after start.

mod layers;
mod open_offer;
mod people;
mod providers;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use layers::{Override, complete, merge, overrides, parse};
pub use open_offer::{Conversation, OpenOffer};
pub use people::{Accounts, Privacy, Profile, Webhooks};
pub use providers::{Compatible, LlmLimits, Providers, Structure};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use toml::Table;

/// The defaults, each with unit and reason.
pub const DEFAULTS: &str = include_str!("../config/default.toml");

/// Every setting.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub server: Server,
    pub data: Data,
    pub room: Room,
    pub interview: Interview,
    pub hearing: crate::session::utterances::Settings,
    /// The turn core's thresholds.
    pub turn: crate::turn::settings::Settings,
    pub providers: Providers,
    pub recording: Recording,
    pub limits: Limits,
    pub jobs: Jobs,
    pub accounts: Accounts,
    pub profile: Profile,
    pub privacy: Privacy,
    pub webhooks: Webhooks,
    pub telemetry: Telemetry,
}

/// `[server]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub listen: SocketAddr,
    pub public_url: String,
    pub local_practice: bool,
    pub request_timeout_s: u32,
    pub connections_max: usize,
    pub body_bytes_max: usize,
    pub shutdown_timeout_s: u32,
    pub tokens: Tokens,
}

/// `[server.tokens]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    pub join_hours: u32,
    pub access_minutes: u32,
}

/// `[data]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    pub database_url: Secret,
    pub connections_max: u32,
}

/// `[room]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Room {
    pub webrtc: Webrtc,
    pub daily: Daily,
    pub open_offer: OpenOffer,
}

/// `[room.webrtc]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webrtc {
    pub addresses: Vec<IpAddr>,
    pub port_min: u16,
    pub port_max: u16,
    pub nat_1to1_ips: Vec<IpAddr>,
    pub reconnect_s: u32,
    pub connect_s: u32,
    pub opus_complexity: i32,
}

/// `[room.daily]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Daily {
    pub api_key: Secret,
    pub api_url: String,
    pub timeout_s: u32,
    pub sign_tokens: bool,
    pub proxy_url: String,
    pub name: String,
    pub participants_max: u32,
    pub observers: Observers,
    pub recording: String,
    pub geo: String,
    pub wait_s: u32,
    pub reconnect_s: u32,
    pub presence_every_s: u32,
    pub webhook_hmac: Secret,
}

/// What becomes of the speech of people who only listen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Observers {
    Ignore,
    Transcribe,
}

/// `[interview]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interview {
    pub questions_default: u32,
    pub questions_max: u32,
    pub minutes_default: u32,
    pub minutes_max: u32,
    pub written_away_hours: u32,
    pub conduct: crate::interview::Settings,
    pub disclosure: Disclosure,
}

/// `[interview.disclosure]`: what a candidate accepts before anything is recorded.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disclosure {
    pub version: String,
    /// By language; English stands in for a language that has none.
    pub text: BTreeMap<String, String>,
    /// What is shown where nobody speaks.
    pub written: WrittenDisclosure,
}

/// `[interview.disclosure.written]`: the same for written interviews.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenDisclosure {
    pub version: String,
    pub text: BTreeMap<String, String>,
}

impl Disclosure {
    /// The version and the text for an interview in `language`, which is English where there is none.
    #[must_use]
    pub fn shown(&self, language: &str, is_written: bool) -> (&str, &str) {
        let (version, texts) =
            if is_written { (&self.written.version, &self.written.text) } else { (&self.version, &self.text) };
        let text = texts.get(language).or_else(|| texts.get("en"));
        (version, text.map_or("", String::as_str))
    }
}

/// `[recording]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    pub enabled: bool,
}

/// `[limits]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub sessions_max: usize,
    pub late_ms_max: u32,
    pub retry_after_s: u32,
    pub event_streams_max: usize,
    pub event_stream_s: u32,
}

/// `[jobs]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jobs {
    pub enabled: bool,
}

/// Shortest token for the numbers, bytes: it lives long, and nobody counts attempts at it.
const METRICS_TOKEN_BYTES_MIN: usize = 16;

/// `[telemetry]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    pub log: String,
    pub format: LogFormat,
    pub metrics_token: Secret,
}

/// How log lines look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// Text that is never shown in a log or an error.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_empty() { "(empty)" } else { "(secret)" })
    }
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the settings file {path} cannot be read ({source}); name another by --config")]
    File { path: PathBuf, source: std::io::Error },
    #[error("{source_name} is not TOML: {said}")]
    Syntax { source_name: String, said: String },
    #[error("{source_name} sets {key}, which is no setting; there are: {known}")]
    Unknown { source_name: String, key: String, known: String },
    #[error("{source_name} sets {key} to a {given}, but it takes a {wanted}")]
    Type { source_name: String, key: String, given: &'static str, wanted: &'static str },
    #[error("the settings are not right: {0}")]
    Invalid(String),
}

impl Settings {
    /// Reads all layers. A `file` that was named must be there; without one, `usual` is read if it exists.
    pub fn load(file: Option<&Path>, usual: &Path) -> Result<Self, ConfigError> {
        Self::load_with(
            file,
            usual,
            &overrides(
                std::env::vars_os()
                    .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
            ),
        )
    }

    fn load_with(file: Option<&Path>, usual: &Path, environment: &[Override]) -> Result<Self, ConfigError> {
        let mut layers = defaults();
        if let Some(path) = file.or_else(|| usual.is_file().then_some(usual)) {
            let text =
                std::fs::read_to_string(path).map_err(|source| ConfigError::File { path: path.to_owned(), source })?;
            let source = path.display().to_string();
            merge(&mut layers, parse(&text, &source)?, "", &source)?;
        }
        for one in environment {
            let table = one.table(&layers);
            merge(&mut layers, table, "", &one.variable)?;
        }
        Self::checked(layers)
    }

    /// The built-in defaults alone, then `text` over them; for tests and tools.
    pub fn defaults_with(text: &str) -> Result<Self, ConfigError> {
        let mut layers = defaults();
        merge(&mut layers, parse(text, "text")?, "", "text")?;
        Self::checked(layers)
    }

    fn checked(layers: Table) -> Result<Self, ConfigError> {
        let settings: Self = complete(layers)
            .try_into()
            .map_err(|error| ConfigError::Invalid(error.to_string().trim().replace('\n', " ")))?;
        settings.check()?;
        Ok(settings)
    }

    /// What types alone cannot say.
    fn check(&self) -> Result<(), ConfigError> {
        let webrtc = &self.room.webrtc;
        let interview = &self.interview;
        let url = &self.server.public_url;
        let wrong = [
            (
                !url.is_empty() && !url.starts_with("http://") && !url.starts_with("https://"),
                "server.public_url must begin with http:// or https://, or be empty",
            ),
            (
                webrtc.port_min > webrtc.port_max || (webrtc.port_min == 0) != (webrtc.port_max == 0),
                "room.webrtc.port_min and port_max must both be 0, or a range of ports from low to high",
            ),
            (!(0..=10).contains(&webrtc.opus_complexity), "room.webrtc.opus_complexity must lie between 0 and 10"),
            (webrtc.addresses.is_empty(), "room.webrtc.addresses must name at least one address"),
            (
                interview.questions_default == 0 || interview.questions_default > interview.questions_max,
                "interview.questions_default must lie between 1 and questions_max",
            ),
            (
                interview.minutes_default == 0 || interview.minutes_default > interview.minutes_max,
                "interview.minutes_default must lie between 1 and minutes_max",
            ),
            (
                interview.conduct.probes_max > crate::interview::settings::PROBES_MAX,
                "interview.conduct.probes_max must be at most 2",
            ),
            (!interview.disclosure.text.contains_key("en"), "interview.disclosure.text must have an entry `en`"),
            (
                !interview.disclosure.written.text.contains_key("en"),
                "interview.disclosure.written.text must have an entry `en`",
            ),
            (self.server.connections_max == 0, "server.connections_max must be at least 1"),
            (self.limits.sessions_max == 0, "limits.sessions_max must be at least 1"),
            (self.data.connections_max < 2, "data.connections_max must be at least 2"),
            (
                self.server.tokens.join_hours == 0 || self.server.tokens.access_minutes == 0,
                "server.tokens must live for some time",
            ),
            (
                BASE64_STANDARD.decode(&self.room.daily.webhook_hmac.0).is_err(),
                "room.daily.webhook_hmac must be base64, as Daily gave it",
            ),
            (self.server.request_timeout_s == 0, "server.request_timeout_s must be at least 1"),
            (
                (1..METRICS_TOKEN_BYTES_MIN).contains(&self.telemetry.metrics_token.0.len()),
                "telemetry.metrics_token must be empty, or have at least 16 letters and digits by chance",
            ),
        ];
        let wrong = wrong
            .into_iter()
            .chain(people::wrong(self))
            .chain(self.room.open_offer.wrong())
            .find(|(is_wrong, _)| *is_wrong)
            .map(|(_, said)| said);
        match wrong.or_else(|| self.providers.wrong()) {
            Some(said) => Err(ConfigError::Invalid(said.to_owned())),
            None => Ok(()),
        }
    }
}

fn defaults() -> Table {
    complete(DEFAULTS.parse().expect("the built-in defaults are TOML, as a test holds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_file_states_every_key() {
        let settings = Settings::defaults_with("").expect("defaults are whole");
        assert_eq!(settings.server.listen, "127.0.0.1:8080".parse::<SocketAddr>().expect("address"));
        assert!(settings.interview.disclosure.shown("xx", false).1.contains("AI"));
        let (spoken, written) =
            (settings.interview.disclosure.shown("uk", false), settings.interview.disclosure.shown("uk", true));
        assert!(spoken.1.contains("голос") && !written.1.contains("голос"));
        assert_ne!(spoken.0, written.0);
        // The cores' own defaults are what their scenarios were written against.
        let (conduct, hearing) = Default::default();
        assert_eq!((&settings.interview.conduct, &settings.hearing), (&conduct, &hearing));
        let turn = crate::turn::Settings::default();
        assert_eq!(settings.turn, turn);
        let stated: Table = defaults();
        let known = |settings| keys(&toml::Value::Table(settings));
        let known = [Table::try_from(turn), Table::try_from(conduct), Table::try_from(hearing)]
            .map(|settings| known(settings.expect("serialises")));
        let stated = [&stated["turn"], &stated["interview"]["conduct"], &stated["hearing"]].map(keys);
        assert_eq!(stated, known, "every threshold stands in the file");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let said = |text: &str| Settings::defaults_with(text).expect_err("wrong").to_string();
        for (text, words) in [
            ("[server]\nlisen = \"127.0.0.1:1\"", ["server.lisen", "listen"]),
            ("[limits]\nsessions_max = \"many\"", ["limits.sessions_max", "integer"]),
            ("[limits]\nsessions_max = -1", ["sessions_max", "-1"]),
            ("[server]\nlisten = \"here\"", ["listen", "address"]),
            ("[room.webrtc]\nport_min = 5", ["port_min", "port_max"]),
            ("[telemetry]\nformat = \"xml\"", ["xml", "json"]),
            ("[telemetry]\nmetrics_token = \"short\"", ["metrics_token", "16"]),
            ("listen", ["TOML", "="]),
        ] {
            let error = said(text);
            assert!(words.iter().all(|word| error.contains(word)), "{text}: {error}");
        }
    }

    #[test]
    fn a_list_takes_one_name_and_a_new_provider_has_no_key_of_another() {
        let text = "[providers]\nllm = \"none\"\nstt = [\"deepgram\", \"local\"]\n\
                    [providers.compatible.mine]\nbase_url = \"http://10.0.0.2:8000/v1\"\nchat_model = \"qwen3\"";
        let providers = Settings::defaults_with(text).expect("settings").providers;
        assert_eq!((providers.llm, providers.stt.len()), (vec!["none".to_owned()], 2));
        let (mine, openai) = (&providers.compatible["mine"], &providers.compatible["openai"]);
        assert_eq!((mine.chat_model.as_str(), mine.key_env.as_str()), ("qwen3", ""));
        assert_eq!((&mine.tokens_field, mine.structure), (&"max_tokens".to_owned(), Structure::Schema));
        assert_eq!(openai.key_env, "OPENAI_API_KEY");
        let said = |text: &str| Settings::defaults_with(text).expect_err("wrong").to_string();
        assert!(said("[providers.compatible.mine]\nchat_model = \"x\"").contains("base_url"));
        assert!(said("[providers.budget]\nday_usd = -1").contains("budget"));
        assert!(said("[providers]\ntts = []").contains("providers.tts"));
        assert!(said("[room.daily]\nwebhook_hmac = \"not base64\"").contains("room.daily.webhook_hmac"));
    }

    #[test]
    fn a_bench_configuration_is_one() {
        let bench = Settings::defaults_with(include_str!("../config/bench.toml")).expect("settings").providers;
        assert_eq!((bench.stt[0].as_str(), bench.deepgram.base_url.as_str()), ("deepgram", "http://127.0.0.1:9100"));
    }

    #[test]
    fn a_key_missing_from_the_built_in_file_is_named() {
        let mut cut = defaults();
        cut["limits"].as_table_mut().expect("section").remove("sessions_max");
        let error = Settings::checked(cut).expect_err("missing").to_string();
        assert!(error.contains("sessions_max"), "{error}");
    }

    #[test]
    fn the_environment_goes_over_the_file_and_the_file_over_the_defaults() {
        let folder = tempfile::tempdir().expect("folder");
        let text = "[limits]\nsessions_max = 5\nretry_after_s = 7\n[interview.disclosure.text]\nuk = \"ШІ\"";
        let file = folder.path().join("vivavoce.toml");
        std::fs::write(&file, text).expect("file");
        let environment = environment(&[
            ("VIVAVOCE_LIMITS__SESSIONS_MAX", "9"),
            ("VIVAVOCE_ROOM__WEBRTC__NAT_1TO1_IPS", "[\"10.0.0.1\"]"),
            ("VIVAVOCE_INTERVIEW__DISCLOSURE__VERSION", "2027"),
            ("VIVAVOCE_PROVIDERS__LLM_THREADS", "2"),
            ("VIVAVOCE_HOME", "/nowhere"),
            ("DATABASE_URL", "postgres://somebody:word@somewhere/base"),
        ]);
        let settings = Settings::load_with(None, &file, &environment).expect("layers");
        assert_eq!((settings.limits.sessions_max, settings.limits.retry_after_s), (9, 7));
        assert_eq!(settings.room.webrtc.nat_1to1_ips.len(), 1);
        assert_eq!((settings.interview.disclosure.version.as_str(), settings.providers.llm_threads), ("2027", 2));
        assert_eq!(settings.interview.disclosure.shown("uk", false).1, "ШІ");
        assert!(settings.data.database_url.0.ends_with("/base"));
        assert!(!format!("{settings:?}").contains("word@"), "the password is not shown");
    }

    #[test]
    fn a_named_file_must_be_there_and_a_misspelt_variable_is_told() {
        let error = Settings::load_with(Some(Path::new("/nowhere/x.toml")), Path::new("/nowhere"), &[]);
        assert!(matches!(error, Err(ConfigError::File { .. })));
        let misspelt = environment(&[("VIVAVOCE_LIMITS__SESSIONSMAX", "3")]);
        let error = Settings::load_with(None, Path::new("/nowhere"), &misspelt).expect_err("unknown").to_string();
        assert!(error.contains("VIVAVOCE_LIMITS__SESSIONSMAX") && error.contains("sessions_max"), "{error}");
    }

    fn keys(value: &toml::Value) -> Vec<String> {
        let below = value.as_table().into_iter().flatten();
        let mut keys: Vec<String> = below
            .flat_map(|(key, value)| match value.is_table() {
                true => keys(value).into_iter().map(|inner| format!("{key}.{inner}")).collect(),
                false => vec![key.clone()],
            })
            .collect();
        keys.sort();
        keys
    }

    fn environment(variables: &[(&str, &str)]) -> Vec<Override> {
        overrides(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }
}
