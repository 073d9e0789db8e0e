//! What a test of the whole program has around it: a Daily of our own with its REST interface, servers that take the two for
//! Daily, and candidates who go to the rooms. Must never hold an assertion about the program.

use super::fake::rest::{FakeRest, KEY};
use super::fake::{FakeDaily, Guest, claims};
use super::stage::{LOOK, LOOKS, comes};
use crate::support::person::Interview;
use crate::support::server::{Home, Server};

pub struct House {
    pub fake: FakeDaily,
    pub rest: FakeRest,
    settings: Vec<(&'static str, String)>,
}

impl House {
    /// With `more` settings of its servers, besides those that lead to the fake.
    pub async fn build(more: &[(&'static str, &str)]) -> Self {
        let fake = FakeDaily::start().await;
        let rest = FakeRest::start(&fake.hall).await;
        let mut settings = vec![
            ("VIVAVOCE_ROOM__DAILY__API_KEY", KEY.to_owned()),
            ("VIVAVOCE_ROOM__DAILY__API_URL", rest.url.clone()),
            ("VIVAVOCE_ROOM__DAILY__PROXY_URL", fake.proxy_url.clone()),
            ("SSL_CERT_FILE", fake.authority.display().to_string()),
        ];
        settings.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        Self { fake, rest, settings }
    }

    fn settings(&self) -> Vec<(&str, &str)> {
        self.settings.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    pub async fn server(&self) -> Server {
        Server::start(&self.settings()).await
    }

    /// A server with the state of one that is gone, at its address.
    pub async fn server_again(&self, home: Home, address: &str) -> Server {
        Server::start_in(home, address, &self.settings()).await
    }

    /// The interviewer is sent into the room of `interview`, and its candidate goes there too.
    pub async fn candidate(&self, interview: &Interview) -> Guest {
        let token = claims(&interview.go_to_daily().await).expect("claims");
        Guest::join(&self.fake.hall, &room_of(interview), "Candidate", token["ud"].as_str())
    }

    pub async fn interviewer_comes(&self, room: &str) {
        comes("the interviewer is in the room", || !self.fake.hall.clients_in(room).is_empty()).await;
    }
}

pub fn room_of(interview: &Interview) -> String {
    format!("vivavoce-{}", interview.id)
}

/// Waits until something is found.
pub async fn found<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    for _ in 0..LOOKS {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(LOOK).await;
    }
    panic!("{what}: never");
}

pub async fn begins(interview: &Interview) {
    found("the interview begins", async || (!interview.get("").await["start_time"].is_null()).then_some(())).await;
}
