//! A provider's address and key, and the connections to it. Must never show the key: not in a log, an error or a debug
//! print.

use super::fault::{CloudError, Fault, code_of};
use reqwest::header::{HeaderValue, RETRY_AFTER};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Longest answer of a refusal that is read, bytes: its code stands at the front.
const REFUSAL_BYTES_MAX: usize = 16 * 1024;
/// Longest wait that a provider may ask for and still be asked again by it, s.
const WAIT_MAX: Duration = Duration::from_secs(3600);
/// Connections kept open without work, s: a conversation's next request finds one.
const IDLE: Duration = Duration::from_secs(90);

/// A key. Shown nowhere.
#[derive(Clone, Default)]
pub struct Key(Arc<str>);

/// Why there is no key.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the key file {path} cannot be read ({why})")]
    File { path: String, why: String },
    #[error("there is no key: set the environment variable {variable}, or name a file with it")]
    Missing { variable: String },
    #[error("the key from {place} holds characters that no key has")]
    Malformed { place: String },
}

impl Key {
    /// The key itself; a line end after it is dropped.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] for one that cannot be sent.
    pub fn new(text: &str, place: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.chars().any(|c| !c.is_ascii_graphic()) {
            return Err(KeyError::Malformed { place: place.to_owned() });
        }
        Ok(Self(text.into()))
    }

    /// No key: for providers of one's own that want none.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The key from a file, else from the environment. With neither named, none.
    ///
    /// # Errors
    /// Tells what is missing.
    pub fn find(file: &str, variable: &str, environment: impl Fn(&str) -> Option<String>) -> Result<Self, KeyError> {
        if !file.is_empty() {
            let text = std::fs::read_to_string(Path::new(file))
                .map_err(|error| KeyError::File { path: file.to_owned(), why: error.kind().to_string() })?;
            return Self::new(&text, file);
        }
        if variable.is_empty() {
            return Ok(Self::none());
        }
        let text = environment(variable).filter(|text| !text.trim().is_empty());
        let missing = || KeyError::Missing { variable: variable.to_owned() };
        Self::new(&text.ok_or_else(missing)?, variable)
    }

    #[must_use]
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a header, behind `scheme`; marked so that nothing prints it.
    #[must_use]
    pub fn header(&self, scheme: &str) -> HeaderValue {
        let mut value = HeaderValue::from_str(&format!("{scheme}{}", self.0)).expect("a key is visible ASCII");
        value.set_sensitive(true);
        value
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_none() { "(no key)" } else { "(key)" })
    }
}

/// Where a provider is, and the connections to it; cheap to clone.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its name in settings, logs and records.
    pub provider: Arc<str>,
    base: Arc<str>,
    pub key: Key,
    http: reqwest::Client,
}

impl Endpoint {
    /// # Errors
    /// An address that is none.
    pub fn new(provider: &str, base_url: &str, key: Key, connect: Duration) -> Result<Self, CloudError> {
        let provider: Arc<str> = provider.into();
        let wrong = |said: String| CloudError::new(&provider, Fault::Unfit, said);
        let url = reqwest::Url::parse(base_url).map_err(|why| wrong(format!("its base_url is no address: {why}")))?;
        if !["http", "https", "ws", "wss"].contains(&url.scheme()) {
            return Err(wrong("its base_url begins with none of http, https, ws, wss".into()));
        }
        let is_here = url.host_str().is_some_and(|host| ["127.0.0.1", "localhost", "[::1]"].contains(&host));
        // The program has chosen one at its start; a tool may not have.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut client = reqwest::Client::builder().connect_timeout(connect).pool_idle_timeout(IDLE).tcp_nodelay(true);
        if is_here {
            client = client.no_proxy();
        }
        let http = client.build().map_err(|_| wrong("no connection can be made for it".into()))?;
        let base = base_url.trim_end_matches('/').into();
        Ok(Self { provider, base, key, http })
    }

    /// The address of `path`, by the scheme of the base.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The same for a WebSocket.
    #[must_use]
    pub fn socket_url(&self, path: &str) -> String {
        let url = self.url(path);
        match url.strip_prefix("http") {
            Some(rest) => format!("ws{rest}"),
            None => url,
        }
    }

    /// A request to `path`, without its key.
    pub fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.post(self.url(path))
    }

    /// The same with the key as a bearer.
    pub fn post_as_bearer(&self, path: &str) -> reqwest::RequestBuilder {
        let request = self.post(path);
        if self.key.is_none() { request } else { request.header("authorization", self.key.header("Bearer ")) }
    }

    /// Sends, and turns what is no success into its meaning.
    ///
    /// # Errors
    /// [`CloudError`].
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response, CloudError> {
        let answer = request.send().await.map_err(|error| CloudError::transport(&self.provider, &error))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status().as_u16();
        let wait = answer.headers().get(RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.trim().parse().ok());
        let wait = wait.map(|s: u64| Duration::from_secs(s).min(WAIT_MAX));
        let body = self.read(answer, REFUSAL_BYTES_MAX).await.unwrap_or_default();
        let code = serde_json::from_slice(&body).ok().and_then(|body| code_of(&body));
        Err(CloudError::refused(&self.provider, status, code.as_deref(), wait))
    }

    /// A body of at most `bytes_max`.
    ///
    /// # Errors
    /// [`CloudError`], also for a longer one.
    pub async fn read(&self, mut answer: reqwest::Response, bytes_max: usize) -> Result<Vec<u8>, CloudError> {
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(|error| CloudError::transport(&self.provider, &error))? {
            if body.len() + part.len() > bytes_max {
                return Err(self.strange("its answer is longer than any that makes sense"));
            }
            body.extend_from_slice(&part);
        }
        Ok(body)
    }

    /// It answered what nobody can use.
    #[must_use]
    pub fn strange(&self, said: &str) -> CloudError {
        CloudError::new(&self.provider, Fault::Passing, said)
    }

    /// A deadline has passed.
    #[must_use]
    pub fn late(&self, what: &str, deadline: Duration) -> CloudError {
        CloudError::new(&self.provider, Fault::Passing, format!("no {what} within {} ms", deadline.as_millis()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_and_never_shown() {
        let nowhere = |_: &str| None;
        let here = |name: &str| (name == "MY_KEY").then(|| "sk-secret\n".to_owned());
        let key = Key::find("", "MY_KEY", here).expect("found");
        assert_eq!(key.header("Bearer ").to_str().ok(), Some("Bearer sk-secret"));
        assert!(!format!("{key:?} {:?}", key.header("Bearer ")).contains("secret"));
        assert!(Key::find("", "", nowhere).expect("none is wanted").is_none());
        let missing = Key::find("", "MY_KEY", nowhere).expect_err("no key");
        assert_eq!(missing, KeyError::Missing { variable: "MY_KEY".into() });
        let error = Key::find("", "MY_KEY", |_| Some("sk sec\u{7}ret".into())).expect_err("no key").to_string();
        assert!(error.contains("MY_KEY") && !error.contains("sec"), "{error}");
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("key");
        std::fs::write(&file, "from-file\n").expect("written");
        let file = file.to_str().expect("a path");
        assert_eq!(Key::find(file, "MY_KEY", here).expect("found").header("").to_str().ok(), Some("from-file"));
        assert!(matches!(Key::find("/no/such/file", "MY_KEY", here), Err(KeyError::File { .. })));
    }
}
