//! Telling a webhook: one signed POST. Must never follow a redirect, send by a proxy, read more of the answer than its
//! status, or connect to a private address unless that is allowed.

use super::receiver::{self, Resolver};
use crate::store::PendingDelivery;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{CONTENT_TYPE, HeaderName};
use sha2::Sha256;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// Seconds since 1970, as they are signed.
pub const TIMESTAMP: HeaderName = HeaderName::from_static("x-vivavoce-timestamp");
/// `sha256=` and the HMAC of `{timestamp}.{body}` by the webhook's secret, hexadecimal.
pub const SIGNATURE: HeaderName = HeaderName::from_static("x-vivavoce-signature");
/// Such as `report.ready`.
pub const EVENT: HeaderName = HeaderName::from_static("x-vivavoce-event");
/// The same at each attempt, so that a receiver can tell what it has taken already.
pub const DELIVERY: HeaderName = HeaderName::from_static("x-vivavoce-delivery");

/// Sends.
#[derive(Clone, Debug)]
pub struct Sender {
    client: reqwest::Client,
    allow_private: bool,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    Taken { status: u16 },
    Refused { status: u16 },
    Unreached { why: String },
}

impl Sender {
    /// # Errors
    /// When there is no TLS.
    pub fn new(timeout: Duration, allow_private: bool) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(Resolver { allow_private }))
            .user_agent(concat!("vivavoce/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, allow_private })
    }

    /// One attempt, signed as of `now`.
    pub async fn send(&self, delivery: &PendingDelivery, now: DateTime<Utc>) -> Outcome {
        // Judged again: the setting may have changed since the webhook was added.
        let url = match receiver::check(&delivery.url, self.allow_private) {
            Ok(url) => url,
            Err(why) => return Outcome::Unreached { why },
        };
        let body = delivery.payload.to_string();
        let timestamp = now.timestamp();
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header(TIMESTAMP, timestamp)
            .header(SIGNATURE, sign(&delivery.secret, timestamp, &body))
            .header(EVENT, &delivery.event)
            .header(DELIVERY, delivery.id.to_string())
            .body(body);
        match request.send().await {
            Ok(answer) if answer.status().is_success() => Outcome::Taken { status: answer.status().as_u16() },
            Ok(answer) => Outcome::Refused { status: answer.status().as_u16() },
            Err(error) => Outcome::Unreached { why: told(&error) },
        }
    }
}

/// `sha256=` and the signature of a body at a time.
#[must_use]
pub fn sign(secret: &[u8], timestamp: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(format!("{timestamp}.{body}").as_bytes());
    let mut text = "sha256=".to_owned();
    for byte in mac.finalize().into_bytes() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Why it was not reached, in words of ours: an error's own may quote the address with what stands in it.
fn told(error: &reqwest::Error) -> String {
    let why = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection (the name, the address or the certificate)"
    } else {
        "the connection broke"
    };
    why.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_hmac_of_time_and_body() {
        // By `printf '1700000000.{}' | openssl dgst -sha256 -hmac secret`.
        assert_eq!(sign(b"secret", 1_700_000_000, "{}"), EXPECTED);
    }

    const EXPECTED: &str = "sha256=b8569b78799ff9e3cbff0fc2d63a33a2b57f3282abd07c37ae5e8e7d79a5f163";
}
