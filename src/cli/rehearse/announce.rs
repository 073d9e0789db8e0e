//! Tells played providers (`vivavoce bench providers`) what is about to be said, so that their transcriber's words are those
//! and no others. Must never be needed: real ones hear for themselves.

use super::call::CallError;
use super::prepare::PreparedAnswer;
use std::sync::Arc;
use std::time::Duration;

/// Longest wait for it to be taken.
const ANSWER: Duration = Duration::from_secs(5);

/// The way to the played providers.
#[derive(Clone, Debug)]
pub struct Announcer {
    url: Arc<str>,
    http: reqwest::Client,
}

impl Announcer {
    /// # Errors
    /// Where no client can be made.
    pub fn new(url: &str) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder().no_proxy().timeout(ANSWER).build()?;
        Ok(Self { url: format!("{}/said", url.trim_end_matches('/')).into(), http })
    }

    /// The next voice that they hear says this.
    pub async fn announce(&self, answer: &PreparedAnswer) -> Result<(), CallError> {
        let sent = self.http.post(&*self.url).json(&answer.stretches).send().await;
        match sent.and_then(reqwest::Response::error_for_status) {
            Ok(_) => Ok(()),
            Err(error) => Err(CallError::Unannounced(error.without_url().to_string())),
        }
    }
}
