//! An interview in a Daily room whose server dies, or whose maker hangs up: the interviewer goes back into the room, at the
//! same question; no room is left behind; and a worker knows no key.

use super::fake::rest::{FakeRest, KEY};
use super::fake::{FakeDaily, Guest, claims};
use super::interviews::{begins, comes};
use super::network::alone;
use super::worker::left;
use crate::support::person::Interview;
use crate::support::server::Server;
use std::time::Duration;

/// Looks, 100 ms apart, for what comes soon.
const LOOKS: usize = 600;
/// How long Daily takes to make a room where somebody does not wait for it, ms.
const SLOW_MS: u64 = 1_000;

/// Which question is in hand, once there is one.
async fn question(interview: &Interview) -> String {
    for _ in 0..LOOKS {
        if let Some(id) = interview.get("").await["question"]["id"].as_str() {
            return id.to_owned();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("a question is asked: never");
}

/// Whoever wants an interview hangs up while its room is being made: it is made to the end, or nothing of it is left.
async fn whoever_hangs_up_leaves_no_room(server: &Server, rest: &FakeRest) {
    rest.books().slow_ms = SLOW_MS;
    let (brief, url) = (Duration::from_millis(SLOW_MS / 2), server.url());
    let asked = tokio::time::timeout(brief, Interview::make_in(&url, 1, "daily")).await;
    assert!(asked.is_err(), "it was made sooner than its room");
    rest.books().slow_ms = 0;
    for _ in 0..LOOKS {
        let rooms: Vec<String> = rest.books().rooms.keys().cloned().collect();
        let listed = server.json("/api/v1/interviews").await;
        let ids: Vec<&str> =
            listed["interviews"].as_array().expect("a list").iter().filter_map(|one| one["id"].as_str()).collect();
        if rooms.iter().all(|room| ids.iter().any(|id| room.ends_with(id))) {
            rest.books().rooms.clear();
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("a room is left that belongs to no interview");
}

#[test]
fn daily_interview_goes_on_after_its_server_has_died_and_leaves_no_room() {
    alone(|| async {
        let Some(_alone) = crate::whole::alone().await else { return };
        let fake = FakeDaily::start().await;
        let rest = FakeRest::start(&fake.hall).await;
        let authority = fake.authority.display().to_string();
        let settings = [
            ("VIVAVOCE_ROOM__DAILY__API_KEY", KEY),
            ("VIVAVOCE_ROOM__DAILY__API_URL", rest.url.as_str()),
            ("VIVAVOCE_ROOM__DAILY__PROXY_URL", fake.proxy_url.as_str()),
            ("SSL_CERT_FILE", authority.as_str()),
        ];
        let server = Server::start(&settings).await;
        whoever_hangs_up_leaves_no_room(&server, &rest).await;

        let interview = Interview::make_in(&server.url(), 1, "daily").await;
        let room = format!("vivavoce-{}", interview.id);
        let token = claims(&interview.go_to_daily().await).expect("claims");
        let _guest = Guest::join(&fake.hall, &room, "Candidate", token["ud"].as_str());
        begins(&interview).await;
        let asked = question(&interview).await;
        let workers = left(&fake);
        assert_eq!(workers.len(), 1);
        let environment = std::fs::read(format!("/proc/{}/environ", workers[0])).expect("it runs");
        assert!(!String::from_utf8_lossy(&environment).contains(KEY), "the worker has the key in its environment");

        let address = server.address.clone();
        let home = server.kill();
        comes("the worker goes with its server", || left(&fake).is_empty()).await;
        let server = Server::start_in(home, &address, &settings).await;
        comes("the interviewer is back in the room", || !fake.hall.clients_in(&room).is_empty()).await;
        assert_eq!(question(&interview).await, asked, "at the same question");

        // Ended while nobody holds it: the record alone closes it, and its room goes too.
        let home = server.kill();
        comes("the worker goes with its server", || left(&fake).is_empty()).await;
        let server = Server::start_in(home, &address, &settings).await;
        for _ in 0..LOOKS {
            if interview.ask_to_end().await == Some(202) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        comes("the room is deleted", || rest.books().rooms.is_empty()).await;
        assert!(!interview.get("").await["end_time"].is_null());
        server.stop().await;
    });
}
